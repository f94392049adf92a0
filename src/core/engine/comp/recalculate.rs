//! A second calculation of lines, from what was measured, goals and rates, for the check of the first: as naive as can be, and
//! nothing of the engine in it.
//!
//! It is about people who are there all the time and whom nothing changes about, and says nothing (`None`) of what it does not
//! know: ramps, refunds, formulas, prizes and pools, what is carried, what others earned.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::{Cell, Deal, Payee, Problem};
use crate::ground::id::PayeeId;
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::ground::round::round_to_decimals;
use crate::plan::comp::{
    Aggregate, Base, CapAmount, CapPer, Component, Curve, Goal, GoalFrom, Item, Lookup, Matrix, MatrixMode,
    Measure, MeasureSource, Multiplier, Outside, Pay, Quantity, QuantityFrom, Recipient, Schedule, Step,
    TierMode, Tiers, Window,
};
use crate::plan::contract::OWN_QUOTA;

/// What a component has to pay, in minor units; `None` where this calculation knows nothing of it.
pub(super) fn expected(
    problem: &Problem<'_>,
    component: &Component,
    payee: usize,
    period: usize,
) -> Option<i128> {
    let measure = component.measure?;
    let naive = Naive { problem, component, measure, payee: &problem.payees[payee], index: payee };
    if component.budget.is_some() || component.every != Group::Period || !naive.is_always_there() {
        return None;
    }
    let window = problem.plan.measures[measure].window;
    let due = match window {
        Window::Transaction => naive.rounded(&naive.of_deals(period)?)?,
        Window::Period | Window::Rolling(_) => naive.rounded(&naive.pay(period, None)?)?,
        Window::QuarterToDate | Window::YearToDate => {
            // Gates act on what the period adds.
            if !component.gates.is_empty() {
                return None;
            }
            let start = naive.periods(window, period).start;
            let before = period.checked_sub(1).filter(|before| *before >= start);
            let before = before.filter(|before| naive.has_anything(*before));
            let before = before.map(|before| naive.rounded(&naive.pay(before, None)?)).unwrap_or(Some(0))?;
            naive.rounded(&naive.pay(period, None)?)? - before
        }
    };
    match &component.cap {
        Some(cap) if cap.carry || cap.per == CapPer::Year => None,
        Some(cap) if cap.per == CapPer::Period => {
            let decimals = problem.plan.currency.decimals();
            let limit = naive.cap(&cap.amount, period)?;
            naive.rounded(&Rational::from_scaled(due, decimals).min(limit))
        }
        _ => Some(due),
    }
}

/// One component for one payee.
struct Naive<'a> {
    problem: &'a Problem<'a>,
    component: &'a Component,
    measure: usize,
    payee: &'a Payee,
    index: usize,
}

/// What is compared and paid for: the own measure as it counts for pay, and its goal.
struct Own {
    measured: Rational,
    goal: Option<Rational>,
}

/// A value that is there, or that there is none for want of a goal.
type Found = Option<Rational>;

impl Naive<'_> {
    /// Whether the payee is in the plan on every day of the calendar up to the end of the run, or of its year where goals are those
    /// of a quarter or year, the same all the time.
    fn is_always_there(&self) -> bool {
        let periods = self.problem.calendar.periods();
        let last = self.problem.periods.end - 1;
        let whole = |measure: &Measure| measure.goal.as_ref().is_some_and(|goal| goal.basis.is_some());
        let last = match self.problem.plan.measures.iter().any(whole) {
            true => self.problem.calendar.group(last, Group::Year).end - 1,
            false => last,
        };
        let (from, to) = (periods[0].range.from, periods[last].range.to);
        let effective = self.problem.plan.effective;
        self.payee.versions.is_empty()
            && self.payee.leaves.is_empty()
            && self.payee.enrolled.is_none()
            && self.payee.left.is_none()
            && self.payee.hired.is_none_or(|hired| hired <= from)
            && effective.from <= from
            && effective.to >= to
    }

    fn rounded(&self, value: &Rational) -> Option<i128> {
        let plan = self.problem.plan;
        round_to_decimals(value, plan.currency.decimals(), plan.rounding)
    }

    fn periods(&self, window: Window, period: usize) -> Range<usize> {
        let group = |group| self.problem.calendar.group(period, group).start;
        let start = match window {
            Window::Transaction | Window::Period => period,
            Window::QuarterToDate => group(Group::Quarter),
            Window::YearToDate => group(Group::Year),
            Window::Rolling(count) => (period + 1).saturating_sub(count),
        };
        start..period + 1
    }

    /// Whether there was anything to pay for up to a period: credits, or a goal.
    fn has_anything(&self, period: usize) -> bool {
        let window = self.problem.plan.measures[self.measure].window;
        let cell = |period| Cell { payee: self.index, measure: self.measure, period };
        let mut all = self.periods(window, period);
        all.any(|period| self.problem.measurements.contains_key(&cell(period)))
            || matches!(self.goal(self.measure, period), Some(Some(_)))
    }

    fn measured(&self, measure: usize, period: usize) -> Option<Rational> {
        let definition = &self.problem.plan.measures[measure];
        let MeasureSource::Credits(_, aggregate) = &definition.source else { return None };
        if definition.team.is_some() {
            return None;
        }
        let cell = |period| Cell { payee: self.index, measure, period };
        let cells = self.periods(definition.window, period);
        let cells: Vec<_> = cells.filter_map(|period| self.problem.measurements.get(&cell(period))).collect();
        let sum: Rational = cells.iter().map(|cell| &cell.sum).sum();
        let count: i64 = cells.iter().map(|cell| cell.count).sum();
        match aggregate {
            Aggregate::Sum => Some(sum),
            Aggregate::Count => Some(Rational::from(count)),
            Aggregate::Average if count <= 0 => Some(Rational::zero()),
            Aggregate::Average => sum.checked_div(&Rational::from(count)),
            Aggregate::Largest | Aggregate::Smallest => None,
        }
    }

    /// The goal; `Some(None)` without one.
    fn goal(&self, measure: usize, period: usize) -> Option<Found> {
        let definition = &self.problem.plan.measures[measure];
        let Some(goal) = &definition.goal else { return Some(None) };
        let Goal { from, basis, adds_up, ramp: None, retro: false, .. } = goal else { return None };
        let periods = match basis {
            Some(group) => self.problem.calendar.group(period, *group),
            None => self.periods(definition.window, period),
        };
        match from {
            GoalFrom::Each(quantity) if !adds_up => self.number(quantity).map(Some),
            GoalFrom::Each(quantity) => self.over(quantity, periods).map(Some),
            GoalFrom::Quota(name) => {
                let direct = |credit: &usize| {
                    matches!(self.problem.plan.credits[*credit].recipient, Recipient::Direct(_))
                };
                let key = |id: &str, period| (PayeeId::from(id), name.clone(), period);
                let id = self.payee.id.as_str();
                let own = format!("{id}{OWN_QUOTA}");
                if definition.credits().iter().all(direct)
                    && periods.clone().any(|period| self.problem.quotas.contains_key(&key(&own, period)))
                {
                    return None;
                }
                let quotas = periods.filter_map(|period| self.problem.quotas.get(&key(id, period)));
                let mut quotas: Vec<&Rational> = quotas.collect();
                if !adds_up {
                    quotas.drain(..quotas.len().saturating_sub(1));
                }
                Some((!quotas.is_empty()).then(|| quotas.into_iter().sum()))
            }
        }
    }

    /// A number that is the same all the time.
    fn number(&self, quantity: &Quantity) -> Option<Rational> {
        match &quantity.value {
            QuantityFrom::Fixed(value) => Some(value.clone()),
            QuantityFrom::Column(name) => {
                self.payee.numbers.get(name).cloned().or_else(|| quantity.otherwise.clone())
            }
            QuantityFrom::Formula(_) => None,
        }
    }

    /// A number with a stretch of time, over periods.
    fn over(&self, quantity: &Quantity, periods: Range<usize>) -> Option<Rational> {
        let number = self.number(quantity)?;
        let part = |period| {
            let all = self.problem.calendar.group(period, quantity.per).len();
            Rational::from(i64::try_from(all).unwrap_or(1))
        };
        Some(periods.map(|period| number.checked_div(&part(period)).unwrap_or_default()).sum())
    }

    fn target(&self, target: &Quantity, period: usize) -> Option<Rational> {
        let definition = &self.problem.plan.measures[self.measure];
        let periods = match (definition.window, definition.goal.as_ref().and_then(|goal| goal.basis)) {
            (Window::Rolling(_), _) => period..period + 1,
            (_, Some(group)) => self.problem.calendar.group(period, group),
            (window, None) => self.periods(window, period),
        };
        self.over(target, periods)
    }

    fn cap(&self, cap: &CapAmount, period: usize) -> Option<Rational> {
        match (cap, &self.component.pay) {
            (CapAmount::Amount(amount), _) => self.number(amount),
            (
                CapAmount::TargetShare(share),
                Pay::TargetShare { target, .. } | Pay::Scorecard { target, .. },
            ) => Some(share * &self.target(target, period)?),
            (CapAmount::TargetShare(_), _) => None,
        }
    }

    /// What all deals of a period pay, each on its own.
    fn of_deals(&self, period: usize) -> Option<Rational> {
        if self.problem.plan.measures[self.measure].credits().is_empty() {
            return None;
        }
        let of = |payee| Cell { payee, measure: 0, period: 0 };
        let mine: BTreeMap<&Cell, &Vec<Deal>> =
            self.problem.deals.range(of(self.index)..of(self.index + 1)).collect();
        if mine.values().any(|deals| deals.iter().any(|deal| deal.refund_of.is_some())) {
            return None;
        }
        let deals = mine.get(&Cell { payee: self.index, measure: self.measure, period });
        deals
            .into_iter()
            .flat_map(|deals| deals.iter())
            .try_fold(Rational::zero(), |sum, deal| Some(&sum + &self.pay(period, Some(deal))?))
    }

    /// What is paid for what has been reached up to the end of a period, or for one deal.
    fn pay(&self, period: usize, deal: Option<&Deal>) -> Option<Rational> {
        let zero = || Some(Rational::zero());
        let reached = match deal {
            Some(deal) => {
                let aggregate = self.problem.plan.measures[self.measure].aggregate();
                let one = aggregate == Aggregate::Count;
                let measured = if one { Rational::one() } else { deal.amount.clone() };
                Own { measured, goal: None }
            }
            None => Own {
                measured: self.measured(self.measure, period)?,
                goal: self.goal(self.measure, period)?.filter(Rational::is_positive),
            },
        };
        let mut own = Own { measured: reached.measured.clone(), goal: reached.goal.clone() };
        if let Some((most, _)) = &self.component.attainment_cap {
            let Some(goal) = &own.goal else { return zero() };
            own.measured = own.measured.min(goal * most);
        }
        let at = At { naive: self, period, deal };
        let Some(mut pay) = at.base(&own)? else { return zero() };
        if let Some(threshold) = &self.component.threshold {
            let Some(value) = at.looked_up(&threshold.lookup, &own)? else { return zero() };
            if value < threshold.at {
                return at.modified(Rational::zero(), &own, &reached);
            }
            if !threshold.back_pay {
                let there = match (threshold.lookup.on, &own.goal) {
                    (Base::Attainment, Some(goal)) => goal * &threshold.at,
                    _ => threshold.at.clone(),
                };
                let there = Own { measured: there, goal: own.goal.clone() };
                let Some(below) = at.base(&there)? else { return zero() };
                pay = &pay - &below;
            }
        }
        at.modified(pay, &own, &reached)
    }
}

/// A payee at the end of a period, or at a deal.
struct At<'a> {
    naive: &'a Naive<'a>,
    period: usize,
    deal: Option<&'a Deal>,
}

impl At<'_> {
    /// Multipliers, gates, weight, and the cap of the window.
    fn modified(&self, mut pay: Rational, own: &Own, reached: &Own) -> Option<Rational> {
        let component = self.naive.component;
        for multiplier in &component.multipliers {
            let factor = match multiplier {
                Multiplier::Value(value) => self.naive.number(value)?,
                Multiplier::Curve(curve, _) => self.curve(curve, own)?.unwrap_or_default(),
            };
            pay = &pay * &factor;
        }
        for gate in &component.gates {
            let value = self.looked_up(&gate.lookup, reached)?;
            if value.is_none_or(|value| value < gate.at) {
                pay = &pay * &gate.otherwise;
            }
        }
        if let Some(weight) = &component.weight {
            pay = &pay * &self.naive.number(weight)?;
        }
        if let Some(cap) = component.cap.as_ref().filter(|cap| cap.per == CapPer::Window) {
            pay = pay.min(self.naive.cap(&cap.amount, self.period)?);
        }
        Some(pay)
    }

    fn looked_up(&self, lookup: &Lookup, own: &Own) -> Option<Found> {
        let other = lookup.measure.filter(|measure| *measure != self.naive.measure);
        let (measured, goal) = match other {
            None => (own.measured.clone(), own.goal.clone()),
            Some(_) if self.deal.is_some() => return None,
            Some(measure) => (
                self.naive.measured(measure, self.period)?,
                self.naive.goal(measure, self.period)?.filter(Rational::is_positive),
            ),
        };
        match lookup.on {
            Base::Amount => Some(Some(measured)),
            Base::Attainment => Some(goal.and_then(|goal| measured.checked_div(&goal))),
            Base::Lookup => Some(Some(self.deal?.lookup.clone()?)),
        }
    }

    fn base(&self, own: &Own) -> Option<Found> {
        let attainment = || own.goal.as_ref().and_then(|goal| own.measured.checked_div(goal));
        Some(match &self.naive.component.pay {
            Pay::PerUnit(Schedule::Flat(rate)) => Some(&own.measured * &self.naive.number(rate)?),
            Pay::PerUnit(Schedule::Tiers(tiers)) => {
                let scale = match (tiers.lookup.on, tiers.lookup.measure) {
                    (Base::Attainment, None) => own.goal.clone(),
                    _ => Some(Rational::one()),
                };
                let Some(scale) = scale else { return Some(None) };
                self.tiers(tiers, &own.measured, (&scale, own.goal.as_ref()), own)?
            }
            Pay::PerUnit(schedule) => self.value(schedule, own)?.map(|rate| &rate * &own.measured),
            Pay::TargetShare { target, schedule } => {
                let share = match schedule {
                    Schedule::Curve(_) | Schedule::Matrix(_) => self.value(schedule, own)?,
                    Schedule::Flat(rate) => {
                        let rate = self.naive.number(rate)?;
                        attainment().map(|attainment| &attainment * &rate)
                    }
                    Schedule::Tiers(tiers) => match attainment() {
                        None => None,
                        Some(attainment) => {
                            let one = Rational::one();
                            self.tiers(tiers, &attainment, (&one, Some(&one)), own)?
                        }
                    },
                };
                let target = self.naive.target(target, self.period)?;
                share.map(|share| &share * &target)
            }
            Pay::Fixed { amount, at } => {
                let has_goal = self.naive.problem.plan.measures[self.naive.measure].goal.is_some();
                let value = if has_goal { attainment() } else { Some(own.measured.clone()) };
                let amount = self.naive.number(amount)?;
                value.map(|value| if value >= at.0 { amount } else { Rational::zero() })
            }
            Pay::Table(Schedule::Tiers(tiers)) => match self.looked_up(&tiers.lookup, own)? {
                None => None,
                Some(value) => {
                    let bounds: Vec<Rational> = tiers.steps.iter().map(|step| step.from.clone()).collect();
                    Some(self.naive.number(&tiers.steps[band(&bounds, &value, tiers.lower)].rate)?)
                }
            },
            Pay::Table(schedule) => self.value(schedule, own)?,
            Pay::Scorecard { target, items, .. } => {
                let score = self.score(items)?;
                Some(&self.naive.target(target, self.period)? * &score)
            }
            Pay::Formula(..) | Pay::Rank { .. } | Pay::Pool { .. } => return None,
        })
    }

    /// The weighted score of objectives that are all there.
    fn score(&self, items: &[Item]) -> Option<Rational> {
        if self.deal.is_some() {
            return None;
        }
        items.iter().try_fold(Rational::zero(), |sum, item| {
            let own = Naive { measure: item.measure, ..*self.naive };
            let window = self.naive.problem.plan.measures[item.measure].window;
            let cell = |period| Cell { payee: own.index, measure: item.measure, period };
            let mut periods = own.periods(window, self.period);
            if !periods.any(|period| self.naive.problem.measurements.contains_key(&cell(period))) {
                return None;
            }
            if item.schedule.is_some() {
                return None;
            }
            let goal = own.goal(item.measure, self.period)?.filter(Rational::is_positive)?;
            let score = own.measured(item.measure, self.period)?.checked_div(&goal)?;
            Some(&sum + &(&own.number(&item.weight)? * &score))
        })
    }

    fn value(&self, schedule: &Schedule, own: &Own) -> Option<Found> {
        match schedule {
            Schedule::Curve(curve) => self.curve(curve, own),
            Schedule::Matrix(matrix) => self.matrix(matrix, own),
            Schedule::Flat(_) | Schedule::Tiers(_) => None,
        }
    }

    /// What bands pay on `x`; `scale` is what a boundary of 1 is, `goal` where the goal lies.
    fn tiers(
        &self,
        tiers: &Tiers,
        x: &Rational,
        (scale, goal): (&Rational, Option<&Rational>),
        own: &Own,
    ) -> Option<Found> {
        let bounds: Vec<Rational> = tiers.steps.iter().map(|step| &step.from * scale).collect();
        let rate = |step: &Step| self.naive.number(&step.rate);
        let rates: Vec<Rational> = tiers.steps.iter().map(rate).collect::<Option<_>>()?;
        // A sum of kinks instead of bands.
        let curve = |x: &Rational| {
            (1..rates.len()).fold(x * &rates[0], |sum, index| {
                let kink = &rates[index] - &rates[index - 1];
                &sum + &(&kink * &(x - &bounds[index]).max(Rational::zero()))
            })
        };
        Some(Some(match tiers.mode {
            TierMode::Marginal => curve(x),
            TierMode::Whole => {
                let is_own = tiers.lookup.measure.is_none() && tiers.lookup.on != Base::Lookup;
                let value = if is_own { Some(x.clone()) } else { self.looked_up(&tiers.lookup, own)? };
                let Some(value) = value else { return Some(None) };
                x * &rates[band(&bounds, &value, tiers.lower)]
            }
            TierMode::WholeAboveGoal => {
                let Some(goal) = goal else { return Some(None) };
                if x <= goal {
                    curve(x)
                } else {
                    &curve(goal) + &(&(x - goal) * &rates[band(&bounds, x, tiers.lower)])
                }
            }
            TierMode::ProportionalAmount | TierMode::ProportionalRate => {
                let mut sum = Rational::zero();
                for (index, step) in tiers.steps.iter().enumerate() {
                    let to = step.to.as_ref()? * scale;
                    let inside = (&x.clone().min(to.clone()) - &bounds[index]).max(Rational::zero());
                    sum += &(&rates[index] * &inside.checked_div(&(&to - &bounds[index]))?);
                }
                if tiers.mode == TierMode::ProportionalRate { x * &sum } else { sum }
            }
        }))
    }

    fn curve(&self, curve: &Curve, own: &Own) -> Option<Found> {
        let Some(x) = self.looked_up(&curve.lookup, own)? else { return Some(None) };
        let (at, pays): (Vec<&Rational>, Vec<&Rational>) =
            curve.points.iter().map(|(at, pay, _)| (at, pay)).unzip();
        let line = |a: usize, b: usize| {
            let slope = (pays[b] - pays[a]).checked_div(&(at[b] - at[a]))?;
            Some(pays[a] + &(&slope * &(&x - at[a])))
        };
        let last = at.len() - 1;
        let passed = at.iter().filter(|at| **at <= &x).count();
        Some(Some(if passed == 0 {
            match curve.below {
                Outside::Zero => Rational::zero(),
                Outside::Extend if !curve.steps => line(0, 1)?,
                _ => pays[0].clone(),
            }
        } else if curve.steps || *at[passed - 1] == x {
            pays[passed - 1].clone()
        } else if passed <= last {
            line(passed - 1, passed)?
        } else {
            match curve.beyond {
                Outside::Zero => Rational::zero(),
                Outside::Flat => pays[last].clone(),
                Outside::Extend => line(last - 1, last)?,
            }
        }))
    }

    fn matrix(&self, matrix: &Matrix, own: &Own) -> Option<Found> {
        let (rows, columns) = (&matrix.rows, &matrix.columns);
        let (Some(y), Some(x)) = (self.looked_up(&rows.0, own)?, self.looked_up(&columns.0, own)?) else {
            return Some(None);
        };
        let (i, j) =
            (rows.1.iter().filter(|at| **at <= y).count(), columns.1.iter().filter(|at| **at <= x).count());
        let zero = Rational::zero;
        if matrix.mode == MatrixMode::Additive {
            let part = |side: usize, passed: usize| match passed {
                0 => zero(),
                passed => matrix.cells[side][passed - 1].clone(),
            };
            return Some(Some(&part(0, i) + &part(1, j)));
        }
        if i == 0 || j == 0 {
            return Some(Some(zero()));
        }
        let (i, j) = (i - 1, j - 1);
        if matrix.mode == MatrixMode::Step {
            return Some(Some(matrix.cells[i][j].clone()));
        }
        // How far between this and the next; the last one goes on flat.
        let way = |starts: &[Rational], at: usize, value: &Rational| match starts.get(at + 1) {
            None => Some((at, zero())),
            Some(next) => Some((at + 1, (value - &starts[at]).checked_div(&(next - &starts[at]))?)),
        };
        let ((down, v), (right, u)) = (way(&rows.1, i, &y)?, way(&columns.1, j, &x)?);
        let (not_v, not_u) = (&Rational::one() - &v, &Rational::one() - &u);
        let top = &(&matrix.cells[i][j] * &not_u) + &(&matrix.cells[i][right] * &u);
        let bottom = &(&matrix.cells[down][j] * &not_u) + &(&matrix.cells[down][right] * &u);
        Some(Some(&(&top * &not_v) + &(&bottom * &v)))
    }
}

/// The last band that a value has reached.
fn band(bounds: &[Rational], value: &Rational, lower: bool) -> usize {
    let reached = |bound: &&Rational| if lower { *bound < value } else { *bound <= value };
    bounds.iter().filter(reached).count().saturating_sub(1)
}
