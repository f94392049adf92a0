//! What an auditor tried on the ledger who knew its documentation only.

use std::fs;

use crate::ledger::{add, csv, post, project};
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
