//! Sources to canonical tables: join lookups, keep rows, map and cast columns, check against the contract.
//!
//! A row with a fault is taken out and written aside with its reason; nothing is dropped in silence.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::moment::Moment;
use spm_core::ground::period::{DateRange, from_epoch_day};
use spm_core::ground::source::Place;
use spm_core::plan::contract::{CONTRACTS, Contract, Type};
use spm_core::plan::project::{ColumnFrom, ColumnSpec, Project, SourceSpec};

use crate::dated;
use crate::fingerprint::Fingerprint;
use crate::intake::{
    Intake, Lookup, Narrowed, Narrowing, Outside, Part, Totals, check_contract, physical, totals, unreadable,
    within, without,
};
use crate::merge::Known;
use crate::order::{Repeats, Twice, sort_by_key, twice};
use crate::read::{self, Folders};
use crate::refunds::sought;
use crate::splits::{check_splits, of_transactions};
use crate::table::{Column as TableColumn, FILE, InputFile, ROW, Reject, Table};
use crate::versions::{RECORDED_AT, known_by, replaced};

/// The canonical tables of a project, checked.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// By name. A table that no source fills is absent.
    pub tables: BTreeMap<&'static str, Table>,
    /// Rows that cannot be used.
    pub rejects: Vec<Reject>,
    /// Every file read, sorted by path.
    pub inputs: Vec<InputFile>,
    /// Of tables that are not held whole: how many rows are good, and their fingerprint.
    narrowed: BTreeMap<&'static str, (usize, Fingerprint)>,
    /// What the transactions that releases name come to, when transactions are not held whole.
    totals: Option<Totals>,
    /// By source: rows of its extract, and how many of them its `where` keeps.
    read: BTreeMap<String, (usize, usize)>,
    /// Transactions before those that are held, which refunds among these take back.
    sold_before: Option<Table>,
}

impl Tables {
    /// With the tables of others that it lacks.
    #[must_use]
    pub fn beside(mut self, others: &Self) -> Self {
        for (name, table) in &others.tables {
            self.tables.entry(*name).or_insert_with(|| table.clone());
        }
        self
    }

    /// What the transactions that releases name come to, over all rows of the extracts.
    pub(crate) fn totals(&self) -> Totals {
        self.totals.clone().unwrap_or_else(|| {
            let table = self.get("transactions");
            table.map(|table| totals(table, &named_by_releases(self))).unwrap_or_default()
        })
    }

    /// Transactions before those that are held, which refunds among these take back.
    pub(crate) fn sold_before(&self) -> Option<&Table> {
        self.sold_before.as_ref()
    }

    /// The table of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// How many good rows the extracts have for a table, held or not.
    #[must_use]
    pub fn rows(&self, name: &str) -> usize {
        let whole = || self.get(name).map_or(0, |table| table.frame.height());
        self.narrowed.get(name).map_or_else(whole, |(rows, _)| *rows)
    }

    /// How many rows cannot be used: a row with several faults is one.
    #[must_use]
    pub fn rejected(&self) -> usize {
        let rows = self.rejects.iter().map(|reject| (&reject.source, &reject.path, reject.row));
        rows.collect::<BTreeSet<_>>().len()
    }

    /// How many rows the extracts of a table have, where `where` keeps only some.
    #[must_use]
    pub fn rows_before_where(&self, project: &Project, name: &str) -> Option<usize> {
        let own = project.sources.iter().filter(|spec| spec.table.is_some_and(|table| table.name == name));
        let counts = own.filter_map(|spec| self.read.get(&spec.name));
        let (all, kept) = counts.fold((0, 0), |(all, kept), (more, own)| (all + more, kept + own));
        (kept < all).then_some(all)
    }

    /// The fingerprint of every table, by name: of all good rows of the extracts, held or not.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<(&'static str, Fingerprint)> {
        let whole = |name: &str| self.narrowed.get(name).map(|(_, fingerprint)| *fingerprint);
        let tables = self.tables.iter();
        tables.map(|(name, table)| (*name, whole(name).unwrap_or_else(|| Fingerprint::of(table)))).collect()
    }
}

/// What a command needs of the extracts.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// Canonical tables.
    pub tables: &'a [&'a str],
    /// The folder of the command's own results, such as `out/territories`. A command never reads its own results, so
    /// that it gives the same answer when it is run again: optional sources whose files lie there count as absent.
    pub own: Option<&'a str>,
    /// Transactions of other days, and their splits, are checked and left out: a run over a quarter does not hold ten
    /// years in memory.
    pub days: Option<DateRange>,
    /// What became known later is not there.
    pub as_of: Option<Moment>,
}

/// Reads and checks the tables that are needed and everything they look up. Faults go to the sink.
pub fn load(folders: Folders<'_>, project: &Project, need: &Need<'_>, sink: &mut Sink) -> Tables {
    let mut loader = Loader::new(folders, project, need, sink);
    let mut contracts: Vec<_> =
        CONTRACTS.iter().filter(|contract| need.tables.contains(&contract.name)).collect();
    // Releases say which transactions have to be added up before some of their rows are left out.
    contracts.sort_by_key(|contract| contract.name != "releases");
    for contract in contracts {
        if let Some(table) = loader.canonical(contract) {
            loader.tables.tables.insert(contract.name, table);
        }
    }
    let Loader { mut tables, mut rejects, mut inputs, missing, outside, done, .. } = loader;
    for table in done.into_values().flatten() {
        inputs.extend(table.files);
    }
    rejects.sort();
    tables.inputs = inputs.into_iter().collect();
    tables.rejects = rejects;
    warn_references(&tables, missing, sink);
    dated::check(&tables, sink);
    warn_outside(&outside, &project.calendar.range(), sink);
    warn_nothing(&tables, project, sink);
    if need.as_of.is_some() && !tables.tables.values().any(|table| table.column(RECORDED_AT).is_some()) {
        let message = "no table has `recorded_at`: nothing of the extracts was left out, all of it counts as known then";
        let fault = Diagnostic::warning(Code::SPM404, message).at(Place::File("spm.toml".to_owned()), "");
        sink.push(
            fault.hint(
                "map `recorded_at`, the moment at which a row became known, in the sources that have it",
            ),
        );
    }
    if let Some(splits) = tables.get("splits") {
        check_splits(splits, sink);
        if need.days.is_some()
            && let Some(transactions) = tables.get("transactions")
        {
            let all = (splits.frame.height(), Fingerprint::of(splits));
            let kept = of_transactions(splits.clone(), transactions);
            tables.narrowed.insert("splits", all);
            tables.tables.insert("splits", kept);
        }
    }
    tables
}

/// Looks in the extracts for what refunds among the transactions take back and other days have: the extract is read once
/// more, and only where there is such a refund. Its faults were told when it was read first.
pub fn find_sold_before(tables: &mut Tables, folders: Folders<'_>, project: &Project, need: &Need<'_>) {
    const TRANSACTIONS: &str = "transactions";
    let held = tables.get(TRANSACTIONS).map_or(0, |table| table.frame.height());
    let Some(days) = need.days.filter(|_| held < tables.rows(TRANSACTIONS)) else { return };
    let sought = sought(tables);
    let contract = CONTRACTS.iter().find(|contract| contract.name == TRANSACTIONS);
    if let (false, Some(contract)) = (sought.is_empty(), contract) {
        let none = DateRange { from: days.from, to: days.from };
        let need = Need { tables: &[TRANSACTIONS], days: Some(none), ..*need };
        let mut sink = Sink::default();
        let mut loader = Loader { sought, ..Loader::new(folders, project, &need, &mut sink) };
        tables.sold_before = loader.canonical(contract);
    }
}

/// True when an optional source has no files yet, other than those under `own`: an earlier result that is still to come.
#[must_use]
pub fn is_waiting(folders: Folders<'_>, project: &Project, own: &str) -> bool {
    let absent = |pattern: &str| !pattern.starts_with(own) && folders.find(pattern).is_empty();
    let mut optional = project.sources.iter().filter(|source| source.optional);
    optional.any(|source| source.files.iter().all(|(pattern, _)| absent(pattern)))
}

/// The files that a column of a table is to come from, by a lookup, when they are not there yet: an earlier result that is
/// still to come. An SQL expression in `spm.toml` may say what counts instead, and is not looked into.
#[must_use]
pub fn awaited<'p>(folders: Folders<'_>, project: &'p Project, table: &str, column: &str) -> Option<&'p str> {
    let fills = |source: &&SourceSpec| source.table.is_some_and(|contract| contract.name == table);
    let columns = project.sources.iter().filter(fills).flat_map(|source| &source.columns);
    let from = columns.filter(|own| own.name == column).find_map(|own| match &own.from {
        ColumnFrom::Extract(from) => from.split_once('.').map(|(source, _)| source),
        ColumnFrom::Expression(_) => None,
    })?;
    let source = project.sources.iter().find(|source| source.optional && source.name == from)?;
    let absent = source.files.iter().all(|(pattern, _)| folders.find(pattern).is_empty());
    source.files.first().filter(|_| absent).map(|(pattern, _)| pattern.as_str())
}

/// Transactions of which releases release a part.
fn named_by_releases(tables: &Tables) -> PlHashSet<&str> {
    let releases = tables.get("releases").filter(|releases| releases.numbers("amount").is_some());
    let ids = releases.and_then(|releases| releases.texts("transaction_id"));
    ids.into_iter().flat_map(|ids| ids.iter().flatten()).collect()
}

struct Loader<'a> {
    folders: Folders<'a>,
    project: &'a Project,
    need: &'a Need<'a>,
    sink: &'a mut Sink,
    /// Tables by source; `None` when a source could not be read or is being read.
    done: BTreeMap<String, Option<Table>>,
    rejects: Vec<Reject>,
    /// Files of tables that are not held whole.
    inputs: BTreeSet<InputFile>,
    tables: Tables,
    /// By table and column of tables that are not held whole: values that the table they refer to does not have.
    missing: BTreeMap<(&'static str, &'static str), BTreeSet<String>>,
    /// Events in no period of the calendar, of tables that are not held whole.
    outside: Outside,
    /// Transactions that are kept whatever their day is.
    sought: PlHashSet<String>,
}

/// What came of reading a table without holding it.
enum Narrow {
    Done(Table),
    /// Keys may come twice: the table must be seen whole.
    Whole,
    /// A fault, reported.
    Fault,
}

impl<'a> Loader<'a> {
    fn new(folders: Folders<'a>, project: &'a Project, need: &'a Need<'a>, sink: &'a mut Sink) -> Self {
        Self {
            folders,
            project,
            need,
            sink,
            done: BTreeMap::new(),
            rejects: vec![],
            inputs: BTreeSet::new(),
            tables: Tables::default(),
            missing: BTreeMap::new(),
            outside: Outside::default(),
            sought: PlHashSet::new(),
        }
    }

    fn canonical(&mut self, contract: &'static Contract) -> Option<Table> {
        let specs: Vec<&SourceSpec> = self
            .project
            .sources
            .iter()
            .filter(|spec| spec.table.is_some_and(|table| table.name == contract.name))
            .collect();
        let is_lookup = |spec: &&SourceSpec| {
            self.project.sources.iter().any(|other| other.joins.iter().any(|join| join.source == spec.name))
        };
        let days = self.need.days.filter(|_| contract.name == "transactions" && !specs.iter().any(is_lookup));
        if let Some(days) = days {
            match self.narrowed(contract, &specs, days) {
                Narrow::Done(table) => return Some(table),
                Narrow::Fault => return None,
                Narrow::Whole => {}
            }
        }
        let mut parts = Vec::new();
        for spec in &specs {
            parts.push(self.source(spec)?);
        }
        let spec = *specs.first()?;
        let mut table = self.merged(parts, spec)?;
        let known = known_by(&mut table, self.need.as_of);
        known.map_err(|error| self.sink.push(unreadable(&error, &spec.place))).ok()?;
        sort_by_key(contract, &mut table);
        let mut repeats = Repeats::of(contract, &table);
        let replaced = replaced(&table, &repeats);
        if !replaced.is_empty() {
            table.frame = without(std::mem::take(&mut table.frame), &replaced)?;
            repeats = Repeats::of(contract, &table);
        }
        let mut part = Part::default();
        check_contract(contract, spec, &mut table, &repeats, &mut part);
        self.take(part);
        let Some(days) = days else { return Some(table) };
        self.outside.add(Outside::of(&table, &self.project.calendar.range()));
        let rows = (table.frame.height(), Fingerprint::of(&table));
        self.tables.narrowed.insert(contract.name, rows);
        let totals = totals(&table, &named_by_releases(&self.tables));
        self.tables.totals = Some(totals);
        let known = Self::known(&self.tables, contract);
        let missing =
            known.iter().filter_map(|(name, known)| Some((*name, known.missing(table.texts(name)?))));
        let missing: Vec<_> = missing.collect();
        drop(known);
        self.missing.extend(missing.into_iter().map(|(name, missing)| ((contract.name, name), missing)));
        Some(within(table, &days, &self.sought))
    }

    /// The tables of several sources below each other; a column that one of them lacks is empty there.
    fn merged(&mut self, tables: Vec<Table>, spec: &SourceSpec) -> Option<Table> {
        let mut all: Option<Table> = None;
        for one in tables {
            match &mut all {
                None => all = Some(one),
                Some(all) => {
                    let one = filled(one, all);
                    *all = filled(std::mem::take(all), &one);
                    read::append(all, one, &spec.place, self.sink)?;
                }
            }
        }
        all
    }

    /// The identifiers of the tables that columns of a table refer to, which are read before it.
    fn known<'t>(tables: &'t Tables, contract: &'static Contract) -> Vec<(&'static str, Known<'t>)> {
        let known = |target: &str| {
            let key = CONTRACTS.iter().find(|contract| contract.name == target)?.key[0];
            Some(Known::new(tables.get(target)?.texts(key)?))
        };
        contract.columns.iter().filter_map(|column| Some((column.name, known(column.refers?)?))).collect()
    }

    /// Reads a table in parts and keeps some days of it; what there is to check is checked of all rows.
    fn narrowed(&mut self, contract: &'static Contract, specs: &[&SourceSpec], days: DateRange) -> Narrow {
        for hashing in [false, true] {
            let mut read: Vec<(&SourceSpec, Vec<InputFile>, Vec<Narrowed>)> = Vec::new();
            // Faults and rejects count only when this way leads to the end.
            let (mut sink, mut rejects) = (Sink::default(), Vec::new());
            for spec in specs {
                if self.is_absent(spec) {
                    let mut nothing = Narrowed::default();
                    nothing.part.table = Some(empty(spec));
                    read.push((spec, vec![], vec![nothing]));
                    continue;
                }
                let Some(lookups) = self.lookups(spec) else { return Narrow::Fault };
                let lookups: Vec<(&_, &Table)> = lookups.iter().map(|(join, table)| (*join, table)).collect();
                let mut made = Vec::new();
                for (join, table) in lookups {
                    let Some(lookup) = Lookup::new(join, table, self.sink) else { return Narrow::Fault };
                    made.push(lookup);
                }
                let known = Self::known(&self.tables, contract);
                let calendar = self.project.calendar.range();
                let named = &named_by_releases(&self.tables);
                let (as_of, sought) = (self.need.as_of, &self.sought);
                let narrowing = Narrowing { contract, days, calendar, known, as_of, hashing, named, sought };
                let intake = Intake { spec, lookups: &made, currency: &self.project.currency };
                let (mut inputs, mut parts) = (Vec::new(), Vec::new());
                for file in read::files_of(self.folders, spec, &mut sink) {
                    let visit = |table| intake.narrowed(table, &narrowing);
                    let Some((input, more)) = read::in_parts(&file, spec, &mut sink, &mut rejects, &visit)
                    else {
                        self.sink.append(sink);
                        return Narrow::Fault;
                    };
                    inputs.push(input);
                    parts.extend(more);
                }
                read.push((spec, inputs, parts));
            }
            let orders: Vec<_> =
                read.iter().flat_map(|(_, _, parts)| parts).map(|part| &part.order).collect();
            match twice(&orders) {
                Twice::Never => {
                    self.sink.append(sink);
                    self.rejects.extend(rejects);
                    return self.kept(contract, read).map_or(Narrow::Fault, Narrow::Done);
                }
                Twice::Unknown => {}
                Twice::Perhaps => return Narrow::Whole,
            }
        }
        Narrow::Whole
    }

    /// The table of what parts have kept.
    fn kept(
        &mut self,
        contract: &'static Contract,
        read: Vec<(&SourceSpec, Vec<InputFile>, Vec<Narrowed>)>,
    ) -> Option<Table> {
        let first = read.first()?.0;
        let (mut rows, mut fingerprint) = (0, Fingerprint::default());
        let (mut tables, mut totals) = (Vec::new(), Totals::new());
        for (spec, inputs, parts) in read {
            let mut own = Vec::new();
            for narrowed in parts {
                rows += narrowed.order.rows();
                fingerprint = fingerprint.plus(narrowed.fingerprint);
                for (column, missing) in narrowed.missing {
                    self.missing.entry((contract.name, column)).or_default().extend(missing);
                }
                self.outside.add(narrowed.outside);
                narrowed.totals.into_iter().for_each(|(id, sum)| *totals.entry(id).or_default() += &sum);
                own.push(narrowed.part);
            }
            self.inputs.extend(inputs.iter().cloned());
            tables.push(self.combined(spec, inputs, own)?);
        }
        self.tables.narrowed.insert(contract.name, (rows, fingerprint));
        self.tables.totals = Some(totals);
        let mut table = self.merged(tables, first)?;
        sort_by_key(contract, &mut table);
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

    /// True for an optional source without files.
    fn is_absent(&self, spec: &SourceSpec) -> bool {
        let own = |pattern: &str| self.need.own.is_some_and(|own| pattern.starts_with(own));
        let absent = |pattern: &str| own(pattern) || self.folders.find(pattern).is_empty();
        spec.optional && spec.files.iter().all(|(pattern, _)| absent(pattern))
    }

    fn lookups<'s>(
        &mut self,
        spec: &'s SourceSpec,
    ) -> Option<Vec<(&'s spm_core::plan::project::JoinSpec, Table)>> {
        let mut tables = Vec::new();
        for join in &spec.joins {
            let lookup = self.project.sources.iter().find(|source| source.name == join.source)?;
            tables.push((join, self.source(lookup)?));
        }
        Some(tables)
    }

    fn read_source(&mut self, spec: &SourceSpec) -> Option<Table> {
        if self.is_absent(spec) {
            return Some(empty(spec));
        }
        let tables = self.lookups(spec)?;
        let mut lookups = Vec::new();
        for (join, table) in &tables {
            lookups.push(Lookup::new(join, table, self.sink)?);
        }
        let intake = Intake { spec, lookups: &lookups, currency: &self.project.currency };
        let (mut inputs, mut parts) = (Vec::new(), Vec::new());
        for file in read::files_of(self.folders, spec, self.sink) {
            let visit = |table| intake.part(table);
            let (input, more) = read::in_parts(&file, spec, self.sink, &mut self.rejects, &visit)?;
            inputs.push(input);
            parts.extend(more);
        }
        self.combined(spec, inputs, parts)
    }

    /// Takes the faults of parts, and puts their rows below each other. What is wrong with a source itself is wrong in
    /// every part, and told once.
    fn combined(&mut self, spec: &SourceSpec, inputs: Vec<InputFile>, mut parts: Vec<Part>) -> Option<Table> {
        if let Some(broken) = parts.iter().position(|part| part.table.is_none()) {
            self.take(parts.swap_remove(broken));
            return None;
        }
        let count = |(all, kept), part: &Part| (all + part.rows.0, kept + part.rows.1);
        self.tables.read.insert(spec.name.clone(), parts.iter().fold((0, 0), count));
        let mut tables = Vec::new();
        for mut part in parts {
            tables.extend(part.table.take());
            self.take(part);
        }
        read::combined(tables, inputs, &spec.place, self.sink)
    }

    fn take(&mut self, part: Part) {
        self.sink.append(part.sink);
        self.rejects.extend(part.rejects);
    }
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

/// Reports sources that give no row: an extract without any, or a `where` that keeps none.
fn warn_nothing(tables: &Tables, project: &Project, sink: &mut Sink) {
    for spec in project.sources.iter().filter(|spec| !spec.optional) {
        let (message, hint, place) = match (tables.read.get(&spec.name), &spec.condition) {
            (Some((0, _)), _) => (
                format!("the extract of source `{}` has no rows", spec.name),
                "if it may have none, set optional = true",
                &spec.place,
            ),
            (Some((all, 0)), Some((_, place))) => (
                format!("`where` of source `{}` keeps none of {all} rows", spec.name),
                "compare it with the values of the extract: `spm data profile FILE` shows them",
                place,
            ),
            _ => continue,
        };
        let fault = Diagnostic::warning(Code::SPM404, message).at(Place::Text(place.clone()), "");
        sink.push(fault.hint(hint));
    }
}

/// Reports events that lie in no period of the calendar: no run looks at them.
fn warn_outside(outside: &Outside, calendar: &DateRange, sink: &mut Sink) {
    let Some((path, record, day)) = &outside.first else { return };
    let date = from_epoch_day(*day).map_or(String::new(), |date| date.to_string());
    let message = format!(
        "{} transaction(s) lie outside the calendar, which runs from {} to {}: the first is of {date}",
        outside.count, calendar.from, calendar.to
    );
    let fault = Diagnostic::warning(Code::SPM423, message).at(Place::row(path, Some(*record), None), "");
    sink.push(
        fault.hint("correct the date, lengthen the calendar, or leave them out with `where` of the source"),
    );
}

/// Reports values that their table does not have: the row stays, because it can be used for what does not need them.
/// `missing` is what is known of tables that are not held whole.
fn warn_references(
    tables: &Tables,
    mut missing: BTreeMap<(&'static str, &'static str), BTreeSet<String>>,
    sink: &mut Sink,
) {
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
            let seen = missing.remove(&(contract.name, column.name));
            let missing = seen.unwrap_or_else(|| Known::new(known).missing(values));
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
