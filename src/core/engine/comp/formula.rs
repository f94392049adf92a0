//! From a measurement and a goal to an unrounded amount, as a trace: flat rates, tiers, fixed amounts, caps.

use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{CompPlan, Component, Pay, Quantity, Rates, Step, TierBase, TierMode};

use super::Payee;

/// True when the component cannot pay without a goal above zero.
pub(super) fn needs_goal(component: &Component) -> bool {
    match &component.pay {
        Pay::TargetShare { .. } => true,
        Pay::PerUnit(Rates::Tiers { mode, on, .. }) => {
            *on == TierBase::Attainment || *mode == TierMode::WholeAboveGoal
        }
        Pay::PerUnit(Rates::Flat(_)) => false,
        // Without a goal on the measure, `at` is compared with the measurement.
        Pay::Fixed { .. } => false,
    }
}

/// The unrounded amount of a component, capped.
pub(super) fn pay(
    plan: &CompPlan,
    component: &Component,
    payee: &Payee,
    measured: Node,
    goal: Option<Node>,
) -> Node {
    let money = Unit::Money(plan.currency.code().to_owned());
    let measure_has_goal = plan.measures[component.measure].goal.is_some();
    let usable = goal.filter(|goal| goal.value.is_positive());
    let formula = Formula { money: money.clone(), payee };
    let pay = match (&component.pay, usable) {
        (_, None) if needs_goal(component) => {
            Node::input("no goal above zero, so nothing is paid", money.clone(), Rational::zero())
        }
        (Pay::Fixed { .. }, None) if measure_has_goal => {
            Node::input("no goal above zero, so nothing is paid", money.clone(), Rational::zero())
        }
        (Pay::PerUnit(rates), goal) => formula.rates(rates, measured, goal.as_ref(), &money),
        (Pay::TargetShare { target, rates }, goal) => {
            let attainment = attainment(
                measured,
                goal.unwrap_or_else(|| Node::input("goal", Unit::Number, Rational::one())),
            );
            let one = Node::input("100 %", Unit::Percent, Rational::one());
            let share = formula.rates(rates, attainment, Some(&one), &Unit::Percent);
            let target = formula.quantity("target pay", target, money.clone());
            Node::computed("target pay x share", money.clone(), Operation::Product, vec![target, share])
        }
        (Pay::Fixed { amount, at }, goal) => {
            let amount = formula.quantity("amount", amount, money.clone());
            let (value, unit) = match goal {
                Some(goal) => (attainment(measured, goal), Unit::Percent),
                None => (measured.clone(), measured.unit),
            };
            let at = Node::input("paid from", unit, at.0.clone()).citing(&at.1);
            Node::computed(
                "paid when reached",
                money.clone(),
                Operation::WhenReached,
                vec![amount, value, at],
            )
        }
    };
    match &component.cap {
        Some(cap) => {
            let cap = formula.quantity("cap", cap, money.clone());
            Node::computed("not more than the cap", money, Operation::Minimum, vec![pay, cap])
        }
        None => pay,
    }
}

fn attainment(measured: Node, goal: Node) -> Node {
    Node::computed("attainment", Unit::Percent, Operation::Quotient, vec![measured, goal])
}

struct Formula<'a> {
    money: Unit,
    payee: &'a Payee,
}

impl Formula<'_> {
    /// A number of the plan, or of the payee; an empty cell counts as zero and says so.
    fn quantity(&self, label: &str, quantity: &Quantity, unit: Unit) -> Node {
        let (label, place) = match quantity {
            Quantity::Fixed(_, place) => (label.to_owned(), place),
            Quantity::Column(name, place) if self.payee.quantities.contains_key(name) => {
                (format!("{label} ({name} of {})", self.payee.id), place)
            }
            Quantity::Column(name, place) => {
                (format!("{label} ({name} of {} is empty)", self.payee.id), place)
            }
        };
        let value = self.payee.quantity(quantity).unwrap_or_default();
        Node::input(label, unit, value).citing(place)
    }

    fn rate(&self, rate: &Quantity) -> Node {
        self.quantity("rate", rate, Unit::Percent)
    }

    fn rates(&self, rates: &Rates, base: Node, goal: Option<&Node>, unit: &Unit) -> Node {
        match rates {
            Rates::Flat(rate) => self.times(base, self.rate(rate), unit),
            Rates::Tiers { mode, on, steps } => {
                let bounds: Vec<Node> = steps.iter().map(|step| boundary(step, *on, goal)).collect();
                match mode {
                    TierMode::Marginal => self.marginal(steps, &bounds, base, unit),
                    TierMode::Whole => {
                        self.times(base.clone(), self.rate(reached(steps, &bounds, &base)), unit)
                    }
                    TierMode::WholeAboveGoal => self.whole_above_goal(steps, &bounds, base, goal, unit),
                }
            }
        }
    }

    fn times(&self, base: Node, rate: Node, unit: &Unit) -> Node {
        let label = if unit == &self.money { "rate x measurement" } else { "rate x attainment" };
        Node::computed(label, unit.clone(), Operation::Product, vec![base, rate])
    }

    /// Each band pays its own rate. The first band has no lower end, so a negative measurement is paid back at its rate.
    fn marginal(&self, steps: &[Step], bounds: &[Node], base: Node, unit: &Unit) -> Node {
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
                    Node::computed(
                        format!("part in band {}", index + 1),
                        base.unit.clone(),
                        Operation::Slice,
                        children,
                    )
                }
            };
            bands.push(self.times(part, self.rate(&step.rate), unit).citing(&step.place));
        }
        Node::computed("sum of the bands", unit.clone(), Operation::Sum, bands)
    }

    fn whole_above_goal(
        &self,
        steps: &[Step],
        bounds: &[Node],
        base: Node,
        goal: Option<&Node>,
        unit: &Unit,
    ) -> Node {
        let Some(goal) = goal else { return self.marginal(steps, bounds, base, unit) };
        let to_goal = Node::computed(
            "part up to the goal",
            base.unit.clone(),
            Operation::Minimum,
            vec![base.clone(), goal.clone()],
        );
        let below = self.marginal(steps, bounds, to_goal, unit);
        let above = Node::computed(
            "part above the goal",
            base.unit.clone(),
            Operation::Slice,
            vec![base.clone(), goal.clone()],
        );
        let rate = self.rate(reached(steps, bounds, &base));
        let above = self.times(above, rate, unit);
        Node::computed("up to the goal + above it", unit.clone(), Operation::Sum, vec![below, above])
    }
}

/// Where a band starts, in the unit of the base.
fn boundary(step: &Step, on: TierBase, goal: Option<&Node>) -> Node {
    match (on, goal) {
        (TierBase::Attainment, Some(goal)) => {
            let from = Node::input("from", Unit::Percent, step.from.clone()).citing(&step.place);
            Node::computed("band from", goal.unit.clone(), Operation::Product, vec![goal.clone(), from])
        }
        _ => Node::input("band from", Unit::Number, step.from.clone()).citing(&step.place),
    }
}

/// The rate of the band that the base has reached. A value on a boundary belongs to the higher band (E1).
fn reached<'a>(steps: &'a [Step], bounds: &[Node], base: &Node) -> &'a Quantity {
    let index = bounds.iter().rposition(|bound| bound.value <= base.value).unwrap_or(0);
    &steps[index].rate
}
