//! Numbers as decimal digits in place, for columns of millions of them (floor 0).

/// A short text that is written from its end.
pub(super) struct Digits {
    bytes: [u8; Self::ROOM],
    start: usize,
}

impl Digits {
    /// Two numbers of 64 bits with a sign and what stands between them.
    const ROOM: usize = 48;

    /// A whole number.
    pub fn whole(value: i64) -> Self {
        let mut digits = Self { bytes: [0; Self::ROOM], start: Self::ROOM };
        digits.number(value.unsigned_abs());
        digits.sign(value < 0);
        digits
    }

    /// `numerator/denominator`.
    pub fn fraction(numerator: i64, denominator: i64) -> Self {
        let mut digits = Self { bytes: [0; Self::ROOM], start: Self::ROOM };
        digits.number(denominator.unsigned_abs());
        digits.push(b'/');
        digits.number(numerator.unsigned_abs());
        digits.sign(numerator < 0);
        digits
    }

    /// `units x 10^-decimals`, with at least one of at most 18 decimals.
    pub fn decimal(units: i64, decimals: u32) -> Self {
        let mut digits = Self { bytes: [0; Self::ROOM], start: Self::ROOM };
        let mut rest = units.unsigned_abs();
        for _ in 0..decimals {
            digits.push(b'0' + (rest % 10) as u8);
            rest /= 10;
        }
        digits.push(b'.');
        digits.number(rest);
        digits.sign(units < 0);
        digits
    }

    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    fn number(&mut self, mut rest: u64) {
        // Two digits at a time: half the divisions.
        while rest >= 100 {
            let two = (rest % 100) as u8;
            rest /= 100;
            self.push(b'0' + two % 10);
            self.push(b'0' + two / 10);
        }
        let two = rest as u8;
        self.push(b'0' + two % 10);
        if two >= 10 {
            self.push(b'0' + two / 10);
        }
    }

    fn sign(&mut self, negative: bool) {
        if negative {
            self.push(b'-');
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_fit() {
        assert_eq!(Digits::whole(i64::MIN).as_str(), i64::MIN.to_string());
        assert_eq!(Digits::fraction(i64::MIN, i64::MAX).as_str(), format!("{}/{}", i64::MIN, i64::MAX));
        assert_eq!(Digits::decimal(-1205, 2).as_str(), "-12.05");
        assert_eq!(Digits::decimal(5, 3).as_str(), "0.005");
        assert_eq!(Digits::decimal(i64::MIN, 18).as_str(), "-9.223372036854775808");
    }
}
