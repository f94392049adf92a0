//! `spm`: sales performance management as code.

mod cli;
mod insight;
mod ledger;
mod report;

/// Tables come and go by the gigabyte. The system's allocator hands each back to the kernel, which clears every page
/// anew: a third of the time of a run on ten million transactions (`docs/decisions.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
