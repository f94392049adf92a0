//! New accounts, seats, pairs, groups and limits on what moves: small projects whose answers are known.

use super::project::Project;

const HEAD: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\n[calendar]\npattern = \"months\"\nstart = 2027-01-01\nyears = 1\n\
    [sources.accounts]\nfiles = \"accounts.csv\"\n[sources.accounts.columns]\naccount_id = \"id\"\nowner_id = \"owner\"\nparent_id = \"parent\"\n\
    segment = \"segment\"\nlatitude = \"latitude\"\nlongitude = \"longitude\"\nrevenue = { column = \"revenue\", type = \"number\" }\n\
    [sources.reps]\nfiles = \"reps.csv\"\n[sources.reps.columns]\nrep_id = \"id\"\nrole = \"role\"\nsegment = { column = \"segment\", type = \"text\" }\n\
    latitude = \"latitude\"\nlongitude = \"longitude\"\n";

const PLAN: &str = "version = 1\nkind = \"territories\"\nid = \"field\"\nmove = \"1000\"\n[[measure]]\nname = \"revenue\"\nvalue = \"revenue\"\ntolerance = \"50%\"\n";

/// Four people in a row on the equator, a degree apart (111.195 km), two in each segment; accounts stand with the nearest.
fn project(plan: &str) -> Project {
    let project = Project::new();
    project.file("spm.toml", HEAD).file("plans/field.toml", plan);
    project.file(
        "reps.csv",
        "id,role,segment,latitude,longitude\nA,AE,small,0,0\nB,AE,small,0,1\nC,AE,large,0,2\nD,SE,large,0,3\n",
    );
    project.file(
        "accounts.csv",
        "id,owner,parent,segment,latitude,longitude,revenue\n\
         a1,A,,small,0,0,100\na2,A,,small,0.1,0,100\nb1,B,a1,small,0,1,100\nb2,B,,small,0.1,1,100\n\
         c1,C,,large,0,2,100\nc2,C,,large,0.1,2,100\nd1,D,,large,0,3,100\nd2,D,,large,0.1,3,100\n\
         n1,,,large,0,0.1,10\nn2,,,small,0,2.9,10\nn3,,b2,small,0,3,10\n",
    );
    project
}

/// The lines of a result, as CSV.
fn lines(project: &Project, arguments: &[&str]) -> Vec<String> {
    let all: Vec<&str> = ["-q"].iter().chain(arguments).chain(&["--format", "csv"]).copied().collect();
    project.run(&all).exits(0).stdout().lines().map(str::to_owned).collect()
}

fn plan(head: &str, tail: &str) -> String {
    PLAN.replace("move = \"1000\"\n", &format!("move = \"1000\"\n{head}\n")) + tail
}

#[test]
fn new_accounts_go_by_rule_first_and_by_fit_second() {
    let project = project(&plan(
        "",
        "[[rule]]\nname = \"large\"\nwhere = \"segment = 'large'\"\namong = \"segment = 'large'\"\n\
         [[rule]]\nname = \"n3 is D's\"\nwhere = \"account_id = 'n3'\"\nto = \"D\"\n",
    ));
    let rows = lines(&project, &["territories", "assign"]);
    assert_eq!(rows.len(), 4, "{rows:?}");
    // n1 is 11 km from A, but large: C is the nearest who serves that, 1.9 degrees away.
    assert!(rows[1].starts_with("n1,C,large,211.271,"), "{rows:?}");
    // n2 has no rule: D is the nearest.
    assert!(rows[2].starts_with("n2,D,,11.120,"), "{rows:?}");
    assert!(rows[3].starts_with("n3,D,n3 is D's,0.000,"), "{rows:?}");
    // What stands stays; the whole is written for score and map.
    let scored = lines(&project, &["territories", "score", "out/assign/assignment.parquet"]);
    assert!(scored.contains(&"accounts that change hands,0.000".to_owned()), "{scored:?}");
    assert!(!scored.iter().any(|line| line.starts_with("accounts without")), "{scored:?}");
    // Without new accounts there is nothing to do, and that is no fault.
    let text = String::from_utf8(project.bytes("accounts.csv")).expect("text");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with('n')).collect();
    project.file("accounts.csv", kept.join("\n"));
    let ran = project.run(&["territories", "assign"]).exits(0);
    assert!(ran.stderr().contains("nothing to assign"), "{}", ran.stderr());
}

#[test]
fn new_accounts_respect_room_and_follow_their_group() {
    // D stands at 200 and may carry 212: n2 finds no room beside n3, and comes to C.
    let most = |text: &str| text.replace("tolerance = \"50%\"", "most = \"212\"");
    let project = project(&most(PLAN));
    let rows = lines(&project, &["territories", "assign"]);
    assert!(rows[2].starts_with("n2,C,,") && rows[3].starts_with("n3,D,,"), "{rows:?}");
    project.file("plans/field.toml", most(&plan("together = \"COALESCE(parent_id, account_id)\"", "")));
    let rows = lines(&project, &["territories", "assign"]);
    assert!(rows[3].starts_with("n3,B,its group,"), "{rows:?}");
    let ran = project.run(&["territories", "assign"]).exits(0);
    assert!(
        ran.stderr().contains("3 of 11 accounts are new: 0 by rule, 1 with their group, 2 by fit"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_rule_that_names_nobody_is_a_fault() {
    let project = project(&plan("", "[[rule]]\nname = \"lost\"\nwhere = \"TRUE\"\nto = \"Z\"\n"));
    let ran = project.run(&["territories", "assign"]).exits(3);
    assert!(
        ran.stderr().contains("rule `lost` gives accounts to `Z`, who takes no part"),
        "{}",
        ran.stderr()
    );
    project.file("plans/field.toml", plan("", "[[rule]]\nname = \"x\"\nwhere = \"TRUE\"\n"));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("rule `x` has one of `to` and `among`"), "{}", ran.stderr());
}

#[test]
fn pairs_that_are_not_allowed_are_not_made() {
    let project = project(&plan("allowed = \"account.segment = rep.segment\"", ""));
    let text = String::from_utf8(project.bytes("accounts.csv")).expect("text");
    // A large account stands with A, who serves small ones only.
    project.file("accounts.csv", text.replace("a1,A,,small", "a1,A,,large"));
    project.run(&["-q", "territories", "balance"]).exits(0);
    let scored = lines(&project, &["territories", "score", "out/territories/assignment.parquet"]);
    assert!(scored.contains(&"feasible (1 = yes),1.000".to_owned()), "{scored:?}");
    let today = lines(&project, &["territories", "score"]);
    assert!(today.contains(&"accounts where they may not be,1.000".to_owned()), "{today:?}");
    // Types are checked before any data is read, and nobody at all is named.
    project.file("plans/field.toml", plan("allowed = \"account.revenue = rep.segment\"", ""));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("SPM203"), "{}", ran.stderr());
    project.file("plans/field.toml", plan("allowed = \"account.segment = rep.segmnt\"", ""));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("did you mean `rep.segment`?"), "{}", ran.stderr());
    project.file(
        "plans/field.toml",
        plan("allowed = \"rep.segment = 'huge' OR account.account_id <> 'c1'\"", ""),
    );
    let ran = project.run(&["territories", "balance"]).exits(4);
    assert!(ran.stderr().contains("1 account(s) may go to no territory, such as c1"), "{}", ran.stderr());
    let today = lines(&project, &["territories", "score"]);
    assert!(today.contains(&"accounts where they may not be,1.000".to_owned()), "{today:?}");
}

#[test]
fn a_misfit_is_a_price() {
    // C and D serve small accounts at the price of 500 km, so n2 comes to B, 1.9 degrees away.
    let project =
        project(&plan("misfit = \"CASE WHEN account.segment = rep.segment THEN 0 ELSE 500 END\"", ""));
    let rows = lines(&project, &["territories", "assign"]);
    assert!(rows[2].starts_with("n2,B,,211.271,211.271,"), "{rows:?}");
    project.file(
        "plans/field.toml",
        plan("misfit = \"CASE WHEN account.segment = rep.segment THEN 0 ELSE -1 END\"", ""),
    );
    let ran = project.run(&["territories", "assign"]).exits(3);
    assert!(ran.stderr().contains("a misfit is below zero"), "{}", ran.stderr());
}

#[test]
fn groups_go_whole() {
    let project = project(&plan("together = \"COALESCE(parent_id, account_id)\"", ""));
    let today = lines(&project, &["territories", "score"]);
    assert!(today.contains(&"groups in several territories,2.000".to_owned()), "{today:?}");
    project.run(&["-q", "territories", "balance"]).exits(0);
    let scored = lines(&project, &["territories", "score", "out/territories/assignment.parquet"]);
    assert!(scored.contains(&"feasible (1 = yes),1.000".to_owned()), "{scored:?}");
    assert!(!scored.iter().any(|line| line.starts_with("groups in several")), "{scored:?}");
    project.run(&["-q", "territories", "create", "--count", "3"]).exits(0);
    let made = lines(&project, &["territories", "score", "out/territories/assignment.parquet"]);
    assert!(made.contains(&"feasible (1 = yes),1.000".to_owned()), "{made:?}");
    project.file("plans/field.toml", plan("together = \"parent_id\"\ncontiguous = \"account_id\"", ""));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("cannot be asked for at once"), "{}", ran.stderr());
}

#[test]
fn what_moves_is_limited_and_priced() {
    // Everybody's accounts are with A; balance alone would move most of them.
    let start = |extra: &str| {
        let project = project(&plan(extra, "").replace("tolerance = \"50%\"", "most = \"1000\""));
        let text = String::from_utf8(project.bytes("accounts.csv")).expect("text");
        let text = text.replace("d1,D", "d1,A").replace("d2,D", "d2,A");
        project.file("accounts.csv", text);
        project.file(
            "plans/field.toml",
            String::from_utf8(project.bytes("plans/field.toml"))
                .expect("text")
                .replace("move = \"1000\"\n", ""),
        );
        project
    };
    let eligible = "eligible = \"TRUE\"\n";
    let project = start(&format!("{eligible}move = \"0\""));
    let ran = project.run(&["territories", "balance"]).exits(0);
    assert!(ran.stderr().contains("2 of 11 accounts move"), "{}", ran.stderr());
    // 100 of 830 is 12.05 %: one may move.
    let project = start(&format!("{eligible}move = \"0\"\nmax_moved = {{ revenue = \"12.1%\" }}"));
    let ran = project.run(&["territories", "balance"]).exits(0);
    assert!(ran.stderr().contains("1 of 11 accounts move"), "{}", ran.stderr());
    let scored = lines(&project, &["territories", "score", "out/territories/assignment.parquet"]);
    assert!(scored.contains(&"revenue: % that changes hands,12.048".to_owned()), "{scored:?}");
    // Moving costs 4 km for each unit of revenue: 400 km, more than the 333 km that it would save.
    let project = start(&format!("{eligible}move = \"revenue * 4\""));
    let ran = project.run(&["territories", "balance"]).exits(0);
    assert!(ran.stderr().contains("0 of 11 accounts move"), "{}", ran.stderr());
    let project = start("move = \"0\"\nmax_moved = { revenu = \"12%\" }");
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("did you mean `revenue`?"), "{}", ran.stderr());
}

/// Three territories with accounts, and the four people.
fn seated(seats: &str) -> Project {
    let project = project(&format!(
        "version = 1\nkind = \"territories\"\nid = \"seats\"\nholders = \"territories\"\n[[measure]]\nname = \"revenue\"\nvalue = \"revenue\"\ntolerance = \"90%\"\n{seats}"
    ));
    let head = HEAD
        .replace("owner_id = \"owner\"\n", "owner_id = \"owner\"\nterritory_id = \"parent\"\n")
        .replace("parent_id = \"parent\"\n", "")
        + "[sources.territories]\nfiles = \"territories.csv\"\n[sources.territories.columns]\nterritory_id = \"id\"\nlatitude = \"latitude\"\nlongitude = \"longitude\"\nlanguage = { column = \"language\", type = \"text\" }\n";
    project.file("spm.toml", head);
    project
        .file("territories.csv", "id,latitude,longitude,language\nE,0,3,large\nM,0,1.6,large\nW,0,0,small\n");
    project.file(
        "accounts.csv",
        "id,owner,parent,segment,latitude,longitude,revenue\na1,B,W,small,0,0,100\na2,B,W,small,0,0,100\nb1,A,M,small,0,1,100\nc1,C,E,large,0,3,100\n",
    );
    project
}

#[test]
fn seats_go_to_people_at_the_least_cost() {
    // By distance alone: E to D (0), M to C (0.4 degrees), W to A (0).
    let project = seated("[seats]\n");
    let rows = lines(&project, &["territories", "seats", "today"]);
    let who = |rows: &[String]| -> Vec<String> {
        rows.iter().skip(1).map(|row| row.split(',').take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(who(&rows), ["E D", "M C", "W A"], "{rows:?}");
    // Without D, C comes to E (111 km) and B to M (66.7 km): 177.912 km instead of 44.478.
    assert_eq!(rows[1], "E,D,0.000,0.000,0.000,0.000,0.000,C,111.195,133.434,cheapest", "{rows:?}");
    // Whoever has the accounts keeps them when that is worth 300 km each; not everybody can.
    let project = seated("[seats]\nrelationship = \"300\"\n");
    let rows = lines(&project, &["territories", "seats", "today"]);
    assert_eq!(who(&rows), ["E C", "M A", "W B"], "{rows:?}");
    // AEs only: E to C, M to B. SE D is not asked.
    let project = seated("[seats]\npeople = \"role = 'AE'\"\n");
    let rows = lines(&project, &["territories", "seats", "today"]);
    assert_eq!(who(&rows), ["E C", "M B", "W A"], "{rows:?}");
    // Only A and B speak W's language, only C and D that of the others.
    let project =
        seated("[seats]\npeople = \"rep_id <> 'D'\"\nallowed = \"rep.segment = territory.language\"\n");
    let rows = lines(&project, &["territories", "seats", "today"]);
    assert_eq!(who(&rows), ["E ", "M C", "W A"], "{rows:?}");
    assert!(rows[1].ends_with("open: more seats than people who may have them"), "{rows:?}");
    let result: serde_json::Value =
        serde_json::from_slice(&project.bytes("out/seats/result.json")).expect("JSON");
    assert_eq!(
        (&result["filled"], &result["open"], &result["objective"]),
        (&2.into(), &1.into(), &"44.478".into())
    );
}

#[test]
fn seats_that_cannot_be_asked_about_are_faults() {
    let project = project(PLAN);
    let ran = project.run(&["territories", "seats", "today"]).exits(3);
    assert!(ran.stderr().contains("it has no [seats]"), "{}", ran.stderr());
    project.file("plans/field.toml", format!("{PLAN}[seats]\n"));
    let ran = project.run(&["territories", "seats", "today"]).exits(3);
    assert!(ran.stderr().contains("4 of 4 territories are people already"), "{}", ran.stderr());
    let project = seated("[seats]\npeople = \"FALSE\"\n");
    let ran = project.run(&["territories", "seats", "today"]).exits(3);
    assert!(ran.stderr().contains("3 territories and 0 people: nothing to fill"), "{}", ran.stderr());
}

#[test]
fn each_of_several_plans_has_results_of_its_own() {
    let project = project(PLAN);
    project.file("plans/overlay.toml", PLAN.replace("\"field\"", "\"overlay\"").replace("50%", "80%"));
    let ran = project.run(&["territories", "balance"]).exits(2);
    assert!(ran.stderr().contains("name one with --plan: field, overlay"), "{}", ran.stderr());
    let ran = project.run(&["territories", "balance", "--plan", "feld"]).exits(2);
    assert!(ran.stderr().contains("did you mean field?"), "{}", ran.stderr());
    project.run(&["-q", "territories", "balance", "--plan", "field"]).exits(0);
    project.run(&["-q", "territories", "--plan", "overlay", "balance"]).exits(0);
    project.run(&["-q", "territories", "map", "--plan", "overlay"]).exits(0);
    for id in ["field", "overlay"] {
        assert!(!project.bytes(&format!("out/territories/{id}/assignment.parquet")).is_empty());
    }
    assert!(!project.bytes("out/territories/overlay/map.html").is_empty());
}

const COVERAGE: &str = "[coverage]\npotential = \"revenue * 2\"\nsold = \"revenue\"\nsegment = \"segment\"\nvisits = \"CASE WHEN segment = 'large' THEN 12 ELSE 6 END\"\nhours = \"2.5\"\navailable = 45\n";

#[test]
fn the_market_is_sized_by_segment_and_territory() {
    let project = project(&plan("", COVERAGE));
    let rows = lines(&project, &["territories", "coverage"]);
    // 1,660 could be bought, half of it is. Large accounts take 30 hours, small ones 15: C and D have 60 hours of work each and
    // time for 45, so three quarters of their 800 are covered, all of the 800 of A and B, nothing of what nobody has.
    assert_eq!(rows[1], "all,,11,8,1660.00,1400.00,84.34,830.00,830.00,240.00,180.00,5.33", "{rows:?}");
    assert!(
        rows.contains(&"segment,large,5,4,820.00,600.00,73.17,410.00,410.00,150.00,,3.33".to_owned()),
        "{rows:?}"
    );
    assert!(
        rows.contains(&"territory,C,2,2,400.00,300.00,75.00,200.00,200.00,60.00,45.00,1.33".to_owned()),
        "{rows:?}"
    );
    assert!(rows.contains(&"nobody,,3,0,60.00,0.00,0.00,30.00,30.00,60.00,0.00,1.33".to_owned()), "{rows:?}");
    let ran = project.run(&["territories", "coverage"]).exits(0);
    assert!(
        ran.stderr().contains("of the market is covered; the work takes 5.3 people, 4 are there"),
        "{}",
        ran.stderr()
    );
    // 240 hours at 45: six territories.
    project.file("plans/field.toml", plan("territories = \"by workload\"", COVERAGE).replace("50%", "60%"));
    let ran = project.run(&["territories", "create"]).exits(0);
    assert!(
        ran.stderr().contains("240 hours of work at 45 for each seat: 6 territories"),
        "{}",
        ran.stderr()
    );
    assert!(ran.stderr().contains("11 accounts in 6 territories"), "{}", ran.stderr());
    let made = lines(&project, &["territories", "coverage", "out/territories/assignment.parquet"]);
    assert!(made[1].starts_with("all,,11,11,1660.00,"), "{made:?}");
    // What is sold may be a measure of the plan.
    project
        .file("plans/field.toml", plan("", &COVERAGE.replace("sold = \"revenue\"", "measure = \"revenue\"")));
    assert_eq!(lines(&project, &["territories", "coverage"]), rows);
    project
        .file("plans/field.toml", plan("", &COVERAGE.replace("sold = \"revenue\"", "measure = \"revenu\"")));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("did you mean `revenue`?"), "{}", ran.stderr());
    project.file("plans/field.toml", plan("territories = \"by workload\"", ""));
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("territories by workload need [coverage]"), "{}", ran.stderr());
    project.file("plans/field.toml", plan("", ""));
    let ran = project.run(&["territories", "coverage"]).exits(3);
    assert!(ran.stderr().contains("it has no [coverage]"), "{}", ran.stderr());
}

#[test]
fn bad_input_is_named() {
    // (file, from, to, exit code, words)
    let cases: &[(&str, &str, &str, i32, &str)] = &[
        (
            "accounts.csv",
            "a1,A,,small,0,0,100",
            "a1,A,,small,,,100",
            0,
            "1 of 11 accounts have no coordinates",
        ),
        ("accounts.csv", "a1,A,,small,0,0,100", "a1,A,,small,91.5,0,100", 3, "latitude"),
        (
            "accounts.csv",
            "a1,A,,small,0,0,100",
            "a1,A,,small,0,0,-100",
            3,
            "the load of an account is below zero, or beyond 64 bits: 1 time(s), first for account a1",
        ),
        (
            "accounts.csv",
            "a1,A,,small,0,0,100",
            "a1,A,,small,0,0,5000",
            4,
            "revenue: account a1 carries 5000, more than any territory may",
        ),
        ("accounts.csv", "a1,A,", "a1,Z,", 0, "accounts.owner_id are not in reps, such as `Z`"),
        (
            "plans/field.toml",
            "value = \"revenue\"",
            "value = \"revenue * 0\"",
            0,
            "`revenue` is zero for every account",
        ),
        (
            "plans/field.toml",
            "move = ",
            "eligible = \"FALSE\"\nmove = ",
            3,
            "11 accounts and 0 territories: nothing to divide",
        ),
        (
            "plans/field.toml",
            "move = ",
            "eligible = \"rep_id <> 'A'\"\nmove = ",
            0,
            "2 account(s) stand with somebody who takes no part, such as a1 with A",
        ),
        (
            "plans/field.toml",
            "move = ",
            "accounts = \"account_id IN ('a1', 'a2')\"\neligible = \"TRUE\"\nmove = ",
            4,
            "revenue: 2 account(s) carry something, and 4 territories must each have some",
        ),
    ];
    for (file, from, to, code, words) in cases {
        let project = project(PLAN);
        let text = String::from_utf8(project.bytes(file)).expect("text");
        assert!(text.contains(from), "{file}: {from}");
        project.file(file, text.replace(from, to));
        let ran = project.run(&["territories", "balance"]).exits(*code);
        assert!(ran.stderr().contains(words), "{to}: {}", ran.stderr());
    }
    // New York, where one account has the longitude first.
    let project = project(PLAN);
    project
        .file("reps.csv", "id,role,segment,latitude,longitude\nA,AE,small,40.7,-74\nB,AE,small,40.8,-74\n");
    project.file(
        "accounts.csv",
        "id,owner,parent,segment,latitude,longitude,revenue\na1,A,,small,-74,40.7,100\na2,A,,small,40.7,-74,100\nb1,B,,small,40.8,-74,100\nb2,B,,small,40.9,-74,100\n",
    );
    let ran = project.run(&["territories", "balance"]).exits(0);
    assert!(
        ran.stderr()
            .contains("1 account(s) look as if latitude and longitude were swapped, such as a1 at -74, 40.7"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn borders_are_drawn_where_there_are_some() {
    let project = project(PLAN);
    project.run(&["-q", "territories", "map", "today"]).exits(0);
    let page =
        |project: &Project| String::from_utf8(project.bytes("out/territories/map.html")).expect("text");
    // The Gulf of Guinea has no borders.
    assert!(!page(&project).contains("class=\"borders\""));
    let project = Project::adventureworks();
    project.run(&["-q", "territories", "map", "today"]).exits(0);
    assert!(page(&project).contains("class=\"borders\""));
    assert!(
        page(&project).contains("data-near="),
        "most stores are in North America: the page looks there first"
    );
}
