//! What a payee has reached at the end of a period: measurement, goal and attainment of a measure, and the numbers of
//! the plan that differ by payee, each as a node of the explanation.

use std::ops::RangeInclusive;

use super::Problem;
use super::formula;
use super::gaps::Gap;
use super::pay::Others;
use super::problem::{Amounts, Cell, Payee, Prepared};
use super::transactions::Looked;
use crate::ground::id::PayeeId;
use crate::ground::period::{Date, DateRange, Group};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{
    Component, Goal, GoalFrom, Measure, MeasureSource, Proration, Quantity, Recipient, Team, Window,
};
use crate::plan::contract::OWN_QUOTA;

/// A payee at the end of a period.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) index: usize,
    pub(super) period: usize,
    /// The transaction looked at, in windows of single transactions.
    pub(super) deal: Option<Looked<'a>>,
    /// The day on which columns of reps are read, when it is not that of the transaction or the last one there.
    pub(super) day: Option<Date>,
}

/// Measurement, goal and attainment of one measure.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) measured: Node,
    /// `None` without a goal.
    pub(super) goal: Option<Node>,
    /// Whether anything was measured at all.
    pub(super) present: bool,
}

impl Figures {
    /// The goal, when it can be attained at all.
    pub(super) fn usable_goal(&self) -> Option<&Node> {
        self.goal.as_ref().filter(|goal| goal.value.is_positive())
    }

    /// Measurement / goal.
    pub(super) fn attainment(&self) -> Option<Node> {
        let goal = self.usable_goal()?.clone();
        Some(Node::computed(
            "attainment",
            Unit::Percent,
            Operation::Quotient,
            vec![self.measured.clone(), goal],
        ))
    }
}

impl<'a> Standing<'a> {
    pub(super) fn payee(&self) -> &'a Payee {
        &self.problem.payees[self.index]
    }

    pub(super) fn measure(&self, measure: usize) -> &'a Measure {
        &self.problem.plan.measures[measure]
    }

    /// The periods that a measure has accumulated at the end of the period.
    pub(super) fn window(&self, measure: usize) -> RangeInclusive<usize> {
        self.stretch(self.measure(measure).window)
    }

    /// The periods that a window has accumulated at the end of the period.
    pub(super) fn stretch(&self, window: Window) -> RangeInclusive<usize> {
        let first = match window {
            Window::Transaction | Window::Period => self.period,
            Window::QuarterToDate => self.group(Group::Quarter).start,
            Window::YearToDate => self.group(Group::Year).start,
            Window::Rolling(count) => (self.period + 1).saturating_sub(count),
        };
        first..=self.period
    }

    pub(super) fn group(&self, group: Group) -> std::ops::Range<usize> {
        self.problem.calendar.group(self.period, group)
    }

    /// The periods whose goals and targets count for a measure.
    fn goal_periods(&self, measure: usize) -> RangeInclusive<usize> {
        match self.measure(measure).goal.as_ref().and_then(|goal| goal.basis) {
            Some(basis) => {
                let all = self.group(basis);
                all.start..=all.end - 1
            }
            None => self.until_left(self.window(measure)),
        }
    }

    /// Credits of the payee in one period, or of the whole team.
    pub(super) fn amounts(&self, measure: usize, period: usize) -> Option<Amounts> {
        match &self.measure(measure).team {
            None => self.problem.measurements.get(&Cell { payee: self.index, measure, period }).cloned(),
            Some(_) if !self.is_before_the_end(period) => None,
            Some(team) => {
                let key = self.team_in(team, period, &self.measure(measure).place);
                self.prepared.team(measure, key, period).cloned()
            }
        }
    }

    /// True when the payee has anything to show for a measure: credits, or a goal.
    pub(super) fn occurs(&self, measure: usize) -> bool {
        if matches!(self.measure(measure).source, MeasureSource::Formula(..)) {
            return self.behind(measure).any(|other| self.occurs(other));
        }
        // What is paid anew in each period is not for somebody who is not there; a refund takes back what they had been paid.
        if !self.measure(measure).window.is_to_date() && !self.is_there() {
            return self.gives_back(measure);
        }
        let window = self.window(measure);
        let is_there = match &self.measure(measure).source {
            MeasureSource::Earned(_) => self.has_earnings(measure, window.clone()),
            MeasureSource::Reached(reached) => !self.people(measure, reached).is_empty(),
            _ => window.clone().any(|period| self.amounts(measure, period).is_some()),
        };
        if is_there {
            return true;
        }
        match self.measure(measure).goal.as_ref().map(|goal| &goal.from) {
            Some(GoalFrom::Quota(name)) => {
                let there = |period: usize| self.at(period).is_there();
                window.into_iter().any(|period| there(period) && self.quota(name, period, measure).is_some())
            }
            Some(GoalFrom::Each(_)) => window.into_iter().any(|period| !self.participation(period).is_zero()),
            None => false,
        }
    }

    /// The measures that a calculated one names.
    pub(super) fn behind(&self, measure: usize) -> impl Iterator<Item = usize> {
        let plan = self.problem.plan;
        let heads: Vec<&str> = match &self.measure(measure).source {
            MeasureSource::Formula(formula, _) => formula.columns().into_iter().map(head).collect(),
            _ => vec![],
        };
        (0..measure).filter(move |other| heads.contains(&plan.measures[*other].name.as_str()))
    }

    /// The quota of the payee: for a measure of own credits the own one of somebody who leads others and sells, where there
    /// is one; for a measure of a team, where the payee has none, that of the team.
    fn quota(&self, name: &str, period: usize, measure: usize) -> Option<Rational> {
        // The quota of a period in which the payee is in another plan is that plan's; a team's count as its amounts do.
        let counts = match (&self.measure(measure).team, &self.payee().enrolled) {
            (Some(_), _) => self.is_before_the_end(period),
            (None, Some(_)) => self.at(period).is_there(),
            (None, None) => true,
        };
        if !counts {
            return None;
        }
        let of = |holder: PayeeId| self.problem.quotas.get(&(holder, name.to_owned(), period)).cloned();
        let id = self.payee().id.as_str();
        let own = self.is_own(measure).then(|| of(PayeeId::from(format!("{id}{OWN_QUOTA}").as_str())));
        own.flatten().or_else(|| of(PayeeId::from(id))).or_else(|| {
            match self.measure(measure).team.as_ref()? {
                Team::All => of(PayeeId::from("all")),
                team @ Team::Column(_) => {
                    of(PayeeId::from(self.problem.team_key(team, self.index, period).as_str()))
                }
            }
        })
    }

    /// Whether a measure is of what the payee was credited with directly, not of what others below or in a team were.
    fn is_own(&self, measure: usize) -> bool {
        let definition = self.measure(measure);
        let plan = self.problem.plan;
        match &definition.source {
            _ if definition.is_of_others() => false,
            MeasureSource::Earned(_) | MeasureSource::Reached(_) => true,
            MeasureSource::Credits(credits, _) => {
                credits.iter().all(|credit| matches!(plan.credits[*credit].recipient, Recipient::Direct(_)))
            }
            MeasureSource::Formula(formula, _) => {
                let heads: Vec<&str> = formula.columns().into_iter().map(head).collect();
                let named = |other: &usize| heads.contains(&plan.measures[*other].name.as_str());
                (0..measure).filter(named).all(|other| self.is_own(other))
            }
        }
    }

    /// Measurement and goal of a measure at the end of the period; of the transaction looked at, if there is one.
    pub(super) fn figures(&self, measure: usize) -> Figures {
        let definition = self.measure(measure);
        if definition.window == Window::Transaction {
            let (measured, present) = match (&self.deal, &definition.source) {
                (Some(looked), MeasureSource::Credits(_, aggregate)) => {
                    self.of_transaction(measure, *aggregate, looked)
                }
                (None, MeasureSource::Formula(..)) => self.of_each_transaction(measure),
                (Some(_), MeasureSource::Formula(..)) => self.evaluated(measure),
                (None, MeasureSource::Credits(_, aggregate)) => {
                    self.aggregated(measure, *aggregate, self.window(measure))
                }
                // Neither has this window.
                (_, MeasureSource::Earned(_) | MeasureSource::Reached(_)) => self.evaluated(measure),
            };
            return Figures { measured: measured.citing(&definition.place), goal: None, present };
        }
        let window = self.window(measure);
        let (measured, present) = match &definition.source {
            MeasureSource::Credits(_, aggregate) => self.aggregated(measure, *aggregate, window.clone()),
            MeasureSource::Formula(..) => self.evaluated(measure),
            MeasureSource::Earned(_) => self.earnings(measure, window.clone()),
            MeasureSource::Reached(reached) => self.reached(measure, reached),
        };
        let goal = definition.goal.as_ref().and_then(|goal| {
            self.goal(goal, self.goal_periods(measure), &self.problem.unit(measure), measure)
                .map(|node| node.citing(&definition.place))
        });
        Figures { measured: measured.citing(&definition.place), goal, present }
    }

    fn goal(&self, goal: &Goal, periods: RangeInclusive<usize>, unit: &Unit, measure: usize) -> Option<Node> {
        let own = |period: usize| self.goal_of(goal, period, unit, measure);
        if !goal.adds_up {
            // Of the whole quarter or year the payee may be there for a part only.
            let there = periods.clone().rev().filter(|period| self.at(*period).is_there()).find_map(own);
            return there.or_else(|| periods.rev().find_map(own));
        }
        let parts = periods.clone().filter_map(own).collect();
        let label = match goal.basis {
            None | Some(Group::Period) => "goal, to date",
            Some(Group::Quarter) => "goal of the quarter",
            Some(Group::Year) => "goal of the year",
        };
        summed(label, unit, &periods, parts)
    }

    /// The goal of one period, shrunk by participation and ramp.
    fn goal_of(&self, goal: &Goal, period: usize, unit: &Unit, measure: usize) -> Option<Node> {
        let name = &self.problem.calendar.periods()[period].name;
        let label = format!("goal, {name}");
        let mut factors = Vec::new();
        let base = match &goal.from {
            GoalFrom::Quota(quota) => {
                factors.extend(self.participation_node(period).filter(|_| goal.prorate));
                let of = if goal.retro { self.period } else { period };
                Node::input(label, unit.clone(), self.quota(quota, of, measure)?)
            }
            GoalFrom::Each(quantity) => {
                match self.changing("goal", quantity, unit, period, goal.prorate) {
                    // It shrinks in its parts already.
                    Some(blended) => Node { label, ..blended },
                    None => {
                        factors.extend(self.participation_node(period).filter(|_| goal.prorate));
                        Node { label, ..self.of_period("goal", quantity, unit.clone(), period)? }
                    }
                }
            }
        };
        if let Some(ramp) = goal.ramp {
            factors.extend(self.ramp_node(ramp, period));
        }
        if factors.is_empty() {
            return Some(base);
        }
        let label = base.label.clone();
        factors.insert(0, base);
        Some(Node::computed(format!("{label}, of the payee"), unit.clone(), Operation::Product, factors))
    }

    /// Months of tenure at the start of a period, from 1; `None` without a hire date.
    pub(super) fn tenure(&self, period: usize) -> Option<usize> {
        let hired = self.payee().hired?;
        let from = self.problem.calendar.periods()[period].range.from;
        let whole = (i64::from(from.year()) - i64::from(hired.year())) * 12 + i64::from(from.month())
            - i64::from(hired.month())
            - i64::from(from.day() < hired.day());
        usize::try_from(whole.max(0) + 1).ok()
    }

    fn ramp_node(&self, ramp: usize, period: usize) -> Option<Node> {
        let ramp = &self.problem.plan.ramps[ramp];
        if self.payee().hired.is_none() {
            self.missed(Gap::HireDate(format!("the ramp `{}`", ramp.name)), &ramp.place);
        }
        let month = self.tenure(period)?;
        let share = ramp.shares.get(month - 1)?;
        let label = format!("ramp `{}`, month {month}", ramp.name);
        Some(Node::input(label, Unit::Percent, share.clone()).citing(&ramp.place))
    }

    /// True while a ramp without accelerators lowers the goal of a measure.
    pub(super) fn without_accelerators(&self, measure: usize) -> bool {
        let ramp = self.measure(measure).goal.as_ref().and_then(|goal| goal.ramp);
        ramp.is_some_and(|ramp| {
            let ramp = &self.problem.plan.ramps[ramp];
            !ramp.accelerators && self.tenure(self.period).is_some_and(|month| month <= ramp.shares.len())
        })
    }

    /// The part of a period in which the payee is in the plan (E11): 1 where nothing cuts it.
    pub(super) fn participation(&self, period: usize) -> Rational {
        self.participation_in(period, self.problem.calendar.periods()[period].range)
    }

    /// The part of a period that the payee is in the plan on some of its days.
    fn participation_in(&self, period: usize, some: DateRange) -> Rational {
        let range = self.problem.calendar.periods()[period].range;
        let payee = self.payee();
        let plan = self.problem.plan;
        let parts = self.there(some);
        let leaves = payee.leaves.iter().flat_map(|(leave, relief)| {
            parts.iter().filter_map(move |part| Some((leave.intersect(part)?, relief)))
        });
        let leaves: Vec<(DateRange, &Rational)> = leaves.collect();
        if (parts == [range] && leaves.is_empty()) || plan.proration == Proration::None {
            return Rational::one();
        }
        if parts.is_empty() {
            return Rational::zero();
        }
        let relieved: Rational =
            leaves.into_iter().map(|(leave, relief)| &self.counted(leave, range) * relief).sum();
        let there: Rational = parts.iter().map(|part| self.counted(*part, range)).sum();
        (&there - &relieved).checked_div(&self.counted(range, range)).unwrap_or_default()
    }

    /// How many of some days of a period count, as the plan's `proration` says.
    fn counted(&self, some: DateRange, period: DateRange) -> Rational {
        let days = match self.problem.plan.proration {
            Proration::Days | Proration::None => return Rational::from(some.days()),
            // The period's own start counts as the first of a month, so that weeks and 4-4-5 have one too.
            Proration::Months => days(some).filter(|day| day.day() == 1 || *day == period.from).count(),
            Proration::Workdays => days(some).filter(|day| day.weekday().to_monday_one_offset() <= 5).count(),
        };
        Rational::from(i64::try_from(days).unwrap_or(0))
    }

    /// A quantity with a stretch of time that changes inside a period, because reps changes: each value for the part of
    /// the period that it was there. `None` where it stays the same. `prorate`: parts of the period, else of the days
    /// there.
    fn changing(
        &self,
        label: &str,
        quantity: &Quantity,
        unit: &Unit,
        period: usize,
        prorate: bool,
    ) -> Option<Node> {
        if self.payee().versions.is_empty() || self.problem.plan.proration == Proration::None {
            return None;
        }
        let there = self.there(self.problem.calendar.periods()[period].range);
        let mut stretches: Vec<(DateRange, Option<Node>)> = Vec::new();
        let versions = self.payee().versions.iter().map(|version| version.days);
        for days in there.iter().flat_map(|days| cut(*days, versions.clone())) {
            let standing = Self { day: Some(days.from), ..*self };
            let node = standing.of_period(label, quantity, unit.clone(), period);
            stretches.push((days, node));
        }
        let value = |node: &Option<Node>| node.as_ref().map(|node| node.value.clone());
        if stretches.windows(2).all(|pair| value(&pair[0].1) == value(&pair[1].1)) {
            return None;
        }
        let stretches = stretches.into_iter().map(|(days, node)| {
            let none =
                || Self { day: Some(days.from), ..*self }.missed_quantity(label, quantity, unit.clone());
            (days, node.unwrap_or_else(none))
        });
        let stretches: Vec<(DateRange, Node)> = stretches.collect();
        let parts: Vec<Rational> =
            stretches.iter().map(|(days, _)| self.participation_in(period, *days)).collect();
        let whole = if prorate { Rational::one() } else { parts.iter().sum() };
        let parts = parts.into_iter().zip(stretches).map(|(part, (days, node))| {
            let part = part.checked_div(&whole).unwrap_or_default();
            let part = Node::input(format!("part of the period, from {}", days.from), Unit::Percent, part);
            let label = format!("{label}, from {}", days.from);
            Node::computed(label, unit.clone(), Operation::Product, vec![node, part])
        });
        Some(Node::computed(label, unit.clone(), Operation::Sum, parts.collect()))
    }

    fn participation_node(&self, period: usize) -> Option<Node> {
        let part = self.participation(period);
        (part != Rational::one()).then(|| Node::input("part of the period in the plan", Unit::Percent, part))
    }

    /// What a quantity with a stretch of time comes to in one leaf period, before participation.
    fn of_period(&self, label: &str, quantity: &Quantity, unit: Unit, period: usize) -> Option<Node> {
        let standing = Self { period, ..*self };
        let value = standing.quantity_or_none(label, quantity, unit.clone())?;
        let calendar = self.problem.calendar;
        let count = i64::try_from(calendar.group(period, quantity.per).len()).unwrap_or(1);
        if count == 1 {
            return Some(value);
        }
        let per = Node::input("periods", Unit::Number, Rational::from(count));
        Some(Node::computed(
            format!("{label}, {}", calendar.periods()[period].name),
            unit,
            Operation::Quotient,
            vec![value, per],
        ))
    }

    /// The periods whose targets a component pays: those that its measure looks at. A rolling window is paid anew in each
    /// of its periods, and so each pays its own target only.
    pub(super) fn target_periods(&self, component: &Component) -> RangeInclusive<usize> {
        match component.measure {
            Some(measure) if !matches!(self.measure(measure).window, Window::Rolling(_)) => {
                self.goal_periods(measure)
            }
            _ => self.group(component.every).start..=self.period,
        }
    }

    /// A target or guarantee of some periods, shrunk by participation (E12).
    pub(super) fn target(
        &self,
        label: &str,
        quantity: &Quantity,
        periods: RangeInclusive<usize>,
        is_needed: bool,
    ) -> Node {
        let unit = self.problem.money();
        let parts = periods.clone().filter_map(|period| {
            if let Some(blended) = self.changing(label, quantity, &unit, period, true) {
                return Some(blended);
            }
            let part = self.participation_node(period);
            let Some(node) = self.of_period(label, quantity, unit.clone(), period) else {
                // Of a period in which somebody is away nothing is missing.
                let is_away = part.is_some_and(|part| part.value.is_zero());
                return (is_needed && !is_away)
                    .then(|| self.at(period).missed_quantity(label, quantity, unit.clone()));
            };
            Some(match part {
                None => node,
                Some(part) => Node::computed(
                    format!("{label} of the payee"),
                    unit.clone(),
                    Operation::Product,
                    vec![node, part],
                ),
            })
        });
        summed(&format!("{label}, to date"), &unit, &periods, parts.collect()).unwrap_or_else(|| {
            Node::input(format!("{label}: none"), unit.clone(), Rational::zero()).citing(&quantity.place)
        })
    }

    /// What is paid at least in the period: always, or for so many months from the hire date, which end on the day before
    /// the one that they began on (E11). `None` when they are over, or when nobody knows when they began.
    pub(super) fn least(&self, label: &str, quantity: &Quantity, months: Option<i64>) -> Option<Node> {
        let whole = || self.target(label, quantity, self.period..=self.period, true);
        let Some(months) = months else { return Some(whole()) };
        if self.payee().hired.is_none() {
            self.missed(Gap::HireDate(format!("the {label} of the first {months} months")), &quantity.place);
        }
        let first = self.first_months(months)?;
        let range = self.problem.calendar.periods()[self.period].range;
        let first = range.intersect(&first)?;
        let part = self.participation_in(self.period, first);
        // Without a value for the period there is none to shrink, and the reason is told.
        let Some(amount) = self
            .of_period(label, quantity, self.problem.money(), self.period)
            .filter(|_| part != Rational::one())
        else {
            return Some(whole());
        };
        let part =
            Node::input(format!("part of the period in the first {months} months"), Unit::Percent, part);
        let label = format!("{label} of the payee");
        Some(Node::computed(label, self.problem.money(), Operation::Product, vec![amount, part]))
    }

    /// The first months after the hire date. Without proration every period that has a day of them counts whole, so they
    /// are counted from the start of the period of the hire date: as many months as are said, not one more.
    fn first_months(&self, months: i64) -> Option<DateRange> {
        let hired = self.payee().hired?;
        let from = match self.problem.plan.proration {
            Proration::None => {
                let calendar = self.problem.calendar;
                let own = calendar.find(hired).map(|period| calendar.periods()[period].range.from);
                own.unwrap_or_else(|| hired.first_of_month())
            }
            _ => hired,
        };
        DateRange::new(from, from.checked_add(jiff::Span::new().try_months(months).ok()?).ok()?)
    }

    /// The day on which columns of reps are read.
    pub(super) fn day(&self) -> Date {
        let deal = self.deal.map(|looked| looked.deal.date);
        self.day.or(deal).unwrap_or_else(|| self.problem.last_day(self.index, self.period))
    }

    /// What a name in a formula stands for: a measure, its goal or attainment, a component, or a column of reps.
    pub(super) fn named(&self, name: &str, component: Option<Others<'_>>) -> Option<formula::Value> {
        use formula::Value;
        let (head, tail) = match name.rsplit_once('.') {
            Some((head, tail @ ("goal" | "attainment"))) => (head, tail),
            _ => (name, ""),
        };
        let plan = self.problem.plan;
        if let Some(measure) = plan.measures.iter().position(|measure| measure.name == head) {
            let figures = self.figures(measure);
            let node = match tail {
                "goal" => figures.goal,
                "attainment" => figures.attainment(),
                _ => Some(figures.measured),
            };
            return node.map(Value::Number);
        }
        if let Some(node) = component.and_then(|component| component(name)) {
            return Some(Value::Number(node));
        }
        if let Some(number) = self.payee().number(name, self.day()) {
            let label = format!("{name} of {}", self.payee().id);
            return Some(Value::Number(Node::input(label, Unit::Number, number.clone())));
        }
        self.payee().text(name, self.day()).map(|text| Value::Text(text.to_owned()))
    }
}

/// The measure that a name means, without what is asked of it.
pub(super) fn head(name: &str) -> &str {
    [".goal", ".attainment"].into_iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// The parts of a stretch of periods added up, or the part itself where the stretch is one period.
pub(super) fn summed(
    label: &str,
    unit: &Unit,
    stretch: &RangeInclusive<usize>,
    mut parts: Vec<Node>,
) -> Option<Node> {
    if parts.is_empty() || stretch.start() == stretch.end() {
        return parts.pop();
    }
    Some(Node::computed(label, unit.clone(), Operation::Sum, parts))
}

fn days(range: DateRange) -> impl Iterator<Item = Date> {
    range.from.series(jiff::Span::new().days(1)).take_while(move |day| *day < range.to)
}

/// Days cut where the stretches that lie in them begin and end.
fn cut(days: DateRange, stretches: impl Iterator<Item = DateRange>) -> Vec<DateRange> {
    let inside = |day: &Date| *day > days.from && *day < days.to;
    let mut borders: Vec<Date> = stretches.flat_map(|own| [own.from, own.to]).filter(inside).collect();
    borders.extend([days.from, days.to]);
    borders.sort();
    borders.dedup();
    borders.windows(2).map(|pair| DateRange { from: pair[0], to: pair[1] }).collect()
}
