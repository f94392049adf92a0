//! Adjustments of random small companies: what nothing happened to stays, from this period and from the next.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Adjusted, HolderId, Last, Question, Row, Seat, adjust, plan_quotas};
use crate::ground::diagnostic::Sink;
use crate::ground::money::Currency;
use crate::ground::period::{Calendar, Date, Pattern, epoch_day};
use crate::ground::rational::Rational;
use crate::ground::source::Source;
use crate::plan::{Plan, Tables, check_plan, quotas::QuotaPlan};

fn plan(keys: &str, seasons: [i64; 4]) -> QuotaPlan {
    let mut text = format!("version = 1\nkind = \"quotas\"\nid = \"q\"\n{keys}\n");
    for (quarter, weight) in seasons.iter().enumerate() {
        text += &format!("[[phasing]]\nperiod = \"2027-Q{}\"\nweight = \"{weight}\"\n", quarter + 1);
    }
    let mut tables = Tables::default();
    for (table, column) in [("reps", "region"), ("reps", "points")] {
        let kind = if column == "region" {
            crate::plan::contract::Type::Text
        } else {
            crate::plan::contract::Type::Number
        };
        match tables.0.iter_mut().find(|(name, _)| name == table) {
            Some((_, columns)) => columns.0.push((column.to_owned(), kind)),
            None => {
                let mut columns = crate::plan::expression::Columns::default();
                columns.0.push((column.to_owned(), kind));
                tables.0.push((table.to_owned(), columns));
            }
        }
    }
    let mut sink = Sink::default();
    let currency = Currency::from_code("USD").expect("a currency");
    match check_plan(&Source::new("q.toml", text), &currency, &tables, &mut sink) {
        Some(Plan::Quotas(plan)) => *plan,
        _ => panic!("{sink:?}"),
    }
}

fn calendar() -> Calendar {
    Calendar::regular(Pattern::Quarters, Date::constant(2027, 1, 1), 1).expect("a calendar")
}

fn day(month: i8, day: i8) -> i32 {
    epoch_day(Date::constant(2027, month, day))
}

fn seat(id: &str, region: &str, points: i64) -> Seat {
    Seat {
        id: id.to_owned(),
        above: vec![Some(region.to_owned())].into(),
        weight: Some(Rational::from(points)),
        bottom_up: Some(Rational::from(points * 1000)),
        ..Seat::default()
    }
}

/// A company on its plan, with the quotas that stand.
struct Company {
    plan: QuotaPlan,
    seats: Vec<Seat>,
    rows: Vec<Row>,
}

impl Company {
    fn new(plan: QuotaPlan, seats: Vec<Seat>) -> Self {
        let mut company = Self { plan, seats, rows: vec![] };
        let planned = company.ask(plan_quotas).expect("quotas");
        let allocation = planned.allocation;
        for (why, amounts) in allocation.holders.iter().zip(allocation.rows()) {
            for (period, amount) in allocation.periods.iter().zip(&amounts[1..]) {
                company.rows.push(Row {
                    holder: why.holder.clone(),
                    level: why.level.to_string(),
                    parent: why.parent.clone(),
                    period: period.to_string(),
                    amount: Rational::from_scaled((*amount).into(), allocation.decimals),
                });
            }
        }
        company
    }

    fn ask<T>(&self, of: impl Fn(&Question<'_>) -> T) -> T {
        let (currency, calendar) = (Currency::from_code("USD").expect("a currency"), calendar());
        let mut seats = self.seats.clone();
        seats.sort_by(|a, b| a.id.cmp(&b.id));
        of(&Question {
            plan: &self.plan,
            company: "Co",
            currency: &currency,
            calendar: &calendar,
            seats: &seats,
            sold: &[],
            sold_of_lines: &[],
        })
    }

    /// Adjusts from a quarter, counted from 0.
    fn adjusted(&self, from: usize) -> Adjusted {
        self.ask(|question| adjust(question, &self.rows, from, None)).expect("an adjustment")
    }

    fn adjust(&mut self, from: usize) {
        self.rows = self.adjusted(from).rows;
    }

    fn cells(&self) -> BTreeMap<(HolderId, String), Rational> {
        cells(&self.rows)
    }

    fn of(&self, holder: &str) -> Vec<String> {
        let own = self.rows.iter().filter(|row| row.holder.as_str() == holder);
        own.map(|row| row.amount.to_string()).collect()
    }
}

fn cells(rows: &[Row]) -> BTreeMap<(HolderId, String), Rational> {
    rows.iter().map(|row| ((row.holder.clone(), row.period.clone()), row.amount.clone())).collect()
}

const TOP: &str = "method = \"weight\"\nweight = \"points\"\nlevels = [\"region\"]\nproration = \"time\"\n";

fn four(keys: &str) -> Company {
    let seats = [("n1", "n"), ("n2", "n"), ("s1", "s"), ("s2", "s")];
    Company::new(
        plan(&format!("{TOP}total = \"1200000\"\n{keys}"), [1; 4]),
        seats.map(|(id, region)| seat(id, region, 1)).to_vec(),
    )
}

#[test]
fn a_leave_of_one_period_changes_nothing_in_the_others() {
    for keys in ["", "adjust = \"company\"\n"] {
        let mut company = four(keys);
        company.seats[2].leaves.push((day(7, 1), day(10, 1), Rational::one()));
        company.adjust(1);
        let (third, colleague) = if keys.is_empty() { ("150000", "75000") } else { ("100000", "100000") };
        assert_eq!(company.of("s1"), ["75000", "75000", "0", "75000"], "{keys}");
        assert_eq!(company.of("s2"), ["75000", "75000", third, "75000"], "{keys}");
        assert_eq!(company.of("n1"), ["75000", "75000", colleague, "75000"], "{keys}");
        let stands = company.cells();
        for from in 1..4 {
            company.adjust(from);
            assert_eq!(company.cells(), stands, "from {from}");
        }
    }
}

#[test]
fn a_region_without_anybody_gives_its_period_to_the_others() {
    let mut company = four("");
    for seat in &mut company.seats[2..] {
        seat.leaves.push((day(7, 1), day(10, 1), Rational::one()));
    }
    company.adjust(1);
    assert_eq!(company.of("s"), ["150000", "150000", "0", "150000"]);
    assert_eq!(company.of("n"), ["150000", "150000", "300000", "150000"]);
    assert_eq!(company.of("n2"), ["75000", "75000", "150000", "75000"]);
    assert_eq!(company.of("Co"), ["300000"; 4]);
}

#[test]
fn bottom_up_quotas_are_of_each_alone() {
    let keys = format!("{TOP}bottom_up = {{ value = \"points\", policy = \"bottom-up\" }}\n");
    let mut company =
        Company::new(plan(&keys, [1; 4]), vec![seat("a", "n", 12), seat("b", "n", 12), seat("c", "s", 12)]);
    assert_eq!(company.of("Co"), ["9000"; 4]);
    company.seats.pop();
    company.adjust(2);
    assert_eq!(
        (company.of("a"), company.of("Co")),
        (vec!["3000".to_owned(); 4], ["9000", "9000", "6000", "6000"].map(str::to_owned).to_vec())
    );
    company.seats[0].bottom_up = Some(Rational::from(24_000_i64));
    company.adjust(3);
    assert_eq!(
        (company.of("a")[3].as_str(), company.of("b")[3].as_str(), company.of("n")[3].as_str()),
        ("6000", "3000", "9000")
    );
}

#[test]
fn what_a_limit_gave_is_no_weight() {
    // The floor of a binds all year. A hire in the other region changes nothing for a and b.
    let mut a = seat("a", "n", 3);
    a.least = Some(Rational::from(232_824_i64));
    let seats = vec![a, seat("b", "n", 2), seat("c", "s", 1), seat("d", "s", 9)];
    let mut company =
        Company::new(plan(&format!("{TOP}total = \"600000\"\nadjust = \"region\"\n"), [2, 1, 9, 4]), seats);
    let stood = (company.of("a"), company.of("b"));
    let mut hire = seat("e", "s", 4);
    hire.hired = Some(day(10, 23));
    company.seats.push(hire);
    company.adjust(3);
    assert_eq!((company.of("a"), company.of("b")), stood);
    let mut company = four("");
    company.seats[0].least = Some(Rational::from(400_000_i64));
    let mut company = Company::new(company.plan, company.seats);
    assert_eq!(
        (company.of("n1"), company.of("n2")),
        (vec!["100000".to_owned(); 4], vec!["50000".to_owned(); 4])
    );
    company.seats[1].left = Some(day(7, 1));
    company.adjust(2);
    assert_eq!(company.of("n1")[2..], ["150000", "150000"]);
}

#[test]
fn the_way_to_what_people_carry_counts_those_who_are_gone() {
    let keys = format!("{TOP}total = \"36000\"\nbottom_up = {{ value = \"points\", policy = \"meet\" }}\n");
    let mut company =
        Company::new(plan(&keys, [1; 4]), vec![seat("a", "n", 12), seat("b", "n", 12), seat("c", "n", 12)]);
    assert_eq!(company.of("Co"), ["9000"; 4]);
    company.seats.pop();
    company.adjust(2);
    // From above a and b have 4500 a quarter from now on, from below 3000: half of the way is 3750.
    assert_eq!(company.of("a"), ["3000", "3000", "3750", "3750"]);
    assert_eq!(company.of("Co"), ["9000", "9000", "7500", "7500"]);
}

#[test]
fn closed_periods_may_have_the_year_already() {
    let mut company = four("");
    company.plan = plan(&format!("{TOP}total = \"500000\"\n"), [1; 4]);
    let faults =
        company.ask(|question| adjust(question, &company.rows, 2, None)).expect_err("nothing is left");
    assert_eq!(
        faults[0].message,
        "the year of plan `q` comes to 500000, but closed periods have 600000 already"
    );
}

#[test]
fn what_nobody_else_can_carry_is_told() {
    // s2 leaves after two days of the second quarter, and s1 is at a cap: the region's quota is left to s3, who is hardly there.
    let mut company = four("");
    company.seats[2].most = Some(Rational::from(350_000_i64));
    let mut late = seat("s3", "s", 1);
    late.leaves.push((day(4, 3), day(12, 29), Rational::one()));
    company.seats.push(late);
    let mut company = Company::new(company.plan, company.seats);
    company.seats[3].left = Some(day(4, 1));
    let adjusted = company.adjusted(1);
    let told: Vec<&str> = adjusted.open.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert!(
        told.iter().any(|told| told.contains("the open quota of s3 rises to more than twice")),
        "{told:?}"
    );
    // A colleague's share of two thirds is nothing to tell.
    let mut company = four("");
    company.seats[0].left = Some(day(10, 1));
    let adjusted = company.adjusted(3);
    assert!(adjusted.open.notices.is_empty(), "{:?}", adjusted.open.notices);
}

#[test]
fn an_adjustment_without_news_changes_nothing_where_limits_bind() {
    let mut people = vec![seat("p01", "n", 4), seat("p02", "s", 4), seat("p03", "s", 6)];
    people.extend([seat("p04", "n", 6), seat("p05", "n", 1), seat("p00", "w", 5)]);
    people[0].least = Some(Rational::from(31_358_i64));
    people[1].least = Some("296239.35".parse().expect("a number"));
    people[1].leaves.push((day(3, 2), day(8, 18), Rational::one()));
    people[3].most = Some("266482.63".parse().expect("a number"));
    people[3].hired = Some(day(9, 1));
    let keys = format!("{TOP}total = \"1445900\"\nunit = \"1\"\n");
    let mut company = Company::new(plan(&keys, [5, 3, 4, 5]), people);
    let first = company.rows.clone();
    company.seats.pop();
    company.adjust(1);
    let after = company.cells();
    for from in 1..4 {
        let last = Last { before: &first, from: 1 };
        let again =
            company.ask(|question| adjust(question, &company.rows, from, Some(last))).expect("quotas");
        assert_eq!(cells(&again.rows), after, "from {from}");
        assert!(again.changes.iter().all(|change| change.why == "kept"));
        company.rows = again.rows;
    }
}

/// What happens to somebody.
#[derive(Clone, Copy, Debug)]
enum Event {
    Leave,
    Left,
    Hire,
    Transfer,
    Points,
    Nothing,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_nothing_happened_to_stays(
        people in prop::collection::vec((0usize..3, 1i64..30, 0usize..6), 3..9),
        seasons in prop::sample::select(vec![[1, 1, 1, 1], [1, 2, 3, 4], [5, 1, 3, 2]]),
        unit in prop::sample::select(vec!["1", "10", "0.01"]),
        total in 100_000i64..900_000,
        (who, from, when) in (0usize..9, 0usize..3, 0usize..4),
        event in prop::sample::select(vec![Event::Leave, Event::Left, Event::Hire, Event::Transfer, Event::Points, Event::Nothing]),
    ) {
        let months = [1, 4, 7, 10];
        let mut seats: Vec<Seat> = people.iter().enumerate().map(|(place, (region, points, late))| {
            let mut seat = seat(&format!("p{place}"), ["n", "s", "w"][*region], *points);
            // One in six comes during the year.
            seat.hired = (*late == 0 && place > 0).then(|| day(5, 11));
            seat
        }).collect();
        seats.push(seat("always", "n", 7));
        let keys = format!("{TOP}total = \"{total}\"\nunit = \"{unit}\"\n");
        let mut company = Company::new(plan(&keys, seasons), seats);
        let stood = company.cells();
        let who = who % (company.seats.len() - 1);
        let when = when.max(from);
        match event {
            Event::Leave => company.seats[who].leaves.push((day(months[when], 1), day(months[when] + 2, 20), Rational::one())),
            Event::Left => company.seats[who].left = Some(day(months[when], 1).max(company.seats[who].hired.unwrap_or(0) + 30)),
            Event::Hire => {
                let mut new = seat("new", "s", 11);
                new.hired = Some(day(months[when], 9));
                company.seats.push(new);
            }
            Event::Transfer => company.seats[who].above = vec![Some("w".to_owned())].into(),
            Event::Points => company.seats[who].weight = Some(Rational::from(31_i64)),
            Event::Nothing => {}
        }
        company.adjust(from);
        let after = company.cells();
        let unit: Rational = unit.parse().expect("a number");
        let small = &unit * &Rational::from(4_i64);
        for ((holder, period), amount) in &after {
            prop_assert!(!amount.is_negative());
            let quarter = usize::from(period.as_bytes()[6] - b'1');
            let before = stood.get(&(holder.clone(), period.clone()));
            if quarter < from || matches!(event, Event::Nothing) || holder.as_str() == "Co" {
                prop_assert_eq!(before, Some(amount), "{} {}", holder, period);
            }
            // In a period in which everybody is there as before, nobody's quota changes.
            if matches!(event, Event::Leave) && quarter != when {
                let before = before.cloned().unwrap_or_default();
                prop_assert!((amount - &before).abs() <= small, "{} {}: {} to {}", holder, period, before, amount);
            }
        }
        let mut sums: BTreeMap<(HolderId, String), Rational> = BTreeMap::new();
        for row in company.rows.iter().filter(|row| row.period.as_bytes()[6] - b'1' >= u8::try_from(from).expect("small")) {
            if let Some(parent) = &row.parent {
                *sums.entry((parent.clone(), row.period.clone())).or_default() += &row.amount;
            }
        }
        for (cell, sum) in &sums {
            prop_assert_eq!(after.get(cell), Some(sum), "{:?}", cell);
        }
        for again in [from, from + 1, 3] {
            company.adjust(again);
            prop_assert_eq!(&company.cells(), &after, "from {}", again);
        }
    }
}
