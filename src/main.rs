//! `spm`: sales performance management as code.

mod cli;
mod report;

fn main() -> std::process::ExitCode {
    cli::main()
}
