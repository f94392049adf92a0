//! Rows of quotas and of what they consist of, made when they are needed: a name is kept once for each holder, though it has
//! a row in each period.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::engine::quota::{Allocation, Binding, Sheet, published};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::plan::contract::Type;
use spm_core::plan::quotas::QuotaPlan;

use crate::table::{Cells, Column as TableColumn, Rows, Table, stacked};
use crate::write::{Builder, Texts};

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
    /// Holder by holder the year and then the periods, in units of 10^-decimals.
    amounts: Arc<Vec<i64>>,
    decimals: u32,
}

impl Quotas {
    /// Of these sheets.
    #[must_use]
    pub fn of(sheets: &[Sheet<'_>]) -> Self {
        let measure = |sheet: &Sheet<'_>| Measure {
            holders: sheet.holders.len(),
            periods: sheet.periods.len(),
            amounts: sheet.amounts.clone(),
            decimals: sheet.decimals,
        };
        let held = || sheets.iter().flat_map(|sheet| &sheet.holders);
        Self {
            decimals: sheets.iter().map(|sheet| sheet.decimals).max().unwrap_or(0),
            measures: sheets.iter().map(measure).collect(),
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
                for amount in Arc::make_mut(&mut measure.amounts) {
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
        self.measures.iter().map(|measure| measure.holders * measure.periods).sum()
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
            let end = first + measure.holders * measure.periods;
            let (start, stop) = (from.clamp(first, end), to.clamp(first, end));
            let (number, holder_from, period_from) = (index(number)?, index(holder)?, index(period)?);
            for row in start - first..stop - first {
                let (own, place) = (row / measure.periods, row % measure.periods);
                holders.push(holder_from + index(own)?);
                periods.push(period_from + index(place)?);
                // The year comes first.
                amounts.push(measure.amounts[own * (1 + measure.periods) + 1 + place]);
            }
            measures.resize(holders.len(), number);
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

/// Why quotas are what they are: holder_id, measure, amount, the parts that add up to it, weight, availability,
/// compounded_over_assignment, ramp_gap, binding, note; one row for each holder of each plan, made when it is needed.
#[derive(Debug)]
pub struct Parts<'a> {
    company: &'a str,
    plans: Vec<(&'a QuotaPlan, Allocation)>,
}

impl<'a> Parts<'a> {
    /// Of the quotas of these plans.
    #[must_use]
    pub fn of(company: &'a str, plans: Vec<(&'a QuotaPlan, Allocation)>) -> Self {
        Self { company, plans }
    }

    /// Some rows of a plan, exactly as texts.
    fn made(&self, plan: usize, rows: Range<usize>) -> io::Result<Table> {
        let (plan, allocation) = &self.plans[plan];
        let names = [
            "holder_id",
            "measure",
            "amount",
            "history",
            "growth_share",
            "over_assignment",
            "from_above",
            "limits",
            "rounding",
            "weight",
            "availability",
            "compounded_over_assignment",
            "ramp_gap",
            "binding",
            "note",
        ];
        let one = Rational::one();
        let mut columns = names.map(|name| Texts::new(name, rows.len()));
        for row in rows {
            let (measure, held) = published(plan, self.company, (&allocation.holders[row]).into());
            let why = allocation.explain(row);
            let parts = &why.parts;
            let [holder, of, numbers @ .., binding, note] = &mut columns;
            holder.push(Some(held.holder));
            of.push(Some(measure));
            let values = [
                Some(&why.amount),
                Some(&parts.history),
                Some(&parts.growth_share),
                Some(&parts.over_assignment),
                Some(&parts.from_above),
                Some(&parts.limits),
                Some(&parts.rounding),
                Some(&why.weight),
                Some(&why.availability).filter(|share| **share != one),
                Some(&why.compounded_over_assignment).filter(|share| **share != one),
                Some(&why.ramp_gap).filter(|gap| !gap.is_zero()),
            ];
            numbers.iter_mut().zip(values).for_each(|(column, value)| column.number(value));
            binding.push(why.binding.map(Binding::word));
            note.push(why.note);
        }
        Builder::default().made(columns).table()
    }
}

impl Rows for Parts<'_> {
    fn height(&self) -> usize {
        self.plans.iter().map(|(_, allocation)| allocation.holders.len()).sum()
    }

    fn rows(&self, from: usize, length: usize) -> io::Result<Table> {
        /// Rows that are made one after the other; several such parts beside each other.
        const TOGETHER: usize = 1 << 14;
        let to = from.saturating_add(length);
        let (mut first, mut parts) = (0, vec![]);
        for (plan, (_, allocation)) in self.plans.iter().enumerate() {
            let end = first + allocation.holders.len();
            let (start, stop) = (from.clamp(first, end) - first, to.clamp(first, end) - first);
            let part = |start: usize| (plan, start..stop.min(start + TOGETHER));
            parts.extend((start..stop).step_by(TOGETHER).map(part));
            first = end;
        }
        if self.plans.is_empty() {
            return Ok(Table::default());
        }
        // Columns are there without rows as well.
        if parts.is_empty() {
            parts.push((0, 0..0));
        }
        let made = parts.into_par_iter().map(|(plan, rows)| self.made(plan, rows));
        stacked(&made.collect::<io::Result<Vec<_>>>()?)
    }
}
