//! From a checked quota plan and its seats to quotas: problems for the engine, top-down and bottom-up (floor 2).

use std::collections::{BTreeMap, BTreeSet};

use super::allocation::{Allocation, Binding};
use super::hierarchy::availability;
use super::problem::{Holder, HolderId, Measure, Method, Phasing, Problem, Residue, Total};
use super::seat::{Days, Seat};
use super::units::round_nearest;
use super::{allocate, verify};
use crate::ground::diagnostic::{Code, Diagnostic, suggestion};
use crate::ground::money::Currency;
use crate::ground::period::{Calendar, Date, DateRange};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::source::{Place, TextPlace};
use crate::ground::trace::Unit;
use crate::plan::quotas::{self as plan, Levels, Phase, QuotaPlan, Season};

/// Level of the root of every plan's hierarchy.
pub const COMPANY: &str = "company";
/// Level of the seats.
pub const SALESPERSON: &str = "salesperson";
/// Level of holders above seats when the hierarchy is that of managers.
pub const MANAGER: &str = "manager";

/// Ends the holder name of the own quota of somebody who leads others as well.
const OWN: &str = " (own)";

/// The person whose quota a salesperson's holder has.
#[must_use]
pub fn person(holder: &str) -> &str {
    holder.strip_suffix(OWN).unwrap_or(holder)
}

/// Everything that the quotas of one plan follow from.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The plan.
    pub plan: &'a QuotaPlan,
    /// Name of the root holder.
    pub company: &'a str,
    /// Currency of the project.
    pub currency: &'a Currency,
    /// Calendar of the project.
    pub calendar: &'a Calendar,
    /// Who gets a quota, sorted by identifier.
    pub seats: &'a [Seat],
    /// What was sold in the periods that each phase is like; empty unless the season comes from history.
    pub sold: &'a [Rational],
}

/// Quotas of a plan with the problem that they solve.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What was solved.
    pub problem: Problem,
    /// The answer.
    pub allocation: Allocation,
    /// What the user should know.
    pub notices: Vec<Diagnostic>,
    /// Top-down beside bottom-up, when the plan has both or the second: in the order of the allocation's holders.
    pub reconciled: Vec<Reconciled>,
}

/// What a holder's year would be from above and from below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Who.
    pub holder: HolderId,
    /// From the total; none for a plan without one.
    pub top_down: Option<Rational>,
    /// What the seats below can carry; divided by over-assignment on each level.
    pub bottom_up: Rational,
    /// The quota, by the plan's policy.
    pub quota: Rational,
}

impl Reconciled {
    /// How much more comes from above than from below.
    #[must_use]
    pub fn gap(&self) -> Option<Rational> {
        self.top_down.as_ref().map(|top_down| top_down - &self.bottom_up)
    }
}

/// Days of the past that each phase of a plan is like, for a season from history.
///
/// # Errors
/// Names that the calendar does not have.
pub fn season_days(plan: &QuotaPlan, calendar: &Calendar) -> Result<Vec<Vec<DateRange>>, Vec<Diagnostic>> {
    if plan.season != Season::History {
        return Ok(vec![]);
    }
    let mut faults = vec![];
    let mut of_phase = |phase: &Phase| {
        let mut days = vec![];
        for name in &phase.like {
            match calendar.resolve(name) {
                Ok(found) => days.extend(found.map(|index| calendar.periods()[index].range)),
                Err(error) => faults.push(no_period(error.0, name, &phase.place, calendar)),
            }
        }
        days
    };
    let days = plan.phasing.iter().map(&mut of_phase).collect();
    if faults.is_empty() { Ok(days) } else { Err(faults) }
}

/// The quotas of a plan, verified.
///
/// # Errors
/// Every fault of the plan's numbers and of its seats at once; or why no quotas satisfy it.
pub fn plan_quotas(question: &Question<'_>) -> Result<Planned, Vec<Diagnostic>> {
    let laid_out = lay_out(question)?;
    solve(question, laid_out)
}

/// A plan's hierarchy with limits and measures, before a total and a method are put to it.
pub(super) struct LaidOut {
    pub(super) holders: Vec<Holder>,
    pub(super) phasing: Phasing,
    /// The days of the periods that count.
    pub(super) days: Days,
    /// What each seat can carry in the periods, by holder.
    pub(super) bottom_up: BTreeMap<HolderId, Rational>,
}

/// Holders and periods of a plan.
pub(super) fn lay_out(question: &Question<'_>) -> Result<LaidOut, Vec<Diagnostic>> {
    let plan = question.plan;
    let mut faults = vec![];
    if question.seats.is_empty() {
        let message = format!("nobody gets a quota of plan `{}`", plan.id);
        let fault = Diagnostic::error(Code::SPM404, message).at(Place::Text(plan.place.clone()), "");
        faults.push(fault.hint("widen `eligible`, or correct the table reps"));
    }
    let ranges: Vec<DateRange> =
        plan.phasing.iter().filter_map(|phase| period(phase, question.calendar, &mut faults)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let holidays: BTreeSet<Date> = match &plan.season {
        Season::WorkingDays(holidays) => holidays.iter().copied().collect(),
        _ => BTreeSet::new(),
    };
    let all_days = !matches!(plan.season, Season::WorkingDays(_));
    let days = Days::of(&ranges, |date| {
        all_days || (date.weekday().to_monday_zero_offset() < 5 && !holidays.contains(&date))
    });
    let weights: Vec<Rational> = match &plan.season {
        Season::Weights => plan.phasing.iter().map(|phase| phase.weight.clone()).collect(),
        Season::History => question.sold.to_vec(),
        Season::Days | Season::WorkingDays(_) => days.counted(),
    };
    let names = plan.phasing.iter().map(|phase| phase.period.clone());
    let phasing = Phasing { unit: plan.unit.clone(), periods: names.zip(weights).collect() };
    let (holders, bottom_up) = holders(question, &days, &phasing, &mut faults);
    if faults.is_empty() { Ok(LaidOut { days, holders, phasing, bottom_up }) } else { Err(faults) }
}

/// Days of a phase, or a fault.
fn period(phase: &Phase, calendar: &Calendar, faults: &mut Vec<Diagnostic>) -> Option<DateRange> {
    let index = calendar.index_of(&phase.period);
    if index.is_none() {
        let message = format!("the calendar has no period {:?}", phase.period);
        faults.push(no_period(message, &phase.period, &phase.place, calendar));
    }
    index.map(|index| calendar.periods()[index].range)
}

fn no_period(message: String, name: &str, place: &TextPlace, calendar: &Calendar) -> Diagnostic {
    let names: Vec<&str> = calendar.periods().iter().map(|period| period.name.as_str()).collect();
    let fault = Diagnostic::error(Code::SPM012, message).at(Place::Text(place.clone()), "");
    fault.hint(match suggestion(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the calendar runs from {} to {}", names[0], names[names.len() - 1]),
    })
}

/// The company, one holder for each path of level values or manager, and the seats. A holder of a level is named after
/// its path, because one territory name may occur in two groups; a manager by identifier.
fn holders(
    question: &Question<'_>,
    days: &Days,
    phasing: &Phasing,
    faults: &mut Vec<Diagnostic>,
) -> (Vec<Holder>, BTreeMap<HolderId, Rational>) {
    let plan = question.plan;
    let decimals = decimals(question);
    let managers: BTreeSet<&str> = match &plan.levels {
        Levels::Managers(_) => {
            question.seats.iter().flat_map(|seat| &seat.above).flatten().map(String::as_str).collect()
        }
        Levels::Columns(_) => BTreeSet::new(),
    };
    let mut holders = vec![Holder::new(question.company, COMPANY, None)];
    let mut bottom_up = BTreeMap::new();
    // Level and parent of every holder above, by name.
    let mut seen: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for seat in question.seats {
        let mut parent = question.company.to_owned();
        for (depth, value) in seat.above.iter().enumerate() {
            let name = value.as_deref().unwrap_or("(none)");
            let (level, id) = match &plan.levels {
                Levels::Columns(columns) if parent == question.company => {
                    (columns[depth].as_str(), name.to_owned())
                }
                Levels::Columns(columns) => (columns[depth].as_str(), format!("{parent} / {name}")),
                Levels::Managers(_) => (MANAGER, name.to_owned()),
            };
            let place = (level, parent.clone());
            match seen.get(&id) {
                None => {
                    holders.push(Holder::new(&id, level, Some(&parent)));
                    seen.insert(id.clone(), place);
                }
                Some(other) if *other == place => {}
                Some((other, above)) => {
                    let message = format!(
                        "{id} would be the name of a {level} in {parent} and of a {other} in {above}"
                    );
                    let fault =
                        Diagnostic::error(Code::SPM009, message).at(Place::Text(plan.place.clone()), "");
                    faults.push(fault.hint(
                        "rename one of the two in the table reps; a slash in a name is the usual cause",
                    ));
                }
            }
            parent = id;
        }
        // Who leads others and sells has two quotas: that of the team, under the own name, and one of their own in it.
        let id = if managers.contains(seat.id.as_str()) {
            if !seen.contains_key(&seat.id) {
                holders.push(Holder::new(&seat.id, MANAGER, Some(&parent)));
                seen.insert(seat.id.clone(), (MANAGER, parent.clone()));
            }
            parent.clone_from(&seat.id);
            format!("{}{OWN}", seat.id)
        } else {
            seat.id.clone()
        };
        let presence = if plan.by_time { days.presence(seat, &plan.ramp) } else { None };
        let part = availability(phasing, presence.as_deref());
        // A limit between two cents becomes the nearest cent: limits are shares of history, not promises of fractions.
        let limit = |amount: Rational| {
            let units = round_to_decimals(&(&amount * &part), decimals, Rounding::default())?;
            Some(Rational::from_scaled(units, decimals))
        };
        let of_history = |share: &Option<Rational>| {
            Some(share.as_ref()? * seat.history.as_ref().unwrap_or(&Rational::zero()))
        };
        let kept = |fall: &Rational| (&Rational::one() - fall) * seat.last_quota.clone().unwrap_or_default();
        let floors = [of_history(&plan.floor), plan.hold_harmless.as_ref().map(kept), seat.least.clone()];
        // Without history there is nothing that a cap could be a share of.
        let sold = seat.history.as_ref().is_some_and(Rational::is_positive);
        let caps = [of_history(&plan.cap).filter(|_| sold), seat.most.clone()];
        let mut holder = Holder::new(&id, SALESPERSON, Some(&parent));
        holder.floor = floors.into_iter().flatten().reduce(Rational::max).and_then(limit);
        holder.cap = caps.into_iter().flatten().reduce(Rational::min).and_then(limit);
        holder.history.clone_from(&seat.history);
        holder.potential.clone_from(&seat.potential);
        holder.last_quota.clone_from(&seat.last_quota);
        if matches!(plan.method, plan::Method::Weight(_)) {
            holder.weight = Some(seat.weight.clone().unwrap_or_default() * part.clone());
        }
        if let Some(own) = &seat.bottom_up {
            bottom_up.insert(holder.id.clone(), own * &part);
        }
        holder.presence = presence;
        holders.push(holder);
    }
    for (name, growth, place) in &plan.growth_of {
        if let Some(holder) = named(&mut holders, name, place, faults) {
            holder.growth = Some(growth.clone());
        }
    }
    for lock in &plan.locks {
        if let Some(holder) = named(&mut holders, &lock.holder, &lock.place, faults) {
            if holder.locked.replace(lock.amount.clone()).is_some() {
                let message = format!("{} is locked twice", lock.holder);
                let fault = Diagnostic::error(Code::SPM009, message).at(Place::Text(lock.place.clone()), "");
                faults.push(fault.hint("keep one of the two"));
            }
            holder.note.clone_from(&lock.note);
        }
    }
    levels_exist(plan, &holders, faults);
    (holders, bottom_up)
}

/// The holder that a plan names.
fn named<'h>(
    holders: &'h mut [Holder],
    name: &str,
    place: &TextPlace,
    faults: &mut Vec<Diagnostic>,
) -> Option<&'h mut Holder> {
    let found = holders.iter().position(|holder| holder.id.as_str() == name);
    if found.is_none() {
        let fault = Diagnostic::error(Code::SPM010, format!("no holder of a quota is named `{name}`"))
            .at(Place::Text(place.clone()), "");
        faults.push(fault.hint(match suggestion(name, holders.iter().map(|holder| holder.id.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "name a salesperson, or a holder above as quotas.parquet does: `group / territory`".to_owned()
            }
        }));
    }
    found.map(|position| &mut holders[position])
}

/// Over-assignment by level, and what adjustments keep, name levels that exist.
fn levels_exist(plan: &QuotaPlan, holders: &[Holder], faults: &mut Vec<Diagnostic>) {
    let levels: BTreeSet<&str> =
        holders.iter().map(|holder| &*holder.level).filter(|level| *level != SALESPERSON).collect();
    let factors = plan.over_assignment.iter().map(|(level, _, place)| (level, place));
    for (level, place) in factors.chain(plan.adjust.iter().map(|(level, place)| (level, place))) {
        if !levels.contains(level.as_str()) {
            let fault = Diagnostic::error(Code::SPM010, format!("the hierarchy has no level `{level}`"))
                .at(Place::Text(place.clone()), "");
            let names: Vec<&str> = levels.iter().copied().collect();
            faults.push(fault.hint(format!("the levels that give out quota are {}", names.join(", "))));
        }
    }
}

fn decimals(question: &Question<'_>) -> u32 {
    question.plan.decimals.unwrap_or_else(|| question.currency.decimals())
}

/// The problem of a plan with this total.
pub(super) fn problem(question: &Question<'_>, laid_out: &LaidOut, total: Total) -> Problem {
    let plan = question.plan;
    let factor =
        |(level, share, _): &(String, Rational, TextPlace)| (level.clone(), &Rational::one() + share);
    Problem {
        total,
        measured_in: match plan.decimals {
            Some(_) => Unit::Number,
            None => Unit::Money(question.currency.code().to_owned()),
        },
        decimals: decimals(question),
        unit: plan.unit.clone(),
        residue: Residue::PartialUnit,
        method: match &plan.method {
            plan::Method::History => Method::Proportional(Measure::History),
            plan::Method::Potential => Method::Proportional(Measure::Potential),
            // The weight of every seat is stated, so the measure is not looked at.
            plan::Method::Equal | plan::Method::Weight(_) => Method::Proportional(Measure::Headcount),
            plan::Method::Growth => Method::GrowthOnHistory { growth: plan.growth.clone() },
            plan::Method::HistoryAndPotential => Method::HistoryPlusPotential,
            plan::Method::WeightedShare(share) => Method::WeightedShare { history_share: share.clone() },
            plan::Method::LastQuota(share) => Method::LastQuota { history_share: share.clone() },
        },
        holders: laid_out.holders.clone(),
        over_assignment: plan.over_assignment.iter().map(factor).collect(),
        phasing: Some(laid_out.phasing.clone()),
    }
}

/// Top-down, then the way to bottom-up that the plan goes.
fn solve(question: &Question<'_>, laid_out: LaidOut) -> Result<Planned, Vec<Diagnostic>> {
    let plan = question.plan;
    let total = match &plan.total {
        Some(total) => Some(Total::Given(total.clone())),
        None => plan.history.as_ref().map(|_| Total::GrowthOnHistory { growth: plan.growth.clone() }),
    };
    let top_down = match total {
        Some(total) => Some(settle(question, problem(question, &laid_out, total))?),
        None => None,
    };
    let Some(own) = &plan.bottom_up else {
        let (problem, allocation) = top_down.ok_or_else(|| {
            let fault = Diagnostic::error(Code::SPM004, "the plan has neither a total nor a history");
            vec![fault.at(Place::Text(plan.place.clone()), "")]
        })?;
        return Ok(planned(question, problem, allocation, vec![]));
    };
    let from_below = from_below(question, &laid_out);
    let from_above: BTreeMap<HolderId, Rational> =
        top_down.iter().flat_map(|(_, allocation)| years(allocation)).collect();
    let (problem, allocation) = match top_down {
        Some(solved) if own.share.is_zero() => solved,
        top_down => {
            let share = if top_down.is_some() { own.share.clone() } else { Rational::one() };
            settle(question, meet(question, &laid_out, &share, &from_above, &from_below)?)?
        }
    };
    let reconciled = years(&allocation)
        .map(|(holder, quota)| Reconciled {
            top_down: from_above.get(&holder).cloned(),
            bottom_up: from_below.get(&holder).cloned().unwrap_or_default(),
            quota,
            holder,
        })
        .collect();
    Ok(planned(question, problem, allocation, reconciled))
}

/// With a warning about those who get nothing although they are there.
fn planned(
    question: &Question<'_>,
    problem: Problem,
    allocation: Allocation,
    reconciled: Vec<Reconciled>,
) -> Planned {
    let nothing = allocation.explanations.iter().filter(|why| {
        *why.level == *SALESPERSON
            && why.amount.is_zero()
            && why.availability.is_positive()
            && !matches!(why.binding, Some(Binding::Lock))
    });
    let names: Vec<&str> = nothing.map(|why| why.holder.as_str()).collect();
    let notice = names.first().map(|first| {
        let whom = match names.len() {
            1 => (*first).to_owned(),
            count => format!("{count} salespeople, such as {first},"),
        };
        let message = format!("plan `{}` gives {whom} a quota of zero", question.plan.id);
        let fault = Diagnostic::warning(Code::SPM421, message).at(Place::Text(question.plan.place.clone()), "");
        fault.hint(
            "no history, potential or weight: choose another method, state a `least`, or exclude them with `eligible`",
        )
    });
    Planned { problem, allocation, notices: notice.into_iter().collect(), reconciled }
}

/// The problem that shares part of the way from top-down to bottom-up, `share` from 0 to 1.
fn meet(
    question: &Question<'_>,
    laid_out: &LaidOut,
    share: &Rational,
    from_above: &BTreeMap<HolderId, Rational>,
    from_below: &BTreeMap<HolderId, Rational>,
) -> Result<Problem, Vec<Diagnostic>> {
    let rest = &Rational::one() - share;
    let blend = |holder: &HolderId| {
        let from = |amounts: &BTreeMap<HolderId, Rational>| amounts.get(holder).cloned().unwrap_or_default();
        &(share * &from(from_below)) + &(&rest * &from(from_above))
    };
    let root = &laid_out.holders[0].id;
    let total = round_nearest(&blend(root), &question.plan.unit).ok_or_else(|| {
        let fault = Diagnostic::error(Code::SPM402, "the bottom-up amounts add up to more than 128 bits");
        vec![fault.at(Place::Text(question.plan.place.clone()), "")]
    })?;
    let mut problem = problem(question, laid_out, Total::Given(total));
    for holder in &mut problem.holders {
        holder.weight = Some(blend(&holder.id));
    }
    Ok(problem)
}

/// What every holder can carry: the seats below, divided by the over-assignment of each level.
fn from_below(question: &Question<'_>, laid_out: &LaidOut) -> BTreeMap<HolderId, Rational> {
    let mut amounts = laid_out.bottom_up.clone();
    // Parents come before their children, so going backwards every sum is complete when it is used.
    for holder in laid_out.holders.iter().rev() {
        let given = amounts.get(&holder.id).cloned().unwrap_or_default();
        let stated = question.plan.over_assignment.iter().find(|(level, ..)| **level == *holder.level);
        let factor = stated.map_or_else(Rational::one, |(_, share, _)| &Rational::one() + share);
        let own = if *holder.level == *SALESPERSON { given } else { given / factor };
        if let Some(parent) = &holder.parent {
            *amounts.entry(parent.clone()).or_default() += &own;
        }
        amounts.insert(holder.id.clone(), own);
    }
    amounts
}

/// Years of all holders.
fn years(allocation: &Allocation) -> impl Iterator<Item = (HolderId, Rational)> {
    allocation.explanations.iter().map(|why| (why.holder.clone(), why.amount.clone()))
}

/// Allocates; then lets quotas that would change too little stand as they were, until all that change do so by enough.
fn settle(question: &Question<'_>, problem: Problem) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    let place = &question.plan.place;
    let decimals = decimals(question);
    let Some(least) = &question.plan.minimum_change else {
        let allocation = allocate_verified(&problem, place)?;
        return Ok((problem, allocation));
    };
    settled(problem, place, |holder, amount| {
        let last = holder.last_quota.as_ref()?;
        let change = (amount - last).abs();
        let units = round_to_decimals(last, decimals, Rounding::default())?;
        let small = change.is_positive() && change < least * last;
        small.then(|| (Rational::from_scaled(units, decimals), "the change would be too small".to_owned()))
    })
}

/// Allocates again and again, each time with what `stands` says of a holder and its amount as a lock with its note, until
/// nothing more stands. Every round adds locks, so there are at most as many rounds as holders.
pub(super) fn settled(
    mut problem: Problem,
    place: &TextPlace,
    stands: impl Fn(&Holder, &Rational) -> Option<(Rational, String)>,
) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    let mut before: Option<(Problem, Allocation)> = None;
    loop {
        let allocation = match (allocate_verified(&problem, place), before.take()) {
            (Ok(allocation), _) => allocation,
            // Nobody is left to take what those who stand leave: the round before is the answer.
            (Err(faults), Some(before)) if faults.iter().all(|fault| fault.code == Code::SPM501) => {
                return Ok(before);
            }
            (Err(faults), _) => return Err(faults),
        };
        let amounts: BTreeMap<HolderId, Rational> = years(&allocation).collect();
        let mut next = problem.clone();
        let mut more = false;
        for holder in next.holders.iter_mut().filter(|holder| holder.locked.is_none()) {
            let Some((lock, note)) = amounts.get(&holder.id).and_then(|amount| stands(holder, amount)) else {
                continue;
            };
            (holder.locked, holder.note, more) = (Some(lock), Some(note), true);
        }
        if !more {
            return Ok((problem, allocation));
        }
        before = Some((problem, allocation));
        problem = next;
    }
}

/// The allocation of a problem, checked by code that did not make it. Faults point at the plan.
pub(super) fn allocate_verified(problem: &Problem, place: &TextPlace) -> Result<Allocation, Vec<Diagnostic>> {
    let at = |fault: Diagnostic| fault.at(Place::Text(place.clone()), "");
    let allocation = allocate(problem)
        .map_err(|faults| faults.iter().map(|fault| at(fault.to_diagnostic())).collect::<Vec<_>>())?;
    let disagreements = verify(problem, &allocation);
    if disagreements.is_empty() {
        return Ok(allocation);
    }
    let fault = |found: super::Disagreement| at(Diagnostic::error(Code::SPM502, found.to_string()));
    Err(disagreements.into_iter().map(fault).collect())
}
