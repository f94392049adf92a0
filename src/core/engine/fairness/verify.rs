//! Checks a score by code that did not make it.

use super::{Outcome, Problem};

/// What is wrong with a score, in words; empty when nothing is.
#[must_use]
pub fn verify(problem: &Problem, sales: &[Vec<f64>], outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut reached, mut all) = (0u64, 0u64);
    for draw in sales {
        for (sold, seat) in draw.iter().zip(&problem.seats) {
            reached += u64::from(*sold >= seat.quota);
            all += 1;
        }
    }
    let share = reached as f64 / all.max(1) as f64;
    let value = |name: &str| outcome.metrics.iter().find(|own| own.name == name).and_then(|own| own.value);
    let mut same = |what: &str, own: Option<f64>, expected: f64| {
        if own.is_none_or(|own| (own - expected).abs() > 1e-9 * (1.0 + expected.abs())) {
            wrong.push(format!("{what} is {own:?}, and again calculated {expected}"));
        }
    };
    same("share-at-quota", value("share-at-quota"), share);
    let chances: f64 = outcome.seats.iter().map(|seat| seat.chance).sum::<f64>();
    same("the mean chance", Some(chances / problem.seats.len().max(1) as f64), share);
    let total: f64 = problem.seats.iter().map(|seat| seat.quota).sum();
    if problem.seats.iter().any(|seat| seat.expected > 0.0) {
        let equal: f64 = outcome.seats.iter().map(|seat| seat.equal_pain).sum();
        same("the total of equal pain", Some(equal), total);
    }
    let sold: f64 = sales.iter().flatten().sum();
    same("bias", value("bias"), sold / sales.len().max(1) as f64 / total);
    wrong
}
