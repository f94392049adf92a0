//! `spm dispute`: a payee disagrees with a posted line, and how that was settled.

use spm_core::ground::moment::Moment;

use super::ledger::adjust::record;
use super::ledger::{begin, existing};
use crate::cli::exit::{self, Failure};
use crate::cli::project;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::decisions::Decision;

/// Dispute commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Disagree with a line of a posted period
    #[command(
        after_help = "Example:\n  spm dispute open --period 2027-02 --line 3 --reason \"deal d7 is mine\" --author A"
    )]
    Open {
        /// The posted period
        #[arg(long)]
        period: String,
        /// Number of the line: spm ledger show lists them
        #[arg(long)]
        line: i64,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who disagrees
        #[arg(long)]
        author: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// Answer a dispute, with the adjustment that settles it if there is one
    #[command(
        after_help = "Example:\n  spm dispute resolve 4 --answer \"d7 was split wrongly\" --adjustment 5 --author kim"
    )]
    Resolve {
        /// Number of the dispute
        number: i64,
        /// The answer
        #[arg(long)]
        answer: String,
        /// Number of the adjustment that settles it
        #[arg(long)]
        adjustment: Option<i64>,
        /// Who answers
        #[arg(long)]
        author: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// List disputes with their lines, answers and adjustments
    List,
}

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    match command {
        Command::List => {
            command::finish(&existing(&opened)?.disputes()?, "spm.disputes/1", global, ui)?;
        }
        Command::Open { period, line, reason, author, recorded_at } => {
            let posting = begin(&opened, Some(period))?.1.record;
            let decision = Decision::Dispute { posting, line: *line, reason, author };
            if let Some(number) = record(&opened, &decision, *recorded_at, global, ui)? {
                ui.status(&format!("dispute {number} is open"));
            }
        }
        Command::Resolve { number, answer, adjustment, author, recorded_at } => {
            let decision = Decision::Resolve { dispute: *number, adjustment: *adjustment, answer, author };
            if record(&opened, &decision, *recorded_at, global, ui)?.is_some() {
                ui.status(&format!("dispute {number} is resolved"));
            }
        }
    }
    Ok(exit::DONE)
}
