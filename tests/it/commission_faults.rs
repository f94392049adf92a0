//! What commission would pay wrongly without a fault: a minimal case for each, with the words a user needs.

use crate::project::Project;

const PROJECT: &str = "version = 1\nname = \"A\"\ncurrency = \"USD\"\n[calendar]\npattern = \"months\"\nstart = 2027-01-01\nyears = 1\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", bonus = { column = \"bonus\", type = \"number\" } }\n[sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\", refund_of = \"of\", currency = \"currency\" }\n[sources.quotas]\nfiles = \"quotas.csv\"\ncolumns = { holder_id = \"holder\", measure = \"name\", period = \"period\", amount = \"amount\" }\n[sources.releases]\nfiles = \"releases.csv\"\ncolumns = { transaction_id = \"id\", event = \"event\", date = \"date\" }\n[sources.rates]\nfiles = \"rates.csv\"\ncolumns = { from_currency = \"from\", to_currency = \"to\", type = \"type\", period = \"period\", rate = \"rate\" }\n";

const PLAN: &str = "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\nwindow = \"year-to-date\"\ngoal = { quota = \"q\", basis = \"year\" }\n[[measure]]\nname = \"d\"\ncredits = [\"c\"]\nwindow = \"transaction\"\n[[measure]]\nname = \"month\"\ncredits = [\"c\"]\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\ntiers = { on = \"attainment\", steps = [{ from = \"0%\", rate = \"1%\" }, { from = \"50%\", rate = \"2%\" }] }\nrelease = [{ share = \"100%\", on = \"cash\" }]\n[[component]]\nname = \"y\"\nmeasure = \"d\"\npay = \"per-unit\"\nrate = \"1%\"\n[[component]]\nname = \"z\"\nmeasure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\n";

fn project() -> Project {
    let project = Project::new();
    let quotas: String = (1..=12).map(|month| format!("A,q,2027-{month:02},100\n")).collect();
    project
        .file("spm.toml", PROJECT)
        .file("plans/p.toml", PLAN)
        .file("reps.csv", "id,bonus\nA,5\n")
        .file("quotas.csv", format!("holder,name,period,amount\n{quotas}"))
        .file("releases.csv", "id,event,date\nd1,cash,2027-01-06\n")
        .file("rates.csv", "from,to,type,period,rate\nEUR,USD,plan,2027-01,1.1\n")
        .file(
            "deals.csv",
            "id,rep,date,amount,of,currency\nd1,A,2027-01-05,100,,\nd2,A,2027-02-05,-50,d1,\nd3,A,2027-01-07,9,,EUR\n",
        );
    project
}

/// A change to a valid project: file, what is replaced, by what, the exit code of `check`, the code, and words of the message.
type Case = (&'static str, &'static str, &'static str, i32, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "spm.toml",
        "event_date = \"date\", amount",
        "event_date = \"date\", acount_id = \"rep\", amount",
        0,
        "SPM116",
        "nearly `account_id`, which source `transactions` does not map",
    ),
    (
        "quotas.csv",
        "A,q,2027-05,100\n",
        "",
        0,
        "SPM411",
        "A has the quota `q` for other periods, but none for 2027-05: the goal of `m` is too low",
    ),
    (
        "plans/p.toml",
        "rate = \"1%\"\n[[component]]\nname = \"z\"",
        "rate = { column = \"bonus\" }\n[[component]]\nname = \"z\"",
        0,
        "",
        "",
    ),
    ("reps.csv", "A,5\n", "A,5\nB,\n", 0, "", ""),
    ("plans/p.toml", "from = \"50%\"", "from = 50", 0, "SPM110", "an attainment of 50 is 5000%"),
    ("plans/p.toml", "quota = \"q\"", "quota = \"qq\"", 0, "SPM401", "no quota has the name `qq`"),
    (
        "plans/p.toml",
        "pay = \"per-unit\"\nrate = \"1%\"\n",
        "pay = \"per-unit\"\nrate = \"1%\"\nrelease = [{ share = \"50%\", on = \"booking\" }, { share = \"50%\", on = \"cahs\" }]\n",
        0,
        "SPM109",
        "no row of releases has the event `cahs`",
    ),
    ("deals.csv", "-50,d1", "-50,d9", 0, "SPM109", "such as d2 of `d9`"),
    ("deals.csv", "d2,A", "d2,B", 0, "SPM109", "take back what somebody else sold, such as d2 of d1"),
    (
        "deals.csv",
        "9,,EUR",
        "9,,GBP",
        1,
        "SPM407",
        "there is no rate of type `plan` from GBP to USD for 2027-01",
    ),
    ("deals.csv", "d3,A,2027-01-07,9,,EUR", "d3,Z,2027-01-07,9,,GBP", 0, "", ""),
    (
        "plans/p.toml",
        "[[component]]\nname = \"x\"",
        "[[measure]]\nname = \"mixed\"\nsql = \"m + month\"\n[[component]]\nname = \"x\"",
        1,
        "SPM304",
        "the measures that `sql` names have different windows: `m` is year-to-date and `month` is period",
    ),
    (
        "plans/p.toml",
        "[[component]]\nname = \"x\"",
        "[[measure]]\nname = \"mixed\"\nsql = \"m * 2\"\nwindow = \"transaction\"\n[[component]]\nname = \"x\"",
        1,
        "SPM304",
        "no measure that `sql` names has the window transaction",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "pay = \"formula\"\nsql = \"d + month\"",
        1,
        "SPM304",
        "what `sql` names has different windows: `d` is transaction and `month` is period",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "pay = \"formula\"\nsql = \"month * 2\"\nevery = \"quarter\"",
        1,
        "SPM304",
        "a measure that it names looks at less than a quarter",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\ngate = [{ at = \"5\", catch_up = true }]",
        1,
        "SPM304",
        "nothing is caught up",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"pool\"\namount = { sql = \"m * 0.01\" }\nby = \"measure\"",
        1,
        "SPM304",
        "the amount of the pool is year-to-date, the measure by which it is shared is period",
    ),
    (
        "plans/p.toml",
        "window = \"transaction\"",
        "window = \"transaction\"\nteam = \"all\"",
        1,
        "SPM304",
        "a single transaction is measured for the payee",
    ),
    (
        "plans/p.toml",
        "measure = \"d\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"d\"\npay = \"rank\"\nprizes = [\"5\"]",
        1,
        "SPM304",
        "prizes and pools are not paid transaction by transaction",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = { amount = \"1%\", per = \"year\" }",
        1,
        "SPM304",
        "`per` says what a target, goal, guarantee or draw is for",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\ncap = { amount = { amount = \"12\", per = \"year\" } }",
        1,
        "SPM304",
        "`per` says what a target",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"fixed\"\ntiers = { mode = \"proportional-amount\", on = \"amount\", steps = [{ from = \"0\", amount = \"1\" }] }",
        1,
        "SPM304",
        "the band reached pays its amount, so `mode` says nothing",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"m\"\npay = \"rank\"\nprizes = [\"5\"]\nattainment_cap = \"100%\"",
        1,
        "SPM304",
        "`attainment_cap` does not go with pay = \"rank\"",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"m\"\npay = \"formula\"\nsql = \"m\"\nattainment_cap = \"100%\"",
        1,
        "SPM304",
        "`attainment_cap` does not go with pay = \"formula\"",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\ngate = { at = \"5\", else = \"50\" }",
        1,
        "SPM110",
        "the part that a shut gate leaves is from 0% to 100%, not 5000%",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\ngate = { at = \"5\", else = \"-50%\" }",
        1,
        "SPM110",
        "from 0% to 100%, not -50%",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\ncap = { amount = \"-5\" }",
        1,
        "SPM110",
        "a cap is zero or more",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"d\"\npay = \"per-unit\"\nrate = \"1%\"\nbudget = \"-5\"",
        1,
        "SPM110",
        "a budget is zero or more",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\nweight = \"60\"",
        0,
        "SPM110",
        "a weight of 6000% is more than all of it",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"\nmultiplier = { value = \"125\" }",
        0,
        "SPM110",
        "a multiplier of 125 is 12500%",
    ),
    (
        "plans/p.toml",
        "measure = \"month\"\npay = \"per-unit\"\nrate = \"1%\"",
        "measure = \"d\"\npay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"lookup\", steps = [{ from = \"0\", rate = \"1%\" }] }",
        1,
        "SPM304",
        "on = \"lookup\" needs a `lookup` of the credit `c`, which has none",
    ),
    (
        "plans/p.toml",
        "name = \"c\"",
        "name = \"c\"\nto = \"splits\"",
        0,
        "SPM411",
        "there is no table `splits`: credit `c` goes to the rep of the transaction",
    ),
    (
        "plans/p.toml",
        "name = \"c\"",
        "name = \"c\"\nshare = \"150\"",
        0,
        "SPM110",
        "the share of a credit of 15000% is more than all of it",
    ),
    (
        "plans/p.toml",
        "goal = { quota = \"q\", basis = \"year\" }",
        "goal = { quota = \"q\", basis = \"year\", ramp = \"r\" }\n[[ramp]]\nname = \"r\"\nshares = [\"50%\"]\naccelerators = false\n[[measure]]\nname = \"n\"\ncredits = [\"c\"]\ngoal = { amount = \"5\", ramp = \"r\" }\n[[component]]\nname = \"w\"\nmeasure = \"n\"\npay = \"per-unit\"\ncurve = { mode = \"step\", points = [{ at = \"0%\", pay = \"1%\" }] }",
        1,
        "SPM304",
        "`w` pays by a curve or matrix on the attainment of the ramp `r`",
    ),
];

#[test]
fn every_silence_has_a_word() {
    let clean = project().run(&["check"]).exits(0);
    assert!(!clean.stderr().contains("SPM"), "the project is clean: {}", clean.stderr());
    for (file, what, by, exit, code, words) in CASES {
        let project = project();
        let text = String::from_utf8(project.bytes(file)).expect("text");
        assert!(text.contains(what), "{code}: `{what}` is not in {file}");
        project.file(file, text.replacen(what, by, 1));
        let checked = project.run(&["check", "--format", "csv"]).exits(*exit);
        let said = checked.stderr();
        assert!(checked.stdout().contains(code), "{code} is in the table of faults: {}", checked.stdout());
        match *code {
            "" => assert!(!said.contains("SPM407") && !said.contains("SPM411"), "{by}:\n{said}"),
            code => assert!(said.contains(code) && said.contains(words), "{code} {words}:\n{said}"),
        }
    }
}

#[test]
fn an_empty_cell_is_told() {
    let project = project();
    project.file("reps.csv", "id,bonus\nA,5\nB,\nC,\n").file(
        "plans/p.toml",
        PLAN.replacen("rate = \"1%\"\n[[component]]", "rate = { column = \"bonus\" }\n[[component]]", 1),
    );
    let said = project.run(&["check"]).exits(0).stderr();
    assert!(said.contains("SPM411") && said.contains("`bonus` of B, C is empty, and `y` needs it"), "{said}");
}

#[test]
fn the_calendar_is_printed() {
    let printed = project().run(&["calendar", "--format", "csv"]).exits(0).stdout();
    assert!(
        printed.starts_with(
            "period,quarter,year,first_day,last_day,days\n2027-01,2027-Q1,2027,2027-01-01,2027-01-31,31\n"
        ),
        "{printed}"
    );
}
