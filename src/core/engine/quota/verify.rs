//! Checks an allocation against its problem naively, with no code of the engine that made it (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::allocation::{Allocation, Explanation, Quota};
use super::problem::{Holder, HolderId, Problem, Total};
use crate::ground::rational::Rational;

/// What a correct allocation keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// One row per holder and period, with its level and parent, and nothing else.
    Rows,
    /// The root has the total.
    Total,
    /// Children sum to their parent times its over-assignment.
    LevelSum,
    /// Periods sum to the year.
    PeriodSum,
    /// Children sum to their parent in each period.
    LevelPeriodSum,
    /// No amount below its floor, nor below zero.
    Floor,
    /// No amount above its cap.
    Cap,
    /// Locked amounts are as locked.
    Lock,
    /// Amounts are whole units, but for the named exceptions.
    Unit,
    /// The parts of a quota sum to it.
    Parts,
}

/// One broken law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which.
    pub law: Law,
    /// Where.
    pub holder: HolderId,
    /// The numbers.
    pub message: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.holder, self.message)
    }
}

/// Every law that the allocation breaks; empty when it is right. The problem is one that [`super::allocate`] accepts;
/// the allocation may be anything.
#[must_use]
pub fn verify(problem: &Problem, allocation: &Allocation) -> Vec<Disagreement> {
    let explanations = allocation.explanations.iter().map(|explanation| (&explanation.holder, explanation));
    let mut check = Check {
        problem,
        allocation,
        amounts: BTreeMap::new(),
        children: BTreeMap::new(),
        explanations: explanations.collect(),
        found: vec![],
    };
    check.rows();
    for holder in &problem.holders {
        if let Some(parent) = &holder.parent {
            check.children.entry(parent).or_default().push(holder);
        }
    }
    for holder in &problem.holders {
        check.total(holder);
        check.limits(holder);
        check.level_sum(holder);
        check.periods(holder);
        check.units(holder);
        check.parts(holder);
    }
    check.found
}

/// The checks and what they found.
struct Check<'a> {
    problem: &'a Problem,
    allocation: &'a Allocation,
    /// Amounts in major units by holder and period.
    amounts: BTreeMap<(&'a HolderId, Option<&'a str>), Rational>,
    children: BTreeMap<&'a HolderId, Vec<&'a Holder>>,
    explanations: BTreeMap<&'a HolderId, &'a Explanation>,
    found: Vec<Disagreement>,
}

impl<'a> Check<'a> {
    /// Notes a broken law.
    fn found(&mut self, law: Law, holder: &HolderId, message: String) {
        self.found.push(Disagreement { law, holder: holder.clone(), message });
    }

    /// The amount of a row; zero when the row is missing, which is noted elsewhere.
    fn amount(&self, holder: &'a HolderId, period: Option<&'a str>) -> Rational {
        self.amounts.get(&(holder, period)).cloned().unwrap_or_default()
    }

    /// The periods of the problem, without the year.
    fn period_names(&self) -> Vec<&'a str> {
        let problem: &'a Problem = self.problem;
        problem.phasing.iter().flat_map(|phasing| &phasing.periods).map(|(name, _)| name.as_str()).collect()
    }

    /// Over-assignment of a holder to its children.
    fn factor(&self, holder: &Holder) -> Rational {
        self.problem.over_assignment.get(&*holder.level).cloned().unwrap_or_else(Rational::one)
    }

    /// Every holder and period once.
    fn rows(&mut self) {
        let allocation: &'a Allocation = self.allocation;
        let problem: &'a Problem = self.problem;
        let mut expected: BTreeSet<(&HolderId, Option<&str>)> = BTreeSet::new();
        let mut holders: BTreeMap<&HolderId, &Holder> = BTreeMap::new();
        for holder in &problem.holders {
            holders.insert(&holder.id, holder);
            expected.insert((&holder.id, None));
            expected.extend(self.period_names().into_iter().map(|period| (&holder.id, Some(period))));
        }
        if let Some(holder) = problem.holders.first().filter(|_| allocation.decimals != problem.decimals) {
            let message = format!("{} decimals, not {}", allocation.decimals, problem.decimals);
            self.found(Law::Rows, &holder.id, message);
        }
        for quota in &allocation.quotas {
            let Quota { holder, level, parent, period, amount_minor } = quota;
            let key = (holder, period.as_deref());
            let shown = period.as_deref().unwrap_or("the year");
            if !expected.contains(&key) {
                self.found(Law::Rows, holder, format!("nobody asked for {shown}"));
                continue;
            }
            let asked = holders[holder];
            if asked.level != *level || asked.parent != *parent {
                self.found(Law::Rows, holder, format!("level or parent of {shown} is not as asked"));
            }
            let amount = Rational::from_scaled(*amount_minor, problem.decimals);
            if self.amounts.insert(key, amount).is_some() {
                self.found(Law::Rows, holder, format!("{shown} occurs twice"));
            }
        }
        for (holder, period) in expected {
            if !self.amounts.contains_key(&(holder, period)) {
                self.found(Law::Rows, holder, format!("{} is missing", period.unwrap_or("the year")));
            }
        }
    }

    /// The root has the total; a total derived from history is within half a unit of the sum.
    fn total(&mut self, holder: &'a Holder) {
        if holder.parent.is_some() {
            return;
        }
        let amount = self.amount(&holder.id, None);
        let (exact, allowed) = match &self.problem.total {
            Total::Given(total) => (total.clone(), Rational::zero()),
            Total::GrowthOnHistory { growth } => {
                let twice = Rational::from(2_i64);
                (self.grown(holder, growth), self.problem.unit.clone() / twice)
            }
        };
        if distance(&amount, &exact) > allowed {
            self.found(Law::Total, &holder.id, format!("has {amount}, but the total is {exact}"));
        }
    }

    /// History x (1 + growth) of everyone below.
    fn grown(&self, holder: &Holder, growth: &Rational) -> Rational {
        let growth = holder.growth.as_ref().unwrap_or(growth);
        match self.children.get(&holder.id) {
            Some(children) => children.iter().map(|child| self.grown(child, growth)).sum(),
            None => holder.history.clone().unwrap_or_default() * (&Rational::one() + growth),
        }
    }

    /// Floor, cap and lock.
    fn limits(&mut self, holder: &'a Holder) {
        let amount = self.amount(&holder.id, None);
        let floor = holder.floor.clone().unwrap_or_default();
        if amount < floor {
            self.found(Law::Floor, &holder.id, format!("has {amount}, below its floor of {floor}"));
        }
        if let Some(cap) = holder.cap.as_ref().filter(|cap| amount > **cap) {
            self.found(Law::Cap, &holder.id, format!("has {amount}, above its cap of {cap}"));
        }
        if let Some(locked) = holder.locked.as_ref().filter(|locked| amount != **locked) {
            self.found(Law::Lock, &holder.id, format!("has {amount}, but is locked at {locked}"));
        }
    }

    /// Children sum to the parent: exactly without over-assignment, else up to the rounding of the product.
    fn level_sum(&mut self, holder: &'a Holder) {
        let Some(children) = self.children.get(&holder.id) else { return };
        let sum: Rational = children.iter().map(|child| self.amount(&child.id, None)).sum();
        let factor = self.factor(holder);
        let expected = &self.amount(&holder.id, None) * &factor;
        let allowed = if factor == Rational::one() {
            Rational::zero()
        } else {
            // Half a unit; or, where everything below is locked, what the smallest amount of the parent comes to.
            let half = self.problem.unit.clone() / Rational::from(2_i64);
            half.max(factor * Rational::from_scaled(1, self.problem.decimals))
        };
        if distance(&sum, &expected) > allowed {
            self.found(Law::LevelSum, &holder.id, format!("children have {sum} together, not {expected}"));
        }
    }

    /// Periods sum to the year, and children to their parent in each period.
    fn periods(&mut self, holder: &'a Holder) {
        let periods = self.period_names();
        if periods.is_empty() {
            return;
        }
        let year = self.amount(&holder.id, None);
        let sum: Rational = periods.iter().map(|period| self.amount(&holder.id, Some(period))).sum();
        if sum != year {
            self.found(Law::PeriodSum, &holder.id, format!("periods sum to {sum}, the year is {year}"));
        }
        for period in periods {
            let amount = self.amount(&holder.id, Some(period));
            if amount.is_negative() {
                self.found(Law::Floor, &holder.id, format!("{period} has {amount}, below zero"));
            }
            let Some(children) = self.children.get(&holder.id) else { continue };
            let sum: Rational = children.iter().map(|child| self.amount(&child.id, Some(period))).sum();
            if self.factor(holder) == Rational::one() && sum != amount {
                self.found(
                    Law::LevelPeriodSum,
                    &holder.id,
                    format!("children have {sum} in {period}, not {amount}"),
                );
            }
        }
    }

    /// At most one child is no whole unit without a floor, cap or lock at or below it that is none either.
    fn units(&mut self, holder: &'a Holder) {
        let Some(children) = self.children.get(&holder.id) else { return };
        let unexplained: Vec<&HolderId> = children
            .iter()
            .filter(|child| !self.whole(&self.amount(&child.id, None)) && !self.broken_limit(child))
            .map(|child| &child.id)
            .collect();
        if unexplained.len() > 1 {
            let names: Vec<&str> = unexplained.iter().map(|id| id.as_str()).collect();
            self.found(Law::Unit, &holder.id, format!("no whole units: {}", names.join(", ")));
        }
    }

    /// True for a whole number of units.
    fn whole(&self, amount: &Rational) -> bool {
        amount.checked_div(&self.problem.unit).is_some_and(|count| count.decimals() == Some(0))
    }

    /// A floor, cap or lock at or below the holder that is no whole unit, or an over-assignment that makes it so.
    fn broken_limit(&self, holder: &Holder) -> bool {
        let limits = [&holder.floor, &holder.cap, &holder.locked];
        let broken = limits.into_iter().flatten().any(|limit| !self.whole(limit));
        let children = self.children.get(&holder.id).map_or(&[][..], Vec::as_slice);
        let divided = !children.is_empty() && self.factor(holder) != Rational::one();
        broken || divided || children.iter().any(|child| self.broken_limit(child))
    }

    /// The parts of the explanation sum to the quota.
    fn parts(&mut self, holder: &'a Holder) {
        let amount = self.amount(&holder.id, None);
        let Some(explanation) = self.explanations.get(&holder.id).copied() else {
            self.found(Law::Parts, &holder.id, "has no explanation".to_owned());
            return;
        };
        let parts = &explanation.parts;
        let mut sum = &parts.history + &parts.growth_share;
        for part in [&parts.over_assignment, &parts.from_above, &parts.limits, &parts.rounding] {
            sum += part;
        }
        if sum != amount || explanation.amount != amount {
            self.found(Law::Parts, &holder.id, format!("parts sum to {sum}, the quota is {amount}"));
        }
    }
}

/// How far apart two numbers are.
fn distance(a: &Rational, b: &Rational) -> Rational {
    (a - b).max(b - a)
}
