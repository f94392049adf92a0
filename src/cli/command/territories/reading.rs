//! Assignments that somebody made, read and scored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use spm_core::engine::territory::{self, Problem};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_frame::planning::{TerritoryRows, points, territory_rows, texts};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::{Scope, TODAY, build, input, output};
use crate::cli::command::read_file;
use crate::cli::exit::Failure;

/// An assignment with the territories that it speaks of: those that stand, or those that `create` made and wrote beside it.
pub struct Assigned {
    /// Rows of the plan.
    pub rows: TerritoryRows,
    /// The problem.
    pub problem: Problem,
    /// Territory of each account.
    pub assignment: Vec<Option<usize>>,
    /// Rows of the file that name an account or territory that the plan does not divide.
    pub unknown: usize,
}

/// Territories by identifier, each with its centre where one is known.
type Placed = (Vec<String>, Vec<Option<(f64, f64)>>);

/// Reads an assignment: a path as given, or within the project; or what stands.
pub fn assigned(scope: &Scope<'_>, path: &Path) -> Result<Assigned, Failure> {
    const HINT: &str = "give a file with the columns account_id and territory_id, or the word today";
    let Scope { opened, tables, plan, .. } = *scope;
    if path == Path::new(TODAY) {
        let rows = territory_rows(plan, tables, None).map_err(input)?;
        let problem = build::problem(plan, &rows, false).map_err(input)?;
        let assignment = problem.current.clone();
        return Ok(Assigned { rows, problem, assignment, unknown: 0 });
    }
    let inside = opened.root.join(path);
    let path = if path.exists() || !inside.exists() { path } else { &inside };
    let table = read_file(path, &["account_id", "territory_id"], HINT)?;
    let beside = path.with_file_name("territories.parquet");
    // Territories that `create` made are those of its file; where the plan knows none, those that the assignment names.
    let made: Option<Placed> = if beside.exists() {
        let made = read_file(&beside, &["territory_id", "latitude", "longitude"], HINT)?;
        let ids: Vec<String> = texts(&made, "territory_id").into_iter().flatten().collect();
        (!ids.is_empty()).then(|| (ids, points(&made)))
    } else {
        let named: BTreeSet<String> = texts(&table, "territory_id").into_iter().flatten().collect();
        let known: BTreeSet<String> = tables
            .get(plan.holders)
            .map(|held| texts(held, if plan.holders == "reps" { "rep_id" } else { "territory_id" }))
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let homes = vec![None; named.len()];
        (!named.is_empty() && named.is_disjoint(&known)).then(|| (named.into_iter().collect(), homes))
    };
    let stand = match &made {
        Some(_) if tables.get(plan.holders).is_none() => None,
        _ => Some(territory_rows(plan, tables, None).map_err(input)?),
    };
    // Middles that were found together with the borders are those of the file; of another assignment they are those of its accounts.
    let middles = plan.from_centre && made.is_none();
    let rows = match (stand, made) {
        (Some(rows), Some((ids, homes))) if rows.territories == ids => {
            if plan.from_centre {
                TerritoryRows { homes, ..rows }
            } else {
                rows
            }
        }
        (_, Some((ids, homes))) => {
            let rows = territory_rows(plan, tables, Some(ids.len())).map_err(input)?;
            TerritoryRows { territories: ids, homes, ..rows }
        }
        (Some(rows), None) => rows,
        (None, None) => territory_rows(plan, tables, None).map_err(input)?,
    };
    // New territories without a place have their centres in the middle of their own accounts.
    let unplaced = plan.cost.is_none()
        && rows.homes.iter().all(Option::is_none)
        && rows.current.iter().all(Option::is_none);
    let mut problem = build::problem(plan, &rows, unplaced).map_err(input)?;
    if plan.from_centre {
        build::place(&mut problem, &rows.homes);
    }
    let place = |ids: &[String], id: &Option<String>| ids.binary_search(id.as_ref()?).ok();
    let mut assignment: Vec<Option<usize>> = vec![None; rows.accounts.len()];
    let mut unknown = 0;
    for (account, territory) in texts(&table, "account_id").into_iter().zip(texts(&table, "territory_id")) {
        match (place(&rows.accounts, &account), place(&rows.territories, &territory)) {
            (Some(account), Some(territory)) => {
                if let Some(other) =
                    assignment[account].replace(territory).filter(|other| *other != territory)
                {
                    let message = format!(
                        "{} has account {} twice, in {} and in {}",
                        path.display(),
                        rows.accounts[account],
                        rows.territories[other],
                        rows.territories[territory]
                    );
                    let fault = Diagnostic::error(Code::SPM108, message);
                    return Err(input(fault.hint("leave one row for each account")));
                }
            }
            _ => unknown += 1,
        }
    }
    if unplaced || middles {
        territory::find_centres(&mut problem, &assignment);
    }
    Ok(Assigned { rows, problem, assignment, unknown })
}

/// What assignments are worth, a column for each.
pub fn compare(scope: &Scope<'_>, paths: &[&Path]) -> Result<Table, Failure> {
    let mut columns: Vec<(&Path, output::Metrics)> = Vec::new();
    let mut proven: Option<(Problem, i128)> = None;
    let mut assignments: Vec<BTreeMap<String, Option<String>>> = Vec::new();
    for path in paths {
        let Assigned { rows, problem, assignment, unknown } = assigned(scope, path)?;
        // Both sides mostly speak of the same territories, and then have the same bound.
        let bound = match &proven {
            Some((other, bound)) if *other == problem => *bound,
            _ => territory::prove(&problem).1,
        };
        let found = territory::evaluate(&problem, &assignment);
        let mut metrics = output::metrics(&problem, &rows, &found, bound);
        if unknown > 0 {
            let unknown = i64::try_from(unknown * 1000).ok();
            metrics.push(("rows that name no account or territory of the plan".to_owned(), unknown));
        }
        columns.push((path, metrics));
        let territory = |own: Option<usize>| own.map(|own| rows.territories[own].clone());
        let own = rows.accounts.iter().cloned().zip(assignment.into_iter().map(territory));
        assignments.push(own.collect());
        proven = Some((problem, bound));
    }
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in columns.iter().flat_map(|(_, metrics)| metrics) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let elsewhere = "accounts that are elsewhere in the other".to_owned();
    if assignments.len() > 1 {
        names.push(&elsewhere);
    }
    let mut builder = Builder::default().text("metric", names.iter().map(Some));
    let value = |metrics: &[(String, Option<i64>)], name: &String| {
        metrics.iter().find(|(own, _)| own == name).and_then(|(_, value)| *value)
    };
    for ((path, metrics), name) in columns.iter().zip(["a", "b"]) {
        let once = paths.iter().filter(|other| *other == path).count() == 1;
        let name = match paths {
            [_] => "value",
            _ if once && *path == Path::new(TODAY) => TODAY,
            _ => name,
        };
        builder = builder.number(name, 3, names.iter().map(|name| value(metrics, name)));
    }
    if let [(_, a), (_, b)] = columns.as_slice() {
        let differ = |[one, other]: &[BTreeMap<String, Option<String>>; 2]| {
            let same = one.iter().filter(|(account, at)| other.get(*account) == Some(*at)).count();
            i64::try_from((one.len().max(other.len()) - same) * 1000).ok()
        };
        let differ = assignments.first_chunk().and_then(differ);
        let difference = |name: &&String| match **name == elsewhere {
            true => differ,
            false => value(b, name)?.checked_sub(value(a, name)?),
        };
        builder = builder.number("difference", 3, names.iter().map(difference));
    }
    Ok(builder.table()?)
}
