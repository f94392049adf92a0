//! A proposal how to map extracts, so that a newcomer does not start from an empty file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use spm_core::plan::contract::{CONTRACTS, Column as ContractColumn, Contract, Rule, Type};
use spm_core::plan::project::{Header, Reading};

use crate::profile::{ColumnProfile, DATES, Profile};

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
            "splitownerid",
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
        let has = |column: &ContractColumn| column_for(profile, contract, column).is_some();
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
        let event = table.column("event_date").and_then(|column| column_for(profile, table, column));
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

/// Text of `[sources...]` for the files: what is certain as keys, what is missing as comments. Files of the same columns
/// that mean the same are one source.
#[must_use]
pub fn propose(profiles: &[Profile]) -> String {
    let mut taken: BTreeMap<&str, String> = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let references = references(profiles);
    let mut text = String::new();
    for Group { profile, files } in groups(profiles) {
        let table = table_of(&profile);
        match table.filter(|table| !taken.contains_key(table.name)) {
            Some(table) => {
                taken.insert(table.name, files.clone());
                text += &mapped(&profile, table, &files, &references);
            }
            None => {
                let why = match table.and_then(|table| Some((table.name, taken.get(table.name)?))) {
                    Some((table, other)) => format!(
                        "# The table {table} is filled from {other} above. As it stands this is a lookup for joins; if its rows belong to {table} too, set `table = \"{table}\"` and map its columns."
                    ),
                    None => {
                        "# No canonical table fits by name or columns: a lookup for joins, or set `table`."
                            .to_owned()
                    }
                };
                let name = lookup_name(&profile.path, &mut used);
                text += &format!("{why}\n[sources.{name}]\n{}\n", reading_text(&profile, &files));
            }
        }
    }
    text
}

/// The name of a lookup: that of its file, never that of a canonical table, which it would fill.
fn lookup_name(path: &str, used: &mut BTreeSet<String>) -> String {
    let word = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let mut name: String = stem(path).to_lowercase().chars().map(word).collect();
    if CONTRACTS.iter().any(|contract| contract.name == name) {
        name += "_lookup";
    }
    let first = name.clone();
    let mut number = 2;
    while !used.insert(name.clone()) {
        name = format!("{first}_{number}");
        number += 1;
    }
    name
}

fn stem(path: &str) -> String {
    Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Files that become one source: what they have together, and `files` as it is written.
struct Group {
    profile: Profile,
    files: String,
}

/// Files of a folder with the same columns, read alike, that fill the same table, or are named alike but for a number.
fn groups(profiles: &[Profile]) -> Vec<Group> {
    let kind = |profile: &Profile| {
        let path = Path::new(&profile.path);
        let mut columns: Vec<&str> = profile.columns.iter().map(|column| column.name.as_str()).collect();
        columns.sort_unstable();
        let means = table_of(profile).map_or_else(
            || letters(&stem(&profile.path)).chars().filter(|letter| !letter.is_ascii_digit()).collect(),
            |table| format!("table {}", table.name),
        );
        let place = (path.parent().map(Path::to_owned), path.extension().map(std::ffi::OsStr::to_owned));
        (place, means, columns.join("\n"))
    };
    let mut groups: Vec<Vec<&Profile>> = Vec::new();
    for profile in profiles {
        let alike = |group: &&mut Vec<&Profile>| {
            kind(group[0]) == kind(profile) && group[0].reading == profile.reading
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(profile),
            None => groups.push(vec![profile]),
        }
    }
    let together = |group: Vec<&Profile>| {
        let mut profile = group[0].clone();
        group[1..].iter().for_each(|other| join(&mut profile, other));
        let own: Vec<&str> = group.iter().map(|profile| profile.path.as_str()).collect();
        Group { profile, files: files_text(&own, profiles) }
    };
    groups.into_iter().map(together).collect()
}

/// `files` of a source: the path, a pattern that means these and no others, or the list.
fn files_text(own: &[&str], all: &[Profile]) -> String {
    let [first, .., last] = own else { return format!("{:?}", own.first().unwrap_or(&"")) };
    let alike = own.iter().fold(first.len(), |length, path| {
        let same = first.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count();
        length.min(same)
    });
    let extension = Path::new(last).extension().map(|extension| extension.to_string_lossy().into_owned());
    let mut start = first.get(..alike).unwrap_or_default();
    // Not in the middle of a number or a word: deals-2025- of January and February, not deals-2025-0.
    let end = start.chars().next_back();
    if let Some(end) = end.filter(|end| end.is_alphanumeric()) {
        start = start.trim_end_matches(|letter: char| {
            letter.is_alphanumeric() && letter.is_numeric() == end.is_numeric()
        });
    }
    let pattern = format!("{start}*.{}", extension.unwrap_or_default());
    let matches = |path: &str| glob::Pattern::new(&pattern).is_ok_and(|pattern| pattern.matches(path));
    let means_own = own.iter().all(|path| matches(path));
    let means_others =
        all.iter().any(|profile| matches(&profile.path) && !own.contains(&profile.path.as_str()));
    if means_own && !means_others && !start.is_empty() && !start.ends_with('/') {
        return format!("{pattern:?}");
    }
    format!("[{}]", own.iter().map(|path| format!("{path:?}")).collect::<Vec<_>>().join(", "))
}

/// Takes what the columns of another file say into those of a file with the same columns.
fn join(profile: &mut Profile, other: &Profile) {
    profile.rows += other.rows;
    for own in &mut profile.columns {
        let Some(other) = other.columns.iter().find(|other| other.name == own.name) else { continue };
        let (was_empty, is_empty) = (own.distinct == 0, other.distinct == 0);
        if was_empty {
            *own = other.clone();
        }
        if was_empty || is_empty {
            continue;
        }
        if own.kind == Type::Date && other.kind == Type::Date {
            let formats = |column: &ColumnProfile| {
                let first = column.date_format.clone().unwrap_or_else(|| DATES[0].to_owned());
                std::iter::once(first).chain(column.other_format.clone()).collect::<Vec<_>>()
            };
            let theirs = formats(other);
            let mut both = formats(own).into_iter().filter(|format| theirs.contains(format));
            match both.next() {
                Some(first) => {
                    own.date_format = Some(first).filter(|format| format != DATES[0]);
                    own.other_format = both.next();
                }
                None => own.kind = Type::Text,
            }
        } else if own.kind != other.kind {
            own.kind = Type::Text;
        }
        own.marks = own.marks.or(other.marks);
        own.empty += other.empty;
        own.distinct = own.distinct.max(other.distinct);
        own.least = own.least.clone().min(other.least.clone());
        own.greatest = own.greatest.clone().max(other.greatest.clone());
        let few = !own.values.is_empty() && !other.values.is_empty();
        own.values.extend(other.values.iter().cloned());
        own.values.sort();
        own.values.dedup();
        own.values.retain(|_| few);
    }
}

/// The columns by which transactions name an account and a rep, with the tables whose keys they are.
fn references(profiles: &[Profile]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for profile in profiles {
        let Some(table) = table_of(profile).filter(|table| table.name == "transactions") else { continue };
        for column in table.columns {
            let own = column_for(profile, table, column);
            found.extend(column.refers.zip(own).map(|(target, own)| (target, own.name.clone())));
        }
    }
    found
}

fn mapped(profile: &Profile, table: &Contract, files: &str, references: &[(&'static str, String)]) -> String {
    let mut lines = Vec::new();
    let mut missing = Vec::new();
    for column in table.columns {
        // A key by the name by which transactions have it, where the file has several.
        let same = |own: &&ColumnProfile| {
            column.name == table.key[0]
                && references.iter().any(|(target, name)| *target == table.name && *name == own.name)
        };
        let own = profile.columns.iter().find(same);
        match own.or_else(|| column_for(profile, table, column)) {
            Some(own) => {
                let source = percent_of(own, column).unwrap_or_else(|| source_of(own, column.kind));
                lines.push(format!("{} = {source}", column.name));
            }
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
    let kept = if table.name == "transactions" { kept(profile) } else { String::new() };
    format!(
        "[sources.{}]\n{}{kept}[sources.{}.columns]\n{}\n\n",
        table.name,
        reading_text(profile, files),
        table.name,
        lines.join("\n")
    )
}

/// Columns that say whether a deal is won, the surest first: flags, then stages.
const WON: &[&str] = &[
    "iswon",
    "won",
    "hsisclosedwon",
    "stagename",
    "salesstage",
    "dealstage",
    "stage",
    "opportunitystatus",
    "status",
    "statecode",
    "outcome",
];

/// How many of them are flags.
const FLAGS: usize = 3;

/// Which rows of transactions are kept: what is won, where a column tells; where one may tell, a comment.
fn kept(profile: &Profile) -> String {
    let mut open = None;
    for (index, word) in WON.iter().enumerate() {
        let Some(own) = profile.columns.iter().find(|own| letters(&own.name) == *word) else { continue };
        let is_won = |value: &str| match index < FLAGS {
            true => ["true", "1", "yes", "t", "y"].contains(&value.to_lowercase().as_str()),
            false => letters(value).ends_with("won") && !letters(value).ends_with("notwon"),
        };
        let (won, lost): (Vec<&str>, Vec<&str>) =
            own.values.iter().map(String::as_str).partition(|value| is_won(value));
        if won.is_empty() {
            open = open.or(Some(own));
            continue;
        }
        let left_out = match lost.is_empty() {
            true => String::new(),
            false => format!("   # left out: {}", few(&lost)),
        };
        return format!("where = {:?}{left_out}\n", condition(own, &won));
    }
    open.map_or_else(String::new, |own| {
        let values: Vec<&str> = own.values.iter().map(String::as_str).collect();
        let seen = if values.is_empty() { String::new() } else { format!(" ({})", few(&values)) };
        let example = condition(own, &values[..values.len().min(1)]);
        format!(
            "# EVERY ROW COUNTS AS SOLD, whatever its {}{seen}. If only some do, keep them: where = {example:?}\n",
            own.name
        )
    })
}

/// Some of the values, on one line.
fn few(values: &[&str]) -> String {
    let more = if values.len() > 5 { ", ..." } else { "" };
    let shown: Vec<String> = values.iter().take(5).map(|value| value.replace(['\n', '\r'], " ")).collect();
    format!("{}{more}", shown.join(", "))
}

/// An expression that is true where a column has one of the values.
fn condition(own: &ColumnProfile, values: &[&str]) -> String {
    let plain = own.name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && own.name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let name = if plain { own.name.clone() } else { format!("\"{}\"", own.name.replace('"', "\"\"")) };
    let literal = |value: &&str| match own.stored {
        Type::Number => (*value).to_owned(),
        _ => format!("'{}'", value.replace('\'', "''")),
    };
    match values {
        _ if own.stored == Type::Boolean => name,
        [] => format!("{name} = '...'"),
        [one] => format!("{name} = {}", literal(one)),
        several => format!("{name} IN ({})", several.iter().map(literal).collect::<Vec<_>>().join(", ")),
    }
}

/// A share that is written as a percentage without its sign: 40 for 40%.
fn percent_of(own: &ColumnProfile, column: &ContractColumn) -> Option<String> {
    let beyond = |text: &str| text.parse::<f64>().is_ok_and(|value| value > 1.0);
    let is_percent = column.name == "share" && letters(&own.name).contains("percent");
    if !is_percent || !beyond(&own.greatest) || condition(own, &[]) != format!("{} = '...'", own.name) {
        return None;
    }
    let mut keys = match own.stored {
        Type::Text => vec![format!("sql = \"{} || '%'\"", own.name), "type = \"number\"".to_owned()],
        Type::Number => vec![format!("sql = \"{} * 0.01\"", own.name)],
        _ => return None,
    };
    keys.extend(mark_keys(own));
    Some(format!("{{ {} }}", keys.join(", ")))
}

/// Keys of tables whose extract may call them `Id`.
const OWN: &[(&str, &str)] =
    &[("accounts", "account_id"), ("reps", "rep_id"), ("transactions", "transaction_id")];

/// The column of a file that most likely is the canonical one: of its name, or of a name that is used for it.
fn column_for<'p>(
    profile: &'p Profile,
    table: &Contract,
    column: &ContractColumn,
) -> Option<&'p ColumnProfile> {
    let words = SYNONYMS.iter().find(|(name, _)| *name == column.name).map_or(&[][..], |(_, words)| *words);
    let own = letters(column.name);
    // `Id` is the key of the table itself, in no table the one that another is named by.
    let is_own = OWN.contains(&(table.name, column.name)).then_some("id");
    let mut words = std::iter::once(own.as_str()).chain(words.iter().copied()).chain(is_own);
    let found = words.find_map(|word| profile.columns.iter().find(|own| letters(&own.name) == word));
    // The name of a manager is not the identifier that `reps` has.
    let named = |own: &&ColumnProfile| own.examples.iter().any(|text| text.trim().contains(' '));
    let found = found.filter(|own| column.name != "manager_id" || !named(own));
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
    if kind == Type::Number {
        keys.extend(mark_keys(own));
        keys.extend(own.decimals.map(|decimals| format!("decimals = {decimals}")));
    }
    match keys.len() {
        1 => format!("{:?}", own.name),
        _ => format!("{{ {} }}{remark}", keys.join(", ")),
    }
}

/// The marks of numbers that are not plain.
fn mark_keys(own: &ColumnProfile) -> Vec<String> {
    let Some((decimal, thousands)) = own.marks else { return vec![] };
    let decimal = (decimal != '.').then(|| format!("decimal = \"{decimal}\""));
    decimal.into_iter().chain(thousands.map(|mark| format!("thousands = \"{mark}\""))).collect()
}

fn names(profile: &Profile) -> String {
    profile.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn reading_text(profile: &Profile, files: &str) -> String {
    let (reading, usual) = (&profile.reading, Reading::default());
    let mut text = format!("files = {files}\n");
    if let [first, others @ ..] = profile.sheets.as_slice()
        && !others.is_empty()
    {
        text += &format!("sheet = {first:?}   # the first; there are also: {}\n", others.join(", "));
    }
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
