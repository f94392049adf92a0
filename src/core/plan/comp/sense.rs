//! What a plan states that cannot be meant, or that would change nothing (floor 1).

use super::check::Check;
use super::{Aggregate, Base, CompPlan, Component, Lookup, MeasureSource, Multiplier, Pay, Schedule};
use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::raw::Raw;

impl Check<'_> {
    /// The parts, factors and limits of a component.
    pub(super) fn sensible(&mut self, item: &Raw) {
        for gate in item.list("gate") {
            if let Some(part) = gate.get("else") {
                self.nothing_to_all(part, "the part that a shut gate leaves");
            }
        }
        if let Some(weight) = item.get("weight") {
            self.at_most_all(weight, "a weight");
        }
        for objective in item.list("items") {
            if let Some(weight) = objective.get("weight") {
                self.at_most_all(weight, "a weight");
            }
        }
        for value in item.list("multiplier").iter().filter_map(|multiplier| multiplier.get("value")) {
            self.no_percentage(value, "a multiplier");
        }
        if let ("target-share", Some(rate)) = (item.text("pay").unwrap_or_default(), item.get("rate")) {
            self.no_percentage(rate, "a share of the target");
        }
        if let Some(cap) = item.get("cap") {
            if let Some(share) = cap.get("share") {
                self.not_negative(share, "a cap");
                self.no_percentage(share, "a cap");
            }
            if let Some(amount) = cap.get("amount") {
                self.not_negative(amount, "a cap");
            }
        }
        if let Some(budget) = item.get("budget") {
            self.not_negative(budget, "a budget");
        }
    }

    /// Warns of rates of 100 % and more of money that are written without `%`: 5 is 500 %.
    pub(super) fn rates_of_money(&mut self, item: &Raw, measure: Option<usize>) {
        let is_money = measure.is_some_and(|index| match &self.measures[index].source {
            MeasureSource::Credits(credits, aggregate) => {
                *aggregate != Aggregate::Count
                    && credits.iter().all(|credit| self.of_amounts.contains(credit))
            }
            _ => false,
        });
        if !is_money || item.text("pay") != Some("per-unit") {
            return;
        }
        let mut rates: Vec<&Raw> = item.get("rate").into_iter().collect();
        if let Some(tiers) = item.get("tiers") {
            rates.extend(tiers.list("steps").iter().filter_map(|step| step.get("rate")));
        }
        if let Some(curve) = item.get("curve") {
            rates.extend(curve.list("points").iter().filter_map(|point| point.get("pay")));
        }
        if let Some(matrix) = item.get("matrix") {
            rates.extend(matrix.list("cells").iter().flat_map(Raw::items));
            let sides = ["rows", "columns"].into_iter().filter_map(|side| matrix.get(side));
            rates.extend(sides.flat_map(|side| side.list("pay")));
        }
        for rate in rates {
            let Some((number, place)) = stated(rate) else { continue };
            if number >= Rational::one() && !place.excerpt().contains('%') {
                let message = format!("a rate of {number} pays {} of the amount", number.to_percent());
                let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(place.clone()), "");
                self.faults.push(fault.hint(format!(
                    "a percentage is written with its sign: \"{number}%\", or \"{}\" if that is meant",
                    number.to_percent()
                )));
            }
        }
    }

    /// Refuses a stated number below zero where it would be paid as a debt.
    pub(super) fn not_negative(&mut self, value: &Raw, what: &str) {
        let Some((number, place)) = stated(value) else { return };
        if number.is_negative() {
            let fault = Diagnostic::error(Code::SPM110, format!("{what} is zero or more"));
            let fault = fault.at(Place::Text(place.clone()), "");
            self.faults
                .push(fault.hint("whoever earns nothing would owe it: write the amount without its sign"));
        }
    }

    /// Refuses a part below zero or of more than all.
    fn nothing_to_all(&mut self, value: &Raw, what: &str) {
        let Some((number, place)) = stated(value) else { return };
        if number.is_negative() || number > Rational::one() {
            let message = format!("{what} is from 0% to 100%, not {}", number.to_percent());
            let fault = Diagnostic::error(Code::SPM110, message).at(Place::Text(place.clone()), "");
            self.faults.push(fault.hint("write the part that is still paid: \"50%\""));
        }
    }

    /// Warns of a part of more than all: 60 is 6,000 %.
    pub(super) fn at_most_all(&mut self, value: &Raw, what: &str) {
        let Some((number, place)) = stated(value) else { return };
        if number > Rational::one() {
            let message = format!("{what} of {} is more than all of it", number.to_percent());
            let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(place.clone()), "");
            self.faults.push(fault.hint("a percentage is written with its sign: \"60%\", or as \"0.6\""));
        }
    }

    /// Warns of a factor that is a whole number where a percentage is meant: 125 is 12,500 %.
    fn no_percentage(&mut self, value: &Raw, what: &str) {
        let Some((number, place)) = stated(value) else { return };
        if number >= Rational::from(10i64) && !place.excerpt().contains('%') {
            let message = format!("{what} of {number} is {}", number.to_percent());
            let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(place.clone()), "");
            self.faults.push(fault.hint(format!("write \"{number}%\" if that is meant; \"1\" is 100 %")));
        }
    }
}

/// A number of the plan and its place, alone or as the `amount` of a table.
fn stated(value: &Raw) -> Option<(Rational, &TextPlace)> {
    let value = value.get("amount").unwrap_or(value);
    Some((value.as_number()?, &value.place))
}

impl CompPlan {
    /// `accelerators = false` is about bands that start at 100 % or above: refused where a curve or matrix would pay more during
    /// the ramp all the same, and told where there are no such bands.
    pub(super) fn ramps_do_something(&self, sink: &mut Sink) {
        for (index, ramp) in self.ramps.iter().enumerate().filter(|(_, ramp)| !ramp.accelerators) {
            let ramped = |measure: Option<usize>| {
                let goal = measure.and_then(|measure| self.measures[measure].goal.as_ref());
                goal.is_some_and(|goal| goal.ramp == Some(index))
            };
            let mut any = false;
            for component in &self.components {
                let (bands, lines) = looked_up(component);
                any |= bands.into_iter().any(ramped);
                if !lines.into_iter().any(ramped) {
                    continue;
                }
                any = true;
                let message = format!(
                    "accelerators = false is about tiers, but `{}` pays by a curve or matrix on the attainment of the ramp `{}`",
                    component.name, ramp.name
                );
                let fault = Diagnostic::error(Code::SPM304, message);
                let fault = fault
                    .at(Place::Text(component.place.clone()), "would pay its higher values during the ramp")
                    .at(Place::Text(ramp.place.clone()), "the ramp");
                sink.push(
                    fault.hint("write the curve as tiers, or give its measure a ramp without `accelerators`"),
                );
            }
            if !any {
                let message = format!(
                    "accelerators = false of the ramp `{}` changes nothing: no tiers are on the attainment of a measure with it",
                    ramp.name
                );
                let fault = Diagnostic::warning(Code::SPM302, message);
                let fault = fault.at(Place::Text(ramp.place.clone()), "");
                sink.push(fault.hint(
                    "it leaves out bands from 100 % on: set on = \"attainment\" in the tiers, or remove it",
                ));
            }
        }
    }
}

/// The measures whose attainment a component compares with bands, and those that it compares with curves and matrices.
fn looked_up(component: &Component) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let (mut bands, mut lines) = (vec![], vec![]);
    let mut of = |lookup: &Lookup, own: Option<usize>, is_band: bool| {
        if lookup.on == Base::Attainment {
            let all = if is_band { &mut bands } else { &mut lines };
            all.push(lookup.measure.or(own));
        }
    };
    let mut schedules: Vec<(&Schedule, Option<usize>)> = vec![];
    match &component.pay {
        Pay::PerUnit(schedule) | Pay::Table(schedule) | Pay::TargetShare { schedule, .. } => {
            schedules.push((schedule, component.measure));
        }
        Pay::Scorecard { items, .. } => {
            let own = items.iter().filter_map(|item| Some((item.schedule.as_ref()?, Some(item.measure))));
            schedules.extend(own);
        }
        Pay::Fixed { .. } | Pay::Formula(..) | Pay::Rank { .. } | Pay::Pool { .. } => {}
    }
    for (schedule, own) in schedules {
        match schedule {
            Schedule::Flat(_) => {}
            Schedule::Tiers(tiers) => of(&tiers.lookup, own, true),
            Schedule::Curve(curve) => of(&curve.lookup, own, false),
            Schedule::Matrix(matrix) => {
                of(&matrix.rows.0, own, false);
                of(&matrix.columns.0, own, false);
            }
        }
    }
    for multiplier in &component.multipliers {
        if let Multiplier::Curve(curve, _) = multiplier {
            of(&curve.lookup, component.measure, false);
        }
    }
    (bands, lines)
}
