//! What the transactions of an extract, taken together, say about a plan, told by `spm check`.

use std::collections::BTreeSet;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::source::Place;
use spm_core::plan::comp::{CompPlan, CreditRule, Direct, Pay, Recipient, Schedule, TierMode, Window};

use crate::intake::place;
use crate::load::Tables;
use crate::planning::flags;
use crate::refund_gaps::is_plain;
use crate::table::Table;

/// Warns of credits that nothing satisfies, of roles that no split has, of lines that are rated apart, and of refunds that drop
/// a whole period to a lower rate (E6). `transactions` has to be held whole, with its splits.
pub fn check(plans: &[&CompPlan], transactions: &Tables, sink: &mut Sink) {
    let Some(table) = transactions.get("transactions") else { return };
    for plan in plans {
        for rule in &plan.credits {
            check_where(rule, table, sink);
            check_role(rule, transactions, sink);
        }
        check_lines(plan, table, sink);
        check_cliffs(plan, table, sink);
    }
}

fn check_where(rule: &CreditRule, table: &Table, sink: &mut Sink) {
    let Some(condition) = &rule.condition else { return };
    // A fault of the expression is told where it is used.
    let Ok(holds) = flags(table, condition, &rule.place) else { return };
    if holds.is_empty() || holds.contains(&true) {
        return;
    }
    let message = format!(
        "credit `{}` has nothing: none of {} transactions satisfies its `where`",
        rule.name,
        holds.len()
    );
    let fault = Diagnostic::warning(Code::SPM404, message).at(Place::Text(rule.place.clone()), "");
    sink.push(fault.hint("look for another spelling in the extract: texts are compared as they are written"));
}

fn check_role(rule: &CreditRule, tables: &Tables, sink: &mut Sink) {
    let (Recipient::Direct(direct) | Recipient::Managers { of: direct, .. }) = &rule.recipient;
    let (Direct::Splits(Some(role)) | Direct::Overlays(Some(role))) = direct else { return };
    let Some(splits) = tables.get("splits").filter(|splits| splits.frame.height() > 0) else { return };
    let roles: BTreeSet<&str> =
        splits.texts("role").into_iter().flat_map(|roles| roles.iter().flatten()).collect();
    if roles.contains(role.as_str()) {
        return;
    }
    let message = format!("credit `{}` has nothing: no split has the role `{role}`", rule.name);
    let fault = Diagnostic::warning(Code::SPM404, message).at(Place::Text(rule.place.clone()), "");
    let alike = roles.iter().copied().find(|own| own.eq_ignore_ascii_case(role));
    sink.push(fault.hint(match alike.or_else(|| suggestion(role, roles.iter().copied())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if roles.is_empty() => "map `role` in [sources.splits]".to_owned(),
        None => format!("the roles are: {}", roles.iter().copied().collect::<Vec<_>>().join(", ")),
    }));
}

/// Lines of one transaction are single transactions for windows of them and for caps.
fn check_lines(plan: &CompPlan, table: &Table, sink: &mut Sink) {
    let apart = |window: Window| window == Window::Transaction;
    let Some(component) = plan.components.iter().find(|own| apart(own.window) && !is_plain(own)) else {
        return;
    };
    let (Some(ids), Some(_)) = (table.texts("transaction_id"), table.texts("line_id")) else { return };
    // The table is in the order of its key.
    let next = ids.iter().skip(1).enumerate();
    let same: Vec<usize> =
        next.zip(ids.iter()).filter(|((_, next), one)| next == one).map(|((row, _), _)| row).collect();
    let Some(row) = same.first() else { return };
    let named: BTreeSet<&str> = same.iter().filter_map(|row| ids.get(*row)).collect();
    let message = format!(
        "{} transaction(s) have several lines, such as {}, and `{}` rates each line on its own",
        named.len(),
        ids.get(*row).unwrap_or_default(),
        component.name
    );
    let fault = Diagnostic::warning(Code::SPM413, message)
        .at(Place::Text(component.place.clone()), "")
        .at(place(table, *row, Some("line_id")), "the first of them");
    sink.push(fault.hint(
        "bring lines to one row for each order in the extract, if bands and caps are meant for orders",
    ));
}

/// A refund that leads below a boundary of a rate for everything takes back the difference on all of it.
fn check_cliffs(plan: &CompPlan, table: &Table, sink: &mut Sink) {
    let is_whole =
        |schedule: &Schedule| matches!(schedule, Schedule::Tiers(tiers) if tiers.mode == TierMode::Whole);
    let component = plan.components.iter().find(|component| {
        let schedule = match &component.pay {
            Pay::PerUnit(schedule) | Pay::TargetShare { schedule, .. } => schedule,
            _ => return false,
        };
        component.window != Window::Transaction && is_whole(schedule)
    });
    let (Some(component), Some(refunds)) = (component, table.texts("refund_of")) else { return };
    let Some(row) = refunds.iter().position(|of| of.is_some()) else { return };
    let message = format!(
        "`{}` pays one rate for everything, and {} refund(s) are in transactions: one that leads below a boundary lowers the rate of all that was sold in its window",
        component.name,
        refunds.len() - refunds.null_count()
    );
    let fault = Diagnostic::warning(Code::SPM413, message)
        .at(Place::Text(component.place.clone()), "")
        .at(place(table, row, Some("refund_of")), "the first of them");
    sink.push(
        fault.hint("nothing to do if that is meant; with mode = \"marginal\" each band keeps its own rate"),
    );
}
