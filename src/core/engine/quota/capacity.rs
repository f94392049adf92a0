//! What the heads there and to come can bring, beside what the company has to reach (C3.6, floor 2).

use super::Allocation;
use super::planned::{Question, lay_out};
use super::problem::HolderId;
use super::seat::Seat;
use crate::ground::diagnostic::Diagnostic;
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

/// Heads and capacity by period, then of all periods together.
///
/// Hires start on the first day of a period and ramp by the plan's table; leavers go on the last day, attrition with them:
/// its yearly part times the period's part of the days, of the heads at the start.
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
    let seasons: Rational = phasing.periods.iter().map(|(_, weight)| weight).sum();
    let counted = laid_out.days.counted();
    let all_days: Rational = counted.iter().sum();
    let head = &capacity.productivity * &capacity.attainment;
    let company = HolderId::from(question.company);
    let mut heads = capacity
        .heads
        .clone()
        .unwrap_or_else(|| Rational::from(i64::try_from(question.seats.len()).unwrap_or(i64::MAX)));
    // What each group of hires carries in each period.
    let mut cohorts: Vec<(Rational, Vec<Rational>)> = vec![];
    let mut rows: Vec<Heads> = vec![];
    let mut veterans = heads.clone();
    for (index, (phase, (name, weight))) in question.plan.phasing.iter().zip(&phasing.periods).enumerate() {
        let start = heads.clone();
        if phase.hires.is_positive() {
            let first = laid_out.days.first_day(index);
            let seat = Seat { hired: Some(first), ..Seat::default() };
            let ramped = laid_out.days.presence(&seat, &question.plan.ramp);
            let ramped = ramped.unwrap_or_else(|| vec![Rational::one(); counted.len()]);
            cohorts.push((phase.hires.clone(), ramped));
        }
        let new: Rational = cohorts.iter().map(|(heads, ramped)| heads * &ramped[index]).sum();
        let full = &veterans + &new;
        let part = counted[index].checked_div(&all_days).unwrap_or_default();
        let attrition = &(&start * &capacity.attrition) * &part;
        let leavers = &phase.leavers + &attrition;
        let end = &(&start + &phase.hires) - &leavers;
        let season = weight.checked_div(&seasons).unwrap_or_default();
        let of_period = &head * &season;
        let quota = allocation.quota(&company, Some(name));
        let target = quota.map(|quota| Rational::from_scaled(quota.amount_minor, allocation.decimals));
        let target = target.unwrap_or_default();
        rows.push(Heads {
            period: Some(name.clone()),
            start,
            hires: phase.hires.clone(),
            capacity: &full * &of_period,
            needed: target.checked_div(&of_period).unwrap_or_default(),
            leavers: leavers.clone(),
            end: end.clone(),
            full,
            target,
        });
        veterans = &veterans - &leavers;
        heads = end;
    }
    let sum = |read: fn(&Heads) -> &Rational| rows.iter().map(read).sum::<Rational>();
    let (target, brought) = (sum(|row| &row.target), sum(|row| &row.capacity));
    let all = Heads {
        period: None,
        start: rows.first().map(|row| row.start.clone()).unwrap_or_default(),
        hires: sum(|row| &row.hires),
        leavers: sum(|row| &row.leavers),
        end: heads,
        full: brought.checked_div(&head).unwrap_or_default(),
        capacity: brought,
        needed: target.checked_div(&head).unwrap_or_default(),
        target,
    };
    rows.push(all);
    Ok(rows)
}
