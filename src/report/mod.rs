//! Floor 4, the reports: values become text, and nothing is calculated.

pub mod chart;
pub mod commission;
pub mod diagnostic;
pub mod explain;
pub mod ledger;
pub mod map;
mod outlines;
pub mod quotas;
pub mod statement;
pub mod table;
