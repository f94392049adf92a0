//! Checks an allocation against its problem naively, with no code of the engine that made it (floor 2).

use std::fmt;
use std::sync::Arc;

use super::allocation::Allocation;
use super::problem::{Holder, HolderId, Problem, Total};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, common_multiple, round_to_decimals};

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
    /// A period of a leaf lies within one unit of its exact share.
    Season,
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
    /// Where nothing limits those who share something, each is within a unit of its share by weight.
    Share,
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
    if !check.rows() {
        return check.found;
    }
    check.limited = check.find_limited();
    for holder in 0..problem.holders.len() {
        check.total(holder);
        check.limits(holder);
        check.level_sum(holder);
        check.periods(holder);
        check.season(holder);
        check.units(holder);
        check.shares(holder);
    }
    check.found
}

/// The checks and what they found. Holders are indices into the problem's.
struct Check<'a> {
    problem: &'a Problem,
    allocation: &'a Allocation,
    /// The row of each holder.
    rows: Vec<usize>,
    children: Vec<Vec<usize>>,
    /// Has a floor, cap or lock, or somebody below has.
    limited: Vec<bool>,
    /// Some holder keeps its periods.
    keeps: bool,
    /// Season weights as whole numbers, their sum, and the unit of the phasing in the smallest amount.
    seasons: Option<(Vec<i64>, i64, i64)>,
    /// The unit in the smallest amount.
    unit: Option<i64>,
    found: Vec<Disagreement>,
}

impl<'a> Check<'a> {
    fn new(problem: &'a Problem, allocation: &'a Allocation) -> Self {
        let holders = problem.holders.len();
        Self {
            problem,
            allocation,
            rows: vec![usize::MAX; holders],
            children: vec![vec![]; holders],
            seasons: whole_seasons(problem),
            unit: round_to_decimals(&problem.unit, problem.decimals, Rounding::TowardZero)
                .filter(|unit| Rational::from_scaled(*unit, problem.decimals) == problem.unit && *unit > 0)
                .and_then(|unit| i64::try_from(unit).ok()),
            limited: vec![],
            keeps: problem.holders.iter().any(|holder| holder.kept.is_some()),
            found: vec![],
        }
    }

    /// Notes a broken law.
    fn found(&mut self, law: Law, holder: usize, message: String) {
        self.found.push(Disagreement { law, holder: self.problem.holders[holder].id.clone(), message });
    }

    /// The year and then the periods of a holder, in the smallest amount.
    fn amounts(&self, holder: usize) -> &'a [i64] {
        let width = self.allocation.periods.len() + 1;
        &self.allocation.amounts[self.rows[holder] * width..][..width]
    }

    /// The year of a holder in major units.
    fn year(&self, holder: usize) -> Rational {
        self.major(self.amounts(holder)[0])
    }

    fn major(&self, amount: i64) -> Rational {
        Rational::from_scaled(amount.into(), self.problem.decimals)
    }

    /// Over-assignment of a holder to its children.
    fn factor(&self, holder: usize) -> Rational {
        let own = &self.problem.holders[holder];
        let of_level = || self.problem.over_assignment.get(&*own.level);
        let of_holder = self.problem.over_assignment_of.get(&own.id);
        own.over_assignment.as_ref().or(of_holder).or_else(of_level).cloned().unwrap_or_else(Rational::one)
    }

    /// Every holder once, where the problem has it, with all its periods. False when there is no use in looking further.
    fn rows(&mut self) -> bool {
        let (problem, allocation) = (self.problem, self.allocation);
        if problem.holders.is_empty() {
            return allocation.holders.is_empty();
        }
        if allocation.decimals != problem.decimals {
            let message = format!("{} decimals, not {}", allocation.decimals, problem.decimals);
            self.found(Law::Rows, 0, message);
        }
        let asked =
            problem.phasing.iter().flat_map(|phasing| &phasing.periods).map(|(name, _)| name.as_str());
        if !asked.eq(allocation.periods.iter().map(|name| &**name)) {
            self.found(Law::Rows, 0, format!("the periods are {}", allocation.periods.join(", ")));
        }
        let (rows, width) = (allocation.holders.len(), allocation.periods.len() + 1);
        if allocation.amounts.len() != rows * width {
            let message = format!("{} amounts in {rows} rows of {width}", allocation.amounts.len());
            self.found(Law::Rows, 0, message);
        }
        for (row, placed) in allocation.holders.iter().enumerate() {
            let holder = placed.index;
            let Some(asked) = problem.holders.get(holder).filter(|asked| asked.id == placed.holder) else {
                let message = "nobody asked for it".to_owned();
                self.found.push(Disagreement { law: Law::Rows, holder: placed.holder.clone(), message });
                continue;
            };
            // The row above is that of the parent, and comes first.
            let above = placed.above.filter(|above| *above < row).map(|above| &allocation.holders[above]);
            let below = asked.parent.as_ref() == above.map(|above| &above.holder);
            let level = Arc::ptr_eq(&asked.level, &placed.level) || asked.level == placed.level;
            if !level || asked.parent != placed.parent || !below {
                self.found(Law::Rows, holder, "level or parent is not as asked".to_owned());
            }
            if self.rows[holder] != usize::MAX {
                self.found(Law::Rows, holder, "occurs twice".to_owned());
            }
            self.rows[holder] = row;
            if let Some(above) = above.filter(|above| above.index < self.children.len()) {
                self.children[above.index].push(holder);
            }
        }
        for holder in 0..problem.holders.len() {
            if self.rows[holder] == usize::MAX {
                self.found(Law::Rows, holder, "is missing".to_owned());
            }
        }
        self.found.is_empty()
    }

    /// Who has a limit, at or below.
    fn find_limited(&self) -> Vec<bool> {
        let own = |own: &Holder| own.floor.is_some() || own.cap.is_some() || own.locked.is_some();
        let mut limited: Vec<bool> = self.problem.holders.iter().map(own).collect();
        // Those below a row come after it.
        for placed in self.allocation.holders.iter().rev() {
            if let Some(above) = placed.above.filter(|_| limited[placed.index]) {
                limited[self.allocation.holders[above].index] = true;
            }
        }
        limited
    }

    /// The root has the total; a total derived from history is within half a unit of the sum.
    fn total(&mut self, holder: usize) {
        if self.problem.holders[holder].parent.is_some() {
            return;
        }
        let amount = self.year(holder);
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
        let free = own.floor.is_none() && own.cap.is_none() && own.locked.is_none() && own.phased.is_none();
        if free && self.amounts(holder)[0] >= 0 {
            return;
        }
        let amount = self.year(holder);
        if amount.is_negative() {
            self.found(Law::Floor, holder, format!("has {amount}, below zero"));
        }
        if let Some(floor) = own.floor.as_ref().filter(|floor| amount < **floor) {
            self.found(Law::Floor, holder, format!("has {amount}, below its floor of {floor}"));
        }
        if let Some(cap) = own.cap.as_ref().filter(|cap| amount > **cap) {
            self.found(Law::Cap, holder, format!("has {amount}, above its cap of {cap}"));
        }
        if let Some(locked) = own.locked.as_ref().filter(|locked| amount != **locked) {
            self.found(Law::Lock, holder, format!("has {amount}, but is locked at {locked}"));
        }
        if let Some(phased) = &own.phased {
            let periods = &self.amounts(holder)[1..];
            let same = |(amount, locked): (&i64, &Rational)| self.major(*amount) == *locked;
            if phased.len() != periods.len() || !periods.iter().zip(phased).all(same) {
                let message = format!("has other periods than the {} that are locked", phased.len());
                self.found(Law::Lock, holder, message);
            }
        }
    }

    /// Children sum to the parent: exactly without over-assignment, else up to the rounding of the product.
    fn level_sum(&mut self, holder: usize) {
        if self.children[holder].is_empty() {
            return;
        }
        let sum: i64 = self.children[holder].iter().map(|child| self.amounts(*child)[0]).sum();
        let factor = self.factor(holder);
        let wrong = if factor == Rational::one() {
            sum != self.amounts(holder)[0]
        } else {
            // Half a unit; or, where everything below is locked, what the smallest amount of the parent comes to.
            let half = self.problem.unit.clone() / Rational::from(2_i64);
            let allowed = half.max(&factor * &self.major(1));
            distance(&self.major(sum), &(&self.year(holder) * &factor)) > allowed
        };
        if wrong {
            let (sum, expected) = (self.major(sum), &self.year(holder) * &factor);
            self.found(Law::LevelSum, holder, format!("children have {sum} together, not {expected}"));
        }
    }

    /// Periods sum to the year, and children to their parent in each period.
    fn periods(&mut self, holder: usize) {
        let [year, periods @ ..] = self.amounts(holder) else { return };
        if periods.is_empty() {
            return;
        }
        let sum: i64 = periods.iter().sum();
        if sum != *year {
            let (sum, year) = (self.major(sum), self.major(*year));
            self.found(Law::PeriodSum, holder, format!("periods sum to {sum}, the year is {year}"));
        }
        for (period, amount) in periods.iter().enumerate().filter(|(_, amount)| **amount < 0) {
            let message =
                format!("{} has {}, below zero", self.allocation.periods[period], self.major(*amount));
            self.found(Law::Floor, holder, message);
        }
        if self.children[holder].is_empty() {
            return;
        }
        // Whoever keeps its periods keeps what it gives out in them: over-assignment may round to nothing in the year, but
        // not in a period.
        let kept = self.problem.holders[holder].kept.as_ref();
        let kept = kept.filter(|kept| {
            let own = kept.own.iter().zip(periods);
            kept.own.len() == periods.len()
                && own.fold(true, |same, (own, amount)| same && *own == self.major(*amount))
        });
        if kept.is_none() && self.factor(holder) != Rational::one() {
            return;
        }
        let mut sums = vec![0; periods.len()];
        for child in &self.children[holder] {
            sums.iter_mut().zip(&self.amounts(*child)[1..]).for_each(|(sum, amount)| *sum += amount);
        }
        for (period, (sum, amount)) in sums.iter().zip(periods).enumerate() {
            let sum = self.major(*sum);
            let amount = kept.map_or_else(|| self.major(*amount), |kept| kept.given[period].clone());
            if sum == amount {
                continue;
            }
            let message = format!("children have {sum} in {}, not {amount}", self.allocation.periods[period]);
            self.found(Law::LevelPeriodSum, holder, message);
        }
    }

    /// The same in whole numbers for somebody who is always there, where they fit: most are.
    fn follows(&self, holder: usize) -> Option<bool> {
        let (weights, all, unit) = self.seasons.as_ref()?;
        let [year, periods @ ..] = self.amounts(holder) else { return None };
        let allowed = unit.checked_mul(*all)?;
        let mut follows = true;
        for (amount, weight) in periods.iter().zip(weights) {
            let off = amount.checked_mul(*all)?.checked_sub(year.checked_mul(*weight)?)?;
            follows &= off.abs() < allowed && (*weight != 0 || *amount == 0);
        }
        Some(follows)
    }

    /// Each period of a leaf lies within one unit of its share by season weight and presence; no share, no amount. Where a
    /// holder above keeps its periods, those below give way.
    fn season(&mut self, holder: usize) {
        let own = &self.problem.holders[holder];
        let Some(phasing) = &self.problem.phasing else { return };
        if !self.children[holder].is_empty() || own.phased.is_some() || self.keeps {
            return;
        }
        let plain = own.presence.is_none() && own.spread.is_none() && own.season.is_none();
        if plain && self.follows(holder) == Some(true) {
            return;
        }
        let mut weights: Vec<Rational> = match &own.season {
            Some(season) => season.to_vec(),
            None => phasing.periods.iter().map(|(_, weight)| weight.clone()).collect(),
        };
        let there: Option<Vec<Rational>> = match (&own.spread, &own.presence) {
            (Some(spread), _) => Some(spread.clone()),
            (None, presence) => presence
                .as_ref()
                .map(|presence| weights.iter().zip(presence).map(|(weight, part)| weight * part).collect()),
        };
        if let Some(there) = there.filter(|there| there.iter().any(Rational::is_positive)) {
            weights = there;
        }
        let all: Rational = weights.iter().sum();
        let [year, periods @ ..] = self.amounts(holder) else { return };
        for (period, (amount, weight)) in periods.iter().zip(&weights).enumerate() {
            // Both sides times all weights, so that nothing is divided.
            let off = distance(&(&self.major(*amount) * &all), &(&self.major(*year) * weight));
            if off >= &phasing.unit * &all || (weight.is_zero() && *amount != 0) {
                let (name, amount) = (&self.allocation.periods[period], self.major(*amount));
                let message = format!("{name} has {amount}, a unit or more off its share of the year");
                self.found(Law::Season, holder, message);
            }
        }
    }

    /// At most one child is no whole unit without a floor, cap or lock at or below it that is none either.
    fn units(&mut self, holder: usize) {
        let broken = self.children[holder]
            .iter()
            .filter(|child| !self.whole_year(**child) && !self.broken_limit(**child));
        let unexplained: Vec<&str> = broken.map(|child| self.problem.holders[*child].id.as_str()).collect();
        if unexplained.len() > 1 {
            self.found(Law::Unit, holder, format!("no whole units: {}", unexplained.join(", ")));
        }
    }

    /// True for a year of whole units.
    fn whole_year(&self, holder: usize) -> bool {
        match self.unit {
            Some(unit) => self.amounts(holder)[0] % unit == 0,
            None => self.whole(&self.year(holder)),
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

    /// Those below a holder have what their weights give them, to less than a unit, where none of them is limited.
    fn shares(&mut self, holder: usize) {
        let children = &self.children[holder];
        if children.is_empty() || children.iter().any(|child| self.limited[*child]) {
            return;
        }
        let weight = |child: &usize| &self.allocation.reasons.weights[self.rows[*child]];
        let all: Rational = children.iter().map(weight).sum();
        let given: i64 = children.iter().map(|child| self.amounts(*child)[0]).sum();
        let (given, allowed) = (self.major(given), &self.problem.unit * &all);
        let off = |child: &&usize| {
            // Both sides times all weights, so that nothing is divided.
            let off = distance(&(&self.year(**child) * &all), &(&given * weight(child)));
            off >= allowed && !off.is_zero()
        };
        let off: Vec<usize> = children.iter().filter(off).copied().collect();
        for child in off {
            let message = format!("has {}, a unit or more off its share by weight", self.year(child));
            self.found(Law::Share, child, message);
        }
    }
}

/// Season weights brought to one denominator; `None` where they do not fit.
fn whole_seasons(problem: &Problem) -> Option<(Vec<i64>, i64, i64)> {
    let phasing = problem.phasing.as_ref()?;
    let pairs: Vec<(i64, i64)> =
        phasing.periods.iter().map(|(_, weight)| weight.to_i64_pair()).collect::<Option<_>>()?;
    let common = common_multiple(pairs.iter().map(|(_, denominator)| *denominator))?;
    let whole = |(numerator, denominator): &(i64, i64)| numerator.checked_mul(common / denominator);
    let weights: Vec<i64> = pairs.iter().map(whole).collect::<Option<_>>()?;
    let all = weights.iter().try_fold(0i64, |sum, weight| sum.checked_add(*weight))?;
    let unit = round_to_decimals(&phasing.unit, problem.decimals, Rounding::TowardZero)?;
    Some((weights, all, i64::try_from(unit).ok()?))
}

/// How far apart two numbers are.
fn distance(a: &Rational, b: &Rational) -> Rational {
    (a - b).max(b - a)
}
