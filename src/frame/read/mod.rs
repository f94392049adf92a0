//! Extracts become tables: files found, bytes decoded, cells kept with the row they came from.

mod cast;
mod delimited;
mod files;
mod typed;
mod workbook;

use std::path::{Path, PathBuf};

use polars::prelude::*;
use sha2::{Digest, Sha256};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::Type;
use spm_core::plan::project::{Header, Reading, SourceSpec};

pub use cast::{Cast, cast};
pub(crate) use delimited::{other_delimiter, separator_line};
pub use files::{Folders, Found, find, is_hidden};
pub use typed::said;

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

/// The files of a source in the order of their paths, so that nothing depends on the order of a folder; each once.
pub(crate) fn files_of(folders: Folders<'_>, spec: &SourceSpec, sink: &mut Sink) -> Vec<(PathBuf, String)> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for (pattern, place) in &spec.files {
        let found = folders.find(pattern);
        if found.is_empty() {
            let fault = Diagnostic::error(Code::SPM101, format!("no file matches `{pattern}`"));
            sink.push(
                fault
                    .at(Place::Text(place.clone()), "")
                    .hint(format!("paths are relative to {}", folders.root.display())),
            );
        }
        files.extend(found.told(sink));
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    files::once(files, |fault| sink.push(fault))
}

/// Reads every file of a source into one table. Text formats give Text columns; typed formats keep their types.
pub fn extract(
    folders: Folders<'_>,
    spec: &SourceSpec,
    sink: &mut Sink,
    rejects: &mut Vec<Reject>,
) -> Option<Table> {
    let mut tables = Vec::new();
    let mut inputs = Vec::new();
    for file in files_of(folders, spec, sink) {
        let (input, parts) = in_parts(&file, spec, sink, rejects, &|part| part)?;
        inputs.push(input);
        tables.extend(parts);
    }
    combined(tables, inputs, &spec.place, sink)
}

/// The sheets of a workbook, in order, from its bytes; none of other files.
#[must_use]
pub fn sheets(path: &Path, bytes: &[u8]) -> Vec<String> {
    if format_of(path, &Reading::default()) == "xlsx" { workbook::sheets(bytes) } else { vec![] }
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

/// What a file is that holds no table of its format, and what to do.
fn not_data(bytes: &[u8], format: &str, header: &Header) -> Option<(&'static str, &'static str)> {
    let is_named = matches!(header, Header::Named(_)) && format == "csv";
    let unpack = "unpack it, and name the file that was in it";
    match bytes {
        [] if !is_named => Some(("is empty", "export it again; without rows it has its header")),
        [0x1f, 0x8b, ..] => Some(("is compressed (gzip)", unpack)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(("is compressed (zstd)", unpack)),
        [b'P', b'K', 3, 4, ..] if format == "csv" => Some((
            "is a workbook or a ZIP archive, not text",
            "set format = \"xlsx\" for a workbook; unpack an archive",
        )),
        _ => None,
    }
}

/// Reads one file and hands it on in parts, in the order of its rows; parts are worked on side by side. Only one file's
/// bytes are held at a time, and of a Parquet file only the parts that are being worked on.
pub(crate) fn in_parts<T: Send>(
    (path, shown): &(PathBuf, String),
    spec: &SourceSpec,
    sink: &mut Sink,
    rejects: &mut Vec<Reject>,
    visit: &(dyn Fn(Table) -> T + Sync),
) -> Option<(InputFile, Vec<T>)> {
    let fault = |reason: String| Diagnostic::error(Code::SPM102, reason).at(Place::File(shown.clone()), "");
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            sink.push(fault(format!("cannot read the file: {error}")));
            return None;
        }
    };
    if let Some((what, hint)) = not_data(&bytes, &format_of(path, &spec.reading), &spec.reading.header) {
        sink.push(fault(format!("the file {what}")).hint(hint));
        return None;
    }
    let mut unhashed = InputFile { path: shown.clone(), sha256: String::new(), rows: 0, unread: vec![] };
    let format = format_of(path, &spec.reading);
    unhashed.unread = typed::unread(&bytes, &format);
    let part = |cells: Cells| -> PolarsResult<(u64, T)> {
        let height = cells.rows.len();
        let (columns, mut data): (Vec<TableColumn>, Vec<Column>) = cells.columns.into_iter().unzip();
        data.push(Column::new_scalar(FILE.into(), Scalar::from(0u32), height));
        data.push(UInt32Chunked::from_vec(ROW.into(), cells.rows).into_column());
        let frame = DataFrame::new(height, data)?;
        Ok((height as u64, visit(Table { frame, columns, files: vec![unhashed.clone()] })))
    };
    // The hash of an auditor takes as long as reading the cells: both at once.
    let (parts, sha256) = rayon::join(
        || match format.as_str() {
            "parquet" => typed::parquet(&bytes, shown, &unhashed.unread, sink, &part),
            "ipc" => typed::ipc(&bytes, shown, &unhashed.unread, sink).map(|cells| vec![part(cells)]),
            "xlsx" => workbook::workbook(&bytes, shown, &spec.reading, sink).map(|cells| vec![part(cells)]),
            _ => delimited::delimited(&bytes, shown, &spec.name, &spec.reading, sink, rejects)
                .map(|cells| vec![part(cells)]),
        },
        || sha256(&bytes),
    );
    let parts: PolarsResult<Vec<(u64, T)>> = parts?.into_iter().collect();
    match parts {
        Ok(parts) => {
            let rows = parts.iter().map(|(rows, _)| rows).sum();
            Some((InputFile { sha256, rows, ..unhashed }, parts.into_iter().map(|(_, part)| part).collect()))
        }
        Err(error) => {
            sink.push(fault(error.to_string()));
            None
        }
    }
}

/// The parts of files below each other, each part of one file; exact numbers meet at the larger number of decimals.
pub(crate) fn combined(
    mut parts: Vec<Table>,
    files: Vec<InputFile>,
    place: &TextPlace,
    sink: &mut Sink,
) -> Option<Table> {
    let names = |table: &Table| -> Vec<String> {
        table.columns.iter().map(|column| format!("{} ({})", column.name, column.kind.name())).collect()
    };
    let path = |table: &Table| table.files.first().map_or_else(String::new, |file| file.path.clone());
    let first = parts.first()?;
    for other in &parts {
        let (here, there) = (names(first), names(other));
        let odd = here.iter().find(|name| !there.contains(name)).map(|name| (name, first, other));
        let odd =
            odd.or_else(|| there.iter().find(|name| !here.contains(name)).map(|name| (name, other, first)));
        if let Some((name, with, without)) = odd {
            let (with, without) = (path(with), path(without));
            let message =
                format!("the files do not have the same columns: {name} of {with} is not in {without}");
            sink.push(Diagnostic::error(Code::SPM102, message).at(Place::Text(place.clone()), ""));
            return None;
        }
    }
    let mut fault = |error: PolarsError| {
        sink.push(Diagnostic::error(Code::SPM102, error.to_string()).at(Place::Text(place.clone()), ""));
    };
    for part in &mut parts {
        let own = path(part);
        let index = files.iter().position(|file| file.path == own).unwrap_or(0);
        let index = Scalar::from(u32::try_from(index).unwrap_or(u32::MAX));
        let column = Column::new_scalar(FILE.into(), index, part.frame.height());
        part.frame.with_column(column).map_err(&mut fault).ok()?;
    }
    let mut table = below(&parts.iter().collect::<Vec<_>>(), &[FILE, ROW]).map_err(&mut fault).ok()?;
    drop(parts);
    table.frame.rechunk_mut_par();
    Some(Table { files, ..table })
}

/// Appends a table with the same columns below another; exact numbers meet at the larger number of decimals.
pub fn append(table: &mut Table, other: Table, place: &TextPlace, sink: &mut Sink) -> Option<()> {
    let shift = u32::try_from(table.files.len()).unwrap_or(u32::MAX);
    let joined = other.frame.clone().lazy().with_column(col(FILE) + lit(shift)).collect().and_then(|frame| {
        let other = Table { frame, columns: other.columns.clone(), files: vec![] };
        below(&[table, &other], &[FILE, ROW])
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

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
