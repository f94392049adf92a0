//! Extracts as they lie in folders: what a pattern means, what is drafted from files, what is told about them.

use std::fs;

use crate::faults::{PLAN, PROJECT};
use crate::project::{Project, root};

fn project() -> Project {
    let project = Project::new();
    project
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id\nA\n")
        .file("x/a.csv", "id,rep,date,amount\nd1,A,2027-01-05,100\n");
    pattern(&project, "x/*.csv");
    project
}

/// The settings, with `files` of the transactions.
fn settings(files: &str) -> String {
    PROJECT.replace("deals.csv", files)
}

/// Sets `files` of the transactions.
fn pattern(project: &Project, files: &str) {
    project.file("spm.toml", settings(files));
}

#[test]
fn init_touches_no_file_that_is_there() {
    let project = Project::new();
    project.file("q/extracts/deals.csv", "mine").file("q/plans/commission.toml", "mine");
    let said = project.run(&["init", "q"]).exits(3).stderr();
    assert!(said.contains("q/plans/commission.toml, q/extracts/deals.csv are there already"), "{said}");
    assert!(!project.0.join("q/spm.toml").exists());
    assert_eq!(project.bytes("q/extracts/deals.csv"), b"mine");
    project.file("src/reps.csv", "Id,Name\n1,A\n").file("src/deep/more.csv", "Id\n1\n");
    project.file("src/_reps.csv", "Id,Name\n1,A\n").file("s/extracts/reps.csv", "mine");
    let said = project.run(&["init", "s", "--from", "src"]).exits(3).stderr();
    assert!(said.contains("s/extracts/reps.csv is there already; nothing was changed"), "{said}");
    assert_eq!(project.bytes("s/extracts/reps.csv"), b"mine");
    let said = project.run(&["init", "t", "--from", "src", "-n"]).exits(0).stderr();
    assert!(
        said.contains("would write t/spm.toml") && said.contains("would write t/extracts/reps.csv"),
        "{said}"
    );
    assert!(said.contains("left out of src: _reps.csv (hidden or temporary), deep/ (a folder)"), "{said}");
    assert!(!project.0.join("t").exists());
    // Extracts that are in the project already stay as they are.
    project.run(&["init", "s", "--from", "s/extracts"]).exits(0);
    assert_eq!(project.bytes("s/extracts/reps.csv"), b"mine");
}

#[test]
fn what_matches_and_is_no_file_is_told() {
    let project = project();
    fs::create_dir(project.0.join("x/2027-02.csv")).expect("a folder");
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("x/2027-02.csv is a folder, not a file"), "{said}");
    project.file("x/2027-02.csv/part.csv", "id,rep,date,amount\nd2,A,2027-01-05,100\n");
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("write \"x/2027-02.csv/*.csv\""), "{said}");
    // Two stars look into folders.
    pattern(&project, "x/**/*.csv");
    assert!(project.run(&["check"]).exits(0).stdout().contains("transactions: 2 rows"));
    pattern(&project, "x");
    assert!(project.run(&["check"]).exits(1).stderr().contains("x is a folder, not a file"));
    pattern(&project, "x/[a");
    assert!(project.run(&["check"]).exits(1).stderr().contains("`x/[a` is no pattern"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_broken_ones_told() {
    use std::os::unix::fs::symlink;
    let project = project();
    symlink("a.csv", project.0.join("x/b.csv")).expect("a link");
    let ran = project.run(&["check"]).exits(0);
    assert!(ran.stdout().contains("transactions: 1 rows"), "{}", ran.stdout());
    assert!(ran.stderr().contains("x/b.csv is the same file as x/a.csv, by a link"), "{}", ran.stderr());
    project.remove("x/b.csv");
    symlink(".", project.0.join("x/again")).expect("a link");
    pattern(&project, "x/**/*.csv");
    let ran = project.run(&["check"]).exits(0);
    assert!(
        ran.stdout().contains("transactions: 1 rows") && !ran.stderr().contains("link"),
        "{}",
        ran.stderr()
    );
    symlink("nowhere", project.0.join("x/2027-03")).expect("a link");
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("x/2027-03 is a link to something that is not there"), "{said}");
}

#[test]
fn wildcards_do_not_mean_hidden_or_temporary_names() {
    let project = project();
    let other = "id,rep,date,amount\nd2,A,2027-01-05,100\n";
    for path in ["x/.b.csv", "x/_b.csv", "x/_temporary/b.csv", "x/.git/b.csv"] {
        project.file(path, other);
    }
    for (files, rows) in [
        ("x/*.csv", "transactions: 1 rows"),
        ("x/**/*.csv", "transactions: 1 rows"),
        ("x/*/*.csv", ""),
        ("x/_*.csv", "transactions: 1 rows"),
        ("x/_temporary/*.csv", "transactions: 1 rows"),
    ] {
        pattern(&project, files);
        let ran = project.run(&["check"]);
        match rows {
            "" => assert!(ran.exits(1).stderr().contains("no file matches"), "{files}"),
            rows => assert!(ran.exits(0).stdout().contains(rows), "{files}"),
        }
    }
}

#[test]
fn what_a_file_is_not_is_told_in_one_fault() {
    let project = project();
    let deals = "id,rep,date,amount\nd1,A,2027-01-05,100\n";
    for (bytes, words) in [
        (&b""[..], "the file is empty"),
        (b"\x1f\x8b\x08\x00", "compressed (gzip)"),
        (b"id;rep;date;amount\nd1;A;2027-01-05;100\n", "set delimiter = \";\""),
        (b"sep=;\nid;rep;date;amount\nd1;A;2027-01-05;100\n", "set delimiter = \";\""),
        (b"id,rep,date,amount\n\"d1,A,2027-01-05,100\nd2,A,2027-01-05,100\n", "it takes up 2 lines"),
        (b"id,rep,date,amount\nd1,A,2027-01-05,100\nd1,A,2027-01-06,100\n", "came before: row 1 of x/a.csv"),
    ] {
        project.file("x/a.csv", bytes);
        let said = project.run(&["check"]).exits(1).stderr();
        assert!(said.contains(words), "{words}\n{said}");
    }
    project.file("spm.toml", settings("x/*.csv").replace("\"amount\" }", "\"the amount\" }"));
    project.file("x/a.csv", deals.replace("amount", "the\u{a0}amount"));
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("no-break") && said.contains("\"the\\u00A0amount\""), "{said}");
    // The line that Excel wants does no harm where the delimiter is right, and zeros at the end are no decimals.
    project.file(
        "spm.toml",
        settings("x/*.csv").replace("files = \"x/*.csv\"", "files = \"x/*.csv\"\ndelimiter = \";\""),
    );
    project.file("x/a.csv", "sep=;\nid;rep;date;amount\nd1;A;2027-01-05;1.0000000000000000\n");
    project.run(&["check"]).exits(0);
}

#[test]
fn sources_that_give_no_row_are_told() {
    let project = project();
    let kept = |text: &str| {
        let at = "files = \"x/*.csv\"";
        project.file("spm.toml", settings("x/*.csv").replace(at, &format!("{at}\nwhere = \"{text}\"")));
        project.run(&["check"]).exits(0)
    };
    project.file("x/a.csv", "id,rep,date,amount\nd1,A,2027-01-05,100\nd2,B,2027-01-05,100\n");
    assert!(kept("rep = 'A'").stdout().contains("transactions: 1 of 2 rows (where), 4 columns"));
    assert!(kept("rep = 'Z'").stderr().contains("`where` of source `transactions` keeps none of 2 rows"));
    project.file("x/a.csv", "id,rep,date,amount\n").file("spm.toml", settings("x/*.csv"));
    let ran = project.run(&["check"]).exits(0);
    assert!(ran.stderr().contains("the extract of source `transactions` has no rows"), "{}", ran.stderr());
    let said =
        project.run(&["comp", "run", "--period", "2027-01", "--as-of", "2027-02-01T00:00:00Z"]).stderr();
    assert!(said.contains("no table has `recorded_at`"), "{said}");
}

#[test]
fn monthly_files_are_one_source_of_what_is_won() {
    let project = Project::new();
    project.file("src/reps.csv", "Id,Name\n1,A\n");
    for month in ["01", "02", "03"] {
        let text = format!(
            "Id,OwnerId,CloseDate,Amount,StageName\nd{month},1,2025-{month}-05,100,Closed Won\ne{month},1,2025-{month}-06,7,Closed Lost\n"
        );
        project.file(&format!("src/deals-2025-{month}.csv"), text);
    }
    project.file("src/OpportunitySplit.csv", "Id,OpportunityId,SplitOwnerId,SplitPercentage\ns1,d01,1,100\n");
    project
        .file("src/Account.csv", "Id,Name,OwnerId\na1,Acme,1\n")
        .file("src/Territories.csv", "Region\nWest\n");
    project.run(&["init", "p", "--from", "src"]).exits(0);
    let draft = String::from_utf8(project.bytes("p/spm.toml")).expect("text");
    for line in [
        "files = \"extracts/deals-2025-*.csv\"\nwhere = \"StageName = 'Closed Won'\"   # left out: Closed Lost\n",
        "account_id = \"Id\"\n",
        "rep_id = \"SplitOwnerId\"\nshare = { sql = \"SplitPercentage || '%'\", type = \"number\" }\n",
        "[sources.territories_lookup]\n",
    ] {
        assert!(draft.contains(line), "{line}\n{draft}");
    }
    let ran = project.run(&["check", "--project", "p"]).exits(0);
    assert!(ran.stdout().contains("transactions: 3 of 6 rows (where)"), "{}", ran.stdout());
    // Without a value that means won, every row counts, and the draft says so.
    project.file("two/orders.csv", "Id,OwnerId,OrderDate,Amount,Status\n1,1,2025-01-05,100,5\n");
    project.run(&["init", "r", "--from", "two"]).exits(0);
    let draft = String::from_utf8(project.bytes("r/spm.toml")).expect("text");
    assert!(draft.contains("# EVERY ROW COUNTS AS SOLD, whatever its Status (5)."), "{draft}");
}

#[test]
fn an_amount_in_the_sign_of_another_currency_is_no_amount() {
    let project = project();
    project.file(
        "x/a.csv",
        "id,rep,date,amount\nd1,A,2027-01-05,$1\nd2,A,2027-01-05,\u{20ac}2\nd3,A,2027-01-05,\u{a5}3\n",
    );
    let ran = project.run(&["check"]).exits(1);
    let said = ran.stderr();
    assert!(
        said.contains("\"\u{20ac}2\" is written with \u{20ac}, but amounts of this row are in USD"),
        "{said}"
    );
    assert!(said.contains("SPM117") && said.contains("x/a.csv: row 3, column amount"), "{said}");
    assert!(ran.stdout().contains("transactions: 1 rows"), "{}", ran.stdout());
    // The row says what its amount is in.
    project.file(
        "x/a.csv",
        "id,rep,date,amount,cur\nd1,A,2027-01-05,\u{20ac}2,EUR\nd2,A,2027-01-05,\u{20ac}2,\n",
    );
    project.file(
        "spm.toml",
        settings("x/*.csv").replace("amount = \"amount\"", "amount = \"amount\", currency = \"cur\""),
    );
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(!said.contains("row 1") && said.contains("x/a.csv: row 2, column amount"), "{said}");
}

#[test]
fn texts_are_read_where_an_expression_says_so() {
    let project = project();
    let with = |keep: &str, amount: &str| {
        let at = "files = \"x/*.csv\"";
        let text = settings("x/*.csv").replace(at, &format!("{at}\nthousands = \",\"\nwhere = \"{keep}\""));
        project.file(
            "spm.toml",
            text.replace("amount = \"amount\"", &format!("amount = {{ sql = \"{amount}\" }}")),
        );
    };
    let rows = "id,rep,date,amount\nd1,A,2027-01-05,\"1,000\"\nd2,A,2027-01-06,9.5\nd3,A,2027-01-07,n/a\nd4,A,2027-01-08,\n";
    project.file("x/a.csv", rows);
    // What leaves a row out whatever its cell says needs no readable cell.
    with("CAST(amount AS DECIMAL) > 9.5 AND id <> 'd3'", "CAST(amount AS DECIMAL) * 2");
    let ran = project.run(&["comp", "run", "--period", "2027-01", "--format", "csv"]).exits(0);
    assert!(ran.stdout().contains("A,2027-01,USD,200.00"), "{}", ran.stdout());
    with("CAST(date AS DATE) >= DATE '2027-01-06'", "CAST(amount AS DECIMAL)");
    let ran = project.run(&["check"]).exits(1);
    assert!(ran.stderr().contains("\"n/a\" is not a number"), "{}", ran.stderr());
    assert!(ran.stderr().contains("x/a.csv: row 3, column amount"), "{}", ran.stderr());
    with("CAST(amount AS DECIMAL) > 9.5", "CAST(amount AS DECIMAL)");
    assert!(project.run(&["check"]).exits(1).stderr().contains("row 3, column amount"));
    for (keep, told) in [
        ("amount > 9.5", "write CAST(amount AS DECIMAL)"),
        ("amount > '9.5'", "compares texts letter by letter: '10' comes before '9'"),
        ("date > DATE '2027-01-01'", "write CAST(date AS DATE)"),
        ("CAST(amount AS DECIMAL(9,2)) > 1", "CAST(... AS DECIMAL), exactly and with all their decimals"),
        ("CAST(UPPER(amount) AS DECIMAL) > 1", "only a column of texts can be read as a number"),
    ] {
        with(keep, "CAST(amount AS DECIMAL)");
        let ran = project.run(&["check"]);
        assert!(ran.stderr().contains(told), "{keep}: {}", ran.stderr());
    }
}

#[test]
fn floats_near_decimals_are_those_decimals() {
    let project = project();
    // What pandas writes for 0.1 + 0.2, 1234567.89 and 100.
    let floats = root().join("fixtures/extracts/floats.parquet");
    fs::copy(floats, project.0.join("x/a.parquet")).expect("copied");
    project.remove("x/a.csv");
    pattern(&project, "x/*.parquet");
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("say how many decimals it has, such as decimals = 2"), "{said}");
    let stated = |decimals: u32| {
        let text = settings("x/*.parquet");
        let column = format!("amount = {{ column = \"amount\", decimals = {decimals} }}");
        project.file("spm.toml", text.replace("amount = \"amount\"", &column));
    };
    stated(2);
    let ran = project.run(&["comp", "run", "--period", "2027-01", "--format", "csv"]).exits(0);
    // 10 % of 1,234,668.19.
    assert!(ran.stdout().contains("A,2027-01,USD,123466.82"), "{}", ran.stdout());
    stated(1);
    let said = project.run(&["check"]).exits(1).stderr();
    assert!(said.contains("\"1234567.89\" is not near a number of 1 decimals"), "{said}");
    fs::rename(project.0.join("x/a.parquet"), project.0.join("x/deals.parquet")).expect("renamed");
    let drafted = project.run(&["data", "profile", "x/deals.parquet"]).exits(0).stdout();
    assert!(drafted.contains("amount = { column = \"amount\", decimals = 2 }"), "{drafted}");
}

#[test]
fn results_of_an_older_plan_are_told_and_the_chain_runs_dry() {
    let project = Project::adventureworks();
    let dry = project.run(&["run", "--period", "P1", "--format", "csv", "--dry-run"]).exits(0);
    assert!(!project.0.join("out").exists(), "{}", dry.stderr());
    let run = project.run(&["run", "--period", "P1", "--format", "csv"]).exits(0);
    assert_eq!(dry.stdout(), run.stdout());
    let plan = "plans/quotas.toml";
    assert!(!project.run(&["check"]).exits(0).stderr().contains("SPM118"));
    let text = String::from_utf8(project.bytes(plan)).expect("text");
    project.file(plan, format!("{text}# changed\n"));
    for arguments in [&["check"][..], &["comp", "run", "--period", "P1"]] {
        let said = project.run(arguments).exits(0).stderr();
        let told = "plans/quotas.toml has changed since out/quotas/quotas.parquet, which is used as it is";
        assert!(said.contains("SPM118") && said.contains(told), "{said}");
    }
    project.run(&["quotas", "allocate"]).exits(0);
    assert!(!project.run(&["check"]).exits(0).stderr().contains("SPM118"));
}

#[test]
fn the_other_sheets_of_a_workbook_are_named() {
    let project = project();
    project.run(&["comp", "statement", "--period", "2027-01"]).exits(0);
    let told = project.run(&["data", "profile", "out/statements/2027-01/A.xlsx"]).exits(0).stdout();
    assert!(told.contains("sheet = \"statement\"   # the first; there are also: deals"), "{told}");
    // What cannot be written is named, and so is why.
    project.file("blocked", "a file");
    let said = project.run(&["comp", "run", "--period", "2027-01", "-o", "blocked/x.csv"]);
    assert!(said.stderr().contains("blocked/x.csv"), "{}", said.stderr());
}
