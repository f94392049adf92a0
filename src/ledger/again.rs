//! Whether a posting comes out again: from the same files and plans, line by line.

use std::collections::BTreeMap;
use std::path::Path;

use spm_core::engine::ledger::Settlement;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::Calendar;

use super::write::{Basis, PlanText};
use super::{Fault, Store};

/// The texts that a posting sealed: `spm.toml`, where it was kept, and every plan with its path.
pub type Texts = (Option<String>, Vec<(String, String)>);

/// What a posting rests on besides extracts, so that it can be calculated again whatever the folder says today.
pub fn sealed_texts(store: &Store, record: i64) -> Result<Texts, Fault> {
    let project = store.text("SELECT text FROM project WHERE record = ?1", [record])?;
    let plans = store.pairs("SELECT path, text FROM plan WHERE record = ?1 ORDER BY path", [record])?;
    Ok((project, plans))
}

/// By when what a posting rests on was known; `None` when it rests on all that was there.
pub fn cutoff(store: &Store, record: i64) -> Result<Option<Moment>, Fault> {
    let moment = store.text("SELECT moment FROM cutoff WHERE record = ?1", [record])?;
    Ok(moment.and_then(|moment| moment.parse().ok()))
}

/// Whether the plans are byte for byte those that a posting rests on.
fn has_the_same_plans(store: &Store, record: i64, plans: &[PlanText]) -> Result<bool, Fault> {
    let mut own: Vec<(String, String)> =
        plans.iter().map(|plan| (plan.id.clone(), plan.sha256.clone())).collect();
    let mut posted = store.pairs("SELECT plan_id, sha256 FROM plan WHERE record = ?1", [record])?;
    posted.sort();
    own.sort();
    Ok(own == posted)
}

/// Whether the plans and files of a posting are still byte for byte those that it rests on.
pub fn has_the_same_texts(
    store: &Store,
    record: i64,
    root: &Path,
    plans: &[PlanText],
) -> Result<bool, Fault> {
    Ok(has_the_same_plans(store, record, plans)? && has_the_same_bytes(store, record, root)?)
}

/// Whether the files of a posting are still byte for byte those that it rests on.
pub fn has_the_same_bytes(store: &Store, record: i64, root: &Path) -> Result<bool, Fault> {
    let files = store.pairs("SELECT path, sha256 FROM file WHERE record = ?1", [record])?;
    let same = |(path, sha256): &(String, String)| {
        std::fs::read(root.join(path)).is_ok_and(|bytes| spm_frame::read::sha256(&bytes) == *sha256)
    };
    Ok(files.iter().all(same))
}

/// Whether exactly the files of a posting are read, byte for byte.
pub fn has_the_same_files(store: &Store, record: i64, basis: &Basis) -> Result<bool, Fault> {
    let mut posted = store.pairs("SELECT path, sha256 FROM file WHERE record = ?1", [record])?;
    let mut read: Vec<(String, String)> =
        basis.files.iter().map(|(path, sha256, _)| (path.clone(), sha256.clone())).collect();
    posted.sort();
    read.sort();
    Ok(posted == read)
}

/// Whether a record was made by another version of the program, or of the tables: one that kept no policy.
pub fn is_of_another_version(store: &Store, record: i64) -> Result<bool, Fault> {
    let program = store.text("SELECT program FROM record WHERE number = ?1", [record])?;
    let sealed = store.text("SELECT sha256 FROM project WHERE record = ?1", [record])?;
    Ok(sealed.is_none() || program.as_deref() != Some(env!("CARGO_PKG_VERSION")))
}

/// Approvals: how many, and those that were given while the two-person rule was not in force.
pub fn approvals(store: &Store) -> Result<Option<String>, Fault> {
    let all = store.text("SELECT CAST(count(*) AS TEXT) FROM approval", [])?.unwrap_or_default();
    if all == "0" {
        return Ok(None);
    }
    let sql = "SELECT CAST(adjustment AS TEXT), approver FROM approval JOIN rule USING (record) WHERE two_person = 0 ORDER BY adjustment";
    let alone = store.pairs(sql, [])?;
    if alone.is_empty() {
        return Ok(Some(format!("{all}, none of them while two_person was false")));
    }
    let names: Vec<String> =
        alone.iter().map(|(number, who)| format!("adjustment {number} by {who}")).collect();
    Ok(Some(format!("{} of {all} while two_person was false: {}", alone.len(), names.join(", "))))
}

/// Whether the tables are those that a posting rests on: another mapping in spm.toml, or one more file, is another input.
pub fn has_the_same_inputs(store: &Store, record: i64, basis: &Basis) -> Result<bool, Fault> {
    let mut posted = store.pairs("SELECT table_name, fingerprint FROM input WHERE record = ?1", [record])?;
    let mut read = basis.inputs.clone();
    posted.sort();
    read.sort();
    Ok(posted == read)
}

/// The first difference between what a posting holds and what its period comes to now.
pub fn difference(
    store: &Store,
    calendar: &Calendar,
    record: i64,
    settlement: &Settlement,
) -> Result<Option<String>, Fault> {
    let names = calendar.periods();
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    for line in &settlement.lines {
        let key = &line.key;
        let name = format!(
            "line of {} {} {} {} {} {}",
            key.who.payee,
            key.who.currency,
            names[key.origin].name,
            key.kind.name(),
            key.plan,
            key.component
        );
        now.insert(name, format!("{} earned, {} payable", line.amounts.earned, line.amounts.payable));
    }
    for movement in &settlement.movements {
        let who = &movement.who;
        let name = format!("balance of {} {} {}", who.payee, who.currency, movement.account.name());
        now.insert(name, format!("{} + {}", movement.opening, movement.change));
    }
    for payment in &settlement.payments {
        let name = format!("payment to {} {}", payment.who.payee, payment.who.currency);
        now.insert(name, payment.amount.to_string());
    }
    let sql = "SELECT 'line of ' || payee_id || ' ' || currency || ' ' || origin || ' ' || kind || ' ' || plan_id || ' ' || component, earned || ' earned, ' || payable || ' payable' FROM line WHERE record = ?1
        UNION ALL SELECT 'balance of ' || payee_id || ' ' || currency || ' ' || account, opening || ' + ' || change FROM balance WHERE record = ?1
        UNION ALL SELECT 'payment to ' || payee_id || ' ' || currency, CAST(amount AS TEXT) FROM payment WHERE record = ?1";
    let posted: BTreeMap<String, String> = store.pairs(sql, [record])?.into_iter().collect();
    let mut keys: Vec<&String> = posted.keys().chain(now.keys()).collect();
    keys.sort();
    let none = "nothing".to_owned();
    Ok(keys.into_iter().find(|key| posted.get(*key) != now.get(*key)).map(|key| {
        let (was, is) = (posted.get(key).unwrap_or(&none), now.get(key).unwrap_or(&none));
        format!("{key} is posted as {was}, calculated is {is} (minor units)")
    }))
}
