//! Sources to canonical tables: join lookups, keep rows, map and cast columns, check against the contract.
//!
//! A row with a fault is taken out and written aside with its reason; nothing is dropped in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::{CONTRACTS, Contract, Rule, Type};
use spm_core::plan::expression::{Columns, check_expression, check_typed};
use spm_core::plan::project::{ColumnFrom, ColumnSpec, JoinSpec, Project, SourceSpec};

use crate::lower::lower;
use crate::merge::{is_ascending, missing, tasks};
use crate::read::{self, cast};
use crate::table::{Column as TableColumn, FILE, InputFile, ROW, Reject, Table};

/// The canonical tables of a project, checked.
#[derive(Debug, Default)]
pub struct Tables {
    /// By name. A table that no source fills is absent.
    pub tables: BTreeMap<&'static str, Table>,
    /// Rows that cannot be used.
    pub rejects: Vec<Reject>,
    /// Every file read, sorted by path.
    pub inputs: Vec<InputFile>,
}

impl Tables {
    /// The table of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }
}

/// Reads and checks the tables named in `needed` and everything they look up. Faults go to the sink.
///
/// A command never reads its own results, so that it gives the same answer when it is run again: optional sources
/// whose files lie in the folder `own` (such as `out/territories`) count as absent.
pub fn load(root: &Path, project: &Project, needed: &[&str], own: Option<&str>, sink: &mut Sink) -> Tables {
    let mut loader = Loader { root, project, own, sink, done: BTreeMap::new(), rejects: vec![] };
    let mut tables = Tables::default();
    for contract in CONTRACTS.iter().filter(|contract| needed.contains(&contract.name)) {
        if let Some(table) = loader.canonical(contract) {
            tables.tables.insert(contract.name, table);
        }
    }
    let mut inputs: BTreeSet<InputFile> = BTreeSet::new();
    for table in loader.done.into_values().flatten() {
        inputs.extend(table.files);
    }
    tables.inputs = inputs.into_iter().collect();
    tables.rejects = loader.rejects;
    tables.rejects.sort();
    warn_references(&tables, sink);
    tables
}

struct Loader<'a> {
    root: &'a Path,
    project: &'a Project,
    own: Option<&'a str>,
    sink: &'a mut Sink,
    /// Tables by source; `None` when a source could not be read or is being read.
    done: BTreeMap<String, Option<Table>>,
    rejects: Vec<Reject>,
}

impl Loader<'_> {
    fn canonical(&mut self, contract: &'static Contract) -> Option<Table> {
        let specs: Vec<&SourceSpec> = self
            .project
            .sources
            .iter()
            .filter(|spec| spec.table.is_some_and(|table| table.name == contract.name))
            .collect();
        let mut table: Option<Table> = None;
        for spec in specs {
            let one = self.source(spec)?;
            match &mut table {
                None => table = Some(one),
                Some(table) => {
                    let one = filled(one, table);
                    *table = filled(std::mem::take(table), &one);
                    read::append(table, one, &spec.place, self.sink)?;
                }
            }
        }
        let mut table = table?;
        sort_by_key(contract, &mut table);
        self.check_contract(contract, &mut table);
        Some(table)
    }

    fn source(&mut self, spec: &SourceSpec) -> Option<Table> {
        if let Some(done) = self.done.get(&spec.name) {
            return done.clone();
        }
        self.done.insert(spec.name.clone(), None);
        let table = self.read_source(spec);
        self.done.insert(spec.name.clone(), table.clone());
        table
    }

    fn read_source(&mut self, spec: &SourceSpec) -> Option<Table> {
        let own = |pattern: &str| self.own.is_some_and(|own| pattern.starts_with(own));
        let absent = |pattern: &str| own(pattern) || read::find(self.root, pattern).is_empty();
        if spec.optional && spec.files.iter().all(|(pattern, _)| absent(pattern)) {
            return Some(empty(spec));
        }
        let mut table = read::extract(self.root, spec, self.sink, &mut self.rejects)?;
        for join in &spec.joins {
            let lookup = self.project.sources.iter().find(|source| source.name == join.source)?;
            let lookup = self.source(lookup)?;
            table = self.join(table, join, lookup)?;
        }
        if let Some((text, place)) = &spec.condition {
            let checked = check_typed(text, place, &columns_of(&table), Type::Boolean, self.sink)?;
            let condition = lower(&checked, &table, place).map_err(|fault| self.sink.push(fault)).ok()?;
            table.frame = self.collect(table.frame.lazy().filter(condition.expression), place)?;
        }
        if spec.columns.is_empty() { Some(table) } else { self.map_columns(spec, table) }
    }

    fn collect(&mut self, frame: LazyFrame, place: &TextPlace) -> Option<DataFrame> {
        frame
            .collect()
            .map_err(|error| {
                let fault =
                    Diagnostic::error(Code::SPM102, format!("the data cannot be calculated: {error}"));
                self.sink.push(fault.at(Place::Text(place.clone()), ""));
            })
            .ok()
    }

    /// Adds the columns of one row of the lookup, named `lookup.column`.
    fn join(&mut self, table: Table, join: &JoinSpec, lookup: Table) -> Option<Table> {
        let mut left_keys = Vec::new();
        let mut right_keys = Vec::new();
        for (index, (here, there)) in join.on.iter().enumerate() {
            let name = format!("_key_{index}");
            left_keys.push(self.key(&table, here, &join.place)?.alias(&name));
            right_keys.push(self.key(&lookup, there, &join.place)?.alias(&name));
        }
        let names: Vec<Expr> = (0..left_keys.len()).map(|index| col(format!("_key_{index}"))).collect();
        let mut selected: Vec<Expr> = right_keys;
        selected.extend(
            lookup
                .columns
                .iter()
                .map(|column| col(column.name.as_str()).alias(format!("{}.{}", join.source, column.name))),
        );
        let right = lookup.frame.clone().lazy().select(selected);
        let present = names
            .iter()
            .cloned()
            .reduce(|all, name| all.is_not_null().and(name.is_not_null()))
            .map(|all| if names.len() == 1 { all.is_not_null() } else { all });
        let right = self.collect(right.filter(present.unwrap_or_else(|| lit(true))), &join.place)?;
        let distinct = right.clone().lazy().select(names.clone()).unique(None, UniqueKeepStrategy::Any);
        let distinct = self.collect(distinct, &join.place)?.height();
        if distinct != right.height() {
            let message = format!(
                "`{}` has several rows for one key ({} rows, {distinct} keys)",
                join.source,
                right.height()
            );
            let fault = Diagnostic::error(Code::SPM113, message).at(Place::Text(join.place.clone()), "");
            self.sink
                .push(fault.hint("keep one row per key with `where` in the lookup, or join on more columns"));
            return None;
        }
        let arguments = JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Left) };
        let joined = table.frame.lazy().with_columns(left_keys).join(
            right.lazy(),
            names.clone(),
            names.clone(),
            arguments,
        );
        let dropped: Vec<PlSmallStr> = (0..names.len()).map(|index| format!("_key_{index}").into()).collect();
        let frame = self.collect(joined.drop(by_name(dropped, true, false)), &join.place)?;
        let mut columns = table.columns;
        columns.extend(lookup.columns.iter().map(|column| TableColumn {
            name: format!("{}.{}", join.source, column.name),
            ..column.clone()
        }));
        Some(Table { frame, columns, files: table.files })
    }

    /// A join key as text: an identifier may be an integer in one file and text in another.
    fn key(&mut self, table: &Table, name: &str, place: &TextPlace) -> Option<Expr> {
        let column = self.find(table, name, place)?;
        let value = col(column.name.as_str());
        match (column.kind, column.decimals) {
            (Type::Text, _) => Some(value),
            (Type::Number, 0) | (Type::Date, _) => Some(value.cast(DataType::String)),
            _ => {
                let message = format!("`{name}` is a {}, which cannot be a key", column.kind.name());
                self.sink.push(Diagnostic::error(Code::SPM203, message).at(Place::Text(place.clone()), ""));
                None
            }
        }
    }

    fn find<'t>(&mut self, table: &'t Table, name: &str, place: &TextPlace) -> Option<&'t TableColumn> {
        if let Some(column) = table.column(name) {
            return Some(column);
        }
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let fault = Diagnostic::error(Code::SPM103, format!("the extract has no column `{name}`"))
            .at(Place::Text(place.clone()), "");
        self.sink.push(fault.hint(match suggestion(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("its columns are: {}", names.join(", ")),
        }));
        None
    }

    fn map_columns(&mut self, spec: &SourceSpec, table: Table) -> Option<Table> {
        let mut data: Vec<Column> = Vec::new();
        let mut columns = Vec::new();
        let mut bad: BTreeSet<usize> = BTreeSet::new();
        for column in &spec.columns {
            if let Some((meta, values)) = self.map_column(spec, column, &table, &mut bad) {
                columns.push(meta);
                data.push(values);
            }
        }
        if data.len() < spec.columns.len() {
            return None;
        }
        for name in [FILE, ROW] {
            data.push(table.frame.column(name).ok()?.clone());
        }
        let frame = DataFrame::new(table.frame.height(), data).ok()?;
        let frame = without(frame, &bad)?;
        Some(Table { frame, columns, files: table.files })
    }

    fn map_column(
        &mut self,
        spec: &SourceSpec,
        column: &ColumnSpec,
        table: &Table,
        bad: &mut BTreeSet<usize>,
    ) -> Option<(TableColumn, Column)> {
        let (values, kind, decimals, shown) = match &column.from {
            ColumnFrom::Extract(name) => {
                let found = self.find(table, name, &column.place)?;
                (
                    table.frame.column(&found.name).ok()?.clone(),
                    found.kind,
                    found.decimals,
                    found.name.clone(),
                )
            }
            ColumnFrom::Expression(text) => {
                let checked = check_expression(text, &column.place, &columns_of(table), self.sink)?;
                let kind = checked.kind.unwrap_or(column.kind.unwrap_or(Type::Text));
                let lowered =
                    lower(&checked, table, &column.place).map_err(|fault| self.sink.push(fault)).ok()?;
                let frame = table.frame.clone().lazy().select([lowered.expression.alias("_value")]);
                let mut values = self.collect(frame, &column.place)?.column("_value").ok()?.clone();
                if values.len() != table.frame.height() {
                    values = values.new_from_index(0, table.frame.height());
                }
                (values, kind, lowered.decimals, column.name.clone())
            }
        };
        let target = column.kind.unwrap_or(kind);
        let values =
            if values.dtype() == &DataType::Null { values.cast(&physical(kind)).ok()? } else { values };
        match cast(&values, kind, decimals, target, &column.cells) {
            Ok(mut result) => {
                for (index, text, reason) in &result.faults {
                    self.reject(
                        spec,
                        table,
                        *index,
                        &shown,
                        (Code::SPM105, format!("{text:?} is {reason}")),
                        text,
                    );
                    bad.insert(*index);
                }
                result.column.rename(column.name.as_str().into());
                Some((
                    TableColumn { name: column.name.clone(), kind: target, decimals: result.decimals },
                    result.column,
                ))
            }
            Err(reason) => {
                let fault = Diagnostic::error(Code::SPM105, format!("column `{}`: {reason}", column.name));
                self.sink.push(fault.at(Place::Text(column.place.clone()), ""));
                None
            }
        }
    }

    /// Reports a cell and writes its row aside. `why` is the code and the reason.
    fn reject(
        &mut self,
        spec: &SourceSpec,
        table: &Table,
        index: usize,
        column: &str,
        why: (Code, String),
        value: &str,
    ) {
        let (path, row) = origin(table, index);
        let (code, reason) = why;
        let place = Place::row(&path, Some(row), Some(column));
        self.sink.push(Diagnostic::error(code, reason.clone()).at(place, ""));
        self.rejects.push(Reject {
            source: spec.name.clone(),
            path,
            row,
            column: column.to_owned(),
            code: code.name().to_owned(),
            reason,
            value: value.to_owned(),
        });
    }

    fn check_contract(&mut self, contract: &'static Contract, table: &mut Table) {
        let Some(spec) = self
            .project
            .sources
            .iter()
            .find(|spec| spec.table.is_some_and(|found| found.name == contract.name))
        else {
            return;
        };
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
                    self.reject(spec, table, index, column.name, (Code::SPM107, reason), "");
                    bad.insert(index);
                }
            }
            if let Some((low, high)) = range_of(column.name) {
                for (index, value) in outside(&values, low, high) {
                    let reason = format!("{value} is not between {low} and {high}");
                    self.reject(spec, table, index, column.name, (Code::SPM110, reason), &value.to_string());
                    bad.insert(index);
                }
            }
        }
        for index in repeated(contract, table) {
            let key: Vec<String> = contract
                .key
                .iter()
                .filter_map(|name| Some(cell_text(table.frame.column(name).ok()?, index)))
                .collect();
            let reason = format!(
                "a row with {} = {} came before",
                contract.key[..key.len()].join(", "),
                key.join(", ")
            );
            self.reject(spec, table, index, contract.key[0], (Code::SPM108, reason), &key.join(", "));
            bad.insert(index);
        }
        if let Some(frame) = without(std::mem::take(&mut table.frame), &bad) {
            table.frame = frame;
        }
    }
}

/// The columns of a table as an expression sees them.
#[must_use]
pub fn columns_of(table: &Table) -> Columns {
    Columns(table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect())
}

/// The physical type of a column.
#[must_use]
pub fn physical(kind: Type) -> DataType {
    match kind {
        Type::Text => DataType::String,
        Type::Number => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Date => DataType::Date,
        Type::Boolean => DataType::Boolean,
    }
}

/// The file and record of a row.
#[must_use]
pub fn origin(table: &Table, index: usize) -> (String, u64) {
    let number = |name: &str| {
        let column = table.frame.column(name).ok()?;
        column.u32().ok()?.get(index)
    };
    let file = number(FILE).and_then(|file| table.files.get(usize::try_from(file).ok()?));
    (file.map_or_else(String::new, |file| file.path.clone()), number(ROW).map_or(0, u64::from))
}

fn cell_text(column: &Column, index: usize) -> String {
    column.get(index).map_or_else(|_| String::new(), |value| value.str_value().into_owned())
}

fn indices(mask: &BooleanChunked) -> Vec<usize> {
    mask.iter().enumerate().filter(|(_, value)| *value == Some(true)).map(|(index, _)| index).collect()
}

fn without(frame: DataFrame, bad: &BTreeSet<usize>) -> Option<DataFrame> {
    if bad.is_empty() {
        return Some(frame);
    }
    let keep: BooleanChunked =
        (0..frame.height()).map(|index| Some(!bad.contains(&index))).collect_ca("keep".into());
    frame.filter(&keep).ok()
}

/// The table of an optional source without files: its columns, no rows.
fn empty(spec: &SourceSpec) -> Table {
    let kind = |column: &ColumnSpec| column.kind.unwrap_or(Type::Text);
    let columns: Vec<TableColumn> = spec
        .columns
        .iter()
        .map(|column| TableColumn { name: column.name.clone(), kind: kind(column), decimals: 0 })
        .collect();
    let mut data: Vec<Column> = columns
        .iter()
        .map(|column| Column::new_empty(column.name.as_str().into(), &physical(column.kind)))
        .collect();
    data.extend([FILE, ROW].map(|name| Column::new_empty(name.into(), &DataType::UInt32)));
    Table { frame: DataFrame::new(0, data).unwrap_or_default(), columns, files: vec![] }
}

/// The table with the columns of another that it lacks, empty.
fn filled(mut table: Table, like: &Table) -> Table {
    for column in &like.columns {
        if table.column(&column.name).is_none() {
            let empty =
                Column::full_null(column.name.as_str().into(), table.frame.height(), &physical(column.kind));
            if table.frame.with_column(empty).is_ok() {
                table.columns.push(TableColumn { decimals: 0, ..column.clone() });
            }
        }
    }
    table
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

/// Rows whose key an earlier row of the extract has. The table is in the order of its key.
fn repeated(contract: &Contract, table: &Table) -> Vec<usize> {
    if is_strictly_ascending(table, contract.key[0]) {
        return vec![];
    }
    let keys = keys_of(contract, table);
    let physical = keys.iter().filter_map(|name| table.frame.column(name).ok()?.cast(&DataType::String).ok());
    let columns: Vec<Column> = physical.collect();
    let texts: Vec<&StringChunked> = columns.iter().filter_map(|column| column.str().ok()).collect();
    let same = |row: &usize| texts.iter().all(|column| column.get(*row - 1) == column.get(*row));
    (1..table.frame.height()).filter(|row| !texts.is_empty() && same(row)).collect()
}

/// The columns of the key that the table has.
fn keys_of(contract: &Contract, table: &Table) -> Vec<PlSmallStr> {
    contract.key.iter().filter(|name| table.column(name).is_some()).map(|name| (*name).into()).collect()
}

/// Puts rows in the order of their key, so that no result depends on the order of an export; rows of the same key keep
/// the order of the extract.
fn sort_by_key(contract: &Contract, table: &mut Table) {
    let keys = keys_of(contract, table);
    let sorted = || {
        let texts: Vec<&StringChunked> = keys.iter().filter_map(|name| table.texts(name)).collect();
        texts.len() == keys.len() && is_sorted(&texts)
    };
    if keys.is_empty() || is_strictly_ascending(table, &keys[0]) || sorted() {
        return;
    }
    if let Ok(frame) = table.frame.sort(keys, SortMultipleOptions::default().with_maintain_order(true)) {
        table.frame = frame;
    }
}

/// True when the rows are in the order of these columns, from the first to the last.
fn is_sorted(columns: &[&StringChunked]) -> bool {
    let part = |from: usize, length: usize| -> Vec<StringChunked> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        columns.iter().map(|column| column.slice(from, length)).collect()
    };
    tasks(columns.first().map_or(0, |column| column.len())).all(|(from, length)| {
        // One row of the part before, so that the border is compared too.
        let before = usize::from(from > 0);
        let columns = part(from - before, length + before);
        let mut walks: Vec<_> = columns.iter().map(|column| column.iter()).collect();
        let mut last: Vec<Option<&str>> = Vec::new();
        (0..length + before).all(|_| {
            let row: Vec<Option<&str>> = walks.iter_mut().filter_map(Iterator::next).collect();
            let ascending = last <= row;
            last = row;
            ascending
        })
    })
}

/// True when every value is present and above the one before: then no two are equal, at the price of one scan.
fn is_strictly_ascending(table: &Table, name: &str) -> bool {
    table.texts(name).is_some_and(|values| is_ascending(values, true))
}

/// Reports values that their table does not have: the row stays, because it can be used for what does not need them.
fn warn_references(tables: &Tables, sink: &mut Sink) {
    for contract in CONTRACTS {
        let Some(table) = tables.get(contract.name) else { continue };
        for column in contract.columns {
            let (Some(target), Some(_)) = (column.refers, table.column(column.name)) else { continue };
            let Some(known) = tables.get(target) else { continue };
            let key = CONTRACTS
                .iter()
                .find(|contract| contract.name == target)
                .map_or("", |contract| contract.key[0]);
            let (Some(values), Some(known)) = (table.texts(column.name), known.texts(key)) else {
                continue;
            };
            let missing = missing(values, known);
            let Some(example) = missing.first() else { continue };
            let message = format!(
                "{} value(s) of {}.{} are not in {target}, such as `{example}`",
                missing.len(),
                contract.name,
                column.name
            );
            let path = table.files.first().map_or("", |file| file.path.as_str());
            let fault =
                Diagnostic::warning(Code::SPM109, message).at(Place::row(path, None, Some(column.name)), "");
            sink.push(fault.hint(format!("complete {target}, or correct the extract; the rows stay in use")));
        }
    }
}
