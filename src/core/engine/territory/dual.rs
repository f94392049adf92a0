//! The lower bound: prices on the bands of a transportation problem.
//!
//! With a price for every band (positive: the upper end binds, negative: the lower end) and one on moves, each account
//! picks its cheapest territory on its own. The value, less what the prices allow the bands, never exceeds the cost of
//! any feasible assignment (Lagrangian duality; the assignment is a generalised power diagram: Aurenhammer, Hoffmann,
//! Aronov 1998; Brieden, Gritzmann, Klemm 2017). Prices are whole multiples of 2^-40 cost units (or of a larger power of two), so that anybody can
//! evaluate the bound again without rounding.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::blocks::{Block, blocks};
use super::problem::{FORBIDDEN, Loads, Measure, Problem};
use super::travel::Straight;

/// Prices count 2^-40 of a cost unit, or larger parts where 64 bits ask for that.
const MOST_BITS: u32 = 40;

/// The certificate of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Price of a unit of load by measure, then territory.
    pub bands: Vec<Vec<i64>>,
    /// Price of what a move counts in each limit on moves, zero or more.
    pub moves: Vec<i64>,
    /// They count 2^-bits of a cost unit.
    pub bits: u32,
}

impl Prices {
    /// No prices at all: they prove what every account costs at its cheapest.
    #[must_use]
    pub fn zero(problem: &Problem) -> Self {
        Self {
            bands: vec![vec![0; problem.territories]; problem.measures.len()],
            moves: vec![0; problem.move_limits.len()],
            bits: MOST_BITS,
        }
    }

    /// With prices of bands that are wishes no higher than what it costs to be beyond them: nobody pays more.
    pub(super) fn within(mut self, problem: &Problem) -> Self {
        for (measure, own) in problem.measures.iter().zip(&mut self.bands) {
            if let Some(penalty) = measure.penalty {
                let most = (i128::from(penalty.numerator) << self.bits) / i128::from(penalty.denominator);
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                own.iter_mut().for_each(|price| *price = (*price).clamp(-most, most));
            }
        }
        self
    }

    /// Whether no price is above what it costs to be beyond a band: then they prove a bound.
    fn are_within(&self, problem: &Problem) -> bool {
        problem.measures.iter().zip(&self.bands).all(|(measure, own)| {
            measure.penalty.is_none_or(|penalty| {
                let most = i128::from(penalty.numerator) << self.bits;
                own.iter().all(|price| i128::from(*price).abs() * i128::from(penalty.denominator) <= most)
            })
        })
    }

    /// Of prices in cost units, by measure, then territory; any number is a valid price of a limit.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    pub(super) fn whole(bands: Vec<Vec<f64>>, moves: &[f64]) -> Self {
        /// Prices stay below 2 to this.
        const WIDTH: f64 = 60.0;
        let largest =
            bands.iter().flatten().chain(moves).fold(0.0, |largest: f64, price| largest.max(price.abs()));
        let mut bits = MOST_BITS;
        while bits > 0 && largest * 2f64.powi(bits.cast_signed()) > WIDTH.exp2() {
            bits -= 1;
        }
        let limit = WIDTH.exp2();
        let whole = |price: f64| (price * 2f64.powi(bits.cast_signed())).clamp(-limit, limit) as i64;
        let bands = bands.into_iter().map(|own| own.into_iter().map(whole).collect()).collect();
        Self { bands, moves: moves.iter().copied().map(whole).collect(), bits }
    }

    /// What prices count, in cost units.
    #[must_use]
    pub fn unit(&self) -> f64 {
        2f64.powi(-self.bits.cast_signed())
    }

    /// Cost of an account in a territory with what its load and its move are worth, in 2^-bits.
    #[must_use]
    pub fn of(&self, problem: &Problem, account: usize, territory: usize) -> Option<i128> {
        let cost = problem.cost(account, territory);
        if cost == FORBIDDEN {
            return None;
        }
        let mut value = i128::from(cost) << self.bits;
        for (measure, prices) in self.bands.iter().enumerate() {
            value += i128::from(prices[territory]) * i128::from(problem.load(measure, account, territory));
        }
        for (limit, price) in self.moves.iter().enumerate() {
            value += i128::from(*price) * i128::from(problem.counted(limit, account, territory));
        }
        Some(value)
    }

    /// What the cheapest territory of an account costs at these prices: every one is asked, and worked out exactly where a straight
    /// line there does not cost more already.
    #[expect(clippy::cast_precision_loss, reason = "what is close is looked at exactly")]
    fn cheapest(
        &self,
        problem: &Problem,
        nearly: &NearlyPrices,
        straight: &Straight<'_>,
        account: usize,
        values: &mut Vec<f64>,
    ) -> Option<i128> {
        straight.costs(account, values);
        nearly.add(problem, &[account], values);
        let largest = nearly.largest(problem, account);
        let mut best: Option<i128> = None;
        let mut most = f64::INFINITY;
        for (territory, value) in values.iter().enumerate() {
            if *value > most {
                continue;
            }
            let Some(value) = self.of(problem, account, territory) else { continue };
            if best.is_none_or(|best| value < best) {
                best = Some(value);
                let value = value as f64 * nearly.unit;
                most = value + 1e-9 * (value.abs() + largest) + 1.0;
            }
        }
        best
    }

    /// The two cheapest territories of every account, with its costs there; numbers that are nearly right, and what a block of
    /// accounts costs at least, rule out most territories, which makes this many times faster than asking all.
    #[must_use]
    pub fn cheapest_two(&self, problem: &Problem) -> Vec<[Option<(i128, usize)>; 2]> {
        let nearly = NearlyPrices::of(self);
        let of_block = |block: &Block| {
            let near = Near::of(problem, &nearly, block);
            let two = |account: &usize| (*account, self.two(problem, &nearly, *account, &near));
            block.accounts.iter().map(two).collect::<Vec<_>>()
        };
        let found: Vec<Vec<_>> = blocks(problem).par_iter().map(of_block).collect();
        let mut all = vec![[None; 2]; problem.accounts()];
        found.into_iter().flatten().for_each(|(account, two)| all[account] = two);
        all
    }

    /// The two cheapest territories of an account of a block.
    #[expect(clippy::cast_precision_loss, reason = "what is close is looked at exactly")]
    fn two(
        &self,
        problem: &Problem,
        nearly: &NearlyPrices,
        account: usize,
        near: &Near,
    ) -> [Option<(i128, usize)>; 2] {
        if let Some(locked) = problem.locked[account] {
            return [self.of(problem, account, locked).map(|value| (value, locked)), None];
        }
        let mut best: [Option<(i128, usize)>; 2] = [None, None];
        let largest = nearly.largest(problem, account);
        // What rounding can do to the sum is in proportion to its largest part.
        let limit =
            |value: f64| value + 2.0 * (problem.error(account, value.abs() + largest) + 1e-9 * largest);
        let mut look = |territory: usize| {
            if let Some(value) = self.of(problem, account, territory) {
                let next = (value, territory);
                if best[0].is_none_or(|first| next < first) {
                    best = [Some(next), best[0]];
                } else if best[1].is_none_or(|second| next < second) {
                    best[1] = Some(next);
                }
            }
            best[1].map_or(f64::INFINITY, |(value, _)| limit(value as f64 * nearly.unit))
        };
        let mut most = f64::INFINITY;
        let stands = problem.current[account];
        if let Some(current) = stands {
            most = look(current);
        }
        let away = if stands.is_some() { problem.move_cost(account) as f64 } else { 0.0 };
        let pairs = nearly.least_of_pairs(problem, account);
        for (rank, (least, territory)) in near.territories.iter().enumerate() {
            if least + away + pairs + near.rest(problem, account, rank) > most {
                break;
            }
            let value = least + away + nearly.of_pair(problem, account, *territory);
            if value <= most && stands != Some(*territory) {
                most = look(*territory);
            }
        }
        best
    }
}

/// The territories of a block: what each costs any of its accounts at least, moves apart, cheapest first.
struct Near {
    territories: Vec<(f64, usize)>,
    /// The lowest price of a territory and those that follow, by measure, then rank; see [`Near::rest`].
    prices: Vec<Vec<f64>>,
}

impl Near {
    fn of(problem: &Problem, nearly: &NearlyPrices, block: &Block) -> Self {
        let least = block.least(problem).into_iter().enumerate();
        let mut territories: Vec<(f64, usize)> = least.map(|(territory, least)| (least, territory)).collect();
        territories.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let lowest = |own: &Vec<f64>| {
            let mut lowest: Vec<f64> = territories.iter().map(|(_, territory)| own[*territory]).collect();
            for rank in (1..lowest.len()).rev() {
                lowest[rank - 1] = lowest[rank - 1].min(lowest[rank]);
            }
            lowest
        };
        let prices = nearly.bands.iter().map(lowest).collect();
        Self { territories, prices }
    }

    /// The least that prices add to what an account costs in the territory of a rank or one that follows, of loads that are the same
    /// everywhere.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    fn rest(&self, problem: &Problem, account: usize, rank: usize) -> f64 {
        let of = |(measure, own): (&Measure, &Vec<f64>)| match &measure.loads {
            Loads::Account(loads) => own[rank] * loads[account] as f64,
            Loads::Pair(_) => 0.0,
        };
        problem.measures.iter().zip(&self.prices).map(of).sum()
    }
}

/// Prices in cost units, nearly.
pub(super) struct NearlyPrices {
    /// Of bands, by measure, then territory.
    bands: Vec<Vec<f64>>,
    /// The highest of each measure, whatever its sign.
    highest: Vec<f64>,
    /// By limit on moves.
    moves: Vec<f64>,
    /// What whole prices count.
    unit: f64,
}

impl NearlyPrices {
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn of(prices: &Prices) -> Self {
        let unit = prices.unit();
        let scaled = |own: &Vec<i64>| own.iter().map(|price| *price as f64 * unit).collect();
        let bands: Vec<Vec<f64>> = prices.bands.iter().map(scaled).collect();
        let highest = |own: &Vec<f64>| own.iter().fold(0.0, |most: f64, price| most.max(price.abs()));
        Self { highest: bands.iter().map(highest).collect(), bands, moves: scaled(&prices.moves), unit }
    }

    /// Adds to values by territory what the load of accounts is worth there, and the move of an account by itself: the mean over the
    /// accounts.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn add(&self, problem: &Problem, accounts: &[usize], values: &mut [f64]) {
        for (measure, prices) in problem.measures.iter().zip(&self.bands) {
            match &measure.loads {
                Loads::Account(loads) => {
                    let load = accounts.iter().map(|account| loads[*account] as f64).sum::<f64>()
                        / accounts.len() as f64;
                    values.iter_mut().zip(prices).for_each(|(value, price)| *value += price * load);
                }
                Loads::Pair(loads) => {
                    let own = &loads[accounts[0] * problem.territories..][..problem.territories];
                    for ((value, price), load) in values.iter_mut().zip(prices).zip(own) {
                        *value += price * *load as f64;
                    }
                }
            }
        }
        if let [account] = accounts {
            for (limit, price) in self.moves.iter().enumerate().filter(|(_, price)| **price != 0.0) {
                for (territory, value) in values.iter_mut().enumerate() {
                    *value += price * problem.counted(limit, *account, territory) as f64;
                }
            }
        }
    }

    /// The least that prices add to the cost of an account, of loads by pair.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    fn least_of_pairs(&self, problem: &Problem, account: usize) -> f64 {
        let of = |(measure, price): (&Measure, &f64)| match &measure.loads {
            Loads::Account(_) => 0.0,
            Loads::Pair(_) => -price * problem.most(&measure.loads, account) as f64,
        };
        problem.measures.iter().zip(&self.highest).map(of).sum()
    }

    /// What no part that prices add to the cost of an account exceeds, whatever its sign.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    fn largest(&self, problem: &Problem, account: usize) -> f64 {
        let bands = problem.measures.iter().zip(&self.highest);
        let bands = bands.map(|(measure, price)| price * problem.most(&measure.loads, account) as f64);
        let moves = problem.move_limits.iter().zip(&self.moves);
        let moves = moves.map(|(limit, price)| price * problem.most(&limit.loads, account) as f64);
        bands.sum::<f64>() + moves.sum::<f64>()
    }

    /// What the load of an account is worth in a territory, and its move.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn of_pair(&self, problem: &Problem, account: usize, territory: usize) -> f64 {
        let bands = self.bands.iter().enumerate();
        let loads =
            bands.map(|(measure, own)| own[territory] * problem.load(measure, account, territory) as f64);
        let moves = self.moves.iter().enumerate().filter(|(_, price)| **price != 0.0);
        let moves = moves.map(|(limit, price)| price * problem.counted(limit, account, territory) as f64);
        loads.sum::<f64>() + moves.sum::<f64>()
    }
}

/// The bound that prices prove, exactly, rounded up to a whole cost (costs are whole): valid for any prices of limits, and for prices
/// of wishes up to what it costs to be beyond them (else nothing is proven).
#[must_use]
pub fn bound(problem: &Problem, prices: &Prices) -> i128 {
    if let Some(groups) = &problem.groups {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        groups
            .iter()
            .enumerate()
            .for_each(|(account, group)| members.entry(*group).or_default().push(account));
        let members: Vec<Vec<usize>> = members.into_values().collect();
        // A group goes whole, so it picks one territory for all its accounts.
        let cheapest = |own: &Vec<usize>| {
            let together = |territory: usize| {
                own.iter().map(|account| prices.of(problem, *account, territory)).sum::<Option<i128>>()
            };
            (0..problem.territories).filter_map(together).min().unwrap_or(0)
        };
        return settle(problem, prices, members.par_iter().map(cheapest).sum());
    }
    let (nearly, straight) = (NearlyPrices::of(prices), Straight::of(problem));
    let cheapest = |values: &mut Vec<f64>, account: usize| {
        prices.cheapest(problem, &nearly, &straight, account, values).unwrap_or(0)
    };
    settle(problem, prices, (0..problem.accounts()).into_par_iter().map_init(Vec::new, cheapest).sum())
}

/// The bound, when the cheapest territories of all accounts are known.
pub(super) fn bound_of(problem: &Problem, prices: &Prices, cheapest: &[[Option<(i128, usize)>; 2]]) -> i128 {
    settle(problem, prices, cheapest.iter().filter_map(|[first, _]| Some(first.as_ref()?.0)).sum())
}

/// The bound, from the sum of what all accounts cost at their cheapest.
fn settle(problem: &Problem, prices: &Prices, mut value: i128) -> i128 {
    if !prices.are_within(problem) {
        return 0;
    }
    for (measure, own) in problem.measures.iter().zip(&prices.bands) {
        for (band, price) in measure.bands.iter().zip(own) {
            let end = if *price > 0 { band.high } else { band.low };
            value -= i128::from(*price) * end;
        }
    }
    for (limit, price) in problem.move_limits.iter().zip(&prices.moves) {
        value -= i128::from(*price) * i128::from(limit.most);
    }
    // No cost is below zero.
    (-((-value) >> prices.bits)).max(0)
}
