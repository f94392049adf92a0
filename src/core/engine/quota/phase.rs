//! Spreads annual amounts over periods: leaves by season weight and presence, every holder above by summing (C3.10, floor 2).

use std::collections::BTreeMap;

use num_integer::Integer;
use rayon::prelude::*;

use super::divide::{Divided, minor};
use super::fault::ProblemFault;
use super::hierarchy::Hierarchy;
use super::transport::{Row, transport};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, WholeWeights, round_to_decimals, split_largest_remainder};

/// Remainders below one unit are added up in this part of it, which is the square of [`ALIKE`]: so finely that what is cut off
/// below does not tell equal ones apart, however many people have one.
const FINE: i128 = 1_000_000_000_000_000_000;
/// Remainders are compared to this part of a unit, the billionth.
const ALIKE: i128 = 1_000_000_000;

/// The year and the period amounts of every holder, holder by holder, in the smallest amount.
///
/// Every cell of a leaf lies within one unit of its exact share. Leaf after leaf, in the order of the hierarchy, the units
/// that are left go to the periods that the leaves so far have left shortest: rounding does not favour a period, and
/// everybody above, who gets the sum of those below, follows the season as well. With over-assignment the year is not the
/// children's sum: the holder is then to those above what a leaf is, and those below it go on where those below others of
/// its level stopped; where somebody below is not there all the time, its year falls as theirs together do.
pub(super) fn phase(hierarchy: &Hierarchy<'_>, divided: &Divided) -> Result<Vec<i64>, Vec<ProblemFault>> {
    let season = Season::of(hierarchy);
    let always = always_there(hierarchy);
    let periods = season.weights.len();
    let width = 1 + periods;
    let count = hierarchy.holders.len();
    let mut amounts = vec![0; count * width];
    let mut rests: Vec<Rest> = vec![Rest::default(); count];
    let mut shorts = vec![0; count * periods.max(1)];
    // What is whole of a leaf does not depend on others; what is left does.
    let leaf = |((position, row), left): Leaf<'_>| {
        let apart = always[position] && hierarchy.over_assignment(position) != Rational::one();
        let spread = apart || hierarchy.children[position].is_empty();
        row[0] = divided.years[position];
        let placed = season.leaf(hierarchy, position, spread, row, left);
        let fault = || ProblemFault::AmountOutOfRange { holder: hierarchy.holders[position].id.clone() };
        placed.is_none().then(fault)
    };
    let left = rests.par_iter_mut().zip(shorts.par_chunks_mut(periods.max(1)));
    let rows = amounts.par_chunks_mut(width).enumerate().zip(left);
    let mut faults: Vec<ProblemFault> = rows.filter_map(leaf).collect();
    if periods == 0 || !faults.is_empty() {
        return if faults.is_empty() { Ok(amounts) } else { Err(faults) };
    }
    // What the periods are owed, by the depth of the holders that everything below is summed up to: a few units below each of
    // many holders would else all go to the first periods.
    let mut owed: BTreeMap<usize, Vec<i128>> = BTreeMap::new();
    let mut order = Vec::with_capacity(periods);
    let mut summed_at = vec![0; count];
    let mut depths = vec![0; count];
    let rows = amounts.chunks_mut(width).zip(&rests).zip(shorts.chunks(periods)).enumerate();
    for (position, ((row, rest), short)) in rows {
        if let Some(parent) = hierarchy.parents[position] {
            let passes = hierarchy.over_assignment(parent) == Rational::one();
            // Zero is above the root.
            depths[position] = depths[parent] + 1;
            summed_at[position] = if passes { summed_at[parent] } else { depths[position] };
        }
        if rest.shared {
            let owed = owed.entry(summed_at[position]).or_insert_with(|| vec![0; periods]);
            season.place(row, rest, short, owed, &mut order);
        }
    }
    for position in (0..count).rev() {
        if hierarchy.children[position].is_empty() {
            continue;
        }
        let mut summing =
            Summing { hierarchy, season: &season, divided, always: &always, amounts: &mut amounts, width };
        if summing.sum_up(position).is_none() {
            let holder = hierarchy.holders[position].id.clone();
            faults.push(ProblemFault::AmountOutOfRange { holder });
        }
    }
    if faults.is_empty() { Ok(amounts) } else { Err(faults) }
}

/// Who is there all the time and keeps no periods, with everybody below, who have the same season.
fn always_there(hierarchy: &Hierarchy<'_>) -> Vec<bool> {
    let mut always = vec![true; hierarchy.holders.len()];
    for position in (0..always.len()).rev() {
        let holder = hierarchy.holders[position];
        always[position] = holder.presence.is_none()
            && holder.spread.is_none()
            && holder.phased.is_none()
            && holder.kept.is_none()
            && hierarchy.children[position]
                .iter()
                .all(|child| always[*child] && hierarchy.holders[*child].season == holder.season);
    }
    always
}

/// A leaf by its position with its row, and what is left of it with what its periods are short of.
type Leaf<'a> = ((usize, &'a mut [i64]), (&'a mut Rest, &'a mut [u64]));

/// What is left of a leaf's year after whole units were placed.
#[derive(Clone, Debug, Default)]
struct Rest {
    /// The year was shared by a season; else there is nothing left.
    shared: bool,
    /// Units that are left.
    units: usize,
    /// What is left below one unit, in the smallest amount.
    partial: i64,
}

/// How years fall into periods.
struct Season {
    weights: Vec<Rational>,
    /// The same, ready to split by; most leaves are there all year.
    whole: Option<WholeWeights>,
    /// The unit of the phasing in the smallest amount.
    unit: i64,
    decimals: u32,
}

impl Season {
    fn of(hierarchy: &Hierarchy<'_>) -> Self {
        let decimals = hierarchy.problem.decimals;
        let phasing = hierarchy.problem.phasing.as_ref();
        let periods = phasing.iter().flat_map(|phasing| &phasing.periods);
        let weights: Vec<Rational> = periods.map(|(_, weight)| weight.clone()).collect();
        // The unit is a whole number of the smallest amount, which was checked.
        let unit =
            phasing.and_then(|phasing| round_to_decimals(&phasing.unit, decimals, Rounding::TowardZero));
        // Nothing has a whole unit of more than any amount is.
        let unit = unit.map_or(1, |unit| i64::try_from(unit.max(1)).unwrap_or(i64::MAX));
        Self { whole: WholeWeights::of(&weights), weights, unit, decimals }
    }

    fn minors(&self, amounts: &[Rational]) -> Option<Vec<i64>> {
        amounts.iter().map(|amount| minor(amount, self.decimals)).collect()
    }

    /// Of a holder that is no sum the whole units of its periods, with what each is short of its exact share, in the part
    /// [`FINE`] of a unit; zero for a period that is exact. `None` beyond 64 bits.
    fn leaf(
        &self,
        hierarchy: &Hierarchy<'_>,
        position: usize,
        spread: bool,
        row: &mut [i64],
        (rest, short): (&mut Rest, &mut [u64]),
    ) -> Option<()> {
        let holder = hierarchy.holders[position];
        if row.len() == 1 || !spread {
            return Some(());
        }
        if let Some(phased) = &holder.phased {
            row[1..].copy_from_slice(&self.minors(phased)?);
            return Some(());
        }
        let apart = holder.presence.is_some() || holder.spread.is_some() || holder.season.is_some();
        let own = apart.then(|| hierarchy.season(position));
        // A season without weight, of somebody who is never there, is that of the phasing.
        let own = own.filter(|own| own.iter().any(Rational::is_positive));
        let whole_own = own.as_deref().and_then(WholeWeights::of);
        let whole = if own.is_some() { whole_own.as_ref() } else { self.whole.as_ref() };
        let (year, periods) = (row[0], &mut row[1..]);
        if whole.and_then(|whole| self.share_narrow(year, whole, periods, short)).is_none() {
            for (period, place) in periods.iter_mut().enumerate() {
                let quick = whole.and_then(|whole| self.share_of_whole(year.into(), whole, period));
                let (units, fine) = match quick {
                    Some(share) => share,
                    None => self.share(year.into(), own.as_deref().unwrap_or(&self.weights), period)?,
                };
                *place = i64::try_from(units.checked_mul(self.unit.into())?).ok()?;
                short[period] = u64::try_from(fine).ok()?;
            }
        }
        let left = year - periods.iter().sum::<i64>();
        rest.shared = true;
        rest.units = usize::try_from(left / self.unit).ok()?;
        rest.partial = left % self.unit;
        Some(())
    }

    /// Whole units of each period, and what it is short of, where all of it fits 64 bits, whose division takes a fraction of
    /// the time of 128; `None` where it does not.
    fn share_narrow(
        &self,
        year: i64,
        whole: &WholeWeights,
        periods: &mut [i64],
        short: &mut [u64],
    ) -> Option<()> {
        let alike = u64::try_from(ALIKE).ok()?;
        let (unit, sum) = (u64::try_from(self.unit).ok()?, u64::try_from(whole.sum()).ok()?);
        let year = u64::try_from(year).ok()?;
        let divisor = sum.checked_mul(unit)?;
        // No weight is more than all of them, no rest more than the divisor.
        year.checked_mul(sum)?;
        divisor.checked_mul(alike)?;
        for ((place, short), weight) in periods.iter_mut().zip(short).zip(whole.weights()) {
            let product = year * u64::try_from(*weight).ok()?;
            let units = product / divisor;
            let rest = product - units * divisor;
            *place = i64::try_from(units * unit).ok()?;
            *short = 0;
            if rest != 0 {
                let (coarse, rest) = (rest * alike / divisor, rest * alike % divisor);
                *short = (coarse * alike + rest * alike / divisor).max(1);
            }
        }
        Some(())
    }

    /// Whole units of a period's exact share, and how much of a unit is beyond them (at least the smallest part, when there is
    /// anything).
    fn share_of_whole(&self, year: i128, whole: &WholeWeights, period: usize) -> Option<(i128, i128)> {
        let product = year.checked_mul(whole.weights()[period])?;
        let divisor = whole.sum().checked_mul(self.unit.into())?;
        let (units, rest) = product.div_mod_floor(&divisor);
        if rest == 0 {
            return Some((units, 0));
        }
        let (coarse, rest) = rest.checked_mul(ALIKE)?.div_mod_floor(&divisor);
        Some((units, (coarse * ALIKE + rest.checked_mul(ALIKE)? / divisor).max(1)))
    }

    /// The same for weights that do not fit 128 bits.
    fn share(&self, year: i128, weights: &[Rational], period: usize) -> Option<(i128, i128)> {
        let all: Rational = weights.iter().sum();
        let exact = (&Rational::from(year) * &weights[period])
            .checked_div(&(all * Rational::from(self.unit)))
            .unwrap_or_default();
        let units = round_to_decimals(&exact, 0, Rounding::Floor)?;
        let rest = exact - Rational::from(units);
        let fine = round_to_decimals(&(&rest * &Rational::from(FINE)), 0, Rounding::Floor)?;
        Some((units, if rest.is_zero() { 0 } else { fine.max(1) }))
    }

    /// Places what is left of a leaf, one unit each, in the periods that are owed most; then the part of a unit.
    fn place(
        &self,
        row: &mut [i64],
        rest: &Rest,
        short: &[u64],
        owed: &mut [i128],
        order: &mut Vec<(i128, usize)>,
    ) {
        for (owed, short) in owed.iter_mut().zip(short) {
            *owed += i128::from(*short);
        }
        if rest.units == 0 && rest.partial == 0 {
            return;
        }
        order.clear();
        // A period whose share is exact takes nothing: whoever is not there stays without.
        let open = owed.iter().zip(short).enumerate().filter(|(_, (_, short))| **short > 0);
        order.extend(open.map(|(period, (owed, _))| (-(owed + ALIKE / 2).div_euclid(ALIKE), period)));
        order.sort_unstable();
        for (nth, (_, period)) in order.iter().take(rest.units + 1).enumerate() {
            let placed = if nth < rest.units { self.unit } else { rest.partial };
            row[1 + period] += placed;
            owed[*period] -= i128::from(placed) * FINE / i128::from(self.unit);
        }
    }

    /// The year of a row as others fall, in units; `None` beyond 64 bits.
    fn as_others(&self, year: i64, others: &[i64]) -> Option<Vec<i64>> {
        let weights: Vec<Rational> = others.iter().copied().map(Rational::from).collect();
        let weighted = weights.iter().any(Rational::is_positive);
        let weights = if weighted { weights.as_slice() } else { &self.weights };
        let units = split_largest_remainder((year / self.unit).into(), weights)?;
        let amount = |units: i128| i64::try_from(units).ok()?.checked_mul(self.unit);
        let mut parts: Vec<i64> = units.into_iter().map(amount).collect::<Option<_>>()?;
        // What is left below one unit goes where most is.
        let most = (0..parts.len()).rev().max_by_key(|period| &weights[*period])?;
        parts[most] += year % self.unit;
        Some(parts)
    }
}

/// Holders above leaves, those below them first.
struct Summing<'a> {
    hierarchy: &'a Hierarchy<'a>,
    season: &'a Season,
    divided: &'a Divided,
    always: &'a [bool],
    amounts: &'a mut [i64],
    width: usize,
}

impl Summing<'_> {
    fn periods(&self, position: usize) -> &[i64] {
        &self.amounts[position * self.width + 1..(position + 1) * self.width]
    }

    fn write(&mut self, position: usize, periods: &[i64]) {
        self.amounts[position * self.width + 1..(position + 1) * self.width].copy_from_slice(periods);
    }

    fn passes_all(&self, position: usize) -> bool {
        self.hierarchy.over_assignment(position) == Rational::one()
    }

    /// The periods of a holder from those of its children, or as it should keep them where the children can carry that.
    fn sum_up(&mut self, position: usize) -> Option<()> {
        if let Some(kept) = &self.hierarchy.holders[position].kept {
            let (own, given) = (self.season.minors(&kept.own)?, self.season.minors(&kept.given)?);
            let whole = own.iter().sum::<i64>() == self.amounts[position * self.width];
            if whole && self.bring(position, &given).is_some() {
                self.write(position, &own);
                return Some(());
            }
        }
        if !self.passes_all(position) && self.always[position] {
            return Some(());
        }
        let mut sums = vec![0; self.width - 1];
        for child in &self.hierarchy.children[position] {
            sums.iter_mut().zip(self.periods(*child)).for_each(|(sum, amount)| *sum += amount);
        }
        if !self.passes_all(position) {
            sums = self.season.as_others(self.amounts[position * self.width], &sums)?;
        }
        self.write(position, &sums);
        Some(())
    }

    /// Brings the children of a holder to these sums in the periods; `None`, with nothing changed, where they cannot.
    fn bring(&mut self, position: usize, given: &[i64]) -> Option<()> {
        // Those below a holder stand together behind it.
        let end = self.end(position);
        let before = self.amounts[position * self.width..end * self.width].to_vec();
        let brought = self.try_bring(position, given);
        if brought.is_none() {
            self.amounts[position * self.width..end * self.width].copy_from_slice(&before);
        }
        brought
    }

    fn try_bring(&mut self, position: usize, given: &[i64]) -> Option<()> {
        let children = &self.hierarchy.children[position];
        let rows = children.iter().map(|child| Row {
            amounts: self.periods(*child).to_vec(),
            open: (0..given.len()).map(|period| self.movable(*child, period)).collect(),
        });
        let mut rows: Vec<Row> = rows.collect();
        transport(&mut rows, given, self.season.unit)?;
        for (child, row) in children.iter().zip(&rows) {
            if self.periods(*child) == row.amounts {
                continue;
            }
            self.write(*child, &row.amounts);
            if self.hierarchy.children[*child].is_empty() {
                continue;
            }
            let given = if self.passes_all(*child) {
                row.amounts.clone()
            } else {
                let own = self.divided.given.get(self.divided.groups[*child] as usize)?;
                let given = minor(&own.amount, self.season.decimals)?;
                self.season.as_others(given, &row.amounts)?
            };
            self.try_bring(*child, &given)?;
        }
        Some(())
    }

    /// One past the last holder at or below one.
    fn end(&self, position: usize) -> usize {
        let mut last = position;
        while let Some(child) = self.hierarchy.children[last].last() {
            last = *child;
        }
        last + 1
    }

    /// True when the amount of a period may change: somebody at or below is there and not locked to periods.
    fn movable(&self, position: usize, period: usize) -> bool {
        let holder = self.hierarchy.holders[position];
        if holder.phased.is_some() || holder.kept.is_some() || !self.season.weights[period].is_positive() {
            return false;
        }
        match self.hierarchy.children[position].as_slice() {
            [] => {
                let parts = holder.spread.as_ref().or(holder.presence.as_ref());
                parts.is_none_or(|parts| parts[period].is_positive())
            }
            children => children.iter().any(|child| self.movable(*child, period)),
        }
    }
}
