//! Rows for forecasts: what every group sold in every period, and what is in the pipeline.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, suggestion};
use spm_core::ground::period::{Calendar, epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::expression::Expression;
use spm_core::plan::forecast::{ForecastPlan, Grouping, Pipeline, Probability};

use crate::intake::place as row_place;
use crate::load::Tables;
use crate::lower::lower;
use crate::planning::{internal, table, texts};
use crate::table::Table;

/// The values of the grouping columns of a row, upper first; `None` for an empty cell.
pub type Key = Vec<Option<String>>;

/// Sums of an amount by group and period.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// By group, sorted: sums by period of the range, in units of 10^-decimals.
    pub groups: BTreeMap<Key, Vec<i128>>,
    /// Decimals.
    pub decimals: u32,
    /// Rows by period of the range.
    pub rows: Vec<usize>,
}

/// Which transactions are added up, by what.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// What is added up.
    pub amount: &'a Expression,
    /// Which count.
    pub condition: Option<&'a Expression>,
    /// Columns that make groups.
    pub by: &'a [Grouping],
    /// For messages.
    pub place: &'a TextPlace,
}

/// What every group sold in the periods of a range.
pub fn series(
    selection: Selection<'_>,
    tables: &Tables,
    calendar: &Calendar,
    periods: Range<usize>,
    currency: &str,
) -> Result<Series, Diagnostic> {
    let place = selection.place;
    let transactions = table(tables, "transactions", place)?;
    let rows = amounts(transactions, selection.amount, selection.condition, "event_date", place)?;
    one_currency(&rows.frame, currency, place)?;
    let ends = Ends::new(calendar, periods.clone());
    // Managers as they are when the periods are over.
    let keys = keys(&rows.frame, selection.by, tables, ends.last(), place)?;
    let mut found = Series { decimals: rows.decimals, rows: vec![0; periods.len()], ..Series::default() };
    let mut sums: Vec<Vec<i128>> = vec![vec![0; periods.len()]; keys.names.len()];
    for (row, (day, amount)) in rows.days.iter().zip(&rows.amounts).enumerate() {
        let Some(period) = day.and_then(|day| ends.find(day)) else { continue };
        found.rows[period] += 1;
        sums[keys.of[row]][period] += i128::from(amount.unwrap_or(0));
    }
    found.groups = keys.names.into_iter().zip(sums).collect();
    Ok(found)
}

/// The first days of periods, and the day after the last.
struct Ends(Vec<i32>);

impl Ends {
    fn new(calendar: &Calendar, periods: Range<usize>) -> Self {
        let all = &calendar.periods()[periods];
        let mut days: Vec<i32> = all.iter().map(|period| epoch_day(period.range.from)).collect();
        days.extend(all.last().map(|period| epoch_day(period.range.to)));
        Self(days)
    }

    fn first(&self) -> i32 {
        self.0.first().copied().unwrap_or(0)
    }

    fn last(&self) -> i32 {
        self.0.last().copied().unwrap_or(0)
    }

    fn find(&self, day: i32) -> Option<usize> {
        let index = self.0.partition_point(|start| *start <= day).checked_sub(1)?;
        (index + 1 < self.0.len()).then_some(index)
    }
}

/// Rows that count, with amount and day.
struct Rows {
    frame: Table,
    amounts: Vec<Option<i64>>,
    days: Vec<Option<i32>>,
    decimals: u32,
}

fn amounts(
    from: &Table,
    amount: &Expression,
    condition: Option<&Expression>,
    day: &str,
    place: &TextPlace,
) -> Result<Rows, Diagnostic> {
    let lowered = lower(amount, from, place)?;
    let mut frame = from.frame.clone().lazy();
    if let Some(condition) = condition {
        frame = frame.filter(lower(condition, from, place)?.expression);
    }
    let frame = frame
        .with_column(lowered.expression.cast(DataType::Int64).alias("_amount"))
        .collect()
        .map_err(|error| internal(&error, place))?;
    let amounts = frame
        .column("_amount")
        .and_then(|column| Ok(column.i64()?.iter().collect()))
        .map_err(|error| internal(&error, place))?;
    let kept = Table { frame, columns: from.columns.clone(), files: from.files.clone() };
    let days = kept.days(day).map_or_else(|| vec![None; kept.frame.height()], |days| days.iter().collect());
    Ok(Rows { frame: kept, amounts, days, decimals: lowered.decimals })
}

/// Amounts of several currencies have no sum.
pub(crate) fn one_currency(rows: &Table, currency: &str, place: &TextPlace) -> Result<(), Diagnostic> {
    let other = rows.texts("currency").and_then(|all| all.iter().flatten().find(|own| *own != currency));
    let Some(other) = other else { return Ok(()) };
    let message = format!("some transactions are in {other}, the project is in {currency}");
    let fault = Diagnostic::error(Code::SPM407, message).at(Place::Text(place.clone()), "");
    Err(fault.hint(format!(
        "keep one currency with where = \"currency = '{currency}'\", or convert: amount = \"CASE WHEN currency = '{other}' THEN amount * 1.1 ELSE amount END\" over a source without the column currency"
    )))
}

/// The group of every row.
struct Keys {
    names: Vec<Key>,
    of: Vec<usize>,
}

fn keys(
    rows: &Table,
    by: &[Grouping],
    tables: &Tables,
    day: i32,
    place: &TextPlace,
) -> Result<Keys, Diagnostic> {
    let managed = by.iter().any(|grouping| grouping.table == "managers");
    let paths = if managed { paths(tables, day, place)? } else { HashMap::new() };
    let mut columns: Vec<Vec<Option<String>>> = Vec::new();
    for grouping in by {
        if grouping.table == "transactions" {
            if rows.column(&grouping.column).is_none() {
                let message = format!("the rows have no column `{}` to group by", grouping.column);
                let fault = Diagnostic::error(Code::SPM010, message).at(Place::Text(place.clone()), "");
                let near = suggestion(&grouping.column, rows.columns.iter().map(|own| own.name.as_str()));
                return Err(fault.hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "map a column of that name in spm.toml".to_owned(),
                }));
            }
            columns.push(texts(rows, &grouping.column));
            continue;
        }
        if grouping.table == "managers" {
            let level = grouping.column.parse::<usize>().unwrap_or(1);
            let find = |id: Option<String>| paths.get(&id?)?.get(level - 1).cloned();
            columns.push(texts(rows, "rep_id").into_iter().map(find).collect());
            continue;
        }
        let key = if grouping.table == "reps" { "rep_id" } else { "account_id" };
        let other = table(tables, grouping.table, place)?;
        let (ids, values) = (texts(other, key), texts(other, &grouping.column));
        let map: HashMap<&str, &Option<String>> =
            ids.iter().zip(&values).filter_map(|(id, value)| Some((id.as_deref()?, value))).collect();
        let find = |id: Option<String>| map.get(id?.as_str()).and_then(|value| (*value).clone());
        columns.push(texts(rows, key).into_iter().map(find).collect());
    }
    let mut names: Vec<Key> = Vec::new();
    let mut seen: HashMap<Key, usize> = HashMap::new();
    let of = (0..rows.frame.height())
        .map(|row| {
            let key: Key = columns.iter_mut().map(|column| column[row].take()).collect();
            *seen.entry(key).or_insert_with_key(|key| {
                names.push(key.clone());
                names.len() - 1
            })
        })
        .collect();
    Ok(Keys { names, of })
}

/// For each person the chain from the top down to them, as it is on a day: by the table hierarchy, or reps.manager_id.
fn paths(tables: &Tables, day: i32, place: &TextPlace) -> Result<HashMap<String, Vec<String>>, Diagnostic> {
    let reps = table(tables, "reps", place)?;
    let above: HashMap<String, String> = match tables.get("hierarchy") {
        Some(hierarchy) => {
            let (ids, managers) = (texts(hierarchy, "rep_id"), texts(hierarchy, "manager_id"));
            let (starts, ends) = (hierarchy.days("from"), hierarchy.days("to"));
            let there = |row: usize| {
                let start = starts.and_then(|days| days.get(row));
                let end = ends.and_then(|days| days.get(row));
                start.is_none_or(|start| start <= day) && end.is_none_or(|end| day < end)
            };
            let pair = |row: usize| Some((ids[row].clone()?, managers[row].clone()?));
            (0..ids.len()).filter(|row| there(*row)).filter_map(pair).collect()
        }
        None if reps.column("manager_id").is_some() => {
            let pairs = texts(reps, "rep_id").into_iter().zip(texts(reps, "manager_id"));
            pairs.filter_map(|(id, manager)| Some((id?, manager?))).collect()
        }
        None => {
            let fault = Diagnostic::error(
                Code::SPM104,
                "levels of managers need reps.manager_id, or the table hierarchy",
            );
            return Err(fault
                .at(Place::Text(place.clone()), "")
                .hint("map manager_id under [sources.reps.columns]"));
        }
    };
    let mut paths = HashMap::new();
    for id in texts(reps, "rep_id").into_iter().flatten() {
        let mut path = vec![id.clone()];
        while let Some(manager) = above.get(&path[path.len() - 1]) {
            // Someone who manages themselves has no one above; a longer loop is a mistake.
            if path.last() == Some(manager) {
                break;
            }
            if path.contains(manager) {
                let message = format!("the managers above {id} lead back to {manager}");
                let fault = Diagnostic::error(Code::SPM405, message).at(Place::Text(place.clone()), "");
                return Err(fault.hint("correct manager_id"));
            }
            path.push(manager.clone());
        }
        path.reverse();
        paths.insert(id, path);
    }
    Ok(paths)
}

/// What a stage has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// Probability of being won; `None` when each opportunity has its own.
    pub probability: Option<Rational>,
    /// Closed opportunities that reached it, and those of them that were won, where it was measured.
    pub measured: Option<(usize, usize)>,
    /// Open opportunities in it.
    pub open: usize,
}

/// The pipeline by group and period.
#[derive(Clone, Debug, Default)]
pub struct PipelineRows {
    /// By group: amount x probability by period of the range.
    pub groups: BTreeMap<Key, Vec<Rational>>,
    /// Stages in the order of the plan.
    pub stages: Vec<Stage>,
    /// Open opportunities that should have closed before the range.
    pub overdue: usize,
}

/// The expected amount of open opportunities that should close in the periods of a range.
pub fn pipeline(
    plan: &ForecastPlan,
    pipeline: &Pipeline,
    tables: &Tables,
    calendar: &Calendar,
    periods: Range<usize>,
) -> Result<PipelineRows, Diagnostic> {
    let place = &pipeline.place;
    let opportunities = table(tables, "opportunities", place)?;
    let rows = amounts(opportunities, &pipeline.amount, pipeline.condition.as_ref(), "close_date", place)?;
    let (statuses, names) = (texts(&rows.frame, "status"), texts(&rows.frame, "stage"));
    let status = |row: usize| statuses[row].as_deref().map(str::to_lowercase);
    let wrong = (0..statuses.len())
        .find(|row| !status(*row).is_some_and(|own| ["open", "won", "lost"].contains(&own.as_str())));
    if let Some(row) = wrong {
        let own = statuses[row].as_deref().unwrap_or("");
        let fault = Diagnostic::error(Code::SPM110, format!("an opportunity has the status `{own}`"));
        return Err(fault
            .at(row_place(&rows.frame, row, Some("status")), "")
            .at(Place::Text(place.clone()), "")
            .hint("map it to open, won or lost: status = { sql = \"CASE WHEN ... END\" }"));
    }
    let stages = stages(pipeline, &names, &status, place)?;
    let ends = Ends::new(calendar, periods.clone());
    let keys = keys(&rows.frame, &plan.by, tables, ends.first(), place)?;
    let (own, decimals) = (rows.frame.numbers("probability"), rows.frame.decimals("probability"));
    let mut found = PipelineRows::default();
    let mut sums: Vec<Vec<Rational>> = vec![vec![Rational::zero(); periods.len()]; keys.names.len()];
    for row in 0..statuses.len() {
        if status(row).as_deref() != Some("open") {
            continue;
        }
        let Some(day) = rows.days[row] else { continue };
        if ends.0.first().is_some_and(|first| day < *first) {
            found.overdue += 1;
        }
        let Some(period) = ends.find(day) else { continue };
        let stage = stages.iter().find(|stage| Some(&stage.name) == names[row].as_ref());
        let stated = stage.and_then(|stage| stage.probability.clone());
        let probability = match pipeline.probability {
            Probability::Column => own
                .and_then(|own| own.get(row))
                .map(|units| Rational::from_scaled(units.into(), decimals))
                .filter(|share| !share.is_negative() && *share <= Rational::one()),
            _ => stated,
        };
        let Some(probability) = probability else {
            let name = names[row].as_deref().unwrap_or("");
            let stated = own.filter(|_| matches!(pipeline.probability, Probability::Column));
            let stated = stated.and_then(|own| own.get(row));
            let message = match stated.map(|units| Rational::from_scaled(units.into(), decimals)) {
                Some(share) => format!(
                    "an open opportunity in stage `{name}` has the probability {}, which is not from 0% to 100%",
                    share.to_percent()
                ),
                None => format!("an open opportunity in stage `{name}` has no probability"),
            };
            let column = if stated.is_some() { "probability" } else { "stage" };
            let fault = Diagnostic::error(Code::SPM432, message)
                .at(row_place(&rows.frame, row, Some(column)), "")
                .at(Place::Text(place.clone()), "");
            return Err(fault.hint(match pipeline.probability {
                Probability::Column => {
                    "fill the column probability with 0% to 100%, or leave these out with `where`"
                }
                Probability::Measured => {
                    "no closed opportunity ever reached it, or `stages` does not list it: state it instead"
                }
                Probability::Stated(_) => "add it to `probability`, or leave the stage out with `where`",
            }));
        };
        let amount = Rational::from_scaled(rows.amounts[row].unwrap_or(0).into(), rows.decimals);
        sums[keys.of[row]][period] += &(&amount * &probability);
    }
    found.stages = stages;
    for stage in &mut found.stages {
        let open = |row: &usize| {
            status(*row).as_deref() == Some("open") && names[*row].as_ref() == Some(&stage.name)
        };
        stage.open = (0..statuses.len()).filter(open).count();
    }
    found.groups = keys.names.into_iter().zip(sums).collect();
    found.groups.retain(|_, own| own.iter().any(|amount| !amount.is_zero()));
    Ok(found)
}

/// The stages with their probabilities. An opportunity that was lost had reached the stage it was lost in; one that was
/// won had reached all. A lost one whose stage the plan does not list had reached the first.
fn stages(
    pipeline: &Pipeline,
    names: &[Option<String>],
    status: &dyn Fn(usize) -> Option<String>,
    place: &TextPlace,
) -> Result<Vec<Stage>, Diagnostic> {
    let stage =
        |name: &str, probability| Stage { name: name.to_owned(), probability, measured: None, open: 0 };
    match &pipeline.probability {
        Probability::Stated(all) => {
            Ok(all.iter().map(|(name, share)| stage(name, Some(share.clone()))).collect())
        }
        Probability::Column => {
            let mut all: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
            all.sort_unstable();
            all.dedup();
            Ok(all.into_iter().map(|name| stage(name, None)).collect())
        }
        Probability::Measured => {
            let mut lost = vec![0usize; pipeline.stages.len()];
            let mut won = 0;
            for (row, name) in names.iter().enumerate() {
                match status(row).as_deref() {
                    Some("won") => won += 1,
                    Some("lost") => {
                        let place = pipeline.stages.iter().position(|own| Some(own) == name.as_ref());
                        lost[place.unwrap_or(0)] += 1;
                    }
                    _ => {}
                }
            }
            if won + lost.iter().sum::<usize>() == 0 {
                let fault =
                    Diagnostic::error(Code::SPM404, "no opportunity is won or lost: nothing to measure");
                return Err(fault
                    .at(Place::Text(place.clone()), "")
                    .hint("state the probabilities: probability = { Qualify = \"10%\" }"));
            }
            let reached = |from: usize| won + lost[from..].iter().sum::<usize>();
            let made = |(index, name): (usize, &String)| {
                let all = reached(index);
                let share = Rational::new(won as i128, all as i128);
                Stage { measured: Some((all, won)), ..stage(name, share) }
            };
            Ok(pipeline.stages.iter().enumerate().map(made).collect())
        }
    }
}
