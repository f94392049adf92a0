//! What stands in the way of an answer, in the words of the plan.

use std::mem::{Discriminant, discriminant};

use spm_core::engine::territory::{self, Conflict, Evaluation, Problem, Whole};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::planning::TerritoryRows;

use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;

/// Conflicts of a kind that are told one by one.
const SHOWN: usize = 5;

/// Fails when limits cannot hold together whatever the assignment.
pub fn conflicts(plan: &TerritoryPlan, rows: &TerritoryRows, problem: &Problem) -> Result<(), Failure> {
    // Groups that go whole are named by their first account.
    let whole = Whole::of(problem);
    let name = |account: usize| match &whole {
        Some(whole) => match whole.members[account].as_slice() {
            [own] => rows.accounts[*own].clone(),
            own => format!("{} and {} more of its group", rows.accounts[own[0]], own.len() - 1),
        },
        None => rows.accounts[account].clone(),
    };
    let asked = whole.as_ref().map_or(problem, |whole| &whole.problem);
    let conflicts = asked.conflicts();
    if conflicts.is_empty() {
        return Ok(());
    }
    let mut sink = Sink::default();
    let mut kinds: Vec<(Discriminant<Conflict>, usize)> = Vec::new();
    for conflict in &conflicts {
        let kind = discriminant(conflict);
        match kinds.iter_mut().find(|(own, _)| *own == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
        if kinds.iter().any(|(own, count)| *own == kind && *count <= SHOWN) {
            sink.push(no_answer(plan, conflict_text(conflict, rows, asked, &name), hint_of(conflict)));
        }
    }
    for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > SHOWN) {
        let last = conflicts.iter().rfind(|conflict| discriminant(*conflict) == kind);
        let message = format!("{} more like the last of these", count - SHOWN);
        sink.push(no_answer(plan, message, last.map_or("", hint_of)));
    }
    Err(Failure::Faults(sink, exit::INFEASIBLE))
}

/// What to do about a conflict.
fn hint_of(conflict: &Conflict) -> &'static str {
    match conflict {
        Conflict::Nowhere { .. } => "allow more pairs, or add rows to the table costs",
        Conflict::TooLarge { .. } => "widen the tolerance, ask for fewer territories, or split the account",
        Conflict::Total { .. } => {
            "change the tolerance, `target`, `least`, `most`, `max_accounts` or the capacities, or who takes part"
        }
        Conflict::TooFew { .. } => "ask for fewer territories, or lower the least load",
        Conflict::Bound { locked: true, .. } => "unlock some of them, or widen the limit",
        Conflict::Bound { .. } => "allow more pairs, or widen the limit",
        Conflict::Moves { .. } => "raise max_moves, or widen the tolerance",
        Conflict::Stuck { .. } => "raise max_moved, or widen the tolerance",
        Conflict::CutOff { .. } => {
            "add rows to adjacency, such as a bridge or a ferry, or leave these accounts out with a condition"
        }
        Conflict::Empty { .. } => "lower `least`, raise `most`, or widen the tolerance",
    }
}

/// A load as the measure writes it.
pub fn load_text(rows: &TerritoryRows, measure: usize, units: i128) -> String {
    Rational::from_scaled(units, rows.loads.get(measure).map_or(0, |own| own.decimals)).to_decimal_text()
}

fn conflict_text(
    conflict: &Conflict,
    rows: &TerritoryRows,
    problem: &Problem,
    account_name: &dyn Fn(usize) -> String,
) -> String {
    let name = |measure: &usize| &problem.measures[*measure].name;
    match conflict {
        Conflict::Nowhere { accounts } => {
            let first: Vec<String> = accounts.iter().take(3).map(|account| account_name(*account)).collect();
            format!("{} account(s) may go to no territory, such as {}", accounts.len(), first.join(", "))
        }
        Conflict::TooLarge { measure, account, load, most } => format!(
            "{}: account {} carries {}, more than any territory may, {}",
            name(measure),
            account_name(*account),
            load_text(rows, *measure, *load),
            load_text(rows, *measure, *most)
        ),
        Conflict::Total { measure, total, low, high } => format!(
            "{}: all accounts carry {}, which is outside what all territories may, {} to {}",
            name(measure),
            load_text(rows, *measure, *total),
            load_text(rows, *measure, *low),
            load_text(rows, *measure, *high)
        ),
        Conflict::TooFew { measure, accounts, territories } => format!(
            "{}: {accounts} account(s) carry something, and {territories} territories must each have some",
            name(measure)
        ),
        Conflict::Moves { measure, least, most } => format!(
            "{}: at least {least} accounts have to leave territories above their greatest loads, more than max_moves allows, {most}",
            name(measure)
        ),
        Conflict::Bound { measure, territory, load, high, locked } => format!(
            "{}: the accounts {} {} carry {}, more than {}",
            name(measure),
            if *locked { "locked in" } else { "that may go nowhere but to" },
            rows.territories[*territory],
            load_text(rows, *measure, *load),
            load_text(rows, *measure, *high)
        ),
        Conflict::Stuck { measure, load, most } => format!(
            "{}: {} stands above the greatest loads and has to move, more than max_moved allows, {}",
            name(measure),
            load_text(rows, *measure, *load),
            load_text(rows, *measure, *most)
        ),
        Conflict::CutOff { measure, accounts, load, low, high } => {
            let first: Vec<String> = accounts.iter().take(3).map(|account| account_name(*account)).collect();
            format!(
                "{}: {} account(s) touch no others by the table adjacency, such as {}; they carry {}, and no number of territories of {} to {} does",
                name(measure),
                accounts.len(),
                first.join(", "),
                load_text(rows, *measure, *load),
                load_text(rows, *measure, *low),
                load_text(rows, *measure, *high)
            )
        }
        Conflict::Empty { measure, territory, band } => format!(
            "{}: nothing is both at least {} and at most {}, as {} asks",
            name(measure),
            load_text(rows, *measure, band.low),
            load_text(rows, *measure, band.high),
            rows.territories[*territory]
        ),
    }
}

/// What is missing that the answer would be better for.
pub fn warn(plan: &TerritoryPlan, rows: &TerritoryRows, created: bool, ui: &Ui) {
    ui.notices(&doubts(plan, rows, created));
}

/// As [`warn`], for whoever tells it.
pub fn doubts(plan: &TerritoryPlan, rows: &TerritoryRows, created: bool) -> Sink {
    let mut sink = Sink::default();
    if plan.cost.is_none() || plan.travel.is_some() {
        let empty = |points: &[Option<(f64, f64)>]| points.iter().filter(|point| point.is_none()).count();
        let mut places = vec![("accounts", empty(&rows.account_points), rows.account_points.len())];
        if !created && !plan.from_centre {
            places.push((plan.holders, empty(&rows.homes), rows.homes.len()));
        }
        for (what, empty, all) in places.into_iter().filter(|(_, empty, _)| *empty > 0) {
            let message = format!(
                "{empty} of {all} {what} have no coordinates: travel to or from them counts as nothing"
            );
            let fault = Diagnostic::warning(Code::SPM107, message).at(Place::Text(plan.place.clone()), "");
            sink.push(fault.hint("map latitude and longitude, or leave these rows out with a condition"));
        }
    }
    if plan.cost.is_none() || plan.travel.is_some() {
        let homes = if created || plan.from_centre { &[][..] } else { &rows.homes };
        for (what, places, names) in
            [("account", &rows.account_points[..], &rows.accounts), ("home", homes, &rows.territories)]
        {
            let nowhere = territory::nowhere(places);
            if let Some(first) = nowhere.first() {
                let message = format!(
                    "{} {what}(s) are at latitude 0 and longitude 0, in the sea, such as that of {}: exports write that for unknown",
                    nowhere.len(),
                    names[*first]
                );
                let fault =
                    Diagnostic::warning(Code::SPM110, message).at(Place::Text(plan.place.clone()), "");
                sink.push(fault.hint("leave them empty in spm.toml, such as NULLIF(latitude, 0)"));
            }
        }
        if let Some((latitude, longitude, first)) = territory::swapped(homes, &rows.account_points)
            .first()
            .and_then(|first| homes[*first].map(|(latitude, longitude)| (latitude, longitude, *first)))
        {
            let message = format!(
                "the home of {} looks as if latitude and longitude were swapped: {latitude}, {longitude}",
                rows.territories[first]
            );
            let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(plan.place.clone()), "");
            sink.push(fault.hint("correct the extract, or swap the columns in spm.toml"));
        }
        let suspects = territory::swapped(&rows.account_points, homes);
        if let Some((latitude, longitude)) = suspects.first().and_then(|first| rows.account_points[*first]) {
            let message = format!(
                "{} account(s) look as if latitude and longitude were swapped, such as {} at {latitude}, {longitude}: far from all others, and near them the other way round",
                suspects.len(),
                rows.accounts[suspects[0]],
            );
            let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(plan.place.clone()), "");
            sink.push(fault.hint("correct the extract, or swap the columns in spm.toml"));
        }
    }
    for (measure, own) in plan.measures.iter().zip(&rows.loads) {
        if let Some((count, first)) = &own.empty {
            let message = format!(
                "`{}` is empty for {count} account(s), such as {first}: they count as zero",
                measure.name
            );
            let fault = Diagnostic::warning(Code::SPM107, message).at(Place::Text(measure.place.clone()), "");
            sink.push(fault.hint("complete the extract, or say what they count: COALESCE(..., 0)"));
        }
        if own.loads.iter().all(|load| *load == 0) {
            let message = format!("`{}` is zero for every account: it balances nothing", measure.name);
            let fault = Diagnostic::warning(Code::SPM404, message).at(Place::Text(measure.place.clone()), "");
            sink.push(fault.hint("look at its expression and its `where`"));
        }
    }
    if rows.fit.as_ref().is_some_and(|fit| fit.empty > 0) {
        let fault = Diagnostic::warning(Code::SPM107, "`misfit` is empty for some pairs: it counts as zero");
        let fault = fault.at(Place::Text(plan.place.clone()), "");
        sink.push(fault.hint("complete the extract, or say what it counts: COALESCE(..., 0)"));
    }
    for (what, count, first) in &rows.empty {
        let message = format!("{what} is empty for {count} account(s), such as {first}: it counts as zero");
        let fault = Diagnostic::warning(Code::SPM107, message).at(Place::Text(plan.place.clone()), "");
        sink.push(fault.hint("complete the extract, or say what it counts: COALESCE(..., 0)"));
    }
    if let Some(areas) = rows.areas.as_ref().filter(|areas| areas.names.len() > 1) {
        let alone: Vec<usize> =
            (0..areas.names.len()).filter(|area| areas.neighbours[*area].is_empty()).collect();
        if let Some(first) = alone.first() {
            let message = format!(
                "{} area(s) touch no other area with accounts, such as {}: what lies there hangs together with nothing",
                alone.len(),
                areas.names[*first]
            );
            let fault = Diagnostic::warning(Code::SPM109, message).at(Place::Text(plan.place.clone()), "");
            sink.push(fault.hint("add rows to adjacency, such as a bridge or a ferry"));
        }
    }
    let takes_no_part =
        |id: &Option<String>| id.as_ref().is_some_and(|id| rows.territories.binary_search(id).is_err());
    let unknown: Vec<usize> =
        (0..rows.accounts.len()).filter(|account| takes_no_part(&rows.current[*account])).collect();
    if let Some(first) = unknown.first() {
        let message = format!(
            "{} account(s) stand with somebody who takes no part, such as {} with {}; they move without cost",
            unknown.len(),
            rows.accounts[*first],
            rows.current[*first].as_deref().unwrap_or_default()
        );
        sink.push(Diagnostic::warning(Code::SPM109, message).at(Place::Text(plan.place.clone()), ""));
    }
    sink
}

fn no_answer(plan: &TerritoryPlan, reason: String, hint: &str) -> Diagnostic {
    Diagnostic::error(Code::SPM501, reason).at(Place::Text(plan.place.clone()), "").hint(hint)
}

/// No answer, and why.
pub fn infeasible(plan: &TerritoryPlan, reasons: &[String]) -> Failure {
    const HINT: &str = "widen a tolerance or give its measure a `price`, unlock accounts, raise max_moves, max_moved or max_accounts, allow more pairs, or add rows to adjacency";
    let mut sink = Sink::default();
    reasons.iter().for_each(|reason| sink.push(no_answer(plan, reason.clone(), HINT)));
    Failure::Faults(sink, exit::INFEASIBLE)
}

/// The limits that an answer breaks.
pub fn violations(problem: &Problem, rows: &TerritoryRows, found: &Evaluation) -> Vec<String> {
    let mut all = vec!["no assignment within all limits was found; the best one breaks these:".to_owned()];
    let limits = problem.measures.iter().zip(&found.loads).enumerate();
    for (index, (measure, loads)) in limits.filter(|(_, (measure, _))| measure.penalty.is_none()) {
        let shown = |units: i128| load_text(rows, index, units);
        for (territory, (band, load)) in measure.bands.iter().zip(loads).enumerate() {
            if *load < band.low || *load > band.high {
                all.push(format!(
                    "{} of {} is {}, outside {} to {}",
                    measure.name,
                    rows.territories[territory],
                    shown(*load),
                    shown(band.low),
                    shown(band.high)
                ));
            }
        }
    }
    for (territory, parts) in found.parts.iter().enumerate().filter(|(_, parts)| **parts > 1) {
        all.push(format!("{} is in {parts} parts that do not touch", rows.territories[territory]));
    }
    for (limit, moved) in problem.move_limits.iter().zip(&found.moved) {
        if *moved > i128::from(limit.most) {
            let measure = problem.measures.iter().position(|measure| measure.name == limit.name);
            let shown = |units: i128| match measure {
                Some(measure) => load_text(rows, measure, units),
                None => units.to_string(),
            };
            all.push(match measure {
                Some(_) => format!(
                    "{} of {} moves, more than max_moved allows, {}",
                    shown(*moved),
                    limit.name,
                    shown(limit.most.into())
                ),
                None => {
                    format!("{}: {} move, more than {}", limit.name, shown(*moved), shown(limit.most.into()))
                }
            });
        }
    }
    if found.torn > 0 {
        all.push(format!("{} group(s) are in several territories", found.torn));
    }
    all
}
