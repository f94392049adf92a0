//! Text to a typed expression: what the dialect accepts, and what it refuses with which words.

use sqlparser::ast;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Arithmetic, Columns, Comparison, Expression, Function, Logic, Node, Read};
use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::limit;
use crate::ground::source::{Place, TextPlace};
use crate::plan::contract::Type;

/// Function names as users write them.
const FUNCTIONS: &[&str] = &[
    "ABS",
    "CAST",
    "CEIL",
    "COALESCE",
    "CONCAT",
    "EXTRACT",
    "FLOOR",
    "GREATEST",
    "LEAST",
    "LENGTH",
    "LOWER",
    "NULLIF",
    "POINT_LATITUDE",
    "POINT_LONGITUDE",
    "REGEXP_EXTRACT",
    "REPLACE",
    "ROUND",
    "SUBSTR",
    "TRIM",
    "UPPER",
];

/// Parses and types an expression. All faults go to the sink, at `place`.
#[must_use]
pub fn check_expression(
    text: &str,
    place: &TextPlace,
    columns: &Columns,
    sink: &mut Sink,
) -> Option<Expression> {
    parse(text, place, columns, Dialect::Row, sink).map(|(expression, _)| expression)
}

/// As [`check_expression`], over an extract, whose columns may be texts that are yet to be read:
/// `CAST(column AS DECIMAL)` and `CAST(column AS DATE)` give what has to be read before the expression is calculated.
#[must_use]
pub fn check_extract(
    text: &str,
    place: &TextPlace,
    columns: &Columns,
    kind: Option<Type>,
    sink: &mut Sink,
) -> Option<(Expression, Vec<Read>)> {
    let (expression, reads) = parse(text, place, columns, Dialect::Extract, sink)?;
    match kind {
        Some(kind) => Some((of_type(expression, text, place, kind, sink)?, reads)),
        None => Some((expression, reads)),
    }
}

/// As [`check_typed`], for an expression that is calculated with exact fractions: it may divide.
#[must_use]
pub fn check_formula(
    text: &str,
    place: &TextPlace,
    columns: &Columns,
    kind: Type,
    sink: &mut Sink,
) -> Option<Expression> {
    let (expression, _) = parse(text, place, columns, Dialect::Formula, sink)?;
    of_type(expression, text, place, kind, sink)
}

/// What an expression is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The typed columns of a row.
    Row,
    /// The columns of an extract, some of them texts that are yet to be read.
    Extract,
    /// Exact fractions, so that division is allowed.
    Formula,
}

fn parse(
    text: &str,
    place: &TextPlace,
    columns: &Columns,
    dialect: Dialect,
    sink: &mut Sink,
) -> Option<(Expression, Vec<Read>)> {
    let parsed = Parser::new(&GenericDialect {})
        .with_recursion_limit(limit::EXPRESSION_DEPTH_MAX)
        .try_with_sql(text)
        .and_then(|mut parser| {
            let expression = parser.parse_expr()?;
            let rest = parser.peek_token();
            match rest.token {
                Token::EOF => Ok(expression),
                token => Err(sqlparser::parser::ParserError::ParserError(format!(
                    "unexpected `{token}` after the expression"
                ))),
            }
        });
    match parsed {
        Ok(parsed) => {
            let mut checker = Checker { columns, dialect, place, reads: vec![], faults: Sink::default() };
            let typed = checker.visit(&parsed);
            let failed = checker.faults.has_errors();
            sink.append(checker.faults);
            if failed { None } else { Some((typed, checker.reads)) }
        }
        Err(error) => {
            let message = error.to_string();
            let message = message.trim_start_matches("sql parser error: ");
            let fault = Diagnostic::error(Code::SPM201, format!("`{text}`: {}", lower_first(message)));
            sink.push(fault.at(Place::Text(place.clone()), ""));
            None
        }
    }
}

/// As [`check_expression`], for a place that needs a value of one type.
#[must_use]
pub fn check_typed(
    text: &str,
    place: &TextPlace,
    columns: &Columns,
    kind: Type,
    sink: &mut Sink,
) -> Option<Expression> {
    let expression = check_expression(text, place, columns, sink)?;
    of_type(expression, text, place, kind, sink)
}

fn of_type(
    expression: Expression,
    text: &str,
    place: &TextPlace,
    kind: Type,
    sink: &mut Sink,
) -> Option<Expression> {
    if expression.kind == Some(kind) || expression.kind.is_none() {
        return Some(expression);
    }
    let found = expression.kind.map_or("NULL", Type::name);
    let fault = Diagnostic::error(
        Code::SPM203,
        format!("`{text}` gives a {found}, but a {} is needed here", kind.name()),
    );
    let fault = fault.at(Place::Text(place.clone()), "");
    sink.push(if kind == Type::Boolean {
        fault.hint("write a condition, such as kind = 'booking'")
    } else {
        fault
    });
    None
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

pub(super) struct Checker<'a> {
    columns: &'a Columns,
    pub(super) dialect: Dialect,
    pub(super) place: &'a TextPlace,
    pub(super) reads: Vec<Read>,
    pub(super) faults: Sink,
}

impl Checker<'_> {
    pub(super) fn fault(&mut self, code: Code, message: String, hint: Option<&str>) -> Expression {
        // What is looked at twice is told once.
        if self.faults.faults().iter().any(|told| told.code == code && told.message == message) {
            return Expression::null();
        }
        let fault = Diagnostic::error(code, message).at(Place::Text(self.place.clone()), "");
        self.faults.push(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
        Expression::null()
    }

    pub(super) fn outside(&mut self, what: &ast::Expr) -> Expression {
        self.fault(Code::SPM204, format!("`{what}` is not part of the dialect"), None)
    }

    pub(super) fn visit(&mut self, parsed: &ast::Expr) -> Expression {
        use ast::Expr;
        match parsed {
            Expr::Nested(inner) => self.visit(inner),
            Expr::Identifier(name) => self.column(&name.value, name.quote_style.is_some()),
            Expr::CompoundIdentifier(parts) => {
                let name: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                self.column(&name.join("."), true)
            }
            Expr::Value(value) => self.literal(&value.value, parsed),
            Expr::TypedString(typed) => match (&typed.data_type, &typed.value.value) {
                (ast::DataType::Date, ast::Value::SingleQuotedString(text)) => match text.parse() {
                    Ok(date) => Expression::new(Node::Date(date), Type::Date),
                    Err(_) => self.fault(
                        Code::SPM201,
                        format!("`{text}` is not a date"),
                        Some("dates are written DATE '2027-01-31'"),
                    ),
                },
                _ => self.outside(parsed),
            },
            Expr::UnaryOp { op: ast::UnaryOperator::Not, expr } => {
                let inner = self.condition(expr);
                Expression::new(Node::Not(Box::new(inner)), Type::Boolean)
            }
            Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
                let inner = self.visit(expr);
                let kind = self.numeric(&inner, expr);
                match inner.node {
                    Node::Number(value) => Expression::new(Node::Number(-value), kind),
                    _ => Expression::new(Node::Negate(Box::new(inner)), kind),
                }
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, parsed),
            Expr::IsNull(inner) => {
                let inner = self.visit(inner);
                Expression::new(Node::IsNull(Box::new(inner)), Type::Boolean)
            }
            Expr::IsNotNull(inner) => {
                let inner = self.visit(inner);
                negate(Expression::new(Node::IsNull(Box::new(inner)), Type::Boolean))
            }
            Expr::IsDistinctFrom(left, right) => negate(self.compare(Comparison::Same, left, right, parsed)),
            Expr::IsNotDistinctFrom(left, right) => self.compare(Comparison::Same, left, right, parsed),
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated, parsed),
            Expr::Between { expr, negated, low, high } => {
                let low = self.compare(Comparison::GreaterOrEqual, expr, low, parsed);
                let high = self.compare(Comparison::LessOrEqual, expr, high, parsed);
                let both = Node::Logic(Logic::And, Box::new(low), Box::new(high));
                let both = Expression::new(both, Type::Boolean);
                if *negated { negate(both) } else { both }
            }
            Expr::Like { negated, expr, pattern, any: false, escape_char: None } => {
                self.like(*negated, expr, pattern, false)
            }
            Expr::ILike { negated, expr, pattern, any: false, escape_char: None } => {
                self.like(*negated, expr, pattern, true)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), parsed)
            }
            Expr::Cast { expr, data_type, kind: ast::CastKind::Cast, .. } => {
                self.cast(expr, data_type, parsed)
            }
            Expr::Extract { field, expr, .. } => self.date_part(&field.to_string(), expr),
            Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
                self.call(Function::Trim, &[expr], &[Type::Text], Type::Text)
            }
            Expr::Substring { expr, substring_from: Some(from), substring_for: Some(length), .. } => self
                .call(
                    Function::Substring,
                    &[expr, from, length],
                    &[Type::Text, Type::Number, Type::Number],
                    Type::Text,
                ),
            Expr::Floor { expr, .. } => self.whole(Function::Floor, expr),
            Expr::Ceil { expr, .. } => self.whole(Function::Ceiling, expr),
            Expr::Function(function) => self.function(function, parsed),
            Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => {
                self.fault(Code::SPM204, format!("`{parsed}`: a row expression has no subqueries"), None)
            }
            _ => self.outside(parsed),
        }
    }

    fn column(&mut self, name: &str, exact: bool) -> Expression {
        let found = self.columns.find(name).map(|kind| (name.to_owned(), kind));
        let found = found.or_else(|| {
            let same = |column: &&(String, Type)| !exact && column.0.eq_ignore_ascii_case(name);
            self.columns.0.iter().find(same).cloned()
        });
        if let Some((name, kind)) = found {
            return Expression::new(Node::Column(name), kind);
        }
        let names: Vec<&str> = self.columns.0.iter().map(|(name, _)| name.as_str()).collect();
        let hint = match suggestion(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the columns are: {}", names.join(", ")),
        };
        let code = if name.eq_ignore_ascii_case("current_date") { Code::SPM204 } else { Code::SPM202 };
        self.fault(code, format!("there is no column `{name}` here"), Some(&hint))
    }

    fn literal(&mut self, value: &ast::Value, parsed: &ast::Expr) -> Expression {
        match value {
            ast::Value::Number(text, _) => match text.parse() {
                Ok(number) => Expression::new(Node::Number(number), Type::Number),
                Err(_) => self.fault(
                    Code::SPM201,
                    format!("`{text}` is not an exact number"),
                    Some("write plain decimals"),
                ),
            },
            ast::Value::SingleQuotedString(text) => Expression::new(Node::Text(text.clone()), Type::Text),
            ast::Value::Boolean(value) => Expression::new(Node::Boolean(*value), Type::Boolean),
            ast::Value::Null => Expression::null(),
            _ => self.outside(parsed),
        }
    }

    fn condition(&mut self, parsed: &ast::Expr) -> Expression {
        let inner = self.visit(parsed);
        if !matches!(inner.kind, None | Some(Type::Boolean)) {
            let kind = inner.kind.map_or("NULL", Type::name);
            return self.fault(Code::SPM203, format!("`{parsed}` is a {kind}, not a condition"), None);
        }
        inner
    }

    fn numeric(&mut self, inner: &Expression, parsed: &ast::Expr) -> Type {
        match inner.kind {
            Some(Type::Float) => Type::Float,
            None | Some(Type::Number) => Type::Number,
            Some(kind) => {
                let hint = self.reading_hint(kind, parsed);
                let message = format!("`{parsed}` is a {}, not a number", kind.name());
                self.fault(Code::SPM203, message, hint.as_deref());
                Type::Number
            }
        }
    }

    fn binary(
        &mut self,
        left: &ast::Expr,
        op: &ast::BinaryOperator,
        right: &ast::Expr,
        parsed: &ast::Expr,
    ) -> Expression {
        use ast::BinaryOperator as Op;
        match op {
            Op::And | Op::Or => {
                let (left, right) = (self.condition(left), self.condition(right));
                let logic = if *op == Op::And { Logic::And } else { Logic::Or };
                Expression::new(Node::Logic(logic, Box::new(left), Box::new(right)), Type::Boolean)
            }
            Op::Eq => self.compare(Comparison::Equal, left, right, parsed),
            Op::NotEq => self.compare(Comparison::NotEqual, left, right, parsed),
            Op::Lt => self.compare(Comparison::Less, left, right, parsed),
            Op::LtEq => self.compare(Comparison::LessOrEqual, left, right, parsed),
            Op::Gt => self.compare(Comparison::Greater, left, right, parsed),
            Op::GtEq => self.compare(Comparison::GreaterOrEqual, left, right, parsed),
            Op::Plus => self.arithmetic(Arithmetic::Add, left, right, parsed),
            Op::Minus => self.arithmetic(Arithmetic::Subtract, left, right, parsed),
            Op::Multiply => self.arithmetic(Arithmetic::Multiply, left, right, parsed),
            Op::StringConcat => {
                self.call(Function::Concat, &[left, right], &[Type::Text, Type::Text], Type::Text)
            }
            Op::Divide if self.dialect == Dialect::Formula => {
                self.arithmetic(Arithmetic::Divide, left, right, parsed)
            }
            Op::Divide => self.fault(
                Code::SPM203,
                format!("`{parsed}`: a quotient has no exact decimal form"),
                Some("say how to round it: ROUND(a / b, 4)"),
            ),
            _ => self.outside(parsed),
        }
    }

    fn arithmetic(
        &mut self,
        op: Arithmetic,
        left: &ast::Expr,
        right: &ast::Expr,
        parsed: &ast::Expr,
    ) -> Expression {
        let (a, b) = (self.visit(left), self.visit(right));
        let kinds = (self.numeric(&a, left), self.numeric(&b, right));
        let literal = |side: &Expression| matches!(side.node, Node::Number(_));
        let kind = match kinds {
            (Type::Number, Type::Number) => Type::Number,
            (Type::Float, Type::Float) => Type::Float,
            _ if literal(&a) || literal(&b) => Type::Float,
            _ => {
                return self.fault(
                    Code::SPM203,
                    format!("`{parsed}` mixes an exact number with a float"),
                    Some("map the float column as a number, or keep the two apart"),
                );
            }
        };
        Expression::new(Node::Arithmetic(op, Box::new(a), Box::new(b)), kind)
    }

    /// One type for both sides, or a fault. A literal takes the type of the other side where that loses nothing.
    fn agree(
        &mut self,
        a: Expression,
        b: Expression,
        parsed: &ast::Expr,
    ) -> Option<(Expression, Expression, Option<Type>)> {
        let kind = match (a.kind, b.kind) {
            (None, kind) | (kind, None) => kind,
            (Some(x), Some(y)) if x == y => Some(x),
            (Some(Type::Float), Some(Type::Number)) | (Some(Type::Number), Some(Type::Float)) => {
                let literal = matches!(a.node, Node::Number(_)) || matches!(b.node, Node::Number(_));
                if !literal {
                    self.fault(
                        Code::SPM203,
                        format!("`{parsed}` compares an exact number with a float"),
                        None,
                    );
                    return None;
                }
                Some(Type::Float)
            }
            (Some(x), Some(y)) => {
                let hint = match (x, y) {
                    (Type::Text, other) => self.disagreement_hint(&a, other),
                    (other, Type::Text) => self.disagreement_hint(&b, other),
                    _ => None,
                };
                self.fault(
                    Code::SPM203,
                    format!("`{parsed}` puts a {} against a {}", x.name(), y.name()),
                    hint.as_deref(),
                );
                return None;
            }
        };
        Some((a, b, kind))
    }

    fn compare(
        &mut self,
        op: Comparison,
        left: &ast::Expr,
        right: &ast::Expr,
        parsed: &ast::Expr,
    ) -> Expression {
        let (a, b) = (self.visit(left), self.visit(right));
        let null = matches!(a.node, Node::Null) || matches!(b.node, Node::Null);
        if null && op != Comparison::Same && !self.faults.has_errors() {
            return self.fault(
                Code::SPM203,
                format!("`{parsed}` is never true"),
                Some("write IS NULL or IS NOT NULL"),
            );
        }
        self.warn_of_order(op, &a, &b, parsed);
        match self.agree(a, b, parsed) {
            Some((a, b, _)) => Expression::new(Node::Compare(op, Box::new(a), Box::new(b)), Type::Boolean),
            None => Expression::null(),
        }
    }

    fn in_list(
        &mut self,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        parsed: &ast::Expr,
    ) -> Expression {
        let subject = self.visit(expr);
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let item_checked = self.visit(item);
            if !matches!(item_checked.node, Node::Text(_) | Node::Number(_) | Node::Date(_)) {
                self.fault(Code::SPM204, format!("`{item}`: an IN list holds literals only"), None);
                continue;
            }
            if let Some((_, item, _)) = self.agree(subject.clone(), item_checked, parsed) {
                items.push(item);
            }
        }
        let found = Expression::new(Node::In(Box::new(subject), items), Type::Boolean);
        if negated { negate(found) } else { found }
    }

    fn like(
        &mut self,
        negated: bool,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        ignore_case: bool,
    ) -> Expression {
        let text = self.visit(expr);
        self.need(&text, Type::Text, expr);
        let pattern_checked = self.visit(pattern);
        let Node::Text(pattern) = pattern_checked.node else {
            return self.fault(
                Code::SPM204,
                format!("`{pattern}`: the pattern of LIKE is a text literal"),
                None,
            );
        };
        let like = Expression::new(Node::Like { text: Box::new(text), pattern, ignore_case }, Type::Boolean);
        if negated { negate(like) } else { like }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        parsed: &ast::Expr,
    ) -> Expression {
        let mut arms = Vec::with_capacity(conditions.len());
        let mut kind = None;
        let mut results = Vec::new();
        for arm in conditions {
            let when = match operand {
                Some(operand) => self.compare(Comparison::Equal, operand, &arm.condition, parsed),
                None => self.condition(&arm.condition),
            };
            results.push(self.visit(&arm.result));
            arms.push(when);
        }
        results.push(otherwise.map_or_else(Expression::null, |otherwise| self.visit(otherwise)));
        for result in &results {
            let seen = Expression { node: Node::Null, kind };
            kind = match self.agree(seen, result.clone(), parsed) {
                Some((_, _, kind)) => kind,
                None => return Expression::null(),
            };
        }
        let last = results.pop().unwrap_or_else(Expression::null);
        let arms = arms.into_iter().zip(results).collect();
        Expression { node: Node::Case(arms, Box::new(last)), kind }
    }

    fn need(&mut self, inner: &Expression, kind: Type, parsed: &ast::Expr) {
        if let Some(found) = inner.kind
            && found != kind
        {
            self.fault(
                Code::SPM203,
                format!("`{parsed}` is a {}, but a {} is needed", found.name(), kind.name()),
                None,
            );
        }
    }

    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &[&ast::Expr],
        kinds: &[Type],
        kind: Type,
    ) -> Expression {
        let mut checked = Vec::with_capacity(arguments.len());
        for (argument, kind) in arguments.iter().zip(kinds) {
            let inner = self.visit(argument);
            self.need(&inner, *kind, argument);
            checked.push(inner);
        }
        Expression::new(Node::Function(function, checked), kind)
    }

    fn date_part(&mut self, field: &str, expr: &ast::Expr) -> Expression {
        let function = match field.to_ascii_uppercase().as_str() {
            "YEAR" => Function::Year,
            "QUARTER" => Function::Quarter,
            "MONTH" => Function::Month,
            "DAY" => Function::Day,
            _ => {
                let hint = "the parts are YEAR, QUARTER, MONTH and DAY";
                return self.fault(Code::SPM202, format!("there is no date part `{field}`"), Some(hint));
            }
        };
        self.call(function, &[expr], &[Type::Date], Type::Number)
    }

    fn function(&mut self, function: &ast::Function, parsed: &ast::Expr) -> Expression {
        let name = function.name.to_string().to_ascii_uppercase();
        if function.over.is_some() {
            return self.fault(Code::SPM204, format!("`{parsed}`: a row expression has no windows"), None);
        }
        let arguments: Vec<&ast::Expr> = match &function.args {
            ast::FunctionArguments::List(list) => list
                .args
                .iter()
                .filter_map(|argument| match argument {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect(),
            _ => vec![],
        };
        const AGGREGATES: [&str; 7] = ["SUM", "COUNT", "AVG", "MIN", "MAX", "MEDIAN", "STDDEV"];
        const CLOCKS: [&str; 6] = ["NOW", "CURRENT_DATE", "CURRENT_TIMESTAMP", "TODAY", "RANDOM", "RAND"];
        if AGGREGATES.contains(&name.as_str()) {
            return self.fault(
                Code::SPM204,
                format!("`{parsed}`: a row expression looks at one row, it has no aggregates"),
                Some("a measure sums its credits"),
            );
        }
        if CLOCKS.contains(&name.as_str()) {
            return self.fault(
                Code::SPM204,
                format!("`{parsed}` would give another answer tomorrow"),
                Some("write the date: DATE '2027-01-31'"),
            );
        }
        match (name.as_str(), arguments.as_slice()) {
            ("UPPER", [a]) => self.call(Function::Upper, &[a], &[Type::Text], Type::Text),
            ("LOWER", [a]) => self.call(Function::Lower, &[a], &[Type::Text], Type::Text),
            ("TRIM", [a]) => self.call(Function::Trim, &[a], &[Type::Text], Type::Text),
            ("LENGTH", [a]) => self.call(Function::Length, &[a], &[Type::Text], Type::Number),
            ("SUBSTR" | "SUBSTRING", [a, b, c]) => self.call(
                Function::Substring,
                &[a, b, c],
                &[Type::Text, Type::Number, Type::Number],
                Type::Text,
            ),
            ("REPLACE", [a, b, c]) => {
                self.call(Function::Replace, &[a, b, c], &[Type::Text, Type::Text, Type::Text], Type::Text)
            }
            ("CONCAT", list @ [_, ..]) => {
                self.call(Function::Concat, list, &vec![Type::Text; list.len()], Type::Text)
            }
            ("POINT_LONGITUDE", [a]) => self.call(Function::PointLongitude, &[a], &[Type::Text], Type::Float),
            ("POINT_LATITUDE", [a]) => self.call(Function::PointLatitude, &[a], &[Type::Text], Type::Float),
            ("REGEXP_EXTRACT", [a, b]) => {
                self.call(Function::RegexpExtract, &[a, b], &[Type::Text, Type::Text], Type::Text)
            }
            ("DATE_PART", [field, date]) => match self.visit(field).node {
                Node::Text(field) => self.date_part(&field, date),
                _ => self.outside(parsed),
            },
            ("ABS", [a]) => {
                let inner = self.visit(a);
                let kind = self.numeric(&inner, a);
                Expression::new(Node::Function(Function::Absolute, vec![inner]), kind)
            }
            ("ROUND", [a, decimals]) => self.round(a, decimals, parsed),
            ("ROUND", [a]) => self.round(a, &ast::Expr::value(ast::Value::Number("0".into(), false)), parsed),
            ("COALESCE", list @ [_, ..]) => self.same_kind(Function::Coalesce, list, parsed),
            ("GREATEST", list @ [_, ..]) => self.same_kind(Function::Greatest, list, parsed),
            ("LEAST", list @ [_, ..]) => self.same_kind(Function::Least, list, parsed),
            ("NULLIF", [a, b]) => {
                let same = self.compare(Comparison::Equal, a, b, parsed);
                let value = self.visit(a);
                let kind = value.kind;
                Expression { node: Node::Case(vec![(same, Expression::null())], Box::new(value)), kind }
            }
            _ if FUNCTIONS.contains(&name.as_str()) => {
                self.fault(Code::SPM203, format!("`{parsed}`: wrong number of arguments for {name}"), None)
            }
            _ => {
                let hint = match suggestion(&name, FUNCTIONS.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the functions are: {}", FUNCTIONS.join(", ")),
                };
                self.fault(Code::SPM202, format!("there is no function {name}"), Some(&hint))
            }
        }
    }

    fn same_kind(&mut self, function: Function, list: &[&ast::Expr], parsed: &ast::Expr) -> Expression {
        let checked: Vec<Expression> = list.iter().map(|item| self.visit(item)).collect();
        let mut kind = None;
        for item in &checked {
            let seen = Expression { node: Node::Null, kind };
            match self.agree(seen, item.clone(), parsed) {
                Some((_, _, agreed)) => kind = agreed,
                None => return Expression::null(),
            }
        }
        Expression { node: Node::Function(function, checked), kind }
    }
}

fn negate(inner: Expression) -> Expression {
    Expression::new(Node::Not(Box::new(inner)), Type::Boolean)
}
