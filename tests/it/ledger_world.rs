//! A company's year on the real program: extracts that change from month to month, posted each month, against what
//! somebody pays who knows at the start what December knows.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::project::Project;

const PEOPLE: [&str; 3] = ["A", "B", "C"];
const SEEDS: u64 = 8;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

struct Deal {
    person: usize,
    month: usize,
    cents: i64,
    /// Months: when it is known, when it moves to the next person, when it is gone, cancelled, and paid in cash.
    known: usize,
    moved: Option<usize>,
    gone: Option<usize>,
    cancelled: Option<usize>,
    cash: Option<usize>,
}

impl Deal {
    fn owner(&self, month: usize) -> Option<usize> {
        let there = self.known <= month && self.gone.is_none_or(|gone| month < gone);
        let moved = self.moved.is_some_and(|moved| moved <= month);
        there.then_some((self.person + usize::from(moved)) % PEOPLE.len())
    }
}

fn deals(dice: &mut Dice) -> Vec<Deal> {
    let mut deals = Vec::new();
    for month in 0..12 {
        for person in 0..PEOPLE.len() {
            for _ in 0..dice.roll(3) {
                let mut later = |percent: u64| {
                    let happens = dice.roll(100) < percent;
                    let months = dice.roll(5) as usize;
                    happens.then_some(month + 1 + months)
                };
                let known = later(25).unwrap_or(month).min(11);
                let (moved, gone, cancelled, cash) = (later(10), later(8), later(12), later(80));
                let cents = 1 + dice.roll(900_000) as i64 - if dice.roll(10) == 0 { 600_000 } else { 0 };
                deals.push(Deal { person, month, cents, known, moved, gone, cancelled, cash });
            }
        }
    }
    deals
}

fn amount(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

fn rates(corrected: usize, month: usize) -> (i64, i64) {
    if month >= corrected { (7, 13) } else { (9, 12) }
}

fn write(project: &Project, deals: &[Deal], corrected: usize, month: usize) {
    let (low, high) = rates(corrected, month);
    project.file(
        "plans/p.toml",
        format!(
            "version = 1\nkind = \"comp\"\nid = \"p\"\n[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\nwindow = \"year-to-date\"\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\ntiers = {{ on = \"amount\", steps = [{{ from = \"0\", rate = \"{low}%\" }}, {{ from = \"10000\", rate = \"{high}%\" }}] }}\nrelease = [{{ share = \"1/3\", on = \"booking\" }}, {{ share = \"2/3\", on = \"cash\" }}]\n[draw]\ntype = \"recoverable\"\namount = \"400\"\nmonths = 6\nrecovery = \"60%\"\n[clawback]\nmonths = 12\nhow = \"full\"\nrecovery = \"50%\"\n"
        ),
    );
    let (mut sold, mut gone, mut cash) =
        ("id,rep,date,amount\n".to_owned(), "id,date\n".to_owned(), "id,event,date\n".to_owned());
    for (number, deal) in deals.iter().enumerate() {
        let Some(owner) = deal.owner(month) else { continue };
        let day = |month: usize| format!("2027-{:02}-15", month + 1);
        let _ = writeln!(sold, "d{number},{},{},{}", PEOPLE[owner], day(deal.month), amount(deal.cents));
        if let Some(at) = deal.cancelled.filter(|at| *at <= month) {
            let _ = writeln!(gone, "d{number},{}", day(at));
        }
        if let Some(at) = deal.cash.filter(|at| *at <= month) {
            let _ = writeln!(cash, "d{number},cash,{}", day(at));
        }
    }
    project.file("deals.csv", sold).file("gone.csv", gone).file("cash.csv", cash);
}

/// Year to date, marginal, whole cents; cancelled deals were never sold.
fn oracle(deals: &[Deal], corrected: usize, person: usize) -> i64 {
    let (low, high) = rates(corrected, 11);
    let counts = |deal: &&Deal| deal.owner(11) == Some(person) && deal.cancelled.is_none_or(|at| at > 11);
    let sold: i64 = deals.iter().filter(counts).map(|deal| deal.cents).sum();
    let above = (sold - 1_000_000).max(0);
    let exact = (sold - above) * low + above * high;
    (exact.abs() + 50) / 100 * exact.signum()
}

fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().expect("an amount")
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried is the report")]
fn a_year_of_postings_pays_what_an_oracle_pays_that_knew_everything() {
    // SPM_LEDGER_SEEDS=300 looks longer than CI does.
    let seeds = std::env::var("SPM_LEDGER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    for seed in 1..=seeds {
        let mut dice = Dice(seed);
        (0..8).for_each(|_| {
            dice.roll(2);
        });
        let deals = deals(&mut dice);
        let corrected = 2 + dice.roll(12) as usize;
        let project = Project::new();
        project
            .file("reps.csv", "id,hired\nA,2026-01-01\nB,2027-01-01\nC,2027-01-01\n")
            .file("spm.toml", "version = 1\nname = \"A\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2027-01-01, years = 1 }\n[sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", hire_date = \"hired\" }\n[sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n[sources.cancellations]\nfiles = \"gone.csv\"\ncolumns = { transaction_id = \"id\", date = \"date\" }\n[sources.releases]\nfiles = \"cash.csv\"\ncolumns = { transaction_id = \"id\", event = \"event\", date = \"date\" }\n");
        let mut paid: BTreeMap<String, i64> = BTreeMap::new();
        for month in 0..12 {
            write(&project, &deals, corrected, month);
            let period = format!("2027-{:02}", month + 1);
            let posted = project
                .run(&["-q", "ledger", "post", "--period", &period, "--allow-gone", "--format", "csv"])
                .exits(0);
            for line in posted.stdout().lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                *paid.entry(cells[0].to_owned()).or_default() += cents(cells[3]);
            }
            project.run(&["-q", "ledger", "diff"]).exits(i32::from(month == 11) * 3);
        }
        let verified = project.run(&["-q", "ledger", "verify"]).exits(0).stdout();
        assert!(verified.contains("after each of 12 postings"), "seed {seed}: {verified}");
        let balances = project.run(&["-q", "ledger", "balances", "--format", "csv"]).exits(0).stdout();
        for (person, name) in PEOPLE.iter().enumerate() {
            let own = balances.lines().filter(|line| line.starts_with(&format!("{name},")));
            let left: i64 = own.map(|line| cents(line.rsplit(',').next().unwrap_or_default())).sum();
            let paid = paid.get(*name).copied().unwrap_or(0);
            assert_eq!(paid + left, oracle(&deals, corrected, person), "seed {seed}, {name}");
        }
    }
    println!(
        "{seeds} seeds of a year on the program itself: {} postings, each payee paid as the oracle says",
        seeds * 12
    );
}
