//! An independent, naive and exact re-calculation of commission for invented companies, from the documentation alone.

mod credits;
mod files;
mod fraction;
mod invent;
mod people;

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

pub use files::compare;
use fraction::{ONE, Q, ZERO, q};
pub use invent::world;

/// Combinations that are not invented: the documentation gives a line only to payees whose window has credits or a goal,
/// and here everyone is calculated; or it does not decide; or the program is known to disagree with it.
const EXCLUDED: &[&str] = &[
    "curve that pays at zero without a steady goal",
    // Two overlays of one payee are two amounts for averages, but two ways up to one manager are one.
    "two overlays for one payee",
    // Whether less than nothing is nothing.
    "more is taken back than was credited",
    // Which of the credits it takes back.
    "allow_double and a refund that not each credit has",
    "a refund of a refund of somebody else",
    "count and a refund of a refund",
    "count and a refund of one line of several",
    "a refund of a line of somebody else",
    // Whether what is carried is paid by a plan that has ended.
    "carry after the end of the plan",
    // Whether quotas of months before somebody is in the plan count.
    "goals without proration in a plan that people leave",
];

fn excluded(combination: &str) -> bool {
    EXCLUDED.contains(&combination)
}

// Days are counted from 2027-01-01, a Friday; months from 0.
const STARTS: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const RUN: usize = 6;

fn month_of(day: i64) -> usize {
    (0..12).rfind(|month| STARTS[*month] <= day).expect("a day of 2027")
}

fn days(month: usize) -> std::ops::Range<i64> {
    STARTS[month]..STARTS[month + 1]
}

fn inside(range: Option<(i64, i64)>, day: i64) -> bool {
    range.is_none_or(|(from, to)| from <= day && day < to)
}

/// What is so of a person from a day on.
#[derive(Clone, Copy)]
struct Span {
    from: i64,
    manager: Option<usize>,
    rate: Q,
    role: &'static str,
}

struct Rep {
    /// The first one from the first day on.
    spans: Vec<Span>,
    hire: Option<i64>,
    end: Option<i64>,
    target: Q,
    team: &'static str,
}

impl Rep {
    fn there(&self, day: i64) -> bool {
        self.hire.is_none_or(|hire| hire <= day) && self.end.is_none_or(|end| day < end)
    }

    fn on(&self, day: i64) -> Span {
        *self.spans.iter().rfind(|span| span.from <= day).expect("a span from the first day on")
    }
}

/// What the column `refund_of` of a transaction names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RefundOf {
    Empty,
    /// A transaction that is in no extract.
    Unknown,
    Deal(usize),
}

/// A line of an order, which has the number of its first line; a refund is an order of its own.
struct Deal {
    order: usize,
    line: Option<usize>,
    rep: usize,
    account: usize,
    day: i64,
    amount: Q,
    kind: &'static str,
    refund_of: RefundOf,
    /// Who, how much and in which role; `lead` is a split, any other role an overlay.
    shares: Vec<(usize, Q, &'static str)>,
}

struct Credit {
    filter: &'static str,
    share: Option<Q>,
    to: &'static str,
    of: &'static str,
    role: Option<&'static str>,
    levels: Option<usize>,
    net: Option<Q>,
    effective: Option<(i64, i64)>,
}

/// A number for everyone, or a column of reps.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Same(Q),
    Column(&'static str),
}

struct Goal {
    /// None: the quota `q`.
    number: Option<Number>,
    per: &'static str,
    whole_year: bool,
    prorate: Option<bool>,
}

struct Measure {
    credits: Vec<usize>,
    aggregate: &'static str,
    window: &'static str,
    periods: Option<usize>,
    goal: Option<Goal>,
    team: bool,
    double: bool,
}

impl Measure {
    fn to_date(&self) -> bool {
        self.window.ends_with("to-date")
    }
    /// Whether everyone has a goal in every period.
    fn steady(&self, partial: bool) -> bool {
        !partial && self.goal.as_ref().is_some_and(|goal| goal.number.is_some())
    }
    fn first(&self, month: usize) -> usize {
        match self.window {
            "quarter-to-date" => month / 3 * 3,
            "year-to-date" => 0,
            _ => (month + 1).saturating_sub(self.periods.unwrap_or(1)),
        }
    }
    /// The months whose goals and targets a window adds up.
    fn months(&self, month: usize) -> std::ops::RangeInclusive<usize> {
        if self.goal.as_ref().is_some_and(|goal| goal.whole_year) {
            0..=11
        } else {
            self.first(month)..=month
        }
    }
}

struct Curve {
    step: bool,
    points: Vec<(Q, Q)>,
    below: &'static str,
    beyond: &'static str,
}

enum Table {
    Rate(Number),
    Tiers { mode: &'static str, attainment: bool, lower: bool, steps: Vec<(Q, Number)> },
    Curve(Curve),
}

enum Pay {
    PerUnit(Table),
    TargetShare { target: Number, per: &'static str, table: Table },
    Fixed { amount: Number, at: Q },
    FixedCurve(Curve),
    Rank { prizes: Vec<Q>, at: Q, team: bool },
    Pool { amount: Q, by_measure: bool, team: bool },
}

struct Gate {
    measure: Option<usize>,
    at: Q,
    otherwise: Option<Q>,
    catch_up: bool,
}

struct Cap {
    amount: Q,
    what: &'static str,
    per: &'static str,
    carry: bool,
}

/// Component n pays for measure n.
struct Component {
    pay: Pay,
    threshold: Option<(Q, bool)>,
    multipliers: Vec<Q>,
    gate: Option<Gate>,
    weight: Option<Q>,
    attainment_cap: Option<Q>,
    cap: Option<Cap>,
}

impl Component {
    /// Whether it pays by attainment, so that nothing can be paid without a goal.
    fn on_attainment(&self) -> bool {
        let by_table = match &self.pay {
            Pay::PerUnit(Table::Rate(_)) => false,
            Pay::PerUnit(Table::Tiers { attainment, mode, .. }) => *attainment || *mode == "whole-above-goal",
            _ => true,
        };
        by_table || self.threshold.is_some() || self.attainment_cap.is_some()
    }
}

struct Plan {
    rounding: &'static str,
    proration: &'static str,
    refunds: &'static str,
    effective: Option<(i64, i64)>,
    /// The only role that is in the plan.
    role: Option<&'static str>,
    /// The team that is not in the plan.
    outside: Option<&'static str>,
    credits: Vec<Credit>,
    measures: Vec<Measure>,
    components: Vec<Component>,
    cap: Option<(Q, &'static str)>,
    guarantee: Option<Q>,
}

/// A small company, its transactions and its plans.
pub struct World {
    seed: u64,
    reps: Vec<Rep>,
    /// Whether managers are those of the table `hierarchy`.
    hierarchy: bool,
    /// Who holds the territory of each account, from when to when.
    holders: Vec<Vec<(usize, i64, i64)>>,
    deals: Vec<Deal>,
    /// By rep and month; an inner None is an empty amount, a missing key a missing row.
    quotas: BTreeMap<(usize, usize), Option<Q>>,
    plans: Vec<Plan>,
}

/// A whole number by the rounding of a plan.
fn nearest(exact: Q, rounding: &str) -> i64 {
    let (whole, rest) = (exact.0 / exact.1, (exact.0 % exact.1).abs());
    let away = match (rest * 2).cmp(&exact.1) {
        _ if rounding == "toward-zero" => false,
        Ordering::Equal => rounding != "half-even" || whole % 2 != 0,
        order => order == Ordering::Greater,
    };
    i64::try_from(whole + if away { exact.0.signum() } else { 0 }).expect("an amount that fits")
}

fn cents(amount: Q, rounding: &str) -> i64 {
    nearest(amount * q(100, 1), rounding)
}

fn money(cents: i64) -> Q {
    q(cents.into(), 100)
}

fn curve_at(curve: &Curve, x: Q) -> Q {
    let points = &curve.points;
    let line = |a: (Q, Q), b: (Q, Q)| a.1 + (x - a.0) * (b.1 - a.1) / (b.0 - a.0);
    let last = points.len() - 1;
    match points.iter().rposition(|point| point.0 <= x) {
        None if curve.below == "zero" => ZERO,
        None if curve.below == "flat" => points[0].1,
        None => line(points[0], points[1]),
        Some(at) if curve.step || points[at].0 == x => points[at].1,
        Some(at) if at < last => line(points[at], points[at + 1]),
        Some(_) if curve.beyond == "zero" => ZERO,
        Some(_) if curve.beyond == "flat" => points[last].1,
        Some(_) => line(points[last - 1], points[last]),
    }
}

/// Rate x measurement by bands, given as (from, rate).
fn tiers_at(bands: &[(Q, Q)], mode: &str, lower: bool, goal: Option<Q>, measured: Q) -> Q {
    if measured < ZERO {
        return bands[0].1 * measured;
    }
    let marginal = |to: Q| -> Q {
        let end = |i: usize| bands.get(i + 1).map_or(to, |next| to.min(next.0));
        (0..bands.len()).filter(|i| bands[*i].0 < to).map(|i| bands[i].1 * (end(i) - bands[i].0)).sum()
    };
    let reached = |band: &(Q, Q)| if lower { band.0 < measured } else { band.0 <= measured };
    let rate = bands[bands.iter().rposition(reached).unwrap_or(0)].1;
    match (mode, goal) {
        ("whole", _) => rate * measured,
        ("whole-above-goal", Some(goal)) if measured > goal => marginal(goal) + rate * (measured - goal),
        _ => marginal(measured),
    }
}

fn periods(per: &str) -> Q {
    q(
        if per == "year" {
            12
        } else if per == "quarter" {
            3
        } else {
            1
        },
        1,
    )
}

/// A calculation under way: a plan of the world and what each of its credits gives a payee of a transaction.
struct Book<'w> {
    world: &'w World,
    plan: &'w Plan,
    lines: Vec<BTreeMap<(usize, usize), Q>>,
}

/// The period for which something is paid, and the day whose rates count.
#[derive(Clone, Copy)]
struct When {
    month: usize,
    day: i64,
}

impl<'w> Book<'w> {
    fn of(world: &'w World, plan: &'w Plan) -> Self {
        let mut book = Book { world, plan, lines: Vec::new() };
        book.lines = plan.credits.iter().map(|credit| book.credit(credit)).collect();
        book
    }

    fn eligible(&self, rep: usize, day: i64) -> bool {
        let person = &self.world.reps[rep];
        self.plan.outside != Some(person.team)
            && self.plan.role.is_none_or(|role| role == person.on(day).role)
    }

    fn takes_part(&self, rep: usize, day: i64) -> bool {
        self.world.reps[rep].there(day) && self.eligible(rep, day)
    }

    fn in_plan(&self, rep: usize, day: i64) -> bool {
        self.takes_part(rep, day) && inside(self.plan.effective, day)
    }

    /// Whether a payee is in the plan on a day of a month.
    fn is_there(&self, rep: usize, month: usize) -> bool {
        days(month).any(|day| self.in_plan(rep, day))
    }

    /// The part of a month in which a payee and the plan are there.
    fn participation(&self, rep: usize, month: usize) -> Q {
        let there = |day: &i64| self.in_plan(rep, *day);
        let counted: Vec<i64> = match self.plan.proration {
            "days" => days(month).collect(),
            // The year starts on a Friday.
            "workdays" => days(month).filter(|day| (day + 4) % 7 < 5).collect(),
            "months" => vec![STARTS[month]],
            _ => return ONE,
        };
        q(counted.iter().filter(|day| there(day)).count() as i128, counted.len() as i128)
    }

    fn number(&self, number: Number, rep: usize, day: i64) -> Q {
        match number {
            Number::Same(number) => number,
            Number::Column("rate") => self.world.reps[rep].on(day).rate,
            Number::Column(_) => self.world.reps[rep].target,
        }
    }

    /// A month and its last day on which somebody is in the plan, or the last one before it.
    fn at_end_of(&self, rep: usize, month: usize) -> When {
        let day = (0..STARTS[month + 1]).rfind(|day| self.in_plan(rep, *day));
        When { month, day: day.unwrap_or(STARTS[month + 1] - 1) }
    }

    fn goal(&self, measure: &Measure, rep: usize, month: usize) -> Option<Q> {
        let goal = measure.goal.as_ref()?;
        // A window of averages, largests and smallests is not the sum of its months: the last goal counts as it is stated.
        let adds_up = matches!(measure.aggregate, "sum" | "count");
        let prorate = goal.prorate.unwrap_or(adds_up && goal.number.is_some());
        // A quota counts in the plans that somebody is in on a day of its month.
        let quota = |month: usize| {
            let counts = days(month).any(|day| self.eligible(rep, day));
            self.world.quotas.get(&(rep, month)).copied().flatten().filter(|_| counts)
        };
        let of = |month: usize| {
            let parts = if adds_up { periods(goal.per) } else { ONE };
            let stated = goal.number.map(|number| self.number(number, rep, 0) / parts);
            let part = if prorate { self.participation(rep, month) } else { ONE };
            stated.or_else(|| quota(month)).unwrap_or(ZERO) * part
        };
        let months = self.months(measure, rep, month);
        if adds_up {
            return Some(months.map(of).sum());
        }
        let stated = |month: &usize| goal.number.is_some() || quota(*month).is_some();
        let all: Vec<usize> = months.filter(stated).collect();
        let last = all.iter().rfind(|month| self.is_there(rep, **month)).or(all.last());
        Some(last.map_or(ZERO, |month| of(*month)))
    }

    /// The months whose goals and targets count: those after somebody has left are nobody's.
    fn months(&self, measure: &Measure, rep: usize, month: usize) -> impl Iterator<Item = usize> {
        let months = measure.months(month);
        let whole_year = measure.goal.as_ref().is_some_and(|goal| goal.whole_year);
        let stays = self.in_plan(rep, 364) || whole_year;
        let last = months.clone().rev().find(|month| stays || self.is_there(rep, *month));
        let last = last.unwrap_or(*months.end());
        months.filter(move |month| *month <= last)
    }

    /// The target of a component over the window that ends with a month; of a rolling window that month's own.
    fn target(&self, number: usize, rep: usize, month: usize) -> Q {
        let Pay::TargetShare { target, per, .. } = self.plan.components[number].pay else {
            return ZERO;
        };
        let of = |month| self.number(target, rep, 0) / periods(per) * self.participation(rep, month);
        let measure = &self.plan.measures[number];
        if measure.window == "rolling" { of(month) } else { self.months(measure, rep, month).map(of).sum() }
    }

    /// Step 1 of the documentation: what a measurement is paid, before anything else.
    fn pay(&self, number: usize, rep: usize, when: When, measured: Q, goal: Option<Q>) -> Q {
        let x = goal.map_or(measured, |goal| measured / goal);
        let number_of = |number: Number| self.number(number, rep, when.day);
        let by_table = |table: &Table| match table {
            Table::Rate(rate) => number_of(*rate) * measured,
            Table::Tiers { mode, attainment, lower, steps } => {
                let unit = goal.filter(|_| *attainment).unwrap_or(ONE);
                let bands: Vec<_> = steps.iter().map(|step| (step.0 * unit, number_of(step.1))).collect();
                tiers_at(&bands, mode, *lower, goal, measured)
            }
            Table::Curve(curve) => curve_at(curve, x) * measured,
        };
        match &self.plan.components[number].pay {
            Pay::PerUnit(table) => by_table(table),
            Pay::TargetShare { table: Table::Curve(curve), .. } => {
                self.target(number, rep, when.month) * curve_at(curve, x)
            }
            Pay::TargetShare { table, .. } => {
                self.target(number, rep, when.month) * by_table(table) / goal.expect("a goal")
            }
            Pay::Fixed { amount, at } if x >= *at => number_of(*amount),
            Pay::FixedCurve(curve) => curve_at(curve, x),
            _ => ZERO,
        }
    }

    /// The part that a gate lets through; `own` is the measurement of the component, `same` gives that of the same
    /// transaction by another measure.
    fn gate(&self, number: usize, rep: usize, month: usize, own: Q, same: &dyn Fn(&Measure) -> Q) -> Q {
        let Some(gate) = &self.plan.components[number].gate else { return ONE };
        let measure = &self.plan.measures[gate.measure.unwrap_or(number)];
        let measured = match gate.measure {
            None => own,
            Some(_) if measure.window == "transaction" => same(measure),
            Some(_) => self.measured(measure, rep, month),
        };
        let open = match self.goal(measure, rep, month) {
            Some(goal) => goal > ZERO && measured / goal >= gate.at,
            None => measured >= gate.at,
        };
        if open { ONE } else { gate.otherwise.unwrap_or(ZERO) }
    }

    /// Steps 1 to 6 for one measurement; the gate of a window to date comes later.
    fn earned(&self, number: usize, rep: usize, when: When, own: Q, same: &dyn Fn(&Measure) -> Q) -> Q {
        let When { month, .. } = when;
        let (component, measure) = (&self.plan.components[number], &self.plan.measures[number]);
        let goal = self.goal(measure, rep, month);
        if goal.is_some_and(|goal| goal <= ZERO) && component.on_attainment() {
            return ZERO;
        }
        let goal = goal.filter(|goal| *goal > ZERO);
        let most = component.attainment_cap.and_then(|cap| Some(cap * goal?));
        let measured = most.map_or(own, |most| own.min(most));
        let mut pay = self.pay(number, rep, when, measured, goal);
        if let Some((at, back_pay)) = component.threshold {
            let at = at * goal.unwrap_or(ONE);
            if measured < at {
                pay = ZERO;
            } else if !back_pay {
                pay = pay - self.pay(number, rep, when, at, goal);
            }
        }
        pay = component.multipliers.iter().fold(pay, |pay, factor| pay * *factor);
        if !measure.to_date() {
            pay = pay * self.gate(number, rep, month, own, same);
        }
        pay = pay * component.weight.unwrap_or(ONE);
        match &component.cap {
            Some(cap) if cap.what == "share" => pay.min(cap.amount * self.target(number, rep, month)),
            Some(cap) if !["period", "year"].contains(&cap.per) => pay.min(cap.amount),
            _ => pay,
        }
    }

    /// What a component pays a payee in each month that is run, in cents.
    fn paid(&self, number: usize, rep: usize) -> Vec<i64> {
        let plan = self.plan;
        let (component, measure) = (&plan.components[number], &plan.measures[number]);
        let (mut paid, mut carried, mut due_in_year, mut held) = (Vec::new(), ZERO, ZERO, ZERO);
        let whole = |month: usize, own: Q| {
            self.earned(number, rep, self.at_end_of(rep, month), own, &|_| {
                unreachable!("not of a transaction")
            })
        };
        for month in 0..RUN {
            let own = self.measured(measure, rep, month);
            // A rolling window is paid anew in each month: not to somebody who has gone.
            let gone = measure.window == "rolling" && !self.is_there(rep, month);
            let mut pay = if gone {
                ZERO
            } else if measure.window == "transaction" {
                self.each(number, rep, month)
            } else {
                whole(month, own)
            };
            if measure.to_date() {
                let first = measure.first(month);
                let before = if first < month {
                    let own = self.measured(measure, rep, month - 1);
                    cents(whole(month - 1, own), plan.rounding)
                } else {
                    0
                };
                let part = self.gate(number, rep, month, own, &|_| unreachable!("not of a transaction"));
                let adds = money(cents(pay, plan.rounding) - before);
                pay = money(cents(adds * part, plan.rounding));
                // What a shut gate has held back of the window comes when it opens.
                if component.gate.as_ref().is_some_and(|gate| gate.catch_up) {
                    let kept = if first < month { held } else { ZERO };
                    (pay, held) = if part == ONE { (pay + kept, ZERO) } else { (pay, kept + adds - pay) };
                }
            }
            // Caps of a period or a year act on rounded amounts.
            let rounded = money(cents(pay, plan.rounding));
            if let Some(cap) = component.cap.as_ref().filter(|cap| cap.per == "period") {
                let due = rounded + carried;
                pay = money(cents(due.min(cap.amount), plan.rounding));
                carried = if cap.carry { due - pay } else { ZERO };
            } else if let Some(cap) = component.cap.as_ref().filter(|cap| cap.per == "year") {
                due_in_year = due_in_year + rounded;
                pay = money(cents(due_in_year.min(cap.amount), plan.rounding) - paid.iter().sum::<i64>());
            }
            paid.push(cents(pay, plan.rounding));
        }
        paid
    }

    /// What a rank or a pool pays everyone in a month, in cents.
    fn among(&self, number: usize, month: usize) -> BTreeMap<usize, i64> {
        let plan = self.plan;
        let mut paid = BTreeMap::new();
        let teams = match plan.components[number].pay {
            Pay::Rank { team: true, .. } | Pay::Pool { team: true, .. } => vec![Some("east"), Some("west")],
            _ => vec![None],
        };
        for team in teams {
            let members = (0..self.world.reps.len()).filter(|rep| {
                self.is_there(*rep, month) && team.is_none_or(|team| team == self.world.reps[*rep].team)
            });
            let results = members.map(|rep| (rep, self.measured(&plan.measures[number], rep, month)));
            let results: Vec<(usize, Q)> = results.collect();
            if let Pay::Rank { prizes, at, .. } = &plan.components[number].pay {
                for (rep, result) in results.iter().filter(|one| one.1 >= *at) {
                    let better = results.iter().filter(|one| one.1 > *result).count();
                    let tied: Vec<usize> =
                        results.iter().filter(|one| one.1 == *result).map(|one| one.0).collect();
                    let sum: Q = prizes.iter().skip(better).take(tied.len()).copied().sum();
                    // Whole cents, those that are left to the first of the tied.
                    let (all, count) = (cents(sum, plan.rounding), tied.len() as i64);
                    let place = tied.iter().position(|one| one == rep).expect("tied with oneself");
                    paid.insert(*rep, all / count + i64::from((place as i64) < all % count));
                }
            }
            let Pay::Pool { amount, by_measure, .. } = plan.components[number].pay else { continue };
            let weight = |one: &(usize, Q)| if by_measure { one.1.max(ZERO) } else { ONE };
            let total: Q = results.iter().map(weight).sum();
            if total > ZERO {
                let exact = |one: &(usize, Q)| amount * weight(one) / total;
                let cut = |one: &(usize, Q)| cents(exact(one), "toward-zero");
                let left = cents(amount, "toward-zero") - results.iter().map(cut).sum::<i64>();
                let mut order = results.clone();
                order.sort_by_key(|one| (Reverse(exact(one) - money(cut(one))), one.0));
                let shares = order
                    .iter()
                    .enumerate()
                    .map(|(place, one)| (one.0, cut(one) + i64::from((place as i64) < left)));
                paid.extend(shares);
            }
        }
        paid
    }
}

/// An earning: plan, payee, period, component, cents.
pub type Line = (String, String, String, String, i64);

/// The earnings that the documentation promises.
pub(crate) fn expected(world: &World) -> Vec<Line> {
    world.plans.iter().enumerate().flat_map(|(number, plan)| expected_of(world, number, plan)).collect()
}

fn expected_of(world: &World, plan_number: usize, plan: &Plan) -> Vec<Line> {
    let book = Book::of(world, plan);
    let mut lines = Vec::new();
    let mut among: Vec<Vec<BTreeMap<usize, i64>>> = Vec::new();
    for (n, component) in plan.components.iter().enumerate() {
        let shared = matches!(component.pay, Pay::Rank { .. } | Pay::Pool { .. });
        among.push(if shared { (0..RUN).map(|month| book.among(n, month)).collect() } else { Vec::new() });
    }
    for rep in (0..world.reps.len()).filter(|rep| (0..365).any(|day| book.eligible(*rep, day))) {
        let paid_to = |months: &Vec<BTreeMap<usize, i64>>| {
            months.iter().map(|month| month.get(&rep).copied().unwrap_or(0)).collect()
        };
        let each = among
            .iter()
            .enumerate()
            .map(|(n, months)| if months.is_empty() { book.paid(n, rep) } else { paid_to(months) });
        let each: Vec<Vec<i64>> = each.collect();
        let (mut due_in_year, mut paid_in_year) = (0, 0);
        for month in 0..RUN {
            let mut line = |name: String, cents: i64| {
                lines.push((plan_id(plan_number), rep_id(rep), period(month), name, cents));
            };
            let mut total = each.iter().map(|paid| paid[month]).sum::<i64>();
            for (number, paid) in each.iter().enumerate() {
                line(format!("c{number}"), paid[month]);
            }
            if let Some((most, per)) = plan.cap {
                let before = if per == "year" { due_in_year } else { 0 };
                let paid = if per == "year" { paid_in_year } else { 0 };
                let allowed = (before + total).min(cents(most, plan.rounding)) - paid;
                line("plan cap".to_owned(), allowed - total);
                (due_in_year, paid_in_year, total) = (due_in_year + total, paid_in_year + allowed, allowed);
            }
            if let Some(least) = plan.guarantee.filter(|_| book.is_there(rep, month)) {
                let part = book.participation(rep, month);
                line("guarantee".to_owned(), (cents(least * part, plan.rounding) - total).max(0));
            }
        }
    }
    lines
}

fn plan_id(number: usize) -> String {
    format!("p{number}")
}

fn rep_id(rep: usize) -> String {
    format!("R{}", rep + 1)
}

fn period(month: usize) -> String {
    format!("2027-{:02}", month + 1)
}

#[test]
fn random_worlds_agree_with_the_documentation() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_spm"));
    // SPM_ORACLE_SEEDS=5000 looks longer than CI does.
    let seeds = std::env::var("SPM_ORACLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let mut wrong = Vec::new();
    for seed in 0..seeds {
        let world = world(seed);
        let project = crate::project::Project::new();
        if let Err(report) = compare(&world, program, &project.0) {
            wrong.push(report);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seeds} worlds disagree:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}
