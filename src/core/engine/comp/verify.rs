//! An independent check of earnings: shares no formula with the calculation.
//!
//! Every node of every trace is evaluated again from its children, and where a naive second calculation from the inputs knows
//! how (see `recalculate`), the line has to come to the same.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation};

use super::recalculate::expected;
use super::{Earning, Earnings, Exchange, LineOf, Payout, Problem};

/// Checks every line; one fault for each that disagrees.
pub fn verify(problem: &Problem<'_>, earnings: &Earnings) -> Result<(), Vec<Diagnostic>> {
    let faults: Vec<Diagnostic> = earnings
        .lines
        .par_iter()
        .filter_map(|line| Some((line, fault_of(problem, line)?)))
        .map(|(line, why)| {
            let component = line.of.name(problem.plan);
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
    let parts: i128 = line.releases.iter().map(|part| part.minor_units).sum();
    if !line.releases.is_empty() && parts != line.amount.minor_units {
        return Some(format!("the releases add up to {parts} minor units, the line is {}", line.amount));
    }
    let LineOf::Component(component) = line.of else { return None };
    let component = &problem.plan.components[component];
    let units = expected(problem, component, line.payee, line.period)?;
    (units != line.amount.minor_units)
        .then(|| format!("expected {} minor units, found {}", units, line.amount.minor_units))
}

/// Checks payments in the currencies of payees: each node, each line in one payment, and each payment within one minor
/// unit of the exact value of its lines.
pub fn verify_payouts(
    problem: &Problem<'_>,
    earnings: &Earnings,
    exchanges: &BTreeMap<(usize, usize), Exchange>,
    payouts: &[Payout],
) -> Result<(), Vec<Diagnostic>> {
    let mut units: BTreeMap<(usize, usize), i128> = BTreeMap::new();
    for line in &earnings.lines {
        *units.entry((line.payee, line.period)).or_default() += line.amount.minor_units;
    }
    let mut faults = Vec::new();
    let mut fault = |payee: usize, why: String| {
        let message = format!("{}, payment: {why}", problem.payees[payee].id);
        faults.push(Diagnostic::error(Code::SPM502, message));
    };
    for payout in payouts {
        let key = (payout.payee, payout.period);
        if let Some(label) = wrong_node(&payout.trace) {
            fault(key.0, format!("the node `{label}` does not follow from its children"));
        }
        let Some(units) = units.remove(&key) else {
            fault(key.0, "there is no line for it, or a second payment".to_owned());
            continue;
        };
        let sum = Rational::from_scaled(units, problem.plan.currency.decimals());
        let exact = exchanges.get(&key).map_or_else(|| sum.clone(), |exchange| &sum * &exchange.rate);
        let paid = payout.amount.exact();
        let apart = if paid > exact { &paid - &exact } else { &exact - &paid };
        let currency = exchanges.get(&key).map_or(&problem.plan.currency, |exchange| &exchange.currency);
        let wrong = payout.amount.currency != *currency || paid != payout.trace.value;
        if wrong || apart >= Rational::from_scaled(1, currency.decimals()) {
            fault(key.0, format!("{} is paid for {sum} {}", payout.amount, problem.plan.currency));
        }
    }
    units.keys().for_each(|(payee, _)| fault(*payee, "a line is not paid".to_owned()));
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The label of the first node that its children do not give.
fn wrong_node(node: &Node) -> Option<&str> {
    let wrong = node.operation != Operation::Input
        && node.operation.evaluate(&node.children).as_ref() != Some(&node.value);
    if wrong { Some(&node.label) } else { node.children.iter().find_map(wrong_node) }
}
