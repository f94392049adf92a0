//! What is booked: amounts by key, balances by account, and what was paid.

use std::collections::BTreeMap;

use crate::ground::id::PayeeId;
use crate::ground::money::Currency;

use super::Settlement;

/// Whose money, in which currency. Balances and payments are kept for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The person.
    pub payee: PayeeId,
    /// The currency.
    pub currency: Currency,
}

/// What an amount is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A line of a plan: a component, its cap, its guarantee.
    Earning,
    /// What cancelled transactions take away.
    Clawback,
    /// Held parts that a leaver does not get (E22).
    Forfeit,
    /// An adjustment by hand.
    Adjustment,
    /// What a cap carries over to later periods, or pays of that or lets lapse.
    Capped,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 5] = [Self::Earning, Self::Clawback, Self::Forfeit, Self::Adjustment, Self::Capped];

    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Earning => "earning",
            Self::Clawback => "clawback",
            Self::Forfeit => "forfeit",
            Self::Adjustment => "adjustment",
            Self::Capped => "capped",
        }
    }
}

/// What an entitlement is for: the lines of all postings with one key add up to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Whose.
    pub who: Who,
    /// Index of the leaf period that it is for.
    pub origin: usize,
    /// What it is for.
    pub kind: Kind,
    /// The plan; empty for adjustments.
    pub plan: String,
    /// The component, or the number of the adjustment.
    pub component: String,
}

/// Minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Earned.
    pub earned: i128,
    /// Payable by now; the rest is held.
    pub payable: i128,
}

/// A balance of a payee. Above zero the company owes it, below zero the payee does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Earned, and waiting for its event.
    Held,
    /// Negative pay of earlier periods (E8); above zero, what was under the minimum payment.
    Carried,
    /// Draws that were advanced and not yet recovered.
    Draw,
    /// Clawbacks not yet recovered.
    Clawback,
    /// Above a cap that carries: paid in later periods of the year that have room, or lost at its end.
    Capped,
}

impl Account {
    /// Every account, in order.
    pub const ALL: [Self; 5] = [Self::Held, Self::Carried, Self::Draw, Self::Clawback, Self::Capped];

    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Carried => "carried",
            Self::Draw => "draw",
            Self::Clawback => "clawback",
            Self::Capped => "capped",
        }
    }
}

/// Everything that was booked so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// By key: the sum of its lines.
    pub posted: BTreeMap<Key, Amounts>,
    /// Balances.
    pub balances: BTreeMap<(Who, Account), i128>,
    /// Payments.
    pub paid: BTreeMap<Who, i128>,
}

impl Books {
    /// Books a settlement.
    pub fn book(&mut self, settlement: &Settlement) {
        for line in &settlement.lines {
            let sum = self.posted.entry(line.key.clone()).or_default();
            sum.earned += line.amounts.earned;
            sum.payable += line.amounts.payable;
        }
        for movement in &settlement.movements {
            *self.balances.entry((movement.who.clone(), movement.account)).or_default() += movement.change;
        }
        for payment in &settlement.payments {
            *self.paid.entry(payment.who.clone()).or_default() += payment.amount;
        }
    }

    /// A balance.
    #[must_use]
    pub fn balance(&self, who: &Who, account: Account) -> i128 {
        self.balances.get(&(who.clone(), account)).copied().unwrap_or(0)
    }
}
