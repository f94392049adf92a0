//! Exact rational numbers: every rate, share, attainment and unrounded amount (floor 0).

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use std::str::FromStr;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::digits::Digits;
use super::limit;

/// An exact rational number. Nothing is ever rounded in here: [`super::round`] has the only functions that round.
///
/// Numbers whose reduced fraction fits two 64-bit integers, which almost all are, need no memory of their own; larger
/// ones continue with integers of any size. A number has one form only, so equality and hashes compare the forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rational(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// Reduced, with a denominator above zero.
    Small(i64, i64),
    /// Reduced, and not small.
    Big(Box<BigRational>),
}

impl Default for Rational {
    fn default() -> Self {
        Self::zero()
    }
}

impl Rational {
    /// The number zero.
    #[must_use]
    #[inline]
    pub const fn zero() -> Self {
        Self(Form::Small(0, 1))
    }

    /// The number one, which is also 100 %.
    #[must_use]
    #[inline]
    pub const fn one() -> Self {
        Self(Form::Small(1, 1))
    }

    /// `numerator / denominator`, or `None` when the denominator is zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator != 0).then(|| Self::quotient(numerator, denominator))
    }

    /// The quotient of two integers; the divisor is not zero.
    fn quotient(numerator: i128, denominator: i128) -> Self {
        // Nearly all numbers take this way: 64-bit arithmetic, and none at all for whole numbers.
        if let (Ok(a), Ok(b)) = (i64::try_from(numerator), i64::try_from(denominator))
            && a != i64::MIN
            && b != i64::MIN
        {
            if b == 1 {
                return Self(Form::Small(a, 1));
            }
            let divisor = if b > 0 { divisor(wide(a), b) } else { -divisor(wide(a), -b) };
            return Self(Form::Small(a / divisor, b / divisor));
        }
        let divisor = numerator.unsigned_abs().gcd(&denominator.unsigned_abs());
        let small = || {
            let divisor = i128::try_from(divisor).ok()?;
            let sign = denominator.signum();
            let numerator = (numerator / divisor).checked_mul(sign)?;
            let denominator = (denominator / divisor).checked_mul(sign)?;
            Some(Form::Small(i64::try_from(numerator).ok()?, i64::try_from(denominator).ok()?))
        };
        match small() {
            Some(form) => Self(form),
            None => Self(Form::Big(Box::new(BigRational::new(numerator.into(), denominator.into())))),
        }
    }

    /// The one form of a number of any size.
    fn from_big(value: BigRational) -> Self {
        match (value.numer().to_i64(), value.denom().to_i64()) {
            (Some(numerator), Some(denominator)) => Self(Form::Small(numerator, denominator)),
            _ => Self(Form::Big(Box::new(value))),
        }
    }

    fn to_big(&self) -> BigRational {
        match &self.0 {
            Form::Small(numerator, denominator) => {
                BigRational::new_raw((*numerator).into(), (*denominator).into())
            }
            Form::Big(value) => value.as_ref().clone(),
        }
    }

    /// `units x 10^-decimals`: the value of a scaled integer as columns hold it.
    #[must_use]
    pub fn from_scaled(units: i128, decimals: u32) -> Self {
        match 10i128.checked_pow(decimals) {
            Some(unit) => Self::quotient(units, unit),
            None => Self::from_big(BigRational::new(units.into(), BigInt::from(10).pow(decimals))),
        }
    }

    /// True for exactly zero.
    #[must_use]
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.sign() == 0
    }

    /// True below zero.
    #[must_use]
    #[inline]
    pub fn is_negative(&self) -> bool {
        self.sign() < 0
    }

    /// True above zero.
    #[must_use]
    #[inline]
    pub fn is_positive(&self) -> bool {
        self.sign() > 0
    }

    #[inline]
    fn sign(&self) -> i64 {
        match &self.0 {
            Form::Small(numerator, _) => numerator.signum(),
            Form::Big(value) => {
                if value.is_negative() {
                    -1
                } else {
                    1
                }
            }
        }
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() { -self.clone() } else { self.clone() }
    }

    /// The quotient, or `None` when `divisor` is zero.
    #[must_use]
    pub fn checked_div(&self, divisor: &Self) -> Option<Self> {
        (!divisor.is_zero()).then(|| self / divisor)
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
    pub fn numerator(&self) -> BigInt {
        match &self.0 {
            Form::Small(numerator, _) => (*numerator).into(),
            Form::Big(value) => value.numer().clone(),
        }
    }

    /// Denominator of the reduced fraction, always positive.
    #[must_use]
    pub fn denominator(&self) -> BigInt {
        match &self.0 {
            Form::Small(_, denominator) => (*denominator).into(),
            Form::Big(value) => value.denom().clone(),
        }
    }

    /// Numerator and denominator when both fit 64 bits, as columns need them.
    #[must_use]
    pub const fn to_i64_pair(&self) -> Option<(i64, i64)> {
        match &self.0 {
            Form::Small(numerator, denominator) => Some((*numerator, *denominator)),
            Form::Big(_) => None,
        }
    }

    /// The nearest float, for pictures only: never for money.
    #[must_use]
    pub fn to_f64_for_display(&self) -> f64 {
        self.to_big().to_f64().unwrap_or(f64::NAN)
    }

    /// The number of decimals after which the decimal expansion ends, or `None` when it never does (1/3).
    #[must_use]
    pub fn decimals(&self) -> Option<u32> {
        match &self.0 {
            Form::Small(_, denominator) => {
                let (twos, mut rest, mut fives) = (denominator.trailing_zeros(), *denominator, 0);
                rest >>= twos;
                while rest % 5 == 0 {
                    rest /= 5;
                    fives += 1;
                }
                (rest == 1).then_some(twos.max(fives))
            }
            Form::Big(value) => decimals_of(value.denom().clone()),
        }
    }

    /// As a percentage: `1/8` prints `12.5%`. Exact, or with `≈` and four decimals when the expansion never ends.
    #[must_use]
    pub fn to_percent(&self) -> String {
        format!("{}%", (self * &Self::from(100i64)).to_decimal_text())
    }

    /// What it is written as, in place; `None` for a number that needs more than 64 bits.
    fn digits(&self) -> Option<Digits> {
        let (numerator, denominator) = self.to_i64_pair()?;
        if denominator == 1 {
            return Some(Digits::whole(numerator));
        }
        match self.decimals() {
            Some(decimals) if decimals <= limit::DISPLAY_DECIMALS_MAX => {
                let factor = 10i64.checked_pow(decimals)? / denominator;
                Some(Digits::decimal(numerator.checked_mul(factor)?, decimals))
            }
            _ => Some(Digits::fraction(numerator, denominator)),
        }
    }

    /// Hands over what it is written as: the same as `to_string`.
    pub fn written(&self, take: impl FnOnce(&str)) {
        match self.digits() {
            Some(digits) => take(digits.as_str()),
            None => take(&self.to_string()),
        }
    }

    /// Exact decimal text of a small number that has so many decimals.
    fn small_decimal_text(&self, decimals: u32) -> Option<String> {
        let (numerator, denominator) = self.to_i64_pair()?;
        let unit = 10i128.checked_pow(decimals)?;
        let units = wide(numerator).checked_mul(unit / wide(denominator))?;
        let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
        if decimals == 0 {
            return Some(format!("{sign}{units}"));
        }
        let unit = unit.unsigned_abs();
        Some(format!("{sign}{}.{:0width$}", units / unit, units % unit, width = decimals as usize))
    }

    /// Exact decimal text, or `≈` and four decimals when the expansion never ends.
    #[must_use]
    pub fn to_decimal_text(&self) -> String {
        if let Form::Small(whole, 1) = self.0 {
            return whole.to_string();
        }
        match self.decimals() {
            Some(decimals) if decimals <= limit::DISPLAY_DECIMALS_MAX => {
                if let Some(text) = self.small_decimal_text(decimals) {
                    return text;
                }
                let unit = Self::from_big(BigRational::from_integer(BigInt::from(10).pow(decimals)));
                scaled_text(&(self * &unit).numerator(), decimals)
            }
            _ => {
                let scaled = (self.to_big() * BigInt::from(10_000)).round();
                format!("≈{}", scaled_text(scaled.numer(), 4))
            }
        }
    }
}

/// The decimals that a reduced fraction with this denominator needs.
fn decimals_of<T: Integer + Clone + From<u8>>(mut rest: T) -> Option<u32> {
    let mut divide = |factor: u8| {
        let factor = T::from(factor);
        let mut times = 0u32;
        while rest.is_multiple_of(&factor) {
            rest = rest.clone() / factor.clone();
            times += 1;
        }
        times
    };
    let decimals = divide(2).max(divide(5));
    rest.is_one().then_some(decimals)
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
            return Ok(Self::from_big(plain(number.trim_end())? / BigInt::from(100)));
        }
        if let Some(number) = text.strip_suffix('x') {
            return plain(number).map(Self::from_big);
        }
        if let Some((numerator, denominator)) = text.split_once('/') {
            let denominator = plain(denominator.trim())?;
            if denominator.is_zero() {
                return Err(NotANumber);
            }
            return Ok(Self::from_big(plain(numerator.trim())? / denominator));
        }
        plain(text).map(Self::from_big)
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
        if let Some(digits) = self.digits() {
            return formatter.write_str(digits.as_str());
        }
        match self.decimals() {
            Some(decimals) if decimals <= limit::DISPLAY_DECIMALS_MAX => {
                formatter.write_str(&self.to_decimal_text())
            }
            _ => write!(formatter, "{}/{}", self.numerator(), self.denominator()),
        }
    }
}

impl From<i64> for Rational {
    fn from(value: i64) -> Self {
        Self(Form::Small(value, 1))
    }
}

impl From<i128> for Rational {
    fn from(value: i128) -> Self {
        Self::quotient(value, 1)
    }
}

impl Ord for Rational {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Small(a, b), Form::Small(c, d)) if b == d => a.cmp(c),
            (Form::Small(a, b), Form::Small(c, d)) => (wide(*a) * wide(*d)).cmp(&(wide(*c) * wide(*b))),
            _ => self.to_big().cmp(&other.to_big()),
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const fn wide(value: i64) -> i128 {
    value as i128
}

/// The operation on whole numbers of 64 bits, which most are; else the small one where its integers fit 128 bits, else the one
/// on integers of any size.
macro_rules! operator {
    ($operation:ident, $method:ident, $sign:tt, $whole:expr, $small:expr) => {
        impl $operation<&Rational> for &Rational {
            type Output = Rational;
            #[inline]
            fn $method(self, other: &Rational) -> Rational {
                if let (Form::Small(a, 1), Form::Small(c, 1)) = (&self.0, &other.0) {
                    let whole: fn(i64, i64) -> Option<i64> = $whole;
                    if let Some(result) = whole(*a, *c) {
                        return Rational(Form::Small(result, 1));
                    }
                }
                if let (Form::Small(a, b), Form::Small(c, d)) = (&self.0, &other.0) {
                    let small: fn(i64, i64, i64, i64) -> Option<Rational> = $small;
                    if let Some(result) = small(*a, *b, *c, *d) {
                        return result;
                    }
                }
                Rational::from_big(self.to_big() $sign other.to_big())
            }
        }
        impl $operation for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                &self $sign &other
            }
        }
    };
}
operator!(Add, add, +, i64::checked_add, |a, b, c, d| sum(wide(a), b, wide(c), d));
operator!(Sub, sub, -, i64::checked_sub, |a, b, c, d| sum(wide(a), b, -wide(c), d));
operator!(Mul, mul, *, i64::checked_mul, |a, b, c, d| product(wide(a), b, wide(c), d));
// Dividing by zero panics, as for integers: callers that cannot rule it out use `checked_div`.
operator!(Div, div, /, |a, c| if c == 1 { Some(a) } else { None }, |a, b, c, d| match c {
    0 => None,
    // The smallest integer has no positive counterpart.
    i64::MIN => None,
    _ if c < 0 => product(-wide(a), b, wide(d), -c),
    _ => product(wide(a), b, wide(d), c),
});

/// `a/b + c/d` of two reduced fractions. A common divisor can only lie in that of the denominators, so that no divisor of
/// 128 bits is ever sought (Knuth, volume 2, 4.5.1).
fn sum(a: i128, b: i64, c: i128, d: i64) -> Option<Rational> {
    // A whole number has nothing in common with the denominator of the other.
    if b == 1 || d == 1 {
        return small(a * wide(d) + c * wide(b), wide(b) * wide(d));
    }
    if b == d {
        let numerator = a + c;
        let common = divisor(numerator, b);
        return small(without(numerator, common), wide(b / common));
    }
    let common = gcd(b, d);
    if common == 1 {
        return small((a * wide(d)).checked_add(c * wide(b))?, wide(b) * wide(d));
    }
    let numerator = (a * wide(d / common)).checked_add(c * wide(b / common))?;
    let rest = divisor(numerator, common);
    small(without(numerator, rest), wide(b / common) * wide(d / rest))
}

/// A numerator without a divisor of it; dividing 64 bits takes a fraction of the time of 128.
fn without(numerator: i128, divisor: i64) -> i128 {
    match i64::try_from(numerator) {
        _ if divisor == 1 => numerator,
        Ok(numerator) => wide(numerator / divisor),
        Err(_) => numerator / wide(divisor),
    }
}

/// `a/b x c/d` of two reduced fractions: what is common is taken out crosswise before it is multiplied.
fn product(a: i128, b: i64, c: i128, d: i64) -> Option<Rational> {
    let (left, right) = (divisor(a, d), divisor(c, b));
    // Both are of 64 bits, but for the sign of the smallest one: the product fits.
    small(without(a, left) * without(c, right), wide(b / right) * wide(d / left))
}

/// The greatest divisor of both; `of` is above zero.
fn divisor(value: i128, of: i64) -> i64 {
    if of == 1 {
        return 1;
    }
    match i64::try_from(value) {
        Ok(1 | -1) => 1,
        Ok(value) => gcd(value % of, of),
        Err(_) => gcd((value % wide(of)) as i64, of),
    }
}

/// The greatest divisor of both; `of` is above zero. Halves and subtracts as the usual binary way does, with nothing for the
/// processor to guess.
fn gcd(value: i64, of: i64) -> i64 {
    let (mut a, mut b) = (value.unsigned_abs(), of.unsigned_abs());
    if a == 0 {
        return of;
    }
    let shift = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        let apart = a.abs_diff(b);
        a = a.min(b);
        b = apart;
    }
    // No larger than `of`.
    i64::try_from(a << shift).unwrap_or(of)
}

/// A reduced fraction, when it is small.
fn small(numerator: i128, denominator: i128) -> Option<Rational> {
    let (numerator, denominator) = (i64::try_from(numerator).ok()?, i64::try_from(denominator).ok()?);
    Some(Rational(Form::Small(numerator, denominator)))
}

impl AddAssign<&Rational> for Rational {
    #[inline]
    fn add_assign(&mut self, other: &Rational) {
        *self = &*self + other;
    }
}

impl Neg for Rational {
    type Output = Self;
    fn neg(self) -> Self {
        match self.0 {
            Form::Small(numerator, denominator) if numerator != i64::MIN => {
                Self(Form::Small(-numerator, denominator))
            }
            _ => &Self::zero() - &self,
        }
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

    #[test]
    fn agrees_with_numbers_of_any_size() {
        let edges = [0, 1, -1, 2, 3, 7, 10, 1_000_000_007, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1];
        let mut numbers = Vec::new();
        for numerator in edges {
            for denominator in edges.iter().filter(|denominator| **denominator != 0) {
                let value = Rational::new(numerator.into(), (*denominator).into()).expect("a number");
                let big = BigRational::new(numerator.into(), (*denominator).into());
                assert_eq!(value.to_big(), big);
                numbers.push((value, big));
            }
        }
        for (a, big_a) in &numbers {
            for (b, big_b) in &numbers {
                assert_eq!((a + b).to_big(), big_a + big_b, "{a} + {b}");
                assert_eq!((a - b).to_big(), big_a - big_b, "{a} - {b}");
                assert_eq!((a * b).to_big(), big_a * big_b, "{a} * {b}");
                assert_eq!(a.cmp(b), big_a.cmp(big_b), "{a} ? {b}");
                assert_eq!(a == b, big_a == big_b);
                if !b.is_zero() {
                    assert_eq!((a / b).to_big(), big_a / big_b, "{a} / {b}");
                    assert_eq!(&(a / b) * b, *a, "there and back is one form");
                }
            }
        }
    }
}
