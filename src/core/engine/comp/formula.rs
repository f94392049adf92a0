//! Expressions over measures and columns of reps, calculated with exact fractions, as nodes of the explanation.

use crate::ground::period::Date;
use crate::ground::rational::Rational;
use crate::ground::round::{Rounding, round_to_decimals};
use crate::ground::source::TextPlace;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::expression::{Arithmetic, Comparison, Expression, Function, Logic, Node as Form};

/// The value of a name or of a part of an expression; NULL is the absence of one.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A number with its explanation.
    Number(Node),
    /// A text.
    Text(String),
    /// A date.
    Date(Date),
    /// A truth value.
    Boolean(bool),
}

type Names<'n> = &'n dyn Fn(&str) -> Option<Value>;

/// The number that an expression gives; `None` for NULL.
pub(super) fn evaluate(expression: &Expression, place: &TextPlace, names: Names<'_>) -> Option<Node> {
    match (Evaluation { place, names }).value(expression)? {
        Value::Number(node) => Some(node.citing(place)),
        _ => None,
    }
}

struct Evaluation<'a> {
    place: &'a TextPlace,
    names: Names<'a>,
}

impl Evaluation<'_> {
    fn number(&self, expression: &Expression) -> Option<Node> {
        match self.value(expression)? {
            Value::Number(node) => Some(node),
            _ => None,
        }
    }

    fn condition(&self, expression: &Expression) -> Option<bool> {
        match self.value(expression)? {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    fn computed(&self, label: &str, operation: Operation, children: Vec<Node>) -> Value {
        let money = children.iter().find(|child| matches!(child.unit, Unit::Money(_)));
        let unit = match operation {
            Operation::Quotient => Unit::Number,
            _ => money.map_or(Unit::Number, |child| child.unit.clone()),
        };
        Value::Number(Node::computed(label, unit, operation, children))
    }

    fn value(&self, expression: &Expression) -> Option<Value> {
        Some(match &expression.node {
            Form::Column(name) => return (self.names)(name),
            Form::Text(text) => Value::Text(text.clone()),
            Form::Number(number) => {
                Value::Number(Node::input("constant", Unit::Number, number.clone()).citing(self.place))
            }
            Form::Date(date) => Value::Date(*date),
            Form::Boolean(value) => Value::Boolean(*value),
            Form::Null => return None,
            Form::Not(inner) => Value::Boolean(!self.condition(inner)?),
            Form::Negate(inner) => {
                let zero = Node::input("zero", Unit::Number, Rational::zero());
                self.computed("negative", Operation::Difference, vec![zero, self.number(inner)?])
            }
            Form::Logic(logic, a, b) => {
                let (a, b) = (self.condition(a), self.condition(b));
                // SQL's three values: what decides, decides even next to NULL.
                let decisive = *logic == Logic::Or;
                if a == Some(decisive) || b == Some(decisive) {
                    Value::Boolean(decisive)
                } else {
                    a.and(b).map(Value::Boolean)?
                }
            }
            Form::Compare(comparison, a, b) => return self.compare(*comparison, a, b),
            Form::Arithmetic(arithmetic, a, b) => return self.arithmetic(*arithmetic, a, b),
            Form::IsNull(inner) => Value::Boolean(self.value(inner).is_none()),
            Form::In(subject, items) => {
                let mut unknown = false;
                for item in items {
                    match self.compare(Comparison::Equal, subject, item) {
                        Some(Value::Boolean(true)) => return Some(Value::Boolean(true)),
                        None => unknown = true,
                        _ => {}
                    }
                }
                return (!unknown).then_some(Value::Boolean(false));
            }
            Form::Case(arms, otherwise) => return self.case(arms, otherwise),
            Form::Function(function, arguments) => return self.function(*function, arguments),
            // Conditions of patterns over text columns of reps.
            Form::Like { text, pattern, ignore_case } => match self.value(text)? {
                Value::Text(text) => Value::Boolean(like(&text, pattern, *ignore_case)),
                _ => return None,
            },
        })
    }

    /// The first arm whose condition is true. Where that compares two numbers, the explanation shows both.
    fn case(&self, arms: &[(Expression, Expression)], otherwise: &Expression) -> Option<Value> {
        let Some(((when, then), rest)) = arms.split_first() else { return self.value(otherwise) };
        let is_true = self.condition(when) == Some(true);
        let taken = if is_true { self.value(then) } else { self.case(rest, otherwise) };
        let compared = match &when.node {
            Form::Compare(comparison, a, b) => {
                self.number(a).zip(self.number(b)).map(|pair| (comparison, pair))
            }
            _ => None,
        };
        let (Some(Value::Number(taken)), Some((comparison, (a, b)))) = (&taken, compared) else {
            return taken;
        };
        let word = match comparison {
            Comparison::Less => "less than",
            Comparison::LessOrEqual => "at most",
            Comparison::Greater => "more than",
            Comparison::GreaterOrEqual => "at least",
            Comparison::Equal | Comparison::NotEqual | Comparison::Same => {
                return Some(Value::Number(taken.clone()));
            }
        };
        // What is reached from which level, with the arm that was not taken as nothing: only the one taken counts.
        let other = Node::input("not taken", taken.unit.clone(), Rational::zero());
        let reached = a.value >= b.value;
        let (first, second) = if reached { (taken.clone(), other) } else { (other, taken.clone()) };
        let answer = if is_true { "yes" } else { "no" };
        let label = format!("CASE: {} {word} {}? {answer}", a.label, b.value_text());
        Some(Value::Number(Node::computed(
            label,
            taken.unit.clone(),
            Operation::Either,
            vec![first, second, a, b],
        )))
    }

    fn compare(&self, comparison: Comparison, a: &Expression, b: &Expression) -> Option<Value> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let (a, b) = (self.value(a), self.value(b));
        if comparison == Comparison::Same && (a.is_none() || b.is_none()) {
            return Some(Value::Boolean(a.is_none() && b.is_none()));
        }
        let order = match (a?, b?) {
            (Value::Number(a), Value::Number(b)) => a.value.cmp(&b.value),
            (Value::Text(a), Value::Text(b)) => a.cmp(&b),
            (Value::Date(a), Value::Date(b)) => a.cmp(&b),
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(&b),
            _ => return None,
        };
        Some(Value::Boolean(match comparison {
            Comparison::Equal | Comparison::Same => order == Equal,
            Comparison::NotEqual => order != Equal,
            Comparison::Less => order == Less,
            Comparison::LessOrEqual => order != Greater,
            Comparison::Greater => order == Greater,
            Comparison::GreaterOrEqual => order != Less,
        }))
    }

    fn arithmetic(&self, arithmetic: Arithmetic, a: &Expression, b: &Expression) -> Option<Value> {
        let (a, b) = (self.number(a)?, self.number(b)?);
        if arithmetic == Arithmetic::Divide && b.value.is_zero() {
            return None;
        }
        let (label, operation) = match arithmetic {
            Arithmetic::Add => ("sum", Operation::Sum),
            Arithmetic::Subtract => ("difference", Operation::Difference),
            Arithmetic::Multiply => ("product", Operation::Product),
            Arithmetic::Divide => ("quotient", Operation::Quotient),
        };
        Some(self.computed(label, operation, vec![a, b]))
    }

    fn function(&self, function: Function, arguments: &[Expression]) -> Option<Value> {
        let all = || arguments.iter().map(|item| self.number(item)).collect::<Option<Vec<Node>>>();
        match function {
            Function::Coalesce => arguments.iter().find_map(|item| self.value(item)),
            Function::Least => Some(self.computed("smallest", Operation::Minimum, all()?)),
            Function::Greatest => Some(self.computed("largest", Operation::Maximum, all()?)),
            Function::Absolute => {
                let inner = self.number(&arguments[0])?;
                let zero = Node::input("zero", Unit::Number, Rational::zero());
                let negative = Node::computed(
                    "negative",
                    inner.unit.clone(),
                    Operation::Difference,
                    vec![zero, inner.clone()],
                );
                Some(self.computed("absolute", Operation::Maximum, vec![inner, negative]))
            }
            Function::Round(decimals) => {
                self.rounded(self.number(&arguments[0])?, decimals, Rounding::HalfAwayFromZero)
            }
            Function::Floor | Function::Ceiling => {
                let down = function == Function::Floor;
                let node = match arguments {
                    [a, b] => match self.arithmetic(Arithmetic::Divide, a, b)? {
                        Value::Number(node) => node,
                        _ => return None,
                    },
                    _ => self.number(&arguments[0])?,
                };
                self.rounded(node, 0, if down { Rounding::Floor } else { Rounding::Ceiling })
            }
            Function::RoundQuotient(decimals) => {
                match self.arithmetic(Arithmetic::Divide, &arguments[0], &arguments[1])? {
                    Value::Number(node) => self.rounded(node, decimals, Rounding::HalfAwayFromZero),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn rounded(&self, node: Node, decimals: u32, rounding: Rounding) -> Option<Value> {
        round_to_decimals(&node.value, decimals, rounding)?;
        Some(self.computed("rounded", Operation::Round { decimals, rounding }, vec![node]))
    }
}

/// `%` for any characters, `_` for one. What follows a `%` is looked for from left to right, so that the time is at most text
/// times pattern.
fn like(text: &str, pattern: &str, ignore_case: bool) -> bool {
    let characters = |text: &str| -> Vec<char> {
        if ignore_case { text.to_lowercase().chars().collect() } else { text.chars().collect() }
    };
    let (text, pattern) = (characters(text), characters(pattern));
    let (mut at, mut next) = (0, 0);
    // After the last `%`: where the pattern goes on, and from where in the text it is tried.
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                next += 1;
                again = Some((next, at));
            }
            Some(one) if *one == '_' || *one == text[at] => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((start, from)) = again else { return false };
                again = Some((start, from + 1));
                (next, at) = (start, from + 1);
            }
        }
    }
    pattern[next..].iter().all(|rest| *rest == '%')
}
