//! Quotas as tables: the amounts, their parts, top-down beside bottom-up.

use spm_core::engine::quota::{self, Adjusted, Heads, HolderId, Planned, Row, Spread, published, spread};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_core::plan::quotas::QuotaPlan;
use spm_frame::sheets::Quotas;
use spm_frame::table::Table;
use spm_frame::write::Builder;

/// holder_id, level, parent_id, measure, period, amount: one row for each holder and period of a plan.
#[must_use]
pub fn quotas(plan: &QuotaPlan, planned: &Planned, company: &str) -> Quotas {
    Quotas::of(&quota::sheets(plan, company, planned))
}

/// What each holder's year would be from above and from below, the gap, the policy that closes it, and the quota. `None` for
/// a plan that is not bottom-up.
///
/// # Errors
/// Never for tables that fit memory.
pub fn reconciliation(plan: &QuotaPlan, planned: &Planned, company: &str) -> std::io::Result<Option<Table>> {
    let Some(below) = plan.bottom_up.as_ref().filter(|_| !planned.reconciled.is_empty()) else {
        return Ok(None);
    };
    let holders = planned.allocation.holders.iter();
    let held = holders.map(|placed| published(plan, company, placed.into()));
    let rows: Vec<_> = held.zip(&planned.reconciled).collect();
    let policy = below.policy();
    let table = Builder::default()
        .text("holder_id", rows.iter().map(|((_, held), _)| Some(held.holder)))
        .text("level", rows.iter().map(|((_, held), _)| Some(held.level)))
        .text("parent_id", rows.iter().map(|((_, held), _)| held.parent))
        .text("measure", rows.iter().map(|((measure, _), _)| Some(*measure)))
        .text("top_down", rows.iter().map(|(_, row)| row.top_down.as_ref().map(Rational::to_decimal_text)))
        .text("bottom_up", rows.iter().map(|(_, row)| Some(row.bottom_up.to_decimal_text())))
        .text("gap", rows.iter().map(|(_, row)| row.gap().as_ref().map(Rational::to_decimal_text)))
        .text("policy", rows.iter().map(|_| Some(policy.as_str())))
        .text("quota", rows.iter().map(|(_, row)| Some(row.quota.to_decimal_text())))
        .table()?;
    Ok(Some(table))
}

/// Rounded to six decimals for display, so that what never ends needs no sign of its own.
fn rounded(value: &Rational) -> Rational {
    let units = round_to_decimals(value, 6, Rounding::default());
    units.map_or_else(|| value.clone(), |units| Rational::from_scaled(units, 6))
}

/// The year and the periods of one holder: season weight, the part that is there, the exact share, the amount.
///
/// # Errors
/// Never for tables that fit memory.
pub fn of_holder(planned: &Planned, holder: &HolderId) -> std::io::Result<Table> {
    let allocation = &planned.allocation;
    let year = allocation.position(holder).map(|row| allocation.year(row).to_decimal_text());
    let rows = spread(&planned.problem, allocation, holder).unwrap_or_default();
    let text = |value: &Rational| rounded(value).to_decimal_text();
    let column = |all: Option<String>, read: &dyn Fn(&Spread) -> Option<String>| {
        std::iter::once(all).chain(rows.iter().map(read)).collect::<Vec<_>>()
    };
    Builder::default()
        .text("period", column(Some("all".to_owned()), &|row| Some(row.period.clone())))
        .text("season", column(None, &|row| Some(text(&row.season))))
        .text("there", column(None, &|row| row.there.as_ref().map(|there| rounded(there).to_percent())))
        .text("exact", column(year.clone(), &|row| row.exact.as_ref().map(text)))
        .text("amount", column(year, &|row| Some(row.amount.to_decimal_text())))
        .table()
}

/// What the open periods of a holder consist of, from the parts that an adjustment wrote; `None` when they have none of it.
///
/// # Errors
/// Never for tables that fit memory.
pub fn of_parts(parts: &Table, holder: &str, measure: &str) -> std::io::Result<Option<Table>> {
    let is = |column: &str, row: usize, value: &str| {
        parts.texts(column).and_then(|texts| texts.get(row)) == Some(value)
    };
    let row =
        (0..parts.frame.height()).find(|row| is("holder_id", *row, holder) && is("measure", *row, measure));
    let Some(row) = row else { return Ok(None) };
    let names = parts.columns.iter().map(|column| column.name.as_str());
    let cells: Vec<(&str, &str)> = names
        .filter(|name| !matches!(*name, "holder_id" | "measure"))
        .filter_map(|name| Some((name, parts.texts(name)?.get(row)?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let table = Builder::default()
        .text("part", cells.iter().map(|(name, _)| Some(*name)))
        .text("value", cells.iter().map(|(_, value)| Some(*value)))
        .table()?;
    Ok(Some(table))
}

/// Periods and amounts of rows that stand.
///
/// # Errors
/// Never for tables that fit memory.
pub fn of_rows(rows: &[&Row]) -> std::io::Result<Table> {
    Builder::default()
        .text("period", rows.iter().map(|row| Some(row.period.as_str())))
        .text("amount", rows.iter().map(|row| Some(row.amount.to_decimal_text())))
        .table()
}

/// What a holder gives out, child by child; `None` for a holder without children.
///
/// # Errors
/// Never for tables that fit memory.
pub fn below(planned: &Planned, holder: &HolderId) -> std::io::Result<Option<Table>> {
    let allocation = &planned.allocation;
    let rows = allocation.holders.iter().enumerate();
    let rows = rows.filter(|(_, placed)| placed.parent.as_ref() == Some(holder));
    let rows: Vec<_> = rows.map(|(row, _)| allocation.explain(row)).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let table = Builder::default()
        .text("holder_id", rows.iter().map(|why| Some(why.holder.as_str())))
        .text("amount", rows.iter().map(|why| Some(why.amount.to_decimal_text())))
        .text("weight", rows.iter().map(|why| Some(rounded(&why.weight).to_decimal_text())))
        .text("binding", rows.iter().map(|why| why.binding.map(|binding| binding.word())))
        .text("note", rows.iter().map(|why| why.note))
        .table()?;
    Ok(Some(table))
}

/// Quotas that stand after an adjustment, each with its measure, in the columns of [`quotas`].
///
/// # Errors
/// A quota beyond 64 bits of its smallest amount.
pub fn standing(decimals: u32, rows: &[(String, Row)]) -> Result<Table, Diagnostic> {
    let needed = rows.iter().map(|(_, row)| row.amount.decimals().unwrap_or(0));
    let decimals = needed.max().unwrap_or(0).max(decimals);
    let amounts = rows
        .iter()
        .map(|(_, row)| quota::units(&row.amount, decimals))
        .map(|units| {
            let fault = || Diagnostic::error(Code::SPM402, "a quota leaves 64 bits of its smallest amount");
            units.map(Some).ok_or_else(fault)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Builder::default()
        .text("holder_id", rows.iter().map(|(_, row)| Some(row.holder.as_str())))
        .text("level", rows.iter().map(|(_, row)| Some(row.level.as_str())))
        .text("parent_id", rows.iter().map(|(_, row)| row.parent.as_ref().map(HolderId::as_str)))
        .text("measure", rows.iter().map(|(measure, _)| Some(measure.as_str())))
        .text("period", rows.iter().map(|(_, row)| Some(row.period.as_str())))
        .number("amount", decimals, amounts)
        .table()
        .map_err(|error| Diagnostic::error(Code::SPM502, error.to_string()))
}

/// What an adjustment does to whom, in the open periods.
///
/// # Errors
/// Never for tables that fit memory.
pub fn changes(adjusted: &[(&QuotaPlan, Adjusted)], company: &str) -> std::io::Result<Table> {
    let rows: Vec<_> = adjusted
        .iter()
        .flat_map(|(plan, own)| {
            own.changes.iter().map(move |change| (published(plan, company, change.into()), change))
        })
        .collect();
    let amount = |read: &dyn Fn(&quota::Change) -> Rational| {
        rows.iter().map(|(_, change)| Some(read(change).to_decimal_text())).collect::<Vec<_>>()
    };
    Builder::default()
        .text("holder_id", rows.iter().map(|((_, held), _)| Some(held.holder)))
        .text("level", rows.iter().map(|((_, held), _)| Some(held.level)))
        .text("parent_id", rows.iter().map(|((_, held), _)| held.parent))
        .text("measure", rows.iter().map(|((measure, _), _)| Some(*measure)))
        .text("before", amount(&|change| change.before.clone()))
        .text("after", amount(&|change| change.after.clone()))
        .text("change", amount(&|change| change.difference()))
        .text("why", rows.iter().map(|(_, change)| Some(change.why)))
        .table()
}

/// Heads and what they bring, by period and in all. Amounts and heads are rounded to six decimals for display.
///
/// # Errors
/// Never for tables that fit memory.
pub fn heads(all: &[(&QuotaPlan, Vec<Heads>)]) -> std::io::Result<Table> {
    let rows: Vec<_> =
        all.iter().flat_map(|(plan, heads)| heads.iter().map(move |row| (plan, row))).collect();
    let shown = |read: &dyn Fn(&Heads) -> Rational| {
        rows.iter().map(|(_, row)| Some(rounded(&read(row)).to_decimal_text())).collect::<Vec<_>>()
    };
    Builder::default()
        .text("measure", rows.iter().map(|(plan, _)| Some(plan.measure.as_str())))
        .text("period", rows.iter().map(|(_, row)| Some(row.period.as_deref().unwrap_or("all"))))
        .text("heads_start", shown(&|row| row.start.clone()))
        .text("hires", shown(&|row| row.hires.clone()))
        .text("leavers", shown(&|row| row.leavers.clone()))
        .text("heads_end", shown(&|row| row.end.clone()))
        .text("full_heads", shown(&|row| row.full.clone()))
        .text("capacity", shown(&|row| row.capacity.clone()))
        .text("quota", shown(&|row| row.target.clone()))
        .text("gap", shown(&|row| row.gap()))
        .text("heads_needed", shown(&|row| row.needed.clone()))
        .table()
}
