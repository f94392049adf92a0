//! The territories that an account may sensibly go to: a short list for each account, so that the work grows with the
//! accounts and not with accounts x territories.

use rayon::iter::Either;
use rayon::prelude::*;

use super::Cheapest;
use super::blocks::{Block, blocks};
use super::dual::{NearlyPrices, Prices};
use super::problem::{FORBIDDEN, Loads, Problem};
use super::search::keep_least;

/// Pairs that are looked at: every territory is a candidate of every account where there are no more.
const PAIRS: usize = 1 << 18;
/// Candidates of an account of a larger problem at least, before prices ask for more.
const SHORT_LIST: usize = 16;

/// How many times as many territories of a block are looked at as an account of it lists.
const NEAR: usize = 4;

/// Candidates of an account with their costs.
type List = Vec<(i64, u32)>;

/// The territories in the order of what they cost in the middle of a block, at prices, nearly.
struct Ranked {
    territories: Vec<usize>,
    /// The order is that of an account by itself.
    exact: bool,
}

impl Ranked {
    fn of(problem: &Problem, prices: &NearlyPrices, block: &Block) -> Self {
        let mut values = block.middle(problem);
        let exact = block.accounts.len() == 1;
        if exact {
            problem.add_moves(block.accounts[0], &mut values);
        }
        prices.add(problem, &block.accounts, &mut values);
        let mut territories: Vec<usize> = (0..problem.territories).collect();
        territories.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
        Self { territories, exact }
    }

    /// The `limit` cheapest territories of an account, of those that are cheap for its block.
    fn nearest(&self, problem: &Problem, prices: &NearlyPrices, account: usize, limit: usize) -> Vec<usize> {
        if self.exact {
            return self.territories[..limit].to_vec();
        }
        let near = self.territories.iter().take(limit * NEAR);
        let value = |territory: &usize| {
            problem.nearly_in(account, *territory) + prices.of_pair(problem, account, *territory)
        };
        let mut near: Vec<(f64, usize)> = near.map(|territory| (value(territory), *territory)).collect();
        keep_least(&mut near, limit);
        near.into_iter().map(|(_, territory)| territory).collect()
    }

    /// Some that are farther and farther off than `limit` others: where dozens of territories share a town, the nearest ones cannot give
    /// away what the town has too much.
    fn farther(&self, limit: usize) -> impl Iterator<Item = usize> {
        let next = |rank: usize| rank + rank / 2;
        std::iter::successors(Some(next(limit)), move |rank| Some(next(rank + 1)))
            .map_while(|rank| self.territories.get(rank).copied())
    }
}

/// For each account its candidates, cheapest first: by cost, or after [`Candidates::rank`] by priced cost.
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
    /// The cheapest territories of each account, at prices where there are some, nearly: those of its block. With the two cheapest ones
    /// where they are known; `short` lists where more are no use.
    pub(super) fn new(problem: &Problem, prices: &Prices, cheapest: Option<&Cheapest>, short: bool) -> Self {
        let limit = if short { 1 } else { PAIRS / problem.accounts().max(1) }.max(SHORT_LIST);
        let prices = NearlyPrices::of(prices);
        let of_block = |block: &Block| -> Vec<(usize, List)> {
            let all = (problem.territories > limit).then(|| Ranked::of(problem, &prices, block));
            let list = |account: &usize| {
                let mut own: Vec<usize> = match (problem.locked[*account], &all) {
                    (Some(locked), _) => vec![locked],
                    (None, None) => (0..problem.territories).collect(),
                    (None, Some(ranked)) => {
                        let mut own = ranked.nearest(problem, &prices, *account, limit);
                        own.extend(ranked.farther(limit));
                        own.extend(problem.current[*account]);
                        let known = cheapest.iter().flat_map(|cheapest| cheapest[*account]);
                        own.extend(known.flatten().map(|(_, territory)| territory));
                        own
                    }
                };
                own.sort_unstable();
                own.dedup();
                let cost = |territory: usize| (problem.cost(*account, territory), index(territory));
                let mut own: List =
                    own.into_iter().map(cost).filter(|(cost, _)| *cost != FORBIDDEN).collect();
                own.sort_unstable();
                (*account, own)
            };
            block.accounts.iter().map(list).collect()
        };
        let found: Vec<Vec<(usize, List)>> = blocks(problem).par_iter().map(of_block).collect();
        let mut lists = vec![Vec::new(); problem.accounts()];
        found.into_iter().flatten().for_each(|(account, own)| lists[account] = own);
        Self::listed(problem, lists.into_iter().map(Vec::into_iter))
    }

    /// With more candidates: for each territory the `size` accounts that cost the least more there than at their cheapest. What
    /// is far from a crowded town is no candidate of the town's accounts by itself, though some must go there, and which is all
    /// the same to the town.
    #[expect(clippy::cast_precision_loss, reason = "lists need not be exact")]
    pub(super) fn widened(
        &self,
        problem: &Problem,
        prices: &Prices,
        cheapest: &Cheapest,
        size: usize,
    ) -> Self {
        let coming = |territory: usize| {
            let regret = |account: usize| {
                let (least, _) = cheapest[account][0]?;
                let value = prices.of(problem, account, territory)?;
                Some(((value - least) as f64, account))
            };
            let mut list: Vec<(f64, usize)> = (0..problem.accounts()).filter_map(regret).collect();
            keep_least(&mut list, size);
            list.into_iter().map(|(_, account)| account).collect::<Vec<usize>>()
        };
        let coming: Vec<Vec<usize>> = (0..problem.territories).into_par_iter().map(coming).collect();
        let coming = coming.into_iter().enumerate();
        self.with(
            problem,
            coming.flat_map(|(territory, own)| own.into_iter().map(move |own| (own, territory))),
        )
    }

    /// With more candidates: accounts and territories.
    pub(super) fn with(&self, problem: &Problem, more: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut lists: Vec<List> = vec![];
        let mut changed: Vec<Option<usize>> = vec![None; problem.accounts()];
        for (account, territory) in more {
            let place = *changed[account].get_or_insert_with(|| {
                lists.push(self.list(account).collect());
                lists.len() - 1
            });
            lists[place].push((problem.cost(account, territory), index(territory)));
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        let of = |account: usize| match changed[account] {
            Some(place) => Either::Left(lists[place].iter().copied()),
            None => Either::Right(self.list(account)),
        };
        Self::listed(problem, (0..problem.accounts()).map(of))
    }

    /// What an account costs in each of its candidates.
    fn list(&self, account: usize) -> impl ExactSizeIterator<Item = (i64, u32)> {
        self.of(account).map(|candidate| (self.costs[candidate], self.territories[candidate]))
    }

    /// Of the lists of all accounts.
    fn listed(problem: &Problem, lists: impl Iterator<Item = impl Iterator<Item = (i64, u32)>>) -> Self {
        let mut starts = Vec::with_capacity(problem.accounts() + 1);
        starts.push(0);
        let (mut territories, mut costs) = (vec![], vec![]);
        for list in lists {
            for (cost, territory) in list {
                territories.push(territory);
                costs.push(cost);
            }
            starts.push(territories.len());
        }
        let total = territories.len();
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

    /// Puts the candidates of each account in the order of their priced costs. Returns what each costs more than the
    /// first, in cost units.
    #[expect(clippy::cast_precision_loss, reason = "regrets steer the search")]
    pub(super) fn rank(&mut self, problem: &Problem, prices: &Prices) -> Vec<f64> {
        let unit = prices.unit();
        let order = |account: usize| {
            let mut own: Vec<(i128, usize)> = self
                .of(account)
                .map(|candidate| {
                    let territory = self.territories[candidate] as usize;
                    (prices.of(problem, account, territory).unwrap_or(i128::MAX / 2), candidate)
                })
                .collect();
            own.sort_unstable();
            let least = own.first().map_or(0, |(value, _)| *value);
            own.into_iter().map(move |(value, candidate)| ((value - least) as f64 * unit, candidate))
        };
        let ranked: Vec<(f64, usize)> =
            (0..problem.accounts()).into_par_iter().flat_map_iter(order).collect();
        self.territories = ranked.iter().map(|(_, candidate)| self.territories[*candidate]).collect();
        self.costs = ranked.iter().map(|(_, candidate)| self.costs[*candidate]).collect();
        if self.by_pair {
            let of = |(_, candidate): &(f64, usize)| {
                self.loads[candidate * self.measures..(candidate + 1) * self.measures].iter().copied()
            };
            self.loads = ranked.iter().flat_map(of).collect();
        }
        ranked.into_iter().map(|(regret, _)| regret).collect()
    }

    /// The places of an account's candidates in the lists.
    #[inline]
    pub(super) fn of(&self, account: usize) -> std::ops::Range<usize> {
        self.starts[account]..self.starts[account + 1]
    }

    /// Where the loads of an account in the territory of a candidate start.
    #[inline]
    pub(super) fn loads_at(&self, account: usize, candidate: usize) -> usize {
        self.measures * if self.by_pair { candidate } else { account }
    }

    /// Loads of an account in the territory of a candidate, by measure.
    #[inline]
    pub(super) fn loads(&self, account: usize, candidate: usize) -> &[i64] {
        let at = self.loads_at(account, candidate);
        &self.loads[at..at + self.measures]
    }

    /// All loads, in units of their measures' scales.
    #[expect(clippy::cast_precision_loss, reason = "prices may be inexact, the bound is not")]
    pub(super) fn scaled_loads(&self, scales: &[f64]) -> Vec<f64> {
        self.loads.iter().zip(scales.iter().cycle()).map(|(units, scale)| *units as f64 / scale).collect()
    }

    /// The candidate of an account that is a territory.
    pub(super) fn find(&self, account: usize, territory: usize) -> Option<usize> {
        self.of(account).find(|candidate| self.territories[*candidate] as usize == territory)
    }
}

fn index(territory: usize) -> u32 {
    u32::try_from(territory).unwrap_or(u32::MAX)
}
