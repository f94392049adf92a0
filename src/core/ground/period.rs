//! Dates, half-open ranges and the fiscal calendar (floor 0).

use std::fmt;

pub use jiff::civil::Date;
use jiff::{Span, ToSpan, Unit};

use super::limit;

/// Days from `from` (included) to `to` (excluded). Half-open, so that ranges chain without gap or double day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateRange {
    /// First day.
    pub from: Date,
    /// First day after.
    pub to: Date,
}

impl DateRange {
    /// The range, or `None` when it holds no day.
    #[must_use]
    pub fn new(from: Date, to: Date) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// True when the day lies inside.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && day < self.to
    }

    /// Number of days, at least one.
    #[must_use]
    pub fn days(&self) -> i64 {
        days_between(self.from, self.to)
    }

    /// The days in both, or `None`.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from == Date::MIN, self.to == Date::MAX) {
            (true, true) => formatter.write_str("always"),
            (true, false) => write!(formatter, "before {}", self.to),
            (false, true) => write!(formatter, "from {} on", self.from),
            (false, false) => write!(formatter, "[{}, {})", self.from, self.to),
        }
    }
}

/// Days from one date to the other, negative when it is earlier.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from(from.until((Unit::Day, to)).map_or(0, |span| span.get_days()))
}

/// Days since 1970-01-01, as date columns hold them.
#[must_use]
pub fn epoch_day(date: Date) -> i32 {
    i32::try_from(days_between(Date::constant(1970, 1, 1), date)).unwrap_or(i32::MAX)
}

/// The date of a number of days since 1970-01-01, or `None` beyond year 9999.
#[must_use]
pub fn from_epoch_day(days: i32) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

/// A leaf period of the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// As users type it: `2027-01`, `P3`.
    pub name: String,
    /// Its days.
    pub range: DateRange,
    /// Fiscal year label, `2027`.
    pub year: String,
    /// Quarter inside the year, 1 to 4.
    pub quarter: u8,
}

/// Chained leaf periods, grouped into fiscal quarters and years.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    periods: Vec<Period>,
}

/// Why a calendar or a period name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodError(pub String);

impl fmt::Display for PeriodError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How a fiscal year is cut into leaf periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Calendar months; the name is `YEAR-MM` with MM counted from the start of the fiscal year.
    Months,
    /// Months of 4, 4 and 5 weeks in each quarter; 52 weeks from the given start.
    Weeks445,
    /// Two halves a month, the second from the 16th.
    HalfMonths,
    /// Weeks of seven days from the given start, 13 a quarter.
    Weeks,
    /// Calendar quarters as leaf periods.
    Quarters,
}

impl Pattern {
    /// Names as `spm.toml` writes them.
    pub const NAMES: [&'static str; 5] = ["months", "4-4-5", "half-months", "weeks", "quarters"];

    /// The pattern of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "months" => Self::Months,
            "4-4-5" => Self::Weeks445,
            "half-months" => Self::HalfMonths,
            "weeks" => Self::Weeks,
            "quarters" => Self::Quarters,
            _ => return None,
        })
    }

    fn is_weekly(self) -> bool {
        matches!(self, Self::Weeks445 | Self::Weeks)
    }
}

impl Calendar {
    /// A calendar of `years` fiscal years of a regular pattern, the first starting on `start`.
    /// A fiscal year is named after the calendar year in which it ends, as most companies do.
    pub fn regular(pattern: Pattern, start: Date, years: usize) -> Result<Self, PeriodError> {
        let mut periods = Vec::new();
        let mut year_start = start;
        for _ in 0..years {
            let year_end = step(year_start, pattern, 1, start)?;
            let last_day = year_end.yesterday().map_err(|error| PeriodError(error.to_string()))?;
            let label = last_day.year().to_string();
            let mut cuts = cuts_of(pattern, year_start)?;
            cuts.push((year_end, 0));
            let width = if cuts.len() > 100 { 3 } else { 2 };
            for (index, pair) in cuts.windows(2).enumerate() {
                let [(from, quarter), (to, _)] = pair else { continue };
                let number = index + 1;
                let name = match pattern {
                    Pattern::Months | Pattern::Weeks445 => format!("{label}-{number:0width$}"),
                    Pattern::HalfMonths => {
                        format!("{label}-{:02}{}", index / 2 + 1, ["A", "B"][index % 2])
                    }
                    Pattern::Weeks => format!("{label}-W{number:0width$}"),
                    Pattern::Quarters => format!("{label}-Q{number}"),
                };
                let range = DateRange { from: *from, to: *to };
                periods.push(Period { name, range, year: label.clone(), quarter: *quarter });
            }
            year_start = year_end;
        }
        Self::of(periods)
    }

    /// A calendar of named periods with boundaries of any length: `names[i]` is `[boundaries[i], boundaries[i + 1])`.
    /// So many periods make a year, in four quarters.
    pub fn irregular(names: &[String], boundaries: &[Date], in_year: usize) -> Result<Self, PeriodError> {
        if boundaries.len() != names.len() + 1 {
            return Err(PeriodError(format!(
                "{} periods need {} boundaries, found {}",
                names.len(),
                names.len() + 1,
                boundaries.len()
            )));
        }
        let mut periods = Vec::new();
        for (index, (name, pair)) in names.iter().zip(boundaries.windows(2)).enumerate() {
            let [from, to] = pair else { continue };
            let range = DateRange::new(*from, *to).ok_or_else(|| {
                PeriodError(format!("period {name} ends at {to}, not after its start {from}"))
            })?;
            let quarter = u8::try_from(index % in_year * 4 / in_year + 1).unwrap_or(1);
            let year = (index / in_year + 1).to_string();
            periods.push(Period { name: name.clone(), range, year, quarter });
        }
        Self::of(periods)
    }

    fn of(periods: Vec<Period>) -> Result<Self, PeriodError> {
        if periods.is_empty() || periods.len() > limit::PERIODS_MAX {
            return Err(PeriodError(format!("a calendar has 1 to {} periods", limit::PERIODS_MAX)));
        }
        for pair in periods.windows(2) {
            let [a, b] = pair else { continue };
            if a.range.to != b.range.from {
                return Err(PeriodError(format!(
                    "period {} ends at {}, but {} starts at {}",
                    a.name, a.range.to, b.name, b.range.from
                )));
            }
        }
        let mut names: Vec<&str> = periods.iter().map(|period| period.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PeriodError(format!("two periods are named {}", pair[0])));
        }
        Ok(Self { periods })
    }

    /// All leaf periods in order.
    #[must_use]
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// From the first day of the first period to the day after the last.
    ///
    /// # Panics
    /// Never: a calendar has at least one period.
    #[must_use]
    pub fn range(&self) -> DateRange {
        let first = self.periods.first().expect("a calendar has a period");
        let last = self.periods.last().expect("a calendar has a period");
        DateRange { from: first.range.from, to: last.range.to }
    }

    /// The leaf periods of the same quarter or fiscal year as this one, or this one alone.
    #[must_use]
    pub fn group(&self, index: usize, group: Group) -> std::ops::Range<usize> {
        let own = &self.periods[index];
        let together = |other: &Period| match group {
            Group::Period => other.name == own.name,
            Group::Quarter => other.year == own.year && other.quarter == own.quarter,
            Group::Year => other.year == own.year,
        };
        let before = self.periods[..index].iter().rev().take_while(|other| together(other)).count();
        let after = self.periods[index..].iter().take_while(|other| together(other)).count();
        index - before..index + after
    }

    /// Index of the leaf period that holds the day.
    #[must_use]
    pub fn find(&self, day: Date) -> Option<usize> {
        let after = self.periods.partition_point(|period| period.range.from <= day);
        let index = after.checked_sub(1)?;
        self.periods[index].range.contains(day).then_some(index)
    }

    /// Index of the leaf period of that name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.periods.iter().position(|period| period.name == name)
    }

    /// The indices of the leaf periods that a user means: a leaf name, a group (`2027`, `2027-Q1`, or `Q1` when the
    /// calendar has one year only), or a range of those (`P1..P3`, both ends included). Always a contiguous run.
    pub fn resolve(&self, text: &str) -> Result<std::ops::Range<usize>, PeriodError> {
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (self.resolve(from.trim())?, self.resolve(to.trim())?);
            return if from.start < to.end {
                Ok(from.start..to.end)
            } else {
                Err(PeriodError(format!("the range {text} ends before it starts")))
            };
        }
        if let Some(index) = self.index_of(text) {
            return Ok(index..index + 1);
        }
        let matching = |period: &Period| {
            let quarter = format!("Q{}", period.quarter);
            text == period.year || text == quarter || text == format!("{}-{quarter}", period.year)
        };
        let found: Vec<usize> =
            (0..self.periods.len()).filter(|index| matching(&self.periods[*index])).collect();
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Err(PeriodError(format!("the calendar has no period {text:?}")));
        };
        if last - first + 1 != found.len() {
            let first_year = &self.periods[*first].year;
            return Err(PeriodError(format!(
                "{text} occurs in several years; say which, for example {first_year}-{text}"
            )));
        }
        Ok(*first..last + 1)
    }
}

/// Leaf periods that belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// A leaf period by itself.
    #[default]
    Period,
    /// A quarter.
    Quarter,
    /// A fiscal year.
    Year,
}

/// The start of the fiscal year `years` after the one that starts on `date`.
fn step(date: Date, pattern: Pattern, years: i32, anchor: Date) -> Result<Date, PeriodError> {
    let span = if pattern.is_weekly() { (52 * years).weeks() } else { years.years() };
    let next = date.checked_add(span).map_err(|error| PeriodError(error.to_string()))?;
    debug_assert!(next > anchor);
    Ok(next)
}

/// Start days of the leaf periods of one year, each with its quarter.
fn cuts_of(pattern: Pattern, start: Date) -> Result<Vec<(Date, u8)>, PeriodError> {
    let spans: Vec<Span> = match pattern {
        Pattern::Months => (0..12).map(|month| month.months()).collect(),
        Pattern::Quarters => (0..4).map(|quarter| (quarter * 3).months()).collect(),
        Pattern::Weeks => (0..52).map(|week| week.weeks()).collect(),
        Pattern::Weeks445 => (0..12)
            .map(|month| (month / 3 * 13 + [0, 4, 8][usize::try_from(month % 3).unwrap_or(0)]).weeks())
            .collect(),
        Pattern::HalfMonths => (0..24)
            .map(|half| if half % 2 == 0 { (half / 2).months() } else { (half / 2).months().days(15) })
            .collect(),
    };
    let count = spans.len();
    spans
        .into_iter()
        .enumerate()
        .map(|(index, span)| {
            let date = start.checked_add(span).map_err(|error| PeriodError(error.to_string()))?;
            let quarter = u8::try_from(index * 4 / count + 1).unwrap_or(4);
            Ok((date, quarter))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }

    #[test]
    fn months_with_a_fiscal_offset() {
        let calendar = Calendar::regular(Pattern::Months, day("2026-07-01"), 2).expect("a calendar");
        assert_eq!(calendar.periods().len(), 24);
        let first = &calendar.periods()[0];
        assert_eq!((first.name.as_str(), first.quarter), ("2027-01", 1));
        assert_eq!(calendar.resolve("2027-Q2"), Ok(3..6));
        assert_eq!(calendar.resolve("2028"), Ok(12..24));
        assert_eq!(calendar.resolve("2027-11..2028-Q1"), Ok(10..15));
        assert!(calendar.resolve("Q1").is_err(), "two years have a Q1");
        assert_eq!(calendar.find(day("2026-07-31")), Some(0));
        assert_eq!(calendar.find(day("2026-06-30")), None);
    }

    #[test]
    fn irregular_boundaries() {
        let names: Vec<String> = ["P1", "P2", "P3", "P4", "P5"].map(str::to_owned).to_vec();
        let cuts =
            ["2011-05-31", "2011-08-31", "2011-12-01", "2012-02-29", "2012-05-30", "2012-08-30"].map(day);
        let calendar = Calendar::irregular(&names, &cuts, 4).expect("a calendar");
        assert_eq!(calendar.resolve("P2..P3"), Ok(1..3));
        assert_eq!(
            calendar.find(day("2011-08-31")),
            Some(1),
            "half-open: a boundary belongs to the later period"
        );
        assert_eq!(calendar.resolve("1"), Ok(0..4));
        assert!(calendar.resolve("P9").is_err());
        assert!(Calendar::irregular(&names, &cuts[..5], 4).is_err());
        // Each of four periods is a quarter; the fifth begins another year.
        assert_eq!(calendar.group(1, Group::Quarter), 1..2);
        assert_eq!((calendar.group(1, Group::Year), calendar.group(4, Group::Year)), (0..4, 4..5));
    }

    #[test]
    fn a_year_of_53_weeks_is_written_as_boundaries() {
        // Twelve months of 4, 4 and 5 weeks, the last one of 6; then the next year.
        let weeks = [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 6, 4];
        let mut cuts = vec![day("2027-02-01")];
        for weeks in weeks {
            cuts.push(cuts[cuts.len() - 1].checked_add(Span::new().weeks(weeks)).expect("a day"));
        }
        let names: Vec<String> = (1..=weeks.len()).map(|number| format!("M{number}")).collect();
        let calendar = Calendar::irregular(&names, &cuts, 12).expect("a calendar");
        assert_eq!(calendar.group(0, Group::Year), 0..12);
        assert_eq!(calendar.group(11, Group::Quarter), 9..12);
        assert_eq!(calendar.periods()[11].range.days(), 42);
        assert_eq!(calendar.group(12, Group::Year), 12..13);
        // A pattern of weeks has 52 in each year.
        let regular = Calendar::regular(Pattern::Weeks445, day("2027-02-01"), 2).expect("a calendar");
        assert_eq!(regular.periods()[12].range.from, day("2028-01-31"));
    }

    #[test]
    fn weeks_and_half_months_chain() {
        for (pattern, count) in
            [(Pattern::Weeks445, 12), (Pattern::Weeks, 52), (Pattern::HalfMonths, 24), (Pattern::Quarters, 4)]
        {
            let calendar = Calendar::regular(pattern, day("2027-02-01"), 1).expect("a calendar");
            assert_eq!(calendar.periods().len(), count);
            let quarters: Vec<u8> = calendar.periods().iter().map(|period| period.quarter).collect();
            assert!(quarters.is_sorted() && quarters.contains(&4));
        }
    }
}
