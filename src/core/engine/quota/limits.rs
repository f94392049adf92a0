//! The least and greatest amount of every holder, from its own floor, cap and lock and from those below (floor 2).

use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::Holder;
use super::units::{round_down, round_up};
use crate::ground::rational::Rational;

/// From what to what an amount may go, both in the smallest amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    /// Least.
    pub least: Rational,
    /// Greatest; none for no limit.
    pub greatest: Option<Rational>,
}

impl Range {
    /// `amount` brought into the range.
    pub fn clamp(&self, amount: Rational) -> Rational {
        let raised = amount.max(self.least.clone());
        match &self.greatest {
            Some(greatest) => raised.min(greatest.clone()),
            None => raised,
        }
    }
}

/// The limits of one holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// By its own floor, cap or lock.
    pub own: Range,
    /// What its children may get together (no limit for leaves).
    pub below: Range,
    /// Its own, narrowed by what those below need, so that a split inside it always works out further down.
    pub effective: Range,
}

/// The limits of all holders.
pub(super) struct AllLimits {
    /// By holder; empty where nobody is limited.
    own: Vec<Limits>,
    /// Of somebody without limits.
    free: Limits,
}

impl AllLimits {
    /// Those of a holder.
    pub fn of(&self, position: usize) -> &Limits {
        self.own.get(position).unwrap_or(&self.free)
    }

    /// True where zero is the only limit of everybody.
    pub fn are_free(&self) -> bool {
        self.own.is_empty()
    }
}

/// Limits of all holders, from the leaves up. All contradictions are reported, each where it arises.
pub(super) fn find_limits(
    hierarchy: &Hierarchy<'_>,
    total: &Rational,
) -> Result<AllLimits, Vec<ProblemFault>> {
    let mut faults = vec![];
    let limited =
        |holder: &&Holder| holder.floor.is_some() || holder.cap.is_some() || holder.locked.is_some();
    // Where nobody is limited, zero is the only limit.
    if !total.is_negative() && !hierarchy.holders.iter().any(limited) {
        return Ok(AllLimits { own: vec![], free: Limits::default() });
    }
    let mut limits = vec![Limits::default(); hierarchy.holders.len()];
    for position in (0..limits.len()).rev() {
        let id = &hierarchy.holders[position].id;
        let Some(own) = own_limits(hierarchy.holders[position], &hierarchy.smallest) else {
            faults.push(ProblemFault::AmountOutOfRange { holder: id.clone() });
            continue;
        };
        if let Some(greatest) = own.greatest.as_ref().filter(|greatest| own.least > **greatest) {
            let (least, greatest) = (own.least.clone(), greatest.clone());
            faults.push(ProblemFault::LimitsContradict { holder: id.clone(), least, greatest });
            continue; // Without limits of its own it causes no further faults above.
        }
        let below = limits_below(&hierarchy.children[position], &limits);
        limits[position] = match narrow(hierarchy, position, own, below, total) {
            Ok(narrowed) => narrowed,
            Err(fault) => {
                faults.push(*fault);
                Limits::default()
            }
        };
    }
    if faults.is_empty() { Ok(AllLimits { own: limits, free: Limits::default() }) } else { Err(faults) }
}

/// A holder's own floor, cap and lock, brought inward to the smallest amount; `None` beyond 128 bits.
/// The root is fixed by the total, which [`narrow`] takes into account.
pub(super) fn own_limits(holder: &Holder, smallest: &Rational) -> Option<Range> {
    let mut least = match &holder.floor {
        Some(floor) => round_up(floor, smallest)?,
        None => Rational::zero(),
    };
    let mut greatest = match &holder.cap {
        Some(cap) => Some(round_down(cap, smallest)?),
        None => None,
    };
    if let Some(locked) = &holder.locked {
        least = least.max(locked.clone());
        greatest = Some(greatest.map_or_else(|| locked.clone(), |cap| cap.min(locked.clone())));
    }
    Some(Range { least, greatest })
}

/// What children may get together.
fn limits_below(children: &[usize], limits: &[Limits]) -> Range {
    if children.is_empty() {
        return Range::default();
    }
    let least = children.iter().map(|child| &limits[*child].effective.least).sum();
    let greatest: Option<Vec<Rational>> =
        children.iter().map(|child| limits[*child].effective.greatest.clone()).collect();
    Range { least, greatest: greatest.map(|caps| caps.iter().sum()) }
}

/// A holder's own limits narrowed by those below, divided by its over-assignment.
fn narrow(
    hierarchy: &Hierarchy<'_>,
    position: usize,
    own: Range,
    below: Range,
    total: &Rational,
) -> Result<Limits, Box<ProblemFault>> {
    let id = &hierarchy.holders[position].id;
    let factor = hierarchy.over_assignment(position);
    let fits = |amount: Option<Rational>| {
        amount.ok_or_else(|| Box::new(ProblemFault::AmountOutOfRange { holder: id.clone() }))
    };
    let (least, greatest) = if factor == Rational::one() {
        (below.least.clone(), below.greatest.clone())
    } else {
        // What is given out is rounded: what an amount comes to counts within half of the smallest one.
        let smallest = &hierarchy.smallest;
        let half = smallest / &Rational::from(2_i64);
        let least = (&below.least - &half).max(Rational::zero());
        let least = fits(round_up(&(&least / &factor), smallest))?;
        let greatest = match &below.greatest {
            // Half of it would be rounded up. Where no amount comes to what everybody below is limited to, the one just
            // above it stands.
            Some(caps) => {
                let above = fits(round_up(&(&(caps + &half) / &factor), smallest))?;
                Some((&above - smallest).max(least.clone()))
            }
            None => None,
        };
        (least, greatest)
    };
    let root = position == 0;
    let available = if root { Some(total.clone()) } else { own.greatest.clone() };
    if let Some(available) = available.filter(|available| least > *available) {
        let (floors, available) = (below.least, available * factor);
        return Err(Box::new(ProblemFault::FloorsExceed { holder: id.clone(), floors, available }));
    }
    let required = if root { total.clone() } else { own.least.clone() };
    if let Some(caps) = below.greatest.clone().filter(|_| greatest.as_ref().is_some_and(|it| *it < required))
    {
        let required = required * factor;
        return Err(Box::new(ProblemFault::CapsBelow { holder: id.clone(), caps, required }));
    }
    if root && own.clamp(total.clone()) != *total {
        return Err(Box::new(root_fault(hierarchy, own, total)));
    }
    let tighter = match (own.greatest.clone(), greatest) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let effective = Range { least: own.least.clone().max(least), greatest: tighter };
    Ok(Limits { own, below, effective })
}

/// The root's own floor, cap or lock contradicts the total.
fn root_fault(hierarchy: &Hierarchy<'_>, own: Range, total: &Rational) -> ProblemFault {
    let holder = hierarchy.holders[0].id.clone();
    match own.greatest {
        Some(caps) if caps < *total => ProblemFault::CapsBelow { holder, caps, required: total.clone() },
        _ => ProblemFault::FloorsExceed { holder, floors: own.least, available: total.clone() },
    }
}
