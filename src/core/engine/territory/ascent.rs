//! Prices that prove much: the dual is smoothed (each account spreads over its candidates by the softmin of their priced
//! costs) and climbed by damped Newton steps, solved by conjugate gradients, while the smoothing is taken back. Sums
//! run over fixed blocks of accounts in a fixed order, so that the number of threads changes nothing.

use rayon::prelude::*;

use super::candidates::Candidates;
use super::dual::{PRICE_BITS, Prices};
use super::problem::Problem;

/// Accounts of a block.
const BLOCK: usize = 4096;
/// Accounts that all but the last smoothing look at.
const SAMPLE: usize = 40_000;
/// Smoothing by level, in units of what an account's second-best territory costs more than its best.
const LEVELS: [f64; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
const NEWTON_STEPS: usize = 8;
const CONJUGATE_STEPS: usize = 40;

/// The dual in units that are all about one: costs in what a second choice costs more, loads in mean territories.
struct Dual<'a> {
    problem: &'a Problem,
    candidates: &'a Candidates,
    measures: usize,
    /// Every how many-th account counts, for that many.
    stride: usize,
    cost_scale: f64,
    load_scales: Vec<f64>,
    /// Middle and half the width of each band, at `territory * measures + measure`.
    middles: Vec<f64>,
    widths: Vec<f64>,
    /// Price of a move.
    moves: f64,
}

/// What the smoothed dual is at some prices.
struct Place {
    value: f64,
    gradient: Vec<f64>,
    /// Curvature by price, for the preconditioner.
    diagonal: Vec<f64>,
    /// How much of each account each candidate has, by block.
    shares: Vec<Vec<f64>>,
}

#[expect(clippy::cast_precision_loss, reason = "the search may be inexact, the bound is not")]
impl<'a> Dual<'a> {
    fn new(problem: &'a Problem, candidates: &'a Candidates) -> Self {
        let measures = problem.measures.len();
        let accounts = problem.accounts().max(1) as f64;
        let regret = |account: usize| {
            let costs = &candidates.costs[candidates.of(account)];
            if costs.len() > 1 { (costs[1] - costs[0]) as f64 } else { 0.0 }
        };
        let regrets = (0..problem.accounts()).map(regret).sum::<f64>() / accounts;
        let mean = candidates.costs.iter().map(|cost| *cost as f64).sum::<f64>()
            / candidates.costs.len().max(1) as f64;
        let cost_scale = [regrets, mean, 1.0].into_iter().find(|scale| *scale > 0.0).unwrap_or(1.0);
        let load_scales: Vec<f64> = problem
            .measures
            .iter()
            .map(|measure| {
                let ends: f64 = measure.bands.iter().map(|band| band.high as f64).sum();
                (ends / problem.territories.max(1) as f64).max(1.0)
            })
            .collect();
        let mut middles = Vec::new();
        let mut widths = Vec::new();
        for territory in 0..problem.territories {
            for (measure, scale) in problem.measures.iter().zip(&load_scales) {
                let band = measure.bands[territory];
                let (low, high) = (band.low as f64 / scale, band.high as f64 / scale);
                middles.push(f64::midpoint(low, high));
                widths.push((high - low) / 2.0);
            }
        }
        Self {
            problem,
            candidates,
            measures,
            stride: 1,
            cost_scale,
            load_scales,
            middles,
            widths,
            moves: 0.0,
        }
    }

    fn sampled(&self) -> usize {
        self.problem.accounts().div_ceil(self.stride)
    }

    /// The blocks of sampled accounts.
    fn blocks(&self) -> impl IndexedParallelIterator<Item = std::ops::Range<usize>> {
        let all = self.sampled();
        (0..all.div_ceil(BLOCK))
            .into_par_iter()
            .map(move |block| block * BLOCK..((block + 1) * BLOCK).min(all))
    }

    fn weigh(&self, account: usize, candidate: usize, loads: &mut [f64]) {
        for ((load, units), scale) in
            loads.iter_mut().zip(self.candidates.loads(account, candidate)).zip(&self.load_scales)
        {
            *load = *units as f64 / scale;
        }
    }

    /// The priced cost of each candidate of an account.
    fn priced(&self, account: usize, prices: &[f64], loads: &mut [f64], values: &mut Vec<f64>) {
        values.clear();
        for candidate in self.candidates.of(account) {
            let territory = self.candidates.territories[candidate] as usize;
            self.weigh(account, candidate, loads);
            let own = &prices[territory * self.measures..(territory + 1) * self.measures];
            let mut value = self.candidates.costs[candidate] as f64 / self.cost_scale;
            value += own.iter().zip(loads.iter()).map(|(price, load)| price * load).sum::<f64>();
            if self.moves > 0.0 && self.problem.moves(account, territory) {
                value += self.moves;
            }
            values.push(value);
        }
    }

    /// What the bands are worth at these prices: a smoothed absolute value.
    fn bands(&self, prices: &[f64], round: f64) -> f64 {
        let ends = prices.iter().zip(&self.middles).zip(&self.widths);
        ends.map(|((price, middle), width)| middle * price + width * price.hypot(round)).sum()
    }

    /// The dual without smoothing, over the candidates.
    fn hard(&self, prices: &[f64]) -> f64 {
        let block = |accounts: std::ops::Range<usize>| {
            let (mut loads, mut values) = (vec![0.0; self.measures], Vec::new());
            accounts
                .map(|sampled| {
                    self.priced(sampled * self.stride, prices, &mut loads, &mut values);
                    values.iter().copied().fold(f64::INFINITY, f64::min)
                })
                .filter(|value| value.is_finite())
                .sum::<f64>()
        };
        let sums: Vec<f64> = self.blocks().map(block).collect();
        sums.iter().sum::<f64>() * self.stride as f64 - self.bands(prices, 0.0) - self.allowance()
    }

    fn allowance(&self) -> f64 {
        self.moves * self.problem.max_moves.map_or(0.0, |limit| limit as f64)
    }

    fn at(&self, prices: &[f64], smooth: f64) -> Place {
        struct Part {
            value: f64,
            gradient: Vec<f64>,
            diagonal: Vec<f64>,
            shares: Vec<f64>,
        }
        let size = prices.len();
        let block = |accounts: std::ops::Range<usize>| {
            let mut part =
                Part { value: 0.0, gradient: vec![0.0; size], diagonal: vec![0.0; size], shares: Vec::new() };
            let (mut loads, mut values) = (vec![0.0; self.measures], Vec::new());
            for sampled in accounts {
                let account = sampled * self.stride;
                self.priced(account, prices, &mut loads, &mut values);
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                let mut total = 0.0;
                for value in &mut values {
                    let distance = (*value - least) / smooth;
                    *value = if distance < 30.0 { (-distance).exp() } else { 0.0 };
                    total += *value;
                }
                if values.is_empty() {
                    continue;
                }
                part.value += least - smooth * total.ln();
                for (candidate, value) in self.candidates.of(account).zip(&values) {
                    let share = value / total;
                    part.shares.push(share);
                    if share > 0.0 {
                        self.weigh(account, candidate, &mut loads);
                        let at = self.candidates.territories[candidate] as usize * self.measures;
                        for (measure, load) in loads.iter().enumerate() {
                            part.gradient[at + measure] += share * load;
                            part.diagonal[at + measure] += share * (1.0 - share) * load * load / smooth;
                        }
                    }
                }
            }
            part
        };
        let parts: Vec<Part> = self.blocks().map(block).collect();
        let times = self.stride as f64;
        let round = round_of(smooth, self);
        let mut place = Place {
            value: parts.iter().map(|part| part.value).sum::<f64>() * times
                - self.bands(prices, round)
                - self.allowance(),
            gradient: vec![0.0; size],
            diagonal: vec![0.0; size],
            shares: Vec::with_capacity(parts.len()),
        };
        for part in parts {
            for index in 0..size {
                place.gradient[index] += part.gradient[index] * times;
                place.diagonal[index] += part.diagonal[index] * times;
            }
            place.shares.push(part.shares);
        }
        for (index, price) in prices.iter().enumerate() {
            let length = price.hypot(round);
            place.gradient[index] -= self.middles[index] + self.widths[index] * price / length;
            place.diagonal[index] += self.widths[index] * round * round / length.powi(3);
        }
        place
    }

    /// The curvature of the accounts times a direction.
    fn curvature(&self, place: &Place, smooth: f64, direction: &[f64]) -> Vec<f64> {
        let block = |(accounts, shares): (std::ops::Range<usize>, &Vec<f64>)| {
            let mut sum = vec![0.0; direction.len()];
            let (mut loads, mut pulls) = (vec![0.0; self.measures], Vec::new());
            let mut shares = shares.iter();
            for sampled in accounts {
                let account = sampled * self.stride;
                pulls.clear();
                let mut mean = 0.0;
                for (candidate, share) in self.candidates.of(account).zip(shares.by_ref()) {
                    let at = self.candidates.territories[candidate] as usize * self.measures;
                    let mut pull = 0.0;
                    if *share > 0.0 {
                        self.weigh(account, candidate, &mut loads);
                        pull = loads.iter().zip(&direction[at..]).map(|(load, part)| load * part).sum();
                        mean += share * pull;
                    }
                    pulls.push((candidate, *share, pull));
                }
                for (candidate, share, pull) in &pulls {
                    if *share > 0.0 {
                        self.weigh(account, *candidate, &mut loads);
                        let at = self.candidates.territories[*candidate] as usize * self.measures;
                        for (measure, load) in loads.iter().enumerate() {
                            sum[at + measure] += share * load * (pull - mean) / smooth;
                        }
                    }
                }
            }
            sum
        };
        let parts: Vec<Vec<f64>> = self.blocks().zip(&place.shares).map(block).collect();
        let mut all = vec![0.0; direction.len()];
        for part in parts {
            all.iter_mut().zip(part).for_each(|(all, part)| *all += part * self.stride as f64);
        }
        all
    }

    /// A Newton step: the direction that the curvature and the slope call for.
    fn direction(&self, place: &Place, prices: &[f64], smooth: f64) -> Vec<f64> {
        let round = round_of(smooth, self);
        let mean = place.diagonal.iter().sum::<f64>() / place.diagonal.len().max(1) as f64;
        let damping = 1e-4 * mean + 1e-12;
        let own: Vec<f64> = prices
            .iter()
            .zip(&self.widths)
            .map(|(price, width)| width * round * round / price.hypot(round).powi(3) + damping)
            .collect();
        let inverse: Vec<f64> = place.diagonal.iter().map(|part| 1.0 / (part + damping)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let scaled = |residual: &[f64]| -> Vec<f64> {
            residual.iter().zip(&inverse).map(|(residual, inverse)| residual * inverse).collect()
        };
        let mut step = vec![0.0; prices.len()];
        let mut residual = place.gradient.clone();
        let mut along = scaled(&residual);
        let mut product = dot(&residual, &along);
        let goal = 1e-4 * product;
        for _ in 0..CONJUGATE_STEPS {
            if product <= goal {
                break;
            }
            let mut image = self.curvature(place, smooth, &along);
            image.iter_mut().zip(&own).zip(&along).for_each(|((image, own), along)| *image += own * along);
            let length = dot(&along, &image);
            if length <= 0.0 {
                break;
            }
            let pace = product / length;
            step.iter_mut().zip(&along).for_each(|(step, along)| *step += pace * along);
            residual.iter_mut().zip(&image).for_each(|(residual, image)| *residual -= pace * image);
            let next = scaled(&residual);
            let before = std::mem::replace(&mut product, dot(&residual, &next));
            along.iter_mut().zip(next).for_each(|(along, next)| *along = next + product / before * *along);
        }
        step
    }

    /// Climbs at one smoothing.
    fn climb(&self, prices: &mut Vec<f64>, smooth: f64, steps: usize) {
        let mut place = self.at(prices, smooth);
        for _ in 0..steps {
            let steepest = place.gradient.iter().fold(0.0, |most: f64, part| most.max(part.abs()));
            if steepest < 2e-4 {
                break;
            }
            let direction = self.direction(&place, prices, smooth);
            let mut pace = 1.0;
            let next = loop {
                let trial: Vec<f64> =
                    prices.iter().zip(&direction).map(|(price, part)| price + pace * part).collect();
                let there = self.at(&trial, smooth);
                if there.value > place.value {
                    break Some((trial, there));
                }
                pace /= 2.0;
                if pace < 1e-3 {
                    break None;
                }
            };
            let Some((trial, there)) = next else { break };
            let gain = there.value - place.value;
            *prices = trial;
            place = there;
            if gain < 1e-7 * place.value.abs() {
                break;
            }
        }
    }

    /// Steps along subgradients of the dual without smoothing (Polyak 1969), towards `target`.
    fn polish(&self, prices: &mut Vec<f64>, target: f64, rounds: usize) {
        let mut best = (self.hard(prices), prices.clone());
        let mut current = prices.clone();
        let (mut step, mut since) = (0.5, 0);
        for _ in 0..rounds {
            // A very small smoothing gives one of the subgradients.
            let place = self.at(&current, 1e-7);
            let length: f64 = place.gradient.iter().map(|part| part * part).sum();
            if length <= 1e-18 {
                break;
            }
            let pace = step * (target - best.0).max(best.0.abs() * 1e-6) / length;
            current.iter_mut().zip(&place.gradient).for_each(|(price, part)| *price += pace * part);
            let value = self.hard(&current);
            if value > best.0 {
                best = (value, current.clone());
                since = 0;
            } else {
                since += 1;
                if since == 10 {
                    step /= 2.0;
                    since = 0;
                    current.clone_from(&best.1);
                }
            }
        }
        *prices = best.1;
    }

    /// Accounts that change hands when each picks its cheapest candidate.
    fn movers(&self, prices: &[f64]) -> usize {
        let (mut loads, mut values) = (vec![0.0; self.measures], Vec::new());
        let mut movers = 0;
        for sampled in 0..self.sampled() {
            let account = sampled * self.stride;
            self.priced(account, prices, &mut loads, &mut values);
            let best = self.candidates.of(account).zip(&values).min_by(|a, b| a.1.total_cmp(b.1));
            let moved = |(candidate, _): (usize, &f64)| {
                self.problem.moves(account, self.candidates.territories[candidate] as usize)
            };
            movers += usize::from(best.is_some_and(moved)) * self.stride;
        }
        movers
    }

    fn prices(&self, prices: &[f64]) -> Prices {
        let of = |measure: usize, scale: &f64| {
            let own = prices.iter().skip(measure).step_by(self.measures);
            own.map(|price| whole(price * self.cost_scale / scale)).collect()
        };
        let bands = self.load_scales.iter().enumerate().map(|(measure, scale)| of(measure, scale)).collect();
        Prices { bands, moves: whole(self.moves * self.cost_scale) }
    }
}

/// How far the corner of a band's worth is rounded off: prices of a territory are about as many times larger than those
/// of an account as it has accounts.
#[expect(clippy::cast_precision_loss, reason = "a scale")]
fn round_of(smooth: f64, dual: &Dual<'_>) -> f64 {
    let accounts = dual.problem.accounts() as f64 / dual.problem.territories.max(1) as f64;
    0.1 * smooth * accounts.max(1.0)
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and any price is valid")]
fn whole(price: f64) -> i64 {
    let limit = 2f64.powi(60);
    (price * 2f64.powi(PRICE_BITS.cast_signed())).clamp(-limit, limit) as i64
}

/// Prices for the candidates. `polish` rounds of subgradients follow the smoothed climb of small problems.
pub(super) fn prices(problem: &Problem, candidates: &Candidates, polish: usize) -> Prices {
    if problem.accounts() == 0 || problem.territories == 0 {
        return Prices::zero(problem);
    }
    let mut dual = Dual::new(problem, candidates);
    let stride = problem.accounts().div_ceil(SAMPLE);
    let mut prices = vec![0.0; problem.territories * dual.measures];
    let climb = |dual: &mut Dual<'_>, prices: &mut Vec<f64>, levels: &[f64]| {
        for (level, smooth) in levels.iter().enumerate() {
            dual.stride = if level + 1 < levels.len() { stride } else { 1 };
            dual.climb(prices, *smooth, if dual.stride == 1 && stride > 1 { 3 } else { NEWTON_STEPS });
        }
    };
    if dual.measures > 0 {
        climb(&mut dual, &mut prices, &LEVELS);
    }
    if let Some(limit) = problem.max_moves
        && dual.movers(&prices) > limit
    {
        // The price of a move, between one at which too many move and one at which few enough do.
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..40 {
            dual.moves = high;
            climb(&mut dual, &mut prices, &LEVELS[3..5]);
            if dual.movers(&prices) <= limit {
                break;
            }
            (low, high) = (high, high * 2.0);
        }
        for _ in 0..10 {
            dual.moves = f64::midpoint(low, high);
            climb(&mut dual, &mut prices, &LEVELS[3..5]);
            if dual.movers(&prices) <= limit { high = dual.moves } else { low = dual.moves }
        }
        dual.moves = high;
        climb(&mut dual, &mut prices, &LEVELS[3..]);
    }
    if polish > 0 && dual.measures > 0 {
        let value = dual.hard(&prices);
        dual.polish(&mut prices, value + 0.002 * value.abs(), polish);
    }
    dual.prices(&prices)
}
