//! Rows of a territory plan: who is eligible, what each account carries, where everybody is.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::{DateRange, epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::expression::Expression;
use spm_core::plan::territories::{BalanceMeasure, Load, Target, TerritoryPlan};

use crate::load::Tables;
use crate::lower::lower;
use crate::pairing::{PairRows, fit, groups, rows_of};
use crate::table::Table;

pub(crate) fn internal(error: &PolarsError, place: &TextPlace) -> Diagnostic {
    Diagnostic::error(Code::SPM502, format!("the rows cannot be calculated: {error}"))
        .at(Place::Text(place.clone()), "")
}

pub(crate) fn table<'a>(tables: &'a Tables, name: &str, place: &TextPlace) -> Result<&'a Table, Diagnostic> {
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
pub(crate) fn kept(
    table: &Table,
    condition: Option<&Expression>,
    place: &TextPlace,
) -> Result<Table, Diagnostic> {
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

/// Latitude and longitude of each row; `None` where either is missing.
#[must_use]
pub fn points(table: &Table) -> Vec<Option<(f64, f64)>> {
    floats(table, "latitude")
        .into_iter()
        .zip(floats(table, "longitude"))
        .map(|(latitude, longitude)| Some((latitude?, longitude?)))
        .collect()
}

/// Transactions of these days.
pub(crate) fn in_days(days: DateRange) -> Expr {
    let day = |date| lit(epoch_day(date)).cast(DataType::Date);
    col("event_date").gt_eq(day(days.from)).and(col("event_date").lt(day(days.to)))
}

/// Sums of an expression over transactions by a key column, in units of 10^-decimals.
fn sums_by(
    transactions: &Table,
    key: &str,
    amount: &Expression,
    condition: Option<&Expression>,
    place: &TextPlace,
) -> Result<(BTreeMap<String, i128>, u32), Diagnostic> {
    let lowered = lower(amount, transactions, place)?;
    let mut frame = transactions.frame.clone().lazy().filter(col(key).is_not_null());
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

/// Accounts to divide, and the territories that hold them, each sorted by identifier.
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
    /// How often the way to each account is made, and the decimals.
    pub visits: Option<(Vec<i64>, u32)>,
    /// Load by measure.
    pub loads: Vec<MeasureRows>,
    /// Identifier of each territory, or of the person who holds it.
    pub territories: Vec<String>,
    /// Home of each person, or centre of each territory.
    pub homes: Vec<Option<(f64, f64)>>,
    /// Capacity of each, 1 when empty.
    pub capacities: Vec<Rational>,
    /// Areas of accounts, when those of a territory must hang together.
    pub areas: Option<Areas>,
    /// Costs at `account * territories + territory`, and the decimals; `None` for a pair that is not allowed.
    pub costs: Option<(Vec<Option<i64>>, u32)>,
    /// Which pairs are allowed, and what they cost more.
    pub fit: Option<PairRows>,
    /// Number of the group of each account, when groups go whole.
    pub groups: Option<Vec<usize>>,
    /// What is empty and counts as zero: its name, for how many accounts, and the first of them.
    pub empty: Vec<(&'static str, usize, String)>,
    /// Cost of moving each account, and the decimals.
    pub move_costs: (Vec<i64>, u32),
    /// The accounts, and the holders that take part, in the same order; no holders when territories are created.
    pub tables: (Table, Table),
}

/// Areas of accounts.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    /// Name of each area, sorted.
    pub names: Vec<String>,
    /// Area of each account.
    pub of: Vec<usize>,
    /// Areas that touch each area, sorted.
    pub neighbours: Vec<Vec<usize>>,
}

/// Loads of a measure, and limits of each territory.
#[derive(Clone, Debug, Default)]
pub struct MeasureRows {
    /// Loads by account, or at `account * territories + territory` when they depend on both.
    pub loads: Vec<i64>,
    /// True when they depend on both.
    pub by_pair: bool,
    /// How many accounts have none, which counts as zero, and the first of them.
    pub empty: Option<(usize, String)>,
    /// Decimals of the loads.
    pub decimals: u32,
    /// Target of each territory, when the plan gives it.
    pub target: Option<Vec<Rational>>,
    /// Least load of each territory, when the plan gives it.
    pub least: Option<Vec<Rational>>,
    /// Greatest load of each territory, when the plan gives it.
    pub most: Option<Vec<Rational>>,
}

/// The rows of a territory plan. With `create`, that many territories without homes take the place of those that stand.
pub fn territory_rows(
    plan: &TerritoryPlan,
    tables: &Tables,
    create: Option<usize>,
) -> Result<TerritoryRows, Diagnostic> {
    let place = &plan.place;
    let sorted = |table: Table, key: &str| -> Result<Table, Diagnostic> {
        let frame = table.frame.sort([key], SortMultipleOptions::default());
        Ok(Table { frame: frame.map_err(|error| internal(&error, place))?, ..table })
    };
    let accounts = kept(table(tables, "accounts", place)?, plan.accounts.as_ref(), place)?;
    let accounts = sorted(accounts, "account_id")?;
    let mut rows = TerritoryRows {
        accounts: texts(&accounts, "account_id").into_iter().flatten().collect(),
        account_points: points(&accounts),
        current: if create.is_some() {
            vec![None; accounts.frame.height()]
        } else {
            texts(&accounts, &plan.current)
        },
        locked: match &plan.locked {
            Some(condition) if create.is_none() => flags(&accounts, condition, place)?,
            _ => vec![false; accounts.frame.height()],
        },
        ..TerritoryRows::default()
    };
    let by_capacity = plan.measures.iter().find(|own| matches!(own.target, Target::Capacity));
    let held = match create {
        Some(count) => {
            let width = count.to_string().len();
            rows.territories = (1..=count).map(|number| format!("T{number:0width$}")).collect();
            rows.homes = vec![None; count];
            rows.capacities = vec![Rational::one(); count];
            None
        }
        None => Some(holders(plan, tables, by_capacity, &mut rows)?),
    };
    if let Some((held, chosen)) = &held {
        rows.tables.1 = rows_of(held, chosen).map_err(|error| internal(&error, place))?;
    }
    rows.tables.0 = accounts.clone();
    let rows_named = rows.accounts.clone();
    let not_negative =
        |values: Vec<Option<i64>>, what: &str, place: &TextPlace| -> Result<Vec<i64>, Diagnostic> {
            let below = |value: &Option<i64>| value.is_some_and(|value| value < 0);
            let each = (values.len() / rows_named.len().max(1)).max(1);
            let first = values.iter().position(below);
            let count = values.iter().filter(|value| below(value)).count();
            let values = values.into_iter().map(|value| value.or(Some(0)).filter(|value| *value >= 0));
            values.collect::<Option<Vec<i64>>>().ok_or_else(|| {
                let name = first.and_then(|first| rows_named.get(first / each)).map_or("", String::as_str);
                let message = format!(
                    "{what} is below zero, or beyond 64 bits: {count} time(s), first for account {name}"
                );
                let fault = Diagnostic::error(Code::SPM110, message);
                fault.at(Place::Text(place.clone()), "").hint("make it zero or more: GREATEST(..., 0)")
            })
        };
    if let Some(visits) = &plan.visits {
        let (values, decimals) = numbers(&accounts, visits, place)?;
        rows.empty.extend(gaps("`visits`", &values, &rows_named));
        rows.visits = Some((not_negative(values, "how often an account is visited", place)?, decimals));
    }
    let (values, decimals) = numbers(&accounts, &plan.move_cost, place)?;
    if create.is_none() {
        rows.empty.extend(gaps("`move`", &values, &rows_named));
    }
    rows.move_costs = (not_negative(values, "the cost of a move", place)?, decimals);
    rows.groups = match &plan.together {
        Some(group) => Some(groups(&accounts, group, place)?),
        None => None,
    };
    if held.is_some() {
        rows.fit = fit(plan, &rows)?;
    }
    if let Some(cost) = &plan.cost {
        let (values, decimals) = pairs(tables, cost, &rows, place)?;
        not_negative(values.clone(), "a cost", place)?;
        rows.costs = Some((values, decimals));
    }
    if let Some(area) = &plan.contiguous {
        rows.areas = Some(areas(tables, &accounts, area, &rows.accounts, place)?);
    }
    for measure in &plan.measures {
        let place = &measure.place;
        let limits = |expression: Option<&Expression>| -> Result<Option<Vec<Rational>>, Diagnostic> {
            let Some(expression) = expression else { return Ok(None) };
            // New territories have no rows: a limit that names no column is the same over any table.
            let first = vec![0; rows.territories.len()];
            let (held, chosen) = held.as_ref().map_or((&accounts, &first), |(held, chosen)| (held, chosen));
            let (values, decimals) = numbers(held, expression, place)?;
            let limit = |row: &usize| {
                values.get(*row).copied().flatten().map(|units| Rational::from_scaled(units.into(), decimals))
            };
            let fault = || {
                let fault =
                    Diagnostic::error(Code::SPM110, format!("a limit of `{}` is empty", measure.name));
                fault.at(Place::Text(place.clone()), "").hint("give every holder a value: COALESCE(..., 0)")
            };
            chosen.iter().map(limit).collect::<Option<Vec<Rational>>>().ok_or_else(fault).map(Some)
        };
        let (values, decimals) = match &measure.load {
            Load::Account(expression) => numbers(&accounts, expression, place)?,
            Load::Pair(expression) => pairs(tables, expression, &rows, place)?,
            Load::Transactions(amount, condition) => {
                let transactions = table(tables, "transactions", place)?;
                let (sums, decimals) =
                    sums_by(transactions, "account_id", amount, condition.as_ref(), place)?;
                let sum = |id: &String| sums.get(id).map_or(Some(0), |sum| i64::try_from(*sum).ok());
                // A sum that leaves 64 bits is reported as a load that is out of range.
                (rows.accounts.iter().map(|id| Some(sum(id).unwrap_or(-1))).collect(), decimals)
            }
        };
        let each = (values.len() / rows.accounts.len().max(1)).max(1);
        let empty = values.iter().filter(|value| value.is_none()).count();
        let first = values.iter().position(Option::is_none).and_then(|first| rows.accounts.get(first / each));
        rows.loads.push(MeasureRows {
            empty: first.filter(|_| each == 1).map(|first| (empty, first.clone())),
            loads: not_negative(values, "the load of an account", place)?,
            by_pair: matches!(measure.load, Load::Pair(_)),
            decimals,
            target: limits(if let Target::Given(target) = &measure.target { Some(target) } else { None })?,
            least: limits(measure.least.as_ref())?,
            most: limits(measure.most.as_ref())?,
        });
    }
    Ok(rows)
}

/// What is empty of an expression, which counts as zero.
fn gaps(
    what: &'static str,
    values: &[Option<i64>],
    names: &[String],
) -> Option<(&'static str, usize, String)> {
    let first = values.iter().position(Option::is_none)?;
    let count = values.iter().filter(|value| value.is_none()).count();
    Some((what, count, names.get(first).cloned().unwrap_or_default()))
}

/// The area of each account, and which areas touch; areas without accounts play no part.
fn areas(
    tables: &Tables,
    accounts: &Table,
    area: &Expression,
    ids: &[String],
    place: &TextPlace,
) -> Result<Areas, Diagnostic> {
    let adjacency = table(tables, "adjacency", place)?;
    let lowered = lower(area, accounts, place)?.expression.cast(DataType::String).alias("_area");
    let frame = accounts.frame.clone().lazy().select([lowered]).collect();
    let of = frame
        .and_then(|frame| frame.column("_area").and_then(|column| column.str().cloned()))
        .map_err(|error| internal(&error, place))?;
    if let Some((_, id)) = of.iter().zip(ids).find(|(area, _)| area.is_none()) {
        let empty = of.null_count();
        let message = format!("{empty} account(s) have no area, such as {id}");
        let fault = Diagnostic::error(Code::SPM110, message).at(Place::Text(place.clone()), "");
        return Err(
            fault.hint("fill the column that `contiguous` reads, or leave these rows out with a condition")
        );
    }
    let names: Vec<String> =
        of.iter().flatten().map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
    let index = |name: Option<&String>| names.binary_search(name?).ok();
    let mut neighbours = vec![BTreeSet::new(); names.len()];
    for (one, other) in texts(adjacency, "area_id").iter().zip(texts(adjacency, "neighbour_id").iter()) {
        if let (Some(one), Some(other)) = (index(one.as_ref()), index(other.as_ref()))
            && one != other
        {
            neighbours[one].insert(other);
            neighbours[other].insert(one);
        }
    }
    let place_of =
        |name: Option<&str>| names.binary_search_by(|own| own.as_str().cmp(name.unwrap_or(""))).unwrap_or(0);
    Ok(Areas {
        of: of.iter().map(place_of).collect(),
        neighbours: neighbours.into_iter().map(|own| own.into_iter().collect()).collect(),
        names,
    })
}

/// Fills in who holds territories. Returns the table and the rows of it that take part.
fn holders(
    plan: &TerritoryPlan,
    tables: &Tables,
    by_capacity: Option<&BalanceMeasure>,
    rows: &mut TerritoryRows,
) -> Result<(Table, Vec<usize>), Diagnostic> {
    let place = &plan.place;
    let key = if plan.holders == "reps" { "rep_id" } else { "territory_id" };
    let held = kept(table(tables, plan.holders, place)?, plan.eligible.as_ref(), place)?;
    let frame =
        held.frame.sort([key], SortMultipleOptions::default()).map_err(|error| internal(&error, place))?;
    let held = Table { frame, ..held };
    let ids = texts(&held, key);
    let everybody = plan.eligible.is_some() || plan.holders == "territories";
    let today: BTreeSet<&String> = rows.current.iter().flatten().collect();
    let chosen: Vec<usize> = (0..ids.len())
        .filter(|row| ids[*row].as_ref().is_some_and(|id| everybody || today.contains(id)))
        .collect();
    let homes = points(&held);
    let capacities = held.numbers("capacity");
    let decimals = held.decimals("capacity");
    if let Some(measure) = by_capacity {
        let units = |row: &usize| capacities.and_then(|values| values.get(*row));
        let without: Vec<&usize> = chosen.iter().filter(|row| units(row).is_none_or(|own| own < 0)).collect();
        if let Some(first) = without.first() {
            let message = format!(
                "`{}` shares by capacity, which is empty or below zero for {} of {} holders, such as {}",
                measure.name,
                without.len(),
                chosen.len(),
                ids[**first].as_deref().unwrap_or_default()
            );
            let fault = Diagnostic::error(Code::SPM110, message).at(Place::Text(measure.place.clone()), "");
            return Err(
                fault.hint("map `capacity` of all holders in spm.toml, or leave these out with `eligible`")
            );
        }
    }
    let capacity = |row: &usize| {
        capacities
            .and_then(|values| values.get(*row))
            .map_or_else(Rational::one, |units| Rational::from_scaled(units.into(), decimals))
    };
    rows.territories = chosen.iter().filter_map(|row| ids[*row].clone()).collect();
    rows.homes = chosen.iter().map(|row| homes[*row]).collect();
    rows.capacities = chosen.iter().map(capacity).collect();
    Ok((held, chosen))
}

/// The rows for which a condition holds.
pub(crate) fn flags(
    table: &Table,
    condition: &Expression,
    place: &TextPlace,
) -> Result<Vec<bool>, Diagnostic> {
    let lowered = lower(condition, table, place)?;
    let frame = table
        .frame
        .clone()
        .lazy()
        .with_column(lowered.expression.alias("_flag"))
        .collect()
        .map_err(|error| internal(&error, place))?;
    let values = frame
        .column("_flag")
        .and_then(|column| column.bool().cloned())
        .map_err(|error| internal(&error, place))?;
    Ok(values.iter().map(|value| value == Some(true)).collect())
}

/// An expression by row, in units of 10^-decimals.
pub(crate) fn numbers(
    table: &Table,
    expression: &Expression,
    place: &TextPlace,
) -> Result<(Vec<Option<i64>>, u32), Diagnostic> {
    let lowered = lower(expression, table, place)?;
    let values = lowered.expression.cast(DataType::Int64).alias("_number");
    let frame =
        table.frame.clone().lazy().with_column(values).collect().map_err(|error| internal(&error, place))?;
    let values = frame
        .column("_number")
        .and_then(|column| column.i64().cloned())
        .map_err(|error| internal(&error, place))?;
    Ok((values.iter().collect(), lowered.decimals))
}

/// An expression over costs, at `account * territories + territory`; `None` where the table has no such pair.
fn pairs(
    tables: &Tables,
    expression: &Expression,
    rows: &TerritoryRows,
    place: &TextPlace,
) -> Result<(Vec<Option<i64>>, u32), Diagnostic> {
    let costs = table(tables, "costs", place)?;
    let (values, decimals) = numbers(costs, expression, place)?;
    let mut all = vec![None; rows.accounts.len() * rows.territories.len()];
    let ids = texts(costs, "account_id").into_iter().zip(texts(costs, "territory_id")).zip(values);
    for ((account, territory), value) in ids {
        let (Some(account), Some(territory)) = (account, territory) else { continue };
        let account = rows.accounts.binary_search(&account);
        if let (Ok(account), Ok(territory)) = (account, rows.territories.binary_search(&territory)) {
            all[account * rows.territories.len() + territory] = value;
        }
    }
    Ok((all, decimals))
}
