//! From calculated earnings to drafts of the open periods: what each would book, checked.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

use spm_core::engine::comp::{self, Problem};
use spm_core::engine::ledger::{
    Books, Cancelled, Change, Facts, Key, changes, explain, served, settle, verify,
};
use spm_core::ground::diagnostic::Sink;
use spm_core::ground::period::Date;
use spm_frame::events::{cancellations, cancelled, receipts};
use spm_frame::load::Tables;
use spm_frame::quota::quotas;
use spm_frame::rows;
use spm_frame::table::Table;

use super::comp::{Depth, calculate, load, plans, problem};
use super::payout;
use crate::cli::Global;
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::ledger::entitle::{self, Attributed, Ground, Part, attributed};
use crate::ledger::read::Posted;
use crate::ledger::write::{Basis, PlanText};
use crate::ledger::{Access, Draft, Fault, Store, decisions};
use crate::report::commission::Paid;
use crate::report::ledger as report;

/// What is known when periods are settled.
pub struct Setting<'a> {
    /// The ledger, when there is one.
    pub store: Option<&'a Store>,
    /// The last record that counts.
    pub through: i64,
    /// The posted periods.
    pub postings: Vec<Posted>,
    /// What was known of the extracts by a day, when that is asked for.
    pub as_of: Option<Date>,
}

impl<'a> Setting<'a> {
    /// The ledger as it stood at the end of a day, or as it stands.
    pub fn of(opened: &Opened, store: Option<&'a Store>, as_of: Option<Date>) -> Result<Self, Fault> {
        let (through, postings) = match store {
            None => (i64::MAX, vec![]),
            Some(store) => {
                let through = store.through(as_of)?;
                (through, store.postings(&opened.project.calendar, through)?)
            }
        };
        Ok(Self { store, through, postings, as_of })
    }

    /// The periods that have to be calculated for a run over some periods, and those of them that are open.
    pub fn ranges(&self, periods: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let (Some(first), Some(last)) = (self.postings.first(), self.postings.last()) else {
            return (periods.clone(), periods.clone());
        };
        let end = periods.end.max(last.period + 1);
        (first.period..end, last.period + 1..end)
    }

    /// Loads what the calculation of these periods needs.
    pub fn load(
        &self,
        opened: &Opened,
        periods: &Range<usize>,
        global: &Global,
        ui: &Ui,
    ) -> Result<Tables, Failure> {
        let (all, _) = self.ranges(periods);
        let mut tables = load(opened, &(all.start.min(periods.start)..all.end), global, ui)?;
        if let Some(day) = self.as_of {
            spm_frame::events::known_by(&mut tables, day)?;
        }
        Ok(tables)
    }
}

impl Opened {
    /// Opens the ledger of the project.
    pub fn ledger(&self, access: Access) -> Result<Option<Store>, Fault> {
        // Tests of the project end the program at any write: see `Store`.
        let crash = std::env::var("SPM_TEST_CRASH_AT_WRITE").ok().and_then(|text| text.parse().ok());
        Store::open(&self.root, access, crash)
    }

    /// What a posting rests on.
    pub fn basis(&self, tables: &Tables) -> Basis {
        let mut files: Vec<_> =
            tables.inputs.iter().map(|file| (file.path.clone(), file.sha256.clone(), file.rows)).collect();
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let plan = |(source, plan): &(spm_core::ground::source::Source, spm_core::plan::Plan)| {
            matches!(plan, spm_core::plan::Plan::Comp(_)).then(|| PlanText {
                id: plan.id().to_owned(),
                path: source.path().to_owned(),
                sha256: spm_frame::read::sha256(source.text().as_bytes()),
                text: source.text().to_owned(),
            })
        };
        Basis {
            inputs: tables
                .fingerprints()
                .into_iter()
                .map(|(name, print)| (name.to_owned(), print.to_string()))
                .collect(),
            files,
            plans: self.plans.iter().filter_map(plan).collect(),
        }
    }
}

/// Whether drafts keep the facts that they rest on, as postings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They do.
    Facts,
    /// Only what is booked is wanted.
    Nothing,
}

/// Settles the open periods of a range, one after the other, each on the books that the one before leaves.
pub fn drafts(
    opened: &Opened,
    tables: &Tables,
    setting: &Setting<'_>,
    periods: &Range<usize>,
    keep: Keep,
    ui: &Ui,
) -> Result<Vec<Draft>, Failure> {
    let (all, open) = setting.ranges(periods);
    let waits = plans(opened).into_iter().any(entitle::waits);
    let paid = calculate(opened, tables, &all, Depth { deals: false, detail: waits }, ui)?;
    drafts_of(opened, tables, setting, (&all, &open), &paid, keep)
}

/// As [`drafts`], when the earnings of all periods are calculated already.
pub fn drafts_of(
    opened: &Opened,
    tables: &Tables,
    setting: &Setting<'_>,
    (all, open): (&Range<usize>, &Range<usize>),
    paid: &[Paid<'_>],
    keep: Keep,
) -> Result<Vec<Draft>, Failure> {
    payout::refuse(paid)?;
    let calendar = &opened.project.calendar;
    let name = |period: usize| calendar.periods()[period].name.clone();
    let (mut books, mut known) = match setting.store {
        None => (Books::default(), Facts::new()),
        Some(store) => (store.books(calendar, setting.through)?, store.facts(calendar, setting.through)?),
    };
    let quotas = quotas(tables, calendar, &mut Sink::default());
    let basis = opened.basis(tables);
    let texts: Vec<(String, String)> = basis.plans.into_iter().map(|plan| (plan.id, plan.sha256)).collect();
    let attributions: Vec<Attributed> = paid
        .iter()
        .map(|part| part.attribution.as_ref().map_or_else(|| Ok(Attributed::new()), attributed))
        .collect::<Result<_, _>>()?;
    let receipts = receipts(tables);
    let plans: Vec<_> = paid.iter().map(|part| part.plan).collect();
    let mut drafts = Vec::new();
    let mut past = BTreeMap::new();
    for period in open.clone() {
        let gone = cancellations(tables, calendar.periods()[period].range.to);
        let mut parts = Vec::new();
        for (part, attributed) in paid.iter().zip(&attributions) {
            let mut own = Part {
                plan: part.plan,
                credited: &part.credited,
                earnings: &part.earnings,
                served: None,
                cancelled: vec![],
                attributed,
            };
            if let Some(rule) = &part.plan.clawback
                && !gone.is_empty()
            {
                own.cancelled = cancelled(&part.credited, &gone)?;
                let (measurements, deals) =
                    served(&part.credited.measurements, &part.credited.deals, &own.cancelled, rule);
                let active = all.clone().filter(|index| {
                    calendar.periods()[*index].range.intersect(&part.plan.effective).is_some()
                });
                let active: Vec<usize> = active.collect();
                let range = active.first().copied().unwrap_or(all.start)
                    ..active.last().map_or(all.start, |last| last + 1);
                let depth = Depth { deals: false, detail: false };
                let whole = problem(part.plan, &opened.project, range, &part.credited, &quotas, depth);
                let problem = Problem { measurements: &measurements, deals: &deals, ..whole };
                let earnings = comp::earn(&problem).map_err(|fault| Failure::fault(fault, exit::INPUT))?;
                comp::verify::verify(&problem, &earnings).map_err(faults)?;
                own.served = Some(earnings);
            }
            parts.push(own);
        }
        let mut entitlements = entitle::entitlements(calendar, period, &parts, &receipts)
            .map_err(|fault| Failure::fault(fault, exit::BUG))?;
        if let Some(store) = setting.store {
            decisions::entitle(store, calendar, setting.through, &mut entitlements)?;
        }
        let terms =
            entitle::terms(calendar, period, &parts).map_err(|fault| Failure::fault(fault, exit::INPUT))?;
        let ground = Ground { calendar, quotas: &quotas, cancellations: &gone, plans: &texts };
        // Facts are many: they are gathered when a posting keeps them, or when a correction has to be explained.
        let now: OnceCell<Facts> = OnceCell::new();
        let gather = || now.get_or_init(|| entitle::facts(&ground, &parts, period).unwrap_or_default());
        let old: OnceCell<Vec<Change>> = OnceCell::new();
        let cause = |key: &Key| {
            let changed = old.get_or_init(|| match period == open.start {
                true => changes(&known, gather(), period.saturating_sub(1)),
                // Later open periods rest on the same extracts as the first: what changed between them is what was
                // cancelled in the meantime.
                false => changes(&entitle::cancellations(&past), &entitle::cancellations(&gone), period),
            });
            let credited = |transaction: &str| {
                let own = |part: &Part<'_>| {
                    let mine = |credit: &Cancelled| {
                        part.credited.payees[credit.cell.payee].id == key.who.payee
                            && credit.transaction == transaction
                    };
                    part.cancelled.iter().any(mine)
                };
                parts.iter().any(own)
            };
            explain(key, changed, &plans, &credited, &name)
        };
        let settlement = settle(period, &books, &entitlements, &terms, &name, &cause);
        verify::settlement(&books, &entitlements, &settlement).map_err(faults)?;
        books.book(&settlement);
        let mut differences = Vec::new();
        if keep == Keep::Facts {
            differences = changes(&known, gather(), period);
            known = now.into_inner().unwrap_or_default();
        }
        past = gone;
        drafts.push(Draft { settlement, changes: differences });
    }
    Ok(drafts)
}

fn faults(all: Vec<spm_core::ground::diagnostic::Diagnostic>) -> Failure {
    let mut sink = Sink::default();
    all.into_iter().for_each(|fault| sink.push(fault));
    Failure::Faults(sink, exit::BUG)
}

/// What periods pay, correct and leave, posted or open.
#[derive(Debug)]
pub struct Settled {
    /// payee_id, period, currency, amount, held.
    pub payments: Table,
    /// period, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause.
    pub deltas: Table,
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
    let open: Vec<_> = wanted.collect();
    let (mut payments, mut deltas, mut balances) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(store) = setting.store {
        for posted in setting.postings.iter().filter(|posted| periods.contains(&posted.period)) {
            payments.push(store.payments(posted.record)?);
            deltas.push(store.corrections(posted.record)?);
            balances.push(store.balances(posted.record)?);
        }
    }
    payments.push(report::payments(calendar, &open)?);
    deltas.push(report::lines(calendar, &open, true)?);
    balances.push(report::balances(calendar, &open)?);
    Ok(Settled {
        payments: rows::stacked(payments.iter())?,
        deltas: rows::stacked(deltas.iter())?,
        balances: rows::stacked(balances.iter())?,
    })
}
