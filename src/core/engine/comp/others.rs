//! What others earned or reached: the people below a payee, or of a team.
//!
//! Earnings of a period belong to whoever is above on the last day of it on which the earner is in the plan.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::figures::{Standing, summed};
use super::problem::{EXPLAINED, Prepared, Problem};
use crate::ground::id::PayeeId;
use crate::ground::period::{Date, DateRange};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{Below, MeasureSource, Reached};

/// What somebody's people earned in a period: whose it is, and how much.
type Parts = Vec<(String, Rational)>;

/// Earnings that measures are about: by measure, by the name of whose they are (a payee, or a team), by period.
#[derive(Debug, Default)]
pub(super) struct EarnedByPeople(BTreeMap<(usize, String, usize), Parts>);

impl Problem<'_> {
    /// The managers above a payee in a period, nearest first, as they were on its last day on which the payee is in the plan.
    #[must_use]
    pub fn managers(&self, payee: usize, period: usize, below: Below) -> &[PayeeId] {
        let end = self.calendar.periods()[period].range.to;
        let there = self.there(payee, DateRange { from: Date::MIN, to: end });
        let to = there.last().map_or(end, |days| days.to);
        let day = to.yesterday().unwrap_or(to);
        let above = self.payees[payee].above.iter().find(|above| above.days.contains(day));
        let all = above.map_or(&[][..], |above| &above.managers);
        &all[..all.len().min(below.levels.unwrap_or(usize::MAX))]
    }

    /// Whose credits a measure of a payee rests on in a period, and of which measure they are: those of a team, those of the
    /// people of whom it counts how many reached a level of another one, or the payee's own.
    #[must_use]
    pub fn rests_on(&self, measure: usize, index: usize, period: usize) -> (usize, Vec<usize>) {
        let definition = &self.plan.measures[measure];
        match (&definition.source, &definition.team) {
            (MeasureSource::Reached(reached), _) => {
                let prepared = Prepared::of(self);
                let standing =
                    Standing { problem: self, prepared: &prepared, index, period, deal: None, day: None };
                (reached.measure, standing.people(measure, reached))
            }
            (_, Some(team)) => {
                let key = |payee| self.team_key(team, payee, period);
                let own = key(index);
                (measure, (0..self.payees.len()).filter(|payee| key(*payee) == own).collect())
            }
            (_, None) => (measure, vec![index]),
        }
    }

    /// The index of somebody who is in the plan.
    pub(super) fn payee_of(&self, id: &PayeeId) -> Option<usize> {
        self.payees.binary_search_by(|payee| payee.id.cmp(id)).ok()
    }
}

impl Prepared<'_> {
    /// Gives what a payee earned in a period to those whose measure is about it.
    pub(super) fn give(
        &mut self,
        problem: &Problem<'_>,
        measure: usize,
        (payee, period): (usize, usize),
        parts: &[(String, Rational)],
    ) {
        let definition = &problem.plan.measures[measure];
        let range = problem.calendar.periods()[period].range;
        let owners: Vec<String> = match (definition.below, &definition.team) {
            (Some(below), _) => {
                // Managers are paid for the periods in which they are there themselves.
                let is_there = |id: &&PayeeId| {
                    problem.payee_of(id).is_some_and(|index| !problem.there(index, range).is_empty())
                };
                let all = problem.managers(payee, period, below).iter().filter(is_there);
                all.map(ToString::to_string).collect()
            }
            (None, Some(team)) => vec![problem.team_key(team, payee, period)],
            (None, None) => vec![problem.payees[payee].id.to_string()],
        };
        for owner in owners {
            let own = self.earned.0.entry((measure, owner, period)).or_default();
            own.extend(parts.iter().filter(|(_, value)| !value.is_zero()).cloned());
        }
    }
}

impl Standing<'_> {
    fn parts(&self, measure: usize, period: usize) -> Option<&Parts> {
        let definition = self.measure(measure);
        let owner = match &definition.team {
            None => self.payee().id.to_string(),
            Some(_) if !self.is_before_the_end(period) => return None,
            Some(team) => self.team_in(team, period, &definition.place),
        };
        self.prepared.earned.0.get(&(measure, owner, period))
    }

    /// Whether anybody whom a measure of earnings is about has a line.
    pub(super) fn has_earnings(&self, measure: usize, window: RangeInclusive<usize>) -> bool {
        window.into_iter().any(|period| self.parts(measure, period).is_some())
    }

    /// What components earned those whom a measure is about.
    pub(super) fn earnings(&self, measure: usize, window: RangeInclusive<usize>) -> (Node, bool) {
        let (name, unit) = (&self.measure(measure).name, self.problem.unit(measure));
        let mut nodes = Vec::new();
        for period in window.clone() {
            let Some(parts) = self.parts(measure, period) else { continue };
            let label = format!("{name}, {}", self.problem.calendar.periods()[period].name);
            let parts: Vec<Node> = parts
                .iter()
                .map(|(label, value)| Node::input(label.clone(), unit.clone(), value.clone()))
                .collect();
            nodes.push(Node::computed(label, unit.clone(), Operation::Sum, parts));
        }
        let is_there = !nodes.is_empty();
        let node = summed(&format!("{name}, to date"), &unit, &window, nodes);
        (node.unwrap_or_else(|| Node::input(format!("{name}: none"), unit, Rational::zero())), is_there)
    }

    /// Those below, or in the team, who are in the plan in the period.
    pub(super) fn people(&self, measure: usize, reached: &Reached) -> Vec<usize> {
        let problem = self.problem;
        let definition = self.measure(measure);
        let days = match reached.employed {
            true => problem.last_of(self.period),
            false => problem.calendar.periods()[self.period].range,
        };
        let is_one = |other: usize| match (definition.below, &definition.team) {
            (Some(below), _) => problem.managers(other, self.period, below).contains(&self.payee().id),
            (None, Some(team)) => {
                problem.team_key(team, other, self.period)
                    == self.team_in(team, self.period, &definition.place)
            }
            (None, None) => false,
        };
        let candidates = match definition.below {
            Some(_) => self.prepared.people_below(self.index),
            None => &self.prepared.everyone,
        };
        candidates
            .iter()
            .copied()
            .filter(|other| !problem.there(*other, days).is_empty() && is_one(*other))
            .collect()
    }

    /// How many have reached a level of another measure, or their share.
    pub(super) fn reached(&self, measure: usize, reached: &Reached) -> (Node, bool) {
        let unit = self.problem.unit(measure);
        let name = &self.measure(measure).name;
        let has_goal = self.measure(reached.measure).goal.is_some();
        let people = self.people(measure, reached);
        let is_brief = people.len() > EXPLAINED;
        let mut found = Vec::new();
        for other in people {
            let standing = Self { index: other, deal: None, day: None, ..*self };
            let figures = standing.figures(reached.measure);
            let Some(value) = (if has_goal { figures.attainment() } else { Some(figures.measured) }) else {
                continue;
            };
            // Of many people the value is enough: their own explanations say why.
            let value = if is_brief {
                Node { children: vec![], operation: Operation::Input, ..value }
            } else {
                value
            };
            let id = &standing.payee().id;
            let one = Node::input("one person", Unit::Number, Rational::one());
            let level =
                Node::input("reached from", value.unit.clone(), reached.at.clone()).citing(&reached.place);
            let label = match value.value >= reached.at {
                true => format!("{id} has reached it"),
                false => format!("{id} has not reached it"),
            };
            found.push(Node::computed(label, Unit::Number, Operation::WhenReached, vec![one, value, level]));
        }
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return (Node::input(format!("{name}: nobody to count"), unit, Rational::zero()), false);
        }
        let number = Node::computed(name.clone(), Unit::Number, Operation::Sum, found);
        if !reached.as_share {
            return (number, true);
        }
        let label = if has_goal { "people with a goal" } else { "people" };
        let all = Node::input(label, Unit::Number, Rational::from(count));
        let number = Node { label: "people who have reached it".to_owned(), ..number };
        (Node::computed(name.clone(), unit, Operation::Quotient, vec![number, all]), true)
    }
}
