//! Centres for territories that have none: accounts are cut in two again and again, then centres and borders take turns
//! (Lloyd 1982), each time with prices that keep the territories within their bands.

use rayon::prelude::*;

use super::dual::Prices;
use super::order::Ordered;
use super::problem::{Band, Contiguity, Costs, Fit, Loads, Measure, MoveLimit, Problem};
use super::renew::{drawn, renew};
use super::search::{Random, Score};
use super::travel::{Centres, Point, Travel};
use super::{
    Effort, Evaluation, Grown, Outcome, Priced, Settings, TINY, Whole, bound, divide, evaluate, grown, prove,
    score,
};

/// Accounts of a territory from which its centre is found; more are sampled.
const SAMPLE: usize = 100;
/// Turns of centres and borders on prices alone, at most: of small problems, and of large ones.
const TURNS: [usize; 2] = [30, 12];
/// Turns on finished answers at most, and the gain, as a part of the cost, below which a larger problem takes no more.
const SETTLED_TURNS: usize = 7;
/// As many are enough where a part of the territories is tried anew, and for many accounts.
pub(super) const FEW_TURNS: usize = 3;
const GAIN: i128 = 200;

/// Finds a centre for each territory, and divides the accounts. `problem` must cost travel; its homes become the centres.
/// The bound of the outcome holds for these centres.
#[must_use]
pub fn create(problem: &mut Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    let mut ordered = Ordered::of(problem);
    let outcome = create_ordered(&mut ordered.problem, settings, progress);
    finished(problem, &ordered, outcome)
}

/// An outcome in the order of the identifiers; the homes of the problem become the centres found.
fn finished(problem: &mut Problem, ordered: &Ordered, outcome: Outcome) -> Outcome {
    let homes = ordered.by_territory(homes_of(&ordered.problem));
    if let Costs::Travel(travel) = &mut problem.costs {
        travel.homes = homes;
    }
    let outcome = ordered.restored(outcome);
    if problem.accounts() > super::SMALL {
        return outcome;
    }
    // Proven anew for these centres, as whoever scores the answer does it.
    let (prices, bound) = prove(problem);
    Outcome { prices, bound, ..outcome }
}

/// As [`create`], of accounts in the order of their contents; the bound is yet to be proven.
fn create_ordered(problem: &mut Problem, settings: Settings, progress: &mut dyn FnMut(u32)) -> Outcome {
    if let Some(mut whole) = Whole::of(problem) {
        return create_whole(problem, &mut whole, settings, progress);
    }
    let small = problem.accounts() <= super::SMALL;
    let stride = (problem.accounts() / (SAMPLE * problem.territories.max(1))).max(1);
    let sampled: Vec<usize> = (0..problem.accounts()).step_by(stride).collect();
    let everywhere: Vec<usize> = (0..problem.territories).collect();
    let mut sample = part(problem, &sampled, &everywhere);
    if stride > 1 {
        fit(&mut sample, problem);
    }
    let (homes, prices) = started(&sample, TURNS[usize::from(!small)], settings.seed, progress);
    place(problem, &homes);
    if !small {
        return divide(problem, &Priced::of(problem, prices.as_ref()), None, settings, progress);
    }
    let short = Settings { iterations: settings.iterations / 20, ..settings };
    let turns = if problem.accounts() <= TINY { SETTLED_TURNS } else { FEW_TURNS };
    let mut answer = settle(problem, (None, prices), turns, short, progress);
    renew(problem, &mut answer, settings, progress);
    let (_, assignment) = settle(problem, (Some(answer), None), turns, settings, progress);
    problem.locked.fill(None);
    let prices = Prices::zero(problem);
    let bound = bound(problem, &prices);
    let found = evaluate(problem, &assignment.iter().copied().map(Some).collect::<Vec<_>>());
    let Evaluation { feasible, objective, moves, .. } = found;
    Outcome { assignment, feasible, objective, bound, prices, moves, seed: settings.seed, loose: None }
}

/// Centres, and prices that nearly fit: of a few accounts the best of several starts, the first of which cuts them where they
/// are spread the most and the others anyhow.
fn started(
    problem: &Problem,
    turns: usize,
    seed: u64,
    progress: &mut dyn FnMut(u32),
) -> (Vec<Option<Point>>, Option<Prices>) {
    const STARTS: u64 = 16;
    let made = |start: u64, progress: &mut dyn FnMut(u32)| {
        let mut own = problem.clone();
        let homes = bisect(&own, (start > 0).then_some(&mut Random(seed.wrapping_add(start))));
        place(&mut own, &homes);
        let (value, prices) = take_turns(&mut own, turns, progress);
        (value, start, homes_of(&own).to_vec(), prices)
    };
    let first = made(0, progress);
    let more = if problem.accounts() <= TINY { STARTS } else { 1 };
    let others = (1..more).into_par_iter().map(|start| made(start, &mut |_| {}));
    let others: Vec<_> = others.collect();
    let best = std::iter::once(first).chain(others).min_by_key(|(value, start, ..)| (*value, *start));
    best.map_or_else(|| (Vec::new(), None), |(_, _, homes, prices)| (homes, prices))
}

/// As [`create`], for groups that go whole: centres are found for a place of each group, and then for all accounts in turns
/// with what they cost from there.
fn create_whole(
    problem: &mut Problem,
    whole: &mut Whole,
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> Outcome {
    let made = create_ordered(&mut whole.problem, settings, progress);
    let assignment: Vec<usize> = whole.group_of().into_iter().map(|group| made.assignment[group]).collect();
    let locked = problem.locked.clone();
    refine(problem, assignment, &locked, settings, progress)
}

/// Balances territories that stand, each around the middle of its own accounts: these and the borders take turns. The homes of
/// the problem become the centres, and the bound of the outcome holds for them.
#[must_use]
pub fn balance_around_centres(
    problem: &mut Problem,
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> Outcome {
    let mut ordered = Ordered::of(problem);
    let locked = ordered.problem.locked.clone();
    let homes = centres(&ordered.problem, |account| ordered.problem.current[account]);
    let homes = drawn(&ordered.problem, homes, None);
    place_beside(&mut ordered.problem, &homes, &locked);
    let cheapest = |account: usize| {
        (0..ordered.problem.territories).min_by_key(|territory| ordered.problem.cost(account, *territory))
    };
    let current = ordered.problem.current.iter().enumerate();
    let start = current.map(|(account, at)| at.or_else(|| cheapest(account)).unwrap_or(0)).collect();
    let outcome = refine(&mut ordered.problem, start, &locked, settings, progress);
    finished(problem, &ordered, outcome)
}

/// Answers and their centres take turns while that helps, from an answer; groups go whole, and `locked` accounts stay. The homes of
/// the problem become the centres.
fn refine(
    problem: &mut Problem,
    start: Vec<usize>,
    locked: &[Option<usize>],
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> Outcome {
    let homes = centres(problem, |account| start.get(account).copied());
    place_beside(problem, &homes, locked);
    let (mut least, mut outcome) = turn(problem, &start, locked, settings, progress);
    for _ in 1..SETTLED_TURNS {
        let before = homes_of(problem).to_vec();
        let (next, other) = turn(problem, &outcome.assignment, locked, settings, progress);
        if next >= least {
            place_beside(problem, &before, locked);
            break;
        }
        (least, outcome) = (next, other);
    }
    problem.locked = locked.to_vec();
    let assigned: Vec<Option<usize>> = outcome.assignment.iter().copied().map(Some).collect();
    let Evaluation { feasible, objective, moves, .. } = evaluate(problem, &assigned);
    Outcome { feasible, objective, moves, bound: bound(problem, &outcome.prices), ..outcome }
}

/// Divides the accounts from an answer, and then puts the centres in the middle of the new one where that costs no more. Returns
/// what the answer is worth.
fn turn(
    problem: &mut Problem,
    known: &[usize],
    locked: &[Option<usize>],
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> (Score, Outcome) {
    let before = homes_of(problem).to_vec();
    let outcome = match Whole::of(problem) {
        Some(exact) => {
            let priced = Priced::of(&exact.problem, None);
            let groups: Vec<usize> = exact.members.iter().map(|own| known[own[0]]).collect();
            exact.expanded(problem, divide(&exact.problem, &priced, Some(&groups), settings, progress))
        }
        None => divide(problem, &Priced::of(problem, None), Some(known), settings, progress),
    };
    let there = score(problem, &outcome.assignment);
    let homes = centres(problem, |account| outcome.assignment.get(account).copied());
    place_beside(problem, &homes, locked);
    let moved = score(problem, &outcome.assignment);
    if moved <= there {
        return (moved, outcome);
    }
    place_beside(problem, &before, locked);
    (there, outcome)
}

/// As [`place`], where the locks of the plan hold beside those of centres at accounts.
fn place_beside(problem: &mut Problem, homes: &[Option<Point>], locked: &[Option<usize>]) {
    place(problem, homes);
    for (own, asked) in problem.locked.iter_mut().zip(locked) {
        *own = asked.or(*own);
    }
}

/// Centres and borders on prices take turns until the bound falls no further; the homes of the problem become the centres.
/// Returns the bound, nearly, and prices that nearly fit.
pub(super) fn take_turns(
    problem: &mut Problem,
    turns: usize,
    progress: &mut dyn FnMut(u32),
) -> (i128, Option<Prices>) {
    /// Lists grow once a turn at most, because the next turn's prices differ anyway.
    const EFFORT: Effort = Effort { growths: 1, polish: 0, rough: true };
    let mut prices: Option<Prices> = None;
    let mut best: Option<(i128, Vec<Option<Point>>)> = None;
    let mut stalled = 0;
    for turn in 0..turns {
        progress(u32::try_from(turn).unwrap_or(0));
        let Grown { prices: found, proven: value, cheapest, .. } = grown(problem, prices.as_ref(), EFFORT);
        if best.as_ref().is_none_or(|(least, _)| value < *least) {
            let gain = best.as_ref().map_or(i128::MAX, |(least, _)| (least - value).saturating_mul(2000));
            stalled = if gain < value { stalled + 1 } else { 0 };
            best = Some((value, homes_of(problem).to_vec()));
        } else {
            stalled += 1;
        }
        if stalled == 3 {
            break;
        }
        let territory = |account: usize| cheapest[account][0].map(|(_, territory)| territory);
        let homes = centres(problem, territory);
        place(problem, &homes);
        prices = Some(found);
    }
    let Some((least, homes)) = best else { return (0, None) };
    place(problem, &homes);
    (least, prices)
}

/// Finished answers and their centres take turns while that helps: such centres fit what cannot be split better than those on
/// prices. Returns the answer and its score; the homes of the problem become its centres.
pub(super) fn settle(
    problem: &mut Problem,
    (known, mut prices): (Option<(Score, Vec<usize>)>, Option<Prices>),
    turns: usize,
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) -> (Score, Vec<usize>) {
    let mut best = known;
    for _ in 0..turns {
        let before = homes_of(problem).to_vec();
        let own = best.as_ref().map(|(_, assignment)| assignment.as_slice());
        let made = divide(problem, &Priced::of(problem, prices.as_ref()), own, settings, progress);
        let assignment = made.assignment;
        prices = Some(made.prices);
        let there = score(problem, &assignment);
        let homes = centres(problem, |account| assignment.get(account).copied());
        let stays = homes_of(problem).to_vec();
        place(problem, &homes);
        let mut next = score(problem, &assignment);
        let anywhere = !matches!(&problem.costs, Costs::Travel(travel) if travel.centres == Centres::Account);
        if anywhere && there < next {
            place(problem, &stays);
            next = there;
        }
        let last = best.as_ref().map(|(best, _)| *best);
        if last.is_some_and(|last| next >= last) {
            place(problem, &before);
            break;
        }
        best = Some((next, assignment));
        let little = last.is_some_and(|last| last.0 == next.0 && (last.1 - next.1) * GAIN < next.1);
        if little && problem.accounts() > TINY {
            break;
        }
    }
    best.unwrap_or_default()
}

/// Gives each territory the centre of its accounts in an assignment that somebody made.
pub fn find_centres(problem: &mut Problem, assignment: &[Option<usize>]) {
    let homes = centres(problem, |account| assignment.get(account).copied().flatten());
    if let Costs::Travel(travel) = &mut problem.costs {
        travel.homes = homes;
    }
}

pub(super) fn homes_of(problem: &Problem) -> &[Option<Point>] {
    if let Costs::Travel(travel) = &problem.costs { &travel.homes } else { &[] }
}

/// Gives territories their homes. Centres at accounts keep the accounts where they are.
pub(super) fn place(problem: &mut Problem, homes: &[Option<Point>]) {
    let Costs::Travel(travel) = &mut problem.costs else { return };
    travel.homes = homes.to_vec();
    if travel.centres == Centres::Account {
        problem.locked.fill(None);
        for (territory, home) in homes.iter().enumerate() {
            let places = travel.accounts.iter().zip(&problem.locked);
            let own = places.enumerate().find(|(_, (place, locked))| *place == home && locked.is_none());
            if let Some((account, _)) = own {
                problem.locked[account] = Some(territory);
            }
        }
    }
}

/// The problem of some accounts and some territories.
pub(super) fn part(problem: &Problem, accounts: &[usize], territories: &[usize]) -> Problem {
    fn some<T: Clone>(all: &[T], places: &[usize]) -> Vec<T> {
        places.iter().map(|place| all[*place].clone()).collect()
    }
    let pairs = |all: &[i64]| -> Vec<i64> {
        let row = |account: usize| {
            territories.iter().map(move |territory| all[account * problem.territories + territory])
        };
        accounts.iter().copied().flat_map(row).collect()
    };
    let loads = |loads: &Loads| match loads {
        Loads::Account(all) => Loads::Account(some(all, accounts)),
        Loads::Pair(all) => Loads::Pair(pairs(all)),
    };
    let mut places = vec![None; problem.territories];
    territories.iter().enumerate().for_each(|(place, territory)| places[*territory] = Some(place));
    let inside = |territory: Option<usize>| territory.and_then(|own: usize| places[own]);
    let costs = match &problem.costs {
        Costs::Table(all) => Costs::Table(pairs(all)),
        Costs::Travel(travel) => Costs::Travel(Travel {
            accounts: some(&travel.accounts, accounts),
            homes: some(&travel.homes, territories),
            rates: if travel.rates.len() > 1 { some(&travel.rates, accounts) } else { travel.rates.clone() },
            ..*travel
        }),
    };
    Problem {
        territories: territories.len(),
        costs,
        fit: problem.fit.as_ref().map(|fit| Fit {
            kinds: some(&fit.kinds, accounts),
            costs: fit
                .costs
                .chunks(problem.territories.max(1))
                .flat_map(|own| some(own, territories))
                .collect(),
        }),
        current: accounts.iter().map(|account| inside(problem.current[*account])).collect(),
        move_costs: if problem.move_costs.len() > 1 {
            some(&problem.move_costs, accounts)
        } else {
            problem.move_costs.clone()
        },
        locked: accounts.iter().map(|account| inside(problem.locked[*account])).collect(),
        measures: problem
            .measures
            .iter()
            .map(|measure| Measure {
                name: measure.name.clone(),
                loads: loads(&measure.loads),
                bands: some(&measure.bands, territories),
                penalty: measure.penalty,
            })
            .collect(),
        move_limits: problem
            .move_limits
            .iter()
            .map(|limit| MoveLimit { loads: loads(&limit.loads), ..limit.clone() })
            .collect(),
        groups: None,
        contiguity: problem.contiguity.as_ref().map(|contiguity| Contiguity {
            areas: some(&contiguity.areas, accounts),
            neighbours: contiguity.neighbours.clone(),
        }),
    }
}

/// Makes the bands of a sample its share of those of the whole.
fn fit(sample: &mut Problem, whole: &Problem) {
    let sum = |loads: &Loads| {
        let (Loads::Account(loads) | Loads::Pair(loads)) = loads;
        loads.iter().map(|load| i128::from(*load)).sum::<i128>()
    };
    for (own, all) in sample.measures.iter_mut().zip(&whole.measures) {
        let (part, total) = (sum(&own.loads), sum(&all.loads).max(1));
        let share = |end: i128| end.checked_mul(part).map_or(end, |end| end / total);
        for band in &mut own.bands {
            *band = Band { low: share(band.low), high: share(band.high) };
        }
    }
}

/// Centres of the parts that come of cutting the accounts in two, across where they are spread the most, until each
/// territory has the share of the loads that its bands ask for; or across any direction, when they are drawn.
#[expect(clippy::cast_precision_loss, reason = "centres are a start")]
pub(super) fn bisect(problem: &Problem, random: Option<&mut Random>) -> Vec<Option<Point>> {
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
    cut(travel, &mut accounts, &shares, random, &mut homes);
    // A part that a few large accounts left empty.
    drawn(problem, homes, None)
}

fn cut(
    travel: &Travel,
    accounts: &mut [(usize, f64)],
    shares: &[f64],
    mut random: Option<&mut Random>,
    homes: &mut Vec<Option<Point>>,
) {
    let points = accounts.iter().filter_map(|(account, weight)| Some((travel.accounts[*account]?, *weight)));
    if shares.len() <= 1 {
        homes.extend(shares.iter().map(|_| Point::mean(points.clone()).map(|centre| centre.rounded())));
        return;
    }
    let axis = match &mut random {
        None => spread(points),
        Some(random) => std::array::from_fn(|_| random.share() - 0.5),
    };
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
    cut(travel, lower, left, random.as_deref_mut(), homes);
    cut(travel, upper, right, random, homes);
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
/// With centres at accounts, the account from which the others cost the least. A territory without accounts keeps its centre.
#[expect(clippy::cast_precision_loss, reason = "centres need not be exact")]
pub(super) fn centres(problem: &Problem, territory: impl Fn(usize) -> Option<usize>) -> Vec<Option<Point>> {
    /// Steps towards the median, and metres below which a distance counts as that.
    const STEPS: usize = 12;
    const NEAR: f64 = 10.0;
    let Costs::Travel(travel) = &problem.costs else { return Vec::new() };
    let mut members: Vec<Vec<(Point, f64)>> = vec![Vec::new(); problem.territories];
    for account in 0..problem.accounts() {
        if let (Some(territory), Some(point)) = (territory(account), travel.accounts[account]) {
            members[territory].push((point, travel.rate(account) as f64));
        }
    }
    let centre = |(members, home): (&Vec<(Point, f64)>, &Option<Point>)| {
        let mut centre = Point::mean(members.iter().copied()).or(*home)?;
        if travel.centres == Centres::Account {
            return medoid(travel, members, &centre).or(*home);
        }
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
    members
        .iter()
        .zip(&travel.homes)
        .map(centre)
        .map(|centre| {
            centre.map(|centre| if travel.centres == Centres::Account { centre } else { centre.rounded() })
        })
        .collect()
}

/// The place of the account from which the others cost the least, among those nearest to the middle.
#[expect(clippy::cast_precision_loss, reason = "centres need not be exact")]
fn medoid(travel: &Travel, members: &[(Point, f64)], middle: &Point) -> Option<Point> {
    /// Accounts that are looked at.
    const NEAREST: usize = 100;
    let mut near: Vec<(i64, usize)> =
        members.iter().enumerate().map(|(at, (place, _))| (place.metres_to(middle), at)).collect();
    near.sort_unstable();
    let cost = |at: usize| -> f64 {
        let place = &members[at].0;
        let way = |(other, weight): &(Point, f64)| {
            let metres = other.metres_to(place) as f64;
            weight * if travel.squared { metres * metres } else { metres }
        };
        members.iter().map(way).sum()
    };
    let costs = near.into_iter().take(NEAREST).map(|(_, at)| (cost(at), at));
    costs.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, at)| members[at].0)
}
