//! Forecast plans: what is forecast, by which groups, for which periods, by which models, judged how (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::limit;
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::expression::{Columns, Expression, check_typed};
use super::raw::Raw;
use super::shape::{Field, Kind, Shape};
use super::{Tables, check_header, header_fields};

/// The models that a plan may try.
pub const MODELS: [&str; 11] = [
    "seasonal-drift",
    "moving-average",
    "linear",
    "smoothing",
    "simple",
    "trend",
    "damped",
    "seasonal",
    "seasonal-damped",
    "multiplicative",
    "multiplicative-damped",
];
/// Models of a plan that names none.
const USUAL: [&str; 2] = ["smoothing", "seasonal-drift"];

/// The shape of a forecast plan.
pub static FORECAST: Shape = Shape {
    name: "forecast",
    doc: "A forecast plan: an amount by groups and periods, from its history, judged by a back-test.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional(
            "amount",
            Kind::Expression,
            "what is forecast, over transactions; `amount` when absent",
        ),
        Field::optional(
            "where",
            Kind::Expression,
            "condition over transactions: which count; all when absent",
        ),
        Field::optional(
            "by",
            Kind::List(&Kind::Text),
            "columns that make the levels below the whole, upper first: of transactions, or reps.COLUMN, accounts.COLUMN. managers.1: whoever is at the top of the chain above the rep, managers.2 the next below, down to the rep",
        ),
        Field::required(
            "periods",
            Kind::Text,
            "periods to forecast: one, a group or a range, such as P13..P16",
        ),
        Field::optional(
            "history",
            Kind::Text,
            "periods to learn from, at least a season; when absent, from the first with a transaction to the last before `periods`",
        ),
        Field::optional(
            "season",
            Kind::Integer(1, 400),
            "periods in a season, 1 for none; when absent, the periods of a fiscal year",
        ),
        Field::optional(
            "models",
            Kind::List(&Kind::Choice(&MODELS)),
            "what is tried against seasonal-naive; smoothing and seasonal-drift when absent. smoothing: the exponential smoothing that fits best",
        ),
        Field::optional(
            "when_naive_wins",
            Kind::Choice(&["use-naive", "use-model"]),
            "use-naive (default): where seasonal-naive errs least in the back-test it is the forecast. use-model: the best model is used all the same",
        ),
        Field::optional(
            "reconcile",
            Kind::Choice(&["bottom-up", "top-down", "structural", "variance"]),
            "how parts add up. bottom-up: sums of the smallest groups. top-down: shares of the whole. structural (default), variance: the least change of all forecasts, by number of parts or by variance of errors",
        ),
        Field::optional(
            "interval",
            Kind::Number,
            "share of outcomes that an interval should hold; 80% when absent",
        ),
        Field::optional(
            "origins",
            Kind::Integer(1, 400),
            "starts of the back-test at most, one period apart; a season but at least 8 when absent. Each knows two seasons and at least 4 periods, or, where that would leave less than a season of starts, as little as one season",
        ),
        Field::optional("pipeline", Kind::Table(&PIPELINE), "what open opportunities are worth"),
    ],
};

static PIPELINE: Shape = Shape {
    name: "pipeline",
    doc: "Open opportunities: amount x probability of their stage, by the period in which they should close.",
    fields: &[
        Field::optional("amount", Kind::Expression, "over opportunities; `amount` when absent"),
        Field::optional(
            "where",
            Kind::Expression,
            "condition over opportunities: which count; all when absent",
        ),
        Field::optional(
            "stages",
            Kind::List(&Kind::Text),
            "the open stages, the first first; needed to measure",
        ),
        Field::required(
            "probability",
            Kind::Either(&[Kind::Text, Kind::Map(&Kind::Number)]),
            "\"measured\": of the opportunities that reached a stage and are closed, the share won. \"column\": the column probability. Or a table: stage = probability",
        ),
        Field::optional(
            "weight",
            Kind::Number,
            "part of the pipeline in the forecast of a period with pipeline, 0% to 100%; 0% when absent: it is shown beside it only",
        ),
    ],
};

/// A column that makes groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Table: transactions, reps or accounts; or managers, the chain above the rep of a row.
    pub table: &'static str,
    /// Column; of managers the level, 1 at the top.
    pub column: String,
}

impl Grouping {
    /// As plans write it.
    #[must_use]
    pub fn name(&self) -> String {
        if self.table == "transactions" {
            self.column.clone()
        } else {
            format!("{}.{}", self.table, self.column)
        }
    }
}

/// Where the probability of a stage comes from.
#[derive(Clone, Debug)]
pub enum Probability {
    /// Measured from closed opportunities.
    Measured,
    /// From the column probability.
    Column,
    /// Stated by stage.
    Stated(Vec<(String, Rational)>),
}

/// The checked pipeline of a plan.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// What counts, over opportunities.
    pub amount: Expression,
    /// Which count.
    pub condition: Option<Expression>,
    /// Open stages, the first first.
    pub stages: Vec<String>,
    /// Probabilities.
    pub probability: Probability,
    /// Part of the pipeline in the forecast.
    pub weight: Rational,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A checked forecast plan.
#[derive(Clone, Debug)]
pub struct ForecastPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// What is forecast.
    pub amount: Expression,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// Levels below the whole, upper first.
    pub by: Vec<Grouping>,
    /// Periods to forecast, and where they are named.
    pub periods: (String, TextPlace),
    /// Periods to learn from, and where they are named.
    pub history: Option<(String, TextPlace)>,
    /// Periods in a season.
    pub season: Option<usize>,
    /// Models tried, by name.
    pub models: Vec<String>,
    /// Seasonal-naive is the forecast where it wins.
    pub fall_back: bool,
    /// How parts add up, by name.
    pub reconcile: String,
    /// Share that an interval should hold.
    pub interval: Rational,
    /// Starts of the back-test.
    pub origins: Option<usize>,
    /// Open opportunities.
    pub pipeline: Option<Pipeline>,
    /// For messages about the whole plan.
    pub place: TextPlace,
}

impl ForecastPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`FORECAST`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let place = raw.key_place("id").clone();
        let transactions = tables.columns("transactions");
        let (amount, condition) = check_amount(raw, &place, &transactions, &mut faults);
        let by = raw.list("by").iter().filter_map(|item| check_grouping(item, tables, &mut faults)).collect();
        let pipeline = raw.get("pipeline").map(|item| check_pipeline(item, tables, &mut faults));
        let interval = raw.number("interval").unwrap_or_else(|| Rational::new(4, 5).unwrap_or_default());
        if !interval.is_positive() || interval >= Rational::one() {
            let fault = Diagnostic::error(Code::SPM110, "`interval` lies between 0% and 100%");
            let fault = fault.at(Place::Text(raw.key_place("interval").clone()), "");
            faults.push(fault.hint("write a share of outcomes, such as interval = \"80%\""));
        }
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        let named = |key: &str| Some((raw.text(key)?.to_owned(), raw.get(key)?.place.clone()));
        let count = |key: &str| raw.integer(key).and_then(|value| usize::try_from(value).ok());
        let models = raw.texts("models");
        Some(Self {
            id,
            title,
            amount: amount?,
            condition,
            by,
            periods: named("periods")?,
            history: named("history"),
            season: count("season"),
            models: if models.is_empty() { USUAL.map(str::to_owned).to_vec() } else { models },
            fall_back: raw.text("when_naive_wins") != Some("use-model"),
            reconcile: raw.text("reconcile").unwrap_or("structural").to_owned(),
            interval,
            origins: count("origins"),
            pipeline: match pipeline {
                Some(pipeline) => Some(pipeline?),
                None => None,
            },
            place,
        })
    }
}

/// The keys `amount` and `where` over some columns.
fn check_amount(
    raw: &Raw,
    place: &TextPlace,
    columns: &Columns,
    faults: &mut Sink,
) -> (Option<Expression>, Option<Expression>) {
    let amount = match raw.get("amount") {
        Some(item) => {
            check_typed(item.as_text().unwrap_or_default(), &item.place, columns, Type::Number, faults)
        }
        None => check_typed("amount", place, columns, Type::Number, faults),
    };
    let condition = raw
        .get("where")
        .and_then(|item| check_typed(item.as_text()?, &item.place, columns, Type::Boolean, faults));
    (amount, condition)
}

/// A text column of transactions, reps or accounts, or a level of managers.
fn check_grouping(item: &Raw, tables: &Tables, faults: &mut Sink) -> Option<Grouping> {
    let text = item.as_text()?;
    let (table, column) = text.split_once('.').unwrap_or(("transactions", text));
    let place = || Place::Text(item.place.clone());
    let level =
        column.parse::<usize>().ok().filter(|level| (1..=limit::HIERARCHY_LEVELS_MAX).contains(level));
    if let ("managers", Some(level)) = (table, level) {
        return Some(Grouping { table: "managers", column: level.to_string() });
    }
    let Some(table) = ["transactions", "reps", "accounts"].into_iter().find(|own| *own == table) else {
        let message = format!(
            "groups come from transactions, reps or accounts, or managers.1, managers.2..., not from `{text}`"
        );
        faults.push(Diagnostic::error(Code::SPM010, message).at(place(), "").hint("by = [\"reps.role\"]"));
        return None;
    };
    let columns = tables.columns(table);
    if !columns.0.iter().any(|(name, kind)| name == column && *kind == Type::Text) {
        let fault = Diagnostic::error(Code::SPM010, format!("{table} has no text column `{column}`"));
        let texts = columns.0.iter().filter(|(_, kind)| *kind == Type::Text).map(|(name, _)| name.as_str());
        let near = crate::ground::diagnostic::suggestion(column, texts);
        faults.push(fault.at(place(), "").hint(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("map it under [sources.{table}.columns] in spm.toml"),
        }));
        return None;
    }
    Some(Grouping { table, column: column.to_owned() })
}

fn check_pipeline(raw: &Raw, tables: &Tables, faults: &mut Sink) -> Option<Pipeline> {
    let place = raw.key_place("probability").clone();
    let (amount, condition) = check_amount(raw, &place, &tables.columns("opportunities"), faults);
    let stages = raw.texts("stages");
    let stated = raw.get("probability")?;
    let probability = match stated.as_text() {
        Some("measured") if stages.is_empty() => {
            let fault = Diagnostic::error(Code::SPM304, "probability = \"measured\" needs `stages`");
            let fault = fault.at(Place::Text(stated.place.clone()), "");
            faults
                .push(fault.hint("list the open stages in their order: stages = [\"Qualify\", \"Propose\"]"));
            return None;
        }
        Some("measured") => Probability::Measured,
        Some("column") => Probability::Column,
        Some(other) => {
            let fault = Diagnostic::error(Code::SPM007, format!("`{other}` is not one of the choices"));
            let fault = fault.at(Place::Text(stated.place.clone()), "");
            faults.push(fault.hint("\"measured\", \"column\", or a table such as { Qualify = \"10%\" }"));
            return None;
        }
        None => Probability::Stated(
            stated
                .entries()
                .iter()
                .filter_map(|(stage, _, value)| Some((stage.clone(), value.as_number()?)))
                .collect(),
        ),
    };
    let shares = stated.entries().iter().map(|(stage, _, value)| (stage.as_str(), value));
    for (what, item) in shares.chain(raw.get("weight").map(|item| ("weight", item))) {
        if item.as_number().is_some_and(|share| share.is_negative() || share > Rational::one()) {
            let fault = Diagnostic::error(Code::SPM110, format!("`{what}` lies between 0% and 100%"));
            faults.push(fault.at(Place::Text(item.place.clone()), ""));
        }
    }
    Some(Pipeline {
        amount: amount?,
        condition,
        stages,
        probability,
        weight: raw.number("weight").unwrap_or_default(),
        place,
    })
}
