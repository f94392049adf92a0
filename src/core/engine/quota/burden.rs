//! Who carries what others cannot after an adjustment: those above keep their quotas, whoever is there to share them (floor 2).

use std::collections::BTreeMap;

use super::adjust::Change;
use super::lay_out::{LaidOut, SALESPERSON};
use super::planned::{Planned, Question};
use super::problem::HolderId;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::source::Place;

/// A warning about people whose open quota rises to more than twice what it would be if everybody shared the open periods
/// by the plan: colleagues are away or at their limits, and the quota of those above is kept. `open` has the part of the
/// year that everybody is there in the open periods as weights.
pub(super) fn overburdened(
    question: &Question<'_>,
    open: &LaidOut,
    fresh: &Planned,
    changes: &[Change],
) -> Option<Diagnostic> {
    let years: BTreeMap<&HolderId, Rational> =
        fresh.allocation.years().map(|(own, amount)| (&own.holder, amount)).collect();
    let seats = open.holders.iter().filter(|holder| *holder.level == *SALESPERSON);
    let by_plan: BTreeMap<&HolderId, Rational> = seats
        .filter_map(|holder| Some((&holder.id, holder.weight.as_ref()? * years.get(&holder.id)?)))
        .collect();
    let all: Rational = by_plan.values().sum();
    let seats = || changes.iter().filter(|change| change.level == SALESPERSON);
    let together: Rational = seats().map(|change| &change.after).sum();
    // What the plan gives a year, the open periods may not: everybody has so much more or less of it.
    let scale = together.checked_div(&all)?;
    let twice = &scale * &Rational::from(2_i64);
    let share = |change: &Change| by_plan.get(&change.holder).cloned().unwrap_or_default();
    let mut found: Vec<(&Change, Rational)> = seats()
        .filter(|change| change.difference().is_positive() && change.after > &share(change) * &twice)
        .map(|change| (change, &share(change) * &scale))
        .collect();
    found.sort_by_key(|(change, share)| std::cmp::Reverse(&change.after - share));
    let (worst, share) = found.first()?;
    let whom = match found.len() {
        1 => worst.holder.to_string(),
        count => format!("{count} people, {} most of all,", worst.holder),
    };
    let units = |amount: &Rational| {
        super::units::round_nearest(amount, &question.plan.unit)
            .map_or_else(|| amount.to_decimal_text(), |amount| amount.to_decimal_text())
    };
    let message = format!(
        "the open quota of {whom} rises to more than twice its part by the plan ({} instead of {}): others are away or at \
         their limits, and those above keep their quotas",
        worst.after.to_decimal_text(),
        units(share)
    );
    let hint = "let `adjust` name a level further up, such as company; raise the caps of the others; or lock what they can carry";
    let key = if question.plan.adjust.is_some() { "adjust" } else { "id" };
    let place = Place::Text(question.plan.clause(key).clone());
    Some(Diagnostic::warning(Code::SPM426, message).at(place, "").hint(hint))
}
