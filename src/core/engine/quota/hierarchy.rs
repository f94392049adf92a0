//! Checks a quota problem and lays its holders out as a tree, parents before children (floor 2).

use std::collections::{BTreeMap, BTreeSet};

use super::allocation::Placed;
use super::fault::ProblemFault;
use super::problem::{Holder, HolderId, Method, Phasing, Problem, Residue, Total};
use super::units::round_down;
use crate::ground::limit;
use crate::ground::rational::Rational;

/// A checked problem. Positions index all vectors; parents come before children, siblings in the order of their ids,
/// so the order of the input has no influence.
pub(super) struct Hierarchy<'a> {
    /// The problem it was made from.
    pub problem: &'a Problem,
    /// The smallest amount that exists, in major units.
    pub smallest: Rational,
    /// The holders; the root is the first.
    pub holders: Vec<&'a Holder>,
    /// The index of each in the problem.
    pub indices: Vec<usize>,
    /// Position of each parent; none for the root.
    pub parents: Vec<Option<usize>>,
    /// Positions of each holder's children.
    pub children: Vec<Vec<usize>>,
}

impl Hierarchy<'_> {
    /// What a holder's children get together is its own amount times this.
    pub fn over_assignment(&self, position: usize) -> Rational {
        let holder = self.holders[position];
        let stated = holder.over_assignment.as_ref();
        stated.or_else(|| self.problem.stated_over_assignment(holder)).cloned().unwrap_or_else(Rational::one)
    }

    /// For every holder the growth stated nearest above or at it, else `otherwise`.
    pub fn growths(&self, otherwise: &Rational) -> Vec<Rational> {
        let mut growths: Vec<Rational> = Vec::with_capacity(self.holders.len());
        for (holder, parent) in self.holders.iter().zip(&self.parents) {
            let above = parent.map_or(otherwise, |parent| &growths[parent]);
            growths.push(holder.growth.as_ref().unwrap_or(above).clone());
        }
        growths
    }

    /// Who has the rows of an allocation.
    pub fn placed(&self) -> Vec<Placed> {
        let places = self.holders.iter().zip(&self.indices).zip(&self.parents);
        let placed = |((holder, index), above): ((&&Holder, &usize), &Option<usize>)| Placed {
            holder: holder.id.clone(),
            index: *index,
            level: holder.level.clone(),
            parent: holder.parent.clone(),
            above: *above,
        };
        places.map(placed).collect()
    }

    /// Season weights of a leaf's periods: its own, or those of the phasing, times its presence.
    pub fn season(&self, position: usize) -> Vec<Rational> {
        self.problem.phasing.as_ref().map_or_else(Vec::new, |phasing| season(phasing, self.holders[position]))
    }

    /// The part of the year, by season weight, in which a leaf carries quota.
    pub fn availability(&self, position: usize) -> Rational {
        let holder = self.holders[position];
        let presence = holder.presence.as_deref();
        let of = |phasing| availability(phasing, holder.season.as_deref(), presence);
        self.problem.phasing.as_ref().map_or_else(Rational::one, of)
    }

    /// Sums a value of the leaves up to every holder.
    pub fn sum_up(&self, leaf_value: impl Fn(usize) -> Rational) -> Vec<Rational> {
        let mut sums = vec![Rational::zero(); self.holders.len()];
        for position in (0..self.holders.len()).rev() {
            sums[position] = match self.children[position].as_slice() {
                [] => leaf_value(position),
                children => children.iter().map(|child| &sums[*child]).sum(),
            };
        }
        sums
    }
}

/// Season weights of the periods: a holder's own, else those of the phasing.
pub(super) fn season_weights<'a>(
    phasing: &'a Phasing,
    own: Option<&'a [Rational]>,
) -> impl Iterator<Item = &'a Rational> {
    let periods = phasing.periods.iter().enumerate();
    periods.map(move |(period, (_, weight))| own.map_or(weight, |own| &own[period]))
}

/// How the year of a leaf falls into periods, up to a factor.
pub(super) fn season(phasing: &Phasing, holder: &Holder) -> Vec<Rational> {
    let weights = season_weights(phasing, holder.season.as_deref());
    match (&holder.spread, &holder.presence) {
        (Some(spread), _) => spread.clone(),
        (None, None) => weights.cloned().collect(),
        (None, Some(presence)) => weights.zip(presence).map(|(weight, part)| weight * part).collect(),
    }
}

/// The part of the year, by season weight, that somebody is there; all of it without a presence.
pub(super) fn availability(
    phasing: &Phasing,
    season: Option<&[Rational]>,
    presence: Option<&[Rational]>,
) -> Rational {
    let Some(presence) = presence else { return Rational::one() };
    let all: Rational = season_weights(phasing, season).sum();
    let there: Rational =
        season_weights(phasing, season).zip(presence).map(|(weight, part)| weight * part).sum();
    there.checked_div(&all).unwrap_or_default()
}

/// The checked problem, or every fault that is found.
pub(super) fn check_problem(problem: &Problem) -> Result<Hierarchy<'_>, Vec<ProblemFault>> {
    let mut faults = vec![];
    check_numbers(problem, &mut faults);
    check_phasing(problem, &mut faults);
    let indices = sorted(&problem.holders);
    let holders: Vec<&Holder> = indices.iter().map(|index| &problem.holders[*index]).collect();
    for pair in holders.windows(2) {
        if pair[0].id == pair[1].id {
            let role = |holder: &Holder| match &holder.parent {
                Some(parent) => format!("a {} in {parent}", holder.level),
                None => format!("the {}", holder.level),
            };
            let roles = [role(pair[0]), role(pair[1])];
            faults.push(ProblemFault::DuplicateHolder { holder: pair[0].id.clone(), roles });
        }
    }
    for holder in &holders {
        check_holder(holder, problem.decimals, &mut faults);
    }
    let is_level = |level: &String| holders.iter().any(|holder| *holder.level == **level);
    for level in problem.over_assignment.keys().filter(|level| !is_level(level)) {
        faults.push(ProblemFault::UnknownLevel { level: level.clone() });
    }
    let hierarchy = lay_out(problem, &holders, &indices, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(hierarchy)
}

/// The indices of holders in the order of their identifiers.
fn sorted(holders: &[Holder]) -> Vec<usize> {
    // Most identifiers differ in their first bytes, which are at hand without going to the text.
    let first = |text: &str| {
        let mut bytes = [0; 8];
        text.bytes().zip(&mut bytes).for_each(|(own, place)| *place = own);
        u64::from_be_bytes(bytes)
    };
    let key = |(index, holder): (usize, &Holder)| (first(holder.id.as_str()), index);
    let mut keys: Vec<(u64, usize)> = holders.iter().enumerate().map(key).collect();
    keys.sort_unstable_by(|a, b| {
        let text = |index: usize| holders[index].id.as_str();
        a.0.cmp(&b.0).then_with(|| text(a.1).cmp(text(b.1))).then(a.1.cmp(&b.1))
    });
    keys.into_iter().map(|(_, index)| index).collect()
}

/// Orders the holders, sorted by identifier, from the root down. What cannot be reached is a fault.
fn lay_out<'a>(
    problem: &'a Problem,
    sorted: &[&'a Holder],
    indices: &[usize],
    faults: &mut Vec<ProblemFault>,
) -> Hierarchy<'a> {
    let mut below: Vec<Vec<usize>> = vec![vec![]; sorted.len()];
    let mut roots: Vec<usize> = vec![];
    let mut all_parents_known = sorted.windows(2).all(|pair| pair[0].id < pair[1].id);
    // Few holders have others below them, and those share the text of its name: it is looked for once.
    let mut above: BTreeMap<*const u8, Option<usize>> = BTreeMap::new();
    let mut find = |id: &'a HolderId| {
        let place = || sorted.binary_search_by(|own| own.id.cmp(id)).ok();
        *above.entry(id.as_str().as_ptr()).or_insert_with(place)
    };
    for (place, holder) in sorted.iter().enumerate() {
        let Some(parent) = &holder.parent else {
            roots.push(place);
            continue;
        };
        match find(parent) {
            Some(parent) => below[parent].push(place),
            None => {
                all_parents_known = false;
                faults
                    .push(ProblemFault::UnknownParent { holder: holder.id.clone(), parent: parent.clone() });
            }
        }
    }
    if roots.len() != 1 {
        let found = roots.iter().map(|root| sorted[*root].id.clone()).collect();
        faults.push(ProblemFault::Roots { found });
    }
    let smallest = Rational::from_scaled(1, problem.decimals);
    let count = sorted.len();
    let mut hierarchy = Hierarchy {
        problem,
        smallest,
        holders: Vec::with_capacity(count),
        indices: Vec::with_capacity(count),
        parents: Vec::with_capacity(count),
        children: Vec::with_capacity(count),
    };
    let mut reached = vec![false; sorted.len()];
    let mut stack: Vec<(usize, Option<usize>, usize)> =
        roots.into_iter().rev().map(|root| (root, None, 1)).collect();
    while let Some((place, parent, depth)) = stack.pop() {
        let holder = sorted[place];
        if hierarchy.holders.len() >= sorted.len() {
            break; // Only when identifiers occur twice, which is a fault already.
        }
        if depth > limit::HIERARCHY_LEVELS_MAX {
            faults.push(ProblemFault::TooDeep { holder: holder.id.clone() });
            return hierarchy;
        }
        let position = hierarchy.holders.len();
        reached[place] = true;
        hierarchy.holders.push(holder);
        hierarchy.indices.push(indices[place]);
        hierarchy.parents.push(parent);
        hierarchy.children.push(Vec::with_capacity(below[place].len()));
        if let Some(parent) = parent {
            hierarchy.children[parent].push(position);
        }
        let measured = holder.history.is_some()
            || holder.potential.is_some()
            || holder.last_quota.is_some()
            || holder.presence.is_some()
            || holder.spread.is_some()
            || holder.phased.is_some();
        if measured && !below[place].is_empty() {
            faults.push(ProblemFault::MeasureAboveLeaves { holder: holder.id.clone() });
        }
        stack.extend(below[place].iter().rev().map(|child| (*child, Some(position), depth + 1)));
    }
    if all_parents_known {
        let lost = sorted.iter().zip(&reached).filter(|(_, reached)| !**reached);
        faults.extend(lost.map(|(holder, _)| ProblemFault::Cycle { holder: holder.id.clone() }));
    }
    hierarchy
}

/// The numbers of the problem itself.
fn check_numbers(problem: &Problem, faults: &mut Vec<ProblemFault>) {
    let decimals = problem.decimals;
    if decimals > limit::COLUMN_DECIMALS_MAX {
        let value = Rational::from(i64::from(decimals));
        faults.push(out_of_range(None, "decimals", &value, "at most 12"));
        return;
    }
    check_unit("unit", &problem.unit, decimals, faults);
    match &problem.total {
        Total::Given(total) => {
            check_amount(None, "total", Some(total), decimals, faults);
            let whole = if problem.unit.is_positive() { round_down(total, &problem.unit) } else { None };
            let residue = whole.map(|whole| total - &whole).unwrap_or_default();
            if problem.residue == Residue::Refuse && !residue.is_zero() {
                let (total, unit) = (total.clone(), problem.unit.clone());
                faults.push(ProblemFault::TotalNotInUnits { total, unit, residue });
            }
        }
        Total::GrowthOnHistory { growth } => check_growth(None, Some(growth), faults),
    }
    match &problem.method {
        Method::GrowthOnHistory { growth } => check_growth(None, Some(growth), faults),
        Method::WeightedShare { history_share } | Method::LastQuota { history_share } => {
            if history_share.is_negative() || *history_share > Rational::one() {
                faults.push(out_of_range(None, "history share", history_share, "from 0 to 1"));
            }
        }
        Method::Proportional(_) | Method::HistoryPlusPotential => {}
    }
    let factors = problem.over_assignment.values().chain(problem.over_assignment_of.values());
    for factor in factors.filter(|factor| !factor.is_positive()) {
        faults.push(out_of_range(None, "over-assignment", factor, "a factor above 0, 1.1 for 10 %"));
    }
}

/// The periods and their weights.
fn check_phasing(problem: &Problem, faults: &mut Vec<ProblemFault>) {
    let Some(phasing) = &problem.phasing else { return };
    if problem.decimals <= limit::COLUMN_DECIMALS_MAX {
        check_unit("phasing unit", &phasing.unit, problem.decimals, faults);
    }
    let mut names = BTreeSet::new();
    for (period, weight) in &phasing.periods {
        if !names.insert(period) {
            faults.push(ProblemFault::DuplicatePeriod { period: period.clone() });
        }
        if weight.is_negative() {
            faults.push(out_of_range(None, "season weight", weight, "0 or more"));
        }
    }
    let sum: Rational = phasing.periods.iter().map(|(_, weight)| weight).sum();
    if !sum.is_positive() {
        faults.push(out_of_range(None, "sum of season weights", &sum, "above 0"));
    }
}

/// The numbers of one holder.
fn check_holder(holder: &Holder, decimals: u32, faults: &mut Vec<ProblemFault>) {
    let id = Some(&holder.id);
    for (name, value) in [
        ("history", &holder.history),
        ("potential", &holder.potential),
        ("last quota", &holder.last_quota),
        ("weight", &holder.weight),
    ] {
        if let Some(value) = value.as_ref().filter(|value| value.is_negative()) {
            faults.push(out_of_range(id, name, value, "0 or more"));
        }
    }
    for (name, value) in [("floor", &holder.floor), ("cap", &holder.cap)] {
        if let Some(value) = value.as_ref().filter(|value| value.is_negative()) {
            faults.push(out_of_range(id, name, value, "0 or more"));
        }
    }
    for weight in holder.season.iter().flat_map(|own| own.iter()).filter(|weight| weight.is_negative()) {
        faults.push(out_of_range(id, "season weight", weight, "0 or more"));
    }
    for part in holder.presence.iter().flatten().filter(|part| part.is_negative()) {
        faults.push(out_of_range(id, "presence", part, "0 or more"));
    }
    check_growth(id, holder.growth.as_ref(), faults);
    if decimals <= limit::COLUMN_DECIMALS_MAX {
        check_amount(id, "lock", holder.locked.as_ref(), decimals, faults);
        let kept = holder.kept.iter().flat_map(|kept| kept.own.iter().chain(&kept.given));
        for amount in holder.phased.iter().flatten().chain(kept) {
            check_amount(id, "locked period", Some(amount), decimals, faults);
        }
        if let Some(phased) = &holder.phased {
            let sum: Rational = phased.iter().sum();
            if holder.locked.as_ref() != Some(&sum) {
                faults.push(out_of_range(id, "sum of locked periods", &sum, "the locked year"));
            }
        }
    }
}

/// A unit is a positive whole number of the smallest amount.
fn check_unit(name: &'static str, unit: &Rational, decimals: u32, faults: &mut Vec<ProblemFault>) {
    if unit.is_positive() {
        check_amount(None, name, Some(unit), decimals, faults);
    } else {
        faults.push(out_of_range(None, name, unit, "above 0"));
    }
}

/// An amount that is used as it stands: not negative, and not finer than the smallest amount.
fn check_amount(
    holder: Option<&HolderId>,
    name: &'static str,
    value: Option<&Rational>,
    decimals: u32,
    faults: &mut Vec<ProblemFault>,
) {
    let Some(value) = value else { return };
    if value.is_negative() {
        faults.push(out_of_range(holder, name, value, "0 or more"));
    }
    if value.decimals().is_none_or(|needed| needed > decimals) {
        faults.push(ProblemFault::TooFine { holder: holder.cloned(), name, value: value.clone(), decimals });
    }
}

/// Nobody can sell less than nothing.
fn check_growth(holder: Option<&HolderId>, growth: Option<&Rational>, faults: &mut Vec<ProblemFault>) {
    if let Some(growth) = growth.filter(|growth| **growth < Rational::from(-1_i64)) {
        faults.push(out_of_range(holder, "growth", growth, "-1 (-100 %) or more"));
    }
}

/// The fault of a number without meaning.
fn out_of_range(
    holder: Option<&HolderId>,
    name: &'static str,
    value: &Rational,
    expected: &'static str,
) -> ProblemFault {
    ProblemFault::OutOfRange { holder: holder.cloned(), name, value: value.clone(), expected }
}
