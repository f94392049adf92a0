//! Payments in the currency of each payee (E31): made, checked, or refused where balances are settled.

use std::collections::BTreeSet;

use spm_core::engine::comp::{self, Earnings, Payout, Problem, verify};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::source::Place;
use spm_frame::convert::exchanges;
use spm_frame::credit::credit;
use spm_frame::load::Tables;
use spm_frame::unresolved;

use super::comp::{Depth, Quotas, plans, problem};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::report::commission::Paid;

/// What a plan pays in the currencies of its payees; `None` when it pays in its own, or when a fault is in the sink.
pub fn payouts(
    problem: &Problem<'_>,
    tables: &Tables,
    earnings: &Earnings,
    sink: &mut Sink,
) -> Result<Option<Vec<Payout>>, Failure> {
    if problem.plan.pay_currency.is_none() {
        return Ok(None);
    }
    let wanted = earnings.lines.iter().map(|line| (line.payee, line.period));
    let Some(exchanges) = exchanges(problem, tables, wanted, sink) else { return Ok(None) };
    match comp::payouts(problem, earnings, &exchanges) {
        Err(fault) => {
            sink.push(fault);
            Ok(None)
        }
        Ok(payouts) => match verify::verify_payouts(problem, earnings, &exchanges, &payouts) {
            Ok(()) => Ok(Some(payouts)),
            Err(faults) => {
                let mut sink = Sink::default();
                faults.into_iter().for_each(|fault| sink.push(fault));
                Err(Failure::Faults(sink, exit::BUG))
            }
        },
    }
}

/// What the credits of each plan need and the project does not have: tables, columns, people. Told without any transaction.
pub fn check_credits(opened: &Opened, tables: &Tables, sink: &mut Sink) {
    let calendar = &opened.project.calendar;
    for plan in plans(opened) {
        credit(plan, tables, calendar, 0..calendar.periods().len(), sink);
    }
}

/// Reports what credits of the whole calendar would need and not find: exchange rates, and people who can be credited. The
/// transactions have to be held whole; other faults of credits are told without them.
pub fn check_transactions(opened: &Opened, tables: &Tables, sink: &mut Sink) {
    let calendar = &opened.project.calendar;
    let all = 0..calendar.periods().len();
    let quotas = Quotas::new();
    for plan in plans(opened) {
        let mut found = Sink::default();
        let credited = credit(plan, tables, calendar, all.clone(), &mut found);
        let depth = Depth { deals: false, detail: false, since: 0 };
        if let Some(credited) = &credited {
            if let Some(fault) = unresolved::told(plan, credited, tables) {
                sink.push(fault);
            }
            let problem = problem(plan, &opened.project, all.clone(), credited, &quotas, depth);
            let wanted: BTreeSet<(usize, usize)> =
                credited.measurements.keys().map(|cell| (cell.payee, cell.period)).collect();
            exchanges(&problem, tables, wanted, &mut found);
        }
        // Without the table no credit can be converted.
        let no_table = |fault: &Diagnostic| {
            tables.get("rates").is_none()
                && fault.code == Code::SPM503
                && fault.message.contains("the table rates")
        };
        let rates = found.faults().iter().filter(|fault| fault.code == Code::SPM407 || no_table(fault));
        rates.for_each(|fault| sink.push(fault.clone()));
    }
}

/// Balances are kept in the currency of a plan: where they are settled, a plan that pays in another one is a fault.
pub fn refuse(paid: &[Paid<'_>]) -> Result<(), Failure> {
    let mut sink = Sink::default();
    for part in paid {
        let Some(place) = &part.plan.pay_currency else { continue };
        let message = format!(
            "{} pays in the payees' currencies, but a ledger or the table releases settles balances",
            part.plan.id
        );
        let fault = Diagnostic::error(Code::SPM410, message).at(Place::Text(place.clone()), "");
        sink.push(fault.hint("remove pay_currency and post in the plan's currency, or calculate in a project without ledger and releases"));
    }
    if sink.has_errors() { Err(Failure::Faults(sink, exit::INPUT)) } else { Ok(()) }
}
