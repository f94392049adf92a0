//! From calculated earnings to entitlements: releases, clawbacks and leavers as of the end of the open period; the terms
//! of balances; and the facts that all of it rests on.

use std::collections::{BTreeMap, BTreeSet};

use spm_core::engine::comp::{Earning, Earnings, LineOf, Payee};
use spm_core::engine::ledger::{
    Amounts, Due, Entitled, Entitlements, Fact, FactKind, Facts, Key, Kind, Receipts, Terms, Who, release,
};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::id::PayeeId;
use spm_core::ground::money::Money;
use spm_core::ground::period::{Calendar, Date};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::Rounding;
use spm_core::ground::source::Place;
use spm_core::ground::trace::{Node, Operation, Unit};
use spm_core::plan::comp::CompPlan;
use spm_frame::credit::Credited;
use spm_frame::load::Tables;
use spm_frame::table::Table;
use spm_frame::write::texts;

/// What one plan comes to.
#[derive(Debug)]
pub struct Part<'a> {
    /// The plan.
    pub plan: &'a CompPlan,
    /// Payees and credits.
    pub credited: &'a Credited,
    /// Earnings, as if nothing had been cancelled.
    pub earnings: &'a Earnings,
    /// Earnings when cancelled transactions count with what was served; `None` when that is the same.
    pub served: Option<Earnings>,
    /// The part of each cancelled transaction that was not served.
    pub unserved: BTreeMap<String, Rational>,
    /// What each transaction earned, by payee, period and component: for events that release parts.
    pub attributed: &'a Attributed,
}

/// What each transaction earned, by payee, period and component.
pub type Attributed = BTreeMap<(String, String, String), Vec<(String, Rational)>>;

/// The attribution of a plan by line.
pub fn attributed(table: &Table) -> std::io::Result<Attributed> {
    let mut all = Attributed::new();
    let names = ["payee_id", "period", "component", "transaction_id", "earned"];
    for [payee, period, component, transaction, earned] in cells(table, names)? {
        let amount = earned.parse().unwrap_or_default();
        all.entry((payee, period, component)).or_default().push((transaction, amount));
    }
    Ok(all)
}

/// The cells of some columns of a table, row by row; none when one of them is missing.
fn cells<const N: usize>(table: &Table, names: [&str; N]) -> std::io::Result<Vec<[String; N]>> {
    let found = names.map(|name| table.columns.iter().position(|column| column.name == name));
    if found.iter().any(Option::is_none) {
        return Ok(vec![]);
    }
    let columns = texts(table)?;
    let cell = |column: Option<usize>, row: usize| columns[column?][row].clone();
    let row = |row: usize| found.map(|column| cell(column, row).unwrap_or_default());
    Ok((0..table.frame.height()).map(row).collect())
}

/// Whether a plan has parts that wait for an event.
#[must_use]
pub fn waits(plan: &CompPlan) -> bool {
    plan.components.iter().any(|component| component.releases.iter().any(|(_, event)| event != "booking"))
}

/// Whether a plan says anything about money over time.
#[must_use]
pub fn has_balances(plan: &CompPlan) -> bool {
    let dated = |event: &str| event.parse::<Date>().is_ok();
    plan.draw.is_some()
        || plan.clawback.is_some()
        || plan.minimum.is_some()
        || plan.components.iter().any(|component| component.releases.iter().any(|(_, event)| dated(event)))
}

/// What payees are entitled to at the end of an open period.
pub fn entitlements(
    calendar: &Calendar,
    open: usize,
    parts: &[Part<'_>],
    receipts: &Receipts,
) -> Result<Entitlements, Diagnostic> {
    let mut all = Entitlements::new();
    for part in parts {
        let view = View { calendar, open, part, receipts };
        let mut served: BTreeMap<(usize, usize, LineOf), &Earning> = BTreeMap::new();
        for line in part.served.iter().flat_map(|earnings| &earnings.lines) {
            served.insert((line.payee, line.period, line.of), line);
        }
        for line in part.earnings.lines.iter().filter(|line| line.period <= open) {
            view.entitle(line, served.get(&(line.payee, line.period, line.of)).copied(), &mut all)?;
        }
        view.carry(part.served.as_ref().unwrap_or(part.earnings), &mut all)?;
        // A line that exists only when cancelled transactions shrink, such as a guarantee.
        let known: BTreeSet<_> =
            part.earnings.lines.iter().map(|line| (line.payee, line.period, line.of)).collect();
        for (key, line) in &served {
            if key.1 <= open && !known.contains(key) {
                view.clawback(Some(line), None, &mut all)?;
            }
        }
    }
    Ok(all)
}

/// Adds an entitlement. Two with one key would be one that is paid and one that is lost.
fn put(all: &mut Entitlements, key: Key, entitled: Entitled) -> Result<(), Diagnostic> {
    let name = format!("{} {} `{}` of {}", key.kind.name(), key.plan, key.component, key.who.payee);
    match all.insert(key, entitled) {
        None => Ok(()),
        Some(_) => {
            let fault = Diagnostic::error(Code::SPM502, format!("two entitlements are called {name}"));
            Err(fault.hint("nothing was booked; please report this"))
        }
    }
}

struct View<'a> {
    calendar: &'a Calendar,
    open: usize,
    part: &'a Part<'a>,
    receipts: &'a Receipts,
}

impl View<'_> {
    fn key(&self, line: &Earning, kind: Kind) -> Key {
        let plan = self.part.plan;
        let payee = self.part.credited.payees[line.payee].id.clone();
        Key {
            who: Who { payee, currency: plan.currency.clone() },
            origin: line.period,
            kind,
            plan: plan.id.clone(),
            component: line.of.name(plan).to_owned(),
        }
    }

    /// The day before which events count for a payee, and whether that day is over.
    fn latest(&self, payee: &Payee) -> (Date, bool) {
        let until = self.calendar.periods()[self.open].range.to;
        let grace = days_long(self.part.plan.grace);
        let end = payee.left.map(|left| left.checked_add(grace).unwrap_or(Date::MAX));
        match end {
            Some(end) if end <= until => (end, true),
            _ => (until, false),
        }
    }

    /// What is payable of a line; the node when not all of it is.
    fn payable(&self, line: &Earning, shrunk: bool) -> (i128, Option<Node>) {
        let LineOf::Component(component) = line.of else { return (line.amount.minor_units, None) };
        let component = &self.part.plan.components[component];
        if component.releases.is_empty() {
            return (line.amount.minor_units, None);
        }
        let payee = &self.part.credited.payees[line.payee];
        let period = &self.calendar.periods()[line.period].name;
        let key = (payee.id.to_string(), period.clone(), component.name.clone());
        let mut earned = self.part.attributed.get(&key).cloned().unwrap_or_default();
        if shrunk {
            for (transaction, amount) in &mut earned {
                if let Some(unserved) = self.part.unserved.get(transaction) {
                    *amount = &*amount - &(&*amount * unserved);
                }
            }
            earned.retain(|(_, amount)| !amount.is_zero());
        }
        let due = Due {
            parts: component.releases.iter().map(|(_, event)| event.as_str()).zip(&line.releases).collect(),
            earned: &earned,
            rounding: self.part.plan.rounding,
            before: self.latest(payee).0,
        };
        let label = format!("{}, {period}", component.name);
        let (payable, node) = release(&label, &due, self.receipts, &line.amount.currency);
        (payable, (payable != line.amount.minor_units).then_some(node))
    }

    fn entitle(
        &self,
        line: &Earning,
        served: Option<&Earning>,
        all: &mut Entitlements,
    ) -> Result<(), Diagnostic> {
        let (mut payable, mut released) = self.payable(line, false);
        let earned = line.amount.minor_units;
        let mut held = earned - payable;
        if self.part.served.is_some() {
            held += self.clawback(served, Some(line), all)?;
        }
        let payee = &self.part.credited.payees[line.payee];
        let past = held != 0 && self.latest(payee).1;
        let currency = &line.amount.currency;
        let money = Unit::Money(currency.code().to_owned());
        let node = || {
            let label =
                format!("held when {} had left, past the grace of {} days", payee.id, self.part.plan.grace);
            Node::input(label, money.clone(), Rational::from_scaled(held, currency.decimals()))
        };
        // Only what the payee would get is forfeited. A rest below zero is what the payee owes: it becomes due.
        if past && held < 0 {
            payable += held;
            let label = format!("{}, payable", line.trace.label);
            let before = released.take().unwrap_or_else(|| line.trace.clone());
            let parts = vec![before, node()];
            released = Some(Node::computed(label, money.clone(), Operation::Sum, parts));
        }
        let amounts = Amounts { earned, payable };
        put(all, self.key(line, Kind::Earning), Entitled { amounts, trace: line.trace.clone(), released })?;
        if past && held > 0 {
            let zero = Node::input("nothing", money.clone(), Rational::zero());
            let node = node();
            let trace =
                Node::computed("forfeited", money.clone(), Operation::Difference, vec![zero.clone(), node]);
            let amounts = Amounts { earned: -held, payable: 0 };
            let released = Some(Node { label: "payable of it".to_owned(), ..zero });
            put(all, self.key(line, Kind::Forfeit), Entitled { amounts, trace, released })?;
        }
        Ok(())
    }

    /// What caps carry from period to period: each grows or shrinks it, and the last one of a year, or of the plan, ends it.
    fn carry(&self, earnings: &Earnings, all: &mut Entitlements) -> Result<(), Diagnostic> {
        let plan = self.part.plan;
        let carries = |line: &&Earning| match line.of {
            LineOf::Component(index) => plan.components[index].cap.as_ref().is_some_and(|cap| cap.carry),
            LineOf::Cap | LineOf::Guarantee => false,
        };
        let mut by_line: BTreeMap<(usize, LineOf), BTreeMap<usize, &Earning>> = BTreeMap::new();
        for line in earnings.lines.iter().filter(carries) {
            by_line.entry((line.payee, line.of)).or_default().insert(line.period, line);
        }
        let periods = self.calendar.periods();
        let ends = |period: usize| {
            periods.get(period + 1).is_none_or(|next| {
                next.year != periods[period].year || next.range.intersect(&plan.effective).is_none()
            })
        };
        for own in by_line.values() {
            let mut before = Rational::zero();
            let Some((first, line)) = own.first_key_value() else { continue };
            for period in *first..=self.open {
                let closing = match own.get(&period) {
                    _ if ends(period) => Rational::zero(),
                    Some(line) => line.carried.clone(),
                    None => before.clone(),
                };
                if closing != before {
                    self.carried(&Earning { period, ..(*line).clone() }, &closing, &before, all)?;
                }
                before = closing;
            }
        }
        Ok(())
    }

    fn carried(
        &self,
        line: &Earning,
        closing: &Rational,
        before: &Rational,
        all: &mut Entitlements,
    ) -> Result<(), Diagnostic> {
        let money = Unit::Money(line.amount.currency.code().to_owned());
        let node = |label: &str, value: &Rational| Node::input(label, money.clone(), value.clone());
        let parts = vec![node("carried to later periods", closing), node("carried before", before)];
        let key = self.key(line, Kind::Capped);
        let label =
            format!("over the cap of {}, {}", key.component, self.calendar.periods()[line.period].name);
        let trace = Node::computed(label, money.clone(), Operation::Difference, parts);
        let earned = Money::round(&trace.value, &line.amount.currency, Rounding::default());
        let earned = earned.map_or(0, |money| money.minor_units);
        let released = Some(node("payable of it", &Rational::zero()));
        put(all, key, Entitled { amounts: Amounts { earned, payable: 0 }, trace, released })
    }

    /// What cancelled transactions take from a line; returns what that changes of what is held. Either line may not exist:
    /// a cap that is no longer reached, a guarantee that is.
    fn clawback(
        &self,
        served: Option<&Earning>,
        line: Option<&Earning>,
        all: &mut Entitlements,
    ) -> Result<i128, Diagnostic> {
        let Some(some) = served.or(line) else { return Ok(0) };
        let money = Unit::Money(some.amount.currency.code().to_owned());
        let of = |line: Option<&Earning>, shrunk: bool, label: &str| {
            let (payable, released) = line.map_or((0, None), |line| self.payable(line, shrunk));
            let zero = Node::input("nothing", money.clone(), Rational::zero());
            let trace = line.map_or(zero, |line| line.trace.clone());
            let released = Node { label: label.to_owned(), ..released.unwrap_or_else(|| trace.clone()) };
            let trace = Node { label: label.to_owned(), ..trace };
            (line.map_or(0, |line| line.amount.minor_units), payable, trace, released)
        };
        let now = of(served, true, "with the part that was served");
        let before = of(line, false, "with all of it");
        let amounts = Amounts { earned: now.0 - before.0, payable: now.1 - before.1 };
        if amounts == Amounts::default() {
            return Ok(0);
        }
        let label = format!("clawback, {}", some.trace.label);
        let difference = |label: String, now: Node, before: Node| {
            Node::computed(label, money.clone(), Operation::Difference, vec![now, before])
        };
        let released = (amounts.payable != amounts.earned)
            .then(|| difference(format!("{label}, payable"), now.3, before.3));
        let trace = difference(label, now.2, before.2);
        put(all, self.key(some, Kind::Clawback), Entitled { amounts, trace, released })?;
        Ok(amounts.earned - amounts.payable)
    }
}

fn days_long(days: i64) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(days).unwrap_or(0) * 86_400)
}

/// What the plans say about balances in the open period. Two draws of one payee and currency at once are a fault.
pub fn terms(
    calendar: &Calendar,
    open: usize,
    parts: &[Part<'_>],
) -> Result<BTreeMap<Who, Terms>, Diagnostic> {
    let mut all: BTreeMap<Who, Terms> = BTreeMap::new();
    let mut floors: BTreeMap<Who, &str> = BTreeMap::new();
    let until = calendar.periods()[open].range.to;
    for part in parts {
        let who = |payee: &PayeeId| Who { payee: payee.clone(), currency: part.plan.currency.clone() };
        if let Some(clawback) = &part.plan.clawback {
            for payee in &part.credited.payees {
                let terms = all.entry(who(&payee.id)).or_default();
                terms.limit = terms.limit.clone().min(clawback.recovery.clone());
            }
        }
        // Somebody who goes on being in the plan can wait for the rest of it; of several plans the smallest amount counts.
        if let Some(minimum) = part.plan.minimum.as_ref().filter(|_| part.plan.effective.to > until) {
            let last = until.yesterday().unwrap_or(until);
            let goes_on = |payee: &&Payee| {
                let enrolled = payee.enrolled.as_ref();
                payee.left.is_none_or(|left| left > until)
                    && enrolled.is_none_or(|days| days.iter().any(|days| days.contains(last)))
            };
            let money = Unit::Money(part.plan.currency.code().to_owned());
            let node = Node::input("minimum payment, less is carried", money, minimum.amount.clone())
                .citing(&minimum.place);
            for payee in part.credited.payees.iter().filter(goes_on) {
                let terms = all.entry(who(&payee.id)).or_default();
                if terms.minimum.as_ref().is_none_or(|other| other.value > node.value) {
                    terms.minimum = Some(node.clone());
                }
            }
        }
        let Some(draw) = &part.plan.draw else { continue };
        for payee in part.credited.payees.iter().filter(|payee| payee.left.is_some_and(|left| left <= until))
        {
            // What a leaver owes is reported, not deducted (E38).
            all.entry(who(&payee.id)).or_default().recovery = Rational::zero();
        }
        // Whom the plan advanced something before and whom it has nothing for now: the plan ended, or it is another
        // one that the payee is in. It still says how fast its draw is recovered.
        let advanced = |fits: &dyn Fn(usize) -> bool| {
            let own = part.earnings.draws.iter().filter(|advance| fits(advance.period));
            own.map(|advance| advance.payee).collect::<BTreeSet<usize>>()
        };
        for payee in advanced(&|period| period < open).difference(&advanced(&|period| period == open)) {
            let terms = all.entry(who(&part.credited.payees[*payee].id)).or_default();
            terms.recovery = terms.recovery.clone().min(draw.recovery.clone());
        }
        for advance in part.earnings.draws.iter().filter(|advance| advance.period == open) {
            let payee = &part.credited.payees[advance.payee];
            let terms = all.entry(who(&payee.id)).or_default();
            if payee.left.is_none_or(|left| left > until) {
                let recovery = if advance.recovering { draw.recovery.clone() } else { Rational::zero() };
                terms.recovery = terms.recovery.clone().min(recovery);
            }
            if let Some(floor) = &advance.floor {
                if let Some(other) = floors.insert(who(&payee.id), &part.plan.id) {
                    let name = &calendar.periods()[open].name;
                    let message =
                        format!("{} has a draw in {other} and in {} in {name}", payee.id, part.plan.id);
                    let fault = Diagnostic::error(Code::SPM409, message);
                    let fault = fault.at(Place::Text(draw.place.clone()), "this one is the second");
                    return Err(fault.hint("end one of them, or let `eligible` exclude the other's people"));
                }
                terms.floor = Some(floor.clone());
            }
        }
    }
    Ok(all)
}

/// What the calculation of the periods up to one rests on, for causes of later changes.
pub struct Ground<'a> {
    /// The calendar.
    pub calendar: &'a Calendar,
    /// Goals by holder, name and period.
    pub quotas: &'a BTreeMap<(PayeeId, String, usize), Rational>,
    /// Cancelled transactions.
    pub cancellations: &'a BTreeMap<String, Date>,
    /// Identifier and hash of each plan.
    pub plans: &'a [(String, String)],
    /// How far events released transactions.
    pub receipts: &'a Receipts,
    /// The tables of the extracts.
    pub tables: &'a Tables,
}

/// The facts.
pub fn facts(ground: &Ground<'_>, parts: &[Part<'_>], through: usize) -> std::io::Result<Facts> {
    let mut facts = Facts::new();
    let mut put = |period: Option<usize>, kind, plan: &str, subject: &str, name: String, value: String| {
        if period <= Some(through) {
            let (plan, subject) = (plan.to_owned(), subject.to_owned());
            facts.insert(Fact { period, kind, plan, subject, name }, value);
        }
    };
    for (id, hash) in ground.plans {
        put(None, FactKind::Plan, "", id, String::new(), hash.clone());
    }
    for ((holder, name, period), amount) in ground.quotas {
        put(Some(*period), FactKind::Quota, "", holder.as_str(), name.clone(), amount.to_decimal_text());
    }
    for part in parts {
        for payee in &part.credited.payees {
            let mut about = |name: &str, value: String| {
                put(None, FactKind::Person, "", payee.id.as_str(), name.to_owned(), value);
            };
            payee.numbers.iter().for_each(|(name, value)| about(name, value.to_decimal_text()));
            payee.texts.iter().for_each(|(name, value)| about(name, value.clone()));
            payee.hired.iter().for_each(|day| about("hire_date", day.to_string()));
            payee.left.iter().for_each(|day| about("end_date", day.to_string()));
            if let Some(enrolled) = &payee.enrolled {
                let days: Vec<String> = enrolled.iter().map(ToString::to_string).collect();
                about(&format!("days in plan {}", part.plan.id), days.join(" "));
            }
            for version in &payee.versions {
                let days = version.days;
                let numbers = version.numbers.iter().map(|(name, value)| (name, value.to_decimal_text()));
                let texts = version.texts.iter().map(|(name, value)| (name, value.clone()));
                numbers.chain(texts).for_each(|(name, value)| about(&format!("{name} {days}"), value));
            }
            for (range, relief) in &payee.leaves {
                about(&format!("leave {range}"), relief.to_percent());
            }
        }
    }
    for part in parts {
        let own = credits(ground.calendar, &part.plan.id, &part.credited.credits)?;
        let texts = own.into_iter().map(|(fact, amount)| (fact, amount.to_decimal_text()));
        facts.extend(texts.filter(|(fact, _)| fact.period <= Some(through)));
    }
    facts.append(&mut cancellations(ground.cancellations));
    facts.append(&mut releases(ground, parts, through));
    facts.append(&mut splits(ground, &facts)?);
    facts.append(&mut rates(ground)?);
    Ok(facts)
}

/// How far each event had released the transactions of parts that wait for it, by the end of a period.
fn releases(ground: &Ground<'_>, parts: &[Part<'_>], through: usize) -> Facts {
    let waiting = parts.iter().flat_map(|part| part.attributed.values().flatten());
    let waiting: BTreeSet<&str> = waiting.map(|(transaction, _)| transaction.as_str()).collect();
    let before = ground.calendar.periods()[through].range.to;
    let known = ground.receipts.0.iter().filter(|((_, transaction), receipts)| {
        waiting.contains(transaction.as_str()) && receipts.iter().any(|(day, _)| *day < before)
    });
    let fact = |(event, transaction): &(String, String)| {
        let (plan, subject, name) = (String::new(), transaction.clone(), event.clone());
        let reached = ground.receipts.reached(event, transaction, before).to_percent();
        (Fact { period: None, kind: FactKind::Release, plan, subject, name }, reached)
    };
    known.map(|(key, _)| fact(key)).collect()
}

/// Exchange rates: from, to with period or day and type, rate.
fn rates(ground: &Ground<'_>) -> std::io::Result<Facts> {
    let Some(table) = ground.tables.get("rates") else { return Ok(Facts::new()) };
    let known = |name: &str| table.columns.iter().any(|column| column.name == name);
    let about: Vec<&str> = ["period", "date", "type"].into_iter().filter(|name| known(name)).collect();
    let mut facts = Facts::new();
    let rows = cells(table, ["from_currency", "to_currency", "rate"])?;
    let of: Vec<Vec<[String; 1]>> =
        about.iter().map(|name| cells(table, [*name])).collect::<std::io::Result<_>>()?;
    for (row, [from, to, rate]) in rows.into_iter().enumerate() {
        let mut name = to;
        for [text] in of.iter().map(|column| &column[row]).filter(|[text]| !text.is_empty()) {
            name += &format!(" {text}");
        }
        let fact = Fact { period: None, kind: FactKind::Rate, plan: String::new(), subject: from, name };
        facts.insert(fact, rate.parse().map_or(rate, |rate: Rational| rate.to_decimal_text()));
    }
    Ok(facts)
}

/// The splits of credited transactions.
fn splits(ground: &Ground<'_>, credited: &Facts) -> std::io::Result<Facts> {
    let Some(table) = ground.tables.get("splits") else { return Ok(Facts::new()) };
    let credited: BTreeSet<&str> = credited.keys().filter_map(Fact::transaction).collect();
    let of_line = |transaction: &str| {
        let line = format!("{transaction}/");
        credited.contains(transaction)
            || credited.range(line.as_str()..).next().is_some_and(|deal| deal.starts_with(&line))
    };
    let mut facts = Facts::new();
    for [transaction, person, share] in cells(table, ["transaction_id", "rep_id", "share"])? {
        if of_line(&transaction) {
            let fact = Fact {
                period: None,
                kind: FactKind::Split,
                plan: String::new(),
                subject: transaction,
                name: person,
            };
            let value: &mut String = facts.entry(fact).or_default();
            let share = share.parse().map_or(share, |share: Rational| share.to_percent());
            *value += &format!("{}{share}", if value.is_empty() { "" } else { " + " });
        }
    }
    Ok(facts)
}

/// The facts about cancelled transactions.
#[must_use]
pub fn cancellations(cancelled: &BTreeMap<String, Date>) -> Facts {
    let fact = |(transaction, day): (&String, &Date)| {
        let (kind, plan, name) = (FactKind::Cancellation, String::new(), String::new());
        (Fact { period: None, kind, plan, subject: transaction.clone(), name }, day.to_string())
    };
    cancelled.iter().map(fact).collect()
}

/// Credited amounts of a plan.
pub(super) fn credits(
    calendar: &Calendar,
    plan: &str,
    table: &Table,
) -> std::io::Result<BTreeMap<Fact, Rational>> {
    let mut sums = BTreeMap::new();
    let indices: BTreeMap<&str, usize> =
        calendar.periods().iter().enumerate().map(|(index, period)| (period.name.as_str(), index)).collect();
    let names = ["payee_id", "period", "credit", "transaction_id", "line_id", "amount"];
    for [payee, period, credit, transaction, line, amount] in cells(table, names)? {
        let Some(period) = indices.get(period.as_str()) else { continue };
        let deal = deal(&transaction, Some(line.as_str()).filter(|line| !line.is_empty()));
        let fact = Fact::credit(*period, plan, &payee, (&deal, &credit));
        let sum: &mut Rational = sums.entry(fact).or_default();
        *sum += &amount.parse().unwrap_or_default();
    }
    Ok(sums)
}

/// A transaction with its line, when it has one, as facts name it.
#[must_use]
pub fn deal(transaction: &str, line: Option<&str>) -> String {
    line.map_or_else(|| transaction.to_owned(), |line| format!("{transaction}/{line}"))
}
