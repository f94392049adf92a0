//! Exponential smoothing in its state-space form (Hyndman, Koehler, Ord and Snyder 2008): level, trend, season.
//!
//! One step ahead `f = level + damping x slope + season`; with the error `e = y - f` the states move on:
//! `level += damping x slope + alpha e`, `slope = damping x slope + beta e`, `season += gamma e`. A multiplicative
//! form is the same on logarithms: its season is a factor, its trend a rate. For given weights the errors are linear in
//! the states before the first period, so these are found exactly by least squares; only the weights are searched.

use super::Prediction;
use crate::engine::statistics::solve_positive;

/// How the slope behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// There is none.
    None,
    /// It goes on.
    Linear,
    /// It fades.
    Damped,
}

/// Which states a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Slope.
    pub trend: Trend,
    /// Season.
    pub seasonal: bool,
    /// On logarithms.
    pub logarithmic: bool,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 12] = {
        const fn form(trend: Trend, seasonal: bool, logarithmic: bool) -> Form {
            Form { trend, seasonal, logarithmic }
        }
        use Trend::{Damped, Linear, None};
        [
            form(None, false, false),
            form(Linear, false, false),
            form(Damped, false, false),
            form(None, true, false),
            form(Linear, true, false),
            form(Damped, true, false),
            form(None, false, true),
            form(Linear, false, true),
            form(Damped, false, true),
            form(None, true, true),
            form(Linear, true, true),
            form(Damped, true, true),
        ]
    };

    /// A few words.
    #[must_use]
    pub fn words(self) -> String {
        let trend = match self.trend {
            Trend::None => "level",
            Trend::Linear => "trend",
            Trend::Damped => "damped trend",
        };
        let season = if self.seasonal { ", season" } else { "" };
        let kind = if self.logarithmic { ", multiplicative" } else { "" };
        format!("{trend}{season}{kind}")
    }

    /// Weights that are searched.
    fn weights(self) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Linear => 1,
            Trend::Damped => 2,
        };
        1 + trend + usize::from(self.seasonal)
    }

    /// States before the first period.
    fn states(self, season: usize) -> usize {
        let trend = usize::from(self.trend != Trend::None);
        1 + trend + if self.seasonal { season - 1 } else { 0 }
    }
}

/// The weights of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Of the level.
    pub alpha: f64,
    /// Of the slope.
    pub beta: f64,
    /// Of the season.
    pub gamma: f64,
    /// Of the slope from one period to the next.
    pub damping: f64,
}

impl Weights {
    /// From a point of the unit cube: every point is a stable model (0 < beta < alpha, 0 < gamma < 1 - alpha).
    fn at(form: Form, point: &[f64]) -> Self {
        let inner = |share: f64| 0.0001 + 0.9998 * share;
        let alpha = inner(point[0]);
        let mut next = 1;
        let mut take = || {
            next += 1;
            inner(point[next - 1])
        };
        let beta = if form.trend == Trend::None { 0.0 } else { alpha * take() };
        let damping = match form.trend {
            Trend::Damped => 0.8 + 0.18 * take(),
            Trend::Linear | Trend::None => 1.0,
        };
        let gamma = if form.seasonal { (1.0 - alpha) * take() } else { 0.0 };
        Self { alpha, beta, gamma, damping }
    }
}

/// The states after some period: the season holds the next period first.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// Level.
    pub level: f64,
    /// Slope.
    pub slope: f64,
    /// Season of each of the next periods; empty without one.
    pub season: Vec<f64>,
}

/// A model that is fitted to a history.
#[derive(Clone, Debug)]
pub struct Smoothed {
    /// Form.
    pub form: Form,
    /// Weights.
    pub weights: Weights,
    /// States before the first period.
    pub initial: States,
    /// States after the last.
    pub states: States,
    /// Sum of squared errors, one step ahead.
    pub squares: f64,
    /// Variance of the errors, one step ahead.
    pub variance: f64,
    /// Akaike's criterion, corrected for small samples, comparable between forms on the same history.
    pub criterion: f64,
}

/// Runs the recursion; `value` gives what was measured in a period. Errors one step ahead go to `errors`.
fn run(mut states: States, weights: &Weights, values: Option<&[f64]>, errors: &mut [f64]) -> States {
    let season = states.season.len();
    for (period, error) in errors.iter_mut().enumerate() {
        let place = if season == 0 { 0 } else { period % season };
        let slope = weights.damping * states.slope;
        let expected = states.level + slope + states.season.get(place).copied().unwrap_or(0.0);
        *error = values.map_or(0.0, |values| values[period]) - expected;
        states.level += slope + weights.alpha * *error;
        states.slope = slope + weights.beta * *error;
        if let Some(own) = states.season.get_mut(place) {
            *own += weights.gamma * *error;
        }
    }
    if season > 0 {
        states.season.rotate_left(errors.len() % season);
    }
    states
}

/// The `index`-th of the states before the first period as a unit, all others 0. Seasons sum to 0.
fn unit(form: Form, season: usize, index: usize) -> States {
    let mut states =
        States { level: 0.0, slope: 0.0, season: vec![0.0; if form.seasonal { season } else { 0 }] };
    match (index, form.trend) {
        (0, _) => states.level = 1.0,
        (1, Trend::Linear | Trend::Damped) => states.slope = 1.0,
        (index, trend) => {
            let place = index - 1 - usize::from(trend != Trend::None);
            states.season[place] = 1.0;
            states.season[season - 1] = -1.0;
        }
    }
    states
}

/// The best states before the first period for some weights, and the sum of squares that is left.
fn best_start(values: &[f64], season: usize, form: Form, weights: &Weights) -> Option<(f64, States)> {
    let count = form.states(season);
    let periods = values.len();
    let nothing =
        States { level: 0.0, slope: 0.0, season: vec![0.0; if form.seasonal { season } else { 0 }] };
    let mut own = vec![0.0; periods];
    run(nothing.clone(), weights, Some(values), &mut own);
    let mut responses = vec![0.0; count * periods];
    for (index, response) in responses.chunks_mut(periods).enumerate() {
        run(unit(form, season, index), weights, None, response);
    }
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let response = |index: usize| &responses[index * periods..(index + 1) * periods];
    let mut matrix = vec![0.0; count * count];
    let mut right = vec![0.0; count];
    for row in 0..count {
        for column in 0..=row {
            let value = product(response(row), response(column));
            (matrix[row * count + column], matrix[column * count + row]) = (value, value);
        }
        right[row] = -product(response(row), &own);
    }
    let solution = solve_positive(&matrix, &right)?;
    let mut start = nothing;
    for (index, value) in solution.iter().enumerate() {
        let unit = unit(form, season, index);
        start.level += value * unit.level;
        start.slope += value * unit.slope;
        for (sum, unit) in start.season.iter_mut().zip(&unit.season) {
            *sum += value * unit;
        }
    }
    for (index, value) in solution.iter().enumerate() {
        for (error, response) in own.iter_mut().zip(response(index)) {
            *error += value * response;
        }
    }
    let squares = product(&own, &own);
    squares.is_finite().then_some((squares, start))
}

/// The point of the unit cube with the least sum of squares: pattern search from a few starts, always the same way.
fn search(values: &[f64], season: usize, form: Form) -> Option<Vec<f64>> {
    let size = form.weights();
    let value = |point: &[f64]| {
        best_start(values, season, form, &Weights::at(form, point))
            .map_or(f64::INFINITY, |(squares, _)| squares)
    };
    let descend = |point: &mut Vec<f64>, best: &mut f64, mut step: f64, end: f64| {
        while step > end {
            let mut moved = false;
            for axis in 0..size {
                for sign in [1.0, -1.0] {
                    let mut trial = point.clone();
                    trial[axis] = (trial[axis] + sign * step).clamp(0.0, 1.0);
                    if trial[axis] == point[axis] {
                        continue;
                    }
                    let found = value(&trial);
                    // A relative margin, so that noise in the last digits does not move the answer.
                    if found < *best * (1.0 - 1e-12) {
                        (*point, *best, moved) = (trial, found, true);
                        break;
                    }
                }
            }
            if !moved {
                step /= 2.0;
            }
        }
    };
    let mut winner: Option<(f64, Vec<f64>)> = None;
    for start in [0.1, 0.5, 0.9] {
        let mut point = vec![0.1; size];
        point[0] = start;
        let mut best = value(&point);
        descend(&mut point, &mut best, 0.2, 0.04);
        if best.is_finite() && winner.as_ref().is_none_or(|(least, _)| best < *least) {
            winner = Some((best, point));
        }
    }
    let (mut best, mut point) = winner?;
    descend(&mut point, &mut best, 0.04, 2e-5);
    Some(point)
}

/// Fits a form to a history, the oldest period first. `None` when the history is too short for its states, has values
/// that have no logarithm, or does not vary at all.
#[must_use]
pub fn fit(history: &[f64], season: usize, form: Form) -> Option<Smoothed> {
    let parameters = form.weights() + form.states(season);
    let periods = history.len();
    let possible = season >= 2 || !form.seasonal;
    if !possible || periods < parameters + 3 || history.iter().all(|value| *value == 0.0) {
        return None;
    }
    let values: Vec<f64> = if form.logarithmic {
        if history.iter().any(|value| *value <= 0.0) {
            return None;
        }
        history.iter().map(|value| value.ln()).collect()
    } else {
        history.to_vec()
    };
    let weights = Weights::at(form, &search(&values, season, form)?);
    let (squares, initial) = best_start(&values, season, form, &weights)?;
    let mut errors = vec![0.0; periods];
    let states = run(initial.clone(), &weights, Some(&values), &mut errors);
    let count = periods as f64;
    let size = history.iter().map(|value| value.abs()).sum::<f64>() / count;
    // A perfect fit has no logarithm of its squares; a billionth of the size counts as none.
    let least = if form.logarithmic { 1e-9f64 } else { 1e-9 * size }.powi(2);
    let mean_square = (squares / count).max(least);
    let free = parameters as f64 + 1.0;
    let jacobian: f64 = if form.logarithmic { 2.0 * values.iter().sum::<f64>() } else { 0.0 };
    let correction = 2.0 * free * (free + 1.0) / (count - free - 1.0);
    Some(Smoothed {
        form,
        weights,
        initial,
        states,
        squares,
        variance: squares / (count - parameters as f64),
        criterion: count * mean_square.ln() + 2.0 * free + correction + jacobian,
    })
}

/// The form with the least criterion; the earlier of equals.
#[must_use]
pub fn fit_best(history: &[f64], season: usize) -> Option<Smoothed> {
    let mut best: Option<Smoothed> = None;
    for form in Form::ALL {
        if let Some(fitted) = fit(history, season, form)
            && best.as_ref().is_none_or(|best| fitted.criterion < best.criterion)
        {
            best = Some(fitted);
        }
    }
    best
}

impl Smoothed {
    /// The next periods.
    #[must_use]
    pub fn predict(&self, periods: usize) -> Vec<Prediction> {
        let season = self.states.season.len();
        let (mut slope, mut fade) = (0.0, 1.0);
        let mut variance = self.variance;
        (0..periods)
            .map(|step| {
                fade *= self.weights.damping;
                slope += fade;
                let own = if season == 0 { 0.0 } else { self.states.season[step % season] };
                let middle = self.states.level + slope * self.states.slope + own;
                let spread = variance.sqrt();
                // What an error of the next period does to the one after this.
                let mut response = self.weights.alpha + self.weights.beta * slope;
                if season > 0 && (step + 1) % season == 0 {
                    response += self.weights.gamma;
                }
                variance += self.variance * response * response;
                if self.form.logarithmic {
                    Prediction { middle: middle.exp(), spread, logarithmic: true }
                } else {
                    Prediction { middle, spread, logarithmic: false }
                }
            })
            .collect()
    }
}
