//! Bad input: a minimal case for a code, with the exit code and the words a user needs.

use crate::project::Project;

const PROJECT: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\n[calendar]\npattern = \"months\"\nstart = 2027-01-01\nyears = 1\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\" }\n[sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n";

const PLAN: &str = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"\n";

fn project() -> Project {
    let project = Project::new();
    project
        .file("spm.toml", PROJECT)
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id\nA\n")
        .file("deals.csv", "id,rep,date,amount\nd1,A,2027-01-05,100\n");
    project
}

/// A change to a valid project: file, what is replaced, by what, the code, and words of the message.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("spm.toml", "currency = \"USD\"", "currency = \"USD", "SPM002", ""),
    ("spm.toml", "currency", "curency", "SPM003", "did you mean `currency`?"),
    ("spm.toml", "name = \"A\"\n", "", "SPM004", "missing key `name`"),
    ("spm.toml", "name = \"A\"", "name = 5", "SPM005", "expected a text, found an integer"),
    ("plans/p.toml", "\"10%\"", "0.1", "SPM006", "write it as text: \"0.1\""),
    ("plans/p.toml", "per-unit", "per-units", "SPM007", "did you mean \"per-unit\"?"),
    ("spm.toml", "USD", "usd", "SPM008", "ISO 4217"),
    (
        "plans/p.toml",
        "[[measure]]",
        "[[credit]]\nname = \"c\"\n[[measure]]",
        "SPM009",
        "two credits are named `c`",
    ),
    ("plans/p.toml", "credits = [\"c\"]", "credits = [\"d\"]", "SPM010", "there is no credit `d`"),
    ("spm.toml", "start = 2027-01-01\nyears = 1", "", "SPM004", "a calendar needs"),
    (
        "spm.toml",
        "pattern = \"months\"\nstart = 2027-01-01\nyears = 1",
        "boundaries = [2027-02-01, 2027-01-01]",
        "SPM011",
        "not after its start",
    ),
    ("spm.toml", "deals.csv", "none.csv", "SPM101", "no file matches `none.csv`"),
    ("deals.csv", "id,rep,date,amount", "id,id,date,amount", "SPM102", "two columns are named `id`"),
    ("deals.csv", "id,rep,date,amount", "id,rep,date,total", "SPM103", "the extract has no column `amount`"),
    ("spm.toml", "event_date = \"date\", ", "", "SPM104", "event_date"),
    ("deals.csv", "100", "1e5", "SPM105", "an exponent"),
    ("deals.csv", "A,2027", "A,x,2027", "SPM106", "5 fields where 4 are expected"),
    ("deals.csv", "2027-01-05", "", "SPM107", "`event_date` is empty"),
    (
        "deals.csv",
        "d1,A,2027-01-05,100\n",
        "d1,A,2027-01-05,100\nd1,A,2027-01-06,100\n",
        "SPM108",
        "came before",
    ),
    ("deals.csv", "d1", "d\u{fffd}", "SPM114", "not valid"),
    ("plans/p.toml", "name = \"c\"\n[[m", "name = \"c\"\nwhere = \"amount >\"\n[[m", "SPM201", ""),
    (
        "plans/p.toml",
        "name = \"c\"\n[[m",
        "name = \"c\"\nwhere = \"amout > 5\"\n[[m",
        "SPM202",
        "did you mean `amount`?",
    ),
    (
        "plans/p.toml",
        "name = \"c\"\n[[m",
        "name = \"c\"\nwhere = \"event_date > 5\"\n[[m",
        "SPM203",
        "a date against a number",
    ),
    (
        "plans/p.toml",
        "name = \"c\"\n[[m",
        "name = \"c\"\nwhere = \"SUM(amount) > 5\"\n[[m",
        "SPM204",
        "aggregates",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "tiers = { on = \"amount\", steps = [{ from = \"0\", rate = \"1%\" }, { from = \"0\", rate = \"2%\" }] }",
        "SPM301",
        "does not start above",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "tiers = { on = \"amount\", steps = [{ from = \"5\", rate = \"1%\" }] }",
        "SPM301",
        "does not start at 0",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "tiers = { on = \"attainment\", steps = [{ from = \"0\", rate = \"1%\" }] }",
        "SPM303",
        "needs a goal",
    ),
    ("plans/p.toml", "rate = \"10%\"", "rate = \"10%\"\namount = \"5\"", "SPM304", "does not go with"),
    (
        "plans/p.toml",
        "id = \"p\"\n",
        "id = \"p\"\neffective = { from = 2027-02-01, to = 2027-01-01 }\n",
        "SPM305",
        "not after its start",
    ),
];

#[test]
fn each_fault_says_where_why_and_how_to_mend_it() {
    for (file, what, by, code, words) in CASES {
        let project = project();
        let text = String::from_utf8(project.bytes(file)).expect("text");
        assert!(text.contains(what), "{code}: `{what}` is not in {file}");
        let text = text.replacen(what, by, 1);
        let bytes = if *code == "SPM114" {
            text.replace('\u{fffd}', "\u{1}")
                .into_bytes()
                .iter()
                .map(|byte| if *byte == 1 { 0xE9 } else { *byte })
                .collect()
        } else {
            text.into_bytes()
        };
        project.file(file, bytes);
        let checked = project.run(&["check"]).exits(1);
        assert!(
            checked.stderr().contains(code) && checked.stderr().contains(words),
            "{code} {words}:\n{}",
            checked.stderr()
        );
        let ran = project.run(&["comp", "run", "--period", "2027-01"]).exits(3);
        assert!(ran.stderr().contains(code), "{code}:\n{}", ran.stderr());
        assert!(!project.0.join("out/comp").exists(), "{code}: nothing is written");
    }
}

#[test]
fn all_faults_of_an_extract_at_once_and_the_rows_written_aside() {
    let project = project();
    project.file("deals.csv", "id,rep,date,amount\nd1,A,2027-01-05,abc\nd2,A,5 May,1\nd3,A,2027-01-05,100\n");
    let ran = project.run(&["comp", "run", "--period", "2027-01"]).exits(3);
    assert!(
        ran.stderr().contains("row 1, column amount") && ran.stderr().contains("row 2, column date"),
        "{}",
        ran.stderr()
    );
    let rejects = String::from_utf8(project.bytes("out/rejects/rejects.csv")).expect("text");
    assert_eq!(rejects.lines().count(), 3, "{rejects}");
    let ran =
        project.run(&["comp", "run", "--period", "2027-01", "--allow-rejects", "--format", "csv"]).exits(0);
    assert!(ran.stdout().ends_with("A,2027-01,USD,10.00\n"), "{}", ran.stdout());
}

#[test]
fn wrong_usage() {
    let project = project();
    assert!(project.run(&["comp", "run", "--period", "2027-13"]).exits(2).stderr().contains("SPM012"));
    project.run(&["comp", "fly"]).exits(2);
    project.run(&["--version"]).exits(0);
    assert!(project.run(&["explain-code", "spm105"]).exits(0).stdout().contains("value cannot be cast"));
    assert!(Project::new().run(&["check"]).exits(3).stderr().contains("spm init"));
    project.run(&["comp", "explain", "--rep", "Z", "--period", "2027-01"]).exits(1);
}
