//! Windows of single transactions: the same transaction in other measures, and net of the refunds that take it back.
//!
//! A refund of a transaction (`refund_of`) is not rated on its own: it pays what the transaction earns net of its refunds,
//! less what it had earned before this one. So a refund in full takes back exactly what was earned, whatever the tiers and
//! caps are.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Cell, Deal, Problem};
use crate::ground::period::{Calendar, Date};
use crate::ground::rational::Rational;
use crate::plan::comp::{CompPlan, MeasureSource, Window};
use crate::plan::expression::Expression;

/// A transaction that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Looked<'a> {
    /// The measure whose credit it is, where that measure adds up credits.
    pub(super) measure: Option<usize>,
    pub(super) deal: &'a Deal,
    /// The last of its refunds that counts.
    pub(super) until: Option<&'a Deal>,
}

/// A credit and the index of its period.
pub(super) type Dated<'a> = (usize, &'a Deal);

/// A credit, and what refunds take back of it.
pub(super) type Net<'a> = (&'a Deal, Vec<(&'a Deal, Rational)>);

/// What one credit changes.
pub(super) enum Step<'a> {
    /// It is rated on its own.
    Sale(&'a Deal),
    /// It takes back a part of credits.
    Refund {
        deal: &'a Deal,
        /// What it takes back.
        of: Vec<Dated<'a>>,
        /// The refund before it.
        before: Option<&'a Deal>,
    },
}

fn key(deal: &Deal) -> (Date, &str, Option<&str>) {
    (deal.date, &deal.transaction, deal.line.as_deref())
}

/// A transaction's credits and those of its refunds, in the order of events.
#[derive(Default)]
struct Family<'a> {
    sold: Vec<Dated<'a>>,
    refunds: Vec<Dated<'a>>,
}

impl<'a> Family<'a> {
    /// The credits that a refund takes back: those of its own line, or all where it or they have none.
    fn targets(&self, refund: &Deal) -> Vec<Dated<'a>> {
        let same =
            |(_, sold): &&Dated<'a>| refund.line.is_none() || sold.line.is_none() || sold.line == refund.line;
        self.sold.iter().filter(same).copied().collect()
    }

    /// The part of a refund that takes back a credit: in proportion to the amounts.
    fn part(&self, refund: &Deal, sold: &Deal) -> Rational {
        let targets = self.targets(refund);
        if !targets.iter().any(|(_, own)| std::ptr::eq(*own, sold)) {
            return Rational::zero();
        }
        let total: Rational = targets.iter().map(|(_, own)| &own.amount).sum();
        let count = i64::try_from(targets.len()).unwrap_or(1);
        let equally = || &Rational::one() / &Rational::from(count);
        let share = sold.amount.checked_div(&total).unwrap_or_else(equally);
        &refund.amount * &share
    }
}

/// The families of one payee, by transaction, and the transaction that each refund leads back to.
#[derive(Default)]
struct Families<'a> {
    by_root: BTreeMap<&'a str, Family<'a>>,
    roots: BTreeMap<&'a str, &'a str>,
}

impl<'a> Families<'a> {
    /// Of credits of a payee. With a calendar a transaction and its refund belong together within a fiscal year: what was sold
    /// before is not there to be rated again.
    fn of(all: &[Dated<'a>], calendar: Option<&Calendar>) -> Self {
        let mut families = Self::default();
        let there: BTreeSet<&str> = all.iter().map(|(_, deal)| deal.transaction.as_str()).collect();
        // What a refund takes back that is not there cannot be rated again: such a refund is where its own refunds lead.
        let original = |deal: &'a Deal| deal.refund_of.as_deref().filter(|original| there.contains(original));
        let mut back: BTreeMap<&str, &'a str> = BTreeMap::new();
        for (_, deal) in all {
            if let Some(original) = original(deal) {
                back.insert(&deal.transaction, original);
            }
        }
        let root = |transaction: &'a str| {
            // A refund of a refund leads on; a circle ends where it has been walked once.
            let mut root = transaction;
            for _ in 0..back.len() {
                match back.get(root) {
                    Some(original) => root = original,
                    None => return Some(root),
                }
            }
            (!back.contains_key(root)).then_some(root)
        };
        let mut sold: BTreeMap<&str, Vec<Dated<'a>>> = BTreeMap::new();
        for (period, deal) in all.iter().filter(|(_, deal)| original(deal).is_none()) {
            sold.entry(&deal.transaction).or_default().push((*period, *deal));
        }
        let year = |period: usize| calendar.map(|calendar| &calendar.periods()[period].year);
        for (period, deal) in all.iter().filter(|(_, deal)| original(deal).is_some()) {
            let Some(root) = root(&deal.transaction) else { continue };
            let Some(own) = sold.get(root).filter(|own| own.iter().all(|one| year(one.0) == year(*period)))
            else {
                continue;
            };
            let family = families.by_root.entry(root).or_default();
            family.sold.clone_from(own);
            // A refund of a line that is not there is rated on its own.
            if !family.targets(deal).is_empty() {
                family.refunds.push((*period, *deal));
                families.roots.insert(&deal.transaction, root);
            }
        }
        let in_order = |family: &mut Family<'_>| family.refunds.sort_by(|a, b| key(a.1).cmp(&key(b.1)));
        families.by_root.values_mut().for_each(in_order);
        families
    }

    fn step(&self, deal: &'a Deal) -> Step<'a> {
        let root = self.roots.get(deal.transaction.as_str());
        let Some(family) = root.and_then(|root| self.by_root.get(root)) else { return Step::Sale(deal) };
        let place = family.refunds.iter().position(|(_, own)| std::ptr::eq(*own, deal));
        let Some(place) = place else { return Step::Sale(deal) };
        let before = place.checked_sub(1).map(|before| family.refunds[before].1);
        Step::Refund { deal, of: family.targets(deal), before }
    }
}

/// The transactions of a measure or component.
pub(super) struct Transactions<'a> {
    /// The measures of credits that they are in.
    pub(super) measures: Vec<usize>,
    families: BTreeMap<usize, Families<'a>>,
}

impl<'a> Transactions<'a> {
    /// Those of a measure.
    pub(super) fn of_measure(problem: &'a Problem<'a>, measure: usize) -> Self {
        let mut measures = Vec::new();
        behind_measure(problem.plan, measure, &mut measures);
        Self::new(problem, measures)
    }

    /// Those of what a formula names.
    pub(super) fn of_formula(problem: &'a Problem<'a>, formula: &Expression) -> Self {
        let mut measures = Vec::new();
        behind(problem.plan, formula, problem.plan.measures.len(), &mut measures);
        Self::new(problem, measures)
    }

    fn new(problem: &'a Problem<'a>, measures: Vec<usize>) -> Self {
        let mut families = BTreeMap::new();
        let own = |cell: &Cell| measures.contains(&cell.measure);
        let refunded = |deals: &Vec<Deal>| deals.iter().any(|deal| deal.refund_of.is_some());
        let payees = problem.deals.iter().filter(|(cell, deals)| own(cell) && refunded(deals));
        let mut payees: Vec<usize> = payees.map(|(cell, _)| cell.payee).collect();
        payees.dedup();
        for payee in payees {
            let of = |payee| Cell { payee, measure: 0, period: 0 };
            let cells = problem.deals.range(of(payee)..of(payee + 1)).filter(|(cell, _)| own(cell));
            let all = cells.flat_map(|(cell, deals)| deals.iter().map(|deal| (cell.period, deal)));
            let mut all: Vec<Dated<'a>> = all.collect();
            if measures.len() > 1 {
                all.sort_by(|a, b| (a.0, key(a.1)).cmp(&(b.0, key(b.1))));
                all.dedup_by(|a, b| key(a.1) == key(b.1));
            }
            families.insert(payee, Families::of(&all, Some(problem.calendar)));
        }
        Self { measures, families }
    }

    /// The measure of credits, when it is one.
    pub(super) fn own(&self) -> Option<usize> {
        if let [own] = self.measures[..] { Some(own) } else { None }
    }

    /// The credits of a payee in a period, in the order of events: of one measure each, of several each transaction once.
    pub(super) fn deals(&self, problem: &'a Problem<'a>, payee: usize, period: usize) -> Vec<&'a Deal> {
        let deals = |measure: &usize| problem.deals.get(&Cell { payee, measure: *measure, period });
        let mut all: Vec<&Deal> = self.measures.iter().filter_map(deals).flatten().collect();
        if self.measures.len() > 1 {
            all.sort_by(|a, b| key(a).cmp(&key(b)));
            all.dedup_by(|a, b| key(a) == key(b));
        }
        all
    }

    /// What each credit of a payee changes in a period.
    pub(super) fn steps(&self, problem: &'a Problem<'a>, payee: usize, period: usize) -> Vec<Step<'a>> {
        let deals = self.deals(problem, payee, period).into_iter();
        match self.families.get(&payee) {
            None => deals.map(Step::Sale).collect(),
            Some(families) => deals.map(|deal| families.step(deal)).collect(),
        }
    }

    /// The credits of a measure for a transaction, each with what its refunds so far take back.
    pub(super) fn same(
        &self,
        problem: &'a Problem<'a>,
        payee: usize,
        period: usize,
        measure: usize,
        looked: &Looked<'a>,
    ) -> Vec<Net<'a>> {
        let all = problem.deals.get(&Cell { payee, measure, period }).map_or(&[][..], Vec::as_slice);
        let deals = if looked.measure == Some(measure) {
            vec![looked.deal]
        } else {
            let wanted = key(looked.deal);
            let start = all.partition_point(|deal| key(deal) < wanted);
            all[start..].iter().take_while(|deal| key(deal) == wanted).collect()
        };
        let refunds = |deal: &'a Deal| {
            let Some(until) = looked.until else { return vec![] };
            let families = self.families.get(&payee);
            let family = families.and_then(|families| families.by_root.get(deal.transaction.as_str()));
            let Some(family) = family else { return vec![] };
            let counts = family.refunds.iter().filter(|(_, refund)| key(refund) <= key(until));
            let parts = counts.map(|(_, refund)| (*refund, family.part(refund, deal)));
            parts.filter(|(_, part)| !part.is_zero()).collect()
        };
        deals.into_iter().map(|deal| (deal, refunds(deal))).collect()
    }
}

/// The credits among some, each with what the refunds among them take back of it.
pub(super) fn after_refunds<'a>(all: &[Dated<'a>]) -> Vec<Net<'a>> {
    let families = Families::of(all, None);
    let sold = all.iter().filter(|(_, deal)| deal.refund_of.is_none());
    let net = sold.map(|(_, deal)| {
        let family = families.by_root.get(deal.transaction.as_str());
        let refunds = family.into_iter().flat_map(|family| &family.refunds);
        let parts = refunds
            .map(|(_, refund)| (*refund, family.map_or_else(Rational::zero, |own| own.part(refund, deal))));
        (*deal, parts.filter(|(_, part)| !part.is_zero()).collect())
    });
    net.collect()
}

/// The measures of credits of window transaction behind a measure.
fn behind_measure(plan: &CompPlan, measure: usize, found: &mut Vec<usize>) {
    let definition = &plan.measures[measure];
    match &definition.source {
        _ if definition.window != Window::Transaction => {}
        MeasureSource::Credits(..) if !found.contains(&measure) => found.push(measure),
        MeasureSource::Credits(..) => {}
        MeasureSource::Formula(formula, _) => behind(plan, formula, measure, found),
        MeasureSource::Earned(_) | MeasureSource::Reached(_) => {}
    }
}

fn behind(plan: &CompPlan, formula: &Expression, below: usize, found: &mut Vec<usize>) {
    for name in formula.columns() {
        if let Some(measure) = plan.measures[..below].iter().position(|measure| measure.name == name) {
            behind_measure(plan, measure, found);
        }
    }
}
