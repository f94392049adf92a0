//! `spm ledger adjust`: adjustments by hand.

use std::path::PathBuf;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::moment::Moment;
use spm_core::ground::money::{Currency, Money};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::Rounding;
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_frame::load::{Need, load};

use super::{existing, recorded_at};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::decisions::{Adjustment, Decision, Rules, check, decide, reversal};

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
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// Approve an adjustment: the next posting books it
    Approve {
        /// Number of the adjustment
        number: i64,
        /// Who approves
        #[arg(long)]
        approver: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// Reject an adjustment, or take back an approved one that is not booked yet
    #[command(
        after_help = "Example:\n  spm ledger adjust withdraw 4 --reason \"the deal is in the extract now\" --author lee\n\nBefore it is approved, anybody may. Afterwards, under the two-person rule, its author or its approver. What is booked stays: add the opposite amount."
    )]
    Withdraw {
        /// Number of the adjustment
        number: i64,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who withdraws it
        #[arg(long)]
        author: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// Record the opposite of a booked adjustment: an equal negative entry, which has to be approved like any other
    #[command(
        after_help = "Example:\n  spm ledger adjust reverse 4 --reason \"it was paid in May already\" --author lee"
    )]
    Reverse {
        /// Number of the booked adjustment
        number: i64,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who wants it
        #[arg(long)]
        author: String,
        /// When it is recorded, UTC; now when absent
        #[arg(long, value_name = "DATETIME")]
        recorded_at: Option<Moment>,
    },
    /// List adjustments, who approved or withdrew them, and where they were booked
    List,
}

/// Runs one of the commands.
pub fn run(opened: &Opened, command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    match command {
        Command::List => {
            command::finish(&existing(opened)?.adjustments()?, "spm.adjustments/1", global, ui)?;
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
                reverses: None,
            });
            if let Some(warning) = unknown(opened, rep)? {
                let mut sink = Sink::default();
                sink.push(warning);
                ui.notices(&sink);
            }
            if let Some(number) = record(opened, &decision, *asked, global, ui)? {
                ui.status(&format!("adjustment {number} of {money} waits for approval: spm ledger adjust approve {number} --approver NAME"));
            }
        }
        Command::Reverse { number, reason, author, recorded_at: asked } => {
            let (payee, period, money) = reversal(&existing(opened)?, *number)?;
            let whole = format!("reverses adjustment {number}: {}", reason.trim());
            // An empty reason is refused as such.
            let reason = if reason.trim().is_empty() { reason } else { &whole };
            let decision = Decision::Adjust(Adjustment {
                payee: &payee,
                period: &period,
                amount: &money,
                reason,
                author,
                evidence: None,
                reverses: Some(*number),
            });
            if let Some(number) = record(opened, &decision, *asked, global, ui)? {
                ui.status(&format!("adjustment {number} of {money} waits for approval: spm ledger adjust approve {number} --approver NAME"));
            }
        }
        Command::Approve { number, approver, recorded_at: asked } => {
            let decision = Decision::Approve { adjustment: *number, approver };
            if record(opened, &decision, *asked, global, ui)?.is_some() {
                ui.status(&format!(
                    "adjustment {number} is approved; it is booked by the next posting, or by that of its period when that is later"
                ));
            }
        }
        Command::Withdraw { number, reason, author, recorded_at: asked } => {
            let decision = Decision::Withdraw { adjustment: *number, reason, author };
            if record(opened, &decision, *asked, global, ui)?.is_some() {
                ui.status(&format!("adjustment {number} is withdrawn and will not be booked"));
            }
        }
    }
    Ok(exit::DONE)
}

/// A warning when a person is neither in the table reps nor in the ledger.
fn unknown(opened: &Opened, rep: &str) -> Result<Option<Diagnostic>, Failure> {
    if opened.ledger()?.map_or(Ok(false), |store| store.knows(rep))? {
        return Ok(None);
    }
    // What is wrong with the extracts is for the run to say.
    let need = Need { tables: &["reps"], own: None, days: None, as_of: None };
    let tables = load(opened.folders(), &opened.project, &need, &mut Sink::default());
    let reps = tables.get("reps");
    let ids = reps.and_then(|reps| reps.texts("rep_id"));
    if ids.is_some_and(|ids| ids.iter().flatten().any(|id| id == rep)) {
        return Ok(None);
    }
    let file = reps.and_then(|reps| reps.files.first()).map_or("spm.toml", |file| file.path.as_str());
    let message = format!("{rep} is neither in the table reps nor in the ledger");
    let warning = Diagnostic::warning(Code::SPM706, message).at(Place::File(file.to_owned()), "");
    Ok(Some(warning.hint("an adjustment that is not approved pays nothing: check the identifier")))
}

/// Checks a decision, records it and prints its number; `None` when nothing is to be written.
pub(in crate::cli::command) fn record(
    opened: &Opened,
    decision: &Decision<'_>,
    asked: Option<Moment>,
    global: &Global,
    ui: &Ui,
) -> Result<Option<i64>, Failure> {
    let project = &opened.project;
    let mut currencies = vec![project.currency.clone()];
    currencies.extend(
        opened
            .plans_of(|plan| match plan {
                Plan::Comp(plan) => Some(&plan.currency),
                _ => None,
            })
            .into_iter()
            .cloned(),
    );
    currencies.sort();
    currencies.dedup();
    let two_person = project.ledger.two_person;
    let rules = Rules { calendar: &project.calendar, currencies: &currencies, two_person };
    let recorded_at = recorded_at(asked)?;
    if global.dry_run {
        let store = opened.ledger()?;
        check(store.as_ref(), decision, &rules)?;
        if let Some(store) = store.filter(|_| asked.is_some()) {
            store.not_before(&recorded_at)?;
        }
        ui.status("it could be recorded; nothing was written");
        return Ok(None);
    }
    let mut pen = opened.pen()?;
    check(pen.store(), decision, &rules)?;
    let number = decide(pen.start()?, decision, two_person, &recorded_at)?;
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
