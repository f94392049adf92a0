//! `spm potential`: what every seat is expected to sell, by a model that can be inspected.

use spm_core::ground::diagnostic::{Code, Sink};
use spm_core::plan::Plan;
use spm_core::plan::potential::PotentialPlan;
use spm_frame::load::{Need, Tables, is_waiting};
use spm_frame::table::Table;
use spm_frame::write::Folder;

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::insight::potential::make;

/// What is shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  spm potential\n  spm potential --coefficients      what one unit of each input is worth\n\nThe parts of a row add up to what is expected: base, the mean of all seats, and what each input adds to it.\nThe error for seats that the model has not seen is printed beside that of `the same as before`."
)]
pub struct Arguments {
    /// Print the coefficients instead of the seats
    #[arg(long)]
    coefficients: bool,
}

/// What the command reads.
pub const NEED: Need<'static> =
    Need { tables: &["accounts", "leaves", "reps", "transactions"], own: Some(OWN), days: None, as_of: None };
const OWN: &str = "out/potential";

/// Learns, writes and prints.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let tables = opened.load(&NEED, global, ui)?;
    let (model, coefficients) = learn(&opened, &tables, global, ui)?;
    if arguments.coefficients {
        command::finish(&coefficients, "spm.potential.coefficients/1", global, ui)?;
    } else {
        command::finish(&model, "spm.potential/1", global, ui)?;
    }
    Ok(exit::DONE)
}

fn plans(opened: &Opened) -> Vec<&PotentialPlan> {
    opened.plans_of(|plan| if let Plan::Potential(plan) = plan { Some(plan.as_ref()) } else { None })
}

/// What keeps potential plans from being carried out; nothing where an earlier result is still to come.
pub fn check(opened: &Opened, tables: &Tables, sink: &mut Sink) {
    if !is_waiting(opened.folders(), &opened.project, OWN) {
        let faults = plans(opened).into_iter().filter_map(|plan| make(plan, &opened.project, tables).err());
        faults.for_each(|fault| sink.push(fault));
    }
}

/// Carries out and writes the potential plan; returns the seats and the coefficients.
pub fn learn(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<(Table, Table), Failure> {
    let plans = plans(opened);
    let [plan] = plans.as_slice() else {
        return Err(Failure::input(format!(
            "the project has {} plans with kind = \"potential\"; it needs one (docs/fairness.md)",
            plans.len()
        )));
    };
    ui.step("learning");
    let made = make(plan, &opened.project, tables).map_err(|fault| {
        let code = if fault.code == Code::SPM502 { exit::BUG } else { exit::INPUT };
        Failure::fault(fault, code)
    })?;
    made.notes.iter().for_each(|note| ui.status(note));
    let (model, coefficients) = (made.model_table()?, made.coefficients_table()?);
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let target = opened.results.join(OWN);
        let folder = Folder::create(&target)?;
        folder.table("model.parquet", &model, &provenance)?;
        folder.table("coefficients.parquet", &coefficients, &provenance)?;
        folder.text("result.json", &made.result_json(&provenance))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    Ok((model, coefficients))
}
