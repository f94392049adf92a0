//! `spm ledger verify`: the chain, the balances, and the calculation from the same inputs.

use std::collections::BTreeMap;

use spm_core::engine::ledger::verify;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

use super::existing;
use crate::cli::Global;
use crate::cli::command::settle::{Keep, Setting, drafts};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::ledger::{Draft, Store, check_chain};

fn wrong(message: String) -> Failure {
    let fault = Diagnostic::error(Code::SPM705, message).at(Place::File(".spm/ledger.db".to_owned()), "");
    Failure::fault(fault.hint("compare the ledger with a backup (docs/ledger.md)"), exit::NO)
}

/// Checks everything; the first difference ends it.
pub fn run(opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let calendar = &opened.project.calendar;
    let (records, head) = check_chain(&store)?;
    let mut report = format!("chain: {records} records, last hash {head}\n");
    let postings = store.postings(calendar, i64::MAX)?;
    for posted in &postings {
        let books = store.books(calendar, posted.record)?;
        if let Some(message) = verify::books(&books).into_iter().next() {
            return Err(wrong(format!("after {}: {message}", posted.name)));
        }
    }
    report += &format!("payments + balances = entitlements after each of {} postings\n", postings.len());
    let mut again = 0;
    for posted in &postings {
        // As the ledger stood when it was posted.
        let setting = Setting {
            store: Some(&store),
            through: posted.record - 1,
            postings: postings.iter().filter(|other| other.record < posted.record).cloned().collect(),
            as_of: None,
        };
        let periods = posted.period..posted.period + 1;
        if !same_plans(opened, &store, posted.record)? || !same_files(opened, &store, posted.record)? {
            report += &format!("{}: inputs or plans are other ones now; not calculated again\n", posted.name);
            continue;
        }
        ui.step(&format!("calculating {} again", posted.name));
        let tables = setting.load(opened, &periods, global, ui)?;
        // Another mapping in spm.toml, or one more file, is another input too.
        let mut inputs =
            store.pairs("SELECT table_name, fingerprint FROM input WHERE record = ?1", [posted.record])?;
        inputs.sort();
        let mut read = opened.basis(&tables).inputs;
        read.sort();
        if inputs != read {
            report += &format!("{}: inputs or plans are other ones now; not calculated again\n", posted.name);
            continue;
        }
        let drafts = drafts(opened, &tables, &setting, &periods, Keep::Nothing, ui)?;
        let Some(draft) = drafts.into_iter().next() else { continue };
        if let Some(difference) = difference(&store, opened, posted.record, &draft)? {
            return Err(wrong(format!("{} from the same inputs: {difference}", posted.name)));
        }
        again += 1;
        report += &format!("{}: the same inputs give the same lines, balances and payments\n", posted.name);
    }
    report += &format!("{again} of {} postings calculated again\n", postings.len());
    ui.data(&report)?;
    Ok(exit::DONE)
}

fn same_plans(opened: &Opened, store: &Store, record: i64) -> Result<bool, Failure> {
    let mut own: Vec<(String, String)> = opened
        .plans
        .iter()
        .filter(|(_, plan)| matches!(plan, spm_core::plan::Plan::Comp(_)))
        .map(|(source, plan)| (plan.id().to_owned(), spm_frame::read::sha256(source.text().as_bytes())))
        .collect();
    let mut posted = store.pairs("SELECT plan_id, sha256 FROM plan WHERE record = ?1", [record])?;
    posted.sort();
    own.sort();
    Ok(own == posted)
}

fn same_files(opened: &Opened, store: &Store, record: i64) -> Result<bool, Failure> {
    let posted = store.pairs("SELECT path, sha256 FROM file WHERE record = ?1", [record])?;
    Ok(posted.iter().all(|(path, sha256)| {
        std::fs::read(opened.root.join(path)).is_ok_and(|bytes| spm_frame::read::sha256(&bytes) == *sha256)
    }))
}

/// The first difference between what a posting holds and what a draft would book.
fn difference(store: &Store, opened: &Opened, record: i64, draft: &Draft) -> Result<Option<String>, Failure> {
    let names = opened.project.calendar.periods();
    let mut now: Vec<(String, String)> = Vec::new();
    for line in &draft.settlement.lines {
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
        now.push((name, format!("{} earned, {} payable", line.amounts.earned, line.amounts.payable)));
    }
    for movement in &draft.settlement.movements {
        let name = format!(
            "balance of {} {} {}",
            movement.who.payee,
            movement.who.currency,
            movement.account.name()
        );
        now.push((name, format!("{} + {}", movement.opening, movement.change)));
    }
    for payment in &draft.settlement.payments {
        let name = format!("payment to {} {}", payment.who.payee, payment.who.currency);
        now.push((name, payment.amount.to_string()));
    }
    let sql = "SELECT 'line of ' || payee_id || ' ' || currency || ' ' || origin || ' ' || kind || ' ' || plan_id || ' ' || component, earned || ' earned, ' || payable || ' payable' FROM line WHERE record = ?1
        UNION ALL SELECT 'balance of ' || payee_id || ' ' || currency || ' ' || account, opening || ' + ' || change FROM balance WHERE record = ?1
        UNION ALL SELECT 'payment to ' || payee_id || ' ' || currency, CAST(amount AS TEXT) FROM payment WHERE record = ?1";
    let posted: BTreeMap<_, _> = store.pairs(sql, [record])?.into_iter().collect();
    let now: BTreeMap<_, _> = now.into_iter().collect();
    let mut keys: Vec<&String> = posted.keys().chain(now.keys()).collect();
    keys.sort();
    let none = "nothing".to_owned();
    Ok(keys.into_iter().find(|key| posted.get(*key) != now.get(*key)).map(|key| {
        let (was, is) = (posted.get(key).unwrap_or(&none), now.get(key).unwrap_or(&none));
        format!("{key} is posted as {was}, calculated is {is} (minor units)")
    }))
}
