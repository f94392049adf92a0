//! Weights of all holders by the problem's method, from the leaves up (C3.1 to C3.4, floor 2).

use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::lay_out::LINE;
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

/// What holders weigh, and what those below them sold.
pub(super) struct Weighed {
    pub weights: Vec<Rational>,
    pub history: Vec<Rational>,
}

/// The weight of every holder: its own where stated, else the method's for a leaf and the children's sum above.
pub(super) fn weigh(hierarchy: &Hierarchy<'_>, total: &Rational) -> Result<Weighed, Vec<ProblemFault>> {
    let history = hierarchy.sum_up(|leaf| hierarchy.holders[leaf].history.clone().unwrap_or_default());
    let potential = hierarchy.sum_up(|leaf| hierarchy.holders[leaf].potential.clone().unwrap_or_default());
    let (wholes, whole_of) = wholes(hierarchy, total, &history, &potential);
    let missing = missing_measures(&hierarchy.problem.method, &wholes);
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
            let whole = &wholes[whole_of[position]];
            let share =
                |values: &[Rational], all: &Rational| values[position].checked_div(all).unwrap_or_default();
            let whole_year = match &hierarchy.problem.method {
                Method::Proportional(Measure::History) => history[position].clone(),
                Method::Proportional(Measure::Potential) => potential[position].clone(),
                Method::Proportional(Measure::Headcount) => Rational::one(),
                Method::GrowthOnHistory { .. } => grown_history(hierarchy, position, &growths),
                Method::HistoryPlusPotential => {
                    let increase = &whole.total - &whole.history;
                    &history[position] + &(&increase * &share(&potential, &whole.potential))
                }
                Method::LastQuota { history_share } => {
                    let last = holder.last_quota.clone().unwrap_or_default();
                    &(history_share * &history[position]) + &(&(&Rational::one() - history_share) * &last)
                }
                Method::WeightedShare { history_share } => {
                    let potential_share = &Rational::one() - history_share;
                    &(history_share * &share(&history, &whole.history))
                        + &(&potential_share * &share(&potential, &whole.potential))
                }
            };
            whole_year * hierarchy.availability(position)
        };
        if weights[position].is_negative() && children.is_empty() {
            let weight = weights[position].clone();
            faults.push(ProblemFault::NegativeWeight { holder: holder.id.clone(), weight });
        }
    }
    if faults.is_empty() { Ok(Weighed { weights, history }) } else { Err(faults) }
}

/// What shares and the increase of a leaf are of.
struct Whole {
    total: Rational,
    history: Rational,
    potential: Rational,
}

/// The company without the lines that state their own quota, then each of those lines; and the whole of every holder. What one
/// line measures says nothing of the increase of another.
fn wholes(
    hierarchy: &Hierarchy<'_>,
    total: &Rational,
    history: &[Rational],
    potential: &[Rational],
) -> (Vec<Whole>, Vec<usize>) {
    let mut wholes =
        vec![Whole { total: total.clone(), history: history[0].clone(), potential: potential[0].clone() }];
    let mut whole_of = vec![0; hierarchy.holders.len()];
    let mut stated = Rational::zero();
    for (position, holder) in hierarchy.holders.iter().enumerate() {
        if let Some(lock) = holder.locked.as_ref().filter(|_| *holder.level == *LINE) {
            let (history, potential) = (history[position].clone(), potential[position].clone());
            wholes[0].history = &wholes[0].history - &history;
            wholes[0].potential = &wholes[0].potential - &potential;
            stated += lock;
            whole_of[position] = wholes.len();
            wholes.push(Whole { total: lock.clone(), history, potential });
        } else if let Some(parent) = hierarchy.parents[position] {
            whole_of[position] = whole_of[parent];
        }
    }
    if wholes.len() > 1 {
        wholes[0].total = &(total * &hierarchy.over_assignment(0)) - &stated;
    }
    // A whole that nobody is part of lacks nothing.
    let mut used = vec![false; wholes.len()];
    for (position, children) in hierarchy.children.iter().enumerate() {
        used[whole_of[position]] |= children.is_empty();
    }
    if !used[0] {
        wholes[0].total = wholes[0].history.clone();
    }
    (wholes, whole_of)
}

/// A leaf's history x (1 + growth).
fn grown_history(hierarchy: &Hierarchy<'_>, leaf: usize, growths: &[Rational]) -> Rational {
    let factor = &Rational::one() + &growths[leaf];
    hierarchy.holders[leaf].history.as_ref().map_or_else(Rational::zero, |history| history * &factor)
}

/// Measures that the method divides by although they are zero.
fn missing_measures(method: &Method, wholes: &[Whole]) -> Vec<ProblemFault> {
    let needs = |whole: &Whole| match method {
        Method::Proportional(_) | Method::GrowthOnHistory { .. } | Method::LastQuota { .. } => (false, false),
        Method::HistoryPlusPotential => (false, whole.history != whole.total),
        Method::WeightedShare { history_share } => {
            (!history_share.is_zero(), *history_share != Rational::one())
        }
    };
    // Of a share, what one line lacks has no weight in it; a company without any has none at all.
    let all: (Rational, Rational) =
        (wholes.iter().map(|whole| &whole.history).sum(), wholes.iter().map(|whole| &whole.potential).sum());
    let lacks = |measure: &str| {
        wholes.iter().any(|whole| {
            let (history, potential) = needs(whole);
            let by_increase = matches!(method, Method::HistoryPlusPotential);
            match measure {
                "history" => history && all.0.is_zero(),
                _ => potential && if by_increase { whole.potential.is_zero() } else { all.1.is_zero() },
            }
        })
    };
    let measures = ["history", "potential"].into_iter();
    measures.filter(|measure| lacks(measure)).map(|measure| ProblemFault::NoMeasure { measure }).collect()
}
