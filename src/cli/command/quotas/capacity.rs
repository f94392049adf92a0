//! `spm quotas capacity`.

use spm_core::engine::quota;
use spm_frame::load::Tables;

use super::planned_with;
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::quotas;

/// Prints heads and what they bring, for every plan that says what a head brings.
pub(super) fn run(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let all = planned_with(opened, tables, ui, |question, planned| {
        let Some(capacity) = &question.plan.capacity else { return Ok(None) };
        quota::capacity(question, capacity, &planned.allocation).map(Some)
    })?;
    let rows: Vec<_> = all.into_iter().filter_map(|(plan, heads)| Some((plan, heads?))).collect();
    if rows.is_empty() {
        return Err(Failure::input(
            "no quota plan has a table [capacity]; add one with productivity = \"...\", what a full head has as quota in a year",
        ));
    }
    command::finish(&quotas::heads(&rows)?, "spm.capacity/1", global, ui)?;
    Ok(exit::DONE)
}
