//! The market of a territory plan by account, and the hours of its holders.

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::coverage::{CoveragePlan, Sold};
use spm_core::plan::expression::Expression;

use crate::lower::lower;
use crate::planning::{TerritoryRows, internal, numbers};
use crate::table::Table;

/// The market, in the order of accounts and territories.
#[derive(Clone, Debug, Default)]
pub struct MarketRows {
    /// What each account could buy.
    pub potential: Vec<Rational>,
    /// What it buys.
    pub sold: Vec<Rational>,
    /// Hours that it takes in a year.
    pub hours: Vec<Rational>,
    /// Segment of each account, by its place in the names.
    pub segments: Vec<usize>,
    /// Segments, sorted; one without a name when the plan does not ask for them.
    pub segment_names: Vec<String>,
    /// Hours of each holder.
    pub available: Vec<Rational>,
}

/// What [`amounts`] may not be empty of.
const HOURS_OF_A_HOLDER: &str = "the hours of a holder";

fn amounts(
    table: &Table,
    expression: &Expression,
    what: &str,
    plan: &CoveragePlan,
) -> Result<Vec<Rational>, Diagnostic> {
    let (values, decimals) = numbers(table, expression, &plan.place)?;
    let fault = || {
        let fault = Diagnostic::error(Code::SPM110, format!("{what} is empty or below zero"));
        fault.at(Place::Text(plan.place.clone()), "").hint("make it zero or more: GREATEST(..., 0)")
    };
    let amount = |units: Option<i64>| {
        // An account without a number has none of it; a holder whose hours nobody knows is no holder without hours.
        let units = if what == HOURS_OF_A_HOLDER { units? } else { units.unwrap_or(0) };
        (units >= 0).then(|| Rational::from_scaled(units.into(), decimals))
    };
    values.into_iter().map(amount).collect::<Option<_>>().ok_or_else(fault)
}

/// Hours that one holder has, where the plan says one number for all.
///
/// # Errors
/// When it names columns, because there is nobody yet to read them of.
pub fn hours_of_anybody(plan: &CoveragePlan, rows: &TerritoryRows) -> Result<Rational, Diagnostic> {
    if !plan.available.columns().is_empty() {
        let message =
            "territories that are made anew have no holders yet, so `available` must be a number here";
        let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(plan.place.clone()), "");
        return Err(fault.hint("available = 1200"));
    }
    // A number that names no column is the same over any table.
    let all = amounts(&rows.tables.0, &plan.available, HOURS_OF_A_HOLDER, plan)?;
    Ok(all.into_iter().next().unwrap_or_default())
}

/// Hours that each account takes in a year: visits times hours.
///
/// # Errors
/// When one of them is below zero, or cannot be calculated.
pub fn workload(plan: &CoveragePlan, rows: &TerritoryRows) -> Result<Vec<Rational>, Diagnostic> {
    let visits = amounts(&rows.tables.0, &plan.visits, "how often an account is visited", plan)?;
    let hours = amounts(&rows.tables.0, &plan.hours, "the hours of a visit", plan)?;
    Ok(visits.iter().zip(&hours).map(|(visits, hours)| visits * hours).collect())
}

/// The market of a plan. With `made`, territories are those of a file, without holders.
///
/// # Errors
/// When an expression cannot be calculated, or is below zero.
pub fn market(plan: &CoveragePlan, rows: &TerritoryRows) -> Result<MarketRows, Diagnostic> {
    let accounts = &rows.tables.0;
    let names = match &plan.segment {
        None => vec![String::new(); rows.accounts.len()],
        Some(segment) => {
            let lowered = lower(segment, accounts, &plan.place)?.expression.cast(DataType::String);
            let frame = accounts.frame.clone().lazy().select([lowered.alias("_segment")]).collect();
            let names = frame
                .and_then(|frame| frame.column("_segment").and_then(|column| column.str().cloned()))
                .map_err(|error| internal(&error, &plan.place))?;
            names.iter().map(|name| name.unwrap_or("(none)").to_owned()).collect()
        }
    };
    let mut numbers: BTreeMap<&str, usize> = names.iter().map(|name| (name.as_str(), 0)).collect();
    numbers.values_mut().enumerate().for_each(|(place, number)| *number = place);
    let held = rows.tables.1.frame.height() == rows.territories.len();
    Ok(MarketRows {
        potential: amounts(accounts, &plan.potential, "the potential of an account", plan)?,
        sold: match &plan.sold {
            Sold::Account(sold) => amounts(accounts, sold, "what an account buys", plan)?,
            Sold::Measure(place) => {
                let own = &rows.loads[*place];
                own.loads.iter().map(|units| Rational::from_scaled((*units).into(), own.decimals)).collect()
            }
            Sold::Nothing => vec![Rational::zero(); rows.accounts.len()],
        },
        hours: workload(plan, rows)?,
        segments: names.iter().map(|name| numbers[name.as_str()]).collect(),
        segment_names: numbers.keys().map(|name| (*name).to_owned()).collect(),
        available: if held {
            amounts(&rows.tables.1, &plan.available, HOURS_OF_A_HOLDER, plan)?
        } else {
            vec![hours_of_anybody(plan, rows)?; rows.territories.len()]
        },
    })
}
