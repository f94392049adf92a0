//! `spm ledger adjust`: adjustments by hand.

use std::path::PathBuf;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::money::{Currency, Money};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::Rounding;
use spm_core::ground::source::Place;
use spm_frame::load::{Need, load};

use super::{existing, moment, recorded_at};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::Access;
use crate::ledger::decisions::{Adjustment, Decision, check, decide};

/// Adjustments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Record an adjustment; it counts when it is approved
    #[command(
        after_help = "Example:\n  spm ledger adjust add --rep A --period 2027-02 --amount -150.00 --reason \"paid twice\" --author kim --evidence mail.pdf"
    )]
    Add {
        /// The person
        #[arg(long)]
        rep: String,
        /// The period that it is for
        #[arg(long)]
        period: String,
        /// How much; below zero takes away
        #[arg(long, allow_hyphen_values = true)]
        amount: String,
        /// Currency; that of the project when absent
        #[arg(long)]
        currency: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who wants it
        #[arg(long)]
        author: String,
        /// A file that proves it: its SHA-256 is kept
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME", value_parser = moment)]
        recorded_at: Option<String>,
    },
    /// Approve an adjustment: the next posting books it
    Approve {
        /// Number of the adjustment
        number: i64,
        /// Who approves
        #[arg(long)]
        approver: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME", value_parser = moment)]
        recorded_at: Option<String>,
    },
    /// List adjustments, who approved them, and where they were booked
    List,
}

/// Runs one of the commands.
pub fn run(opened: &Opened, command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    match command {
        Command::List => {
            let store = existing(opened)?;
            let sql = "SELECT adjustment.record AS adjustment, payee_id, adjustment.period, currency, amount, reason, author, approver, evidence, evidence_sha256,
                (SELECT posting.period FROM line JOIN posting ON posting.record = line.record WHERE kind = 'adjustment' AND component = CAST(adjustment.record AS TEXT)) AS booked_in
                FROM adjustment LEFT JOIN approval ON approval.adjustment = adjustment.record ORDER BY adjustment.record";
            command::finish(&store.table(sql, [], &["amount"])?, "spm.adjustments/1", global, ui)?;
        }
        Command::Add { rep, period, amount, currency, reason, author, evidence, recorded_at: asked } => {
            let period = single(opened, period)?;
            let money = money(amount, currency.as_deref().unwrap_or(opened.project.currency.code()))?;
            let evidence = match evidence {
                None => None,
                Some(path) => {
                    let bytes = std::fs::read(path).map_err(|error| {
                        let message = format!("cannot read {}: {error}", path.display());
                        let place = Place::File(path.display().to_string());
                        Failure::fault(Diagnostic::error(Code::SPM001, message).at(place, ""), exit::INPUT)
                    })?;
                    Some((path.display().to_string(), spm_frame::read::sha256(&bytes)))
                }
            };
            let evidence = evidence.as_ref().map(|(path, hash)| (path.as_str(), hash.as_str()));
            let decision = Decision::Adjust(Adjustment {
                payee: rep,
                period: &period,
                amount: &money,
                reason,
                author,
                evidence,
            });
            if !known(opened, rep)? {
                let message = format!("{rep} is neither in the table reps nor in the ledger");
                let warning = Diagnostic::warning(Code::SPM706, message);
                let mut sink = Sink::default();
                sink.push(
                    warning.hint("an adjustment that is not approved pays nothing: check the identifier"),
                );
                ui.notices(&sink);
            }
            if let Some(number) = record(opened, &decision, asked.as_deref(), global, ui)? {
                ui.status(&format!("adjustment {number} of {money} waits for approval: spm ledger adjust approve {number} --approver NAME"));
            }
        }
        Command::Approve { number, approver, recorded_at: asked } => {
            let two_person = opened.project.ledger.two_person;
            let decision = Decision::Approve { adjustment: *number, approver, two_person };
            if record(opened, &decision, asked.as_deref(), global, ui)?.is_some() {
                ui.status(&format!("adjustment {number} is approved; the next posting books it"));
            }
        }
    }
    Ok(exit::DONE)
}

/// Whether a person is in the table reps, or has a line in the ledger.
fn known(opened: &Opened, rep: &str) -> Result<bool, Failure> {
    if let Some(store) = opened.ledger(Access::Read)?
        && store.text("SELECT payee_id FROM line WHERE payee_id = ?1 LIMIT 1", [rep])?.is_some()
    {
        return Ok(true);
    }
    // What is wrong with the extracts is for the run to say.
    let need = Need { tables: &["reps"], own: None, days: None };
    let tables = load(&opened.root, &opened.project, &need, &mut Sink::default());
    let ids = tables.get("reps").and_then(|reps| reps.texts("rep_id"));
    Ok(ids.is_some_and(|ids| ids.iter().flatten().any(|id| id == rep)))
}

/// Checks a decision, records it and prints its number; `None` when nothing is to be written.
pub(in crate::cli::command) fn record(
    opened: &Opened,
    decision: &Decision<'_>,
    asked: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<Option<i64>, Failure> {
    if global.dry_run {
        check(opened.ledger(Access::Read)?.as_ref(), decision)?;
        ui.status("it could be recorded; nothing was written");
        return Ok(None);
    }
    let Some(mut store) = opened.ledger(Access::Write)? else { return Ok(None) };
    let number = decide(&mut store, decision, &recorded_at(asked))?;
    ui.data(&format!("{number}\n"))?;
    Ok(Some(number))
}

/// The name of one leaf period.
fn single(opened: &Opened, name: &str) -> Result<String, Failure> {
    let periods = opened.periods(name)?;
    if periods.len() != 1 {
        let message = format!("{name} is {} periods; an adjustment is for one", periods.len());
        return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
    }
    Ok(opened.project.calendar.periods()[periods.start].name.clone())
}

fn money(amount: &str, currency: &str) -> Result<Money, Failure> {
    let usage = |message: String| Failure::Other(anyhow::Error::msg(message), exit::USAGE);
    let currency = Currency::from_code(currency)
        .ok_or_else(|| usage(format!("{currency} is not a currency: three capital letters, ISO 4217")))?;
    let exact: Rational =
        amount.parse().map_err(|_| usage(format!("{amount} is not an amount such as -150.00")))?;
    let money = Money::round(&exact, &currency, Rounding::default());
    let whole = money.filter(|money| money.exact() == exact && money.minor_units != 0);
    whole.ok_or_else(|| {
        usage(format!(
            "{amount} is not an amount of {currency} with {} decimals other than 0",
            currency.decimals()
        ))
    })
}
