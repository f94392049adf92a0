//! The only functions that round, and the largest-remainder split that makes rounded parts add up (floor 0).

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::rational::Rational;

/// How a number between two representable values is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, a half away from zero: 0.005 to 0.01, -0.005 to -0.01. The default of every plan (E15).
    #[default]
    HalfAwayFromZero,
    /// To the nearest, a half to the even neighbour (banker's rounding).
    HalfEven,
    /// Toward zero.
    TowardZero,
    /// Down: to the whole number at or below. In formulas only, no plan rounds pay so.
    Floor,
    /// Up: to the whole number at or above. In formulas only.
    Ceiling,
}

impl Rounding {
    /// Names as plans write them.
    pub const NAMES: [&'static str; 3] = ["half-away-from-zero", "half-even", "toward-zero"];

    /// The rounding of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "half-away-from-zero" => Some(Self::HalfAwayFromZero),
            "half-even" => Some(Self::HalfEven),
            "toward-zero" => Some(Self::TowardZero),
            _ => None,
        }
    }
}

/// `value` as an integer count of `10^-decimals`, rounded as named.
/// `None` when the result does not fit 128 bits: the caller reports an amount out of range.
#[must_use]
pub fn round_to_decimals(value: &Rational, decimals: u32, rounding: Rounding) -> Option<i128> {
    let small = || {
        let (numerator, denominator) = value.to_i64_pair()?;
        let scaled = i128::from(numerator).checked_mul(10i128.checked_pow(decimals)?)?;
        Some(divide_rounded(&scaled, &i128::from(denominator), rounding))
    };
    small().or_else(|| {
        let scaled = value.numerator() * BigInt::from(10).pow(decimals);
        divide_rounded(&scaled, &value.denominator(), rounding).to_i128()
    })
}

/// `numerator / denominator` as an integer, rounded as named. The denominator is positive.
fn divide_rounded<T: Integer + Signed + Clone>(numerator: &T, denominator: &T, rounding: Rounding) -> T {
    let (quotient, remainder) = numerator.abs().div_rem(denominator);
    let rest = denominator.clone() - remainder.clone();
    let up = match rounding {
        Rounding::HalfAwayFromZero => remainder >= rest,
        Rounding::HalfEven => remainder > rest || (remainder == rest && quotient.is_odd()),
        Rounding::TowardZero => false,
        Rounding::Floor => numerator.is_negative() && !remainder.is_zero(),
        Rounding::Ceiling => numerator.is_positive() && !remainder.is_zero(),
    };
    let magnitude = if up { quotient + T::one() } else { quotient };
    if numerator.is_negative() { -magnitude } else { magnitude }
}

/// Splits `total` units over `weights` so that the parts add up to `total` exactly: each part gets the floor of its
/// quota, the units left go to the largest remainders, ties to the earlier entry (callers sort by a stable key; E46).
///
/// Negative totals split as the mirror image. `None` when a weight is negative or all are zero (with `total` not 0).
#[must_use]
pub fn split_largest_remainder(total: i128, weights: &[Rational]) -> Option<Vec<i128>> {
    let sum: Rational = weights.iter().sum();
    if weights.iter().any(Rational::is_negative) || (sum.is_zero() && total != 0) {
        return None;
    }
    if total == 0 {
        return Some(vec![0; weights.len()]);
    }
    if let Some(parts) = split_by_whole_weights(total.checked_abs()?, weights) {
        return Some(parts.into_iter().map(|part| if total < 0 { -part } else { part }).collect());
    }
    let quotas = weights.iter().map(|weight| {
        let share = &Rational::from(total.checked_abs()?) * weight;
        share.checked_div(&sum)
    });
    let quotas: Vec<Rational> = quotas.collect::<Option<_>>()?;
    let parts = round_parts(total.checked_abs()?, &quotas)?;
    Some(parts.into_iter().map(|part| if total < 0 { -part } else { part }).collect())
}

/// The same in integers, where the weights brought to one denominator fit 128 bits.
fn split_by_whole_weights(total: i128, weights: &[Rational]) -> Option<Vec<i128>> {
    let mut parts = vec![0; weights.len()];
    WholeWeights::of(weights)?.split(total, &mut parts)?;
    Some(parts)
}

/// The least common multiple of numbers above zero; `None` when it leaves 64 bits.
#[must_use]
pub fn common_multiple(numbers: impl IntoIterator<Item = i64>) -> Option<i64> {
    numbers.into_iter().try_fold(1i64, |common, number| common.checked_mul(number / common.gcd(&number)))
}

/// Weights in whole numbers, for many splits by the same weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeWeights {
    weights: Vec<i128>,
    /// Above zero.
    sum: i128,
}

impl WholeWeights {
    /// The weights brought to one denominator, none negative and not all zero; `None` where they are, or do not fit 128
    /// bits.
    #[must_use]
    pub fn of(weights: &[Rational]) -> Option<Self> {
        let pairs: Vec<(i64, i64)> = weights.iter().map(Rational::to_i64_pair).collect::<Option<_>>()?;
        let common = common_multiple(pairs.iter().map(|(_, denominator)| *denominator))?;
        let whole = |(numerator, denominator): &(i64, i64)| {
            i128::from(*numerator).checked_mul(i128::from(common / denominator))
        };
        let whole: Vec<i128> = pairs.iter().map(whole).collect::<Option<_>>()?;
        Self::new(whole).filter(|_| weights.iter().all(|weight| !weight.is_negative()))
    }

    /// Weights of any sign; `None` when they add up to zero or leave 128 bits.
    #[must_use]
    pub fn new(mut weights: Vec<i128>) -> Option<Self> {
        let mut sum = weights.iter().try_fold(0i128, |sum, weight| sum.checked_add(*weight))?;
        if sum < 0 {
            // The same shares, so that a floor is a floor.
            sum = sum.checked_neg()?;
            weights = weights.iter().map(|weight| weight.checked_neg()).collect::<Option<_>>()?;
        }
        (sum > 0).then_some(Self { weights, sum })
    }

    /// The whole weights.
    #[must_use]
    pub fn weights(&self) -> &[i128] {
        &self.weights
    }

    /// Their sum, above zero.
    #[must_use]
    pub fn sum(&self) -> i128 {
        self.sum
    }

    /// Splits `total` into `parts`, one for each weight: floors, then one more for the largest remainders, ties to the
    /// earlier; what [`round_parts`] makes of the exact shares. `None`, with `parts` undefined, when a product does not fit
    /// 128 bits.
    #[must_use]
    pub fn split(&self, total: i128, parts: &mut [i128]) -> Option<()> {
        let mut remainders = Vec::with_capacity(self.weights.len());
        let mut left = total;
        for (position, (weight, part)) in self.weights.iter().zip(parts.iter_mut()).enumerate() {
            let product = total.checked_mul(*weight)?;
            // Dividing 64 bits takes a fraction of the time of 128.
            let remainder = match (i64::try_from(product), i64::try_from(self.sum)) {
                (Ok(product), Ok(sum)) => {
                    let (floor, remainder) = product.div_mod_floor(&sum);
                    *part = floor.into();
                    i128::from(remainder)
                }
                _ => {
                    let (floor, remainder) = product.div_mod_floor(&self.sum);
                    *part = floor;
                    remainder
                }
            };
            left -= *part;
            remainders.push((remainder, position));
        }
        let left = usize::try_from(left).ok()?;
        let larger = |a: &(i128, usize), b: &(i128, usize)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
        if left > 0 && left < remainders.len() {
            remainders.select_nth_unstable_by(left, larger);
        }
        for (_, position) in remainders.iter().take(left) {
            parts[*position] += 1;
        }
        Some(())
    }
}

/// Rounds exact parts that already sum to `total` to integers that still do, by largest remainder.
/// `None` when the parts do not sum to `total` or leave 128 bits.
#[must_use]
pub fn round_parts(total: i128, exact: &[Rational]) -> Option<Vec<i128>> {
    let sum: Rational = exact.iter().sum();
    if sum != Rational::from(total) {
        return None;
    }
    let mut parts = Vec::with_capacity(exact.len());
    let mut remainders = Vec::with_capacity(exact.len());
    for (position, value) in exact.iter().enumerate() {
        if let Some((numerator, denominator)) = value.to_i64_pair() {
            let (floor, remainder) = numerator.div_mod_floor(&denominator);
            parts.push(floor.into());
            remainders.push((Rational::new(remainder.into(), denominator.into())?, position));
            continue;
        }
        let (floor, remainder) = value.numerator().div_mod_floor(&value.denominator());
        parts.push(floor.to_i128()?);
        let remainder = Rational::from(remainder.to_i128()?)
            .checked_div(&Rational::from(value.denominator().to_i128()?))?;
        remainders.push((remainder, position));
    }
    let left = total - parts.iter().sum::<i128>();
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    debug_assert!(left >= 0 && !left.is_negative());
    for (_, position) in remainders.iter().take(usize::try_from(left).ok()?) {
        parts[*position] += 1;
    }
    assert!(
        (BigInt::from(total) - parts.iter().map(|part| BigInt::from(*part)).sum::<BigInt>()).is_zero(),
        "rounded parts must sum to their whole"
    );
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Rational {
        text.parse().expect("a number")
    }

    #[test]
    fn halves() {
        let cases = [
            ("0.005", 1, 0, 0),
            ("-0.005", -1, 0, 0),
            ("0.015", 2, 2, 1),
            ("0.0149999", 1, 1, 1),
            ("-2.675", -268, -268, -267),
        ];
        for (text, away, even, zero) in cases {
            let value = read(text);
            assert_eq!(round_to_decimals(&value, 2, Rounding::HalfAwayFromZero), Some(away));
            assert_eq!(round_to_decimals(&value, 2, Rounding::HalfEven), Some(even));
            assert_eq!(round_to_decimals(&value, 2, Rounding::TowardZero), Some(zero));
        }
    }

    #[test]
    fn largest_remainder_breaks_ties_by_order() {
        let thirds = vec![Rational::one(); 3];
        assert_eq!(split_largest_remainder(100, &thirds), Some(vec![34, 33, 33]));
        assert_eq!(split_largest_remainder(-100, &thirds), Some(vec![-34, -33, -33]));
        assert_eq!(split_largest_remainder(1, &[]), None);
        assert_eq!(split_largest_remainder(0, &[]), Some(vec![]));
    }

    proptest! {
        #[test]
        fn parts_sum_and_stay_near(total in -1_000_000i128..1_000_000, weights in prop::collection::vec(0i64..1000, 1..12)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let exact: Vec<Rational> = weights.iter().map(|weight| Rational::from(*weight)).collect();
            let parts = split_largest_remainder(total, &exact).expect("splits");
            prop_assert_eq!(parts.iter().sum::<i128>(), total);
            let sum: i64 = weights.iter().sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let distance = part * i128::from(sum) - total * i128::from(*weight);
                prop_assert!(distance.abs() < i128::from(sum));
            }
        }
    }
}
