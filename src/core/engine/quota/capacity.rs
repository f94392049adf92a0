//! What the heads there and to come can bring, beside what the company has to reach (C3.6, floor 2).

use super::Allocation;
use super::lay_out::{LaidOut, lay_out};
use super::planned::Question;
use super::problem::HolderId;
use super::seat::Seat;
use crate::ground::diagnostic::Diagnostic;
use crate::ground::period::Group as Grouping;
use crate::ground::rational::Rational;
use crate::plan::quotas::Capacity;

/// Heads and what they bring in one period, or in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The period; none for all together.
    pub period: Option<String>,
    /// Heads before the hires of the period.
    pub start: Rational,
    /// Heads that start in it.
    pub hires: Rational,
    /// Heads that leave in it, attrition included.
    pub leavers: Rational,
    /// Heads after that.
    pub end: Rational,
    /// Full heads: everybody, new ones by their ramp.
    pub full: Rational,
    /// Full heads x productivity x attainment, by the season.
    pub capacity: Rational,
    /// The company's quota.
    pub target: Rational,
    /// Full heads that the quota takes.
    pub needed: Rational,
}

impl Heads {
    /// How much more is asked than the heads can bring.
    #[must_use]
    pub fn gap(&self) -> Rational {
        &self.target - &self.capacity
    }
}

/// A period of the plan: where the plan names it, what it says, its season weight, and its index in the calendar.
struct Phase<'a> {
    position: usize,
    own: &'a crate::plan::quotas::Phase,
    weight: &'a Rational,
    period: usize,
}

/// People who came together.
struct Group {
    heads: Rational,
    /// What one of them carries in each period.
    carried: Vec<Rational>,
    /// First day, and first day after the last; always there when none.
    hired: Option<i32>,
    left: Option<i32>,
}

/// The salespeople of the plan, each from hire to end where the plan prorates by time; or so many heads as it states.
fn groups(question: &Question<'_>, capacity: &Capacity, laid_out: &LaidOut) -> Vec<Group> {
    let plan = question.plan;
    let always = vec![Rational::one(); laid_out.phasing.periods.len()];
    // Who sells several lines is one head.
    let seats = question.seats.iter().filter(|seat| seat.line.is_none_or(|line| line == 0));
    if let Some(heads) = &capacity.heads {
        return vec![Group { heads: heads.clone(), carried: always, hired: None, left: None }];
    }
    if !plan.by_time {
        let heads = Rational::from(i64::try_from(seats.count()).unwrap_or(i64::MAX));
        return vec![Group { heads, carried: always, hired: None, left: None }];
    }
    let (first, last) = laid_out.days.range();
    let there = seats.filter(|seat| {
        seat.hired.is_none_or(|hired| hired < last) && seat.left.is_none_or(|left| first < left)
    });
    let mut groups: Vec<Group> = there
        .map(|seat| Group {
            heads: Rational::one(),
            carried: laid_out.days.presence(seat, &plan.ramp).unwrap_or_else(|| always.clone()),
            hired: seat.hired,
            left: seat.left,
        })
        .collect();
    groups.sort_by_key(|group| group.hired);
    groups
}

/// Heads and capacity by period, then of all periods together.
///
/// With `proration = "time"` the salespeople of the plan count from hire to end, less ramp and leaves; otherwise, and for a
/// stated number of heads, all count always. Planned hires start on the first day of a period and ramp by the plan's table;
/// planned leavers go on the last day, the longest there first; attrition with them, from everybody who was there at the start alike: its yearly part times the period's part of
/// the days of the fiscal year. So is productivity: a plan of half a year takes half of it.
///
/// # Errors
/// The faults of the plan's layout.
pub fn capacity(
    question: &Question<'_>,
    capacity: &Capacity,
    allocation: &Allocation,
) -> Result<Vec<Heads>, Vec<Diagnostic>> {
    let laid_out = lay_out(question)?;
    let phasing = &laid_out.phasing;
    let periods = question.calendar.periods();
    let mut phases: Vec<Phase<'_>> = question
        .plan
        .phasing
        .iter()
        .zip(&phasing.periods)
        .enumerate()
        .filter_map(|(position, (own, (_, weight)))| {
            Some(Phase { position, own, weight, period: question.calendar.index_of(&own.period)? })
        })
        .collect();
    phases.sort_by_key(|phase| phase.period);
    // What part of its fiscal year a period is, by days.
    let part_of_year = |period: usize| {
        let year: i64 =
            question.calendar.group(period, Grouping::Year).map(|index| periods[index].range.days()).sum();
        Rational::from(periods[period].range.days()).checked_div(&Rational::from(year)).unwrap_or_default()
    };
    let years: Rational = phases.iter().map(|phase| part_of_year(phase.period)).sum();
    let seasons: Rational = phasing.periods.iter().map(|(_, weight)| weight).sum();
    let head = &(&capacity.productivity * &capacity.attainment) * &years;
    let company = HolderId::from(question.company);
    let mut groups = groups(question, capacity, &laid_out);
    let mut rows: Vec<Heads> = vec![];
    for phase in phases {
        let (from, to) = laid_out.days.period(phase.position);
        let came = |group: &Group| group.hired.is_none_or(|hired| hired < from);
        let start: Rational = groups.iter().filter(|group| came(group)).map(|group| &group.heads).sum();
        let attrition = &capacity.attrition * &part_of_year(phase.period);
        let staying = &Rational::one() - &attrition;
        // Who starts within the period, by date or by the plan.
        let known: Rational = groups
            .iter()
            .filter(|group| group.hired.is_some_and(|hired| from <= hired && hired < to))
            .map(|group| &group.heads)
            .sum();
        let hires = &known + &phase.own.hires;
        let mut full: Rational =
            groups.iter().map(|group| &group.heads * &group.carried[phase.position]).sum();
        for group in groups.iter_mut().filter(|group| came(group)) {
            group.heads = &group.heads * &staying;
        }
        if phase.own.hires.is_positive() {
            let seat = Seat { hired: Some(from), ..Seat::default() };
            let carried = laid_out.days.presence(&seat, &question.plan.ramp);
            let carried = carried.unwrap_or_else(|| vec![Rational::one(); phasing.periods.len()]);
            full += &(&phase.own.hires * &carried[phase.position]);
            groups.push(Group { heads: phase.own.hires.clone(), carried, hired: Some(from), left: None });
            groups.sort_by_key(|group| group.hired);
        }
        // Who leaves within the period, by date or by the plan: of the latter the longest there first.
        for group in groups.iter_mut().filter(|group| group.left.is_some_and(|left| left <= to)) {
            group.heads = Rational::zero();
        }
        let mut leaving = phase.own.leavers.clone();
        for group in groups.iter_mut().filter(|group| group.hired.is_none_or(|hired| hired < to)) {
            let gone = leaving.clone().min(group.heads.clone());
            group.heads = &group.heads - &gone;
            leaving = &leaving - &gone;
        }
        let there = |group: &&Group| group.hired.is_none_or(|hired| hired < to);
        let end: Rational = groups.iter().filter(there).map(|group| &group.heads).sum();
        let season = phase.weight.checked_div(&seasons).unwrap_or_default();
        let of_period = &head * &season;
        let quota = allocation.amount(&company, Some(&phase.own.period));
        let target = quota.map(|amount| Rational::from_scaled(amount.into(), allocation.decimals));
        let target = target.unwrap_or_default();
        rows.push(Heads {
            period: Some(phase.own.period.clone()),
            leavers: &(&start + &hires) - &end,
            hires,
            capacity: &full * &of_period,
            needed: target.checked_div(&of_period).unwrap_or_default(),
            start,
            end,
            full,
            target,
        });
    }
    let sum = |read: fn(&Heads) -> &Rational| rows.iter().map(read).sum::<Rational>();
    let (target, brought) = (sum(|row| &row.target), sum(|row| &row.capacity));
    let all = Heads {
        period: None,
        start: rows.first().map(|row| row.start.clone()).unwrap_or_default(),
        hires: sum(|row| &row.hires),
        leavers: sum(|row| &row.leavers),
        end: rows.last().map(|row| row.end.clone()).unwrap_or_default(),
        full: brought.checked_div(&head).unwrap_or_default(),
        capacity: brought,
        needed: target.checked_div(&head).unwrap_or_default(),
        target,
    };
    rows.push(all);
    Ok(rows)
}
