//! Opens a project: spm.toml, plans, tables.

use std::fs;
use std::path::{Path, PathBuf};

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::limit;
use spm_core::ground::source::{Place, Source};
use spm_core::plan::project::Project;
use spm_core::plan::{Plan, Tables as Columns, check_plan};
use spm_frame::load::{self, Need, Tables};
use spm_frame::read::{self, Folders};
use spm_frame::write::{self, Builder, Provenance};

use super::Global;
use super::exit::{self, Failure};
use super::ui::Ui;

/// An open project with its checked plans.
#[derive(Debug)]
pub struct Opened {
    /// Folder.
    pub root: PathBuf,
    /// Folder whose `out` takes results: the same, but for a dry run of several commands.
    pub results: PathBuf,
    /// spm.toml.
    pub project: Project,
    /// The text of spm.toml.
    pub text: String,
    /// Plans in the order of their paths.
    pub plans: Vec<(Source, Plan)>,
    /// Warnings so far.
    pub notices: Sink,
}

/// Opens the project that the settings mean, with all its plans. All faults of the texts are reported at once.
pub fn open(global: &Global) -> Result<Opened, Failure> {
    let mut sink = Sink::default();
    let opened = open_into(global, &mut sink)?;
    match opened {
        Some(mut opened) if !sink.has_errors() => {
            opened.notices = sink;
            Ok(opened)
        }
        _ => Err(Failure::Faults(sink, exit::INPUT)),
    }
}

/// As [`open`], with the faults in the sink.
pub fn open_into(global: &Global, sink: &mut Sink) -> Result<Option<Opened>, Failure> {
    let root = find(global)?;
    let Some(source) = read_text(&root, "spm.toml", sink) else { return Ok(None) };
    let Some(project) = Project::check(&source, sink) else { return Ok(None) };
    let columns = Columns::of(&project);
    let mut paths: Vec<(PathBuf, String)> =
        project.plans.iter().flat_map(|pattern| read::find(&root, pattern).told(sink)).collect();
    paths.sort_by(|a, b| a.1.cmp(&b.1));
    paths.dedup();
    let mut plans: Vec<(Source, Plan)> = Vec::new();
    for (_, shown) in paths {
        let Some(source) = read_text(&root, &shown, sink) else { continue };
        let Some(plan) = check_plan(&source, &project.currency, &columns, sink) else { continue };
        if let Some((other, _)) = plans.iter().find(|(_, seen)| seen.id() == plan.id()) {
            let message = format!("two plans have the id `{}`", plan.id());
            let fault =
                Diagnostic::error(Code::SPM009, message).at(Place::File(source.path().to_owned()), "");
            sink.push(fault.hint(format!("the other one is {}", other.path())));
        }
        plans.push((source, plan));
    }
    let results = root.clone();
    Ok(Some(Opened {
        root,
        results,
        project,
        text: source.text().to_owned(),
        plans,
        notices: Sink::default(),
    }))
}

fn find(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(root) = &global.project {
        return match root.join("spm.toml").is_file() {
            true => Ok(root.clone()),
            false => Err(Failure::input(format!(
                "there is no spm.toml in {}; `spm init` makes one",
                root.display()
            ))),
        };
    }
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("spm.toml").is_file());
    let message = "there is no spm.toml here or in a folder above; name the project with --project, or start one with `spm init`";
    found.map(Path::to_owned).ok_or_else(|| Failure::input(message))
}

/// Refuses to write a result over what the project itself is made of: `spm.toml`, a plan, an extract, or anything in `.spm`.
pub fn refuse_own(global: &Global, target: &Path) -> Result<(), Failure> {
    let Ok(root) = find(global) else { return Ok(()) };
    let target = std::path::absolute(target)?;
    let parent = target.parent().unwrap_or(&target);
    // A folder that is not there yet holds nothing of the project, unless it would be in `.spm`.
    let known = parent.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let real = target.canonicalize().ok().or_else(|| {
        let (folder, real) = known?;
        Some(real.join(target.strip_prefix(folder).ok()?))
    });
    let (Some(real), Ok(own)) = (real, root.canonicalize()) else { return Ok(()) };
    let refuse = |what: &str| {
        let message = format!("{} is {what}: a result is not written there", target.display());
        let fault = Diagnostic::error(Code::SPM601, message).hint("name another file or folder");
        Err(Failure::fault(fault, exit::INPUT))
    };
    if real.starts_with(own.join(".spm")) {
        return refuse("where the ledger is kept");
    }
    if real == own.join("spm.toml") {
        return refuse("the project itself");
    }
    let text = fs::read_to_string(root.join("spm.toml")).unwrap_or_default();
    let project = Project::check(&Source::new("spm.toml", text), &mut Sink::default());
    let Some(project) = project.filter(|_| real.exists()) else { return Ok(()) };
    let is = |pattern: &str| {
        let found = read::find(&root, pattern);
        found.files.iter().any(|(path, _)| path.canonicalize().is_ok_and(|path| path == real))
    };
    if project.plans.iter().any(|pattern| is(pattern)) {
        return refuse("a plan of the project");
    }
    let mut files =
        project.sources.iter().flat_map(|source| source.files.iter().map(move |file| (source, file)));
    match files.find(|(_, (pattern, _))| is(pattern)) {
        Some((source, _)) => refuse(&format!("an extract of the source {}", source.name)),
        None => Ok(()),
    }
}

fn read_text(root: &Path, shown: &str, sink: &mut Sink) -> Option<Source> {
    let path = root.join(shown);
    let fault = |why: String| {
        Diagnostic::error(Code::SPM001, format!("cannot read {shown}: {why}"))
            .at(Place::File(shown.to_owned()), "")
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() > limit::TEXT_FILE_BYTES_MAX => {
            sink.push(fault("it is too large for a plan".to_owned()));
            return None;
        }
        _ => {}
    }
    match fs::read_to_string(&path) {
        Ok(text) => Some(Source::new(shown, text)),
        Err(error) => {
            sink.push(fault(error.to_string()));
            None
        }
    }
}

impl Opened {
    /// Where its files are.
    #[must_use]
    pub fn folders(&self) -> Folders<'_> {
        Folders { root: &self.root, results: &self.results }
    }

    /// Loads the tables that a command needs. Rows that cannot be used stop the command, unless they are allowed.
    pub fn load(&self, need: &Need<'_>, global: &Global, ui: &Ui) -> Result<Tables, Failure> {
        ui.step("reading extracts");
        let mut sink = Sink::default();
        let tables = load::load(self.folders(), &self.project, need, &mut sink);
        let rows = tables.rejected();
        let only_rows = sink.faults().iter().all(|fault| {
            let row = matches!(
                fault.labels.first().map(|label| &label.place),
                Some(Place::Row { row: Some(_), .. })
            );
            row || fault.severity == spm_core::ground::diagnostic::Severity::Warning
        });
        if rows > 0 && !global.dry_run {
            self.write_rejects(&tables)?;
        }
        if sink.has_errors() && !(global.allow_rejects && only_rows) {
            if rows > 0 {
                let note = Diagnostic::warning(Code::SPM115, unusable(rows, global));
                sink.push(note.hint("correct the extract, or go on without them: --allow-rejects"));
            }
            return Err(Failure::Faults(sink, exit::INPUT));
        }
        self.warn_of_other_plans(&tables, need, &mut sink);
        ui.notices(&sink);
        Ok(tables)
    }

    /// Warns of results of an earlier command that another version of its plan made: a plan was changed, and what it
    /// says was not calculated again.
    pub fn warn_of_other_plans(&self, tables: &Tables, need: &Need<'_>, sink: &mut Sink) {
        for input in tables.inputs.iter().filter(|input| input.path.ends_with(".parquet")) {
            let Some(kind) = input.path.strip_prefix("out/").and_then(|rest| rest.split('/').next()) else {
                continue;
            };
            if need.own.is_some_and(|own| own == format!("out/{kind}")) {
                continue;
            }
            let found = self.folders().find(&input.path).files;
            let said = found.first().map(|(path, _)| read::said(path)).unwrap_or_default();
            for (source, plan) in self.plans.iter().filter(|(_, plan)| plan.kind() == kind) {
                let then = said.get(&format!("spm.plan.{}", plan.id()));
                if !said.is_empty() && then != Some(&sha256(source.text())) {
                    let how = if then.is_some() { "has changed since" } else { "is newer than" };
                    let message = format!("{} {how} {}, which is used as it is", source.path(), input.path);
                    let fault = Diagnostic::warning(Code::SPM118, message);
                    let fault = fault.at(Place::File(source.path().to_owned()), "");
                    sink.push(
                        fault.hint("run the command that makes it again, or the whole chain: `spm run`"),
                    );
                }
            }
        }
    }

    /// Writes the rows that cannot be used aside; where there are none, those of an earlier command go.
    pub fn write_rejects(&self, tables: &Tables) -> Result<(), Failure> {
        let rejects = &tables.rejects;
        let path = self.results.join("out/rejects/rejects.csv");
        if rejects.is_empty() {
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
            return Ok(());
        }
        let text = |read: &dyn Fn(&spm_frame::table::Reject) -> String| {
            rejects.iter().map(|reject| Some(read(reject))).collect::<Vec<_>>()
        };
        let table = Builder::default()
            .text("source", text(&|reject| reject.source.clone()))
            .text("path", text(&|reject| reject.path.clone()))
            .text("row", text(&|reject| reject.row.to_string()))
            .text("column", text(&|reject| reject.column.clone()))
            .text("code", text(&|reject| reject.code.clone()))
            .text("reason", text(&|reject| reject.reason.clone()))
            .text("value", text(&|reject| reject.value.clone()))
            .table()?;
        write::write_file(&table, &path, &vec![])?;
        Ok(())
    }

    /// What every Parquet file of a run says about its origin. Independent of the order of rows and files.
    pub fn provenance(&self, tables: &Tables, seed: u64) -> Provenance {
        let mut entries = vec![("spm.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
        for (source, plan) in &self.plans {
            entries.push((format!("spm.plan.{}", plan.id()), sha256(source.text())));
        }
        for (name, fingerprint) in tables.fingerprints() {
            entries.push((format!("spm.input.{name}"), fingerprint.to_string()));
        }
        entries.push(("spm.seed".to_owned(), seed.to_string()));
        entries
    }

    /// The project with `spm.toml` and the plans of commission as they were once, and without plans of other kinds.
    pub fn with_texts(&self, project: Option<String>, plans: Vec<(String, String)>) -> Result<Self, Failure> {
        let mut sink = Sink::default();
        let text = project.unwrap_or_else(|| self.text.clone());
        let checked = Project::check(&Source::new("spm.toml", text.as_str()), &mut sink);
        let mut own = Vec::new();
        if let Some(project) = &checked {
            let columns = Columns::of(project);
            for (path, text) in plans {
                let source = Source::new(&path, text);
                let plan = check_plan(&source, &project.currency, &columns, &mut sink);
                own.extend(plan.map(|plan| (source, plan)));
            }
        }
        match checked {
            Some(project) if !sink.has_errors() => Ok(Self {
                root: self.root.clone(),
                results: self.results.clone(),
                project,
                text,
                plans: own,
                notices: Sink::default(),
            }),
            _ => Err(Failure::Faults(sink, exit::INPUT)),
        }
    }

    /// The plans of one kind.
    pub fn plans_of<'a, P>(&'a self, pick: impl Fn(&'a Plan) -> Option<&'a P>) -> Vec<&'a P> {
        self.plans.iter().filter_map(|(_, plan)| pick(plan)).collect()
    }

    /// The leaf periods of a name.
    pub fn periods(&self, name: &str) -> Result<std::ops::Range<usize>, Failure> {
        self.project.calendar.resolve(name).map_err(|error| {
            let names: Vec<&str> =
                self.project.calendar.periods().iter().map(|period| period.name.as_str()).collect();
            let fault =
                Diagnostic::error(Code::SPM012, error.to_string()).at(Place::File("spm.toml".to_owned()), "");
            let hint = match suggestion(name, names.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the calendar runs from {} to {}", names[0], names[names.len() - 1]),
            };
            Failure::fault(fault.hint(hint), exit::USAGE)
        })
    }
}

/// How many rows cannot be used, and where they are.
pub fn unusable(rows: usize, global: &Global) -> String {
    let place = if global.dry_run { "" } else { "; they are in out/rejects/rejects.csv" };
    format!("{rows} row(s) cannot be used{place}")
}

fn sha256(text: &str) -> String {
    read::sha256(text.as_bytes())
}
