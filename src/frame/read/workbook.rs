//! XLSX and its relatives: the cells of one sheet as text.

use std::io::Cursor;

use calamine::{Data, Reader, open_workbook_auto_from_rs};
use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::period::Date;
use spm_core::ground::source::Place;
use spm_core::plan::project::{Cells as CellFormats, Header, Reading};

use super::Cells;
use super::delimited::{duplicate, header_names};

/// Reads one sheet into Text columns: numbers to 15 digits, as Excel has them, and dates, both in the marks of the source, so
/// that they are read back as what they are; errors, and formulas without a stored value, as the text that they show.
pub(super) fn workbook(bytes: &[u8], path: &str, reading: &Reading, sink: &mut Sink) -> Option<Cells> {
    match sheet(bytes, reading) {
        Ok(cells) => Some(cells),
        Err(message) => {
            sink.push(Diagnostic::error(Code::SPM102, message).at(Place::File(path.to_owned()), ""));
            None
        }
    }
}

/// The sheets of a workbook; none of a file that is none.
pub(super) fn sheets(bytes: &[u8]) -> Vec<String> {
    open_workbook_auto_from_rs(Cursor::new(bytes)).map(|workbook| workbook.sheet_names()).unwrap_or_default()
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
    let formulas = workbook.worksheet_formula(&name).map_err(|error| error.to_string())?;
    let (top, left) = range.start().unwrap_or_default();
    let cell = |row: usize, column: usize, cell: &Data| -> String {
        let place = (top.saturating_add(number(row)), left.saturating_add(number(column)));
        match formulas.get_value(place).filter(|formula| *cell == Data::Empty && !formula.is_empty()) {
            Some(formula) => format!("={formula}"),
            None => text_of(cell, &reading.cells),
        }
    };
    let row = |(row, cells): (usize, &[Data])| -> Vec<String> {
        cells.iter().enumerate().map(|(column, own)| cell(row, column, own)).collect()
    };
    let mut records = range.rows().enumerate().skip(reading.skip_rows).map(row);
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

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn text_of(cell: &Data, cells: &CellFormats) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            let part = |value: u8| i8::try_from(value).unwrap_or(0);
            let date = i16::try_from(year).ok().and_then(|year| Date::new(year, part(month), part(day)).ok());
            let time = format!("T{hour:02}:{minute:02}:{second:02}");
            let time = if time == "T00:00:00" { "" } else { &time };
            date.map_or_else(
                || cell.to_string(),
                |date| format!("{}{time}", date.strftime(&cells.date_format)),
            )
        }
        Data::Float(value) => decimal(*value).replace('.', cells.decimal.encode_utf8(&mut [0; 4])),
        other => other.to_string(),
    }
}

/// A number to 15 digits, which is what Excel keeps: 0.3 where a sum of floats left 0.30000000000000004.
fn decimal(value: f64) -> String {
    if value.fract() == 0.0 {
        return value.to_string();
    }
    format!("{value:.14e}").parse::<f64>().unwrap_or(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_sheet() {
        let german = CellFormats {
            decimal: ',',
            thousands: Some('.'),
            date_format: "%d.%m.%Y".to_owned(),
            decimals: None,
        };
        for (value, want) in [(1234.567, "1234,567"), (0.1 + 0.2, "0,3"), (12.0, "12"), (-0.125, "-0,125")] {
            assert_eq!(text_of(&Data::Float(value), &german), want);
        }
        assert_eq!(text_of(&Data::Error(calamine::CellErrorType::NA), &german), "#N/A");
        assert_eq!(decimal(1_234_567_890_123_456.0), "1234567890123456");
    }
}
