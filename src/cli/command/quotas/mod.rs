//! `spm quotas`: goals shared from the company to salespeople, explained, and adjusted during the year.

mod adjust;
mod allocate;
mod capacity;
mod explain;
mod show;

use std::collections::BTreeSet;

use rayon::prelude::*;
use spm_core::engine::quota::{self, Planned, Question, Seat, plan_quotas, season_days};
use spm_core::ground::diagnostic::{Code, Diagnostic, Severity, Sink};
use spm_core::ground::period::{Date, DateRange};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_core::plan::quotas::{LastQuota, Levels, QuotaPlan};
use spm_frame::load::{Need, Tables, awaited, is_waiting, load as load_tables};
use spm_frame::seats::{seats, sold_in};

use crate::cli::Global;
use crate::cli::command::fairness;
use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;

pub use allocate::allocate;

/// Quota commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Share the total down to salespeople, and the year over its periods
    #[command(
        after_help = "Examples:\n  spm quotas allocate --output quotas.xlsx\n  spm quotas allocate --table reconciliation\n\nQuotas that `spm quotas adjust` has changed stand; --restart allocates from the beginning."
    )]
    Allocate {
        /// Which result is printed (all of them are written to out/quotas)
        #[arg(long, value_enum, default_value = "quotas")]
        table: Printed,
        /// Throw away the adjustments of `spm quotas adjust`
        #[arg(long)]
        restart: bool,
    },
    /// Explain the quota of one holder: its parts, its share level by level, its periods
    #[command(after_help = "Example:\n  spm quotas explain --holder 275")]
    Explain {
        /// A salesperson, or a holder above as quotas.parquet names it
        #[arg(long)]
        holder: String,
        /// Only quotas of this name
        #[arg(long)]
        measure: Option<String>,
    },
    /// Print the quotas that stand, by holder and period: as allocated, or as adjusted since
    #[command(
        after_help = "Example:\n  spm quotas show --holder 275\n  spm quotas show --output quotas.xlsx"
    )]
    Show {
        /// Only this holder, as quotas.parquet names it
        #[arg(long)]
        holder: Option<String>,
        /// Only quotas of this name
        #[arg(long)]
        measure: Option<String>,
    },
    /// Compare what the heads there and to come can bring with what the company has to reach
    #[command(
        after_help = "Example:\n  spm quotas capacity\n\nFor plans with a table [capacity]: heads x productivity x attainment, with ramp, hires, leavers and attrition."
    )]
    Capacity,
    /// Share open periods anew after hires, leavers, transfers or moved accounts; closed periods stay
    #[command(
        after_help = "Example:\n  spm quotas adjust --from P15 --reason \"Ito has left\"\n\nWhat is kept is said by `adjust` of the plan. Each adjustment is a new version beside the old ones in out/quotas/versions."
    )]
    Adjust {
        /// First open period; earlier ones stay as they are
        #[arg(long, value_name = "PERIOD")]
        from: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Score quotas: chances, spreads, correlations and cost, each beside its reference band
    Score(fairness::Arguments),
}

/// A result of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Printed {
    /// Amounts by holder and period
    Quotas,
    /// What each year consists of
    Parts,
    /// Top-down beside bottom-up
    Reconciliation,
}

/// Where results are.
const OWN: &str = "out/quotas";

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let tables = || load(&opened, global, ui);
    match command {
        Command::Allocate { table, restart } => {
            allocate::run(&opened, &tables()?, *table, *restart, global, ui)
        }
        Command::Capacity => capacity::run(&opened, &tables()?, global, ui),
        Command::Explain { holder, measure } => {
            explain::run(&opened, &tables()?, holder, measure.as_deref(), global, ui)
        }
        Command::Adjust { from, reason } => adjust::run(&opened, &tables()?, from, reason, global, ui),
        Command::Show { holder, measure } => {
            show::run(&opened, holder.as_deref(), measure.as_deref(), global, ui)
        }
        Command::Score(arguments) => fairness::run(arguments, &opened, global, ui),
    }
}

/// Loads the tables that the project's quota plans look at.
pub fn load(opened: &Opened, global: &Global, ui: &Ui) -> Result<Tables, Failure> {
    let plans = plans(opened)?;
    let mut names = vec!["accounts", "reps", "transactions"];
    if plans.iter().any(|plan| matches!(plan.last_quota, Some(LastQuota::Periods(_)))) {
        names.push("quotas");
    }
    names.push("rep_history");
    if plans.iter().any(|plan| matches!(plan.levels, Levels::Managers(_))) {
        names.push("hierarchy");
    }
    let by_days = |plan: &&QuotaPlan| plan.by_time || plan.sold().is_some_and(|sold| sold.annualised);
    if plans.iter().any(by_days) {
        names.push("leaves");
    }
    opened.load(&Need { tables: &names, own: Some(OWN), days: None, as_of: None }, global, ui)
}

fn plans(opened: &Opened) -> Result<Vec<&QuotaPlan>, Failure> {
    let plans =
        opened.plans_of(|plan| if let Plan::Quotas(plan) = plan { Some(plan.as_ref()) } else { None });
    if plans.is_empty() {
        return Err(Failure::input("the project has no plan with kind = \"quotas\"; add one under plans/"));
    }
    match twice(&plans) {
        Some(fault) => Err(Failure::fault(fault, exit::INPUT)),
        None => Ok(plans),
    }
}

/// Two plans, or their lines, that give quotas of one name.
fn twice(plans: &[&QuotaPlan]) -> Option<Diagnostic> {
    let mut named: Vec<(&str, &QuotaPlan)> = Vec::new();
    for plan in plans {
        for measure in plan.measures() {
            if let Some((_, other)) = named.iter().find(|(name, _)| *name == measure) {
                let message =
                    format!("the plans `{}` and `{}` both give quotas named `{measure}`", other.id, plan.id);
                let fault = Diagnostic::error(Code::SPM009, message)
                    .at(Place::Text(plan.clause("measure").clone()), "")
                    .at(Place::Text(other.clause("measure").clone()), "");
                return Some(fault.hint("give one of them another `measure`"));
            }
            named.push((measure, plan));
        }
    }
    None
}

/// What of the quota plans does not fit the calendar and the people that are there, and the names of all holders. Where
/// nothing is wrong so far the quotas are allocated as well, so that limits without an answer are seen here.
pub fn check(opened: &Opened, tables: &Tables, sink: &mut Sink) -> BTreeSet<String> {
    let mut holders = BTreeSet::from([opened.project.name.clone()]);
    let plans =
        opened.plans_of(|plan| if let Plan::Quotas(plan) = plan { Some(plan.as_ref()) } else { None });
    // What other results are still to change would be judged too early.
    let sound = !sink.has_errors() && !is_waiting(opened.folders(), &opened.project, OWN);
    twice(&plans).into_iter().for_each(|fault| sink.push(fault));
    for plan in plans {
        missing(plan, opened).into_iter().for_each(|fault| sink.push(fault));
        let currency = opened.project.currency.code();
        // Transactions are not held here, so warnings about what was sold would be wrong.
        let mut own = Sink::default();
        match seats(plan, tables, &opened.project.calendar, currency, None, &mut own) {
            Ok(seats) => {
                let sold = vec![Rational::one(); plan.phasing.len()];
                let facts = Facts { seats, sold, sold_of_lines: vec![] };
                match quota::check(&facts.question(plan, opened)) {
                    Ok(names) if sound => {
                        holders.extend(names);
                        own = try_out(plan, facts, opened, tables, sink).unwrap_or(own);
                    }
                    Ok(names) => holders.extend(names),
                    Err(faults) => faults.into_iter().for_each(|fault| sink.push(fault)),
                }
            }
            // Loops of managers are told once, of all people and days.
            Err(fault) if fault.code == Code::SPM405 => {}
            Err(fault) => sink.push(fault),
        }
        let gaps = own.faults().iter().filter(|fault| matches!(fault.code, Code::SPM422 | Code::SPM424));
        gaps.for_each(|fault| sink.push(fault.clone()));
    }
    holders
}

/// What a plan reads of an earlier result that is not there yet, so that the column is empty.
fn missing(plan: &QuotaPlan, opened: &Opened) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = vec![];
    let mut files = BTreeSet::new();
    for (table, column, key) in plan.reads() {
        let Some(file) = awaited(opened.folders(), &opened.project, table, column) else { continue };
        if !files.insert(file) {
            continue;
        }
        let message = format!("`{column}` of {table} comes from {file}, which is not there yet");
        let fault = Diagnostic::warning(Code::SPM503, message);
        let makes = match file.split('/').nth(1).filter(|_| file.starts_with("out/")) {
            Some("potential") => "run `spm potential` first, or `spm run` for all steps in their order",
            Some("territories") => {
                "run `spm territories balance` first, or `spm run` for all steps in their order"
            }
            _ => "make it first, or say in spm.toml what counts without it",
        };
        found.push(fault.at(Place::Text(plan.clause(key).clone()), "").hint(makes));
    }
    found
}

/// Allocates a plan for its faults, with the transactions of the days that it looks at; what is missing with these, for a plan
/// that looks at some.
fn try_out(
    plan: &QuotaPlan,
    facts: Facts,
    opened: &Opened,
    tables: &Tables,
    sink: &mut Sink,
) -> Option<Sink> {
    let calendar = &opened.project.calendar;
    let Some(sold) = plan.sold() else {
        tell(plan_quotas(&facts.question(plan, opened)), sink);
        return None;
    };
    let seasons = season_days(plan, calendar).unwrap_or_default();
    let days = seasons.iter().flatten().chain([&sold.days]);
    let range = Some(DateRange {
        from: days.clone().map(|days| days.from).min()?,
        to: days.map(|days| days.to).max()?,
    });
    let need = Need { tables: &["transactions"], own: None, days: range, as_of: None };
    let held = load_tables(opened.folders(), &opened.project, &need, &mut Sink::default()).beside(tables);
    let mut own = Sink::default();
    let facts = Facts::of(plan, opened, &held, None, &mut own);
    match facts {
        Ok(facts) => tell(plan_quotas(&facts.question(plan, opened)), sink),
        Err(faults) => tell(Err(faults), sink),
    }
    Some(own)
}

/// Faults and warnings of a trial.
fn tell(tried: Result<Planned, Vec<Diagnostic>>, sink: &mut Sink) {
    let faults = match tried {
        Ok(planned) => planned.notices,
        Err(faults) => faults,
    };
    faults.into_iter().for_each(|fault| sink.push(fault));
}

/// What the rows of a plan say.
struct Facts {
    seats: Vec<Seat>,
    sold: Vec<Rational>,
    sold_of_lines: Vec<Vec<Rational>>,
}

impl Facts {
    fn of(
        plan: &QuotaPlan,
        opened: &Opened,
        tables: &Tables,
        from: Option<Date>,
        sink: &mut Sink,
    ) -> Result<Self, Vec<Diagnostic>> {
        let calendar = &opened.project.calendar;
        let seasons = season_days(plan, calendar)?;
        let one = |fault| vec![fault];
        let sold = |plan| sold_in(plan, &seasons, tables, opened.project.currency.code()).map_err(one);
        let lines = plan.lines.iter().filter(|_| !seasons.is_empty()).map(|line| sold(&line.own));
        Ok(Self {
            seats: seats(plan, tables, calendar, opened.project.currency.code(), from, sink).map_err(one)?,
            sold: sold(plan)?,
            sold_of_lines: lines.collect::<Result<_, _>>()?,
        })
    }

    fn question<'a>(&'a self, plan: &'a QuotaPlan, opened: &'a Opened) -> Question<'a> {
        Question {
            plan,
            company: &opened.project.name,
            currency: &opened.project.currency,
            calendar: &opened.project.calendar,
            seats: &self.seats,
            sold: &self.sold,
            sold_of_lines: &self.sold_of_lines,
        }
    }
}

/// Every plan with its quotas; warnings are shown.
fn planned<'a>(
    opened: &'a Opened,
    tables: &Tables,
    ui: &Ui,
) -> Result<Vec<(&'a QuotaPlan, Planned)>, Failure> {
    planned_with(opened, tables, ui, |_, own| Ok(own))
}

/// As [`planned`], with something made of each plan's facts and quotas.
fn planned_with<'a, T>(
    opened: &'a Opened,
    tables: &Tables,
    ui: &Ui,
    make: impl Fn(&Question<'_>, Planned) -> Result<T, Vec<Diagnostic>> + Sync,
) -> Result<Vec<(&'a QuotaPlan, T)>, Failure>
where
    T: Send,
{
    let plans = plans(opened)?;
    ui.step(&format!("allocating {} plan(s)", plans.len()));
    // Plans do not depend on each other; their faults and results are taken in order.
    let of_plan = |plan: &&'a QuotaPlan| {
        let mut sink = Sink::default();
        let facts = Facts::of(plan, opened, tables, None, &mut sink);
        let mut made = facts.and_then(|facts| {
            let question = facts.question(plan, opened);
            let own = plan_quotas(&question)?;
            own.notices.iter().for_each(|notice| sink.push(notice.clone()));
            make(&question, own)
        });
        let missing = missing(plan, opened);
        match &mut made {
            // Numbers that are not there yet leave no answer, which says nothing of the plan.
            Err(faults) if !missing.is_empty() && faults.iter().all(|fault| fault.code == Code::SPM501) => {
                *faults = missing
                    .into_iter()
                    .map(|fault| Diagnostic { severity: Severity::Error, ..fault })
                    .collect();
            }
            _ => missing.into_iter().for_each(|fault| sink.push(fault)),
        }
        (*plan, made, sink)
    };
    let results: Vec<_> = plans.par_iter().map(of_plan).collect();
    let mut all = Sink::default();
    let mut planned = Vec::new();
    for (plan, made, sink) in results {
        all.append(sink);
        match made {
            Ok(made) => planned.push((plan, made)),
            Err(faults) => faults.into_iter().for_each(|fault| all.push(fault)),
        }
    }
    if all.has_errors() {
        return Err(failed(all));
    }
    ui.notices(&all);
    Ok(planned)
}

/// Faults with the exit code of the gravest.
fn failed(sink: Sink) -> Failure {
    let has = |code| sink.faults().iter().any(|fault| fault.code == code);
    let code = match (has(Code::SPM502), has(Code::SPM501)) {
        (true, _) => exit::BUG,
        (_, true) => exit::INFEASIBLE,
        _ => exit::INPUT,
    };
    Failure::Faults(sink, code)
}
