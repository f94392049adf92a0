//! People over time and the tables that say so: bad rows are told, in what people are paid is compared, causes are named.

use crate::project::Project;

const PROJECT: &str = r#"
version = 1
name = "Acme"
currency = "USD"
calendar = { pattern = "months", start = 2027-01-01, years = 1 }

[sources.reps]
files = "reps.csv"
columns = { rep_id = "id", manager_id = "manager", currency = "currency", target_pay = "target" }

[sources.rep_history]
files = "history.csv"
columns = { rep_id = "id", from = "from", to = "to", manager_id = "manager", target_pay = "target" }

[sources.leaves]
files = "leaves.csv"
columns = { rep_id = "id", from = "from", to = "to", relief = "relief" }

[sources.rates]
files = "rates.csv"
columns = { from_currency = "from", to_currency = "to", rate = "rate" }

[sources.transactions]
files = "deals.csv"
columns = { transaction_id = "id", rep_id = "rep", event_date = "date", amount = "amount" }
"#;

const PLAN: &str = r#"
version = 1
kind = "comp"
id = "p"
pay_currency = "payee"
[[credit]]
name = "deals"
[[credit]]
name = "team"
to = "managers"
[[measure]]
name = "own"
credits = ["deals"]
goal = { amount = "100", prorate = false }
[[measure]]
name = "team"
credits = ["team"]
[[component]]
name = "target"
measure = "own"
pay = "target-share"
target = { column = "target_pay", per = "year" }
rate = "1"
[[component]]
name = "override"
measure = "team"
pay = "per-unit"
rate = "10%"
"#;

fn world() -> Project {
    let project = Project::new();
    project
        .file("spm.toml", PROJECT)
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id,manager,currency,target\nA,N,EUR,2400\nM,,,\nN,,,\n")
        .file("history.csv", "id,from,to,manager,target\nA,,2027-01-17,M,1200\n")
        .file("leaves.csv", "id,from,to,relief\n")
        .file("rates.csv", "from,to,rate\nUSD,EUR,0.5\n")
        .file("deals.csv", "id,rep,date,amount\nd1,A,2027-01-16,60\nd2,A,2027-01-17,40\n");
    project
}

const RUN: [&str; 5] = ["comp", "run", "--period", "2027-01", "--format"];

#[test]
fn a_transfer_inside_a_month() {
    // Target 100 x 16/31 + 200 x 15/31 = 148.39 USD, 74.20 EUR. d1 is rolled up to M, d2 to N.
    let ran = world().run(&[&RUN[..], &["csv"]].concat()).exits(0);
    let expected = "payee_id,period,currency,amount,held\nA,2027-01,EUR,74.20,0.00\nM,2027-01,USD,6.00,0.00\nN,2027-01,USD,4.00,0.00\n";
    assert_eq!(ran.stdout(), expected);
    let text = world().run(&["comp", "explain", "--rep", "A", "--period", "2027-01"]).exits(0).stdout();
    for part in ["target pay, from 2027-01-17", "part of the period, from 2027-01-17: "] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

/// What is wrong with a file of people over time: its text, words of the message, the place.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("leaves.csv", "A,2027-01-10,2027-01-10,", "not after its first day 2027-01-10", "leaves.csv: row 1"),
    ("leaves.csv", "A,2027-01-10,2027-01-12,1.5", "not between 0 % and 100 %", "leaves.csv: row 1"),
    (
        "leaves.csv",
        "A,2027-01-10,2027-01-12,\nA,2027-01-11,2027-01-15,",
        "two rows for the same days",
        "row 2",
    ),
    (
        "history.csv",
        "A,2027-02-01,2027-01-01,,5",
        "the history of A ends on 2027-01-01",
        "history.csv: row 1",
    ),
    (
        "history.csv",
        "A,,2027-03-01,M,1\nA,2027-02-01,,M,1",
        "two rows for the same days",
        "history.csv: row 2",
    ),
];

#[test]
fn wrong_days_of_people_are_told_with_their_rows() {
    for (file, rows, words, place) in WRONG {
        let project = world();
        let head = if *file == "leaves.csv" { "id,from,to,relief" } else { "id,from,to,manager,target" };
        project.file(file, format!("{head}\n{rows}\n"));
        for command in [&["check"][..], &[&RUN[..], &["csv"]].concat()] {
            let ran = project.run(command);
            let text = ran.stderr();
            assert!(text.contains("SPM110") && text.contains(words) && text.contains(place), "{text}");
        }
    }
}

#[test]
fn columns_of_the_history_are_those_of_reps() {
    for (columns, code, words) in [
        ("hire_date = { column = \"from\", type = \"date\" }", "SPM304", "of which a person has one only"),
        ("colour = \"manager\"", "SPM104", "rep_history has `colour`, but reps does not"),
        ("currency = { column = \"target\", type = \"number\" }", "SPM112", "currency"),
    ] {
        let project = world();
        let toml = PROJECT.replace("to = \"to\", manager_id", &format!("to = \"to\", {columns}, manager_id"));
        project.file("spm.toml", toml);
        let text = project.run(&["check"]).stderr();
        assert!(text.contains(code) && text.contains(words), "{text}");
    }
}

#[test]
fn a_comparison_names_clauses_rows_and_what_people_are_paid() {
    let (project, other) = (world(), world());
    let there = other.0.to_string_lossy().into_owned();
    let diff = ["comp", "diff", &there, "--period", "2027-01", "--format", "csv"];
    project.run(&diff).exits(0);
    // A rate: the clause is named, and nobody else's line differs.
    other.file("plans/p.toml", PLAN.replace("\"10%\"", "\"20%\""));
    let text = project.run(&diff).exits(1).stdout();
    assert!(
        text.contains("M,2027-01,override,USD,6.00,12.00,6.00,rate is 20% instead of 10% (plans/p.toml:"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "override and payment of M and N: {text}");
    // A row more: the transaction and its place are named, for its rep and the manager of its day.
    other.file("plans/p.toml", PLAN);
    other.file(
        "deals.csv",
        "id,rep,date,amount\nd1,A,2027-01-16,60\nd2,A,2027-01-17,40\nd3,A,2027-01-20,10\n",
    );
    let text = project.run(&diff).exits(1).stdout();
    for part in [
        "transaction d3 (deals) counts 10 [deals.csv: row 3]",
        "transaction d3 (team) counts 10",
        "A,2027-01,payment,EUR,74.20,81.6",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // Another exchange rate changes no line, only what A is paid.
    other.file("deals.csv", "id,rep,date,amount\nd1,A,2027-01-16,60\nd2,A,2027-01-17,40\n");
    other.file("rates.csv", "from,to,rate\nUSD,EUR,0.6\n");
    let text = project.run(&diff).exits(1).stdout();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.contains("A,2027-01,payment,EUR,74.20,89.03,14.83,EUR for one USD is 0.6 instead of 0.5"),
        "{text}"
    );
    // A person: the target of the history.
    other.file("rates.csv", "from,to,rate\nUSD,EUR,0.5\n");
    other.file("history.csv", "id,from,to,manager,target\nA,,2027-01-17,M,2400\n");
    let text = project.run(&diff).exits(1).stdout();
    assert!(text.contains("A,2027-01,target,USD,148.39,200.00,51.61,"), "{text}");
    assert!(text.contains("target pay (target_pay of A)"), "{text}");
    // What counts: the clause of the credit.
    other.file("history.csv", "id,from,to,manager,target\nA,,2027-01-17,M,1200\n");
    other.file(
        "plans/p.toml",
        PLAN.replace("name = \"team\"\nto", "name = \"team\"\nwhere = \"amount > 50\"\nto"),
    );
    let text = project.run(&diff).exits(1).stdout();
    assert!(text.contains("`where` of the credit `team` was changed (plans/p.toml:"), "{text}");
    assert!(text.contains("transaction d2 (team) counts no longer, it was 40 [deals.csv: row 2]"), "{text}");
}

#[test]
fn events_of_unknown_transactions_and_idle_plans_are_told() {
    let project = world();
    let toml = format!(
        "{PROJECT}\n[sources.releases]\nfiles = \"releases.csv\"\ncolumns = {{ transaction_id = \"id\", event = \"event\", date = \"date\" }}\n"
    );
    project
        .file("spm.toml", toml)
        .file("releases.csv", "id,event,date\nd1,cash,2027-01-20\nd7,cash,2027-01-20\n");
    project.file(
        "plans/p.toml",
        PLAN.replace("id = \"p\"", "id = \"p\"\neffective = { from = 2026-01-01, to = 2027-01-01 }"),
    );
    let text = project.run(&["check"]).exits(0).stderr();
    assert!(text.contains("1 transaction(s) of releases are not in transactions, such as `d7`"), "{text}");
    assert!(text.contains("plan `p` never applies"), "{text}");
    let empty = Project::new();
    empty.file("spm.toml", "version = 1\nname = \"A\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2027-01-01, years = 1 }\n");
    let text = empty.run(&["check"]).exits(0).stderr();
    assert!(text.contains("the project has no plans"), "{text}");
}
