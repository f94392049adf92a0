//! Bad input: a minimal case for a code, with the exit code and the words a user needs.

use crate::project::Project;

pub(crate) const PROJECT: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\n[calendar]\npattern = \"months\"\nstart = 2027-01-01\nyears = 1\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\" }\n[sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n";

pub(crate) const PLAN: &str = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"\n";

const ENROLLED: &str = "[sources.plan_assignments]\nfiles = \"enrolled.csv\"\ncolumns = { rep_id = \"rep\", plan_id = \"plan\", from = \"from\", to = \"to\" }\n[sources.transactions]";

fn project() -> Project {
    let project = Project::new();
    project
        .file("spm.toml", PROJECT)
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id\nA\n")
        .file("enrolled.csv", "rep,plan,from,to\nA,p,,\n")
        .file("releases.csv", "id,event,date\nd1,invoice,2027-01-06\n")
        .file("splits.csv", "deal,rep,share\nd1,A,50%\nd1,B,49%\n")
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
    (
        "plans/p.toml",
        "[[component]]",
        "[[component]]\nname = \"guarantee\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"1%\"\n[[component]]",
        "SPM009",
        "`guarantee` is the name of a line of the plan itself",
    ),
    ("plans/p.toml", "credits = [\"c\"]", "credits = [\"d\"]", "SPM010", "there is no credit `d`"),
    (
        "plans/p.toml",
        "[[component]]",
        "[[measure]]\nname = \"a\"\nsql = \"b + 1\"\n[[measure]]\nname = \"b\"\nsql = \"a + 1\"\n[[component]]",
        "SPM202",
        "the measure `b` is calculated later, or names this one",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "rate = \"10%\"\nevery = \"quarter\"",
        "SPM304",
        "the measure looks at less than a quarter",
    ),
    (
        "plans/p.toml",
        "credits = [\"c\"]",
        "credits = [\"c\"]\ngoal = { amount = \"5\", retro = true }",
        "SPM304",
        "`retro` goes with quotas",
    ),
    (
        "plans/p.toml",
        "name = \"c\"\n[[m",
        "name = \"c\"\nquota_share = true\n[[m",
        "SPM304",
        "`quota_share` does not go with to = \"rep\"",
    ),
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
    ("deals.csv", "id,rep,date,amount", "id,rep,date,total", "SPM103", "deals.csv has no column `amount`"),
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
    (
        "spm.toml",
        "[sources.transactions]",
        "[sources.splits]\nfiles = \"splits.csv\"\ncolumns = { transaction_id = \"deal\", rep_id = \"rep\", share = \"share\" }\n[sources.transactions]",
        "SPM111",
        "the splits of transaction d1 total 99%",
    ),
    (
        "spm.toml",
        "amount = \"amount\"",
        "amount = { column = \"amount\", type = \"text\" }",
        "SPM112",
        "is number in the canonical table, not text",
    ),
    (
        "spm.toml",
        "[sources.transactions]\n",
        "[sources.lookup]\nfiles = \"splits.csv\"\n[sources.transactions]\njoin = [{ source = \"lookup\", on = { id = \"deal\" } }]\n",
        "SPM113",
        "several rows for one key",
    ),
    ("spm.toml", "version = 1", "version = 2", "SPM008", "a whole number from 1 to 1"),
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
        "tiers = { on = \"amount\", steps = [{ from = \"0\", to = \"100\", rate = \"1%\" }, { from = \"101\", to = \"125\", rate = \"2%\" }] }",
        "SPM301",
        "a gap before this band: the one before ends at 100, this one starts at 101",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "tiers = { on = \"amount\", steps = [{ from = \"0\", to = \"110\", rate = \"1%\" }, { from = \"100\", rate = \"2%\" }] }",
        "SPM301",
        "an overlap with this band",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "curve = { on = \"amount\", points = [{ at = \"0\", pay = \"0\" }, { at = \"1\", pay = \"1\" }] }",
        "SPM004",
        "needs `beyond`",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "rate = \"10%\"\nthreshold = { at = \"5\" }",
        "SPM004",
        "missing key `back_pay`",
    ),
    (
        "plans/p.toml",
        "rate = \"10%\"",
        "rate = \"10%\"\nrelease = [{ share = \"50%\", on = \"booking\" }, { share = \"40%\", on = \"cash\" }]",
        "SPM304",
        "the parts of `release` total 90%",
    ),
    (
        "plans/p.toml",
        "pay = \"per-unit\"\nrate = \"10%\"\n",
        "pay = \"per-unit\"\nrate = \"10%\"\n[[component]]\nname = \"y\"\npay = \"formula\"\nsql = \"z * 2\"\n[[component]]\nname = \"z\"\npay = \"formula\"\nsql = \"y / 2\"\n",
        "SPM202",
        "`z` is calculated after `y`",
    ),
    ("plans/p.toml", "rate = \"10%\"", "rate = { column = \"name\" }", "SPM203", "is a text, not a number"),
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
    assert!(ran.stdout().ends_with("A,2027-01,USD,10.00,0.00\n"), "{}", ran.stdout());
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

/// Faults that show in one command only: what to change, the command, its exit code, the code, words of the message.
#[test]
fn faults_of_one_command() {
    type Change = (&'static str, &'static str, &'static str);
    type Case = (&'static [Change], &'static [&'static str], i32, &'static str, &'static str);
    let cases: &[Case] = &[
        (
            &[("plans/p.toml", "id = \"p\"", "id = \"\u{1}\"")],
            &["check"],
            1,
            "SPM001",
            "not valid UTF-8|stream did not contain valid UTF-8",
        ),
        (
            &[("deals.csv", "2027-01-05", "2072-01-05")],
            &["check"],
            0,
            "SPM423",
            "1 transaction(s) lie outside the calendar, which runs from 2027-01-01 to 2028-01-01: the first is of 2072-01-05",
        ),
        (
            &[("deals.csv", "d1,A", "d1,Z")],
            &["check"],
            0,
            "SPM109",
            "1 value(s) of transactions.rep_id are not in reps, such as `Z`",
        ),
        (
            &[("deals.csv", "d1,A", "d1,Z")],
            &["comp", "run", "--period", "2027-01"],
            0,
            "SPM403",
            "have no payee",
        ),
        (
            &[(
                "plans/p.toml",
                "measure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"",
                "pay = \"scorecard\"\ntarget = \"100\"\nitems = [{ measure = \"m\", weight = \"99%\", curve = { points = [{ at = \"0\", pay = \"1\" }], mode = \"step\" } }]",
            )],
            &["check"],
            0,
            "SPM304",
            "the weights of `items` total 99%",
        ),
        (
            &[
                ("plans/p.toml", "credits = [\"c\"]", "credits = [\"c\"]\ngoal = { amount = \"100\" }"),
                (
                    "plans/p.toml",
                    "rate = \"10%\"",
                    "attainment_cap = \"150%\"\ntiers = { on = \"attainment\", steps = [{ from = \"0\", rate = \"1%\" }, { from = \"2\", rate = \"2%\" }] }",
                ),
            ],
            &["check"],
            0,
            "SPM302",
            "nothing reaches this band: attainment counts up to 150%",
        ),
        (
            &[("plans/p.toml", "[[measure]]", "[[credit]]\nname = \"idle\"\n[[measure]]")],
            &["check"],
            0,
            "SPM302",
            "no measure uses the credit `idle`",
        ),
        (
            &[
                (
                    "spm.toml",
                    "[sources.transactions]",
                    "[sources.quotas]\nfiles = \"quotas.csv\"\ncolumns = { holder_id = \"id\", period = \"period\", amount = \"amount\" }\n[sources.transactions]",
                ),
                ("plans/p.toml", "credits = [\"c\"]", "credits = [\"c\"]\ngoal = { quota = \"quota\" }"),
                (
                    "plans/p.toml",
                    "rate = \"10%\"",
                    "tiers = { on = \"attainment\", steps = [{ from = \"0\", rate = \"1%\" }] }",
                ),
            ],
            &["comp", "run", "--period", "2027-01"],
            0,
            "SPM401",
            "pays nothing to 1 payee(s) without a quota",
        ),
        (
            &[(
                "plans/p.toml",
                "measure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"",
                "pay = \"scorecard\"\ntarget = \"100\"\nitems = [{ measure = \"m\", weight = \"1\", curve = { points = [{ at = \"0\", pay = \"1\" }], mode = \"step\" } }]",
            )],
            &["comp", "run", "--period", "2027-02"],
            3,
            "SPM406",
            "A has no measurement of `m` in 2027-02",
        ),
        (
            &[
                ("spm.toml", "amount = \"amount\"", "amount = \"amount\", currency = \"cur\""),
                (
                    "spm.toml",
                    "[sources.transactions]",
                    "[sources.rates]\nfiles = \"rates.csv\"\ncolumns = { from_currency = \"from\", to_currency = \"to\", rate = \"rate\" }\n[sources.transactions]",
                ),
                ("deals.csv", "amount\nd1,A,2027-01-05,100", "amount,cur\nd1,A,2027-01-05,100,EUR"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM407",
            "no rate of type `plan` from EUR to USD for 2027-01",
        ),
        (
            &[("spm.toml", "[sources.transactions]", ENROLLED), ("enrolled.csv", "A,p,,", "A,q,,")],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM109",
            "A is in plan `q`, which the project does not have",
        ),
        (
            &[
                ("spm.toml", "[sources.transactions]", ENROLLED),
                ("enrolled.csv", "A,p,,", "A,p,,2027-01-10\nA,p,2027-01-09,"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM110",
            "A is in plan `p` twice at once",
        ),
        (
            &[
                ("spm.toml", "[sources.transactions]", ENROLLED),
                ("enrolled.csv", "A,p,,", "A,p,2027-01-10,2027-01-10"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM110",
            "until a day that is not after the first",
        ),
        (
            &[("spm.toml", "[sources.transactions]", ENROLLED), ("enrolled.csv", "A,p,,\n", "")],
            &["comp", "run", "--period", "2027-01"],
            0,
            "SPM404",
            "has nobody in plan `p`",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\"", "rep_id = \"id\", currency = \"cur\""),
                ("reps.csv", "id\nA", "id,cur\nA,EUR"),
                ("plans/p.toml", "id = \"p\"\n", "id = \"p\"\npay_currency = \"payee\"\n"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM407",
            "no rate of type `plan` from USD to EUR for 2027-01, in which A is paid",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\"", "rep_id = \"id\", currency = \"cur\""),
                ("reps.csv", "id\nA", "id,cur\nA,euro"),
                ("plans/p.toml", "id = \"p\"\n", "id = \"p\"\npay_currency = \"payee\"\n"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM110",
            "`euro` is no code of a currency: write three capital letters such as USD",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\"", "rep_id = \"id\", currency = \"cur\""),
                ("reps.csv", "id\nA", "id,cur\nA,EUR"),
                (
                    "plans/p.toml",
                    "id = \"p\"\n",
                    "id = \"p\"\npay_currency = \"payee\"\nclawback = { months = 12 }\n",
                ),
            ],
            &["check"],
            1,
            "SPM304",
            "pay_currency = \"payee\" does not go with clawback",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\"", "rep_id = \"id\", currency = \"cur\""),
                (
                    "spm.toml",
                    "[sources.transactions]",
                    "[sources.releases]\nfiles = \"releases.csv\"\ncolumns = { transaction_id = \"id\", event = \"event\", date = \"date\" }\n[sources.transactions]",
                ),
                ("reps.csv", "id\nA", "id,cur\nA,USD"),
                ("plans/p.toml", "id = \"p\"\n", "id = \"p\"\npay_currency = \"payee\"\n"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM410",
            "p pays in the payees' currencies, but a ledger or the table releases settles balances",
        ),
        (
            &[
                (
                    "plans/p.toml",
                    "id = \"p\"\n",
                    "id = \"p\"\neffective = { from = 2027-01-01, to = 2027-07-01 }\n",
                ),
                (
                    "plans/p.toml",
                    "name = \"c\"\n",
                    "name = \"c\"\neffective = { from = 2027-08-01, to = 2027-09-01 }\n",
                ),
            ],
            &["check"],
            0,
            "SPM302",
            "the credit `c` never applies",
        ),
        (
            &[
                ("plans/p.toml", "[[measure]]", "[[credit]]\nname = \"d\"\n[[measure]]"),
                ("plans/p.toml", "[\"c\"]", "[\"c\", \"d\"]"),
            ],
            &["comp", "run", "--period", "2027-01"],
            0,
            "SPM408",
            "`m` counts them once",
        ),
        (
            &[
                ("deals.csv", "100\n", "9223372036854775807\n"),
                ("deals.csv", "d1,A", "d0,A,2027-01-06,9223372036854775807\nd1,A"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM402",
            "add up to more than",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\" }", "rep_id = \"id\", latitude = \"lat\" }"),
                ("reps.csv", "id\nA\n", "id,lat\nA,95\n"),
            ],
            &["check"],
            1,
            "SPM110",
            "95 is not between -90 and 90",
        ),
        (
            &[("deals.csv", "100\n", "abc\n")],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM115",
            "1 row(s) cannot be used",
        ),
        (
            &[
                ("spm.toml", "rep_id = \"id\" }", "rep_id = \"id\", manager_id = \"boss\" }"),
                ("reps.csv", "id\nA\n", "id,boss\nA,B\nB,A\n"),
                ("plans/p.toml", "name = \"c\"\n", "name = \"c\"\nto = \"managers\"\nof = \"rep\"\n"),
            ],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM405",
            "the managers above A lead back to",
        ),
        (
            &[("plans/p.toml", "name = \"c\"\n", "name = \"c\"\nto = \"territory\"\n")],
            &["comp", "run", "--period", "2027-01"],
            3,
            "SPM503",
            "needs the table accounts",
        ),
        (
            &[],
            &["comp", "run", "--period", "2027-01", "--output", "deals.csv/x.csv"],
            3,
            "SPM601",
            "cannot be written",
        ),
        (
            &[],
            &["comp", "explain", "--rep", "Z", "--period", "2027-01"],
            1,
            "SPM602",
            "nothing is calculated for rep Z",
        ),
    ];
    for (changes, command, exit, code, words) in cases {
        let project = project();
        project
            .file("quotas.csv", "id,period,amount\nB,2027-01,5\n")
            .file("rates.csv", "from,to,rate\nGBP,USD,1.3\n");
        for (file, what, by) in *changes {
            let text = String::from_utf8(project.bytes(file)).expect("text");
            assert!(text.contains(what), "{code}: `{what}` is not in {file}");
            let text = text.replacen(what, by, 1);
            project
                .file(file, text.bytes().map(|byte| if byte == 1 { 0xE9 } else { byte }).collect::<Vec<_>>());
        }
        let ran = project.run(command).exits(*exit);
        let found = ran.stderr().contains(code) && words.split('|').any(|words| ran.stderr().contains(words));
        assert!(found, "{code} {words}:\n{}", ran.stderr());
    }
}

#[test]
fn nothing_to_divide() {
    let project = Project::adventureworks();
    let toml = String::from_utf8(project.bytes("spm.toml")).expect("text");
    assert!(toml.contains("[sources.accounts]\n"));
    project.file("spm.toml", toml.replace("[sources.accounts]\n", "[sources.accounts]\nwhere = \"1 = 0\"\n"));
    let ran = project.run(&["territories", "balance"]).exits(3);
    assert!(ran.stderr().contains("SPM404") && ran.stderr().contains("0 accounts"), "{}", ran.stderr());
}

#[test]
fn faults_of_the_ledger() {
    let says = |project: &Project, arguments: &[&str], exit: i32, code: &str, words: &str| {
        let ran = project.run(arguments).exits(exit);
        assert!(
            ran.stderr().contains(code) && ran.stderr().contains(words),
            "{code} {words}:\n{}",
            ran.stderr()
        );
    };
    let post = ["ledger", "post", "--period", "2027-01", "--recorded-at", "2027-02-01T00:00:00Z"];
    let none = project();
    says(&none, &["ledger", "list"], 3, "SPM503", "no ledger yet");
    none.file(".spm/ledger.db", "This is no database. ".repeat(100));
    says(&none, &["ledger", "list"], 3, "SPM701", "file is not a database");
    says(&none, &post, 3, "SPM701", "restore it from a backup");
    // What a process leaves that was killed before it wrote anything.
    none.file(".spm/ledger.db", "");
    says(&none, &["ledger", "list"], 3, "SPM503", "no ledger yet");
    let good = project();
    good.run(&post).exits(0);
    says(
        &good,
        &["ledger", "post", "--period", "2027-03"],
        3,
        "SPM704",
        "2027-03 cannot be posted before 2027-02",
    );
    let early = ["ledger", "post", "--period", "2027-02", "--recorded-at", "2027-01-01T00:00:00Z"];
    says(&good, &early, 3, "SPM704", "is before the last record");
    says(&good, &["ledger", "adjust", "approve", "9", "--approver", "lee"], 1, "SPM706", "no adjustment 9");
    says(&good, &["ledger", "show", "--period", "2027-02"], 1, "SPM602", "posted are: 2027-01");
    let bytes = good.bytes(".spm/ledger.db");
    // The version of the tables is a number in the header of the file.
    let mut newer = bytes.clone();
    newer[63] = 99;
    good.file(".spm/ledger.db", &newer);
    says(&good, &post, 3, "SPM702", "the ledger has version 99");
    says(&good, &["ledger", "list"], 3, "SPM702", "use the newer spm");
    newer[63] = 0;
    good.file(".spm/ledger.db", &newer);
    says(&good, &["ledger", "list"], 3, "SPM701", "not a ledger");
    // Somebody changes a name wherever it stands, so that the file is sound.
    let mut changed = bytes.clone();
    let name = b"transaction d1 (c)";
    let places: Vec<usize> =
        (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| changed[at + 13] = b'7');
    good.file(".spm/ledger.db", &changed);
    // Nothing is handed over from it, and nothing sealed on top of it.
    for command in [
        &["ledger", "verify"][..],
        &["ledger", "payments"],
        &["ledger", "post", "--period", "2027-02"],
        &["comp", "run", "--period", "2027-02"],
    ] {
        let words = "record 1 (posting of 2027-02-01T00:00:00Z) is not what was written";
        says(&good, command, 1, "SPM705", words);
    }
    good.file(".spm/ledger.db", &bytes);
    good.run(&["ledger", "verify"]).exits(0);
    // The calendar no longer has what is posted.
    let text = String::from_utf8(good.bytes("spm.toml")).expect("text");
    good.file("spm.toml", text.replace("2027-01-01", "2028-01-01"));
    says(&good, &["ledger", "diff"], 3, "SPM704", "2027-01, which is not in the calendar");
    good.file("spm.toml", text);
    let lock = std::fs::File::options().write(true).open(good.0.join(".spm/ledger.lock")).expect("the lock");
    lock.lock().expect("it is free");
    says(&good, &["ledger", "post", "--period", "2027-02"], 3, "SPM703", "another process writes");
    good.run(&["ledger", "list"]).exits(0);
    let two = project();
    let draw = format!("{PLAN}[draw]\ntype = \"recoverable\"\namount = \"5\"\n");
    two.file("plans/p.toml", &draw).file("plans/q.toml", draw.replace("id = \"p\"", "id = \"q\""));
    says(&two, &["comp", "run", "--period", "2027-01"], 3, "SPM409", "A has a draw in p and in q in 2027-01");
}

#[test]
fn every_code_has_a_case() {
    // SPM502 says that the program is wrong: the engines' own tests tamper with results to see it.
    let tests = [
        "faults",
        "commission_faults",
        "insight_faults",
        "adventureworks",
        "quotas",
        "quota_holders",
        "quota_year",
        "territories",
        "ledger_guard",
        "ledger_audit",
        "extracts",
        "silent",
        "ledger_then",
    ]
    .map(|name| std::fs::read_to_string(crate::project::root().join(format!("tests/it/{name}.rs"))));
    let tests: String = tests.into_iter().flatten().collect();
    let listed = Project::new().run(&["explain-code"]).exits(0).stdout();
    let codes: Vec<&str> = listed.split_whitespace().filter(|word| word.starts_with("SPM")).collect();
    assert!(codes.len() > 40);
    for code in codes.iter().filter(|code| **code != "SPM502") {
        assert!(tests.contains(code), "{code} has no case in the gallery");
    }
}
