//! Checks a forecast by code that did not make it: parts add up, intervals hold their amount, scores are what they say.

use super::{Model, Outcome, Problem, Source, in_units};

/// What is wrong with an outcome, in words; empty when nothing is.
#[must_use]
pub fn verify(problem: &Problem, outcome: &Outcome, per_unit: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    for period in 0..problem.periods {
        let values: Vec<f64> = outcome.nodes.iter().map(|node| node.amounts[period].1).collect();
        let units = in_units(&problem.tree, &values, per_unit);
        for (node, children) in problem.tree.children.iter().enumerate() {
            if children.is_empty() {
                continue;
            }
            let sum: f64 = children.iter().map(|child| values[*child]).sum();
            let size: f64 =
                children.iter().map(|child| values[*child].abs()).sum::<f64>() + values[node].abs();
            if (sum - values[node]).abs() > 1e-9 * size {
                wrong.push(format!(
                    "the parts of group {node} are {sum}, not {}, in period {period}",
                    values[node]
                ));
            }
            let printed = units
                .as_ref()
                .map(|units| children.iter().map(|child| units[*child]).sum::<i128>() == units[node]);
            if printed == Some(false) {
                wrong.push(format!("the printed parts of group {node} do not add up in period {period}"));
            }
        }
        for (node, own) in outcome.nodes.iter().enumerate() {
            let (low, amount, high) = own.amounts[period];
            let slack = 1e-9 * amount.abs();
            if !(low <= amount + slack && amount <= high + slack) {
                wrong.push(format!("{amount} of group {node} is outside its interval from {low} to {high}"));
            }
        }
    }
    for (node, own) in outcome.nodes.iter().enumerate() {
        let Some(score) = own.score(Source::Model(Model::SeasonalNaive)) else {
            wrong.push(format!("group {node} has no yardstick"));
            continue;
        };
        let naive = naive_error(problem, outcome, node);
        if (naive - score.mae).abs() > 1e-9 * naive.abs() {
            wrong.push(format!("seasonal-naive errs by {naive} in group {node}, not by {}", score.mae));
        }
        let least = own.scores.iter().filter(|score| score.source != Source::Printed);
        let least = least.map(|score| score.mae).fold(f64::INFINITY, f64::min);
        let used = own.model.and_then(|model| own.score(Source::Model(model)));
        if problem.fall_back && used.is_some_and(|used| used.mae > least * (1.0 + 1e-9)) {
            wrong.push(format!("group {node} does not use the model that erred least"));
        }
    }
    wrong
}

/// The mean absolute error of seasonal-naive over all starts, written out.
fn naive_error(problem: &Problem, outcome: &Outcome, node: usize) -> f64 {
    let leaves = below(problem, node);
    let length = problem.history.first().map_or(0, Vec::len);
    let value = |period: usize| -> f64 { leaves.iter().map(|leaf| problem.history[*leaf][period]).sum() };
    let (mut sum, mut count) = (0.0, 0.0);
    for origin in &outcome.origins {
        let born = (0..*origin).find(|period| value(*period) != 0.0).unwrap_or(0);
        let lag = if origin - born >= problem.season { problem.season } else { 1 };
        for step in 0..problem.periods.min(length - origin) {
            let known = value(origin - lag + step % lag);
            sum += (value(origin + step) - known).abs();
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

fn below(problem: &Problem, node: usize) -> Vec<usize> {
    let children = &problem.tree.children[node];
    if children.is_empty() {
        return vec![node];
    }
    children.iter().flat_map(|child| below(problem, *child)).collect()
}
