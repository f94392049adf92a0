//! Takes each annual quota apart into history, growth, over-assignment, limits and rounding: what that takes is kept, the parts
//! themselves are made when somebody asks (floor 2).

use super::allocation::{Binding, Reasons};
use super::divide::Divided;
use super::hierarchy::Hierarchy;
use super::limits::{AllLimits, Limits};
use super::problem::Holder;
use super::weigh::{Target, Weighed};
use crate::ground::rational::Rational;

/// What the explanations of all holders are made of, in the order of the hierarchy.
pub(super) fn reasons(
    hierarchy: &Hierarchy<'_>,
    target: Target,
    weighed: Weighed,
    limits: &AllLimits,
    divided: Divided,
) -> Reasons {
    let count = hierarchy.holders.len();
    let year =
        |position: usize| Rational::from_scaled(divided.years[position].into(), hierarchy.problem.decimals);
    // A column only where somebody has something in it.
    let any = |has: fn(&Holder) -> bool| hierarchy.holders.iter().any(|holder| has(holder));
    let (mut availability, mut ramp_gaps) = (vec![], vec![]);
    if any(|holder| holder.presence.is_some()) {
        availability = (0..count).map(|position| hierarchy.availability(position)).collect();
        ramp_gaps = hierarchy.sum_up(|leaf| {
            if hierarchy.holders[leaf].presence.is_none() {
                return Rational::zero();
            }
            let amount = year(leaf);
            let full = amount.checked_div(&availability[leaf]).unwrap_or_else(|| amount.clone());
            full - amount
        });
    }
    let bindings = match divided.limited.is_empty() {
        true => vec![],
        false => (0..count)
            .map(|position| {
                let amounts = (by_weight(hierarchy, position, &target, &weighed, &divided), year(position));
                let limited = &divided.limited[position];
                find_binding(hierarchy, position, limits.of(position), limited, amounts)
            })
            .collect(),
    };
    let notes = match any(|holder| holder.note.is_some()) {
        true => hierarchy.holders.iter().map(|holder| holder.note.clone()).collect(),
        false => vec![],
    };
    Reasons {
        total: target.amount,
        exact_total: target.exact,
        weights: weighed.weights,
        history: weighed.history,
        given: divided.given,
        groups: divided.groups,
        limited: divided.limited,
        bindings,
        availability,
        ramp_gaps,
        notes,
    }
}

/// What weight alone gives a holder of what the one above gives out.
fn by_weight(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    target: &Target,
    weighed: &Weighed,
    divided: &Divided,
) -> Rational {
    let Some(parent) = hierarchy.parents[position] else { return target.exact.clone() };
    let given = &divided.given[divided.groups[parent] as usize];
    let share = weighed.weights[position].checked_div(&given.weight).unwrap_or_default();
    &given.amount * &share
}

/// The limit at which the amount stands although weight alone would have given another; own limits are named first.
fn find_binding(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    limits: &Limits,
    limited: &Rational,
    (by_weight, amount): (Rational, Rational),
) -> Option<Binding> {
    if hierarchy.holders[position].locked.is_some() {
        return Some(Binding::Lock);
    }
    // Weights that are what people bring from below are within the limits already.
    let brought = hierarchy.holders[position].blend.as_ref().filter(|blend| blend.share == Rational::one());
    let moved = limited - brought.map_or(&by_weight, |blend| &blend.below);
    let greatest = limits.effective.greatest.as_ref();
    // A limit between two units stops rounding as well.
    let rounded = &amount - limited;
    let stops = |end: &Rational| {
        !rounded.is_zero()
            && amount == *end
            && end.checked_div(&hierarchy.problem.unit).is_some_and(|units| units.decimals() != Some(0))
    };
    let least = &limits.effective.least;
    if (moved.is_positive() && limited == least) || stops(least) {
        let own = limits.own.least == *least;
        return Some(if own { Binding::Floor } else { Binding::FloorsBelow });
    }
    if (moved.is_negative() && Some(limited) == greatest) || greatest.is_some_and(stops) {
        let own = limits.own.greatest.as_ref() == greatest;
        return Some(if own { Binding::Cap } else { Binding::CapsBelow });
    }
    None
}
