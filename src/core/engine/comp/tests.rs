//! Hand-computed and published cases of the narrow half.

use std::collections::BTreeMap;

use super::*;
use crate::ground::diagnostic::Sink;
use crate::ground::id::PayeeId;
use crate::ground::money::Currency;
use crate::ground::period::{Calendar, Pattern};
use crate::ground::source::Source;
use crate::plan::contract::Type;
use crate::plan::expression::Columns;
use crate::plan::{Plan, Tables, check_plan};

pub(super) fn number(text: &str) -> Rational {
    text.parse().expect("a number")
}

/// One payee `A`, one measure `m` on the column `amount`, the given component, window and goal.
pub(super) fn plan(component: &str, window: &str, goal: &str) -> CompPlan {
    let text = format!(
        "version = 1\nkind = \"comp\"\nid = \"t\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\nwindow = \"{window}\"\n{goal}\n[[component]]\nname = \"x\"\nmeasure = \"m\"\n{component}\n"
    );
    let columns = |list: &[(&str, Type)]| {
        Columns(list.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect())
    };
    let tables = Tables(vec![
        ("reps".to_owned(), columns(&[("rate", Type::Number)])),
        ("transactions".to_owned(), columns(&[("amount", Type::Number)])),
    ]);
    let mut sink = Sink::default();
    let usd = Currency::from_code("USD").expect("a currency");
    let plan = check_plan(&Source::new("plan.toml", text), &usd, &tables, &mut sink);
    match plan {
        Some(Plan::Comp(plan)) => *plan,
        other => panic!("{other:?} {:?}", sink.faults()),
    }
}

/// Earnings by period of measurements by period, with a quota of `quota` in each period.
fn earned(plan: &CompPlan, measured: &[&str], quota: Option<&str>) -> Vec<String> {
    let calendar =
        Calendar::regular(Pattern::Months, "2027-01-01".parse().expect("a date"), 1).expect("a calendar");
    let payees = [Payee {
        id: PayeeId::from("A"),
        numbers: BTreeMap::from([("rate".to_owned(), number("10%"))]),
        ..Payee::default()
    }];
    let cells = measured
        .iter()
        .enumerate()
        .map(|(period, value)| (Cell { payee: 0, measure: 0, period }, Amounts::of(number(value))));
    let measurements: BTreeMap<Cell, Amounts> = cells.collect();
    let deals = BTreeMap::new();
    let quotas = quota.into_iter().flat_map(|quota| {
        (0..12).map(move |period| ((PayeeId::from("A"), "q".to_owned(), period), number(quota)))
    });
    let quotas = quotas.collect();
    let problem = Problem {
        plan,
        calendar: &calendar,
        periods: 0..measured.len(),
        payees: &payees,
        measurements: &measurements,
        deals: &deals,
        quotas: &quotas,
        explain_deals: false,
    };
    let earnings = earn(&problem).expect("earns");
    verify::verify(&problem, &earnings).expect("verified");
    earnings.lines.iter().map(|line| line.amount.amount_text()).collect()
}

const GOAL: &str = "goal = { quota = \"q\" }";

#[test]
fn flat_rate_rounds_once() {
    let plan = plan("pay = \"per-unit\"\nrate = { column = \"rate\" }", "period", "");
    assert_eq!(earned(&plan, &["100.05", "-3.33", "0"], None), ["10.01", "-0.33", "0.00"]);
}

#[test]
fn marginal_tiers_on_attainment() {
    // comp-accelerator-02, comp-accelerator-04 (OSS compensation engine test plan, cases 1.1 and 1.3).
    let tiers = "pay = \"target-share\"\ntarget = \"20000\"\ntiers = { on = \"attainment\", steps = [{ from = \"0%\", rate = \"1\" }, { from = \"100%\", rate = \"1.4\" }, { from = \"120%\", rate = \"1.6\" }] }";
    let plan = plan(tiers, "period", GOAL);
    assert_eq!(earned(&plan, &["800000", "1300000"], Some("1000000")), ["16000.00", "28800.00"]);
    assert_eq!(earned(&plan, &["800000"], None), ["0.00"]);
}

#[test]
fn whole_above_goal() {
    // comp-accelerator-05, -06, -08, -11 (theodortrampe/commission-calculator): rate .5, multipliers 1, 1.5, 2, 2.5.
    let tiers = "pay = \"per-unit\"\ntiers = { mode = \"whole-above-goal\", on = \"attainment\", steps = [{ from = \"0%\", rate = \"50%\" }, { from = \"100%\", rate = \"75%\" }, { from = \"125%\", rate = \"1\" }, { from = \"150%\", rate = \"1.25\" }] }";
    let plan = plan(tiers, "period", GOAL);
    assert_eq!(
        earned(&plan, &["80000", "100000", "140000", "100010"], Some("100000")),
        ["40000.00", "50000.00", "90000.00", "50007.50"]
    );
}

#[test]
fn a_boundary_belongs_to_the_higher_tier() {
    let tiers = "pay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"amount\", steps = [{ from = \"0\", rate = \"1%\" }, { from = \"1000\", rate = \"2%\" }] }";
    let plan = plan(tiers, "period", "");
    assert_eq!(earned(&plan, &["999.99", "1000"], None), ["10.00", "20.00"]);
}

#[test]
fn year_to_date_pays_the_difference() {
    let tiers = "pay = \"per-unit\"\ntiers = { on = \"attainment\", steps = [{ from = \"0%\", rate = \"1%\" }, { from = \"100%\", rate = \"2%\" }] }\ncap = { amount = \"60\" }";
    let plan = plan(tiers, "year-to-date", GOAL);
    // Goals to date 1000, 2000, 3000, 4000; sales to date 1500, 1500, 3500, 3400; 20, 15, 40, 34 to date.
    assert_eq!(
        earned(&plan, &["1500", "0", "2000", "-100"], Some("1000")),
        ["20.00", "-5.00", "25.00", "-6.00"]
    );
    assert_eq!(earned(&plan, &["9000"], Some("1000")), ["60.00"]);
}

#[test]
fn fixed_bonus_at_goal() {
    let bonus = plan("pay = \"fixed\"\namount = \"4100\"\nat = \"100%\"", "period", GOAL);
    assert_eq!(earned(&bonus, &["999.99", "1000"], Some("1000")), ["0.00", "4100.00"]);
    assert_eq!(earned(&bonus, &["1000"], None), ["0.00"], "no quota, no bonus");
    let volume = plan("pay = \"fixed\"\namount = \"100\"\nat = \"500\"", "period", "");
    assert_eq!(earned(&volume, &["499", "500"], None), ["0.00", "100.00"]);
}

#[test]
fn verify_catches_a_tampered_line() {
    let plan = plan("pay = \"per-unit\"\nrate = \"10%\"", "period", "");
    let calendar =
        Calendar::regular(Pattern::Months, "2027-01-01".parse().expect("a date"), 1).expect("a calendar");
    let payees = [Payee { id: PayeeId::from("A"), ..Payee::default() }];
    let measurements =
        BTreeMap::from([(Cell { payee: 0, measure: 0, period: 0 }, Amounts::of(number("50")))]);
    let deals = BTreeMap::new();
    let quotas = BTreeMap::new();
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
    let mut earnings = earn(&problem).expect("earns");
    earnings.lines[0].amount.minor_units += 1;
    assert!(verify::verify(&problem, &earnings).is_err());
}
