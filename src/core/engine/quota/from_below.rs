//! Brings what people carry up the hierarchy: everybody has the own amount, whoever stands above has the sum, each cut to the
//! own limits (floor 2).

use super::limits::own_limits;
use super::open::parents;
use super::problem::{Blend, Holder, Problem, Total};
use super::units::round_nearest;
use crate::ground::rational::Rational;

/// Notes what a seat brings from below.
pub(super) fn bring(holder: &mut Holder, amount: Rational) {
    holder.blend = Some(Box::new(Blend { above: None, below: amount, share: Rational::one() }));
}

/// Sets total, weights and what is given out so that sharing from the top gives everybody what they bring.
///
/// With weights that are the amounts themselves, cut to the own limits, and a total that is their sum, water-filling leaves
/// each amount as it is. Only where a holder above is cut, those below it share what that changes. Over-assignment is taken
/// out on the way up; because what people bring is exact, what is given out is their sum, not a rounded product. `stood` is
/// what a holder has that gives out the sum of those below already. `None` beyond 128 bits.
pub(super) fn carry_up(
    problem: &mut Problem,
    stood: impl Fn(&Holder, &Rational) -> Option<Rational>,
) -> Option<()> {
    let parents = parents(&problem.holders);
    let smallest = Rational::from_scaled(1, problem.decimals);
    let mut sums = vec![Rational::zero(); parents.len()];
    let mut above = vec![false; parents.len()];
    for place in (0..parents.len()).rev() {
        let holder = &problem.holders[place];
        let (sum, mut given) = (sums[place].clone(), None);
        let brought = if above[place] {
            let factor = problem.stated_over_assignment(holder).cloned().unwrap_or_else(Rational::one);
            let own = match stood(holder, &sum) {
                Some(own) => own,
                None if factor == Rational::one() => sum.clone(),
                None => {
                    let exact = sum.checked_div(&factor)?;
                    let whole = round_nearest(&exact, &problem.unit)?;
                    // Nothing cannot be given out as something.
                    if whole.is_zero() { round_nearest(&exact, &smallest)? } else { whole }
                }
            };
            if &own * &factor != sum {
                given = sum.checked_div(&own).filter(Rational::is_positive);
            }
            own
        } else {
            holder.blend.as_ref().map(|blend| blend.below.clone()).unwrap_or_default()
        };
        let own = own_limits(holder, &smallest)?.clamp(brought.clone());
        let holder = &mut problem.holders[place];
        holder.over_assignment = given.filter(|_| own == brought);
        bring(holder, brought);
        holder.full_weight = None;
        match parents[place] {
            Some(parent) => {
                sums[parent] += &own;
                above[parent] = true;
                holder.weight = Some(own);
            }
            None => problem.total = Total::Given(own),
        }
    }
    Some(())
}
