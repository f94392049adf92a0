//! Decisions by people: adjustments with their approvals and withdrawals, disputes with their resolutions.

use rusqlite::params;
use spm_core::engine::ledger::{Amounts, Entitled, Entitlements, Key, Kind};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::money::{Currency, Money};
use spm_core::ground::period::Calendar;
use spm_core::ground::trace::{Node, Unit};
use spm_core::plan::ledger::is_formula;

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
    /// The number of the booked adjustment that it reverses.
    pub reverses: Option<i64>,
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
    },
    /// The end of an adjustment that is not booked yet: rejected, or taken back.
    Withdraw {
        /// Its number.
        adjustment: i64,
        /// Why.
        reason: &'a str,
        /// Who.
        author: &'a str,
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
            Self::Withdraw { .. } => "withdrawal",
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
            Self::Withdraw { reason, author, .. } | Self::Dispute { reason, author, .. } => {
                vec![("reason", reason), ("author", author)]
            }
            Self::Resolve { answer, author, .. } => vec![("answer", answer), ("author", author)],
        }
    }
}

fn impossible(message: String, hint: &str) -> Fault {
    Fault::new(Code::SPM706, message, hint)
}

/// What decisions have to keep to.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The calendar of the project.
    pub calendar: &'a Calendar,
    /// The currencies that the project pays in.
    pub currencies: &'a [Currency],
    /// Whether an adjustment stands on two people: its author, and somebody else who approved it.
    pub two_person: bool,
}

/// Records a decision; returns its number. It was checked before.
pub fn decide(
    store: &mut Store,
    decision: &Decision<'_>,
    two_person: bool,
    recorded_at: &str,
) -> Result<i64, Fault> {
    let decisions = std::slice::from_ref(decision);
    let header = |decision: &Decision<'_>| Header {
        kind: decision.kind(),
        recorded_at,
        program: env!("CARGO_PKG_VERSION"),
    };
    let numbers = store.append(decisions, &header, &mut |writer, decision| {
        let record = writer.record;
        // Where the rule matters, whether it was in force is sealed with the decision.
        if matches!(decision, Decision::Approve { .. } | Decision::Withdraw { .. } | Decision::Resolve { .. }) {
            writer.execute("INSERT INTO rule (record, two_person) VALUES (?1, ?2)", params![record, two_person])?;
        }
        match decision {
        Decision::Adjust(adjustment) => {
            let units = units(adjustment.amount)?;
            if let Some(reversed) = adjustment.reverses {
                let sql = "INSERT INTO reversal (record, adjustment) VALUES (?1, ?2)";
                writer.execute(sql, params![record, reversed])?;
            }
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
        Decision::Withdraw { adjustment, reason, author } => writer.execute(
            "INSERT INTO withdrawal (record, adjustment, reason, author) VALUES (?1, ?2, ?3, ?4)",
            params![record, adjustment, reason, author],
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

fn units(amount: &Money) -> Result<i64, Fault> {
    i64::try_from(amount.minor_units)
        .map_err(|_| impossible("the amount is too large".to_owned(), "check the decimal point"))
}

/// Whether the decision can be made, on a ledger or before there is one.
pub fn check(store: Option<&Store>, decision: &Decision<'_>, rules: &Rules<'_>) -> Result<(), Fault> {
    for (what, text) in decision.texts() {
        if text.trim().is_empty() {
            return Err(impossible(format!("the {what} is empty"), "auditors read it: say it in words"));
        }
    }
    match decision {
        Decision::Adjust(adjustment) => adjustable(store, adjustment, rules),
        Decision::Approve { adjustment, approver } => {
            let standing = Standing::of(store, *adjustment)?;
            if let Some(other) = standing.approver {
                return Err(impossible(
                    format!("adjustment {adjustment} is approved already, by {other}"),
                    "spm ledger adjust list shows it",
                ));
            }
            if rules.two_person && same_person(&standing.author, approver) {
                let author = standing.author;
                return Err(impossible(
                    format!("{author} wrote adjustment {adjustment}, so somebody else has to approve it"),
                    "the two-person rule is [ledger] two_person in spm.toml",
                ));
            }
            Ok(())
        }
        Decision::Withdraw { adjustment, author, .. } => {
            let standing = Standing::of(store, *adjustment)?;
            if let Some(period) = standing.booked {
                return Err(impossible(
                    format!("adjustment {adjustment} is booked in {period}, and what is posted stays"),
                    "take it back with another adjustment of the opposite amount",
                ));
            }
            if let Some(dispute) = store.map_or(Ok(None), |store| settles(store, *adjustment))? {
                return Err(impossible(
                    format!(
                        "adjustment {adjustment} is the answer to dispute {dispute}, which would be open again"
                    ),
                    "let it be booked, and take it back with another adjustment of the opposite amount",
                ));
            }
            // It stands on both of them, so it falls with either; nobody else can undo what two people decided.
            if let Some(approver) = standing.approver.filter(|_| rules.two_person)
                && !same_person(&standing.author, author)
                && !same_person(&approver, author)
            {
                return Err(impossible(
                    format!(
                        "adjustment {adjustment} is approved: {} or {approver} can withdraw it, {author} cannot",
                        standing.author
                    ),
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
        Decision::Resolve { dispute, adjustment, author, .. } => {
            let exists = |sql: &str| -> Result<bool, Fault> {
                let Some(store) = store else { return Ok(false) };
                Ok(store.connection.prepare(sql)?.exists([*dispute])?)
            };
            if !exists("SELECT 1 FROM dispute WHERE record = ?1")? {
                let message = format!("there is no dispute {dispute}");
                return Err(impossible(message, "spm dispute list shows them"));
            }
            if exists("SELECT 1 FROM resolution WHERE dispute = ?1")? {
                let message = format!("dispute {dispute} is resolved already");
                return Err(impossible(message, "open another one if it goes on"));
            }
            let text = |sql: &str| store.map_or(Ok(None), |store| store.text(sql, [*dispute]));
            let opener = text("SELECT author FROM dispute WHERE record = ?1")?.unwrap_or_default();
            if rules.two_person && same_person(&opener, author) {
                return Err(impossible(
                    format!("{opener} opened dispute {dispute}, so somebody else has to answer it"),
                    "the two-person rule is [ledger] two_person in spm.toml",
                ));
            }
            let Some(adjustment) = adjustment else { return Ok(()) };
            let standing = Standing::of(store, *adjustment)?;
            let payee = text("SELECT payee_id FROM dispute JOIN line ON line.record = dispute.posting AND line.number = dispute.line WHERE dispute.record = ?1")?.unwrap_or_default();
            if standing.payee != payee {
                return Err(impossible(
                    format!(
                        "adjustment {adjustment} is for {}, the disputed line is of {payee}",
                        standing.payee
                    ),
                    "spm ledger adjust list shows them",
                ));
            }
            if standing.approver.is_none() {
                return Err(impossible(
                    format!("adjustment {adjustment} is not approved, so it settles nothing yet"),
                    &format!("spm ledger adjust approve {adjustment} --approver NAME, then answer"),
                ));
            }
            Ok(())
        }
    }
}

/// Whether an adjustment is for a period and in a currency that it can be booked in.
fn adjustable(store: Option<&Store>, adjustment: &Adjustment<'_>, rules: &Rules<'_>) -> Result<(), Fault> {
    units(adjustment.amount)?;
    if is_formula(adjustment.payee) {
        return Err(impossible(
            format!("a spreadsheet would read the identifier `{}` as a formula", adjustment.payee),
            "it is not handed to payroll: check the identifier",
        ));
    }
    let currency = &adjustment.amount.currency;
    if !rules.currencies.contains(currency) {
        let names: Vec<&str> = rules.currencies.iter().map(Currency::code).collect();
        return Err(impossible(
            format!("nobody is paid in {currency} here"),
            &format!("spm.toml and the plans pay in: {}", names.join(", ")),
        ));
    }
    let period = index_of(rules.calendar, adjustment.period)?;
    let postings = store.map(|store| store.postings(rules.calendar, i64::MAX)).transpose()?;
    match postings.unwrap_or_default().first() {
        Some(first) if period < first.period => Err(impossible(
            format!("{} is before the ledger, which starts with {}", adjustment.period, first.name),
            &format!("what was owed before that is taken in as an adjustment for {}", first.name),
        )),
        _ => Ok(()),
    }
}

/// One person is one person, however the name is written: capitals, spaces, punctuation and wide forms do not count. Letters
/// of another script that look alike do.
fn same_person(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        let narrow = |letter: char| match u32::from(letter) {
            wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(letter),
            _ => letter,
        };
        let plain = name.chars().map(narrow).flat_map(char::to_lowercase);
        plain.filter(|letter| letter.is_alphanumeric()).collect()
    };
    let (one, other) = ((one, letters(one)), (other, letters(other)));
    // Names of signs only are compared as they are.
    if one.1.is_empty() || other.1.is_empty() { one.0.trim() == other.0.trim() } else { one.1 == other.1 }
}

/// An adjustment that was not withdrawn.
struct Standing {
    payee: String,
    author: String,
    approver: Option<String>,
    /// The period that it is booked in.
    booked: Option<String>,
}

impl Standing {
    fn of(store: Option<&Store>, adjustment: i64) -> Result<Self, Fault> {
        let text = |sql: &str| -> Result<Option<String>, Fault> {
            store.map_or(Ok(None), |store| store.text(sql, [adjustment]))
        };
        let Some(author) = text("SELECT author FROM adjustment WHERE record = ?1")? else {
            return Err(impossible(
                format!("there is no adjustment {adjustment}"),
                "spm ledger adjust list shows them",
            ));
        };
        if let Some(other) = text("SELECT author FROM withdrawal WHERE adjustment = ?1")? {
            return Err(impossible(
                format!("adjustment {adjustment} was withdrawn by {other}"),
                "if it is right after all, add it anew: spm ledger adjust add",
            ));
        }
        let sql = "SELECT period FROM line JOIN posting USING (record) WHERE kind = 'adjustment' AND component = CAST(?1 AS TEXT)";
        Ok(Self {
            payee: text("SELECT payee_id FROM adjustment WHERE record = ?1")?.unwrap_or_default(),
            author,
            approver: text("SELECT approver FROM approval WHERE adjustment = ?1")?,
            booked: text(sql)?,
        })
    }
}

/// The number of the dispute that an adjustment settles, if there is one.
fn settles(store: &Store, adjustment: i64) -> Result<Option<String>, Fault> {
    store.text("SELECT CAST(dispute AS TEXT) FROM resolution WHERE adjustment = ?1", [adjustment])
}

/// Refuses the first posting while an approved adjustment is for a period before it: it would belong to no posting.
pub fn before_the_ledger(store: &Store, calendar: &Calendar, first: usize) -> Result<(), Fault> {
    let sql = "SELECT CAST(adjustment.record AS TEXT), period FROM adjustment WHERE record NOT IN (SELECT adjustment FROM withdrawal) ORDER BY record";
    for (number, period) in store.pairs(sql, [])? {
        if index_of(calendar, &period)? < first {
            let name = &calendar.periods()[first].name;
            return Err(impossible(
                format!("adjustment {number} is for {period}, but the ledger would start with {name}"),
                &format!(
                    "post {period} first, or withdraw it and add it for {name}: spm ledger adjust withdraw {number}"
                ),
            ));
        }
    }
    Ok(())
}

/// What reverses a booked adjustment: payee, period, currency and amount of an equal negative entry.
pub fn reversal(store: &Store, number: i64) -> Result<(String, String, Money), Fault> {
    let standing = Standing::of(Some(store), number)?;
    if standing.booked.is_none() {
        return Err(impossible(
            format!("adjustment {number} is not booked yet"),
            &format!("spm ledger adjust withdraw {number} takes it back"),
        ));
    }
    // Before there was a table of reversals, the reason said so.
    let sql = "SELECT CAST(record AS TEXT), '' FROM adjustment WHERE record NOT IN (SELECT adjustment FROM withdrawal)
        AND (record IN (SELECT record FROM reversal WHERE adjustment = ?1)
        OR reason LIKE ?2 AND record < (SELECT coalesce(min(record), 9e18) FROM reversal))";
    let words = format!("reverses adjustment {number}: %");
    if let Some((other, _)) = store.pairs(sql, (number, words))?.first() {
        let message = format!("adjustment {other} reverses adjustment {number} already");
        return Err(impossible(message, "spm ledger adjust list shows it"));
    }
    let sql = "SELECT period, currency, amount FROM adjustment WHERE record = ?1";
    let mut statement = store.connection.prepare(sql)?;
    let (period, code, units): (String, String, i64) =
        statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let currency = super::read::currency_of(&code)?;
    Ok((standing.payee, period, Money { minor_units: -i128::from(units), currency }))
}

/// Adds the adjustments that stand approved at a record to what payees are entitled to.
pub fn entitle(
    store: &Store,
    calendar: &Calendar,
    through: i64,
    entitlements: &mut Entitlements,
) -> Result<(), Fault> {
    let sql = "SELECT adjustment.record, payee_id, period, currency, amount, reason, author, approver FROM adjustment JOIN approval ON adjustment = adjustment.record WHERE approval.record <= ?1
        AND adjustment.record NOT IN (SELECT adjustment FROM withdrawal WHERE record <= ?1)";
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
