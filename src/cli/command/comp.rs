//! `spm comp`: commission, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use spm_core::engine::comp::{self, Earning, Earnings, Problem, verify};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::ground::trace::{Node, Operation, Unit};
use spm_core::plan::Plan;
use spm_core::plan::comp::CompPlan;
use spm_core::plan::project::Project;
use spm_frame::credit::{self, Credited};
use spm_frame::load::Tables;
use spm_frame::quota::quotas;
use spm_frame::rows;
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::explain;
use crate::report::table::{Format, render};

/// Commission commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Calculate commission for one or more periods
    #[command(
        after_help = "Examples:\n  spm comp run --period P1\n  spm comp run --period 2027-Q1 --format csv > payments.csv\n  spm comp run --period P1..P3 --output payments.xlsx"
    )]
    Run {
        /// A period, a quarter or year (2027-Q1), or a range (P1..P3)
        #[arg(long)]
        period: String,
    },
    /// Explain what one person is paid, down to the rows of the extract
    #[command(after_help = "Example:\n  spm comp explain --rep 275 --period P5 --component commission")]
    Explain {
        /// The person
        #[arg(long)]
        rep: String,
        /// A period, or a range
        #[arg(long)]
        period: String,
        /// Only this component
        #[arg(long)]
        component: Option<String>,
        /// List at most this many credits of each component
        #[arg(long, default_value_t = 20)]
        rows: usize,
    },
}

/// The result of one plan.
struct Paid<'a> {
    plan: &'a CompPlan,
    credited: Credited,
    earnings: Earnings,
}

/// The tables that the command reads.
pub const TABLES: [&str; 6] = ["accounts", "assignments", "quotas", "reps", "splits", "transactions"];

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    match command {
        Command::Run { period } => {
            let tables = opened.load(&TABLES, None, global, ui)?;
            let payments = pay(&opened, &tables, period, global, ui)?;
            command::finish(&payments, "spm.payments/1", global, ui)?;
            Ok(exit::DONE)
        }
        Command::Explain { rep, period, component, rows } => {
            let periods = opened.periods(period)?;
            let tables = opened.load(&TABLES, None, global, ui)?;
            explain_rep(
                &opened,
                &tables,
                &periods,
                &Question { rep, component: component.as_deref(), rows: *rows },
                global,
                ui,
            )
        }
    }
}

/// Calculates and writes the results of a period; returns the payments.
pub fn pay(
    opened: &Opened,
    tables: &Tables,
    period: &str,
    global: &Global,
    ui: &Ui,
) -> Result<Table, Failure> {
    let periods = opened.periods(period)?;
    let paid = calculate(opened, tables, &periods, ui)?;
    let payments = payments_table(opened, &paid, &periods)?;
    if !global.dry_run {
        ui.step("writing results");
        let folder = opened.root.join("out/comp").join(period.replace("..", "-to-"));
        write_run(opened, tables, &paid, &payments, &folder)?;
        ui.status(&format!("wrote {} ({} payments)", folder.display(), payments.frame.height()));
    }
    Ok(payments)
}

fn calculate<'a>(
    opened: &'a Opened,
    tables: &Tables,
    periods: &Range<usize>,
    ui: &Ui,
) -> Result<Vec<Paid<'a>>, Failure> {
    let project = &opened.project;
    let plans = opened.plans_of(|plan| if let Plan::Comp(plan) = plan { Some(plan.as_ref()) } else { None });
    if plans.is_empty() {
        return Err(Failure::input("the project has no plan with kind = \"comp\"; add one under plans/"));
    }
    let mut sink = Sink::default();
    let quotas = quotas(tables, &project.calendar, &mut sink);
    let mut paid = Vec::new();
    for plan in plans {
        ui.step(&format!("calculating {}", plan.title));
        if let Some(part) = calculate_plan(plan, project, tables, periods, &quotas, &mut sink)? {
            paid.push(part);
        }
    }
    if sink.has_errors() {
        return Err(Failure::Faults(sink, exit::INPUT));
    }
    ui.notices(&sink);
    Ok(paid)
}

fn calculate_plan<'a>(
    plan: &'a CompPlan,
    project: &Project,
    tables: &Tables,
    periods: &Range<usize>,
    quotas: &BTreeMap<(PayeeId, String, usize), Rational>,
    sink: &mut Sink,
) -> Result<Option<Paid<'a>>, Failure> {
    let all = project.calendar.periods();
    // A year-to-date measure looks back to the start of its year.
    let first = (0..=periods.start)
        .rev()
        .take_while(|index| all[*index].year == all[periods.start].year)
        .last()
        .unwrap_or(periods.start);
    let Some(credited) = credit::credit(plan, tables, &project.calendar, first..periods.end, sink) else {
        return Ok(None);
    };
    let unresolved = credited.unresolved.frame.height();
    if unresolved > 0 {
        let fault = Diagnostic::warning(
            Code::SPM403,
            format!("{unresolved} credit(s) of plan `{}` have no payee", plan.id),
        );
        sink.push(fault.hint("they are listed with their reason in unresolved.parquet"));
    }
    let active: Vec<usize> =
        periods.clone().filter(|index| all[*index].range.intersect(&plan.effective).is_some()).collect();
    let range = active.first().copied().unwrap_or(periods.start)
        ..active.last().map_or(periods.start, |last| last + 1);
    let problem = Problem {
        plan,
        calendar: &project.calendar,
        periods: range,
        payees: &credited.payees,
        measurements: &credited.measurements,
        quotas,
    };
    let earnings = match comp::earn(&problem) {
        Ok(earnings) => earnings,
        Err(fault) => {
            sink.push(fault);
            return Ok(None);
        }
    };
    if let Err(faults) = verify::verify(&problem, &earnings) {
        let mut sink = Sink::default();
        faults.into_iter().for_each(|fault| sink.push(fault));
        return Err(Failure::Faults(sink, exit::BUG));
    }
    earnings.notices.iter().for_each(|notice| sink.push(notice.clone()));
    Ok(Some(Paid { plan, credited, earnings }))
}

fn narrow(value: i128) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| {
        Failure::fault(
            Diagnostic::error(Code::SPM402, format!("{value} minor units do not fit 64 bits")),
            exit::INPUT,
        )
    })
}

/// Payee, period, currency, amount: the sum of the lines of every plan.
fn payments_table(opened: &Opened, paid: &[Paid<'_>], periods: &Range<usize>) -> Result<Table, Failure> {
    let mut sums: BTreeMap<(usize, String, PayeeId), i128> = BTreeMap::new();
    let mut decimals = opened.project.currency.decimals();
    for part in paid {
        decimals = decimals.max(part.plan.currency.decimals());
        for line in &part.earnings.lines {
            let payee = part.credited.payees[line.payee].id.clone();
            *sums.entry((line.period, part.plan.currency.code().to_owned(), payee)).or_default() +=
                line.amount.minor_units;
        }
    }
    let shift = |code: &str| {
        let own = paid
            .iter()
            .find(|part| part.plan.currency.code() == code)
            .map_or(decimals, |part| part.plan.currency.decimals());
        10i128.pow(decimals - own)
    };
    let names = opened.project.calendar.periods();
    debug_assert!(sums.keys().all(|(period, _, _)| periods.contains(period)));
    let amounts: Vec<Option<i64>> = sums
        .iter()
        .map(|((_, code, _), amount)| narrow(amount * shift(code)).map(Some))
        .collect::<Result<_, _>>()?;
    let table = Builder::default()
        .text("payee_id", sums.keys().map(|(_, _, payee)| Some(payee.as_str())))
        .text("period", sums.keys().map(|(period, _, _)| Some(names[*period].name.as_str())))
        .text("currency", sums.keys().map(|(_, code, _)| Some(code.as_str())))
        .number("amount", decimals, amounts)
        .table()?;
    Ok(table)
}

fn lines<'p>(paid: &'p [Paid<'_>]) -> Vec<(&'p Paid<'p>, &'p Earning)> {
    paid.iter().flat_map(|part| part.earnings.lines.iter().map(move |line| (part, line))).collect()
}

/// An exact number as text; kept as text in files, because a fraction such as 1/3 has no decimal form.
fn exact(value: &Rational) -> Option<String> {
    Some(value.to_string())
}

fn earnings_table(opened: &Opened, paid: &[Paid<'_>]) -> Result<Table, Failure> {
    let names = opened.project.calendar.periods();
    let lines = lines(paid);
    let decimals = opened.project.currency.decimals();
    let amounts: Vec<Option<i64>> =
        lines.iter().map(|(_, line)| narrow(line.amount.minor_units).map(Some)).collect::<Result<_, _>>()?;
    let component = |part: &Paid<'_>, line: &Earning| part.plan.components[line.component].name.clone();
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
        .table()?;
    Ok(table)
}

/// Payee, measure, period and value of every measurement of the run's windows.
fn measurements_table(opened: &Opened, paid: &[Paid<'_>]) -> Result<Table, Failure> {
    let names = opened.project.calendar.periods();
    let cells: Vec<_> = paid
        .iter()
        .flat_map(|part| part.credited.measurements.iter().map(move |(cell, value)| (part, cell, value)))
        .collect();
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
        .text("value", cells.iter().map(|(_, _, value)| exact(value)))
        .table()?;
    Ok(table)
}

/// Every node of every explanation: the children of a node name it as their parent.
fn trace_table(opened: &Opened, paid: &[Paid<'_>]) -> Result<Table, Failure> {
    let names = opened.project.calendar.periods();
    struct Row<'n> {
        part: &'n Paid<'n>,
        line: &'n Earning,
        node: &'n Node,
        number: i64,
        parent: Option<i64>,
    }
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (part, line) in lines(paid) {
        let mut ancestors: Vec<i64> = Vec::new();
        let mut number = 0;
        line.trace.walk(&mut |node, depth| {
            ancestors.truncate(depth);
            rows.push(Row { part, line, node, number, parent: ancestors.last().copied() });
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
        .text("plan_id", rows.iter().map(|row| Some(row.part.plan.id.as_str())))
        .text("payee_id", rows.iter().map(|row| Some(row.part.credited.payees[row.line.payee].id.as_str())))
        .text("period", rows.iter().map(|row| Some(names[row.line.period].name.as_str())))
        .text(
            "component",
            rows.iter().map(|row| Some(row.part.plan.components[row.line.component].name.as_str())),
        )
        .number("node", 0, rows.iter().map(|row| Some(row.number)))
        .number("parent", 0, rows.iter().map(|row| row.parent))
        .text("label", rows.iter().map(|row| Some(row.node.label.as_str())))
        .text("value", rows.iter().map(|row| Some(row.node.value.to_string())))
        .text("operation", rows.iter().map(|row| Some(row.node.operation.word())))
        .text("clause", rows.iter().map(clause))
        .table()?;
    Ok(table)
}

fn write_run(
    opened: &Opened,
    tables: &Tables,
    paid: &[Paid<'_>],
    payments: &Table,
    target: &std::path::Path,
) -> Result<(), Failure> {
    let provenance = opened.provenance(tables, 0);
    let folder = Folder::create(target)?;
    folder.table("payments.parquet", payments, &provenance)?;
    folder.table("earnings.parquet", &earnings_table(opened, paid)?, &provenance)?;
    folder.table("measurements.parquet", &measurements_table(opened, paid)?, &provenance)?;
    folder.table("trace.parquet", &trace_table(opened, paid)?, &provenance)?;
    let credits = rows::stacked(paid.iter().map(|part| &part.credited.credits))?;
    folder.table("credits.parquet", &credits, &provenance)?;
    let unresolved = rows::stacked(paid.iter().map(|part| &part.credited.unresolved))?;
    folder.table("unresolved.parquet", &unresolved, &provenance)?;
    folder.text("run.json", &command::run_json(tables, &provenance))?;
    folder.publish()?;
    Ok(())
}

struct Question<'a> {
    rep: &'a str,
    component: Option<&'a str>,
    rows: usize,
}

fn explain_rep(
    opened: &Opened,
    tables: &Tables,
    periods: &Range<usize>,
    question: &Question<'_>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let paid = calculate(opened, tables, periods, ui)?;
    let wanted = |part: &Paid<'_>, line: &Earning| {
        part.credited.payees[line.payee].id.as_str() == question.rep
            && question
                .component
                .is_none_or(|component| part.plan.components[line.component].name == component)
    };
    let found: Vec<_> = lines(&paid).into_iter().filter(|(part, line)| wanted(part, line)).collect();
    if found.is_empty() {
        let components: BTreeSet<&str> = paid
            .iter()
            .flat_map(|part| part.plan.components.iter().map(|component| component.name.as_str()))
            .collect();
        let components: Vec<&str> = components.into_iter().collect();
        let message = format!("nothing is calculated for rep {} in these periods", question.rep);
        let fault = Diagnostic::error(Code::SPM602, message).at(Place::File("reps".to_owned()), "");
        return Err(Failure::fault(
            fault.hint(format!("the components are: {}", components.join(", "))),
            exit::NO,
        ));
    }
    let traces: Vec<Node> = found.iter().map(|(_, line)| line.trace.clone()).collect();
    let code = opened.project.currency.code().to_owned();
    let total =
        Node::computed(format!("payment to {}", question.rep), Unit::Money(code), Operation::Sum, traces);
    let mut measures: BTreeSet<(&str, usize, usize)> = BTreeSet::new();
    for (part, line) in &found {
        measures.insert((part.plan.id.as_str(), part.plan.components[line.component].measure, line.period));
    }
    let mut sections = Vec::new();
    for (plan, measure, period) in measures {
        let Some(part) = paid.iter().find(|part| part.plan.id == plan) else { continue };
        let measure = &part.plan.measures[measure];
        let names: Vec<&str> =
            measure.credits.iter().map(|credit| part.plan.credits[*credit].name.as_str()).collect();
        let period = &opened.project.calendar.periods()[period].name;
        let rows =
            rows::credits_of(&part.credited.credits, tables, question.rep, period, &names, question.rows)?;
        sections.push((format!("credits in {}, {period}", measure.name), rows));
    }
    if global.format == Format::Json {
        let credits: Vec<serde_json::Value> = sections
            .iter()
            .map(|(title, rows)| Ok(serde_json::json!({ "title": title, "credits": serde_json::from_str::<serde_json::Value>(&render(&rows.table, "spm.credits/1", Format::Json)?)?["rows"] })))
            .collect::<std::io::Result<_>>()?;
        let value = serde_json::json!({ "schema": "spm.explanation/1", "explanation": explain::json(&total), "credits": credits });
        ui.data(&format!("{value:#}\n"))?;
        return Ok(exit::DONE);
    }
    let fence = if global.format == Format::Markdown { "```\n" } else { "" };
    let mut text = format!("{fence}{}{fence}", explain::text(&total));
    for (title, rows) in sections {
        text += &format!(
            "\n{title}: {} in all{}\n",
            rows.total,
            if rows.total > question.rows {
                format!(", the first {} shown (--rows)", question.rows)
            } else {
                String::new()
            }
        );
        text += &render(&rows.table, "spm.credits/1", global.format)?;
    }
    ui.data(&text)?;
    Ok(exit::DONE)
}
