//! Quotas of several lines in one plan; faults at the clause that causes them; what `spm check` sees of quotas and managers.

use std::collections::BTreeMap;

use crate::project::Project;

const SPM: &str = r#"version = 1
name = "Acme"
currency = "USD"
calendar = { pattern = "quarters", start = 2026-01-01, years = 2 }
[sources.reps]
files = "reps.csv"
[sources.reps.columns]
rep_id = "rep_id"
manager_id = "manager_id"
region = { column = "region", type = "text" }
points = { column = "points", type = "number" }
[sources.transactions]
files = "deals.csv"
columns = { transaction_id = "id", rep_id = "rep", event_date = "date", amount = "amount", family = { column = "family", type = "text" } }
[sources.quotas]
files = "quotas.csv"
columns = { holder_id = "holder", period = "period", amount = "amount" }
"#;

const PLAN: &str = r#"version = 1
kind = "quotas"
id = "q"
method = "history"
levels = ["region"]
total = "700"

[history]
from = 2026-01-01
to = 2027-01-01

[[line]]
name = "hardware"
where = "family = 'hw'"

[[line]]
name = "software"
where = "family = 'sw'"

[[phasing]]
period = "2027-Q1"
weight = 2
[[phasing]]
period = "2027-Q2"
[[phasing]]
period = "2027-Q3"
"#;

/// A sold 60 and 40, B 50 and nothing, C nothing and 200.
fn acme(plan: &str) -> Project {
    let project = Project::new();
    project
        .file("spm.toml", SPM)
        .file("reps.csv", "rep_id,manager_id,region,points\nA,M,east,3\nB,M,east,1\nC,M,west,2\nM,,,\n")
        .file(
            "deals.csv",
            "id,rep,date,amount,family\n1,A,2026-01-05,60,hw\n2,A,2026-05-05,40,sw\n3,B,2026-08-05,50,hw\n4,C,2026-06-05,200,sw\n",
        )
        .file("quotas.csv", "holder,period,amount\nA,2026-Q1,40\n")
        .file("plans/q.toml", plan.replace("method =", "eligible = \"points > 0\"\nmethod ="));
    project
}

/// Years by measure and holder, after a check that lines add up to the whole, and children to their parents, in every period.
fn years(csv: &str) -> BTreeMap<(String, String), i64> {
    let mut years: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut sums: BTreeMap<[String; 3], (i64, i64)> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [holder, _, parent, measure, period, amount] = cells[..] else { panic!("{line}") };
        let amount: i64 =
            amount.strip_suffix(".00").and_then(|whole| whole.parse().ok()).expect("whole dollars");
        *years.entry((measure.to_owned(), holder.to_owned())).or_default() += amount;
        let text = |measure: &str, holder: &str| [measure.to_owned(), holder.to_owned(), period.to_owned()];
        sums.entry(text(measure, holder)).or_default().0 += amount;
        if !parent.is_empty() {
            sums.entry(text(measure, parent)).or_default().1 += amount;
        }
        if measure != "quota" {
            sums.entry([format!("lines of {holder}"), holder.to_owned(), period.to_owned()])
                .or_default()
                .1 += amount;
        } else {
            sums.entry([format!("lines of {holder}"), holder.to_owned(), period.to_owned()])
                .or_default()
                .0 += amount;
        }
    }
    for (key, (own, below)) in sums {
        let leaf = ["A", "B", "C"].contains(&key[1].as_str()) && !key[0].starts_with("lines of");
        assert!(leaf || own == below, "{key:?}: {own} is not {below}\n{csv}");
    }
    years
}

fn allocate(project: &Project) -> String {
    project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout()
}

#[track_caller]
fn shares(years: &BTreeMap<(String, String), i64>, measure: &str, expected: [i64; 6]) {
    let of = |holder: &str| years.get(&(measure.to_owned(), holder.to_owned())).copied().unwrap_or(-1);
    assert_eq!(["Acme", "east", "west", "A", "B", "C"].map(of), expected, "{measure}");
}

#[test]
fn lines_add_up_in_both_directions() {
    // 350 were sold, so every line doubles: hardware 110, software 240.
    let project = acme(PLAN);
    let own = years(&allocate(&project));
    shares(&own, "quota", [700, 300, 400, 200, 100, 400]);
    shares(&own, "hardware", [220, 220, 0, 120, 100, 0]);
    shares(&own, "software", [480, 80, 400, 80, 0, 400]);
    // A line with a total of its own leaves the rest to the other: 400 by 60 and 50; 300 by 40 and 200.
    let stated =
        PLAN.replace("name = \"software\"", "name = \"software\"\nmeasure = \"sw-2027\"\ntotal = \"300\"");
    let own = years(&allocate(&acme(&stated)));
    shares(&own, "quota", [700, 450, 250, 268, 182, 250]);
    shares(&own, "hardware", [400, 400, 0, 218, 182, 0]);
    shares(&own, "sw-2027", [300, 50, 250, 50, 0, 250]);
    // Growth by line, and no total: 110 x 1.5 and 240 x 1.1. A lock in one line: east has 15 of it.
    let grown = PLAN
        .replace("method = \"history\"", "growth = \"10%\"")
        .replace("total = \"700\"\n", "")
        .replace("name = \"hardware\"", "name = \"hardware\"\ngrowth = \"50%\"")
        .replace(
            "[[phasing]]\nperiod = \"2027-Q1\"",
            "[[lock]]\nholder = \"software / east\"\namount = \"15\"\n[[phasing]]\nperiod = \"2027-Q1\"",
        );
    let project = acme(&grown.replace("growth = \"10%\"", "method = \"growth\"\ngrowth = \"10%\""));
    let own = years(&allocate(&project));
    shares(&own, "hardware", [165, 165, 0, 90, 75, 0]);
    shares(&own, "software", [264, 15, 249, 15, 0, 249]);
    // Over-assignment of a line.
    let more = PLAN.replace("total =", "over_assignment = { line = \"10%\" }\ntotal =");
    let csv = allocate(&acme(&more));
    assert!(csv.contains("A,salesperson,east,hardware,2027-Q1,66.00\n"), "{csv}");
}

#[test]
fn lines_are_explained_and_adjusted() {
    let project = acme(PLAN);
    allocate(&project);
    let shown = project.run(&["-q", "quotas", "explain", "--holder", "A"]).exits(0).stdout();
    for words in [
        "quota of hardware / A: 120.00 USD",
        "quota of software / A: 80.00 USD",
        "share of hardware in Acme",
        "share of software / east in software",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let one =
        project.run(&["-q", "quotas", "explain", "--holder", "A", "--measure", "software"]).exits(0).stdout();
    assert!(one.contains("quota of software / A") && !one.contains("quota of hardware / A"), "{one}");
    let adjust = || {
        let arguments = ["-q", "quotas", "adjust", "--from", "2027-Q2", "--reason", "x", "--format", "csv"];
        project.run(&arguments).exits(0).stdout()
    };
    let kept = adjust();
    assert!(kept.lines().skip(1).all(|line| line.ends_with(",0,kept")), "nothing has happened:\n{kept}");
    // B is gone: A takes the hardware, and nothing else moves.
    project.file("reps.csv", "rep_id,manager_id,region,points\nA,M,east,3\nB,M,east,\nC,M,west,2\nM,,,\n");
    let changes = adjust();
    let row = |start: &str| changes.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert_eq!(row("A,salesperson,east,hardware,"), "A,salesperson,east,hardware,60,110,50,shared anew");
    assert_eq!(row("A,salesperson,east,software,"), "A,salesperson,east,software,40,40,0,kept");
    assert!(row("B,salesperson,east,hardware,").ends_with(",50,0,-50,left"), "{changes}");
    let file = project.run(&["data", "profile", "out/quotas/quotas.parquet"]).exits(0).stdout();
    assert!(file.contains("hardware") && file.contains("software") && file.contains("quota"), "{file}");
}

#[test]
fn faults_of_lines() {
    for (what, by, code, words) in [
        ("name = \"software\"", "name = \"hardware\"", "SPM009", "two lines are named `hardware`"),
        ("name = \"software\"", "name = \"soft / ware\"", "SPM008", "no slash between spaces"),
        (
            "name = \"software\"",
            "name = \"software\"\nmeasure = \"quota\"",
            "SPM009",
            "another quota of the plan is named `quota`",
        ),
        ("where = \"family = 'sw'\"", "", "SPM004", "line `software` needs `where`"),
        (
            "where = \"family = 'sw'\"",
            "where = \"family = 'sw'\"\nhistory = \"points\"",
            "SPM304",
            "`history` of a line goes with",
        ),
        (
            "where = \"family = 'sw'\"",
            "where = \"family = 'sw'\"\ntotal = \"-1\"",
            "SPM110",
            "`total` must be zero or more",
        ),
        (
            "where = \"family = 'sw'\"",
            "where = \"family = 'sw'\"\nbottom_up = \"points\"",
            "SPM304",
            "`bottom_up` of a line goes with a table [bottom_up]",
        ),
        (
            "where = \"family = 'sw'\"",
            "where = \"family = 'sw'\"\ngrowth = \"5%\"",
            "SPM304",
            "`growth` of a line goes with",
        ),
        (
            "[history]",
            "[bottom_up]\nvalue = \"points\"\n[history]",
            "SPM004",
            "line `hardware` needs `bottom_up`",
        ),
    ] {
        let project = acme(&PLAN.replace(what, by));
        let stderr = project.run(&["check"]).exits(1).stderr();
        assert!(stderr.contains(code) && stderr.contains(words), "{code} {words}:\n{stderr}");
    }
    let lost = acme(&PLAN.replace("family = 'sw'", "family = 'services'"));
    let stderr = lost.run(&["quotas", "allocate"]).exits(0).stderr();
    assert!(
        stderr.contains("SPM422") && stderr.contains("have a history of 110, all of it is 350"),
        "{stderr}"
    );
}

#[test]
fn lines_are_reconciled_with_what_people_carry_of_each() {
    // From above 220 of hardware and 480 of software; A carries 90 and 150, B 30 and 50, C 60 and 100. Half of the way.
    let plan = PLAN
        .replace("family = 'hw'\"", "family = 'hw'\"\nbottom_up = \"points * 30\"")
        .replace("family = 'sw'\"", "family = 'sw'\"\nbottom_up = \"points * 50\"")
        .replace("[history]", "[bottom_up]\nvalue = \"points\"\npolicy = \"meet\"\n\n[history]");
    let project = acme(&plan);
    let shown =
        project.run(&["-q", "quotas", "allocate", "--table", "reconciliation", "--format", "csv"]).exits(0);
    let shown = shown.stdout();
    for row in [
        "holder_id,level,parent_id,measure,top_down,bottom_up,gap,policy,quota",
        "Acme,company,,quota,700,480,220,meet 50%,590",
        "Acme,company,,hardware,220,180,40,meet 50%,200",
        "east,region,Acme,hardware,220,120,100,meet 50%,170",
        "A,salesperson,east,hardware,120,90,30,meet 50%,105",
        "C,salesperson,west,hardware,0,60,-60,meet 50%,30",
        "Acme,company,,software,480,300,180,meet 50%,390",
        "C,salesperson,west,software,400,100,300,meet 50%,250",
    ] {
        assert!(shown.lines().any(|line| line == row), "{row}:\n{shown}");
    }
    for from in ["2027-Q1", "2027-Q3"] {
        let changes =
            project.run(&["-q", "quotas", "adjust", "--from", from, "--reason", "none", "--format", "csv"]);
        let changes = changes.exits(0).stdout();
        assert!(changes.lines().skip(1).all(|line| line.ends_with(",0,kept")), "{changes}");
    }
    // What people carry is the quota, line by line.
    let project = acme(&plan.replace("\"meet\"", "\"bottom-up\""));
    let quotas = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
    let of = |holder: &str, measure: &str| -> f64 {
        let own = |line: &&str| {
            let cells: Vec<&str> = line.split(',').collect();
            cells[0] == holder && cells[3] == measure
        };
        let amounts = quotas.lines().filter(own).filter_map(|line| line.rsplit(',').next());
        amounts.map(|amount| amount.parse::<f64>().expect("a number")).sum()
    };
    assert_eq!(
        [of("A", "hardware"), of("A", "software"), of("A", "quota"), of("Acme", "quota")],
        [90.0, 150.0, 240.0, 480.0]
    );
}

/// A plan without lines, with more in it.
fn plain(top: &str, rest: &str) -> String {
    let lines = PLAN.split("[[line]]").next().unwrap_or_default();
    let phasing = if rest.contains("[[phasing]]") { "" } else { "[[phasing]]\nperiod = \"2027-Q1\"\n" };
    format!("{}{rest}\n{phasing}", lines.replace("levels =", &format!("{top}\nlevels =")))
}

#[test]
fn faults_stand_at_their_own_line() {
    let phase = |more: &str| format!("[[phasing]]\nperiod = \"2027-Q1\"\n{more}\n");
    let cases: Vec<(&str, String, &str, &str, &str)> = vec![
        ("", phase("weight = -1"), "SPM110", "a season weight must be zero or more", "weight = -1"),
        ("", phase("weight = 0"), "SPM110", "no period has a season weight above zero", "[[phasing]]"),
        ("", phase("like = [\"2026-Q1\"]"), "SPM304", "`like` goes with season", "like = "),
        ("", phase("hires = 1"), "SPM304", "`hires` goes with a table [capacity]", "hires = 1"),
        (
            "",
            format!("{}{}", phase(""), phase("")),
            "SPM009",
            "the period 2027-Q1 occurs twice",
            "period = \"2027-Q1\"",
        ),
        (
            "season = \"days\"",
            phase("weight = 2"),
            "SPM304",
            "season = \"days\" takes no `weight`",
            "weight = 2",
        ),
        ("holidays = [2027-01-01]", String::new(), "SPM304", "`holidays` go with", "holidays = "),
        (
            "proration = \"time\"\nramp = [\"150%\"]",
            String::new(),
            "SPM110",
            "a part of a ramp must be from 0% to 100%",
            "ramp = ",
        ),
        (
            "over_assignment = { region = \"-100%\" }",
            String::new(),
            "SPM110",
            "the over-assignment of `region` must be above -100%",
            "over_assignment",
        ),
        (
            "over_assignment = { regoin = \"5%\" }",
            String::new(),
            "SPM010",
            "no level `regoin`",
            "over_assignment",
        ),
        ("adjust = \"regoin\"", String::new(), "SPM010", "no level `regoin`", "adjust = "),
        (
            "floor = \"120%\"\ncap = \"90%\"",
            String::new(),
            "SPM304",
            "at least 120% and at most 90%",
            "floor = ",
        ),
        (
            "history_share = \"50%\"",
            String::new(),
            "SPM304",
            "`history_share` goes with method",
            "history_share = ",
        ),
        ("weight = \"points\"", String::new(), "SPM304", "`weight` goes with method", "weight = "),
        ("growth = \"10%\"", String::new(), "SPM304", "`growth` goes with method", "growth = "),
        (
            "",
            "[[lock]]\nholder = \"A\"\namount = \"-1\"\n".to_owned(),
            "SPM110",
            "a locked quota must be zero or more",
            "amount = \"-1\"",
        ),
        (
            "",
            "[bottom_up]\nvalue = \"points\"\nshare = \"50%\"\n".to_owned(),
            "SPM304",
            "`share` goes with policy",
            "share = ",
        ),
        (
            "",
            "[potential]\nvalue = \"points\"\nby = \"owner_id\"\n".to_owned(),
            "SPM304",
            "`by` goes with `accounts`",
            "by = ",
        ),
        ("", "[[phasing]]\nperiod = \"2027-Q9\"\n".to_owned(), "SPM012", "no period", "period = "),
        (
            "",
            "[[lock]]\nholder = \"Z\"\namount = \"1\"\n".to_owned(),
            "SPM010",
            "no holder of a quota is named `Z`",
            "holder = ",
        ),
    ];
    for (top, rest, code, words, line) in cases {
        let stderr = acme(&plain(top, &rest)).run(&["check"]).exits(1).stderr();
        let found = stderr.contains(code) && stderr.contains(words) && stderr.contains(line);
        assert!(found, "{code} {words} {line}:\n{stderr}");
    }
}

#[test]
fn limits_are_cited() {
    let number =
        |plan: &str, line: &str| plan.lines().position(|own| own == line).map(|at| at + 2).expect("the line");
    let infeasible = |top: &str, rest: &str, words: &str, lines: &[&str]| {
        let plan = plain(top, rest);
        let stderr = acme(&plan).run(&["quotas", "allocate"]).exits(4).stderr();
        assert!(stderr.contains("SPM501") && stderr.contains(words), "{words}:\n{stderr}");
        for line in lines {
            let place = format!("plans/q.toml:{}:", number(&plan, line));
            assert!(stderr.contains(&place) || stderr.contains(line), "{place}\n{stderr}");
        }
    };
    infeasible("cap = \"110%\"", "", "caps and locks take 385", &["cap = \"110%\"", "total = \"700\""]);
    infeasible("floor = \"250%\"", "", "floors and locks need 875", &["floor = \"250%\"", "total = \"700\""]);
    infeasible(
        "",
        "[[lock]]\nholder = \"A\"\namount = \"800\"\n",
        "floors and locks need 800",
        &["holder = \"A\""],
    );
    infeasible(
        "least = \"points * 100\"\nmost = \"points * 90\"",
        "",
        "must be at least 300 and at most 270",
        &["least = \"points * 100\"", "most = \"points * 90\""],
    );
    // The explanation names the key that binds, and where it stands.
    let plan = plain("floor = \"50%\"\nleast = \"points * 110\"", "");
    let shown = acme(&plan).run(&["-q", "quotas", "explain", "--holder", "A"]).exits(0).stdout();
    let place = number(&plan, "least = \"points * 110\"");
    assert!(
        shown.contains("floor by least: ") && shown.contains(&format!("[plans/q.toml:{place}]")),
        "{shown}"
    );
    // A cap between two units stops the rounding: east has 300, A exactly 200, which would be rounded to 220.
    let capped = plain("unit = \"80\"\nmost = \"CASE WHEN rep_id = 'A' THEN 205 ELSE 900 END\"", "");
    let parts = acme(&capped)
        .run(&["-q", "quotas", "allocate", "--table", "parts", "--format", "csv"])
        .exits(0)
        .stdout();
    let row = parts.lines().find(|line| line.starts_with("A,")).unwrap_or_default();
    assert!(row.starts_with("A,quota,205,") && row.contains(",cap,"), "{parts}");
    let refused =
        acme(&plan).run(&["quotas", "explain", "--holder", "A", "--format", "csv"]).exits(2).stderr();
    assert!(refused.contains("--format json"), "{refused}");
}

#[test]
fn check_sees_quotas_and_managers() {
    let project = acme(PLAN);
    project.file(
        "quotas.csv",
        "holder,period,amount\nA,2026-Q1,40\neast,2026-Q1,40\nAcme,2026-Q1,40\nZ,2026-Q1,9\nB,2026-Q7,9\nC,2026-Q2,-5\n",
    );
    let stderr = project.run(&["check"]).exits(1).stderr();
    for words in [
        "the quota of C is below zero",
        "quotas.csv: row 6",
        "the quota of B is in no period of the calendar",
        "1 holder(s) of quotas are neither in reps nor in the hierarchy of a quota plan, such as `Z`",
    ] {
        assert!(stderr.contains(words), "{words}:\n{stderr}");
    }
    let project = acme(PLAN);
    project.file(
        "reps.csv",
        "rep_id,manager_id,region,points\nA,M,east,3\nB,M,east,1\nC,C,west,2\nM,N,,\nN,M,,\n",
    );
    let stderr = project.run(&["check"]).exits(1).stderr();
    assert!(
        stderr.contains("SPM405")
            && stderr.contains("the managers above M lead back to M: M, who reports to N, who reports to M"),
        "{stderr}"
    );
    assert!(!stderr.contains("above C"), "who leads nobody but themselves has nobody above:\n{stderr}");
    acme(PLAN).run(&["check"]).exits(0);
}

#[test]
fn the_tables_of_the_guide_are_what_the_program_prints() {
    let page = std::fs::read_to_string(crate::project::root().join("docs/quotas.md")).expect("the guide");
    let plans: [(&str, &str); 8] = [
        ("`history`", "method = \"history\""),
        ("`growth`", "method = \"growth\"\ngrowth = \"10%\""),
        ("`equal`", "method = \"equal\""),
        ("`potential`", "method = \"potential\""),
        ("`history-and-potential`", "method = \"history-and-potential\""),
        ("`weighted-share`", "method = \"weighted-share\"\nhistory_share = \"30%\""),
        ("`last-quota`", "method = \"last-quota\"\nhistory_share = \"50%\""),
        ("`weight`", "method = \"weight\"\nweight = \"points\""),
    ];
    let mut seen = 0;
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [method, _, total, a, b, c] = cells[..] else { continue };
        let Some((_, plan)) = plans.iter().find(|(name, _)| method.split(',').next() == Some(*name)) else {
            continue;
        };
        let plain_total = total.replace(',', "");
        let stated =
            if total.starts_with('(') { String::new() } else { format!("total = \"{plain_total}\"\n") };
        let project = Project::new();
        project
            .file("spm.toml", "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2027-01-01, years = 1 }\n[sources.reps]\nfiles = \"reps.csv\"\n[sources.reps.columns]\nrep_id = \"id\"\nhistory = { column = \"history\", type = \"number\" }\npotential = { column = \"potential\", type = \"number\" }\nlast = { column = \"last\", type = \"number\" }\npoints = { column = \"points\", type = \"number\" }\n")
            .file("reps.csv", "id,history,potential,last,points\nA,100,500,100,3\nB,50,300,50,1\nC,200,200,200,2\n")
            .file(
                "plans/q.toml",
                format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{plan}\n{stated}[history]\nvalue = \"history\"\n[potential]\nvalue = \"potential\"\n[last_quota]\nvalue = \"last\"\n[[phasing]]\nperiod = \"2027-Q1\"\n"),
            );
        let csv = allocate(&project);
        let amount = |holder: &str| {
            let row = csv.lines().find(|line| line.starts_with(&format!("{holder},"))).unwrap_or_default();
            row.rsplit(',').next().unwrap_or_default().trim_end_matches(".00").to_owned()
        };
        assert_eq!([a, b, c].map(|own| own.replace(',', "")), ["A", "B", "C"].map(amount), "{line}");
        assert_eq!(plain_total.trim_matches(['(', ')']), amount("Acme"), "{line}");
        seen += 1;
    }
    assert_eq!(seen, plans.len());
}

#[test]
fn shares_and_increase_of_a_line_with_a_total_are_its_own() {
    const COLUMNS: &str = "version = 1\nname = \"Co\"\ncurrency = \"USD\"\ncalendar = { boundaries = [2027-01-01, 2028-01-01], names = [\"2027\"] }\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"rep_id\", hw = { column = \"hw\", type = \"number\" }, sw = { column = \"sw\", type = \"number\" }, ph = { column = \"ph\", type = \"number\" }, ps = { column = \"ps\", type = \"number\" } }\n";
    let cases = [
        // 500 + 100 x 5 / 20 and so on; 100 + 500 x 1 / 10.
        (
            "method = \"history-and-potential\"",
            ["525.00", "325.00", "250.00"],
            ["150.00", "500.00", "850.00"],
        ),
        // 1100 x (500 / 1000 + 5 / 20) / 2; 1500 x (100 / 1000 + 1 / 10) / 2.
        (
            "method = \"weighted-share\"\nhistory_share = \"50%\"",
            ["412.50", "302.50", "385.00"],
            ["150.00", "525.00", "825.00"],
        ),
    ];
    // Potential of software in another scale changes nothing.
    for (method, hardware, software) in cases {
        for software_potential in [[1, 4, 5], [1000, 4000, 5000]] {
            let [a, b, c] = software_potential;
            let project = Project::new();
            project.file("spm.toml", COLUMNS);
            project.file(
                "reps.csv",
                format!("rep_id,hw,sw,ph,ps\nA,500,100,5,{a}\nB,300,300,5,{b}\nC,200,600,10,{c}\n"),
            );
            project.file("plans/q.toml", format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{method}\ntotal = \"2600\"\nunit = \"0.01\"\n[history]\nvalue = \"hw\"\n[potential]\nvalue = \"ph\"\n[[line]]\nname = \"hw\"\ntotal = \"1100\"\nhistory = \"hw\"\npotential = \"ph\"\n[[line]]\nname = \"sw\"\ntotal = \"1500\"\nhistory = \"sw\"\npotential = \"ps\"\n[[phasing]]\nperiod = \"2027\"\n"));
            let csv = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
            for (line, amounts) in [("hw", hardware), ("sw", software)] {
                let of = |name: &str| {
                    let row = csv.lines().find(|row| {
                        row.starts_with(&format!("{name},")) && row.contains(&format!(",{line},"))
                    });
                    row.and_then(|row| row.split(',').next_back()).unwrap_or_default().to_owned()
                };
                assert_eq!([of("A"), of("B"), of("C")], amounts, "{csv}");
            }
            let explained = project.run(&["quotas", "explain", "--holder", "A"]).exits(0).stdout();
            assert!(explained.contains("share of potential"), "{explained}");
        }
    }
}
