//! Parquet and Arrow IPC: typed columns, brought to the types of a table.
//!
//! Files are read whole and without a predicate: the min/max statistics that some writers store are wrong, and a
//! reader that trusts them drops rows.

use std::io::Cursor;

use polars::prelude::*;
use polars_io::SerReader;
use polars_io::ipc::IpcReader;
use polars_io::parquet::read::ParquetReader;
use rayon::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_core::plan::contract::Type;

use super::Cells;
use crate::merge::tasks;
use crate::table::Column as TableColumn;

/// Reads a Parquet file.
pub(super) fn parquet(bytes: &[u8], path: &str, sink: &mut Sink) -> Option<Cells> {
    normalize(ParquetReader::new(Cursor::new(bytes)).finish(), path, sink)
}

/// Reads an Arrow IPC file.
pub(super) fn ipc(bytes: &[u8], path: &str, sink: &mut Sink) -> Option<Cells> {
    normalize(IpcReader::new(Cursor::new(bytes)).finish(), path, sink)
}

fn normalize(read: PolarsResult<DataFrame>, path: &str, sink: &mut Sink) -> Option<Cells> {
    let frame = match read {
        Ok(frame) => frame,
        Err(error) => {
            let fault = Diagnostic::error(Code::SPM102, format!("the file cannot be read: {error}"));
            sink.push(fault.at(Place::File(path.to_owned()), ""));
            return None;
        }
    };
    let height = frame.height();
    let width = frame.width();
    let mut columns = Vec::with_capacity(width);
    for column in frame.into_columns() {
        let name = column.name().to_string();
        match normal(&column) {
            Ok((kind, decimals, column)) => columns.push((TableColumn { name, kind, decimals }, column)),
            Err((code, reason)) => {
                sink.push(Diagnostic::error(code, reason).at(Place::row(path, None, Some(&name)), ""));
            }
        }
    }
    let rows = (1..=u32::try_from(height).unwrap_or(u32::MAX)).collect();
    (columns.len() == width).then_some(Cells { columns, rows })
}

/// A column in the type of a table.
fn normal(column: &Column) -> Result<(Type, u32, Column), (Code, String)> {
    let read = |error: PolarsError| (Code::SPM102, error.to_string());
    let as_type = |kind, target: &DataType| Ok((kind, 0, column.strict_cast(target).map_err(read)?));
    match column.dtype() {
        DataType::String => Ok((Type::Text, 0, column.clone())),
        DataType::Boolean => Ok((Type::Boolean, 0, column.clone())),
        DataType::Date => Ok((Type::Date, 0, column.clone())),
        DataType::Datetime(..) => as_type(Type::Date, &DataType::Date),
        DataType::Float32 | DataType::Float64 => as_type(Type::Float, &DataType::Float64),
        dtype if dtype.is_integer() => column
            .strict_cast(&DataType::Int64)
            .map(|column| (Type::Number, 0, column))
            .map_err(|error| (Code::SPM402, error.to_string())),
        DataType::Decimal(_, scale) => {
            let decimals = u32::try_from(*scale)
                .map_err(|_| (Code::SPM102, "a decimal with too many places".to_owned()))?;
            let values = column.decimal().map_err(read)?;
            let physical = values.physical();
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
