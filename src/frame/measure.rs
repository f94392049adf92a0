//! From credits to measurements: sums by payee and period, and the single credits where a measure keeps them apart.

use std::collections::BTreeMap;

use polars::prelude::*;
use spm_core::engine::comp::{Amounts, Cell, Deal};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::from_epoch_day;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::Window;

use crate::credit::{Crediting, Part, internal};

impl Crediting<'_> {
    /// Adds the credits of a rule to every measure that counts it.
    pub(crate) fn measure(
        &self,
        rule: usize,
        part: &Part,
        measurements: &mut BTreeMap<Cell, Amounts>,
    ) -> Result<(), Diagnostic> {
        let amounts = part
            .cells
            .column("amount")
            .and_then(|column| column.i64().cloned())
            .map_err(|error| internal(&error))?;
        let total: i128 = amounts.iter().flatten().map(|amount| i128::from(amount).abs()).sum();
        if i64::try_from(total).is_err() {
            let rule = &self.plan.credits[rule];
            let message = format!(
                "the amounts of credit `{}` add up to more than exact 64-bit numbers hold",
                rule.name
            );
            return Err(Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), ""));
        }
        let keys = [col("_payee"), col("_period")];
        let sums = part.cells.clone().lazy().group_by(keys).agg([
            col("amount").sum(),
            len().alias("_count"),
            col("amount").max().alias("_largest"),
            col("amount").min().alias("_smallest"),
        ]);
        let sums = sums.collect().map_err(|error| internal(&error))?;
        let read = || -> PolarsResult<_> {
            let index = |name: &str| Ok::<_, PolarsError>(sums.column(name)?.u32()?.clone());
            let units = |name: &str| Ok::<_, PolarsError>(sums.column(name)?.i64()?.clone());
            Ok((
                [index("_payee")?, index("_period")?, index("_count")?],
                [units("amount")?, units("_largest")?, units("_smallest")?],
            ))
        };
        let (indices, units) = read().map_err(|error| internal(&error))?;
        for row in 0..sums.height() {
            let index = |column: usize| indices[column].get(row).unwrap_or(0);
            let exact =
                |column: usize| Some(Rational::from_scaled(units[column].get(row)?.into(), part.decimals));
            let amounts = Amounts {
                sum: exact(0).unwrap_or_default(),
                count: index(2).into(),
                largest: exact(1),
                smallest: exact(2),
            };
            let measures = self.plan.measures.iter().enumerate();
            for (measure, _) in measures.filter(|(_, measure)| measure.credits().contains(&rule)) {
                let cell = Cell { payee: index(0) as usize, measure, period: index(1) as usize };
                measurements.entry(cell).or_default().add(&amounts);
            }
        }
        Ok(())
    }

    /// Adds the credits of a rule, one by one, to every measure that keeps transactions apart.
    pub(crate) fn deals(
        &self,
        rule: usize,
        part: &Part,
        deals: &mut BTreeMap<Cell, Vec<Deal>>,
    ) -> Result<(), Diagnostic> {
        let measures = self.plan.measures.iter().enumerate();
        let measures: Vec<usize> = measures
            .filter(|(_, measure)| measure.window == Window::Transaction && measure.credits().contains(&rule))
            .map(|(index, _)| index)
            .collect();
        if measures.is_empty() {
            return Ok(());
        }
        let mut read = || -> PolarsResult<()> {
            let column = |name: &str| part.cells.column(name);
            let (payees, periods) = (column("_payee")?.u32()?, column("_period")?.u32()?);
            let (amounts, lookups) = (column("amount")?.i64()?, column("_lookup")?.i64()?);
            let (ids, lines) = (column("transaction_id")?.str()?, column("line_id")?.str()?);
            let dates = column("event_date")?.date()?.physical();
            for row in 0..part.cells.height() {
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
                    id: lines.get(row).map_or_else(|| id.to_owned(), |line| format!("{id}/{line}")),
                    date,
                    amount: exact(amount, part.decimals),
                    lookup: lookups.get(row).map(|units| exact(units, part.lookup_decimals)),
                };
                for measure in &measures {
                    let cell = Cell { payee: payee as usize, measure: *measure, period: period as usize };
                    deals.entry(cell).or_default().push(deal.clone());
                }
            }
            Ok(())
        };
        read().map_err(|error| internal(&error))
    }
}
