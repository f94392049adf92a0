//! What the dialect accepts and refuses.

use super::*;
use crate::ground::diagnostic::{Code, Sink};
use crate::ground::source::{Source, TextPlace};

fn check(text: &str) -> Result<Expression, Vec<Code>> {
    let source = Source::new("plan.toml", text);
    let place = TextPlace { source: source.clone(), span: 0..text.len() };
    let columns = [
        ("kind", Type::Text),
        ("amount", Type::Number),
        ("event_date", Type::Date),
        ("latitude", Type::Float),
        ("store.Name", Type::Text),
    ];
    let columns = Columns(columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec());
    let mut sink = Sink::default();
    let checked = check_expression(text, &place, &columns, &mut sink);
    checked.ok_or_else(|| sink.faults().iter().map(|fault| fault.code).collect())
}

#[test]
fn types_of_the_dialect() {
    for (text, kind) in [
        ("kind = 'booking' AND amount >= 1000.50", Type::Boolean),
        ("amount * 0.08125", Type::Number),
        ("CASE WHEN kind IN ('a', 'b') THEN amount ELSE 0 END", Type::Number),
        ("event_date BETWEEN DATE '2027-01-01' AND DATE '2027-03-31'", Type::Boolean),
        ("EXTRACT(YEAR FROM event_date) = 2027", Type::Boolean),
        ("ROUND(amount / 3, 2)", Type::Number),
        ("FLOOR(amount / 3) + CEIL(amount)", Type::Number),
        ("UPPER(TRIM(kind)) LIKE 'NEW%'", Type::Boolean),
        ("kind || '-' || store.Name", Type::Text),
        ("COALESCE(NULLIF(kind, ''), 'none')", Type::Text),
        ("latitude > 47.5", Type::Boolean),
        ("NOT (Kind IS NULL)", Type::Boolean),
        ("SUBSTR(kind, 1, 3)", Type::Text),
    ] {
        assert_eq!(check(text).map(|expression| expression.kind), Ok(Some(kind)), "{text}");
    }
}

#[test]
fn refusals() {
    for (text, code) in [
        ("kind = ", Code::SPM201),
        ("kind = 'a' kind", Code::SPM201),
        ("stage = 'a'", Code::SPM202),
        ("UPPR(kind) = 'A'", Code::SPM202),
        ("amount = '5'", Code::SPM203),
        ("event_date > '2027-01-01'", Code::SPM203),
        ("event_date > 5", Code::SPM203),
        ("amount / 3", Code::SPM203),
        ("amount + latitude", Code::SPM203),
        ("kind = NULL", Code::SPM203),
        ("amount AND kind", Code::SPM203),
        ("SUM(amount) > 5", Code::SPM204),
        ("event_date < CURRENT_DATE", Code::SPM204),
        ("amount > (SELECT 1)", Code::SPM204),
        ("ROW_NUMBER() OVER (ORDER BY amount) = 1", Code::SPM204),
    ] {
        let faults = check(text).expect_err(text);
        assert_eq!(faults.first(), Some(&code), "{text}: {faults:?}");
    }
}
