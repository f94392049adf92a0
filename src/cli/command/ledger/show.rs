//! `spm ledger list`, `show`, `diff`, `balances`, `reconcile`: what is posted, and what changed since.

use serde_json::{Value, json};
use spm_core::engine::ledger::Line;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

use super::{existing, posting};
use crate::cli::command::settle::{Keep, Setting, drafts};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::Store;
use crate::report::ledger;
use crate::report::table::Format;

/// Every record of the chain, with what it holds.
pub fn list(opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let sql = "SELECT record.number AS record, record.kind, period, recorded_at, program,
        (SELECT count(*) FROM line WHERE line.record = record.number) AS lines,
        (SELECT count(*) FROM line WHERE line.record = record.number AND cause IS NOT NULL) AS corrections,
        (SELECT count(*) FROM payment WHERE payment.record = record.number AND amount > 0) AS payments,
        hash FROM record LEFT JOIN posting ON posting.record = record.number ORDER BY record.number";
    command::finish(&store.table(sql, [], &[])?, "spm.ledger-list/1", global, ui)?;
    Ok(exit::DONE)
}

/// The lines of a posted period, or the explanation of one.
pub fn show(
    opened: &Opened,
    period: &str,
    rep: Option<&str>,
    line: Option<i64>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let (record, name) = posting(opened, &store, Some(period))?;
    if let Some(line) = line {
        return explain(&store, record, &name, line, global, ui);
    }
    let sql = "SELECT record AS posting, number AS line, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause FROM line WHERE record = ?1 AND (?2 IS NULL OR payee_id = ?2) ORDER BY number";
    let table = store.table(sql, rusqlite::params![record, rep], &["earned", "payable"])?;
    command::finish(&table, "spm.ledger-lines/1", global, ui)?;
    Ok(exit::DONE)
}

/// Why a line was booked, and the explanation that was booked for it before.
fn explain(
    store: &Store,
    record: i64,
    period: &str,
    line: i64,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let read = |column: &str| -> Result<Option<Value>, Failure> {
        let sql = format!("SELECT {column} FROM line WHERE record = ?1 AND number = ?2");
        Ok(store.text(&sql, [record, line])?.and_then(|text| serde_json::from_str(&text).ok()))
    };
    let Some(now) = read("trace")? else {
        let fault = Diagnostic::error(Code::SPM602, format!("{period} has no line {line}"));
        let fault = fault.at(Place::File(".spm/ledger.db".to_owned()), "");
        return Err(Failure::fault(fault.hint("spm ledger show --period lists them"), exit::NO));
    };
    let released = read("released")?;
    let cause = store.text("SELECT cause FROM line WHERE record = ?1 AND number = ?2", [record, line])?;
    let sql = "SELECT before.trace FROM line AS before JOIN line AS now USING (payee_id, currency, origin, kind, plan_id, component)
        WHERE now.record = ?1 AND now.number = ?2 AND before.record < ?1 ORDER BY before.record DESC LIMIT 1";
    let before: Option<Value> =
        store.text(sql, [record, line])?.and_then(|text| serde_json::from_str(&text).ok());
    if global.format == Format::Json {
        let value = json!({ "schema": "spm.ledger-line/1", "cause": cause, "explanation": now, "released": released, "before": before });
        ui.data(&format!("{value:#}\n"))?;
        return Ok(exit::DONE);
    }
    let mut text = cause.map_or_else(String::new, |cause| format!("because: {cause}\n\n"));
    text += &ledger::tree(&now);
    if let Some(released) = released {
        text += &format!("\n{}", ledger::tree(&released));
    }
    if let Some(before) = before {
        text += &format!("\nas it was booked before\n{}", ledger::tree(&before));
    }
    ui.data(&text)?;
    Ok(exit::DONE)
}

/// Why a person was paid that much, in each currency.
pub fn payment(
    opened: &Opened,
    period: &str,
    rep: &str,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let (record, name) = posting(opened, &store, Some(period))?;
    let sql = "SELECT currency, trace FROM payment WHERE record = ?1 AND payee_id = ?2 ORDER BY currency";
    let trees: Vec<Value> = store
        .pairs(sql, rusqlite::params![record, rep])?
        .iter()
        .filter_map(|(_, tree)| serde_json::from_str(tree).ok())
        .collect();
    if trees.is_empty() {
        let fault = Diagnostic::error(Code::SPM602, format!("{name} has no payment to {rep}"));
        let fault = fault.at(Place::File(".spm/ledger.db".to_owned()), "");
        return Err(Failure::fault(fault.hint("spm ledger show --period lists who has one"), exit::NO));
    }
    if global.format == Format::Json {
        ui.data(&format!("{:#}\n", json!({ "schema": "spm.ledger-payment/1", "explanations": trees })))?;
    } else {
        ui.data(&trees.iter().map(ledger::tree).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit::DONE)
}

/// What the next period would correct.
pub fn diff(opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let setting = Setting::of(opened, Some(&store), None)?;
    let calendar = &opened.project.calendar;
    let Some(last) = setting.postings.last() else { return Ok(exit::DONE) };
    let next = (last.period + 1).min(calendar.periods().len() - 1);
    if next == last.period {
        return Err(Failure::input(
            "the last period of the calendar is posted; give the calendar more years",
        ));
    }
    let periods = next..next + 1;
    let tables = setting.load(opened, &periods, global, ui)?;
    let drafts = drafts(opened, &tables, &setting, &periods, Keep::Nothing, ui)?;
    let settlements: Vec<_> = drafts.iter().map(|draft| &draft.settlement).collect();
    let table = ledger::lines(calendar, &settlements, true)?;
    let corrections = settlements.iter().flat_map(|all| &all.lines).filter(|line| line.cause.is_some());
    // What was earned is what it was: a part of it merely falls due.
    let (due, changed): (Vec<&Line>, Vec<&Line>) =
        corrections.partition(|line| line.amounts.earned == 0 && line.amounts.payable > 0);
    let (due, changed) = (due.len(), changed.len());
    command::finish(&table, "spm.ledger-lines/1", global, ui)?;
    let name = &calendar.periods()[next].name;
    ui.status(&format!("{changed} posted line(s) would be corrected in {name}; parts of {due} fall due"));
    Ok(if changed == 0 { exit::DONE } else { exit::NO })
}

/// Balances as a period left them.
pub fn balances(
    opened: &Opened,
    period: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let (record, _) = posting(opened, &store, period)?;
    let sql = "SELECT payee_id, currency, account, opening, change, opening + change AS closing FROM balance WHERE record = ?1 ORDER BY payee_id, currency, account";
    let table = store.table(sql, [record], &["opening", "change", "closing"])?;
    command::finish(&table, "spm.balances/1", global, ui)?;
    Ok(exit::DONE)
}

/// Opening + entitlements - payments = closing, for each payee and currency.
pub fn reconcile(
    opened: &Opened,
    period: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let (record, _) = posting(opened, &store, period)?;
    let sql = "SELECT payee_id, currency,
            coalesce((SELECT sum(opening) FROM balance AS b WHERE b.record = ?1 AND b.payee_id = p.payee_id AND b.currency = p.currency), 0) AS opening,
            coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND kind = 'earning' AND cause IS NULL), 0) AS earned,
            coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND kind = 'earning' AND cause IS NOT NULL), 0) AS corrections,
            coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND kind = 'clawback'), 0) AS clawbacks,
            coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND kind = 'forfeit'), 0) AS forfeited,
            coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND kind = 'adjustment'), 0) AS adjustments,
            -amount AS paid,
            coalesce((SELECT sum(opening + change) FROM balance AS b WHERE b.record = ?1 AND b.payee_id = p.payee_id AND b.currency = p.currency), 0) AS closing
        FROM payment AS p WHERE record = ?1 ORDER BY payee_id, currency";
    let money =
        ["opening", "earned", "corrections", "clawbacks", "forfeited", "adjustments", "paid", "closing"];
    command::finish(&store.table(sql, [record], &money)?, "spm.reconciliation/1", global, ui)?;
    Ok(exit::DONE)
}
