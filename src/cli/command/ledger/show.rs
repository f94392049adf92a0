//! `spm ledger list`, `show`, `diff`: what is posted, and what changed since.

use serde_json::{Value, json};
use spm_core::engine::ledger::Line;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

use super::{begin, existing};
use crate::cli::command::settle::{Setting, drafts, load_for};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::ledger;
use crate::report::table::Format;

/// Every record of the chain, with what it holds.
pub fn list(opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    command::finish(&existing(opened)?.records()?, "spm.ledger-list/1", global, ui)?;
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
    let (store, posted) = begin(opened, Some(period))?;
    let Some(line) = line else {
        command::finish(&store.lines(posted.record, rep)?, "spm.ledger-lines/1", global, ui)?;
        return Ok(exit::DONE);
    };
    let Some(why) = store.explained(posted.record, line)? else {
        return Err(absent(format!("{period} has no line {line}"), "spm ledger show --period lists them"));
    };
    if global.format == Format::Json {
        let value = json!({ "schema": "spm.ledger-line/1", "cause": why.cause, "explanation": why.now, "released": why.released, "before": why.before });
        ui.data(&format!("{value:#}\n"))?;
        return Ok(exit::DONE);
    }
    let mut text = why.cause.map_or_else(String::new, |cause| format!("because: {cause}\n\n"));
    text += &ledger::tree(&why.now);
    if let Some(released) = why.released {
        text += &format!("\n{}", ledger::tree(&released));
    }
    if let Some(before) = why.before {
        text += &format!("\nas it was booked before\n{}", ledger::tree(&before));
    }
    ui.data(&fenced(&text, global))?;
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
    let (store, posted) = begin(opened, Some(period))?;
    let trees: Vec<Value> = store.payments_explained(posted.record, rep)?;
    if trees.is_empty() {
        let message = format!("{period} has no payment to {rep}");
        return Err(absent(message, "spm ledger show --period lists who has one"));
    }
    if global.format == Format::Json {
        ui.data(&format!("{:#}\n", json!({ "schema": "spm.ledger-payment/1", "explanations": trees })))?;
    } else {
        ui.data(&fenced(&trees.iter().map(ledger::tree).collect::<Vec<_>>().join("\n"), global))?;
    }
    Ok(exit::DONE)
}

/// A tree is text; markdown shows it as it is.
fn fenced(text: &str, global: &Global) -> String {
    if global.format == Format::Markdown { format!("```\n{text}```\n") } else { text.to_owned() }
}

fn absent(message: String, hint: &str) -> Failure {
    let fault = Diagnostic::error(Code::SPM602, message).at(Place::File(".spm/ledger.db".to_owned()), "");
    Failure::fault(fault.hint(hint), exit::NO)
}

/// What the next period would correct.
pub fn diff(opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let calendar = &opened.project.calendar;
    let setting = Setting::of(calendar, Some(&store), None)?;
    let last = store.posted(calendar, None)?;
    let next = (last.period + 1).min(calendar.periods().len() - 1);
    if next == last.period {
        return Err(Failure::input(
            "the last period of the calendar is posted; give the calendar more years",
        ));
    }
    let periods = next..next + 1;
    let tables = load_for(opened, &setting, &periods, global, ui)?;
    let drafts = drafts(opened, &tables, &setting, &periods, None, ui)?;
    let settlements: Vec<_> = drafts.iter().map(|draft| &draft.settlement).collect();
    let table = ledger::lines(calendar, &settlements, true)?;
    let corrections = settlements
        .iter()
        .flat_map(|all| &all.lines)
        .filter(|line| line.cause.is_some() && line.key.origin < next);
    // What was earned is what it was: a part of it merely falls due.
    let (due, changed): (Vec<&Line>, Vec<&Line>) =
        corrections.partition(|line| line.amounts.earned == 0 && line.amounts.payable > 0);
    let (due, changed) = (due.len(), changed.len());
    command::finish(&table, "spm.ledger-lines/1", global, ui)?;
    let name = &calendar.periods()[next].name;
    ui.status(&format!("{changed} posted line(s) would be corrected in {name}; parts of {due} fall due"));
    Ok(if changed == 0 { exit::DONE } else { exit::NO })
}
