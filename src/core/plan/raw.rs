//! The raw stage: TOML text as a tree in which every key and value keeps its place (floor 1).

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::period::Date;
use crate::ground::rational::Rational;
use crate::ground::source::{Source, TextPlace};

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Raw {
    /// Where the value stands.
    pub place: TextPlace,
    /// What it is.
    pub value: Value,
}

/// What a TOML value can be.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer, as written (underscores removed).
    Integer(String),
    /// A float, as written.
    Float(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A local date.
    Date(Date),
    /// A date-time or a time, which nothing here accepts.
    OtherTime(String),
    /// An array.
    List(Vec<Raw>),
    /// A table.
    Table(Table),
}

/// The entries of a table in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Key, its place, its value.
    pub entries: Vec<(String, TextPlace, Raw)>,
}

impl Value {
    /// The name of the TOML type, with its article.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Date(_) => "a date",
            Self::OtherTime(_) => "a time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Raw {
    /// Parses a whole file. Syntax faults go to the sink; the tree holds what could be read.
    #[must_use]
    pub fn parse(source: &Source, sink: &mut Sink) -> Self {
        let (root, errors) = DeTable::parse_recoverable(source.text());
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let fault = Diagnostic::error(Code::SPM002, error.message().to_owned());
            sink.push(fault.at(source.place(span), ""));
        }
        let whole = 0..source.text().len();
        Self { place: place(source, whole), value: Value::Table(table(source, root.get_ref())) }
    }

    /// The value of a key, when this is a table that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _, _)| name == key).map(|(_, _, value)| value)
    }

    /// The place of a key, or of this value when the key is absent.
    #[must_use]
    pub fn key_place(&self, key: &str) -> &TextPlace {
        let found = self.entries().iter().find(|(name, _, _)| name == key);
        found.map_or(&self.place, |(_, place, _)| place)
    }

    /// The entries, when this is a table.
    #[must_use]
    pub fn entries(&self) -> &[(String, TextPlace, Self)] {
        match &self.value {
            Value::Table(table) => &table.entries,
            _ => &[],
        }
    }

    /// The items of a list; a single value counts as a list of one.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The items under a key, none when it is absent.
    #[must_use]
    pub fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// This value as text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// This value as an exact number: an integer, or text such as `"8%"`.
    #[must_use]
    pub fn as_number(&self) -> Option<Rational> {
        match &self.value {
            Value::Text(text) | Value::Integer(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// This value as a date: a TOML date or text `YYYY-MM-DD`.
    #[must_use]
    pub fn as_date(&self) -> Option<Date> {
        match &self.value {
            Value::Date(date) => Some(*date),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Text under a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// Exact number under a key.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<Rational> {
        self.get(key)?.as_number()
    }

    /// Whole number under a key.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        match &self.get(key)?.value {
            Value::Integer(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Boolean under a key.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// Date under a key.
    #[must_use]
    pub fn date(&self, key: &str) -> Option<Date> {
        self.get(key)?.as_date()
    }

    /// Texts of the list under a key.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).iter().filter_map(|item| item.as_text().map(str::to_owned)).collect()
    }
}

fn place(source: &Source, span: Range<usize>) -> TextPlace {
    TextPlace { source: source.clone(), span }
}

fn table(source: &Source, raw: &DeTable<'_>) -> Table {
    let mut entries: Vec<(String, TextPlace, Raw)> = raw
        .iter()
        .map(|(key, item)| {
            let value =
                Raw { place: place(source, item.span()), value: value(source, item.get_ref(), item.span()) };
            (key.get_ref().to_string(), place(source, key.span()), value)
        })
        .collect();
    entries.sort_by_key(|(_, place, _)| place.span.start);
    Table { entries }
}

fn value(source: &Source, raw: &DeValue<'_>, span: Range<usize>) -> Value {
    match raw {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Value::Integer(number.as_str().replace('_', "")),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Value::Integer(parsed.map_or_else(|_| number.as_str().to_owned(), |value| value.to_string()))
        }
        DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(time) => match (time.date, time.time, time.offset) {
            (Some(date), None, None) => {
                let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
                match parts {
                    (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day)
                        .map_or_else(|_| Value::OtherTime(time.to_string()), Value::Date),
                    _ => Value::OtherTime(time.to_string()),
                }
            }
            _ => Value::OtherTime(time.to_string()),
        },
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Raw {
                    place: place(source, item.span()),
                    value: self::value(source, item.get_ref(), item.span()),
                })
                .collect(),
        ),
        DeValue::Table(entries) => {
            debug_assert!(span.start <= span.end);
            Value::Table(table(source, entries))
        }
    }
}
