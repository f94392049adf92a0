//! `spm quotas` as users see it: methods, limits, seasons, people over time, hierarchies, bottom-up, adjustments. Every
//! expected amount is calculated by hand.

use crate::project::{Project, Ran};

const SPM: &str = r#"version = 1
name = "Acme"
currency = "USD"
calendar = { pattern = "quarters", start = 2026-01-01, years = 2 }
[sources.reps]
files = "reps.csv"
[sources.reps.columns]
rep_id = "rep_id"
manager_id = "manager_id"
hire_date = "hire_date"
end_date = "end_date"
region = { column = "region", type = "text" }
points = { column = "points", type = "number" }
last = { column = "last", type = "number" }
most = { column = "most", type = "number" }
carry = { column = "carry", type = "number" }
[sources.transactions]
files = "deals.csv"
columns = { transaction_id = "id", rep_id = "rep", account_id = "account", event_date = "date", amount = "amount" }
[sources.accounts]
files = "accounts.csv"
columns = { account_id = "id", owner_id = "owner", market = { column = "market", type = "number" } }
[sources.leaves]
files = "leaves.csv"
columns = { rep_id = "rep", from = "from", to = "to", relief = "relief" }
[sources.hierarchy]
files = "hierarchy.csv"
columns = { rep_id = "rep", manager_id = "manager", from = "from", to = "to" }
[sources.quotas]
files = "last.csv"
columns = { holder_id = "holder", period = "period", amount = "amount" }
"#;

const REPS: &str = "rep_id,manager_id,region,hire_date,end_date,points,last,most,carry
A,M,east,2020-01-01,,3,100,,110
B,M,east,2027-04-01,,1,50,,60
C,N,west,2020-01-01,,2,200,150,180
M,N,east,2020-01-01,,,,,
N,,west,2020-01-01,,,,,
";

const PHASING: &str = "[[phasing]]
period = \"2027-Q1\"
[[phasing]]
period = \"2027-Q2\"
[[phasing]]
period = \"2027-Q3\"
[[phasing]]
period = \"2027-Q4\"
";

/// Acme with this plan: `top` before its tables, `rest` after; four equal quarters unless the rest has phasing.
fn acme(top: &str, rest: &str) -> Project {
    let phasing = if rest.contains("[[phasing]]") { "" } else { PHASING };
    let project = Project::new();
    project
        .file("spm.toml", SPM)
        .file("reps.csv", REPS)
        .file(
            "deals.csv",
            "id,rep,account,date,amount\n1,A,x,2026-01-05,60\n2,A,x,2026-05-05,40\n3,B,y,2026-08-05,50\n4,C,z,2026-06-05,100\n5,C,z,2026-12-05,100\n",
        )
        .file("accounts.csv", "id,owner,market\nx,A,500\ny,B,300\nz,C,200\n")
        .file("leaves.csv", "rep,from,to,relief\n")
        .file("hierarchy.csv", "rep,manager,from,to\nA,M,,\nB,M,,2027-07-01\nB,N,2027-07-01,\nC,N,,\nM,N,,\n")
        .file("last.csv", "holder,period,amount\nA,2026-Q1,40\nA,2026-Q2,60\nB,2026-Q4,50\nC,2026-Q1,200\n")
        .file(
            "plans/q.toml",
            format!("version = 1\nkind = \"quotas\"\nid = \"q\"\neligible = \"points > 0\"\n{top}\n{rest}\n{phasing}"),
        );
    project
}

const SOLD: &str = "[history]\nfrom = 2026-01-01\nto = 2027-01-01\n";

fn allocate(project: &Project) -> Ran {
    project.run(&["-q", "quotas", "allocate", "--format", "csv"])
}

/// Years of the holders of a level, such as `A 300, B 100`.
fn years(csv: &str, level: &str) -> String {
    let mut years: Vec<(String, i64)> = Vec::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let amount =
            cells[5].split('.').next().and_then(|whole| whole.parse::<i64>().ok()).expect("an amount");
        if cells[1] != level {
            continue;
        }
        match years.last_mut() {
            Some((holder, sum)) if holder == cells[0] => *sum += amount,
            _ => years.push((cells[0].to_owned(), amount)),
        }
    }
    years.iter().map(|(holder, sum)| format!("{holder} {sum}")).collect::<Vec<_>>().join(", ")
}

/// Periods of one holder.
fn periods(csv: &str, holder: &str) -> Vec<String> {
    let rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>()).filter(|cells| cells[0] == holder);
    rows.map(|cells| cells[5].to_owned()).collect()
}

#[track_caller]
fn gives(top: &str, rest: &str, expected: &str) -> String {
    let csv = allocate(&acme(top, rest)).exits(0).stdout();
    assert_eq!(years(&csv, "salesperson"), expected);
    csv
}

#[test]
fn every_method() {
    let potential = "[potential]\naccounts = \"market\"\n";
    gives("method = \"history\"\ntotal = \"700\"", SOLD, "A 200, B 100, C 400");
    gives("growth = \"10%\"", SOLD, "A 110, B 55, C 220");
    // 350 x 1.1 = 385; A grows by half: 150 + 55 + 220 = 425.
    gives("growth = \"10%\"\ngrowth_of = { A = \"50%\" }\ntotal = \"425\"", SOLD, "A 150, B 55, C 220");
    gives("method = \"equal\"\ntotal = \"300\"", "", "A 100, B 100, C 100");
    gives("method = \"potential\"\ntotal = \"100\"", potential, "A 50, B 30, C 20");
    gives("method = \"weight\"\nweight = \"points\"\ntotal = \"600\"", "", "A 300, B 100, C 200");
    // The increase of 100 by market: 100 + 50, 50 + 30, 200 + 20.
    let both = format!("{SOLD}{potential}");
    gives("method = \"history-and-potential\"\ntotal = \"450\"", &both, "A 150, B 80, C 220");
    // 0.3 x history + 0.7 x market: A .3 x 2/7 + .35 = .4357, B .3/7 + .21 = .2529, C .3 x 4/7 + .14 = .3114.
    gives(
        "method = \"weighted-share\"\nhistory_share = \"30%\"\ntotal = \"7000\"",
        &both,
        "A 3050, B 1770, C 2180",
    );
    // Half of history and half of what the quota was: C 200 and 200, A 100 and 100, B 50 and 50.
    gives(
        "method = \"last-quota\"\nhistory_share = \"50%\"\ntotal = \"700\"",
        &format!("{SOLD}[last_quota]\nperiods = [\"2026\"]\n"),
        "A 200, B 100, C 400",
    );
}

#[test]
fn limits_locks_and_small_changes() {
    let last = "[last_quota]\nvalue = \"last\"\n";
    gives("method = \"history\"\ntotal = \"700\"\nmost = \"most\"", SOLD, "A 367, B 183, C 150");
    gives(
        "method = \"weight\"\nweight = \"points\"\ntotal = \"360\"\nhold_harmless = \"10%\"",
        last,
        // By points 180, 60, 120; C keeps 90 % of 200, the others share 180 by 3 and 1.
        "A 135, B 45, C 180",
    );
    gives(
        "method = \"history\"\ntotal = \"350\"",
        &format!("{SOLD}[[lock]]\nholder = \"C\"\namount = \"150\"\nnote = \"agreed\"\n"),
        "A 133, B 67, C 150",
    );
    // By points 175, 58, 117: B would change by less than a fifth, so it stays at 50.
    gives(
        "method = \"weight\"\nweight = \"points\"\ntotal = \"350\"\nminimum_change = \"20%\"",
        last,
        "A 180, B 50, C 120",
    );
    // Everybody would change too little and somebody has to take the 12: who would change most does.
    let text = format!("{SOLD}{last}");
    gives("method = \"history\"\ntotal = \"362\"\nminimum_change = \"10%\"", &text, "A 100, B 50, C 212");
}

#[test]
fn people_over_time() {
    let by_points = "method = \"weight\"\nweight = \"points\"\nproration = \"time\"\n";
    // B starts with the second quarter: three quarters of a point.
    let csv = gives(&format!("{by_points}total = \"575\""), "", "A 300, B 75, C 200");
    assert_eq!(periods(&csv, "B"), ["0.00", "25.00", "25.00", "25.00"]);
    // With all of the year B would carry 100: 25 is the gap of B, and of the company.
    let parts = acme(&format!("{by_points}total = \"575\""), "");
    let parts =
        parts.run(&["-q", "quotas", "allocate", "--table", "parts", "--format", "csv"]).exits(0).stdout();
    let gap = |holder: &str| {
        let line = parts.lines().find(|line| line.starts_with(&format!("{holder},"))).expect("a row");
        line.split(',').nth(12).map(str::to_owned)
    };
    assert_eq!(
        [gap("Acme"), gap("A"), gap("B")],
        [Some("25".to_owned()), Some(String::new()), Some("25".to_owned())]
    );
    // April counts nothing, May half: 45.5 of 91 days of the quarter.
    let csv =
        gives(&format!("{by_points}ramp = [\"0%\", \"50%\"]\ntotal = \"5625\""), "", "A 3000, B 625, C 2000");
    assert_eq!(periods(&csv, "B"), ["0.00", "125.00", "250.00", "250.00"]);
    let project = acme(&format!("{by_points}total = \"500\""), "");
    project.file("leaves.csv", "rep,from,to,relief\nA,2027-01-01,2027-07-01,50%\n");
    let csv = allocate(&project).exits(0).stdout();
    // A carries half of two quarters: 3 x 0.75 = 2.25 points of 2.25 + 0.75 + 2.
    assert_eq!(years(&csv, "salesperson"), "A 225, B 75, C 200");
    assert_eq!(periods(&csv, "A"), ["38.00", "37.00", "75.00", "75.00"]);
    // Somebody who left before the year has nothing; who is not prorated has all.
    let project = acme(&format!("{by_points}total = \"500\""), "");
    project.file("reps.csv", REPS.replace("C,N,west,2020-01-01,,", "C,N,west,2020-01-01,2026-11-01,"));
    assert_eq!(years(&allocate(&project).exits(0).stdout(), "salesperson"), "A 400, B 100, C 0");
}

#[test]
fn seasons() {
    let like: String = (1..=4)
        .map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\nlike = [\"2026-Q{quarter}\"]\n"))
        .collect();
    // 60, 140, 50 and 100 of 350 were sold in the quarters.
    let csv = gives(
        "method = \"history\"\ntotal = \"350\"\nseason = \"history\"",
        &format!("{SOLD}{like}"),
        "A 100, B 50, C 200",
    );
    assert_eq!(periods(&csv, "A"), ["17.00", "40.00", "14.00", "29.00"]);
    assert_eq!(periods(&csv, "Acme"), ["60.00", "140.00", "50.00", "100.00"]);
    // Monday to Friday: 64 (63 without New Year's Day), 65, 66 and 66 days.
    let csv = allocate(&acme(
        "method = \"equal\"\ntotal = \"7800\"\nseason = \"working-days\"\nholidays = [2027-01-01]",
        "",
    ));
    assert_eq!(periods(&csv.exits(0).stdout(), "A"), ["630.00", "650.00", "660.00", "660.00"]);
}

#[test]
fn hierarchies() {
    let csv = gives(
        "method = \"history\"\ntotal = \"1000\"\nlevels = [\"region\"]\nover_assignment = { company = \"10%\", region = \"5%\" }",
        SOLD,
        "A 330, B 165, C 660",
    );
    assert_eq!(years(&csv, "region"), "east 471, west 629");
    // 1.1 x 1.05 = 1.155, shown with each quota.
    let project = acme(
        "method = \"history\"\ntotal = \"1000\"\nlevels = [\"region\"]\nover_assignment = { company = \"10%\", region = \"5%\" }",
        SOLD,
    );
    let parts =
        project.run(&["-q", "quotas", "allocate", "--table", "parts", "--format", "csv"]).exits(0).stdout();
    assert!(
        parts.lines().any(|line| line.starts_with("A,quota,330,100,") && line.contains(",1.155,")),
        "{parts}"
    );
    // Managers of a day. M sells as well, so M has a team and a quota of its own; B reports to N since July.
    let managers = |day: &str| format!("method = \"history\"\ntotal = \"350\"\nmanagers = {day}");
    let project = acme(&managers("2027-01-01"), SOLD);
    project.file("reps.csv", REPS.replace("M,N,east,2020-01-01,,,", "M,N,east,2020-01-01,,1,"));
    let csv = allocate(&project).exits(0).stdout();
    assert_eq!(years(&csv, "manager"), "N 350, M 150");
    assert_eq!(years(&csv, "salesperson"), "C 200, A 100, B 50, M (own) 0");
    let csv = gives(&managers("2027-08-01"), SOLD, "B 50, C 200, A 100");
    assert_eq!(years(&csv, "manager"), "N 350, M 100");
}

#[test]
fn top_down_and_bottom_up() {
    let plan = |policy: &str| {
        (
            "method = \"history\"\ntotal = \"420\"\nlevels = [\"region\"]",
            format!("{SOLD}[bottom_up]\nvalue = \"carry\"\n{policy}"),
        )
    };
    for (policy, expected) in [
        ("", "A 120, B 60, C 240"),
        ("policy = \"meet\"", "A 115, B 60, C 210"),
        ("policy = \"bottom-up\"", "A 110, B 60, C 180"),
    ] {
        let (top, rest) = plan(policy);
        gives(top, &rest, expected);
    }
    let (top, rest) = plan("policy = \"meet\"");
    let shown =
        acme(top, &rest).run(&["-q", "quotas", "allocate", "--table", "reconciliation", "--format", "csv"]);
    let expected = "holder_id,level,parent_id,measure,top_down,bottom_up,gap,policy,quota\nAcme,company,,quota,420,350,70,meet 50%,385\neast,region,Acme,quota,180,170,10,meet 50%,175\nA,salesperson,east,quota,120,110,10,meet 50%,115\nB,salesperson,east,quota,60,60,0,meet 50%,60\nwest,region,Acme,quota,240,180,60,meet 50%,210\nC,salesperson,west,quota,240,180,60,meet 50%,210\n";
    assert_eq!(shown.exits(0).stdout(), expected);
    // From below only: neither a total nor a history.
    gives("", "[bottom_up]\nvalue = \"carry\"\npolicy = \"bottom-up\"\n", "A 110, B 60, C 180");
}

#[test]
fn whole_deals() {
    let csv =
        gives("measure = \"deals\"\ndecimals = 0\nmethod = \"equal\"\ntotal = \"10\"", "", "A 4, B 3, C 3");
    assert_eq!(periods(&csv, "A"), ["1", "1", "1", "1"]);
}

#[test]
fn capacity() {
    // quota-capacity-03 of the published cases: 20 heads, hires 2, 1, 3 and leavers 0, 1, 0; two more quarters of nothing.
    let heads: String = [(2, 0), (1, 1), (3, 0), (0, 0)]
        .iter()
        .enumerate()
        .map(|(index, (hires, leavers))| {
            format!("[[phasing]]\nperiod = \"2027-Q{}\"\nhires = {hires}\nleavers = {leavers}\n", index + 1)
        })
        .collect();
    let rest = format!("[capacity]\nheads = 20\nproductivity = \"1000000\"\nattainment = \"65%\"\n{heads}");
    let project = acme("method = \"equal\"\ntotal = \"10000000\"", &rest);
    let csv = project.run(&["-q", "quotas", "capacity", "--format", "csv"]).exits(0).stdout();
    let column = |name: &str| {
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let place =
            lines.next().and_then(|header| header.iter().position(|cell| *cell == name)).expect("a column");
        lines.map(|cells| cells[place].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(column("heads_end"), ["22", "22", "25", "25", "25"]);
    // quota-capacity-01: 10,000,000 / (1,000,000 x 65 %).
    assert_eq!(column("heads_needed")[4], "15.384615");
    assert_eq!(column("capacity")[0], "3575000"); // 22 x 650,000 / 4
    // New heads by the ramp: nothing in the first three months, then all; a tenth leaves in the year, by days.
    let rest = "[capacity]\nproductivity = \"1000\"\nattrition = \"10%\"\n[[phasing]]\nperiod = \"2027-Q1\"\nhires = 1\n[[phasing]]\nperiod = \"2027-Q2\"\n";
    let project = acme(
        "method = \"equal\"\ntotal = \"100\"\nproration = \"time\"\nramp = [\"0%\", \"0%\", \"0%\"]",
        rest,
    );
    let csv = project.run(&["-q", "quotas", "capacity", "--format", "csv"]).exits(0).stdout();
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    // A and C are there, B comes in April and ramps. 2 x 10 % x 90 / 365 leave in the first quarter, 10 % x 91 / 365 of A, C
    // and the hire of January in the second. Half a year takes 181 / 365 of 1,000 a head.
    assert!(rows[0].starts_with("quota,2027-Q1,2,1,0.049315,2.950685,2,495.890411,"), "{csv}");
    assert!(rows[1].starts_with("quota,2027-Q2,2.950685,1,0.073565,3.87712,2.950685,731.608"), "{csv}");
    // heads x productivity x (1 - attrition), as it is often written, is an attainment; attrition of one period lowers nothing.
    let published = |key: &str| {
        let rest = format!(
            "[capacity]\nheads = 50\nproductivity = \"600000\"\n{key}[[phasing]]\nperiod = \"2027\"\n"
        );
        let project = acme("method = \"equal\"\ntotal = \"100\"", &rest);
        project.file(
            "spm.toml",
            SPM.replace(
                "{ pattern = \"quarters\", start = 2026-01-01, years = 2 }",
                "{ boundaries = [2027-01-01, 2028-01-01], names = [\"2027\"] }",
            ),
        );
        project.run(&["quotas", "capacity", "--format", "csv"]).exits(0)
    };
    assert!(published("attainment = \"80%\"\n").stdout().contains("quota,all,50,0,0,50,50,24000000,"));
    let one = published("attrition = \"20%\"\n").stderr();
    assert!(one.contains("this plan has one: it lowers no capacity"), "{one}");
    let none = acme("method = \"equal\"\ntotal = \"100\"", "");
    assert!(
        none.run(&["quotas", "capacity"]).exits(3).stderr().contains("no quota plan has a table [capacity]")
    );
}

#[test]
fn explained() {
    let project = acme("growth = \"10%\"\nlevels = [\"region\"]\nproration = \"time\"", SOLD);
    let shown = project.run(&["-q", "quotas", "explain", "--holder", "B"]).exits(0).stdout();
    for words in [
        "quota of B: ",
        "share of east in Acme",
        "1 + growth: 110%",
        "part of the year (from 2027-04-01): 75%",
        "periods of B",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    // The company's share is all of it: no product of nothing.
    let company = project.run(&["-q", "quotas", "explain", "--holder", "Acme"]).exits(0).stdout();
    assert!(company.contains("share of the total: 100%\n"), "{company}");
    let json =
        project.run(&["-q", "quotas", "explain", "--holder", "east", "--format", "json"]).exits(0).stdout();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["quotas"][0]["below"][0]["holder_id"], "A");
    let refused = project.run(&["-q", "quotas", "explain", "--holder", "eats"]).exits(1).stderr();
    assert!(refused.contains("SPM602") && refused.contains("did you mean east?"), "{refused}");
}

#[test]
fn adjusted_with_over_assignment() {
    let plan = "method = \"history\"\ntotal = \"100\"\nlevels = [\"region\"]\nover_assignment = { company = \"10%\", region = \"5%\" }\nproration = \"time\"";
    let project = acme(plan, SOLD);
    allocate(&project).exits(0);
    let adjust = |from: &str| {
        project
            .run(&["-q", "quotas", "adjust", "--from", from, "--reason", "x", "--format", "csv"])
            .exits(0)
            .stdout()
    };
    for from in ["2027-Q2", "2027-Q3", "2027-Q4"] {
        let kept = adjust(from);
        assert!(
            kept.lines().skip(1).all(|line| line.ends_with(",0,kept")),
            "{from}: nothing has happened:\n{kept}"
        );
    }
    project.file("reps.csv", REPS.replace("B,M,east,2027-04-01,,", "B,M,east,2027-04-01,2027-07-01,"));
    let changes = adjust("2027-Q3");
    let before: Vec<&str> =
        changes.lines().filter(|line| line.starts_with("A,") || line.starts_with("B,")).collect();
    assert!(before.len() == 2 && before.iter().all(|line| line.ends_with(",shared anew")), "{changes}");
    assert!(project.0.join("out/quotas/parts.parquet").exists());
}

#[test]
fn adjusted_from_below() {
    let plan = format!("{SOLD}[bottom_up]\nvalue = \"carry\"\npolicy = \"meet\"\n");
    let project = acme("method = \"history\"\ntotal = \"420\"\nlevels = [\"region\"]", &plan);
    allocate(&project).exits(0);
    let adjusted = ["-q", "quotas", "adjust", "--from", "2027-Q3", "--reason", "x", "--format", "csv"];
    let kept = project.run(&adjusted).exits(0).stdout();
    assert!(kept.lines().skip(1).all(|line| line.ends_with(",0,kept")), "nothing has happened:\n{kept}");
    // Quotas of a measure that no plan gives any more stay.
    let other = acme("measure = \"old\"\nmethod = \"equal\"\ntotal = \"9\"", "");
    let plan = String::from_utf8(other.bytes("plans/q.toml")).expect("text");
    other.file("plans/r.toml", plan.replace("id = \"q\"", "id = \"r\"").replace("\"old\"", "\"new\""));
    allocate(&other).exits(0);
    std::fs::remove_file(other.0.join("plans/q.toml")).expect("the plan is there");
    other.run(&adjusted).exits(0);
    let csv = other.run(&["data", "profile", "out/quotas/quotas.parquet"]).exits(0).stdout();
    assert!(csv.contains("new | old") || csv.contains("old | new"), "{csv}");
}

/// Everything of a result but the given periods.
fn without(csv: &str, periods: &[&str]) -> Vec<String> {
    csv.lines()
        .filter(|line| !periods.iter().any(|period| line.contains(period)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn adjusted_during_the_year() {
    let project =
        acme("method = \"history\"\ntotal = \"1400\"\nlevels = [\"region\"]\nproration = \"time\"", SOLD);
    // A 100, B 50 x 0.75, C 200: 337.5 -> A 415, B 155 (155.6), C 830; B carries three quarters.
    let before = allocate(&project).exits(0).stdout();
    let adjust = |from: &str| {
        project.run(&["-q", "quotas", "adjust", "--from", from, "--reason", "test", "--format", "csv"])
    };
    let kept = adjust("2027-Q3").exits(0).stdout();
    assert!(kept.lines().skip(1).all(|line| line.ends_with(",0,kept")), "nothing has happened:\n{kept}");
    // B leaves in the middle of the year: A takes over in the same region, C keeps everything.
    project.file("reps.csv", REPS.replace("B,M,east,2027-04-01,,", "B,M,east,2027-04-01,2027-07-01,"));
    let changes = adjust("2027-Q3").exits(0).stdout();
    let row = |holder: &str| {
        let line = changes.lines().find(|line| line.starts_with(&format!("{holder},"))).expect("a row");
        line.split(',').skip(4).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("C")[2..], ["0", "kept"]);
    assert_eq!(row("east")[2..], ["0", "kept"]);
    assert_eq!(row("B")[1..], ["0", "-103", "shared anew"]);
    assert_eq!(row("A")[2..], ["103", "shared anew"]);
    let versions = |name: &str| project.0.join("out/quotas/versions").join(name).exists();
    assert!(
        ["0.parquet", "1.parquet", "2.parquet", "2-changes.parquet", "2-why.json"]
            .iter()
            .all(|name| versions(name))
    );
    assert_eq!(project.bytes("out/quotas/quotas.parquet"), project.bytes("out/quotas/versions/2.parquet"));
    // The chain and a new allocation leave adjusted quotas alone, unless they are told to begin again.
    assert!(allocate(&project).exits(3).stderr().contains("--restart"));
    let again = project.run(&["-q", "quotas", "allocate", "--restart", "--format", "csv"]).exits(0).stdout();
    assert!(!project.0.join("out/quotas/versions").exists());
    assert_eq!(without(&again, &["2027"]), without(&before, &["2027"]));
    // With `adjust = "company"` everybody shares.
    let plan = String::from_utf8(project.bytes("plans/q.toml")).expect("text");
    project.file("plans/q.toml", plan.replace("method =", "adjust = \"company\"\nmethod ="));
    project.file("reps.csv", REPS);
    project.run(&["-q", "quotas", "allocate"]).exits(0);
    project.file("reps.csv", REPS.replace("B,M,east,2027-04-01,,", "B,M,east,2027-04-01,2027-07-01,"));
    let changes = adjust("2027-Q3").exits(0).stdout();
    assert!(changes.lines().any(|line| line.starts_with("C,") && line.ends_with("shared anew")), "{changes}");
    let explained = project.run(&["-q", "quotas", "explain", "--holder", "A"]).exits(0).stdout();
    assert!(
        explained.starts_with("as adjusted during the year (version 1 from 2027-Q3: test), A has\n"),
        "{explained}"
    );
    // No result to adjust, and no period left.
    assert!(
        acme("growth = \"1%\"", SOLD)
            .run(&["quotas", "adjust", "--from", "2027-Q3", "--reason", "x"])
            .exits(3)
            .stderr()
            .contains("spm quotas allocate")
    );
}

#[test]
fn faults() {
    let cases = [
        ("method = \"potential\"\ntotal = \"1\"", "", 3, "SPM004", "method potential needs `potential`"),
        ("method = \"weight\"\ntotal = \"1\"", "", 3, "SPM004", "method weight needs `weight`"),
        ("method = \"equal\"", "", 3, "SPM004", "a plan without `total` needs `history`"),
        ("method = \"equal\"\ntotal = \"0\"\nunit = \"0\"", "", 3, "SPM110", "`unit` must be above zero"),
        (
            "method = \"equal\"\ntotal = \"9\"\nhold_harmless = \"5%\"",
            "",
            3,
            "SPM004",
            "`hold_harmless` needs `last_quota`",
        ),
        ("method = \"equal\"\ntotal = \"9\"\nramp = [\"50%\"]", "", 3, "SPM304", "proration = \"time\""),
        (
            "method = \"equal\"\ntotal = \"9\"\nlevels = [\"regoin\"]",
            "",
            3,
            "SPM010",
            "no text column `regoin`",
        ),
        (
            "method = \"equal\"\ntotal = \"9\"\nlevels = [\"region\"]\nmanagers = 2027-01-01",
            "",
            3,
            "SPM304",
            "not both",
        ),
        (
            "method = \"equal\"\ntotal = \"9\"\nover_assignment = { regoin = \"5%\" }",
            "",
            3,
            "SPM010",
            "no level `regoin`",
        ),
        (
            "method = \"equal\"\ntotal = \"9\"",
            "[[lock]]\nholder = \"Acmee\"\namount = \"1\"",
            3,
            "SPM010",
            "did you mean `Acme`?",
        ),
        (
            "method = \"equal\"\ntotal = \"9\"",
            "[[lock]]\nholder = \"A\"\namount = \"10\"",
            4,
            "SPM501",
            "floors and locks need 10, 1 more than 9",
        ),
        (
            "method = \"equal\"\ntotal = \"9\"",
            "[[phasing]]\nperiod = \"2027-Q5\"",
            3,
            "SPM012",
            "did you mean 2027-Q1?",
        ),
        ("method = \"weight\"\nweight = \"points - 5\"\ntotal = \"9\"", "", 3, "SPM110", "weight is -2"),
        (
            "method = \"history\"\ntotal = \"9\"",
            "[history]\nfrom = 2020-01-01\nto = 2020-06-01",
            4,
            "SPM501",
            "nobody below it has a history in its days",
        ),
        ("method = \"equal\"\ntotal = \"9\"\nseason = \"history\"", "", 3, "SPM304", "needs transactions"),
        (
            "method = \"equal\"\ntotal = \"9\"",
            "[potential]\nvalue = \"points\"\naccounts = \"market\"",
            3,
            "SPM304",
            "one of `value` and `accounts`",
        ),
    ];
    for (top, rest, exit, code, words) in cases {
        let stderr = allocate(&acme(top, rest)).exits(exit).stderr();
        assert!(stderr.contains(code) && stderr.contains(words), "{code} {words}:\n{stderr}");
    }
    // Nobody, a cycle of managers, two plans for one quota.
    let nobody = acme("method = \"equal\"\ntotal = \"9\"", "");
    nobody.file("reps.csv", "rep_id,manager_id,region,hire_date,end_date,points,last,most,carry\n");
    assert!(allocate(&nobody).exits(3).stderr().contains("nobody gets a quota of plan `q`"));
    let cycle = acme("method = \"equal\"\ntotal = \"9\"\nmanagers = 2027-01-01", "");
    cycle.file("hierarchy.csv", "rep,manager,from,to\nA,M,,\nM,N,,\nN,M,,\n");
    assert!(allocate(&cycle).exits(3).stderr().contains("SPM405"));
    let twice = acme("method = \"equal\"\ntotal = \"9\"", "");
    let plan =
        String::from_utf8(twice.bytes("plans/q.toml")).expect("text").replace("id = \"q\"", "id = \"r\"");
    twice.file("plans/r.toml", plan);
    assert!(allocate(&twice).exits(3).stderr().contains("both give quotas named `quota`"));
    // A total of zero is no fault of the method.
    let zero = acme("method = \"equal\"\ntotal = \"0\"", "").run(&["quotas", "allocate"]).exits(0).stderr();
    assert!(
        zero.contains("SPM421") && zero.contains("shares a total of zero, so nobody gets a quota"),
        "{zero}"
    );
    // Warnings: who has no weight, and history that belongs to nobody.
    let project = acme("method = \"history\"\ntotal = \"9\"", SOLD);
    project.file(
        "deals.csv",
        "id,rep,account,date,amount\n1,A,x,2026-01-05,60\n2,M,x,2026-05-05,40\n3,C,z,2026-06-05,9\n",
    );
    let stderr = project.run(&["quotas", "allocate"]).exits(0).stderr();
    assert!(stderr.contains("SPM421") && stderr.contains("gives B a quota of zero"), "{stderr}");
    assert!(
        stderr.contains("SPM422") && stderr.contains("40 of the history belongs to M, who gets no quota"),
        "{stderr}"
    );
    let lost = acme("method = \"history\"\ntotal = \"9\"", SOLD);
    lost.file("deals.csv", "id,rep,account,date,amount\n1,A,x,2026-01-05,60\n2,,x,2026-05-05,40\n");
    let stderr = lost.run(&["quotas", "allocate"]).exits(0).stderr();
    assert!(stderr.contains("40 of the history belongs to (no holder)"), "{stderr}");
    // Money of two currencies does not add up.
    let mixed = acme("method = \"history\"\ntotal = \"9\"", SOLD);
    mixed.file(
        "spm.toml",
        SPM.replace(
            "amount = \"amount\" }\n[sources.accounts]",
            "amount = \"amount\", currency = \"cur\" }\n[sources.accounts]",
        ),
    );
    mixed.file(
        "deals.csv",
        "id,rep,account,date,amount,cur\n1,A,x,2026-01-05,60,USD\n2,B,x,2026-05-05,40,EUR\n",
    );
    assert!(allocate(&mixed).exits(3).stderr().contains("SPM407"));
    // Two holders of one name, because a name has a slash; a level that does not exist.
    let slash = acme("method = \"equal\"\ntotal = \"9\"\nlevels = [\"region\", \"manager_id\"]", "");
    slash.file("reps.csv", REPS.replace("A,M,east", "A,X / M,east").replace("B,M,east", "B,M,east / X"));
    assert!(allocate(&slash).exits(3).stderr().contains("would be the name of"));
    let twice = "[[lock]]\nholder = \"A\"\namount = \"1\"\n[[lock]]\nholder = \"A\"\namount = \"2\"\n";
    assert!(
        allocate(&acme("method = \"equal\"\ntotal = \"9\"", twice))
            .exits(3)
            .stderr()
            .contains("A is locked twice")
    );
    let level = allocate(&acme("method = \"equal\"\ntotal = \"9\"\nadjust = \"compnay\"", ""));
    assert!(level.exits(3).stderr().contains("no level `compnay`"));
    // A cap on history does not hold who has none.
    gives(
        "method = \"equal\"\ntotal = \"90\"\ncap = \"150%\"",
        "[history]\nfrom = 2026-06-01\nto = 2027-01-01\n",
        "A 30, B 30, C 30",
    );
}
