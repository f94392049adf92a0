//! Assignments: shifts and swaps that lower the violation of the limits first and the cost second.

use super::problem::Problem;

/// Violations count millionths of a measure's mean band, so that measures weigh alike.
const MILLION: i128 = 1_000_000;

/// A small deterministic generator (splitmix64, Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// How good an assignment is: violation first, then cost.
pub(super) type Score = (i128, i128);

/// An assignment with the loads kept up to date.
#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    problem: &'a Problem,
    pub(super) assignment: Vec<usize>,
    loads: Vec<Vec<i128>>,
    moves: usize,
    cost: i128,
    /// Mean upper end of each measure's bands.
    means: Vec<i128>,
}

impl<'a> State<'a> {
    pub(super) fn new(problem: &'a Problem, assignment: Vec<usize>) -> Self {
        let loads = problem
            .measures
            .iter()
            .map(|measure| {
                let mut loads = vec![0i128; problem.territories];
                for (account, territory) in assignment.iter().enumerate() {
                    loads[*territory] += i128::from(measure.loads[account]);
                }
                loads
            })
            .collect();
        let moves = assignment
            .iter()
            .enumerate()
            .filter(|(account, territory)| problem.moves(*account, **territory))
            .count();
        let cost = assignment
            .iter()
            .enumerate()
            .map(|(account, territory)| i128::from(problem.cost(account, *territory)))
            .sum();
        let count = i128::try_from(problem.territories.max(1)).unwrap_or(1);
        let means = problem
            .measures
            .iter()
            .map(|measure| (measure.bands.iter().map(|band| band.high).sum::<i128>() / count).max(1))
            .collect();
        Self { problem, assignment, loads, moves, cost, means }
    }

    fn violation_at(&self, measure: usize, territory: usize, load: i128) -> i128 {
        let band = self.problem.measures[measure].bands[territory];
        let beyond = (load - band.high).max(band.low - load).max(0);
        if beyond == 0 { 0 } else { (beyond * MILLION / self.means[measure]).max(1) }
    }

    fn move_violation(&self, moves: usize) -> i128 {
        let beyond = self.problem.max_moves.map_or(0, |limit| moves.saturating_sub(limit));
        i128::try_from(beyond).unwrap_or(i128::MAX) * MILLION
    }

    pub(super) fn score(&self) -> Score {
        let bands: i128 = self
            .loads
            .iter()
            .enumerate()
            .flat_map(|(measure, loads)| {
                loads.iter().enumerate().map(move |(territory, load)| (measure, territory, *load))
            })
            .map(|(measure, territory, load)| self.violation_at(measure, territory, load))
            .sum();
        (bands + self.move_violation(self.moves), self.cost)
    }

    fn moves_after(&self, account: usize, to: usize) -> usize {
        let before = usize::from(self.problem.moves(account, self.assignment[account]));
        self.moves + usize::from(self.problem.moves(account, to)) - before
    }

    /// Change of the score when `account` goes to `to` and, if given, `other` comes back in its place.
    fn change(&self, account: usize, to: usize, other: Option<usize>) -> Score {
        let from = self.assignment[account];
        let mut violation = 0;
        for (index, measure) in self.problem.measures.iter().enumerate() {
            let net = i128::from(measure.loads[account])
                - other.map_or(0, |other| i128::from(measure.loads[other]));
            let (here, there) = (self.loads[index][from], self.loads[index][to]);
            violation += self.violation_at(index, from, here - net) - self.violation_at(index, from, here);
            violation += self.violation_at(index, to, there + net) - self.violation_at(index, to, there);
        }
        let mut cost =
            i128::from(self.problem.cost(account, to)) - i128::from(self.problem.cost(account, from));
        let mut moves = self.moves_after(account, to);
        if let Some(other) = other {
            cost += i128::from(self.problem.cost(other, from)) - i128::from(self.problem.cost(other, to));
            moves = moves + usize::from(self.problem.moves(other, from))
                - usize::from(self.problem.moves(other, to));
        }
        (violation + self.move_violation(moves) - self.move_violation(self.moves), cost)
    }

    fn shift(&mut self, account: usize, to: usize) {
        let from = self.assignment[account];
        for (index, measure) in self.problem.measures.iter().enumerate() {
            self.loads[index][from] -= i128::from(measure.loads[account]);
            self.loads[index][to] += i128::from(measure.loads[account]);
        }
        self.moves = self.moves_after(account, to);
        self.cost +=
            i128::from(self.problem.cost(account, to)) - i128::from(self.problem.cost(account, from));
        self.assignment[account] = to;
    }

    /// Shifts and swaps until neither helps. `swaps` limits the partners tried for each account.
    pub(super) fn descend(&mut self, swaps: usize, random: &mut Random) {
        let accounts = self.problem.accounts();
        let mut better = true;
        while better {
            better = false;
            for account in 0..accounts {
                better |= self.best_shift(account);
            }
            if better {
                continue;
            }
            for account in 0..accounts {
                for trial in 0..swaps.min(accounts) {
                    let other = if swaps >= accounts { trial } else { random.below(accounts) };
                    better |= self.try_swap(account, other);
                }
            }
        }
    }

    fn best_shift(&mut self, account: usize) -> bool {
        let from = self.assignment[account];
        let allowed =
            (0..self.problem.territories).filter(|to| *to != from && self.problem.allows(account, *to));
        let best = allowed.map(|to| (self.change(account, to, None), to)).min();
        match best {
            Some((change, to)) if change < (0, 0) => {
                self.shift(account, to);
                true
            }
            _ => false,
        }
    }

    fn try_swap(&mut self, account: usize, other: usize) -> bool {
        let (from, to) = (self.assignment[account], self.assignment[other]);
        if from == to
            || !self.problem.allows(account, to)
            || !self.problem.allows(other, from)
            || self.change(account, to, Some(other)) >= (0, 0)
        {
            return false;
        }
        self.shift(account, to);
        self.shift(other, from);
        true
    }

    /// Throws a few accounts into other territories, to leave a local optimum.
    pub(super) fn shake(&mut self, count: usize, random: &mut Random) {
        for _ in 0..count {
            let account = random.below(self.problem.accounts());
            let to = random.below(self.problem.territories);
            if to != self.assignment[account] && self.problem.allows(account, to) {
                self.shift(account, to);
            }
        }
    }
}
