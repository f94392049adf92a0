//! What a refund inherits from the sale that it takes back (E20, E25): the one place that says so.
//!
//! A refund is taken back from whom its sale paid: holders of territories, managers, employment and a credit's `effective` are
//! those of the day of the sale, and within a fiscal year so are the plan and its version. Its own date says in which period
//! it counts; with `refunds = "original"` that is the sale's, too, as long as both are in one fiscal year. It is known from
//! its own date on: a period that ended before does not see it.

use std::borrow::Cow;

use polars::prelude::*;
use spm_core::ground::diagnostic::Diagnostic;
use spm_core::ground::period::{Calendar, Date, DateRange, epoch_day, from_epoch_day};
use spm_core::plan::comp::CompPlan;

use crate::credit::internal;
use crate::load::Tables;
use crate::table::Table;

const TRANSACTIONS: &str = "transactions";

/// Columns of transactions that say what a row takes back, once [`inherited`] has looked; of any other row they say itself.
pub(crate) mod column {
    /// The transaction that is taken back in the end, through refunds of refunds; empty where nothing is.
    pub(crate) const SALE: &str = "_sale";
    /// The day of the sale: who is credited, and whether a credit's `effective` holds.
    pub(crate) const SOLD: &str = "_sold";
    /// The day whose plan and version counts: that of the sale, within a fiscal year.
    pub(crate) const PLANNED: &str = "_planned";
}

/// What a refund takes back in the end.
#[derive(Clone, Copy)]
pub(crate) struct Sale<'t> {
    pub(crate) id: &'t str,
    /// Its first day.
    pub(crate) day: i32,
}

/// The tables with what refunds inherit.
pub(crate) fn inherited<'t>(tables: &'t Tables, calendar: &Calendar) -> Result<Cow<'t, Tables>, Diagnostic> {
    let Some(table) = tables.get(TRANSACTIONS) else { return Ok(Cow::Borrowed(tables)) };
    let (Some(originals), Some(days)) = (table.texts("refund_of"), table.days("event_date")) else {
        return Ok(Cow::Borrowed(tables));
    };
    if originals.null_count() == originals.len() || table.frame.column(column::SOLD).is_ok() {
        return Ok(Cow::Borrowed(tables));
    }
    let sales = sales(originals, table, tables.sold_before());
    let of = |original: Option<&str>| original.and_then(|original| sales.get(original));
    let sale = originals.iter().map(|original| of(original).map(|sale| sale.id).or(original));
    let sale: StringChunked = sale.collect_ca(column::SALE.into());
    let sold =
        originals.iter().zip(days.iter()).map(|(original, day)| of(original).map(|sale| sale.day).or(day));
    let sold: Int32Chunked = sold.collect_ca(column::SOLD.into());
    let planned = sold.iter().zip(days.iter()).map(|(sold, day)| match (sold, day) {
        (Some(sold), Some(day)) if sold == day || in_one_year(calendar, sold, day) => Some(sold),
        _ => day,
    });
    let planned: Int32Chunked = planned.collect_ca(column::PLANNED.into());
    let mut table = table.clone();
    for column in [sale.into_column(), sold.into_date().into_column(), planned.into_date().into_column()] {
        table.frame.with_column(column).map_err(|error| internal(&error))?;
    }
    Ok(Cow::Owned(with_transactions(tables, table)))
}

/// The tables as a plan sees them at the end of a stretch of days: refunds on them of what was sold on them are dated as it
/// says. What was sold before can be corrected by nobody, so its refunds stay on their own dates.
pub fn dated<'t>(
    plan: &CompPlan,
    tables: &'t Tables,
    calendar: &Calendar,
    within: DateRange,
) -> Result<Cow<'t, Tables>, Diagnostic> {
    let tables = inherited(tables, calendar)?;
    let Some(table) = tables.get(TRANSACTIONS).filter(|_| plan.refunds_on_original) else {
        return Ok(tables);
    };
    let planned = table.frame.column(column::PLANNED).ok().and_then(|days| days.date().ok());
    let (Some(planned), Some(days)) = (planned, table.days("event_date")) else { return Ok(tables) };
    let (since, before) = (epoch_day(within.from), epoch_day(within.to));
    let moved = planned.physical().iter().zip(days.iter()).map(|(sold, day)| match (sold, day) {
        (Some(sold), Some(day)) if sold >= since && day < before => Some(sold),
        _ => day,
    });
    let moved: Int32Chunked = moved.collect_ca("event_date".into());
    let mut table = table.clone();
    table.frame.with_column(moved.into_date().into_column()).map_err(|error| internal(&error))?;
    Ok(Cow::Owned(with_transactions(&tables, table)))
}

fn with_transactions(tables: &Tables, table: Table) -> Tables {
    let mut all = tables.clone();
    all.tables.insert(TRANSACTIONS, table);
    all
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

/// What refunds name as taken back and the transactions at hand do not have: sold before, or in no extract.
#[must_use]
pub fn sought(tables: &Tables) -> PlHashSet<String> {
    let Some(table) = tables.get(TRANSACTIONS) else { return PlHashSet::new() };
    let (Some(originals), Some(ids)) = (table.texts("refund_of"), table.texts("transaction_id")) else {
        return PlHashSet::new();
    };
    let mut sought: PlHashSet<&str> = originals.iter().flatten().collect();
    for id in ids.iter().flatten().filter(|_| !originals.is_empty()) {
        sought.remove(id);
    }
    sought.into_iter().map(str::to_owned).collect()
}

/// What is taken back in the end, by the transaction that a refund names; what is in neither table is absent. `earlier` has
/// what was sold before the transactions at hand.
pub(crate) fn sales<'r>(
    refunds: &'r StringChunked,
    table: &'r Table,
    earlier: Option<&'r Table>,
) -> PlHashMap<&'r str, Sale<'r>> {
    let mut sold: PlHashMap<&str, i32> = refunds.iter().flatten().map(|id| (id, i32::MAX)).collect();
    if sold.is_empty() {
        return PlHashMap::new();
    }
    // What takes back a refund has the day of what that takes back.
    let mut back: PlHashMap<&str, &str> = PlHashMap::new();
    for table in [Some(table), earlier].into_iter().flatten() {
        let (Some(ids), Some(days)) = (table.texts("transaction_id"), table.days("event_date")) else {
            continue;
        };
        for (id, day) in ids.iter().zip(days.iter()) {
            if let (Some(id), Some(day)) = (id, day)
                && let Some(first) = sold.get_mut(id)
            {
                *first = (*first).min(day);
            }
        }
        let originals = table.texts("refund_of");
        let pairs = originals.into_iter().flat_map(|originals| ids.iter().zip(originals.iter()));
        back.extend(pairs.filter_map(|(id, of)| Some((id?, of?))));
    }
    let day = |id: &str| sold.get(id).copied().filter(|day| *day != i32::MAX);
    // The end of the way may be in no extract: then the last of it that is there stands alone.
    let next = |id: &str| back.get(id).copied().filter(|next| day(next).is_some());
    let root = |id| (0..back.len()).try_fold(id, |id, _| next(id).ok_or(id)).unwrap_or_else(|id| id);
    let sale = |id: &'r str| {
        let id = root(id);
        Some(Sale { id, day: day(id)? })
    };
    sold.keys().filter_map(|id| Some((*id, sale(id)?))).collect()
}

/// True when two days, since 1970-01-01, lie in one fiscal year of the calendar.
pub(crate) fn in_one_year(calendar: &Calendar, one: i32, other: i32) -> bool {
    let year = |day: i32| {
        let period = calendar.find(from_epoch_day(day)?)?;
        Some(calendar.periods()[period].year.as_str())
    };
    year(one).is_some() && year(one) == year(other)
}
