//! A mid-year adjustment: closed periods stay, holders of a level keep what they have, the rest is shared anew (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::hierarchy::availability;
use super::lay_out::{COMPANY, LaidOut, SALESPERSON, lay_out};
use super::planned::{Planned, Question, allocate_verified, plan_quotas, problem, settled};
use super::problem::{Holder, HolderId, Phasing, Problem, Total};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::period::Calendar;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::source::Place;
use crate::plan::quotas::QuotaPlan;

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
    /// `joined`, `left`, `moved`, `shared anew` or `kept`.
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
/// The plan and today's seats say how the open periods are shared; holders of the plan's `adjust` level keep their sums as
/// long as they and their siblings are the same as before. A quota that would change by no more than two units of
/// rounding stays as it is, period by period.
///
/// # Errors
/// No open period, a lock below what closed periods have, or no quotas that satisfy the plan.
pub fn adjust(
    question: &Question<'_>,
    standing: &Standing,
    from: usize,
) -> Result<Adjusted, Vec<Diagnostic>> {
    let plan = question.plan;
    let at = |fault: Diagnostic| vec![fault.at(Place::Text(plan.place.clone()), "")];
    let is_open = |period: &str| question.calendar.index_of(period).is_some_and(|index| index >= from);
    let before = Before::of(standing, is_open);
    let fresh = plan_quotas(question)?;
    let laid_out = lay_out(question)?;
    let open = open_periods(laid_out, is_open);
    if open.phasing.periods.is_empty() {
        let name = &question.calendar.periods()[from].name;
        let message = format!("plan `{}` has no period from {name} on", plan.id);
        return Err(at(Diagnostic::error(Code::SPM404, message).hint("give an earlier period with --from")));
    }
    let mut faults = vec![];
    let problem = open_problem(question, &open, &fresh, &before, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let (problem, allocation) = keep_small(problem, question, &before)?;
    let open = Planned { problem, allocation, notices: fresh.notices, reconciled: vec![] };
    Ok(Adjusted {
        rows: rows(standing, &open, question.calendar, from),
        changes: changes(&before, &open),
        open,
    })
}

/// What stands, by holder.
struct Before<'a> {
    /// Open periods together.
    open: BTreeMap<&'a HolderId, Rational>,
    /// Closed periods together.
    closed: BTreeMap<&'a HolderId, Rational>,
    /// Open periods one by one, by name.
    periods: BTreeMap<(&'a HolderId, &'a str), &'a Rational>,
    /// Level and parent in the last period.
    places: BTreeMap<&'a HolderId, (&'a str, Option<&'a HolderId>)>,
    children: BTreeMap<&'a HolderId, BTreeSet<&'a HolderId>>,
}

impl<'a> Before<'a> {
    fn of(standing: &'a Standing, is_open: impl Fn(&str) -> bool) -> Self {
        let mut before = Self {
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            periods: BTreeMap::new(),
            places: BTreeMap::new(),
            children: BTreeMap::new(),
        };
        for row in standing {
            if !is_open(&row.period) {
                *before.closed.entry(&row.holder).or_default() += &row.amount;
                continue;
            }
            *before.open.entry(&row.holder).or_default() += &row.amount;
            before.periods.insert((&row.holder, &row.period), &row.amount);
            before.places.insert(&row.holder, (&row.level, row.parent.as_ref()));
            if let Some(parent) = &row.parent {
                before.children.entry(parent).or_default().insert(&row.holder);
            }
        }
        before
    }
}

/// The plan's hierarchy for the open periods: their weights, and of limits the part that they are of the year.
fn open_periods(laid_out: LaidOut, is_open: impl Fn(&str) -> bool) -> LaidOut {
    let kept: Vec<bool> = laid_out.phasing.periods.iter().map(|(name, _)| is_open(name)).collect();
    let part = |holder: &Holder| {
        let all = availability(&laid_out.phasing, holder.presence.as_deref());
        let presence: Vec<Rational> = kept
            .iter()
            .enumerate()
            .map(|(period, kept)| match (kept, &holder.presence) {
                (false, _) => Rational::zero(),
                (true, Some(presence)) => presence[period].clone(),
                (true, None) => Rational::one(),
            })
            .collect();
        availability(&laid_out.phasing, Some(&presence)).checked_div(&all).unwrap_or_default()
    };
    let open = |values: &[Rational]| -> Vec<Rational> {
        values.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(value, _)| value.clone()).collect()
    };
    let periods = laid_out.phasing.periods.iter().zip(&kept).filter(|(_, kept)| **kept);
    let phasing = Phasing {
        unit: laid_out.phasing.unit.clone(),
        periods: periods.map(|(period, _)| period.clone()).collect(),
    };
    let holder = |holder: &Holder| {
        let part = part(holder);
        let of = |amount: &Option<Rational>| amount.as_ref().map(|amount| amount * &part);
        Holder {
            floor: of(&holder.floor),
            cap: of(&holder.cap),
            // What the plan would give in the open periods becomes the weight; see `open_problem`.
            weight: Some(part.clone()),
            presence: holder.presence.as_deref().map(open),
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
    let root = &open.holders[0].id;
    let closed = |holder: &HolderId| before.closed.get(holder).cloned().unwrap_or_default();
    let stood = before.open.get(root).cloned().unwrap_or_default();
    // Where the plan states the year, or takes it from below, what closed periods have is taken off it.
    let states = plan.total.is_some() || plan.bottom_up.as_ref().is_some_and(|own| !own.share.is_zero());
    let year = fresh.allocation.explanations.first().map(|why| why.amount.clone()).unwrap_or_default();
    let total = if states { &year - &closed(root) } else { stood.clone() };
    let mut problem = problem(question, open.holders.clone(), &open.phasing, Total::Given(total.clone()));
    let fresh: BTreeMap<&HolderId, Rational> = fresh
        .allocation
        .explanations
        .iter()
        .map(|why| (&why.holder, &why.amount - &why.parts.rounding))
        .collect();
    for holder in &mut problem.holders {
        let amount = fresh.get(&holder.id).cloned().unwrap_or_default();
        holder.weight = match &*holder.level {
            SALESPERSON => holder.weight.take().map(|part| part * amount),
            _ => None,
        };
        if let Some(lock) = &holder.locked {
            let closed = closed(&holder.id);
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
    if total == stood {
        keep_level(question, &mut problem, before);
    }
    problem
}

/// Locks the holders from the root down to the plan's level at what they have, as long as all siblings are there as before.
fn keep_level(question: &Question<'_>, problem: &mut Problem, before: &Before<'_>) {
    let plan: &QuotaPlan = question.plan;
    let last = plan.adjust.as_ref().map(|(level, _)| level.as_str());
    // What a holder that keeps its sum gives out stays as well: over-assignment was rounded to units once, for the year.
    let gives = |holder: &mut Holder| {
        let below = before.children.get(&holder.id)?;
        let given: Rational = below.iter().filter_map(|child| before.open.get(*child)).sum();
        holder.over_assignment =
            given.checked_div(before.open.get(&holder.id)?).filter(Rational::is_positive);
        Some(())
    };
    if let Some(root) = problem.holders.first_mut() {
        gives(root);
    }
    if last == Some(COMPANY) {
        return;
    }
    let mut children: BTreeMap<HolderId, BTreeSet<HolderId>> = BTreeMap::new();
    let levels: BTreeMap<HolderId, String> =
        problem.holders.iter().map(|holder| (holder.id.clone(), holder.level.to_string())).collect();
    for holder in &problem.holders {
        if let Some(parent) = &holder.parent {
            children.entry(parent.clone()).or_default().insert(holder.id.clone());
        }
    }
    let mut keep: BTreeSet<HolderId> = BTreeSet::new();
    let mut next = vec![problem.holders[0].id.clone()];
    while let Some(parent) = next.pop() {
        if last.is_some_and(|last| levels[&parent] == last) {
            continue;
        }
        let below = children.get(&parent).cloned().unwrap_or_default();
        let stood = before.children.get(&parent);
        let same = stood
            .is_some_and(|stood| stood.len() == below.len() && below.iter().all(|id| stood.contains(id)));
        // Seats are what is shared anew.
        if !same || below.iter().any(|id| levels[id] == SALESPERSON) {
            continue;
        }
        keep.extend(below.iter().cloned());
        next.extend(below);
    }
    for holder in problem.holders.iter_mut().filter(|holder| keep.contains(&holder.id)) {
        if holder.locked.is_none() {
            holder.locked = before.open.get(&holder.id).cloned();
            holder.note = Some("kept in the adjustment".to_owned());
            gives(holder);
        }
    }
}

/// Lets seats that would change by rounding only stand as they are, period by period, when that is possible.
fn keep_small(
    problem: Problem,
    question: &Question<'_>,
    before: &Before<'_>,
) -> Result<(Problem, super::Allocation), Vec<Diagnostic>> {
    let small = &problem.unit * &Rational::from(2_i64);
    let stands = |holder: &Holder, amount: &Rational| {
        let stood = before.open.get(&holder.id).filter(|_| *holder.level == *SALESPERSON)?;
        let same_place =
            before.places.get(&holder.id).is_some_and(|(_, parent)| *parent == holder.parent.as_ref());
        let near = same_place && (amount - stood).abs() <= small;
        near.then(|| (stood.clone(), "kept in the adjustment".to_owned()))
    };
    let (problem, allocation) = settled(problem, question.plan, stands)?;
    // Whoever keeps the sum keeps the periods.
    let mut kept = problem.clone();
    let amounts: BTreeMap<&HolderId, &Rational> =
        allocation.explanations.iter().map(|why| (&why.holder, &why.amount)).collect();
    let names: Vec<String> =
        problem.phasing.iter().flat_map(|phasing| &phasing.periods).map(|(name, _)| name.clone()).collect();
    for holder in kept.holders.iter_mut().filter(|holder| *holder.level == *SALESPERSON) {
        let stood = before.open.get(&holder.id);
        if stood.is_some() && stood == amounts.get(&holder.id).copied() {
            let period = |name: &String| {
                before.periods.get(&(&holder.id, name.as_str())).copied().cloned().unwrap_or_default()
            };
            holder.phased = Some(names.iter().map(period).collect());
            holder.locked = stood.cloned();
        }
    }
    let allocation = allocate_verified(&kept, question.plan)?;
    Ok((kept, allocation))
}

/// Closed periods as they stood, then the open ones; holders in the order of the new hierarchy, then those that left.
fn rows(standing: &Standing, open: &Planned, calendar: &Calendar, from: usize) -> Vec<Row> {
    let mut by_holder: BTreeMap<&HolderId, Vec<Row>> = BTreeMap::new();
    let mut order: Vec<&HolderId> = open.allocation.explanations.iter().map(|why| &why.holder).collect();
    for row in standing {
        if calendar.index_of(&row.period).is_none_or(|index| index >= from) {
            continue;
        }
        by_holder.entry(&row.holder).or_default().push(row.clone());
    }
    let known: BTreeSet<&HolderId> = order.iter().copied().collect();
    order.extend(by_holder.keys().copied().filter(|holder| !known.contains(holder)));
    let decimals = open.allocation.decimals;
    for (why, amounts) in open.allocation.explanations.iter().zip(open.allocation.rows()) {
        let row = |(period, amount): (&Arc<str>, &i128)| Row {
            holder: why.holder.clone(),
            level: why.level.to_string(),
            parent: why.parent.clone(),
            period: period.to_string(),
            amount: Rational::from_scaled(*amount, decimals),
        };
        let own = open.allocation.periods.iter().zip(&amounts[1..]).map(row);
        by_holder.entry(&why.holder).or_default().extend(own);
    }
    order.into_iter().flat_map(|holder| by_holder.remove(holder).unwrap_or_default()).collect()
}

/// What happened to every holder, in the order of the new hierarchy, then those that left.
fn changes(before: &Before<'_>, open: &Planned) -> Vec<Change> {
    let known: BTreeSet<&HolderId> = open.allocation.explanations.iter().map(|why| &why.holder).collect();
    let mut changes: Vec<Change> = open
        .allocation
        .explanations
        .iter()
        .map(|why| {
            let parent = why.parent.as_ref();
            let stood = before.open.get(&why.holder);
            let moved = before.places.get(&why.holder).is_some_and(|(_, stood)| *stood != parent);
            Change {
                holder: why.holder.clone(),
                level: why.level.to_string(),
                parent: parent.cloned(),
                before: stood.cloned().unwrap_or_default(),
                after: why.amount.clone(),
                why: match stood {
                    None => "joined",
                    Some(_) if moved => "moved",
                    Some(stood) if *stood == why.amount => "kept",
                    Some(_) => "shared anew",
                },
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
