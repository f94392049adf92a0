//! Quota plans: what is shared, by which rule, down which hierarchy, into which periods (floor 1).

mod check;
mod rules;
mod shape;

pub use shape::QUOTAS;

use std::collections::BTreeMap;

use super::Tables;
use super::expression::Expression;
use super::raw::Raw;
use crate::ground::diagnostic::Sink;
use crate::ground::period::{Date, DateRange};
use crate::ground::rational::Rational;
use crate::ground::source::TextPlace;
use check::Check;

/// A checked quota plan.
#[derive(Clone, Debug)]
pub struct QuotaPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Name of the quota.
    pub measure: String,
    /// Decimals of a measure that is no money.
    pub decimals: Option<u32>,
    /// Who gets a quota.
    pub eligible: Option<Expression>,
    /// What each salesperson sold.
    pub history: Option<History>,
    /// What each salesperson's market could buy.
    pub potential: Option<Potential>,
    /// What each salesperson's quota was.
    pub last_quota: Option<LastQuota>,
    /// How weights follow.
    pub method: Method,
    /// Growth on history.
    pub growth: Rational,
    /// Growth of some holders, with the place of the name.
    pub growth_of: Vec<(String, Rational, TextPlace)>,
    /// Stated total.
    pub total: Option<Rational>,
    /// Multiple of which quotas are.
    pub unit: Rational,
    /// Lines that the total is shared among first, such as product lines.
    pub lines: Vec<Line>,
    /// Levels between company and salesperson.
    pub levels: Levels,
    /// Least share of history.
    pub floor: Option<Rational>,
    /// Greatest share of history.
    pub cap: Option<Rational>,
    /// Greatest fall as a share of the last quota.
    pub hold_harmless: Option<Rational>,
    /// Least change as a share of the last quota; smaller ones are not made.
    pub minimum_change: Option<Rational>,
    /// Least quota, over reps.
    pub least: Option<Expression>,
    /// Greatest quota, over reps.
    pub most: Option<Expression>,
    /// Quotas that managers set.
    pub locks: Vec<Lock>,
    /// Limits of single holders.
    pub limits: Vec<Limit>,
    /// By level, what is given out beyond the own quota, as a share.
    pub over_assignment: Vec<(String, Rational, TextPlace)>,
    /// The same of some holders, with the place of the name.
    pub over_assignment_of: Vec<(String, Rational, TextPlace)>,
    /// What salespeople can carry.
    pub bottom_up: Option<BottomUp>,
    /// What the sales force can bring.
    pub capacity: Option<Capacity>,
    /// Level whose holders keep their quotas in an adjustment, with its place; the one above seats when none.
    pub adjust: Option<(String, TextPlace)>,
    /// Periods of the year.
    pub phasing: Vec<Phase>,
    /// Where season weights come from.
    pub season: Season,
    /// Who is there for part of the time has less.
    pub by_time: bool,
    /// Part of a full quota by month of tenure.
    pub ramp: Vec<Rational>,
    /// Where the plan starts, for messages about the whole of it.
    pub place: TextPlace,
    /// Where each key stands.
    pub keys: BTreeMap<String, TextPlace>,
}

/// A line of a plan: what is sold, with quotas of its own, such as a product line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, in front of the names of the holders below it.
    pub name: String,
    /// Name of its quota.
    pub measure: String,
    /// Its own total, and where that stands.
    pub total: Option<(Rational, TextPlace)>,
    /// Growth on history.
    pub growth: Option<Rational>,
    /// Season weights of the periods, where they are stated for this line.
    pub season: Vec<Rational>,
    /// The plan as it is for this line: its history, potential, last quota, weight and limits.
    pub own: Box<QuotaPlan>,
}

/// How weights follow from what is known of salespeople; see [`QUOTAS`].
#[derive(Clone, Debug)]
pub enum Method {
    /// In proportion to history.
    History,
    /// History x (1 + growth).
    Growth,
    /// The same for each.
    Equal,
    /// In proportion to potential.
    Potential,
    /// History, plus the share of potential in the increase.
    HistoryAndPotential,
    /// A blend of shares of history and of potential, with the weight of history.
    WeightedShare(Rational),
    /// A blend of history and the last quota, with the weight of history.
    LastQuota(Rational),
    /// An expression over reps.
    Weight(Expression),
}

/// Where history comes from.
#[derive(Clone, Debug)]
pub enum History {
    /// A value over reps.
    Value(Expression),
    /// Transactions.
    Transactions(Box<Sold>),
}

/// Transactions that are history.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Days of the history.
    pub days: DateRange,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// Which of them are of the line.
    pub line: Option<Expression>,
    /// What counts.
    pub amount: Expression,
    /// Column of accounts that names the salesperson; `None` for the rep of the transaction.
    pub by: Option<String>,
    /// Who was there for a part of the days counts as if for all of them.
    pub annualised: bool,
}

/// Where potential comes from.
#[derive(Clone, Debug)]
pub enum Potential {
    /// A value over reps.
    Value(Expression),
    /// A value over accounts, and the column of accounts that names the salesperson.
    Accounts(Expression, String),
}

/// Where the last quota comes from.
#[derive(Clone, Debug)]
pub enum LastQuota {
    /// A value over reps.
    Value(Expression),
    /// Periods of the table quotas.
    Periods(Vec<String>),
}

/// Levels between company and salesperson.
#[derive(Clone, Debug)]
pub enum Levels {
    /// Columns of reps, upper first.
    Columns(Vec<String>),
    /// Managers as of a day.
    Managers(Date),
}

/// A quota that somebody set.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Whose.
    pub holder: String,
    /// For the year.
    pub amount: Rational,
    /// Why.
    pub note: Option<String>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What the quota of a holder may not leave.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Whose.
    pub holder: String,
    /// At least so much for the year.
    pub least: Option<Rational>,
    /// At most so much for the year.
    pub most: Option<Rational>,
    /// Why.
    pub note: Option<String>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What salespeople can carry, and how quotas follow from it.
#[derive(Clone, Debug)]
pub struct BottomUp {
    /// Over reps.
    pub value: Expression,
    /// Weight of the bottom-up amounts in the quotas: 0 to show them only, 1 to take them.
    pub share: Rational,
}

impl BottomUp {
    /// How the gap closes, in the words of the plan: `meet 50%`.
    #[must_use]
    pub fn policy(&self) -> String {
        match &self.share {
            share if share.is_zero() => "show".to_owned(),
            share if *share == Rational::one() => "bottom-up".to_owned(),
            share => format!("meet {}", share.to_percent()),
        }
    }
}

/// What the sales force can bring.
#[derive(Clone, Debug)]
pub struct Capacity {
    /// Quota of a full head for a year.
    pub productivity: Rational,
    /// Part of it that is expected to be reached.
    pub attainment: Rational,
    /// Heads at the start; those of the plan when none.
    pub heads: Option<Rational>,
    /// Part of the heads that leaves within a year.
    pub attrition: Rational,
}

/// A period and its part of the year.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Name of the period.
    pub period: String,
    /// Stated weight.
    pub weight: Rational,
    /// Heads that start on the first day.
    pub hires: Rational,
    /// Heads that leave on the last day.
    pub leavers: Rational,
    /// Periods of the past that are like it.
    pub like: Vec<String>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// Where season weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Season {
    /// Stated.
    Weights,
    /// What was sold in periods that are like each.
    History,
    /// Calendar days.
    Days,
    /// Days from Monday to Friday, without these.
    WorkingDays(Vec<Date>),
}

impl QuotaPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`QUOTAS`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut check = Check::new(raw, tables);
        let plan = check.plan();
        let failed = check.faults.has_errors();
        sink.append(check.faults);
        plan.filter(|_| !failed)
    }

    /// Where a key stands; the plan's beginning when it is absent.
    #[must_use]
    pub fn clause(&self, key: &str) -> &TextPlace {
        self.keys.get(key).unwrap_or(&self.place)
    }

    /// True when the plan has the key.
    #[must_use]
    pub fn states(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Names of the quotas that the plan gives: its own, then those of its lines.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.measure.as_str()).chain(self.lines.iter().map(|line| line.measure.as_str()))
    }

    /// The columns of reps and of accounts that the quotas follow from: table, column, and the key that names it.
    #[must_use]
    pub fn reads(&self) -> Vec<(&'static str, &str, &'static str)> {
        let weight = if let Method::Weight(weight) = &self.method { Some(weight) } else { None };
        let history = if let Some(History::Value(value)) = &self.history { Some(value) } else { None };
        let last_quota =
            if let Some(LastQuota::Value(value)) = &self.last_quota { Some(value) } else { None };
        let (own, summed) = match &self.potential {
            Some(Potential::Value(value)) => (Some(value), None),
            Some(Potential::Accounts(value, _)) => (None, Some(value)),
            None => (None, None),
        };
        let expressions = [
            ("reps", self.eligible.as_ref(), "eligible"),
            ("reps", weight, "weight"),
            ("reps", history, "history"),
            ("reps", last_quota, "last_quota"),
            ("reps", own, "potential"),
            ("accounts", summed, "potential"),
            ("reps", self.least.as_ref(), "least"),
            ("reps", self.most.as_ref(), "most"),
            ("reps", self.bottom_up.as_ref().map(|own| &own.value), "bottom_up"),
        ];
        let mut found = vec![];
        for (table, expression, key) in expressions {
            let columns = expression.map(Expression::columns).unwrap_or_default();
            found.extend(columns.into_iter().map(|column| (table, column, key)));
        }
        let by =
            self.sold().and_then(|sold| sold.by.as_deref()).map(|column| ("accounts", column, "history"));
        found.extend(by);
        if let Some(Potential::Accounts(_, column)) = &self.potential {
            found.push(("accounts", column, "potential"));
        }
        found.extend(self.lines.iter().flat_map(|line| line.own.reads()));
        found
    }

    /// Transactions that are history, if they are.
    #[must_use]
    pub fn sold(&self) -> Option<&Sold> {
        match &self.history {
            Some(History::Transactions(sold)) => Some(sold),
            _ => None,
        }
    }
}
