//! Floor 3, the ledger: posted periods, decisions and balances in one append-only SQLite file, `.spm/ledger.db`.
//!
//! What is booked is calculated by `spm_core::engine::ledger`; this folder drafts it from extracts and plans, and keeps it.
//! Every record is written in one transaction and chained to the one before by its hash.

pub mod again;
pub mod as_posted;
mod chain;
pub mod decisions;
pub mod draft;
pub mod entitle;
mod fault;
mod head;
pub mod journal;
pub mod payroll;
pub mod policy;
pub mod read;
mod schema;
mod store;
mod views;
pub mod write;

pub use chain::{SHORTEST as SHORTEST_HASH, check as check_chain, find as find_record};
pub use draft::Draft;
pub use fault::Fault;
pub use store::{Pen, Store};
