//! `spm ledger post`: seals open periods.

use std::ops::Range;

use spm_core::engine::ledger::Kind;
use spm_core::ground::diagnostic::{Code, Diagnostic, Severity, Sink};
use spm_core::ground::moment::Moment;
use spm_core::ground::period::Calendar;
use spm_core::ground::source::Place;
use spm_frame::people;

use super::recorded_at;
use crate::cli::command::settle::{Keep, Setting, drafts_of, load_for};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::Draft;
use crate::ledger::again::has_the_same_texts;
use crate::ledger::write::{Basis, PlanText, Posting, post};
use crate::report::ledger;

/// What is asked of a posting besides its periods.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// What was said to be right, although it looks like a fault.
    pub allowed: Allowed,
    /// When it is recorded.
    pub recorded_at: Option<Moment>,
    /// What was known by this moment.
    pub as_of: Option<Moment>,
}

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
    Asked { allowed, recorded_at: asked, as_of }: Asked,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let calendar = &opened.project.calendar;
    let periods = opened.periods(period)?;
    // The lock is held from the first look at the ledger to the last record.
    let mut pen = if global.dry_run { None } else { Some(opened.pen()?) };
    let read = if global.dry_run { opened.ledger()? } else { None };
    let setting = Setting::of(calendar, pen.as_ref().and_then(|pen| pen.store()).or(read.as_ref()), as_of)?;
    if let Some(moment) = as_of {
        knows_the_ledger(&setting, calendar, moment)?;
    }
    if !setting.postable(calendar, &periods)? {
        ui.status(&format!("{period} is posted already; what changed since: spm ledger diff"));
        ui.notices(&edited(opened, &setting, period)?);
        return Ok(exit::DONE);
    }
    let recorded_at = recorded_at(asked)?;
    if let Some(moment) = as_of.filter(|moment| moment.to_seconds() > recorded_at) {
        let message = format!("--as-of {moment} is after the moment of the record, {recorded_at}");
        return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
    }
    let ahead = ahead(opened, &setting, &periods, &recorded_at);
    let tables = load_for(opened, &setting, &periods, global, ui)?;
    // What is sealed can be corrected no more.
    let handed = people::handed_over(&tables, &opened.project.ledger.columns_of_reps());
    if !handed.is_empty() {
        let mut sink = Sink::default();
        handed.into_iter().for_each(|fault| sink.push(Diagnostic { severity: Severity::Error, ..fault }));
        return Err(Failure::Faults(sink, exit::INPUT));
    }
    let drafts = drafts_of(opened, &tables, &setting, &periods, None, Keep::Facts, ui)?;
    let refusal = refusal(&drafts.doubts, allowed);
    if refusal.has_errors() && pen.is_some() {
        return Err(Failure::Faults(refusal, exit::INPUT));
    }
    // A dry run without a moment asks what would be posted, not when.
    if let Some(store) = setting.store.filter(|_| asked.is_some() || !global.dry_run) {
        store.not_before(&recorded_at)?;
    }
    ui.notices(&drafts.doubts);
    ui.notices(&ahead);
    let settlements: Vec<_> = drafts.all.iter().map(|draft| &draft.settlement).collect();
    let corrections: usize = settlements
        .iter()
        .flat_map(|all| &all.lines)
        .filter(|line| line.cause.is_some() && line.key.kind != Kind::Adjustment)
        .count();
    let payments = ledger::payments(calendar, &settlements)?;
    if let Some(pen) = &mut pen {
        let postings: Vec<Posting<'_>> = drafts
            .all
            .iter()
            .map(|Draft { settlement, changes, .. }| Posting { settlement, changes })
            .collect();
        ui.step("posting");
        let basis = Basis { cutoff: as_of, ..opened.basis(&tables) };
        let records = post(pen.start()?, calendar, &basis, &recorded_at, &postings)?;
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
    if let Err(failure) = command::finish(&payments, "spm.payments/1", global, ui) {
        if pen.is_none() {
            return Err(failure);
        }
        // The records are sealed: whoever reads the exit code must not post again.
        let _ = ui.fail(failure);
        ui.line(&format!("{period} is posted all the same: `spm ledger show --period {period}` prints it"));
        return Ok(exit::NO);
    }
    if let Some(fault) = refusal.faults().first() {
        ui.status(&format!("without {} this would be refused", flag(fault.code)));
        return Ok(exit::NO);
    }
    Ok(exit::DONE)
}

/// Refuses a moment before the last posting: that one rests on what was known later.
fn knows_the_ledger(setting: &Setting<'_>, calendar: &Calendar, moment: Moment) -> Result<(), Failure> {
    let Some(store) = setting.store else { return Ok(()) };
    match store.postings(calendar, i64::MAX)?.last() {
        Some(last) if last.record > setting.through => {
            let message =
                format!("--as-of {moment} is before the posting of {} at {}", last.name, last.recorded_at);
            let fault = Diagnostic::error(Code::SPM704, message);
            let fault = fault.at(Place::File(".spm/ledger.db".to_owned()), "");
            let hint = "each posting corrects the one before: it knows what that one knew, and more";
            Err(Failure::fault(fault.hint(hint), exit::INPUT))
        }
        _ => Ok(()),
    }
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

/// Warns that a posted period stays as it is, although its extracts or plans are other ones now.
fn edited(opened: &Opened, setting: &Setting<'_>, period: &str) -> Result<Sink, Failure> {
    let mut sink = Sink::default();
    let (Some(store), Some(last)) = (setting.store, setting.postings.last()) else { return Ok(sink) };
    if !has_the_same_texts(store, last.record, &opened.root, &PlanText::of(&opened.plans))? {
        let message = format!(
            "{period} is posted and stays as it is; extracts or plans are other ones than those of the last posting"
        );
        let fault =
            Diagnostic::warning(Code::SPM704, message).at(Place::File(".spm/ledger.db".to_owned()), "");
        sink.push(fault.hint("what changed is booked by the next period: spm ledger diff"));
    }
    Ok(sink)
}

/// Warns that periods are posted before they have ended.
fn ahead(opened: &Opened, setting: &Setting<'_>, periods: &Range<usize>, recorded_at: &str) -> Sink {
    let mut sink = Sink::default();
    let all = opened.project.calendar.periods();
    let open = setting.ranges(periods).1;
    let early: Vec<usize> =
        open.filter(|period| all[*period].range.to.to_string().as_str() > recorded_at).collect();
    if let (Some(first), Some(last)) = (early.first(), early.last()) {
        let (first, name, end) = (&all[*first].name, &all[*last].name, all[*last].range.to);
        let what = if early.len() == 1 {
            name.clone()
        } else {
            format!("{} periods from {first} to {name}", early.len())
        };
        let message = format!("{what} posted at {recorded_at}, before the end on {end}");
        let fault =
            Diagnostic::warning(Code::SPM712, message).at(Place::File(".spm/ledger.db".to_owned()), "");
        sink.push(fault.hint("what happens until the end is booked as corrections of later periods; if the clock is wrong, give --recorded-at"));
    }
    sink
}
