//! Assignments: shifts, swaps and chains of two that lower cost plus what violations weigh; kicks that lead on from where
//! none of them helps. Violations weigh more the longer they last, so that limits come first in the end.

use super::candidates::Candidates;
use super::problem::Problem;

/// A small deterministic generator (splitmix64, Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// How good an assignment is: limits broken, then cost.
pub(super) type Score = (i128, i128);

/// Limits broken count millionths of a mean territory, so that measures weigh alike.
const MILLION: f64 = 1_000_000.0;

/// How wide the search looks around an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Candidates of an account that shifts.
    pub(super) first: usize,
    /// Partners tried in each of those territories.
    pub(super) partners: usize,
    /// Candidates of a partner.
    pub(super) second: usize,
}

/// An assignment with everything that a step changes kept up to date.
pub(super) struct Search<'a> {
    problem: &'a Problem,
    candidates: &'a Candidates,
    /// The candidates of each account in the order of their priced costs.
    ranked: Vec<u32>,
    measures: usize,
    /// The candidate that each account has.
    at: Vec<usize>,
    members: Vec<Vec<u32>>,
    slots: Vec<u32>,
    /// Loads, band ends and weights of violations at `territory * measures + measure`.
    loads: Vec<i64>,
    low: Vec<i64>,
    high: Vec<i64>,
    weights: Vec<f64>,
    base: Vec<f64>,
    /// 1 / mean territory by measure.
    scales: Vec<f64>,
    moves: usize,
    move_weight: f64,
    cost: i128,
    /// Steps since the last mark, to go back.
    trail: Vec<(u32, usize)>,
    touched: Vec<bool>,
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value > 0 { i64::MAX / 4 } else { 0 })
}

#[expect(clippy::cast_precision_loss, reason = "weighed violations steer the search only")]
impl<'a> Search<'a> {
    /// Starts from an assignment. `rank` orders the candidates of an account, such as their priced costs.
    pub(super) fn new(
        problem: &'a Problem,
        candidates: &'a Candidates,
        rank: &dyn Fn(usize, usize) -> f64,
        start: &[usize],
        weights: Vec<f64>,
    ) -> Self {
        let measures = problem.measures.len();
        let at: Vec<usize> = start
            .iter()
            .enumerate()
            .map(|(account, territory)| {
                candidates.find(account, *territory).unwrap_or(candidates.starts[account])
            })
            .collect();
        let mut ranked: Vec<u32> = Vec::with_capacity(candidates.territories.len());
        for account in 0..problem.accounts() {
            let first = candidates.starts[account];
            let mut own: Vec<(f64, u32)> = candidates
                .of(account)
                .map(|candidate| (rank(account, candidate), u32::try_from(candidate - first).unwrap_or(0)))
                .collect();
            own.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            ranked.extend(own.iter().map(|(_, offset)| *offset));
        }
        let ends = |end: fn(&super::problem::Band) -> i128| -> Vec<i64> {
            (0..problem.territories)
                .flat_map(|territory| {
                    problem.measures.iter().map(move |measure| narrow(end(&measure.bands[territory])))
                })
                .collect()
        };
        let count = problem.territories.max(1) as f64;
        let scale = |measure: &super::problem::Measure| {
            1.0 / (measure.bands.iter().map(|band| band.high as f64).sum::<f64>() / count).max(1.0)
        };
        let mut search = Self {
            problem,
            candidates,
            ranked,
            measures,
            at,
            members: vec![Vec::new(); problem.territories],
            slots: vec![0; problem.accounts()],
            loads: vec![0; problem.territories * measures],
            low: ends(|band| band.low),
            high: ends(|band| band.high),
            base: weights.clone(),
            move_weight: weights.iter().copied().fold(1.0, f64::max),
            weights,
            scales: problem.measures.iter().map(scale).collect(),
            moves: 0,
            cost: 0,
            trail: Vec::new(),
            touched: vec![true; problem.territories],
        };
        for account in 0..problem.accounts() {
            let territory = search.territory(account);
            search.enter(account, territory);
            let candidate = search.at[account];
            for (measure, load) in candidates.loads(account, candidate).iter().enumerate() {
                search.loads[territory * measures + measure] += load;
            }
            search.cost += i128::from(candidates.costs[candidate]);
            search.moves += usize::from(problem.moves(account, territory));
        }
        search
    }

    fn territory(&self, account: usize) -> usize {
        self.candidates.territories[self.at[account]] as usize
    }

    fn enter(&mut self, account: usize, territory: usize) {
        self.slots[account] = u32::try_from(self.members[territory].len()).unwrap_or(u32::MAX);
        self.members[territory].push(u32::try_from(account).unwrap_or(u32::MAX));
    }

    fn leave(&mut self, account: usize, territory: usize) {
        let slot = self.slots[account] as usize;
        self.members[territory].swap_remove(slot);
        if let Some(other) = self.members[territory].get(slot) {
            self.slots[*other as usize] = self.slots[account];
        }
    }

    /// How far a load is beyond its band.
    fn beyond(&self, index: usize, load: i64) -> i64 {
        (load - self.high[index]).max(self.low[index] - load).max(0)
    }

    fn weighed(&self, index: usize, load: i64) -> f64 {
        let beyond = self.beyond(index, load);
        if beyond == 0 {
            return 0.0;
        }
        beyond as f64 * self.scales[index % self.measures] * self.weights[index]
    }

    fn weighed_moves(&self, moves: usize) -> f64 {
        let beyond = self.problem.max_moves.map_or(0, |limit| moves.saturating_sub(limit));
        beyond as f64 * self.move_weight
    }

    /// The weight of what a territory violates.
    fn violation(&self, territory: usize) -> f64 {
        let own = territory * self.measures..(territory + 1) * self.measures;
        own.map(|index| self.weighed(index, self.loads[index])).sum()
    }

    /// Cost and weighed violations.
    fn value(&self) -> f64 {
        let all: f64 = (0..self.problem.territories).map(|territory| self.violation(territory)).sum();
        self.cost as f64 + all + self.weighed_moves(self.moves)
    }

    pub(super) fn score(&self) -> Score {
        let broken = |index: usize| {
            let beyond = self.beyond(index, self.loads[index]);
            if beyond == 0 {
                0.0
            } else {
                (beyond as f64 * self.scales[index % self.measures] * MILLION).max(1.0)
            }
        };
        let bands: f64 = (0..self.loads.len()).map(broken).sum();
        let moves = self.problem.max_moves.map_or(0, |limit| self.moves.saturating_sub(limit));
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let bands = bands.ceil() as i128;
        (bands + moves as i128 * 1_000_000, self.cost)
    }

    /// The change of a territory's weighed violations when loads leave and enter.
    fn change(&self, territory: usize, leaving: &[&[i64]], entering: &[&[i64]]) -> f64 {
        let mut sum = 0.0;
        for measure in 0..self.measures {
            let index = territory * self.measures + measure;
            let load = self.loads[index];
            let mut then = load;
            leaving.iter().for_each(|loads| then -= loads[measure]);
            entering.iter().for_each(|loads| then += loads[measure]);
            sum += self.weighed(index, then) - self.weighed(index, load);
        }
        sum
    }

    fn moved(&self, account: usize, candidate: usize) -> usize {
        usize::from(self.problem.moves(account, self.candidates.territories[candidate] as usize))
    }

    fn loads_of(&self, account: usize, candidate: usize) -> &'a [i64] {
        self.candidates.loads(account, candidate)
    }

    fn shift_change(&self, account: usize, to: usize) -> f64 {
        let from = self.at[account];
        let (here, there) =
            (self.candidates.territories[from] as usize, self.candidates.territories[to] as usize);
        let mut change = (self.candidates.costs[to] - self.candidates.costs[from]) as f64;
        change += self.change(here, &[self.loads_of(account, from)], &[]);
        change += self.change(there, &[], &[self.loads_of(account, to)]);
        if self.problem.max_moves.is_some() {
            let moves = self.moves + self.moved(account, to) - self.moved(account, from);
            change += self.weighed_moves(moves) - self.weighed_moves(self.moves);
        }
        change
    }

    /// The change when `account` goes to `to` and `partner`, who is there, to `away`: a swap when that is where the
    /// account comes from.
    fn chain_change(&self, account: usize, to: usize, partner: usize, away: usize) -> f64 {
        let (from, left) = (self.at[account], self.at[partner]);
        let place = |candidate: usize| self.candidates.territories[candidate] as usize;
        let (a, b, c) = (place(from), place(to), place(away));
        let mut change = (self.candidates.costs[to] - self.candidates.costs[from]
            + self.candidates.costs[away]
            - self.candidates.costs[left]) as f64;
        change += self.change(b, &[self.loads_of(partner, left)], &[self.loads_of(account, to)]);
        let (leaving, entering) = (self.loads_of(account, from), self.loads_of(partner, away));
        if a == c {
            change += self.change(a, &[leaving], &[entering]);
        } else {
            change += self.change(a, &[leaving], &[]) + self.change(c, &[], &[entering]);
        }
        if self.problem.max_moves.is_some() {
            let moves = self.moves + self.moved(account, to) + self.moved(partner, away)
                - self.moved(account, from)
                - self.moved(partner, left);
            change += self.weighed_moves(moves) - self.weighed_moves(self.moves);
        }
        change
    }

    fn shift(&mut self, account: usize, to: usize) {
        let from = self.at[account];
        self.trail.push((u32::try_from(account).unwrap_or(u32::MAX), from));
        let (here, there) =
            (self.candidates.territories[from] as usize, self.candidates.territories[to] as usize);
        for measure in 0..self.measures {
            self.loads[here * self.measures + measure] -= self.loads_of(account, from)[measure];
            self.loads[there * self.measures + measure] += self.loads_of(account, to)[measure];
        }
        self.moves = self.moves + self.moved(account, to) - self.moved(account, from);
        self.cost += i128::from(self.candidates.costs[to]) - i128::from(self.candidates.costs[from]);
        self.leave(account, here);
        self.at[account] = to;
        self.enter(account, there);
        self.touched[here] = true;
        self.touched[there] = true;
    }

    /// The best-ranked candidates of an account.
    fn near(&self, account: usize, count: usize) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let all = self.candidates.of(account);
        let first = all.start;
        let own = &self.ranked[all.start..all.end];
        own.iter().take(count).map(move |offset| first + *offset as usize)
    }

    /// Improves an account's place by the best shift, or by the first chain that helps.
    fn improve(&mut self, account: usize, reach: Reach) -> bool {
        const LEAST: f64 = -1e-7;
        let from = self.at[account];
        let mut best = (LEAST, None);
        for to in self.near(account, usize::MAX) {
            if to != from {
                let change = self.shift_change(account, to);
                if change < best.0 {
                    best = (change, Some(to));
                }
            }
        }
        if let Some(to) = best.1 {
            self.shift(account, to);
            return true;
        }
        if reach.partners == 0 || self.candidates.of(account).len() < 2 {
            return false;
        }
        let here = self.territory(account);
        let here_violation = self.violation(here) + self.weighed_moves(self.moves);
        let mut best = (LEAST, None);
        for to in self.near(account, reach.first) {
            let there = self.candidates.territories[to] as usize;
            if there == here {
                continue;
            }
            let first = self.candidates.costs[to] - self.candidates.costs[from];
            // What violations can give back at most; those of the third territory are left aside.
            let most = here_violation + self.violation(there);
            let members = &self.members[there];
            let start = if members.len() > reach.partners { account * 31 % members.len() } else { 0 };
            let partners = members[start..].iter().chain(&members[..start]).take(reach.partners);
            for partner in partners {
                let partner = *partner as usize;
                let own = self.candidates.costs[self.at[partner]];
                for away in self.near(partner, reach.second) {
                    let cost = first + self.candidates.costs[away] - own;
                    let last = self.candidates.territories[away] as usize;
                    if last == there || cost as f64 - most >= best.0 {
                        continue;
                    }
                    let change = self.chain_change(account, to, partner, away);
                    if change < best.0 {
                        best = (change, Some((to, partner, away)));
                    }
                }
            }
        }
        let Some((to, partner, away)) = best.1 else { return false };
        self.shift(partner, away);
        self.shift(account, to);
        true
    }

    /// Improves the accounts of touched territories until nothing helps.
    pub(super) fn descend(&mut self, reach: Reach) {
        // Every step lowers the value, but sums of floats may disagree on the last digits: an end is set.
        for _ in 0..200 {
            let touched: Vec<usize> =
                (0..self.problem.territories).filter(|territory| self.touched[*territory]).collect();
            if touched.is_empty() {
                return;
            }
            touched.iter().for_each(|territory| self.touched[*territory] = false);
            for territory in touched {
                let mut members = self.members[territory].clone();
                members.sort_unstable();
                for account in members {
                    if self.territory(account as usize) == territory {
                        self.improve(account as usize, reach);
                    }
                }
            }
        }
    }

    /// Limits that stay broken weigh more; when none is, weights fall back.
    pub(super) fn reweigh(&mut self, factor: f64) {
        let feasible = self.score().0 == 0;
        for index in 0..self.weights.len() {
            if feasible {
                self.weights[index] = (self.weights[index] * 0.97).max(self.base[index]);
            } else if self.beyond(index, self.loads[index]) > 0 {
                self.weights[index] *= factor;
                self.touched[index / self.measures] = true;
            }
        }
        if self.problem.max_moves.is_some_and(|limit| self.moves > limit) {
            self.move_weight *= factor;
            self.touched.fill(true);
        }
    }

    /// Looks at every territory again.
    pub(super) fn touch(&mut self) {
        self.touched.fill(true);
    }

    /// Lowers the violations by weighing them more and more.
    pub(super) fn repair(&mut self, reach: Reach, rounds: usize) {
        for _ in 0..rounds {
            self.descend(reach);
            if self.score().0 == 0 {
                return;
            }
            self.reweigh(1.5);
        }
    }

    /// Moves an account and one of its neighbours somewhere near.
    fn kick(&mut self, random: &mut Random) {
        for _ in 0..2 {
            let account = random.below(self.at.len());
            let choices: Vec<usize> =
                self.near(account, 4).filter(|choice| *choice != self.at[account]).collect();
            if !choices.is_empty() {
                let choice = choices[random.below(choices.len())];
                self.shift(account, choice);
            }
        }
    }

    fn undo(&mut self) {
        while let Some((account, from)) = self.trail.pop() {
            self.shift(account as usize, from);
            self.trail.pop();
        }
        self.touched.fill(false);
    }

    /// Iterated local search: kicks, descends, goes back when it has become worse. Keeps the best assignment by score.
    pub(super) fn iterate(
        &mut self,
        reach: Reach,
        rounds: u32,
        random: &mut Random,
        proven: i128,
        progress: &mut dyn FnMut(u32),
    ) -> (Score, Vec<usize>) {
        let mut best = (self.score(), self.at.clone());
        let mut value = self.value();
        self.touched.fill(false);
        for round in 0..rounds {
            if best.0.0 == 0 && best.0.1 <= proven {
                break;
            }
            if round % 64 == 0 {
                progress(round);
                self.reweigh(1.1);
                self.descend(reach);
                value = self.value();
            }
            self.trail.clear();
            self.kick(random);
            self.descend(reach);
            let next = self.value();
            if next <= value {
                value = next;
                let score = self.score();
                if score < best.0 {
                    best = (score, self.at.clone());
                }
            } else {
                self.undo();
            }
        }
        let assignment =
            best.1.iter().map(|candidate| self.candidates.territories[*candidate] as usize).collect();
        (best.0, assignment)
    }
}
