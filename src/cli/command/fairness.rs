//! `spm quotas score`: how fair a set of quotas is, each metric beside its reference band.

use std::path::{Path, PathBuf};

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::plan::Plan;
use spm_core::plan::fairness::FairnessPlan;
use spm_frame::facts::{QuotaRow, numbers_by, quota_rows};
use spm_frame::load::{Need, Tables};
use spm_frame::profile;
use spm_frame::quota::quotas;
use spm_frame::table::Table;
use spm_frame::write::Folder;

use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::insight::fairness::{Question, score};

/// What is scored.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  spm quotas score                               # what `spm quotas allocate` wrote\n  spm quotas score table --period P9..P12        # past quotas of the extract against what was sold\n  spm quotas score --seats                       # the chance of each seat\n\nFuture quotas are scored on drawn sales, past ones on what was sold. Bands are practice, not law: each stands with\nits source, and the plan (kind = \"fairness\") may give others."
)]
pub struct Arguments {
    /// CSV, Parquet or XLSX with holder_id, period and amount, or the word table for the quotas of spm.toml
    #[arg(default_value = "out/quotas/quotas.parquet")]
    quotas: PathBuf,
    /// Only these periods: one, a group, or a range (P9..P12)
    #[arg(long)]
    period: Option<String>,
    /// Print the seats instead of the metrics
    #[arg(long)]
    seats: bool,
    /// Exit code 1 when a metric lies outside its band
    #[arg(long)]
    strict: bool,
}

const NEED: Need<'static> = Need {
    tables: &[
        "accounts",
        "assignments",
        "hierarchy",
        "leaves",
        "quotas",
        "rates",
        "reps",
        "splits",
        "transactions",
    ],
    own: Some(OWN),
    days: None,
    as_of: None,
};
const OWN: &str = "out/fairness";
const MODEL: &str = "out/potential/model.parquet";
/// In place of a file: the table of the project.
const TABLE: &str = "table";

/// Scores and prints.
pub fn run(arguments: &Arguments, opened: &Opened, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let plans =
        opened.plans_of(|plan| if let Plan::Fairness(plan) = plan { Some(plan.as_ref()) } else { None });
    let [plan] = plans.as_slice() else {
        return Err(Failure::input(format!(
            "the project has {} plans with kind = \"fairness\"; it needs one (docs/fairness.md)",
            plans.len()
        )));
    };
    let periods = arguments.period.as_ref().map(|period| opened.periods(period)).transpose()?;
    let tables = opened.load(&NEED, global, ui)?;
    let shown = arguments.quotas.display().to_string();
    let rows = if arguments.quotas == Path::new(TABLE) {
        from_table(opened, &tables)?
    } else {
        let hint = "run `spm quotas allocate`, name a file, or say table for the quotas of spm.toml";
        let file = read_file(opened, &arguments.quotas, hint)?;
        let mut sink = Sink::default();
        let rows = quota_rows(&file, &shown, &opened.project.calendar, &mut sink);
        if sink.has_errors() {
            return Err(Failure::Faults(sink, exit::INPUT));
        }
        rows
    };
    let model = plan.model.then(|| model(opened)).transpose()?;
    let comp = opened.plans_of(|plan| if let Plan::Comp(plan) = plan { Some(plan.as_ref()) } else { None });
    let own = opened.plans_of(|plan| if let Plan::Quotas(plan) = plan { Some(plan.as_ref()) } else { None });
    let own = own.into_iter().find(|own| own.measures().any(|measure| measure == plan.measure));
    ui.step("scoring");
    let question = Question { rows: &rows, shown: &shown, periods, model, comp, plan: own };
    let scored = score(plan, &opened.project, &tables, &question).map_err(|fault| {
        let code = if fault.code == Code::SPM502 { exit::BUG } else { exit::INPUT };
        Failure::fault(fault, code)
    })?;
    scored.notes.iter().for_each(|note| ui.status(note));
    let (metrics, seats) = (scored.metrics_table()?, scored.seats_table()?);
    if !global.dry_run {
        write(opened, &tables, plan, &scored, (&metrics, &seats), ui)?;
    }
    if arguments.seats {
        command::finish(&seats, "spm.fairness.seats/1", global, ui)?;
    } else {
        command::finish(&metrics, "spm.fairness/1", global, ui)?;
    }
    let outside = scored.outside();
    if !outside.is_empty() {
        let names: Vec<&str> = outside.iter().map(|metric| metric.name.as_str()).collect();
        ui.status(&format!("outside their bands: {}", names.join(", ")));
    }
    Ok(if arguments.strict && !outside.is_empty() { exit::NO } else { exit::DONE })
}

fn write(
    opened: &Opened,
    tables: &Tables,
    plan: &FairnessPlan,
    scored: &crate::insight::fairness::Score,
    (metrics, seats): (&Table, &Table),
    ui: &Ui,
) -> Result<(), Failure> {
    let provenance = opened.provenance(tables, plan.seed);
    let target = opened.results.join(OWN);
    let folder = Folder::create(&target)?;
    folder.table("score.parquet", metrics, &provenance)?;
    folder.table("seats.parquet", seats, &provenance)?;
    folder.text("result.json", &scored.result_json(plan, &provenance))?;
    folder.text("run.json", &command::run_json(tables, &provenance))?;
    folder.publish()?;
    ui.status(&format!("wrote {}", target.display()));
    Ok(())
}

/// A file as given, or within the project.
fn read_file(opened: &Opened, path: &Path, hint: &str) -> Result<Table, Failure> {
    let inside = opened.root.join(path);
    let path = if path.exists() || !inside.exists() { path } else { &inside };
    let shown = path.display().to_string();
    if !path.exists() {
        let fault = Diagnostic::error(Code::SPM503, format!("there is no {shown}"));
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    let mut sink = Sink::default();
    let read = profile::open(Path::new(""), &shown, &mut sink);
    match read.filter(|_| !sink.has_errors()) {
        Some((table, _)) => Ok(table),
        None => Err(Failure::Faults(sink, exit::INPUT)),
    }
}

/// The quotas of the project's table, without levels.
fn from_table(opened: &Opened, tables: &Tables) -> Result<Vec<QuotaRow>, Failure> {
    let mut sink = Sink::default();
    let found = quotas(tables, &opened.project.calendar, &mut sink);
    if sink.has_errors() {
        return Err(Failure::Faults(sink, exit::INPUT));
    }
    let row = |((holder, measure, period), amount): ((spm_core::ground::id::PayeeId, String, usize), _)| {
        QuotaRow { holder: holder.as_str().to_owned(), level: None, parent: None, measure, period, amount }
    };
    Ok(found.into_iter().map(row).collect())
}

/// What the model expects of each seat.
fn model(opened: &Opened) -> Result<std::collections::BTreeMap<String, f64>, Failure> {
    let file =
        read_file(opened, Path::new(MODEL), "run `spm potential` first, or set expected = \"history\"")?;
    numbers_by(&file, "rep_id", "expected").ok_or_else(|| {
        let fault = Diagnostic::error(Code::SPM103, format!("{MODEL} has no exact column `expected`"));
        Failure::fault(fault.hint("run `spm potential` again"), exit::INPUT)
    })
}
