//! How much of a market is covered, and how many hours that takes: the workload method (Talley 1961), by territory and segment.

use std::collections::BTreeMap;

use crate::ground::rational::Rational;

/// A market with its territories.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// What each account could buy.
    pub potential: Vec<Rational>,
    /// What it buys.
    pub sold: Vec<Rational>,
    /// Hours that it takes in a year.
    pub hours: Vec<Rational>,
    /// Segment of each account, by number.
    pub segments: Vec<usize>,
    /// Territory of each account.
    pub assignment: Vec<Option<usize>>,
    /// Hours of each territory's holder.
    pub available: Vec<Rational>,
}

/// What a part of the market comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Accounts.
    pub accounts: usize,
    /// Accounts that somebody has.
    pub held: usize,
    /// What they could buy.
    pub potential: Rational,
    /// Potential within reach: that of each held account times the part of its holder's work for which there are hours.
    pub covered: Rational,
    /// What they buy.
    pub sold: Rational,
    /// Potential that is not sold.
    pub white: Rational,
    /// Hours that it takes to serve them.
    pub needed: Rational,
    /// Hours that there are; `None` for a segment, whose people serve others too.
    pub there: Option<Rational>,
    /// Mean people that it takes: hours needed over the hours of one.
    pub seats: Rational,
}

/// The whole market, by territory (those that nobody has last) and by segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// All.
    pub all: Line,
    /// By territory.
    pub territories: Vec<Line>,
    /// Accounts without a territory.
    pub nobody: Line,
    /// By segment.
    pub segments: Vec<Line>,
}

impl Market {
    /// Hours of one holder, in the mean.
    fn usual(&self) -> Rational {
        let count = Rational::from(i128::try_from(self.available.len()).unwrap_or(1));
        self.available.iter().sum::<Rational>().checked_div(&count).unwrap_or_default()
    }

    /// The part of each territory's work for which there are hours.
    fn reach(&self) -> Vec<Rational> {
        let mut needed = vec![Rational::zero(); self.available.len()];
        for (territory, hours) in self.assignment.iter().zip(&self.hours) {
            if let Some(territory) = territory {
                needed[*territory] = &needed[*territory] + hours;
            }
        }
        let part = |(there, needed): (&Rational, &Rational)| match there.checked_div(needed) {
            Some(part) if part < Rational::one() => part,
            _ => Rational::one(),
        };
        self.available.iter().zip(&needed).map(part).collect()
    }

    /// Adds everything up.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let reach = self.reach();
        let usual = self.usual();
        let segments = self.segments.iter().max().map_or(0, |most| most + 1);
        let mut found = Coverage {
            territories: vec![Line::default(); self.available.len()],
            segments: vec![Line::default(); segments],
            ..Coverage::default()
        };
        for account in 0..self.potential.len() {
            let territory = self.assignment[account];
            let covered = territory.map_or_else(Rational::zero, |own| &self.potential[account] * &reach[own]);
            let own = match territory {
                Some(territory) => &mut found.territories[territory],
                None => &mut found.nobody,
            };
            for line in [own, &mut found.segments[self.segments[account]], &mut found.all] {
                line.accounts += 1;
                line.held += usize::from(territory.is_some());
                line.potential = &line.potential + &self.potential[account];
                line.covered = &line.covered + &covered;
                line.sold = &line.sold + &self.sold[account];
                line.white =
                    &line.white + &(&self.potential[account] - &self.sold[account]).max(Rational::zero());
                line.needed = &line.needed + &self.hours[account];
            }
        }
        for (line, available) in found.territories.iter_mut().zip(&self.available) {
            line.seats = line.needed.checked_div(available).unwrap_or_default();
            line.there = Some(available.clone());
        }
        found.all.there = Some(self.available.iter().sum());
        found.nobody.there = Some(Rational::zero());
        for line in found.segments.iter_mut().chain([&mut found.all, &mut found.nobody]) {
            line.seats = line.needed.checked_div(&usual).unwrap_or_default();
        }
        found
    }

    /// Checks a coverage: every sum again, part by part, in another order; one message for each disagreement.
    ///
    /// # Errors
    /// When a figure is not that of the market.
    pub fn verify(&self, found: &Coverage) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        let mut hours: BTreeMap<usize, Rational> = BTreeMap::new();
        for (account, territory) in self.assignment.iter().enumerate().rev() {
            if let Some(territory) = territory {
                let sum = hours.entry(*territory).or_default();
                *sum = &*sum + &self.hours[account];
            }
        }
        let mut check = |what: String, line: &Line, own: &dyn Fn(usize) -> bool| {
            let accounts: Vec<usize> =
                (0..self.potential.len()).rev().filter(|account| own(*account)).collect();
            let sum =
                |values: &[Rational]| accounts.iter().map(|account| &values[*account]).sum::<Rational>();
            let covered = |account: &usize| {
                let territory = self.assignment[*account]?;
                let (there, needed) = (&self.available[territory], &hours[&territory]);
                let potential = &self.potential[*account];
                if needed > there { (potential * there).checked_div(needed) } else { Some(potential.clone()) }
            };
            let reached: Rational = accounts.iter().filter_map(covered).sum();
            let white = accounts.iter().map(|account| {
                let (potential, sold) = (&self.potential[*account], &self.sold[*account]);
                if sold < potential { potential - sold } else { Rational::zero() }
            });
            let right = line.accounts == accounts.len()
                && line.held == accounts.iter().filter(|own| self.assignment[**own].is_some()).count()
                && line.potential == sum(&self.potential)
                && line.sold == sum(&self.sold)
                && line.needed == sum(&self.hours)
                && line.covered == reached
                && line.white == white.sum::<Rational>();
            if !right {
                faults.push(format!("{what} does not add up"));
            }
        };
        check("the market".to_owned(), &found.all, &|_| true);
        check("what nobody has".to_owned(), &found.nobody, &|own| self.assignment[own].is_none());
        for (place, line) in found.segments.iter().enumerate() {
            check(format!("segment {place}"), line, &|own| self.segments[own] == place);
        }
        let accounts: usize = found.territories.iter().map(|line| line.accounts).sum::<usize>();
        let potential: Rational = found.territories.iter().map(|line| &line.potential).sum();
        let covered: Rational = found.territories.iter().map(|line| &line.covered).sum();
        if accounts + found.nobody.accounts != found.all.accounts
            || &potential + &found.nobody.potential != found.all.potential
            || covered != found.all.covered
        {
            faults.push("the territories do not add up to the market".to_owned());
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Seats for hours of work, whole ones: at least one.
#[must_use]
pub fn seats_for(hours: &[Rational], available: &Rational) -> Option<usize> {
    let seats = hours.iter().sum::<Rational>().checked_div(available)?;
    let down =
        crate::ground::round::round_to_decimals(&seats, 0, crate::ground::round::Rounding::TowardZero)?;
    let up = if Rational::from(down) < seats { down + 1 } else { down };
    usize::try_from(up.max(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[i64]) -> Vec<Rational> {
        values.iter().map(|value| Rational::from(*value)).collect()
    }

    #[test]
    fn a_market_is_covered_as_far_as_hours_reach() {
        let market = Market {
            potential: numbers(&[100, 50, 200, 30]),
            sold: numbers(&[60, 70, 0, 0]),
            hours: numbers(&[10, 10, 40, 5]),
            segments: vec![0, 1, 1, 0],
            assignment: vec![Some(0), Some(0), Some(1), None],
            available: numbers(&[20, 30]),
        };
        let found = market.coverage();
        assert_eq!(market.verify(&found), Ok(()));
        assert_eq!(found.all.potential, Rational::from(380i64));
        // All of the first territory, three quarters of the second, nothing of what nobody has.
        assert_eq!(found.all.covered, Rational::from(300i64));
        assert_eq!(found.all.white, Rational::from(270i64));
        assert_eq!((found.all.held, found.nobody.accounts), (3, 1));
        // 65 hours at 25 each.
        assert_eq!(found.all.seats, Rational::new(13, 5).expect("a number"));
        assert_eq!(found.segments[1].covered, Rational::from(200i64));
        assert_eq!(seats_for(&market.hours, &Rational::from(25i64)), Some(3));
        assert_eq!(seats_for(&market.hours, &Rational::from(13i64)), Some(5));
        let mut wrong = found;
        wrong.segments[1].covered = Rational::one();
        assert!(market.verify(&wrong).is_err());
    }
}
