//! Clawbacks: what a plan would have paid if only the served part of cancelled transactions had been sold (E26).
//!
//! The credits of a cancelled transaction shrink to the part that was served, in their own period, and the earnings are
//! calculated again: tiers that were reached with it are left with it.
//!
//! A period in which something was cancelled is measured anew from all of its credits, so that every aggregate is right:
//! a sum, a number, a largest one cannot be taken back from what they were. What was not served at all was not sold, so
//! it is no credit any more.

use std::collections::BTreeMap;

use crate::engine::comp::{Amounts, Cell, Deal};
use crate::ground::period::{Date, days_between};
use crate::ground::rational::Rational;
use crate::plan::comp::{Clawback, Unserved};

/// A credit of a period in which something was cancelled.
#[derive(Clone, Debug)]
pub struct Credit {
    /// Where it is measured.
    pub cell: Cell,
    /// Its transaction.
    pub transaction: String,
    /// Its line, when it has one.
    pub line: Option<String>,
    /// Event date.
    pub date: Date,
    /// Credited amount.
    pub amount: Rational,
    /// What it adds to the number of credits.
    pub count: i64,
    /// Whether it is a refund or has one, so that what is left of it is compared with other credits.
    pub is_apart: bool,
    /// When it was cancelled; `None` when it was not.
    pub cancelled: Option<Cancelled>,
}

/// How long something was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// From which day on: for a refund, the event date of what it takes back.
    pub sold: Date,
    /// First day that is not served.
    pub from: Date,
}

impl Credit {
    /// The part of it that was not served: from 0 to 1.
    #[must_use]
    pub fn unserved(&self, clawback: &Clawback) -> Rational {
        self.cancelled.map_or_else(Rational::zero, |own| unserved(own.sold, own.from, clawback))
    }
}

/// The part of the window that was not served: from 0 (all of it was) to 1 (none).
#[must_use]
pub fn unserved(from: Date, cancelled: Date, clawback: &Clawback) -> Rational {
    let Some(end) = after(from, clawback.months).filter(|end| cancelled < *end) else {
        return Rational::zero();
    };
    if cancelled <= from || clawback.how == Unserved::Full {
        return Rational::one();
    }
    let part = match clawback.how {
        Unserved::Days => Rational::new(days_between(cancelled, end).into(), days_between(from, end).into()),
        _ => {
            // Whole months that are left; a month that was begun was served (`comp-clawback-03`).
            let served = (0..=clawback.months)
                .find(|served| after(from, *served).is_some_and(|day| day >= cancelled))
                .unwrap_or(clawback.months);
            Rational::new((clawback.months - served).into(), clawback.months.into())
        }
    };
    part.unwrap_or_default()
}

fn after(from: Date, months: i64) -> Option<Date> {
    from.checked_add(jiff::Span::new().try_months(months).ok()?).ok()
}

/// What is measured when cancelled credits count with the part that was served. `credits` are all of each cell in which
/// something was cancelled.
#[must_use]
pub fn served(
    measurements: &BTreeMap<Cell, Amounts>,
    deals: &BTreeMap<Cell, Vec<Deal>>,
    credits: &[Credit],
    clawback: &Clawback,
) -> (BTreeMap<Cell, Amounts>, BTreeMap<Cell, Vec<Deal>>) {
    let (mut measurements, mut deals) = (measurements.clone(), deals.clone());
    for credit in credits {
        measurements.remove(&credit.cell);
    }
    for credit in credits {
        let unserved = credit.unserved(clawback);
        let left = &credit.amount - &(&credit.amount * &unserved);
        if !unserved.is_zero() {
            shrink(deals.get_mut(&credit.cell), credit, (unserved != Rational::one()).then_some(&left));
        }
        if unserved != Rational::one() {
            let mut own = Amounts { count: credit.count, ..Amounts::of(left) };
            if credit.is_apart {
                (own.largest, own.smallest) = (None, None);
            }
            measurements.entry(credit.cell).or_default().add(&own);
        }
    }
    deals.retain(|_, own| !own.is_empty());
    (measurements, deals)
}

/// Leaves of a deal what was served of it, or nothing. Two credits of one transaction are two deals: each shrinks once.
fn shrink(deals: Option<&mut Vec<Deal>>, credit: &Credit, left: Option<&Rational>) {
    let Some(deals) = deals else { return };
    let same = |deal: &Deal| {
        (&deal.transaction, &deal.line, deal.date, &deal.amount)
            == (&credit.transaction, &credit.line, credit.date, &credit.amount)
    };
    let Some(at) = deals.iter().position(same) else { return };
    match left {
        Some(left) => deals[at].amount = left.clone(),
        None => {
            deals.remove(at);
        }
    }
}
