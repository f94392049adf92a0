//! What a run takes over from an earlier one: the bytes are those of a run that calculates everything.

use crate::project::Project;

const PROJECT: &str = "version = 1
name = \"A\"
currency = \"USD\"
calendar = { pattern = \"months\", start = 2027-01-01, years = 1 }
[sources.reps]
files = \"reps.csv\"
columns = { rep_id = \"id\" }
[sources.transactions]
files = \"deals.csv\"
columns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }
";

fn plan(id: &str, currency: &str, rate: &str) -> String {
    format!(
        "version = 1\nkind = \"comp\"\nid = \"{id}\"\ncurrency = \"{currency}\"\n[[credit]]\nname = \"own\"\n[[measure]]\nname = \"sales\"\ncredits = [\"own\"]\n[[component]]\nname = \"c\"\nmeasure = \"sales\"\npay = \"per-unit\"\nrate = \"{rate}\"\n"
    )
}

fn project() -> Project {
    let project = Project::new();
    project.file("spm.toml", PROJECT).file("reps.csv", "id\nA\nB\n");
    project.file("deals.csv", "id,rep,date,amount\n1,A,2027-01-05,1000.125\n2,B,2027-01-06,500\n");
    project.file("plans/a.toml", plan("a", "USD", "10%")).file("plans/b.toml", plan("b", "USD", "20%"));
    project
}

const FILES: [&str; 9] = [
    "attribution.parquet",
    "credits.parquet",
    "earnings.parquet",
    "measurements.parquet",
    "payments.parquet",
    "releases.parquet",
    "run.json",
    "trace.parquet",
    "unresolved.parquet",
];

/// Runs; gives what was said of plans that were taken over, after comparing every byte with a run that takes nothing over.
fn run(project: &Project) -> Vec<String> {
    let files = || FILES.map(|name| project.bytes(&format!("out/comp/2027-01/{name}")));
    let command = ["comp", "run", "--period", "2027-01", "--detail", "--format", "csv"];
    let ran = project.run(&command).exits(0);
    let (printed, first) = (ran.stdout(), files());
    let fresh = project.run(&[&command[..], &["--fresh"]].concat()).exits(0);
    assert!(!fresh.stderr().contains("taken over"), "{}", fresh.stderr());
    assert_eq!(fresh.stdout(), printed);
    for (name, (first, fresh)) in FILES.iter().zip(first.iter().zip(files())) {
        assert!(*first == fresh, "{name} differs");
    }
    let taken = |line: &&str| line.contains("taken over") || line.contains("up to date");
    let short = |line: &str| line.split([':', ' ']).next().unwrap_or_default().to_owned();
    ran.stderr().lines().filter(taken).map(short).filter(|word| !word.starts_with('/')).collect()
}

#[test]
fn only_what_changed_is_calculated_again() {
    let project = project();
    assert!(run(&project).is_empty());
    assert_eq!(run(&project), ["a", "b"]);
    project.file("plans/b.toml", plan("b", "USD", "25%"));
    assert_eq!(run(&project), ["a"]);
    // Another plan brings other decimals, and takes them away again.
    project.file("plans/c.toml", plan("c", "KWD", "1%"));
    assert_eq!(run(&project), ["a", "b"]);
    project.remove("plans/c.toml");
    assert_eq!(run(&project), ["a", "b"]);
    project.file("deals.csv", "id,rep,date,amount\n1,A,2027-01-05,1000.125\n2,B,2027-01-06,501\n");
    assert!(run(&project).is_empty());
    project.file("spm.toml", PROJECT.replace("\"A\"", "\"B\""));
    assert!(run(&project).is_empty());
}

#[test]
fn results_that_were_touched_are_not_taken_over() {
    let project = project();
    run(&project);
    let payments = project.bytes("out/comp/2027-01/payments.parquet");
    project.file("out/comp/2027-01/earnings.parquet", payments);
    assert!(run(&project).is_empty());
    project.file("out/comp/.reuse/2027-01.json", "{");
    assert!(run(&project).is_empty());
}

#[test]
fn a_plan_that_gives_warnings_is_calculated_again() {
    let project = project();
    project.file("deals.csv", "id,rep,date,amount\n1,A,2027-01-05,1000\n2,,2027-01-06,500\n");
    assert!(run(&project).is_empty());
    assert!(run(&project).is_empty());
}
