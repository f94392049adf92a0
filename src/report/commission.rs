//! The result tables of a commission run.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;
use spm_core::engine::comp::{Amounts, Cell, Earning, Earnings, LineOf, Payout};
use spm_core::ground::money::Money;
use spm_core::ground::rational::Rational;
use spm_core::ground::trace::Node;
use spm_core::plan::comp::{Aggregate, CompPlan};
use spm_core::plan::project::Project;
use spm_frame::attribute::unattributed;
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
    /// True when there is nothing to tell of the plan.
    pub is_quiet: bool,
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

/// The tables of a run that are those of its plans below each other.
pub const TABLES: [&str; 7] =
    ["earnings", "releases", "measurements", "trace", "credits", "unresolved", "attribution"];

impl Results {
    /// The tables of what one plan pays.
    pub fn of(project: &Project, paid: &Paid<'_>) -> io::Result<Self> {
        let paid = std::slice::from_ref(paid);
        let (trace, rest) = rayon::join(
            || trace_table(project, paid),
            || -> io::Result<_> {
                Ok((
                    earnings_table(project, paid)?,
                    releases_table(project, paid)?,
                    measurements_table(project, paid)?,
                ))
            },
        );
        let (earnings, releases, measurements) = rest?;
        let [part] = paid else { return Err(io::Error::other("one plan")) };
        let payments = match &part.payouts {
            None => payable(project, &earnings)?,
            Some(payouts) => paid_out(project, part, payouts)?,
        };
        Ok(Self {
            payments,
            earnings,
            releases,
            measurements,
            trace: trace?,
            credits: part.credited.credits.clone(),
            attribution: attribution_table(project, part)?,
            unresolved: part.credited.unresolved.clone(),
            deltas: Table::default(),
            balances: Table::default(),
        })
    }

    /// The tables of one plan as an earlier run wrote them, by the names of [`TABLES`]. `None` when one of them is missing.
    pub fn of_tables(project: &Project, table: impl Fn(&str) -> Option<Table>) -> Option<Self> {
        let earnings = table("earnings")?;
        Some(Self {
            payments: payable(project, &earnings).ok()?,
            earnings,
            releases: table("releases")?,
            measurements: table("measurements")?,
            trace: table("trace")?,
            credits: table("credits")?,
            attribution: table("attribution")?,
            unresolved: table("unresolved")?,
            deltas: Table::default(),
            balances: Table::default(),
        })
    }

    /// The results of all plans: their tables below each other, their payments added up.
    pub fn together(project: &Project, parts: &[Self]) -> io::Result<Self> {
        let stacked = |pick: fn(&Self) -> &Table| rows::stacked(parts.iter().map(pick));
        Ok(Self {
            payments: summed(project, &parts.iter().map(|part| &part.payments).collect::<Vec<_>>())?,
            earnings: stacked(|part| &part.earnings)?,
            releases: stacked(|part| &part.releases)?,
            measurements: stacked(|part| &part.measurements)?,
            trace: stacked(|part| &part.trace)?,
            credits: stacked(|part| &part.credits)?,
            attribution: stacked(|part| &part.attribution)?,
            unresolved: stacked(|part| &part.unresolved)?,
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

/// Payee, period, currency, amount, held: what is payable at once of each line of a plan, and what waits for its event.
fn payable(project: &Project, earnings: &Table) -> io::Result<Table> {
    let units =
        |name: &str| earnings.numbers(name).ok_or_else(|| io::Error::other(format!("no column {name}")));
    let (all, payable) = (units("amount")?, units("payable")?);
    let text = |name: &str| {
        earnings.texts(name).into_iter().flat_map(|column| column.iter()).map(|text| text.map(str::to_owned))
    };
    let held = |(all, payable): (Option<i64>, Option<i64>)| all?.checked_sub(payable?);
    let decimals = earnings.decimals("amount");
    let lines = Builder::default()
        .text("payee_id", text("payee_id"))
        .text("period", text("period"))
        .text("currency", text("currency"))
        .number("amount", decimals, payable.iter())
        .number("held", decimals, all.iter().zip(payable.iter()).map(held))
        .table()?;
    summed(project, &[&lines])
}

/// As [`payable`], of a plan that pays in the payees' currencies.
fn paid_out(project: &Project, part: &Paid<'_>, payouts: &[Payout]) -> io::Result<Table> {
    let names = project.calendar.periods();
    let own = payouts.iter().map(|payout| payout.amount.currency.decimals());
    let decimals = own.fold(most_decimals(project, std::slice::from_ref(part)), u32::max);
    let amounts: Vec<Option<i64>> =
        payouts.iter().map(|payout| shifted(&payout.amount, decimals)).collect::<io::Result<_>>()?;
    let lines = Builder::default()
        .text("payee_id", payouts.iter().map(|payout| Some(part.credited.payees[payout.payee].id.as_str())))
        .text("period", payouts.iter().map(|payout| Some(names[payout.period].name.as_str())))
        .text("currency", payouts.iter().map(|payout| Some(payout.amount.currency.code())))
        .number("amount", decimals, amounts)
        .number("held", decimals, payouts.iter().map(|_| Some(0)))
        .table()?;
    summed(project, &[&lines])
}

/// Payments added up by period, currency and payee, in this order.
fn summed(project: &Project, parts: &[&Table]) -> io::Result<Table> {
    let all = rows::stacked(parts.iter().copied())?;
    let names = project.calendar.periods();
    let index: BTreeMap<&str, usize> =
        names.iter().enumerate().map(|(index, period)| (period.name.as_str(), index)).collect();
    let mut sums: BTreeMap<(usize, &str, &str), (i128, i128)> = BTreeMap::new();
    let texts = (all.texts("payee_id"), all.texts("period"), all.texts("currency"));
    if let ((Some(payees), Some(periods), Some(currencies)), Some(amounts), Some(held)) =
        (texts, all.numbers("amount"), all.numbers("held"))
    {
        for row in 0..all.frame.height() {
            let (Some(payee), Some(period), Some(currency)) =
                (payees.get(row), periods.get(row), currencies.get(row))
            else {
                continue;
            };
            let Some(period) = index.get(period) else { continue };
            let sum = sums.entry((*period, currency, payee)).or_default();
            sum.0 += i128::from(amounts.get(row).unwrap_or(0));
            sum.1 += i128::from(held.get(row).unwrap_or(0));
        }
    }
    let narrow = |value: i128| {
        i64::try_from(value).map(Some).map_err(|_| io::Error::other("a payment does not fit 64 bits"))
    };
    let amounts = sums.values().map(|sum| narrow(sum.0)).collect::<io::Result<Vec<_>>>()?;
    let held = sums.values().map(|sum| narrow(sum.1)).collect::<io::Result<Vec<_>>>()?;
    let decimals = all.decimals("amount").max(project.currency.decimals());
    Builder::default()
        .text("payee_id", sums.keys().map(|(_, _, payee)| Some(*payee)))
        .text("period", sums.keys().map(|(period, _, _)| Some(names[*period].name.as_str())))
        .text("currency", sums.keys().map(|(_, currency, _)| Some(*currency)))
        .number("amount", decimals, amounts)
        .number("held", decimals, held)
        .table()
}

/// Every line with the plan that it belongs to.
pub fn lines<'p>(paid: &'p [Paid<'_>]) -> Vec<(&'p Paid<'p>, &'p Earning)> {
    paid.iter().flat_map(|part| part.earnings.lines.iter().map(move |line| (part, line))).collect()
}

/// An exact number as text; kept as text in files, because a fraction such as 1/3 has no decimal form.
fn exact(value: &Rational) -> Option<String> {
    Some(value.to_string())
}

/// What the measure of a line has come to; nothing for lines without a measure of their own.
fn measured(part: &Paid<'_>, line: &Earning) -> Option<String> {
    let LineOf::Component(component) = line.of else { return None };
    part.plan.components[component].measure?;
    exact(&line.measured)
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
        .text("measured", lines.iter().map(|(part, line)| measured(part, line)))
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

/// What each credit earned, and what no credit alone has: both come to the earnings.
fn attribution_table(project: &Project, part: &Paid<'_>) -> io::Result<Table> {
    let Some(attribution) = &part.attribution else { return Ok(Table::default()) };
    let payees = &part.credited.payees;
    let rest = unattributed(part.plan, payees, &project.calendar, &part.earnings, attribution)?;
    rows::stacked([attribution, &rest].into_iter())
}

/// Payee, measure, period and value of every measurement of the run's windows: of each period; of a calculated measure what it
/// has come to at the end of the period.
fn measurements_table(project: &Project, paid: &[Paid<'_>]) -> io::Result<Table> {
    let names = project.calendar.periods();
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
    let mut cells: Vec<(&Paid<'_>, Cell, Option<String>)> = Vec::new();
    for part in paid {
        let own = part.credited.measurements.iter();
        cells.extend(own.map(|(cell, amounts)| (part, *cell, value(part, cell, amounts))));
        let calculated = part.earnings.calculated.iter();
        cells.extend(calculated.map(|(cell, value)| (part, *cell, exact(value))));
    }
    let table = Builder::default()
        .text("plan_id", cells.iter().map(|(part, ..)| Some(part.plan.id.as_str())))
        .text(
            "payee_id",
            cells.iter().map(|(part, cell, _)| Some(part.credited.payees[cell.payee].id.as_str())),
        )
        .text(
            "measure",
            cells.iter().map(|(part, cell, _)| Some(part.plan.measures[cell.measure].name.as_str())),
        )
        .text("period", cells.iter().map(|(_, cell, _)| Some(names[cell.period].name.as_str())))
        .text("value", cells.iter().map(|(_, _, value)| value.as_deref()))
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
