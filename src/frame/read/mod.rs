//! Extracts become tables: files found, bytes decoded, cells kept with the row they came from.

mod cast;
mod delimited;
mod typed;
mod workbook;

use std::path::{Path, PathBuf};

use polars::prelude::*;
use sha2::{Digest, Sha256};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::Type;
use spm_core::plan::project::{Reading, SourceSpec};

pub use cast::{Cast, cast};

use crate::table::{Column as TableColumn, FILE, InputFile, ROW, Reject, Table, below};

/// What a reader gives for one file: columns of one length, and the record number of each row.
struct Cells {
    columns: Vec<(TableColumn, Column)>,
    rows: Vec<u32>,
}

impl Cells {
    /// Text columns with their names, and the record number of each row.
    fn of_texts(names: Vec<String>, columns: Vec<StringChunkedBuilder>, rows: Vec<u32>) -> Self {
        let named = |(name, column): (String, StringChunkedBuilder)| {
            (TableColumn { name, kind: Type::Text, decimals: 0 }, column.finish().into_column())
        };
        Self { columns: names.into_iter().zip(columns).map(named).collect(), rows }
    }
}

/// Reads every file of a source into one table. Text formats give Text columns; typed formats keep their types.
/// Files are taken in the order of their paths, so that nothing depends on the order of a folder.
pub fn extract(root: &Path, spec: &SourceSpec, sink: &mut Sink, rejects: &mut Vec<Reject>) -> Option<Table> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for (pattern, place) in &spec.files {
        let found = find(root, pattern);
        if found.is_empty() {
            let fault = Diagnostic::error(Code::SPM101, format!("no file matches `{pattern}`"));
            sink.push(
                fault
                    .at(Place::Text(place.clone()), "")
                    .hint(format!("paths are relative to {}", root.display())),
            );
        }
        files.extend(found);
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    files.dedup();
    let mut table: Option<Table> = None;
    for (path, shown) in &files {
        let one = read_file(path, shown, spec, sink, rejects)?;
        match &mut table {
            None => table = Some(one),
            Some(table) => append(table, one, &spec.place, sink)?,
        }
    }
    table
}

/// Paths that match a pattern, with the path to show.
#[must_use]
pub fn find(root: &Path, pattern: &str) -> Vec<(PathBuf, String)> {
    let full = root.join(pattern);
    let escaped = format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy()));
    let paths: Vec<PathBuf> = if full.is_file() {
        vec![full]
    } else {
        glob::glob(&escaped)
            .map(|paths| paths.flatten().filter(|path| path.is_file()).collect())
            .unwrap_or_default()
    };
    paths
        .into_iter()
        .map(|path| {
            let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            (path, shown)
        })
        .collect()
}

/// The format of a file: as stated, else by its name.
fn format_of(path: &Path, reading: &Reading) -> String {
    if let Some(format) = &reading.format {
        return format.clone();
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("parquet" | "pq") => "parquet",
        Some("arrow" | "ipc" | "feather") => "ipc",
        Some("xlsx" | "xlsm" | "xls" | "ods") => "xlsx",
        _ => "csv",
    }
    .to_owned()
}

fn read_file(
    path: &Path,
    shown: &str,
    spec: &SourceSpec,
    sink: &mut Sink,
    rejects: &mut Vec<Reject>,
) -> Option<Table> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            sink.push(
                Diagnostic::error(Code::SPM102, format!("cannot read the file: {error}"))
                    .at(Place::File(shown.to_owned()), ""),
            );
            return None;
        }
    };
    // The hash of an auditor takes as long as reading the cells: both at once.
    let (sha256, cells) = std::thread::scope(|scope| {
        let hash = scope.spawn(|| sha256(&bytes));
        let cells = match format_of(path, &spec.reading).as_str() {
            "parquet" => typed::parquet(&bytes, shown, sink),
            "ipc" => typed::ipc(&bytes, shown, sink),
            "xlsx" => workbook::workbook(&bytes, shown, &spec.reading, sink),
            _ => delimited::delimited(&bytes, shown, &spec.name, &spec.reading, sink, rejects),
        };
        (hash.join().unwrap_or_default(), cells)
    });
    let cells = cells?;
    let height = cells.rows.len();
    let (columns, mut data): (Vec<TableColumn>, Vec<Column>) = cells.columns.into_iter().unzip();
    data.push(Column::new_scalar(FILE.into(), Scalar::from(0u32), height));
    data.push(UInt32Chunked::from_vec(ROW.into(), cells.rows).into_column());
    let frame = match DataFrame::new(height, data) {
        Ok(frame) => frame,
        Err(error) => {
            sink.push(
                Diagnostic::error(Code::SPM102, error.to_string()).at(Place::File(shown.to_owned()), ""),
            );
            return None;
        }
    };
    let files = vec![InputFile { path: shown.to_owned(), sha256, rows: height as u64 }];
    Some(Table { frame, columns, files })
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Appends a table below another of the same columns; exact numbers meet at the larger number of decimals.
pub fn append(table: &mut Table, other: Table, place: &TextPlace, sink: &mut Sink) -> Option<()> {
    for column in &table.columns {
        let same = |twin: &&TableColumn| twin.kind == column.kind;
        if other.column(&column.name).filter(same).is_none() {
            let message = format!(
                "the files do not have the same columns: `{}` of {} is not in {}",
                column.name,
                paths(table),
                paths(&other)
            );
            sink.push(Diagnostic::error(Code::SPM102, message).at(Place::Text(place.clone()), ""));
            return None;
        }
    }
    if let Some(extra) = other.columns.iter().find(|column| table.column(&column.name).is_none()) {
        let message = format!(
            "the files do not have the same columns: `{}` of {} is not in {}",
            extra.name,
            paths(&other),
            paths(table)
        );
        sink.push(Diagnostic::error(Code::SPM102, message).at(Place::Text(place.clone()), ""));
        return None;
    }
    let shift = u32::try_from(table.files.len()).unwrap_or(u32::MAX);
    let own: &[&str] = if table.frame.column(FILE).is_ok() { &[FILE, ROW] } else { &[] };
    let shifted: Vec<Expr> = own.first().map(|_| col(FILE) + lit(shift)).into_iter().collect();
    let joined = other.frame.clone().lazy().with_columns(shifted).collect().and_then(|frame| {
        let other = Table { frame, columns: other.columns.clone(), files: vec![] };
        below(&[table, &other], own)
    });
    match joined {
        Ok(both) => {
            let mut files = std::mem::take(&mut table.files);
            files.extend(other.files);
            *table = Table { files, ..both };
            Some(())
        }
        Err(error) => {
            sink.push(Diagnostic::error(Code::SPM102, error.to_string()).at(Place::Text(place.clone()), ""));
            None
        }
    }
}

fn paths(table: &Table) -> String {
    table.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(", ")
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
