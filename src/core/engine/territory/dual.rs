//! The lower bound: prices on the bands of a transportation problem.
//!
//! With a price for every band (positive: the upper end binds, negative: the lower end) and one on moves, each account
//! picks its cheapest territory on its own. The value, less what the prices allow the bands, never exceeds the cost of
//! any feasible assignment (Lagrangian duality; the assignment is a generalised power diagram: Aurenhammer, Hoffmann,
//! Aronov 1998; Brieden, Gritzmann, Klemm 2017). Prices are whole multiples of 2^-40 cost units (or of a larger power of two), so that anybody can
//! evaluate the bound again without rounding.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::problem::{FORBIDDEN, Problem};

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

    /// The two cheapest territories of every account, with its costs there; numbers that are nearly right rule out most
    /// territories, which makes this many times faster than [`Prices::cheapest`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "what is close is looked at exactly")]
    pub fn cheapest_two(&self, problem: &Problem) -> Vec<[Option<(i128, usize)>; 2]> {
        let unit = self.unit();
        let bands: Vec<Vec<f64>> = self
            .bands
            .iter()
            .map(|prices| prices.iter().map(|price| *price as f64 * unit).collect())
            .collect();
        let cheapest = |values: &mut Vec<f64>, account: usize| {
            if let Some(locked) = problem.locked[account] {
                return [self.of(problem, account, locked).map(|value| (value, locked)), None];
            }
            values.resize(problem.territories, 0.0);
            problem.nearly(account, values);
            // What rounding can do to the sum is in proportion to its largest part.
            let (mut first, mut second, mut largest) = (f64::INFINITY, f64::INFINITY, 0f64);
            for (territory, value) in values.iter_mut().enumerate() {
                let mut sum = 0.0;
                for (measure, prices) in bands.iter().enumerate() {
                    sum += prices[territory] * problem.load(measure, account, territory) as f64;
                }
                for (limit, price) in self.moves.iter().enumerate().filter(|(_, price)| **price != 0) {
                    sum += *price as f64 * unit * problem.counted(limit, account, territory) as f64;
                }
                largest = largest.max(sum.abs());
                *value += sum;
                if *value < first {
                    (first, second) = (*value, first);
                } else if *value < second {
                    second = *value;
                }
            }
            let least = if second.is_finite() { second } else { first };
            let room = problem.error(account, least.abs() + largest) + 1e-9 * largest;
            let limit = least + 2.0 * room;
            let close = values.iter().enumerate().filter(|(_, value)| **value <= limit);
            let mut best = [None, None];
            for (territory, _) in close {
                let Some(value) = self.of(problem, account, territory) else { continue };
                let next = Some((value, territory));
                if best[0].is_none_or(|first| (value, territory) < first) {
                    best = [next, best[0]];
                } else if best[1].is_none_or(|second| (value, territory) < second) {
                    best[1] = next;
                }
            }
            best
        };
        (0..problem.accounts()).into_par_iter().map_init(Vec::new, cheapest).collect()
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
