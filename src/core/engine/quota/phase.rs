//! Spreads annual amounts over periods: leaves by season weight, every holder above by summing (C3.10, floor 2).

use super::divide::Division;
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::Phasing;
use super::units::{Part, round_parts};
use crate::ground::rational::Rational;

/// Period amounts of all holders, in the order of the phasing.
///
/// A holder whose over-assignment is 1 gets the sum of its children in each period, so that every level adds up in
/// every period. With over-assignment its year is not its children's sum, so it is spread by the weights like a leaf.
pub(super) fn phase(
    hierarchy: &Hierarchy<'_>,
    divisions: &[Division],
    phasing: &Phasing,
) -> Result<Vec<Vec<Rational>>, Vec<ProblemFault>> {
    let mut phased: Vec<Vec<Rational>> = vec![vec![]; divisions.len()];
    for position in (0..divisions.len()).rev() {
        let children = &hierarchy.children[position];
        let adds_up = !children.is_empty() && hierarchy.over_assignment(position) == Rational::one();
        phased[position] = if adds_up {
            let period_sum = |period: usize| children.iter().map(|child| &phased[*child][period]).sum();
            (0..phasing.periods.len()).map(period_sum).collect()
        } else {
            let holder = &hierarchy.holders[position].id;
            spread(&divisions[position].amount, phasing)
                .ok_or_else(|| vec![ProblemFault::AmountOutOfRange { holder: holder.clone() }])?
        };
    }
    Ok(phased)
}

/// One year by season weight, in units of the phasing; what is no whole unit goes to the period next in line.
fn spread(year: &Rational, phasing: &Phasing) -> Option<Vec<Rational>> {
    let weights: Rational = phasing.periods.iter().map(|(_, weight)| weight).sum();
    let parts: Option<Vec<Part>> = phasing
        .periods
        .iter()
        .map(|(_, weight)| {
            let exact = (year * weight).checked_div(&weights)?;
            Some(Part { exact, least: Rational::zero(), greatest: None })
        })
        .collect();
    round_parts(year, &parts?, &phasing.unit)
}
