//! Rows about seats: their quotas as a file has them, and numbers of reps and accounts by holder.

use std::collections::BTreeMap;

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::from_epoch_day;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::Type;
use spm_core::plan::expression::Expression;

use crate::load::Tables;
use crate::planning::{numbers, table, texts};
use crate::table::Table;

pub use spm_core::plan::Date;

/// A quota of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaRow {
    /// Who has it.
    pub holder: String,
    /// Level of the holder, when the file says.
    pub level: Option<String>,
    /// Holder above, when the file says.
    pub parent: Option<String>,
    /// Name of the quota.
    pub measure: String,
    /// Period, as the file names it.
    pub period: String,
    /// The goal.
    pub amount: Rational,
}

/// The quotas of a file with holder_id, period and amount; level, parent_id and measure where it has them.
pub fn quota_rows(file: &Table, shown: &str) -> Result<Vec<QuotaRow>, Diagnostic> {
    for column in ["holder_id", "period", "amount"] {
        if file.column(column).is_none() {
            let fault = Diagnostic::error(Code::SPM103, format!("{shown} has no column `{column}`"));
            return Err(fault.hint(
                "a file of quotas has holder_id, period and amount; `spm quotas allocate` writes one",
            ));
        }
    }
    let [holders, levels, parents, measures, periods] =
        ["holder_id", "level", "parent_id", "measure", "period"].map(|name| texts(file, name));
    let amounts = exact(file, "amount").ok_or_else(|| {
        Diagnostic::error(Code::SPM105, format!("`amount` of {shown} is not a column of exact numbers"))
            .at(Place::row(shown, None, Some("amount")), "")
            .hint("write amounts as decimals, such as 1250.50")
    })?;
    let mut rows = Vec::new();
    for (row, amount) in amounts.into_iter().enumerate() {
        let (Some(holder), Some(period), Some(amount)) = (holders[row].clone(), periods[row].clone(), amount)
        else {
            continue;
        };
        rows.push(QuotaRow {
            holder,
            level: levels[row].clone(),
            parent: parents[row].clone(),
            measure: measures[row].clone().unwrap_or_else(|| "quota".to_owned()),
            period,
            amount,
        });
    }
    Ok(rows)
}

/// A column of exact numbers; a file of text may have them as text.
fn exact(file: &Table, name: &str) -> Option<Vec<Option<Rational>>> {
    let column = file.column(name)?;
    match column.kind {
        Type::Number => Some(
            file.numbers(name)?
                .iter()
                .map(|units| units.map(|units| Rational::from_scaled(units.into(), column.decimals)))
                .collect(),
        ),
        Type::Text => texts(file, name)
            .into_iter()
            .map(|text| text.map_or(Some(None), |text| text.parse().ok().map(Some)))
            .collect(),
        _ => None,
    }
}

/// A column of exact numbers of a file by a text column, as floats.
#[must_use]
pub fn numbers_by(file: &Table, key: &str, name: &str) -> Option<BTreeMap<String, f64>> {
    let values = exact(file, name)?;
    let keyed = texts(file, key).into_iter().zip(values);
    Some(keyed.filter_map(|(key, value)| Some((key?, value?.to_f64_for_display()))).collect())
}

/// An expression over reps by rep_id; empty where it has no value.
pub fn by_rep(
    tables: &Tables,
    expression: &Expression,
    place: &TextPlace,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let reps = table(tables, "reps", place)?;
    let (values, decimals) = numbers(reps, expression, place)?;
    let keyed = texts(reps, "rep_id").into_iter().zip(values);
    Ok(keyed.filter_map(|(id, units)| Some((id?, Rational::from_scaled(units?.into(), decimals)))).collect())
}

/// The sum of an expression over accounts by a text column that names the holder.
pub fn by_holder(
    tables: &Tables,
    expression: &Expression,
    holder: &str,
    place: &TextPlace,
) -> Result<BTreeMap<String, Rational>, Diagnostic> {
    let accounts = table(tables, "accounts", place)?;
    let (values, decimals) = numbers(accounts, expression, place)?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for (holder, units) in texts(accounts, holder).into_iter().zip(values) {
        if let Some(holder) = holder {
            *sums.entry(holder).or_default() += i128::from(units.unwrap_or(0));
        }
    }
    Ok(sums.into_iter().map(|(holder, units)| (holder, Rational::from_scaled(units, decimals))).collect())
}

/// The people for whom a condition holds, sorted; everybody without one.
pub fn people(
    tables: &Tables,
    condition: Option<&Expression>,
    place: &TextPlace,
) -> Result<Vec<String>, Diagnostic> {
    let kept = crate::planning::kept(table(tables, "reps", place)?, condition, place)?;
    let mut ids: Vec<String> = texts(&kept, "rep_id").into_iter().flatten().collect();
    ids.sort();
    Ok(ids)
}

/// The first day of everybody who has one.
#[must_use]
pub fn hired(tables: &Tables) -> BTreeMap<String, Date> {
    let Some(reps) = tables.get("reps") else { return BTreeMap::new() };
    let Some(days) = reps.days("hire_date") else { return BTreeMap::new() };
    let keyed = texts(reps, "rep_id").into_iter().zip(days.iter());
    keyed.filter_map(|(id, day)| Some((id?, from_epoch_day(day?)?))).collect()
}
