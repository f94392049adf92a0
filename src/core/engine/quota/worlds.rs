//! Small problems for the tests of the quota engine.

use std::collections::BTreeMap;

use super::{Allocation, Holder, HolderId, Measure, Method, Problem, Residue, Total, allocate, verify};
use crate::ground::rational::Rational;
use crate::ground::trace::Unit;

/// The number that a text means.
pub(super) fn read(text: &str) -> Rational {
    text.parse().expect("a number")
}

/// A salesperson with history.
pub(super) fn leaf(id: &str, parent: &str, history: &str) -> Holder {
    Holder { history: Some(read(history)), ..Holder::new(id, "salesperson", Some(parent)) }
}

/// In proportion to history, in whole dollars, without limits or periods.
pub(super) fn problem(total: &str, holders: Vec<Holder>) -> Problem {
    Problem {
        total: Total::Given(read(total)),
        measured_in: Unit::Money("USD".to_owned()),
        decimals: 2,
        unit: read("1"),
        residue: Residue::Refuse,
        method: Method::Proportional(Measure::History),
        holders,
        over_assignment: BTreeMap::new(),
        over_assignment_of: BTreeMap::new(),
        phasing: None,
    }
}

/// A company `all` whose salespeople `a`, `b`, ... have these histories.
pub(super) fn flat(total: &str, histories: &[&str]) -> Problem {
    let mut holders = vec![Holder::new("all", "company", None)];
    for (position, history) in histories.iter().enumerate() {
        holders.push(leaf(&nth(position), "all", history));
    }
    problem(total, holders)
}

/// `a`, `b`, ... `z`: names that sort as they count.
pub(super) fn nth(position: usize) -> String {
    char::from(b'a' + u8::try_from(position).expect("at most 26")).to_string()
}

/// The allocation, verified.
pub(super) fn allocated(problem: &Problem) -> Allocation {
    let allocation = allocate(problem).expect("feasible");
    assert_eq!(verify(problem, &allocation), vec![], "the allocation breaks a law");
    allocation
}

/// The year of a holder, as text in major units.
pub(super) fn year(allocation: &Allocation, holder: &str) -> String {
    let amount = allocation.amount(&HolderId::from(holder), None).expect("a quota");
    Rational::from_scaled(amount.into(), allocation.decimals).to_string()
}

/// The years of all salespeople, in the order of their ids.
pub(super) fn years(allocation: &Allocation) -> Vec<String> {
    let rows = allocation.holders.iter().zip(allocation.rows());
    let leaves = rows.filter(|(why, _)| &*why.level == "salesperson");
    leaves
        .map(|(_, amounts)| Rational::from_scaled(amounts[0].into(), allocation.decimals).to_string())
        .collect()
}
