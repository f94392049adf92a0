//! `spm ledger`: post periods, and read what is posted.

pub(super) mod adjust;
mod hand_over;
mod post;
mod show;
mod verify;

use std::time::SystemTime;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::moment::Moment;
use spm_core::ground::period::Date;
use spm_core::ground::source::Place;
use spm_core::plan::ledger::Payroll;

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::payroll::payroll;
use crate::ledger::read::Posted;
use crate::ledger::{SHORTEST_HASH, Store};

/// Ledger commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Calculate open periods and seal them: they never change again
    #[command(
        after_help = "Examples:\n  spm ledger post --period 2027-01 --dry-run\n  spm ledger post --period 2027-Q1\n\nPeriods are posted in order, all of them or none. Posting what is posted changes nothing."
    )]
    Post {
        /// A period, a quarter or year (2027-Q1), or a range
        #[arg(long)]
        period: String,
        /// Go on when transactions, people or plans that posted periods rest on are gone: what they earned is taken back
        #[arg(long)]
        allow_gone: bool,
        /// Go on when corrections take back most of what most people were paid, or pay it twice
        #[arg(long)]
        allow_corrections: bool,
        /// When it is recorded, UTC, such as 2027-02-01T09:30:00Z; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
        /// The cut-off: with what was known at a moment, or at the end of a day. What was recorded later is for the next posting
        #[arg(long, value_name = "DATE|DATETIME", value_parser = Moment::or_end_of_day)]
        as_of: Option<Moment>,
    },
    /// List what is posted: period, when, payments, corrections, hash
    List,
    /// Show the lines of a posted period, or explain one of them
    #[command(
        after_help = "Examples:\n  spm ledger show --period 2027-02\n  spm ledger show --period 2027-02 --line 3"
    )]
    Show {
        /// A posted period
        #[arg(long)]
        period: String,
        /// Only this person
        #[arg(long)]
        rep: Option<String>,
        /// Explain this line: now, and as it was booked before
        #[arg(long, conflicts_with = "rep")]
        line: Option<i64>,
        /// Explain what the person was paid: from what was payable to the payment
        #[arg(long, requires = "rep")]
        payment: bool,
    },
    /// Show what changed since it was posted: the corrections that the next period would book
    #[command(
        after_help = "Exit code 1 when something changed. Parts of a posted amount that merely fall due are listed and do not count."
    )]
    Diff,
    /// Check the chain of hashes, the balances, and the calculation from the same inputs
    #[command(
        after_help = "Exit code 1 when something is wrong: the first difference is named.\n\nA ledger that lost its last records is still a chain. Keep the last hash that verify prints elsewhere, and give it to\n  spm ledger verify --expect-head HASH"
    )]
    Verify {
        /// A hash that was written down before, or its first 12 digits or more: the chain has to have it still
        #[arg(long, value_name = "HASH", value_parser = hash)]
        expect_head: Option<String>,
    },
    /// Show balances: held, carried, draws, clawbacks
    Balances {
        /// As a posted period left them; the last one when absent
        #[arg(long)]
        period: Option<String>,
    },
    /// Show how each balance went from opening to closing, with earnings and payments between
    Reconcile {
        /// A posted period; the last one when absent
        #[arg(long)]
        period: Option<String>,
    },
    /// Hand payments to payroll: who, how much, in which currency, with which reference
    #[command(
        after_help = "Examples:\n  spm ledger payments --period 2027-02 --output payroll.csv\n  spm ledger payments --period 2027-02 --execution-date 2027-03-15 --format csv\n\nColumns and headings are those of [ledger] payments in spm.toml. Payments of zero are left out."
    )]
    Payments {
        /// A posted period; the last one when absent
        #[arg(long)]
        period: Option<String>,
        /// The day of payment, for a column `execution_date`
        #[arg(long, value_name = "DATE", value_parser = day)]
        execution_date: Option<Date>,
    },
    /// Journal entries: accrual, balances, payment, capitalised commission and its amortization (ASC 340-40)
    #[command(
        after_help = "Accounts and what is capitalised are [ledger] accounts and capitalise in spm.toml. Debits and credits are equal."
    )]
    Journal {
        /// A posted period; the last one when absent
        #[arg(long)]
        period: Option<String>,
    },
    /// Show how each capitalised asset went from opening to closing: added, amortized, left
    Assets {
        /// A posted period; the last one when absent
        #[arg(long)]
        period: Option<String>,
    },
    /// Write every table of the ledger as a file, for auditors and for a copy that needs no spm
    Export {
        /// Folder to write; it appears complete or not at all, in place of nothing but an earlier export
        folder: std::path::PathBuf,
        /// CSV instead of Parquet
        #[arg(long)]
        csv: bool,
    },
    /// Adjustments by hand: with a reason, an author, and the approval of somebody else
    #[command(subcommand)]
    Adjust(adjust::Command),
}

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    match command {
        Command::Post { period, allow_gone, allow_corrections, recorded_at, as_of } => {
            ui.notices(&opened.notices);
            let allowed = post::Allowed { gone: *allow_gone, corrections: *allow_corrections };
            let asked = post::Asked { allowed, recorded_at: *recorded_at, as_of: *as_of };
            post::run(&opened, period, asked, global, ui)
        }
        Command::List => show::list(&opened, global, ui),
        Command::Show { period, rep, payment: true, .. } => {
            show::payment(&opened, period, rep.as_deref().unwrap_or_default(), global, ui)
        }
        Command::Show { period, rep, line, .. } => {
            show::show(&opened, period, rep.as_deref(), *line, global, ui)
        }
        Command::Diff => show::diff(&opened, global, ui),
        Command::Verify { expect_head } => verify::run(&opened, expect_head.as_deref(), global, ui),
        Command::Balances { period } => {
            let (store, posted) = begin(&opened, period.as_deref())?;
            command::finish(&store.closings(posted.record)?, "spm.balances/1", global, ui)?;
            Ok(exit::DONE)
        }
        Command::Reconcile { period } => {
            let (store, posted) = begin(&opened, period.as_deref())?;
            command::finish(&store.reconciliation(posted.record)?, "spm.reconciliation/1", global, ui)?;
            Ok(exit::DONE)
        }
        Command::Payments { period, execution_date } => {
            let spec = &opened.project.ledger;
            let dated = Payroll::Field("execution_date".to_owned());
            if execution_date.is_none() && spec.payments.iter().any(|(_, filled)| *filled == dated) {
                let message = "[ledger] payments of spm.toml has a column for the day of payment: add --execution-date DATE";
                return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
            }
            let (store, posted) = begin(&opened, period.as_deref())?;
            let (table, warnings) = payroll(&store, &posted, spec, *execution_date)?;
            let mut sink = Sink::default();
            warnings.into_iter().for_each(|warning| sink.push(warning));
            ui.notices(&sink);
            command::finish(&table, "spm.payroll/1", global, ui)?;
            Ok(exit::DONE)
        }
        Command::Journal { period } => hand_over::entries(&opened, period.as_deref(), global, ui),
        Command::Assets { period } => hand_over::assets(&opened, period.as_deref(), global, ui),
        Command::Export { folder, csv } => hand_over::export(&opened, folder, *csv, global, ui),
        Command::Adjust(command) => adjust::run(&opened, command, global, ui),
    }
}

fn hash(text: &str) -> Result<String, String> {
    let digits = text.trim();
    if digits.len() < SHORTEST_HASH
        || digits.len() > 64
        || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        return Err(format!(
            "{text} is no hash: 64 hexadecimal digits as spm ledger verify prints them, or the first {SHORTEST_HASH} of them at least"
        ));
    }
    Ok(digits.to_lowercase())
}

fn day(text: &str) -> Result<Date, String> {
    Date::strptime("%Y-%m-%d", text).map_err(|_| format!("{text} is no day, such as 2027-03-15"))
}

/// The ledger for reading; a fault when nothing was ever recorded.
pub(super) fn existing(opened: &Opened) -> Result<Store, Failure> {
    opened.ledger()?.ok_or_else(|| {
        let fault = Diagnostic::error(Code::SPM503, "the project has no ledger yet");
        let fault = fault.at(Place::File(".spm/ledger.db".to_owned()), "");
        Failure::fault(fault.hint("spm ledger post --period PERIOD posts the first period"), exit::INPUT)
    })
}

/// How commands about a posted period begin: the ledger, and the period; the last one when none is named.
pub(super) fn begin(opened: &Opened, period: Option<&str>) -> Result<(Store, Posted), Failure> {
    let store = existing(opened)?;
    let posted = store.posted(&opened.project.calendar, period)?;
    Ok((store, posted))
}

/// Years that a record may lie ahead of the clock. One from the far future would bar every one that is made in time.
const YEARS_AHEAD: i64 = 5;

/// When something is recorded: what was asked for, or the clock, which influences no number.
pub(super) fn recorded_at(asked: Option<Moment>) -> Result<String, Failure> {
    let past = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(past.as_millis()).unwrap_or_default();
    let latest = now.saturating_add(YEARS_AHEAD * 366 * 86_400_000);
    if let Some(moment) = asked.filter(|moment| moment.milliseconds() > latest) {
        let now = Moment::from_milliseconds(now).map_or_else(String::new, Moment::to_seconds);
        let message = format!(
            "--recorded-at {moment} is more than {YEARS_AHEAD} years after the clock, which says {now}: every later record would have to be later still"
        );
        return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
    }
    Ok(asked.or_else(|| Moment::from_milliseconds(now)).map_or_else(String::new, Moment::to_seconds))
}
