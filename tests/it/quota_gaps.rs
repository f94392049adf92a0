//! What quotas rest on and is not there: told by `spm check`, before anything is allocated, and again by `allocate`.

use crate::project::Project;

/// Four people of one region; what the plan says is `plan`, what the table quotas has is `last`.
fn acme(plan: &str, last: &str) -> Project {
    let project = Project::new();
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2026-01-01, years = 2 }\n\
             [sources.reps]\nfiles = \"reps.csv\"\n[sources.reps.columns]\nrep_id = \"id\"\nmanager_id = \"boss\"\nhire_date = \"hired\"\n\
             region = { column = \"region\", type = \"text\" }\nsold = { column = \"sold\", type = \"number\" }\n\
             [sources.accounts]\nfiles = \"accounts.csv\"\ncolumns = { account_id = \"id\", owner_id = \"owner\", market = { column = \"market\", type = \"number\" } }\n\
             [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n\
             [sources.quotas]\nfiles = \"last.csv\"\ncolumns = { holder_id = \"holder\", period = \"period\", amount = \"amount\", measure = \"measure\" }\n",
        )
        .file("reps.csv", "id,boss,hired,region,sold\nA,,2020-01-01,east,100\nB,,2020-01-01,east,\nC,,2027-01-01,east,50\n")
        .file("accounts.csv", "id,owner,market\nx,A,500\ny,B,\nz,C,200\nw,,\n")
        .file("deals.csv", "id,rep,date,amount\n1,A,2026-03-01,100\n2,Z,2026-03-01,40\n")
        .file("last.csv", format!("holder,period,amount,measure\n{last}"))
        .file(
            "plans/q.toml",
            format!("version = 1\nkind = \"quotas\"\nid = \"q\"\ntotal = \"200\"\n{plan}\n[[phasing]]\nperiod = \"2027-Q1\"\n"),
        );
    project
}

/// Both commands warn of it once, and go on.
#[track_caller]
fn warns(plan: &str, last: &str, words: &str) {
    let project = acme(plan, last);
    for command in [&["check"][..], &["quotas", "allocate"]] {
        let stderr = project.run(command).exits(0).stderr();
        assert_eq!(stderr.matches(words).count(), 1, "{command:?}: {words}\n{stderr}");
    }
}

/// Both commands refuse it.
#[track_caller]
fn refuses(project: &Project, code: &str, words: &str) {
    for (command, exit) in [(&["check"][..], 1), (&["quotas", "allocate"], 3)] {
        let stderr = project.run(command).exits(exit).stderr();
        assert!(stderr.contains(code) && stderr.contains(words), "{command:?}: {code} {words}\n{stderr}");
    }
}

const LAST: &str =
    "method = \"last-quota\"\n[history]\nvalue = \"COALESCE(sold, 0)\"\n[last_quota]\nperiods = [\"2026\"]\n";

#[test]
fn what_is_empty_counts_as_zero_and_is_told() {
    let history = "[history]\nvalue = \"sold\"\n";
    let share = "method = \"weighted-share\"\n";
    warns(&format!("method = \"history\"\n{history}"), "", "the history of B is empty and counts as zero");
    let value = format!("{share}[history]\nvalue = \"COALESCE(sold, 1)\"\n[potential]\nvalue = \"sold\"\n");
    warns(&value, "", "the potential of B is empty and counts as zero");
    let accounts =
        format!("{share}[history]\nvalue = \"COALESCE(sold, 1)\"\n[potential]\naccounts = \"market\"\n");
    warns(&accounts, "", "the potential of account y is empty and counts as zero");
    let below = "method = \"equal\"\n[bottom_up]\nvalue = \"sold\"\npolicy = \"meet\"\n";
    warns(below, "", "the amount from below of B is empty and counts as zero");
    // A row that is missing, and one without an amount; C came later and had none.
    warns(LAST, "A,2026-Q1,100,\n", "the last quota of B is empty and counts as zero");
    warns(LAST, "A,2026-Q1,100,\nB,2026-Q1,,\n", "the last quota of B is empty and counts as zero");
    // Somebody else's sales are seen by `check` as well.
    let sold = "method = \"history\"\n[history]\nfrom = 2026-01-01\nto = 2027-01-01\n";
    warns(sold, "", "40 of the history belongs to Z, who gets no quota");
    // What is said on purpose is not warned of.
    let project = acme(LAST, "A,2026-Q1,100,\nB,2026-Q1,0,\n");
    assert!(!project.run(&["check"]).exits(0).stderr().contains("SPM424"));
}

#[test]
fn who_is_never_there_is_told_however_dates_count() {
    for (keys, what) in [("", "counted for all of the year"), ("proration = \"time\"\n", "without a quota")] {
        let project = acme(&format!("method = \"equal\"\n{keys}"), "");
        project.file("spm.toml", project_with_end(&project));
        project.file(
            "reps.csv",
            "id,boss,hired,ended,region,sold\nA,,2027-02-01,2027-01-05,east,1\nB,,2020-01-01,2025-01-01,east,1\nC,,2029-01-01,,east,1\nD,,,,east,1\n",
        );
        let told = project.run(&["check"]).exits(0).stderr();
        let words = format!(
            "no period of plan `q` (2027-01-01 to 2027-04-01) has 3 salespeople, such as A, by hire_date and end_date: {what}"
        );
        assert!(told.contains(&words), "{told}");
    }
}

fn project_with_end(project: &Project) -> String {
    let text = String::from_utf8(project.bytes("spm.toml")).expect("text");
    text.replace("hire_date = \"hired\"\n", "hire_date = \"hired\"\nend_date = \"ended\"\n")
}

#[test]
fn histories_below_zero_and_weights_that_are_empty_are_told() {
    let sold = "method = \"history\"\n[history]\nfrom = 2026-01-01\nto = 2027-01-01\n";
    let project = acme(sold, "");
    project.file(
        "deals.csv",
        "id,rep,date,amount\n1,A,2026-03-01,100\n2,B,2026-03-01,-40\n3,C,2026-03-01,100\n",
    );
    for command in [&["check"][..], &["quotas", "allocate"]] {
        let told = project.run(command).exits(0).stderr();
        assert_eq!(
            told.matches("the history of B is below zero, by refunds, and counts as zero").count(),
            1,
            "{told}"
        );
    }
    warns("method = \"weight\"\nweight = \"sold\"\n", "", "the weight of B is empty and counts as zero");
    // Where every line states its own weight the plan needs none; one that is nobody's is cited at the line.
    let lines = |old: &str| {
        acme(
            &format!(
                "method = \"weight\"\n[[line]]\nname = \"new\"\nweight = \"COALESCE(sold, 0)\"\n[[line]]\nname = \"old\"\ntotal = 30\nweight = \"{old}\"\n"
            ),
            "",
        )
    };
    let shown = lines("1").run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
    assert!(shown.contains("A,salesperson,Acme,old,2027-Q1,10.00"), "{shown}");
    let stderr = lines("COALESCE(sold, 0) * 0").run(&["quotas", "allocate"]).exits(4).stderr();
    assert!(stderr.contains("old: 30 is left, but the weight of everybody below it is 0"), "{stderr}");
    assert!(stderr.contains("| weight = \"COALESCE(sold, 0) * 0\""), "{stderr}");
}

#[test]
fn amounts_that_results_cannot_hold_are_refused() {
    let project = acme("method = \"equal\"\n", "");
    let plan = String::from_utf8(project.bytes("plans/q.toml")).expect("text");
    project.file("plans/q.toml", plan.replace("total = \"200\"", "total = \"90000000000000000\""));
    refuses(&project, "SPM402", "Acme: the amount has more than 18 digits");
}

#[test]
fn the_history_of_a_part_of_the_days_counts_for_all_of_them() {
    // C was there from 1 October 2026: 92 of 365 days.
    let keys = |more: &str| {
        format!(
            "method = \"history\"\nfloor = \"50%\"\n[history]\nfrom = 2026-01-01\nto = 2027-01-01\n{more}"
        )
    };
    let of = |keys: &str| {
        let project = acme(keys, "");
        project.file("reps.csv", "id,boss,hired,region,sold\nA,,2020-01-01,east,1\nC,,2026-10-01,east,1\n");
        project.file("deals.csv", "id,rep,date,amount\n1,A,2026-03-01,365\n2,C,2026-11-01,92\n");
        project.run(&["-q", "quotas", "allocate", "--format", "csv"])
    };
    assert!(of(&keys("")).exits(4).stderr().contains("SPM501"));
    let shown =
        of(&keys("annualise = true\n").replace("floor = \"50%\"\n", "floor = \"25%\"\n")).exits(0).stdout();
    assert!(
        shown.contains("A,salesperson,Acme,quota,2027-Q1,100.00")
            && shown.contains("C,salesperson,Acme,quota,2027-Q1,100.00"),
        "{shown}"
    );
    let by = of(&keys("annualise = true\nby = \"owner_id\"\n")).exits(3).stderr();
    assert!(by.contains("SPM304") && by.contains("`owner_id` names who has the account today"), "{by}");
}

#[test]
fn last_quotas_of_another_name_are_a_fault() {
    let other = acme(LAST, "A,2026-Q1,100,sales\nB,2026-Q1,100,sales\n");
    refuses(&other, "SPM404", "the table quotas has no quota `quota` in 2026");
    assert!(other.run(&["check"]).stderr().contains("its quotas are: sales"));
    refuses(&acme(LAST, "A,2027-Q1,100,\n"), "SPM404", "name the periods of the last quotas");
}

#[test]
fn two_plans_of_one_quota_loops_and_names_used_twice() {
    let equal = "method = \"equal\"\n";
    let twice = acme(equal, "");
    let plan = String::from_utf8(twice.bytes("plans/q.toml")).expect("text");
    twice.file("plans/r.toml", plan.replace("id = \"q\"", "id = \"r\""));
    refuses(&twice, "SPM009", "the plans `q` and `r` both give quotas named `quota`");
    let people = |rows: &str| format!("id,boss,hired,region,sold\n{rows}");
    let managed = acme("method = \"equal\"\nmanagers = 2027-01-01\n", "");
    managed.file("reps.csv", people("A,B,2020-01-01,east,1\nB,A,2020-01-01,east,1\n"));
    refuses(&managed, "SPM405", "lead back to A: A, who reports to B, who reports to A");
    refuses(&managed, "SPM405", "reps.csv: row ");
    let regions = acme("method = \"equal\"\nlevels = [\"region\"]\n", "");
    regions.file("reps.csv", people("e,,2020-01-01,e,1\nB,,2020-01-01,e,1\n"));
    refuses(&regions, "SPM009", "e would be the name of a region in Acme and of a salesperson in e");
}
