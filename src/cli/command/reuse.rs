//! What of an earlier commission run still holds: a plan is not calculated again when nothing that it rests on has changed.
//!
//! A run leaves a note beside its results, with the program, the settings, the fingerprints of all inputs, the hashes of plans
//! and of the files written. The results of a plan are taken from those files when all of that is the same again. Plans
//! that gave warnings, or pay in other currencies, are always calculated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use serde_json::{Value, json};
use spm_core::ground::diagnostic::Sink;
use spm_core::plan::project::Project;
use spm_frame::read::sha256;
use spm_frame::table::Table;
use spm_frame::write::{Provenance, write_text};
use spm_frame::{profile, rows};

use super::comp::Asked;
use super::object;
use crate::cli::project::Opened;
use crate::report::commission::{Results, TABLES};

/// Where a run keeps its results, and the note about them.
#[derive(Debug)]
pub struct Place {
    /// The folder of the results.
    pub folder: PathBuf,
    note: PathBuf,
}

impl Place {
    /// Of a run over a period.
    #[must_use]
    pub fn of(root: &Path, period: &str) -> Self {
        let runs = root.join("out/comp");
        let name = period.replace("..", "-to-");
        Self { folder: runs.join(&name), note: runs.join(".reuse").join(format!("{name}.json")) }
    }
}

/// What the results of every plan of a run rest on, plans and inputs aside.
fn settings(opened: &Opened, asked: Asked) -> Value {
    let program = std::env::current_exe().and_then(std::fs::metadata).ok();
    let modified = program.as_ref().and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "program": [
            json!(program.map(|file| file.len())),
            json!(modified.map(|time| time.as_nanos().to_string())),
        ],
        "project": std::fs::read(opened.root.join("spm.toml")).map(|text| sha256(&text)).unwrap_or_default(),
        "detail": asked.detail,
        "as-of": asked.as_of.map(|moment| moment.to_string()),
    })
}

/// Plans that may be taken over next time, with the decimals of their own exact columns.
pub type Decimals = BTreeMap<String, Value>;

/// An earlier run whose settings are those of this one.
#[derive(Debug)]
pub struct Earlier {
    folder: PathBuf,
    note: Value,
}

impl Earlier {
    /// Reads the note of the earlier run; `None` when there is none, or when its settings were others.
    #[must_use]
    pub fn read(place: &Place, opened: &Opened, asked: Asked) -> Option<Self> {
        let note: Value = serde_json::from_slice(&std::fs::read(&place.note).ok()?).ok()?;
        (note["settings"] == settings(opened, asked)).then(|| Self { folder: place.folder.clone(), note })
    }

    /// The plans whose results hold: all inputs are the same, and so is the plan.
    #[must_use]
    pub fn holding(&self, provenance: &Provenance) -> BTreeSet<String> {
        let inputs = |key: &str| !key.starts_with("spm.plan.");
        let now = object(provenance);
        let Some(then) = self.note["provenance"].as_object() else { return BTreeSet::new() };
        let of_inputs = |all: &serde_json::Map<String, Value>| -> BTreeMap<String, Value> {
            all.iter()
                .filter(|(key, _)| inputs(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let Some(plans) = self.note["plans"].as_object().filter(|_| of_inputs(then) == of_inputs(&now))
        else {
            return BTreeSet::new();
        };
        let same = |id: &&String| {
            let key = format!("spm.plan.{id}");
            now.get(&key).is_some_and(|hash| then.get(&key) == Some(hash))
        };
        plans.keys().filter(same).cloned().collect()
    }

    /// True when the run had the same plans, so that its files are the results of this one.
    #[must_use]
    pub fn is_of(&self, provenance: &Provenance) -> bool {
        self.note["provenance"] == Value::Object(object(provenance))
    }

    /// True when the files are there as they were written.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let Some(files) = self.note["files"].as_object() else { return false };
        files.iter().collect::<Vec<_>>().into_par_iter().all(|(name, hash)| {
            std::fs::read(self.folder.join(name)).is_ok_and(|bytes| hash.as_str() == Some(&sha256(&bytes)))
        })
    }

    /// A table of the run; empty when it has none of that name. `None` when it is not as it was written.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<Table> {
        let name = format!("{name}.parquet");
        let Some(hash) = self.note["files"][&name].as_str() else { return Some(Table::default()) };
        let (mut table, _) = profile::open(&self.folder, &name, &mut Sink::default())?;
        let intact = table.files.iter().all(|file| file.sha256 == hash);
        table.files.clear();
        intact.then_some(table)
    }

    /// The results of some plans. `None` when they are not as they were written.
    #[must_use]
    pub fn results(&self, project: &Project, plans: &BTreeSet<String>) -> Option<BTreeMap<String, Results>> {
        let tables: BTreeMap<&str, Table> =
            TABLES.par_iter().map(|name| Some((*name, self.table(name)?))).collect::<Option<_>>()?;
        let own = |plan: &String| {
            let decimals = &self.note["plans"][plan];
            let table = |name: &str| {
                let own = rows::matching(&tables[name], &[("plan_id", plan)]).ok()?;
                own.columns.iter().try_fold(own.clone(), |own, column| {
                    let places = decimals[name][&column.name].as_u64();
                    places.map_or(Some(own.clone()), |places| {
                        rows::coarser(&own, &column.name, u32::try_from(places).ok()?)
                    })
                })
            };
            Some((plan.clone(), Results::of_tables(project, table)?))
        };
        plans.iter().map(own).collect()
    }
}

/// The decimals of the exact columns of a plan's results.
#[must_use]
pub fn decimals(results: &Results) -> Value {
    let table = |(name, table): (&str, &Table)| {
        let columns = table.columns.iter().filter(|column| column.decimals > 0);
        let columns: serde_json::Map<String, Value> =
            columns.map(|column| (column.name.clone(), json!(column.decimals))).collect();
        (name.to_owned(), Value::Object(columns))
    };
    Value::Object(results.files().into_iter().map(table).collect())
}

/// Leaves the note of a run beside its results.
///
/// # Errors
/// Files that cannot be read or written.
pub fn note(
    place: &Place,
    opened: &Opened,
    asked: Asked,
    provenance: &Provenance,
    results: &Results,
    plans: &Decimals,
) -> std::io::Result<()> {
    let names: Vec<String> = results.files().into_iter().map(|(name, _)| format!("{name}.parquet")).collect();
    let hash = |name: String| Ok((name.clone(), json!(sha256(&std::fs::read(place.folder.join(name))?))));
    let files: serde_json::Map<String, Value> =
        names.into_par_iter().map(hash).collect::<std::io::Result<Vec<_>>>()?.into_iter().collect();
    let note = json!({
        "schema": "spm.reuse/1",
        "settings": settings(opened, asked),
        "provenance": object(provenance),
        "plans": plans,
        "files": files,
    });
    write_text(&place.note, &format!("{note:#}\n"))
}

/// Forgets the earlier run before its results are replaced, so that no note outlives its files.
///
/// # Errors
/// A note that cannot be removed.
pub fn forget(place: &Place) -> std::io::Result<()> {
    match std::fs::remove_file(&place.note) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
