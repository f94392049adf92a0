//! Credits that nobody gets: how many for each reason, and whose the first of each is.

use std::collections::BTreeMap;

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::from_epoch_day;
use spm_core::plan::comp::CompPlan;

use crate::credit::Credited;
use crate::intake::place;
use crate::load::Tables;
use crate::person::Why;
use crate::rows::index_of;

/// A warning about what is credited to nobody; `None` where everything is credited.
#[must_use]
pub fn told(plan: &CompPlan, credited: &Credited, tables: &Tables) -> Option<Diagnostic> {
    let table = &credited.unresolved;
    let all = table.frame.height();
    let (reasons, ids, people) =
        (table.texts("reason")?, table.texts("transaction_id")?, table.texts("payee_id")?);
    let (lines, days) = (table.texts("line_id"), table.days("event_date"));
    // How many for each reason, and the first row.
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (row, reason) in reasons.iter().enumerate() {
        counts.entry(reason.unwrap_or_default()).or_insert((0, row)).0 += 1;
    }
    if counts.is_empty() {
        return None;
    }
    let such = |row: usize, reason: &str| {
        let deal = ids.get(row).unwrap_or_default();
        let on = days.and_then(|days| days.get(row)).and_then(from_epoch_day);
        let on = on.map_or_else(String::new, |day| format!(" of {day}"));
        match people.get(row).filter(|_| reason != Why::NoPerson.text()) {
            Some(person) => format!("{person}, transaction {deal}{on}"),
            None => format!("transaction {deal}{on}"),
        }
    };
    let parts = counts.iter().map(|(reason, (count, row))| {
        let first = if *count == 1 { "" } else { "first " };
        format!("{reason}: {count} ({first}{})", such(*row, reason))
    });
    let parts: Vec<String> = parts.collect();
    let message =
        format!("{all} credit(s) of plan `{}` have no payee or no amount: {}", plan.id, parts.join("; "));
    let mut fault = Diagnostic::warning(Code::SPM403, message);
    if let Some(transactions) = tables.get("transactions") {
        for (reason, (_, row)) in &counts {
            let line = lines.and_then(|lines| lines.get(*row));
            let index = ids.get(*row).and_then(|id| index_of(transactions, id, line));
            if let Some(index) = index {
                fault = fault.at(place(transactions, index, Some("transaction_id")), *reason);
            }
        }
    }
    Some(fault.hint(
        "complete the extracts; what is meant to be left out belongs in `where`. A run lists them in unresolved.parquet",
    ))
}
