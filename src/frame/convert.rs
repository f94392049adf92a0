//! Amounts in another currency: transactions, converted exactly with the rates of the project (semantics E30), and the
//! rates at which payees are paid in their own (E31).

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::engine::comp::{Exchange, Problem};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::money::Currency;
use spm_core::ground::period::{Calendar, epoch_day, from_epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::{Conversion, CreditRule, Window};

use crate::credit::{Crediting, internal};
use crate::load::Tables;
use crate::person::PeriodByDay;
use crate::table::Table;

/// The word of the table rates for a kind of rate.
fn kind(conversion: Conversion) -> &'static str {
    match conversion {
        Conversion::Plan => "plan",
        Conversion::Spot => "spot",
        Conversion::PeriodAverage => "average",
    }
}

/// Rates of one kind, in units of the column's decimals, by the currency they lead to, the one they start from, and key:
/// the day of a spot rate, the period of another one, nothing for a rate that always applies.
struct Rates(BTreeMap<String, BTreeMap<String, BTreeMap<Option<i32>, i64>>>);

impl Rates {
    fn of(rates: &Table, conversion: Conversion, calendar: &Calendar) -> Self {
        let kind = kind(conversion);
        let by_day = PeriodByDay::of(calendar);
        let text = |name: &str| {
            let column = rates.texts(name);
            move |row: usize| column.and_then(|column| column.get(row)).map(str::to_owned)
        };
        let (from, to, period, of) =
            (text("from_currency"), text("to_currency"), text("period"), text("type"));
        let (values, dates) = (rates.numbers("rate"), rates.days("date"));
        let mut all = Self(BTreeMap::new());
        for row in 0..rates.frame.height() {
            let (Some(from), Some(to), Some(rate)) =
                (from(row), to(row), values.and_then(|values| values.get(row)))
            else {
                continue;
            };
            if of(row).unwrap_or_else(|| "plan".to_owned()) != kind {
                continue;
            }
            let date = dates.and_then(|dates| dates.get(row));
            let named = period(row).and_then(|name| calendar.resolve(&name).ok());
            let keys: Vec<Option<i32>> = match (conversion, date, named) {
                (Conversion::Spot, Some(day), _) => vec![Some(day)],
                (_, _, Some(range)) => range.map(|index| i32::try_from(index).ok()).collect(),
                (_, Some(day), None) => vec![by_day.get(day).and_then(|index| i32::try_from(index).ok())],
                (_, None, None) => vec![None],
            };
            let own = all.0.entry(to).or_default().entry(from).or_default();
            own.extend(keys.into_iter().map(|key| (key, rate)));
        }
        all
    }

    fn get(&self, from: &str, to: &str, key: Option<i32>) -> Option<i64> {
        let own = self.0.get(to)?.get(from)?;
        own.get(&key).or_else(|| own.get(&None)).copied()
    }
}

/// What a unit of the plan's currency is worth to payees, by index of the payee and of the period; those who are paid in the
/// plan's currency are absent.
pub fn exchanges(
    problem: &Problem<'_>,
    tables: &Tables,
    wanted: impl IntoIterator<Item = (usize, usize)>,
    sink: &mut Sink,
) -> Option<BTreeMap<(usize, usize), Exchange>> {
    let plan = problem.plan;
    let place = Place::Text(plan.pay_currency.clone()?);
    let table = tables.get("rates");
    let rates = table.map(|table| Rates::of(table, plan.conversion, problem.calendar));
    let decimals = table.map_or(0, |table| table.decimals("rate"));
    let mut all = BTreeMap::new();
    // A wrong code is told once for each payee, a missing rate once for each currency and period.
    let mut told = BTreeSet::new();
    for (payee, period) in wanted {
        let (id, day) = (&problem.payees[payee].id, problem.last_day(payee, period));
        let text = problem.payees[payee].text("currency", day);
        let Some(code) = text.filter(|code| *code != plan.currency.code()) else {
            continue;
        };
        let Some(currency) = Currency::from_code(code) else {
            if told.insert((code, None)) {
                let message =
                    format!("the currency of {id}, `{code}`, is not a code of three capital letters");
                let fault = Diagnostic::error(Code::SPM008, message).at(place.clone(), "");
                sink.push(fault.hint("correct reps.currency: EUR, USD, JPY..."));
            }
            continue;
        };
        let own = &problem.calendar.periods()[period];
        let key = match plan.conversion {
            Conversion::Spot => Some(epoch_day(own.range.to) - 1),
            _ => i32::try_from(period).ok(),
        };
        let rate = rates.as_ref().and_then(|rates| rates.get(plan.currency.code(), code, key));
        match rate.filter(|rate| *rate > 0) {
            Some(rate) => {
                let rate = Rational::from_scaled(rate.into(), decimals);
                all.insert((payee, period), Exchange { currency, rate });
            }
            None if told.insert((code, Some(period))) => {
                let day = match plan.conversion {
                    Conversion::Spot => format!("the last day of {}", own.name),
                    _ => own.name.clone(),
                };
                let message = format!(
                    "there is no rate of type `{}` from {} to {code} for {day}, in which {id} is paid",
                    kind(plan.conversion),
                    plan.currency
                );
                let fault = Diagnostic::error(Code::SPM407, message).at(place.clone(), "");
                sink.push(
                    fault
                        .hint("add it to the table rates; a rate without date and period is for all of them"),
                );
            }
            None => {}
        }
    }
    told.is_empty().then_some(all)
}

/// Transactions without a rate: by identifier and line, what is missing. Only those that are credited to somebody in the
/// plan are faults.
pub(crate) type Unrated = BTreeMap<(String, Option<String>), String>;

/// The faults of credits whose transactions have no rate, each rate once.
pub(crate) fn faults(rule: &CreditRule, missing: BTreeSet<&String>, sink: &mut Sink) {
    for message in missing {
        let fault = Diagnostic::error(Code::SPM407, message.as_str()).at(Place::Text(rule.place.clone()), "");
        sink.push(fault.hint("add it to the table rates; a rate without date and period is for all of them"));
    }
}

/// The base rows with amounts in the plan's currency, without the column `_currency`, and the decimals of the amounts; an
/// amount without a rate is zero.
pub(crate) fn convert(
    crediting: &Crediting<'_>,
    rule: &CreditRule,
    base: DataFrame,
    decimals: u32,
) -> Result<(DataFrame, u32, Unrated), Diagnostic> {
    let read = |error: PolarsError| internal(&error);
    let own = crediting.plan.currency.code();
    let mut frame = base.drop("_currency").map_err(read)?;
    let currencies = base.column("_currency").and_then(|column| column.str()).map_err(read)?;
    if currencies.iter().flatten().all(|currency| currency == own) {
        return Ok((frame, decimals, Unrated::new()));
    }
    let rates = crediting.tables.get("rates").ok_or_else(|| crediting.missing("rates", rule))?;
    let texts = |name: &str| base.column(name).and_then(|column| column.str()).map_err(read);
    let (ids, lines) = (texts("transaction_id")?, texts("line_id")?);
    let mut unrated = Unrated::new();
    let kind = kind(crediting.plan.conversion);
    let by_day = PeriodByDay::of(crediting.calendar);
    let rate_decimals = rates.decimals("rate");
    let table = Rates::of(rates, crediting.plan.conversion, crediting.calendar);
    let days = base.column("event_date").and_then(|column| column.date().cloned()).map_err(read)?;
    let amounts = base.column("amount").and_then(|column| column.i64().cloned()).map_err(read)?;
    let one = 10i64.pow(rate_decimals);
    let mut converted: Vec<i64> = Vec::with_capacity(base.height());
    let all = currencies.iter().zip(days.physical().iter()).zip(amounts.iter());
    let sold = sold_days(crediting, &base).map_err(read)?;
    for (row, ((currency, day), amount)) in all.enumerate() {
        let (day, amount) = (sold.get(&row).copied().or(day).unwrap_or(0), amount.unwrap_or(0));
        let rate = match currency.filter(|currency| *currency != own) {
            None => one,
            Some(currency) => {
                let key = match crediting.plan.conversion {
                    Conversion::Spot => Some(day),
                    _ => by_day.get(day).and_then(|index| i32::try_from(index).ok()),
                };
                table.get(currency, own, key).unwrap_or_else(|| {
                    let on = match (crediting.plan.conversion, key) {
                        (Conversion::Spot, _) => {
                            from_epoch_day(day).map_or_else(String::new, |day| day.to_string())
                        }
                        (_, Some(period)) => usize::try_from(period)
                            .ok()
                            .and_then(|period| crediting.calendar.periods().get(period))
                            .map_or_else(String::new, |period| period.name.clone()),
                        (_, None) => "a day outside the calendar".to_owned(),
                    };
                    let message =
                        format!("there is no rate of type `{kind}` from {currency} to {own} for {on}");
                    let id = ids.get(row).unwrap_or_default().to_owned();
                    unrated.insert((id, lines.get(row).map(str::to_owned)), message);
                    0
                })
            }
        };
        let value = amount.checked_mul(rate).ok_or_else(|| {
            let message = "a converted amount does not fit exact 64-bit numbers";
            Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), "")
        })?;
        converted.push(value);
    }
    frame.with_column(Int64Chunked::from_vec("amount".into(), converted).into_column()).map_err(read)?;
    Ok((frame, decimals + rate_decimals, unrated))
}

/// Where single transactions are paid, the day of what a refund takes back, by row: at its rate a refund in full takes back all
/// that was credited. Only of the same fiscal year, as refunds of single transactions are.
fn sold_days(crediting: &Crediting<'_>, base: &DataFrame) -> PolarsResult<BTreeMap<usize, i32>> {
    let apart = crediting.plan.measures.iter().any(|measure| measure.window == Window::Transaction);
    let table = crediting.tables.get("transactions").filter(|_| apart);
    let (Some(table), Ok(refunds)) = (table, base.column("_refund_of")) else { return Ok(BTreeMap::new()) };
    let (Some(ids), Some(sold)) = (table.texts("transaction_id"), table.days("event_date")) else {
        return Ok(BTreeMap::new());
    };
    let (refunds, days) = (refunds.str()?, base.column("event_date")?.date()?.physical().clone());
    let mut first: PlHashMap<&str, i32> = refunds.iter().flatten().map(|id| (id, i32::MAX)).collect();
    for (id, day) in ids.iter().zip(sold.iter()) {
        if let (Some(id), Some(day)) = (id, day)
            && let Some(first) = first.get_mut(id)
        {
            *first = (*first).min(day);
        }
    }
    let year = |day: i32| {
        let period = crediting.calendar.find(from_epoch_day(day)?)?;
        Some(crediting.calendar.periods()[period].year.as_str())
    };
    let day = |(row, (of, day)): (usize, (Option<&str>, Option<i32>))| {
        let sold = *first.get(of?)?;
        (year(sold).is_some() && year(sold) == year(day?)).then_some((row, sold))
    };
    Ok(refunds.iter().zip(days.iter()).enumerate().filter_map(day).collect())
}
