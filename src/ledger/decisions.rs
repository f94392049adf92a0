//! Decisions by people: adjustments with their approvals, disputes with their resolutions.

use rusqlite::params;
use spm_core::engine::ledger::{Amounts, Entitled, Entitlements, Key, Kind};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::money::Money;
use spm_core::ground::period::Calendar;
use spm_core::ground::trace::{Node, Unit};

use super::fault::Fault;
use super::read::{index_of, who};
use super::store::{Header, Store};

/// An adjustment to record.
#[derive(Clone, Debug)]
pub struct Adjustment<'a> {
    /// For whom.
    pub payee: &'a str,
    /// The period that it is for.
    pub period: &'a str,
    /// How much.
    pub amount: &'a Money,
    /// Why.
    pub reason: &'a str,
    /// Who wants it.
    pub author: &'a str,
    /// Path and SHA-256 of a file that proves it.
    pub evidence: Option<(&'a str, &'a str)>,
}

/// A decision to record.
#[derive(Clone, Debug)]
pub enum Decision<'a> {
    /// An adjustment; it counts when it is approved.
    Adjust(Adjustment<'a>),
    /// The approval of an adjustment.
    Approve {
        /// Its number.
        adjustment: i64,
        /// Who approves.
        approver: &'a str,
        /// Whether it has to be somebody else than the author.
        two_person: bool,
    },
    /// A payee disagrees with a posted line.
    Dispute {
        /// Number of the posting.
        posting: i64,
        /// Number of the line in it.
        line: i64,
        /// Why.
        reason: &'a str,
        /// Who.
        author: &'a str,
    },
    /// The answer to a dispute.
    Resolve {
        /// Its number.
        dispute: i64,
        /// The adjustment that settles it.
        adjustment: Option<i64>,
        /// The answer.
        answer: &'a str,
        /// Who.
        author: &'a str,
    },
}

impl Decision<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Adjust(_) => "adjustment",
            Self::Approve { .. } => "approval",
            Self::Dispute { .. } => "dispute",
            Self::Resolve { .. } => "resolution",
        }
    }

    /// What people say in it; none of it may be empty.
    fn texts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Adjust(Adjustment { payee, reason, author, .. }) => {
                vec![("person", payee), ("reason", reason), ("author", author)]
            }
            Self::Approve { approver, .. } => vec![("approver", approver)],
            Self::Dispute { reason, author, .. } => vec![("reason", reason), ("author", author)],
            Self::Resolve { answer, author, .. } => vec![("answer", answer), ("author", author)],
        }
    }
}

fn impossible(message: String, hint: &str) -> Fault {
    Fault::new(Code::SPM706, message, hint)
}

/// Records a decision; returns its number.
pub fn decide(store: &mut Store, decision: &Decision<'_>, recorded_at: &str) -> Result<i64, Fault> {
    check(Some(store), decision)?;
    let decisions = std::slice::from_ref(decision);
    let header = |decision: &Decision<'_>| Header {
        kind: decision.kind(),
        recorded_at,
        program: env!("CARGO_PKG_VERSION"),
    };
    let numbers = store.append(decisions, &header, &mut |writer, decision| {
        let record = writer.record;
        match decision {
        Decision::Adjust(adjustment) => {
            let units = i64::try_from(adjustment.amount.minor_units)
                .map_err(|_| impossible("the amount is too large".to_owned(), "check the decimal point"))?;
            writer.execute(
                "INSERT INTO adjustment (record, payee_id, period, currency, amount, reason, author, evidence, evidence_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    record,
                    adjustment.payee,
                    adjustment.period,
                    adjustment.amount.currency.code(),
                    units,
                    adjustment.reason,
                    adjustment.author,
                    adjustment.evidence.map(|(path, _)| path),
                    adjustment.evidence.map(|(_, sha256)| sha256),
                ],
            )
        }
        Decision::Approve { adjustment, approver, .. } => writer.execute(
            "INSERT INTO approval (record, adjustment, approver) VALUES (?1, ?2, ?3)",
            params![record, adjustment, approver],
        ),
        Decision::Dispute { posting, line, reason, author } => writer.execute(
            "INSERT INTO dispute (record, posting, line, reason, author) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![record, posting, line, reason, author],
        ),
        Decision::Resolve { dispute, adjustment, answer, author } => writer.execute(
            "INSERT INTO resolution (record, dispute, adjustment, answer, author) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![record, dispute, adjustment, answer, author],
        ),
    }})?;
    Ok(numbers.first().copied().unwrap_or_default())
}

/// Whether the decision can be made, on a ledger or before there is one.
pub fn check(store: Option<&Store>, decision: &Decision<'_>) -> Result<(), Fault> {
    for (what, text) in decision.texts() {
        if text.trim().is_empty() {
            return Err(impossible(format!("the {what} is empty"), "auditors read it: say it in words"));
        }
    }
    let exists = |sql: &str, number: i64| -> Result<bool, Fault> {
        let Some(store) = store else { return Ok(false) };
        Ok(store.connection.prepare(sql)?.exists([number])?)
    };
    match decision {
        Decision::Adjust(_) => Ok(()),
        Decision::Approve { adjustment, approver, two_person } => {
            let sql = "SELECT author FROM adjustment WHERE record = ?1";
            let author = store.map(|store| store.text(sql, [adjustment])).transpose()?.flatten();
            let Some(author) = author else {
                return Err(impossible(
                    format!("there is no adjustment {adjustment}"),
                    "spm ledger adjust list shows them",
                ));
            };
            if exists("SELECT 1 FROM approval WHERE adjustment = ?1", *adjustment)? {
                return Err(impossible(
                    format!("adjustment {adjustment} is approved already"),
                    "spm ledger adjust list shows by whom",
                ));
            }
            // One person is one person, however the name is written.
            let person = |name: &str| name.trim().to_lowercase();
            if *two_person && person(&author) == person(approver) {
                return Err(impossible(
                    format!("{author} wrote adjustment {adjustment}, so somebody else has to approve it"),
                    "the two-person rule is [ledger] two_person in spm.toml",
                ));
            }
            Ok(())
        }
        Decision::Dispute { posting, line, .. } => {
            let sql = "SELECT 1 FROM line WHERE record = ?1 AND number = ?2";
            if let Some(store) = store
                && store.connection.prepare(sql)?.exists([posting, line])?
            {
                return Ok(());
            }
            Err(impossible(format!("posting {posting} has no line {line}"), "spm ledger show lists them"))
        }
        Decision::Resolve { dispute, adjustment, .. } => {
            if !exists("SELECT 1 FROM dispute WHERE record = ?1", *dispute)? {
                let message = format!("there is no dispute {dispute}");
                return Err(impossible(message, "spm dispute list shows them"));
            }
            if exists("SELECT 1 FROM resolution WHERE dispute = ?1", *dispute)? {
                let message = format!("dispute {dispute} is resolved already");
                return Err(impossible(message, "open another one if it goes on"));
            }
            let Some(adjustment) = adjustment else { return Ok(()) };
            if !exists("SELECT 1 FROM adjustment WHERE record = ?1", *adjustment)? {
                let message = format!("there is no adjustment {adjustment}");
                return Err(impossible(message, "record it first: spm ledger adjust add"));
            }
            Ok(())
        }
    }
}

/// Adds the approved adjustments up to a record to what payees are entitled to.
pub fn entitle(
    store: &Store,
    calendar: &Calendar,
    through: i64,
    entitlements: &mut Entitlements,
) -> Result<(), Fault> {
    let sql = "SELECT adjustment.record, payee_id, period, currency, amount, reason, author, approver FROM adjustment JOIN approval ON adjustment = adjustment.record WHERE approval.record <= ?1";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([through])?;
    while let Some(row) = rows.next()? {
        let (number, units): (i64, i64) = (row.get(0)?, row.get(4)?);
        let (payee, period, code): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let (reason, author, approver): (String, String, String) = (row.get(5)?, row.get(6)?, row.get(7)?);
        let who = who(payee, code.clone())?;
        let units = i128::from(units);
        let amount = Money { minor_units: units, currency: who.currency.clone() };
        let label = format!("{reason} (adjustment {number} by {author}, approved by {approver})");
        let key = Key {
            who,
            origin: index_of(calendar, &period)?,
            kind: Kind::Adjustment,
            plan: String::new(),
            component: number.to_string(),
        };
        let entitled = Entitled {
            amounts: Amounts { earned: units, payable: units },
            trace: Node::input(label, Unit::Money(code), amount.exact()),
            released: None,
        };
        entitlements.insert(key, entitled);
    }
    Ok(())
}
