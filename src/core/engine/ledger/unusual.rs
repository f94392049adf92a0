//! Corrections that are too large to be believed.
//!
//! An extract that was cut off is noticed by what is gone. One that is whole and wrong (a column that means something else, a
//! value that is spelled differently) is noticed by what it would do to most people at once.

use std::collections::BTreeMap;

use crate::ground::money::{Currency, Money};

use super::{Books, Key, Kind, Settlement, Who};

/// What corrections of a plan come to, when most people lose most of what is booked for them, or get it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The plan.
    pub plan: String,
    /// What is taken back; below zero what is paid in addition.
    pub taken: Money,
    /// What is booked.
    pub booked: Money,
    /// How many people it concerns.
    pub people: usize,
    /// How many have something booked.
    pub of: usize,
}

/// Fewer people than this are never most people.
const PEOPLE_MIN: usize = 3;

/// The plans whose corrections take back more than half of what is booked from more than half of the people, three at
/// least; or pay as many people more than was booked at all.
#[must_use]
pub fn unusual(books: &Books, settlement: &Settlement) -> Vec<Unusual> {
    type ByWho<'a> = BTreeMap<&'a Who, i128>;
    let counts = |key: &Key| matches!(key.kind, Kind::Earning | Kind::Clawback);
    let mut plans: BTreeMap<(&str, &Currency), (ByWho<'_>, ByWho<'_>)> = BTreeMap::new();
    for (key, amounts) in books.posted.iter().filter(|(key, _)| counts(key)) {
        let sums = plans.entry((&key.plan, &key.who.currency)).or_default();
        *sums.0.entry(&key.who).or_default() += amounts.earned;
    }
    for line in
        settlement.lines.iter().filter(|line| counts(&line.key) && line.key.origin < settlement.period)
    {
        let sums = plans.entry((&line.key.plan, &line.key.who.currency)).or_default();
        // What falls due was earned before; what waits again is taken back.
        let change = if line.amounts.earned == 0 { line.amounts.payable.min(0) } else { line.amounts.earned };
        *sums.1.entry(&line.key.who).or_default() += change;
    }
    let mut all = Vec::new();
    for ((plan, currency), (booked, changed)) in plans {
        let of = booked.values().filter(|units| **units != 0).count();
        let total: i128 = booked.values().map(|units| units.abs()).sum();
        let with = |sign: i128| {
            let own = changed.values().map(|units| units * sign).filter(|units| *units > 0);
            (own.clone().count(), own.sum::<i128>())
        };
        let (losers, lost) = with(-1);
        let (winners, won) = with(1);
        let most = |people: usize| people >= PEOPLE_MIN && 2 * people > of;
        let money = |minor_units: i128| Money { minor_units, currency: currency.clone() };
        let found = if most(losers) && 2 * lost > total {
            Some((losers, lost))
        } else if most(winners) && won > total {
            Some((winners, -won))
        } else {
            None
        };
        all.extend(found.map(|(people, taken)| Unusual {
            plan: plan.to_owned(),
            taken: money(taken),
            booked: money(total),
            people,
            of,
        }));
    }
    all
}

impl Unusual {
    /// `corrections take back 900.00 USD of 1000.00 USD that are booked for cs, from 3 of 4 people`.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { plan, taken, booked, people, of } = self;
        if taken.minor_units > 0 {
            return format!(
                "corrections take back {taken} of {booked} that are booked for {plan}, from {people} of {of} people"
            );
        }
        let more = Money { minor_units: -taken.minor_units, currency: taken.currency.clone() };
        format!(
            "corrections pay {more} more than the {booked} that are booked for {plan}, to {people} people ({of} had something booked)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ledger::{Amounts, Line};
    use crate::ground::rational::Rational;
    use crate::ground::trace::{Node, Unit};

    fn key(payee: &str, origin: usize) -> Key {
        let currency = Currency::from_code("USD").expect("a currency");
        let who = Who { payee: payee.into(), currency };
        Key { who, origin, kind: Kind::Earning, plan: "p".to_owned(), component: "c".to_owned() }
    }

    fn found(changes: &[(&str, i128, i128)]) -> Vec<Unusual> {
        let mut books = Books::default();
        for payee in ["A", "B", "C", "D"] {
            books.posted.insert(key(payee, 0), Amounts { earned: 100, payable: 100 });
        }
        let line = |(payee, earned, payable): &(&str, i128, i128)| Line {
            key: key(payee, 0),
            amounts: Amounts { earned: *earned, payable: *payable },
            cause: None,
            trace: Node::input("", Unit::Number, Rational::zero()),
            released: None,
        };
        let lines = changes.iter().map(line).collect();
        unusual(&books, &Settlement { period: 1, lines, ..Settlement::default() })
    }

    #[test]
    fn most_people_losing_most_of_it_is_unusual_and_a_few_losing_all_of_it_is_not() {
        let all = found(&[("A", -70, -70), ("B", -70, -70), ("C", -70, -70)]);
        assert_eq!(
            all[0].text(),
            "corrections take back 2.10 USD of 4.00 USD that are booked for p, from 3 of 4 people"
        );
        assert!(found(&[("A", -100, -100), ("B", -100, -100), ("C", 90, 90)]).is_empty());
        assert!(found(&[("A", -60, -60), ("B", -60, -60), ("C", -60, -60)]).is_empty());
        // What falls due is no correction; what is no longer released is one.
        assert!(found(&[("A", 0, 900), ("B", 0, 900), ("C", 0, 900)]).is_empty());
        assert_eq!(found(&[("A", 0, -90), ("B", 0, -90), ("C", 0, -90)]).len(), 1);
        // Everything once more, and then some.
        assert_eq!(found(&[("A", 150, 150), ("B", 150, 150), ("C", 150, 150)]).len(), 1);
    }
}
