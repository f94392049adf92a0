//! The policy of a posting: what `[ledger]` of `spm.toml` said when it was sealed, so that its journal never changes.

use serde_json::{Value, json};
use spm_core::plan::ledger::{ACCOUNTS, Capitalise, LedgerSpec};

use super::fault::Fault;
use super::read::Posted;
use super::store::Store;

/// `spm.toml` as it was when a period was posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectText {
    /// SHA-256 of the text.
    pub sha256: String,
    /// What it says of the ledger, as JSON.
    pub policy: String,
    /// The text.
    pub text: String,
}

impl ProjectText {
    /// Of a project's text and what it was read as.
    #[must_use]
    pub fn of(text: &str, spec: &LedgerSpec) -> Self {
        let sha256 = spm_frame::read::sha256(text.as_bytes());
        Self { sha256, policy: sealed(spec), text: text.to_owned() }
    }
}

/// What is kept of a policy: all that a journal rests on, and the rule for decisions.
fn sealed(spec: &LedgerSpec) -> String {
    let accounts: serde_json::Map<String, Value> = ACCOUNTS
        .iter()
        .zip(&spec.accounts)
        .map(|((key, _), name)| ((*key).to_owned(), json!(name)))
        .collect();
    let capitalise = spec.capitalise.iter().map(|rule| {
        json!({ "plan": rule.plan, "component": rule.component, "months": rule.months, "expedient": rule.expedient })
    });
    let capitalise: Vec<Value> = capitalise.collect();
    json!({ "two_person": spec.two_person, "accounts": accounts, "capitalise": capitalise }).to_string()
}

/// A policy as it was kept; what it does not say is as today.
fn opened(text: &str, today: &LedgerSpec) -> LedgerSpec {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let account = |(index, (key, _)): (usize, &(&str, &str))| {
        value["accounts"][key].as_str().unwrap_or(&today.accounts[index]).to_owned()
    };
    let rule = |rule: &Value| {
        Some(Capitalise {
            plan: rule["plan"].as_str()?.to_owned(),
            component: rule["component"].as_str().map(str::to_owned),
            months: u32::try_from(rule["months"].as_u64()?).ok()?,
            expedient: rule["expedient"].as_bool()?,
        })
    };
    LedgerSpec {
        two_person: value["two_person"].as_bool().unwrap_or(today.two_person),
        payments: today.payments.clone(),
        accounts: ACCOUNTS.iter().enumerate().map(account).collect(),
        capitalise: value["capitalise"].as_array().into_iter().flatten().filter_map(rule).collect(),
    }
}

/// The policy of each posting. One that was sealed without any has that of the next one that has it, or today's: the flag
/// says which were sealed.
pub fn policies(
    store: &Store,
    postings: &[Posted],
    today: &LedgerSpec,
) -> Result<Vec<(bool, LedgerSpec)>, Fault> {
    let mut all = Vec::new();
    let mut later = today.clone();
    for posted in postings.iter().rev() {
        let own = store.text("SELECT policy FROM project WHERE record = ?1", [posted.record])?;
        if let Some(text) = &own {
            later = opened(text, today);
        }
        all.push((own.is_some(), later.clone()));
    }
    all.reverse();
    Ok(all)
}
