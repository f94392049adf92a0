//! Why a line of one calculation is another one in a second calculation: what the two explanations rest on, and which
//! clauses of the two plans differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::ground::trace::{Node, Operation};
use crate::plan::comp::{
    CompPlan, CreditRule, MeasureSource, Multiplier, Pay, QuantityFrom, Schedule, Window,
};

/// What leaves of explanations say, by label: each value with the clause that states it.
type Leaves<'n> = BTreeMap<&'n str, Vec<(String, Option<String>)>>;

fn leaves<'n>(traces: &[&'n Node]) -> Leaves<'n> {
    let mut all = Leaves::new();
    for trace in traces {
        trace.walk(&mut |node, _| {
            if node.operation == Operation::Input {
                let clause = node.clause.as_ref().map(|clause| clause.clause());
                all.entry(node.label.as_str()).or_default().push((node.value_text(), clause));
            }
        });
    }
    all
}

/// What the explanations of a line rest on that is not the same, in words: what a clause of a plan states first.
#[must_use]
pub fn inputs(before: &[&Node], after: &[&Node]) -> Vec<String> {
    let (old, new) = (leaves(before), leaves(after));
    let labels: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let (mut stated, mut other) = (Vec::new(), Vec::new());
    for label in labels {
        let (mut gone, mut come): (Vec<_>, Vec<_>) =
            (old.get(label).cloned().unwrap_or_default(), new.get(label).cloned().unwrap_or_default());
        gone.retain(|(value, _)| match come.iter().position(|(other, _)| other == value) {
            Some(same) => {
                come.swap_remove(same);
                false
            }
            None => true,
        });
        for index in 0..gone.len().max(come.len()) {
            let (was, is) = (gone.get(index), come.get(index));
            let text = match (was, is) {
                (Some((was, _)), Some((is, _))) => format!("{label} is {is} instead of {was}"),
                (None, Some((is, _))) => format!("{label} is new: {is}"),
                (Some((was, _)), None) => format!("{label} is gone, it was {was}"),
                (None, None) => continue,
            };
            match is.or(was).and_then(|(_, clause)| clause.clone()) {
                Some(clause) => stated.push(format!("{text} ({clause})")),
                None => other.push(text),
            }
        }
    }
    stated.append(&mut other);
    stated.dedup();
    stated
}

/// The clauses of two plans, before the pay of a component, that differ and decide who and what counts for it.
#[must_use]
pub fn clauses(before: &CompPlan, after: &CompPlan, component: &str) -> Vec<String> {
    let mut all = Vec::new();
    if before.id != after.id {
        all.push(format!("plan {} instead of {}", after.id, before.id));
    }
    let of_plan = [
        ("eligible", before.eligible != after.eligible),
        ("effective", before.effective != after.effective),
        ("rounding", before.rounding != after.rounding),
        ("proration", before.proration != after.proration),
        ("conversion", before.conversion != after.conversion),
    ];
    let changed = of_plan.into_iter().filter(|(_, changed)| *changed);
    all.extend(changed.map(|(name, _)| format!("`{name}` of the plan was changed")));
    for name in credits_of(after, component) {
        let rule = |plan: &'_ CompPlan| plan.credits.iter().find(|rule| rule.name == name).cloned();
        if let (Some(old), Some(new)) = (rule(before), rule(after)) {
            let keys = changed_keys(&old, &new);
            if !keys.is_empty() {
                let clause = new.place.clause();
                all.push(format!("{} of the credit `{name}` was changed ({clause})", keys.join(", ")));
            }
        }
    }
    all
}

fn changed_keys(old: &CreditRule, new: &CreditRule) -> Vec<&'static str> {
    let keys = [
        ("`where`", old.condition != new.condition),
        ("`amount`", old.amount != new.amount),
        ("`lookup`", old.lookup != new.lookup),
        ("`share`", old.share != new.share),
        ("`quota_share`", old.quota_share != new.quota_share),
        ("`to`", old.recipient != new.recipient),
        ("`net_of_lower`", old.net_of_lower != new.net_of_lower),
        ("`effective`", old.effective != new.effective),
    ];
    keys.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

/// The measures that a component looks at: its own, those of its tables, gates and objectives, and those behind formulas.
#[must_use]
pub fn measures_of(plan: &CompPlan, component: &str) -> BTreeSet<usize> {
    let Some(component) = plan.components.iter().find(|own| own.name == component) else {
        // A line of the plan itself rests on all of them.
        return (0..plan.measures.len()).collect();
    };
    let mut found: BTreeSet<usize> = component.measure.into_iter().collect();
    let named = |columns: Vec<&str>| {
        let head = |name: &str| name.trim_end_matches(".goal").trim_end_matches(".attainment").to_owned();
        let names: Vec<String> = columns.into_iter().map(head).collect();
        let is = |index: &usize| names.contains(&plan.measures[*index].name);
        (0..plan.measures.len()).filter(is).collect::<Vec<usize>>()
    };
    match &component.pay {
        Pay::PerUnit(schedule) | Pay::TargetShare { schedule, .. } | Pay::Table(schedule) => {
            found.extend(looked_up(schedule));
        }
        Pay::Formula(formula, _) => found.extend(named(formula.columns())),
        Pay::Scorecard { items, .. } => found.extend(items.iter().map(|item| item.measure)),
        Pay::Pool { amount, .. } => {
            if let QuantityFrom::Formula(formula) = &amount.value {
                found.extend(named(formula.columns()));
            }
        }
        Pay::Fixed { .. } | Pay::Rank { .. } => {}
    }
    found.extend(component.gates.iter().filter_map(|gate| gate.lookup.measure));
    for multiplier in &component.multipliers {
        if let Multiplier::Curve(curve, _) = multiplier {
            found.extend(curve.lookup.measure);
        }
    }
    for index in (0..plan.measures.len()).rev() {
        if let (true, MeasureSource::Formula(formula, _)) =
            (found.contains(&index), &plan.measures[index].source)
        {
            found.extend(named(formula.columns()));
        }
    }
    found
}

/// The measures that a schedule is looked up with, beside the component's own.
fn looked_up(schedule: &Schedule) -> Vec<usize> {
    match schedule {
        Schedule::Flat(_) => vec![],
        Schedule::Tiers(tiers) => tiers.lookup.measure.into_iter().collect(),
        Schedule::Curve(curve) => curve.lookup.measure.into_iter().collect(),
        Schedule::Matrix(matrix) => {
            matrix.rows.0.measure.into_iter().chain(matrix.columns.0.measure).collect()
        }
    }
}

/// The credits that a component rests on, by name.
#[must_use]
pub fn credits_of<'p>(plan: &'p CompPlan, component: &str) -> BTreeSet<&'p str> {
    let measures = measures_of(plan, component);
    let rules = measures.iter().flat_map(|measure| plan.measures[*measure].credits());
    rules.map(|rule| plan.credits[*rule].name.as_str()).collect()
}

/// Whether a component looks back over its year, or only at the leaf period of its lines.
#[must_use]
pub fn looks_back(plan: &CompPlan, component: &str) -> bool {
    let measures = measures_of(plan, component);
    let short = |window: Window| matches!(window, Window::Transaction | Window::Period);
    measures.iter().any(|measure| !short(plan.measures[*measure].window))
}
