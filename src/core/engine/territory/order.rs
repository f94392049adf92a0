//! The order in which accounts and territories are searched: by what they are and not by what they are called, so that other
//! identifiers for the same rows lead to the same territories. Equals are told apart by what they are connected with
//! (colour refinement; Weisfeiler, Leman 1968); only what is alike in everything keeps the order of its identifiers.

use std::cmp::Ordering;

use super::create::part;
use super::problem::{Contiguity, Costs, Loads, Problem};
use super::travel::Point;
use super::{Outcome, Prices};

/// Rounds in which accounts and territories learn of each other.
const ROUNDS: usize = 2;

/// A problem in the order of its contents.
pub(super) struct Ordered {
    pub(super) problem: Problem,
    /// Where each account and each territory of it was.
    accounts: Vec<usize>,
    territories: Vec<usize>,
}

impl Ordered {
    pub(super) fn of(problem: &Problem) -> Self {
        let signs = Signs::of(problem);
        let mut territories: Vec<usize> = (0..problem.territories).collect();
        territories.sort_by(|a, b| {
            let home = |territory: &usize| match &problem.costs {
                Costs::Travel(travel) => travel.homes[*territory],
                Costs::Table(_) => None,
            };
            by_place(home(a), home(b)).then(signs.territories[*a].cmp(&signs.territories[*b])).then(a.cmp(b))
        });
        let mut accounts: Vec<usize> = (0..problem.accounts()).collect();
        accounts.sort_by(|a, b| {
            let place = |account: &usize| match &problem.costs {
                Costs::Travel(travel) => travel.accounts[*account],
                Costs::Table(_) => None,
            };
            by_place(place(a), place(b)).then(signs.accounts[*a].cmp(&signs.accounts[*b])).then(a.cmp(b))
        });
        let mut ordered = part(problem, &accounts, &territories);
        ordered.groups =
            problem.groups.as_ref().map(|groups| accounts.iter().map(|account| groups[*account]).collect());
        ordered.contiguity = ordered.contiguity.as_ref().map(numbered);
        Self { problem: ordered, accounts, territories }
    }

    /// An outcome in the order of the identifiers.
    pub(super) fn restored(&self, outcome: Outcome) -> Outcome {
        let mut assignment = vec![0; outcome.assignment.len()];
        for (account, territory) in self.accounts.iter().zip(&outcome.assignment) {
            assignment[*account] = self.territories[*territory];
        }
        let prices = self.prices(outcome.prices);
        Outcome { assignment, prices, ..outcome }
    }

    /// Prices in the order of the identifiers.
    pub(super) fn prices(&self, prices: Prices) -> Prices {
        Prices { bands: prices.bands.iter().map(|own| self.by_territory(own)).collect(), ..prices }
    }

    /// What belongs to territories, in the order of the identifiers.
    pub(super) fn by_territory<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let mut places: Vec<(usize, T)> =
            self.territories.iter().copied().zip(values.iter().copied()).collect();
        places.sort_by_key(|(territory, _)| *territory);
        places.into_iter().map(|(_, value)| value).collect()
    }
}

fn by_place(one: Option<Point>, other: Option<Point>) -> Ordering {
    let axes = |place: Option<Point>| place.map(|place| place.axes());
    match (axes(one), axes(other)) {
        (Some(one), Some(other)) => {
            let mut parts = one.iter().zip(&other).map(|(one, other)| one.total_cmp(other));
            parts.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Areas numbered as accounts meet them.
fn numbered(contiguity: &Contiguity) -> Contiguity {
    let mut numbers = vec![usize::MAX; contiguity.neighbours.len()];
    let mut met = Vec::with_capacity(numbers.len());
    for area in contiguity.areas.iter().copied().chain(0..contiguity.neighbours.len()) {
        if numbers[area] == usize::MAX {
            numbers[area] = met.len();
            met.push(area);
        }
    }
    let neighbours = |area: &usize| {
        let mut own: Vec<usize> = contiguity.neighbours[*area].iter().map(|next| numbers[*next]).collect();
        own.sort_unstable();
        own
    };
    Contiguity {
        areas: contiguity.areas.iter().map(|area| numbers[*area]).collect(),
        neighbours: met.iter().map(neighbours).collect(),
    }
}

/// Numbers that say what an account or a territory is, whatever it is called.
struct Signs {
    accounts: Vec<u64>,
    territories: Vec<u64>,
}

/// A number of two, by which nearly all pairs differ (splitmix64; Steele, Lea, Flood 2014).
fn mixed(one: u64, other: u64) -> u64 {
    let mut value = one.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(other).wrapping_add(1);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn whole(value: i64) -> u64 {
    value.cast_unsigned()
}

impl Signs {
    fn of(problem: &Problem) -> Self {
        let mut signs = Self { accounts: own_accounts(problem), territories: own_territories(problem) };
        if let Some(contiguity) = &problem.contiguity {
            for (sign, area) in signs.accounts.iter_mut().zip(&contiguity.areas) {
                *sign = mixed(*sign, contiguity.neighbours[*area].len() as u64);
            }
        }
        for _ in 0..ROUNDS {
            signs = signs.mixed_pairs(problem);
            if let Some(groups) = &problem.groups {
                signs.mix_peers(groups);
            }
            if let Some(contiguity) = &problem.contiguity {
                signs.mix_peers(&contiguity.areas);
            }
        }
        signs
    }

    /// Accounts learn what those of their group, or of their area, are.
    fn mix_peers(&mut self, numbers: &[usize]) {
        let mut sums = vec![0u64; numbers.iter().max().map_or(0, |most| most + 1)];
        for (sign, number) in self.accounts.iter().zip(numbers) {
            sums[*number] = sums[*number].wrapping_add(mixed(*sign, 1));
        }
        for (sign, number) in self.accounts.iter_mut().zip(numbers) {
            *sign = mixed(*sign, sums[*number]);
        }
    }

    /// Accounts learn what the territories are that they have to do with, and these learn what the accounts are.
    fn mixed_pairs(&self, problem: &Problem) -> Self {
        const CURRENT: u64 = 1;
        const LOCKED: u64 = 2;
        let mut accounts = self.accounts.clone();
        let mut territories = self.territories.clone();
        let mut meet = |account: usize, territory: usize, how: u64| {
            let (one, other) = (mixed(self.territories[territory], how), mixed(self.accounts[account], how));
            accounts[account] = accounts[account].wrapping_add(one);
            territories[territory] = territories[territory].wrapping_add(other);
        };
        for account in 0..problem.accounts() {
            for (territory, how) in [(problem.current[account], CURRENT), (problem.locked[account], LOCKED)] {
                if let Some(territory) = territory {
                    meet(account, territory, how);
                }
            }
        }
        let mut tables: Vec<Vec<u64>> = Vec::new();
        if let Costs::Table(costs) = &problem.costs {
            tables.push(costs.iter().copied().map(whole).collect());
        }
        let loads = problem.measures.iter().map(|measure| &measure.loads);
        for loads in loads.chain(problem.move_limits.iter().map(|limit| &limit.loads)) {
            if let Loads::Pair(loads) = loads {
                tables.push(ranks(loads));
            }
        }
        for (number, table) in tables.into_iter().enumerate() {
            for (at, value) in table.into_iter().enumerate() {
                let how = mixed(number as u64 + 3, value);
                meet(at / problem.territories, at % problem.territories, how);
            }
        }
        if let Some(fit) = &problem.fit {
            let count = fit.costs.len() / problem.territories.max(1);
            let mut kinds = vec![0u64; count];
            for (sign, kind) in self.accounts.iter().zip(&fit.kinds) {
                kinds[*kind] = kinds[*kind].wrapping_add(mixed(*sign, 1));
            }
            let mut rows = vec![0u64; count];
            for (at, cost) in fit.costs.iter().enumerate() {
                let (kind, territory) = (at / problem.territories, at % problem.territories);
                rows[kind] = rows[kind].wrapping_add(mixed(self.territories[territory], whole(*cost)));
                territories[territory] =
                    territories[territory].wrapping_add(mixed(kinds[kind], whole(*cost)));
            }
            for (sign, kind) in accounts.iter_mut().zip(&fit.kinds) {
                *sign = mixed(*sign, rows[*kind]);
            }
        }
        Self { accounts, territories }
    }
}

fn of_place(place: Option<Point>) -> u64 {
    place.map_or(7, |place| place.axes().iter().fold(11, |sign, axis| mixed(sign, axis.to_bits())))
}

/// The place of each value among all different ones: the same in any unit of a measure.
fn ranks<T: Ord + Copy>(values: &[T]) -> Vec<u64> {
    let mut different = values.to_vec();
    different.sort_unstable();
    different.dedup();
    values.iter().map(|value| different.partition_point(|other| other < value) as u64).collect()
}

/// What each account is by itself.
fn own_accounts(problem: &Problem) -> Vec<u64> {
    let own = |account: usize| {
        let sign = mixed(1, whole(problem.move_cost(account)));
        match &problem.costs {
            Costs::Table(_) => sign,
            Costs::Travel(travel) => {
                mixed(mixed(sign, of_place(travel.accounts[account])), whole(travel.rate(account)))
            }
        }
    };
    let mut signs: Vec<u64> = (0..problem.accounts()).map(own).collect();
    let measures = problem.measures.iter().filter_map(|measure| match &measure.loads {
        Loads::Account(loads) => Some(loads),
        Loads::Pair(_) => None,
    });
    let limits = problem.move_limits.iter().filter_map(|limit| match &limit.loads {
        Loads::Account(loads) => Some(loads),
        Loads::Pair(_) => None,
    });
    for loads in measures.chain(limits) {
        for (sign, rank) in signs.iter_mut().zip(ranks(loads)) {
            *sign = mixed(*sign, rank);
        }
    }
    signs
}

/// What each territory is by itself.
fn own_territories(problem: &Problem) -> Vec<u64> {
    let own = |territory: usize| match &problem.costs {
        Costs::Table(_) => 2,
        Costs::Travel(travel) => of_place(travel.homes[territory]),
    };
    let mut signs: Vec<u64> = (0..problem.territories).map(own).collect();
    for measure in &problem.measures {
        let ends: Vec<(i128, i128)> = measure.bands.iter().map(|band| (band.low, band.high)).collect();
        for (sign, rank) in signs.iter_mut().zip(ranks(&ends)) {
            *sign = mixed(*sign, rank);
        }
    }
    signs
}
