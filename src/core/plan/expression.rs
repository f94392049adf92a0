//! SQL expressions over the columns of one row: parsed by `sqlparser`, then typed and restricted to the published
//! dialect (docs/reference/expressions.md). Numbers stay exact; there is no clock, no aggregate, no subquery (floor 1).

mod check;
mod reading;
mod rounding;
#[cfg(test)]
mod tests;

use crate::ground::period::Date;
use crate::ground::rational::Rational;

use super::contract::Type;

pub use check::{check_expression, check_extract, check_formula, check_typed};

/// A typed expression. `kind` is `None` for the literal NULL only.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// The type of its value.
    pub kind: Option<Type>,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A column, `name` or `lookup.name`.
    Column(String),
    /// A text literal.
    Text(String),
    /// An exact number.
    Number(Rational),
    /// `DATE '2027-01-01'`.
    Date(Date),
    /// TRUE or FALSE.
    Boolean(bool),
    /// NULL.
    Null,
    /// NOT.
    Not(Box<Expression>),
    /// Unary minus.
    Negate(Box<Expression>),
    /// AND, OR.
    Logic(Logic, Box<Expression>, Box<Expression>),
    /// A comparison.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// Addition, subtraction, multiplication.
    Arithmetic(Arithmetic, Box<Expression>, Box<Expression>),
    /// IS NULL.
    IsNull(Box<Expression>),
    /// IN (literals).
    In(Box<Expression>, Vec<Expression>),
    /// LIKE, ILIKE with a literal pattern.
    Like {
        /// The text looked at.
        text: Box<Expression>,
        /// Pattern with `%` and `_`.
        pattern: String,
        /// ILIKE.
        ignore_case: bool,
    },
    /// CASE WHEN ... THEN ... ELSE ... END.
    Case(Vec<(Expression, Expression)>, Box<Expression>),
    /// A function.
    Function(Function, Vec<Expression>),
}

/// AND or OR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// AND.
    And,
    /// OR.
    Or,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// =
    Equal,
    /// <>
    NotEqual,
    /// <
    Less,
    /// <=
    LessOrEqual,
    /// >
    Greater,
    /// >=
    GreaterOrEqual,
    /// IS NOT DISTINCT FROM: NULL equals NULL.
    Same,
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// +
    Add,
    /// -
    Subtract,
    /// *
    Multiply,
    /// /: only in formulas, which are exact fractions; elsewhere ROUND(a / b, decimals). NULL when the divisor is 0.
    Divide,
}

/// Functions of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// UPPER(text)
    Upper,
    /// LOWER(text)
    Lower,
    /// TRIM(text): blanks at both ends
    Trim,
    /// LENGTH(text): characters
    Length,
    /// SUBSTR(text, from, length): from counts from 1
    Substring,
    /// REPLACE(text, 'what', 'by')
    Replace,
    /// CONCAT(...) and ||: NULL makes NULL
    Concat,
    /// COALESCE(...): the first that is not NULL
    Coalesce,
    /// ABS(number)
    Absolute,
    /// ROUND(number, decimals): half away from zero
    Round(u32),
    /// ROUND(a / b, decimals): half away from zero; NULL when b is 0
    RoundQuotient(u32),
    /// FLOOR(number) or FLOOR(a / b): the whole number at or below; NULL when b is 0
    Floor,
    /// CEIL(number) or CEIL(a / b): the whole number at or above; NULL when b is 0
    Ceiling,
    /// GREATEST(...)
    Greatest,
    /// LEAST(...)
    Least,
    /// EXTRACT(YEAR FROM date)
    Year,
    /// EXTRACT(QUARTER FROM date)
    Quarter,
    /// EXTRACT(MONTH FROM date)
    Month,
    /// EXTRACT(DAY FROM date)
    Day,
    /// CAST(x AS TEXT)
    ToText,
    /// POINT_LONGITUDE(text): x of WKT `POINT (x y)`, a float
    PointLongitude,
    /// POINT_LATITUDE(text): y of WKT `POINT (x y)`, a float
    PointLatitude,
    /// REGEXP_EXTRACT(text, 'pattern'): the first group, else the whole match
    RegexpExtract,
}

/// A cast in an expression over an extract: the text cells of a column, read as the source says that they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The column of the extract.
    pub column: String,
    /// What its cells are read as.
    pub kind: Type,
    /// Under which name the expression knows what was read.
    pub name: String,
}

/// The columns that an expression may name.
#[derive(Clone, Debug, Default)]
pub struct Columns(pub Vec<(String, Type)>);

impl Columns {
    fn find(&self, name: &str) -> Option<Type> {
        self.0.iter().find(|(column, _)| column == name).map(|(_, kind)| *kind)
    }
}

impl Expression {
    fn new(node: Node, kind: Type) -> Self {
        Self { node, kind: Some(kind) }
    }

    fn null() -> Self {
        Self { node: Node::Null, kind: None }
    }

    /// This number times a factor.
    #[must_use]
    pub fn times(&self, factor: &Rational) -> Self {
        let factor = Self::new(Node::Number(factor.clone()), Type::Number);
        let product = Node::Arithmetic(Arithmetic::Multiply, Box::new(self.clone()), Box::new(factor));
        Self { node: product, kind: self.kind }
    }

    /// The columns that the expression names, in order of first use.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |expression| {
            if let Node::Column(name) = &expression.node
                && !found.contains(&name.as_str())
            {
                found.push(name.as_str());
            }
        });
        found
    }

    pub(crate) fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        match &self.node {
            Node::Not(a) | Node::Negate(a) | Node::IsNull(a) | Node::Like { text: a, .. } => a.visit(see),
            Node::Logic(_, a, b) | Node::Compare(_, a, b) | Node::Arithmetic(_, a, b) => {
                a.visit(see);
                b.visit(see);
            }
            Node::In(a, list) => {
                a.visit(see);
                list.iter().for_each(|item| item.visit(see));
            }
            Node::Case(arms, otherwise) => {
                for (when, then) in arms {
                    when.visit(see);
                    then.visit(see);
                }
                otherwise.visit(see);
            }
            Node::Function(_, arguments) => arguments.iter().for_each(|item| item.visit(see)),
            Node::Column(_)
            | Node::Text(_)
            | Node::Number(_)
            | Node::Date(_)
            | Node::Boolean(_)
            | Node::Null => {}
        }
    }
}
