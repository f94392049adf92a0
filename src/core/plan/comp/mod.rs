//! Compensation plans: credit -> measure -> component. The checked model, and the check of the file (floor 1).

mod check;
mod component;
mod shape;

use std::collections::BTreeSet;

use check::{Check, names_of};

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::money::Currency;
use crate::ground::period::DateRange;
use crate::ground::rational::Rational;
use crate::ground::round::Rounding;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::expression::Expression;
use super::raw::Raw;
use super::{Tables, check_effective, check_header};

pub use shape::COMP;

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
    /// How transactions in another currency are converted.
    pub conversion: Conversion,
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
    /// Who is credited.
    pub recipient: Recipient,
    /// Event dates that count, when narrower than the plan's.
    pub effective: Option<DateRange>,
    /// Where it is defined.
    pub place: TextPlace,
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
    /// Over which it accumulates.
    pub window: Window,
    /// Whose measurements are added up; `None` for the payee's own.
    pub team: Option<Team>,
    /// What 100 % is.
    pub goal: Option<Goal>,
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
    /// Compared with the whole year's goal instead of the goals to date.
    pub whole_year: bool,
    /// Whether it shrinks with participation.
    pub prorate: bool,
    /// Index of the ramp of new hires.
    pub ramp: Option<usize>,
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
    pub per: Per,
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

/// A stretch of time that a number is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// Each leaf period.
    #[default]
    Period,
    /// Each quarter, shared equally by its periods.
    Quarter,
    /// Each year, shared equally by its periods.
    Year,
}

/// What a measure pays.
#[derive(Clone, Debug)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Index into the plan's measures; `None` for formulas and scorecards.
    pub measure: Option<usize>,
    /// The formula.
    pub pay: Pay,
    /// Nothing is paid below it.
    pub threshold: Option<Threshold>,
    /// Factors.
    pub multipliers: Vec<Multiplier>,
    /// Conditions.
    pub gates: Vec<Gate>,
    /// Part of the target or pay.
    pub weight: Option<Quantity>,
    /// Attainment above it counts as this.
    pub attainment_cap: Option<(Rational, TextPlace)>,
    /// Most that is paid.
    pub cap: Option<Cap>,
    /// Most that is paid to all payees together, first come, first served.
    pub budget: Option<(Rational, TextPlace)>,
    /// When parts become payable: share and event. Empty: all at booking.
    pub releases: Vec<(Rational, String)>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How a component pays.
#[derive(Clone, Debug)]
pub enum Pay {
    /// Rate x measurement.
    PerUnit(Schedule),
    /// Target x share of the attainment.
    TargetShare {
        /// Pay at 100 %.
        target: Quantity,
        /// Shares by attainment.
        schedule: Schedule,
    },
    /// An amount once a level is reached.
    Fixed {
        /// What is paid.
        amount: Quantity,
        /// Attainment (with a goal) or measurement (without) from which it is paid.
        at: (Rational, TextPlace),
    },
    /// The amount of a table.
    Table(Schedule),
    /// An expression over measures, components and columns of reps.
    Formula(Expression, TextPlace),
    /// Target x weighted score.
    Scorecard {
        /// Pay at 100 %.
        target: Quantity,
        /// Objectives.
        items: Vec<Item>,
        /// What happens when one has no measurement.
        missing: Missing,
    },
    /// Prizes by rank in the team.
    Rank {
        /// From the first place on.
        prizes: Vec<Quantity>,
        /// Attainment or measurement that takes part.
        at: Option<(Rational, TextPlace)>,
        /// Who competes.
        team: Team,
    },
    /// A sum shared by a team.
    Pool {
        /// What is shared.
        amount: Quantity,
        /// In proportion to the measure instead of equally.
        by_measure: bool,
        /// Who shares.
        team: Team,
    },
}

/// An objective of a scorecard.
#[derive(Clone, Debug)]
pub struct Item {
    /// Index into the plan's measures.
    pub measure: usize,
    /// Its part of the target.
    pub weight: Quantity,
    /// Score by attainment; `None` for the attainment itself.
    pub schedule: Option<Schedule>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What happens to an objective without a measurement (E39).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// An error.
    #[default]
    Error,
    /// Its weight goes to the others in proportion.
    Proportional,
    /// Its weight goes to the others equally.
    Equal,
    /// It scores zero.
    Zero,
    /// It scores 100 %.
    Target,
}

/// How a base becomes a rate, a share or an amount.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// One rate.
    Flat(Quantity),
    /// By band.
    Tiers(Tiers),
    /// By curve.
    Curve(Curve),
    /// By two measures.
    Matrix(Matrix),
}

/// What a table is looked up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Index into the plan's measures; `None` for the component's own.
    pub measure: Option<usize>,
    /// The measurement, its attainment, or the credit's second number.
    pub on: Base,
}

/// What a table is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The measurement.
    Amount,
    /// Measurement / goal.
    Attainment,
    /// The second number of the credit.
    Lookup,
}

/// Rates by band.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// How bands apply.
    pub mode: TierMode,
    /// What `from` is compared with.
    pub lookup: Lookup,
    /// Whether a value on a boundary belongs to the band below it.
    pub lower: bool,
    /// Bands, ascending from 0.
    pub steps: Vec<Step>,
}

/// How the bands of a tier table apply (E2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierMode {
    /// Each band pays its own rate.
    Marginal,
    /// The rate reached pays for everything.
    Whole,
    /// Bands up to the goal pay their own rate, everything above the goal the rate reached.
    WholeAboveGoal,
    /// Each full band adds its amount, the last one in proportion.
    ProportionalAmount,
    /// The rates of full bands are added, the last one in proportion; the sum pays for everything.
    ProportionalRate,
}

/// A band.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it starts.
    pub from: Rational,
    /// Where it ends, when that is stated or another band follows.
    pub to: Option<Rational>,
    /// Rate inside, or amount of the band.
    pub rate: Quantity,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A payout curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is looked up with.
    pub lookup: Lookup,
    /// Steps instead of lines.
    pub steps: bool,
    /// Points in order: at, pay, and where they are stated.
    pub points: Vec<(Rational, Rational, TextPlace)>,
    /// Before the first point.
    pub below: Outside,
    /// After the last point.
    pub beyond: Outside,
}

/// What a curve is outside of its points (E41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Zero.
    Zero,
    /// The value of the nearest point.
    Flat,
    /// The nearest line goes on.
    Extend,
}

/// A table over two measures (E43).
#[derive(Clone, Debug)]
pub struct Matrix {
    /// How cells apply.
    pub mode: MatrixMode,
    /// Rows: what they are looked up with, and where each starts.
    pub rows: (Lookup, Vec<Rational>),
    /// Columns likewise.
    pub columns: (Lookup, Vec<Rational>),
    /// Row by row; for the additive mode filled with the sums.
    pub cells: Vec<Vec<Rational>>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How the cells of a matrix apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixMode {
    /// The cell reached.
    Step,
    /// Between the four cells around.
    Bilinear,
    /// The row's own pay and the column's own pay, each zero before its first.
    Additive,
}

/// A level below which nothing is paid.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// The level.
    pub at: Rational,
    /// What it is compared with.
    pub base: Base,
    /// Once reached, whether what lies below it is paid too (E3).
    pub back_pay: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A factor on the pay.
#[derive(Clone, Debug)]
pub enum Multiplier {
    /// A number.
    Value(Quantity),
    /// By measurement or attainment.
    Curve(Curve, TextPlace),
}

/// A condition without which the pay is cut.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What is compared.
    pub lookup: Lookup,
    /// From where it is open.
    pub at: Rational,
    /// Part that is paid while it is shut.
    pub otherwise: Rational,
    /// Whether what was not paid is paid when it opens later (E35).
    pub catch_up: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A limit on a component (E32).
#[derive(Clone, Debug)]
pub struct Cap {
    /// How much.
    pub amount: CapAmount,
    /// What it is for.
    pub per: CapPer,
    /// Whether what is above it is paid later.
    pub carry: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How much a cap is.
#[derive(Clone, Debug)]
pub enum CapAmount {
    /// An amount.
    Amount(Quantity),
    /// A share of the target.
    TargetShare(Rational),
}

/// What a cap is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapPer {
    /// The window; a single credit in transaction windows.
    Window,
    /// Each leaf period.
    Period,
    /// The fiscal year.
    Year,
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
        let ramps: Vec<Ramp> = raw.list("ramp").iter().filter_map(|item| check.ramp(item)).collect();
        check.measure_names = names_of(raw.list("measure"), "measure", check.faults);
        let measures: Vec<Measure> = raw
            .list("measure")
            .iter()
            .filter_map(|item| check.measure(item, &credit_names, &ramps))
            .collect();
        names_of(raw.list("component"), "component", check.faults);
        // A measure with a fault is absent: what refers to it would be told off for nothing.
        let complete = measures.len() == check.measure_names.len();
        check.measures = measures;
        let mut components = Vec::new();
        for item in raw.list("component").iter().filter(|_| complete) {
            let component = check.component(item);
            check.component_names.extend(item.text("name").map(str::to_owned));
            components.extend(component);
        }
        let cap = raw.get("cap").and_then(|item| {
            let amount = check.quantity(item.get("amount")?)?;
            Some(Limit { amount, per_year: item.text("per") == Some("year") })
        });
        let guarantee = raw.get("guarantee").and_then(|item| {
            Some(Guarantee { amount: check.quantity(item.get("amount")?)?, months: item.integer("months") })
        });
        let (measures, used) = (std::mem::take(&mut check.measures), std::mem::take(&mut check.used));
        let failed = faults.has_errors();
        let plan = Self {
            id,
            title,
            effective: effective.unwrap_or(DateRange { from: super::Date::MIN, to: super::Date::MAX }),
            currency: raw.text("currency").and_then(Currency::from_code).unwrap_or_else(|| currency.clone()),
            eligible,
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
            credits,
            measures,
            components,
            ramps,
            cap,
            guarantee,
        };
        if !failed {
            plan.warn_unused(&used, &mut faults);
        }
        sink.append(faults);
        if failed { None } else { Some(plan) }
    }

    fn warn_unused(&self, used: &BTreeSet<usize>, sink: &mut Sink) {
        let mut warn = |kind: &str, name: &str, place: &TextPlace| {
            let user = if kind == "credit" { "measure" } else { "component" };
            let fault = Diagnostic::warning(Code::SPM302, format!("no {user} uses the {kind} `{name}`"));
            sink.push(fault.at(Place::Text(place.clone()), ""));
        };
        for (index, credit) in self.credits.iter().enumerate() {
            if !self.measures.iter().any(|measure| measure.credits().contains(&index)) {
                warn("credit", &credit.name, &credit.place);
            }
        }
        for (index, measure) in self.measures.iter().enumerate() {
            if !used.contains(&index) {
                warn("measure", &measure.name, &measure.place);
            }
        }
    }
}

impl Measure {
    /// Indices of the credits that are added up; none for a formula.
    #[must_use]
    pub fn credits(&self) -> &[usize] {
        match &self.source {
            MeasureSource::Credits(credits, _) => credits,
            MeasureSource::Formula(..) => &[],
        }
    }

    /// How credits are aggregated; the sum for a formula.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        match &self.source {
            MeasureSource::Credits(_, aggregate) => *aggregate,
            MeasureSource::Formula(..) => Aggregate::Sum,
        }
    }
}

impl Quantity {
    /// A number that is the same for everyone.
    #[must_use]
    pub fn fixed(value: Rational, place: TextPlace) -> Self {
        Self { value: QuantityFrom::Fixed(value), per: Per::Period, place }
    }
}
