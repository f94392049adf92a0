//! Years of a company, at random: what is paid over time against what somebody pays who knows everything from the start.
//!
//! The world keeps facts (deals, refunds, quotas, rates) with the step in which each becomes known. At every step the open
//! period is calculated from what is known, settled, checked and booked. At the end, the sum of payments and balances of
//! each person is compared with an oracle that was told everything at once and shares no code with the engine.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::*;
use crate::engine::comp::{self, Cell, Payee, Problem};
use crate::ground::diagnostic::Sink;
use crate::ground::money::Currency;
use crate::ground::period::{Calendar, Pattern};
use crate::ground::rational::Rational;
use crate::ground::source::Source;
use crate::plan::comp::CompPlan;
use crate::plan::contract::Type;
use crate::plan::expression::Columns;
use crate::plan::{Plan, Tables, check_plan};

const MONTHS: usize = 24;
const WORLDS: u64 = 240;

/// A small generator with a seed (xorshift*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// Cents of a deal, or of a refund.
#[derive(Clone, Debug)]
struct Sale {
    payee: usize,
    period: usize,
    cents: i64,
    known: usize,
    /// The step from which it belongs to somebody else: a transfer that is found out later.
    moved: Option<(usize, usize)>,
    /// The step in which it turns out to have been a mistake.
    gone: Option<usize>,
}

struct World {
    people: usize,
    /// First and last month of each person.
    stay: Vec<(usize, usize)>,
    sales: Vec<Sale>,
    /// Monthly quota in cents by person, and another one from a step on, for months from the start of that year.
    quotas: Vec<(i64, Option<(usize, i64)>)>,
    /// From which step the second text of the plan is the one in force, for all periods: it corrects a wrong rate.
    corrected: Option<usize>,
    draw: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let people = 2 + dice.roll(4) as usize;
        let mut world = Self {
            people,
            stay: vec![],
            sales: vec![],
            quotas: vec![],
            corrected: dice.chance(40).then(|| 3 + dice.roll(20) as usize),
            draw: dice.chance(50),
        };
        for payee in 0..people {
            let first = if dice.chance(50) { 0 } else { dice.roll(18) as usize };
            let last = if dice.chance(30) { first + dice.roll(10) as usize } else { MONTHS - 1 };
            world.stay.push((first, last.min(MONTHS - 1)));
            let changed = dice
                .chance(40)
                .then(|| (dice.roll(MONTHS as u64) as usize, 200_000 + dice.roll(900_000) as i64));
            world.quotas.push((100_000 + dice.roll(900_000) as i64, changed));
            for period in first..=last.min(MONTHS - 1) {
                for _ in 0..dice.roll(4) {
                    let cents = dice.roll(600_000) as i64 - if dice.chance(15) { 500_000 } else { 0 };
                    let known = period + if dice.chance(25) { dice.roll(14) as usize } else { 0 };
                    let moved = dice
                        .chance(10)
                        .then(|| (known + 1 + dice.roll(8) as usize, dice.roll(people as u64) as usize));
                    let gone = dice.chance(8).then(|| known + 1 + dice.roll(12) as usize);
                    world.sales.push(Sale { payee, period, cents, known, moved, gone });
                }
            }
        }
        world
    }

    /// Whether somebody is there in a month.
    fn is_there(&self, payee: usize, month: usize) -> bool {
        (self.stay[payee].0..=self.stay[payee].1).contains(&month)
    }

    /// Who has a sale at a step; `None` when it is not known or gone, or its owner was not there in its month.
    fn owner(&self, sale: &Sale, step: usize) -> Option<usize> {
        let there = sale.known <= step && sale.gone.is_none_or(|gone| step < gone);
        let owner = match sale.moved {
            Some((from, other)) if step >= from => other,
            _ => sale.payee,
        };
        (there && self.is_there(owner, sale.period)).then_some(owner)
    }

    fn quota(&self, payee: usize, step: usize) -> i64 {
        match self.quotas[payee] {
            (_, Some((from, cents))) if step >= from => cents,
            (cents, _) => cents,
        }
    }

    fn rates(&self, step: usize) -> (i64, i64) {
        if self.corrected.is_some_and(|from| step >= from) { (7, 13) } else { (9, 12) }
    }

    fn plan(&self, step: usize) -> CompPlan {
        let (low, high) = self.rates(step);
        let draw = if self.draw {
            "[draw]\ntype = \"recoverable\"\namount = \"700\"\nrecovery = \"60%\"\n"
        } else {
            ""
        };
        let text = format!(
            "version = 1\nkind = \"comp\"\nid = \"t\"\n{draw}[[credit]]\nname = \"c\"\n[[measure]]\nname = \"m\"\ncredits = [\"c\"]\nwindow = \"year-to-date\"\ngoal = {{ quota = \"q\" }}\n[[component]]\nname = \"x\"\nmeasure = \"m\"\npay = \"per-unit\"\ntiers = {{ on = \"attainment\", steps = [{{ from = \"0%\", rate = \"{low}%\" }}, {{ from = \"100%\", rate = \"{high}%\" }}] }}\n"
        );
        let amount = Columns(vec![("amount".to_owned(), Type::Number)]);
        let tables = Tables(vec![("transactions".to_owned(), amount), ("reps".to_owned(), Columns(vec![]))]);
        let mut sink = Sink::default();
        let usd = Currency::from_code("USD").expect("a currency");
        match check_plan(&Source::new("plan.toml", text), &usd, &tables, &mut sink) {
            Some(Plan::Comp(plan)) => *plan,
            other => panic!("{other:?} {:?}", sink.faults()),
        }
    }
}

fn who(payee: usize) -> Who {
    let currency = Currency::from_code("USD").expect("a currency");
    Who { payee: format!("r{payee}").as_str().into(), currency }
}

/// The engine's entitlements and draws as of a step.
fn entitled(world: &World, calendar: &Calendar, step: usize) -> (Entitlements, BTreeMap<Who, Terms>) {
    let plan = world.plan(step);
    let day = |period: usize| calendar.periods()[period].range;
    let payees: Vec<Payee> = (0..world.people)
        .map(|payee| Payee {
            id: who(payee).payee,
            hired: Some(day(world.stay[payee].0).from),
            left: Some(day(world.stay[payee].1).to),
            ..Payee::default()
        })
        .collect();
    let mut measurements: BTreeMap<Cell, comp::Amounts> = BTreeMap::new();
    for sale in world.sales.iter().filter(|sale| sale.period <= step) {
        let Some(payee) = world.owner(sale, step) else { continue };
        let cell = Cell { payee, measure: 0, period: sale.period };
        measurements
            .entry(cell)
            .or_default()
            .add(&comp::Amounts::of(Rational::from_scaled(sale.cents.into(), 2)));
    }
    let quotas = (0..world.people).flat_map(|payee| {
        let cents = world.quota(payee, step);
        (0..=step).map(move |period| {
            ((who(payee).payee, "q".to_owned(), period), Rational::from_scaled(cents.into(), 2))
        })
    });
    let quotas = quotas.collect();
    let problem = Problem {
        plan: &plan,
        calendar,
        periods: 0..step + 1,
        payees: &payees,
        measurements: &measurements,
        deals: &BTreeMap::new(),
        quotas: &quotas,
        explain_deals: false,
    };
    let earnings = comp::earn(&problem).expect("amounts in range");
    comp::verify::verify(&problem, &earnings).expect("earnings agree");
    let mut entitlements = Entitlements::new();
    for line in &earnings.lines {
        let key = Key {
            who: who(line.payee),
            origin: line.period,
            kind: Kind::Earning,
            plan: "t".to_owned(),
            component: line.of.name(&plan).to_owned(),
        };
        let units = line.amount.minor_units;
        let amounts = Amounts { earned: units, payable: units };
        entitlements.insert(key, Entitled { amounts, trace: line.trace.clone(), released: None });
    }
    let draws = earnings.draws.into_iter().filter(|draw| draw.period == step);
    let terms = draws.map(|draw| {
        let recovery = plan.draw.as_ref().map_or_else(Rational::one, |draw| draw.recovery.clone());
        (who(draw.payee), Terms { floor: draw.floor, recovery, ..Terms::default() })
    });
    (entitlements, terms.collect())
}

/// What somebody pays who knows at the start what the last step knows: marginal tiers, year by year, in whole cents.
fn oracle(world: &World, payee: usize, last: usize) -> i128 {
    let mut total = 0;
    let (low, high) = world.rates(last);
    for year in 0..MONTHS / 12 {
        let months = year * 12..(year + 1) * 12;
        let mut paid_to_date = 0i128;
        let mut sold = 0i128;
        for month in months.clone() {
            // Goals of months after somebody has left are nobody's.
            let until = (months.start..=month).rev().find(|month| world.is_there(payee, *month));
            let count = until.unwrap_or(month) - months.start + 1;
            let goal = i128::from(world.quota(payee, last)) * count as i128;
            let own = world.sales.iter().filter(|sale| sale.period == month);
            sold += own
                .filter(|sale| world.owner(sale, last) == Some(payee))
                .map(|sale| i128::from(sale.cents))
                .sum::<i128>();
            // Hundredths of a cent, then half away from zero.
            let above = (sold - goal).max(0);
            let exact = (sold - above) * i128::from(low) + above * i128::from(high);
            let cents = (exact.abs() + 50) / 100 * exact.signum();
            paid_to_date = cents;
        }
        total += paid_to_date;
    }
    total
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried is the report")]
fn what_is_paid_over_years_is_what_an_oracle_pays_that_knew_everything() {
    let calendar =
        Calendar::regular(Pattern::Months, "2027-01-01".parse().expect("a day"), 2).expect("a calendar");
    let counts = (1..=WORLDS).into_par_iter().map(|seed| run(seed, &calendar));
    let (deltas, steps) = counts.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    println!(
        "{WORLDS} seeds, {steps} postings, {deltas} corrections and releases: each posting checked, each payee paid as the oracle says"
    );
    assert!(deltas > 5_000 && steps == MONTHS * WORLDS as usize, "{deltas} deltas in {steps} steps");
}

/// Runs one world; counts corrections of posted periods, and steps.
fn run(seed: u64, calendar: &Calendar) -> (usize, usize) {
    let name = |period: usize| calendar.periods()[period].name.clone();
    let world = World::new(seed);
    let mut books = Books::default();
    let mut deltas = 0;
    for step in 0..MONTHS {
        let (entitlements, terms) = entitled(&world, calendar, step);
        let settlement = settle(step, &books, &entitlements, &terms, &name, &|_| "a change".to_owned());
        if let Err(faults) = verify::settlement(&books, &entitlements, &settlement) {
            panic!("seed {seed}, step {step}: {faults:?}");
        }
        // Years of ordinary corrections look like no fault.
        assert_eq!(unusual(&books, &settlement), vec![], "seed {seed}, step {step}");
        deltas += settlement.lines.iter().filter(|line| line.cause.is_some()).count();
        books.book(&settlement);
        // What is booked is booked once.
        let again = settle(step, &books, &entitlements, &BTreeMap::new(), &name, &|_| String::new());
        assert!(again.lines.is_empty(), "seed {seed}, step {step}");
    }
    for payee in 0..world.people {
        let who = who(payee);
        let paid = books.paid.get(&who).copied().unwrap_or(0);
        let balances: i128 = Account::ALL.iter().map(|account| books.balance(&who, *account)).sum();
        assert_eq!(paid + balances, oracle(&world, payee, MONTHS - 1), "seed {seed}, payee {payee}");
    }
    (deltas, MONTHS)
}
