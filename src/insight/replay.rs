//! What the comp plans of a project pay under sales that are drawn: the engine of commission, on other measurements.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use spm_core::engine::comp::{self, Cell, Problem as CompProblem};
use spm_core::engine::comp::{Amounts, Payee};
use spm_core::engine::fairness::{Metric, Problem, drawn, metric};
use spm_core::engine::quota::person;
use spm_core::ground::diagnostic::{Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::rational::Rational;
use spm_core::plan::comp::{CompPlan, GoalFrom, Window};
use spm_core::plan::fairness::FairnessPlan;
use spm_core::plan::project::Project;
use spm_frame::credit::{Credited, credit};
use spm_frame::load::Tables;

/// What was drawn, for whom.
pub(super) struct Replayed<'a> {
    pub ids: &'a [String],
    pub by_period: &'a BTreeMap<(String, usize), Rational>,
    pub periods: &'a Range<usize>,
    pub problem: &'a Problem,
    pub sales: &'a [Vec<f64>],
    pub past: bool,
}

/// A comp plan with the measures that the quota is the goal of.
struct Ready<'a> {
    plan: &'a CompPlan,
    credited: Credited,
    measures: Vec<usize>,
}

/// The metrics of cost. None where the project has no comp plan with a measure whose goal is the quota.
pub(super) fn costs(
    plan: &FairnessPlan,
    project: &Project,
    tables: &Tables,
    comp: &[&CompPlan],
    replayed: &Replayed<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Metric>, Diagnostic> {
    let problem = replayed.problem;
    let none = || {
        ["compensation-cost", "cost-of-sales", "cost-of-variation"]
            .map(|name| metric(problem, name, None, None))
            .to_vec()
    };
    let mut ready = Vec::new();
    for own in comp {
        let measures: Vec<usize> = (0..own.measures.len())
            .filter(|measure| {
                let measure = &own.measures[*measure];
                let quota = measure
                    .goal
                    .as_ref()
                    .is_some_and(|goal| matches!(&goal.from, GoalFrom::Quota(name) if *name == plan.measure));
                quota && measure.window != Window::Transaction
            })
            .collect();
        let credited = credit(own, tables, &project.calendar, replayed.periods.clone(), &mut Sink::default());
        if let (false, Some(credited)) = (measures.is_empty(), credited) {
            ready.push(Ready { plan: own, credited, measures });
        }
    }
    if let Some(other) = ready.iter().find(|own| own.plan.currency != project.currency) {
        notes.push(format!(
            "plan `{}` pays in {}, not in {}: no cost is measured",
            other.plan.id,
            other.plan.currency.code(),
            project.currency.code()
        ));
        return Ok(none());
    }
    if ready.is_empty() || plan.replays == 0 {
        if plan.replays > 0 {
            notes.push(format!(
                "no comp plan has a measure with goal = {{ quota = \"{}\" }}: no cost is measured",
                plan.measure
            ));
        }
        return Ok(none());
    }
    let quotas: BTreeMap<(PayeeId, String, usize), Rational> = replayed
        .by_period
        .iter()
        .map(|((holder, period), quota)| {
            ((PayeeId::from(holder.as_str()), plan.measure.clone(), *period), quota.clone())
        })
        .collect();
    let pay = |sales: Option<&[f64]>| -> Result<f64, Diagnostic> {
        let mut sum = 0.0;
        for own in &ready {
            sum += paid(own, project, replayed, &quotas, sales)?;
        }
        Ok(sum)
    };
    let totals = |sales: &[f64]| -> f64 { sales.iter().sum() };
    if replayed.past {
        let cost = pay(None)?;
        notes.push("cost: what the comp plans pay for what was sold".to_owned());
        let sold = replayed.sales.first().map_or(0.0, |sales| totals(sales));
        let share = (sold > 0.0).then(|| cost / sold);
        return Ok(vec![
            metric(problem, "compensation-cost", Some(cost), None),
            metric(problem, "cost-of-sales", share, None),
            metric(problem, "cost-of-variation", None, None),
        ]);
    }
    let draws = &replayed.sales[..plan.replays.min(replayed.sales.len())];
    let costs: Vec<f64> = draws.par_iter().map(|sales| pay(Some(sales))).collect::<Result<_, _>>()?;
    let expected: Vec<f64> = problem.seats.iter().map(|seat| seat.expected).collect();
    let at_expectation = pay(Some(&expected))?;
    notes.push(format!(
        "cost: the comp plans replayed on {} draws; only measures with the quota as goal are drawn, others count nothing",
        draws.len()
    ));
    let shares: Vec<Option<f64>> = costs
        .iter()
        .zip(draws)
        .map(|(cost, sales)| Some(cost / totals(sales)).filter(|share| share.is_finite()))
        .collect();
    let some: Vec<Option<f64>> = costs.iter().copied().map(Some).collect();
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let variation = (at_expectation > 0.0).then(|| mean / at_expectation - 1.0);
    Ok(vec![
        drawn(problem, "compensation-cost", &some),
        drawn(problem, "cost-of-sales", &shares),
        metric(problem, "cost-of-variation", variation, None),
    ])
}

/// What a plan pays to everybody in all periods; `sales` by seat instead of what was measured, shared over the periods
/// as the quota is.
fn paid(
    own: &Ready<'_>,
    project: &Project,
    replayed: &Replayed<'_>,
    quotas: &BTreeMap<(PayeeId, String, usize), Rational>,
    sales: Option<&[f64]>,
) -> Result<f64, Diagnostic> {
    let measurements = match sales {
        None => own.credited.measurements.clone(),
        Some(sales) => measured(own, &own.credited.payees, replayed, sales),
    };
    let problem = CompProblem {
        plan: own.plan,
        calendar: &project.calendar,
        periods: replayed.periods.clone(),
        payees: &own.credited.payees,
        measurements: &measurements,
        deals: &own.credited.deals,
        quotas,
        explain_deals: false,
    };
    let earnings = comp::earn(&problem).map_err(|mut faults| faults.swap_remove(0))?;
    Ok(earnings.lines.iter().map(|line| line.amount.exact().to_f64_for_display()).sum())
}

fn measured(
    own: &Ready<'_>,
    payees: &[Payee],
    replayed: &Replayed<'_>,
    sales: &[f64],
) -> BTreeMap<Cell, Amounts> {
    let mut all = BTreeMap::new();
    for (seat, id) in replayed.ids.iter().enumerate() {
        let Some(payee) = payees.iter().position(|payee| payee.id.as_str() == person(id)) else { continue };
        let quota = replayed.problem.seats[seat].quota;
        for period in replayed.periods.clone() {
            let Some(part) = replayed.by_period.get(&(id.clone(), period)) else { continue };
            let sold = sales[seat] * part.to_f64_for_display() / quota;
            let cents = (sold * 100.0).round();
            // A draw is no money: it is rounded to cents once, to be measured as money is.
            let amount = Rational::from_scaled(cents as i128, 2);
            for measure in &own.measures {
                all.insert(Cell { payee, measure: *measure, period }, Amounts::of(amount.clone()));
            }
        }
    }
    all
}
