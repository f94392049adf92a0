//! The question put to the territory engine: accounts, territories, costs and bands, all whole numbers.

use rayon::prelude::*;

/// Mean radius of the earth in kilometres (IUGG), as in the published districting instances.
const EARTH_RADIUS_KM: f64 = 6371.009;

/// The cost of a pair that is not allowed.
pub const FORBIDDEN: i64 = i64::MAX;

/// A place on the sphere of radius 1, from which distances are a few multiplications away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point([f64; 3]);

impl Point {
    /// Of latitude and longitude in degrees.
    #[must_use]
    pub fn of(latitude: f64, longitude: f64) -> Self {
        let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
        let across = latitude.cos();
        Self([across * longitude.cos(), across * longitude.sin(), latitude.sin()])
    }

    /// Latitude and longitude in degrees.
    #[must_use]
    pub fn degrees(&self) -> (f64, f64) {
        let [x, y, z] = self.0;
        (z.atan2(x.hypot(y)).to_degrees(), y.atan2(x).to_degrees())
    }

    /// The point on the sphere nearest to the weighted mean of others; `None` when they cancel out.
    #[must_use]
    pub fn mean(points: impl Iterator<Item = (Self, f64)>) -> Option<Self> {
        let mut sum = [0.0; 3];
        for (point, weight) in points {
            (0..3).for_each(|axis| sum[axis] += weight * point.0[axis]);
        }
        let length = sum.iter().map(|part| part * part).sum::<f64>().sqrt();
        (length > 1e-9).then(|| Self(sum.map(|part| part / length)))
    }

    /// Great-circle distance in metres, rounded.
    #[must_use]
    pub fn metres_to(&self, other: &Self) -> i64 {
        let square: f64 = (0..3).map(|axis| (self.0[axis] - other.0[axis]).powi(2)).sum();
        let metres = 2000.0 * EARTH_RADIUS_KM * (square.sqrt() / 2.0).min(1.0).asin();
        #[expect(clippy::cast_possible_truncation, reason = "half the circumference is below 2^25 metres")]
        let metres = metres.round() as i64;
        metres
    }
}

/// The load that a territory may carry, in the measure's smallest unit; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Least.
    pub low: i128,
    /// Greatest.
    pub high: i128,
}

/// Loads of accounts, zero or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loads {
    /// Of each account, wherever it goes.
    Account(Vec<i64>),
    /// Of account i in territory j, at `i * territories + j`.
    Pair(Vec<i64>),
}

/// A measure that is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Loads.
    pub loads: Loads,
    /// Band of each territory.
    pub bands: Vec<Band>,
}

/// What it costs to serve an account from a territory.
#[derive(Clone, Debug, PartialEq)]
pub enum Costs {
    /// Cost of account i in territory j, zero or more or [`FORBIDDEN`], at `i * territories + j`.
    Table(Vec<i64>),
    /// By distance; nothing where a place is unknown.
    Travel {
        /// Place of each account.
        accounts: Vec<Option<Point>>,
        /// Place of each territory: the home of its salesperson, or its centre.
        homes: Vec<Option<Point>>,
        /// Cost of a metre, as numerator and denominator.
        rate: (i64, i64),
    },
}

/// The problem. Accounts and territories are indices in the order of their identifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Number of territories.
    pub territories: usize,
    /// Costs without moves.
    pub costs: Costs,
    /// Territory of today.
    pub current: Vec<Option<usize>>,
    /// Cost of an account that leaves its territory of today.
    pub move_cost: i64,
    /// Accounts that may go to one territory only.
    pub locked: Vec<Option<usize>>,
    /// What is balanced; a limit on the number of accounts is a measure of ones.
    pub measures: Vec<Measure>,
    /// Most accounts that may leave the territory of today.
    pub max_moves: Option<usize>,
}

impl Problem {
    /// Number of accounts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.current.len()
    }

    /// Cost of an account in a territory, the move included; [`FORBIDDEN`] when it may not go there.
    #[must_use]
    pub fn cost(&self, account: usize, territory: usize) -> i64 {
        if self.locked[account].is_some_and(|locked| locked != territory) {
            return FORBIDDEN;
        }
        let own = match &self.costs {
            Costs::Table(costs) => costs[account * self.territories + territory],
            Costs::Travel { accounts, homes, rate } => match (&accounts[account], &homes[territory]) {
                (Some(place), Some(home)) => {
                    let cost = i128::from(place.metres_to(home)) * i128::from(rate.0) / i128::from(rate.1);
                    i64::try_from(cost).unwrap_or(FORBIDDEN)
                }
                _ => 0,
            },
        };
        if self.moves(account, territory) { own.saturating_add(self.move_cost) } else { own }
    }

    /// Load of an account in a territory.
    #[must_use]
    pub fn load(&self, measure: usize, account: usize, territory: usize) -> i64 {
        match &self.measures[measure].loads {
            Loads::Account(loads) => loads[account],
            Loads::Pair(loads) => loads[account * self.territories + territory],
        }
    }

    /// True when the account would leave its territory of today.
    #[must_use]
    pub fn moves(&self, account: usize, territory: usize) -> bool {
        self.current[account].is_some_and(|current| current != territory)
    }

    /// Least and greatest load of an account in a measure, over the territories where it may go.
    fn extremes(&self, measure: usize, account: usize) -> (i128, i128) {
        if let Loads::Account(loads) = &self.measures[measure].loads {
            return (loads[account].into(), loads[account].into());
        }
        let loads = (0..self.territories)
            .filter(|territory| self.cost(account, *territory) != FORBIDDEN)
            .map(|territory| i128::from(self.load(measure, account, territory)));
        loads.fold((i128::MAX, 0), |(least, most), load| (least.min(load), most.max(load)))
    }

    /// Limits that cannot hold together whatever the assignment.
    #[must_use]
    pub fn conflicts(&self) -> Vec<String> {
        let mut found = Vec::new();
        let may_go = |account: usize| {
            (0..self.territories).any(|territory| self.cost(account, territory) != FORBIDDEN)
        };
        let nowhere: Vec<usize> = (0..self.accounts()).filter(|account| !may_go(*account)).collect();
        if let Some(first) = nowhere.first() {
            found.push(format!(
                "{} account(s) may go to no territory, such as #{}",
                nowhere.len(),
                first + 1
            ));
            return found;
        }
        for (index, measure) in self.measures.iter().enumerate() {
            let extremes: Vec<(i128, i128)> =
                (0..self.accounts()).into_par_iter().map(|account| self.extremes(index, account)).collect();
            let least: i128 = extremes.iter().map(|(least, _)| least).sum();
            let most: i128 = extremes.iter().map(|(_, most)| most).sum();
            let low: i128 = measure.bands.iter().map(|band| band.low).sum();
            let high: i128 = measure.bands.iter().map(|band| band.high).sum();
            if most < low || least > high {
                let total = if most < low { most } else { least };
                found.push(format!(
                    "{}: the total load {total} is outside what all territories may carry, {low} to {high}",
                    measure.name
                ));
            }
            let mut locked = vec![0i128; self.territories];
            for (account, territory) in self.locked.iter().enumerate() {
                if let Some(territory) = territory {
                    locked[*territory] += i128::from(self.load(index, account, *territory));
                }
            }
            for (territory, (band, load)) in measure.bands.iter().zip(locked).enumerate() {
                if load > band.high {
                    found.push(format!(
                        "{}: the accounts locked in territory #{} carry {load}, more than {}",
                        measure.name,
                        territory + 1,
                        band.high
                    ));
                }
                if band.low > band.high {
                    found.push(format!(
                        "{}: territory #{} has no whole load between {} and {}",
                        measure.name,
                        territory + 1,
                        band.low,
                        band.high
                    ));
                }
            }
        }
        found
    }
}
