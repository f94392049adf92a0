//! What happens to transactions after they were sold: releases and cancellations.

use std::collections::BTreeMap;
use std::io;

use polars::prelude::*;
use spm_core::engine::comp::Cell;
use spm_core::engine::ledger::{Cancelled, Receipts};
use spm_core::ground::period::{Date, from_epoch_day};
use spm_core::ground::rational::Rational;

use crate::credit::Credited;
use crate::load::Tables;

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

/// The credits of cancelled transactions, as measures count them. What a refund took back of one is not taken back again: a
/// refund is cancelled with what it is of, so that both shrink to the part that was served.
pub fn cancelled(
    credited: &Credited,
    cancellations: &BTreeMap<String, Date>,
    refunds: &BTreeMap<String, String>,
) -> io::Result<Vec<Cancelled>> {
    let (mut found, mut sold) = (Vec::new(), BTreeMap::new());
    let mut back: Vec<(Cancelled, &str)> = Vec::new();
    for (measure, frames) in credited.counted.iter().enumerate() {
        for (frame, decimals) in frames {
            let mut read = || -> PolarsResult<()> {
                let (payees, periods) = (frame.column("_payee")?.u32()?, frame.column("_period")?.u32()?);
                let (ids, lines) = (frame.column("transaction_id")?.str()?, frame.column("line_id")?.str()?);
                let (amounts, days) =
                    (frame.column("amount")?.i64()?, frame.column("event_date")?.date()?.physical());
                for (row, id) in ids.iter().enumerate() {
                    let Some(id) = id else { continue };
                    let original = refunds.get(id).filter(|original| cancellations.contains_key(*original));
                    let Some(day) = cancellations.get(id).or_else(|| cancellations.get(original?)) else {
                        continue;
                    };
                    let (Some(payee), Some(period), Some(amount), Some(from)) = (
                        payees.get(row),
                        periods.get(row),
                        amounts.get(row),
                        days.get(row).and_then(from_epoch_day),
                    ) else {
                        continue;
                    };
                    let credit = Cancelled {
                        cell: Cell { payee: payee as usize, measure, period: period as usize },
                        transaction: id.to_owned(),
                        deal: lines.get(row).map_or_else(|| id.to_owned(), |line| format!("{id}/{line}")),
                        from,
                        sold: from,
                        cancelled: *day,
                        amount: Rational::from_scaled(amount.into(), *decimals),
                    };
                    match original {
                        Some(original) if !cancellations.contains_key(id) => back.push((credit, original)),
                        _ => {
                            sold.entry(id.to_owned()).or_insert(from);
                            found.push(credit);
                        }
                    }
                }
                Ok(())
            };
            read().map_err(io::Error::other)?;
        }
    }
    found.extend(back.into_iter().map(|(credit, original)| {
        let sold = sold.get(original).copied().unwrap_or(credit.from);
        Cancelled { sold, ..credit }
    }));
    Ok(found)
}
