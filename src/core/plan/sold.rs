//! What was sold, and whose sale it is: the keys `amount`, `where` and `by` of every plan that looks at past sales (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::source::{Place, TextPlace};

use super::Tables;
use super::contract::Type;
use super::expression::{Expression, check_typed};
use super::forecast::Grouping;
use super::raw::Raw;
use super::shape::{Field, Kind};

/// What counts.
pub(in crate::plan) const AMOUNT: Field = Field::optional(
    "amount",
    Kind::Expression,
    "what counts as sold, over transactions; `amount` when absent",
);

/// Which transactions count.
pub(in crate::plan) const WHERE: Field =
    Field::optional("where", Kind::Expression, "condition over transactions: which count; all when absent");

/// Whose sale it is.
pub(in crate::plan) const BY: Field = Field::optional(
    "by",
    Kind::Text,
    "whose sale it is: rep (default, the rep of the transaction), or a text column of accounts that names the holder",
);

/// `rep`, or a text column of accounts.
pub(in crate::plan) fn check_by(raw: &Raw, tables: &Tables, faults: &mut Sink) -> Grouping {
    let by = raw.text("by").unwrap_or("rep");
    if by == "rep" {
        return Grouping { table: "transactions", column: "rep_id".to_owned() };
    }
    if !tables.columns("accounts").0.iter().any(|(name, kind)| name == by && *kind == Type::Text) {
        let fault = Diagnostic::error(Code::SPM010, format!("accounts has no text column `{by}`"));
        let fault = fault.at(Place::Text(raw.key_place("by").clone()), "");
        faults.push(
            fault.hint("by = \"rep\", or a column of accounts that names the holder, such as \"owner_id\""),
        );
    }
    Grouping { table: "accounts", column: by.to_owned() }
}

/// An expression of a type under a key.
pub(in crate::plan) fn check_key(
    raw: &Raw,
    key: &str,
    table: &str,
    kind: Type,
    tables: &Tables,
    faults: &mut Sink,
) -> Option<Expression> {
    let item = raw.get(key)?;
    check_typed(item.as_text()?, &item.place, &tables.columns(table), kind, faults)
}

/// The key `amount` over transactions, or the column.
pub(in crate::plan) fn check_sold(
    raw: &Raw,
    place: &TextPlace,
    tables: &Tables,
    faults: &mut Sink,
) -> Option<Expression> {
    match raw.get("amount") {
        Some(_) => check_key(raw, "amount", "transactions", Type::Number, tables, faults),
        None => check_typed("amount", place, &tables.columns("transactions"), Type::Number, faults),
    }
}
