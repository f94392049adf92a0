//! Rows about transactions that do not exist: splits that share nothing, releases and cancellations of nothing.

use std::collections::{BTreeMap, BTreeSet};

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::from_epoch_day;

use crate::intake::place;
use crate::load::Tables;
use crate::merge::Known;

/// The tables whose rows are about a transaction by its identifier.
pub const EVENTS: [&str; 3] = ["cancellations", "releases", "splits"];

/// Warns of cancellations of a day before the sale: nothing of it was ever served, and nothing is earned.
pub fn check_cancelled_before(events: &Tables, transactions: &Tables, sink: &mut Sink) {
    let (Some(table), Some(sales)) = (events.get("cancellations"), transactions.get("transactions")) else {
        return;
    };
    let (Some(ids), Some(days)) = (table.texts("transaction_id"), table.days("date")) else { return };
    let (Some(sold), Some(dates)) = (sales.texts("transaction_id"), sales.days("event_date")) else { return };
    let cancelled: BTreeMap<&str, (i32, usize)> =
        (0..table.frame.height()).filter_map(|row| Some((ids.get(row)?, (days.get(row)?, row)))).collect();
    let before = sold.iter().zip(dates.iter()).filter_map(|(id, date)| {
        let (id, date) = (id?, date?);
        let (day, row) = *cancelled.get(id)?;
        (day < date).then_some((row, id, day, date))
    });
    let before: BTreeSet<(usize, &str, i32, i32)> = before.collect();
    let Some((row, id, day, date)) = before.first() else { return };
    let text = |day: i32| from_epoch_day(day).map_or_else(String::new, |day| day.to_string());
    let message = format!(
        "{} transaction(s) were cancelled before they were sold, such as {id}: cancelled on {}, sold on {}",
        before.len(),
        text(*day),
        text(*date)
    );
    let fault = Diagnostic::warning(Code::SPM110, message).at(place(table, *row, Some("date")), "");
    sink.push(fault.hint("correct the dates: such a transaction earns nothing"));
}

/// Warns of rows whose transaction is not among the transactions, which have to be held whole.
pub fn check_events(events: &Tables, transactions: &Tables, sink: &mut Sink) {
    let known = transactions.get("transactions").and_then(|table| table.texts("transaction_id"));
    let Some(known) = known.map(Known::new) else { return };
    for name in EVENTS {
        // Splits of transactions that are not there are left out where transactions are not held whole.
        let Some(table) = transactions.get(name).or_else(|| events.get(name)) else { continue };
        let Some(ids) = table.texts("transaction_id") else { continue };
        let missing = known.missing(ids);
        let Some(first) = missing.first() else { continue };
        let row = ids.iter().position(|id| id == Some(first.as_str())).unwrap_or(0);
        let message =
            format!("{} transaction(s) of {name} are not in transactions, such as `{first}`", missing.len());
        let fault =
            Diagnostic::warning(Code::SPM109, message).at(place(table, row, Some("transaction_id")), "");
        sink.push(fault.hint("complete transactions, or correct the extract: such a row changes nothing"));
    }
}
