//! Bands and the limit on moves, and what it weighs to break them: more, the longer they stay broken.

use super::Prices;
use super::problem::{Measure, Problem};

/// How many times their first weight limits that stay broken may come to weigh.
const HEAVIEST: f64 = 1e6;

/// Limits broken count millionths of a mean territory, so that measures weigh alike.
const MILLION: f64 = 1_000_000.0;

/// Limits of a problem; bands are at `territory * measures + measure`.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    measures: usize,
    low: Vec<i64>,
    high: Vec<i64>,
    /// 1 / mean territory by measure.
    scales: Vec<f64>,
    weights: Vec<f64>,
    /// The first weights, below which none falls.
    base: Vec<f64>,
    max_moves: Option<usize>,
    move_weight: f64,
    move_base: f64,
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value > 0 { i64::MAX / 4 } else { 0 })
}

#[expect(clippy::cast_precision_loss, reason = "weights steer the search only")]
impl Limits {
    /// `weights` say what it costs to break a band by a mean territory.
    pub(super) fn new(problem: &Problem, prices: &Prices, weights: Vec<f64>) -> Self {
        let measures = problem.measures.len();
        let by_band = |of: &dyn Fn(usize, usize) -> i128| -> Vec<i64> {
            let own = |territory: usize| (0..measures).map(move |measure| narrow(of(territory, measure)));
            (0..problem.territories).flat_map(own).collect()
        };
        let count = problem.territories.max(1) as f64;
        let scale = |measure: &Measure| {
            1.0 / (measure.bands.iter().map(|band| band.high as f64).sum::<f64>() / count).max(1.0)
        };
        let move_base =
            weights.iter().copied().fold(1.0, f64::max) + 2.0 * prices.moves as f64 * prices.unit();
        Self {
            measures,
            low: by_band(&|territory, measure| problem.measures[measure].bands[territory].low),
            high: by_band(&|territory, measure| problem.measures[measure].bands[territory].high),
            scales: problem.measures.iter().map(scale).collect(),
            base: weights.clone(),
            weights,
            max_moves: problem.max_moves,
            move_weight: move_base,
            move_base,
        }
    }

    /// Places of a territory's bands.
    pub(super) fn of(&self, territory: usize) -> std::ops::Range<usize> {
        territory * self.measures..(territory + 1) * self.measures
    }

    /// How far a load is from the end of its band that a price pays for.
    pub(super) fn room(&self, index: usize, load: i64, price: f64) -> i64 {
        if price > 0.0 { self.high[index] - load } else { self.low[index] - load }
    }

    /// How far a load is beyond its band.
    fn beyond(&self, index: usize, load: i64) -> i64 {
        (load - self.high[index]).max(self.low[index] - load).max(0)
    }

    /// What a load that is beyond its band weighs.
    pub(super) fn weighed(&self, index: usize, load: i64) -> f64 {
        let beyond = self.beyond(index, load);
        if beyond == 0 {
            0.0
        } else {
            beyond as f64 * self.scales[index % self.measures] * self.weights[index]
        }
    }

    /// What moves beyond the limit weigh.
    pub(super) fn weighed_moves(&self, moves: usize) -> f64 {
        let beyond = self.max_moves.map_or(0, |limit| moves.saturating_sub(limit));
        beyond as f64 * self.move_weight
    }

    /// True when too many accounts move.
    pub(super) fn too_many(&self, moves: usize) -> bool {
        self.max_moves.is_some_and(|limit| moves > limit)
    }

    /// How much is broken in all: zero when nothing is.
    pub(super) fn broken(&self, loads: &[i64], moves: usize) -> i128 {
        let broken = |(index, load): (usize, &i64)| {
            let beyond = self.beyond(index, *load);
            if beyond == 0 {
                0.0
            } else {
                (beyond as f64 * self.scales[index % self.measures] * MILLION).max(1.0)
            }
        };
        let bands: f64 = loads.iter().enumerate().map(broken).sum();
        let moves = self.max_moves.map_or(0, |limit| moves.saturating_sub(limit));
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let bands = bands.ceil() as i128;
        bands + moves as i128 * 1_000_000
    }

    /// True when a territory breaks one of its bands.
    pub(super) fn breaks(&self, territory: usize, loads: &[i64]) -> bool {
        self.of(territory).any(|index| self.beyond(index, loads[index]) > 0)
    }

    /// Limits that stay broken weigh more; when none is, weights fall back.
    pub(super) fn reweigh(&mut self, loads: &[i64], moves: usize, factor: f64) {
        let feasible = self.broken(loads, moves) == 0;
        for (index, load) in loads.iter().enumerate() {
            if feasible {
                self.weights[index] = (self.weights[index] * 0.97).max(self.base[index]);
            } else if self.beyond(index, *load) > 0 {
                self.weights[index] = (self.weights[index] * factor).min(self.base[index] * HEAVIEST);
            }
        }
        if self.too_many(moves) {
            self.move_weight = (self.move_weight * factor).min(self.move_base * HEAVIEST);
        }
    }
}
