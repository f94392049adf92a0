//! Payment in a payee's own currency: the lines of a payee and a period are added up, converted once, rounded once (E31).

use std::collections::BTreeMap;

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::money::{Currency, Money};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};

use super::{Earning, Earnings, Problem};

/// What one unit of the plan's currency is worth to a payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The payee's currency.
    pub currency: Currency,
    /// Units of it for one unit of the plan's.
    pub rate: Rational,
}

/// What a plan pays one payee for one period, in the payee's currency.
#[derive(Clone, Debug)]
pub struct Payout {
    /// Index into the problem's payees.
    pub payee: usize,
    /// Index of the leaf period.
    pub period: usize,
    /// What is paid.
    pub amount: Money,
    /// Why; the lines of the plan are its leaves.
    pub trace: Node,
}

impl Payout {
    /// The explanation down to the explanations of the lines.
    #[must_use]
    pub fn explained(&self, earnings: &Earnings) -> Node {
        let own = |line: &&Earning| (line.payee, line.period) == (self.payee, self.period);
        unfolded(&self.trace, &earnings.lines.iter().filter(own).collect::<Vec<_>>())
    }
}

fn unfolded(node: &Node, lines: &[&Earning]) -> Node {
    let line = lines.iter().find(|line| line.trace.label == node.label);
    match (node.operation, line) {
        (Operation::Input, Some(line)) => line.trace.clone(),
        _ => Node {
            children: node.children.iter().map(|child| unfolded(child, lines)).collect(),
            ..node.clone()
        },
    }
}

/// The payments of a plan. A payee and period without an exchange are paid in the plan's currency.
pub fn payouts(
    problem: &Problem<'_>,
    earnings: &Earnings,
    exchanges: &BTreeMap<(usize, usize), Exchange>,
) -> Result<Vec<Payout>, Diagnostic> {
    let same = |a: &Earning, b: &Earning| (a.payee, a.period) == (b.payee, b.period);
    let paid = |lines: &[Earning]| {
        let (payee, period) = (lines[0].payee, lines[0].period);
        payout(problem, lines, exchanges.get(&(payee, period)))
    };
    earnings.lines.chunk_by(same).map(paid).collect()
}

fn payout(
    problem: &Problem<'_>,
    lines: &[Earning],
    exchange: Option<&Exchange>,
) -> Result<Payout, Diagnostic> {
    let plan = problem.plan;
    let (payee, period) = (lines[0].payee, lines[0].period);
    let parts = lines
        .iter()
        .map(|line| Node::input(line.trace.label.clone(), problem.money(), line.amount.exact()))
        .collect();
    let sum = |label: &str| Node::computed(label, problem.money(), Operation::Sum, parts);
    let name = &problem.calendar.periods()[period].name;
    let currency = exchange.map_or(&plan.currency, |exchange| &exchange.currency);
    let label = format!("payment of {} to {} in {currency}, {name}", plan.id, problem.payees[payee].id);
    let trace = match exchange {
        None => sum(&label),
        Some(exchange) => {
            let unit = Unit::Money(currency.code().to_owned());
            let per = format!("{currency} for one {}", plan.currency);
            let rate = Node::input(per, Unit::Number, exchange.rate.clone());
            let children = vec![sum("lines of the plan"), rate];
            let converted = Node::computed("converted", unit.clone(), Operation::Product, children);
            let operation = Operation::Round { decimals: currency.decimals(), rounding: plan.rounding };
            Node::computed(label, unit, operation, vec![converted])
        }
    };
    let amount = Money::round(&trace.value, currency, plan.rounding).ok_or_else(|| {
        let message = format!("{} is paid more than any amount of money", problem.payees[payee].id);
        Diagnostic::error(Code::SPM402, message)
    })?;
    let trace = match &plan.pay_currency {
        Some(place) => trace.citing(place),
        None => trace,
    };
    Ok(Payout { payee, period, amount, trace })
}
