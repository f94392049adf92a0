//! Fairness plans: how quotas are scored, from which sales, with which bands (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::expression::Expression;
use super::forecast::Grouping;
use super::raw::Raw;
use super::shape::{Field, Kind, Shape};
use super::sold::{self, check_by, check_key, check_sold};
use super::{Tables, check_header, header_fields};

/// Metrics that a plan may give a band.
pub const METRICS: [&str; 30] = [
    "share-at-quota",
    "share-at-threshold",
    "share-excellent",
    "share-near-quota",
    "mean-attainment",
    "attainment-deviation",
    "bias",
    "accuracy",
    "chance-lowest",
    "chance-highest",
    "chance-spread",
    "spearman-quota",
    "spearman-potential",
    "spearman-tenure",
    "pearson-quota",
    "pearson-potential",
    "pearson-tenure",
    "quota-to-potential-spread",
    "growth-low",
    "growth-high",
    "ratchet-over",
    "ratchet-under",
    "ratchet-asymmetry",
    "quota-to-target-pay",
    "away-from-equal-pain",
    "equal-pain-share-at-quota",
    "compensation-cost",
    "cost-of-sales",
    "cost-of-variation",
    "over-assignment",
];

/// The shape of a fairness plan.
pub static FAIRNESS: Shape = Shape {
    name: "fairness",
    doc: "A fairness plan: how `spm quotas score` simulates attainment, and the bands it holds healthy.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional("measure", Kind::Text, "name of the quota that is scored; quota when absent"),
        sold::AMOUNT,
        sold::WHERE,
        sold::BY,
        Field::optional(
            "history",
            Kind::Text,
            "periods of the season before, as many as are scored; the same number right before them when absent",
        ),
        Field::optional(
            "expected",
            Kind::Choice(&["history", "model"]),
            "what a seat is expected to sell. history (default): its season before x (1 + growth). model: out/potential/model.parquet of `spm potential`",
        ),
        Field::optional(
            "growth",
            Kind::Number,
            "growth on history, such as 8%; when absent, that of all sales between the last two seasons",
        ),
        Field::optional(
            "variation",
            Kind::Number,
            "standard deviation of a seat's sales around what is expected, such as 25%; when absent, what the last season missed the one before x growth by, seat by seat",
        ),
        Field::optional(
            "common",
            Kind::Number,
            "standard deviation of what moves all seats together, such as 5%; 0% when absent",
        ),
        Field::optional(
            "draws",
            Kind::Integer(100, 1_000_000),
            "times that the year is drawn; 2000 when absent",
        ),
        Field::optional(
            "replays",
            Kind::Integer(0, 10_000),
            "draws that the comp plans are replayed on; 100 when absent, 0: none",
        ),
        Field::optional("seed", Kind::Integer(0, i64::MAX), "seed of the draws; 1 when absent"),
        Field::optional("threshold", Kind::Number, "attainment from which pay starts; 75% when absent"),
        Field::optional("excellence", Kind::Number, "attainment that is excellent; 125% when absent"),
        Field::optional("potential", Kind::Table(&POTENTIAL), "what a seat could sell; not used when absent"),
        Field::optional("tenure", Kind::Expression, "years, over reps; from hire_date when absent"),
        Field::optional(
            "target_pay",
            Kind::Expression,
            "pay at 100 % per year, over reps; target_pay when absent. The usual band is for base and variable pay together",
        ),
        Field::optional("band", Kind::List(&Kind::Table(&BAND)), "bands instead of the usual ones"),
    ],
};

static POTENTIAL: Shape = Shape {
    name: "potential",
    doc: "What a seat could sell: of reps, or added up over the accounts that `by` of the plan (or owner_id) gives to it.",
    fields: &[
        Field::optional("reps", Kind::Expression, "over reps"),
        Field::optional("accounts", Kind::Expression, "over accounts, added up for each holder"),
    ],
};

static BAND: Shape = Shape {
    name: "band",
    doc: "A band: the metric is healthy from `low` to `high`; an end that is absent has no limit.",
    fields: &[
        Field::required("metric", Kind::Choice(&METRICS), "name of the metric"),
        Field::optional("low", Kind::Number, "least"),
        Field::optional("high", Kind::Number, "greatest"),
    ],
};

/// A number by seat.
#[derive(Clone, Debug)]
pub enum BySeat {
    /// Over reps.
    Reps(Expression),
    /// Over accounts, added up by the holder.
    Accounts(Expression),
}

/// A checked fairness plan.
#[derive(Clone, Debug)]
pub struct FairnessPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Name of the quota.
    pub measure: String,
    /// What counts as sold.
    pub amount: Expression,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// Whose sale it is.
    pub by: Grouping,
    /// Periods of the season before, and where they are named.
    pub history: Option<(String, TextPlace)>,
    /// Expectations come from the model of `spm potential`.
    pub model: bool,
    /// Growth on history.
    pub growth: Option<Rational>,
    /// Standard deviation of a seat.
    pub variation: Option<Rational>,
    /// Standard deviation of all together.
    pub common: Rational,
    /// Draws.
    pub draws: usize,
    /// Draws that comp plans are replayed on.
    pub replays: usize,
    /// Seed.
    pub seed: u64,
    /// Attainment from which pay starts.
    pub threshold: Rational,
    /// Attainment that is excellent.
    pub excellence: Rational,
    /// Potential of a seat.
    pub potential: Option<BySeat>,
    /// Years.
    pub tenure: Option<Expression>,
    /// Pay at 100 % per year.
    pub target_pay: Option<Expression>,
    /// Bands: metric, low, high.
    pub bands: Vec<(String, Option<Rational>, Option<Rational>)>,
    /// For messages about the whole plan.
    pub place: TextPlace,
}

impl FairnessPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`FAIRNESS`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let place = raw.key_place("id").clone();
        let amount = check_sold(raw, &place, tables, &mut faults);
        let condition = check_key(raw, "where", "transactions", Type::Boolean, tables, &mut faults);
        let by = check_by(raw, tables, &mut faults);
        let tenure = check_key(raw, "tenure", "reps", Type::Number, tables, &mut faults);
        let target_pay = check_key(raw, "target_pay", "reps", Type::Number, tables, &mut faults);
        let potential = raw.get("potential").and_then(|item| {
            let reps = check_key(item, "reps", "reps", Type::Number, tables, &mut faults);
            let accounts = check_key(item, "accounts", "accounts", Type::Number, tables, &mut faults);
            if item.get("reps").is_some() == item.get("accounts").is_some() {
                let fault = Diagnostic::error(Code::SPM304, "`potential` has one of `reps` and `accounts`");
                let fault = fault.at(Place::Text(raw.key_place("potential").clone()), "");
                faults.push(fault.hint("potential = { accounts = \"square_feet\" }"));
            }
            reps.map(BySeat::Reps).or(accounts.map(BySeat::Accounts))
        });
        for key in ["variation", "common", "threshold", "excellence"] {
            if let (Some(value), Some(item)) = (raw.number(key), raw.get(key))
                && value.is_negative()
            {
                let fault = Diagnostic::error(Code::SPM110, format!("`{key}` must be zero or more"));
                faults.push(fault.at(Place::Text(item.place.clone()), ""));
            }
        }
        let bands = raw.list("band").iter().filter_map(|item| {
            let (low, high) = (item.number("low"), item.number("high"));
            if low.is_some() && high.is_some() && low > high {
                let message = format!("the band of `{}` ends below its start", item.text("metric")?);
                let fault = Diagnostic::error(Code::SPM110, message);
                faults.push(fault.at(Place::Text(item.get("low")?.place.clone()), ""));
            }
            Some((item.text("metric")?.to_owned(), low, high))
        });
        let bands = bands.collect();
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        let count = |key: &str, usual: usize| {
            raw.integer(key).and_then(|value| usize::try_from(value).ok()).unwrap_or(usual)
        };
        let share = |key: &str, percent: i64| {
            raw.number(key).unwrap_or_else(|| Rational::new(percent.into(), 100).unwrap_or_default())
        };
        Some(Self {
            id,
            title,
            measure: raw.text("measure").unwrap_or("quota").to_owned(),
            amount: amount?,
            condition,
            by,
            history: raw.text("history").map(|text| (text.to_owned(), raw.key_place("history").clone())),
            model: raw.text("expected") == Some("model"),
            growth: raw.number("growth"),
            variation: raw.number("variation"),
            common: raw.number("common").unwrap_or_default(),
            draws: count("draws", 2000),
            replays: count("replays", 100),
            seed: raw.integer("seed").and_then(|seed| u64::try_from(seed).ok()).unwrap_or(1),
            threshold: share("threshold", 75),
            excellence: share("excellence", 125),
            potential,
            tenure,
            target_pay,
            bands,
            place,
        })
    }
}
