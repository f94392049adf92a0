//! Small companies and plans invented from a seed.

use std::collections::BTreeMap;

use super::credits::decide;
use super::{
    Cap, Component, Credit, Curve, Deal, Gate, Goal, Measure, Number, Pay, Plan, Q, RUN, RefundOf, Rep,
    STARTS, Span, Table, World, ZERO, excluded, q,
};

/// splitmix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// From `low` to `high`, both included.
    pub(super) fn within(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        low + ((z ^ (z >> 31)) % (high - low + 1) as u64) as i64
    }
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.within(1, 100) <= percent
    }
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.within(0, length as i64 - 1) as usize
    }
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }
    fn whole(&mut self, low: i64, high: i64, step: i64) -> Q {
        q((self.within(low, high) * step).into(), 1)
    }
    fn percent(&mut self, low: i64, high: i64, step: i64) -> Q {
        q((self.within(low, high) * step).into(), 100)
    }
    fn maybe<T>(&mut self, percent: i64, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        if self.chance(percent) { Some(make(self)) } else { None }
    }
}

const ACCOUNTS: usize = 5;

fn invent_deal(random: &mut Random, order: usize, reps: usize) -> Deal {
    let kind = random.pick(&["new", "new", "new", "renewal", "renewal", "refund"]);
    // Round amounts reach boundaries exactly, odd cents show the rounding.
    let cents = if random.chance(40) { random.within(1, 8) * 50_000 } else { random.within(1, 400_000) };
    let shares = invent_shares(random, reps);
    let refund_of = if kind == "refund" && random.chance(10) { RefundOf::Unknown } else { RefundOf::Empty };
    let amount = q(if kind == "refund" { -cents } else { cents }.into(), 100);
    let (rep, account, day) = (random.index(reps), random.index(ACCOUNTS), random.within(0, STARTS[RUN] - 1));
    Deal { order, line: None, rep, account, day, amount, kind, refund_of, shares }
}

fn invent_shares(random: &mut Random, reps: usize) -> Vec<(usize, Q, &'static str)> {
    let parts: &[i128] =
        random.pick(&[&[], &[], &[], &[5000, 5000], &[6000, 4000], &[3333, 3333, 3334], &[10_000]]);
    let first = random.index(reps);
    let split = |(place, part): (usize, &i128)| ((first + place) % reps, q(*part, 10_000), "lead");
    let mut shares: Vec<_> = parts.iter().enumerate().map(split).collect();
    for role in ["se", "csm"] {
        let rep = random.index(reps);
        let twice = shares.iter().any(|share| share.2 != "lead" && share.0 == rep);
        if random.chance(15) && !(twice && excluded("two overlays for one payee")) {
            shares.push((rep, random.percent(1, 20, 5), role));
        }
    }
    shares
}

/// A transaction, or another line of the order of the one before.
fn add_deal(random: &mut Random, deals: &mut Vec<Deal>, reps: usize) {
    let mut deal = invent_deal(random, deals.len(), reps);
    let before = deals.last_mut().filter(|before| matches!(before.refund_of, RefundOf::Empty));
    if let Some(before) = before.filter(|_| random.chance(15)) {
        let line = *before.line.get_or_insert(1);
        let Deal { order, day, ref shares, .. } = *before;
        let (line, shares, refund_of) = (Some(line + 1), shares.clone(), RefundOf::Empty);
        deal = Deal { order, line, day, shares, refund_of, ..deal };
    }
    deals.push(deal);
}

/// Refunds of one transaction: of all of it, of parts, rarely of more than there was, on the same day or months later.
fn invent_refunds(random: &mut Random, deals: &mut Vec<Deal>, sale: usize, reps: usize) {
    let mut left = deals[sale].amount;
    let mut day = deals[sale].day;
    for _ in 0..random.pick(&[1, 1, 1, 2, 2, 3]) {
        day += if random.chance(30) { random.within(0, 9) } else { random.within(0, 100) };
        let cents = left * q(100, 1);
        let part = match random.within(0, 9) {
            0..=4 => left,
            5..=7 => q((cents.0 / cents.1).abs() / 2, 100) * q(left.0.signum(), 1),
            8 => q(random.within(0, cents.0.abs() as i64).into(), 100) * q(left.0.signum(), 1),
            _ => left + q(left.0.signum() * 100, 1),
        };
        if part == ZERO || day >= STARTS[RUN] + 40 {
            return;
        }
        left = left - part;
        let Deal { rep, account, kind, line, .. } = deals[sale];
        deals.push(Deal {
            order: deals.len(),
            line,
            rep: if random.chance(85) { rep } else { random.index(reps) },
            account,
            day,
            amount: ZERO - part,
            kind: if random.chance(70) { "refund" } else { kind },
            refund_of: RefundOf::Deal(sale),
            shares: if random.chance(20) { invent_shares(random, reps) } else { Vec::new() },
        });
    }
}

/// People who change: their manager, their rate, and with `moves` their role.
fn invent_rep(random: &mut Random, number: usize, dated: bool, hierarchy: bool, moves: bool) -> Rep {
    let hire = random.maybe(if dated { 30 } else { 0 }, |r| r.within(0, 130));
    let end = random.maybe(if dated { 25 } else { 0 }, |r| hire.unwrap_or(0) + r.within(5, 150));
    let role = |r: &mut Random| if moves { r.pick(&["A", "B"]) } else { "A" };
    let manager = random.maybe(if number == 0 { 0 } else { 75 }, |r| r.index(number));
    let mut spans = vec![Span { from: 0, manager, rate: random.percent(1, 9, 1), role: role(random) }];
    for _ in 0..random.pick(&[0, 0, 1, 2]) {
        let last = spans[spans.len() - 1];
        let from = last.from + random.within(1, 90);
        let changed = random.maybe(if number == 0 { 0 } else { 75 }, |r| r.index(number));
        // An empty cell of rep_history says nothing.
        let manager = if hierarchy { changed } else { changed.or(last.manager) };
        let rate = if random.chance(50) { random.percent(1, 9, 1) } else { last.rate };
        let role = if spans.len() > 1 { last.role } else { role(random) };
        spans.push(Span { from, manager, rate, role });
    }
    Rep { spans, hire, end, target: random.whole(4, 40, 1500), team: random.pick(&["east", "west"]) }
}

/// One after the other; some time may be nobody's.
fn invent_holders(random: &mut Random, reps: usize) -> Vec<(usize, i64, i64)> {
    let first = random.within(10, 90);
    let second = first + random.within(0, 90);
    vec![(random.index(reps), 0, first), (random.index(reps), first + random.pick(&[0, 5]), second + 10)]
}

fn invent_credit(random: &mut Random) -> Credit {
    let to = random.pick(&["rep", "rep", "splits", "splits", "overlays", "managers", "territory"]);
    let managers = if to == "managers" { 100 } else { 0 };
    Credit {
        filter: random.pick(&[
            "",
            "",
            "",
            "",
            "kind = 'new'",
            "kind <> 'new'",
            "kind <> 'refund'",
            "amount >= 1000",
        ]),
        share: random.maybe(25, |r| r.pick(&[q(1, 2), q(3, 4), q(1, 8)])),
        to,
        of: random.pick(&["rep", "splits", "overlays", "territory"]),
        role: random.maybe(if to == "overlays" { 30 } else { 0 }, |r| r.pick(&["se", "csm"])),
        levels: random.maybe(managers / 2, |r| r.within(1, 2) as usize),
        net: random.maybe(managers / 2, |r| r.percent(1, 5, 10)),
        effective: random.maybe(8, |r| (r.within(0, 60), r.within(61, 200))),
    }
}

fn invent_measure(random: &mut Random, credits: usize, partial: bool) -> Measure {
    let mut list = vec![random.index(credits), random.index(credits)];
    list.dedup();
    let window = random.pick(&[
        "transaction",
        "period",
        "period",
        "quarter-to-date",
        "year-to-date",
        "year-to-date",
        "rolling",
    ]);
    let goal = random.maybe(if window == "transaction" { 0 } else { 70 }, |r| {
        let same = Number::Same(r.whole(2, 12, 500));
        let number = r.pick(&[None, None, Some(same), Some(Number::Column("target_pay"))]);
        let per = if number == Some(same) { r.pick(&["period", "period", "quarter"]) } else { "year" };
        Goal { number, per, whole_year: r.chance(20), prorate: r.maybe(30, |r| r.chance(50)) }
    });
    Measure {
        double: list.len() == 2 && random.chance(40),
        credits: list,
        aggregate: random.pick(&["sum", "sum", "sum", "sum", "count", "average", "largest", "smallest"]),
        window,
        periods: random.maybe(if window == "rolling" { 100 } else { 0 }, |r| r.within(2, 3) as usize),
        goal,
        // The documentation does not say what a team's result means for a member who is not there.
        team: window != "transaction" && !partial && random.chance(10),
    }
}

/// A boundary of a tier or a curve, in the unit of the measure or of its attainment.
fn boundary(random: &mut Random, measure: &Measure, attainment: bool, place: i64) -> Q {
    match (attainment, measure.aggregate) {
        (true, _) => random.percent(place * 5, place * 5 + 4, 10),
        (_, "count") => random.whole(place * 2, place * 2 + 1, 1),
        _ => random.whole(place * 3, place * 3 + 2, 500),
    }
}

fn invent_curve(random: &mut Random, measure: &Measure, most: i64, pays_at_zero: bool) -> Curve {
    let first = if pays_at_zero { random.within(0, 1) } else { 1 };
    let mut points: Vec<(Q, Q)> = Vec::new();
    for place in first..first + random.within(2, 4) {
        let at = if place == 0 { ZERO } else { boundary(random, measure, measure.goal.is_some(), place) };
        points.push((at, random.percent(0, 10, most)));
    }
    let step = random.chance(40);
    // A jump, in the middle so that the first and the last line have a direction.
    if !step && points.len() > 2 && random.chance(30) {
        points.insert(2, (points[1].0, random.percent(0, 10, most)));
    }
    let below = random.pick(&["zero", "flat", if step { "flat" } else { "extend" }]);
    let beyond = random.pick(&["flat", "extend", "zero"]);
    Curve { step, points, below: if pays_at_zero { below } else { "zero" }, beyond }
}

fn invent_table(random: &mut Random, measure: &Measure, most: i64, share: bool, pays_at_zero: bool) -> Table {
    let goal = measure.goal.is_some();
    let number = |r: &mut Random| match r.chance(20) {
        true => Number::Column("rate"),
        false => Number::Same(r.percent(0, 10, most)),
    };
    match random.within(0, 3) {
        0 => Table::Rate(number(random)),
        1 => Table::Curve(invent_curve(random, measure, most, pays_at_zero)),
        _ => {
            let attainment = goal && (share || random.chance(70));
            let mut steps = vec![(ZERO, number(random))];
            for place in 1..=random.within(1, 3) {
                steps.push((boundary(random, measure, attainment, place), number(random)));
            }
            let mode = random.pick(&["marginal", "whole", if goal { "whole-above-goal" } else { "whole" }]);
            Table::Tiers { mode, attainment, lower: mode != "marginal" && random.chance(25), steps }
        }
    }
}

fn invent_pay(random: &mut Random, measure: &Measure, partial: bool, proration: &str) -> Pay {
    let goal = measure.goal.is_some();
    let count = measure.aggregate == "count";
    let decided = |name| !partial || !excluded(name);
    let zero = measure.steady(partial) || !excluded("curve that pays at zero without a steady goal");
    let at = if goal { random.percent(4, 13, 10) } else { boundary(random, measure, false, 1) };
    let among = !goal && measure.window == "period";
    let same = Number::Same(random.whole(1, 9, 150));
    let team = random.chance(30);
    match random.within(0, 9) {
        0..=1 if goal => {
            let target = random.pick(&[Number::Column("target_pay"), same]);
            let per = if target == same { random.pick(&["period", "quarter", "year"]) } else { "year" };
            Pay::TargetShare { target, per, table: invent_table(random, measure, 25, true, zero) }
        }
        2 => Pay::Fixed { amount: same, at },
        3 => Pay::FixedCurve(invent_curve(random, measure, 5000, zero)),
        4..=5 if among && (proration == "days" || decided("rank of someone without participation")) => {
            let prizes =
                [1000, 500, 250, 100].map(|prize| q(prize, 1))[..random.within(1, 4) as usize].to_vec();
            Pay::Rank { prizes, at, team }
        }
        6 if among && (count || decided("equal pool with someone not there")) => {
            let equal = random.chance(50) && decided("equal pool with someone not there");
            Pay::Pool { amount: random.whole(1, 9, 111), by_measure: count && !equal, team }
        }
        _ => Pay::PerUnit(invent_table(random, measure, if count { 1000 } else { 3 }, false, true)),
    }
}

fn invent_component(
    random: &mut Random,
    measures: &[Measure],
    number: usize,
    partial: bool,
    proration: &str,
) -> Component {
    let measure = &measures[number];
    let goal = measure.goal.is_some();
    let pay = invent_pay(random, measure, partial, proration);
    let (threshold, gate, weight, attainment_cap, cap) = (None, None, None, None, None);
    let mut component =
        Component { pay, threshold, multipliers: Vec::new(), gate, weight, attainment_cap, cap };
    if matches!(component.pay, Pay::Rank { .. } | Pay::Pool { .. }) {
        return component;
    }
    if matches!(component.pay, Pay::PerUnit(_) | Pay::TargetShare { .. }) {
        let at = if goal { random.percent(3, 9, 10) } else { boundary(random, measure, false, 1) };
        component.threshold = random.maybe(25, |r| (at, r.chance(50)));
    }
    component.multipliers = (0..random.pick(&[0, 0, 0, 1, 2])).map(|_| random.percent(3, 8, 25)).collect();
    component.gate = random.maybe(30, |r| {
        let other = r.index(measures.len());
        // Only a component of single transactions can ask what else the same transaction is measured as.
        let single = measures[other].window == "transaction" && measure.window != "transaction";
        let other = if single || other == number { None } else { Some(other) };
        let over = &measures[other.unwrap_or(number)];
        let at = if over.goal.is_some() { r.percent(3, 12, 10) } else { boundary(r, over, false, 1) };
        let catch_up = measure.to_date() && r.chance(50);
        Gate { measure: other, at, otherwise: r.maybe(40, |r| r.percent(1, 3, 25)), catch_up }
    });
    component.weight = random.maybe(25, |r| r.percent(2, 9, 10));
    if goal && (component.on_attainment() || !excluded("attainment cap on pay without attainment")) {
        component.attainment_cap = random.maybe(20, |r| r.percent(10, 20, 10));
    }
    // The documentation does not say how catching up and a cap per period or year go together.
    let catch_up = component.gate.as_ref().is_some_and(|gate| gate.catch_up);
    component.cap = random.maybe(35, |r| {
        let of_target = matches!(component.pay, Pay::TargetShare { .. }) && component.weight.is_none();
        let share = of_target && r.chance(50);
        let (amount, what) =
            if share { (r.percent(2, 15, 10), "share") } else { (r.whole(1, 20, 23), "amount") };
        let window = if measure.window == "transaction" { "transaction" } else { "window" };
        let per = if share || catch_up { window } else { r.pick(&[window, "period", "year"]) };
        let quarter = partial && measure.window == "quarter-to-date";
        let decided = !(quarter && excluded("carry of a quarter after somebody has left"));
        Cap { amount, what, per, carry: per == "period" && decided && r.chance(50) }
    });
    component
}

/// A plan of the people of a role, on some days.
fn invent_plan(
    random: &mut Random,
    dated: bool,
    role: Option<&'static str>,
    effective: Option<(i64, i64)>,
) -> Plan {
    let left = role.is_some() || effective.is_some_and(|range| range.1 < 365);
    let whole = !left || !excluded("goals without proration in a plan that people leave");
    let proration = random.pick(&["days", "days", "months", "workdays", if whole { "none" } else { "days" }]);
    let partial = dated || effective.is_some() || role.is_some();
    let credits: Vec<Credit> = (0..random.within(1, 3)).map(|_| invent_credit(random)).collect();
    let count = random.within(2, 4) as usize;
    let mut measures: Vec<Measure> =
        (0..count).map(|_| invent_measure(random, credits.len(), partial)).collect();
    for goal in measures.iter_mut().filter_map(|measure| measure.goal.as_mut()).filter(|_| !whole) {
        goal.prorate = Some(true);
        goal.whole_year &= !excluded("goals of a whole year in a plan that ends");
    }
    let mut components: Vec<Component> =
        (0..count).map(|n| invent_component(random, &measures, n, partial, proration)).collect();
    for cap in components.iter_mut().filter_map(|component| component.cap.as_mut()) {
        cap.carry &= !(left && excluded("carry after the end of the plan"));
    }
    let outside =
        random.maybe(15, |r| r.pick(&["east", "west"])).filter(|_| !measures.iter().any(|m| m.team));
    let rounding = random.pick(&["half-away-from-zero", "half-even", "toward-zero"]);
    let refunds = random.pick(&["original", "current"]);
    let cap = random.maybe(20, |r| (r.whole(1, 30, 50), r.pick(&["period", "period", "year"])));
    let unsure = cap.is_some_and(|cap| cap.1 == "year") && excluded("yearly plan cap with a guarantee")
        || partial && proration == "none" && excluded("guarantee without proration for someone not there");
    let guarantee = random.maybe(if unsure { 0 } else { 20 }, |r| r.whole(1, 9, 100));
    Plan {
        rounding,
        proration,
        refunds,
        effective,
        role,
        outside,
        credits,
        measures,
        components,
        cap,
        guarantee,
    }
}

/// Invents a company; the same seed gives the same company.
pub fn world(seed: u64) -> World {
    let random = &mut Random(seed);
    let people = random.within(3, 8) as usize;
    let (dated, hierarchy, moves) = (random.chance(60), random.chance(40), random.chance(15));
    let reps = (0..people).map(|number| invent_rep(random, number, dated, hierarchy, moves)).collect();
    let holders = (0..ACCOUNTS).map(|_| invent_holders(random, people)).collect();
    let mut deals: Vec<Deal> = Vec::new();
    for _ in 0..random.within(20, 80) {
        add_deal(random, &mut deals, people);
    }
    let refunded = random.pick(&[0, 25, 25, 60]);
    for sale in 0..deals.len() {
        let nothing = matches!(deals[sale].refund_of, RefundOf::Unknown);
        if random.chance(refunded) && !(nothing && excluded("a refund of a refund of nothing")) {
            invent_refunds(random, &mut deals, sale, people);
        }
    }
    for refund in 0..deals.len() {
        if matches!(deals[refund].refund_of, RefundOf::Deal(_)) && random.chance(8) {
            invent_refunds(random, &mut deals, refund, people);
        }
    }
    let mut quotas = BTreeMap::new();
    for place in 0..people * 12 {
        let quota = random.whole(2, 10, 500);
        match random.within(0, 11) {
            0 => None,
            1 => quotas.insert((place / 12, place % 12), None),
            2 => quotas.insert((place / 12, place % 12), Some(ZERO)),
            _ => quotas.insert((place / 12, place % 12), Some(quota)),
        };
    }
    let mut plans = Vec::new();
    let change = random.within(20, 150);
    let roles = if moves { vec![Some("A"), Some("B")] } else { vec![None] };
    let ranges = match random.within(0, 9) {
        0 => vec![Some((random.within(0, 50), 365))],
        1..=2 => vec![Some((0, change)), Some((change, 365))],
        _ => vec![None],
    };
    for role in &roles {
        for range in &ranges {
            plans.push(invent_plan(random, dated, *role, *range));
        }
    }
    let mut world = World { seed, reps, hierarchy, holders, deals, quotas, plans };
    decide(&mut world);
    world
}
