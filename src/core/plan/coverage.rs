//! The part of a territory plan that sizes the market and the work: what `spm territories coverage` asks (floor 1).

use crate::ground::diagnostic::Sink;
use crate::ground::source::TextPlace;

use super::Tables;
use super::contract::Type;
use super::expression::{Columns, Expression, Node};
use super::raw::Raw;
use super::seating::expression;
use super::shape::{Field, Kind, Shape};

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
    pub sold: Option<Expression>,
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
    sink: &mut Sink,
) -> Option<CoveragePlan> {
    let item = raw.get("coverage")?;
    let (accounts, held) = (tables.columns("accounts"), tables.columns(holders));
    let potential = expression(item, "potential", &accounts, Type::Number, sink);
    let sold = expression(item, "sold", &accounts, Type::Number, sink);
    let segment = expression(item, "segment", &accounts, Type::Text, sink);
    let visits = expression(item, "visits", &accounts, Type::Number, sink);
    let hours = number_or_expression(item, "hours", &accounts, sink);
    let available = number_or_expression(item, "available", &held, sink);
    Some(CoveragePlan {
        potential: potential?,
        sold,
        segment,
        visits: visits?,
        hours: hours?,
        available: available?,
        place: raw.key_place("coverage").clone(),
    })
}
