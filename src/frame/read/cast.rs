//! Cells to the type of a column, exactly; every cell that does not fit is a fault of its own.

use polars::prelude::*;
use spm_core::ground::limit;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::{Date, epoch_day};
use spm_core::plan::contract::Type;
use spm_core::plan::project::Cells;

use crate::intake::physical;

/// A column in its type, and the rows whose cell did not fit (null in the column).
#[derive(Debug)]
pub struct Cast {
    /// The values.
    pub column: Column,
    /// For Number: units of 10^-decimals.
    pub decimals: u32,
    /// Index of the row, its text, why it does not fit.
    pub faults: Vec<(usize, String, String)>,
    /// Numbers that are written with a currency sign: index of the row, the sign.
    pub signs: Vec<(usize, char)>,
}

impl Cast {
    fn new(column: Column, decimals: u32, faults: Vec<(usize, String, String)>) -> Self {
        Self { column, decimals, faults, signs: vec![] }
    }
}

/// Brings a column of type `from` with `decimals` to the type `to`.
pub fn cast(column: &Column, from: Type, decimals: u32, to: Type, cells: &Cells) -> Result<Cast, String> {
    let whole = |column: PolarsResult<Column>, decimals| match column {
        Ok(column) => Ok(Cast::new(column, decimals, vec![])),
        Err(error) => Err(error.to_string()),
    };
    match (from, to) {
        (Type::Text, Type::Number) => numbers(column, cells),
        (Type::Text, Type::Float) => each(column, Type::Float, &|text| {
            let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
            value.map(AnyValue::Float64).ok_or_else(|| "not a number".to_owned())
        }),
        (Type::Text, Type::Date) => dates(column, cells),
        (Type::Text, Type::Moment) => moments(column, cells),
        (Type::Text, Type::Boolean) => {
            each(column, Type::Boolean, &|text| match text.trim().to_lowercase().as_str() {
                "true" | "1" | "yes" | "t" | "y" => Ok(AnyValue::Boolean(true)),
                "false" | "0" | "no" | "f" | "n" => Ok(AnyValue::Boolean(false)),
                _ => Err("not true or false".to_owned()),
            })
        }
        (Type::Number, Type::Text) if decimals == 0 => whole(column.cast(&DataType::String), 0),
        (Type::Number, Type::Text) => {
            let texts: StringChunked = column
                .i64()
                .map_err(|error| error.to_string())?
                .iter()
                .map(|units| {
                    units.map(|units| spm_core::ground::rational::scaled_text(&units.into(), decimals))
                })
                .collect_ca(column.name().clone());
            Ok(Cast::new(texts.into_column(), 0, vec![]))
        }
        (Type::Number, Type::Float) => {
            let divisor = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
            whole(column.cast(&DataType::Float64).map(|column| &column / divisor), 0)
        }
        (Type::Float, Type::Number) => floats(column, cells),
        (Type::Number, Type::Boolean) if decimals == 0 => whole(column.cast(&DataType::Boolean), 0),
        (Type::Date | Type::Moment, to @ (Type::Date | Type::Moment)) => whole(column.cast(&physical(to)), 0),
        (Type::Moment, Type::Text) => {
            whole(column.cast(&DataType::Date).and_then(|days| days.cast(&DataType::String)), 0)
        }
        (Type::Date | Type::Boolean, Type::Text) => whole(column.cast(&DataType::String), 0),
        (from, to) if from == to => Ok(Cast::new(column.clone(), decimals, vec![])),
        (from, to) => Err(format!("a {} column cannot become a {}", from.name(), to.name())),
    }
}

fn each<'a>(
    column: &'a Column,
    kind: Type,
    read: &dyn Fn(&'a str) -> Result<AnyValue<'a>, String>,
) -> Result<Cast, String> {
    let texts = column.str().map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    let values: Vec<AnyValue> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let Some(text) = text else { return AnyValue::Null };
            read(text).unwrap_or_else(|reason| {
                faults.push((index, text.to_owned(), reason));
                AnyValue::Null
            })
        })
        .collect();
    let target = match kind {
        Type::Float => DataType::Float64,
        _ => DataType::Boolean,
    };
    let series = Series::from_any_values_and_dtype(column.name().clone(), &values, &target, false)
        .map_err(|error| error.to_string())?;
    Ok(Cast::new(series.into_column(), 0, faults))
}

/// A float column as exact numbers: of the stated decimals, to which its values come near; else whole numbers.
fn floats(column: &Column, cells: &Cells) -> Result<Cast, String> {
    let values = column.f64().map_err(|error| error.to_string())?;
    let decimals = cells.decimals.unwrap_or(0);
    let scale = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
    let noise = |value: f64| match cells.decimals {
        Some(_) => (NEAR / scale).max(2.0 * f64::EPSILON * value.abs()),
        None => 0.0,
    };
    let mut faults = Vec::new();
    let units: Int64Chunked = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let value = value?;
            let nearest = (value * scale).round();
            if nearest.abs() <= 9_007_199_254_740_992.0 && (value - nearest / scale).abs() <= noise(value) {
                #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
                return Some(nearest as i64);
            }
            let why = match cells.decimals {
                Some(decimals) => format!("not near a number of {decimals} decimals"),
                None => "a float, which is not exact: say how many decimals it has, such as decimals = 2, or export the column as text or decimal".to_owned(),
            };
            faults.push((index, value.to_string(), why));
            None
        })
        .collect_ca(column.name().clone());
    Ok(Cast::new(units.into_column(), decimals, faults))
}

fn numbers(column: &Column, cells: &Cells) -> Result<Cast, String> {
    let texts = column.str().map_err(|error| error.to_string())?;
    let (mut faults, mut signs) = (Vec::new(), Vec::new());
    let mut decimals = 0;
    let parsed: Vec<Option<(i64, u32)>> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| match number(text?, cells) {
            Ok((units, places, sign)) => {
                decimals = decimals.max(places);
                signs.extend(sign.map(|sign| (index, sign)));
                Some((units, places))
            }
            Err(reason) => {
                faults.push((index, text.unwrap_or_default().to_owned(), reason));
                None
            }
        })
        .collect();
    let units: Int64Chunked = parsed
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let (units, places) = (*value)?;
            let scaled = 10i64.checked_pow(decimals - places).and_then(|factor| units.checked_mul(factor));
            if scaled.is_none() {
                let text = texts.get(index).unwrap_or_default().to_owned();
                faults.push((
                    index,
                    text,
                    format!("too large for {decimals} decimals, which another row has"),
                ));
            }
            scaled
        })
        .collect_ca(column.name().clone());
    Ok(Cast { signs, ..Cast::new(units.into_column(), decimals, faults) })
}

/// A decimal text as units and decimals, and its currency sign: sign, thousands mark, percent, accounting parentheses.
fn number(text: &str, cells: &Cells) -> Result<(i64, u32, Option<char>), String> {
    let mut rest = text.trim();
    let mut negative = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (negative, rest) = (true, inner.trim());
    }
    let mut percent = false;
    if let Some(inner) = rest.strip_suffix('%') {
        (percent, rest) = (true, inner.trim_end());
    }
    let (mut signed, mut priced) = (negative, None);
    while let Some(first) = rest.chars().next().filter(|first| "+-$\u{20ac}\u{a3}\u{a5}".contains(*first)) {
        let again = match first {
            '+' | '-' => std::mem::replace(&mut signed, true),
            _ => priced.replace(first).is_some(),
        };
        if again {
            return Err(format!("not a number: a second sign, `{first}`"));
        }
        negative |= first == '-';
        rest = rest[first.len_utf8()..].trim_start();
    }
    let (whole, mut fraction) = rest.split_once(cells.decimal).unwrap_or((rest, ""));
    if fraction.len() > FRACTION_KEPT {
        // 1.0000000000000000 of a wide decimal: only digits that matter count.
        fraction = &fraction[..FRACTION_KEPT.max(fraction.trim_end_matches('0').len())];
    }
    let mut up = false;
    if let Some((kept, rest)) =
        cells.decimals.and_then(|decimals| fraction.split_at_checked(decimals as usize))
    {
        up = rest.starts_with("999");
        if !up && !rest.starts_with("000") && !rest.bytes().all(|byte| byte == b'0') {
            return Err(format!("not near a number of {} decimals", kept.len()));
        }
        fraction = kept;
    }
    let mut units: i64 = 0;
    let mut digits = 0;
    let mut since_mark: Option<u32> = None;
    for character in whole.chars() {
        match character.to_digit(10) {
            Some(digit) => {
                units = shift(units, digit)?;
                digits += 1;
                since_mark = since_mark.map(|count| count + 1);
            }
            None if cells.thousands.is_some_and(|mark| {
                mark == character || (mark.is_whitespace() && character.is_whitespace())
            }) =>
            {
                let first = digits > 0 && digits <= 3 && !whole.starts_with('0');
                if !since_mark.map_or(first, |count| count == 3) {
                    return Err(GROUPS.to_owned());
                }
                since_mark = Some(0);
            }
            None => return Err(odd(character, cells)),
        }
    }
    if since_mark.is_some_and(|count| count != 3) {
        return Err(GROUPS.to_owned());
    }
    for character in fraction.chars() {
        let digit = character.to_digit(10).ok_or_else(|| odd(character, cells))?;
        units = shift(units, digit)?;
        digits += 1;
    }
    units = units.checked_add(i64::from(up)).ok_or_else(|| "too many digits".to_owned())?;
    let places =
        u32::try_from(fraction.len()).unwrap_or(u32::MAX).saturating_add(if percent { 2 } else { 0 });
    if digits == 0 {
        return Err("not a number".to_owned());
    }
    if places > limit::COLUMN_DECIMALS_MAX {
        return Err(format!("more than {} decimals", limit::COLUMN_DECIMALS_MAX));
    }
    Ok((if negative { -units } else { units }, places, priced))
}

/// How near a float has to come to a number of the stated decimals, in parts of the last of them.
const NEAR: f64 = 0.001;

/// Zeros after so many decimals count for nothing.
const FRACTION_KEPT: usize = 4;

const GROUPS: &str = "not a number: thousands are not in groups of three";

fn shift(units: i64, digit: u32) -> Result<i64, String> {
    units
        .checked_mul(10)
        .and_then(|units| units.checked_add(i64::from(digit)))
        .ok_or_else(|| "too many digits".to_owned())
}

fn odd(character: char, cells: &Cells) -> String {
    match character {
        ',' if cells.decimal == '.' => {
            "a comma in a number; set thousands = \",\" or decimal = \",\"".to_owned()
        }
        '.' if cells.decimal == ',' => {
            "a point in a number; set thousands = \".\" or decimal = \".\"".to_owned()
        }
        _ if character.is_whitespace() => "a space in a number; set thousands = \" \"".to_owned(),
        'e' | 'E' => "an exponent; export plain decimals".to_owned(),
        _ => "not a number".to_owned(),
    }
}

fn dates(column: &Column, cells: &Cells) -> Result<Cast, String> {
    let texts = column.str().map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    let mut last: Option<(&str, Option<i32>)> = None;
    let days: Int32Chunked = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let text = text?;
            // Neighbouring rows mostly share their date.
            if let Some((seen, day)) = last
                && seen == text
                && day.is_some()
            {
                return day;
            }
            let day = date(text.trim(), &cells.date_format).map(epoch_day);
            if day.is_none() {
                let mut why = format!("not a date of the form {}", cells.date_format);
                if text.trim().parse::<f64>().is_ok_and(|serial| (20_000.0..80_000.0).contains(&serial)) {
                    why +=
                        "; if it is the serial number of a day, format the column as a date in the workbook";
                }
                faults.push((index, text.to_owned(), why));
            }
            last = Some((text, day));
            day
        })
        .collect_ca(column.name().clone());
    Ok(Cast::new(days.into_date().into_column(), 0, faults))
}

fn moments(column: &Column, cells: &Cells) -> Result<Cast, String> {
    let texts = column.str().map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    let mut read = |(index, text): (usize, Option<&str>)| {
        let text = text?;
        let moment = Moment::read(text.trim(), &cells.date_format);
        if moment.is_none() {
            let why = format!(
                "neither a moment such as 2027-02-01T09:30:00Z nor a date of the form {}",
                cells.date_format
            );
            faults.push((index, text.to_owned(), why));
        }
        moment.map(Moment::milliseconds)
    };
    let values: Int64Chunked = texts.iter().enumerate().map(&mut read).collect_ca(column.name().clone());
    let column = values.into_datetime(TimeUnit::Milliseconds, None).into_column();
    Ok(Cast::new(column, 0, faults))
}

/// A date of a strftime pattern; a time after it is dropped.
fn date(text: &str, format: &str) -> Option<Date> {
    let cut = |mark: char| {
        text.split_once(mark)
            .filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
            .map(|(date, _)| date)
    };
    // %Y%m%d would take 2027112 for a day of November, %Y the year 26 for that of a century long gone.
    let tight = format.as_bytes().windows(3).any(|three| three[0] == b'%' && three[2] == b'%');
    let exact = |date: &Date, text: &str| {
        date.year() >= 1000 && (!tight || date.strftime(format).to_string() == text)
    };
    let strict = |text: &str| Date::strptime(format, text).ok().filter(|date| exact(date, text));
    strict(text).or_else(|| cut('T').and_then(strict)).or_else(|| cut(' ').and_then(strict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spm_core::plan::project::Reading;

    fn cells(decimal: char, thousands: Option<char>, date_format: &str) -> Cells {
        Cells { decimal, thousands, date_format: date_format.to_owned(), decimals: None }
    }

    fn text(values: &[&str]) -> Column {
        Column::new("x".into(), values)
    }

    #[test]
    fn numbers_in_many_dresses() {
        let us = cells('.', Some(','), "%Y-%m-%d");
        let result = cast(
            &text(&["1,250.50", "$ 3", "(12.5)", "-$4.125", "8%", "+7"]),
            Type::Text,
            0,
            Type::Number,
            &us,
        )
        .expect("casts");
        assert_eq!(result.decimals, 3);
        let units: Vec<Option<i64>> = result.column.i64().expect("integers").iter().collect();
        assert_eq!(units, [1_250_500, 3_000, -12_500, -4_125, 80, 7_000].map(Some));
        let german = cells(',', Some('.'), "%d.%m.%Y");
        let result = cast(&text(&["1.250,50"]), Type::Text, 0, Type::Number, &german).expect("casts");
        assert_eq!((result.column.i64().expect("integers").get(0), result.decimals), (Some(125_050), 2));
    }

    #[test]
    fn what_is_not_a_number() {
        let plain = Reading::default().cells;
        let wrong = [
            "1,5",
            "1e3",
            "abc",
            "",
            "-",
            "1.2.3",
            "99999999999999999999",
            "12,34",
            "--5",
            "(-5)",
            "+-5",
            "$\u{20ac}5",
        ];
        let result = cast(&text(&wrong), Type::Text, 0, Type::Number, &plain).expect("casts");
        assert_eq!(result.faults.len(), wrong.len(), "{:?}", result.faults);
        let grouped = cells('.', Some(','), "");
        assert_eq!(
            cast(&text(&["1,25", "1,250,00", "1000,000", "0,500"]), Type::Text, 0, Type::Number, &grouped)
                .expect("casts")
                .faults
                .len(),
            4
        );
    }

    #[test]
    fn dates_and_times() {
        let iso = Reading::default().cells;
        let result = cast(
            &text(&["2014-01-31", "2014-01-31 00:00:00.000", "2014-01-31T10:00:00Z", "31.1.2014"]),
            Type::Text,
            0,
            Type::Date,
            &iso,
        )
        .expect("casts");
        assert_eq!(result.faults.len(), 1);
        let us = cells('.', None, "%m/%d/%Y");
        let result = cast(&text(&["1/31/2014", "01/31/2014 12:00 AM"]), Type::Text, 0, Type::Date, &us)
            .expect("casts");
        assert!(result.faults.is_empty(), "{:?}", result.faults);
        let odd = [("%Y%m%d", "2027112"), ("%m/%d/%Y", "01/15/26"), ("%Y-%m-%d", "0026-01-15")];
        for (format, wrong) in odd {
            let result = cast(&text(&[wrong]), Type::Text, 0, Type::Date, &cells('.', None, format));
            assert_eq!(result.expect("casts").faults.len(), 1, "{wrong}");
        }
        let short = cells('.', None, "%m/%d/%y");
        let result = cast(&text(&["01/15/26"]), Type::Text, 0, Type::Date, &short).expect("casts");
        assert!(result.faults.is_empty(), "{:?}", result.faults);
    }

    #[test]
    fn floats_are_not_money() {
        let floats = Column::new("x".into(), &[1.0f64, 0.1]);
        let result = cast(&floats, Type::Float, 0, Type::Number, &Reading::default().cells).expect("casts");
        assert_eq!(result.faults.len(), 1);
    }
}
