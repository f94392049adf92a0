//! Rows of quotas, made when they are needed: a name is kept once for each holder, though it has a row in each period.

use std::io;
use std::sync::Arc;

use polars::prelude::*;
use spm_core::engine::quota::Sheet;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::plan::contract::Type;

use crate::table::{Cells, Column as TableColumn, Rows, Table};

/// The quotas of some measures: holder_id, level, parent_id, measure, period, amount; one row for each holder and period of
/// each measure, in their order.
#[derive(Debug, Default)]
pub struct Quotas {
    measures: Vec<Measure>,
    decimals: u32,
    /// Names of the holders of all measures, one after the other, each with its level and parent.
    holders: StringChunked,
    levels: StringChunked,
    parents: StringChunked,
    /// Names of the periods of all measures, one after the other.
    periods: StringChunked,
    /// Names of the measures.
    names: StringChunked,
}

/// The quotas of one measure.
#[derive(Debug)]
struct Measure {
    holders: usize,
    periods: usize,
    /// Holder by holder the periods, in units of 10^-decimals.
    amounts: Vec<i64>,
    decimals: u32,
}

impl Quotas {
    /// Of these sheets.
    #[must_use]
    pub fn of(sheets: &[Sheet<'_>]) -> Self {
        let mut measures = vec![];
        for sheet in sheets {
            let mut amounts = Vec::with_capacity(sheet.holders.len() * sheet.periods.len());
            for row in sheet.amounts.chunks(1 + sheet.periods.len()) {
                amounts.extend_from_slice(&row[1..]);
            }
            let (holders, periods) = (sheet.holders.len(), sheet.periods.len());
            measures.push(Measure { holders, periods, amounts, decimals: sheet.decimals });
        }
        let held = || sheets.iter().flat_map(|sheet| &sheet.holders);
        Self {
            decimals: sheets.iter().map(|sheet| sheet.decimals).max().unwrap_or(0),
            measures,
            holders: held().map(|held| Some(held.holder)).collect(),
            levels: held().map(|held| Some(held.level)).collect(),
            parents: held().map(|held| held.parent).collect(),
            periods: sheets.iter().flat_map(|sheet| sheet.periods).map(|name| Some(&**name)).collect(),
            names: sheets.iter().map(|sheet| Some(sheet.measure)).collect(),
        }
    }

    /// Several below each other.
    ///
    /// # Errors
    /// A quota beyond 64 bits, with the decimals of the others.
    pub fn below(all: Vec<Self>) -> Result<Self, Diagnostic> {
        let decimals = all.iter().map(|own| own.decimals).max().unwrap_or(0);
        let mut below = Self { decimals, ..Self::default() };
        for own in all {
            for (names, more) in [
                (&mut below.holders, own.holders),
                (&mut below.levels, own.levels),
                (&mut below.parents, own.parents),
                (&mut below.periods, own.periods),
                (&mut below.names, own.names),
            ] {
                names.append_owned(more).map_err(|_| too_large())?;
            }
            below.measures.extend(own.measures);
        }
        for measure in &mut below.measures {
            let factor = 10i64.checked_pow(below.decimals - measure.decimals).ok_or_else(too_large)?;
            if factor != 1 {
                for amount in &mut measure.amounts {
                    *amount = amount.checked_mul(factor).ok_or_else(too_large)?;
                }
                measure.decimals = below.decimals;
            }
        }
        Ok(below)
    }
}

fn too_large() -> Diagnostic {
    Diagnostic::error(Code::SPM402, "a quota leaves 64 bits of its smallest amount")
}

impl Rows for Quotas {
    fn height(&self) -> usize {
        self.measures.iter().map(|measure| measure.amounts.len()).sum()
    }

    fn rows(&self, from: usize, length: usize) -> io::Result<Table> {
        let names = ["holder_id", "level", "parent_id", "measure", "period", "amount"];
        let named = |(cells, name): (Cells<'_>, &str)| match cells {
            Cells::Each(values) => Ok(values.with_name(name.into())),
            Cells::Repeated(keys, texts) => {
                let keys = IdxCa::from_vec("".into(), keys.to_vec());
                texts.take(&keys).map(|taken| taken.with_name(name.into()).into_column())
            }
        };
        let columns = self.cells(from, length)?.into_iter().zip(names).map(named);
        let columns: Vec<_> = columns.collect::<PolarsResult<_>>().map_err(io::Error::other)?;
        let kind =
            |name: &str| if name == "amount" { (Type::Number, self.decimals) } else { (Type::Text, 0) };
        let described = names.map(|name| {
            let (kind, decimals) = kind(name);
            TableColumn { name: name.to_owned(), kind, decimals }
        });
        let frame = DataFrame::new_infer_height(columns).map_err(io::Error::other)?;
        Ok(Table { frame, columns: described.to_vec(), files: vec![] })
    }

    fn cells(&self, from: usize, length: usize) -> io::Result<Vec<Cells<'_>>> {
        let to = from.saturating_add(length);
        let index = |place: usize| IdxSize::try_from(place).map_err(io::Error::other);
        let room = length.min(self.height());
        let mut holders = Vec::with_capacity(room);
        let mut measures = Vec::with_capacity(room);
        let mut periods = Vec::with_capacity(room);
        let mut amounts = Vec::with_capacity(room);
        let (mut first, mut holder, mut period) = (0, 0, 0);
        for (number, measure) in self.measures.iter().enumerate() {
            let end = first + measure.amounts.len();
            let (start, stop) = (from.clamp(first, end), to.clamp(first, end));
            let (number, holder_from, period_from) = (index(number)?, index(holder)?, index(period)?);
            for row in start - first..stop - first {
                holders.push(holder_from + index(row / measure.periods)?);
                periods.push(period_from + index(row % measure.periods)?);
            }
            measures.resize(holders.len(), number);
            amounts.extend_from_slice(&measure.amounts[start - first..stop - first]);
            (first, holder, period) = (end, holder + measure.holders, period + measure.periods);
        }
        let holders: Arc<[IdxSize]> = holders.into();
        Ok(vec![
            Cells::Repeated(holders.clone(), &self.holders),
            Cells::Repeated(holders.clone(), &self.levels),
            Cells::Repeated(holders, &self.parents),
            Cells::Repeated(measures.into(), &self.names),
            Cells::Repeated(periods.into(), &self.periods),
            Cells::Each(Int64Chunked::from_vec("amount".into(), amounts).into_column()),
        ])
    }
}
