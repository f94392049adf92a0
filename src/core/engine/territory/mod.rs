//! Territories: accounts divided among territories within bands on several measures, at the least cost found, with a
//! certified lower bound (floor 2).
//!
//! The problem is a multi-resource generalised assignment. A Lagrangian dual with a price for each band gives the bound
//! and a first assignment; shifts and swaps repair and improve it and the assignment of today; a seeded iterated local
//! search goes on from the better of the two. The order of priority is: limits first, then cost.

mod dual;
mod problem;
mod search;
mod verify;

#[cfg(test)]
mod tests;

pub use dual::{PRICE_BITS, Prices, bound};
pub use problem::{Band, Measure, Problem, distance_metres};
pub use verify::verify;

use search::{Random, Score, State};

/// How long to search. Iterations, never a clock: the same settings give the same answer on any machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rounds of the dual.
    pub dual_rounds: u32,
    /// Rounds of the search.
    pub iterations: u32,
    /// Seed of the search.
    pub seed: u64,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Territory of each account.
    pub assignment: Vec<usize>,
    /// True when every limit holds.
    pub feasible: bool,
    /// Cost of the assignment.
    pub objective: i128,
    /// No feasible assignment costs less.
    pub bound: i128,
    /// What proves the bound.
    pub prices: Prices,
    /// Accounts that leave their territory of today.
    pub moves: usize,
    /// Seed of the search.
    pub seed: u64,
}

/// Partners that a swap tries for each account of a large problem.
const SWAP_PARTNERS: usize = 64;
/// Problems up to this many accounts try every swap.
const ALL_SWAPS: usize = 1_000;

/// Divides the accounts. `progress` is told each round of the search.
#[must_use]
pub fn solve(problem: &Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let mut random = Random(settings.seed);
    let swaps = if problem.accounts() <= ALL_SWAPS { problem.accounts() } else { SWAP_PARTNERS };
    let start = |account: usize| {
        problem.locked[account].or(problem.current[account]).unwrap_or_else(|| nearest(problem, account))
    };
    let today = (0..problem.accounts()).map(start).collect();
    let mut best = State::new(problem, today);
    best.descend(swaps, &mut random);
    let (prices, induced) = dual::raise(problem, settings.dual_rounds, best.score().1);
    if problem.accounts() > 0 {
        let mut other = State::new(problem, induced);
        other.descend(swaps, &mut random);
        if other.score() < best.score() {
            best = other;
        }
        let count = (problem.accounts() / 100).clamp(2, 20);
        let proven = bound(problem, &prices);
        for round in 0..settings.iterations {
            progress(round);
            if is_proven(best.score(), proven) {
                break;
            }
            let mut trial = best.clone();
            trial.shake(count, &mut random);
            trial.descend(swaps.min(SWAP_PARTNERS), &mut random);
            if trial.score() < best.score() {
                best = trial;
            }
        }
        best.descend(swaps, &mut random);
    }
    let (violation, objective) = best.score();
    let assignment = best.assignment;
    let moves = assignment
        .iter()
        .enumerate()
        .filter(|(account, territory)| problem.moves(*account, **territory))
        .count();
    let bound = bound(problem, &prices);
    Outcome { assignment, feasible: violation == 0, objective, bound, prices, moves, seed: settings.seed }
}

fn is_proven(score: Score, bound: i128) -> bool {
    score.0 == 0 && score.1 <= bound
}

fn nearest(problem: &Problem, account: usize) -> usize {
    (0..problem.territories)
        .min_by_key(|territory| (problem.cost(account, *territory), *territory))
        .unwrap_or(0)
}
