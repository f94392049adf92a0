//! Which files a path or pattern means; what matches and cannot be read is a fault, never left out in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;

/// The files that a path or pattern means.
#[derive(Debug, Default)]
pub struct Found {
    /// Files in the order of their paths, each once, with the path to show.
    pub files: Vec<(PathBuf, String)>,
    /// What matches but is no file that can be read, and folders that cannot be listed.
    pub faults: Vec<Diagnostic>,
}

impl Found {
    /// True when there is nothing, not even something that cannot be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.faults.is_empty()
    }

    /// The files; faults go to the sink.
    pub fn told(self, sink: &mut Sink) -> Vec<(PathBuf, String)> {
        self.faults.into_iter().for_each(|fault| sink.push(fault));
        self.files
    }
}

/// True for names that wildcards do not mean, as in shells, Hive and Spark: hidden, or temporary.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// Where the files of a project are.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// The folder of `spm.toml`.
    pub root: &'a Path,
    /// The folder whose `out` takes results: the same, except in a dry run of several commands, in which each reads
    /// what the one before would write.
    pub results: &'a Path,
}

impl Folders<'_> {
    /// The files that a path or pattern of the project means: a result is that of this run, else that of an earlier one.
    #[must_use]
    pub fn find(&self, pattern: &str) -> Found {
        let here = |folder| find(folder, pattern);
        let new = (self.results != self.root && pattern.starts_with("out/")).then(|| here(self.results));
        new.filter(|found| !found.is_empty()).unwrap_or_else(|| here(self.root))
    }
}

/// The files that a path or pattern means.
#[must_use]
pub fn find(root: &Path, pattern: &str) -> Found {
    let mut search = Search { root, files: vec![], faults: BTreeMap::new(), seen: BTreeSet::new() };
    let full = root.join(pattern);
    let parts =
        pattern.split('/').filter(|part| !part.is_empty()).map(Part::of).collect::<Result<Vec<_>, _>>();
    match parts {
        // A file may have a name that would also be a pattern.
        _ if full.symlink_metadata().is_ok() => search.take(&full, false),
        Ok(parts) => {
            let start = if Path::new(pattern).is_absolute() { Path::new("/") } else { root };
            search.walk(start, &parts);
        }
        Err(error) => {
            let fault = Diagnostic::error(Code::SPM101, format!("`{pattern}` is no pattern: {}", error.msg));
            search.faults.insert(pattern.to_owned(), fault.at(Place::File(pattern.to_owned()), ""));
        }
    }
    search.files.sort_by(|a, b| a.1.cmp(&b.1));
    let mut faults: Vec<Diagnostic> = search.faults.into_values().collect();
    let files = once(search.files, |fault| faults.push(fault));
    Found { files, faults }
}

/// Sorted files, each once; a file that is one before it under another name, by a link, is told.
pub(super) fn once(
    files: Vec<(PathBuf, String)>,
    mut tell: impl FnMut(Diagnostic),
) -> Vec<(PathBuf, String)> {
    let mut seen: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut is_first = |(path, shown): &(PathBuf, String)| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let Some(before) = seen.get(&real) else { return seen.insert(real, shown.clone()).is_none() };
        if before != shown {
            let message = format!("{shown} is the same file as {before}, by a link: it is read once");
            let fault = Diagnostic::warning(Code::SPM101, message).at(Place::File(shown.clone()), "");
            tell(fault.hint("if two files were meant, put the other one in place of the link"));
        }
        false
    };
    files.into_iter().filter(|file| is_first(file)).collect()
}

/// What a part of a pattern, between two slashes, matches.
enum Part<'p> {
    Plain(&'p str),
    Wild(&'p str, Pattern),
    /// `**`: any folders, also none.
    Folders,
}

impl<'p> Part<'p> {
    fn of(text: &'p str) -> Result<Self, glob::PatternError> {
        match text {
            "**" => Ok(Self::Folders),
            _ if text.contains(['*', '?', '[']) => Ok(Self::Wild(text, Pattern::new(text)?)),
            _ => Ok(Self::Plain(text)),
        }
    }
}

struct Search<'a> {
    root: &'a Path,
    files: Vec<(PathBuf, String)>,
    faults: BTreeMap<String, Diagnostic>,
    /// Folders seen by `**`, with how many parts were left: a link may lead back.
    seen: BTreeSet<(usize, PathBuf)>,
}

impl Search<'_> {
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }

    fn fault(&mut self, path: &Path, code: Code, message: &str, hint: &str) {
        let shown = self.shown(path);
        let fault = Diagnostic::error(code, format!("{shown} {message}")).at(Place::File(shown.clone()), "");
        self.faults.insert(shown, fault.hint(hint));
    }

    fn walk(&mut self, folder: &Path, parts: &[Part<'_>]) {
        match parts {
            [] => {}
            [Part::Plain(name)] => {
                let path = folder.join(name);
                if path.symlink_metadata().map_or_else(|error| error.kind() != ErrorKind::NotFound, |_| true)
                {
                    self.take(&path, false);
                }
            }
            [Part::Plain(name), rest @ ..] => self.walk(&folder.join(name), rest),
            [Part::Wild(text, pattern), rest @ ..] => {
                for path in self.list(folder, Some((text, pattern))) {
                    if rest.is_empty() {
                        self.take(&path, false);
                    } else if self.metadata(&path).is_some_and(|metadata| metadata.is_dir()) {
                        self.walk(&path, rest);
                    }
                }
            }
            [Part::Folders, rest @ ..] => {
                let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
                if !self.seen.insert((rest.len(), real)) {
                    return;
                }
                // Of a pattern that ends here, and of the last part after it, folders are looked into, not taken.
                match rest {
                    [] => self.list(folder, None).iter().for_each(|path| self.take(path, true)),
                    [Part::Wild(text, pattern)] => {
                        let own = self.list(folder, Some((text, pattern)));
                        own.iter().for_each(|path| self.take(path, true));
                    }
                    rest => self.walk(folder, rest),
                }
                for path in self.list(folder, None) {
                    if self.metadata(&path).is_some_and(|metadata| metadata.is_dir()) {
                        self.walk(&path, parts);
                    }
                }
            }
        }
    }

    /// The entries of a folder that a part of a pattern means; links after what they may lead to.
    fn list(&mut self, folder: &Path, part: Option<(&str, &Pattern)>) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => vec![],
            Err(error) => {
                let message = format!("cannot be listed, so its files are not known: {error}");
                self.fault(
                    folder,
                    Code::SPM102,
                    &message,
                    "give permission to the folder, or write a pattern without it",
                );
                vec![]
            }
        };
        let is_meant = |name: &str| {
            let matches = part.is_none_or(|(_, pattern)| pattern.matches_with(name, MatchOptions::new()));
            let stated = part.is_some_and(|(text, _)| name.chars().next() == text.chars().next());
            matches && (!is_hidden(name) || stated)
        };
        let mut found: Vec<(bool, PathBuf)> = entries
            .iter()
            .filter(|entry| is_meant(&entry.file_name().to_string_lossy()))
            .map(|entry| (entry.file_type().is_ok_and(|kind| kind.is_symlink()), entry.path()))
            .collect();
        found.sort();
        found.into_iter().map(|(_, path)| path).collect()
    }

    /// What an entry is; a fault when that cannot be known.
    fn metadata(&mut self, path: &Path) -> Option<Metadata> {
        let error = match path.metadata() {
            Ok(metadata) => return Some(metadata),
            Err(error) => error,
        };
        let message = match (error.kind(), path.is_symlink()) {
            (ErrorKind::NotFound, true) => "is a link to something that is not there".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        self.fault(path, Code::SPM102, &message, "restore or remove it, or write a pattern without it");
        None
    }

    /// Takes what a pattern matches. Folders are passed over where `**` looks into them.
    fn take(&mut self, path: &Path, pass_folders: bool) {
        let Some(metadata) = self.metadata(path) else { return };
        if metadata.is_file() {
            self.files.push((path.to_owned(), self.shown(path)));
        } else if !metadata.is_dir() {
            let hint = "write a pattern without it, or write the data to a file";
            self.fault(path, Code::SPM102, "is neither a file nor a folder", hint);
        } else if !pass_folders {
            let hint = format!("for the files in it write \"{}/*{}\"", self.shown(path), ending(path));
            self.fault(path, Code::SPM101, "is a folder, not a file", &hint);
        }
    }
}

/// The ending that most extracts in a folder have.
fn ending(folder: &Path) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let (false, Some(ending)) = (is_hidden(&name), Path::new(&name).extension()) {
            *counts.entry(format!(".{}", ending.to_string_lossy())).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(String::new, |(ending, _)| ending)
}
