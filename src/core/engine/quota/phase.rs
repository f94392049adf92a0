//! Spreads annual amounts over periods: leaves by season weight and presence, every holder above by summing (C3.10, floor 2).

use super::divide::Division;
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::Phasing;
use super::units::{Part, round_parts};
use crate::ground::rational::Rational;

/// Period amounts of all holders, in the order of the phasing.
///
/// A holder whose over-assignment is 1 gets the sum of its children in each period, so that every level adds up in
/// every period. With over-assignment its year is not its children's sum, so it is spread as theirs are.
pub(super) fn phase(
    hierarchy: &Hierarchy<'_>,
    divisions: &[Division],
    phasing: &Phasing,
) -> Result<Vec<Vec<Rational>>, Vec<ProblemFault>> {
    let mut phased: Vec<Vec<Rational>> = vec![vec![]; divisions.len()];
    for position in (0..divisions.len()).rev() {
        let children = &hierarchy.children[position];
        let adds_up = !children.is_empty() && hierarchy.over_assignment(position) == Rational::one();
        phased[position] = if let Some(phased) = &hierarchy.holders[position].phased {
            phased.clone()
        } else if adds_up {
            let period_sum = |period: usize| children.iter().map(|child| &phased[*child][period]).sum();
            (0..phasing.periods.len()).map(period_sum).collect()
        } else {
            let holder = &hierarchy.holders[position].id;
            let below = |period: usize| children.iter().map(|child| &phased[*child][period]).sum();
            let season = if children.is_empty() {
                hierarchy.season(position)
            } else {
                (0..phasing.periods.len()).map(below).collect()
            };
            spread(&divisions[position].amount, phasing, season)
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
    let weights: Rational = season.iter().sum();
    let part = |weight: &Rational| {
        let exact = (year * weight).checked_div(&weights)?;
        let greatest = weight.is_zero().then(Rational::zero);
        Some(Part { exact, least: Rational::zero(), greatest })
    };
    let parts: Option<Vec<Part>> = season.iter().map(part).collect();
    round_parts(year, &parts?, &phasing.unit)
}
