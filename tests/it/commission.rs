//! Commission on small hand-computed worlds: splits, overlays, managers, windows, order of rows.

use crate::project::Project;

const PROJECT: &str = r#"
version = 1
name = "Acme"
currency = "USD"
calendar = { pattern = "months", start = 2027-01-01, years = 1 }

[sources.reps]
files = "reps.csv"
columns = { rep_id = "id", manager_id = "manager" }

[sources.transactions]
files = "deals-*.csv"
columns = { transaction_id = "id", rep_id = "rep", event_date = "date", amount = "amount", kind = "kind" }

[sources.splits]
files = "splits.csv"
columns = { transaction_id = "deal", rep_id = "rep", share = "share", type = "type", role = "role" }
"#;

const PLAN: &str = r#"
version = 1
kind = "comp"
id = "p"
[[credit]]
name = "deals"
where = "kind <> 'refund' OR amount < 0"
to = "splits"
[[credit]]
name = "support"
to = "overlays"
role = "SE"
[[credit]]
name = "team"
to = "managers"
of = "splits"
[[measure]]
name = "own"
credits = ["deals", "support"]
[[measure]]
name = "team"
credits = ["team"]
window = "quarter-to-date"
[[component]]
name = "commission"
measure = "own"
pay = "per-unit"
rate = "10%"
[[component]]
name = "override"
measure = "team"
pay = "per-unit"
rate = "1%"
"#;

fn world() -> Project {
    let project = Project::new();
    project
        .file("spm.toml", PROJECT)
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id,manager\nA,M\nB,M\nC,M\nM,\nS,\n")
        .file("deals-1.csv", "id,rep,date,amount,kind\nd1,A,2027-01-05,100.00,booking\nd2,B,2027-01-31,50.00,booking\n")
        .file("deals-2.csv", "id,rep,date,amount,kind\nd3,A,2027-02-01,-20.00,refund\nd4,,2027-02-01,70.00,booking\n")
        .file("splits.csv", "deal,rep,share,type,role\nd1,A,33.34%,split,\nd1,B,33.33%,split,\nd1,C,33.33%,split,\nd1,S,50%,overlay,SE\n");
    project
}

#[test]
fn splits_overlays_managers_and_refunds() {
    let project = world();
    let ran = project.run(&["comp", "run", "--period", "2027-01..2027-02", "--format", "csv"]).exits(0);
    // d1: A 33.34, B 33.33, C 33.33 of 100; S half on top; M 1 % of 150 in January, of -20 more in February.
    let expected = "payee_id,period,currency,amount,held\nA,2027-01,USD,3.33,0.00\nB,2027-01,USD,8.33,0.00\nC,2027-01,USD,3.33,0.00\nM,2027-01,USD,1.50,0.00\nS,2027-01,USD,5.00,0.00\nA,2027-02,USD,-2.00,0.00\nM,2027-02,USD,-0.20,0.00\n";
    assert_eq!(ran.stdout(), expected);
    assert!(ran.stderr().contains("SPM403"), "the deal without a rep is reported: {}", ran.stderr());
}

#[test]
fn the_order_of_rows_and_files_changes_no_byte() {
    let project = world();
    let run = |project: &Project| {
        project.run(&["-q", "comp", "run", "--period", "2027-01"]).exits(0);
        ["payments", "earnings", "credits", "trace", "measurements", "unresolved"]
            .map(|name| project.bytes(&format!("out/comp/2027-01/{name}.parquet")))
    };
    let first = run(&project);
    project
        .file("reps.csv", "id,manager\nS,\nM,\nC,M\nB,M\nA,M\n")
        .file("deals-1.csv", "id,rep,date,amount,kind\nd4,,2027-02-01,70.00,booking\nd2,B,2027-01-31,50.00,booking\n")
        .file("deals-2.csv", "id,rep,date,amount,kind\nd1,A,2027-01-05,100.00,booking\nd3,A,2027-02-01,-20.00,refund\n")
        .file("splits.csv", "deal,rep,share,type,role\nd1,S,50%,overlay,SE\nd1,C,33.33%,split,\nd1,B,33.33%,split,\nd1,A,33.34%,split,\n");
    assert!(first == run(&project));
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = world();
    project.run(&["comp", "run", "--period", "2027-01", "--dry-run"]).exits(0);
    assert!(!project.0.join("out").exists());
}

#[test]
fn output_files_in_three_formats() {
    let project = world();
    for name in ["x.csv", "x.parquet", "x.xlsx"] {
        project.run(&["comp", "run", "--period", "2027-01", "--output", name]).exits(0);
        assert!(!project.bytes(name).is_empty());
    }
    assert!(String::from_utf8_lossy(&project.bytes("x.csv")).contains("M,2027-01,USD,1.50"));
    project.run(&["comp", "run", "--period", "2027-01", "--output", "x.pdf"]).exits(2);
}

#[test]
fn a_new_project_runs_at_once() {
    let project = Project::new();
    project.run(&["init"]).exits(0);
    project.run(&["check"]).exits(0);
    let ran = project.run(&["run", "--period", "2027-01", "--format", "csv"]).exits(0);
    // 73,500.50 against 60,000: 8 % of 60,000 and 12 % of 13,500.50.
    assert!(ran.stdout().contains("r1,2027-01,USD,6420.06"), "{}", ran.stdout());
    project.run(&["init"]).exits(3);
}

#[test]
fn a_transaction_is_explained() {
    let project = world();
    let text = project
        .run(&["comp", "explain", "--rep", "B", "--period", "2027-01", "--transaction", "d1"])
        .exits(0)
        .stdout();
    for part in ["transaction d1 (deals-1.csv: row 1)", "33.33", "3.33"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    project.run(&["comp", "explain", "--rep", "B", "--period", "2027-01", "--transaction", "d9"]).exits(1);
}

#[test]
fn what_credits_earned_adds_up_to_the_earnings() {
    let project = world();
    let read = |table: &str, column: usize| {
        let ran = project
            .run(&["-q", "comp", "run", "--period", "2027-Q1", "--table", table, "--format", "csv"])
            .exits(0);
        let mut sums: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
        for line in ran.stdout().lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let cents: i64 = fields[column].replace('.', "").parse().expect("cents");
            *sums.entry(fields[1..4].join(",")).or_default() += cents;
        }
        sums.retain(|_, cents| *cents != 0);
        sums
    };
    assert_eq!(read("attribution", 8), read("earnings", 8));
    // Lines without credits of their own are rows without a transaction.
    let more = "[[component]]\nname = \"salary\"\npay = \"formula\"\nsql = \"12.34\"\n[[component]]\nname = \"carried\"\nmeasure = \"own\"\npay = \"per-unit\"\nrate = \"20%\"\ncap = { amount = \"2\", per = \"period\", carry = true }\n[cap]\namount = \"20\"\n[guarantee]\namount = \"18\"\n";
    project.file("plans/p.toml", format!("{PLAN}{more}"));
    let (attributed, earned) = (read("attribution", 8), read("earnings", 8));
    for line in ["B,2027-03,carried", "A,2027-01,guarantee", "A,2027-01,salary", "B,2027-01,plan cap"] {
        assert!(earned.contains_key(line), "{line} is not in {earned:?}");
    }
    assert_eq!(attributed, earned);
}

#[test]
fn statements_are_pages_and_workbooks() {
    let project = world();
    let ran = project.run(&["comp", "statement", "--period", "2027-01"]).exits(0);
    assert!(ran.stdout().contains("B: 8.33 USD"), "{}", ran.stdout());
    let page = String::from_utf8(project.bytes("out/statements/2027-01/B.html")).expect("text");
    for part in ["<b>8.33 USD</b>", "you are here", "<td>d1</td>", "how it was calculated"] {
        assert!(page.contains(part), "{part} is not in the page");
    }
    assert!(!page.contains("http"), "a statement needs nothing from elsewhere");
    let first = project.bytes("out/statements/2027-01/B.xlsx");
    project.run(&["comp", "statement", "--period", "2027-01", "--rep", "B"]).exits(0);
    assert!(first == project.bytes("out/statements/2027-01/B.xlsx"));
    project.run(&["comp", "statement", "--period", "2027-01", "--rep", "Z"]).exits(1);
}

#[test]
fn two_projects_are_compared() {
    let (project, other) = (world(), world());
    let there = other.0.to_string_lossy().into_owned();
    let same = project.run(&["comp", "diff", &there, "--period", "2027-01", "--format", "csv"]).exits(0);
    assert_eq!(same.stdout().lines().count(), 1);
    other.file("plans/p.toml", PLAN.replace("\"10%\"", "\"12%\""));
    other.file(
        "splits.csv",
        "deal,rep,share,type,role\nd1,A,50%,split,\nd1,B,50%,split,\nd1,S,50%,overlay,SE\n",
    );
    let text =
        project.run(&["comp", "diff", &there, "--period", "2027-01", "--format", "csv"]).exits(1).stdout();
    assert!(
        text.contains("S,2027-01,commission,USD,5.00,6.00,1.00,rate is 12% instead of 10% (plans/p.toml:"),
        "{text}"
    );
    for part in [
        "A,2027-01,commission,USD,3.33,6.00,2.67,",
        "transaction d1 (deals) counts 50 instead of 33.34 [deals-1.csv: row 1]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn extracts_in_workbooks_parquet_and_foreign_text() {
    let project = world();
    let payments = ["comp", "run", "--period", "2027-01", "--format", "csv"];
    let expected = project.run(&payments).exits(0).stdout();
    // What spm writes, spm reads: the splits as a workbook and as Parquet.
    project
        .file("one/spm.toml", "version = 1\nname = \"x\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2027-01-01, years = 1 }\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"rep\" }\n[sources.transactions]\nfiles = \"splits.csv\"\ncolumns = { transaction_id = \"deal\", rep_id = \"rep\", event_date = { sql = \"DATE '2027-01-01'\" }, amount = \"share\", kind = \"type\", line_id = \"rep\" }\n")
        .file("one/plans/p.toml", "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"1\"\n")
        .file("one/reps.csv", "rep\nA\nB\nC\nS\n")
        .file("one/splits.csv", project.bytes("splits.csv"));
    for format in ["xlsx", "parquet"] {
        let output = format!("splits.{format}");
        project
            .run(&[
                "--project",
                "one",
                "comp",
                "run",
                "--period",
                "2027-01",
                "--table",
                "credits",
                "--output",
                &output,
                "-q",
            ])
            .exits(0);
        let columns = "columns = { transaction_id = \"transaction_id\", rep_id = \"payee_id\", share = \"amount\", type = { sql = \"CASE WHEN payee_id = 'S' THEN 'overlay' ELSE 'split' END\" }, role = { sql = \"CASE WHEN payee_id = 'S' THEN 'SE' ELSE '' END\" } }\n";
        let toml = PROJECT.split("[sources.splits]").next().expect("the rest").to_owned();
        project.file("spm.toml", format!("{toml}[sources.splits]\nfiles = \"{output}\"\n{columns}"));
        assert_eq!(project.run(&payments).exits(0).stdout(), expected, "{format}");
    }
    // Semicolons, decimal comma, thousands, dates the other way round, Latin-1.
    let deals = "id;rep;date;amount;kind\nd1;A;05.01.2027;1.100,00;G\u{fc}ltig\n";
    let bytes: Vec<u8> = deals.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let toml = PROJECT.replace(
        "files = \"deals-*.csv\"",
        "files = \"foreign.csv\"\ndelimiter = \";\"\nencoding = \"windows-1252\"\ndecimal = \",\"\nthousands = \".\"\ndate_format = \"%d.%m.%Y\"",
    );
    project
        .file("foreign.csv", bytes)
        .file("spm.toml", toml)
        .file("splits.csv", "deal,rep,share,type,role\n");
    let printed = project.run(&payments).exits(0).stdout();
    assert!(printed.contains("A,2027-01,USD,110.00"), "{printed}");
}
