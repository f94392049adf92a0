//! A mid-year adjustment: closed periods stay, holders of a level keep what they have, the rest is shared anew (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::before::Before;
use super::burden::overburdened;
use super::from_below::{bring, carry_up};
use super::hierarchy::availability;
use super::lay_out::{COMPANY, LINE, LaidOut, SALESPERSON, lay_out};
use super::open::{factor, share_periods};
use super::planned::{
    Planned, Question, allocate_verified, is_bottom_up, plan_quotas, problem, without_totals,
};
use super::problem::{Holder, HolderId, Kept, Phasing, Problem, Total};
use super::still::keep_small;
use super::units::round_nearest;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::period::Calendar;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals, split_largest_remainder};
use crate::ground::source::Place;
use crate::plan::quotas::{Line, QuotaPlan};

/// Why a quota is locked that nobody locked.
pub(super) const KEPT: &str = "kept in the adjustment";

/// What a holder has for a period before the adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who.
    pub holder: HolderId,
    /// Its level.
    pub level: String,
    /// Its parent; none for the root.
    pub parent: Option<HolderId>,
    /// The period.
    pub period: String,
    /// The amount in major units.
    pub amount: Rational,
}

/// The quotas of one measure as they stand.
pub type Standing = [Row];

/// The last adjustment that moved anything.
#[derive(Clone, Copy, Debug)]
pub struct Last<'a> {
    /// The quotas that stood before it.
    pub before: &'a Standing,
    /// Its first open period, an index of the calendar.
    pub from: usize,
}

/// What an adjustment does to a holder in the open periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who.
    pub holder: HolderId,
    /// Its level.
    pub level: String,
    /// Its parent now; before, when it has left.
    pub parent: Option<HolderId>,
    /// Open periods before.
    pub before: Rational,
    /// Open periods after.
    pub after: Rational,
    /// `joined`, `left`, `moved`, `shared anew`, `other periods` (the sum is kept) or `kept`.
    pub why: &'static str,
}

impl Change {
    /// How much more after than before.
    #[must_use]
    pub fn difference(&self) -> Rational {
        &self.after - &self.before
    }
}

/// Quotas after an adjustment.
#[derive(Clone, Debug)]
pub struct Adjusted {
    /// All of them: closed periods as they stood, open ones anew. Holders in the order of their level and identifier.
    pub rows: Vec<Row>,
    /// What happened to every holder.
    pub changes: Vec<Change>,
    /// What the open periods were solved as.
    pub open: Planned,
}

/// Adjusts the standing quotas of a plan from a period on (an index of the calendar).
///
/// The plan and today's seats say how the open periods are shared; holders down to the plan's `adjust` level keep what they
/// have, period by period, as long as they and their siblings are the same as before. Where everybody among whom
/// something is shared is there as before and would change by rounding only, their quotas stay as they are. Where the plan of today gives what stands, nothing moves;
/// nor where it gives that of what stood before the `last` adjustment, because nothing is new since then. (Who names `last`
/// has made sure that the seats of its first day are those of this one.)
///
/// # Errors
/// No open period, a line that is new, a lock below what closed periods have, or no quotas that satisfy the plan.
pub fn adjust(
    question: &Question<'_>,
    standing: &Standing,
    from: usize,
    last: Option<Last<'_>>,
) -> Result<Adjusted, Vec<Diagnostic>> {
    let plan = question.plan;
    let at = |fault: Diagnostic| vec![fault.at(Place::Text(plan.place.clone()), "")];
    let is_open = |period: &str| question.calendar.index_of(period).is_some_and(|index| index >= from);
    let laid_out = lay_out(question)?;
    if !laid_out.phasing.periods.iter().any(|(name, _)| is_open(name)) {
        let name = &question.calendar.periods()[from].name;
        let message = format!("plan `{}` has no period from {name} on", plan.id);
        return Err(at(Diagnostic::error(Code::SPM404, message).hint("give an earlier period with --from")));
    }
    let before = Before::of(standing, last.is_some(), is_open);
    let new = new_lines(plan, &before);
    if !new.is_empty() {
        return Err(new);
    }
    let fresh = plan_quotas(question)?;
    let open = open_periods(laid_out, &before, is_open);
    let mut faults = vec![];
    let problem = open_problem(question, &open, &fresh, &before, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let stands = before.total(&problem) == given(&problem)
        && (before.is_given_by(&fresh.allocation) || gives_again(question, standing, last));
    let standing_still =
        if stands { allocate_verified(&all_kept(&problem, &before), plan).ok() } else { None };
    let (problem, allocation) = match standing_still {
        Some(allocation) => (all_kept(&problem, &before), allocation),
        None => keep_small(problem, question, &before).map_err(|faults| kept_above(faults, question))?,
    };
    let mut notices = fresh.notices.clone();
    let solved = Planned { problem, allocation, notices: vec![], reconciled: vec![] };
    let changes = changes(&before, &solved);
    notices.extend(overburdened(question, &open, &fresh, &changes));
    let open = Planned { notices, ..solved };
    Ok(Adjusted { rows: rows(standing, &open, question.calendar, from), changes, open })
}

/// Faults of lines without quotas: what stands is shared anew, and of a line that is new nothing does.
fn new_lines(plan: &QuotaPlan, before: &Before<'_>) -> Vec<Diagnostic> {
    let new = plan.lines.iter().filter(|line| {
        let holder = HolderId::from(line.name.as_str());
        !before.open.contains_key(&holder) && !before.closed.contains_key(&holder)
    });
    let fault = |line: &Line| {
        let message = format!("line `{}` has no quotas yet, and an adjustment shares what stands", line.name);
        let fault =
            Diagnostic::error(Code::SPM503, message).at(Place::Text(line.own.clause("name").clone()), "");
        fault.hint(
            "give it a plan and a `measure` of its own, or begin again with `spm quotas allocate --restart`",
        )
    };
    new.map(fault).collect()
}

/// True when the plan of today makes of what stood before the last adjustment what stands now.
fn gives_again(question: &Question<'_>, standing: &Standing, last: Option<Last<'_>>) -> bool {
    let Some(Last { before, from }) = last else { return false };
    let Ok(again) = adjust(question, before, from, None) else { return false };
    let named = |rows: &Standing| -> BTreeSet<_> {
        let key =
            |row: &Row| (row.holder.clone(), row.period.clone(), row.parent.clone(), row.amount.clone());
        rows.iter().map(key).collect()
    };
    again.rows.len() == standing.len() && named(&again.rows) == named(standing)
}

/// Faults of limits with the way out that an adjustment has: those above keep what they have.
fn kept_above(faults: Vec<Diagnostic>, question: &Question<'_>) -> Vec<Diagnostic> {
    let hint = "those above keep what they have in the open periods, and limits are of what closed periods have left: lower \
                a floor or a lock, raise a cap, or let `adjust` name a level further up, such as company";
    let company = question.plan.adjust.as_ref().is_some_and(|(level, _)| level == COMPANY);
    let own =
        |fault: Diagnostic| if fault.code == Code::SPM501 && !company { fault.hint(hint) } else { fault };
    faults.into_iter().map(own).collect()
}

/// The total of a problem that has one.
fn given(problem: &Problem) -> Rational {
    match &problem.total {
        Total::Given(total) => total.clone(),
        Total::GrowthOnHistory { .. } => Rational::zero(),
    }
}

/// The plan's hierarchy for the open periods: their weights, and of limits what closed periods have left of them.
fn open_periods(laid_out: LaidOut, before: &Before<'_>, is_open: impl Fn(&str) -> bool) -> LaidOut {
    let kept: Vec<bool> = laid_out.phasing.periods.iter().map(|(name, _)| is_open(name)).collect();
    let part = |holder: &Holder| {
        let own = holder.season.as_deref();
        let all = availability(&laid_out.phasing, own, holder.presence.as_deref());
        let presence: Vec<Rational> = kept
            .iter()
            .enumerate()
            .map(|(period, kept)| match (kept, &holder.presence) {
                (false, _) => Rational::zero(),
                (true, Some(presence)) => presence[period].clone(),
                (true, None) => Rational::one(),
            })
            .collect();
        availability(&laid_out.phasing, own, Some(&presence)).checked_div(&all).unwrap_or_default()
    };
    let open = |values: &[Rational]| -> Vec<Rational> {
        values.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(value, _)| value.clone()).collect()
    };
    let periods = laid_out.phasing.periods.iter().zip(&kept).filter(|(_, kept)| **kept);
    let phasing = Phasing {
        unit: laid_out.phasing.unit.clone(),
        periods: periods.map(|(period, _)| period.clone()).collect(),
    }
    .or_even();
    let holder = |holder: &Holder| {
        let left = |limit: &Option<Rational>| {
            limit.as_ref().map(|limit| (limit - &before.closed(&holder.id)).max(Rational::zero()))
        };
        Holder {
            floor: left(&holder.floor),
            cap: left(&holder.cap),
            // What the plan would give in the open periods becomes the weight; see `open_problem`.
            weight: Some(part(holder)),
            full_weight: None,
            presence: holder.presence.as_deref().map(open),
            season: holder
                .season
                .as_deref()
                .map(open)
                .filter(|own| own.iter().any(Rational::is_positive))
                .map(Into::into),
            ..holder.clone()
        }
    };
    LaidOut { holders: laid_out.holders.iter().map(holder).collect(), phasing, ..laid_out }
}

/// The open periods as a problem of their own.
fn open_problem(
    question: &Question<'_>,
    open: &LaidOut,
    fresh: &Planned,
    before: &Before<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Problem {
    let plan = question.plan;
    let too_large = || {
        let fault = Diagnostic::error(Code::SPM402, "the open quotas do not fit 128 bits");
        fault.at(Place::Text(plan.place.clone()), "")
    };
    let root = &open.holders[0].id;
    let stood = before.open.get(root).cloned().unwrap_or_default();
    // Where the plan states the year, or takes part of it from below, what closed periods have is taken off it.
    let blends = plan.bottom_up.as_ref().is_some_and(|own| !own.share.is_zero());
    let states = plan.total.is_some() || blends;
    let year = fresh.allocation.year(0);
    let total =
        if states { &(&year + &gone(question, open, before)) - &before.closed(root) } else { stood.clone() };
    // What people carry is taken as it is, and nothing is paid back for closed periods.
    if total.is_negative() && !is_bottom_up(plan) {
        let (has, comes) = (before.closed(root), &total + &before.closed(root));
        let message = format!(
            "the year of plan `{}` comes to {}, but closed periods have {} already",
            plan.id,
            comes.to_decimal_text(),
            has.to_decimal_text()
        );
        let fault =
            Diagnostic::error(Code::SPM501, message).at(Place::Text(plan.clause("total").clone()), "");
        faults.push(fault.hint("raise the total, or adjust from an earlier period"));
    }
    let mut problem = problem(question, open.holders.clone(), &open.phasing, Total::Given(total.clone()));
    // Lines that state a total of which another part is met now.
    let lines: BTreeSet<HolderId> = fresh
        .allocation
        .years()
        .filter(|(placed, year)| {
            let stood = &before.closed(&placed.holder)
                + &before.open.get(&placed.holder).cloned().unwrap_or_default();
            blends && *placed.level == *LINE && (year - &stood).abs() > &plan.unit * &before.slack
        })
        .map(|(placed, _)| placed.holder.clone())
        .filter(|holder| plan.lines.iter().any(|line| line.name == holder.as_str() && line.total.is_some()))
        .collect();
    if blends {
        without_totals(&mut problem.holders);
    }
    let fresh: BTreeMap<&HolderId, Rational> = fresh
        .allocation
        .explanations()
        .map(|why| {
            // Limits are set anew: here counts what is a share by weight, or what is brought from below.
            let by_weight = || &(&why.amount - &why.parts.rounding) - &why.parts.limits;
            let brought = fresh.problem.holders[why.index].blend.as_ref().filter(|_| is_bottom_up(plan));
            (why.holder, brought.map_or_else(by_weight, |blend| blend.below.clone()))
        })
        .collect();
    for holder in &mut problem.holders {
        let amount = fresh.get(&holder.id).cloned().unwrap_or_default();
        holder.weight = match &*holder.level {
            SALESPERSON => holder.weight.take().map(|part| part * amount),
            _ => None,
        };
        if let Some(lock) = &holder.locked {
            let closed = before.closed(&holder.id);
            let left = lock - &closed;
            if left.is_negative() {
                let (lock, closed) = (lock.to_decimal_text(), closed.to_decimal_text());
                let message =
                    format!("{} is locked at {lock}, but closed periods have {closed} already", holder.id);
                let place = plan.locks.iter().find(|own| own.holder == holder.id.as_str());
                let place = place.map_or(&plan.place, |own| &own.place).clone();
                let fault = Diagnostic::error(Code::SPM501, message).at(Place::Text(place), "");
                faults.push(fault.hint("raise the lock, or adjust from an earlier period"));
            }
            holder.locked = Some(left);
        }
    }
    if is_bottom_up(plan) {
        if take_from_below(&mut problem, before).is_none() {
            faults.push(too_large());
        }
    } else if total == stood {
        let kept = keep_level(question, &mut problem, before, &open.phasing, &lines);
        if kept.and_then(|()| share_periods(&mut problem, KEPT)).is_none() {
            faults.push(too_large());
        }
    }
    problem
}

/// What of the year people have in closed periods who are gone: today's plan knows nothing of them any more. Of a stated total
/// it is what they would have carried of it from below; of one that follows from history all of it.
fn gone(question: &Question<'_>, open: &LaidOut, before: &Before<'_>) -> Rational {
    let plan = question.plan;
    let there: BTreeSet<&HolderId> = open.holders.iter().map(|holder| &holder.id).collect();
    let root = &open.holders[0].id;
    let sum = |left: bool| -> Rational {
        let seats = before.closed.iter().filter(|(holder, _)| before.seats.contains(**holder));
        seats.filter(|(holder, _)| !left || !there.contains(**holder)).map(|(_, closed)| closed).sum()
    };
    let share = match (&plan.bottom_up, &plan.total) {
        (Some(own), Some(_)) => own.share.clone(),
        (Some(_), None) => Rational::one(),
        (None, _) => return Rational::zero(),
    };
    let part = sum(true).checked_div(&sum(false)).unwrap_or_default();
    let gone = &(&before.closed(root) * &part) * &share;
    round_nearest(&gone, &plan.unit).unwrap_or(gone)
}

/// What each brings to the open periods. Who would change by rounding only brings what stands.
fn take_from_below(problem: &mut Problem, before: &Before<'_>) -> Option<()> {
    for place in 0..problem.holders.len() {
        let holder = &problem.holders[place];
        if *holder.level != *SALESPERSON {
            continue;
        }
        let amount = holder.weight.clone().unwrap_or_default();
        let own = before.near(problem, holder, &amount).or_else(|| round_nearest(&amount, &problem.unit))?;
        bring(&mut problem.holders[place], own);
    }
    carry_up(problem, |holder, sum| before.gives(&holder.id, sum))
}

/// Locks the holders from the root down to the plan's level at what they have, as long as all siblings are there as before
/// and no lock or limit of the plan says otherwise, nor are they among those that have `changed`.
fn keep_level(
    question: &Question<'_>,
    problem: &mut Problem,
    before: &Before<'_>,
    phasing: &Phasing,
    changed: &BTreeSet<HolderId>,
) -> Option<()> {
    let plan: &QuotaPlan = question.plan;
    let last = plan.adjust.as_ref().map(|(level, _)| level.as_str());
    let mut children: BTreeMap<HolderId, BTreeSet<HolderId>> = BTreeMap::new();
    let facts: BTreeMap<HolderId, (String, bool)> = problem
        .holders
        .iter()
        .map(|holder| {
            let stood = before.open.get(&holder.id);
            let is = |limit: &Option<Rational>, keeps: fn(&Rational, &Rational) -> bool| {
                limit.as_ref().is_none_or(|limit| stood.is_some_and(|stood| keeps(stood, limit)))
            };
            let allowed = !changed.contains(&holder.id)
                && is(&holder.locked, |stood, lock| stood == lock)
                && is(&holder.floor, |stood, floor| stood >= floor)
                && is(&holder.cap, |stood, cap| stood <= cap);
            (holder.id.clone(), (holder.level.to_string(), allowed))
        })
        .collect();
    for holder in &problem.holders {
        if let Some(parent) = &holder.parent {
            children.entry(parent.clone()).or_default().insert(holder.id.clone());
        }
    }
    // Who gives out another part now than what stands has more or less to share.
    let other: BTreeSet<HolderId> = problem
        .holders
        .iter()
        .filter(|holder| children.contains_key(&holder.id) && before.open.contains_key(&holder.id))
        .filter(|holder| !before.follows(problem, &holder.id, &factor(problem, holder)))
        .map(|holder| holder.id.clone())
        .collect();
    let mut keep: BTreeSet<HolderId> = BTreeSet::from([problem.holders[0].id.clone()]);
    let mut next = if last == Some(COMPANY) { vec![] } else { vec![problem.holders[0].id.clone()] };
    while let Some(parent) = next.pop() {
        if last.is_some_and(|last| facts[&parent].0 == last) {
            continue;
        }
        let below = children.get(&parent).cloned().unwrap_or_default();
        let stood = before.children.get(&parent);
        let same = stood.is_some_and(|stood| {
            stood.len() == below.len() && below.iter().all(|id| stood.contains(id) && facts[id].1)
        });
        // Seats are what is shared anew.
        if !same || other.contains(&parent) || below.iter().any(|id| facts[id].0 == SALESPERSON) {
            continue;
        }
        keep.extend(below.iter().cloned());
        next.extend(below);
    }
    for place in 0..problem.holders.len() {
        let holder = &problem.holders[place];
        if !keep.contains(&holder.id) {
            continue;
        }
        let given = match other.contains(&holder.id) {
            true => given_anew(problem, holder, before, phasing)?,
            false => before.given_of(&holder.id, phasing),
        };
        let holder = &mut problem.holders[place];
        if holder.locked.is_none() && holder.parent.is_some() {
            holder.locked = before.open.get(&holder.id).cloned();
            holder.note = Some(KEPT.to_owned());
        }
        keeps(holder, before, phasing, given);
    }
    Some(())
}

/// What a holder that keeps its periods gives out in them by another over-assignment than before: rounded to units once, and
/// spread over the periods as its own are.
fn given_anew(
    problem: &Problem,
    holder: &Holder,
    before: &Before<'_>,
    phasing: &Phasing,
) -> Option<Vec<Rational>> {
    let own = before.periods_of(&holder.id, phasing);
    let all: Rational = own.iter().sum();
    let given = round_nearest(&(&all * &factor(problem, holder)), &problem.unit)?;
    let units = round_to_decimals(&given.checked_div(&problem.unit)?, 0, Rounding::TowardZero)?;
    let parts = if all.is_zero() { vec![0; own.len()] } else { split_largest_remainder(units, &own)? };
    Some(parts.into_iter().map(|part| &Rational::from(part) * &problem.unit).collect())
}

/// What a holder keeps: its periods, those that it gives out, and how much that is: over-assignment was rounded to units
/// once, for the year.
fn keeps(holder: &mut Holder, before: &Before<'_>, phasing: &Phasing, given: Vec<Rational>) {
    let all: Rational = given.iter().sum();
    holder.over_assignment =
        before.open.get(&holder.id).and_then(|own| all.checked_div(own)).filter(Rational::is_positive);
    holder.kept = Some(Kept { own: before.periods_of(&holder.id, phasing), given });
}

/// Every holder locked at what stands, period by period.
fn all_kept(problem: &Problem, before: &Before<'_>) -> Problem {
    let mut kept = problem.clone();
    let Some(phasing) = problem.phasing.as_ref() else { return kept };
    for holder in &mut kept.holders {
        if holder.parent.is_some() {
            holder.locked = before.open.get(&holder.id).cloned();
            holder.note = Some(KEPT.to_owned());
        }
        if *holder.level == *SALESPERSON {
            holder.phased = Some(before.periods_of(&holder.id, phasing));
        } else {
            let given = before.given_of(&holder.id, phasing);
            keeps(holder, before, phasing, given);
        }
    }
    kept
}

/// Closed periods as they stood, then the open ones; holders in the order of the new hierarchy, then those that left.
fn rows(standing: &Standing, open: &Planned, calendar: &Calendar, from: usize) -> Vec<Row> {
    let mut by_holder: BTreeMap<&HolderId, Vec<Row>> = BTreeMap::new();
    let mut order: Vec<&HolderId> = open.allocation.holders.iter().map(|own| &own.holder).collect();
    for row in standing {
        if calendar.index_of(&row.period).is_none_or(|index| index >= from) {
            continue;
        }
        by_holder.entry(&row.holder).or_default().push(row.clone());
    }
    let known: BTreeSet<&HolderId> = order.iter().copied().collect();
    order.extend(by_holder.keys().copied().filter(|holder| !known.contains(holder)));
    let decimals = open.allocation.decimals;
    for (own, amounts) in open.allocation.holders.iter().zip(open.allocation.rows()) {
        let row = |(period, amount): (&Arc<str>, &i64)| Row {
            holder: own.holder.clone(),
            level: own.level.to_string(),
            parent: own.parent.clone(),
            period: period.to_string(),
            amount: Rational::from_scaled((*amount).into(), decimals),
        };
        let rows = open.allocation.periods.iter().zip(&amounts[1..]).map(row);
        by_holder.entry(&own.holder).or_default().extend(rows);
    }
    order.into_iter().flat_map(|holder| by_holder.remove(holder).unwrap_or_default()).collect()
}

/// What happened to every holder, in the order of the new hierarchy, then those that left.
fn changes(before: &Before<'_>, open: &Planned) -> Vec<Change> {
    let known: BTreeSet<&HolderId> = open.allocation.holders.iter().map(|own| &own.holder).collect();
    let mut changes: Vec<Change> = open
        .allocation
        .years()
        .zip(open.allocation.rows())
        .map(|((own, amount), row)| {
            let parent = own.parent.as_ref();
            let stood = before.open.get(&own.holder);
            let same_periods = open.allocation.periods.iter().zip(&row[1..]).all(|(name, amount)| {
                let stood = before.periods.get(&(&own.holder, &**name));
                let amount = Rational::from_scaled((*amount).into(), open.allocation.decimals);
                stood.is_some_and(|stood| **stood == amount)
            });
            let moved = before.places.get(&own.holder).is_some_and(|(_, stood)| *stood != parent);
            Change {
                holder: own.holder.clone(),
                level: own.level.to_string(),
                parent: parent.cloned(),
                before: stood.cloned().unwrap_or_default(),
                why: match stood {
                    None => "joined",
                    Some(_) if moved => "moved",
                    Some(stood) if *stood == amount && same_periods => "kept",
                    Some(stood) if *stood == amount => "other periods",
                    Some(_) => "shared anew",
                },
                after: amount,
            }
        })
        .collect();
    for (holder, stood) in before.open.iter().filter(|(holder, _)| !known.contains(*holder)) {
        let (level, parent) = before.places[*holder];
        changes.push(Change {
            holder: (*holder).clone(),
            level: level.to_owned(),
            parent: parent.cloned(),
            before: stood.clone(),
            after: Rational::zero(),
            why: "left",
        });
    }
    changes
}

/// Amounts of rows in units of 10^-decimals; `None` when one has more decimals or leaves 64 bits.
#[must_use]
pub fn units(amount: &Rational, decimals: u32) -> Option<i64> {
    let units = round_to_decimals(amount, decimals, Rounding::TowardZero)?;
    (Rational::from_scaled(units, decimals) == *amount).then(|| i64::try_from(units).ok()).flatten()
}
