//! A table of checked cells with where each row came from: what the frame floor hands on.

use std::io;
use std::sync::Arc;

use polars::prelude::*;
use spm_core::plan::contract::Type;

/// Name of the column that holds the index of the file a row came from (UInt32, into [`Table::files`]).
pub const FILE: &str = "_file";
/// Name of the column that holds the number of the data record in its file, from 1 (UInt32).
pub const ROW: &str = "_row";

/// A table. Physical types: Text is String, Number is Int64 counting 10^-decimals, Float is Float64, Date is Date,
/// Moment is Datetime in milliseconds, Boolean is Boolean. The frame also has [`FILE`] and [`ROW`], which are not listed in `columns`.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The cells.
    pub frame: DataFrame,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The files the rows came from, sorted by path.
    pub files: Vec<InputFile>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: Type,
    /// For Number: the integer counts units of 10^-decimals. 0 for other types.
    pub decimals: u32,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Path relative to the project, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Data records in it.
    pub rows: u64,
    /// Columns that have no place in a table, each with what it is.
    pub unread: Vec<(String, String)>,
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A text column.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<&StringChunked> {
        self.frame.column(name).ok()?.str().ok()
    }

    /// A number column, in units of 10^-[`Table::decimals`].
    #[must_use]
    pub fn numbers(&self, name: &str) -> Option<&Int64Chunked> {
        self.frame.column(name).ok()?.i64().ok()
    }

    /// A date column, in days since 1970-01-01.
    #[must_use]
    pub fn days(&self, name: &str) -> Option<&Int32Chunked> {
        Some(self.frame.column(name).ok()?.date().ok()?.physical())
    }

    /// A column of moments, in milliseconds since 1970.
    #[must_use]
    pub fn moments(&self, name: &str) -> Option<&Int64Chunked> {
        Some(self.frame.column(name).ok()?.datetime().ok()?.physical())
    }

    /// The first rows.
    #[must_use]
    pub fn head(&self, rows: usize) -> Self {
        Self { frame: self.frame.head(Some(rows)), columns: self.columns.clone(), files: self.files.clone() }
    }

    /// Decimals of a number column; 0 when there is none.
    #[must_use]
    pub fn decimals(&self, name: &str) -> u32 {
        self.column(name).map_or(0, |column| column.decimals)
    }
}

/// Rows that are there, or are made when they are needed.
pub trait Rows: Sync {
    /// How many.
    fn height(&self) -> usize;

    /// Some of them, as a table; fewer where there are no more.
    ///
    /// # Errors
    /// Never for tables that fit memory.
    fn rows(&self, from: usize, length: usize) -> io::Result<Table>;

    /// The same as files take them, in the order of the columns.
    ///
    /// # Errors
    /// Never for tables that fit memory.
    fn cells(&self, from: usize, length: usize) -> io::Result<Vec<Cells<'_>>> {
        let part = self.rows(from, length)?;
        let of = |column: &Column| part.frame.column(&column.name).cloned().map(Cells::Each);
        part.columns.iter().map(of).collect::<PolarsResult<_>>().map_err(io::Error::other)
    }
}

/// The cells of a column.
#[derive(Debug)]
pub enum Cells<'a> {
    /// One for each row.
    Each(polars::prelude::Column),
    /// Texts that occur again and again: for each row the place of its own among them.
    Repeated(Arc<[IdxSize]>, &'a StringChunked),
}

impl Rows for Table {
    fn height(&self) -> usize {
        self.frame.height()
    }

    fn rows(&self, from: usize, length: usize) -> io::Result<Table> {
        let frame = self.frame.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
        Ok(Self { frame, columns: self.columns.clone(), files: self.files.clone() })
    }
}

/// Tables of the same columns below each other; exact numbers meet at the larger number of decimals.
///
/// # Errors
/// Columns that differ, or a number that leaves 64 bits.
pub fn stacked(tables: &[Table]) -> io::Result<Table> {
    below(&tables.iter().collect::<Vec<_>>(), &[]).map_err(io::Error::other)
}

/// A number column counted in units smaller by `more` decimals. An error when a value would leave 64 bits: nothing wraps.
pub(crate) fn rescaled(values: &polars::prelude::Column, more: u32) -> PolarsResult<polars::prelude::Column> {
    if more == 0 {
        return Ok(values.clone());
    }
    let units = values.i64()?;
    let factor = 10i64.checked_pow(more);
    let fits = |value: Option<i64>| {
        value.is_none_or(|value| factor.is_some_and(|factor| value.checked_mul(factor).is_some()))
    };
    match factor.filter(|_| fits(units.min()) && fits(units.max())) {
        Some(factor) => Ok((units * factor).into_column()),
        None => {
            polars_bail!(ComputeError: "`{}` does not fit 64 bits with {more} more decimals", values.name())
        }
    }
}

/// Tables of the same columns below each other; exact numbers meet at the larger number of decimals. The columns named
/// in `more` are taken along as they are.
pub(crate) fn below(tables: &[&Table], more: &[&str]) -> PolarsResult<Table> {
    let Some(first) = tables.first() else { return Ok(Table::default()) };
    let mut columns = first.columns.clone();
    for column in &mut columns {
        column.decimals = tables.iter().map(|table| table.decimals(&column.name)).max().unwrap_or(0);
    }
    let mut all: Option<DataFrame> = None;
    for table in tables {
        let numbers = columns.iter().map(|column| {
            rescaled(table.frame.column(&column.name)?, column.decimals - table.decimals(&column.name))
        });
        let others = more.iter().map(|name| table.frame.column(name).cloned());
        let part = DataFrame::new(table.frame.height(), numbers.chain(others).collect::<PolarsResult<_>>()?)?;
        match &mut all {
            None => all = Some(part),
            Some(all) => {
                all.vstack_mut(&part)?;
            }
        }
    }
    Ok(Table { frame: all.unwrap_or_default(), columns, files: vec![] })
}

/// A row that cannot be used, written aside with its reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// Source name in `spm.toml`.
    pub source: String,
    /// Path of the extract.
    pub path: String,
    /// Data record, from 1.
    pub row: u64,
    /// Column at fault, when one is.
    pub column: String,
    /// Code of the fault.
    pub code: String,
    /// Why.
    pub reason: String,
    /// The offending cell or record as text.
    pub value: String,
}
