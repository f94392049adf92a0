//! Refunds are taken back from whom their sales paid, whatever has changed since.

use crate::project::Project;
use crate::silent::{paid, project, replaced};

const RATE: &str = "pay = \"per-unit\"\nrate = \"10%\"";

const SOLD: &str = "transaction_id,rep_id,account_id,event_date,amount,refund_of\n1,A,x,2027-01-10,1000,\n2,A,x,2027-02-10,-400,1\n";

const WINDOWS: [&str; 3] = ["transaction", "period", "year-to-date"];

/// A plan of one component, `refunds = "current"` unless the period of the sale is not in the run.
fn current(tables: &[(&str, &str)], credit: &str, window: &str) -> Project {
    let project = project(tables, credit, &format!("window = \"{window}\""), RATE);
    replaced(&project, "id = \"p\"", "id = \"p\"\nrefunds = \"current\"");
    project
}

/// What is paid that is not zero.
fn something(project: &Project, period: &str) -> Vec<String> {
    paid(project, period).into_iter().filter(|line| !line.ends_with(" 0.00")).collect()
}

/// A second plan like the first.
fn beside(project: &Project, changes: &[(&str, &str)]) {
    let mut plan = String::from_utf8(project.bytes("plans/p.toml")).expect("text");
    for (what, by) in changes {
        assert!(plan.contains(what), "{what}");
        plan = plan.replace(what, by);
    }
    project.file("plans/q.toml", plan);
}

fn tells(project: &Project, command: &[&str], wanted: &str) {
    let told = project.run(command).exits(0).stderr();
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn after_a_reorganisation_the_manager_of_the_sale_gives_back() {
    let hierarchy = "rep_id,manager_id,from,to\nA,M,,2027-02-01\nA,N,2027-02-01,\n";
    let tables = [("reps", "rep_id\nA\nM\nN\n"), ("hierarchy", hierarchy), ("transactions", SOLD)];
    let up = "to = \"managers\"\nlevels = 1";
    for window in WINDOWS {
        let both = current(&tables, up, window);
        assert_eq!(paid(&both, "2027-01..2027-02"), ["M 01 100.00", "M 02 -40.00"], "{window}");
        assert_eq!(paid(&both, "2027-02"), ["M 02 -40.00"], "{window}");
    }
    // Of a sale that is not in the run the date is its own, too.
    let alone = project(&tables, up, "window = \"transaction\"", RATE);
    assert_eq!(paid(&alone, "2027-02"), ["M 02 -40.00"]);
    // By the dated manager of rep_history.
    let history = "rep_id,manager_id,from,to\nA,N,2027-02-01,\n";
    let tables =
        [("reps", "rep_id,manager_id\nA,M\nM,\nN,\n"), ("rep_history", history), ("transactions", SOLD)];
    let by_history = current(&tables, up, "period");
    assert_eq!(paid(&by_history, "2027-01..2027-02"), ["M 01 100.00", "M 02 -40.00"]);
}

#[test]
fn a_sale_of_an_earlier_year_is_looked_for_in_the_extracts() {
    let hierarchy = "rep_id,manager_id,from,to\nA,M,,2028-01-01\nA,N,2028-01-01,\n";
    let sold =
        "transaction_id,rep_id,event_date,amount,refund_of\n1,A,2027-12-10,1000,\n2,A,2028-01-10,-400,1\n";
    for (sold, expected) in [
        (sold.to_owned(), "M 01 -40.00"),
        // Nobody knows whose it was: as of its own date, and `check` tells.
        (sold.replace("1,A,2027-12-10,1000,\n", ""), "N 01 -40.00"),
    ] {
        let tables =
            [("reps", "rep_id\nA\nM\nN\n"), ("hierarchy", hierarchy), ("transactions", sold.as_str())];
        let next = project(&tables, "to = \"managers\"", "window = \"transaction\"", RATE);
        let settings = String::from_utf8(next.bytes("spm.toml")).expect("text");
        next.file("spm.toml", settings.replace("years = 1", "years = 2"));
        assert_eq!(paid(&next, "2028-01"), [expected]);
        let told = next.run(&["check"]).exits(0).stderr();
        assert_eq!(
            told.contains("not in transactions, such as 2 of `1`"),
            expected.starts_with('N'),
            "{told}"
        );
    }
}

#[test]
fn whoever_held_the_territory_at_the_sale_gives_back() {
    let assignments = "rep_id,territory_id,from,to\nA,T,2027-01-01,2027-02-01\nB,T,2027-02-01,\n";
    let tables = [
        ("reps", "rep_id\nA\nB\n"),
        ("accounts", "account_id,territory_id\nx,T\n"),
        ("territories", "territory_id\nT\n"),
        ("assignments", assignments),
        ("transactions", SOLD),
    ];
    for window in WINDOWS {
        let holder = current(&tables, "to = \"territory\"", window);
        assert_eq!(paid(&holder, "2027-01..2027-02"), ["A 01 100.00", "A 02 -40.00"], "{window}");
    }
}

#[test]
fn a_credit_with_dates_has_the_refunds_of_its_sales_and_no_others() {
    let spif = "effective = { from = 2027-02-01, to = 2027-04-01 }";
    let sold = "transaction_id,rep_id,event_date,amount,refund_of\n1,A,2027-01-10,500,\n2,A,2027-02-10,-500,1\n3,A,2027-03-10,1000,\n4,A,2027-04-10,-1000,3\n5,A,2027-05-10,250,4\n";
    for window in WINDOWS {
        let tables = [("reps", "rep_id\nA\n"), ("transactions", sold)];
        let spif = current(&tables, spif, window);
        let expected = ["A 03 100.00", "A 04 -100.00", "A 05 25.00"];
        assert_eq!(paid(&spif, "2027-01..2027-05"), expected, "{window}");
    }
}

#[test]
fn who_has_left_gives_back() {
    for (component, expected) in [
        (RATE, &["A 01 100.00", "A 02 -40.00"][..]),
        ("pay = \"per-unit\"\nrate = \"10%\"\nemployed = true", &["A 01 100.00", "A 02 -40.00"]),
        // The fixed part of a formula is for those who are there.
        ("pay = \"formula\"\nsql = \"m * 0.1 + 500\"", &["A 01 600.00"]),
    ] {
        let tables = [("reps", "rep_id,end_date\nA,2027-02-01\n"), ("transactions", SOLD)];
        let left = current(&tables, "", "period");
        replaced(&left, RATE, component);
        assert_eq!(paid(&left, "2027-01..2027-03"), expected, "{component}");
    }
}

#[test]
fn a_refund_stays_in_the_plan_and_version_of_its_sale() {
    let more = SOLD.to_owned() + "3,A,x,2027-02-16,2000,\n";
    for window in WINDOWS {
        // Moved to a plan that pays 20 %.
        let assignments = "rep_id,plan_id,from,to\nA,p,,2027-02-01\nA,q,2027-02-01,\n";
        let tables =
            [("reps", "rep_id\nA\n"), ("plan_assignments", assignments), ("transactions", more.as_str())];
        let moved = current(&tables, "", window);
        beside(&moved, &[("id = \"p\"", "id = \"q\""), ("10%", "20%")]);
        assert_eq!(paid(&moved, "2027-01..2027-02"), ["A 01 100.00", "A 02 360.00"], "{window}");
        // A version that pays 20 %.
        let tables = [("reps", "rep_id\nA\n"), ("transactions", more.as_str())];
        let changed = current(&tables, "", window);
        replaced(&changed, "id = \"p\"", "id = \"p\"\neffective = { from = 2027-01-01, to = 2027-02-01 }");
        let later = ("from = 2027-01-01, to = 2027-02-01", "from = 2027-02-01, to = 2028-01-01");
        beside(&changed, &[("id = \"p\"", "id = \"q\""), later, ("10%", "20%")]);
        assert_eq!(paid(&changed, "2027-01..2027-02"), ["A 01 100.00", "A 02 360.00"], "{window}");
        // Each part alone comes to the same.
        assert_eq!(paid(&changed, "2027-02"), ["A 02 360.00"], "{window}");
        changed.run(&["comp", "explain", "--rep", "A", "--period", "2027-02"]).exits(0);
    }
}

#[test]
fn check_tells_of_refunds_that_do_not_take_back_what_was_earned() {
    let tables = [("reps", "rep_id\nA\n"), ("transactions", SOLD)];
    let ended = current(&tables, "", "period");
    let until = "id = \"p\"\neffective = { from = 2027-01-01, to = 2027-02-01 }";
    replaced(&ended, "id = \"p\"", until);
    assert!(!ended.run(&["check"]).exits(0).stderr().contains("refund(s)"));
    replaced(&ended, RATE, "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"");
    replaced(&ended, "credits = [\"c\"]", "credits = [\"c\"]\ngoal = { amount = \"1000\" }");
    tells(&ended, &["check"], "1 refund(s), such as 2 of 1, come after the last day of plan `p`");
    tells(&ended, &["comp", "run", "--period", "2027-02"], "pays nothing to 1 payee(s)");

    let sold = SOLD.replace("2027-01-10", "2026-12-10");
    let tables = [("reps", "rep_id\nA\n"), ("transactions", sold.as_str())];
    let cliff = "pay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"amount\", steps = [{ from = \"0\", rate = \"5%\" }, { from = \"500\", rate = \"10%\" }] }";
    let rated = project(&tables, "", "window = \"transaction\"", cliff);
    let settings = String::from_utf8(rated.bytes("spm.toml")).expect("text");
    rated.file("spm.toml", settings.replace("2027-01-01", "2026-01-01").replace("years = 1", "years = 2"));
    tells(&rated, &["check"], "are of an earlier fiscal year: `x` rates them on their own");
}

#[test]
fn who_has_left_gives_back_in_a_later_quarter_and_is_paid_again_what_is_taken_back_again() {
    let sold = "transaction_id,rep_id,event_date,amount,refund_of\n1,A,2027-01-05,1000,\n2,A,2027-05-05,-1000,1\n3,A,2027-06-05,1000,2\n";
    let tables = [("reps", "rep_id,end_date\nA,2027-03-15\n"), ("transactions", sold)];
    for window in ["transaction", "period", "quarter-to-date", "year-to-date"] {
        let project = current(&tables, "", window);
        assert_eq!(
            something(&project, "2027-01..2027-06"),
            ["A 01 100.00", "A 05 -100.00", "A 06 100.00"],
            "{window}"
        );
    }
}

#[test]
fn a_refund_takes_back_its_own_line_and_counts_nothing_when_it_stands_alone() {
    let header = "transaction_id,line_id,rep_id,event_date,amount,kind,refund_of\n";
    // The line that is taken back was not credited.
    let sold = format!(
        "{header}1,1,A,2027-01-05,2000,renewal,\n1,2,A,2027-01-05,400,new,\n2,2,A,2027-01-20,-400,refund,1\n"
    );
    let tables = [("reps", "rep_id\nA\n"), ("transactions", sold.as_str())];
    let largest = project(&tables, "where = \"kind <> 'new'\"", "aggregate = \"largest\"", RATE);
    assert_eq!(paid(&largest, "2027-01"), ["A 01 200.00"]);
    // A refund of nothing, one of somebody else's sale, and more than all of an own sale.
    let sold = format!(
        "{header}1,,A,2027-01-05,-100,refund,lost\n2,,B,2027-01-05,100,new,\n3,,A,2027-01-06,-100,refund,2\n4,,A,2027-01-07,100,new,\n5,,A,2027-01-08,-101,refund,4\n"
    );
    let tables = [("reps", "rep_id\nA\nB\n"), ("transactions", sold.as_str())];
    for window in ["transaction", "period"] {
        let measure = format!("window = \"{window}\"\naggregate = \"count\"");
        let count = project(&tables, "", &measure, "pay = \"per-unit\"\nrate = \"4\"");
        assert_eq!(something(&count, "2027-01"), ["B 01 4.00"], "{window}");
    }
}

#[test]
fn a_refund_of_a_refund_of_nothing_takes_that_back() {
    let sold = "transaction_id,rep_id,event_date,amount,refund_of\n1,A,2027-02-02,-3500,lost\n2,A,2027-05-04,3500,1\n3,A,2027-05-05,-3500,2\n";
    let tables = [("reps", "rep_id\nA\n"), ("transactions", sold)];
    let project = project(&tables, "", "window = \"transaction\"", RATE);
    assert_eq!(paid(&project, "2027-01..2027-06"), ["A 02 -350.00"]);
}
