//! `spm forecast`: what to expect of every group and period, with the back-test beside it.

use spm_core::ground::diagnostic::{Code, Sink};
use spm_core::plan::Plan;
use spm_core::plan::forecast::ForecastPlan;
use spm_frame::load::{Need, Tables, is_waiting};
use spm_frame::table::Table;
use spm_frame::write::Folder;

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::insight::forecast::{self, backtest_table, forecast_table, make, result_json};

/// What is shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  spm forecast\n  spm forecast --backtest       the errors of every model tried\n\nNext to every forecast stands its error in the back-test and that of seasonal-naive, the same period of last season:\nwape is the sum of errors over the sum of amounts, mase the error in units of what seasonal-naive errs in the history."
)]
pub struct Arguments {
    /// Print the errors of every model instead of the forecast
    #[arg(long)]
    backtest: bool,
}

/// What the command reads.
pub const NEED: Need<'static> = Need {
    tables: &["accounts", "hierarchy", "reps", "transactions", "opportunities"],
    own: Some(OWN),
    days: None,
    as_of: None,
};
const OWN: &str = "out/forecast";

/// Forecasts and prints.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let tables = opened.load(&NEED, global, ui)?;
    let (forecast, backtest) = forecast(&opened, &tables, global, ui)?;
    if arguments.backtest {
        command::finish(&backtest, "spm.forecast.backtest/1", global, ui)?;
    } else {
        command::finish(&forecast, "spm.forecast/1", global, ui)?;
    }
    Ok(exit::DONE)
}

fn plans(opened: &Opened) -> Vec<&ForecastPlan> {
    opened.plans_of(|plan| if let Plan::Forecast(plan) = plan { Some(plan.as_ref()) } else { None })
}

/// What keeps forecast plans from being carried out; nothing where an earlier result is still to come.
pub fn check(opened: &Opened, tables: &Tables, sink: &mut Sink) {
    if !is_waiting(opened.folders(), &opened.project, OWN) {
        let faults =
            plans(opened).into_iter().filter_map(|plan| forecast::check(plan, &opened.project, tables).err());
        faults.for_each(|fault| sink.push(fault));
    }
}

/// Carries out and writes every forecast plan; returns the forecast to print, and the back-test.
pub fn forecast(
    opened: &Opened,
    tables: &Tables,
    global: &Global,
    ui: &Ui,
) -> Result<(Table, Table), Failure> {
    let plans = plans(opened);
    if plans.is_empty() {
        return Err(Failure::input(
            "the project has no plan with kind = \"forecast\"; add one under plans/ (docs/forecast.md)",
        ));
    }
    let (mut all, mut sink) = (Vec::new(), Sink::default());
    for plan in plans {
        ui.step(&format!("forecasting {}", plan.title));
        match make(plan, &opened.project, tables) {
            Ok(forecast) => all.push(forecast),
            Err(fault) => sink.push(fault),
        }
    }
    if sink.has_errors() {
        let bug = sink.faults().iter().any(|fault| fault.code == Code::SPM502);
        return Err(Failure::Faults(sink, if bug { exit::BUG } else { exit::INPUT }));
    }
    for note in all.iter().flat_map(|forecast| forecast.notes()) {
        ui.status(&note);
    }
    let backtest = backtest_table(&all)?;
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let target = opened.results.join(OWN);
        let folder = Folder::create(&target)?;
        folder.table("forecast.parquet", &forecast_table(&all, true)?, &provenance)?;
        folder.table("backtest.parquet", &backtest, &provenance)?;
        folder.text("result.json", &result_json(&all, &provenance))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    Ok((forecast_table(&all, all.len() > 1)?, backtest))
}
