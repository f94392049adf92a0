//! Delimited text: CSV in its dialects, and the dumps of databases with long delimiters and no quoting.

use std::borrow::Cow;

use encoding_rs::Encoding;
use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_core::plan::project::{Header, Reading};

use super::Cells;
use crate::table::Reject;

/// Reads one file into Text columns; empty and blank cells are null, all other text is kept as it is.
pub(super) fn delimited(
    bytes: &[u8],
    path: &str,
    source: &str,
    reading: &Reading,
    sink: &mut Sink,
    rejects: &mut Vec<Reject>,
) -> Option<Cells> {
    let text = decode(bytes, path, reading, sink)?;
    let mut text: &str = &text;
    for _ in 0..reading.skip_rows {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let mut builder = Builder {
        path,
        source,
        reading,
        sink,
        rejects,
        names: vec![],
        columns: vec![],
        rows: vec![],
        record: 0,
    };
    if reading.delimiter.chars().count() > 1 || reading.terminator.is_some() || !reading.delimiter.is_ascii()
    {
        builder.split_plainly(text)?;
    } else {
        builder.split_quoted(text)?;
    }
    let Builder { names, columns, rows, .. } = builder;
    Some(Cells::of_texts(names, columns, rows))
}

/// The text of a file; a byte order mark wins over the stated encoding.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    path: &str,
    reading: &Reading,
    sink: &mut Sink,
) -> Option<Cow<'a, str>> {
    let Some(encoding) = Encoding::for_label(reading.encoding.as_bytes()) else {
        let fault = Diagnostic::error(Code::SPM114, format!("there is no encoding `{}`", reading.encoding));
        sink.push(
            fault
                .at(Place::File(path.to_owned()), "")
                .hint("use a label such as utf-8, utf-16le, windows-1252"),
        );
        return None;
    };
    let (text, used, malformed) = encoding.decode(bytes);
    if malformed {
        let before = text.split('\u{FFFD}').next().unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let message = format!("the bytes are not valid {} near line {line}", used.name().to_lowercase());
        let fault = Diagnostic::error(Code::SPM114, message).at(Place::File(path.to_owned()), "");
        sink.push(fault.hint("set `encoding` of the source, for example encoding = \"windows-1252\""));
        return None;
    }
    Some(text)
}

struct Builder<'a> {
    path: &'a str,
    source: &'a str,
    reading: &'a Reading,
    sink: &'a mut Sink,
    rejects: &'a mut Vec<Reject>,
    names: Vec<String>,
    columns: Vec<StringChunkedBuilder>,
    rows: Vec<u32>,
    record: u32,
}

impl Builder<'_> {
    fn fault(&mut self, message: String) -> Option<()> {
        self.sink.push(Diagnostic::error(Code::SPM102, message).at(Place::File(self.path.to_owned()), ""));
        None
    }

    fn split_quoted(&mut self, text: &str) -> Option<()> {
        let quote = self.reading.quote.and_then(|quote| u8::try_from(quote).ok());
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.reading.delimiter.bytes().next().unwrap_or(b','))
            .quote(quote.unwrap_or(b'"'))
            .quoting(quote.is_some())
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {
                    let fields = record.len();
                    self.record(fields, &|index| &record[index])?;
                }
                Ok(false) => return Some(()),
                Err(error) => return self.fault(format!("cannot be read as delimited text: {error}")),
            }
        }
    }

    /// No quoting: the delimiter and the terminator may be long, and cannot occur inside a field.
    fn split_plainly(&mut self, text: &str) -> Option<()> {
        let stated = self.reading.terminator.as_deref().unwrap_or("\n");
        let unix = stated.replace("\r\n", "\n");
        let dos = unix.replace('\n', "\r\n");
        let terminator = if text.contains(&dos) { dos } else { unix };
        let mut records = text.split(terminator.as_str()).peekable();
        let mut fields: Vec<&str> = Vec::new();
        while let Some(record) = records.next() {
            // Nothing, or a line end, after the last terminator is not a record.
            if records.peek().is_none() && record.trim_matches(['\r', '\n', '\u{1a}']).is_empty() {
                break;
            }
            fields.clear();
            fields.extend(record.split(self.reading.delimiter.as_str()));
            self.record(fields.len(), &|index| fields[index])?;
        }
        Some(())
    }

    /// Takes one record: the header, a row, or a fault.
    fn record<'f>(&mut self, fields: usize, field: &dyn Fn(usize) -> &'f str) -> Option<()> {
        if self.names.is_empty() {
            let is_header = self.header(fields, field)?;
            if is_header {
                return Some(());
            }
        }
        self.record += 1;
        if fields != self.names.len() {
            let text: Vec<&str> = (0..fields).map(field).collect();
            let reason = format!("{fields} fields where {} are expected", self.names.len());
            let place = Place::row(self.path, Some(u64::from(self.record)), None);
            let fault = Diagnostic::error(Code::SPM106, reason.clone()).at(place, "");
            self.sink
                .push(fault.hint("a delimiter inside a field needs quotes; a line end inside a field too"));
            self.rejects.push(Reject {
                source: self.source.to_owned(),
                path: self.path.to_owned(),
                row: u64::from(self.record),
                column: String::new(),
                code: Code::SPM106.name().to_owned(),
                reason,
                value: text.join(&self.reading.delimiter),
            });
            return Some(());
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            let text = field(index);
            if text.is_empty() || self.reading.blank.iter().any(|blank| blank == text) {
                column.append_null();
            } else {
                column.append_value(text);
            }
        }
        self.rows.push(self.record);
        Some(())
    }

    /// Sets the names; true when the record was the header itself.
    fn header<'f>(&mut self, fields: usize, field: &dyn Fn(usize) -> &'f str) -> Option<bool> {
        let names = header_names(self.reading, fields, field);
        if let Header::Named(stated) = &self.reading.header
            && stated.len() != fields
        {
            self.fault(format!(
                "`header` names {} columns, the first record has {fields} fields",
                stated.len()
            ))?;
        }
        if let Some(twice) = duplicate(&names) {
            self.fault(format!(
                "two columns are named `{twice}`; name the columns with `header` and set skip_rows = 1"
            ))?;
        }
        self.columns =
            names.iter().map(|name| StringChunkedBuilder::new(name.as_str().into(), 1024)).collect();
        self.names = names;
        Some(self.reading.header == Header::FirstRecord)
    }
}

/// Names of the columns by the header setting.
pub(super) fn header_names<'f>(
    reading: &Reading,
    fields: usize,
    field: &dyn Fn(usize) -> &'f str,
) -> Vec<String> {
    match &reading.header {
        Header::Named(names) => names.clone(),
        Header::Numbered => (1..=fields).map(|number| format!("column_{number}")).collect(),
        Header::FirstRecord => (0..fields)
            .map(|index| match field(index).trim().trim_start_matches('\u{feff}') {
                "" => format!("column_{}", index + 1),
                name => name.to_owned(),
            })
            .collect(),
    }
}

/// The first name that occurs twice.
pub(super) fn duplicate(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], reading: &Reading) -> (Option<Cells>, Sink, Vec<Reject>) {
        let (mut sink, mut rejects) = (Sink::default(), vec![]);
        let cells = delimited(bytes, "x.csv", "x", reading, &mut sink, &mut rejects);
        (cells, sink, rejects)
    }

    fn texts(cells: &Cells, column: usize) -> Vec<Option<String>> {
        let values = cells.columns[column].1.str().expect("text");
        values.iter().map(|value| value.map(str::to_owned)).collect()
    }

    #[test]
    fn a_database_dump_with_long_delimiters() {
        let text = "292+|Next-Door, \"Bikes\"+|279&|\r\n294+|+|281&|\r\n";
        let bytes: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for terminator in ["&|\n", "&|\r\n"] {
            let reading = Reading {
                delimiter: "+|".to_owned(),
                terminator: Some(terminator.to_owned()),
                header: Header::Named(["id", "name", "rep"].map(str::to_owned).to_vec()),
                ..Reading::default()
            };
            let (cells, sink, _) = read(&bytes, &reading);
            assert!(!sink.has_errors());
            let cells = cells.expect("cells");
            assert_eq!(texts(&cells, 1), [Some("Next-Door, \"Bikes\"".to_owned()), None]);
            assert_eq!(texts(&cells, 2)[1].as_deref(), Some("281"));
            assert_eq!(cells.rows, [1, 2]);
        }
    }

    #[test]
    fn quotes_blanks_and_ragged_rows() {
        let reading = Reading { blank: vec!["N/A".to_owned()], ..Reading::default() };
        let (cells, sink, rejects) = read(b"a,b\n\"1,5\",N/A\n2\n3,\"x\ny\"\n", &reading);
        let cells = cells.expect("cells");
        assert_eq!(texts(&cells, 0), [Some("1,5".to_owned()), Some("3".to_owned())]);
        assert_eq!(texts(&cells, 1), [None, Some("x\ny".to_owned())]);
        assert_eq!(cells.rows, [1, 3]);
        assert_eq!((sink.errors(), rejects.len(), rejects[0].row), (1, 1, 2));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let (cells, sink, _) = read(b"a\ncaf\xe9\n", &Reading::default());
        assert!(cells.is_none());
        assert_eq!(sink.faults()[0].code, Code::SPM114);
        let reading = Reading { encoding: "windows-1252".to_owned(), ..Reading::default() };
        let (cells, _, _) = read(b"a\ncaf\xe9\n", &reading);
        assert_eq!(texts(&cells.expect("cells"), 0), [Some("caf\u{e9}".to_owned())]);
    }

    #[test]
    fn two_columns_of_one_name() {
        let (cells, sink, _) = read(b"a,a\n1,2\n", &Reading::default());
        assert!(cells.is_none() && sink.has_errors());
    }
}
