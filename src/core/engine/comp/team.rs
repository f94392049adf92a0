//! Pay that depends on what others reached: prizes by rank, pools shared by a team.

use std::collections::BTreeMap;

use super::figures::{Figures, Standing};
use super::gaps::Gap;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::money::Money;
use crate::ground::rational::Rational;
use crate::ground::round::split_largest_remainder;
use crate::ground::source::{Place, TextPlace};
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{Component, Pay, Quantity, Team};

/// What everyone reached in a period, by team, in the order of payees.
pub(super) type Reached = BTreeMap<String, Vec<(usize, Option<Rational>)>>;

/// What everyone reached whom a component compares or shares with; `None` for components that look at one payee only.
pub(super) fn reached(component: &Component, anyone: &Standing<'_>) -> Option<Reached> {
    let (Pay::Rank { team, .. } | Pay::Pool { team, .. }) = &component.pay else { return None };
    let mut all = Reached::new();
    for index in 0..anyone.problem.payees.len() {
        let standing = Standing { index, ..*anyone };
        // Someone who was not there in what is paid for neither competes nor shares.
        if !standing.shares_in(component) {
            continue;
        }
        let value = match (&component.pay, component.measure) {
            (Pay::Rank { .. }, Some(measure)) => {
                let figures = standing.figures(measure);
                compared(&figures).filter(|_| figures.present).map(|node| node.value)
            }
            (Pay::Pool { by_measure: true, .. }, Some(measure)) => {
                Some(standing.figures(measure).measured.value.max(Rational::zero()))
            }
            _ => Some(Rational::one()),
        };
        all.entry(anyone.problem.team_key(team, index, anyone.period)).or_default().push((index, value));
    }
    Some(all)
}

/// The fault of a pool whose amount is not the same for everyone who shares it.
pub(super) fn disagreement(
    component: &Component,
    anyone: &Standing<'_>,
    reached: &Reached,
) -> Option<Diagnostic> {
    let Pay::Pool { amount, .. } = &component.pay else { return None };
    let problem = anyone.problem;
    let of = |(index, _): &(usize, Option<Rational>)| {
        let standing = Standing { index: *index, ..*anyone };
        Some((*index, standing.quantity_or_none("", amount, problem.money())?.value))
    };
    let (one, other) = reached.values().find_map(|team| {
        let mut said = team.iter().filter_map(of);
        let one = said.next()?;
        said.find(|other| other.1 != one.1).map(|other| (one, other))
    })?;
    let message = format!(
        "component `{}` shares one pool in {}, but it is {} for {} and {} for {}",
        component.name,
        problem.calendar.periods()[anyone.period].name,
        one.1,
        problem.payees[one.0].id,
        other.1,
        problem.payees[other.0].id,
    );
    let fault = Diagnostic::error(Code::SPM412, message).at(Place::Text(amount.place.clone()), "");
    Some(fault.hint("let it be the same for all of a team: in reps, or from a measure of the team; an empty cell says nothing"))
}

/// The pay of a component that looks at a whole team.
pub(super) fn pay(component: &Component, standing: &Standing<'_>, reached: &Reached) -> Node {
    let none = Vec::new();
    let team = |team: &Team| {
        reached.get(&standing.team_in(team, standing.period, &component.place)).unwrap_or(&none)
    };
    match &component.pay {
        Pay::Rank { prizes, at, team: among } => rank(component, standing, prizes, at.as_ref(), team(among)),
        Pay::Pool { amount, team: among, .. } => pool(standing, amount, team(among)),
        _ => Node::input("not paid to teams", standing.problem.money(), Rational::zero()),
    }
}

/// What is compared: attainment where the measure has a goal, else the measurement.
fn compared(figures: &Figures) -> Option<Node> {
    if figures.goal.is_some() { figures.attainment() } else { Some(figures.measured.clone()) }
}

/// Equal places pool their prizes and share them (E45).
fn rank(
    component: &Component,
    standing: &Standing<'_>,
    prizes: &[Quantity],
    at: Option<&(Rational, TextPlace)>,
    team: &[(usize, Option<Rational>)],
) -> Node {
    let money = standing.problem.money();
    let nothing = |why: &str| Node::input(why, money.clone(), Rational::zero());
    let Some(measure) = component.measure else { return nothing("nothing is compared") };
    if !standing.shares_in(component) {
        return nothing("not there in the period");
    }
    let own = standing.figures(measure);
    let Some(value) = compared(&own).filter(|_| own.present) else {
        return nothing("nothing measured, so no rank");
    };
    if !takes_part(&value.value, at) {
        return nothing("below what takes part");
    }
    let values = team.iter().filter_map(|(index, value)| Some((*index, value.as_ref()?)));
    let values = values.filter(|(_, other)| takes_part(other, at));
    let above = values.clone().filter(|(_, other)| **other > value.value).count();
    let place = place_text(standing, &value, values.clone().collect());
    let tied: Vec<usize> =
        values.filter(|(_, other)| **other == value.value).map(|(index, _)| index).collect();
    // What each prize is, as reps says for a payee.
    let won = |index: usize| -> Vec<Node> {
        let standing = Standing { index, ..*standing };
        let places = prizes.iter().enumerate().skip(above).take(tied.len().max(1));
        let prize = |(place, prize): (usize, &Quantity)| {
            standing.quantity(&format!("prize of place {}", place + 1), prize, money.clone())
        };
        places.map(prize).collect()
    };
    let own_prizes = won(standing.index);
    if own_prizes.is_empty() {
        return nothing(&format!("{place}: no prize"));
    }
    let sum =
        |won: Vec<Node>| Node::computed(format!("prizes from {place}"), money.clone(), Operation::Sum, won);
    let pooled = sum(own_prizes);
    if tied.len() <= 1 {
        return pooled;
    }
    let count = i64::try_from(tied.len()).unwrap_or(1);
    let among = Node::input("tied with each other", Unit::Number, Rational::from(count));
    let alike = tied.iter().all(|index| sum(won(*index)).value == pooled.value);
    let label = "prizes of tied places, shared";
    let share = Node::computed(label, money.clone(), Operation::Quotient, vec![pooled.clone(), among]);
    // Where all share the same prizes, their parts add up to them to the cent.
    let plan = standing.problem.plan;
    let units = Money::round(&pooled.value, &plan.currency, plan.rounding).filter(|_| alike);
    let parts = units
        .and_then(|units| split_largest_remainder(units.minor_units, &vec![Rational::one(); tied.len()]));
    let own = tied.iter().position(|index| *index == standing.index);
    let (Some(parts), Some(own)) = (parts, own) else { return share };
    let rounded = Rational::from_scaled(parts[own], plan.currency.decimals());
    to_cents(label, share, &rounded)
}

/// The place in the standing, and who is right ahead.
fn place_text(standing: &Standing<'_>, value: &Node, mut all: Vec<(usize, &Rational)>) -> String {
    /// How many of those ahead are named.
    const NAMED: usize = 3;
    let competing = all.len();
    all.retain(|(_, other)| **other > value.value);
    let place = all.len() + 1;
    all.sort_by(|a, b| (a.1, a.0).cmp(&(b.1, b.0)));
    let ahead = all.iter().take(NAMED).map(|(index, other)| {
        let other = Node::input("", value.unit.clone(), (*other).clone());
        format!("{} {}", standing.problem.payees[*index].id, other.value_text())
    });
    let ahead: Vec<String> = ahead.collect();
    let behind = if ahead.is_empty() { String::new() } else { format!(", behind {}", ahead.join(", ")) };
    format!("place {place} of {competing} with {}{behind}", value.value_text())
}

/// Whether somebody competes: from `at` on; where that is not said, with more than nothing.
fn takes_part(value: &Rational, at: Option<&(Rational, TextPlace)>) -> bool {
    at.map_or_else(|| value.is_positive(), |(at, _)| value >= at)
}

/// A share with the cents that make the shares of all add up.
fn to_cents(label: &str, exact: Node, rounded: &Rational) -> Node {
    let money = exact.unit.clone();
    let cents = Node::input("to whole cents by largest remainder", money.clone(), rounded - &exact.value);
    Node::computed(label, money, Operation::Sum, vec![exact, cents])
}

/// The pool is rounded once and its parts by largest remainder, so that they add up to it.
fn pool(standing: &Standing<'_>, amount: &Quantity, team: &[(usize, Option<Rational>)]) -> Node {
    let problem = standing.problem;
    let plan = problem.plan;
    let money = problem.money();
    let nothing = |why: &str| Node::input(why, money.clone(), Rational::zero());
    let Some(own) = team.iter().position(|(index, _)| *index == standing.index) else {
        return nothing("not there in the period");
    };
    let weights: Vec<Rational> = team.iter().map(|(_, value)| value.clone().unwrap_or_default()).collect();
    // The amount is that of the first member who has one: all who have one say the same.
    let of = |index| Standing { index, ..*standing };
    let said = team.iter().find_map(|(index, _)| of(*index).quantity_or_none("pool", amount, money.clone()));
    let sum = said.unwrap_or_else(|| of(team[0].0).quantity("pool", amount, money.clone()));
    let total: Rational = weights.iter().sum();
    let Some(units) = Money::round(&sum.value, &plan.currency, plan.rounding) else {
        return nothing("the pool is out of range");
    };
    // Of nothing, too: parts of all parts need some.
    let parts = split_largest_remainder(units.minor_units, &weights).filter(|_| !total.is_zero());
    let Some(parts) = parts else {
        let name = problem.calendar.periods()[standing.period].name.clone();
        standing.missed(Gap::Pool(name), &amount.place);
        return nothing("nobody has a part in the pool");
    };
    let part = Node::input("own part", Unit::Number, weights[own].clone());
    let all = Node::input("all parts", Unit::Number, total);
    let share = Node::computed("share of the pool", Unit::Percent, Operation::Quotient, vec![part, all]);
    let exact =
        Node::computed("share of the pool in money", money.clone(), Operation::Product, vec![sum, share]);
    to_cents("part of the pool", exact, &Rational::from_scaled(parts[own], plan.currency.decimals()))
}
