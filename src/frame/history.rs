//! What reps says of people over time: rows of the table rep_history laid over those of reps, and given to the payees of
//! a plan as versions of themselves, with the days on which they are eligible.

use polars::prelude::*;
use spm_core::engine::comp::{Payee, Version};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::{Date, DateRange, from_epoch_day};
use spm_core::ground::source::Place;
use spm_core::plan::comp::CompPlan;
use spm_core::plan::contract::Type;

use crate::credit::{eligible, internal, people};
use crate::enrol::joined;
use crate::load::Tables;
use crate::table::{Table, rescaled};

/// Columns of rep_history that say whose row it is and when.
const OWN: [&str; 3] = ["rep_id", "from", "to"];

/// Complete rows of people on some days.
pub(crate) struct History {
    /// One row for each row of rep_history, with the columns of reps.
    pub(crate) rows: Table,
    /// Of each row: the index of the person in reps, and the days.
    pub(crate) of: Vec<(usize, DateRange)>,
}

impl History {
    /// `None` where nothing fills the table. Rows of people who are not in reps are left out: they were warned of.
    pub(crate) fn of(tables: &Tables, reps: &Table) -> PolarsResult<Option<Self>> {
        let Some(table) = tables.get("rep_history") else { return Ok(None) };
        let (Some(ids), Some(known)) = (table.texts("rep_id"), reps.texts("rep_id")) else {
            return Ok(None);
        };
        let known: PlHashMap<&str, usize> =
            known.iter().enumerate().filter_map(|(row, id)| Some((id?, row))).collect();
        let (mut of, mut own) = (Vec::new(), Vec::new());
        for (row, days) in ranges(table).into_iter().enumerate() {
            let person = ids.get(row).and_then(|id| known.get(id));
            if let (Some(person), Some(days)) = (person, days) {
                of.push((*person, days));
                own.push(IdxSize::try_from(row).unwrap_or(0));
            }
        }
        let index = |row: usize| IdxSize::try_from(row).unwrap_or(0);
        let base: Vec<IdxSize> = of.iter().map(|(person, _)| index(*person)).collect();
        let mut frame = reps.frame.take(&IdxCa::from_vec("rows".into(), base))?;
        let own = table.frame.take(&IdxCa::from_vec("rows".into(), own))?;
        let mut columns = reps.columns.clone();
        for column in &mut columns {
            let said = table.column(&column.name).filter(|said| said.kind == column.kind);
            let Some(said) = said.filter(|said| !OWN.contains(&said.name.as_str())) else { continue };
            let decimals = column.decimals.max(said.decimals);
            let (mut base, mut new) =
                (frame.column(&column.name)?.clone(), own.column(&column.name)?.clone());
            if column.kind == Type::Number {
                base = rescaled(&base, decimals - column.decimals)?;
                new = rescaled(&new, decimals - said.decimals)?;
            }
            // An empty cell is as in reps.
            let there = new.is_not_null();
            frame.with_column(new.zip_with(&there, &base)?)?;
            column.decimals = decimals;
        }
        Ok(Some(Self { rows: Table { frame, columns, files: vec![] }, of }))
    }
}

/// The table reps as it is on a day: rows of rep_history that hold then stand in for those of reps.
pub(crate) fn on_day(tables: &Tables, reps: &Table, day: Date) -> PolarsResult<Table> {
    let Some(history) = History::of(tables, reps)? else { return Ok(reps.clone()) };
    let index = |row: usize| IdxSize::try_from(row).unwrap_or(0);
    let mut rows: Vec<IdxSize> = (0..reps.frame.height()).map(index).collect();
    for (row, (person, days)) in history.of.iter().enumerate() {
        if days.contains(day) {
            rows[*person] = index(reps.frame.height() + row);
        }
    }
    // A number may have more decimals there than in reps.
    let mut frame = reps.frame.clone();
    for (column, own) in history.rows.columns.iter().zip(&reps.columns) {
        if column.decimals > own.decimals {
            let values = rescaled(frame.column(&own.name)?, column.decimals - own.decimals)?;
            frame.with_column(values)?;
        }
    }
    let frame = frame.vstack(&history.rows.frame)?.take(&IdxCa::from_vec("rows".into(), rows))?;
    Ok(Table { frame, columns: history.rows.columns, files: reps.files.clone() })
}

/// The days of each row: to its `to`, or else to the next row of the person, or for ever. `None` for a row without days.
pub(crate) fn ranges(table: &Table) -> Vec<Option<DateRange>> {
    let ids = table.texts("rep_id");
    let (starts, ends) = (table.days("from"), table.days("to"));
    let id = |row: usize| ids.and_then(|ids| ids.get(row));
    let day = |days: Option<&Int32Chunked>, row| days.and_then(|days| days.get(row)).and_then(from_epoch_day);
    // Rows are in the order of person and first day.
    let range = |row: usize| {
        let next = (row + 1 < table.frame.height() && id(row + 1) == id(row)).then(|| day(starts, row + 1));
        let to = day(ends, row).or(next.flatten()).unwrap_or(Date::MAX);
        DateRange::new(day(starts, row).unwrap_or(Date::MIN), to)
    };
    (0..table.frame.height()).map(range).collect()
}

/// Checks the columns of the table against those of reps: each of them has to change something that plans can see.
pub(crate) fn check(tables: &Tables, sink: &mut Sink) {
    let (Some(table), Some(reps)) = (tables.get("rep_history"), tables.get("reps")) else { return };
    let path = table.files.first().map_or("", |file| file.path.as_str());
    for column in table.columns.iter().filter(|column| !OWN.contains(&column.name.as_str())) {
        let name = &column.name;
        let mut fault = |code, message: String, hint: &str| {
            let fault = Diagnostic::error(code, message).at(Place::row(path, None, Some(name)), "");
            sink.push(fault.hint(hint));
        };
        match reps.column(name) {
            _ if name == "hire_date" || name == "end_date" => {
                let message = format!("rep_history has `{name}`, of which a person has one only");
                fault(Code::SPM304, message, "map it in reps; absences belong into the table leaves");
            }
            None => {
                let message = format!("rep_history has `{name}`, but reps does not");
                fault(Code::SPM104, message, "map it in reps too: what counts on days without a row");
            }
            Some(own) if own.kind != column.kind => {
                let message = format!(
                    "`{name}` is a {} in rep_history, a {} in reps",
                    column.kind.name(),
                    own.kind.name()
                );
                fault(Code::SPM112, message, "say the same type in both mappings");
            }
            Some(_) => {}
        }
    }
}

/// Gives payees their versions, and keeps those who are eligible on some day, with the days. `payees` are all of reps, in
/// its order; `now` says who is eligible by reps itself.
pub(crate) fn lay_over(
    plan: &CompPlan,
    tables: &Tables,
    reps: &Table,
    payees: &mut Vec<Payee>,
    now: &[bool],
    sink: &mut Sink,
) -> Option<()> {
    let history = History::of(tables, reps).map_err(|error| sink.push(internal(&error))).ok()?;
    let Some(history) = history else {
        let mut now = now.iter();
        payees.retain(|_| now.next() == Some(&true));
        return Some(());
    };
    let then = eligible(plan, &history.rows, sink)?;
    let mut days: Vec<Vec<DateRange>> = vec![Vec::new(); payees.len()];
    // Until where the days of a person are told.
    let mut told = vec![Date::MIN; payees.len()];
    let versions = people(&history.rows)?;
    for ((version, (person, range)), eligible) in versions.into_iter().zip(&history.of).zip(then) {
        if now[*person] {
            days[*person].extend(DateRange::new(told[*person], range.from));
        }
        if eligible {
            days[*person].push(*range);
        }
        told[*person] = range.to;
        let Payee { numbers, texts, .. } = version;
        payees[*person].versions.push(Version { days: *range, numbers, texts });
    }
    let mut person = 0;
    payees.retain_mut(|payee| {
        let index = person;
        person += 1;
        if now[index] {
            days[index].extend(DateRange::new(told[index], Date::MAX));
        }
        let own = joined(std::mem::take(&mut days[index]));
        let always = own == [DateRange { from: Date::MIN, to: Date::MAX }];
        let some = !own.is_empty();
        payee.enrolled = (!always).then_some(own);
        some
    });
    Some(())
}
