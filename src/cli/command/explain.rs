//! `spm comp explain`: why somebody is paid what they are paid, with the rows that it rests on.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use spm_core::engine::comp::{Earning, LineOf, difference};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_core::ground::trace::{Node, Operation, Unit};
use spm_frame::load::Tables;
use spm_frame::{convert, rows};

use super::comp::{Depth, Quotas, calculate, problem};
use crate::cli::Global;
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::report::commission::{Paid, lines};
use crate::report::explain;
use crate::report::table::{Format, render};

/// What is asked about one person.
pub struct Question<'a> {
    /// The person.
    pub rep: &'a str,
    /// Only this component.
    pub component: Option<&'a str>,
    /// Only this transaction.
    pub transaction: Option<&'a str>,
    /// How many credits of each measure are listed.
    pub rows: usize,
    /// What is paid when balances are settled; empty when lines are simply added up.
    pub payments: Vec<Node>,
    /// Whether one of the periods is posted, so that what is calculated now need not be what was paid.
    pub posted: bool,
    /// The first period that is calculated or corrected.
    pub since: usize,
}

/// Explains what somebody is paid, down to the rows of the extract.
pub fn run(
    opened: &Opened,
    tables: &Tables,
    periods: &Range<usize>,
    question: &Question<'_>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let detail = question.transaction.is_some();
    let paid = calculate(opened, tables, periods, Depth { deals: true, detail, since: question.since }, ui)?;
    let wanted = |part: &Paid<'_>, line: &Earning| {
        part.credited.payees[line.payee].id.as_str() == question.rep
            && question.component.is_none_or(|component| line.of.name(part.plan) == component)
    };
    let found: Vec<_> = lines(&paid).into_iter().filter(|(part, line)| wanted(part, line)).collect();
    if found.is_empty() && question.payments.is_empty() {
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
    if let Some(transaction) = question.transaction {
        return explain_transaction(opened, &paid, tables, question, transaction, global, ui);
    }
    let totals = match question.payments.is_empty() {
        true => totals(&paid, &found, question),
        false => question.payments.clone(),
    };
    let sections = credit_sections(opened, tables, &paid, &found, question)?;
    if global.format == Format::Json {
        let credits: Vec<serde_json::Value> = sections
            .iter()
            .map(|(title, rows)| Ok(serde_json::json!({ "title": title, "credits": serde_json::from_str::<serde_json::Value>(&render(&rows.table, "spm.credits/1", Format::Json)?)?["rows"] })))
            .collect::<std::io::Result<_>>()?;
        let mut value = serde_json::json!({ "schema": "spm.explanation/1", "explanation": explain::json(&totals[0]), "credits": credits });
        if totals.len() > 1 {
            // Several payments: each has its own explanation.
            value["explanations"] = totals.iter().map(explain::json).collect();
        }
        ui.data(&format!("{value:#}\n"))?;
        return Ok(exit::DONE);
    }
    let fence = if global.format == Format::Markdown { "```\n" } else { "" };
    let trees: Vec<String> = totals.iter().map(explain::text).collect();
    let mut text = format!("{fence}{}{fence}", trees.join("\n"));
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

/// The credits that lines rest on, by measure: those of the period, or of all periods that a component pays at once; of a
/// measure that is about others those of the others.
fn credit_sections(
    opened: &Opened,
    tables: &Tables,
    paid: &[Paid<'_>],
    found: &[(&Paid<'_>, &Earning)],
    question: &Question<'_>,
) -> Result<Vec<(String, rows::CreditRows)>, Failure> {
    let calendar = &opened.project.calendar;
    // By plan, measure and periods, the payee.
    let mut measures: BTreeMap<(&str, usize, usize, usize), usize> = BTreeMap::new();
    for (part, line) in found {
        let LineOf::Component(component) = line.of else { continue };
        let component = &part.plan.components[component];
        let start = calendar.group(line.period, component.every).start;
        let own = difference::measures_of(part.plan, &component.name).into_iter();
        measures
            .extend(own.map(|measure| ((part.plan.id.as_str(), measure, start, line.period), line.payee)));
    }
    let mut sections = Vec::new();
    let quotas = Quotas::new();
    for ((plan, measure, start, end), payee) in measures {
        let Some(part) = paid.iter().find(|part| part.plan.id == plan) else { continue };
        let depth = Depth { deals: false, detail: false, since: 0 };
        let problem = problem(part.plan, &opened.project, start..end + 1, &part.credited, &quotas, depth);
        let (mut people, mut of) = (rows::People::new(), measure);
        for period in start..=end {
            let (measure, payees) = problem.rests_on(measure, payee, period);
            let id = |payee: usize| part.credited.payees[payee].id.as_str();
            of = measure;
            people.extend(
                payees.into_iter().map(|payee| (id(payee), calendar.periods()[period].name.as_str())),
            );
        }
        let (measure, of) = (&part.plan.measures[measure], &part.plan.measures[of]);
        if of.credits().is_empty() {
            continue;
        }
        let names: Vec<&str> =
            of.credits().iter().map(|credit| part.plan.credits[*credit].name.as_str()).collect();
        let (credits, currency) = (&part.credited.credits, part.plan.currency.code());
        let rows = rows::credits_of(credits, tables, &people, &names, currency, question.rows)?;
        let (first, last) = (&calendar.periods()[start].name, &calendar.periods()[end].name);
        let during = if start == end { first.clone() } else { format!("{first} to {last}") };
        let whose = match (measure.name == of.name, &of.team) {
            (false, _) => format!(" of those whom {} looks at", measure.name),
            (true, Some(_)) => " of the team".to_owned(),
            (true, None) => String::new(),
        };
        sections.push((format!("credits in {}{whose}, {during}", of.name), rows));
    }
    Ok(sections)
}

/// The lines of a person added up; where they are paid in the person's own currency, each payment with its conversion.
fn totals(paid: &[Paid<'_>], found: &[(&Paid<'_>, &Earning)], question: &Question<'_>) -> Vec<Node> {
    let converts = |part: &Paid<'_>| part.payouts.is_some() && question.component.is_none();
    let mut lines: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for (part, line) in found.iter().filter(|(part, _)| !converts(part)) {
        lines.entry(part.plan.currency.code()).or_default().push(line.trace.clone());
    }
    let own = found.iter().any(|(part, _)| part.payouts.is_some());
    let what = match (question.posted, own && question.component.is_some()) {
        (true, _) => "lines, as calculated now, of",
        (false, true) => "lines, in the plan's currency, of",
        (false, false) => "payment to",
    };
    let mut totals = Vec::new();
    for (currency, traces) in lines {
        let money = Unit::Money(currency.to_owned());
        totals.push(Node::computed(format!("{what} {}", question.rep), money, Operation::Sum, traces));
    }
    for part in paid.iter().filter(|part| converts(part)) {
        let mine = part
            .payouts
            .iter()
            .flatten()
            .filter(|payout| part.credited.payees[payout.payee].id.as_str() == question.rep);
        totals.extend(mine.map(|payout| payout.explained(&part.earnings)));
    }
    totals
}

/// What each component earned with one transaction, how a component of single transactions came to it, and its rows.
fn explain_transaction(
    opened: &Opened,
    paid: &[Paid<'_>],
    tables: &Tables,
    question: &Question<'_>,
    transaction: &str,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let all = rows::stacked(paid.iter().filter_map(|part| part.attribution.as_ref()))?;
    let mut conditions = vec![("payee_id", question.rep), ("transaction_id", transaction)];
    conditions.extend(question.component.map(|component| ("component", component)));
    let earned = rows::matching(&all, &conditions)?;
    if earned.frame.height() == 0 {
        let message =
            format!("transaction {transaction} earns rep {} nothing in these periods", question.rep);
        let fault = Diagnostic::error(Code::SPM602, message).at(Place::File("transactions".to_owned()), "");
        return Err(Failure::fault(
            fault.hint("spm comp run --table unresolved lists credits without a payee"),
            exit::NO,
        ));
    }
    let mut deals: Vec<&Node> = Vec::new();
    for (part, line) in lines(paid) {
        if part.credited.payees[line.payee].id.as_str() == question.rep {
            line.trace.walk(&mut |node, _| {
                let own = node.label.strip_prefix("transaction ").and_then(|id| id.split('/').next());
                if own == Some(transaction) && !node.children.is_empty() {
                    deals.push(node);
                }
            });
        }
    }
    let credits = rows::stacked(paid.iter().map(|part| &part.credited.credits))?;
    let credits = rows::matching(&credits, &[("payee_id", question.rep), ("transaction_id", transaction)])?;
    // Where it was converted, at which rate.
    let mut converted: Vec<Node> = Vec::new();
    for part in paid {
        let own = [("payee_id", question.rep), ("transaction_id", transaction)];
        if rows::matching(&part.credited.credits, &own)?.frame.height() > 0 {
            let nodes = convert::explained(part.plan, tables, &opened.project.calendar, transaction);
            converted.extend(nodes);
        }
    }
    converted.dedup();
    deals.extend(&converted);
    let source = rows::origin_of(tables, transaction);
    if global.format == Format::Json {
        let read = |table: &_, schema| -> std::io::Result<serde_json::Value> {
            Ok(serde_json::from_str::<serde_json::Value>(&render(table, schema, Format::Json)?)?["rows"]
                .take())
        };
        let value = serde_json::json!({
            "schema": "spm.explanation/1",
            "transaction": transaction,
            "earned": read(&earned, "spm.attribution/1")?,
            "credits": read(&credits, "spm.credits/1")?,
            "rows": source,
            "explanations": deals.iter().map(|node| explain::json(node)).collect::<Vec<_>>(),
        });
        ui.data(&format!("{value:#}\n"))?;
        return Ok(exit::DONE);
    }
    let mut text = format!("transaction {transaction} ({})\n", source.join("; "));
    text += "\nearned\n";
    text += &render(&earned, "spm.attribution/1", global.format)?;
    text += "\ncredited\n";
    text += &render(&credits, "spm.credits/1", global.format)?;
    for node in deals {
        text += &format!("\n{}", explain::text(node));
    }
    ui.data(&text)?;
    Ok(exit::DONE)
}
