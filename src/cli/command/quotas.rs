//! `spm quotas`: goals shared from the company to salespeople.

use std::collections::{BTreeMap, BTreeSet};

use spm_core::engine::quota::{self, Allocation, Holder, Measure, Phasing, Problem, Residue, Total};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::source::Place;
use spm_core::ground::trace::Unit;
use spm_core::plan::Plan;
use spm_core::plan::quotas::{Method, QuotaPlan};
use spm_frame::load::{Need, Tables};
use spm_frame::planning::{history, quota_people};
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};

/// Quota commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Share the total down to salespeople, and the year over its periods
    #[command(after_help = "Example:\n  spm quotas allocate --output quotas.xlsx")]
    Allocate,
}

/// What the command reads.
pub const NEED: Need<'static> =
    Need { tables: &["accounts", "reps", "transactions"], own: Some(OWN), days: None };
const OWN: &str = "out/quotas";

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let Command::Allocate = command;
    let tables = opened.load(&NEED, global, ui)?;
    let quotas = allocate(&opened, &tables, global, ui)?;
    command::finish(&quotas, "spm.quotas/1", global, ui)?;
    Ok(exit::DONE)
}

/// Allocates and writes every quota plan; returns the quotas.
pub fn allocate(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<Table, Failure> {
    let plans =
        opened.plans_of(|plan| if let Plan::Quotas(plan) = plan { Some(plan.as_ref()) } else { None });
    if plans.is_empty() {
        return Err(Failure::input("the project has no plan with kind = \"quotas\"; add one under plans/"));
    }
    let mut allocated = Vec::new();
    let mut sink = Sink::default();
    for plan in plans {
        ui.step(&format!("allocating {}", plan.title));
        match allocate_plan(plan, opened, tables) {
            Ok(allocation) => allocated.push((plan, allocation)),
            Err(faults) => faults.into_iter().for_each(|fault| sink.push(fault)),
        }
    }
    if sink.has_errors() {
        let infeasible = sink.faults().iter().any(|fault| fault.code == Code::SPM501);
        let bug = sink.faults().iter().any(|fault| fault.code == Code::SPM502);
        return Err(Failure::Faults(
            sink,
            if bug {
                exit::BUG
            } else if infeasible {
                exit::INFEASIBLE
            } else {
                exit::INPUT
            },
        ));
    }
    let quotas = quotas_table(&allocated)?;
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let target = opened.root.join(OWN);
        let folder = Folder::create(&target)?;
        folder.table("quotas.parquet", &quotas, &provenance)?;
        folder.table("parts.parquet", &parts_table(&allocated)?, &provenance)?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {} ({} quotas)", target.display(), quotas.frame.height()));
    }
    Ok(quotas)
}

fn allocate_plan(plan: &QuotaPlan, opened: &Opened, tables: &Tables) -> Result<Allocation, Vec<Diagnostic>> {
    let calendar = &opened.project.calendar;
    let place = || Place::Text(plan.place.clone());
    let unknown: Vec<Diagnostic> = plan
        .phasing
        .iter()
        .filter(|(period, _)| calendar.index_of(period).is_none())
        .map(|(period, _)| {
            Diagnostic::error(Code::SPM012, format!("the calendar has no period {period:?}")).at(place(), "")
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let people = quota_people(plan, tables).map_err(|fault| vec![fault])?;
    let sold = history(plan, tables).map_err(|fault| vec![fault])?;
    let decimals = opened.project.currency.decimals();
    let problem = Problem {
        total: match &plan.total {
            Some(total) => Total::Given(total.clone()),
            None => Total::GrowthOnHistory { growth: plan.growth.clone() },
        },
        measured_in: Unit::Money(opened.project.currency.code().to_owned()),
        decimals,
        unit: plan.unit.clone(),
        residue: Residue::PartialUnit,
        method: match plan.method {
            Method::History => quota::Method::Proportional(Measure::History),
            Method::Equal => quota::Method::Proportional(Measure::Headcount),
            Method::Growth => quota::Method::GrowthOnHistory { growth: plan.growth.clone() },
        },
        holders: holders(plan, &opened.project.name, &people, &sold, decimals),
        over_assignment: BTreeMap::new(),
        phasing: Some(Phasing { unit: plan.unit.clone(), periods: plan.phasing.clone() }),
    };
    let at = |fault: Diagnostic| fault.at(place(), "");
    let allocation = quota::allocate(&problem)
        .map_err(|faults| faults.iter().map(|fault| at(fault.to_diagnostic())).collect::<Vec<_>>())?;
    let disagreements = quota::verify(&problem, &allocation);
    if disagreements.is_empty() {
        return Ok(allocation);
    }
    Err(disagreements
        .into_iter()
        .map(|fault| at(Diagnostic::error(Code::SPM502, format!("{}: {}", fault.holder, fault.message))))
        .collect())
}

/// The company, one holder for each path of level values, and the people. An upper holder is named after its path,
/// because one territory name may occur in two groups.
fn holders(
    plan: &QuotaPlan,
    company: &str,
    people: &[(String, Vec<Option<String>>)],
    sold: &BTreeMap<String, Rational>,
    decimals: u32,
) -> Vec<Holder> {
    let mut holders = vec![Holder::new(company, "company", None)];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (id, levels) in people {
        let mut parent = company.to_owned();
        for (level, value) in plan.levels.iter().zip(levels) {
            let name = value.as_deref().unwrap_or("(none)");
            let path = if parent == company { name.to_owned() } else { format!("{parent} / {name}") };
            if seen.insert(path.clone()) {
                holders.push(Holder::new(&path, level, Some(&parent)));
            }
            parent = path;
        }
        let own = sold.get(id).cloned().unwrap_or_default();
        // A limit between two cents becomes the nearest cent: limits are shares of history, not promises of fractions.
        let limit = |share: &Option<Rational>| {
            let units = round_to_decimals(&(&own * share.as_ref()?), decimals, Rounding::default())?;
            Some(Rational::from_scaled(units, decimals))
        };
        let mut holder = Holder::new(id, "salesperson", Some(&parent));
        (holder.floor, holder.cap) = (limit(&plan.floor), limit(&plan.cap));
        holder.history = Some(own);
        holders.push(holder);
    }
    holders
}

fn quotas_table(allocated: &[(&QuotaPlan, Allocation)]) -> Result<Table, Failure> {
    let decimals = allocated.iter().map(|(_, allocation)| allocation.decimals).max().unwrap_or(0);
    let rows: Vec<_> = allocated
        .iter()
        .flat_map(|(plan, allocation)| {
            allocation.quotas.iter().filter(|quota| quota.period.is_some()).map(move |quota| (plan, quota))
        })
        .collect();
    let amounts = rows.iter().map(|(_, quota)| narrow(quota.amount_minor)).collect::<Result<Vec<_>, _>>()?;
    let table = Builder::default()
        .text("holder_id", rows.iter().map(|(_, quota)| Some(quota.holder.as_str())))
        .text("level", rows.iter().map(|(_, quota)| Some(quota.level.as_str())))
        .text("parent_id", rows.iter().map(|(_, quota)| quota.parent.as_ref().map(|parent| parent.as_str())))
        .text("measure", rows.iter().map(|(plan, _)| Some(plan.measure.as_str())))
        .text("period", rows.iter().map(|(_, quota)| quota.period.as_deref()))
        .number("amount", decimals, amounts)
        .table()?;
    Ok(table)
}

fn narrow(value: i128) -> Result<Option<i64>, Failure> {
    i64::try_from(value)
        .map(Some)
        .map_err(|_| Failure::fault(Diagnostic::error(Code::SPM402, "a quota leaves 64 bits"), exit::INPUT))
}

/// Why each holder's year is what it is: the parts add up to the amount. Exact texts.
fn parts_table(allocated: &[(&QuotaPlan, Allocation)]) -> Result<Table, Failure> {
    let rows: Vec<_> = allocated
        .iter()
        .flat_map(|(plan, allocation)| allocation.explanations.iter().map(move |why| (plan, why)))
        .collect();
    let part = |read: &dyn Fn(&quota::Parts) -> &Rational| {
        rows.iter().map(|(_, why)| Some(read(&why.parts).to_string())).collect::<Vec<_>>()
    };
    let table = Builder::default()
        .text("holder_id", rows.iter().map(|(_, why)| Some(why.holder.as_str())))
        .text("measure", rows.iter().map(|(plan, _)| Some(plan.measure.as_str())))
        .text("amount", rows.iter().map(|(_, why)| Some(why.amount.to_string())))
        .text("history", part(&|parts| &parts.history))
        .text("growth_share", part(&|parts| &parts.growth_share))
        .text("from_above", part(&|parts| &parts.from_above))
        .text("limits", part(&|parts| &parts.limits))
        .text("rounding", part(&|parts| &parts.rounding))
        .table()?;
    Ok(table)
}
