//! What `spm check` sees of people and their goals: chains of managers that close, quotas of nobody, below zero, or in no period.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::{Calendar, from_epoch_day};
use spm_core::ground::source::Place;
use spm_core::plan::contract::Type;
use spm_core::plan::ledger::is_formula;

use crate::intake::place;
use crate::load::Tables;
use crate::quota::quotas;
use crate::table::Table;

/// Reports quotas in no period, two for one holder and period, below zero, and of holders that are neither in reps nor
/// among `holders`, whom the plans give quotas.
pub fn check_quotas(tables: &Tables, calendar: &Calendar, holders: &BTreeSet<String>, sink: &mut Sink) {
    let Some(table) = tables.get("quotas") else { return };
    quotas(tables, calendar, sink);
    let amounts = table.numbers("amount");
    let names = table.texts("holder_id");
    for row in 0..table.frame.height() {
        let amount = amounts.and_then(|amounts| amounts.get(row)).unwrap_or(0);
        if let (true, Some(holder)) = (amount < 0, names.and_then(|names| names.get(row))) {
            let message = format!("the quota of {holder} is below zero");
            let fault = Diagnostic::error(Code::SPM110, message).at(place(table, row, None), "");
            sink.push(fault.hint("a quota is zero or more; correct the extract"));
        }
    }
    let Some(reps) = tables.get("reps").and_then(|reps| reps.texts("rep_id")) else { return };
    let reps: BTreeSet<&str> = reps.iter().flatten().collect();
    let unknown = |name: &&str| !reps.contains(name) && !holders.contains(*name);
    let unknown: BTreeSet<&str> =
        names.into_iter().flat_map(|names| names.iter().flatten()).filter(unknown).collect();
    let Some(first) = unknown.first() else { return };
    let row = names.and_then(|names| names.iter().position(|name| name == Some(*first))).unwrap_or(0);
    let message = format!(
        "{} holder(s) of quotas are neither in reps nor in the hierarchy of a quota plan, such as `{first}`",
        unknown.len()
    );
    let fault = Diagnostic::warning(Code::SPM109, message).at(place(table, row, None), "");
    sink.push(fault.hint("complete reps, or correct the extract; the rows stay in use"));
}

/// What speaks against handing people over to payroll in these columns of reps: one that does not exist, or that holds
/// neither texts nor numbers; and, as warnings, texts and identifiers that a spreadsheet would run as a formula.
#[must_use]
pub fn handed_over(tables: &Tables, columns: &[&str]) -> Vec<Diagnostic> {
    let Some(table) = tables.get("reps") else { return vec![] };
    let mut faults = Vec::new();
    for name in std::iter::once("rep_id").chain(columns.iter().copied()) {
        let kind = table.column(name).map(|column| column.kind);
        let file = || Place::File(table.files.first().map_or("reps", |file| file.path.as_str()).to_owned());
        match kind {
            Some(Type::Text) => faults.extend(formula(table, name)),
            Some(Type::Number) => {}
            Some(_) => {
                let message = format!("the column `{name}` of reps is neither a text nor a number");
                let fault = Diagnostic::error(Code::SPM203, message).at(file(), "");
                faults.push(fault.hint(
                    "[ledger] payments of spm.toml hands texts and numbers to payroll: map it as a text",
                ));
            }
            None => {
                let message = format!("reps has no column `{name}`, which payroll is to get");
                let fault = Diagnostic::error(Code::SPM103, message).at(file(), "");
                faults.push(
                    fault.hint("add it to [sources.reps] columns, or take it out of [ledger] payments"),
                );
            }
        }
    }
    faults
}

/// A warning about the first text of a column that a spreadsheet would run.
fn formula(table: &Table, name: &str) -> Option<Diagnostic> {
    let texts = table.texts(name)?;
    let row = texts.iter().position(|text| text.is_some_and(is_formula))?;
    let (text, what) = (texts.get(row)?, if name == "rep_id" { "identifier" } else { name });
    let message =
        format!("a spreadsheet would read the {what} `{text}` as a formula: it is not handed to payroll");
    let fault = Diagnostic::warning(Code::SPM110, message).at(place(table, row, Some(name)), "");
    Some(fault.hint("correct it in the extracts before the period is posted"))
}

/// Reports every loop of managers once, in reps and in the table hierarchy on each day that it changes. Somebody who is
/// their own manager has nobody above.
pub fn check_managers(tables: &Tables, sink: &mut Sink) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for name in ["reps", "hierarchy"] {
        let Some(table) = tables.get(name) else { continue };
        let (Some(ids), Some(managers)) = (table.texts("rep_id"), table.texts("manager_id")) else {
            continue;
        };
        let (from, to) = match name {
            "hierarchy" => (table.days("from"), table.days("to")),
            _ => (None, None),
        };
        let day = |days: Option<&Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
        let rows = 0..table.frame.height();
        let mut starts: BTreeSet<Option<i32>> = rows.clone().map(|row| day(from, row)).collect();
        starts.insert(None);
        for start in starts {
            // What has no first day was always so.
            let now = start.unwrap_or(i32::MIN);
            let holds = |row: &usize| {
                day(from, *row).is_none_or(|from| from <= now) && day(to, *row).is_none_or(|to| now < to)
            };
            let pair = |row: usize| Some((ids.get(row)?, (managers.get(row)?, row)));
            let above: BTreeMap<&str, (&str, usize)> = rows.clone().filter(holds).filter_map(pair).collect();
            for (people, row) in loops(&above) {
                if told.insert(people.join(" ")) {
                    sink.push(fault(table, &people, row, start));
                }
            }
        }
    }
}

/// Loops of at least two people, each from its smallest name on, with the row of that one.
fn loops<'a>(above: &BTreeMap<&'a str, (&'a str, usize)>) -> Vec<(Vec<&'a str>, usize)> {
    let mut found = vec![];
    // Whose chain is known: on which walk they were met first.
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for (walk, start) in above.keys().enumerate() {
        let mut next = Some(*start);
        while let Some(person) = next {
            if let Some(other) = met.get(person) {
                if *other == walk && above.get(person).is_some_and(|(manager, _)| *manager != person) {
                    found.push(around(above, person));
                }
                break;
            }
            met.insert(person, walk);
            next = above.get(person).map(|(manager, _)| *manager);
        }
    }
    found
}

/// The people of the loop that somebody is in.
fn around<'a>(above: &BTreeMap<&'a str, (&'a str, usize)>, person: &'a str) -> (Vec<&'a str>, usize) {
    let mut people = vec![person];
    while let Some((manager, _)) =
        above.get(people[people.len() - 1]).filter(|(manager, _)| *manager != person)
    {
        people.push(*manager);
    }
    let smallest = (0..people.len()).min_by_key(|place| people[*place]).unwrap_or(0);
    people.rotate_left(smallest);
    let row = above.get(people[0]).map_or(0, |(_, row)| *row);
    (people, row)
}

fn fault(table: &Table, people: &[&str], row: usize, day: Option<i32>) -> Diagnostic {
    let chain = people.join(", who reports to ");
    let on = day.and_then(from_epoch_day).map_or_else(String::new, |day| format!(", on {day}"));
    let message =
        format!("the managers above {} lead back to {0}{on}: {chain}, who reports to {0}", people[0]);
    let fault = Diagnostic::error(Code::SPM405, message);
    fault.at(place(table, row, Some("manager_id")), "").hint("correct who reports to whom")
}
