//! Small worlds against every possible assignment, and outcomes that were tampered with.

use proptest::prelude::*;

use super::*;

const SETTINGS: Settings = Settings { iterations: 50, seed: 1 };

fn problem(costs: &[[i64; 2]], loads: &[i64], low: i128, high: i128) -> Problem {
    Problem {
        territories: 2,
        costs: Costs::Table(costs.iter().flatten().copied().collect()),
        fit: None,
        groups: None,
        move_costs: vec![0],
        current: vec![None; costs.len()],
        locked: vec![None; costs.len()],
        measures: vec![Measure {
            name: "load".to_owned(),
            loads: Loads::Account(loads.to_vec()),
            bands: vec![Band { low, high }; 2],
            penalty: None,
        }],
        move_limits: vec![],
        contiguity: None,
    }
}

/// The least cost of a feasible assignment, by trying them all.
pub(super) fn optimum(problem: &Problem) -> Option<i128> {
    let count = problem.territories.pow(u32::try_from(problem.accounts()).expect("small"));
    (0..count)
        .filter_map(|number| {
            let mut rest = number;
            let assignment: Vec<usize> = (0..problem.accounts())
                .map(|_| {
                    let territory = rest % problem.territories;
                    rest /= problem.territories;
                    territory
                })
                .collect();
            let costs = assignment
                .iter()
                .enumerate()
                .map(|(account, territory)| i128::from(problem.cost(account, *territory)));
            let wished = problem.measures.iter().enumerate().map(|(measure, own)| {
                let mut loads = vec![0; problem.territories];
                for (account, territory) in assignment.iter().enumerate() {
                    loads[*territory] += i128::from(problem.load(measure, account, *territory));
                }
                own.penalties(&loads)
            });
            let cost = costs.sum::<i128>() + wished.sum::<i128>();
            let moves =
                (0..assignment.len()).filter(|account| problem.moves(*account, assignment[*account])).count();
            let outcome = Outcome {
                feasible: true,
                objective: cost,
                bound: i128::MIN,
                prices: Prices::zero(problem),
                moves,
                seed: 0,
                loose: None,
                assignment,
            };
            let outcome = Outcome { bound: bound(problem, &outcome.prices), ..outcome };
            verify(problem, &outcome).is_ok().then_some(cost)
        })
        .min()
}

#[test]
fn distances_are_those_of_the_sphere() {
    let metres = |a: (f64, f64), b: (f64, f64)| Point::of(a.0, a.1).metres_to(&Point::of(b.0, b.1));
    // One degree of latitude is R x pi / 180 = 111.1951 km.
    assert_eq!(metres((0.0, 0.0), (1.0, 0.0)), 111_195);
    assert_eq!(metres((47.6, -122.3), (47.6, -122.3)), 0);
    assert_eq!(metres((0.0, 179.5), (0.0, -179.5)), 111_195);
    assert_eq!(metres((90.0, 0.0), (-90.0, 0.0)), 20_015_115);
}

#[test]
fn balance_costs_a_detour() {
    let problem = problem(&[[0, 10], [0, 7], [0, 20], [9, 0]], &[1, 1, 1, 1], 2, 2);
    let outcome = solve(&problem, SETTINGS, &mut |_| {});
    assert_eq!(outcome.assignment, [0, 1, 0, 1]);
    assert_eq!((outcome.objective, outcome.feasible), (7, true));
    assert_eq!(outcome.bound, 7, "the dual of a transportation problem is tight");
    verify(&problem, &outcome).expect("verified");
}

#[test]
fn limits_that_contradict_are_named() {
    let problem = problem(&[[0, 1], [1, 0]], &[5, 5], 6, 8);
    assert_eq!(problem.conflicts(), [Conflict::Total { measure: 0, total: 10, low: 12, high: 16 }]);
    assert!(!solve(&problem, SETTINGS, &mut |_| {}).feasible);
}

#[test]
fn verify_catches_a_tampered_outcome() {
    let problem = problem(&[[0, 10], [0, 7], [0, 20], [9, 0]], &[1, 1, 1, 1], 2, 2);
    let outcome = solve(&problem, SETTINGS, &mut |_| {});
    let mut moved = outcome.clone();
    moved.assignment[0] = 1;
    assert!(verify(&problem, &moved).is_err());
    assert!(verify(&problem, &Outcome { bound: 8, ..outcome.clone() }).is_err());
    assert!(verify(&problem, &Outcome { moves: 3, ..outcome }).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn small_worlds(
        costs in prop::collection::vec(prop::array::uniform3(0i64..50), 1..7),
        loads in prop::collection::vec(0i64..10, 7),
        current in prop::collection::vec(prop::option::of(0usize..3), 7),
        locked in prop::collection::vec(prop::option::weighted(0.15, 0usize..3), 7),
        band in (0i128..8, 0i128..25),
        max_moves in prop::option::of(0usize..5),
    ) {
        let n = costs.len();
        let problem = Problem {
            territories: 3,
            costs: Costs::Table(costs.iter().flatten().copied().collect()),
        fit: None,
        groups: None,
        move_costs: vec![0],
            current: current[..n].to_vec(),
            locked: locked[..n].to_vec(),
            measures: vec![Measure { name: "load".to_owned(), loads: Loads::Account(loads[..n].to_vec()), bands: vec![Band { low: band.0, high: band.0 + band.1 }; 3], penalty: None }],
            move_limits: max_moves.map(|most| MoveLimit { name: "moves".to_owned(), loads: Loads::Account(vec![1; n]), most: i64::try_from(most).expect("small") }).into_iter().collect(),
            contiguity: None,
        };
        let outcome = solve(&problem, SETTINGS, &mut |_| {});
        prop_assert!(verify(&problem, &outcome).is_ok(), "{:?}", verify(&problem, &outcome));
        match optimum(&problem) {
            Some(optimum) => {
                prop_assert!(outcome.bound <= optimum);
                prop_assert!(problem.conflicts().is_empty());
                if outcome.feasible {
                    prop_assert!(outcome.objective >= optimum);
                }
            }
            None => prop_assert!(!outcome.feasible),
        }
    }
}

/// Accounts by distance, as many in each territory as the band says.
fn travelled(accounts: Vec<Point>, homes: Vec<Option<Point>>, band: Band) -> Problem {
    let (count, territories) = (accounts.len(), homes.len());
    Problem {
        territories,
        costs: Costs::Travel(Travel {
            accounts: accounts.into_iter().map(Some).collect(),
            homes,
            centres: Centres::Anywhere,
            squared: false,
            rates: vec![1],
            denominator: 1,
        }),
        current: vec![None; count],
        fit: None,
        groups: None,
        move_costs: vec![0],
        locked: vec![None; count],
        measures: vec![Measure {
            name: "count".to_owned(),
            loads: Loads::Account(vec![1; count]),
            bands: vec![band; territories],
            penalty: None,
        }],
        move_limits: vec![],
        contiguity: None,
    }
}

#[test]
fn created_centres_are_where_accounts_cluster() {
    let towns = [(40.0, -74.0), (34.0, -118.0), (41.8, -87.6)];
    let place = |account: usize| {
        let (latitude, longitude) = towns[account % 3];
        let step = f64::from(u8::try_from(account / 3).expect("small"));
        Point::of(latitude + 0.01 * step, longitude - 0.01 * step)
    };
    let mut problem = travelled((0..30).map(place).collect(), vec![None; 3], Band { low: 10, high: 10 });
    let outcome = create(&mut problem, SETTINGS, &mut |_| {});
    verify(&problem, &outcome).expect("verified");
    assert!(outcome.feasible);
    assert!((3..30).all(|account| outcome.assignment[account] == outcome.assignment[account % 3]));
    // Each town is some 15 km across, so nothing is further than that from its centre.
    assert!((0..30).all(|account| problem.cost(account, outcome.assignment[account]) < 10_000));
}

/// Areas in a row, an account in each, and one account more in the second.
fn row(count: usize) -> Contiguity {
    let next = |area: usize| [area.checked_sub(1), (area + 1 < count).then_some(area + 1)];
    let mut areas: Vec<usize> = (0..count).collect();
    areas.push(1);
    Contiguity {
        areas,
        neighbours: (0..count).map(|area| next(area).into_iter().flatten().collect()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn small_worlds_that_hang_together(
        costs in prop::collection::vec(prop::array::uniform2(0i64..50), 3..8),
        loads in prop::collection::vec(1i64..6, 8),
        low in 0i128..8,
        width in 0i128..12,
    ) {
        let n = costs.len();
        let problem = Problem {
            contiguity: Some(row(n - 1)),
            ..problem(&costs, &loads[..n], low, low + width)
        };
        let outcome = solve(&problem, SETTINGS, &mut |_| {});
        prop_assert!(verify(&problem, &outcome).is_ok(), "{:?}", verify(&problem, &outcome));
        match optimum(&problem) {
            Some(optimum) => prop_assert!(outcome.feasible && outcome.bound <= optimum && optimum <= outcome.objective),
            None => prop_assert!(!outcome.feasible),
        }
    }
}

#[test]
fn islands_that_no_territory_fits_are_named() {
    let mut problem = problem(&[[1, 1]; 5], &[2, 2, 2, 2, 1], 3, 8);
    let mut islands = row(4);
    // The last area touches nothing, and its account is less than any territory must carry.
    islands.neighbours[2].pop();
    islands.neighbours[3].clear();
    problem.contiguity = Some(islands);
    let found = problem.conflicts();
    assert!(
        matches!(found.as_slice(), [Conflict::CutOff { accounts, load: 2, .. }, ..] if accounts == &[3]),
        "{found:?}"
    );
}

#[test]
fn more_slack_never_makes_the_proven_best_dearer() {
    let costs: Vec<[i64; 2]> = (0..12).map(|item| [item * 7 % 11, item * 5 % 13]).collect();
    let loads: Vec<i64> = (0..12).map(|item| 1 + item * 3 % 4).collect();
    let total: i128 = loads.iter().map(|load| i128::from(*load)).sum();
    let mut last = i128::MAX;
    for slack in 0..6 {
        let problem = problem(&costs, &loads, total / 2 - slack, (total + 1) / 2 + slack);
        let outcome = solve(&problem, SETTINGS, &mut |_| {});
        verify(&problem, &outcome).expect("verified");
        assert!(outcome.feasible && outcome.bound <= last && outcome.objective <= last);
        last = outcome.objective;
    }
}

/// A problem of all that a cheapest territory may depend on, and any prices.
fn priced(seed: u64, squared: bool, largest: i64) -> (Problem, Prices) {
    const TERRITORIES: usize = 40;
    let mut random = Random(seed);
    let whole = |random: &mut Random, below: i64| {
        i64::try_from(random.below(usize::try_from(below).expect("positive"))).expect("small")
    };
    let place = |random: &mut Random| {
        let place = Point::of(25.0 + 24.0 * random.share(), -124.0 + 57.0 * random.share());
        (random.below(20) > 0).then_some(place)
    };
    let accounts: Vec<Option<Point>> = (0..300).map(|_| place(&mut random)).collect();
    let homes: Vec<Option<Point>> = (0..TERRITORIES).map(|_| place(&mut random)).collect();
    let count = accounts.len();
    let mut problem = travelled(vec![], homes, Band { low: 7, high: 8 });
    if let Costs::Travel(travel) = &mut problem.costs {
        travel.accounts = accounts;
        travel.rates = (0..count).map(|_| whole(&mut random, 9)).collect();
        (travel.squared, travel.denominator) = (squared, 7);
    }
    problem.current =
        (0..count).map(|_| Some(random.below(TERRITORIES)).filter(|own| own % 3 == 0)).collect();
    problem.locked = (0..count).map(|_| Some(random.below(TERRITORIES)).filter(|own| *own == 1)).collect();
    problem.move_costs = (0..count).map(|_| whole(&mut random, 1_000_000)).collect();
    let loads: Vec<i64> = (0..count).map(|_| whole(&mut random, 1000) * whole(&mut random, 1000)).collect();
    problem.measures[0].loads = Loads::Account(loads.clone());
    problem.move_limits = vec![MoveLimit { name: "load".to_owned(), loads: Loads::Account(loads), most: 7 }];
    let mut prices = Prices::zero(&problem);
    let bits = prices.bits;
    let price = |random: &mut Random| (whole(random, 2 * largest + 1) - largest) << bits >> 10;
    prices.bands[0].iter_mut().for_each(|own| *own = price(&mut random));
    prices.moves[0] = price(&mut random).abs();
    (problem, prices)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn numbers_that_are_nearly_right_find_the_same_cheapest(
        seed in prop::num::u64::ANY,
        squared in prop::bool::ANY,
        largest in prop::sample::select(vec![0i64, 3, 1000, 100_000]),
    ) {
        let (problem, prices) = priced(seed, squared, largest);
        let cheapest = |account: usize| {
            let of = |territory: usize| Some((prices.of(&problem, account, territory)?, territory));
            let mut all: Vec<(i128, usize)> = (0..problem.territories).filter_map(of).collect();
            all.sort_unstable();
            [all.first().copied(), all.get(1).copied()]
        };
        let all: Vec<_> = (0..problem.accounts()).map(cheapest).collect();
        prop_assert_eq!(&prices.cheapest_two(&problem), &all);
        prop_assert_eq!(bound(&problem, &prices), dual::bound_of(&problem, &prices, &all));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_centres_at_accounts_do_better_than_their_bound(
        places in prop::collection::vec((-300i32..300, -300i32..300), 3..7),
        loads in prop::collection::vec(1i64..6, 7),
        high in 6i128..14,
        squared in prop::bool::ANY,
    ) {
        let points: Vec<Point> =
            places.iter().map(|(north, east)| Point::of(f64::from(*north) / 100.0, f64::from(*east) / 100.0)).collect();
        let count = points.len();
        let mut problem = travelled(points.clone(), vec![None; 2], Band { low: 0, high });
        problem.measures[0].loads = Loads::Account(loads[..count].to_vec());
        let Costs::Travel(travel) = &mut problem.costs else { unreachable!("by distance") };
        travel.squared = squared;
        travel.centres = Centres::Account;
        let own = AnyCentres::of(&problem, 0).expect("it is small");
        prop_assert_eq!(own.proves(&problem), Some(own.bound));
        for first in 0..count {
            for second in 0..first {
                let mut placed = problem.clone();
                let Costs::Travel(travel) = &mut placed.costs else { unreachable!("by distance") };
                travel.homes = vec![Some(points[first]), Some(points[second])];
                travel.centres = Centres::Given;
                if let Some(least) = optimum(&placed) {
                    prop_assert!(own.bound <= least, "{} {least}", own.bound);
                }
            }
        }
    }
}
