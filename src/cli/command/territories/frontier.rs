//! What balance, travel and disruption cost each other: answers for several tolerances and prices of a move.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use spm_core::engine::territory::{self, Outcome, Problem};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::plan::territories::{BalanceMeasure, TerritoryPlan};
use spm_frame::planning::{TerritoryRows, territory_rows};
use spm_frame::table::Table;
use spm_frame::write::{self, Builder};

use super::faults::{conflicts, infeasible, violations, warn};
use super::{OWN, Scope, build, input, output, settings, verified};
use crate::cli::exit::Failure;
use crate::report::chart::{Chart, Curve, Spot};

/// What is tried.
#[derive(Debug, clap::Args)]
pub struct Sweep {
    /// The plan's tolerances, times each of these
    #[arg(long, value_name = "FACTORS", value_delimiter = ',', value_parser = factor, default_value = "0.5,1,2")]
    tolerances: Vec<Rational>,
    /// The plan's price of a move, times each of these
    #[arg(long, value_name = "FACTORS", value_delimiter = ',', value_parser = factor, default_value = "0,0.25,0.5,1,4,16")]
    moves: Vec<Rational>,
    /// File of the picture: .html or .svg; frontier.html beside the last assignment when absent
    #[arg(long)]
    to: Option<PathBuf>,
}

fn factor(text: &str) -> Result<Rational, String> {
    text.trim()
        .parse::<Rational>()
        .ok()
        .filter(|factor| !factor.is_negative())
        .ok_or_else(|| "factors of zero or more, such as 0.5,1,2".to_owned())
}

/// A tolerance and a price of a move: the question, and what is proven of it.
struct Question {
    tolerance: Rational,
    problem: Problem,
    /// Price of the mean account that moves.
    price: i128,
    bound: i128,
}

/// An answer with what it is judged by.
struct Answer {
    assignment: Vec<Option<usize>>,
    moves: usize,
    /// What it costs without moves.
    still: i128,
    /// How far a load is from its target at most, as a share.
    deviation: Rational,
}

/// The best of all answers for a question, by its place in them.
struct Row<'a> {
    question: &'a Question,
    answer: &'a Answer,
    cost: i128,
}

/// Tries them all. Each question takes the best of all answers found that are within its limits, so that a higher price never
/// moves more accounts, and a wider tolerance never costs more.
pub fn frontier(scope: &Scope<'_>, sweep: &Sweep) -> Result<Table, Failure> {
    let Scope { plan, ui, .. } = *scope;
    let rows = territory_rows(plan, scope.tables, None).map_err(input)?;
    warn(plan, &rows, false, ui);
    let sorted =
        |factors: &[Rational]| factors.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let (mut tolerances, moves): (Vec<Rational>, Vec<Rational>) =
        (sorted(&sweep.tolerances), sorted(&sweep.moves));
    if plan.measures.iter().all(|measure| measure.tolerance.is_none()) {
        tolerances = vec![Rational::one()];
    }
    let (mut questions, mut answers, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for tolerance in &tolerances {
        let problem = build::problem(&with_tolerance(plan, tolerance), &rows, false).map_err(input)?;
        if let Err(failure) = conflicts(plan, &rows, &problem) {
            // A narrower tolerance may ask too much; the widest must not.
            if tolerances.last() == Some(tolerance) {
                return Err(failure);
            }
            ui.status(&format!("tolerance x {}: limits contradict each other", tolerance.to_decimal_text()));
            continue;
        }
        ui.step(&format!("tolerance x {}, {} prices of a move", tolerance.to_decimal_text(), moves.len()));
        let priced: Vec<Problem> = moves.iter().map(|factor| with_price(&problem, factor)).collect();
        let solved: Vec<Outcome> =
            priced.par_iter().map(|priced| territory::solve(priced, settings(plan), &mut |_| {})).collect();
        for (priced, outcome) in priced.into_iter().zip(solved) {
            let evaluation = verified(&priced, &outcome)?;
            if evaluation.feasible {
                answers.push(evaluation.assignment);
            } else {
                broken = violations(&priced, &rows, &evaluation);
            }
            // Where accounts differ, the price is that of the mean.
            let price = output::mean(&priced.move_costs);
            let tolerance = tolerance.clone();
            questions.push(Question { tolerance, problem: priced, price, bound: outcome.bound });
        }
    }
    let Some(first) = questions.first().filter(|_| !answers.is_empty()) else {
        return Err(infeasible(plan, &broken));
    };
    let still = Problem { move_costs: vec![0], ..first.problem.clone() };
    let answers: Vec<Answer> =
        answers.into_iter().map(|assignment| answer(plan, &rows, &still, assignment)).collect();
    let found: Vec<Row<'_>> = questions.iter().filter_map(|question| best(question, &answers)).collect();
    for tolerance in &tolerances {
        let asked = questions.iter().any(|question| question.tolerance == *tolerance);
        if asked && !found.iter().any(|row| row.question.tolerance == *tolerance) {
            let tolerance = tolerance.to_decimal_text();
            ui.status(&format!("tolerance x {tolerance}: no answer within all limits was found"));
        }
    }
    let leads: Vec<bool> = found.iter().map(|row| !found.iter().any(|other| beats(other, row))).collect();
    let to = sweep.to.clone().unwrap_or_else(|| scope.folder(OWN).join("frontier.html"));
    draw(scope, &found, &leads, &to)?;
    table(&rows, &found, &leads)
}

fn with_tolerance(plan: &TerritoryPlan, factor: &Rational) -> TerritoryPlan {
    let scaled = |measure: &BalanceMeasure| BalanceMeasure {
        tolerance: measure.tolerance.as_ref().map(|own| own * factor),
        ..measure.clone()
    };
    TerritoryPlan { measures: plan.measures.iter().map(scaled).collect(), ..plan.clone() }
}

fn with_price(problem: &Problem, factor: &Rational) -> Problem {
    let scaled = |price: &i64| {
        let price = &Rational::from(*price) * factor;
        round_to_decimals(&price, 0, Rounding::default())
            .and_then(|price| i64::try_from(price).ok())
            .unwrap_or(i64::MAX)
    };
    Problem { move_costs: problem.move_costs.iter().map(scaled).collect(), ..problem.clone() }
}

fn answer(
    plan: &TerritoryPlan,
    rows: &TerritoryRows,
    still: &Problem,
    assignment: Vec<Option<usize>>,
) -> Answer {
    let found = territory::evaluate(still, &assignment);
    let mut deviation = Rational::zero();
    for ((measure, own), loads) in plan.measures.iter().zip(&rows.loads).zip(&found.loads) {
        if measure.tolerance.is_none() {
            continue;
        }
        for (target, load) in build::targets(measure, own, rows).iter().zip(loads) {
            let apart = &Rational::from(*load) - target;
            let apart = if apart.is_negative() { -apart } else { apart };
            deviation = deviation.max(apart.checked_div(target).unwrap_or_default());
        }
    }
    Answer { assignment, moves: found.moves, still: found.objective, deviation }
}

/// The best answer that is within the limits of a question.
fn best<'a>(question: &'a Question, answers: &'a [Answer]) -> Option<Row<'a>> {
    let worth = |answer: &'a Answer| {
        let found = territory::evaluate(&question.problem, &answer.assignment);
        found.feasible.then_some(Row { question, answer, cost: found.objective })
    };
    let key = |row: &Row<'_>| (row.cost, row.answer.moves, row.answer.still);
    answers.iter().filter_map(worth).min_by_key(key)
}

/// Better in one of moves, travel and balance, and in none worse.
fn beats(one: &Row<'_>, other: &Row<'_>) -> bool {
    let key = |row: &Row<'_>| (row.answer.moves, row.answer.still, row.answer.deviation.clone());
    let (a, b) = (key(one), key(other));
    a.0 <= b.0 && a.1 <= b.1 && a.2 <= b.2 && a != b
}

/// A share in thousandths of a per cent.
fn percent(share: &Rational) -> Option<i64> {
    let percent = share * &Rational::from(100i64);
    round_to_decimals(&percent, 3, Rounding::default()).and_then(|value| i64::try_from(value).ok())
}

fn table(rows: &TerritoryRows, found: &[Row<'_>], leads: &[bool]) -> Result<Table, Failure> {
    let narrow = |value: i128| i64::try_from(value).ok();
    let cost = |pick: fn(&Row<'_>) -> i128| found.iter().map(move |row| narrow(pick(row)));
    let tolerance = |row: &Row<'_>| {
        round_to_decimals(&row.question.tolerance, 3, Rounding::default())
            .and_then(|value| i64::try_from(value).ok())
    };
    let distance = |row: &Row<'_>| {
        let own = row.answer.assignment.iter().enumerate();
        let ways: Vec<i64> =
            own.filter_map(|(account, to)| output::metres(&row.question.problem, account, (*to)?)).collect();
        (!ways.is_empty()).then(|| narrow(output::mean(&ways))).flatten()
    };
    let accounts = i64::try_from(rows.accounts.len()).unwrap_or(i64::MAX);
    let table = Builder::default()
        .number("tolerance x", 3, found.iter().map(tolerance))
        .number("price of a move", build::COST_DECIMALS, cost(|row| row.question.price))
        .number("moves", 0, found.iter().map(|row| i64::try_from(row.answer.moves).ok()))
        .number(
            "moves, %",
            3,
            found.iter().map(|row| {
                let moves = i128::try_from(row.answer.moves).ok()?;
                percent(&Rational::new(moves, accounts.max(1).into())?)
            }),
        )
        .number("cost without moves", build::COST_DECIMALS, cost(|row| row.answer.still))
        .number("mean distance, km", 3, found.iter().map(distance))
        .number("deviation, %", 3, found.iter().map(|row| percent(&row.answer.deviation)))
        .boolean("best", leads.iter().copied().map(Some))
        .number("cost", build::COST_DECIMALS, cost(|row| row.cost))
        .number("bound", build::COST_DECIMALS, cost(|row| row.question.bound))
        .number("gap, %", 3, found.iter().map(|row| percent(&output::gap(row.cost, row.question.bound))))
        .table()?;
    Ok(table)
}

/// Draws moves across and cost without moves up, a line for each tolerance.
fn draw(scope: &Scope<'_>, found: &[Row<'_>], leads: &[bool], to: &Path) -> Result<(), Failure> {
    let Scope { opened, plan, ui, .. } = *scope;
    if scope.global.dry_run {
        return Ok(());
    }
    let unit = output::unit(plan);
    let mut curves: Vec<Curve> = Vec::new();
    for (row, leads) in found.iter().zip(leads) {
        let deviation = percent(&row.answer.deviation)
            .map_or_else(String::new, |units| Rational::from_scaled(units.into(), 3).to_decimal_text());
        let name = format!("tolerance x {}", row.question.tolerance.to_decimal_text());
        if curves.last().is_none_or(|last| last.name != name) {
            curves.push(Curve { name: name.clone(), spots: Vec::new() });
        }
        let price = output::cost_text(row.question.price);
        let still = output::cost_text(row.answer.still);
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let spot = Spot {
            across: row.answer.moves as f64,
            up: row.answer.still as f64 / 10f64.powi(build::COST_DECIMALS.cast_signed()),
            filled: *leads,
            words: format!(
                "{} moves, {still} {unit}, loads within {deviation} % of their targets; a move at {price} {unit}, {name}",
                row.answer.moves
            ),
        };
        if let Some(last) = curves.last_mut() {
            last.spots.push(spot);
        }
    }
    let chart = Chart {
        title: format!("{}: balance, travel and disruption", plan.title),
        across: "accounts that change hands".to_owned(),
        up: format!("cost without moves, {unit}"),
        words: "Down is less travel, left is less disruption, and a line of its own is a tolerance of the plan times a factor. \
                A full dot is a best answer: no other is better in moves, cost or deviation without being worse in another. \
                Where a line is steep, few moves buy much; where it is flat, more moves buy nothing."
            .to_owned(),
        curves,
    };
    let text = if super::is_svg(to)? { chart.svg() } else { chart.html() };
    let target = if to.is_absolute() { to.to_path_buf() } else { opened.root.join(to) };
    write::write_text(&target, &text)?;
    ui.status(&format!("wrote {}", target.display()));
    Ok(())
}
