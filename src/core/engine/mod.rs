//! Floor 2, the engines: pure functions from a checked problem to a solution, each with its own verifier.

pub mod quota;
