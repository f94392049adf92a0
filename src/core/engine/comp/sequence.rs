//! The earnings of one component from period to period: what is due, what gates hold back, what caps cut or carry.

use std::collections::BTreeMap;

use super::figures::Standing;
use super::pay::{Formula, Paid};
use super::problem::{Cell, Deal, Problem, Teams};
use super::team;
use crate::ground::diagnostic::Diagnostic;
use crate::ground::period::{DateRange, Group};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation};
use crate::plan::comp::{Cap, CapPer, Component, Gate, MeasureSource, Pay, Window, to_date};

/// A line before it is an amount of money.
pub(super) struct Line {
    pub(super) period: usize,
    pub(super) trace: Node,
    pub(super) measured: Rational,
    pub(super) goal: Option<Rational>,
    pub(super) attainment: Option<Rational>,
    pub(super) without_goal: bool,
}

/// The first period that has to be calculated: where a window or a year that reaches into the run begins.
pub(super) fn first_period(problem: &Problem<'_>) -> usize {
    let plan = problem.plan;
    let reaches = |component: &Component| {
        accumulates(problem, component)
            || component.cap.as_ref().is_some_and(|cap| cap.per == CapPer::Year || cap.carry)
            || component.budget.is_some()
    };
    let start = problem.periods.start;
    let names_year = |component: &Component| match &component.pay {
        Pay::Formula(formula, _) => formula.columns().iter().any(|name| to_date(name).1.is_some()),
        _ => false,
    };
    let reaches = |component: &Component| reaches(component) || names_year(component);
    if !plan.components.iter().any(reaches) && !plan.cap.as_ref().is_some_and(|cap| cap.per_year) {
        return start;
    }
    problem.calendar.group(start, Group::Year).start
}

/// True when a component pays the difference of what its window has earned.
fn accumulates(problem: &Problem<'_>, component: &Component) -> bool {
    let window = component.measure.map(|measure| problem.plan.measures[measure].window);
    matches!(window, Some(Window::QuarterToDate | Window::YearToDate))
}

/// One component over all periods.
pub(super) struct Sequence<'a> {
    problem: &'a Problem<'a>,
    teams: &'a Teams,
    component: &'a Component,
    first: usize,
    reached: BTreeMap<usize, team::Reached>,
    /// What is left of the budget for each payee and deal.
    budget: BTreeMap<(usize, String), Rational>,
}

/// What a component remembers from period to period.
#[derive(Default)]
struct Memory {
    /// What the window had earned at the end of the period before.
    before: Option<Node>,
    /// What the window has settled so far.
    settled: Rational,
    /// Due in the fiscal year, before its cap.
    due_in_year: Rational,
    /// Paid in the fiscal year.
    paid_in_year: Rational,
    /// Above the cap of earlier periods of the year.
    carried: Rational,
}

/// What another component has earned in a period.
pub(super) type Earned<'e> = &'e dyn Fn(usize, &str) -> Option<Node>;

impl<'a> Sequence<'a> {
    pub(super) fn new(
        problem: &'a Problem<'a>,
        teams: &'a Teams,
        component: &'a Component,
        first: usize,
    ) -> Result<Self, Diagnostic> {
        let mut sequence =
            Self { problem, teams, component, first, reached: BTreeMap::new(), budget: BTreeMap::new() };
        for period in first..problem.periods.end {
            let anyone = Standing { problem, teams, index: 0, period, deal: None, day: None };
            if let Some(reached) = team::reached(component, &anyone) {
                sequence.reached.insert(period, reached);
            }
        }
        sequence.spend()?;
        Ok(sequence)
    }

    fn standing(&self, index: usize, period: usize, deal: Option<&'a Deal>) -> Standing<'a> {
        Standing { problem: self.problem, teams: self.teams, index, period, deal, day: None }
    }

    fn deals(&self, index: usize, period: usize) -> &'a [Deal] {
        let Some(measure) = self.component.measure else { return &[] };
        self.problem.deals.get(&Cell { payee: index, measure, period }).map_or(&[], Vec::as_slice)
    }

    /// Shares the budget out, first come, first served: by event date, then by transaction, then by payee.
    fn spend(&mut self) -> Result<(), Diagnostic> {
        let Some((budget, _)) = &self.component.budget else { return Ok(()) };
        let mut all = Vec::new();
        for index in 0..self.problem.payees.len() {
            for period in self.first..self.problem.periods.end {
                for deal in self.deals(index, period) {
                    let formula = Formula::new(self.component, self.standing(index, period, Some(deal)));
                    let paid = formula.pay(&|_| None, &|_| true)?;
                    let year = self.problem.calendar.periods()[period].year.clone();
                    all.push((deal.date, deal.id.clone(), index, year, paid.pay.value));
                }
            }
        }
        all.sort_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)));
        let mut left: BTreeMap<String, Rational> = BTreeMap::new();
        for (_, id, index, year, pay) in all {
            let left = left.entry(year).or_insert_with(|| budget.clone());
            self.budget.insert((index, id), left.clone());
            *left = &*left - &pay.min(left.clone());
        }
        Ok(())
    }

    /// Whether the payee gets a line: see the reference, "A component has a line for".
    fn occurs(&self, standing: &Standing<'_>) -> bool {
        let measures = &self.problem.plan.measures;
        let credited = |measure: &usize| matches!(measures[*measure].source, MeasureSource::Credits(..));
        match (&self.component.pay, self.component.measure) {
            (Pay::Pool { .. }, _) => standing.is_there(),
            (_, Some(measure)) => standing.occurs(measure),
            (_, None) => {
                standing.is_there()
                    || (0..measures.len()).filter(credited).any(|measure| standing.occurs(measure))
            }
        }
    }

    /// The lines of a payee, from the first period on that has to be calculated.
    pub(super) fn of(&self, index: usize, earned: Earned<'_>) -> Result<Vec<Line>, Diagnostic> {
        let periods = self.problem.calendar.periods();
        let mut memory = Memory::default();
        let mut lines = Vec::new();
        for period in self.first..self.problem.periods.end {
            if period > self.first && periods[period].year != periods[period - 1].year {
                memory = Memory::default();
            }
            let standing = self.standing(index, period, None);
            let starts =
                self.component.measure.is_none_or(|measure| *standing.window(measure).start() == period);
            if starts {
                memory.before = None;
                memory.settled = Rational::zero();
            }
            if !self.pays_in(period) || !self.is_employed(index, period) {
                continue;
            }
            let occurs = self.occurs(&standing);
            if !occurs && memory.carried.is_zero() {
                continue;
            }
            let others = |name: &str| earned(period, name);
            let formula = Formula::new(self.component, standing);
            let figures = formula.reached.clone();
            let (due, without_goal) = if !occurs {
                // Only what earlier periods left over the cap.
                (Node::input("nothing due", self.problem.money(), Rational::zero()), false)
            } else if accumulates(self.problem, self.component) {
                self.due_of_window(&formula, &others, &mut memory)?
            } else {
                let paid = self.of_period(&formula, &others)?;
                (self.rounded("earned in the period", paid.pay), paid.without_goal)
            };
            let trace = self.limited(&formula, due, &mut memory);
            lines.push(Line {
                period,
                measured: figures.measured.value.clone(),
                attainment: figures.attainment().map(|node| node.value),
                goal: figures.goal.map(|goal| goal.value),
                without_goal,
                trace,
            });
        }
        Ok(lines)
    }

    /// Whether a period is one in which the component pays.
    fn pays_in(&self, period: usize) -> bool {
        self.problem.paid_in(self.component.every, period) == period
    }

    /// Whether the payee may be paid for the period: with `employed`, who is in the plan on its last day.
    fn is_employed(&self, index: usize, period: usize) -> bool {
        let to = self.problem.calendar.periods()[period].range.to.min(self.problem.plan.effective.to);
        let last = DateRange { from: to.yesterday().unwrap_or(to), to };
        !self.component.employed || !self.problem.there(index, last).is_empty()
    }

    fn rounded(&self, label: &str, node: Node) -> Node {
        let plan = self.problem.plan;
        let operation = Operation::Round { decimals: plan.currency.decimals(), rounding: plan.rounding };
        if crate::ground::round::round_to_decimals(&node.value, plan.currency.decimals(), plan.rounding)
            .is_none()
        {
            // Beyond any amount of money: reported where the line becomes one.
            return node;
        }
        Node::computed(label, self.problem.money(), operation, vec![node])
    }

    /// Pay of one period or of its single transactions.
    fn of_period(
        &self,
        formula: &Formula<'a>,
        others: &dyn Fn(&str) -> Option<Node>,
    ) -> Result<Paid, Diagnostic> {
        let standing = formula.payout.standing;
        if let Some(reached) = self.reached.get(&standing.period) {
            let pay = team::pay(self.component, &standing, reached);
            return Ok(Paid { pay, without_goal: false });
        }
        let window = self.component.measure.map(|measure| self.problem.plan.measures[measure].window);
        if window != Some(Window::Transaction) {
            return formula.pay(others, &|_| true);
        }
        let mut parts = Vec::new();
        for deal in self.deals(standing.index, standing.period) {
            let own = Formula::new(self.component, Standing { deal: Some(deal), ..standing });
            let mut pay = own.pay(others, &|_| true)?.pay;
            if let Some(left) = self.budget.get(&(standing.index, deal.id.clone())) {
                let left = Node::input("left in the budget", self.problem.money(), left.clone());
                pay = Node::computed(
                    "within the budget",
                    self.problem.money(),
                    Operation::Minimum,
                    vec![pay, left],
                );
            }
            let label = format!("transaction {}", deal.id);
            parts.push(if self.problem.explain_deals {
                Node { label, ..pay }
            } else {
                Node::input(label, pay.unit.clone(), pay.value)
            });
        }
        let pay = Node::computed("sum of the transactions", self.problem.money(), Operation::Sum, parts);
        Ok(Paid { pay, without_goal: false })
    }

    /// What the window has earned up to the end of the period, minus what it had before or has settled.
    fn due_of_window(
        &self,
        formula: &Formula<'a>,
        others: &dyn Fn(&str) -> Option<Node>,
        memory: &mut Memory,
    ) -> Result<(Node, bool), Diagnostic> {
        let name = &self.problem.calendar.periods()[formula.payout.standing.period].name;
        let paid = match self.reached.get(&formula.payout.standing.period) {
            Some(reached) => Paid {
                pay: team::pay(self.component, &formula.payout.standing, reached),
                without_goal: false,
            },
            None => formula.pay(others, &|_| false)?,
        };
        let to_date = self.rounded(&format!("earned to the end of {name}"), paid.pay);
        let catch_up = self.component.gates.iter().any(|gate| gate.catch_up);
        let before = if catch_up {
            let settled = memory.settled.clone();
            (!settled.is_zero()).then(|| Node::input("settled before", self.problem.money(), settled))
        } else {
            memory.before.clone()
        };
        memory.before = Some(to_date.clone());
        let mut due = match before {
            Some(before) => {
                let children = vec![to_date, before];
                Node::computed("earned in the period", self.problem.money(), Operation::Difference, children)
            }
            None => to_date,
        };
        if !self.component.gates.is_empty() {
            for gate in &self.component.gates {
                due = formula.gated(gate, due);
            }
            let parts = |gate: &Gate| !gate.otherwise.is_zero() && gate.otherwise != Rational::one();
            if self.component.gates.iter().any(parts) {
                due = self.rounded("earned in the period", due);
            }
        }
        memory.settled += &due.value;
        Ok((due, paid.without_goal))
    }

    /// Caps of a period or a year.
    fn limited(&self, formula: &Formula<'a>, due: Node, memory: &mut Memory) -> Node {
        let money = self.problem.money();
        let cap: Option<&Cap> = self.component.cap.as_ref().filter(|cap| cap.per != CapPer::Window);
        let Some(cap) = cap else { return due };
        let limit = formula.cap(&cap.amount).citing(&cap.place);
        if cap.per == CapPer::Year {
            return self.limited_in_year(due, limit, memory);
        }
        let mut available = due;
        if cap.carry && !memory.carried.is_zero() {
            let carried = Node::input("carried from before", money.clone(), memory.carried.clone());
            available = Node::computed(
                "due, with what was carried",
                money.clone(),
                Operation::Sum,
                vec![available, carried],
            );
        }
        let most = Node::computed(
            "not more than the cap",
            money,
            Operation::Minimum,
            vec![available.clone(), limit],
        );
        let paid = self.rounded("paid under the cap", most);
        memory.carried = if cap.carry { &available.value - &paid.value } else { Rational::zero() };
        paid
    }

    /// What is due in the year so far, at most the limit, minus what was paid of it: a refund after the limit was
    /// reached takes back only what had been paid.
    fn limited_in_year(&self, due: Node, limit: Node, memory: &mut Memory) -> Node {
        let money = self.problem.money();
        let mut all = due;
        if !memory.due_in_year.is_zero() {
            let before = Node::input("due in the year before", money.clone(), memory.due_in_year.clone());
            all = Node::computed("due in the year", money.clone(), Operation::Sum, vec![before, all]);
        }
        memory.due_in_year = all.value.clone();
        let most =
            Node::computed("not more than the cap", money.clone(), Operation::Minimum, vec![all, limit]);
        let to_date = self.rounded("payable in the year", most);
        let before = Node::input("paid in the year before", money.clone(), memory.paid_in_year.clone());
        memory.paid_in_year = to_date.value.clone();
        Node::computed("paid under the cap", money, Operation::Difference, vec![to_date, before])
    }
}
