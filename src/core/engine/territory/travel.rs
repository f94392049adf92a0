//! Where accounts and territories are, and what the way between them costs.

use super::problem::{Costs, Problem};

/// Mean radius of the earth in kilometres (IUGG), as in the published districting instances.
const EARTH_RADIUS_KM: f64 = 6371.009;

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

    /// The place with six decimals of a degree, a tenth of a metre: as it is written, so that whoever reads it finds the
    /// same distances.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let (latitude, longitude) = self.degrees();
        Self::of((latitude * 1e6).round() / 1e6, (longitude * 1e6).round() / 1e6)
    }

    /// Coordinates in space.
    pub(super) fn axes(&self) -> [f64; 3] {
        self.0
    }

    /// The way to another place through the earth, whose radius is 1.
    #[inline]
    pub(super) fn chord(&self, other: &Self) -> f64 {
        let [a, b] = [self.0, other.0];
        let (x, y, z) = (a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        (x * x + y * y + z * z).sqrt()
    }

    /// Great-circle distance in metres, rounded.
    #[must_use]
    #[inline]
    pub fn metres_to(&self, other: &Self) -> i64 {
        let metres = 2000.0 * EARTH_RADIUS_KM * (self.chord(other) / 2.0).min(1.0).asin();
        #[expect(clippy::cast_possible_truncation, reason = "half the circumference is below 2^25 metres")]
        let metres = metres.round() as i64;
        metres
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
}

/// Great-circle distance in metres, nearly: to a part in ten million.
#[inline]
fn nearly_metres(chord: f64) -> f64 {
    let half = chord / 2.0;
    let square = half * half;
    // The series of the arc sine, innermost term first.
    let terms = [945.0 / 42240.0, 105.0 / 3456.0, 15.0 / 336.0, 3.0 / 40.0, 1.0 / 6.0, 1.0];
    let arc = if half < 0.3 {
        half * terms.into_iter().fold(0.0, |sum, term| sum * square + term)
    } else {
        half.min(1.0).asin()
    };
    2000.0 * EARTH_RADIUS_KM * arc
}

/// The places that lie far from where most are, and near them with latitude and longitude swapped. Where most are is the
/// middle of `homes`, or of the places themselves when no home is known.
#[must_use]
pub fn swapped(places: &[Option<(f64, f64)>], homes: &[Option<(f64, f64)>]) -> Vec<usize> {
    /// Metres from the middle that no place is blamed for, and how much nearer a swap must bring it.
    const FAR: i64 = 3_000_000;
    const NEARER: i64 = 3;
    let known = |all: &[Option<(f64, f64)>]| all.iter().copied().flatten().collect::<Vec<_>>();
    let mut most = known(homes);
    if most.is_empty() {
        most = known(places);
    }
    let mut middle = |pick: fn(&(f64, f64)) -> f64| {
        most.sort_by(|a, b| pick(a).total_cmp(&pick(b)));
        most.get(most.len() / 2).map(pick)
    };
    let (Some(latitude), Some(longitude)) = (middle(|place| place.0), middle(|place| place.1)) else {
        return Vec::new();
    };
    let middle = Point::of(latitude, longitude);
    let suspect = |(latitude, longitude): (f64, f64)| {
        let far = Point::of(latitude, longitude).metres_to(&middle);
        longitude.abs() <= 90.0
            && far > FAR
            && Point::of(longitude, latitude).metres_to(&middle).saturating_mul(NEARER) < far
    };
    (0..places.len()).filter(|account| places[*account].is_some_and(suspect)).collect()
}

/// The places at latitude and longitude 0 that lie far from where most are: what exports write for unknown ones.
#[must_use]
pub fn nowhere(places: &[Option<(f64, f64)>]) -> Vec<usize> {
    /// Metres from the middle of all others.
    const FAR: i64 = 1_000_000;
    let zero = |place: &(f64, f64)| place.0.abs() < 1e-9 && place.1.abs() < 1e-9;
    let known = places.iter().flatten().filter(|place| !zero(place));
    let Some(middle) = Point::mean(known.map(|place| (Point::of(place.0, place.1), 1.0))) else {
        return Vec::new();
    };
    if middle.metres_to(&Point::of(0.0, 0.0)) < FAR {
        return Vec::new();
    }
    (0..places.len()).filter(|place| places[*place].as_ref().is_some_and(zero)).collect()
}

/// Where the homes of territories come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centres {
    /// They are given.
    Given,
    /// They are to be found, anywhere.
    Anywhere,
    /// They are to be found, each at an account of its territory.
    Account,
}

/// What it costs to get from a territory to an account; nothing where a place is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Travel {
    /// Place of each account.
    pub accounts: Vec<Option<Point>>,
    /// Place of each territory: the home of its salesperson, or its centre.
    pub homes: Vec<Option<Point>>,
    /// Where homes come from.
    pub centres: Centres,
    /// Square kilometres count instead of kilometres.
    pub squared: bool,
    /// Cost of a (square) kilometre over [`Travel::denominator`]: one for all accounts, or one for each.
    pub rates: Vec<i64>,
    /// What rates are parts of; more than zero.
    pub denominator: i64,
}

impl Travel {
    #[inline]
    pub(super) fn rate(&self, account: usize) -> i64 {
        self.rates.get(account).or(self.rates.first()).copied().unwrap_or(0)
    }

    /// Cost of an account in a territory, in thousandths of a (square) kilometre, rounded down; `None` beyond 64 bits.
    #[inline]
    pub(super) fn cost(&self, account: usize, territory: usize) -> Option<i64> {
        let (Some(place), Some(home)) = (&self.accounts[account], &self.homes[territory]) else {
            return Some(0);
        };
        let metres = place.metres_to(home);
        let rate = self.rate(account);
        // A square of metres is below 2^50.
        let distance = if self.squared { metres * metres / 1000 } else { metres };
        match distance.checked_mul(rate) {
            Some(cost) if self.denominator == 1 => Some(cost),
            Some(cost) => Some(cost / self.denominator),
            None => {
                i64::try_from(i128::from(distance) * i128::from(rate) / i128::from(self.denominator)).ok()
            }
        }
    }

    /// Cost of an account in a territory, nearly; see [`Travel::error`].
    #[inline]
    pub(super) fn nearly_in(&self, account: usize, territory: usize) -> f64 {
        match (&self.accounts[account], &self.homes[territory]) {
            (Some(place), Some(home)) => self.nearly_rate(account) * self.nearly_way(place.chord(home)),
            _ => 0.0,
        }
    }

    /// What a way through the earth costs at a rate of 1, nearly.
    #[inline]
    pub(super) fn nearly_way(&self, chord: f64) -> f64 {
        let metres = nearly_metres(chord);
        if self.squared { metres * metres / 1000.0 } else { metres }
    }

    /// What an account pays for a (square) kilometre, in thousandths, nearly.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    #[inline]
    pub(super) fn nearly_rate(&self, account: usize) -> f64 {
        self.rate(account) as f64 / self.denominator as f64
    }

    /// How far a cost may be from what [`Travel::nearly_in`] says: distances are rounded to the metre, costs down.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn error(&self, account: usize, nearly: f64) -> f64 {
        let rate = self.rate(account) as f64 / self.denominator as f64;
        let slope = if self.squared { 2.0 * (nearly.max(0.0) * rate / 1000.0).sqrt() + rate } else { rate };
        slope + 2.0 + 1e-6 * nearly.abs()
    }
}

/// What accounts cost at least: as if the ways of the plan went straight through the earth.
pub(super) struct Straight<'a> {
    problem: &'a Problem,
    /// Coordinates of the homes, beside each other; zeros where there is none.
    homes: [Vec<f64>; 3],
    /// One for a home that is known, else zero.
    known: Vec<f64>,
}

impl<'a> Straight<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let homes = match &problem.costs {
            Costs::Travel(travel) => travel.homes.as_slice(),
            Costs::Table(_) => &[],
        };
        let along = |axis: usize| homes.iter().map(|home| home.map_or(0.0, |home| home.0[axis])).collect();
        let known = homes.iter().map(|home| f64::from(u8::from(home.is_some()))).collect();
        Self { problem, homes: [along(0), along(1), along(2)], known }
    }

    /// What an account costs in each territory at least, moves apart.
    pub(super) fn costs(&self, account: usize, costs: &mut Vec<f64>) {
        let count = self.problem.territories;
        costs.clear();
        costs.resize(count, 0.0);
        match &self.problem.costs {
            Costs::Table(_) => self.problem.nearly(account, costs),
            Costs::Travel(travel) => {
                if let Some(place) = &travel.accounts[account] {
                    let rate = travel.nearly_rate(account);
                    let [x, y, z] = &self.homes;
                    let (x, y, z, known) = (&x[..count], &y[..count], &z[..count], &self.known[..count]);
                    for (home, cost) in costs.iter_mut().enumerate() {
                        let (x, y, z) = (x[home] - place.0[0], y[home] - place.0[1], z[home] - place.0[2]);
                        let metres = 1000.0 * EARTH_RADIUS_KM * (x * x + y * y + z * z).sqrt() - 0.5;
                        let way = if travel.squared { metres * metres.max(0.0) / 1000.0 } else { metres };
                        // Of what is rounded down a unit is missing at most.
                        *cost = known[home] * (rate * (way - 1.0) - 1.0);
                    }
                }
                if self.problem.fit.is_some() {
                    let own = costs.iter_mut().enumerate();
                    own.for_each(|(territory, cost)| *cost += self.problem.fit_nearly(account, territory));
                }
            }
        }
    }
}
