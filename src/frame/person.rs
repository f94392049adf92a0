//! Who a credit belongs to: people of reps with the days of their employment and in the plan.

use std::ops::Range;

use polars::prelude::*;
use spm_core::ground::period::{Calendar, DateRange, epoch_day};

use crate::credit::Crediting;

impl Crediting<'_> {
    /// Everyone in reps by identifier, with employment dates, and the index of those in the plan.
    pub(crate) fn people(&self) -> PlHashMap<&str, Person> {
        let Some(ids) = self.reps.texts("rep_id") else { return PlHashMap::default() };
        let (hired, left) = (self.reps.days("hire_date"), self.reps.days("end_date"));
        let day = |days: Option<&Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
        let person = |(row, id): (usize, Option<&'_ str>)| {
            let index =
                id.and_then(|id| self.payees.binary_search_by(|payee| payee.id.as_str().cmp(id)).ok());
            let enrolled = index.and_then(|index| self.payees[index].enrolled.as_ref());
            let days = |range: &DateRange| epoch_day(range.from)..epoch_day(range.to);
            Person {
                index,
                hired: day(hired, row),
                left: day(left, row),
                enrolled: enrolled.map(|all| all.iter().map(days).collect()),
            }
        };
        ids.iter().enumerate().filter_map(|(row, id)| Some((id?, person((row, id))))).collect()
    }
}

/// Who a row of credit belongs to.
pub(crate) enum Found {
    /// Index of the payee.
    Payee(u32),
    /// Somebody whom the plan does not pay.
    Other,
    /// Nobody who could be credited, and why.
    Nobody(Why),
}

/// Why a credit has no payee.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    NoPerson,
    Unknown,
    NotEmployed,
}

impl Why {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoPerson => "no person on the transaction",
            Self::Unknown => "the person is not in reps",
            Self::NotEmployed => "not employed on the event date",
        }
    }
}

/// Someone in reps.
pub(crate) struct Person {
    /// Index into the payees of the plan.
    index: Option<usize>,
    /// First day, and first day after the last, in days since 1970-01-01.
    hired: Option<i32>,
    left: Option<i32>,
    /// The days in the plan, where a table says so.
    enrolled: Option<Vec<Range<i32>>>,
}

impl Person {
    /// Who is credited: somebody employed on the first day, in the plan on the second. Both are the event date, but for a refund,
    /// which inherits them.
    pub(crate) fn find(
        people: &PlHashMap<&str, Self>,
        id: Option<&str>,
        (day, planned): (Option<i32>, Option<i32>),
    ) -> Found {
        let Some(id) = id else { return Found::Nobody(Why::NoPerson) };
        let Some(person) = people.get(id) else { return Found::Nobody(Why::Unknown) };
        let hired = person.hired.is_none_or(|hired| day.is_some_and(|day| day >= hired));
        if !hired || person.left.is_some_and(|left| day.is_none_or(|day| day >= left)) {
            return Found::Nobody(Why::NotEmployed);
        }
        let elsewhere = |enrolled: &Vec<Range<i32>>| {
            !planned.is_some_and(|day| enrolled.iter().any(|days| days.contains(&day)))
        };
        if person.enrolled.as_ref().is_some_and(elsewhere) {
            return Found::Other;
        }
        let index = person.index.and_then(|index| u32::try_from(index).ok());
        index.map_or(Found::Other, Found::Payee)
    }
}

/// The index of the leaf period of each day of the calendar.
pub(crate) struct PeriodByDay {
    first: i32,
    periods: Vec<u32>,
}

impl PeriodByDay {
    pub(crate) fn of(calendar: &Calendar) -> Self {
        let mut periods: Vec<u32> = Vec::new();
        for (index, period) in calendar.periods().iter().enumerate() {
            let days = usize::try_from(period.range.days()).unwrap_or(0);
            periods.extend(std::iter::repeat_n(u32::try_from(index).unwrap_or(0), days));
        }
        Self { first: epoch_day(calendar.range().from), periods }
    }

    pub(crate) fn get(&self, day: i32) -> Option<u32> {
        self.periods.get(usize::try_from(day - self.first).ok()?).copied()
    }
}
