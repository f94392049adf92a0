//! What a calculation needs and nobody states. It is noted where it is missed and told at the end, all of it at once, so that
//! nothing turns into zero, or into full pay, without a word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::problem::Payee;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::source::{Place, TextPlace};

/// Why something is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// A cell of reps is empty: the column.
    Cell(String),
    /// The cell that says which team somebody is in is empty: the column.
    Team(String),
    /// An expression is NULL although the cells that it names are there.
    Null,
    /// The same of a formula that pays an amount, where that means that nothing is paid.
    NullPay,
    /// A credit has no second number to look a rate up with: its transaction.
    Lookup(String),
    /// What counts months from the hire date of somebody who has none: what it is.
    HireDate(String),
    /// A pool that nobody has a part in: the period.
    Pool(String),
}

impl Gap {
    /// Whether what is paid would be wrong, not only worth a question.
    fn is_error(&self) -> bool {
        match self {
            Self::Cell(_) | Self::Team(_) | Self::Null | Self::Lookup(_) => true,
            Self::NullPay | Self::HireDate(_) | Self::Pool(_) => false,
        }
    }

    fn told(&self, who: &str) -> (String, &'static str) {
        match self {
            Self::Cell(column) => (
                format!("`{column}` of {who} is empty"),
                "complete reps, exclude them with `eligible`, or say what an empty cell is: { column = \"...\", otherwise = \"0\" }, in sql COALESCE(..., 0)",
            ),
            Self::Team(column) => (
                format!("`{column}` of {who} is empty, so nobody knows their team"),
                "complete reps, or exclude them with `eligible`",
            ),
            Self::Null => (
                format!("the `sql` has no value (NULL) for {who}"),
                "a division by zero, or a CASE without ELSE: say what it is then with COALESCE(..., 0), or with `otherwise`",
            ),
            Self::NullPay => (
                format!("the `sql` has no value (NULL) for {who}, who are paid nothing"),
                "a division by zero, or a CASE without ELSE: if that is meant, say COALESCE(..., 0)",
            ),
            Self::Lookup(transaction) => (
                format!("transaction {transaction} of {who} has no number to look its rate up with"),
                "the `lookup` of its credit is NULL or absent: say what it is then with COALESCE(..., 0), or leave it out with `where`",
            ),
            Self::HireDate(what) => (
                format!("{who} has no hire date, so {what} never counts for them"),
                "complete hire_date in reps",
            ),
            Self::Pool(period) => (
                format!(
                    "the pool of {period} is paid to nobody in the team of {who}: nobody has a part in it"
                ),
                "parts are those of the measure, less than zero counts as zero; `by = \"equal\"` shares it anyway",
            ),
        }
    }
}

/// Where something is missing: file, place in it, and why.
type Key = (String, usize, Gap);

/// Everything that was missed so far. Payees are calculated side by side, so it is kept in an order that does not depend on
/// who came first.
#[derive(Debug, Default)]
pub(super) struct Gaps(Mutex<BTreeMap<Key, (TextPlace, BTreeSet<usize>)>>);

impl Gaps {
    pub(super) fn note(&self, gap: Gap, payee: usize, place: &TextPlace) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (place.source.path().to_owned(), place.span.start, gap);
        all.entry(key).or_insert_with(|| (place.clone(), BTreeSet::new())).1.insert(payee);
    }

    /// A fault for each, in the order of the plan.
    pub(super) fn faults(&self, payees: &[Payee]) -> Vec<Diagnostic> {
        /// How many people a message names.
        const NAMED: usize = 3;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = |((_, _, gap), (place, who)): (&Key, &(TextPlace, BTreeSet<usize>))| {
            let names: Vec<&str> = who.iter().take(NAMED).map(|payee| payees[*payee].id.as_str()).collect();
            let more = match who.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (message, hint) = gap.told(&format!("{}{more}", names.join(", ")));
            let fault = match gap {
                _ if gap.is_error() => Diagnostic::error(Code::SPM413, message),
                Gap::Pool(_) => Diagnostic::warning(Code::SPM401, message),
                _ => Diagnostic::warning(Code::SPM413, message),
            };
            fault.at(Place::Text(place.clone()), "needed here").hint(hint)
        };
        // Transactions of one credit are one fault, told of the first.
        let mut lookups: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        for (path, start, _) in all.keys().filter(|key| matches!(key.2, Gap::Lookup(_))) {
            *lookups.entry((path.as_str(), *start)).or_default() += 1;
        }
        let mut faults = Vec::new();
        for entry in all.iter() {
            let (path, start, gap) = entry.0;
            let count = match gap {
                Gap::Lookup(_) => lookups.remove(&(path.as_str(), *start)),
                _ => Some(1),
            };
            let Some(count) = count else { continue };
            let mut told = fault(entry);
            if count > 1 {
                told.message = format!("{}, and {} more", told.message, count - 1);
            }
            faults.push(told);
        }
        faults
    }
}
