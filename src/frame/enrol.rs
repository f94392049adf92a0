//! Who is in which plan over time: the rows of the table plan_assignments, checked and given to the payees of a plan.

use std::collections::BTreeMap;

use spm_core::engine::comp::Payee;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::period::{Date, DateRange, from_epoch_day};
use spm_core::plan::comp::CompPlan;

use crate::intake::place;
use crate::load::Tables;
use crate::table::Table;

/// A row of the table: its number, the person, the plan, the days.
struct Row<'t> {
    row: usize,
    rep: &'t str,
    plan: &'t str,
    from: Date,
    to: Date,
}

fn rows(table: &Table) -> impl Iterator<Item = Row<'_>> {
    let (reps, plans) = (table.texts("rep_id"), table.texts("plan_id"));
    let (starts, ends) = (table.days("from"), table.days("to"));
    (0..table.frame.height()).filter_map(move |row| {
        let from = starts.and_then(|days| days.get(row)).map_or(Some(Date::MIN), from_epoch_day)?;
        let to = ends.and_then(|days| days.get(row)).map_or(Some(Date::MAX), from_epoch_day)?;
        Some(Row { row, rep: reps?.get(row)?, plan: plans?.get(row)?, from, to })
    })
}

/// Checks the table: every plan is one of the project's, every range has a day, no two of a person and a plan overlap.
pub fn check(tables: &Tables, plans: &[&str], sink: &mut Sink) {
    let Some(table) = tables.get("plan_assignments") else { return };
    let mut seen: BTreeMap<(&str, &str), Vec<(DateRange, usize)>> = BTreeMap::new();
    for row in rows(table) {
        if !plans.contains(&row.plan) {
            let message = format!("{} is in plan `{}`, which the project does not have", row.rep, row.plan);
            let fault =
                Diagnostic::error(Code::SPM109, message).at(place(table, row.row, Some("plan_id")), "");
            sink.push(fault.hint(match suggestion(row.plan, plans.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the plans are: {}", plans.join(", ")),
            }));
        }
        let Some(range) = DateRange::new(row.from, row.to) else {
            let message =
                format!("{} is in plan `{}` until a day that is not after the first", row.rep, row.plan);
            let fault = Diagnostic::error(Code::SPM110, message).at(place(table, row.row, Some("to")), "");
            sink.push(fault.hint("`to` is the first day after the last"));
            continue;
        };
        let own = seen.entry((row.rep, row.plan)).or_default();
        if let Some((other, first)) = own.iter().find(|(other, _)| other.intersect(&range).is_some()) {
            let message = format!("{} is in plan `{}` twice at once: {range} and {other}", row.rep, row.plan);
            let fault = Diagnostic::error(Code::SPM110, message)
                .at(place(table, row.row, Some("from")), "this one")
                .at(place(table, *first, Some("from")), "and this one");
            sink.push(fault.hint("end one where the other begins: `to` is the first day after the last"));
        }
        own.push((range, row.row));
    }
}

/// Keeps the payees whom the table has in the plan, each with the days; everybody where there is no such table.
pub(crate) fn enrol(plan: &CompPlan, tables: &Tables, payees: &mut Vec<Payee>, sink: &mut Sink) {
    let Some(table) = tables.get("plan_assignments") else { return };
    let mut days: BTreeMap<&str, Vec<DateRange>> = BTreeMap::new();
    for row in rows(table).filter(|row| row.plan == plan.id) {
        days.entry(row.rep).or_default().extend(DateRange::new(row.from, row.to));
    }
    if days.is_empty() {
        let message = format!("the table plan_assignments has nobody in plan `{}`: it pays nothing", plan.id);
        sink.push(Diagnostic::warning(Code::SPM404, message).hint("add rows with its id as plan_id"));
    }
    payees.retain_mut(|payee| {
        let own = days.remove(payee.id.as_str());
        payee.enrolled = own.map(joined).map(|own| match &payee.enrolled {
            None => own,
            Some(eligible) => {
                let both =
                    |days: &DateRange| eligible.iter().filter_map(|other| days.intersect(other)).collect();
                own.iter().flat_map(|days: &DateRange| -> Vec<DateRange> { both(days) }).collect()
            }
        });
        payee.enrolled.as_ref().is_some_and(|days| !days.is_empty())
    });
}

/// Ranges in order, those that touch made one, so that a renewal in the middle of a period cuts nothing.
pub(crate) fn joined(mut ranges: Vec<DateRange>) -> Vec<DateRange> {
    ranges.sort();
    let mut all: Vec<DateRange> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.to == range.from => last.to = range.to,
            _ => all.push(range),
        }
    }
    all
}
