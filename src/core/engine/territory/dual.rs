//! The lower bound: prices on the bands of a transportation problem, raised by subgradient steps.
//!
//! With a price for every band (positive: the upper end binds, negative: the lower end) and one on moves, each account
//! picks its cheapest territory on its own. The value, less what the prices allow the bands, never exceeds the cost of
//! any feasible assignment (Lagrangian duality; the assignment is a generalised power diagram: Aurenhammer, Hoffmann,
//! Aronov 1998; Brieden, Gritzmann, Klemm 2017). Prices are whole multiples of 2^-40 cost units, so that anybody can
//! evaluate the bound again without rounding.

use super::problem::Problem;

/// Prices count 2^-PRICE_BITS of a cost unit.
pub const PRICE_BITS: u32 = 40;

/// The certificate of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Price of a unit of load by measure, then territory.
    pub bands: Vec<Vec<i64>>,
    /// Price of a move, zero or more.
    pub moves: i64,
}

/// The bound that prices prove, exactly, rounded up to a whole cost (costs are whole): valid for any prices.
#[must_use]
pub fn bound(problem: &Problem, prices: &Prices) -> i128 {
    let mut value: i128 = 0;
    for account in 0..problem.accounts() {
        let best = (0..problem.territories)
            .filter(|territory| problem.allows(account, *territory))
            .map(|territory| priced(problem, prices, account, territory));
        value += best.min().unwrap_or(0);
    }
    for (measure, prices) in problem.measures.iter().zip(&prices.bands) {
        for (band, price) in measure.bands.iter().zip(prices) {
            let end = if *price > 0 { band.high } else { band.low };
            value -= i128::from(*price) * end;
        }
    }
    if let Some(moves) = problem.max_moves {
        value -= i128::from(prices.moves) * i128::try_from(moves).unwrap_or(0);
    }
    -((-value) >> PRICE_BITS)
}

fn priced(problem: &Problem, prices: &Prices, account: usize, territory: usize) -> i128 {
    let mut cost = i128::from(problem.cost(account, territory)) << PRICE_BITS;
    for (measure, prices) in problem.measures.iter().zip(&prices.bands) {
        cost += i128::from(prices[territory]) * i128::from(measure.loads[account]);
    }
    if problem.max_moves.is_some() && problem.moves(account, territory) {
        cost += i128::from(prices.moves);
    }
    cost
}

/// Raises the prices for a number of rounds; gives the best prices found and the assignment that they induce.
/// `upper` is the cost of some assignment, which sets the length of a step (Polyak 1969).
#[must_use]
pub fn raise(problem: &Problem, rounds: u32, upper: i128) -> (Prices, Vec<usize>) {
    let scales: Vec<f64> = problem.measures.iter().map(|measure| scale(&measure.loads)).collect();
    let mut state =
        State { prices: vec![vec![0.0; problem.territories]; problem.measures.len()], moves: 0.0 };
    let mut best = (f64::NEG_INFINITY, state.clone(), vec![0; problem.accounts()]);
    let mut step = 1.0;
    let mut since_better = 0;
    for _ in 0..rounds {
        let picked = pick(problem, &state, &scales);
        let (value, gradient, move_gradient) = slope(problem, &state, &scales, &picked);
        if value > best.0 {
            best = (value, state.clone(), picked.iter().map(|(territory, _)| *territory).collect());
            since_better = 0;
        } else {
            since_better += 1;
            if since_better == 15 {
                step /= 2.0;
                since_better = 0;
                state = best.1.clone();
                continue;
            }
        }
        let length: f64 =
            gradient.iter().flatten().map(|part| part * part).sum::<f64>() + move_gradient * move_gradient;
        if length <= 0.0 || step < 1e-6 {
            break;
        }
        #[expect(clippy::cast_precision_loss, reason = "only the length of a step")]
        let target = upper as f64;
        let pace = step * (target - value).max(target.abs() * 1e-6).max(1.0) / length;
        for (prices, gradient) in state.prices.iter_mut().zip(&gradient) {
            for (price, part) in prices.iter_mut().zip(gradient) {
                *price += pace * part;
            }
        }
        state.moves = (state.moves + pace * move_gradient).max(0.0);
    }
    let prices = Prices {
        bands: best
            .1
            .prices
            .iter()
            .zip(&scales)
            .map(|(prices, scale)| prices.iter().map(|price| whole(price / scale)).collect())
            .collect(),
        moves: whole(best.1.moves),
    };
    (prices, best.2)
}

#[derive(Clone)]
struct State {
    /// Price of a load of one scale.
    prices: Vec<Vec<f64>>,
    moves: f64,
}

/// The mean load, so that prices of different measures are of one size.
fn scale(loads: &[i64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a scale, not a load")]
    let mean = loads.iter().map(|load| *load as f64).sum::<f64>() / loads.len().max(1) as f64;
    if mean > 0.0 { mean } else { 1.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and any price is valid")]
fn whole(price: f64) -> i64 {
    let limit = 2f64.powi(60);
    (price * 2f64.powi(PRICE_BITS.cast_signed())).clamp(-limit, limit) as i64
}

#[expect(clippy::cast_precision_loss, reason = "the search may be inexact, the bound is not")]
fn pick(problem: &Problem, state: &State, scales: &[f64]) -> Vec<(usize, f64)> {
    (0..problem.accounts())
        .map(|account| {
            let mut best = (0, f64::INFINITY);
            for territory in 0..problem.territories {
                if !problem.allows(account, territory) {
                    continue;
                }
                let mut cost = problem.cost(account, territory) as f64;
                for ((measure, prices), scale) in problem.measures.iter().zip(&state.prices).zip(scales) {
                    cost += prices[territory] * measure.loads[account] as f64 / scale;
                }
                if problem.moves(account, territory) {
                    cost += state.moves;
                }
                if cost < best.1 {
                    best = (territory, cost);
                }
            }
            best
        })
        .collect()
}

/// Value of the dual, its slope by band, its slope by the price of moves.
#[expect(clippy::cast_precision_loss, reason = "the search may be inexact, the bound is not")]
fn slope(
    problem: &Problem,
    state: &State,
    scales: &[f64],
    picked: &[(usize, f64)],
) -> (f64, Vec<Vec<f64>>, f64) {
    let mut value: f64 = picked.iter().map(|(_, cost)| cost).sum();
    let mut slopes = Vec::new();
    for ((measure, prices), scale) in problem.measures.iter().zip(&state.prices).zip(scales) {
        let mut loads = vec![0.0; problem.territories];
        for (account, (territory, _)) in picked.iter().enumerate() {
            loads[*territory] += measure.loads[account] as f64 / scale;
        }
        let mut slope = vec![0.0; problem.territories];
        for territory in 0..problem.territories {
            let (low, high) =
                (measure.bands[territory].low as f64 / scale, measure.bands[territory].high as f64 / scale);
            let price = prices[territory];
            value -= price * if price > 0.0 { high } else { low };
            // At price zero either end may be exceeded; else the end that the price belongs to decides.
            slope[territory] = match price {
                _ if loads[territory] > high => loads[territory] - high,
                _ if loads[territory] < low => loads[territory] - low,
                price if price > 0.0 => loads[territory] - high,
                price if price < 0.0 => loads[territory] - low,
                _ => 0.0,
            };
        }
        slopes.push(slope);
    }
    let mut moves = 0.0;
    if let Some(limit) = problem.max_moves {
        let moved = picked
            .iter()
            .enumerate()
            .filter(|(account, (territory, _))| problem.moves(*account, *territory))
            .count();
        value -= state.moves * limit as f64;
        moves = moved as f64 - limit as f64;
        if state.moves <= 0.0 && moves < 0.0 {
            moves = 0.0;
        }
    }
    (value, slopes, moves)
}
