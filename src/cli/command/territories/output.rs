//! Tables and texts about an assignment.

use rayon::prelude::*;
use spm_core::engine::territory::{
    self, AnyCentres, Apart, Borders, Costs, Evaluation, Outcome, Prices, Problem, Whole,
};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::plan::territories::TerritoryPlan;
use spm_frame::planning::TerritoryRows;
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::build::COST_DECIMALS;
use crate::cli::exit::{self, Failure};

fn out_of_range() -> Failure {
    Failure::fault(Diagnostic::error(Code::SPM402, "a load leaves 64 bits"), exit::INPUT)
}

/// The unit of costs.
pub fn unit(plan: &TerritoryPlan) -> &'static str {
    match (&plan.cost, plan.squared) {
        (Some(_), _) => "units of cost",
        (None, true) => "km²",
        (None, false) => "km",
    }
}

/// Metres from an account to a territory.
pub fn metres(problem: &Problem, account: usize, territory: usize) -> Option<i64> {
    let Costs::Travel(travel) = &problem.costs else { return None };
    Some(travel.accounts[account]?.metres_to(travel.homes[territory].as_ref()?))
}

/// Why an account is where it is.
pub struct Reason {
    /// What it costs there.
    pub cost: Option<i64>,
    /// What the limits add to that.
    pub price: Option<i64>,
    /// The territory where it would cost less, or else the cheapest other one with what the limits are worth.
    pub second: Option<usize>,
    /// What it costs there.
    pub second_cost: Option<i64>,
    /// What the limits add to that.
    pub second_price: Option<i64>,
    /// In words.
    pub why: &'static str,
}

/// Said of an account that even prices would send elsewhere.
const NO_ROOM: &str = "does not fit where it is cheaper";

/// Why each account is where it is. An account of a group that goes whole shares the second choice of its group.
pub fn reasons(problem: &Problem, outcome: &Outcome) -> Vec<Reason> {
    let Some(whole) = Whole::of(problem) else {
        let (least, cheapest) = (least(problem), outcome.prices.cheapest_two(problem));
        let own = |account: usize| {
            let here = outcome.assignment[account];
            reason(problem, outcome, (account, here), least[account], cheapest[account])
        };
        let mut all: Vec<Reason> = (0..problem.accounts()).into_par_iter().map(own).collect();
        if let Some(mut borders) = Borders::of(problem, &outcome.assignment) {
            for (account, own) in all.iter_mut().enumerate().filter(|(_, own)| own.why == NO_ROOM) {
                match own.second.and_then(|second| borders.apart(account, second)) {
                    Some(Apart::Beyond) => own.why = "does not touch where it is cheaper",
                    Some(Apart::Torn) => own.why = "holds its territory together",
                    None => {}
                }
            }
        }
        return all;
    };
    let cheapest = outcome.prices.cheapest_two(&whole.problem);
    let (least_of_groups, least) = (least(&whole.problem), least(problem));
    let mut all: Vec<Option<Reason>> = (0..problem.accounts()).map(|_| None).collect();
    for (group, members) in whole.members.iter().enumerate() {
        let here = outcome.assignment[members[0]];
        let of_group =
            reason(&whole.problem, outcome, (group, here), least_of_groups[group], cheapest[group]);
        for account in members {
            let own = reason(problem, outcome, (*account, here), least[*account], cheapest[group]);
            // A member that others outvote is there for the group's sake.
            let dear = own.cost.zip(own.second_cost).is_some_and(|(cost, other)| cost > other);
            let outvoted = members.len() > 1 && of_group.why == "cheapest" && dear;
            let why = if outvoted { "its group costs least here" } else { of_group.why };
            all[*account] = Some(Reason { why, ..own });
        }
    }
    all.into_iter().flatten().collect()
}

/// The territory where each account costs the least, whatever the limits.
fn least(problem: &Problem) -> Vec<Option<usize>> {
    let cheapest = Prices::zero(problem).cheapest_two(problem);
    cheapest.into_iter().map(|[first, _]| first.map(|(_, territory)| territory)).collect()
}

fn reason(
    problem: &Problem,
    outcome: &Outcome,
    (account, here): (usize, usize),
    least: Option<usize>,
    [first, second]: [Option<(i128, usize)>; 2],
) -> Reason {
    let other = first.filter(|(_, territory)| *territory != here).or(second);
    let cost = |territory: usize| {
        let cost = problem.cost(account, territory);
        (cost != territory::FORBIDDEN).then_some(cost)
    };
    let cheaper = least.filter(|least| problem.cost(account, *least) < problem.cost(account, here));
    let second = cheaper.or_else(|| other.map(|(_, territory)| territory));
    // What the limits add to the cost: the priced cost less the cost.
    let price = |territory: usize| {
        let priced = outcome.prices.of(problem, account, territory)?;
        let bits = outcome.prices.bits;
        let own = priced - (i128::from(cost(territory)?) << bits);
        i64::try_from((own + (1 << bits >> 1)) >> bits).ok()
    };
    let why = || {
        let Some(other) = second else {
            return if problem.locked[account].is_some() { "locked" } else { "only choice" };
        };
        let (Some(own), Some(others)) = (cost(here), cost(other)) else { return "only choice" };
        let stays = problem.current[account] == Some(here);
        if own <= others {
            if stays && others - problem.move_cost(account) < own { "a move costs more" } else { "cheapest" }
        } else if outcome.prices.of(problem, account, here) <= outcome.prices.of(problem, account, other) {
            "the limits of the other cost more"
        } else {
            NO_ROOM
        }
    };
    Reason {
        cost: cost(here),
        price: price(here),
        second,
        second_cost: second.and_then(cost),
        second_price: second.and_then(price),
        why: why(),
    }
}

/// A row for each account: where it goes, and why.
pub fn assignment_table(
    problem: &Problem,
    rows: &TerritoryRows,
    outcome: &Outcome,
) -> Result<Table, Failure> {
    let reasons = reasons(problem, outcome);
    let to = |account: usize| outcome.assignment[account];
    let name = |territory: usize| rows.territories[territory].as_str();
    let accounts = 0..rows.accounts.len();
    let table = Builder::default()
        .text("account_id", rows.accounts.iter().map(Some))
        .text("territory_id", accounts.clone().map(|account| Some(name(to(account)))))
        .text("previous_territory_id", rows.current.iter().map(Option::as_deref))
        .boolean(
            "moved",
            accounts.clone().map(|account| {
                Some(rows.current[account].as_deref().is_some_and(|current| current != name(to(account))))
            }),
        )
        .number("distance_km", 3, accounts.map(|account| metres(problem, account, to(account))));
    Ok(with_reasons(table, rows, &reasons).table()?)
}

/// The columns that say why.
pub fn with_reasons(table: Builder, rows: &TerritoryRows, reasons: &[Reason]) -> Builder {
    let name = |territory: usize| rows.territories[territory].as_str();
    table
        .number("cost", COST_DECIMALS, reasons.iter().map(|own| own.cost))
        .number("price", COST_DECIMALS, reasons.iter().map(|own| own.price))
        .text("second_territory_id", reasons.iter().map(|own| own.second.map(name)))
        .number("second_cost", COST_DECIMALS, reasons.iter().map(|own| own.second_cost))
        .number("second_price", COST_DECIMALS, reasons.iter().map(|own| own.second_price))
        .text("why", reasons.iter().map(|own| Some(own.why)))
}

/// What an answer costs, and what is proven of it.
pub fn certificate(outcome: &Outcome, unit: &str, created: bool) -> String {
    let answer = if created { "no answer with these centres" } else { "no answer" };
    format!(
        "cost {} {unit}, {answer} costs less than {} {unit} (gap {})",
        cost_text(outcome.objective),
        cost_text(outcome.bound),
        gap(outcome.objective, outcome.bound).to_percent(),
    )
}

/// The mean of some costs, down to a whole one.
pub fn mean(costs: &[i64]) -> i128 {
    let sum: i128 = costs.iter().map(|cost| i128::from(*cost)).sum();
    sum / i128::try_from(costs.len().max(1)).unwrap_or(1)
}

/// Decimals in which all measures can be shown.
pub fn decimals(rows: &TerritoryRows) -> u32 {
    rows.loads.iter().map(|own| own.decimals).max().unwrap_or(0)
}

/// Factor from the units of a measure to those with [`decimals`].
pub fn factor(rows: &TerritoryRows, measure: usize) -> i128 {
    let own = rows.loads.get(measure).map_or(0, |own| own.decimals);
    10i128.pow(decimals(rows) - own)
}

/// A row for each territory and measure: load before and after, and the band.
pub fn summary_table(problem: &Problem, rows: &TerritoryRows, after: &Evaluation) -> Result<Table, Failure> {
    let before = territory::evaluate(problem, &problem.current);
    let counts = |assignment: &[Option<usize>]| {
        let mut counts = vec![0i64; problem.territories];
        assignment.iter().flatten().for_each(|territory| counts[*territory] += 1);
        counts
    };
    let accounts = counts(&after.assignment);
    let cells: Vec<(usize, usize)> = (0..problem.territories)
        .flat_map(|territory| (0..problem.measures.len()).map(move |measure| (territory, measure)))
        .collect();
    let column = |value: &dyn Fn(usize, usize) -> i128| {
        let scaled = |(territory, measure): &(usize, usize)| {
            let value = value(*territory, *measure).checked_mul(factor(rows, *measure));
            value.and_then(|value| i64::try_from(value).ok()).map(Some).ok_or_else(out_of_range)
        };
        cells.iter().map(scaled).collect::<Result<Vec<_>, _>>()
    };
    let decimals = decimals(rows);
    let table = Builder::default()
        .text("territory_id", cells.iter().map(|(territory, _)| Some(rows.territories[*territory].as_str())))
        .number("accounts", 0, cells.iter().map(|(territory, _)| Some(accounts[*territory])))
        .text("measure", cells.iter().map(|(_, measure)| Some(problem.measures[*measure].name.as_str())))
        .number("before", decimals, column(&|territory, measure| before.loads[measure][territory])?)
        .number("after", decimals, column(&|territory, measure| after.loads[measure][territory])?)
        .number(
            "low",
            decimals,
            column(&|territory, measure| problem.measures[measure].bands[territory].low)?,
        )
        .number(
            "high",
            decimals,
            column(&|territory, measure| problem.measures[measure].bands[territory].high)?,
        )
        .table()?;
    Ok(table)
}

/// Latitude and longitude of where the ways of each territory start.
pub fn homes(problem: &Problem, rows: &TerritoryRows) -> Vec<Option<(f64, f64)>> {
    match &problem.costs {
        Costs::Travel(travel) => travel.homes.iter().map(|home| home.map(|home| home.degrees())).collect(),
        Costs::Table(_) => rows.homes.clone(),
    }
}

/// Where territories are.
pub fn territory_table(problem: &Problem, rows: &TerritoryRows) -> Result<Table, Failure> {
    let places = homes(problem, rows);
    // Six decimals of a degree are a tenth of a metre.
    let degrees = |pick: fn((f64, f64)) -> f64| {
        places.iter().map(move |place| place.map(|place| (pick(place) * 1e6).round() / 1e6))
    };
    let table = Builder::default()
        .text("territory_id", rows.territories.iter().map(Some))
        .float("latitude", degrees(|(latitude, _)| latitude))
        .float("longitude", degrees(|(_, longitude)| longitude))
        .table()?;
    Ok(table)
}

/// Name and value in thousandths.
pub type Metrics = Vec<(String, Option<i64>)>;

/// What an assignment is worth in numbers that can be compared.
pub fn metrics(problem: &Problem, rows: &TerritoryRows, found: &Evaluation, proven: i128) -> Metrics {
    let thousandths = |value: &Rational| {
        round_to_decimals(value, 3, Rounding::default()).and_then(|value| i64::try_from(value).ok())
    };
    let count = |value: usize| i64::try_from(value).ok().and_then(|value| value.checked_mul(1000));
    let objective = i64::try_from(found.objective).ok();
    let mut all = vec![
        ("feasible (1 = yes)".to_owned(), count(usize::from(found.feasible))),
        ("cost".to_owned(), objective),
    ];
    all.push(("no feasible answer costs less than".to_owned(), i64::try_from(proven).ok()));
    if found.feasible {
        let gap = gap(found.objective, proven) * Rational::from(100i64);
        all.push(("gap, %".to_owned(), thousandths(&gap)));
    }
    let distances: Vec<i64> = found
        .assignment
        .iter()
        .enumerate()
        .filter_map(|(account, territory)| metres(problem, account, (*territory)?))
        .collect();
    if !distances.is_empty() {
        let total: i128 = distances.iter().map(|metres| i128::from(*metres)).sum();
        let mean = Rational::new(total, i128::try_from(distances.len()).unwrap_or(1) * 1000);
        all.push(("mean distance, km".to_owned(), mean.as_ref().and_then(thousandths)));
        all.push(("longest distance, km".to_owned(), distances.iter().max().copied()));
    }
    all.push(("accounts that change hands".to_owned(), count(found.moves)));
    // How much of each limited measure changes hands, as a share of all.
    for (limit, moved) in problem.move_limits.iter().zip(&found.moved) {
        let total: i128 = limit.total(problem.accounts());
        let share = Rational::new(moved * 100, total);
        if limit.name != "max_moves" {
            let name = format!("{}: % that changes hands", limit.name);
            all.push((name, share.as_ref().and_then(thousandths)));
        }
    }
    if problem.contiguity.is_some() {
        let apart = found.parts.iter().filter(|parts| **parts > 1).count();
        all.push(("territories in parts that do not touch".to_owned(), count(apart)));
    }
    for (what, accounts) in [
        ("accounts without a territory", found.unassigned),
        ("accounts where they may not be", found.forbidden),
        ("groups in several territories", found.torn),
    ] {
        if accounts > 0 {
            all.push((what.to_owned(), count(accounts)));
        }
    }
    for (index, (measure, loads)) in problem.measures.iter().zip(&found.loads).enumerate() {
        let total: i128 = loads.iter().sum();
        if measure.penalty.is_some() {
            let cost = i64::try_from(measure.penalties(loads)).ok();
            all.push((format!("{}: cost of loads beyond the band", measure.name), cost));
        }
        let outside =
            measure.bands.iter().zip(loads).filter(|(band, load)| **load < band.low || **load > band.high);
        all.push((format!("{}: territories outside the band", measure.name), count(outside.count())));
        let scale = Rational::new(factor(rows, index), 10i128.pow(decimals(rows)));
        for (what, load) in [("least", loads.iter().min()), ("greatest", loads.iter().max())] {
            let load = load.zip(scale.as_ref()).map(|(load, scale)| &Rational::from(*load) * scale);
            all.push((format!("{}: {what} load", measure.name), load.as_ref().and_then(thousandths)));
        }
        // How far the loads are apart, in per cent of the mean.
        let spread = loads.iter().max().zip(loads.iter().min()).and_then(|(most, least)| {
            Rational::new((most - least) * 100 * i128::try_from(loads.len()).ok()?, total)
        });
        all.push((format!("{}: spread, % of the mean", measure.name), spread.as_ref().and_then(thousandths)));
    }
    all
}

/// (objective - bound) / objective.
pub fn gap(objective: i128, bound: i128) -> Rational {
    Rational::new(objective - bound, objective).unwrap_or_default()
}

/// A cost as text.
pub fn cost_text(cost: i128) -> String {
    Rational::from_scaled(cost, COST_DECIMALS).to_decimal_text()
}

/// The result in numbers, with the prices that prove the bound.
pub fn result_json(
    plan: &TerritoryPlan,
    problem: &Problem,
    outcome: &Outcome,
    anywhere: Option<&AnyCentres>,
) -> String {
    let limits = problem.move_limits.iter().zip(&outcome.prices.moves);
    let moves: serde_json::Map<String, serde_json::Value> =
        limits.map(|(limit, price)| (limit.name.clone(), (*price).into())).collect();
    let gap = round_to_decimals(&gap(outcome.objective, outcome.bound), 9, Rounding::default())
        .map_or_else(String::new, |units| Rational::from_scaled(units, 9).to_decimal_text());
    let number = |text: String| {
        text.parse::<serde_json::Number>().map_or(serde_json::Value::String(text), serde_json::Value::Number)
    };
    let value = serde_json::json!({
        "schema": "spm.territories.result/1",
        "feasible": outcome.feasible,
        "objective": number(cost_text(outcome.objective)),
        "bound": number(cost_text(outcome.bound)),
        "unit": unit(plan),
        "gap": number(gap),
        "moves": outcome.moves,
        "cost_if_not_contiguous": outcome.loose.map(|cost| number(cost_text(cost))),
        "any_centres": anywhere.map(|own| serde_json::json!({
            "bound": number(cost_text(own.bound)),
            "worth": own.worth,
        })),
        "seed": outcome.seed,
        "iterations": plan.iterations,
        "price_bits": outcome.prices.bits,
        "prices": { "bands": outcome.prices.bands, "moves": moves },
    });
    format!("{value:#}\n")
}
