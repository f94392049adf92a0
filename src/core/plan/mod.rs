//! Floor 1, the plan: TOML text becomes raw values with places, raw values become checked models.

pub mod contract;
pub mod project;
pub mod raw;
pub mod schema;
pub mod shape;
