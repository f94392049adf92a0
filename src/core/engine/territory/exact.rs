//! A few neighbouring territories divided anew, exactly: with prices of their own, every division that could cost less
//! differs from the cheapest one in few accounts, and all of those are tried (the core of a knapsack; Balas, Zemel 1980).

use super::Priced;
use super::candidates::Candidates;
use super::problem::{Band, Problem};

/// Rounds in which each price of a group is set to its best.
const ROUNDS: usize = 4;
/// Divisions that are tried of a group of two, and of a larger one, at most.
const OF_TWO: usize = 50_000;
const OF_MORE: usize = 200_000;
/// Divisions that are tried in all, at most, for each round of the search before it; where that has few rounds, the
/// answer is a step on the way and only pairs are looked at.
const PER_ROUND: usize = 100_000;
const FEW_ROUNDS: u32 = 100;
/// Candidates of an account that make its territory the neighbour of others.
const NEAR: usize = 4;

/// Divides pairs of neighbouring territories anew, then groups of three, until none of them gets cheaper. The assignment keeps
/// all limits.
pub(super) fn improve(problem: &Problem, priced: &Priced, rounds: u32, assignment: &mut [usize]) {
    let mut state = State::of(problem, &priced.candidates, assignment);
    let pairs = state.pairs();
    let triples = if rounds < FEW_ROUNDS { vec![] } else { triples(&pairs, problem.territories) };
    let mut left = PER_ROUND * rounds as usize;
    let groups = [(pairs, OF_TWO), (triples, OF_MORE)];
    // When each territory changed last, and when each group was looked at.
    let mut now = 1;
    let mut changed = vec![now; problem.territories];
    let mut looked: Vec<Vec<usize>> = groups.iter().map(|(groups, _)| vec![0; groups.len()]).collect();
    let mut kind = 0;
    while let Some((groups, most)) = groups.get(kind) {
        let mut helped = false;
        for (group, looked) in groups.iter().zip(&mut looked[kind]) {
            if left == 0 || group.iter().all(|territory| changed[*territory] <= *looked) {
                continue;
            }
            now += 1;
            *looked = now;
            let mut core = Core::of(&state, priced, group);
            let steps = core.best((*most).min(left));
            left -= core.tried.min(left);
            for (account, to) in steps {
                helped = true;
                now += 1;
                for territory in [state.assignment[account], to] {
                    changed[territory] = now;
                }
                state.shift(account, to);
            }
        }
        // Pairs are quick: as soon as a larger group has changed something they come first again.
        kind = if helped { 0 } else { kind + 1 };
    }
    assignment.copy_from_slice(&state.assignment);
}

/// An assignment with what its territories carry.
struct State<'a> {
    problem: &'a Problem,
    candidates: &'a Candidates,
    assignment: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// At `territory * measures + measure`.
    loads: Vec<i128>,
    /// By limit on moves.
    moved: Vec<i128>,
}

impl<'a> State<'a> {
    fn of(problem: &'a Problem, candidates: &'a Candidates, assignment: &[usize]) -> Self {
        let measures = problem.measures.len();
        let mut state = Self {
            problem,
            candidates,
            assignment: assignment.to_vec(),
            members: vec![Vec::new(); problem.territories],
            loads: vec![0; problem.territories * measures],
            moved: vec![0; problem.move_limits.len()],
        };
        for (account, territory) in assignment.iter().enumerate() {
            state.members[*territory].push(account);
            state.count(account, *territory, 1);
        }
        state
    }

    fn count(&mut self, account: usize, territory: usize, sign: i128) {
        let measures = self.problem.measures.len();
        for measure in 0..measures {
            self.loads[territory * measures + measure] +=
                sign * i128::from(self.problem.load(measure, account, territory));
        }
        for (limit, moved) in self.moved.iter_mut().enumerate() {
            *moved += sign * i128::from(self.problem.counted(limit, account, territory));
        }
    }

    fn shift(&mut self, account: usize, to: usize) {
        let from = self.assignment[account];
        self.count(account, from, -1);
        self.members[from].retain(|own| *own != account);
        self.count(account, to, 1);
        self.members[to].push(account);
        self.assignment[account] = to;
    }

    /// Territories of which one is among the nearest of an account of the other.
    fn pairs(&self) -> Vec<Vec<usize>> {
        let mut pairs: Vec<Vec<usize>> = Vec::new();
        for (account, own) in self.assignment.iter().enumerate() {
            let near = self.candidates.of(account).take(NEAR);
            let near = near.map(|candidate| self.candidates.territories[candidate] as usize);
            pairs.extend(
                near.filter(|other| other != own).map(|other| vec![other.min(*own), other.max(*own)]),
            );
            if account % 4096 == 0 {
                pairs.sort_unstable();
                pairs.dedup();
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// Territories of which each two are neighbours.
fn triples(pairs: &[Vec<usize>], territories: usize) -> Vec<Vec<usize>> {
    let mut beyond: Vec<Vec<usize>> = vec![Vec::new(); territories];
    for pair in pairs {
        beyond[pair[0]].push(pair[1]);
    }
    let third = |pair: &Vec<usize>| {
        let (one, other) = (pair[0], pair[1]);
        let common = beyond[other].iter().filter(|third| beyond[one].contains(third));
        common.map(|third| vec![one, other, *third]).collect::<Vec<_>>()
    };
    pairs.iter().flat_map(third).collect()
}

/// Another place for an account of the group, and what it costs more than the cheapest at the group's prices.
struct Deviation {
    regret: f64,
    item: usize,
    option: usize,
}

/// A place that an account may have.
struct Choice {
    /// Place in the group.
    place: usize,
    cost: i64,
    loads: Vec<i64>,
}

/// An account that may go to several territories of the group.
struct Item {
    account: usize,
    /// Which of its choices it has now.
    now: usize,
    choices: Vec<Choice>,
}

/// A group of territories with what may change between them.
struct Core<'a> {
    state: &'a State<'a>,
    group: &'a [usize],
    items: Vec<Item>,
    /// What the items may carry, at `place * measures + measure`: the bands less what stays.
    bands: Vec<(i64, i64)>,
    /// What a unit beyond each band costs, infinite where the band is a limit.
    beyond: Vec<f64>,
    prices: Vec<f64>,
    tried: usize,
}

fn narrow(value: i128) -> i64 {
    const FAR: i128 = 1 << 60;
    i64::try_from(value.clamp(-FAR, FAR)).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "prices say where to look; what is found is counted whole")]
impl<'a> Core<'a> {
    fn of(state: &'a State<'a>, priced: &Priced, group: &'a [usize]) -> Self {
        let (problem, candidates) = (state.problem, state.candidates);
        let measures = problem.measures.len();
        let mut fixed: Vec<i128> = group
            .iter()
            .flat_map(|territory| state.loads[territory * measures..][..measures].iter().copied())
            .collect();
        let mut items = Vec::new();
        for (place, territory) in group.iter().enumerate() {
            for account in state.members[*territory].iter().copied() {
                let choice = |(place, territory): (usize, &usize)| {
                    let candidate = candidates.find(account, *territory)?;
                    Some(Choice {
                        place,
                        cost: candidates.costs[candidate],
                        loads: candidates.loads(account, candidate).to_vec(),
                    })
                };
                let choices: Vec<Choice> = group.iter().enumerate().filter_map(choice).collect();
                let Some(now) = choices.iter().position(|choice| choice.place == place) else { continue };
                if choices.len() > 1 {
                    for (measure, load) in choices[now].loads.iter().enumerate() {
                        fixed[place * measures + measure] -= i128::from(*load);
                    }
                    items.push(Item { account, now, choices });
                }
            }
        }
        let unit = priced.prices.unit();
        let (mut bands, mut beyond, mut prices) = (Vec::new(), Vec::new(), Vec::new());
        for (place, territory) in group.iter().enumerate() {
            for (measure, own) in problem.measures.iter().enumerate() {
                let Band { low, high } = own.bands[*territory];
                let stays = fixed[place * measures + measure];
                bands.push((narrow(low - stays), narrow(high - stays)));
                beyond.push(own.penalty.map_or(f64::INFINITY, |penalty| penalty.nearly()));
                prices.push(priced.prices.bands[measure][*territory] as f64 * unit);
            }
        }
        Self { state, group, items, bands, beyond, prices, tried: 0 }
    }

    fn priced(&self, choice: &Choice) -> f64 {
        let measures = choice.loads.len();
        let paid = choice.loads.iter().enumerate();
        choice.cost as f64
            + paid
                .map(|(measure, load)| self.prices[choice.place * measures + measure] * *load as f64)
                .sum::<f64>()
    }

    /// Sets each price in turn to where the bound of the group is highest.
    fn climb(&mut self) {
        let measures = self.state.problem.measures.len();
        let mut ends: Vec<(f64, i64)> = Vec::new();
        for _ in 0..ROUNDS {
            for index in 0..self.prices.len() {
                let (place, measure) = (index / measures, index % measures);
                let price = self.prices[index];
                ends.clear();
                let mut load = 0;
                for item in &self.items {
                    let Some(own) = item.choices.iter().find(|choice| choice.place == place) else {
                        continue;
                    };
                    let weight = own.loads[measure];
                    if weight == 0 {
                        continue;
                    }
                    let others = item.choices.iter().filter(|choice| choice.place != place);
                    let other = others.map(|choice| self.priced(choice)).fold(f64::INFINITY, f64::min);
                    // Up to which price the account is cheapest here.
                    let end = (other - self.priced(own)) / weight as f64 + price;
                    load += if end > 0.0 { weight } else { 0 };
                    ends.push((end, weight));
                }
                let (low, high) = self.bands[index];
                let mut found = 0.0;
                if load > high {
                    ends.retain(|(end, _)| *end > 0.0);
                    ends.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
                    for (end, weight) in &ends {
                        load -= weight;
                        found = *end;
                        if load <= high {
                            break;
                        }
                    }
                } else if load < low {
                    ends.retain(|(end, _)| *end <= 0.0);
                    ends.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
                    for (end, weight) in &ends {
                        load += weight;
                        found = *end;
                        if load >= low {
                            break;
                        }
                    }
                }
                self.prices[index] = found.clamp(-self.beyond[index], self.beyond[index]);
            }
        }
    }

    /// What a load costs at the end of the band that its price pays for, and beyond the band; `None` when that is a limit.
    #[inline]
    fn room(&self, index: usize, load: i64) -> Option<f64> {
        let ((low, high), price) = (self.bands[index], self.prices[index]);
        let room = price * if price > 0.0 { high - load } else { low - load } as f64;
        match (load - high).max(low - load) {
            ..=0 => Some(room),
            beyond => Some(room + beyond as f64 * self.beyond[index]).filter(|cost| cost.is_finite()),
        }
    }

    /// What loads beyond bands that are wishes cost.
    fn penalties(&self, loads: &[i64]) -> i128 {
        let measures = &self.state.problem.measures;
        let cost = |(index, (load, (low, high))): (usize, (&i64, &(i64, i64)))| {
            let band = Band { low: (*low).into(), high: (*high).into() };
            let penalty = measures[index % measures.len()].penalty;
            penalty.map_or(0, |penalty| penalty.of(band.beyond((*load).into())))
        };
        loads.iter().zip(&self.bands).enumerate().map(cost).sum()
    }

    fn rooms(&self, loads: &[i64]) -> Option<f64> {
        loads.iter().enumerate().map(|(index, load)| self.room(index, *load)).sum()
    }

    /// The steps to the cheapest division found; none when it is the one that stands.
    fn best(&mut self, most: usize) -> Vec<(usize, usize)> {
        if self.items.is_empty() {
            return vec![];
        }
        self.climb();
        let measures = self.state.problem.measures.len();
        let mut loads = vec![0i64; self.bands.len()];
        let mut standing = loads.clone();
        let (mut start, mut value) = (Vec::with_capacity(self.items.len()), 0.0);
        let mut deviations = Vec::new();
        for (item, own) in self.items.iter().enumerate() {
            let costs: Vec<f64> = own.choices.iter().map(|choice| self.priced(choice)).collect();
            let first = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
            value += costs[own.now] - costs[first];
            for (option, cost) in costs.iter().enumerate().filter(|(option, _)| *option != first) {
                deviations.push(Deviation { regret: cost - costs[first], item, option });
            }
            for (choice, loads) in [(&own.choices[first], &mut loads), (&own.choices[own.now], &mut standing)]
            {
                for (measure, load) in choice.loads.iter().enumerate() {
                    loads[choice.place * measures + measure] += load;
                }
            }
            start.push(first);
        }
        let Some(rooms) = self.rooms(&standing) else { return vec![] };
        value += rooms;
        // Less than the noise of the sums is no gain.
        let least = value - 1e-6 - 1e-9 * value.abs();
        deviations.retain(|deviation| deviation.regret < least);
        deviations
            .sort_by(|a, b| a.regret.total_cmp(&b.regret).then((a.item, a.option).cmp(&(b.item, b.option))));
        let mut trial = Trial {
            core: self,
            measures,
            start: &start,
            reach: reach(self, &start, &deviations),
            deviations: &deviations,
            used: vec![false; self.items.len()],
            loads,
            chosen: Vec::new(),
            best: (least, None),
            left: most,
        };
        trial.from(0, 0.0);
        let (found, left) = (trial.best.1.take(), trial.left);
        self.tried = most - left;
        let Some(found) = found else { return vec![] };
        let mut options = start;
        for deviation in found {
            options[deviations[deviation].item] = deviations[deviation].option;
        }
        let changed = self.items.iter().zip(options).filter(|(item, option)| item.now != *option);
        let changed: Vec<(&Item, usize)> = changed.collect();
        let mut after = standing.clone();
        for (item, option) in &changed {
            for (choice, sign) in [(&item.choices[item.now], -1), (&item.choices[*option], 1)] {
                for (measure, load) in choice.loads.iter().enumerate() {
                    after[choice.place * measures + measure] += sign * load;
                }
            }
        }
        let costs = changed.iter().map(|(item, option)| {
            i128::from(item.choices[item.now].cost) - i128::from(item.choices[*option].cost)
        });
        let saved = costs.sum::<i128>() + self.penalties(&standing) - self.penalties(&after);
        if saved <= 0 {
            return vec![];
        }
        changed.iter().map(|(item, option)| (item.account, self.group[item.choices[*option].place])).collect()
    }
}

/// For each place in the order of deviations and each band: what a unit more, and a unit less, costs at least from there on.
#[expect(clippy::cast_precision_loss, reason = "prices say where to look; what is found is counted whole")]
fn reach(core: &Core<'_>, start: &[usize], deviations: &[Deviation]) -> Vec<(f64, f64)> {
    let width = core.bands.len();
    let measures = core.state.problem.measures.len();
    let mut all = vec![(f64::INFINITY, f64::INFINITY); (deviations.len() + 1) * width];
    for (place, deviation) in deviations.iter().enumerate().rev() {
        let (earlier, later) = all.split_at_mut((place + 1) * width);
        let own = &mut earlier[place * width..];
        own.copy_from_slice(&later[..width]);
        let choices = &core.items[deviation.item].choices;
        let (from, to) = (&choices[start[deviation.item]], &choices[deviation.option]);
        for measure in 0..measures {
            if to.loads[measure] > 0 {
                let more = &mut own[to.place * measures + measure].0;
                *more = more.min(deviation.regret / to.loads[measure] as f64);
            }
            if from.loads[measure] > 0 {
                let less = &mut own[from.place * measures + measure].1;
                *less = less.min(deviation.regret / from.loads[measure] as f64);
            }
        }
    }
    all
}

/// A search through the divisions that differ from the cheapest in some accounts.
struct Trial<'t> {
    core: &'t Core<'t>,
    measures: usize,
    start: &'t [usize],
    reach: Vec<(f64, f64)>,
    deviations: &'t [Deviation],
    used: Vec<bool>,
    loads: Vec<i64>,
    chosen: Vec<usize>,
    best: (f64, Option<Vec<usize>>),
    left: usize,
}

#[expect(clippy::cast_precision_loss, reason = "prices say where to look; what is found is counted whole")]
impl Trial<'_> {
    /// Looks at the division as it is, then at those with more deviations from `first` on.
    fn from(&mut self, first: usize, cost: f64) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if let Some(rooms) = self.core.rooms(&self.loads)
            && cost + rooms < self.best.0
            && self.moves_fit()
        {
            self.best = (cost + rooms, Some(self.chosen.clone()));
        }
        for next in first..self.deviations.len() {
            let Deviation { regret, item, option } = self.deviations[next];
            if cost + regret >= self.best.0 || self.is_beyond(next, cost) {
                return;
            }
            if self.used[item] {
                continue;
            }
            self.apply(item, option, 1);
            self.used[item] = true;
            self.chosen.push(next);
            self.from(next + 1, cost + regret);
            self.chosen.pop();
            self.used[item] = false;
            self.apply(item, option, -1);
        }
    }

    fn apply(&mut self, item: usize, option: usize, sign: i64) {
        let choices = &self.core.items[item].choices;
        let (from, to) = (&choices[self.start[item]], &choices[option]);
        for measure in 0..self.measures {
            self.loads[from.place * self.measures + measure] -= sign * from.loads[measure];
            self.loads[to.place * self.measures + measure] += sign * to.loads[measure];
        }
    }

    /// True when what is beyond a band costs too much to mend with the deviations from `next` on.
    fn is_beyond(&self, next: usize, cost: f64) -> bool {
        let width = self.loads.len();
        let reach = &self.reach[next * width..][..width];
        let Core { bands, beyond, prices, .. } = self.core;
        self.loads.iter().zip(bands).zip(reach).enumerate().any(
            |(index, ((load, (low, high)), (more, less)))| {
                // What is a wish may stay beyond its band, for what that costs more than its price pays.
                let mend = if load > high {
                    (load - high) as f64 * less.min(beyond[index] - prices[index].max(0.0))
                } else if load < low {
                    (low - load) as f64 * more.min(beyond[index] + prices[index].min(0.0))
                } else {
                    return false;
                };
                cost + mend >= self.best.0
            },
        )
    }

    /// Whether the limits on moves hold.
    fn moves_fit(&self) -> bool {
        let State { problem, moved, .. } = self.core.state;
        if moved.is_empty() {
            return true;
        }
        let mut moved = moved.clone();
        let mut options = self.start.to_vec();
        self.chosen.iter().for_each(|next| {
            options[self.deviations[*next].item] = self.deviations[*next].option;
        });
        for (item, option) in self.core.items.iter().zip(options) {
            let territory = |option: usize| self.core.group[item.choices[option].place];
            for (limit, moved) in moved.iter_mut().enumerate() {
                let counted = |option| i128::from(problem.counted(limit, item.account, territory(option)));
                *moved += counted(option) - counted(item.now);
            }
        }
        moved.iter().zip(&problem.move_limits).all(|(moved, limit)| *moved <= i128::from(limit.most))
    }
}
