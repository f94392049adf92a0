//! What a quota plan says of single holders and lines: over-assignment, limits, seasons; causes that faults name.

use crate::project::Project;

const SPM: &str = r#"version = 1
name = "Co"
currency = "USD"
calendar = { pattern = "quarters", start = 2026-01-01, years = 2 }
[sources.reps]
files = "reps.csv"
[sources.reps.columns]
rep_id = "id"
end_date = "end"
region = { column = "region", type = "text" }
points = { column = "points", type = "number" }
can = { column = "can", type = "number" }
[sources.transactions]
files = "deals.csv"
columns = { transaction_id = "id", rep_id = "rep", event_date = "date", amount = "amount", family = { column = "family", type = "text" } }
"#;

/// East has A and B, west C; a plan of one period unless it names others.
fn company(plan: &str) -> Project {
    let project = Project::new();
    let phasing = if plan.contains("[[phasing]]") { "" } else { "[[phasing]]\nperiod = \"2027-Q1\"\n" };
    project
        .file("spm.toml", SPM)
        .file("reps.csv", "id,end,region,points,can\nA,,east,100,130\nB,,east,100,90\nC,,west,200,150\n")
        .file(
            "deals.csv",
            "id,rep,date,amount,family\n1,A,2026-02-01,100,hw\n2,A,2026-02-01,250,sw\n3,A,2026-05-01,200,hw\n4,A,2026-05-01,250,sw\n\
             5,A,2026-08-01,200,hw\n6,A,2026-08-01,250,sw\n7,A,2026-11-01,500,hw\n8,A,2026-11-01,250,sw\n",
        )
        .file("plans/q.toml", format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{plan}\n{phasing}"));
    project
}

const BY_POINTS: &str = "method = \"weight\"\nweight = \"points\"\nlevels = [\"region\"]\ntotal = \"1200\"\n";

/// The amounts of a holder under a measure.
fn amounts(project: &Project, measure: &str, holder: &str) -> Vec<String> {
    let csv = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
    let own = csv.lines().filter(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        cells.first() == Some(&holder) && cells.get(3) == Some(&measure)
    });
    own.map(|row| row.rsplit(',').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_holder_has_an_over_assignment_of_its_own() {
    let project = company(&format!(
        "{BY_POINTS}over_assignment = {{ region = \"5%\" }}\nover_assignment_of = {{ east = \"10%\" }}\n"
    ));
    let of = |holder| amounts(&project, "quota", holder).concat();
    assert_eq!([of("Co"), of("east"), of("west")], ["1200.00", "600.00", "600.00"]);
    assert_eq!([of("A"), of("B"), of("C")], ["330.00", "330.00", "630.00"]);
    let parts =
        project.run(&["-q", "quotas", "allocate", "--table", "parts", "--format", "csv"]).exits(0).stdout();
    let compounded = |holder: &str| {
        let row = parts.lines().find(|row| row.starts_with(&format!("{holder},"))).unwrap_or_default();
        row.split(',').nth(11).unwrap_or_default().to_owned()
    };
    assert_eq!([compounded("A"), compounded("C")], ["1.1", "1.05"]);
    // What it comes to is rounded to the unit, as that of a level is.
    let coarse = company(&format!("{BY_POINTS}unit = \"100\"\nover_assignment_of = {{ east = \"9%\" }}\n"));
    assert_eq!([amounts(&coarse, "quota", "A"), amounts(&coarse, "quota", "B")], [["400.00"], ["300.00"]]);
    // Nobody changes when nothing happened.
    project.run(&["-q", "quotas", "adjust", "--from", "2027-Q1", "--reason", "none"]).exits(0);
}

#[test]
fn over_assignment_of_nobody_and_of_salespeople_is_refused() {
    let nobody = company(&format!("{BY_POINTS}over_assignment_of = {{ eats = \"10%\" }}\n"));
    assert!(nobody.run(&["check"]).exits(1).stderr().contains("did you mean `east`?"));
    let person = company(&format!("{BY_POINTS}over_assignment_of = {{ A = \"10%\" }}\n"));
    assert!(person.run(&["check"]).exits(1).stderr().contains("A is a salesperson and gives nothing out"));
}

#[test]
fn a_leader_may_carry_more_than_the_team() {
    let project = company(&format!("{BY_POINTS}over_assignment = {{ region = \"-10%\" }}\n"));
    let of = |holder| amounts(&project, "quota", holder).concat();
    assert_eq!(["Co", "east", "A", "B", "C"].map(of), ["1200.00", "600.00", "270.00", "270.00", "540.00"]);
    let why = project.run(&["quotas", "explain", "--holder", "C"]).exits(0).stdout();
    assert!(why.contains("over-assignment of all levels above, multiplied: -10%"), "{why}");
}

#[test]
fn what_is_given_out_is_the_rounded_product_where_some_amount_comes_to_it() {
    // C is all of west, with 15 % more: 735.65 x 1.15 = 845.9975, rounded 846; 735.66 would come to 846.01.
    let locked = |unit: &str, amount: &str| {
        let project = company(&format!(
            "{BY_POINTS}unit = \"{unit}\"\nover_assignment = {{ region = \"15%\" }}\n[[lock]]\nholder = \"C\"\namount = \"{amount}\"\n"
        ));
        ["Co", "west", "C"].map(|holder| amounts(&project, "quota", holder).concat())
    };
    assert_eq!(locked("0.01", "846"), ["1200.00", "735.65", "846.00"]);
    // With a coarse unit, what comes to a lock that is no whole unit comes to it in cents.
    assert_eq!(locked("100", "847.11"), ["1200.00", "736.62", "847.11"]);
    // 736.63 comes to 847.12 and 736.64 to 847.14, no amount to 847.13: the one just above stands.
    assert_eq!(locked("0.01", "847.13"), ["1200.00", "736.64", "847.13"]);
}

#[test]
fn what_is_said_of_one_holder_counts() {
    let told = |keys: &str| {
        let project = company(&format!("{BY_POINTS}{keys}"));
        let of = |holder| amounts(&project, "quota", holder).concat();
        (["A", "B", "C"].map(of), project.run(&["quotas", "allocate"]).exits(0).stderr())
    };
    let lock = "least = \"points * 2\"\nmost = \"points * 4\"\n[[lock]]\nholder = \"A\"\namount = \"100\"\n";
    let (amounts, stderr) = told(lock);
    assert_eq!(amounts, ["100.00", "400.00", "700.00"]);
    assert!(
        stderr.contains("warning[SPM427]: A is locked at 100, below the floor of 200 by `least`: what is said of one holder counts"),
        "{stderr}"
    );
    assert!(stderr.contains("holder = \"A\"") && stderr.contains("of one holder"), "{stderr}");
    assert!(stderr.contains("least = \"points * 2\"") && stderr.contains("of everybody"), "{stderr}");
    let limits = "least = \"points * 2\"\nmost = \"points * 4\"\n[[limit]]\nholder = \"A\"\nmost = \"100\"\n[[limit]]\nholder = \"B\"\nleast = \"450\"\n";
    let (amounts, stderr) = told(limits);
    assert_eq!(amounts, ["100.00", "450.00", "650.00"]);
    assert_eq!(stderr.matches("SPM427").count(), 2, "{stderr}");
    assert!(stderr.contains("B has at least 450, above the cap of 400 by `most`"), "{stderr}");
    // Two things said of one holder still have to agree.
    let both = "[[lock]]\nholder = \"A\"\namount = \"100\"\n[[limit]]\nholder = \"A\"\nleast = \"101\"\n";
    let stderr = company(&format!("{BY_POINTS}{both}")).run(&["quotas", "allocate"]).exits(4).stderr();
    assert!(stderr.contains("A: must be at least 101 and at most 100"), "{stderr}");
    let one = "[[limit]]\nholder = \"A\"\nleast = \"60\"\nmost = \"50\"\n";
    let stderr = company(&format!("{BY_POINTS}{one}")).run(&["quotas", "allocate"]).exits(3).stderr();
    assert!(stderr.contains("nobody can have at least 60 and at most 50"), "{stderr}");
    // The company's own limit is cited beside what there is to share.
    let top = "[[limit]]\nholder = \"Co\"\nmost = \"900\"\n";
    let stderr = company(&format!("{BY_POINTS}{top}")).run(&["quotas", "allocate"]).exits(4).stderr();
    assert!(stderr.contains("limit of Co") && stderr.contains("what there is to share"), "{stderr}");
}

/// In the middle of the year, period by period: what holders keep and what they give out.
#[test]
fn another_over_assignment_counts_in_the_open_periods() {
    let phasing = "[[phasing]]\nperiod = \"2027-Q1\"\n[[phasing]]\nperiod = \"2027-Q2\"\n";
    let plan = |over: &str| format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{BY_POINTS}{over}{phasing}");
    let over = |share: &str| format!("over_assignment = {{ region = \"{share}\" }}\n");
    let adjust = |project: &Project| {
        let arguments = ["-q", "quotas", "adjust", "--from", "2027-Q2", "--reason", "so", "--format", "csv"];
        let csv = project.run(&arguments).exits(0).stdout();
        let after = |line: &str| line.split(',').nth(5).unwrap_or_default().to_owned();
        csv.lines().skip(1).map(after).collect::<Vec<_>>().join(" ")
    };
    let project = company(&format!("{BY_POINTS}{phasing}"));
    project.run(&["-q", "quotas", "allocate"]).exits(0);
    // The company, east, A, B, west and C; regions keep what they have.
    project.file("plans/q.toml", plan(&over("10%")));
    assert_eq!(adjust(&project), "600 300 165 165 300 330");
    assert_eq!(adjust(&project), "600 300 165 165 300 330");
    project.file("reps.csv", "id,end,region,points,can\nB,,east,100,90\nC,,west,200,150\n");
    assert_eq!(adjust(&project), "600 300 330 300 330 0");
    project.file("plans/q.toml", plan(&over("-5%")));
    assert_eq!(adjust(&project), "600 300 285 300 285");
    project.file("plans/q.toml", plan("over_assignment = { company = \"20%\" }\n"));
    // What the company gives out is shared among the regions anew.
    assert_eq!(adjust(&project), "600 240 240 480 480");
    project.file("plans/q.toml", plan(""));
    assert_eq!(adjust(&project), "600 200 200 400 400");
}

#[test]
fn holders_above_salespeople_have_limits() {
    let project = company(&format!(
        "{BY_POINTS}[[limit]]\nholder = \"east\"\nleast = \"800\"\nnote = \"agreed with the board\"\n[[limit]]\nholder = \"A\"\nmost = \"350\"\n"
    ));
    let of = |holder| amounts(&project, "quota", holder).concat();
    assert_eq!([of("east"), of("west")], ["800.00", "400.00"]);
    assert_eq!([of("A"), of("B"), of("C")], ["350.00", "450.00", "400.00"]);
    let why = |holder| project.run(&["quotas", "explain", "--holder", holder]).exits(0).stdout();
    assert!(why("east").contains("floor by limit (agreed with the board): 200.00 USD"), "{}", why("east"));
    assert!(why("A").contains("cap by limit"), "{}", why("A"));
    // The clause is cited where limits leave no answer.
    let none = company(&format!(
        "{BY_POINTS}[[limit]]\nholder = \"east\"\nmost = \"500\"\n[[limit]]\nholder = \"west\"\nmost = \"500\"\n"
    ));
    let stderr = none.run(&["quotas", "allocate"]).exits(4).stderr();
    assert!(
        stderr.contains("Co: caps and locks take 1000, 200 less than 1200") && stderr.contains("limit of"),
        "{stderr}"
    );
    let idle = company(&format!("{BY_POINTS}[[limit]]\nholder = \"east\"\n"));
    assert!(idle.run(&["check"]).exits(1).stderr().contains("a limit needs `least` or `most`"));
    let negative = company(&format!("{BY_POINTS}[[limit]]\nholder = \"east\"\nleast = \"-1\"\n"));
    assert!(negative.run(&["check"]).exits(1).stderr().contains("a limit must be zero or more"));
}

/// Shares anew what a limit of this year no longer allows a region to keep.
#[test]
fn a_new_limit_counts_in_an_adjustment() {
    let phasing = "[[phasing]]\nperiod = \"2027-Q1\"\n[[phasing]]\nperiod = \"2027-Q2\"\n";
    let project = company(&format!("{BY_POINTS}{phasing}"));
    project.run(&["-q", "quotas", "allocate"]).exits(0);
    let limit = "[[limit]]\nholder = \"west\"\nmost = \"500\"\n";
    project.file(
        "plans/q.toml",
        format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{BY_POINTS}{limit}{phasing}"),
    );
    let csv = project
        .run(&["-q", "quotas", "adjust", "--from", "2027-Q2", "--reason", "west", "--format", "csv"])
        .exits(0)
        .stdout();
    let after = |holder: &str| {
        let row = csv.lines().find(|row| row.starts_with(&format!("{holder},"))).unwrap_or_default();
        row.split(',').nth(5).unwrap_or_default().to_owned()
    };
    // West has 300 already, so 200 are left of its 500.
    assert_eq!([after("west"), after("east"), after("Co")], ["200", "400", "600"], "{csv}");
}

#[test]
fn lines_have_a_season_of_their_own() {
    let phasing: String = (1..=4)
        .map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\nlike = [\"2026-Q{quarter}\"]\n"))
        .collect();
    let plan = |keys: &str| {
        company(&format!(
            "method = \"history\"\neligible = \"rep_id = 'A'\"\ntotal = \"2000\"\nseason = \"history\"\n{keys}[history]\nfrom = 2026-01-01\nto = 2027-01-01\n\
             [[line]]\nname = \"hw\"\nwhere = \"family = 'hw'\"\n[[line]]\nname = \"sw\"\nwhere = \"family = 'sw'\"\n{phasing}"
        ))
    };
    let project = plan("");
    assert_eq!(amounts(&project, "hw", "A"), ["100.00", "200.00", "200.00", "500.00"]);
    assert_eq!(amounts(&project, "sw", "A"), ["250.00"; 4]);
    assert_eq!(amounts(&project, "quota", "Co"), ["350.00", "450.00", "450.00", "750.00"]);
    let explained = project.run(&["quotas", "explain", "--holder", "A", "--measure", "hw"]).exits(0).stdout();
    assert!(explained.contains("2027-Q4  500     100%   500"), "{explained}");
    // Over-assignment of the line follows its season as well.
    let more = plan("over_assignment = { line = \"10%\" }\n");
    assert_eq!(amounts(&more, "hw", "Co"), ["100.00", "200.00", "200.00", "500.00"]);
    assert_eq!(amounts(&more, "hw", "A"), ["110.00", "220.00", "220.00", "550.00"]);
    // Stated ones, in the order of the phasing.
    let stated = |weights: &str| {
        company(&format!(
            "method = \"history\"\neligible = \"rep_id = 'A'\"\ntotal = \"2000\"\n[history]\nfrom = 2026-01-01\nto = 2027-01-01\n\
             [[line]]\nname = \"hw\"\nwhere = \"family = 'hw'\"\nseason = {weights}\n[[line]]\nname = \"sw\"\nwhere = \"family = 'sw'\"\n\
             [[phasing]]\nperiod = \"2027-Q1\"\n[[phasing]]\nperiod = \"2027-Q2\"\n"
        ))
    };
    assert_eq!(amounts(&stated("[1, 4]"), "hw", "A"), ["200.00", "800.00"]);
    assert_eq!(amounts(&stated("[1, 4]"), "sw", "A"), ["500.00"; 2]);
    assert!(
        stated("[1]")
            .run(&["check"])
            .exits(1)
            .stderr()
            .contains("line `hw` has 1 season weights for 2 periods")
    );
    assert!(
        stated("[0, 0]").run(&["check"]).exits(1).stderr().contains("must be zero or more, and one above")
    );
    // An adjustment that shares everything anew keeps to the seasons.
    let anew = plan("adjust = \"company\"\n");
    anew.run(&["-q", "quotas", "allocate"]).exits(0);
    anew.run(&["-q", "quotas", "adjust", "--from", "2027-Q2", "--reason", "none"]).exits(0);
    let stands = anew
        .run(&["-q", "quotas", "explain", "--holder", "A", "--measure", "hw", "--format", "json"])
        .exits(0)
        .stdout();
    assert!(stands.contains("\"amount\": \"500\""), "{stands}");
}

#[test]
fn reconciliation_has_numbers_only() {
    let project = company(
        "method = \"weight\"\nweight = \"points\"\nlevels = [\"region\"]\ntotal = \"480\"\nover_assignment = { company = \"20%\" }\n\
         [bottom_up]\nvalue = \"can\"\n",
    );
    let csv = project
        .run(&["-q", "quotas", "allocate", "--table", "reconciliation", "--format", "csv"])
        .exits(0)
        .stdout();
    // 370 / 1.2 in cents, and a gap that is the difference of the two that are printed.
    assert!(csv.contains("Co,company,,quota,480,308.33,171.67,show,480"), "{csv}");
    assert!(!csv.contains('≈'), "{csv}");
}

#[test]
fn where_nobody_has_a_weight_the_cause_is_named() {
    let refused = |project: &Project, words: &str| {
        let stderr = project.run(&["quotas", "allocate"]).exits(4).stderr();
        assert!(stderr.contains(words), "{words}\n{stderr}");
    };
    let gone = company(&format!("{BY_POINTS}proration = \"time\"\n"));
    gone.file("reps.csv", "id,end,region,points,can\nA,2026-01-01,east,1,1\nB,2026-06-01,east,1,1\n");
    refused(&gone, "Co: 1200 is left, but nobody below it is there in any of the periods");
    let outside =
        company("method = \"history\"\ntotal = \"200\"\n[history]\nfrom = 2025-01-01\nto = 2026-01-01\n");
    refused(&outside, "Co: 200 is left, but nobody below it has a history in its days");
    let weightless = company("method = \"weight\"\nweight = \"points * 0\"\ntotal = \"200\"\n");
    refused(&weightless, "Co: 200 is left, but the weight of everybody below it is 0");
}
