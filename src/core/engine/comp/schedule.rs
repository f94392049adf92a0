//! From a base to what it pays: flat rates, tiers, curves, matrices, as nodes of the explanation.

use super::figures::{Figures, Standing};
use super::gaps::Gap;
use crate::ground::rational::Rational;
use crate::ground::source::TextPlace;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{
    Base, Curve, Lookup, Matrix, MatrixMode, Outside, Quantity, Schedule, Step, TierMode, Tiers,
};

/// What a schedule gives: an amount of the base (rates have been applied), or a rate still to be applied.
pub(super) enum Yield {
    /// Rates have been applied to the base.
    Amount(Node),
    /// A value of a curve or matrix.
    Value(Node),
}

/// The payout of one component for one payee, period and, in windows of single transactions, deal.
pub(super) struct Payout<'a> {
    pub(super) standing: Standing<'a>,
    /// The component's own measure; absent for formulas.
    pub(super) measure: Option<usize>,
    /// Its figures, attainment capped.
    pub(super) figures: Figures,
}

impl Payout<'_> {
    /// The value that a table is compared with; `None` when it has none (no goal).
    pub(super) fn looked_up(&self, lookup: &Lookup) -> Option<Node> {
        let other;
        let figures = match lookup.measure.filter(|measure| Some(*measure) != self.measure) {
            Some(measure) => {
                other = self.standing.figures(measure);
                &other
            }
            None => &self.figures,
        };
        match lookup.on {
            Base::Amount => Some(figures.measured.clone()),
            Base::Attainment => figures.attainment(),
            Base::Lookup => {
                let deal = self.standing.deal?.deal;
                let place = self.measure.map(|own| &self.standing.problem.plan.measures[own].place);
                if let (None, Some(place)) = (&deal.lookup, place) {
                    self.standing.missed(Gap::Lookup(deal.id()), place);
                }
                Some(Node::input("lookup", Unit::Number, deal.lookup.clone().unwrap_or_default()))
            }
        }
    }

    /// A part of the measurement times its rate.
    fn rated(&self, part: Node, label: &str, rate: &Quantity, unit: &Unit) -> Node {
        let rate = self.standing.factor(&part, label, rate, Unit::Percent);
        times(part, rate, unit)
    }

    /// `base` through the schedule; `unit` is that of the result. `None` when a goal is needed and there is none.
    pub(super) fn run(&self, schedule: &Schedule, base: &Node, unit: &Unit) -> Option<Yield> {
        Some(match schedule {
            Schedule::Flat(rate) => Yield::Amount(self.rated(base.clone(), "rate", rate, unit)),
            Schedule::Tiers(tiers) => Yield::Amount(self.tiers(tiers, base, unit)?),
            Schedule::Curve(curve) => Yield::Value(self.curve(curve)?),
            Schedule::Matrix(matrix) => Yield::Value(self.matrix(matrix)?),
        })
    }

    /// Where a band starts, in the unit of the base.
    fn bound(&self, tiers: &Tiers, from: &Rational, place: &TextPlace, base: &Node) -> Option<Node> {
        let share = base.unit == Unit::Percent;
        if tiers.lookup.on == Base::Attainment && !share && tiers.lookup.measure.is_none() {
            let goal = self.figures.usable_goal()?.clone();
            let from = Node::input("from", Unit::Percent, from.clone()).citing(place);
            return Some(Node::computed(
                "band from",
                goal.unit.clone(),
                Operation::Product,
                vec![goal, from],
            ));
        }
        Some(Node::input("band from", base.unit.clone(), from.clone()).citing(place))
    }

    /// The bands that count: without accelerators during a ramp, those from 100 % on do not exist.
    fn steps<'t>(&self, tiers: &'t Tiers) -> Vec<&'t Step> {
        let compared = tiers.lookup.measure.or(self.measure);
        let short = tiers.lookup.on == Base::Attainment
            && compared.is_some_and(|measure| self.standing.without_accelerators(measure));
        let accelerator = |step: &&Step| short && step.from >= Rational::one();
        tiers.steps.iter().filter(|step| !accelerator(step)).collect()
    }

    fn tiers(&self, tiers: &Tiers, base: &Node, unit: &Unit) -> Option<Node> {
        let steps = self.steps(tiers);
        match tiers.mode {
            TierMode::Whole => {
                let value = self.whole_base(tiers, base)?;
                let bounds: Vec<Node> = steps
                    .iter()
                    .map(|step| self.bound(tiers, &step.from, &step.place, &value))
                    .collect::<Option<_>>()?;
                let step = reached(&steps, &bounds, &value, tiers.lower);
                Some(self.rated(base.clone(), &reached_label(&value), &step.rate, unit))
            }
            TierMode::ProportionalAmount | TierMode::ProportionalRate => {
                self.proportional(tiers, &steps, base, unit)
            }
            TierMode::Marginal | TierMode::WholeAboveGoal => {
                let bounds: Vec<Node> = steps
                    .iter()
                    .map(|step| self.bound(tiers, &step.from, &step.place, base))
                    .collect::<Option<_>>()?;
                if tiers.mode == TierMode::Marginal {
                    return Some(self.marginal(&steps, &bounds, base, unit));
                }
                self.whole_above_goal(tiers, &steps, &bounds, base, unit)
            }
        }
    }

    /// What selects the band of a whole table: another measure, an attainment, or the base itself.
    fn whole_base(&self, tiers: &Tiers, base: &Node) -> Option<Node> {
        let own = tiers.lookup.measure.is_none() && tiers.lookup.on != Base::Lookup;
        if own { Some(base.clone()) } else { self.looked_up(&tiers.lookup) }
    }

    /// The amount of the band reached: a table of amounts.
    pub(super) fn band_amount(&self, tiers: &Tiers, unit: &Unit) -> Option<Node> {
        let value = self.looked_up(&tiers.lookup)?;
        let steps = self.steps(tiers);
        let bounds: Vec<Node> = steps
            .iter()
            .map(|step| Node::input("band from", value.unit.clone(), step.from.clone()).citing(&step.place))
            .collect();
        let step = reached(&steps, &bounds, &value, tiers.lower);
        Some(self.standing.quantity(&reached_label(&value), &step.rate, unit.clone()))
    }

    /// Each band pays its own rate. The first band has no lower end, so a negative measurement is paid back at its rate.
    fn marginal(&self, steps: &[&Step], bounds: &[Node], base: &Node, unit: &Unit) -> Node {
        let mut bands = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let above = bounds.get(index + 1);
            if index > 0 && base.value < bounds[index].value {
                break;
            }
            let part = match (index, above) {
                (0, None) => base.clone(),
                (0, Some(to)) => Node::computed(
                    "part in the first band",
                    base.unit.clone(),
                    Operation::Minimum,
                    vec![base.clone(), to.clone()],
                ),
                (_, above) => {
                    let mut children = vec![base.clone(), bounds[index].clone()];
                    children.extend(above.cloned());
                    let label = format!("part in band {}", index + 1);
                    Node::computed(label, base.unit.clone(), Operation::Slice, children)
                }
            };
            bands.push(self.rated(part, "rate", &step.rate, unit).citing(&step.place));
        }
        Node::computed("sum of the bands", unit.clone(), Operation::Sum, bands)
    }

    fn whole_above_goal(
        &self,
        tiers: &Tiers,
        steps: &[&Step],
        bounds: &[Node],
        base: &Node,
        unit: &Unit,
    ) -> Option<Node> {
        let goal = if base.unit == Unit::Percent {
            Node::input("100 %", Unit::Percent, Rational::one())
        } else {
            self.figures.usable_goal()?.clone()
        };
        let to_goal = Node::computed(
            "part up to the goal",
            base.unit.clone(),
            Operation::Minimum,
            vec![base.clone(), goal.clone()],
        );
        let below = self.marginal(steps, bounds, &to_goal, unit);
        let above = Node::computed(
            "part above the goal",
            base.unit.clone(),
            Operation::Slice,
            vec![base.clone(), goal],
        );
        let step = reached(steps, bounds, base, tiers.lower);
        let above = self.rated(above, &reached_label(base), &step.rate, unit);
        Some(Node::computed("up to the goal + above it", unit.clone(), Operation::Sum, vec![below, above]))
    }

    /// Full bands count whole, the last one by the share of it that is covered.
    fn proportional(&self, tiers: &Tiers, steps: &[&Step], base: &Node, unit: &Unit) -> Option<Node> {
        let rates = tiers.mode == TierMode::ProportionalRate;
        let step_unit = if rates { Unit::Percent } else { unit.clone() };
        let mut parts = Vec::new();
        for step in steps {
            let from = self.bound(tiers, &step.from, &step.place, base)?;
            let to = self.bound(tiers, step.to.as_ref()?, &step.place, base)?;
            if base.value <= from.value {
                break;
            }
            let covered = Node::computed(
                "covered",
                base.unit.clone(),
                Operation::Slice,
                vec![base.clone(), from.clone(), to.clone()],
            );
            let width =
                Node::computed("width of the band", base.unit.clone(), Operation::Difference, vec![to, from]);
            let share =
                Node::computed("covered share", Unit::Percent, Operation::Quotient, vec![covered, width]);
            let value = self.standing.quantity("of the band", &step.rate, step_unit.clone());
            let part =
                Node::computed("part of the band", step_unit.clone(), Operation::Product, vec![value, share]);
            parts.push(part.citing(&step.place));
        }
        let sum = Node::computed("sum of the bands", step_unit, Operation::Sum, parts);
        Some(if rates { times(base.clone(), sum, unit) } else { sum })
    }

    /// The value of a curve at what it is looked up with.
    pub(super) fn curve(&self, curve: &Curve) -> Option<Node> {
        let x = self.looked_up(&curve.lookup)?;
        let point = |index: usize, what: &str| {
            let (at, pay, place) = &curve.points[index];
            (
                Node::input(format!("{what} point at"), x.unit.clone(), at.clone()).citing(place),
                Node::input(format!("{what} point pays"), Unit::Percent, pay.clone()).citing(place),
            )
        };
        let last = curve.points.len() - 1;
        let nothing = |why: &str| Node::input(why, Unit::Percent, Rational::zero());
        let label = reached_label(&x);
        // The last point at or before x: of two points at one place, the later one is reached.
        let Some(index) = curve.points.iter().rposition(|(at, _, _)| *at <= x.value) else {
            return Some(match curve.below {
                Outside::Zero => nothing("before the first point: nothing"),
                Outside::Extend if !curve.steps => {
                    line(&label, x.clone(), point(0, "first"), point(1, "second"))
                }
                _ => point(0, "first").1,
            });
        };
        if curve.steps {
            return Some(Node { label, ..point(index, "reached").1 });
        }
        if index < last {
            let (at, _, _) = &curve.points[index];
            if *at == x.value {
                return Some(Node { label, ..point(index, "reached").1 });
            }
            return Some(line(&label, x.clone(), point(index, "lower"), point(index + 1, "upper")));
        }
        let on_it = curve.points[last].0 == x.value;
        Some(match curve.beyond {
            _ if on_it => Node { label, ..point(last, "last").1 },
            Outside::Zero => nothing("after the last point: nothing"),
            Outside::Flat => Node { label, ..point(last, "last").1 },
            Outside::Extend => line(&label, x.clone(), point(last - 1, "last but one"), point(last, "last")),
        })
    }

    /// The value of a matrix.
    fn matrix(&self, matrix: &Matrix) -> Option<Node> {
        let (row, column) = (self.looked_up(&matrix.rows.0)?, self.looked_up(&matrix.columns.0)?);
        let at = |starts: &[Rational], value: &Node| starts.iter().rposition(|start| *start <= value.value);
        let places = (at(&matrix.rows.1, &row), at(&matrix.columns.1, &column));
        let value = |label: &str, value: &Rational| {
            Node::input(label, Unit::Percent, value.clone()).citing(&matrix.place)
        };
        if matrix.mode == MatrixMode::Additive {
            let part = |cells: &[Rational], place: Option<usize>, label: &str| {
                place.map_or_else(|| value(label, &Rational::zero()), |index| value(label, &cells[index]))
            };
            let parts = vec![
                part(&matrix.cells[0], places.0, &format!("row, {}", reached_label(&row))),
                part(&matrix.cells[1], places.1, &format!("column, {}", reached_label(&column))),
            ];
            return Some(Node::computed("row + column", Unit::Percent, Operation::Sum, parts));
        }
        let (Some(i), Some(j)) = places else {
            return Some(value("before the first row or column: nothing", &Rational::zero()));
        };
        let label = format!("cell, {}, {}", reached_label(&row), reached_label(&column));
        if matrix.mode == MatrixMode::Step {
            return Some(value(&label, &matrix.cells[i][j]));
        }
        // Between four cells: along the columns first, then between the two rows. Flat beyond the last.
        let point = |starts: &[Rational], index: usize, unit: &Unit| {
            Node::input("starts at", unit.clone(), starts[index].clone()).citing(&matrix.place)
        };
        let along = |i: usize| {
            let cell = |j: usize| value("cell", &matrix.cells[i][j]);
            if j + 1 == matrix.columns.1.len() {
                return cell(j);
            }
            let ends = |j: usize| (point(&matrix.columns.1, j, &column.unit), cell(j));
            line("along the row", column.clone(), ends(j), ends(j + 1))
        };
        if i + 1 == matrix.rows.1.len() {
            return Some(Node { label, ..along(i) });
        }
        let ends = |i: usize| (point(&matrix.rows.1, i, &row.unit), along(i));
        Some(line(&label, row.clone(), ends(i), ends(i + 1)))
    }
}

/// `base` x `rate`.
fn times(base: Node, rate: Node, unit: &Unit) -> Node {
    let label = if base.unit == Unit::Percent { "rate x attainment" } else { "rate x measurement" };
    Node::computed(label, unit.clone(), Operation::Product, vec![base, rate])
}

fn line(label: &str, x: Node, lower: (Node, Node), upper: (Node, Node)) -> Node {
    let children = vec![x, lower.0, lower.1, upper.0, upper.1];
    Node::computed(label, Unit::Percent, Operation::Interpolate, children)
}

fn reached_label(value: &Node) -> String {
    format!("reached with {}", value.value_text())
}

/// The band that a value has reached. A value on a boundary belongs to the higher band (E1), or to the lower one when
/// the plan says so.
fn reached<'s>(steps: &[&'s Step], bounds: &[Node], value: &Node, lower: bool) -> &'s Step {
    let there = |bound: &Node| if lower { bound.value < value.value } else { bound.value <= value.value };
    steps[bounds.iter().rposition(there).unwrap_or(0)]
}
