//! Territories: accounts divided among territories within bands on several measures, at the least cost found, with a
//! certified lower bound (floor 2).
//!
//! The problem is a multi-resource generalised assignment. A Lagrangian dual with a price for each band gives the bound
//! and a first assignment; shifts, swaps and chains repair and improve it and the assignment of today; a seeded iterated
//! local search goes on from the better of the two. The order of priority is: limits first, then cost.

mod ascent;
mod candidates;
mod dual;
mod problem;
mod search;
mod verify;

#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use dual::{PRICE_BITS, Prices, bound};
pub use problem::{Band, Costs, FORBIDDEN, Loads, Measure, Point, Problem};
pub use verify::verify;

use candidates::Candidates;
use search::{Random, Reach, Search};

/// How long to search. Iterations, never a clock: the same settings give the same answer on any machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
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

/// Problems up to this many accounts are searched from the territories of today, too, and their prices polished.
const SMALL: usize = 20_000;
/// Rounds in which limits that stay broken are weighed more.
const REPAIRS: usize = 40;

/// Divides the accounts. `progress` is told each round of the search.
#[must_use]
pub fn solve(problem: &Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let mut random = Random(settings.seed);
    let small = problem.accounts() <= SMALL;
    let (candidates, prices) = priced(problem, if small { 200 } else { 0 });
    let proven = bound(problem, &prices);
    let rank = ranks(problem, &candidates, &prices);
    let rank = |_: usize, candidate: usize| rank[candidate];
    let weights = weights(problem, &candidates, &prices);
    let reach = reach(problem);
    let cheapest: Vec<usize> = (0..problem.accounts())
        .into_par_iter()
        .map(|account| {
            let own = candidates.of(account);
            let best = own.min_by(|a, b| rank(account, *a).total_cmp(&rank(account, *b)));
            best.map_or(0, |candidate| candidates.territories[candidate] as usize)
        })
        .collect();
    let mut best: Option<Search<'_>> = None;
    let mut starts = vec![cheapest.clone()];
    if small && problem.current.iter().any(Option::is_some) {
        let today = |(account, cheapest): (usize, &usize)| problem.current[account].unwrap_or(*cheapest);
        starts.push(cheapest.iter().enumerate().map(today).collect());
    }
    for start in starts {
        let mut search = Search::new(problem, &candidates, &rank, &start, weights.clone());
        search.descend(Reach { partners: 0, ..reach });
        search.touch();
        search.repair(reach, REPAIRS);
        if best.as_ref().is_none_or(|best| search.score() < best.score()) {
            best = Some(search);
        }
    }
    let (score, assignment) = match &mut best {
        Some(search) if problem.accounts() > 0 => {
            search.iterate(reach, settings.iterations, &mut random, proven, progress)
        }
        _ => ((0, 0), vec![]),
    };
    let moves = assignment
        .iter()
        .enumerate()
        .filter(|(account, territory)| problem.moves(*account, **territory))
        .count();
    Outcome {
        assignment,
        feasible: score.0 == 0,
        objective: score.1,
        bound: proven,
        prices,
        moves,
        seed: settings.seed,
    }
}

/// Candidates and prices; where a price makes a territory the cheapest that is no candidate, it becomes one, and the
/// prices are found again.
fn priced(problem: &Problem, polish: usize) -> (Candidates, Prices) {
    /// How often lists grow.
    const GROWTHS: usize = 3;
    let mut more: Vec<Vec<usize>> = Vec::new();
    let mut candidates = Candidates::new(problem, &more);
    let mut prices = ascent::prices(problem, &candidates, polish);
    for _ in 0..GROWTHS {
        let wanted: Vec<usize> = (0..problem.accounts())
            .into_par_iter()
            .map(|account| prices.cheapest(problem, account).map_or(0, |(_, territory)| territory))
            .collect();
        let missing = wanted.iter().enumerate().filter(|(account, territory)| {
            !candidates.of(*account).is_empty() && candidates.find(*account, **territory).is_none()
        });
        if missing.count() == 0 {
            break;
        }
        more.push(wanted);
        candidates = Candidates::new(problem, &more);
        prices = ascent::prices(problem, &candidates, polish);
    }
    (candidates, prices)
}

/// The priced cost of every candidate.
#[expect(clippy::cast_precision_loss, reason = "an order for the search")]
fn ranks(problem: &Problem, candidates: &Candidates, prices: &Prices) -> Vec<f64> {
    let of = |account: usize| {
        candidates.of(account).map(move |candidate| {
            let territory = candidates.territories[candidate] as usize;
            prices.of(problem, account, territory).map_or(f64::INFINITY, |value| value as f64)
        })
    };
    (0..problem.accounts()).into_par_iter().flat_map_iter(of).collect()
}

/// What it weighs to break a band by a whole mean territory: twice its price, and not less than a few second choices.
#[expect(clippy::cast_precision_loss, reason = "weights steer the search only")]
fn weights(problem: &Problem, candidates: &Candidates, prices: &Prices) -> Vec<f64> {
    let count = problem.territories.max(1) as f64;
    let regret = |account: usize| {
        let costs = &candidates.costs[candidates.of(account)];
        if costs.len() > 1 { (costs[1] - costs[0]) as f64 } else { 0.0 }
    };
    let regret = (0..problem.accounts()).map(regret).sum::<f64>() / count;
    let unit = 2f64.powi(PRICE_BITS.cast_signed());
    let mut weights = Vec::new();
    for territory in 0..problem.territories {
        for (measure, own) in problem.measures.iter().zip(&prices.bands) {
            let mean = measure.bands.iter().map(|band| band.high as f64).sum::<f64>() / count;
            weights.push(2.0 * own[territory].unsigned_abs() as f64 / unit * mean.max(1.0) + regret + 1.0);
        }
    }
    weights
}

/// The larger the territories, the fewer the neighbours that are looked at.
fn reach(problem: &Problem) -> Reach {
    match problem.accounts() / problem.territories.max(1) {
        0..=80 => Reach { first: 10, partners: usize::MAX, second: 10 },
        81..=300 => Reach { first: 6, partners: 200, second: 6 },
        _ => Reach { first: 4, partners: 100, second: 4 },
    }
}
