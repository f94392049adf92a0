//! Floor 2, the engines: pure functions from checked plans and typed rows to results that explain themselves.

pub mod comp;
pub mod fairness;
pub mod forecast;
pub mod ledger;
pub mod potential;
pub mod quota;
pub mod statistics;
pub mod territory;
