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
//! - A period of a leaf lies within one unit of its exact share of the year.
//! - Floors, caps and locks hold after rounding.
//! - Between limits, siblings are in proportion to their weights up to one unit: the exact fixed point of C3.7.

mod adjust;
mod allocation;
mod before;
mod burden;
mod capacity;
mod carry;
mod cite;
mod divide;
mod explain;
mod fault;
mod from_below;
mod hierarchy;
mod lay_out;
mod limits;
mod notices;
mod open;
mod phase;
mod planned;
mod problem;
mod seat;
mod sheet;
mod still;
mod trace;
mod transport;
mod units;
mod verify;
pub mod waterfill;
mod weigh;

#[cfg(test)]
mod adjust_tests;
#[cfg(test)]
mod allocate_tests;
#[cfg(test)]
mod law_tests;
#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod worlds;

pub use adjust::{Adjusted, Change, Last, Row, Standing, adjust, units};
pub use allocation::{Allocation, Binding, Explanation, Parts, Placed};
pub use capacity::{Heads, capacity};
pub use carry::Carry;
pub use fault::ProblemFault;
pub use lay_out::{COMPANY, LINE, SALESPERSON, check, person, season_days};
pub use planned::{Planned, Question, Reconciled, plan_quotas};
pub use problem::{
    Blend, Clause, Clauses, Holder, HolderId, Kept, Measure, Method, Phasing, Problem, Residue, Total,
};
pub use seat::Seat;
pub use sheet::{Held, Sheet, published, sheets, to_problem, to_published};
pub use trace::{Spread, spread, trace};
pub use verify::{Disagreement, Law, verify};

/// Shares the total of the problem down its hierarchy. The order of `holders` has no influence.
///
/// # Errors
/// When the problem is malformed, or no amounts satisfy its floors, caps and locks. Faults of one step are returned
/// together; a later step is not tried when an earlier one fails.
pub fn allocate(problem: &Problem) -> Result<Allocation, Vec<ProblemFault>> {
    let hierarchy = hierarchy::check_problem(problem)?;
    let target = weigh::find_target(&hierarchy)?;
    let weighed = weigh::weigh(&hierarchy, &target.amount)?;
    let limits = limits::find_limits(&hierarchy, &target.amount)?;
    let divided = divide::divide(&hierarchy, &target, &weighed.weights, &limits)?;
    let amounts = phase::phase(&hierarchy, &divided)?;
    let reasons = explain::reasons(&hierarchy, target, weighed, &limits, divided);
    let periods = problem.phasing.iter().flat_map(|phasing| &phasing.periods);
    Ok(Allocation {
        decimals: problem.decimals,
        measured_in: problem.measured_in.clone(),
        periods: periods.map(|(name, _)| name.as_str().into()).collect(),
        amounts: amounts.into(),
        holders: hierarchy.placed(),
        reasons,
    })
}
