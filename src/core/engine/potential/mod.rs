//! Expected sales of a seat from what seats are like: ridge regression, its penalty chosen by cross-validation.
//!
//! Inputs are standardised, so that coefficients can be compared; the penalty pulls all of them towards zero and every
//! prediction towards the mean, the more the fewer and noisier the seats are. Errors are of seats that the model has not
//! seen: folds are whole seats, and the penalty is chosen anew inside each (nested cross-validation).

#[cfg(test)]
mod tests;
mod verify;

pub use verify::verify;

use super::statistics::{mean, solve_positive};

/// What a seat was like, and what it sold then.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Number of the seat; rows of one seat are learned from or tested on together.
    pub seat: usize,
    /// Inputs.
    pub inputs: Vec<f64>,
    /// What it sold.
    pub sold: f64,
    /// What it had sold in the stretch before; `None` for who was not there.
    pub before: Option<f64>,
}

/// What is to be learned.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// What is known.
    pub rows: Vec<Row>,
    /// Share of seats that an interval should hold.
    pub interval: f64,
}

/// Penalties that are tried, in units of the number of rows.
pub const PENALTIES: [f64; 13] =
    [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];
/// Most folds.
const FOLDS: usize = 10;
/// Least seats that a model learns from.
pub const SEATS_MIN: usize = 6;

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Mean of what was sold: what a seat with mean inputs is expected to sell.
    pub base: f64,
    /// By input: mean, standard deviation (0: it does not vary and plays no part), coefficient of the standardised input.
    pub inputs: Vec<(f64, f64, f64)>,
    /// Penalty, in units of the number of rows.
    pub penalty: f64,
}

impl Model {
    /// What each input adds to the base.
    #[must_use]
    pub fn parts(&self, inputs: &[f64]) -> Vec<f64> {
        let part = |((mean, deviation, weight), value): (&(f64, f64, f64), &f64)| {
            if *deviation > 0.0 { weight * (value - mean) / deviation } else { 0.0 }
        };
        self.inputs.iter().zip(inputs).map(part).collect()
    }

    /// What a seat is expected to sell.
    #[must_use]
    pub fn expected(&self, inputs: &[f64]) -> f64 {
        self.base + self.parts(inputs).iter().sum::<f64>()
    }
}

/// Mean absolute errors for seats that were not learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Of the model.
    pub model: f64,
    /// Of "the same as in the stretch before", and of the model, for the seats that were there then; `None` without any.
    pub same: Option<(f64, f64)>,
    /// Of the mean of the other seats.
    pub mean: f64,
    /// Part of the variance of sales that the model explains; below zero it is worse than the mean.
    pub explained: f64,
}

/// A model with how good it is.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Learned from all rows.
    pub model: Model,
    /// Out of sample.
    pub errors: Errors,
    /// By row: what was expected of it without its seat.
    pub unseen: Vec<f64>,
    /// To each side of an expectation.
    pub width: f64,
    /// By penalty of [`PENALTIES`]: the mean squared error out of sample that it was chosen by.
    pub tried: Vec<f64>,
}

/// Learns a model by one penalty.
fn learn(rows: &[&Row], penalty: f64) -> Option<Model> {
    let count = rows.first()?.inputs.len();
    let size = rows.len() as f64;
    let base = mean(&rows.iter().map(|row| row.sold).collect::<Vec<_>>());
    let scales: Vec<(f64, f64)> = (0..count)
        .map(|input| {
            let values: Vec<f64> = rows.iter().map(|row| row.inputs[input]).collect();
            let center = mean(&values);
            let deviation = (values.iter().map(|own| (own - center).powi(2)).sum::<f64>() / size).sqrt();
            (center, if deviation > 1e-9 * center.abs() { deviation } else { 0.0 })
        })
        .collect();
    let standard: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| {
            let own = row.inputs.iter().zip(&scales);
            own.map(
                |(own, (center, deviation))| if *deviation > 0.0 { (own - center) / deviation } else { 0.0 },
            )
            .collect()
        })
        .collect();
    let mut matrix = vec![0.0; count * count];
    let mut right = vec![0.0; count];
    for (row, own) in rows.iter().zip(&standard) {
        for (one, (sum, value)) in right.iter_mut().zip(own).enumerate() {
            *sum += value * (row.sold - base);
            for (cell, other) in matrix[one * count..(one + 1) * count].iter_mut().zip(own) {
                *cell += value * other;
            }
        }
    }
    for input in 0..count {
        matrix[input * count + input] += penalty * size;
    }
    let weights = solve_positive(&matrix, &right)?;
    let inputs = scales.into_iter().zip(weights).map(|((center, deviation), own)| (center, deviation, own));
    Some(Model { base, inputs: inputs.collect(), penalty })
}

/// The fold of each row: seats in turn, so that it depends on nothing but their order.
fn folds(rows: &[&Row]) -> (Vec<usize>, usize) {
    let mut seats: Vec<usize> = rows.iter().map(|row| row.seat).collect();
    seats.sort_unstable();
    seats.dedup();
    let count = seats.len().min(FOLDS);
    let fold = |row: &&Row| seats.binary_search(&row.seat).unwrap_or(0) % count.max(1);
    (rows.iter().map(fold).collect(), count)
}

/// By penalty: mean squared error for seats that were not learned from.
fn tried(rows: &[&Row]) -> Vec<f64> {
    let (fold, count) = folds(rows);
    PENALTIES
        .iter()
        .map(|penalty| {
            let mut squares = 0.0;
            for held in 0..count {
                let known: Vec<&Row> =
                    rows.iter().zip(&fold).filter(|(_, own)| **own != held).map(|(row, _)| *row).collect();
                let Some(model) = learn(&known, *penalty) else { return f64::INFINITY };
                for (row, _) in rows.iter().zip(&fold).filter(|(_, own)| **own == held) {
                    squares += (model.expected(&row.inputs) - row.sold).powi(2);
                }
            }
            squares / rows.len() as f64
        })
        .collect()
}

/// Learns with the penalty that errs least; the larger of equals, which is the simpler model.
fn learn_best(rows: &[&Row]) -> Option<(Model, Vec<f64>)> {
    let errors = tried(rows);
    let mut best = PENALTIES.len() - 1;
    for penalty in (0..PENALTIES.len()).rev() {
        if errors[penalty] < errors[best] {
            best = penalty;
        }
    }
    Some((learn(rows, PENALTIES[best])?, errors))
}

/// Learns from all rows. `None` below [`SEATS_MIN`] seats or without inputs.
#[must_use]
pub fn fit(problem: &Problem) -> Option<Outcome> {
    let rows: Vec<&Row> = problem.rows.iter().collect();
    let (fold, count) = folds(&rows);
    let seats: std::collections::BTreeSet<usize> = rows.iter().map(|row| row.seat).collect();
    if seats.len() < SEATS_MIN || rows.first()?.inputs.is_empty() {
        return None;
    }
    let (model, tried) = learn_best(&rows)?;
    let mut unseen = vec![0.0; rows.len()];
    let mut means = vec![0.0; rows.len()];
    for held in 0..count {
        let known: Vec<&Row> =
            rows.iter().zip(&fold).filter(|(_, own)| **own != held).map(|(row, _)| *row).collect();
        let (own, _) = learn_best(&known)?;
        for (row, _) in fold.iter().enumerate().filter(|(_, fold)| **fold == held) {
            unseen[row] = own.expected(&rows[row].inputs);
            means[row] = own.base;
        }
    }
    let absolute = |made: &[f64]| {
        mean(&rows.iter().zip(made).map(|(row, made)| (row.sold - made).abs()).collect::<Vec<_>>())
    };
    let there_before = rows.iter().zip(&unseen).filter_map(|(row, made)| Some((row, row.before?, made)));
    let (same, beside): (Vec<f64>, Vec<f64>) =
        there_before.map(|(row, before, made)| ((row.sold - before).abs(), (row.sold - made).abs())).unzip();
    let squares =
        |made: &[f64]| rows.iter().zip(made).map(|(row, made)| (row.sold - made).powi(2)).sum::<f64>();
    let around_mean = squares(&means);
    let mut off: Vec<f64> = rows.iter().zip(&unseen).map(|(row, made)| (row.sold - made).abs()).collect();
    off.sort_by(f64::total_cmp);
    // The order statistic of split conformal prediction; the largest error where there are too few for it.
    let rank = ((off.len() + 1) as f64 * problem.interval).ceil() as usize;
    let width = off[rank.clamp(1, off.len()) - 1];
    Some(Outcome {
        model,
        errors: Errors {
            model: absolute(&unseen),
            same: (!same.is_empty()).then(|| (mean(&same), mean(&beside))),
            mean: absolute(&means),
            explained: if around_mean > 0.0 { 1.0 - squares(&unseen) / around_mean } else { 0.0 },
        },
        unseen,
        width,
        tried,
    })
}
