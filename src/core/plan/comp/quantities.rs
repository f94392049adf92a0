//! Every number of a plan that differs by payee, with what it is for (floor 1).

use super::{
    CapAmount, CompPlan, Component, GoalFrom, Item, MeasureSource, Multiplier, Pay, Quantity, QuantityFrom,
    Schedule,
};
use crate::ground::source::TextPlace;
use crate::plan::expression::{Expression, Function, Node};

/// A number column of reps that a plan reads, and what an empty cell of it leaves without a number.
#[derive(Clone, Debug)]
pub struct Needed<'p> {
    /// The column.
    pub column: &'p str,
    /// The component, measure or part of the plan that reads it.
    pub what: String,
    /// Where the plan says so.
    pub place: &'p TextPlace,
    /// Whether the cell itself is the number, not a part of a formula.
    pub is_whole: bool,
}

impl CompPlan {
    /// The columns of reps that the plan's numbers and formulas read. Formulas that say what NULL means are left out.
    #[must_use]
    pub fn needed(&self) -> Vec<Needed<'_>> {
        let mut all = Vec::new();
        for measure in &self.measures {
            if let Some(GoalFrom::Each(quantity)) = measure.goal.as_ref().map(|goal| &goal.from) {
                self.of_quantity(quantity, &format!("the goal of `{}`", measure.name), &mut all);
            }
            if let MeasureSource::Formula(formula, place) = &measure.source {
                self.of_formula(formula, place, &format!("the measure `{}`", measure.name), &mut all);
            }
        }
        for component in &self.components {
            let what = format!("`{}`", component.name);
            for quantity in quantities(component) {
                self.of_quantity(quantity, &what, &mut all);
            }
            if let Pay::Formula(formula, place) = &component.pay {
                self.of_formula(formula, place, &what, &mut all);
            }
        }
        let of_plan = [
            ("the cap of the plan", self.cap.as_ref().map(|cap| &cap.amount)),
            ("the guarantee", self.guarantee.as_ref().map(|guarantee| &guarantee.amount)),
            ("the draw", self.draw.as_ref().map(|draw| &draw.amount)),
        ];
        for (what, quantity) in of_plan {
            quantity.into_iter().for_each(|quantity| self.of_quantity(quantity, what, &mut all));
        }
        all
    }

    fn of_quantity<'p>(&'p self, quantity: &'p Quantity, what: &str, all: &mut Vec<Needed<'p>>) {
        match &quantity.value {
            _ if quantity.otherwise.is_some() => {}
            QuantityFrom::Fixed(_) => {}
            QuantityFrom::Column(column) => {
                all.push(Needed { column, what: what.to_owned(), place: &quantity.place, is_whole: true });
            }
            QuantityFrom::Formula(formula) => self.of_formula(formula, &quantity.place, what, all),
        }
    }

    /// Names that are neither measures nor components are columns.
    fn of_formula<'p>(
        &'p self,
        formula: &'p Expression,
        place: &'p TextPlace,
        what: &str,
        all: &mut Vec<Needed<'p>>,
    ) {
        let mut says_null = false;
        formula.visit(&mut |part| {
            says_null |= matches!(part.node, Node::IsNull(_) | Node::Function(Function::Coalesce, _));
        });
        for column in formula.columns().into_iter().filter(|_| !says_null) {
            let is_measure = self.measures.iter().any(|measure| {
                column
                    .strip_prefix(measure.name.as_str())
                    .is_some_and(|rest| ["", ".goal", ".attainment"].contains(&rest))
            });
            let is_component = self.components.iter().any(|own| own.name == super::to_date(column).0);
            if !is_measure && !is_component {
                all.push(Needed { column, what: what.to_owned(), place, is_whole: false });
            }
        }
    }
}

fn quantities(component: &Component) -> Vec<&Quantity> {
    let mut all: Vec<&Quantity> = Vec::new();
    match &component.pay {
        Pay::PerUnit(schedule) | Pay::Table(schedule) => of_schedule(schedule, &mut all),
        Pay::TargetShare { target, schedule } => {
            all.push(target);
            of_schedule(schedule, &mut all);
        }
        Pay::Fixed { amount, .. } | Pay::Pool { amount, .. } => all.push(amount),
        Pay::Formula(..) => {}
        Pay::Scorecard { target, items, .. } => {
            all.push(target);
            for Item { weight, schedule, .. } in items {
                all.push(weight);
                schedule.iter().for_each(|schedule| of_schedule(schedule, &mut all));
            }
        }
        Pay::Rank { prizes, .. } => all.extend(prizes),
    }
    for multiplier in &component.multipliers {
        if let Multiplier::Value(value) = multiplier {
            all.push(value);
        }
    }
    all.extend(&component.weight);
    if let Some(CapAmount::Amount(amount)) = component.cap.as_ref().map(|cap| &cap.amount) {
        all.push(amount);
    }
    all
}

fn of_schedule<'p>(schedule: &'p Schedule, all: &mut Vec<&'p Quantity>) {
    match schedule {
        Schedule::Flat(rate) => all.push(rate),
        Schedule::Tiers(tiers) => all.extend(tiers.steps.iter().map(|step| &step.rate)),
        Schedule::Curve(_) | Schedule::Matrix(_) => {}
    }
}
