//! Rows for planning: who is eligible, what each person or account sold, where everybody is.

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::{DateRange, epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::expression::Expression;
use spm_core::plan::quotas::QuotaPlan;
use spm_core::plan::territories::{Load, TerritoryPlan};

use crate::load::Tables;
use crate::lower::lower;
use crate::table::Table;

fn internal(error: &PolarsError, place: &TextPlace) -> Diagnostic {
    Diagnostic::error(Code::SPM502, format!("the rows cannot be calculated: {error}"))
        .at(Place::Text(place.clone()), "")
}

fn table<'a>(tables: &'a Tables, name: &str, place: &TextPlace) -> Result<&'a Table, Diagnostic> {
    let fault = || {
        let fault = Diagnostic::error(
            Code::SPM503,
            format!("the plan needs the table {name}, which no source fills"),
        );
        fault.at(Place::Text(place.clone()), "").hint(format!("add [sources.{name}] to spm.toml"))
    };
    tables.get(name).ok_or_else(fault)
}

/// The rows of a table that satisfy a condition.
fn kept(table: &Table, condition: Option<&Expression>, place: &TextPlace) -> Result<Table, Diagnostic> {
    let Some(condition) = condition else { return Ok(table.clone()) };
    let lowered = lower(condition, table, place)?;
    let frame = table
        .frame
        .clone()
        .lazy()
        .filter(lowered.expression)
        .collect()
        .map_err(|error| internal(&error, place))?;
    Ok(Table { frame, columns: table.columns.clone(), files: table.files.clone() })
}

/// A text column, empty cells as `None`; all empty when the table has no such column.
#[must_use]
pub fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    table.texts(name).map_or_else(
        || vec![None; table.frame.height()],
        |values| values.iter().map(|value| value.map(str::to_owned)).collect(),
    )
}

fn floats(table: &Table, name: &str) -> Vec<Option<f64>> {
    let column = table.frame.column(name).ok().and_then(|column| column.f64().ok());
    column.map_or_else(|| vec![None; table.frame.height()], |values| values.iter().collect())
}

fn points(table: &Table) -> Vec<Option<(f64, f64)>> {
    floats(table, "latitude")
        .into_iter()
        .zip(floats(table, "longitude"))
        .map(|(latitude, longitude)| Some((latitude?, longitude?)))
        .collect()
}

/// A person and the values of the level columns, upper first.
pub type Placed = (String, Vec<Option<String>>);

/// People in a quota plan with the values of its level columns, sorted by identifier.
pub fn quota_people(plan: &QuotaPlan, tables: &Tables) -> Result<Vec<Placed>, Diagnostic> {
    let reps = kept(table(tables, "reps", &plan.place)?, plan.eligible.as_ref(), &plan.place)?;
    let levels: Vec<Vec<Option<String>>> = plan.levels.iter().map(|level| texts(&reps, level)).collect();
    let mut people: Vec<_> = texts(&reps, "rep_id")
        .into_iter()
        .enumerate()
        .filter_map(|(row, id)| Some((id?, levels.iter().map(|level| level[row].clone()).collect())))
        .collect();
    people.sort();
    Ok(people)
}

/// What each salesperson of a quota plan sold in its history, by identifier.
pub fn history(plan: &QuotaPlan, tables: &Tables) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let transactions = table(tables, "transactions", &plan.place)?;
    let key = if plan.by.is_some() { "account_id" } else { "rep_id" };
    let (mut sums, decimals) =
        sums_by(transactions, key, &plan.amount, plan.condition.as_ref(), Some(plan.days), &plan.place)?;
    if let Some(column) = &plan.by {
        let accounts = table(tables, "accounts", &plan.place)?;
        let mut owners: BTreeMap<String, i128> = BTreeMap::new();
        for (account, owner) in texts(accounts, "account_id").into_iter().zip(texts(accounts, column)) {
            if let (Some(account), Some(owner)) = (account, owner) {
                *owners.entry(owner).or_default() += sums.get(&account).copied().unwrap_or(0);
            }
        }
        sums = owners;
    }
    Ok(sums.into_iter().map(|(id, units)| (id, Rational::from_scaled(units, decimals))).collect())
}

/// Sums of an expression over transactions by a key column, in units of 10^-decimals.
fn sums_by(
    transactions: &Table,
    key: &str,
    amount: &Expression,
    condition: Option<&Expression>,
    days: Option<DateRange>,
    place: &TextPlace,
) -> Result<(BTreeMap<String, i128>, u32), Diagnostic> {
    let lowered = lower(amount, transactions, place)?;
    let mut frame = transactions.frame.clone().lazy().filter(col(key).is_not_null());
    if let Some(days) = days {
        let day = |date| lit(epoch_day(date)).cast(DataType::Date);
        frame = frame.filter(col("event_date").gt_eq(day(days.from)).and(col("event_date").lt(day(days.to))));
    }
    if let Some(condition) = condition {
        frame = frame.filter(lower(condition, transactions, place)?.expression);
    }
    let frame = frame
        .select([col(key), lowered.expression.cast(DataType::Int64).alias("_amount")])
        .collect()
        .map_err(|error| internal(&error, place))?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let read = || -> PolarsResult<_> {
        Ok((frame.column(key)?.str()?.clone(), frame.column("_amount")?.i64()?.clone()))
    };
    let (keys, amounts) = read().map_err(|error| internal(&error, place))?;
    for (key, amount) in keys.iter().zip(amounts.iter()) {
        if let (Some(key), Some(amount)) = (key, amount) {
            match sums.get_mut(key) {
                Some(sum) => *sum += i128::from(amount),
                None => {
                    sums.insert(key.to_owned(), amount.into());
                }
            }
        }
    }
    Ok((sums, lowered.decimals))
}

/// Accounts to divide, and the people who hold territories, each sorted by identifier.
#[derive(Clone, Debug, Default)]
pub struct TerritoryRows {
    /// Identifier of each account.
    pub accounts: Vec<String>,
    /// Latitude and longitude of each account.
    pub account_points: Vec<Option<(f64, f64)>>,
    /// Territory of today.
    pub current: Vec<Option<String>>,
    /// Accounts that stay.
    pub locked: Vec<bool>,
    /// Load of each account by measure, and the decimals of the measure.
    pub loads: Vec<(Vec<i64>, u32)>,
    /// Identifier of each territory: that of the person who holds it.
    pub territories: Vec<String>,
    /// Home of each person.
    pub homes: Vec<Option<(f64, f64)>>,
    /// Capacity of each person, 1 when empty.
    pub capacities: Vec<Rational>,
}

/// The rows of a territory plan.
pub fn territory_rows(plan: &TerritoryPlan, tables: &Tables) -> Result<TerritoryRows, Diagnostic> {
    let place = &plan.place;
    let accounts = kept(table(tables, "accounts", place)?, plan.accounts.as_ref(), place)?;
    let accounts = Table {
        frame: accounts
            .frame
            .sort(["account_id"], SortMultipleOptions::default())
            .map_err(|error| internal(&error, place))?,
        ..accounts
    };
    let current = texts(&accounts, &plan.current);
    let reps = table(tables, "reps", place)?;
    let reps = kept(reps, plan.eligible.as_ref(), place)?;
    let reps = Table {
        frame: reps
            .frame
            .sort(["rep_id"], SortMultipleOptions::default())
            .map_err(|error| internal(&error, place))?,
        ..reps
    };
    let holds = |id: &String| plan.eligible.is_some() || current.iter().flatten().any(|held| held == id);
    let chosen: Vec<usize> = texts(&reps, "rep_id")
        .iter()
        .enumerate()
        .filter(|(_, id)| id.as_ref().is_some_and(holds))
        .map(|(row, _)| row)
        .collect();
    let homes = points(&reps);
    let capacity = reps.numbers("capacity");
    let decimals = reps.column("capacity").map_or(0, |column| column.decimals);
    let capacity = |row: usize| {
        capacity
            .as_ref()
            .and_then(|values| values.get(row))
            .map_or_else(Rational::one, |units| Rational::from_scaled(units.into(), decimals))
    };
    let ids = texts(&reps, "rep_id");
    let loads = plan
        .measures
        .iter()
        .map(|measure| loads(&accounts, tables, &measure.load, &measure.place))
        .collect::<Result<_, _>>()?;
    let locked = match &plan.locked {
        Some(condition) => {
            let lowered = lower(condition, &accounts, place)?;
            let frame = accounts
                .frame
                .clone()
                .lazy()
                .select([lowered.expression.alias("_locked")])
                .collect()
                .map_err(|error| internal(&error, place))?;
            let values = frame
                .column("_locked")
                .and_then(|column| column.bool().cloned())
                .map_err(|error| internal(&error, place))?;
            if values.len() == accounts.frame.height() {
                values.iter().map(|value| value == Some(true)).collect()
            } else {
                vec![values.get(0) == Some(true); accounts.frame.height()]
            }
        }
        None => vec![false; accounts.frame.height()],
    };
    Ok(TerritoryRows {
        accounts: texts(&accounts, "account_id").into_iter().flatten().collect(),
        account_points: points(&accounts),
        current,
        locked,
        loads,
        territories: chosen.iter().filter_map(|row| ids[*row].clone()).collect(),
        homes: chosen.iter().map(|row| homes[*row]).collect(),
        capacities: chosen.iter().map(|row| capacity(*row)).collect(),
    })
}

fn loads(
    accounts: &Table,
    tables: &Tables,
    load: &Load,
    place: &TextPlace,
) -> Result<(Vec<i64>, u32), Diagnostic> {
    let (values, decimals) = match load {
        Load::Account(expression) => {
            let lowered = lower(expression, accounts, place)?;
            let values = lowered.expression.cast(DataType::Int64).alias("_load");
            let frame = accounts
                .frame
                .clone()
                .lazy()
                .with_column(values)
                .collect()
                .map_err(|error| internal(&error, place))?;
            let values = frame
                .column("_load")
                .and_then(|column| column.i64().cloned())
                .map_err(|error| internal(&error, place))?;
            (values.iter().map(|value| i128::from(value.unwrap_or(0))).collect::<Vec<_>>(), lowered.decimals)
        }
        Load::Transactions(amount, condition) => {
            let transactions = table(tables, "transactions", place)?;
            let (sums, decimals) =
                sums_by(transactions, "account_id", amount, condition.as_ref(), None, place)?;
            (
                texts(accounts, "account_id")
                    .iter()
                    .map(|id| id.as_ref().and_then(|id| sums.get(id)).copied().unwrap_or(0))
                    .collect(),
                decimals,
            )
        }
    };
    let narrow = |value: &i128| i64::try_from(*value).ok().filter(|value| *value >= 0);
    match values.iter().map(narrow).collect::<Option<Vec<i64>>>() {
        Some(values) => Ok((values, decimals)),
        None => {
            let fault =
                Diagnostic::error(Code::SPM110, "an account has a load below zero, or beyond 64 bits");
            Err(fault.at(Place::Text(place.clone()), "").hint("make it zero or more: GREATEST(..., 0)"))
        }
    }
}
