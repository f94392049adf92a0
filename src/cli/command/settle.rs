//! Periods settled on the ledger: what the commands hand to it, and its drafts as tables.

use std::ops::Range;

use spm_core::engine::ledger::Settlement;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_frame::load::Tables;
use spm_frame::table::Table;
use spm_frame::{refunds, rows};

use super::comp::{Depth, calculate, load, plans};
use super::payout;
use crate::cli::Global;
use crate::cli::exit::Failure;
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::ledger::draft::{Calculated, Drafting, World};
use crate::ledger::entitle::{has_balances, waits};
use crate::ledger::policy::ProjectText;
use crate::ledger::write::{Basis, PlanText};
use crate::ledger::{Draft, Fault, Pen, Store};
use crate::report::commission::Paid;
use crate::report::ledger as report;

pub use crate::ledger::draft::{Keep, Setting};

impl Opened {
    /// The ledger of the project, for reading; `None` when nothing was ever recorded.
    pub fn ledger(&self) -> Result<Option<Store>, Fault> {
        Store::read(&self.root)
    }

    /// What postings on these tables rest on.
    pub fn basis(&self, tables: &Tables) -> Basis {
        let project = ProjectText::of(&self.text, &self.project.ledger);
        Basis::of(tables, PlanText::of(&self.plans), project)
    }

    /// The right to write the ledger, which one process has at a time.
    pub fn pen(&self) -> Result<Pen, Fault> {
        // Tests of the project end the program at any write: see `Store`.
        let crash = std::env::var("SPM_TEST_CRASH_AT_WRITE").ok().and_then(|text| text.parse().ok());
        Pen::take(&self.root, crash)
    }
}

/// Loads what the calculation of these periods needs: all that are posted, too, as known by the moment that is asked for.
pub fn load_for(
    opened: &Opened,
    setting: &Setting<'_>,
    periods: &Range<usize>,
    global: &Global,
    ui: &Ui,
) -> Result<Tables, Failure> {
    let (all, _) = setting.ranges(periods);
    load(opened, &(setting.since(periods)..all.end), setting.as_of, global, ui)
}

/// Drafts of open periods, and what speaks against posting them.
#[derive(Debug)]
pub struct Drafts {
    /// In order.
    pub all: Vec<Draft>,
    /// Warnings: what is gone, and corrections that are too large.
    pub doubts: Sink,
}

/// Settles the open periods of a range, one after the other, each on the books that the one before leaves. `paid` are the
/// earnings of all periods, when they are calculated already.
pub fn drafts_of(
    opened: &Opened,
    tables: &Tables,
    setting: &Setting<'_>,
    periods: &Range<usize>,
    paid: Option<&[Paid<'_>]>,
    keep: Keep,
    ui: &Ui,
) -> Result<Drafts, Failure> {
    let calendar = &opened.project.calendar;
    let (all, open) = setting.ranges(periods);
    let depth = Depth { deals: false, detail: plans(opened).into_iter().any(waits), since: all.start };
    let world = World::of(calendar, tables, &PlanText::of(&opened.plans));
    let mut drafting = Drafting::start(setting, &world)?;
    let mut doubts = Sink::default();
    drafting.gone().into_iter().chain(drafting.too_early()?).for_each(|warning| doubts.push(warning));
    let mut drafts: Vec<Draft> = Vec::new();
    // A refund counts in earlier periods from its own date on, so a period that ended before it is calculated without it.
    let end = |period: usize| calendar.periods()[period].range.to;
    let knows_all = |period: &usize| !refunds::happened(tables, end(*period), end(open.end - 1));
    let rest = open.clone().find(knows_all).unwrap_or(open.end);
    for period in open.start..rest {
        let own = all.start..period + 1;
        let paid = calculate(opened, tables, &own, depth, ui)?;
        drafts.push(drafting.draft(period, &own, &calculated(&paid)?, Keep::Facts)?);
    }
    if rest < open.end {
        let fresh = match paid {
            Some(_) => None,
            None => Some(calculate(opened, tables, &all, depth, ui)?),
        };
        let calculated = calculated(paid.or(fresh.as_deref()).unwrap_or_default())?;
        for period in rest..open.end {
            drafts.push(drafting.draft(period, &all, &calculated, keep)?);
        }
    }
    drafts.iter().flat_map(|draft| &draft.doubts).for_each(|warning| doubts.push(warning.clone()));
    Ok(Drafts { all: drafts, doubts })
}

fn calculated<'p>(paid: &'p [Paid<'p>]) -> Result<Vec<Calculated<'p>>, Failure> {
    payout::refuse(paid)?;
    let part = |part: &'p Paid<'p>| {
        Calculated::of(part.plan, &part.credited, &part.earnings, part.attribution.as_ref())
    };
    Ok(paid.iter().map(part).collect::<Result<_, Fault>>()?)
}

/// As [`drafts_of`], with the warnings shown.
pub fn drafts(
    opened: &Opened,
    tables: &Tables,
    setting: &Setting<'_>,
    periods: &Range<usize>,
    paid: Option<&[Paid<'_>]>,
    ui: &Ui,
) -> Result<Vec<Draft>, Failure> {
    let mut drafts = drafts_of(opened, tables, setting, periods, paid, Keep::Nothing, ui)?;
    drafts.doubts.append(starts_at_nothing(opened, setting, periods));
    ui.notices(&drafts.doubts);
    Ok(drafts.all)
}

/// Warns that nothing is known of earlier periods, where plans that were in force then advance, hold or take back.
fn starts_at_nothing(opened: &Opened, setting: &Setting<'_>, periods: &Range<usize>) -> Sink {
    let mut sink = Sink::default();
    let calendar = &opened.project.calendar;
    let first = &calendar.periods()[periods.start];
    let mut earlier = plans(opened).into_iter().filter(|plan| {
        let before = plan.effective.from < first.range.from && calendar.range().from < first.range.from;
        before && (has_balances(plan) || waits(plan))
    });
    if let (true, Some(plan)) = (setting.postings.is_empty(), earlier.next()) {
        let message = format!(
            "there is no ledger, so {} starts with balances of zero: what {} advanced, held or took back before is not in it",
            first.name, plan.id
        );
        let fault =
            Diagnostic::warning(Code::SPM708, message).at(Place::File(".spm/ledger.db".to_owned()), "");
        let start = &calendar.periods()[0].name;
        sink.push(fault.hint(format!(
            "post the earlier periods, or calculate a range from the first one: --period {start}..{}",
            first.name
        )));
    }
    sink
}

/// What periods pay, correct and leave, posted or open.
#[derive(Debug)]
pub struct Settled {
    /// The first period that is posted or calculated.
    pub since: usize,
    /// payee_id, period, currency, amount, held.
    pub payments: Table,
    /// Corrections and adjustments: period, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause.
    pub deltas: Table,
    /// As deltas, every line that is booked.
    pub lines: Table,
    /// period, payee_id, currency, account, opening, change, closing.
    pub balances: Table,
}

/// The periods of a range: those that are posted as the ledger has them, those that are open as they would be booked.
pub fn settled(
    opened: &Opened,
    setting: &Setting<'_>,
    periods: &Range<usize>,
    drafts: &[Draft],
) -> Result<Settled, Failure> {
    let calendar = &opened.project.calendar;
    let wanted = drafts.iter().map(|draft| &draft.settlement).filter(|all| periods.contains(&all.period));
    let open: Vec<&Settlement> = wanted.collect();
    let (mut payments, mut deltas, mut balances) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = Vec::new();
    if let Some(store) = setting.store {
        for posted in setting.postings.iter().filter(|posted| periods.contains(&posted.period)) {
            payments.push(store.payments(posted.record)?);
            deltas.push(store.corrections(posted.record, false)?);
            lines.push(store.corrections(posted.record, true)?);
            balances.push(store.balances(posted.record)?);
        }
    }
    payments.push(report::payments(calendar, &open)?);
    deltas.push(report::lines(calendar, &open, true)?);
    lines.push(report::lines(calendar, &open, false)?);
    balances.push(report::balances(calendar, &open)?);
    Ok(Settled {
        since: setting.since(periods),
        payments: rows::stacked(payments.iter())?,
        deltas: rows::stacked(deltas.iter())?,
        lines: rows::stacked(lines.iter())?,
        balances: rows::stacked(balances.iter())?,
    })
}
