//! What part of some periods somebody carries, for whoever judges quotas: by the season of their plan, or by days (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::seat::{Days, Seat};
use crate::ground::period::{Calendar, Date, DateRange};
use crate::ground::rational::Rational;
use crate::plan::quotas::{QuotaPlan, Season};

/// The days of some periods that count for a plan: all of them, or working days.
pub(super) fn counted_days(plan: Option<&QuotaPlan>, periods: &[DateRange]) -> Days {
    let holidays: Option<BTreeSet<Date>> = plan.and_then(|plan| match &plan.season {
        Season::WorkingDays(holidays) => Some(holidays.iter().copied().collect()),
        _ => None,
    });
    Days::of(periods, |date| {
        let works = |holidays: &BTreeSet<Date>| {
            date.weekday().to_monday_zero_offset() < 5 && !holidays.contains(&date)
        };
        holidays.as_ref().is_none_or(works)
    })
}

/// The weights of a plan's periods. `sold` is what was sold in the periods that each is like.
pub(super) fn season_weights(plan: &QuotaPlan, days: &Days, sold: &[Rational]) -> Vec<Rational> {
    match &plan.season {
        Season::Weights => plan.phasing.iter().map(|phase| phase.weight.clone()).collect(),
        Season::History => sold.to_vec(),
        Season::Days | Season::WorkingDays(_) => days.counted(),
    }
}

/// How much of a season each period is, and what somebody carries of it.
pub struct Carry<'a> {
    plan: Option<&'a QuotaPlan>,
    /// Shares of the periods; together one.
    shares: Vec<Rational>,
}

impl<'a> Carry<'a> {
    /// For periods of the calendar that a plan gives quotas for; where it does not, or there is none, by days. `sold` is
    /// what was sold in the periods that each phase of the plan is like.
    #[must_use]
    pub fn of(
        plan: Option<&'a QuotaPlan>,
        calendar: &Calendar,
        sold: &[Rational],
        scored: Range<usize>,
    ) -> Self {
        let all = calendar.periods();
        let ranges: Vec<DateRange> = all[scored.clone()].iter().map(|period| period.range).collect();
        let of_plan = |plan: &QuotaPlan| -> Option<Vec<Rational>> {
            let names: Vec<usize> =
                plan.phasing.iter().map(|phase| calendar.index_of(&phase.period)).collect::<Option<_>>()?;
            let own: Vec<DateRange> = names.iter().map(|index| all[*index].range).collect();
            let weights = season_weights(plan, &counted_days(Some(plan), &own), sold);
            let weight = |period: usize| weights.get(names.iter().position(|own| *own == period)?).cloned();
            scored.clone().map(weight).collect()
        };
        let positive = |weights: &Vec<Rational>| weights.iter().sum::<Rational>().is_positive();
        let weights = plan.and_then(of_plan).filter(positive);
        let weights = weights.unwrap_or_else(|| counted_days(plan, &ranges).counted());
        let whole: Rational = weights.iter().sum();
        let shares = weights.iter().map(|own| own.checked_div(&whole).unwrap_or_default()).collect();
        Self { plan, shares }
    }

    /// The part of the season that each carries in each of these periods, which stand for those that the shares are of:
    /// from hire to end, less leaves, times the ramp of the plan. Together one for somebody who is always there.
    #[must_use]
    pub fn parts<'s>(
        &self,
        seats: &'s BTreeMap<String, Seat>,
        periods: &[DateRange],
    ) -> BTreeMap<&'s str, Vec<Rational>> {
        let days = counted_days(self.plan, periods);
        let ramp = self.plan.map_or(&[][..], |plan| &plan.ramp);
        let parts = |seat: &Seat| match days.presence(seat, ramp) {
            Some(presence) => self.shares.iter().zip(presence).map(|(share, part)| share * &part).collect(),
            None => self.shares.clone(),
        };
        seats.iter().map(|(id, seat)| (id.as_str(), parts(seat))).collect()
    }
}
