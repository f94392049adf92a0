//! Commission: measurement -> attainment -> earning, exact until the one rounding per payee, component and period.
//!
//! A component accumulates over its measure's window. What it earns in a period is what the window has earned up to
//! the end of the period, minus what it had earned up to the end of the period before (semantics E5, E33): the sum of
//! the earnings of a window never depends on the order of events, and never differs from one calculation at its end.

mod formula;
mod problem;
pub mod verify;

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::money::Money;
use crate::ground::rational::Rational;
use crate::ground::source::Place;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{CompPlan, Component, Goal, Window};

pub use problem::{Cell, Payee, Problem};

/// What one component earned one payee in one period.
#[derive(Clone, Debug)]
pub struct Earning {
    /// Index into the problem's payees.
    pub payee: usize,
    /// Index into the plan's components.
    pub component: usize,
    /// Index of the leaf period.
    pub period: usize,
    /// The measurement, accumulated over the window to the end of the period.
    pub measured: Rational,
    /// The goal, accumulated likewise.
    pub goal: Option<Rational>,
    /// Measurement / goal, when there is a goal above zero.
    pub attainment: Option<Rational>,
    /// What is earned, in minor units.
    pub amount: Money,
    /// Why.
    pub trace: Node,
}

/// The earnings of one plan, and what the user should know about them.
#[derive(Clone, Debug, Default)]
pub struct Earnings {
    /// By payee, period, component: in that order.
    pub lines: Vec<Earning>,
    /// Warnings.
    pub notices: Vec<Diagnostic>,
}

/// Calculates the earnings of one plan. Every payee with a measurement or a goal in a period gets a line for each
/// component; `Err` when an amount leaves the range of money.
pub fn earn(problem: &Problem<'_>) -> Result<Earnings, Diagnostic> {
    let mut result = Earnings::default();
    let mut without_goal: Vec<Vec<usize>> = vec![vec![]; problem.plan.components.len()];
    for (index, payee) in problem.payees.iter().enumerate() {
        for period in problem.periods.clone() {
            for (position, component) in problem.plan.components.iter().enumerate() {
                let context = Context { problem, payee, index, component };
                if !context.occurs(period) {
                    continue;
                }
                let line = context.line(position, period)?;
                if line.attainment.is_none() && formula::needs_goal(component) {
                    without_goal[position].push(index);
                }
                result.lines.push(line);
            }
        }
    }
    for (component, payees) in problem.plan.components.iter().zip(&mut without_goal) {
        payees.dedup();
        if let Some(first) = payees.first() {
            let some = &problem.payees[*first].id;
            let message = format!(
                "component `{}` pays nothing to {} payee(s) without a quota above zero, such as {some}",
                component.name,
                payees.len()
            );
            let fault =
                Diagnostic::warning(Code::SPM401, message).at(Place::Text(component.place.clone()), "");
            result.notices.push(fault.hint("add their quotas, or exclude them with `eligible`"));
        }
    }
    Ok(result)
}

struct Context<'a> {
    problem: &'a Problem<'a>,
    payee: &'a Payee,
    index: usize,
    component: &'a Component,
}

impl Context<'_> {
    fn plan(&self) -> &CompPlan {
        self.problem.plan
    }

    /// True when the payee has anything to show in the window up to the period.
    fn occurs(&self, period: usize) -> bool {
        let measure = &self.plan().measures[self.component.measure];
        let window = self.window(period);
        let measured = window.clone().any(|period| self.measured(period).is_some());
        let quota = matches!(measure.goal, Some(Goal::Quota(_)))
            && window.into_iter().any(|period| self.goal(period).is_some());
        let each = matches!(measure.goal, Some(Goal::Each(_)));
        measured || quota || each
    }

    fn window(&self, period: usize) -> std::ops::RangeInclusive<usize> {
        let periods = self.problem.calendar.periods();
        let same = |a: usize| {
            let (a, b) = (&periods[a], &periods[period]);
            match self.plan().measures[self.component.measure].window {
                Window::Period => a.name == b.name,
                Window::QuarterToDate => a.year == b.year && a.quarter == b.quarter,
                Window::YearToDate => a.year == b.year,
            }
        };
        let first = (0..=period).rev().take_while(|earlier| same(*earlier)).last().unwrap_or(period);
        first..=period
    }

    fn measured(&self, period: usize) -> Option<&Rational> {
        self.problem.measurements.get(&Cell { payee: self.index, measure: self.component.measure, period })
    }

    fn goal(&self, period: usize) -> Option<Rational> {
        match self.plan().measures[self.component.measure].goal.as_ref()? {
            Goal::Quota(name) => {
                self.problem.quotas.get(&(self.payee.id.clone(), name.clone(), period)).cloned()
            }
            Goal::Each(quantity) => self.payee.quantity(quantity),
        }
    }

    /// The value of a window, as a sum over its periods when it has several.
    fn accumulated(
        &self,
        label: &str,
        unit: &Unit,
        window: std::ops::RangeInclusive<usize>,
        value: &dyn Fn(usize) -> Option<Rational>,
    ) -> Node {
        let periods = self.problem.calendar.periods();
        let single = window.start() == window.end();
        let mut parts: Vec<Node> = window
            .filter_map(|period| {
                let name = &periods[period].name;
                Some(Node::input(format!("{label}, {name}"), unit.clone(), value(period)?))
            })
            .collect();
        match parts.pop() {
            None => Node::input(format!("{label}: none"), unit.clone(), Rational::zero()),
            Some(only) if single => only,
            Some(last) => {
                parts.push(last);
                Node::computed(format!("{label}, to date"), unit.clone(), Operation::Sum, parts)
            }
        }
    }

    /// What the window has earned up to the end of a period, rounded.
    fn cumulative(&self, period: usize) -> Result<(Node, Rational, Option<Rational>), Diagnostic> {
        let plan = self.plan();
        let measure = &plan.measures[self.component.measure];
        let window = self.window(period);
        let unit = self.problem.unit(self.component.measure);
        let measured =
            self.accumulated(&measure.name, &unit, window.clone(), &|period| self.measured(period).cloned());
        let measured = measured.citing(&measure.place);
        let has_goal = measure.goal.is_some() && window.clone().any(|period| self.goal(period).is_some());
        let goal = has_goal.then(|| {
            self.accumulated("goal", &unit, window, &|period| self.goal(period)).citing(&measure.place)
        });
        let values = (measured.value.clone(), goal.as_ref().map(|goal| goal.value.clone()));
        let pay = formula::pay(plan, self.component, self.payee, measured, goal);
        let decimals = plan.currency.decimals();
        let fits = Money::round(&pay.value, &plan.currency, plan.rounding).is_some();
        if !fits {
            let message = format!(
                "component `{}` earns {} more than any amount of money",
                self.component.name, self.payee.id
            );
            return Err(
                Diagnostic::error(Code::SPM402, message).at(Place::Text(self.component.place.clone()), "")
            );
        }
        let unit = Unit::Money(plan.currency.code().to_owned());
        let operation = Operation::Round { decimals, rounding: plan.rounding };
        let name = &self.problem.calendar.periods()[period].name;
        let rounded = Node::computed(format!("earned to the end of {name}"), unit, operation, vec![pay]);
        Ok((rounded, values.0, values.1))
    }

    fn line(&self, position: usize, period: usize) -> Result<Earning, Diagnostic> {
        let plan = self.plan();
        let (mut trace, measured, goal) = self.cumulative(period)?;
        if *self.window(period).start() < period {
            let (before, _, _) = self.cumulative(period - 1)?;
            let unit = Unit::Money(plan.currency.code().to_owned());
            trace = Node::computed("earned in the period", unit, Operation::Difference, vec![trace, before]);
        }
        trace.label = format!("{}, {}", self.component.name, self.problem.calendar.periods()[period].name);
        let trace = trace.citing(&self.component.place);
        let attainment =
            goal.as_ref().filter(|goal| goal.is_positive()).and_then(|goal| measured.checked_div(goal));
        let amount = Money::round(&trace.value, &plan.currency, plan.rounding)
            .ok_or_else(|| Diagnostic::error(Code::SPM402, "an earning is out of range"))?;
        Ok(Earning {
            payee: self.index,
            component: position,
            period,
            measured,
            goal,
            attainment,
            amount,
            trace,
        })
    }
}

#[cfg(test)]
mod tests;
