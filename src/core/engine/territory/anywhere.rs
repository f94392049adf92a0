//! A lower bound for any centres at accounts, not only those found: every account pays what it is worth to be served, every account
//! may be a centre, and the cheapest of them are opened (the Lagrangian of Hess's model, Hess and others 1965; Mulvey, Beck 1984).

use rayon::prelude::*;

use super::problem::{Costs, FORBIDDEN, Loads, Problem};
use super::travel::{Centres, Travel};

/// Problems up to this many accounts are bounded so: the work grows with their square.
const MOST: usize = 1000;
/// Steps of the multipliers.
const STEPS: usize = 400;
/// Steps without a gain after which they become shorter.
const PATIENCE: usize = 12;

/// The certificate: what each account pays, in cost units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyCentres {
    /// By account.
    pub worth: Vec<i64>,
    /// No answer within the limits costs less, wherever at accounts its centres are.
    pub bound: i128,
}

impl AnyCentres {
    /// Of a problem whose centres are at accounts and whose territories are alike; `None` for others, and for large ones. `cost` is
    /// that of an answer.
    #[must_use]
    pub fn of(problem: &Problem, cost: i128) -> Option<Self> {
        let pairs = pairs(problem)?;
        let count = problem.accounts();
        // At first what each account costs from the nearest few others.
        let first = |account: usize| {
            let mut own: Vec<i64> = pairs[account * count..(account + 1) * count].to_vec();
            own.sort_unstable();
            own[(count / problem.territories.max(1) / 2).min(count - 1)]
        };
        let mut worth: Vec<i64> = (0..count).map(first).collect();
        let mut best = Self { bound: opened(problem, &pairs, &worth)?.value.max(0), worth: worth.clone() };
        let (mut pace, mut since) = (1.0, 0);
        for _ in 0..STEPS {
            let Opened { value, served } = opened(problem, &pairs, &worth)?;
            if value > best.bound {
                best = Self { bound: value, worth: worth.clone() };
                since = 0;
            } else {
                since += 1;
                if since == PATIENCE {
                    (pace, since) = (pace / 2.0, 0);
                    worth.clone_from(&best.worth);
                    continue;
                }
            }
            step(&mut worth, &served, pace, cost - value);
        }
        Some(best)
    }

    /// The bound that the worths prove, calculated again: each account as a centre serves what pays more than it costs, as far as one
    /// load after the other allows; the cheapest centres are opened.
    #[must_use]
    pub fn proves(&self, problem: &Problem) -> Option<i128> {
        let count = problem.accounts();
        let pairs = pairs(problem)?;
        let mut values: Vec<i128> = Vec::with_capacity(count);
        for centre in 0..count {
            let gain = |account: usize| {
                i128::from(pairs[account * count + centre]) - i128::from(self.worth[account])
            };
            let gains: Vec<(usize, i128)> =
                (0..count).map(|account| (account, gain(account))).filter(|(_, gain)| *gain < 0).collect();
            let mut value: i128 = gains.iter().map(|(_, gain)| gain).sum();
            for (measure, own) in problem.measures.iter().enumerate().filter(|(_, own)| own.penalty.is_none())
            {
                let load = |account: usize| i128::from(problem.load(measure, account, 0));
                let mut order = gains.clone();
                order.sort_by(|a, b| (a.1 * load(b.0)).cmp(&(b.1 * load(a.0))).then(a.0.cmp(&b.0)));
                let (mut room, mut sum) = (own.bands[0].high, 0i128);
                for (account, gain) in order {
                    if load(account) <= room {
                        room -= load(account);
                        sum += gain;
                    } else {
                        sum += (gain * room.max(0)).div_euclid(load(account).max(1));
                        break;
                    }
                }
                value = value.max(sum);
            }
            values.push(value);
        }
        values.sort_unstable();
        let worth: i128 = self.worth.iter().map(|worth| i128::from(*worth)).sum();
        Some((worth + values.iter().take(problem.territories).sum::<i128>()).max(0))
    }
}

/// What every account costs from every other as a centre, at `account * accounts + centre`.
fn pairs(problem: &Problem) -> Option<Vec<i64>> {
    let Costs::Travel(travel) = &problem.costs else { return None };
    let alike = problem.measures.iter().all(|measure| {
        matches!(measure.loads, Loads::Account(_))
            && measure.bands.iter().all(|band| *band == measure.bands[0])
    });
    let alone = problem.fit.is_none()
        && problem.groups.is_none()
        && problem.current.iter().all(Option::is_none)
        && travel.accounts.iter().all(Option::is_some);
    let few = problem.accounts() <= MOST && problem.territories <= problem.accounts();
    if travel.centres != Centres::Account || !alike || !alone || !few || problem.territories == 0 {
        return None;
    }
    let everywhere = Travel { homes: travel.accounts.clone(), ..travel.clone() };
    let count = problem.accounts();
    let row = |account: usize| {
        (0..count).map(|centre| everywhere.cost(account, centre).unwrap_or(FORBIDDEN)).collect::<Vec<i64>>()
    };
    let rows: Vec<Vec<i64>> = (0..count).into_par_iter().map(row).collect();
    let all: Vec<i64> = rows.into_iter().flatten().collect();
    (!all.contains(&FORBIDDEN)).then_some(all)
}

/// What the multipliers are worth, and how often each account is served.
struct Opened {
    value: i128,
    served: Vec<f64>,
}

/// What a centre gains, and the accounts that it serves, the last one in part.
struct Centre {
    value: i128,
    centre: usize,
    served: Vec<(usize, f64)>,
}

/// Opens the centres that gain the most; `None` when a sum leaves 128 bits.
#[expect(clippy::cast_precision_loss, reason = "shares steer the multipliers, values are whole")]
fn opened(problem: &Problem, pairs: &[i64], worth: &[i64]) -> Option<Opened> {
    let count = problem.accounts();
    let limits: Vec<(&[i64], i128)> = problem
        .measures
        .iter()
        .filter(|measure| measure.penalty.is_none())
        .filter_map(|measure| match &measure.loads {
            Loads::Account(loads) => Some((loads.as_slice(), measure.bands[0].high)),
            Loads::Pair(_) => None,
        })
        .collect();
    let gained = |centre: usize| {
        let gain = |account: usize| i128::from(pairs[account * count + centre]) - i128::from(worth[account]);
        let gains: Vec<(usize, i128)> =
            (0..count).map(|account| (account, gain(account))).filter(|(_, gain)| *gain < 0).collect();
        let everything = Centre {
            value: gains.iter().map(|(_, gain)| gain).sum(),
            centre,
            served: gains.iter().map(|(account, _)| (*account, 1.0)).collect(),
        };
        // Each limit by itself is a knapsack whose last account may be cut; the tightest of them counts.
        let knapsack = |(loads, most): &(&[i64], i128)| {
            // By gain for each unit of load, compared without rounding; what has no load comes first.
            let load = |account: usize| i128::from(loads[account]);
            let mut order: Vec<(usize, i128)> = gains.clone();
            order.sort_by(|a, b| (a.1 * load(b.0)).cmp(&(b.1 * load(a.0))).then(a.0.cmp(&b.0)));
            let (mut room, mut value, mut served) = (*most, 0i128, Vec::new());
            for (account, gain) in order {
                let load = load(account);
                if load <= room {
                    room -= load;
                    value += gain;
                    served.push((account, 1.0));
                } else {
                    value += (gain * room.max(0)).div_euclid(load);
                    served.push((account, room.max(0) as f64 / load as f64));
                    break;
                }
            }
            Centre { value, centre, served }
        };
        let all = limits.iter().map(knapsack).chain([everything]);
        all.max_by_key(|own| own.value).unwrap_or(Centre { value: 0, centre, served: Vec::new() })
    };
    let mut all: Vec<Centre> = (0..count).into_par_iter().map(gained).collect();
    all.sort_by_key(|own| (own.value, own.centre));
    let mut served = vec![0.0; count];
    let mut value: i128 = worth.iter().map(|worth| i128::from(*worth)).sum();
    for own in all.into_iter().take(problem.territories) {
        value = value.checked_add(own.value)?;
        own.served.iter().for_each(|(account, share)| served[*account] += share);
    }
    Some(Opened { value, served })
}

/// Accounts that nobody serves pay more, those that several serve pay less (Polyak 1969).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "any multipliers prove a bound"
)]
fn step(worth: &mut [i64], served: &[f64], pace: f64, missing: i128) {
    let slope: f64 = served.iter().map(|share| (1.0 - share) * (1.0 - share)).sum();
    if slope <= 1e-12 {
        return;
    }
    let length = pace * (missing.max(1)) as f64 / slope;
    for (worth, share) in worth.iter_mut().zip(served) {
        *worth = worth.saturating_add((length * (1.0 - share)).round() as i64).max(0);
    }
}
