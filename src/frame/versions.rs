//! What was known at a moment: rows that were recorded later are left out, and of the versions of a row the last one counts.

use std::collections::BTreeSet;

use polars::prelude::*;
use spm_core::ground::moment::Moment;

use crate::order::Repeats;
use crate::table::Table;

/// When a row became known; always, when it is empty.
/// The column of every table that says when a row was recorded.
pub const RECORDED_AT: &str = "recorded_at";

/// Leaves the rows out that became known later.
pub(crate) fn known_by(table: &mut Table, as_of: Option<Moment>) -> PolarsResult<()> {
    let (Some(as_of), Some(_)) = (as_of, table.moments(RECORDED_AT)) else { return Ok(()) };
    let moment = lit(as_of.milliseconds()).cast(DataType::Datetime(TimeUnit::Milliseconds, None));
    let known = col(RECORDED_AT).is_null().or(col(RECORDED_AT).lt_eq(moment));
    table.frame = std::mem::take(&mut table.frame).lazy().filter(known).collect()?;
    Ok(())
}

/// The rows that a later version replaces. The table is in the order of its key, versions in the order in which they became
/// known; rows of one key that became known at the same moment are no versions.
pub(crate) fn replaced(table: &Table, repeats: &Repeats) -> BTreeSet<usize> {
    let Some(moments) = table.moments(RECORDED_AT) else { return BTreeSet::new() };
    let mut rows = BTreeSet::new();
    let mut newest = (usize::MAX, None);
    for row in repeats.rows().iter().rev() {
        if newest.0 != *row {
            newest.1 = moments.get(*row);
        }
        if moments.get(row - 1) < newest.1 {
            rows.insert(row - 1);
        }
        newest.0 = row - 1;
    }
    rows
}
