//! A plan and its rows become the problem that the engine solves.

use spm_core::engine::territory::{
    self, Band, Centres, Contiguity, Costs, FORBIDDEN, Fit, Loads, Measure, MoveLimit, Penalty, Point,
    Problem, Travel,
};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::source::Place;
use spm_core::plan::territories::{BalanceMeasure, Target, TerritoryPlan};
use spm_frame::planning::{MeasureRows, TerritoryRows};

/// Costs are whole thousandths of a (square) kilometre, or of the unit of the table costs.
pub const COST_DECIMALS: u32 = 3;

/// The problem of a plan. With `centres`, travel is from the territory's own centre, to be found.
pub fn problem(plan: &TerritoryPlan, rows: &TerritoryRows, centres: bool) -> Result<Problem, Diagnostic> {
    let territories = rows.territories.len();
    let fault =
        |code, message: String| Diagnostic::error(code, message).at(Place::Text(plan.place.clone()), "");
    if territories == 0 || rows.accounts.is_empty() {
        let fault = fault(
            Code::SPM404,
            format!("{} accounts and {territories} territories: nothing to divide", rows.accounts.len()),
        );
        return Err(
            fault.hint("look at `eligible` and `accounts` of the plan: who takes part, and what is divided")
        );
    }
    if centres && rows.account_points.iter().all(Option::is_none) {
        let fault = fault(Code::SPM404, "no account has coordinates, so no centre can be found".to_owned());
        return Err(fault.hint("map latitude and longitude under [sources.accounts.columns]"));
    }
    let index = |id: &String| rows.territories.binary_search(id).ok();
    let current: Vec<Option<usize>> = rows.current.iter().map(|id| id.as_ref().and_then(index)).collect();
    let too_large = || fault(Code::SPM402, "a cost leaves 64 bits; lower travel, visits or move".to_owned());
    let (move_costs, decimals) = &rows.move_costs;
    // One number serves all accounts where the plan names no column.
    let different = if plan.move_cost.columns().is_empty() { 1 } else { move_costs.len() };
    let price = |units: &i64| scaled(&Rational::from_scaled((*units).into(), *decimals));
    let move_costs: Vec<i64> =
        move_costs.iter().take(different).map(price).collect::<Option<_>>().ok_or_else(too_large)?;
    let travel = travel(plan, rows, centres).ok_or_else(too_large)?;
    let locked: Vec<Option<usize>> =
        rows.locked.iter().zip(&current).map(|(locked, current)| current.filter(|_| *locked)).collect();
    let astray: Vec<usize> =
        (0..locked.len()).filter(|account| rows.locked[*account] && locked[*account].is_none()).collect();
    if let Some(first) = astray.first() {
        let stands = match &rows.current[*first] {
            Some(holder) => format!("with {holder}, who takes no part"),
            None => "with nobody".to_owned(),
        };
        let message = format!(
            "{} account(s) are locked where they cannot stay, such as {}, which stands {stands}",
            astray.len(),
            rows.accounts[*first]
        );
        let fault = Diagnostic::error(Code::SPM109, message).at(Place::Text(plan.place.clone()), "");
        return Err(fault.hint("let the holder take part, or leave these accounts out of `locked`"));
    }
    let lost: Vec<&String> = rows
        .territories
        .iter()
        .zip(&rows.homes)
        .filter(|(_, home)| home.is_none())
        .map(|(id, _)| id)
        .collect();
    let free = plan.travel.as_ref().is_some_and(Rational::is_zero);
    if plan.cost.is_none()
        && !free
        && !centres
        && !plan.from_centre
        && !lost.is_empty()
        && lost.len() < territories
    {
        let message = format!(
            "{} of {territories} {} have no coordinates, such as {}: travel from there would count as nothing, so that accounts far away would go there",
            lost.len(),
            plan.holders,
            lost[0]
        );
        let fault = Diagnostic::error(Code::SPM107, message).at(Place::Text(plan.place.clone()), "");
        return Err(
            fault.hint("map latitude and longitude of all of them, or leave these out with `eligible`")
        );
    }
    let own_centres = plan.from_centre && !centres;
    let mut problem = Problem {
        territories,
        costs: Costs::Travel(travel),
        current,
        fit: fit(rows, territories).ok_or_else(too_large)?,
        move_costs,
        locked,
        measures: plan
            .measures
            .iter()
            .zip(&rows.loads)
            .map(|(measure, own)| {
                Some(Measure {
                    name: measure.name.clone(),
                    bands: bands(measure, own, rows),
                    penalty: match &measure.price {
                        Some(price) => Some(penalty(price, own.decimals)?),
                        None => None,
                    },
                    loads: if own.by_pair {
                        Loads::Pair(own.loads.clone())
                    } else {
                        Loads::Account(own.loads.clone())
                    },
                })
            })
            .collect::<Option<_>>()
            .ok_or_else(too_large)?,
        move_limits: move_limits(plan, rows),
        groups: rows.groups.clone(),
        contiguity: rows
            .areas
            .as_ref()
            .map(|areas| Contiguity { areas: areas.of.clone(), neighbours: areas.neighbours.clone() }),
    };
    if let Some((costs, decimals)) = &rows.costs {
        problem.costs = Costs::Table(table(plan, &problem, costs, *decimals).ok_or_else(too_large)?);
    }
    if own_centres {
        let current = problem.current.clone();
        territory::find_centres(&mut problem, &current);
    }
    if let Some(limit) = plan.max_accounts {
        let band = Band { low: 0, high: i128::try_from(limit).unwrap_or(i128::MAX) };
        problem.measures.push(Measure {
            name: "max_accounts".to_owned(),
            loads: Loads::Account(vec![1; rows.accounts.len()]),
            bands: vec![band; territories],
            penalty: None,
        });
    }
    Ok(problem)
}

/// What a unit of load of so many decimals costs beyond its band, in thousandths.
fn penalty(price: &Rational, decimals: u32) -> Option<Penalty> {
    let unit = Rational::new(10i128.pow(COST_DECIMALS), 10i128.pow(decimals))?;
    let (numerator, denominator) = (price * &unit).to_i64_pair()?;
    Some(Penalty { numerator, denominator })
}

/// Degrees as points.
fn points(places: &[Option<(f64, f64)>]) -> Vec<Option<Point>> {
    places.iter().map(|place| place.map(|(latitude, longitude)| Point::of(latitude, longitude))).collect()
}

/// Puts the places where ways start.
pub fn place(problem: &mut Problem, homes: &[Option<(f64, f64)>]) {
    if let Costs::Travel(travel) = &mut problem.costs {
        travel.homes = points(homes);
    }
}

/// A number in thousandths.
pub fn scaled(value: &Rational) -> Option<i64> {
    round_to_decimals(value, COST_DECIMALS, Rounding::default()).and_then(|value| i64::try_from(value).ok())
}

fn travel(plan: &TerritoryPlan, rows: &TerritoryRows, create: bool) -> Option<Travel> {
    let (rate, denominator) = plan.travel.clone().unwrap_or_else(Rational::one).to_i64_pair()?;
    let (rates, denominator) = match &rows.visits {
        None => (vec![rate], denominator),
        Some((visits, decimals)) => {
            let rates: Option<Vec<i64>> = visits.iter().map(|visits| visits.checked_mul(rate)).collect();
            (rates?, denominator.checked_mul(10i64.checked_pow(*decimals)?)?)
        }
    };
    Some(Travel {
        accounts: points(&rows.account_points),
        homes: points(&rows.homes),
        centres: match (create, plan.centre_at_account) {
            (false, _) => Centres::Given,
            (true, false) => Centres::Anywhere,
            (true, true) => Centres::Account,
        },
        squared: plan.squared,
        rates,
        denominator,
    })
}

/// Which pairs are allowed, and what they cost more. The inner `None`: the plan does not say; the outer: beyond 64 bits.
#[expect(clippy::option_option, reason = "said above")]
fn fit(rows: &TerritoryRows, territories: usize) -> Option<Option<Fit>> {
    let Some(pairs) = &rows.fit else { return Some(None) };
    let count = pairs.kinds.iter().max().map_or(0, |most| most + 1) * territories;
    let cost = |place: usize| {
        if pairs.allowed.as_ref().is_some_and(|allowed| !allowed[place]) {
            return Some(FORBIDDEN);
        }
        match &pairs.misfit {
            Some((costs, decimals)) => scaled(&Rational::from_scaled(costs[place].into(), *decimals)),
            None => Some(0),
        }
    };
    let costs: Option<Vec<i64>> = (0..count).map(cost).collect();
    Some(Some(Fit { kinds: pairs.kinds.clone(), costs: costs? }))
}

/// How much may change hands: accounts, and shares of measures, to whole units below.
fn move_limits(plan: &TerritoryPlan, rows: &TerritoryRows) -> Vec<MoveLimit> {
    let mut limits = Vec::new();
    if let Some(most) = plan.max_moves {
        limits.push(MoveLimit {
            name: "max_moves".to_owned(),
            loads: Loads::Account(vec![1; rows.accounts.len()]),
            most: i64::try_from(most).unwrap_or(i64::MAX),
        });
    }
    for (measure, share) in &plan.max_moved {
        let loads = rows.loads[*measure].loads.clone();
        let total = Rational::from(loads.iter().map(|load| i128::from(*load)).sum::<i128>());
        let most = round_to_decimals(&(&total * share), 0, Rounding::TowardZero);
        limits.push(MoveLimit {
            name: plan.measures[*measure].name.clone(),
            loads: Loads::Account(loads),
            most: most.and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX),
        });
    }
    limits
}

/// Costs of all pairs: those given, with travel when the plan asks for it.
fn table(plan: &TerritoryPlan, problem: &Problem, costs: &[Option<i64>], decimals: u32) -> Option<Vec<i64>> {
    let still =
        Problem { move_costs: vec![0], fit: None, locked: vec![None; problem.accounts()], ..problem.clone() };
    let pair = |(at, cost): (usize, &Option<i64>)| {
        let Some(cost) = cost else { return Some(FORBIDDEN) };
        let given = scaled(&Rational::from_scaled((*cost).into(), decimals))?;
        if plan.travel.is_none() {
            return Some(given);
        }
        let travel = still.cost(at / problem.territories, at % problem.territories);
        if travel == FORBIDDEN { None } else { given.checked_add(travel) }
    };
    costs.iter().enumerate().map(pair).collect()
}

/// What each holder should carry of a measure, in its smallest units.
pub fn targets(measure: &BalanceMeasure, own: &MeasureRows, rows: &TerritoryRows) -> Vec<Rational> {
    let total = Rational::from(own.loads.iter().map(|load| i128::from(*load)).sum::<i128>());
    let unit = Rational::from(10i128.pow(own.decimals));
    let share = |part: &Rational, all: &Rational| &total * &part.checked_div(all).unwrap_or_default();
    match (&measure.target, &own.target) {
        (Target::Capacity, _) => {
            let capacity: Rational = rows.capacities.iter().sum();
            rows.capacities.iter().map(|own| share(own, &capacity)).collect()
        }
        (Target::Given(_), Some(given)) => given.iter().map(|target| target * &unit).collect(),
        _ => {
            let count = Rational::from(i128::try_from(rows.territories.len()).unwrap_or(1));
            vec![share(&Rational::one(), &count); rows.territories.len()]
        }
    }
}

/// Target x (1 - tolerance) to target x (1 + tolerance), and the limits that are given, to whole units inside; to whole units outside
/// where the band is a wish.
fn bands(measure: &BalanceMeasure, own: &MeasureRows, rows: &TerritoryRows) -> Vec<Band> {
    let total: i128 = own.loads.iter().map(|load| i128::from(*load)).sum();
    let unit = Rational::from(10i128.pow(own.decimals));
    let down = |value: &Rational| round_to_decimals(value, 0, Rounding::TowardZero).unwrap_or(i128::MAX);
    let up = |value: &Rational| {
        let cut = down(value);
        if Rational::from(cut) < *value { cut + 1 } else { cut }
    };
    let band = |(territory, target): (usize, &Rational)| {
        let mut band = Band { low: 0, high: i128::MAX };
        if let Some(tolerance) = &measure.tolerance {
            let width = target * tolerance;
            let (low, high) = ((target - &width).max(Rational::zero()), target + &width);
            // What is a wish must leave room for a whole unit, so its ends are rounded outwards.
            band = match &measure.price {
                None => Band { low: up(&low), high: down(&high) },
                Some(_) => Band { low: down(&low), high: up(&high) },
            };
        }
        if let Some(least) = &own.least {
            band.low = band.low.max(up(&(&least[territory] * &unit)));
        }
        if let Some(most) = &own.most {
            band.high = band.high.min(down(&(&most[territory] * &unit)));
        }
        // Without a greatest load, no territory can carry more than everything.
        if band.high == i128::MAX {
            band.high = total;
        }
        band
    };
    targets(measure, own, rows).iter().enumerate().map(band).collect()
}
