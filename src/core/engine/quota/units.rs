//! Rounding to units so that parts keep their sum and their limits: largest remainder with bounds (floor 2).

use num_integer::Integer;
use num_traits::ToPrimitive;

use crate::ground::rational::Rational;

/// The greatest multiple of `unit` not above `value`; `None` when the count of units leaves 128 bits.
pub(super) fn round_down(value: &Rational, unit: &Rational) -> Option<Rational> {
    let count = value.checked_div(unit)?;
    if let Some((numerator, denominator)) = count.to_i64_pair() {
        return Some(&Rational::from(Integer::div_floor(&numerator, &denominator)) * unit);
    }
    let whole = count.numerator().div_floor(&count.denominator()).to_i128()?;
    Some(&Rational::from(whole) * unit)
}

/// The least multiple of `unit` not below `value`.
pub(super) fn round_up(value: &Rational, unit: &Rational) -> Option<Rational> {
    round_down(&-value.clone(), unit).map(|negated| -negated)
}

/// The nearest multiple of `unit`, a half away from zero. `value` is not negative.
pub(super) fn round_nearest(value: &Rational, unit: &Rational) -> Option<Rational> {
    let half = unit.checked_div(&Rational::from(2_i64))?;
    round_down(&(value + &half), unit)
}

/// An exact part of a whole with its limits.
pub(super) struct Part {
    /// The exact amount, inside the limits.
    pub exact: Rational,
    /// Never less than this.
    pub least: Rational,
    /// Never more than this.
    pub greatest: Option<Rational>,
}

/// Rounds parts to multiples of `unit` that sum to `total`, the sum of the exact parts.
///
/// Each part starts at the multiple below it, but not below its least amount. What is left goes, largest remainder
/// first and ties to the earlier part, as one step each to the next multiple or to the greatest amount. One pass is
/// always enough, because each step reaches at least up to the exact part. So a part that is no multiple lies at one
/// of its limits, or is the one part that took the last fraction of a unit.
pub(super) fn round_parts(total: &Rational, parts: &[Part], unit: &Rational) -> Option<Vec<Rational>> {
    let mut rounded = Vec::with_capacity(parts.len());
    let mut order = Vec::with_capacity(parts.len());
    for (position, part) in parts.iter().enumerate() {
        let start = round_down(&part.exact, unit)?.max(part.least.clone());
        order.push((&part.exact - &start, position));
        rounded.push(start);
    }
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut left = total - &rounded.iter().sum();
    for (_, position) in order {
        if !left.is_positive() {
            break;
        }
        let next = &round_down(&rounded[position], unit)? + unit;
        let end = match &parts[position].greatest {
            Some(greatest) => next.min(greatest.clone()),
            None => next,
        };
        let step = (&end - &rounded[position]).min(left.clone());
        rounded[position] += &step;
        left = &left - &step;
    }
    assert!(left.is_zero(), "exact parts inside their limits sum to the total, so one pass places it all");
    Some(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rational {
        text.parse().expect("a number")
    }

    fn rounded(total: &str, unit: &str, parts: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let parts = parts.iter().map(|(exact, least, greatest)| Part {
            exact: read(exact),
            least: read(least),
            greatest: greatest.map(read),
        });
        let parts: Vec<Part> = parts.collect();
        let amounts = round_parts(&read(total), &parts, &read(unit)).expect("fits");
        amounts.iter().map(Rational::to_string).collect()
    }

    #[test]
    fn rounds_to_multiples() {
        assert_eq!(round_down(&read("-5"), &read("10")), Some(read("-10")));
        assert_eq!(round_up(&read("41"), &read("10")), Some(read("50")));
        assert_eq!(round_up(&read("40"), &read("10")), Some(read("40")));
        assert_eq!(round_nearest(&read("45"), &read("10")), Some(read("50")));
    }

    #[test]
    fn largest_remainder_with_ties_to_the_earlier() {
        assert_eq!(
            rounded("50", "1", &[("1.5", "0", None), ("3.5", "0", None), ("45", "0", None)]),
            ["2", "3", "45"]
        );
    }

    #[test]
    fn limits_hold_after_rounding() {
        // Without limits 130/70 would round to 100/100; the cap of 80 and the floor of 120 forbid it.
        assert_eq!(rounded("200", "100", &[("130", "120", None), ("70", "0", Some("80"))]), ["120", "80"]);
        // A cap in the way of the step up: the rest goes on to the next in line.
        assert_eq!(rounded("200", "100", &[("160", "0", Some("160")), ("40", "0", None)]), ["160", "40"]);
    }

    #[test]
    fn the_residue_is_one_partial_unit() {
        assert_eq!(
            rounded("1030", "100", &[("340", "0", None), ("350", "0", None), ("340", "0", None)]),
            ["330", "400", "300"]
        );
    }
}
