//! Divides the total down the hierarchy: water-filling between limits, then largest remainder to units (floor 2).

use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::limits::AllLimits;
use super::problem::HolderId;
use super::units::{Part, round_nearest, round_parts};
use super::waterfill::{Claim, FillFault, fill};
use super::weigh::Target;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals, split_largest_remainder};

/// How one holder's amount came about.
#[derive(Clone, Debug, Default)]
pub(super) struct Division {
    /// The product of weight / weight of all siblings from the root down.
    pub share_of_total: Rational,
    /// Product of the over-assignments above.
    pub compounded: Rational,
    /// What its parent gave out, and the weight of all its children together.
    pub from_parent: Rational,
    /// Weight of the holder and its siblings together.
    pub sibling_weight: Rational,
    /// By weight alone, from what the parent gave out.
    pub by_weight: Rational,
    /// After limits, before rounding.
    pub limited: Rational,
    /// The amount of the year.
    pub amount: Rational,
    /// What the children get together; equals `amount` without over-assignment.
    pub given_out: Rational,
}

/// Amounts of all holders.
pub(super) fn divide(
    hierarchy: &Hierarchy<'_>,
    target: &Target,
    weights: &[Rational],
    limits: &AllLimits,
) -> Result<Vec<Division>, Vec<ProblemFault>> {
    let mut divisions = vec![Division::default(); weights.len()];
    divisions[0] = Division {
        share_of_total: Rational::one(),
        compounded: Rational::one(),
        from_parent: target.exact.clone(),
        sibling_weight: weights[0].clone(),
        by_weight: target.exact.clone(),
        limited: target.exact.clone(),
        amount: target.amount.clone(),
        given_out: Rational::zero(),
    };
    let mut faults = vec![];
    // Only holders that got an amount are divided further: a fault above causes no faults below.
    let mut has_amount = vec![false; weights.len()];
    has_amount[0] = true;
    for position in 0..weights.len() {
        if hierarchy.children[position].is_empty() || !has_amount[position] {
            continue;
        }
        match divide_one(hierarchy, position, weights, limits, &mut divisions) {
            Ok(()) => hierarchy.children[position].iter().for_each(|child| has_amount[*child] = true),
            Err(fault) => faults.push(*fault),
        }
    }
    if faults.is_empty() { Ok(divisions) } else { Err(faults) }
}

/// Divides one holder's amount among its children.
fn divide_one(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    weights: &[Rational],
    limits: &AllLimits,
    divisions: &mut [Division],
) -> Result<(), Box<ProblemFault>> {
    let id = &hierarchy.holders[position].id;
    let out_of_range = || Box::new(ProblemFault::AmountOutOfRange { holder: id.clone() });
    let children = &hierarchy.children[position];
    let unit = &hierarchy.problem.unit;
    let factor = hierarchy.over_assignment(position);
    let amount = divisions[position].amount.clone();
    let given_out = if factor == Rational::one() {
        amount
    } else {
        let multiplied = &amount * &factor;
        let stated = hierarchy.holders[position].over_assignment.is_some();
        let whole = multiplied.decimals().is_some_and(|needed| needed <= hierarchy.problem.decimals);
        let multiplied = if stated && whole {
            multiplied
        } else {
            round_nearest(&multiplied, unit).ok_or_else(out_of_range)?
        };
        limits.of(position).below.clamp(multiplied)
    };
    let sibling_weight: Rational = children.iter().map(|child| &weights[*child]).sum();
    let shared = if limits.are_free() { share_freely(&given_out, children, weights, unit) } else { None };
    let (limited, amounts) = match shared {
        Some(amounts) => (None, amounts),
        None => {
            let claims = children.iter().map(|child| {
                let range = limits.of(*child).effective.clone();
                Claim { weight: weights[*child].clone(), floor: range.least, cap: range.greatest }
            });
            let claims: Vec<Claim> = claims.collect();
            let limited = fill(&given_out, &claims)
                .map_err(|fault| Box::new(to_problem_fault(fault, id, &given_out)))?;
            let parts = claims.into_iter().zip(&limited).map(|(claim, exact)| Part {
                exact: exact.clone(),
                least: claim.floor,
                greatest: claim.cap,
            });
            let parts: Vec<Part> = parts.collect();
            let amounts = round_parts(&given_out, &parts, unit).ok_or_else(out_of_range)?;
            (Some(limited), amounts)
        }
    };
    for (place, (child, amount)) in children.iter().zip(amounts).enumerate() {
        let share = weights[*child].checked_div(&sibling_weight).unwrap_or_default();
        let by_weight = &given_out * &share;
        divisions[*child] = Division {
            share_of_total: &divisions[position].share_of_total * &share,
            compounded: &divisions[position].compounded * &factor,
            from_parent: given_out.clone(),
            sibling_weight: sibling_weight.clone(),
            limited: limited.as_ref().map_or_else(|| by_weight.clone(), |limited| limited[place].clone()),
            by_weight,
            amount,
            given_out: Rational::zero(),
        };
    }
    divisions[position].given_out = given_out;
    Ok(())
}

/// What children get whom nothing limits, when whole units are given: the same as water-filling and rounding with limits
/// give, in whole numbers. `None` where a fraction of a unit is given, or nobody has a weight.
fn share_freely(
    given: &Rational,
    children: &[usize],
    weights: &[Rational],
    unit: &Rational,
) -> Option<Vec<Rational>> {
    let units = given.checked_div(unit).filter(|units| units.decimals() == Some(0))?;
    let units = round_to_decimals(&units, 0, Rounding::TowardZero)?;
    let weights: Vec<Rational> = children.iter().map(|child| weights[*child].clone()).collect();
    if !weights.iter().any(Rational::is_positive) {
        return None;
    }
    let parts = split_largest_remainder(units, &weights)?;
    Some(parts.into_iter().map(|part| &Rational::from(part) * unit).collect())
}

/// The fault with the name of the holder that gives.
fn to_problem_fault(fault: FillFault, holder: &HolderId, given: &Rational) -> ProblemFault {
    let holder = holder.clone();
    match fault {
        FillFault::FloorsExceedTotal { floors } => {
            ProblemFault::FloorsExceed { holder, floors, available: given.clone() }
        }
        FillFault::CapsBelowTotal { caps } => {
            ProblemFault::CapsBelow { holder, caps, required: given.clone() }
        }
        FillFault::NothingToShareBy { left } => ProblemFault::NothingToShareBy { holder, left },
    }
}
