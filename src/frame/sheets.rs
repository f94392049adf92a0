//! The table of quotas: names written once for each holder and taken as often as it has periods.

use polars::prelude::*;
use spm_core::engine::quota::{Held, Sheet};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::plan::contract::Type;

use crate::table::{Column as TableColumn, Table};

/// holder_id, level, parent_id, measure, period, amount: one row for each holder and period of each sheet, in their order.
///
/// # Errors
/// A quota beyond 64 bits of the smallest amount.
pub fn quotas(sheets: &[Sheet<'_>]) -> Result<Table, Diagnostic> {
    let internal = |error: PolarsError| Diagnostic::error(Code::SPM502, error.to_string());
    let decimals = sheets.iter().map(|sheet| sheet.decimals).max().unwrap_or(0);
    let rows: usize = sheets.iter().map(|sheet| sheet.holders.len() * sheet.periods.len()).sum();
    let held = |read: for<'s> fn(&Held<'s>) -> Option<&'s str>| {
        // The row of its name, as often as a holder has periods.
        let (mut places, mut place) = (Vec::with_capacity(rows), 0);
        for sheet in sheets {
            for _ in &sheet.holders {
                places.resize(places.len() + sheet.periods.len(), place);
                place += 1;
            }
        }
        let names = sheets.iter().flat_map(|sheet| &sheet.holders).map(|held| read(held));
        (names.collect::<StringChunked>(), places)
    };
    let measures = || {
        let mut places = Vec::with_capacity(rows);
        for (place, sheet) in sheets.iter().enumerate() {
            places.resize(places.len() + sheet.holders.len() * sheet.periods.len(), index(place));
        }
        (sheets.iter().map(|sheet| Some(sheet.measure)).collect::<StringChunked>(), places)
    };
    let periods = || {
        let (mut places, mut first) = (Vec::with_capacity(rows), 0);
        for sheet in sheets {
            let own = first..first + index(sheet.periods.len());
            (0..sheet.holders.len()).for_each(|_| places.extend(own.clone()));
            first = own.end;
        }
        let names = sheets.iter().flat_map(|sheet| sheet.periods).map(|name| Some(&**name));
        (names.collect::<StringChunked>(), places)
    };
    let text = |name: &str, (names, places): (StringChunked, Vec<IdxSize>)| {
        let places = IdxCa::from_vec(name.into(), places);
        names.take(&places).map(|taken| taken.with_name(name.into()).into_column()).map_err(internal)
    };
    let mut amounts: Vec<i64> = Vec::with_capacity(rows);
    for sheet in sheets {
        let factor = 10i128.checked_pow(decimals - sheet.decimals);
        for row in sheet.amounts.chunks(1 + sheet.periods.len()) {
            for amount in &row[1..] {
                let units = factor.and_then(|factor| amount.checked_mul(factor));
                let units = units.and_then(|units| i64::try_from(units).ok());
                amounts.push(units.ok_or_else(|| {
                    Diagnostic::error(Code::SPM402, "a quota leaves 64 bits of its smallest amount")
                })?);
            }
        }
    }
    let data = vec![
        text("holder_id", held(|held| Some(held.holder)))?,
        text("level", held(|held| Some(held.level)))?,
        text("parent_id", held(|held| held.parent))?,
        text("measure", measures())?,
        text("period", periods())?,
        Int64Chunked::from_vec("amount".into(), amounts).into_column(),
    ];
    let kind = |name: &str| if name == "amount" { (Type::Number, decimals) } else { (Type::Text, 0) };
    let columns = data.iter().map(|column| {
        let (kind, decimals) = kind(column.name());
        TableColumn { name: column.name().to_string(), kind, decimals }
    });
    let columns = columns.collect();
    Ok(Table { frame: DataFrame::new(rows, data).map_err(internal)?, columns, files: vec![] })
}

fn index(length: usize) -> IdxSize {
    IdxSize::try_from(length).unwrap_or(IdxSize::MAX)
}
