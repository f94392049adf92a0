//! One part of an extract on its way into a table: lookups joined, rows kept, columns mapped and cast, the contract
//! checked. Parts do not depend on each other, so that a file is worked on side by side and never held whole.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::moment::Moment;
use spm_core::ground::money::Currency;
use spm_core::ground::period::{DateRange, epoch_day};
use spm_core::ground::rational::{Rational, scaled_text};
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::{Contract, Rule, Type};
use spm_core::plan::expression::{Columns, Read, check_extract};
use spm_core::plan::project::{Cells, ColumnFrom, ColumnSpec, JoinSpec, SourceSpec};

use crate::fingerprint::Fingerprint;
use crate::lower::lower;
use crate::merge::Known;
use crate::order::{Order, Repeats, key_hashes, keys_of};
use crate::read::{Cast, cast, other_delimiter};
use crate::table::{Column as TableColumn, FILE, ROW, Reject, Table};
use crate::versions::{RECORDED_AT, known_by};

/// A lookup, ready to be joined.
pub(crate) struct Lookup<'a> {
    join: &'a JoinSpec,
    /// Keys `_key_0`..., then columns named `lookup.column`; one row for each key.
    frame: DataFrame,
    columns: Vec<TableColumn>,
}

/// What is done with each part of a source.
pub(crate) struct Intake<'a> {
    pub(crate) spec: &'a SourceSpec,
    pub(crate) lookups: &'a [Lookup<'a>],
    /// The currency of amounts that do not say theirs.
    pub(crate) currency: &'a Currency,
}

/// A part after its way.
#[derive(Default)]
pub(crate) struct Part {
    /// `None` when the source cannot be read as its specification says.
    pub(crate) table: Option<Table>,
    pub(crate) sink: Sink,
    pub(crate) rejects: Vec<Reject>,
    /// Rows of the extract, and how many of them `where` keeps.
    pub(crate) rows: (usize, usize),
}

/// What is checked in a part of a table that is not kept whole.
pub(crate) struct Narrowing<'a> {
    pub(crate) contract: &'static Contract,
    /// Rows of other event dates are checked, then left out.
    pub(crate) days: DateRange,
    /// All days of the calendar.
    pub(crate) calendar: DateRange,
    /// Identifiers of the tables that columns refer to.
    pub(crate) known: Vec<(&'static str, Known<'a>)>,
    /// Rows that became known later are not there.
    pub(crate) as_of: Option<Moment>,
    /// Whether the hashes of keys are wanted of parts in order, too.
    pub(crate) hashing: bool,
    /// Transactions whose amounts are wanted in all.
    pub(crate) named: &'a PlHashSet<&'a str>,
    /// Transactions that are kept whatever their day is.
    pub(crate) sought: &'a PlHashSet<String>,
}

/// A part of a table that is not kept whole, with what is known of the rows that were left out.
#[derive(Default)]
pub(crate) struct Narrowed {
    pub(crate) part: Part,
    /// Of all rows.
    pub(crate) fingerprint: Fingerprint,
    /// Order and hashes of the keys of all rows.
    pub(crate) order: Order,
    /// Values by column that their table does not have.
    pub(crate) missing: BTreeMap<&'static str, BTreeSet<String>>,
    /// Events in no period of the calendar.
    pub(crate) outside: Outside,
    /// What transactions that releases name come to, and the decimals.
    pub(crate) totals: Totals,
}

/// Sums of amounts by transaction.
pub(crate) type Totals = BTreeMap<String, Rational>;

/// What transactions come to in all, those of the named.
pub(crate) fn totals(table: &Table, named: &PlHashSet<&str>) -> Totals {
    let mut totals = Totals::new();
    let (Some(ids), Some(amounts)) = (table.texts("transaction_id"), table.numbers("amount")) else {
        return totals;
    };
    for (id, units) in ids.iter().zip(amounts.iter()).filter(|_| !named.is_empty()) {
        if let (Some(id), Some(units)) = (id.filter(|id| named.contains(id)), units) {
            *totals.entry(id.to_owned()).or_default() +=
                &Rational::from_scaled(units.into(), table.decimals("amount"));
        }
    }
    totals
}

/// Events in no period of the calendar: how many, and the first by file and row, with its day.
#[derive(Default)]
pub(crate) struct Outside {
    pub(crate) count: usize,
    pub(crate) first: Option<(String, u64, i32)>,
}

impl Outside {
    pub(crate) fn of(table: &Table, calendar: &DateRange) -> Self {
        let (from, to) = (epoch_day(calendar.from), epoch_day(calendar.to));
        let mut found = Self::default();
        let Some(days) = table.days("event_date") else { return found };
        if days.min().is_none_or(|least| from <= least) && days.max().is_none_or(|most| most < to) {
            return found;
        }
        for (index, day) in days.iter().enumerate() {
            if let Some(day) = day.filter(|day| *day < from || to <= *day) {
                let (path, record) = origin(table, index);
                found.add(Self { count: 1, first: Some((path, record, day)) });
            }
        }
        found
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = match (self.first.take(), other.first) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

impl<'a> Lookup<'a> {
    /// Brings the keys and columns of a lookup in the form of a join; each key must be there once.
    pub(crate) fn new(join: &'a JoinSpec, lookup: &Table, sink: &mut Sink) -> Option<Self> {
        let mut selected = Vec::new();
        for (index, (_, there)) in join.on.iter().enumerate() {
            selected.push(key(lookup, there, &join.place, sink)?.alias(format!("_key_{index}")));
        }
        let mut columns = Vec::new();
        for column in &lookup.columns {
            let name = format!("{}.{}", join.source, column.name);
            selected.push(col(column.name.as_str()).alias(name.as_str()));
            columns.push(TableColumn { name, ..column.clone() });
        }
        let names = key_names(join);
        let present = names.iter().map(|name| name.clone().is_not_null()).reduce(Expr::and);
        let right = lookup.frame.clone().lazy().select(selected).filter(present.unwrap_or_else(|| lit(true)));
        let right = collect(right, &join.place, sink)?;
        let distinct = right.clone().lazy().select(names).unique(None, UniqueKeepStrategy::Any);
        let distinct = collect(distinct, &join.place, sink)?.height();
        if distinct != right.height() {
            let rows = right.height();
            let message =
                format!("`{}` has several rows for one key ({rows} rows, {distinct} keys)", join.source);
            let fault = Diagnostic::error(Code::SPM113, message).at(Place::Text(join.place.clone()), "");
            sink.push(fault.hint("keep one row per key with `where` in the lookup, or join on more columns"));
            return None;
        }
        Some(Self { join, frame: right, columns })
    }
}

fn key_names(join: &JoinSpec) -> Vec<Expr> {
    (0..join.on.len()).map(|index| col(format!("_key_{index}"))).collect()
}

/// A join key as text: an identifier may be an integer in one file and text in another.
fn key(table: &Table, name: &str, place: &TextPlace, sink: &mut Sink) -> Option<Expr> {
    let column = find(table, name, place, sink)?;
    let value = col(column.name.as_str());
    match (column.kind, column.decimals) {
        (Type::Text, _) => Some(value),
        (Type::Number, 0) | (Type::Date, _) => Some(value.cast(DataType::String)),
        (Type::Moment, _) => Some(value.cast(DataType::Date).cast(DataType::String)),
        _ => {
            let message = format!("`{name}` is a {}, which cannot be a key", column.kind.name());
            sink.push(Diagnostic::error(Code::SPM203, message).at(Place::Text(place.clone()), ""));
            None
        }
    }
}

fn find<'t>(table: &'t Table, name: &str, place: &TextPlace, sink: &mut Sink) -> Option<&'t TableColumn> {
    if let Some(column) = table.column(name) {
        return Some(column);
    }
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let path = table.files.first().map_or("the extract", |file| file.path.as_str());
    let unread = table.files.iter().flat_map(|file| &file.unread).find(|(unread, _)| unread == name);
    if let Some((_, what)) = unread {
        let message = format!("column `{name}` of {path} is {what}, which a table cannot hold");
        let fault = Diagnostic::error(Code::SPM103, message).at(Place::Text(place.clone()), "");
        sink.push(fault.hint("export it as text, number, date or true and false"));
        return None;
    }
    let fault = Diagnostic::error(Code::SPM103, format!("{path} has no column `{name}`"))
        .at(Place::Text(place.clone()), "");
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let spaced = names.iter().find(|own| plain(own) == plain(name));
    let other = names.first().filter(|_| names.len() == 1).and_then(|only| other_delimiter(only, ""));
    sink.push(fault.hint(match (spaced, other, suggestion(name, names.iter().copied())) {
        (Some(own), _, _) => {
            let written = own.replace('\u{a0}', "\\u00A0").replace('\u{202f}', "\\u202F");
            format!("its name has another space, such as a no-break one: write \"{written}\"")
        }
        (_, Some(other), _) => other,
        (_, _, Some(near)) => format!("did you mean \"{near}\"?"),
        _ => format!("its columns are: {}", names.join(", ")),
    }));
    None
}

fn collect(frame: LazyFrame, place: &TextPlace, sink: &mut Sink) -> Option<DataFrame> {
    frame.collect().map_err(|error| sink.push(unreadable(&error, place))).ok()
}

pub(crate) fn unreadable(error: &PolarsError, place: &TextPlace) -> Diagnostic {
    Diagnostic::error(Code::SPM102, format!("the data cannot be calculated: {error}"))
        .at(Place::Text(place.clone()), "")
}

impl Intake<'_> {
    /// Joins, keeps, maps.
    pub(crate) fn part(&self, table: Table) -> Part {
        let mut part = Part::default();
        part.table = self.mapped(table, &mut part);
        part
    }

    /// Joins, keeps, maps, checks; then leaves out what is not wanted.
    pub(crate) fn narrowed(&self, table: Table, narrowing: &Narrowing<'_>) -> Narrowed {
        let mut part = self.part(table);
        let Some(mut table) = part.table.take() else { return Narrowed { part, ..Narrowed::default() } };
        let contract = narrowing.contract;
        if let Err(error) = known_by(&mut table, narrowing.as_of) {
            part.sink.push(unreadable(&error, &self.spec.place));
            return Narrowed { part, ..Narrowed::default() };
        }
        // Versions of a row are told apart in the whole table.
        let repeats = match table.moments(RECORDED_AT) {
            Some(_) => Repeats::default(),
            None => Repeats::of(contract, &table),
        };
        check_contract(contract, self.spec, &mut table, &repeats, &mut part);
        let mut order = Order::of(contract, &table);
        if narrowing.hashing || !order.is_ascending() {
            order.hashes = Some(key_hashes(&keys_of(contract, &table), &table));
        }
        let fingerprint = Fingerprint::of(&table);
        let mut missing = BTreeMap::new();
        for (column, known) in &narrowing.known {
            if let Some(values) = table.texts(column) {
                missing.insert(*column, known.missing(values));
            }
        }
        let outside = Outside::of(&table, &narrowing.calendar);
        let totals = totals(&table, narrowing.named);
        part.table = Some(within(table, &narrowing.days, narrowing.sought));
        Narrowed { part, fingerprint, order, missing, outside, totals }
    }

    fn mapped(&self, mut table: Table, part: &mut Part) -> Option<Table> {
        part.rows.0 = table.frame.height();
        for lookup in self.lookups {
            table = joined(table, lookup, &mut part.sink)?;
        }
        if let Some((text, place)) = &self.spec.condition {
            let columns = columns_of(&table);
            let (checked, reads) = check_extract(text, place, &columns, Some(Type::Boolean), &mut part.sink)?;
            let (wide, casts) = with_reads(&table, &reads, &self.spec.reading.cells, place, part)?;
            let condition =
                lower(&checked, &wide, place).map_err(|fault| part.sink.push(fault)).ok()?.expression;
            let verdict = wide.frame.lazy().select([col(ROW), condition.alias("_kept")]);
            let verdict = collect(verdict, place, &mut part.sink)?;
            let kept = verdict.column("_kept").ok()?.bool().ok()?.clone();
            // A cell that cannot be read matters only in a row that would not be left out whatever it said.
            let mut bad = BTreeSet::new();
            for (read, cast) in reads.iter().zip(&casts) {
                for (index, text, reason) in &cast.faults {
                    if kept.get(*index) != Some(false) {
                        let why = (Code::SPM105, format!("{text:?} is {reason}"));
                        reject(self.spec, &table, *index, &read.column, why, text, part);
                        bad.insert(*index);
                    }
                }
            }
            table.frame.with_column(kept.into_column()).ok()?;
            let left = without(table.frame, &bad)?.lazy().filter(col("_kept")).drop(cols(["_kept"]));
            table.frame = collect(left, place, &mut part.sink)?;
        }
        part.rows.1 = table.frame.height();
        if self.spec.columns.is_empty() { Some(table) } else { self.map_columns(table, part) }
    }

    fn map_columns(&self, table: Table, part: &mut Part) -> Option<Table> {
        let mut data: Vec<Column> = Vec::new();
        let mut columns = Vec::new();
        let mut bad: BTreeSet<usize> = BTreeSet::new();
        let mut signs = Vec::new();
        for column in &self.spec.columns {
            if let Some((meta, values)) = self.map_column(column, &table, &mut bad, &mut signs, part) {
                columns.push(meta);
                data.push(values);
            }
        }
        if data.len() < self.spec.columns.len() {
            return None;
        }
        let stated =
            data.iter().find(|column| column.name() == "currency").and_then(|column| column.str().ok());
        for (column, index, sign) in signs
            .iter()
            .flat_map(|(column, signs)| signs.iter().map(move |(index, sign)| (column, *index, *sign)))
        {
            let code = stated.and_then(|codes| codes.get(index)).map(str::trim);
            let own = code.map_or_else(|| Some(self.currency.clone()), Currency::from_code);
            if let Some(own) = own.filter(|own| !own.is_written_with(sign)) {
                let text = cell_text(table.frame.column(column).ok()?, index);
                let reason = format!("{text:?} is written with {sign}, but amounts of this row are in {own}");
                reject(self.spec, &table, index, column, (Code::SPM117, reason), &text, part);
                bad.insert(index);
            }
        }
        for name in [FILE, ROW] {
            data.push(table.frame.column(name).ok()?.clone());
        }
        let frame = DataFrame::new(table.frame.height(), data).ok()?;
        Some(Table { frame: without(frame, &bad)?, columns, files: table.files })
    }

    fn map_column(
        &self,
        column: &ColumnSpec,
        table: &Table,
        bad: &mut BTreeSet<usize>,
        signs: &mut Vec<(String, Vec<(usize, char)>)>,
        part: &mut Part,
    ) -> Option<(TableColumn, Column)> {
        let mut odd = |name: &str, cast: &mut Cast, part: &mut Part| {
            for (index, text, reason) in &cast.faults {
                let why = (Code::SPM105, format!("{text:?} is {reason}"));
                reject(self.spec, table, *index, name, why, text, part);
                bad.insert(*index);
            }
            signs.push((name.to_owned(), std::mem::take(&mut cast.signs)));
        };
        let (values, kind, decimals, shown) = match &column.from {
            ColumnFrom::Extract(name) => {
                let found = find(table, name, &column.place, &mut part.sink)?;
                let values = table.frame.column(&found.name).ok()?.clone();
                (values, found.kind, found.decimals, found.name.clone())
            }
            ColumnFrom::Expression(text) => {
                let columns = columns_of(table);
                let (checked, reads) = check_extract(text, &column.place, &columns, None, &mut part.sink)?;
                let (wide, casts) = with_reads(table, &reads, &column.cells, &column.place, part)?;
                for (read, mut cast) in reads.iter().zip(casts) {
                    odd(&read.column, &mut cast, part);
                }
                let kind = checked.kind.unwrap_or(column.kind.unwrap_or(Type::Text));
                let lowered =
                    lower(&checked, &wide, &column.place).map_err(|fault| part.sink.push(fault)).ok()?;
                let frame = wide.frame.lazy().select([lowered.expression.alias("_value")]);
                let mut values =
                    collect(frame, &column.place, &mut part.sink)?.column("_value").ok()?.clone();
                if values.len() != table.frame.height() {
                    values = values.new_from_index(0, table.frame.height());
                }
                (values, kind, lowered.decimals, column.name.clone())
            }
        };
        let target = column.kind.unwrap_or(if kind == Type::Moment { Type::Date } else { kind });
        let values =
            if values.dtype() == &DataType::Null { values.cast(&physical(kind)).ok()? } else { values };
        match cast(&values, kind, decimals, target, &column.cells) {
            Ok(mut result) => {
                odd(&shown, &mut result, part);
                result.column.rename(column.name.as_str().into());
                let meta = TableColumn { name: column.name.clone(), kind: target, decimals: result.decimals };
                Some((meta, result.column))
            }
            Err(reason) => {
                let fault = Diagnostic::error(Code::SPM105, format!("column `{}`: {reason}", column.name));
                part.sink.push(fault.at(Place::Text(column.place.clone()), ""));
                None
            }
        }
    }
}

/// The table with the columns that an expression reads of its texts, and how each was read.
fn with_reads(
    table: &Table,
    reads: &[Read],
    cells: &Cells,
    place: &TextPlace,
    part: &mut Part,
) -> Option<(Table, Vec<Cast>)> {
    let (mut wide, mut casts) = (table.clone(), Vec::new());
    for read in reads {
        let cast = cast(table.frame.column(&read.column).ok()?, Type::Text, 0, read.kind, cells);
        let fault = |why| Diagnostic::error(Code::SPM105, why).at(Place::Text(place.clone()), "");
        let cast = cast.map_err(|why| part.sink.push(fault(why))).ok()?;
        let values = cast.column.clone().with_name(read.name.as_str().into());
        wide.frame.with_column(values).ok()?;
        wide.columns.push(TableColumn { name: read.name.clone(), kind: read.kind, decimals: cast.decimals });
        casts.push(cast);
    }
    Some((wide, casts))
}

/// Adds the columns of one row of the lookup.
fn joined(table: Table, lookup: &Lookup<'_>, sink: &mut Sink) -> Option<Table> {
    let join = lookup.join;
    let mut keys = Vec::new();
    for (index, (here, _)) in join.on.iter().enumerate() {
        keys.push(key(&table, here, &join.place, sink)?.alias(format!("_key_{index}")));
    }
    let names = key_names(join);
    let arguments = JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Left) };
    let right = lookup.frame.clone().lazy();
    let joined = table.frame.lazy().with_columns(keys).join(right, names.clone(), names, arguments);
    let dropped: Vec<PlSmallStr> = (0..join.on.len()).map(|index| format!("_key_{index}").into()).collect();
    let frame = collect(joined.drop(by_name(dropped, true, false)), &join.place, sink)?;
    let columns = table.columns.into_iter().chain(lookup.columns.iter().cloned()).collect();
    Some(Table { frame, columns, files: table.files })
}

/// Reports a cell and writes its row aside. `why` is the code and the reason.
fn reject(
    spec: &SourceSpec,
    table: &Table,
    index: usize,
    column: &str,
    why: (Code, String),
    value: &str,
    part: &mut Part,
) {
    let (path, row) = origin(table, index);
    let (code, reason) = why;
    let place = Place::row(&path, Some(row), Some(column));
    part.sink.push(Diagnostic::error(code, reason.clone()).at(place, ""));
    part.rejects.push(Reject {
        source: spec.name.clone(),
        path,
        row,
        column: column.to_owned(),
        code: code.name().to_owned(),
        reason,
        value: value.to_owned(),
    });
}

/// Takes out the rows that the contract does not allow. `repeats` are rows whose key came before.
pub(crate) fn check_contract(
    contract: &'static Contract,
    spec: &SourceSpec,
    table: &mut Table,
    repeats: &Repeats,
    part: &mut Part,
) {
    let mut bad = BTreeSet::new();
    for column in contract.columns {
        let Some(values) =
            table.column(column.name).and_then(|_| table.frame.column(column.name).ok()).cloned()
        else {
            continue;
        };
        if column.rule == Rule::Required && values.null_count() > 0 {
            for index in indices(&values.is_null()) {
                let reason = format!("`{}` is empty", column.name);
                reject(spec, table, index, column.name, (Code::SPM107, reason), "", part);
                bad.insert(index);
            }
        }
        if let Some((low, high)) = range_of(column.name) {
            for (index, value) in outside(&values, low, high) {
                let reason = match value.is_nan() {
                    true => format!(
                        "`{}` is not a number; WKT of a point is like POINT (-122.2 37.9)",
                        column.name
                    ),
                    false => format!("{value} is not between {low} and {high}"),
                };
                reject(spec, table, index, column.name, (Code::SPM110, reason), &value.to_string(), part);
                bad.insert(index);
            }
        }
    }
    for name in ["currency", "from_currency", "to_currency"] {
        let Some(codes) = table.column(name).and_then(|_| table.texts(name)).cloned() else { continue };
        for (index, code) in codes.iter().enumerate() {
            let Some(code) = code.filter(|code| !Currency::is_code(code)) else { continue };
            let meant = code.trim().to_uppercase();
            let reason = match Currency::is_code(&meant) {
                true => format!("`{code}` is no code of a currency: write {meant}"),
                false => {
                    format!("`{code}` is no code of a currency: write three capital letters such as USD")
                }
            };
            reject(spec, table, index, name, (Code::SPM110, reason), code, part);
            bad.insert(index);
        }
    }
    if contract.name == "splits"
        && let Some(kinds) = table.texts("type").cloned()
    {
        let known = |kind: &str| ["split", "overlay"].contains(&kind);
        for (index, kind) in kinds.iter().enumerate() {
            let Some(kind) = kind.filter(|kind| !known(kind)) else { continue };
            let reason = format!("`{kind}` is no type of split: write split or overlay");
            reject(spec, table, index, "type", (Code::SPM110, reason), kind, part);
            bad.insert(index);
        }
    }
    if contract.name == "rates"
        && let Some(rates) = table.numbers("rate").cloned()
    {
        for (index, rate) in rates.iter().enumerate().filter(|(_, rate)| rate.is_some_and(|rate| rate <= 0)) {
            let value = scaled_text(&rate.unwrap_or(0).into(), table.decimals("rate"));
            let reason = format!("{value} is no rate: it has to be above zero");
            reject(spec, table, index, "rate", (Code::SPM110, reason), &value, part);
            bad.insert(index);
        }
    }
    for index in repeats.rows() {
        let key: Vec<String> = contract
            .key
            .iter()
            .filter_map(|name| Some(cell_text(table.frame.column(name).ok()?, *index)))
            .collect();
        let names = contract.key[..key.len()].join(", ");
        let named = |index: usize| {
            let (path, row) = origin(table, index);
            format!("row {row} of {path}")
        };
        let reason = format!("a row with {names} = {} came before: {}", key.join(", "), named(index - 1));
        let after = format!("a row with {names} = {} comes after: {}", key.join(", "), named(*index));
        reject(spec, table, *index, contract.key[0], (Code::SPM108, reason), &key.join(", "), part);
        bad.insert(*index);
        // Which of them is right is not known: the one before is set aside too, whatever their order in the extract.
        if bad.insert(index - 1) {
            let (path, row) = origin(table, index - 1);
            part.rejects.push(Reject {
                source: spec.name.clone(),
                path,
                row,
                column: contract.key[0].to_owned(),
                code: Code::SPM108.name().to_owned(),
                reason: after,
                value: key.join(", "),
            });
        }
    }
    if let Some(frame) = without(std::mem::take(&mut table.frame), &bad) {
        table.frame = frame;
    }
}

/// The rows of some days of events and of the transactions that are sought, without the texts of the others.
pub(crate) fn within(table: Table, days: &DateRange, sought: &PlHashSet<String>) -> Table {
    let day = |date| lit(epoch_day(date)).cast(DataType::Date);
    let range = col("event_date").gt_eq(day(days.from)).and(col("event_date").lt(day(days.to)));
    let kept = match table.texts("transaction_id").filter(|_| !sought.is_empty()) {
        None => table.frame.clone().lazy().filter(range).collect(),
        Some(ids) => {
            let found = ids.iter().map(|id| id.is_some_and(|id| sought.contains(id)));
            table.frame.filter(&found.collect_ca("sought".into()))
        }
    };
    let Ok(frame) = kept else { return table };
    let compact = |column: Column| match column.str() {
        Ok(texts) => {
            let chunks = texts.downcast_iter().map(|chunk| chunk.clone().gc());
            StringChunked::from_chunk_iter(texts.name().clone(), chunks).into_column()
        }
        Err(_) => column,
    };
    let height = frame.height();
    let data = frame.into_columns().into_iter().map(compact).collect();
    Table { frame: DataFrame::new(height, data).unwrap_or_default(), ..table }
}

/// The columns of a table as an expression sees them.
#[must_use]
pub(crate) fn columns_of(table: &Table) -> Columns {
    let seen = |kind| if kind == Type::Moment { Type::Date } else { kind };
    Columns(table.columns.iter().map(|column| (column.name.clone(), seen(column.kind))).collect())
}

/// The physical type of a column.
#[must_use]
pub(crate) fn physical(kind: Type) -> DataType {
    match kind {
        Type::Text => DataType::String,
        Type::Number => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Date => DataType::Date,
        Type::Moment => DataType::Datetime(TimeUnit::Milliseconds, None),
        Type::Boolean => DataType::Boolean,
    }
}

/// The file and record of a row.
#[must_use]
pub(crate) fn origin(table: &Table, index: usize) -> (String, u64) {
    let number = |name: &str| {
        let column = table.frame.column(name).ok()?;
        column.u32().ok()?.get(index)
    };
    let file = number(FILE).and_then(|file| table.files.get(usize::try_from(file).ok()?));
    (file.map_or_else(String::new, |file| file.path.clone()), number(ROW).map_or(0, u64::from))
}

/// The place of a row, or of one of its cells, in the extract.
#[must_use]
pub(crate) fn place(table: &Table, index: usize, column: Option<&str>) -> Place {
    let (path, row) = origin(table, index);
    Place::row(&path, Some(row), column)
}

fn cell_text(column: &Column, index: usize) -> String {
    column.get(index).map_or_else(|_| String::new(), |value| value.str_value().into_owned())
}

fn indices(mask: &BooleanChunked) -> Vec<usize> {
    mask.iter().enumerate().filter(|(_, value)| *value == Some(true)).map(|(index, _)| index).collect()
}

pub(crate) fn without(frame: DataFrame, bad: &BTreeSet<usize>) -> Option<DataFrame> {
    if bad.is_empty() {
        return Some(frame);
    }
    let keep: BooleanChunked =
        (0..frame.height()).map(|index| Some(!bad.contains(&index))).collect_ca("keep".into());
    frame.filter(&keep).ok()
}

fn range_of(column: &str) -> Option<(f64, f64)> {
    match column {
        "latitude" => Some((-90.0, 90.0)),
        "longitude" => Some((-180.0, 180.0)),
        _ => None,
    }
}

fn outside(values: &Column, low: f64, high: f64) -> Vec<(usize, f64)> {
    let Ok(values) = values.f64() else { return vec![] };
    let odd = |value: &(usize, Option<f64>)| value.1.is_some_and(|value| !(low..=high).contains(&value));
    values.iter().enumerate().filter(odd).filter_map(|(index, value)| Some((index, value?))).collect()
}
