//! One file for each subcommand.

pub mod chain;
pub mod check;
pub mod code;
pub mod comp;
pub mod data;
pub mod diff;
pub mod init;
pub mod quotas;
pub mod schema;
pub mod statement;
pub mod territories;

use serde_json::json;
use spm_frame::load::Tables;
use spm_frame::table::Table;
use spm_frame::write::{self, Provenance};

use super::Global;
use super::exit::{self, Failure};
use super::ui::Ui;
use crate::report::table::render;

/// Prints the main table of a command and writes it where `--output` says.
pub fn finish(table: &Table, schema: &str, global: &Global, ui: &Ui) -> Result<(), Failure> {
    if let Some(path) = &global.output {
        if !write::is_known(path) {
            let message =
                format!("cannot tell the format of {}; use .parquet, .csv or .xlsx", path.display());
            return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
        }
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
    let provenance: serde_json::Map<String, serde_json::Value> =
        provenance.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    format!("{:#}\n", json!({ "schema": "spm.run/1", "provenance": provenance, "files": files }))
}
