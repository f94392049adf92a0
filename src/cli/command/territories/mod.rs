//! `spm territories`: accounts divided among salespeople or territories.

mod assign;
mod build;
mod coverage;
mod faults;
mod frontier;
mod output;
mod picture;
mod reading;
mod seats;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use spm_core::engine::territory::{self, AnyCentres, Centres, Costs, Evaluation, Outcome, Problem, Settings};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_core::plan::coverage::CoveragePlan;
use spm_core::plan::expression::Expression;
use spm_core::plan::territories::{Load, Target, TerritoryPlan};
use spm_frame::load::{Need, Tables, is_waiting, load};
use spm_frame::planning::{TerritoryRows, territory_rows};
use spm_frame::table::Table;
use spm_frame::write::Folder;
use spm_frame::{market, pairing};

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use faults::{conflicts, infeasible, violations, warn};

/// Which plan, and what to do.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Identifier of the plan, where the project has several territory plans
    #[arg(long, global = true, value_name = "ID")]
    plan: Option<String>,
    #[command(subcommand)]
    command: Command,
}

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
        #[arg(long, value_parser = at_least_one)]
        count: Option<usize>,
    },
    /// Give new accounts to those who stand: by the rules of the plan first, by fit second
    #[command(
        after_help = "Example:\n  spm territories assign --format csv\n\nNew are accounts that nobody holds who takes part. Accounts that stand stay where they are."
    )]
    Assign,
    /// Give territories to salespeople at the least cost of distance, relationship and skill
    #[command(
        after_help = "Example:\n  spm territories create --count 12\n  spm territories seats\n\nThe plan says under [seats] who may have a seat and what counts."
    )]
    Seats {
        /// Assignment of accounts to territories, or `today`; the last one that was made when absent
        assignment: Option<PathBuf>,
    },
    /// Size the market and the work: what is covered, white space, hours and seats, by segment and territory
    #[command(
        after_help = "Examples:\n  spm territories coverage                       # of what stands today\n  spm territories coverage out/territories/assignment.parquet\n\nThe plan says under [coverage] what the market is and what the work takes."
    )]
    Coverage {
        /// Assignment of accounts to territories; what stands today when absent
        assignment: Option<PathBuf>,
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
    /// Show what balance, travel and disruption cost each other: an answer for each of several tolerances and prices of a move
    #[command(
        after_help = "Examples:\n  spm territories frontier                       # 3 tolerances x 6 prices, and a picture\n  spm territories frontier --tolerances 1 --moves 0,1,10 --to frontier.svg\n\nTolerances and prices are those of the plan times these factors. No row is better than a `best` one in moves, cost\nwithout moves or deviation without being worse in another."
    )]
    Frontier(frontier::Sweep),
    /// Draw an assignment on a map, beside what stands today: one HTML file that needs nothing else
    #[command(
        after_help = "Example:\n  spm territories map out/territories/assignment.parquet --to map.html"
    )]
    Map {
        /// Assignment, or `today`; the last one that was made when absent
        assignment: Option<PathBuf>,
        /// File to write: .html, or .svg for one picture of maps and bars; map.html beside the last assignment when absent
        #[arg(long)]
        to: Option<PathBuf>,
    },
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("there must be at least one territory".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("how many territories? A whole number, such as 50".to_owned()),
    }
}

/// What the command reads.
pub const NEED: Need<'static> = Need {
    tables: &["accounts", "reps", "territories", "costs", "adjacency", "transactions"],
    own: Some(OWN),
    days: None,
    as_of: None,
};
const OWN: &str = "out/territories";
/// In place of a file: what stands.
const TODAY: &str = "today";

/// A plan with all that its commands look at.
struct Scope<'a> {
    opened: &'a Opened,
    tables: &'a Tables,
    plan: &'a TerritoryPlan,
    global: &'a Global,
    ui: &'a Ui,
}

impl Scope<'_> {
    /// A folder of results within the project: of its own for each plan, where the project has several.
    fn folder(&self, base: &str) -> PathBuf {
        let several = plans(self.opened).len() > 1;
        if several { Path::new(base).join(&self.plan.id) } else { PathBuf::from(base) }
    }

    /// The assignment that was made last.
    fn last(&self) -> PathBuf {
        self.folder(OWN).join("assignment.parquet")
    }

    fn fault(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(Place::Text(self.plan.place.clone()), "")
    }
}

/// Runs one of the commands.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let plan = plan_of(&opened, arguments.plan.as_deref())?;
    let tables = opened.load(&NEED, global, ui)?;
    let scope = Scope { opened: &opened, tables: &tables, plan, global, ui };
    let (table, schema) = match &arguments.command {
        Command::Balance => (balance(&scope)?, "spm.territories/1"),
        Command::Create { count } => (create(&scope, *count)?, "spm.territories/1"),
        Command::Assign => (assign::assign(&scope)?, "spm.territories.assign/1"),
        Command::Seats { assignment } => {
            let assignment = assignment.clone().unwrap_or_else(|| scope.last());
            (seats::seats(&scope, &assignment)?, "spm.territories.seats/1")
        }
        Command::Coverage { assignment } => {
            let own = assignment.as_deref().unwrap_or(Path::new(TODAY));
            (coverage::coverage(&scope, own)?, "spm.territories.coverage/1")
        }
        Command::Score { assignment } => {
            let own = [assignment.as_deref().unwrap_or(Path::new(TODAY))];
            (reading::compare(&scope, &own)?, "spm.territories.score/1")
        }
        Command::Compare { a, b } => (reading::compare(&scope, &[a, b])?, "spm.territories.compare/1"),
        Command::Frontier(sweep) => (frontier::frontier(&scope, sweep)?, "spm.territories.frontier/1"),
        Command::Map { assignment, to } => {
            let assignment = assignment.clone().unwrap_or_else(|| scope.last());
            let to = to.clone().unwrap_or_else(|| scope.folder(OWN).join("map.html"));
            picture::map(&scope, &assignment, &to)?;
            return Ok(exit::DONE);
        }
    };
    command::finish(&table, schema, global, ui)?;
    Ok(exit::DONE)
}

/// Balances all territory plans of a project, one after the other.
pub fn balance_all(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<(), Failure> {
    for plan in plans(opened) {
        balance(&Scope { opened, tables, plan, global, ui })?;
    }
    Ok(())
}

fn plans(opened: &Opened) -> Vec<&TerritoryPlan> {
    opened.plans_of(|plan| if let Plan::Territories(plan) = plan { Some(plan.as_ref()) } else { None })
}

fn plan_of<'a>(opened: &'a Opened, id: Option<&str>) -> Result<&'a TerritoryPlan, Failure> {
    let plans = plans(opened);
    let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
    match (id, plans.as_slice()) {
        (None, [plan]) => Ok(plan),
        (None, []) => Err(Failure::input("the project has no plan with kind = \"territories\"")),
        (None, _) => {
            let message = format!(
                "the project has {} plans with kind = \"territories\"; name one with --plan: {}",
                plans.len(),
                ids.join(", ")
            );
            Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE))
        }
        (Some(id), _) => plans.iter().find(|plan| plan.id == id).copied().ok_or_else(|| {
            let near = suggestion(id, ids.iter().copied()).map_or_else(
                || format!("they are: {}", ids.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            let message = format!("the project has no territory plan `{id}`; {near}");
            Failure::Other(anyhow::Error::msg(message), exit::USAGE)
        }),
    }
}

fn input(fault: Diagnostic) -> Failure {
    Failure::fault(fault, exit::INPUT)
}

/// Balances what stands and writes; returns the summary.
fn balance(scope: &Scope<'_>) -> Result<Table, Failure> {
    let Scope { plan, ui, .. } = *scope;
    let rows = territory_rows(plan, scope.tables, None).map_err(input)?;
    warn(plan, &rows, false, ui);
    let mut problem = build::problem(plan, &rows, false).map_err(input)?;
    conflicts(plan, &rows, &problem)?;
    let mut step = |round| ui.step(&format!("balancing, round {round}"));
    let outcome = match &mut problem.costs {
        Costs::Travel(travel) if plan.from_centre => {
            travel.centres = if plan.centre_at_account { Centres::Account } else { Centres::Anywhere };
            territory::balance_around_centres(&mut problem, settings(plan), &mut step)
        }
        _ => territory::solve(&problem, settings(plan), &mut step),
    };
    publish(scope, (&rows, &problem), &outcome)
}

/// What of the territory plans cannot be balanced, and what is likely a mistake. Plans that measure transactions are looked at with all
/// of them.
pub fn check(opened: &Opened, tables: &Tables, sink: &mut Sink) {
    if sink.has_errors() || is_waiting(opened.folders(), &opened.project, OWN) {
        return;
    }
    let mut held: Option<Tables> = None;
    let mut divided: BTreeMap<(&str, &str, String), &TerritoryPlan> = BTreeMap::new();
    for plan in plans(opened) {
        let sold = plan.measures.iter().any(|own| matches!(own.load, Load::Transactions(..)));
        let tables = if sold {
            held.get_or_insert_with(|| {
                let need = Need { tables: &["transactions"], own: None, days: None, as_of: None };
                load(opened.folders(), &opened.project, &need, &mut Sink::default()).beside(tables)
            })
        } else {
            tables
        };
        // A plan for `create` alone has nobody to hold anything yet.
        if tables.get(plan.holders).is_none() {
            continue;
        }
        let rows = match territory_rows(plan, tables, None) {
            Ok(rows) => rows,
            Err(fault) => {
                sink.push(fault);
                continue;
            }
        };
        sink.append(faults::doubts(plan, &rows, false));
        for account in &rows.accounts {
            let key = (plan.holders, plan.current.as_str(), account.clone());
            if let Some(other) = divided.insert(key, plan) {
                let message = format!(
                    "`{}` and `{}` both divide account {account} by the column `{}`: the later one overrules the other",
                    other.id, plan.id, plan.current
                );
                let fault = Diagnostic::warning(Code::SPM304, message);
                let fault = fault.at(Place::Text(plan.place.clone()), "");
                sink.push(
                    fault.hint("give each plan accounts of its own with `accounts`, or another `current`"),
                );
                break;
            }
        }
        match build::problem(plan, &rows, false) {
            Ok(problem) => {
                if let Err(Failure::Faults(own, _)) = conflicts(plan, &rows, &problem) {
                    sink.append(own);
                }
                if let Err(fault) = pairing::ruled(plan, &rows) {
                    sink.push(fault);
                }
            }
            Err(fault) => sink.push(fault),
        }
    }
}

/// Creates territories and writes; returns the summary.
fn create(scope: &Scope<'_>, count: Option<usize>) -> Result<Table, Failure> {
    let Scope { plan, ui, .. } = *scope;
    let by_work = match &plan.coverage {
        Some(coverage) if plan.by_workload && count.is_none() => Some(seats_needed(scope, coverage)?),
        _ => None,
    };
    let Some(count) = count.or(by_work).or(plan.territories).filter(|count| *count > 0) else {
        let fault = scope.fault(Code::SPM004, "how many territories? The plan has no `territories`");
        return Err(input(fault.hint("territories = 50 in the plan, or --count 50")));
    };
    // A limit that is a plain number holds for any territory.
    let of_holder =
        |limit: &Option<Expression>| limit.as_ref().is_some_and(|limit| !limit.columns().is_empty());
    let needs_holders = plan.cost.is_some()
        || plan.allowed.is_some()
        || plan.misfit.is_some()
        || plan.measures.iter().any(|own| {
            of_holder(&own.least)
                || of_holder(&own.most)
                || match &own.target {
                    Target::Equal => false,
                    Target::Capacity => true,
                    Target::Given(target) => !target.columns().is_empty(),
                }
        });
    if needs_holders {
        let message = "new territories have no holders yet, so `cost`, `allowed`, `misfit`, columns in `least`, `most` and `target`, and target = \"capacity\" mean nothing to `create`";
        let hint = "use tolerances of equal targets, or limits that are plain numbers, in this plan";
        return Err(input(scope.fault(Code::SPM304, message).hint(hint)));
    }
    let rows = territory_rows(plan, scope.tables, Some(count)).map_err(input)?;
    if rows.accounts.len() < count {
        let message = format!("{} accounts cannot fill {count} territories", rows.accounts.len());
        let fault = scope.fault(Code::SPM501, message).hint("ask for fewer territories");
        return Err(Failure::fault(fault, exit::INFEASIBLE));
    }
    warn(plan, &rows, true, ui);
    let mut problem = build::problem(plan, &rows, true).map_err(input)?;
    conflicts(plan, &rows, &problem)?;
    let outcome = territory::create(&mut problem, settings(plan), &mut |round| {
        ui.step(&format!("creating, round {round}"));
    });
    publish(scope, (&rows, &problem), &outcome)
}

/// As many seats as the work of all accounts takes.
fn seats_needed(scope: &Scope<'_>, coverage: &CoveragePlan) -> Result<usize, Failure> {
    let rows = territory_rows(scope.plan, scope.tables, Some(1)).map_err(input)?;
    let hours = market::workload(coverage, &rows).map_err(input)?;
    let available = market::hours_of_anybody(coverage, &rows).map_err(input)?;
    let seats = territory::seats_for(&hours, &available).ok_or_else(|| {
        let fault =
            scope.fault(Code::SPM110, "`available` of [coverage] is zero, so no number of seats is enough");
        input(fault.hint("available = 1200"))
    })?;
    scope.ui.status(&format!(
        "{} hours of work at {} for each seat: {seats} territories",
        hours.iter().sum::<Rational>().to_decimal_text(),
        available.to_decimal_text(),
    ));
    Ok(seats)
}

fn settings(plan: &TerritoryPlan) -> Settings {
    Settings { iterations: plan.iterations, seed: plan.seed }
}

/// Whether a picture is written as SVG, and not as a page.
fn is_svg(path: &Path) -> Result<bool, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Ok(true),
        Some("html" | "htm") => Ok(false),
        _ => {
            let message =
                format!("{} is neither .html nor .svg: pictures are written as these", path.display());
            Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE))
        }
    }
}

/// What an answer is worth, by code that did not make it.
fn verified(problem: &Problem, outcome: &Outcome) -> Result<Evaluation, Failure> {
    territory::verify(problem, outcome)
        .map_err(|faults| Failure::fault(Diagnostic::error(Code::SPM502, faults.join("; ")), exit::BUG))
}

/// Verifies an answer, writes it and says what it is; returns the summary.
fn publish(
    scope: &Scope<'_>,
    (rows, problem): (&TerritoryRows, &Problem),
    outcome: &Outcome,
) -> Result<Table, Failure> {
    let Scope { opened, tables, plan, ui, .. } = *scope;
    let after = verified(problem, outcome)?;
    if !outcome.feasible {
        return Err(infeasible(plan, &violations(problem, rows, &after)));
    }
    let anywhere = AnyCentres::of(problem, outcome.objective);
    if let Some(own) = anywhere.as_ref().filter(|own| own.proves(problem) != Some(own.bound)) {
        let message = format!("what accounts are worth does not prove {}", own.bound);
        return Err(Failure::fault(Diagnostic::error(Code::SPM502, message), exit::BUG));
    }
    let summary = output::summary_table(problem, rows, &after)?;
    if !scope.global.dry_run {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.results.join(scope.folder(OWN));
        let folder = Folder::create(&target)?;
        let assignment = output::assignment_table(problem, rows, outcome)?;
        folder.table("assignment.parquet", &assignment, &provenance)?;
        folder.table("territories.parquet", &output::territory_table(problem, rows)?, &provenance)?;
        folder.table("summary.parquet", &summary, &provenance)?;
        folder.text("result.json", &output::result_json(plan, problem, outcome, anywhere.as_ref()))?;
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
    let created = matches!(&problem.costs, Costs::Travel(travel) if travel.centres != Centres::Given);
    ui.status(&format!("{moved}; {}", output::certificate(outcome, unit, created)));
    if let Some(anywhere) = &anywhere {
        ui.status(&format!(
            "wherever at accounts the centres are, no answer costs less than {} {unit} (gap {})",
            output::cost_text(anywhere.bound),
            output::gap(outcome.objective, anywhere.bound).to_percent(),
        ));
    }
    if let Some(loose) = outcome.loose.filter(|loose| *loose < outcome.objective) {
        let more = output::cost_text(outcome.objective - loose);
        ui.status(&format!(
            "hanging together costs {more} {unit} beside the best answer found that need not"
        ));
    }
    Ok(summary)
}
