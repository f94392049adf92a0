//! Spreads annual amounts over periods: leaves by season weight and presence, every holder above by summing (C3.10, floor 2).

use num_traits::ToPrimitive;
use rayon::prelude::*;

use super::divide::Division;
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::Phasing;
use super::units::{Part, round_parts};
use crate::ground::rational::Rational;
use crate::ground::round::split_largest_remainder;

/// Period amounts of all holders, in the order of the phasing.
///
/// A holder whose over-assignment is 1 gets the sum of its children in each period, so that every level adds up in
/// every period. With over-assignment its year is not its children's sum, so it is spread as theirs are.
pub(super) fn phase(
    hierarchy: &Hierarchy<'_>,
    divisions: &[Division],
    phasing: &Phasing,
) -> Result<Vec<Vec<Rational>>, Vec<ProblemFault>> {
    // Leaves do not depend on each other; those above sum them up.
    let leaf = |position: usize| {
        let holder = hierarchy.holders[position];
        match (&holder.phased, hierarchy.children[position].is_empty()) {
            (Some(phased), _) => Ok(phased.clone()),
            (None, true) => spread(&divisions[position].amount, phasing, hierarchy.season(position))
                .ok_or_else(|| vec![ProblemFault::AmountOutOfRange { holder: holder.id.clone() }]),
            (None, false) => Ok(vec![]),
        }
    };
    let mut phased: Vec<Vec<Rational>> =
        (0..divisions.len()).into_par_iter().map(leaf).collect::<Result<_, _>>()?;
    for position in (0..divisions.len()).rev() {
        let children = &hierarchy.children[position];
        if children.is_empty() {
            continue;
        }
        let below = |period: usize| children.iter().map(|child| &phased[*child][period]).sum();
        let sums: Vec<Rational> = (0..phasing.periods.len()).map(below).collect();
        phased[position] = if hierarchy.over_assignment(position) == Rational::one() {
            sums
        } else {
            let holder = &hierarchy.holders[position].id;
            spread(&divisions[position].amount, phasing, sums)
                .ok_or_else(|| vec![ProblemFault::AmountOutOfRange { holder: holder.clone() }])?
        };
    }
    Ok(phased)
}

/// One year by season weight, in units of the phasing; what is no whole unit goes to the period next in line. A season
/// without weight, of somebody who is never there, is that of the phasing.
fn spread(year: &Rational, phasing: &Phasing, season: Vec<Rational>) -> Option<Vec<Rational>> {
    let mut season = season;
    if !season.iter().any(Rational::is_positive) {
        season = phasing.periods.iter().map(|(_, weight)| weight.clone()).collect();
    }
    // A whole number of units falls into whole parts; the rest of a unit needs the general way.
    let units = year.checked_div(&phasing.unit)?;
    if units.denominator() == 1.into() {
        let parts = split_largest_remainder(units.numerator().to_i128()?, &season)?;
        return Some(parts.into_iter().map(|part| Rational::from(part) * phasing.unit.clone()).collect());
    }
    let weights: Rational = season.iter().sum();
    let part = |weight: &Rational| {
        let exact = (year * weight).checked_div(&weights)?;
        let greatest = weight.is_zero().then(Rational::zero);
        Some(Part { exact, least: Rational::zero(), greatest })
    };
    let parts: Option<Vec<Part>> = season.iter().map(part).collect();
    round_parts(year, &parts?, &phasing.unit)
}
