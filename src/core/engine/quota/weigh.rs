//! Weights of all holders by the problem's method, from the leaves up (C3.1 to C3.4, floor 2).

use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::{Holder, Measure, Method, Total};
use super::units::round_nearest;
use crate::ground::rational::Rational;

/// The total before and after it was rounded to the unit; a given total is not rounded.
pub(super) struct Target {
    /// As given or as history and growth make it.
    pub exact: Rational,
    /// What is shared.
    pub amount: Rational,
}

/// What the root has to reach.
pub(super) fn find_target(hierarchy: &Hierarchy<'_>) -> Result<Target, Vec<ProblemFault>> {
    match &hierarchy.problem.total {
        Total::Given(total) => Ok(Target { exact: total.clone(), amount: total.clone() }),
        Total::GrowthOnHistory { growth } => {
            let growths = hierarchy.growths(growth);
            let grown = hierarchy.sum_up(|leaf| grown_history(hierarchy, leaf, &growths));
            let exact = grown.into_iter().next().unwrap_or_default();
            let amount = round_nearest(&exact, &hierarchy.problem.unit);
            let root = hierarchy.holders[0].id.clone();
            let amount = amount.ok_or_else(|| vec![ProblemFault::AmountOutOfRange { holder: root }])?;
            Ok(Target { exact, amount })
        }
    }
}

/// The weight of every holder: its own where stated, else the method's for a leaf and the children's sum above.
pub(super) fn weigh(hierarchy: &Hierarchy<'_>, total: &Rational) -> Result<Vec<Rational>, Vec<ProblemFault>> {
    let history = hierarchy.sum_up(|leaf| hierarchy.holders[leaf].history.clone().unwrap_or_default());
    let potential = hierarchy.sum_up(|leaf| hierarchy.holders[leaf].potential.clone().unwrap_or_default());
    let share = |values: &[Rational], leaf: usize| values[leaf].checked_div(&values[0]).unwrap_or_default();
    let missing = missing_measures(&hierarchy.problem.method, &history[0], &potential[0], total);
    let leaf_without_weight =
        |(holder, below): (&&Holder, &Vec<usize>)| below.is_empty() && holder.weight.is_none();
    let by_method = hierarchy.holders.iter().zip(&hierarchy.children).any(leaf_without_weight);
    if by_method && !missing.is_empty() {
        return Err(missing);
    }
    let growths = match &hierarchy.problem.method {
        Method::GrowthOnHistory { growth } => hierarchy.growths(growth),
        _ => vec![],
    };
    let mut faults = vec![];
    let mut weights = vec![Rational::zero(); hierarchy.holders.len()];
    for position in (0..weights.len()).rev() {
        let holder = hierarchy.holders[position];
        let children = &hierarchy.children[position];
        weights[position] = if let Some(weight) = &holder.weight {
            weight.clone()
        } else if !children.is_empty() {
            children.iter().map(|child| &weights[*child]).sum()
        } else {
            let whole_year = match &hierarchy.problem.method {
                Method::Proportional(Measure::History) => history[position].clone(),
                Method::Proportional(Measure::Potential) => potential[position].clone(),
                Method::Proportional(Measure::Headcount) => Rational::one(),
                Method::GrowthOnHistory { .. } => grown_history(hierarchy, position, &growths),
                Method::HistoryPlusPotential => {
                    let increase = total - &history[0];
                    &history[position] + &(&increase * &share(&potential, position))
                }
                Method::LastQuota { history_share } => {
                    let last = holder.last_quota.clone().unwrap_or_default();
                    &(history_share * &history[position]) + &(&(&Rational::one() - history_share) * &last)
                }
                Method::WeightedShare { history_share } => {
                    let potential_share = &Rational::one() - history_share;
                    &(history_share * &share(&history, position))
                        + &(&potential_share * &share(&potential, position))
                }
            };
            whole_year * hierarchy.availability(position)
        };
        if weights[position].is_negative() && children.is_empty() {
            let weight = weights[position].clone();
            faults.push(ProblemFault::NegativeWeight { holder: holder.id.clone(), weight });
        }
    }
    if faults.is_empty() { Ok(weights) } else { Err(faults) }
}

/// A leaf's history x (1 + growth).
fn grown_history(hierarchy: &Hierarchy<'_>, leaf: usize, growths: &[Rational]) -> Rational {
    let factor = &Rational::one() + &growths[leaf];
    hierarchy.holders[leaf].history.as_ref().map_or_else(Rational::zero, |history| history * &factor)
}

/// Measures that the method divides by although they are zero.
fn missing_measures(
    method: &Method,
    history: &Rational,
    potential: &Rational,
    total: &Rational,
) -> Vec<ProblemFault> {
    let (needs_history, needs_potential) = match method {
        Method::Proportional(_) | Method::GrowthOnHistory { .. } | Method::LastQuota { .. } => (false, false),
        Method::HistoryPlusPotential => (false, history != total),
        Method::WeightedShare { history_share } => {
            (!history_share.is_zero(), *history_share != Rational::one())
        }
    };
    let mut faults = vec![];
    for (needed, sum, measure) in
        [(needs_history, history, "history"), (needs_potential, potential, "potential")]
    {
        if needed && sum.is_zero() {
            faults.push(ProblemFault::NoMeasure { measure });
        }
    }
    faults
}
