//! The quota engine: shares a total down a hierarchy of holders, exactly and explained (floor 2).
//!
//! The steps, each a file: check the problem ([`problem`] to `hierarchy`), weigh the holders (`weigh`), bring floors,
//! caps and locks up the tree (`limits`), divide the total down it ([`waterfill`], then `units`), spread the year over
//! periods (`phase`), and take every quota apart (`explain`). [`verify()`] checks a result without any of that code.
//!
//! What always holds:
//! - Children sum exactly to their parent's amount times its over-assignment. Only when that product is no whole number
//!   of units is it rounded to the nearest one, and never past what floors and caps below allow.
//! - Amounts are whole units, except where a floor, cap or lock is none, and except for at most one sibling per group
//!   that takes what is left below one unit ([`Residue::PartialUnit`]). Nothing disappears.
//! - Periods sum exactly to the year; with over-assignment 1 every level also sums in every period.
//! - Floors, caps and locks hold after rounding.
//! - Between limits, siblings are in proportion to their weights up to one unit: the exact fixed point of C3.7.

mod adjust;
mod allocation;
mod capacity;
mod divide;
mod explain;
mod fault;
mod hierarchy;
mod limits;
mod phase;
mod planned;
mod problem;
mod seat;
mod trace;
mod units;
mod verify;
pub mod waterfill;
mod weigh;

#[cfg(test)]
mod allocate_tests;
#[cfg(test)]
mod law_tests;
#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod worlds;

pub use adjust::{Adjusted, Change, Row, Standing, adjust, units};
pub use allocation::{Allocation, Binding, Explanation, Parts, Quota};
pub use capacity::{Heads, capacity};
pub use fault::ProblemFault;
pub use planned::{COMPANY, Planned, Question, Reconciled, SALESPERSON, person, plan_quotas, season_days};
pub use problem::{Holder, HolderId, Measure, Method, Phasing, Problem, Residue, Total};
pub use seat::Seat;
pub use trace::trace;
pub use verify::{Disagreement, Law, verify};

use std::sync::Arc;

use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use hierarchy::Hierarchy;

/// Shares the total of the problem down its hierarchy. The order of `holders` has no influence.
///
/// # Errors
/// When the problem is malformed, or no amounts satisfy its floors, caps and locks. Faults of one step are returned
/// together; a later step is not tried when an earlier one fails.
pub fn allocate(problem: &Problem) -> Result<Allocation, Vec<ProblemFault>> {
    let hierarchy = hierarchy::check_problem(problem)?;
    let target = weigh::find_target(&hierarchy)?;
    let weights = weigh::weigh(&hierarchy, &target.amount)?;
    let limits = limits::find_limits(&hierarchy, &target.amount)?;
    let divisions = divide::divide(&hierarchy, &target, &weights, &limits)?;
    let phased = match &problem.phasing {
        Some(phasing) => phase::phase(&hierarchy, &divisions, phasing)?,
        None => vec![vec![]; divisions.len()],
    };
    let explanations = explain::explain(&hierarchy, &target.amount, &weights, &limits, &divisions);
    let names = problem.phasing.iter().flat_map(|phasing| &phasing.periods);
    let names: Vec<Arc<str>> = names.map(|(name, _)| name.as_str().into()).collect();
    let mut quotas = Vec::with_capacity(divisions.len() * (1 + names.len()));
    for (position, division) in divisions.iter().enumerate() {
        quotas.push(quota(&hierarchy, position, None, &division.amount)?);
        for (name, amount) in names.iter().zip(&phased[position]) {
            quotas.push(quota(&hierarchy, position, Some(name), amount)?);
        }
    }
    Ok(Allocation {
        decimals: problem.decimals,
        measured_in: problem.measured_in.clone(),
        quotas,
        explanations,
    })
}

/// One row of the result.
fn quota(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    period: Option<&Arc<str>>,
    amount: &Rational,
) -> Result<Quota, Vec<ProblemFault>> {
    let holder = hierarchy.holders[position];
    let decimals = hierarchy.problem.decimals;
    // The amount is a whole number of the smallest amount already, so the rounding only converts.
    let amount_minor = round_to_decimals(amount, decimals, Rounding::TowardZero)
        .ok_or_else(|| vec![ProblemFault::AmountOutOfRange { holder: holder.id.clone() }])?;
    debug_assert_eq!(Rational::from_scaled(amount_minor, decimals), *amount);
    Ok(Quota {
        holder: holder.id.clone(),
        level: holder.level.clone(),
        parent: holder.parent.clone(),
        period: period.cloned(),
        amount_minor,
    })
}
