//! The payroll file: decimals of each currency, texts, and what reps said of people when a period was posted.

use crate::ledger::{PLAN, PROJECT, csv, post, project};
use crate::project::Project;

fn with_payments(payments: &str) -> Project {
    let project = project();
    let columns =
        PROJECT.replace("end_date = \"end\"", "end_date = \"end\", cost_centre = \"cost\"").replace(
            "payments = { \"Employee\" = \"creditor\", \"Gross\" = \"amount\", \"Ref\" = \"reference\" }",
            payments,
        );
    project.file("spm.toml", columns).file("reps.csv", "id,end,cost\nA,,0100\nB,,\n");
    project
}

#[test]
fn payroll_gets_texts_and_what_reps_said_at_the_posting() {
    let project = with_payments(
        "payments = { \"Company\" = \"'AC''ME 1'\", \"Id\" = \"creditor\", \"Cost centre\" = \"reps.cost_centre\", \"Gross\" = \"amount\" }",
    );
    post(&project, "2027-01", "2027-02-01").exits(0);
    // Another cost centre afterwards is one for the next posting.
    project.file("reps.csv", "id,end,cost\nA,,0200\nB,,0300\n");
    let file = project.run(&["ledger", "payments", "--period", "2027-01", "--format", "csv"]).exits(0);
    assert_eq!(file.stdout(), "Company,Id,Cost centre,Gross\nAC'ME 1,A,0100,80.00\nAC'ME 1,B,,50.00\n");
    let said = file.stderr();
    assert!(
        said.contains("SPM109")
            && said.contains("reps had no `cost_centre` of one person paid in 2027-01, such as B"),
        "{said}"
    );
    post(&project, "2027-02", "2027-03-01").exits(0);
    let file = csv(&project, &["ledger", "payments", "--period", "2027-02"]);
    assert!(file.contains("AC'ME 1,A,0200,") && file.contains("AC'ME 1,B,0300,"), "{file}");
}

#[test]
fn what_payroll_cannot_get_is_said_before_anything_is_posted() {
    for (payments, words) in [
        ("\"Id\" = \"creditor\", \"C\" = \"reps.cost_center\"", "reps has no column `cost_center`"),
        (
            "\"Id\" = \"creditor\", \"C\" = \"reps.end_date\"",
            "`end_date` of reps is neither a text nor a number",
        ),
        ("\"Id\" = \"creditor\", \"C\" = \"'=1+1'\"", "no text that can be handed over"),
        ("\"Id\" = \"creditor\", \"C\" = \"'open\"", "no text that can be handed over"),
        ("\"Id\" = \"creditor\", \"C\" = \"amonut\"", "did you mean \"amount\"?"),
    ] {
        let project = with_payments(&format!("payments = {{ {payments} }}"));
        for command in [&["check"][..], &["ledger", "post", "--period", "2027-01"]] {
            let said = project.run(command).stderr();
            assert!(said.contains(words), "{command:?} {payments}: {said}");
        }
        assert!(!project.0.join(".spm/ledger.db").exists());
    }
    let project = with_payments("payments = { \"C\" = \"reps.cost_centre\" }");
    project.file("reps.csv", "id,end,cost\nA,,@1\nB,,-5\n");
    post(&project, "2027-01", "2027-02-01").exits(3);
    // A number below zero is a number to a spreadsheet.
    project.file("reps.csv", "id,end,cost\nA,,1\nB,,-5\n");
    post(&project, "2027-01", "2027-02-01").exits(0);
    assert_eq!(csv(&project, &["ledger", "payments"]), "C\n1\n-5\n");
    let adjust = ["ledger", "adjust", "add", "--rep", "=A", "--period", "2027-02", "--amount", "5"];
    let refused = project.run(&[&adjust[..], &["--reason", "r", "--author", "kim"]].concat()).exits(1);
    assert!(refused.stderr().contains("as a formula"), "{}", refused.stderr());
}

#[test]
fn each_amount_has_the_decimals_of_its_currency() {
    let project = project();
    let plan = |id: &str, currency: &str, who: &str| {
        let bare =
            PLAN.split("[draw]").next().expect("a plan").replace("id = \"p\"", &format!("id = \"{id}\""));
        bare.replace(
            "[[credit]]",
            &format!("currency = \"{currency}\"\neligible = \"rep_id = '{who}'\"\n[[credit]]"),
        )
    };
    project
        .file("spm.toml", PROJECT.replace("capitalise = [{ plan = \"p\", component = \"new\", months = 24 }]\n", ""))
        .file("reps.csv", "id,end\nA,\nB,\nC,\n")
        .file("deals.csv", "id,rep,date,amount,recorded\nd1,A,2027-01-05,333,\nd2,B,2027-01-05,33.3,\nd3,C,2027-01-05,33.367,\n")
        .file("plans/p.toml", plan("p", "JPY", "A"))
        .file("plans/q.toml", plan("q", "USD", "B"))
        .file("plans/r.toml", plan("r", "KWD", "C"));
    post(&project, "2027-01", "2027-02-01").exits(0);
    let file = csv(&project, &["ledger", "payments"]);
    assert_eq!(file, "Employee,Gross,Ref\nA,33,2027-01/A/JPY\nB,3.33,2027-01/B/USD\nC,3.337,2027-01/C/KWD\n");
}
