//! What must hold of every answer, whatever the problem.

use proptest::prelude::*;

use super::tests::optimum;
use super::*;

const SETTINGS: Settings = Settings { iterations: 1000, seed: 1 };
const TERRITORIES: usize = 3;

/// A world in which everything that a plan can ask for may be asked.
#[derive(Clone, Debug)]
struct World {
    costs: Vec<[i64; TERRITORIES]>,
    loads: Vec<i64>,
    current: Vec<Option<usize>>,
    locked: Vec<bool>,
    move_costs: Vec<i64>,
    kinds: Vec<usize>,
    fit: [Option<i64>; 2 * TERRITORIES],
    groups: Vec<usize>,
    most_moved: Option<i64>,
    band: (i128, i128),
    penalty: Option<(i64, i64)>,
}

impl World {
    fn problem(&self) -> Problem {
        let count = self.costs.len();
        let locked = (0..count).map(|account| self.current[account].filter(|_| self.locked[account]));
        Problem {
            territories: TERRITORIES,
            costs: Costs::Table(self.costs.iter().flatten().copied().collect()),
            fit: Some(Fit {
                kinds: self.kinds[..count].to_vec(),
                costs: self.fit.iter().map(|cost| cost.unwrap_or(FORBIDDEN)).collect(),
            }),
            current: self.current[..count].to_vec(),
            move_costs: self.move_costs[..count].to_vec(),
            locked: locked.collect(),
            measures: vec![Measure {
                name: "load".to_owned(),
                loads: Loads::Account(self.loads[..count].to_vec()),
                bands: vec![Band { low: self.band.0, high: self.band.0 + self.band.1 }; TERRITORIES],
                penalty: self.penalty.map(|(numerator, denominator)| Penalty { numerator, denominator }),
            }],
            move_limits: self
                .most_moved
                .map(|most| MoveLimit {
                    name: "load".to_owned(),
                    loads: Loads::Account(self.loads[..count].to_vec()),
                    most,
                })
                .into_iter()
                .collect(),
            groups: Some(self.groups[..count].to_vec()),
            contiguity: None,
        }
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let per_account = (
        prop::collection::vec(0i64..10, 7),
        prop::collection::vec(prop::option::of(0usize..TERRITORIES), 7),
        prop::collection::vec(prop::bool::weighted(0.15), 7),
        prop::collection::vec(0i64..20, 7),
        prop::collection::vec(0usize..2, 7),
        prop::collection::vec(0usize..5, 7),
    );
    (
        prop::collection::vec(prop::array::uniform3(0i64..50), 1..7),
        per_account,
        prop::array::uniform6(prop::option::weighted(0.85, 0i64..30)),
        prop::option::of(0i64..30),
        ((0i128..6, 3i128..25), prop::option::weighted(0.3, (0i64..20, 1i64..7))),
    )
        .prop_map(
            |(
                costs,
                (loads, current, locked, move_costs, kinds, groups),
                fit,
                most_moved,
                (band, penalty),
            )| World {
                costs,
                loads,
                current,
                locked,
                move_costs,
                kinds,
                fit,
                groups,
                most_moved,
                band,
                penalty,
            },
        )
}

/// False where no answer is looked for, because a reason against all of them can be counted.
fn possible(problem: &Problem) -> bool {
    Whole::of(problem).is_some_and(|whole| whole.problem.conflicts().is_empty())
}

fn answer(problem: &Problem) -> Outcome {
    solve(problem, SETTINGS, &mut |_| {})
}

/// True when two territories are alike to all accounts, so that their names may change places.
fn twins(world: &World) -> bool {
    let alike = |a: usize, b: usize| {
        world.costs.iter().all(|row| row[a] == row[b])
            && (0..2).all(|kind| world.fit[kind * TERRITORIES + a] == world.fit[kind * TERRITORIES + b])
    };
    (0..TERRITORIES).any(|a| (0..a).any(|b| alike(a, b)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn everything_at_once_is_verified_and_bounded(world in worlds()) {
        let problem = world.problem();
        prop_assume!(possible(&problem));
        let outcome = answer(&problem);
        prop_assert!(verify(&problem, &outcome).is_ok(), "{:?}", verify(&problem, &outcome));
        match optimum(&problem) {
            Some(optimum) => {
                prop_assert!(outcome.bound <= optimum);
                prop_assert!(!outcome.feasible || outcome.objective >= optimum);
            }
            None => prop_assert!(!outcome.feasible),
        }
    }

    #[test]
    fn locked_accounts_never_move_and_groups_are_never_torn(world in worlds()) {
        let problem = world.problem();
        prop_assume!(possible(&problem));
        let outcome = answer(&problem);
        if outcome.feasible {
            for (account, locked) in problem.locked.iter().enumerate() {
                prop_assert!(locked.is_none_or(|locked| locked == outcome.assignment[account]));
            }
            for (one, first) in world.groups.iter().zip(&outcome.assignment) {
                for (other, second) in world.groups.iter().zip(&outcome.assignment) {
                    prop_assert!(one != other || first == second);
                }
            }
        }
    }

    #[test]
    fn the_unit_of_a_measure_changes_nothing(world in worlds()) {
        let problem = world.problem();
        prop_assume!(possible(&problem));
        let mut scaled = problem.clone();
        for measure in &mut scaled.measures {
            if let Loads::Account(loads) = &mut measure.loads {
                loads.iter_mut().for_each(|load| *load *= 1024);
            }
            measure.bands.iter_mut().for_each(|band| *band = Band { low: band.low * 1024, high: band.high * 1024 });
            measure.penalty = measure.penalty.map(|own| Penalty { denominator: own.denominator * 1024, ..own });
        }
        for limit in &mut scaled.move_limits {
            if let Loads::Account(loads) = &mut limit.loads {
                loads.iter_mut().for_each(|load| *load *= 1024);
            }
            limit.most *= 1024;
        }
        let (one, other) = (answer(&problem), answer(&scaled));
        prop_assert_eq!((one.objective, one.feasible), (other.objective, other.feasible));
    }

    #[test]
    fn other_names_for_the_same_rows_change_nothing(
        world in worlds(),
        turn in 0usize..6,
        territories in Just([0, 1, 2]).prop_shuffle(),
    ) {
        // Rows are in the order of their names: other names are another order.
        prop_assume!(possible(&world.problem()));
        let count = world.costs.len();
        let mut accounts: Vec<usize> = (0..count).rev().collect();
        accounts.rotate_left(turn % count);
        let mut renamed = world.clone();
        for (place, account) in accounts.iter().copied().enumerate() {
            renamed.costs[place] = territories.map(|own| world.costs[account][own]);
            renamed.loads[place] = world.loads[account];
            renamed.move_costs[place] = world.move_costs[account];
            renamed.current[place] =
                world.current[account].and_then(|own| territories.iter().position(|other| *other == own));
            renamed.locked[place] = world.locked[account];
            renamed.kinds[place] = world.kinds[account];
            renamed.groups[place] = 9 - world.groups[account];
        }
        for kind in 0..2 {
            for (place, own) in territories.iter().enumerate() {
                renamed.fit[kind * TERRITORIES + place] = world.fit[kind * TERRITORIES + own];
            }
        }
        let (one, other) = (answer(&world.problem()), answer(&renamed.problem()));
        let worth = |outcome: &Outcome| (outcome.feasible, outcome.objective, outcome.bound, outcome.moves);
        prop_assert_eq!(worth(&one), worth(&other));
        // Only accounts that are alike in everything may change places.
        let alike = |a: usize, b: usize| world.costs[a] == world.costs[b] && world.loads[a] == world.loads[b];
        let different = (0..count).all(|a| (0..a).all(|b| !alike(a, b)));
        let same = |(place, account): (usize, &usize)| territories[other.assignment[place]] == one.assignment[*account];
        prop_assert!(!different || twins(&world) || accounts.iter().enumerate().all(same));
    }

    #[test]
    fn threads_change_nothing(world in worlds()) {
        let problem = world.problem();
        prop_assume!(possible(&problem));
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        let several = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
        prop_assert_eq!(alone.install(|| answer(&problem)), several.install(|| answer(&problem)));
    }

    #[test]
    fn slack_lowers_the_bound_and_never_takes_an_answer_away(world in worlds()) {
        prop_assume!(possible(&world.problem()));
        let tight = answer(&world.problem());
        let mut wide = world;
        wide.band = (0, wide.band.0 + wide.band.1 + 3);
        let wide = answer(&wide.problem());
        prop_assert!(!tight.feasible || wide.bound <= tight.objective);
        prop_assert!(!tight.feasible || wide.feasible);
        prop_assert!(!tight.feasible || wide.objective <= tight.objective);
    }

    #[test]
    fn a_dearer_move_never_raises_what_moves_at_the_optimum(world in worlds(), more in 1i64..40) {
        let cheap = world.problem();
        prop_assume!(possible(&cheap));
        let mut dear = cheap.clone();
        dear.move_costs = vec![more; world.costs.len()];
        let free = Problem { move_costs: vec![0], ..cheap };
        let (free, dear) = (answer(&free), answer(&dear));
        // What an exact answer satisfies: at its own price each is at least as good as the other.
        if free.feasible && dear.feasible {
            let still = |outcome: &Outcome, price: i64| {
                let priced = Problem { move_costs: vec![price], ..world.problem() };
                let all: Vec<_> = outcome.assignment.iter().copied().map(Some).collect();
                evaluate(&priced, &all).objective
            };
            if still(&free, 0) <= still(&dear, 0) && still(&dear, more) <= still(&free, more) {
                prop_assert!(dear.moves <= free.moves);
            }
        }
    }
}

#[test]
fn new_accounts_find_the_room_that_standing_ones_leave() {
    let world = World {
        costs: vec![[0, 9, 9], [9, 0, 9], [9, 9, 0], [1, 5, 7], [1, 6, 7], [1, 8, 2]],
        loads: vec![8, 2, 2, 3, 3, 3],
        current: vec![Some(0), Some(1), Some(2), None, None, None],
        locked: vec![false; 6],
        move_costs: vec![0; 6],
        kinds: vec![0; 6],
        fit: [Some(0); 6],
        groups: (0..6).collect(),
        most_moved: None,
        band: (0, 10),
        penalty: None,
    };
    let problem = world.problem();
    // The first territory has room for nobody, though the last account is sent there by rule.
    let choices = vec![None, None, None, None, None, Some(Choice { territories: vec![0], decided: true })];
    let new = Newcomers::of(&problem, &choices);
    assert_eq!(new.accounts, [3, 4, 5]);
    let outcome = answer(&new.problem);
    verify(&new.problem, &outcome).expect("verified");
    assert_eq!((outcome.assignment, outcome.objective), (vec![1, 1, 0], 12));
}

#[test]
fn new_accounts_join_territories_next_to_them() {
    // Areas in a row; the first and the last have a standing account each. The new account in the first costs least in the
    // second territory, which is nowhere near; the one in the middle may go to either side.
    let world = World {
        costs: vec![[0, 9, 9], [9, 0, 9], [5, 1, 1], [9, 3, 1]],
        loads: vec![1; 4],
        current: vec![Some(0), Some(1), None, None],
        locked: vec![false; 4],
        move_costs: vec![0; 4],
        kinds: vec![0; 4],
        fit: [Some(0); 6],
        groups: (0..4).collect(),
        most_moved: None,
        band: (0, 10),
        penalty: None,
    };
    let contiguity = Contiguity { areas: vec![0, 2, 0, 1], neighbours: vec![vec![1], vec![0, 2], vec![1]] };
    let problem = Problem { contiguity: Some(contiguity), groups: None, ..world.problem() };
    let new = Newcomers::of(&problem, &[None, None, None, None]);
    let outcome = answer(&new.problem);
    verify(&new.problem, &outcome).expect("verified");
    assert_eq!((outcome.assignment, outcome.objective), (vec![0, 1], 8));
}
