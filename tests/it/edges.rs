//! Commission where a period, a goal or a share is at an edge: what it pays, and what it says about it.

use crate::project::Project;
use crate::silent::{paid, project, replaced};

const TWO: &str = "rep_id\nA\nB\n";
const JANUARY: &str = "transaction_id,rep_id,event_date,amount\nd1,A,2027-01-10,1000\n";

/// What a command says beside its result.
fn said(project: &Project, arguments: &[&str]) -> String {
    project.run(arguments).exits(0).stderr()
}

#[test]
fn a_pool_of_nothing_that_nobody_has_a_part_in_pays_nothing() {
    let pool = "pay = \"pool\"\nby = \"measure\"\namount = { sql = \"m * 0\" }";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", "", pool);
    for command in ["run", "explain", "statement"] {
        let mut arguments = vec!["comp", command, "--period", "2027-02"];
        arguments.extend(["--rep", "A"].iter().filter(|_| command == "explain"));
        let told = said(&own, &arguments);
        assert!(told.contains("SPM401") && told.contains("the pool of 2027-02 is paid to nobody"), "{told}");
    }
    let posted = said(&own, &["ledger", "post", "--period", "2027-01"]);
    assert!(!posted.contains("error"), "{posted}");
    own.run(&["ledger", "post", "--period", "2027-02"]).exits(0);
    replaced(&own, "{ sql = \"m * 0\" }", "\"0\"");
    assert!(paid(&own, "2027-03").is_empty());
}

#[test]
fn a_plan_that_ends_before_the_year_has_goals_of_its_days() {
    let measure = "window = \"year-to-date\"\ngoal = { amount = \"1000\", basis = \"year\" }";
    let component = "pay = \"target-share\"\ntarget = \"100\"\nrate = \"1\"";
    let own = project(&[("reps", TWO), ("transactions", JANUARY)], "", measure, component);
    replaced(&own, "id = \"p\"", "id = \"p\"\neffective = { from = 2027-01-01, to = 2027-07-01 }");
    // 1000 of six goals of 1000, of six targets of 100.
    assert_eq!(paid(&own, "2027-01"), ["A 01 100.00"]);
}
