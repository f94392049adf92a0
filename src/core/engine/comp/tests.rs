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

/// Ways of paying that the second calculation knows: with a goal, and without one.
const KNOWN: &[&str] = &[
    "pay = \"per-unit\"\nrate = \"7%\"",
    "pay = \"per-unit\"\nrate = { column = \"rate\" }\nweight = \"60%\"\nmultiplier = [{ value = \"1.25\" }]",
    "pay = \"per-unit\"\ntiers = { on = \"amount\", steps = [{ from = \"0\", rate = \"3%\" }, { from = \"700\", rate = \"11%\" }, { from = \"1100\", rate = \"5%\" }] }",
    "pay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"amount\", boundary = \"lower\", steps = [{ from = \"0\", rate = \"3%\" }, { from = \"700\", rate = \"11%\" }] }",
    "pay = \"per-unit\"\ntiers = { mode = \"proportional-rate\", on = \"amount\", steps = [{ from = \"0\", rate = \"3%\" }, { from = \"700\", rate = \"11%\", to = \"1000\" }] }",
    "pay = \"per-unit\"\ntiers = { mode = \"proportional-amount\", on = \"amount\", steps = [{ from = \"0\", amount = \"30\" }, { from = \"700\", amount = \"11\", to = \"1000\" }] }",
    "pay = \"per-unit\"\ncurve = { on = \"amount\", points = [{ at = \"100\", pay = \"1%\" }, { at = \"700\", pay = \"3%\" }, { at = \"700\", pay = \"5%\" }, { at = \"1000\", pay = \"6%\" }], below = \"extend\", beyond = \"extend\" }",
    "pay = \"per-unit\"\nrate = \"10%\"\nthreshold = { on = \"amount\", at = \"700\", back_pay = false }\ncap = { amount = \"35\", per = \"period\" }",
    "pay = \"fixed\"\ntiers = { on = \"amount\", steps = [{ from = \"0\", amount = \"3\" }, { from = \"700\", amount = \"11\" }] }\ncap = { amount = \"10\" }",
    "pay = \"fixed\"\ncurve = { mode = \"step\", on = \"amount\", points = [{ at = \"100\", pay = \"1\" }, { at = \"700\", pay = \"3\" }] }",
    "pay = \"per-unit\"\nmatrix = { mode = \"bilinear\", rows = { on = \"amount\", at = [\"0\", \"700\"] }, columns = { on = \"amount\", at = [\"100\", \"500\", \"900\"] }, cells = [[\"1%\", \"2%\", \"4%\"], [\"3%\", \"5%\", \"9%\"]] }",
    "pay = \"per-unit\"\nmatrix = { rows = { on = \"amount\", at = [\"0\", \"700\"] }, columns = { on = \"amount\", at = [\"100\", \"500\"] }, cells = [[\"1%\", \"2%\"], [\"3%\", \"5%\"]] }",
];

/// The same that need a goal.
const KNOWN_WITH_GOAL: &[&str] = &[
    "pay = \"per-unit\"\ntiers = { mode = \"whole-above-goal\", on = \"attainment\", steps = [{ from = \"0%\", rate = \"3%\" }, { from = \"100%\", rate = \"11%\" }, { from = \"120%\", rate = \"14%\" }] }\nattainment_cap = \"150%\"",
    "pay = \"target-share\"\ntarget = { amount = \"1200\", per = \"year\" }\ntiers = { on = \"attainment\", steps = [{ from = \"0%\", rate = \"0.5\" }, { from = \"100%\", rate = \"2\" }] }\ncap = { share = \"150%\" }",
    "pay = \"target-share\"\ntarget = \"100\"\ncurve = { points = [{ at = \"50%\", pay = \"30%\" }, { at = \"100%\", pay = \"1\" }], beyond = \"flat\" }\nmultiplier = [{ curve = { mode = \"step\", points = [{ at = \"0%\", pay = \"1\" }, { at = \"110%\", pay = \"1.5\" }] } }]",
    "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"\nthreshold = { at = \"60%\", back_pay = false }",
    "pay = \"fixed\"\namount = \"55\"\nat = \"100%\"",
    "pay = \"scorecard\"\ntarget = \"100\"\nitems = [{ measure = \"m\", weight = \"1\" }]",
];

#[test]
fn the_second_calculation_knows_and_agrees() {
    let calendar =
        Calendar::regular(Pattern::Months, "2027-01-01".parse().expect("a date"), 1).expect("a calendar");
    let payees = [Payee {
        id: PayeeId::from("A"),
        numbers: BTreeMap::from([("rate".to_owned(), number("10%"))]),
        ..Payee::default()
    }];
    let values = ["0", "699.99", "700", "1300", "-250.5", "1000", "90"];
    let cell = |period| Cell { payee: 0, measure: 0, period };
    let cells = values.iter().enumerate();
    let measurements: BTreeMap<Cell, Amounts> =
        cells.clone().map(|(period, value)| (cell(period), Amounts::of(number(value)))).collect();
    let deals = cells.map(|(period, value)| {
        let date = calendar.periods()[period].range.from;
        let (transaction, amount) = (format!("d{period}"), number(value));
        (cell(period), vec![Deal { transaction, line: None, refund_of: None, date, amount, lookup: None }])
    });
    let deals: BTreeMap<Cell, Vec<Deal>> = deals.collect();
    let quota = |period| ((PayeeId::from("A"), "q".to_owned(), period), number("900"));
    let (quotas, none) = ((0..12).map(quota).collect(), BTreeMap::new());
    let gated = |component: &str| {
        format!("{component}\ngate = [{{ on = \"amount\", at = \"700\", else = \"50%\" }}]")
    };
    let mut cases: Vec<(String, &str, &str)> = Vec::new();
    for window in ["period", "quarter-to-date", "year-to-date", "rolling\"\nperiods = 3 #"] {
        for component in KNOWN {
            cases.extend([((*component).to_owned(), window, ""), ((*component).to_owned(), window, GOAL)]);
        }
        cases.extend(KNOWN_WITH_GOAL.iter().map(|component| ((*component).to_owned(), window, GOAL)));
    }
    cases.extend(KNOWN.iter().map(|component| (gated(component), "period", GOAL)));
    cases.extend(KNOWN.iter().map(|component| (gated(component), "transaction", "")));
    for (component, window, goal) in cases {
        // A cap of each period is none of a transaction; a scorecard with one measure says its weight alone.
        let plan = plan(&component, window, goal);
        let single = window == "transaction";
        let problem = Problem {
            plan: &plan,
            calendar: &calendar,
            periods: 0..values.len(),
            payees: &payees,
            measurements: &measurements,
            deals: if single { &deals } else { &none },
            quotas: &quotas,
            explain_deals: false,
        };
        let earnings = earn(&problem).expect("earns");
        verify::verify(&problem, &earnings).expect("verified");
        for line in &earnings.lines {
            let again = recalculate::expected(&problem, &plan.components[0], line.payee, line.period);
            assert_eq!(again, Some(line.amount.minor_units), "{component} {window} {goal}");
        }
    }
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
