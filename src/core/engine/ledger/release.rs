//! Releases: how much of an earning is payable by now (E28, E29).
//!
//! The amount of each part is fixed when it is earned; an event only says when it is payable. An event that carries an
//! amount releases in proportion to it: cash received / the transaction's amount.

use std::collections::BTreeMap;

use crate::ground::money::{Currency, Money};
use crate::ground::period::Date;
use crate::ground::rational::Rational;
use crate::ground::round::Rounding;
use crate::ground::trace::{Node, Operation, Unit};

/// Which part of a transaction an event was for, and when: by event and transaction; and what each refund takes back.
#[derive(Clone, Debug, Default)]
pub struct Receipts(pub BTreeMap<(String, String), Vec<(Date, Rational)>>, pub BTreeMap<String, String>);

impl Receipts {
    /// The part that the event had reached before a day: from 0 to 1.
    #[must_use]
    pub fn reached(&self, event: &str, transaction: &str, before: Date) -> Rational {
        let of = |transaction: &str| self.0.get(&(event.to_owned(), transaction.to_owned()));
        // Nobody pays a refund in: it waits for the events of what it takes back, unless it has its own.
        let parts = of(transaction).or_else(|| of(self.1.get(transaction)?));
        let before = parts.into_iter().flatten().filter(|(day, _)| *day < before).map(|(_, part)| part);
        before.sum::<Rational>().min(Rational::one()).max(Rational::zero())
    }
}

/// What makes parts of a line payable.
#[derive(Debug)]
pub struct Due<'a> {
    /// Event and amount of each part; they add up to the earning.
    pub parts: Vec<(&'a str, &'a Money)>,
    /// What each transaction earned of the line.
    pub earned: &'a [(String, Rational)],
    /// How parts of cents are rounded: as the plan says.
    pub rounding: Rounding,
    /// What happened before this day counts: the day after the open period, or the end of a leaver's grace.
    pub before: Date,
}

/// What is payable of a line, and why. Each part is rounded once; a part whose event is complete is whole, so that
/// parts never lose a cent.
#[must_use]
pub fn release(label: &str, due: &Due<'_>, receipts: &Receipts, currency: &Currency) -> (i128, Node) {
    let money = Unit::Money(currency.code().to_owned());
    let mut all = 0;
    let mut nodes = Vec::new();
    for (event, part) in &due.parts {
        let reached = reached(event, due, receipts);
        let amount = Node::input(format!("part on {event}"), money.clone(), part.exact());
        let share = Node::input(format!("{event} so far"), Unit::Percent, reached);
        let exact = Node::computed(
            format!("released on {event}"),
            money.clone(),
            Operation::Product,
            vec![amount, share],
        );
        let operation = Operation::Round { decimals: currency.decimals(), rounding: due.rounding };
        let rounded = Money::round(&exact.value, currency, due.rounding).map_or(0, |money| money.minor_units);
        all += rounded;
        nodes.push(Node::computed(format!("released on {event}"), money.clone(), operation, vec![exact]));
    }
    (all, Node::computed(format!("{label}, payable"), money, Operation::Sum, nodes))
}

/// The part of a line that an event has reached.
fn reached(event: &str, due: &Due<'_>, receipts: &Receipts) -> Rational {
    if event == "booking" {
        return Rational::one();
    }
    if let Ok(day) = event.parse::<Date>() {
        return if day < due.before { Rational::one() } else { Rational::zero() };
    }
    let of = |transaction: &str| receipts.reached(event, transaction, due.before);
    if !due.earned.is_empty() && due.earned.iter().all(|(id, _)| of(id) == Rational::one()) {
        return Rational::one();
    }
    let total: Rational = due.earned.iter().map(|(_, earned)| earned).sum();
    let released: Rational = due.earned.iter().map(|(id, earned)| earned * &of(id)).sum();
    // Earnings that cancel each other out are released together, when every event is complete.
    released.checked_div(&total).unwrap_or_default()
}
