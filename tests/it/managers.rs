//! What people below earned and reached: overrides, bonuses for a team at quota, the limits before or after which they count.

use crate::project::Project;

const SETTINGS: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2027-01-01, years = 1 }\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"rep\", manager_id = \"manager\", region = \"region\", hire_date = \"hired\", end_date = \"left\" }\n[sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n";

const HIERARCHY: &str = "[sources.hierarchy]\nfiles = \"hierarchy.csv\"\ncolumns = { rep_id = \"rep\", manager_id = \"manager\", from = \"from\", to = \"to\" }\n";

const PLAN: &str = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"sales\"\ncredits = [\"c\"]\ngoal = { amount = \"10000\" }\n[[measure]]\nname = \"below\"\nMEASURE\n[[component]]\nname = \"commission\"\nmeasure = \"sales\"\npay = \"per-unit\"\nrate = \"10%\"\nCAP\n[[component]]\nname = \"override\"\nmeasure = \"below\"\nCOMPONENT\n";

const RATE: &str = "pay = \"per-unit\"\nrate = \"5%\"";

/// A and B report to M, M to V. A earns 1,000 and B 2,000 in January, A 500 in February.
fn world(measure: &str, cap: &str, component: &str) -> Project {
    let plan = PLAN.replace("MEASURE", measure).replace("CAP", cap).replace("COMPONENT", component);
    let project = Project::new();
    project
        .file("spm.toml", SETTINGS)
        .file("plans/p.toml", plan)
        .file(
            "reps.csv",
            "rep,manager,region,hired,left\nA,M,West,,\nB,M,West,,2027-06-15\nM,V,West,,\nV,,East,,\n",
        )
        .file(
            "deals.csv",
            "id,rep,date,amount\nd1,A,2027-01-05,10000\nd2,B,2027-01-06,20000\nd3,A,2027-02-05,5000\n",
        );
    project
}

/// Payee, month and amount of the component, without what is zero.
fn overrides(project: &Project, period: &str) -> Vec<String> {
    let run = ["-q", "comp", "run", "--period", period, "--table", "earnings", "--format", "csv"];
    let printed = project.run(&run).exits(0).stdout();
    let rows = printed.lines().filter(|row| row.contains(",override,")).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        format!("{} {} {}", cells[1], &cells[2][5..], cells[8])
    });
    rows.filter(|row| !row.ends_with(" 0.00")).collect()
}

#[test]
fn a_manager_earns_a_share_of_what_the_people_below_earned() {
    let cap = "cap = { amount = \"1500\" }";
    for (measure, cap, expected) in [
        ("whose = \"below\"\nlevels = 1", "", &["M 01 150.00", "M 02 25.00"][..]),
        ("whose = \"below\"", "", &["M 01 150.00", "M 02 25.00", "V 01 150.00", "V 02 25.00"]),
        // What is paid of a window to date is what it adds.
        ("whose = \"below\"\nlevels = 1\nwindow = \"year-to-date\"", "", &["M 01 150.00", "M 02 25.00"]),
        // Before or after the cap of 1,500 that stops B.
        ("whose = \"below\"\nlevels = 1\nlimits = \"component\"", cap, &["M 01 125.00", "M 02 25.00"]),
        ("whose = \"below\"\nlevels = 1\nlimits = \"none\"", cap, &["M 01 150.00", "M 02 25.00"]),
        // One's own, and those of everyone in a region.
        ("", "", &["A 01 50.00", "A 02 25.00", "B 01 100.00"]),
        (
            "team = \"region\"",
            "",
            &["A 01 150.00", "A 02 25.00", "B 01 150.00", "B 02 25.00", "M 01 150.00", "M 02 25.00"],
        ),
    ] {
        let own = world(&format!("components = [\"commission\"]\n{measure}"), cap, RATE);
        assert_eq!(overrides(&own, "2027-01..2027-02"), expected, "{measure} {cap}");
        if measure.contains("to-date") {
            assert_eq!(overrides(&own, "2027-02"), ["M 02 25.00"], "a month on its own");
        }
    }
    let own = world("components = [\"commission\"]\nwhose = \"below\"", "", RATE);
    let told = own.run(&["comp", "explain", "--rep", "M", "--period", "2027-01"]).exits(0).stdout();
    for line in [
        "below, 2027-01: 3000.00 USD = sum of",
        "commission of A: 1000.00 USD",
        "commission of B: 2000.00 USD",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn earnings_count_before_or_after_what_the_plan_leaves_of_them() {
    let with = |limits: &str| {
        let measure =
            format!("components = [\"commission\"]\nwhose = \"below\"\nlevels = 1\nlimits = \"{limits}\"");
        let own = world(&measure, "", RATE);
        let plan = String::from_utf8(own.bytes("plans/p.toml")).expect("text");
        own.file("plans/p.toml", format!("{plan}[cap]\namount = \"1200\"\n[guarantee]\namount = \"600\"\n"));
        own
    };
    // A 1,000 and B 2,000, of which the plan pays 1,200; in February 500 and nothing, of which it makes 600 each;
    // M is guaranteed 600, too, of which V has a share.
    assert_eq!(overrides(&with("component"), "2027-01..2027-02"), ["M 01 150.00", "M 02 25.00"]);
    assert_eq!(
        overrides(&with("plan"), "2027-01..2027-02"),
        ["M 01 110.00", "M 02 60.00", "V 01 30.00", "V 02 30.00"]
    );
}

#[test]
fn earnings_belong_to_whoever_is_above_on_the_last_day() {
    let own = world("components = [\"commission\"]\nwhose = \"below\"\nlevels = 1", "", RATE);
    own.file("spm.toml", format!("{SETTINGS}{HIERARCHY}")).file(
        "hierarchy.csv",
        "rep,manager,from,to\nA,M,2026-01-01,2027-02-10\nA,V,2027-02-10,\nB,M,2026-01-01,\n",
    );
    assert_eq!(overrides(&own, "2027-01..2027-02"), ["M 01 150.00", "V 02 25.00"]);
    // Somebody who has left earns for the manager of the last day there.
    own.file("hierarchy.csv", "rep,manager,from,to\nA,M,2026-01-01,\nB,M,2026-01-01,2027-06-15\n")
        .file("deals.csv", "id,rep,date,amount\nd1,B,2027-06-05,10000\n");
    assert_eq!(overrides(&own, "2027-06"), ["M 06 50.00"]);
}

#[test]
fn a_manager_is_paid_for_people_at_quota() {
    let each = "pay = \"per-unit\"\nrate = \"1000\"";
    let steps = "pay = \"fixed\"\ncurve = { mode = \"step\", points = [{ at = \"50%\", pay = \"2000\" }, { at = \"100%\", pay = \"5000\" }] }";
    let reached =
        |more: &str| format!("reached = {{ measure = \"sales\", at = \"100%\"{more} }}\nwhose = \"below\"");
    let people = world(&reached(""), "", each);
    assert_eq!(overrides(&people, "2027-01..2027-02"), ["M 01 2000.00", "V 01 2000.00"]);
    let told = people.run(&["comp", "explain", "--rep", "M", "--period", "2027-02"]).exits(0).stdout();
    assert!(told.contains("A has not reached it: 0"), "{told}");
    // Of V's three, M has the goal, too, and sold nothing.
    let share = world(&reached(", as = \"share\""), "", steps);
    assert_eq!(overrides(&share, "2027-01"), ["M 01 5000.00", "V 01 2000.00"]);
    let direct = world(&format!("{}\nlevels = 1", reached("")), "", each);
    assert_eq!(overrides(&direct, "2027-01"), ["M 01 2000.00"]);
    // To date: what the standing adds. With `every` it is paid once.
    let to_date = |component: &str| {
        let own = world(&reached(""), "", component);
        let plan = String::from_utf8(own.bytes("plans/p.toml")).expect("text");
        own.file(
            "plans/p.toml",
            plan.replace("goal = { amount", "window = \"quarter-to-date\"\ngoal = { amount"),
        );
        own
    };
    // After February A has 15,000 of 20,000 and B 20,000 of 20,000; after March neither has 30,000.
    assert_eq!(
        overrides(&to_date(each), "2027-01..2027-03"),
        ["M 01 2000.00", "M 02 -1000.00", "M 03 -1000.00", "V 01 2000.00", "V 02 -1000.00", "V 03 -1000.00"]
    );
    assert_eq!(
        overrides(&to_date(&format!("{each}\nevery = \"quarter\"")), "2027-01..2027-03"),
        Vec::<String>::new()
    );
    // Who leaves in the period counts unless only those count who are there at its end.
    let june = |more: &str| {
        let own = world(&reached(more), "", each);
        own.file("deals.csv", "id,rep,date,amount\nd1,B,2027-06-05,10000\n");
        overrides(&own, "2027-06")
    };
    assert_eq!(june(""), ["M 06 1000.00", "V 06 1000.00"]);
    assert_eq!(june(", employed = true"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (measure, cap, words) in [
        ("components = [\"commission\", \"override\"]", "", "`below` is what `override` itself earned"),
        ("components = [\"comission\"]", "", "there is no component `comission`"),
        ("components = []", "", "which components?"),
        (
            "components = [\"commission\"]\nwindow = \"rolling\"\nperiods = 3",
            "",
            "a period, a quarter or a year",
        ),
        (
            "components = [\"commission\"]",
            "cap = { amount = \"5\" }",
            "`commission` has a cap: do earnings count before or after it",
        ),
        ("components = [\"commission\"]\nlevels = 2", "", "`levels` goes with whose = \"below\" only"),
        ("components = [\"commission\"]\nwhose = \"below\"\nteam = \"all\"", "", "people below are no team"),
        ("reached = { measure = \"sales\", at = \"100%\" }", "", "whose people are counted?"),
        (
            "reached = { measure = \"below\", at = \"100%\" }\nwhose = \"below\"",
            "",
            "there is no measure above this one `below`",
        ),
        ("credits = [\"c\"]\nwhose = \"below\"", "", "`whose` goes with `components` or `reached` only"),
        (
            "credits = [\"c\"]\ncomponents = [\"commission\"]",
            "",
            "exactly one of `credits`, `sql`, `components`, `reached`",
        ),
    ] {
        let told = world(measure, cap, RATE).run(&["check"]).exits(1).stderr();
        assert!(told.contains(words), "{measure}: {words}\n{told}");
    }
    let nobody = world("components = [\"commission\"]\nwhose = \"below\"", "", RATE);
    nobody.file("spm.toml", SETTINGS.replace("manager_id = \"manager\", ", ""));
    let told = nobody.run(&["comp", "run", "--period", "2027-01"]).exits(3).stderr();
    assert!(told.contains("measure `below` needs reps.manager_id, or the table hierarchy"), "{told}");
}

#[test]
fn a_small_payment_waits_until_the_sum_is_worth_it() {
    let own = world("components = [\"commission\"]\nwhose = \"below\"", "", RATE);
    let plan = String::from_utf8(own.bytes("plans/p.toml")).expect("text");
    own.file("plans/p.toml", format!("{plan}[minimum_payment]\namount = \"150.00\"\n"))
        .file("deals.csv", "id,rep,date,amount\nd1,A,2027-01-05,1000\nd2,A,2027-02-05,499\nd3,A,2027-03-05,1\nd4,B,2027-05-05,20\nd5,A,2027-05-06,40\n");
    let run = |table: &str, period: &str| {
        let asked = ["-q", "comp", "run", "--period", period, "--table", table, "--format", "csv"];
        own.run(&asked).exits(0).stdout()
    };
    let paid = run("payments", "2027-01..2027-06");
    let of_a: Vec<&str> = paid.lines().filter(|row| row.starts_with("A,")).collect();
    assert_eq!(
        of_a,
        [
            "A,2027-01,USD,0.00,0.00",
            "A,2027-02,USD,0.00,0.00",
            "A,2027-03,USD,150.00,0.00",
            "A,2027-04,USD,0.00,0.00",
            "A,2027-05,USD,0.00,0.00",
            "A,2027-06,USD,0.00,0.00"
        ]
    );
    // B leaves in June and is paid what there is.
    assert!(paid.contains("B,2027-05,USD,0.00,0.00") && paid.contains("B,2027-06,USD,2.00,0.00"), "{paid}");
    let balances = run("balances", "2027-01..2027-03");
    for row in [
        "2027-01,A,USD,carried,0.00,100.00,100.00",
        "2027-02,A,USD,carried,100.00,49.90,149.90",
        "2027-03,A,USD,carried,149.90,-149.90,0.00",
    ] {
        assert!(balances.contains(row), "{row}\n{balances}");
    }
    // Posted, period after period, the ledger carries it, and verifies.
    for period in ["2027-01", "2027-02", "2027-03"] {
        own.run(&["ledger", "post", "--period", period]).exits(0);
    }
    own.run(&["ledger", "verify"]).exits(0);
    assert!(run("payments", "2027-03").contains("A,2027-03,USD,150.00,0.00"));
    own.run(&["comp", "statement", "--period", "2027-05", "--rep", "A"]).exits(0);
    let page = String::from_utf8(own.bytes("out/statements/2027-05/A.html")).expect("text");
    assert!(page.contains("under the minimum payment, carried to the next period"), "{page}");
    let told = own.run(&["comp", "explain", "--rep", "A", "--period", "2027-05"]).exits(0).stdout();
    assert!(told.contains("minimum payment, less is carried: 150.00 USD"), "{told}");
    let plan = String::from_utf8(own.bytes("plans/p.toml")).expect("text");
    own.file("plans/p.toml", plan.replace("\"150.00\"", "\"0\""));
    assert!(own.run(&["check"]).exits(1).stderr().contains("a minimum payment is more than zero"));
}
