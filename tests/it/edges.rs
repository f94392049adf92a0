//! Commission where a period, a goal or a share is at an edge: what it pays, and what it says about it.

use crate::project::Project;
use crate::silent::{paid, project, replaced};

const TWO: &str = "rep_id\nA\nB\n";
const JANUARY: &str = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,1000\n";

/// What a command says beside its result.
fn said(project: &Project, arguments: &[&str]) -> String {
    project.run(arguments).exits(0).stderr()
}

#[test]
fn a_pool_of_nothing_that_nobody_has_a_part_in_pays_nothing() {
    let pool = "pay = \"pool\"\nby = \"measure\"\namount = { sql = \"m * 0\" }";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", "", pool);
    for command in ["run", "explain", "statement"] {
        let mut arguments = vec!["comp", command, "--period", "2027-02"];
        arguments.extend(["--rep", "A"].iter().filter(|_| command == "explain"));
        let told = said(&own, &arguments);
        assert!(told.contains("SPM401") && told.contains("the pool of 2027-02 is paid to nobody"), "{told}");
    }
    let posted = said(&own, &["ledger", "post", "--period", "2027-01"]);
    assert!(!posted.contains("error"), "{posted}");
    own.run(&["ledger", "post", "--period", "2027-02"]).exits(0);
    replaced(&own, "{ sql = \"m * 0\" }", "\"0\"");
    assert!(paid(&own, "2027-03").is_empty());
}

#[test]
fn a_month_measured_against_a_year_pays_its_part_of_the_target_of_the_year() {
    let sold = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,500\nd2,A,2027-02-10,11500\n";
    let measure = "goal = { amount = \"12000\", per = \"year\", basis = \"year\" }";
    let component = "pay = \"target-share\"\ntarget = \"1000\"\nrate = \"1\"";
    let month = project(&[("reps", TWO), ("transactions", sold)], "", measure, component);
    // The goal of the year is reached, so the year's target is paid.
    assert_eq!(paid(&month, "2027"), ["A 01 500.00", "A 02 11500.00"]);
    // A rolling window is paid anew in each period, and so pays the period's own target.
    let rolling = format!("window = \"rolling\"\nperiods = 3\n{measure}");
    let rolling = project(&[("reps", TWO), ("transactions", sold)], "", &rolling, component);
    assert_eq!(paid(&rolling, "2027-01..2027-02"), ["A 01 41.67", "A 02 1000.00"]);
}

/// Retention of policies that fall due: renewed / due.
fn retention(goal: &str, people: &str) -> Project {
    let sold = "transaction_id,rep_id,event_date,amount,kind\n1,A,2027-01-20,100,due\n2,A,2027-01-25,90,ren\n3,A,2027-02-20,100,due\n4,A,2027-02-25,90,ren\n";
    let measures = "where = \"kind = 'due'\"\n[[credit]]\nname = \"r\"\nwhere = \"kind = 'ren'\"\n[[measure]]\nname = \"due\"\ncredits = [\"c\"]\nwindow = \"quarter-to-date\"\n[[measure]]\nname = \"ren\"\ncredits = [\"r\"]\nwindow = \"quarter-to-date\"";
    let component = "pay = \"target-share\"\ntarget = \"1000\"\nrate = \"1\"";
    let own = project(&[("reps", people), ("transactions", sold)], measures, goal, component);
    replaced(&own, "credits = [\"c\"]\ngoal", "sql = \"ren / due\"\ngoal");
    own
}

#[test]
fn the_goal_of_a_quotient_counts_as_it_is_stated() {
    let here = "rep_id,hire_date\nA,2020-01-01\n";
    let paid_by = |goal: &str, people: &str| paid(&retention(goal, people), "2027-01..2027-02");
    let whole = ["A 01 1000.00", "A 02 1000.00"];
    assert_eq!(paid_by("goal = { amount = \"0.9\" }", here), whole);
    assert_eq!(paid_by("goal = { amount = \"0.9\", per = \"year\" }", here), whole);
    // Who is there for half of January is paid for half of it, by the whole goal; unless the plan says otherwise.
    let late = "rep_id,hire_date\nA,2027-01-16\n";
    assert_eq!(paid_by("goal = { amount = \"0.9\" }", late)[0], "A 01 516.13");
    assert_eq!(paid_by("goal = { amount = \"0.9\", prorate = true }", late)[0], "A 01 1000.00");
}

#[test]
fn goals_add_up_where_measurements_do() {
    let sold = "transaction_id,rep_id,event_date,amount\n1,A,2027-01-20,1000\n2,A,2027-02-20,3000\n";
    let paid_for = |measure: &str| {
        let component = "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"";
        let measure = format!("window = \"quarter-to-date\"\ngoal = {{ amount = \"1000\" }}\n{measure}");
        paid(&project(&[("reps", TWO), ("transactions", sold)], "", &measure, component), "2027-02")
    };
    // 4000 of 2000 is 200 % of two targets, less the 100 of January.
    assert_eq!(paid_for(""), ["A 02 300.00"]);
    // An average of 2000, and a largest of 3000, of 1000.
    assert_eq!(paid_for("aggregate = \"average\""), ["A 02 300.00"]);
    assert_eq!(paid_for("aggregate = \"largest\""), ["A 02 500.00"]);
    let scaled = |sql: &str| {
        let measure =
            "window = \"quarter-to-date\"\n[[measure]]\nname = \"n\"\nGOAL\ngoal = { amount = \"1000\" }";
        let measure = measure.replace("GOAL", &format!("sql = \"{sql}\""));
        let component = "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"";
        let own = project(&[("reps", TWO), ("transactions", sold)], "", &measure, component);
        replaced(&own, "measure = \"m\"", "measure = \"n\"");
        paid(&own, "2027-02")
    };
    assert_eq!(scaled("2 * m - m"), ["A 02 300.00"]);
    assert_eq!(scaled("GREATEST(m, 0)"), ["A 02 300.00"]);
}

#[test]
fn a_rate_of_money_of_more_than_all_of_it_is_asked_about() {
    let told = |component: &str, credit: &str| {
        said(&project(&[("reps", TWO), ("transactions", JANUARY)], credit, "", component), &["check"])
    };
    let five = told("pay = \"per-unit\"\nrate = \"5\"", "");
    assert!(five.contains("SPM110") && five.contains("a rate of 5 pays 500% of the amount"), "{five}");
    let bands = "pay = \"per-unit\"\ntiers = { on = \"amount\", steps = [{ from = \"0\", rate = \"3%\" }, { from = \"10\", rate = \"3\" }] }";
    assert!(told(bands, "").contains("a rate of 3 pays 300%"));
    for meant in ["pay = \"per-unit\"\nrate = \"100%\"", "pay = \"per-unit\"\nrate = \"0.9\""] {
        assert!(!told(meant, "").contains("SPM110"), "{meant}");
    }
    // What is no money has rates of its own.
    assert!(
        !told("pay = \"per-unit\"\nrate = \"5\"", "amount = \"ROUND(amount / 100, 2)\"").contains("SPM110")
    );
}

#[test]
fn the_first_band_that_is_missing_is_proposed_in_its_unit() {
    let bands =
        "pay = \"per-unit\"\ntiers = { on = \"amount\", steps = [{ from = \"100\", rate = \"5%\" }] }";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", "", bands);
    let told = own.run(&["check"]).exits(1).stderr();
    assert!(told.contains("{ from = \"0\", rate = \"0%\" }"), "{told}");
}

#[test]
fn credits_of_nobody_are_told_with_their_reasons() {
    let people = "rep_id,hire_date\nA,2027-06-01\nB,2020-01-01\n";
    let sold = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,100\nd2,Z,2027-01-11,100\nd3,B,2027-01-12,100\n";
    let own =
        project(&[("reps", people), ("transactions", sold)], "", "", "pay = \"per-unit\"\nrate = \"10%\"");
    for arguments in [&["check"][..], &["comp", "run", "--period", "2027-01"]] {
        let told = said(&own, arguments);
        assert!(told.contains("SPM403") && told.contains("2 credit(s) of plan `p`"), "{told}");
        assert!(
            told.contains("not employed on the event date: 1 (A, transaction d1 of 2027-01-10)"),
            "{told}"
        );
        assert!(told.contains("the person is not in reps: 1 (Z, transaction d2 of 2027-01-11)"), "{told}");
        assert!(told.contains("transactions.csv: row 1") || told.contains("transactions.csv:"), "{told}");
    }
}

#[test]
fn a_quota_of_a_period_that_does_not_exist_is_told_with_the_near_one() {
    let quotas = "holder_id,measure,period,amount\nA,q,2027-1,100\n";
    let tables = [("reps", TWO), ("transactions", JANUARY), ("quotas", quotas)];
    let own = project(&tables, "", "goal = { quota = \"q\" }", "pay = \"per-unit\"\nrate = \"10%\"");
    let told = said(&own, &["check"]);
    assert!(told.contains("the quota of A is in no period of the calendar: `2027-1`"), "{told}");
    assert!(told.contains("the quotas `q` are in no period of the calendar, such as `2027-1`"), "{told}");
    assert_eq!(told.matches("did you mean \"2027-01\"?").count(), 2, "{told}");
    assert!(!told.contains("no quota has the name"), "{told}");
}

#[test]
fn who_reports_to_themselves_is_a_fault_and_a_loop_is_told_once() {
    let rate = "pay = \"per-unit\"\nrate = \"1%\"";
    let run = ["comp", "run", "--period", "2027-01"];
    for (people, wanted) in [
        ("rep_id,manager_id\nA,A\nB,A\n", "A reports to A"),
        ("rep_id,manager_id\nA,B\nB,A\n", "the managers above A lead back to A: A, who reports to B"),
    ] {
        let own = project(&[("reps", people), ("transactions", JANUARY)], "to = \"managers\"", "", rate);
        let other = String::from_utf8(own.bytes("plans/p.toml")).expect("text");
        own.file("plans/q.toml", other.replace("id = \"p\"", "id = \"q\""));
        for (arguments, code) in [(&["check"][..], 1), (&run, 3)] {
            let told = own.run(arguments).exits(code).stderr();
            assert!(told.contains(wanted), "{told}");
            assert_eq!(told.matches("SPM405").count(), 1, "{told}");
        }
    }
    // Who is not asked for managers need not have any.
    let people = "rep_id,manager_id\nA,A\nB,A\n";
    said(&project(&[("reps", people), ("transactions", JANUARY)], "", "", rate), &["check"]);
}

#[test]
fn events_that_cannot_be_meant_are_told() {
    let rate = "pay = \"per-unit\"\nrate = \"10%\"";
    let cancelled = "transaction_id,date\nd1,2027-01-05\n";
    let tables = [("reps", TWO), ("transactions", JANUARY), ("cancellations", cancelled)];
    let own = project(&tables, "", "", &format!("{rate}\n[clawback]\nmonths = 12"));
    let told = said(&own, &["check"]);
    assert!(told.contains("such as d1: cancelled on 2027-01-05, sold on 2027-01-10"), "{told}");
    let releases = "transaction_id,event,date\nd1,invoice,2027-01-15\n";
    let tables = [("reps", TWO), ("transactions", JANUARY), ("releases", releases)];
    let told = said(&project(&tables, "", "", rate), &["check"]);
    assert!(told.contains("1 row(s) of releases change nothing"), "{told}");
}

/// The page of a statement of January.
fn page(project: &Project, rep: &str) -> String {
    project.run(&["comp", "statement", "--period", "2027-01", "--rep", rep]).exits(0);
    String::from_utf8(project.bytes(&format!("out/statements/2027-01/{rep}.html"))).expect("text")
}

#[test]
fn a_statement_says_what_cut_the_pay_and_lists_what_earned_nothing() {
    let tables = [("reps", TWO), ("transactions", JANUARY)];
    let rate = "pay = \"per-unit\"\nrate = \"10%\"";
    let goal = "goal = { amount = \"2000\" }";
    let of = |measure: &str, component: &str| page(&project(&tables, "", measure, component), "A");
    let shut = of(goal, &format!("{rate}\ngate = [{{ at = \"80%\", else = \"50%\" }}]"));
    assert!(
        shut.contains("The gate is shut: m is at 50.00 %, 80.00 % is needed (30.00 % more), so 50.00 USD of 100.00 USD is paid."),
        "{shut}"
    );
    let below = of("", &format!("{rate}\nthreshold = {{ at = \"1500\", back_pay = true }}"));
    assert!(
        below.contains(
            "Not reached: m is at 1,000.00 USD, 1,500.00 USD is needed (500.00 USD more), so nothing is paid."
        ),
        "{below}"
    );
    assert!(
        below.contains("<td>d1</td><td>2027-01-10</td><td class=\"n\">1,000</td><td class=\"n\">0.00</td>"),
        "{below}"
    );
    let capped = of("", &format!("{rate}\ncap = {{ amount = \"70\" }}"));
    assert!(
        capped.contains("The cap of 70.00 USD is reached: without it, it would be 100.00 USD."),
        "{capped}"
    );
    let formula = of("", "pay = \"formula\"\nsql = \"m * 0\"");
    assert!(formula.contains("<td>d1</td>"), "{formula}");
    let held = of(
        "",
        &format!(
            "{rate}\nrelease = [{{ share = \"40%\", on = \"booking\" }}, {{ share = \"60%\", on = \"cash\" }}]"
        ),
    );
    assert!(held.contains("60.00 USD of it is held until its event: cash."), "{held}");
}

#[test]
fn one_more_deal_is_worth_what_the_whole_plan_pays_for_it() {
    let rate = "pay = \"per-unit\"\nrate = \"10%\"";
    let of = |people: &str, rest: &str| {
        page(
            &project(&[("reps", people), ("transactions", JANUARY)], "", "", &format!("{rate}\n{rest}")),
            "A",
        )
    };
    assert!(of(TWO, "").contains("One more deal of the usual size, 1,000, would earn 100.00 USD."));
    let guaranteed = of(TWO, "[guarantee]\namount = \"500\"");
    assert!(
        guaranteed.contains("would earn 100.00 USD here, and 0.00 USD in the whole plan."),
        "{guaranteed}"
    );
    let capped = of(TWO, "[cap]\namount = \"130\"");
    assert!(capped.contains("would earn 100.00 USD here, and 30.00 USD in the whole plan."), "{capped}");
    let gone = of("rep_id,end_date\nA,2027-01-20\n", "");
    assert!(!gone.contains("One more deal"), "{gone}");
}

#[test]
fn what_is_no_money_is_not_explained_as_money() {
    let sold = "transaction_id,rep_id,event_date,amount,quantity\nd1,A,2027-01-10,1000,18\n";
    let own = project(
        &[("reps", TWO), ("transactions", sold)],
        "amount = \"quantity\"",
        "",
        "pay = \"per-unit\"\nrate = \"2\"",
    );
    let why = own.run(&["comp", "explain", "--rep", "A", "--period", "2027-01"]).exits(0).stdout();
    assert!(why.contains("m, 2027-01: 18\n") || why.contains("m, 2027-01: 18 "), "{why}");
    assert!(!why.contains("18.00 USD"), "{why}");
}

#[test]
fn a_plan_that_ends_before_the_year_has_goals_of_its_days() {
    let measure = "window = \"year-to-date\"\ngoal = { amount = \"1000\", basis = \"year\" }";
    let component = "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", measure, component);
    replaced(&own, "id = \"p\"", "id = \"p\"\neffective = { from = 2027-01-01, to = 2027-07-01 }");
    // 1000 of six goals of 1000, of six targets of 100.
    assert_eq!(paid(&own, "2027-01"), ["A 01 100.00"]);
}

#[test]
fn a_statement_of_a_range_has_one_amount_paid_and_columns_apart() {
    let rate = "pay = \"per-unit\"\nrate = \"10%\"\n[draw]\ntype = \"recoverable\"\namount = \"150\"";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", "", rate);
    own.run(&["comp", "statement", "--period", "2027-01..2027-02", "--rep", "A"]).exits(0);
    let page = own.bytes("out/statements/2027-01-to-2027-02/A.html");
    let page = String::from_utf8(page).expect("text");
    assert!(page.contains("<b>300.00 USD</b>"), "{page}");
    assert!(page.contains("td+td,th+th{padding-left:1.2em}"), "{page}");
    let told = own.run(&["data", "profile", "out/statements/2027-01-to-2027-02/A.xlsx"]).exits(0).stdout();
    assert!(told.contains("there are also: deals, payment"), "{told}");
}
