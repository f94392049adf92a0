//! `spm ledger post`: seals open periods.

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

use super::recorded_at;
use crate::cli::command::settle::{Keep, Setting, drafts};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::write::{Posting, post};
use crate::ledger::{Access, Draft};
use crate::report::ledger;

/// Posts the open periods of a range, all of them or none.
pub fn run(
    opened: &Opened,
    period: &str,
    asked: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let calendar = &opened.project.calendar;
    let periods = opened.periods(period)?;
    let access = if global.dry_run { Access::Read } else { Access::Write };
    let mut store = opened.ledger(access)?;
    let setting = Setting::of(opened, store.as_ref(), None)?;
    let last = setting.postings.last().map(|posted| posted.period);
    if let Some(last) = last
        && periods.start > last + 1
    {
        let names = calendar.periods();
        let message =
            format!("{} cannot be posted before {}", names[periods.start].name, names[last + 1].name);
        let fault = Diagnostic::error(Code::SPM704, message).at(Place::File(".spm/ledger.db".to_owned()), "");
        return Err(Failure::fault(fault.hint("periods are posted in order"), exit::INPUT));
    }
    if let Some(first) = setting.postings.first()
        && periods.start < first.period
    {
        let message = format!("the ledger starts with {}, which is later", first.name);
        let fault = Diagnostic::error(Code::SPM704, message).at(Place::File(".spm/ledger.db".to_owned()), "");
        let hint = "what was paid before the ledger started can be taken in as an adjustment";
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    if last.is_some_and(|last| periods.end <= last + 1) {
        ui.status(&format!("{period} is posted already; what changed since: spm ledger diff"));
        return Ok(exit::DONE);
    }
    let tables = setting.load(opened, &periods, global, ui)?;
    let drafts = drafts(opened, &tables, &setting, &periods, Keep::Facts, ui)?;
    drop(setting);
    let settlements: Vec<_> = drafts.iter().map(|draft| &draft.settlement).collect();
    let corrections: usize =
        settlements.iter().flat_map(|all| &all.lines).filter(|line| line.cause.is_some()).count();
    let payments = ledger::payments(calendar, &settlements)?;
    if let Some(store) = store.as_mut().filter(|_| !global.dry_run) {
        let postings: Vec<Posting<'_>> =
            drafts.iter().map(|Draft { settlement, changes }| Posting { settlement, changes }).collect();
        ui.step("posting");
        let records = post(store, calendar, &opened.basis(&tables), &recorded_at(asked), &postings)?;
        for (record, settlement) in records.iter().zip(&settlements) {
            let name = &calendar.periods()[settlement.period].name;
            ui.status(&format!("posted {name} as record {record}: {} lines", settlement.lines.len()));
        }
    } else {
        ui.status(&format!("would post {} period(s); nothing was written", settlements.len()));
    }
    if corrections > 0 {
        ui.status(&format!("{corrections} of the lines correct posted periods"));
    }
    command::finish(&payments, "spm.payments/1", global, ui)?;
    Ok(exit::DONE)
}
