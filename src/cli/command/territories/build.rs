//! A plan and its rows become the problem that the engine solves.

use spm_core::engine::territory::{
    Band, Centres, Contiguity, Costs, FORBIDDEN, Loads, Measure, Point, Problem, Travel,
};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::source::Place;
use spm_core::plan::territories::{BalanceMeasure, TerritoryPlan};
use spm_frame::planning::{MeasureRows, TerritoryRows};

/// Costs are whole thousandths of a (square) kilometre, or of the unit of the table costs.
pub const COST_DECIMALS: u32 = 3;

/// The problem of a plan. With `centres`, travel is from the territory's own centre, to be found.
pub fn problem(plan: &TerritoryPlan, rows: &TerritoryRows, centres: bool) -> Result<Problem, Diagnostic> {
    let territories = rows.territories.len();
    let fault =
        |code, message: String| Diagnostic::error(code, message).at(Place::Text(plan.place.clone()), "");
    if territories == 0 || rows.accounts.is_empty() {
        return Err(fault(
            Code::SPM404,
            format!("{} accounts and {territories} territories: nothing to divide", rows.accounts.len()),
        ));
    }
    if centres && rows.account_points.iter().all(Option::is_none) {
        let fault = fault(Code::SPM404, "no account has coordinates, so no centre can be found".to_owned());
        return Err(fault.hint("map latitude and longitude under [sources.accounts.columns]"));
    }
    let index = |id: &String| rows.territories.binary_search(id).ok();
    let current: Vec<Option<usize>> = rows.current.iter().map(|id| id.as_ref().and_then(index)).collect();
    let too_large = || fault(Code::SPM402, "a cost leaves 64 bits; lower travel, visits or move".to_owned());
    let move_cost = scaled(&plan.move_cost).ok_or_else(too_large)?;
    let travel = travel(plan, rows, centres).ok_or_else(too_large)?;
    let locked: Vec<Option<usize>> =
        rows.locked.iter().zip(&current).map(|(locked, current)| current.filter(|_| *locked)).collect();
    let mut problem = Problem {
        territories,
        costs: Costs::Travel(travel),
        current,
        move_cost,
        locked,
        measures: plan
            .measures
            .iter()
            .zip(&rows.loads)
            .map(|(measure, own)| Measure {
                name: measure.name.clone(),
                bands: bands(measure, own, rows),
                loads: if own.by_pair {
                    Loads::Pair(own.loads.clone())
                } else {
                    Loads::Account(own.loads.clone())
                },
            })
            .collect(),
        max_moves: plan.max_moves,
        contiguity: rows
            .areas
            .as_ref()
            .map(|areas| Contiguity { areas: areas.of.clone(), neighbours: areas.neighbours.clone() }),
    };
    if let Some((costs, decimals)) = &rows.costs {
        problem.costs = Costs::Table(table(plan, &problem, costs, *decimals).ok_or_else(too_large)?);
    }
    if let Some(limit) = plan.max_accounts {
        let band = Band { low: 0, high: i128::try_from(limit).unwrap_or(i128::MAX) };
        problem.measures.push(Measure {
            name: "max_accounts".to_owned(),
            loads: Loads::Account(vec![1; rows.accounts.len()]),
            bands: vec![band; territories],
        });
    }
    Ok(problem)
}

fn scaled(value: &Rational) -> Option<i64> {
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
    let place = |(latitude, longitude): (f64, f64)| Point::of(latitude, longitude);
    let places = |points: &[Option<(f64, f64)>]| points.iter().map(|point| point.map(place)).collect();
    Some(Travel {
        accounts: places(&rows.account_points),
        homes: places(&rows.homes),
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

/// Costs of all pairs: those given, with travel when the plan asks for it.
fn table(plan: &TerritoryPlan, problem: &Problem, costs: &[Option<i64>], decimals: u32) -> Option<Vec<i64>> {
    let still = Problem { move_cost: 0, locked: vec![None; problem.accounts()], ..problem.clone() };
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

/// Target x (1 - tolerance) to target x (1 + tolerance), and the limits that are given, to whole units inside.
fn bands(measure: &BalanceMeasure, own: &MeasureRows, rows: &TerritoryRows) -> Vec<Band> {
    let total = Rational::from(own.loads.iter().map(|load| i128::from(*load)).sum::<i128>());
    let count = Rational::from(i128::try_from(rows.territories.len()).unwrap_or(1));
    let capacity: Rational = rows.capacities.iter().sum();
    let unit = Rational::from(10i128.pow(own.decimals));
    let down = |value: &Rational| round_to_decimals(value, 0, Rounding::TowardZero).unwrap_or(i128::MAX);
    let up = |value: &Rational| {
        let cut = down(value);
        if Rational::from(cut) < *value { cut + 1 } else { cut }
    };
    let band = |(territory, capacity_here): (usize, &Rational)| {
        let share = if measure.by_capacity {
            capacity_here.checked_div(&capacity)
        } else {
            Rational::one().checked_div(&count)
        };
        let target = &total * &share.unwrap_or_default();
        let mut band = Band { low: 0, high: i128::MAX };
        if let Some(tolerance) = &measure.tolerance {
            let width = &target * tolerance;
            band =
                Band { low: up(&(&target - &width).max(Rational::zero())), high: down(&(&target + &width)) };
        }
        if let Some(least) = &own.least {
            band.low = band.low.max(up(&(&least[territory] * &unit)));
        }
        if let Some(most) = &own.most {
            band.high = band.high.min(down(&(&most[territory] * &unit)));
        }
        // Without a greatest load, no territory can carry more than everything.
        band.high = band.high.min(own.loads.iter().map(|load| i128::from(*load)).sum());
        band
    };
    rows.capacities.iter().enumerate().map(band).collect()
}
