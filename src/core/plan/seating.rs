//! The parts of a territory plan that name people: rules for new accounts, and seats (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::Tables;
use super::contract::Type;
use super::expression::{Columns, Expression, check_typed};
use super::raw::Raw;
use super::shape::{Field, Kind, Shape};

/// A rule for new accounts.
pub(super) static RULE: Shape = Shape {
    name: "rule",
    doc: "Where `spm territories assign` puts new accounts before their fit is asked: the first rule that holds for an account decides.",
    fields: &[
        Field::required("name", Kind::Text, "name, as in the results"),
        Field::required(
            "where",
            Kind::Expression,
            "condition over accounts: for which new accounts the rule holds",
        ),
        Field::optional("to", Kind::Text, "identifier of the holder who gets them"),
        Field::optional(
            "among",
            Kind::Expression,
            "condition over the holders: the group that gets them, each account the one that fits best",
        ),
    ],
};

/// Seats and people.
pub(super) static SEATS: Shape = Shape {
    name: "seats",
    doc: "Which salesperson gets which territory: what `spm territories seats` asks.",
    fields: &[
        Field::optional(
            "people",
            Kind::Expression,
            "condition over reps: who may have a seat; everybody when absent",
        ),
        Field::optional(
            "travel",
            Kind::Number,
            "cost of one kilometre from a person's home to the centre of a territory; 1 when absent",
        ),
        Field::optional(
            "relationship",
            Kind::Expression,
            "cost, over accounts, of each account that comes to another person than its owner (owner_id); 0 when absent",
        ),
        Field::optional(
            "allowed",
            Kind::Expression,
            "condition over pairs, columns `rep.NAME` and `territory.NAME`: who may have which seat; all when absent",
        ),
        Field::optional(
            "misfit",
            Kind::Expression,
            "cost of a pair in kilometres, columns `rep.NAME` and `territory.NAME`, such as that of a missing skill",
        ),
    ],
};

/// A rule for new accounts.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// For which accounts it holds.
    pub condition: Expression,
    /// Who gets them.
    pub to: To,
    /// Where it is written.
    pub place: TextPlace,
}

/// Who gets the accounts of a rule.
#[derive(Clone, Debug)]
pub enum To {
    /// This holder.
    Holder(String),
    /// One of the holders of whom this is true.
    Among(Expression),
}

/// Seats and people.
#[derive(Clone, Debug)]
pub struct SeatPlan {
    /// Who may have a seat.
    pub people: Option<Expression>,
    /// Cost of a kilometre from home to centre.
    pub travel: Rational,
    /// Cost of an account that comes to another person.
    pub relationship: Option<Expression>,
    /// Who may have which seat.
    pub allowed: Option<Expression>,
    /// Cost of a pair.
    pub misfit: Option<Expression>,
    /// Where it is written.
    pub place: TextPlace,
}

/// The columns of pairs: each side's names behind the name of the side.
pub(super) fn pair_columns(sides: [(&str, &Columns); 2]) -> Columns {
    let all = sides.iter().flat_map(|(side, columns)| {
        columns.0.iter().map(move |(name, kind)| (format!("{side}.{name}"), *kind))
    });
    Columns(all.collect())
}

/// An expression of one type, when the key is there.
pub(super) fn expression(
    raw: &Raw,
    key: &str,
    columns: &Columns,
    kind: Type,
    sink: &mut Sink,
) -> Option<Expression> {
    let item = raw.get(key)?;
    check_typed(item.as_text()?, &item.place, columns, kind, sink)
}

/// The rules of a plan, in order.
pub(super) fn check_rules(raw: &Raw, tables: &Tables, holders: &str, sink: &mut Sink) -> Vec<Rule> {
    let (accounts, held) = (tables.columns("accounts"), tables.columns(holders));
    let mut rules: Vec<Rule> = Vec::new();
    for item in raw.list("rule") {
        let place = item.key_place("name").clone();
        let name = item.text("name").unwrap_or_default().to_owned();
        if rules.iter().any(|other| other.name == name) {
            let fault = Diagnostic::error(Code::SPM009, format!("two rules are named `{name}`"));
            sink.push(fault.at(Place::Text(place.clone()), ""));
        }
        let condition = expression(item, "where", &accounts, Type::Boolean, sink);
        let among = expression(item, "among", &held, Type::Boolean, sink);
        let to = match (item.text("to"), item.get("among")) {
            (Some(to), None) => Some(To::Holder(to.to_owned())),
            (None, Some(_)) => among.map(To::Among),
            _ => {
                let fault =
                    Diagnostic::error(Code::SPM304, format!("rule `{name}` has one of `to` and `among`"));
                let hint = "to = \"A17\" names a holder; among = \"role = 'AE'\" names a group";
                sink.push(fault.at(Place::Text(place.clone()), "").hint(hint));
                None
            }
        };
        if let (Some(condition), Some(to)) = (condition, to) {
            rules.push(Rule { name, condition, to, place });
        }
    }
    rules
}

/// The seats of a plan.
pub(super) fn check_seats(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<SeatPlan> {
    let item = raw.get("seats")?;
    let (reps, accounts) = (tables.columns("reps"), tables.columns("accounts"));
    let pairs = pair_columns([("rep", &reps), ("territory", &tables.columns("territories"))]);
    let travel = item.number("travel").unwrap_or_else(Rational::one);
    if travel.is_negative() {
        let fault = Diagnostic::error(Code::SPM110, "`travel` must be zero or more");
        sink.push(fault.at(Place::Text(item.key_place("travel").clone()), ""));
    }
    Some(SeatPlan {
        people: expression(item, "people", &reps, Type::Boolean, sink),
        travel,
        relationship: expression(item, "relationship", &accounts, Type::Number, sink),
        allowed: expression(item, "allowed", &pairs, Type::Boolean, sink),
        misfit: expression(item, "misfit", &pairs, Type::Number, sink),
        place: raw.key_place("seats").clone(),
    })
}
