//! What part of a season each seat carries: a hire, a leaver, a leave and a ramp sell in the rest of it only.

use std::collections::BTreeMap;
use std::ops::Range;

use spm_core::engine::quota::{Carry, Seat, season_days};
use spm_core::ground::diagnostic::Diagnostic;
use spm_core::ground::period::{Calendar, DateRange};
use spm_core::ground::rational::Rational;
use spm_core::plan::project::Project;
use spm_core::plan::quotas::QuotaPlan;
use spm_frame::facts::there;
use spm_frame::load::Tables;
use spm_frame::seats::sold_in;

/// Who was there for less of a season tells too little of a whole one.
const LEAST: f64 = 0.25;

/// Who is there when, by the season of the quotas.
pub(super) struct There<'a> {
    carry: Carry<'a>,
    seats: BTreeMap<String, Seat>,
    calendar: &'a Calendar,
}

/// The parts of some periods, together one, that each person carries; all of each for whom reps does not know.
pub(super) struct Parts<'a> {
    known: BTreeMap<&'a str, Vec<f64>>,
    all: Vec<f64>,
}

impl<'a> There<'a> {
    /// The season is that of the plan that gives the quotas, or without one that of the days.
    pub fn of(
        plan: Option<&'a QuotaPlan>,
        project: &'a Project,
        tables: &Tables,
        scored: Range<usize>,
    ) -> Result<Self, Diagnostic> {
        let calendar = &project.calendar;
        let sold = match plan {
            Some(plan) => {
                let first = |faults: Vec<Diagnostic>| faults.into_iter().next();
                let days = season_days(plan, calendar);
                match days.map_err(first) {
                    Ok(days) => sold_in(plan, &days, tables, project.currency.code())?,
                    Err(Some(fault)) => return Err(fault),
                    Err(None) => vec![],
                }
            }
            None => vec![],
        };
        Ok(Self { carry: Carry::of(plan, calendar, &sold, scored), seats: there(tables), calendar })
    }

    /// Who is in reps.
    pub fn knows(&self, person: &str) -> bool {
        self.seats.contains_key(person)
    }

    /// What everybody carries of as many periods as are scored.
    pub fn parts(&self, periods: Range<usize>) -> Parts<'_> {
        let ranges: Vec<DateRange> =
            self.calendar.periods()[periods].iter().map(|period| period.range).collect();
        let floats = |own: &[Rational]| own.iter().map(Rational::to_f64_for_display).collect::<Vec<f64>>();
        let always = BTreeMap::from([(String::new(), Seat::default())]);
        let all = self.carry.parts(&always, &ranges).into_values().next().unwrap_or_default();
        let known = self.carry.parts(&self.seats, &ranges);
        Parts { known: known.into_iter().map(|(id, own)| (id, floats(&own))).collect(), all: floats(&all) }
    }
}

impl Parts<'_> {
    /// By period.
    fn of(&self, person: &str) -> &[f64] {
        self.known.get(person).unwrap_or(&self.all)
    }

    /// What a person carries of the periods that count, all of them one.
    pub fn carried(&self, person: &str, counts: &[bool]) -> f64 {
        let own = self.of(person).iter().zip(counts);
        let sum: f64 = own.filter(|(_, counts)| **counts).map(|(part, _)| part).sum();
        // Sums of parts are one only nearly.
        if (sum - 1.0).abs() < 1e-9 { 1.0 } else { sum }
    }

    /// What a person sold, as if they had been there for all of it; none where they were there for too little of it.
    pub fn whole(&self, person: &str, sold: f64) -> Option<f64> {
        let part = self.carried(person, &vec![true; self.all.len()]);
        (part >= LEAST).then(|| sold / part)
    }
}
