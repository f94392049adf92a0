//! The order of a table by its key, and keys that come twice.

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::plan::contract::Contract;

use crate::fingerprint::row_hashes;
use crate::merge::{is_ascending, tasks};
use crate::table::Table;
use crate::versions::RECORDED_AT;

/// The cells of a key.
type Key = Vec<Option<String>>;

/// What parts know of the order of their keys, so that a table can be checked without being held whole.
#[derive(Default)]
pub(crate) struct Order {
    /// The first and the last key, when every key is above the one before; `None` for a part without rows or order.
    ends: Option<(Key, Key)>,
    rows: usize,
    /// A hash for each key, when asked for: different hashes are different keys.
    pub(crate) hashes: Option<Vec<u64>>,
}

impl Order {
    pub(crate) fn of(contract: &Contract, table: &Table) -> Self {
        let keys = keys_of(contract, table);
        let texts: Vec<&StringChunked> = keys.iter().filter_map(|name| table.texts(name)).collect();
        let rows = table.frame.height();
        let ascending = texts.len() == keys.len() && ascends(&texts, true);
        let key = |row: usize| texts.iter().map(|text| text.get(row).map(str::to_owned)).collect();
        let ends = (ascending && rows > 0).then(|| (key(0), key(rows - 1)));
        Self { ends, rows, hashes: None }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// True when every key of the part is above the one before.
    pub(crate) fn is_ascending(&self) -> bool {
        self.rows == 0 || self.ends.is_some()
    }
}

/// Whether keys come twice in a table of many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// No key does.
    Never,
    /// The hashes of all parts are needed to know.
    Unknown,
    /// Two hashes are equal: the keys themselves must be compared.
    Perhaps,
}

/// Looks for keys that come twice. Parts in order need no more than a look at their ends.
pub(crate) fn twice(parts: &[&Order]) -> Twice {
    let mut ends = parts.iter().filter(|part| part.rows > 0).map(|part| part.ends.as_ref());
    let mut last = None;
    let in_order = ends.all(|ends| {
        let Some((first, end)) = ends else { return false };
        let above = last.is_none_or(|last| last < first);
        last = Some(end);
        above
    });
    if in_order {
        return Twice::Never;
    }
    let mut all: Vec<u64> = Vec::with_capacity(parts.iter().map(|part| part.rows).sum());
    for part in parts {
        match &part.hashes {
            Some(hashes) => all.extend(hashes),
            None if part.rows == 0 => {}
            None => return Twice::Unknown,
        }
    }
    all.par_sort_unstable();
    if all.windows(2).any(|pair| pair[0] == pair[1]) { Twice::Perhaps } else { Twice::Never }
}

/// A hash for the key of each row.
pub(crate) fn key_hashes(keys: &[PlSmallStr], table: &Table) -> Vec<u64> {
    let columns: Vec<_> = table
        .columns
        .iter()
        .filter(|meta| keys.iter().any(|key| key.as_str() == meta.name))
        .filter_map(|meta| Some((meta, table.frame.column(&meta.name).ok()?)))
        .collect();
    row_hashes(&columns, 0, table.frame.height()).into_iter().map(|hash| hash[0] ^ hash[1]).collect()
}

/// Rows whose key an earlier row has.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Vec<usize>);

impl Repeats {
    /// Of a table in the order of its key.
    pub(crate) fn of(contract: &Contract, table: &Table) -> Self {
        if is_strictly_ascending(table, contract.key[0]) {
            return Self::default();
        }
        let keys = keys_of(contract, table);
        let physical =
            keys.iter().filter_map(|name| table.frame.column(name).ok()?.cast(&DataType::String).ok());
        let columns: Vec<Column> = physical.collect();
        let texts: Vec<&StringChunked> = columns.iter().filter_map(|column| column.str().ok()).collect();
        let same = |row: &usize| texts.iter().all(|column| column.get(*row - 1) == column.get(*row));
        Self((1..table.frame.height()).filter(|row| !texts.is_empty() && same(row)).collect())
    }

    pub(crate) fn rows(&self) -> &[usize] {
        &self.0
    }
}

/// The columns of the key that the table has.
pub(crate) fn keys_of(contract: &Contract, table: &Table) -> Vec<PlSmallStr> {
    contract.key.iter().filter(|name| table.column(name).is_some()).map(|name| (*name).into()).collect()
}

/// Puts rows in the order of their key, so that no result depends on the order of an export; rows of the same key keep
/// the order in which they became known, and that of the extract.
pub(crate) fn sort_by_key(contract: &Contract, table: &mut Table) {
    let mut keys = keys_of(contract, table);
    let versions = table.moments(RECORDED_AT).is_some();
    let sorted = || {
        let texts: Vec<&StringChunked> = keys.iter().filter_map(|name| table.texts(name)).collect();
        texts.len() == keys.len() && ascends(&texts, versions)
    };
    if keys.is_empty() || is_strictly_ascending(table, &keys[0]) || sorted() {
        return;
    }
    if versions {
        keys.push(RECORDED_AT.into());
    }
    if let Ok(frame) = table.frame.sort(keys, SortMultipleOptions::default().with_maintain_order(true)) {
        table.frame = frame;
    }
}

/// True when the rows are in the order of these columns, from the first to the last: each above the one before when
/// `strictly`, else not below it.
fn ascends(columns: &[&StringChunked], strictly: bool) -> bool {
    if let [only] = columns {
        return is_ascending(only, strictly);
    }
    let part = |from: usize, length: usize| -> Vec<StringChunked> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        columns.iter().map(|column| column.slice(from, length)).collect()
    };
    tasks(columns.first().map_or(0, |column| column.len())).all(|(from, length)| {
        // One row of the part before, so that the border is compared too.
        let before = usize::from(from > 0);
        let columns = part(from - before, length + before);
        let mut walks: Vec<_> = columns.iter().map(|column| column.iter()).collect();
        let mut last: Option<Vec<Option<&str>>> = None;
        (0..length + before).all(|_| {
            let row: Vec<Option<&str>> = walks.iter_mut().filter_map(Iterator::next).collect();
            let ascending =
                last.as_ref().is_none_or(|last| if strictly { *last < row } else { *last <= row });
            last = Some(row);
            ascending
        })
    })
}

/// True when every value is present and above the one before: then no two are equal, at the price of one scan.
fn is_strictly_ascending(table: &Table, name: &str) -> bool {
    table.texts(name).is_some_and(|values| is_ascending(values, true))
}
