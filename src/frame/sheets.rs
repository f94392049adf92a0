//! Rows of quotas, made when they are needed: a name is kept once for each holder, though it has a row in each period.

use std::io;

use polars::prelude::*;
use spm_core::engine::quota::Sheet;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::plan::contract::Type;

use crate::table::{Column as TableColumn, Rows, Table};

/// The quotas of some measures: holder_id, level, parent_id, measure, period, amount; one row for each holder and period of
/// each measure, in their order.
#[derive(Debug, Default)]
pub struct Quotas {
    measures: Vec<Measure>,
    decimals: u32,
}

/// The quotas of one measure.
#[derive(Debug)]
struct Measure {
    name: String,
    periods: StringChunked,
    holders: StringChunked,
    levels: StringChunked,
    parents: StringChunked,
    /// Holder by holder the periods, in units of 10^-decimals.
    amounts: Vec<i64>,
    decimals: u32,
}

impl Quotas {
    /// Of these sheets.
    ///
    /// # Errors
    /// A quota beyond 64 bits of the smallest amount.
    pub fn of(sheets: &[Sheet<'_>]) -> Result<Self, Diagnostic> {
        let mut all = Self::default();
        for sheet in sheets {
            let mut amounts = Vec::with_capacity(sheet.holders.len() * sheet.periods.len());
            for row in sheet.amounts.chunks(1 + sheet.periods.len()) {
                for amount in &row[1..] {
                    amounts.push(i64::try_from(*amount).map_err(|_| too_large())?);
                }
            }
            all.decimals = all.decimals.max(sheet.decimals);
            all.measures.push(Measure {
                name: sheet.measure.to_owned(),
                periods: sheet.periods.iter().map(|name| Some(&**name)).collect(),
                holders: sheet.holders.iter().map(|held| Some(held.holder)).collect(),
                levels: sheet.holders.iter().map(|held| Some(held.level)).collect(),
                parents: sheet.holders.iter().map(|held| held.parent).collect(),
                amounts,
                decimals: sheet.decimals,
            });
        }
        Ok(all)
    }

    /// Several below each other.
    ///
    /// # Errors
    /// A quota beyond 64 bits, with the decimals of the others.
    pub fn below(all: Vec<Self>) -> Result<Self, Diagnostic> {
        let decimals = all.iter().map(|own| own.decimals).max().unwrap_or(0);
        let mut measures: Vec<Measure> = all.into_iter().flat_map(|own| own.measures).collect();
        for measure in &mut measures {
            let factor = 10i64.checked_pow(decimals - measure.decimals).ok_or_else(too_large)?;
            if factor != 1 {
                for amount in &mut measure.amounts {
                    *amount = amount.checked_mul(factor).ok_or_else(too_large)?;
                }
                measure.decimals = decimals;
            }
        }
        Ok(Self { measures, decimals })
    }
}

fn too_large() -> Diagnostic {
    Diagnostic::error(Code::SPM402, "a quota leaves 64 bits of its smallest amount")
}

impl Measure {
    fn frame(&self, from: usize, to: usize) -> PolarsResult<DataFrame> {
        let count = self.periods.len();
        let index = |place: usize| IdxSize::try_from(place).unwrap_or(IdxSize::MAX);
        let holders: Vec<IdxSize> = (from..to).map(|row| index(row / count)).collect();
        let holders = IdxCa::from_vec("".into(), holders);
        let periods: Vec<IdxSize> = (from..to).map(|row| index(row % count)).collect();
        let periods = IdxCa::from_vec("".into(), periods);
        let text = |name: &str, names: &StringChunked, places: &IdxCa| {
            names.take(places).map(|taken| taken.with_name(name.into()).into_column())
        };
        let columns = vec![
            text("holder_id", &self.holders, &holders)?,
            text("level", &self.levels, &holders)?,
            text("parent_id", &self.parents, &holders)?,
            StringChunked::full("measure".into(), &self.name, to - from).into_column(),
            text("period", &self.periods, &periods)?,
            Int64Chunked::from_slice("amount".into(), &self.amounts[from..to]).into_column(),
        ];
        DataFrame::new(to - from, columns)
    }
}

impl Rows for Quotas {
    fn height(&self) -> usize {
        self.measures.iter().map(|measure| measure.amounts.len()).sum()
    }

    fn rows(&self, from: usize, length: usize) -> io::Result<Table> {
        let to = from.saturating_add(length);
        let (mut first, mut frame): (usize, Option<DataFrame>) = (0, None);
        for measure in &self.measures {
            let end = first + measure.amounts.len();
            let (start, stop) = (from.clamp(first, end), to.clamp(first, end));
            if start < stop || frame.is_none() {
                let own = measure.frame(start - first, stop - first).map_err(io::Error::other)?;
                match &mut frame {
                    Some(frame) if frame.height() > 0 => {
                        frame.vstack_mut_owned(own).map_err(io::Error::other)?;
                    }
                    frame => *frame = Some(own),
                }
            }
            first = end;
        }
        let kind =
            |name: &str| if name == "amount" { (Type::Number, self.decimals) } else { (Type::Text, 0) };
        let names = ["holder_id", "level", "parent_id", "measure", "period", "amount"];
        let columns = names.map(|name| {
            let (kind, decimals) = kind(name);
            TableColumn { name: name.to_owned(), kind, decimals }
        });
        Ok(Table { frame: frame.unwrap_or_default(), columns: columns.to_vec(), files: vec![] })
    }
}
