//! Accounts in blocks that lie together: a territory that is far from a block is far from all its accounts, so that most are ruled
//! out for a block at once.

use super::problem::{Costs, Loads, Measure, Problem};
use super::travel::{Point, Travel};

/// Accounts of a block at most.
const SIZE: usize = 64;
/// Problems up to so many pairs of account and territory gain nothing.
const PAIRS: usize = 1 << 18;

/// Accounts that lie together.
pub(super) struct Block {
    /// Which.
    pub(super) accounts: Vec<usize>,
    /// Where the middle of them is; `None` of an account by itself, and of accounts that are nowhere.
    middle: Option<Point>,
    /// How far the accounts are from it at most, through the earth.
    radius: f64,
}

/// All accounts in blocks. Where what an account costs or loads is a table of pairs, each is a block of its own.
pub(super) fn blocks(problem: &Problem) -> Vec<Block> {
    let by_pair = |measure: &Measure| matches!(measure.loads, Loads::Pair(_));
    let small = problem.accounts() * problem.territories <= PAIRS;
    let travel = match &problem.costs {
        Costs::Travel(travel) if !small && !problem.measures.iter().any(by_pair) => travel,
        _ => {
            let alone = |account| Block { accounts: vec![account], middle: None, radius: 0.0 };
            return (0..problem.accounts()).map(alone).collect();
        }
    };
    let kind = |account: &usize| {
        (problem.fit.as_ref().map(|fit| fit.kinds[*account]), travel.accounts[*account].is_some())
    };
    let mut accounts: Vec<usize> = (0..problem.accounts()).collect();
    accounts.sort_by_key(kind);
    let mut blocks = Vec::new();
    for alike in accounts.chunk_by_mut(|one, other| kind(one) == kind(other)) {
        cut(travel, alike, &mut blocks);
    }
    blocks
}

/// Cuts accounts in two where they are spread the most, until they fit into blocks.
fn cut(travel: &Travel, accounts: &mut [usize], blocks: &mut Vec<Block>) {
    if accounts.len() <= SIZE {
        let places = || accounts.iter().filter_map(|account| travel.accounts[*account]);
        let middle = Point::mean(places().map(|place| (place, 1.0)));
        let radius =
            middle.map_or(2.0, |middle| places().map(|place| place.chord(&middle)).fold(0.0, f64::max));
        blocks.push(Block { accounts: accounts.to_vec(), middle, radius });
        return;
    }
    let at = |account: &usize, axis: usize| travel.accounts[*account].map_or(0.0, |place| place.axes()[axis]);
    let spread = |axis: usize| {
        let places = accounts.iter().map(|account| at(account, axis));
        let ends =
            places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        ends.1 - ends.0
    };
    let axis = (0..3).max_by(|one, other| spread(*one).total_cmp(&spread(*other))).unwrap_or(0);
    let order = |one: &usize, other: &usize| at(one, axis).total_cmp(&at(other, axis)).then(one.cmp(other));
    let half = accounts.len() / 2;
    accounts.select_nth_unstable_by(half, order);
    let (left, right) = accounts.split_at_mut(half);
    cut(travel, left, blocks);
    cut(travel, right, blocks);
}

impl Block {
    /// What any of the accounts costs in each territory at least, nearly, moves apart; see [`Problem::error`].
    pub(super) fn least(&self, problem: &Problem) -> Vec<f64> {
        self.costs(problem, self.radius, |rates| rates.iter().copied().fold(f64::INFINITY, f64::min))
    }

    /// What an account in the middle costs in each territory, nearly, moves apart.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn middle(&self, problem: &Problem) -> Vec<f64> {
        self.costs(problem, 0.0, |rates| rates.iter().sum::<f64>() / rates.len() as f64)
    }

    /// Costs from the middle, as if every territory were so much nearer, at one of the accounts' rates or a mean of them.
    fn costs(&self, problem: &Problem, nearer: f64, rate: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let mut costs = vec![0.0; problem.territories];
        if let [account] = self.accounts.as_slice() {
            problem.nearly(*account, &mut costs);
            return costs;
        }
        if let (Costs::Travel(travel), Some(centre)) = (&problem.costs, &self.middle) {
            let rates: Vec<f64> = self.accounts.iter().map(|account| travel.nearly_rate(*account)).collect();
            let rate = rate(&rates);
            for (cost, home) in costs.iter_mut().zip(&travel.homes) {
                if let Some(home) = home {
                    *cost = rate * travel.nearly_way((home.chord(centre) - nearer).max(0.0));
                }
            }
        }
        for (territory, cost) in costs.iter_mut().enumerate() {
            *cost += problem.fit_nearly(self.accounts[0], territory);
        }
        costs
    }
}
