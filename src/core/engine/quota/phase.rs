//! Spreads annual amounts over periods: leaves by season weight and presence, every holder above by summing (C3.10, floor 2).

use rayon::prelude::*;

use super::divide::Division;
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::problem::Phasing;
use super::units::{Part, round_parts};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, WholeWeights, round_to_decimals, split_largest_remainder};

/// The year and the period amounts of every holder, holder by holder, in the smallest amount.
///
/// A holder whose over-assignment is 1 gets the sum of its children in each period, so that every level adds up in
/// every period. With over-assignment its year is not its children's sum, so it is spread as theirs are.
pub(super) fn phase(
    hierarchy: &Hierarchy<'_>,
    divisions: &[Division],
) -> Result<Vec<i128>, Vec<ProblemFault>> {
    let season = Season::of(hierarchy);
    let width = 1 + season.weights.len();
    let mut amounts = vec![0; divisions.len() * width];
    // Leaves do not depend on each other; those above sum them up.
    let leaf = |(position, row): (usize, &mut [i128])| {
        let placed = season.leaf(hierarchy, position, &divisions[position].amount, row);
        let fault = || ProblemFault::AmountOutOfRange { holder: hierarchy.holders[position].id.clone() };
        placed.is_none().then(fault)
    };
    let mut faults: Vec<ProblemFault> = amounts.par_chunks_mut(width).enumerate().filter_map(leaf).collect();
    if season.weights.is_empty() {
        return if faults.is_empty() { Ok(amounts) } else { Err(faults) };
    }
    for position in (0..divisions.len()).rev() {
        let children = &hierarchy.children[position];
        if children.is_empty() {
            continue;
        }
        // Children stand behind their parents.
        let (above, below) = amounts.split_at_mut((position + 1) * width);
        let row = &mut above[position * width..];
        for child in children {
            let own = &below[(child - position - 1) * width..];
            row[1..].iter_mut().zip(&own[1..width]).for_each(|(sum, amount)| *sum += amount);
        }
        if hierarchy.over_assignment(position) != Rational::one() {
            let weights: Vec<Rational> = row[1..].iter().copied().map(Rational::from).collect();
            if season.spread(row, &weights).is_none() {
                let holder = hierarchy.holders[position].id.clone();
                faults.push(ProblemFault::AmountOutOfRange { holder });
            }
        }
    }
    if faults.is_empty() { Ok(amounts) } else { Err(faults) }
}

/// How years fall into periods.
struct Season<'a> {
    weights: Vec<Rational>,
    /// The same, ready to split by; most leaves are there all year.
    whole: Option<WholeWeights>,
    phasing: Option<&'a Phasing>,
    /// The unit of the phasing in the smallest amount.
    unit: i128,
    decimals: u32,
}

impl<'a> Season<'a> {
    fn of(hierarchy: &Hierarchy<'a>) -> Self {
        let decimals = hierarchy.problem.decimals;
        let phasing = hierarchy.problem.phasing.as_ref();
        let periods = phasing.iter().flat_map(|phasing| &phasing.periods);
        let weights: Vec<Rational> = periods.map(|(_, weight)| weight.clone()).collect();
        // The unit is a whole number of the smallest amount, which was checked.
        let unit =
            phasing.and_then(|phasing| round_to_decimals(&phasing.unit, decimals, Rounding::TowardZero));
        Self { whole: WholeWeights::of(&weights), weights, phasing, unit: unit.unwrap_or(1).max(1), decimals }
    }

    /// An amount in the smallest one; it is a whole number of them already, so the rounding only converts.
    fn minor(&self, amount: &Rational) -> Option<i128> {
        let minor = round_to_decimals(amount, self.decimals, Rounding::TowardZero)?;
        debug_assert_eq!(Rational::from_scaled(minor, self.decimals), *amount);
        Some(minor)
    }

    /// The year of a holder, and its periods when it is a leaf. `None` beyond 128 bits.
    fn leaf(
        &self,
        hierarchy: &Hierarchy<'_>,
        position: usize,
        year: &Rational,
        row: &mut [i128],
    ) -> Option<()> {
        let holder = hierarchy.holders[position];
        row[0] = self.minor(year)?;
        if row.len() == 1 || !hierarchy.children[position].is_empty() {
            return Some(());
        }
        if let Some(phased) = &holder.phased {
            for (place, amount) in row[1..].iter_mut().zip(phased) {
                *place = self.minor(amount)?;
            }
            return Some(());
        }
        if let (Some(whole), None, true) = (&self.whole, &holder.presence, row[0] % self.unit == 0) {
            let units = row[0] / self.unit;
            if whole.split(units, &mut row[1..]).is_some() {
                row[1..].iter_mut().for_each(|part| *part *= self.unit);
                return Some(());
            }
        }
        self.spread(row, &hierarchy.season(position))
    }

    /// The year of a row by season weight, in units of the phasing; what is no whole unit goes to the period next in line.
    /// A season without weight, of somebody who is never there, is that of the phasing.
    fn spread(&self, row: &mut [i128], season: &[Rational]) -> Option<()> {
        let weighted = season.iter().any(Rational::is_positive);
        let season = if weighted { season } else { &self.weights };
        // A whole number of units falls into whole parts; the rest of a unit needs the general way.
        if row[0] % self.unit == 0 {
            let parts = split_largest_remainder(row[0] / self.unit, season)?;
            for (place, part) in row[1..].iter_mut().zip(parts) {
                *place = part.checked_mul(self.unit)?;
            }
            return Some(());
        }
        let year = Rational::from_scaled(row[0], self.decimals);
        let weights: Rational = season.iter().sum();
        let part = |weight: &Rational| {
            let exact = (&year * weight).checked_div(&weights)?;
            let greatest = weight.is_zero().then(Rational::zero);
            Some(Part { exact, least: Rational::zero(), greatest })
        };
        let parts: Option<Vec<Part>> = season.iter().map(part).collect();
        for (place, amount) in row[1..].iter_mut().zip(round_parts(&year, &parts?, &self.phasing?.unit)?) {
            *place = self.minor(&amount)?;
        }
        Some(())
    }
}
