//! Amounts of money: a whole number of a currency's minor units (floor 0).

use std::fmt;

use num_bigint::BigInt;

use super::rational::{Rational, scaled_text};
use super::round::{Rounding, round_to_decimals};

/// A currency: its ISO 4217 code and how many decimals its minor unit has (USD 2, JPY 0, KWD 3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: String,
    decimals: u32,
}

impl Currency {
    /// Whether amounts of this currency are written with that sign. The dollar sign is that of dollars and pesos, the
    /// pound sign that of pounds, the yen sign that of yen and yuan.
    #[must_use]
    pub fn is_written_with(&self, sign: char) -> bool {
        const DOLLARS: [&str; 40] = [
            "ARS", "AUD", "BBD", "BMD", "BND", "BRL", "BSD", "BZD", "CAD", "CLP", "COP", "CUP", "DOP", "FJD",
            "GYD", "HKD", "JMD", "KYD", "LRD", "MOP", "MXN", "NAD", "NIO", "NZD", "PAB", "SBD", "SGD", "SRD",
            "TOP", "TTD", "TWD", "USD", "UYU", "UYI", "XCD", "ZWL", "ZWG", "CVE", "CLF", "USN",
        ];
        const POUNDS: [&str; 8] = ["EGP", "FKP", "GBP", "GIP", "LBP", "SHP", "SSP", "SYP"];
        match sign {
            '$' => DOLLARS.contains(&self.code.as_str()),
            '\u{20ac}' => self.code == "EUR",
            '\u{a3}' => POUNDS.contains(&self.code.as_str()),
            '\u{a5}' => ["CNY", "JPY"].contains(&self.code.as_str()),
            _ => false,
        }
    }

    /// The currency of an ISO 4217 code, or `None` when the code is not three capital letters.
    /// Minor units: 0 and 3 decimals where ISO 4217 says so, else 2.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        const NONE: [&str; 17] = [
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
            "XAF", "XOF", "XPF",
        ];
        const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
        Self::is_code(code).then(|| Self {
            decimals: match code {
                _ if NONE.contains(&code) => 0,
                _ if THREE.contains(&code) => 3,
                _ => 2,
            },
            code: code.to_owned(),
        })
    }

    /// Whether a text is three capital letters, as the codes of ISO 4217 are.
    #[must_use]
    pub fn is_code(text: &str) -> bool {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    /// ISO 4217 code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Decimals of the minor unit.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        self.decimals
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.code)
    }
}

/// An amount in minor units (cents). There is no way to make one from a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Whole minor units; may be negative.
    pub minor_units: i128,
    /// Whose minor units.
    pub currency: Currency,
}

impl Money {
    /// An exact amount rounded once to the minor unit, or `None` when it does not fit 128 bits.
    #[must_use]
    pub fn round(amount: &Rational, currency: &Currency, rounding: Rounding) -> Option<Self> {
        let minor_units = round_to_decimals(amount, currency.decimals, rounding)?;
        Some(Self { minor_units, currency: currency.clone() })
    }

    /// The exact amount in major units.
    #[must_use]
    pub fn exact(&self) -> Rational {
        Rational::from_scaled(self.minor_units, self.currency.decimals)
    }

    /// The amount without the currency: `1250.50`.
    #[must_use]
    pub fn amount_text(&self) -> String {
        scaled_text(&BigInt::from(self.minor_units), self.currency.decimals)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount_text(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_once_to_the_minor_unit() {
        let amount: Rational = "3657.067231".parse().expect("a number");
        let shown = |code: &str| {
            let currency = Currency::from_code(code).expect("a currency");
            Money::round(&amount, &currency, Rounding::default()).expect("fits").to_string()
        };
        assert_eq!(shown("USD"), "3657.07 USD");
        assert_eq!(shown("JPY"), "3657 JPY");
        assert_eq!(shown("KWD"), "3657.067 KWD");
        assert_eq!(Currency::from_code("usd"), None);
    }
}
