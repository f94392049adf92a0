//! Shares the open periods of an adjustment one by one: each among those who are there in it (floor 2).
//!
//! Over a whole year, as `allocate` shares it, everybody who is there all the time follows the season, and who comes late
//! makes the later periods larger. In an adjustment the periods of those above are kept: sharing their sum by the time that
//! somebody is there would move quota between the periods of colleagues to whom nothing happened. So every period is shared
//! for itself, and what somebody has in one does not depend on who is away in another.

use super::problem::{Holder, HolderId, Kept, Phasing, Problem};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals, split_largest_remainder};

/// Shares of periods are whole numbers of this part of the smallest amount, so that they add up.
const FINE: i128 = 1_000_000;

/// Sets what each holder of open periods weighs, and how that falls into the periods. Leaves have the weight of their open
/// periods; the root, and the levels below that do, keep theirs. A kept holder without anybody in a period gives its quota of
/// that period to its siblings. `note` marks those that are kept by an adjustment, not locked by the plan.
/// `None` where an amount leaves 128 bits.
pub(super) fn share_periods(problem: &mut Problem, note: &str) -> Option<()> {
    let mut open = Open::of(problem, note)?;
    open.keep()?;
    open.share()?;
    open.write(problem, note);
    Some(())
}

/// What the children of a holder get together is its own amount times this.
pub(super) fn factor(problem: &Problem, holder: &Holder) -> Rational {
    let stated = holder.over_assignment.as_ref().or_else(|| problem.stated_over_assignment(holder));
    stated.cloned().unwrap_or_else(Rational::one)
}

/// The position of each holder's parent; holders stand behind their parents.
pub(super) fn parents(holders: &[Holder]) -> Vec<Option<usize>> {
    let places: std::collections::BTreeMap<&HolderId, usize> =
        holders.iter().enumerate().map(|(place, holder)| (&holder.id, place)).collect();
    holders.iter().map(|holder| places.get(holder.parent.as_ref()?).copied()).collect()
}

/// What a holder has and gives out in each period, in the smallest amount.
#[derive(Clone, Default)]
struct Columns {
    own: Vec<i128>,
    given: Vec<i128>,
}

struct Open {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    factors: Vec<Rational>,
    /// What each would carry in each period if the season were even: nothing where nobody is there.
    carried: Vec<Vec<Rational>>,
    seasons: Vec<Rational>,
    kept: Vec<Option<Columns>>,
    /// Locked by the plan: it gives nothing away.
    locked: Vec<bool>,
    /// What each has in each period, in parts of the smallest amount.
    shares: Vec<Vec<i128>>,
    unit: i128,
    decimals: u32,
}

impl Open {
    fn of(problem: &Problem, note: &str) -> Option<Self> {
        let decimals = problem.decimals;
        let phasing = problem.phasing.as_ref()?;
        let parents = parents(&problem.holders);
        let mut children = vec![vec![]; parents.len()];
        for (holder, parent) in parents.iter().enumerate() {
            children[(*parent).unwrap_or(holder)].extend(parent.map(|_| holder));
        }
        let factors: Vec<Rational> = problem.holders.iter().map(|holder| factor(problem, holder)).collect();
        let mut carried: Vec<Vec<Rational>> =
            problem.holders.iter().map(|holder| carried(holder, phasing)).collect();
        for holder in (0..parents.len()).rev() {
            if !children[holder].is_empty() {
                for own in &mut carried[holder] {
                    *own = own.checked_div(&factors[holder]).unwrap_or_default();
                }
            }
            if let Some(parent) = parents[holder] {
                let (above, own) = carried.split_at_mut(holder);
                above[parent].iter_mut().zip(&own[0]).for_each(|(sum, own)| *sum += own);
            }
        }
        let minors = |amounts: &[Rational]| -> Option<Vec<i128>> {
            amounts.iter().map(|amount| round_to_decimals(amount, decimals, Rounding::TowardZero)).collect()
        };
        let columns = |holder: &Holder| match &holder.kept {
            Some(kept) => Some(Some(Columns { own: minors(&kept.own)?, given: minors(&kept.given)? })),
            None => Some(None),
        };
        Some(Self {
            shares: vec![vec![0; phasing.periods.len()]; parents.len()],
            seasons: phasing.periods.iter().map(|(_, weight)| weight.clone()).collect(),
            kept: problem.holders.iter().map(columns).collect::<Option<_>>()?,
            locked: problem
                .holders
                .iter()
                .map(|holder| holder.locked.is_some() && holder.note.as_deref() != Some(note))
                .collect(),
            unit: round_to_decimals(&problem.unit, decimals, Rounding::TowardZero)?.max(1),
            parents,
            children,
            factors,
            carried,
            decimals,
        })
    }

    fn there(&self, holder: usize, period: usize) -> bool {
        self.carried[holder][period].is_positive()
    }

    /// Moves what is kept in periods in which nobody is there: to the other holders of the level in the same period, in
    /// proportion to what they have in it; where nobody at all is there, to the other periods.
    fn keep(&mut self) -> Option<()> {
        if let Some(root) = self.kept[0].take() {
            let columns = Columns {
                own: self.where_somebody_is(&root.own)?,
                given: self.where_somebody_is(&root.given)?,
            };
            self.kept[0] = Some(columns);
        }
        for holder in 0..self.parents.len() {
            let Some(above) = self.kept[holder].clone() else { continue };
            let below: Vec<usize> =
                self.children[holder].iter().copied().filter(|child| self.kept[*child].is_some()).collect();
            if below.is_empty() {
                continue;
            }
            for (period, given) in above.given.iter().enumerate() {
                let stood: Vec<i128> = below
                    .iter()
                    .map(|child| self.kept[*child].as_ref().map_or(0, |own| own.own[period]))
                    .collect();
                let moved = self.moved(&below, period, &stood, *given)?;
                for ((child, stood), own) in below.iter().zip(stood).zip(moved) {
                    if stood != own {
                        self.set(*child, period, own)?;
                    }
                }
            }
        }
        Some(())
    }

    /// Columns of the root without those in which nobody is there.
    fn where_somebody_is(&self, columns: &[i128]) -> Option<Vec<i128>> {
        let there: Vec<bool> = (0..columns.len()).map(|period| self.there(0, period)).collect();
        let lost: i128 = columns.iter().zip(&there).filter(|(_, there)| !**there).map(|(own, _)| own).sum();
        if lost == 0 || !there.contains(&true) {
            return Some(columns.to_vec());
        }
        let weights: Vec<Rational> = (0..columns.len())
            .map(|period| if there[period] { Rational::from(columns[period]) } else { Rational::zero() })
            .collect();
        let weighted = weights.iter().any(Rational::is_positive);
        let season =
            || (0..columns.len()).map(|period| &self.seasons[period] * &self.carried[0][period]).collect();
        let parts = self.split(lost, if weighted { weights } else { season() })?;
        let own = columns.iter().zip(&there).map(|(own, there)| if *there { *own } else { 0 });
        Some(own.zip(parts).map(|(own, part)| own + part).collect())
    }

    /// What some holders of a level have of a period when those without anybody in it give theirs away.
    fn moved(&self, below: &[usize], period: usize, stood: &[i128], given: i128) -> Option<Vec<i128>> {
        let stays = |child: usize| self.locked[child] || self.there(child, period);
        let held: i128 =
            below.iter().zip(stood).filter(|(child, _)| stays(**child)).map(|(_, own)| own).sum();
        let locked: i128 =
            below.iter().zip(stood).filter(|(child, _)| self.locked[**child]).map(|(_, own)| own).sum();
        let takes = |child: usize| !self.locked[child] && self.there(child, period);
        if held == given {
            let held = below.iter().zip(stood).map(|(child, own)| if stays(*child) { *own } else { 0 });
            return Some(held.collect());
        }
        if locked > given || !below.iter().any(|child| takes(*child)) {
            return Some(stood.to_vec());
        }
        let weigh = |weight: &dyn Fn(usize) -> Rational| -> Vec<Rational> {
            let own = |place: usize| if takes(below[place]) { weight(place) } else { Rational::zero() };
            (0..below.len()).map(own).collect()
        };
        let by_stood = weigh(&|place| Rational::from(stood[place]));
        let weights = if by_stood.iter().any(Rational::is_positive) {
            by_stood
        } else {
            weigh(&|place| self.carried[below[place]][period].clone())
        };
        let parts = self.split(given - locked, weights)?;
        let own = |place: usize| if self.locked[below[place]] { stood[place] } else { parts[place] };
        Some((0..below.len()).map(own).collect())
    }

    /// Splits an amount into whole units; what is left below one goes where the weight is greatest.
    fn split(&self, amount: i128, weights: Vec<Rational>) -> Option<Vec<i128>> {
        let mut parts = split_largest_remainder(amount / self.unit, &weights)?;
        parts.iter_mut().for_each(|part| *part *= self.unit);
        let most = (0..parts.len()).rev().max_by_key(|place| &weights[*place])?;
        parts[most] += amount % self.unit;
        Some(parts)
    }

    /// Changes what a holder keeps in a period, and what it gives out with it.
    fn set(&mut self, holder: usize, period: usize, own: i128) -> Option<()> {
        let factor = self.factors[holder].clone();
        let unit = self.unit;
        let columns = self.kept[holder].as_mut()?;
        let (stood, given) = (columns.own[period], columns.given[period]);
        columns.own[period] = own;
        columns.given[period] = if factor == Rational::one() && stood == given {
            own
        } else {
            let scale = Rational::from(given).checked_div(&Rational::from(stood)).unwrap_or(factor);
            let units = (scale * Rational::from(own)).checked_div(&Rational::from(unit))?;
            round_to_decimals(&units, 0, Rounding::default())?.checked_mul(unit)?
        };
        Some(())
    }

    /// Shares what each holder gives out in each period among those below by what they would carry in it.
    fn share(&mut self) -> Option<()> {
        for holder in 0..self.parents.len() {
            if let Some(kept) = &self.kept[holder] {
                self.shares[holder] =
                    kept.own.iter().map(|own| own.checked_mul(FINE)).collect::<Option<_>>()?;
            }
            let below: Vec<usize> =
                self.children[holder].iter().copied().filter(|child| self.kept[*child].is_none()).collect();
            if below.is_empty() {
                continue;
            }
            for period in 0..self.seasons.len() {
                let given = match &self.kept[holder] {
                    Some(kept) => kept.given[period].checked_mul(FINE)?,
                    None => {
                        let given = &Rational::from(self.shares[holder][period]) * &self.factors[holder];
                        round_to_decimals(&given, 0, Rounding::default())?
                    }
                };
                let weights: Vec<Rational> =
                    below.iter().map(|child| self.carried[*child][period].clone()).collect();
                // Nobody is there to take it.
                if weights.iter().all(Rational::is_zero) {
                    continue;
                }
                let parts = split_largest_remainder(given, &weights)?;
                below.iter().zip(parts).for_each(|(child, part)| self.shares[*child][period] = part);
            }
        }
        Some(())
    }

    fn write(self, problem: &mut Problem, note: &str) {
        let major = |minor: &i128| Rational::from_scaled(*minor, self.decimals);
        let fine = Rational::from(FINE);
        for (place, holder) in problem.holders.iter_mut().enumerate() {
            if let Some(columns) = &self.kept[place] {
                let (own, given): (Vec<Rational>, Vec<Rational>) =
                    (columns.own.iter().map(major).collect(), columns.given.iter().map(major).collect());
                if holder.note.as_deref() == Some(note) {
                    holder.locked = Some(own.iter().sum());
                }
                let all: Rational = given.iter().sum();
                holder.over_assignment = all.checked_div(&own.iter().sum()).filter(Rational::is_positive);
                holder.kept = Some(Kept { own, given });
            }
            if holder.parent.is_none() {
                continue;
            }
            let sum: i128 = self.shares[place].iter().sum();
            let leaf = self.children[place].is_empty();
            holder.weight = major(&sum).checked_div(&fine);
            holder.spread =
                (leaf && sum > 0).then(|| self.shares[place].iter().copied().map(Rational::from).collect());
        }
    }
}

/// What a leaf would carry in each period if the season were even; nothing for others.
fn carried(holder: &Holder, phasing: &Phasing) -> Vec<Rational> {
    let part = |period: usize| {
        let there = holder.presence.as_ref().map_or_else(Rational::one, |there| there[period].clone());
        match &holder.season {
            // Beside the season of all.
            Some(own) => (own[period].checked_div(&phasing.periods[period].1)).unwrap_or_default() * there,
            None => there,
        }
    };
    let periods = phasing.periods.iter().enumerate();
    let there: Rational = periods.map(|(period, (_, weight))| weight * &part(period)).sum();
    let rate = holder.weight.as_ref().and_then(|weight| weight.checked_div(&there)).unwrap_or_default();
    (0..phasing.periods.len()).map(|period| &rate * &part(period)).collect()
}
