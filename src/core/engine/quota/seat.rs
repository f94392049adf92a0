//! A salesperson of a quota plan as the extracts know them, and the part of each period that they carry quota (floor 2).

use std::sync::Arc;

use jiff::ToSpan;

use crate::ground::period::{Date, DateRange, days_between, from_epoch_day};
use crate::ground::rational::Rational;

/// A salesperson of a quota plan. Amounts are for a whole year; none means that the plan does not ask for it, or that the
/// extract has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// Identifier, unique among the seats of a plan or of one of its lines.
    pub id: String,
    /// Which line of the plan the amounts are of (an index), for a plan that has lines.
    pub line: Option<usize>,
    /// Holders above, the uppermost first: values of the level columns, or managers. Held once for all who have the same.
    pub above: Arc<[Option<String>]>,
    /// What was sold.
    pub history: Option<Rational>,
    /// What the market could buy.
    pub potential: Option<Rational>,
    /// Quota of the year before.
    pub last_quota: Option<Rational>,
    /// Weight that the plan states.
    pub weight: Option<Rational>,
    /// Least quota.
    pub least: Option<Rational>,
    /// Greatest quota.
    pub most: Option<Rational>,
    /// What the salesperson can carry.
    pub bottom_up: Option<Rational>,
    /// First day, in days since 1970-01-01; always there when none.
    pub hired: Option<i32>,
    /// First day after the last.
    pub left: Option<i32>,
    /// Absences: first day, first day after the last, and the part of a full quota that they relieve.
    pub leaves: Vec<(i32, i32, Rational)>,
}

/// The days of the periods of a plan that count: all of them, or working days only.
pub(super) struct Days {
    first: i32,
    /// How many days count before each day, from the first.
    before: Vec<i64>,
    /// Day numbers from which and up to which each period runs.
    periods: Vec<(i32, i32)>,
}

impl Days {
    /// Days of these periods, in any order; a day counts when `counts` says so.
    pub(super) fn of(periods: &[DateRange], counts: impl Fn(Date) -> bool) -> Self {
        let origin = Date::constant(1970, 1, 1);
        let number = |date: Date| i32::try_from(days_between(origin, date)).unwrap_or(i32::MAX);
        let periods: Vec<(i32, i32)> =
            periods.iter().map(|range| (number(range.from), number(range.to))).collect();
        let first = periods.iter().map(|(from, _)| *from).min().unwrap_or(0);
        let last = periods.iter().map(|(_, to)| *to).max().unwrap_or(0);
        let mut before = vec![0];
        let mut sum = 0;
        for day in first..last {
            sum += i64::from(from_epoch_day(day).is_some_and(&counts));
            before.push(sum);
        }
        Self { first, before, periods }
    }

    /// How many days count from one day to another; both inside the periods.
    fn between(&self, from: i32, to: i32) -> i64 {
        let at = |day: i32| {
            let place = usize::try_from(day - self.first).unwrap_or(0);
            self.before[place.min(self.before.len() - 1)]
        };
        at(to) - at(from)
    }

    /// The first day of a period and the first after it, in days since 1970-01-01.
    pub(super) fn period(&self, period: usize) -> (i32, i32) {
        self.periods[period]
    }

    /// The first day of all periods and the first after them.
    pub(super) fn range(&self) -> (i32, i32) {
        (self.first, self.first + i32::try_from(self.before.len()).unwrap_or(0) - 1)
    }

    /// How many days of each period count.
    pub(super) fn counted(&self) -> Vec<Rational> {
        self.periods.iter().map(|(from, to)| Rational::from(self.between(*from, *to))).collect()
    }

    /// Why a seat does not carry all of every period: `from 2027-04-01, ramp of 2 months`.
    pub(super) fn why(&self, seat: &Seat, ramp: &[Rational]) -> String {
        let (first, last) = self.range();
        let date = |day: i32| from_epoch_day(day).map(|date| date.to_string()).unwrap_or_default();
        let mut why: Vec<String> = vec![];
        why.extend(seat.hired.filter(|hired| *hired > first).map(|hired| format!("from {}", date(hired))));
        why.extend(
            seat.left.filter(|left| *left < last).map(|left| format!("to {}, not included", date(left))),
        );
        let ramped = anniversaries(seat.hired, ramp.len()).last().is_some_and(|end| *end > first);
        if ramped {
            why.push(format!(
                "ramp of {} months from {}",
                ramp.len(),
                seat.hired.map(date).unwrap_or_default()
            ));
        }
        for (from, to, relief) in seat.leaves.iter().filter(|(from, to, _)| *from < last && first < *to) {
            let (from, to) = (date(*from), date(*to));
            why.push(format!("leave from {from} to {to} relieves {}", relief.to_percent()));
        }
        why.join("; ")
    }

    /// The part of each period in which a seat carries quota, from 0 to 1: the days from the hire to the end, less what
    /// leaves relieve, times the ramp of the month of tenure. `None` for somebody who always carries all.
    pub(super) fn presence(&self, seat: &Seat, ramp: &[Rational]) -> Option<Vec<Rational>> {
        let (first, last) = self.range();
        let hired = seat.hired.unwrap_or(i32::MIN);
        let left = seat.left.unwrap_or(i32::MAX);
        let anniversaries = anniversaries(seat.hired, ramp.len());
        let ramped = anniversaries.last().copied().unwrap_or(hired);
        let absent = seat.leaves.iter().any(|(from, to, _)| *from < last && first < *to);
        if hired <= first && ramped <= first && last <= left && !absent {
            return None;
        }
        let mut cuts = vec![hired, left];
        cuts.extend(&anniversaries);
        cuts.extend(seat.leaves.iter().flat_map(|(from, to, _)| [*from, *to]));
        cuts.sort_unstable();
        let part = |day: i32| {
            if day < hired || left <= day {
                return Rational::zero();
            }
            let month = anniversaries.partition_point(|start| *start <= day);
            let ramped = if seat.hired.is_some() { ramp.get(month) } else { None };
            let relieved = seat.leaves.iter().filter(|(from, to, _)| *from <= day && day < *to);
            let relief: Rational = relieved.map(|(_, _, relief)| relief).sum();
            let there = (Rational::one() - relief).max(Rational::zero());
            ramped.map_or(there.clone(), |ramped| ramped * &there)
        };
        let of_period = |(from, to): &(i32, i32)| {
            let mut sum = Rational::zero();
            let mut start = *from;
            for end in cuts.iter().copied().filter(|cut| from < cut && cut < to).chain([*to]) {
                if start < end {
                    sum += &(Rational::from(self.between(start, end)) * part(start));
                    start = end;
                }
            }
            sum.checked_div(&Rational::from(self.between(*from, *to))).unwrap_or_default()
        };
        Some(self.periods.iter().map(of_period).collect())
    }
}

/// The days on which the second, third, ... month of tenure begins, for a ramp of so many months.
fn anniversaries(hired: Option<i32>, months: usize) -> Vec<i32> {
    let Some((hired, date)) = hired.and_then(|hired| Some((hired, from_epoch_day(hired)?))) else {
        return vec![];
    };
    let after = |month: usize| {
        let later = date.checked_add(i64::try_from(month).unwrap_or(0).months()).ok()?;
        Some(hired + i32::try_from(days_between(date, later)).ok()?)
    };
    (1..=months).filter_map(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::period::{Calendar, Pattern, epoch_day};

    fn day(text: &str) -> i32 {
        epoch_day(text.parse().expect("a date"))
    }

    fn quarters() -> Days {
        let calendar = Calendar::regular(Pattern::Quarters, "2027-01-01".parse().expect("a date"), 1);
        let ranges: Vec<DateRange> =
            calendar.expect("a calendar").periods().iter().map(|period| period.range).collect();
        Days::of(&ranges, |_| true)
    }

    fn texts(parts: Option<Vec<Rational>>) -> Vec<String> {
        parts.expect("not always there").iter().map(Rational::to_string).collect()
    }

    #[test]
    fn who_is_always_there_has_no_presence() {
        assert_eq!(quarters().presence(&Seat::default(), &["50%".parse().expect("a number")]), None);
        let seat = Seat { hired: Some(day("2026-12-01")), ..Seat::default() };
        assert_eq!(quarters().presence(&seat, &[]), None);
    }

    #[test]
    fn calendar_days_start_included_end_excluded() {
        let seat = Seat { hired: Some(day("2027-02-15")), left: Some(day("2027-07-02")), ..Seat::default() };
        // 15 February to 31 March: 14 + 31 of 90 days; one day of 92 in July.
        assert_eq!(texts(quarters().presence(&seat, &[])), ["0.5", "1", "1/92", "0"]);
    }

    #[test]
    fn ramp_by_month_of_tenure_and_leave() {
        let ramp: Vec<Rational> = ["0%", "50%"].iter().map(|share| share.parse().expect("a share")).collect();
        let seat = Seat {
            hired: Some(day("2027-02-15")),
            leaves: vec![(day("2027-07-01"), day("2027-10-01"), "40%".parse().expect("a share"))],
            ..Seat::default()
        };
        // To 15 March nothing; to 15 April a half: 17 days of 90, and 14 of 91; then all.
        assert_eq!(texts(quarters().presence(&seat, &ramp)), ["17/180", "12/13", "0.6", "1"]);
    }

    #[test]
    fn working_days_only() {
        let calendar = Calendar::regular(Pattern::Months, "2027-01-01".parse().expect("a date"), 1);
        let january = calendar.expect("a calendar").periods()[0].range;
        let days = Days::of(&[january], |date| date.weekday().to_monday_zero_offset() < 5);
        assert_eq!(days.counted(), [Rational::from(21_i64)]);
        let seat = Seat { hired: Some(day("2027-01-30")), ..Seat::default() }; // a Saturday
        assert_eq!(texts(days.presence(&seat, &[])), ["0"]);
    }
}
