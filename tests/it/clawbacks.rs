//! Clawbacks beside the plan on what was served: two projects, one with cancellations, one with the cut amounts.

use std::fmt::Write;

use crate::ledger::csv;
use crate::project::Project;

const PROJECT: &str = "version = 1
name = \"A\"
currency = \"USD\"
calendar = { pattern = \"months\", start = 2027-01-01, years = 2 }
[sources.reps]
files = \"reps.csv\"
columns = { rep_id = \"id\" }
[sources.transactions]
files = \"deals.csv\"
columns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\", refund_of = \"of\" }
[sources.cancellations]
files = \"gone.csv\"
columns = { transaction_id = \"id\", date = \"date\" }
";

fn plan(id: &str, measure: &str, more: &str) -> String {
    format!(
        "version = 1\nkind = \"comp\"\nid = \"{id}\"\n{more}[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\n{measure}\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\nrate = \"10%\"\n[clawback]\nmonths = 12\n"
    )
}

fn project(deals: &str, gone: &str, plans: &[String]) -> Project {
    let project = Project::new();
    project.file("spm.toml", PROJECT).file("reps.csv", "id\nA\n");
    project.file("deals.csv", format!("id,rep,date,amount,of\n{deals}"));
    project.file("gone.csv", format!("id,date\n{gone}"));
    for (number, plan) in plans.iter().enumerate() {
        project.file(&format!("plans/p{number}.toml"), plan);
    }
    project
}

/// What is earned in all in a column of the reconciliation of several postings.
fn entitled(project: &Project, months: &[&str]) -> i64 {
    let range = format!("{}..{}", months[0], months[months.len() - 1]);
    let post = ["-q", "ledger", "post", "--period", &range, "--recorded-at", "2029-01-01T00:00:00Z"];
    project.run(&post).exits(0);
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    let earned = |month: &&str| -> i64 {
        let lines = csv(project, &["ledger", "show", "--period", month]);
        let rows = lines.lines().skip(1).filter(|row| !row.contains(",adjustment,"));
        rows.map(|row| cents(row.split(',').nth(8).expect("earned"))).sum()
    };
    months.iter().map(earned).sum()
}

#[test]
fn every_aggregate_pays_as_if_only_the_served_part_had_been_sold() {
    let mut state = 7_u64;
    let mut dice = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let months = ["2027-01", "2027-02", "2027-03", "2027-04"];
    let mut tried = 0;
    for aggregate in ["sum", "count", "average", "largest", "smallest"] {
        for window in ["transaction", "period", "year-to-date"] {
            // Amounts of twelve times whole units: any number of twelfths of them is exact.
            let (mut sold, mut served, mut gone) = (String::new(), String::new(), String::new());
            for number in 0..12 {
                let (month, amount) = (1 + dice(3), 12 * (1 + dice(900)));
                let refund = if dice(4) == 0 { 12 * (1 + dice(amount / 12)) } else { 0 };
                // Cancelled on its day, or a day into the second month of service, or not.
                let (cancelled, left) = match dice(4) {
                    0 => (Some(format!("2027-{month:02}-05")), 0),
                    1 => (Some(format!("2027-{:02}-06", month + 1)), 2),
                    _ => (None, 12),
                };
                let part = |amount: u64| amount * left / 12;
                let _ = writeln!(sold, "d{number},A,2027-{month:02}-05,{amount},");
                if left > 0 {
                    let _ = writeln!(served, "d{number},A,2027-{month:02}-05,{},", part(amount));
                }
                if refund > 0 {
                    let _ = writeln!(sold, "r{number},A,2027-{:02}-09,-{refund},d{number}", month + 1);
                    if left > 0 {
                        let row = part(refund);
                        let _ = writeln!(served, "r{number},A,2027-{:02}-09,-{row},d{number}", month + 1);
                    }
                }
                if let Some(day) = cancelled {
                    let _ = writeln!(gone, "d{number},{day}");
                }
            }
            let plan = plan("p", &format!("aggregate = \"{aggregate}\"\nwindow = \"{window}\""), "");
            let cut = entitled(&project(&served, "", std::slice::from_ref(&plan)), &months);
            let own = entitled(&project(&sold, &gone, &[plan]), &months);
            assert_eq!(own, cut, "{aggregate} {window}\n{sold}\n{gone}");
            tried += 1;
        }
    }
    assert_eq!(tried, 15);
}

#[test]
fn what_was_not_served_is_no_deal_and_the_largest_is_another_one() {
    // Of 10,000 and 9,000 the first is cancelled at once, or after a month that was begun.
    let deals = "1,A,2027-01-05,10000,\n2,A,2027-01-06,9000,\n";
    for (measure, posted, at_once, later) in [
        ("aggregate = \"count\"\nwindow = \"transaction\"", "0.20", "-0.10", "none"),
        ("aggregate = \"count\"", "0.20", "-0.10", "none"),
        ("aggregate = \"largest\"", "1000.00", "-100.00", "-100.00"),
        ("aggregate = \"smallest\"", "900.00", "none", "-816.67"),
    ] {
        let project = project(deals, "", &[plan("p", measure, "")]);
        let post = ["-q", "ledger", "post", "--period", "2027-01", "--recorded-at", "2027-02-01T00:00:00Z"];
        let paid = project.run(&[&post[..], &["--format", "csv"]].concat()).exits(0).stdout();
        assert!(paid.contains(&format!("A,2027-01,USD,{posted},0.00")), "{measure}: {paid}");
        for (day, expected) in [("2027-01-05", at_once), ("2027-02-05", later)] {
            project.file("gone.csv", format!("id,date\n1,{day}\n"));
            let deltas =
                csv(&project, &["comp", "run", "--period", "2027-02", "--table", "deltas", "--dry-run"]);
            let line = deltas.lines().nth(1).map_or("none", |row| row.split(',').nth(7).expect("earned"));
            assert_eq!(line, expected, "{measure}, cancelled {day}: {deltas}");
        }
    }
}

#[test]
fn a_refund_is_cancelled_with_its_sale_across_plans() {
    // Nine of twelve months from the sale were served; the refund, of another fiscal year, is another plan's.
    let year = |id: &str, from: u16| {
        let effective = format!("effective = {{ from = {from}-01-01, to = {}-01-01 }}\n", from + 1);
        plan(id, "", &effective)
    };
    for plans in [vec![plan("p", "", "")], vec![year("p27", 2027), year("p28", 2028)]] {
        for refund in ["2028-02-10", "2028-05-10", "2028-07-10"] {
            // And a refund of the refund, which took back too much.
            for again in ["", "u,A,2028-08-01,1200,r\n"] {
                let deals = format!("s,A,2027-09-22,12000,\nr,A,{refund},-6000,s\n{again}");
                let project = project(&deals, "s,2028-06-22\n", &plans);
                let months = ["2027-09", "2027-10", "2027-11", "2027-12"];
                let all: Vec<String> = (1..=12).map(|month| format!("2028-{month:02}")).collect();
                let months: Vec<&str> = months.into_iter().chain(all.iter().map(String::as_str)).collect();
                let net = if again.is_empty() { 6_000 } else { 7_200 };
                assert_eq!(entitled(&project, &months), net * 10 * 9 / 12, "{} plans, {refund}", plans.len());
            }
        }
    }
}
