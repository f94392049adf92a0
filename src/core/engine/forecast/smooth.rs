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

/// Runs the recursion over what was measured. Errors one step ahead go to `errors`.
fn run(mut states: States, weights: &Weights, values: &[f64], errors: &mut [f64]) -> States {
    let season = states.season.len();
    for (period, error) in errors.iter_mut().enumerate() {
        let place = if season == 0 { 0 } else { period % season };
        let slope = weights.damping * states.slope;
        let expected = states.level + slope + states.season.get(place).copied().unwrap_or(0.0);
        *error = values[period] - expected;
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

/// What the errors come to for every possible start, gathered in one pass. Errors are linear in the states before the
/// first period: a column for each of these as a unit, seasons summing to 0, and a last one for what was measured.
struct Pass {
    columns: usize,
    season: usize,
    level: Vec<f64>,
    slope: Vec<f64>,
    seasons: Vec<f64>,
    error: Vec<f64>,
    /// Products of the columns, added up over the periods.
    products: Vec<f64>,
}

impl Pass {
    fn new(season: usize, form: Form) -> Self {
        let columns = form.states(season) + 1;
        let season = if form.seasonal { season } else { 0 };
        Self {
            columns,
            season,
            level: vec![0.0; columns],
            slope: vec![0.0; columns],
            seasons: vec![0.0; columns * season],
            error: vec![0.0; columns],
            products: vec![0.0; columns * columns],
        }
    }

    fn over(&mut self, values: &[f64], form: Form, weights: &Weights) {
        let columns = self.columns;
        for all in [&mut self.level, &mut self.slope, &mut self.seasons, &mut self.products] {
            all.fill(0.0);
        }
        self.level[0] = 1.0;
        let trend = usize::from(form.trend != Trend::None);
        if trend == 1 {
            self.slope[1] = 1.0;
        }
        for place in 0..self.season.saturating_sub(1) {
            self.seasons[place * columns + 1 + trend + place] = 1.0;
            self.seasons[(self.season - 1) * columns + 1 + trend + place] = -1.0;
        }
        for (period, value) in values.iter().enumerate() {
            for ((error, level), slope) in self.error.iter_mut().zip(&self.level).zip(&self.slope) {
                *error = -(level + weights.damping * slope);
            }
            self.error[columns - 1] += value;
            if self.season > 0 {
                let start = period % self.season * columns;
                let own = &mut self.seasons[start..start + columns];
                for (error, season) in self.error.iter_mut().zip(own) {
                    *error -= *season;
                    *season += weights.gamma * *error;
                }
            }
            for ((error, level), slope) in self.error.iter().zip(&mut self.level).zip(&mut self.slope) {
                let next = weights.damping * *slope;
                *level += next + weights.alpha * error;
                *slope = next + weights.beta * error;
            }
            for row in 0..columns {
                let factor = self.error[row];
                let sums = &mut self.products[row * columns..=row * columns + row];
                for (sum, error) in sums.iter_mut().zip(&self.error) {
                    *sum += factor * error;
                }
            }
        }
    }
}

/// The best states before the first period for some weights, and the sum of squares that is left.
fn best_start(values: &[f64], form: Form, weights: &Weights, pass: &mut Pass) -> Option<(f64, Vec<f64>)> {
    pass.over(values, form, weights);
    let (columns, count) = (pass.columns, pass.columns - 1);
    let mut matrix = vec![0.0; count * count];
    let mut right = vec![0.0; count];
    for (row, right) in right.iter_mut().enumerate() {
        for column in 0..=row {
            let value = pass.products[row * columns + column];
            (matrix[row * count + column], matrix[column * count + row]) = (value, value);
        }
        *right = -pass.products[count * columns + row];
    }
    let solution = solve_positive(&matrix, &right)?;
    let explained: f64 = solution.iter().zip(&right).map(|(own, right)| own * right).sum();
    let squares = (pass.products[count * columns + count] - explained).max(0.0);
    squares.is_finite().then_some((squares, solution))
}

/// The states that a solution of [`best_start`] stands for.
fn states(solution: &[f64], season: usize, form: Form) -> States {
    let trend = usize::from(form.trend != Trend::None);
    let mut own = vec![];
    if form.seasonal {
        own.extend_from_slice(&solution[1 + trend..]);
        own.push(-own.iter().sum::<f64>());
    }
    debug_assert!(own.is_empty() || own.len() == season);
    States { level: solution[0], slope: if trend == 1 { solution[1] } else { 0.0 }, season: own }
}

/// The step at which a search is good enough to compare forms, and to be used.
const COARSE: f64 = 0.01;
const FINE: f64 = 2e-5;

/// Moves a point of the unit cube to less squares, axis by axis, in smaller and smaller steps: always the same way.
fn descend(point: &mut [f64], best: &mut f64, from: f64, to: f64, value: &mut dyn FnMut(&[f64]) -> f64) {
    let mut step = from;
    while step > to {
        let mut moved = false;
        for axis in 0..point.len() {
            let here = point[axis];
            for sign in [1.0, -1.0] {
                point[axis] = (here + sign * step).clamp(0.0, 1.0);
                if point[axis] == here {
                    continue;
                }
                let found = value(point);
                // A relative margin, so that noise in the last digits does not move the answer.
                if found < *best * (1.0 - 1e-12) {
                    (*best, moved) = (found, true);
                    break;
                }
                point[axis] = here;
            }
        }
        if !moved {
            step /= 2.0;
        }
    }
}

/// So many places of each weight are looked at before the search, by how many weights there are.
const PLACES: [usize; 4] = [41, 11, 7, 5];

/// So many of the valleys that show there are searched, the deepest first.
const VALLEYS: usize = 8;

/// The point of the unit cube with the least sum of squares. Squares may have several valleys, so places all over the cube are
/// looked at first, both ends included, and those that no neighbour undercuts are where the search starts; or where it is told.
fn search(values: &[f64], season: usize, form: Form, near: Option<&[f64]>) -> Option<Vec<f64>> {
    let mut pass = Pass::new(season, form);
    let mut value = |point: &[f64]| {
        best_start(values, form, &Weights::at(form, point), &mut pass)
            .map_or(f64::INFINITY, |(squares, _)| squares)
    };
    if let Some(near) = near {
        let mut point = near.to_vec();
        let mut best = value(&point);
        descend(&mut point, &mut best, COARSE, FINE, &mut value);
        return best.is_finite().then_some(point);
    }
    let axes = form.weights();
    let places = PLACES[axes - 1];
    let count = places.pow(u32::try_from(axes).ok()?);
    let step = 1.0 / (places - 1) as f64;
    let place = |number: usize, axis: usize| number / places.pow(axis as u32) % places;
    let at =
        |number: usize| -> Vec<f64> { (0..axes).map(|axis| place(number, axis) as f64 * step).collect() };
    let seen: Vec<f64> = (0..count).map(|number| value(&at(number))).collect();
    let undercut = |number: usize, axis: usize| {
        let (own, stride) = (place(number, axis), places.pow(axis as u32));
        (own > 0 && seen[number - stride] < seen[number])
            || (own + 1 < places && seen[number + stride] < seen[number])
    };
    let mut valleys: Vec<usize> = (0..count)
        .filter(|number| seen[*number].is_finite() && !(0..axes).any(|axis| undercut(*number, axis)))
        .collect();
    valleys.sort_by(|a, b| seen[*a].total_cmp(&seen[*b]).then(a.cmp(b)));
    let mut winner: Option<(f64, Vec<f64>)> = None;
    for number in valleys.into_iter().take(VALLEYS) {
        let (mut point, mut best) = (at(number), seen[number]);
        descend(&mut point, &mut best, step / 2.0, COARSE, &mut value);
        if winner.as_ref().is_none_or(|(least, _)| best < *least) {
            winner = Some((best, point));
        }
    }
    winner.map(|(_, point)| point)
}

/// Fits a form to a history, the oldest period first. `None` when the history is too short for its states, has values
/// that have no logarithm, or does not vary at all.
#[must_use]
pub fn fit(history: &[f64], season: usize, form: Form) -> Option<Smoothed> {
    let values = values(history, season, form)?;
    let point = search(&values, season, form, None)?;
    let point = search(&values, season, form, Some(&point))?;
    at(history, &values, season, form, &point)
}

/// What a form is fitted to; `None` when it cannot be.
fn values(history: &[f64], season: usize, form: Form) -> Option<Vec<f64>> {
    let parameters = form.weights() + form.states(season);
    let possible = season >= 2 || !form.seasonal;
    if !possible || history.len() < parameters + 3 || history.iter().all(|value| *value == 0.0) {
        return None;
    }
    if !form.logarithmic {
        return Some(history.to_vec());
    }
    history.iter().map(|value| (*value > 0.0).then(|| value.ln())).collect()
}

/// The model at a point of the unit cube.
fn at(history: &[f64], values: &[f64], season: usize, form: Form, point: &[f64]) -> Option<Smoothed> {
    let weights = Weights::at(form, point);
    let (_, solution) = best_start(values, form, &weights, &mut Pass::new(season, form))?;
    let initial = states(&solution, season, form);
    let mut errors = vec![0.0; values.len()];
    let states = run(initial.clone(), &weights, values, &mut errors);
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    let parameters = form.weights() + form.states(season);
    let count = values.len() as f64;
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

/// The form with the least criterion, the earlier of equals. Forms are compared after a coarse search; the weights of
/// the best one are then searched finely.
#[must_use]
pub fn fit_best(history: &[f64], season: usize) -> Option<Smoothed> {
    let mut best: Option<(Smoothed, Vec<f64>)> = None;
    for form in Form::ALL {
        let Some(values) = values(history, season, form) else { continue };
        let Some(point) = search(&values, season, form, None) else { continue };
        let Some(fitted) = at(history, &values, season, form, &point) else { continue };
        if best.as_ref().is_none_or(|(best, _)| fitted.criterion < best.criterion) {
            best = Some((fitted, point));
        }
    }
    let (coarse, point) = best?;
    let values = values(history, season, coarse.form)?;
    let point = search(&values, season, coarse.form, Some(&point))?;
    at(history, &values, season, coarse.form, &point)
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

/// The least squares at so many places of each weight.
#[cfg(test)]
pub(super) fn least_of_grid(values: &[f64], season: usize, form: Form, places: usize) -> f64 {
    let mut pass = Pass::new(season, form);
    let axes = form.weights();
    let at = |number: usize| -> Vec<f64> {
        let place = |axis: usize| number / places.pow(axis as u32) % places;
        (0..axes).map(|axis| place(axis) as f64 / (places - 1) as f64).collect()
    };
    let count = places.pow(axes as u32);
    let squares = (0..count).filter_map(|number| {
        best_start(values, form, &Weights::at(form, &at(number)), &mut pass).map(|(squares, _)| squares)
    });
    squares.fold(f64::INFINITY, f64::min)
}
