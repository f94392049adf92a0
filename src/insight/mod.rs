//! Floor 3, insight: forecasts, models and scores, from checked plans and tables to results that can be shown.

pub mod fairness;
pub mod forecast;
mod held;
pub mod potential;
mod replay;
mod there;

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::{Place, TextPlace};

/// An estimate as an exact number of so many decimals, the one time that it is rounded; `None` when there is none.
fn units(value: Option<f64>, decimals: u32) -> Option<i64> {
    let scaled = value? * 10f64.powi(i32::try_from(decimals).ok()?);
    // Beyond 2^53 a float no longer holds every whole number.
    (scaled.is_finite() && scaled.abs() < 9e15).then(|| scaled.round() as i64)
}

/// A fault at a place of a plan.
fn fault(code: Code, message: impl Into<String>, place: &TextPlace) -> Diagnostic {
    Diagnostic::error(code, message).at(Place::Text(place.clone()), "")
}
