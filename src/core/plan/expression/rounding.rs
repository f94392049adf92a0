//! ROUND, FLOOR and CEIL: the ways from a quotient to a number that rows can hold.

use sqlparser::ast;

use super::check::Checker;
use super::{Expression, Function, Node};
use crate::ground::diagnostic::Code;
use crate::ground::limit;
use crate::plan::contract::Type;

/// The two sides of a division.
fn quotient(mut inner: &ast::Expr) -> Option<(&ast::Expr, &ast::Expr)> {
    while let ast::Expr::Nested(nested) = inner {
        inner = nested;
    }
    match inner {
        ast::Expr::BinaryOp { left, op: ast::BinaryOperator::Divide, right } => Some((left, right)),
        _ => None,
    }
}

impl Checker<'_> {
    pub(super) fn round(
        &mut self,
        inner: &ast::Expr,
        decimals: &ast::Expr,
        parsed: &ast::Expr,
    ) -> Expression {
        let decimals_checked = self.visit(decimals);
        let Node::Number(places) = decimals_checked.node else { return self.outside(parsed) };
        let Some(places) = places.to_i64_pair().and_then(|(n, d)| u32::try_from(n).ok().filter(|_| d == 1))
        else {
            return self.fault(Code::SPM203, format!("`{parsed}`: decimals are a whole number from 0"), None);
        };
        let places = places.min(limit::COLUMN_DECIMALS_MAX);
        if let Some((left, right)) = quotient(inner) {
            return self.call(
                Function::RoundQuotient(places),
                &[left, right],
                &[Type::Number, Type::Number],
                Type::Number,
            );
        }
        self.call(Function::Round(places), &[inner], &[Type::Number], Type::Number)
    }

    /// FLOOR or CEIL of a number, or of a quotient.
    pub(super) fn whole(&mut self, function: Function, inner: &ast::Expr) -> Expression {
        match quotient(inner) {
            Some((left, right)) => self.call(function, &[left, right], &[Type::Number; 2], Type::Number),
            None => self.call(function, &[inner], &[Type::Number], Type::Number),
        }
    }
}
