//! The question put to the territory engine: accounts, territories, costs and bands, all whole numbers.

/// Mean radius of the earth in kilometres (IUGG), as in the published districting instances.
const EARTH_RADIUS_KM: f64 = 6371.009;

/// Great-circle distance in metres between two points in degrees, rounded: the only float of the engine.
#[must_use]
pub fn distance_metres(a: (f64, f64), b: (f64, f64)) -> i64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.1 - a.1).to_radians() / 2.0).sin();
    let chord = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    let metres = 2000.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin();
    #[expect(clippy::cast_possible_truncation, reason = "half the circumference is below 2^25 metres")]
    let metres = metres.round() as i64;
    metres
}

/// The load that a territory may carry, in the measure's smallest unit; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Least.
    pub low: i128,
    /// Greatest.
    pub high: i128,
}

/// A measure that is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Load of each account, zero or more.
    pub loads: Vec<i64>,
    /// Band of each territory.
    pub bands: Vec<Band>,
}

/// The problem. Accounts and territories are indices in the order of their identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Number of territories.
    pub territories: usize,
    /// Cost of account i in territory j, at `i * territories + j`, zero or more; the cost of a move included.
    pub costs: Vec<i64>,
    /// Territory of today.
    pub current: Vec<Option<usize>>,
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

    /// Cost of an account in a territory.
    #[must_use]
    pub fn cost(&self, account: usize, territory: usize) -> i64 {
        self.costs[account * self.territories + territory]
    }

    /// True when the account may go there.
    #[must_use]
    pub fn allows(&self, account: usize, territory: usize) -> bool {
        self.locked[account].is_none_or(|locked| locked == territory)
    }

    /// True when the account would leave its territory of today.
    #[must_use]
    pub fn moves(&self, account: usize, territory: usize) -> bool {
        self.current[account].is_some_and(|current| current != territory)
    }

    /// Faults of the problem itself, and limits that cannot hold together whatever the assignment.
    #[must_use]
    pub fn conflicts(&self) -> Vec<String> {
        let mut found = Vec::new();
        for measure in &self.measures {
            let total: i128 = measure.loads.iter().map(|load| i128::from(*load)).sum();
            let low: i128 = measure.bands.iter().map(|band| band.low).sum();
            let high: i128 = measure.bands.iter().map(|band| band.high).sum();
            if total < low || total > high {
                found.push(format!(
                    "{}: the total load {total} is outside what all territories may carry, {low} to {high}",
                    measure.name
                ));
            }
            for (territory, band) in measure.bands.iter().enumerate() {
                let locked = (0..self.accounts()).filter(|account| self.locked[*account] == Some(territory));
                let load: i128 = locked.map(|account| i128::from(measure.loads[account])).sum();
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
