//! Exact fractions.

use std::cmp::Ordering;
use std::fmt::Display;
use std::ops::{Add, Div, Mul, Sub};

/// An exact fraction, reduced, with a positive denominator; panics rather than overflows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Q(pub i128, pub i128);

pub const ZERO: Q = Q(0, 1);
pub const ONE: Q = Q(1, 1);

pub fn q(n: i128, d: i128) -> Q {
    let (mut a, mut b) = (n.abs(), d.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    assert!(d != 0, "a division by zero");
    Q(d.signum() * n / a, d.abs() / a)
}

fn times(a: i128, b: i128) -> i128 {
    a.checked_mul(b).expect("a fraction that fits")
}

macro_rules! operators {
    ($($operator:ident $name:ident |$a:ident, $b:ident| $n:expr, $d:expr;)*) => {
        $(impl $operator for Q {
            type Output = Q;
            fn $name(self, other: Q) -> Q {
                let ($a, $b) = (self, other);
                q($n, $d)
            }
        })*
    };
}

operators! {
    Add add |a, b| times(a.0, b.1).checked_add(times(b.0, a.1)).expect("a fraction that fits"), times(a.1, b.1);
    Sub sub |a, b| times(a.0, b.1).checked_sub(times(b.0, a.1)).expect("a fraction that fits"), times(a.1, b.1);
    Mul mul |a, b| times(a.0, b.0), times(a.1, b.1);
    Div div |a, b| times(a.0, b.1), times(a.1, b.0);
}

impl Ord for Q {
    fn cmp(&self, other: &Q) -> Ordering {
        times(self.0, other.1).cmp(&times(other.0, self.1))
    }
}

impl PartialOrd for Q {
    fn partial_cmp(&self, other: &Q) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::iter::Sum for Q {
    fn sum<I: Iterator<Item = Q>>(values: I) -> Q {
        values.fold(ZERO, Add::add)
    }
}

/// As a plan states it, small fractions as a percentage. Everything that is invented has at most four decimals.
impl Display for Q {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (unit, mark) = if self.0 < 5 * self.1 && self.1 > 1 { (100, "%") } else { (1, "") };
        let scaled = self.0 * unit * 10_000 / self.1;
        let text = format!("{}.{:04}", scaled / 10_000, scaled % 10_000);
        write!(f, "{}{mark}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}
