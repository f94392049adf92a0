//! `spm init`: a project that runs, or one drafted from a folder of extracts.

use std::path::{Path, PathBuf};

use spm_core::ground::diagnostic::Sink;
use spm_frame::profile::{profile, propose, years};
use spm_frame::write::write_text;

use crate::cli::Global;
use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;

/// Where, and from what.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  spm init acme                        a small project that runs: cd acme && spm run\n  spm init acme --from ~/crm-export     sources drafted from the files there (they are copied)"
)]
pub struct Arguments {
    /// Folder of the new project
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Draft the sources from the extracts in this folder
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

const FILES: &[(&str, &str)] = &[
    ("spm.toml", include_str!("../../../templates/spm.toml")),
    ("plans/commission.toml", include_str!("../../../templates/commission.toml")),
    ("extracts/reps.csv", include_str!("../../../templates/reps.csv")),
    ("extracts/deals.csv", include_str!("../../../templates/deals.csv")),
    ("extracts/quotas.csv", include_str!("../../../templates/quotas.csv")),
];

/// Makes the project; an existing spm.toml is never touched.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let root = &arguments.folder;
    if root.join("spm.toml").exists() {
        return Err(Failure::input(format!(
            "{} has an spm.toml already; nothing was changed",
            root.display()
        )));
    }
    let files: Vec<(String, String)> = match &arguments.from {
        None => FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
        Some(from) => vec![("spm.toml".to_owned(), draft(from, root, global, ui)?)],
    };
    for (path, text) in &files {
        if !global.dry_run {
            write_text(&root.join(path), text)?;
        }
        let done = if global.dry_run { "would write" } else { "wrote" };
        ui.status(&format!("{done} {}", root.join(path).display()));
    }
    let next = if arguments.from.is_some() { "check" } else { "run" };
    ui.status(&format!("next: spm --project {} {next}", root.display()));
    Ok(exit::DONE)
}

/// Copies the extracts and drafts their sources.
fn draft(from: &Path, root: &Path, global: &Global, ui: &Ui) -> Result<String, Failure> {
    let folder = std::fs::read_dir(from)
        .map_err(|error| Failure::input(format!("cannot read the folder {}: {error}", from.display())))?;
    let mut names: Vec<PathBuf> =
        folder.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_extract(path)).collect();
    names.sort();
    if names.is_empty() {
        return Err(Failure::input(format!("{} has no CSV, Parquet, Arrow or XLSX file", from.display())));
    }
    let mut sink = Sink::default();
    let mut profiles = Vec::new();
    for path in names {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        ui.step(&format!("reading {name}"));
        if let Some(mut profile) = profile(from, &name, &mut sink) {
            profile.path = format!("extracts/{name}");
            profiles.push(profile);
        }
        if !global.dry_run {
            std::fs::create_dir_all(root.join("extracts"))?;
            std::fs::copy(&path, root.join("extracts").join(&name))?;
        }
    }
    ui.notices(&sink);
    let (first, count) = years(&profiles).unwrap_or((2027, 1));
    let head = format!(
        "version = 1\nname = \"My company\"\ncurrency = \"USD\"\n\n[calendar]\npattern = \"months\"\nstart = {first:04}-01-01\nyears = {count}\n\n"
    );
    Ok(format!(
        "{head}# Drafted from the names and values of the extracts: read it, mend it, then `spm check`.\n\n{}",
        propose(&profiles)
    ))
}

fn is_extract(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    path.is_file()
        && extension.is_some_and(|extension| {
            ["csv", "tsv", "parquet", "arrow", "ipc", "xlsx"].contains(&extension.as_str())
        })
}
