//! The earnings of one component from period to period: what is due, what gates hold back, what caps cut or carry.

use std::collections::BTreeMap;

use super::figures::Standing;
use super::pay::{Formula, Paid};
use super::problem::{Deal, Prepared, Problem};
use super::team;
use super::transactions::{Looked, Step, Transactions};
use crate::ground::diagnostic::Diagnostic;
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation};
use crate::plan::comp::{Cap, CapPer, Component, Gate, Measure, MeasureSource, Pay, Window, to_date};

/// A line before it is an amount of money.
pub(super) struct Line {
    pub(super) period: usize,
    pub(super) trace: Node,
    pub(super) measured: Rational,
    pub(super) goal: Option<Rational>,
    pub(super) attainment: Option<Rational>,
    pub(super) without_goal: bool,
    /// What each transaction paid.
    pub(super) transactions: Vec<Rational>,
    /// What is above the cap so far, to be paid in later periods of the year.
    pub(super) carried: Rational,
}

/// The first period that has to be calculated: where a window or a year that reaches into the run begins.
pub(super) fn first_period(problem: &Problem<'_>) -> usize {
    let plan = problem.plan;
    let reaches = |component: &Component| {
        component.window.is_to_date()
            || component.cap.as_ref().is_some_and(|cap| cap.per == CapPer::Year || cap.carry)
            || component.budget.is_some()
    };
    let start = problem.periods.start;
    let names_year = |component: &Component| match &component.pay {
        Pay::Formula(formula, _) => formula.columns().iter().any(|name| to_date(name).1.is_some()),
        _ => false,
    };
    let reaches = |component: &Component| reaches(component) || names_year(component);
    // What was earned in the window before the run is not in any extract.
    let earned =
        |measure: &Measure| matches!(measure.source, MeasureSource::Earned(_)) && measure.window.is_to_date();
    let of_earnings = plan.measures.iter().any(earned);
    // What a refund takes back was earned before.
    let apart = |component: &Component| component.window == Window::Transaction;
    let refunded = plan.components.iter().any(apart)
        && problem.deals.values().flatten().any(|deal| deal.refund_of.is_some());
    if !refunded
        && !of_earnings
        && !plan.components.iter().any(reaches)
        && !plan.cap.as_ref().is_some_and(|cap| cap.per_year)
    {
        return start;
    }
    problem.calendar.group(start, Group::Year).start
}

/// One component over all periods.
pub(super) struct Sequence<'a> {
    problem: &'a Problem<'a>,
    prepared: &'a Prepared<'a>,
    component: &'a Component,
    first: usize,
    reached: BTreeMap<usize, team::Reached>,
    /// The transactions that are paid one by one.
    transactions: Option<Transactions<'a>>,
    /// What is left of the budget for each payee and deal, and who used it before.
    budget: BTreeMap<(usize, String), (Rational, String)>,
}

/// What a component remembers from period to period.
#[derive(Default)]
struct Memory {
    /// What the window had earned at the end of the period before.
    before: Option<Node>,
    /// What gates that catch up have held back in the window.
    held: Rational,
    /// Due in the fiscal year, before its cap.
    due_in_year: Rational,
    /// Paid in the fiscal year.
    paid_in_year: Rational,
    /// Above the cap of earlier periods of the year.
    carried: Rational,
    /// What each transaction of the period paid.
    transactions: Vec<Rational>,
}

/// What another component has earned in a period.
pub(super) type Earned<'e> = &'e dyn Fn(usize, &str) -> Option<Node>;

impl<'a> Sequence<'a> {
    pub(super) fn new(
        problem: &'a Problem<'a>,
        prepared: &'a Prepared<'a>,
        component: &'a Component,
        first: usize,
    ) -> Result<Self, Diagnostic> {
        let transactions = match (component.measure, &component.pay) {
            _ if component.window != Window::Transaction => None,
            (Some(measure), _) => Some(Transactions::of_measure(problem, measure)),
            (None, Pay::Formula(formula, _)) => Some(Transactions::of_formula(problem, formula)),
            (None, _) => None,
        };
        let (reached, budget) = (BTreeMap::new(), BTreeMap::new());
        let mut sequence = Self { problem, prepared, component, first, reached, transactions, budget };
        for period in first..problem.periods.end {
            let anyone = Standing { problem, prepared, index: 0, period, deal: None, day: None };
            if let Some(reached) = team::reached(component, &anyone) {
                if let Some(fault) = team::disagreement(component, &anyone, &reached) {
                    return Err(fault);
                }
                sequence.reached.insert(period, reached);
            }
        }
        sequence.spend()?;
        Ok(sequence)
    }

    fn standing(&self, index: usize, period: usize, deal: Option<Looked<'a>>) -> Standing<'a> {
        Standing { problem: self.problem, prepared: self.prepared, index, period, deal, day: None }
    }

    fn steps(&self, index: usize, period: usize) -> Vec<Step<'a>> {
        let all = self.transactions.as_ref();
        all.map(|all| all.steps(self.problem, index, period)).unwrap_or_default()
    }

    /// What a transaction pays, net of its refunds until one of them.
    fn of_transaction(
        &self,
        index: usize,
        (period, deal): (usize, &'a Deal),
        until: Option<&'a Deal>,
        earned: Earned<'_>,
    ) -> Result<Node, Diagnostic> {
        let measure = self.transactions.as_ref().and_then(Transactions::own);
        let standing = self.standing(index, period, Some(Looked { measure, deal, until }));
        let formula = Formula::new(self.component, standing);
        Ok(formula.pay(&|name| earned(period, name), &|_| true)?.pay)
    }

    /// Shares the budget out, first come, first served: by event date, then by transaction, then by payee. A refund gives
    /// back what its transaction had of it.
    fn spend(&mut self) -> Result<(), Diagnostic> {
        let Some((budget, _)) = &self.component.budget else { return Ok(()) };
        let nobody: Earned<'_> = &|_, _| None;
        let mut all = Vec::new();
        for index in 0..self.problem.payees.len() {
            for period in self.first..self.problem.periods.end {
                for step in self.steps(index, period) {
                    let year = self.problem.calendar.periods()[period].year.clone();
                    let (order, changes) = match step {
                        Step::Sale(deal) => {
                            let pay = self.of_transaction(index, (period, deal), None, nobody)?;
                            let order = (deal.date, deal.id(), false, deal.id());
                            (order, vec![(deal.id(), pay.value, None)])
                        }
                        Step::Refund { deal, of, before } => {
                            let mut changes = Vec::new();
                            for sold in &of {
                                let after = self.of_transaction(index, *sold, Some(deal), nobody)?;
                                let before = self.of_transaction(index, *sold, before, nobody)?;
                                changes.push((sold.1.id(), after.value, Some(before.value)));
                            }
                            // On the day of what it takes back, a refund comes right after it.
                            let last = of.iter().max_by_key(|(_, sold)| (sold.date, sold.id()));
                            let last = last.filter(|(_, sold)| sold.date >= deal.date);
                            let order = match last {
                                Some((_, sold)) => (sold.date, sold.id(), true, deal.id()),
                                None => (deal.date, deal.id(), true, deal.id()),
                            };
                            (order, changes)
                        }
                    };
                    all.push((order, index, year, changes));
                }
            }
        }
        all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        // What is left of a year, how many have used it, and the last of them.
        let mut years: BTreeMap<String, (Rational, usize, String)> = BTreeMap::new();
        for (_, index, year, changes) in all {
            let (left, users, last) =
                years.entry(year.clone()).or_insert_with(|| (budget.clone(), 0, String::new()));
            for (id, after, before) in changes {
                let is_sale = before.is_none();
                let most = match &before {
                    None => left.clone(),
                    Some(_) => {
                        let own = self.budget.get(&(index, id.clone()));
                        own.map(|(most, _)| most.clone()).unwrap_or_default()
                    }
                };
                let taken = &after.min(most.clone())
                    - &before.map_or_else(Rational::zero, |before| before.min(most.clone()));
                *left = &*left - &taken;
                let used = match users {
                    0 => format!("left of the budget of {year}, the first to use it"),
                    1 => format!("left of the budget of {year} after {last}"),
                    _ => format!("left of the budget of {year} after {users} deals, the last {last}"),
                };
                if is_sale && taken.is_positive() {
                    *users += 1;
                    *last = format!("{id} of {}", self.problem.payees[index].id);
                }
                self.budget.entry((index, id)).or_insert((most, used));
            }
        }
        Ok(())
    }

    /// Whether the payee gets a line: see the reference, "A component has a line for".
    fn occurs(&self, standing: &Standing<'_>) -> bool {
        let measures = &self.problem.plan.measures;
        let credited = |measure: &usize| matches!(measures[*measure].source, MeasureSource::Credits(..));
        match (&self.component.pay, self.component.measure) {
            (Pay::Pool { .. }, _) => standing.shares_in(self.component),
            (Pay::Formula(..) | Pay::Scorecard { .. }, Some(measure)) => {
                standing.shares_in(self.component) || standing.occurs(measure)
            }
            (_, Some(measure)) => standing.occurs(measure),
            (_, None) => {
                standing.shares_in(self.component)
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
            if *standing.stretch(self.component.window).start() == period {
                memory.before = None;
                memory.held = Rational::zero();
            }
            let gives_back = standing.only_gives_back(self.component);
            if !self.pays_in(period) || !gives_back && !self.is_employed(index, period) {
                continue;
            }
            let occurs = self.occurs(&standing);
            if !occurs && memory.carried.is_zero() {
                continue;
            }
            let formula = Formula::new(self.component, standing);
            let figures = formula.reached.clone();
            let again = memory.before.is_some();
            let (due, without_goal) = if !occurs {
                // Only what earlier periods left over the cap.
                (Node::input("nothing due", self.problem.money(), Rational::zero()), false)
            } else if self.component.window.is_to_date() && !self.is_gated_once() {
                self.due_of_window(&formula, earned, &mut memory)?
            } else {
                let paid = self.of_period(&formula, earned, &mut memory.transactions)?;
                (self.rounded("earned in the period", paid.pay), paid.without_goal)
            };
            let sold = again || figures.measured.value.is_positive();
            if gives_back && due.value.is_positive() && !self.pays_for_sales_alone(sold) {
                continue;
            }
            // What a team had earned before somebody came is not theirs: it only is what the first period starts from.
            let is_to_date = self.component.window.is_to_date();
            if occurs && !gives_back && is_to_date && !standing.has_been_there(self.component.window) {
                continue;
            }
            let transactions = std::mem::take(&mut memory.transactions);
            let trace = self.limited(&formula, due, &mut memory);
            lines.push(Line {
                period,
                measured: figures.measured.value.clone(),
                attainment: figures.attainment().map(|node| node.value),
                goal: figures.goal.map(|goal| goal.value),
                without_goal,
                transactions,
                carried: memory.carried.clone(),
                trace,
            });
        }
        Ok(lines)
    }

    /// Whether somebody would have a rank by attainment and has no goal.
    fn competes_without_goal(&self, formula: &Formula<'a>) -> bool {
        let compared = |measure: usize| self.problem.plan.measures[measure].goal.is_some();
        matches!(self.component.pay, Pay::Rank { .. })
            && self.component.measure.is_some_and(compared)
            && formula.reached.present
            && formula.reached.usable_goal().is_none()
            && formula.payout.standing.shares_in(self.component)
    }

    /// Whether what is due to somebody who is not there comes of refunds that are taken back again, and of nothing else, such as the
    /// fixed part of a formula. `sold`: what is measured is a sale again, or less is taken back than before.
    fn pays_for_sales_alone(&self, sold: bool) -> bool {
        self.transactions.is_some() || sold && !matches!(self.component.pay, Pay::Formula(..))
    }

    /// Whether a period is one in which the component pays.
    fn pays_in(&self, period: usize) -> bool {
        self.problem.paid_in(self.component.every, period) == period
    }

    /// Whether gates are asked once for a whole window, because nothing of it is paid before its end: then they come before
    /// weight and cap, as in a period.
    fn is_gated_once(&self) -> bool {
        let whole = matches!(
            (self.component.window, self.component.every),
            (Window::QuarterToDate, Group::Quarter) | (Window::YearToDate, Group::Year)
        );
        whole && !self.component.gates.is_empty()
    }

    /// Whether the payee may be paid for the period: with `employed`, who is in the plan on its last day.
    fn is_employed(&self, index: usize, period: usize) -> bool {
        !self.component.employed || !self.problem.there(index, self.problem.last_of(period)).is_empty()
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
        earned: Earned<'_>,
        transactions: &mut Vec<Rational>,
    ) -> Result<Paid, Diagnostic> {
        let standing = formula.payout.standing;
        let period = standing.period;
        if let Some(reached) = self.reached.get(&period) {
            let pay = formula.modified(team::pay(self.component, &standing, reached), &|_| true);
            return Ok(Paid {
                pay,
                without_goal: self.competes_without_goal(formula) || formula.lacks_goal(),
            });
        }
        if self.transactions.is_none() {
            return formula.pay(&|name| earned(period, name), &|_| true);
        }
        let mut parts = Vec::new();
        for step in self.steps(standing.index, period) {
            let (label, pay) = self.of_step(standing.index, period, step, earned)?;
            transactions.push(pay.value.clone());
            parts.push(if self.problem.explain_deals {
                Node { label, ..pay }
            } else {
                Node::input(label, pay.unit.clone(), pay.value)
            });
        }
        let pay = Node::computed("sum of the transactions", self.problem.money(), Operation::Sum, parts);
        Ok(Paid { pay, without_goal: false })
    }

    /// What a credit pays; what a refund takes back: what its transaction pays with it, less what it paid before.
    fn of_step(
        &self,
        index: usize,
        period: usize,
        step: Step<'a>,
        earned: Earned<'_>,
    ) -> Result<(String, Node), Diagnostic> {
        let money = self.problem.money();
        let within = |deal: &Deal, pay: Node| match self.budget.get(&(index, deal.id())) {
            None => pay,
            Some((left, used)) => {
                let left = Node::input(used, money.clone(), left.clone());
                Node::computed("within the budget", money.clone(), Operation::Minimum, vec![pay, left])
            }
        };
        let (deal, of, before) = match step {
            Step::Sale(deal) => {
                let pay = self.of_transaction(index, (period, deal), None, earned)?;
                return Ok((format!("transaction {}", deal.id()), within(deal, pay)));
            }
            Step::Refund { deal, of, before } => (deal, of, before),
        };
        let mut parts = Vec::new();
        for sold in of {
            let id = sold.1.id();
            let pay = |until, earned| {
                let pay = self.of_transaction(index, sold, until, earned)?;
                Ok::<_, Diagnostic>(within(sold.1, pay))
            };
            let (with, without) = (pay(Some(deal), earned)?, pay(before, earned)?);
            let with = Node { label: format!("transaction {id} after the refund"), ..with };
            let without = Node { label: format!("transaction {id} before it"), ..without };
            let label = format!("taken back of transaction {id}");
            parts.push(Node::computed(label, money.clone(), Operation::Difference, vec![with, without]));
        }
        let label = format!("transaction {}", deal.id());
        let pay = match parts.len() {
            1 => parts.swap_remove(0),
            _ => Node::computed("taken back", money.clone(), Operation::Sum, parts),
        };
        Ok((label, pay))
    }

    /// What the window has earned up to the end of the period, minus what it had earned before, through the gates; with what
    /// gates that catch up have held back before, when all of those are open.
    fn due_of_window(
        &self,
        formula: &Formula<'a>,
        earned: Earned<'_>,
        memory: &mut Memory,
    ) -> Result<(Node, bool), Diagnostic> {
        let period = formula.payout.standing.period;
        let name = &self.problem.calendar.periods()[period].name;
        let paid = match self.reached.get(&period) {
            Some(reached) => {
                let pay = team::pay(self.component, &formula.payout.standing, reached);
                let without_goal = self.competes_without_goal(formula) || formula.lacks_goal();
                Paid { pay: formula.modified(pay, &|_| false), without_goal }
            }
            None => formula.pay(&|name| earned(period, name), &|_| false)?,
        };
        let to_date = self.rounded(&format!("earned to the end of {name}"), paid.pay);
        let mut due = match memory.before.replace(to_date.clone()) {
            Some(before) => {
                let children = vec![to_date, before];
                Node::computed("earned in the period", self.problem.money(), Operation::Difference, children)
            }
            None => to_date,
        };
        let (catching, losing): (Vec<&Gate>, Vec<&Gate>) =
            self.component.gates.iter().partition(|gate| gate.catch_up);
        for gate in losing {
            due = formula.gated(gate, due);
        }
        let whole = due.value.clone();
        for gate in &catching {
            due = formula.gated(gate, due);
        }
        let open = catching.iter().all(|gate| formula.is_open(gate));
        if open && !memory.held.is_zero() {
            let held = Node::input("held back before by the gate", self.problem.money(), memory.held.clone());
            let label = "earned in the period, with what was held back";
            due = Node::computed(label, self.problem.money(), Operation::Sum, vec![due, held]);
        }
        let parts = |gate: &Gate| !gate.otherwise.is_zero() && gate.otherwise != Rational::one();
        if self.component.gates.iter().any(parts) {
            due = self.rounded("earned in the period", due);
        }
        memory.held = if open { Rational::zero() } else { &memory.held + &(&whole - &due.value) };
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
