//! The real example against its known answers.

use std::collections::BTreeMap;

use crate::project::{Project, root};

/// Payments by period and payee, computed three times independently (SQL, exact decimals, pandas).
fn expected() -> BTreeMap<(String, String), String> {
    let text =
        std::fs::read_to_string(root().join("examples/adventureworks/expected/payments_periods_1_to_6.csv"))
            .expect("a file");
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.trim_end().split(',').collect();
            ((format!("P{}", fields[0]), fields[3].to_owned()), fields[9].to_owned())
        })
        .collect()
}

#[test]
fn commission_of_six_periods_is_the_published_one() {
    let project = Project::adventureworks();
    let ran = project.run(&["-q", "comp", "run", "--period", "P1..P6", "--format", "csv"]).exits(0);
    let paid: BTreeMap<(String, String), String> = ran
        .stdout()
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            ((fields[1].to_owned(), fields[0].to_owned()), fields[3].to_owned())
        })
        .collect();
    assert_eq!(paid.len(), 67);
    assert_eq!(paid, expected());
    assert_eq!(ran.stderr(), "", "quiet means quiet");
}

#[test]
fn an_explanation_ends_in_the_rows_of_the_extract() {
    let project = Project::adventureworks();
    let text = project.run(&["comp", "explain", "--rep", "275", "--period", "P1"]).exits(0).stdout();
    for part in [
        "payment to 275: 3657.07 USD",
        "1.2%",
        "plans/commission.toml:",
        "extracts/Sales.SalesOrderHeader.parquet",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_second_run_and_another_number_of_threads_give_the_same_bytes() {
    let project = Project::adventureworks();
    let files = ["payments", "earnings", "measurements", "credits", "trace", "unresolved"];
    let read = |project: &Project| files.map(|name| project.bytes(&format!("out/comp/P2/{name}.parquet")));
    project.run(&["-q", "comp", "run", "--period", "P2", "--threads", "1"]).exits(0);
    let first = read(&project);
    project.run(&["-q", "comp", "run", "--period", "P2", "--threads", "3"]).exits(0);
    assert!(first == read(&project));
}

#[test]
fn statistics_that_lie_do_not_lose_rows() {
    // `SubTotal < 800` is true of 16,430 rows; readers that trust the file's wrong min/max statistics answer 0.
    let project = Project::adventureworks();
    let toml = String::from_utf8(project.bytes("spm.toml")).expect("text");
    let small = toml.replace(
        "[sources.transactions.columns]",
        "[sources.transactions.columns]\nsmall = { sql = \"SubTotal < 800\" }",
    );
    let filtered =
        small.replace("[sources.transactions]\n", "[sources.transactions]\nwhere = \"SubTotal < 800\"\n");
    project.file("spm.toml", filtered);
    let text = project.run(&["check"]).exits(0).stdout();
    assert!(text.contains("transactions: 16430 of 31465 rows (where)"), "{text}");
}

#[test]
fn the_chain_plans_and_pays() {
    let project = Project::adventureworks();
    let ran = project.run(&["run", "--period", "P1..P12", "--format", "csv"]).exits(0);
    assert_eq!(ran.stdout().lines().count(), 164, "163 quotas of salespeople, and the header");
    let result: serde_json::Value =
        serde_json::from_slice(&project.bytes("out/territories/result.json")).expect("JSON");
    assert_eq!(result["feasible"], true);
    let number = |key: &str| result[key].as_f64().expect("a number");
    assert!(number("bound") <= number("objective") && number("gap") < 0.05, "{result}");
    let names = [
        "territories/assignment",
        "territories/summary",
        "quotas/quotas",
        "quotas/parts",
        "comp/P1-to-P12/payments",
        "comp/P1-to-P12/credits",
    ];
    let read = || names.map(|name| project.bytes(&format!("out/{name}.parquet")));
    let first = read();
    project.run(&["-q", "run", "--period", "P1..P12"]).exits(0);
    for (name, (first, second)) in names.iter().zip(first.iter().zip(read().iter())) {
        assert!(first == second, "{name} differs when the chain is run again");
    }
}

#[test]
fn quotas_add_up_on_every_level() {
    let project = Project::adventureworks();
    let ran = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0);
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut own: BTreeMap<(String, String), i64> = BTreeMap::new();
    for line in ran.stdout().lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let cents: i64 = fields[5].replace('.', "").parse().expect("cents");
        *sums.entry((fields[2].to_owned(), fields[4].to_owned())).or_default() += cents;
        own.insert((fields[0].to_owned(), fields[4].to_owned()), cents);
    }
    assert!(own.len() > 80);
    for (holder, cents) in sums.iter().filter(|((parent, _), _)| !parent.is_empty()) {
        assert_eq!(own.get(holder), Some(cents), "{holder:?}");
    }
}

#[test]
fn limits_that_contradict_have_an_exit_code_of_their_own() {
    let project = Project::adventureworks();
    let plan = String::from_utf8(project.bytes("plans/territories.toml")).expect("text");
    project.file("plans/territories.toml", plan.replace("move = \"500\"", "move = \"500\"\nmax_moves = 0"));
    let ran = project.run(&["territories", "balance"]).exits(4);
    assert!(
        ran.stderr().contains("SPM501") && !project.0.join("out/territories").exists(),
        "{}",
        ran.stderr()
    );
}
