//! Divides the total down the hierarchy: water-filling between limits, then largest remainder to units (floor 2).

use super::allocation::{Given, LEAF};
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::limits::AllLimits;
use super::problem::HolderId;
use super::units::{Part, round_nearest, round_parts};
use super::waterfill::{Claim, FillFault, fill};
use super::weigh::Target;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals, split_largest_remainder};

/// What everybody gets.
pub(super) struct Divided {
    /// Years of all holders, in the smallest amount.
    pub years: Vec<i64>,
    /// After limits, before rounding; empty where nobody is limited: then it is what follows from weights alone.
    pub limited: Vec<Rational>,
    /// What holders above leaves give out, and for every holder the place in it; [`LEAF`] for a leaf.
    pub given: Vec<Given>,
    pub groups: Vec<u32>,
}

/// Amounts of all holders.
pub(super) fn divide(
    hierarchy: &Hierarchy<'_>,
    target: &Target,
    weights: &[Rational],
    limits: &AllLimits,
) -> Result<Divided, Vec<ProblemFault>> {
    let count = weights.len();
    let above = hierarchy.children.iter().filter(|children| !children.is_empty()).count();
    let mut divided = Divided {
        years: vec![0; count],
        limited: if limits.are_free() { vec![] } else { vec![Rational::zero(); count] },
        given: Vec::with_capacity(above),
        groups: vec![LEAF; count],
    };
    let root = &hierarchy.holders[0].id;
    let out_of_range = || vec![ProblemFault::AmountOutOfRange { holder: root.clone() }];
    divided.years[0] = minor(&target.amount, hierarchy.problem.decimals).ok_or_else(out_of_range)?;
    if let Some(limited) = divided.limited.first_mut() {
        limited.clone_from(&target.exact);
    }
    let mut faults = vec![];
    // Only holders that got an amount are divided further: a fault above causes no faults below.
    let mut has_amount = vec![false; count];
    has_amount[0] = true;
    for position in 0..count {
        if hierarchy.children[position].is_empty() || !has_amount[position] {
            continue;
        }
        match divide_one(hierarchy, position, weights, limits, &mut divided) {
            Ok(()) => hierarchy.children[position].iter().for_each(|child| has_amount[*child] = true),
            Err(fault) => faults.push(*fault),
        }
    }
    if faults.is_empty() { Ok(divided) } else { Err(faults) }
}

/// Results hold amounts of 18 digits.
const BEYOND: i128 = 1_000_000_000_000_000_000;

/// An amount in the smallest one, which it is a whole number of already; `None` when it has more digits than results hold.
pub(super) fn minor(amount: &Rational, decimals: u32) -> Option<i64> {
    let minor = round_to_decimals(amount, decimals, Rounding::TowardZero)?;
    debug_assert_eq!(Rational::from_scaled(minor, decimals), *amount);
    i64::try_from(minor).ok().filter(|_| minor.abs() < BEYOND)
}

/// Divides one holder's amount among its children.
fn divide_one(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    weights: &[Rational],
    limits: &AllLimits,
    divided: &mut Divided,
) -> Result<(), Box<ProblemFault>> {
    let id = &hierarchy.holders[position].id;
    let out_of_range = || Box::new(ProblemFault::AmountOutOfRange { holder: id.clone() });
    let children = &hierarchy.children[position];
    let (unit, decimals) = (&hierarchy.problem.unit, hierarchy.problem.decimals);
    let factor = hierarchy.over_assignment(position);
    let amount = Rational::from_scaled(divided.years[position].into(), decimals);
    let given_out = if factor == Rational::one() {
        amount
    } else {
        let multiplied = &amount * &factor;
        let stated = hierarchy.holders[position].over_assignment.is_some();
        let whole = multiplied.decimals().is_some_and(|needed| needed <= decimals);
        let multiplied = if stated && whole {
            multiplied
        } else {
            round_nearest(&multiplied, unit).ok_or_else(out_of_range)?
        };
        limits.of(position).below.clamp(multiplied)
    };
    // Sums of those below are no more than this.
    minor(&given_out, decimals).ok_or_else(out_of_range)?;
    let own: Vec<Rational> = children.iter().map(|child| weights[*child].clone()).collect();
    let shared = if limits.are_free() { share_freely(&given_out, &own, unit) } else { None };
    if let Some((units, unit)) = shared.and_then(|units| Some((units, minor(unit, decimals)?))) {
        for (child, units) in children.iter().zip(units) {
            let year = i64::try_from(units).ok().and_then(|units| units.checked_mul(unit));
            divided.years[*child] = year.ok_or_else(out_of_range)?;
        }
    } else {
        let claims = children.iter().map(|child| {
            let range = limits.of(*child).effective.clone();
            Claim { weight: weights[*child].clone(), floor: range.least, cap: range.greatest }
        });
        let claims: Vec<Claim> = claims.collect();
        let limited =
            fill(&given_out, &claims).map_err(|fault| Box::new(to_problem_fault(fault, id, &given_out)))?;
        let parts = claims.into_iter().zip(&limited).map(|(claim, exact)| Part {
            exact: exact.clone(),
            least: claim.floor,
            greatest: claim.cap,
        });
        let parts: Vec<Part> = parts.collect();
        let amounts = round_parts(&given_out, &parts, unit).ok_or_else(out_of_range)?;
        for (child, amount) in children.iter().zip(amounts) {
            divided.years[*child] = minor(&amount, decimals).ok_or_else(out_of_range)?;
        }
        if !divided.limited.is_empty() {
            children.iter().zip(limited).for_each(|(child, limited)| divided.limited[*child] = limited);
        }
    }
    let (share_of_total, compounded) = match hierarchy.parents[position] {
        None => (Rational::one(), factor),
        Some(parent) => {
            let above = &divided.given[divided.groups[parent] as usize];
            let share = weights[position].checked_div(&above.weight).unwrap_or_default();
            (&above.share_of_total * &share, &above.compounded * &factor)
        }
    };
    divided.groups[position] = u32::try_from(divided.given.len()).map_err(|_| out_of_range())?;
    divided.given.push(Given { amount: given_out, weight: own.iter().sum(), share_of_total, compounded });
    Ok(())
}

/// How many units each gets where nothing limits anybody and whole units are given: the same as water-filling and rounding
/// with limits give, in whole numbers. `None` where a fraction of a unit is given, or nobody has a weight.
fn share_freely(given: &Rational, weights: &[Rational], unit: &Rational) -> Option<Vec<i128>> {
    let units = given.checked_div(unit).filter(|units| units.decimals() == Some(0))?;
    let units = round_to_decimals(&units, 0, Rounding::TowardZero)?;
    if !weights.iter().any(Rational::is_positive) {
        return None;
    }
    split_largest_remainder(units, weights)
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
