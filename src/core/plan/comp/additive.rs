//! Whether a measure of a window is the sum of its periods, so that its goals add up: amounts do, quotients and averages do
//! not (floor 1).

use super::{Aggregate, Measure, MeasureSource};
use crate::plan::expression::{Arithmetic, Expression, Function, Node};

/// What becomes of a value when everything that it is made of doubles.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    /// A number of the plan or of reps, which goes with either.
    Constant,
    /// It doubles: a sum or a count.
    Amount,
    /// It does not: a quotient, an average, a largest, an attainment.
    Ratio,
}

impl MeasureSource {
    /// Whether a window has the sum of what its periods have. `measures` are those that a formula can name.
    pub(super) fn adds_up(&self, measures: &[Measure]) -> bool {
        match self {
            Self::Credits(_, aggregate) => matches!(aggregate, Aggregate::Sum | Aggregate::Count),
            Self::Earned(_) => true,
            // How many have reached a level at the end of a window is not how many had in each of its periods.
            Self::Reached(_) => false,
            Self::Formula(formula, _) => size(formula, measures) == Size::Amount,
        }
    }
}

fn size(formula: &Expression, measures: &[Measure]) -> Size {
    let of = |part: &Expression| size(part, measures);
    match &formula.node {
        Node::Column(name) => named(name, measures),
        Node::Negate(inner) => of(inner),
        Node::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, a, b) => together([of(a), of(b)]),
        Node::Arithmetic(Arithmetic::Multiply, a, b) => match (of(a), of(b)) {
            (Size::Constant, other) | (other, Size::Constant) => other,
            (Size::Amount, Size::Ratio) | (Size::Ratio, Size::Amount) => Size::Amount,
            (Size::Amount, Size::Amount) | (Size::Ratio, Size::Ratio) => Size::Ratio,
        },
        Node::Arithmetic(Arithmetic::Divide, a, b) => quotient(of(a), of(b)),
        Node::Case(arms, otherwise) => together(arms.iter().map(|(_, then)| of(then)).chain([of(otherwise)])),
        Node::Function(Function::RoundQuotient(_) | Function::Floor | Function::Ceiling, arguments)
            if arguments.len() == 2 =>
        {
            quotient(of(&arguments[0]), of(&arguments[1]))
        }
        Node::Function(_, arguments) => together(arguments.iter().map(of)),
        _ => Size::Constant,
    }
}

/// A measure, or what is asked of it; a column of reps otherwise.
fn named(name: &str, measures: &[Measure]) -> Size {
    let find = |name: &str| measures.iter().find(|measure| measure.name == name);
    if name.strip_suffix(".attainment").is_some_and(|head| find(head).is_some()) {
        return Size::Ratio;
    }
    match find(name.strip_suffix(".goal").unwrap_or(name)) {
        None => Size::Constant,
        Some(measure) if measure.source.adds_up(measures) => Size::Amount,
        Some(_) => Size::Ratio,
    }
}

/// A sum, the larger of several, one case or another: an amount where any of them is one.
fn together(parts: impl IntoIterator<Item = Size>) -> Size {
    parts.into_iter().fold(Size::Constant, |all, part| match (all, part) {
        (Size::Amount, _) | (_, Size::Amount) => Size::Amount,
        (Size::Ratio, _) | (_, Size::Ratio) => Size::Ratio,
        (Size::Constant, Size::Constant) => Size::Constant,
    })
}

fn quotient(a: Size, b: Size) -> Size {
    match (a, b) {
        (a, Size::Constant) => a,
        (Size::Amount, Size::Ratio) => Size::Amount,
        _ => Size::Ratio,
    }
}
