//! The hierarchy of a quota plan with its limits and measures, before a total and a method are put to it (floor 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::carry::{counted_days, season_weights};
use super::hierarchy::availability;
use super::planned::Question;
use super::problem::{Clause, Holder, HolderId, Phasing};
use super::seat::{Days, Seat};
use super::sheet::{Held, published};
use crate::ground::diagnostic::{Code, Diagnostic, suggestion};
use crate::ground::period::{Calendar, DateRange};
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::source::{Place, TextPlace};
use crate::plan::quotas::{self as plan, Levels, Line, Phase, QuotaPlan, Season};

/// Level of the root of every plan's hierarchy.
pub const COMPANY: &str = "company";
/// Level of the lines of a plan that has some: product lines below the company.
pub const LINE: &str = "line";
/// Level of the seats.
pub const SALESPERSON: &str = "salesperson";
/// Level of holders above seats when the hierarchy is that of managers.
pub const MANAGER: &str = "manager";

/// Ends the holder name of the own quota of somebody who leads others as well.
const OWN: &str = crate::plan::contract::OWN_QUOTA;

/// The person whose quota a salesperson's holder has.
#[must_use]
pub fn person(holder: &str) -> &str {
    holder.strip_suffix(OWN).unwrap_or(holder)
}

/// Days of the past that each phase of a plan is like, for a season from history.
///
/// # Errors
/// Names that the calendar does not have.
pub fn season_days(plan: &QuotaPlan, calendar: &Calendar) -> Result<Vec<Vec<DateRange>>, Vec<Diagnostic>> {
    if plan.season != Season::History {
        return Ok(vec![]);
    }
    let mut faults = vec![];
    let mut of_phase = |phase: &Phase| {
        let mut days = vec![];
        for name in &phase.like {
            match calendar.resolve(name) {
                Ok(found) => days.extend(found.map(|index| calendar.periods()[index].range)),
                Err(error) => faults.push(no_period(error.0, name, &phase.place, calendar)),
            }
        }
        days
    };
    let days = plan.phasing.iter().map(&mut of_phase).collect();
    if faults.is_empty() { Ok(days) } else { Err(faults) }
}

/// Names of the holders of a plan, as they are published.
///
/// # Errors
/// What does not fit the calendar or the seats: periods, and holders that the plan names. Where nobody is there yet, such
/// as before territories are drawn, holders cannot be missed.
pub fn check(question: &Question<'_>) -> Result<Vec<String>, Vec<Diagnostic>> {
    let plan = question.plan;
    let mut faults = season_days(plan, question.calendar).err().unwrap_or_default();
    if question.seats.is_empty() {
        plan.phasing.iter().for_each(|phase| {
            period(phase, question.calendar, &mut faults);
        });
        return if faults.is_empty() { Ok(vec![]) } else { Err(faults) };
    }
    match lay_out(question) {
        Ok(laid_out) if faults.is_empty() => {
            let name = |holder: &Holder| {
                let parent = holder.parent.as_ref().map(HolderId::as_str);
                let held = Held { holder: holder.id.as_str(), level: &holder.level, parent };
                published(plan, question.company, held).1.holder.to_owned()
            };
            Ok(laid_out.holders.iter().map(name).collect())
        }
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// A plan's hierarchy with limits and measures, before a total and a method are put to it.
pub(super) struct LaidOut {
    pub(super) holders: Vec<Holder>,
    pub(super) phasing: Phasing,
    /// The days of the periods that count.
    pub(super) days: Days,
    /// What each seat can carry in the periods, by holder.
    pub(super) bottom_up: BTreeMap<HolderId, Rational>,
    /// What the user should know of limits.
    pub(super) notices: Vec<Diagnostic>,
}

/// Holders and periods of a plan.
pub(super) fn lay_out(question: &Question<'_>) -> Result<LaidOut, Vec<Diagnostic>> {
    let plan = question.plan;
    let mut faults = vec![];
    if question.seats.is_empty() {
        let message = format!("nobody gets a quota of plan `{}`", plan.id);
        let fault =
            Diagnostic::error(Code::SPM404, message).at(Place::Text(plan.clause("eligible").clone()), "");
        faults.push(fault.hint("widen `eligible`, or correct the table reps"));
    }
    let ranges: Vec<DateRange> =
        plan.phasing.iter().filter_map(|phase| period(phase, question.calendar, &mut faults)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let days = counted_days(Some(plan), &ranges);
    let weights = season_weights(plan, &days, question.sold);
    let names = plan.phasing.iter().map(|phase| phase.period.clone());
    let phasing = Phasing { unit: plan.unit.clone(), periods: names.zip(weights).collect() };
    let mut placing = Placing::new(question, &days, &phasing);
    for seat in question.seats {
        placing.seat(seat, &mut faults);
    }
    let Placing { mut holders, bottom_up, .. } = placing;
    stated(plan, &mut holders, &mut faults);
    let notices = single(plan, &mut holders, &mut faults);
    if faults.is_empty() { Ok(LaidOut { days, holders, phasing, bottom_up, notices }) } else { Err(faults) }
}

/// Days of a phase, or a fault.
fn period(phase: &Phase, calendar: &Calendar, faults: &mut Vec<Diagnostic>) -> Option<DateRange> {
    let index = calendar.index_of(&phase.period);
    if index.is_none() {
        let message = format!("the calendar has no period {:?}", phase.period);
        faults.push(no_period(message, &phase.period, &phase.place, calendar));
    }
    index.map(|index| calendar.periods()[index].range)
}

fn no_period(message: String, name: &str, place: &TextPlace, calendar: &Calendar) -> Diagnostic {
    let names: Vec<&str> = calendar.periods().iter().map(|period| period.name.as_str()).collect();
    let fault = Diagnostic::error(Code::SPM012, message).at(Place::Text(place.clone()), "");
    fault.hint(match suggestion(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the calendar runs from {} to {}", names[0], names[names.len() - 1]),
    })
}

/// Decimals of the smallest amount of a plan.
pub(super) fn decimals(question: &Question<'_>) -> u32 {
    question.plan.decimals.unwrap_or_else(|| question.currency.decimals())
}

/// Puts seats into the hierarchy: the company, the lines, one holder for each path of level values or manager, and the
/// seats. A holder of a level is named after its path, because one territory name may occur in two groups; a manager by
/// identifier. Whatever is below a line has the line in front of its name.
struct Placing<'a> {
    question: &'a Question<'a>,
    days: &'a Days,
    phasing: &'a Phasing,
    /// Persons who lead others.
    managers: BTreeSet<&'a str>,
    holders: Vec<Holder>,
    bottom_up: BTreeMap<HolderId, Rational>,
    /// Position of the holders above seats, by the position of their parent and their name.
    above: BTreeMap<(usize, &'a str), usize>,
    /// Position of the holder above a seat, by where its path begins and where the path is held.
    paths: BTreeMap<(usize, *const Option<String>), usize>,
    /// Position of every holder above seats, by identifier.
    ids: BTreeMap<HolderId, usize>,
    /// Position of each line.
    lines: Vec<usize>,
    /// Names of levels: lines, columns, managers, seats.
    levels: Levelled,
    /// Where the plan limits seats.
    clauses: Clauses,
    /// The days of the history, when who was there for a part of them counts as if for all.
    past: Option<Days>,
}

struct Levelled {
    columns: Vec<Arc<str>>,
    manager: Arc<str>,
    salesperson: Arc<str>,
}

/// The clauses that limit seats, each held once.
struct Clauses {
    floor: Arc<Clause>,
    cap: Arc<Clause>,
    hold_harmless: Arc<Clause>,
    least: Arc<Clause>,
    most: Arc<Clause>,
}

impl<'a> Placing<'a> {
    fn new(question: &'a Question<'a>, days: &'a Days, phasing: &'a Phasing) -> Self {
        let plan = question.plan;
        let (managers, columns) = match &plan.levels {
            Levels::Managers(_) => {
                let above = question.seats.iter().flat_map(|seat| seat.above.iter());
                (above.flatten().map(String::as_str).collect(), vec![])
            }
            Levels::Columns(columns) => {
                (BTreeSet::new(), columns.iter().map(|column| column.as_str().into()).collect())
            }
        };
        let clause = |key| Arc::new(Clause { key, place: plan.clause(key).clone() });
        // Room for the seats and some above them: holders are large, and many are moved when a list of them grows.
        let mut holders = Vec::with_capacity(question.seats.len() + question.seats.len() / 8 + 8);
        holders.push(Holder::new(question.company, COMPANY, None));
        let mut placing = Self {
            question,
            days,
            phasing,
            managers,
            holders,
            bottom_up: BTreeMap::new(),
            above: BTreeMap::new(),
            paths: BTreeMap::new(),
            ids: BTreeMap::new(),
            lines: vec![],
            levels: Levelled { columns, manager: MANAGER.into(), salesperson: SALESPERSON.into() },
            clauses: Clauses {
                floor: clause("floor"),
                cap: clause("cap"),
                hold_harmless: clause("hold_harmless"),
                least: clause("least"),
                most: clause("most"),
            },
            past: plan
                .sold()
                .filter(|sold| sold.annualised)
                .map(|sold| Days::of(std::slice::from_ref(&sold.days), |_| true)),
        };
        for (place, line) in plan.lines.iter().enumerate() {
            // A line that sold nothing in these periods follows the season of all.
            let sold = question.sold_of_lines.get(place).map(Vec::as_slice).unwrap_or_default();
            let season = if line.season.is_empty() { sold } else { &line.season };
            let season = if season.iter().any(Rational::is_positive) { Some(season.into()) } else { None };
            placing.line(line, season);
        }
        placing
    }

    /// A line below the company, with its own total, growth and season.
    fn line(&mut self, line: &'a Line, season: Option<Arc<[Rational]>>) {
        let mut holder = Holder::new(&line.name, LINE, Some(self.question.company));
        holder.season = season;
        let clause = |place: &TextPlace| Some(Arc::new(Clause { key: "total", place: place.clone() }));
        if let Some((total, place)) = &line.total {
            holder.locked = Some(total.clone());
            holder.clauses.locked = clause(place);
        }
        holder.growth.clone_from(&line.growth);
        self.lines.push(self.holders.len());
        self.ids.insert(holder.id.clone(), self.holders.len());
        self.holders.push(holder);
    }

    /// The position of a holder above seats, made when it is not there yet.
    fn holder_above(
        &mut self,
        parent: usize,
        name: &'a str,
        depth: usize,
        line: Option<&Line>,
        faults: &mut Vec<Diagnostic>,
    ) -> usize {
        if let Some(position) = self.above.get(&(parent, name)) {
            return *position;
        }
        let company = self.holders[parent].parent.is_none();
        let (level, id) = match &self.question.plan.levels {
            Levels::Columns(_) => {
                let id =
                    if company { name.to_owned() } else { format!("{} / {name}", self.holders[parent].id) };
                (self.levels.columns[depth].clone(), id)
            }
            Levels::Managers(_) => (self.levels.manager.clone(), in_line(line, name)),
        };
        let id = HolderId::from(id.as_str());
        let position = match self.ids.get(&id) {
            None => {
                let Holder { id: above, season, .. } = &self.holders[parent];
                let (parent, season) = (Some(above.clone()), season.clone());
                self.ids.insert(id.clone(), self.holders.len());
                self.holders.push(Holder { level, parent, season, ..Holder::of(id) });
                self.holders.len() - 1
            }
            Some(other) => {
                let (here, there) = (&self.holders[parent].id, &self.holders[*other]);
                if there.parent.as_ref() != Some(here) || there.level != level {
                    let above = there.parent.as_ref().map_or("", HolderId::as_str);
                    let message = format!(
                        "{id} would be the name of a {level} in {here} and of a {} in {above}",
                        there.level
                    );
                    let fault = Diagnostic::error(Code::SPM009, message)
                        .at(Place::Text(self.question.plan.clause("levels").clone()), "");
                    faults.push(fault.hint(
                        "rename one of the two in the table reps; a slash in a name is the usual cause",
                    ));
                }
                *other
            }
        };
        self.above.insert((parent, name), position);
        position
    }

    /// What a seat sold, as if it had been there in all days of the history where the plan says so.
    fn history(&self, seat: &Seat) -> Option<Rational> {
        let part = self.past.as_ref().and_then(|days| days.presence(seat, &[])?.into_iter().next());
        let whole = part.and_then(|part| seat.history.as_ref()?.checked_div(&part));
        whole.or_else(|| seat.history.clone())
    }

    fn seat(&mut self, seat: &'a Seat, faults: &mut Vec<Diagnostic>) {
        let plan = self.question.plan;
        let line = seat.line.and_then(|line| plan.lines.get(line));
        let top = seat.line.and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        let path = (top, seat.above.as_ptr());
        let mut parent = match self.paths.get(&path) {
            Some(parent) => *parent,
            None => {
                let mut parent = top;
                for (depth, value) in seat.above.iter().enumerate() {
                    let name = value.as_deref().unwrap_or("(none)");
                    parent = self.holder_above(parent, name, depth, line, faults);
                }
                self.paths.insert(path, parent);
                parent
            }
        };
        // Who leads others and sells has two quotas: that of the team, under the own name, and one of their own in it.
        let id = if self.managers.contains(seat.id.as_str()) {
            let team = HolderId::from(in_line(line, &seat.id).as_str());
            parent = match self.ids.get(&team) {
                Some(position) => *position,
                None => self.holder_above(parent, &seat.id, 0, line, faults),
            };
            in_line(line, &format!("{}{OWN}", seat.id))
        } else {
            in_line(line, &seat.id)
        };
        let presence = if plan.by_time { self.days.presence(seat, &plan.ramp) } else { None };
        let Holder { id: above, season, .. } = &self.holders[parent];
        let part = availability(self.phasing, season.as_deref(), presence.as_deref());
        let mut holder = Holder {
            level: self.levels.salesperson.clone(),
            parent: Some(above.clone()),
            season: season.clone(),
            ..Holder::of(HolderId::from(id.as_str()))
        };
        holder.history = self.history(seat);
        self.limit(seat, &part, &mut holder);
        holder.potential.clone_from(&seat.potential);
        holder.last_quota.clone_from(&seat.last_quota);
        if matches!(plan.method, plan::Method::Weight(_)) {
            let weight = seat.weight.clone().unwrap_or_default();
            holder.weight = Some(&weight * &part);
            holder.full_weight = Some(weight);
        }
        if let Some(own) = &seat.bottom_up {
            self.bottom_up.insert(holder.id.clone(), own * &part);
        }
        holder.there = presence.is_some().then(|| self.days.why(seat, &plan.ramp).into());
        holder.presence = presence;
        self.holders.push(holder);
    }

    /// Floor and cap of a seat, each with the clause that sets it; the tightest counts, the first among equals.
    fn limit(&self, seat: &Seat, part: &Rational, holder: &mut Holder) {
        let (plan, decimals) = (self.question.plan, decimals(self.question));
        let shares = [&plan.floor, &plan.cap, &plan.hold_harmless];
        if shares.iter().all(|share| share.is_none()) && seat.least.is_none() && seat.most.is_none() {
            return;
        }
        // A limit between two cents becomes the nearest cent: limits are shares of history, not promises of fractions.
        let limit = |amount: &Rational| {
            let units = round_to_decimals(&(amount * part), decimals, Rounding::default())?;
            Some(Rational::from_scaled(units, decimals))
        };
        let of_history = |share: &Option<Rational>| {
            Some(share.as_ref()? * holder.history.as_ref().unwrap_or(&Rational::zero()))
        };
        let kept = |fall: &Rational| (&Rational::one() - fall) * seat.last_quota.clone().unwrap_or_default();
        // Without history there is nothing that a cap could be a share of.
        let sold = holder.history.as_ref().is_some_and(Rational::is_positive);
        let floors = [
            (of_history(&plan.floor), &self.clauses.floor),
            (plan.hold_harmless.as_ref().map(kept), &self.clauses.hold_harmless),
            (seat.least.clone(), &self.clauses.least),
        ];
        let caps = [
            (of_history(&plan.cap).filter(|_| sold), &self.clauses.cap),
            (seat.most.clone(), &self.clauses.most),
        ];
        let stated = |(amount, clause): (Option<Rational>, _)| Some((amount?, clause));
        let mut floor: Option<(Rational, &Arc<Clause>)> = None;
        for (amount, clause) in floors.into_iter().filter_map(stated) {
            if floor.as_ref().is_none_or(|(other, _)| amount > *other) {
                floor = Some((amount, clause));
            }
        }
        let mut cap: Option<(Rational, &Arc<Clause>)> = None;
        for (amount, clause) in caps.into_iter().filter_map(stated) {
            if cap.as_ref().is_none_or(|(other, _)| amount < *other) {
                cap = Some((amount, clause));
            }
        }
        holder.floor = floor.as_ref().and_then(|(amount, _)| limit(amount));
        holder.clauses.floor = floor.map(|(_, clause)| clause.clone());
        holder.cap = cap.as_ref().and_then(|(amount, _)| limit(amount));
        holder.clauses.cap = cap.map(|(_, clause)| clause.clone());
    }
}

/// A name below a line has the line in front.
fn in_line(line: Option<&Line>, name: &str) -> String {
    line.map_or_else(|| name.to_owned(), |line| format!("{} / {name}", line.name))
}

/// What the plan states of holders by name: growth and over-assignment.
fn stated(plan: &QuotaPlan, holders: &mut [Holder], faults: &mut Vec<Diagnostic>) {
    for (name, growth, place) in &plan.growth_of {
        if let Some(holder) = named(holders, name, place, faults) {
            holder.growth = Some(growth.clone());
        }
    }
    for (name, _, place) in &plan.over_assignment_of {
        let holder = named(holders, name, place, faults);
        if holder.is_some_and(|holder| *holder.level == *SALESPERSON) {
            let message = format!("{name} is a salesperson and gives nothing out");
            let fault = Diagnostic::error(Code::SPM110, message).at(Place::Text(place.clone()), "");
            faults.push(fault.hint("name a holder above salespeople"));
        }
    }
}

/// Limits and locks of single holders, with a warning wherever a limit of everybody gives way to one of them.
fn single(plan: &QuotaPlan, holders: &mut [Holder], faults: &mut Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut notices = vec![];
    for limit in &plan.limits {
        let Some(holder) = named(holders, &limit.holder, &limit.place, &mut vec![]) else { continue };
        if let Some(least) = &limit.least {
            notices.extend(give_way(holder, &limit.place, "has at least", least, false));
        }
        if let Some(most) = &limit.most {
            notices.extend(give_way(holder, &limit.place, "has at most", most, true));
        }
    }
    for lock in &plan.locks {
        let Some(holder) = named(holders, &lock.holder, &lock.place, &mut vec![]) else { continue };
        for floor in [false, true] {
            notices.extend(give_way(holder, &lock.place, "is locked at", &lock.amount, floor));
        }
    }
    for limit in &plan.limits {
        let Some(holder) = named(holders, &limit.holder, &limit.place, faults) else { continue };
        let clause = || Some(Arc::new(Clause { key: "limit", place: limit.place.clone() }));
        // The tightest counts, the first among equals.
        if let Some(least) =
            limit.least.as_ref().filter(|least| holder.floor.as_ref().is_none_or(|own| own < *least))
        {
            (holder.floor, holder.clauses.floor) = (Some(least.clone()), clause());
        }
        if let Some(most) =
            limit.most.as_ref().filter(|most| holder.cap.as_ref().is_none_or(|own| own > *most))
        {
            (holder.cap, holder.clauses.cap) = (Some(most.clone()), clause());
        }
        if limit.note.is_some() {
            holder.note.clone_from(&limit.note);
        }
    }
    for lock in &plan.locks {
        if let Some(holder) = named(holders, &lock.holder, &lock.place, faults) {
            let clause = Arc::new(Clause { key: "lock", place: lock.place.clone() });
            if holder.locked.replace(lock.amount.clone()).is_some() {
                let message = format!("{} is locked twice", lock.holder);
                let mut fault =
                    Diagnostic::error(Code::SPM009, message).at(Place::Text(lock.place.clone()), "again");
                if let Some(first) = &holder.clauses.locked {
                    fault = fault.at(Place::Text(first.place.clone()), "first");
                }
                faults.push(fault.hint("keep one of the two"));
            }
            holder.clauses.locked = Some(clause);
            holder.note.clone_from(&lock.note);
        }
    }
    notices
}

/// Brings the floor, or the cap, that everybody has to what is said of one holder: what is said of one wins.
fn give_way(
    holder: &mut Holder,
    place: &TextPlace,
    says: &str,
    amount: &Rational,
    floor: bool,
) -> Option<Diagnostic> {
    let (limit, clause) = match floor {
        true => (&mut holder.floor, &holder.clauses.floor),
        false => (&mut holder.cap, &holder.clauses.cap),
    };
    let clause = clause.as_ref()?;
    let stated = limit.as_ref().filter(|own| if floor { amount < *own } else { amount > *own })?;
    let (side, word) = if floor { ("below", "floor") } else { ("above", "cap") };
    let message = format!(
        "{} {says} {}, {side} the {word} of {} by `{}`: what is said of one holder counts",
        holder.id,
        amount.to_decimal_text(),
        stated.to_decimal_text(),
        clause.key
    );
    *limit = Some(amount.clone());
    let fault = Diagnostic::warning(Code::SPM427, message).at(Place::Text(place.clone()), "of one holder");
    let fault = fault.at(Place::Text(clause.place.clone()), "of everybody");
    Some(fault.hint("nothing, if it is an exception that is meant"))
}

/// The holder that a plan names.
fn named<'h>(
    holders: &'h mut [Holder],
    name: &str,
    place: &TextPlace,
    faults: &mut Vec<Diagnostic>,
) -> Option<&'h mut Holder> {
    let found = holders.iter().position(|holder| holder.id.as_str() == name);
    if found.is_none() {
        let fault = Diagnostic::error(Code::SPM010, format!("no holder of a quota is named `{name}`"))
            .at(Place::Text(place.clone()), "");
        faults.push(fault.hint(match suggestion(name, holders.iter().map(|holder| holder.id.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "name a salesperson, or a holder above as quotas.parquet does: `group / territory`".to_owned()
            }
        }));
    }
    found.map(|position| &mut holders[position])
}
