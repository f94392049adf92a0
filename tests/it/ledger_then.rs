//! The ledger at an earlier moment: runs with the plans of then, postings with a cut-off, verification of what was sealed.

use crate::ledger::{add, csv, post, project};
use crate::project::{Project, Ran};

fn run(project: &Project, command: &str) -> Ran {
    project.run(&command.split(' ').collect::<Vec<_>>())
}

fn text(project: &Project, path: &str) -> String {
    String::from_utf8(project.bytes(path)).expect("text")
}

#[test]
fn a_run_as_of_a_moment_has_the_plans_and_the_spm_toml_of_then() {
    let project = project();
    let asked = |period: &str, then: &str| {
        let ran = run(&project, &format!("comp run --dry-run --format csv --period {period} --as-of {then}"));
        let ran = ran.exits(0);
        (ran.stdout(), ran.stderr())
    };
    post(&project, "2027-01", "2027-02-01").exits(0);
    let before = run(&project, "-q comp run --dry-run --format csv --period 2027-02").exits(0).stdout();
    post(&project, "2027-02", "2027-03-01").exits(0);
    let then = "2027-02-20T12:00:00Z";
    let same = asked("2027-02", then);
    assert_eq!(same.0, before);
    assert!(!same.1.contains("SPM711") && !same.1.contains("was posted with"), "{}", same.1);
    // Another rate, another name of a column, and no plan file of that name: nothing of it was there then.
    let plan = text(&project, "plans/p.toml");
    project.file("plans/other.toml", plan.replace("10%", "50%").replace("\"m\"", "\"n\""));
    project.remove("plans/p.toml");
    project.file("spm.toml", text(&project, "spm.toml").replace("name = \"A\"", "name = \"B\""));
    add(&project, "d9,A,2027-02-06,1000,2027-03-05");
    let again = asked("2027-02", then);
    assert_eq!(again.0, before, "{}", again.1);
    assert!(again.1.contains("spm.toml and plans are those that 2027-01 was posted with"), "{}", again.1);
    assert!(!again.1.contains("SPM711"), "{}", again.1);
    let explained =
        run(&project, &format!("comp explain --rep A --period 2027-02 --as-of {then}")).exits(0).stdout();
    assert!(explained.contains("plans/p.toml") && !explained.contains("50%"), "{explained}");
    run(&project, &format!("comp statement --rep B --period 2027-02 --as-of {then}")).exits(0);
    // Before the first posting nothing is known but what that one sealed.
    let first = asked("2027-01", "2027-01-20");
    assert!(
        first.0.contains("A,2027-01,USD,80.00,0.00") && first.1.contains("2027-01 was posted with"),
        "{first:?}"
    );
    // After the last posting it is the folder, and said where that is another one.
    let after = asked("2027-03", "2027-03-20").1;
    assert!(
        after.contains("changed after the posting of 2027-02") && after.contains("--plans-of 2027-02"),
        "{after}"
    );
    // The third posting seals the new plan: whether it was there between the two is not known, and said.
    run(&project, "-q ledger post --period 2027-03 --allow-corrections --recorded-at 2027-04-01T00:00:00Z")
        .exits(0);
    let between = asked("2027-03", "2027-03-20");
    assert!(
        between.1.contains("SPM711") && between.1.contains("--plans-of 2027-03 takes the other ones"),
        "{}",
        between.1
    );
    let other = asked("2027-03", "2027-03-20 --plans-of 2027-03");
    assert!(!other.1.contains("SPM711") && other.0 != between.0, "{other:?}");
    run(&project, "comp run --period 2027-03 --plans-of 2027-03").exits(2);
    run(&project, "comp run --period 2027-03 --as-of 2027-03-20 --plans-of 2027-09").exits(1);
}

#[test]
fn what_was_sealed_is_calculated_again_whatever_the_folder_says() {
    let project = project();
    let deals = text(&project, "deals.csv");
    project.file("deals.csv", deals.replace("d2,B,2027-02-05,300,2027-02-06\n", ""));
    post(&project, "2027-01", "2027-02-01").exits(0);
    project.file("deals.csv", deals);
    add(&project, "d3,A,2027-01-20,300,2027-02-10");
    post(&project, "2027-02", "2027-03-01").exits(0);
    add(&project, "d4,A,2027-02-20,300,2027-03-10");
    let plan = text(&project, "plans/p.toml");
    project.file("plans/p.toml", plan.replace("10%", "50%"));
    project.file("spm.toml", text(&project, "spm.toml").replace("name = \"A\"", "name = \"B\""));
    // The extract only grew, so it still has what was known then.
    let verified = run(&project, "ledger verify").exits(0).stdout();
    for words in [
        "2027-01: what the extracts had by 2027-02-01T08:00:00Z gives the same lines",
        "2027-02: what the extracts had by 2027-03-01T08:00:00Z gives the same lines",
        "calculation: 2 of 2 postings calculated again",
    ] {
        assert!(verified.contains(words), "{words}: {verified}");
    }
    // One that was overwritten has lost it.
    project
        .file("deals.csv", text(&project, "deals.csv").replace("d2,B,2027-02-05,300", "d2,B,2027-02-05,301"));
    let verified = run(&project, "ledger verify").exits(0).stdout();
    assert!(verified.contains("its extracts are other ones now; not calculated again"), "{verified}");
}

#[test]
fn a_posting_with_a_cut_off_leaves_the_rest_to_the_next_one() {
    let project = project();
    add(&project, "d3,A,2027-01-20,100,2027-02-03");
    let draft =
        run(&project, "-q comp run --dry-run --format csv --period 2027-01 --as-of 2027-02-02").exits(0);
    let posting =
        "-q ledger post --period 2027-01 --as-of 2027-02-02 --recorded-at 2027-02-04T08:00:00Z --format csv";
    assert_eq!(run(&project, posting).exits(0).stdout(), draft.stdout());
    let verified = run(&project, "ledger verify").exits(0).stdout();
    assert!(verified.contains("1 of 1 postings calculated again"), "{verified}");
    let deltas = csv(&project, &["comp", "run", "--period", "2027-02", "--table", "deltas", "--dry-run"]);
    assert!(deltas.contains("transaction d3 (c) in 2027-01 is new: 100"), "{deltas}");
    // A cut-off is neither before the last posting nor after the record.
    let early =
        run(&project, "ledger post --period 2027-02 --as-of 2027-02-03 --recorded-at 2027-03-01T00:00:00Z");
    assert!(early.exits(3).stderr().contains("is before the posting of 2027-01"));
    let late =
        run(&project, "ledger post --period 2027-02 --as-of 2027-03-02 --recorded-at 2027-03-01T00:00:00Z");
    assert!(late.exits(2).stderr().contains("is after the moment of the record"));
    post(&project, "2027-02", "2027-03-01").exits(0);
    let verified = run(&project, "ledger verify").exits(0).stdout();
    assert!(verified.contains("2 of 2 postings calculated again"), "{verified}");
}

#[test]
fn a_hash_may_be_shortened_and_a_reversal_is_no_matter_of_words() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    let verified = run(&project, "ledger verify").exits(0).stdout();
    let hash = verified.split("last hash ").nth(1).and_then(|rest| rest.split('\n').next()).expect("a hash");
    let expect = |hash: &str| run(&project, &format!("ledger verify --expect-head {hash}"));
    for hash in [hash, &hash[..12], &hash[..20].to_uppercase()] {
        assert!(expect(hash).exits(0).stdout().contains("that of record 1; 0 sealed since"));
    }
    assert!(expect(&hash[..11]).exits(2).stderr().contains("the first 12 of them at least"));
    assert!(expect("posted-in-march").exits(2).stderr().contains("is no hash"));
    assert!(expect("000000000000").exits(1).stderr().contains("no record has the hash 000000000000"));
    // Somebody who writes the words of a reversal has not made one.
    let at = |command: &str, words: &[&str], day: u32| {
        let stamp = format!("2027-02-{day:02}T00:00:00Z");
        let all: Vec<&str> =
            command.split(' ').chain(words.iter().copied()).chain(["--recorded-at", &stamp]).collect();
        project.run(&all)
    };
    at("ledger adjust add --rep A --period 2027-02 --amount 50 --author kim", &["--reason", "forgotten"], 2)
        .exits(0);
    at("ledger adjust approve 2 --approver lee", &[], 3).exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let later = |command: &str, words: &[&str], day: u32| {
        let stamp = format!("2027-03-{day:02}T00:00:00Z");
        let all: Vec<&str> =
            command.split(' ').chain(words.iter().copied()).chain(["--recorded-at", &stamp]).collect();
        project.run(&all)
    };
    later("ledger adjust reverse 2 --author lee", &["--reason", "paid twice"], 2).exits(0);
    let list = csv(&project, &["ledger", "adjust", "list"]);
    assert!(list.lines().next().expect("a head").ends_with(",reverses") && list.contains(",2\n"), "{list}");
    let twice = later("ledger adjust reverse 2 --author lee", &["--reason", "again"], 3).exits(1).stderr();
    assert!(twice.contains("adjustment 5 reverses adjustment 2 already"), "{twice}");
    later("ledger adjust withdraw 5 --author lee", &["--reason", "no"], 4).exits(0);
    later(
        "ledger adjust add --rep A --period 2027-03 --amount 1 --author kim",
        &["--reason", "reverses adjustment 2: not"],
        5,
    )
    .exits(0);
    later("ledger adjust reverse 2 --author lee", &["--reason", "again"], 6).exits(0);
}

#[test]
fn a_statement_lists_what_is_released_of_which_line() {
    let project = project();
    let plan = text(&project, "plans/p.toml").split("[draw]").next().expect("a plan").to_owned();
    project.file("plans/p.toml", plan + "release = [{ share = \"50%\", on = \"booking\" }, { share = \"50%\", on = \"2027-02-10\" }]\n");
    post(&project, "2027-01", "2027-02-01").exits(0);
    post(&project, "2027-02", "2027-03-01").exits(0);
    let page = |period: &str| {
        run(&project, &format!("comp statement --period {period} --rep A")).exits(0);
        text(&project, &format!("out/statements/{period}/A.html"))
    };
    let first = page("2027-01");
    assert!(first.contains("held until its event: new, 2027-01</td><td class=\"n\">-40.00"), "{first}");
    assert!(first.contains("held: 40.00 USD"), "{first}");
    let second = page("2027-02");
    assert!(
        second.contains(
            "released, or no longer held: new, 2027-01</td><td class=\"n\">40.00</td><td>released</td>"
        ),
        "{second}"
    );
    assert!(!second.contains("correction of new, 2027-01") && !second.contains("muted\">held: "), "{second}");
}

#[test]
fn on_a_full_disk_the_ledger_is_read_and_nothing_is_written() {
    let project = project();
    post(&project, "2027-01", "2027-02-01").exits(0);
    // A process that may not make any file longer stands for a disk without space.
    let full = |command: &str| {
        let script = format!("ulimit -f 0; trap '' XFSZ; exec \"$0\" -q {command}");
        let all = ["-c", script.as_str(), env!("CARGO_BIN_EXE_spm")];
        let output = std::process::Command::new("bash").current_dir(&project.0).args(all).output();
        let output = output.expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    for (command, words) in [
        ("ledger list", "2027-01"),
        ("ledger verify", "1 of 1 postings calculated again"),
        ("comp run --period 2027-02 --dry-run", "2027-02"),
    ] {
        let (code, said) = full(command);
        assert!(code == Some(0) && said.contains(words), "{command}: {said}");
    }
    let (code, said) = full("ledger post --period 2027-02 --recorded-at 2027-03-01T00:00:00Z");
    assert!(
        code == Some(3) && said.contains("SPM601") && said.contains("the ledger is as it was before"),
        "{said}"
    );
    post(&project, "2027-02", "2027-03-01").exits(0);
}
