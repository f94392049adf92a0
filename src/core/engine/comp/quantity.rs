//! The numbers of a plan that differ by payee, and what is noted where nobody states one.

use super::figures::{Standing, head};
use super::formula;
use super::gaps::Gap;
use super::problem::NO_TEAM;
use crate::ground::rational::Rational;
use crate::ground::source::TextPlace;
use crate::ground::trace::{Node, Unit};
use crate::plan::comp::{Quantity, QuantityFrom, Team, to_date};
use crate::plan::expression::Expression;

impl Standing<'_> {
    /// A number of the plan; one that nobody states is noted as missing.
    pub(super) fn quantity(&self, label: &str, quantity: &Quantity, unit: Unit) -> Node {
        let value = self.quantity_or_none(label, quantity, unit.clone());
        value.unwrap_or_else(|| self.missed_quantity(label, quantity, unit))
    }

    /// A number of the plan by which another one is multiplied: of nothing it is not needed.
    pub(super) fn factor(&self, of: &Node, label: &str, quantity: &Quantity, unit: Unit) -> Node {
        if !of.value.is_zero() {
            return self.quantity(label, quantity, unit);
        }
        let value = self.quantity_or_none(label, quantity, unit.clone());
        value.unwrap_or_else(|| unstated(label, unit).citing(&quantity.place))
    }

    /// The node of a number that nobody states, noted as missing.
    pub(super) fn missed_quantity(&self, label: &str, quantity: &Quantity, unit: Unit) -> Node {
        match &quantity.value {
            QuantityFrom::Fixed(_) => {}
            QuantityFrom::Column(name) => self.missed(Gap::Cell(name.clone()), &quantity.place),
            QuantityFrom::Formula(formula) => self.missed_value(formula, &quantity.place, Some(Gap::Null)),
        }
        unstated(label, unit).citing(&quantity.place)
    }

    /// Likewise; `None` where reps or measures say nothing, and the plan does not say what it is then.
    pub(super) fn quantity_or_none(&self, label: &str, quantity: &Quantity, unit: Unit) -> Option<Node> {
        let stated = self.quantity_stated(label, quantity, unit.clone());
        let otherwise = || {
            let label = format!("{label}, otherwise: {} says nothing", self.payee().id);
            Some(Node::input(label, unit, quantity.otherwise.clone()?))
        };
        stated.or_else(otherwise).map(|node| node.citing(&quantity.place))
    }

    fn quantity_stated(&self, label: &str, quantity: &Quantity, unit: Unit) -> Option<Node> {
        Some(match &quantity.value {
            QuantityFrom::Fixed(value) => Node::input(label, unit, value.clone()),
            QuantityFrom::Column(name) => {
                let value = self.payee().number(name, self.day())?.clone();
                Node::input(format!("{label} ({name} of {})", self.payee().id), unit, value)
            }
            QuantityFrom::Formula(expression) => {
                let value = formula::evaluate(expression, &quantity.place, &|name| self.named(name, None))?;
                Node { label: label.to_owned(), unit, ..value }
            }
        })
    }

    /// The name of the payee's team in a period.
    pub(super) fn team_in(&self, team: &Team, period: usize, place: &TextPlace) -> String {
        let key = self.problem.team_key(team, self.index, period);
        if let Team::Column(column) = team
            && key.starts_with(NO_TEAM)
            && self.at(period).is_there()
        {
            self.missed(Gap::Team(column.clone()), place);
        }
        key
    }

    /// Notes what is missing for the payee.
    pub(super) fn missed(&self, gap: Gap, place: &TextPlace) {
        self.prepared.gaps.note(gap, self.index, place);
    }

    /// Notes why an expression has no value: a cell that it names is empty, or else `otherwise`.
    pub(super) fn missed_value(&self, formula: &Expression, place: &TextPlace, otherwise: Option<Gap>) {
        let empty = formula.columns().into_iter().find(|name| {
            let is_measure = self.problem.plan.measures.iter().any(|measure| measure.name == head(name));
            let is_component = self.problem.plan.components.iter().any(|own| own.name == to_date(name).0);
            !is_measure && !is_component && self.named(name, None).is_none()
        });
        if let Some(gap) = empty.map(|name| Gap::Cell(name.to_owned())).or(otherwise) {
            self.missed(gap, place);
        }
    }
}

fn unstated(label: &str, unit: Unit) -> Node {
    Node::input(format!("{label} (no value)"), unit, Rational::zero())
}
