//! Which part of an earning each credit brought in: credits in event order climb the curve of the component (E7), and
//! the parts, in whole minor units, add up to the earning.

use super::figures::Standing;
use super::problem::{Problem, Teams};
use super::{Earning, LineOf};
use crate::ground::rational::Rational;
use crate::ground::round::round_parts;
use crate::ground::trace::Unit;
use crate::plan::comp::{Aggregate, Base, Component, Pay, Schedule, TierMode, Window};

/// Shares the earnings of a plan out among credits.
pub struct Attribution<'a> {
    problem: &'a Problem<'a>,
    teams: Teams,
}

/// A payout that is a line between bounds: where each piece starts and its slope.
struct Pieces(Vec<(Rational, Rational)>);

impl Pieces {
    /// The height at `x`; the first piece has no lower end.
    fn at(&self, x: &Rational) -> Rational {
        let mut height = Rational::zero();
        for (index, (from, slope)) in self.0.iter().enumerate() {
            if index > 0 && x <= from {
                break;
            }
            let to = match self.0.get(index + 1) {
                Some((next, _)) if next < x => next,
                _ => x,
            };
            let from = if index == 0 { Rational::zero() } else { from.clone() };
            height += &(&(to - &from) * slope);
        }
        height
    }
}

impl<'a> Attribution<'a> {
    /// For the earnings of a problem.
    #[must_use]
    pub fn new(problem: &'a Problem<'a>) -> Self {
        Self { problem, teams: Teams::of(problem) }
    }

    /// The part of an earning that each credit of its payee and period brought in, in minor units; `amounts` are the
    /// credited amounts in event order. Where the payout is no line between bounds, parts are in proportion to amounts.
    #[must_use]
    pub fn parts(&self, line: &Earning, amounts: &[Rational]) -> Vec<i128> {
        let total = line.amount.minor_units;
        if total == 0 || amounts.is_empty() {
            return vec![0; amounts.len()];
        }
        let climbed = self.climbed(line, amounts);
        let sum = |values: &[Rational]| values.iter().sum::<Rational>();
        let usable = |values: &Vec<Rational>| !sum(values).is_zero();
        let weights = climbed
            .filter(usable)
            .or_else(|| Some(amounts.to_vec()).filter(usable))
            .unwrap_or_else(|| vec![Rational::one(); amounts.len()]);
        let whole = sum(&weights);
        let unit = &Rational::from(total) / &whole;
        let exact: Vec<Rational> = weights.iter().map(|weight| weight * &unit).collect();
        round_parts(total, &exact).unwrap_or_else(|| vec![0; amounts.len()])
    }

    /// How far each credit climbed the payout, in event order.
    fn climbed(&self, line: &Earning, amounts: &[Rational]) -> Option<Vec<Rational>> {
        let LineOf::Component(index) = line.of else { return None };
        let component = &self.problem.plan.components[index];
        let measure = &self.problem.plan.measures[component.measure?];
        match measure.aggregate() {
            Aggregate::Sum if measure.team.is_none() => {}
            Aggregate::Count => return Some(vec![Rational::one(); amounts.len()]),
            _ => return None,
        }
        let pieces = self.pieces(component, line)?;
        if measure.window == Window::Transaction {
            return Some(amounts.iter().map(|amount| pieces.at(amount)).collect());
        }
        // The window had reached this before the period.
        let mut x = &line.measured - &amounts.iter().sum();
        let mut height = pieces.at(&x);
        let climb = |amount: &Rational| {
            x += amount;
            let before = std::mem::replace(&mut height, pieces.at(&x));
            &height - &before
        };
        Some(amounts.iter().map(climb).collect())
    }

    /// The payout as pieces, up to a factor.
    fn pieces(&self, component: &Component, line: &Earning) -> Option<Pieces> {
        let (Pay::PerUnit(schedule) | Pay::TargetShare { schedule, .. }) = &component.pay else {
            return None;
        };
        let standing = Standing {
            problem: self.problem,
            teams: &self.teams,
            index: line.payee,
            period: line.period,
            deal: None,
        };
        let mut pieces = match schedule {
            Schedule::Flat(_) => vec![(Rational::zero(), Rational::one())],
            Schedule::Tiers(tiers) if tiers.mode == TierMode::Marginal => {
                let scale = match tiers.lookup.on {
                    Base::Attainment => line.goal.clone()?,
                    _ => Rational::one(),
                };
                let rate = |rate| standing.quantity("rate", rate, Unit::Percent).value;
                tiers.steps.iter().map(|step| (&step.from * &scale, rate(&step.rate))).collect()
            }
            _ => return None,
        };
        if let (Some((cap, _)), Some(goal)) = (&component.attainment_cap, &line.goal) {
            let end = cap * goal;
            pieces.retain(|(from, _)| *from < end || from.is_zero());
            pieces.push((end, Rational::zero()));
        }
        Some(Pieces(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_lines() {
        let number = |text: &str| text.parse::<Rational>().expect("a number");
        let pieces = Pieces(vec![
            (number("0"), number("10%")),
            (number("100"), number("20%")),
            (number("200"), number("0")),
        ]);
        for (x, height) in
            [("-50", "-5"), ("0", "0"), ("100", "10"), ("150", "20"), ("200", "30"), ("500", "30")]
        {
            assert_eq!(pieces.at(&number(x)), number(height), "{x}");
        }
    }
}
