//! Moments in universal time: when something became known (floor 0).

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A moment, to the millisecond, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// The moment of so many milliseconds since 1970; `None` outside of the years that have four digits.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        Timestamp::from_millisecond(milliseconds).ok().map(Self)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The first millisecond of a day.
    #[must_use]
    pub fn start_of(day: Date) -> Option<Self> {
        Self::at(day.to_datetime(Time::midnight()))
    }

    /// The last millisecond of a day: what happened on the day was before.
    #[must_use]
    pub fn end_of(day: Date) -> Option<Self> {
        let next = Self::start_of(day.checked_add(1.day()).ok()?)?;
        Self::from_milliseconds(next.milliseconds() - 1)
    }

    fn at(time: DateTime) -> Option<Self> {
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| Self(zoned.timestamp()))
    }

    /// The moment that a cell says: ISO 8601 with or without a zone (UTC then), a text of the strftime pattern, or a date
    /// of the pattern with a time of day after it. A date alone is its first millisecond.
    #[must_use]
    pub fn read(text: &str, pattern: &str) -> Option<Self> {
        if let Ok(stamp) = text.parse::<Timestamp>() {
            return Some(Self(stamp));
        }
        if let Ok(date) = Date::strptime(pattern, text) {
            return DateTime::strptime(pattern, text).ok().map_or_else(|| Self::start_of(date), Self::at);
        }
        let split = |mark: char| {
            let (day, time) = text.split_once(mark)?;
            Self::at(Date::strptime(pattern, day).ok()?.to_datetime(time_of_day(time.trim())?))
        };
        split('T').or_else(|| split(' '))
    }

    /// A moment with its zone, or the end of a day.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn or_end_of_day(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text} is neither a day (2027-02-14) nor a moment with its zone (2027-02-14T09:30:00Z)")
        };
        let day = || Self::end_of(Date::strptime("%Y-%m-%d", text).ok()?);
        text.parse().ok().or_else(day).ok_or_else(wrong)
    }

    /// As the ledger writes it, to the second.
    #[must_use]
    pub fn to_seconds(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    let patterns = ["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p"];
    patterns.into_iter().find_map(|pattern| Time::strptime(pattern, text).ok())
}

/// A moment with its zone, such as `2027-02-01T09:30:00Z`.
impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<Timestamp>().map(Self).map_err(|_| {
            format!("{text} is not a moment with its zone, such as 2027-02-01T09:30:00Z or 2027-02-01T10:30:00+01:00")
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.milliseconds().rem_euclid(1000) {
            0 => formatter.write_str(&self.to_seconds()),
            part => write!(formatter, "{}.{part:03}Z", self.0.strftime("%Y-%m-%dT%H:%M:%S")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, pattern: &str) -> Option<String> {
        Moment::read(text, pattern).map(|moment| moment.to_string())
    }

    #[test]
    fn moments_in_many_dresses() {
        let iso = "%Y-%m-%d";
        for (text, pattern, want) in [
            ("2027-02-14T10:31:00Z", iso, "2027-02-14T10:31:00Z"),
            ("2027-02-14T10:31:00+01:00", iso, "2027-02-14T09:31:00Z"),
            ("2027-02-14 10:31:00.250", iso, "2027-02-14T10:31:00.250Z"),
            ("2027-02-14T10:31", iso, "2027-02-14T10:31:00Z"),
            ("2027-02-14", iso, "2027-02-14T00:00:00Z"),
            ("2/14/2027 1:05 PM", "%m/%d/%Y", "2027-02-14T13:05:00Z"),
            ("14.02.2027 13:05", "%d.%m.%Y %H:%M", "2027-02-14T13:05:00Z"),
        ] {
            assert_eq!(read(text, pattern).as_deref(), Some(want), "{text}");
        }
        for wrong in ["2027-02-30", "2027-02-14 noon", "14.2.2027", "", "2027-02-14T25:00:00Z"] {
            assert_eq!(read(wrong, iso), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_ends_before_the_next() {
        let day = jiff::civil::date(2027, 2, 14);
        let end = Moment::end_of(day).expect("a moment");
        assert_eq!(end.to_string(), "2027-02-14T23:59:59.999Z");
        assert_eq!(end.to_seconds(), "2027-02-14T23:59:59Z");
        assert!("2027-02-14T23:59:59Z".parse::<Moment>().expect("a moment") < end);
        assert!("2027-02-14T23:59:59".parse::<Moment>().is_err());
        assert_eq!(Moment::or_end_of_day("2027-02-14"), Ok(end));
        assert!(Moment::or_end_of_day("2027-02-14T10:00").is_err());
    }
}
