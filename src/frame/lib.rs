//! The frame floor: extracts in, checked tables and results out. The only place that names Polars.

pub mod attribute;
pub mod convert;
pub mod credit;
pub mod enrol;
pub mod events;
pub mod facts;
pub mod fingerprint;
mod hierarchy;
mod intake;
pub mod load;
pub mod lower;
pub mod market;
mod measure;
mod merge;
mod order;
pub mod pairing;
pub mod planning;
pub mod profile;
pub mod quota;
pub mod read;
pub mod refunds;
pub mod rows;
pub mod seats;
pub mod series;
mod splits;
pub mod table;
pub mod write;
