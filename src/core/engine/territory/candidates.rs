//! The territories that an account may sensibly go to: a short list for each account, so that the work grows with the
//! accounts and not with accounts x territories.

use rayon::prelude::*;

use super::Cheapest;
use super::dual::Prices;
use super::problem::{FORBIDDEN, Loads, Problem};
use super::search::keep_least;

/// Pairs that are looked at: every territory is a candidate of every account where there are no more.
const PAIRS: usize = 1 << 18;
/// Candidates of an account of a larger problem at least, before prices ask for more.
const SHORT_LIST: usize = 16;

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
    /// The cheapest territories of each account, at prices where there are some; `short` lists where more are no use.
    #[expect(clippy::cast_precision_loss, reason = "lists need not be exact")]
    pub(super) fn new(problem: &Problem, prices: Option<&Prices>, short: bool) -> Self {
        let limit = if short { 1 } else { PAIRS / problem.accounts().max(1) }.max(SHORT_LIST);
        let bands: Vec<Vec<f64>> = prices.map_or_else(Vec::new, |prices| {
            let unit = prices.unit();
            let of = |own: &Vec<i64>| own.iter().map(|price| *price as f64 * unit).collect();
            prices.bands.iter().map(of).collect()
        });
        let cost = |account: usize, territory: usize| {
            let cost = problem.cost(account, territory);
            (cost != FORBIDDEN).then(|| (cost, index(territory)))
        };
        let list = |nearly: &mut Vec<f64>, account: usize| -> Vec<(i64, u32)> {
            let mut all: Vec<usize> = match problem.locked[account] {
                Some(territory) => vec![territory],
                None => (0..problem.territories).collect(),
            };
            if all.len() > limit {
                nearly.resize(problem.territories, 0.0);
                problem.nearly(account, nearly);
                for (measure, own) in bands.iter().enumerate() {
                    for (territory, (value, price)) in nearly.iter_mut().zip(own).enumerate() {
                        *value += price * problem.load(measure, account, territory) as f64;
                    }
                }
                let dearer = |a: &usize, b: &usize| nearly[*a].total_cmp(&nearly[*b]).then(a.cmp(b));
                all.select_nth_unstable_by(limit, dearer);
                // And some that are farther and farther off: where dozens of territories share a town, the nearest ones
                // cannot give away what the town has too much.
                let (mut rank, mut kept) = (limit, limit);
                loop {
                    let next = rank + rank / 2;
                    if next >= all.len() {
                        break;
                    }
                    all[rank..].select_nth_unstable_by(next - rank, dearer);
                    all.swap(kept, next);
                    (rank, kept) = (next + 1, kept + 1);
                }
                all.truncate(kept);
                all.extend(problem.current[account]);
            }
            let mut all: Vec<(i64, u32)> =
                all.into_iter().filter_map(|territory| cost(account, territory)).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let lists = (0..problem.accounts()).into_par_iter().map_init(Vec::new, list).collect();
        Self::listed(problem, lists)
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
        let own = |account: usize| -> Vec<(i64, u32)> {
            self.of(account).map(|candidate| (self.costs[candidate], self.territories[candidate])).collect()
        };
        let mut lists: Vec<Vec<(i64, u32)>> = (0..problem.accounts()).map(own).collect();
        for (territory, accounts) in coming.into_iter().enumerate() {
            for account in accounts {
                lists[account].push((problem.cost(account, territory), index(territory)));
            }
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        Self::listed(problem, lists)
    }

    /// Of the lists of all accounts.
    fn listed(problem: &Problem, lists: Vec<Vec<(i64, u32)>>) -> Self {
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
