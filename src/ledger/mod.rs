//! Floor 3, the ledger: posted periods, decisions and balances in one append-only SQLite file, `.spm/ledger.db`.
//!
//! What is booked is calculated by `spm_core::engine::ledger`; this folder keeps it. Every record is written in one
//! transaction and chained to the one before by its hash.

mod chain;
pub mod decisions;
pub mod entitle;
mod fault;
pub mod journal;
pub mod read;
mod schema;
mod store;
pub mod write;

use spm_core::engine::ledger::{Change, Settlement};

pub use chain::check as check_chain;
pub use fault::Fault;
pub use store::{Access, Store};

/// What an open period would book.
#[derive(Debug)]
pub struct Draft {
    /// Lines, balances and payments.
    pub settlement: Settlement,
    /// Facts that are other ones than those of the posting before.
    pub changes: Vec<Change>,
}
