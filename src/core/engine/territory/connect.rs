//! Territories that hang together: an assignment is seated so that they do, and then improved by steps that keep them so
//! (simulated annealing; Kirkpatrick, Gelatt, Vecchi 1983). Accounts change hands at borders only, alone or in exchange.

use super::Prices;
use super::best::Best;
use super::create::{centres, place};
use super::limits::Limits;
use super::problem::{Contiguity, Costs, FORBIDDEN, Problem};
use super::search::{Random, Score};
use super::travel::{Centres, Travel};

/// Tries for each round of the settings, and for each account at least.
const TRIES: usize = 1000;
const TRIES_PER_ACCOUNT: usize = 200;
/// And for each account and round at most: a few accounts are soon tried in all ways.
const MOST_TRIES: usize = 20;
/// How often the temperature falls, and to what part of the first one it falls in all.
const LEVELS: usize = 60;
/// How many falls of the temperature are between two looks at the centres, where these are to be found.
const LEVELS_BETWEEN_CENTRES: usize = 4;
const COLDEST: f64 = 1e-3;
/// The part of the first temperature at which many accounts start.
const COOL: f64 = 0.01;

/// Accounts that have no territory yet.
const NOBODY: usize = usize::MAX;

/// An assignment with what its steps change kept up to date.
#[derive(Debug)]
struct Patches<'a> {
    /// Its homes move with the accounts where they are to be found.
    problem: Problem,
    contiguity: &'a Contiguity,
    limits: Limits,
    at: Vec<usize>,
    loads: Vec<i64>,
    /// What leaves the territories of today, by limit on moves.
    moved: Vec<i64>,
    cost: i128,
    /// Territories that break a band.
    breaking: usize,
    /// Accounts of each territory.
    sizes: Vec<usize>,
    /// Territories with accounts in each area, and how many.
    holders: Vec<Vec<(usize, usize)>>,
    /// Accounts of each area.
    members: Vec<Vec<usize>>,
    /// Areas that a walk has seen, by the number of the walk.
    seen: Vec<u32>,
    walk: u32,
    queue: Vec<usize>,
}

/// Why an account cannot go to another territory alone, where areas hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// The other territory has no area that touches the account's.
    Beyond,
    /// Its own territory would be in pieces.
    Torn,
}

/// Where the territories of an answer touch.
#[derive(Debug)]
pub struct Borders<'a>(Patches<'a>);

impl<'a> Borders<'a> {
    /// Of an answer; `None` where nothing must hang together.
    #[must_use]
    pub fn of(problem: &'a Problem, assignment: &[usize]) -> Option<Self> {
        let contiguity = problem.contiguity.as_ref()?;
        let weights = vec![1.0; problem.territories * problem.measures.len()];
        let limits = Limits::new(problem, &Prices::zero(problem), weights);
        let mut patches = Patches::new(problem, contiguity, limits);
        assignment.iter().enumerate().for_each(|(account, territory)| patches.put(account, *territory));
        Some(Self(patches))
    }

    /// Why an account cannot go to another territory; `None` where it can.
    pub fn apart(&mut self, account: usize, to: usize) -> Option<Apart> {
        if !self.0.reaches(account, to) {
            return Some(Apart::Beyond);
        }
        (!self.0.leaves(account)).then_some(Apart::Torn)
    }
}

/// A step that was taken.
struct Step {
    /// The change of the value.
    value: f64,
    /// One or two accounts, and where they were.
    before: [Option<(usize, usize)>; 2],
}

/// Makes an assignment hang together, and improves it. Returns its score, in which every part too many of a territory
/// counts as much as a mean territory.
pub(super) fn connect(
    problem: &Problem,
    limits: Limits,
    start: &[usize],
    rounds: u32,
    random: &mut Random,
) -> (Score, Vec<usize>) {
    let Some(contiguity) = &problem.contiguity else { return ((0, 0), start.to_vec()) };
    let mut patches = Patches::new(problem, contiguity, limits);
    patches.seat(start);
    patches.anneal(rounds, random)
}

impl<'a> Patches<'a> {
    fn new(problem: &Problem, contiguity: &'a Contiguity, limits: Limits) -> Self {
        let areas = contiguity.neighbours.len();
        let mut members = vec![Vec::new(); areas];
        contiguity.areas.iter().enumerate().for_each(|(account, area)| members[*area].push(account));
        let loads = vec![0; problem.territories * problem.measures.len()];
        Self {
            problem: problem.clone(),
            contiguity,
            at: vec![NOBODY; problem.accounts()],
            moved: vec![0; problem.move_limits.len()],
            cost: 0,
            breaking: (0..problem.territories).filter(|own| limits.breaks(*own, &loads)).count(),
            limits,
            loads,
            sizes: vec![0; problem.territories],
            holders: vec![Vec::new(); areas],
            members,
            seen: vec![0; areas],
            walk: 0,
            queue: Vec::new(),
        }
    }

    /// Puts an account into a territory, or takes it out of all.
    fn put(&mut self, account: usize, to: usize) {
        let area = self.contiguity.areas[account];
        let from = std::mem::replace(&mut self.at[account], to);
        if from != NOBODY {
            let place = self.holders[area].iter().position(|(holder, _)| *holder == from);
            if let Some(place) = place {
                self.holders[area][place].1 -= 1;
                if self.holders[area][place].1 == 0 {
                    self.holders[area].swap_remove(place);
                }
            }
            self.sizes[from] -= 1;
            self.cost -= i128::from(self.problem.cost(account, from));
            self.count_moves(account, from, -1);
        }
        if to != NOBODY {
            match self.holders[area].iter_mut().find(|(holder, _)| *holder == to) {
                Some((_, count)) => *count += 1,
                None => self.holders[area].push((to, 1)),
            }
            self.sizes[to] += 1;
            self.cost += i128::from(self.problem.cost(account, to));
            self.count_moves(account, to, 1);
        }
        for (territory, sign) in [(from, -1), (to, 1)] {
            if territory == NOBODY {
                continue;
            }
            self.breaking -= usize::from(self.limits.breaks(territory, &self.loads));
            for (measure, index) in self.limits.of(territory).enumerate() {
                self.loads[index] += sign * self.problem.load(measure, account, territory);
            }
            self.breaking += usize::from(self.limits.breaks(territory, &self.loads));
        }
    }

    fn count_moves(&mut self, account: usize, territory: usize, sign: i64) {
        for (limit, moved) in self.moved.iter_mut().enumerate() {
            *moved += sign * self.problem.counted(limit, account, territory);
        }
    }

    fn holds(&self, area: usize, territory: usize) -> bool {
        self.holders[area].iter().any(|(holder, _)| *holder == territory)
    }

    /// True when an account may come to a territory: it has accounts there or next to there, or none at all.
    fn reaches(&self, account: usize, territory: usize) -> bool {
        let area = self.contiguity.areas[account];
        self.sizes[territory] == 0
            || self.holds(area, territory)
            || self.contiguity.neighbours[area].iter().any(|next| self.holds(*next, territory))
    }

    /// True when what an account leaves behind hangs together as before: those of its territory around its area still find
    /// each other without it.
    fn leaves(&mut self, account: usize) -> bool {
        let (area, territory) = (self.contiguity.areas[account], self.at[account]);
        let contiguity = self.contiguity;
        if self.holders[area].iter().any(|(holder, count)| *holder == territory && *count > 1) {
            return true;
        }
        self.walk += 1;
        let mut missing = 0usize;
        let mut first = None;
        for next in contiguity.neighbours[area].iter().filter(|next| self.holds(**next, territory)) {
            missing += 1;
            first.get_or_insert(*next);
        }
        let Some(first) = first else { return true };
        self.queue.clear();
        self.queue.push(first);
        self.seen[first] = self.walk;
        self.seen[area] = self.walk;
        missing -= 1;
        let mut done = 0;
        while missing > 0 && done < self.queue.len() {
            let here = self.queue[done];
            done += 1;
            for next in &contiguity.neighbours[here] {
                if self.seen[*next] != self.walk && self.holds(*next, territory) {
                    self.seen[*next] = self.walk;
                    self.queue.push(*next);
                    missing -= usize::from(contiguity.neighbours[area].binary_search(next).is_ok());
                }
            }
        }
        missing == 0
    }

    /// The parts of each territory: sets of areas that hang together, as (territory, areas).
    fn parts(&self) -> Vec<(usize, Vec<usize>)> {
        let mut parts = Vec::new();
        let mut seen: Vec<Vec<usize>> = vec![Vec::new(); self.holders.len()];
        for area in 0..self.holders.len() {
            for (territory, _) in &self.holders[area] {
                if seen[area].contains(territory) {
                    continue;
                }
                seen[area].push(*territory);
                let mut part = vec![area];
                let mut done = 0;
                while let Some(here) = part.get(done).copied() {
                    done += 1;
                    for next in &self.contiguity.neighbours[here] {
                        if self.holds(*next, *territory) && !seen[*next].contains(territory) {
                            seen[*next].push(*territory);
                            part.push(*next);
                        }
                    }
                }
                parts.push((*territory, part));
            }
        }
        parts
    }

    /// Starts from an assignment: each territory keeps its largest part and parts with locked accounts; the rest goes where it
    /// costs the least among the neighbours, those first that have one.
    fn seat(&mut self, start: &[usize]) {
        start.iter().enumerate().for_each(|(account, territory)| self.put(account, *territory));
        let parts = self.parts();
        let size = |(territory, areas): &(usize, Vec<usize>)| -> usize {
            let count =
                |area: &usize| self.members[*area].iter().filter(|own| self.at[**own] == *territory).count();
            areas.iter().map(count).sum()
        };
        let mut largest = vec![(0, 0); self.problem.territories];
        for (place, part) in parts.iter().enumerate() {
            largest[part.0] = largest[part.0].max((size(part), usize::MAX - place));
        }
        let mut loose = Vec::new();
        for (place, (territory, areas)) in parts.iter().enumerate() {
            let own = || {
                let members = areas.iter().flat_map(|area| &self.members[*area]);
                members.copied().filter(|own| self.at[*own] == *territory)
            };
            let stays = largest[*territory].1 == usize::MAX - place
                || own().any(|account| self.problem.locked[account].is_some());
            if !stays {
                loose.extend(own());
            }
        }
        loose.sort_unstable();
        loose.iter().for_each(|account| self.put(*account, NOBODY));
        while !loose.is_empty() {
            let before = loose.len();
            loose.retain(|account| {
                let near = (0..self.problem.territories)
                    .filter(|territory| self.sizes[*territory] > 0 && self.reaches(*account, *territory));
                let value =
                    |territory: usize| self.entering(*account, territory).map(|value| (value, territory));
                let best = near.filter_map(value).min_by(|a, b| a.0.total_cmp(&b.0));
                if let Some((_, territory)) = best {
                    self.put(*account, territory);
                }
                best.is_none()
            });
            if loose.len() == before {
                // Cut off from all: they stay where they were, a part of their own.
                loose.drain(..).for_each(|account| self.put(account, start[account]));
            }
        }
    }

    /// What it costs that an account comes to a territory; `None` where it may not go.
    #[expect(clippy::cast_precision_loss, reason = "values steer the search only")]
    fn entering(&self, account: usize, territory: usize) -> Option<f64> {
        let cost = self.problem.cost(account, territory);
        (cost != FORBIDDEN).then(|| cost as f64 + self.change(territory, account, 1))
    }

    /// The change of what the bands of a territory weigh when an account comes (1) or leaves (-1).
    fn change(&self, territory: usize, account: usize, sign: i64) -> f64 {
        let change = |(measure, index): (usize, usize)| {
            let load = self.loads[index];
            let then = load + sign * self.problem.load(measure, account, territory);
            self.limits.weighed(index, then) - self.limits.weighed(index, load)
        };
        self.limits.of(territory).enumerate().map(change).sum()
    }

    /// The change of the value when an account goes to a territory; `None` where it may not.
    #[expect(clippy::cast_precision_loss, reason = "values steer the search only")]
    fn step(&self, account: usize, to: usize) -> Option<f64> {
        let from = self.at[account];
        let entering = self.entering(account, to)?;
        let moving = |(limit, moved): (usize, &i64)| {
            let counted = |territory| self.problem.counted(limit, account, territory);
            let then = moved + counted(to) - counted(from);
            self.limits.weighed_moves(limit, then) - self.limits.weighed_moves(limit, *moved)
        };
        Some(
            entering - self.problem.cost(account, from) as f64
                + self.change(from, account, -1)
                + self.moved.iter().enumerate().map(moving).sum::<f64>(),
        )
    }

    fn score(&self) -> Score {
        (self.limits.broken(&self.loads, &self.moved), self.cost + self.limits.penalties(&self.loads))
    }

    /// Parts that territories have too many.
    fn pieces(&self) -> usize {
        self.parts().len() - self.sizes.iter().filter(|size| **size > 0).count()
    }

    /// A territory at the border of an account's area, other than its own; now and then an empty one.
    fn across(&self, account: usize, random: &mut Random) -> Option<usize> {
        /// One in so many tries looks for an empty territory.
        const RARELY: usize = 16;
        if random.below(RARELY) == 0 {
            let territory = random.below(self.problem.territories);
            return (self.sizes[territory] == 0).then_some(territory);
        }
        let area = self.contiguity.areas[account];
        let neighbours = &self.contiguity.neighbours[area];
        let near = neighbours.get(random.below(neighbours.len() + 1)).copied().unwrap_or(area);
        let holders = &self.holders[near];
        let (territory, _) = *holders.get(random.below(holders.len()))?;
        (territory != self.at[account]).then_some(territory)
    }

    /// An account of a territory a few areas from another account.
    fn near(&self, account: usize, territory: usize, random: &mut Random) -> Option<usize> {
        let mut area = self.contiguity.areas[account];
        for _ in 0..=random.below(4) {
            let neighbours = &self.contiguity.neighbours[area];
            area = neighbours.get(random.below(neighbours.len())).copied().unwrap_or(area);
        }
        let members = &self.members[area];
        let other = *members.get(random.below(members.len()))?;
        (self.at[other] == territory).then_some(other)
    }

    /// An account that may move beside another, and where to: back in exchange, or, where moves are limited, one that has moved goes
    /// home.
    fn beside(&self, account: usize, to: usize, random: &mut Random) -> Option<(usize, usize)> {
        const LOOKS: usize = 16;
        if self.moved.is_empty() || random.below(2) == 0 {
            return self.near(account, to, random).map(|back| (back, self.at[account]));
        }
        let looked = (0..LOOKS).map(|_| random.below(self.at.len()));
        let away = |other: &usize| {
            *other != account && self.problem.current[*other].is_some_and(|home| home != self.at[*other])
        };
        let other = looked.into_iter().find(away)?;
        Some((other, self.problem.current[other]?))
    }

    /// Takes a step when it costs less than `limit`, alone or with another account that moves beside it.
    fn attempt(&mut self, account: usize, to: usize, limit: f64, random: &mut Random) -> Option<Step> {
        let from = self.at[account];
        let value = self.step(account, to)?;
        let back = if random.below(2) == 0 { self.beside(account, to, random) } else { None };
        let Some((back, home)) = back else {
            return if value < limit && self.leaves(account) {
                self.put(account, to);
                Some(Step { value, before: [Some((account, from)), None] })
            } else {
                None
            };
        };
        // Where limits are tight only the exchange as a whole is within them.
        if self.problem.locked[back].is_some() || !self.leaves(account) {
            return None;
        }
        self.put(account, to);
        let left = self.at[back];
        let value = self.step(back, home).map(|more| value + more).filter(|value| *value < limit);
        if value.is_some() && self.reaches(back, home) && self.leaves(back) {
            self.put(back, home);
            let before = [Some((account, from)), Some((back, left))];
            return value.map(|value| Step { value, before });
        }
        self.put(account, from);
        None
    }

    /// Steps at falling temperature; returns the best assignment.
    #[expect(clippy::cast_precision_loss, reason = "values steer the search only")]
    fn anneal(&mut self, rounds: u32, random: &mut Random) -> (Score, Vec<usize>) {
        let accounts = self.problem.accounts();
        let tries = (rounds as usize * TRIES.min(accounts * MOST_TRIES)).max(if rounds > 0 {
            accounts * TRIES_PER_ACCOUNT
        } else {
            0
        });
        let mut best = Best::new(self.score());
        // Few tries for each account leave no time to mend what heat undoes.
        let heat = if tries > accounts * TRIES_PER_ACCOUNT { 1.0 } else { COOL };
        let mut temperature = heat * self.warmth(random);
        let cooling = (COLDEST / heat).powf(1.0 / LEVELS as f64);
        for level in 0..LEVELS {
            for _ in 0..tries / LEVELS {
                let account = random.below(accounts);
                if self.problem.locked[account].is_some() {
                    continue;
                }
                let Some(to) = self.across(account, random) else { continue };
                // Accepted with probability exp(-value / temperature).
                let limit = -temperature * random.share().max(f64::MIN_POSITIVE).ln();
                let Some(step) = self.attempt(account, to, limit, random) else { continue };
                best.step(step.before.into_iter().flatten(), &self.at);
                // Counting what is broken takes longer than a step.
                if step.value < 0.0 && (best.score.0 > 0 || self.breaking == 0 && self.cost < best.score.1) {
                    let score = self.score();
                    if score < best.score {
                        best = Best::new(score);
                    }
                }
            }
            if level % LEVELS_BETWEEN_CENTRES == 0 {
                self.recentre();
            }
            temperature *= cooling;
            self.limits.reweigh(&self.loads, &self.moved, 1.2);
        }
        let (broken, cost) = best.score;
        let assignment = best.assignment(&self.at);
        for (account, territory) in assignment.iter().enumerate() {
            if self.at[account] != *territory {
                self.put(account, *territory);
            }
        }
        ((broken + self.pieces() as i128 * 1_000_000, cost), assignment)
    }

    /// Puts the homes that are to be found where the accounts are.
    fn recentre(&mut self) {
        let Costs::Travel(Travel { centres: Centres::Anywhere | Centres::Account, .. }) = &self.problem.costs
        else {
            return;
        };
        let homes = centres(&self.problem, |account| self.at.get(account).copied());
        place(&mut self.problem, &homes);
        let cost = |(account, territory): (usize, &usize)| i128::from(self.problem.cost(account, *territory));
        self.cost = self.at.iter().enumerate().map(cost).sum();
    }

    /// The mean change of cost of a step at a border, by which the temperature starts.
    #[expect(clippy::cast_precision_loss, reason = "values steer the search only")]
    fn warmth(&self, random: &mut Random) -> f64 {
        const SAMPLES: usize = 2000;
        let (mut sum, mut count) = (0.0, 1.0);
        for _ in 0..SAMPLES {
            let account = random.below(self.problem.accounts());
            let Some(to) = self.across(account, random) else { continue };
            let cost = self.problem.cost(account, to);
            if cost != FORBIDDEN {
                sum += (cost - self.problem.cost(account, self.at[account])).abs() as f64;
                count += 1.0;
            }
        }
        sum / count
    }
}
