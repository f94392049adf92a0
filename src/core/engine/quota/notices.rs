//! What the user of a plan should know although its quotas can be calculated (floor 2).

use super::allocation::{Allocation, Binding, Explanation};
use super::lay_out::SALESPERSON;
use super::planned::Question;
use super::problem::Problem;
use super::seat::Seat;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::period::{Date, days_between};
use crate::ground::rational::Rational;
use crate::ground::source::Place;
use crate::plan::quotas::Levels;

/// Warnings about the seats of a plan and what they got.
pub(super) fn notices(
    question: &Question<'_>,
    problem: &Problem,
    allocation: &Allocation,
) -> Vec<Diagnostic> {
    let all = [
        nothing(question, allocation),
        absent(question),
        unplaced(question),
        little(question, problem, allocation),
    ];
    all.into_iter().flatten().collect()
}

/// `A`, or `3 salespeople, such as A,`.
fn whom(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some((*one).to_owned()),
        [first, ..] => Some(format!("{} salespeople, such as {first},", names.len())),
    }
}

fn warning(question: &Question<'_>, code: Code, key: &str, message: String, hint: &str) -> Diagnostic {
    let place = Place::Text(question.plan.clause(key).clone());
    Diagnostic::warning(code, message).at(place, "").hint(hint)
}

/// Who is there and gets nothing.
fn nothing(question: &Question<'_>, allocation: &Allocation) -> Option<Diagnostic> {
    let plan = question.plan;
    if allocation.amounts.first() == Some(&0) {
        let (key, hint) = match (&plan.total, &plan.history) {
            (Some(_), _) => ("total", "state what the company has to reach"),
            (None, Some(_)) => (
                "history",
                "there is no history to grow from: look at its days and `where`, or state a `total`",
            ),
            (None, None) => ("bottom_up", "nobody can carry anything: look at `value`"),
        };
        let message = format!("plan `{}` shares a total of zero, so nobody gets a quota", plan.id);
        return Some(warning(question, Code::SPM421, key, message, hint));
    }
    let rows = allocation.holders.iter().zip(allocation.rows()).enumerate();
    let nothing = rows.filter(|(row, (placed, amounts))| {
        *placed.level == *SALESPERSON && amounts[0] == 0 && {
            let why = allocation.explain(*row);
            why.availability.is_positive() && !matches!(why.binding, Some(Binding::Lock))
        }
    });
    let names: Vec<&str> = nothing.map(|(_, (placed, _))| placed.holder.as_str()).collect();
    let message = format!("plan `{}` gives {} a quota of zero", question.plan.id, whom(&names)?);
    let hint = "no history, potential or weight: choose another method, state a `least`, or exclude them with `eligible`";
    Some(warning(question, Code::SPM421, "id", message, hint))
}

/// Who is not there in any period: who has a quota like everybody, where the plan does not look at dates, or none.
fn absent(question: &Question<'_>) -> Option<Diagnostic> {
    let plan = question.plan;
    let indices = plan.phasing.iter().filter_map(|phase| question.calendar.index_of(&phase.period));
    let ranges: Vec<_> = indices.map(|index| question.calendar.periods()[index].range).collect();
    let number = |date: Date| i32::try_from(days_between(Date::constant(1970, 1, 1), date)).ok();
    let (first, last) =
        (ranges.iter().map(|range| range.from).min()?, ranges.iter().map(|range| range.to).max()?);
    let (from, to) = (number(first)?, number(last)?);
    let away = |seat: &&Seat| {
        let (hired, left) = (seat.hired.unwrap_or(i32::MIN), seat.left.unwrap_or(i32::MAX));
        hired >= to || left <= from || left <= hired
    };
    let seats = question.seats.iter().filter(|seat| seat.line.is_none_or(|line| line == 0));
    let names: Vec<&str> = seats.filter(away).map(|seat| seat.id.as_str()).collect();
    let (what, hint) = match plan.by_time {
        true => ("without a quota", "correct hire_date or end_date, or exclude them with `eligible`"),
        false => {
            ("counted for all of the year", "state proration = \"time\", or exclude them with `eligible`")
        }
    };
    let message = format!(
        "no period of plan `{}` ({first} to {last}) has {} by hire_date and end_date: {what}",
        plan.id,
        whom(&names)?
    );
    Some(warning(question, Code::SPM424, "id", message, hint))
}

/// Who has no value for a level of the hierarchy.
fn unplaced(question: &Question<'_>) -> Option<Diagnostic> {
    let Levels::Columns(columns) = &question.plan.levels else { return None };
    let seats = question.seats.iter().filter(|seat| seat.line.is_none_or(|line| line == 0));
    let without: Vec<(&Seat, usize)> =
        seats.filter_map(|seat| Some((seat, seat.above.iter().position(Option::is_none)?))).collect();
    let names: Vec<&str> = without.iter().map(|(seat, _)| seat.id.as_str()).collect();
    let level = columns.get(without.first()?.1)?;
    let message = format!("{} has no {level} and is shared among those of `(none)`", whom(&names)?);
    Some(warning(
        question,
        Code::SPM424,
        "levels",
        message,
        "fill the column, or exclude them with `eligible`",
    ))
}

/// Whose quota changes by less than the plan wants to, because nobody else could take the rest.
fn little(question: &Question<'_>, problem: &Problem, allocation: &Allocation) -> Option<Diagnostic> {
    let least = question.plan.minimum_change.as_ref()?;
    let whys: Vec<Explanation<'_>> = allocation.explanations().collect();
    let little = whys.iter().filter(|why| {
        problem.holders[why.index].last_quota.as_ref().is_some_and(|last| {
            let change = (&why.amount - last).abs();
            // What stands is the last quota in the smallest amount.
            let kept = change < Rational::from_scaled(1, allocation.decimals);
            let lock = why.binding == Some(Binding::Lock);
            !kept && !lock && change < least * last
        })
    });
    let names: Vec<&str> = little.map(|why| why.holder.as_str()).collect();
    let message = format!(
        "the quota of {} changes by less than `minimum_change`: limits and locks leave nobody else to take the rest",
        whom(&names)?
    );
    let hint = "widen the limits around them, or lower `minimum_change`";
    Some(warning(question, Code::SPM425, "minimum_change", message, hint))
}
