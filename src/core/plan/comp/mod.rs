//! Compensation plans: credit -> measure -> component. The checked model, and the check of the file (floor 1).

mod additive;
mod balances;
mod check;
mod component;
mod others;
mod pay;
mod quantities;
mod sense;
mod shape;
mod windows;

use std::collections::BTreeSet;

use check::{Check, names_of, reserved_names};

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::money::Currency;
use crate::ground::period::{DateRange, Group};
use crate::ground::rational::Rational;
use crate::ground::round::Rounding;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::expression::Expression;
use super::raw::Raw;
use super::{Tables, check_effective, check_header};

pub use balances::{Clawback, Draw, MinimumPayment, Unserved};
pub use others::{Below, Earned, Limits, Reached};
pub use pay::{
    Axis, Base, Cap, CapAmount, CapPer, Component, Curve, Gate, Item, Lookup, Matrix, MatrixMode, Missing,
    Multiplier, Outside, Pay, Schedule, Step, Threshold, TierMode, Tiers,
};
pub use quantities::Needed;
pub use shape::COMP;

/// What the plan's cap takes away is a line with this name.
pub const CAP_LINE: &str = "plan cap";

/// What the plan's guarantee adds is a line with this name.
pub const GUARANTEE_LINE: &str = "guarantee";

/// Lines of a plan beside its components, which therefore cannot have these names.
pub const PLAN_LINES: [&str; 2] = [CAP_LINE, GUARANTEE_LINE];

/// What follows the name of a component in a formula that means all it has earned in the quarter or fiscal year so far.
pub const TO_DATE: [(&str, Group); 2] =
    [(".quarter_to_date", Group::Quarter), (".year_to_date", Group::Year)];

/// A name in a formula without `.quarter_to_date` or `.year_to_date`, and what that says.
#[must_use]
pub fn to_date(name: &str) -> (&str, Option<Group>) {
    let own = TO_DATE.into_iter().find_map(|(suffix, group)| Some((name.strip_suffix(suffix)?, group)));
    own.map_or((name, None), |(head, group)| (head, Some(group)))
}

/// A checked compensation plan.
#[derive(Clone, Debug)]
pub struct CompPlan {
    /// Identifier, unique among plans.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Days on which the plan applies.
    pub effective: DateRange,
    /// Currency of amounts and payments.
    pub currency: Currency,
    /// Who is in the plan; `None` for everyone.
    pub eligible: Option<Expression>,
    /// How earnings are rounded.
    pub rounding: Rounding,
    /// How targets, goals and guarantees shrink with participation.
    pub proration: Proration,
    /// Whether a refund counts on the date of what it takes back, within a fiscal year (E25); else on its own.
    pub refunds_on_original: bool,
    /// How transactions in another currency are converted.
    pub conversion: Conversion,
    /// Where it says that payees are paid in their own currency; `None` when they are paid in the plan's (E31).
    pub pay_currency: Option<TextPlace>,
    /// Credit rules.
    pub credits: Vec<CreditRule>,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Components, in the order of the file.
    pub components: Vec<Component>,
    /// Reduced goals for new hires.
    pub ramps: Vec<Ramp>,
    /// Most that all components pay together.
    pub cap: Option<Limit>,
    /// Least that the plan pays in a period.
    pub guarantee: Option<Guarantee>,
    /// An advance that is owed.
    pub draw: Option<Draw>,
    /// What cancelled transactions give back.
    pub clawback: Option<Clawback>,
    /// What is paid at least if anything is; less is carried.
    pub minimum: Option<MinimumPayment>,
    /// For how many days after a person's end held parts are still released (E22).
    pub grace: i64,
}

/// How targets and goals shrink for a period in which a payee takes part only partly (E11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proration {
    /// Calendar days taken part / calendar days, start included, end excluded.
    #[default]
    Days,
    /// Whole calendar months: a month counts when the payee is there on its first day.
    Months,
    /// Mondays to Fridays.
    Workdays,
    /// Not at all.
    None,
}

/// Which exchange rate a transaction gets (E30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conversion {
    /// The rate of type `plan` of the period.
    #[default]
    Plan,
    /// The rate of type `spot` on the event date.
    Spot,
    /// The rate of type `average` of the period.
    PeriodAverage,
}

/// Which transactions count, for whom, how much.
#[derive(Clone, Debug)]
pub struct CreditRule {
    /// Name.
    pub name: String,
    /// Condition over transactions.
    pub condition: Option<Expression>,
    /// What is credited.
    pub amount: Expression,
    /// A second number of each transaction, to look rates up with.
    pub lookup: Option<Expression>,
    /// Part of the amount that is credited.
    pub share: Option<Rational>,
    /// Whether shares of splits are those that retire quota, where they are others (E18).
    pub quota_share: bool,
    /// Who is credited.
    pub recipient: Recipient,
    /// With managers: the part of the amount that each level below keeps (E19).
    pub net_of_lower: Option<Rational>,
    /// Event dates that count, when narrower than the plan's.
    pub effective: Option<DateRange>,
    /// Where it is defined.
    pub place: TextPlace,
}

impl CreditRule {
    /// Whether what is credited is money: months of a contract, units and scores are credited, too.
    #[must_use]
    pub fn is_money(&self) -> bool {
        self.amount.columns().contains(&"amount")
    }
}

/// Who is credited directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direct {
    /// The rep of the transaction.
    Rep,
    /// Shares of type split, of one role when given; the rep when there are none.
    Splits(Option<String>),
    /// Shares of type overlay, of one role when given.
    Overlays(Option<String>),
    /// The holders of the account's territory on the day of the event.
    Territory,
}

/// Who is credited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A person on the transaction.
    Direct(Direct),
    /// The chain of managers above each person, the amounts added up.
    Managers {
        /// Whose managers.
        of: Direct,
        /// How many levels up; `None` for all.
        levels: Option<usize>,
    },
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Where its value comes from.
    pub source: MeasureSource,
    /// Over which it accumulates; for a formula, that of the measures that it names.
    pub window: Window,
    /// Whose measurements are added up; `None` for the payee's own.
    pub team: Option<Team>,
    /// With earnings and people who reached a level: those below the payee.
    pub below: Option<Below>,
    /// What 100 % is.
    pub goal: Option<Goal>,
    /// Whether several rules may credit one payee with one transaction (E21).
    pub allow_double: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// Where the value of a measure comes from.
#[derive(Clone, Debug)]
pub enum MeasureSource {
    /// Credits, by index into the plan's.
    Credits(Vec<usize>, Aggregate),
    /// Other measures and columns of reps.
    Formula(Expression, TextPlace),
    /// What components above have earned.
    Earned(Earned),
    /// How many people have reached a level of another measure.
    Reached(Reached),
}

/// What is made of the credited amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Sum of credited amounts.
    Sum,
    /// Number of credits.
    Count,
    /// Sum / number.
    Average,
    /// The largest credit.
    Largest,
    /// The smallest credit.
    Smallest,
}

impl Aggregate {
    /// Whether single credits are compared with each other.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Self::Largest | Self::Smallest)
    }
}

/// Over which a measure accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One credit.
    Transaction,
    /// One leaf period.
    Period,
    /// From the first period of the quarter.
    QuarterToDate,
    /// From the first period of the year.
    YearToDate,
    /// So many periods, this one included.
    Rolling(usize),
}

impl Window {
    /// Its word in plans.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Period => "period",
            Self::QuarterToDate => "quarter-to-date",
            Self::YearToDate => "year-to-date",
            Self::Rolling(_) => "rolling",
        }
    }

    /// True when what is paid is the difference of what the window has earned.
    #[must_use]
    pub fn is_to_date(self) -> bool {
        matches!(self, Self::QuarterToDate | Self::YearToDate)
    }
}

/// A set of payees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Team {
    /// Everyone in the plan.
    All,
    /// Payees with the same value in this text column of reps.
    Column(String),
}

/// What 100 % is.
#[derive(Clone, Debug)]
pub struct Goal {
    /// Where it comes from.
    pub from: GoalFrom,
    /// The whole quarter or year whose goals a window is compared with (E10); `None` for the goals to date.
    pub basis: Option<Group>,
    /// Whether the goals of a window add up, as its measurements do; else the last one counts as it is stated.
    pub adds_up: bool,
    /// Whether it shrinks with participation.
    pub prorate: bool,
    /// Index of the ramp of new hires.
    pub ramp: Option<usize>,
    /// Whether every period of a window has the quota of the last one, instead of its own (E9).
    pub retro: bool,
}

/// Where a goal comes from.
#[derive(Clone, Debug)]
pub enum GoalFrom {
    /// The quotas table.
    Quota(String),
    /// The same for everyone, or by payee.
    Each(Quantity),
}

/// Part of the goal that a new hire has.
#[derive(Clone, Debug)]
pub struct Ramp {
    /// Name.
    pub name: String,
    /// Shares in the first month of tenure, the second...; then all.
    pub shares: Vec<Rational>,
    /// Whether bands from 100 % on pay their higher rates during the ramp.
    pub accelerators: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A number with the stretch of time it is for.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// Where it comes from.
    pub value: QuantityFrom,
    /// What it is for, where that matters.
    pub per: Group,
    /// What it is where a cell is empty or a formula has no value.
    pub otherwise: Option<Rational>,
    /// Where it is stated.
    pub place: TextPlace,
}

/// Where a number comes from.
#[derive(Clone, Debug)]
pub enum QuantityFrom {
    /// The same for everyone.
    Fixed(Rational),
    /// A column of reps.
    Column(String),
    /// Calculated from columns of reps and from measures.
    Formula(Expression),
}

/// A limit on the plan.
#[derive(Clone, Debug)]
pub struct Limit {
    /// How much.
    pub amount: Quantity,
    /// The fiscal year instead of each period.
    pub per_year: bool,
}

/// A floor under the plan.
#[derive(Clone, Debug)]
pub struct Guarantee {
    /// How much in a whole period.
    pub amount: Quantity,
    /// For how many months from the hire date.
    pub months: Option<i64>,
}

impl CompPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`COMP`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, currency: &Currency, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let effective = check_effective(raw, &mut faults);
        let mut check = Check::new(tables, &mut faults);
        let reps = check.reps.clone();
        let eligible = raw.get("eligible").and_then(|item| check.typed(item, &reps, Type::Boolean));
        let credits: Vec<CreditRule> =
            raw.list("credit").iter().filter_map(|item| check.credit(item)).collect();
        let credit_names: Vec<String> = names_of(raw.list("credit"), "credit", check.faults);
        let credits_by_index = raw.list("credit").iter().zip(&credit_names).enumerate();
        let without = credits_by_index.filter(|(_, (item, _))| item.get("lookup").is_none());
        check.without_lookup = without.map(|(index, (_, name))| (index, name.clone())).collect();
        let amounts = raw.list("credit").iter().enumerate();
        let amounts =
            amounts.filter(|(_, item)| item.text("amount").is_none_or(|sql| sql.trim() == "amount"));
        check.of_amounts = amounts.map(|(index, _)| index).collect();
        let ramps: Vec<Ramp> = raw.list("ramp").iter().filter_map(|item| check.ramp(item)).collect();
        check.measure_names = names_of(raw.list("measure"), "measure", check.faults);
        check.all_components = names_of(raw.list("component"), "component", check.faults);
        let measures: Vec<Measure> = raw
            .list("measure")
            .iter()
            .filter_map(|item| check.measure(item, &credit_names, &ramps))
            .collect();
        reserved_names(raw.list("component"), check.faults);
        // A measure with a fault is absent: what refers to it would be told off for nothing.
        let complete = measures.len() == check.measure_names.len();
        check.measures = measures;
        let mut components = Vec::new();
        for item in raw.list("component").iter().filter(|_| complete) {
            let component = check.component(item);
            check.components_done += 1;
            components.extend(component);
        }
        let cap = raw.get("cap").and_then(|item| {
            check.not_negative(item.get("amount")?, "the cap of a plan");
            let amount = check.timeless(item.get("amount")?)?;
            Some(Limit { amount, per_year: item.text("per") == Some("year") })
        });
        let guarantee = raw.get("guarantee").and_then(|item| {
            check.not_negative(item.get("amount")?, "a guarantee");
            Some(Guarantee { amount: check.quantity(item.get("amount")?)?, months: item.integer("months") })
        });
        let balances = check.balances(raw).unwrap_or_default();
        let pay_currency = check.pay_currency(raw);
        let (measures, used) = (std::mem::take(&mut check.measures), std::mem::take(&mut check.used));
        let failed = faults.has_errors();
        let plan = Self {
            id,
            title,
            effective: effective.unwrap_or(DateRange { from: super::Date::MIN, to: super::Date::MAX }),
            currency: raw.text("currency").and_then(Currency::from_code).unwrap_or_else(|| currency.clone()),
            eligible,
            refunds_on_original: raw.text("refunds") != Some("current"),
            rounding: raw.text("rounding").and_then(Rounding::from_name).unwrap_or_default(),
            proration: match raw.text("proration") {
                Some("months") => Proration::Months,
                Some("workdays") => Proration::Workdays,
                Some("none") => Proration::None,
                _ => Proration::Days,
            },
            conversion: match raw.text("conversion") {
                Some("spot") => Conversion::Spot,
                Some("period-average") => Conversion::PeriodAverage,
                _ => Conversion::Plan,
            },
            pay_currency,
            credits,
            measures,
            components,
            ramps,
            cap,
            guarantee: guarantee.or(balances.guarantee),
            draw: balances.draw,
            clawback: balances.clawback,
            minimum: balances.minimum,
            grace: raw.get("leaver").and_then(|item| item.integer("grace")).unwrap_or(0),
        };
        if !failed {
            plan.limits_are_stated(raw, &mut faults);
            plan.ramps_do_something(&mut faults);
        }
        let failed = faults.has_errors();
        if !failed {
            plan.warn_unused(&used, &mut faults);
        }
        sink.append(faults);
        if failed { None } else { Some(plan) }
    }

    fn warn_unused(&self, used: &BTreeSet<usize>, sink: &mut Sink) {
        let mut warn = |message: String, place: &TextPlace| {
            let fault = Diagnostic::warning(Code::SPM302, message);
            sink.push(fault.at(Place::Text(place.clone()), ""));
        };
        for (index, credit) in self.credits.iter().enumerate() {
            if !self.measures.iter().any(|measure| measure.credits().contains(&index)) {
                warn(format!("no measure uses the credit `{}`", credit.name), &credit.place);
            }
            if credit.effective.is_some_and(|range| range.intersect(&self.effective).is_none()) {
                let message = format!(
                    "the credit `{}` never applies: its dates lie outside of the plan's",
                    credit.name
                );
                warn(message, &credit.place);
            }
        }
        for (_, measure) in self.measures.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
            warn(format!("no component uses the measure `{}`", measure.name), &measure.place);
        }
    }
}

impl Measure {
    /// Indices of the credits that are added up; none for other sources.
    #[must_use]
    pub fn credits(&self) -> &[usize] {
        match &self.source {
            MeasureSource::Credits(credits, _) => credits,
            MeasureSource::Formula(..) | MeasureSource::Earned(_) | MeasureSource::Reached(_) => &[],
        }
    }

    /// How credits are aggregated; the sum for other sources.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        match &self.source {
            MeasureSource::Credits(_, aggregate) => *aggregate,
            MeasureSource::Formula(..) | MeasureSource::Earned(_) | MeasureSource::Reached(_) => {
                Aggregate::Sum
            }
        }
    }
}

impl Quantity {
    /// A number that is the same for everyone.
    #[must_use]
    pub fn fixed(value: Rational, place: TextPlace) -> Self {
        Self { value: QuantityFrom::Fixed(value), per: Group::Period, otherwise: None, place }
    }
}
