//! `spm schema`: JSON schema of a file, or its reference page.

use spm_core::plan::project::PROJECT;
use spm_core::plan::reference::{reference, tables};
use spm_core::plan::schema::json_schema;
use spm_core::plan::{KINDS, shape::Shape};

use crate::cli::Global;
use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;
use crate::report::table::Format;

/// Which file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  spm schema comp > spm.comp.schema.json\n  spm schema comp --format markdown      the reference page\n  spm schema tables --format markdown    the canonical tables"
)]
pub struct Arguments {
    /// project (spm.toml), the kind of a plan (comp, fairness, forecast, potential,
    /// quotas, territories), or tables
    kind: String,
}

/// Prints the schema, or the reference page with `--format markdown`.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let mut kinds: Vec<(&str, &'static Shape)> = vec![("project", &PROJECT)];
    kinds.extend(KINDS);
    let markdown = global.format == Format::Markdown;
    let found = kinds.iter().find(|(name, _)| *name == arguments.kind);
    let text = match found {
        Some((name, shape)) if markdown => {
            let title =
                if *name == "project" { "spm.toml".to_owned() } else { format!("Plans of kind {name}") };
            reference(shape, &title)
        }
        Some((name, shape)) => format!("{:#}\n", json_schema(shape, &format!("spm {name}"))),
        None if arguments.kind == "tables" && markdown => tables(),
        None => {
            let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "there is no schema {:?}; there are: {}, and tables with --format markdown",
                arguments.kind,
                names.join(", ")
            );
            return Err(Failure::Other(anyhow::Error::msg(message), exit::USAGE));
        }
    };
    ui.data(&text)?;
    Ok(exit::DONE)
}
