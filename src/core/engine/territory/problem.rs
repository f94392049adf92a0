//! The question put to the territory engine: accounts, territories, costs and bands, all whole numbers.

use rayon::prelude::*;

use super::travel::Travel;

/// The cost of a pair that is not allowed.
pub const FORBIDDEN: i64 = i64::MAX;

/// The load that a territory may carry, in the measure's smallest unit; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Least.
    pub low: i128,
    /// Greatest.
    pub high: i128,
}

impl Band {
    /// How far a load is beyond the band: zero within it.
    #[must_use]
    pub fn beyond(&self, load: i128) -> i128 {
        (load - self.high).max(self.low - load).max(0)
    }
}

/// What a unit of load beyond a band costs, where the band is a wish and not a limit: a fraction of whole numbers, zero or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Penalty {
    /// Cost units.
    pub numerator: i64,
    /// Units of load, above zero.
    pub denominator: i64,
}

impl Penalty {
    /// What it costs to be beyond a band by so much, rounded up to whole cost units.
    #[must_use]
    pub fn of(&self, beyond: i128) -> i128 {
        let denominator = i128::from(self.denominator);
        (beyond.saturating_mul(self.numerator.into()).saturating_add(denominator - 1)) / denominator
    }

    /// What a unit costs, nearly.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn nearly(&self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// Loads of accounts, zero or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loads {
    /// Of each account, wherever it goes.
    Account(Vec<i64>),
    /// Of account i in territory j, at `i * territories + j`.
    Pair(Vec<i64>),
}

/// A measure that is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Loads.
    pub loads: Loads,
    /// Band of each territory.
    pub bands: Vec<Band>,
    /// What loads beyond their bands cost; `None`: the bands are limits.
    pub penalty: Option<Penalty>,
}

impl Measure {
    /// What the loads of all territories cost that are beyond their bands; zero where bands are limits.
    #[must_use]
    pub fn penalties(&self, loads: &[i128]) -> i128 {
        let Some(penalty) = &self.penalty else { return 0 };
        self.bands.iter().zip(loads).map(|(band, load)| penalty.of(band.beyond(*load))).sum()
    }
}

/// What it costs to serve an account from a territory.
#[derive(Clone, Debug, PartialEq)]
pub enum Costs {
    /// Cost of account i in territory j, zero or more or [`FORBIDDEN`], at `i * territories + j`.
    Table(Vec<i64>),
    /// By distance.
    Travel(Travel),
}

/// The problem. Accounts and territories are indices in the order of their identifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Number of territories.
    pub territories: usize,
    /// Costs without moves.
    pub costs: Costs,
    /// What a pair costs beyond that, or that it is not allowed.
    pub fit: Option<Fit>,
    /// Territory of today.
    pub current: Vec<Option<usize>>,
    /// Cost of an account that leaves its territory of today: one for all accounts, or one for each.
    pub move_costs: Vec<i64>,
    /// Accounts that may go to one territory only.
    pub locked: Vec<Option<usize>>,
    /// What is balanced; a limit on the number of accounts is a measure of ones.
    pub measures: Vec<Measure>,
    /// How much may leave the territories of today.
    pub move_limits: Vec<MoveLimit>,
    /// Accounts of one number go to one territory, when groups go whole.
    pub groups: Option<Vec<usize>>,
    /// What a territory must hang together by.
    pub contiguity: Option<Contiguity>,
}

/// What a pair costs beyond the way: accounts of a kind are alike in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Kind of each account.
    pub kinds: Vec<usize>,
    /// Cost of a kind in a territory, zero or more or [`FORBIDDEN`], at `kind * territories + territory`.
    pub costs: Vec<i64>,
}

/// A limit on what leaves the territories of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveLimit {
    /// Name.
    pub name: String,
    /// What each account counts when it leaves its territory of today; or what account i counts in territory j, where it is a group
    /// that stands with several today. Zero or more.
    pub loads: Loads,
    /// The most that may leave.
    pub most: i64,
}

impl MoveLimit {
    /// What all accounts count that leave; of pairs the mean over territories.
    #[must_use]
    pub fn total(&self, accounts: usize) -> i128 {
        let (Loads::Account(loads) | Loads::Pair(loads)) = &self.loads;
        let each = i128::try_from(loads.len().checked_div(accounts).unwrap_or(1)).unwrap_or(1).max(1);
        loads.iter().map(|load| i128::from(*load)).sum::<i128>() / each
    }
}

/// Areas, and which of them touch. A territory hangs together when the areas of its accounts do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contiguity {
    /// Area of each account.
    pub areas: Vec<usize>,
    /// Areas that touch each area.
    pub neighbours: Vec<Vec<usize>>,
}

impl Problem {
    /// Number of accounts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.current.len()
    }

    /// Cost of an account in a territory, the move included; [`FORBIDDEN`] when it may not go there.
    #[must_use]
    pub fn cost(&self, account: usize, territory: usize) -> i64 {
        if self.locked[account].is_some_and(|locked| locked != territory) {
            return FORBIDDEN;
        }
        let own = match &self.costs {
            Costs::Table(costs) => costs[account * self.territories + territory],
            Costs::Travel(travel) => travel.cost(account, territory).unwrap_or(FORBIDDEN),
        };
        let own = match &self.fit {
            Some(fit) => own.saturating_add(fit.costs[fit.kinds[account] * self.territories + territory]),
            None => own,
        };
        if self.moves(account, territory) { own.saturating_add(self.move_cost(account)) } else { own }
    }

    /// Cost of an account that leaves its territory of today.
    #[must_use]
    pub fn move_cost(&self, account: usize) -> i64 {
        self.move_costs.get(account).or(self.move_costs.first()).copied().unwrap_or(0)
    }

    /// Costs of an account in all territories, nearly, without regard to locks and to moves; see [`Problem::error`].
    pub(super) fn nearly(&self, account: usize, costs: &mut [f64]) {
        costs.iter_mut().enumerate().for_each(|(territory, cost)| *cost = self.nearly_in(account, territory));
    }

    /// Cost of an account in a territory, nearly, without regard to locks and to moves.
    pub(super) fn nearly_in(&self, account: usize, territory: usize) -> f64 {
        let way = match &self.costs {
            Costs::Table(all) => nearly(all[account * self.territories + territory]),
            Costs::Travel(travel) => travel.nearly_in(account, territory),
        };
        self.fit_nearly(account, territory) + way
    }

    /// What an account costs in a territory by its kind, nearly.
    pub(super) fn fit_nearly(&self, account: usize, territory: usize) -> f64 {
        let of = |fit: &Fit| nearly(fit.costs[fit.kinds[account] * self.territories + territory]);
        self.fit.as_ref().map_or(0.0, of)
    }

    /// Adds what it costs to move to what an account costs in all territories, nearly.
    #[expect(clippy::cast_precision_loss, reason = "nearly")]
    pub(super) fn add_moves(&self, account: usize, costs: &mut [f64]) {
        if let Some(current) = self.current[account] {
            let (stays, move_cost) = (costs[current], self.move_cost(account) as f64);
            costs.iter_mut().for_each(|cost| *cost += move_cost);
            costs[current] = stays;
        }
    }

    /// How far a cost may be from what [`Problem::nearly`] says.
    pub(super) fn error(&self, account: usize, nearly: f64) -> f64 {
        match &self.costs {
            Costs::Table(_) => 1.0 + 1e-9 * nearly.abs(),
            Costs::Travel(travel) => travel.error(account, nearly),
        }
    }

    /// Load of an account in a territory.
    #[must_use]
    pub fn load(&self, measure: usize, account: usize, territory: usize) -> i64 {
        match &self.measures[measure].loads {
            Loads::Account(loads) => loads[account],
            Loads::Pair(loads) => loads[account * self.territories + territory],
        }
    }

    /// The most that an account loads anywhere.
    pub(super) fn most(&self, loads: &Loads, account: usize) -> i64 {
        match loads {
            Loads::Account(loads) => loads[account],
            Loads::Pair(loads) => {
                let own = &loads[account * self.territories..][..self.territories];
                own.iter().copied().max().unwrap_or(0)
            }
        }
    }

    /// True when the account would leave its territory of today.
    #[must_use]
    pub fn moves(&self, account: usize, territory: usize) -> bool {
        self.current[account].is_some_and(|current| current != territory)
    }

    /// What an account counts in a limit on moves when it is in a territory.
    #[must_use]
    #[inline]
    pub fn counted(&self, limit: usize, account: usize, territory: usize) -> i64 {
        match &self.move_limits[limit].loads {
            Loads::Account(loads) if self.moves(account, territory) => loads[account],
            Loads::Account(_) => 0,
            Loads::Pair(loads) => loads[account * self.territories + territory],
        }
    }

    /// Least and greatest load of an account in a measure, over the territories where it may go.
    fn extremes(&self, measure: usize, account: usize) -> (i128, i128) {
        if let Loads::Account(loads) = &self.measures[measure].loads {
            return (loads[account].into(), loads[account].into());
        }
        let loads = (0..self.territories)
            .filter(|territory| self.cost(account, *territory) != FORBIDDEN)
            .map(|territory| i128::from(self.load(measure, account, territory)));
        loads.fold((i128::MAX, 0), |(least, most), load| (least.min(load), most.max(load)))
    }

    /// Limits that cannot hold together whatever the assignment.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let may_go = |account: usize| {
            (0..self.territories).any(|territory| self.cost(account, territory) != FORBIDDEN)
        };
        let nowhere: Vec<usize> = (0..self.accounts()).filter(|account| !may_go(*account)).collect();
        if !nowhere.is_empty() {
            return vec![Conflict::Nowhere { accounts: nowhere }];
        }
        let mut found = Vec::new();
        // The territory of accounts that have no other.
        let only = |account: usize| {
            let mut open =
                (0..self.territories).filter(|territory| self.cost(account, *territory) != FORBIDDEN);
            let first = open.next();
            first.filter(|_| open.next().is_none())
        };
        let only: Vec<Option<usize>> = (0..self.accounts()).into_par_iter().map(only).collect();
        for (index, measure) in self.measures.iter().enumerate() {
            let extremes: Vec<(i128, i128)> =
                (0..self.accounts()).into_par_iter().map(|account| self.extremes(index, account)).collect();
            for (territory, band) in measure.bands.iter().enumerate() {
                if band.low > band.high {
                    found.push(Conflict::Empty { measure: index, territory, band: *band });
                }
            }
            // What is a wish stands in nobody's way.
            if measure.penalty.is_some() {
                continue;
            }
            let roomiest = measure.bands.iter().map(|band| band.high).max().unwrap_or(0);
            let too_large = extremes.iter().enumerate().filter(|(_, (least, _))| *least > roomiest);
            found.extend(too_large.map(|(account, (load, _))| Conflict::TooLarge {
                measure: index,
                account,
                load: *load,
                most: roomiest,
            }));
            let least: i128 = extremes.iter().map(|(least, _)| least).sum();
            let most: i128 = extremes.iter().map(|(_, most)| most).sum();
            let low: i128 = measure.bands.iter().map(|band| band.low).sum();
            let high: i128 = measure.bands.iter().map(|band| band.high).sum();
            if most < low || least > high {
                let total = if most < low { most } else { least };
                found.push(Conflict::Total { measure: index, total, low, high });
            }
            let carry = extremes.iter().filter(|(_, most)| *most > 0).count();
            let hungry = measure.bands.iter().filter(|band| band.low > 0).count();
            if carry < hungry {
                found.push(Conflict::TooFew { measure: index, accounts: carry, territories: hungry });
            }
            let limit = self.move_limits.iter().find(|limit| limit.name == measure.name);
            let of_accounts = |limit: &'_ MoveLimit| match (&measure.loads, &limit.loads) {
                (Loads::Account(_), Loads::Account(loads)) => Some((limit.most, loads.clone())),
                _ => None,
            };
            if let Some((most, loads)) = limit.and_then(of_accounts) {
                let mut stands = vec![0i128; self.territories];
                for (account, territory) in self.current.iter().enumerate() {
                    if let Some(territory) = territory {
                        stands[*territory] += i128::from(loads[account]);
                    }
                }
                let above = measure.bands.iter().zip(stands).map(|(band, load)| (load - band.high).max(0));
                let load: i128 = above.sum();
                if load > i128::from(most) {
                    found.push(Conflict::Stuck { measure: index, load, most: most.into() });
                }
            }
            if let Some(conflict) = self.too_many_moves(index) {
                found.push(conflict);
            }
            let mut bound = vec![0i128; self.territories];
            for (account, territory) in only.iter().enumerate() {
                if let Some(territory) = territory {
                    bound[*territory] += i128::from(self.load(index, account, *territory));
                }
            }
            for (territory, (band, load)) in measure.bands.iter().zip(bound).enumerate() {
                if load > band.high {
                    let locked = |own: &Option<usize>| *own == Some(territory);
                    let all = self.locked.iter().zip(&only).all(|(held, own)| !locked(own) || locked(held));
                    let high = band.high;
                    found.push(Conflict::Bound { measure: index, territory, load, high, locked: all });
                }
            }
        }
        found.extend(self.cut_off());
        found
    }

    /// Whether bringing all territories down to their greatest loads takes more moves than may be: of each the largest accounts leave.
    fn too_many_moves(&self, index: usize) -> Option<Conflict> {
        let measure = &self.measures[index];
        let ones = |limit: &&MoveLimit| matches!(&limit.loads, Loads::Account(all) if all.iter().all(|own| *own == 1));
        let limit = self.move_limits.iter().find(ones)?;
        let Loads::Account(loads) = &measure.loads else { return None };
        let mut stand: Vec<Vec<i64>> = vec![Vec::new(); self.territories];
        for (load, territory) in loads.iter().zip(&self.current) {
            if let Some(territory) = territory {
                stand[*territory].push(*load);
            }
        }
        let leaving = |(mut own, band): (Vec<i64>, &Band)| {
            own.sort_unstable();
            let mut load: i128 = own.iter().map(|load| i128::from(*load)).sum();
            let mut count = 0;
            while load > band.high {
                load -= i128::from(own.pop().unwrap_or_default());
                count += 1;
                if own.is_empty() {
                    break;
                }
            }
            count
        };
        let least: usize = stand.into_iter().zip(&measure.bands).map(leaving).sum();
        let most = i128::from(limit.most);
        (least as i128 > most).then_some(Conflict::Moves { measure: index, least, most })
    }

    /// Accounts that hang together among themselves only, and whose loads fit no number of territories.
    fn cut_off(&self) -> Vec<Conflict> {
        let Some(contiguity) = &self.contiguity else { return Vec::new() };
        let groups = contiguity.groups();
        let count = groups.iter().max().map_or(0, |most| most + 1);
        let mut found = Vec::new();
        for group in 0..count {
            let accounts: Vec<usize> =
                (0..self.accounts()).filter(|account| groups[contiguity.areas[*account]] == group).collect();
            for (index, measure) in self.measures.iter().enumerate().filter(|(_, own)| own.penalty.is_none())
            {
                let Loads::Account(loads) = &measure.loads else { continue };
                let load: i128 = accounts.iter().map(|account| i128::from(loads[*account])).sum();
                let low = measure.bands.iter().map(|band| band.low).min().unwrap_or(0).max(1);
                let high = measure.bands.iter().map(|band| band.high).max().unwrap_or(0).max(1);
                // As many territories as it has load for at most must be able to carry it.
                if (load / low).min(i128::try_from(self.territories).unwrap_or(i128::MAX)) * high < load {
                    found.push(Conflict::CutOff {
                        measure: index,
                        accounts: accounts.clone(),
                        load,
                        low,
                        high,
                    });
                }
            }
        }
        found
    }
}

/// A cost that may be forbidden.
#[expect(clippy::cast_precision_loss, reason = "nearly")]
fn nearly(cost: i64) -> f64 {
    if cost == FORBIDDEN { f64::INFINITY } else { cost as f64 }
}

impl Contiguity {
    /// For each area the number of its group: areas that hang together.
    #[must_use]
    pub fn groups(&self) -> Vec<usize> {
        let mut groups = vec![usize::MAX; self.neighbours.len()];
        let mut count = 0;
        for start in 0..groups.len() {
            if groups[start] != usize::MAX {
                continue;
            }
            groups[start] = count;
            let mut queue = vec![start];
            while let Some(area) = queue.pop() {
                for next in &self.neighbours[area] {
                    if groups[*next] == usize::MAX {
                        groups[*next] = count;
                        queue.push(*next);
                    }
                }
            }
            count += 1;
        }
        groups
    }
}

/// Why no assignment can hold all limits; places in the lists of the problem, loads in the measure's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Accounts that may go to no territory.
    Nowhere {
        /// Which.
        accounts: Vec<usize>,
    },
    /// An account that no territory has room for.
    TooLarge {
        /// Measure.
        measure: usize,
        /// Which.
        account: usize,
        /// Its load.
        load: i128,
        /// The most that a territory may carry.
        most: i128,
    },
    /// All accounts together are less, or more, than all territories must carry.
    Total {
        /// Measure.
        measure: usize,
        /// Load of all accounts.
        total: i128,
        /// Least of all territories.
        low: i128,
        /// Most of all territories.
        high: i128,
    },
    /// There are fewer accounts than territories that must carry something.
    TooFew {
        /// Measure.
        measure: usize,
        /// Accounts that carry something.
        accounts: usize,
        /// Territories whose least load is more than nothing.
        territories: usize,
    },
    /// Accounts that may go to one territory only are more than it may carry.
    Bound {
        /// Measure.
        measure: usize,
        /// Which.
        territory: usize,
        /// Their load.
        load: i128,
        /// The most that it may carry.
        high: i128,
        /// All of them are locked there.
        locked: bool,
    },
    /// More accounts have to move than may.
    Moves {
        /// Measure.
        measure: usize,
        /// How many have to at least, to bring every territory down to its greatest load.
        least: usize,
        /// How many may.
        most: i128,
    },
    /// More stands above the bands than may move.
    Stuck {
        /// Measure.
        measure: usize,
        /// What must leave territories that are above their bands.
        load: i128,
        /// What may move.
        most: i128,
    },
    /// Accounts that hang together with no others, and are too many for some territories and too few for one more.
    CutOff {
        /// Measure.
        measure: usize,
        /// Which.
        accounts: Vec<usize>,
        /// Their load.
        load: i128,
        /// The least that a territory must carry.
        low: i128,
        /// The most that one may.
        high: i128,
    },
    /// The least that a territory must carry is more than the most.
    Empty {
        /// Measure.
        measure: usize,
        /// Which.
        territory: usize,
        /// From and to.
        band: Band,
    },
}
