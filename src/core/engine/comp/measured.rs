//! What a measure has for a payee at the end of a period: its credits added up or compared, net of refunds, or its formula.

use std::ops::RangeInclusive;

use super::figures::{Standing, summed};
use super::formula;
use super::problem::{Amounts, Cell};
use super::transactions::{Dated, Looked, Net, Step, after_refunds};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{Aggregate, MeasureSource};

impl<'a> Standing<'a> {
    /// The value of a measure that is calculated.
    pub(super) fn evaluated(&self, measure: usize) -> (Node, bool) {
        let definition = self.measure(measure);
        let MeasureSource::Formula(expression, place) = &definition.source else {
            return (Node::input("no value", self.problem.unit(measure), Rational::zero()), false);
        };
        let value = formula::evaluate(expression, place, &|name| self.named(name, None));
        let present = value.is_some();
        if !present {
            // A division by zero is documented to count as nothing; an empty cell is not.
            self.missed_value(expression, place, None);
        }
        let none = || Node::input("no value", self.problem.unit(measure), Rational::zero());
        (Node { label: definition.name.clone(), ..value.unwrap_or_else(none) }, present)
    }

    /// What a measure of credits has for the transaction looked at, net of its refunds so far.
    pub(super) fn of_transaction(
        &self,
        measure: usize,
        aggregate: Aggregate,
        looked: &Looked<'a>,
    ) -> (Node, bool) {
        let name = &self.measure(measure).name;
        let unit = self.problem.unit(measure);
        let id = looked.deal.id();
        let own = self.prepared.transactions(measure);
        let own = own.map(|own| own.same(self.problem, self.index, self.period, measure, looked));
        let own = own.unwrap_or_default();
        // What was taken back in full is no transaction any more, and a refund that is rated alone is none.
        let sales = own.iter().filter(|own| own.0.refund_of.is_none() && is_left(own));
        let count = i64::try_from(sales.count()).unwrap_or(i64::MAX);
        let mut credits: Vec<Node> = own.into_iter().map(|own| net(name, &unit, own)).collect();
        if credits.is_empty() {
            return (Node::input(format!("{name}, {id}: none"), unit, Rational::zero()), false);
        }
        let values = || credits.iter().map(|credit| &credit.value);
        let value = match aggregate {
            Aggregate::Count => Rational::from(count),
            _ if credits.len() == 1 => return (credits.swap_remove(0), true),
            Aggregate::Sum => {
                let label = format!("{name}, {id}, together");
                return (Node::computed(label, unit, Operation::Sum, credits), true);
            }
            Aggregate::Average => {
                let sum: Rational = values().sum();
                sum.checked_div(&Rational::from(i64::try_from(credits.len()).unwrap_or(1)))
                    .unwrap_or_default()
            }
            Aggregate::Largest => values().max().cloned().unwrap_or_default(),
            Aggregate::Smallest => values().min().cloned().unwrap_or_default(),
        };
        (Node::input(format!("{name}, {id}"), unit, value), true)
    }

    /// What the transactions of a period come to in a measure that is calculated for each.
    pub(super) fn of_each_transaction(&self, measure: usize) -> (Node, bool) {
        let unit = self.problem.unit(measure);
        let Some(own) = self.prepared.transactions(measure) else {
            return (Node::input("no value", unit, Rational::zero()), false);
        };
        let value = |period: usize, deal, until| {
            let looked = Looked { measure: own.own(), deal, until };
            Self { period, deal: Some(looked), ..*self }.evaluated(measure).0.value
        };
        let parts = own.steps(self.problem, self.index, self.period).into_iter().map(|step| {
            let (id, value) = match step {
                Step::Sale(deal) => (deal.id(), value(self.period, deal, None)),
                Step::Refund { deal, of, before } => {
                    let change =
                        |(period, sold)| &value(period, sold, Some(deal)) - &value(period, sold, before);
                    (deal.id(), of.into_iter().map(change).sum())
                }
            };
            Node::input(format!("{}, {id}", self.measure(measure).name), unit.clone(), value)
        });
        let parts: Vec<Node> = parts.collect();
        let present = !parts.is_empty();
        let label = format!("{}, all transactions", self.measure(measure).name);
        (Node::computed(label, unit, Operation::Sum, parts), present)
    }

    pub(super) fn aggregated(
        &self,
        measure: usize,
        aggregate: Aggregate,
        window: RangeInclusive<usize>,
    ) -> (Node, bool) {
        let definition = self.measure(measure);
        let unit = self.problem.unit(measure);
        let cells: Vec<(usize, Amounts)> =
            window.clone().filter_map(|period| Some((period, self.amounts(measure, period)?))).collect();
        let label = &definition.name;
        let name = |period: usize| &self.problem.calendar.periods()[period].name;
        let part = |read: &dyn Fn(&Amounts) -> Rational, unit: &Unit| {
            let nodes = cells.iter().map(|(period, amounts)| {
                let label = format!("{label}, {}", name(*period));
                let members = self.by_member(measure, *period, read, unit);
                match members.is_empty() {
                    true => Node::input(label, unit.clone(), read(amounts)),
                    false => Node::computed(label, unit.clone(), Operation::Sum, members),
                }
            });
            summed(&format!("{label}, to date"), unit, &window, nodes.collect())
                .unwrap_or_else(|| Node::input(format!("{label}: none"), unit.clone(), Rational::zero()))
        };
        let count = |amounts: &Amounts| Rational::from(amounts.count);
        let node = match aggregate {
            Aggregate::Sum => part(&|amounts| amounts.sum.clone(), &unit),
            Aggregate::Count => part(&count, &unit),
            // Where refunds leave no credit there is none to average.
            Aggregate::Average if cells.iter().map(|(_, amounts)| amounts.count).sum::<i64>() <= 0 => {
                return (Node::input(format!("{label}: none"), unit, Rational::zero()), false);
            }
            Aggregate::Average => {
                let parts = vec![part(&|amounts| amounts.sum.clone(), &unit), part(&count, &Unit::Number)];
                Node::computed(format!("{label}, average"), unit, Operation::Quotient, parts)
            }
            Aggregate::Largest | Aggregate::Smallest => {
                let is_largest = aggregate == Aggregate::Largest;
                let mut all = Amounts::default();
                cells.iter().for_each(|(_, amounts)| all.add(amounts));
                let alone = if is_largest { all.largest } else { all.smallest };
                let mut compared: Vec<Node> =
                    alone.into_iter().map(|value| Node::input(label.clone(), unit.clone(), value)).collect();
                compared.extend(self.left_after_refunds(measure, window.clone()));
                let beyond =
                    |a: &Node, b: &Node| if is_largest { a.value > b.value } else { a.value < b.value };
                let found = compared.into_iter().reduce(|a, b| if beyond(&b, &a) { b } else { a });
                let is_there = found.is_some();
                let none = || Node::input(format!("{label}: none"), unit.clone(), Rational::zero());
                return (found.unwrap_or_else(none), is_there);
            }
        };
        (node, !cells.is_empty())
    }

    /// What everyone in a team of few people has, where a person asks why.
    fn by_member(
        &self,
        measure: usize,
        period: usize,
        read: &dyn Fn(&Amounts) -> Rational,
        unit: &Unit,
    ) -> Vec<Node> {
        let Some(team) = self.measure(measure).team.as_ref().filter(|_| self.problem.explain_deals) else {
            return vec![];
        };
        let key = self.problem.team_key(team, self.index, period);
        let own = |payee: &usize| {
            let amounts = self.problem.measurements.get(&Cell { payee: *payee, measure, period })?;
            Some(Node::input(self.problem.payees[*payee].id.to_string(), unit.clone(), read(amounts)))
        };
        self.prepared.members(measure, key, period).iter().filter_map(own).collect()
    }

    /// What refunds in a window leave of the credits in it that they take back from, of the payee or of the whole team; a refund
    /// of what lies before the window takes back nothing in it.
    fn left_after_refunds(&self, measure: usize, window: RangeInclusive<usize>) -> Vec<Node> {
        let team = &self.measure(measure).team;
        let counts = |payee: usize, period: usize| match team {
            None => payee == self.index,
            Some(team) => {
                let key = |payee| self.problem.team_key(team, payee, period);
                self.is_before_the_end(period) && key(payee) == key(self.index)
            }
        };
        let payees: &[usize] = if team.is_none() { &[self.index] } else { self.prepared.refunded(measure) };
        let mut left = Vec::new();
        for payee in payees {
            let deals = |period: usize| self.problem.deals.get(&Cell { payee: *payee, measure, period });
            let own = window.clone().filter(|period| counts(*payee, *period));
            let own =
                own.flat_map(|period| deals(period).into_iter().flatten().map(move |deal| (period, deal)));
            let own: Vec<Dated<'_>> = own.collect();
            // What was taken back in full is no credit any more.
            let credits = after_refunds(&own).into_iter().filter(is_left);
            let name = &self.measure(measure).name;
            left.extend(credits.map(|credit| net(name, &self.problem.unit(measure), credit)));
        }
        left
    }
}

/// Whether refunds leave anything of a credit.
fn is_left((deal, refunds): &Net<'_>) -> bool {
    let taken: Rational = refunds.iter().map(|(_, part)| part).sum();
    let left = &deal.amount + &taken;
    refunds.is_empty() || !left.is_zero() && left.is_positive() == deal.amount.is_positive()
}

/// A credit, with what refunds take back of it.
fn net(name: &str, unit: &Unit, (deal, refunds): Net<'_>) -> Node {
    let id = deal.id();
    let sold = Node::input(format!("{name}, {id}"), unit.clone(), deal.amount.clone());
    let taken = refunds.into_iter();
    let taken =
        taken.map(|(refund, part)| Node::input(format!("taken back by {}", refund.id()), unit.clone(), part));
    let mut children: Vec<Node> = taken.collect();
    if children.is_empty() {
        return sold;
    }
    children.insert(0, sold);
    Node::computed(format!("{name}, {id}, net"), unit.clone(), Operation::Sum, children)
}
