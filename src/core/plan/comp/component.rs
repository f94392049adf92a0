//! Components and their schedules: raw to checked.

use super::check::{Check, TransposeInner, group};
use super::{
    Axis, Base, Cap, CapAmount, CapPer, Component, Curve, Gate, Item, Lookup, Matrix, MatrixMode, Missing,
    Multiplier, Outside, Pay, QuantityFrom, Schedule, Step, Team, Threshold, TierMode, Tiers, Window,
};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::raw::Raw;

/// Keys of a component that belong to some ways of paying only, and what each way needs and allows.
const OWN_KEYS: [&str; 13] = [
    "rate", "tiers", "curve", "matrix", "target", "amount", "at", "sql", "items", "missing", "prizes",
    "team", "by",
];

fn keys_of(pay: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match pay {
        "per-unit" => (&[], &["rate", "tiers", "curve", "matrix"]),
        "target-share" => (&["target"], &["rate", "tiers", "curve", "matrix", "target"]),
        "fixed" => (&[], &["amount", "at", "tiers", "curve", "matrix"]),
        "formula" => (&["sql"], &["sql"]),
        "scorecard" => (&["target", "items"], &["target", "items", "missing"]),
        "rank" => (&["prizes"], &["prizes", "team", "at"]),
        _ => (&["amount"], &["amount", "team", "by"]),
    }
}

impl Check<'_> {
    pub(super) fn component(&mut self, item: &Raw) -> Option<Component> {
        let pay = item.text("pay")?;
        self.looked_at.clear();
        self.keys_fit(item, pay);
        let needs_measure = !matches!(pay, "formula" | "scorecard");
        let measure = item.get("measure").map(|value| self.find_measure(value));
        let measure = measure.transpose_inner()?;
        let equal_pool = pay == "pool" && item.text("by") != Some("measure");
        if needs_measure && measure.is_none() && !equal_pool {
            let fault = Diagnostic::error(Code::SPM004, format!("pay = \"{pay}\" needs `measure`"));
            self.faults.push(fault.at(Place::Text(item.key_place("pay").clone()), ""));
            return None;
        }
        let paid = self.pay(item, pay, measure);
        let window = match (measure, &paid) {
            (Some(measure), _) => Some(self.measures[measure].window),
            (None, Some(paid)) => self.window_without_measure(item, paid),
            (None, None) => None,
        };
        if let (Some(window), Some(paid)) = (window, &paid) {
            self.window_fits(item, window);
            self.pool_fits(item, paid, window);
        }
        let threshold = item.get("threshold").map(|value| self.threshold(value, measure));
        let multipliers: Vec<Option<Multiplier>> =
            item.list("multiplier").iter().map(|value| self.multiplier(value, measure)).collect();
        let gates: Vec<Option<Gate>> =
            item.list("gate").iter().map(|value| self.gate(value, measure)).collect();
        let weight = item.get("weight").map(|value| self.timeless(value));
        let has_target = matches!(pay, "target-share" | "scorecard");
        let cap = item.get("cap").map(|value| self.cap(value, window, has_target));
        let releases = self.releases(item);
        let attainment_cap = item.get("attainment_cap");
        let no_attainment = matches!(pay, "formula" | "scorecard" | "rank" | "pool");
        if attainment_cap.is_some() && no_attainment {
            let message = format!("`attainment_cap` does not go with pay = \"{pay}\"");
            let hint = "it caps what rates, tables and amounts are paid on: write the limit into the sql of the formula or of a measure";
            self.contradiction(item, "attainment_cap", message, hint);
        } else if attainment_cap.is_some() && measure.is_none_or(|index| self.measures[index].goal.is_none())
        {
            self.needs_goal(item, "attainment_cap");
        }
        let budget = item.get("budget");
        if budget.is_some() && window.is_some_and(|window| window != Window::Transaction) {
            let message = "`budget` is spent transaction by transaction".to_owned();
            self.contradiction(item, "budget", message, "set window = \"transaction\" in the measure");
        }
        let by_goal = measure.is_some_and(|index| self.measures[index].goal.is_some());
        if by_goal && matches!(pay, "fixed" | "rank") {
            self.shares_of_goal(item.get("at").into_iter());
        }
        self.shares_of_goal(attainment_cap.into_iter());
        let every = self.every(item, measure, paid.as_ref());
        let stated = |item: &Raw| Some((item.as_number()?, item.place.clone()));
        if let (
            Some(
                Pay::PerUnit(Schedule::Tiers(tiers))
                | Pay::TargetShare { schedule: Schedule::Tiers(tiers), .. },
            ),
            Some(cap),
        ) = (&paid, attainment_cap)
        {
            self.unreachable_bands(item, tiers, cap);
        }
        self.sensible(item);
        self.rates_of_money(item, measure);
        let looked_at = std::mem::take(&mut self.looked_at);
        self.earned_later(item, &looked_at);
        Some(Component {
            name: item.text("name")?.to_owned(),
            measure,
            window: window?,
            every,
            employed: item.boolean("employed").unwrap_or(false),
            pay: paid?,
            threshold: threshold.transpose_inner()?,
            multipliers: multipliers.into_iter().collect::<Option<_>>()?,
            gates: gates.into_iter().collect::<Option<_>>()?,
            weight: weight.transpose_inner()?,
            attainment_cap: attainment_cap.and_then(stated),
            cap: cap.transpose_inner()?,
            budget: budget.and_then(stated),
            releases: releases?,
            place: item.get("name")?.place.clone(),
        })
    }

    /// Warns of boundaries of an attainment that are whole numbers where a percentage is meant: 50 is 5,000 %.
    pub(super) fn shares_of_goal<'r>(&mut self, values: impl Iterator<Item = &'r Raw>) {
        let large = |value: &&Raw| {
            value.as_number().is_some_and(|number| number >= Rational::from(10i64))
                && !value.place.excerpt().contains('%')
        };
        for value in values.filter(large) {
            let number = value.as_number().unwrap_or_default();
            let message = format!("an attainment of {number} is {}", number.to_percent());
            let fault = Diagnostic::warning(Code::SPM110, message).at(Place::Text(value.place.clone()), "");
            self.faults.push(fault.hint(format!("write \"{number}%\" if that is meant; \"1\" is 100 %")));
        }
    }

    /// Bands that start above the attainment that counts pay nobody.
    fn unreachable_bands(&mut self, item: &Raw, tiers: &Tiers, cap: &Raw) {
        let Some(most) = cap.as_number() else { return };
        let own = tiers.lookup.on == Base::Attainment && tiers.lookup.measure.is_none();
        let steps = item.get("tiers").map_or(&[][..], |tiers| tiers.list("steps"));
        for (_, raw) in tiers.steps.iter().zip(steps).filter(|(step, _)| own && step.from > most) {
            let message = format!("nothing reaches this band: attainment counts up to {}", most.to_percent());
            let fault = Diagnostic::warning(Code::SPM302, message)
                .at(Place::Text(raw.place.clone()), "")
                .at(Place::Text(cap.place.clone()), "by this");
            self.faults.push(fault.hint("raise attainment_cap, or remove the band"));
        }
    }

    /// How often it pays. What it pays on has to reach as far back, or the periods between would be lost.
    fn every(&mut self, item: &Raw, measure: Option<usize>, pay: Option<&Pay>) -> Group {
        let every = item.text("every").and_then(group).unwrap_or_default();
        let reaches = |window: &Window| match window {
            Window::YearToDate | Window::Rolling(_) => true,
            Window::QuarterToDate => every != Group::Year,
            Window::Period | Window::Transaction => every == Group::Period,
        };
        let windows = match self.window_of(measure) {
            Some(window) => vec![window],
            None => pay.map(|pay| self.windows_behind(pay)).unwrap_or_default(),
        };
        if !windows.iter().all(reaches) {
            let word = item.text("every").unwrap_or_default();
            let what = if measure.is_some() { "the measure looks" } else { "a measure that it names looks" };
            let message = format!("every = \"{word}\", but {what} at less than a {word}");
            let window = format!("set window = \"{word}-to-date\" in the measures of credits");
            self.contradiction(item, "every", message, &window);
        }
        every
    }

    fn window_of(&self, measure: Option<usize>) -> Option<Window> {
        measure.map(|index| self.measures[index].window)
    }

    fn find_measure(&mut self, value: &Raw) -> Option<usize> {
        let found = self.measure_names.iter().position(|name| Some(name.as_str()) == value.as_text());
        match found {
            Some(index) => {
                self.used.insert(index);
                self.looked_at.push(index);
                Some(index)
            }
            None => {
                let names = self.measure_names.clone();
                self.unknown(value, "measure", &names);
                None
            }
        }
    }

    fn keys_fit(&mut self, item: &Raw, pay: &str) {
        let (needed, allowed) = keys_of(pay);
        for key in OWN_KEYS.iter().filter(|key| item.get(key).is_some() && !allowed.contains(key)) {
            self.contradiction(
                item,
                key,
                format!("`{key}` does not go with pay = \"{pay}\""),
                &format!("with it go: {}", allowed.join(", ")),
            );
        }
        for key in needed.iter().filter(|key| item.get(key).is_none()) {
            let fault = Diagnostic::error(Code::SPM004, format!("pay = \"{pay}\" needs `{key}`"));
            self.faults.push(fault.at(Place::Text(item.key_place("pay").clone()), ""));
        }
    }

    fn pay(&mut self, item: &Raw, pay: &str, measure: Option<usize>) -> Option<Pay> {
        let stated = |item: &Raw| Some((item.as_number()?, item.place.clone()));
        let team = |check: &mut Self| match item.get("team") {
            Some(team) => check.team(team),
            None => Some(Team::All),
        };
        match pay {
            "per-unit" => Some(Pay::PerUnit(self.schedule(item, pay, measure)?)),
            "target-share" => {
                let schedule = self.schedule(item, pay, measure);
                if measure.is_some_and(|index| self.measures[index].goal.is_none())
                    && !matches!(schedule, Some(Schedule::Curve(_) | Schedule::Matrix(_)))
                {
                    self.needs_goal(item, "pay");
                }
                let target = item.get("target").and_then(|target| self.quantity(target));
                Some(Pay::TargetShare { target: target?, schedule: schedule? })
            }
            "fixed" => match (item.get("amount"), item.get("at")) {
                (Some(amount), Some(at)) => {
                    Some(Pay::Fixed { amount: self.timeless(amount)?, at: stated(at)? })
                }
                (None, None) => Some(Pay::Table(self.schedule(item, pay, measure)?)),
                _ => {
                    let message =
                        "pay = \"fixed\" needs `amount` and `at`, or one of tiers, curve, matrix".to_owned();
                    self.contradiction(
                        item,
                        "pay",
                        message,
                        "amount = \"500\", at = \"100%\" is a bonus at goal",
                    );
                    None
                }
            },
            "formula" => {
                let sql = item.get("sql")?;
                Some(Pay::Formula(self.formula(sql, true)?, sql.place.clone()))
            }
            "scorecard" => {
                let items: Vec<Option<Item>> =
                    item.list("items").iter().map(|value| self.item(value)).collect();
                self.weights_total(item, &items);
                Some(Pay::Scorecard {
                    target: self.quantity(item.get("target")?)?,
                    items: items.into_iter().collect::<Option<_>>()?,
                    missing: match item.text("missing") {
                        Some("proportional") => Missing::Proportional,
                        Some("equal") => Missing::Equal,
                        Some("zero") => Missing::Zero,
                        Some("target") => Missing::Target,
                        _ => Missing::Error,
                    },
                })
            }
            "rank" => {
                let prizes: Vec<_> = item.list("prizes").iter().map(|prize| self.timeless(prize)).collect();
                Some(Pay::Rank {
                    prizes: prizes.into_iter().collect::<Option<_>>()?,
                    at: item.get("at").and_then(stated),
                    team: team(self)?,
                })
            }
            _ => Some(Pay::Pool {
                amount: self.timeless(item.get("amount")?)?,
                by_measure: item.text("by") == Some("measure"),
                team: team(self)?,
            }),
        }
    }

    /// Warns of stated weights that leave a part of the target to nobody, or pay more than it.
    fn weights_total(&mut self, item: &Raw, items: &[Option<Item>]) {
        let stated = items.iter().map(|item| match &item.as_ref()?.weight.value {
            QuantityFrom::Fixed(weight) => Some(weight.clone()),
            _ => None,
        });
        let Some(weights) = stated.collect::<Option<Vec<Rational>>>() else { return };
        let total: Rational = weights.iter().sum();
        if total != Rational::one() {
            let message = format!("the weights of `items` total {}", total.to_percent());
            let fault = Diagnostic::warning(Code::SPM304, message);
            let fault = fault.at(Place::Text(item.key_place("items").clone()), "");
            self.faults.push(
                fault.hint("at 100 % of every objective, that part of the target is paid: usually 100 %"),
            );
        }
    }

    fn item(&mut self, item: &Raw) -> Option<Item> {
        let measure = self.find_measure(item.get("measure")?)?;
        if self.measures[measure].goal.is_none() && item.get("curve").is_none() {
            self.needs_goal(item, "measure");
        }
        let own = ["rate", "tiers", "curve"].iter().any(|key| item.get(key).is_some());
        let schedule = if own { Some(self.schedule(item, "target-share", Some(measure))?) } else { None };
        let weight = self.timeless(item.get("weight")?)?;
        Some(Item { measure, weight, schedule, place: item.get("measure")?.place.clone() })
    }

    fn needs_goal(&mut self, item: &Raw, key: &str) {
        let fault = Diagnostic::error(Code::SPM303, "attainment needs a goal, but the measure has none");
        let fault = fault.at(Place::Text(item.key_place(key).clone()), "");
        self.faults.push(fault.hint("add goal = { quota = \"...\" } to the measure"));
    }

    fn schedule(&mut self, item: &Raw, pay: &str, measure: Option<usize>) -> Option<Schedule> {
        let keys: Vec<&str> =
            ["rate", "tiers", "curve", "matrix"].into_iter().filter(|key| item.get(key).is_some()).collect();
        match keys.as_slice() {
            ["rate"] => Some(Schedule::Flat(self.timeless(item.get("rate")?)?)),
            ["tiers"] => self.tiers(item.get("tiers")?, pay, measure),
            ["curve"] => Some(Schedule::Curve(self.curve(item.get("curve")?, measure)?)),
            ["matrix"] => self.matrix(item.get("matrix")?, measure),
            _ => {
                let message = format!("pay = \"{pay}\" needs exactly one of rate, tiers, curve, matrix");
                self.contradiction(
                    item,
                    "pay",
                    message,
                    "rate = \"8%\" for one rate, tiers = { ... } for bands, curve = { ... } for a payout curve",
                );
                None
            }
        }
    }

    /// What a table is compared with: `on` and `measure`, by default the component's own.
    fn lookup(&mut self, item: &Raw, own: Option<usize>) -> Option<Lookup> {
        let measure = item.get("measure").map(|value| self.find_measure(value)).transpose_inner()?;
        let Some(looked) = measure.or(own) else {
            let fault = Diagnostic::error(Code::SPM004, "which measure is compared? add `measure`");
            self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
            return None;
        };
        let has_goal = self.measures[looked].goal.is_some();
        let on = match item.text("on") {
            Some("amount") => Base::Amount,
            Some("attainment") => Base::Attainment,
            Some("lookup") => Base::Lookup,
            _ if has_goal => Base::Attainment,
            _ => Base::Amount,
        };
        if on == Base::Attainment && !has_goal {
            self.needs_goal(item, "on");
        }
        if on == Base::Lookup && (self.window_of(own) != Some(Window::Transaction) || measure.is_some()) {
            let message = "on = \"lookup\" compares the second number of single transactions".to_owned();
            self.contradiction(
                item,
                "on",
                message,
                "set window = \"transaction\" in the measure and `lookup` in its credits",
            );
        } else if on == Base::Lookup {
            self.has_lookups(looked, &item.key_place("on").clone());
        }
        Some(Lookup { measure, on })
    }

    fn tiers(&mut self, item: &Raw, pay: &str, own: Option<usize>) -> Option<Schedule> {
        let lookup = self.lookup(item, own)?;
        let mode = match item.text("mode") {
            // The band reached pays its amount; refused when something else is said.
            _ if pay == "fixed" => TierMode::Whole,
            Some("whole") => TierMode::Whole,
            Some("whole-above-goal") => TierMode::WholeAboveGoal,
            Some("proportional-amount") => TierMode::ProportionalAmount,
            Some("proportional-rate") => TierMode::ProportionalRate,
            _ => TierMode::Marginal,
        };
        if pay == "fixed" && item.text("mode").is_some_and(|mode| mode != "whole") {
            let message = "with pay = \"fixed\" the band reached pays its amount, so `mode` says nothing";
            let hint = "remove it; pay = \"per-unit\" with mode = \"proportional-amount\" adds up the amounts of full bands";
            self.contradiction(item, "mode", message.to_owned(), hint);
        }
        if mode == TierMode::WholeAboveGoal && own.is_some_and(|index| self.measures[index].goal.is_none()) {
            self.needs_goal(item, "mode");
        }
        if mode != TierMode::Whole && (lookup.measure.is_some() || lookup.on == Base::Lookup) {
            let message = "bands cut the component's own measure, so they are compared with it".to_owned();
            self.contradiction(
                item,
                "on",
                message,
                "set mode = \"whole\" to look a rate up with another number",
            );
        }
        if pay == "target-share" && lookup.on == Base::Amount && lookup.measure.is_none() {
            let message = "target-share pays on attainment".to_owned();
            self.contradiction(item, "on", message, "set on = \"attainment\"");
        }
        let amounts = mode == TierMode::ProportionalAmount || pay == "fixed";
        let steps = self.steps(item, if amounts { "amount" } else { "rate" })?;
        let proportional = matches!(mode, TierMode::ProportionalAmount | TierMode::ProportionalRate);
        if proportional && steps.last().is_some_and(|step| step.to.is_none()) {
            let message = "the last band of a proportional mode needs `to`".to_owned();
            self.contradiction(item, "steps", message, "say where the band is full");
        }
        if lookup.on == Base::Attainment {
            let own = item.list("steps").iter().flat_map(|step| [step.get("from"), step.get("to")]);
            self.shares_of_goal(own.flatten());
        }
        let lower = item.text("boundary") == Some("lower");
        Some(Schedule::Tiers(Tiers { mode, lookup, lower, steps }))
    }

    fn steps(&mut self, item: &Raw, key: &str) -> Option<Vec<Step>> {
        let mut steps: Vec<Step> = Vec::new();
        for step in item.list("steps") {
            let (from, place) = (step.number("from")?, step.get("from")?.place.clone());
            let Some(value) = step.get(key) else {
                let fault = Diagnostic::error(Code::SPM004, format!("this band needs `{key}`"));
                self.faults.push(fault.at(Place::Text(place), ""));
                return None;
            };
            let other = if key == "rate" { "amount" } else { "rate" };
            if step.get(other).is_some() {
                let message = format!("this table has bands with `{key}`, not `{other}`");
                self.contradiction(step, other, message, &format!("write {key} = \"...\""));
            }
            let rate = self.timeless(value)?;
            self.follows(steps.last(), &from, (&place, key));
            steps.push(Step { to: step.number("to"), from, rate, place });
        }
        if steps.is_empty() {
            let fault = Diagnostic::error(Code::SPM301, "a tier table needs at least one band");
            self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
            return None;
        }
        for index in 1..steps.len() {
            let next = steps[index].from.clone();
            steps[index - 1].to = Some(next);
        }
        Some(steps)
    }

    fn follows(&mut self, last: Option<&Step>, from: &Rational, (place, key): (&TextPlace, &str)) {
        let Some(last) = last else {
            if !from.is_zero() {
                let fault = Diagnostic::error(Code::SPM301, "the first band does not start at 0")
                    .at(Place::Text(place.clone()), "");
                let text = place.excerpt().trim_matches('"').to_owned();
                let zero = if text.contains('%') { "0%" } else { "0" };
                let nothing = if key == "rate" { "0%" } else { "0" };
                let hint =
                    format!("say what is paid below {text}: {{ from = \"{zero}\", {key} = \"{nothing}\" }}");
                self.faults.push(fault.hint(hint));
            }
            return;
        };
        let fault = |message: String| {
            Diagnostic::error(Code::SPM301, message)
                .at(Place::Text(place.clone()), "starts here")
                .at(Place::Text(last.place.clone()), "the one before starts here")
        };
        if last.from >= *from {
            let fault = fault("this band does not start above the one before it".to_owned());
            self.faults.push(fault.hint("write the bands in ascending order, each `from` once"));
        } else if let Some(to) = last.to.as_ref().filter(|to| *to != from) {
            let what = if to < from { "a gap before" } else { "an overlap with" };
            let fault = fault(format!(
                "there is {what} this band: the one before ends at {to}, this one starts at {from}"
            ));
            let hint = "bands are half-open: a band ends where the next one starts, and the boundary belongs to the higher one (100-125, 125-150; not 101-125)";
            self.faults.push(fault.hint(hint));
        }
    }

    fn curve(&mut self, item: &Raw, own: Option<usize>) -> Option<Curve> {
        let lookup = self.lookup(item, own)?;
        let steps = item.text("mode") == Some("step");
        let outside = |key: &str, otherwise: Outside| match item.text(key) {
            Some("zero") => Outside::Zero,
            Some("flat") => Outside::Flat,
            Some("extend") => Outside::Extend,
            _ => otherwise,
        };
        if !steps && item.get("beyond").is_none() {
            let fault = Diagnostic::error(Code::SPM004, "an interpolated curve needs `beyond`");
            let fault = fault.at(Place::Text(item.place.clone()), "");
            self.faults
                .push(fault.hint(
                    "say what is paid after the last point: beyond = \"flat\", \"extend\" or \"zero\"",
                ));
        }
        if lookup.on == Base::Attainment {
            self.shares_of_goal(item.list("points").iter().filter_map(|point| point.get("at")));
        }
        let mut points: Vec<(Rational, Rational, TextPlace)> = Vec::new();
        for point in item.list("points") {
            let (at, pay, place) =
                (point.number("at")?, point.number("pay")?, point.get("at")?.place.clone());
            let twice = points.iter().filter(|(before, _, _)| *before == at).count() > 1;
            if let Some((before, _, other)) = points.last()
                && (*before > at || twice)
            {
                let fault = Diagnostic::error(Code::SPM301, "this point is not after the one before it")
                    .at(Place::Text(place.clone()), "this one")
                    .at(Place::Text(other.clone()), "the one before");
                self.faults.push(
                    fault.hint("write the points in ascending order; two points at one place are a jump"),
                );
            }
            points.push((at, pay, place));
        }
        if points.is_empty() || (!steps && points.len() < 2) {
            let message = "a line needs two points, steps need one";
            let fault = Diagnostic::error(Code::SPM301, message);
            self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
            return None;
        }
        Some(Curve {
            lookup,
            steps,
            points,
            below: outside("below", Outside::Zero),
            beyond: outside("beyond", Outside::Flat),
        })
    }

    fn matrix(&mut self, item: &Raw, own: Option<usize>) -> Option<Schedule> {
        let mode = match item.text("mode") {
            Some("bilinear") => MatrixMode::Bilinear,
            Some("additive") => MatrixMode::Additive,
            _ => MatrixMode::Step,
        };
        let (rows, row_pay) = self.axis(item.get("rows")?, own, mode)?;
        let (columns, column_pay) = self.axis(item.get("columns")?, own, mode)?;
        let numbers = |raw: &Raw| raw.items().iter().filter_map(Raw::as_number).collect::<Vec<_>>();
        let cells: Vec<Vec<Rational>> = match item.get("cells") {
            Some(cells) if mode != MatrixMode::Additive => cells.items().iter().map(numbers).collect(),
            None if mode == MatrixMode::Additive => vec![row_pay, column_pay],
            _ => {
                let message =
                    "a matrix has `cells`, or with mode = \"additive\" `pay` in rows and columns".to_owned();
                self.contradiction(
                    item,
                    "cells",
                    message,
                    "cells = [[\"75%\", \"95%\"], [\"140%\", \"175%\"]]",
                );
                return None;
            }
        };
        let fits = cells.len() == rows.1.len() && cells.iter().all(|row| row.len() == columns.1.len());
        if mode != MatrixMode::Additive && !fits {
            let message = format!("the matrix needs {} rows of {} cells", rows.1.len(), columns.1.len());
            let fault = Diagnostic::error(Code::SPM301, message);
            self.faults.push(fault.at(Place::Text(item.key_place("cells").clone()), ""));
            return None;
        }
        Some(Schedule::Matrix(Matrix { mode, rows, columns, cells, place: item.place.clone() }))
    }

    fn axis(&mut self, item: &Raw, own: Option<usize>, mode: MatrixMode) -> Option<(Axis, Vec<Rational>)> {
        let lookup = self.lookup(item, own)?;
        if lookup.on == Base::Attainment {
            self.shares_of_goal(item.list("at").iter());
        }
        let numbers = |key: &str| item.list(key).iter().filter_map(Raw::as_number).collect::<Vec<_>>();
        let (at, pay) = (numbers("at"), numbers("pay"));
        let ascending = at.windows(2).all(|pair| pair[0] < pair[1]);
        let complete = if mode == MatrixMode::Additive { pay.len() == at.len() } else { pay.is_empty() };
        if at.is_empty() || !ascending || !complete {
            let message = if ascending {
                "`pay` goes with mode = \"additive\", one for each `at`"
            } else {
                "`at` does not ascend"
            };
            let fault = Diagnostic::error(Code::SPM301, message);
            self.faults.push(fault.at(Place::Text(item.key_place("at").clone()), ""));
            return None;
        }
        Some(((lookup, at), pay))
    }

    fn threshold(&mut self, item: &Raw, own: Option<usize>) -> Option<Threshold> {
        let lookup = self.lookup(item, own)?;
        if lookup.on == Base::Attainment {
            self.shares_of_goal(item.get("at").into_iter());
        }
        Some(Threshold {
            at: item.number("at")?,
            lookup,
            back_pay: item.boolean("back_pay")?,
            place: item.get("at")?.place.clone(),
        })
    }

    fn multiplier(&mut self, item: &Raw, own: Option<usize>) -> Option<Multiplier> {
        match (item.get("value"), item.get("curve")) {
            (Some(value), None) => Some(Multiplier::Value(self.timeless(value)?)),
            (None, Some(curve)) => Some(Multiplier::Curve(self.curve(curve, own)?, curve.place.clone())),
            _ => {
                let fault = Diagnostic::error(Code::SPM304, "a multiplier has either `value` or `curve`");
                self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
                None
            }
        }
    }

    fn gate(&mut self, item: &Raw, own: Option<usize>) -> Option<Gate> {
        let lookup = self.lookup(item, own)?;
        if lookup.on == Base::Attainment {
            self.shares_of_goal(item.get("at").into_iter());
        }
        Some(Gate {
            lookup,
            at: item.number("at")?,
            otherwise: item.number("else").unwrap_or_default(),
            catch_up: item.boolean("catch_up").unwrap_or(false),
            place: item.get("at")?.place.clone(),
        })
    }

    fn cap(&mut self, item: &Raw, window: Option<Window>, has_target: bool) -> Option<Cap> {
        let amount = match (item.get("amount"), item.get("share")) {
            (Some(amount), None) => CapAmount::Amount(self.timeless(amount)?),
            (None, Some(share)) if has_target => CapAmount::TargetShare(share.as_number()?),
            _ => {
                let message = "a cap has either `amount` or, where there is a target, `share`";
                let fault = Diagnostic::error(Code::SPM304, message);
                self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
                return None;
            }
        };
        let transaction = window == Some(Window::Transaction);
        let per = match item.text("per") {
            Some("period") => CapPer::Period,
            Some("year") => CapPer::Year,
            Some("transaction") if !transaction => {
                let message = "the measure does not keep transactions apart".to_owned();
                self.contradiction(item, "per", message, "set window = \"transaction\" in the measure");
                CapPer::Window
            }
            _ => CapPer::Window,
        };
        let carry = item.boolean("carry").unwrap_or(false);
        if carry && per != CapPer::Period {
            let message = "`carry` goes with per = \"period\"".to_owned();
            self.contradiction(item, "carry", message, "what is above a limit of the whole window is lost");
        }
        Some(Cap { amount, per, carry, place: item.place.clone() })
    }

    fn releases(&mut self, item: &Raw) -> Option<Vec<(Rational, String)>> {
        let parts: Vec<(Rational, String)> = item
            .list("release")
            .iter()
            .filter_map(|part| Some((part.number("share")?, part.text("on")?.to_owned())))
            .collect();
        let total: Rational = parts.iter().map(|(share, _)| share).sum();
        if !parts.is_empty() && total != Rational::one() {
            let message = format!("the parts of `release` total {}", total.to_percent());
            let fault = Diagnostic::error(Code::SPM304, message);
            self.faults.push(
                fault.at(Place::Text(item.key_place("release").clone()), "").hint("they must total 100 %"),
            );
            return None;
        }
        Some(parts)
    }
}
