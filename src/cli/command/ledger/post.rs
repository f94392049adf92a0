//! `spm ledger post`: seals open periods.

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::moment::Moment;

use super::recorded_at;
use crate::cli::command::settle::{Keep, Setting, drafts_of, load_for};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::Draft;
use crate::ledger::write::{Basis, PlanText, Posting, post};
use crate::report::ledger;

/// Posts the open periods of a range, all of them or none.
pub fn run(
    opened: &Opened,
    period: &str,
    allow_gone: bool,
    asked: Option<Moment>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let calendar = &opened.project.calendar;
    let periods = opened.periods(period)?;
    // The lock is held from the first look at the ledger to the last record.
    let mut pen = if global.dry_run { None } else { Some(opened.pen()?) };
    let read = if global.dry_run { opened.ledger()? } else { None };
    let setting = Setting::of(calendar, pen.as_ref().and_then(|pen| pen.store()).or(read.as_ref()), None)?;
    if !setting.postable(calendar, &periods)? {
        ui.status(&format!("{period} is posted already; what changed since: spm ledger diff"));
        return Ok(exit::DONE);
    }
    let tables = load_for(opened, &setting, &periods, global, ui)?;
    let drafts = drafts_of(opened, &tables, &setting, &periods, None, Keep::Facts, ui)?;
    let refused = !drafts.gone.faults().is_empty() && !allow_gone;
    if refused && pen.is_some() {
        return Err(Failure::Faults(refusal(&drafts.gone), exit::INPUT));
    }
    ui.notices(&drafts.gone);
    let settlements: Vec<_> = drafts.all.iter().map(|draft| &draft.settlement).collect();
    let corrections: usize =
        settlements.iter().flat_map(|all| &all.lines).filter(|line| line.cause.is_some()).count();
    let payments = ledger::payments(calendar, &settlements)?;
    if let Some(pen) = &mut pen {
        let postings: Vec<Posting<'_>> =
            drafts.all.iter().map(|Draft { settlement, changes }| Posting { settlement, changes }).collect();
        ui.step("posting");
        let basis = Basis::of(&tables, PlanText::of(&opened.plans));
        let records = post(pen.start()?, calendar, &basis, &recorded_at(asked), &postings)?;
        for (record, settlement) in records.iter().zip(&settlements) {
            let name = &calendar.periods()[settlement.period].name;
            ui.status(&format!("posted {name} as record {record}: {} line(s)", settlement.lines.len()));
        }
    } else {
        ui.status(&format!("would post {} period(s); nothing was written", settlements.len()));
    }
    if corrections > 0 {
        ui.status(&format!("{corrections} of the lines correct posted periods"));
    }
    command::finish(&payments, "spm.payments/1", global, ui)?;
    if refused {
        ui.status("without --allow-gone this would be refused");
        return Ok(exit::NO);
    }
    Ok(exit::DONE)
}

/// What is gone, as errors: nothing is posted on it.
fn refusal(gone: &Sink) -> Sink {
    let mut sink = Sink::default();
    for warning in gone.faults() {
        let error = Diagnostic::error(Code::SPM707, warning.message.clone());
        sink.push(Diagnostic { labels: warning.labels.clone(), hint: warning.hint.clone(), ..error });
    }
    sink
}
