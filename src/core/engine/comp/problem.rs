//! What the calculation of one plan needs: payees, measurements, quotas.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::ground::id::PayeeId;
use crate::ground::period::{Calendar, Date, DateRange, Group};
use crate::ground::rational::Rational;
use crate::ground::trace::Unit;
use crate::plan::comp::{Aggregate, CompPlan, MeasureSource, Team, Window};

use super::gaps::Gaps;
use super::others::EarnedByPeople;
use super::transactions::Transactions;

/// A person in the plan.
#[derive(Clone, Debug, Default)]
pub struct Payee {
    /// Identifier.
    pub id: PayeeId,
    /// Number columns of reps; absent when the cell is empty.
    pub numbers: BTreeMap<String, Rational>,
    /// Text columns of reps; absent when the cell is empty.
    pub texts: BTreeMap<String, String>,
    /// First day.
    pub hired: Option<Date>,
    /// First day after the last.
    pub left: Option<Date>,
    /// The days on which the table plan_assignments has the payee in the plan: in order, apart; `None` where no such table
    /// says anything.
    pub enrolled: Option<Vec<DateRange>>,
    /// Absences, and the part of the goal that each relieves.
    pub leaves: Vec<(DateRange, Rational)>,
    /// What was different on some days: in order, apart.
    pub versions: Vec<Version>,
    /// Who is above, where the plan looks at people below: in order, apart.
    pub above: Vec<Above>,
}

/// The managers above somebody on some days.
#[derive(Clone, Debug)]
pub struct Above {
    /// The days.
    pub days: DateRange,
    /// Nearest first.
    pub managers: Vec<PayeeId>,
}

/// What reps says of a person on the days of a row of the table rep_history, complete.
#[derive(Clone, Debug)]
pub struct Version {
    /// The days.
    pub days: DateRange,
    /// As in [`Payee::numbers`].
    pub numbers: BTreeMap<String, Rational>,
    /// As in [`Payee::texts`].
    pub texts: BTreeMap<String, String>,
}

impl Payee {
    fn version(&self, day: Date) -> Option<&Version> {
        self.versions.iter().find(|version| version.days.contains(day))
    }

    /// A number column of reps as it stood on a day.
    #[must_use]
    pub fn number(&self, name: &str, day: Date) -> Option<&Rational> {
        self.version(day).map_or(&self.numbers, |version| &version.numbers).get(name)
    }

    /// The days of a range on which the payee is in a plan: stretches in order, apart.
    #[must_use]
    pub fn there(&self, plan: &CompPlan, range: DateRange) -> Vec<DateRange> {
        let from = self.hired.unwrap_or(Date::MIN).max(plan.effective.from);
        let to = self.left.unwrap_or(Date::MAX).min(plan.effective.to);
        let Some(whole) = DateRange::new(from, to).and_then(|employed| range.intersect(&employed)) else {
            return vec![];
        };
        match &self.enrolled {
            None => vec![whole],
            Some(enrolled) => enrolled.iter().filter_map(|days| days.intersect(&whole)).collect(),
        }
    }

    /// A text column of reps as it stood on a day.
    #[must_use]
    pub fn text(&self, name: &str, day: Date) -> Option<&str> {
        let texts = self.version(day).map_or(&self.texts, |version| &version.texts);
        texts.get(name).map(String::as_str)
    }
}

/// One measurement: indices of the payee, of the plan's measure, of the leaf period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index into the payees.
    pub payee: usize,
    /// Index into the plan's measures.
    pub measure: usize,
    /// Index of the leaf period.
    pub period: usize,
}

/// What the credits of a cell come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Sum.
    pub sum: Rational,
    /// Number of credits.
    pub count: i64,
    /// The largest credit of those that no refund is about; `None` without such credits.
    pub largest: Option<Rational>,
    /// The smallest of them.
    pub smallest: Option<Rational>,
}

impl Amounts {
    /// The amounts of one credit.
    #[must_use]
    pub fn of(amount: Rational) -> Self {
        Self { sum: amount.clone(), count: 1, largest: Some(amount.clone()), smallest: Some(amount) }
    }

    /// Adds the credits of another cell.
    pub fn add(&mut self, other: &Self) {
        self.sum += &other.sum;
        self.count += other.count;
        let one = |a: &Option<Rational>, b: &Option<Rational>, larger: bool| match (a, b) {
            (Some(a), Some(b)) => Some(if (a > b) == larger { a.clone() } else { b.clone() }),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        self.largest = one(&self.largest, &other.largest, true);
        self.smallest = one(&self.smallest, &other.smallest, false);
    }
}

/// One credit of a measure that keeps transactions apart.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Transaction.
    pub transaction: String,
    /// Its line, when it has one.
    pub line: Option<String>,
    /// The transaction that this one takes back.
    pub refund_of: Option<String>,
    /// Event date.
    pub date: Date,
    /// Credited amount.
    pub amount: Rational,
    /// The credit's second number.
    pub lookup: Option<Rational>,
}

impl Deal {
    /// The transaction, with its line when it has one.
    #[must_use]
    pub fn id(&self) -> String {
        self.line
            .as_ref()
            .map_or_else(|| self.transaction.clone(), |line| format!("{}/{line}", self.transaction))
    }
}

/// The calculation of one plan.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The plan.
    pub plan: &'a CompPlan,
    /// The fiscal calendar.
    pub calendar: &'a Calendar,
    /// Leaf periods to calculate.
    pub periods: Range<usize>,
    /// Eligible people, sorted by identifier.
    pub payees: &'a [Payee],
    /// What credits come to. A cell without credits is absent. Must hold the periods before `periods` that share a
    /// window or a year with them.
    pub measurements: &'a BTreeMap<Cell, Amounts>,
    /// In event order the credits of measures of window transaction; of other measures that compare credits, those that refunds
    /// take back from, with the refunds.
    pub deals: &'a BTreeMap<Cell, Vec<Deal>>,
    /// Quotas by holder, name and leaf period.
    pub quotas: &'a BTreeMap<(PayeeId, String, usize), Rational>,
    /// Whether each deal gets an explanation of its own, instead of one value.
    pub explain_deals: bool,
}

impl Problem<'_> {
    /// How the values of a measure are printed.
    pub(super) fn unit(&self, measure: usize) -> Unit {
        match &self.plan.measures[measure].source {
            MeasureSource::Credits(_, Aggregate::Count) | MeasureSource::Formula(..) => Unit::Number,
            MeasureSource::Reached(reached) if reached.as_share => Unit::Percent,
            MeasureSource::Reached(_) => Unit::Number,
            MeasureSource::Credits(credits, _) => {
                let is_money = credits.iter().any(|credit| self.plan.credits[*credit].is_money());
                if is_money { self.money() } else { Unit::Number }
            }
            MeasureSource::Earned(_) => self.money(),
        }
    }

    /// The plan's currency as a unit.
    pub(super) fn money(&self) -> Unit {
        Unit::Money(self.plan.currency.code().to_owned())
    }

    /// The name of a payee's team in a period, as it stood on the last day there; payees without one are a team of their
    /// own.
    pub(super) fn team_key(&self, team: &Team, payee: usize, period: usize) -> String {
        let own = &self.payees[payee];
        match team {
            Team::All => String::new(),
            Team::Column(column) => own
                .text(column, self.last_day(payee, period))
                .map_or_else(|| format!("{NO_TEAM}{}", own.id), str::to_owned),
        }
    }

    /// The period in which a component that pays so often pays for a period: the last of its quarter or year, or of the
    /// plan.
    #[must_use]
    pub fn paid_in(&self, every: Group, period: usize) -> usize {
        let end = self.calendar.group(period, every).end;
        let ends = |index: &usize| self.plan.effective.to <= self.calendar.periods()[*index].range.to;
        (period..end).find(ends).unwrap_or(end - 1)
    }

    /// The last day of the plan in a period.
    pub(super) fn last_of(&self, period: usize) -> DateRange {
        let to = self.calendar.periods()[period].range.to.min(self.plan.effective.to);
        DateRange { from: to.yesterday().unwrap_or(to), to }
    }

    /// The days of a range on which a payee is in the plan: stretches in order, apart.
    pub(super) fn there(&self, payee: usize, range: DateRange) -> Vec<DateRange> {
        self.payees[payee].there(self.plan, range)
    }

    /// The day on which rates and texts of a payee are read for a period: the last one in the plan up to its end.
    #[must_use]
    pub fn last_day(&self, payee: usize, period: usize) -> Date {
        let end = self.calendar.periods()[period].range.to;
        let before = |day: Date| day.yesterday().unwrap_or(day);
        if self.payees[payee].versions.is_empty() {
            return before(end);
        }
        let until = DateRange { from: Date::MIN, to: end };
        before(self.there(payee, until).last().map_or(end, |days| days.to))
    }
}

/// Of how many people an explanation tells each.
pub(super) const EXPLAINED: usize = 50;

/// How the name of a team begins that somebody is alone in because nobody says which it is.
pub(super) const NO_TEAM: char = '\0';

/// What is prepared once for all payees.
pub(super) struct Prepared<'a> {
    /// What components have earned so far, for the measures that are about it.
    pub(super) earned: EarnedByPeople,
    /// Every payee.
    pub(super) everyone: Vec<usize>,
    /// By payee, everybody who has been below on any day.
    below: BTreeMap<usize, Vec<usize>>,
    /// What is needed and nobody states.
    pub(super) gaps: Gaps,
    /// Whom the measures that compare credits have refunds of.
    refunded: BTreeMap<usize, Vec<usize>>,
    /// What teams have come to together, by measure, team and period, and who has credits in it.
    teams: BTreeMap<(usize, String, usize), (Amounts, Vec<usize>)>,
    /// The transactions of each measure that keeps them apart.
    transactions: BTreeMap<usize, Transactions<'a>>,
}

impl<'a> Prepared<'a> {
    /// Adds up the measurements of every measure of a team, and finds the refunds of transactions.
    pub(super) fn of(problem: &'a Problem<'a>) -> Self {
        let mut sums: BTreeMap<(usize, String, usize), (Amounts, Vec<usize>)> = BTreeMap::new();
        for (cell, amounts) in problem.measurements {
            if let Some(team) = &problem.plan.measures[cell.measure].team {
                let key = (cell.measure, problem.team_key(team, cell.payee, cell.period), cell.period);
                let (sum, members) = sums.entry(key).or_default();
                sum.add(amounts);
                members.extend((members.len() <= EXPLAINED).then_some(cell.payee));
            }
        }
        let apart = problem.plan.measures.iter().enumerate();
        let apart = apart.filter(|(_, measure)| measure.window == Window::Transaction);
        let transactions = apart.map(|(index, _)| (index, Transactions::of_measure(problem, index)));
        let mut refunded: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let compares = |cell: &&Cell| problem.plan.measures[cell.measure].aggregate().compares();
        for cell in problem.deals.keys().filter(compares) {
            let payees = refunded.entry(cell.measure).or_default();
            if payees.last() != Some(&cell.payee) {
                payees.push(cell.payee);
            }
        }
        let everyone: Vec<usize> = (0..problem.payees.len()).collect();
        let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (payee, own) in problem.payees.iter().enumerate() {
            let managers: BTreeSet<&PayeeId> = own.above.iter().flat_map(|above| &above.managers).collect();
            for manager in managers.into_iter().filter_map(|id| problem.payee_of(id)) {
                below.entry(manager).or_default().push(payee);
            }
        }
        let (earned, gaps) = (EarnedByPeople::default(), Gaps::default());
        Self { earned, everyone, below, gaps, refunded, teams: sums, transactions: transactions.collect() }
    }

    /// Everybody who has been below a payee on any day.
    pub(super) fn people_below(&self, payee: usize) -> &[usize] {
        self.below.get(&payee).map_or(&[], Vec::as_slice)
    }

    /// Whom a measure that compares credits has refunds of.
    pub(super) fn refunded(&self, measure: usize) -> &[usize] {
        self.refunded.get(&measure).map_or(&[], Vec::as_slice)
    }

    /// The transactions of a measure that keeps them apart.
    pub(super) fn transactions(&self, measure: usize) -> Option<&Transactions<'a>> {
        self.transactions.get(&measure)
    }

    /// What a payee's team has come to.
    pub(super) fn team(&self, measure: usize, key: String, period: usize) -> Option<&Amounts> {
        self.teams.get(&(measure, key, period)).map(|(sum, _)| sum)
    }

    /// Who of a team has credits, where they are few enough to be told one by one.
    pub(super) fn members(&self, measure: usize, key: String, period: usize) -> &[usize] {
        let members = self.teams.get(&(measure, key, period)).map(|(_, members)| members);
        members.filter(|members| members.len() <= EXPLAINED).map_or(&[], Vec::as_slice)
    }
}
