//! Casts, and what is said of texts where a number or a date is meant: in an extract, columns may be texts that are
//! yet to be read.

use sqlparser::ast;

use super::check::{Checker, Dialect};
use super::{Comparison, Expression, Function, Node, Read};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::source::Place;
use crate::plan::contract::Type;

impl Checker<'_> {
    pub(super) fn cast(
        &mut self,
        expr: &ast::Expr,
        data_type: &ast::DataType,
        parsed: &ast::Expr,
    ) -> Expression {
        let inner = self.visit(expr);
        match data_type {
            ast::DataType::Text | ast::DataType::Varchar(_) | ast::DataType::String(_) => match inner.kind {
                Some(Type::Float) => {
                    self.fault(Code::SPM203, format!("`{parsed}`: a float has no exact text"), None)
                }
                _ => Expression::new(Node::Function(Function::ToText, vec![inner]), Type::Text),
            },
            ast::DataType::Decimal(ast::ExactNumberInfo::None)
            | ast::DataType::Numeric(ast::ExactNumberInfo::None) => self.read(inner, Type::Number, parsed),
            ast::DataType::Date => self.read(inner, Type::Date, parsed),
            _ if self.dialect == Dialect::Extract => self.fault(
                Code::SPM204,
                format!("`{parsed}` is not part of the dialect"),
                Some("columns are read with CAST(... AS DECIMAL), exactly and with all their decimals, CAST(... AS DATE) and CAST(... AS TEXT)"),
            ),
            _ => self.only_text(parsed),
        }
    }

    fn only_text(&mut self, parsed: &ast::Expr) -> Expression {
        let hint = "state the type in the mapping: { column = \"...\", type = \"number\" }";
        self.fault(
            Code::SPM204,
            format!("`{parsed}`: only CAST(... AS TEXT) is part of the dialect"),
            Some(hint),
        )
    }

    /// A column of an extract, its text cells read as another type.
    fn read(&mut self, inner: Expression, kind: Type, parsed: &ast::Expr) -> Expression {
        match inner {
            inner if inner.kind == Some(kind) || inner.kind.is_none() => inner,
            _ if self.dialect != Dialect::Extract => self.only_text(parsed),
            Expression { node: Node::Column(column), kind: Some(Type::Text) } => {
                let name = format!("CAST({} AS {})", quoted(&column), kind.name());
                let read = Read { column, kind, name: name.clone() };
                if !self.reads.contains(&read) {
                    self.reads.push(read);
                }
                Expression::new(Node::Column(name), kind)
            }
            _ => self.fault(
                Code::SPM204,
                format!("`{parsed}`: only a column of texts can be read as a {}", kind.name()),
                None,
            ),
        }
    }

    /// How a text column of an extract is read as a number.
    pub(super) fn reading_hint(&self, kind: Type, parsed: &ast::Expr) -> Option<String> {
        (self.dialect == Dialect::Extract && kind == Type::Text).then(|| {
            format!("columns of CSV and XLSX are texts in a source: write CAST({parsed} AS DECIMAL)")
        })
    }

    /// The order of texts is that of their letters, which is seldom meant where the literal is a number.
    pub(super) fn warn_of_order(
        &mut self,
        op: Comparison,
        a: &Expression,
        b: &Expression,
        parsed: &ast::Expr,
    ) {
        let ordered = !matches!(op, Comparison::Equal | Comparison::NotEqual | Comparison::Same);
        let (Node::Column(name), Node::Text(text)) = (&a.node, &b.node) else { return };
        if self.dialect == Dialect::Extract && ordered && text.parse::<Rational>().is_ok() {
            let message = format!("`{parsed}` compares texts letter by letter: '10' comes before '9'");
            let fault = Diagnostic::warning(Code::SPM203, message).at(Place::Text(self.place.clone()), "");
            self.faults.push(fault.hint(format!(
                "to compare numbers: CAST({} AS DECIMAL), and no quotes around {text}",
                quoted(name)
            )));
        }
    }

    /// What to write where a text meets a value of another type.
    pub(super) fn disagreement_hint(&self, text: &Expression, other: Type) -> Option<String> {
        let start = "columns of CSV and XLSX are texts in a source: write";
        match (&text.node, other) {
            (Node::Column(name), Type::Number) if self.dialect == Dialect::Extract => Some(format!(
                "{start} CAST({0} AS DECIMAL), or quotes around an identifier: {0} = '275'",
                quoted(name)
            )),
            (Node::Column(name), Type::Date) if self.dialect == Dialect::Extract => {
                Some(format!("{start} CAST({} AS DATE)", quoted(name)))
            }
            (_, Type::Date) => Some("dates are written DATE '2027-01-31'".to_owned()),
            (_, Type::Number) => {
                Some("numbers have no quotes; identifiers are text and need them: rep_id = '275'".to_owned())
            }
            _ => None,
        }
    }
}

/// A column as an expression names it.
fn quoted(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_.".contains(character);
    if name.chars().all(plain) { name.to_owned() } else { format!("\"{name}\"") }
}
