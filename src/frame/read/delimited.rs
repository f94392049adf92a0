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
    if let Some((mark, rest)) = separator_line(text) {
        if mark != reading.delimiter {
            let fault = Diagnostic::error(
                Code::SPM102,
                format!(
                    "its first line says that {mark:?} separates fields, the source that {:?} does",
                    reading.delimiter
                ),
            );
            sink.push(fault.at(Place::File(path.to_owned()), "").hint(format!("set delimiter = {mark:?}")));
            return None;
        }
        text = rest;
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
    builder.split(text)?;
    let Builder { names, columns, rows, .. } = builder;
    Some(Cells::of_texts(names, columns, rows))
}

/// The line `sep=;` that is written before the header for Excel: its mark, and the text after it.
pub(crate) fn separator_line(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches('\u{feff}');
    let (line, rest) = text.split_once('\n')?;
    let mark = line.trim_end_matches('\r').strip_prefix("sep=")?;
    (mark.chars().count() == 1).then_some((mark, rest))
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

    fn split<'t>(&mut self, text: &'t str) -> Option<()> {
        let dialect = Dialect::of(self.reading, text);
        let mut fields: Vec<Cow<'t, str>> = Vec::new();
        let mut at = 0;
        // Nothing, or a line end, after the last terminator is not a record.
        while !text[at..].trim_start_matches(['\r', '\n', '\u{1a}']).is_empty() {
            fields.clear();
            let start = at;
            let damage;
            (at, damage) = dialect.record(text, at, &mut fields);
            if dialect.skips_empty
                && fields.len() == 1
                && matches!(&fields[0], Cow::Borrowed(""))
                && damage.is_none()
            {
                continue;
            }
            if let Some(damage) = damage {
                let line = text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
                let mut reason = match damage {
                    Damage::Open => format!("a quote that opens after line {line} begins is never closed"),
                    Damage::After => {
                        format!("text after a closing quote, in the record that begins in line {line}")
                    }
                };
                let lines = text[start..at].trim_end().lines().count();
                if lines > 1 {
                    reason += &format!("; it takes up {lines} lines, whatever rows are in them");
                }
                if self.names.is_empty() {
                    return self.fault(format!("the header cannot be read: {reason}"));
                }
                self.record += 1;
                self.reject(reason, QUOTES, &fields);
                continue;
            }
            self.record(&fields)?;
        }
        Some(())
    }

    /// Takes one record: the header, a row, or a fault.
    fn record(&mut self, fields: &[Cow<'_, str>]) -> Option<()> {
        if self.names.is_empty() {
            let is_header = self.header(fields.len(), &|index| fields[index].as_ref())?;
            if is_header {
                return Some(());
            }
        }
        self.record += 1;
        if fields.len() != self.names.len() {
            let plural = if fields.len() == 1 { "field" } else { "fields" };
            let reason = format!("{} {plural} where {} are expected", fields.len(), self.names.len());
            let other = self.names.first().filter(|_| self.names.len() == 1);
            let hint = match other.and_then(|name| other_delimiter(name, &self.reading.delimiter)) {
                Some(hint) => hint,
                None => "a delimiter inside a field needs quotes; a line end inside a field too".to_owned(),
            };
            self.reject(reason, &hint, fields);
            return Some(());
        }
        for (text, column) in fields.iter().zip(self.columns.iter_mut()) {
            if text.is_empty() || self.reading.blank.iter().any(|blank| blank == text) {
                column.append_null();
            } else {
                column.append_value(text);
            }
        }
        self.rows.push(self.record);
        Some(())
    }

    /// Writes the record aside.
    fn reject(&mut self, reason: String, hint: &str, fields: &[Cow<'_, str>]) {
        let place = Place::row(self.path, Some(u64::from(self.record)), None);
        self.sink.push(Diagnostic::error(Code::SPM106, reason.clone()).at(place, "").hint(hint));
        self.rejects.push(Reject {
            source: self.source.to_owned(),
            path: self.path.to_owned(),
            row: u64::from(self.record),
            column: String::new(),
            code: Code::SPM106.name().to_owned(),
            reason,
            value: fields.join(&self.reading.delimiter),
        });
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

/// How records and fields end, and how they are quoted.
struct Dialect<'a> {
    delimiter: &'a str,
    /// The longest first.
    ends: Vec<String>,
    quote: Option<char>,
    /// A line without anything is no record.
    skips_empty: bool,
}

/// What is wrong with the quotes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// The text ends inside of quotes.
    Open,
    /// A quoted field goes on after its closing quote.
    After,
}

const QUOTES: &str =
    "a quote inside of quotes is written twice; if the file has no quoting, set quote = \"\"";

impl<'a> Dialect<'a> {
    fn of(reading: &'a Reading, text: &str) -> Self {
        let usual = reading.terminator.is_none() && reading.delimiter.chars().count() == 1;
        let ends = if usual {
            ["\r\n", "\n", "\r"].map(str::to_owned).to_vec()
        } else {
            let stated = reading.terminator.as_deref().unwrap_or("\n");
            let unix = stated.replace("\r\n", "\n");
            let dos = unix.replace('\n', "\r\n");
            vec![if text.contains(&dos) { dos } else { unix }]
        };
        Self { delimiter: &reading.delimiter, ends, quote: reading.quote, skips_empty: usual }
    }

    /// The length of what ends a field here, and whether it ends the record.
    fn ending(&self, rest: &str) -> Option<(usize, bool)> {
        if rest.starts_with(self.delimiter) {
            return Some((self.delimiter.len(), false));
        }
        self.ends.iter().find(|end| rest.starts_with(end.as_str())).map(|end| (end.len(), true))
    }

    /// The end of plain text: where it stops, and the length of what stops it.
    fn plain(&self, text: &str, from: usize) -> (usize, usize, bool) {
        let first = |text: &str| text.bytes().next().unwrap_or(b'\n');
        let (delimiter, end) = (first(self.delimiter), first(&self.ends[0]));
        let other = first(self.ends.get(1).unwrap_or(&self.ends[0]));
        for found in memchr::memchr3_iter(delimiter, end, other, &text.as_bytes()[from..]) {
            let at = from + found;
            if text.is_char_boundary(at)
                && let Some((length, is_last)) = self.ending(&text[at..])
            {
                return (at, length, is_last);
            }
        }
        (text.len(), 0, true)
    }

    /// Reads a record; gives where the next one begins.
    fn record<'t>(
        &self,
        text: &'t str,
        from: usize,
        fields: &mut Vec<Cow<'t, str>>,
    ) -> (usize, Option<Damage>) {
        let mut at = from;
        let mut damage = None;
        loop {
            let mut field = Cow::Borrowed("");
            if let Some(quote) = self.quote.filter(|quote| text[at..].starts_with(*quote)) {
                let width = quote.len_utf8();
                // An empty text in quotes is not the same as an empty line.
                let mut unquoted = String::new();
                at += width;
                loop {
                    let Some(found) = text[at..].find(quote) else {
                        unquoted += &text[at..];
                        fields.push(Cow::Owned(unquoted));
                        return (text.len(), Some(Damage::Open));
                    };
                    unquoted += &text[at..at + found];
                    at += found + width;
                    if !text[at..].starts_with(quote) {
                        break;
                    }
                    unquoted.push(quote);
                    at += width;
                }
                field = Cow::Owned(unquoted);
            }
            let (end, length, is_last) = self.plain(text, at);
            if end > at {
                match &mut field {
                    Cow::Borrowed(plain) => *plain = &text[at..end],
                    Cow::Owned(quoted) => {
                        *quoted += &text[at..end];
                        damage = Some(Damage::After);
                    }
                }
            }
            fields.push(field);
            at = end + length;
            if is_last {
                return (at, damage);
            }
        }
    }
}

/// What to set where the name of an only column looks like a whole header, split by another delimiter.
pub(crate) fn other_delimiter(name: &str, delimiter: &str) -> Option<String> {
    let marks = [";", "\t", "|", ","].into_iter().filter(|mark| *mark != delimiter && name.contains(mark));
    let mark = marks.max_by_key(|mark| name.matches(mark).count())?;
    Some(format!("the header is one column, with {mark:?} in it: set delimiter = {mark:?}"))
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
                quote: None,
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
    fn quotes_are_strict_and_go_with_any_dialect() {
        for (text, want) in [
            ("a,b\n1,\"open\n2,x\n", "never closed"),
            ("a,b\n1,\"open\n2,\"x\"\n", "after a closing quote"),
            ("a,b\n\"x\"y,1\n", "after a closing quote"),
            ("a,b\n\"a\\\"b\",1\n", "after a closing quote"),
        ] {
            let (_, sink, rejects) = read(text.as_bytes(), &Reading::default());
            assert_eq!((sink.errors(), rejects.len()), (1, 1), "{text}");
            assert!(rejects[0].reason.contains(want), "{}", rejects[0].reason);
        }
        let (cells, sink, _) = read(b"a,b\r\n5\" pipe,\"say \"\"so\"\"\"\r\n\r\n\"\",x", &Reading::default());
        assert!(!sink.has_errors());
        let cells = cells.expect("cells");
        assert_eq!(texts(&cells, 0), [Some("5\" pipe".to_owned()), None]);
        assert_eq!(texts(&cells, 1)[0].as_deref(), Some("say \"so\""));
        let long = Reading { delimiter: "||".to_owned(), ..Reading::default() };
        let (cells, sink, _) = read(b"a||b\n\"1||2\"||\"x\ny\"\n", &long);
        assert!(!sink.has_errors());
        let cells = cells.expect("cells");
        assert_eq!(texts(&cells, 0), [Some("1||2".to_owned())]);
        assert_eq!(texts(&cells, 1), [Some("x\ny".to_owned())]);
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
