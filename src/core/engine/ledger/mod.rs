//! The ledger: what was booked, what is entitled now, and the lines, balances and payments that make them meet.
//!
//! A posted number never moves. What is entitled for a posted period is calculated again, and the difference is booked in
//! the open period as a line that names its origin and cause (semantics B5). At any time, for every payee and currency,
//! payments + balances = entitlements.

mod amortize;
mod books;
mod cause;
mod clawback;
mod gone;
mod release;
mod settle;
mod unusual;
pub mod verify;

pub use amortize::{Amortization, Schedule, amortize};
pub use books::{Account, Amounts, Books, Key, Kind, Who};
pub use cause::{Around, Change, Fact, FactKind, Facts, changes, explain};
pub use clawback::{Cancelled, Credit, served, unserved};
pub use gone::{Gone, gone};
pub use release::{Due, Receipts, release};
pub use settle::{Entitled, Entitlements, Line, Movement, Payment, Settlement, Terms, settle};
pub use unusual::{Unusual, unusual};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;
