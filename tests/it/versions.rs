//! What was known at a moment: rows recorded later, versions of a row, the ledger as it stood.

use crate::project::Project;

const PROJECT: &str = "version = 1
name = \"A\"
currency = \"USD\"
calendar = { pattern = \"months\", start = 2027-01-01, years = 1 }
[sources.reps]
files = \"reps.csv\"
columns = { rep_id = \"id\" }
[sources.transactions]
files = \"deals*.csv\"
columns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\", recorded_at = \"seen\" }
[sources.quotas]
files = \"quotas.csv\"
columns = { holder_id = \"rep\", period = \"period\", amount = \"amount\", recorded_at = \"seen\" }
";

const PLAN: &str = "version = 1
kind = \"comp\"
id = \"p\"
[[credit]]
name = \"own\"
[[measure]]
name = \"sales\"
credits = [\"own\"]
goal = { quota = \"quota\" }
[[component]]
name = \"commission\"
measure = \"sales\"
pay = \"per-unit\"
rate = \"10%\"
[[component]]
name = \"bonus\"
measure = \"sales\"
pay = \"fixed\"
at = \"100%\"
amount = 100
";

/// A deal of A that is corrected to another month, one of B, and a quota that is raised.
fn project() -> Project {
    let project = Project::new();
    project.file("spm.toml", PROJECT).file("plans/p.toml", PLAN).file("reps.csv", "id\nA\nB\n");
    project.file(
        "deals.csv",
        "id,rep,date,amount,seen\n1,A,2027-01-05,1000,2027-01-05T10:00:00Z\n2,B,2027-01-06,500,2027-01-06\n",
    );
    project.file("deals-2.csv", "id,rep,date,amount,seen\n1,A,2027-02-05,900,2027-01-20T10:00:00+01:00\n");
    project.file(
        "quotas.csv",
        "rep,period,amount,seen\nA,2027-01,2000,2027-01-10 08:00\nA,2027-01,1000,2027-01-01\n",
    );
    project
}

fn known_at(project: &Project, moment: &str) -> Vec<String> {
    let ran =
        project.run(&["-q", "comp", "run", "--period", "2027-Q1", "--as-of", moment, "--format", "csv"]);
    ran.exits(0).stdout().lines().skip(1).map(|line| line.replace(",0.00", "").replace(",USD", "")).collect()
}

#[test]
fn the_last_version_that_was_known_counts() {
    let project = project();
    for (moment, want) in [
        ("2027-01-05T09:59:59Z", vec!["A,2027-01"]),
        ("2027-01-05T10:00:00Z", vec!["A,2027-01,200.00"]),
        ("2027-01-07", vec!["A,2027-01,200.00", "B,2027-01,50.00"]),
        ("2027-01-20T08:59:59Z", vec!["A,2027-01,100.00", "B,2027-01,50.00"]),
        ("2027-01-20T09:00:00Z", vec!["A,2027-01", "B,2027-01,50.00", "A,2027-02,90.00"]),
        ("2027-12-31", vec!["A,2027-01", "B,2027-01,50.00", "A,2027-02,90.00"]),
    ] {
        assert_eq!(known_at(&project, moment), want, "{moment}");
    }
    // Without a moment the newest version counts: that of a range that does not hold the older one, too.
    let ran = project.run(&["-q", "comp", "run", "--period", "2027-02", "--format", "csv"]);
    assert_eq!(ran.stdout(), "payee_id,period,currency,amount,held\nA,2027-02,USD,90.00,0.00\n");
    let ran = project.run(&["-q", "comp", "run", "--period", "2027-01", "--format", "csv"]);
    assert_eq!(ran.stdout().lines().nth(1), Some("A,2027-01,USD,0.00,0.00"));
}

#[test]
fn two_rows_of_one_moment_are_no_versions() {
    let project = project();
    project.file("deals-3.csv", "id,rep,date,amount,seen\n1,A,2027-03-05,900,2027-01-20T09:00:00Z\n");
    let ran = project.run(&["check"]).exits(1);
    assert!(
        ran.stderr().contains("SPM108") && ran.stderr().contains("deals-3.csv: row 1"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_moment_needs_its_zone() {
    let project = project();
    let ran = project.run(&["comp", "run", "--period", "2027-01", "--as-of", "2027-01-05T10:00"]).exits(2);
    assert!(
        ran.stderr().contains("neither a day (2027-02-14) nor a moment with its zone"),
        "{}",
        ran.stderr()
    );
}
