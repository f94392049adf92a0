//! Posting: a settlement and what it rests on become one record each.

use serde_json::{Map, Value, json};
use spm_core::engine::ledger::{Change, Settlement};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::Calendar;
use spm_core::ground::source::Source;
use spm_core::ground::trace::Node;
use spm_core::plan::Plan;
use spm_frame::load::Tables;
use spm_frame::read::sha256;

use super::fault::Fault;
use super::policy::ProjectText;
use super::store::{Header, Store};

/// A plan as it was when a period was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanText {
    /// Identifier.
    pub id: String,
    /// Path in the project.
    pub path: String,
    /// SHA-256 of the text.
    pub sha256: String,
    /// The text.
    pub text: String,
}

/// What a posting rests on.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// Fingerprint of every table.
    pub inputs: Vec<(String, String)>,
    /// Path, SHA-256 and rows of every file.
    pub files: Vec<(String, String, u64)>,
    /// Every plan.
    pub plans: Vec<PlanText>,
    /// The project.
    pub project: ProjectText,
    /// By when it was known, where that was asked for.
    pub cutoff: Option<Moment>,
}

impl PlanText {
    /// The plans of commission among all plans.
    #[must_use]
    pub fn of(plans: &[(Source, Plan)]) -> Vec<Self> {
        let text = |(source, plan): &(Source, Plan)| {
            matches!(plan, Plan::Comp(_)).then(|| Self {
                id: plan.id().to_owned(),
                path: source.path().to_owned(),
                sha256: sha256(source.text().as_bytes()),
                text: source.text().to_owned(),
            })
        };
        plans.iter().filter_map(text).collect()
    }
}

impl Basis {
    /// Of loaded tables and plans.
    #[must_use]
    pub fn of(tables: &Tables, plans: Vec<PlanText>, project: ProjectText) -> Self {
        let mut files: Vec<_> =
            tables.inputs.iter().map(|file| (file.path.clone(), file.sha256.clone(), file.rows)).collect();
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let prints = tables.fingerprints().into_iter();
        Self {
            inputs: prints.map(|(name, print)| (name.to_owned(), print.to_string())).collect(),
            files,
            plans,
            project,
            cutoff: None,
        }
    }
}

/// One period to post.
#[derive(Debug)]
pub struct Posting<'a> {
    /// What is booked.
    pub settlement: &'a Settlement,
    /// Facts that differ from those of the posting before.
    pub changes: &'a [Change],
}

/// Posts periods, all of them or none.
pub fn post(
    store: &mut Store,
    calendar: &Calendar,
    basis: &Basis,
    recorded_at: &str,
    postings: &[Posting<'_>],
) -> Result<Vec<i64>, Fault> {
    let header =
        |_: &Posting<'_>| Header { kind: "posting", recorded_at, program: env!("CARGO_PKG_VERSION") };
    store.append(postings, &header, &mut |writer, posting| {
        let settlement = posting.settlement;
        let record = writer.record;
        let periods = calendar.periods();
        let name = |index: usize| periods[index].name.as_str();
        let range = periods[settlement.period].range;
        let days = (range.from.to_string(), range.to.to_string());
        writer.execute(
            "INSERT INTO posting (record, period, first_day, end_day) VALUES (?1, ?2, ?3, ?4)",
            (record, name(settlement.period), &days.0, &days.1),
        )?;
        for (table, fingerprint) in &basis.inputs {
            let sql = "INSERT INTO input (record, table_name, fingerprint) VALUES (?1, ?2, ?3)";
            writer.execute(sql, (record, table, fingerprint))?;
        }
        for (path, sha256, rows) in &basis.files {
            let sql = "INSERT INTO file (record, path, sha256, rows) VALUES (?1, ?2, ?3, ?4)";
            writer.execute(sql, (record, path, sha256, i64::try_from(*rows).unwrap_or(i64::MAX)))?;
        }
        for plan in &basis.plans {
            let sql = "INSERT INTO plan (record, plan_id, path, sha256, text) VALUES (?1, ?2, ?3, ?4, ?5)";
            writer.execute(sql, (record, &plan.id, &plan.path, &plan.sha256, &plan.text))?;
        }
        let project = &basis.project;
        let sql = "INSERT INTO project (record, path, sha256, policy, text) VALUES (?1, 'spm.toml', ?2, ?3, ?4)";
        writer.execute(sql, (record, &project.sha256, &project.policy, &project.text))?;
        if let Some(moment) = basis.cutoff {
            let sql = "INSERT INTO cutoff (record, moment) VALUES (?1, ?2)";
            writer.execute(sql, (record, moment.to_string()))?;
        }
        for (number, line) in (1i64..).zip(&settlement.lines) {
            let key = &line.key;
            let released = line.released.as_ref().map(|node| tree(node).to_string());
            writer.execute(
                "INSERT INTO line (record, number, payee_id, currency, origin, kind, plan_id, component, earned, payable, cause, trace, released) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                rusqlite::params![
                    record,
                    number,
                    key.who.payee.as_str(),
                    key.who.currency.code(),
                    name(key.origin),
                    key.kind.name(),
                    key.plan,
                    key.component,
                    narrow(line.amounts.earned)?,
                    narrow(line.amounts.payable)?,
                    line.cause,
                    tree(&line.trace).to_string(),
                    released,
                ],
            )?;
        }
        for movement in &settlement.movements {
            writer.execute(
                "INSERT INTO balance (record, payee_id, currency, account, opening, change) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    record,
                    movement.who.payee.as_str(),
                    movement.who.currency.code(),
                    movement.account.name(),
                    narrow(movement.opening)?,
                    narrow(movement.change)?,
                ),
            )?;
        }
        for payment in &settlement.payments {
            writer.execute(
                "INSERT INTO payment (record, payee_id, currency, amount, trace) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    record,
                    payment.who.payee.as_str(),
                    payment.who.currency.code(),
                    narrow(payment.amount)?,
                    tree(&payment.trace).to_string(),
                ),
            )?;
        }
        for change in posting.changes {
            let fact = &change.fact;
            writer.execute(
                "INSERT INTO fact (record, period, kind, plan_id, subject, name, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    record,
                    fact.period.map_or("", name),
                    fact.kind.name(),
                    &fact.plan,
                    &fact.subject,
                    &fact.name,
                    &change.after,
                ),
            )?;
        }
        Ok(())
    })
}

fn narrow(units: i128) -> Result<i64, Fault> {
    i64::try_from(units).map_err(|_| {
        let message = format!("{units} minor units do not fit the ledger");
        Fault::new(Code::SPM402, message, "check the extracts for a misplaced decimal point")
    })
}

/// An explanation as it is kept: label, exact value, value as shown, how it follows, clause, and what of.
#[must_use]
pub fn tree(node: &Node) -> Value {
    let mut fields = Map::new();
    fields.insert("label".to_owned(), json!(node.label));
    fields.insert("value".to_owned(), json!(node.value.to_string()));
    fields.insert("shown".to_owned(), json!(node.value_text()));
    if !node.operation.word().is_empty() {
        fields.insert("how".to_owned(), json!(node.operation.word()));
    }
    if let Some(clause) = &node.clause {
        fields.insert("clause".to_owned(), json!(clause.clause()));
    }
    if !node.children.is_empty() {
        fields.insert("of".to_owned(), node.children.iter().map(tree).collect());
    }
    Value::Object(fields)
}
