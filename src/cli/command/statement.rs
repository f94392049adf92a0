//! `spm comp statement`: one page and one workbook for each person.

use std::collections::{BTreeMap, BTreeSet};

use spm_core::engine::comp::difference::credits_of;
use spm_core::engine::comp::{Cell, Earning, LineOf, Problem, one_more, with_more};
use spm_core::engine::ledger::Fact;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::money::{Currency, Money};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::project::Project;
use spm_frame::load::Tables;
use spm_frame::quota::quotas;
use spm_frame::table::Table;
use spm_frame::{rows, write};

use super::comp::{Depth, calculate, plans, problem};
use super::cut;
use super::settle::Settled;
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::as_posted::{AsPosted, Compared, Of};
use crate::ledger::write::PlanText;
use crate::report::commission::{Paid, lines};
use crate::report::explain;
use crate::report::ledger::tree;
use crate::report::statement::{Section, Statement, html, sheets};
use crate::report::table::Format;

/// Steps of the curve that a statement draws.
const STEPS: i64 = 40;

/// Whose statements of which period are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The period.
    pub period: &'a str,
    /// The person; everybody when absent.
    pub rep: Option<&'a str>,
}

/// Writes the statements of a period: of open ones what is calculated, of posted ones what was posted.
pub fn run(
    opened: &Opened,
    tables: &Tables,
    Wanted { period, rep }: Wanted<'_>,
    (settled, posted): (Option<&Settled>, &AsPosted),
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let periods = opened.periods(period)?;
    let since = settled.map_or(periods.start, |settled| settled.since);
    let depth = Depth { deals: true, detail: true, since };
    let paid = calculate(opened, tables, &periods, depth, ui)?;
    let project = &opened.project;
    let quotas = quotas(tables, &project.calendar, &mut Sink::default());
    let mut by_payee: BTreeMap<String, Vec<(&Paid<'_>, &Earning)>> = BTreeMap::new();
    for (part, line) in lines(&paid) {
        let id = part.credited.payees[line.payee].id.as_str();
        by_payee.entry(id.to_owned()).or_default().push((part, line));
    }
    // Somebody without a line may have a draw, a correction or a balance: what is paid is said there, too.
    // And who has a line today of a posted period that pays nothing to them has no statement of it: that is a correction.
    if let Some(settled) = settled {
        let mut all = payees_of(settled)?.into_iter().map(|id| (id, vec![])).collect::<BTreeMap<_, _>>();
        by_payee.retain(|id, _| all.contains_key(id));
        all.append(&mut by_payee);
        by_payee = all;
    }
    by_payee.retain(|id, _| rep.is_none_or(|rep| rep == id));
    if by_payee.is_empty() {
        let message = format!("nothing is calculated for {} in {period}", rep.unwrap_or("anyone"));
        let fault = Diagnostic::error(Code::SPM602, message).at(Place::File("reps".to_owned()), "");
        return Err(Failure::fault(fault, exit::NO));
    }
    let folder = opened.results.join("out/statements").join(period.replace("..", "-to-"));
    let mut deals = deals_of(&paid, rep)?;
    add_credited(&mut deals, &paid, project, rep)?;
    let cards = Cards::of(opened, posted, &paid)?;
    let mut shown: Vec<[String; 3]> = Vec::new();
    let mut differ = 0;
    for (id, own) in &by_payee {
        ui.step(&format!("statement of {id}"));
        let mut statement = Statement {
            company: project.name.clone(),
            payee: name_of(&paid, id),
            period: period.to_owned(),
            ..Statement::default()
        };
        let (mut payable, mut held): (BTreeMap<&Currency, Rational>, Rational) =
            (BTreeMap::new(), Rational::zero());
        for (part, line) in own {
            // What is paid in another currency is added below, converted.
            if part.payouts.is_none() {
                *payable.entry(&part.plan.currency).or_default() += &line.payable.exact();
            }
            held += &(&line.amount.exact() - &line.payable.exact());
            let of = cards.of_line(part, line, id);
            if posted.recorded_at(line.period).is_some() && !posted.lines.contains_key(&of) {
                continue;
            }
            let compared = cards.compare(&of, line);
            if compared == Some(Compared::Different) {
                differ += 1;
                statement.sections.extend(cards.as_posted(&of, Some(line)));
                continue;
            }
            let problem = problem(part.plan, project, periods.clone(), &part.credited, &quotas, depth);
            let more = compared != Some(Compared::OtherPlan);
            statement.sections.push(section(&problem, part, line, id, (&deals, more))?);
        }
        let today: BTreeSet<Of> = own.iter().map(|(part, line)| cards.of_line(part, line, id)).collect();
        for of in posted.lines_of(id).filter(|of| !today.contains(of)) {
            differ += 1;
            statement.sections.extend(cards.as_posted(of, None));
        }
        for part in &paid {
            let payees = &part.credited.payees;
            let mine = part.payouts.iter().flatten().filter(|payout| payees[payout.payee].id.as_str() == id);
            for payout in mine {
                *payable.entry(&payout.amount.currency).or_default() += &payout.amount.exact();
                statement.payouts.push(explain::text(&payout.trace));
            }
        }
        let decimals =
            own.first().map_or(project.currency.decimals(), |(part, _)| part.plan.currency.decimals());
        let sums = payable.iter();
        let sums: Vec<String> =
            sums.map(|(currency, sum)| format!("{} {currency}", money(sum, currency.decimals()))).collect();
        statement.payable = sums.join(" + ");
        statement.held = (!held.is_zero()).then(|| money(&held, decimals));
        if let Some(settled) = settled {
            settle(&mut statement, settled, id)?;
        }
        let file: String =
            id.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        if !global.dry_run {
            write::write_text(&folder.join(format!("{file}.html")), &html(&statement))?;
            write::write_sheets(&folder.join(format!("{file}.xlsx")), &sheets(&statement))?;
        }
        shown.push([id.clone(), statement.payable, format!("{file}.html")]);
    }
    if !global.dry_run {
        ui.status(&format!("wrote {} ({} statements)", folder.display(), by_payee.len()));
    }
    if differ > 0 {
        ui.status(&format!(
            "{differ} line(s) of posted periods are shown as they were posted: calculated today they are others, which lines of later periods correct"
        ));
    }
    if global.format == Format::Table && global.output.is_none() {
        let texts: Vec<String> = shown.iter().map(|[id, paid, _]| format!("{id}: {paid}\n")).collect();
        ui.data(&texts.concat())?;
        return Ok(exit::DONE);
    }
    let column = |index: usize| shown.iter().map(move |row| Some(&row[index]));
    let table = write::Builder::default()
        .text("payee_id", column(0))
        .text("paid", column(1))
        .text("file", column(2))
        .table()?;
    command::finish(&table, "spm.statements/1", global, ui)?;
    Ok(exit::DONE)
}

/// Everybody to whom something is paid, or who has a balance.
fn payees_of(settled: &Settled) -> Result<Vec<String>, Failure> {
    let columns = write::texts(&settled.payments)?;
    let ids = columns.into_iter().next().unwrap_or_default();
    Ok(ids.into_iter().flatten().collect())
}

/// Puts what is paid after corrections and balances in place of what the lines add up to.
fn settle(statement: &mut Statement, settled: &Settled, id: &str) -> Result<(), Failure> {
    let own = |table: &Table| -> Result<Vec<Vec<String>>, Failure> {
        let columns = write::texts(&rows::matching(table, &[("payee_id", id)])?)?;
        let cell = |column: &Vec<Option<String>>, row: usize| column[row].clone().unwrap_or_default();
        let height = columns.first().map_or(0, Vec::len);
        Ok((0..height).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect())
    };
    let payments = own(&settled.payments)?;
    if payments.is_empty() {
        return Ok(());
    }
    // One amount of each currency, whatever the number of periods.
    let mut paid: BTreeMap<&String, (Rational, u32)> = BTreeMap::new();
    for row in &payments {
        let decimals = row[3].split_once('.').map_or(0, |(_, digits)| digits.len());
        let sum = paid.entry(&row[2]).or_default();
        sum.0 += &row[3].parse::<Rational>().unwrap_or_default();
        sum.1 = u32::try_from(decimals).unwrap_or(2);
    }
    let paid =
        paid.into_iter().map(|(currency, (sum, decimals))| format!("{} {currency}", money(&sum, decimals)));
    statement.payable = paid.collect::<Vec<_>>().join(" + ");
    statement.held = None;
    let (lines, balances) = (own(&settled.lines)?, own(&settled.balances)?);
    let mut waiting: BTreeMap<(&String, bool), Option<String>> = BTreeMap::new();
    // Earned, less what balances grow by, is paid: the rows of each payment add up to it.
    for payment in &payments {
        let (period, currency) = (&payment[1], &payment[2]);
        for row in lines.iter().filter(|row| (&row[0], &row[6]) == (period, currency)) {
            let (origin, kind, component) = (&row[2], &row[3], &row[5]);
            // What a cap carries is paid by lines of later periods.
            if kind == "capped" {
                continue;
            }
            let what = match (kind.as_str(), origin == period) {
                ("earning", true) => format!("{component}, {origin}"),
                ("earning", false) => format!("correction of {component}, {origin}"),
                ("adjustment", _) => format!("adjustment {component}, {origin}"),
                _ => format!("{kind} of {component}, {origin}"),
            };
            let number = |text: &str| text.parse::<Rational>().unwrap_or_default();
            let (earned, payable) = (number(&row[7]), number(&row[8]));
            let held = &earned - &payable;
            let waits = match held.is_positive() {
                true => format!("held until its event: {component}, {origin}"),
                false => format!("released, or no longer held: {component}, {origin}"),
            };
            // What merely falls due was earned before: its release is all there is.
            if !earned.is_zero() || held.is_zero() {
                statement.settled.push([what, grouped(&row[7]), row[9].clone()]);
            }
            if !held.is_zero() {
                let decimals = row[7].split_once('.').map_or(0, |(_, digits)| digits.len());
                let amount = money(&(&payable - &earned), u32::try_from(decimals).unwrap_or(2));
                let why = if earned.is_zero() { row[9].clone() } else { String::new() };
                statement.settled.push([waits, amount, why]);
            }
        }
        for (account, words) in [("held", ""), ("capped", "over a cap, carried to later periods: ")] {
            let own = |row: &&Vec<String>| (&row[0], &row[2], row[3].as_str()) == (period, currency, account);
            let closing = balances.iter().find(own).filter(|row| !number_is_zero(&row[6]));
            let text = closing.map(|row| format!("{words}{} {currency}", grouped(&row[6])));
            // The last period says what is left.
            waiting.insert((currency, account == "capped"), text);
        }
        for row in balances.iter().filter(|row| (&row[0], &row[2]) == (period, currency)) {
            let grows = !row[5].starts_with('-');
            let what = match (row[3].as_str(), grows) {
                // Each line says what of it is held.
                ("held" | "capped", _) => continue,
                ("carried", true) if !row[6].starts_with('-') && !number_is_zero(&row[6]) => {
                    "under the minimum payment, carried to the next period"
                }
                ("carried", false) if !row[4].starts_with('-') && !number_is_zero(&row[4]) => {
                    "carried from before, under the minimum payment"
                }
                ("carried", true) => "negative pay of before, deducted",
                ("carried", false) => "negative pay, carried to the next period",
                ("draw", true) => "draw recovered",
                ("draw", false) => "draw advanced",
                (_, true) => "clawback recovered",
                (_, false) => "clawback owed, taken from later pay",
            };
            let moved = format!("balance {} from {} to {}", row[3], grouped(&row[4]), grouped(&row[6]));
            if !number_is_zero(&row[5]) {
                statement.settled.push([what.to_owned(), grouped(&opposite(&row[5])), moved]);
            }
        }
        let paid = format!("paid for {period}, in {currency}");
        statement.settled.push([paid, grouped(&payment[3]), "the sum of the above".to_owned()]);
    }
    let waiting: Vec<String> = waiting.into_values().flatten().collect();
    statement.held = (!waiting.is_empty()).then(|| waiting.join(" · "));
    Ok(())
}

fn number_is_zero(amount: &str) -> bool {
    !amount.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
}

/// An amount with the other sign.
fn opposite(amount: &str) -> String {
    amount.strip_prefix('-').map_or_else(|| format!("-{amount}"), str::to_owned)
}

fn name_of(paid: &[Paid<'_>], id: &str) -> String {
    let mut payees = paid.iter().flat_map(|part| &part.credited.payees);
    let name = payees.find(|payee| payee.id.as_str() == id).and_then(|payee| payee.texts.get("name"));
    name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

/// Rows of deals by plan, person, period and component.
type Deals = BTreeMap<(String, String, String, String), Vec<[String; 4]>>;

/// Every attribution read once: transaction, date, credited, earned.
fn deals_of(paid: &[Paid<'_>], rep: Option<&str>) -> Result<Deals, Failure> {
    let mut deals = Deals::new();
    for attribution in paid.iter().filter_map(|part| part.attribution.as_ref()) {
        let own: Vec<(&str, &str)> = rep.map(|rep| ("payee_id", rep)).into_iter().collect();
        let found = write::texts(&rows::matching(attribution, &own)?)?;
        let deal = |row: usize| {
            let cell = |column: usize| found[column][row].clone().unwrap_or_default();
            let id = match found[5][row].as_deref() {
                Some(line) => format!("{}/{line}", cell(4)),
                None => cell(4),
            };
            let key = (cell(0), cell(1), cell(2), cell(3));
            (key, [id, cell(6), grouped(&cell(7)), grouped(&cell(8))])
        };
        for (key, deal) in (0..found.first().map_or(0, Vec::len)).map(deal) {
            deals.entry(key).or_default().push(deal);
        }
    }
    Ok(deals)
}

/// Adds what was credited to components without a measure of their own, such as scorecards and formulas: no deal of theirs has
/// a part of the pay, but whoever reads a statement wants to see what was counted.
fn add_credited(
    deals: &mut Deals,
    paid: &[Paid<'_>],
    project: &Project,
    rep: Option<&str>,
) -> Result<(), Failure> {
    let names: BTreeMap<&str, usize> = project
        .calendar
        .periods()
        .iter()
        .enumerate()
        .map(|(index, own)| (own.name.as_str(), index))
        .collect();
    for part in paid {
        let without = part.plan.components.iter().filter(|component| component.measure.is_none());
        let without: Vec<_> =
            without.map(|component| (component, credits_of(part.plan, &component.name))).collect();
        if without.is_empty() {
            continue;
        }
        let own: Vec<(&str, &str)> = rep.map(|rep| ("payee_id", rep)).into_iter().collect();
        let found = write::texts(&rows::matching(&part.credited.credits, &own)?)?;
        let height = found.first().map_or(0, Vec::len);
        let cells = (0..height).map(|row| found.iter().map(|column| column[row].clone()).collect());
        for cells in cells.collect::<Vec<Vec<Option<String>>>>() {
            let cell = |column: usize| cells[column].clone().unwrap_or_default();
            let Some(period) = names.get(cell(7).as_str()) else { continue };
            let id = match cells[4].as_deref() {
                Some(line) => format!("{}/{line}", cell(3)),
                None => cell(3),
            };
            for (component, _) in without.iter().filter(|(_, rules)| rules.contains(cell(1).as_str())) {
                let end = project.calendar.group(*period, component.every).end - 1;
                let shown = project.calendar.periods()[end].name.clone();
                let key = (cell(0), cell(2), shown, component.name.clone());
                let deal = [id.clone(), cell(6), grouped(&cell(9)), String::new()];
                deals.entry(key).or_default().push(deal);
            }
        }
    }
    Ok(())
}

/// Lines of posted periods beside those of today.
struct Cards<'a> {
    opened: &'a Opened,
    posted: &'a AsPosted,
    texts: Vec<PlanText>,
    /// What each plan credits today.
    credits: BTreeMap<&'a str, BTreeMap<Fact, Rational>>,
}

impl<'a> Cards<'a> {
    fn of(opened: &'a Opened, posted: &'a AsPosted, paid: &[Paid<'a>]) -> Result<Self, Failure> {
        let mut credits = BTreeMap::new();
        for part in paid {
            let own = posted.credits_today(&opened.project.calendar, part.plan, &part.credited)?;
            credits.insert(part.plan.id.as_str(), own);
        }
        Ok(Self { opened, posted, texts: PlanText::of(&opened.plans), credits })
    }

    fn of_line(&self, part: &Paid<'_>, line: &Earning, id: &str) -> Of {
        (id.to_owned(), part.plan.id.clone(), line.period, line.of.name(part.plan).to_owned())
    }

    /// How a line of today compares with the one that was posted; `None` when its period is open.
    fn compare(&self, of: &Of, line: &Earning) -> Option<Compared> {
        self.posted.recorded_at(of.2)?;
        Some(self.posted.compare(of, line, self.credits.get(of.1.as_str())?, &self.texts))
    }

    /// A posted line: what it earned and why, from which credits, and what it would be today.
    fn as_posted(&self, of: &Of, today: Option<&Earning>) -> Option<Section> {
        let line = self.posted.lines.get(of)?;
        let plan = plans(self.opened).into_iter().find(|plan| plan.id == of.1);
        let currency = &line.amount.currency;
        let amount =
            |money: &Money| format!("{} {currency}", self::money(&money.exact(), currency.decimals()));
        let nothing = Money { minor_units: 0, currency: currency.clone() };
        let now = today.map_or(&nothing, |today| &today.amount);
        let would = match *now == line.amount {
            true => "comes to the same for other reasons".to_owned(),
            false => {
                format!("comes to {}, and the difference is a correction in a later period", amount(now))
            }
        };
        let credits = self.posted.credits(of, plan).into_iter();
        Some(Section {
            title: format!("{}, {}", of.3, self.opened.project.calendar.periods()[of.2].name),
            plan: plan.map_or_else(|| of.1.clone(), |plan| plan.title.clone()),
            amount: amount(&line.amount),
            note: Some(format!(
                "as it was posted on {}; calculated today it {would}",
                self.posted.recorded_at(of.2)?.split('T').next().unwrap_or_default()
            )),
            deals: credits
                .map(|(deal, credited)| {
                    [deal, String::new(), grouped(&credited.to_decimal_text()), String::new()]
                })
                .collect(),
            explanation: tree(&line.trace),
            ..Section::default()
        })
    }
}

/// A line as it is calculated today; with `more`, the curve and what more would be worth.
fn section(
    problem: &Problem<'_>,
    part: &Paid<'_>,
    line: &Earning,
    id: &str,
    (deals, more): (&Deals, bool),
) -> Result<Section, Failure> {
    let plan = part.plan;
    let decimals = plan.currency.decimals();
    let period = &problem.calendar.periods()[line.period].name;
    let component = line.of.name(plan);
    let mut section = Section {
        title: format!("{component}, {period}"),
        plan: plan.title.clone(),
        amount: format!("{} {}", money(&line.amount.exact(), decimals), plan.currency),
        attainment: line.attainment.as_ref().map(Rational::to_f64_for_display),
        explanation: explain::text(&line.trace),
        ..Section::default()
    };
    if let LineOf::Component(index) = line.of
        && let Some(measure) = plan.components[index].measure
    {
        section.facts.push((plan.measures[measure].name.clone(), money(&line.measured, 2)));
    }
    section.facts.extend(line.goal.as_ref().map(|goal| ("goal".to_owned(), money(goal, 2))));
    section.facts.extend(line.attainment.as_ref().map(|share| ("attainment".to_owned(), percent(share))));
    // What was credited is there, whether it earned anything or not.
    let key = (plan.id.clone(), id.to_owned(), period.clone(), component.to_owned());
    section.deals = deals.get(&key).cloned().unwrap_or_default();
    section.words = cut::words(plan, line);
    if more {
        what_if(problem, line, &mut section)?;
    }
    Ok(section)
}

/// The curve from nothing to well beyond what was reached, and what the next deal of usual size would earn.
fn what_if(problem: &Problem<'_>, line: &Earning, section: &mut Section) -> Result<(), Failure> {
    let fail = |fault| Failure::fault(fault, exit::INPUT);
    let end = line.goal.clone().unwrap_or_default().max(line.measured.clone());
    if !end.is_positive() {
        return Ok(());
    }
    let end = &end * &Rational::new(5, 4).unwrap_or_default();
    let at = |step: i64| &end * &Rational::new(step.into(), STEPS.into()).unwrap_or_default();
    let steps: Vec<Rational> = (0..=STEPS).map(|step| &at(step) - &line.measured).collect();
    let Some(lines) = with_more(problem, line, &steps).map_err(fail)? else { return Ok(()) };
    let float = Rational::to_f64_for_display;
    section.curve =
        lines.iter().map(|again| (float(&again.measured), float(&again.amount.exact()))).collect();
    if let Some(last) = lines.last() {
        let decimals = problem.plan.currency.decimals();
        section.axis = (money(&last.measured, 0), money(&last.amount.exact(), decimals));
    }
    section.here = Some((float(&line.measured), float(&line.amount.exact())));
    // A deal of the size that the payee's own have in the period, in whole units.
    let LineOf::Component(component) = line.of else { return Ok(()) };
    let Some(measure) = problem.plan.components[component].measure else { return Ok(()) };
    let cell = Cell { payee: line.payee, measure, period: line.period };
    let Some(own) = problem.measurements.get(&cell).filter(|own| own.count > 0) else { return Ok(()) };
    let usual = own.sum.checked_div(&Rational::from(own.count)).unwrap_or_default();
    let usual = spm_core::ground::round::round_to_decimals(&usual, 0, Default::default()).unwrap_or(0);
    let usual = Rational::from(usual);
    if !usual.is_positive() {
        return Ok(());
    }
    if let Some(next) = one_more(problem, line, &usual).map_err(fail)? {
        let currency = &problem.plan.currency;
        let worth = |worth: &Rational| format!("{} {currency}", money(worth, currency.decimals()));
        let (here, all) = (worth(&next.here), next.in_all.map(|all| worth(&all)));
        // The plan's cap, its guarantee and its other lines move, too.
        let end = match all {
            Some(all) if all != here => format!(" here, and {all} in the whole plan"),
            Some(_) => String::new(),
            None => " here".to_owned(),
        };
        section.next =
            Some(format!("One more deal of the usual size, {}, would earn {here}{end}.", money(&usual, 0)));
    }
    Ok(())
}

/// An exact number with thousands apart, cut to so many decimals for reading.
pub(super) fn money(value: &Rational, decimals: u32) -> String {
    let units = spm_core::ground::round::round_to_decimals(value, decimals, Default::default()).unwrap_or(0);
    grouped(&spm_core::ground::rational::scaled_text(&units.into(), decimals))
}

pub(super) fn percent(share: &Rational) -> String {
    format!("{} %", money(&(share * &Rational::from(100i64)), 2))
}

/// `-1234567.50` as `-1,234,567.50`.
fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = whole;
    while rest.len() > 3 {
        let (head, tail) = rest.split_at(rest.len() - 3);
        parts.push(tail);
        rest = head;
    }
    parts.push(rest);
    parts.reverse();
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{dot}{fraction}", parts.join(","))
}
