//! Published quota examples (`conformance/quota.jsonl`), each named by its id there.
//!
//! The same cases run through the program, as plans, in `fixtures/conformance/quota`; headcount (`quota-capacity`) there only.

use super::waterfill::{Claim, fill};
use super::worlds::{allocated, flat, read, year, years};
use super::{HolderId, Measure, Method, Phasing, Total};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::trace::Unit;

/// A split of whole seats or deals by weight.
fn seats(total: &str, weights: &[&str]) -> Vec<String> {
    let mut problem = flat(total, weights);
    problem.decimals = 0;
    problem.measured_in = Unit::Number;
    years(&allocated(&problem))
}

/// `value` rounded to six decimals, as the published results are.
fn six(value: &Rational) -> Rational {
    Rational::from_scaled(round_to_decimals(value, 6, Rounding::HalfAwayFromZero).expect("fits"), 6)
}

/// "cabyz/RevEngine OTE notes: closer quota". The source divides: 6.75 each; the note splits whole deals.
#[test]
fn quota_bottom_up_01() {
    assert_eq!(seats("54", &["1"; 8]), ["7", "7", "7", "7", "7", "7", "6", "6"]);
    let mut problem = flat("54", &["1"; 8]);
    problem.unit = read("0.01");
    assert_eq!(years(&allocated(&problem)), ["6.75"; 8]);
}

const SHARES: [&str; 22] = [
    "20.88", "14.93", "14.14", "13.29", "5.06", "4.43", "4.24", "4.22", "2.57", "2.51", "2.38", "2.18",
    "1.94", "1.8", "1.34", "1.21", "0.81", "0.63", "0.5", "0.48", "0.3", "0.16",
];

/// "preprocessor.space: percentage limit and leftover distribution, cap 8". The source shares the excess equally in one
/// pass although its text says proportions are kept; proportional sharing takes the next four to the cap as well.
#[test]
fn quota_cap_water_filling_01() {
    let claims =
        SHARES.map(|share| Claim { weight: read(share), floor: Rational::zero(), cap: Some(read("8")) });
    let amounts = fill(&read("100"), &claims).expect("feasible");
    assert!(amounts[..8].iter().all(|amount| *amount == read("8")), "the first eight are at the cap");
    assert_eq!(amounts.iter().sum::<Rational>(), read("100"));
    // 100 - 8 x 8 = 36 over the other fourteen shares, 18.81: the last has 0.16 x 36 / 18.81.
    assert_eq!(amounts[21], read("0.16") * read("36") / read("18.81"));
    assert_eq!(amounts[8], read("2.57") * read("36") / read("18.81"));
}

/// "Weighted Values thread (Nemotron-CC-Math): total with minimum". Water-filling is one of its three readings.
#[test]
fn quota_floor_water_filling_01() {
    let values = ["500", "500", "200", "4000", "6000", "1000", "5000", "1000", "700", "1000", "1500"];
    let claims = values.map(|value| Claim { weight: read(value), floor: read("700"), cap: None });
    let amounts = fill(&read("18000"), &claims).expect("feasible");
    assert_eq!(six(&amounts[3]), read("3117.948718"));
    assert_eq!(amounts.iter().sum::<Rational>(), read("18000"));

    let mut problem = flat("18000", &values);
    problem.unit = read("0.01");
    problem.holders.iter_mut().skip(1).for_each(|holder| holder.floor = Some(read("700")));
    let allocation = allocated(&problem);
    assert_eq!(year(&allocation, "d"), "3117.95");
    assert_eq!([year(&allocation, "a"), year(&allocation, "c"), year(&allocation, "i")], ["700"; 3]);
}

/// "Sales Cookie blog: ramped quotas".
#[test]
fn quota_growth_01() {
    let mut problem = flat("0", &["100000"]);
    problem.total = Total::GrowthOnHistory { growth: read(".15") };
    problem.method = Method::GrowthOnHistory { growth: read(".15") };
    let allocation = allocated(&problem);
    assert_eq!(year(&allocation, "a"), "115000");
    let parts = &allocation.explanation(&HolderId::from("a")).expect("explained").parts;
    assert_eq!((parts.history.clone(), parts.growth_share.clone()), (read("100000"), read("15000")));
}

/// "Solvely: 42 seats over five counties".
#[test]
fn quota_largest_remainder_02() {
    let counties = ["247000", "185000", "459000", "400000", "413000"];
    assert_eq!(seats("42", &counties), ["6", "5", "11", "10", "10"]);
}

/// "Brainly-style answer 51469908: 13 seats". Its shares sum to 13.76; as weights they give the published seats.
#[test]
fn quota_largest_remainder_03() {
    assert_eq!(seats("13", &["2.67", "6.92", "4.17"]), ["2", "7", "4"]);
}

/// "AcademicKids: Alabama paradox, 323 and 324 seats": one seat more in all takes one from the third.
#[test]
fn quota_largest_remainder_05() {
    let weights = ["5670", "3850", "420", "60"];
    assert_eq!(seats("323", &weights), ["183", "124", "14", "2"]);
    assert_eq!(seats("324", &weights), ["184", "125", "13", "2"]);
}

/// "Usenet net.math 1982: Alabama paradox 49 and 51 seats"; at 50 a tie, which goes to the smaller id.
#[test]
fn quota_largest_remainder_06() {
    assert_eq!(seats("49", &["3", "7", "90"]), ["2", "3", "44"]);
    assert_eq!(seats("51", &["3", "7", "90"]), ["1", "4", "46"]);
    assert_eq!(seats("50", &["3", "7", "90"]), ["2", "3", "45"]);
}

/// "TigerEye: over-assignment drives sales culture (PlanGrid)": street quota is 1.4 times the company's target.
#[test]
fn quota_over_assignment_01() {
    let mut problem = flat("1000000", &["1", "1"]);
    problem.over_assignment.insert("company".to_owned(), read("1") + read("40%"));
    let allocation = allocated(&problem);
    assert_eq!(years(&allocation), ["700000", "700000"]);
    let explanation = allocation.explanation(&HolderId::from("a")).expect("explained");
    assert_eq!(explanation.compounded_over_assignment, read("1.4"));
}

/// "rewarding.blog: stretch through three levels": 27.05 % to 33.1 %, multiplied and not added.
#[test]
fn quota_over_assignment_02() {
    for (manager, street) in [("1.05", "1270500"), ("1.1", "1331000")] {
        let holders = vec![
            super::Holder::new("finance", "finance", None),
            super::Holder::new("director", "director", Some("finance")),
            super::Holder::new("manager", "manager", Some("director")),
            super::worlds::leaf("rep", "manager", "1"),
        ];
        let mut problem = super::worlds::problem("1000000", holders);
        for (level, factor) in [("finance", "1.1"), ("director", "1.1"), ("manager", manager)] {
            problem.over_assignment.insert(level.to_owned(), read(factor));
        }
        assert_eq!(years(&allocated(&problem)), [street]);
    }
}

/// "Sean Masters: prorated annual quota": 469,041.10 exact, printed as 470,000. The year is phased by calendar days.
#[test]
fn quota_proration_01() {
    let mut problem = flat("800000", &["1"]);
    let periods = vec![("before".to_owned(), read("151")), ("after".to_owned(), read("214"))];
    problem.phasing = Some(Phasing { unit: read("0.01"), periods });
    let allocation = allocated(&problem);
    let after = allocation.amount(&HolderId::from("a"), Some("after"));
    assert_eq!(after, Some(46_904_110));
}

/// "LeanScale playbook: quotas and target setting": an equal split, 2,083,333.33, printed as 2.1 million.
#[test]
fn quota_top_down_01() {
    let mut problem = flat("25000000", &["1400000"; 12]);
    problem.method = Method::Proportional(Measure::Headcount);
    problem.unit = read("0.01");
    let mut expected = vec!["2083333.34"; 4];
    expected.extend(["2083333.33"; 8]);
    assert_eq!(years(&allocated(&problem)), expected);
}
