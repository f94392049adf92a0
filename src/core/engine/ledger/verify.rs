//! An independent check of what is booked: sums only, none of the rules that made it.

use std::collections::BTreeMap;

use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation};

use super::{Account, Books, Entitlements, Key, Settlement, Who};

/// Checks a settlement against the books before it and what is entitled: one fault for each disagreement.
pub fn settlement(
    before: &Books,
    entitled: &Entitlements,
    settlement: &Settlement,
) -> Result<(), Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let mut after = before.clone();
    after.book(settlement);
    for (key, entitlement) in entitled.iter().filter(|(key, _)| key.origin <= settlement.period) {
        let booked = after.posted.get(key).copied().unwrap_or_default();
        if booked != entitlement.amounts {
            faults.push(format!(
                "{} is booked with {} and {} minor units, entitled are {} and {}",
                text(key),
                booked.earned,
                booked.payable,
                entitlement.amounts.earned,
                entitlement.amounts.payable
            ));
        }
    }
    for (key, booked) in after.posted.iter().filter(|(key, _)| !entitled.contains_key(key)) {
        if booked.earned != 0 || booked.payable != 0 {
            faults.push(format!("{} is booked with {} and not entitled", text(key), booked.earned));
        }
    }
    for line in &settlement.lines {
        let exact = Rational::from_scaled(line.amounts.earned, line.key.who.currency.decimals());
        if line.trace.value != exact {
            faults.push(format!("the explanation of {} ends in {}", text(&line.key), line.trace.value));
        }
        faults.extend(wrong(&line.trace).into_iter().chain(line.released.as_ref().and_then(wrong)));
    }
    for payment in &settlement.payments {
        let exact = Rational::from_scaled(payment.amount, payment.who.currency.decimals());
        if payment.trace.value != exact || payment.amount < 0 {
            faults.push(format!("the payment to {} is {}", payment.who.payee, payment.amount));
        }
        faults.extend(wrong(&payment.trace));
    }
    for movement in &settlement.movements {
        if movement.opening != before.balance(&movement.who, movement.account) {
            let account = movement.account.name();
            faults.push(format!("the balance {account} of {} opens wrong", movement.who.payee));
        }
    }
    faults.extend(books(&after));
    let faults: Vec<Diagnostic> =
        faults.into_iter().map(|message| Diagnostic::error(Code::SPM502, message)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Checks the invariant: payments + balances = entitlements for every payee and currency, and what a payee owes is never
/// above zero.
#[must_use]
pub fn books(books: &Books) -> Vec<String> {
    let mut sums: BTreeMap<&Who, (i128, i128, i128)> = BTreeMap::new();
    for (key, amounts) in &books.posted {
        sums.entry(&key.who).or_default().0 += amounts.earned;
    }
    for (who, paid) in &books.paid {
        sums.entry(who).or_default().1 += paid;
    }
    let mut faults = Vec::new();
    for ((who, account), balance) in &books.balances {
        sums.entry(who).or_default().2 += balance;
        let (most, least) = match account {
            Account::Held | Account::Carried => (i128::MAX, i128::MIN),
            Account::Capped => (i128::MAX, 0),
            Account::Draw | Account::Clawback => (0, i128::MIN),
        };
        if *balance > most {
            faults.push(format!("{} owes a balance {} of {balance} > 0", who.payee, account.name()));
        } else if *balance < least {
            faults.push(format!("{} has a balance {} of {balance} < 0", who.payee, account.name()));
        }
    }
    for (who, (entitled, paid, balance)) in sums {
        if paid + balance != entitled {
            faults.push(format!(
                "{} in {}: payments {paid} + balances {balance} are not the entitlements {entitled} (minor units)",
                who.payee, who.currency
            ));
        }
    }
    faults
}

fn text(key: &Key) -> String {
    format!("{} {} `{}` of {}", key.kind.name(), key.plan, key.component, key.who.payee)
}

/// The first node that its children do not give.
fn wrong(node: &Node) -> Option<String> {
    let follows = node.operation == Operation::Input
        || node.operation.evaluate(&node.children).as_ref() == Some(&node.value);
    if follows {
        node.children.iter().find_map(wrong)
    } else {
        Some(format!("the node `{}` does not follow from its children", node.label))
    }
}
