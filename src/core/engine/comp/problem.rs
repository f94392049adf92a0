//! What the calculation of one plan needs: payees, measurements, quotas.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ground::id::PayeeId;
use crate::ground::period::Calendar;
use crate::ground::rational::Rational;
use crate::ground::trace::Unit;
use crate::plan::comp::{Aggregate, CompPlan, Quantity};

/// A person in the plan.
#[derive(Clone, Debug)]
pub struct Payee {
    /// Identifier.
    pub id: PayeeId,
    /// Number columns of reps that the plan reads; absent when the cell is empty.
    pub quantities: BTreeMap<String, Rational>,
}

impl Payee {
    /// The value of a quantity for this payee; `None` when the cell is empty.
    #[must_use]
    pub fn quantity(&self, quantity: &Quantity) -> Option<Rational> {
        match quantity {
            Quantity::Fixed(value, _) => Some(value.clone()),
            Quantity::Column(name, _) => self.quantities.get(name).cloned(),
        }
    }
}

/// One measurement: indices of the payee, of the plan's measure, of the leaf period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index into the payees.
    pub payee: usize,
    /// Index into the plan's measures.
    pub measure: usize,
    /// Index of the leaf period.
    pub period: usize,
}

/// The calculation of one plan.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The plan.
    pub plan: &'a CompPlan,
    /// The fiscal calendar.
    pub calendar: &'a Calendar,
    /// Leaf periods to calculate.
    pub periods: Range<usize>,
    /// Eligible people, sorted by identifier.
    pub payees: &'a [Payee],
    /// Sums or counts of credits. A cell without credits is absent. Must hold the periods before `periods` that
    /// share a window with them.
    pub measurements: &'a BTreeMap<Cell, Rational>,
    /// Quotas by holder, name and leaf period.
    pub quotas: &'a BTreeMap<(PayeeId, String, usize), Rational>,
}

impl Problem<'_> {
    /// How the values of a measure are printed.
    pub(super) fn unit(&self, measure: usize) -> Unit {
        match self.plan.measures[measure].aggregate {
            Aggregate::Sum => Unit::Money(self.plan.currency.code().to_owned()),
            Aggregate::Count => Unit::Number,
        }
    }
}
