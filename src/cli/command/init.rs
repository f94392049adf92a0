//! `spm init`: a project that runs, or one drafted from a folder of extracts.

use std::path::{Path, PathBuf};

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_frame::draft::{propose, years};
use spm_frame::profile::profile;
use spm_frame::read::is_hidden;
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

/// What is put into a file of the new project.
enum Content {
    Text(String),
    CopyOf(PathBuf),
}

/// Makes the project; a file that is there is never touched, and where one is in the way nothing is written.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let root = &arguments.folder;
    let files = match &arguments.from {
        None => {
            FILES.iter().map(|(path, text)| (root.join(path), Content::Text((*text).to_owned()))).collect()
        }
        Some(from) => {
            let names = extracts(from, ui)?;
            let own = from.canonicalize().ok();
            let is_there = own.is_some() && own == root.join("extracts").canonicalize().ok();
            let copy = |name: &String| (root.join("extracts").join(name), Content::CopyOf(from.join(name)));
            let mut files: Vec<(PathBuf, Content)> =
                vec![(root.join("spm.toml"), Content::Text(String::new()))];
            files.extend(names.iter().filter(|_| !is_there).map(copy));
            refuse_to_replace(&files)?;
            files[0].1 = Content::Text(draft(from, &names, ui));
            files
        }
    };
    refuse_to_replace(&files)?;
    for (path, content) in &files {
        if !global.dry_run {
            match content {
                Content::Text(text) => write_text(path, text)?,
                Content::CopyOf(original) => {
                    std::fs::create_dir_all(path.parent().unwrap_or(root))?;
                    std::fs::copy(original, path)?;
                }
            }
        }
        let done = if global.dry_run { "would write" } else { "wrote" };
        ui.status(&format!("{done} {}", path.display()));
    }
    let next = if arguments.from.is_some() { "check" } else { "run" };
    ui.status(&format!("next: spm --project {} {next}", root.display()));
    Ok(exit::DONE)
}

/// A failure that names every file that is there already.
fn refuse_to_replace(files: &[(PathBuf, Content)]) -> Result<(), Failure> {
    let there = files.iter().filter(|(path, _)| path.symlink_metadata().is_ok());
    let there: Vec<String> = there.map(|(path, _)| path.display().to_string()).collect();
    if there.is_empty() {
        return Ok(());
    }
    let (verb, them) = if there.len() == 1 { ("is", "it") } else { ("are", "them") };
    let message = format!("{} {verb} there already; nothing was changed", there.join(", "));
    let fault = Diagnostic::error(Code::SPM601, message);
    Err(Failure::fault(fault.hint(format!("name another folder, or move {them} away")), exit::INPUT))
}

/// The names of the extracts in a folder; what else there might have been is named.
fn extracts(from: &Path, ui: &Ui) -> Result<Vec<String>, Failure> {
    let cannot = |error| Failure::input(format!("cannot read the folder {}: {error}", from.display()));
    let entries = std::fs::read_dir(from).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries: Vec<PathBuf> = entries.map_err(cannot)?.iter().map(std::fs::DirEntry::path).collect();
    entries.sort();
    let mut names = Vec::new();
    let mut left_out = Vec::new();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match () {
            () if path.is_dir() => left_out.push(format!("{name}/ (a folder)")),
            () if !is_extract(&path) => {}
            () if is_hidden(&name) => left_out.push(format!("{name} (hidden or temporary)")),
            () if !path.is_file() => left_out.push(format!("{name} (no file that can be read)")),
            () => names.push(name),
        }
    }
    if !left_out.is_empty() {
        ui.status(&format!("left out of {}: {}", from.display(), left_out.join(", ")));
    }
    if names.is_empty() {
        return Err(Failure::input(format!("{} has no CSV, Parquet, Arrow or XLSX file", from.display())));
    }
    Ok(names)
}

/// The text of spm.toml, drafted from the extracts.
fn draft(from: &Path, names: &[String], ui: &Ui) -> String {
    let mut sink = Sink::default();
    let mut profiles = Vec::new();
    for name in names {
        ui.step(&format!("reading {name}"));
        if let Some(mut profile) = profile(from, name, &mut sink) {
            profile.path = format!("extracts/{name}");
            profiles.push(profile);
        }
    }
    ui.notices(&sink);
    let (first, count) = years(&profiles).unwrap_or((2027, 1));
    let head = format!(
        "version = 1\nname = \"My company\"\ncurrency = \"USD\"\n\n[calendar]\npattern = \"months\"\nstart = {first:04}-01-01\nyears = {count}\n\n"
    );
    format!(
        "{head}# Drafted from the names and values of the extracts: read it, mend it, then `spm check`.\n\n{}",
        propose(&profiles)
    )
}

fn is_extract(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| {
        ["csv", "tsv", "parquet", "arrow", "ipc", "xlsx"].contains(&extension.as_str())
    })
}
