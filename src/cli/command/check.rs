//! `spm check`: every fault of the project, its plans and its extracts at once.

use spm_core::ground::diagnostic::{Code, Diagnostic, Severity, Sink};
use spm_core::ground::period::DateRange;
use spm_core::ground::source::Place;
use spm_core::plan::Plan;
use spm_core::plan::contract::CONTRACTS;
use spm_frame::convert;
use spm_frame::credit_gaps;
use spm_frame::enrol;
use spm_frame::gaps;
use spm_frame::load::{self, Need};
use spm_frame::people;
use spm_frame::references::{EVENTS, check_cancelled_before, check_events};
use spm_frame::refund_gaps;
use spm_frame::table::Table;
use spm_frame::write::Builder;

use crate::cli::command::{comp, forecast, payout, potential, quotas, territories};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command, project};
use crate::report::table::Format;

/// Up to how many transactions are looked through for what only all of them can tell, such as a `where` that none satisfies.
const LOOKED_THROUGH: usize = 1_000_000;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Check the texts only (spm.toml and plans), without reading any data
    #[arg(long)]
    plans_only: bool,
}

/// Checks; exit code 1 when there is a fault.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let mut sink = Sink::default();
    let opened = project::open_into(global, &mut sink)?;
    let mut summary = Vec::new();
    if let Some(opened) = &opened {
        warn_idle(opened, &mut sink);
    }
    if let (Some(opened), false) = (&opened, arguments.plans_only) {
        ui.step("reading extracts");
        let names: Vec<&str> = CONTRACTS.iter().map(|contract| contract.name).collect();
        // Transactions are checked and counted, not held.
        let start = opened.project.calendar.range().from;
        let days = Some(DateRange { from: start, to: start });
        let need = Need { tables: &names, own: None, days, as_of: None };
        let tables = load::load(opened.folders(), &opened.project, &need, &mut sink);
        opened.warn_of_other_plans(&tables, &need, &mut sink);
        let holders = quotas::check(opened, &tables, &mut sink);
        territories::check(opened, &tables, &mut sink);
        people::check_quotas(&tables, &opened.project.calendar, &holders, &mut sink);
        people::check_managers(&tables, &mut sink);
        let handed = opened.project.ledger.columns_of_reps();
        people::handed_over(&tables, &handed).into_iter().for_each(|fault| sink.push(fault));
        let plans = comp::plans(opened);
        gaps::check_events_awaited(&plans, &tables, &mut sink);
        convert::check_periods(&tables, &opened.project.calendar, &mut sink);
        let has = |name: &str| tables.get("transactions").is_some_and(|table| table.column(name).is_some());
        let currencies = has("currency") || plans.iter().any(|plan| plan.pay_currency.is_some());
        let small = (1..=LOOKED_THROUGH).contains(&tables.rows("transactions")) && !plans.is_empty();
        let models =
            opened.plans.iter().any(|(_, plan)| matches!(plan, Plan::Forecast(_) | Plan::Potential(_)));
        if has("refund_of")
            || currencies
            || models
            || small
            || EVENTS.iter().any(|name| tables.rows(name) > 0)
        {
            // Whether their transactions exist, and for how long, can be seen in all of them only. Other faults were told above.
            let whole = Need { tables: &["transactions", "splits"], own: None, days: None, as_of: None };
            let transactions = load::load(opened.folders(), &opened.project, &whole, &mut Sink::default());
            check_events(&tables, &transactions, &mut sink);
            check_cancelled_before(&tables, &transactions, &mut sink);
            credit_gaps::check(&plans, &transactions, &mut sink);
            refund_gaps::check(&plans, &transactions, &opened.project.calendar, &mut sink);
            let transactions = transactions.beside(&tables);
            if currencies || small {
                payout::check_transactions(opened, &transactions, &mut sink);
            }
            if models && !sink.has_errors() {
                forecast::check(opened, &transactions, &mut sink);
                potential::check(opened, &transactions, &mut sink);
            }
        }
        let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
        enrol::check(&tables, &ids, &mut sink);
        payout::check_credits(opened, &tables, &mut sink);
        for plan in plans {
            gaps::check(plan, &tables, &opened.project.calendar, &mut sink);
        }
        for (name, table) in &tables.tables {
            let rows = match tables.rows_before_where(&opened.project, name) {
                Some(all) => format!("{} of {all} rows (where)", tables.rows(name)),
                None => format!("{} rows", tables.rows(name)),
            };
            summary.push((*name, rows, table.columns.len()));
        }
        if !global.dry_run {
            opened.write_rejects(&tables)?;
        }
        let rejects = tables.rejected();
        if rejects > 0 {
            ui.status(&project::unusable(rejects, global));
        }
    }
    if global.format == Format::Table && global.output.is_none() {
        let line =
            |(name, rows, columns): &(&str, String, usize)| format!("{name}: {rows}, {columns} columns\n");
        ui.data(&summary.iter().map(line).collect::<String>())?;
    } else {
        command::finish(&faults(&sink)?, "spm.check/1", global, ui)?;
    }
    if sink.has_errors() {
        return Err(Failure::Faults(sink, exit::NO));
    }
    ui.notices(&sink);
    let plans = opened.map_or(0, |opened| opened.plans.len());
    ui.status(&format!("no faults in spm.toml and {plans} plan(s)"));
    Ok(exit::DONE)
}

/// The faults as a table, for those who show them elsewhere; how many more there are of a code is a row of its own.
fn faults(sink: &Sink) -> std::io::Result<Table> {
    let severity = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = |fault: &Diagnostic| fault.labels.first().map(|label| label.place.short());
    let more = sink.more().iter().map(|((code, file), count)| {
        let message = format!("{count} more of these");
        (severity(Severity::Error), code.name(), Some(file.clone()), message, None)
    });
    let told = sink.faults().iter().map(|fault| {
        (severity(fault.severity), fault.code.name(), place(fault), fault.message.clone(), fault.hint.clone())
    });
    let rows: Vec<_> = told.chain(more).collect();
    Builder::default()
        .text("severity", rows.iter().map(|row| Some(row.0)))
        .text("code", rows.iter().map(|row| Some(row.1)))
        .text("place", rows.iter().map(|row| row.2.as_ref()))
        .text("message", rows.iter().map(|row| Some(&row.3)))
        .text("hint", rows.iter().map(|row| row.4.as_ref()))
        .table()
}

/// Warns of a project without plans, and of plans whose days lie outside of the calendar.
fn warn_idle(opened: &Opened, sink: &mut Sink) {
    // A plan with faults is not in the list, and was told of.
    if opened.plans.is_empty() && !sink.has_errors() {
        let fault =
            Diagnostic::warning(Code::SPM404, "the project has no plans: no file matches plans/*.toml");
        let fault = fault.at(Place::File("spm.toml".to_owned()), "");
        sink.push(fault.hint(
            "add one, or say in `plans` where they are; `spm schema comp --format markdown` has the keys",
        ));
    }
    let calendar = opened.project.calendar.range();
    for plan in comp::plans(opened).into_iter().filter(|plan| plan.effective.intersect(&calendar).is_none()) {
        let message = format!(
            "plan `{}` never applies: it is effective from {} to {}, the calendar runs from {} to {}",
            plan.id, plan.effective.from, plan.effective.to, calendar.from, calendar.to
        );
        let place = plan.credits.first().map_or(Place::File("spm.toml".to_owned()), |credit| {
            Place::File(credit.place.source.path().to_owned())
        });
        let fault = Diagnostic::warning(Code::SPM302, message).at(place, "");
        sink.push(fault.hint("correct `effective`, or lengthen the calendar"));
    }
}
