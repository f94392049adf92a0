//! What a plan would find empty and pay nothing for, so that `spm check` tells it before a run does.

use std::collections::{BTreeMap, BTreeSet};

use spm_core::engine::comp::Payee;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::id::PayeeId;
use spm_core::ground::period::{Calendar, Date, Group, from_epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::{
    CompPlan, CreditRule, Direct, GoalFrom, Measure, Needed, Recipient, Team, Window,
};
use spm_core::plan::contract::OWN_QUOTA;

use crate::credit::payees;
use crate::intake::place;
use crate::load::Tables;
use crate::quota::{near, quotas};

/// Quotas by holder, name and leaf period.
type Quotas = BTreeMap<(PayeeId, String, usize), Rational>;

/// How many people and periods a message names.
const NAMED: usize = 3;

/// Warns of empty cells, missing quotas and events that never come, for the people of a plan.
pub fn check(plan: &CompPlan, tables: &Tables, calendar: &Calendar, sink: &mut Sink) {
    // Other faults of people and quotas are told elsewhere.
    let Some(payees) = payees(plan, tables, &mut Sink::default()) else { return };
    check_cells(plan, &payees, sink);
    check_tables(plan, tables, sink);
    let found = quotas(tables, calendar, &mut Sink::default());
    let holders: BTreeSet<(&str, &str, usize)> =
        found.keys().map(|(holder, name, period)| (holder.as_str(), name.as_str(), *period)).collect();
    let names: BTreeSet<&str> = found.keys().map(|(_, name, _)| name.as_str()).collect();
    let any = tables.rows("quotas") > 0;
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for measure in &plan.measures {
        let Some(goal) = &measure.goal else { continue };
        let GoalFrom::Quota(name) = &goal.from else { continue };
        if !names.contains(name.as_str()) {
            // A table that is still empty is not a wrong name.
            if any && told.insert(name) {
                no_such_quota(measure, name, tables, calendar, sink);
            }
            continue;
        }
        check_quotas(plan, measure, name, &payees, &holders, calendar, sink);
        if basis_is_one_period(measure) {
            check_zero_quotas(measure, name, &payees, &found, calendar, sink);
        }
    }
    check_releases(plan, tables, sink);
    check_holders(plan, tables, sink);
}

/// Whether a goal is that of one period, so that no other makes up for one of nothing.
fn basis_is_one_period(measure: &Measure) -> bool {
    measure.window == Window::Period && measure.goal.as_ref().is_some_and(|goal| goal.basis.is_none())
}

/// Warns of what a plan asks of a table or column that the project does not have, so that it changes nothing.
fn check_tables(plan: &CompPlan, tables: &Tables, sink: &mut Sink) {
    if let (Some(place), Some(reps)) = (&plan.pay_currency, tables.get("reps"))
        && reps.column("currency").is_none()
    {
        let message = "reps has no column `currency`: everybody is paid in the currency of the plan";
        let fault = Diagnostic::warning(Code::SPM411, message).at(Place::Text(place.clone()), "");
        sink.push(fault.hint("map `currency` in [sources.reps], or remove pay_currency"));
    }
    let tenure = [
        (
            "the ramp",
            plan.measures.iter().any(|measure| measure.goal.as_ref().is_some_and(|goal| goal.ramp.is_some())),
        ),
        (
            "`months` of the draw or guarantee",
            plan.guarantee.as_ref().is_some_and(|own| own.months.is_some()),
        ),
        ("`months` of the draw or guarantee", plan.draw.as_ref().is_some_and(|own| own.months.is_some())),
        ("`recovery_from` of the draw", plan.draw.as_ref().is_some_and(|own| own.recovery_from > 1)),
    ];
    if let (Some((what, _)), Some(reps), Some(credit)) =
        (tenure.iter().find(|(_, says)| *says), tables.get("reps"), plan.credits.first())
        && reps.column("hire_date").is_none()
    {
        let message = format!(
            "reps has no column `hire_date`: {what} of plan `{}` counts months from nothing",
            plan.id
        );
        let place = Place::File(credit.place.source.path().to_owned());
        let fault = Diagnostic::warning(Code::SPM411, message).at(place, "");
        sink.push(fault.hint("map `hire_date` in [sources.reps]"));
    }
    let shared = |rule: &&CreditRule| {
        let (Recipient::Direct(direct) | Recipient::Managers { of: direct, .. }) = &rule.recipient;
        matches!(direct, Direct::Splits(None))
    };
    if tables.get("splits").is_none()
        && let Some(rule) = plan.credits.iter().find(shared)
    {
        let message =
            format!("there is no table `splits`: credit `{}` goes to the rep of the transaction", rule.name);
        let fault = Diagnostic::warning(Code::SPM411, message).at(Place::Text(rule.place.clone()), "");
        sink.push(fault.hint("add [sources.splits] to spm.toml, or set to = \"rep\""));
    }
}

/// Warns of a territory that several people hold on a day, who are credited with more than all of it together.
fn check_holders(plan: &CompPlan, tables: &Tables, sink: &mut Sink) {
    let by_territory = |rule: &&CreditRule| {
        let (Recipient::Direct(direct) | Recipient::Managers { of: direct, .. }) = &rule.recipient;
        matches!(direct, Direct::Territory)
    };
    let Some(rule) = plan.credits.iter().find(by_territory) else { return };
    let Some(table) = tables.get("assignments") else { return };
    let (Some(territories), Some(people)) = (table.texts("territory_id"), table.texts("rep_id")) else {
        return;
    };
    let (starts, ends, shares) = (table.days("from"), table.days("to"), table.numbers("share"));
    let unit = 10i64.pow(table.decimals("share"));
    let day = |days: Option<&polars::prelude::Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, territory) in territories.iter().enumerate() {
        rows.entry(territory.unwrap_or_default()).or_default().push(row);
    }
    let mut found: Vec<(&str, i32, Vec<usize>)> = Vec::new();
    for (territory, rows) in rows {
        for row in &rows {
            let on = day(starts, *row).unwrap_or(i32::MIN);
            let holds = |row: &usize| {
                day(starts, *row).is_none_or(|from| from <= on) && day(ends, *row).is_none_or(|to| on < to)
            };
            let holders: Vec<usize> = rows.iter().copied().filter(holds).collect();
            let share = |row: &usize| shares.and_then(|shares| shares.get(*row)).unwrap_or(unit);
            if holders.iter().map(share).sum::<i64>() > unit {
                found.push((territory, on, holders));
                break;
            }
        }
    }
    let Some((territory, on, holders)) = found.first() else { return };
    let names: Vec<&str> = holders.iter().filter_map(|row| people.get(*row)).collect();
    let since = from_epoch_day(*on).map_or_else(String::new, |day| format!(" from {day} on"));
    let message = format!(
        "{} territory(ies) have holders who are credited with more than all of it together, such as {territory}, which {} hold{since}",
        found.len(),
        some(&names)
    );
    let fault = Diagnostic::warning(Code::SPM111, message)
        .at(place(table, holders[0], Some("territory_id")), "")
        .at(Place::Text(rule.place.clone()), "this credit");
    sink.push(fault.hint("end one row where the other begins, or give each a `share`"));
}

/// No quota of this name is in a period of the calendar: the name is another one, or the periods are.
fn no_such_quota(measure: &Measure, name: &str, tables: &Tables, calendar: &Calendar, sink: &mut Sink) {
    let Some(table) = tables.get("quotas") else { return };
    let column = table.texts("measure");
    let named = |row: usize| column.and_then(|column| column.get(row)).unwrap_or("quota");
    let rows = 0..table.frame.height();
    let Some(row) = rows.clone().find(|row| named(*row) == name) else {
        let message = format!("no quota has the name `{name}`, so `{}` has no goal", measure.name);
        let fault = Diagnostic::warning(Code::SPM401, message).at(Place::Text(measure.place.clone()), "");
        let all: BTreeSet<&str> = rows.map(named).collect();
        sink.push(fault.hint(match suggestion(name, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!(
                "the column `measure` of quotas has: {}",
                all.into_iter().collect::<Vec<_>>().join(", ")
            ),
        }));
        return;
    };
    let written = table.texts("period").and_then(|periods| periods.get(row)).unwrap_or_default();
    let of = if written.is_empty() { String::new() } else { format!(", such as `{written}`") };
    let message = format!(
        "the quotas `{name}` are in no period of the calendar{of}, so `{}` has no goal",
        measure.name
    );
    let fault = Diagnostic::warning(Code::SPM401, message)
        .at(Place::Text(measure.place.clone()), "")
        .at(place(table, row, None), "the first of them");
    sink.push(fault.hint(match near(calendar, written) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "map `period` to a period of the calendar, or `date` to a day in one".to_owned(),
    }));
}

/// Somebody in the plan whose cell is empty is paid as if it said nothing.
fn check_cells(plan: &CompPlan, payees: &[Payee], sink: &mut Sink) {
    let mut told: BTreeSet<(&str, String)> = BTreeSet::new();
    for needed in plan.needed() {
        if needed.is_whole {
            check_sign(&needed, payees, sink);
        }
        let empty = |payee: &&Payee| {
            !payee.numbers.contains_key(needed.column)
                && !payee.texts.contains_key(needed.column)
                && !payee.versions.iter().any(|version| {
                    version.numbers.contains_key(needed.column) || version.texts.contains_key(needed.column)
                })
        };
        let empty: Vec<&str> = payees.iter().filter(empty).map(|payee| payee.id.as_str()).collect();
        if empty.is_empty() || !told.insert((needed.column, needed.what.clone())) {
            continue;
        }
        let message =
            format!("`{}` of {} is empty, and {} needs it", needed.column, some(&empty), needed.what);
        let fault = Diagnostic::warning(Code::SPM411, message).at(Place::Text(needed.place.clone()), "");
        sink.push(fault.hint(
            "complete reps, exclude them with `eligible`, or say what an empty cell is: { column = \"...\", otherwise = \"0\" }, in sql COALESCE(..., 0)",
        ));
    }
}

/// A rate, cap or prize below zero would be paid as a debt.
fn check_sign(needed: &Needed<'_>, payees: &[Payee], sink: &mut Sink) {
    let is_below =
        |numbers: &BTreeMap<String, Rational>| numbers.get(needed.column).is_some_and(Rational::is_negative);
    let below = |payee: &&Payee| {
        is_below(&payee.numbers) || payee.versions.iter().any(|version| is_below(&version.numbers))
    };
    let below: Vec<&str> = payees.iter().filter(below).map(|payee| payee.id.as_str()).collect();
    if !below.is_empty() {
        let message =
            format!("`{}` of {} is below zero, and {} pays by it", needed.column, some(&below), needed.what);
        let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(needed.place.clone()), "");
        sink.push(fault.hint("correct reps: a rate, goal, cap, prize or target is zero or more"));
    }
}

/// Quotas of zero in a plan that compares with them: a quota of nothing pays nothing, which its author may not have meant.
fn check_zero_quotas(
    measure: &Measure,
    name: &str,
    payees: &[Payee],
    found: &Quotas,
    calendar: &Calendar,
    sink: &mut Sink,
) {
    let is_of = |holder: &str| payees.binary_search_by(|payee| payee.id.as_str().cmp(holder)).is_ok();
    let zero = found.iter().filter(|((holder, own, _), amount)| {
        let holder = holder.as_str();
        own == name && amount.is_zero() && is_of(holder.strip_suffix(OWN_QUOTA).unwrap_or(holder))
    });
    let zero: Vec<&(PayeeId, String, usize)> = zero.map(|(key, _)| key).collect();
    let Some((holder, _, period)) = zero.first() else { return };
    let message = format!(
        "{} quota(s) `{name}` of people in the plan are zero, such as that of {holder} for {}: whatever needs the attainment of `{}` alone pays nothing then",
        zero.len(),
        calendar.periods()[*period].name,
        measure.name
    );
    let fault = Diagnostic::warning(Code::SPM401, message).at(Place::Text(measure.place.clone()), "");
    sink.push(fault.hint("nothing to do if that is meant, as for a month of absence; else correct quotas"));
}

/// The first few, and how many more.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Somebody with quotas for a part of a stretch is compared with too little. Quotas that are still to come are no gap
/// where goals are compared to date; with `basis` the whole quarter or year has to be there.
fn check_quotas(
    plan: &CompPlan,
    measure: &Measure,
    name: &str,
    payees: &[Payee],
    quotas: &BTreeSet<(&str, &str, usize)>,
    calendar: &Calendar,
    sink: &mut Sink,
) {
    let basis = measure.goal.as_ref().and_then(|goal| goal.basis);
    // A single period without a quota has no goal at all, which a run tells; where goals do not add up, none makes another low.
    let adds_up = measure.goal.as_ref().is_some_and(|goal| goal.adds_up);
    if !adds_up || basis.is_none() && measure.window == Window::Period {
        return;
    }
    let periods = calendar.periods();
    let has = |payee: &Payee, period: usize| {
        let id = payee.id.as_str();
        let own = format!("{id}{OWN_QUOTA}");
        let team = match &measure.team {
            Some(Team::All) => Some("all"),
            Some(Team::Column(column)) => payee.texts.get(column).map(String::as_str),
            None => None,
        };
        [Some(id), Some(own.as_str()), team]
            .into_iter()
            .flatten()
            .any(|holder| quotas.contains(&(holder, name, period)))
    };
    let usual: BTreeSet<usize> = quotas.iter().filter(|own| own.1 == name).map(|own| own.2).collect();
    let mut gaps: BTreeMap<PayeeId, Vec<&str>> = BTreeMap::new();
    for payee in payees {
        let mut start = 0;
        while start < periods.len() {
            let group = calendar.group(start, basis.unwrap_or(Group::Year));
            start = group.end;
            let own: Vec<usize> =
                group.filter(|period| !payee.there(plan, periods[*period].range).is_empty()).collect();
            let present: Vec<usize> = own.iter().copied().filter(|period| has(payee, *period)).collect();
            let Some(last) = present.last().copied() else { continue };
            // A quota of each quarter in its first month is no gap: others have none there either, and most have none.
            let most = present.len() * 2 > own.len();
            let missing = own.into_iter().filter(|period| !has(payee, *period));
            let missing = missing.filter(|period| basis.is_some() || *period < last);
            let missing = missing.filter(|period| most || usual.contains(period));
            let names = missing.map(|period| periods[period].name.as_str());
            gaps.entry(payee.id.clone()).or_default().extend(names);
        }
    }
    gaps.retain(|_, missing| !missing.is_empty());
    let Some((first, missing)) = gaps.first_key_value() else { return };
    let others = match gaps.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more have gaps too)"),
    };
    let message = format!(
        "{first} has the quota `{name}` for other periods, but none for {}{others}: the goal of `{}` is too low",
        some(missing),
        measure.name
    );
    let fault = Diagnostic::warning(Code::SPM411, message).at(Place::Text(measure.place.clone()), "");
    sink.push(fault.hint("add the rows to quotas; a quota of nothing is a row with 0"));
}

/// Warns of events of releases that no plan waits for, all plans together.
pub fn check_events_awaited(plans: &[&CompPlan], tables: &Tables, sink: &mut Sink) {
    let Some(table) = tables.get("releases") else { return };
    let Some(events) = table.texts("event") else { return };
    let Some(first) = events.iter().position(|event| event.is_some()).filter(|_| !plans.is_empty()) else {
        return;
    };
    let awaited: BTreeSet<&str> = plans
        .iter()
        .flat_map(|plan| &plan.components)
        .flat_map(|component| component.releases.iter().map(|(_, event)| event.as_str()))
        .collect();
    if awaited.is_empty() {
        let rows = events.len() - events.null_count();
        let message = format!("{rows} row(s) of releases change nothing: no component of any plan releases");
        let fault = Diagnostic::warning(Code::SPM302, message).at(place(table, first, Some("event")), "");
        sink.push(fault.hint("say in the component what waits for which event: release = [{ share = \"100%\", on = \"invoice\" }]"));
        return;
    }
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for (row, event) in events.iter().enumerate() {
        let Some(event) = event.filter(|event| !awaited.contains(event) && told.insert(event)) else {
            continue;
        };
        let message = format!("no component releases anything on `{event}`");
        let fault = Diagnostic::warning(Code::SPM302, message).at(place(table, row, Some("event")), "");
        let all: Vec<&str> = awaited.iter().copied().collect();
        sink.push(fault.hint(match suggestion(event, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the events of plans are: {}", all.join(", ")),
        }));
    }
}

/// An event that no row of releases has holds its part for ever.
fn check_releases(plan: &CompPlan, tables: &Tables, sink: &mut Sink) {
    let table = tables.get("releases");
    let events = table.and_then(|table| table.texts("event"));
    let known: BTreeSet<&str> = events.into_iter().flat_map(|events| events.iter().flatten()).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for component in &plan.components {
        for (_, event) in &component.releases {
            let date = event.parse::<Date>().is_ok();
            let told = || !told.contains(event.as_str());
            if event == "booking" || date || known.contains(event.as_str()) || known.is_empty() || !told() {
                continue;
            }
            let message = format!("no row of releases has the event `{event}`: its part stays held");
            let fault =
                Diagnostic::warning(Code::SPM109, message).at(Place::Text(component.place.clone()), "");
            let all: Vec<&str> = known.iter().copied().collect();
            sink.push(fault.hint(match suggestion(event, all.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the events are: {}", all.join(", ")),
            }));
        }
        told.extend(component.releases.iter().map(|(_, event)| event.as_str()));
    }
}
