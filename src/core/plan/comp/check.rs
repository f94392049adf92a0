//! Credits, measures and components: raw to checked.

use super::{
    Aggregate, Component, CreditRule, Direct, Goal, Measure, Pay, Quantity, Rates, Recipient, Step, TierBase,
    TierMode, Window,
};
use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::source::{Place, TextPlace};
use crate::plan::contract::Type;
use crate::plan::expression::{Columns, Expression, check_typed};
use crate::plan::raw::Raw;

/// Names in order; a name used twice is a fault with both places.
pub(super) fn names_of(items: &[Raw], kind: &str, sink: &mut Sink) -> Vec<String> {
    let mut names: Vec<(String, TextPlace)> = Vec::new();
    for item in items {
        let Some(value) = item.get("name") else { continue };
        let name = value.as_text().unwrap_or_default();
        if let Some((_, first)) = names.iter().find(|(seen, _)| seen == name) {
            let fault = Diagnostic::error(Code::SPM009, format!("two {kind}s are named `{name}`"));
            let fault = fault
                .at(Place::Text(value.place.clone()), "this one")
                .at(Place::Text(first.clone()), "and this one");
            sink.push(fault.hint("give each its own name"));
        }
        names.push((name.to_owned(), value.place.clone()));
    }
    names.into_iter().map(|(name, _)| name).collect()
}

/// The check of one plan against the columns of the project.
pub(super) struct Check<'a> {
    pub(super) reps: Columns,
    pub(super) transactions: Columns,
    pub(super) faults: &'a mut Sink,
}

impl Check<'_> {
    pub(super) fn typed(&mut self, item: &Raw, columns: &Columns, kind: Type) -> Option<Expression> {
        check_typed(item.as_text()?, &item.place, columns, kind, self.faults)
    }

    fn contradiction(&mut self, item: &Raw, key: &str, message: String, hint: &str) {
        let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(item.key_place(key).clone()), "");
        self.faults.push(fault.hint(hint));
    }

    fn unknown(&mut self, value: &Raw, kind: &str, names: &[String]) {
        let name = value.as_text().unwrap_or_default();
        let fault = Diagnostic::error(Code::SPM010, format!("there is no {kind} `{name}`"))
            .at(Place::Text(value.place.clone()), "");
        self.faults.push(fault.hint(match suggestion(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the {kind}s are: {}", names.join(", ")),
        }));
    }

    pub(super) fn credit(&mut self, item: &Raw) -> Option<CreditRule> {
        let columns = self.transactions.clone();
        let condition = item.get("where").map(|value| self.typed(value, &columns, Type::Boolean));
        let amount = match item.get("amount") {
            Some(value) => self.typed(value, &columns, Type::Number),
            None => check_typed("amount", &item.get("name")?.place, &columns, Type::Number, self.faults),
        };
        let to = item.text("to").unwrap_or("rep");
        let role = item.text("role").map(str::to_owned);
        let of = item.text("of").unwrap_or("rep");
        let shared = |word: &str| matches!(word, "splits" | "overlays");
        if role.is_some() && !shared(to) && !(to == "managers" && shared(of)) {
            self.contradiction(
                item,
                "role",
                format!("`role` does not go with to = \"{to}\""),
                "use to = \"splits\" or \"overlays\"",
            );
        }
        for key in ["levels", "of"].into_iter().filter(|key| to != "managers" && item.get(key).is_some()) {
            self.contradiction(
                item,
                key,
                format!("`{key}` goes with to = \"managers\" only"),
                "remove it, or set to = \"managers\"",
            );
        }
        let direct = |word: &str| match word {
            "splits" => Direct::Splits(role.clone()),
            "overlays" => Direct::Overlays(role.clone()),
            "territory" => Direct::Territory,
            _ => Direct::Rep,
        };
        let recipient = if to == "managers" {
            let levels = item.integer("levels").and_then(|levels| usize::try_from(levels).ok());
            Recipient::Managers { of: direct(of), levels }
        } else {
            Recipient::Direct(direct(to))
        };
        Some(CreditRule {
            name: item.text("name")?.to_owned(),
            condition: condition.transpose_inner()?,
            amount: amount?,
            recipient,
            place: item.get("name")?.place.clone(),
        })
    }

    pub(super) fn measure(&mut self, item: &Raw, names: &[String]) -> Option<Measure> {
        let mut credits = Vec::new();
        for value in item.list("credits") {
            match names.iter().position(|name| Some(name.as_str()) == value.as_text()) {
                Some(index) if credits.contains(&index) => {
                    let message = format!("the credit `{}` is added up twice", names[index]);
                    self.faults.push(
                        Diagnostic::error(Code::SPM009, message).at(Place::Text(value.place.clone()), ""),
                    );
                }
                Some(index) => credits.push(index),
                None => self.unknown(value, "credit", names),
            }
        }
        let goal = item.get("goal").map(|goal| self.goal(goal));
        Some(Measure {
            name: item.text("name")?.to_owned(),
            credits,
            aggregate: if item.text("aggregate") == Some("count") {
                Aggregate::Count
            } else {
                Aggregate::Sum
            },
            window: match item.text("window") {
                Some("quarter-to-date") => Window::QuarterToDate,
                Some("year-to-date") => Window::YearToDate,
                _ => Window::Period,
            },
            goal: goal.transpose_inner()?,
            place: item.get("name")?.place.clone(),
        })
    }

    fn goal(&mut self, item: &Raw) -> Option<Goal> {
        let keys: Vec<&str> = item.entries().iter().map(|(key, _, _)| key.as_str()).collect();
        match keys.as_slice() {
            ["quota"] => Some(Goal::Quota(item.text("quota")?.to_owned())),
            ["amount"] => Some(Goal::Each(self.quantity(item.get("amount")?)?)),
            ["column"] => Some(Goal::Each(self.quantity(item)?)),
            _ => {
                let fault =
                    Diagnostic::error(Code::SPM304, "a goal has exactly one of `quota`, `amount`, `column`");
                self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
                None
            }
        }
    }

    fn quantity(&mut self, item: &Raw) -> Option<Quantity> {
        if let Some(number) = item.as_number() {
            return Some(Quantity::Fixed(number, item.place.clone()));
        }
        let value = item.get("column")?;
        let name = value.as_text()?;
        match self.reps.0.iter().find(|(column, _)| column == name) {
            Some((_, Type::Number)) => Some(Quantity::Column(name.to_owned(), value.place.clone())),
            Some((_, kind)) => {
                let message = format!("the column `{name}` of reps is a {}, not a number", kind.name());
                let fault = Diagnostic::error(Code::SPM203, message).at(Place::Text(value.place.clone()), "");
                self.faults.push(fault.hint("map it with type = \"number\" in spm.toml"));
                None
            }
            None => {
                let names: Vec<String> = self.reps.0.iter().map(|(name, _)| name.clone()).collect();
                self.unknown(value, "column of reps", &names);
                None
            }
        }
    }

    pub(super) fn component(
        &mut self,
        item: &Raw,
        names: &[String],
        measures: &[Measure],
    ) -> Option<Component> {
        let value = item.get("measure")?;
        let Some(position) = names.iter().position(|name| Some(name.as_str()) == value.as_text()) else {
            self.unknown(value, "measure", names);
            return None;
        };
        // The measure itself may have had a fault of its own, reported already.
        let measure = measures.iter().position(|measure| measure.name == names[position])?;
        let has_goal = measures[measure].goal.is_some();
        let pay = item.text("pay")?;
        self.keys_fit(item, pay);
        let rates = |check: &mut Self| check.rates(item, has_goal, pay);
        let pay = match pay {
            "per-unit" => Pay::PerUnit(rates(self)?),
            "target-share" => {
                let rates = rates(self);
                if !has_goal {
                    self.needs_goal(item, "pay");
                }
                let target = item.get("target").and_then(|target| self.quantity(target));
                Pay::TargetShare { target: target?, rates: rates? }
            }
            _ => {
                let amount = item.get("amount").and_then(|amount| self.quantity(amount));
                let at = item.get("at");
                Pay::Fixed { amount: amount?, at: (at?.as_number()?, at?.place.clone()) }
            }
        };
        let cap = item.get("cap").map(|cap| self.quantity(cap.get("amount")?));
        Some(Component {
            name: item.text("name")?.to_owned(),
            measure,
            pay,
            cap: cap.transpose_inner()?,
            place: item.get("name")?.place.clone(),
        })
    }

    fn keys_fit(&mut self, item: &Raw, pay: &str) {
        let (needed, allowed): (&[&str], &[&str]) = match pay {
            "per-unit" => (&[], &["rate", "tiers"]),
            "target-share" => (&["target"], &["rate", "tiers", "target"]),
            _ => (&["amount", "at"], &["amount", "at"]),
        };
        for key in ["rate", "tiers", "target", "amount", "at"] {
            if item.get(key).is_some() && !allowed.contains(&key) {
                self.contradiction(
                    item,
                    key,
                    format!("`{key}` does not go with pay = \"{pay}\""),
                    &format!("with it go: {}", allowed.join(", ")),
                );
            }
        }
        for key in needed.iter().filter(|key| item.get(key).is_none()) {
            let fault = Diagnostic::error(Code::SPM004, format!("pay = \"{pay}\" needs `{key}`"));
            self.faults.push(fault.at(Place::Text(item.key_place("pay").clone()), ""));
        }
    }

    fn needs_goal(&mut self, item: &Raw, key: &str) {
        let fault = Diagnostic::error(Code::SPM303, "attainment needs a goal, but the measure has none");
        let fault = fault.at(Place::Text(item.key_place(key).clone()), "");
        self.faults.push(fault.hint("add goal = { quota = \"...\" } to the measure"));
    }

    fn rates(&mut self, item: &Raw, has_goal: bool, pay: &str) -> Option<Rates> {
        match (item.get("rate"), item.get("tiers")) {
            (Some(rate), None) => Some(Rates::Flat(self.quantity(rate)?)),
            (None, Some(tiers)) => self.tiers(tiers, has_goal, pay),
            _ => {
                let message = format!("pay = \"{pay}\" needs either `rate` or `tiers`");
                self.contradiction(
                    item,
                    "pay",
                    message,
                    "rate = \"8%\" for one rate, tiers = { ... } for bands",
                );
                None
            }
        }
    }

    fn tiers(&mut self, item: &Raw, has_goal: bool, pay: &str) -> Option<Rates> {
        let on = if item.text("on")? == "attainment" { TierBase::Attainment } else { TierBase::Amount };
        let mode = match item.text("mode") {
            Some("whole") => TierMode::Whole,
            Some("whole-above-goal") => TierMode::WholeAboveGoal,
            _ => TierMode::Marginal,
        };
        if !has_goal && (on == TierBase::Attainment || mode == TierMode::WholeAboveGoal) {
            self.needs_goal(item, if on == TierBase::Attainment { "on" } else { "mode" });
        }
        if pay == "target-share" && on == TierBase::Amount {
            self.contradiction(
                item,
                "on",
                "target-share pays on attainment".to_owned(),
                "set on = \"attainment\"",
            );
        }
        let mut steps: Vec<Step> = Vec::new();
        for step in item.list("steps") {
            let (from, place) = (step.number("from")?, step.get("from")?.place.clone());
            let rate = self.quantity(step.get("rate")?)?;
            match steps.last() {
                None if !from.is_zero() => {
                    let fault = Diagnostic::error(Code::SPM301, "the first band does not start at 0")
                        .at(Place::Text(place.clone()), "");
                    let text = place.excerpt().trim_matches('"').to_owned();
                    self.faults.push(
                        fault.hint(format!(
                            "say what is paid below {text}: {{ from = \"0%\", rate = \"0%\" }}"
                        )),
                    );
                }
                Some(last) if last.from >= from => {
                    let fault =
                        Diagnostic::error(Code::SPM301, "this band does not start above the one before it");
                    let fault = fault
                        .at(Place::Text(place.clone()), "starts here")
                        .at(Place::Text(last.place.clone()), "the one before starts here");
                    self.faults.push(fault.hint("write the bands in ascending order, each `from` once"));
                }
                _ => {}
            }
            steps.push(Step { from, rate, place });
        }
        if steps.is_empty() {
            let fault = Diagnostic::error(Code::SPM301, "a tier table needs at least one band");
            self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
            return None;
        }
        Some(Rates::Tiers { mode, on, steps })
    }
}

/// `Some(None)` is a fault reported already, `None` an absent key.
trait TransposeInner<T> {
    fn transpose_inner(self) -> Option<Option<T>>;
}

impl<T> TransposeInner<T> for Option<Option<T>> {
    fn transpose_inner(self) -> Self {
        match self {
            None => Some(None),
            Some(Some(value)) => Some(Some(value)),
            Some(None) => None,
        }
    }
}
