//! What an auditor tried on the ledger who knew its documentation only.

use std::fs;

use crate::ledger::{PROJECT, add, csv, plan, post, project};
use crate::project::{Project, Ran};

/// Runs a command of which each word is a word.
fn run(project: &Project, command: &str) -> Ran {
    project.run(&command.split(' ').collect::<Vec<_>>())
}

#[test]
fn nothing_is_written_over_but_earlier_results() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    project.file("notes/precious.txt", "mine");
    let deals = project.bytes("deals.csv");
    for (place, words) in [
        (".", "the folder of a project"),
        ("..", "not results of spm"),
        ("plans", "a folder with p.toml"),
        (".spm", "where the ledger is kept"),
        (".spm/copy", "where the ledger is kept"),
        ("deals.csv", "an extract of the source transactions"),
        ("notes", "a folder with precious.txt"),
        ("notes/precious.txt", "a file"),
    ] {
        for more in ["", " --dry-run"] {
            let refused = run(&project, &format!("ledger export {place} --csv{more}")).exits(3).stderr();
            assert!(refused.contains("SPM601") && refused.contains(words), "{place}: {refused}");
        }
    }
    for (place, words) in [
        ("deals.csv", "an extract of the source transactions"),
        ("./notes/../deals.csv", "an extract of the source transactions"),
        (".spm/balances.csv", "where the ledger is kept"),
    ] {
        let refused = run(&project, &format!("ledger balances --output {place}")).exits(3).stderr();
        assert!(refused.contains(words), "{place}: {refused}");
    }
    assert_eq!(project.bytes("deals.csv"), deals);
    assert_eq!(project.bytes("notes/precious.txt"), b"mine");
    let hidden = fs::read_dir(&project.0).expect("the folder").flatten();
    let left = hidden.filter(|entry| entry.file_name().to_string_lossy().ends_with(".old"));
    assert_eq!(left.count(), 0);
    // An empty folder and an earlier export are replaced.
    fs::create_dir(project.0.join("audit")).expect("a folder");
    for _ in 0..2 {
        run(&project, "ledger export audit --csv").exits(0);
    }
    assert!(String::from_utf8_lossy(&project.bytes("audit/run.json")).contains("spm.ledger-export/1"));
    run(&project, "ledger balances --output audit/balances.csv").exits(0);
    assert!(csv(&project, &["ledger", "list"]).lines().count() == 2);
    add(&project, "d9,A,2027-01-06,10,2027-02-03");
}

/// Four people whose deals are split, and half of whose commission waits for cash.
fn waiting() -> Project {
    let project = Project::new();
    let tables = "[sources.releases]
files = \"cash.csv\"
columns = { transaction_id = \"id\", event = \"event\", date = \"date\" }
[sources.splits]
files = \"splits.csv\"
columns = { transaction_id = \"id\", rep_id = \"rep\", share = \"share\" }
[ledger]";
    let kind = PROJECT.replace("recorded_at = \"recorded\"", "kind = \"kind\"");
    project
        .file("spm.toml", kind.replace("[ledger]", tables))
        .file("plans/p.toml", "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\nto = \"splits\"\nwhere = \"kind = 'new'\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"new\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"\nrelease = [{ share = \"50%\", on = \"booking\" }, { share = \"50%\", on = \"cash\" }]\n")
        .file("reps.csv", "id,end\nA,\nB,\nC,\nD,\n")
        .file("deals.csv", "id,rep,date,amount,kind\nd1,A,2027-01-05,800,new\nd2,B,2027-01-06,300,new\nd3,C,2027-01-07,500,new\n")
        .file("cash.csv", "id,event,date\nd1,cash,2027-01-20\nd2,cash,2027-01-20\n")
        .file("splits.csv", "id,rep,share\nd3,C,0.5\nd3,D,0.5\n");
    project
}

#[test]
fn an_extract_that_is_cut_off_or_reads_differently_posts_nothing() {
    let project = waiting();
    post(&project, "2027-01", "2027-02-01").exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let refused = |words: &str| {
        let refused = post(&project, "2027-03", "2027-04-01").exits(3).stderr();
        assert!(refused.contains(words), "{words}: {refused}");
        let dry = run(&project, "ledger post --period 2027-03 --dry-run").exits(1).stderr();
        assert!(dry.contains(words) && dry.contains("would be refused"), "{words}: {dry}");
        assert!(run(&project, "ledger diff").exits(1).stderr().contains(words));
    };
    let restored = |path: &str, text: &str| {
        let old = project.bytes(path);
        project.file(path, text);
        old
    };
    let cash = restored("cash.csv", "id,event,date\n");
    refused("2 of 2 releases that posted periods rest on are gone: cash of d1, cash of d2");
    project.file("cash.csv", cash);
    let splits = restored("splits.csv", "id,rep,share\n");
    refused("1 of 1 split of a transaction that posted periods rest on is gone: d3");
    project.file("splits.csv", splits);
    // Every transaction is there, and none of them counts any more.
    let deals = String::from_utf8(project.bytes("deals.csv")).expect("text");
    let other = restored("deals.csv", &deals.replace(",new", ",New"));
    refused("take back 160.00 USD of 160.00 USD that are booked for p, from 4 of 4 people");
    // A cent that looks like a dollar pays everybody a hundred times.
    project.file("deals.csv", deals.replace("00,new", "0000,new"));
    refused("corrections pay 15840.00 USD more than");
    let allowed =
        run(&project, "ledger post --period 2027-03 --allow-corrections --recorded-at 2027-04-01T00:00:00Z");
    assert!(allowed.exits(0).stderr().contains("SPM709"));
    project.file("deals.csv", other);
}

#[test]
fn a_plan_that_pays_in_another_currency_is_another_plan() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    project.file("spm.toml", PROJECT.replace("USD", "EUR"));
    for command in ["ledger post --period 2027-02", "ledger diff", "comp run --period 2027-02"] {
        let refused = run(&project, command).exits(3).stderr();
        for words in ["SPM704", "2027-01 is posted in USD for the plan p, which pays in EUR now"] {
            assert!(refused.contains(words), "{words}: {refused}");
        }
    }
    // What is posted can be read, and another plan pays in the other currency.
    run(&project, "ledger balances").exits(0);
    project.file("plans/q.toml", plan("q", "", ""));
    project.file(
        "plans/p.toml",
        String::from_utf8_lossy(&project.bytes("plans/p.toml"))
            .replace("id = \"p\"", "id = \"p\"\ncurrency = \"USD\""),
    );
    post(&project, "2027-02", "2027-03-01").exits(0);
}

#[test]
fn the_policy_of_a_posting_is_sealed_and_another_one_counts_from_then_on() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let journal = |period: &str| csv(&project, &["ledger", "journal", "--period", period]);
    let january = journal("2027-01");
    assert!(january.contains("amortization of commission,USD,3.33,"), "{january}");
    let other =
        PROJECT.replace("months = 24", "months = 12, expedient = false").replace("\"6100\"", "\"6200\"");
    project.file("spm.toml", other);
    assert_eq!(journal("2027-01"), january, "what is sealed stays, accounts too");
    let verified = run(&project, "ledger verify").exits(0).stdout();
    for words in ["the same inputs give the same lines", "1 of 1 postings calculated again"] {
        assert!(verified.contains(words), "{words}: {verified}");
    }
    post(&project, "2027-02", "2027-03-01").exits(0);
    // 80.00 - 3.33 are left, over the eleven months that twelve leave: 6.97. B's 30.00 over twelve: 2.50.
    let assets = csv(&project, &["ledger", "assets", "--period", "2027-02"]);
    for words in [
        "2027-02,p,new,2027-01,USD,12,76.67,0.00,6.97,69.70",
        "2027-02,p,new,2027-02,USD,12,0.00,30.00,2.50,27.50",
    ] {
        assert!(assets.contains(words), "{words}: {assets}");
    }
    // A rule that is gone leaves the asset as it was; what is earned from then on is expensed.
    project.file(
        "spm.toml",
        PROJECT.replace("capitalise = [{ plan = \"p\", component = \"new\", months = 24 }]\n", ""),
    );
    add(&project, "d3,A,2027-03-05,100,2027-03-06");
    post(&project, "2027-03", "2027-04-01").exits(0);
    let assets = csv(&project, &["ledger", "assets", "--period", "2027-03"]);
    assert!(assets.contains("2027-03,p,new,2027-01,USD,12,69.70,0.00,6.97,62.73"), "{assets}");
    assert!(!assets.contains(",2027-03,USD"), "{assets}");
    assert!(journal("2027-03").contains("6100,USD,10.00,,earned"), "{}", journal("2027-03"));
    assert_eq!(journal("2027-01"), january);
}

#[test]
fn whether_the_two_person_rule_was_in_force_is_sealed_with_the_decision() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let at = |command: &str| run(&project, &format!("{command} --recorded-at 2027-02-03T00:00:00Z"));
    let adjust = "ledger adjust add --rep A --period 2027-02 --amount 9.00 --reason r --author kim";
    at(adjust).exits(0);
    for name in ["KIM.", "k\u{a0}i\u{a0}m", "\u{ff2b}im", "Kim"] {
        let own = at(&format!("ledger adjust approve 2 --approver {name}")).exits(1).stderr();
        assert!(own.contains("somebody else has to approve"), "{name}: {own}");
    }
    project.file("spm.toml", PROJECT.replace("[ledger]", "[ledger]\ntwo_person = false"));
    at("ledger adjust approve 2 --approver kim").exits(0);
    project.file("spm.toml", PROJECT);
    assert!(csv(&project, &["ledger", "adjust", "list"]).contains(",kim,kim,off,"));
    let verified = run(&project, "ledger verify").exits(0).stdout();
    assert!(
        verified.contains("approvals: 1 of 1 while two_person was false: adjustment 2 by kim"),
        "{verified}"
    );
    // What is booked is reversed by an equal negative entry, once, which somebody else approves.
    post(&project, "2027-02", "2027-03-01").exits(0);
    let later = |command: &str| run(&project, &format!("{command} --recorded-at 2027-03-03T00:00:00Z"));
    let reverse = "ledger adjust reverse 2 --reason wrong --author lee";
    assert_eq!(later(reverse).exits(0).stdout(), "5\n");
    assert!(later(reverse).exits(1).stderr().contains("adjustment 5 reverses adjustment 2 already"));
    later("ledger adjust approve 5 --approver lee").exits(1);
    later("ledger adjust approve 5 --approver zoe").exits(0);
    post(&project, "2027-03", "2027-04-01").exits(0);
    let lines = csv(&project, &["ledger", "show", "--period", "2027-03"]);
    assert!(lines.contains("A,2027-02,adjustment,,5,USD,-9.00,-9.00"), "{lines}");
}

#[test]
fn a_dispute_is_settled_by_an_approved_adjustment_for_the_same_person_and_by_somebody_else() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let at = |command: &str| run(&project, &format!("{command} --recorded-at 2027-02-03T00:00:00Z"));
    at("dispute open --period 2027-01 --line 1 --reason more --author A").exits(0);
    for (rep, number) in [("B", 3), ("A", 4)] {
        let add =
            format!("ledger adjust add --rep {rep} --period 2027-02 --amount 9.00 --reason r --author kim");
        assert_eq!(at(&add).exits(0).stdout(), format!("{number}\n"));
    }
    let refused = |command: &str, words: &str| {
        let refused = at(command).exits(1).stderr();
        assert!(refused.contains("SPM706") && refused.contains(words), "{words}: {refused}");
    };
    refused(
        "dispute resolve 2 --answer yes --author a",
        "A opened dispute 2, so somebody else has to answer it",
    );
    refused(
        "dispute resolve 2 --answer yes --adjustment 3 --author kim",
        "is for B, the disputed line is of A",
    );
    refused("dispute resolve 2 --answer yes --adjustment 4 --author kim", "adjustment 4 is not approved");
    at("ledger adjust approve 4 --approver lee").exits(0);
    at("dispute resolve 2 --answer yes --adjustment 4 --author kim").exits(0);
    refused("ledger adjust withdraw 4 --reason no --author kim", "is the answer to dispute 2");
}

#[test]
fn when_something_is_recorded_is_looked_at() {
    let project = project();
    let far = run(&project, "ledger post --period 2027-01 --recorded-at 2227-02-01T00:00:00Z").exits(2);
    assert!(far.stderr().contains("more than 5 years after the clock"), "{}", far.stderr());
    let early = run(&project, "ledger post --period 2027-01 --recorded-at 2027-01-20T00:00:00Z").exits(0);
    assert!(early.stderr().contains("SPM712") && early.stderr().contains("before the end on 2027-02-01"));
    for more in ["", " --dry-run"] {
        let past = format!("ledger post --period 2027-02 --recorded-at 2026-01-01T00:00:00Z{more}");
        let refused = run(&project, &past).exits(3).stderr();
        assert!(refused.contains("give --recorded-at from 2027-01-20T00:00:00Z on"), "{refused}");
    }
    add(&project, "d9,A,2027-01-06,10,2027-02-03");
    let again = run(&project, "ledger post --period 2027-01").exits(0).stderr();
    assert!(again.contains("SPM704") && again.contains("2027-01 is posted and stays as it is"), "{again}");
}

#[test]
fn a_sale_that_was_cancelled_before_it_was_ever_paid_earns_what_was_served() {
    let project = project();
    let clawback = "[sources.cancellations]\nfiles = \"gone.csv\"\ncolumns = { transaction_id = \"id\", date = \"date\" }\n[ledger]";
    let rule = "[clawback]\nmonths = 12\nrecovery = \"25%\"\n";
    let bare = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"new\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"15%\"\n";
    project
        .file("spm.toml", PROJECT.replace("[ledger]", clawback))
        .file("plans/p.toml", format!("{bare}{rule}"))
        .file("gone.csv", "id,date\nd1,2027-01-20\n");
    // 800.00 x 15 %, of which one begun month of twelve was served; a quarter may be recovered, and nothing was paid.
    let paid = post(&project, "2027-01", "2027-02-01").exits(0).stdout();
    assert!(paid.contains("A,2027-01,USD,10.00,0.00"), "{paid}");
    let reconciled = csv(&project, &["ledger", "reconcile"]);
    assert!(reconciled.contains("A,USD,0.00,120.00,0.00,-110.00,0.00,0.00,0.00,-10.00,0.00"), "{reconciled}");
    let shown = run(&project, "ledger show --period 2027-01 --rep A --payment").exits(0).stdout();
    assert!(shown.contains("not paid before: -110.00 USD"), "{shown}");
}

#[test]
fn a_statement_adds_up_to_what_is_paid() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let at = |command: &str| run(&project, &format!("{command} --recorded-at 2027-02-03T00:00:00Z"));
    at("ledger adjust add --rep A --period 2027-02 --amount 120.50 --reason forgotten --author kim").exits(0);
    at("ledger adjust approve 2 --approver lee").exits(0);
    add(&project, "d3,A,2027-01-20,100,2027-02-10");
    let deltas = csv(&project, &["comp", "run", "--period", "2027-02", "--table", "deltas", "--dry-run"]);
    let adjusted =
        "A,2027-02,adjustment,,2,USD,120.50,120.50,\"forgotten (adjustment 2 by kim, approved by lee)\"";
    assert!(deltas.contains(adjusted), "{deltas}");
    for posted in [false, true] {
        if posted {
            post(&project, "2027-02", "2027-03-01").exits(0);
        }
        run(&project, "comp statement --period 2027-02").exits(0);
        for person in ["A", "B"] {
            let page = project.bytes(&format!("out/statements/2027-02/{person}.html"));
            let page = String::from_utf8(page).expect("text");
            let table = page.split("how the payment comes about").nth(1).expect("the table");
            let cents = |row: &str| -> Option<i64> {
                let cell = row.split("<td class=\"n\">").nth(1)?.split('<').next()?;
                cell.replace([',', '.'], "").parse().ok()
            };
            let rows: Vec<i64> = table.split("<tr>").filter_map(cents).collect();
            let (paid, parts) = rows.split_last().expect("rows");
            assert_eq!(parts.iter().sum::<i64>(), *paid, "{person}: {table}");
            if person == "A" {
                for words in
                    ["correction of new, 2027-01", "adjustment 2, 2027-02", "approved by lee", "130.50"]
                {
                    assert!(table.contains(words), "{words}: {table}");
                }
            }
        }
    }
}

#[test]
fn a_cause_is_what_the_line_rests_on() {
    let project = project();
    let monthly =
        String::from_utf8(project.bytes("plans/p.toml")).expect("text").replace("year-to-date", "period");
    project.file("plans/p.toml", &monthly);
    post(&project, "2027-01..2027-02", "2027-03-01").exits(0);
    // January of A and February of B change; neither is a cause of the other, nor of A's February.
    let deals = String::from_utf8(project.bytes("deals.csv")).expect("text");
    project.file("deals.csv", deals.replace("d1,A,2027-01-05,800", "d1,A,2027-01-05,900"));
    add(&project, "d4,A,2027-02-07,50,2027-03-03");
    let diff = || run(&project, "-q ledger diff --format csv").exits(1).stdout();
    let all = diff();
    for words in [
        "A,2027-01,earning,p,new,USD,10.00,10.00,transaction d1 (c) in 2027-01 is 900 instead of 800\n",
        "A,2027-02,earning,p,new,USD,5.00,5.00,transaction d4 (c) in 2027-02 is new: 50\n",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    // What another person has now, or another month, is not gone.
    project.file("deals.csv", deals.replace("d1,A,2027-01-05", "d1,A,2027-02-05").replace("d2,B,", "d2,A,"));
    let all = diff();
    for words in [
        "A,2027-01,earning,p,new,USD,-80.00,-80.00,\"transaction d1 (c) in 2027-01 moved to 2027-02, it was 800\"",
        "transaction d1 (c) in 2027-02 moved from 2027-01: 800; transaction d2 (c) in 2027-02 moved from B: 300",
        "B,2027-02,earning,p,new,USD,-30.00,-30.00,\"transaction d2 (c) in 2027-02 moved to A, it was 300\"",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
}

#[test]
fn a_late_deal_from_before_the_ledger_is_not_passed_over_in_silence() {
    let project = project();
    post(&project, "2027-02", "2027-03-01").exits(0);
    let warned = |command: &str| run(&project, command).stderr().contains("SPM710");
    assert!(!warned("comp run --period 2027-03 --dry-run"), "what was there when the ledger began is known");
    add(&project, "d9,A,2027-01-28,7000,2027-03-05");
    let run_now = run(&project, "comp run --period 2027-03 --dry-run").stderr();
    assert!(
        run_now.contains("1 transaction(s) turned up")
            && run_now.contains("2027-02, with which the ledger starts: d9"),
        "{run_now}"
    );
    assert!(post(&project, "2027-03", "2027-04-01").exits(0).stdout().contains("A,2027-03"));
    assert!(warned("ledger post --period 2027-04 --dry-run"), "it is said until somebody answers");
    let words = ["ledger", "adjust", "add", "--rep", "A", "--period", "2027-02", "--amount", "700"];
    let more = ["--reason", "d9 of January", "--author", "kim", "--recorded-at", "2027-04-02T00:00:00Z"];
    project.run(&[&words[..], &more].concat()).exits(0);
    assert!(!warned("ledger post --period 2027-04 --dry-run"));
}

#[test]
fn a_refund_shares_the_fate_of_what_it_takes_back() {
    let project = Project::new();
    let tables = "[sources.releases]
files = \"cash.csv\"
columns = { transaction_id = \"id\", event = \"event\", date = \"date\" }
[sources.cancellations]
files = \"gone.csv\"
columns = { transaction_id = \"id\", date = \"date\" }
[ledger]";
    let refunds = PROJECT.replace("recorded_at = \"recorded\"", "refund_of = \"of\"");
    let rule = "release = [{ share = \"50%\", on = \"booking\" }, { share = \"50%\", on = \"cash\" }]\n[clawback]\nmonths = 12\n";
    project
        .file("spm.toml", refunds.replace("[ledger]", tables))
        .file("plans/p.toml", format!("version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"new\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"\n{rule}"))
        .file("reps.csv", "id,end\nA,\n")
        .file("deals.csv", "id,rep,date,amount,of\nd1,A,2027-01-05,1200,\nr1,A,2027-02-05,-600,d1\n")
        .file("cash.csv", "id,event,date\nd1,cash,2027-01-20\n")
        .file("gone.csv", "id,date\n");
    post(&project, "2027-01", "2027-02-01").exits(0);
    // The refund waits for nothing that d1 does not wait for: all of it is taken back, and nothing stays held.
    post(&project, "2027-02", "2027-03-01").exits(0);
    let balances = csv(&project, &["ledger", "balances"]);
    assert!(
        balances.contains("A,USD,carried,0.00,-60.00,-60.00") && !balances.contains("held"),
        "{balances}"
    );
    // Cancelled after three of twelve months: a quarter of what the refund left is earned, 15.00, and no cent less.
    project.file("gone.csv", "id,date\nd1,2027-03-30\n");
    post(&project, "2027-03", "2027-04-01").exits(0);
    let reconciled = csv(&project, &["ledger", "reconcile"]);
    assert!(reconciled.contains("A,USD,-60.00,0.00,0.00,-45.00,0.00,0.00,0.00,0.00,-105.00"), "{reconciled}");
}

#[test]
fn the_statement_of_a_posted_period_shows_what_was_posted() {
    let project = project();
    add(&project, "d3,A,2027-02-05,4000,2027-02-06");
    post(&project, "2027-01", "2027-02-01").exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let page = |person: &str| {
        let ran = run(&project, "comp statement --period 2027-02").exits(0);
        let page = project.bytes(&format!("out/statements/2027-02/{person}.html"));
        (ran.stderr(), String::from_utf8(page).expect("text"))
    };
    let (said, before) = page("A");
    assert!(!said.contains("as they were posted") && before.contains("<svg"), "{said}{before}");
    // Corrected afterwards: 4,000 were 3,000, and B has another deal.
    let deals = String::from_utf8(project.bytes("deals.csv")).expect("text");
    project.file("deals.csv", deals.replace("d3,A,2027-02-05,4000", "d3,A,2027-02-05,3000"));
    add(&project, "d4,B,2027-02-07,500,2027-03-03");
    let (said, after) = page("A");
    assert!(said.contains("2 line(s) of posted periods are shown as they were posted"), "{said}");
    for words in [
        "<h2>780.00 USD</h2>",
        "as it was posted on 2027-03-01; calculated today it comes to 580.00 USD, and the difference is a correction in a later period",
        "<td>d3</td><td></td><td class=\"n\">4,000</td>",
        "m, 2027-02: 4000.00 USD",
    ] {
        assert!(after.contains(words), "{words}: {after}");
    }
    assert!(!after.contains("<h2>580.00 USD</h2>") && !after.contains("3,000"), "{after}");
    // The same number from other deals is said, too; and who is paid nothing in it has no statement of it.
    project.file("deals.csv", deals.replace("d3,A", "d5,A"));
    assert!(page("A").1.contains("calculated today it comes to the same for other reasons"));
    project.file("reps.csv", "id,end\nA,\nB,\nC,\n");
    add(&project, "d6,C,2027-02-07,500,2027-03-03");
    run(&project, "comp statement --period 2027-02 --rep C").exits(1);
    // A plan that reads the same and is another text draws no curve of it.
    project.file("reps.csv", "id,end\nA,\nB,\n").file("deals.csv", deals);
    let plan = String::from_utf8(project.bytes("plans/p.toml")).expect("text");
    project.file("plans/p.toml", plan.replace("amount = \"50\"", "amount = \"60\""));
    let (said, other) = page("A");
    assert!(!said.contains("as they were posted"), "{said}");
    assert!(!other.contains("<svg") && other.contains("<h2>780.00 USD</h2>"), "{other}");
}
