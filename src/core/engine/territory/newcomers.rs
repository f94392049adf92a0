//! New accounts beside those that stand: the standing ones stay, and what they carry leaves the new ones so much less room.

use std::collections::{BTreeMap, BTreeSet};

use super::create::part;
use super::problem::{Band, FORBIDDEN, Fit, Problem};

/// Where a rule sends an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The territories it may go to, in ascending order.
    pub territories: Vec<usize>,
    /// The rule names its territory, so that it holds even where there is no room.
    pub decided: bool,
}

/// The problem of the new accounts.
#[derive(Clone, Debug)]
pub struct Newcomers {
    /// The problem; a territory's room is what its standing accounts leave.
    pub problem: Problem,
    /// The new accounts, by their place in the whole problem.
    pub accounts: Vec<usize>,
    /// New accounts that follow standing ones of their group, by the same places.
    pub follow: Vec<bool>,
}

impl Newcomers {
    /// Those accounts that stand nowhere. `choices` is what a rule says of each account.
    /// A new account of a group that stands goes where most of the group do. Where territories hang together, a new account goes
    /// to one that has accounts in its area or next to it, if there is any. Least loads are not asked for: new accounts may be few.
    #[must_use]
    pub fn of(problem: &Problem, choices: &[Option<Choice>]) -> Self {
        let accounts: Vec<usize> =
            (0..problem.accounts()).filter(|account| problem.current[*account].is_none()).collect();
        let everywhere: Vec<usize> = (0..problem.territories).collect();
        let mut new = part(problem, &accounts, &everywhere);
        new.contiguity = None;
        new.move_limits.clear();
        new.locked.fill(None);
        new.groups = problem.groups.as_ref().map(|groups| accounts.iter().map(|own| groups[*own]).collect());
        let standing = standing(problem);
        let near = Near::of(problem);
        let mut follow = Vec::with_capacity(accounts.len());
        let chosen: Vec<Option<Choice>> = accounts
            .iter()
            .map(|account| {
                let group = problem.groups.as_ref().and_then(|groups| standing.get(&groups[*account]));
                follow.push(group.is_some());
                match (group, &choices[*account]) {
                    (Some(territory), _) => Some(Choice { territories: vec![*territory], decided: true }),
                    (None, Some(choice)) => Some(choice.clone()),
                    (None, None) => near
                        .as_ref()
                        .and_then(|near| near.territories(*account))
                        .map(|territories| Choice { territories, decided: false }),
                }
            })
            .collect();
        new.fit = Some(restricted(&new, &chosen));
        rooms(problem, &mut new, &chosen);
        Self { problem: new, accounts, follow }
    }

    /// The territory of every account, when the new ones go to these.
    #[must_use]
    pub fn beside(&self, problem: &Problem, to: &[usize]) -> Vec<Option<usize>> {
        let mut assigned = problem.current.clone();
        for (account, territory) in self.accounts.iter().zip(to) {
            assigned[*account] = Some(*territory);
        }
        assigned
    }
}

/// Where most accounts of each group stand.
fn standing(problem: &Problem) -> BTreeMap<usize, usize> {
    let mut counts: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for (group, current) in problem.groups.iter().flatten().zip(&problem.current) {
        if let Some(current) = current {
            *counts.entry(*group).or_default().entry(*current).or_default() += 1;
        }
    }
    let most = |own: BTreeMap<usize, usize>| {
        own.into_iter().max_by_key(|(at, count)| (*count, usize::MAX - at)).map(|(at, _)| at)
    };
    counts.into_iter().filter_map(|(group, own)| Some((group, most(own)?))).collect()
}

/// Territories with standing accounts, by area.
struct Near<'a> {
    problem: &'a super::Contiguity,
    holders: Vec<BTreeSet<usize>>,
}

impl<'a> Near<'a> {
    fn of(problem: &'a Problem) -> Option<Self> {
        let contiguity = problem.contiguity.as_ref()?;
        let mut holders = vec![BTreeSet::new(); contiguity.neighbours.len()];
        for (area, current) in contiguity.areas.iter().zip(&problem.current) {
            holders[*area].extend(current);
        }
        Some(Self { problem: contiguity, holders })
    }

    fn territories(&self, account: usize) -> Option<Vec<usize>> {
        let area = self.problem.areas[account];
        let next = self.problem.neighbours[area].iter().flat_map(|next| &self.holders[*next]);
        let all: BTreeSet<usize> = self.holders[area].iter().chain(next).copied().collect();
        (!all.is_empty()).then(|| all.into_iter().collect())
    }
}

/// The fit of the new accounts, where pairs outside their choices are not allowed.
fn restricted(new: &Problem, chosen: &[Option<Choice>]) -> Fit {
    let mut numbers: BTreeMap<(usize, Option<&[usize]>), usize> = BTreeMap::new();
    let mut fit = Fit { kinds: Vec::new(), costs: Vec::new() };
    for (account, choice) in chosen.iter().enumerate() {
        let kind = new.fit.as_ref().map_or(0, |fit| fit.kinds[account]);
        let choice = choice.as_ref().map(|choice| choice.territories.as_slice());
        let next = numbers.len();
        let number = *numbers.entry((kind, choice)).or_insert(next);
        if number == next {
            fit.costs.extend((0..new.territories).map(|territory| {
                if choice.is_some_and(|choice| choice.binary_search(&territory).is_err()) {
                    return FORBIDDEN;
                }
                new.fit.as_ref().map_or(0, |fit| fit.costs[kind * new.territories + territory])
            }));
        }
        fit.kinds.push(number);
    }
    fit
}

/// Room for the new accounts: what standing ones leave, and never less than what rules and groups decide.
fn rooms(problem: &Problem, new: &mut Problem, chosen: &[Option<Choice>]) {
    for index in 0..problem.measures.len() {
        let mut standing = vec![0i128; problem.territories];
        for (account, current) in problem.current.iter().enumerate() {
            if let Some(current) = current {
                standing[*current] += i128::from(problem.load(index, account, *current));
            }
        }
        let mut ruled = vec![0i128; problem.territories];
        for (account, choice) in chosen.iter().enumerate() {
            if let Some(Choice { territories, decided: true }) = choice {
                for only in territories {
                    ruled[*only] += i128::from(new.load(index, account, *only));
                }
            }
        }
        for (territory, band) in new.measures[index].bands.iter_mut().enumerate() {
            *band = Band { low: 0, high: (band.high - standing[territory]).max(ruled[territory]) };
        }
    }
}
