//! Rows of results: tables below each other, and the credits of one person with the rows they came from.

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

/// Some credits of one person.
#[derive(Debug)]
pub struct CreditRows {
    /// transaction_id, line_id, account_id, event_date, credit, amount, and the file and record of the transaction.
    pub table: Table,
    /// How many there are in all.
    pub total: usize,
}

/// The credits of a person in a period under the named rules, each with its row in the extract.
pub fn credits_of(
    credits: &Table,
    tables: &Tables,
    payee: &str,
    period: &str,
    rules: &[&str],
    limit: usize,
) -> io::Result<CreditRows> {
    let rule =
        rules.iter().map(|rule| col("credit").eq(lit(*rule))).reduce(Expr::or).unwrap_or_else(|| lit(false));
    let wanted = col("payee_id").eq(lit(payee)).and(col("period").eq(lit(period))).and(rule);
    let found = credits.frame.clone().lazy().filter(wanted).collect().map_err(io::Error::other)?;
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
    let places: Vec<(String, String)> = ids
        .iter()
        .zip(line_ids.iter())
        .map(|(id, line)| transactions.and_then(|table| place_of(table, id?, line)).unwrap_or_default())
        .collect();
    let amounts =
        shown.column("amount").and_then(|column| column.i64().cloned()).map_err(io::Error::other)?;
    let decimals = credits.decimals("amount");
    let table = Builder::default()
        .text("transaction_id", owned(&ids))
        .text("line_id", owned(&line_ids))
        .text("account_id", owned(&text("account_id")?))
        .text("event_date", owned(&text("event_date")?))
        .text("credit", owned(&text("credit")?))
        .number("amount", decimals, amounts.iter())
        .text("file", places.iter().map(|(file, _)| Some(file.as_str())))
        .text("row", places.iter().map(|(_, row)| Some(row.as_str())))
        .table()?;
    Ok(CreditRows { table, total: found.height() })
}

/// File and record of a transaction.
fn place_of(table: &Table, id: &str, line: Option<&str>) -> Option<(String, String)> {
    let ids = table.texts("transaction_id")?;
    let lines = table.texts("line_id");
    let same = |index: usize| lines.is_none_or(|lines| lines.get(index) == line);
    let index = ids.iter().enumerate().position(|(index, value)| value == Some(id) && same(index))?;
    let (file, row) = origin(table, index);
    Some((file, row.to_string()))
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
