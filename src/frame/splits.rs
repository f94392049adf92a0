//! Splits: whether they total 100 %, which of them a run needs, and what they make of an amount.

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;

use crate::intake::place;
use crate::merge::is_ascending;
use crate::refunds::column::SALE;
use crate::table::Table;

/// Checks that the shares of type `split` of every transaction total exactly 100 %. The table is in the order of its
/// key, so that the splits of a transaction are next to each other.
pub(crate) fn check_splits(splits: &Table, sink: &mut Sink) {
    let (Some(ids), Some(shares)) = (splits.texts("transaction_id"), splits.numbers("share")) else { return };
    let decimals = splits.decimals("share");
    let unit = 10i128.pow(decimals);
    let path = splits.files.first().map_or("", |file| file.path.as_str());
    let mut close = |group: Option<(&str, i128)>| {
        let Some((id, total)) = group.filter(|(_, total)| *total != unit) else { return };
        let total = Rational::from_scaled(total, decimals).to_percent();
        let message = format!("the splits of transaction {id} total {total}");
        let fault = Diagnostic::error(Code::SPM111, message).at(Place::row(path, None, Some("share")), "");
        sink.push(fault.hint("correct the shares, or mark extra credit with type overlay"));
    };
    let kinds = splits.texts("type");
    let mut kinds = kinds.map(|kinds| kinds.iter());
    let mut open: Option<(&str, i128)> = None;
    for (id, share) in ids.iter().zip(shares.iter()) {
        let kind = kinds.as_mut().and_then(|kinds| kinds.next().flatten());
        let (Some(id), Some(share), true) = (id, share, kind.is_none_or(|kind| kind == "split")) else {
            continue;
        };
        match &mut open {
            Some((same, total)) if *same == id => *total += i128::from(share),
            other => close(other.replace((id, i128::from(share)))),
        }
    }
    close(open);
    check_parts(splits, sink);
}

/// An overlay of 50 is 5,000 %, and credits fifty times the deal.
fn check_parts(splits: &Table, sink: &mut Sink) {
    for column in ["share", "quota_share"] {
        let (Some(ids), Some(shares)) = (splits.texts("transaction_id"), splits.numbers(column)) else {
            continue;
        };
        let (decimals, kinds) = (splits.decimals(column), splits.texts("type"));
        let whole = 10i64.pow(decimals);
        let apart =
            |row: usize| column != "share" || kinds.and_then(|kinds| kinds.get(row)) == Some("overlay");
        let over = |(row, share): (usize, Option<i64>)| {
            let share = share.filter(|share| *share > whole && apart(row))?;
            Some((row, share))
        };
        let over: Vec<(usize, i64)> = shares.iter().enumerate().filter_map(over).collect();
        let Some((row, share)) = over.iter().copied().max_by_key(|(row, share)| (*share, usize::MAX - row))
        else {
            continue;
        };
        let share_text = Rational::from_scaled(share.into(), decimals).to_percent();
        let message = format!(
            "{} row(s) of splits credit more than the whole transaction, such as {share_text} of {}",
            over.len(),
            ids.get(row).unwrap_or_default()
        );
        // From 1,000 % on nobody means it.
        let fault = match share >= 10 * whole {
            true => Diagnostic::error(Code::SPM110, message),
            false => Diagnostic::warning(Code::SPM110, message),
        };
        let fault = fault.at(place(splits, row, Some(column)), "");
        sink.push(fault.hint(format!("a half is 0.5 or 50%; where the extract counts in percent map {column} = {{ sql = \"CAST({column} AS DECIMAL) * 0.01\" }}")));
    }
}

/// The splits of these transactions, and of what refunds among them take back. Both tables are in the order of their key.
pub(crate) fn of_transactions(splits: Table, transactions: &Table) -> Table {
    let (Some(ids), Some(wanted)) = (splits.texts("transaction_id"), transactions.texts("transaction_id"))
    else {
        return splits;
    };
    if !is_ascending(ids, false) || !is_ascending(wanted, false) {
        return splits;
    }
    let refunded = transactions.texts("refund_of");
    let refunded: PlHashSet<&str> = refunded.into_iter().flat_map(|ids| ids.iter().flatten()).collect();
    let mut wanted = wanted.iter().flatten().peekable();
    let kept: BooleanChunked = ids
        .iter()
        .map(|id| {
            let id = id?;
            while wanted.peek().is_some_and(|wanted| *wanted < id) {
                wanted.next();
            }
            Some(wanted.peek() == Some(&id) || refunded.contains(id))
        })
        .collect_ca("kept".into());
    match splits.frame.filter(&kept) {
        Ok(frame) => Table { frame, ..splits },
        Err(_) => splits,
    }
}

/// By whose splits each row is shared: its own, or those of the transaction that it takes back where it has none.
pub(crate) fn shared_by(base: &DataFrame, splits: &StringChunked) -> PolarsResult<StringChunked> {
    let ids = base.column("transaction_id")?.str()?;
    let Ok(refunds) = base.column(SALE) else { return Ok(ids.clone()) };
    let refunds = refunds.str()?;
    if refunds.null_count() == refunds.len() {
        return Ok(ids.clone());
    }
    let split: PlHashSet<&str> = splits.iter().flatten().collect();
    let by = |(id, refund_of): (Option<&'_ str>, Option<&'_ str>)| match (id, refund_of) {
        (Some(id), Some(of)) if !split.contains(id) && split.contains(of) => Some(of.to_owned()),
        _ => id.map(str::to_owned),
    };
    Ok(ids.iter().zip(refunds.iter()).map(by).collect_ca("transaction_id".into()))
}

/// Cuts the amount of each base row by the shares of its rows (contiguous, by `_base`). Splits are cut toward zero and
/// what is left goes to the largest share, ties to the first payee (E17); overlays are rounded on their own, halves
/// away from zero. A part has no digits among the last `digits` where its amount has none. A row without a share keeps the
/// whole amount.
pub(crate) fn cut(
    joined: &DataFrame,
    share_decimals: u32,
    digits: u32,
    overlay: bool,
) -> PolarsResult<Int64Chunked> {
    let base = joined.column("_base")?.u32()?.clone();
    let amounts = joined.column("amount")?.i64()?.clone();
    let shares = joined.column("_share")?.i64()?.clone();
    let unit = 10i128.pow(share_decimals);
    let mut parts: Vec<i64> = Vec::with_capacity(joined.height());
    let rows: Vec<(u32, i64, Option<i64>)> = base
        .iter()
        .zip(amounts.iter())
        .zip(shares.iter())
        .map(|((base, amount), share)| (base.unwrap_or(0), amount.unwrap_or(0), share))
        .collect();
    for group in rows.chunk_by(|a, b| a.0 == b.0) {
        let first = parts.len();
        let mut left = i128::from(group[0].1);
        let mut largest = (first, i64::MIN);
        let grain = grain(group[0].1, digits);
        let unit = unit * grain;
        for (_, amount, share) in group {
            let Some(share) = *share else {
                parts.push(*amount);
                left = 0;
                continue;
            };
            let product = i128::from(*amount) * i128::from(share);
            let part = if overlay { half_away(product, unit) * grain } else { product / unit * grain };
            if share > largest.1 {
                largest = (parts.len(), share);
            }
            left -= part;
            let part = i64::try_from(part)
                .map_err(|_| polars_err!(ComputeError: "a share of {share} of {amount} leaves 64 bits"))?;
            parts.push(part);
        }
        if !overlay && left != 0 {
            let left =
                i64::try_from(left).map_err(|_| polars_err!(ComputeError: "a remainder leaves 64 bits"))?;
            parts[largest.0] += left;
        }
    }
    Ok(Int64Chunked::from_vec("amount".into(), parts))
}

/// How many units a value is, rounded to the nearest, halves away from zero.
pub(crate) fn half_away(value: i128, unit: i128) -> i128 {
    (2 * value.abs() + unit) / (2 * unit) * value.signum()
}

/// The largest power of ten, up to `digits` digits, that an amount is a multiple of.
fn grain(amount: i64, digits: u32) -> i128 {
    (1..=digits)
        .rev()
        .map(|digits| 10i128.pow(digits))
        .find(|power| i128::from(amount) % power == 0)
        .unwrap_or(1)
}
