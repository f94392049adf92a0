//! The exact core of `spm`: ground types, checked plans, engines. No files, no clock, no Polars.

pub mod engine;
pub mod ground;
