//! What happens to transactions after they were sold: releases and cancellations.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use polars::prelude::*;
use spm_core::engine::comp::Cell;
use spm_core::engine::ledger::{Cancelled, Credit, Receipts};
use spm_core::ground::period::{Date, from_epoch_day};
use spm_core::ground::rational::Rational;

use crate::credit::Credited;
use crate::load::Tables;
use crate::measure::refunds as refunds_of;
use crate::refunds::sales;

/// Which part of its transaction each release is for: its amount / the transaction's amount, or all of it.
#[must_use]
pub fn receipts(tables: &Tables) -> Receipts {
    let mut receipts = Receipts(BTreeMap::new(), refunds(tables));
    let Some(releases) = tables.get("releases") else { return receipts };
    let (Some(ids), Some(events), Some(days)) =
        (releases.texts("transaction_id"), releases.texts("event"), releases.days("date"))
    else {
        return receipts;
    };
    let amounts = releases.numbers("amount");
    let decimals = releases.decimals("amount");
    let totals = tables.totals();
    for row in 0..releases.frame.height() {
        let (Some(id), Some(event)) = (ids.get(row), events.get(row)) else { continue };
        let Some(day) = days.get(row).and_then(from_epoch_day) else { continue };
        // Without an amount all of it is released; of a transaction that comes to nothing, nothing.
        let part = amounts.and_then(|amounts| amounts.get(row)).map(|units| {
            let total = totals.get(id).cloned().unwrap_or_default();
            Rational::from_scaled(units.into(), decimals).checked_div(&total).unwrap_or_default()
        });
        let key = (event.to_owned(), id.to_owned());
        receipts.0.entry(key).or_default().push((day, part.unwrap_or_else(Rational::one)));
    }
    receipts.0.values_mut().for_each(|parts| parts.sort());
    receipts
}

/// Each refund with the transaction that it takes back.
#[must_use]
pub fn refunds(tables: &Tables) -> BTreeMap<String, String> {
    let Some(table) = tables.get("transactions") else { return BTreeMap::new() };
    let (Some(ids), Some(originals)) = (table.texts("transaction_id"), table.texts("refund_of")) else {
        return BTreeMap::new();
    };
    let rows = ids.iter().zip(originals.iter());
    rows.filter_map(|(id, original)| Some((id?.to_owned(), original?.to_owned()))).collect()
}

/// The transactions that were cancelled before a day, each with the first day that is not served.
#[must_use]
pub fn cancellations(tables: &Tables, before: Date) -> BTreeMap<String, Date> {
    let Some(table) = tables.get("cancellations") else { return BTreeMap::new() };
    let (Some(ids), Some(days)) = (table.texts("transaction_id"), table.days("date")) else {
        return BTreeMap::new();
    };
    let rows = ids.iter().zip(days.iter());
    let dated = rows.filter_map(|(id, day)| Some((id?.to_owned(), from_epoch_day(day?)?)));
    dated.filter(|(_, day)| *day < before).collect()
}

/// The credits of every period in which something was cancelled, as measures count them. What a refund took back of a
/// cancelled transaction is not taken back again: a refund is cancelled with what it is of, so that both shrink to the part
/// that was served. That part is counted from the day of the sale, whichever plan paid it.
pub fn cancelled(
    credited: &Credited,
    tables: &Tables,
    cancellations: &BTreeMap<String, Date>,
    refunds: &BTreeMap<String, String>,
) -> io::Result<Vec<Credit>> {
    let sold = tables.get("transactions").and_then(|table| Some((table.texts("refund_of")?, table)));
    let sold =
        sold.map(|(originals, table)| sales(originals, table, tables.sold_before())).unwrap_or_default();
    // What a transaction is cancelled with: itself, or else what it takes back.
    let with = |id: &str| -> Option<(Date, Option<Date>)> {
        let mut own = id;
        for _ in 0..=refunds.len() {
            if let Some(day) = cancellations.get(own) {
                let first = sold.get(own).filter(|_| own != id);
                return Some((*day, first.and_then(|sale| from_epoch_day(sale.day))));
            }
            own = refunds.get(own)?;
        }
        None
    };
    let mut found = Vec::new();
    for (measure, frames) in credited.counted.iter().enumerate() {
        let mut cells = BTreeSet::new();
        let mut read = || -> PolarsResult<()> {
            for (frame, _) in frames {
                let at = cell_of(frame, measure)?;
                let ids = frame.column("transaction_id")?.str()?.iter().enumerate();
                cells.extend(
                    ids.filter(|(_, id)| id.is_some_and(|id| with(id).is_some()))
                        .filter_map(|(row, _)| at(row)),
                );
            }
            if cells.is_empty() {
                return Ok(());
            }
            let all: Vec<(&DataFrame, u32)> = frames.iter().map(|(frame, own)| (frame, *own)).collect();
            let taken = refunds_of(&all)?;
            for (position, (frame, decimals)) in frames.iter().enumerate() {
                let at = cell_of(frame, measure)?;
                let (ids, lines) = (frame.column("transaction_id")?.str()?, frame.column("line_id")?.str()?);
                let (amounts, days) =
                    (frame.column("amount")?.i64()?, frame.column("event_date")?.date()?.physical());
                let taken = taken.as_ref().map(|taken| &taken[position]);
                for row in 0..frame.height() {
                    let Some(cell) = at(row).filter(|cell| cells.contains(cell)) else { continue };
                    let day = days.get(row).and_then(from_epoch_day);
                    let (Some(id), Some(amount), Some(date)) = (ids.get(row), amounts.get(row), day) else {
                        continue;
                    };
                    found.push(Credit {
                        cell,
                        transaction: id.to_owned(),
                        line: lines.get(row).map(str::to_owned),
                        date,
                        amount: Rational::from_scaled(amount.into(), *decimals),
                        count: taken.map_or(1, |taken| taken.counts.get(row).unwrap_or(0)),
                        is_apart: taken.is_some_and(|taken| taken.apart.get(row) == Some(true)),
                        cancelled: with(id)
                            .map(|(from, sold)| Cancelled { sold: sold.unwrap_or(date), from }),
                    });
                }
            }
            Ok(())
        };
        read().map_err(io::Error::other)?;
    }
    Ok(found)
}

/// The cell of each row of a measure's credits.
fn cell_of(frame: &DataFrame, measure: usize) -> PolarsResult<impl Fn(usize) -> Option<Cell>> {
    let (payees, periods) = (frame.column("_payee")?.u32()?, frame.column("_period")?.u32()?);
    Ok(move |row: usize| {
        let (payee, period) = (payees.get(row)?, periods.get(row)?);
        Some(Cell { payee: payee as usize, measure, period: period as usize })
    })
}
