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

/// What was said to be right, although it looks like a fault.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// What posted periods rest on is gone.
    pub gone: bool,
    /// Corrections are unusually large.
    pub corrections: bool,
}

/// Posts the open periods of a range, all of them or none.
pub fn run(
    opened: &Opened,
    period: &str,
    allowed: Allowed,
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
    let refusal = refusal(&drafts.doubts, allowed);
    if refusal.has_errors() && pen.is_some() {
        return Err(Failure::Faults(refusal, exit::INPUT));
    }
    ui.notices(&drafts.doubts);
    let settlements: Vec<_> = drafts.all.iter().map(|draft| &draft.settlement).collect();
    let corrections: usize =
        settlements.iter().flat_map(|all| &all.lines).filter(|line| line.cause.is_some()).count();
    let payments = ledger::payments(calendar, &settlements)?;
    if let Some(pen) = &mut pen {
        let postings: Vec<Posting<'_>> = drafts
            .all
            .iter()
            .map(|Draft { settlement, changes, .. }| Posting { settlement, changes })
            .collect();
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
    if let Some(fault) = refusal.faults().first() {
        ui.status(&format!("without {} this would be refused", flag(fault.code)));
        return Ok(exit::NO);
    }
    Ok(exit::DONE)
}

/// What says that a doubt is none.
fn flag(code: Code) -> &'static str {
    if code == Code::SPM707 { "--allow-gone" } else { "--allow-corrections" }
}

/// The doubts that nobody said are none, as errors: nothing is posted on them.
fn refusal(doubts: &Sink, allowed: Allowed) -> Sink {
    let mut sink = Sink::default();
    let is_allowed = |code: Code| match code {
        Code::SPM707 => allowed.gone,
        Code::SPM709 => allowed.corrections,
        _ => true,
    };
    for warning in doubts.faults().iter().filter(|warning| !is_allowed(warning.code)) {
        let error = Diagnostic::error(warning.code, warning.message.clone());
        sink.push(Diagnostic { labels: warning.labels.clone(), hint: warning.hint.clone(), ..error });
    }
    sink
}
