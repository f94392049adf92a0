//! `spm.toml`: the project, its calendar, and where each canonical table comes from (floor 1).

use std::collections::BTreeSet;

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::money::Currency;
use crate::ground::period::{Calendar, Date, Pattern};
use crate::ground::source::{Place, Source, TextPlace};

use super::contract::{CONTRACTS, Contract, Type, contract};
use super::ledger::{LEDGER, LedgerSpec};
use super::raw::{Raw, Value};
use super::shape::{Field, Kind, Shape};

/// The shape of `spm.toml`.
pub static PROJECT: Shape = Shape {
    name: "project",
    doc: "A project: name, currency, fiscal calendar, and the sources of its tables.",
    fields: &[
        Field::required("version", Kind::Integer(1, 1), "version of the file format: 1"),
        Field::required("name", Kind::Text, "name of the company or project"),
        Field::required("currency", Kind::Currency, "currency of plans and payments, ISO 4217"),
        Field::required("calendar", Kind::Table(&CALENDAR), "the fiscal calendar"),
        Field::optional(
            "plans",
            Kind::List(&Kind::Text),
            "patterns of plan files, as those of `files`; plans/*.toml when absent",
        ),
        Field::optional("ledger", Kind::Table(&LEDGER), "how the ledger is kept"),
        Field::optional("sources", Kind::Map(&Kind::Table(&SOURCE)), "where each table comes from"),
    ],
};

static CALENDAR: Shape = Shape {
    name: "calendar",
    doc: "Either a regular pattern (pattern, start, years) or irregular boundaries (boundaries, with names or prefix).",
    fields: &[
        Field::optional(
            "pattern",
            Kind::Choice(&Pattern::NAMES),
            "how a fiscal year is cut into periods. Years of `weeks` and `4-4-5` have 52 weeks, one after the other from `start` on: where a year has 53, write `boundaries`",
        ),
        Field::optional("start", Kind::Date, "first day of the first fiscal year"),
        Field::optional("years", Kind::Integer(1, 200), "number of fiscal years; 10 when absent"),
        Field::optional(
            "boundaries",
            Kind::List(&Kind::Date),
            "first days of the periods, and the first day after the last",
        ),
        Field::optional(
            "periods_per_year",
            Kind::Integer(4, 400),
            "with boundaries: how many periods make a fiscal year, in four quarters: 12 for months of weeks. 4 when absent, each of them a quarter. It decides what windows to date, `per` and `basis` are about",
        ),
        Field::optional("prefix", Kind::Text, "periods are named prefix1, prefix2...; P when absent"),
        Field::optional("names", Kind::List(&Kind::Text), "names of the periods between the boundaries"),
    ],
};

static SOURCE: Shape = Shape {
    name: "source",
    doc: "One extract, mapped to a canonical table, or a lookup for the joins of other sources.",
    fields: &[
        Field::required(
            "files",
            Kind::List(&Kind::Text),
            "paths or patterns (extracts/deals-*.csv, extracts/**/*.parquet), relative to the project. A wildcard does not match names of files and folders that begin with . or _, unless the pattern writes the dot or underscore. A file is read once, however many patterns and links lead to it",
        ),
        Field::optional(
            "table",
            Kind::Text,
            "canonical table; the name of the source when that is one, else a lookup",
        ),
        Field::optional(
            "optional",
            Kind::Boolean,
            "true when the files may be absent or without rows, such as results of an earlier command; then the table is empty",
        ),
        Field::optional(
            "format",
            Kind::Choice(&["csv", "parquet", "ipc", "xlsx"]),
            "file format; by the file name when absent",
        ),
        Field::optional("sheet", Kind::Text, "sheet of a workbook; the first when absent"),
        Field::optional(
            "encoding",
            Kind::Text,
            "utf-8 (default), utf-16le, windows-1252... A byte order mark wins",
        ),
        Field::optional(
            "delimiter",
            Kind::Text,
            "between fields, one or more characters; a comma when absent",
        ),
        Field::optional("terminator", Kind::Text, "after records, when it is not a line end"),
        Field::optional(
            "quote",
            Kind::Text,
            "quote character, written twice inside of quotes; empty for none; when absent \", or none where there is a terminator or a delimiter of several characters",
        ),
        Field::optional(
            "header",
            Kind::Either(&[Kind::Boolean, Kind::List(&Kind::Text)]),
            "true (default), false for column_1, column_2..., or the names of the columns",
        ),
        Field::optional("skip_rows", Kind::Integer(0, 1_000_000), "lines before the header to skip"),
        Field::optional(
            "blank",
            Kind::List(&Kind::Text),
            "texts that mean `no value`, besides the empty text",
        ),
        Field::optional("decimal", Kind::Choice(&[".", ","]), "decimal mark of numbers; . when absent"),
        Field::optional("thousands", Kind::Text, "thousands mark of numbers; none when absent"),
        Field::optional(
            "date_format",
            Kind::Text,
            "strftime pattern of dates; %Y-%m-%d when absent (a time after it is dropped)",
        ),
        Field::optional(
            "join",
            Kind::List(&Kind::Table(&JOIN)),
            "lookups, in order; their columns are lookup.column",
        ),
        Field::optional(
            "where",
            Kind::Expression,
            "rows to keep, over the columns of the extract and its joins",
        ),
        Field::optional(
            "columns",
            Kind::Map(&Kind::Either(&[Kind::Text, Kind::Table(&COLUMN)])),
            "canonical column = extract column, or a table that says more",
        ),
    ],
};

static JOIN: Shape = Shape {
    name: "join",
    doc: "Looks up one row of another source; rows without a match keep empty values.",
    fields: &[
        Field::required("source", Kind::Text, "name of the source to look up"),
        Field::required("on", Kind::Map(&Kind::Text), "column here = column there"),
    ],
};

static COLUMN: Shape = Shape {
    name: "column",
    doc: "Where a column comes from and how it is read.",
    fields: &[
        Field::optional("column", Kind::Text, "column of the extract"),
        Field::optional(
            "sql",
            Kind::Expression,
            "an expression over the columns of the extract and its joins",
        ),
        Field::optional(
            "type",
            Kind::Choice(&Type::NAMES),
            "type; that of the canonical column, else of the extract",
        ),
        Field::optional("format", Kind::Text, "strftime pattern of dates, for this column"),
        Field::optional("decimal", Kind::Choice(&[".", ","]), "decimal mark, for this column"),
        Field::optional("thousands", Kind::Text, "thousands mark, for this column"),
        Field::optional(
            "decimals",
            Kind::Integer(0, 9),
            "decimals that the numbers have, where a float or a longer text only comes near them: the number of so many decimals within a thousandth of the last is meant, and a value that is farther off is a fault",
        ),
    ],
};

/// A checked project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Name of the company.
    pub name: String,
    /// Currency of plans and payments.
    pub currency: Currency,
    /// Fiscal calendar.
    pub calendar: Calendar,
    /// Patterns of plan files.
    pub plans: Vec<String>,
    /// Sources in the order of the file.
    pub sources: Vec<SourceSpec>,
    /// How the ledger is kept.
    pub ledger: LedgerSpec,
}

/// How an extract is read and mapped.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Name.
    pub name: String,
    /// Canonical table it fills; `None` for a lookup.
    pub table: Option<&'static Contract>,
    /// Paths or patterns.
    pub files: Vec<(String, TextPlace)>,
    /// True when the files may be absent.
    pub optional: bool,
    /// How the bytes are read.
    pub reading: Reading,
    /// Lookups, in order.
    pub joins: Vec<JoinSpec>,
    /// Which rows are kept: an SQL expression.
    pub condition: Option<(String, TextPlace)>,
    /// Columns of the result; empty means all columns of the extract under their own names.
    pub columns: Vec<ColumnSpec>,
    /// Where the source is defined.
    pub place: TextPlace,
}

/// How the bytes of an extract become cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `csv`, `parquet`, `ipc` or `xlsx`; by the file name when `None`.
    pub format: Option<String>,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
    /// Encoding label; a byte order mark wins.
    pub encoding: String,
    /// Field delimiter, one or more characters; found from `,` `;` tab `|` by the profile only.
    pub delimiter: String,
    /// Record terminator when it is not a line end.
    pub terminator: Option<String>,
    /// Quote character; `None` when quoting is off.
    pub quote: Option<char>,
    /// Names of the columns.
    pub header: Header,
    /// Lines to skip before the header.
    pub skip_rows: usize,
    /// Texts that mean no value, besides the empty text.
    pub blank: Vec<String>,
    /// How numbers and dates are written.
    pub cells: Cells,
}

/// Where column names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The first record.
    FirstRecord,
    /// `column_1`, `column_2`...
    Numbered,
    /// These.
    Named(Vec<String>),
}

/// How numbers and dates are written in text cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Decimal mark.
    pub decimal: char,
    /// Thousands mark.
    pub thousands: Option<char>,
    /// strftime pattern of dates.
    pub date_format: String,
    /// How many decimals numbers have that are stored as something longer.
    pub decimals: Option<u32>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            format: None,
            sheet: None,
            encoding: "utf-8".to_owned(),
            delimiter: ",".to_owned(),
            terminator: None,
            quote: Some('"'),
            header: Header::FirstRecord,
            skip_rows: 0,
            blank: vec![],
            cells: Cells {
                decimal: '.',
                thousands: None,
                date_format: "%Y-%m-%d".to_owned(),
                decimals: None,
            },
        }
    }
}

/// A lookup.
#[derive(Clone, Debug)]
pub struct JoinSpec {
    /// Name of the source looked up.
    pub source: String,
    /// Column here, column there.
    pub on: Vec<(String, String)>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A column of the result.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// Name in the table.
    pub name: String,
    /// Where its values come from.
    pub from: ColumnFrom,
    /// Type, when stated or known from the contract.
    pub kind: Option<Type>,
    /// How its cells are written.
    pub cells: Cells,
    /// Where it is defined.
    pub place: TextPlace,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnFrom {
    /// A column of the extract, or `lookup.column`.
    Extract(String),
    /// An SQL expression.
    Expression(String),
}

impl Project {
    /// Reads and checks `spm.toml`. Faults go to the sink; `None` when there were errors.
    #[must_use]
    pub fn check(source: &Source, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let raw = Raw::parse(source, &mut faults);
        if !faults.has_errors() {
            PROJECT.check(&raw, &mut faults);
        }
        let calendar = raw.get("calendar").and_then(|calendar| check_calendar(calendar, &mut faults));
        let sources = raw.get("sources").map_or(&[][..], Raw::entries);
        let names: BTreeSet<&str> = sources.iter().map(|(name, _, _)| name.as_str()).collect();
        let sources: Vec<SourceSpec> = sources
            .iter()
            .filter_map(|(name, place, raw)| check_source(name, place, raw, &names, &mut faults))
            .collect();
        let ledger = LedgerSpec::check(raw.get("ledger"), &mut faults);
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        let plans = raw.texts("plans");
        Some(Self {
            name: raw.text("name")?.to_owned(),
            currency: Currency::from_code(raw.text("currency")?)?,
            calendar: calendar?,
            plans: if plans.is_empty() { vec!["plans/*.toml".to_owned()] } else { plans },
            sources,
            ledger,
        })
    }
}

fn check_calendar(raw: &Raw, sink: &mut Sink) -> Option<Calendar> {
    let place = || Place::Text(raw.entries().first().map_or(&raw.place, |(_, place, _)| place).clone());
    let result = if raw.get("boundaries").is_some() {
        if let Some((key, place, _)) =
            raw.entries().iter().find(|(key, _, _)| ["pattern", "start", "years"].contains(&key.as_str()))
        {
            let fault = Diagnostic::error(Code::SPM304, format!("`{key}` does not go with `boundaries`"));
            sink.push(fault.at(Place::Text(place.clone()), "").hint("use a pattern or boundaries, not both"));
            return None;
        }
        let boundaries: Vec<Date> = raw.list("boundaries").iter().filter_map(Raw::as_date).collect();
        let mut names = raw.texts("names");
        if names.is_empty() {
            let prefix = raw.text("prefix").unwrap_or("P");
            names = (1..boundaries.len()).map(|number| format!("{prefix}{number}")).collect();
        }
        let in_year = raw.integer("periods_per_year").and_then(|count| usize::try_from(count).ok());
        Calendar::irregular(&names, &boundaries, in_year.unwrap_or(4).max(1))
    } else {
        if let Some((_, place, _)) = raw.entries().iter().find(|(key, _, _)| key == "periods_per_year") {
            let message = "`periods_per_year` goes with `boundaries` only: a pattern has its own";
            let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(place.clone()), "");
            sink.push(fault.hint("remove it"));
        }
        let pattern = raw.text("pattern").and_then(Pattern::from_name);
        let (Some(pattern), Some(start)) = (pattern, raw.date("start")) else {
            let fault =
                Diagnostic::error(Code::SPM004, "a calendar needs `pattern` and `start`, or `boundaries`");
            sink.push(fault.at(place(), "").hint("pattern = \"months\", start = 2027-01-01"));
            return None;
        };
        let years = usize::try_from(raw.integer("years").unwrap_or(10)).unwrap_or(10);
        Calendar::regular(pattern, start, years)
    };
    result.map_err(|error| sink.push(Diagnostic::error(Code::SPM011, error.to_string()).at(place(), ""))).ok()
}

fn check_source(
    name: &str,
    place: &TextPlace,
    raw: &Raw,
    names: &BTreeSet<&str>,
    sink: &mut Sink,
) -> Option<SourceSpec> {
    let table = match raw.text("table") {
        Some(table) => match contract(table) {
            Some(contract) => Some(contract),
            None => {
                let tables: Vec<&str> = CONTRACTS.iter().map(|contract| contract.name).collect();
                let value = &raw.get("table")?.place;
                let fault = Diagnostic::error(Code::SPM010, format!("there is no canonical table `{table}`"));
                let near = suggestion(table, tables.iter().copied());
                sink.push(fault.at(Place::Text(value.clone()), "").hint(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("the tables are: {}", tables.join(", ")),
                }));
                None
            }
        },
        None => contract(name),
    };
    let reading = check_reading(raw, sink);
    let joins = raw.list("join").iter().filter_map(|join| check_join(name, join, names, sink)).collect();
    let columns = raw.get("columns").map_or(&[][..], Raw::entries);
    let columns: Vec<ColumnSpec> = columns
        .iter()
        .filter_map(|(name, place, value)| check_column(name, place, value, table, &reading.cells, sink))
        .collect();
    for column in table.map_or(&[][..], |table| table.columns) {
        let missing = !columns.iter().any(|spec| spec.name == column.name);
        if missing && column.rule != super::contract::Rule::Optional {
            let message = format!("source `{name}` does not map the required column `{}`", column.name);
            let fault = Diagnostic::error(Code::SPM104, message).at(Place::Text(place.clone()), "");
            sink.push(fault.hint(format!(
                "add `{} = \"...\"` under [sources.{name}.columns]: {}",
                column.name, column.doc
            )));
        }
    }
    if let Some(table) = table {
        let unmapped = |own: &&super::contract::Column| !columns.iter().any(|spec| spec.name == own.name);
        for spec in columns.iter().filter(|spec| table.column(&spec.name).is_none()) {
            let Some(meant) = table.columns.iter().filter(unmapped).find(|own| nearly(&spec.name, own.name))
            else {
                continue;
            };
            let message = format!(
                "`{}` is no column of {}: it is nearly `{}`, which source `{name}` does not map",
                spec.name, table.name, meant.name
            );
            let fault = Diagnostic::warning(Code::SPM116, message).at(Place::Text(spec.place.clone()), "");
            sink.push(
                fault.hint(format!("name it `{}`, or give a column of your own another name", meant.name)),
            );
        }
    }
    Some(SourceSpec {
        name: name.to_owned(),
        table,
        files: raw
            .list("files")
            .iter()
            .filter_map(|item| Some((item.as_text()?.to_owned(), item.place.clone())))
            .collect(),
        optional: raw.boolean("optional").unwrap_or(false),
        reading,
        joins,
        condition: raw.get("where").and_then(|item| Some((item.as_text()?.to_owned(), item.place.clone()))),
        columns,
        place: place.clone(),
    })
}

/// True when a name is another but for capitals, underscores, or one letter, of a long name two.
fn nearly(name: &str, other: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace('_', "");
    let (name, other) = (plain(name), plain(other));
    let apart = match other.len() {
        ..5 => 0,
        5..9 => 1,
        _ => 2,
    };
    strsim::damerau_levenshtein(&name, &other) <= apart
}

fn check_reading(raw: &Raw, sink: &mut Sink) -> Reading {
    let default = Reading::default();
    let mut one_character = |key: &str| {
        let text = raw.text(key)?;
        let mut characters = text.chars();
        let first = characters.next();
        if characters.next().is_some() {
            let fault = Diagnostic::error(Code::SPM008, format!("`{key}` is one character, found {text:?}"));
            sink.push(fault.at(Place::Text(raw.get(key)?.place.clone()), ""));
        }
        first
    };
    // Dumps of databases, with their long delimiters and terminators, mostly do not quote.
    let dump = raw.text("terminator").is_some()
        || raw.text("delimiter").is_some_and(|text| text.chars().count() > 1);
    let quote = match raw.get("quote") {
        Some(_) => one_character("quote"),
        None => Some('"').filter(|_| !dump),
    };
    one_character("thousands");
    if raw.text("delimiter") == Some("") {
        let fault = Diagnostic::error(Code::SPM008, "`delimiter` cannot be empty");
        sink.push(fault.at(Place::Text(raw.key_place("delimiter").clone()), ""));
    }
    let header = match raw.get("header").map(|header| &header.value) {
        Some(Value::Boolean(false)) => Header::Numbered,
        Some(Value::List(_) | Value::Text(_)) => Header::Named(raw.texts("header")),
        _ => Header::FirstRecord,
    };
    Reading {
        format: raw.text("format").map(str::to_owned),
        sheet: raw.text("sheet").map(str::to_owned),
        encoding: raw.text("encoding").map_or(default.encoding, str::to_owned),
        delimiter: raw.text("delimiter").map_or(default.delimiter, str::to_owned),
        terminator: raw.text("terminator").map(str::to_owned),
        quote,
        header,
        skip_rows: usize::try_from(raw.integer("skip_rows").unwrap_or(0)).unwrap_or(0),
        blank: raw.texts("blank"),
        cells: check_cells(raw, "date_format", &default.cells, sink),
    }
}

fn check_cells(raw: &Raw, format_key: &str, base: &Cells, sink: &mut Sink) -> Cells {
    let cells = Cells {
        decimal: raw.text("decimal").and_then(|text| text.chars().next()).unwrap_or(base.decimal),
        thousands: raw.text("thousands").and_then(|text| text.chars().next()).or(base.thousands),
        date_format: raw.text(format_key).map_or_else(|| base.date_format.clone(), str::to_owned),
        decimals: raw.integer("decimals").and_then(|decimals| u32::try_from(decimals).ok()),
    };
    let mut fault = |key: &str, message: String, hint: &str| {
        let place = Place::Text(raw.key_place(key).clone());
        sink.push(Diagnostic::error(Code::SPM008, message).at(place, "").hint(hint));
    };
    if cells.thousands == Some(cells.decimal) {
        let key = if raw.get("thousands").is_some() { "thousands" } else { "decimal" };
        let message = format!("`{}` cannot be the mark of decimals and of thousands", cells.decimal);
        fault(key, message, "numbers such as 1.234,50 have decimal = \",\" and thousands = \".\"");
    }
    if raw.get(format_key).is_some() && !is_date_format(&cells.date_format) {
        let message = format!("`{}` is not a form of dates with year, month and day", cells.date_format);
        fault(
            format_key,
            message,
            "such as %Y-%m-%d, %d.%m.%Y, %m/%d/%y: %Y year, %y its last two digits, %m month, %d day",
        );
    }
    cells
}

/// True when a date written in the form can be read back.
fn is_date_format(format: &str) -> bool {
    let time = jiff::civil::datetime(2033, 11, 22, 0, 0, 0, 0);
    let text = jiff::fmt::strtime::format(format, time);
    text.is_ok_and(|text| jiff::civil::Date::strptime(format, &text).is_ok_and(|date| date == time.date()))
}

fn check_join(here: &str, raw: &Raw, names: &BTreeSet<&str>, sink: &mut Sink) -> Option<JoinSpec> {
    let source = raw.text("source")?;
    let place = raw.get("source")?.place.clone();
    if !names.contains(source) || source == here {
        let fault = Diagnostic::error(Code::SPM010, format!("there is no source `{source}` to join"));
        let near = suggestion(source, names.iter().copied().filter(|name| *name != here));
        let fault = fault.at(Place::Text(place.clone()), "");
        sink.push(match near {
            Some(near) => fault.hint(format!("did you mean \"{near}\"?")),
            None => fault.hint("define it as [sources.NAME]"),
        });
        return None;
    }
    let on = raw.get("on")?;
    let on: Vec<(String, String)> = on
        .entries()
        .iter()
        .filter_map(|(key, _, value)| Some((key.clone(), value.as_text()?.to_owned())))
        .collect();
    if on.is_empty() {
        let fault = Diagnostic::error(Code::SPM004, "`on` needs at least one pair of columns");
        sink.push(fault.at(Place::Text(place.clone()), "").hint("on = { CustomerID = \"CustomerID\" }"));
    }
    Some(JoinSpec { source: source.to_owned(), on, place })
}

fn check_column(
    name: &str,
    place: &TextPlace,
    raw: &Raw,
    table: Option<&'static Contract>,
    cells: &Cells,
    sink: &mut Sink,
) -> Option<ColumnSpec> {
    let contracted = table.and_then(|table| table.column(name)).map(|column| column.kind);
    let stated = raw.text("type").and_then(Type::from_name);
    if let (Some(stated), Some(contracted)) = (stated, contracted)
        && stated != contracted
    {
        let message =
            format!("`{name}` is {} in the canonical table, not {}", contracted.name(), stated.name());
        sink.push(Diagnostic::error(Code::SPM112, message).at(Place::Text(place.clone()), ""));
    }
    let from = match (&raw.value, raw.text("column"), raw.text("sql")) {
        (Value::Text(column), _, _) => ColumnFrom::Extract(column.clone()),
        (_, Some(column), None) => ColumnFrom::Extract(column.to_owned()),
        (_, None, Some(sql)) => ColumnFrom::Expression(sql.to_owned()),
        _ => {
            let fault =
                Diagnostic::error(Code::SPM304, format!("column `{name}` needs either `column` or `sql`"));
            sink.push(fault.at(Place::Text(place.clone()), ""));
            return None;
        }
    };
    let place = match &from {
        ColumnFrom::Extract(_) => raw.get("column").map_or(&raw.place, |item| &item.place).clone(),
        ColumnFrom::Expression(_) => raw.get("sql")?.place.clone(),
    };
    Some(ColumnSpec {
        name: name.to_owned(),
        from,
        kind: contracted.or(stated),
        cells: check_cells(raw, "format", cells, sink),
        place,
    })
}
