//! Laws of the quota engine on random small worlds, with naive calculations that share no code with it.

use proptest::prelude::*;

use super::waterfill::{Claim, FillFault, fill};
use super::worlds::{flat, leaf, nth, problem};
use super::{Holder, Measure, Method, Phasing, Problem, ProblemFault, Residue, Total, allocate, verify};
use crate::ground::rational::Rational;
use crate::ground::round::split_largest_remainder;

fn whole(value: i64) -> Rational {
    Rational::from(value)
}

fn claims() -> impl Strategy<Value = Vec<Claim>> {
    let one = (0i64..20, 0i64..40, prop::option::of(0i64..60)).prop_map(|(weight, floor, room)| Claim {
        weight: whole(weight),
        floor: whole(floor.max(20) - 20),
        cap: room.map(|room| whole(floor.max(20) - 20 + room)),
    });
    prop::collection::vec(one, 1..8)
}

/// Water-filling the other way round: sort the rates at which a claim meets a limit, and go up until the sum fits.
fn fill_by_events(total: &Rational, claims: &[Claim]) -> Option<Vec<Rational>> {
    let at = |rate: &Rational| -> Vec<Rational> {
        let amounts = claims.iter().map(|claim| {
            let amount = rate * &claim.weight;
            if amount < claim.floor {
                claim.floor.clone()
            } else if claim.cap.as_ref().is_some_and(|cap| amount > *cap) {
                claim.cap.clone().expect("a cap")
            } else {
                amount
            }
        });
        amounts.collect()
    };
    let mut rates = vec![Rational::zero()];
    for claim in claims.iter().filter(|claim| !claim.weight.is_zero()) {
        rates.push(claim.floor.clone() / claim.weight.clone());
        rates.extend(claim.cap.iter().map(|cap| cap / &claim.weight));
    }
    rates.sort();
    let last = rates.last().expect("a rate").clone();
    rates.push(last + Rational::one()); // Beyond the last event the sum is linear.
    let sums: Vec<Rational> = rates.iter().map(|rate| at(rate).iter().sum()).collect();
    if sums[0] > *total {
        return None;
    }
    for step in 1..rates.len() {
        let rise = &sums[step] - &sums[step - 1];
        let missing = total - &sums[step - 1];
        if missing.is_zero() {
            return Some(at(&rates[step - 1]));
        }
        if sums[step] >= *total || (step + 1 == rates.len() && rise.is_positive()) {
            let along = missing / rise * (&rates[step] - &rates[step - 1]);
            return Some(at(&(&rates[step - 1] + &along)));
        }
    }
    None
}

/// A random company: two or three groups of one to four salespeople, with limits here and there.
#[derive(Clone, Debug)]
struct Seed {
    groups: Vec<(Limit, Vec<Person>)>,
    total: i64,
    unit: i64,
}

/// History, potential and limit of a salesperson.
type Person = (i64, i64, Limit);

/// Which limit, and a number that sets it.
type Limit = (u8, i64);

fn seeds() -> impl Strategy<Value = Seed> {
    let limit = || (0u8..12, 0i64..400);
    let person = (1i64..500, 1i64..500, limit());
    let group = (limit(), prop::collection::vec(person, 1..5));
    (prop::collection::vec(group, 1..4), 0i64..3000, prop::sample::select(vec![1i64, 7, 10, 100]))
        .prop_map(|(groups, total, unit)| Seed { groups, total, unit })
}

fn limited(mut holder: Holder, (kind, value): Limit) -> Holder {
    match kind {
        0 | 1 => holder.floor = Some(whole(value)),
        2 | 3 => holder.cap = Some(whole(value * 3)),
        4 => holder.locked = Some(whole(value)),
        5 => (holder.floor, holder.cap) = (Some(whole(value / 2)), Some(whole(value * 2))),
        _ => {}
    }
    holder
}

fn build(seed: &Seed, limits: bool) -> Problem {
    let keep = |holder: Holder, limit: Limit| if limits { limited(holder, limit) } else { holder };
    let mut holders = vec![Holder::new("all", "company", None)];
    for (group, (limit, people)) in seed.groups.iter().enumerate() {
        let name = nth(group);
        holders.push(keep(Holder::new(&name, "group", Some("all")), *limit));
        for (person, (history, potential, limit)) in people.iter().enumerate() {
            let mut rep = leaf(&format!("{name}{person}"), &name, &history.to_string());
            rep.potential = Some(whole(*potential));
            holders.push(keep(rep, *limit));
        }
    }
    let mut problem = problem(&seed.total.to_string(), holders);
    problem.unit = whole(seed.unit);
    problem.residue = Residue::PartialUnit;
    let periods = [("Q1", 3), ("Q2", 2), ("Q3", 0), ("Q4", 5)];
    let periods = periods.map(|(name, weight)| (name.to_owned(), whole(weight))).to_vec();
    problem.phasing = Some(Phasing { unit: whole(seed.unit), periods });
    problem
}

/// From what to what a holder's amount may go, or `None` when a limit at or below it contradicts another.
fn naive_range(problem: &Problem, holder: &Holder) -> Option<(Rational, Option<Rational>)> {
    let mut least = holder.floor.clone().unwrap_or_default();
    let mut greatest = holder.cap.clone();
    if let Some(locked) = &holder.locked {
        least = least.max(locked.clone());
        greatest = Some(greatest.map_or(locked.clone(), |cap| cap.min(locked.clone())));
    }
    let children: Vec<&Holder> =
        problem.holders.iter().filter(|child| child.parent.as_ref() == Some(&holder.id)).collect();
    if !children.is_empty() {
        let (mut floors, mut caps) = (Rational::zero(), Some(Rational::zero()));
        for child in children {
            let (floor, cap) = naive_range(problem, child)?;
            floors += &floor;
            caps = caps.zip(cap).map(|(sum, cap)| sum + cap);
        }
        least = least.max(floors);
        greatest = match (greatest, caps) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    greatest.as_ref().is_none_or(|greatest| least <= *greatest).then_some((least, greatest))
}

fn feasible(problem: &Problem, total: &Rational) -> bool {
    naive_range(problem, &problem.holders[0]).is_some_and(|(least, greatest)| {
        least <= *total && greatest.is_none_or(|greatest| greatest >= *total)
    })
}

fn is_infeasible(fault: &ProblemFault) -> bool {
    matches!(
        fault,
        ProblemFault::FloorsExceed { .. }
            | ProblemFault::CapsBelow { .. }
            | ProblemFault::LimitsContradict { .. }
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn water_filling_is_the_fixed_point(claims in claims(), total in 0i64..300) {
        let total = whole(total);
        let floors: Rational = claims.iter().map(|claim| &claim.floor).sum();
        let caps: Option<Vec<Rational>> = claims.iter().map(|claim| claim.cap.clone()).collect();
        let caps = caps.map(|caps| caps.iter().sum::<Rational>());
        match fill(&total, &claims) {
            Ok(amounts) => {
                prop_assert_eq!(amounts.iter().sum::<Rational>(), total.clone());
                prop_assert_eq!(Some(amounts), fill_by_events(&total, &claims));
            }
            Err(FillFault::FloorsExceedTotal { .. }) => prop_assert!(floors > total),
            Err(FillFault::CapsBelowTotal { .. }) => prop_assert!(caps.is_some_and(|caps| caps < total)),
            Err(FillFault::NothingToShareBy { .. }) => {
                prop_assert!(floors <= total && caps.is_none_or(|caps| caps >= total));
                prop_assert!(claims.iter().any(|claim| claim.weight.is_zero()));
                prop_assert_eq!(fill_by_events(&total, &claims), None);
            }
        }
    }

    #[test]
    fn water_filling_never_takes_from_anybody_when_there_is_more(claims in claims(), total in 0i64..300, more in 1i64..99) {
        if let (Ok(before), Ok(after)) = (fill(&whole(total), &claims), fill(&whole(total + more), &claims)) {
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
        }
    }

    #[test]
    fn locks_are_untouched_whatever_others_have(seed in seeds(), history in 0i64..900) {
        let mut problem = build(&seed, true);
        let locks = |problem: &Problem| -> Vec<(String, Rational)> {
            let locked = problem.holders.iter().filter_map(|own| Some((own.id.to_string(), own.locked.clone()?)));
            locked.collect()
        };
        for step in 0..2 {
            if let Ok(allocation) = allocate(&problem) {
                for (holder, lock) in locks(&problem) {
                    let found = allocation.explanation(&super::HolderId::from(holder.as_str())).expect("explained");
                    prop_assert_eq!(&found.amount, &lock, "step {}", step);
                }
            }
            let other = problem.holders.iter_mut().find(|own| own.history.is_some() && own.locked.is_none());
            if let Some(other) = other {
                other.history = Some(whole(history));
            }
        }
    }

    #[test]
    fn infeasible_exactly_when_limits_say_so(seed in seeds()) {
        let problem = build(&seed, true);
        match allocate(&problem) {
            Ok(allocation) => {
                prop_assert!(feasible(&problem, &whole(seed.total)));
                prop_assert_eq!(verify(&problem, &allocation), vec![]);
            }
            Err(faults) => {
                prop_assert!(faults.iter().all(is_infeasible), "{:?}", faults);
                prop_assert!(!feasible(&problem, &whole(seed.total)));
            }
        }
    }

    #[test]
    fn siblings_are_even_handed(seed in seeds()) {
        // Between limits, amounts are within one unit of one rate x weight: whoever has more per weight is at its least
        // amount, or the other is at its greatest.
        let problem = build(&seed, true);
        let Ok(allocation) = allocate(&problem) else { return Ok(()) };
        let unit = whole(seed.unit);
        for holder in &problem.holders {
            let children: Vec<&Holder> =
                problem.holders.iter().filter(|child| child.parent.as_ref() == Some(&holder.id)).collect();
            for (a, b) in children.iter().flat_map(|a| children.iter().map(move |b| (a, b))) {
                let facts = |holder: &Holder| {
                    let explained = allocation.explanation(&holder.id).expect("explained");
                    let range = naive_range(&problem, holder).expect("feasible");
                    (explained.amount.clone(), explained.weight.clone(), range)
                };
                let (amount_a, weight_a, (least_a, _)) = facts(a);
                let (amount_b, weight_b, (_, greatest_b)) = facts(b);
                let more = (&amount_a - &unit) * weight_b > (&amount_b + &unit) * weight_a;
                let excused = amount_a <= &least_a + &unit
                    || greatest_b.is_some_and(|greatest| &amount_b + &unit >= greatest);
                prop_assert!(!more || excused, "{} has more than {} without a reason", a.id, b.id);
            }
        }
    }

    #[test]
    fn the_order_of_holders_has_no_influence(seed in seeds(), turn in 0usize..20) {
        let problem = build(&seed, true);
        let mut turned = problem.clone();
        let length = turned.holders.len();
        turned.holders.rotate_left(turn % length);
        turned.holders.swap(0, turn % length);
        // But for where each holder stood.
        let [one, other] = [&turned, &problem].map(|problem| {
            let mut answer = allocate(problem);
            answer.iter_mut().flat_map(|own| &mut own.holders).for_each(|placed| placed.index = 0);
            answer
        });
        prop_assert_eq!(one, other);
    }

    #[test]
    fn amounts_scale(seed in seeds(), times in 2i64..9) {
        let problem = build(&seed, true);
        let factor = whole(times);
        let mut scaled = problem.clone();
        scaled.total = Total::Given(whole(seed.total * times));
        scaled.unit = &scaled.unit * &factor;
        if let Some(phasing) = &mut scaled.phasing {
            phasing.unit = &phasing.unit * &factor;
        }
        for holder in &mut scaled.holders {
            for limit in [&mut holder.floor, &mut holder.cap, &mut holder.locked].into_iter().flatten() {
                *limit = &*limit * &factor;
            }
        }
        match (allocate(&problem), allocate(&scaled)) {
            (Ok(one), Ok(many)) => for (one, many) in one.amounts.iter().zip(many.amounts.iter()) {
                prop_assert_eq!(one * times, *many);
            },
            (one, many) => prop_assert_eq!(one.is_err(), many.is_err()),
        }
    }

    #[test]
    fn the_laws_hold_with_over_assignment(seed in seeds(), company in 80i64..150, group in 100i64..130) {
        let mut problem = build(&seed, true);
        for (level, percent) in [("company", company), ("group", group)] {
            let factor = Rational::new(percent.into(), 100).expect("a factor");
            problem.over_assignment.insert(level.to_owned(), factor);
        }
        match allocate(&problem) {
            Ok(allocation) => prop_assert_eq!(verify(&problem, &allocation), vec![]),
            // The limits pass sees every contradiction, so the division below never meets one.
            Err(faults) => prop_assert!(faults.iter().all(is_infeasible), "{:?}", faults),
        }
    }

    #[test]
    fn every_method_conserves(seed in seeds(), share in 0i64..=4, growth in -50i64..100) {
        let mut problem = build(&seed, false);
        let growth = Rational::new(growth.into(), 100).expect("a growth");
        for method in [
            Method::Proportional(Measure::Potential),
            Method::Proportional(Measure::Headcount),
            Method::GrowthOnHistory { growth: growth.clone() },
            Method::WeightedShare { history_share: Rational::new(share.into(), 4).expect("a share") },
            Method::HistoryPlusPotential,
        ] {
            problem.method = method;
            for total in [Total::Given(whole(seed.total)), Total::GrowthOnHistory { growth: growth.clone() }] {
                problem.total = total;
                match allocate(&problem) {
                    Ok(allocation) => prop_assert_eq!(verify(&problem, &allocation), vec![]),
                    Err(faults) => {
                        let negative = |fault: &ProblemFault| matches!(fault, ProblemFault::NegativeWeight { .. });
                        prop_assert!(faults.iter().all(negative), "{:?}", faults);
                    }
                }
            }
        }
    }

    #[test]
    fn without_limits_it_is_largest_remainder(total in 0i64..5000, weights in prop::collection::vec(0i64..300, 1..9)) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let texts: Vec<String> = weights.iter().map(ToString::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let allocation = allocate(&flat(&total.to_string(), &texts)).expect("feasible");
        let amounts: Vec<i128> = allocation.amounts[1..].iter().map(|amount| i128::from(amount / 100)).collect();
        let exact: Vec<Rational> = weights.iter().copied().map(whole).collect();
        prop_assert_eq!(Some(amounts), split_largest_remainder(total.into(), &exact));
    }

    /// Largest remainder may take a unit from somebody when the total rises (the Alabama paradox), once on each of the two
    /// levels, and so may the residue; beyond that a higher total lowers nobody.
    #[test]
    fn a_higher_total_lowers_nobody_beyond_rounding(seed in seeds(), more in 1i64..200) {
        let problem = build(&seed, true);
        let higher = Seed { total: seed.total + more, ..seed.clone() };
        let higher = build(&higher, true);
        if let (Ok(before), Ok(after)) = (allocate(&problem), allocate(&higher)) {
            let allowed = &problem.unit * &whole(3);
            for (before, after) in before.explanations().zip(after.explanations()) {
                prop_assert!(&after.amount + &allowed >= before.amount, "{}: {} to {}", before.holder, before.amount, after.amount);
            }
        }
    }

    #[test]
    fn any_changed_amount_is_noticed(seed in seeds(), cell in 0usize..100, by in -3i64..3) {
        let problem = build(&seed, false);
        let mut allocation = allocate(&problem).expect("feasible");
        let cell = cell % allocation.amounts.len();
        std::sync::Arc::make_mut(&mut allocation.amounts)[cell] += by;
        prop_assert_eq!(verify(&problem, &allocation).is_empty(), by == 0);
    }
}
