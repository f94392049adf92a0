//! One file for each subcommand.

pub mod calendar;
pub mod chain;
pub mod check;
pub mod code;
pub mod comp;
mod cut;
pub mod data;
pub mod diff;
pub mod dispute;
pub mod explain;
pub mod fairness;
pub mod forecast;
pub mod init;
pub mod ledger;
mod payout;
pub mod potential;
pub mod quotas;
pub mod reuse;
pub mod schema;
pub mod settle;
pub mod statement;
pub mod territories;
pub mod then;

use std::path::Path;

use serde_json::json;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_frame::load::Tables;
use spm_frame::profile;
use spm_frame::table::{Rows, Table};
use spm_frame::write::{self, Provenance};

use super::Global;
use super::exit::{self, Failure};
use super::project;
use super::ui::Ui;
use crate::report::table::render;

/// Refuses an `--output` of no known format, or that is a file of the project.
pub fn check_output(global: &Global) -> Result<(), Failure> {
    let Some(path) = &global.output else { return Ok(()) };
    if !write::is_known(path) {
        let message = format!("cannot tell the format of {}; use .parquet, .csv or .xlsx", path.display());
        return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
    }
    project::refuse_own(global, path)
}

/// Prints the main table of a command and writes it where `--output` says.
pub fn finish(table: &dyn Rows, schema: &str, global: &Global, ui: &Ui) -> Result<(), Failure> {
    if let Some(path) = &global.output {
        check_output(global)?;
        if !global.dry_run {
            write::write_file(table, path, &vec![])?;
            ui.status(&format!("wrote {}", path.display()));
        }
    }
    ui.data(&render(table, schema, global.format)?)
}

/// What a run was made from: program, plans, and the SHA-256 of every file read.
pub fn run_json(tables: &Tables, provenance: &Provenance) -> String {
    let mut files = tables.inputs.clone();
    files.dedup_by(|a, b| a.path == b.path);
    let files: Vec<_> = files
        .iter()
        .map(|file| json!({ "path": file.path, "sha256": file.sha256, "rows": file.rows }))
        .collect();
    format!("{:#}\n", json!({ "schema": "spm.run/1", "provenance": object(provenance), "files": files }))
}

/// Provenance as an object.
fn object(provenance: &Provenance) -> serde_json::Map<String, serde_json::Value> {
    provenance.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
}

/// A table of a file that is no extract of the project, with the columns that are needed; `hint` says where to get it.
pub fn read_file(path: &Path, columns: &[&str], hint: &str) -> Result<Table, Failure> {
    let mut sink = Sink::default();
    let shown = path.display().to_string();
    if !path.exists() {
        let fault = Diagnostic::error(Code::SPM101, format!("no file {shown}"));
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    let read = profile::open(Path::new(""), &shown, &mut sink);
    let Some((table, _)) = read.filter(|_| !sink.has_errors()) else {
        return Err(Failure::Faults(sink, exit::INPUT));
    };
    if let Some(column) = columns.iter().find(|column| table.column(column).is_none()) {
        let fault = Diagnostic::error(Code::SPM103, format!("{shown} has no column `{column}`"));
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    Ok(table)
}
