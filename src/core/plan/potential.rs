//! Potential plans: what a seat is expected to sell, learned from what seats are like and what they sold (floor 1).

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

/// The shape of a potential plan.
pub static POTENTIAL: Shape = Shape {
    name: "potential",
    doc: "A potential plan: expected sales of every seat by ridge regression on what is known of seats.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over reps: who is predicted; everyone when absent",
        ),
        sold::AMOUNT,
        sold::WHERE,
        sold::BY,
        Field::required(
            "learn",
            Kind::Text,
            "periods whose sales are explained, such as P9..P12; inputs of kind transactions come from the same number of periods before",
        ),
        Field::optional(
            "seasons",
            Kind::Integer(1, 20),
            "how many such stretches are learned from, the last one being `learn`; 1 when absent",
        ),
        Field::required("input", Kind::List(&Kind::Table(&INPUT)), "what is known of seats"),
        Field::optional(
            "interval",
            Kind::Number,
            "share of seats that an interval should hold; 80% when absent",
        ),
    ],
};

static INPUT: Shape = Shape {
    name: "input",
    doc: "A number by seat: of reps, added up over accounts, or added up over transactions of the stretch before.",
    fields: &[
        Field::required("name", Kind::Text, "name, as in the contributions"),
        Field::optional("unit", Kind::Text, "unit, shown with the coefficient"),
        Field::optional("reps", Kind::Expression, "over reps"),
        Field::optional("accounts", Kind::Expression, "over accounts, added up for each holder"),
        Field::optional(
            "transactions",
            Kind::Expression,
            "over transactions of the stretch before the one that is explained or predicted, added up for each holder",
        ),
        Field::optional(
            "where",
            Kind::Expression,
            "with transactions: which count; those of the plan when absent",
        ),
    ],
};

/// Where an input comes from.
#[derive(Clone, Debug)]
pub enum From {
    /// Over reps.
    Reps(Expression),
    /// Over accounts.
    Accounts(Expression),
    /// Over transactions, and which count.
    Transactions(Expression, Option<Expression>),
}

/// A number by seat.
#[derive(Clone, Debug)]
pub struct Input {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Where it comes from.
    pub from: From,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A checked potential plan.
#[derive(Clone, Debug)]
pub struct PotentialPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Who is predicted.
    pub eligible: Option<Expression>,
    /// What counts as sold.
    pub amount: Expression,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// Whose sale it is.
    pub by: Grouping,
    /// Periods whose sales are explained, and where they are named.
    pub learn: (String, TextPlace),
    /// Stretches learned from.
    pub seasons: usize,
    /// What is known of seats.
    pub inputs: Vec<Input>,
    /// Share that an interval should hold.
    pub interval: Rational,
    /// For messages about the whole plan.
    pub place: TextPlace,
}

impl PotentialPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`POTENTIAL`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let place = raw.key_place("id").clone();
        let eligible = check_key(raw, "eligible", "reps", Type::Boolean, tables, &mut faults);
        let amount = check_sold(raw, &place, tables, &mut faults);
        let condition = check_key(raw, "where", "transactions", Type::Boolean, tables, &mut faults);
        let by = check_by(raw, tables, &mut faults);
        let mut inputs: Vec<Input> = Vec::new();
        for item in raw.list("input") {
            let Some(input) = check_input(item, condition.as_ref(), tables, &mut faults) else { continue };
            if inputs.iter().any(|own| own.name == input.name) {
                let fault = Diagnostic::error(Code::SPM009, format!("two inputs are named `{}`", input.name));
                faults.push(fault.at(Place::Text(input.place.clone()), ""));
            }
            inputs.push(input);
        }
        let interval = raw.number("interval").unwrap_or_else(|| Rational::new(4, 5).unwrap_or_default());
        if !interval.is_positive() || interval >= Rational::one() {
            let fault = Diagnostic::error(Code::SPM110, "`interval` lies between 0% and 100%");
            faults.push(fault.at(Place::Text(raw.key_place("interval").clone()), ""));
        }
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        Some(Self {
            id,
            title,
            eligible,
            amount: amount?,
            condition,
            by,
            learn: (raw.text("learn")?.to_owned(), raw.get("learn")?.place.clone()),
            seasons: raw.integer("seasons").and_then(|own| usize::try_from(own).ok()).unwrap_or(1),
            inputs,
            interval,
            place,
        })
    }
}

fn check_input(
    item: &Raw,
    condition: Option<&Expression>,
    tables: &Tables,
    faults: &mut Sink,
) -> Option<Input> {
    let place = item.get("name")?.place.clone();
    let kinds = ["reps", "accounts", "transactions"];
    let stated: Vec<&str> = kinds.into_iter().filter(|kind| item.get(kind).is_some()).collect();
    let [kind] = stated.as_slice() else {
        let fault =
            Diagnostic::error(Code::SPM304, "an input has one of `reps`, `accounts` and `transactions`");
        let fault = fault.at(Place::Text(place), "");
        faults.push(fault.hint("accounts = \"1\" counts the accounts of a seat"));
        return None;
    };
    let value = check_key(item, kind, kind, Type::Number, tables, faults)?;
    let from = match *kind {
        "reps" => From::Reps(value),
        "accounts" => From::Accounts(value),
        _ => {
            let own = match item.get("where") {
                Some(_) => Some(check_key(item, "where", "transactions", Type::Boolean, tables, faults)?),
                None => condition.cloned(),
            };
            From::Transactions(value, own)
        }
    };
    Some(Input {
        name: item.text("name")?.to_owned(),
        unit: item.text("unit").unwrap_or_default().to_owned(),
        from,
        place,
    })
}
