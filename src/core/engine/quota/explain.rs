//! Takes each annual quota apart into history, growth, over-assignment, limits and rounding (floor 2).

use rayon::prelude::*;

use super::allocation::{Binding, Explanation, Parts};
use super::divide::Division;
use super::hierarchy::Hierarchy;
use super::limits::{AllLimits, Limits};
use crate::ground::rational::Rational;

/// Explanations of all holders, in the order of the hierarchy.
pub(super) fn explain(
    hierarchy: &Hierarchy<'_>,
    total: &Rational,
    weights: &[Rational],
    limits: &AllLimits,
    divisions: &[Division],
) -> Vec<Explanation> {
    let history = hierarchy.sum_up(|leaf| hierarchy.holders[leaf].history.clone().unwrap_or_default());
    let gaps = hierarchy.sum_up(|leaf| {
        if hierarchy.holders[leaf].presence.is_none() {
            return Rational::zero();
        }
        let amount = &divisions[leaf].amount;
        let full = amount.checked_div(&hierarchy.availability(leaf)).unwrap_or_else(|| amount.clone());
        full - amount.clone()
    });
    let explain_one = |position: usize| {
        let division = &divisions[position];
        // The root's rounding is that of the total, so its share is taken from the total before rounding.
        let shared = if position == 0 { &division.from_parent } else { total };
        let by_share = shared * &division.share_of_total;
        let over_assigned = &by_share * &division.compounded;
        let is_leaf = hierarchy.children[position].is_empty();
        Explanation {
            holder: hierarchy.holders[position].id.clone(),
            index: hierarchy.indices[position],
            level: hierarchy.holders[position].level.clone(),
            parent: hierarchy.holders[position].parent.clone(),
            amount: division.amount.clone(),
            parts: Parts {
                history: history[position].clone(),
                growth_share: &by_share - &history[position],
                over_assignment: &over_assigned - &by_share,
                from_above: &division.by_weight - &over_assigned,
                limits: &division.limited - &division.by_weight,
                rounding: &division.amount - &division.limited,
            },
            total: shared.clone(),
            weight: weights[position].clone(),
            sibling_weight: division.sibling_weight.clone(),
            from_parent: division.from_parent.clone(),
            share_of_total: division.share_of_total.clone(),
            compounded_over_assignment: division.compounded.clone(),
            given_out: (!is_leaf).then(|| division.given_out.clone()),
            availability: hierarchy.availability(position),
            ramp_gap: gaps[position].clone(),
            binding: find_binding(hierarchy, position, limits.of(position), division),
            note: hierarchy.holders[position].note.clone(),
        }
    };
    (0..divisions.len()).into_par_iter().map(explain_one).collect()
}

/// The limit at which the amount stands although weight alone would have given another; own limits are named first.
fn find_binding(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    limits: &Limits,
    division: &Division,
) -> Option<Binding> {
    if hierarchy.holders[position].locked.is_some() {
        return Some(Binding::Lock);
    }
    let moved = &division.limited - &division.by_weight;
    let greatest = limits.effective.greatest.as_ref();
    // A limit between two units stops rounding as well.
    let rounded = &division.amount - &division.limited;
    let stops = |end: &Rational| {
        !rounded.is_zero()
            && division.amount == *end
            && end.checked_div(&hierarchy.problem.unit).is_some_and(|units| units.decimals() != Some(0))
    };
    let least = &limits.effective.least;
    if (moved.is_positive() && division.limited == *least) || stops(least) {
        let own = limits.own.least == *least;
        return Some(if own { Binding::Floor } else { Binding::FloorsBelow });
    }
    if (moved.is_negative() && Some(&division.limited) == greatest) || greatest.is_some_and(stops) {
        let own = limits.own.greatest.as_ref() == greatest;
        return Some(if own { Binding::Cap } else { Binding::CapsBelow });
    }
    None
}
