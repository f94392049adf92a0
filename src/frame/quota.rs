//! The quotas table as exact goals by holder, name and leaf period.

use std::collections::BTreeMap;

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use spm_core::ground::id::PayeeId;
use spm_core::ground::period::{Calendar, from_epoch_day};
use spm_core::ground::rational::Rational;

use crate::intake::place;
use crate::load::Tables;

/// Quotas by holder, name (`quota` when the extract has none) and leaf period. A quota outside the calendar is a
/// warning; two for one holder, name and period are an error.
pub fn quotas(
    tables: &Tables,
    calendar: &Calendar,
    sink: &mut Sink,
) -> BTreeMap<(PayeeId, String, usize), Rational> {
    let mut quotas = BTreeMap::new();
    let Some(table) = tables.get("quotas") else { return quotas };
    let (holders, names, periods) = (table.texts("holder_id"), table.texts("measure"), table.texts("period"));
    let (dates, amounts) = (table.days("date"), table.numbers("amount"));
    let decimals = table.decimals("amount");
    for row in 0..table.frame.height() {
        let holder = holders.and_then(|holders| holders.get(row));
        let amount = amounts.and_then(|amounts| amounts.get(row));
        let (Some(holder), Some(amount)) = (holder, amount) else { continue };
        let name = names.and_then(|names| names.get(row)).unwrap_or("quota");
        let by_name = periods.and_then(|periods| periods.get(row)).map(|name| calendar.index_of(name));
        let by_date = || {
            dates
                .and_then(|dates| dates.get(row))
                .and_then(from_epoch_day)
                .and_then(|date| calendar.find(date))
        };
        let Some(period) = by_name.unwrap_or_else(by_date) else {
            let written = periods.and_then(|periods| periods.get(row)).map(str::to_owned);
            let day = || dates.and_then(|dates| dates.get(row)).and_then(from_epoch_day);
            let written = written.or_else(|| day().map(|day| day.to_string())).unwrap_or_default();
            let message = format!("the quota of {holder} is in no period of the calendar: `{written}`");
            let fault = Diagnostic::warning(Code::SPM012, message).at(place(table, row, None), "");
            sink.push(fault.hint(match near(calendar, &written) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "map `period` to a period of the calendar, or `date` to a day in one".to_owned(),
            }));
            continue;
        };
        let key = (PayeeId::from(holder), name.to_owned(), period);
        if quotas.insert(key, Rational::from_scaled(amount.into(), decimals)).is_some() {
            let message = format!("{holder} has two quotas `{name}` in {}", calendar.periods()[period].name);
            sink.push(
                Diagnostic::error(Code::SPM108, message)
                    .at(place(table, row, None), "this one is the second"),
            );
        }
    }
    quotas
}

/// The period whose name is nearly what was written: the one of the same numbers, however many zeros lead them, or else
/// one of few other letters.
pub(crate) fn near<'c>(calendar: &'c Calendar, written: &str) -> Option<&'c str> {
    fn numbers(name: &str) -> Vec<&str> {
        let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        parts.map(|part| part.trim_start_matches('0')).collect()
    }
    let names = || calendar.periods().iter().map(|period| period.name.as_str());
    let alike = names().find(|name| numbers(name) == numbers(written));
    alike.or_else(|| suggestion(written, names()))
}
