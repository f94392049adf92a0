//! What stands before an adjustment, by holder: closed periods, open ones, places in the hierarchy (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::adjust::Standing;
use super::allocation::Allocation;
use super::hierarchy::season;
use super::lay_out::SALESPERSON;
use super::problem::{Holder, HolderId, Phasing, Problem};
use crate::ground::rational::Rational;

/// What stands, by holder.
pub(super) struct Before<'a> {
    /// Open periods together.
    pub(super) open: BTreeMap<&'a HolderId, Rational>,
    /// Salespeople of closed periods.
    pub(super) seats: BTreeSet<&'a HolderId>,
    /// Closed periods together.
    pub(super) closed: BTreeMap<&'a HolderId, Rational>,
    /// Open periods one by one, by name.
    pub(super) periods: BTreeMap<(&'a HolderId, &'a str), &'a Rational>,
    /// What the children of a holder have in closed periods together.
    closed_given: BTreeMap<&'a HolderId, Rational>,
    /// The same in an open period.
    given: BTreeMap<(&'a HolderId, &'a str), Rational>,
    /// Level and parent in the last period.
    pub(super) places: BTreeMap<&'a HolderId, (&'a str, Option<&'a HolderId>)>,
    /// Who was below each holder.
    pub(super) children: BTreeMap<&'a HolderId, BTreeSet<&'a HolderId>>,
    /// Units that rounding can leave in the open periods together: one for the year, and each unit that is placed in one of
    /// the m open periods of n instead of evenly, of which m (n - m) / n are most.
    pub(super) slack: Rational,
    /// An adjustment has moved something before.
    adjusted: bool,
}

impl<'a> Before<'a> {
    pub(super) fn of(standing: &'a Standing, adjusted: bool, is_open: impl Fn(&str) -> bool) -> Self {
        let mut before = Self {
            open: BTreeMap::new(),
            seats: BTreeSet::new(),
            closed: BTreeMap::new(),
            periods: BTreeMap::new(),
            closed_given: BTreeMap::new(),
            given: BTreeMap::new(),
            places: BTreeMap::new(),
            children: BTreeMap::new(),
            slack: Rational::one(),
            adjusted,
        };
        let names: BTreeSet<&str> = standing.iter().map(|row| row.period.as_str()).collect();
        let open = names.iter().filter(|name| is_open(name)).count();
        if let (Ok(open), Ok(all)) = (i64::try_from(open), i64::try_from(names.len())) {
            let spread = Rational::from(open * (all - open)).checked_div(&Rational::from(all));
            before.slack += &spread.unwrap_or_default();
        }
        for row in standing {
            if !is_open(&row.period) {
                *before.closed.entry(&row.holder).or_default() += &row.amount;
                if let Some(parent) = &row.parent {
                    *before.closed_given.entry(parent).or_default() += &row.amount;
                }
                if row.level == SALESPERSON {
                    before.seats.insert(&row.holder);
                }
                continue;
            }
            *before.open.entry(&row.holder).or_default() += &row.amount;
            before.periods.insert((&row.holder, &row.period), &row.amount);
            before.places.insert(&row.holder, (&row.level, row.parent.as_ref()));
            if let Some(parent) = &row.parent {
                before.children.entry(parent).or_default().insert(&row.holder);
                *before.given.entry((parent, &row.period)).or_default() += &row.amount;
            }
        }
        before
    }

    pub(super) fn closed(&self, holder: &HolderId) -> Rational {
        self.closed.get(holder).cloned().unwrap_or_default()
    }

    /// What those below a holder have in the open periods together.
    fn given_out(&self, holder: &HolderId) -> Rational {
        let own = self.given.range((holder, "")..).take_while(|((parent, _), _)| *parent == holder);
        own.map(|(_, given)| given).sum()
    }

    /// What a holder has in the open periods, when those below it have this sum in them.
    pub(super) fn gives(&self, holder: &HolderId, sum: &Rational) -> Option<Rational> {
        self.open.get(holder).filter(|_| self.given_out(holder) == *sum).cloned()
    }

    /// True when what a holder gives out comes, but for rounding, from this factor: over the year, in which it is rounded once;
    /// or, where an adjustment has changed it, in the open periods, each of which is rounded.
    pub(super) fn follows(&self, problem: &Problem, holder: &HolderId, factor: &Rational) -> bool {
        let smallest = Rational::from_scaled(1, problem.decimals);
        let near = |given: Rational, own: Rational, units: &Rational| {
            let allowed = units * &problem.unit + factor * &smallest;
            (given - &own * factor).abs() <= allowed
        };
        let open = (self.given_out(holder), self.open.get(holder).cloned().unwrap_or_default());
        let closed_given = self.closed_given.get(holder).cloned().unwrap_or_default();
        near(&open.0 + &closed_given, &open.1 + &self.closed(holder), &Rational::one())
            || self.adjusted && near(open.0, open.1, &(&self.slack * &(&Rational::one() + factor)))
    }

    /// Open periods of the root of a problem.
    pub(super) fn total(&self, problem: &Problem) -> Rational {
        problem.holders.first().and_then(|root| self.open.get(&root.id)).cloned().unwrap_or_default()
    }

    /// Periods of a holder in the order of a phasing.
    pub(super) fn periods_of(&self, holder: &HolderId, phasing: &Phasing) -> Vec<Rational> {
        let period = |(name, _): &(String, Rational)| {
            self.periods.get(&(holder, name.as_str())).copied().cloned().unwrap_or_default()
        };
        phasing.periods.iter().map(period).collect()
    }

    /// What somebody in the same place has in the open periods, when this amount differs from it by rounding only: by what
    /// rounding of a year can leave in the open periods together, and by no more than two units in any of them.
    pub(super) fn near(&self, problem: &Problem, holder: &Holder, amount: &Rational) -> Option<Rational> {
        let (_, parent) = self.places.get(&holder.id)?;
        let phasing = problem.phasing.as_ref()?;
        let shares = season(phasing, holder);
        let all: Rational = shares.iter().sum();
        let small = &problem.unit * &Rational::from(2_i64);
        let near = |(stood, share): (&Rational, &Rational)| {
            let exact = (amount * share).checked_div(&all).unwrap_or_default();
            (exact - stood.clone()).abs() <= small
        };
        let stood: Rational = self.periods_of(&holder.id, phasing).iter().sum();
        let same = *parent == holder.parent.as_ref()
            && (amount - &stood).abs() <= &problem.unit * &self.slack
            && self.periods_of(&holder.id, phasing).iter().zip(&shares).all(near);
        same.then(|| self.open.get(&holder.id).cloned()).flatten()
    }

    /// What the children of a holder have in these periods.
    pub(super) fn given_of(&self, holder: &HolderId, phasing: &Phasing) -> Vec<Rational> {
        let period = |(name, _): &(String, Rational)| {
            self.given.get(&(holder, name.as_str())).cloned().unwrap_or_default()
        };
        phasing.periods.iter().map(period).collect()
    }

    /// True when an allocation of the whole year has the same holders in the same places with the same open periods.
    pub(super) fn is_given_by(&self, fresh: &Allocation) -> bool {
        fresh.holders.len() == self.places.len()
            && fresh.holders.iter().zip(fresh.rows()).all(|(own, row)| {
                let place = self.places.get(&own.holder);
                let same_place = place.is_some_and(|place| *place == (&*own.level, own.parent.as_ref()));
                let same = |(name, amount): (&Arc<str>, &i64)| {
                    // Closed periods are not looked at.
                    let stood = self.periods.get(&(&own.holder, &**name));
                    stood.is_none_or(|stood| {
                        **stood == Rational::from_scaled((*amount).into(), fresh.decimals)
                    })
                };
                same_place && fresh.periods.iter().zip(&row[1..]).all(same)
            })
    }
}
