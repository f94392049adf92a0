//! Pairs for planning: expressions over an account and a holder, or over a person and a seat, and groups that go whole.

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::expression::Expression;
use spm_core::plan::seating::To;
use spm_core::plan::territories::TerritoryPlan;

use crate::lower::lower;
use crate::planning::{TerritoryRows, flags, internal, texts};
use crate::table::Table;

/// Pairs that are held at most: of kinds of accounts and holders.
const PAIRS_MAX: usize = 200_000_000;
/// Pairs that are calculated at a time.
const BLOCK: usize = 1 << 20;

/// What is known of pairs: accounts of a kind are alike in it.
#[derive(Clone, Debug, Default)]
pub struct PairRows {
    /// Kind of each row of the first side.
    pub kinds: Vec<usize>,
    /// Whether a kind is allowed with a row of the second side, at `kind * rows + row`.
    pub allowed: Option<Vec<bool>>,
    /// What the pair costs, likewise, and the decimals.
    pub misfit: Option<(Vec<i64>, u32)>,
    /// Pairs of kinds whose misfit is empty, which counts as zero.
    pub empty: usize,
}

/// Two tables whose rows are paired, each with the name that its columns have in expressions.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The first, whose rows are grouped by what expressions read of them.
    pub first: (&'static str, &'a Table),
    /// The second.
    pub second: (&'static str, &'a Table),
}

/// Some rows of a table.
pub(crate) fn rows_of(table: &Table, rows: &[usize]) -> PolarsResult<Table> {
    let places: IdxCa = rows.iter().map(|row| IdxSize::try_from(*row).ok()).collect_ca("row".into());
    let columns: PolarsResult<Vec<Column>> =
        table.columns.iter().map(|column| table.frame.column(&column.name)?.take(&places)).collect();
    let frame = DataFrame::new(rows.len(), columns?)?;
    Ok(Table { frame, columns: table.columns.clone(), files: vec![] })
}

/// A number for each row, equal where the columns are; numbers are in the order of first rows.
fn kinds(table: &Table, columns: &[String]) -> PolarsResult<(Vec<usize>, Vec<usize>)> {
    let cells: PolarsResult<Vec<StringChunked>> = columns
        .iter()
        .map(|name| Ok(table.frame.column(name)?.cast(&DataType::String)?.str()?.clone()))
        .collect();
    let cells = cells?;
    let mut numbers: BTreeMap<Vec<Option<&str>>, usize> = BTreeMap::new();
    let mut firsts = Vec::new();
    let mut kinds = Vec::with_capacity(table.frame.height());
    for row in 0..table.frame.height() {
        let key: Vec<Option<&str>> = cells.iter().map(|column| column.get(row)).collect();
        let next = firsts.len();
        let kind = *numbers.entry(key).or_insert(next);
        if kind == next {
            firsts.push(row);
        }
        kinds.push(kind);
    }
    Ok((kinds, firsts))
}

impl Sides<'_> {
    /// Calculates which pairs are allowed, and what they cost more.
    ///
    /// # Errors
    /// When an expression cannot be calculated, or tells too many kinds apart.
    pub fn pairs(
        &self,
        allowed: Option<&Expression>,
        misfit: Option<&Expression>,
        place: &TextPlace,
    ) -> Result<PairRows, Diagnostic> {
        let prefix = format!("{}.", self.first.0);
        let mut columns: Vec<String> = Vec::new();
        for name in allowed.iter().chain(&misfit).flat_map(|expression| expression.columns()) {
            if let Some(name) = name.strip_prefix(&prefix)
                && !columns.iter().any(|own| own == name)
            {
                columns.push(name.to_owned());
            }
        }
        let (kinds, firsts) = kinds(self.first.1, &columns).map_err(|error| internal(&error, place))?;
        let others = self.second.1.frame.height();
        if firsts.len().saturating_mul(others) > PAIRS_MAX {
            let message = format!(
                "the expressions over pairs tell {} kinds of {} apart, each with {others} of {}: too many pairs",
                firsts.len(),
                self.first.0,
                self.second.0
            );
            let fault = Diagnostic::error(Code::SPM110, message).at(Place::Text(place.clone()), "");
            return Err(
                fault.hint("use columns with fewer different values, such as a segment or a size class")
            );
        }
        let mut found = PairRows {
            kinds,
            allowed: allowed.map(|_| Vec::with_capacity(firsts.len() * others)),
            misfit: misfit.map(|_| (Vec::with_capacity(firsts.len() * others), 0)),
            empty: 0,
        };
        for block in firsts.chunks((BLOCK / others.max(1)).max(1)) {
            let table = self.crossed(block).map_err(|error| internal(&error, place))?;
            if let (Some(expression), Some(all)) = (allowed, &mut found.allowed) {
                all.extend(flags(&table, expression, place)?);
            }
            if let (Some(expression), Some((all, decimals))) = (misfit, &mut found.misfit) {
                let (values, own) = crate::planning::numbers(&table, expression, place)?;
                *decimals = own;
                for value in values {
                    found.empty += usize::from(value.is_none());
                    let value = value.unwrap_or(0);
                    if value < 0 {
                        let fault = Diagnostic::error(Code::SPM110, "a misfit is below zero");
                        return Err(fault
                            .at(Place::Text(place.clone()), "")
                            .hint("make it zero or more: GREATEST(..., 0)"));
                    }
                    all.push(value);
                }
            }
        }
        Ok(found)
    }

    /// The rows of the first side, each with all of the second.
    fn crossed(&self, firsts: &[usize]) -> PolarsResult<Table> {
        let others = self.second.1.frame.height();
        let left: Vec<usize> = firsts.iter().flat_map(|row| std::iter::repeat_n(*row, others)).collect();
        let right: Vec<usize> = firsts.iter().flat_map(|_| 0..others).collect();
        let mut all = Table::default();
        let mut data = Vec::new();
        for ((side, table), rows) in [(self.first, &left), (self.second, &right)] {
            let some = rows_of(table, rows)?;
            for column in some.columns {
                let name = format!("{side}.{}", column.name);
                data.push(some.frame.column(&column.name)?.clone().with_name(name.as_str().into()));
                all.columns.push(crate::table::Column { name, ..column });
            }
        }
        all.frame = DataFrame::new(left.len(), data)?;
        Ok(all)
    }
}

/// Which account may go to which holder, and what it costs more.
pub(crate) fn fit(plan: &TerritoryPlan, rows: &TerritoryRows) -> Result<Option<PairRows>, Diagnostic> {
    if plan.allowed.is_none() && plan.misfit.is_none() {
        return Ok(None);
    }
    let side = if plan.holders == "reps" { "rep" } else { "territory" };
    let sides = Sides { first: ("account", &rows.tables.0), second: (side, &rows.tables.1) };
    sides.pairs(plan.allowed.as_ref(), plan.misfit.as_ref(), &plan.place).map(Some)
}

/// The number of the group of each account; an account without a group is one of its own.
pub(crate) fn groups(
    accounts: &Table,
    group: &Expression,
    place: &TextPlace,
) -> Result<Vec<usize>, Diagnostic> {
    let lowered = lower(group, accounts, place)?.expression.cast(DataType::String).alias("_group");
    let names = accounts
        .frame
        .clone()
        .lazy()
        .select([lowered])
        .collect()
        .and_then(|frame| frame.column("_group").and_then(|column| column.str().cloned()))
        .map_err(|error| internal(&error, place))?;
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    Ok(names
        .iter()
        .enumerate()
        .map(|(row, name)| name.map_or(row, |name| *numbers.entry(name).or_insert(row)))
        .collect())
}

/// What the rules of a plan say of its accounts.
#[derive(Clone, Debug, Default)]
pub struct Ruled {
    /// The rule that holds for each account, by its place in the plan.
    pub rule: Vec<Option<usize>>,
    /// The holders of each rule, by their place.
    pub holders: Vec<Vec<usize>>,
}

/// Asks the rules of a plan about all accounts.
///
/// # Errors
/// When a rule cannot be calculated, or names nobody who takes part.
pub fn ruled(plan: &TerritoryPlan, rows: &TerritoryRows) -> Result<Ruled, Diagnostic> {
    let mut found = Ruled { rule: vec![None; rows.accounts.len()], holders: Vec::new() };
    for (number, rule) in plan.rules.iter().enumerate() {
        for (account, holds) in flags(&rows.tables.0, &rule.condition, &rule.place)?.into_iter().enumerate() {
            if holds {
                found.rule[account].get_or_insert(number);
            }
        }
        let holders: Vec<usize> = match &rule.to {
            To::Holder(id) => rows.territories.binary_search(id).into_iter().collect(),
            To::Among(condition) => {
                let among = flags(&rows.tables.1, condition, &rule.place)?;
                (0..among.len()).filter(|holder| among[*holder]).collect()
            }
        };
        if holders.is_empty() {
            let message = match &rule.to {
                To::Holder(id) => format!("rule `{}` gives accounts to `{id}`, who takes no part", rule.name),
                To::Among(_) => format!("rule `{}` names a group in which nobody takes part", rule.name),
            };
            let fault = Diagnostic::error(Code::SPM010, message).at(Place::Text(rule.place.clone()), "");
            return Err(fault
                .hint("holders take part when `eligible` says so, or else when they hold an account today"));
        }
        found.holders.push(holders);
    }
    Ok(found)
}

/// Rows for seats: people with their homes, and the number of each account's owner.
#[derive(Clone, Debug, Default)]
pub struct PeopleRows {
    /// Identifiers, sorted.
    pub people: Vec<String>,
    /// Homes.
    pub homes: Vec<Option<(f64, f64)>>,
    /// The person who owns each account today, by their place; nobody when the owner may have no seat.
    pub owners: Vec<Option<usize>>,
    /// Whether anybody owns it.
    pub owned: Vec<bool>,
    /// What each account costs that comes to another person, and the decimals.
    pub relationship: Option<(Vec<i64>, u32)>,
    /// Which person may have which seat: kinds are those of people.
    pub fit: Option<PairRows>,
}

/// The people of the seats of a plan, for territories in this order.
///
/// # Errors
/// When an expression cannot be calculated, or a column of a territory is asked for that has no row.
pub fn people(
    plan: &TerritoryPlan,
    tables: &crate::load::Tables,
    rows: &TerritoryRows,
) -> Result<PeopleRows, Diagnostic> {
    let nothing =
        || Diagnostic::error(Code::SPM004, "the plan has no [seats]").at(Place::Text(plan.place.clone()), "");
    let seats = plan.seats.as_ref().ok_or_else(nothing)?;
    let place = &seats.place;
    let reps = crate::planning::table(tables, "reps", place)?;
    let reps = crate::planning::kept(reps, seats.people.as_ref(), place)?;
    let frame = reps
        .frame
        .sort(["rep_id"], SortMultipleOptions::default())
        .map_err(|error| internal(&error, place))?;
    let reps = Table { frame, ..reps };
    let mut found = PeopleRows {
        people: texts(&reps, "rep_id").into_iter().flatten().collect(),
        homes: crate::planning::points(&reps),
        ..PeopleRows::default()
    };
    let person = |id: Option<String>| found.people.binary_search(&id?).ok();
    let owners = texts(&rows.tables.0, "owner_id");
    let owned = owners.iter().map(Option::is_some).collect();
    found.owners = owners.into_iter().map(person).collect();
    found.owned = owned;
    if let Some(expression) = &seats.relationship {
        let (values, decimals) = crate::planning::numbers(&rows.tables.0, expression, place)?;
        let values: Option<Vec<i64>> =
            values.into_iter().map(|value| Some(value.unwrap_or(0)).filter(|value| *value >= 0)).collect();
        let fault = || {
            Diagnostic::error(Code::SPM110, "a relationship is below zero").at(Place::Text(place.clone()), "")
        };
        found.relationship = Some((values.ok_or_else(fault)?, decimals));
    }
    if seats.allowed.is_some() || seats.misfit.is_some() {
        let territories = crate::planning::table(tables, "territories", place)?;
        let ids = texts(territories, "territory_id");
        let mut places = Vec::new();
        for id in &rows.territories {
            let Some(row) = ids.iter().position(|own| own.as_ref() == Some(id)) else {
                let message = format!("the table territories has no row for {id}, of which [seats] asks");
                let fault = Diagnostic::error(Code::SPM109, message).at(Place::Text(place.clone()), "");
                return Err(fault.hint("add the territory to the table, or leave `allowed` and `misfit` out"));
            };
            places.push(row);
        }
        let territories = rows_of(territories, &places).map_err(|error| internal(&error, place))?;
        let sides = Sides { first: ("rep", &reps), second: ("territory", &territories) };
        found.fit = Some(sides.pairs(seats.allowed.as_ref(), seats.misfit.as_ref(), place)?);
    }
    Ok(found)
}
