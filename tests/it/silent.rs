//! What was once paid wrongly without a word: a small project for each case, and what it pays now.

use crate::project::Project;

const SETTINGS: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\n[calendar]\npattern = \"months\"\nstart = 2027-01-01\nyears = 1\n";

const PLAN: &str = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\nCREDIT\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\nMEASURE\n[[component]]\nname = \"x\"\nmeasure = \"m\"\nCOMPONENT\n";

const RATE: &str = "pay = \"per-unit\"\nrate = \"10%\"";

fn mapped(column: &str) -> String {
    match column {
        // A column of our own needs a type.
        "quantity" | "fund" => format!("{column} = {{ column = \"{column}\", type = \"number\" }}"),
        _ => format!("{column} = \"{column}\""),
    }
}

/// A project of tables, as CSV with the canonical names of columns, and a plan of one component.
pub fn project(tables: &[(&str, &str)], credit: &str, measure: &str, component: &str) -> Project {
    let project = Project::new();
    let mut settings = SETTINGS.to_owned();
    for (name, rows) in tables {
        let columns: Vec<String> = rows.lines().next().expect("a header").split(',').map(mapped).collect();
        settings +=
            &format!("[sources.{name}]\nfiles = \"{name}.csv\"\ncolumns = {{ {} }}\n", columns.join(", "));
        project.file(&format!("{name}.csv"), rows);
    }
    let plan = PLAN.replace("CREDIT", credit).replace("MEASURE", measure).replace("COMPONENT", component);
    project.file("spm.toml", settings).file("plans/p.toml", plan);
    project
}

/// Changes the plan of a project.
pub fn replaced(project: &Project, what: &str, by: &str) {
    let plan = String::from_utf8(project.bytes("plans/p.toml")).expect("text");
    assert!(plan.contains(what), "{what}");
    project.file("plans/p.toml", plan.replace(what, by));
}

/// Payee, period and amount of what a range pays, without what is zero.
pub fn paid(project: &Project, period: &str) -> Vec<String> {
    let printed =
        project.run(&["-q", "comp", "run", "--period", period, "--format", "csv"]).exits(0).stdout();
    let rows = printed.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{} {} {}", cells[0], &cells[1][5..], cells[3])
    });
    rows.filter(|row| !row.ends_with(" 0.00")).collect()
}

const PEOPLE: &str = "rep_id,hire_date,end_date\nA,2026-01-01,2027-02-20\nB,2026-01-01,\nC,2027-04-16,\n";

const SALES: &str = "transaction_id,rep_id,event_date,amount\nd1,B,2027-01-05,1000\nd2,B,2027-03-05,1000\nd3,B,2027-04-05,1000\n";

#[test]
fn nobody_who_has_gone_or_is_yet_to_come_is_paid() {
    let sold = [("reps", PEOPLE), ("transactions", SALES)];
    let expected = ["A 01 100.00", "B 01 100.00", "B 03 100.00", "B 04 100.00", "C 04 100.00"];
    for window in ["period", "quarter-to-date", "year-to-date"] {
        let team = project(&sold, "", &format!("team = \"all\"\nwindow = \"{window}\""), RATE);
        assert_eq!(paid(&team, "2027-01..2027-05"), expected, "{window}");
    }
    let own = [
        ("reps", PEOPLE),
        ("transactions", "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-05,1000\n"),
    ];
    let rolling = project(&own, "", "window = \"rolling\"\nperiods = 3", RATE);
    assert_eq!(paid(&rolling, "2027-01..2027-05"), ["A 01 100.00", "A 02 100.00"]);
    let months: String =
        (1..=12).flat_map(|month| ["A", "C"].map(|id| format!("{id},q,2027-{month:02},10\n"))).collect();
    let quotas = format!("holder_id,measure,period,amount\n{months}");
    let floor = "pay = \"formula\"\nsql = \"50\"";
    let tables = [("reps", PEOPLE), ("transactions", SALES), ("quotas", quotas.as_str())];
    let formula = project(&tables, "where = \"rep_id <> 'B'\"", "goal = { quota = \"q\" }", floor);
    let of_a_and_c: Vec<String> =
        paid(&formula, "2027-01..2027-05").into_iter().filter(|row| !row.starts_with('B')).collect();
    assert_eq!(of_a_and_c, ["A 01 50.00", "A 02 50.00", "C 04 50.00", "C 05 50.00"]);
}

const TWO: &str = "rep_id\nA\nB\nM\n";

#[test]
fn shares_do_not_depend_on_how_other_rows_are_written() {
    let splits = "transaction_id,rep_id,share,type\nd1,A,50%,split\nd1,B,50%,split\nd1,M,40%,overlay\n";
    let sold = |more: &str| {
        format!("transaction_id,rep_id,event_date,amount,quantity\nd1,A,2027-01-05,8915,1\n{more}")
    };
    for more in ["", "d2,A,2027-02-05,100.5512,1\n"] {
        let sold = sold(more);
        let tables = [("reps", TWO), ("transactions", sold.as_str()), ("splits", splits)];
        let money = project(&tables, "to = \"splits\"", "", RATE);
        assert_eq!(paid(&money, "2027-01"), ["A 01 445.75", "B 01 445.75"], "{more}");
        for (to, expected) in [("splits", &["A 01 50.00", "B 01 50.00"][..]), ("overlays", &["M 01 40.00"])] {
            let credit = format!("amount = \"quantity\"\nto = \"{to}\"");
            let units = project(&tables, &credit, "", "pay = \"per-unit\"\nrate = \"100\"");
            assert_eq!(paid(&units, "2027-01"), expected, "{to} {more}");
        }
    }
}

#[test]
fn a_refund_is_shared_and_counted_as_its_sale() {
    let sold = "transaction_id,rep_id,event_date,amount,refund_of\nd1,A,2027-01-05,1000,\nd2,A,2027-01-06,500,\nr1,A,2027-01-20,-1000,d1\n";
    let splits = "transaction_id,rep_id,share\nd1,A,50%\nd1,B,50%\n";
    let tables = [("reps", TWO), ("transactions", sold), ("splits", splits)];
    for window in ["period", "transaction"] {
        let shared = project(&tables, "to = \"splits\"", &format!("window = \"{window}\""), RATE);
        assert_eq!(paid(&shared, "2027-01"), ["A 01 50.00"], "{window}");
    }
    let tables = [("reps", TWO), ("transactions", sold)];
    let counted = project(&tables, "", "aggregate = \"count\"", "pay = \"per-unit\"\nrate = \"250\"");
    assert_eq!(paid(&counted, "2027-01"), ["A 01 250.00"], "one of two is left");
}

#[test]
fn what_nobody_is_credited_with_is_listed() {
    let sold = "transaction_id,rep_id,event_date,amount,quantity\nd1,A,2027-01-05,1000,\nd2,A,2027-01-06,500,2\nd3,,2027-01-07,70,1\n";
    let people = "rep_id,manager_id\nA,M\nM,\n";
    let tables = [("reps", people), ("transactions", sold)];
    let empty = project(&tables, "amount = \"amount * quantity\"", "", RATE);
    let run = ["comp", "run", "--period", "2027-01", "--table", "unresolved", "--format", "csv"];
    let told = empty.run(&run).exits(0);
    assert!(
        told.stdout().contains("p,c,d1,,A,2027-01-05,,the amount of the credit is empty"),
        "{}",
        told.stdout()
    );
    assert!(
        told.stderr().contains("2 credit(s) of plan `p` have no payee or no amount"),
        "{}",
        told.stderr()
    );
    let managers = project(&tables, "to = \"managers\"\nof = \"rep\"", "", RATE);
    let told = managers.run(&run).exits(0).stdout();
    assert!(told.contains("p,c,d3,,,2027-01-07,70,no person on the transaction"), "{told}");
    assert_eq!(paid(&managers, "2027-01"), ["M 01 150.00"]);
}

#[test]
fn the_narrower_rate_applies_and_a_misspelt_one_never() {
    let sold = "transaction_id,rep_id,event_date,amount,currency\nd1,A,2027-03-05,1000,EUR\n";
    let head = "from_currency,to_currency,type,period,date,rate\n";
    let with = |rates: &str| {
        let rates = format!("{head}{rates}");
        project(&[("reps", TWO), ("transactions", sold), ("rates", rates.as_str())], "", "", RATE)
    };
    let narrow = with("EUR,USD,plan,2027-03,,1.20\nEUR,USD,plan,2027-Q1,,1.10\nEUR,USD,plan,,,1.00\n");
    assert_eq!(paid(&narrow, "2027-03"), ["A 03 120.00"]);
    let run = ["comp", "run", "--period", "2027-03"];
    let told = with("EUR,USD,plan,2027-13,,1.40\n");
    assert!(
        told.run(&run)
            .exits(3)
            .stderr()
            .contains("there is no rate of type `plan` from EUR to USD for 2027-03")
    );
    assert!(told.run(&["check"]).exits(1).stderr().contains("such as `2027-13`: they apply never"));
    let twice = with("EUR,USD,plan,,2027-03-01,1.10\nEUR,USD,plan,,2027-03-02,1.20\n");
    assert!(
        twice
            .run(&run)
            .exits(3)
            .stderr()
            .contains("two rates of type `plan` from EUR to USD are for the same time")
    );
    // Ten decimals, and millions.
    let sold = "transaction_id,rep_id,event_date,amount,currency\nd1,A,2027-03-05,5000000.00,EUR\nd2,A,2027-03-06,5000000.00,EUR\n";
    let rates = format!("{head}EUR,USD,plan,,,1.0869565217\n");
    let long = project(&[("reps", TWO), ("transactions", sold), ("rates", rates.as_str())], "", "", RATE);
    assert_eq!(paid(&long, "2027-03"), ["A 03 1086956.52"]);
}

#[test]
fn a_receipt_is_a_part_of_the_whole_order_in_every_run() {
    let sold =
        "transaction_id,line_id,rep_id,event_date,amount\nd1,1,A,2027-01-10,100\nd1,2,A,2027-02-10,900\n";
    let releases = "transaction_id,event,date,amount\nd1,cash,2027-01-20,100\n";
    let tables = [("reps", TWO), ("transactions", sold), ("releases", releases)];
    let held =
        project(&tables, "", "", &format!("{RATE}\nrelease = [{{ share = \"100%\", on = \"cash\" }}]"));
    // A tenth of the order was paid, so a tenth of January's 10.00 is released.
    assert_eq!(paid(&held, "2027-01"), ["A 01 1.00"]);
}

#[test]
fn the_pay_of_a_threshold_is_known_of_rates_only() {
    let tables = [("reps", TWO), ("transactions", SALES)];
    let component = "pay = \"formula\"\nsql = \"m * 0.05\"\nthreshold = { at = \"100%\", back_pay = false }";
    let refused = project(&tables, "", "goal = { amount = \"500\" }", component);
    assert!(refused.run(&["check"]).exits(1).stderr().contains("not of a formula or scorecard"));
}

#[test]
fn an_identifier_that_payroll_refuses_is_not_sealed() {
    let sold = "transaction_id,rep_id,event_date,amount\nd1,@jane,2027-01-05,1000\n";
    let project = project(&[("reps", "rep_id\n@jane\n"), ("transactions", sold)], "", "", RATE);
    assert!(project.run(&["check"]).exits(0).stderr().contains("`@jane` as a formula"));
    assert!(
        project
            .run(&["ledger", "post", "--period", "2027-01"])
            .exits(3)
            .stderr()
            .contains("before the period is posted")
    );
    project.run(&["ledger", "list"]).exits(3);
}

#[test]
fn what_cannot_be_printed_is_said_before_it_is_posted() {
    let project = project(&[("reps", TWO), ("transactions", SALES)], "", "", RATE);
    let post = ["ledger", "post", "--period", "2027-01", "-o", "jan.doc"];
    assert!(project.run(&post).exits(2).stderr().contains("cannot tell the format"));
    project.run(&["ledger", "list"]).exits(3);
    // With a number of threads it is the same process, so that whoever stops it stops all of it.
    project.run(&["--threads", "1", "ledger", "post", "--period", "2027-01"]).exits(0);
    project.run(&["ledger", "list"]).exits(0);
}

#[test]
fn a_team_shares_one_pool() {
    let pool = "pay = \"pool\"\namount = { column = \"fund\" }";
    let said = |funds: [&str; 3]| {
        let reps = format!("rep_id,fund\nA,{}\nB,{}\nC,{}\n", funds[0], funds[1], funds[2]);
        project(&[("reps", &reps), ("transactions", SALES)], "", "", pool)
    };
    // The amount may stand with any of them, or with all.
    for funds in [["", "900", ""], ["900", "900", "900"]] {
        let shares = ["A 01 300.00", "B 01 300.00", "C 01 300.00"];
        assert_eq!(paid(&said(funds), "2027-01"), shares, "{funds:?}");
    }
    let told = said(["900", "", "600"]).run(&["comp", "run", "--period", "2027-01"]).exits(3).stderr();
    assert!(told.contains("SPM412"), "{told}");
    assert!(told.contains("shares one pool in 2027-01, but it is 900 for A and 600 for C"), "{told}");
}

#[test]
fn an_explanation_says_the_rate_and_who_used_the_budget() {
    let sales = "transaction_id,rep_id,event_date,amount,currency\nd1,A,2027-01-05,1000,EUR\nd2,B,2027-01-06,1000,USD\n";
    let rates = "from_currency,to_currency,period,rate\nGBP,USD,2027-01,1.3\nEUR,USD,2027-01,1.1\n";
    let budget = &format!("{RATE}\nwindow = \"transaction\"\nbudget = \"150\"");
    let tables = [("reps", "rep_id\nA\nB\n"), ("transactions", sales), ("rates", rates)];
    let project =
        project(&tables, "", "window = \"transaction\"", &budget.replace("window = \"transaction\"\n", ""));
    assert_eq!(paid(&project, "2027-01"), ["A 01 110.00", "B 01 40.00"]);
    let of = |rep, deal| {
        let asked = ["comp", "explain", "--rep", rep, "--period", "2027-01", "--transaction", deal];
        project.run(&asked).exits(0).stdout()
    };
    let told = of("A", "d1");
    for line in [
        "transaction d1 in the currency of the plan",
        "amount (transactions.csv: row 1)",
        "rate of type `plan` from EUR to USD (rates.csv: row 2)",
        "left of the budget of 2027, the first to use it",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(of("B", "d2").contains("left of the budget of 2027 after d1 of A"), "{}", of("B", "d2"));
}

#[test]
fn refunds_leave_the_largest_smallest_and_average_of_what_is_left() {
    let with = |refunds: &str| {
        format!(
            "transaction_id,rep_id,event_date,amount,refund_of,kind\nd1,A,2027-01-05,1000,,sale\nd2,A,2027-01-06,500,,sale\nd3,A,2027-01-07,300,,sale\n{refunds}"
        )
    };
    let whole = "r1,A,2027-02-20,-1000,d1,return\n";
    let most = "r1,A,2027-02-20,-900,d1,return\n";
    let again = "r1,A,2027-02-20,-1000,d1,return\nr2,A,2027-02-21,1000,r1,return\n";
    for (aggregate, refunds, expected) in [
        ("largest", "", "100.00"),
        ("largest", whole, "50.00"),
        ("largest", most, "50.00"),
        ("largest", again, "100.00"),
        ("smallest", "", "30.00"),
        ("smallest", whole, "30.00"),
        ("smallest", most, "10.00"),
        ("average", whole, "40.00"),
        ("average", most, "30.00"),
    ] {
        let sold = with(refunds);
        let tables = [("reps", TWO), ("transactions", sold.as_str())];
        // In the month of the sale as it stands in February, and to date wherever a refund counts.
        let own = project(&tables, "", &format!("aggregate = \"{aggregate}\""), RATE);
        let january = format!("A 01 {expected}");
        assert_eq!(paid(&own, "2027-01..2027-02"), [january.as_str()], "{aggregate} {refunds}");
        for team in ["", "\nteam = \"all\""] {
            let measure = format!("aggregate = \"{aggregate}\"\nwindow = \"year-to-date\"{team}");
            let to_date = project(&tables, "", &measure, &format!("{RATE}\nevery = \"year\""));
            replaced(&to_date, "id = \"p\"", "id = \"p\"\nrefunds = \"current\"");
            let year = format!("A 12 {expected}");
            assert_eq!(paid(&to_date, "2027-01..2027-12")[0], year, "{aggregate} {refunds} {team}");
        }
    }
    // A month that only takes back what another one sold has nothing to average.
    let sold = with(whole);
    let tables = [("reps", TWO), ("transactions", sold.as_str())];
    let own = project(&tables, "", "aggregate = \"average\"", RATE);
    replaced(&own, "id = \"p\"", "id = \"p\"\nrefunds = \"current\"");
    assert_eq!(paid(&own, "2027-02"), Vec::<String>::new());
}

#[test]
fn a_refund_that_another_credit_has_is_counted_with_its_sale() {
    let sold = "transaction_id,rep_id,event_date,amount,refund_of,kind\nd1,A,2027-01-05,1000,,sale\nd2,A,2027-01-06,500,,sale\nr1,A,2027-01-20,-1000,d1,return\n";
    let tables = [("reps", TWO), ("transactions", sold)];
    for (aggregate, rate, expected) in
        [("count", "100", "A 01 100.00"), ("largest", "10%", "A 01 50.00"), ("smallest", "10%", "A 01 50.00")]
    {
        let own = project(
            &tables,
            "where = \"kind = 'sale'\"\n[[credit]]\nname = \"returns\"\nwhere = \"kind = 'return'\"",
            &format!("aggregate = \"{aggregate}\""),
            &format!("pay = \"per-unit\"\nrate = \"{rate}\""),
        );
        replaced(&own, "credits = [\"c\"]", "credits = [\"c\", \"returns\"]");
        assert_eq!(paid(&own, "2027-01"), [expected], "{aggregate}");
    }
}

/// A plan with a column `fund` of reps that is empty for B, who sold something.
fn without_fund(people: &str, component: &str) -> Project {
    project(&[("reps", people), ("transactions", SALES)], "", "", component)
}

#[test]
fn a_run_that_needs_an_empty_cell_stops() {
    let people = "rep_id,fund\nA,5\nB,\n";
    let run = ["comp", "run", "--period", "2027-01"];
    for component in [
        "pay = \"per-unit\"\nrate = { column = \"fund\" }",
        "pay = \"per-unit\"\nrate = { sql = \"fund / 100\" }",
        "pay = \"per-unit\"\nrate = \"1\"\nweight = { column = \"fund\" }",
        "pay = \"per-unit\"\nrate = \"1\"\ncap = { amount = { column = \"fund\" } }",
        "pay = \"fixed\"\nat = \"100\"\namount = { column = \"fund\" }",
        "pay = \"formula\"\nsql = \"m * fund\"",
    ] {
        let own = without_fund(people, component);
        let told = own.run(&run).exits(3).stderr();
        assert!(told.contains("SPM413") && told.contains("`fund` of B is empty"), "{component}: {told}");
        // Whoever sold nothing needs no rate; a formula is for everyone.
        let needs_none = !component.contains("formula");
        if needs_none {
            assert_eq!(
                paid(&without_fund("rep_id,fund\nA,\nB,5\n", component), "2027-02"),
                Vec::<String>::new()
            );
        }
        if component.contains("{ column") {
            own.file(
                "plans/p.toml",
                String::from_utf8(own.bytes("plans/p.toml"))
                    .expect("text")
                    .replace("\"fund\" }", "\"fund\", otherwise = \"0.5\" }"),
            );
            own.run(&run).exits(0);
        }
    }
    // A formula that pays nothing because it divides by zero says so.
    let divided = without_fund("rep_id,fund\nA,0\nB,0\n", "pay = \"formula\"\nsql = \"m / fund\"");
    let told = divided.run(&run).exits(0).stderr();
    assert!(told.contains("no value (NULL) for A, B, who are paid nothing"), "{told}");
    // Of a rate it is no answer.
    let divided =
        without_fund("rep_id,fund\nA,0\nB,0\n", "pay = \"per-unit\"\nrate = { sql = \"1 / fund\" }");
    assert!(divided.run(&run).exits(3).stderr().contains("the `sql` has no value (NULL) for B"));
    let stated = without_fund(people, "pay = \"per-unit\"\nrate = { amount = \"1\", otherwise = \"0\" }");
    assert!(stated.run(&["check"]).exits(1).stderr().contains("a stated amount is never empty"));
}

#[test]
fn a_transaction_without_the_number_of_its_rate_is_not_paid_nothing() {
    let sold = "transaction_id,rep_id,event_date,amount,quantity\nd1,A,2027-01-05,1000,\n";
    let rate = "pay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"lookup\", steps = [{ from = \"0\", rate = \"1%\" }, { from = \"5\", rate = \"2%\" }] }";
    let tables = [("reps", TWO), ("transactions", sold)];
    let looked =
        |lookup: &str| project(&tables, &format!("lookup = \"{lookup}\""), "window = \"transaction\"", rate);
    let told = looked("quantity").run(&["comp", "run", "--period", "2027-01"]).exits(3).stderr();
    assert!(told.contains("transaction d1 of A has no number to look its rate up with"), "{told}");
    assert_eq!(paid(&looked("COALESCE(quantity, 5)"), "2027-01"), ["A 01 20.00"]);
}

#[test]
fn nobody_is_alone_in_a_team_because_a_cell_is_empty() {
    let reps = "rep_id,region\nA,West\nB,\n";
    let run = ["comp", "run", "--period", "2027-01"];
    for (measure, component) in [
        ("", "pay = \"pool\"\namount = \"900\"\nteam = \"region\""),
        ("", "pay = \"rank\"\nprizes = [\"900\"]\nteam = \"region\""),
        ("team = \"region\"", RATE),
    ] {
        let own = project(&[("reps", reps), ("transactions", SALES)], "", measure, component);
        let told = own.run(&run).exits(3).stderr();
        assert!(told.contains("`region` of B is empty, so nobody knows their team"), "{component}: {told}");
    }
}

#[test]
fn what_counts_as_nothing_without_a_goal_or_a_hire_date_is_told() {
    let people = "rep_id,hire_date,fund\nB,,7\n";
    let run = ["comp", "run", "--period", "2027-01"];
    let told = |component: &str, more: &str| {
        let own = project(&[("reps", people), ("transactions", SALES)], "", "", component);
        replaced(&own, "[[component]]", &format!("{more}[[component]]"));
        own.run(&run).exits(0).stderr()
    };
    let goal = "[[measure]]\nname = \"g\"\ncredits = [\"c\"]\ngoal = { amount = \"0\" }\n";
    for component in [
        "pay = \"per-unit\"\nrate = \"1%\"\nmultiplier = [{ curve = { measure = \"g\", mode = \"step\", points = [{ at = \"0\", pay = \"1\" }] } }]",
        "pay = \"per-unit\"\nrate = \"1%\"\ngate = [{ measure = \"g\", at = \"0\" }]",
    ] {
        assert!(told(component, goal).contains("SPM401"), "{component}");
    }
    let said = told(RATE, "[guarantee]\namount = \"50\"\nmonths = 3\n");
    assert!(
        said.contains("B has no hire date, so the guarantee of the first 3 months never counts"),
        "{said}"
    );
    // Nobody sold anything, so nobody has a part in the pool.
    let own = project(
        &[("reps", people), ("transactions", SALES)],
        "",
        "",
        "pay = \"pool\"\namount = \"900\"\nby = \"measure\"",
    );
    let said = own.run(&["comp", "run", "--period", "2027-02"]).exits(0).stderr();
    assert!(said.contains("the pool of 2027-02 is paid to nobody"), "{said}");
}

#[test]
fn gates_come_before_caps_where_a_quarter_is_paid_once() {
    let sold = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,5000\nd2,A,2027-03-10,10000\n";
    let tables = [("reps", TWO), ("transactions", sold)];
    let measure = "window = \"quarter-to-date\"\ngoal = { amount = \"20000\", per = \"quarter\" }";
    let gate = "gate = { at = \"100%\", else = \"50%\" }\ncap = { amount = \"1000\" }\nevery = \"quarter\"";
    let once = project(&tables, "", measure, &format!("{RATE}\n{gate}"));
    assert_eq!(paid(&once, "2027-01..2027-03"), ["A 03 750.00"]);
}

#[test]
fn a_ramp_without_accelerators_leaves_out_bands_of_amounts_and_of_other_measures() {
    let sold = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,800\n";
    let people = "rep_id,hire_date\nA,2027-01-01\n";
    let tables = [("reps", people), ("transactions", sold)];
    let goal = "goal = { amount = \"1000\", ramp = \"r\" }";
    let ramp = "[[ramp]]\nname = \"r\"\nshares = [\"50%\"]\naccelerators = false";
    let amounts = "pay = \"fixed\"\ntiers = { on = \"attainment\", steps = [{ from = \"0%\", amount = \"0\" }, { from = \"80%\", amount = \"100\" }, { from = \"150%\", amount = \"500\" }] }";
    let fixed = project(&tables, "", goal, &format!("{amounts}\n{ramp}"));
    assert_eq!(paid(&fixed, "2027-01"), ["A 01 100.00"]);
    let other = "pay = \"per-unit\"\ntiers = { mode = \"whole\", measure = \"g\", on = \"attainment\", steps = [{ from = \"0%\", rate = \"5%\" }, { from = \"100%\", rate = \"10%\" }] }";
    let measures = format!("window = \"transaction\"\n[[measure]]\nname = \"g\"\ncredits = [\"c\"]\n{goal}");
    let looked_up = project(&tables, "", &measures, &format!("{other}\n{ramp}"));
    assert_eq!(paid(&looked_up, "2027-01"), ["A 01 40.00"]);
}

#[test]
fn a_split_of_an_unknown_type_is_a_fault_of_its_row() {
    let sold = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-05,1000\n";
    let splits = "transaction_id,rep_id,share,type\nd1,A,60%,Split\nd1,B,40%,split\n";
    let tables = [("reps", TWO), ("transactions", sold), ("splits", splits)];
    let said = project(&tables, "to = \"splits\"", "", RATE).run(&["check"]).exits(1).stderr();
    assert!(said.contains("SPM110") && said.contains("`Split` is no type of split"), "{said}");
}
