//! Floor 2, the engines: pure functions from checked plans and typed rows to results that explain themselves.

pub mod comp;
pub mod ledger;
pub mod quota;
pub mod territory;
