//! The earnings of a plan, credit by credit: what each transaction brought in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::engine::comp::{Attribution, Earning, Earnings, LineOf, Payee, Problem};
use spm_core::ground::period::{Calendar, Group};
use spm_core::plan::comp::CompPlan;
use spm_core::plan::contract::Type;

use crate::credit::Credited;
use crate::measure::in_order;
use crate::rows::stacked;
use crate::table::{Column as TableColumn, Table};
use crate::write::Builder;

/// One row for each credit and component: plan_id, payee_id, period, component, transaction_id, line_id, event_date,
/// credited, earned. Earned parts add up to the earning of the line.
pub fn attribute(problem: &Problem<'_>, credited: &Credited, earnings: &Earnings) -> io::Result<Table> {
    let attribution = Attribution::new(problem);
    let mut by_cell: BTreeMap<(usize, u32, u32), &Earning> = BTreeMap::new();
    for line in &earnings.lines {
        if let LineOf::Component(component) = line.of {
            let index = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            by_cell.insert((component, index(line.payee), index(line.period)), line);
        }
    }
    // Several components may pay for one measure: its credits are put in order once.
    let mut ordered: BTreeMap<usize, (DataFrame, u32)> = BTreeMap::new();
    let mut tables: Vec<Table> = Vec::new();
    for (index, component) in problem.plan.components.iter().enumerate() {
        let Some(measure) = component.measure.filter(|measure| *measure < credited.counted.len()) else {
            continue;
        };
        let (frame, decimals) = match ordered.entry(measure) {
            Entry::Occupied(done) => done.into_mut(),
            Entry::Vacant(new) => new.insert(in_order(&credited.counted[measure]).map_err(io::Error::other)?),
        };
        // Credits of the months before count in the period that pays for them.
        let paid = match component.every {
            Group::Period => frame.clone(),
            every => paid_in(problem, every, frame).map_err(io::Error::other)?,
        };
        let rows = component_rows(problem, credited, &paid, &|payee, period, amounts| {
            by_cell.get(&(index, payee, period)).map(|line| attribution.parts(line, amounts, *decimals))
        });
        let rows = rows
            .and_then(|rows| rows.map(|rows| table(problem, &component.name, rows, *decimals)).transpose());
        tables.extend(rows.map_err(io::Error::other)?);
    }
    if tables.is_empty() {
        return empty(problem);
    }
    stacked(tables.iter())
}

/// What of the earnings no credit has earned alone, so that both tables come to the same: a line without credits of its own
/// (a formula, a scorecard, a guarantee, a cap, what is carried) is one row without a transaction.
pub fn unattributed(
    plan: &CompPlan,
    payees: &[Payee],
    calendar: &Calendar,
    earnings: &Earnings,
    attribution: &Table,
) -> io::Result<Table> {
    let keys = ["payee_id", "period", "component"];
    let sums = match attribution.frame.height() {
        0 => DataFrame::empty(),
        _ => {
            let groups = attribution.frame.clone().lazy().group_by(keys.map(col)).agg([col("earned").sum()]);
            groups.collect().map_err(io::Error::other)?
        }
    };
    let mut attributed: BTreeMap<(String, String, String), i128> = BTreeMap::new();
    if sums.height() > 0 {
        let texts =
            |name: &str| sums.column(name).and_then(|column| column.str().cloned()).map_err(io::Error::other);
        let [payee, period, component] = [texts(keys[0])?, texts(keys[1])?, texts(keys[2])?];
        let earned =
            sums.column("earned").and_then(|column| column.i64().cloned()).map_err(io::Error::other)?;
        let owned = |texts: &StringChunked, row: usize| texts.get(row).unwrap_or_default().to_owned();
        for row in 0..sums.height() {
            let key = (owned(&payee, row), owned(&period, row), owned(&component, row));
            attributed.insert(key, earned.get(row).unwrap_or(0).into());
        }
    }
    let mut rest: Vec<([&str; 4], i64)> = Vec::new();
    for line in &earnings.lines {
        let id = payees[line.payee].id.as_str();
        let period = calendar.periods()[line.period].name.as_str();
        let component = line.of.name(plan);
        let key = (id.to_owned(), period.to_owned(), component.to_owned());
        let left = line.amount.minor_units - attributed.get(&key).copied().unwrap_or(0);
        if left != 0 {
            let units =
                i64::try_from(left).map_err(|_| io::Error::other("an earning does not fit 64 bits"))?;
            rest.push(([plan.id.as_str(), id, period, component], units));
        }
    }
    if rest.is_empty() {
        return Ok(Table::default());
    }
    let text = |place: usize| rest.iter().map(move |(texts, _)| Some(texts[place]));
    let none = || rest.iter().map(|_| None::<&str>);
    let mut table = Builder::default()
        .text("plan_id", text(0))
        .text("payee_id", text(1))
        .text("period", text(2))
        .text("component", text(3))
        .text("transaction_id", none())
        .text("line_id", none())
        .text("event_date", none())
        .number("credited", 0, rest.iter().map(|_| None))
        .number("earned", plan.currency.decimals(), rest.iter().map(|(_, units)| Some(*units)))
        .table()?;
    let days = table.frame.column("event_date").and_then(|column| column.cast(&DataType::Date));
    table.frame.with_column(days.map_err(io::Error::other)?).map_err(io::Error::other)?;
    for column in table.columns.iter_mut().filter(|column| column.name == "event_date") {
        column.kind = Type::Date;
    }
    Ok(table)
}

/// The credits, each in the period in which a component that pays so often pays for it; their order stays.
fn paid_in(problem: &Problem<'_>, every: Group, frame: &DataFrame) -> PolarsResult<DataFrame> {
    let mut frame = frame.clone();
    if frame.height() == 0 {
        return Ok(frame);
    }
    let paid = |period: u32| u32::try_from(problem.paid_in(every, period as usize)).unwrap_or(period);
    let periods = frame.column("_period")?.u32()?.iter().map(|period| period.map(paid));
    let periods: UInt32Chunked = periods.collect_ca("_period".into());
    frame.with_column(periods.into_column())?;
    Ok(frame)
}

type Parts<'p> = &'p (dyn Fn(u32, u32, &[i64]) -> Option<Vec<i128>> + Sync);

/// The credits of one component that have a line, with what each earned.
fn component_rows(
    problem: &Problem<'_>,
    credited: &Credited,
    frame: &DataFrame,
    parts: Parts<'_>,
) -> PolarsResult<Option<DataFrame>> {
    if frame.height() == 0 {
        return Ok(None);
    }
    let payees: Vec<u32> = frame.column("_payee")?.u32()?.iter().map(Option::unwrap_or_default).collect();
    let periods: Vec<u32> = frame.column("_period")?.u32()?.iter().map(Option::unwrap_or_default).collect();
    let amounts: Vec<i64> = frame.column("amount")?.i64()?.iter().map(Option::unwrap_or_default).collect();
    let mut cells: Vec<std::ops::Range<usize>> = Vec::new();
    let mut start = 0;
    while start < payees.len() {
        let cell = (payees[start], periods[start]);
        let end =
            start + (start..payees.len()).take_while(|row| (payees[*row], periods[*row]) == cell).count();
        if problem.periods.contains(&(cell.1 as usize)) {
            cells.push(start..end);
        }
        start = end;
    }
    let shared = cells.into_par_iter().filter_map(|cell| {
        Some((parts(payees[cell.start], periods[cell.start], &amounts[cell.clone()])?, cell))
    });
    let shared: Vec<_> = shared.collect();
    let height = shared.iter().map(|(_, cell)| cell.len()).sum();
    let mut earned: Vec<i64> = Vec::with_capacity(height);
    for parts in shared.iter().flat_map(|(parts, _)| parts) {
        let units = i64::try_from(*parts);
        earned.push(units.map_err(|_| polars_err!(ComputeError: "an earning does not fit 64 bits"))?);
    }
    let mut rows = match height == frame.height() {
        true => frame.clone(),
        false => {
            let kept = shared.into_iter().flat_map(|(_, cell)| cell);
            let kept = kept.map(|row| IdxSize::try_from(row).unwrap_or(IdxSize::MAX));
            frame.take(&IdxCa::from_vec("rows".into(), kept.collect()))?
        }
    };
    rows.with_column(Int64Chunked::from_vec("earned".into(), earned).into_column())?;
    let ids = credited.payees.iter().map(|payee| payee.id.as_str());
    let ids = StringChunked::from_iter_values("payee_id".into(), ids);
    let names = problem.calendar.periods().iter().map(|period| period.name.as_str());
    let names = StringChunked::from_iter_values("period".into(), names);
    let ids = ids.take(rows.column("_payee")?.u32()?)?;
    let periods = names.take(rows.column("_period")?.u32()?)?;
    rows.with_column(ids.into_column())?;
    rows.with_column(periods.into_column())?;
    Ok(Some(rows))
}

fn columns(problem: &Problem<'_>, decimals: u32) -> Vec<TableColumn> {
    let number = |name: &str, decimals| TableColumn { name: name.to_owned(), kind: Type::Number, decimals };
    let text = |name: &str| TableColumn { name: name.to_owned(), kind: Type::Text, decimals: 0 };
    let mut columns: Vec<TableColumn> =
        ["plan_id", "payee_id", "period", "component", "transaction_id", "line_id"].map(text).into();
    columns.push(TableColumn { name: "event_date".to_owned(), kind: Type::Date, decimals: 0 });
    columns.push(number("credited", decimals));
    columns.push(number("earned", problem.plan.currency.decimals()));
    columns
}

/// The table without rows.
fn empty(problem: &Problem<'_>) -> io::Result<Table> {
    let columns = columns(problem, 0);
    let data = columns
        .iter()
        .map(|column| Column::new_empty(column.name.as_str().into(), &crate::intake::physical(column.kind)));
    let frame = DataFrame::new(0, data.collect()).map_err(io::Error::other)?;
    Ok(Table { frame, columns, files: vec![] })
}

/// The table of one component.
fn table(problem: &Problem<'_>, component: &str, mut rows: DataFrame, decimals: u32) -> PolarsResult<Table> {
    for (name, value) in [("plan_id", problem.plan.id.as_str()), ("component", component)] {
        let value = Scalar::from(PlSmallStr::from(value));
        rows.with_column(Column::new_scalar(name.into(), value, rows.height()))?;
    }
    rows.rename("amount", "credited".into())?;
    let columns = columns(problem, decimals);
    let frame = rows.select(columns.iter().map(|column| column.name.as_str()))?;
    Ok(Table { frame, columns, files: vec![] })
}
