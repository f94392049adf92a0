//! Groups that go whole, such as a parent and its subsidiaries: each is divided as one account that costs and carries what
//! its members do.

use std::collections::BTreeMap;

use super::problem::{Costs, FORBIDDEN, Fit, Loads, Measure, MoveLimit, Problem};
use super::travel::{Centres, Point, Travel};
use super::{Evaluation, Outcome, bound, evaluate};

/// A problem of groups, made from one of accounts.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The problem; its accounts are the groups.
    pub problem: Problem,
    /// Accounts of each group.
    pub members: Vec<Vec<usize>>,
}

impl Whole {
    /// The problem of the groups, when groups go whole. Where centres are yet to be found, a group of several is at one of
    /// its accounts, near their middle; otherwise its costs are exactly those of its members.
    #[must_use]
    pub fn of(problem: &Problem) -> Option<Self> {
        let groups = problem.groups.as_ref()?;
        let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (account, group) in groups.iter().enumerate() {
            let number = *numbers.entry(*group).or_insert(members.len());
            if number == members.len() {
                members.push(Vec::new());
            }
            members[number].push(account);
        }
        let placed = match &problem.costs {
            Costs::Table(_) => true,
            Costs::Travel(travel) => {
                travel.centres == Centres::Given || travel.homes.iter().any(Option::is_some)
            }
        };
        let firsts: Vec<usize> = members.iter().map(|own| own[0]).collect();
        let current: Vec<Option<usize>> = members.iter().map(|own| usual(problem, own)).collect();
        let limits = (0..problem.move_limits.len()).map(|limit| counted(problem, limit, &members, &current));
        let small = Problem {
            territories: problem.territories,
            costs: costs(problem, &members, placed),
            fit: fit(problem, &members, placed),
            move_costs: members
                .iter()
                .map(|own| if own.len() > 1 && placed { 0 } else { problem.move_cost(own[0]) })
                .collect(),
            locked: members
                .iter()
                .map(|own| own.iter().find_map(|account| problem.locked[*account]))
                .collect(),
            measures: problem.measures.iter().map(|measure| summed(problem, measure, &members)).collect(),
            move_limits: limits.collect(),
            groups: None,
            contiguity: problem.contiguity.clone().map(|contiguity| super::Contiguity {
                areas: firsts.iter().map(|first| contiguity.areas[*first]).collect(),
                ..contiguity
            }),
            current,
        };
        Some(Self { problem: small, members })
    }

    /// The group of each account.
    #[must_use]
    pub fn group_of(&self) -> Vec<usize> {
        let mut groups = vec![0; self.members.iter().map(Vec::len).sum()];
        for (group, own) in self.members.iter().enumerate() {
            own.iter().for_each(|account| groups[*account] = group);
        }
        groups
    }

    /// The answer for the accounts, from one for the groups.
    pub(super) fn expanded(&self, problem: &Problem, outcome: Outcome) -> Outcome {
        let assignment: Vec<usize> =
            self.group_of().into_iter().map(|group| outcome.assignment[group]).collect();
        let found = evaluate(problem, &assignment.iter().copied().map(Some).collect::<Vec<_>>());
        let Evaluation { feasible, objective, moves, .. } = found;
        let proven = bound(problem, &outcome.prices);
        Outcome { assignment, feasible, objective, bound: proven, moves, ..outcome }
    }
}

/// Where most of a group stand today, the first of equals.
fn usual(problem: &Problem, own: &[usize]) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    own.iter()
        .filter_map(|account| problem.current[*account])
        .for_each(|at| *counts.entry(at).or_default() += 1);
    counts.into_iter().max_by_key(|(at, count)| (*count, usize::MAX - at)).map(|(at, _)| at)
}

/// A limit on moves of the groups. What a group counts that stands with several today depends on where it goes.
fn counted(problem: &Problem, limit: usize, members: &[Vec<usize>], current: &[Option<usize>]) -> MoveLimit {
    let own = &problem.move_limits[limit];
    let sum = |group: &[usize], territory: usize| {
        group
            .iter()
            .fold(0i64, |sum, account| sum.saturating_add(problem.counted(limit, *account, territory)))
    };
    let all = members.iter().zip(current);
    let torn = |(own, current): (&Vec<usize>, &Option<usize>)| {
        own.iter().any(|account| problem.current[*account].is_some_and(|at| Some(at) != *current))
    };
    let loads = if all.clone().any(torn) {
        let row = |own: &Vec<usize>| -> Vec<i64> {
            (0..problem.territories).map(|territory| sum(own, territory)).collect()
        };
        Loads::Pair(members.iter().flat_map(row).collect())
    } else {
        // Wherever a group goes that is not where it stands, all that stand there leave.
        let away = |current: &Option<usize>| (0..problem.territories).find(|own| Some(*own) != *current);
        Loads::Account(all.map(|(own, current)| away(current).map_or(0, |to| sum(own, to))).collect())
    };
    MoveLimit { name: own.name.clone(), loads, most: own.most }
}

fn summed(problem: &Problem, measure: &Measure, members: &[Vec<usize>]) -> Measure {
    let loads = match &measure.loads {
        Loads::Account(loads) => {
            let sum =
                |own: &Vec<usize>| own.iter().fold(0i64, |sum, account| sum.saturating_add(loads[*account]));
            Loads::Account(members.iter().map(sum).collect())
        }
        Loads::Pair(loads) => {
            let sum = |own: &Vec<usize>, territory: usize| {
                own.iter().fold(0i64, |sum, account| {
                    sum.saturating_add(loads[account * problem.territories + territory])
                })
            };
            let row = |own| (0..problem.territories).map(move |territory| sum(own, territory));
            Loads::Pair(members.iter().flat_map(row).collect())
        }
    };
    Measure { name: measure.name.clone(), loads, bands: measure.bands.clone(), penalty: measure.penalty }
}

/// Costs of the groups; those of several accounts are in [`fit`] once territories have their places.
fn costs(problem: &Problem, members: &[Vec<usize>], placed: bool) -> Costs {
    match &problem.costs {
        Costs::Table(all) => {
            let row = |own: &Vec<usize>| -> Vec<i64> {
                if own.len() > 1 {
                    return vec![0; problem.territories];
                }
                all[own[0] * problem.territories..(own[0] + 1) * problem.territories].to_vec()
            };
            Costs::Table(members.iter().flat_map(row).collect())
        }
        Costs::Travel(travel) => {
            let rate = |own: &Vec<usize>| {
                own.iter().fold(0i64, |sum, account| sum.saturating_add(travel.rate(*account)))
            };
            let place = |own: &Vec<usize>| match own.as_slice() {
                [account] => travel.accounts[*account],
                _ if placed => None,
                _ => near_the_middle(travel, own),
            };
            Costs::Travel(Travel {
                accounts: members.iter().map(place).collect(),
                homes: travel.homes.clone(),
                rates: members.iter().map(rate).collect(),
                ..*travel
            })
        }
    }
}

/// The account of a group that is nearest to the middle of all.
#[expect(clippy::cast_precision_loss, reason = "a place to start from")]
fn near_the_middle(travel: &Travel, own: &[usize]) -> Option<Point> {
    let points =
        || own.iter().filter_map(|account| Some((travel.accounts[*account]?, travel.rate(*account) as f64)));
    let middle = Point::mean(points())?;
    points().map(|(point, _)| point).min_by_key(|point| point.metres_to(&middle))
}

/// What groups of several cost in each territory: the sum over their members, moves included.
fn fit(problem: &Problem, members: &[Vec<usize>], placed: bool) -> Option<Fit> {
    if !placed {
        return problem.fit.as_ref().map(|fit| Fit {
            kinds: members.iter().map(|own| fit.kinds[own[0]]).collect(),
            costs: fit.costs.clone(),
        });
    }
    let mut costs =
        problem.fit.as_ref().map_or_else(|| vec![0; problem.territories], |fit| fit.costs.clone());
    let mut kinds = Vec::with_capacity(members.len());
    for own in members {
        if let [account] = own.as_slice() {
            kinds.push(problem.fit.as_ref().map_or(0, |fit| fit.kinds[*account]));
            continue;
        }
        kinds.push(costs.len() / problem.territories.max(1));
        costs.extend((0..problem.territories).map(|territory| {
            own.iter().fold(0i64, |sum, account| match problem.cost(*account, territory) {
                FORBIDDEN => FORBIDDEN,
                cost => sum.saturating_add(cost),
            })
        }));
    }
    Some(Fit { kinds, costs })
}
