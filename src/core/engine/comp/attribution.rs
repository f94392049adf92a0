//! Which part of an earning each credit brought in: credits in event order climb the curve of the component (E7), and
//! the parts, in whole minor units, add up to the earning.

use super::figures::Standing;
use super::problem::{Cell, Prepared, Problem};
use super::{Earning, LineOf};
use crate::ground::rational::Rational;
use crate::ground::round::{WholeWeights, common_multiple, round_parts};
use crate::ground::trace::Unit;
use crate::plan::comp::{Aggregate, Base, Component, Pay, Schedule, TierMode, Window};

/// Shares the earnings of a plan out among credits.
pub struct Attribution<'a> {
    problem: &'a Problem<'a>,
    prepared: Prepared<'a>,
}

/// How credits share an earning.
enum Climb {
    /// Each the same.
    Equally,
    /// In proportion to their amounts.
    ByAmount,
    /// Each on its own on the payout.
    Single(Pieces),
    /// One after the other up the payout.
    InTurn(Pieces),
    /// As much as each has paid.
    Paid(Vec<Rational>),
}

/// A payout that is a line between bounds: where each piece starts and its slope. The first piece has no lower end, and
/// its line goes through zero.
struct Pieces(Vec<(Rational, Rational)>);

impl Pieces {
    /// The height at `x`.
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

/// The same pieces in whole numbers, for millions of credits.
struct WholePieces {
    /// Start, slope and height at the start of each piece.
    pieces: Vec<(i128, i128, i128)>,
    /// Places are counted in units of 1 / this.
    scale: i64,
    /// How many of them a unit of the amounts is.
    step: i128,
}

impl WholePieces {
    /// Pieces on which places with so many decimals are whole; `None` when they leave the range of integers.
    fn of(pieces: &Pieces, start: &Rational, decimals: u32) -> Option<Self> {
        let unit = 10i64.checked_pow(decimals)?;
        let mut places = vec![start.to_i64_pair()?.1, unit];
        let mut slopes = Vec::new();
        for (from, slope) in &pieces.0 {
            places.push(from.to_i64_pair()?.1);
            slopes.push(slope.to_i64_pair()?.1);
        }
        let (scale, steepness) = (common_multiple(places)?, common_multiple(slopes)?);
        let mut whole: Vec<(i128, i128, i128)> = Vec::with_capacity(pieces.0.len());
        for (from, slope) in &pieces.0 {
            let (from, slope) = (whole_units(from, scale)?, whole_units(slope, steepness)?);
            whole.push(match whole.last() {
                None => (0, slope, 0),
                Some((before, ..)) if *before > from => return None,
                Some((before, gentle, height)) => {
                    (from, slope, height.checked_add((from - before).checked_mul(*gentle)?)?)
                }
            });
        }
        Some(Self { pieces: whole, scale, step: (scale / unit).into() })
    }

    fn at(&self, x: i128) -> Option<i128> {
        let (from, slope, height) =
            self.pieces.iter().skip(1).rfind(|(from, ..)| x > *from).or(self.pieces.first())?;
        height.checked_add((x - from).checked_mul(*slope)?)
    }
}

/// How many units of 1 / `scale` a number is, where that is whole.
fn whole_units(number: &Rational, scale: i64) -> Option<i128> {
    let (numerator, denominator) = number.to_i64_pair()?;
    i128::from(numerator).checked_mul(i128::from(scale / denominator))
}

impl<'a> Attribution<'a> {
    /// For the earnings of a problem.
    #[must_use]
    pub fn new(problem: &'a Problem<'a>) -> Self {
        Self { problem, prepared: Prepared::of(problem) }
    }

    /// The part of an earning that each credit of its payee and period brought in, in minor units. `amounts` are the
    /// credited amounts in event order, in units of 10^-`decimals`. Where the payout is no line between bounds, parts are
    /// in proportion to amounts.
    #[must_use]
    pub fn parts(&self, line: &Earning, amounts: &[i64], decimals: u32) -> Vec<i128> {
        let total = line.amount.minor_units;
        if total == 0 || amounts.is_empty() {
            return vec![0; amounts.len()];
        }
        let climb = self.climb(line);
        let end = &line.measured;
        whole_parts(&climb, total, end, amounts, decimals).unwrap_or_else(|| {
            let exact = |units: &i64| Rational::from_scaled((*units).into(), decimals);
            exact_parts(&climb, total, end, &amounts.iter().map(exact).collect::<Vec<_>>())
        })
    }

    fn climb(&self, line: &Earning) -> Climb {
        let LineOf::Component(index) = line.of else { return Climb::ByAmount };
        let component = &self.problem.plan.components[index];
        let Some(measure) = component.measure else { return Climb::ByAmount };
        if component.window == Window::Transaction && !self.is_plain(component, line) {
            return Climb::Paid(line.transactions.clone());
        }
        let measure = &self.problem.plan.measures[measure];
        match measure.aggregate() {
            Aggregate::Sum if measure.team.is_none() => {}
            Aggregate::Count => return Climb::Equally,
            _ => return Climb::ByAmount,
        }
        match self.pieces(component, line) {
            None => Climb::ByAmount,
            Some(pieces) if measure.window == Window::Transaction => Climb::Single(pieces),
            Some(pieces) => Climb::InTurn(pieces),
        }
    }

    /// Whether each credit of a line is rated on its own by nothing but a rate.
    fn is_plain(&self, component: &Component, line: &Earning) -> bool {
        let rate = matches!(&component.pay, Pay::PerUnit(Schedule::Flat(_)));
        let cell = |measure| Cell { payee: line.payee, measure, period: line.period };
        let deals = component.measure.and_then(|measure| self.problem.deals.get(&cell(measure)));
        rate && component.threshold.is_none()
            && component.multipliers.is_empty()
            && component.gates.is_empty()
            && component.cap.is_none()
            && component.budget.is_none()
            && !deals.into_iter().flatten().any(|deal| deal.refund_of.is_some())
    }

    /// The payout as pieces, up to a factor.
    fn pieces(&self, component: &Component, line: &Earning) -> Option<Pieces> {
        let (Pay::PerUnit(schedule) | Pay::TargetShare { schedule, .. }) = &component.pay else {
            return None;
        };
        let standing = Standing {
            problem: self.problem,
            prepared: &self.prepared,
            index: line.payee,
            period: line.period,
            deal: None,
            day: None,
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

/// The parts in exact fractions; `end` is what the window has reached with the last of the amounts.
fn exact_parts(climb: &Climb, total: i128, end: &Rational, amounts: &[Rational]) -> Vec<i128> {
    let climbed: Vec<Rational> = match climb {
        Climb::Equally => vec![Rational::one(); amounts.len()],
        Climb::Paid(paid) if paid.len() == amounts.len() => paid.clone(),
        Climb::ByAmount | Climb::Paid(_) => amounts.to_vec(),
        Climb::Single(pieces) => amounts.iter().map(|amount| pieces.at(amount)).collect(),
        Climb::InTurn(pieces) => {
            // The window had reached this before the period.
            let mut x = end - &amounts.iter().sum();
            let mut height = pieces.at(&x);
            let climb = |amount: &Rational| {
                x += amount;
                let before = std::mem::replace(&mut height, pieces.at(&x));
                &height - &before
            };
            amounts.iter().map(climb).collect()
        }
    };
    for weights in [climbed, amounts.to_vec(), vec![Rational::one(); amounts.len()]] {
        let whole: Rational = weights.iter().sum();
        if !whole.is_zero() {
            let unit = &Rational::from(total) / &whole;
            let exact: Vec<Rational> = weights.iter().map(|weight| weight * &unit).collect();
            return round_parts(total, &exact).unwrap_or_else(|| vec![0; amounts.len()]);
        }
    }
    vec![0; amounts.len()]
}

/// The same parts in whole numbers; `None` where they leave the range of integers.
fn whole_parts(
    climb: &Climb,
    total: i128,
    end: &Rational,
    amounts: &[i64],
    decimals: u32,
) -> Option<Vec<i128>> {
    let units = || amounts.iter().map(|units| i128::from(*units));
    let climbed: Vec<i128> = match climb {
        Climb::Equally => vec![1; amounts.len()],
        Climb::ByAmount => units().collect(),
        // Fractions are shared out exactly.
        Climb::Paid(_) => return None,
        Climb::Single(pieces) => {
            let pieces = WholePieces::of(pieces, &Rational::zero(), decimals)?;
            units().map(|units| pieces.at(units.checked_mul(pieces.step)?)).collect::<Option<_>>()?
        }
        Climb::InTurn(pieces) => {
            let pieces = WholePieces::of(pieces, end, decimals)?;
            let sum: i128 = units().sum();
            let mut x = whole_units(end, pieces.scale)? - sum.checked_mul(pieces.step)?;
            let mut height = pieces.at(x)?;
            let climb = |units: i128| {
                x = x.checked_add(units.checked_mul(pieces.step)?)?;
                let before = std::mem::replace(&mut height, pieces.at(x)?);
                height.checked_sub(before)
            };
            units().map(climb).collect::<Option<_>>()?
        }
    };
    for weights in [climbed, units().collect(), vec![1; amounts.len()]] {
        if weights.iter().try_fold(0i128, |sum, weight| sum.checked_add(*weight))? != 0 {
            let mut parts = vec![0; amounts.len()];
            WholeWeights::new(weights)?.split(total, &mut parts)?;
            return Some(parts);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Rational {
        text.parse().expect("a number")
    }

    fn three_bands() -> Pieces {
        Pieces(vec![
            (number("0"), number("10%")),
            (number("100"), number("20%")),
            (number("200"), number("0")),
        ])
    }

    #[test]
    fn pieces_are_joined_lines() {
        let whole = WholePieces::of(&three_bands(), &Rational::zero(), 0).expect("small numbers");
        for (x, height) in
            [("-50", "-5"), ("0", "0"), ("100", "10"), ("150", "20"), ("200", "30"), ("500", "30")]
        {
            assert_eq!(three_bands().at(&number(x)), number(height), "{x}");
            let units = whole.at(x.parse().expect("whole")).expect("small");
            assert_eq!(Rational::new(units, 10), Some(number(height)), "{x}");
        }
    }

    proptest! {
        /// Whole numbers and fractions share out alike.
        #[test]
        fn whole_parts_are_exact_parts(
            total in -100_000i64..100_000,
            amounts in prop::collection::vec(-20_000i64..60_000, 1..12),
            before in -9_999i64..9_999,
            bounds in prop::collection::btree_set(1i64..90_000, 0..4),
            rates in prop::collection::vec(0i64..40, 5),
            thirds in 1i64..4,
            kind in 0u8..4,
        ) {
            let mut pieces = vec![(Rational::zero(), Rational::new(rates[0].into(), 300).expect("not zero"))];
            for (bound, rate) in bounds.iter().zip(&rates[1..]) {
                let bound = Rational::new((*bound).into(), (100 * thirds).into()).expect("not zero");
                pieces.push((bound, Rational::new((*rate).into(), 100).expect("not zero")));
            }
            let climb = match kind {
                0 => Climb::Equally,
                1 => Climb::ByAmount,
                2 => Climb::Single(Pieces(pieces)),
                _ => Climb::InTurn(Pieces(pieces)),
            };
            let exact: Vec<Rational> = amounts.iter().map(|units| Rational::from_scaled((*units).into(), 2)).collect();
            let measured = &exact.iter().sum::<Rational>() + &Rational::from_scaled(before.into(), 2);
            let whole = whole_parts(&climb, total.into(), &measured, &amounts, 2).expect("small numbers");
            prop_assert_eq!(whole.iter().sum::<i128>(), i128::from(total));
            prop_assert_eq!(whole, exact_parts(&climb, total.into(), &measured, &exact));
        }
    }
}
