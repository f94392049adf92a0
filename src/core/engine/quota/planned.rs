//! From a checked quota plan and its seats to quotas: problems for the engine, top-down and bottom-up (floor 2).

use std::collections::BTreeMap;

use super::allocation::Allocation;
use super::cite;
use super::fault::ProblemFault;
use super::from_below::{bring, carry_up};
use super::lay_out::{LINE, LaidOut, SALESPERSON, decimals, lay_out};
use super::notices::notices;
use super::open::{factor, parents};
use super::problem::{Blend, Holder, HolderId, Measure, Method, Phasing, Problem, Residue, Total};
use super::seat::Seat;
use super::units::round_nearest;
use super::{allocate, verify};
use crate::ground::diagnostic::{Code, Diagnostic, Severity};
use crate::ground::money::Currency;
use crate::ground::period::Calendar;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::source::{Place, TextPlace};
use crate::ground::trace::Unit;
use crate::plan::quotas::{self as plan, QuotaPlan};

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
    /// Who gets a quota, sorted by identifier; for a plan with lines, once for each line.
    pub seats: &'a [Seat],
    /// What was sold in the periods that each phase is like; empty unless the season comes from history.
    pub sold: &'a [Rational],
    /// The same of each line of a plan that has some.
    pub sold_of_lines: &'a [Vec<Rational>],
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
    /// What the seats below can carry; divided by over-assignment on each level, rounded to the smallest amount.
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

/// The quotas of a plan, verified.
///
/// # Errors
/// Every fault of the plan's numbers and of its seats at once; or why no quotas satisfy it.
pub fn plan_quotas(question: &Question<'_>) -> Result<Planned, Vec<Diagnostic>> {
    let laid_out = lay_out(question)?;
    solve(question, laid_out)
}

/// The problem of a plan with this total.
pub(super) fn problem(
    question: &Question<'_>,
    holders: Vec<Holder>,
    phasing: &Phasing,
    total: Total,
) -> Problem {
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
        holders,
        over_assignment: plan.over_assignment.iter().map(factor).collect(),
        over_assignment_of: plan
            .over_assignment_of
            .iter()
            .map(factor)
            .map(|(holder, factor)| (HolderId::from(holder.as_str()), factor))
            .collect(),
        phasing: Some(phasing.clone()),
    }
}

/// Top-down, then the way to bottom-up that the plan goes.
fn solve(question: &Question<'_>, mut laid_out: LaidOut) -> Result<Planned, Vec<Diagnostic>> {
    let plan = question.plan;
    let mut told = std::mem::take(&mut laid_out.notices);
    let total = match &plan.total {
        Some(total) => Some(Total::Given(total.clone())),
        None => plan.history.as_ref().map(|_| Total::GrowthOnHistory { growth: plan.growth.clone() }),
    };
    let from_above = total.map(|total| {
        // A second problem of the same holders comes only with bottom-up amounts.
        let holders = match plan.bottom_up {
            Some(_) => laid_out.holders.clone(),
            None => std::mem::take(&mut laid_out.holders),
        };
        settle(question, problem(question, holders, &laid_out.phasing, total))
    });
    let Some(own) = &plan.bottom_up else {
        let (problem, allocation) = from_above.ok_or_else(|| {
            let fault = Diagnostic::error(Code::SPM004, "the plan has neither a total nor a history");
            vec![fault.at(Place::Text(plan.place.clone()), "")]
        })??;
        return Ok(planned(question, problem, allocation, told, vec![]));
    };
    // Where quotas are what people carry, the side from above is there to be compared with, and may have no answer.
    let bottom_up = is_bottom_up(plan);
    let top_down = match from_above {
        Some(Err(faults)) if bottom_up && faults.iter().all(|fault| fault.code == Code::SPM501) => {
            let warned = |fault: Diagnostic| {
                let message = format!("nothing to compare with from above: {}", fault.message);
                Diagnostic { severity: Severity::Warning, message, ..fault }
            };
            told.extend(faults.into_iter().map(warned));
            None
        }
        from_above => from_above.transpose()?,
    };
    let from_below = from_below(question, &laid_out);
    let from_above: BTreeMap<HolderId, Rational> =
        top_down.iter().flat_map(|(_, allocation)| years(allocation)).collect();
    let (problem, allocation) = match top_down {
        Some(solved) if own.share.is_zero() => solved,
        _ => {
            without_totals(&mut laid_out.holders);
            if bottom_up {
                take(question, laid_out)?
            } else {
                settle(question, meet(question, laid_out, &own.share, &from_above, &from_below)?)?
            }
        }
    };
    // Divided by over-assignment, an amount may not end.
    let shown = |amount: Rational| match round_to_decimals(&amount, problem.decimals, Rounding::default()) {
        Some(units) => Rational::from_scaled(units, problem.decimals),
        None => amount,
    };
    let reconciled = years(&allocation)
        .map(|(holder, quota)| Reconciled {
            top_down: from_above.get(&holder).cloned(),
            bottom_up: shown(from_below.get(&holder).cloned().unwrap_or_default()),
            quota,
            holder,
        })
        .collect();
    Ok(planned(question, problem, allocation, told, reconciled))
}

/// With what the user should know, besides what was `told` already.
fn planned(
    question: &Question<'_>,
    problem: Problem,
    allocation: Allocation,
    told: Vec<Diagnostic>,
    reconciled: Vec<Reconciled>,
) -> Planned {
    let mut notices = notices(question, &problem, &allocation);
    notices.extend(told);
    Planned { problem, allocation, notices, reconciled }
}

/// True when quotas are what people can carry, whatever they add up to.
pub(super) fn is_bottom_up(plan: &QuotaPlan) -> bool {
    let top_down = plan.total.is_some() || plan.history.is_some();
    plan.bottom_up.as_ref().is_some_and(|own| !top_down || own.share == Rational::one())
}

/// Where quotas come from below, or part of the way, the totals of lines are what comes from above, as the plan's is.
pub(super) fn without_totals(holders: &mut [Holder]) {
    for holder in holders.iter_mut().filter(|holder| *holder.level == *LINE) {
        if holder.clauses.locked.as_ref().is_some_and(|clause| clause.key == "total") {
            (holder.locked, holder.clauses.locked) = (None, None);
        }
    }
}

fn too_large(plan: &QuotaPlan) -> Vec<Diagnostic> {
    let fault = Diagnostic::error(Code::SPM402, "the bottom-up amounts add up to more than 128 bits");
    vec![fault.at(Place::Text(plan.place.clone()), "")]
}

/// Everybody has what they can carry, in units and within limits.
fn take(question: &Question<'_>, laid_out: LaidOut) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    let LaidOut { holders, phasing, bottom_up, .. } = laid_out;
    let mut problem = problem(question, holders, &phasing, Total::Given(Rational::zero()));
    for holder in problem.holders.iter_mut().filter(|holder| *holder.level == *SALESPERSON) {
        let own = bottom_up.get(&holder.id).cloned().unwrap_or_default();
        let own = round_nearest(&own, &question.plan.unit).ok_or_else(|| too_large(question.plan))?;
        bring(holder, own);
    }
    let carry = |problem: &mut Problem| carry_up(problem, |_, _| None);
    settled(problem, question.plan, carry, |holder, amount| stays(question, holder, amount))
}

/// The problem that shares part of the way from top-down to bottom-up, `share` above 0 and below 1.
fn meet(
    question: &Question<'_>,
    laid_out: LaidOut,
    share: &Rational,
    from_above: &BTreeMap<HolderId, Rational>,
    from_below: &BTreeMap<HolderId, Rational>,
) -> Result<Problem, Vec<Diagnostic>> {
    let rest = &Rational::one() - share;
    let from = |amounts: &BTreeMap<HolderId, Rational>, holder: &HolderId| {
        amounts.get(holder).cloned().unwrap_or_default()
    };
    let blend =
        |holder: &HolderId| &(share * &from(from_below, holder)) + &(&rest * &from(from_above, holder));
    let root = &laid_out.holders[0].id;
    let total = round_nearest(&blend(root), &question.plan.unit).ok_or_else(|| too_large(question.plan))?;
    let mut problem = problem(question, laid_out.holders, &laid_out.phasing, Total::Given(total));
    let parents = parents(&problem.holders);
    let mut sums = vec![Rational::zero(); parents.len()];
    for place in (0..parents.len()).rev() {
        let factor = factor(&problem, &problem.holders[place]);
        let holder = &mut problem.holders[place];
        let weight = if *holder.level == *SALESPERSON {
            holder.blend = Some(Box::new(Blend {
                above: from_above.get(&holder.id).cloned(),
                below: from(from_below, &holder.id),
                share: share.clone(),
            }));
            holder.full_weight = None;
            holder.weight.insert(blend(&holder.id)).clone()
        } else if factor == Rational::one() {
            sums[place].clone()
        } else {
            let weight = sums[place].checked_div(&factor).unwrap_or_default();
            holder.weight = Some(weight.clone());
            weight
        };
        if let Some(parent) = parents[place] {
            sums[parent] += &weight;
        }
    }
    Ok(problem)
}

/// What every holder can carry: the seats below, divided by the over-assignment of each level.
fn from_below(question: &Question<'_>, laid_out: &LaidOut) -> BTreeMap<HolderId, Rational> {
    let mut amounts = laid_out.bottom_up.clone();
    // Parents come before their children, so going backwards every sum is complete when it is used.
    for holder in laid_out.holders.iter().rev() {
        let given = amounts.get(&holder.id).cloned().unwrap_or_default();
        let (of, by_level) = (&question.plan.over_assignment_of, &question.plan.over_assignment);
        let stated = of.iter().find(|(name, ..)| name == holder.id.as_str());
        let stated = stated.or_else(|| by_level.iter().find(|(level, ..)| **level == *holder.level));
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
    allocation.years().map(|(placed, amount)| (placed.holder.clone(), amount))
}

/// Allocates; then lets quotas that would change too little stand as they were, until all that change do so by enough.
fn settle(question: &Question<'_>, problem: Problem) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    settled(problem, question.plan, |_| Some(()), |holder, amount| stays(question, holder, amount))
}

/// The last quota of a holder whose quota would change too little.
fn stays(question: &Question<'_>, holder: &Holder, amount: &Rational) -> Option<(Rational, String)> {
    let (least, last) = (question.plan.minimum_change.as_ref()?, holder.last_quota.as_ref()?);
    let change = (amount - last).abs();
    let units = round_to_decimals(last, decimals(question), Rounding::default())?;
    let stood = || Rational::from_scaled(units, decimals(question));
    let small = change.is_positive() && change < least * last;
    small.then(|| (stood(), "the change would be too small".to_owned()))
}

/// Allocates again and again, each time with what `stands` says of a holder and its amount as a lock with its note, until
/// nothing more stands; `prepare` brings the problem up to what is locked before each. Where nobody is left to take what those
/// who stand leave, those among them who would change most give way. Nobody who gave way stands again, so there are at most
/// twice as many rounds as holders.
pub(super) fn settled(
    mut problem: Problem,
    plan: &QuotaPlan,
    prepare: impl Fn(&mut Problem) -> Option<()>,
    stands: impl Fn(&Holder, &Rational) -> Option<(Rational, String)>,
) -> Result<(Problem, Allocation), Vec<Diagnostic>> {
    let mut standing = Standing::of(&problem);
    loop {
        prepare(&mut problem).ok_or_else(|| too_large(plan))?;
        let allocation = match allocate(&problem) {
            Ok(allocation) => verified(&problem, allocation, plan)?,
            Err(faults) if standing.give_way(&mut problem, &faults) => continue,
            Err(faults) => return Err(cited(&problem, &faults, plan)),
        };
        standing.rounds = 0;
        let mut more = false;
        for (placed, amount) in allocation.years() {
            let (index, holder) = (placed.index, &mut problem.holders[placed.index]);
            if holder.locked.is_some() || standing.gave_way[index] {
                continue;
            }
            let Some((lock, note)) = stands(holder, &amount) else { continue };
            let note = holder.note.replace(note);
            standing.kept.push(Stands { index, change: &lock - &amount, note });
            (holder.locked, more) = (Some(lock), true);
        }
        if !more {
            return Ok((problem, allocation));
        }
    }
}

/// Somebody who keeps a quota that would change by little.
struct Stands {
    index: usize,
    /// How much more it keeps than it would have got.
    change: Rational,
    /// What its note was.
    note: Option<String>,
}

/// Who keeps a quota while the others share what is left.
struct Standing {
    parents: Vec<Option<usize>>,
    kept: Vec<Stands>,
    gave_way: Vec<bool>,
    /// Times in a row that somebody gave way.
    rounds: u32,
}

impl Standing {
    fn of(problem: &Problem) -> Self {
        let count = problem.holders.len();
        Self { parents: parents(&problem.holders), kept: vec![], gave_way: vec![false; count], rounds: 0 }
    }

    /// Frees some of those who stand at or below the holders that have no answer: who would change most, first of those that
    /// leave too much, or too little, as the fault says. One each at first, more when it takes long. False when there are none.
    fn give_way(&mut self, problem: &mut Problem, faults: &[ProblemFault]) -> bool {
        let count = 1_usize << self.rounds.saturating_sub(3).min(20);
        self.rounds += 1;
        let mut any = false;
        for fault in faults {
            let (above, too_much) = match fault {
                ProblemFault::LimitsContradict { holder, .. } => (holder, None),
                ProblemFault::FloorsExceed { holder, .. } => (holder, Some(true)),
                ProblemFault::CapsBelow { holder, .. } | ProblemFault::NothingToShareBy { holder, .. } => {
                    (holder, Some(false))
                }
                _ => return false,
            };
            let Some(above) = problem.holders.iter().position(|holder| holder.id == *above) else { continue };
            let mut below: Vec<usize> =
                (0..self.kept.len()).filter(|place| self.is_below(self.kept[*place].index, above)).collect();
            let wrong = |place: usize| {
                too_much.is_some_and(|too_much| self.kept[place].change.is_positive() != too_much)
            };
            let by = |a: &usize, b: &usize| {
                let change = |place: usize| self.kept[place].change.abs();
                let id = |place: usize| &problem.holders[self.kept[place].index].id;
                wrong(*a).cmp(&wrong(*b)).then(change(*b).cmp(&change(*a))).then(id(*a).cmp(id(*b)))
            };
            below.sort_by(by);
            below.truncate(count);
            below.sort_unstable();
            for place in below.into_iter().rev() {
                let Stands { index, note, .. } = self.kept.swap_remove(place);
                let holder = &mut problem.holders[index];
                (holder.locked, holder.note, self.gave_way[index], any) = (None, note, true, true);
            }
        }
        any
    }

    fn is_below(&self, mut holder: usize, above: usize) -> bool {
        while holder != above {
            match self.parents[holder] {
                Some(parent) => holder = parent,
                None => return false,
            }
        }
        true
    }
}

/// The allocation of a problem, checked by code that did not make it. Faults point at the clauses of the plan.
pub(super) fn allocate_verified(problem: &Problem, plan: &QuotaPlan) -> Result<Allocation, Vec<Diagnostic>> {
    let allocation = allocate(problem).map_err(|faults| cited(problem, &faults, plan))?;
    verified(problem, allocation, plan)
}

/// Faults at the clauses of the plan.
fn cited(problem: &Problem, faults: &[ProblemFault], plan: &QuotaPlan) -> Vec<Diagnostic> {
    faults.iter().map(|fault| cite::diagnostic(plan, problem, fault)).collect()
}

/// An allocation that nothing disagrees with.
fn verified(
    problem: &Problem,
    allocation: Allocation,
    plan: &QuotaPlan,
) -> Result<Allocation, Vec<Diagnostic>> {
    let disagreements = verify(problem, &allocation);
    if disagreements.is_empty() {
        return Ok(allocation);
    }
    let fault = |found: super::Disagreement| {
        Diagnostic::error(Code::SPM502, found.to_string()).at(Place::Text(plan.place.clone()), "")
    };
    Err(disagreements.into_iter().map(fault).collect())
}
