//! The part of a territory plan that sizes the market and the work: what `spm territories coverage` asks (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::source::{Place, TextPlace};

use super::Tables;
use super::contract::Type;
use super::expression::{Columns, Expression, Node};
use super::raw::Raw;
use super::seating::expression;
use super::shape::{Field, Kind, Shape};
use super::territories::{BalanceMeasure, Load};

/// Market and work.
pub(super) static COVERAGE: Shape = Shape {
    name: "coverage",
    doc: "The market, the hours that it takes to serve it, and the hours that there are: what `spm territories coverage` asks.",
    fields: &[
        Field::required("potential", Kind::Expression, "what an account could buy in a year, over accounts"),
        Field::optional(
            "sold",
            Kind::Expression,
            "what it buys, over accounts: the rest of its potential is white space; 0 when absent",
        ),
        Field::optional(
            "measure",
            Kind::Text,
            "measure of the plan that says what an account buys, instead of `sold`",
        ),
        Field::optional(
            "segment",
            Kind::Expression,
            "segment of an account, a text over accounts, such as segment",
        ),
        Field::required(
            "visits",
            Kind::Expression,
            "how often an account is visited in a year, over accounts",
        ),
        Field::required(
            "hours",
            Kind::Either(&[Kind::Expression, Kind::Integer(0, 8760)]),
            "hours of a visit with the way there, over accounts or one number",
        ),
        Field::required(
            "available",
            Kind::Either(&[Kind::Expression, Kind::Integer(1, 8760)]),
            "hours that one holder has for visits in a year, over the holders or one number",
        ),
    ],
};

/// Market and work, as expressions.
#[derive(Clone, Debug)]
pub struct CoveragePlan {
    /// What an account could buy.
    pub potential: Expression,
    /// What it buys.
    pub sold: Sold,
    /// Its segment.
    pub segment: Option<Expression>,
    /// How often it is visited.
    pub visits: Expression,
    /// Hours of a visit.
    pub hours: Expression,
    /// Hours of a holder.
    pub available: Expression,
    /// Where it is written.
    pub place: TextPlace,
}

/// What an account buys.
#[derive(Clone, Debug)]
pub enum Sold {
    /// Nothing that is known.
    Nothing,
    /// Over accounts.
    Account(Expression),
    /// The load of a measure, by its place in the plan.
    Measure(usize),
}

/// An expression, or a number in its place.
pub(super) fn number_or_expression(
    raw: &Raw,
    key: &str,
    columns: &Columns,
    sink: &mut Sink,
) -> Option<Expression> {
    match raw.number(key) {
        Some(value) => Some(Expression { node: Node::Number(value), kind: Some(Type::Number) }),
        None => expression(raw, key, columns, Type::Number, sink),
    }
}

/// The coverage of a plan.
pub(super) fn check_coverage(
    raw: &Raw,
    tables: &Tables,
    holders: &str,
    measures: &[BalanceMeasure],
    sink: &mut Sink,
) -> Option<CoveragePlan> {
    let item = raw.get("coverage")?;
    let (accounts, held) = (tables.columns("accounts"), tables.columns(holders));
    let potential = expression(item, "potential", &accounts, Type::Number, sink);
    let sold = match (item.get("sold"), item.text("measure")) {
        (None, None) => Some(Sold::Nothing),
        (Some(_), None) => expression(item, "sold", &accounts, Type::Number, sink).map(Sold::Account),
        (None, Some(name)) => {
            let place =
                measures.iter().position(|own| own.name == name && !matches!(own.load, Load::Pair(_)));
            if place.is_none() {
                let message = format!("there is no measure `{name}` that is the same whoever has an account");
                let fault = Diagnostic::error(Code::SPM010, message);
                let near = suggestion(name, measures.iter().map(|own| own.name.as_str()));
                let fault = fault.at(Place::Text(item.key_place("measure").clone()), "");
                sink.push(match near {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault,
                });
            }
            place.map(Sold::Measure)
        }
        (Some(_), Some(_)) => {
            let fault = Diagnostic::error(Code::SPM304, "[coverage] has one of `sold` and `measure`");
            sink.push(fault.at(Place::Text(item.key_place("measure").clone()), ""));
            None
        }
    };
    let segment = expression(item, "segment", &accounts, Type::Text, sink);
    let visits = expression(item, "visits", &accounts, Type::Number, sink);
    let hours = number_or_expression(item, "hours", &accounts, sink);
    let available = number_or_expression(item, "available", &held, sink);
    Some(CoveragePlan {
        potential: potential?,
        sold: sold?,
        segment,
        visits: visits?,
        hours: hours?,
        available: available?,
        place: raw.key_place("coverage").clone(),
    })
}
