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
use spm_core::ground::trace::{Node, Operation, Unit};
use spm_core::plan::comp::{CompPlan, Conversion, CreditRule, Window};

use crate::credit::{Crediting, internal};
use crate::intake::{origin, place};
use crate::load::Tables;
use crate::person::PeriodByDay;
use crate::refunds::{column, in_one_year, sales};
use crate::splits::half_away;
use crate::table::Table;

/// The word of the table rates for a kind of rate.
fn kind(conversion: Conversion) -> &'static str {
    match conversion {
        Conversion::Plan => "plan",
        Conversion::Spot => "spot",
        Conversion::PeriodAverage => "average",
    }
}

/// When a rate applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// On a day, in days since 1970-01-01.
    Day(i32),
    /// In a leaf period, by index.
    Period(usize),
    /// Where nothing more exact applies.
    Always,
}

/// A rate, in units of the column's decimals; how many periods its row is for (0: a day), and the row.
#[derive(Clone, Copy)]
struct Rate {
    units: i64,
    width: usize,
    row: usize,
}

/// Rates of one kind, by the currency they lead to, the one they start from, and when they apply.
struct Rates(BTreeMap<String, BTreeMap<String, BTreeMap<When, Rate>>>);

impl Rates {
    /// Of several rates for one time the one whose row is for the shortest applies: a month before its quarter. A row whose
    /// period or day is none of the calendar applies never. An error where two rows say different things alike.
    fn of(rates: &Table, conversion: Conversion, calendar: &Calendar) -> Result<Self, Diagnostic> {
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
            let (Some(from), Some(to), Some(units)) =
                (from(row), to(row), values.and_then(|values| values.get(row)))
            else {
                continue;
            };
            if of(row).unwrap_or_else(|| "plan".to_owned()) != kind {
                continue;
            }
            let date = dates.and_then(|dates| dates.get(row));
            let (whens, width): (Vec<When>, usize) = match (conversion, date, period(row)) {
                (Conversion::Spot, Some(day), _) => (vec![When::Day(day)], 0),
                (_, _, Some(name)) => {
                    let periods = calendar.resolve(&name).unwrap_or_default();
                    (periods.clone().map(When::Period).collect(), periods.len())
                }
                (_, Some(day), None) => {
                    let period = by_day.get(day).and_then(|index| usize::try_from(index).ok());
                    (period.into_iter().map(When::Period).collect(), 1)
                }
                (_, None, None) => (vec![When::Always], usize::MAX),
            };
            let own = all.0.entry(to.clone()).or_default().entry(from.clone()).or_default();
            for when in whens {
                let rate = Rate { units, width, row };
                match own.get(&when) {
                    Some(other) if other.width < width => {}
                    Some(other) if other.width == width && other.units != units => {
                        let message =
                            format!("two rates of type `{kind}` from {from} to {to} are for the same time");
                        let fault = Diagnostic::error(Code::SPM108, message)
                            .at(place(rates, other.row, Some("rate")), "this one")
                            .at(place(rates, row, Some("rate")), "and this one");
                        return Err(fault.hint(match conversion {
                            Conversion::Spot => "keep one of them",
                            _ => "keep one of them; rates of single days are of type spot",
                        }));
                    }
                    _ => {
                        own.insert(when, rate);
                    }
                }
            }
        }
        Ok(all)
    }

    fn find(&self, from: &str, to: &str, when: Option<When>) -> Option<&Rate> {
        let own = self.0.get(to)?.get(from)?;
        when.and_then(|when| own.get(&when)).or_else(|| own.get(&When::Always))
    }

    fn get(&self, from: &str, to: &str, when: Option<When>) -> Option<i64> {
        self.find(from, to, when).map(|rate| rate.units)
    }
}

/// Warns of rates whose period is none of the calendar: they apply never, and so would a misspelt one.
pub fn check_periods(tables: &Tables, calendar: &Calendar, sink: &mut Sink) {
    let Some(table) = tables.get("rates") else { return };
    let Some(periods) = table.texts("period") else { return };
    let odd = |(row, name): (usize, Option<&str>)| calendar.resolve(name?).is_err().then_some(row);
    let odd: Vec<usize> = periods.iter().enumerate().filter_map(odd).collect();
    let Some(row) = odd.first() else { return };
    let message = format!(
        "{} rate(s) are for a period that the calendar does not have, such as `{}`: they apply never",
        odd.len(),
        periods.get(*row).unwrap_or_default()
    );
    let fault = Diagnostic::warning(Code::SPM012, message).at(place(table, *row, Some("period")), "");
    sink.push(fault.hint("`spm calendar` prints the names of all periods"));
}

/// How the lines of a transaction in other currencies were converted into the plan's: its amount and the rate, each with
/// its row. Empty where nothing was converted.
#[must_use]
pub fn explained(plan: &CompPlan, tables: &Tables, calendar: &Calendar, transaction: &str) -> Vec<Node> {
    let own = plan.currency.code();
    let (Some(table), Some(rates)) = (tables.get("transactions"), tables.get("rates")) else { return vec![] };
    let (Some(ids), Some(currencies)) = (table.texts("transaction_id"), table.texts("currency")) else {
        return vec![];
    };
    let Ok(all) = Rates::of(rates, plan.conversion, calendar) else { return vec![] };
    let (days, amounts) = (table.days("event_date"), table.numbers("amount"));
    let sold = match (table.texts("refund_of"), days) {
        (Some(refunds), Some(days)) => sold_days(plan, calendar, table, refunds, days),
        _ => BTreeMap::new(),
    };
    let by_day = PeriodByDay::of(calendar);
    let node = |row: usize| {
        let currency = currencies.get(row).filter(|currency| *currency != own)?;
        let day = sold.get(&row).copied().or(days?.get(row))?;
        let rate = all.find(currency, own, when(plan.conversion, &by_day, day))?;
        let amount = Rational::from_scaled(amounts?.get(row)?.into(), table.decimals("amount"));
        let at = |table, row| {
            let (file, row) = origin(table, row);
            format!("{file}: row {row}")
        };
        let label = format!("amount ({})", at(table, row));
        let amount = Node::input(label, Unit::Money(currency.to_owned()), amount);
        let label = format!(
            "rate of type `{}` from {currency} to {own} ({})",
            kind(plan.conversion),
            at(rates, rate.row)
        );
        let rate = Node::input(
            label,
            Unit::Number,
            Rational::from_scaled(rate.units.into(), rates.decimals("rate")),
        );
        let label = format!("transaction {transaction} in the currency of the plan");
        Some(Node::computed(label, Unit::Money(own.to_owned()), Operation::Product, vec![amount, rate]))
    };
    let rows = ids.iter().enumerate().filter(|(_, id)| *id == Some(transaction));
    rows.filter_map(|(row, _)| node(row)).collect()
}

/// Which rate a day has; `None` for a day outside the calendar.
fn when(conversion: Conversion, by_day: &PeriodByDay, day: i32) -> Option<When> {
    match conversion {
        Conversion::Spot => Some(When::Day(day)),
        _ => by_day.get(day).and_then(|index| usize::try_from(index).ok()).map(When::Period),
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
    let rates = table.map(|table| Rates::of(table, plan.conversion, problem.calendar)).transpose();
    let rates = rates.map_err(|fault| sink.push(fault)).ok()?;
    let decimals = table.map_or(0, |table| table.decimals("rate"));
    let mut all = BTreeMap::new();
    // A missing rate is told once for each currency and period.
    let mut told = BTreeSet::new();
    for (payee, period) in wanted {
        let (id, day) = (&problem.payees[payee].id, problem.last_day(payee, period));
        let text = problem.payees[payee].text("currency", day);
        let code = text.filter(|code| *code != plan.currency.code());
        // A cell that is no code is no row of reps.
        let Some((code, currency)) = code.and_then(|code| Some((code, Currency::from_code(code)?))) else {
            continue;
        };
        let own = &problem.calendar.periods()[period];
        let when = match plan.conversion {
            Conversion::Spot => When::Day(epoch_day(own.range.to) - 1),
            _ => When::Period(period),
        };
        let rate = rates.as_ref().and_then(|rates| rates.get(plan.currency.code(), code, Some(when)));
        match rate.filter(|rate| *rate > 0) {
            Some(rate) => {
                let rate = Rational::from_scaled(rate.into(), decimals);
                all.insert((payee, period), Exchange { currency, rate });
            }
            None if told.insert((code, period)) => {
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

/// Decimals of converted amounts: those of cents times rates of six decimals, which most are. With more, rates of ten decimals
/// and millions would not fit 64 bits.
const CONVERTED: u32 = 8;

/// The base rows with amounts in the plan's currency, without the column `_currency`, and the decimals of the amounts, to
/// which they are rounded, halves away from zero; an amount without a rate is zero.
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
    let table = Rates::of(rates, crediting.plan.conversion, crediting.calendar)?;
    // Where single transactions are paid, a refund has the rate of what it takes back: in full it takes back all that was credited.
    let day = match pays_single(crediting.plan) && base.column(column::PLANNED).is_ok() {
        true => column::PLANNED,
        false => "event_date",
    };
    let days = base.column(day).and_then(|column| column.date().cloned()).map_err(read)?;
    let amounts = base.column("amount").and_then(|column| column.i64().cloned()).map_err(read)?;
    let one = 10i64.pow(rate_decimals);
    // Always the same, so that what one row needs changes no other.
    let kept = (decimals + rate_decimals).min(CONVERTED.max(decimals));
    let coarser = 10i128.pow(decimals + rate_decimals - kept);
    let mut converted: Vec<i64> = Vec::with_capacity(base.height());
    let all = currencies.iter().zip(days.physical().iter()).zip(amounts.iter());
    for (row, ((currency, day), amount)) in all.enumerate() {
        let (day, amount) = (day.unwrap_or(0), amount.unwrap_or(0));
        let rate = match currency.filter(|currency| *currency != own) {
            None => one,
            Some(currency) => {
                let when = when(crediting.plan.conversion, &by_day, day);
                table.get(currency, own, when).unwrap_or_else(|| {
                    let on = match when {
                        Some(When::Period(period)) => {
                            let period = crediting.calendar.periods().get(period);
                            period.map_or_else(String::new, |period| period.name.clone())
                        }
                        Some(_) => from_epoch_day(day).map_or_else(String::new, |day| day.to_string()),
                        None => "a day outside the calendar".to_owned(),
                    };
                    let message =
                        format!("there is no rate of type `{kind}` from {currency} to {own} for {on}");
                    let id = ids.get(row).unwrap_or_default().to_owned();
                    unrated.insert((id, lines.get(row).map(str::to_owned)), message);
                    0
                })
            }
        };
        let value = half_away(i128::from(amount) * i128::from(rate), coarser);
        let value = i64::try_from(value).map_err(|_| {
            let id = ids.get(row).unwrap_or_default();
            let message =
                format!("the converted amount of transaction {id} does not fit exact 64-bit numbers");
            Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), "")
        })?;
        converted.push(value);
    }
    frame.with_column(Int64Chunked::from_vec("amount".into(), converted).into_column()).map_err(read)?;
    Ok((frame, kept, unrated))
}

fn pays_single(plan: &CompPlan) -> bool {
    plan.measures.iter().any(|measure| measure.window == Window::Transaction)
}

/// Where single transactions are paid, the day of what a refund takes back, by row: at its rate a refund in full takes back all
/// that was credited. Only of the same fiscal year, as refunds of single transactions are. `refunds` say what each row takes
/// back of a table, `days` when.
fn sold_days(
    plan: &CompPlan,
    calendar: &Calendar,
    table: &Table,
    refunds: &StringChunked,
    days: &Int32Chunked,
) -> BTreeMap<usize, i32> {
    if !pays_single(plan) {
        return BTreeMap::new();
    }
    let sold = sales(refunds, table, None);
    let day = |(row, (of, day)): (usize, (Option<&str>, Option<i32>))| {
        let sold = sold.get(of?)?.day;
        in_one_year(calendar, sold, day?).then_some((row, sold))
    };
    refunds.iter().zip(days.iter()).enumerate().filter_map(day).collect()
}
