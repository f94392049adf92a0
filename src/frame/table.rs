//! A table of checked cells with where each row came from: what the frame floor hands on.

use polars::prelude::DataFrame;
use spm_core::plan::contract::Type;

/// Name of the column that holds the index of the file a row came from (UInt32, into [`Table::files`]).
pub const FILE: &str = "_file";
/// Name of the column that holds the number of the data record in its file, from 1 (UInt32).
pub const ROW: &str = "_row";

/// A table. Physical types: Text is String, Number is Int64 counting 10^-decimals, Float is Float64, Date is Date,
/// Boolean is Boolean. The frame also has [`FILE`] and [`ROW`], which are not listed in `columns`.
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
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
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
