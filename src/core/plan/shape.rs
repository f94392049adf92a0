//! What each TOML file may contain, as data: the one definition behind validation, JSON schema and reference (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::money::Currency;
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::raw::{Raw, Value};

/// A kind of table.
#[derive(Debug)]
pub struct Shape {
    /// Used as the name of the definition in the JSON schema.
    pub name: &'static str,
    /// What the table means.
    pub doc: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
}

/// A key of a table.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, with its default.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// An SQL expression over the columns of a row.
    Expression,
    /// A whole number from the first to the second bound.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A date, `2027-01-31`.
    Date,
    /// An exact number: money, rate, share, percentage. Text or integer, never a float.
    Number,
    /// An ISO 4217 code.
    Currency,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of values of one kind, or a single value for a list of one.
    List(&'static Kind),
    /// A table of a known shape.
    Table(&'static Shape),
    /// A table with keys that the user chooses.
    Map(&'static Kind),
    /// Any of these.
    Either(&'static [Kind]),
}

impl Field {
    /// A key that must be there.
    #[must_use]
    pub const fn required(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { key, kind, required: true, doc }
    }

    /// A key that may be absent.
    #[must_use]
    pub const fn optional(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { key, kind, required: false, doc }
    }
}

impl Shape {
    /// Checks a table and everything in it. All faults go to the sink.
    pub fn check(&self, raw: &Raw, sink: &mut Sink) {
        let Value::Table(table) = &raw.value else {
            sink.push(wrong_type(raw, "a table"));
            return;
        };
        for (key, place, value) in &table.entries {
            match self.fields.iter().find(|field| field.key == key) {
                Some(field) => field.kind.check(value, sink),
                None => sink.push(self.unknown(key, place)),
            }
        }
        for field in self.fields.iter().filter(|field| field.required && raw.get(field.key).is_none()) {
            let message = format!("missing key `{}` in {}", field.key, self.name);
            let fault = Diagnostic::error(Code::SPM004, message).at(self.head(raw), "");
            sink.push(fault.hint(format!("add `{} = ...`: {}", field.key, field.doc)));
        }
    }

    /// The place to point at for a whole table: its first key, because the span of a table may be the whole file.
    fn head(&self, raw: &Raw) -> Place {
        let place = match &raw.value {
            Value::Table(table) => table.entries.first().map_or(&raw.place, |(_, place, _)| place),
            _ => &raw.place,
        };
        Place::Text(place.clone())
    }

    fn unknown(&self, key: &str, place: &TextPlace) -> Diagnostic {
        let names: Vec<&str> = self.fields.iter().map(|field| field.key).collect();
        let fault = Diagnostic::error(Code::SPM003, format!("unknown key `{key}` in {}", self.name))
            .at(Place::Text(place.clone()), "not a key of this table");
        fault.hint(match suggestion(key, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the keys are: {}", names.join(", ")),
        })
    }
}

impl Kind {
    /// What is expected, as words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Expression => "an SQL expression as text".to_owned(),
            Self::Integer(..) => "an integer".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Date => "a date".to_owned(),
            Self::Number => "a number as text or integer".to_owned(),
            Self::Currency => "a currency code".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List(kind) => format!("a list, each item {}", kind.words()),
            Self::Table(shape) => format!("a table ({})", shape.name),
            Self::Map(_) => "a table".to_owned(),
            Self::Either(kinds) => kinds.iter().map(Self::words).collect::<Vec<_>>().join(", or "),
        }
    }

    fn accepts_type(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Expression | Self::Currency | Self::Choice(_) => {
                matches!(value, Value::Text(_))
            }
            Self::Integer(..) => matches!(value, Value::Integer(_)),
            Self::Boolean => matches!(value, Value::Boolean(_)),
            Self::Date => matches!(value, Value::Date(_) | Value::Text(_)),
            Self::Number => matches!(value, Value::Text(_) | Value::Integer(_)),
            Self::List(kind) => matches!(value, Value::List(_)) || kind.accepts_type(value),
            Self::Table(_) | Self::Map(_) => matches!(value, Value::Table(_)),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.accepts_type(value)),
        }
    }

    fn has_number(&self) -> bool {
        match self {
            Self::Number => true,
            Self::Either(kinds) => kinds.iter().any(Self::has_number),
            Self::List(kind) => kind.has_number(),
            _ => false,
        }
    }

    fn check(&self, raw: &Raw, sink: &mut Sink) {
        if let (Value::Float(text), true) = (&raw.value, self.has_number()) {
            let fault = Diagnostic::error(Code::SPM006, format!("the float {text} is not exact"));
            let place = Place::Text(raw.place.clone());
            sink.push(fault.at(place, "").hint(format!("write it as text: \"{text}\"")));
            return;
        }
        if !self.accepts_type(&raw.value) {
            sink.push(wrong_type(raw, &self.words()));
            return;
        }
        match (self, &raw.value) {
            (Self::Number, Value::Text(text) | Value::Integer(text)) => {
                if let Err(error) = text.parse::<Rational>() {
                    sink.push(unreadable(raw, text, &error.to_string()));
                }
            }
            (Self::Integer(low, high), Value::Integer(text))
                if !text.parse::<i64>().is_ok_and(|value| (*low..=*high).contains(&value)) =>
            {
                sink.push(unreadable(raw, text, &format!("expected a whole number from {low} to {high}")));
            }
            (Self::Date, Value::Text(text)) if raw.as_date().is_none() => {
                sink.push(unreadable(raw, text, "expected a date such as 2027-01-31"));
            }
            (Self::Currency, Value::Text(text)) if Currency::from_code(text).is_none() => {
                sink.push(unreadable(raw, text, "expected an ISO 4217 code such as USD"));
            }
            (Self::Choice(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
                let message = format!("`{text}` is not one of the choices");
                let fault = Diagnostic::error(Code::SPM007, message).at(Place::Text(raw.place.clone()), "");
                sink.push(fault.hint(match suggestion(text, words.iter().copied()) {
                    Some(name) => format!("did you mean \"{name}\"?"),
                    None => format!("the choices are: {}", words.join(", ")),
                }));
            }
            (Self::List(kind), Value::List(items)) => items.iter().for_each(|item| kind.check(item, sink)),
            (Self::List(kind), _) => kind.check(raw, sink),
            (Self::Table(shape), _) => shape.check(raw, sink),
            (Self::Map(kind), Value::Table(table)) => {
                table.entries.iter().for_each(|(_, _, value)| kind.check(value, sink));
            }
            (Self::Either(kinds), value) => {
                if let Some(kind) = kinds.iter().find(|kind| kind.accepts_type(value)) {
                    kind.check(raw, sink);
                }
            }
            _ => {}
        }
    }
}

fn wrong_type(raw: &Raw, expected: &str) -> Diagnostic {
    let message = format!("expected {expected}, found {}", raw.value.type_name());
    Diagnostic::error(Code::SPM005, message).at(Place::Text(raw.place.clone()), "")
}

fn unreadable(raw: &Raw, text: &str, why: &str) -> Diagnostic {
    let fault = Diagnostic::error(Code::SPM008, format!("`{text}` cannot be read"));
    fault.at(Place::Text(raw.place.clone()), "").hint(why.to_owned())
}
