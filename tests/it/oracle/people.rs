//! People who change over time, counted day by day: every day of every person has a role, a manager, a target, a goal and a
//! relief, and a month adds up its days. The program knows ranges and shares of periods instead.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::invent::Random;
use super::{Q, STARTS, ZERO, cents, days, period, q};
use crate::project::Project;

const MONTHS: usize = 6;
const PEOPLE: [&str; 5] = ["A", "B", "C", "M", "N"];

/// What a row says of a person on some days; an empty text says nothing.
#[derive(Clone)]
struct Said {
    from: Option<i64>,
    to: Option<i64>,
    role: &'static str,
    manager: &'static str,
    target: Option<i64>,
    goal: Option<i64>,
}

struct Person {
    now: Said,
    history: Vec<Said>,
    leaves: Vec<(i64, i64, bool)>,
    hired: Option<i64>,
    left: Option<i64>,
}

impl Person {
    fn there(&self, day: i64) -> bool {
        self.hired.is_none_or(|first| first <= day) && self.left.is_none_or(|left| day < left)
    }

    /// What is so on a day.
    fn on(&self, day: i64) -> Said {
        let mut said = self.now.clone();
        for (index, row) in self.history.iter().enumerate() {
            let next = self.history.get(index + 1).and_then(|next| next.from);
            let to = row.to.or(next).unwrap_or(i64::MAX);
            if row.from.unwrap_or(i64::MIN) <= day && day < to {
                said.role = if row.role.is_empty() { said.role } else { row.role };
                said.manager = if row.manager.is_empty() { said.manager } else { row.manager };
                said.target = row.target.or(said.target);
                said.goal = row.goal.or(said.goal);
            }
        }
        said
    }

    fn relief(&self, day: i64) -> Q {
        let own = self.leaves.iter().find(|(from, to, _)| *from <= day && day < *to);
        match own {
            None => q(1, 1),
            Some((.., half)) => q(i128::from(*half), 2),
        }
    }
}

fn invent_person(random: &mut Random, seller: bool) -> Person {
    let manager = |random: &mut Random, some: &[&'static str]| if seller { random.pick(some) } else { "" };
    let now = Said {
        from: None,
        to: None,
        role: if seller { random.pick(&["AE", "SE"]) } else { "manager" },
        manager: manager(random, &["M", "N"]),
        target: Some(random.pick(&[12_000, 24_000, 36_500])),
        goal: Some(random.pick(&[1_000, 3_000])),
    };
    let mut history = Vec::new();
    let mut day = random.within(0, 60);
    for _ in 0..random.within(0, 3) {
        let length = random.within(1, 60);
        history.push(Said {
            from: (day > 0).then_some(day),
            to: if random.chance(30) { None } else { Some(day + length) },
            role: random.pick(&["", "AE", "SE", "manager"]),
            manager: manager(random, &["", "M", "N"]),
            target: random.pick(&[None, Some(6_000), Some(48_000)]),
            goal: random.pick(&[None, Some(500), Some(2_000)]),
        });
        day += length + random.within(0, 20);
    }
    let mut leaves = Vec::new();
    day = random.within(0, 90);
    for _ in 0..random.within(0, 2) {
        let length = random.within(1, 25);
        leaves.push((day, day + length, random.chance(50)));
        day += length + random.within(0, 10);
    }
    let hired = if random.chance(30) { Some(random.within(0, 80)) } else { None };
    let left = if random.chance(30) { Some(random.within(90, 175)) } else { None };
    Person { now, history, leaves, hired, left }
}

fn date(day: i64) -> String {
    let month = (0..12).rfind(|month| STARTS[*month] <= day).expect("a day of 2027");
    format!("2027-{:02}-{:02}", month + 1, day - STARTS[month] + 1)
}

const PROJECT: &str = r#"version = 1
name = "Oracle"
currency = "USD"
calendar = { pattern = "months", start = 2027-01-01, years = 1 }
[sources.reps]
files = "reps.csv"
columns = { rep_id = "id", role = "role", manager_id = "manager", target_pay = "target", goal = { column = "goal", type = "number" }, hire_date = "hired", end_date = "left" }
[sources.rep_history]
files = "history.csv"
columns = { rep_id = "id", from = "from", to = "to", role = "role", manager_id = "manager", target_pay = "target", goal = { column = "goal", type = "number" } }
[sources.leaves]
files = "leaves.csv"
columns = { rep_id = "id", from = "from", to = "to", relief = "relief" }
[sources.transactions]
files = "deals.csv"
columns = { transaction_id = "id", rep_id = "rep", event_date = "date", amount = "amount" }
"#;

const SELLERS: &str = r#"version = 1
kind = "comp"
id = "sellers"
eligible = "role = 'AE'"
[[credit]]
name = "deals"
[[measure]]
name = "sales"
credits = ["deals"]
goal = { column = "goal" }
[[component]]
name = "pay"
measure = "sales"
pay = "target-share"
target = { column = "target_pay", per = "year" }
rate = "1"
"#;

const MANAGERS: &str = r#"version = 1
kind = "comp"
id = "managers"
[[credit]]
name = "team"
to = "managers"
levels = 1
[[measure]]
name = "team"
credits = ["team"]
[[component]]
name = "override"
measure = "team"
pay = "per-unit"
rate = "1%"
"#;

/// Payee, period, component: cents.
type Lines = BTreeMap<(String, String, String), i64>;

fn expected(people: &[Person], deals: &[(usize, i64, i64)]) -> Lines {
    let mut lines = Lines::new();
    for month in 0..MONTHS {
        let length = STARTS[month + 1] - STARTS[month];
        for (index, person) in people.iter().enumerate() {
            let mut add = |component: &str, pay: Q| {
                let key = (PEOPLE[index].to_owned(), period(month), component.to_owned());
                lines.insert(key, cents(pay, "half-away-from-zero"));
            };
            let sells = |day: i64| person.there(day) && person.on(day).role == "AE";
            let sum = |each: &dyn Fn(Said) -> i128| -> Q {
                let inside = days(month).filter(|day| sells(*day));
                inside.map(|day| q(each(person.on(day)), 1) * person.relief(day) / q(length.into(), 1)).sum()
            };
            let target = sum(&|said| said.target.unwrap_or(0).into()) / q(12, 1);
            let goal = sum(&|said| said.goal.unwrap_or(0).into());
            let mine = deals.iter().filter(|(rep, day, _)| *rep == index && days(month).contains(day));
            let sold: Q = mine.filter(|(_, day, _)| sells(*day)).map(|deal| q(deal.2.into(), 1)).sum();
            add("pay", if goal > ZERO { target * sold / goal } else { ZERO });
            let up = deals.iter().filter(|(rep, day, _)| {
                days(month).contains(day)
                    && people[*rep].on(*day).manager == PEOPLE[index]
                    && person.there(*day)
            });
            add("override", up.map(|deal| q(deal.2.into(), 100)).sum());
        }
    }
    lines
}

fn printed(project: &Project) -> Lines {
    let arguments = ["-q", "comp", "run", "--period", "2027-01..2027-06", "--table", "earnings", "--dry-run"];
    let stdout = project.run(&[&arguments[..], &["--format", "csv"]].concat()).exits(0).stdout();
    let fields = stdout.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields
        .map(|line| {
            let key = (line[1].to_owned(), line[2].to_owned(), line[3].to_owned());
            (key, line[8].replace('.', "").parse().expect("cents"))
        })
        .collect()
}

fn world(seed: u64) -> (Vec<Person>, Vec<(usize, i64, i64)>) {
    let mut random = Random::new(seed);
    let people = (0..PEOPLE.len()).map(|index| invent_person(&mut random, index < 3)).collect();
    let deals =
        (0..40).map(|_| (random.index(3), random.within(0, STARTS[MONTHS] - 1), random.within(-200, 3_000)));
    (people, deals.collect())
}

#[test]
fn people_over_time_agree_day_by_day() {
    let seeds = std::env::var("SPM_ORACLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    for seed in 0..seeds {
        let (people, deals) = world(seed);
        let project = Project::new();
        let text = |day: Option<i64>| day.map_or_else(String::new, date);
        let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        let mut reps = "id,role,manager,target,goal,hired,left\n".to_owned();
        let mut history = "id,from,to,role,manager,target,goal\n".to_owned();
        let mut leaves = "id,from,to,relief\n".to_owned();
        for (id, person) in PEOPLE.iter().zip(&people) {
            let Person { now, hired, left, .. } = person;
            let said = |said: &Said| {
                format!("{},{},{},{}", said.role, said.manager, number(said.target), number(said.goal))
            };
            let _ = writeln!(reps, "{id},{},{},{}", said(now), text(*hired), text(*left));
            for row in &person.history {
                let _ = writeln!(history, "{id},{},{},{}", text(row.from), text(row.to), said(row));
            }
            for (from, to, half) in &person.leaves {
                let _ =
                    writeln!(leaves, "{id},{},{},{}", date(*from), date(*to), if *half { "50%" } else { "" });
            }
        }
        let mut rows = "id,rep,date,amount\n".to_owned();
        for (number, (rep, day, amount)) in deals.iter().enumerate() {
            let _ = writeln!(rows, "d{number},{},{},{amount}", PEOPLE[*rep], date(*day));
        }
        project
            .file("spm.toml", PROJECT)
            .file("plans/sellers.toml", SELLERS)
            .file("plans/managers.toml", MANAGERS)
            .file("reps.csv", reps)
            .file("history.csv", history)
            .file("leaves.csv", leaves)
            .file("deals.csv", rows);
        let (mut expected, mut found) = (expected(&people, &deals), printed(&project));
        expected.retain(|_, cents| *cents != 0);
        found.retain(|_, cents| *cents != 0);
        assert_eq!(expected, found, "seed {seed}");
    }
}
