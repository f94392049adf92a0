//! Forecasts of the whole and of the parts made to agree: bottom-up, top-down, or the least change of all (MinT).
//!
//! With weights on the diagonal, minimum trace (Wickramasuriya, Athanasopoulos and Hyndman 2019) is least squares under
//! the condition that parts add up. On a tree two passes solve it exactly: upward, what a subtree knows of its top;
//! downward, what the top has to give is shared by variance.

/// How forecasts of the whole and of the parts are made to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconcile {
    /// The smallest groups are forecast; the rest are their sums.
    BottomUp,
    /// The whole is forecast; parts share it as their own forecasts do.
    TopDown,
    /// The least change of all forecasts, the error of a sum growing with the number of its parts.
    Structural,
    /// The least change of all forecasts, each weighted by the variance of its own errors.
    Variance,
}

impl Reconcile {
    /// Names as plans write them.
    pub const NAMES: [&'static str; 4] = ["bottom-up", "top-down", "structural", "variance"];

    /// The method of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bottom-up" => Self::BottomUp,
            "top-down" => Self::TopDown,
            "structural" => Self::Structural,
            "variance" => Self::Variance,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BottomUp => "bottom-up",
            Self::TopDown => "top-down",
            Self::Structural => "structural",
            Self::Variance => "variance",
        }
    }
}

/// Groups as a tree: a parent comes before its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Parent of each node; the first is the whole and has none.
    pub parent: Vec<Option<usize>>,
    /// Children of each node, in order.
    pub children: Vec<Vec<usize>>,
}

impl Tree {
    /// The tree of these parents; each comes before its children.
    #[must_use]
    pub fn new(parent: Vec<Option<usize>>) -> Self {
        let mut children = vec![Vec::new(); parent.len()];
        for (node, above) in parent.iter().enumerate() {
            if let Some(above) = above {
                debug_assert!(*above < node);
                children[*above].push(node);
            }
        }
        Self { parent, children }
    }

    /// True for a node without children.
    #[must_use]
    pub fn is_leaf(&self, node: usize) -> bool {
        self.children[node].is_empty()
    }

    /// Leaves below each node; 1 for a leaf.
    #[must_use]
    pub fn leaves(&self) -> Vec<f64> {
        let own = (0..self.parent.len()).map(|node| f64::from(u8::from(self.is_leaf(node)))).collect();
        self.sums(own)
    }

    /// The values of leaves, and of every other node the sum of its children.
    #[must_use]
    pub fn sums(&self, mut values: Vec<f64>) -> Vec<f64> {
        for node in (0..self.parent.len()).rev() {
            if !self.is_leaf(node) {
                values[node] = self.children[node].iter().map(|child| values[*child]).sum();
            }
        }
        values
    }
}

/// Forecasts that add up, from those that do not. `variance` is that of the errors of each node, for [`Reconcile::Variance`].
/// With `floor`, no amount is below zero: what is missing is taken from the siblings in proportion.
#[must_use]
pub fn reconcile(tree: &Tree, method: Reconcile, base: &[f64], variance: &[f64], floor: bool) -> Vec<f64> {
    let mut values = match method {
        Reconcile::BottomUp => tree.sums(base.to_vec()),
        Reconcile::TopDown => top_down(tree, base),
        Reconcile::Structural => least_change(tree, base, &tree.leaves()),
        Reconcile::Variance => least_change(tree, base, variance),
    };
    if floor && values.iter().any(|value| *value < 0.0) {
        if let Some(whole) = values.first_mut() {
            *whole = whole.max(0.0);
        }
        for node in 0..tree.parent.len() {
            share(&mut values, &tree.children[node], node, |value| value.max(0.0));
        }
    }
    values
}

/// Gives the children what their parent has, in proportion to a weight of their own values; equal parts without any.
fn share(values: &mut [f64], children: &[usize], parent: usize, weight: impl Fn(f64) -> f64) {
    let total: f64 = children.iter().map(|child| weight(values[*child])).sum();
    for child in children {
        let part = if total > 0.0 { weight(values[*child]) / total } else { 1.0 / children.len() as f64 };
        values[*child] = values[parent] * part;
    }
}

fn top_down(tree: &Tree, base: &[f64]) -> Vec<f64> {
    let mut values = base.to_vec();
    for node in 0..tree.parent.len() {
        share(&mut values, &tree.children[node], node, |value| value.max(0.0));
    }
    values
}

/// Minimises the sum of squared changes over variance, under the condition that children add up to their parent.
fn least_change(tree: &Tree, base: &[f64], variance: &[f64]) -> Vec<f64> {
    // A variance of 0 would make a forecast immovable and divide by nothing.
    let positive = variance.iter().copied().filter(|value| *value > 0.0);
    let least = positive.fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least * 1e-6 } else { 1.0 };
    let own = |node: usize| variance[node].max(least);
    let count = tree.parent.len();
    // What the subtree knows of its top: a mean, and its variance.
    let (mut middle, mut spread) = (base.to_vec(), (0..count).map(own).collect::<Vec<_>>());
    let (mut sums, mut widths) = (vec![0.0; count], vec![0.0; count]);
    for node in (0..count).rev() {
        if tree.is_leaf(node) {
            continue;
        }
        sums[node] = tree.children[node].iter().map(|child| middle[*child]).sum();
        widths[node] = tree.children[node].iter().map(|child| spread[*child]).sum();
        let weight = widths[node] / (widths[node] + own(node));
        middle[node] = sums[node] + (base[node] - sums[node]) * weight;
        spread[node] = own(node) * weight;
    }
    for node in 0..count {
        let change = middle[node] - sums[node];
        for child in &tree.children[node] {
            middle[*child] += change * spread[*child] / widths[node];
        }
    }
    middle
}

/// Amounts in whole units that add up exactly: the whole is rounded once, its parts by largest remainder.
#[must_use]
pub fn in_units(tree: &Tree, values: &[f64], per_unit: f64) -> Option<Vec<i128>> {
    let mut units = vec![0i128; values.len()];
    let scaled: Vec<f64> = values.iter().map(|value| value * per_unit).collect();
    // Beyond 2^53 a float no longer holds every whole number.
    if scaled.iter().any(|value| !value.is_finite() || value.abs() > 9e15) {
        return None;
    }
    if let (Some(first), Some(value)) = (units.first_mut(), scaled.first()) {
        *first = value.round() as i128;
    }
    for node in 0..values.len() {
        let children = &tree.children[node];
        if children.is_empty() {
            continue;
        }
        for child in children {
            units[*child] = scaled[*child].floor() as i128;
        }
        let mut left = units[node] - children.iter().map(|child| units[*child]).sum::<i128>();
        let mut order: Vec<usize> = children.clone();
        order.sort_by(|a, b| {
            // What differs in the last digits of a float only is equal, and goes in order.
            let rest = |node: &usize| ((scaled[*node] - scaled[*node].floor()) * 1e6).round();
            rest(b).total_cmp(&rest(a)).then(a.cmp(b))
        });
        // The parts were made to add up, so that less than one unit for each is left; else there is nothing to share.
        if left.unsigned_abs() > 2 * children.len() as u128 {
            return None;
        }
        let step = if left < 0 { -1 } else { 1 };
        for child in order.iter().cycle() {
            if left == 0 {
                break;
            }
            units[*child] += step;
            left -= step;
        }
    }
    Some(units)
}
