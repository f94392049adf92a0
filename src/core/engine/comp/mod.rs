//! Commission: measurement -> attainment -> earning, exact until the one rounding per payee, component and period.
//!
//! A component accumulates over its measure's window. What it earns in a period is what the window has earned up to
//! the end of the period, minus what it had earned up to the end of the period before (semantics E5, E33): the sum of
//! the earnings of a window never depends on the order of events, and never differs from one calculation at its end.

mod attribution;
pub mod difference;
mod figures;
mod formula;
mod gaps;
mod measured;
mod others;
mod pay;
mod payout;
mod presence;
mod problem;
mod quantity;
mod recalculate;
mod schedule;
mod sequence;
mod team;
mod transactions;
pub mod verify;
mod what_if;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::ground::diagnostic::{Code, Diagnostic, Severity};
use crate::ground::money::Money;
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::ground::round::Rounding;
use crate::ground::source::Place;
use crate::ground::trace::{Node, Operation};
use crate::plan::comp::{CAP_LINE, CompPlan, Component, GUARANTEE_LINE, Limits, MeasureSource, to_date};

use figures::Standing;
use gaps::Gap;
use problem::Prepared;

pub use attribution::Attribution;
pub use payout::{Exchange, Payout, payouts};
pub use problem::{Above, Amounts, Cell, Deal, Payee, Problem, Version};
pub use what_if::{OneMore, one_more, with_more};

/// What a line of earnings is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineOf {
    /// A component, by index into the plan's.
    Component(usize),
    /// What the plan's cap takes away.
    Cap,
    /// What the plan's guarantee adds.
    Guarantee,
}

impl LineOf {
    /// Its name in results.
    #[must_use]
    pub fn name(self, plan: &CompPlan) -> &str {
        match self {
            Self::Component(index) => &plan.components[index].name,
            Self::Cap => CAP_LINE,
            Self::Guarantee => GUARANTEE_LINE,
        }
    }
}

/// What one component earned one payee in one period.
#[derive(Clone, Debug)]
pub struct Earning {
    /// Index into the problem's payees.
    pub payee: usize,
    /// What it is for.
    pub of: LineOf,
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
    /// The part of the amount that is payable at once; the rest waits for its events.
    pub payable: Money,
    /// Parts of the amount in the order of the component's releases; empty when all is payable at once.
    pub releases: Vec<Money>,
    /// In windows of single transactions: what each credit of the measure paid, in event order, before what limits the line.
    pub transactions: Vec<Rational>,
    /// With a cap that carries: what is above it at the end of the period, to be paid in later periods of the year.
    pub carried: Rational,
    /// Why.
    pub trace: Node,
}

/// The earnings of one plan, and what the user should know about them.
#[derive(Clone, Debug, Default)]
pub struct Earnings {
    /// By payee, period, component: in that order.
    pub lines: Vec<Earning>,
    /// What calculated measures come to at the end of each period, over their windows.
    pub calculated: BTreeMap<Cell, Rational>,
    /// Advances, when the plan has a draw: by payee and period.
    pub draws: Vec<Advance>,
    /// Warnings.
    pub notices: Vec<Diagnostic>,
}

/// What a plan's draw says for one payee in one period; the ledger pays and recovers it.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Index into the problem's payees.
    pub payee: usize,
    /// Index of the leaf period.
    pub period: usize,
    /// What is paid at least; `None` when the draw is over.
    pub floor: Option<Node>,
    /// Whether what is owed is recovered.
    pub recovering: bool,
}

/// Calculates the earnings of one plan. Every payee with a measurement or a goal in a period gets a line for each
/// component; `Err` when an amount leaves the range of money, and where something is needed that nobody states.
pub fn earn(problem: &Problem<'_>) -> Result<Earnings, Vec<Diagnostic>> {
    let mut prepared = Prepared::of(problem);
    let mut result = earned(problem, &mut prepared).map_err(|fault| vec![fault])?;
    let gaps = prepared.gaps.faults(problem.payees);
    if gaps.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(gaps);
    }
    result.notices.extend(gaps);
    Ok(result)
}

/// What components earned, before the plan's cap and guarantee: by payee, period, component.
type ByComponent = BTreeMap<(usize, usize, usize), Earning>;

fn earned<'a>(problem: &'a Problem<'a>, prepared: &mut Prepared<'a>) -> Result<Earnings, Diagnostic> {
    let mut result = Earnings::default();
    let (mut earned, mut uncapped) = (ByComponent::new(), ByComponent::new());
    let first = sequence::first_period(problem);
    for (position, component) in problem.plan.components.iter().enumerate() {
        pass_on(problem, prepared, (first, position), &earned, &uncapped)?;
        let of =
            |component: &Component| component_lines(problem, prepared, (first, position), component, &earned);
        let lines = of(component)?;
        if wants_uncapped(problem.plan, position) {
            let lines = of(&Component { cap: None, ..component.clone() })?;
            let lines = lines.into_iter().map(|(_, line)| ((line.payee, line.period, position), line));
            uncapped.extend(lines);
        }
        let mut without_goal: Vec<usize> = Vec::new();
        for (without, line) in lines {
            if without {
                without_goal.push(line.payee);
            }
            earned.insert((line.payee, line.period, position), line);
        }
        result.notices.extend(notice(problem, component, without_goal));
    }
    pass_on(problem, prepared, (first, problem.plan.components.len()), &earned, &uncapped)?;
    limits(problem, prepared, first, earned, &mut result)?;
    result.calculated = calculated(problem, prepared);
    Ok(result)
}

/// The lines of one component, each with whether it pays nothing for want of a goal.
fn component_lines(
    problem: &Problem<'_>,
    prepared: &Prepared<'_>,
    (first, position): (usize, usize),
    component: &Component,
    earned: &ByComponent,
) -> Result<Vec<(bool, Earning)>, Diagnostic> {
    let sequence = sequence::Sequence::new(problem, prepared, component, first)?;
    // Payees do not depend on each other: what they compare themselves with is in the sequence already.
    let of_payee = |index: usize| -> Result<Vec<(bool, Earning)>, Diagnostic> {
        let lines = sequence.of(index, &|period, name| {
            // Components above: a column of reps may have the name of one below.
            let above = &problem.plan.components[..position];
            let find = |name: &str| above.iter().position(|other| other.name == name);
            let of = |other: usize, period: usize| {
                let line = earned.get(&(index, period, other));
                line.map_or_else(Rational::zero, |line| line.amount.exact())
            };
            let (label, value) = match (find(name), to_date(name)) {
                (Some(other), _) => (format!("{name}, earned"), of(other, period)),
                (None, (head, Some(group))) => {
                    let other = find(head)?;
                    let start = problem.calendar.group(period, group).start;
                    let sum = (start..=period).map(|period| of(other, period)).sum();
                    let word = if group == Group::Year { "year" } else { "quarter" };
                    (format!("{head}, earned in the {word} so far"), sum)
                }
                (None, (_, None)) => return None,
            };
            Some(Node::input(label, problem.money(), value))
        })?;
        let earning = |line: sequence::Line| {
            let standing = Standing { problem, prepared, index, period: line.period, deal: None, day: None };
            // Of somebody who is away all the time nothing is missing, but a refund that takes nothing back.
            let without = line.without_goal
                && problem.periods.contains(&line.period)
                && (line.measured.is_negative() || !standing.participation(line.period).is_zero());
            Ok((without, earning(problem, component, index, LineOf::Component(position), line)?))
        };
        lines.into_iter().map(earning).collect()
    };
    let all = (0..problem.payees.len()).into_par_iter().map(of_payee);
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Whether a measure counts what a component would have earned without its cap.
fn wants_uncapped(plan: &CompPlan, position: usize) -> bool {
    plan.components[position].cap.is_some()
        && plan.measures.iter().any(|measure| match &measure.source {
            MeasureSource::Earned(own) => own.limits == Limits::None && own.components.contains(&position),
            _ => false,
        })
}

/// Gives what components have earned to the measures that are about it, once all of theirs are calculated.
fn pass_on(
    problem: &Problem<'_>,
    prepared: &mut Prepared<'_>,
    (first, position): (usize, usize),
    earned: &ByComponent,
    uncapped: &ByComponent,
) -> Result<(), Diagnostic> {
    for (measure, definition) in problem.plan.measures.iter().enumerate() {
        let MeasureSource::Earned(own) = &definition.source else { continue };
        if own.components.iter().max().map(|last| last + 1) != Some(position) {
            continue;
        }
        let mut parts: BTreeMap<(usize, usize), Vec<(String, Rational)>> = BTreeMap::new();
        let lines = earned.iter().filter(|((.., component), _)| own.components.contains(component));
        if own.limits == Limits::Plan {
            let mut of: BTreeMap<usize, Vec<Earning>> = BTreeMap::new();
            lines.for_each(|((payee, ..), line)| of.entry(*payee).or_default().push(line.clone()));
            for payee in 0..problem.payees.len() {
                let lines = of.remove(&payee).unwrap_or_default();
                for (period, lines) in limited(problem, prepared, (first, payee), lines)? {
                    let sum: Rational = lines.iter().map(|line| line.amount.exact()).sum();
                    let label = format!("earned by {}, after cap and guarantee", problem.payees[payee].id);
                    if !lines.is_empty() {
                        parts.insert((payee, period), vec![(label, sum)]);
                    }
                }
            }
        } else {
            for (key @ (payee, period, component), line) in lines {
                let line = uncapped.get(key).filter(|_| own.limits == Limits::None).unwrap_or(line);
                let (name, id) = (&problem.plan.components[*component].name, &problem.payees[*payee].id);
                let own = parts.entry((*payee, *period)).or_default();
                own.push((format!("{name} of {id}"), line.amount.exact()));
            }
        }
        for (of, parts) in parts {
            prepared.give(problem, measure, of, &parts);
        }
    }
    Ok(())
}

/// The values of measures that are calculated from others, of payees who have any of those.
fn calculated(problem: &Problem<'_>, prepared: &Prepared<'_>) -> BTreeMap<Cell, Rational> {
    let measures = problem.plan.measures.iter().enumerate();
    let formulas = measures.filter(|(_, measure)| !matches!(measure.source, MeasureSource::Credits(..)));
    let formulas: Vec<usize> = formulas.map(|(index, _)| index).collect();
    let mut all = BTreeMap::new();
    for payee in (0..problem.payees.len()).filter(|_| !formulas.is_empty()) {
        for period in problem.periods.clone() {
            let standing = Standing { problem, prepared, index: payee, period, deal: None, day: None };
            for measure in formulas.iter().copied().filter(|measure| standing.occurs(*measure)) {
                let figures = standing.figures(measure);
                if figures.present {
                    all.insert(Cell { payee, measure, period }, figures.measured.value);
                }
            }
        }
    }
    all
}

/// The warning about payees without a goal.
fn notice(problem: &Problem<'_>, component: &Component, mut payees: Vec<usize>) -> Option<Diagnostic> {
    payees.dedup();
    let some = &problem.payees[*payees.first()?].id;
    let message = format!(
        "component `{}` pays nothing to {} payee(s) without a quota above zero, such as {some}",
        component.name,
        payees.len()
    );
    let fault = Diagnostic::warning(Code::SPM401, message).at(Place::Text(component.place.clone()), "");
    Some(fault.hint("add their quotas, or exclude them with `eligible`"))
}

fn earning(
    problem: &Problem<'_>,
    component: &Component,
    payee: usize,
    of: LineOf,
    line: sequence::Line,
) -> Result<Earning, Diagnostic> {
    let plan = problem.plan;
    let name = &problem.calendar.periods()[line.period].name;
    let trace = Node { label: format!("{}, {name}", component.name), ..line.trace }.citing(&component.place);
    let amount = Money::round(&trace.value, &plan.currency, plan.rounding).ok_or_else(|| {
        let id = &problem.payees[payee].id;
        let message = format!("component `{}` earns {id} more than any amount of money", component.name);
        Diagnostic::error(Code::SPM402, message).at(Place::Text(component.place.clone()), "")
    })?;
    let releases = released(component, &amount, plan.rounding);
    let now = component.releases.iter().zip(&releases).filter(|((_, event), _)| event == "booking");
    let payable = match releases.is_empty() {
        true => amount.clone(),
        false => Money {
            minor_units: now.map(|(_, part)| part.minor_units).sum(),
            currency: amount.currency.clone(),
        },
    };
    Ok(Earning {
        payee,
        of,
        period: line.period,
        measured: line.measured,
        goal: line.goal,
        attainment: line.attainment,
        amount,
        payable,
        releases,
        transactions: line.transactions,
        carried: line.carried,
        trace,
    })
}

/// Parts of an amount by its releases, each rounded; the last one takes what is left (E28).
fn released(component: &Component, amount: &Money, rounding: Rounding) -> Vec<Money> {
    let mut left = amount.minor_units;
    let mut parts: Vec<Money> = component
        .releases
        .iter()
        .map(|(share, _)| {
            let exact = &amount.exact() * share;
            let part = Money::round(&exact, &amount.currency, rounding);
            let units = part.map_or(0, |part| part.minor_units);
            left -= units;
            Money { minor_units: units, currency: amount.currency.clone() }
        })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.minor_units += left;
    }
    parts
}

/// The plan's cap and guarantee, as lines of their own; then every line in order.
fn limits(
    problem: &Problem<'_>,
    prepared: &Prepared<'_>,
    first: usize,
    earned: ByComponent,
    result: &mut Earnings,
) -> Result<(), Diagnostic> {
    let mut lines = earned.into_values().peekable();
    for payee in 0..problem.payees.len() {
        let own = std::iter::from_fn(|| lines.next_if(|line| line.payee == payee)).collect();
        for (period, own) in limited(problem, prepared, (first, payee), own)? {
            if problem.periods.contains(&period) {
                let standing = Standing { problem, prepared, index: payee, period, deal: None, day: None };
                result.lines.extend(own);
                result.draws.extend(advance(&standing));
            }
        }
    }
    Ok(())
}

/// The lines of a payee in the order of periods, by period, with what the plan's cap and guarantee change.
fn limited(
    problem: &Problem<'_>,
    prepared: &Prepared<'_>,
    (first, payee): (usize, usize),
    lines: Vec<Earning>,
) -> Result<Vec<(usize, Vec<Earning>)>, Diagnostic> {
    let mut lines = lines.into_iter().peekable();
    let mut in_year = InYear::default();
    let mut all = Vec::new();
    for (period, definition) in
        problem.calendar.periods().iter().enumerate().take(problem.periods.end).skip(first)
    {
        let mut own: Vec<Earning> =
            std::iter::from_fn(|| lines.next_if(|line| line.period == period)).collect();
        if in_year.year != definition.year {
            in_year = InYear { year: definition.year.clone(), ..InYear::default() };
        }
        let standing = Standing { problem, prepared, index: payee, period, deal: None, day: None };
        let due = own.iter().map(|line| line.amount.exact()).sum::<Rational>();
        own.extend(plan_cap(&standing, &own, &in_year)?);
        in_year.due += &due;
        in_year.paid += &own.iter().map(|line| line.amount.exact()).sum();
        // What a guarantee adds does not use up the cap.
        own.extend(guarantee(&standing, &own)?);
        all.push((period, own));
    }
    Ok(all)
}

fn total(standing: &Standing<'_>, lines: &[Earning]) -> Node {
    let parts = lines.iter().map(|line| {
        let label = line.of.name(standing.problem.plan).to_owned();
        Node::input(label, standing.problem.money(), line.amount.exact())
    });
    Node::computed("lines of the plan", standing.problem.money(), Operation::Sum, parts.collect())
}

/// What a plan has come to in a fiscal year: what its components were due, and what its cap left of it.
#[derive(Default)]
struct InYear {
    year: String,
    due: Rational,
    paid: Rational,
}

/// In a year, what is due so far, at most the cap, minus what was paid of it: after a refund the cap may give back.
fn plan_cap(
    standing: &Standing<'_>,
    lines: &[Earning],
    year: &InYear,
) -> Result<Option<Earning>, Diagnostic> {
    let Some(cap) = &standing.problem.plan.cap else { return Ok(None) };
    let money = standing.problem.money();
    let sum = total(standing, lines);
    let limit = standing.quantity("cap of the plan", &cap.amount, money.clone());
    let least = |all: Node| {
        Node::computed("not more than the cap", money.clone(), Operation::Minimum, vec![all, limit.clone()])
    };
    let most = if cap.per_year {
        let due = Node::input("due in the year before", money.clone(), year.due.clone());
        let all = Node::computed("due in the year", money.clone(), Operation::Sum, vec![due, sum.clone()]);
        let paid = Node::input("paid in the year before", money.clone(), year.paid.clone());
        let children = vec![least(all), paid];
        Node::computed("left for the period", money.clone(), Operation::Difference, children)
    } else {
        least(sum.clone())
    };
    if most.value == sum.value {
        return Ok(None);
    }
    let taken = Node::computed("what the cap changes", money.clone(), Operation::Difference, vec![most, sum]);
    line_of_plan(standing, LineOf::Cap, taken).map(Some)
}

fn guarantee(standing: &Standing<'_>, lines: &[Earning]) -> Result<Option<Earning>, Diagnostic> {
    let Some(guarantee) = &standing.problem.plan.guarantee else { return Ok(None) };
    if !standing.is_there() {
        return Ok(None);
    }
    let Some(least) = standing.least("guarantee", &guarantee.amount, guarantee.months) else {
        return Ok(None);
    };
    let money = standing.problem.money();
    let sum = total(standing, lines);
    if sum.value >= least.value {
        return Ok(None);
    }
    let most = Node::computed(
        "not less than guaranteed",
        money.clone(),
        Operation::Maximum,
        vec![sum.clone(), least],
    );
    let added = Node::computed("missing to the guarantee", money, Operation::Difference, vec![most, sum]);
    line_of_plan(standing, LineOf::Guarantee, added).map(Some)
}

/// The draw of a payee who is there.
fn advance(standing: &Standing<'_>) -> Option<Advance> {
    let draw = standing.problem.plan.draw.as_ref().filter(|_| standing.is_there())?;
    if draw.recovery_from > 1 && standing.payee().hired.is_none() {
        standing.missed(Gap::HireDate("recovery of the draw".to_owned()), &draw.place);
    }
    let month = standing.tenure(standing.period).and_then(|month| i64::try_from(month).ok());
    let floor = standing.least("draw", &draw.amount, draw.months).map(|amount| {
        let plan = standing.problem.plan;
        let operation = Operation::Round { decimals: plan.currency.decimals(), rounding: plan.rounding };
        Node::computed("draw of the period", standing.problem.money(), operation, vec![amount])
    });
    let recovering = draw.recovery_from <= 1 || month.is_some_and(|month| month >= draw.recovery_from);
    Some(Advance { payee: standing.index, period: standing.period, floor, recovering })
}

fn line_of_plan(standing: &Standing<'_>, of: LineOf, node: Node) -> Result<Earning, Diagnostic> {
    let plan = standing.problem.plan;
    let name = &standing.problem.calendar.periods()[standing.period].name;
    let label = format!("{}, {name}", of.name(plan));
    let operation = Operation::Round { decimals: plan.currency.decimals(), rounding: plan.rounding };
    let amount = Money::round(&node.value, &plan.currency, plan.rounding)
        .ok_or_else(|| Diagnostic::error(Code::SPM402, "an earning is out of range"))?;
    Ok(Earning {
        payee: standing.index,
        of,
        period: standing.period,
        measured: Rational::zero(),
        goal: None,
        attainment: None,
        payable: amount.clone(),
        amount,
        releases: vec![],
        transactions: vec![],
        carried: Rational::zero(),
        trace: Node::computed(label, standing.problem.money(), operation, vec![node]),
    })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
