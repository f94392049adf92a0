//! Hand-computed allocations: methods, limits through the tree, residue, periods, faults, tampering.

use std::sync::Arc;

use super::worlds::{allocated, flat, leaf, problem, read, year, years};
use super::{
    Binding, Holder, HolderId, Law, Method, Phasing, Problem, ProblemFault, Residue, Total, allocate, trace,
    verify,
};
use crate::ground::trace::Operation;

/// A company with groups east (a 300, b 100) and west (c 200).
fn two_groups(total: &str) -> Problem {
    let holders = vec![
        Holder::new("all", "company", None),
        Holder::new("east", "group", Some("all")),
        Holder::new("west", "group", Some("all")),
        leaf("a", "east", "300"),
        leaf("b", "east", "100"),
        leaf("c", "west", "200"),
    ];
    problem(total, holders)
}

fn holder<'a>(problem: &'a mut Problem, id: &str) -> &'a mut Holder {
    problem.holders.iter_mut().find(|holder| holder.id.as_str() == id).expect("a holder")
}

fn faults(problem: &Problem) -> Vec<String> {
    allocate(problem).expect_err("no allocation").iter().map(ToString::to_string).collect()
}

#[test]
fn proportional_through_two_levels() {
    let allocation = allocated(&two_groups("1200"));
    assert_eq!(years(&allocation), ["600", "200", "400"]);
    assert_eq!(
        [year(&allocation, "all"), year(&allocation, "east"), year(&allocation, "west")],
        ["1200", "800", "400"]
    );
    let order: Vec<&str> = allocation.holders.iter().map(|own| own.holder.as_str()).collect();
    assert_eq!(order, ["all", "east", "a", "b", "west", "c"]);
}

#[test]
fn methods() {
    let mut problem = flat("1300", &["600", "400"]);
    holder(&mut problem, "a").potential = Some(read("100"));
    holder(&mut problem, "b").potential = Some(read("200"));
    problem.method = Method::HistoryPlusPotential; // increase 300: 600 + 100, 400 + 200
    assert_eq!(years(&allocated(&problem)), ["700", "600"]);
    problem.total = Total::Given(read("900")); // a: 0.6 x 0.6 + 0.4 / 3 = 37/75; b: 38/75
    problem.method = Method::WeightedShare { history_share: read("0.6") };
    assert_eq!(years(&allocated(&problem)), ["444", "456"]);
    problem.total = Total::Given(read("2000")); // a: 600 x 1.5 = 900, b: 400 x 1.25 = 500, scaled by 2000/1400
    problem.method = Method::GrowthOnHistory { growth: read("25%") };
    holder(&mut problem, "a").growth = Some(read("50%"));
    assert_eq!(years(&allocated(&problem)), ["1286", "714"]);
    holder(&mut problem, "b").weight = Some(read("900")); // an override in the method's own measure
    assert_eq!(years(&allocated(&problem)), ["1000", "1000"]);
}

#[test]
fn a_derived_total_is_rounded_to_the_unit_and_shows_it() {
    let mut problem = flat("0", &["1010", "1030"]);
    problem.unit = read("100");
    problem.total = Total::GrowthOnHistory { growth: read("10%") };
    holder(&mut problem, "all").growth = Some(read("20%")); // inherited by both: 2448 -> 2400
    let allocation = allocated(&problem);
    assert_eq!(year(&allocation, "all"), "2400");
    let parts = &allocation.explanation(&HolderId::from("all")).expect("explained").parts;
    assert_eq!((&parts.growth_share, &parts.rounding), (&read("408"), &read("-48")));
}

#[test]
fn limits_below_move_the_groups() {
    let mut problem = two_groups("1200");
    holder(&mut problem, "c").locked = Some(read("500.50"));
    holder(&mut problem, "c").note = Some("agreed in March".to_owned());
    holder(&mut problem, "b").floor = Some(read("250"));
    let allocation = allocated(&problem);
    // 1200 - 500.50 = 699.50 for east; b at 250 leaves 449.50 for a.
    assert_eq!(years(&allocation), ["449.5", "250", "500.5"]);
    let binding = |id: &str| allocation.explanation(&HolderId::from(id)).expect("explained").binding;
    assert_eq!(binding("c"), Some(Binding::Lock));
    assert_eq!(binding("b"), Some(Binding::Floor));
    assert_eq!(binding("west"), Some(Binding::FloorsBelow));
    let c = allocation.explanation(&HolderId::from("c")).expect("explained");
    assert_eq!(c.parts.sum(), read("500.50"));
    let trace = trace(&problem, &allocation, c.holder).expect("explained");
    assert_eq!(trace.value, read("500.50"));
    assert!(trace.children.iter().any(|node| node.label == "locked (agreed in March)"));
}

#[test]
fn residue_is_refused_or_carried_by_one_holder_per_level() {
    let mut problem = two_groups("1230");
    problem.unit = read("100");
    assert_eq!(faults(&problem), ["total 1230 is not a whole number of units of 100: 30 is left"]);
    problem.residue = Residue::PartialUnit;
    // east 820, west 410 -> 800 + 400, and 30 to east (remainder 20); a 622.5, b 207.5 -> 600 + 200, 30 to a.
    let allocation = allocated(&problem);
    assert_eq!(year(&allocation, "east"), "830");
    assert_eq!(years(&allocation), ["630", "200", "400"]);
}

#[test]
fn periods_sum_to_the_year_and_up_the_tree() {
    let mut problem = two_groups("1200");
    let periods = ["H1", "H2", "H3"].map(|name| (name.to_owned(), read("1"))).to_vec();
    problem.phasing = Some(Phasing { unit: read("1"), periods });
    let allocation = allocated(&problem);
    let quota =
        |id: &str, period: &str| allocation.amount(&HolderId::from(id), Some(period)).expect("a quota");
    // b has two units more than whole thirds, which go to the first two; c one, which the third is owed.
    assert_eq!(["H1", "H2", "H3"].map(|period| quota("b", period)), [6700, 6700, 6600]);
    assert_eq!(["H1", "H2", "H3"].map(|period| quota("c", period)), [13300, 13300, 13400]);
    assert_eq!(["H1", "H2", "H3"].map(|period| quota("all", period)), [40000, 40000, 40000]);
}

#[test]
fn over_assignment_respects_limits_and_phases_its_own_year() {
    let mut problem = two_groups("1000");
    problem.over_assignment.insert("company".to_owned(), read("1.1"));
    problem.phasing = Some(Phasing {
        unit: read("1"),
        periods: vec![("H1".to_owned(), read("1")), ("H2".to_owned(), read("1"))],
    });
    for id in ["a", "b", "c"] {
        holder(&mut problem, id).cap = Some(read("500"));
    }
    let allocation = allocated(&problem); // 1100: east 733.3, west 366.7; a capped at 500
    assert_eq!(years(&allocation), ["500", "233", "367"]);
    let all = allocation.explanation(&HolderId::from("all")).expect("explained");
    assert_eq!(all.given_out, Some(read("1100")));
    let a = allocation.explanation(&HolderId::from("a")).expect("explained");
    assert_eq!(a.parts.over_assignment, read("50"));
}

#[test]
fn over_assignment_is_rounded_no_further_than_locks_below_allow() {
    let mut problem = flat("500", &["1", "1"]);
    problem.unit = read("100");
    problem.over_assignment.insert("company".to_owned(), read("1.05"));
    assert_eq!(years(&allocated(&problem)), ["300", "200"]); // 525 is 500 in whole units
    for id in ["a", "b"] {
        holder(&mut problem, id).locked = Some(read("262.50"));
    }
    assert_eq!(years(&allocated(&problem)), ["262.5", "262.5"]);
    holder(&mut problem, "b").locked = Some(read("262.52"));
    assert_eq!(faults(&problem), ["all: floors and locks need 525.02, 0.02 more than 525"]);
}

#[test]
fn infeasible_names_the_holder_and_the_numbers() {
    let mut problem = two_groups("1200");
    holder(&mut problem, "east").cap = Some(read("700"));
    holder(&mut problem, "a").floor = Some(read("500"));
    holder(&mut problem, "b").locked = Some(read("250"));
    holder(&mut problem, "west").floor = Some(read("300"));
    holder(&mut problem, "c").cap = Some(read("200"));
    let found = faults(&problem);
    assert_eq!(
        found,
        [
            "west: caps and locks take 200, 100 less than 300",
            "east: floors and locks need 750, 50 more than 700"
        ]
    );
    let mut problem = two_groups("1200");
    holder(&mut problem, "east").cap = Some(read("700"));
    holder(&mut problem, "c").cap = Some(read("499.99"));
    assert_eq!(faults(&problem), ["all: caps and locks take 1199.99, 0.01 less than 1200"]);
    holder(&mut problem, "c").locked = Some(read("600"));
    assert_eq!(faults(&problem)[0], "c: must be at least 600 and at most 499.99");
}

#[test]
fn weight_zero_is_a_fault_only_when_an_amount_is_left() {
    let mut problem = two_groups("1200");
    holder(&mut problem, "c").history = None;
    assert_eq!(years(&allocated(&problem)), ["900", "300", "0"]);
    holder(&mut problem, "west").locked = Some(read("100"));
    assert_eq!(faults(&problem), ["west: 100 is left, but all children with room have weight 0"]);
    holder(&mut problem, "c").weight = Some(read("1"));
    assert_eq!(years(&allocated(&problem)), ["825", "275", "100"]);
}

#[test]
fn malformed_problems_report_everything_at_once() {
    let mut problem = two_groups("1200.005");
    problem.holders.push(leaf("a", "north", "-1"));
    problem.holders.push(Holder::new("other", "company", None));
    holder(&mut problem, "east").history = Some(read("1"));
    problem.over_assignment.insert("compny".to_owned(), read("0"));
    problem.phasing = Some(Phasing { unit: read("0"), periods: vec![("H1".to_owned(), read("0")); 2] });
    let found = allocate(&problem).expect_err("faults");
    let codes: Vec<&str> = found.iter().map(|fault| fault.code().name()).collect();
    for code in ["SPM110", "SPM501", "SPM009", "SPM010", "SPM405", "SPM304"] {
        assert!(codes.contains(&code), "{code} is not in {found:?}");
    }
    assert_eq!(found[0].to_diagnostic().hint.as_deref(), Some(found[0].hint()));
}

#[test]
fn loops_and_empty_problems_are_faults() {
    let mut problem = two_groups("1200");
    holder(&mut problem, "west").parent = Some(HolderId::from("c"));
    let found = allocate(&problem).expect_err("faults");
    let lost = |id: &str| ProblemFault::Cycle { holder: HolderId::from(id) };
    assert_eq!(found, [lost("c"), lost("west")]);
    problem.holders.clear();
    assert_eq!(allocate(&problem), Err(vec![ProblemFault::Roots { found: vec![] }]));
    let mut chain = vec![Holder::new("0", "company", None)];
    for depth in 1..80 {
        chain.push(Holder::new(&depth.to_string(), "group", Some(&(depth - 1).to_string())));
    }
    problem.holders = chain;
    assert!(matches!(allocate(&problem).expect_err("too deep")[..], [ProblemFault::TooDeep { .. }]));
}

#[test]
fn a_total_far_below_history_has_no_history_plus_potential() {
    let mut problem = flat("100", &["600", "400"]);
    problem.method = Method::HistoryPlusPotential;
    assert_eq!(faults(&problem), ["the method shares by potential, which is zero for everyone"]);
    holder(&mut problem, "a").potential = Some(read("1"));
    assert_eq!(faults(&problem), ["a: history plus its share of the change is -300, below zero"]);
}

#[test]
fn an_amount_beyond_128_bits_is_a_fault() {
    let total = "9".repeat(60);
    let problem = flat(&total, &["1", "2"]);
    let found = allocate(&problem).expect_err("too large");
    assert!(matches!(found[..], [ProblemFault::AmountOutOfRange { .. }]), "{found:?}");
}

#[test]
fn every_trace_follows_from_its_children() {
    let mut problem = two_groups("1230");
    problem.over_assignment.insert("group".to_owned(), read("1.05"));
    let allocation = allocated(&problem);
    for explanation in allocation.explanations() {
        let trace = trace(&problem, &allocation, explanation.holder).expect("explained");
        assert_eq!(trace.value, explanation.amount);
        trace.walk(&mut |node, _| {
            if node.operation != Operation::Input {
                assert_eq!(node.operation.evaluate(&node.children).as_ref(), Some(&node.value));
            }
        });
    }
}

#[test]
fn verify_catches_each_kind_of_tampering() {
    let mut problem = two_groups("1200");
    holder(&mut problem, "a").locked = Some(read("500"));
    holder(&mut problem, "b").cap = Some(read("250"));
    holder(&mut problem, "c").floor = Some(read("300"));
    problem.phasing = Some(Phasing { unit: read("1"), periods: vec![("Y".to_owned(), read("1"))] });
    let good = allocated(&problem);
    let laws = |tamper: &dyn Fn(&mut super::Allocation)| {
        let mut bad = good.clone();
        tamper(&mut bad);
        verify(&problem, &bad).into_iter().map(|found| found.law).collect::<Vec<_>>()
    };
    let set = |id: &'static str, period: Option<&'static str>, by: i64| {
        move |allocation: &mut super::Allocation| {
            let row = allocation.position(&HolderId::from(id)).expect("a holder");
            Arc::make_mut(&mut allocation.amounts)[row * 2 + usize::from(period.is_some())] += by;
        }
    };
    assert!(laws(&set("all", None, 100)).contains(&Law::Total));
    assert!(laws(&set("a", None, 1)).contains(&Law::Lock));
    assert!(laws(&set("b", None, 10_000)).contains(&Law::Cap));
    assert!(laws(&set("c", None, -20_000)).contains(&Law::Floor));
    assert!(laws(&set("c", None, 1)).contains(&Law::LevelSum));
    assert!(laws(&set("c", Some("Y"), 1)).contains(&Law::PeriodSum));
    assert!(laws(&set("c", Some("Y"), 1)).contains(&Law::LevelPeriodSum));
    assert!(laws(&|bad| drop(bad.holders.pop())).contains(&Law::Rows));
    assert!(laws(&|bad| Arc::make_mut(&mut bad.amounts).truncate(3)).contains(&Law::Rows));
    assert!(laws(&|bad| bad.periods[0] = "Z".into()).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[1] = bad.holders[0].clone()).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[0].level = "firm".into()).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[1].parent = None).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[0].holder = HolderId::from("nobody")).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[2].index = bad.holders[3].index).contains(&Law::Rows));
    assert!(laws(&|bad| bad.holders[2].above = Some(0)).contains(&Law::Rows));
    let broken_units = |bad: &mut super::Allocation| {
        set("east", None, 50)(bad);
        set("west", None, -50)(bad);
    };
    assert!(laws(&broken_units).contains(&Law::Unit));
}

#[test]
fn verify_notices_who_has_a_unit_more_than_the_weight_gives() {
    let problem = two_groups("1200");
    let mut bad = allocated(&problem);
    let row = |id: &str| bad.position(&HolderId::from(id)).expect("a holder");
    let (a, b) = (row("a"), row("b"));
    // Every sum is as before.
    let amounts = Arc::make_mut(&mut bad.amounts);
    amounts[a] += 100;
    amounts[b] -= 100;
    let laws: Vec<Law> = verify(&problem, &bad).into_iter().map(|found| found.law).collect();
    assert_eq!(laws, [Law::Share, Law::Share]);
}
