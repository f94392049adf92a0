//! Brings rows of amounts to sums of their columns without changing the sum of any row (floor 2).

use crate::ground::round::WholeWeights;

/// Amounts of somebody, one for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The amounts, none negative.
    pub amounts: Vec<i64>,
    /// Which of them may change.
    pub open: Vec<bool>,
}

/// Moves amounts within rows until the columns have these sums; in units where that is possible, most where most is.
/// `None` when no moves get there, with the rows undefined.
///
/// Each round moves as much as fits along a shortest way from a column with too much to one with too little. A way leads
/// from one column to the next when some row has something in the first and may have more in the second. Without such a
/// way there is no answer (the rows and columns are a transportation problem), so nothing is missed.
pub(super) fn transport(rows: &mut [Row], sums: &[i64], unit: i64) -> Option<()> {
    let columns = sums.len();
    let mut over: Vec<i64> = (0..columns)
        .map(|column| rows.iter().map(|row| row.amounts[column]).sum::<i64>() - sums[column])
        .collect();
    if over.iter().sum::<i64>() != 0 {
        return None;
    }
    while let Some(from) =
        (0..columns).rev().filter(|column| over[*column] > 0).max_by_key(|column| over[*column])
    {
        let way = way(rows, &over, from)?;
        let to = *way.last()?;
        let room = way.windows(2).map(|step| room(rows, step[0], step[1])).min()?;
        let amount = over[from].min(-over[to]).min(room);
        for step in way.windows(2) {
            shift(rows, step[0], step[1], amount, unit);
        }
        over[from] -= amount;
        over[to] += amount;
    }
    Some(())
}

/// How much may go from one column to another.
fn room(rows: &[Row], from: usize, to: usize) -> i64 {
    rows.iter().filter(|row| row.open[from] && row.open[to]).map(|row| row.amounts[from]).sum()
}

/// A shortest way from a column to one that has too little.
fn way(rows: &[Row], over: &[i64], start: usize) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; over.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(column) = queue.pop_front() {
        if over[column] < 0 {
            let mut way = vec![column];
            while let Some(earlier) = way.last().and_then(|last| before[*last]) {
                way.push(earlier);
            }
            way.reverse();
            return Some(way);
        }
        let new = |next: &usize| *next != start && before[*next].is_none();
        let open = |next: &usize| *next != column && room(rows, column, *next) > 0;
        let more: Vec<usize> = (0..over.len()).filter(new).filter(open).collect();
        for next in more {
            before[next] = Some(column);
            queue.push_back(next);
        }
    }
    None
}

/// Moves an amount from one column to another, where there is room for it: in proportion to what the rows have in the
/// other, in whole units; what is left from the row that has most.
fn shift(rows: &mut [Row], from: usize, to: usize, amount: i64, unit: i64) {
    let open: Vec<usize> =
        (0..rows.len()).filter(|row| rows[*row].open[from] && rows[*row].open[to]).collect();
    let weights =
        open.iter().map(|row| rows[*row].amounts[from].min(rows[*row].amounts[to]).into()).collect();
    let mut parts = vec![0; open.len()];
    let split =
        WholeWeights::new(weights).and_then(|weights| weights.split((amount / unit).into(), &mut parts));
    if split.is_none() {
        parts.iter_mut().for_each(|part| *part = 0);
    }
    let mut left = amount;
    let mut give = |row: &mut Row, most: i64| {
        let part = most.min(row.amounts[from]).min(left);
        row.amounts[from] -= part;
        row.amounts[to] += part;
        left -= part;
    };
    for (row, part) in open.iter().zip(parts) {
        let part = part.saturating_mul(unit.into());
        give(&mut rows[*row], i64::try_from(part).unwrap_or(i64::MAX));
    }
    let mut order = open;
    order.sort_by_key(|row| std::cmp::Reverse(rows[*row].amounts[from]));
    for row in order {
        give(&mut rows[row], i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(amounts: &[i64], open: &[u8]) -> Row {
        Row { amounts: amounts.to_vec(), open: open.iter().map(|open| *open == 1).collect() }
    }

    #[test]
    fn moves_go_where_most_is() {
        // The second row is hardly there in the second column: the first takes nearly all of it.
        let mut rows = [row(&[50, 50], &[1, 1]), row(&[30, 10], &[1, 1])];
        assert_eq!(transport(&mut rows, &[68, 72], 1), Some(()));
        assert_eq!(rows.map(|row| row.amounts), [[40, 60], [28, 12]]);
    }

    #[test]
    fn by_a_way_over_another_column() {
        let mut rows = [row(&[5, 0, 0], &[1, 1, 0]), row(&[0, 5, 0], &[0, 1, 1])];
        assert_eq!(transport(&mut rows, &[2, 5, 3], 1), Some(()));
        assert_eq!(rows.map(|row| row.amounts), [[2, 3, 0], [0, 2, 3]]);
        let mut stuck = [row(&[5, 0], &[1, 0])];
        assert_eq!(transport(&mut stuck, &[4, 1], 1), None);
    }

    proptest! {
        #[test]
        fn rows_and_columns_add_up(cells in prop::collection::vec(prop::collection::vec(0i64..50, 4), 1..6), turn in 0usize..4, unit in 1i64..9) {
            // Sums that exist: those of the same rows turned.
            let sums: Vec<i64> = (0..4).map(|column| cells.iter().map(|row| row[(column + turn) % 4]).sum()).collect();
            let mut rows: Vec<Row> = cells.iter().map(|cells| row(cells, &[1; 4])).collect();
            prop_assert_eq!(transport(&mut rows, &sums, unit), Some(()));
            for (column, sum) in sums.iter().enumerate() {
                prop_assert_eq!(rows.iter().map(|row| row.amounts[column]).sum::<i64>(), *sum);
            }
            for (after, before) in rows.iter().zip(&cells) {
                prop_assert_eq!(after.amounts.iter().sum::<i64>(), before.iter().sum::<i64>());
                prop_assert!(after.amounts.iter().all(|amount| *amount >= 0));
            }
        }
    }
}
