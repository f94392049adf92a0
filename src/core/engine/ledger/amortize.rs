//! Capitalised commission and its amortization under ASC 340-40 (E48).
//!
//! Straight line by months over the benefit period; the last month takes what rounding leaves. A later change of the asset
//! (a delta, a clawback) is spread over the months that are left; a clawback first reduces what is left of the asset.

use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};

/// How commission is capitalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amortization {
    /// Months over which the contract, and its renewals where they are expected, benefit the company.
    pub months: u32,
    /// Whether costs of at most twelve months are expensed at once (the practical expedient).
    pub expedient: bool,
}

/// What an asset comes to, month by month from the one in which it was earned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Added to the asset, minor units.
    pub capitalised: Vec<i128>,
    /// Expensed, minor units: amortization, or all at once under the expedient.
    pub expensed: Vec<i128>,
}

impl Schedule {
    /// What is left of the asset after a number of months.
    #[must_use]
    pub fn left(&self, months: usize) -> i128 {
        let sum = |list: &[i128]| list.iter().take(months).sum::<i128>();
        sum(&self.capitalised) - sum(&self.expensed)
    }
}

/// The schedule of amounts by month: `booked[m]` is what the ledger booked in month `m` for the month 0, `rule` says how it
/// is capitalised in a month. A rule that changes is a change in estimate: what is left of the asset is spread over the months
/// that the new one leaves, and expensed when it leaves none; months that are over stay as they were.
#[must_use]
pub fn amortize(booked: &[i128], rule: &dyn Fn(usize) -> Amortization) -> Schedule {
    let mut schedule = Schedule::default();
    let (mut asset, mut part, mut before) = (0i128, 0, rule(0).months);
    for month in 0.. {
        let own = rule(month);
        let months = own.months as usize;
        if month >= booked.len().max(months).max(1) && asset == 0 {
            break;
        }
        let added = booked.get(month).copied().unwrap_or(0);
        schedule.capitalised.push(added);
        asset += added;
        let left = months.saturating_sub(month);
        if (added != 0 || own.months != before) && left > 0 {
            let exact = Rational::new(asset, left as i128).unwrap_or_default();
            part = round_to_decimals(&exact, 0, Rounding::default()).unwrap_or(asset);
        }
        before = own.months;
        let at_once = months == 0 || (own.expedient && months <= 12);
        // What takes away more than is left of the asset is no asset: the rest lowers the expense at once.
        let expensed = if at_once || left <= 1 || asset <= 0 { asset } else { part.min(asset) };
        schedule.expensed.push(expensed);
        asset -= expensed;
    }
    schedule
}
