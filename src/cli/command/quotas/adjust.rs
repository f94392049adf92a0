//! `spm quotas adjust`.

use std::path::Path;

use spm_core::engine::quota::{self, Adjusted, Row};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_core::plan::quotas::{Phase, QuotaPlan};
use spm_frame::load::Tables;
use spm_frame::seats;
use spm_frame::sheets::Parts;
use spm_frame::table::Rows;
use spm_frame::write::Folder;

use super::{Facts, OWN, failed, plans};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::quotas;

const VERSIONS: &str = "versions";

/// Columns of the quotas that stand.
pub(super) const COLUMNS: [&str; 6] = ["holder_id", "level", "parent_id", "measure", "period", "amount"];

/// Adjusts, writes a new version, prints who gains and who loses.
pub(super) fn run(
    opened: &Opened,
    tables: &Tables,
    from: &str,
    reason: &str,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let first = opened.periods(from)?.start;
    if reason.trim().is_empty() {
        let message = "an adjustment needs a reason: it is what the record says of it";
        let fault = Diagnostic::error(Code::SPM110, message).at(Place::File("--reason".to_owned()), "");
        return Err(Failure::fault(fault.hint("--reason \"Ito has left\""), exit::USAGE));
    }
    let periods = opened.project.calendar.periods();
    let own = |plan: &&QuotaPlan| plan.phasing.iter().any(|phase| phase.period == periods[first].name);
    let all = plans(opened)?;
    if !all.iter().any(own) {
        let message = format!("{} is a period of no quota plan", periods[first].name);
        let names: Vec<&str> =
            all.iter().flat_map(|plan| &plan.phasing).map(|phase| phase.period.as_str()).collect();
        let fault = Diagnostic::error(Code::SPM012, message).at(Place::File("--from".to_owned()), "");
        let hint = match (names.first(), names.last()) {
            (Some(first), Some(last)) => format!("the periods of the plans are {first} to {last}"),
            _ => "name a period of a quota plan".to_owned(),
        };
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    let day = periods[first].range.from;
    let target = opened.root.join(OWN);
    let company = opened.project.name.as_str();
    let current = target.join("quotas.parquet");
    let standing = standing(&current)?;
    let last = last(&target, &standing)?;
    let mut sink = Sink::default();
    let mut adjusted: Vec<(&QuotaPlan, Adjusted)> = Vec::new();
    for plan in all {
        let open = |phase: &Phase| {
            opened.project.calendar.index_of(&phase.period).is_some_and(|index| index >= first)
        };
        if !plan.phasing.iter().any(open) {
            ui.status(&format!(
                "plan {} has ended before {}: its quotas stand",
                plan.id, periods[first].name
            ));
            continue;
        }
        ui.step(&format!("adjusting {}", plan.title));
        let rows: Vec<Row> = quota::to_problem(plan, company, &standing);
        if rows.is_empty() {
            sink.push(missing(&current, &format!("it has no quotas named `{}`", plan.measure)));
            continue;
        }
        let result = Facts::of(plan, opened, tables, Some(day), &mut sink).and_then(|facts| {
            let before = last.as_ref().and_then(|last| last.of(plan, &facts, opened, tables));
            let before = before.as_ref().map(|(before, from)| quota::Last { before, from: *from });
            quota::adjust(&facts.question(plan, opened), &rows, first, before)
        });
        match result {
            Ok(own) => {
                own.open.notices.iter().for_each(|notice| sink.push(notice.clone()));
                adjusted.push((plan, own));
            }
            Err(faults) => faults.into_iter().for_each(|fault| sink.push(fault)),
        }
    }
    if sink.has_errors() {
        return Err(failed(sink));
    }
    ui.notices(&sink);
    let changes = quotas::changes(&adjusted, company)?;
    // Quotas of a measure that no plan gives any more stand as they are.
    let planned =
        |measure: &String| adjusted.iter().any(|(plan, _)| plan.measures().any(|own| own == measure));
    let others = standing.into_iter().filter(|(measure, _)| !planned(measure));
    let own = adjusted.iter().flat_map(|(plan, own)| quota::to_published(plan, company, &own.rows));
    let rows: Vec<(String, Row)> = own.chain(others).collect();
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let version = versions(&target)? + 1;
        let folder = Folder::create(&target)?;
        // Everything that was decided before stays: a version is added, none is replaced.
        if version == 1 {
            folder.copy(&current, "versions/0.parquet")?;
            folder.copy(&target.join("run.json"), "versions/0.json")?;
        } else {
            for entry in std::fs::read_dir(target.join(VERSIONS))? {
                let entry = entry?;
                folder.copy(&entry.path(), &format!("{VERSIONS}/{}", entry.file_name().to_string_lossy()))?;
            }
        }
        let decimals = adjusted.iter().map(|(_, own)| own.open.allocation.decimals).max();
        let table = quotas::standing(decimals.unwrap_or(0), &rows);
        let table = table.map_err(|fault| Failure::fault(fault, exit::INPUT))?;
        let record = command::run_json(tables, &provenance);
        let open = adjusted.iter().map(|(plan, own)| (*plan, own.open.allocation.clone()));
        let parts = Parts::of(company, open.collect());
        let files: [(String, &dyn Rows); 4] = [
            ("quotas.parquet".to_owned(), &table),
            ("parts.parquet".to_owned(), &parts),
            (format!("{VERSIONS}/{version}.parquet"), &table),
            (format!("{VERSIONS}/{version}-changes.parquet"), &changes),
        ];
        for (name, table) in files {
            folder.table(&name, table, &provenance)?;
        }
        let why = serde_json::json!({ "schema": "spm.adjustment/1", "version": version, "from": from, "reason": reason });
        for (name, text) in [
            ("run.json".to_owned(), &record),
            (format!("{VERSIONS}/{version}.json"), &record),
            (format!("{VERSIONS}/{version}-why.json"), &format!("{why:#}\n")),
        ] {
            folder.text(&name, text)?;
        }
        folder.publish()?;
        ui.status(&format!("wrote {}, version {version}", target.display()));
    }
    command::finish(&changes, "spm.quota-changes/1", global, ui)?;
    Ok(exit::DONE)
}

/// The quotas that stand, with their measure.
pub(super) fn standing(path: &Path) -> Result<Vec<(String, Row)>, Failure> {
    let table = command::read_file(path, &COLUMNS, "run `spm quotas allocate` first")?;
    Ok(seats::standing(&table))
}

/// The last adjustment that moved anything.
struct Last {
    /// What stood before it, with the measures.
    before: Vec<(String, Row)>,
    /// The first period that it changed.
    from: String,
}

impl Last {
    /// What stood before it of a plan, and its first period; `None` when the seats of that day are not those of now, so that
    /// there is something new.
    fn of(
        &self,
        plan: &QuotaPlan,
        now: &Facts,
        opened: &Opened,
        tables: &Tables,
    ) -> Option<(Vec<Row>, usize)> {
        let from = opened.periods(&self.from).ok()?.start;
        let day = opened.project.calendar.periods().get(from)?.range.from;
        let then = Facts::of(plan, opened, tables, Some(day), &mut Sink::default()).ok()?;
        let same = then.seats == now.seats && then.sold == now.sold;
        same.then(|| (quota::to_problem(plan, &opened.project.name, &self.before), from))
    }
}

/// The last version before the one that stands which is another; `None` when none is.
fn last(target: &Path, standing: &[(String, Row)]) -> Result<Option<Last>, Failure> {
    let folder = target.join(VERSIONS);
    for version in (1..=versions(target)?).rev() {
        let before = self::standing(&folder.join(format!("{}.parquet", version - 1)))?;
        if before == standing {
            continue;
        }
        let why = std::fs::read_to_string(folder.join(format!("{version}-why.json"))).unwrap_or_default();
        let why: serde_json::Value = serde_json::from_str(&why).unwrap_or_default();
        let from = why["from"].as_str().map(str::to_owned);
        return Ok(from.map(|from| Last { before, from }));
    }
    Ok(None)
}

fn missing(path: &Path, why: &str) -> Diagnostic {
    let fault =
        Diagnostic::error(Code::SPM503, why.to_owned()).at(Place::File(path.display().to_string()), "");
    fault.hint("run `spm quotas allocate` first")
}

/// The number of the latest version, 0 for none.
pub(super) fn versions(target: &Path) -> std::io::Result<u32> {
    let folder = target.join(VERSIONS);
    if !folder.exists() {
        return Ok(0);
    }
    let mut latest = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_string_lossy().strip_suffix(".parquet").and_then(|number| number.parse().ok());
        latest = latest.max(number.unwrap_or(0));
    }
    Ok(latest)
}
