//! Territories: accounts divided among territories within bands on several measures, at the least cost found, with a
//! certified lower bound (floor 2).
//!
//! The problem is a multi-resource generalised assignment. A Lagrangian dual with a price for each band gives the bound
//! and a first assignment; shifts, swaps and chains repair and improve it and the assignment of today; a seeded iterated
//! local search goes on from the better of the two. The order of priority is: limits first, then cost.

mod anywhere;
mod ascent;
mod best;
mod blocks;
mod candidates;
mod connect;
mod coverage;
mod create;
mod curvature;
mod dual;
mod exact;
mod limits;
mod newcomers;
mod order;
mod problem;
mod renew;
mod search;
mod seats;
mod travel;
mod verify;
mod whole;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use anywhere::AnyCentres;
pub use connect::{Apart, Borders};
pub use coverage::{Coverage, Line, Market, seats_for};
pub use create::{balance_around_centres, create, find_centres};
pub use dual::{Prices, bound};
pub use newcomers::{Choice, Newcomers};
pub use problem::{
    Band, Conflict, Contiguity, Costs, FORBIDDEN, Fit, Loads, Measure, MoveLimit, Penalty, Problem,
};
pub use seats::{Seated, Seating};
pub use travel::{Centres, Point, Travel, nowhere, swapped};
pub use verify::{Evaluation, evaluate, verify};
pub use whole::Whole;

use rayon::prelude::*;

use candidates::Candidates;
use limits::Limits;
use order::Ordered;
use search::{Random, Reach, Score, Search};

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
    /// What the best answer found costs whose territories need not hang together, where they must and it is within all limits.
    pub loose: Option<i128>,
}

/// Problems up to this many accounts are searched from the territories of today, too, and their prices polished.
const SMALL: usize = 20_000;
/// Problems up to this many accounts are searched in so many ways.
const FEW: usize = 500;
const WAYS: usize = 4;
/// Problems up to this many accounts whose territories hang together, but break a limit, are searched in so many ways.
const TRIED_LONGER: usize = 100;
const STUBBORN: usize = 60;
/// Problems up to this many accounts are swept by longer chains.
const TINY: usize = 2_000;

/// How much work goes into prices.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// How often lists of candidates are made anew.
    growths: usize,
    /// Rounds in which prices are polished.
    polish: usize,
    /// Lists are short and the last levels of smoothing are left out: for prices that are a step on the way.
    rough: bool,
}

impl Effort {
    /// Prices that are to prove much.
    fn exact(polish: usize) -> Self {
        Self { growths: 3, polish, rough: false }
    }
}

/// How far the search looks around an account.
const REACH: Reach = Reach { depth: 2, width: 10, tries: 300 };

/// A problem in priced terms: where searches start, and what they cannot do better than.
struct Priced {
    /// Ranked by priced cost.
    candidates: Candidates,
    /// What each candidate costs more than the account's first.
    regrets: Vec<f64>,
    prices: Prices,
    proven: i128,
    /// Accounts that may leave their first candidate.
    loose: Vec<bool>,
    /// Candidates that cost little more than the first: where kicks lead.
    core: Vec<(u32, usize)>,
}

impl Priced {
    /// From prices that nearly fit, where there are some.
    fn of(problem: &Problem, start: Option<&Prices>) -> Self {
        // What follows prices that nearly fit has been polished before, or is a step on the way.
        let rounds = polish(problem) / if start.is_some() { 4 } else { 1 };
        let Grown { mut candidates, prices, proven, cheapest } = grown(problem, start, Effort::exact(rounds));
        if problem.accounts() <= SMALL {
            candidates = candidates.widened(problem, &prices, &cheapest, search::entrants(problem));
        }
        let regrets = candidates.rank(problem, &prices);
        let loose = search::loose(problem, &candidates, &regrets);
        let core = search::core(problem, &candidates, &regrets);
        Self { candidates, regrets, prices, proven, loose, core }
    }
}

/// Divides the accounts. `progress` is told each round of the search.
#[must_use]
pub fn solve(problem: &Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let ordered = Ordered::of(problem);
    let outcome = match Whole::of(&ordered.problem) {
        None => searched(&ordered.problem, settings, progress),
        Some(whole) => whole.expanded(&ordered.problem, searched(&whole.problem, settings, progress)),
    };
    ordered.restored(outcome)
}

/// Divides the accounts, a few of them in several ways: each search ends elsewhere, and the best is kept.
fn searched(problem: &Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let priced = Priced::of(problem, None);
    let mut best = divide(problem, &priced, None, settings, progress);
    let ways = if problem.accounts() <= FEW { WAYS } else { 1 };
    for way in 1..ways as u64 {
        if best.feasible && best.objective <= best.bound {
            break;
        }
        let other = Settings { seed: settings.seed.wrapping_add(way), ..settings };
        let next = divide(problem, &priced, None, other, progress);
        if score(problem, &next.assignment) < score(problem, &best.assignment) {
            best = Outcome { seed: settings.seed, ..next };
        }
    }
    tried(problem, best)
}

/// Where there are few answers at all, the best of all of them.
fn tried(problem: &Problem, best: Outcome) -> Outcome {
    /// Answers that are tried one by one.
    const ANSWERS: usize = 50_000;
    let choices: Vec<Vec<usize>> = (0..problem.accounts())
        .map(|account| {
            (0..problem.territories)
                .filter(|territory| problem.cost(account, *territory) != FORBIDDEN)
                .collect()
        })
        .collect();
    let count = choices
        .iter()
        .try_fold(1usize, |count, own| count.checked_mul(own.len()).filter(|count| *count <= ANSWERS));
    let Some(count) = count.filter(|_| !best.feasible || best.objective > best.bound) else { return best };
    let answer = |number: usize| {
        let mut left = number;
        let choice = |own: &Vec<usize>| {
            let at = left % own.len();
            left /= own.len();
            own[at]
        };
        choices.iter().map(choice).collect::<Vec<usize>>()
    };
    let least = (0..count).into_par_iter().map(|number| (score(problem, &answer(number)), number)).min();
    match least {
        Some((found, number)) if found < score(problem, &best.assignment) => {
            let assignment = answer(number);
            let moves = moves(problem, &assignment);
            Outcome { assignment, feasible: found.0 == 0, objective: found.1, moves, ..best }
        }
        _ => best,
    }
}

/// Accounts that leave their territory of today.
fn moves(problem: &Problem, assignment: &[usize]) -> usize {
    let leaves = |(account, territory): &(usize, &usize)| problem.moves(*account, **territory);
    assignment.iter().enumerate().filter(leaves).count()
}

/// Divides the accounts at prices, from an assignment that is known, too.
fn divide(
    problem: &Problem,
    priced: &Priced,
    known: Option<&[usize]>,
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> Outcome {
    let mut random = Random(settings.seed);
    let small = problem.accounts() <= SMALL;
    let weights = weights(problem, priced);
    let candidates = &priced.candidates;
    let cheapest: Vec<usize> = (0..problem.accounts())
        .map(|account| {
            candidates.of(account).next().map_or(0, |first| candidates.territories[first] as usize)
        })
        .collect();
    let mut best: Option<Search<'_>> = None;
    let mut starts = vec![cheapest.clone()];
    if small && problem.current.iter().any(Option::is_some) {
        let today = |(account, cheapest): (usize, &usize)| problem.current[account].unwrap_or(*cheapest);
        starts.push(cheapest.iter().enumerate().map(today).collect());
    }
    starts.extend(known.map(<[usize]>::to_vec));
    for start in starts {
        let mut search = Search::new(problem, priced, &start, weights.clone());
        search.descend(Reach { depth: 1, ..REACH });
        // Of a large problem only what is broken is repaired: the rest is as cheap as its prices already.
        if small {
            search.touch();
        } else {
            search.touch_broken();
        }
        search.repair(settings.iterations, &mut random);
        if best.as_ref().is_none_or(|best| search.score() < best.score()) {
            best = Some(search);
        }
    }
    let (mut score, mut assignment) = match &mut best {
        Some(search) if problem.accounts() > 0 => search.iterate(settings.iterations, &mut random, progress),
        _ => ((0, 0), vec![]),
    };
    // Of a large problem what whole accounts cost beside the bound is little.
    if small && problem.contiguity.is_none() && score.0 == 0 && score.1 > priced.proven {
        exact::improve(problem, priced, settings.iterations, &mut assignment);
        score = self::score(problem, &assignment);
    }
    let loose = problem.contiguity.as_ref().filter(|_| score.0 == 0).map(|_| score.1);
    if problem.contiguity.is_some() && problem.accounts() > 0 {
        let limits = Limits::new(problem, &priced.prices, weights);
        // What stands mostly hangs together as it is.
        let today: Option<Vec<usize>> = problem.current.iter().copied().collect();
        let starts = [Some(assignment.as_slice()), today.as_deref(), known];
        // Nothing moves an account out of a territory where it may not be, so no start has one there.
        let allowed = |start: &&[usize]| {
            start
                .iter()
                .enumerate()
                .all(|(account, territory)| problem.cost(account, *territory) != FORBIDDEN)
        };
        let ways = if problem.accounts() <= FEW && !problem.move_limits.is_empty() { WAYS } else { 1 };
        let starts: Vec<&[usize]> = starts.into_iter().flatten().filter(allowed).collect();
        let mut connected: Option<(Score, Vec<usize>)> = None;
        let mut ways = starts.len() * ways;
        let mut way = 0;
        while way < ways {
            let start = starts[way % starts.len()];
            let next = connect::connect(problem, limits.clone(), start, settings.iterations, &mut random);
            if connected.as_ref().is_none_or(|(best, _)| next.0 < *best) {
                connected = Some(next);
            }
            way += 1;
            let broken = connected.as_ref().is_some_and(|(best, _)| best.0 > 0);
            if way == ways && way < STUBBORN && broken && problem.accounts() <= TRIED_LONGER {
                ways += 1;
            }
        }
        assignment = connected.unwrap_or_default().1;
        score = self::score(problem, &assignment);
    }
    let moves = moves(problem, &assignment);
    Outcome {
        assignment,
        feasible: score.0 == 0,
        objective: score.1,
        bound: priced.proven,
        prices: priced.prices.clone(),
        moves,
        seed: settings.seed,
        loose,
    }
}

/// How good an assignment is, by its limits and its cost.
fn score(problem: &Problem, assignment: &[usize]) -> Score {
    let all: Vec<Option<usize>> = assignment.iter().copied().map(Some).collect();
    let found = evaluate(problem, &all);
    let limits =
        Limits::new(problem, &Prices::zero(problem), vec![1.0; problem.territories * problem.measures.len()]);
    let load = |territory: usize| {
        found.loads.iter().map(move |loads| i64::try_from(loads[territory]).unwrap_or(i64::MAX))
    };
    let loads: Vec<i64> = (0..problem.territories).flat_map(load).collect();
    let parts: usize = found.parts.iter().map(|parts| parts.saturating_sub(1)).sum();
    let moved: Vec<i64> = found.moved.iter().map(|moved| i64::try_from(*moved).unwrap_or(i64::MAX)).collect();
    (limits.broken(&loads, &moved) + parts as i128 * 1_000_000, found.objective)
}

/// Prices and the bound that they prove: how good any assignment can be.
#[must_use]
pub fn prove(problem: &Problem) -> (Prices, i128) {
    let ordered = Ordered::of(problem);
    let Some(whole) = Whole::of(&ordered.problem) else {
        let (prices, proven) = proven(&ordered.problem);
        return (ordered.prices(prices), proven);
    };
    let prices = ordered.prices(proven(&whole.problem).0);
    let proven = bound(problem, &prices);
    (prices, proven)
}

/// Prices and the bound that they prove, of accounts that are divided one by one.
fn proven(problem: &Problem) -> (Prices, i128) {
    let Grown { prices, proven, .. } = grown(problem, None, Effort::exact(polish(problem)));
    (prices, proven)
}

/// Rounds in which prices are polished.
fn polish(problem: &Problem) -> usize {
    if problem.accounts() <= SMALL { 200 } else { 0 }
}

/// The two cheapest territories of each account at some prices, and its costs there with them.
type Cheapest = Vec<[Option<(i128, usize)>; 2]>;

/// Candidates, and what prices say of them.
struct Grown {
    candidates: Candidates,
    prices: Prices,
    proven: i128,
    cheapest: Cheapest,
}

/// Prices and the bound that they prove, from prices that nearly fit. Where a price makes a territory the cheapest that is no
/// candidate, lists are made anew at these prices; when that is so for many accounts, the prices are found again.
fn grown(problem: &Problem, start: Option<&Prices>, effort: Effort) -> Grown {
    let nothing = Prices::zero(problem);
    let mut candidates = Candidates::new(problem, start.unwrap_or(&nothing), None, effort.rough);
    let mut prices = ascent::prices(problem, &candidates, start, effort);
    let mut growth = 0;
    loop {
        let cheapest = prices.cheapest_two(problem);
        let proven = dual::bound_of(problem, &prices, &cheapest);
        let lacks = |(account, [first, _]): &(usize, &[Option<(i128, usize)>; 2])| {
            first.is_some_and(|(_, territory)| candidates.find(*account, territory).is_none())
        };
        let missing: Vec<usize> =
            cheapest.iter().enumerate().filter(lacks).map(|(account, _)| account).collect();
        let few = missing.len() * 1000 <= problem.accounts();
        if few || growth == effort.growths {
            if !missing.is_empty() {
                let of = |account: usize| {
                    cheapest[account].into_iter().flatten().map(move |(_, own)| (account, own))
                };
                candidates = candidates.with(problem, missing.into_iter().flat_map(of));
            }
            return Grown { candidates, prices, proven, cheapest };
        }
        candidates = Candidates::new(problem, &prices, Some(&cheapest), effort.rough);
        growth += 1;
        prices = ascent::prices(problem, &candidates, Some(&prices), effort);
    }
}

/// What it weighs to break a band by a whole mean territory: twice its price, and not less than a few second choices.
#[expect(clippy::cast_precision_loss, reason = "weights steer the search only")]
fn weights(problem: &Problem, priced: &Priced) -> Vec<f64> {
    let Priced { candidates, regrets, prices, .. } = priced;
    let count = problem.territories.max(1) as f64;
    let second = |account: usize| candidates.of(account).nth(1).map_or(0.0, |second| regrets[second]);
    let regret = (0..problem.accounts()).map(second).sum::<f64>() / count;
    let unit = prices.unit();
    let mut weights = Vec::new();
    for territory in 0..problem.territories {
        for (measure, own) in problem.measures.iter().zip(&prices.bands) {
            let mean = measure.bands.iter().map(|band| band.high as f64).sum::<f64>() / count;
            weights.push(2.0 * own[territory].unsigned_abs() as f64 * unit * mean.max(1.0) + regret + 1.0);
        }
    }
    weights
}
