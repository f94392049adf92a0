//! Checked expressions become Polars expressions, exact numbers as scaled integers with proven bounds.
//!
//! A Number is an Int64 counting 10^-decimals. Polars wraps silently on integer overflow, so every sum and product is
//! bounded beforehand from the smallest and largest value of each column; an expression that could leave 64 bits is an
//! error before any row is calculated.

use polars::prelude::*;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::epoch_day;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::contract::Type;
use spm_core::plan::expression::{Arithmetic, Comparison, Expression, Function, Logic, Node};

use crate::table::Table;

/// A Polars expression with what is known of its values.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The expression.
    pub expression: Expr,
    /// For exact numbers: units of 10^-decimals. 0 for other types.
    pub decimals: u32,
    /// For exact numbers: no value lies outside.
    bounds: (i128, i128),
}

/// Lowers an expression over the columns of a table.
pub fn lower(expression: &Expression, table: &Table, place: &TextPlace) -> Result<Lowered, Diagnostic> {
    let lowering = Lowering { table };
    lowering.visit(expression).map_err(|fault| {
        let (code, message) = match fault {
            Fault::TooLarge => {
                let message = format!(
                    "`{}` could leave the range of exact 64-bit numbers with the values of this data",
                    place.excerpt()
                );
                (Code::SPM402, message)
            }
            Fault::NoQuotient => (Code::SPM203, format!("`{}` divides without rounding", place.excerpt())),
            Fault::NoColumn(name) => (Code::SPM202, format!("there is no column `{name}` in the data")),
        };
        Diagnostic::error(code, message).at(Place::Text(place.clone()), "")
    })
}

enum Fault {
    TooLarge,
    NoQuotient,
    NoColumn(String),
}

struct Lowering<'a> {
    table: &'a Table,
}

type Result1 = Result<Lowered, Fault>;

fn plain(expression: Expr) -> Lowered {
    Lowered { expression, decimals: 0, bounds: (0, 0) }
}

fn exact(expression: Expr, decimals: u32, bounds: (i128, i128)) -> Result1 {
    let fits = |value: i128| i64::try_from(value).is_ok_and(|value| value != i64::MIN);
    if fits(bounds.0) && fits(bounds.1) {
        Ok(Lowered { expression, decimals, bounds })
    } else {
        Err(Fault::TooLarge)
    }
}

fn power(decimals: u32) -> Result<i64, Fault> {
    10i64.checked_pow(decimals).ok_or(Fault::TooLarge)
}

impl Lowered {
    /// The same number counted in smaller units.
    fn rescaled(self, decimals: u32) -> Result1 {
        if decimals == self.decimals {
            return Ok(self);
        }
        let factor = power(decimals - self.decimals)?;
        let bounds = (self.bounds.0 * i128::from(factor), self.bounds.1 * i128::from(factor));
        exact(self.expression * lit(factor), decimals, bounds)
    }
}

fn align(a: Lowered, b: Lowered) -> Result<(Lowered, Lowered), Fault> {
    let decimals = a.decimals.max(b.decimals);
    Ok((a.rescaled(decimals)?, b.rescaled(decimals)?))
}

impl Lowering<'_> {
    fn visit(&self, expression: &Expression) -> Result1 {
        let is_number = expression.kind == Some(Type::Number);
        match &expression.node {
            Node::Column(name) => self.column(name),
            Node::Text(text) => Ok(plain(lit(text.as_str()))),
            Node::Number(value) => number(value),
            Node::Date(date) => Ok(plain(lit(epoch_day(*date)).cast(DataType::Date))),
            Node::Boolean(value) => Ok(plain(lit(*value))),
            Node::Null => Ok(plain(lit(NULL))),
            Node::Not(inner) => Ok(plain(self.visit(inner)?.expression.not())),
            Node::Negate(inner) => {
                let inner = self.visit(inner)?;
                let bounds = (-inner.bounds.1, -inner.bounds.0);
                let negated = lit(0i64) - inner.expression.clone();
                if is_number {
                    exact(negated, inner.decimals, bounds)
                } else {
                    Ok(plain(lit(0.0) - inner.expression))
                }
            }
            Node::Logic(logic, a, b) => {
                let (a, b) = (self.visit(a)?.expression, self.visit(b)?.expression);
                Ok(plain(if *logic == Logic::And { a.and(b) } else { a.or(b) }))
            }
            Node::Compare(comparison, a, b) => self.compare(*comparison, a, b),
            Node::Arithmetic(Arithmetic::Divide, ..) => Err(Fault::NoQuotient),
            Node::Arithmetic(arithmetic, a, b) if is_number => self.arithmetic(*arithmetic, a, b),
            Node::Arithmetic(arithmetic, a, b) => {
                let (a, b) = (self.float(a)?, self.float(b)?);
                Ok(plain(match arithmetic {
                    Arithmetic::Add => a + b,
                    Arithmetic::Subtract => a - b,
                    Arithmetic::Multiply => a * b,
                    // Refused by the check of row expressions.
                    Arithmetic::Divide => return Err(Fault::NoQuotient),
                }))
            }
            Node::IsNull(inner) => Ok(plain(self.visit(inner)?.expression.is_null())),
            Node::In(subject, items) => self.contained(subject, items),
            Node::Like { text, pattern, ignore_case } => {
                let text = self.visit(text)?.expression;
                Ok(plain(text.str().contains(lit(like_pattern(pattern, *ignore_case)), true)))
            }
            Node::Case(arms, otherwise) => self.case(arms, otherwise),
            Node::Function(function, arguments) => self.function(*function, arguments, is_number),
        }
    }

    fn column(&self, name: &str) -> Result1 {
        let column = self.table.column(name).ok_or_else(|| Fault::NoColumn(name.to_owned()))?;
        match column.kind {
            Type::Number => {}
            Type::Moment => return Ok(plain(col(name).cast(DataType::Date))),
            _ => return Ok(plain(col(name))),
        }
        let values = self.table.frame.column(name).and_then(|column| column.i64().cloned());
        let bounds = values.map_or((0, 0), |values| {
            (values.min().map_or(0, i128::from), values.max().map_or(0, i128::from))
        });
        exact(col(name), column.decimals, bounds)
    }

    /// A float operand; an exact literal next to a float becomes one.
    fn float(&self, side: &Expression) -> Result<Expr, Fault> {
        Ok(match &side.node {
            Node::Number(value) => lit(value.to_f64_for_display()),
            _ => self.visit(side)?.expression,
        })
    }

    fn pair(&self, a: &Expression, b: &Expression) -> Result<(Expr, Expr), Fault> {
        let is = |kind| a.kind == Some(kind) || b.kind == Some(kind);
        if is(Type::Float) {
            return Ok((self.float(a)?, self.float(b)?));
        }
        let (a, b) = (self.visit(a)?, self.visit(b)?);
        if is(Type::Number) {
            let (a, b) = align(a, b)?;
            return Ok((a.expression, b.expression));
        }
        Ok((a.expression, b.expression))
    }

    fn compare(&self, comparison: Comparison, a: &Expression, b: &Expression) -> Result1 {
        let (a, b) = self.pair(a, b)?;
        Ok(plain(match comparison {
            Comparison::Equal => a.eq(b),
            Comparison::NotEqual => a.neq(b),
            Comparison::Less => a.lt(b),
            Comparison::LessOrEqual => a.lt_eq(b),
            Comparison::Greater => a.gt(b),
            Comparison::GreaterOrEqual => a.gt_eq(b),
            Comparison::Same => a.eq_missing(b),
        }))
    }

    fn arithmetic(&self, arithmetic: Arithmetic, a: &Expression, b: &Expression) -> Result1 {
        let (a, b) = (self.visit(a)?, self.visit(b)?);
        if arithmetic == Arithmetic::Multiply {
            let corners = [
                a.bounds.0 * b.bounds.0,
                a.bounds.0 * b.bounds.1,
                a.bounds.1 * b.bounds.0,
                a.bounds.1 * b.bounds.1,
            ];
            let low = corners.iter().min().copied().unwrap_or(0);
            let high = corners.iter().max().copied().unwrap_or(0);
            return exact(a.expression * b.expression, a.decimals + b.decimals, (low, high));
        }
        let (a, b) = align(a, b)?;
        let decimals = a.decimals;
        if arithmetic == Arithmetic::Add {
            exact(a.expression + b.expression, decimals, (a.bounds.0 + b.bounds.0, a.bounds.1 + b.bounds.1))
        } else {
            exact(a.expression - b.expression, decimals, (a.bounds.0 - b.bounds.1, a.bounds.1 - b.bounds.0))
        }
    }

    fn contained(&self, subject: &Expression, items: &[Expression]) -> Result1 {
        // A chain of comparisons keeps SQL's three-valued logic and the exact alignment of numbers.
        let mut any: Option<Expr> = None;
        for item in items {
            let same = self.compare(Comparison::Equal, subject, item)?.expression;
            any = Some(match any {
                Some(any) => any.or(same),
                None => same,
            });
        }
        Ok(plain(any.unwrap_or_else(|| lit(false))))
    }

    fn same_scale(&self, items: &[&Expression]) -> Result<Vec<Lowered>, Fault> {
        let lowered: Vec<Lowered> = items.iter().map(|item| self.visit(item)).collect::<Result<_, _>>()?;
        if !items.iter().any(|item| item.kind == Some(Type::Number)) {
            return Ok(lowered);
        }
        let decimals = lowered.iter().map(|item| item.decimals).max().unwrap_or(0);
        lowered.into_iter().map(|item| item.rescaled(decimals)).collect()
    }

    fn case(&self, arms: &[(Expression, Expression)], otherwise: &Expression) -> Result1 {
        let values: Vec<&Expression> = arms.iter().map(|(_, then)| then).chain([otherwise]).collect();
        let mut values = self.same_scale(&values)?;
        let bounds = hull(&values);
        let Some(mut result) = values.pop() else { return Ok(plain(lit(NULL))) };
        let decimals = values.iter().map(|value| value.decimals).fold(result.decimals, u32::max);
        for ((condition, _), value) in arms.iter().zip(values).rev() {
            let condition = self.visit(condition)?.expression;
            result.expression = when(condition).then(value.expression).otherwise(result.expression);
        }
        Ok(Lowered { expression: result.expression, decimals, bounds })
    }

    fn function(&self, function: Function, arguments: &[Expression], is_number: bool) -> Result1 {
        let items: Vec<&Expression> = arguments.iter().collect();
        match function {
            Function::Coalesce | Function::Greatest | Function::Least => {
                let values = self.same_scale(&items)?;
                let bounds = hull(&values);
                let decimals = values.iter().map(|value| value.decimals).max().unwrap_or(0);
                let expressions = values.into_iter().map(|value| value.expression);
                let folded = match function {
                    Function::Coalesce => expressions
                        .rev()
                        .reduce(|rest, first| when(first.clone().is_not_null()).then(first).otherwise(rest)),
                    Function::Greatest => expressions.reduce(|a, b| pick(a.clone().gt_eq(b.clone()), a, b)),
                    _ => expressions.reduce(|a, b| pick(a.clone().lt_eq(b.clone()), a, b)),
                };
                Ok(Lowered { expression: folded.unwrap_or_else(|| lit(NULL)), decimals, bounds })
            }
            Function::Absolute => {
                let inner = self.visit(&arguments[0])?;
                if !is_number {
                    return Ok(plain(inner.expression.abs()));
                }
                let high = inner.bounds.0.abs().max(inner.bounds.1.abs());
                exact(inner.expression.abs(), inner.decimals, (0, high))
            }
            Function::Round(decimals) => {
                let inner = self.visit(&arguments[0])?;
                if decimals >= inner.decimals {
                    return Ok(inner);
                }
                let divisor = power(inner.decimals - decimals)?;
                let bounds =
                    (inner.bounds.0 / i128::from(divisor) - 1, inner.bounds.1 / i128::from(divisor) + 1);
                exact(divide_half_away(inner.expression, lit(divisor)), decimals, bounds)
            }
            Function::RoundQuotient(decimals) => {
                let (a, b) = (self.visit(&arguments[0])?, self.visit(&arguments[1])?);
                let shift = b.decimals + decimals;
                let (a, b) = if shift >= a.decimals {
                    (scale(a, shift)?, b)
                } else {
                    let more = a.decimals - shift;
                    let target = b.decimals + more;
                    (a, b.rescaled(target)?)
                };
                let high =
                    2 * a.bounds.0.abs().max(a.bounds.1.abs()) + b.bounds.0.abs().max(b.bounds.1.abs());
                let zero = b.expression.clone().eq(lit(0i64));
                let quotient = divide_half_away(a.expression, b.expression);
                exact(
                    when(zero).then(lit(NULL)).otherwise(quotient).cast(DataType::Int64),
                    decimals,
                    (-high, high),
                )
            }
            Function::Floor | Function::Ceiling => {
                let a = self.visit(&arguments[0])?;
                let b = match arguments.get(1) {
                    Some(divisor) => self.visit(divisor)?,
                    None => number(&Rational::one())?,
                };
                let decimals = a.decimals.max(b.decimals);
                let (a, b) = (a.rescaled(decimals)?, b.rescaled(decimals)?);
                let high = a.bounds.0.abs().max(a.bounds.1.abs()) + 1;
                let zero = b.expression.clone().eq(lit(0i64));
                let whole = if function == Function::Floor {
                    divide_down(a.expression, b.expression)
                } else {
                    lit(0i64) - divide_down(lit(0i64) - a.expression, b.expression)
                };
                let whole = when(zero).then(lit(NULL)).otherwise(whole).cast(DataType::Int64);
                exact(whole, 0, (-high, high))
            }
            _ => self.text_or_date(function, arguments),
        }
    }

    fn text_or_date(&self, function: Function, arguments: &[Expression]) -> Result1 {
        let mut lowered: Vec<Lowered> =
            arguments.iter().map(|item| self.visit(item)).collect::<Result<_, _>>()?;
        if function == Function::Concat {
            let parts: Vec<Expr> = lowered.into_iter().map(|item| item.expression).collect();
            return Ok(plain(concat_str(parts, "", false)));
        }
        let rest = lowered.split_off(1);
        let (decimals, first) =
            lowered.into_iter().next().map_or((0, lit(NULL)), |item| (item.decimals, item.expression));
        let argument =
            |index: usize| rest.get(index).map_or_else(|| lit(NULL), |item| item.expression.clone());
        let small = |expression: Expr| {
            exact(expression.cast(DataType::Int64), 0, (i128::from(i32::MIN), i128::from(i32::MAX)))
        };
        match function {
            Function::Upper => Ok(plain(first.str().to_uppercase())),
            Function::Lower => Ok(plain(first.str().to_lowercase())),
            Function::Trim => Ok(plain(first.str().strip_chars(lit(NULL)))),
            Function::Length => small(first.str().len_chars()),
            Function::Substring => {
                let whole = |index: usize| -> Result<Expr, Fault> {
                    let number = self.visit(&arguments[index])?;
                    Ok(match number.decimals {
                        0 => number.expression,
                        decimals => divide_down(number.expression, lit(power(decimals)?)),
                    })
                };
                // Characters before the first count, as the standard says: they are none of the text.
                let start = whole(1)? - lit(1i64);
                let before = when(start.clone().lt(lit(0i64))).then(start.clone()).otherwise(lit(0i64));
                let length = whole(2)? + before.clone();
                let length = when(length.clone().lt(lit(0i64))).then(lit(0i64)).otherwise(length);
                Ok(plain(first.str().slice(start - before, length.cast(DataType::UInt64))))
            }
            Function::Replace => Ok(plain(first.str().replace_all(argument(0), argument(1), true))),
            Function::Year => small(first.dt().year()),
            Function::Quarter => small(first.dt().quarter()),
            Function::Month => small(first.dt().month()),
            Function::Day => small(first.dt().day()),
            Function::ToText if arguments[0].kind == Some(Type::Number) && decimals > 0 => {
                Ok(plain(decimal_text(first, decimals)?))
            }
            Function::ToText => Ok(plain(first.cast(DataType::String))),
            Function::PointLongitude => Ok(plain(point(first, 1))),
            Function::PointLatitude => Ok(plain(point(first, 2))),
            _ => Ok(plain(group_or_match(first, argument(0)))),
        }
    }
}

fn pick(condition: Expr, a: Expr, b: Expr) -> Expr {
    // NULL on either side gives the other, as in PostgreSQL.
    when(a.clone().is_null()).then(b.clone()).when(b.clone().is_null().or(condition)).then(a).otherwise(b)
}

fn hull(values: &[Lowered]) -> (i128, i128) {
    let low = values.iter().map(|value| value.bounds.0).min().unwrap_or(0);
    let high = values.iter().map(|value| value.bounds.1).max().unwrap_or(0);
    (low, high)
}

fn number(value: &Rational) -> Result1 {
    let decimals = value.decimals().ok_or(Fault::TooLarge)?;
    let scaled = &Rational::from(i128::from(power(decimals)?)) * value;
    let (units, _) = scaled.to_i64_pair().ok_or(Fault::TooLarge)?;
    exact(lit(units), decimals, (i128::from(units), i128::from(units)))
}

/// Multiplies the count so that the quotient of counts comes out in the wanted decimals.
fn scale(a: Lowered, to: u32) -> Result1 {
    let factor = power(to - a.decimals)?;
    let bounds = (a.bounds.0 * i128::from(factor), a.bounds.1 * i128::from(factor));
    exact(a.expression * lit(factor), a.decimals, bounds)
}

/// Integer division rounded to the nearest, halves away from zero, by magnitudes, because `/` rounds negative quotients down
/// in some expressions and cuts them in others. What is left is compared without doubling it, so that nothing leaves 64 bits.
fn divide_half_away(numerator: Expr, denominator: Expr) -> Expr {
    let (above, below) = (numerator.clone().abs(), denominator.clone().abs());
    let whole = above.clone() / below.clone();
    let left = above - whole.clone() * below.clone();
    let up = left.clone().gt_eq(below - left);
    let magnitude = whole + when(up).then(lit(1i64)).otherwise(lit(0i64));
    let negative = numerator.lt(lit(0i64)).neq(denominator.lt(lit(0i64)));
    when(negative).then(lit(0i64) - magnitude.clone()).otherwise(magnitude)
}

/// Integer division rounded down. `/` truncates: where signs differ and something is left, that is one too much.
fn divide_down(numerator: Expr, denominator: Expr) -> Expr {
    let truncated = numerator.clone() / denominator.clone();
    let left = numerator - truncated.clone() * denominator.clone();
    let above = left.clone().neq(lit(0i64)).and(left.lt(lit(0i64)).neq(denominator.lt(lit(0i64))));
    when(above).then(truncated.clone() - lit(1i64)).otherwise(truncated)
}

/// `-1205` with two decimals as `-12.05`.
fn decimal_text(units: Expr, decimals: u32) -> Result<Expr, Fault> {
    let divisor = power(decimals)?;
    let magnitude = units.clone().abs();
    let whole = magnitude.clone() / lit(divisor);
    let fraction = magnitude - whole.clone() * lit(divisor) + lit(divisor);
    let fraction = fraction.cast(DataType::String).str().slice(lit(1i64), lit(u64::from(decimals)));
    let sign = when(units.lt(lit(0i64))).then(lit("-")).otherwise(lit(""));
    Ok(concat_str([sign, whole.cast(DataType::String), lit("."), fraction], "", false))
}

/// A coordinate of WKT `POINT (x y)`: empty where the text is, or `POINT EMPTY`; not a number, which no table takes, where
/// the text is anything else.
fn point(text: Expr, group: usize) -> Expr {
    let pattern =
        r"(?i)^\s*POINT\s*Z?\s*\(\s*([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s+([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)";
    let empty = text.clone().str().contains(lit(r"(?i)^\s*(POINT\s*(Z\s*)?EMPTY\s*)?$"), false);
    let coordinate = text.clone().str().extract(lit(pattern), group).cast(DataType::Float64);
    when(text.is_null().or(empty)).then(lit(NULL)).otherwise(coordinate.fill_null(lit(f64::NAN)))
}

fn group_or_match(text: Expr, pattern: Expr) -> Expr {
    let group = text.clone().str().extract(pattern.clone(), 1);
    when(group.clone().is_not_null()).then(group).otherwise(text.str().extract(pattern, 0))
}

/// The regular expression of a LIKE pattern.
fn like_pattern(pattern: &str, ignore_case: bool) -> String {
    let mut regex = String::from(if ignore_case { "(?is)^" } else { "(?s)^" });
    for character in pattern.chars() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            other => {
                // Before others a backslash would mean something else: `\<` is the start of a word.
                if r"\.+*?()|[]{}^$#&-~".contains(other) {
                    regex.push('\\');
                }
                regex.push(other);
            }
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column as TableColumn;
    use spm_core::ground::diagnostic::Sink;
    use spm_core::ground::source::Source;
    use spm_core::plan::expression::{Columns, check_expression};

    fn table() -> Table {
        let frame = df!(
            "kind" => [Some("New deal"), Some("renewal"), None],
            "amount" => [Some(10_005i64), Some(-333), None],
            "cost" => [200i64, 300, 0],
            "place" => [Some("POINT (-122.5 47.25)"), Some("x"), None],
            "day" => [20_500i32, 20_501, 20_502],
        )
        .expect("a frame");
        let frame = frame.lazy().with_column(col("day").cast(DataType::Date)).collect().expect("a frame");
        let column = |name: &str, kind, decimals| TableColumn { name: name.to_owned(), kind, decimals };
        let columns = vec![
            column("kind", Type::Text, 0),
            column("amount", Type::Number, 2),
            column("cost", Type::Number, 1),
            column("place", Type::Text, 0),
            column("day", Type::Date, 0),
        ];
        Table { frame, columns, files: vec![] }
    }

    fn evaluate(text: &str) -> Vec<String> {
        let table = table();
        let columns =
            Columns(table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect());
        let source = Source::new("plan.toml", text);
        let place = TextPlace { source, span: 0..text.len() };
        let mut sink = Sink::default();
        let checked = check_expression(text, &place, &columns, &mut sink)
            .unwrap_or_else(|| panic!("{:?}", sink.faults()));
        let lowered = lower(&checked, &table, &place).unwrap_or_else(|fault| panic!("{fault:?}"));
        let frame = table.frame.lazy().select([lowered.expression.alias("x")]).collect().expect("evaluates");
        let column = frame.column("x").expect("a column").cast(&DataType::String).expect("text");
        let texts = column.str().expect("text");
        texts
            .iter()
            .map(|value| {
                value.map_or_else(|| "null".to_owned(), |value| format!("{value}e-{}", lowered.decimals))
            })
            .collect()
    }

    #[test]
    fn exact_numbers() {
        assert_eq!(evaluate("amount - cost"), ["8005e-2", "-3333e-2", "null"]);
        assert_eq!(evaluate("amount * 0.08125"), ["81290625e-7", "-2705625e-7", "null"]);
        assert_eq!(evaluate("ROUND(amount, 0)"), ["100e-0", "-3e-0", "null"]);
        assert_eq!(evaluate("ROUND(amount * 0.5, 2)"), ["5003e-2", "-167e-2", "null"]);
        assert_eq!(evaluate("ROUND(amount / cost, 2)"), ["500e-2", "-11e-2", "null"]);
        assert_eq!(evaluate("FLOOR(amount)"), ["100e-0", "-4e-0", "null"]);
        assert_eq!(evaluate("CEIL(amount)"), ["101e-0", "-3e-0", "null"]);
        assert_eq!(evaluate("FLOOR(amount / cost)"), ["5e-0", "-1e-0", "null"]);
        assert_eq!(evaluate("CEIL(amount / cost)"), ["6e-0", "0e-0", "null"]);
        assert_eq!(evaluate("COALESCE(amount, 0)"), ["10005e-2", "-333e-2", "0e-2"]);
        assert_eq!(evaluate("GREATEST(amount, 0.5)"), ["10005e-2", "50e-2", "50e-2"]);
    }

    #[test]
    fn conditions_follow_sql_logic() {
        assert_eq!(evaluate("kind LIKE 'New%'"), ["truee-0", "falsee-0", "null"]);
        assert_eq!(evaluate("NOT (kind IN ('renewal'))"), ["truee-0", "falsee-0", "null"]);
        assert_eq!(evaluate("amount > 100.049 OR kind IS NULL"), ["truee-0", "falsee-0", "truee-0"]);
        assert_eq!(
            evaluate("day BETWEEN DATE '2026-02-16' AND DATE '2026-02-17'"),
            ["truee-0", "truee-0", "falsee-0"]
        );
        assert_eq!(evaluate("EXTRACT(YEAR FROM day)"), ["2026e-0", "2026e-0", "2026e-0"]);
    }

    #[test]
    fn a_pattern_without_wildcards_is_the_text_itself() {
        let printable: String =
            (' '..='~').chain("–™€é".chars()).filter(|one| !"%_".contains(*one)).collect();
        let pattern = like_pattern(&printable, false);
        let frame = df!("text" => [printable.as_str(), "other"]).expect("a frame");
        let matched = frame
            .lazy()
            .select([col("text").str().contains(lit(pattern), true)])
            .collect()
            .expect("a pattern");
        let matched: Vec<Option<bool>> = matched
            .column("text")
            .and_then(|column| column.bool().cloned())
            .expect("booleans")
            .iter()
            .collect();
        assert_eq!(matched, [Some(true), Some(false)]);
    }

    #[test]
    fn halves_round_away_from_zero_at_the_end_of_64_bits() {
        let most = i64::MAX - 7;
        let frame = df!("units" => [most, -most, 25, -25, 24, 0]).expect("a frame");
        let rounded =
            frame.lazy().select([divide_half_away(col("units"), lit(10i64))]).collect().expect("a frame");
        let rounded: Vec<Option<i64>> = rounded.columns()[0].i64().expect("integers").iter().collect();
        assert_eq!(rounded, [most / 10, -most / 10, 3, -3, 2, 0].map(Some));
    }

    #[test]
    fn texts_and_points() {
        assert_eq!(evaluate("POINT_LONGITUDE(place)"), ["-122.5e-0", "NaNe-0", "null"]);
        assert_eq!(evaluate("CAST(amount AS TEXT)"), ["100.05e-0", "-3.33e-0", "null"]);
        assert_eq!(evaluate("UPPER(SUBSTR(kind, 1, 3)) || '!'"), ["NEW!e-0", "REN!e-0", "null"]);
        assert_eq!(
            evaluate("SUBSTR(kind, 0, 3)"),
            ["Nee-0", "ree-0", "null"],
            "characters before the first count"
        );
        assert_eq!(evaluate("SUBSTR(kind, 1.0, 2)"), ["Nee-0", "ree-0", "null"]);
        assert_eq!(evaluate("REGEXP_EXTRACT(kind, '([a-z]+)$')"), ["deale-0", "renewale-0", "null"]);
    }
}
