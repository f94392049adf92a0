//! Quotas that come from below, and half of the way: limits, locks, totals of lines, over-assignment, and the middle of the
//! year. Every expected amount is calculated by hand.

use crate::project::Project;

const SPM: &str = r#"version = 1
name = "Co"
currency = "USD"
calendar = { pattern = "quarters", start = 2027-01-01, years = 1 }
[sources.reps]
files = "reps.csv"
columns = { rep_id = "id", region = { column = "region", type = "text" }, can = { column = "can", type = "number" }, other = { column = "other", type = "number" }, points = { column = "points", type = "number" }, last = { column = "last", type = "number" } }
"#;

/// East has A and B, west C, who can carry 20, 30 and 50.
fn company(keys: &str) -> Project {
    let project = Project::new();
    project.file("spm.toml", SPM).file(
        "reps.csv",
        "id,region,can,other,points,last\nA,east,20,100,1,19\nB,east,30,100,2,30\nC,west,50,0,0,60\n",
    );
    plan(&project, keys);
    project
}

fn plan(project: &Project, keys: &str) {
    let quarters = keys.contains("# quarters");
    let phasing: String = (1..=if quarters { 4 } else { 1 })
        .map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\n"))
        .collect();
    project.file("plans/q.toml", format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{keys}\n{phasing}"));
}

/// Years by holder, such as `Co 100, A 20`, of one measure.
fn years(project: &Project, measure: &str) -> String {
    let csv = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
    let mut years: Vec<String> = vec![];
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[3] == measure {
            let amount = cells[5].trim_end_matches('0').trim_end_matches('.');
            years.push(format!("{} {amount}", cells[0]));
        }
    }
    years.join(", ")
}

const BELOW: &str = "[bottom_up]\nvalue = \"can\"\npolicy = \"bottom-up\"\n";

#[test]
fn everybody_has_the_own_amount_within_the_own_limits() {
    let cases = [
        // What a lock, a cap or a floor of one changes is nobody else's.
        ("", "[[lock]]\nholder = \"A\"\namount = 10\n", "Co 90, east 40, A 10, B 30, west 50, C 50"),
        ("most = \"40\"\n", "", "Co 90, east 50, A 20, B 30, west 40, C 40"),
        ("least = \"25\"\n", "", "Co 105, east 55, A 25, B 30, west 50, C 50"),
        // What a limit of a holder above changes is shared by those below it, within their own limits.
        ("", "[[limit]]\nholder = \"east\"\nmost = 40\n", "Co 90, east 40, A 16, B 24, west 50, C 50"),
        (
            "",
            "[[limit]]\nholder = \"east\"\nmost = 40\n[[lock]]\nholder = \"A\"\namount = 10\n",
            "Co 90, east 40, A 10, B 30, west 50, C 50",
        ),
        ("", "[[limit]]\nholder = \"east\"\nleast = 100\n", "Co 150, east 100, A 40, B 60, west 50, C 50"),
        ("", "[[lock]]\nholder = \"Co\"\namount = 50\n", "Co 50, east 25, A 10, B 15, west 25, C 25"),
        // Each amount is rounded to the unit, and the company has the sum.
        ("unit = \"20\"\n", "", "Co 120, east 60, A 20, B 40, west 60, C 60"),
        // A quota that would change by less than a tenth stands, and the sum is another.
        (
            "minimum_change = \"10%\"\n",
            "[last_quota]\nvalue = \"last\"\n",
            "Co 99, east 49, A 19, B 30, west 50, C 50",
        ),
    ];
    for (top, rest, expected) in cases {
        let project = company(&format!("levels = [\"region\"]\n{top}{BELOW}{rest}"));
        assert_eq!(years(&project, "quota"), expected, "{top}{rest}");
    }
    // Over-assignment is taken out on the way up: 50 / 1.1 and 50 / 1.1, and everybody has the own amount.
    let over = company(&format!(
        "levels = [\"region\"]\nover_assignment = {{ region = \"10%\" }}\n{BELOW}[[lock]]\nholder = \"C\"\namount = 55\n"
    ));
    assert_eq!(years(&over, "quota"), "Co 95, east 45, A 20, B 30, west 50, C 55");
    let why = company(&format!("levels = [\"region\"]\nmost = \"40\"\n{BELOW}"));
    let why = why.run(&["quotas", "explain", "--holder", "C"]).exits(0).stdout();
    assert!(why.contains("cap by most") && why.contains("50 from below, within its limits"), "{why}");
}

#[test]
fn a_total_is_what_comes_from_above() {
    let lines = "[[line]]\nname = \"x\"\nbottom_up = \"can\"\ntotal = 60\n[[line]]\nname = \"y\"\nbottom_up = \"can\"\n";
    let project = company(&format!("total = 300\nmethod = \"equal\"\n{BELOW}{lines}"));
    assert_eq!(years(&project, "x"), "Co 100, A 20, B 30, C 50");
    assert_eq!(years(&project, "y"), "Co 100, A 20, B 30, C 50");
    let shown = |project: &Project| {
        let table = ["-q", "quotas", "allocate", "--table", "reconciliation", "--format", "csv"];
        project.run(&table).exits(0).stdout()
    };
    let table = shown(&project);
    for row in [
        "Co,company,,quota,300,200,100,bottom-up,200",
        "Co,company,,x,60,100,-40,bottom-up,100",
        "C,salesperson,Co,y,80,50,30,bottom-up,50",
    ] {
        assert!(table.lines().any(|line| line == row), "{row}\n{table}");
    }
    // Without an answer from above there is nothing to compare with, and everybody has the own amount all the same.
    let capped = company(&format!("total = 300\nmethod = \"equal\"\nmost = \"60\"\n{BELOW}"));
    assert_eq!(years(&capped, "quota"), "Co 100, A 20, B 30, C 50");
    let told = capped.run(&["quotas", "allocate"]).exits(0).stderr();
    assert!(
        told.contains("warning[SPM501]: nothing to compare with from above: Co: caps and locks take 180"),
        "{told}"
    );
    assert!(shown(&capped).contains("Co,company,,quota,,100,,bottom-up,100"));
}

#[test]
fn lines_meet_what_comes_from_above() {
    // Of hw 300 from above, by 1 and 2, and 140 and 100 from below: half of the way 120 and 150. Of sw 200 and 100 beside 100
    // and 100: 150 and 100.
    let lines = |of_sw: &str| {
        format!(
            "total = 600\nunit = \"0.01\"\nmethod = \"weight\"\nweight = \"points\"\neligible = \"can < 50\"\n\
             [bottom_up]\nvalue = \"can\"\npolicy = \"meet\"\n\
             [[line]]\nname = \"hw\"\ntotal = 300\nbottom_up = \"180 - 2 * can + points * 0 + CASE WHEN rep_id = 'B' THEN -20 ELSE 0 END\"\n\
             [[line]]\nname = \"sw\"\nweight = \"3 - points\"\nbottom_up = \"other\"\n{of_sw}"
        )
    };
    for of_sw in ["", "total = 300\n"] {
        let project = company(&lines(of_sw));
        assert_eq!(years(&project, "hw"), "Co 270, A 120, B 150", "{of_sw}");
        assert_eq!(years(&project, "sw"), "Co 250, A 150, B 100", "{of_sw}");
        assert_eq!(years(&project, "quota"), "Co 520, A 270, B 250", "{of_sw}");
    }
    // A changed total of a line counts in the middle of the year, though all together have what they had.
    let quarters = |hw: &str, sw: &str| {
        lines(&format!("total = {sw}\n# quarters\n")).replace("total = 300", &format!("total = {hw}"))
    };
    let project = company(&quarters("300", "300"));
    project.run(&["-q", "quotas", "allocate"]).exits(0);
    plan(&project, &quarters("340", "260"));
    let arguments = ["-q", "quotas", "adjust", "--from", "2027-Q3", "--reason", "hw", "--format", "csv"];
    let changes = project.run(&arguments).exits(0).stdout();
    let after = |measure: &str| {
        let own = |line: &&str| line.starts_with(&format!("Co,company,,{measure},"));
        changes.lines().find(own).and_then(|line| line.split(',').nth(5)).unwrap_or_default().to_owned()
    };
    // 20 more of the year, in two quarters of four.
    assert_eq!([after("quota"), after("hw"), after("sw")], ["260", "145", "115"], "{changes}");
}

#[test]
fn holders_above_weigh_what_those_below_them_do() {
    let project = company(
        "levels = [\"region\"]\ntotal = 300\nmethod = \"weight\"\nweight = \"points + 1\"\nover_assignment = { region = \"20%\" }\n\
         [bottom_up]\nvalue = \"can\"\npolicy = \"meet\"\n",
    );
    // From above east 250, A 120, B 180, west 50, C 60; from below 20, 30 and 50: 70, 105 and 55, so east 175 / 1.2, west 55 / 1.2.
    let parts =
        project.run(&["-q", "quotas", "allocate", "--table", "parts", "--format", "csv"]).exits(0).stdout();
    let weight = |holder: &str| {
        let row = parts.lines().find(|row| row.starts_with(&format!("{holder},"))).unwrap_or_default();
        row.split(',').nth(9).unwrap_or_default().to_owned()
    };
    assert_eq!(["A", "B", "C", "east", "west"].map(weight), ["70", "105", "55", "875/6", "275/6"], "{parts}");
}

#[test]
fn the_middle_of_the_year_changes_nobody_else() {
    let keys = |rest: &str| format!("levels = [\"region\"]\nunit = \"0.01\"\n{BELOW}{rest}# quarters\n");
    let adjusted = |project: &Project| {
        let arguments =
            ["-q", "quotas", "adjust", "--from", "2027-Q3", "--reason", "it is so", "--format", "csv"];
        let changes = project.run(&arguments).exits(0).stdout();
        let of = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{} {}", cells[0], cells[5])
        };
        changes.lines().skip(1).map(of).collect::<Vec<_>>().join(", ")
    };
    let project = company(&keys(""));
    project.run(&["-q", "quotas", "allocate"]).exits(0);
    // A has 10 already, so 4 are left of 14.
    plan(&project, &keys("[[lock]]\nholder = \"A\"\namount = 14\n"));
    assert_eq!(adjusted(&project), "Co 44, east 19, A 4, B 15, west 25, C 25");
    plan(&project, &keys("[[limit]]\nholder = \"east\"\nmost = 40\n"));
    // East has 25 already; A brings 10 and B 15.
    assert_eq!(adjusted(&project), "Co 40, east 15, A 6, B 9, west 25, C 25");
    // Who carries much less than closed periods have pays nothing back.
    plan(&project, &keys(""));
    project.file(
        "reps.csv",
        "id,region,can,other,points,last\nA,east,2,1,1,1\nB,east,2,1,1,1\nC,west,4,1,1,1\n",
    );
    assert_eq!(adjusted(&project), "Co 4, east 2, A 1, B 1, west 2, C 2");
}
