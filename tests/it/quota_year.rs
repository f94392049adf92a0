//! Quotas over a year: periods that follow the season, adjustments that leave alone what nothing happened to, people as they
//! are on a day, heads by date, and what the user is warned of. Every expected amount is calculated by hand.

use std::collections::BTreeMap;

use crate::project::{Project, Ran};

const SPM: &str = r#"version = 1
name = "Co"
currency = "USD"
calendar = { pattern = "quarters", start = 2026-01-01, years = 2 }
[sources.reps]
files = "reps.csv"
columns = { rep_id = "id", hire_date = "hired", end_date = "ended", manager_id = "mgr", region = { column = "region", type = "text" }, sold = { column = "sold", type = "number" }, lastq = { column = "lastq", type = "number" } }
"#;

const HEADER: &str = "id,hired,ended,mgr,region,sold,lastq\n";

const FOUR: &str = "A,2020-01-01,,,E,300,100\nB,2020-01-01,,,E,200,100\nC,2020-01-01,,,W,100,100\nD,2020-01-01,,,W,400,100\n";

/// A company of these people with these keys before, and tables behind, the quarters of a plan.
fn company(people: &str, top: &str, rest: &str) -> Project {
    let project = Project::new();
    project.file("spm.toml", SPM).file("reps.csv", format!("{HEADER}{people}"));
    plan(&project, top, rest);
    project
}

fn plan(project: &Project, top: &str, rest: &str) {
    let quarter = |quarter: i32| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\n");
    let phasing: String =
        if rest.contains("[[phasing]]") { String::new() } else { (1..=4).map(quarter).collect() };
    let text = format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{top}\n{rest}\n{phasing}");
    project.file("plans/q.toml", text);
}

fn people(project: &Project, people: &str) {
    project.file("reps.csv", format!("{HEADER}{people}"));
}

const SOLD: &str = "[history]\nvalue = \"sold\"\n";

fn allocate(project: &Project) -> BTreeMap<String, Vec<String>> {
    by_holder(&project.run(&["-q", "quotas", "allocate", "--restart", "--format", "csv"]).exits(0).stdout())
}

/// The periods of every holder.
fn by_holder(csv: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        found.entry(cells[0].to_owned()).or_default().push(cells[5].to_owned());
    }
    found
}

fn adjust(project: &Project, from: &str) -> Ran {
    project.run(&["-q", "quotas", "adjust", "--from", from, "--reason", "it is so", "--format", "csv"])
}

/// What a holder has after an adjustment.
fn stands(project: &Project, holder: &str) -> Vec<String> {
    let json = project
        .run(&["-q", "quotas", "explain", "--holder", holder, "--measure", "quota", "--format", "json"])
        .exits(0)
        .stdout();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows = json["quotas"][0]["stands"].as_array().expect("rows");
    rows.iter().map(|row| row["amount"].as_str().expect("an amount").to_owned()).collect()
}

#[track_caller]
fn nothing_moves(project: &Project, from: &str, what: &str) {
    let changes = adjust(project, from).exits(0).stdout();
    let moved: Vec<&str> = changes.lines().skip(1).filter(|line| !line.ends_with(",0,kept")).collect();
    assert!(moved.is_empty() && changes.lines().count() > 1, "{what} from {from}: {moved:?}");
}

#[test]
fn rounding_favours_no_period() {
    let hundred: String = (0..100).map(|index| format!("r{index:03},,,,E,1,1\n")).collect();
    let quotas =
        allocate(&company(&hundred, "method = \"equal\"\ntotal = \"10100000\"\nunit = \"1000\"", ""));
    assert_eq!(quotas["Co"], ["2525000.00"; 4]);
    assert_eq!(quotas["r000"], ["26000.00", "25000.00", "25000.00", "25000.00"]);
    assert_eq!(quotas["r001"], ["25000.00", "26000.00", "25000.00", "25000.00"]);
    // Of three people with a unit each, and seasons of 1, 2 and 3, the third finds the first and the last period equally short.
    let phasing: String = [1, 2, 3]
        .map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\nweight = {quarter}\n"))
        .concat();
    let three = "A,,,,E,1,1\nB,,,,E,1,1\nC,,,,E,1,1\n";
    let quotas = allocate(&company(three, "method = \"equal\"\ntotal = \"3\"", &phasing));
    assert_eq!(quotas["C"], ["1.00", "0.00", "0.00"]);
    // With over-assignment the company falls by itself, and the hundred as before: 101 x 100.
    let over =
        "method = \"equal\"\ntotal = \"10000000\"\nunit = \"1000\"\nover_assignment = { company = \"1%\" }";
    let quotas = allocate(&company(&hundred, over, ""));
    assert_eq!(quotas["Co"], ["2500000.00"; 4]);
    assert_eq!(quotas["r003"], ["25000.00", "25000.00", "25000.00", "26000.00"]);
}

#[test]
fn an_adjustment_without_a_change_changes_nothing() {
    let rest = format!("{SOLD}[last_quota]\nvalue = \"lastq\"\n");
    let potential = format!("{rest}[potential]\nvalue = \"sold + lastq\"\n");
    let lock = format!(
        "{rest}[[lock]]\nholder = \"E\"\namount = \"401.37\"\n[[lock]]\nholder = \"C\"\namount = \"99.99\"\n"
    );
    let carry = format!("{rest}[bottom_up]\nvalue = \"sold * 1.13\"\npolicy = \"meet\"\n");
    let cases = [
        ("method = \"equal\"\ntotal = \"1003\"\nunit = \"10\"\nfloor = \"91.5%\"", &rest),
        ("method = \"equal\"\ntotal = \"1003\"\nunit = \"0.01\"\nfloor = \"70%\"\ncap = \"250%\"", &rest),
        ("method = \"history\"\ntotal = \"997\"\nhold_harmless = \"3%\"", &rest),
        ("method = \"last-quota\"\ntotal = \"1011\"\nminimum_change = \"30%\"", &rest),
        ("method = \"weighted-share\"\ntotal = \"1011\"\nunit = \"7\"", &potential),
        ("method = \"history-and-potential\"\ntotal = \"1111\"", &potential),
        (
            "method = \"weight\"\nweight = \"sold + 1\"\ntotal = \"1011\"\nmost = \"310\"\nleast = \"33.33\"",
            &rest,
        ),
        ("method = \"history\"\ntotal = \"1017\"", &lock),
        ("method = \"history\"\ntotal = \"1017\"", &carry),
        ("growth = \"7%\"\ngrowth_of = { E = \"12%\" }", &rest),
    ];
    let staff = "A,2020-01-01,,,E,300,100\nB,2027-02-10,,,E,200,100\nC,2020-01-01,,,W,100,100\nD,2020-01-01,2027-11-05,,W,400,100\n";
    for (case, (top, rest)) in cases.iter().enumerate() {
        for over in ["", "over_assignment = { company = \"3%\", region = \"5%\" }"] {
            let time = if case % 2 == 0 { "" } else { "proration = \"time\"\nramp = [\"10%\", \"55%\"]\n" };
            let keep = ["", "adjust = \"company\"\n", "adjust = \"region\"\n"][case % 3];
            let text = format!("levels = [\"region\"]\n{top}\n{over}\n{time}{keep}");
            let project = company(staff, &text, rest);
            allocate(&project);
            let from = ["2027-Q1", "2027-Q2", "2027-Q3", "2027-Q4"][case % 4];
            nothing_moves(&project, from, &text);
            nothing_moves(&project, "2027-Q3", &text);
        }
    }
}

#[test]
fn limits_of_the_year_hold_in_what_is_left_of_it() {
    // Equal shares of 1,003 in tens: floors of 91.5 % give D 366, A 274.5, B 183, and C what is left.
    let project =
        company(FOUR, "method = \"equal\"\ntotal = \"1003\"\nunit = \"10\"\nfloor = \"91.5%\"", SOLD);
    let before = allocate(&project);
    people(&project, &FOUR.replace("W,100,100", "W,120,100"));
    adjust(&project, "2027-Q3").exits(0);
    for (holder, floor) in [("A", 274.5), ("B", 183.0), ("C", 109.8), ("D", 366.0)] {
        let after: Vec<f64> =
            stands(&project, holder).iter().map(|text| text.parse().expect("a number")).collect();
        let closed: Vec<f64> =
            before[holder][..2].iter().map(|text| text.parse().expect("a number")).collect();
        assert!(after.iter().sum::<f64>() >= floor, "{holder}: {after:?}");
        assert_eq!(after[..2], closed);
    }
}

#[test]
fn lines_with_over_assignment_are_adjusted() {
    let project = company(
        FOUR,
        "levels = [\"region\"]\nmethod = \"history\"\ntotal = \"4000\"\nover_assignment = { line = \"5%\", company = \"2%\" }",
        &format!(
            "{SOLD}[[line]]\nname = \"hardware\"\nhistory = \"sold\"\n[[line]]\nname = \"service\"\nhistory = \"sold\"\ntotal = \"330\"\n"
        ),
    );
    allocate(&project);
    // 330 x 1.05 = 346.5 was rounded once, for the year.
    nothing_moves(&project, "2027-Q2", "lines");
    // Somebody is promoted: the lines keep what they have, period by period, and give out whole units.
    let before = stands(&project, "Co");
    people(&project, &FOUR.replace("E,300", "E,330"));
    let changes = adjust(&project, "2027-Q3").exits(0).stdout();
    assert!(
        changes.lines().filter(|line| line.contains(",region,")).all(|line| line.ends_with(",0,kept")),
        "{changes}"
    );
    assert!(!changes.contains('.'), "{changes}");
    assert_eq!(stands(&project, "Co"), before);
    // All lines anew: a line with its own total keeps it, and quotas are whole units still.
    let text = String::from_utf8(project.bytes("plans/q.toml")).expect("text");
    project.file("plans/q.toml", text.replace("method =", "adjust = \"company\"\nmethod ="));
    people(&project, &FOUR.replace("E,300", "E,360"));
    let changes = adjust(&project, "2027-Q3").exits(0).stdout();
    assert!(changes.contains("Co,company,,service,") && !changes.contains('.'), "{changes}");
}

#[test]
fn holders_above_keep_their_periods() {
    let top = "method = \"history\"\nlevels = [\"region\"]\ntotal = \"100000\"\nproration = \"time\"";
    let project = company(FOUR, top, SOLD);
    allocate(&project);
    people(&project, &FOUR.replace("B,2020-01-01,,", "B,2020-01-01,2027-11-16,"));
    let changes = adjust(&project, "2027-Q3").exits(0).stdout();
    // B is there for half of the fourth quarter: 12,500 of it by 300 and 100; the third stays 7,500 and 5,000.
    assert!(changes.contains("A,salesperson,E,quota,15000,16875,1875,shared anew"), "{changes}");
    assert_eq!(stands(&project, "A"), ["7500", "7500", "7500", "9375"]);
    assert_eq!(stands(&project, "E"), ["12500"; 4]);
    assert_eq!(stands(&project, "Co"), ["25000"; 4]);
    assert_eq!(stands(&project, "C"), ["2500"; 4]);
    let explained = project.run(&["-q", "quotas", "explain", "--holder", "A"]).exits(0).stdout();
    for words in
        ["(version 1 from 2027-Q3: it is so), A has", "the periods that were open consist of", "limits"]
    {
        assert!(explained.contains(words), "{words}:\n{explained}");
    }
    // Nobody is left in W after September: E has all of the fourth quarter, the others nothing.
    let project = company(FOUR, top, SOLD);
    allocate(&project);
    people(
        &project,
        &FOUR
            .replace("C,2020-01-01,,", "C,2020-01-01,2027-10-01,")
            .replace("D,2020-01-01,,", "D,2020-01-01,2027-10-01,"),
    );
    let changes = adjust(&project, "2027-Q4").exits(0).stdout();
    assert!(changes.contains("E,region,Co,quota,12500,25000,12500,shared anew"), "{changes}");
    // A floor that the kept region cannot give says what keeps it.
    let project = company(FOUR, &top.replace("proration", "floor = \"100%\"\nproration"), SOLD);
    allocate(&project);
    people(&project, &FOUR.replace("E,300", "E,90000"));
    let stderr = adjust(&project, "2027-Q3").exits(4).stderr();
    assert!(stderr.contains("those above keep what they have"), "{stderr}");
}

#[test]
fn who_is_left_with_what_others_cannot_carry_is_told() {
    // D leaves and A is at a cap of 40,000: B, who is there until 5 July, has what is left of the region.
    let staff = "A,2020-01-01,,,W,300,40000\nB,2020-01-01,2027-07-05,,W,100,99999\nC,2020-01-01,,,E,100,99999\nD,2020-01-01,,,W,400,99999\n";
    let top = "method = \"history\"\nlevels = [\"region\"]\ntotal = \"100000\"\nproration = \"time\"\nmost = \"lastq\"";
    let project = company(staff, top, SOLD);
    allocate(&project);
    people(&project, &staff.replace("D,2020-01-01,,", "D,2020-01-01,2027-07-01,"));
    let aloud = |from: &str| {
        project
            .run(&["quotas", "adjust", "--from", from, "--reason", "D has left", "--format", "csv"])
            .exits(0)
    };
    let stderr = aloud("2027-Q3").stderr();
    assert!(
        stderr.contains("SPM426") && stderr.contains("the open quota of B rises to more than twice its part"),
        "{stderr}"
    );
    // Nothing is new: nothing moves, though a limit binds, and nobody is told of it again.
    let stood = stands(&project, "B");
    for from in ["2027-Q3", "2027-Q3", "2027-Q4"] {
        let again = aloud(from);
        assert!(again.stdout().lines().skip(1).all(|line| line.ends_with(",0,kept")), "{}", again.stdout());
        assert!(!again.stderr().contains("SPM426"), "{}", again.stderr());
        assert_eq!(stands(&project, "B"), stood);
    }
}

#[test]
fn over_assignment_that_rounds_to_nothing_stands() {
    // 5 % of 6 and of 9 deals are none, but the periods of a region are spread apart from those of its people.
    let deals = "measure = \"deals\"\ndecimals = 0\nmethod = \"equal\"\ntotal = \"15\"\nlevels = [\"region\"]\nover_assignment = { region = \"5%\" }";
    let people = "n1,,,,n,1,1\nn2,,,,n,1,1\nn3,,,,n,1,1\ns1,,,,s,1,1\ns2,,,,s,1,1\n";
    let project = company(people, deals, "");
    allocate(&project);
    for from in ["2027-Q1", "2027-Q2", "2027-Q4"] {
        nothing_moves(&project, from, "deals");
    }
}

#[test]
fn periods_without_a_season_stand_as_they_are() {
    let phasing: String = [3, 1, 0, 0]
        .iter()
        .enumerate()
        .map(|(quarter, weight)| {
            format!("[[phasing]]\nperiod = \"2027-Q{}\"\nweight = \"{weight}\"\n", quarter + 1)
        })
        .collect();
    let project = company(FOUR, "method = \"equal\"\ntotal = \"400\"", &phasing);
    allocate(&project);
    nothing_moves(&project, "2027-Q3", "no season");
}

#[test]
fn those_who_can_stand_do() {
    // 110 each. A and B would change by less than 8 %, but C and D may not have more than 112: only one of the two can stand.
    let people = "A,,,,E,100,105\nB,,,,E,100,104\nC,,,,W,100,100\nD,,,,W,100,60\n";
    let top =
        "method = \"history\"\ntotal = \"440\"\nunit = \"0.01\"\nminimum_change = \"8%\"\ncap = \"112%\"";
    let project = company(
        people,
        top,
        &format!("{SOLD}[last_quota]\nvalue = \"lastq\"\n[[phasing]]\nperiod = \"2027-Q1\"\n"),
    );
    let ran = project.run(&["quotas", "allocate", "--format", "csv"]).exits(0);
    let quotas = by_holder(&ran.stdout());
    let own = |holder: &str| quotas[holder][0].clone();
    assert_eq!(["A", "B", "C", "D"].map(own), ["105.00", "111.67", "111.67", "111.66"]);
    let words = "SPM425";
    assert!(
        ran.stderr().contains(words) && ran.stderr().contains("the quota of B changes by less"),
        "{}",
        ran.stderr()
    );
    // A floor above the last quota is no reason to give up the others.
    let top = top.replace("cap = \"112%\"", "floor = \"106%\"");
    plan(
        &project,
        &top,
        &format!("{SOLD}[last_quota]\nvalue = \"lastq\"\n[[phasing]]\nperiod = \"2027-Q1\"\n"),
    );
    self::people(&project, "A,,,,E,100,105\nB,,,,E,100,120\nC,,,,W,100,112\nD,,,,W,100,60\n");
    let quotas = allocate(&project);
    assert_eq!(["A", "C"].map(|holder| quotas[holder][0].clone()), ["109.34", "112.00"]);
}

#[test]
fn adjustments_need_a_reason_and_a_period() {
    let project = company(FOUR, "method = \"history\"\ntotal = \"100\"", SOLD);
    allocate(&project);
    let refused = project.run(&["quotas", "adjust", "--from", "2027-Q3", "--reason", " "]).exits(2).stderr();
    assert!(refused.contains("an adjustment needs a reason"), "{refused}");
    let refused = adjust(&project, "2026-Q3").exits(3).stderr();
    assert!(refused.contains("2026-Q3 is a period of no quota plan"), "{refused}");
}

#[test]
fn heads_by_their_dates() {
    let people = "A,2020-01-01,,,E,1,1\nB,2027-07-01,,,E,1,1\nC,2020-01-01,2027-10-01,,E,1,1\n";
    let top = "method = \"equal\"\ntotal = \"2000000\"\nproration = \"time\"\nramp = [\"50%\"]\ncapacity = { productivity = \"1000000\" }";
    let csv =
        company(people, top, "").run(&["-q", "quotas", "capacity", "--format", "csv"]).exits(0).stdout();
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    // heads_start, hires, leavers, heads_end, full_heads, capacity: B half of July, so 76.5 of 92 days.
    let expected = [
        ["2", "0", "0", "2", "2", "500000"],
        ["2", "0", "0", "2", "2", "500000"],
        ["2", "1", "1", "2", "2.831522", "707880.434783"],
        ["2", "0", "0", "2", "2", "500000"],
    ];
    for (row, expected) in rows.iter().zip(expected) {
        assert_eq!(row[2..8], expected, "{csv}");
    }
    assert_eq!(rows[4][7], "2207880.434783");
}

#[test]
fn people_as_they_are_on_the_day() {
    let history = "[sources.rep_history]\nfiles = \"rh.csv\"\n";
    let project = company(FOUR, "method = \"history\"\nlevels = [\"region\"]\ntotal = \"1000\"", SOLD);
    project.file("spm.toml", format!("{SPM}{history}columns = {{ rep_id = \"rep\", from = \"from\", region = {{ column = \"region\", type = \"text\" }} }}\n"));
    project.file("rh.csv", "rep,from,region\nB,2026-06-01,W\nA,2027-07-01,W\n");
    let quotas = allocate(&project);
    assert_eq!((&*quotas["E"][0], &*quotas["W"][0]), ("75.00", "175.00"));
    // From July A is in W, where everybody is then.
    let changes = adjust(&project, "2027-Q3").exits(0).stdout();
    assert!(changes.contains("A,salesperson,W,quota,150,150,0,moved"), "{changes}");
    // Managers of a day: B reports to N since June, as in commission.
    let staff = "A,,,M,E,300,1\nB,,,M,E,200,1\nC,,,N,W,100,1\nM,,,,,,\nN,,,N,,,\n";
    let project = company(
        staff,
        "managers = 2027-01-01\neligible = \"sold > 0\"\nmethod = \"history\"\ntotal = \"600\"",
        &format!("{SOLD}[[phasing]]\nperiod = \"2027-Q1\"\n"),
    );
    project.file(
        "spm.toml",
        format!("{SPM}{history}columns = {{ rep_id = \"rep\", from = \"from\", manager_id = \"mgr\" }}\n"),
    );
    project.file("rh.csv", "rep,from,mgr\nB,2026-06-01,N\n");
    let quotas = allocate(&project);
    assert_eq!((&*quotas["M"][0], &*quotas["N"][0]), ("300.00", "300.00"));
}

#[test]
fn gaps_are_warned_of() {
    let warned = |project: &Project, words: &[&str]| {
        for command in [&["quotas", "allocate"][..], &["check"]] {
            let stderr = project.run(command).exits(0).stderr();
            for words in words {
                assert!(stderr.contains(words), "{command:?}: {words}\n{stderr}");
            }
        }
    };
    let away = "A,2020-01-01,,,E,300,100\nB,2020-01-01,2026-06-30,,E,200,\nC,2020-01-01,,,,100,50\n";
    warned(
        &company(
            away,
            "method = \"last-quota\"\nlevels = [\"region\"]\ntotal = \"600\"",
            &format!("{SOLD}[last_quota]\nvalue = \"lastq\"\n"),
        ),
        &[
            "SPM424",
            "no period of plan `q` (2027-01-01 to 2028-01-01) has B by hire_date and end_date: counted for all of the year",
            "C has no region",
            "the last quota of B is empty",
        ],
    );
    let staff = "A,,,M,E,300,1\nB,,,,E,200,1\n";
    warned(
        &company(
            staff,
            "managers = 2027-01-01\nmethod = \"history\"\ntotal = \"600\"\nover_assignment = { manager = \"110%\" }",
            SOLD,
        ),
        &[
            "M is a manager with a team and a quota, but not in the table reps",
            "B has no manager on 2027-01-01",
            "the over-assignment of `manager` is 110%",
        ],
    );
    warned(&company(FOUR, "growth = 10", SOLD), &["growth is 1000%: more than twice as much"]);
}

#[test]
fn a_check_allocates() {
    let lock = "[[lock]]\nholder = \"A\"\namount = \"10\"\n";
    let project = company(FOUR, "method = \"equal\"\ntotal = \"9\"", lock);
    let stderr = project.run(&["check"]).exits(1).stderr();
    assert!(
        stderr.contains("SPM501") && stderr.contains("floors and locks need 10, 1 more than 9"),
        "{stderr}"
    );
    let nobody = company(FOUR, "method = \"equal\"\ntotal = \"9\"\neligible = \"region = 'S'\"", "");
    assert!(nobody.run(&["check"]).exits(1).stderr().contains("nobody gets a quota of plan `q`"));
    let below = company(FOUR, "method = \"weight\"\nweight = \"sold - 200\"\ntotal = \"9\"", "");
    assert!(below.run(&["check"]).exits(1).stderr().contains("weight is -100"));
    // Loops of managers are told once; who is their own manager has nobody above.
    let staff = "A,,,B,E,300,1\nB,,,A,E,200,1\nC,,,C,W,100,1\n";
    let project = company(staff, "managers = 2027-01-01\nmethod = \"history\"\ntotal = \"600\"", SOLD);
    let stderr = project.run(&["check"]).exits(1).stderr();
    assert_eq!(stderr.matches("SPM405").count(), 1, "{stderr}");
    people(&project, &staff.replace("B,,,A", "B,,,"));
    assert_eq!(allocate(&project)["C"].len(), 4);
}

#[test]
fn an_explanation_shows_what_a_weight_is_made_of() {
    let staff = "A,2020-01-01,,,E,300,100\nB,2027-04-01,,,E,200,100\nC,2020-01-01,,,W,100,100\n";
    let shown = |top: &str, rest: &str, holder: &str| {
        let project = company(staff, top, rest);
        project.run(&["-q", "quotas", "explain", "--holder", holder]).exits(0).stdout()
    };
    let stated = shown(
        "method = \"weight\"\nweight = \"sold\"\ntotal = \"600\"\nproration = \"time\"\nramp = [\"50%\"]",
        "",
        "B",
    );
    for words in [
        "weight as stated, of a whole year: 200",
        "(from 2027-04-01; ramp of 1 months from 2027-04-01)",
        "there",
    ] {
        assert!(stated.contains(words), "{words}:\n{stated}");
    }
    let blended = shown(
        "method = \"history\"\ntotal = \"600\"",
        &format!("{SOLD}[bottom_up]\nvalue = \"sold * 2\"\npolicy = \"meet\"\nshare = \"30%\"\n"),
        "A",
    );
    for words in ["between above and below", "what can be carried from below: 600.00 USD", "blend: 30%"] {
        assert!(blended.contains(words), "{words}:\n{blended}");
    }
    let limited = shown(
        "method = \"history\"\nlevels = [\"region\"]\ntotal = \"600\"",
        &format!(
            "{SOLD}[[lock]]\nholder = \"W\"\namount = \"50\"\nnote = \"VP west\"\n[[lock]]\nholder = \"A\"\namount = \"400\"\n"
        ),
        "B",
    );
    for words in ["limits and rounding on levels above: W locked, VP west", "limits of siblings: A locked"] {
        assert!(limited.contains(words), "{words}:\n{limited}");
    }
}

/// The months of 2027 as a plan's phasing.
fn months() -> (String, String) {
    let months: String =
        (1..=12).map(|month| format!("[[phasing]]\nperiod = \"2027-{month:02}\"\n")).collect();
    (SPM.replace("\"quarters\"", "\"months\""), months)
}

#[test]
fn who_joins_or_leaves_is_shared_for_in_coarse_units_too() {
    // Twelve deals a month among four, then among five, three, and four of whom one counts one and a half times.
    let (spm, months) = months();
    let deals = "measure = \"deals\"\ndecimals = 0\nmethod = \"weight\"\nweight = \"sold\"\ntotal = \"144\"";
    let person = |name: &str, weight: u32| format!("{name},2020-01-01,,,E,{weight},1\n");
    let four: String = ["A", "B", "C", "D"].map(|name| person(name, 2)).concat();
    let cases = [
        (format!("{four}{}", person("X", 2)), vec![19, 20]),
        (four.replace(&person("D", 2), ""), vec![32]),
        // 96 x 3 / 9 = 32 for A, 96 x 2 / 9 = 21.3 for the others.
        (four.replace(&person("A", 2), &person("A", 3)), vec![21, 22, 32]),
    ];
    for (after, expected) in cases {
        let project = company(&four, deals, &months);
        project.file("spm.toml", &spm);
        allocate(&project);
        people(&project, &after);
        let csv = adjust(&project, "2027-05").exits(0).stdout();
        let mut found = vec![];
        for line in csv.lines().skip(1).filter(|line| line.contains("salesperson") && !line.ends_with("left"))
        {
            let amount: i64 = line.split(',').nth(5).and_then(|cell| cell.parse().ok()).expect("an amount");
            assert!(expected.contains(&amount), "{csv}");
            found.push(amount);
        }
        assert_eq!(found.iter().sum::<i64>(), 96, "{csv}");
    }
}

#[test]
fn units_below_many_holders_with_over_assignment_follow_the_season() {
    // Forty regions of 5 deals and 20 % more: 6 each on the street, 240 in all, 60 in each quarter.
    let people: String =
        (0..40).map(|region| format!("R{region:02},2020-01-01,,,G{region:02},1,1\n")).collect();
    let deals = "measure = \"deals\"\ndecimals = 0\nmethod = \"equal\"\ntotal = \"200\"\nlevels = [\"region\"]\nover_assignment = { region = \"20%\" }";
    let project = company(&people, deals, "");
    let quotas = allocate(&project);
    for quarter in 0..4 {
        let street =
            (0..40).map(|region| quotas[&format!("R{region:02}")][quarter].parse::<i64>().expect("deals"));
        assert_eq!(street.sum::<i64>(), 60, "{quotas:?}");
    }
}
