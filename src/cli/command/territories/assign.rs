//! `spm territories assign`: new accounts to those who stand, by rule first, by fit second.

use spm_core::engine::territory::{self, Choice, Newcomers, Outcome, Problem};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_core::plan::seating::To;
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::pairing;
use spm_frame::planning::{TerritoryRows, territory_rows};
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use super::faults::{conflicts, infeasible, load_text, violations, warn};
use super::{Scope, build, input, output, settings, verified};
use crate::cli::command;
use crate::cli::exit::Failure;
use crate::cli::ui::Ui;

const OWN: &str = "out/assign";

/// Assigns what nobody holds; returns a row for each new account.
pub fn assign(scope: &Scope<'_>) -> Result<Table, Failure> {
    let Scope { opened, tables, plan, ui, .. } = *scope;
    let rows = territory_rows(plan, tables, None).map_err(input)?;
    warn(plan, &rows, false, ui);
    let ruled = pairing::ruled(plan, &rows).map_err(input)?;
    let problem = build::problem(plan, &rows, false).map_err(input)?;
    let choice = |rule: usize| Choice {
        territories: ruled.holders[rule].clone(),
        decided: matches!(plan.rules[rule].to, To::Holder(_)),
    };
    let choices: Vec<Option<Choice>> = ruled.rule.iter().map(|rule| rule.map(choice)).collect();
    let new = Newcomers::of(&problem, &choices);
    if new.accounts.is_empty() {
        let mut sink = Sink::default();
        let message = "every account is with somebody who takes part: nothing to assign";
        let fault = Diagnostic::warning(Code::SPM404, message);
        sink.push(fault.at(Place::Text(plan.place.clone()), ""));
        ui.notices(&sink);
    }
    let some = part(&rows, &new.accounts);
    conflicts(plan, &some, &new.problem)?;
    let outcome = territory::solve(&new.problem, settings(plan), &mut |round| {
        ui.step(&format!("assigning, round {round}"));
    });
    let after = verified(&new.problem, &outcome)?;
    if !outcome.feasible {
        // Told of what holders would have in all, not of the room that was left for new accounts.
        let beside = territory::evaluate(&problem, &new.beside(&problem, &outcome.assignment));
        let mut told = violations(&problem, &rows, &beside);
        if told.len() == 1 {
            told = violations(&new.problem, &some, &after);
        }
        return Err(infeasible(plan, &told));
    }
    let by = |place: usize| match ruled.rule[new.accounts[place]] {
        _ if new.follow[place] => Some("its group"),
        Some(rule) => Some(plan.rules[rule].name.as_str()),
        None => None,
    };
    let reasons = output::reasons(&new.problem, &outcome);
    let places = 0..new.accounts.len();
    let to = |place: usize| outcome.assignment[place];
    let table = Builder::default()
        .text("account_id", some.accounts.iter().map(Some))
        .text("territory_id", places.clone().map(|place| Some(&rows.territories[to(place)])))
        .text("rule", places.clone().map(by))
        .number("distance_km", 3, places.map(|place| output::metres(&new.problem, place, to(place))));
    let table = output::with_reasons(table, &rows, &reasons).table()?;
    let assigned = new.beside(&problem, &outcome.assignment);
    let outcome = Outcome { feasible: overfull(plan, &rows, &problem, &assigned, ui), ..outcome };
    let all = whole(&rows, &problem, &assigned)?;
    if !scope.global.dry_run && !new.accounts.is_empty() {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.results.join(scope.folder(OWN));
        let folder = Folder::create(&target)?;
        folder.table("assigned.parquet", &table, &provenance)?;
        folder.table("assignment.parquet", &all, &provenance)?;
        folder.text("result.json", &output::result_json(plan, &new.problem, &outcome, None))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    let follow = new.follow.iter().filter(|follow| **follow).count();
    let by_rule = (0..new.accounts.len()).filter(|place| by(*place).is_some()).count() - follow;
    ui.status(&format!(
        "{} of {} accounts are new: {by_rule} by rule, {follow} with their group, {} by fit; {}",
        new.accounts.len(),
        rows.accounts.len(),
        new.accounts.len() - by_rule - follow,
        output::certificate(&outcome, output::unit(plan), false),
    ));
    Ok(table)
}

/// The rows of some accounts, as far as faults and reasons look at them.
fn part(rows: &TerritoryRows, accounts: &[usize]) -> TerritoryRows {
    TerritoryRows {
        accounts: accounts.iter().map(|account| rows.accounts[*account].clone()).collect(),
        territories: rows.territories.clone(),
        loads: rows.loads.clone(),
        ..TerritoryRows::default()
    }
}

/// Warns of holders whom rules and groups have given more than their limits allow; true when there are none.
fn overfull(
    plan: &TerritoryPlan,
    rows: &TerritoryRows,
    problem: &Problem,
    assigned: &[Option<usize>],
    ui: &Ui,
) -> bool {
    let after = territory::evaluate(problem, assigned);
    let before = territory::evaluate(problem, &problem.current);
    let mut sink = Sink::default();
    for (index, (measure, loads)) in problem.measures.iter().zip(&after.loads).enumerate() {
        for (territory, (band, load)) in measure.bands.iter().zip(loads).enumerate() {
            // What stands above its limits today is nobody's new fault.
            if measure.penalty.is_none() && *load > band.high && *load > before.loads[index][territory] {
                let message = format!(
                    "{} of {} comes to {}, more than {}: a rule or a group leaves no choice",
                    measure.name,
                    rows.territories[territory],
                    load_text(rows, index, *load),
                    load_text(rows, index, band.high)
                );
                let fault = Diagnostic::warning(Code::SPM501, message);
                let fault = fault.at(
                    Place::Text(plan.measures.get(index).map_or(&plan.place, |own| &own.place).clone()),
                    "",
                );
                sink.push(fault.hint("change the rule, widen the limit, or balance afterwards"));
            }
        }
    }
    let none = sink.faults().is_empty();
    ui.notices(&sink);
    none
}

/// All accounts with their holder, new ones included: what `score` and `map` read.
fn whole(rows: &TerritoryRows, problem: &Problem, assigned: &[Option<usize>]) -> Result<Table, Failure> {
    let table = Builder::default()
        .text("account_id", rows.accounts.iter().map(Some))
        .text("territory_id", assigned.iter().map(|own| own.map(|own| &rows.territories[own])))
        .boolean("new", problem.current.iter().map(|current| Some(current.is_none())))
        .table()?;
    Ok(table)
}
