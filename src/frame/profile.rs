//! What is in an extract: how it is read, and the type and values of each column.

use std::path::Path;

use polars::prelude::*;
use spm_core::ground::diagnostic::Sink;
use spm_core::ground::source::Source;
use spm_core::plan::contract::Type;
use spm_core::plan::project::{Cells, Header, Reading, SourceSpec};

use crate::read::{self, cast};
use crate::table::Table;

/// What is in a file.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Path as given.
    pub path: String,
    /// Records.
    pub rows: usize,
    /// How it is read, where that differs from the default.
    pub reading: Reading,
    /// Sheets of a workbook; the first is described.
    pub sheets: Vec<String>,
    /// Its columns.
    pub columns: Vec<ColumnProfile>,
}

/// What is in a column.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// Type that every value fits.
    pub kind: Type,
    /// Type in the file: all columns of CSV and XLSX are text.
    pub stored: Type,
    /// Date pattern, when it is not %Y-%m-%d.
    pub date_format: Option<String>,
    /// Another pattern that every value fits: which of them is meant cannot be seen.
    pub other_format: Option<String>,
    /// Mark of decimals and of thousands, where numbers are not plain.
    pub marks: Option<(char, Option<char>)>,
    /// Of numbers that are stored as floats: the fewest decimals that all of them come near, when not whole.
    pub decimals: Option<u32>,
    /// Empty cells.
    pub empty: usize,
    /// Different values.
    pub distinct: usize,
    /// Smallest value.
    pub least: String,
    /// Largest value.
    pub greatest: String,
    /// Up to three values.
    pub examples: Vec<String>,
    /// Every value as text, where there are few.
    pub values: Vec<String>,
}

/// So many different values of a column are kept: those of a stage, a status, a kind.
const FEW: usize = 24;

/// Date patterns that are tried, the safest first.
pub(crate) const DATES: [&str; 6] = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y%m%d"];

/// Reads a file as it is, and how it was read. `None` with faults in the sink when it cannot be read.
pub fn open(root: &Path, path: &str, sink: &mut Sink) -> Option<(Table, Reading)> {
    opened(root, path, sink).map(|(table, reading, _)| (table, reading))
}

/// As [`open`], with the sheets of a workbook.
fn opened(root: &Path, path: &str, sink: &mut Sink) -> Option<(Table, Reading, Vec<String>)> {
    let first = read::find(root, path).files.into_iter().next();
    let bytes = first.and_then(|(path, _)| std::fs::read(path).ok()).unwrap_or_default();
    let (reading, sheets) = (sniff(&bytes), read::sheets(Path::new(path), &bytes));
    let place = spm_core::ground::source::TextPlace { source: Source::new(path, ""), span: 0..0 };
    let spec = SourceSpec {
        name: path.to_owned(),
        table: None,
        files: vec![(path.to_owned(), place.clone())],
        optional: false,
        reading,
        joins: vec![],
        condition: None,
        columns: vec![],
        place,
    };
    let table = read::extract(read::Folders { root, results: root }, &spec, sink, &mut vec![])?;
    Some((table, spec.reading, sheets))
}

/// Reads a file and describes its columns. `None` with faults in the sink when it cannot be read.
pub fn profile(root: &Path, path: &str, sink: &mut Sink) -> Option<Profile> {
    let (table, reading, sheets) = opened(root, path, sink)?;
    let columns = table.columns.iter().filter_map(|column| describe(&table, &column.name)).collect();
    Some(Profile { path: path.to_owned(), rows: table.frame.height(), reading, sheets, columns })
}

/// Encoding, delimiters and header of delimited text, from its first bytes.
fn sniff(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let head = &bytes[..bytes.len().min(1 << 16) & !1];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    if head.starts_with(&[0xFF, 0xFE]) || zeros(1) > head.len() / 4 && zeros(0) == 0 {
        reading.encoding = "utf-16le".to_owned();
    } else if std::str::from_utf8(bytes).is_err() {
        reading.encoding = "windows-1252".to_owned();
    }
    let encoding =
        encoding_rs::Encoding::for_label(reading.encoding.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    let (text, _, _) = encoding.decode(head);
    let (stated, text) = match read::separator_line(&text) {
        Some((mark, rest)) => (Some(mark), rest),
        None => (None, &*text),
    };
    if text.contains("&|") && text.contains("+|") {
        reading.delimiter = "+|".to_owned();
        reading.terminator = Some("&|\n".to_owned());
    } else {
        let line = text.lines().next().unwrap_or_default();
        let best =
            [",", ";", "\t", "|"].into_iter().max_by_key(|mark| (line.matches(mark).count(), *mark == ","));
        reading.delimiter = stated.or(best).unwrap_or(",").to_owned();
    }
    let first = text.split(['\n', '\r']).next().unwrap_or_default();
    let numeric = |cell: &str| cell.trim_matches(['"', ' ']).parse::<f64>().is_ok();
    if first.split(reading.delimiter.as_str()).any(numeric) {
        reading.header = Header::Numbered;
    }
    reading
}

fn describe(table: &Table, name: &str) -> Option<ColumnProfile> {
    let column = table.frame.column(name).ok()?;
    let own = table.column(name)?;
    let inferred = match own.kind {
        Type::Text => infer(column),
        Type::Float => near_decimals(column),
        kind => Inferred::of(kind),
    };
    let kind = inferred.kind;
    let plain = Reading::default().cells;
    let typed = cast(column, own.kind, own.decimals, kind, &inferred.cells).ok()?;
    let as_text =
        |column: &Column, decimals| cast(column, kind, decimals, Type::Text, &plain).map(|cast| cast.column);
    let ends = [typed.column.min_reduce(), typed.column.max_reduce()].map(|value| {
        let value = value.ok()?.into_column(name.into());
        let text = if kind == Type::Float {
            value.cast(&DataType::String).ok()?
        } else {
            as_text(&value, typed.decimals).ok()?
        };
        text.str().ok()?.get(0).map(str::to_owned)
    });
    let shown = if own.kind == Type::Float {
        column.cast(&DataType::String).ok()?
    } else {
        cast(column, own.kind, own.decimals, Type::Text, &plain).ok()?.column
    };
    let mut examples: Vec<String> = Vec::new();
    for text in shown.str().ok()?.iter().flatten() {
        if examples.len() == 3 {
            break;
        }
        let short: String = text.chars().take(40).collect();
        if !examples.contains(&short) {
            examples.push(short);
        }
    }
    let distinct = column.n_unique().ok()? - usize::from(column.null_count() > 0);
    let mut values: Vec<String> = Vec::new();
    if distinct <= FEW {
        let texts = shown.unique().ok()?;
        values.extend(texts.str().ok()?.iter().flatten().map(str::to_owned));
        values.sort();
    }
    let [least, greatest] = ends.map(|end| end.unwrap_or_default().chars().take(40).collect());
    Some(ColumnProfile {
        name: name.to_owned(),
        kind,
        stored: own.kind,
        date_format: Some(&inferred.cells.date_format).filter(|format| **format != DATES[0]).cloned(),
        other_format: inferred.other_format.map(str::to_owned),
        marks: Some((inferred.cells.decimal, inferred.cells.thousands))
            .filter(|marks| *marks != (plain.decimal, plain.thousands)),
        decimals: inferred.cells.decimals.filter(|decimals| *decimals > 0),
        empty: column.null_count(),
        distinct,
        least,
        greatest,
        examples,
        values,
    })
}

/// What the texts of a column are, and how they are read.
struct Inferred {
    kind: Type,
    cells: Cells,
    other_format: Option<&'static str>,
}

impl Inferred {
    fn of(kind: Type) -> Self {
        Self { kind, cells: Reading::default().cells, other_format: None }
    }
}

/// Floats that stand for decimals, such as amounts of money, with the fewest decimals that they come near.
fn near_decimals(column: &Column) -> Inferred {
    let cells = (0..=4).map(|decimals| Cells { decimals: Some(decimals), ..Reading::default().cells });
    let fits = |cells: &Cells| {
        cast(column, Type::Float, 0, Type::Number, cells).is_ok_and(|cast| cast.faults.is_empty())
    };
    match cells.filter(|_| column.null_count() < column.len()).find(fits) {
        Some(cells) => Inferred { kind: Type::Number, cells, other_format: None },
        None => Inferred::of(Type::Float),
    }
}

/// The narrowest type that every text fits.
fn infer(column: &Column) -> Inferred {
    let fits = |kind, cells: &Cells| {
        cast(column, Type::Text, 0, kind, cells).is_ok_and(|cast| cast.faults.is_empty())
    };
    if column.null_count() == column.len() {
        return Inferred::of(Type::Text);
    }
    let plain = Reading::default().cells;
    let dated =
        |format: &&str| fits(Type::Date, &Cells { date_format: (*format).to_owned(), ..plain.clone() });
    let mut formats = DATES.into_iter().take(5).filter(dated);
    if let Some(format) = formats.next() {
        let cells = Cells { date_format: format.to_owned(), ..plain };
        return Inferred { kind: Type::Date, cells, other_format: formats.next() };
    }
    // 007 is a name, not the number 7.
    let padded = |text: &str| {
        text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if column.str().is_ok_and(|texts| texts.iter().flatten().any(padded)) {
        return Inferred::of(Type::Text);
    }
    let marks =
        [('.', None), ('.', Some(',')), (',', None), (',', Some('.')), (',', Some(' ')), ('.', Some(' '))];
    let numbers = marks.map(|(decimal, thousands)| Cells { decimal, thousands, ..plain.clone() });
    match numbers.into_iter().find(|cells| fits(Type::Number, cells)) {
        Some(cells) => Inferred { kind: Type::Number, cells, other_format: None },
        None => Inferred::of(Type::Text),
    }
}
