//! Centres for territories that have none: accounts are cut in two again and again, then centres and borders take turns
//! (Lloyd 1982), each time with prices that keep the territories within their bands.

use super::candidates::Candidates;
use super::dual::{Prices, bound_of};
use super::problem::{Band, Costs, Loads, Measure, Problem};
use super::travel::{Point, Travel};
use super::{Outcome, Priced, Settings, ascent, divide};

/// Accounts of a territory from which its centre is found; more are sampled.
const SAMPLE: usize = 100;
/// Turns of centres and borders on prices alone, at most: of small problems, and of large ones.
const TURNS: [usize; 2] = [30, 12];
/// Turns on finished answers, of problems that are small.
const SETTLED_TURNS: usize = 6;

/// Finds a centre for each territory, and divides the accounts. `problem` must cost travel; its homes become the centres.
/// The bound of the outcome holds for these centres.
#[must_use]
pub fn create(problem: &mut Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let stride = (problem.accounts() / (SAMPLE * problem.territories.max(1))).max(1);
    let mut sample = sampled(problem, stride);
    let mut homes = bisect(&sample);
    let mut prices: Option<Prices> = None;
    let mut best: Option<(i128, Vec<Option<Point>>)> = None;
    let mut stalled = 0;
    let turns = TURNS[usize::from(problem.accounts() > super::SMALL)];
    for turn in 0..turns {
        progress(u32::try_from(turn).unwrap_or(0));
        place(&mut sample, &homes);
        let candidates = Candidates::new(&sample, &[]);
        let found = ascent::prices(&sample, &candidates, prices.as_ref(), 0);
        let cheapest = found.cheapest_two(&sample);
        let value = bound_of(&sample, &found, &cheapest);
        if best.as_ref().is_none_or(|(least, _)| value < *least) {
            let gain = best.as_ref().map_or(i128::MAX, |(least, _)| (least - value).saturating_mul(2000));
            stalled = if gain < value { stalled + 1 } else { 0 };
            best = Some((value, homes.clone()));
        } else {
            stalled += 1;
        }
        if stalled == 3 {
            break;
        }
        let territory = |account: usize| cheapest[account][0].map(|(_, territory)| territory);
        homes = centres(&sample, &homes, territory);
        prices = Some(found);
    }
    if let Some((_, homes)) = best {
        place(problem, &homes);
    }
    // Centres of finished answers fit what cannot be split better than those on prices; short searches tell which.
    let mut priced = Priced::of(problem);
    if problem.accounts() <= super::SMALL {
        let short = Settings { iterations: settings.iterations / 4, ..settings };
        let mut outcome = divide(problem, &priced, short, progress);
        for _ in 0..SETTLED_TURNS {
            let before = homes_of(problem).to_vec();
            let homes = centres(problem, &before, |account| outcome.assignment.get(account).copied());
            place(problem, &homes);
            let again = Priced::of(problem);
            let next = divide(problem, &again, short, progress);
            if (!next.feasible, next.objective) >= (!outcome.feasible, outcome.objective) {
                place(problem, &before);
                break;
            }
            (outcome, priced) = (next, again);
        }
    }
    divide(problem, &priced, settings, progress)
}

fn homes_of(problem: &Problem) -> &[Option<Point>] {
    if let Costs::Travel(travel) = &problem.costs { &travel.homes } else { &[] }
}

fn place(problem: &mut Problem, homes: &[Option<Point>]) {
    if let Costs::Travel(travel) = &mut problem.costs {
        travel.homes = homes.to_vec();
    }
}

/// Every `stride`-th account, with bands to fit.
fn sampled(problem: &Problem, stride: usize) -> Problem {
    fn every<T: Clone>(all: &[T], stride: usize) -> Vec<T> {
        all.iter().step_by(stride).cloned().collect()
    }
    if stride == 1 {
        return problem.clone();
    }
    let pairs = |all: &[i64]| -> Vec<i64> {
        all.chunks(problem.territories.max(1)).step_by(stride).flatten().copied().collect()
    };
    let measure = |measure: &Measure| {
        let sum = |loads: &[i64]| loads.iter().map(|load| i128::from(*load)).sum::<i128>();
        let (loads, whole, part) = match &measure.loads {
            Loads::Account(all) => {
                let part = every(all, stride);
                let sums = (sum(all), sum(&part));
                (Loads::Account(part), sums.0, sums.1)
            }
            Loads::Pair(all) => {
                let part = pairs(all);
                let sums = (sum(all), sum(&part));
                (Loads::Pair(part), sums.0, sums.1)
            }
        };
        // The sample's share of the whole, which is about 1 / stride.
        let share = |end: i128| if whole == 0 { end } else { end.saturating_mul(part) / whole };
        Measure {
            name: measure.name.clone(),
            bands: measure
                .bands
                .iter()
                .map(|band| Band { low: share(band.low), high: share(band.high) })
                .collect(),
            loads,
        }
    };
    let costs = match &problem.costs {
        Costs::Table(all) => Costs::Table(pairs(all)),
        Costs::Travel(travel) => Costs::Travel(Travel {
            accounts: every(&travel.accounts, stride),
            rates: if travel.rates.len() > 1 { every(&travel.rates, stride) } else { travel.rates.clone() },
            ..travel.clone()
        }),
    };
    Problem {
        territories: problem.territories,
        costs,
        current: every(&problem.current, stride),
        move_cost: problem.move_cost,
        locked: every(&problem.locked, stride),
        measures: problem.measures.iter().map(measure).collect(),
        max_moves: problem.max_moves.map(|limit| limit / stride),
    }
}

/// Centres of the parts that come of cutting the accounts in two, across where they are spread the most, until each
/// territory has the share of the loads that its bands ask for.
#[expect(clippy::cast_precision_loss, reason = "centres are a start")]
fn bisect(problem: &Problem) -> Vec<Option<Point>> {
    let Costs::Travel(travel) = &problem.costs else { return Vec::new() };
    let weight = |account: usize| {
        let shares = problem.measures.iter().filter_map(|measure| match &measure.loads {
            Loads::Account(loads) => {
                let high: f64 = measure.bands.iter().map(|band| band.high as f64).sum();
                Some(loads[account] as f64 / high.max(1.0))
            }
            Loads::Pair(_) => None,
        });
        shares.sum::<f64>() + 1e-6 / problem.accounts() as f64
    };
    let share = |territory: usize| {
        let shares = problem.measures.iter().map(|measure| {
            let high: f64 = measure.bands.iter().map(|band| band.high as f64).sum();
            measure.bands[territory].high as f64 / high.max(1.0)
        });
        shares.sum::<f64>() + 1e-6
    };
    let mut accounts: Vec<(usize, f64)> = (0..problem.accounts())
        .filter(|account| travel.accounts[*account].is_some())
        .map(|account| (account, weight(account)))
        .collect();
    let shares: Vec<f64> = (0..problem.territories).map(share).collect();
    let mut homes = Vec::with_capacity(problem.territories);
    cut(travel, &mut accounts, &shares, &mut homes);
    homes
}

fn cut(travel: &Travel, accounts: &mut [(usize, f64)], shares: &[f64], homes: &mut Vec<Option<Point>>) {
    let points = accounts.iter().filter_map(|(account, weight)| Some((travel.accounts[*account]?, *weight)));
    if shares.len() <= 1 {
        homes.extend(shares.iter().map(|_| Point::mean(points.clone()).map(|centre| centre.rounded())));
        return;
    }
    let axis = spread(points);
    let along = |account: usize| {
        travel.accounts[account]
            .map_or(0.0, |point| point.axes().iter().zip(axis).map(|(part, axis)| part * axis).sum::<f64>())
    };
    let mut order: Vec<(f64, usize, f64)> =
        accounts.iter().map(|(account, weight)| (along(*account), *account, *weight)).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    accounts.iter_mut().zip(order).for_each(|(place, (_, account, weight))| *place = (account, weight));
    let (left, right) = shares.split_at(shares.len() / 2);
    let share = left.iter().sum::<f64>() / shares.iter().sum::<f64>();
    let goal = share * accounts.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    let middle = accounts.iter().position(|(_, weight)| {
        sum += weight;
        sum >= goal
    });
    let (lower, upper) = accounts.split_at_mut(middle.map_or(accounts.len(), |middle| middle + 1));
    cut(travel, lower, left, homes);
    cut(travel, upper, right, homes);
}

/// The direction in which points are spread the most: the first principal component, by the power method.
fn spread(points: impl Iterator<Item = (Point, f64)> + Clone) -> [f64; 3] {
    const ROUNDS: usize = 30;
    let total: f64 = points.clone().map(|(_, weight)| weight).sum();
    let mut mean = [0.0; 3];
    for (point, weight) in points.clone() {
        (0..3).for_each(|axis| mean[axis] += weight * point.axes()[axis] / total.max(f64::MIN_POSITIVE));
    }
    let mut matrix = [[0.0; 3]; 3];
    for (point, weight) in points {
        let from: [f64; 3] = std::array::from_fn(|axis| point.axes()[axis] - mean[axis]);
        for (row, left) in matrix.iter_mut().zip(from) {
            row.iter_mut().zip(from).for_each(|(part, right)| *part += weight * left * right);
        }
    }
    let mut direction = [1.0, 0.9, 0.8];
    for _ in 0..ROUNDS {
        let next: [f64; 3] = std::array::from_fn(|row| {
            matrix[row].iter().zip(direction).map(|(part, along)| part * along).sum()
        });
        let length = next.iter().map(|part| part * part).sum::<f64>().sqrt();
        if length < 1e-300 {
            break;
        }
        direction = next.map(|part| part / length);
    }
    direction
}

/// The centre of each territory's accounts: the mean where square kilometres count, else the median (Weiszfeld 1937).
/// A territory without accounts keeps its centre.
#[expect(clippy::cast_precision_loss, reason = "centres need not be exact")]
fn centres(
    problem: &Problem,
    homes: &[Option<Point>],
    territory: impl Fn(usize) -> Option<usize>,
) -> Vec<Option<Point>> {
    /// Steps towards the median, and metres below which a distance counts as that.
    const STEPS: usize = 12;
    const NEAR: f64 = 10.0;
    let Costs::Travel(travel) = &problem.costs else { return homes.to_vec() };
    let mut members: Vec<Vec<(Point, f64)>> = vec![Vec::new(); problem.territories];
    for account in 0..problem.accounts() {
        if let (Some(territory), Some(point)) = (territory(account), travel.accounts[account]) {
            members[territory].push((point, travel.rate(account) as f64));
        }
    }
    let centre = |(members, home): (&Vec<(Point, f64)>, &Option<Point>)| {
        let mut centre = Point::mean(members.iter().copied()).or(*home)?;
        if !travel.squared {
            for _ in 0..STEPS {
                let pulls = members
                    .iter()
                    .map(|(point, weight)| (*point, weight / (point.metres_to(&centre) as f64).max(NEAR)));
                centre = Point::mean(pulls).unwrap_or(centre);
            }
        }
        Some(centre)
    };
    members.iter().zip(homes).map(centre).map(|centre| centre.map(|centre| centre.rounded())).collect()
}
