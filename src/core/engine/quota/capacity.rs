//! What the heads there and to come can bring, beside what the company has to reach (C3.6, floor 2).

use super::Allocation;
use super::lay_out::lay_out;
use super::planned::Question;
use super::problem::HolderId;
use super::seat::Seat;
use crate::ground::diagnostic::Diagnostic;
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::plan::quotas::Capacity;

/// Heads and what they bring in one period, or in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The period; none for all together.
    pub period: Option<String>,
    /// Heads before the hires of the period.
    pub start: Rational,
    /// Heads that start on its first day.
    pub hires: Rational,
    /// Heads that leave on its last day, attrition included.
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

/// Heads and capacity by period, then of all periods together.
///
/// Hires start on the first day of a period and ramp by the plan's table; leavers go on the last day, the longest there
/// first; attrition with them, from everybody who was there at the start alike: its yearly part times the period's part of
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
            question.calendar.group(period, Group::Year).map(|index| periods[index].range.days()).sum();
        Rational::from(periods[period].range.days()).checked_div(&Rational::from(year)).unwrap_or_default()
    };
    let years: Rational = phases.iter().map(|phase| part_of_year(phase.period)).sum();
    let seasons: Rational = phasing.periods.iter().map(|(_, weight)| weight).sum();
    let head = &(&capacity.productivity * &capacity.attainment) * &years;
    let company = HolderId::from(question.company);
    // Who sells several lines is one head.
    let there = question.seats.iter().filter(|seat| seat.line.is_none_or(|line| line == 0)).count();
    let there = || Rational::from(i64::try_from(there).unwrap_or(i64::MAX));
    // Who came together, the longest there first: heads, and what one of them carries in each period.
    let always = vec![Rational::one(); phasing.periods.len()];
    let mut groups: Vec<(Rational, Vec<Rational>)> =
        vec![(capacity.heads.clone().unwrap_or_else(there), always.clone())];
    let mut rows: Vec<Heads> = vec![];
    for phase in phases {
        let start: Rational = groups.iter().map(|(heads, _)| heads).sum();
        let attrition = &capacity.attrition * &part_of_year(phase.period);
        let staying = &Rational::one() - &attrition;
        let veterans = groups.len();
        if phase.own.hires.is_positive() {
            let seat = Seat { hired: Some(laid_out.days.first_day(phase.position)), ..Seat::default() };
            let ramped = laid_out.days.presence(&seat, &question.plan.ramp).unwrap_or_else(|| always.clone());
            groups.push((phase.own.hires.clone(), ramped));
        }
        let full: Rational = groups.iter().map(|(heads, carried)| heads * &carried[phase.position]).sum();
        for (heads, _) in &mut groups[..veterans] {
            *heads = &*heads * &staying;
        }
        let mut leaving = phase.own.leavers.clone();
        for (heads, _) in &mut groups {
            let gone = leaving.clone().min(heads.clone());
            *heads = &*heads - &gone;
            leaving = &leaving - &gone;
        }
        let end: Rational = groups.iter().map(|(heads, _)| heads).sum();
        let season = phase.weight.checked_div(&seasons).unwrap_or_default();
        let of_period = &head * &season;
        let quota = allocation.amount(&company, Some(&phase.own.period));
        let target = quota.map(|amount| Rational::from_scaled(amount, allocation.decimals));
        let target = target.unwrap_or_default();
        rows.push(Heads {
            period: Some(phase.own.period.clone()),
            hires: phase.own.hires.clone(),
            leavers: &(&start + &phase.own.hires) - &end,
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
