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
use super::problem::{FORBIDDEN, Loads, Problem};

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

    /// The cheapest territory of an account at these prices, and its cost with them.
    #[must_use]
    pub fn cheapest(&self, problem: &Problem, account: usize) -> Option<(i128, usize)> {
        (0..problem.territories)
            .filter_map(|territory| Some((self.of(problem, account, territory)?, territory)))
            .min()
    }

    /// The two cheapest territories of every account, with its costs there; numbers that are nearly right, and what a block of
    /// accounts costs at least, rule out most territories, which makes this many times faster than [`Prices::cheapest`].
    #[must_use]
    pub fn cheapest_two(&self, problem: &Problem) -> Vec<[Option<(i128, usize)>; 2]> {
        let nearly = NearlyPrices::of(self);
        let of_block = |block: &Block| {
            let least = block.least(problem);
            let mut values = Vec::new();
            let two = |account: &usize| (*account, self.two(problem, &nearly, *account, &least, &mut values));
            block.accounts.iter().map(two).collect::<Vec<_>>()
        };
        let found: Vec<Vec<_>> = blocks(problem).par_iter().map(of_block).collect();
        let mut all = vec![[None; 2]; problem.accounts()];
        found.into_iter().flatten().for_each(|(account, two)| all[account] = two);
        all
    }

    /// The two cheapest territories of an account, where its costs are known at least, nearly.
    #[expect(clippy::cast_precision_loss, reason = "what is close is looked at exactly")]
    fn two(
        &self,
        problem: &Problem,
        nearly: &NearlyPrices,
        account: usize,
        least: &[f64],
        values: &mut Vec<f64>,
    ) -> [Option<(i128, usize)>; 2] {
        if let Some(locked) = problem.locked[account] {
            return [self.of(problem, account, locked).map(|value| (value, locked)), None];
        }
        values.clear();
        values.extend_from_slice(least);
        problem.add_moves(account, values);
        let largest = nearly.add(problem, &[account], values);
        // What rounding can do to the sum is in proportion to its largest part.
        let limit =
            |value: f64| value + 2.0 * (problem.error(account, value.abs() + largest) + 1e-9 * largest);
        let (mut first, mut second) = (f64::INFINITY, f64::INFINITY);
        for value in values.iter() {
            if *value < first {
                (first, second) = (*value, first);
            } else if *value < second {
                second = *value;
            }
        }
        let mut best: [Option<(i128, usize)>; 2] = [None, None];
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
        // The two most promising ones say which others are worth a look.
        let mut most = f64::INFINITY;
        for (territory, _) in values.iter().enumerate().filter(|(_, value)| **value <= second) {
            most = look(territory);
        }
        let others =
            values.iter().copied().enumerate().filter(|(_, value)| *value > second && *value <= most);
        let mut others: Vec<(usize, f64)> = others.filter(|(_, value)| value.is_finite()).collect();
        others.sort_unstable_by(|one, other| one.1.total_cmp(&other.1));
        for (territory, value) in others {
            if value > most {
                break;
            }
            most = look(territory);
        }
        best
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
    /// accounts. Returns what no part of it exceeds, whatever its sign.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn add(&self, problem: &Problem, accounts: &[usize], values: &mut [f64]) -> f64 {
        let mut largest = 0.0;
        for ((measure, prices), highest) in problem.measures.iter().zip(&self.bands).zip(&self.highest) {
            match &measure.loads {
                Loads::Account(loads) => {
                    let load = accounts.iter().map(|account| loads[*account] as f64).sum::<f64>()
                        / accounts.len() as f64;
                    values.iter_mut().zip(prices).for_each(|(value, price)| *value += price * load);
                    largest += highest * load;
                }
                Loads::Pair(loads) => {
                    let own = &loads[accounts[0] * problem.territories..][..problem.territories];
                    for ((value, price), load) in values.iter_mut().zip(prices).zip(own) {
                        *value += price * *load as f64;
                    }
                    largest += highest * own.iter().max().map_or(0.0, |most| *most as f64);
                }
            }
        }
        if let [account] = accounts {
            for (limit, price) in self.moves.iter().enumerate().filter(|(_, price)| **price != 0.0) {
                let mut most = 0;
                for (territory, value) in values.iter_mut().enumerate() {
                    let counted = problem.counted(limit, *account, territory);
                    *value += price * counted as f64;
                    most = most.max(counted);
                }
                largest += price * most as f64;
            }
        }
        largest
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
    let cheapest = |account: usize| prices.cheapest(problem, account).map_or(0, |(value, _)| value);
    settle(problem, prices, (0..problem.accounts()).into_par_iter().map(cheapest).sum())
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
