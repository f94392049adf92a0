//! From credits to measurements: sums by payee and period, and the single credits where a measure keeps them apart.

use std::collections::BTreeMap;

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::engine::comp::{Amounts, Cell, Deal};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::period::from_epoch_day;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::{CreditRule, Measure};

use crate::credit::{Crediting, Part, internal};
use crate::merge::is_ascending;
use crate::table::rescaled;

impl Crediting<'_> {
    /// The credits that a measure counts, by rule: each payee and transaction once, by the first rule that credits it,
    /// unless the measure allows double (E21).
    pub(crate) fn counted(
        &self,
        measure: &Measure,
        parts: &[Part],
        sink: &mut Sink,
    ) -> Result<Vec<(usize, DataFrame)>, Diagnostic> {
        let mut counted: Vec<(usize, DataFrame)> = Vec::new();
        let keys = || ["_payee", "transaction_id", "line_id"].map(col);
        for rule in measure.credits() {
            let mut cells = parts[*rule].cells.clone();
            for (earlier, _) in counted.clone().iter().filter(|_| !measure.allow_double) {
                let before = parts[*earlier].cells.clone().lazy();
                let arguments = JoinArgs {
                    nulls_equal: true,
                    maintain_order: MaintainOrderJoin::Left,
                    ..JoinArgs::new(JoinType::Anti)
                };
                let rest = cells.clone().lazy().join(before, keys(), keys(), arguments);
                let rest = rest.collect().map_err(|error| internal(&error))?;
                if rest.height() < cells.height() {
                    let (this, other) = (&self.plan.credits[*rule].name, &self.plan.credits[*earlier].name);
                    let message = format!(
                        "{} credit(s) of `{this}` are of people whom `{other}` credits with the same transaction; `{}` counts them once",
                        cells.height() - rest.height(),
                        measure.name
                    );
                    let fault = Diagnostic::warning(Code::SPM408, message);
                    let place = |rule: usize| Place::Text(self.plan.credits[rule].place.clone());
                    let fault = fault
                        .at(place(*rule), "this one")
                        .at(place(*earlier), "and this one, which counts")
                        .at(Place::Text(measure.place.clone()), "in this measure");
                    sink.push(fault.hint("say allow_double = true in the measure if both count"));
                }
                cells = rest;
            }
            counted.push((*rule, cells));
        }
        Ok(counted)
    }

    /// Adds the credits of a rule to a measure.
    pub(crate) fn measure(
        &self,
        (measure, rule): (usize, &CreditRule),
        part: &Part,
        (cells, refunds): (&DataFrame, Option<&Refunds>),
        measurements: &mut BTreeMap<Cell, Amounts>,
    ) -> Result<(), Diagnostic> {
        let fits = sums_fit(cells).map_err(|error| internal(&error))?;
        if !fits {
            let message = format!(
                "the amounts of credit `{}` add up to more than exact 64-bit numbers hold",
                rule.name
            );
            return Err(Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), ""));
        }
        let mut cells = cells.clone();
        let mut count = len().cast(DataType::Int64).alias("_count");
        let mut compared = "amount";
        if let Some(refunds) = refunds {
            let read = |error: PolarsError| internal(&error);
            cells.with_column(refunds.counts.clone().into_column()).map_err(read)?;
            let amounts = cells.column("amount").and_then(|amounts| amounts.i64().cloned()).map_err(read)?;
            let alone = amounts.iter().zip(refunds.apart.iter());
            let alone = alone.map(|(amount, apart)| amount.filter(|_| apart != Some(true)));
            let alone: Int64Chunked = alone.collect_ca("_alone".into());
            cells.with_column(alone.into_column()).map_err(read)?;
            (count, compared) = (col("_count").sum(), "_alone");
        }
        let keys = [col("_payee"), col("_period")];
        let sums = cells.lazy().group_by(keys).agg([
            col("amount").sum(),
            count,
            col(compared).max().alias("_largest"),
            col(compared).min().alias("_smallest"),
        ]);
        let sums = sums.collect().map_err(|error| internal(&error))?;
        let read = || -> PolarsResult<_> {
            let index = |name: &str| Ok::<_, PolarsError>(sums.column(name)?.u32()?.clone());
            let units = |name: &str| Ok::<_, PolarsError>(sums.column(name)?.i64()?.clone());
            Ok((
                [index("_payee")?, index("_period")?],
                [units("amount")?, units("_count")?, units("_largest")?, units("_smallest")?],
            ))
        };
        let (indices, units) = read().map_err(|error| internal(&error))?;
        for row in 0..sums.height() {
            let index = |column: usize| indices[column].get(row).unwrap_or(0);
            let number = |column: usize| units[column].get(row);
            let exact = |column: usize| Some(Rational::from_scaled(number(column)?.into(), part.decimals));
            let amounts = Amounts {
                sum: exact(0).unwrap_or_default(),
                count: number(1).unwrap_or(0),
                largest: exact(2),
                smallest: exact(3),
            };
            let cell = Cell { payee: index(0) as usize, measure, period: index(1) as usize };
            measurements.entry(cell).or_default().add(&amounts);
        }
        Ok(())
    }

    /// Adds the credits of a rule, one by one, to a measure that keeps transactions apart.
    pub(crate) fn deals(
        &self,
        measure: usize,
        part: &Part,
        cells: &DataFrame,
        deals: &mut BTreeMap<Cell, Vec<Deal>>,
    ) -> Result<(), Diagnostic> {
        let mut read = || -> PolarsResult<()> {
            let column = |name: &str| cells.column(name);
            let (payees, periods) = (column("_payee")?.u32()?, column("_period")?.u32()?);
            let (amounts, lookups) = (column("amount")?.i64()?, column("_lookup")?.i64()?);
            let (ids, lines) = (column("transaction_id")?.str()?, column("line_id")?.str()?);
            let dates = column("event_date")?.date()?.physical();
            let refunds = column("_refund_of").ok().map(|column| column.str()).transpose()?;
            for row in 0..cells.height() {
                let (Some(payee), Some(period), Some(amount), Some(id), Some(date)) = (
                    payees.get(row),
                    periods.get(row),
                    amounts.get(row),
                    ids.get(row),
                    dates.get(row).and_then(from_epoch_day),
                ) else {
                    continue;
                };
                let exact = |units: i64, decimals| Rational::from_scaled(units.into(), decimals);
                let deal = Deal {
                    transaction: id.to_owned(),
                    line: lines.get(row).map(str::to_owned),
                    refund_of: refunds.and_then(|refunds| refunds.get(row)).map(str::to_owned),
                    date,
                    amount: exact(amount, part.decimals),
                    lookup: lookups.get(row).map(|units| exact(units, part.lookup_decimals)),
                };
                let cell = Cell { payee: payee as usize, measure, period: period as usize };
                deals.entry(cell).or_default().push(deal);
            }
            Ok(())
        };
        read().map_err(|error| internal(&error))
    }
}

/// Whether the sum of each payee and period fits 64 bits. Sums of Polars wrap, and are right where the whole sum fits.
fn sums_fit(cells: &DataFrame) -> PolarsResult<bool> {
    let amounts = cells.column("amount")?.i64()?;
    let total: i128 = amounts.iter().flatten().map(|amount| i128::from(amount).abs()).sum();
    if i64::try_from(total).is_ok() {
        return Ok(true);
    }
    let (payees, periods) = (cells.column("_payee")?.u32()?, cells.column("_period")?.u32()?);
    let mut sums: BTreeMap<(Option<u32>, Option<u32>), i128> = BTreeMap::new();
    for (cell, amount) in payees.iter().zip(periods.iter()).zip(amounts.iter()) {
        *sums.entry(cell).or_default() += i128::from(amount.unwrap_or(0));
    }
    Ok(sums.into_values().all(|sum| i64::try_from(sum).is_ok()))
}

/// What refunds say about the credits of one rule of a measure, row by row.
pub(crate) struct Refunds {
    /// How much each credit adds to a count: a refund nothing, and the last refund of what is taken back in full takes its
    /// credits away.
    pub(crate) counts: Int64Chunked,
    /// Refunds of a transaction that the measure has, and its credits: what is left of them is compared with others, not they.
    pub(crate) apart: BooleanChunked,
}

/// What of a transaction a payee was credited with: its credits, their amounts, what refunds leave of these, and the last
/// refund by day, identifier and row.
#[derive(Default)]
struct Sale<'a> {
    credits: i64,
    sold: i128,
    left: i128,
    last: Option<(i32, &'a str, (usize, usize))>,
}

/// What refunds say about the credits of a measure, by rule: a refund may be credited by another one than what it takes back.
/// `None` where nothing is taken back.
pub(crate) fn refunds(frames: &[(&DataFrame, u32)]) -> PolarsResult<Option<Vec<Refunds>>> {
    let texts = |frame: &DataFrame, name: &str| -> PolarsResult<Option<StringChunked>> {
        let column = frame.column(name).ok().filter(|column| column.null_count() < column.len());
        column.map(|column| column.str().cloned()).transpose()
    };
    let originals =
        frames.iter().map(|(frame, _)| texts(frame, "_refund_of")).collect::<PolarsResult<Vec<_>>>()?;
    if originals.iter().all(Option::is_none) {
        return Ok(None);
    }
    let column = |name: &'static str| move |frame: &(&DataFrame, u32)| frame.0.column(name).cloned();
    let all = |name| frames.iter().map(column(name)).collect::<PolarsResult<Vec<Column>>>();
    let (ids, payees, amounts, days) =
        (all("transaction_id")?, all("_payee")?, all("amount")?, all("event_date")?);
    let mut back: PlHashMap<&str, &str> = PlHashMap::new();
    for (ids, of) in ids.iter().zip(&originals) {
        let Some(of) = of else { continue };
        back.extend(ids.str()?.iter().zip(of.iter()).filter_map(|(id, of)| Some((id?, of?))));
    }
    // A refund of a refund leads on; a circle ends where it has been walked once.
    let root = |id| {
        (0..back.len()).try_fold(id, |id: &str, _| back.get(id).copied().ok_or(id)).unwrap_or_else(|id| id)
    };
    let mut sold: BTreeMap<(u32, &str), Sale<'_>> = BTreeMap::new();
    for ((ids, of), payees) in ids.iter().zip(&originals).zip(&payees) {
        let Some(of) = of else { continue };
        for ((id, of), payee) in ids.str()?.iter().zip(of.iter()).zip(payees.u32()?.iter()) {
            if let (Some(id), Some(_), Some(payee)) = (id, of, payee) {
                sold.insert((payee, root(id)), Sale::default());
            }
        }
    }
    let decimals = frames.iter().map(|(_, decimals)| *decimals).max().unwrap_or(0);
    let mut found = Vec::new();
    for (frame, (_, own)) in frames.iter().enumerate() {
        let scale = 10i128.pow(decimals - own);
        let (ids, payees, amounts) = (ids[frame].str()?, payees[frame].u32()?, amounts[frame].i64()?);
        let days = days[frame].date()?.physical();
        let (mut counts, mut apart) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
        for row in 0..ids.len() {
            let of = originals[frame].as_ref().and_then(|of| of.get(row));
            counts.push(i64::from(of.is_none()));
            let sale =
                payees.get(row).zip(ids.get(row)).and_then(|(payee, id)| sold.get_mut(&(payee, root(id))));
            apart.push(sale.is_some());
            let (Some(sale), Some(id)) = (sale, ids.get(row)) else { continue };
            let amount = i128::from(amounts.get(row).unwrap_or(0)) * scale;
            sale.left += amount;
            match of {
                None => (sale.credits, sale.sold) = (sale.credits + 1, sale.sold + amount),
                Some(_) => sale.last = sale.last.max(Some((days.get(row).unwrap_or(0), id, (frame, row)))),
            }
        }
        found.push((counts, apart));
    }
    // More than all is all.
    for sale in sold.into_values().filter(|sale| sale.left == 0 || (sale.left > 0) != (sale.sold > 0)) {
        if let Some((_, _, (frame, row))) = sale.last {
            found[frame].0[row] = -sale.credits;
        }
    }
    let columns = found.into_iter().map(|(counts, apart)| Refunds {
        counts: Int64Chunked::from_vec("_count".into(), counts),
        apart: apart.into_iter().collect_ca("_apart".into()),
    });
    Ok(Some(columns.collect()))
}

/// The credits of several rules in one frame, in the order of payee, period and event.
pub(crate) fn in_order(frames: &[(DataFrame, u32)]) -> PolarsResult<(DataFrame, u32)> {
    let decimals = frames.iter().map(|(_, decimals)| *decimals).max().unwrap_or(0);
    let order = ["_payee", "_period", "event_date", "transaction_id", "line_id"];
    let mut all = DataFrame::empty();
    for (frame, own) in frames {
        let mut part = frame.select(order.iter().copied().chain(["amount"]))?;
        let amounts = rescaled(part.column("amount")?, decimals - own)?;
        part.with_column(amounts)?;
        all = if all.width() == 0 { part } else { all.vstack(&part)? };
    }
    if all.width() == 0 {
        return Ok((all, decimals));
    }
    let sorted = match sorted_by_event(&all)? {
        Some(rows) => all.take(&IdxCa::from_vec("rows".into(), rows))?,
        None => all.sort(order, SortMultipleOptions::default().with_maintain_order(true))?,
    };
    Ok((sorted, decimals))
}

/// The rows by payee, period and day, when they are in the order of transactions already, as those of one rule are: what
/// would be a sort of texts is one of numbers.
fn sorted_by_event(all: &DataFrame) -> PolarsResult<Option<Vec<IdxSize>>> {
    let lines = all.column("line_id")?;
    if lines.null_count() < lines.len() || !is_ascending(all.column("transaction_id")?.str()?, false) {
        return Ok(None);
    }
    let (payees, periods) = (all.column("_payee")?.u32()?, all.column("_period")?.u32()?);
    let days = all.column("event_date")?.date()?.physical();
    let number = |value: Option<u32>| u64::from(value.unwrap_or_default());
    // A day is below 2^31, so that it orders as a number without a sign.
    let day = |value: Option<i32>| value.unwrap_or_default().wrapping_sub(i32::MIN).cast_unsigned();
    let mut keys: Vec<(u64, u32, IdxSize)> = payees
        .iter()
        .zip(periods.iter())
        .zip(days.iter())
        .zip(0..)
        .map(|(((payee, period), at), row)| (number(payee) << 32 | number(period), day(at), row))
        .collect();
    keys.par_sort_unstable();
    Ok(Some(keys.into_iter().map(|(_, _, row)| row).collect()))
}
