//! `spm data profile`: what is in an extract, and a proposed mapping.

use std::path::PathBuf;

use spm_core::ground::diagnostic::Sink;
use spm_frame::draft::propose;
use spm_frame::profile::{Profile, profile};
use spm_frame::write::Builder;

use crate::cli::Global;
use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;
use crate::report::table::{Format, render};

/// Data commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show the columns of extracts and propose their mapping
    #[command(after_help = "Example:\n  spm data profile extracts/*.csv")]
    Profile {
        /// Files: CSV, Parquet, Arrow IPC or XLSX
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs the command.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let Command::Profile { files } = command;
    let here = std::env::current_dir()?;
    let mut sink = Sink::default();
    let mut profiles = Vec::new();
    for file in files {
        ui.step(&format!("reading {}", file.display()));
        profiles.extend(profile(&here, &file.to_string_lossy(), &mut sink));
    }
    for profile in &profiles {
        ui.data(&shown(profile, global.format)?)?;
    }
    if global.format == Format::Table {
        ui.data(&format!("# A proposal for spm.toml:\n\n{}", propose(&profiles)))?;
    }
    if sink.has_errors() {
        return Err(Failure::Faults(sink, exit::INPUT));
    }
    Ok(exit::DONE)
}

fn shown(profile: &Profile, format: Format) -> Result<String, Failure> {
    let columns = &profile.columns;
    let count = |value: usize| i64::try_from(value).ok();
    let table = Builder::default()
        .text("column", columns.iter().map(|column| Some(column.name.as_str())))
        .text("type", columns.iter().map(|column| Some(column.kind.name())))
        .number("empty", 0, columns.iter().map(|column| count(column.empty)))
        .number("distinct", 0, columns.iter().map(|column| count(column.distinct)))
        .boolean(
            "key",
            columns.iter().map(|column| Some(column.empty == 0 && column.distinct == profile.rows)),
        )
        .text("least", columns.iter().map(|column| Some(column.least.as_str())))
        .text("greatest", columns.iter().map(|column| Some(column.greatest.as_str())))
        .text("examples", columns.iter().map(|column| Some(column.examples.join(" | "))))
        .table()?;
    let title = if format == Format::Table {
        format!("{}: {} rows\n", profile.path, profile.rows)
    } else {
        String::new()
    };
    let text = render(&table, "spm.profile/1", format)?;
    Ok(if format == Format::Table { format!("{title}{text}\n") } else { text })
}
