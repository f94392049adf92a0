//! Clawbacks: what a plan would have paid if only the served part of cancelled transactions had been sold (E26).
//!
//! The credits of a cancelled transaction shrink to the part that was served, in their own period, and the earnings are
//! calculated again: tiers that were reached with it are left with it.

use std::collections::BTreeMap;

use crate::engine::comp::{Amounts, Cell, Deal};
use crate::ground::period::{Date, days_between};
use crate::ground::rational::Rational;
use crate::plan::comp::{Clawback, Unserved};

/// A credit of a cancelled transaction.
#[derive(Clone, Debug)]
pub struct Cancelled {
    /// Where it was measured.
    pub cell: Cell,
    /// Its transaction.
    pub transaction: String,
    /// Its transaction, with its line when it has one.
    pub deal: String,
    /// Event date.
    pub from: Date,
    /// From which day on it was served: for a refund, the event date of what it takes back.
    pub sold: Date,
    /// First day that is not served.
    pub cancelled: Date,
    /// Credited amount.
    pub amount: Rational,
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

/// What is measured when the cancelled credits count with the part that was served. A credit of which nothing was served
/// is not counted; the largest and smallest credit of a cell stay what they were.
#[must_use]
pub fn served(
    measurements: &BTreeMap<Cell, Amounts>,
    deals: &BTreeMap<Cell, Vec<Deal>>,
    cancelled: &[Cancelled],
    clawback: &Clawback,
) -> (BTreeMap<Cell, Amounts>, BTreeMap<Cell, Vec<Deal>>) {
    let (mut measurements, mut deals) = (measurements.clone(), deals.clone());
    for credit in cancelled {
        let part = unserved(credit.sold, credit.cancelled, clawback);
        if let Some(amounts) = measurements.get_mut(&credit.cell) {
            amounts.sum = &amounts.sum - &(&credit.amount * &part);
            amounts.count -= i64::from(part == Rational::one());
        }
        // Two credits of one transaction are two deals: each shrinks once.
        let mut own = deals.get_mut(&credit.cell).into_iter().flatten();
        let same = |deal: &&mut Deal| {
            deal.id() == credit.deal && deal.date == credit.from && deal.amount == credit.amount
        };
        if let Some(deal) = own.find(same) {
            deal.amount = &deal.amount - &(&credit.amount * &part);
        }
    }
    (measurements, deals)
}
