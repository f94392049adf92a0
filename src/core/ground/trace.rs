//! The explanation of a number: a tree of named values, each with its clause, inputs and children (floor 0).

use super::money::Currency;
use super::rational::Rational;
use super::source::TextPlace;

/// How a node's value follows from its children. A test recomputes every node from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read from an extract or a plan: no children to compute from.
    Input,
    /// Sum of the children.
    Sum,
    /// Product of the children.
    Product,
    /// First child divided by the second.
    Quotient,
    /// First child rounded to the decimals of the currency.
    Round {
        /// Decimals of the currency's minor unit.
        decimals: u32,
        /// How halves go.
        rounding: super::round::Rounding,
    },
    /// The smallest of the children (a cap).
    Minimum,
    /// The largest of the children (a floor).
    Maximum,
    /// The first child when the third is at or above the fourth, else the second (a gate).
    Either,
    /// The height at the first child of the line from the point (second, third) to the point (fourth, fifth).
    Interpolate,
    /// The first child when the second is at or above the third, else zero (a goal reached or not).
    WhenReached,
    /// First child minus the second.
    Difference,
    /// The part of the first child that lies in the band from the second to the third (a marginal tier).
    /// With two children the band has no upper end.
    Slice,
}

impl Operation {
    /// The word shown to users.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "",
            Self::Sum => "sum of",
            Self::Product => "product of",
            Self::Quotient => "quotient of",
            Self::Round { .. } => "rounded",
            Self::Minimum => "smallest of",
            Self::Maximum => "largest of",
            Self::Either => "the first if the third reaches the fourth, else the second",
            Self::Interpolate => "at the first, on the line through the two points",
            Self::WhenReached => "the first, if the second reaches the third",
            Self::Difference => "difference of",
            Self::Slice => "part of the first between the others",
        }
    }

    /// The value that the children give, or `None` for inputs and malformed nodes.
    #[must_use]
    pub fn evaluate(self, children: &[Node]) -> Option<Rational> {
        let values: Vec<&Rational> = children.iter().map(|child| &child.value).collect();
        match (self, values.as_slice()) {
            (Self::Sum, values) => Some(values.iter().copied().sum()),
            (Self::Product, values) => {
                Some(values.iter().fold(Rational::one(), |product, value| &product * value))
            }
            (Self::Quotient, [dividend, divisor]) => dividend.checked_div(divisor),
            (Self::Round { decimals, rounding }, [value]) => {
                let units = super::round::round_to_decimals(value, decimals, rounding)?;
                Some(Rational::from_scaled(units, decimals))
            }
            (Self::Minimum, values) => values.iter().copied().min().cloned(),
            (Self::Maximum, values) => values.iter().copied().max().cloned(),
            (Self::Either, [open, shut, value, level]) => {
                Some(if value >= level { (*open).clone() } else { (*shut).clone() })
            }
            (Self::Interpolate, [x, x0, y0, x1, y1]) => {
                let slope = (*y1 - *y0).checked_div(&(*x1 - *x0))?;
                Some(*y0 + &(&slope * &(*x - *x0)))
            }
            (Self::WhenReached, [paid, value, goal]) => {
                Some(if value >= goal { (*paid).clone() } else { Rational::zero() })
            }
            (Self::Difference, [a, b]) => Some(*a - *b),
            (Self::Slice, [value, from]) => Some((*value - *from).max(Rational::zero())),
            (Self::Slice, [value, from, to]) => {
                let top = (*value).clone().min((*to).clone());
                Some((&top - *from).max(Rational::zero()))
            }
            _ => None,
        }
    }
}

/// One value of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What the value is, in the field's words.
    pub label: String,
    /// The exact value.
    pub value: Rational,
    /// How to print the value.
    pub unit: Unit,
    /// The clause of the plan that says so.
    pub clause: Option<TextPlace>,
    /// How the value follows from the children.
    pub operation: Operation,
    /// What it follows from.
    pub children: Vec<Node>,
}

/// How a value is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Money of a currency code.
    Money(String),
    /// A rate, share or attainment: shown in percent.
    Percent,
    /// A plain number.
    Number,
}

impl Node {
    /// A node; computed nodes get their value from their children.
    ///
    /// # Panics
    /// When the children do not determine a value: a fault of the program.
    #[must_use]
    pub fn computed(label: impl Into<String>, unit: Unit, operation: Operation, children: Vec<Node>) -> Self {
        let value = operation.evaluate(&children).expect("children determine the value of a computed node");
        Self { label: label.into(), value, unit, clause: None, operation, children }
    }

    /// A leaf: a value read from an extract or a plan.
    #[must_use]
    pub fn input(label: impl Into<String>, unit: Unit, value: Rational) -> Self {
        Self { label: label.into(), value, unit, clause: None, operation: Operation::Input, children: vec![] }
    }

    /// The same node, citing its clause.
    #[must_use]
    pub fn citing(mut self, clause: &TextPlace) -> Self {
        self.clause = Some(clause.clone());
        self
    }

    /// The value as text.
    #[must_use]
    pub fn value_text(&self) -> String {
        match &self.unit {
            Unit::Money(code) => {
                let text = self.value.to_decimal_text();
                let places = Currency::from_code(code).map_or(0, |currency| currency.decimals() as usize);
                // Whole cents at least; more decimals where the exact value has them.
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                if places == 0 && fraction.is_empty() {
                    format!("{whole} {code}")
                } else {
                    format!("{whole}.{fraction:0<places$} {code}")
                }
            }
            Unit::Percent => self.value.to_percent(),
            Unit::Number => self.value.to_decimal_text(),
        }
    }

    /// Visits this node and everything below it, parents first, with the depth.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Node, usize)) {
        fn go<'a>(node: &'a Node, depth: usize, visit: &mut dyn FnMut(&'a Node, usize)) {
            visit(node, depth);
            for child in &node.children {
                go(child, depth + 1, visit);
            }
        }
        go(self, 0, visit);
    }
}
