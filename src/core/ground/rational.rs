//! Exact rational numbers: every rate, share, attainment and unrounded amount (floor 0).

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use std::str::FromStr;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::limit;

/// An exact rational number. Nothing is ever rounded in here: [`super::round`] has the only functions that round.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rational(BigRational);

impl Rational {
    /// The number zero.
    #[must_use]
    pub fn zero() -> Self {
        Self(BigRational::zero())
    }

    /// The number one, which is also 100 %.
    #[must_use]
    pub fn one() -> Self {
        Self(BigRational::one())
    }

    /// `numerator / denominator`, or `None` when the denominator is zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator != 0).then(|| Self(BigRational::new(numerator.into(), denominator.into())))
    }

    /// `units x 10^-decimals`: the value of a scaled integer as columns hold it.
    #[must_use]
    pub fn from_scaled(units: i128, decimals: u32) -> Self {
        Self(BigRational::new(units.into(), BigInt::from(10).pow(decimals)))
    }

    /// True for exactly zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// True below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// True above zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.0.is_positive()
    }

    /// The quotient, or `None` when `divisor` is zero.
    #[must_use]
    pub fn checked_div(&self, divisor: &Self) -> Option<Self> {
        (!divisor.is_zero()).then(|| Self(&self.0 / &divisor.0))
    }

    /// The larger of two numbers.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        std::cmp::Ord::max(self, other)
    }

    /// The smaller of two numbers.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        std::cmp::Ord::min(self, other)
    }

    /// Numerator of the reduced fraction.
    #[must_use]
    pub fn numerator(&self) -> &BigInt {
        self.0.numer()
    }

    /// Denominator of the reduced fraction, always positive.
    #[must_use]
    pub fn denominator(&self) -> &BigInt {
        self.0.denom()
    }

    /// Numerator and denominator when both fit 64 bits, as columns need them.
    #[must_use]
    pub fn to_i64_pair(&self) -> Option<(i64, i64)> {
        Some((self.0.numer().to_i64()?, self.0.denom().to_i64()?))
    }

    /// The nearest float, for pictures only: never for money.
    #[must_use]
    pub fn to_f64_for_display(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// The number of decimals after which the decimal expansion ends, or `None` when it never does (1/3).
    #[must_use]
    pub fn decimals(&self) -> Option<u32> {
        let mut rest = self.0.denom().clone();
        let (mut twos, mut fives) = (0u32, 0u32);
        while (&rest % 2u8).is_zero() {
            rest /= 2u8;
            twos += 1;
        }
        while (&rest % 5u8).is_zero() {
            rest /= 5u8;
            fives += 1;
        }
        rest.is_one().then(|| twos.max(fives))
    }

    /// As a percentage: `1/8` prints `12.5%`. Exact, or with `≈` and four decimals when the expansion never ends.
    #[must_use]
    pub fn to_percent(&self) -> String {
        format!("{}%", Self(&self.0 * BigInt::from(100)).to_decimal_text())
    }

    /// Exact decimal text, or `≈` and four decimals when the expansion never ends.
    #[must_use]
    pub fn to_decimal_text(&self) -> String {
        match self.decimals() {
            Some(decimals) if decimals <= limit::DISPLAY_DECIMALS_MAX => {
                let scaled = &self.0 * BigInt::from(10).pow(decimals);
                scaled_text(scaled.numer(), decimals)
            }
            _ => {
                let scaled = (&self.0 * BigInt::from(10_000)).round();
                format!("≈{}", scaled_text(scaled.numer(), 4))
            }
        }
    }
}

/// `units x 10^-decimals` as plain decimal text: `(-1205, 2)` gives `-12.05`.
#[must_use]
pub fn scaled_text(units: &BigInt, decimals: u32) -> String {
    let digits = units.abs().to_string();
    let width = decimals as usize;
    let padded = format!("{digits:0>width$}", width = width + 1);
    let (whole, fraction) = padded.split_at(padded.len() - width);
    let sign = if units.is_negative() { "-" } else { "" };
    if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Why a text is not a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected a number such as \"1250.50\", \"8%\" or \"1/3\"")
    }
}

impl FromStr for Rational {
    type Err = NotANumber;

    /// Reads `1250.50`, `1_250.50`, `8%`, `12.5 %`, `1/3`, `2x` (a multiplier). No exponent: `1e3` is refused.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let text = text.trim();
        if text.len() > limit::NUMBER_LENGTH_MAX {
            return Err(NotANumber);
        }
        if let Some(number) = text.strip_suffix('%') {
            return Ok(Self(plain(number.trim_end())? / BigInt::from(100)));
        }
        if let Some(number) = text.strip_suffix('x') {
            return plain(number).map(Self);
        }
        if let Some((numerator, denominator)) = text.split_once('/') {
            let denominator = plain(denominator.trim())?;
            if denominator.is_zero() {
                return Err(NotANumber);
            }
            return Ok(Self(plain(numerator.trim())? / denominator));
        }
        plain(text).map(Self)
    }
}

/// A plain decimal with optional sign and `_` between digits.
fn plain(text: &str) -> Result<BigRational, NotANumber> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let separated = whole.starts_with('_') || whole.ends_with('_') || fraction.contains('_');
    let digits: String = whole.chars().filter(|c| *c != '_').chain(fraction.chars()).collect();
    if separated || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotANumber);
    }
    let units: BigInt = digits.parse().map_err(|_| NotANumber)?;
    let decimals = u32::try_from(fraction.len()).map_err(|_| NotANumber)?;
    let value = BigRational::new(units, BigInt::from(10).pow(decimals));
    Ok(if negative { -value } else { value })
}

impl fmt::Display for Rational {
    /// Exact: a decimal when it ends, else `numerator/denominator`. Reads back equal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decimals() {
            Some(decimals) if decimals <= limit::DISPLAY_DECIMALS_MAX => {
                formatter.write_str(&self.to_decimal_text())
            }
            _ => write!(formatter, "{}/{}", self.0.numer(), self.0.denom()),
        }
    }
}

impl From<i64> for Rational {
    fn from(value: i64) -> Self {
        Self(BigRational::from_integer(value.into()))
    }
}

impl From<i128> for Rational {
    fn from(value: i128) -> Self {
        Self(BigRational::from_integer(value.into()))
    }
}

macro_rules! operator {
    ($operation:ident, $method:ident, $sign:tt) => {
        impl $operation<&Rational> for &Rational {
            type Output = Rational;
            fn $method(self, other: &Rational) -> Rational {
                Rational(&self.0 $sign &other.0)
            }
        }
        impl $operation for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                Rational(self.0 $sign other.0)
            }
        }
    };
}
operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl AddAssign<&Rational> for Rational {
    fn add_assign(&mut self, other: &Rational) {
        self.0 += &other.0;
    }
}

impl Neg for Rational {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl std::iter::Sum for Rational {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::zero(), Add::add)
    }
}

impl<'a> std::iter::Sum<&'a Rational> for Rational {
    fn sum<I: Iterator<Item = &'a Rational>>(values: I) -> Self {
        values.fold(Self::zero(), |sum, value| &sum + value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rational {
        text.parse().expect("a number")
    }

    #[test]
    fn reads_what_plans_write() {
        for (text, shown) in [
            ("8%", "0.08"),
            ("12.5 %", "0.125"),
            ("1/3", "1/3"),
            (".6", "0.6"),
            ("-1_000.50", "-1000.5"),
            ("1.5x", "1.5"),
            ("250000", "250000"),
        ] {
            assert_eq!(read(text).to_string(), shown, "{text}");
        }
        for text in ["", "1e3", "abc", "1/0", "1__", "--1", "NaN", "1.2.3", "1 000", "%"] {
            assert!(text.parse::<Rational>().is_err(), "{text} must not be a number");
        }
    }

    #[test]
    fn display_reads_back() {
        for text in ["0", "-0.05", "1/7", "22/7", "99.995%"] {
            assert_eq!(read(&read(text).to_string()), read(text));
        }
        assert_eq!(read("1/3").to_percent(), "≈33.3333%");
        assert_eq!(read("-5%").to_decimal_text(), "-0.05");
    }
}
