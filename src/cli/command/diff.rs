//! `spm comp diff`: two projects side by side, line by line, with the cause of each difference.

use std::collections::BTreeMap;
use std::path::Path;

use spm_core::engine::comp::Earning;
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::comp::{Depth, calculate, load};
use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::commission::lines;

/// A line of earnings, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    amount: Rational,
    decimals: u32,
    currency: String,
    measured: Rational,
    goal: Option<Rational>,
}

impl Line {
    fn of(earning: &Earning) -> Self {
        Self {
            amount: earning.amount.exact(),
            decimals: earning.amount.currency.decimals(),
            currency: earning.amount.currency.code().to_owned(),
            measured: earning.measured.clone(),
            goal: earning.goal.clone(),
        }
    }
}

/// Payee, period, component.
type Key = (String, usize, String);

/// Prints what changes from this project to another one, or says that nothing does.
pub fn run(
    opened: &Opened,
    other: &Path,
    period: &str,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let before = earned(opened, period, global, ui)?;
    let there = Global { project: Some(other.to_owned()), ..global.clone() };
    let after = earned(&project::open(&there)?, period, &there, ui)?;
    let table = table(&before, &after)?;
    let changes = table.frame.height();
    command::finish(&table, "spm.diff/1", global, ui)?;
    ui.status(&format!("{changes} line(s) differ"));
    Ok(if changes == 0 { exit::DONE } else { exit::NO })
}

fn earned(
    opened: &Opened,
    period: &str,
    global: &Global,
    ui: &Ui,
) -> Result<BTreeMap<Key, (String, Line)>, Failure> {
    let periods = opened.periods(period)?;
    let tables = load(opened, &periods, global, ui)?;
    let paid = calculate(opened, &tables, &periods, Depth { deals: false, detail: false }, ui)?;
    let names = opened.project.calendar.periods();
    let mut all: BTreeMap<Key, (String, Line)> = BTreeMap::new();
    for (part, line) in lines(&paid) {
        let payee = part.credited.payees[line.payee].id.to_string();
        let component = line.of.name(part.plan).to_owned();
        let entry = all.entry((payee, line.period, component));
        let (_, sum) = entry.or_insert_with(|| (names[line.period].name.clone(), Line::default()));
        // The same component of two versions of a plan is one line here.
        let own = Line::of(line);
        *sum = Line {
            amount: &sum.amount + &own.amount,
            measured: &sum.measured + &own.measured,
            goal: match (&sum.goal, own.goal) {
                (Some(a), Some(b)) => Some(a + &b),
                (a, b) => a.clone().or(b),
            },
            ..own
        };
    }
    Ok(all)
}

/// Why a line differs: what went in, or else the rules.
fn cause(before: Option<&Line>, after: Option<&Line>) -> String {
    let (Some(before), Some(after)) = (before, after) else {
        return if before.is_none() { "only in the other project" } else { "not in the other project" }
            .to_owned();
    };
    let mut causes = Vec::new();
    if before.measured != after.measured {
        causes.push(format!(
            "measured {} instead of {}",
            after.measured.to_decimal_text(),
            before.measured.to_decimal_text()
        ));
    }
    if before.goal != after.goal {
        let text = |goal: &Option<Rational>| {
            goal.as_ref().map_or_else(|| "none".to_owned(), Rational::to_decimal_text)
        };
        causes.push(format!("goal {} instead of {}", text(&after.goal), text(&before.goal)));
    }
    if causes.is_empty() { "rates, rules or other measures".to_owned() } else { causes.join("; ") }
}

fn table(
    before: &BTreeMap<Key, (String, Line)>,
    after: &BTreeMap<Key, (String, Line)>,
) -> Result<Table, Failure> {
    let mut keys: Vec<&Key> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut rows = Vec::new();
    let mut decimals = 0;
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        let amount =
            |line: Option<&(String, Line)>| line.map_or_else(Rational::zero, |(_, line)| line.amount.clone());
        if amount(old) == amount(new) {
            continue;
        }
        let some = old.or(new).map(|(name, line)| (name.clone(), line.clone())).unwrap_or_default();
        decimals = decimals.max(some.1.decimals);
        let why = cause(old.map(|(_, line)| line), new.map(|(_, line)| line));
        rows.push((key, some, amount(old), amount(new), why));
    }
    let units = |value: Rational| {
        round_to_decimals(&value, decimals, Rounding::default()).and_then(|units| i64::try_from(units).ok())
    };
    Ok(Builder::default()
        .text("payee_id", rows.iter().map(|row| Some(row.0.0.as_str())))
        .text("period", rows.iter().map(|row| Some(row.1.0.as_str())))
        .text("component", rows.iter().map(|row| Some(row.0.2.as_str())))
        .text("currency", rows.iter().map(|row| Some(row.1.1.currency.as_str())))
        .number("before", decimals, rows.iter().map(|row| units(row.2.clone())))
        .number("after", decimals, rows.iter().map(|row| units(row.3.clone())))
        .number("difference", decimals, rows.iter().map(|row| units(&row.3 - &row.2)))
        .text("cause", rows.iter().map(|row| Some(row.4.as_str())))
        .table()?)
}
