//! What the ledger guards against: vanished extracts, a chain that is cut off, decisions that cannot stand, copies that
//! nobody may write, and ledgers of older versions.

use std::fs;
use std::process::Command;

use rusqlite::Connection;

use crate::ledger::{PLAN, PROJECT, add, contents, csv, plan, post, project};
use crate::project::{Project, Ran, root};

const DEALS: &str =
    "id,rep,date,amount,recorded\nd1,A,2027-01-05,800,2027-01-06\nd2,B,2027-02-05,300,2027-02-06\n";

/// The ledger's file, opened past its guards.
fn database(project: &Project) -> Connection {
    Connection::open(project.0.join(".spm/ledger.db")).expect("a database")
}

/// Runs a command of which each word is a word.
fn run(project: &Project, command: &str) -> Ran {
    project.run(&command.split(' ').collect::<Vec<_>>())
}

/// Runs a command that records something, at the start of a day.
fn record(project: &Project, command: &str, day: &str) -> Ran {
    run(project, &format!("{command} --recorded-at {day}T00:00:00Z"))
}

#[test]
fn what_is_gone_from_an_extract_is_named_and_not_taken_back_by_itself() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    // The extract of February was cut off before the rows of January.
    project.file("deals.csv", DEALS.replace("d1,A,2027-01-05,800,2027-01-06\n", ""));
    let refused = post(&project, "2027-02", "2027-03-01").exits(3).stderr();
    for words in
        ["SPM707", "1 of 1 transaction that posted periods rest on is gone: d1", "deals.csv", "--allow-gone"]
    {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert_eq!(csv(&project, &["ledger", "list"]).lines().count(), 2, "nothing was posted");
    // Everything that only looks warns and goes on; a dry run says what would happen.
    let run = project.run(&["comp", "run", "--period", "2027-02", "--dry-run"]).exits(0);
    assert!(run.stderr().contains("SPM707"), "{}", run.stderr());
    assert!(project.run(&["ledger", "diff"]).exits(1).stderr().contains("SPM707"));
    let dry = project.run(&["ledger", "post", "--period", "2027-02", "--dry-run"]).exits(1);
    assert!(
        dry.stderr().contains("would be refused") && dry.stdout().contains("2027-02"),
        "{}",
        dry.stderr()
    );
    let allowed = record(&project, "ledger post --period 2027-02 --allow-gone", "2027-03-02");
    assert!(allowed.exits(0).stderr().contains("SPM707"));
    let lines = csv(&project, &["ledger", "show", "--period", "2027-02"]);
    assert!(lines.contains("transaction d1 (c) in 2027-01 is gone, it was 800"), "{lines}");
    // What was accepted is not asked again.
    assert!(!post(&project, "2027-03", "2028-01-01").exits(0).stderr().contains("SPM707"));
}

#[test]
fn people_and_plans_that_are_gone_are_named_too() {
    let project = project();
    project.file("plans/q.toml", plan("q", "", ""));
    post(&project, "2027-01..2027-02", "2027-03-01").exits(0);
    // A deal that another person has, or that moved to another day, is not gone.
    project.file("deals.csv", DEALS.replace("d1,A,2027-01-05", "d1,B,2027-01-06"));
    assert!(!project.run(&["ledger", "diff"]).exits(1).stderr().contains("SPM707"));
    project.file("deals.csv", DEALS);
    fs::remove_file(project.0.join("plans/q.toml")).expect("the plan");
    project.file("reps.csv", "id,end\nA,\n");
    let refused = run(&project, "ledger post --period 2027-03").exits(3).stderr();
    for words in [
        "1 of 2 people that posted periods rest on is gone: B",
        "1 of 2 plans that posted periods rest on is gone: q",
    ] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
}

#[test]
fn a_chain_that_is_cut_off_is_noticed() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let older = project.bytes(".spm/ledger.db");
    post(&project, "2027-02", "2027-03-01").exits(0);
    let verified = run(&project, "-q ledger verify").exits(0).stdout();
    let head = verified.lines().next().and_then(|line| line.rsplit(' ').next()).expect("a hash").to_owned();
    let expect = |project: &Project| project.run(&["ledger", "verify", "--expect-head", &head]);
    assert!(expect(&project).exits(0).stdout().contains("expected hash: that of record 2; 0 sealed since"));
    post(&project, "2027-03", "2027-04-01").exits(0);
    assert!(expect(&project).exits(0).stdout().contains("expected hash: that of record 2; 1 sealed since"));

    // Somebody takes the guards away, and the last two postings.
    let cut = |project: &Project| {
        let database = database(project);
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%_no_DELETE'";
        let mut statement = database.prepare(sql).expect("sql");
        let names: Vec<String> = statement.query_map([], |row| row.get(0)).expect("rows").flatten().collect();
        for name in names {
            database.execute_batch(&format!("DROP TRIGGER {name}")).expect("dropped");
        }
        for table in ["line", "balance", "payment", "fact", "input", "file", "plan", "project", "posting"] {
            database.execute_batch(&format!("DELETE FROM {table} WHERE record > 1")).expect("deleted");
        }
        database.execute_batch("DELETE FROM record WHERE number > 1").expect("deleted");
    };
    cut(&project);
    for command in
        ["ledger verify", "ledger list", "ledger post --period 2027-02", "comp run --period 2027-02"]
    {
        let refused = run(&project, command).exits(1).stderr();
        assert!(
            refused.contains("SPM705") && refused.contains("ends with record 1, but 3 were sealed"),
            "{refused}"
        );
    }
    // Who cuts the head as well is found out by a hash that was kept elsewhere.
    fs::remove_file(project.0.join(".spm/ledger.head")).expect("the head");
    run(&project, "ledger verify").exits(0);
    let found = expect(&project).exits(1).stderr();
    assert!(found.contains("SPM705") && found.contains("no record has the hash"), "{found}");
    // The next record writes the head anew.
    post(&project, "2027-02", "2027-05-01").exits(0);
    assert!(String::from_utf8(project.bytes(".spm/ledger.head")).expect("text").starts_with("2 "));
    // An older copy in its place, or none at all.
    project.file(".spm/ledger.db", older);
    assert!(run(&project, "ledger list").exits(1).stderr().contains("or is an older copy"));
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(project.0.join(".spm").join(name));
    }
    let gone = run(&project, "ledger post --period 2027-01").exits(1).stderr();
    assert!(gone.contains("the ledger is gone: 2 record(s) were sealed"), "{gone}");
    project.file(".spm/ledger.head", "nonsense");
    assert!(
        run(&project, "ledger list").exits(1).stderr().contains("ledger.head is not a number and a hash")
    );
}

/// Commands that only read.
const READING: [&str; 9] = [
    "ledger list",
    "ledger show --period 2027-01",
    "ledger show --period 2027-01 --line 1",
    "ledger balances",
    "ledger reconcile",
    "ledger payments",
    "ledger journal",
    "ledger adjust list",
    "ledger diff",
];

#[test]
#[cfg(unix)]
fn a_copy_that_nobody_may_write_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |project: &Project, path: &str, mode: u32| {
        fs::set_permissions(project.0.join(path), fs::Permissions::from_mode(mode)).expect("permissions");
    };
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let before: Vec<String> = READING.map(|command| run(&project, command).exits(0).stdout()).into();
    let files = |project: &Project| {
        let mut names: Vec<_> = fs::read_dir(project.0.join(".spm"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    let there = files(&project);
    for (file, folder) in [(0o444, 0o755), (0o444, 0o555), (0o644, 0o555)] {
        mode(&project, ".spm/ledger.db", file);
        mode(&project, ".spm", folder);
        for (command, expected) in READING.iter().zip(&before) {
            assert_eq!(&run(&project, command).exits(0).stdout(), expected, "{command}");
        }
        run(&project, "ledger verify").exits(0);
        run(&project, "-q comp run --period 2027-02 --dry-run").exits(0);
        assert_eq!(files(&project), there, "nothing was written beside it");
        mode(&project, ".spm", 0o755);
    }
    // Records that are still in the log cannot be read in a folder that cannot be written: that is said, not left out. (Only
    // somebody for whom permissions count sees this.)
    mode(&project, ".spm/ledger.db", 0o644);
    fs::write(project.0.join(".spm/ledger.db-wal"), "not empty").expect("a log");
    mode(&project, ".spm", 0o555);
    let owner = Command::new("id").arg("-u").output().expect("id").stdout;
    if owner != b"0\n" {
        let refused = run(&project, "ledger list").exits(3).stderr();
        assert!(refused.contains("ledger.db-wal"), "{refused}");
    }
    mode(&project, ".spm", 0o755);
}

/// A project with a ledger that version 1 of the tables has, as the first spm wrote it.
fn older() -> Project {
    let project = project();
    fs::create_dir_all(project.0.join(".spm")).expect("a folder");
    let sql = fs::read_to_string(root().join("fixtures/ledger/version-1.sql")).expect("the fixture");
    database(&project).execute_batch(&sql).expect("a ledger");
    project
}

const OLD_HEAD: &str = "99c47106e94adcf19957518c6d7bb8c3d5b0d92716b5031f2518cd8976ae5485";

#[test]
fn a_newer_program_reads_and_brings_over_an_older_ledger() {
    let project = older();
    let verified = run(&project, "ledger verify").exits(0).stdout();
    assert!(verified.contains(&format!("chain: 6 records, last hash {OLD_HEAD}")), "{verified}");
    assert!(verified.contains("1 of 1 postings calculated again"), "{verified}");
    let version = |project: &Project| -> i64 {
        database(project).query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version")
    };
    run(&project, "ledger adjust list").exits(0);
    assert_eq!(version(&project), 1, "reading changes nothing");
    // The first thing that is recorded brings it over, and the chain goes on.
    record(&project, "ledger adjust withdraw 4 --reason unneeded --author kim", "2027-02-20").exits(0);
    assert_eq!(version(&project), 4);
    post(&project, "2027-02", "2028-01-01").exits(0);
    let verified = project.run(&["ledger", "verify", "--expect-head", OLD_HEAD]).exits(0).stdout();
    assert!(verified.contains("that of record 6; 2 sealed since"), "{verified}");
    let list = csv(&project, &["ledger", "adjust", "list"]);
    assert!(list.contains("3,A,2027-02,USD,12.50,forgotten bonus,kim,lee,,,,2027-02,,"), "{list}");
    assert!(list.contains("4,B,2027-02,USD,5.00,spare,kim,,,,,,kim,unneeded"), "{list}");
    // What was written before is still guarded.
    let changed = database(&project).execute_batch("DELETE FROM record");
    assert!(changed.expect_err("it only grows").to_string().contains("the ledger only grows"));
}

#[test]
fn killed_while_it_is_brought_over_an_older_ledger_is_one_or_the_other() {
    let arguments = ["-q", "ledger", "post", "--period", "2027-02", "--recorded-at", "2027-03-01T00:00:00Z"];
    let whole = older();
    whole.run(&arguments).exits(0);
    let full = contents(&whole);
    let mut point = 1;
    loop {
        let project = older();
        let status = Command::new(env!("CARGO_BIN_EXE_spm"))
            .current_dir(&project.0)
            .args(arguments)
            .env("SPM_TEST_CRASH_AT_WRITE", point.to_string())
            .output()
            .expect("the program starts")
            .status;
        if status.success() {
            break;
        }
        run(&project, "-q ledger verify").exits(0);
        project.run(&arguments).exits(0);
        assert_eq!(contents(&project), full, "point {point}");
        point += 1;
    }
    assert!(point > 10, "{point}");
}

/// Adds an adjustment of 100 for A.
fn adjust(project: &Project, period: &str, currency: &str) -> Ran {
    run(
        project,
        &format!(
            "ledger adjust add --rep A --period {period} --amount 100 --currency {currency} --reason why --author kim --recorded-at 2027-02-10T00:00:00Z"
        ),
    )
}

#[test]
fn adjustments_that_could_not_be_booked_are_refused() {
    let project = project();
    let unknown = adjust(&project, "2027-02", "EUR").exits(1).stderr();
    assert!(unknown.contains("nobody is paid in EUR here") && unknown.contains("pay in: USD"), "{unknown}");
    assert!(!project.0.join(".spm/ledger.db").exists(), "what is refused leaves no ledger behind");
    assert!(adjust(&project, "2029-02", "USD").exits(2).stderr().contains("SPM012"));
    post(&project, "2027-02", "2027-02-09").exits(0);
    let early = adjust(&project, "2027-01", "USD").exits(1).stderr();
    assert!(early.contains("2027-01 is before the ledger, which starts with 2027-02"), "{early}");
    adjust(&project, "2027-02", "USD").exits(0);
    let nobody = run(
        &project,
        "ledger adjust add --rep Z --period 2027-02 --amount 1 --reason why --author kim --dry-run",
    );
    let nobody = nobody.exits(0).stderr();
    assert!(nobody.contains("SPM706") && nobody.contains("reps.csv"), "{nobody}");
    // Taken in before anything is posted: the ledger cannot start after it.
    let fresh = crate::ledger::project();
    adjust(&fresh, "2027-01", "USD").exits(0);
    let refused = run(&fresh, "ledger post --period 2027-02").exits(1).stderr();
    assert!(
        refused.contains("adjustment 1 is for 2027-01, but the ledger would start with 2027-02"),
        "{refused}"
    );
    record(&fresh, "ledger adjust withdraw 1 --reason late --author kim", "2027-02-11").exits(0);
    post(&fresh, "2027-02", "2027-03-01").exits(0);
}

#[test]
fn a_first_posting_that_fails_leaves_no_ledger_behind() {
    let project = project();
    add(&project, "d3,A,2027-01-20,many,2027-01-21");
    run(&project, "ledger post --period 2027-01").exits(3);
    assert!(!project.0.join(".spm/ledger.db").exists());
    assert!(run(&project, "ledger list").exits(3).stderr().contains("SPM503"));
}

#[test]
fn an_adjustment_for_a_later_period_waits_for_it() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    adjust(&project, "2027-03", "USD").exits(0);
    record(&project, "ledger adjust approve 2 --approver lee", "2027-02-11").exits(0);
    let paid = |period: &str| {
        csv(&project, &["comp", "run", "--period", period, "--dry-run"]).lines().nth(1).expect("A").to_owned()
    };
    assert_eq!(paid("2027-02"), "A,2027-02,USD,50.00,0.00");
    post(&project, "2027-02", "2028-01-01").exits(0);
    assert!(
        csv(&project, &["ledger", "adjust", "list"])
            .contains("2,A,2027-03,USD,100.00,why,kim,lee,in force,,,,,")
    );
    // 100 above nothing earned, less the draw of February that is owed: 50 is the draw, and 50 recover.
    assert_eq!(paid("2027-03"), "A,2027-03,USD,50.00,0.00");
    post(&project, "2027-03", "2028-02-01").exits(0);
    let lines = csv(&project, &["ledger", "show", "--period", "2027-03", "--rep", "A"]);
    assert!(lines.contains("A,2027-03,adjustment,,2,USD,100.00,100.00,"), "{lines}");
    assert!(csv(&project, &["ledger", "adjust", "list"]).contains("kim,lee,in force,,,2027-03,,"));
}

#[test]
fn an_adjustment_can_be_withdrawn_until_it_is_booked() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let withdraw = |number: &str, author: &str| {
        let words = ["ledger", "adjust", "withdraw", number, "--reason", "wrong", "--author", author];
        project.run(&[&words[..], &["--recorded-at", "2027-02-12T00:00:00Z"]].concat())
    };
    assert!(withdraw("7", "kim").exits(1).stderr().contains("there is no adjustment 7"));
    for _ in 2..=4 {
        adjust(&project, "2027-02", "USD").exits(0);
    }
    // Rejected by somebody else before it is approved.
    withdraw("2", "zoe").exits(0);
    assert!(withdraw("2", "zoe").exits(1).stderr().contains("was withdrawn by zoe"));
    let approve = run(&project, "ledger adjust approve 2 --approver lee").exits(1).stderr();
    assert!(approve.contains("SPM706") && approve.contains("was withdrawn by zoe"), "{approve}");
    // Approved: its author and its approver may, nobody else.
    record(&project, "ledger adjust approve 3 --approver lee", "2027-02-12").exits(0);
    let other = withdraw("3", "zoe").exits(1).stderr();
    assert!(other.contains("kim or lee can withdraw it, zoe cannot"), "{other}");
    withdraw("3", " Lee").exits(0);
    record(&project, "ledger adjust approve 4 --approver lee", "2027-02-12").exits(0);
    post(&project, "2027-02", "2028-03-01").exits(0);
    let booked = withdraw("4", "kim").exits(1).stderr();
    assert!(booked.contains("is booked in 2027-02") && booked.contains("opposite amount"), "{booked}");
    let lines = csv(&project, &["ledger", "show", "--period", "2027-02"]);
    assert_eq!(lines.matches(",adjustment,").count(), 1, "only the one that stands: {lines}");
    run(&project, "ledger verify").exits(0);
    // Each withdrawal stays in the list, with who made it.
    let all = csv(&project, &["ledger", "adjust", "list"]);
    assert!(all.contains("zoe") && all.contains("Lee"), "{all}");
}

#[test]
fn who_has_no_line_gets_a_statement_too() {
    let project = project();
    // B sold nothing in January: the draw is all there is.
    let printed = run(&project, "-q comp statement --period 2027-01").exits(0).stdout();
    assert_eq!(printed, "A: 80.00 USD\nB: 50.00 USD\n");
    let page = String::from_utf8(project.bytes("out/statements/2027-01/B.html")).expect("text");
    assert!(page.contains("50.00 USD") && page.contains("draw advanced"), "{page}");
    let table = csv(&project, &["comp", "statement", "--period", "2027-01", "--rep", "B"]);
    assert_eq!(table, "payee_id,paid,file\nB,50.00 USD,B.html\n");
    run(&project, "comp statement --period 2027-01 --rep Z").exits(1);
}

#[test]
fn formats_are_what_was_asked_for() {
    let project = project();
    let check = csv(&project, &["check"]);
    assert!(check.starts_with("severity,code,place,message,hint\n"), "{check}");
    post(&project, "2027-01", "2027-02-01").exits(0);
    let verified = csv(&project, &["ledger", "verify"]);
    assert!(verified.starts_with("checked,found\nchain,\"1 records, last hash "), "{verified}");
    let json = run(&project, "-q ledger verify --format json").exits(0).stdout();
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["schema"], "spm.ledger-verify/1");
    let tree = run(&project, "ledger show --period 2027-01 --line 1 --format markdown").exits(0).stdout();
    assert!(tree.starts_with("```\n") && tree.ends_with("```\n"), "{tree}");
}

#[test]
fn without_a_ledger_a_period_alone_says_that_it_starts_at_nothing() {
    let project = project();
    let alone = run(&project, "comp run --period 2027-02 --dry-run").exits(0).stderr();
    assert!(alone.contains("SPM708") && alone.contains("--period 2027-01..2027-02"), "{alone}");
    for quiet in ["comp run --period 2027-01 --dry-run", "comp run --period 2027-01..2027-02 --dry-run"] {
        assert!(!run(&project, quiet).exits(0).stderr().contains("SPM708"), "{quiet}");
    }
    post(&project, "2027-01", "2027-02-01").exits(0);
    assert!(!run(&project, "comp run --period 2027-02 --dry-run").exits(0).stderr().contains("SPM708"));
    // A plan that says nothing about balances starts at nothing anyway.
    let plain = crate::ledger::project();
    plain.file("plans/p.toml", plan("p", "", ""));
    assert!(!run(&plain, "comp run --period 2027-02 --dry-run").exits(0).stderr().contains("SPM708"));
}

#[test]
fn a_refund_counts_from_its_own_date_on() {
    let project = project();
    let text = PROJECT.replace("recorded_at = ", "refund_of = \"of\", recorded_at = ");
    let tiers =
        PLAN.replace("window = \"year-to-date\"\n", "").split("[draw]").next().expect("a plan").to_owned();
    project.file("spm.toml", text).file("plans/p.toml", &tiers).file(
        "deals.csv",
        "id,rep,date,amount,recorded,of\nd1,A,2027-01-05,1500,2027-01-06,\nd2,A,2027-02-05,2000,2027-02-06,\nr1,A,2027-03-10,-600,2027-03-11,d1\n",
    );
    post(&project, "2027-01", "2027-02-01").exits(0);
    // Both at once: February ended before the refund and does not know it; March takes it back at the rates of January.
    post(&project, "2027-02..2027-03", "2027-04-01").exits(0);
    assert!(!csv(&project, &["ledger", "show", "--period", "2027-02"]).contains("2027-01"));
    let lines = csv(&project, &["ledger", "show", "--period", "2027-03"]);
    assert!(
        lines.contains(
            "A,2027-01,earning,p,new,USD,-110.00,-110.00,transaction r1 (c) in 2027-01 is new: -600"
        ),
        "{lines}"
    );
    run(&project, "ledger verify").exits(0);
    let range =
        csv(&project, &["comp", "run", "--period", "2027-01..2027-03", "--table", "earnings", "--dry-run"]);
    assert!(range.contains(",90.00,"), "January without what was taken back: {range}");
    project.file("plans/p.toml", tiers.replace("id = \"p\"\n", "id = \"p\"\nrefunds = \"current\"\n"));
    let range =
        csv(&project, &["comp", "run", "--period", "2027-01..2027-03", "--table", "earnings", "--dry-run"]);
    assert!(range.contains(",-60.00,"), "March bears it: {range}");
}

#[test]
fn without_a_ledger_a_refund_is_taken_back_by_the_run_that_has_its_date() {
    let project = project();
    let text = PROJECT.replace("recorded_at = ", "refund_of = \"of\", recorded_at = ");
    let flat = PLAN.split("tiers").next().expect("a plan").to_owned() + "rate = \"10%\"\n";
    project.file("spm.toml", text).file(
        "deals.csv",
        "id,rep,date,amount,recorded,of\nd1,A,2027-01-05,1500,2027-01-06,\nd2,A,2027-03-05,2000,2027-02-06,\nr1,A,2027-03-10,-600,2027-03-11,d1\n",
    );
    for window in ["window = \"year-to-date\"\n", ""] {
        project.file("plans/p.toml", flat.replace("window = \"year-to-date\"\n", window));
        let paid = |period: &str| csv(&project, &["comp", "run", "--period", period, "--dry-run"]);
        // Nobody corrects January afterwards, so March bears it; a range corrects January itself. Either way 290 in all.
        assert!(paid("2027-01").contains("A,2027-01,USD,150.00,"), "{window}{}", paid("2027-01"));
        assert!(paid("2027-03").contains("A,2027-03,USD,140.00,"), "{window}{}", paid("2027-03"));
        let range = paid("2027-01..2027-03");
        assert!(range.contains("A,2027-01,USD,90.00,"), "{window}{range}");
        assert!(range.contains("A,2027-03,USD,200.00,"), "{window}{range}");
    }
}
