//! Transactions in another currency, converted exactly with the rates of the project (semantics E30).

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_core::plan::comp::{Conversion, CreditRule};

use crate::credit::{Crediting, PeriodByDay, internal};

/// The base rows with amounts in the plan's currency, without the column `_currency`, and the decimals of the amounts.
pub(crate) fn convert(
    crediting: &Crediting<'_>,
    rule: &CreditRule,
    base: DataFrame,
    decimals: u32,
) -> Result<(DataFrame, u32), Diagnostic> {
    let read = |error: PolarsError| internal(&error);
    let own = crediting.plan.currency.code();
    let mut frame = base.drop("_currency").map_err(read)?;
    let currencies = base.column("_currency").and_then(|column| column.str()).map_err(read)?;
    if currencies.iter().flatten().all(|currency| currency == own) {
        return Ok((frame, decimals));
    }
    let rates = crediting.tables.get("rates").ok_or_else(|| crediting.missing("rates", rule))?;
    let kind = match crediting.plan.conversion {
        Conversion::Plan => "plan",
        Conversion::Spot => "spot",
        Conversion::PeriodAverage => "average",
    };
    let by_day = PeriodByDay::of(crediting.calendar);
    let rate_decimals = rates.decimals("rate");
    let text = |name: &str| {
        let column = rates.texts(name);
        move |row: usize| column.and_then(|column| column.get(row)).map(str::to_owned)
    };
    let (from, to, period, of) = (text("from_currency"), text("to_currency"), text("period"), text("type"));
    let (values, dates) = (rates.numbers("rate"), rates.days("date"));
    // Spot rates by day, the others by period; a rate without period and date is for all of them.
    let mut table: BTreeMap<(String, Option<i32>), i64> = BTreeMap::new();
    for row in 0..rates.frame.height() {
        let (Some(from), Some(to), Some(rate)) =
            (from(row), to(row), values.and_then(|values| values.get(row)))
        else {
            continue;
        };
        if to != own || of(row).unwrap_or_else(|| "plan".to_owned()) != kind {
            continue;
        }
        let date = dates.and_then(|dates| dates.get(row));
        let named = period(row).and_then(|name| crediting.calendar.resolve(&name).ok());
        let keys: Vec<Option<i32>> = match (crediting.plan.conversion, date, named) {
            (Conversion::Spot, Some(day), _) => vec![Some(day)],
            (_, _, Some(range)) => range.map(|index| i32::try_from(index).ok()).collect(),
            (_, Some(day), None) => vec![by_day.get(day).and_then(|index| i32::try_from(index).ok())],
            (_, None, None) => vec![None],
        };
        for key in keys {
            table.insert((from.clone(), key), rate);
        }
    }
    let days = base.column("event_date").and_then(|column| column.date().cloned()).map_err(read)?;
    let amounts = base.column("amount").and_then(|column| column.i64().cloned()).map_err(read)?;
    let one = 10i64.pow(rate_decimals);
    let mut converted: Vec<i64> = Vec::with_capacity(base.height());
    for ((currency, day), amount) in currencies.iter().zip(days.physical().iter()).zip(amounts.iter()) {
        let (day, amount) = (day.unwrap_or(0), amount.unwrap_or(0));
        let rate = match currency.filter(|currency| *currency != own) {
            None => one,
            Some(currency) => {
                let key = match crediting.plan.conversion {
                    Conversion::Spot => Some(day),
                    _ => by_day.get(day).and_then(|index| i32::try_from(index).ok()),
                };
                let found = table
                    .get(&(currency.to_owned(), key))
                    .or_else(|| table.get(&(currency.to_owned(), None)));
                *found.ok_or_else(|| {
                    let day = spm_core::ground::period::from_epoch_day(day)
                        .map_or_else(String::new, |day| day.to_string());
                    let message =
                        format!("there is no rate of type `{kind}` from {currency} to {own} for {day}");
                    let fault = Diagnostic::error(Code::SPM407, message);
                    fault
                        .at(Place::Text(rule.place.clone()), "")
                        .hint("add it to the table rates; a rate without date and period is for all of them")
                })?
            }
        };
        let value = amount.checked_mul(rate).ok_or_else(|| {
            let message = "a converted amount does not fit exact 64-bit numbers";
            Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), "")
        })?;
        converted.push(value);
    }
    frame.with_column(Int64Chunked::from_vec("amount".into(), converted).into_column()).map_err(read)?;
    Ok((frame, decimals + rate_decimals))
}
