//! What a component pays for what has been reached: pay, threshold, multipliers, gates, weight, cap (E34), unrounded.

use super::figures::{Figures, Standing};
use super::formula::Value;
use super::gaps::Gap;
use super::schedule::{Payout, Yield};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::source::Place;
use crate::ground::trace::{Node, Operation, Unit};
use crate::plan::comp::{
    Base, CapAmount, CapPer, Component, Gate, Item, Missing, Multiplier, Pay, Quantity, Schedule, Threshold,
};

/// What the other components have earned, by name.
pub(super) type Others<'a> = &'a dyn Fn(&str) -> Option<Node>;

/// The pay of a component before rounding, and what it needed and did not have.
pub(super) struct Paid {
    pub(super) pay: Node,
    /// Needed a goal above zero and found none.
    pub(super) without_goal: bool,
}

/// A component for one standing.
pub(super) struct Formula<'a> {
    pub(super) component: &'a Component,
    /// What counts for pay: attainment is capped.
    pub(super) payout: Payout<'a>,
    /// What was reached: whether a gate opens is about that.
    pub(super) reached: Figures,
}

impl<'a> Formula<'a> {
    pub(super) fn new(component: &'a Component, standing: Standing<'a>) -> Self {
        let reached = match component.measure {
            Some(measure) => standing.figures(measure),
            None => Figures {
                measured: Node::input("nothing measured", Unit::Number, Rational::zero()),
                goal: None,
                present: true,
            },
        };
        let figures = capped(component, reached.clone());
        Self { component, payout: Payout { standing, measure: component.measure, figures }, reached }
    }

    /// The payout of other figures.
    fn with(&self, figures: Figures) -> Payout<'a> {
        Payout { standing: self.payout.standing, measure: self.payout.measure, figures }
    }

    fn standing(&self) -> &Standing<'a> {
        &self.payout.standing
    }

    fn money(&self) -> Unit {
        self.standing().problem.money()
    }

    /// Pay with threshold, multipliers, weight, the gates that `apply`, and the cap of the window.
    pub(super) fn pay(&self, others: Others<'_>, apply: &dyn Fn(&Gate) -> bool) -> Result<Paid, Diagnostic> {
        let without_goal = || {
            let label = "no goal above zero, so nothing is paid";
            Paid { pay: Node::input(label, self.money(), Rational::zero()), without_goal: true }
        };
        let capped_without_goal =
            self.component.attainment_cap.is_some() && self.payout.figures.usable_goal().is_none();
        let base = if capped_without_goal { None } else { self.base(others)? };
        let Some(mut pay) = base else { return Ok(without_goal()) };
        if let Some(threshold) = &self.component.threshold {
            let Some(above) = self.threshold(threshold, pay) else { return Ok(without_goal()) };
            pay = above;
        }
        Ok(Paid { pay: self.modified(pay, apply), without_goal: self.lacks_goal() })
    }

    /// Whether a factor or a gate compares an attainment and there is no goal, so that it counts as nothing or as shut.
    pub(super) fn lacks_goal(&self) -> bool {
        let curves = self.component.multipliers.iter().filter_map(|multiplier| match multiplier {
            Multiplier::Curve(curve, _) => Some(&curve.lookup),
            Multiplier::Value(_) => None,
        });
        let gates = self.component.gates.iter().map(|gate| &gate.lookup);
        let mut goals = curves.chain(gates).filter(|lookup| lookup.on == Base::Attainment);
        goals.any(|lookup| self.payout.looked_up(lookup).is_none())
    }

    /// A pay with multipliers, the gates that `apply`, weight and the cap of the window.
    pub(super) fn modified(&self, mut pay: Node, apply: &dyn Fn(&Gate) -> bool) -> Node {
        let money = self.money();
        for multiplier in &self.component.multipliers {
            let factor = match multiplier {
                Multiplier::Value(value) => Some(
                    self.standing().factor(&pay, "multiplier", value, Unit::Percent).citing(&value.place),
                ),
                Multiplier::Curve(curve, place) => self.payout.curve(curve).map(|node| node.citing(place)),
            };
            let factor =
                factor.unwrap_or_else(|| Node::input("multiplier: no goal", Unit::Percent, Rational::zero()));
            pay = Node::computed("pay x multiplier", money.clone(), Operation::Product, vec![pay, factor]);
        }
        for gate in self.component.gates.iter().filter(|gate| apply(gate)) {
            pay = self.gated(gate, pay);
        }
        if let Some(weight) = &self.component.weight {
            let weight = self.standing().factor(&pay, "weight", weight, Unit::Percent);
            pay = Node::computed("pay x weight", money.clone(), Operation::Product, vec![pay, weight]);
        }
        if let Some(cap) = self.component.cap.as_ref().filter(|cap| cap.per == CapPer::Window) {
            let limit = self.cap(&cap.amount).citing(&cap.place);
            pay = Node::computed("not more than the cap", money, Operation::Minimum, vec![pay, limit]);
        }
        pay
    }

    /// How much a cap is.
    pub(super) fn cap(&self, amount: &CapAmount) -> Node {
        match (amount, &self.component.pay) {
            (CapAmount::Amount(amount), _) => self.standing().quantity("cap", amount, self.money()),
            (
                CapAmount::TargetShare(share),
                Pay::TargetShare { target, .. } | Pay::Scorecard { target, .. },
            ) => {
                let target = self.target(target, true);
                let share = Node::input("cap, share of target", Unit::Percent, share.clone());
                Node::computed("cap", self.money(), Operation::Product, vec![target, share])
            }
            (CapAmount::TargetShare(_), _) => Node::input("cap", self.money(), Rational::zero()),
        }
    }

    /// Whether a gate is open.
    pub(super) fn is_open(&self, gate: &Gate) -> bool {
        let value = self.with(self.reached.clone()).looked_up(&gate.lookup);
        value.is_some_and(|value| value.value >= gate.at)
    }

    /// The pay, or the part of it that a shut gate leaves.
    pub(super) fn gated(&self, gate: &Gate, pay: Node) -> Node {
        let money = self.money();
        let part = Node::input("part while the gate is shut", Unit::Percent, gate.otherwise.clone());
        let shut = Node::computed("while shut", money.clone(), Operation::Product, vec![pay.clone(), part]);
        let actual = self.with(self.reached.clone());
        let Some(value) = actual.looked_up(&gate.lookup) else {
            return Node { label: "gate shut: no goal".to_owned(), ..shut }.citing(&gate.place);
        };
        let level = Node::input("gate opens at", value.unit.clone(), gate.at.clone()).citing(&gate.place);
        Node::computed("through the gate", money, Operation::Either, vec![pay, shut, value, level])
    }

    fn target(&self, target: &Quantity, is_needed: bool) -> Node {
        let periods = self.standing().target_periods(self.component);
        self.standing().target("target pay", target, periods, is_needed).citing(&target.place)
    }

    /// Nothing below the threshold; above it everything, or what lies above.
    fn threshold(&self, threshold: &Threshold, pay: Node) -> Option<Node> {
        let figures = &self.payout.figures;
        let value = self.payout.looked_up(&threshold.lookup)?;
        let level =
            Node::input("threshold", value.unit.clone(), threshold.at.clone()).citing(&threshold.place);
        let money = self.money();
        let pay = if threshold.back_pay {
            pay
        } else {
            // What the measurement of the threshold itself would have paid is not paid back.
            let at = match (threshold.lookup.on, figures.usable_goal()) {
                (Base::Attainment, Some(goal)) => Node::computed(
                    "measurement at the threshold",
                    figures.measured.unit.clone(),
                    Operation::Product,
                    vec![goal.clone(), level.clone()],
                ),
                _ => level.clone(),
            };
            let figures = Figures { measured: at, ..figures.clone() };
            let there =
                Self { component: self.component, payout: self.with(figures.clone()), reached: figures };
            let below = there.base(&|_| None).ok().flatten()?;
            let below = Node { label: "pay of the threshold itself".to_owned(), ..below };
            Node::computed("pay above the threshold", money.clone(), Operation::Difference, vec![pay, below])
        };
        let label = "paid once the threshold is reached";
        Some(Node::computed(label, money, Operation::WhenReached, vec![pay, value, level]))
    }

    /// The pay itself; `None` when it needs a goal above zero and there is none.
    fn base(&self, others: Others<'_>) -> Result<Option<Node>, Diagnostic> {
        let money = self.money();
        let figures = &self.payout.figures;
        Ok(match &self.component.pay {
            Pay::PerUnit(schedule) => {
                self.payout.run(schedule, &figures.measured, &money).map(|result| match result {
                    Yield::Amount(node) => node,
                    Yield::Value(rate) => Node::computed(
                        "rate x measurement",
                        money,
                        Operation::Product,
                        vec![figures.measured.clone(), rate],
                    ),
                })
            }
            Pay::TargetShare { target, schedule } => {
                self.share(schedule, figures).map(|share| self.of_target(target, share))
            }
            Pay::Fixed { amount, at } => {
                let has_goal = self
                    .component
                    .measure
                    .is_some_and(|measure| self.standing().problem.plan.measures[measure].goal.is_some());
                let value = if has_goal { figures.attainment() } else { Some(figures.measured.clone()) };
                value.map(|value| {
                    let amount = self.standing().quantity("amount", amount, money.clone());
                    let at = Node::input("paid from", value.unit.clone(), at.0.clone()).citing(&at.1);
                    Node::computed(
                        "paid when reached",
                        money,
                        Operation::WhenReached,
                        vec![amount, value, at],
                    )
                })
            }
            Pay::Table(Schedule::Tiers(tiers)) => self.payout.band_amount(tiers, &money),
            Pay::Table(schedule) => {
                let result = self.payout.run(schedule, &figures.measured, &money);
                result.map(|(Yield::Amount(node) | Yield::Value(node))| Node { unit: money, ..node })
            }
            Pay::Formula(expression, place) => {
                let names = |name: &str| self.standing().named(name, Some(others));
                let value =
                    super::formula::evaluate(expression, place, &|name| -> Option<Value> { names(name) });
                let node = value.unwrap_or_else(|| {
                    self.standing().missed_value(expression, place, Some(Gap::NullPay));
                    Node::input("no value, so nothing is paid", money.clone(), Rational::zero()).citing(place)
                });
                Some(Node { unit: money, ..node })
            }
            Pay::Scorecard { target, items, missing } => {
                Some(self.of_target(target, self.scorecard(items, *missing)?))
            }
            // Calculated over everyone in the team.
            Pay::Rank { .. } | Pay::Pool { .. } => None,
        })
    }

    fn of_target(&self, target: &Quantity, share: Node) -> Node {
        let target = self.target(target, !share.value.is_zero());
        Node::computed("target pay x share", self.money(), Operation::Product, vec![target, share])
    }

    /// The share of target that an attainment pays.
    fn share(&self, schedule: &Schedule, figures: &Figures) -> Option<Node> {
        match schedule {
            Schedule::Curve(_) | Schedule::Matrix(_) => {
                match self.payout.run(schedule, &figures.measured, &Unit::Percent)? {
                    Yield::Amount(node) | Yield::Value(node) => Some(node),
                }
            }
            _ => match self.payout.run(schedule, &figures.attainment()?, &Unit::Percent)? {
                Yield::Amount(node) | Yield::Value(node) => Some(node),
            },
        }
    }

    fn scorecard(&self, items: &[Item], missing: Missing) -> Result<Node, Diagnostic> {
        let standing = self.standing();
        let mut present: Vec<(Node, Node)> = Vec::new();
        let mut absent: Vec<(Node, &Item)> = Vec::new();
        for item in items {
            let figures = standing.figures(item.measure);
            let weight = standing.quantity("weight", &item.weight, Unit::Percent);
            let name = &standing.problem.plan.measures[item.measure].name;
            let score = match &item.schedule {
                _ if !figures.present => None,
                None => figures.attainment(),
                Some(schedule) => {
                    let payout =
                        Payout { standing: *standing, measure: Some(item.measure), figures: figures.clone() };
                    let own = Self { component: self.component, payout, reached: figures.clone() };
                    own.share(schedule, &figures)
                }
            };
            match score {
                Some(score) => present.push((weight, Node { label: format!("score of {name}"), ..score })),
                None => absent.push((weight, item)),
            }
        }
        if let (Missing::Error, Some((_, item))) = (missing, absent.first()) {
            let name = &standing.problem.plan.measures[item.measure].name;
            let period = &standing.problem.calendar.periods()[standing.period].name;
            let message = format!("{} has no measurement of `{name}` in {period}", standing.payee().id);
            let fault = Diagnostic::error(Code::SPM406, message).at(Place::Text(item.place.clone()), "");
            return Err(fault.hint("complete the extract, or say `missing = \"zero\"`, \"proportional\", \"equal\" or \"target\""));
        }
        let lost: Rational = absent.iter().map(|(weight, _)| &weight.value).sum();
        let kept: Rational = present.iter().map(|(weight, _)| &weight.value).sum();
        let count = i64::try_from(present.len()).unwrap_or(1);
        let reweighted = |weight: Node| match missing {
            Missing::Proportional if !lost.is_zero() && !kept.is_zero() => {
                let all = Node::input("all weights", Unit::Percent, &lost + &kept);
                let kept = Node::input("weights with a measurement", Unit::Percent, kept.clone());
                let factor = Node::computed("shared out", Unit::Number, Operation::Quotient, vec![all, kept]);
                Node::computed(
                    "weight, with its part of the missing",
                    Unit::Percent,
                    Operation::Product,
                    vec![weight, factor],
                )
            }
            Missing::Equal if !lost.is_zero() => {
                let lost = Node::input("missing weight", Unit::Percent, lost.clone());
                let count = Node::input("among", Unit::Number, Rational::from(count));
                let part = Node::computed(
                    "part of the missing",
                    Unit::Percent,
                    Operation::Quotient,
                    vec![lost, count],
                );
                Node::computed(
                    "weight, with its part of the missing",
                    Unit::Percent,
                    Operation::Sum,
                    vec![weight, part],
                )
            }
            _ => weight,
        };
        let mut parts: Vec<Node> = present
            .into_iter()
            .map(|(weight, score)| {
                let children = vec![reweighted(weight), score];
                Node::computed("weight x score", Unit::Percent, Operation::Product, children)
            })
            .collect();
        if missing == Missing::Target {
            for (weight, _) in absent {
                let one = Node::input("no measurement: counts as 100 %", Unit::Percent, Rational::one());
                parts.push(Node::computed(
                    "weight x score",
                    Unit::Percent,
                    Operation::Product,
                    vec![weight, one],
                ));
            }
        }
        Ok(Node::computed("score", Unit::Percent, Operation::Sum, parts))
    }
}

/// The figures with the attainment capped: a measurement above goal x cap counts as that.
fn capped(component: &Component, figures: Figures) -> Figures {
    let (Some((cap, place)), Some(goal)) = (&component.attainment_cap, figures.usable_goal()) else {
        return figures;
    };
    let cap = Node::input("attainment counts up to", Unit::Percent, cap.clone()).citing(place);
    let unit = figures.measured.unit.clone();
    let most =
        Node::computed("measurement counts up to", unit.clone(), Operation::Product, vec![goal.clone(), cap]);
    let measured = Node::computed(
        "measurement that counts",
        unit,
        Operation::Minimum,
        vec![figures.measured.clone(), most],
    );
    Figures { measured, ..figures }
}
