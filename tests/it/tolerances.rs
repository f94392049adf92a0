//! Tolerances that are wishes at a price, targets that are given, limits on moves of torn groups, and what they cost each other.

use super::project::Project;

/// Four accounts: 1 with r0, 10 with r1, wherever they stand.
fn four() -> Project {
    let project = Project::new();
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"T\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2026-01-01, years = 1 }\n\
             [sources.accounts]\nfiles = \"accounts.csv\"\ncolumns = { account_id = \"id\", owner_id = \"owner\", family = \"family\" }\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", capacity = \"capacity\", goal = { column = \"goal\", type = \"number\" } }\n\
             [sources.costs]\nfiles = \"costs.csv\"\ncolumns = { account_id = \"account\", territory_id = \"rep\", cost = \"cost\" }\n",
        )
        .file("accounts.csv", "id,owner,family\na0,r0,f\na1,r0,\na2,r1,f\na3,r1,\n")
        .file("reps.csv", "id,capacity,goal\nr0,1,3\nr1,3,1\n")
        .file(
            "costs.csv",
            "account,rep,cost\na0,r0,1\na0,r1,10\na1,r0,1\na1,r1,10\na2,r0,1\na2,r1,10\na3,r0,1\na3,r1,10\n",
        );
    project
}

/// Balances with a measure of accounts; returns cost, bound and how many accounts r0 has.
fn balanced(project: &Project, header: &str, measure: &str) -> (f64, f64, usize) {
    let plan = format!(
        "version = 1\nkind = \"territories\"\nid = \"t\"\ncost = \"cost\"\n{header}[[measure]]\nname = \"n\"\nvalue = \"1\"\n{measure}"
    );
    project.file("plans/t.toml", plan);
    project.run(&["-q", "territories", "balance"]).exits(0);
    let result: serde_json::Value =
        serde_json::from_slice(&project.bytes("out/territories/result.json")).expect("JSON");
    let scored =
        project.run(&["-q", "territories", "score", "out/territories/assignment.parquet", "--format", "csv"]);
    let scored = scored.exits(0).stdout();
    let number = |key: &str| result[key].as_f64().expect("a number");
    assert!(scored.contains(&format!("cost,{:.3}\n", number("objective"))), "{scored}");
    let rows = project.run(&["-q", "territories", "balance", "--format", "csv"]).exits(0).stdout();
    let of = rows.lines().find(|line| line.starts_with("r0,")).expect("r0");
    (number("objective"), number("bound"), of.split(',').nth(1).expect("accounts").parse().expect("a number"))
}

#[test]
fn a_priced_tolerance_is_broken_where_that_costs_less() {
    let project = four();
    // Two each cost 22. Everything with r0 costs 4, and both are 2 beyond their band: 4 times the price.
    for (price, cost, accounts) in [("4", 20.0, 4), ("4.4", 21.6, 4), ("5", 22.0, 2), ("0", 4.0, 4)] {
        let measure = format!("tolerance = \"0%\"\nprice = \"{price}\"\n");
        let (objective, bound, held) = balanced(&project, "move = 0\n", &measure);
        assert!((objective - cost).abs() < 1e-9 && bound <= objective, "{price}: {objective} {bound}");
        assert_eq!(held, accounts, "{price}");
    }
    // 1 beyond the band of 1 to 3 costs 2 for each of them.
    let (objective, ..) = balanced(&project, "move = 0\n", "tolerance = \"50%\"\nprice = \"2\"\n");
    assert!((objective - 8.0).abs() < 1e-9, "{objective}");
    let scored =
        project.run(&["-q", "territories", "score", "out/territories/assignment.parquet", "--format", "csv"]);
    let scored = scored.exits(0).stdout();
    assert!(scored.contains("n: cost of loads beyond the band,4.000\n"), "{scored}");
    // As a limit there is no answer, as a wish there is one.
    let locked = "locked = \"TRUE\"\nmove = 0\n";
    let plan = |measure: &str| {
        format!(
            "version = 1\nkind = \"territories\"\nid = \"t\"\ncost = \"cost\"\n{locked}[[measure]]\nname = \"n\"\nvalue = \"1\"\n{measure}"
        )
    };
    project.file("plans/t.toml", plan("target = \"goal\"\ntolerance = \"0%\"\n"));
    let told = project.run(&["territories", "balance"]).exits(4).stderr();
    assert!(told.contains("the accounts locked in r1 carry 2, more than 1"), "{told}");
    let (objective, ..) =
        balanced(&project, locked, "target = \"goal\"\ntolerance = \"0%\"\nprice = \"7\"\n");
    assert!((objective - 36.0).abs() < 1e-9, "22 and 1 beyond for each: {objective}");
    project.file("plans/t.toml", plan("tolerance = \"0%\"\nprice = \"-1\"\n"));
    let told = project.run(&["check"]).exits(1).stderr();
    assert!(told.contains("`price` must be zero or more"), "{told}");
}

#[test]
fn targets_are_equal_by_capacity_or_given() {
    let project = four();
    for (target, accounts, cost) in
        [("equal", 2, 22.0), ("capacity", 1, 31.0), ("goal", 3, 13.0), ("4 - goal", 1, 31.0)]
    {
        let measure = format!("target = \"{target}\"\ntolerance = \"0%\"\n");
        let (objective, bound, held) = balanced(&project, "move = 0\n", &measure);
        assert_eq!(held, accounts, "{target}");
        assert!((objective - cost).abs() < 1e-9 && bound <= objective, "{target}: {objective} {bound}");
    }
    project.file(
        "plans/t.toml",
        "version = 1\nkind = \"territories\"\nid = \"t\"\ncost = \"cost\"\nterritories = 2\n[[measure]]\nname = \"n\"\nvalue = \"1\"\ntarget = \"goal * 2\"\ntolerance = \"0%\"\n",
    );
    let told = project.run(&["territories", "balance"]).exits(4).stderr();
    assert!(
        told.contains("all accounts carry 4, which is outside what all territories may, 8 to 8"),
        "{told}"
    );
    let told = project.run(&["territories", "create"]).exits(3).stderr();
    assert!(told.contains("columns in `least`, `most` and `target`"), "{told}");
}

#[test]
fn a_torn_group_counts_what_moves_wherever_it_goes() {
    // a0 and a2 go together and stand with one each: whoever gets both, one account moves.
    let project = four();
    let costs = String::from_utf8(project.bytes("costs.csv")).expect("text");
    let costs = costs.replace("a0,r1,10", "a0,r1,1").replace("a2,r1,10", "a2,r1,0");
    project.file("costs.csv", costs);
    let header = "move = 0\nmax_moves = 1\ntogether = \"COALESCE(family, account_id)\"\n";
    let (objective, bound, held) = balanced(&project, header, "tolerance = \"50%\"\n");
    assert_eq!(held, 1, "both go to r1, where they cost less");
    assert!((objective - 12.0).abs() < 1e-9 && bound <= objective, "{objective} {bound}");
}

#[test]
fn a_frontier_is_a_table_and_a_picture() {
    let project = four();
    balanced(&project, "move = 4\n", "tolerance = \"50%\"\n");
    let arguments =
        ["-q", "territories", "frontier", "--tolerances", "2,0,1", "--moves", "0,1,9", "--format", "csv"];
    let rows = project.run(&arguments).exits(0).stdout();
    let expected = "tolerance x,price of a move,moves,\"moves, %\",cost without moves,\"mean distance, km\",\"deviation, %\",best,cost\n\
                    0.000,0.000,0,0.000,22.000,,0.000,true,22.000\n\
                    0.000,4.000,0,0.000,22.000,,0.000,true,22.000\n\
                    0.000,36.000,0,0.000,22.000,,0.000,true,22.000\n\
                    1.000,0.000,1,25.000,13.000,,50.000,true,13.000\n\
                    1.000,4.000,1,25.000,13.000,,50.000,true,17.000\n\
                    1.000,36.000,0,0.000,22.000,,0.000,true,22.000\n\
                    2.000,0.000,2,50.000,4.000,,100.000,true,4.000\n\
                    2.000,4.000,2,50.000,4.000,,100.000,true,12.000\n\
                    2.000,36.000,0,0.000,22.000,,0.000,true,22.000";
    // Beside the bound and the gap, which the smoothing of prices leaves a thousandth below.
    let first = |line: &str| line.rsplitn(3, ',').nth(2).unwrap_or_default().to_owned();
    let rows: Vec<String> = rows.replace(",\"gap, %\"", ",gap").lines().map(first).collect();
    assert_eq!(rows.join("\n"), expected);
    let page = String::from_utf8(project.bytes("out/territories/frontier.html")).expect("text");
    assert_eq!(page.matches("; a move at ").count(), 9, "a dot for each row");
    let picture = ["-q", "territories", "frontier", "--moves", "1", "--to", "out/f.svg"];
    project.run(&picture).exits(0);
    assert!(project.bytes("out/f.svg").starts_with(b"<svg "));
    let told = project.run(&["territories", "frontier", "--moves=-1"]).exits(2).stderr();
    assert!(told.contains("factors of zero or more"), "{told}");
}

#[test]
fn ways_from_the_middle_of_what_a_holder_has() {
    let project = Project::new();
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"T\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2026-01-01, years = 1 }\n\
             [sources.accounts]\nfiles = \"accounts.csv\"\ncolumns = { account_id = \"id\", latitude = \"lat\", longitude = \"lon\", owner_id = \"owner\" }\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\" }\n",
        )
        .file("reps.csv", "id\nr0\nr1\n")
        .file("accounts.csv", "id,lat,lon,owner\na0,40.0,-90,r0\na1,40.1,-90,r1\na2,40.2,-90,r0\nb0,45.0,-90,r1\nb1,45.1,-90,r1\nb2,45.2,-90,r0\n");
    let plan = "version = 1\nkind = \"territories\"\nid = \"t\"\nfrom = \"centre\"\nsquared = true\nmove = 0\n[[measure]]\nname = \"n\"\nvalue = \"1\"\ntolerance = \"0%\"\n";
    project.file("plans/t.toml", plan);
    let told = project.run(&["territories", "balance"]).exits(0).stderr();
    assert!(told.contains("2 of 6 accounts move"), "{told}");
    assert!(told.contains("no answer with these centres costs less"), "{told}");
    // Each town has a middle at 0.1 degrees from its ends: 4 x 11.12 km squared.
    let result: serde_json::Value =
        serde_json::from_slice(&project.bytes("out/territories/result.json")).expect("JSON");
    let cost = result["objective"].as_f64().expect("a number");
    assert!((cost - 4.0 * 11.1195 * 11.1195).abs() < 1.0, "{cost}");
    let own = "out/territories/assignment.parquet";
    let scored = project.run(&["-q", "territories", "score", own, "--format", "csv"]).exits(0).stdout();
    assert!(scored.contains(&format!("cost,{cost:.3}\n")), "{scored}");
    // Locks of the plan hold beside those that keep a centre at its account.
    let locked = plan.replace("move = 0", "move = 0\ncentre = \"account\"\nlocked = \"account_id = 'b2'\"");
    project.file("plans/t.toml", locked);
    let rows = project.run(&["-q", "territories", "balance", "--format", "csv"]).exits(0).stdout();
    assert!(rows.starts_with("territory_id,"), "{rows}");
    let scored = project.run(&["-q", "territories", "score", own, "--format", "csv"]).exits(0).stdout();
    assert!(scored.contains("feasible (1 = yes),1.000\n"), "{scored}");
    project.file("plans/t.toml", plan);
    project.run(&["-q", "territories", "balance"]).exits(0);
    project.run(&["-q", "territories", "map"]).exits(0);
    project.file("plans/t.toml", plan.replace("squared = true", "cost = \"cost\""));
    let told = project.run(&["check"]).exits(1).stderr();
    assert!(told.contains("cannot be added up"), "{told}");
}

#[test]
fn check_tells_what_balance_would() {
    let project = four();
    let header = "version = 1\nkind = \"territories\"\nid = \"t\"\ncost = \"cost\"\nmove = 0\n";
    let cases = [
        (
            "max_moves = 0\n",
            "target = \"goal\"\ntolerance = \"0%\"\n",
            1,
            "at least 1 accounts have to leave territories above their greatest loads, more than max_moves allows, 0",
        ),
        (
            "allowed = \"rep.rep_id = 'r0'\"\n",
            "tolerance = \"50%\"\n",
            1,
            "the accounts that may go nowhere but to r0 carry 4, more than 3",
        ),
        (
            "max_accounts = 1\n",
            "tolerance = \"50%\"\n",
            1,
            "max_accounts: all accounts carry 4, which is outside what all territories may, 0 to 2",
        ),
        ("", "tolerance = \"50\"\n", 0, "tolerance = \"50%\""),
    ];
    for (more, measure, code, words) in cases {
        project.file(
            "plans/t.toml",
            format!("{header}{more}[[measure]]\nname = \"n\"\nvalue = \"1\"\n{measure}"),
        );
        let told = project.run(&["check"]).exits(code).stderr();
        assert!(told.contains(words), "{words}: {told}");
    }
    let reps = String::from_utf8(project.bytes("reps.csv")).expect("text");
    project.file("reps.csv", reps.replace("r0,1,3", "r0,,3"));
    project.file(
        "plans/t.toml",
        format!(
            "{header}[[measure]]\nname = \"n\"\nvalue = \"1\"\ntarget = \"capacity\"\ntolerance = \"50%\"\n"
        ),
    );
    let told = project.run(&["check"]).exits(1).stderr();
    assert!(told.contains("capacity, which is empty or below zero for 1 of 2 holders, such as r0"), "{told}");
}

#[test]
fn a_lead_beyond_max_accounts_is_told_and_not_a_crash() {
    let project = four();
    project.file("accounts.csv", "id,owner,family\na0,r0,f\na1,r0,\na2,r1,f\na3,,\n");
    let plan = |rule: &str| {
        format!(
            "version = 1\nkind = \"territories\"\nid = \"t\"\ncost = \"cost\"\nmax_accounts = 2\n[[measure]]\nname = \"n\"\nvalue = \"1\"\ntolerance = \"100%\"\n[[rule]]\nname = \"r\"\nwhere = \"TRUE\"\n{rule}"
        )
    };
    project.file("plans/t.toml", plan("to = \"r0\"\n"));
    let told = project.run(&["territories", "assign"]).exits(0).stderr();
    assert!(told.contains("max_accounts of r0 comes to 3, more than 2"), "{told}");
    // A group of one person is not that person: it holds only where there is room.
    project.file("plans/t.toml", plan("among = \"rep_id = 'r0'\"\n"));
    project.run(&["territories", "assign"]).exits(4);
}
