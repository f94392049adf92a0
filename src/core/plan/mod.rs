//! Floor 1, the plan: TOML text becomes raw values with places, raw values become checked models.

pub mod comp;
pub mod contract;
pub mod coverage;
pub mod expression;
pub mod fairness;
pub mod forecast;
pub mod ledger;
pub mod potential;
pub mod project;
pub mod quotas;
pub mod raw;
pub mod reference;
pub mod schema;
pub mod seating;
pub mod shape;
mod sold;
pub mod territories;

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::money::Currency;
pub use crate::ground::period::Date;
use crate::ground::period::DateRange;
use crate::ground::source::{Place, Source};

use contract::{CONTRACTS, Type};
use expression::Columns;
use raw::Raw;
use shape::Shape;

/// A checked plan of any kind.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Compensation.
    Comp(Box<comp::CompPlan>),
    /// How quotas are scored.
    Fairness(Box<fairness::FairnessPlan>),
    /// A forecast.
    Forecast(Box<forecast::ForecastPlan>),
    /// Expected sales of seats.
    Potential(Box<potential::PotentialPlan>),
    /// Quotas.
    Quotas(Box<quotas::QuotaPlan>),
    /// Territories.
    Territories(Box<territories::TerritoryPlan>),
}

impl Plan {
    /// The name of its kind, one of [`KINDS`]; results of that kind lie in the folder of that name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Comp(_) => "comp",
            Self::Fairness(_) => "fairness",
            Self::Forecast(_) => "forecast",
            Self::Potential(_) => "potential",
            Self::Quotas(_) => "quotas",
            Self::Territories(_) => "territories",
        }
    }

    /// Identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Comp(plan) => &plan.id,
            Self::Fairness(plan) => &plan.id,
            Self::Forecast(plan) => &plan.id,
            Self::Potential(plan) => &plan.id,
            Self::Quotas(plan) => &plan.id,
            Self::Territories(plan) => &plan.id,
        }
    }
}

/// The kinds of plan with their shapes.
pub static KINDS: &[(&str, &Shape)] = &[
    ("comp", &comp::COMP),
    ("fairness", &fairness::FAIRNESS),
    ("forecast", &forecast::FORECAST),
    ("potential", &potential::POTENTIAL),
    ("quotas", &quotas::QUOTAS),
    ("territories", &territories::TERRITORIES),
];

/// The columns of every table as the project maps them: canonical ones, and those of the user's own.
#[derive(Clone, Debug, Default)]
pub struct Tables(pub Vec<(String, Columns)>);

impl Tables {
    /// The columns of a table; the canonical ones alone when no source fills it.
    #[must_use]
    pub fn columns(&self, table: &str) -> Columns {
        self.0.iter().find(|(name, _)| name == table).map(|(_, columns)| columns.clone()).unwrap_or_default()
    }

    /// The columns that the sources of a project declare, without reading any data. Own columns without a stated
    /// type count as text.
    #[must_use]
    pub fn of(project: &project::Project) -> Self {
        let mut tables = Vec::new();
        for contract in CONTRACTS {
            let mut columns: Vec<(String, Type)> =
                contract.columns.iter().map(|column| (column.name.to_owned(), column.kind)).collect();
            for source in project
                .sources
                .iter()
                .filter(|source| source.table.is_some_and(|table| table.name == contract.name))
            {
                for spec in &source.columns {
                    if !columns.iter().any(|(name, _)| *name == spec.name) {
                        columns.push((spec.name.clone(), spec.kind.unwrap_or(Type::Text)));
                    }
                }
            }
            tables.push((contract.name.to_owned(), Columns(columns)));
        }
        Self(tables)
    }
}

/// Keys that every plan has.
pub(crate) mod header_fields {
    use super::shape::{Field, Kind, Shape};

    pub(crate) const VERSION: Field =
        Field::required("version", Kind::Integer(1, 1), "version of the file format: 1");
    pub(crate) const KIND: Field = Field::required(
        "kind",
        Kind::Choice(&["comp", "fairness", "forecast", "potential", "quotas", "territories"]),
        "kind of plan",
    );
    pub(crate) const ID: Field = Field::required("id", Kind::Text, "identifier, unique among plans");
    pub(crate) const TITLE: Field = Field::optional("title", Kind::Text, "shown in reports");
    pub(crate) const EFFECTIVE: Field = Field::optional(
        "effective",
        Kind::Table(&EFFECTIVE_SHAPE),
        "days on which the plan applies; always when absent",
    );

    pub(crate) static EFFECTIVE_SHAPE: Shape = Shape {
        name: "effective",
        doc: "A half-open range of days.",
        fields: &[
            Field::required("from", Kind::Date, "first day"),
            Field::required("to", Kind::Date, "first day after the last"),
        ],
    };
}

/// Identifier and title.
pub(crate) fn check_header(raw: &Raw) -> (String, String) {
    let id = raw.text("id").unwrap_or_default().to_owned();
    let title = raw.text("title").map_or_else(|| id.clone(), str::to_owned);
    (id, title)
}

/// The range of `effective`, `None` when absent.
pub(crate) fn check_effective(raw: &Raw, sink: &mut Sink) -> Option<DateRange> {
    check_range(raw.get("effective")?, sink)
}

/// The half-open range of a table with `from` and `to`.
pub(crate) fn check_range(item: &Raw, sink: &mut Sink) -> Option<DateRange> {
    let (from, to) = (item.date("from")?, item.date("to")?);
    let range = DateRange::new(from, to);
    if range.is_none() {
        let fault =
            Diagnostic::error(Code::SPM305, format!("the range ends on {to}, not after its start {from}"));
        sink.push(fault.at(Place::Text(item.get("to")?.place.clone()), ""));
    }
    range
}

/// Reads and checks one plan file of any kind.
#[must_use]
pub fn check_plan(source: &Source, currency: &Currency, tables: &Tables, sink: &mut Sink) -> Option<Plan> {
    let mut faults = Sink::default();
    let raw = Raw::parse(source, &mut faults);
    let kind = raw.text("kind").unwrap_or_default().to_owned();
    let shape = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, shape)| *shape);
    match shape {
        _ if faults.has_errors() => {}
        Some(shape) => shape.check(&raw, &mut faults),
        None => {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let message = if kind.is_empty() {
                "a plan says its kind".to_owned()
            } else {
                format!("there is no kind of plan `{kind}`")
            };
            let code = if kind.is_empty() { Code::SPM004 } else { Code::SPM007 };
            let fault = Diagnostic::error(code, message).at(Place::Text(raw.key_place("kind").clone()), "");
            faults.push(fault.hint(format!("add kind = \"...\": one of {}", names.join(", "))));
        }
    }
    let failed = faults.has_errors();
    let plan = match kind.as_str() {
        _ if failed => None,
        "comp" => {
            comp::CompPlan::check(&raw, currency, tables, &mut faults).map(|plan| Plan::Comp(Box::new(plan)))
        }
        "fairness" => fairness::FairnessPlan::check(&raw, tables, &mut faults)
            .map(|plan| Plan::Fairness(Box::new(plan))),
        "forecast" => forecast::ForecastPlan::check(&raw, tables, &mut faults)
            .map(|plan| Plan::Forecast(Box::new(plan))),
        "potential" => potential::PotentialPlan::check(&raw, tables, &mut faults)
            .map(|plan| Plan::Potential(Box::new(plan))),
        "quotas" => {
            quotas::QuotaPlan::check(&raw, tables, &mut faults).map(|plan| Plan::Quotas(Box::new(plan)))
        }
        "territories" => territories::TerritoryPlan::check(&raw, tables, &mut faults)
            .map(|plan| Plan::Territories(Box::new(plan))),
        _ => None,
    };
    sink.append(faults);
    plan
}
