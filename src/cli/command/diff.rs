//! `spm comp diff`: two projects side by side, line by line, with the cause of each difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use spm_core::engine::comp::{Earning, Payout, difference};
use spm_core::ground::money::Money;
use spm_core::ground::period::Group;
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::ground::trace::Node;
use spm_frame::load::Tables;
use spm_frame::rows::{CreditKey, credits_by, origin_of};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::comp::{Depth, calculate, load};
use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::commission::{Paid, lines};

/// Up to so many transactions, what each of them earned is explained, so that a changed rate is named.
const TRANSACTIONS_EXPLAINED_MAX: usize = 100_000;

/// Causes of a line that are named; what is beyond is counted.
const NAMED_MAX: usize = 4;

/// What a payment in a payee's own currency is called, beside the components.
const PAYMENT: &str = "payment";

/// Payee, period, component, currency.
type Key = (String, usize, String, String);

/// A line of earnings or a payment, as far as it is compared. The same component of two versions of a plan is one line.
#[derive(Debug, Default)]
struct Line<'p> {
    amount: Rational,
    decimals: u32,
    measured: Rational,
    traces: Vec<&'p Node>,
    /// Which of the plans it is of.
    plans: Vec<usize>,
}

impl<'p> Line<'p> {
    fn add(&mut self, plan: usize, amount: &Money, measured: &Rational, trace: &'p Node) {
        self.amount += &amount.exact();
        self.measured += measured;
        self.decimals = amount.currency.decimals();
        self.traces.push(trace);
        self.plans.push(plan);
    }
}

/// One of the two projects, calculated.
struct Side<'p> {
    opened: &'p Opened,
    tables: &'p Tables,
    paid: &'p [Paid<'p>],
    lines: BTreeMap<Key, Line<'p>>,
}

impl<'p> Side<'p> {
    fn of(opened: &'p Opened, tables: &'p Tables, paid: &'p [Paid<'p>]) -> Self {
        let mut all: BTreeMap<Key, Line<'p>> = BTreeMap::new();
        let index = |part: &Paid<'_>| paid.iter().position(|other| other.plan.id == part.plan.id);
        let who = |part: &Paid<'_>, payee: usize| part.credited.payees[payee].id.to_string();
        for (part, line) in lines(paid) {
            let Earning { payee, of, period, amount, measured, trace, .. } = line;
            let currency = amount.currency.code().to_owned();
            let key = (who(part, *payee), *period, of.name(part.plan).to_owned(), currency);
            all.entry(key).or_default().add(index(part).unwrap_or(0), amount, measured, trace);
        }
        for part in paid {
            for Payout { payee, period, amount, trace } in part.payouts.iter().flatten() {
                let currency = amount.currency.code().to_owned();
                let key = (who(part, *payee), *period, PAYMENT.to_owned(), currency);
                let own = all.entry(key).or_default();
                own.add(index(part).unwrap_or(0), amount, &Rational::zero(), trace);
            }
        }
        Self { opened, tables, paid, lines: all }
    }

    fn credits(&self, payees: &BTreeSet<&str>) -> Result<BTreeMap<CreditKey, Rational>, Failure> {
        let mut all = BTreeMap::new();
        for part in self.paid {
            for (key, amount) in credits_by(&part.credited.credits, payees)? {
                *all.entry(key).or_insert_with(Rational::zero) += &amount;
            }
        }
        Ok(all)
    }
}

/// Prints what changes from this project to another one, or says that nothing does.
pub fn run(
    opened: &Opened,
    other: &Path,
    period: &str,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let there = Global { project: Some(other.to_owned()), ..global.clone() };
    let theirs = project::open(&there)?;
    let (tables, periods) = read(opened, period, global, ui)?;
    let (their_tables, their_periods) = read(&theirs, period, &there, ui)?;
    let explained = |tables: &Tables| {
        tables.get("transactions").is_none_or(|rows| rows.frame.height() <= TRANSACTIONS_EXPLAINED_MAX)
    };
    let deals = explained(&tables) && explained(&their_tables);
    let depth = |since| Depth { deals, detail: false, since };
    let paid = calculate(opened, &tables, &periods, depth(periods.start), ui)?;
    let their_paid = calculate(&theirs, &their_tables, &their_periods, depth(their_periods.start), ui)?;
    let before = Side::of(opened, &tables, &paid);
    let after = Side::of(&theirs, &their_tables, &their_paid);
    let table = table(&before, &after)?;
    let changes = table.frame.height();
    command::finish(&table, "spm.diff/1", global, ui)?;
    ui.status(&format!("{changes} line(s) differ"));
    Ok(if changes == 0 { exit::DONE } else { exit::NO })
}

fn read(opened: &Opened, period: &str, global: &Global, ui: &Ui) -> Result<(Tables, Range<usize>), Failure> {
    let periods = opened.periods(period)?;
    Ok((load(opened, &periods, None, global, ui)?, periods))
}

/// The two sides and the credits of everybody whose lines differ.
struct Comparison<'c> {
    before: &'c Side<'c>,
    after: &'c Side<'c>,
    old: BTreeMap<CreditKey, Rational>,
    new: BTreeMap<CreditKey, Rational>,
}

impl Comparison<'_> {
    /// Why a line differs: clauses of the plan that decide what counts, what the explanation rests on, rows.
    fn cause(&self, key: &Key) -> String {
        let (old, new) = (self.before.lines.get(key), self.after.lines.get(key));
        let mut causes = Vec::new();
        let plan = |side: &Side<'_>, line: Option<&Line<'_>>| {
            line.and_then(|line| line.plans.last()).map(|plan| side.paid[*plan].plan.id.clone())
        };
        match (plan(self.before, old), plan(self.after, new)) {
            (Some(plan), None) => causes.push(format!("{plan} pays it, nothing does in the other project")),
            (None, Some(plan)) => {
                causes.push(format!("{plan} of the other project pays it, nothing does here"));
            }
            _ => {}
        }
        if let (Some(old), Some(new)) = (old, new) {
            if let ([a], [b]) = (old.plans.as_slice(), new.plans.as_slice()) {
                let (a, b) = (self.before.paid[*a].plan, self.after.paid[*b].plan);
                causes.extend(difference::clauses(a, b, &key.2));
            }
            causes.extend(difference::inputs(&old.traces, &new.traces));
        }
        causes.extend(self.rows(key));
        if causes.is_empty() {
            causes.push("rules of the plan, or what others in the team have reached".to_owned());
        }
        let more = causes.len().saturating_sub(NAMED_MAX);
        causes.truncate(NAMED_MAX);
        if more > 0 {
            causes.push(format!("{more} more"));
        }
        causes.join("; ")
    }

    /// Credits that are not the same, with the rows they come from.
    fn rows(&self, key: &Key) -> Vec<String> {
        if key.2 == PAYMENT {
            return vec![];
        }
        let mut texts = Vec::new();
        let keys: BTreeSet<&CreditKey> = self.old.keys().chain(self.new.keys()).collect();
        for credit in keys {
            let (payee, period, rule, transaction) = credit;
            let (was, is) = (self.old.get(credit), self.new.get(credit));
            let concerns = payee == &key.0 && was != is && self.concerns(key, period, rule);
            if !concerns {
                continue;
            }
            let about = format!("transaction {transaction} ({rule})");
            let at = |side: &Side<'_>| {
                let id = transaction.split('/').next().unwrap_or_default();
                let rows = origin_of(side.tables, id).join(", ");
                if rows.is_empty() { "no row".to_owned() } else { rows }
            };
            texts.push(match (was, is) {
                (Some(was), Some(is)) => format!(
                    "{about} counts {} instead of {} [{}]",
                    is.to_decimal_text(),
                    was.to_decimal_text(),
                    at(self.after)
                ),
                (None, Some(is)) => {
                    format!("{about} counts {} [{}]", is.to_decimal_text(), at(self.after))
                }
                (Some(was), None) => {
                    format!(
                        "{about} counts no longer, it was {} [{}]",
                        was.to_decimal_text(),
                        at(self.before)
                    )
                }
                (None, None) => continue,
            });
        }
        texts
    }

    /// Whether a credit of a rule and a period goes into a line.
    fn concerns(&self, key: &Key, period: &str, rule: &str) -> bool {
        let in_side = |side: &Side<'_>| {
            let Some(line) = side.lines.get(key) else { return false };
            let calendar = &side.opened.project.calendar;
            let Some(index) = calendar.index_of(period) else { return false };
            line.plans.iter().any(|plan| {
                let plan = side.paid[*plan].plan;
                let back = difference::looks_back(plan, &key.2);
                let year = calendar.group(key.1, Group::Year).start;
                let inside = if back { (year..=key.1).contains(&index) } else { index == key.1 };
                inside && difference::credits_of(plan, &key.2).contains(rule)
            })
        };
        in_side(self.before) || in_side(self.after)
    }
}

fn table(before: &Side<'_>, after: &Side<'_>) -> Result<Table, Failure> {
    let amount = |side: &Side<'_>, key: &Key| {
        side.lines.get(key).map_or_else(Rational::zero, |line| line.amount.clone())
    };
    let keys: BTreeSet<&Key> = before.lines.keys().chain(after.lines.keys()).collect();
    let keys: Vec<&Key> = keys.into_iter().filter(|key| amount(before, key) != amount(after, key)).collect();
    let payees: BTreeSet<&str> = keys.iter().map(|key| key.0.as_str()).collect();
    let comparison =
        Comparison { before, after, old: before.credits(&payees)?, new: after.credits(&payees)? };
    let line = |key: &Key| before.lines.get(key).or_else(|| after.lines.get(key));
    let decimals = keys.iter().filter_map(|key| line(key)).map(|line| line.decimals).max().unwrap_or(0);
    let units = |value: Rational| {
        round_to_decimals(&value, decimals, Rounding::default()).and_then(|units| i64::try_from(units).ok())
    };
    let names = |key: &Key| {
        let side = if before.lines.contains_key(key) { before } else { after };
        side.opened.project.calendar.periods()[key.1].name.clone()
    };
    let periods: Vec<String> = keys.iter().map(|key| names(key)).collect();
    let causes: Vec<String> = keys.iter().map(|key| comparison.cause(key)).collect();
    Ok(Builder::default()
        .text("payee_id", keys.iter().map(|key| Some(key.0.as_str())))
        .text("period", periods.iter().map(|name| Some(name.as_str())))
        .text("component", keys.iter().map(|key| Some(key.2.as_str())))
        .text("currency", keys.iter().map(|key| Some(key.3.as_str())))
        .number("before", decimals, keys.iter().map(|key| units(amount(before, key))))
        .number("after", decimals, keys.iter().map(|key| units(amount(after, key))))
        .number(
            "difference",
            decimals,
            keys.iter().map(|key| units(&amount(after, key) - &amount(before, key))),
        )
        .text("cause", causes.iter().map(|cause| Some(cause.as_str())))
        .table()?)
}
