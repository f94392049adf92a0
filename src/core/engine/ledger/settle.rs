//! One open period: entitlements - what was booked = lines; lines and balances -> payment.
//!
//! The order is that of E34: what is payable, negative pay carried from before, the draw's floor, recovery of draws from
//! what lies above it, recovery of clawbacks, payment. A payment is never negative (E8), and one under the plan's minimum is
//! carried like negative pay.

use std::collections::{BTreeMap, BTreeSet};

use crate::ground::money::Currency;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::trace::{Node, Operation, Unit};

use super::{Account, Amounts, Books, Key, Kind, Who};

/// What somebody is entitled to for a key, as known now and for the end of the open period.
#[derive(Clone, Debug)]
pub struct Entitled {
    /// Earned in all, and payable by the end of the open period.
    pub amounts: Amounts,
    /// Why it is earned; its value is the amount earned.
    pub trace: Node,
    /// Why that much is payable, when not all of it is.
    pub released: Option<Node>,
}

/// All entitlements up to the open period.
pub type Entitlements = BTreeMap<Key, Entitled>;

/// What the plans say about a payee's balances in the open period.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is paid at least, while a draw lasts.
    pub floor: Option<Node>,
    /// Part of the pay above the floor that recovers draws; zero while recovery has not started, and for leavers (E38).
    pub recovery: Rational,
    /// Most of the pay that recovers clawbacks (E27).
    pub limit: Rational,
    /// What is paid at least if anything is; less is carried.
    pub minimum: Option<Node>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { floor: None, recovery: Rational::one(), limit: Rational::one(), minimum: None }
    }
}

/// What is booked for one key.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is for.
    pub key: Key,
    /// The change.
    pub amounts: Amounts,
    /// Why the entitlement changed after its period was posted; `None` for lines of the open period.
    pub cause: Option<String>,
    /// Why it is earned; its value is the change.
    pub trace: Node,
    /// Why that much is payable, when that differs from what is earned.
    pub released: Option<Node>,
}

/// A change of a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose.
    pub who: Who,
    /// Which.
    pub account: Account,
    /// Before.
    pub opening: i128,
    /// What is added.
    pub change: i128,
}

impl Movement {
    /// After.
    #[must_use]
    pub fn closing(&self) -> i128 {
        self.opening + self.change
    }
}

/// What is paid.
#[derive(Clone, Debug)]
pub struct Payment {
    /// To whom.
    pub who: Who,
    /// Minor units, zero or more.
    pub amount: i128,
    /// Why.
    pub trace: Node,
}

/// What is booked for an open period.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Index of the leaf period.
    pub period: usize,
    /// By key.
    pub lines: Vec<Line>,
    /// By payee, currency, account: those that are not zero before or after.
    pub movements: Vec<Movement>,
    /// By payee and currency.
    pub payments: Vec<Payment>,
}

/// Settles a period. `cause` says why an entitlement of a posted period changed; `name` names a period.
#[must_use]
pub fn settle(
    period: usize,
    books: &Books,
    entitled: &Entitlements,
    terms: &BTreeMap<Who, Terms>,
    name: &dyn Fn(usize) -> String,
    cause: &dyn Fn(&Key) -> String,
) -> Settlement {
    let keys: BTreeSet<&Key> =
        books.posted.keys().chain(entitled.keys()).filter(|key| key.origin <= period).collect();
    let mut lines: BTreeMap<&Who, Vec<Line>> = BTreeMap::new();
    for key in keys {
        let (before, now) = (books.posted.get(key), entitled.get(key));
        if let Some(line) = line(period, key, before, now, name, cause) {
            lines.entry(&key.who).or_default().push(line);
        }
    }
    let owed = books.balances.iter().filter(|(_, balance)| **balance != 0).map(|((who, _), _)| who);
    let floors = terms.iter().filter(|(_, terms)| terms.floor.is_some()).map(|(who, _)| who);
    let all: BTreeSet<&Who> = lines.keys().copied().chain(owed).chain(floors).collect();
    let mut settlement = Settlement { period, ..Settlement::default() };
    for who in all {
        let own = lines.remove(who).unwrap_or_default();
        let terms = terms.get(who).cloned().unwrap_or_default();
        Waterfall { who, books, terms: &terms, name: &name(period) }.pay(&own, &mut settlement);
        settlement.lines.extend(own);
    }
    settlement
}

/// The unit of a currency's amounts.
fn money(currency: &Currency) -> Unit {
    Unit::Money(currency.code().to_owned())
}

fn exact(units: i128, currency: &Currency) -> Rational {
    Rational::from_scaled(units, currency.decimals())
}

/// What is booked for a key; `None` when nothing changed since its period was posted.
fn line(
    period: usize,
    key: &Key,
    before: Option<&Amounts>,
    now: Option<&Entitled>,
    name: &dyn Fn(usize) -> String,
    cause: &dyn Fn(&Key) -> String,
) -> Option<Line> {
    let currency = &key.who.currency;
    let first = before.is_none() && key.origin == period;
    let before = before.copied().unwrap_or_default();
    let after = now.map(|now| now.amounts).unwrap_or_default();
    let amounts = Amounts { earned: after.earned - before.earned, payable: after.payable - before.payable };
    if !first && amounts == Amounts::default() {
        return None;
    }
    let label = label(key, name);
    let zero = |what: &str| Node::input(what, money(currency), Rational::zero());
    let trace = now.map_or_else(|| zero("no longer entitled"), |now| now.trace.clone());
    let payable = now
        .and_then(|now| now.released.clone())
        .unwrap_or_else(|| Node { label: format!("{label}, payable"), ..trace.clone() });
    // An adjustment says why itself: reason, author and approver.
    let reason = now.filter(|_| key.kind == Kind::Adjustment).map(|now| now.trace.label.clone());
    if first {
        let released = (amounts.payable != amounts.earned).then_some(payable);
        return Some(Line { key: key.clone(), amounts, cause: reason, trace, released });
    }
    let change = |label: String, now: Node, before: i128| {
        let before = Node::input("booked before", money(currency), exact(before, currency));
        Node::computed(label, money(currency), Operation::Difference, vec![now, before])
    };
    let released = (amounts.payable != amounts.earned)
        .then(|| change(format!("{label}: change of what is payable"), payable, before.payable));
    // What only became payable, or waits again, is explained by its release.
    let held = |amounts: &Amounts| (amounts.earned - amounts.payable).abs();
    let why = match amounts.earned {
        0 if held(&after) < held(&before) && amounts.payable < 0 => "no longer held".to_owned(),
        0 if held(&after) < held(&before) => "released".to_owned(),
        0 => "no longer released".to_owned(),
        _ => reason.unwrap_or_else(|| cause(key)),
    };
    let trace = change(format!("{label}: change"), trace, before.earned);
    Some(Line { key: key.clone(), amounts, cause: Some(why), trace, released })
}

/// What a line is called in explanations.
fn label(key: &Key, name: &dyn Fn(usize) -> String) -> String {
    let origin = name(key.origin);
    match key.kind {
        Kind::Earning => format!("{}, {origin}", key.component),
        Kind::Adjustment => format!("adjustment {}, {origin}", key.component),
        Kind::Capped => format!("over the cap of {}, {origin}", key.component),
        Kind::Clawback | Kind::Forfeit => format!("{} of {}, {origin}", key.kind.name(), key.component),
    }
}

/// What a payment under the minimum left.
const KEPT: &str = "carried from before, under the minimum payment";

/// From what is payable to the payment, for one payee and currency.
struct Waterfall<'a> {
    who: &'a Who,
    books: &'a Books,
    terms: &'a Terms,
    name: &'a str,
}

impl Waterfall<'_> {
    fn input(&self, label: impl Into<String>, units: i128) -> Node {
        Node::input(label, money(&self.who.currency), exact(units, &self.who.currency))
    }

    fn computed(&self, label: impl Into<String>, operation: Operation, children: Vec<Node>) -> Node {
        Node::computed(label, money(&self.who.currency), operation, children)
    }

    /// The minor units of a node that is whole minor units by construction.
    fn units(&self, node: &Node) -> i128 {
        let units = round_to_decimals(&node.value, self.who.currency.decimals(), Rounding::TowardZero);
        units.expect("sums of amounts of money are amounts of money")
    }

    /// The part of an amount, in whole minor units, never more than the part.
    fn part(&self, label: &str, of: &Node, share: &Rational) -> Node {
        if *share == Rational::one() {
            return Node { label: label.to_owned(), ..of.clone() };
        }
        let share = Node::input("part of it", Unit::Percent, share.clone());
        let exact = self.computed("to the last decimal", Operation::Product, vec![of.clone(), share]);
        let decimals = self.who.currency.decimals();
        let operation = Operation::Round { decimals, rounding: Rounding::TowardZero };
        self.computed(label, operation, vec![exact])
    }

    fn pay(&self, lines: &[Line], settlement: &mut Settlement) {
        let currency = &self.who.currency;
        let opening = |account| self.books.balance(self.who, account);
        let sum = |pick: &dyn Fn(&Line) -> i128| lines.iter().map(pick).sum::<i128>();
        let is_clawback = |line: &Line| line.key.kind == Kind::Clawback;
        // What cancelled transactions take away is owed; when it is given back beyond that, it is paid.
        let mut clawed = sum(&|line| if is_clawback(line) { line.amounts.payable } else { 0 });
        // What this posting pays for the same thing was never paid: it is not owed, it is not earned (E27 limits what is
        // taken from pay, not what is paid at all).
        let unpaid: Vec<(String, i128)> = lines
            .iter()
            .filter(|line| is_clawback(line) && line.amounts.payable < 0)
            .filter_map(|line| {
                let same = |other: &&Line| other.key == Key { kind: Kind::Earning, ..line.key.clone() };
                let now = lines.iter().find(same)?.amounts.payable;
                let part = now.min(-line.amounts.payable);
                (part > 0).then(|| (format!("{}, not paid before", line.trace.label), -part))
            })
            .collect();
        clawed -= unpaid.iter().map(|(_, part)| part).sum::<i128>();
        let owed_clawback = (opening(Account::Clawback) + clawed).min(0);
        let given_back = (opening(Account::Clawback) + clawed).max(0);
        let mut parts: Vec<Node> = Vec::new();
        // What a cap carries is no pay yet; where it is paid, the component's own line says so.
        let is_capped = |line: &Line| line.key.kind == Kind::Capped;
        for line in lines.iter().filter(|line| !is_clawback(line) && !is_capped(line)) {
            let label = line.released.as_ref().map_or(&line.trace.label, |released| &released.label);
            parts.push(self.input(label.clone(), line.amounts.payable));
        }
        parts.extend(unpaid.iter().map(|(label, part)| self.input(label.clone(), *part)));
        if given_back != 0 {
            parts.push(self.input("clawbacks given back", given_back));
        }
        // What is owed is deducted at once. What was kept under the minimum makes up for negative pay; else it is added at the
        // end, so that nothing is recovered from it a second time.
        let before = opening(Account::Carried);
        let is_negative = parts.iter().map(|part| &part.value).sum::<Rational>().is_negative();
        let kept = before > 0 && !is_negative;
        if before < 0 {
            parts.push(self.input("negative pay carried from before", before));
        } else if before > 0 && is_negative {
            parts.push(self.input(KEPT, before));
        }
        let due = self.computed("payable", Operation::Sum, parts);
        let mut carried = self.units(&due).min(0);
        let mut payment = due.clone();
        if due.value.is_negative() {
            let zero = self.input("a payment is not negative", 0);
            payment =
                self.computed("at least zero; the rest is carried", Operation::Maximum, vec![due, zero]);
        }
        let available = payment.clone();
        let mut draw = opening(Account::Draw);
        let mut above = available.clone();
        if let Some(floor) = &self.terms.floor {
            above = self.computed("above the draw", Operation::Slice, vec![available.clone(), floor.clone()]);
            payment = self.computed(
                "at least the draw",
                Operation::Maximum,
                vec![available.clone(), floor.clone()],
            );
            draw -= self.units(&payment) - self.units(&available);
        }
        let mut recovered = self.input("draw recovered", 0);
        if draw < 0 && above.value.is_positive() && !self.terms.recovery.is_zero() {
            let owed = self.input("draw owed", -draw);
            let most = self.part("recovered at most", &above, &self.terms.recovery);
            recovered = self.computed("draw recovered", Operation::Minimum, vec![owed, most]);
            draw += self.units(&recovered);
            payment = self.computed(
                "after recovery of draws",
                Operation::Difference,
                vec![payment, recovered.clone()],
            );
        }
        let mut clawback = owed_clawback;
        if clawback < 0 && above.value > recovered.value && !self.terms.limit.is_zero() {
            let owed = self.input("clawbacks owed", -clawback);
            let most = self.part("most of the pay that is taken", &available, &self.terms.limit);
            let left = self.computed("left", Operation::Difference, vec![above, recovered]);
            let taken = self.computed("clawback recovered", Operation::Minimum, vec![owed, most, left]);
            clawback += self.units(&taken);
            payment =
                self.computed("after recovery of clawbacks", Operation::Difference, vec![payment, taken]);
        }
        if kept {
            let children = vec![payment, self.input(KEPT, before)];
            payment = self.computed("with what was carried", Operation::Sum, children);
        }
        if let Some(minimum) = &self.terms.minimum
            && payment.value.is_positive()
            && payment.value < minimum.value
        {
            carried += self.units(&payment);
            let label = "nothing under the minimum payment; it is carried";
            let children = vec![payment.clone(), payment, minimum.clone()];
            payment = self.computed(label, Operation::WhenReached, children);
        }
        let waiting = |line: &Line| line.amounts.earned - line.amounts.payable;
        let held = opening(Account::Held) + sum(&|line| if is_capped(line) { 0 } else { waiting(line) });
        let capped = opening(Account::Capped) + sum(&|line| if is_capped(line) { waiting(line) } else { 0 });
        let closing = [
            (Account::Held, held),
            (Account::Carried, carried),
            (Account::Draw, draw),
            (Account::Clawback, clawback),
            (Account::Capped, capped),
        ];
        for (account, closing) in closing {
            let opening = opening(account);
            if opening != 0 || closing != 0 {
                let who = self.who.clone();
                settlement.movements.push(Movement { who, account, opening, change: closing - opening });
            }
        }
        let label = format!("payment to {}, {}, {}", self.who.payee, self.name, currency.code());
        let amount = self.units(&payment);
        settlement.payments.push(Payment { who: self.who.clone(), amount, trace: Node { label, ..payment } });
    }
}
