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
