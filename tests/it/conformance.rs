//! Published worked examples: each case is a small project with the answer that its source prints.
//!
//! `fixtures/conformance/README.md` says where they come from. A case has one or more runs: sources that can be read in
//! several ways show the settings of each reading.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::project::{Project, root};

fn text<'t>(table: &'t toml::Table, key: &str) -> Option<&'t str> {
    table.get(key)?.as_str()
}

/// The lines of a result that the case lists, without the columns in between.
fn lines(csv: &str, columns: &[&str]) -> Vec<String> {
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let places: Vec<usize> =
        columns.iter().filter_map(|name| header.iter().position(|column| column == name)).collect();
    rows.map(|row| places.iter().map(|place| row[*place]).collect::<Vec<_>>().join(",")).collect()
}

fn project(run: &toml::Table) -> Project {
    let project = Project::new();
    let calendar = text(run, "calendar").unwrap_or("pattern = \"months\", start = 2027-01-01, years = 1");
    let mut spm = format!("version = 1\nname = \"Case\"\ncurrency = \"USD\"\ncalendar = {{ {calendar} }}\n");
    let own: Vec<&str> = run
        .get("numbers")
        .and_then(toml::Value::as_array)
        .map(|names| names.iter().filter_map(toml::Value::as_str).collect())
        .unwrap_or_default();
    for (name, content) in run["tables"].as_table().expect("tables") {
        let content = content.as_str().expect("a text");
        project.file(&format!("{name}.csv"), content);
        let columns: Vec<String> = content
            .lines()
            .next()
            .unwrap_or_default()
            .split(',')
            .map(|column| match own.contains(&column) {
                true => format!("{column} = {{ column = \"{column}\", type = \"number\" }}"),
                false => format!("{column} = \"{column}\""),
            })
            .collect();
        let _ =
            write!(spm, "[sources.{name}]\nfiles = \"{name}.csv\"\ncolumns = {{ {} }}\n", columns.join(", "));
    }
    spm += text(run, "ledger").unwrap_or_default();
    project.file("spm.toml", spm);
    for key in ["plan", "plan2"] {
        if let Some(plan) = text(run, key) {
            project.file(&format!("plans/{key}.toml"), plan);
        }
    }
    project
}

fn expected(run: &toml::Table, key: &str) -> Option<Vec<String>> {
    let list = run.get(key)?.as_array()?;
    Some(list.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
}

/// What disagrees in the steps of a run: each may change tables and the plan, gives commands, posts, and says what is paid,
/// what balances are left and which lines were booked.
fn disagreement_of_steps(run: &toml::Table, steps: &[toml::Value]) -> Option<String> {
    let project = project(run);
    for step in steps.iter().filter_map(toml::Value::as_table) {
        for (name, content) in step.get("tables").and_then(toml::Value::as_table).into_iter().flatten() {
            project.file(&format!("{name}.csv"), content.as_str().expect("a text"));
        }
        if let Some(plan) = text(step, "plan") {
            project.file("plans/plan.toml", plan);
        }
        for command in expected(step, "commands").unwrap_or_default() {
            project.run(&command.split_whitespace().collect::<Vec<_>>()).exits(0);
        }
        let post = text(step, "post").expect("a period");
        let posted =
            project.run(&["-q", "ledger", "post", "--period", post, "--format", "csv"]).exits(0).stdout();
        let balances = ["ledger", "balances", "--format", "csv"];
        let show = ["ledger", "show", "--period", post, "--format", "csv"];
        let amounts = ["payee_id", "origin", "kind", "component", "earned", "payable"];
        let journal = ["ledger", "journal", "--format", "csv"];
        let results: [(&str, &dyn Fn() -> Vec<String>); 4] = [
            ("payments", &|| lines(&posted, &["payee_id", "period", "amount"])),
            ("balances", &|| {
                let mut all = lines(&project.run(&balances).stdout(), &["payee_id", "account", "closing"]);
                all.retain(|line| !line.ends_with(",0.00"));
                all
            }),
            ("journal", &|| lines(&project.run(&journal).stdout(), &["account", "debit", "credit", "text"])),
            ("lines", &|| lines(&project.run(&show).stdout(), &amounts)),
        ];
        for (name, read) in results {
            let Some(mut expected) = expected(step, name) else { continue };
            let mut found = read();
            expected.sort();
            found.sort();
            if found != expected {
                return Some(format!("{post}, {name}: expected {expected:?}, found {found:?}"));
            }
        }
    }
    let verified = project.run(&["ledger", "verify"]);
    let (stdout, stderr) = (verified.stdout(), verified.stderr());
    (!stdout.contains("calculated again\n")).then_some(stderr)
}

/// What disagrees in one run.
fn disagreement(run: &toml::Table) -> Option<String> {
    if let Some(steps) = run.get("step").and_then(toml::Value::as_array) {
        return disagreement_of_steps(run, steps);
    }
    let project = project(run);
    let pay =
        |table| vec!["comp", "run", "--period", text(run, "period").unwrap_or_default(), "--table", table];
    // What a case expects, the command that prints it, the columns, and how the lines that count begin.
    let tables = [
        ("payments", pay("payments"), vec!["payee_id", "period", "amount"], ""),
        ("earnings", pay("earnings"), vec!["payee_id", "period", "component", "amount"], ""),
        ("attainment", pay("earnings"), vec!["payee_id", "attainment"], ""),
        ("attribution", pay("attribution"), vec!["payee_id", "transaction_id", "earned"], ""),
        ("releases", pay("releases"), vec!["payee_id", "period", "component", "event", "amount"], ""),
        (
            "quotas",
            vec!["quotas", "allocate"],
            vec!["level", "holder_id", "period", "amount"],
            "salesperson,",
        ),
        ("capacity", vec!["quotas", "capacity"], vec!["period", "heads_start", "heads_needed"], "all,"),
        ("heads", vec!["quotas", "capacity"], vec!["period", "heads_end"], ""),
    ];
    for (table, command, columns, begin) in tables {
        let Some(mut expected) = expected(run, table) else { continue };
        if begin == "salesperson," {
            expected.iter_mut().for_each(|line| line.insert_str(0, begin));
        }
        let ran = project.run(&[&["-q", "--format", "csv"], &command[..]].concat());
        let (stdout, stderr) = (ran.stdout(), ran.stderr());
        let mut found = lines(&stdout, &columns);
        found.retain(|line| line.starts_with(begin));
        expected.sort();
        found.sort();
        if found != expected {
            return Some(format!("{table}: expected {expected:?}, found {found:?}\n{stderr}"));
        }
    }
    None
}

#[expect(clippy::print_stdout, reason = "the count by category is the report")]
/// Runs every case of a folder; panics with all that disagree and the count by category.
fn run_folder(folder: &str, at_least: u32) {
    let mut by_category: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut report = String::new();
    let entries = std::fs::read_dir(root().join("fixtures").join(folder)).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        let case = std::fs::read_to_string(&path).expect("a file");
        let case: toml::Table = case.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let runs = case["run"].as_array().expect("runs");
        let faults: Vec<String> = runs.iter().filter_map(|run| disagreement(run.as_table()?)).collect();
        let count = by_category.entry(text(&case, "category").unwrap_or_default().to_owned()).or_default();
        count.1 += 1;
        if faults.is_empty() {
            count.0 += 1;
        } else {
            let _ = writeln!(report, "{}: {}", case["id"], faults.join("\n"));
        }
    }
    let (mut passed, mut all) = (0, 0);
    for (category, count) in &by_category {
        let _ = writeln!(report, "  {category}: {} of {}", count.0, count.1);
        (passed, all) = (passed + count.0, all + count.1);
    }
    println!("{folder}: {passed} of {all} cases agree\n{report}");
    assert!(passed == all && all >= at_least, "{passed} of {all} cases agree:\n{report}");
}

#[test]
fn published_examples() {
    run_folder("conformance/comp", 80);
    run_folder("conformance/quota", 15);
}

#[test]
fn edge_cases() {
    run_folder("edge-cases", 45);
}
