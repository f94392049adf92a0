//! An independent check of earnings: shares no formula with the calculation.
//!
//! Marginal tiers are recomputed as a sum of kinks, `rate_1 x + sum (rate_i - rate_(i-1)) max(x - b_i, 0)`, instead of
//! band by band, and every node of every trace is evaluated again from its children.

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::round::round_to_decimals;
use crate::ground::trace::{Node, Operation};
use crate::plan::comp::{Pay, Quantity, Rates, TierBase, TierMode, Window};

use super::{Earning, Earnings, Problem};

/// Checks every line; one fault for each that disagrees.
pub fn verify(problem: &Problem<'_>, earnings: &Earnings) -> Result<(), Vec<Diagnostic>> {
    let faults: Vec<Diagnostic> = earnings
        .lines
        .iter()
        .filter_map(|line| Some((line, fault_of(problem, line)?)))
        .map(|(line, why)| {
            let component = &problem.plan.components[line.component].name;
            let message = format!("{}, component `{component}`: {why}", problem.payees[line.payee].id);
            Diagnostic::error(Code::SPM502, message)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault_of(problem: &Problem<'_>, line: &Earning) -> Option<String> {
    if let Some(label) = wrong_node(&line.trace) {
        return Some(format!("the node `{label}` does not follow from its children"));
    }
    if line.trace.value != line.amount.exact() {
        return Some(format!("the trace ends in {}, the line in {}", line.trace.value, line.amount));
    }
    let component = &problem.plan.components[line.component];
    if problem.plan.measures[component.measure].window != Window::Period {
        // The telescoping sum over a window is checked where the whole window is at hand: its traces hold both ends.
        return None;
    }
    let expected = expected_amount(problem, line)?;
    let decimals = problem.plan.currency.decimals();
    let units = round_to_decimals(&expected, decimals, problem.plan.rounding)?;
    (units != line.amount.minor_units)
        .then(|| format!("expected {} minor units, found {}", units, line.amount.minor_units))
}

/// The label of the first node that its children do not give.
fn wrong_node(node: &Node) -> Option<&str> {
    let wrong = node.operation != Operation::Input
        && node.operation.evaluate(&node.children).as_ref() != Some(&node.value);
    if wrong { Some(&node.label) } else { node.children.iter().find_map(wrong_node) }
}

fn expected_amount(problem: &Problem<'_>, line: &Earning) -> Option<Rational> {
    let payee = &problem.payees[line.payee];
    let component = &problem.plan.components[line.component];
    let has_goal = problem.plan.measures[component.measure].goal.is_some();
    let read = |quantity: &Quantity| payee.quantity(quantity).unwrap_or_default();
    let pay = match &component.pay {
        Pay::PerUnit(Rates::Flat(rate)) => &line.measured * &read(rate),
        Pay::PerUnit(rates) => {
            match (kinked(rates, &line.measured, line, &read), line.attainment.is_some()) {
                (Some(amount), _) => amount,
                (None, false) => Rational::zero(),
                (None, true) => return None,
            }
        }
        Pay::TargetShare { target, rates } => match &line.attainment {
            Some(attainment) => {
                let share = match rates {
                    Rates::Flat(rate) => attainment * &read(rate),
                    tiers => kinked(tiers, attainment, &of_one(line), &read)?,
                };
                &read(target) * &share
            }
            None => Rational::zero(),
        },
        Pay::Fixed { amount, at } => {
            let reached = match (&line.attainment, has_goal) {
                (Some(attainment), _) => *attainment >= at.0,
                (None, true) => false,
                (None, false) => line.measured >= at.0,
            };
            if reached { read(amount) } else { Rational::zero() }
        }
    };
    Some(match &component.cap {
        Some(cap) => pay.min(read(cap)),
        None => pay,
    })
}

/// The same line with attainment as its measurement and 100 % as its goal.
fn of_one(line: &Earning) -> Earning {
    Earning { goal: Some(Rational::one()), ..line.clone() }
}

fn kinked(
    rates: &Rates,
    base: &Rational,
    line: &Earning,
    read: &dyn Fn(&Quantity) -> Rational,
) -> Option<Rational> {
    let Rates::Tiers { mode, on, steps } = rates else { return None };
    let goal = line.goal.as_ref().filter(|goal| goal.is_positive());
    let bounds: Vec<Rational> = match on {
        TierBase::Amount => steps.iter().map(|step| step.from.clone()).collect(),
        TierBase::Attainment => steps.iter().map(|step| Some(&step.from * goal?)).collect::<Option<_>>()?,
    };
    let rate = |index: usize| read(&steps[index].rate);
    let curve = |x: &Rational| {
        (1..steps.len()).fold(x * &rate(0), |sum, index| {
            let kink = &rate(index) - &rate(index - 1);
            let beyond = (x - &bounds[index]).max(Rational::zero());
            &sum + &(&kink * &beyond)
        })
    };
    let top = (0..steps.len()).filter(|index| bounds[*index] <= *base).max().unwrap_or(0);
    Some(match mode {
        TierMode::Marginal => curve(base),
        TierMode::Whole => base * &rate(top),
        TierMode::WholeAboveGoal => {
            let goal = goal?;
            if base <= goal { curve(base) } else { &curve(goal) + &(&(base - goal) * &rate(top)) }
        }
    })
}
