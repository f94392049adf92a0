//! Compensation plans: credit -> measure -> component. Shape of the file, checked model, and the check between (floor 1).

mod check;

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
use super::shape::{Field, Kind, Shape};
use super::{Tables, check_effective, check_header, header_fields};

/// The shape of a compensation plan.
pub static COMP: Shape = Shape {
    name: "comp",
    doc: "A compensation plan: which transactions are credited to whom, what is measured, and what it pays.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        header_fields::EFFECTIVE,
        Field::optional(
            "currency",
            Kind::Currency,
            "currency of amounts and payments; that of the project when absent",
        ),
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over reps: who is in the plan; everyone when absent",
        ),
        Field::optional(
            "rounding",
            Kind::Choice(&Rounding::NAMES),
            "how an earning is rounded to the minor unit; half-away-from-zero when absent",
        ),
        Field::required(
            "credit",
            Kind::List(&Kind::Table(&CREDIT)),
            "which transactions count, for whom, how much",
        ),
        Field::required(
            "measure",
            Kind::List(&Kind::Table(&MEASURE)),
            "what is added up, over which window, against which goal",
        ),
        Field::required("component", Kind::List(&Kind::Table(&COMPONENT)), "what a measure pays"),
    ],
};

static CREDIT: Shape = Shape {
    name: "credit",
    doc: "Which transactions count, for whom, how much.",
    fields: &[
        Field::required("name", Kind::Text, "name, used by measures"),
        Field::optional("where", Kind::Expression, "condition over transactions; all of them when absent"),
        Field::optional(
            "amount",
            Kind::Expression,
            "what is credited, over the columns of transactions; `amount` when absent",
        ),
        Field::optional(
            "to",
            Kind::Choice(&["rep", "splits", "overlays", "territory", "managers"]),
            "who is credited; rep when absent. rep: the rep of the transaction. splits: its shares of type split, or the rep when it has none. overlays: its shares of type overlay. territory: whoever holds the account's territory on the day. managers: the chain above the credited person",
        ),
        Field::optional("role", Kind::Text, "with splits or overlays: only shares of this role"),
        Field::optional("levels", Kind::Integer(1, 64), "with managers: how many levels up; all when absent"),
        Field::optional(
            "of",
            Kind::Choice(&["rep", "splits", "overlays", "territory"]),
            "with managers: whose managers; rep when absent",
        ),
    ],
};

static MEASURE: Shape = Shape {
    name: "measure",
    doc: "What is added up, over which window, against which goal.",
    fields: &[
        Field::required("name", Kind::Text, "name, used by components"),
        Field::required("credits", Kind::List(&Kind::Text), "names of the credits that are added up"),
        Field::optional(
            "aggregate",
            Kind::Choice(&["sum", "count"]),
            "sum of the credited amounts (default) or number of credits",
        ),
        Field::optional(
            "window",
            Kind::Choice(&["period", "quarter-to-date", "year-to-date"]),
            "over which the measure accumulates; period when absent",
        ),
        Field::optional("goal", Kind::Table(&GOAL), "what 100 % attainment is"),
    ],
};

static GOAL: Shape = Shape {
    name: "goal",
    doc: "Where the goal of a payee comes from; exactly one of the keys. The goal of a window is the sum of its periods' goals.",
    fields: &[
        Field::optional("quota", Kind::Text, "name of a quota in the quotas table"),
        Field::optional("amount", Kind::Number, "the same goal for everyone, per period"),
        Field::optional("column", Kind::Text, "a number column of reps, per period"),
    ],
};

static COMPONENT: Shape = Shape {
    name: "component",
    doc: "What a measure pays.",
    fields: &[
        Field::required("name", Kind::Text, "name, as in earnings and explanations"),
        Field::required("measure", Kind::Text, "name of the measure"),
        Field::required(
            "pay",
            Kind::Choice(&["per-unit", "target-share", "fixed"]),
            "per-unit: rate x measurement. target-share: target x (rate x attainment). fixed: `amount` once `at` is reached",
        ),
        Field::optional("rate", QUANTITY, "one rate for everything (instead of tiers)"),
        Field::optional("tiers", Kind::Table(&TIERS), "rates by band (instead of rate)"),
        Field::optional("target", QUANTITY, "with target-share: pay at 100 % attainment, per window"),
        Field::optional("amount", QUANTITY, "with fixed: what is paid"),
        Field::optional(
            "at",
            Kind::Number,
            "with fixed: attainment from which it is paid, such as 100%; without a goal, the measurement from which it is paid",
        ),
        Field::optional(
            "cap",
            Kind::Table(&CAP),
            "most that the component pays in a window; the excess is lost",
        ),
    ],
};

static TIERS: Shape = Shape {
    name: "tiers",
    doc: "Rates by band. A value exactly on a boundary belongs to the higher band; the last band is open.",
    fields: &[
        Field::optional(
            "mode",
            Kind::Choice(&["marginal", "whole", "whole-above-goal"]),
            "marginal (default): each band pays its own rate. whole: the rate reached pays for everything. whole-above-goal: bands to the goal pay their own, everything above it the rate reached",
        ),
        Field::required("on", Kind::Choice(&["amount", "attainment"]), "what `from` is compared with"),
        Field::required("steps", Kind::List(&Kind::Table(&STEP)), "the bands, ascending, the first from 0"),
    ],
};

static STEP: Shape = Shape {
    name: "step",
    doc: "A band of a tier table.",
    fields: &[
        Field::required("from", Kind::Number, "where the band starts; it ends where the next one starts"),
        Field::required("rate", QUANTITY, "rate inside the band"),
    ],
};

static CAP: Shape = Shape {
    name: "cap",
    doc: "A limit on what a component pays.",
    fields: &[Field::required("amount", QUANTITY, "most that is paid in a window")],
};

static QUANTITY_COLUMN: Shape = Shape {
    name: "quantity",
    doc: "A number that differs by payee.",
    fields: &[Field::required("column", Kind::Text, "a number column of reps")],
};

const QUANTITY: Kind = Kind::Either(&[Kind::Number, Kind::Table(&QUANTITY_COLUMN)]);

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
    /// Credit rules.
    pub credits: Vec<CreditRule>,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Components.
    pub components: Vec<Component>,
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
    /// Who is credited.
    pub recipient: Recipient,
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

/// What is added up.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Indices into the plan's credits.
    pub credits: Vec<usize>,
    /// Sum or count.
    pub aggregate: Aggregate,
    /// Over which it accumulates.
    pub window: Window,
    /// What 100 % is.
    pub goal: Option<Goal>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// Sum or count of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Sum of credited amounts.
    Sum,
    /// Number of credits.
    Count,
}

/// Over which a measure accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One leaf period.
    Period,
    /// From the first period of the quarter.
    QuarterToDate,
    /// From the first period of the year.
    YearToDate,
}

/// Where a goal comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The quotas table.
    Quota(String),
    /// The same for everyone, or a column of reps, per period.
    Each(Quantity),
}

/// A number that is the same for everyone, or a column of reps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The same for everyone.
    Fixed(Rational, TextPlace),
    /// By payee.
    Column(String, TextPlace),
}

/// What a measure pays.
#[derive(Clone, Debug)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Index into the plan's measures.
    pub measure: usize,
    /// The formula.
    pub pay: Pay,
    /// Most that is paid in a window.
    pub cap: Option<Quantity>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How a component pays.
#[derive(Clone, Debug)]
pub enum Pay {
    /// Rate x measurement.
    PerUnit(Rates),
    /// Target x (rate x attainment).
    TargetShare {
        /// Pay at 100 %.
        target: Quantity,
        /// Rates on attainment.
        rates: Rates,
    },
    /// An amount once a level is reached.
    Fixed {
        /// What is paid.
        amount: Quantity,
        /// Attainment (with a goal) or measurement (without) from which it is paid, and where that is said.
        at: (Rational, TextPlace),
    },
}

/// One rate, or rates by band.
#[derive(Clone, Debug)]
pub enum Rates {
    /// One rate.
    Flat(Quantity),
    /// By band.
    Tiers {
        /// How bands apply.
        mode: TierMode,
        /// What `from` is compared with.
        on: TierBase,
        /// Bands, ascending from 0.
        steps: Vec<Step>,
    },
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
}

/// What the bands of a tier table are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierBase {
    /// The measurement.
    Amount,
    /// Measurement / goal.
    Attainment,
}

/// A band.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it starts.
    pub from: Rational,
    /// Rate inside.
    pub rate: Quantity,
    /// Where it is defined.
    pub place: TextPlace,
}

impl CompPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`COMP`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, currency: &Currency, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let effective = check_effective(raw, &mut faults);
        let mut check = Check {
            reps: tables.columns("reps"),
            transactions: tables.columns("transactions"),
            faults: &mut faults,
        };
        let eligible =
            raw.get("eligible").and_then(|item| check.typed(item, &check.reps.clone(), Type::Boolean));
        let credits: Vec<CreditRule> =
            raw.list("credit").iter().filter_map(|item| check.credit(item)).collect();
        let names: Vec<String> = names_of(raw.list("credit"), "credit", check.faults);
        let measures: Vec<Measure> =
            raw.list("measure").iter().filter_map(|item| check.measure(item, &names)).collect();
        let measure_names = names_of(raw.list("measure"), "measure", check.faults);
        names_of(raw.list("component"), "component", check.faults);
        let components = raw
            .list("component")
            .iter()
            .filter_map(|item| check.component(item, &measure_names, &measures))
            .collect();
        let failed = faults.has_errors();
        let plan = Self {
            id,
            title,
            effective: effective.unwrap_or(DateRange { from: super::Date::MIN, to: super::Date::MAX }),
            currency: raw.text("currency").and_then(Currency::from_code).unwrap_or_else(|| currency.clone()),
            eligible,
            rounding: raw.text("rounding").and_then(Rounding::from_name).unwrap_or_default(),
            credits,
            measures,
            components,
        };
        if !failed {
            plan.warn_unused(&mut faults);
        }
        sink.append(faults);
        if failed { None } else { Some(plan) }
    }

    fn warn_unused(&self, sink: &mut Sink) {
        let mut warn = |kind: &str, name: &str, place: &TextPlace| {
            let fault = Diagnostic::warning(
                Code::SPM302,
                format!(
                    "no {} uses the {kind} `{name}`",
                    if kind == "credit" { "measure" } else { "component" }
                ),
            );
            sink.push(fault.at(Place::Text(place.clone()), ""));
        };
        for (index, credit) in self.credits.iter().enumerate() {
            if !self.measures.iter().any(|measure| measure.credits.contains(&index)) {
                warn("credit", &credit.name, &credit.place);
            }
        }
        for (index, measure) in self.measures.iter().enumerate() {
            if !self.components.iter().any(|component| component.measure == index) {
                warn("measure", &measure.name, &measure.place);
            }
        }
    }

    /// Number columns of reps that the plan reads, sorted.
    #[must_use]
    pub fn rep_columns(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut names: Vec<&Quantity> = Vec::new();
        for measure in &self.measures {
            if let Some(Goal::Each(quantity)) = &measure.goal {
                names.push(quantity);
            }
        }
        for component in &self.components {
            names.extend(component.cap.iter());
            let rates = match &component.pay {
                Pay::PerUnit(rates) => Some(rates),
                Pay::TargetShare { target, rates } => {
                    names.push(target);
                    Some(rates)
                }
                Pay::Fixed { amount, .. } => {
                    names.push(amount);
                    None
                }
            };
            match rates {
                Some(Rates::Flat(rate)) => names.push(rate),
                Some(Rates::Tiers { steps, .. }) => names.extend(steps.iter().map(|step| &step.rate)),
                None => {}
            }
        }
        for quantity in names {
            if let Quantity::Column(name, _) = quantity {
                found.insert(name.as_str());
            }
        }
        found
    }
}
