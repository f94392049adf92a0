//! Seats filled by people: the assignment problem, solved exactly, with prices that prove it (Kuhn 1955, Munkres 1957; by
//! shortest augmenting paths, Jonker and Volgenant 1987).

use rayon::prelude::*;

use super::FORBIDDEN;

/// Seats, people and what each pair costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seating {
    /// Number of seats.
    pub seats: usize,
    /// Number of people.
    pub people: usize,
    /// Cost at `seat * people + person`, zero or more or [`FORBIDDEN`].
    pub costs: Vec<i64>,
}

/// Who has which seat, and the proof that as many seats as possible are filled at the least cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// The person of each seat; nobody where it stays open.
    pub person: Vec<Option<usize>>,
    /// Cost of all filled seats.
    pub objective: i128,
    /// What a seat that stays open counts: more than all other costs together, so that seats are filled first.
    pub open: i128,
    /// For each seat the most that it adds, and for each person the price of having them here: no pair costs less than
    /// value - price, and the sum of values less prices is the cost with open seats.
    pub values: Vec<i128>,
    /// Prices of people, zero or more.
    pub prices: Vec<i128>,
}

impl Seating {
    /// Cost of a pair; `None` when it is not allowed.
    #[must_use]
    pub fn cost(&self, seat: usize, person: usize) -> Option<i128> {
        let cost = self.costs[seat * self.people + person];
        (cost != FORBIDDEN).then(|| cost.into())
    }

    /// Fills as many seats as possible at the least cost.
    #[must_use]
    pub fn solve(&self) -> Seated {
        let largest = self.costs.iter().filter(|cost| **cost != FORBIDDEN).max().copied().unwrap_or(0);
        let seats = i128::try_from(self.seats).unwrap_or(i128::MAX / 2);
        let open = (i128::from(largest) + 1) * (seats + 1);
        // Columns are people, then for each seat its own place to stay open, which costs nobody anything.
        let columns = self.people + self.seats;
        let cost = |seat: usize, column: usize| {
            if column < self.people {
                self.cost(seat, column)
            } else {
                (column - self.people == seat).then_some(open)
            }
        };
        let mut values = vec![0i128; self.seats];
        let mut prices = vec![0i128; columns];
        let mut holder: Vec<Option<usize>> = vec![None; columns];
        for start in 0..self.seats {
            // The shortest way from the seat to a free column, in costs less values plus prices.
            let mut least: Vec<Option<i128>> = vec![None; columns];
            let mut before: Vec<Option<usize>> = vec![None; columns];
            let mut done: Vec<usize> = Vec::new();
            let mut seen = vec![false; columns];
            let (mut seat, mut from) = (start, None);
            let free = loop {
                for column in (0..columns).filter(|column| !seen[*column]) {
                    let Some(cost) = cost(seat, column) else { continue };
                    let reduced = cost - values[seat] + prices[column];
                    if least[column].is_none_or(|known| reduced < known) {
                        (least[column], before[column]) = (Some(reduced), from);
                    }
                }
                let next = (0..columns)
                    .filter(|column| !seen[*column])
                    .filter_map(|column| Some((least[column]?, column)))
                    .min();
                let Some((step, column)) = next else { break None };
                values[start] += step;
                for column in &done {
                    prices[*column] += step;
                    if let Some(own) = holder[*column] {
                        values[own] += step;
                    }
                }
                least.iter_mut().zip(&seen).filter(|(_, seen)| !**seen).for_each(|(known, _)| {
                    *known = known.map(|known| known - step);
                });
                seen[column] = true;
                done.push(column);
                match holder[column] {
                    None => break Some(column),
                    Some(own) => (seat, from) = (own, Some(column)),
                }
            };
            // Everybody on the way moves on by one.
            let mut column = free;
            while let Some(place) = column {
                let earlier = before[place];
                holder[place] = match earlier {
                    Some(earlier) => holder[earlier],
                    None => Some(start),
                };
                column = earlier;
            }
        }
        prices.truncate(self.people);
        let mut person = vec![None; self.seats];
        for (column, seat) in holder.iter().take(self.people).enumerate() {
            if let Some(seat) = seat {
                person[*seat] = Some(column);
            }
        }
        let objective = self.objective(&person);
        Seated { person, objective, open, values, prices }
    }

    fn objective(&self, person: &[Option<usize>]) -> i128 {
        let own = person.iter().enumerate();
        own.filter_map(|(seat, person)| self.cost(seat, (*person)?)).sum()
    }

    /// Checks an answer with its proof; one message for each disagreement.
    ///
    /// # Errors
    /// When the answer, or its proof, does not hold.
    pub fn verify(&self, seated: &Seated) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        let mut taken = vec![false; self.people];
        for (seat, person) in seated.person.iter().enumerate() {
            let Some(person) = *person else { continue };
            if std::mem::replace(&mut taken[person], true) {
                faults.push(format!("person {person} has two seats"));
            }
            if self.cost(seat, person).is_none() {
                faults.push(format!("person {person} may not have seat {seat}"));
            }
        }
        if self.objective(&seated.person) != seated.objective {
            faults.push("the cost is not that of the seats".to_owned());
        }
        if seated.prices.iter().any(|price| *price < 0) {
            faults.push("a price is below zero".to_owned());
        }
        for seat in 0..self.seats {
            if seated.values[seat] > seated.open {
                faults.push(format!("seat {seat} is worth more than leaving it open costs"));
            }
            for person in 0..self.people {
                let least = seated.values[seat] - seated.prices[person];
                if self.cost(seat, person).is_some_and(|cost| cost < least) {
                    faults.push(format!("the pair {seat}, {person} costs less than its price"));
                }
            }
        }
        let unfilled = i128::try_from(seated.person.iter().filter(|own| own.is_none()).count()).unwrap_or(0);
        let all = self.costs.iter().filter(|cost| **cost != FORBIDDEN).max().copied().unwrap_or(0);
        if seated.open <= i128::from(all) * i128::try_from(self.seats).unwrap_or(i128::MAX) {
            faults.push("an open seat counts too little to be filled first".to_owned());
        }
        let proven: i128 = seated.values.iter().sum::<i128>() - seated.prices.iter().sum::<i128>();
        if proven != seated.objective + unfilled * seated.open {
            faults.push(format!("the prices prove {proven}, not the cost of the answer"));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

impl Seated {
    /// Who would have each seat if its person could not, and what all seats together would cost more; `None` for an open
    /// seat, and where fewer seats could be filled.
    #[must_use]
    pub fn seconds(&self, seating: &Seating) -> Vec<Option<(usize, i128)>> {
        let without = |seat: usize| {
            let person = self.person[seat]?;
            let mut other = seating.clone();
            other.costs[seat * seating.people + person] = FORBIDDEN;
            let answer = other.solve();
            let filled = |own: &Self| own.person.iter().flatten().count();
            // The price of an open seat may differ when the dearest pair is the one left out.
            (filled(&answer) == filled(self))
                .then_some(())
                .and_then(|()| Some((answer.person[seat]?, answer.objective - self.objective)))
        };
        (0..seating.seats).into_par_iter().map(without).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most seats filled, and the least cost of that, by trying everything.
    fn best(seating: &Seating, seat: usize, taken: &mut Vec<bool>) -> (usize, i128) {
        if seat == seating.seats {
            return (0, 0);
        }
        let mut found = best(seating, seat + 1, taken);
        for person in 0..seating.people {
            let Some(cost) = seating.cost(seat, person).filter(|_| !taken[person]) else { continue };
            taken[person] = true;
            let (filled, rest) = best(seating, seat + 1, taken);
            taken[person] = false;
            let own = (filled + 1, rest + cost);
            if (own.0, -own.1) > (found.0, -found.1) {
                found = own;
            }
        }
        found
    }

    proptest! {
        #[test]
        fn seats_are_filled_as_well_as_by_trying_everything(
            seats in 0usize..5,
            people in 0usize..5,
            costs in prop::collection::vec(prop::option::weighted(0.8, 0i64..30), 25),
        ) {
            let costs = costs[..seats * people].iter().map(|cost| cost.unwrap_or(FORBIDDEN)).collect();
            let seating = Seating { seats, people, costs };
            let seated = seating.solve();
            prop_assert_eq!(seating.verify(&seated), Ok(()));
            let filled = seated.person.iter().flatten().count();
            prop_assert_eq!((filled, seated.objective), best(&seating, 0, &mut vec![false; people]));
            // Without its person, no seat can be filled at less than the second best says.
            for (seat, second) in seated.seconds(&seating).into_iter().enumerate() {
                let Some((other, more)) = second else { continue };
                prop_assert!(seated.person[seat] != Some(other) && more >= 0);
                let mut without = seating.clone();
                let person = seated.person[seat].expect("a filled seat");
                without.costs[seat * people + person] = FORBIDDEN;
                let again = best(&without, 0, &mut vec![false; people]);
                prop_assert_eq!((filled, seated.objective + more), again);
            }
        }
    }

    #[test]
    fn a_tampered_answer_is_refused() {
        let seating = Seating { seats: 2, people: 2, costs: vec![1, 5, 2, 9] };
        let seated = seating.solve();
        assert_eq!((seated.person.clone(), seated.objective), (vec![Some(1), Some(0)], 7));
        let swapped = Seated { person: vec![Some(0), Some(1)], objective: 10, ..seated.clone() };
        assert!(seating.verify(&swapped).is_err());
        assert!(seating.verify(&Seated { values: vec![9, 9], ..seated }).is_err());
    }
}
