//! `spm territories`: accounts divided among salespeople or territories.

mod build;
mod output;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use spm_core::engine::territory::{self, Conflict, Evaluation, Outcome, Problem, Settings};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_core::plan::expression::Expression;
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::load::{Need, Tables};
use spm_frame::planning::{TerritoryRows, points, territory_rows, texts};
use spm_frame::profile;
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::map::{Bar, Dot, Map, Panel};

/// Territory commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Balance the territories that stand, moving as little as needed
    #[command(after_help = "Example:\n  spm territories balance --format csv > assignment.csv")]
    Balance,
    /// Create territories from nothing, each with a centre of its own
    #[command(
        after_help = "Example:\n  spm territories create --count 50\n\nThe bound that is printed holds for the centres found."
    )]
    Create {
        /// Number of territories; `territories` of the plan when absent
        #[arg(long)]
        count: Option<usize>,
    },
    /// Score an assignment: cost, balance, limits, and how far from the best it is
    #[command(
        after_help = "Examples:\n  spm territories score                          # what stands today\n  spm territories score out/territories/assignment.parquet"
    )]
    Score {
        /// CSV, Parquet or XLSX with account_id and territory_id; what stands today when absent
        assignment: Option<PathBuf>,
    },
    /// Compare two assignments by the same plan
    #[command(
        after_help = "Example:\n  spm territories compare today out/territories/assignment.parquet\n\nEach is a file with account_id and territory_id, or the word today."
    )]
    Compare {
        /// Assignment, or `today`
        a: PathBuf,
        /// Assignment, or `today`
        b: PathBuf,
    },
    /// Show what more or less disruption buys: an answer for each of several prices of a move
    #[command(
        after_help = "Example:\n  spm territories frontier\n\nThe prices are those of the plan's `move` times 0 to 16. No row has both fewer moves and less travel than another."
    )]
    Frontier,
    /// Draw an assignment on a map, beside what stands today: one HTML file that needs nothing else
    #[command(
        after_help = "Example:\n  spm territories map out/territories/assignment.parquet --to map.html"
    )]
    Map {
        /// Assignment, or `today`
        #[arg(default_value = "out/territories/assignment.parquet")]
        assignment: PathBuf,
        /// File to write: .html, or .svg for the maps alone
        #[arg(long, default_value = "out/territories/map.html")]
        to: PathBuf,
    },
}

/// What the command reads.
pub const NEED: Need<'static> = Need {
    tables: &["accounts", "reps", "territories", "costs", "adjacency", "transactions"],
    own: Some(OWN),
    days: None,
};
const OWN: &str = "out/territories";
/// In place of a file: what stands.
const TODAY: &str = "today";

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let tables = opened.load(&NEED, global, ui)?;
    let (table, schema) = match command {
        Command::Balance => (balance(&opened, &tables, global, ui)?, "spm.territories/1"),
        Command::Create { count } => (create(&opened, &tables, *count, global, ui)?, "spm.territories/1"),
        Command::Score { assignment } => {
            let own = [assignment.as_deref().unwrap_or(Path::new(TODAY))];
            (compare(&opened, &tables, &own)?, "spm.territories.score/1")
        }
        Command::Compare { a, b } => (compare(&opened, &tables, &[a, b])?, "spm.territories.compare/1"),
        Command::Frontier => (frontier(&opened, &tables, ui)?, "spm.territories.frontier/1"),
        Command::Map { assignment, to } => {
            map(&opened, &tables, assignment, to, global, ui)?;
            return Ok(exit::DONE);
        }
    };
    command::finish(&table, schema, global, ui)?;
    Ok(exit::DONE)
}

fn plan_of(opened: &Opened) -> Result<&TerritoryPlan, Failure> {
    let plans =
        opened.plans_of(|plan| if let Plan::Territories(plan) = plan { Some(plan.as_ref()) } else { None });
    match plans.as_slice() {
        [plan] => Ok(plan),
        plans => Err(Failure::input(format!(
            "the project has {} plans with kind = \"territories\"; it needs one",
            plans.len()
        ))),
    }
}

fn input(fault: Diagnostic) -> Failure {
    Failure::fault(fault, exit::INPUT)
}

/// Balances what stands and writes; returns the summary.
pub fn balance(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<Table, Failure> {
    let plan = plan_of(opened)?;
    let rows = territory_rows(plan, tables, None).map_err(input)?;
    warn(plan, &rows, false, ui);
    let problem = build::problem(plan, &rows, false).map_err(input)?;
    conflicts(plan, &rows, &problem)?;
    let outcome = territory::solve(&problem, settings(plan), &mut |round| {
        ui.step(&format!("balancing, round {round}"))
    });
    publish(opened, tables, (plan, &rows, &problem), &outcome, global, ui)
}

/// Creates territories and writes; returns the summary.
fn create(
    opened: &Opened,
    tables: &Tables,
    count: Option<usize>,
    global: &Global,
    ui: &Ui,
) -> Result<Table, Failure> {
    let plan = plan_of(opened)?;
    let fault =
        |code, message: &str| Diagnostic::error(code, message).at(Place::Text(plan.place.clone()), "");
    let Some(count) = count.or(plan.territories).filter(|count| *count > 0) else {
        let fault = fault(Code::SPM004, "how many territories? The plan has no `territories`");
        return Err(input(fault.hint("territories = 50 in the plan, or --count 50")));
    };
    // A limit that is a plain number holds for any territory.
    let of_holder =
        |limit: &Option<Expression>| limit.as_ref().is_some_and(|limit| !limit.columns().is_empty());
    let needs_holders = plan.cost.is_some()
        || plan.measures.iter().any(|own| of_holder(&own.least) || of_holder(&own.most) || own.by_capacity);
    if needs_holders {
        let message = "new territories have no holders yet, so `cost`, columns in `least` and `most`, and target = \"capacity\" mean nothing to `create`";
        let hint = "use tolerances of equal targets, or limits that are plain numbers, in this plan";
        return Err(input(fault(Code::SPM304, message).hint(hint)));
    }
    let rows = territory_rows(plan, tables, Some(count)).map_err(input)?;
    if rows.accounts.len() < count {
        let message = format!("{} accounts cannot fill {count} territories", rows.accounts.len());
        return Err(input(fault(Code::SPM501, &message).hint("ask for fewer territories")));
    }
    warn(plan, &rows, true, ui);
    let mut problem = build::problem(plan, &rows, true).map_err(input)?;
    conflicts(plan, &rows, &problem)?;
    let outcome = territory::create(&mut problem, settings(plan), &mut |round| {
        ui.step(&format!("creating, round {round}"));
    });
    publish(opened, tables, (plan, &rows, &problem), &outcome, global, ui)
}

fn settings(plan: &TerritoryPlan) -> Settings {
    Settings { iterations: plan.iterations, seed: plan.seed }
}

fn conflicts(plan: &TerritoryPlan, rows: &TerritoryRows, problem: &Problem) -> Result<(), Failure> {
    let conflicts: Vec<String> =
        problem.conflicts().iter().map(|conflict| conflict_text(conflict, rows, problem)).collect();
    if conflicts.is_empty() { Ok(()) } else { Err(infeasible(plan, &conflicts)) }
}

/// A load as the measure writes it.
fn load_text(rows: &TerritoryRows, measure: usize, units: i128) -> String {
    Rational::from_scaled(units, rows.loads.get(measure).map_or(0, |own| own.decimals)).to_decimal_text()
}

fn conflict_text(conflict: &Conflict, rows: &TerritoryRows, problem: &Problem) -> String {
    let name = |measure: &usize| &problem.measures[*measure].name;
    match conflict {
        Conflict::Nowhere { accounts } => {
            let first: Vec<&str> =
                accounts.iter().take(3).map(|account| rows.accounts[*account].as_str()).collect();
            format!("{} account(s) may go to no territory, such as {}", accounts.len(), first.join(", "))
        }
        Conflict::TooLarge { measure, account, load, most } => format!(
            "{}: account {} carries {}, more than any territory may, {}",
            name(measure),
            rows.accounts[*account],
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
        Conflict::Locked { measure, territory, load, high } => format!(
            "{}: the accounts locked in {} carry {}, more than {}",
            name(measure),
            rows.territories[*territory],
            load_text(rows, *measure, *load),
            load_text(rows, *measure, *high)
        ),
        Conflict::CutOff { measure, accounts, load, low, high } => {
            let first: Vec<&str> =
                accounts.iter().take(3).map(|account| rows.accounts[*account].as_str()).collect();
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
fn warn(plan: &TerritoryPlan, rows: &TerritoryRows, created: bool, ui: &Ui) {
    let mut sink = Sink::default();
    if plan.cost.is_none() || plan.travel.is_some() {
        let empty = |points: &[Option<(f64, f64)>]| points.iter().filter(|point| point.is_none()).count();
        let mut places = vec![("accounts", empty(&rows.account_points), rows.account_points.len())];
        if !created {
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
    let unknown =
        rows.current.iter().flatten().filter(|id| rows.territories.binary_search(id).is_err()).count();
    if unknown > 0 {
        let message =
            format!("{unknown} account(s) stand with somebody who takes no part; they move without cost");
        sink.push(Diagnostic::warning(Code::SPM109, message).at(Place::Text(plan.place.clone()), ""));
    }
    ui.notices(&sink);
}

/// What an answer is worth, by code that did not make it.
fn verified(problem: &Problem, outcome: &Outcome) -> Result<Evaluation, Failure> {
    territory::verify(problem, outcome)
        .map_err(|faults| Failure::fault(Diagnostic::error(Code::SPM502, faults.join("; ")), exit::BUG))
}

/// Verifies an answer, writes it and says what it is; returns the summary.
fn publish(
    opened: &Opened,
    tables: &Tables,
    (plan, rows, problem): (&TerritoryPlan, &TerritoryRows, &Problem),
    outcome: &Outcome,
    global: &Global,
    ui: &Ui,
) -> Result<Table, Failure> {
    let after = verified(problem, outcome)?;
    if !outcome.feasible {
        return Err(infeasible(plan, &violations(problem, rows, &after)));
    }
    let summary = output::summary_table(problem, rows, &after)?;
    if !global.dry_run {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.root.join(OWN);
        let folder = Folder::create(&target)?;
        let assignment = output::assignment_table(problem, rows, outcome)?;
        folder.table("assignment.parquet", &assignment, &provenance)?;
        folder.table("territories.parquet", &output::territory_table(problem, rows)?, &provenance)?;
        folder.table("summary.parquet", &summary, &provenance)?;
        folder.text("result.json", &output::result_json(plan, outcome))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    let unit = output::unit(plan);
    let moved = if problem.current.iter().any(Option::is_some) {
        format!("{} of {} accounts move", outcome.moves, rows.accounts.len())
    } else {
        format!("{} accounts in {} territories", rows.accounts.len(), problem.territories)
    };
    ui.status(&format!(
        "{moved}; cost {} {unit}, no answer costs less than {} {unit} (gap {})",
        output::cost_text(outcome.objective),
        output::cost_text(outcome.bound),
        output::gap(outcome.objective, outcome.bound).to_percent(),
    ));
    Ok(summary)
}

fn infeasible(plan: &TerritoryPlan, reasons: &[String]) -> Failure {
    let mut sink = Sink::default();
    for reason in reasons {
        let fault = Diagnostic::error(Code::SPM501, reason.clone()).at(Place::Text(plan.place.clone()), "");
        sink.push(fault.hint(
            "widen a tolerance, unlock accounts, raise max_moves or max_accounts, or add rows to adjacency",
        ));
    }
    Failure::Faults(sink, exit::INFEASIBLE)
}

fn violations(problem: &Problem, rows: &TerritoryRows, found: &Evaluation) -> Vec<String> {
    let mut all = vec!["no assignment within all limits was found; the best one breaks these:".to_owned()];
    for (index, (measure, loads)) in problem.measures.iter().zip(&found.loads).enumerate() {
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
    if let Some(limit) = problem.max_moves.filter(|limit| found.moves > *limit) {
        all.push(format!("{} accounts move, more than {limit}", found.moves));
    }
    all
}

/// An assignment with the territories that it speaks of: those that stand, or those that `create` made and wrote beside it.
struct Assigned {
    rows: TerritoryRows,
    problem: Problem,
    /// Territory of each account.
    assignment: Vec<Option<usize>>,
    /// Rows of the file that name an account or territory that the plan does not divide.
    unknown: usize,
}

/// Territories by identifier, each with its centre where one is known.
type Placed = (Vec<String>, Vec<Option<(f64, f64)>>);

/// A table of a file that somebody else may have written, with the columns that are needed.
fn read_file(path: &Path, columns: &[&str], hint: &str) -> Result<Table, Failure> {
    let mut sink = Sink::default();
    let shown = path.display().to_string();
    if !path.exists() {
        let fault = Diagnostic::error(Code::SPM101, format!("no file {shown}"));
        return Err(input(fault.hint(hint)));
    }
    let read = profile::open(Path::new(""), &shown, &mut sink);
    let Some((table, _)) = read.filter(|_| !sink.has_errors()) else {
        return Err(Failure::Faults(sink, exit::INPUT));
    };
    if let Some(column) = columns.iter().find(|column| table.column(column).is_none()) {
        let fault = Diagnostic::error(Code::SPM103, format!("{shown} has no column `{column}`"));
        return Err(input(fault.hint(hint)));
    }
    Ok(table)
}

/// Reads an assignment: a path as given, or within the project; or what stands.
fn assigned(opened: &Opened, tables: &Tables, path: &Path) -> Result<Assigned, Failure> {
    const HINT: &str = "give a file with the columns account_id and territory_id, or the word today";
    let plan = plan_of(opened)?;
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
    } else if tables.get(plan.holders).is_none() {
        let named: BTreeSet<String> = texts(&table, "territory_id").into_iter().flatten().collect();
        let homes = vec![None; named.len()];
        (!named.is_empty()).then(|| (named.into_iter().collect(), homes))
    } else {
        None
    };
    let stand = match &made {
        Some(_) if tables.get(plan.holders).is_none() => None,
        _ => Some(territory_rows(plan, tables, None).map_err(input)?),
    };
    let rows = match (stand, made) {
        (Some(rows), Some((ids, _))) if rows.territories == ids => rows,
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
    if unplaced {
        territory::find_centres(&mut problem, &assignment);
    }
    Ok(Assigned { rows, problem, assignment, unknown })
}

/// What assignments are worth, a column for each.
fn compare(opened: &Opened, tables: &Tables, paths: &[&Path]) -> Result<Table, Failure> {
    let mut columns: Vec<(&Path, output::Metrics)> = Vec::new();
    let mut proven: Option<(Problem, i128)> = None;
    for path in paths {
        let Assigned { rows, problem, assignment, unknown } = assigned(opened, tables, path)?;
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
        proven = Some((problem, bound));
    }
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in columns.iter().flat_map(|(_, metrics)| metrics) {
        if !names.contains(&name) {
            names.push(name);
        }
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
        let difference = |name: &&String| value(b, name)?.checked_sub(value(a, name)?);
        builder = builder.number("difference", 3, names.iter().map(difference));
    }
    Ok(builder.table()?)
}

/// An answer for each of several prices of a move. Each price takes the best of all answers found, so that a higher price
/// never moves more accounts.
fn frontier(opened: &Opened, tables: &Tables, ui: &Ui) -> Result<Table, Failure> {
    /// Prices in quarters of the plan's.
    const QUARTERS: [i64; 8] = [0, 1, 2, 4, 8, 16, 32, 64];
    let plan = plan_of(opened)?;
    let rows = territory_rows(plan, tables, None).map_err(input)?;
    warn(plan, &rows, false, ui);
    let mut problem = build::problem(plan, &rows, false).map_err(input)?;
    conflicts(plan, &rows, &problem)?;
    let price = problem.move_cost;
    // Moves cost `move_cost` each; the rest of the objective is the same at every price.
    let moves = |found: &Evaluation| i128::try_from(found.moves).unwrap_or(i128::MAX);
    let (mut found, mut bounds, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for quarters in QUARTERS {
        problem.move_cost = price.saturating_mul(quarters) / 4;
        let own = i128::from(problem.move_cost);
        let mut step = |round| ui.step(&format!("a move at {}, round {round}", output::cost_text(own)));
        let outcome = territory::solve(&problem, settings(plan), &mut step);
        let evaluation = verified(&problem, &outcome)?;
        if evaluation.feasible {
            found.push((evaluation.objective - moves(&evaluation) * own, moves(&evaluation)));
        } else {
            broken = violations(&problem, &rows, &evaluation);
        }
        bounds.push((own, outcome.bound));
    }
    // Limits do not depend on the price, so one feasible answer serves all.
    if found.is_empty() {
        return Err(infeasible(plan, &broken));
    }
    let cost = |price: i128, (without, moves): (i128, i128)| without + price * moves;
    let best: Vec<(i128, i128)> = bounds
        .iter()
        .filter_map(|(price, _)| found.iter().copied().min_by_key(|own| (cost(*price, *own), own.1)))
        .collect();
    let narrow = |value: i128| i64::try_from(value).ok();
    let lines = || bounds.iter().zip(&best).map(|((price, bound), own)| (*price, *bound, *own));
    let gap = |(price, bound, own): (i128, i128, (i128, i128))| {
        let gap = output::gap(cost(price, own), bound) * Rational::from(100i64);
        round_to_decimals(&gap, 3, Rounding::default()).and_then(narrow)
    };
    let table = Builder::default()
        .number("price of a move", build::COST_DECIMALS, lines().map(|(price, ..)| narrow(price)))
        .number("moves", 0, lines().map(|(.., (_, moves))| narrow(moves)))
        .number("cost without moves", build::COST_DECIMALS, lines().map(|(.., (without, _))| narrow(without)))
        .number("cost", build::COST_DECIMALS, lines().map(|(price, _, own)| narrow(cost(price, own))))
        .number("bound", build::COST_DECIMALS, lines().map(|(_, bound, _)| narrow(bound)))
        .number("gap, %", 3, lines().map(gap))
        .table()?;
    Ok(table)
}

/// Draws an assignment beside what stands.
fn map(
    opened: &Opened,
    tables: &Tables,
    assignment: &Path,
    to: &Path,
    global: &Global,
    ui: &Ui,
) -> Result<(), Failure> {
    let plan = plan_of(opened)?;
    let today = assignment == Path::new(TODAY);
    let Assigned { rows, problem, assignment: after, .. } = assigned(opened, tables, assignment)?;
    let mut panels = Vec::new();
    let stands = problem.current.iter().any(Option::is_some);
    if stands && !today {
        panels.push(panel("Today", plan, &rows, &problem, &problem.current));
    }
    panels.push(panel(if stands { "Assignment" } else { "Created" }, plan, &rows, &problem, &after));
    let map = Map { title: plan.title.clone(), panels };
    let text =
        if to.extension().is_some_and(|extension| extension == "svg") { map.svg() } else { map.html() };
    if global.dry_run {
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
    let unit = output::unit(plan);
    Panel {
        title: title.to_owned(),
        caption: format!(
            "cost {} {unit}; {} account(s) change hands; {}",
            output::cost_text(found.objective),
            found.moves,
            if found.feasible { "all limits hold" } else { "limits are broken" }
        ),
        territories: rows.territories.clone(),
        homes: rows.homes.clone(),
        dots: dots.collect(),
        bars: bars.collect(),
    }
}
