//! The ledger as a user has it: posting, corrections, decisions, and what happens when something breaks.

use std::process::{Command, Stdio};

use crate::project::{Project, Ran};

pub(crate) const PROJECT: &str = "version = 1
name = \"A\"
currency = \"USD\"
calendar = { pattern = \"months\", start = 2027-01-01, years = 2 }
[sources.reps]
files = \"reps.csv\"
columns = { rep_id = \"id\", end_date = \"end\" }
[sources.transactions]
files = \"deals.csv\"
columns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\", recorded_at = \"recorded\" }
[ledger]
payments = { \"Employee\" = \"creditor\", \"Gross\" = \"amount\", \"Ref\" = \"reference\" }
accounts = { expense = \"6100\" }
capitalise = [{ plan = \"p\", component = \"new\", months = 24 }]
";

pub(crate) const PLAN: &str = "version = 1
kind = \"comp\"
id = \"p\"
[[credit]]
name = \"c\"
[[measure]]
name = \"m\"
credits = [\"c\"]
window = \"year-to-date\"
[[component]]
name = \"new\"
measure = \"m\"
pay = \"per-unit\"
tiers = { on = \"amount\", steps = [{ from = \"0\", rate = \"10%\" }, { from = \"1000\", rate = \"20%\" }] }
[draw]
type = \"recoverable\"
amount = \"50\"
";

pub(crate) fn project() -> Project {
    let project = Project::new();
    project.file("spm.toml", PROJECT).file("plans/p.toml", PLAN).file("reps.csv", "id,end\nA,\nB,\n").file(
        "deals.csv",
        "id,rep,date,amount,recorded\nd1,A,2027-01-05,800,2027-01-06\nd2,B,2027-02-05,300,2027-02-06\n",
    );
    project
}

pub(crate) fn add(project: &Project, row: &str) {
    let mut deals = String::from_utf8(project.bytes("deals.csv")).expect("text");
    deals += row;
    deals += "\n";
    project.file("deals.csv", deals);
}

pub(crate) fn post(project: &Project, period: &str, day: &str) -> Ran {
    let moment = format!("{day}T08:00:00Z");
    project.run(&["-q", "ledger", "post", "--period", period, "--recorded-at", &moment, "--format", "csv"])
}

pub(crate) fn csv(project: &Project, arguments: &[&str]) -> String {
    project.run(&[&["-q"], arguments, &["--format", "csv"]].concat()).exits(0).stdout()
}

#[test]
fn posting_twice_is_posting_once() {
    let project = project();
    let first = post(&project, "2027-01", "2027-02-01").exits(0).stdout();
    assert_eq!(
        first,
        "payee_id,period,currency,amount,held\nA,2027-01,USD,80.00,0.00\nB,2027-01,USD,50.00,0.00\n"
    );
    let list = csv(&project, &["ledger", "list"]);
    assert!(list.contains("1,posting,2027-01,2027-02-01T08:00:00Z,") && list.contains(",1,0,2,"), "{list}");
    let again = project.run(&["ledger", "post", "--period", "2027-01"]).exits(0);
    assert!(again.stderr().contains("posted already"), "{}", again.stderr());
    add(&project, "d9,A,2027-01-06,10,2027-02-03");
    post(&project, "2027-01", "2027-02-02").exits(0);
    assert_eq!(csv(&project, &["ledger", "list"]), list, "a changed extract does not post a period again");
}

#[test]
fn a_dry_run_shows_what_would_be_posted_and_writes_nothing() {
    let project = project();
    let dry = csv(&project, &["ledger", "post", "--period", "2027-01", "--dry-run"]);
    assert!(!project.0.join(".spm").exists());
    assert_eq!(post(&project, "2027-01", "2027-02-01").exits(0).stdout(), dry);
}

#[test]
fn corrections_name_their_transaction_and_show_both_explanations() {
    let project = project();
    post(&project, "2027-Q1", "2027-04-01").exits(0);
    add(&project, "d3,A,2027-01-20,300,2027-04-10");
    let deltas = csv(&project, &["comp", "run", "--period", "2027-04", "--table", "deltas", "--dry-run"]);
    assert_eq!(
        deltas,
        "period,payee_id,origin,kind,plan_id,component,currency,earned,payable,cause\n2027-04,A,2027-01,earning,p,new,USD,40.00,40.00,transaction d3 (c) in 2027-01 is new: 300\n"
    );
    // In the run for the open period they are part of the payment: 40, topped up to the draw of 50.
    let payments = csv(&project, &["comp", "run", "--period", "2027-04", "--dry-run"]);
    assert!(payments.contains("A,2027-04,USD,50.00,0.00"), "{payments}");
    let diff = project.run(&["ledger", "diff", "--format", "csv"]).exits(1);
    assert_eq!(diff.stdout(), deltas);
    post(&project, "2027-04", "2027-05-01").exits(0);
    project.run(&["ledger", "diff"]).exits(0);
    let shown = project.run(&["ledger", "show", "--period", "2027-04", "--line", "1"]).exits(0).stdout();
    for words in [
        "because: transaction d3",
        "new, 2027-01: change: 40.00 USD",
        "as it was booked before",
        "plans/p.toml",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Corrected once, and taken back the same way: an equal negative entry.
    let deals = String::from_utf8(project.bytes("deals.csv")).expect("text");
    project.file("deals.csv", deals.replace("d3,A,2027-01-20,300,2027-04-10\n", ""));
    let deltas = csv(&project, &["comp", "run", "--period", "2027-05", "--table", "deltas", "--dry-run"]);
    assert!(
        deltas.contains("-40.00,-40.00,\"transaction d3 (c) in 2027-01 is gone, it was 300\""),
        "{deltas}"
    );
}

#[test]
fn a_changed_plan_a_transfer_and_a_leaver_are_named() {
    let project = project();
    post(&project, "2027-01..2027-02", "2027-03-01").exits(0);
    project.file("plans/p.toml", PLAN.replace("10%", "11%"));
    project.file(
        "deals.csv",
        "id,rep,date,amount,recorded\nd1,B,2027-01-05,800,2027-01-06\nd2,B,2027-02-05,300,2027-02-06\n",
    );
    let deltas = csv(&project, &["comp", "run", "--period", "2027-03", "--table", "deltas", "--dry-run"]);
    for words in [
        "A,2027-01,earning,p,new,USD,-80.00,-80.00,\"transaction d1 (c) in 2027-01 moved to B, it was 800; the plan p was changed\"",
        "B,2027-01,earning,p,new,USD,88.00,88.00,transaction d1 (c) in 2027-01 moved from A: 800; the plan p was changed",
    ] {
        assert!(deltas.contains(words), "{deltas}");
    }
    assert!(deltas.contains("B,2027-02,earning,p,new,USD"), "the cascade through the year to date: {deltas}");
}

#[test]
fn verify_checks_the_chain_and_calculates_again() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let good = project.run(&["ledger", "verify"]).exits(0).stdout();
    assert!(good.contains("chain: 2 records") && good.contains("2 of 2 postings calculated again"), "{good}");
    add(&project, "d3,A,2027-01-20,300,2027-03-10");
    let changed = project.run(&["ledger", "verify"]).exits(0).stdout();
    // January rests on a deal that was recorded after its posting; February on what the extract still has.
    assert!(changed.contains("1 of 2 postings calculated again"), "{changed}");
}

#[test]
fn adjustments_need_two_people_and_disputes_end_in_one() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    project.file("mail.txt", "please");
    let opened =
        ["dispute", "open", "--period", "2027-01", "--line", "1", "--reason", "too little", "--author", "A"];
    let at = |day: &'static str| ["--recorded-at", day];
    project.run(&[&opened[..], &at("2027-02-02T00:00:00Z")].concat()).exits(0);
    let adjust = [
        "ledger",
        "adjust",
        "add",
        "--rep",
        "A",
        "--period",
        "2027-02",
        "--amount",
        "12.50",
        "--reason",
        "forgotten bonus",
        "--author",
        "kim",
        "--evidence",
        "mail.txt",
    ];
    assert_eq!(project.run(&[&adjust[..], &at("2027-02-03T00:00:00Z")].concat()).exits(0).stdout(), "3\n");
    let before = csv(&project, &["comp", "run", "--period", "2027-02", "--dry-run"]);
    let own = project.run(&["ledger", "adjust", "approve", "3", "--approver", "kim"]).exits(1);
    assert!(own.stderr().contains("SPM706") && own.stderr().contains("somebody else"), "{}", own.stderr());
    let approve = ["ledger", "adjust", "approve", "3", "--approver", "lee"];
    project.run(&[&approve[..], &at("2027-02-04T00:00:00Z")].concat()).exits(0);
    project.run(&approve).exits(1);
    let resolve =
        ["dispute", "resolve", "2", "--answer", "you are right", "--adjustment", "3", "--author", "lee"];
    project.run(&[&resolve[..], &at("2027-02-05T00:00:00Z")].concat()).exits(0);
    let after = csv(&project, &["comp", "run", "--period", "2027-02", "--dry-run"]);
    assert!(
        before.contains("A,2027-02,USD,50.00") && after.contains("A,2027-02,USD,50.00"),
        "{before}{after}"
    );
    post(&project, "2027-02", "2027-03-01").exits(0);
    let list = csv(&project, &["ledger", "adjust", "list"]);
    assert!(
        list.contains("3,A,2027-02,USD,12.50,forgotten bonus,kim,lee,in force,mail.txt,")
            && list.trim_end().ends_with(",2027-02,,,"),
        "{list}"
    );
    let disputes = csv(&project, &["dispute", "list"]);
    assert!(disputes.contains("you are right,3,lee,lee"), "{disputes}");
    let lines = csv(&project, &["ledger", "show", "--period", "2027-02"]);
    assert!(lines.contains("A,2027-02,adjustment,,3,USD,12.50,12.50"), "{lines}");
    project.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn as_of_a_day_gives_the_run_of_that_day() {
    let project = project();
    let january = csv(&project, &["comp", "run", "--period", "2027-01", "--dry-run"]);
    post(&project, "2027-01", "2027-02-01").exits(0);
    let february = csv(&project, &["comp", "run", "--period", "2027-02", "--dry-run"]);
    add(&project, "d3,A,2027-01-20,3000,2027-02-20");
    assert_ne!(csv(&project, &["comp", "run", "--period", "2027-02", "--dry-run"]), february);
    let asked = |period: &str, day: &str| {
        csv(&project, &["comp", "run", "--period", period, "--as-of", day, "--dry-run"])
    };
    assert_eq!(asked("2027-02", "2027-02-19"), february);
    post(&project, "2027-02", "2027-03-01").exits(0);
    assert_eq!(asked("2027-02", "2027-02-19"), february, "the ledger as it stood, too");
    assert_eq!(asked("2027-01", "2027-01-31"), january);
}

#[test]
fn what_payroll_and_the_general_ledger_get() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let payroll = csv(&project, &["ledger", "payments", "--period", "2027-01"]);
    assert_eq!(payroll, "Employee,Gross,Ref\nA,80.00,2027-01/A/USD\nB,50.00,2027-01/B/USD\n");
    let text = String::from_utf8(project.bytes("spm.toml")).expect("text");
    project.file("spm.toml", text.replace("\"Ref\" =", "\"Day\" = \"execution_date\", \"Ref\" ="));
    let payments = ["ledger", "payments", "--period", "2027-01"];
    assert!(project.run(&payments).exits(2).stderr().contains("add --execution-date DATE"));
    let payroll = csv(&project, &[&payments[..], &["--execution-date", "2027-02-15"]].concat());
    assert!(payroll.contains("A,80.00,2027-02-15,2027-01/A/USD\n"), "{payroll}");
    project.file("spm.toml", text);
    // 80.00 over 24 months: 3.33 a month.
    let journal = csv(&project, &["ledger", "journal", "--period", "2027-01"]);
    assert_eq!(
        journal,
        "period,account,currency,debit,credit,text\n2027-01,capitalised commission,USD,76.67,,p earned in 2027-01\n2027-01,amortization of commission,USD,3.33,,p earned in 2027-01\n2027-01,payroll clearing,USD,,130.00,paid\n2027-01,draws receivable,USD,50.00,,change of balances\n"
    );
    let reconciled = csv(&project, &["ledger", "reconcile", "--period", "2027-02"]);
    assert!(reconciled.contains("B,USD,-50.00,30.00,0.00,0.00,0.00,0.00,0.00,-50.00,-70.00"), "{reconciled}");
    project.run(&["ledger", "export", "audit", "--csv"]).exits(0);
    let lines = String::from_utf8(project.bytes("audit/line.csv")).expect("text");
    assert!(lines.contains("1,1,A,USD,2027-01,earning,p,new,80.00,80.00"), "{lines}");
    project.run(&["ledger", "export", "parquet"]).exits(0);
    assert!(project.bytes("parquet/fact.parquet").starts_with(b"PAR1"));
}

/// The ledger's tables as text, or why they cannot be read.
pub(crate) fn contents(project: &Project) -> String {
    let export = project.run(&["-q", "ledger", "export", "copy", "--csv"]);
    let mut all = export.stderr();
    for name in ["record", "line", "balance", "payment", "fact", "plan"] {
        if let Ok(bytes) = std::fs::read(project.0.join(format!("copy/{name}.csv"))) {
            all += &String::from_utf8_lossy(&bytes);
        }
    }
    let _ = std::fs::remove_dir_all(project.0.join("copy"));
    all
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of points is the report")]
fn killed_at_any_write_a_posting_is_complete_or_absent() {
    let arguments = |period: &'static str, moment: &'static str| {
        ["-q", "ledger", "post", "--period", period, "--recorded-at", moment]
    };
    let mut points = 0;
    for (period, moment, before) in [
        ("2027-01", "2027-02-01T00:00:00Z", None),
        ("2027-02..2027-03", "2027-04-01T00:00:00Z", Some("2027-01")),
    ] {
        let whole = project();
        if let Some(before) = before {
            post(&whole, before, "2027-02-01").exits(0);
        }
        let empty = before.map(|_| contents(&whole));
        add(&whole, "d3,A,2027-01-20,300,2027-02-20");
        whole.run(&arguments(period, moment)).exits(0);
        let full = contents(&whole);
        let mut point = 1;
        loop {
            let project = project();
            if let Some(before) = before {
                post(&project, before, "2027-02-01").exits(0);
            }
            add(&project, "d3,A,2027-01-20,300,2027-02-20");
            let status = Command::new(env!("CARGO_BIN_EXE_spm"))
                .current_dir(&project.0)
                .args(arguments(period, moment))
                .env("SPM_TEST_CRASH_AT_WRITE", point.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("the program starts");
            if status.success() {
                break;
            }
            let left = contents(&project);
            if left != full {
                if let Some(empty) = &empty {
                    assert_eq!(&left, empty, "point {point} of {period}");
                }
                // What is absent can be posted as if nothing had happened.
                project.run(&arguments(period, moment)).exits(0);
                assert_eq!(contents(&project), full, "point {point} of {period}");
            }
            project.run(&["-q", "ledger", "verify"]).exits(0);
            points += 1;
            point += 1;
        }
    }
    println!("killed at {points} points: each time complete or absent");
    assert!(points > 40, "{points}");
}

#[test]
#[cfg(unix)]
fn without_room_on_the_disk_a_posting_is_complete_or_absent() {
    let arguments = "-q ledger post --period 2027-02 --recorded-at 2027-03-01T00:00:00Z";
    let whole = project();
    post(&whole, "2027-01", "2027-02-01").exits(0);
    let before = contents(&whole);
    whole.run(&arguments.split(' ').collect::<Vec<_>>()).exits(0);
    let full = contents(&whole);
    let (mut absent, mut complete) = (0, 0);
    // No file may grow beyond so many kilobytes.
    for room in (8..400).step_by(28) {
        let project = project();
        post(&project, "2027-01", "2027-02-01").exits(0);
        let limited = format!("ulimit -f {room}; exec {} {arguments}", env!("CARGO_BIN_EXE_spm"));
        let output =
            Command::new("bash").args(["-c", &limited]).current_dir(&project.0).output().expect("bash");
        let left = contents(&project);
        assert!(left == before || left == full, "{room} kB: {}", String::from_utf8_lossy(&output.stderr));
        if left == full {
            complete += 1
        } else {
            absent += 1
        }
        project.run(&["-q", "ledger", "verify"]).exits(0);
        project.run(&arguments.split(' ').collect::<Vec<_>>()).exits(0);
        assert_eq!(contents(&project), full);
    }
    assert!(absent > 0 && complete > 0, "{absent} absent, {complete} complete");
}

#[test]
fn two_posts_at_once_are_one_posting() {
    let project = project();
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_spm"))
            .current_dir(&project.0)
            .args(["ledger", "post", "--period", "2027-01", "--recorded-at", "2027-02-01T00:00:00Z"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    let all: Vec<_> = (0..6).map(|_| start()).collect();
    let mut posted = 0;
    for child in all {
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => posted += 1,
            Some(3) => assert!(stderr.contains("SPM703"), "{stderr}"),
            other => panic!("{other:?} {stderr}"),
        }
    }
    assert!(posted >= 1);
    assert_eq!(csv(&project, &["ledger", "list"]).lines().count(), 2, "one record");
    project.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn a_damaged_ledger_says_so_and_never_something_wrong() {
    let good = project();
    post(&good, "2027-01", "2027-02-01").exits(0);
    post(&good, "2027-02", "2027-03-01").exits(0);
    let bytes = good.bytes(".spm/ledger.db");
    let expected = contents(&good);
    let mut noticed = 0;
    let step = (bytes.len() / 97).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 0x55;
        let project = project();
        project.file(".spm/ledger.db", &spoiled);
        let verify = project.run(&["ledger", "verify"]);
        let (stdout, stderr) = (verify.stdout(), verify.stderr());
        if stdout.contains("calculated again\n") {
            // A byte that holds nothing: everything that is read is what was written.
            assert_eq!(contents(&project), expected, "byte {at}");
        } else {
            assert!(stderr.contains("SPM70") && !stderr.contains("has a fault"), "byte {at}: {stderr}");
            noticed += 1;
        }
    }
    for length in [0, 10, 100, bytes.len() / 2, bytes.len() - 1] {
        let project = project();
        project.file(".spm/ledger.db", &bytes[..length]);
        let verify = project.run(&["ledger", "verify"]);
        let stderr = verify.stderr();
        if verify.stdout().contains("calculated again\n") {
            // What was cut off held nothing.
            assert_eq!((contents(&project), length), (expected.clone(), bytes.len() - 1));
            continue;
        }
        // Of an empty file nobody can tell whether it was ever a ledger.
        let code = if length == 0 { "SPM503" } else { "SPM70" };
        assert!(stderr.contains(code), "{length} bytes: {stderr}");
    }
    assert!(noticed > 10, "{noticed}");
}

const HELD: &str = "[[credit]]
name = \"c\"
[[measure]]
name = \"m\"
credits = [\"c\"]
[[component]]
name = \"new\"
measure = \"m\"
pay = \"per-unit\"
rate = \"10%\"
";

pub(crate) fn plan(id: &str, header: &str, rest: &str) -> String {
    format!("version = 1\nkind = \"comp\"\nid = \"{id}\"\n{header}\n{HELD}{rest}")
}

#[test]
fn what_a_leaver_owes_of_a_held_part_is_not_forgiven() {
    let project = project();
    let rest = "release = [{ share = \"100%\", on = \"cash\" }]\n[leaver]\ngrace = 10\n";
    let releases = "[sources.releases]\nfiles = \"rel.csv\"\ncolumns = { transaction_id = \"deal\", date = \"date\", event = \"event\" }\n[ledger]\n";
    project
        .file("spm.toml", PROJECT.replace("[ledger]\n", releases))
        .file("plans/p.toml", plan("p", "", rest))
        .file("rel.csv", "deal,date,event\nd1,2027-01-25,cash\n")
        .file("reps.csv", "id,end\nA,2027-02-01\n")
        .file(
            "deals.csv",
            "id,rep,date,amount,recorded\nd1,A,2027-01-05,400,2027-01-06\nr1,A,2027-01-20,-1000,2027-01-21\n",
        );
    post(&project, "2027-01..2027-02", "2027-03-01").exits(0);
    // Of -60 in all, 40 were released and paid.
    let balances = csv(&project, &["ledger", "balances"]);
    assert!(balances.contains("A,USD,carried,0.00,-100.00,-100.00\n"), "{balances}");
    let lines = csv(&project, &["ledger", "show", "--period", "2027-02"]);
    assert!(!lines.contains("forfeit"), "{lines}");
    project.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn a_draw_is_recovered_as_its_plan_says_after_the_plan_has_ended() {
    let project = project();
    let draw = "[draw]\ntype = \"recoverable\"\namount = \"300\"\nrecovery = \"10%\"\n";
    project
        .file("plans/p.toml", plan("p", "effective = { from = 2027-01-01, to = 2027-02-01 }", draw))
        .file("plans/q.toml", plan("q", "effective = { from = 2027-02-01, to = 2028-01-01 }", ""))
        .file("reps.csv", "id,end\nA,\n")
        .file(
            "deals.csv",
            "id,rep,date,amount,recorded\nd1,A,2027-01-05,1000,2027-01-06\nd2,A,2027-02-05,5000,2027-02-06\n",
        );
    post(&project, "2027-01", "2027-02-01").exits(0);
    let paid = post(&project, "2027-02", "2027-03-01").exits(0).stdout();
    assert!(paid.contains("A,2027-02,USD,450.00"), "500, less 10% of it: {paid}");
    project.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn causes_hold_when_periods_are_posted_at_once_and_the_calendar_grows_backwards() {
    let cancelled = "[sources.cancellations]\nfiles = \"gone.csv\"\ncolumns = { transaction_id = \"deal\", date = \"date\" }\n[ledger]\n";
    let project = project();
    project
        .file("spm.toml", PROJECT.replace("[ledger]\n", cancelled))
        .file("plans/p.toml", plan("p", "", "[clawback]\nmonths = 12\n"))
        .file("gone.csv", "deal,date\nd1,2027-02-20\n");
    post(&project, "2027-01..2027-02", "2027-03-01").exits(0);
    let lines = csv(&project, &["ledger", "show", "--period", "2027-02"]);
    assert!(lines.contains("cancellation of transaction d1 is new: 2027-02-20"), "{lines}");
    let text = String::from_utf8(project.bytes("spm.toml")).expect("text");
    project.file("spm.toml", text.replace("2027-01-01, years = 2", "2026-01-01, years = 3"));
    add(&project, "d3,A,2027-01-20,300,2027-02-20");
    let diff = project.run(&["-q", "ledger", "diff", "--format", "csv"]).exits(1).stdout();
    assert!(diff.contains(",transaction d3 (c) in 2027-01 is new: 300\n"), "{diff}");
}

#[test]
fn a_part_that_falls_due_is_no_correction() {
    let project = project();
    let rest = "release = [{ share = \"100%\", on = \"2027-02-15\" }]\n";
    project.file("plans/p.toml", plan("p", "", rest));
    post(&project, "2027-01", "2027-02-01").exits(0);
    let diff = project.run(&["ledger", "diff", "--format", "csv"]).exits(0);
    assert!(
        diff.stdout().contains(",released") && diff.stderr().contains("parts of 1 fall due"),
        "{}",
        diff.stderr()
    );
    // Once paid, it waits again when the plan says a later day.
    post(&project, "2027-02", "2027-03-01").exits(0);
    project.file("plans/p.toml", plan("p", "", &rest.replace("02-15", "12-31")));
    let diff = project.run(&["ledger", "diff", "--format", "csv"]).exits(1);
    assert!(diff.stdout().contains(",no longer released"), "{}", diff.stdout());
}

#[test]
fn a_ledger_that_was_never_written_is_none() {
    let project = project();
    let killed = Command::new(env!("CARGO_BIN_EXE_spm"))
        .current_dir(&project.0)
        .args(["-q", "ledger", "post", "--period", "2027-01"])
        .env("SPM_TEST_CRASH_AT_WRITE", "1")
        .output()
        .expect("the program starts");
    assert!(!killed.status.success() && project.0.join(".spm/ledger.db").exists());
    project.run(&["comp", "run", "--period", "2027-01", "--dry-run"]).exits(0);
    assert!(project.run(&["ledger", "list"]).exits(3).stderr().contains("SPM503"));
    post(&project, "2027-01", "2027-02-01").exits(0);
}

#[test]
fn moments_have_a_zone() {
    let project = project();
    for moment in ["2027-02-01", "2027-02-01T09:30:00", "2027-02-01T09:x:30:00Z", "2027-02-01T09:30:00ZZ"] {
        let ran = project.run(&["ledger", "post", "--period", "2027-01", "--recorded-at", moment]).exits(2);
        assert!(ran.stderr().contains("2027-02-01T09:30:00Z"), "{}", ran.stderr());
    }
    assert!(!project.0.join(".spm").exists());
    let zoned = ["ledger", "post", "--period", "2027-01", "--recorded-at", "2027-02-01T09:30:00+02:00"];
    project.run(&zoned).exits(0);
    let listed = project.run(&["ledger", "list", "--format", "csv"]).exits(0).stdout();
    assert!(listed.contains("2027-02-01T07:30:00Z"), "{listed}");
}

#[test]
fn decisions_are_checked_before_anything_is_written() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let adjust = |rep: &str, reason: &str, more: &[&str]| {
        let own =
            ["ledger", "adjust", "add", "--rep", rep, "--period", "2027-01", "--amount", "5", "--reason"];
        project.run(&[&own[..], &[reason, "--author", "Kim"], more].concat())
    };
    for more in [&["--dry-run"][..], &[]] {
        let blank = adjust("A", " ", more).exits(1).stderr();
        assert!(blank.contains("SPM706") && blank.contains("the reason is empty"), "{blank}");
    }
    let dry = adjust("NOBODY", "why", &["--dry-run"]).exits(0).stderr();
    assert!(
        dry.contains("neither in the table reps nor in the ledger") && !dry.contains("adjustment 0"),
        "{dry}"
    );
    let added = adjust("A", "why", &["--recorded-at", "2027-02-02T00:00:00Z"]).exits(0);
    assert!(!added.stderr().contains("neither"), "{}", added.stderr());
    for more in [&["--dry-run"][..], &[]] {
        let own = ["ledger", "adjust", "approve", "2", "--approver", " kim"];
        let own = project.run(&[&own[..], more].concat()).exits(1).stderr();
        assert!(own.contains("somebody else"), "{own}");
    }
}
