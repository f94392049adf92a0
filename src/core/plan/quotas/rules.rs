//! What of a quota plan goes together, each fault at its own line; and the lines of a plan (floor 1).

use std::collections::BTreeSet;

use super::check::Check;
use super::{History, LastQuota, Line, Potential, QuotaPlan, Season};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;
use crate::ground::source::Place;
use crate::plan::contract::Type;
use crate::plan::raw::Raw;

/// What separates a holder's name from those above it.
const SLASH: &str = " / ";

impl Check<'_> {
    /// Numbers without a meaning, and keys that another key is missing for.
    pub(super) fn rules(&mut self) {
        self.shares();
        self.seasons();
        self.idle();
        self.level_names();
    }

    /// The place of a key itself, not of its value.
    fn refuse(&mut self, table: &Raw, key: &str, code: Code, message: impl Into<String>, hint: &str) {
        let place = table.key_place(key).clone();
        self.fault(code, message, &place, hint);
    }

    /// Parts, growth and over-assignment.
    fn shares(&mut self) {
        let (raw, one) = (self.raw, Rational::one());
        for item in raw.list("ramp") {
            if item.as_number().is_some_and(|share| share.is_negative() || share > one) {
                self.fault(Code::SPM110, "a part of a ramp must be from 0% to 100%", &item.place, "");
            }
        }
        let over = || {
            let stated = ["over_assignment", "over_assignment_of"].into_iter();
            stated.flat_map(|key| raw.get(key).map_or(&[][..], Raw::entries))
        };
        for (level, place, item) in over() {
            if item.as_number().is_some_and(|share| share <= -one.clone()) {
                let message = format!("the over-assignment of `{level}` must be above -100%");
                let hint =
                    "\"-10%\" gives out a tenth less than the own quota; somebody has to carry something";
                self.fault(Code::SPM110, message, place, hint);
            }
        }
        // Somebody who meant 10 % wrote 10.
        let over = over().map(|(level, _, item)| (format!("the over-assignment of `{level}`"), item));
        let of = raw.get("growth_of").map_or(&[][..], Raw::entries).iter();
        let of = of.map(|(holder, _, item)| (format!("the growth of {holder}"), item));
        let lines = raw.list("line").iter().filter_map(|line| line.get("growth"));
        let growth = raw.get("growth").into_iter().chain(lines).map(|item| ("growth".to_owned(), item));
        for (what, item) in over.chain(of).chain(growth) {
            if let Some(share) = item.as_number().filter(|share| *share >= one) {
                let times = if share == one { "twice" } else { "more than twice" };
                let message = format!("{what} is {}: {times} as much", share.to_percent());
                let fault =
                    Diagnostic::warning(Code::SPM110, message).at(Place::Text(item.place.clone()), "");
                self.faults.push(fault.hint("a tenth is \"10%\" or 0.1"));
            }
        }
        let least = -one.clone();
        let of = raw.get("growth_of").map_or(&[][..], Raw::entries).iter();
        let stated = raw.get("growth").into_iter().chain(of.map(|(.., item)| item));
        let lines = raw.list("line").iter().filter_map(|line| line.get("growth"));
        for item in stated.chain(lines) {
            if item.as_number().is_some_and(|growth| growth < least) {
                let message = "growth must be -100% or more: nobody sells less than nothing";
                self.fault(Code::SPM110, message, &item.place, "");
            }
        }
        for lock in raw.list("lock") {
            if let Some(item) = lock.get("amount").filter(|item| is_negative(item)) {
                self.fault(Code::SPM110, "a locked quota must be zero or more", &item.place, "");
            }
        }
        for limit in raw.list("limit") {
            let (least, most) = (limit.get("least"), limit.get("most"));
            for item in [least, most].into_iter().flatten().filter(|item| is_negative(item)) {
                self.fault(Code::SPM110, "a limit must be zero or more", &item.place, "");
            }
            if let (Some(low), Some(high), Some(item)) = (limit.number("least"), limit.number("most"), most)
                && low > high
            {
                let message = format!(
                    "nobody can have at least {} and at most {}",
                    low.to_decimal_text(),
                    high.to_decimal_text()
                );
                self.fault(Code::SPM304, message, &item.place, "lower `least` or raise `most`");
            }
            if least.is_none() && most.is_none() {
                let message = "a limit needs `least` or `most`: this one would change nothing";
                self.fault(Code::SPM304, message, &limit.place, "state one of them");
            }
        }
        if let (Some(floor), Some(cap)) = (raw.number("floor"), raw.number("cap"))
            && floor > cap
        {
            let message = format!(
                "nobody can have at least {} and at most {} of their history",
                floor.to_percent(),
                cap.to_percent()
            );
            let mut fault = Diagnostic::error(Code::SPM304, message);
            for key in ["floor", "cap"] {
                fault = fault.at(Place::Text(raw.key_place(key).clone()), "");
            }
            self.faults.push(fault.hint("lower the floor or raise the cap"));
        }
    }

    /// Weights of periods.
    fn seasons(&mut self) {
        let raw = self.raw;
        let stated = matches!(raw.text("season"), None | Some("weights"));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut any = false;
        for phase in raw.list("phasing") {
            if let Some(item) =
                phase.get("period").filter(|item| !item.as_text().is_none_or(|name| seen.insert(name)))
            {
                let message = format!("the period {} occurs twice", item.as_text().unwrap_or_default());
                self.fault(Code::SPM009, message, &item.place, "keep one of the two");
            }
            let weight = phase.get("weight");
            any |= weight.and_then(Raw::as_number).is_none_or(|weight| weight.is_positive());
            if let Some(item) = weight.filter(|item| is_negative(item)) {
                self.fault(Code::SPM110, "a season weight must be zero or more", &item.place, "");
            }
            if weight.is_some() && !stated {
                let message =
                    format!("season = \"{}\" takes no `weight`", raw.text("season").unwrap_or_default());
                self.refuse(phase, "weight", Code::SPM304, message, "remove one of the two");
            }
            if phase.get("like").is_some() && raw.text("season") != Some("history") {
                let message = "`like` goes with season = \"history\"";
                self.refuse(phase, "like", Code::SPM304, message, "add it, or remove `like`");
            }
            for key in ["hires", "leavers"] {
                if phase.get(key).is_some() && raw.get("capacity").is_none() {
                    let message = format!("`{key}` goes with a table [capacity]");
                    let hint =
                        "people who are there are in the table reps; hires to come count in capacity only";
                    self.refuse(phase, key, Code::SPM304, message, hint);
                }
            }
        }
        if stated && !any && !raw.list("phasing").is_empty() {
            let message = "no period has a season weight above zero";
            self.refuse(raw, "phasing", Code::SPM110, message, "the year has to fall somewhere");
        }
        if raw.get("holidays").is_some() && raw.text("season") != Some("working-days") {
            let message = "`holidays` go with season = \"working-days\"";
            self.refuse(raw, "holidays", Code::SPM304, message, "add it, or remove them");
        }
        if raw.get("ramp").is_some() && raw.text("proration") != Some("time") {
            let message = "a ramp needs the days of hire to count";
            self.refuse(raw, "ramp", Code::SPM304, message, "add proration = \"time\"");
        }
    }

    /// Keys that would change nothing.
    fn idle(&mut self) {
        let raw = self.raw;
        let method = raw.text("method");
        let by_growth = matches!(method, None | Some("growth"))
            || (raw.get("total").is_none() && raw.get("history").is_some());
        let cases = [
            (
                "history_share",
                matches!(method, Some("weighted-share" | "last-quota")),
                "method = \"weighted-share\" or \"last-quota\"",
            ),
            ("weight", method == Some("weight"), "method = \"weight\""),
            ("growth", by_growth, "method = \"growth\", or a plan without `total`"),
            ("growth_of", by_growth, "method = \"growth\", or a plan without `total`"),
        ];
        for (key, used, with) in cases {
            if raw.get(key).is_some() && !used {
                let message = format!("`{key}` goes with {with}: here it would change nothing");
                self.refuse(raw, key, Code::SPM304, message, "remove it, or choose another method");
            }
        }
        if let Some(item) =
            raw.get("potential").filter(|item| item.get("value").is_some() && item.get("by").is_some())
        {
            let message = "`by` goes with `accounts`; a `value` over reps has its holder";
            self.refuse(item, "by", Code::SPM304, message, "remove `by`");
        }
    }

    /// Levels that the plan speaks of.
    fn level_names(&mut self) {
        let raw = self.raw;
        let mut levels = vec!["company"];
        if raw.get("line").is_some() {
            levels.push("line");
        }
        match raw.get("managers") {
            Some(_) => levels.push("manager"),
            None => levels.extend(raw.list("levels").iter().filter_map(Raw::as_text)),
        }
        let factors = raw.get("over_assignment").map_or(&[][..], Raw::entries).iter();
        let named = factors.map(|(level, place, _)| (level.as_str(), place));
        let kept = raw.get("adjust").and_then(|item| Some((item.as_text()?, &item.place)));
        for (level, place) in named.chain(kept) {
            if !levels.contains(&level) {
                let hint = format!("the levels that give out quota are {}", levels.join(", "));
                self.fault(Code::SPM010, format!("the hierarchy has no level `{level}`"), place, &hint);
            }
        }
        for item in raw.list("levels") {
            if matches!(item.as_text(), Some("company" | "salesperson"))
                || (raw.get("line").is_some() && item.as_text() == Some("line"))
            {
                let message = format!(
                    "`{}` is the name of a level that every hierarchy may have",
                    item.as_text().unwrap_or_default()
                );
                self.fault(
                    Code::SPM009,
                    message,
                    &item.place,
                    "map the column under another name in spm.toml",
                );
            }
        }
    }

    /// The lines of a plan. What would count the same for each of them has to be said by line.
    pub(super) fn lines(&mut self, plan: &QuotaPlan) -> Vec<Line> {
        let raw = self.raw;
        let items = raw.list("line");
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut measures: BTreeSet<String> = BTreeSet::from([plan.measure.clone()]);
        let mut lines = vec![];
        for item in items {
            let name = item.text("name").unwrap_or_default().to_owned();
            let measure = item.text("measure").unwrap_or(&name).to_owned();
            if name.is_empty() || name.contains(SLASH) {
                let message = "the name of a line has letters, and no slash between spaces";
                self.refuse(item, "name", Code::SPM008, message, "");
            }
            let key = if item.get("measure").is_some() { "measure" } else { "name" };
            if !names.insert(name.clone()) {
                self.refuse(
                    item,
                    "name",
                    Code::SPM009,
                    format!("two lines are named `{name}`"),
                    "rename one of the two",
                );
            } else if !measures.insert(measure.clone()) {
                let message = format!("another quota of the plan is named `{measure}`");
                self.refuse(item, key, Code::SPM009, message, "give the line another `measure`");
            }
            lines.extend(self.line(item, plan, name, measure));
        }
        lines
    }

    fn line(&mut self, item: &Raw, plan: &QuotaPlan, name: String, measure: String) -> Option<Line> {
        let (reps, transactions) = (self.tables.columns("reps"), self.tables.columns("transactions"));
        let mut own = QuotaPlan { measure: measure.clone(), ..plan.clone() };
        let condition = self.typed(item.get("where"), &transactions, Type::Boolean);
        let mut by_rep = |key: &str| self.typed(item.get(key), &reps, Type::Number);
        let [history, potential, last, weight, least, most, bottom_up] =
            ["history", "potential", "last_quota", "weight", "least", "most", "bottom_up"].map(&mut by_rep);
        let missing = |key: &str| item.get(key).is_none();
        let mut needs = vec![];
        match &mut own.history {
            Some(History::Transactions(sold)) => {
                sold.line = condition;
                needs.extend(missing("where").then_some(("where", "which transactions are of this line")));
            }
            Some(History::Value(value)) => {
                *value = history.unwrap_or_else(|| value.clone());
                needs.extend(
                    missing("history").then_some(("history", "what was sold of this line, over reps")),
                );
            }
            None => {}
        }
        if let Some(LastQuota::Value(value)) = &mut own.last_quota {
            *value = last.unwrap_or_else(|| value.clone());
            needs.extend(
                missing("last_quota").then_some(("last_quota", "the last quota of this line, over reps")),
            );
        }
        if let Some(below) = &mut own.bottom_up {
            below.value = bottom_up.unwrap_or_else(|| below.value.clone());
            needs.extend(
                missing("bottom_up").then_some(("bottom_up", "what can be carried of this line, over reps")),
            );
        }
        if let Some(potential) = potential {
            own.potential = Some(Potential::Value(potential));
        }
        if let (super::Method::Weight(own), Some(weight)) = (&mut own.method, weight) {
            *own = weight;
        }
        own.least = least.or(own.least);
        own.most = most.or(own.most);
        // What a line states itself is cited where the line states it.
        let stated = |key: &str| Some((key.to_owned(), item.get(key).map(|_| item.key_place(key).clone())?));
        let keys = ["name", "history", "potential", "last_quota", "weight", "least", "most", "bottom_up"];
        own.keys.extend(keys.into_iter().filter_map(stated));
        for (key, what) in needs {
            let message = format!("line `{name}` needs `{key}`: {what}");
            self.refuse(item, "name", Code::SPM004, message, "without it every line would count the same");
        }
        let uses = [
            ("where", matches!(plan.history, Some(History::Transactions(_))), "a history from transactions"),
            ("history", matches!(plan.history, Some(History::Value(_))), "a history with `value`"),
            ("last_quota", matches!(plan.last_quota, Some(LastQuota::Value(_))), "a last_quota with `value`"),
            ("potential", plan.potential.is_some(), "a table [potential]"),
            ("bottom_up", plan.bottom_up.is_some(), "a table [bottom_up]"),
            ("weight", matches!(plan.method, super::Method::Weight(_)), "method = \"weight\""),
            ("season", plan.season == Season::Weights, "season = \"weights\""),
            (
                "growth",
                !plan.states("method")
                    || matches!(plan.method, super::Method::Growth)
                    || plan.total.is_none(),
                "method = \"growth\", or a plan without `total`",
            ),
        ];
        for (key, used, with) in uses {
            if !missing(key) && !used {
                self.refuse(
                    item,
                    key,
                    Code::SPM304,
                    format!("`{key}` of a line goes with {with}"),
                    "remove it",
                );
            }
        }
        if let Some(item) = item.get("total").filter(|item| is_negative(item)) {
            self.fault(Code::SPM110, "`total` must be zero or more", &item.place, "");
        }
        let total = item.number("total").map(|total| (total, item.key_place("total").clone()));
        let season: Vec<Rational> = item.list("season").iter().filter_map(Raw::as_number).collect();
        let (weights, periods) = (season.len(), plan.phasing.len());
        if !missing("season") && weights != periods {
            let message = format!("line `{name}` has {weights} season weights for {periods} periods");
            self.refuse(item, "season", Code::SPM110, message, "state one for each [[phasing]]");
        } else if season.iter().any(Rational::is_negative)
            || season.iter().all(Rational::is_zero) && weights > 0
        {
            let message = format!("the season weights of line `{name}` must be zero or more, and one above");
            self.refuse(item, "season", Code::SPM110, message, "");
        }
        let growth = item.number("growth");
        Some(Line { name, measure, total, growth, season, own: Box::new(own) })
    }
}

fn is_negative(item: &Raw) -> bool {
    item.as_number().is_some_and(|value| value.is_negative())
}
