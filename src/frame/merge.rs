//! Walks over identifiers that are in the order of their key, as canonical tables are: what would be a hash join of
//! millions of texts is one pass over two columns.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use polars::prelude::*;
use rayon::prelude::*;

/// Rows of one task: a few milliseconds of work.
const TASK: usize = 1 << 17;

/// The parts of `0..height` that tasks take.
pub(crate) fn tasks(height: usize) -> impl IndexedParallelIterator<Item = (usize, usize)> {
    (0..height.div_ceil(TASK)).into_par_iter().map(move |task| (task * TASK, TASK.min(height - task * TASK)))
}

/// True when every value is present and none is below the one before (above it, when `strictly`).
pub(crate) fn is_ascending(values: &StringChunked, strictly: bool) -> bool {
    let wrong = if strictly { Ordering::Equal } else { Ordering::Greater };
    let in_order = |a: &str, b: &str| {
        let order = a.cmp(b);
        order != Ordering::Greater && order != wrong
    };
    let bounds = |at: usize| Some((values.get(at.checked_sub(1)?)?, values.get(at)?));
    values.null_count() == 0
        && tasks(values.len()).all(|(from, length)| {
            let part = values.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
            let mut last: Option<&str> = None;
            let inside = part.iter().flatten().all(|value| {
                let ascending = last.is_none_or(|last| in_order(last, value));
                last = Some(value);
                ascending
            });
            inside && bounds(from).is_none_or(|(before, first)| in_order(before, first))
        })
}

/// The identifiers of a table, in order.
pub(crate) struct Known<'a> {
    ids: &'a StringChunked,
    /// Made when values out of order are looked up.
    set: OnceLock<PlHashSet<&'a str>>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(ids: &'a StringChunked) -> Self {
        Self { ids, set: OnceLock::new() }
    }

    /// Values that are not among the identifiers.
    pub(crate) fn missing(&self, values: &StringChunked) -> BTreeSet<String> {
        if values.len() * 4 > self.ids.len() && is_ascending(values, false) && is_ascending(self.ids, false) {
            let mut known = self.ids.iter().flatten().peekable();
            let mut absent = BTreeSet::new();
            for value in values.iter().flatten() {
                while known.peek().is_some_and(|known| *known < value) {
                    known.next();
                }
                if known.peek() != Some(&value) {
                    absent.insert(value.to_owned());
                }
            }
            return absent;
        }
        let set = self.set.get_or_init(|| self.ids.iter().flatten().collect());
        tasks(values.len())
            .map(|(from, length)| {
                let part = values.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
                let absent = part.iter().flatten().filter(|value| !set.contains(value));
                absent.map(str::to_owned).collect::<BTreeSet<_>>()
            })
            .reduce(BTreeSet::new, |mut all, part| {
                all.extend(part);
                all
            })
    }
}

/// Row numbers of two columns, side by side: each row on the left with each row of the same value on the right, or with
/// none. The right is in order, and so is the left but for a few; equal values on the right stay in their order.
pub(crate) fn matches(left: &StringChunked, right: &StringChunked) -> (Vec<IdxSize>, Vec<Option<IdxSize>>) {
    let (mut rows, mut partners) = (Vec::with_capacity(left.len()), Vec::with_capacity(left.len()));
    let right: Vec<&str> = right.iter().map(Option::unwrap_or_default).collect();
    let (mut start, mut last, mut jumped) = (0, "", false);
    let index = |row: usize| IdxSize::try_from(row).unwrap_or(IdxSize::MAX);
    for (row, value) in left.iter().map(Option::unwrap_or_default).enumerate() {
        let back = value < last;
        if back || jumped {
            start = right.partition_point(|own| *own < value);
        }
        (last, jumped) = (value, back);
        while start < right.len() && right[start] < value {
            start += 1;
        }
        let mut at = start;
        while at < right.len() && right[at] == value {
            rows.push(index(row));
            partners.push(Some(index(at)));
            at += 1;
        }
        if at == start {
            rows.push(index(row));
            partners.push(None);
        }
    }
    (rows, partners)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> StringChunked {
        StringChunked::new("c".into(), values)
    }

    #[test]
    fn order_is_seen_across_tasks() {
        let many: Vec<String> = (0..TASK * 2 + 3).map(|number| format!("{number:09}")).collect();
        let mut values = StringChunked::from_iter_values("c".into(), many.iter());
        assert!(is_ascending(&values, true));
        let mut swapped = many.clone();
        swapped.swap(TASK - 1, TASK);
        values = StringChunked::from_iter_values("c".into(), swapped.iter());
        assert!(!is_ascending(&values, true));
        let mut repeated = many;
        repeated[TASK] = repeated[TASK - 1].clone();
        values = StringChunked::from_iter_values("c".into(), repeated.iter());
        assert!(is_ascending(&values, false) && !is_ascending(&values, true));
    }

    #[test]
    fn missing_in_any_order() {
        let ids = column(&["a", "b", "d"]);
        let missing = |values: &[&str]| -> Vec<String> {
            Known::new(&ids).missing(&column(values)).into_iter().collect()
        };
        assert_eq!(missing(&["a", "a", "c", "d", "e"]), ["c", "e"]);
        assert_eq!(missing(&["e", "a", "c", "c", "d"]), ["c", "e"]);
    }

    #[test]
    fn matches_keep_both_orders() {
        let (left, right) = matches(&column(&["a", "b", "b", "c"]), &column(&["b", "b", "d"]));
        assert_eq!(left, [0, 1, 1, 2, 2, 3]);
        assert_eq!(right, [None, Some(0), Some(1), Some(0), Some(1), None]);
        let (_, right) = matches(&column(&["b", "d", "a", "b", "c", "d"]), &column(&["a", "b", "d"]));
        assert_eq!(right, [Some(1), Some(2), Some(0), Some(1), None, Some(2)], "few are out of order");
    }
}
