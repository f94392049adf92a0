//! What cut a line of a statement or held it back, in words: a gate that is shut, a threshold, a cap, a part that waits.

use spm_core::engine::comp::{Earning, LineOf};
use spm_core::ground::money::Money;
use spm_core::ground::rational::Rational;
use spm_core::ground::trace::{Node, Operation, Unit};
use spm_core::plan::comp::{CompPlan, Component, Gate};

use super::statement::{money, percent};

/// How many single transactions are told of.
const TOLD: usize = 5;

/// Sentences about a line, most of all about what it was not paid.
pub fn words(plan: &CompPlan, line: &Earning) -> Vec<String> {
    let currency = &plan.currency;
    let amount = |amount: &Money| format!("{} {currency}", money(&amount.exact(), currency.decimals()));
    let component = match line.of {
        LineOf::Component(index) => Some(&plan.components[index]),
        LineOf::Cap | LineOf::Guarantee => None,
    };
    let mut told = Told { plan, component, sentences: vec![] };
    told.visit(&line.trace, None);
    let mut sentences = told.sentences;
    sentences.dedup();
    let more = sentences.len().saturating_sub(TOLD);
    sentences.truncate(TOLD);
    if more > 0 {
        sentences.push(format!("{more} more of these: see how it was calculated."));
    }
    if line.carried.is_positive() {
        let carried = money(&line.carried, currency.decimals());
        sentences.push(format!(
            "{carried} {currency} is above the cap and is carried to later periods of the year that have room."
        ));
    }
    let releases = component.map_or(&[][..], |component| component.releases.as_slice());
    for ((_, event), part) in releases.iter().zip(&line.releases) {
        if event != "booking" && part.minor_units != 0 {
            sentences.push(format!("{} of it is held until its event: {event}.", amount(part)));
        }
    }
    sentences
}

struct Told<'p> {
    plan: &'p CompPlan,
    component: Option<&'p Component>,
    sentences: Vec<String>,
}

impl Told<'_> {
    /// Looks through what a value comes from. What was earned before is of another period, and was told there.
    fn visit(&mut self, node: &Node, deal: Option<&str>) {
        let deal = match node.label.strip_prefix("transaction ") {
            Some(id) if !node.children.is_empty() => Some(id),
            _ => deal,
        };
        let now = match node.operation {
            Operation::Difference => &node.children[..1],
            // A pay through a gate is there twice: as it is, and the part of it.
            Operation::Either | Operation::WhenReached | Operation::Minimum => &node.children[..1],
            _ => &node.children[..],
        };
        // In the order of the calculation: what comes first is deepest.
        now.iter().for_each(|child| self.visit(child, deal));
        let of = deal.map_or_else(String::new, |id| format!("Transaction {id}: "));
        if let Some(sentence) = self.sentence(node) {
            self.sentences.push(of + &sentence);
        }
    }

    fn sentence(&self, node: &Node) -> Option<String> {
        match (node.operation, node.children.as_slice()) {
            (Operation::Either, [pay, shut, value, level])
                if node.label == "through the gate"
                    && value.value < level.value
                    && pay.value != shut.value =>
            {
                let gate = self.gate(level);
                let later = match gate.is_some_and(|gate| gate.catch_up) {
                    true => " What is held back is paid when the gate opens in the same window.",
                    false => "",
                };
                Some(format!(
                    "The gate is shut: {}, so {} of {} is paid.{later}",
                    missing(&self.compared(gate), value, level),
                    shown(&shut.value, shut),
                    shown(&pay.value, pay)
                ))
            }
            (_, [pay, _]) if node.label == "gate shut: no goal" && pay.value != node.value => {
                let (paid, of) = (shown(&node.value, node), shown(&pay.value, pay));
                Some(format!(
                    "The gate is shut, because there is no goal to compare with: {paid} of {of} is paid."
                ))
            }
            (Operation::WhenReached, [pay, value, level])
                if value.value < level.value && !pay.value.is_zero() =>
            {
                let what = self.compared(None);
                Some(format!("Not reached: {}, so nothing is paid.", missing(&what, value, level)))
            }
            (Operation::Minimum, [pay, limit]) if pay.value > limit.value => match node.label.as_str() {
                "not more than the cap" => Some(format!(
                    "The cap of {} is reached: without it, it would be {}.",
                    shown(&limit.value, limit),
                    shown(&pay.value, pay)
                )),
                "measurement that counts" => Some(format!(
                    "{} counts of {}: the attainment is capped.",
                    shown(&limit.value, limit),
                    shown(&pay.value, pay)
                )),
                "within the budget" => Some(format!(
                    "The budget has {} left: without it, it would be {}.",
                    shown(&limit.value, limit),
                    shown(&pay.value, pay)
                )),
                _ => None,
            },
            (Operation::Input, _)
                if node.label == "held back before by the gate" && !node.value.is_zero() =>
            {
                Some(format!(
                    "The gate is open again: {} that it held back is paid.",
                    shown(&node.value, node)
                ))
            }
            (Operation::Input, _) if node.label == "carried from before" && !node.value.is_zero() => {
                Some(format!("{} was carried from before.", shown(&node.value, node)))
            }
            _ => None,
        }
    }

    /// The gate whose level it is.
    fn gate(&self, level: &Node) -> Option<&Gate> {
        let place = level.clause.as_ref()?;
        self.component?.gates.iter().find(|gate| gate.place == *place)
    }

    /// The name of the measure that a gate, or the component itself, looks at.
    fn compared(&self, gate: Option<&Gate>) -> String {
        let own = gate.and_then(|gate| gate.lookup.measure);
        let measure = own.or(self.component.and_then(|component| component.measure));
        measure.map_or_else(|| "it".to_owned(), |measure| self.plan.measures[measure].name.clone())
    }
}

fn missing(what: &str, value: &Node, level: &Node) -> String {
    let lacks = &level.value - &value.value;
    format!(
        "{what} is at {}, {} is needed ({} more)",
        shown(&value.value, value),
        shown(&level.value, level),
        shown(&lacks, level)
    )
}

/// A value in the unit of a node, for reading.
fn shown(value: &Rational, node: &Node) -> String {
    match &node.unit {
        Unit::Percent => percent(value),
        Unit::Number => {
            let text = money(value, 2);
            text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
        }
        Unit::Money(code) => {
            let decimals = spm_core::ground::money::Currency::from_code(code);
            format!("{} {code}", money(value, decimals.map_or(2, |currency| currency.decimals())))
        }
    }
}
