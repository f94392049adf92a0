//! What a plan says about money over time: draws, clawbacks and leavers (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::contract::Type;
use crate::plan::expression::check_typed;
use crate::plan::raw::Raw;
use crate::plan::shape::{Field, Kind, Shape};

use super::check::Check;
use super::shape::QUANTITY;
use super::{Guarantee, Quantity};

pub(super) static DRAW: Shape = Shape {
    name: "draw",
    doc: "An advance on commission: what is missing to it is paid now. A recoverable draw is owed and taken from later pay above the draw; the ledger keeps its balance. A non-recoverable draw is a guarantee.",
    fields: &[
        Field::required(
            "type",
            Kind::Choice(&["recoverable", "non-recoverable"]),
            "whether the advance is owed",
        ),
        Field::required(
            "amount",
            QUANTITY,
            "what is paid at least in a period, shrunk by participation as `proration` says",
        ),
        Field::optional(
            "months",
            Kind::Integer(1, 1200),
            "for how many months from reps.hire_date, to the day: the first and the last period are shrunk to their days in them, as `proration` says (`none`: that many months from the start of the period of the hire date); always when absent",
        ),
        Field::optional(
            "recovery",
            Kind::Number,
            "with recoverable: part of the pay above the draw that is taken until nothing is owed; 100% when absent",
        ),
        Field::optional(
            "recovery_from",
            Kind::Integer(1, 1200),
            "with recoverable: month from reps.hire_date in which recovery starts, with the first period that begins in it; at once when absent",
        ),
    ],
};

pub(super) static CLAWBACK: Shape = Shape {
    name: "clawback",
    doc: "What a transaction that the table `cancellations` names gives back: the plan pays as if only the part that was served had been sold; what was not served at all is no credit. What was paid beyond that is owed, and taken from later pay.",
    fields: &[
        Field::required(
            "months",
            Kind::Integer(1, 1200),
            "how long a transaction has to be served from its event date to be earned in full",
        ),
        Field::optional(
            "how",
            Kind::Choice(&["months", "days", "full"]),
            "the part that was not served: whole months left / months (default), days left / days, or all of it",
        ),
        Field::optional(
            "recovery",
            Kind::Number,
            "most of the pay of a period that is taken for it; 100% when absent",
        ),
    ],
};

pub(super) static MINIMUM: Shape = Shape {
    name: "minimum_payment",
    doc: "What is paid at least if anything is: a payment of less is not made but carried to the next period, until with what was carried it comes to the amount. It is about the payment of a payee in the plan's currency, over all plans. Whoever has left, or is in the plan no more after the period, is paid whatever there is.",
    fields: &[Field::required("amount", Kind::Number, "the amount; a payment of exactly the amount is made")],
};

pub(super) static LEAVER: Shape = Shape {
    name: "leaver",
    doc: "What happens to held parts of earnings after reps.end_date.",
    fields: &[Field::required(
        "grace",
        Kind::Integer(0, 3660),
        "for how many days after the end date events still release them; what is held then is forfeited",
    )],
};

/// An advance that is owed.
#[derive(Clone, Debug)]
pub struct Draw {
    /// What is paid at least in a whole period.
    pub amount: Quantity,
    /// For how many months from the hire date.
    pub months: Option<i64>,
    /// Part of the pay above the draw that is taken (E37).
    pub recovery: Rational,
    /// Month of tenure in which recovery starts.
    pub recovery_from: i64,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What is paid at least if anything is.
#[derive(Clone, Debug)]
pub struct MinimumPayment {
    /// The amount.
    pub amount: Rational,
    /// Where it is stated.
    pub place: TextPlace,
}

/// How the part that was not served is measured (E26).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unserved {
    /// Whole months left, of the months of the window.
    #[default]
    Months,
    /// Days left, of the days of the window.
    Days,
    /// All of it.
    Full,
}

/// What a cancelled transaction gives back.
#[derive(Clone, Debug)]
pub struct Clawback {
    /// Length of the window from the event date.
    pub months: i64,
    /// How the part that was not served is measured.
    pub how: Unserved,
    /// Most of the pay of a period that is taken (E27).
    pub recovery: Rational,
    /// Where it is defined.
    pub place: TextPlace,
}

/// All of it, for a plan.
#[derive(Debug, Default)]
pub(super) struct Balances {
    pub(super) draw: Option<Draw>,
    pub(super) guarantee: Option<Guarantee>,
    pub(super) clawback: Option<Clawback>,
    pub(super) minimum: Option<MinimumPayment>,
}

impl Check<'_> {
    /// Draw and clawback. A draw that is not owed is a guarantee.
    pub(super) fn balances(&mut self, raw: &Raw) -> Option<Balances> {
        let mut balances = Balances::default();
        if let Some(item) = raw.get("draw") {
            self.not_negative(item.get("amount")?, "a draw");
            let amount = self.quantity(item.get("amount")?)?;
            if item.text("type") == Some("recoverable") {
                balances.draw = Some(Draw {
                    amount,
                    months: item.integer("months"),
                    recovery: self.part(item, "recovery"),
                    recovery_from: item.integer("recovery_from").unwrap_or(1),
                    place: item.get("amount")?.place.clone(),
                });
            } else {
                for key in ["recovery", "recovery_from"].into_iter().filter(|key| item.get(key).is_some()) {
                    let message = format!("`{key}` does not go with type = \"non-recoverable\"");
                    self.contradiction(item, key, message, "nothing is recovered; remove it");
                }
                if raw.get("guarantee").is_some() {
                    let message = "a non-recoverable draw is a guarantee, and the plan has one".to_owned();
                    self.contradiction(item, "type", message, "keep one of the two");
                }
                balances.guarantee = Some(Guarantee { amount, months: item.integer("months") });
            }
        }
        if let Some(item) = raw.get("clawback") {
            balances.clawback = Some(Clawback {
                months: item.integer("months")?,
                how: match item.text("how") {
                    Some("days") => Unserved::Days,
                    Some("full") => Unserved::Full,
                    _ => Unserved::Months,
                },
                recovery: self.part(item, "recovery"),
                place: item.get("months")?.place.clone(),
            });
        }
        if let Some(amount) = raw.get("minimum_payment").and_then(|item| item.get("amount")) {
            let number = amount.as_number()?;
            if !number.is_positive() {
                let fault = Diagnostic::error(Code::SPM110, "a minimum payment is more than zero");
                let fault = fault.at(Place::Text(amount.place.clone()), "");
                self.faults.push(fault.hint("remove [minimum_payment] where every payment is made"));
            }
            balances.minimum = Some(MinimumPayment { amount: number, place: amount.place.clone() });
        }
        Some(balances)
    }

    /// Where the plan says that payees are paid in their own currency. Balances have no exchange rate: what is held, owed
    /// or given back does not go with it.
    pub(super) fn pay_currency(&mut self, raw: &Raw) -> Option<TextPlace> {
        let item = raw.get("pay_currency").filter(|item| item.as_text() == Some("payee"))?;
        let reps = self.reps.clone();
        check_typed("currency", &item.place, &reps, Type::Text, self.faults)?;
        let owed = raw.get("draw").is_some_and(|draw| draw.text("type") == Some("recoverable"));
        let held = raw.list("component").iter().any(|component| !component.list("release").is_empty());
        let balances = [
            ("a recoverable draw", owed),
            ("clawback", raw.get("clawback").is_some()),
            ("release", held),
            ("minimum_payment", raw.get("minimum_payment").is_some()),
        ];
        for (what, _) in balances.into_iter().filter(|(_, there)| *there) {
            let message = format!("pay_currency = \"payee\" does not go with {what}");
            let hint = "balances are kept in the plan's currency: pay in it, or give each currency a plan of its own with `eligible`";
            self.contradiction(raw, "pay_currency", message, hint);
        }
        Some(item.place.clone())
    }

    /// A share from 0 to 100 %; all of it when absent.
    fn part(&mut self, item: &Raw, key: &str) -> Rational {
        let share = item.number(key).unwrap_or_else(Rational::one);
        if share.is_negative() || share > Rational::one() {
            let message = format!("`{key}` must be from 0% to 100%");
            let place = item.get(key).map_or(&item.place, |value| &value.place);
            self.faults.push(Diagnostic::error(Code::SPM110, message).at(Place::Text(place.clone()), ""));
        }
        share
    }
}
