//! Faults of an allocation at the clauses of the plan that they are about (floor 2).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::ProblemFault;
use super::lay_out::SALESPERSON;
use super::problem::{Clause, Holder, HolderId, Problem};
use super::sheet::in_line;
use crate::ground::diagnostic::Diagnostic;
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::quotas::{Method, QuotaPlan};

/// So many clauses of holders below are shown; a fault names all that matter by their sum.
const SHOWN: usize = 3;

/// The fault as the program shows it, at every clause that it is about.
pub(super) fn diagnostic(plan: &QuotaPlan, problem: &Problem, fault: &ProblemFault) -> Diagnostic {
    let holder = |id: &HolderId| problem.holders.iter().find(|holder| holder.id == *id);
    let at_key = |key: &str| vec![(plan.clause(key).clone(), String::new())];
    if let ProblemFault::NothingToShareBy { holder, left } = fault
        && let Some((key, cause, hint)) = nobody(plan, problem, holder)
    {
        let message = format!("{holder}: {} is left, but {cause}", left.to_decimal_text());
        let own = Diagnostic { message, ..fault.to_diagnostic() };
        let line = plan.lines.iter().find(|line| in_line(holder.as_str(), &line.name).is_some());
        let plan = line.map_or(plan, |line| &line.own);
        return own.at(Place::Text(plan.clause(key).clone()), "").hint(hint);
    }
    let places = match fault {
        ProblemFault::LimitsContradict { holder: id, .. } => {
            let own = holder(id);
            let floor = own.and_then(|own| own.clauses.floor.as_ref()).map(|clause| (clause, "at least"));
            let cap = own.and_then(|own| own.clauses.cap.as_ref()).map(|clause| (clause, "at most"));
            let lock = own.and_then(|own| own.clauses.locked.as_ref()).map(|clause| (clause, "exactly"));
            let stated = [floor, cap, lock].into_iter().flatten();
            stated.map(|(clause, text)| (clause.place.clone(), text.to_owned())).collect()
        }
        ProblemFault::FloorsExceed { holder: id, .. } => {
            let mut places = of_root(problem, id, |own| [&own.clauses.locked, &own.clauses.floor]);
            places.extend(below(problem, id, |own| [&own.clauses.locked, &own.clauses.floor]));
            places.extend(given(plan, problem, id, |own| [&own.clauses.locked, &own.clauses.cap]));
            places
        }
        ProblemFault::CapsBelow { holder: id, .. } => {
            let mut places = of_root(problem, id, |own| [&own.clauses.locked, &own.clauses.cap]);
            places.extend(below(problem, id, |own| [&own.clauses.locked, &own.clauses.cap]));
            places.extend(given(plan, problem, id, |own| [&own.clauses.locked, &own.clauses.floor]));
            places
        }
        ProblemFault::OutOfRange { holder: id, name, .. }
        | ProblemFault::TooFine { holder: id, name, .. } => {
            let own = id.as_ref().and_then(holder);
            match (*name, own) {
                ("floor", Some(own)) => of(&own.clauses.floor),
                ("cap", Some(own)) => of(&own.clauses.cap),
                ("lock" | "locked period" | "sum of locked periods", Some(own)) => of(&own.clauses.locked),
                ("growth", Some(own)) => {
                    let stated = plan.growth_of.iter().find(|(name, ..)| *name == own.id.as_str());
                    stated
                        .map_or_else(|| at_key("growth"), |(.., place)| vec![(place.clone(), String::new())])
                }
                ("last quota", _) => at_key("last_quota"),
                ("history share", _) => at_key("history_share"),
                ("phasing unit", _) => at_key("unit"),
                ("over-assignment", _) => at_key("over_assignment"),
                ("presence", _) => at_key("proration"),
                ("season weight" | "sum of season weights", _) if plan.states("season") => at_key("season"),
                ("season weight" | "sum of season weights", _) => at_key("phasing"),
                (key, _) => at_key(key),
            }
        }
        ProblemFault::NegativeWeight { .. }
        | ProblemFault::NoMeasure { .. }
        | ProblemFault::NothingToShareBy { .. } => at_key("method"),
        ProblemFault::TotalNotInUnits { .. } | ProblemFault::AmountOutOfRange { .. } => at_key("total"),
        ProblemFault::UnknownLevel { .. } => at_key("over_assignment"),
        ProblemFault::DuplicatePeriod { .. } => at_key("phasing"),
        ProblemFault::Roots { .. }
        | ProblemFault::DuplicateHolder { .. }
        | ProblemFault::UnknownParent { .. }
        | ProblemFault::Cycle { .. }
        | ProblemFault::TooDeep { .. }
        | ProblemFault::MeasureAboveLeaves { .. } => vec![],
    };
    let places = if places.is_empty() { vec![(plan.place.clone(), String::new())] } else { places };
    let cited = |fault: Diagnostic, (place, text): (TextPlace, String)| fault.at(Place::Text(place), text);
    places.into_iter().fold(fault.to_diagnostic(), cited)
}

fn of(clause: &Option<Arc<Clause>>) -> Vec<(TextPlace, String)> {
    clause.iter().map(|clause| (clause.place.clone(), String::new())).collect()
}

/// Why nobody below a holder has a weight, when all have the same reason: the key to look at, the reason, and what to do.
fn nobody(
    plan: &QuotaPlan,
    problem: &Problem,
    above: &HolderId,
) -> Option<(&'static str, &'static str, &'static str)> {
    let seats: Vec<&Holder> =
        all_below(problem, above).into_iter().filter(|holder| *holder.level == *SALESPERSON).collect();
    let all = |has: &dyn Fn(&Holder) -> bool| !seats.is_empty() && !seats.iter().any(|seat| has(seat));
    let has = |value: &Option<Rational>| value.as_ref().is_some_and(Rational::is_positive);
    if all(&|seat| seat.presence.as_ref().is_none_or(|there| there.iter().any(Rational::is_positive))) {
        let hint =
            "look at hire_date, end_date and leaves of the people below it, or at the periods of the plan";
        return Some(("proration", "nobody below it is there in any of the periods", hint));
    }
    let by_history = matches!(plan.method, Method::History | Method::Growth);
    if by_history && all(&|seat| has(&seat.history)) {
        let hint = "look at the days, `where` and `by` of the history, and at who sold then; or choose another method";
        return Some(("history", "nobody below it has a history in its days", hint));
    }
    if matches!(plan.method, Method::Potential) && all(&|seat| has(&seat.potential)) {
        let hint = "look at `potential` and who owns the accounts, or choose another method";
        return Some(("potential", "nobody below it has a potential", hint));
    }
    let weightless = matches!(plan.method, Method::Weight(_)) && all(&|seat| has(&seat.full_weight));
    let hint = "look at the columns that `weight` reads, or choose another method";
    weightless.then_some(("weight", "the weight of everybody below it is 0", hint))
}

/// The holders at any level below one.
fn all_below<'p>(problem: &'p Problem, above: &HolderId) -> Vec<&'p Holder> {
    let parents: BTreeMap<&HolderId, Option<&HolderId>> =
        problem.holders.iter().map(|holder| (&holder.id, holder.parent.as_ref())).collect();
    let is_below = |holder: &Holder| {
        let mut next = holder.parent.as_ref();
        while let Some(id) = next {
            if id == above {
                return true;
            }
            next = parents.get(id).copied().flatten();
        }
        false
    };
    problem.holders.iter().filter(|holder| is_below(holder)).collect()
}

/// The clauses that limit holders below one, each once, with how many it limits; those that limit most come first.
fn below<'p>(
    problem: &'p Problem,
    above: &HolderId,
    read: impl Fn(&'p Holder) -> [&'p Option<Arc<Clause>>; 2],
) -> Vec<(TextPlace, String)> {
    let mut found: Vec<(&Arc<Clause>, &HolderId, usize)> = vec![];
    for holder in all_below(problem, above) {
        // A lock is what counts where there is one.
        let Some(clause) = read(holder).into_iter().flatten().next() else { continue };
        match found.iter_mut().find(|(other, ..)| other.place == clause.place) {
            Some((.., times)) => *times += 1,
            None => found.push((clause, &holder.id, 1)),
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.2));
    let text = |(clause, id, times): (&Arc<Clause>, &HolderId, usize)| {
        let text = match times {
            1 => format!("{} of {id}", clause.key),
            times => format!("{} of {times} holders", clause.key),
        };
        (clause.place.clone(), text)
    };
    found.into_iter().take(SHOWN).map(text).collect()
}

/// The clause that fixes what a holder gives: its own limit, or the total.
fn given<'p>(
    plan: &QuotaPlan,
    problem: &'p Problem,
    id: &HolderId,
    read: impl Fn(&'p Holder) -> [&'p Option<Arc<Clause>>; 2],
) -> Vec<(TextPlace, String)> {
    let own = problem.holders.iter().find(|holder| holder.id == *id);
    let clause = own.into_iter().flat_map(read).flatten().next();
    match (clause, own.is_some_and(|own| own.parent.is_none())) {
        // What there is to share is fixed by the total, not by a limit of the company.
        (_, true) => {
            let mut keys = ["total", "growth", "history"].into_iter();
            let key = keys.find(|key| plan.states(key)).unwrap_or("id");
            vec![(plan.clause(key).clone(), "what there is to share".to_owned())]
        }
        (Some(clause), _) => vec![(clause.place.clone(), format!("{} of {id}", clause.key))],
        (None, _) => vec![],
    }
}

/// The limit of the company itself, when the fault is about the company.
fn of_root<'p>(
    problem: &'p Problem,
    id: &HolderId,
    read: impl Fn(&'p Holder) -> [&'p Option<Arc<Clause>>; 2],
) -> Vec<(TextPlace, String)> {
    let root = problem.holders.iter().find(|holder| holder.parent.is_none() && holder.id == *id);
    let clause = root.into_iter().flat_map(read).flatten().next();
    clause.map(|clause| (clause.place.clone(), format!("{} of {id}", clause.key))).into_iter().collect()
}
