//! What `spm check` tells before a run: what a run refuses, what credits nobody, and what can hardly be meant.

use crate::project::Project;
use crate::silent::{project, replaced};

const REPS: &str = "rep_id\nA\nB\n";
const SALES: &str = "transaction_id,rep_id,event_date,amount\n1,A,2027-01-10,1000\n2,A,2027-02-10,500\n";
const RATE: &str = "pay = \"per-unit\"\nrate = \"10%\"";
const CLIFF: &str = "pay = \"per-unit\"\ntiers = { mode = \"whole\", on = \"amount\", steps = [{ from = \"0\", rate = \"5%\" }, { from = \"900\", rate = \"8%\" }] }";

/// Exit code and what is told.
#[track_caller]
fn told(project: &Project, code: i32, wanted: &str) {
    let told = project.run(&["check"]).exits(code).stderr();
    assert!(told.contains(wanted), "{wanted}: {told}");
}

#[test]
fn what_a_run_refuses() {
    let sold = [("reps", REPS), ("transactions", SALES)];
    let territory = project(&sold, "to = \"territory\"", "", RATE);
    told(&territory, 1, "needs the table accounts");
    let managers = project(&sold, "to = \"managers\"", "", RATE);
    told(&managers, 1, "needs reps.manager_id, or the table hierarchy");
    let foreign = SALES
        .replace("amount\n", "amount,currency\n")
        .replace("1000\n", "1000,EUR\n")
        .replace("500\n", "500,USD\n");
    let rates = project(&[("reps", REPS), ("transactions", &foreign)], "", "", RATE);
    told(&rates, 1, "needs the table rates");
    let abroad = project(&[("reps", "rep_id,currency\nA,EUR\n"), ("transactions", SALES)], "", "", RATE);
    replaced(&abroad, "id = \"p\"", "id = \"p\"\npay_currency = \"payee\"");
    told(&abroad, 1, "there is no rate of type `plan` from USD to EUR");
    let small = foreign.replace("USD", "usd");
    let code = project(&[("reps", REPS), ("transactions", &small)], "", "", RATE);
    told(&code, 1, "`usd` is no code of a currency: write USD");
}

#[test]
fn what_credits_nobody() {
    let sold = [("reps", REPS), ("transactions", SALES)];
    told(
        &project(&sold, "where = \"rep_id = 'a'\"", "", RATE),
        0,
        "none of 2 transactions satisfies its `where`",
    );
    let eligible = project(&sold, "", "", RATE);
    replaced(&eligible, "id = \"p\"", "id = \"p\"\neligible = \"rep_id = 'a'\"");
    told(&eligible, 0, "nobody in reps satisfies `eligible` of plan `p`");
    let splits = "transaction_id,rep_id,role,share,type\n1,A,ae,1,split\n2,A,ae,1,split\n";
    let with_splits = [("reps", REPS), ("transactions", SALES), ("splits", splits)];
    let role = project(&with_splits, "to = \"splits\"\nrole = \"AE\"", "", RATE);
    told(&role, 0, "no split has the role `AE`");
    told(&role, 0, "did you mean \"ae\"?");
}

#[test]
fn what_can_hardly_be_meant() {
    for (share, code, wanted) in [
        ("50", 1, "1 row(s) of splits credit more than the whole transaction, such as 5000% of 1"),
        ("1.5", 0, "1 row(s) of splits credit more than the whole transaction, such as 150% of 1"),
    ] {
        let splits = format!("transaction_id,rep_id,share,type\n1,B,{share},overlay\n");
        let tables = [("reps", REPS), ("transactions", SALES), ("splits", splits.as_str())];
        told(&project(&tables, "to = \"overlays\"", "", RATE), code, wanted);
    }
    let sold = [("reps", REPS), ("transactions", SALES)];
    let goal = "goal = { amount = \"1000\" }";
    let share = "pay = \"target-share\"\ntarget = \"500\"\nrate = \"100\"";
    told(&project(&sold, "", goal, share), 0, "a share of the target of 100 is 10000%");
    let net = "to = \"managers\"\nnet_of_lower = \"10\"";
    let managed = [("reps", "rep_id,manager_id\nA,B\nB,\n"), ("transactions", SALES)];
    told(&project(&managed, net, "", RATE), 0, "the part that a level keeps of 1000% is more than all of it");
    let owed = [("reps", "rep_id,fund\nA,-50\nB,5\n"), ("transactions", SALES)];
    let cap = format!("{RATE}\ncap = {{ amount = {{ column = \"fund\" }} }}");
    told(&project(&owed, "", "", &cap), 0, "`fund` of A is below zero, and `x` pays by it");
    let quotas = "holder_id,measure,period,amount\nA,q,2027-01,0\nA,q,2027-02,10\nB,q,2027-01,0\n";
    let with_quotas = [("reps", REPS), ("transactions", SALES), ("quotas", quotas)];
    let zero = project(&with_quotas, "", "goal = { quota = \"q\" }", RATE);
    told(&zero, 0, "2 quota(s) `q` of people in the plan are zero, such as that of A for 2027-01");
    let ramp = project(&sold, "", "goal = { amount = \"1000\", ramp = \"new\" }", RATE);
    replaced(&ramp, "[[component]]", "[[ramp]]\nname = \"new\"\nshares = [\"50%\"]\n[[component]]");
    told(&ramp, 0, "reps has no column `hire_date`: the ramp of plan `p` counts months from nothing");
}

#[test]
fn what_is_rated_otherwise_than_one_might_think() {
    let lines = "transaction_id,line_id,rep_id,event_date,amount\n1,a,A,2027-01-10,600\n1,b,A,2027-01-10,600\n2,a,A,2027-02-10,500\n";
    let tables = [("reps", REPS), ("transactions", lines)];
    let single = project(&tables, "", "window = \"transaction\"", CLIFF);
    told(&single, 0, "1 transaction(s) have several lines, such as 1, and `x` rates each line on its own");
    let refunds =
        "transaction_id,rep_id,event_date,amount,refund_of\n1,A,2027-01-10,1000,\n2,A,2027-02-10,-500,1\n";
    let tables = [("reps", REPS), ("transactions", refunds)];
    let cliff = project(&tables, "", "window = \"year-to-date\"", CLIFF);
    told(&cliff, 0, "lowers the rate of all that was sold in its window");
}

#[test]
fn an_explanation_shows_everybody_whom_a_measure_is_about() {
    let sales = SALES.to_owned() + "3,B,2027-01-20,300\n";
    let tables = [("reps", REPS), ("transactions", sales.as_str())];
    let team = project(&tables, "", "team = \"all\"", RATE);
    let explained = team.run(&["comp", "explain", "--rep", "A", "--period", "2027-01"]).exits(0).stdout();
    for wanted in [
        "m, 2027-01: 1300.00 USD = sum of",
        "├─ A: 1000.00 USD",
        "└─ B: 300.00 USD",
        "credits in m of the team, 2027-01: 2 in all",
        " B         3 ",
    ] {
        assert!(explained.contains(wanted), "{wanted}: {explained}");
    }
    let managed = [("reps", "rep_id,manager_id\nA,M\nB,M\nM,\n"), ("transactions", sales.as_str())];
    let reached = project(&managed, "", "", "pay = \"per-unit\"\nrate = \"25\"");
    replaced(
        &reached,
        "[[component]]",
        "[[measure]]\nname = \"those\"\nreached = { measure = \"m\", at = \"500\" }\nwhose = \"below\"\n[[component]]",
    );
    replaced(&reached, "measure = \"m\"\npay", "measure = \"those\"\npay");
    let explained = reached.run(&["comp", "explain", "--rep", "M", "--period", "2027-01"]).exits(0).stdout();
    for wanted in
        ["credits in m of those whom those looks at, 2027-01: 2 in all", " A         1 ", " B         3 "]
    {
        assert!(explained.contains(wanted), "{wanted}: {explained}");
    }
}
