//! Floor 5, the command line: the only place with clap, the terminal, the environment and exit codes.

mod command;
mod exit;
mod project;
mod ui;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::report::table::Format;
use exit::Failure;
use ui::Ui;

/// Sales performance management as code: territories, quotas and commission, exact and explained.
#[derive(Debug, Parser)]
#[command(name = "spm", version, arg_required_else_help = true, after_help = EXAMPLES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const EXAMPLES: &str = "Examples:
  spm init acme                                      a new project to fill in
  spm check                                          every fault of plans and extracts at once
  spm run                                            territories, forecast, quotas, commission
  spm comp run --period P1                           what everyone is paid in period P1
  spm comp explain --rep 275 --period P5             why

Exit codes: 0 done, 1 the answer is no, 2 usage, 3 invalid input, 4 no feasible answer, 70 a fault of spm";

/// Settings that every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// Folder of the project; by default the nearest folder upwards that has an spm.toml
    #[arg(long, global = true, value_name = "DIR", env = "SPM_PROJECT")]
    project: Option<PathBuf>,
    /// How results are printed on standard output
    #[arg(long, global = true, value_enum, default_value = "table")]
    format: Format,
    /// Also write the main table to this file (.parquet, .csv or .xlsx)
    #[arg(long, short, global = true, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Calculate and print, but write nothing
    #[arg(long, short = 'n', global = true)]
    dry_run: bool,
    /// Go on without the rows that cannot be used (they are listed in out/rejects)
    #[arg(long, global = true)]
    allow_rejects: bool,
    /// Threads to use; results never depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Colour of messages (NO_COLOR is respected)
    #[arg(long, global = true, value_enum, default_value = "auto")]
    color: Color,
    /// Print errors only
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Say more about what is done
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the periods of the fiscal calendar with their days
    #[command(after_help = "Example:\n  spm calendar --format csv")]
    Calendar,
    /// Check the project, its plans and its extracts
    Check(command::check::Arguments),
    /// Calculate and explain commission
    #[command(subcommand)]
    Comp(command::comp::Command),
    /// Print the shell completions
    Completions { shell: clap_complete::Shell },
    /// Look at extracts
    #[command(subcommand)]
    Data(command::data::Command),
    /// Disagree with a posted line, and settle that
    #[command(subcommand)]
    Dispute(command::dispute::Command),
    /// Explain a fault code, such as SPM105; without one, list all
    ExplainCode { code: Option<String> },
    /// Forecast revenue by group and period, with the back-test beside it
    Forecast(command::forecast::Arguments),
    /// Start a project
    Init(command::init::Arguments),
    /// Post periods, and read what is posted: balances, payments, corrections
    #[command(subcommand)]
    Ledger(command::ledger::Command),
    /// Print the man page of the program, or of a command
    #[command(after_help = "Examples:\n  spm man | man -l -\n  spm man quotas allocate")]
    Man {
        /// The command, such as `quotas allocate`; the program itself when absent
        command: Vec<String>,
    },
    /// Learn what every seat is expected to sell, from what seats are like
    Potential(command::potential::Arguments),
    /// Share quotas from the company to salespeople
    #[command(subcommand)]
    Quotas(command::quotas::Command),
    /// Run the whole chain: territories, forecast, potential, quotas, commission
    Run(command::chain::Arguments),
    /// Print the JSON schema of a file, for completion in editors
    Schema(command::schema::Arguments),
    /// Divide accounts among salespeople
    Territories(command::territories::Arguments),
}

/// Parses, runs, and turns the result into an exit code.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        ui::crash(&format!("{panic}"));
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error),
    };
    if let Some(code) = with_threads(&cli.global) {
        return code;
    }
    let mut ui = Ui::new(&cli.global);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli, &mut ui)));
    match result {
        Ok(Ok(code)) => code.into(),
        Ok(Err(failure)) => ui.fail(failure),
        Err(_) => exit::BUG.into(),
    }
}

/// Polars takes its number of threads from the environment when it starts, so another process is started with it.
fn with_threads(global: &Global) -> Option<ExitCode> {
    const VARIABLE: &str = "POLARS_MAX_THREADS";
    let threads = global.threads?.to_string();
    if std::env::var(VARIABLE).as_deref() == Ok(threads.as_str()) {
        return None;
    }
    let mut command = std::process::Command::new(std::env::current_exe().ok()?);
    command.args(std::env::args_os().skip(1)).env(VARIABLE, threads);
    started_anew(&mut command)
}

/// The same process, so that whoever stops it stops all of it.
#[cfg(unix)]
fn started_anew(command: &mut std::process::Command) -> Option<ExitCode> {
    let error = std::os::unix::process::CommandExt::exec(command);
    ui::crash(&format!("cannot start anew with --threads: {error}"));
    Some(exit::BUG.into())
}

#[cfg(not(unix))]
fn started_anew(command: &mut std::process::Command) -> Option<ExitCode> {
    let code = command.status().ok()?.code().and_then(|code| u8::try_from(code).ok());
    Some(code.unwrap_or(exit::BUG.0).into())
}

fn run(cli: &Cli, ui: &mut Ui) -> Result<exit::Code, Failure> {
    // Said before anything is calculated or posted.
    command::check_output(&cli.global)?;
    match &cli.command {
        Command::Calendar => command::calendar::run(&cli.global, ui),
        Command::Check(arguments) => command::check::run(arguments, &cli.global, ui),
        Command::Comp(command) => command::comp::run(command, &cli.global, ui),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "spm", &mut bytes);
            ui.data(&String::from_utf8_lossy(&bytes))?;
            Ok(exit::DONE)
        }
        Command::Data(command) => command::data::run(command, &cli.global, ui),
        Command::Forecast(arguments) => command::forecast::run(arguments, &cli.global, ui),
        Command::Init(arguments) => command::init::run(arguments, &cli.global, ui),
        Command::Dispute(command) => command::dispute::run(command, &cli.global, ui),
        Command::ExplainCode { code } => command::code::run(code.as_deref(), ui),
        Command::Ledger(command) => command::ledger::run(command, &cli.global, ui),
        Command::Man { command } => {
            let mut bytes = Vec::new();
            clap_mangen::Man::new(command_named(command)?).render(&mut bytes)?;
            ui.data(&String::from_utf8_lossy(&bytes))?;
            Ok(exit::DONE)
        }
        Command::Potential(arguments) => command::potential::run(arguments, &cli.global, ui),
        Command::Quotas(command) => command::quotas::run(command, &cli.global, ui),
        Command::Run(arguments) => command::chain::run(arguments, &cli.global, ui),
        Command::Territories(arguments) => command::territories::run(arguments, &cli.global, ui),
        Command::Schema(arguments) => command::schema::run(arguments, &cli.global, ui),
    }
}

/// A command by its words, with the settings that every command takes; the program itself by none.
fn command_named(words: &[String]) -> Result<clap::Command, Failure> {
    let mut program = Cli::command();
    program.build();
    let mut found = &program;
    for word in words {
        found = found.find_subcommand(word).ok_or_else(|| {
            let names: Vec<&str> = found.get_subcommands().map(clap::Command::get_name).collect();
            let message = match names.is_empty() {
                true => format!("`{}` has no command `{word}`", found.get_name()),
                false => format!("there is no command `{word}`; the commands are {}", names.join(", ")),
            };
            Failure::Other(anyhow::anyhow!(message), exit::USAGE)
        })?;
    }
    let name = std::iter::once("spm").chain(words.iter().map(String::as_str)).collect::<Vec<_>>();
    Ok(found.clone().name(name.join("-")).bin_name(name.join(" ")))
}
