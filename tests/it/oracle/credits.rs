//! Who is credited with how much of which transaction, what refunds leave of it, and what a measure makes of that.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{
    Book, Credit, Deal, Measure, ONE, Plan, Q, RUN, RefundOf, STARTS, When, World, ZERO, excluded, inside,
    month_of, nearest, q,
};

impl World {
    /// What a transaction takes back in the end, as a refund may take back another one; itself when that is nothing.
    fn sale(&self, number: usize) -> usize {
        match self.deals[number].refund_of {
            RefundOf::Deal(taken) => self.sale(taken),
            RefundOf::Empty | RefundOf::Unknown => number,
        }
    }

    /// The day on which a transaction counts; none before its own date has come.
    fn counts_on(&self, plan: &Plan, number: usize) -> Option<i64> {
        let own = self.deals[number].day;
        let day = if plan.refunds == "original" { self.deals[self.sale(number)].day } else { own };
        Some(day).filter(|_| own < STARTS[RUN])
    }

    /// The refunds of a transaction, one after the other.
    fn refunds(&self, sale: usize) -> Vec<usize> {
        let mut refunds: Vec<usize> = (0..self.deals.len())
            .filter(|number| {
                *number != sale && self.sale(*number) == sale && self.deals[*number].day < STARTS[RUN]
            })
            .collect();
        refunds.sort_by_key(|number| (self.deals[*number].day, *number));
        refunds
    }

    /// The shares of a transaction: its own, else those of what it takes back in the end.
    fn shares(&self, number: usize) -> &[(usize, Q, &'static str)] {
        let own = &self.deals[number].shares;
        if own.is_empty() { &self.deals[self.sale(number)].shares } else { own }
    }

    /// Who is credited with how much of a transaction, before managers; `day` is that of its sale.
    fn shared(&self, number: usize, credit: &Credit, day: i64) -> Vec<(usize, Q)> {
        let deal = &self.deals[number];
        let part = credit.share.unwrap_or(ONE);
        let amount = deal.amount * part;
        // A product has the decimals of both factors; so many are kept when it is shared.
        let unit =
            [100, 1000, 10_000, 100_000].into_iter().find(|unit| unit / 100 % part.1 == 0).expect("decimals");
        let cut = |share: Q, rounding: &str| q(nearest(amount * share * q(unit, 1), rounding).into(), unit);
        let to = if credit.to == "managers" { credit.of } else { credit.to };
        let roles = self.shares(number).iter().filter(|s| (s.2 != "lead") == (to == "overlays"));
        let chosen: Vec<_> = roles.filter(|s| credit.role.is_none_or(|role| role == s.2)).collect();
        match to {
            "overlays" => chosen.iter().map(|s| (s.0, cut(s.1, "half-away-from-zero"))).collect(),
            "splits" if !chosen.is_empty() => {
                let mut parts: Vec<(usize, Q)> =
                    chosen.iter().map(|s| (s.0, cut(s.1, "toward-zero"))).collect();
                let left = amount - parts.iter().map(|part| part.1).sum();
                let order = |i: &usize| (Reverse(chosen[*i].1), chosen[*i].0);
                let largest = (0..parts.len()).min_by_key(order).expect("a share");
                parts[largest].1 = parts[largest].1 + left;
                parts
            }
            "territory" => {
                let holders = self.holders[deal.account].iter();
                holders
                    .filter(|held| inside(Some((held.1, held.2)), day))
                    .map(|held| (held.0, amount))
                    .collect()
            }
            _ => vec![(deal.rep, amount)],
        }
    }
}

fn satisfies(deal: &Deal, filter: &str) -> bool {
    match filter {
        "kind = 'new'" => deal.kind == "new",
        "kind <> 'new'" => deal.kind != "new",
        "kind <> 'refund'" => deal.kind != "refund",
        "amount >= 1000" => deal.amount >= q(1000, 1),
        _ => true,
    }
}

/// Whether a credit is none any more when so much is left of it.
fn taken_back(credit: Q, left: Q) -> bool {
    left == ZERO || (left < ZERO) != (credit < ZERO)
}

/// Makes refunds of which the documentation does not say enough into transactions of their own.
pub(super) fn decide(world: &mut World) {
    while let Some(refund) = world.plans.iter().find_map(|plan| Book::of(world, plan).undecided()) {
        world.deals[refund].refund_of = RefundOf::Empty;
    }
}

impl Book<'_> {
    /// What a credit gives each payee of each transaction. Several ways to the same payee, as up two chains of managers,
    /// are one amount.
    pub(super) fn credit(&self, credit: &Credit) -> BTreeMap<(usize, usize), Q> {
        let World { reps, deals, .. } = self.world;
        let mut lines = BTreeMap::new();
        for number in (0..deals.len()).filter(|number| satisfies(&deals[*number], credit.filter)) {
            // People, credits and the version of the plan are those of the day of the sale.
            let day = deals[self.world.sale(number)].day;
            if !inside(self.plan.effective, day) || !inside(credit.effective, day) {
                continue;
            }
            for (rep, amount) in self.world.shared(number, credit, day) {
                let mut credited = vec![(rep, amount)];
                if credit.to == "managers" {
                    credited.clear();
                    let (mut manager, mut net) = (reps[rep].on(day).manager, amount);
                    while let Some(above) =
                        manager.filter(|_| credit.levels.is_none_or(|l| credited.len() < l))
                    {
                        net = net * (ONE - credit.net.unwrap_or(ZERO));
                        credited.push((above, net));
                        manager = reps[above].on(day).manager;
                    }
                }
                credited.retain(|(rep, _)| self.takes_part(*rep, day));
                for (rep, amount) in credited {
                    let line = lines.entry((rep, number)).or_insert(ZERO);
                    *line = *line + amount;
                }
            }
        }
        lines
    }

    /// What a payee is credited with for a transaction, by credit.
    fn entries(&self, measure: &Measure, rep: usize, number: usize) -> Vec<(usize, Q)> {
        let of = |credit: &usize| Some((*credit, *self.lines[*credit].get(&(rep, number))?));
        let once = if measure.double { usize::MAX } else { 1 };
        measure.credits.iter().filter_map(of).take(once).collect()
    }

    /// What is left of the payee's credits of a sale after some of its refunds.
    fn left(&self, measure: &Measure, rep: usize, sale: usize, refunds: &[usize]) -> Vec<(Q, Q)> {
        let credits = self.entries(measure, rep, sale);
        let mut left: Vec<(Q, Q)> = credits.iter().map(|credit| (credit.1, credit.1)).collect();
        for refund in refunds.iter().filter(|_| !credits.is_empty()) {
            for (credit, amount) in self.entries(measure, rep, *refund) {
                // Another credit than those of the sale takes back from the first of them.
                let place = credits.iter().position(|one| one.0 == credit).unwrap_or(0);
                left[place].1 = left[place].1 + amount;
            }
        }
        left
    }

    /// The transactions that count in some months.
    fn counting(&self, first: usize, last: usize) -> impl Iterator<Item = usize> {
        let counts = move |number: &usize| {
            let day = self.world.counts_on(self.plan, *number);
            day.is_some_and(|day| (first..=last).contains(&month_of(day)))
        };
        (0..self.world.deals.len()).filter(counts)
    }

    /// The refunds of a sale before one of them.
    fn earlier(&self, sale: usize, refund: usize) -> Vec<usize> {
        let refunds = self.world.refunds(sale);
        refunds.into_iter().take_while(|number| *number != refund).collect()
    }

    pub(super) fn measured(&self, measure: &Measure, payee: usize, month: usize) -> Q {
        let World { reps, .. } = self.world;
        let first = measure.first(month);
        let (mut sum, mut count, mut each) = (ZERO, 0, Vec::new());
        let team = |rep: &usize| *rep == payee || measure.team && reps[*rep].team == reps[payee].team;
        for rep in (0..reps.len()).filter(team) {
            for number in self.counting(first, month) {
                let entries = self.entries(measure, rep, number);
                sum = sum + entries.iter().map(|entry| entry.1).sum();
                let sale = self.world.sale(number);
                match self.world.deals[number].refund_of {
                    RefundOf::Empty => {
                        count += entries.len() as i128;
                        let mut refunds = self.world.refunds(number);
                        refunds.retain(|refund| self.counting(first, month).any(|number| number == *refund));
                        let left = self.left(measure, rep, number, &refunds);
                        each.extend(left.iter().filter(|one| !taken_back(one.0, one.1)).map(|one| one.1));
                    }
                    // A refund of nothing was never counted.
                    RefundOf::Deal(_) if self.world.deals[sale].refund_of == RefundOf::Unknown => (),
                    RefundOf::Deal(_) => {
                        let mut refunds = self.earlier(sale, number);
                        let gone = |refunds: &[usize]| {
                            let left = self.left(measure, rep, sale, refunds);
                            left.iter().filter(|one| taken_back(one.0, one.1)).count() as i128
                        };
                        count += gone(&refunds);
                        refunds.push(number);
                        count -= gone(&refunds);
                    }
                    RefundOf::Unknown => (),
                }
            }
        }
        match measure.aggregate {
            "count" => q(count, 1),
            "average" if count > 0 => sum / q(count, 1),
            "largest" => each.into_iter().reduce(Q::max).unwrap_or(ZERO),
            "smallest" => each.into_iter().reduce(Q::min).unwrap_or(ZERO),
            "average" => ZERO,
            _ => sum,
        }
    }

    /// A refund of which the documentation does not say enough, or with which the program is known to disagree.
    fn undecided(&self) -> Option<usize> {
        let World { reps, deals, .. } = self.world;
        let is_undecided = |refund: &usize| {
            let taken = match deals[*refund].refund_of {
                RefundOf::Deal(taken) => taken,
                RefundOf::Unknown | RefundOf::Empty => *refund,
            };
            let measures = 0..self.plan.measures.len();
            let all = measures.flat_map(|number| (0..reps.len()).map(move |rep| (number, rep)));
            let credited = |(number, rep): &(usize, usize)| {
                !self.entries(&self.plan.measures[*number], *rep, *refund).is_empty()
            };
            all.filter(credited).any(|(number, rep)| {
                let reasons = self.reasons(number, rep, *refund, taken);
                reasons.iter().any(|(holds, reason)| *holds && excluded(reason))
            })
        };
        (0..deals.len()).filter(|n| !matches!(deals[*n].refund_of, RefundOf::Empty)).find(is_undecided)
    }

    /// What may be undecided of a refund with which somebody is credited.
    fn reasons(&self, number: usize, rep: usize, refund: usize, taken: usize) -> Vec<(bool, &'static str)> {
        let World { deals, .. } = self.world;
        let measure = &self.plan.measures[number];
        let sale = self.world.sale(refund);
        let again = taken != sale;
        let names = |number: usize| {
            self.entries(measure, rep, number).iter().map(|entry| entry.0).collect::<Vec<_>>()
        };
        let (own, sold) = (names(refund), names(sale));
        let alone = sale == refund || sold.is_empty();
        let mut refunds = self.earlier(sale, refund);
        refunds.push(refund);
        let less = |one: &(Q, Q)| one.1 != ZERO && (one.1 > ZERO) != (one.0 > ZERO);
        let left = self.left(measure, rep, sale, &refunds);
        let over = left.iter().any(less);
        let parts: Vec<Q> = left.iter().map(|(credit, left)| *left / *credit).collect();
        let unequal = own != sold || parts.iter().any(|part| *part != parts[0]);
        let month = month_of(deals[refund].day);
        let away = !self.is_there(rep, month);
        let gain = away && !measure.to_date() && month < RUN && self.paid(number, rep)[month] > 0;
        let quarter = |number: usize| month_of(deals[number].day) / 3;
        let later = measure.window == "quarter-to-date" && quarter(refund) != quarter(sale);
        let mut lines = (0..deals.len()).filter(|line| deals[*line].order == deals[sale].order);
        let several = lines.clone().count() > 1;
        let another = alone && lines.any(|line| line != refund && !names(line).is_empty());
        let counts = ["count", "average"].contains(&measure.aggregate);
        vec![
            (over && measure.aggregate != "sum", "more is taken back than was credited"),
            (measure.double && !alone && unequal, "allow_double and a refund that not each credit has"),
            (gain, "a refund that pays when the plan has ended"),
            (away && later, "a refund of an earlier quarter when the plan has ended"),
            (alone && measure.aggregate == "count", "count and a refund that is rated on its own"),
            (again && names(taken).is_empty() && !alone, "a refund of a refund of somebody else"),
            (several && counts, "count and a refund of one line of several"),
            (another && measure.aggregate != "sum", "a refund of a line of somebody else"),
            (again && counts, "count and a refund of a refund"),
        ]
    }

    /// What each credit of a transaction is measured as on its own, after some of its refunds.
    fn singly(&self, measure: &Measure, rep: usize, sale: usize, refunds: &[usize]) -> Vec<Q> {
        let value = |(credit, left): (Q, Q)| match measure.aggregate {
            "sum" => left,
            _ if taken_back(credit, left) => ZERO,
            "count" if self.world.deals[sale].refund_of != RefundOf::Empty => ZERO,
            "count" => ONE,
            _ => left,
        };
        self.left(measure, rep, sale, refunds).into_iter().map(value).collect()
    }

    /// What a component of window `transaction` pays in a month, before it is rounded.
    pub(super) fn each(&self, number: usize, rep: usize, month: usize) -> Q {
        let World { deals, .. } = self.world;
        let measure = &self.plan.measures[number];
        let pays = |sale: usize, refunds: &[usize]| -> Q {
            let when = When { month: month_of(deals[sale].day), day: deals[sale].day };
            let values = self.singly(measure, rep, sale, refunds);
            let same = |other: &Measure| self.singly(other, rep, sale, refunds).into_iter().sum();
            values.into_iter().map(|own| self.earned(number, rep, when, own, &same)).sum()
        };
        let mut paid = ZERO;
        for deal in self.counting(month, month) {
            let sale = self.world.sale(deal);
            let matched = !self.entries(measure, rep, sale).is_empty();
            paid = paid
                + match deals[deal].refund_of {
                    RefundOf::Empty => pays(deal, &[]),
                    RefundOf::Deal(_) if matched => {
                        // The transaction net of the refund, less what it earned before.
                        let earlier = self.earlier(sale, deal);
                        pays(sale, &[&earlier[..], &[deal]].concat()) - pays(sale, &earlier)
                    }
                    // A refund of what somebody else was credited with is rated on its own.
                    _ => {
                        let day = self.world.counts_on(self.plan, deal).expect("a day on which it counts");
                        let alone = |other: &Measure| -> Vec<Q> {
                            let entries = self.entries(other, rep, deal).into_iter();
                            entries
                                .map(|entry| if other.aggregate == "count" { ZERO } else { entry.1 })
                                .collect()
                        };
                        let same = |other: &Measure| alone(other).into_iter().sum();
                        let own = alone(measure).into_iter();
                        own.map(|own| self.earned(number, rep, When { month, day }, own, &same)).sum()
                    }
                };
        }
        paid
    }
}
