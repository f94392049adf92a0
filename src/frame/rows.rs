//! Rows of results: tables below each other, and the credits of people with the rows they came from.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use polars::prelude::*;
use spm_core::ground::rational::Rational;

use crate::intake::origin;
use crate::load::Tables;
use crate::table::{Table, below};
use crate::write::Builder;

/// Tables of the same columns below each other; exact numbers meet at the larger number of decimals.
pub fn stacked<'a>(tables: impl Iterator<Item = &'a Table>) -> io::Result<Table> {
    let tables: Vec<&Table> = tables.filter(|table| !table.columns.is_empty()).collect();
    below(&tables, &[]).map_err(io::Error::other)
}

/// The rows in which every named text column has its value.
pub fn matching(table: &Table, conditions: &[(&str, &str)]) -> io::Result<Table> {
    let all = conditions.iter().map(|(name, value)| col(*name).eq(lit(*value))).reduce(Expr::and);
    let Some(all) = all.filter(|_| !table.columns.is_empty()) else { return Ok(table.clone()) };
    let frame = table.frame.clone().lazy().filter(all).collect().map_err(io::Error::other)?;
    Ok(Table { frame, ..table.clone() })
}

/// The table with an exact column in units of fewer decimals; `None` when that would lose something.
#[must_use]
pub fn coarser(table: &Table, name: &str, decimals: u32) -> Option<Table> {
    let mut result = table.clone();
    let column = result.columns.iter_mut().find(|column| column.name == name)?;
    let factor = 10i64.checked_pow(column.decimals.checked_sub(decimals)?)?;
    column.decimals = decimals;
    if factor > 1 {
        let units = table.numbers(name)?;
        if units.iter().flatten().any(|units| units % factor != 0) {
            return None;
        }
        let units: Int64Chunked = units.iter().map(|units| Some(units? / factor)).collect_ca(name.into());
        result.frame.with_column(units.into_column()).ok()?;
    }
    Some(result)
}

/// Some credits.
#[derive(Debug)]
pub struct CreditRows {
    /// transaction_id, line_id, account_id, event_date, credit, amount, and the file and record of the transaction.
    pub table: Table,
    /// How many there are in all.
    pub total: usize,
}

/// Whose credits of which periods are asked for.
pub type People<'a> = BTreeSet<(&'a str, &'a str)>;

/// The credits of people in some periods under the named rules, each with its row in the extract and, where it was
/// converted to the plan's `currency`, what it was converted from. Whose each is says a column, where they are several.
pub fn credits_of(
    credits: &Table,
    tables: &Tables,
    people: &People<'_>,
    rules: &[&str],
    currency: &str,
    limit: usize,
) -> io::Result<CreditRows> {
    let column =
        |name: &str| credits.texts(name).ok_or_else(|| io::Error::other(format!("no column {name}")));
    let (payees, periods, names) = (column("payee_id")?, column("period")?, column("credit")?);
    let ids: BTreeSet<&str> = people.iter().map(|(id, _)| *id).collect();
    let wanted = payees.iter().zip(periods.iter()).zip(names.iter()).map(|((payee, period), rule)| {
        let (Some(payee), Some(period), Some(rule)) = (payee, period, rule) else { return false };
        ids.contains(payee) && rules.contains(&rule) && people.contains(&(payee, period))
    });
    let found = credits.frame.filter(&wanted.collect_ca("wanted".into())).map_err(io::Error::other)?;
    let shown = found.head(Some(limit));
    let text = |name: &str| -> io::Result<StringChunked> {
        shown
            .column(name)
            .and_then(|column| column.cast(&DataType::String))
            .and_then(|column| column.str().cloned())
            .map_err(io::Error::other)
    };
    let owned =
        |values: &StringChunked| values.iter().map(|value| value.map(str::to_owned)).collect::<Vec<_>>();
    let (ids, line_ids) = (text("transaction_id")?, text("line_id")?);
    let transactions = tables.get("transactions");
    let at = |(id, line): (Option<&str>, Option<&str>)| index_of(transactions?, id?, line);
    let indices: Vec<Option<usize>> = ids.iter().zip(line_ids.iter()).map(at).collect();
    let place = |index: &Option<usize>| {
        let (file, row) = origin(transactions?, (*index)?);
        Some((file, row.to_string()))
    };
    let places: Vec<(String, String)> =
        indices.iter().map(|index| place(index).unwrap_or_default()).collect();
    let foreign = indices.iter().map(|index| foreign(transactions?, (*index)?, currency));
    let foreign: Vec<Option<String>> = foreign.collect();
    let amounts =
        shown.column("amount").and_then(|column| column.i64().cloned()).map_err(io::Error::other)?;
    let decimals = credits.decimals("amount");
    let mut table = Builder::default();
    if people.iter().any(|(id, _)| people.iter().next().is_some_and(|(first, _)| id != first)) {
        table = table.text("payee_id", owned(&text("payee_id")?));
    }
    let mut table = table
        .text("transaction_id", owned(&ids))
        .text("line_id", owned(&line_ids))
        .text("account_id", owned(&text("account_id")?))
        .text("event_date", owned(&text("event_date")?))
        .text("credit", owned(&text("credit")?))
        .number("amount", decimals, amounts.iter());
    if foreign.iter().any(Option::is_some) {
        table = table.text("converted_from", foreign);
    }
    let table = table
        .text("file", places.iter().map(|(file, _)| Some(file.as_str())))
        .text("row", places.iter().map(|(_, row)| Some(row.as_str())))
        .table()?;
    Ok(CreditRows { table, total: found.height() })
}

/// The amount of a transaction in a currency that is not the plan's.
fn foreign(table: &Table, index: usize, currency: &str) -> Option<String> {
    let own = table.texts("currency")?.get(index).filter(|own| *own != currency)?;
    let amount = table.numbers("amount")?.get(index)?;
    Some(format!("{} {own}", Rational::from_scaled(amount.into(), table.decimals("amount"))))
}

/// The row of a transaction.
pub(crate) fn index_of(table: &Table, id: &str, line: Option<&str>) -> Option<usize> {
    let ids = table.texts("transaction_id")?;
    let lines = table.texts("line_id");
    let same = |index: usize| lines.is_none_or(|lines| lines.get(index) == line);
    ids.iter().enumerate().position(|(index, value)| value == Some(id) && same(index))
}

/// Where each line of a transaction stands in the extracts: `deals.csv: row 7`.
#[must_use]
pub fn origin_of(tables: &Tables, id: &str) -> Vec<String> {
    let Some(table) = tables.get("transactions") else { return vec![] };
    let Some(ids) = table.texts("transaction_id") else { return vec![] };
    let rows = ids.iter().enumerate().filter(|(_, value)| *value == Some(id));
    rows.map(|(index, _)| {
        let (file, row) = origin(table, index);
        format!("{file}: row {row}")
    })
    .collect()
}

/// A credit by payee, period, rule and transaction with its line.
pub type CreditKey = (String, String, String, String);

/// What some payees were credited with.
pub fn credits_by(credits: &Table, payees: &BTreeSet<&str>) -> io::Result<BTreeMap<CreditKey, Rational>> {
    let mut all: BTreeMap<CreditKey, Rational> = BTreeMap::new();
    let Some(ids) = credits.texts("payee_id").filter(|_| !payees.is_empty()) else { return Ok(all) };
    let wanted = ids.iter().map(|id| id.is_some_and(|id| payees.contains(id))).collect_ca("wanted".into());
    let rows = credits.frame.filter(&wanted).map_err(io::Error::other)?;
    let text = |name: &str| -> io::Result<StringChunked> {
        let column = rows.column(name).and_then(|column| column.cast(&DataType::String));
        column.and_then(|column| column.str().cloned()).map_err(io::Error::other)
    };
    let (ids, periods, rules) = (text("payee_id")?, text("period")?, text("credit")?);
    let (transactions, lines) = (text("transaction_id")?, text("line_id")?);
    let amounts = rows.column("amount").and_then(|column| column.i64().cloned()).map_err(io::Error::other)?;
    let decimals = credits.decimals("amount");
    for row in 0..rows.height() {
        let own = |column: &StringChunked| column.get(row).unwrap_or_default().to_owned();
        let deal = match lines.get(row) {
            Some(line) => format!("{}/{line}", own(&transactions)),
            None => own(&transactions),
        };
        let amount = Rational::from_scaled(amounts.get(row).unwrap_or(0).into(), decimals);
        *all.entry((own(&ids), own(&periods), own(&rules), deal)).or_default() += &amount;
    }
    Ok(all)
}
