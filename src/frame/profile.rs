//! What is in an extract, and a proposal how to map it, so that a newcomer does not start from an empty file.

use std::path::Path;

use polars::prelude::*;
use spm_core::ground::diagnostic::Sink;
use spm_core::ground::source::Source;
use spm_core::plan::contract::{CONTRACTS, Column as ContractColumn, Contract, Rule, Type};
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
    /// Another pattern that every value fits: which of them is meant cannot be seen.
    pub other_format: Option<String>,
    /// Mark of decimals and of thousands, where numbers are not plain.
    pub marks: Option<(char, Option<char>)>,
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
    let inferred = if own.kind == Type::Text { infer(column) } else { Inferred::of(own.kind) };
    let kind = inferred.kind;
    let plain = Reading::default().cells;
    let typed = cast(column, own.kind, own.decimals, kind, &inferred.cells).ok()?;
    let as_text =
        |column: &Column, decimals| cast(column, kind, decimals, Type::Text, &plain).map(|cast| cast.column);
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
        cast(column, own.kind, own.decimals, Type::Text, &plain).ok()?.column
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
        date_format: Some(&inferred.cells.date_format).filter(|format| **format != DATES[0]).cloned(),
        other_format: inferred.other_format.map(str::to_owned),
        marks: Some((inferred.cells.decimal, inferred.cells.thousands))
            .filter(|marks| *marks != (plain.decimal, plain.thousands)),
        empty: column.null_count(),
        distinct: column.n_unique().ok()? - usize::from(column.null_count() > 0),
        least,
        greatest,
        examples,
    })
}

/// What the texts of a column are, and how they are read.
struct Inferred {
    kind: Type,
    cells: Cells,
    other_format: Option<&'static str>,
}

impl Inferred {
    fn of(kind: Type) -> Self {
        Self { kind, cells: Reading::default().cells, other_format: None }
    }
}

/// The narrowest type that every text fits.
fn infer(column: &Column) -> Inferred {
    let fits = |kind, cells: &Cells| {
        cast(column, Type::Text, 0, kind, cells).is_ok_and(|cast| cast.faults.is_empty())
    };
    if column.null_count() == column.len() {
        return Inferred::of(Type::Text);
    }
    let plain = Reading::default().cells;
    let dated =
        |format: &&str| fits(Type::Date, &Cells { date_format: (*format).to_owned(), ..plain.clone() });
    let mut formats = DATES.into_iter().take(5).filter(dated);
    if let Some(format) = formats.next() {
        let cells = Cells { date_format: format.to_owned(), ..plain };
        return Inferred { kind: Type::Date, cells, other_format: formats.next() };
    }
    // 007 is a name, not the number 7.
    let padded = |text: &str| {
        text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if column.str().is_ok_and(|texts| texts.iter().flatten().any(padded)) {
        return Inferred::of(Type::Text);
    }
    let marks =
        [('.', None), ('.', Some(',')), (',', None), (',', Some('.')), (',', Some(' ')), ('.', Some(' '))];
    let numbers = marks.map(|(decimal, thousands)| Cells { decimal, thousands, ..plain.clone() });
    match numbers.into_iter().find(|cells| fits(Type::Number, cells)) {
        Some(cells) => Inferred { kind: Type::Number, cells, other_format: None },
        None => Inferred::of(Type::Text),
    }
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
            "owner",
            "salesperson",
            "seller",
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
            "owner",
            "salesperson",
            "seller",
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
    let named = FILES.iter().find(|(_, words)| words.iter().any(|word| stem.contains(word)));
    if let Some((name, _)) = named {
        return CONTRACTS.iter().find(|contract| contract.name == *name);
    }
    // No name helps: the table whose columns the file has, all that are required and several more than any other.
    let fits = |contract: &&&Contract| {
        let has = |column: &ContractColumn| column_for(profile, column).is_some();
        contract.columns.iter().all(|column| column.rule == Rule::Optional || has(column))
    };
    let exact = |contract: &&Contract| {
        let own = |column: &&ContractColumn| {
            profile.columns.iter().any(|own| letters(&own.name) == letters(column.name))
        };
        contract.columns.iter().filter(own).count()
    };
    let candidates = CONTRACTS.iter().collect::<Vec<_>>();
    let best = candidates.iter().filter(fits).max_by_key(|contract| exact(contract)).copied();
    best.filter(|contract| exact(contract) >= 3)
}

/// The calendar years in which transactions lie: the first, and how many.
#[must_use]
pub fn years(profiles: &[Profile]) -> Option<(i16, i16)> {
    let mut ends = Vec::new();
    for profile in profiles {
        let Some(table) = table_of(profile).filter(|table| table.name == "transactions") else { continue };
        let event = table.column("event_date").and_then(|column| column_for(profile, column));
        let Some(event) = event.filter(|event| matches!(event.kind, Type::Date | Type::Moment)) else {
            continue;
        };
        ends.extend(
            [&event.least, &event.greatest].map(|day| day.get(..4).and_then(|year| year.parse::<i16>().ok())),
        );
    }
    let ends: Vec<i16> = ends.into_iter().flatten().collect();
    let (first, last) = (*ends.iter().min()?, *ends.iter().max()?);
    Some((first, last - first + 1))
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
                    "# No canonical table fits by name or columns: a lookup for joins, or set `table`.\n[sources.{name}]\n{}\n",
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
        match column_for(profile, column) {
            Some(own) => lines.push(format!("{} = {}", column.name, source_of(own, column.kind))),
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

/// The column of a file that most likely is the canonical one: of its name, or of a name that is used for it.
fn column_for<'p>(profile: &'p Profile, column: &ContractColumn) -> Option<&'p ColumnProfile> {
    let words = SYNONYMS.iter().find(|(name, _)| *name == column.name).map_or(&[][..], |(_, words)| *words);
    let own = letters(column.name);
    let mut words = std::iter::once(own.as_str()).chain(words.iter().copied());
    let found = words.find_map(|word| profile.columns.iter().find(|own| letters(&own.name) == word));
    found.filter(|own| {
        own.kind == column.kind
            || matches!((own.kind, column.kind), (Type::Date | Type::Moment, Type::Date | Type::Moment))
            || column.kind == Type::Text
            || column.kind == Type::Float && own.kind == Type::Number
    })
}

/// The column of the file with what is needed to read it.
fn source_of(own: &ColumnProfile, kind: Type) -> String {
    let mut keys = vec![format!("column = {:?}", own.name)];
    let mut remark = String::new();
    if matches!(kind, Type::Date | Type::Moment)
        && let Some(format) = &own.date_format
    {
        keys.push(format!("format = {format:?}"));
        if let Some(other) = &own.other_format {
            remark = format!("   # or {other}: every day in the file is 12 or less");
        }
    }
    if kind == Type::Number
        && let Some((decimal, thousands)) = own.marks
    {
        keys.extend((decimal != '.').then(|| format!("decimal = \"{decimal}\"")));
        keys.extend(thousands.map(|mark| format!("thousands = \"{mark}\"")));
    }
    match keys.len() {
        1 => format!("{:?}", own.name),
        _ => format!("{{ {} }}{remark}", keys.join(", ")),
    }
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
