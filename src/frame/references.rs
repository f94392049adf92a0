//! Rows about transactions that do not exist: splits that share nothing, releases and cancellations of nothing.

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};

use crate::intake::place;
use crate::load::Tables;
use crate::merge::Known;

/// The tables whose rows are about a transaction by its identifier.
pub const EVENTS: [&str; 3] = ["cancellations", "releases", "splits"];

/// Warns of rows whose transaction is not among the transactions, which have to be held whole.
pub fn check_events(events: &Tables, transactions: &Tables, sink: &mut Sink) {
    let known = transactions.get("transactions").and_then(|table| table.texts("transaction_id"));
    let Some(known) = known.map(Known::new) else { return };
    for name in EVENTS {
        // Splits of transactions that are not there are left out where transactions are not held whole.
        let Some(table) = transactions.get(name).or_else(|| events.get(name)) else { continue };
        let Some(ids) = table.texts("transaction_id") else { continue };
        let missing = known.missing(ids);
        let Some(first) = missing.first() else { continue };
        let row = ids.iter().position(|id| id == Some(first.as_str())).unwrap_or(0);
        let message =
            format!("{} transaction(s) of {name} are not in transactions, such as `{first}`", missing.len());
        let fault =
            Diagnostic::warning(Code::SPM109, message).at(place(table, row, Some("transaction_id")), "");
        sink.push(fault.hint("complete transactions, or correct the extract: such a row changes nothing"));
    }
}
