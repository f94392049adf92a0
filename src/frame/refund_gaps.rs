//! What refunds in the extracts would leave paid, or take back in another way than was paid, told by `spm check`.

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::{Calendar, epoch_day};
use spm_core::ground::source::Place;
use spm_core::plan::comp::{CompPlan, Component, Pay, Schedule, Window};

use crate::intake::place;
use crate::load::Tables;
use crate::planning::flags;
use crate::refunds::{Sale, in_one_year, sales};
use crate::table::Table;

/// Warns of refunds of transactions that do not exist, of those of somebody else's, and of those that a credit of what they
/// take back does not have: each leaves what was paid, or is rated on its own. Warns of refunds that take back more than there
/// was, too. `transactions` has to be held whole.
pub fn check(plans: &[&CompPlan], transactions: &Tables, calendar: &Calendar, sink: &mut Sink) {
    let Some(table) = transactions.get("transactions") else { return };
    let (Some(refunds), Some(ids)) = (table.texts("refund_of"), table.texts("transaction_id")) else {
        return;
    };
    let reps = table.texts("rep_id");
    let rep = |row: usize| reps.and_then(|reps| reps.get(row));
    // The rows of what refunds take back.
    let mut sold: BTreeMap<&str, Vec<usize>> =
        refunds.iter().flatten().map(|original| (original, vec![])).collect();
    for (row, id) in ids.iter().enumerate() {
        if let Some(rows) = id.and_then(|id| sold.get_mut(id)) {
            rows.push(row);
        }
    }
    let sales = sales(refunds, table, None);
    for plan in plans {
        check_left_out(plan, table, &sold, sink);
        check_after_end(plan, table, &sales, calendar, sink);
    }
    check_sums(table, sink);
    let (mut nowhere, mut others) = (vec![], vec![]);
    for (row, original) in refunds.iter().enumerate() {
        let Some(original) = original else { continue };
        let differs = |sold: &usize| rep(*sold).is_some() && rep(row).is_some() && rep(*sold) != rep(row);
        match sold.get(original).map(Vec::as_slice) {
            None | Some([]) => nowhere.push(row),
            Some(rows) if rows.iter().all(differs) => {
                others.push(row);
            }
            Some(_) => {}
        }
    }
    let id = |row: usize| ids.get(row).unwrap_or_default();
    let of = |row: usize| refunds.get(row).unwrap_or_default();
    if let Some(row) = nowhere.first() {
        let message = format!(
            "{} refund(s) are of transactions that are not in transactions, such as {} of `{}`",
            nowhere.len(),
            id(*row),
            of(*row)
        );
        let fault = Diagnostic::warning(Code::SPM109, message).at(place(table, *row, Some("refund_of")), "");
        sink.push(
            fault.hint("complete transactions, or correct the extract: such a refund counts on its own"),
        );
    }
    if let Some(row) = others.first() {
        let message = format!(
            "{} refund(s) take back what somebody else sold, such as {} of {}",
            others.len(),
            id(*row),
            of(*row)
        );
        let fault = Diagnostic::warning(Code::SPM109, message).at(place(table, *row, Some("rep_id")), "");
        sink.push(
            fault.hint("give the refund the rep of its transaction, unless the splits say who is credited"),
        );
    }
}

/// A credit whose `where` holds for a transaction, but not for a refund of it, goes on paying for it.
fn check_left_out(plan: &CompPlan, table: &Table, sold: &BTreeMap<&str, Vec<usize>>, sink: &mut Sink) {
    let (Some(refunds), Some(ids)) = (table.texts("refund_of"), table.texts("transaction_id")) else {
        return;
    };
    for rule in &plan.credits {
        let Some(condition) = &rule.condition else { continue };
        // A fault of the expression is told where it is used.
        let Ok(holds) = flags(table, condition, &rule.place) else { continue };
        let left_out = |(row, of): (usize, Option<&str>)| {
            let sold = *sold.get(of?)?.last()?;
            (holds[sold] && !holds[row]).then_some(row)
        };
        let left_out: Vec<usize> = refunds.iter().enumerate().filter_map(left_out).collect();
        let Some(row) = left_out.first() else { continue };
        let message = format!(
            "credit `{}` has transactions whose refunds it has not: {} refund(s) take nothing back from it, such as {} of {}",
            rule.name,
            left_out.len(),
            ids.get(*row).unwrap_or_default(),
            refunds.get(*row).unwrap_or_default()
        );
        let fault = Diagnostic::warning(Code::SPM109, message).at(Place::Text(rule.place.clone()), "");
        sink.push(fault.hint("let `where` hold for refunds too: ABS(amount) for a size, `refund_of IS NOT NULL OR ...` for a kind"));
    }
}

/// Refunds that give more, or take back more than was sold, or in another currency.
fn check_sums(table: &Table, sink: &mut Sink) {
    let (Some(refunds), Some(ids), Some(amounts)) =
        (table.texts("refund_of"), table.texts("transaction_id"), table.numbers("amount"))
    else {
        return;
    };
    let currencies = table.texts("currency");
    let currency = |row: usize| currencies.and_then(|all| all.get(row));
    // What is left of each transaction, by its identifier, and its currency.
    let mut sold: BTreeMap<&str, (i128, Option<&str>)> =
        refunds.iter().flatten().map(|of| (of, (0, None))).collect();
    for (row, id) in ids.iter().enumerate() {
        if let Some(own) = id.and_then(|id| sold.get_mut(id)) {
            own.0 += i128::from(amounts.get(row).unwrap_or(0));
            own.1 = own.1.or(currency(row));
        }
    }
    let mut told = [vec![], vec![], vec![]];
    for (row, of) in refunds.iter().enumerate() {
        let (Some(own), Some(amount)) = (of.and_then(|of| sold.get_mut(of)), amounts.get(row)) else {
            continue;
        };
        let positive = own.0 > 0;
        own.0 += i128::from(amount);
        if own.1 != currency(row) && own.1.is_some() {
            told[2].push(row);
        } else if positive && amount > 0 {
            told[0].push(row);
        } else if positive && own.0 < 0 {
            told[1].push(row);
        }
    }
    let what = [
        "refund(s) are above zero and so add to what they take back",
        "refund(s) take back more than was left of their transaction",
        "refund(s) are in another currency than their transaction",
    ];
    for (rows, what) in told.iter().zip(what) {
        let Some(row) = rows.first() else { continue };
        let (id, of) = (ids.get(*row).unwrap_or_default(), refunds.get(*row).unwrap_or_default());
        let message = format!("{} {what}, such as {id} of {of}", rows.len());
        let fault = Diagnostic::warning(Code::SPM110, message).at(place(table, *row, Some("amount")), "");
        sink.push(fault.hint(
            "correct the extract: a refund is below zero, and all refunds of a sale come to the sale at most",
        ));
    }
}

/// Refunds after a plan's last day of what it paid, which find no goal and no other sales there, and refunds of an earlier
/// fiscal year, which are rated on their own.
fn check_after_end(
    plan: &CompPlan,
    table: &Table,
    sales: &PlHashMap<&str, Sale<'_>>,
    calendar: &Calendar,
    sink: &mut Sink,
) {
    let (Some(refunds), Some(ids), Some(days)) =
        (table.texts("refund_of"), table.texts("transaction_id"), table.days("event_date"))
    else {
        return;
    };
    let rated = |wanted: &dyn Fn(&Component) -> bool| {
        plan.components.iter().find(|component| wanted(component) && !is_plain(component))
    };
    let anew = rated(&|component| matches!(component.window, Window::Period | Window::Rolling(_)));
    let single = rated(&|component| component.window == Window::Transaction);
    let (first, last) = (epoch_day(plan.effective.from), epoch_day(plan.effective.to));
    let (mut after, mut later) = (vec![], vec![]);
    for (row, (of, day)) in refunds.iter().zip(days.iter()).enumerate() {
        let (Some(sale), Some(day)) = (of.and_then(|of| sales.get(of)), day) else { continue };
        let sold = (first..last).contains(&sale.day);
        if in_one_year(calendar, sale.day, day) {
            if sold && day >= last && !plan.refunds_on_original {
                after.push(row);
            }
        } else if sold && (first..last).contains(&day) {
            later.push(row);
        }
    }
    let mut tell = |rows: &[usize], component: Option<&Component>, what: &str, hint: &str| {
        let (Some(row), Some(component)) = (rows.first(), component) else { return };
        let (id, of) = (ids.get(*row).unwrap_or_default(), refunds.get(*row).unwrap_or_default());
        let message = format!("{} refund(s), such as {id} of {of}, {what}", rows.len());
        let message = message.replace("PLAN", &plan.id).replace("COMPONENT", &component.name);
        let fault = Diagnostic::warning(Code::SPM109, message)
            .at(place(table, *row, Some("event_date")), "")
            .at(Place::Text(component.place.clone()), "this component");
        sink.push(fault.hint(hint));
    };
    tell(
        &after,
        anew,
        "come after the last day of plan `PLAN`, which paid for what they take back: `COMPONENT` rates them alone, and takes nothing back where it needs a goal",
        "refunds = \"original\" counts them in the period of the sale",
    );
    tell(
        &later,
        single,
        "are of an earlier fiscal year: `COMPONENT` rates them on their own, which need not be what the sale earned",
        "an adjustment in the ledger settles the difference; a plain rate has none",
    );
}

/// Whether every amount is paid at one rate, so that a refund alone takes back what its sale earned.
pub(crate) fn is_plain(component: &Component) -> bool {
    matches!(&component.pay, Pay::PerUnit(Schedule::Flat(_)))
        && component.threshold.is_none()
        && component.gates.is_empty()
        && component.cap.is_none()
        && component.budget.is_none()
}
