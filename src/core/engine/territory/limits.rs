//! Bands and the limit on moves, and what it weighs to break them: more, the longer they stay broken.

use super::Prices;
use super::problem::{Band, Measure, Penalty, Problem};

/// How many times their first weight limits that stay broken may come to weigh.
const HEAVIEST: f64 = 1e6;

/// Limits broken count millionths of a mean territory, so that measures weigh alike.
const MILLION: f64 = 1_000_000.0;

/// Limits of a problem; bands are at `territory * measures + measure`.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    measures: usize,
    bands: Vec<Limit>,
    /// Some bands are wishes.
    wishes: bool,
    /// 1 / mean territory by measure.
    scales: Vec<f64>,
    /// The first weights, below which none falls.
    base: Vec<f64>,
    /// The most that may leave the territories of today, by limit on moves.
    most: Vec<i64>,
    /// 1 / mean account by limit on moves.
    move_scales: Vec<f64>,
    move_weights: Vec<f64>,
    move_bases: Vec<f64>,
}

/// A band, and what a unit of load beyond it weighs.
#[derive(Clone, Copy, Debug)]
struct Limit {
    low: i64,
    high: i64,
    weight: f64,
    /// What it costs to be beyond a band that is a wish: it weighs just that, and is never broken.
    penalty: Option<Penalty>,
}

impl Limit {
    /// How far a load is beyond the band.
    #[inline]
    fn beyond(&self, load: i64) -> i64 {
        (load - self.high).max(self.low - load).max(0)
    }

    /// How far a load breaks a band that is a limit.
    #[inline]
    fn broken(&self, load: i64) -> i64 {
        if self.penalty.is_none() { self.beyond(load) } else { 0 }
    }
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value > 0 { i64::MAX / 4 } else { 0 })
}

#[expect(clippy::cast_precision_loss, reason = "weights steer the search only")]
impl Limits {
    /// `weights` say what it costs to break a band by a mean territory.
    pub(super) fn new(problem: &Problem, prices: &Prices, weights: Vec<f64>) -> Self {
        let measures = problem.measures.len();
        let count = problem.territories.max(1) as f64;
        let scale = |measure: &Measure| {
            1.0 / (measure.bands.iter().map(|band| band.high as f64).sum::<f64>() / count).max(1.0)
        };
        let heaviest = weights.iter().copied().fold(1.0, f64::max);
        let accounts = problem.accounts().max(1) as f64;
        let move_scales: Vec<f64> = problem
            .move_limits
            .iter()
            .map(|limit| accounts / (limit.total(problem.accounts()) as f64).max(1.0))
            .collect();
        let move_bases: Vec<f64> = prices
            .moves
            .iter()
            .zip(&move_scales)
            .map(|(price, scale)| heaviest + 2.0 * *price as f64 * prices.unit() / scale)
            .collect();
        let scales: Vec<f64> = problem.measures.iter().map(scale).collect();
        let mut bands = Vec::with_capacity(weights.len());
        for territory in 0..problem.territories {
            for (measure, scale) in problem.measures.iter().zip(&scales) {
                let penalty = measure.penalty;
                let weight = penalty.map_or(weights[bands.len()] * scale, |penalty| penalty.nearly());
                let Band { low, high } = measure.bands[territory];
                bands.push(Limit { low: narrow(low), high: narrow(high), weight, penalty });
            }
        }
        Self {
            measures,
            wishes: problem.measures.iter().any(|measure| measure.penalty.is_some()),
            base: bands.iter().map(|band| band.weight).collect(),
            bands,
            scales,
            most: problem.move_limits.iter().map(|limit| limit.most).collect(),
            move_scales,
            move_weights: move_bases.clone(),
            move_bases,
        }
    }

    /// Places of a territory's bands.
    #[inline]
    pub(super) fn of(&self, territory: usize) -> std::ops::Range<usize> {
        territory * self.measures..(territory + 1) * self.measures
    }

    /// How far a load is from the end of its band that a price pays for.
    #[inline]
    pub(super) fn room(&self, index: usize, load: i64, price: f64) -> i64 {
        let band = &self.bands[index];
        if price > 0.0 { band.high - load } else { band.low - load }
    }

    /// What a load that is beyond its band weighs.
    #[inline]
    pub(super) fn weighed(&self, index: usize, load: i64) -> f64 {
        let band = &self.bands[index];
        band.beyond(load) as f64 * band.weight
    }

    /// How much is left that may leave, by limit on moves.
    #[inline]
    pub(super) fn left(&self, limit: usize, moved: i64) -> i64 {
        self.most[limit] - moved
    }

    /// What leaves beyond a limit on moves weighs.
    #[inline]
    pub(super) fn weighed_moves(&self, limit: usize, moved: i64) -> f64 {
        let beyond = (-self.left(limit, moved)).max(0);
        beyond as f64 * self.move_scales[limit] * self.move_weights[limit]
    }

    /// True when too much moves.
    pub(super) fn too_many(&self, moved: &[i64]) -> bool {
        moved.iter().enumerate().any(|(limit, moved)| self.left(limit, *moved) < 0)
    }

    /// How much is broken in all: zero when nothing is.
    pub(super) fn broken(&self, loads: &[i64], moved: &[i64]) -> i128 {
        let broken = |((load, band), scale): ((&i64, &Limit), &f64)| {
            let beyond = band.broken(*load);
            if beyond == 0 { 0.0 } else { (beyond as f64 * scale * MILLION).max(1.0) }
        };
        let bands: f64 = loads.iter().zip(&self.bands).zip(self.scales.iter().cycle()).map(broken).sum();
        let beyond = |(limit, moved): (usize, &i64)| {
            let beyond = (-self.left(limit, *moved)).max(0);
            if beyond == 0 { 0.0 } else { (beyond as f64 * self.move_scales[limit] * MILLION).max(1.0) }
        };
        let moves: f64 = moved.iter().enumerate().map(beyond).sum();
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let broken = bands.ceil() as i128 + moves.ceil() as i128;
        broken
    }

    /// What loads beyond bands that are wishes cost.
    pub(super) fn penalties(&self, loads: &[i64]) -> i128 {
        if !self.wishes {
            return 0;
        }
        let cost = |(load, band): (&i64, &Limit)| {
            band.penalty.map_or(0, |penalty| penalty.of(band.beyond(*load).into()))
        };
        loads.iter().zip(&self.bands).map(cost).sum()
    }

    /// True when a territory breaks one of its bands.
    pub(super) fn breaks(&self, territory: usize, loads: &[i64]) -> bool {
        self.of(territory).any(|index| self.bands[index].broken(loads[index]) > 0)
    }

    /// Limits that stay broken weigh more; when none is, weights fall back.
    pub(super) fn reweigh(&mut self, loads: &[i64], moved: &[i64], factor: f64) {
        let feasible = self.broken(loads, moved) == 0;
        for ((load, band), base) in loads.iter().zip(&mut self.bands).zip(&self.base) {
            if band.penalty.is_some() {
                continue;
            }
            if feasible {
                band.weight = (band.weight * 0.97).max(*base);
            } else if band.beyond(*load) > 0 {
                band.weight = (band.weight * factor).min(base * HEAVIEST);
            }
        }
        for (limit, moved) in moved.iter().enumerate() {
            if self.left(limit, *moved) < 0 {
                self.move_weights[limit] =
                    (self.move_weights[limit] * factor).min(self.move_bases[limit] * HEAVIEST);
            }
        }
    }
}
