//! The territories that an account may sensibly go to: a short list for each account, so that the work grows with the
//! accounts and not with accounts x territories.

use rayon::prelude::*;

use super::problem::{FORBIDDEN, Loads, Problem};

/// Pairs up to which every territory is a candidate of every account.
const ALL_PAIRS: usize = 1 << 20;
/// Candidates of an account of a larger problem, before prices ask for more.
const SHORT_LIST: usize = 16;

/// For each account its candidates, cheapest first.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    /// Where the list of each account starts; one more than accounts.
    pub(super) starts: Vec<usize>,
    /// Territories.
    pub(super) territories: Vec<u32>,
    /// Their costs.
    pub(super) costs: Vec<i64>,
    /// Loads by measure at `candidate * measures + measure`, or at `account * measures + measure` when no load depends
    /// on the territory.
    loads: Vec<i64>,
    by_pair: bool,
    measures: usize,
}

impl Candidates {
    /// The cheapest territories of each account, and those named in `more`.
    pub(super) fn new(problem: &Problem, more: &[Vec<usize>]) -> Self {
        let limit =
            if problem.accounts() * problem.territories <= ALL_PAIRS { usize::MAX } else { SHORT_LIST };
        let list = |account: usize| -> Vec<(i64, u32)> {
            let mut all: Vec<(i64, u32)> = match problem.locked[account] {
                Some(territory) => vec![(problem.cost(account, territory), index(territory))],
                None => (0..problem.territories)
                    .map(|territory| (problem.cost(account, territory), index(territory)))
                    .filter(|(cost, _)| *cost != FORBIDDEN)
                    .collect(),
            };
            if all.len() > limit {
                let extra: Vec<(i64, u32)> = more
                    .iter()
                    .map(|more| more[account])
                    .chain(problem.current[account])
                    .map(|territory| (problem.cost(account, territory), index(territory)))
                    .filter(|(cost, _)| *cost != FORBIDDEN)
                    .collect();
                all.select_nth_unstable(limit);
                all.truncate(limit);
                all.extend(extra);
            }
            all.sort_unstable();
            all.dedup();
            all
        };
        let lists: Vec<Vec<(i64, u32)>> = (0..problem.accounts()).into_par_iter().map(list).collect();
        let mut starts = vec![0];
        let total = lists.iter().map(Vec::len).sum();
        let (mut territories, mut costs) = (Vec::with_capacity(total), Vec::with_capacity(total));
        for list in lists {
            territories.extend(list.iter().map(|(_, territory)| *territory));
            costs.extend(list.iter().map(|(cost, _)| *cost));
            starts.push(territories.len());
        }
        let measures = problem.measures.len();
        let by_pair = problem.measures.iter().any(|measure| matches!(measure.loads, Loads::Pair(_)));
        let mut loads = Vec::with_capacity(measures * if by_pair { total } else { problem.accounts() });
        for account in 0..problem.accounts() {
            let own = if by_pair { &territories[starts[account]..starts[account + 1]] } else { &[0] };
            for territory in own {
                loads
                    .extend((0..measures).map(|measure| problem.load(measure, account, *territory as usize)));
            }
        }
        Self { starts, territories, costs, loads, by_pair, measures }
    }

    /// The places of an account's candidates in the lists.
    pub(super) fn of(&self, account: usize) -> std::ops::Range<usize> {
        self.starts[account]..self.starts[account + 1]
    }

    /// Loads of an account in the territory of a candidate, by measure.
    pub(super) fn loads(&self, account: usize, candidate: usize) -> &[i64] {
        let at = if self.by_pair { candidate } else { account };
        &self.loads[at * self.measures..(at + 1) * self.measures]
    }

    /// The candidate of an account that is a territory.
    pub(super) fn find(&self, account: usize, territory: usize) -> Option<usize> {
        self.of(account).find(|candidate| self.territories[*candidate] as usize == territory)
    }
}

fn index(territory: usize) -> u32 {
    u32::try_from(territory).unwrap_or(u32::MAX)
}
