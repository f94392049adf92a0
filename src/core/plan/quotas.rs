//! Quota plans: what is shared, by which rule, down which hierarchy, into which periods (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::period::DateRange;
use crate::ground::rational::Rational;
use crate::ground::source::Place;

use super::contract::Type;
use super::expression::{Expression, check_typed};
use super::raw::Raw;
use super::shape::{Field, Kind, Shape};
use super::{Tables, check_header, check_range, header_fields};

/// The shape of a quota plan.
pub static QUOTAS: Shape = Shape {
    name: "quotas",
    doc: "A quota plan: a total shared top-down through groups to salespeople, phased into periods.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional("measure", Kind::Text, "name of the quota, as goals refer to it; quota when absent"),
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over reps: who gets a quota; everyone when absent",
        ),
        Field::required("history", Kind::Table(&HISTORY), "what each salesperson sold before"),
        Field::optional(
            "method",
            Kind::Choice(&["history", "growth", "equal"]),
            "weights. history: in proportion to history. growth (default): history x (1 + growth). equal: the same for each",
        ),
        Field::optional("growth", Kind::Number, "growth on history, such as 10%; 0% when absent"),
        Field::optional(
            "total",
            Kind::Number,
            "what the whole company has to reach; history x (1 + growth) when absent",
        ),
        Field::optional("unit", Kind::Number, "quotas are whole multiples of this amount; 1 when absent"),
        Field::optional(
            "levels",
            Kind::List(&Kind::Text),
            "columns of reps that make the levels between company and salesperson, upper first",
        ),
        Field::optional(
            "floor",
            Kind::Number,
            "least quota of a salesperson, as a share of their history, such as 90%",
        ),
        Field::optional(
            "cap",
            Kind::Number,
            "greatest quota of a salesperson, as a share of their history, such as 150%",
        ),
        Field::required(
            "phasing",
            Kind::List(&Kind::Table(&PHASE)),
            "the periods of the year with their season weights",
        ),
    ],
};

static HISTORY: Shape = Shape {
    name: "history",
    doc: "What each salesperson sold before.",
    fields: &[
        Field::required("from", Kind::Date, "first day"),
        Field::required("to", Kind::Date, "first day after the last"),
        Field::optional("where", Kind::Expression, "condition over transactions; all when absent"),
        Field::optional("amount", Kind::Expression, "what counts, over transactions; `amount` when absent"),
        Field::optional(
            "by",
            Kind::Text,
            "whose sale it is: rep (default, the rep of the transaction), or a text column of accounts that names the salesperson",
        ),
    ],
};

static PHASE: Shape = Shape {
    name: "phase",
    doc: "A period and its part of the year.",
    fields: &[
        Field::required("period", Kind::Text, "a period of the calendar"),
        Field::optional("weight", Kind::Number, "relative weight of the season; 1 when absent"),
    ],
};

/// A checked quota plan.
#[derive(Clone, Debug)]
pub struct QuotaPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Name of the quota.
    pub measure: String,
    /// Who gets a quota.
    pub eligible: Option<Expression>,
    /// Days of the history.
    pub days: DateRange,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// What counts.
    pub amount: Expression,
    /// Column of accounts that names the salesperson; `None` for the rep of the transaction.
    pub by: Option<String>,
    /// How weights follow.
    pub method: Method,
    /// Growth on history.
    pub growth: Rational,
    /// Stated total.
    pub total: Option<Rational>,
    /// Multiple of which quotas are.
    pub unit: Rational,
    /// Columns of reps, upper first.
    pub levels: Vec<String>,
    /// Least share of history.
    pub floor: Option<Rational>,
    /// Greatest share of history.
    pub cap: Option<Rational>,
    /// Periods with weights.
    pub phasing: Vec<(String, Rational)>,
    /// Where the plan starts, for messages about the whole of it.
    pub place: crate::ground::source::TextPlace,
}

/// How weights follow from history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// In proportion.
    History,
    /// History x (1 + growth).
    Growth,
    /// The same for each.
    Equal,
}

impl QuotaPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`QUOTAS`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let history = raw.get("history")?;
        let days = check_range(history, &mut faults);
        let (reps, transactions, accounts) =
            (tables.columns("reps"), tables.columns("transactions"), tables.columns("accounts"));
        let typed = |item: &Raw, columns, kind, faults: &mut Sink| {
            check_typed(item.as_text()?, &item.place, columns, kind, faults)
        };
        let eligible = raw.get("eligible").map(|item| typed(item, &reps, Type::Boolean, &mut faults));
        let condition =
            history.get("where").map(|item| typed(item, &transactions, Type::Boolean, &mut faults));
        let amount = match history.get("amount") {
            Some(item) => typed(item, &transactions, Type::Number, &mut faults),
            None => check_typed("amount", &history.place, &transactions, Type::Number, &mut faults),
        };
        let text_column =
            |item: &Raw, columns: &super::expression::Columns, table: &str, faults: &mut Sink| {
                let name = item.as_text().unwrap_or_default();
                if !columns.0.iter().any(|(column, kind)| column == name && *kind == Type::Text) {
                    let fault =
                        Diagnostic::error(Code::SPM010, format!("{table} has no text column `{name}`"));
                    faults.push(fault.at(Place::Text(item.place.clone()), "").hint("map it in spm.toml"));
                }
            };
        let by = history.get("by").filter(|item| item.as_text() != Some("rep"));
        if let Some(item) = by {
            text_column(item, &accounts, "accounts", &mut faults);
        }
        for item in raw.list("levels") {
            text_column(item, &reps, "reps", &mut faults);
        }
        for (key, unit) in [("unit", true), ("floor", false), ("cap", false), ("total", false)] {
            if let (Some(value), Some(item)) = (raw.number(key), raw.get(key))
                && (value.is_negative() || unit && value.is_zero())
            {
                let fault = Diagnostic::error(
                    Code::SPM110,
                    format!("`{key}` must be {}", if unit { "above zero" } else { "zero or more" }),
                );
                faults.push(fault.at(Place::Text(item.place.clone()), ""));
            }
        }
        let phasing = raw
            .list("phasing")
            .iter()
            .filter_map(|item| {
                Some((item.text("period")?.to_owned(), item.number("weight").unwrap_or_else(Rational::one)))
            })
            .collect();
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        Some(Self {
            id,
            title,
            measure: raw.text("measure").unwrap_or("quota").to_owned(),
            eligible: eligible.flatten(),
            days: days?,
            condition: condition.flatten(),
            amount: amount?,
            by: by.and_then(Raw::as_text).map(str::to_owned),
            method: match raw.text("method") {
                Some("history") => Method::History,
                Some("equal") => Method::Equal,
                _ => Method::Growth,
            },
            growth: raw.number("growth").unwrap_or_default(),
            total: raw.number("total"),
            unit: raw.number("unit").unwrap_or_else(Rational::one),
            levels: raw.texts("levels"),
            floor: raw.number("floor"),
            cap: raw.number("cap"),
            phasing,
            place: raw.key_place("id").clone(),
        })
    }
}
