//! Assignments as a picture.

use std::collections::BTreeSet;
use std::path::Path;

use spm_core::engine::territory::{self, Problem};
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::planning::{TerritoryRows, texts};

use super::reading::{Assigned, assigned};
use super::{Scope, TODAY, output};
use crate::cli::exit::Failure;
use crate::report::map::{Bar, Dot, Map, Panel};

/// Draws an assignment beside what stands.
pub fn map(scope: &Scope<'_>, assignment: &Path, to: &Path) -> Result<(), Failure> {
    let Scope { opened, plan, ui, .. } = *scope;
    let today = assignment == Path::new(TODAY);
    let Assigned { rows, problem, assignment: after, .. } = assigned(scope, assignment)?;
    let mut panels = Vec::new();
    let stands = problem.current.iter().any(Option::is_some);
    if stands && !today {
        panels.push(panel("Today", plan, &rows, &problem, &problem.current));
    }
    panels.push(panel(if stands { "Assignment" } else { "Created" }, plan, &rows, &problem, &after));
    let map = Map { title: plan.title.clone(), panels };
    let text = if super::is_svg(to)? { map.svg() } else { map.html() };
    if scope.global.dry_run {
        return Ok(());
    }
    let target = if to.is_absolute() { to.to_path_buf() } else { opened.root.join(to) };
    spm_frame::write::write_text(&target, &text)?;
    ui.status(&format!("wrote {}", target.display()));
    Ok(())
}

fn panel(
    title: &str,
    plan: &TerritoryPlan,
    rows: &TerritoryRows,
    problem: &Problem,
    assignment: &[Option<usize>],
) -> Panel {
    let found = territory::evaluate(problem, assignment);
    let dots = rows.account_points.iter().enumerate().filter_map(|(account, point)| {
        let (latitude, longitude) = (*point)?;
        let territory = assignment[account]?;
        let moved = problem.current[account].is_some_and(|current| current != territory);
        Some(Dot { latitude, longitude, territory, moved })
    });
    let bars = problem.measures.iter().zip(&found.loads).enumerate().map(|(index, (measure, loads))| {
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let shown = |units: i128| {
            units as f64 / 10f64.powi(rows.loads.get(index).map_or(0, |own| own.decimals).cast_signed())
        };
        let own = measure.bands.iter().zip(loads);
        let bars =
            own.map(|(band, load)| Bar { load: shown(*load), low: shown(band.low), high: shown(band.high) });
        (measure.name.clone(), bars.collect())
    });
    let metres: Vec<i64> = assignment
        .iter()
        .enumerate()
        .filter_map(|(account, territory)| output::metres(problem, account, (*territory)?))
        .collect();
    let mut caption =
        vec![format!("cost {} {}", spaced(&output::cost_text(found.objective)), output::unit(plan))];
    if !metres.is_empty() {
        caption.push(format!(
            "{} km from an account in the mean",
            spaced(&(output::mean(&metres) / 1000).to_string())
        ));
    }
    if problem.current.iter().any(Option::is_some) {
        caption.push(format!("{} account(s) change hands", found.moves));
    }
    let lost = rows.account_points.iter().filter(|point| point.is_none()).count();
    if lost > 0 {
        caption.push(format!("{lost} account(s) without coordinates are not drawn"));
    }
    caption.push(if found.feasible { "all limits hold" } else { "limits are broken" }.to_owned());
    Panel {
        title: title.to_owned(),
        caption: caption.join("; "),
        territories: names(rows),
        homes: output::homes(problem, rows),
        dots: dots.collect(),
        bars: bars.collect(),
    }
}

/// The names of territories or their holders, where all have different ones; else the identifiers.
fn names(rows: &TerritoryRows) -> Vec<String> {
    let names: Vec<String> = texts(&rows.tables.1, "name").into_iter().flatten().collect();
    let different: BTreeSet<&String> = names.iter().collect();
    if different.len() == rows.territories.len() { names } else { rows.territories.clone() }
}

/// A number with its thousands apart, without what is below one.
fn spaced(number: &str) -> String {
    let whole = number.split('.').next().unwrap_or(number);
    let digits: Vec<char> = whole.chars().collect();
    let parts: Vec<String> = digits.rchunks(3).rev().map(|part| part.iter().collect()).collect();
    parts.join(",")
}
