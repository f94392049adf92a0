//! Checks a model by code that did not make it: at the least of its penalised squares every derivative is zero.

use super::{Outcome, PENALTIES, Problem};

/// What is wrong with an outcome, in words; empty when nothing is.
#[must_use]
pub fn verify(problem: &Problem, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let model = &outcome.model;
    let count = problem.rows.len() as f64;
    let size: f64 = problem.rows.iter().map(|row| row.sold.abs()).sum::<f64>().max(f64::MIN_POSITIVE);
    for (input, (center, deviation, weight)) in model.inputs.iter().enumerate() {
        if *deviation == 0.0 {
            continue;
        }
        let mut slope = -model.penalty * count * weight;
        for row in &problem.rows {
            let rest = row.sold - model.expected(&row.inputs);
            slope += rest * (row.inputs[input] - center) / deviation;
        }
        if slope.abs() > 1e-7 * size {
            wrong.push(format!("input {input} could fit better: the derivative is {slope}"));
        }
    }
    let rest: f64 = problem.rows.iter().map(|row| row.sold - model.expected(&row.inputs)).sum();
    if rest.abs() > 1e-7 * size {
        wrong.push(format!("the expectations of all seats are off by {rest} together"));
    }
    let chosen = PENALTIES.iter().position(|penalty| *penalty == model.penalty);
    let least = outcome.tried.iter().copied().fold(f64::INFINITY, f64::min);
    if chosen.is_none_or(|chosen| outcome.tried[chosen] > least) {
        wrong.push("another penalty errs less out of sample".to_owned());
    }
    wrong
}
