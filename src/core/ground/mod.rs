//! Floor 0, the ground: the words of the domain, without files, clock, plans or frames.

pub mod diagnostic;
mod digits;
pub mod id;
pub mod limit;
pub mod moment;
pub mod money;
pub mod period;
pub mod rational;
pub mod round;
pub mod source;
pub mod trace;
