//! Rows about seats: their quotas as a file has them, and numbers of reps and accounts by holder.

use std::collections::BTreeMap;

use spm_core::engine::quota::Seat;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::{Calendar, from_epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::Type;
use spm_core::plan::expression::Expression;

use crate::load::Tables;
use crate::planning::{numbers, table, texts};
use crate::seats::absences;
use crate::table::Table;

pub use spm_core::plan::Date;

/// A quota of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaRow {
    /// Who has it.
    pub holder: String,
    /// Level of the holder, when the file says.
    pub level: Option<String>,
    /// Holder above, when the file says.
    pub parent: Option<String>,
    /// Name of the quota.
    pub measure: String,
    /// Index of the period in the calendar.
    pub period: usize,
    /// The goal; zero or more.
    pub amount: Rational,
}

/// The quotas of a file with holder_id, period and amount; level, parent_id and measure where it has them. Faults of rows
/// go to the sink: an empty cell, a period that the calendar does not have, an amount below zero, two rows for one quota.
pub fn quota_rows(file: &Table, shown: &str, calendar: &Calendar, sink: &mut Sink) -> Vec<QuotaRow> {
    let missing = |column: &&str| file.column(column).is_none();
    for column in ["holder_id", "period", "amount"].iter().filter(|column| missing(column)) {
        let fault = Diagnostic::error(Code::SPM103, format!("{shown} has no column `{column}`"));
        sink.push(
            fault.hint("a file of quotas has holder_id, period and amount; `spm quotas allocate` writes one"),
        );
    }
    if sink.has_errors() {
        return vec![];
    }
    let [holders, levels, parents, measures, periods] =
        ["holder_id", "level", "parent_id", "measure", "period"].map(|name| texts(file, name));
    let Some(amounts) = exact(file, "amount") else {
        let fault =
            Diagnostic::error(Code::SPM105, format!("`amount` of {shown} is not a column of exact numbers"));
        let fault = fault.at(Place::row(shown, None, Some("amount")), "");
        sink.push(fault.hint("write amounts as decimals, such as 1250.50"));
        return vec![];
    };
    let mut rows = Vec::with_capacity(amounts.len());
    let mut records = Vec::with_capacity(amounts.len());
    let at = |row: usize, column: &str| Place::row(shown, u64::try_from(row + 1).ok(), Some(column));
    for (row, amount) in amounts.into_iter().enumerate() {
        let (Some(holder), Some(period), Some(amount)) = (&holders[row], &periods[row], amount.as_ref())
        else {
            let cells = [holders[row].is_none(), periods[row].is_none(), amount.is_none()];
            let empty = ["holder_id", "period", "amount"].into_iter().zip(cells).find(|(_, empty)| *empty);
            let column = empty.map_or("amount", |(column, _)| column);
            let fault = Diagnostic::error(Code::SPM107, format!("`{column}` of a quota is empty"));
            sink.push(
                fault.at(at(row, column), "").hint("fill it, or leave the row out; a quota of nothing is 0"),
            );
            continue;
        };
        let Some(index) = calendar.index_of(period) else {
            let message = format!("a quota of {holder} is for {period}, which the calendar does not have");
            let fault = Diagnostic::error(Code::SPM012, message).at(at(row, "period"), "");
            sink.push(fault.hint("the calendar is in spm.toml"));
            continue;
        };
        if amount.is_negative() {
            let message = format!("the quota of {holder} in {period} is {amount}, below zero");
            let fault = Diagnostic::error(Code::SPM110, message).at(at(row, "amount"), "");
            sink.push(fault.hint("a quota is zero or more"));
        }
        records.push(row);
        rows.push(QuotaRow {
            holder: holder.clone(),
            level: levels[row].clone(),
            parent: parents[row].clone(),
            measure: measures[row].clone().unwrap_or_else(|| "quota".to_owned()),
            period: index,
            amount: amount.clone(),
        });
    }
    let key = |row: usize| (&rows[row].holder, &rows[row].measure, rows[row].period);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| (key(*row), *row));
    for pair in order.windows(2).filter(|pair| key(pair[0]) == key(pair[1])) {
        let QuotaRow { holder, measure, period, .. } = &rows[pair[1]];
        let message = format!("{holder} has two quotas `{measure}` in {}", calendar.periods()[*period].name);
        let fault =
            Diagnostic::error(Code::SPM108, message).at(at(records[pair[1]], "holder_id"), "the second");
        sink.push(fault.at(at(records[pair[0]], "holder_id"), "the first").hint("keep one of them"));
    }
    rows
}

/// A column of exact numbers; a file of text may have them as text.
fn exact(file: &Table, name: &str) -> Option<Vec<Option<Rational>>> {
    let column = file.column(name)?;
    match column.kind {
        Type::Number => Some(
            file.numbers(name)?
                .iter()
                .map(|units| units.map(|units| Rational::from_scaled(units.into(), column.decimals)))
                .collect(),
        ),
        Type::Text => texts(file, name)
            .into_iter()
            .map(|text| text.map_or(Some(None), |text| text.parse().ok().map(Some)))
            .collect(),
        _ => None,
    }
}

/// A column of exact numbers of a file by a text column, as floats.
#[must_use]
pub fn numbers_by(file: &Table, key: &str, name: &str) -> Option<BTreeMap<String, f64>> {
    let values = exact(file, name)?;
    let keyed = texts(file, key).into_iter().zip(values);
    Some(keyed.filter_map(|(key, value)| Some((key?, value?.to_f64_for_display()))).collect())
}

/// An expression over reps by rep_id; empty where it has no value.
pub fn by_rep(
    tables: &Tables,
    expression: &Expression,
    place: &TextPlace,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let reps = table(tables, "reps", place)?;
    let (values, decimals) = numbers(reps, expression, place)?;
    let keyed = texts(reps, "rep_id").into_iter().zip(values);
    Ok(keyed.filter_map(|(id, units)| Some((id?, Rational::from_scaled(units?.into(), decimals)))).collect())
}

/// The sum of an expression over accounts by a text column that names the holder.
pub fn by_holder(
    tables: &Tables,
    expression: &Expression,
    holder: &str,
    place: &TextPlace,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let accounts = table(tables, "accounts", place)?;
    let (values, decimals) = numbers(accounts, expression, place)?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for (holder, units) in texts(accounts, holder).into_iter().zip(values) {
        if let Some(holder) = holder {
            *sums.entry(holder).or_default() += i128::from(units.unwrap_or(0));
        }
    }
    Ok(sums.into_iter().map(|(holder, units)| (holder, Rational::from_scaled(units, decimals))).collect())
}

/// The people for whom a condition holds, sorted; everybody without one.
pub fn people(
    tables: &Tables,
    condition: Option<&Expression>,
    place: &TextPlace,
) -> Result<Vec<String>, Diagnostic> {
    let kept = crate::planning::kept(table(tables, "reps", place)?, condition, place)?;
    let mut ids: Vec<String> = texts(&kept, "rep_id").into_iter().flatten().collect();
    ids.sort();
    Ok(ids)
}

/// The first day of everybody who has one.
#[must_use]
pub fn hired(tables: &Tables) -> BTreeMap<String, Date> {
    let Some(reps) = tables.get("reps") else { return BTreeMap::new() };
    let Some(days) = reps.days("hire_date") else { return BTreeMap::new() };
    let keyed = texts(reps, "rep_id").into_iter().zip(days.iter());
    keyed.filter_map(|(id, day)| Some((id?, from_epoch_day(day?)?))).collect()
}

/// Everybody in reps, with the days that they are there and their leaves.
#[must_use]
pub fn there(tables: &Tables) -> BTreeMap<String, Seat> {
    let Some(reps) = tables.get("reps") else { return BTreeMap::new() };
    let (from, to) = (reps.days("hire_date"), reps.days("end_date"));
    let mut leaves = absences(tables);
    let seat = |(row, id): (usize, Option<String>)| {
        let id = id?;
        let seat = Seat {
            hired: from.and_then(|days| days.get(row)),
            left: to.and_then(|days| days.get(row)),
            leaves: leaves.remove(&id).unwrap_or_default(),
            ..Seat::default()
        };
        Some((id, seat))
    };
    texts(reps, "rep_id").into_iter().enumerate().filter_map(seat).collect()
}
