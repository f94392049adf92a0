//! Refunds on the date of what they take back (E25).
//!
//! A refund lowers the attainment of the period in which the transaction was sold, as long as both are in one fiscal year;
//! afterwards it counts on its own date. It is known from its own date on: a period that ended before does not see it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::Diagnostic;
use spm_core::ground::period::{Calendar, Date, DateRange, epoch_day, from_epoch_day};
use spm_core::plan::comp::CompPlan;

use crate::credit::internal;
use crate::load::Tables;
use crate::table::Table;

const TRANSACTIONS: &str = "transactions";

/// The tables as a plan sees them at the end of a stretch of days: refunds on them of what was sold on them are dated as it
/// says. What was sold before can be corrected by nobody, so its refunds stay on their own dates.
pub fn dated<'t>(
    plan: &CompPlan,
    tables: &'t Tables,
    calendar: &Calendar,
    days: DateRange,
) -> Result<Cow<'t, Tables>, Diagnostic> {
    let Some(table) = tables.get(TRANSACTIONS).filter(|_| plan.refunds_on_original) else {
        return Ok(Cow::Borrowed(tables));
    };
    let moves = moves(table, calendar, days);
    if moves.is_empty() {
        return Ok(Cow::Borrowed(tables));
    }
    let mut table = table.clone();
    let days: Option<Int32Chunked> = table.days("event_date").map(|days| {
        let moved = days.iter().enumerate().map(|(row, day)| moves.get(&row).copied().or(day));
        moved.collect_ca("event_date".into())
    });
    if let Some(days) = days {
        let days = days.into_date().into_column();
        table.frame.with_column(days).map_err(|error| internal(&error))?;
    }
    let mut all = tables.clone();
    all.tables.insert(TRANSACTIONS, table);
    Ok(Cow::Owned(all))
}

/// Whether a refund happened on one of these days, so that periods that ended before know less than later ones.
#[must_use]
pub fn happened(tables: &Tables, from: Date, to: Date) -> bool {
    let Some(table) = tables.get(TRANSACTIONS) else { return false };
    let (Some(originals), Some(days)) = (table.texts("refund_of"), table.days("event_date")) else {
        return false;
    };
    let (from, to) = (epoch_day(from), epoch_day(to));
    originals
        .iter()
        .zip(days.iter())
        .any(|(original, day)| original.is_some() && day.is_some_and(|day| (from..to).contains(&day)))
}

/// The new day of each row that moves.
fn moves(table: &Table, calendar: &Calendar, within: DateRange) -> BTreeMap<usize, i32> {
    let (Some(originals), Some(days)) = (table.texts("refund_of"), table.days("event_date")) else {
        return BTreeMap::new();
    };
    let (since, before) = (epoch_day(within.from), epoch_day(within.to));
    let sold = sold(originals, table);
    let mut moves = BTreeMap::new();
    for (row, (original, day)) in originals.iter().zip(days.iter()).enumerate() {
        let (Some(original), Some(day)) = (original, day) else { continue };
        let Some(first) = sold.get(original).filter(|first| **first >= since) else { continue };
        if day < before && in_one_year(calendar, day, *first) {
            moves.insert(row, *first);
        }
    }
    moves
}

/// The first day of what refunds take back, by identifier; what is not in the table is absent.
pub(crate) fn sold<'r>(refunds: &'r StringChunked, table: &'r Table) -> PlHashMap<&'r str, i32> {
    let mut sold: PlHashMap<&str, i32> = refunds.iter().flatten().map(|id| (id, i32::MAX)).collect();
    if let (Some(ids), Some(days), false) =
        (table.texts("transaction_id"), table.days("event_date"), sold.is_empty())
    {
        for (id, day) in ids.iter().zip(days.iter()) {
            if let (Some(id), Some(day)) = (id, day)
                && let Some(first) = sold.get_mut(id)
            {
                *first = (*first).min(day);
            }
        }
    }
    // What takes back a refund has the day of what that takes back.
    let back: PlHashMap<&str, &str> = match table.texts("transaction_id") {
        Some(ids) => ids.iter().zip(refunds.iter()).filter_map(|(id, of)| Some((id?, of?))).collect(),
        None => PlHashMap::new(),
    };
    let chained: Vec<&str> = sold.keys().copied().filter(|id| back.contains_key(id)).collect();
    for id in chained {
        let root =
            (0..back.len()).try_fold(id, |id, _| back.get(id).copied().ok_or(id)).unwrap_or_else(|id| id);
        if let Some(first) = sold.get(root).copied().filter(|first| *first != i32::MAX) {
            sold.insert(id, first);
        }
    }
    sold.retain(|_, day| *day != i32::MAX);
    sold
}

/// True when two days, since 1970-01-01, lie in one fiscal year of the calendar.
pub(crate) fn in_one_year(calendar: &Calendar, one: i32, other: i32) -> bool {
    let year = |day: i32| {
        let period = calendar.find(from_epoch_day(day)?)?;
        Some(calendar.periods()[period].year.as_str())
    };
    year(one).is_some() && year(one) == year(other)
}
