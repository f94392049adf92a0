//! `spm schema`: JSON schema of a file.

use spm_core::plan::project::PROJECT;
use spm_core::plan::schema::json_schema;
use spm_core::plan::{KINDS, shape::Shape};

use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;

/// Which file.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// project (spm.toml), or the kind of a plan
    kind: String,
}

/// Prints the schema.
pub fn run(arguments: &Arguments, ui: &Ui) -> Result<exit::Code, Failure> {
    let mut kinds: Vec<(&str, &'static Shape)> = vec![("project", &PROJECT)];
    kinds.extend(KINDS);
    let Some((name, shape)) = kinds.iter().find(|(name, _)| *name == arguments.kind) else {
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        return Err(Failure::Other(
            anyhow::anyhow!("there is no schema {:?}; the schemas are: {}", arguments.kind, names.join(", ")),
            exit::USAGE,
        ));
    };
    let schema = json_schema(shape, &format!("spm {name}"));
    ui.data(&format!("{schema:#}\n"))?;
    Ok(exit::DONE)
}
