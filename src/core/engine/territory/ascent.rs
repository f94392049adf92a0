//! Prices that prove much: the dual is smoothed (each account spreads over its candidates by the softmin of their priced
//! costs) and climbed by damped Newton steps (a Cholesky factor, or conjugate gradients for many prices), while the smoothing is taken back. Sums
//! run over fixed blocks of accounts in a fixed order, so that the number of threads changes nothing.

#![allow(
    clippy::needless_range_loop,
    reason = "the hottest loops: plain indices are fast whatever is inlined"
)]

use rayon::prelude::*;

use super::Effort;
use super::candidates::Candidates;
use super::curvature::Curvature;
use super::dual::Prices;
use super::problem::{Measure, Problem};

/// Accounts of a block.
const BLOCK: usize = 4096;
/// Accounts that the first smoothing looks at; every second that follows looks at twice as many, up to all. And how many of each
/// territory it takes to say what it loads.
const SAMPLE: usize = 20_000;
const OF_TERRITORY: usize = 50;
/// The least an account's warmth is, and what a territory's bands are rounded by, in shares of the mean.
const COLDEST: f64 = 0.01;
const ROUND: f64 = 0.1;
/// Smoothing by level, in units of what an account's second-best territory costs more than its best.
const LEVELS: [f64; 16] =
    [1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.085, 0.06, 0.042, 0.03, 0.021, 0.015, 0.01, 0.006, 0.003];
/// The level from which prices that nearly fit go on, and the one at which rough prices end.
const WARM: usize = 8;
const ROUGH: usize = 12;
/// The levels at which a price of moves is tried.
const TRIED: std::ops::Range<usize> = 10..12;
const NEWTON_STEPS: usize = 12;
/// The steepest slope, in mean territories, from which it makes sense to smooth less.
const ARRIVED: f64 = 0.1;
/// The one at which a climb ends.
const FLAT: f64 = 0.01;
/// How often, and by how many levels, smoothing goes back where a climb has not arrived: what many territories must do
/// together is easy when they are smoothed much, and hopeless when they are not.
const REHEATS: usize = 3;
const HOTTER: usize = 4;

/// The dual in units that are all about one: costs in what a second choice costs more, loads in mean territories.
struct Dual<'a> {
    problem: &'a Problem,
    candidates: &'a Candidates,
    measures: usize,
    /// Every how many-th account counts, for that many.
    stride: usize,
    cost_scale: f64,
    /// What smoothing means to an account: how far its first candidates differ in cost.
    warmth: Vec<f64>,
    /// How far the corner of what a territory's bands are worth is rounded off: what its accounts' smoothing adds up to.
    rounds: Vec<f64>,
    load_scales: Vec<f64>,
    /// Costs of candidates, and loads as the candidates have them, in these units.
    costs: Vec<f64>,
    loads: Vec<f64>,
    /// Middle and half the width of each band, at `territory * measures + measure`.
    middles: Vec<f64>,
    widths: Vec<f64>,
    /// The highest price by measure: what it costs to be beyond a band that is a wish.
    most: Vec<f64>,
    /// Price of what a move counts, by limit on moves.
    moves: Vec<f64>,
}

/// What prices leave open of a block of accounts, and what is settled.
#[derive(Default)]
struct Open {
    /// Accounts that have a choice, and where their candidates start.
    accounts: Vec<(usize, usize)>,
    candidates: Vec<usize>,
    /// What the others cost where they are.
    cost: f64,
    /// And load, at `territory * measures + measure`.
    loads: Vec<f64>,
}

impl Open {
    /// Accounts with their candidates.
    fn each(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let ends = self.accounts.iter().skip(1).map(|(_, start)| *start).chain([self.candidates.len()]);
        self.accounts
            .iter()
            .zip(ends)
            .map(|((account, start), end)| (*account, &self.candidates[*start..end]))
    }
}

/// What the smoothed dual is at some prices.
struct Place {
    value: f64,
    gradient: Vec<f64>,
}

impl Place {
    /// The steepest slope, in mean territories.
    fn steepest(&self) -> f64 {
        self.gradient.iter().fold(0.0, |most: f64, part| most.max(part.abs()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the search may be inexact, the bound is not")]
impl<'a> Dual<'a> {
    fn new(problem: &'a Problem, candidates: &'a Candidates) -> Self {
        let measures = problem.measures.len();
        let accounts = problem.accounts().max(1) as f64;
        let spreads: Vec<f64> = (0..problem.accounts()).map(|account| spread(candidates, account)).collect();
        let spread = spreads.iter().sum::<f64>() / accounts;
        let mean = candidates.costs.iter().map(|cost| *cost as f64).sum::<f64>()
            / candidates.costs.len().max(1) as f64;
        let cost_scale = [spread, mean, 1.0].into_iter().find(|scale| *scale > 0.0).unwrap_or(1.0);
        let warmth: Vec<f64> = spreads.iter().map(|spread| (spread / cost_scale).max(COLDEST)).collect();
        let mut rounds = vec![0.0; problem.territories];
        for (account, warmth) in warmth.iter().enumerate() {
            if let Some(first) = candidates.of(account).next() {
                rounds[candidates.territories[first] as usize] += warmth;
            }
        }
        let least = COLDEST * accounts / problem.territories.max(1) as f64;
        rounds.iter_mut().for_each(|round| *round = ROUND * round.max(least));
        let load_scales: Vec<f64> = problem
            .measures
            .iter()
            .map(|measure| {
                let ends: f64 = measure.bands.iter().map(|band| band.high as f64).sum();
                (ends / problem.territories.max(1) as f64).max(1.0)
            })
            .collect();
        let most = |(measure, scale): (&Measure, &f64)| {
            measure.penalty.map_or(f64::INFINITY, |penalty| penalty.nearly() * scale / cost_scale)
        };
        let most = problem.measures.iter().zip(&load_scales).map(most).collect();
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
            warmth,
            rounds,
            costs: candidates.costs.iter().map(|cost| *cost as f64 / cost_scale).collect(),
            loads: candidates.scaled_loads(&load_scales),
            load_scales,
            middles,
            widths,
            most,
            moves: vec![0.0; problem.move_limits.len()],
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

    /// Loads of an account in the territory of a candidate, by measure.
    #[inline]
    fn loads(&self, account: usize, candidate: usize) -> &[f64] {
        let at = self.candidates.loads_at(account, candidate);
        &self.loads[at..at + self.measures]
    }

    /// The priced costs of candidates of an account; returns the least.
    fn price(
        &self,
        account: usize,
        candidates: impl Iterator<Item = usize>,
        prices: &[f64],
        values: &mut Vec<f64>,
    ) -> f64 {
        let measures = self.measures;
        let mut least = f64::INFINITY;
        values.clear();
        // The hottest loop there is: plain indices, so that nothing depends on what is inlined.
        for candidate in candidates {
            let territory = self.candidates.territories[candidate] as usize;
            let prices = &prices[territory * measures..(territory + 1) * measures];
            let loads = self.loads(account, candidate);
            let mut value = self.costs[candidate];
            for measure in 0..measures {
                value += prices[measure] * loads[measure];
            }
            for (limit, price) in self.moves.iter().enumerate().filter(|(_, price)| **price > 0.0) {
                value += price * self.problem.counted(limit, account, territory) as f64;
            }
            if value < least {
                least = value;
            }
            values.push(value);
        }
        least
    }

    /// What the bands are worth at these prices: a smoothed absolute value.
    fn bands(&self, prices: &[f64], smooth: f64) -> f64 {
        let worth = |(index, price): (usize, &f64)| {
            self.middles[index] * price + self.widths[index] * price.hypot(self.round(index, smooth))
        };
        prices.iter().enumerate().map(worth).sum()
    }

    /// The dual without smoothing, over the candidates.
    fn hard(&self, prices: &[f64]) -> f64 {
        let block = |accounts: std::ops::Range<usize>| {
            let mut values = Vec::new();
            accounts
                .map(|sampled| {
                    let account = sampled * self.stride;
                    self.price(account, self.candidates.of(account), prices, &mut values)
                })
                .filter(|value| value.is_finite())
                .sum::<f64>()
        };
        let sums: Vec<f64> = self.blocks().map(block).collect();
        sums.iter().sum::<f64>() * self.stride as f64 - self.bands(prices, 0.0) - self.allowance()
    }

    fn round(&self, index: usize, smooth: f64) -> f64 {
        let mean = ROUND * self.problem.accounts() as f64 / self.problem.territories as f64;
        smooth * self.rounds[index / self.measures].max(smooth * mean)
    }

    /// How much an account is smoothed: by what its own first candidates differ in cost, and at first by what is usual in all
    /// the country, so that a town with many territories finds what it must give away before these divide the rest.
    #[inline]
    fn smoothing(&self, account: usize, smooth: f64) -> f64 {
        smooth * self.warmth[account].max(smooth)
    }

    fn allowance(&self) -> f64 {
        let limits = self.moves.iter().zip(&self.problem.move_limits);
        limits.map(|(price, limit)| price * limit.most as f64).sum()
    }

    /// The accounts that these prices leave a choice, with the candidates that they leave them, and what is settled: candidates that
    /// are far dearer than an account's cheapest have no share in it, and where one is left the account is there.
    fn open(&self, prices: &[f64], smooth: f64) -> Vec<Open> {
        /// How many times as much as the smoothing a candidate may cost more: its share is a part in ten billion then.
        const FAR: f64 = 25.0;
        let block = |accounts: std::ops::Range<usize>| {
            let mut open = Open { loads: vec![0.0; prices.len()], ..Open::default() };
            let mut values = Vec::new();
            for sampled in accounts {
                let account = sampled * self.stride;
                let own = self.candidates.of(account);
                let least = self.price(account, own.clone(), prices, &mut values);
                let most = least + FAR * self.smoothing(account, smooth);
                let start = open.candidates.len();
                open.candidates
                    .extend(own.zip(&values).filter(|(_, value)| **value <= most).map(|(own, _)| own));
                if open.candidates.len() > start + 1 {
                    open.accounts.push((account, start));
                } else if let Some(first) = open.candidates.pop() {
                    open.cost += least;
                    let at = self.candidates.territories[first] as usize * self.measures;
                    for (measure, load) in self.loads(account, first).iter().enumerate() {
                        open.loads[at + measure] += load;
                        open.cost -= load * prices[at + measure];
                    }
                }
            }
            open
        };
        self.blocks().map(block).collect()
    }

    /// Spreads an account over candidates by the softmin of their priced costs, which `values` become shares of; returns the softmin.
    fn spread(
        &self,
        account: usize,
        candidates: impl Iterator<Item = usize>,
        prices: &[f64],
        smooth: f64,
        values: &mut Vec<f64>,
    ) -> f64 {
        let smooth = self.smoothing(account, smooth);
        let least = self.price(account, candidates, prices, values);
        let mut total = 0.0;
        for value in values.iter_mut() {
            let distance = (*value - least) / smooth;
            *value = if distance < 30.0 { (-distance).exp() } else { 0.0 };
            total += *value;
        }
        values.iter_mut().for_each(|value| *value /= total);
        least - smooth * total.ln()
    }

    /// The smoothed dual and its slope, of what is open.
    fn at(&self, open: &[Open], prices: &[f64], smooth: f64) -> Place {
        let block = |open: &Open| {
            let mut part = Place { value: open.cost, gradient: open.loads.clone() };
            part.value += prices.iter().zip(&open.loads).map(|(price, load)| price * load).sum::<f64>();
            let mut shares = Vec::new();
            for (account, own) in open.each() {
                part.value += self.spread(account, own.iter().copied(), prices, smooth, &mut shares);
                for (candidate, share) in own.iter().zip(&shares) {
                    if *share > 0.0 {
                        let at = self.candidates.territories[*candidate] as usize * self.measures;
                        let loads = self.loads(account, *candidate);
                        let gradient = &mut part.gradient[at..at + self.measures];
                        for measure in 0..self.measures {
                            gradient[measure] += share * loads[measure];
                        }
                    }
                }
            }
            part
        };
        let parts: Vec<Place> = open.par_iter().map(block).collect();
        let times = self.stride as f64;
        let mut place = Place { value: 0.0, gradient: vec![0.0; prices.len()] };
        for part in parts {
            place.value += part.value * times;
            place.gradient.iter_mut().zip(part.gradient).for_each(|(all, part)| *all += part * times);
        }
        place.value -= self.bands(prices, smooth) + self.allowance();
        for (index, price) in prices.iter().enumerate() {
            place.gradient[index] -=
                self.middles[index] + self.widths[index] * price / price.hypot(self.round(index, smooth));
            if self.is_at_most(index, *price, place.gradient[index]) {
                place.gradient[index] = 0.0;
            }
        }
        place
    }

    /// True when a price can go no further the way it wants to go.
    fn is_at_most(&self, index: usize, price: f64, slope: f64) -> bool {
        price.abs() >= self.most[index % self.measures] && price * slope >= 0.0
    }

    /// Prices moved along a direction, as far as each may go.
    fn moved(&self, prices: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
        let step = |(index, (price, part)): (usize, (&f64, &f64))| {
            let most = self.most[index % self.measures];
            (price + length * part).clamp(-most, most)
        };
        prices.iter().zip(direction).enumerate().map(step).collect()
    }

    /// How the slope changes with the prices, negated: positive.
    fn curvature(&self, open: &[Open], prices: &[f64], smooth: f64) -> Curvature {
        /// Shares below this do not count.
        const LEAST: f64 = 1e-3;
        let block = |open: &Open| {
            let mut part = Curvature::new(self.problem.territories, self.measures);
            let (mut shares, mut held) = (Vec::new(), Vec::new());
            for (account, own) in open.each() {
                self.spread(account, own.iter().copied(), prices, smooth, &mut shares);
                let warmth = self.smoothing(account, smooth);
                held.clear();
                for (candidate, share) in own.iter().zip(&shares) {
                    if *share > LEAST && *share < 1.0 - LEAST {
                        let territory = self.candidates.territories[*candidate];
                        held.push((territory, *share, self.loads(account, *candidate)));
                    }
                }
                for (first, (territory, share, own)) in held.iter().enumerate() {
                    part.add(*territory, *territory, share * (1.0 - share) / warmth, own, own);
                    for (other, rest, others) in held.iter().take(first) {
                        if territory < other {
                            part.add(*territory, *other, -share * rest / warmth, own, others);
                        } else {
                            part.add(*other, *territory, -share * rest / warmth, others, own);
                        }
                    }
                }
            }
            part
        };
        let parts: Vec<Curvature> = open.par_iter().map(block).collect();
        let mut all = Curvature::new(self.problem.territories, self.measures);
        parts.iter().for_each(|part| all.append(part, self.stride as f64));
        for (index, price) in prices.iter().enumerate() {
            let round = self.round(index, smooth);
            all.add_diagonal(index, self.widths[index] * round * round / price.hypot(round).powi(3));
        }
        all
    }

    /// Climbs at one smoothing by Newton steps, each as long as it gains what the curvature promises.
    /// Returns the steepest slope that is left.
    fn climb(&self, prices: &mut Vec<f64>, smooth: f64, flat: f64) -> f64 {
        /// How often a step is cut to a quarter before the direction itself is blamed, and how often that is.
        const CUTS: i32 = 6;
        const TRIES: usize = 3;
        /// A curvature at which nothing moves.
        const FIXED: f64 = 1e12;
        let mut damping: f64 = 1e-6;
        let mut open = self.open(prices, smooth);
        let mut place = self.at(&open, prices, smooth);
        for _ in 0..NEWTON_STEPS {
            if place.steepest() < flat {
                break;
            }
            let mut curvature = self.curvature(&open, prices, smooth);
            for (index, price) in prices.iter().enumerate() {
                // What has no slope left and is at its highest stays there.
                if place.gradient[index] == 0.0 && price.abs() >= self.most[index % self.measures] {
                    curvature.add_diagonal(index, FIXED);
                }
            }
            let next = (0..TRIES).find_map(|_| {
                let (direction, _) = curvature.step(&place.gradient, damping);
                let found = (0..CUTS).find_map(|cuts| {
                    let trial = self.moved(prices, &direction, 0.25f64.powi(cuts));
                    let promised: f64 = trial
                        .iter()
                        .zip(prices.iter())
                        .zip(&place.gradient)
                        .map(|((then, now), slope)| (then - now) * slope)
                        .sum();
                    let gains = |there: &Place| there.value - place.value > 0.2 * promised;
                    // What was settled may be open there, which makes the value less.
                    if !gains(&self.at(&open, &trial, smooth)) {
                        return None;
                    }
                    let wide = self.open(&trial, smooth);
                    let there = self.at(&wide, &trial, smooth);
                    gains(&there).then_some((trial, (wide, there), cuts))
                });
                match found {
                    Some((.., 0)) => damping = (damping / 10.0).max(1e-8),
                    Some((.., 1)) => {}
                    Some(_) => damping *= 10.0,
                    None => damping *= 1000.0,
                }
                found
            });
            let Some((trial, there, _)) = next else { break };
            *prices = trial;
            (open, place) = there;
        }
        place.steepest()
    }

    /// Steps along subgradients of the dual without smoothing (Polyak 1969), towards `target`.
    fn polish(&self, prices: &mut Vec<f64>, target: f64, rounds: usize) {
        let mut best = (self.hard(prices), prices.clone());
        let mut current = prices.clone();
        let (mut step, mut since) = (0.5, 0);
        for _ in 0..rounds {
            // A very small smoothing gives one of the subgradients.
            let place = self.at(&self.open(&current, 1e-7), &current, 1e-7);
            let length: f64 = place.gradient.iter().map(|part| part * part).sum();
            if length <= 1e-18 {
                break;
            }
            let pace = step * (target - best.0).max(best.0.abs() * 1e-6) / length;
            current = self.moved(&current, &place.gradient, pace);
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

    /// What counts in a limit on moves when each account picks its cheapest candidate.
    fn movers(&self, prices: &[f64], limit: usize) -> i64 {
        let mut values = Vec::new();
        let mut movers = 0i64;
        for sampled in 0..self.sampled() {
            let account = sampled * self.stride;
            self.price(account, self.candidates.of(account), prices, &mut values);
            let best = self.candidates.of(account).zip(&values).min_by(|a, b| a.1.total_cmp(b.1));
            let counted = |(candidate, _): (usize, &f64)| {
                self.problem.counted(limit, account, self.candidates.territories[candidate] as usize)
            };
            let times = i64::try_from(self.stride).unwrap_or(1);
            movers = movers.saturating_add(best.map_or(0, counted).saturating_mul(times));
        }
        movers
    }

    /// Whole prices in the units of this dual.
    fn scaled(&self, prices: &Prices) -> Vec<f64> {
        let unit = prices.unit();
        let scaled = |territory: usize| {
            let own = prices.bands.iter().zip(&self.load_scales);
            own.map(move |(own, scale)| own[territory] as f64 * unit * scale / self.cost_scale)
        };
        (0..self.problem.territories).flat_map(scaled).collect()
    }

    fn prices(&self, prices: &[f64]) -> Prices {
        let of = |measure: usize, scale: &f64| {
            let own = prices.iter().skip(measure).step_by(self.measures);
            own.map(|price| price * self.cost_scale / scale).collect()
        };
        let bands = self.load_scales.iter().enumerate().map(|(measure, scale)| of(measure, scale)).collect();
        let moves: Vec<f64> = self.moves.iter().map(|price| price * self.cost_scale).collect();
        Prices::whole(bands, &moves).within(self.problem)
    }
}

/// How far the first candidates of an account differ in cost: the scale on which prices decide about it.
#[expect(clippy::cast_precision_loss, reason = "a scale")]
fn spread(candidates: &Candidates, account: usize) -> f64 {
    /// The candidate that is compared with the first.
    const NEXT: usize = 3;
    let costs = &candidates.costs[candidates.of(account)];
    costs.get(NEXT).or(costs.last()).map_or(0.0, |next| (next - costs[0]) as f64)
}

/// Prices for the candidates: from nothing, or from prices that nearly fit. Rounds of subgradients follow where they are asked for.
pub(super) fn prices(
    problem: &Problem,
    candidates: &Candidates,
    start: Option<&Prices>,
    Effort { polish, rough, .. }: Effort,
) -> Prices {
    if problem.accounts() == 0 || problem.territories == 0 {
        return Prices::zero(problem);
    }
    let mut dual = Dual::new(problem, candidates);
    let nothing = || vec![0.0; problem.territories * dual.measures];
    let mut prices = start.map_or_else(nothing, |start| dual.scaled(start));
    let first = if start.is_some() { WARM } else { 0 };
    let (last, flat) = if rough { (ROUGH, ARRIVED) } else { (LEVELS.len(), FLAT) };
    let climb = |dual: &mut Dual<'_>, prices: &mut Vec<f64>, levels: std::ops::Range<usize>| {
        let (mut level, mut reheats) = (levels.start, REHEATS);
        while level < levels.end {
            let sample = (SAMPLE << (level / 2)).max(OF_TERRITORY * problem.territories);
            dual.stride = problem.accounts().div_ceil(sample);
            let mut left = f64::INFINITY;
            let arrived = loop {
                let steepest = dual.climb(prices, LEVELS[level], flat);
                // What comes nearer goes on; what does not is looked at from a place with more smoothing.
                if steepest < ARRIVED || steepest > left / 2.0 {
                    break steepest < ARRIVED;
                }
                left = steepest;
            };
            if arrived || reheats == 0 || level == 0 {
                level += 1;
            } else {
                reheats -= 1;
                level = level.saturating_sub(HOTTER);
            }
        }
        dual.stride = 1;
    };
    if dual.measures > 0 {
        climb(&mut dual, &mut prices, first..last);
    }
    for (index, limit) in problem.move_limits.iter().enumerate() {
        if dual.movers(&prices, index) <= limit.most {
            continue;
        }
        // The price of a move, between one at which too much moves and one at which little enough does.
        let mean = limit.total(problem.accounts()) as f64 / problem.accounts() as f64;
        let (mut low, mut high) = (0.0, 1.0 / mean.max(f64::MIN_POSITIVE));
        for _ in 0..40 {
            dual.moves[index] = high;
            climb(&mut dual, &mut prices, TRIED);
            if dual.movers(&prices, index) <= limit.most {
                break;
            }
            (low, high) = (high, high * 2.0);
        }
        for _ in 0..10 {
            dual.moves[index] = f64::midpoint(low, high);
            climb(&mut dual, &mut prices, TRIED);
            let little = dual.movers(&prices, index) <= limit.most;
            if little { high = dual.moves[index] } else { low = dual.moves[index] }
        }
        dual.moves[index] = high;
        climb(&mut dual, &mut prices, WARM..last);
    }
    if polish > 0 && dual.measures > 0 {
        let value = dual.hard(&prices);
        dual.polish(&mut prices, value + 0.002 * value.abs(), polish);
    }
    dual.prices(&prices)
}
