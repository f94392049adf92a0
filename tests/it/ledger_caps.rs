//! What a cap carries over is a balance: it opens, closes, is corrected and lapses like any other.

use crate::ledger::{PROJECT, csv, plan, post};
use crate::project::Project;

/// Each month at most 100, the rest later; what is cancelled within a year is taken back.
const CARRY: &str = "cap = { amount = \"100\", per = \"period\", carry = true }\n[clawback]\nmonths = 12\n";

fn project(deals: &str) -> Project {
    let gone = "[sources.cancellations]\nfiles = \"gone.csv\"\ncolumns = { transaction_id = \"id\", date = \"date\" }\n[ledger]";
    let project = Project::new();
    project.file("spm.toml", PROJECT.replace("[ledger]", gone)).file("plans/p.toml", plan("p", "", CARRY));
    project.file("reps.csv", "id,end\nA,\n").file("gone.csv", "id,date\n");
    project.file("deals.csv", format!("id,rep,date,amount,recorded\n{deals}"));
    project
}

/// Opening, earned, corrections, clawbacks, forfeited, capped, adjustments, paid, closing.
fn reconciled(project: &Project, period: &str) -> String {
    let all = csv(project, &["ledger", "reconcile", "--period", period]);
    all.lines().nth(1).and_then(|row| row.strip_prefix("A,USD,")).unwrap_or_default().to_owned()
}

#[test]
fn what_is_above_a_cap_is_a_balance_until_it_is_paid() {
    let project = project("d1,A,2027-01-05,3000,\nd2,A,2027-02-05,500,\nd4,A,2027-04-05,10,\n");
    for (month, expected) in [
        ("2027-01", "0.00,100.00,0.00,0.00,0.00,200.00,0.00,-100.00,200.00"),
        ("2027-02", "200.00,100.00,0.00,0.00,0.00,-50.00,0.00,-100.00,150.00"),
        ("2027-03", "150.00,100.00,0.00,0.00,0.00,-100.00,0.00,-100.00,50.00"),
        ("2027-04", "50.00,51.00,0.00,0.00,0.00,-50.00,0.00,-51.00,0.00"),
    ] {
        post(&project, month, "2027-05-01").exits(0);
        assert_eq!(reconciled(&project, month), expected, "{month}");
    }
    assert_eq!(
        csv(&project, &["ledger", "balances", "--period", "2027-02"]),
        "payee_id,currency,account,opening,change,closing\nA,USD,capped,200.00,-50.00,150.00\n"
    );
    project.run(&["comp", "statement", "--period", "2027-02"]).exits(0);
    let page = String::from_utf8(project.bytes("out/statements/2027-02/A.html")).expect("text");
    assert!(page.contains("over a cap, carried to later periods: 150.00 USD"), "{page}");
    assert!(
        project.run(&["ledger", "verify"]).exits(0).stdout().contains("4 of 4 postings calculated again")
    );
    let journal = csv(&project, &["ledger", "journal", "--period", "2027-01"]);
    assert!(!journal.contains("200.00"), "what may never be paid is no expense: {journal}");
}

#[test]
fn what_is_above_a_cap_is_corrected_clawed_back_and_lost_at_the_end_of_the_year() {
    let deals = "d1,A,2027-01-05,3000,\nd2,A,2027-02-05,500,\n";
    let rows = |project: &Project| {
        let all = csv(project, &["comp", "run", "--period", "2027-03", "--table", "deltas", "--dry-run"]);
        let row = |row: &str| row.split(',').skip(2).take(6).collect::<Vec<_>>().join(",");
        all.lines().skip(1).map(row).collect::<Vec<_>>()
    };
    let corrected = project(deals);
    post(&corrected, "2027-01..2027-02", "2027-03-01").exits(0);
    corrected.file("deals.csv", format!("id,rep,date,amount,recorded\n{}", deals.replace("3000", "1000")));
    let expected = [
        "2027-01,capped,p,new,USD,-200.00",
        "2027-02,earning,p,new,USD,-50.00",
        "2027-02,capped,p,new,USD,50.00",
    ];
    assert_eq!(rows(&corrected), expected);
    post(&corrected, "2027-03", "2027-04-01").exits(0);
    assert_eq!(reconciled(&corrected, "2027-03"), "150.00,0.00,-50.00,0.00,0.00,-150.00,0.00,0.00,-50.00");

    let cancelled = project(deals);
    post(&cancelled, "2027-01..2027-02", "2027-03-01").exits(0);
    cancelled.file("gone.csv", "id,date\nd1,2027-01-05\n");
    let expected = [
        "2027-01,clawback,p,new,USD,-100.00",
        "2027-01,capped,p,new,USD,-200.00",
        "2027-02,clawback,p,new,USD,-50.00",
        "2027-02,capped,p,new,USD,50.00",
    ];
    assert_eq!(rows(&cancelled), expected);

    let year = project("d1,A,2027-11-05,3000,\nd2,A,2027-12-05,500,\nd3,A,2028-01-05,10,\n");
    post(&year, "2027-11..2028-01", "2028-02-01").exits(0);
    assert_eq!(reconciled(&year, "2027-12"), "200.00,100.00,0.00,0.00,0.00,-200.00,0.00,-100.00,0.00");
    assert_eq!(reconciled(&year, "2028-01"), "0.00,1.00,0.00,0.00,0.00,0.00,0.00,-1.00,0.00");
}
