//! Checks an allocation against its problem naively, with no code of the engine that made it (floor 2).

use std::collections::BTreeMap;
use std::fmt;

use super::allocation::{Allocation, Explanation, Quota};
use super::problem::{HolderId, Problem, Total};
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
    let mut check = Check::new(problem, allocation);
    check.rows();
    for holder in 0..problem.holders.len() {
        check.total(holder);
        check.limits(holder);
        check.level_sum(holder);
        check.periods(holder);
        check.units(holder);
        check.parts(holder);
    }
    check.found
}

/// The checks and what they found. Holders are indices into the problem's.
struct Check<'a> {
    problem: &'a Problem,
    allocation: &'a Allocation,
    positions: BTreeMap<&'a HolderId, usize>,
    names: Vec<&'a str>,
    /// Amounts in major units by holder: the year, then the periods. Zero where a row is missing, which is noted.
    amounts: Vec<Vec<Rational>>,
    children: Vec<Vec<usize>>,
    explanations: Vec<Option<&'a Explanation>>,
    found: Vec<Disagreement>,
}

impl<'a> Check<'a> {
    fn new(problem: &'a Problem, allocation: &'a Allocation) -> Self {
        let holders = &problem.holders;
        let positions: BTreeMap<&HolderId, usize> =
            holders.iter().enumerate().map(|(position, holder)| (&holder.id, position)).collect();
        let mut children = vec![vec![]; holders.len()];
        for (position, holder) in holders.iter().enumerate() {
            if let Some(parent) = holder.parent.as_ref().and_then(|parent| positions.get(parent)) {
                children[*parent].push(position);
            }
        }
        let mut explanations = vec![None; holders.len()];
        for explanation in &allocation.explanations {
            if let Some(position) = positions.get(&explanation.holder) {
                explanations[*position] = Some(explanation);
            }
        }
        let names =
            problem.phasing.iter().flat_map(|phasing| &phasing.periods).map(|(name, _)| name.as_str());
        Self {
            problem,
            allocation,
            positions,
            names: names.collect(),
            amounts: vec![],
            children,
            explanations,
            found: vec![],
        }
    }

    /// Notes a broken law.
    fn found(&mut self, law: Law, holder: usize, message: String) {
        self.found.push(Disagreement { law, holder: self.problem.holders[holder].id.clone(), message });
    }

    fn year(&self, holder: usize) -> &Rational {
        &self.amounts[holder][0]
    }

    /// Over-assignment of a holder to its children.
    fn factor(&self, holder: usize) -> Rational {
        let own = &self.problem.holders[holder];
        let of_level = self.problem.over_assignment.get(&*own.level);
        own.over_assignment.as_ref().or(of_level).cloned().unwrap_or_else(Rational::one)
    }

    /// Every holder and period once.
    fn rows(&mut self) {
        let (problem, allocation) = (self.problem, self.allocation);
        let mut amounts: Vec<Vec<Option<Rational>>> =
            vec![vec![None; 1 + self.names.len()]; problem.holders.len()];
        if allocation.decimals != problem.decimals && !problem.holders.is_empty() {
            let message = format!("{} decimals, not {}", allocation.decimals, problem.decimals);
            self.found(Law::Rows, 0, message);
        }
        let mut last: Option<(&HolderId, usize)> = None;
        for quota in &allocation.quotas {
            let Quota { holder, level, parent, period, amount_minor } = quota;
            let shown = period.as_deref().unwrap_or("the year");
            let position = match last {
                Some((id, position)) if id == holder => Some(position),
                _ => self.positions.get(holder).copied(),
            };
            let column = match period {
                None => Some(0),
                Some(name) => self.names.iter().position(|own| *own == &**name).map(|period| period + 1),
            };
            let (Some(position), Some(column)) = (position, column) else {
                let message = format!("nobody asked for {shown}");
                self.found.push(Disagreement { law: Law::Rows, holder: holder.clone(), message });
                continue;
            };
            last = Some((holder, position));
            let asked = &problem.holders[position];
            if asked.level != *level || asked.parent != *parent {
                self.found(Law::Rows, position, format!("level or parent of {shown} is not as asked"));
            }
            let amount = Rational::from_scaled(*amount_minor, problem.decimals);
            if amounts[position][column].replace(amount).is_some() {
                self.found(Law::Rows, position, format!("{shown} occurs twice"));
            }
        }
        for (position, row) in amounts.iter().enumerate() {
            for column in
                row.iter().enumerate().filter(|(_, amount)| amount.is_none()).map(|(column, _)| column)
            {
                let name = column.checked_sub(1).map_or("the year", |period| self.names[period]);
                self.found(Law::Rows, position, format!("{name} is missing"));
            }
        }
        let known = |row: Vec<Option<Rational>>| row.into_iter().map(Option::unwrap_or_default).collect();
        self.amounts = amounts.into_iter().map(known).collect();
    }

    /// The root has the total; a total derived from history is within half a unit of the sum.
    fn total(&mut self, holder: usize) {
        if self.problem.holders[holder].parent.is_some() {
            return;
        }
        let amount = self.year(holder).clone();
        let (exact, allowed) = match &self.problem.total {
            Total::Given(total) => (total.clone(), Rational::zero()),
            Total::GrowthOnHistory { growth } => {
                let twice = Rational::from(2_i64);
                (self.grown(holder, growth), self.problem.unit.clone() / twice)
            }
        };
        if distance(&amount, &exact) > allowed {
            self.found(Law::Total, holder, format!("has {amount}, but the total is {exact}"));
        }
    }

    /// History x (1 + growth) of everyone below.
    fn grown(&self, holder: usize, growth: &Rational) -> Rational {
        let own = &self.problem.holders[holder];
        let growth = own.growth.as_ref().unwrap_or(growth);
        match self.children[holder].as_slice() {
            [] => own.history.clone().unwrap_or_default() * (&Rational::one() + growth),
            children => children.iter().map(|child| self.grown(*child, growth)).sum(),
        }
    }

    /// Floor, cap and lock.
    fn limits(&mut self, holder: usize) {
        let own = &self.problem.holders[holder];
        let amount = self.year(holder).clone();
        let floor = own.floor.clone().unwrap_or_default();
        if amount < floor {
            self.found(Law::Floor, holder, format!("has {amount}, below its floor of {floor}"));
        }
        if let Some(cap) = own.cap.as_ref().filter(|cap| amount > **cap) {
            self.found(Law::Cap, holder, format!("has {amount}, above its cap of {cap}"));
        }
        if let Some(locked) = own.locked.as_ref().filter(|locked| amount != **locked) {
            self.found(Law::Lock, holder, format!("has {amount}, but is locked at {locked}"));
        }
        if let Some(phased) = own.phased.as_ref().filter(|phased| self.amounts[holder][1..] != phased[..]) {
            let message = format!("has other periods than the {} that are locked", phased.len());
            self.found(Law::Lock, holder, message);
        }
    }

    /// Children sum to the parent: exactly without over-assignment, else up to the rounding of the product.
    fn level_sum(&mut self, holder: usize) {
        if self.children[holder].is_empty() {
            return;
        }
        let sum: Rational = self.children[holder].iter().map(|child| self.year(*child)).sum();
        let factor = self.factor(holder);
        let expected = self.year(holder) * &factor;
        let allowed = if factor == Rational::one() {
            Rational::zero()
        } else {
            // Half a unit; or, where everything below is locked, what the smallest amount of the parent comes to.
            let half = self.problem.unit.clone() / Rational::from(2_i64);
            half.max(factor * Rational::from_scaled(1, self.problem.decimals))
        };
        if distance(&sum, &expected) > allowed {
            self.found(Law::LevelSum, holder, format!("children have {sum} together, not {expected}"));
        }
    }

    /// Periods sum to the year, and children to their parent in each period.
    fn periods(&mut self, holder: usize) {
        if self.names.is_empty() {
            return;
        }
        let year = self.year(holder).clone();
        let sum: Rational = self.amounts[holder][1..].iter().sum();
        if sum != year {
            self.found(Law::PeriodSum, holder, format!("periods sum to {sum}, the year is {year}"));
        }
        let adds_up = !self.children[holder].is_empty() && self.factor(holder) == Rational::one();
        for (period, name) in self.names.clone().into_iter().enumerate() {
            let amount = self.amounts[holder][period + 1].clone();
            if amount.is_negative() {
                self.found(Law::Floor, holder, format!("{name} has {amount}, below zero"));
            }
            if !adds_up {
                continue;
            }
            let sum: Rational =
                self.children[holder].iter().map(|child| &self.amounts[*child][period + 1]).sum();
            if sum != amount {
                let message = format!("children have {sum} in {name}, not {amount}");
                self.found(Law::LevelPeriodSum, holder, message);
            }
        }
    }

    /// At most one child is no whole unit without a floor, cap or lock at or below it that is none either.
    fn units(&mut self, holder: usize) {
        let broken = self.children[holder]
            .iter()
            .filter(|child| !self.whole(self.year(**child)) && !self.broken_limit(**child));
        let unexplained: Vec<&str> = broken.map(|child| self.problem.holders[*child].id.as_str()).collect();
        if unexplained.len() > 1 {
            self.found(Law::Unit, holder, format!("no whole units: {}", unexplained.join(", ")));
        }
    }

    /// True for a whole number of units.
    fn whole(&self, amount: &Rational) -> bool {
        amount.checked_div(&self.problem.unit).is_some_and(|count| count.decimals() == Some(0))
    }

    /// A floor, cap or lock at or below the holder that is no whole unit, or an over-assignment that makes it so.
    fn broken_limit(&self, holder: usize) -> bool {
        let own = &self.problem.holders[holder];
        let limits = [&own.floor, &own.cap, &own.locked];
        let broken = limits.into_iter().flatten().any(|limit| !self.whole(limit));
        let children = &self.children[holder];
        let divided = !children.is_empty() && self.factor(holder) != Rational::one();
        broken || divided || children.iter().any(|child| self.broken_limit(*child))
    }

    /// The parts of the explanation sum to the quota.
    fn parts(&mut self, holder: usize) {
        let amount = self.year(holder).clone();
        let Some(explanation) = self.explanations[holder] else {
            self.found(Law::Parts, holder, "has no explanation".to_owned());
            return;
        };
        let parts = &explanation.parts;
        let mut sum = &parts.history + &parts.growth_share;
        for part in [&parts.over_assignment, &parts.from_above, &parts.limits, &parts.rounding] {
            sum += part;
        }
        if sum != amount || explanation.amount != amount {
            self.found(Law::Parts, holder, format!("parts sum to {sum}, the quota is {amount}"));
        }
    }
}

/// How far apart two numbers are.
fn distance(a: &Rational, b: &Rational) -> Rational {
    (a - b).max(b - a)
}
