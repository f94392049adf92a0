//! Rows of a quota plan: who gets a quota, where they stand, what they sold, could sell, had and can carry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polars::prelude::*;
use spm_core::engine::quota::{HolderId, Row, Seat};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::period::{Calendar, Date, DateRange, epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::expression::Expression;
use spm_core::plan::quotas::{History, LastQuota, Levels, Method, Potential, QuotaPlan, Sold};

use crate::history::on_day;
use crate::load::Tables;
use crate::people::check_managers;
use crate::planning::{in_days, internal, kept, numbers, table, texts};
use crate::quota::quotas;
use crate::series::one_currency;
use crate::table::Table;

/// The salespeople of a plan, sorted by identifier, for a plan with lines once for each of them; warnings go to the sink.
/// People are as reps and rep_history have them on the day of the plan's `managers`, or else on its first day; from an
/// adjustment on, on the first open day, `from`.
pub fn seats(
    plan: &QuotaPlan,
    tables: &Tables,
    calendar: &Calendar,
    currency: &str,
    from: Option<Date>,
    sink: &mut Sink,
) -> Result<Vec<Seat>, Diagnostic> {
    let first = plan.phasing.iter().filter_map(|phase| calendar.index_of(&phase.period)).min();
    let first = first.map(|index| calendar.periods()[index].range.from);
    let day = match &plan.levels {
        Levels::Managers(day) => Some(*day),
        Levels::Columns(_) => from.or(first),
    };
    let reps = table(tables, "reps", &plan.place)?;
    let reps = match day {
        Some(day) => on_day(tables, reps, day).map_err(|error| internal(&error, &plan.place))?,
        None => reps.clone(),
    };
    if plan.lines.is_empty() {
        return seats_of(plan, tables, &reps, calendar, currency, sink);
    }
    let mut all = Vec::new();
    for (position, line) in plan.lines.iter().enumerate() {
        let seats = seats_of(&line.own, tables, &reps, calendar, currency, sink)?;
        all.extend(seats.into_iter().map(|seat| Seat { line: Some(position), ..seat }));
    }
    if let Some(sold) = plan.sold() {
        let sum = |sold: &Sold| -> Result<Rational, Diagnostic> {
            Ok(sold_by(sold, tables, money(plan, currency), &plan.place)?.values().sum())
        };
        let lines: Vec<Rational> =
            plan.lines.iter().filter_map(|line| line.own.sold()).map(sum).collect::<Result<_, _>>()?;
        let (whole, lines) = (sum(sold)?, lines.iter().sum::<Rational>());
        if whole != lines {
            let (whole, lines) = (whole.to_decimal_text(), lines.to_decimal_text());
            let message =
                format!("the lines of plan `{}` have a history of {lines}, all of it is {whole}", plan.id);
            let fault =
                Diagnostic::warning(Code::SPM422, message).at(Place::Text(plan.clause("line").clone()), "");
            sink.push(
                fault.hint(
                    "let every sale be `where` one line is, or keep it out with `where` of the history",
                ),
            );
        }
    }
    Ok(all)
}

/// The salespeople of a plan, or of one of its lines.
fn seats_of(
    plan: &QuotaPlan,
    tables: &Tables,
    everybody: &Table,
    calendar: &Calendar,
    currency: &str,
    sink: &mut Sink,
) -> Result<Vec<Seat>, Diagnostic> {
    let place = &plan.place;
    // Canonical tables are in the order of their key, and stay in it when rows are left out.
    let reps = kept(everybody, plan.eligible.as_ref(), place)?;
    let column = |expression: Option<&Expression>| -> Result<Vec<Option<Rational>>, Diagnostic> {
        let Some(expression) = expression else { return Ok(vec![]) };
        let (values, decimals) = numbers(&reps, expression, place)?;
        let exact = |units: Option<i64>| units.map(|units| Rational::from_scaled(units.into(), decimals));
        Ok(values.into_iter().map(exact).collect())
    };
    let ids: Vec<String> = texts(&reps, "rep_id").into_iter().flatten().collect();
    let by_holder = |sums: BTreeMap<String, Rational>| -> Vec<Option<Rational>> {
        ids.iter().map(|id| Some(sums.get(id).cloned().unwrap_or_default())).collect()
    };
    // A column that the plan does not ask for is empty.
    let mut history = match &plan.history {
        Some(History::Value(value)) => column(Some(value))?,
        Some(History::Transactions(sold)) => {
            let sums = sold_by(sold, tables, money(plan, currency), place)?;
            sink_unheld(&sums, &ids, plan, sink);
            let mut sold = by_holder(sums);
            refunded(&ids, &mut sold, plan, sink);
            sold
        }
        None => vec![],
    };
    let mut potential = match &plan.potential {
        Some(Potential::Value(value)) => column(Some(value))?,
        Some(Potential::Accounts(value, by)) => by_holder(summed_accounts(value, by, plan, tables, sink)?),
        None => vec![],
    };
    let mut last_quota = match &plan.last_quota {
        Some(LastQuota::Value(value)) => column(Some(value))?,
        Some(LastQuota::Periods(periods)) => {
            let (sums, end) = last_quotas(periods, plan, tables, calendar)?;
            // Who came later had no quota then.
            let later = |row: usize| reps.days("hire_date").and_then(|days| days.get(row)) >= Some(end);
            let known = |(row, id): (usize, &String)| {
                sums.get(id).cloned().or_else(|| later(row).then(Rational::zero))
            };
            ids.iter().enumerate().map(known).collect()
        }
        None => vec![],
    };
    let mut weight = column(if let Method::Weight(weight) = &plan.method { Some(weight) } else { None })?;
    let (mut least, mut most) = (column(plan.least.as_ref())?, column(plan.most.as_ref())?);
    let mut bottom_up = column(plan.bottom_up.as_ref().map(|own| &own.value))?;
    let column_or = "give it in the extract, or say what stands in: COALESCE(column, ...)";
    let row_or = "give each of them a row with an amount in the table quotas; 0 says that it was nothing";
    let last = if matches!(plan.last_quota, Some(LastQuota::Periods(_))) { row_or } else { column_or };
    for (stated, key, what, values, hint) in [
        (plan.history.is_some(), "history", "history", &history, column_or),
        (plan.potential.is_some(), "potential", "potential", &potential, column_or),
        (plan.last_quota.is_some(), "last_quota", "last quota", &last_quota, last),
        (plan.bottom_up.is_some(), "bottom_up", "amount from below", &bottom_up, column_or),
        (matches!(plan.method, Method::Weight(_)), "weight", "weight", &weight, column_or),
    ] {
        let empty = ids.iter().zip(values).filter(|(_, value)| stated && value.is_none());
        let empty: Vec<&str> = empty.map(|(id, _)| id.as_str()).collect();
        if let Some(whom) = named(&empty) {
            let message = format!("the {what} of {whom} is empty and counts as zero");
            let fault = Diagnostic::warning(Code::SPM424, message);
            sink.push(fault.at(Place::Text(plan.clause(key).clone()), "").hint(hint));
        }
    }
    let mut above = above(plan, tables, everybody, &reps, &ids, sink)?;
    let (hired, left) = (reps.days("hire_date"), reps.days("end_date"));
    let day = |days: Option<&Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
    let mut absences = absences(tables);
    let take = |column: &mut [Option<Rational>], row: usize| column.get_mut(row).and_then(Option::take);
    let mut seat = |(row, id): (usize, String)| Seat {
        line: None,
        above: std::mem::take(&mut above[row]),
        history: take(&mut history, row),
        potential: take(&mut potential, row),
        last_quota: take(&mut last_quota, row),
        weight: take(&mut weight, row),
        least: take(&mut least, row),
        most: take(&mut most, row),
        bottom_up: take(&mut bottom_up, row),
        hired: day(hired, row),
        left: day(left, row),
        leaves: absences.remove(&id).unwrap_or_default(),
        id,
    };
    Ok(ids.into_iter().enumerate().map(&mut seat).collect())
}

/// The rows of a result of `spm quotas allocate` or `adjust`, each with its measure. Rows without holder, period or amount
/// are none of it and left out.
#[must_use]
pub fn standing(table: &Table) -> Vec<(String, Row)> {
    let columns = ["holder_id", "level", "parent_id", "measure", "period"]
        .map(|column| texts(table, column).into_iter());
    let [holders, levels, parents, measures, periods] = columns;
    let decimals = table.decimals("amount");
    let amounts = table.numbers("amount").map(|amounts| amounts.to_vec()).unwrap_or_default();
    let rows = holders.zip(levels).zip(parents).zip(measures).zip(periods).zip(amounts);
    rows.filter_map(|(((((holder, level), parent), measure), period), amount)| {
        let row = Row {
            holder: HolderId::from(holder?.as_str()),
            level: level.unwrap_or_default(),
            parent: parent.map(|parent| HolderId::from(parent.as_str())),
            period: period?,
            amount: Rational::from_scaled(amount?.into(), decimals),
        };
        Some((measure?, row))
    })
    .collect()
}

/// Holder of what was sold without one: by nobody, to an account that is not known, or that nobody has.
const NOBODY: &str = "(no holder)";

/// What was sold, by salesperson, in one currency when the measure is money.
fn sold_by(
    sold: &Sold,
    tables: &Tables,
    currency: Option<&str>,
    place: &TextPlace,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let transactions = kept(table(tables, "transactions", place)?, sold.condition.as_ref(), place)?;
    let transactions = kept(&transactions, sold.line.as_ref(), place)?;
    let frame = transactions.frame.clone().lazy().filter(in_days(sold.days)).collect();
    let transactions = Table { frame: frame.map_err(|error| internal(&error, place))?, ..transactions };
    if let Some(currency) = currency {
        one_currency(&transactions, currency, place)?;
    }
    let key = if sold.by.is_some() { "account_id" } else { "rep_id" };
    let (values, decimals) = numbers(&transactions, &sold.amount, place)?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let mut all = 0;
    for (key, value) in texts(&transactions, key).into_iter().zip(values) {
        let value = i128::from(value.unwrap_or(0));
        all += value;
        if let Some(key) = key {
            *sums.entry(key).or_default() += value;
        }
    }
    if let Some(column) = &sold.by {
        let accounts = table(tables, "accounts", place)?;
        let mut owners: BTreeMap<String, i128> = BTreeMap::new();
        for (account, owner) in texts(accounts, "account_id").into_iter().zip(texts(accounts, column)) {
            if let (Some(account), Some(owner)) = (account, owner) {
                *owners.entry(owner).or_default() += sums.get(&account).copied().unwrap_or(0);
            }
        }
        sums = owners;
    }
    let lost = all - sums.values().sum::<i128>();
    if lost != 0 {
        sums.insert(NOBODY.to_owned(), lost);
    }
    Ok(sums.into_iter().map(|(id, units)| (id, Rational::from_scaled(units, decimals))).collect())
}

/// The currency that history has to be in: the project's, unless the measure is no money.
fn money<'a>(plan: &QuotaPlan, currency: &'a str) -> Option<&'a str> {
    plan.decimals.is_none().then_some(currency)
}

/// A warning about history that belongs to no seat.
fn sink_unheld(sums: &BTreeMap<String, Rational>, ids: &[String], plan: &QuotaPlan, sink: &mut Sink) {
    let lost: Vec<(&String, &Rational)> =
        sums.iter().filter(|(id, sum)| !sum.is_zero() && ids.binary_search(id).is_err()).collect();
    let Some((first, _)) = lost.first() else { return };
    let amount = lost.iter().map(|(_, sum)| *sum).sum::<Rational>().to_decimal_text();
    let whom = match lost.len() {
        1 => format!("{first}, who gets"),
        count => format!("{count} holders, such as {first}, who get"),
    };
    let message = format!("{amount} of the history belongs to {whom} no quota of plan `{}`", plan.id);
    let fault =
        Diagnostic::warning(Code::SPM422, message).at(Place::Text(plan.clause("history").clone()), "");
    sink.push(
        fault.hint("it counts for nobody; name their successors with `by`, or keep it out with `where`"),
    );
}

/// Who has more refunds than sales sold nothing, with a warning.
fn refunded(ids: &[String], sold: &mut [Option<Rational>], plan: &QuotaPlan, sink: &mut Sink) {
    let mut found = vec![];
    for (id, sold) in ids.iter().zip(sold) {
        if sold.as_ref().is_some_and(Rational::is_negative) {
            *sold = Some(Rational::zero());
            found.push(id.as_str());
        }
    }
    let Some(whom) = named(&found) else { return };
    let message = format!("the history of {whom} is below zero, by refunds, and counts as zero");
    let fault = Diagnostic::warning(Code::SPM424, message);
    let fault = fault.at(Place::Text(plan.clause("history").clone()), "");
    sink.push(fault.hint("keep refunds of earlier sales out with `where`, or give the history as a `value`"));
}

/// What everybody together sold in the days that each phase of the plan is like.
pub fn sold_in(
    plan: &QuotaPlan,
    seasons: &[Vec<DateRange>],
    tables: &Tables,
    currency: &str,
) -> Result<Vec<Rational>, Diagnostic> {
    let Some(sold) = plan.sold() else { return Ok(vec![]) };
    let in_days = |days: &DateRange| -> Result<Rational, Diagnostic> {
        let own = Sold { days: *days, ..sold.clone() };
        Ok(sold_by(&own, tables, money(plan, currency), &plan.place)?.values().sum())
    };
    seasons.iter().map(|season| season.iter().map(in_days).sum()).collect()
}

/// An expression over accounts, summed by a column of accounts.
fn summed_accounts(
    value: &Expression,
    by: &str,
    plan: &QuotaPlan,
    tables: &Tables,
    sink: &mut Sink,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let accounts = table(tables, "accounts", &plan.place)?;
    let (values, decimals) = numbers(accounts, value, &plan.place)?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let mut empty = Vec::new();
    for (row, (owner, value)) in texts(accounts, by).into_iter().zip(values).enumerate() {
        match (owner, value) {
            (Some(owner), Some(value)) => *sums.entry(owner).or_default() += i128::from(value),
            (Some(_), None) => empty.push(row),
            (None, _) => {}
        }
    }
    if let Some(row) = empty.first() {
        let names = accounts.texts("account_id");
        let first = names.and_then(|names| names.get(*row)).unwrap_or_default();
        let message = match empty.len() {
            1 => format!("the potential of account {first} is empty and counts as zero"),
            count => {
                format!("the potential of {count} accounts, such as {first}, is empty and counts as zero")
            }
        };
        let fault = Diagnostic::warning(Code::SPM424, message);
        let fault = fault.at(Place::Text(plan.clause("potential").clone()), "");
        sink.push(fault.hint("give it in the extract, or say what stands in: COALESCE(column, ...)"));
    }
    Ok(sums.into_iter().map(|(id, units)| (id, Rational::from_scaled(units, decimals))).collect())
}

/// Quotas of some periods, summed by holder, and the first day after these periods. Where the table has quotas, but none of
/// this measure in these periods, what the plan asks for is lost.
fn last_quotas(
    periods: &[String],
    plan: &QuotaPlan,
    tables: &Tables,
    calendar: &Calendar,
) -> Result<(BTreeMap<String, Rational>, i32), Diagnostic> {
    let rows = table(tables, "quotas", &plan.place)?.frame.height();
    let clause = || Place::Text(plan.clause("last_quota").clone());
    let mut chosen = Vec::new();
    for period in periods {
        let found = calendar
            .resolve(period)
            .map_err(|error| Diagnostic::error(Code::SPM012, error.0).at(clause(), ""))?;
        chosen.extend(found);
    }
    let mut sums: BTreeMap<String, Rational> = BTreeMap::new();
    // Faults of the table are reported by `spm check` and by everything that pays.
    let mut measures = BTreeSet::new();
    for ((PayeeId(holder), measure, period), amount) in quotas(tables, calendar, &mut Sink::default()) {
        if measure == plan.measure && chosen.contains(&period) {
            *sums.entry(holder).or_default() += &amount;
        }
        measures.insert(measure);
    }
    if sums.is_empty() && rows > 0 {
        let periods = periods.join(", ");
        let message = format!("the table quotas has no quota `{}` in {periods}", plan.measure);
        let fault = Diagnostic::error(Code::SPM404, message).at(clause(), "");
        let known: Vec<String> = measures.into_iter().collect();
        return Err(fault.hint(match known.as_slice() {
            [] => "fill the column amount, or leave out `last_quota`".to_owned(),
            known if known.contains(&plan.measure) => "name the periods of the last quotas".to_owned(),
            known => format!(
                "its quotas are: {}; map the column measure under [sources.quotas.columns], or set `measure` of the plan",
                known.join(", ")
            ),
        }));
    }
    let ends = chosen.iter().map(|period| epoch_day(calendar.periods()[*period].range.to));
    Ok((sums, ends.max().unwrap_or(i32::MIN)))
}

/// Absences by person.
pub(crate) fn absences(tables: &Tables) -> BTreeMap<String, Vec<(i32, i32, Rational)>> {
    let mut found: BTreeMap<String, Vec<(i32, i32, Rational)>> = BTreeMap::new();
    let Some(leaves) = tables.get("leaves") else { return found };
    let (Some(ids), Some(from), Some(to)) = (leaves.texts("rep_id"), leaves.days("from"), leaves.days("to"))
    else {
        return found;
    };
    let (relief, decimals) = (leaves.numbers("relief"), leaves.decimals("relief"));
    for row in 0..leaves.frame.height() {
        if let (Some(id), Some(from), Some(to)) = (ids.get(row), from.get(row), to.get(row)) {
            let units = relief.and_then(|relief| relief.get(row));
            let relief =
                units.map_or_else(Rational::one, |units| Rational::from_scaled(units.into(), decimals));
            found.entry(id.to_owned()).or_default().push((from, to, relief));
        }
    }
    found
}

/// Who is meant, by the first of several names.
fn named(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some((*one).to_owned()),
        [first, ..] => Some(format!("{} people, such as {first},", names.len())),
    }
}

/// The holders above each person, the uppermost first.
fn above(
    plan: &QuotaPlan,
    tables: &Tables,
    everybody: &Table,
    reps: &Table,
    ids: &[String],
    sink: &mut Sink,
) -> Result<Vec<Arc<[Option<String>]>>, Diagnostic> {
    let day = match &plan.levels {
        Levels::Columns(columns) => {
            let mut columns: Vec<_> =
                columns.iter().map(|level| reps.texts(level).map(|texts| texts.iter())).collect();
            let mut paths: PlHashMap<Vec<Option<&str>>, Arc<[Option<String>]>> = PlHashMap::default();
            let mut path = Vec::with_capacity(columns.len());
            let mut row = |_: usize| {
                path.clear();
                path.extend(columns.iter_mut().map(|column| column.as_mut()?.next().flatten()));
                if let Some(known) = paths.get(&path) {
                    return known.clone();
                }
                let own: Arc<[_]> = path.iter().map(|name| name.map(str::to_owned)).collect();
                paths.insert(path.clone(), own.clone());
                own
            };
            return Ok((0..ids.len()).map(&mut row).collect());
        }
        Levels::Managers(day) => *day,
    };
    let managers = managers(tables, everybody, day);
    let chain = |id: &String| {
        let mut chain: Vec<Option<String>> = Vec::new();
        let mut next = managers.get(id);
        while let Some(manager) = next {
            if manager == id || chain.iter().any(|own| own.as_ref() == Some(manager)) {
                // Who is in the loop, and in which row, is what `spm check` says.
                let mut found = Sink::default();
                check_managers(tables, &mut found);
                let message = format!("{id}: the chain of managers comes back to {manager}");
                let own = || Diagnostic::error(Code::SPM405, message).hint("correct who reports to whom");
                let fault = found.faults().first().cloned().unwrap_or_else(own);
                return Err(fault.at(Place::Text(plan.clause("managers").clone()), "the managers of"));
            }
            chain.push(Some(manager.clone()));
            next = managers.get(manager);
        }
        chain.reverse();
        Ok(chain)
    };
    let chains: Vec<Vec<Option<String>>> = ids.iter().map(chain).collect::<Result<_, _>>()?;
    let known: BTreeSet<&str> =
        everybody.texts("rep_id").into_iter().flat_map(|ids| ids.iter().flatten()).collect();
    let leading: BTreeSet<&str> = chains.iter().flatten().flatten().map(String::as_str).collect();
    let unknown: Vec<&str> = leading.iter().copied().filter(|id| !known.contains(id)).collect();
    let mut warn = |message: String, hint: &str| {
        let fault = Diagnostic::warning(Code::SPM424, message);
        sink.push(fault.at(Place::Text(plan.clause("managers").clone()), "").hint(hint));
    };
    if let Some(whom) = named(&unknown) {
        let message = format!("{whom} is a manager with a team and a quota, but not in the table reps");
        warn(message, "correct manager_id, or add the manager to reps");
    }
    let alone: Vec<&str> = ids
        .iter()
        .zip(&chains)
        .filter(|(id, chain)| chain.is_empty() && !leading.is_empty() && !leading.contains(id.as_str()))
        .map(|(id, _)| id.as_str())
        .collect();
    if let Some(whom) = named(&alone) {
        let message = format!(
            "{whom} has no manager on {day} and stands directly below the company, with its over-assignment only"
        );
        warn(message, "give a manager_id, or leave them out with `eligible`");
    }
    let mut held: PlHashMap<Vec<Option<String>>, Arc<[Option<String>]>> = PlHashMap::default();
    let mut hold = |chain: Vec<Option<String>>| {
        held.entry(chain).or_insert_with_key(|chain| chain.as_slice().into()).clone()
    };
    Ok(chains.into_iter().map(&mut hold).collect())
}

/// Who reports to whom on a day; somebody who is their own manager has nobody above. `everybody` is reps as of that day.
fn managers(tables: &Tables, everybody: &Table, day: Date) -> BTreeMap<String, String> {
    let (source, today) = match tables.get("hierarchy") {
        Some(hierarchy) => (hierarchy, Some(epoch_day(day))),
        None => (everybody, None),
    };
    let (from, to) = (source.days("from"), source.days("to"));
    let bound = |days: Option<&Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
    let holds = |row: usize| {
        today.is_none_or(|today| {
            bound(from, row).is_none_or(|from| from <= today) && bound(to, row).is_none_or(|to| today < to)
        })
    };
    let pairs = texts(source, "rep_id").into_iter().zip(texts(source, "manager_id")).enumerate();
    let pairs = pairs.filter(|(row, _)| holds(*row));
    let pair = |(_, (id, manager)): (usize, (Option<String>, Option<String>))| Some((id?, manager?));
    pairs.filter_map(pair).filter(|(id, manager)| id != manager).collect()
}
