//! When a payee is in the plan: on which days, and which periods of a window, of a team or of goals count for it.

use std::ops::RangeInclusive;

use super::figures::Standing;
use crate::ground::period::{DateRange, Group};
use crate::plan::comp::{Component, Window};

impl Standing<'_> {
    /// The periods of a window up to the last one in which the payee is in the plan: what comes later is no goal of theirs.
    pub(super) fn until_left(&self, window: RangeInclusive<usize>) -> RangeInclusive<usize> {
        let last = window.clone().rev().find(|period| self.at(*period).is_there());
        last.map_or(window.clone(), |last| *window.start()..=last)
    }

    /// The same payee at the end of another period.
    pub(super) fn at(&self, period: usize) -> Self {
        Self { period, ..*self }
    }

    /// Whether a period of the team counts for the payee: those after the last one in which the payee is there do not.
    pub(super) fn is_before_the_end(&self, period: usize) -> bool {
        let year = self.problem.calendar.group(period, Group::Year);
        (period..year.end).any(|period| self.at(period).is_there())
    }

    /// Whether the payee has been in the plan on any day of a window so far.
    pub(super) fn has_been_there(&self, window: Window) -> bool {
        self.stretch(window).any(|period| self.at(period).is_there())
    }

    /// Whether the payee is in the plan on any day of the period.
    pub(super) fn is_there(&self) -> bool {
        !self.there(self.problem.calendar.periods()[self.period].range).is_empty()
    }

    /// Whether refunds take back from the payee in a window in which they have not been there: nothing else credits them then.
    pub(super) fn gives_back(&self, measure: usize) -> bool {
        let definition = self.measure(measure);
        let rolls = matches!(definition.window, Window::Rolling(_));
        if rolls || definition.team.is_some() || self.has_been_there(definition.window) {
            return false;
        }
        self.window(measure).any(|period| self.amounts(measure, period).is_some())
            || self.behind(measure).any(|other| self.gives_back(other))
    }

    /// Whether a component takes back from the payee what refunds leave of earlier periods, and nothing else.
    pub(super) fn only_gives_back(&self, component: &Component) -> bool {
        let measures = match component.measure {
            Some(measure) => measure..measure + 1,
            None => 0..self.problem.plan.measures.len(),
        };
        measures.into_iter().any(|measure| self.gives_back(measure))
    }

    /// Whether the payee is in the plan on any day that a component pays for: of the period, or of the quarter or year so far
    /// that it pays at once. With `employed`, on the last one.
    pub(super) fn shares_in(&self, component: &Component) -> bool {
        let periods = self.problem.calendar.periods();
        let whole = periods[self.period].range;
        let from = periods[self.group(component.every).start].range.from;
        let days = match component.employed {
            true => self.problem.last_of(self.period),
            false => DateRange { from, to: whole.to },
        };
        !self.there(days).is_empty()
    }

    pub(super) fn there(&self, range: DateRange) -> Vec<DateRange> {
        self.problem.there(self.index, range)
    }
}
