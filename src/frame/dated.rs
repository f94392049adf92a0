//! Tables with days from and to: every row has a day, and no two rows say different things of one day.

use std::collections::BTreeMap;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::{Date, DateRange, from_epoch_day};

use crate::history;
use crate::intake::place;
use crate::load::Tables;
use crate::table::Table;

/// The tables, the columns that must not have two rows on one day, and what a row is called.
const DATED: [(&str, &[&str], &str); 4] = [
    ("assignments", &["rep_id", "territory_id"], "the territory of"),
    ("hierarchy", &["rep_id"], "the manager of"),
    ("leaves", &["rep_id"], "the leave of"),
    ("rep_history", &["rep_id"], "the history of"),
];

/// Checks the dated tables of people.
pub(crate) fn check(tables: &Tables, sink: &mut Sink) {
    for (name, keys, what) in DATED {
        if let Some(table) = tables.get(name) {
            ranges(table, name, keys, what, sink);
        }
    }
    if let Some(leaves) = tables.get("leaves") {
        reliefs(leaves, sink);
    }
    history::check(tables, sink);
}

fn ranges(table: &Table, name: &str, keys: &[&str], what: &str, sink: &mut Sink) {
    let (starts, ends) = (table.days("from"), table.days("to"));
    let mut seen: BTreeMap<Vec<&str>, Vec<(DateRange, usize)>> = BTreeMap::new();
    for row in 0..table.frame.height() {
        let day = |days: Option<&polars::prelude::Int32Chunked>| {
            days.and_then(|days| days.get(row)).and_then(from_epoch_day)
        };
        let key: Vec<&str> =
            keys.iter().filter_map(|key| table.texts(key).and_then(|column| column.get(row))).collect();
        let from = day(starts).unwrap_or(Date::MIN);
        let to = match day(ends) {
            Some(to) => to,
            // It lasts until the next row.
            None if name == "rep_history" => from.tomorrow().unwrap_or(Date::MAX),
            None => Date::MAX,
        };
        let who = key.first().copied().unwrap_or_default();
        let Some(range) = DateRange::new(from, to) else {
            let message = format!("{what} {who} ends on {to}, not after its first day {from}");
            let fault = Diagnostic::error(Code::SPM110, message).at(place(table, row, Some("to")), "");
            sink.push(fault.hint("`to` is the first day after the last"));
            continue;
        };
        let own = seen.entry(key).or_default();
        if let Some((_, other)) = own.iter().find(|(other, _)| other.intersect(&range).is_some()) {
            let message = format!("{what} {who} has two rows for the same days");
            let fault = Diagnostic::error(Code::SPM110, message)
                .at(place(table, row, Some("from")), "this one")
                .at(place(table, *other, Some("from")), "and this one");
            sink.push(fault.hint("end one where the other begins: `to` is the first day after the last"));
        }
        own.push((range, row));
    }
}

/// The relieved part of a leave is a part of the whole.
fn reliefs(leaves: &Table, sink: &mut Sink) {
    let (Some(ids), Some(reliefs)) = (leaves.texts("rep_id"), leaves.numbers("relief")) else { return };
    let unit = 10i64.pow(leaves.decimals("relief"));
    for (row, relief) in reliefs.iter().enumerate() {
        if relief.is_some_and(|relief| relief < 0 || relief > unit) {
            let message = format!(
                "the leave of {} relieves a part that is not between 0 % and 100 %",
                ids.get(row).unwrap_or_default()
            );
            let fault = Diagnostic::error(Code::SPM110, message).at(place(leaves, row, Some("relief")), "");
            sink.push(fault.hint("0.5 or 50% relieves half; leave it empty to relieve all"));
        }
    }
}
