//! Created territories made anew, a few beside each other at a time, from other centres: what one start cannot find.

use rayon::prelude::*;

use super::create::{FEW_TURNS, bisect, homes_of, part, place, settle, take_turns};
use super::problem::{Costs, Problem};
use super::search::{Random, Score};
use super::travel::{Centres, Point};
use super::{Settings, proven, score};

/// Territories that are made anew together, at most, and how many turns on prices they get.
const REGION: usize = 8;
const TURNS: usize = 3;
/// What is made anew in all for each round of the settings, in accounts x territories x measures of regions; a region
/// counts as so much at least.
const WORK: usize = 500;
const LEAST_WORK: usize = 40;
/// Regions that are made anew for each account, at most: a few accounts are soon tried in all ways.
const PER_ACCOUNT: usize = 40;
/// How many times as much it is where centres are at accounts, and that again for each so many territories: such centres do not
/// move by themselves as accounts change hands.
const AT_ACCOUNTS: usize = 2;
const MANY: usize = 100;
/// Regions that are made anew at once: a fixed number, so that the answer does not depend on the machine.
const BATCH: usize = 8;

/// A part of the territories that costs less now.
struct Region {
    territories: Vec<usize>,
    accounts: Vec<usize>,
    /// Of the territories.
    homes: Vec<Option<Point>>,
    /// Territory of each account.
    assignment: Vec<usize>,
}

/// Makes territories beside each other anew, again and again, and keeps what is better.
pub(super) fn renew(
    problem: &mut Problem,
    answer: &mut (Score, Vec<usize>),
    settings: Settings,
    progress: &mut dyn FnMut(u32),
) {
    let most = problem.accounts() * PER_ACCOUNT * LEAST_WORK;
    let times = match &problem.costs {
        Costs::Travel(travel) if travel.centres == Centres::Account => {
            AT_ACCOUNTS * (problem.territories / MANY).max(1)
        }
        _ => 1,
    };
    let mut work = (settings.iterations as usize * WORK * times).min(most * times);
    let mut seed = settings.seed;
    while work > 0 {
        progress(u32::try_from(work / WORK).unwrap_or(0));
        let seeds: Vec<u64> = (0..BATCH as u64).map(|own| seed + own).collect();
        seed += BATCH as u64;
        let made: Vec<(usize, Option<Region>)> = seeds
            .into_par_iter()
            .map(|seed| {
                let short = Settings { iterations: settings.iterations / 50, seed };
                remake(problem, &answer.1, short)
            })
            .collect();
        let mut changed = vec![false; problem.territories];
        for (size, region) in made {
            work = work.saturating_sub((size * problem.measures.len()).max(LEAST_WORK));
            let Some(region) = region else { continue };
            if region.territories.iter().any(|territory| changed[*territory]) {
                continue;
            }
            let mut homes = homes_of(problem).to_vec();
            for (territory, home) in region.territories.iter().zip(region.homes) {
                homes[*territory] = home;
                changed[*territory] = true;
            }
            place(problem, &homes);
            let own = region.assignment.iter().map(|territory| region.territories[*territory]);
            region.accounts.iter().zip(own).for_each(|(account, territory)| answer.1[*account] = territory);
        }
    }
    answer.0 = score(problem, &answer.1);
}

/// Makes some territories anew; returns accounts x territories, and the region when it has become better.
fn remake(problem: &Problem, answer: &[usize], settings: Settings) -> (usize, Option<Region>) {
    let random = &mut Random(settings.seed);
    let homes = homes_of(problem);
    let mut territories = neighbourhood(homes, random);
    let start = random.below(3);
    if start == 0 {
        // What one place has too many another may lack.
        territories.truncate(3);
        territories.extend(neighbourhood(homes, random).into_iter().take(3));
    }
    territories.sort_unstable();
    territories.dedup();
    let place_of = |account: &usize| territories.binary_search(&answer[*account]).ok();
    let accounts: Vec<usize> =
        (0..problem.accounts()).filter(|account| place_of(account).is_some()).collect();
    let size = accounts.len() * territories.len();
    let own: Vec<usize> = accounts.iter().filter_map(place_of).collect();
    let mut region = part(problem, &accounts, &territories);
    let before = score(&region, &own);
    let homes = match start {
        0 => {
            let mut homes = homes_of(&region).to_vec();
            homes[random.below(territories.len())] = None;
            drawn(&region, homes, Some(random))
        }
        1 => drawn(&region, vec![None; territories.len()], Some(random)),
        _ => bisect(&region, Some(random)),
    };
    // Centres lead nowhere when their bound is nearer to the cost of what stands than to its bound.
    let (_, stands) = proven(&region);
    place(&mut region, &homes);
    let (least, prices) = take_turns(&mut region, TURNS, &mut |_| {});
    if before.0 == 0 && least >= stands + (before.1 - stands) / 2 {
        return (size, None);
    }
    let (after, assignment) = settle(&mut region, (None, prices), FEW_TURNS, settings, &mut |_| {});
    let homes = homes_of(&region).to_vec();
    (size, (after < before).then_some(Region { territories, accounts, homes, assignment }))
}

/// Some territories nearest to one of them, that one first.
fn neighbourhood(homes: &[Option<Point>], random: &mut Random) -> Vec<usize> {
    let first = homes[random.below(homes.len())];
    let mut near: Vec<usize> = (0..homes.len()).collect();
    near.sort_by_key(|territory| {
        first.zip(homes[*territory]).map_or(0, |(one, other)| one.metres_to(&other))
    });
    near.truncate(2 + random.below(REGION - 1).min(random.below(REGION - 1)));
    near
}

/// Puts centres that are missing at accounts: drawn, the farther from those that there are the likelier (k-means++; Arthur,
/// Vassilvitskii 2007), or else the farthest.
pub(super) fn drawn(
    problem: &Problem,
    mut homes: Vec<Option<Point>>,
    mut random: Option<&mut Random>,
) -> Vec<Option<Point>> {
    let Costs::Travel(travel) = &problem.costs else { return homes };
    #[expect(clippy::cast_precision_loss, reason = "centres are a start")]
    let weight = |place: &Point, homes: &[Option<Point>], account: usize| {
        let way = homes.iter().flatten().map(|home| place.metres_to(home)).min().unwrap_or(1) as f64;
        travel.rate(account) as f64 * if travel.squared { way * way } else { way }
    };
    while let Some(missing) = homes.iter().position(Option::is_none) {
        let weights: Vec<f64> = travel
            .accounts
            .iter()
            .enumerate()
            .map(|(account, place)| place.map_or(0.0, |place| weight(&place, &homes, account)))
            .collect();
        let chosen = match &mut random {
            Some(random) => {
                let mut left = random.share() * weights.iter().sum::<f64>();
                weights.iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                })
            }
            None => (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])),
        };
        let place = chosen.and_then(|account| travel.accounts[account]);
        let Some(place) = place.or_else(|| travel.accounts.iter().flatten().next().copied()) else { break };
        homes[missing] = Some(place);
    }
    homes
}
