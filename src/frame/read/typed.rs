//! Parquet and Arrow IPC: typed columns, brought to the types of a table.
//!
//! Files are read without a predicate: the min/max statistics that some writers store are wrong, and a reader that
//! trusts them drops rows.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;
use polars_io::SerReader;
use polars_io::ipc::IpcReader;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use rayon::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::limit::COLUMN_DECIMALS_MAX;
use spm_core::ground::source::Place;
use spm_core::plan::contract::Type;

use super::Cells;
use crate::merge::tasks;
use crate::table::Column as TableColumn;

/// Rows that a part of a file has at least, when the file has more: enough for the columns to be worth their overhead,
/// few enough to be worked on in the processor's cache.
const PART: usize = 1 << 16;

/// Reads a Parquet file by its row groups, and hands each part on.
pub(super) fn parquet<T: Send>(
    bytes: &[u8],
    path: &str,
    unread: &[(String, String)],
    sink: &mut Sink,
    visit: &(dyn Fn(Cells) -> T + Sync),
) -> Option<Vec<T>> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let described = reader.get_metadata().cloned().and_then(|metadata| Ok((metadata, reader.schema()?)));
    let (metadata, schema) = match described {
        Ok(described) => described,
        Err(error) => {
            sink.push(unreadable(path, &error));
            return None;
        }
    };
    let readable = except(&schema, unread);
    // For each part the rows before it, and a description of the file as if it had no other row groups: a reader that
    // is asked for a slice unpacks the first pages of every group before it.
    let mut nothing = (*metadata).clone();
    if schema.iter_values().any(|field| is_dictionary(field.dtype())) {
        // Without the description of the program that wrote it, a dictionary of texts is a column of texts.
        nothing.key_value_metadata = None;
    }
    nothing.row_groups.clear();
    nothing.num_rows = 0;
    let mut parts = vec![(0, nothing.clone())];
    for group in &metadata.row_groups {
        if let Some((before, last)) = parts.last()
            && last.num_rows >= PART
        {
            parts.push((before + last.num_rows, nothing.clone()));
        }
        if let Some((_, last)) = parts.last_mut() {
            last.num_rows += group.num_rows();
            last.row_groups.push(group.clone());
        }
    }
    let strategy = if parts.len() > 1 { ParallelStrategy::None } else { ParallelStrategy::Auto };
    let part = |(before, own): (usize, _)| {
        let reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(strategy);
        let mut reader = reader.with_columns(Some(readable.clone()));
        reader.set_metadata(Arc::new(own));
        normalize(reader.finish(), path, before).map(visit)
    };
    let parts: Vec<Result<T, Vec<Diagnostic>>> = parts.into_par_iter().map(part).collect();
    parts
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|faults| faults.into_iter().for_each(|fault| sink.push(fault)))
        .ok()
}

/// Reads an Arrow IPC file.
pub(super) fn ipc(bytes: &[u8], path: &str, unread: &[(String, String)], sink: &mut Sink) -> Option<Cells> {
    let readable = IpcReader::new(Cursor::new(bytes)).schema().map(|schema| except(&schema, unread));
    let read =
        readable.and_then(|names| IpcReader::new(Cursor::new(bytes)).with_columns(Some(names)).finish());
    normalize(read, path, 0).map_err(|faults| faults.into_iter().for_each(|fault| sink.push(fault))).ok()
}

/// What a Parquet file says about itself: its metadata by key. A file without, or that cannot be read, says nothing.
#[must_use]
pub fn said(path: &Path) -> BTreeMap<String, String> {
    let Ok(file) = std::fs::File::open(path) else { return BTreeMap::new() };
    let metadata = ParquetReader::new(file).get_metadata().cloned();
    let entries = metadata.ok().and_then(|metadata| metadata.key_value_metadata.clone()).unwrap_or_default();
    entries.into_iter().filter_map(|entry| Some((entry.key, entry.value?))).collect()
}

/// Columns of a typed file that have no place in a table, each with what it is; a file that cannot be read has none.
pub(super) fn unread(bytes: &[u8], format: &str) -> Vec<(String, String)> {
    let (schema, dictionaries) = match format {
        "parquet" => (ParquetReader::new(Cursor::new(bytes)).schema().ok(), true),
        "ipc" => (IpcReader::new(Cursor::new(bytes)).schema().ok(), false),
        _ => (None, false),
    };
    let Some(schema) = schema else { return vec![] };
    let fields = schema.iter_values().filter(|field| !(dictionaries && is_dictionary(field.dtype())));
    fields.filter_map(|field| Some((field.name.to_string(), unfit(field.dtype())?.to_owned()))).collect()
}

/// The names of all other columns.
fn except(schema: &ArrowSchema, unread: &[(String, String)]) -> Vec<String> {
    let names = schema.iter_names().map(|name| name.to_string());
    names.filter(|name| unread.iter().all(|(unread, _)| unread != name)).collect()
}

/// A dictionary of texts.
fn is_dictionary(dtype: &ArrowDataType) -> bool {
    use ArrowDataType::{Dictionary, LargeUtf8, Utf8, Utf8View};
    matches!(dtype, Dictionary(_, values, _) if matches!(**values, Utf8 | LargeUtf8 | Utf8View))
}

/// What a column is that has no place in a table.
fn unfit(dtype: &ArrowDataType) -> Option<&'static str> {
    use ArrowDataType as Arrow;
    Some(match dtype {
        Arrow::Null | Arrow::Boolean | Arrow::Date32 | Arrow::Date64 => return None,
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => return None,
        Arrow::Int8 | Arrow::Int16 | Arrow::Int32 | Arrow::Int64 => return None,
        Arrow::UInt8 | Arrow::UInt16 | Arrow::UInt32 | Arrow::UInt64 => return None,
        Arrow::Float32 | Arrow::Float64 | Arrow::Decimal(..) => return None,
        Arrow::Timestamp(_, zone) => match zone.as_deref() {
            None | Some("UTC" | "Etc/UTC" | "Z" | "+00:00" | "GMT") => return None,
            Some(_) => "a time of a zone other than UTC, so that its day is not known",
        },
        Arrow::Dictionary(..) => "a dictionary",
        Arrow::List(_) | Arrow::LargeList(_) | Arrow::FixedSizeList(..) => "a list",
        Arrow::Struct(_) | Arrow::Map(..) | Arrow::Union(_) => "a structure",
        Arrow::Binary | Arrow::LargeBinary | Arrow::FixedSizeBinary(_) | Arrow::BinaryView => "bytes",
        Arrow::Time32(_) | Arrow::Time64(_) | Arrow::Duration(_) | Arrow::Interval(_) => {
            "a time without a day"
        }
        _ => "of a type that is not supported",
    })
}

fn unreadable(path: &str, error: &PolarsError) -> Diagnostic {
    let message = error.to_string();
    let fault = Diagnostic::error(Code::SPM102, format!("the file cannot be read: {message}"));
    let fault = fault.at(Place::File(path.to_owned()), "");
    match message.contains("InvalidFooter") {
        true => fault.hint("it may be an Arrow stream, which has no footer, or be cut off: write it as an Arrow IPC file (Feather) or as Parquet"),
        false => fault,
    }
}

/// The rows after `before` others, in the types of a table.
fn normalize(read: PolarsResult<DataFrame>, path: &str, before: usize) -> Result<Cells, Vec<Diagnostic>> {
    let frame = read.map_err(|error| vec![unreadable(path, &error)])?;
    let height = frame.height();
    let mut columns = Vec::with_capacity(frame.width());
    let mut faults = Vec::new();
    for column in frame.into_columns() {
        let name = column.name().to_string();
        match normal(&column) {
            Ok((kind, decimals, column)) => columns.push((TableColumn { name, kind, decimals }, column)),
            Err((code, reason)) => {
                faults.push(Diagnostic::error(code, reason).at(Place::row(path, None, Some(&name)), ""));
            }
        }
    }
    let number = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
    let rows = (number(before + 1)..=number(before + height)).collect();
    if faults.is_empty() { Ok(Cells { columns, rows }) } else { Err(faults) }
}

/// A decimal that would not fit 64 bits, or has more places than a table holds, without the zeros that all its values
/// end in: decimal(38,18) may hold 100.5.
fn shortened(values: &Int128Chunked, decimals: u32) -> (Int128Chunked, u32) {
    let fits = |value: i128| i64::try_from(value).is_ok();
    if decimals <= COLUMN_DECIMALS_MAX && values.iter().flatten().all(fits) {
        return (values.clone(), decimals);
    }
    let mut zeros = decimals;
    for mut value in values.iter().flatten().filter(|value| *value != 0) {
        let mut own = 0;
        while own < zeros && value % 10 == 0 {
            (own, value) = (own + 1, value / 10);
        }
        zeros = own;
    }
    let divisor = 10i128.pow(zeros);
    (values.apply_values(|value| value / divisor), decimals - zeros)
}

/// A column in the type of a table.
fn normal(column: &Column) -> Result<(Type, u32, Column), (Code, String)> {
    let read = |error: PolarsError| (Code::SPM102, error.to_string());
    let as_type = |kind, target: &DataType| Ok((kind, 0, column.strict_cast(target).map_err(read)?));
    match column.dtype() {
        DataType::String => Ok((Type::Text, 0, column.clone())),
        DataType::Boolean => Ok((Type::Boolean, 0, column.clone())),
        DataType::Date => Ok((Type::Date, 0, column.clone())),
        DataType::Datetime(..) => Ok((Type::Moment, 0, column.clone())),
        DataType::Float32 | DataType::Float64 => as_type(Type::Float, &DataType::Float64),
        dtype if dtype.is_integer() => column
            .strict_cast(&DataType::Int64)
            .map(|column| (Type::Number, 0, column))
            .map_err(|error| (Code::SPM402, error.to_string())),
        DataType::Decimal(_, scale) => {
            let decimals = u32::try_from(*scale)
                .map_err(|_| (Code::SPM102, "a decimal with too many places".to_owned()))?;
            let values = column.decimal().map_err(read)?;
            let (physical, decimals) = shortened(values.physical(), decimals);
            let parts: Vec<Option<Int64Chunked>> = tasks(physical.len())
                .map(|(from, length)| {
                    let part = physical.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
                    let mut fits = true;
                    let narrow = |value: Option<i128>| {
                        let narrow = value.and_then(|value| i64::try_from(value).ok());
                        fits &= value.is_none() || narrow.is_some();
                        narrow
                    };
                    let units = part.iter().map(narrow).collect_ca(column.name().clone());
                    fits.then_some(units)
                })
                .collect();
            let mut units = Int64Chunked::full_null(column.name().clone(), 0);
            for part in parts {
                let beyond =
                    || (Code::SPM402, "a decimal does not fit 64 bits of its smallest unit".to_owned());
                units.append(&part.ok_or_else(beyond)?).map_err(read)?;
            }
            Ok((Type::Number, decimals, units.into_column()))
        }
        DataType::Null => as_type(Type::Text, &DataType::String),
        other => Err((Code::SPM102, format!("columns of type {other} are not supported; export it as text"))),
    }
}
