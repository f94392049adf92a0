//! `spm territories`: accounts divided among salespeople.

use spm_core::engine::territory::{self, Band, Costs, Loads, Measure, Outcome, Point, Problem, Settings};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::load::{Need, Tables};
use spm_frame::planning::{TerritoryRows, territory_rows};
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};

/// Territory commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Balance the territories that stand, moving as little as needed
    #[command(after_help = "Example:\n  spm territories balance --format csv > assignment.csv")]
    Balance,
}

/// What the command reads.
pub const NEED: Need<'static> =
    Need { tables: &["accounts", "reps", "transactions"], own: Some(OWN), days: None };
const OWN: &str = "out/territories";

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let Command::Balance = command;
    let tables = opened.load(&NEED, global, ui)?;
    let summary = balance(&opened, &tables, global, ui)?;
    command::finish(&summary, "spm.territories/1", global, ui)?;
    Ok(exit::DONE)
}

/// Balances and writes; returns the summary.
pub fn balance(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<Table, Failure> {
    let plans =
        opened.plans_of(|plan| if let Plan::Territories(plan) = plan { Some(plan.as_ref()) } else { None });
    let [plan] = plans.as_slice() else {
        return Err(Failure::input(format!(
            "the project has {} plans with kind = \"territories\"; it needs one",
            plans.len()
        )));
    };
    let fail = |fault| Failure::fault(fault, exit::INPUT);
    let rows = territory_rows(plan, tables).map_err(fail)?;
    let problem = problem(plan, &rows).map_err(fail)?;
    let conflicts = problem.conflicts();
    if !conflicts.is_empty() {
        return Err(infeasible(plan, &conflicts));
    }
    let settings = Settings { iterations: plan.iterations, seed: plan.seed };
    let outcome =
        territory::solve(&problem, settings, &mut |round| ui.step(&format!("balancing, round {round}")));
    if let Err(faults) = territory::verify(&problem, &outcome) {
        return Err(Failure::fault(Diagnostic::error(Code::SPM502, faults.join("; ")), exit::BUG));
    }
    if !outcome.feasible {
        return Err(infeasible(plan, &violations(&problem, &rows, &outcome)));
    }
    let summary = summary_table(&problem, &rows, &outcome)?;
    if !global.dry_run {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.root.join(OWN);
        let folder = Folder::create(&target)?;
        folder.table("assignment.parquet", &assignment_table(&rows, &outcome)?, &provenance)?;
        folder.table("summary.parquet", &summary, &provenance)?;
        folder.text("result.json", &result_json(&outcome))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    ui.status(&format!(
        "{} of {} accounts move; cost {} km, no answer costs less than {} km (gap {})",
        outcome.moves,
        rows.accounts.len(),
        kilometres(outcome.objective),
        kilometres(outcome.bound),
        gap(&outcome).to_percent(),
    ));
    Ok(summary)
}

fn infeasible(plan: &TerritoryPlan, reasons: &[String]) -> Failure {
    let mut sink = spm_core::ground::diagnostic::Sink::default();
    for reason in reasons {
        let fault = Diagnostic::error(Code::SPM501, reason.clone()).at(Place::Text(plan.place.clone()), "");
        sink.push(fault.hint("widen a tolerance, unlock accounts, or raise max_moves or max_accounts"));
    }
    Failure::Faults(sink, exit::INFEASIBLE)
}

fn problem(plan: &TerritoryPlan, rows: &TerritoryRows) -> Result<Problem, Diagnostic> {
    let territories = rows.territories.len();
    let fault =
        |code, message: String| Diagnostic::error(code, message).at(Place::Text(plan.place.clone()), "");
    if territories == 0 || rows.accounts.is_empty() {
        return Err(fault(
            Code::SPM404,
            format!("{} accounts and {territories} people: nothing to divide", rows.accounts.len()),
        ));
    }
    let index = |id: &String| rows.territories.binary_search(id).ok();
    let current: Vec<Option<usize>> = rows.current.iter().map(|id| id.as_ref().and_then(index)).collect();
    let too_large = || fault(Code::SPM402, "a cost leaves 64 bits; lower travel or move".to_owned());
    let metres = |value: &Rational| {
        round_to_decimals(value, 3, Rounding::default()).and_then(|value| i64::try_from(value).ok())
    };
    let move_cost = metres(&plan.move_cost).ok_or_else(too_large)?;
    let travel = plan.travel.to_i64_pair().ok_or_else(too_large)?;
    let places = |points: &[Option<(f64, f64)>]| points.iter().map(|point| point.map(place)).collect();
    let costs =
        Costs::Travel { accounts: places(&rows.account_points), homes: places(&rows.homes), rate: travel };
    let mut measures: Vec<Measure> = plan
        .measures
        .iter()
        .zip(&rows.loads)
        .map(|(measure, (loads, _))| Measure {
            name: measure.name.clone(),
            bands: bands(loads, &measure.tolerance, measure.by_capacity, rows),
            loads: Loads::Account(loads.clone()),
        })
        .collect();
    if let Some(limit) = plan.max_accounts {
        let band = Band { low: 0, high: i128::try_from(limit).unwrap_or(i128::MAX) };
        measures.push(Measure {
            name: "max_accounts".to_owned(),
            loads: Loads::Account(vec![1; rows.accounts.len()]),
            bands: vec![band; territories],
        });
    }
    let locked =
        rows.locked.iter().zip(&current).map(|(locked, current)| current.filter(|_| *locked)).collect();
    Ok(Problem { territories, costs, current, move_cost, locked, measures, max_moves: plan.max_moves })
}

/// Target x (1 - tolerance) to target x (1 + tolerance), to whole units inside.
fn bands(loads: &[i64], tolerance: &Rational, by_capacity: bool, rows: &TerritoryRows) -> Vec<Band> {
    let total = Rational::from(loads.iter().map(|load| i128::from(*load)).sum::<i128>());
    let count = Rational::from(i128::try_from(rows.territories.len()).unwrap_or(1));
    let capacity: Rational = rows.capacities.iter().sum();
    rows.capacities
        .iter()
        .map(|own| {
            let share =
                if by_capacity { own.checked_div(&capacity) } else { Rational::one().checked_div(&count) };
            let target = &total * &share.unwrap_or_default();
            let width = &target * tolerance;
            let toward_zero =
                |value: &Rational| round_to_decimals(value, 0, Rounding::TowardZero).unwrap_or(i128::MAX);
            let low = (&target - &width).max(Rational::zero());
            let cut = toward_zero(&low);
            let low = if Rational::from(cut) < low { cut + 1 } else { cut };
            Band { low, high: toward_zero(&(&target + &width)) }
        })
        .collect()
}

fn load_of(
    problem: &Problem,
    measure: usize,
    territory: usize,
    holder: impl Fn(usize) -> Option<usize>,
) -> i128 {
    let held = (0..problem.accounts()).filter(|account| holder(*account) == Some(territory));
    held.map(|account| i128::from(problem.load(measure, account, territory))).sum()
}

fn violations(problem: &Problem, rows: &TerritoryRows, outcome: &Outcome) -> Vec<String> {
    let mut found = vec!["no assignment within all limits was found; the best one breaks these:".to_owned()];
    for (index, measure) in problem.measures.iter().enumerate() {
        let decimals = rows.loads.get(index).map_or(0, |(_, decimals)| *decimals);
        let shown = |units: i128| Rational::from_scaled(units, decimals).to_string();
        for (territory, band) in measure.bands.iter().enumerate() {
            let load = load_of(problem, index, territory, |account| Some(outcome.assignment[account]));
            if load < band.low || load > band.high {
                found.push(format!(
                    "{} of {} is {}, outside {} to {}",
                    measure.name,
                    rows.territories[territory],
                    shown(load),
                    shown(band.low),
                    shown(band.high)
                ));
            }
        }
    }
    if let Some(limit) = problem.max_moves.filter(|limit| outcome.moves > *limit) {
        found.push(format!("{} accounts move, more than {limit}", outcome.moves));
    }
    found
}

fn assignment_table(rows: &TerritoryRows, outcome: &Outcome) -> Result<Table, Failure> {
    let to = |account: usize| rows.territories[outcome.assignment[account]].as_str();
    let accounts = 0..rows.accounts.len();
    let kilometres = |account: usize| {
        let (point, home) = (rows.account_points[account]?, rows.homes[outcome.assignment[account]]?);
        Some(place(point).metres_to(&place(home)))
    };
    let table = Builder::default()
        .text("account_id", rows.accounts.iter().map(Some))
        .text("territory_id", accounts.clone().map(|account| Some(to(account))))
        .text("previous_territory_id", rows.current.iter().map(Option::as_deref))
        .boolean(
            "moved",
            accounts.clone().map(|account| Some(rows.current[account].as_deref() != Some(to(account)))),
        )
        .number("distance_km", 3, accounts.map(kilometres))
        .table()?;
    Ok(table)
}

/// A row for each territory and measure: load before and after, and the band.
fn summary_table(problem: &Problem, rows: &TerritoryRows, outcome: &Outcome) -> Result<Table, Failure> {
    let decimals = rows.loads.iter().map(|(_, decimals)| *decimals).max().unwrap_or(0);
    let cells: Vec<(usize, usize)> = (0..rows.territories.len())
        .flat_map(|territory| (0..rows.loads.len()).map(move |measure| (territory, measure)))
        .collect();
    let scaled = |measure: usize, units: i128| {
        let value = units * 10i128.pow(decimals - rows.loads[measure].1);
        i64::try_from(value).map(Some).map_err(|_| {
            Failure::fault(Diagnostic::error(Code::SPM402, "a load leaves 64 bits"), exit::INPUT)
        })
    };
    let column = |value: &dyn Fn(usize, usize) -> i128| {
        cells
            .iter()
            .map(|(territory, measure)| scaled(*measure, value(*territory, *measure)))
            .collect::<Result<Vec<_>, _>>()
    };
    let accounts = |territory: usize| outcome.assignment.iter().filter(|held| **held == territory).count();
    let counted = |value: usize| i64::try_from(value).ok();
    let before = |account: usize| problem.current[account];
    let table = Builder::default()
        .text("territory_id", cells.iter().map(|(territory, _)| Some(rows.territories[*territory].as_str())))
        .number("accounts", 0, cells.iter().map(|(territory, _)| counted(accounts(*territory))))
        .text("measure", cells.iter().map(|(_, measure)| Some(problem.measures[*measure].name.as_str())))
        .number(
            "before",
            decimals,
            column(&|territory, measure| load_of(problem, measure, territory, before))?,
        )
        .number(
            "after",
            decimals,
            column(&|territory, measure| {
                load_of(problem, measure, territory, |account| Some(outcome.assignment[account]))
            })?,
        )
        .number(
            "low",
            decimals,
            column(&|territory, measure| problem.measures[measure].bands[territory].low)?,
        )
        .number(
            "high",
            decimals,
            column(&|territory, measure| problem.measures[measure].bands[territory].high)?,
        )
        .table()?;
    Ok(table)
}

fn place((latitude, longitude): (f64, f64)) -> Point {
    Point::of(latitude, longitude)
}

fn kilometres(metres: i128) -> String {
    Rational::from_scaled(metres, 3).to_decimal_text()
}

/// (objective - bound) / objective.
fn gap(outcome: &Outcome) -> Rational {
    Rational::new(outcome.objective - outcome.bound, outcome.objective).unwrap_or_default()
}

fn result_json(outcome: &Outcome) -> String {
    let gap = round_to_decimals(&gap(outcome), 9, Rounding::default())
        .map_or_else(String::new, |units| Rational::from_scaled(units, 9).to_decimal_text());
    let number = |text: String| {
        text.parse::<serde_json::Number>().map_or(serde_json::Value::String(text), serde_json::Value::Number)
    };
    let value = serde_json::json!({
        "schema": "spm.territories.result/1",
        "feasible": outcome.feasible,
        "objective": number(kilometres(outcome.objective)),
        "bound": number(kilometres(outcome.bound)),
        "unit": "km",
        "gap": number(gap),
        "moves": outcome.moves,
        "seed": outcome.seed,
        "price_bits": territory::PRICE_BITS,
        "prices": { "bands": outcome.prices.bands, "moves": outcome.prices.moves },
    });
    format!("{value:#}\n")
}
