//! The result tables of a commission run.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;
use spm_core::engine::comp::{Amounts, Cell, Earning, Earnings, LineOf, Payout};
use spm_core::ground::id::PayeeId;
use spm_core::ground::money::{Currency, Money};
use spm_core::ground::rational::Rational;
use spm_core::ground::trace::Node;
use spm_core::plan::comp::{Aggregate, CompPlan};
use spm_core::plan::project::Project;
use spm_frame::credit::Credited;
use spm_frame::rows;
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::ledger::units;

/// What one plan pays, with what it rests on.
#[derive(Debug)]
pub struct Paid<'a> {
    /// The plan.
    pub plan: &'a CompPlan,
    /// Payees, credits and measurements.
    pub credited: Credited,
    /// Earnings.
    pub earnings: Earnings,
    /// What is paid, when the plan pays each payee in a currency of their own; else the lines are what is paid.
    pub payouts: Option<Vec<Payout>>,
    /// Earnings, credit by credit, when that was asked for.
    pub attribution: Option<Table>,
}

/// Every table of a run.
#[derive(Debug)]
pub struct Results {
    /// payee_id, period, currency, amount, held.
    pub payments: Table,
    /// plan_id, payee_id, period, component, measured, goal, attainment, currency, amount, payable.
    pub earnings: Table,
    /// plan_id, payee_id, period, component, event, currency, amount.
    pub releases: Table,
    /// plan_id, payee_id, measure, period, value.
    pub measurements: Table,
    /// plan_id, payee_id, period, component, node, parent, label, value, operation, clause.
    pub trace: Table,
    /// One row for each credit.
    pub credits: Table,
    /// plan_id, payee_id, period, component, transaction_id, line_id, event_date, credited, earned; empty unless it was
    /// asked for.
    pub attribution: Table,
    /// One row for each credit without a payee.
    pub unresolved: Table,
    /// Corrections of posted periods; empty when nothing is settled.
    pub deltas: Table,
    /// Balances; empty when nothing is settled.
    pub balances: Table,
}

impl Results {
    /// The tables of what all plans pay.
    pub fn of(project: &Project, paid: &[Paid<'_>]) -> io::Result<Self> {
        let (trace, rest) = rayon::join(
            || trace_table(project, paid),
            || -> io::Result<_> {
                Ok((
                    payments_table(project, paid)?,
                    earnings_table(project, paid)?,
                    releases_table(project, paid)?,
                    measurements_table(project, paid)?,
                ))
            },
        );
        let (payments, earnings, releases, measurements) = rest?;
        Ok(Self {
            payments,
            earnings,
            releases,
            measurements,
            trace: trace?,
            credits: rows::stacked(paid.iter().map(|part| &part.credited.credits))?,
            attribution: rows::stacked(paid.iter().filter_map(|part| part.attribution.as_ref()))?,
            unresolved: rows::stacked(paid.iter().map(|part| &part.credited.unresolved))?,
            deltas: Table::default(),
            balances: Table::default(),
        })
    }

    /// Names of files and their tables.
    pub fn files(&self) -> Vec<(&'static str, &Table)> {
        let mut files = vec![
            ("payments", &self.payments),
            ("earnings", &self.earnings),
            ("releases", &self.releases),
            ("measurements", &self.measurements),
            ("trace", &self.trace),
            ("credits", &self.credits),
            ("unresolved", &self.unresolved),
        ];
        if !self.attribution.columns.is_empty() {
            files.push(("attribution", &self.attribution));
        }
        for (name, table) in [("deltas", &self.deltas), ("balances", &self.balances)] {
            if !table.columns.is_empty() {
                files.push((name, table));
            }
        }
        files
    }
}

/// Payee, period, currency, amount, held: the sum of the lines of every plan, payable at once and waiting for its event;
/// of plans that pay in the payees' currencies, what was converted.
fn payments_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    let mut sums: BTreeMap<(usize, &Currency, &PayeeId), (i128, i128)> = BTreeMap::new();
    let mut decimals = project.currency.decimals();
    for part in paid {
        decimals = decimals.max(part.plan.currency.decimals());
        let mut add = |period, payee: usize, currency, amount: i128, held: i128| {
            let sum = sums.entry((period, currency, &part.credited.payees[payee].id)).or_default();
            sum.0 += amount;
            sum.1 += held;
        };
        match &part.payouts {
            None => part.earnings.lines.iter().for_each(|line| {
                let held = line.amount.minor_units - line.payable.minor_units;
                add(line.period, line.payee, &part.plan.currency, line.payable.minor_units, held);
            }),
            Some(payouts) => payouts.iter().for_each(|payout| {
                decimals = decimals.max(payout.amount.currency.decimals());
                add(payout.period, payout.payee, &payout.amount.currency, payout.amount.minor_units, 0);
            }),
        }
    }
    let names = project.calendar.periods();
    let column = |pick: &dyn Fn(&(i128, i128)) -> i128| -> io::Result<Vec<Option<i64>>> {
        sums.iter().map(|((_, currency, _), sum)| units(pick(sum), currency.decimals(), decimals)).collect()
    };
    let table = Builder::default()
        .text("payee_id", sums.keys().map(|(_, _, payee)| Some(payee.as_str())))
        .text("period", sums.keys().map(|(period, _, _)| Some(names[*period].name.as_str())))
        .text("currency", sums.keys().map(|(_, currency, _)| Some(currency.code())))
        .number("amount", decimals, column(&|sum| sum.0)?)
        .number("held", decimals, column(&|sum| sum.1)?)
        .table()?;
    Ok(table)
}

/// Every line with the plan that it belongs to.
pub fn lines<'p>(paid: &'p [Paid<'_>]) -> Vec<(&'p Paid<'p>, &'p Earning)> {
    paid.iter().flat_map(|part| part.earnings.lines.iter().map(move |line| (part, line))).collect()
}

/// An exact number as text; kept as text in files, because a fraction such as 1/3 has no decimal form.
fn exact(value: &Rational) -> Option<String> {
    Some(value.to_string())
}

/// Decimals of a column that has amounts of all these plans: currencies differ.
fn most_decimals(project: &Project, paid: &[Paid<'_>]) -> u32 {
    paid.iter().map(|part| part.plan.currency.decimals()).fold(project.currency.decimals(), u32::max)
}

/// An amount in units of so many decimals.
fn shifted(amount: &Money, decimals: u32) -> io::Result<Option<i64>> {
    units(amount.minor_units, amount.currency.decimals(), decimals)
}

fn earnings_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    let names = project.calendar.periods();
    let lines = lines(paid);
    let decimals = most_decimals(project, paid);
    let amounts: Vec<Option<i64>> =
        lines.iter().map(|(_, line)| shifted(&line.amount, decimals)).collect::<Result<_, _>>()?;
    let payable: Vec<Option<i64>> =
        lines.iter().map(|(_, line)| shifted(&line.payable, decimals)).collect::<Result<_, _>>()?;
    let component = |part: &Paid<'_>, line: &Earning| line.of.name(part.plan).to_owned();
    let table = Builder::default()
        .text("plan_id", lines.iter().map(|(part, _)| Some(part.plan.id.as_str())))
        .text("payee_id", lines.iter().map(|(part, line)| Some(part.credited.payees[line.payee].id.as_str())))
        .text("period", lines.iter().map(|(_, line)| Some(names[line.period].name.as_str())))
        .text("component", lines.iter().map(|(part, line)| Some(component(part, line))))
        .text("measured", lines.iter().map(|(_, line)| exact(&line.measured)))
        .text("goal", lines.iter().map(|(_, line)| line.goal.as_ref().and_then(exact)))
        .text("attainment", lines.iter().map(|(_, line)| line.attainment.as_ref().and_then(exact)))
        .text("currency", lines.iter().map(|(part, _)| Some(part.plan.currency.code())))
        .number("amount", decimals, amounts)
        .number("payable", decimals, payable)
        .table()?;
    Ok(table)
}

/// Parts of earnings by the event that makes them payable.
fn releases_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    struct Part<'n> {
        plan: &'n CompPlan,
        payee: &'n str,
        line: &'n Earning,
        event: &'n str,
        units: Option<i64>,
    }
    let names = project.calendar.periods();
    let mut parts = Vec::new();
    for (part, line) in lines(paid) {
        let LineOf::Component(component) = line.of else { continue };
        for ((_, event), amount) in part.plan.components[component].releases.iter().zip(&line.releases) {
            parts.push(Part {
                plan: part.plan,
                payee: part.credited.payees[line.payee].id.as_str(),
                line,
                event,
                units: shifted(amount, most_decimals(project, paid))?,
            });
        }
    }
    let decimals = most_decimals(project, paid);
    let table = Builder::default()
        .text("plan_id", parts.iter().map(|part| Some(part.plan.id.as_str())))
        .text("payee_id", parts.iter().map(|part| Some(part.payee)))
        .text("period", parts.iter().map(|part| Some(names[part.line.period].name.as_str())))
        .text("component", parts.iter().map(|part| Some(part.line.of.name(part.plan))))
        .text("event", parts.iter().map(|part| Some(part.event)))
        .text("currency", parts.iter().map(|part| Some(part.plan.currency.code())))
        .number("amount", decimals, parts.iter().map(|part| part.units))
        .table()?;
    Ok(table)
}

/// Payee, measure, period and value of every measurement of the run's windows.
fn measurements_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    let names = project.calendar.periods();
    let cells: Vec<_> = paid
        .iter()
        .flat_map(|part| part.credited.measurements.iter().map(move |(cell, value)| (part, cell, value)))
        .collect();
    let value = |part: &Paid<'_>, cell: &Cell, amounts: &Amounts| {
        let count = Rational::from(amounts.count);
        match part.plan.measures[cell.measure].aggregate() {
            Aggregate::Sum => exact(&amounts.sum),
            Aggregate::Count => exact(&count),
            Aggregate::Average => exact(&amounts.sum.checked_div(&count)?),
            Aggregate::Largest => exact(amounts.largest.as_ref()?),
            Aggregate::Smallest => exact(amounts.smallest.as_ref()?),
        }
    };
    let table = Builder::default()
        .text("plan_id", cells.iter().map(|(part, _, _)| Some(part.plan.id.as_str())))
        .text(
            "payee_id",
            cells.iter().map(|(part, cell, _)| Some(part.credited.payees[cell.payee].id.as_str())),
        )
        .text(
            "measure",
            cells.iter().map(|(part, cell, _)| Some(part.plan.measures[cell.measure].name.as_str())),
        )
        .text("period", cells.iter().map(|(_, cell, _)| Some(names[cell.period].name.as_str())))
        .text("value", cells.iter().map(|(part, cell, amounts)| value(part, cell, amounts)))
        .table()?;
    Ok(table)
}

/// Every node of every explanation: the children of a node name it as their parent.
fn trace_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    /// Lines of one task.
    const TASK: usize = 4096;
    let mut all: Vec<Explained<'_>> = Vec::new();
    for part in paid {
        all.extend(part.earnings.lines.iter().map(|line| Explained {
            part,
            payee: line.payee,
            period: line.period,
            component: line.of.name(part.plan),
            trace: &line.trace,
        }));
        all.extend(part.payouts.iter().flatten().map(|payout| Explained {
            part,
            payee: payout.payee,
            period: payout.period,
            component: "payment",
            trace: &payout.trace,
        }));
    }
    let parts: Vec<Table> =
        all.par_chunks(TASK).map(|some| trace_rows(project, some)).collect::<io::Result<_>>()?;
    if parts.is_empty() {
        return trace_rows(project, &[]);
    }
    rows::stacked(parts.iter())
}

/// A line, or a payment that was converted, with its explanation.
struct Explained<'n> {
    part: &'n Paid<'n>,
    payee: usize,
    period: usize,
    component: &'n str,
    trace: &'n Node,
}

fn trace_rows(project: &Project, all: &[Explained<'_>]) -> io::Result<Table> {
    let names = project.calendar.periods();
    struct Row<'n> {
        of: &'n Explained<'n>,
        node: &'n Node,
        number: i64,
        parent: Option<i64>,
    }
    let mut rows: Vec<Row<'_>> = Vec::new();
    for of in all {
        let mut ancestors: Vec<i64> = Vec::new();
        let mut number = 0;
        of.trace.walk(&mut |node, depth| {
            ancestors.truncate(depth);
            rows.push(Row { of, node, number, parent: ancestors.last().copied() });
            ancestors.push(number);
            number += 1;
        });
    }
    // A clause is cited by many nodes: its text is made once.
    let mut clauses: BTreeMap<(&str, usize), String> = BTreeMap::new();
    for row in &rows {
        if let Some(clause) = &row.node.clause {
            clauses.entry((clause.source.path(), clause.span.start)).or_insert_with(|| clause.clause());
        }
    }
    let clause = |row: &Row<'_>| {
        let clause = row.node.clause.as_ref()?;
        clauses.get(&(clause.source.path(), clause.span.start)).cloned()
    };
    let table = Builder::default()
        .text("plan_id", rows.iter().map(|row| Some(row.of.part.plan.id.as_str())))
        .text("payee_id", rows.iter().map(|row| Some(row.of.part.credited.payees[row.of.payee].id.as_str())))
        .text("period", rows.iter().map(|row| Some(names[row.of.period].name.as_str())))
        .text("component", rows.iter().map(|row| Some(row.of.component)))
        .number("node", 0, rows.iter().map(|row| Some(row.number)))
        .number("parent", 0, rows.iter().map(|row| row.parent))
        .text("label", rows.iter().map(|row| Some(row.node.label.as_str())))
        .text("value", rows.iter().map(|row| Some(row.node.value.to_string())))
        .text("operation", rows.iter().map(|row| Some(row.node.operation.word())))
        .text("clause", rows.iter().map(clause))
        .table()?;
    Ok(table)
}
