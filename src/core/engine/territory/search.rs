//! Assignments: shifts, swaps and chains of two that lower cost plus what violations weigh; kicks that lead on from where
//! none of them helps. Violations weigh more the longer they last, so that limits come first in the end.

use std::cell::Cell;

use super::candidates::Candidates;
use super::limits::Limits;
use super::problem::Problem;
use super::{Priced, REACH, TINY};

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

    /// A number from 0 to 1, 1 excluded.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// How good an assignment is: limits broken, then cost.
pub(super) type Score = (i128, i128);

/// How far the search looks around an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Accounts in a chain.
    pub(super) depth: usize,
    /// Candidates tried of each account in a chain.
    pub(super) width: usize,
    /// Chains tried from an account.
    pub(super) tries: usize,
}

/// An account that may leave its territory, and what that costs at least.
#[derive(Clone, Copy, Debug)]
struct Member {
    account: u32,
    leave: f64,
}

/// Accounts that push each other on: each goes to a candidate, in the territory of the next.
type Chain = Vec<(usize, usize)>;

/// An assignment with everything that a step changes kept up to date.
///
/// Costs are seen in priced terms: the value of an assignment is a constant plus the regret of each account (its priced
/// cost less that of its cheapest candidate) plus, for each band, what the price pays for room left at the priced end.
/// Both are zero or more, small near the optimum, and so tell early which chains cannot help.
pub(super) struct Search<'a> {
    problem: &'a Problem,
    priced: &'a Priced,
    candidates: &'a Candidates,
    regrets: &'a [f64],
    measures: usize,
    /// The candidate that each account has.
    at: Vec<usize>,
    /// The loose accounts of each territory: those that little keeps at their cheapest candidate. The others stay.
    members: Vec<Vec<Member>>,
    loose: Vec<bool>,
    /// Where in the members each account is.
    slots: Vec<u32>,
    /// Loads and prices at `territory * measures + measure`.
    loads: Vec<i64>,
    prices: Vec<f64>,
    limits: Limits,
    /// What leaves the territories of today, and its price, by limit on moves.
    moved: Vec<i64>,
    move_prices: Vec<f64>,
    cost: i128,
    /// Steps since the last mark, to go back.
    trail: Vec<(u32, usize)>,
    touched: Vec<bool>,
    /// What the bands of each territory cost.
    rooms: Vec<f64>,
    /// What all bands cost, and the room that a chain may expect, at the last look.
    total: f64,
    crest: f64,
    /// Chains that may yet be tried.
    tries: Cell<usize>,
    /// Chains tried in all.
    spent: Cell<u64>,
    /// Sum of the regrets of all accounts.
    regret: f64,
}

/// The slot of an account that is nobody's member.
const NOWHERE: u32 = u32::MAX;

fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NOWHERE)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "values steer the search only; costs and loads are counted whole"
)]
impl<'a> Search<'a> {
    /// Starts from an assignment, at prices; `weights` say what it costs to break a band by a mean territory.
    pub(super) fn new(problem: &'a Problem, priced: &'a Priced, start: &[usize], weights: Vec<f64>) -> Self {
        let Priced { candidates, regrets, prices, .. } = priced;
        let measures = problem.measures.len();
        let at: Vec<usize> = start
            .iter()
            .enumerate()
            .map(|(account, territory)| {
                candidates.find(account, *territory).unwrap_or(candidates.starts[account])
            })
            .collect();
        let unit = prices.unit();
        let by_band = (0..problem.territories)
            .flat_map(|territory| prices.bands.iter().map(move |own| own[territory] as f64 * unit));
        let mut search = Self {
            problem,
            priced,
            candidates,
            regrets,
            measures,
            at,
            members: vec![Vec::new(); problem.territories],
            loose: Vec::new(),
            slots: vec![NOWHERE; problem.accounts()],
            loads: vec![0; problem.territories * measures],
            prices: by_band.collect(),
            limits: Limits::new(problem, prices, weights),
            move_prices: prices.moves.iter().map(|price| *price as f64 * unit).collect(),
            moved: vec![0; problem.move_limits.len()],
            cost: 0,
            trail: Vec::new(),
            touched: vec![true; problem.territories],
            rooms: vec![0.0; problem.territories],
            total: 0.0,
            tries: Cell::new(0),
            spent: Cell::new(0),
            regret: 0.0,
            crest: 0.0,
        };
        for account in 0..problem.accounts() {
            let candidate = search.at[account];
            let territory = candidates.territories[candidate] as usize;
            for (measure, load) in candidates.loads(account, candidate).iter().enumerate() {
                search.loads[territory * measures + measure] += load;
            }
            search.cost += i128::from(candidates.costs[candidate]);
            search.count_moves(account, candidate, 1);
        }
        search.fasten();
        search.look();
        search
    }

    #[inline]
    fn territory(&self, account: usize) -> usize {
        self.place(self.at[account])
    }

    #[inline]
    fn place(&self, candidate: usize) -> usize {
        self.candidates.territories[candidate] as usize
    }

    fn enter(&mut self, account: usize, territory: usize) {
        if !self.loose[account] {
            return;
        }
        let at = self.at[account];
        let Some(away) = self.candidates.of(account).find(|away| *away != at) else { return };
        self.slots[account] = short(self.members[territory].len());
        let leave = self.regrets[away] - self.regrets[at];
        self.members[territory].push(Member { account: short(account), leave });
    }

    fn leave(&mut self, account: usize, territory: usize) {
        let slot = self.slots[account] as usize;
        if slot == NOWHERE as usize {
            return;
        }
        self.members[territory].swap_remove(slot);
        if let Some(other) = self.members[territory].get(slot) {
            self.slots[other.account as usize] = self.slots[account];
        }
        self.slots[account] = NOWHERE;
    }

    /// What a load costs: room at the priced end, and what breaking the band weighs.
    #[inline]
    fn band(&self, index: usize, load: i64) -> f64 {
        let price = self.prices[index];
        price * self.limits.room(index, load, price) as f64 + self.limits.weighed(index, load)
    }

    /// What the limit on moves costs, likewise.
    fn moving(&self, moved: &[i64]) -> f64 {
        let cost = |(limit, moved): (usize, &i64)| {
            self.move_prices[limit] * self.limits.left(limit, *moved) as f64
                + self.limits.weighed_moves(limit, *moved)
        };
        moved.iter().enumerate().map(cost).sum()
    }

    /// What a territory's bands cost.
    fn bands(&self, territory: usize) -> f64 {
        self.limits.of(territory).map(|index| self.band(index, self.loads[index])).sum()
    }

    /// Adds up anew what all bands and regrets cost, after weights have changed.
    fn look(&mut self) {
        self.rooms = (0..self.problem.territories).map(|territory| self.bands(territory)).collect();
        self.regret = self.at.iter().map(|candidate| self.regrets.get(*candidate).unwrap_or(&0.0)).sum();
    }

    /// The room that a chain may expect in a territory beyond the next: a few times what is usual.
    fn crest(&self) -> f64 {
        let most = self.rooms.iter().copied().fold(0.0, f64::max);
        most.min(4.0 * self.total / self.rooms.len() as f64)
    }

    /// What the assignment costs more than its accounts' cheapest, and what the limits cost.
    fn value(&self) -> f64 {
        let bands: f64 = self.rooms.iter().sum();
        self.regret + bands + self.moving(&self.moved)
    }

    pub(super) fn score(&self) -> Score {
        (self.limits.broken(&self.loads, &self.moved), self.cost + self.limits.penalties(&self.loads))
    }

    /// The change of what a territory's bands cost when one account leaves and another enters.
    #[inline]
    fn change(
        &self,
        territory: usize,
        leaving: Option<(usize, usize)>,
        entering: Option<(usize, usize)>,
    ) -> f64 {
        let leaving = leaving.map(|(account, candidate)| self.candidates.loads(account, candidate));
        let entering = entering.map(|(account, candidate)| self.candidates.loads(account, candidate));
        // What the bands cost as they are is kept for each territory.
        let mut sum = -self.rooms[territory];
        for measure in 0..self.measures {
            let index = territory * self.measures + measure;
            let then = self.loads[index] - leaving.map_or(0, |loads| loads[measure])
                + entering.map_or(0, |loads| loads[measure]);
            sum += self.band(index, then);
        }
        sum
    }

    /// Counts what an account in a candidate adds to the limits on moves (1), or no longer does (-1).
    fn count_moves(&mut self, account: usize, candidate: usize, sign: i64) {
        let territory = self.place(candidate);
        for (limit, moved) in self.moved.iter_mut().enumerate() {
            *moved += sign * self.problem.counted(limit, account, territory);
        }
    }

    fn shift(&mut self, account: usize, to: usize) {
        let from = self.at[account];
        if from == to {
            return;
        }
        self.trail.push((short(account), from));
        let (here, there) = (self.place(from), self.place(to));
        for measure in 0..self.measures {
            self.loads[here * self.measures + measure] -= self.candidates.loads(account, from)[measure];
            self.loads[there * self.measures + measure] += self.candidates.loads(account, to)[measure];
        }
        self.count_moves(account, to, 1);
        self.count_moves(account, from, -1);
        self.regret += self.regrets[to] - self.regrets[from];
        self.cost += i128::from(self.candidates.costs[to]) - i128::from(self.candidates.costs[from]);
        self.leave(account, here);
        self.at[account] = to;
        self.enter(account, there);
        self.rooms[here] = self.bands(here);
        self.rooms[there] = self.bands(there);
        self.touched[here] = true;
        self.touched[there] = true;
    }

    /// Improves an account's place by the best chain that starts with it.
    fn improve(&mut self, account: usize, reach: Reach) -> bool {
        // What is less than the noise of large sums is no gain.
        let least = -1e-6 - 1e-12 * self.total;
        let here = self.territory(account);
        let mut best: (f64, Chain) = (least, Vec::new());
        self.tries.set(reach.tries);
        let mut chain = Vec::new();
        let room = self.rooms[here] + self.moving(&self.moved);
        self.extend(&mut chain, account, 0.0, room, reach, &mut best);
        // The last of a chain goes first, so that nothing but the chain is touched.
        for (account, candidate) in best.1.iter().rev() {
            self.shift(*account, *candidate);
        }
        !best.1.is_empty()
    }

    /// Tries every way on from a chain whose next account is `account`; `sum` is what the chain changes so far, without
    /// the territory where it starts, which can give back `room` at most.
    fn extend(
        &self,
        chain: &mut Chain,
        account: usize,
        sum: f64,
        room: f64,
        reach: Reach,
        best: &mut (f64, Chain),
    ) {
        let from = self.at[account];
        let here = self.place(from);
        let first = chain.first().map_or(account, |(first, _)| *first);
        let origin = self.territory(first);
        let own = self.candidates.of(account);
        let width = if chain.is_empty() && reach.depth == 1 { usize::MAX } else { reach.width };
        for to in own.take(width) {
            let there = self.place(to);
            if there == here {
                continue;
            }
            let step = sum + self.regrets[to] - self.regrets[from];
            if step - room - self.crest >= best.0 {
                break;
            }
            let closes = there == origin;
            if !closes && chain.iter().any(|(passed, _)| self.territory(*passed) == there) {
                continue;
            }
            let last = chain.len() + 1 == reach.depth;
            if last && step - room - if closes { 0.0 } else { self.rooms[there] } >= best.0 {
                continue;
            }
            let mut total = step;
            if closes {
                total += self.change(origin, Some((first, self.at[first])), Some((account, to)));
            } else {
                total += self.change(origin, Some((first, self.at[first])), None);
                total += self.change(there, None, Some((account, to)));
            }
            let tries = self.tries.get();
            if tries == 0 {
                return;
            }
            self.tries.set(tries - 1);
            self.spent.set(self.spent.get() + 1);
            chain.push((account, to));
            if !self.moved.is_empty() {
                total += self.moving(&self.moved_after(chain)) - self.moving(&self.moved);
            }
            if total < best.0 {
                best.0 = total;
                best.1.clone_from(chain);
            }
            if !closes && !last {
                for partner in &self.members[there] {
                    let least = step + partner.leave - room - self.crest;
                    if least - self.rooms[there] >= best.0 {
                        continue;
                    }
                    let partner = partner.account as usize;
                    let left = self.at[partner];
                    let settled = self.change(there, Some((partner, left)), Some((account, to)));
                    if least + settled < best.0 {
                        self.extend(chain, partner, step + settled, room, reach, best);
                    }
                }
            }
            chain.pop();
        }
    }

    fn moved_after(&self, chain: &Chain) -> Vec<i64> {
        let mut moved = self.moved.clone();
        for (account, to) in chain {
            for (limit, moved) in moved.iter_mut().enumerate() {
                let counted = |territory| self.problem.counted(limit, *account, territory);
                *moved += counted(self.place(*to)) - counted(self.territory(*account));
            }
        }
        moved
    }

    /// Improves the accounts of touched territories until nothing helps.
    pub(super) fn descend(&mut self, reach: Reach) {
        // Every step lowers the value, but sums of floats may disagree on the last digits: an end is set.
        for _ in 0..40 {
            let touched: Vec<usize> =
                (0..self.problem.territories).filter(|territory| self.touched[*territory]).collect();
            if touched.is_empty() {
                return;
            }
            touched.iter().for_each(|territory| self.touched[*territory] = false);
            for territory in touched {
                self.total = self.rooms.iter().sum();
                self.crest = self.crest();
                let mut members: Vec<u32> =
                    self.members[territory].iter().map(|member| member.account).collect();
                members.sort_unstable();
                for account in members {
                    let account = account as usize;
                    if self.territory(account) == territory {
                        self.improve(account, reach);
                    }
                }
            }
        }
    }

    /// Limits that stay broken weigh more; when none is, weights fall back.
    fn reweigh(&mut self, factor: f64) {
        self.limits.reweigh(&self.loads, &self.moved, factor);
        self.touch_broken();
        self.look();
    }

    /// Looks at every territory again.
    pub(super) fn touch(&mut self) {
        self.touched.fill(true);
    }

    /// Looks again at the territories with broken limits; at all when too many accounts move.
    pub(super) fn touch_broken(&mut self) {
        self.broken().into_iter().for_each(|territory| self.touched[territory] = true);
        if self.limits.too_many(&self.moved) {
            self.touch();
        }
    }

    /// Lowers the violations: weighs them more and more, and where that no longer helps looks at more accounts and shakes.
    /// Ends with the least violation found.
    pub(super) fn repair(&mut self, rounds: u32, random: &mut Random) {
        /// Rounds in which limits that stay broken are weighed more, at most.
        const ROUNDS: u32 = 40;
        /// Accounts that may move besides the loose ones, of each territory in question, when that first helps.
        const MORE: usize = 50;
        let mut best: Option<(Score, Vec<usize>)> = None;
        let mut more = MORE;
        for _ in 0..ROUNDS.min(rounds.max(1)) {
            self.descend(REACH);
            let score = self.score();
            if score.0 == 0 {
                best = None;
                break;
            }
            if best.as_ref().is_none_or(|(best, _)| score < *best) {
                best = Some((score, self.at.clone()));
            } else {
                self.loosen(more);
                more *= 2;
                self.kick(random);
            }
            self.reweigh(1.5);
        }
        if let Some((_, at)) = best {
            at.into_iter().enumerate().for_each(|(account, candidate)| self.shift(account, candidate));
        }
        self.fasten();
    }

    /// Only accounts that little keeps where they are stay loose.
    fn fasten(&mut self) {
        self.loose.clone_from(&self.priced.loose);
        self.members.iter_mut().for_each(Vec::clear);
        self.slots.fill(NOWHERE);
        for account in 0..self.problem.accounts() {
            self.loose[account] |= self.regrets.get(self.at[account]).is_some_and(|regret| *regret > 0.0);
            self.enter(account, self.territory(account));
        }
    }

    /// Territories whose limits are broken.
    fn broken(&self) -> Vec<usize> {
        (0..self.problem.territories)
            .filter(|territory| self.limits.breaks(*territory, &self.loads))
            .collect()
    }

    /// More accounts may move: of a territory with broken limits, and with such a candidate, those that cost the least more,
    /// `size` of each.
    fn loosen(&mut self, size: usize) {
        let mut lists: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.problem.territories];
        let mut listed = vec![false; self.problem.territories];
        self.broken().into_iter().for_each(|territory| listed[territory] = true);
        for account in (0..self.problem.accounts()).filter(|account| !self.loose[*account]) {
            let at = self.at[account];
            let own = self.candidates.of(account);
            let away = own.clone().find(|away| *away != at);
            if let Some(away) = away.filter(|_| listed[self.place(at)]) {
                lists[self.place(at)].push((self.regrets[away] - self.regrets[at], account));
            }
            for candidate in own.filter(|candidate| listed[self.place(*candidate)]) {
                lists[self.place(candidate)].push((self.regrets[candidate] - self.regrets[at], account));
            }
        }
        for mut list in lists {
            keep_least(&mut list, size);
            for (_, account) in list {
                if !self.loose[account] {
                    self.loose[account] = true;
                    self.enter(account, self.territory(account));
                }
            }
        }
    }

    /// Moves two accounts to where it costs little more than at the cheapest, or out of a territory with broken limits.
    fn kick(&mut self, random: &mut Random) {
        let broken = self.broken();
        for _ in 0..2 {
            let members = broken.get(random.below(broken.len())).map(|territory| &self.members[*territory]);
            let member = members.and_then(|members| members.get(random.below(members.len())));
            if let Some(account) = member.map(|member| member.account as usize) {
                let own = self.candidates.of(account);
                self.shift(account, own.start + random.below(own.len().min(4)));
            } else if let Some((account, candidate)) =
                self.priced.core.get(random.below(self.priced.core.len())).copied()
            {
                self.shift(account as usize, candidate);
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

    /// Iterated local search: kicks, descends, goes back when it has become worse. Keeps the best assignment by score. While
    /// limits are broken it goes on until a quarter of the rounds has mended nothing; it ends early at a cost that is proven least.
    pub(super) fn iterate(
        &mut self,
        rounds: u32,
        random: &mut Random,
        progress: &mut dyn FnMut(u32),
    ) -> (Score, Vec<usize>) {
        /// Rounds between looks at the weights, and between descents by longer chains from everywhere.
        const LOOK: u32 = 8;
        const SWEEP: u32 = 256;
        /// Chains tried in a usual round: where towns are crowded rounds try many times as many, and there are fewer of them.
        const USUAL: u64 = 20_000;
        let most = self.spent.get() + u64::from(rounds) * USUAL;
        let mut best = (self.score(), self.at.clone());
        let mut value = f64::INFINITY;
        self.touched.fill(false);
        let mut improved = 0;
        for round in 0.. {
            let feasible = best.0.0 == 0;
            let enough = if feasible {
                round >= rounds || best.0.1 <= self.priced.proven || self.spent.get() > most
            } else {
                round - improved >= rounds / 4
            };
            if enough {
                break;
            }
            let broken = best.0.0;
            if round % LOOK == 0 {
                progress(round);
                self.reweigh(1.2);
                if feasible && round % SWEEP == 0 && self.problem.accounts() <= TINY {
                    self.touch();
                    self.descend(Reach { depth: REACH.depth + 1, tries: REACH.tries * 8, ..REACH });
                } else {
                    self.descend(REACH);
                }
                value = self.value();
                if self.score() < best.0 {
                    best = (self.score(), self.at.clone());
                }
            }
            self.trail.clear();
            self.kick(random);
            self.descend(REACH);
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
            if best.0.0 < broken {
                improved = round;
            }
        }
        let assignment = best.1.iter().map(|candidate| self.place(*candidate)).collect();
        (best.0, assignment)
    }
}

/// How many accounts are looked at of those that may enter a territory, and as many of those that may leave it.
pub(super) fn entrants(problem: &Problem) -> usize {
    /// Accounts for each price.
    const PER_PRICE: usize = 20;
    PER_PRICE * (problem.measures.len() + 1)
}

/// Accounts that may leave their cheapest candidate: for each territory, those that cost the least more when they leave
/// it, and those that cost the least more when they come.
pub(super) fn loose(problem: &Problem, candidates: &Candidates, regrets: &[f64]) -> Vec<bool> {
    let size = entrants(problem);
    let mut leaving: Vec<Vec<(f64, usize)>> = vec![Vec::new(); problem.territories];
    let mut coming = leaving.clone();
    for account in 0..problem.accounts() {
        let mut own = candidates.of(account);
        let (Some(first), Some(second)) = (own.next(), own.next()) else { continue };
        leaving[candidates.territories[first] as usize].push((regrets[second], account));
        for candidate in std::iter::once(second).chain(own) {
            coming[candidates.territories[candidate] as usize].push((regrets[candidate], account));
        }
    }
    let mut loose = vec![false; problem.accounts()];
    for list in leaving.iter_mut().chain(&mut coming) {
        keep_least(list, size);
        list.iter().for_each(|(_, account)| loose[*account] = true);
    }
    loose
}

/// The second to last choices of all accounts with the least regret, in the order of accounts.
pub(super) fn core(problem: &Problem, candidates: &Candidates, regrets: &[f64]) -> Vec<(u32, usize)> {
    /// Choices for each price.
    const PER_PRICE: usize = 8;
    let size = PER_PRICE * problem.territories * (problem.measures.len() + 1);
    let mut all: Vec<(f64, (usize, u32))> = (0..problem.accounts())
        .flat_map(|account| {
            let of = candidates.of(account);
            of.map(move |candidate| (regrets[candidate], (candidate, short(account))))
        })
        .filter(|(regret, _)| *regret > 0.0 && regret.is_finite())
        .collect();
    keep_least(&mut all, size);
    all.sort_unstable_by_key(|(_, choice)| *choice);
    all.into_iter().map(|(_, (candidate, account))| (account, candidate)).collect()
}

/// Keeps the `size` entries with the least regret, the first of equals, in any order.
pub(super) fn keep_least<T: Ord>(list: &mut Vec<(f64, T)>, size: usize) {
    if list.len() > size {
        list.select_nth_unstable_by(size, |a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        list.truncate(size);
    }
}
