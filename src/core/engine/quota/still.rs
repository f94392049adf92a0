//! Who stands still in an adjustment: groups in which nothing would change but rounding (floor 2).

use std::collections::{BTreeMap, BTreeSet};

use super::adjust::KEPT;
use super::allocate;
use super::allocation::Allocation;
use super::before::Before;
use super::from_below::carry_up;
use super::lay_out::SALESPERSON;
use super::open::parents;
use super::planned::{Question, allocate_verified, is_bottom_up, settled};
use super::problem::{Holder, HolderId, Problem};
use crate::ground::diagnostic::Diagnostic;
use crate::ground::rational::Rational;

/// Lets seats that would change by rounding only stand as they are, period by period, when that is possible.
///
/// Of those who share something only all or nobody: if those with small changes stood while one more is there, or one less,
/// all small changes together would fall on whoever is left.
pub(super) fn keep_small(
    problem: Problem,
    question: &Question<'_>,
    before: &Before<'_>,
) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    let from_below = is_bottom_up(question.plan);
    let still = if from_below { BTreeSet::new() } else { still_groups(&problem, before) };
    let groups = groups(&problem);
    let phasing = problem.clone();
    let group_of: BTreeMap<&HolderId, usize> =
        phasing.holders.iter().map(|holder| &holder.id).zip(groups).collect();
    let stands = |holder: &Holder, amount: &Rational| {
        if *holder.level != *SALESPERSON {
            return None;
        }
        let stood = if from_below {
            before.near(&phasing, holder, amount)?
        } else if group_of.get(&holder.id).is_some_and(|group| still.contains(group)) {
            before.open.get(&holder.id).cloned()?
        } else {
            return None;
        };
        let within = holder.floor.as_ref().is_none_or(|floor| *floor <= stood)
            && holder.cap.as_ref().is_none_or(|cap| stood <= *cap);
        within.then(|| (stood, KEPT.to_owned()))
    };
    let carry = |problem: &mut Problem| match from_below {
        true => carry_up(problem, |holder, sum| before.gives(&holder.id, sum)),
        false => Some(()),
    };
    let (problem, allocation) = settled(problem, question.plan, carry, stands)?;
    // Whoever keeps the sum keeps the periods, unless those above could not keep theirs then.
    let kept = with_periods(&problem, &allocation, before, &BTreeSet::new());
    let allocation = allocate_verified(&kept, question.plan)?;
    let failing = not_kept(&kept, &allocation);
    if failing.is_empty() {
        return Ok((kept, allocation));
    }
    let other = with_periods(&problem, &allocation, before, &failing);
    let second = allocate_verified(&other, question.plan)?;
    let better = not_kept(&other, &second).len() < failing.len();
    Ok(if better { (other, second) } else { (kept, allocation) })
}

/// The holder that each shares something with others from: the next one above that is kept, or the root.
fn groups(problem: &Problem) -> Vec<usize> {
    let mut groups = vec![0; problem.holders.len()];
    for (place, parent) in parents(&problem.holders).into_iter().enumerate() {
        if let Some(parent) = parent {
            groups[place] = if problem.holders[parent].kept.is_some() { parent } else { groups[parent] };
        }
    }
    groups
}

/// Groups in which everybody is where they were, would have what they had but for rounding, and has it together.
fn still_groups(problem: &Problem, before: &Before<'_>) -> BTreeSet<usize> {
    let Ok(allocation) = allocate(problem) else { return BTreeSet::new() };
    let groups = groups(problem);
    let mut present: BTreeMap<&HolderId, usize> = BTreeMap::new();
    for parent in problem.holders.iter().filter_map(|holder| holder.parent.as_ref()) {
        *present.entry(parent).or_default() += 1;
    }
    let mut still: BTreeSet<usize> = groups.iter().copied().collect();
    let mut sums: BTreeMap<usize, Rational> = BTreeMap::new();
    for why in allocation.explanations() {
        let (holder, group) = (&problem.holders[why.index], groups[why.index]);
        let children = before.children.get(&holder.id).map_or(0, BTreeSet::len);
        if children != present.get(&holder.id).copied().unwrap_or_default() {
            // What is below a kept holder is its own group.
            still.remove(&if holder.kept.is_some() { why.index } else { group });
        }
        if *holder.level == *SALESPERSON {
            let exact = &why.amount - &why.parts.rounding;
            if let Some(stood) = before.near(problem, holder, &exact) {
                *sums.entry(group).or_default() += &(&why.amount - &stood);
            } else {
                still.remove(&group);
            }
        }
    }
    still.retain(|group| sums.get(group).is_none_or(Rational::is_zero));
    still
}

/// Seats that keep their sum, locked at the periods that they have; those directly below some holders are left open.
fn with_periods(
    problem: &Problem,
    allocation: &Allocation,
    before: &Before<'_>,
    open: &BTreeSet<HolderId>,
) -> Problem {
    let mut kept = problem.clone();
    let Some(phasing) = problem.phasing.as_ref() else { return kept };
    let small = &problem.unit * &Rational::from(2_i64);
    let years = allocation.years().zip(allocation.rows());
    let found: BTreeMap<&HolderId, (Rational, &[i64])> =
        years.map(|((placed, amount), row)| (&placed.holder, (amount, &row[1..]))).collect();
    // Rounding alone tells what a seat has from what it would have now, period by period.
    let close = |stood: &[Rational], row: &[i64]| {
        let near = |(stood, amount): (&Rational, &i64)| {
            (&Rational::from_scaled((*amount).into(), allocation.decimals) - stood).abs() <= small
        };
        stood.iter().zip(row).all(near)
    };
    // What was given out beyond the own quota was rounded to units: with the seats locked, it is exactly that.
    let given: BTreeMap<&HolderId, Rational> = allocation
        .explanations()
        .filter_map(|why| Some((why.holder, why.given_out.as_ref()?.checked_div(&why.amount)?)))
        .collect();
    for holder in &mut kept.holders {
        if let Some(factor) = given.get(&holder.id).filter(|factor| factor.is_positive()) {
            holder.over_assignment = Some(factor.clone());
        }
    }
    for holder in kept.holders.iter_mut().filter(|holder| *holder.level == *SALESPERSON) {
        let stood = before.open.get(&holder.id);
        let periods = before.periods_of(&holder.id, phasing);
        let same = stood.zip(found.get(&holder.id)).is_some_and(|(stood, (amount, row))| {
            stood == amount && (close(&periods, row) || before.near(problem, holder, stood).is_some())
        });
        if same && holder.parent.as_ref().is_none_or(|parent| !open.contains(parent)) {
            holder.phased = Some(periods);
            holder.locked = stood.cloned();
        }
    }
    kept
}

/// Holders that should have kept their periods, but whose people cannot carry that.
fn not_kept(problem: &Problem, allocation: &Allocation) -> BTreeSet<HolderId> {
    let failed = allocation.holders.iter().zip(allocation.rows()).filter(|(placed, row)| {
        let kept = problem.holders[placed.index].kept.as_ref();
        kept.is_some_and(|kept| {
            let mut pairs = kept.own.iter().zip(&row[1..]);
            pairs.any(|(own, amount)| *own != Rational::from_scaled((*amount).into(), allocation.decimals))
        })
    });
    failed.map(|(placed, _)| placed.holder.clone()).collect()
}
