//! Laws that every plan keeps, on random plans and measurements: what adds up, what grows, what cancels out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{number, plan};
use super::*;
use crate::ground::id::PayeeId;
use crate::ground::period::{Calendar, Date, DateRange, Pattern};
use crate::plan::comp::CompPlan;

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn calendar() -> Calendar {
    Calendar::regular(Pattern::Months, day("2027-01-01"), 1).expect("a calendar")
}

fn people(count: usize) -> Vec<Payee> {
    let id = |index: usize| PayeeId::from(format!("P{index}").as_str());
    let rate = BTreeMap::from([("rate".to_owned(), number("10%"))]);
    (0..count).map(|index| Payee { id: id(index), numbers: rate.clone(), ..Payee::default() }).collect()
}

/// Cents by payee and period; a quota of 1000 for everybody in every period.
fn cents(plan: &CompPlan, payees: &[Payee], sold: &[Vec<i64>]) -> BTreeMap<(usize, usize), i128> {
    let calendar = calendar();
    let mut measurements = BTreeMap::new();
    for (payee, values) in sold.iter().enumerate() {
        for (period, value) in values.iter().enumerate() {
            measurements.insert(Cell { payee, measure: 0, period }, Amounts::of(Rational::from(*value)));
        }
    }
    let quotas = payees.iter().flat_map(|payee| {
        (0..12).map(|period| ((payee.id.clone(), "q".to_owned(), period), Rational::from(1000i64)))
    });
    let (quotas, deals) = (quotas.collect(), BTreeMap::new());
    let problem = Problem {
        plan,
        calendar: &calendar,
        periods: 0..sold.iter().map(Vec::len).max().unwrap_or(1),
        payees,
        measurements: &measurements,
        deals: &deals,
        quotas: &quotas,
        explain_deals: false,
    };
    let earnings = earn(&problem).expect("earns");
    verify::verify(&problem, &earnings).expect("verified");
    let mut all = BTreeMap::new();
    for line in earnings.lines {
        *all.entry((line.payee, line.period)).or_insert(0) += line.amount.minor_units;
    }
    all
}

/// What one payee earns in all periods together.
fn total(plan: &CompPlan, sold: &[i64]) -> i128 {
    cents(plan, &people(1), &[sold.to_vec()]).values().sum()
}

/// What one payee earns with single transactions in January: amounts, and the place of the one that each takes back.
fn of_deals(plan: &CompPlan, all: &[(i64, Option<usize>)]) -> i128 {
    let calendar = calendar();
    let payees = people(1);
    let cell = Cell { payee: 0, measure: 0, period: 0 };
    let id = |place: usize| format!("d{place:03}");
    let deal = |(place, (amount, of)): (usize, &(i64, Option<usize>))| Deal {
        transaction: id(place),
        line: None,
        refund_of: of.map(id),
        date: day("2027-01-10"),
        amount: Rational::from(*amount),
        lookup: None,
    };
    let own: Vec<Deal> = all.iter().enumerate().map(deal).collect();
    let mut amounts = Amounts::default();
    own.iter().for_each(|deal| amounts.add(&Amounts::of(deal.amount.clone())));
    let measurements = BTreeMap::from([(cell, amounts)]);
    let (deals, quotas) = (BTreeMap::from([(cell, own)]), BTreeMap::new());
    let problem = Problem {
        plan,
        calendar: &calendar,
        periods: 0..1,
        payees: &payees,
        measurements: &measurements,
        deals: &deals,
        quotas: &quotas,
        explain_deals: true,
    };
    let earnings = earn(&problem).expect("earns");
    verify::verify(&problem, &earnings).expect("verified");
    let parts = Attribution::new(&problem).parts(
        &earnings.lines[0],
        &all.iter().map(|deal| deal.0).collect::<Vec<_>>(),
        0,
    );
    assert_eq!(parts.iter().sum::<i128>(), earnings.lines[0].amount.minor_units);
    earnings.lines[0].amount.minor_units
}

const GOAL: &str = "goal = { quota = \"q\" }";

/// Ascending bands from 0 with the given steps between them and rates in percent.
fn tiers(mode: &str, bands: &[(i64, i64)]) -> String {
    let mut from = 0;
    let steps: Vec<String> = bands
        .iter()
        .enumerate()
        .map(|(index, (width, rate))| {
            from += if index == 0 { 0 } else { *width };
            format!("{{ from = \"{from}\", rate = \"{rate}%\" }}")
        })
        .collect();
    format!(
        "pay = \"per-unit\"\ntiers = {{ mode = \"{mode}\", on = \"amount\", steps = [{}] }}",
        steps.join(", ")
    )
}

fn bands() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((1i64..2000, 0i64..40), 1..5)
}

/// Rates that never fall.
fn rising() -> impl Strategy<Value = Vec<(i64, i64)>> {
    bands().prop_map(|mut bands| {
        let mut rates: Vec<i64> = bands.iter().map(|band| band.1).collect();
        rates.sort_unstable();
        bands.iter_mut().zip(rates).for_each(|(band, rate)| band.1 = rate);
        bands
    })
}

fn sold() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(-2000i64..5000, 1..12)
}

proptest! {
    /// f(all) = sum of the differences: a window to date pays in all what one look at its end would pay (E5, E33).
    #[test]
    fn windows_add_up(bands in bands(), sold in sold(), mode in prop::sample::select(vec!["marginal", "whole"])) {
        let to_date = plan(&tiers(mode, &bands), "year-to-date", "");
        let mut at_the_end = vec![0; sold.len()];
        *at_the_end.last_mut().expect("a period") = sold.iter().sum();
        prop_assert_eq!(total(&to_date, &sold), total(&to_date, &at_the_end));
    }

    /// The order in which months come changes nothing of what a year pays.
    #[test]
    fn the_order_of_events_does_not_matter(bands in bands(), sold in sold()) {
        let to_date = plan(&tiers("marginal", &bands), "year-to-date", "");
        let backwards: Vec<i64> = sold.iter().rev().copied().collect();
        prop_assert_eq!(total(&to_date, &sold), total(&to_date, &backwards));
    }

    /// A refund is the inverse of a sale: what both come to is what is paid without them.
    #[test]
    fn a_refund_undoes_its_sale(bands in bands(), sold in sold(), sale in 1i64..5000) {
        let to_date = plan(&tiers("whole", &bands), "year-to-date", "");
        let mut with = sold.clone();
        with.splice(0..0, [sale]);
        *with.last_mut().expect("a period") -= sale;
        let mut without = sold;
        without.insert(0, 0);
        prop_assert_eq!(total(&to_date, &with), total(&to_date, &without));
    }

    /// A refund of a deal leaves what the deal net of it would have earned, whatever bands and cap; in full, nothing.
    #[test]
    fn a_refund_of_a_deal_undoes_it(
        bands in bands(),
        sold in prop::collection::vec(1i64..5000, 1..5),
        back in 0i64..5000,
        cap in 1i64..300,
    ) {
        let text = format!("{}\ncap = {{ amount = \"{cap}\" }}", tiers("whole", &bands));
        let plan = plan(&text, "transaction", "");
        let first = sold[0];
        let back = back.min(first);
        let with = |refunds: &[i64]| {
            let sold = sold.iter().map(|amount| (*amount, None));
            let refunds = refunds.iter().map(|amount| (-*amount, Some(0)));
            of_deals(&plan, &sold.chain(refunds).collect::<Vec<_>>())
        };
        let mut net: Vec<(i64, Option<usize>)> = sold.iter().map(|amount| (*amount, None)).collect();
        net[0].0 -= back;
        prop_assert_eq!(with(&[back]), of_deals(&plan, &net));
        prop_assert_eq!(with(&[back, first - back]), with(&[first]));
        net[0].0 = 0;
        prop_assert_eq!(with(&[first]), of_deals(&plan, &net));
    }

    /// A flat rate is linear: the pay of a sum is the sum of the pays, and twice the sales is twice the pay.
    #[test]
    fn a_flat_rate_is_linear(rate in 0i64..100, a in -5000i64..5000, b in -5000i64..5000) {
        let flat = plan(&format!("pay = \"per-unit\"\nrate = \"{rate}%\""), "period", "");
        prop_assert_eq!(total(&flat, &[a + b]), total(&flat, &[a]) + total(&flat, &[b]));
        prop_assert_eq!(total(&flat, &[2 * a]), 2 * total(&flat, &[a]));
    }

    /// Who sells more is paid no less: marginal bands with rates of zero or more; whole bands with rates that rise.
    #[test]
    fn more_sales_never_pay_less(marginal in bands(), whole in rising(), a in 0i64..9000, more in 0i64..9000) {
        let first = plan(&tiers("marginal", &marginal), "period", "");
        prop_assert!(total(&first, &[a]) <= total(&first, &[a + more]));
        let second = plan(&tiers("whole", &whole), "period", "");
        prop_assert!(total(&second, &[a]) <= total(&second, &[a + more]));
    }

    /// Where rates rise, whole bands pay at least what marginal ones do, and no more than the top rate for everything.
    #[test]
    fn whole_bands_pay_at_least_marginal_ones(bands in rising(), sales in 0i64..9000) {
        let pay = |mode| total(&plan(&tiers(mode, &bands), "period", ""), &[sales]);
        let top = bands.last().expect("a band").1;
        prop_assert!(pay("marginal") <= pay("whole"));
        prop_assert!(pay("whole") <= i128::from(top * sales));
    }

    /// A cap is the smaller of pay and limit, and the same cap on the plan on top of it takes nothing more.
    #[test]
    fn a_cap_caps_once(bands in bands(), sales in 0i64..9000, cap in 0i64..500) {
        let free = tiers("marginal", &bands);
        let capped = format!("{free}\ncap = {{ amount = \"{cap}\" }}");
        let twice = format!("{capped}\n[cap]\namount = \"{cap}\"");
        let pay = |text: &str| total(&plan(text, "period", ""), &[sales]);
        prop_assert_eq!(pay(&capped), pay(&free).min(i128::from(cap) * 100));
        prop_assert_eq!(pay(&twice), pay(&capped));
    }

    /// A cap of the year that carries nothing pays the year's pay or the limit, in whatever months it was earned.
    #[test]
    fn a_cap_of_the_year(sold in prop::collection::vec(0i64..5000, 1..12), cap in 0i64..2000) {
        let pay = |text: &str| total(&plan(text, "period", ""), &sold);
        let flat = "pay = \"per-unit\"\nrate = \"10%\"";
        let capped = format!("{flat}\ncap = {{ amount = \"{cap}\", per = \"year\" }}");
        prop_assert_eq!(pay(&capped), pay(flat).min(i128::from(cap) * 100));
    }

    /// A guarantee pays the larger of pay and floor.
    #[test]
    fn a_guarantee_is_a_floor(sales in -2000i64..5000, least in 0i64..500) {
        let flat = "pay = \"per-unit\"\nrate = \"10%\"";
        let guaranteed = format!("{flat}\n[guarantee]\namount = \"{least}\"");
        let pay = |text: &str| total(&plan(text, "period", ""), &[sales]);
        prop_assert_eq!(pay(&guaranteed), pay(flat).max(i128::from(least) * 100));
    }

    /// Pay of target grows with the target, and with goal and sales scaled alike stays the same.
    #[test]
    fn target_pay_is_proportional(target in 1i64..9000, sales in 0i64..5000) {
        let share = |target: i64| {
            let text = format!("pay = \"target-share\"\ntarget = \"{target}\"\nrate = \"1\"");
            total(&plan(&text, "period", GOAL), &[sales])
        };
        let (once, twice) = (share(target), share(2 * target));
        prop_assert!((twice - 2 * once).abs() <= 1, "rounded once each: {} and {}", once, twice);
    }

    /// Paid every quarter or month by month, a window to date of the quarter comes to the same.
    #[test]
    fn how_often_it_pays_does_not_matter(bands in bands(), sold in prop::collection::vec(0i64..5000, 3..=3)) {
        let monthly = tiers("whole", &bands);
        let quarterly = format!("{monthly}\nevery = \"quarter\"");
        let pay = |text: &str| total(&plan(text, "quarter-to-date", ""), &sold);
        prop_assert_eq!(pay(&quarterly), pay(&monthly));
    }

    /// Payees in another order are paid the same, each for themselves.
    #[test]
    fn payees_do_not_depend_on_their_order(bands in bands(), all in prop::collection::vec(sold(), 1..6)) {
        let plan = plan(&tiers("marginal", &bands), "year-to-date", "");
        let count = all.len();
        let forwards = cents(&plan, &people(count), &all);
        let reversed: Vec<Vec<i64>> = all.into_iter().rev().collect();
        let backwards = cents(&plan, &people(count), &reversed);
        for ((payee, period), amount) in forwards {
            prop_assert_eq!(Some(&amount), backwards.get(&(count - 1 - payee, period)));
        }
    }

    /// Prizes are conserved to the cent: whatever the ties, what is paid is the prizes of the places taken.
    #[test]
    fn prizes_are_conserved(values in prop::collection::vec(1i64..4, 1..7)) {
        let contest = plan("pay = \"rank\"\nprizes = [\"600\", \"300\", \"120\"]", "period", "");
        let sold: Vec<Vec<i64>> = values.iter().map(|value| vec![*value]).collect();
        let paid: i128 = cents(&contest, &people(values.len()), &sold).values().sum();
        let prizes: i128 = [60_000, 30_000, 12_000].iter().take(values.len()).sum();
        prop_assert_eq!(paid, prizes);
    }

    /// A pool is shared out to the cent.
    #[test]
    fn a_pool_is_shared_out(values in prop::collection::vec(0i64..50, 1..9), pool in 0i64..1000) {
        prop_assume!(values.iter().any(|value| *value > 0));
        let text = format!("pay = \"pool\"\namount = \"{pool}\"\nby = \"measure\"");
        let sold: Vec<Vec<i64>> = values.iter().map(|value| vec![*value]).collect();
        let paid: i128 = cents(&plan(&text, "period", ""), &people(values.len()), &sold).values().sum();
        prop_assert_eq!(paid, i128::from(pool) * 100);
    }

    /// A row of history that says what reps says changes nothing; one with another target pays between the two targets.
    #[test]
    fn history_lies_between(from in 1i8..28, length in 1i64..40, other in 0i64..40, sold in 0i64..3000) {
        let text = "pay = \"target-share\"\ntarget = { column = \"rate\" }\nrate = \"1000\"";
        let plan = plan(text, "period", "goal = { amount = \"1000\" }");
        let start = day(&format!("2027-01-{from:02}"));
        let days = DateRange { from: start, to: start + jiff::Span::new().days(length) };
        let pay = |rate: Option<Rational>| {
            let mut people = people(1);
            if let Some(rate) = rate {
                let numbers = BTreeMap::from([("rate".to_owned(), rate)]);
                people[0].versions.push(Version { days, numbers, texts: BTreeMap::new() });
            }
            cents(&plan, &people, &[vec![sold]])[&(0, 0)]
        };
        let other = Rational::from(other) / Rational::from(100i64);
        prop_assert_eq!(pay(Some(number("10%"))), pay(None));
        let whole = DateRange { from: day("2027-01-01"), to: day("2028-01-01") };
        let mut elsewhere = people(1);
        elsewhere[0].numbers.insert("rate".to_owned(), other.clone());
        let numbers = elsewhere[0].numbers.clone();
        elsewhere[0].versions.push(Version { days: whole, numbers, texts: BTreeMap::new() });
        let all = cents(&plan, &elsewhere, &[vec![sold]])[&(0, 0)];
        let (some, none) = (pay(Some(other)), pay(None));
        prop_assert!(some >= all.min(none) && some <= all.max(none), "{} between {} and {}", some, all, none);
    }

    /// What is attributed to credits adds up to the earning, whatever they are (E7, E15).
    #[test]
    fn attribution_adds_up(bands in bands(), amounts in prop::collection::vec(-900i64..3000, 1..9)) {
        let plan = plan(&tiers("marginal", &bands), "period", "");
        let calendar = calendar();
        let payees = people(1);
        let sum: i64 = amounts.iter().sum();
        let cell = Cell { payee: 0, measure: 0, period: 0 };
        let measurements = BTreeMap::from([(cell, Amounts::of(Rational::from(sum)))]);
        let (deals, quotas) = (BTreeMap::new(), BTreeMap::new());
        let problem = Problem {
            plan: &plan,
            calendar: &calendar,
            periods: 0..1,
            payees: &payees,
            measurements: &measurements,
            deals: &deals,
            quotas: &quotas,
            explain_deals: false,
        };
        let earnings = earn(&problem).expect("earns");
        let parts = Attribution::new(&problem).parts(&earnings.lines[0], &amounts, 0);
        prop_assert_eq!(parts.iter().sum::<i128>(), earnings.lines[0].amount.minor_units);
    }
}
