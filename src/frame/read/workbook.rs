//! XLSX and its relatives: the cells of one sheet as text.

use std::io::Cursor;

use calamine::{Data, Reader, open_workbook_auto_from_rs};
use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::source::Place;
use spm_core::plan::project::{Header, Reading};

use super::Cells;
use super::delimited::{duplicate, header_names};

/// Reads one sheet into Text columns: numbers in their shortest exact form, dates as YYYY-MM-DD, errors as null.
pub(super) fn workbook(bytes: &[u8], path: &str, reading: &Reading, sink: &mut Sink) -> Option<Cells> {
    match sheet(bytes, reading) {
        Ok(cells) => Some(cells),
        Err(message) => {
            sink.push(Diagnostic::error(Code::SPM102, message).at(Place::File(path.to_owned()), ""));
            None
        }
    }
}

fn sheet(bytes: &[u8], reading: &Reading) -> Result<Cells, String> {
    let mut workbook =
        open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| format!("not a workbook: {error}"))?;
    let names = workbook.sheet_names();
    let name = match &reading.sheet {
        Some(name) if names.contains(name) => name.clone(),
        Some(name) => {
            let near = suggestion(name, names.iter().map(String::as_str))
                .unwrap_or(names.first().map_or("", String::as_str));
            return Err(format!("there is no sheet `{name}`; did you mean `{near}`?"));
        }
        None => names.first().cloned().ok_or("the workbook has no sheet")?,
    };
    let range = workbook.worksheet_range(&name).map_err(|error| error.to_string())?;
    let mut records =
        range.rows().skip(reading.skip_rows).map(|row| row.iter().map(text_of).collect::<Vec<String>>());
    let width = range.width();
    let first = if reading.header == Header::FirstRecord {
        records.next().unwrap_or_default()
    } else {
        vec![String::new(); width]
    };
    let names = header_names(reading, first.len(), &|index| first[index].as_str());
    if let Some(twice) = duplicate(&names) {
        return Err(format!("two columns are named `{twice}`"));
    }
    if names.len() != width {
        return Err(format!("`header` names {} columns, the sheet has {width}", names.len()));
    }
    let mut columns: Vec<StringChunkedBuilder> =
        names.iter().map(|name| StringChunkedBuilder::new(name.as_str().into(), 64)).collect();
    let mut rows = Vec::new();
    for (index, record) in records.enumerate() {
        if record.iter().all(String::is_empty) {
            continue;
        }
        for (column, text) in columns.iter_mut().zip(&record) {
            if text.is_empty() || reading.blank.contains(text) {
                column.append_null()
            } else {
                column.append_value(text)
            }
        }
        rows.push(u32::try_from(index + 1).unwrap_or(u32::MAX));
    }
    Ok(Cells::of_texts(names, columns, rows))
}

fn text_of(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::DateTime(time) if time.is_datetime() => {
            let (year, month, day, ..) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        // The shortest text that reads back to the same float: 12.5, not 12.500000000000000444.
        Data::Float(value) => value.to_string(),
        other => other.to_string(),
    }
}
