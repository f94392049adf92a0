//! What is in an extract, and a proposal how to map it, so that a newcomer does not start from an empty file.

use std::path::Path;

use polars::prelude::*;
use spm_core::ground::diagnostic::Sink;
use spm_core::ground::source::Source;
use spm_core::plan::contract::{CONTRACTS, Contract, Rule, Type};
use spm_core::plan::project::{Cells, Header, Reading, SourceSpec};

use crate::read::{self, cast};
use crate::table::Table;

/// What is in a file.
#[derive(Debug)]
pub struct Profile {
    /// Path as given.
    pub path: String,
    /// Records.
    pub rows: usize,
    /// How it is read, where that differs from the default.
    pub reading: Reading,
    /// Its columns.
    pub columns: Vec<ColumnProfile>,
}

/// What is in a column.
#[derive(Debug)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// Type that every value fits.
    pub kind: Type,
    /// Date pattern, when it is not %Y-%m-%d.
    pub date_format: Option<String>,
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
}

/// Date patterns that are tried, the safest first.
const DATES: [&str; 6] = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y%m%d"];

/// Reads a file as it is, and how it was read. `None` with faults in the sink when it cannot be read.
pub fn open(root: &Path, path: &str, sink: &mut Sink) -> Option<(Table, Reading)> {
    let bytes = std::fs::read(root.join(path)).unwrap_or_default();
    let reading = sniff(&bytes);
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
    let table = read::extract(root, &spec, sink, &mut vec![])?;
    Some((table, spec.reading))
}

/// Reads a file and describes its columns. `None` with faults in the sink when it cannot be read.
pub fn profile(root: &Path, path: &str, sink: &mut Sink) -> Option<Profile> {
    let (table, reading) = open(root, path, sink)?;
    let columns = table.columns.iter().filter_map(|column| describe(&table, &column.name)).collect();
    Some(Profile { path: path.to_owned(), rows: table.frame.height(), reading, columns })
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
    if text.contains("&|") && text.contains("+|") {
        reading.delimiter = "+|".to_owned();
        reading.terminator = Some("&|\n".to_owned());
    } else {
        let line = text.lines().next().unwrap_or_default();
        let best =
            [",", ";", "\t", "|"].into_iter().max_by_key(|mark| (line.matches(mark).count(), *mark == ","));
        reading.delimiter = best.unwrap_or(",").to_owned();
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
    let (kind, format) = if own.kind == Type::Text { infer(column) } else { (own.kind, None) };
    let cells = |format: &str| Cells { date_format: format.to_owned(), ..Reading::default().cells };
    let typed = cast(column, own.kind, own.decimals, kind, &cells(format.unwrap_or(DATES[0]))).ok()?;
    let as_text = |column: &Column, decimals| {
        cast(column, kind, decimals, Type::Text, &cells(DATES[0])).map(|cast| cast.column)
    };
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
        cast(column, own.kind, own.decimals, Type::Text, &cells(DATES[0])).ok()?.column
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
    let [least, greatest] = ends.map(|end| end.unwrap_or_default().chars().take(40).collect());
    Some(ColumnProfile {
        name: name.to_owned(),
        kind,
        date_format: format.filter(|format| *format != DATES[0]).map(str::to_owned),
        empty: column.null_count(),
        distinct: column.n_unique().ok()? - usize::from(column.null_count() > 0),
        least,
        greatest,
        examples,
    })
}

/// The narrowest type that every text fits.
fn infer(column: &Column) -> (Type, Option<&'static str>) {
    let fits = |kind, format: &str| {
        let cells =
            Cells { date_format: format.to_owned(), thousands: Some(','), ..Reading::default().cells };
        cast(column, Type::Text, 0, kind, &cells).is_ok_and(|cast| cast.faults.is_empty())
    };
    if column.null_count() == column.len() {
        return (Type::Text, None);
    }
    if let Some(format) = DATES.into_iter().take(5).find(|format| fits(Type::Date, format)) {
        return (Type::Date, Some(format));
    }
    if fits(Type::Number, DATES[0]) { (Type::Number, None) } else { (Type::Text, None) }
}

/// Words of column names that mean a canonical column, in the order in which they are tried.
const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "account_id",
        &["accountid", "account", "customerid", "customer", "storeid", "companyid", "entityid", "accountseq"],
    ),
    (
        "owner_id",
        &[
            "ownerid",
            "owner",
            "accountownerid",
            "salespersonid",
            "salesrep",
            "hubspotownerid",
            "systemuserseq",
        ],
    ),
    (
        "rep_id",
        &[
            "repid",
            "rep",
            "ownerid",
            "salespersonid",
            "userid",
            "employeeid",
            "salesrepid",
            "salesrep",
            "businessentityid",
            "systemuserseq",
            "id",
        ],
    ),
    (
        "holder_id",
        &[
            "holderid",
            "repid",
            "rep",
            "ownerid",
            "quotaownerid",
            "salespersonid",
            "businessentityid",
            "userid",
        ],
    ),
    ("manager_id", &["managerid", "manager", "supervisorid", "reportsto"]),
    (
        "transaction_id",
        &[
            "transactionid",
            "dealid",
            "opportunityid",
            "orderid",
            "salesorderid",
            "invoiceid",
            "hsobjectid",
            "opportunityseq",
            "tranid",
            "id",
            "deal",
            "order",
        ],
    ),
    ("line_id", &["lineid", "linenumber", "salesorderdetailid", "line"]),
    (
        "event_date",
        &[
            "eventdate",
            "closedate",
            "orderdate",
            "bookingdate",
            "invoicedate",
            "actualclosedate",
            "trandate",
            "date",
        ],
    ),
    ("date", &["quotadate", "startdate", "date"]),
    ("period", &["period", "quarter", "month"]),
    (
        "amount",
        &[
            "amount",
            "subtotal",
            "value",
            "acv",
            "revenue",
            "totalprice",
            "total",
            "salesquota",
            "quotaamount",
            "quota",
        ],
    ),
    ("currency", &["currency", "currencycode", "currencyisocode"]),
    ("kind", &["kind", "type", "stagename", "stage", "status"]),
    ("name", &["name", "fullname", "accountname", "repname", "storename"]),
    ("role", &["role", "title", "jobtitle"]),
    ("hire_date", &["hiredate", "startdate"]),
    ("end_date", &["enddate", "terminationdate"]),
    ("latitude", &["latitude", "lat"]),
    ("longitude", &["longitude", "lon", "lng", "long"]),
    ("share", &["share", "splitpercentage", "percent", "percentage"]),
    ("type", &["type", "splittype"]),
    ("territory_id", &["territoryid", "territory"]),
    ("from", &["from", "startdate", "validfrom"]),
    ("to", &["to", "enddate", "validto"]),
    ("segment", &["segment", "industry"]),
    ("capacity", &["capacity"]),
    ("target_pay", &["targetpay", "targetvariable", "ote"]),
];

/// Words of file names that mean a canonical table.
const FILES: &[(&str, &[&str])] = &[
    ("quotas", &["quota", "goal"]),
    ("splits", &["split"]),
    ("assignments", &["territoryhistory", "assignment"]),
    ("reps", &["salesperson", "rep", "owner", "user", "employee", "seller"]),
    ("transactions", &["opportunit", "deal", "orderheader", "order", "transaction", "invoice", "booking"]),
    ("accounts", &["account", "customer", "store", "compan", "client", "hospital"]),
];

fn letters(name: &str) -> String {
    name.chars().filter(|character| character.is_ascii_alphanumeric()).collect::<String>().to_lowercase()
}

/// The canonical table that a file most likely is.
fn table_of(profile: &Profile) -> Option<&'static Contract> {
    let stem = Path::new(&profile.path)
        .file_stem()
        .map(|stem| letters(stem.to_string_lossy().rsplit('.').next().unwrap_or_default()))
        .unwrap_or_default();
    let name = FILES.iter().find(|(_, words)| words.iter().any(|word| stem.contains(word)))?.0;
    CONTRACTS.iter().find(|contract| contract.name == name)
}

/// Text of `[sources...]` for the files: what is certain as keys, what is missing as comments.
#[must_use]
pub fn propose(profiles: &[Profile]) -> String {
    let mut taken: Vec<&str> = Vec::new();
    let mut text = String::new();
    for profile in profiles {
        let table = table_of(profile).filter(|table| !taken.contains(&table.name));
        match table {
            Some(table) => {
                taken.push(table.name);
                text += &mapped(profile, table);
            }
            None => {
                let stem = Path::new(&profile.path)
                    .file_stem()
                    .map(|stem| stem.to_string_lossy().to_lowercase())
                    .unwrap_or_default();
                let name: String = stem
                    .chars()
                    .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
                    .collect();
                text += &format!(
                    "# No canonical table fits by name: a lookup for joins, or set `table`.\n[sources.{name}]\n{}\n",
                    reading_text(profile)
                );
            }
        }
    }
    text
}

fn mapped(profile: &Profile, table: &Contract) -> String {
    let mut lines = Vec::new();
    let mut missing = Vec::new();
    for column in table.columns {
        let words =
            SYNONYMS.iter().find(|(name, _)| *name == column.name).map_or(&[][..], |(_, words)| *words);
        let found =
            words.iter().find_map(|word| profile.columns.iter().find(|own| letters(&own.name) == *word));
        let found = found.filter(|own| {
            own.kind == column.kind
                || matches!((own.kind, column.kind), (Type::Date | Type::Moment, Type::Date | Type::Moment))
                || column.kind == Type::Text
                || column.kind == Type::Float && own.kind == Type::Number
        });
        match found {
            Some(own) => match &own.date_format {
                Some(format) if matches!(column.kind, Type::Date | Type::Moment) => lines
                    .push(format!("{} = {{ column = {:?}, format = {format:?} }}", column.name, own.name)),
                _ => lines.push(format!("{} = {:?}", column.name, own.name)),
            },
            None if column.rule != Rule::Optional => missing.push(format!(
                "# {} is required: {}. Columns of the file: {}",
                column.name,
                column.doc,
                names(profile)
            )),
            None => {}
        }
    }
    lines.extend(missing);
    format!(
        "[sources.{}]\n{}[sources.{}.columns]\n{}\n\n",
        table.name,
        reading_text(profile),
        table.name,
        lines.join("\n")
    )
}

fn names(profile: &Profile) -> String {
    profile.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn reading_text(profile: &Profile) -> String {
    let (reading, usual) = (&profile.reading, Reading::default());
    let mut text = format!("files = {:?}\n", profile.path);
    let delimited =
        !["parquet", "xlsx", "xls", "arrow", "ipc"].iter().any(|extension| profile.path.ends_with(extension));
    if delimited {
        for (key, own, default) in [
            ("encoding", &reading.encoding, &usual.encoding),
            ("delimiter", &reading.delimiter, &usual.delimiter),
        ] {
            if own != default {
                text += &format!("{key} = {own:?}\n");
            }
        }
        if let Some(terminator) = &reading.terminator {
            text += &format!("terminator = {terminator:?}\n");
        }
        if reading.header == Header::Numbered {
            text +=
                "header = false   # columns are column_1, column_2...; or name them: header = [\"...\"]\n";
        }
    }
    text
}
