//! From a raw quota plan to a checked one, with every fault at once (floor 1).

use super::{
    BottomUp, Capacity, History, LastQuota, Levels, Limit, Lock, Method, Phase, Potential, QuotaPlan, Season,
    Sold,
};
use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::contract::Type;
use crate::plan::expression::{Columns, Expression, check_typed};
use crate::plan::raw::Raw;
use crate::plan::sold::{check_by, check_key, check_sold};
use crate::plan::{Tables, check_header, check_range};

/// A check under way.
pub(super) struct Check<'a> {
    pub(super) raw: &'a Raw,
    pub(super) tables: &'a Tables,
    pub(super) faults: Sink,
}

impl<'a> Check<'a> {
    pub(super) fn new(raw: &'a Raw, tables: &'a Tables) -> Self {
        Self { raw, tables, faults: Sink::default() }
    }

    pub(super) fn fault(&mut self, code: Code, message: impl Into<String>, place: &TextPlace, hint: &str) {
        let fault = Diagnostic::error(code, message.into()).at(Place::Text(place.clone()), "");
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }

    pub(super) fn typed(&mut self, item: Option<&Raw>, columns: &Columns, kind: Type) -> Option<Expression> {
        let item = item?;
        check_typed(item.as_text()?, &item.place, columns, kind, &mut self.faults)
    }

    fn text_column(&mut self, item: &Raw, table: &str) {
        let name = item.as_text().unwrap_or_default();
        let columns = self.tables.columns(table);
        if !columns.0.iter().any(|(column, kind)| column == name && *kind == Type::Text) {
            let message = format!("{table} has no text column `{name}`");
            self.fault(Code::SPM010, message, &item.place, "map it in spm.toml");
        }
    }

    pub(super) fn plan(&mut self) -> Option<QuotaPlan> {
        let raw = self.raw;
        let (id, title) = check_header(raw);
        let reps = self.tables.columns("reps");
        self.numbers();
        let eligible = self.typed(raw.get("eligible"), &reps, Type::Boolean);
        let [weight, least, most] =
            ["weight", "least", "most"].map(|key| self.typed(raw.get(key), &reps, Type::Number));
        let history = raw.get("history").map(|item| self.history(item));
        let potential = raw.get("potential").map(|item| self.potential(item));
        let last_quota = raw.get("last_quota").map(|item| self.last_quota(item));
        let bottom_up = raw.get("bottom_up").map(|item| self.bottom_up(item));
        let method = self.method(weight);
        self.needs(&method);
        for item in raw.list("levels") {
            self.text_column(item, "reps");
        }
        if let (Some(_), Some(item)) = (raw.get("levels"), raw.get("managers")) {
            self.fault(Code::SPM304, "a plan has `levels` or `managers`, not both", &item.place, "");
        }
        let keys = raw.entries().iter().map(|(key, place, _)| (key.clone(), place.clone())).collect();
        let number_of =
            |entry: &(String, TextPlace, Raw)| Some((entry.0.clone(), entry.2.as_number()?, entry.1.clone()));
        let entries = |key: &str| raw.get(key).map_or(&[][..], Raw::entries);
        self.rules();
        let mut plan = QuotaPlan {
            id,
            title,
            measure: raw.text("measure").unwrap_or("quota").to_owned(),
            decimals: raw.integer("decimals").and_then(|value| u32::try_from(value).ok()),
            eligible,
            history: history.flatten(),
            potential: potential.flatten(),
            last_quota: last_quota.flatten(),
            method: method?,
            growth: raw.number("growth").unwrap_or_default(),
            growth_of: entries("growth_of").iter().filter_map(number_of).collect(),
            total: raw.number("total"),
            unit: raw.number("unit").unwrap_or_else(Rational::one),
            levels: match raw.date("managers") {
                Some(day) => Levels::Managers(day),
                None => Levels::Columns(raw.texts("levels")),
            },
            floor: raw.number("floor"),
            cap: raw.number("cap"),
            hold_harmless: raw.number("hold_harmless"),
            minimum_change: raw.number("minimum_change"),
            least,
            most,
            locks: raw.list("lock").iter().filter_map(lock).collect(),
            limits: raw.list("limit").iter().filter_map(limit).collect(),
            over_assignment: entries("over_assignment").iter().filter_map(number_of).collect(),
            over_assignment_of: entries("over_assignment_of").iter().filter_map(number_of).collect(),
            bottom_up: bottom_up.flatten(),
            capacity: raw.get("capacity").and_then(|item| self.capacity(item)),
            adjust: raw.get("adjust").and_then(|item| Some((item.as_text()?.to_owned(), item.place.clone()))),
            phasing: raw.list("phasing").iter().filter_map(phase).collect(),
            season: self.season(),
            by_time: raw.text("proration") == Some("time"),
            ramp: raw.list("ramp").iter().filter_map(Raw::as_number).collect(),
            place: raw.key_place("id").clone(),
            lines: vec![],
            keys,
        };
        plan.lines = self.lines(&plan);
        Some(plan)
    }

    /// Numbers that have a range.
    fn numbers(&mut self) {
        let raw = self.raw;
        let one = Rational::one();
        for key in ["unit", "floor", "cap", "total", "hold_harmless", "minimum_change", "history_share"] {
            let (Some(value), Some(item)) = (raw.number(key), raw.get(key)) else { continue };
            let share = key == "hold_harmless" || key == "history_share";
            let wrong = value.is_negative() || (key == "unit" && value.is_zero()) || (share && value > one);
            if wrong {
                let expected = match key {
                    "unit" => "above zero",
                    _ if share => "from 0% to 100%",
                    _ => "zero or more",
                };
                self.fault(Code::SPM110, format!("`{key}` must be {expected}"), &item.place, "");
            }
        }
    }

    fn history(&mut self, item: &Raw) -> Option<History> {
        let place = item.entries().first().map_or(&item.place, |(_, place, _)| place).clone();
        if item.get("value").is_some() {
            if let Some((key, place, _)) = item.entries().iter().find(|(key, ..)| key != "value") {
                let message =
                    format!("history is a `value` of reps, or comes from transactions with `{key}`");
                self.fault(Code::SPM304, message, place, "remove one of the two");
            }
            let reps = self.tables.columns("reps");
            return self.typed(item.get("value"), &reps, Type::Number).map(History::Value);
        }
        if item.get("from").is_none() || item.get("to").is_none() {
            let message = "history needs `from` and `to`, or a `value`";
            self.fault(
                Code::SPM004,
                message,
                &place,
                "from = 2026-01-01, to = 2027-01-01; or value = \"last_year\"",
            );
            return None;
        }
        let days = check_range(item, &mut self.faults);
        let condition =
            check_key(item, "where", "transactions", Type::Boolean, self.tables, &mut self.faults);
        let amount = check_sold(item, &place, self.tables, &mut self.faults);
        let by = check_by(item, self.tables, &mut self.faults);
        let by = (by.table == "accounts").then_some(by.column);
        let annualised = item.boolean("annualise") == Some(true);
        if let (true, Some(by)) = (annualised, &by) {
            let message = format!(
                "`annualise` counts the days of whoever sold, and `{by}` names who has the account today"
            );
            let place = item.key_place("annualise").clone();
            self.fault(Code::SPM304, message, &place, "remove one of the two");
        }
        Some(History::Transactions(Box::new(Sold {
            days: days?,
            condition,
            line: None,
            amount: amount?,
            by,
            annualised,
        })))
    }

    fn potential(&mut self, item: &Raw) -> Option<Potential> {
        let (reps, accounts) = (self.tables.columns("reps"), self.tables.columns("accounts"));
        match (item.get("value"), item.get("accounts")) {
            (Some(_), None) => self.typed(item.get("value"), &reps, Type::Number).map(Potential::Value),
            (None, Some(_)) => {
                if let Some(by) = item.get("by") {
                    self.text_column(by, "accounts");
                }
                let by = item.text("by").unwrap_or("owner_id").to_owned();
                let value = self.typed(item.get("accounts"), &accounts, Type::Number)?;
                Some(Potential::Accounts(value, by))
            }
            _ => {
                let hint = "value = \"market_size\" over reps, or accounts = \"market_size\" over accounts";
                self.fault(Code::SPM304, "potential has one of `value` and `accounts`", &item.place, hint);
                None
            }
        }
    }

    fn last_quota(&mut self, item: &Raw) -> Option<LastQuota> {
        let reps = self.tables.columns("reps");
        match (item.get("value"), item.get("periods")) {
            (Some(_), None) => self.typed(item.get("value"), &reps, Type::Number).map(LastQuota::Value),
            (None, Some(_)) => Some(LastQuota::Periods(item.texts("periods"))),
            _ => {
                let hint =
                    "value = \"quota_2026\" over reps, or periods = [\"2026-Q1\", ...] of the table quotas";
                self.fault(Code::SPM304, "last_quota has one of `value` and `periods`", &item.place, hint);
                None
            }
        }
    }

    fn bottom_up(&mut self, item: &Raw) -> Option<BottomUp> {
        let reps = self.tables.columns("reps");
        let value = self.typed(item.get("value"), &reps, Type::Number)?;
        let share = match item.text("policy") {
            Some("bottom-up") => Rational::one(),
            Some("meet") => item.number("share").unwrap_or_else(|| Rational::from_scaled(5, 1)),
            _ => Rational::zero(),
        };
        if let (Some(_), true) = (item.get("share"), item.text("policy") != Some("meet")) {
            let place = item.key_place("share").clone();
            self.fault(
                Code::SPM304,
                "`share` goes with policy = \"meet\"",
                &place,
                "add it, or remove `share`",
            );
        }
        if share.is_negative() || share > Rational::one() {
            self.fault(Code::SPM110, "`share` must be from 0% to 100%", &item.key_place("share").clone(), "");
        }
        Some(BottomUp { value, share })
    }

    fn capacity(&mut self, item: &Raw) -> Option<Capacity> {
        for key in ["productivity", "attainment"] {
            let value = item.number(key);
            if let (Some(raw), true) = (item.get(key), value.is_some_and(|value| !value.is_positive())) {
                self.fault(Code::SPM110, format!("`{key}` must be above zero"), &raw.place, "");
            }
        }
        for (table, key) in [(item, "heads"), (item, "attrition")]
            .into_iter()
            .chain(self.raw.list("phasing").iter().flat_map(|phase| [(phase, "hires"), (phase, "leavers")]))
        {
            let value = table.number(key);
            let share = key == "attrition" && value.as_ref().is_some_and(|value| *value > Rational::one());
            if let (Some(raw), true) =
                (table.get(key), share || value.is_some_and(|value| value.is_negative()))
            {
                let expected = if key == "attrition" { "from 0% to 100%" } else { "zero or more" };
                self.fault(Code::SPM110, format!("`{key}` must be {expected}"), &raw.place, "");
            }
        }
        let attrition =
            item.get("attrition").filter(|raw| raw.as_number().is_some_and(|own| own.is_positive()));
        if let (Some(raw), 1) = (attrition, self.raw.list("phasing").len()) {
            let message =
                "`attrition` leaves at the end of each period, and this plan has one: it lowers no capacity";
            let fault = Diagnostic::warning(Code::SPM424, message).at(Place::Text(raw.place.clone()), "");
            self.faults.push(fault.hint(
                "list the periods of the year; heads x productivity x (1 - attrition) is attainment = \"80%\" for 20 %",
            ));
        }
        Some(Capacity {
            productivity: item.number("productivity")?,
            attainment: item.number("attainment").unwrap_or_else(Rational::one),
            heads: item.number("heads"),
            attrition: item.number("attrition").unwrap_or_default(),
        })
    }

    fn method(&mut self, weight: Option<Expression>) -> Option<Method> {
        let raw = self.raw;
        let share = raw.number("history_share").unwrap_or_else(|| Rational::from_scaled(6, 1));
        Some(match raw.text("method") {
            Some("history") => Method::History,
            Some("equal") => Method::Equal,
            Some("potential") => Method::Potential,
            Some("history-and-potential") => Method::HistoryAndPotential,
            Some("weighted-share") => Method::WeightedShare(share),
            Some("last-quota") => Method::LastQuota(share),
            Some("weight") => match (weight, raw.get("weight"), raw.list("line")) {
                (Some(weight), ..) => Method::Weight(weight),
                (None, Some(_), _) => return None,
                // Where every line states its own, the plan needs none: that of the first stands in.
                (None, None, lines @ [first, ..])
                    if lines.iter().all(|line| line.get("weight").is_some()) =>
                {
                    let reps = self.tables.columns("reps");
                    Method::Weight(self.typed(first.get("weight"), &reps, Type::Number)?)
                }
                (None, None, _) => {
                    let place = raw.key_place("method").clone();
                    self.fault(
                        Code::SPM004,
                        "method weight needs `weight`",
                        &place,
                        "weight = \"quota_points\"",
                    );
                    return None;
                }
            },
            _ => Method::Growth,
        })
    }

    /// What a key needs that the plan does not have.
    fn needs(&mut self, method: &Option<Method>) {
        let raw = self.raw;
        let bottom_up = raw.get("bottom_up").is_some_and(|item| item.text("policy") == Some("bottom-up"));
        let mut needs: Vec<(&str, &str)> = match method {
            // Quotas that are the bottom-up amounts need no method.
            _ if bottom_up && raw.get("method").is_none() => vec![],
            Some(Method::History | Method::Growth) => vec![("method", "history")],
            Some(Method::Potential) => vec![("method", "potential")],
            Some(Method::HistoryAndPotential | Method::WeightedShare(_)) => {
                vec![("method", "history"), ("method", "potential")]
            }
            Some(Method::LastQuota(_)) => vec![("method", "history"), ("method", "last_quota")],
            Some(Method::Equal | Method::Weight(_)) | None => vec![],
        };
        needs.extend([
            ("floor", "history"),
            ("cap", "history"),
            ("hold_harmless", "last_quota"),
            ("minimum_change", "last_quota"),
        ]);
        if raw.get("total").is_none() && !bottom_up {
            needs.push(("total", "history"));
        }
        let mut said: Vec<&str> = Vec::new();
        for (key, needed) in needs {
            let asked = raw.get(key).is_some() || key == "method" || key == "total";
            if asked && raw.get(needed).is_none() && !said.contains(&needed) {
                said.push(needed);
                let place =
                    if raw.get(key).is_some() { raw.key_place(key) } else { raw.key_place("id") }.clone();
                let message = match (key, raw.get(key).is_some()) {
                    ("total", _) => format!("a plan without `total` needs `{needed}`"),
                    ("method", false) => format!("method growth needs `{needed}`"),
                    ("method", true) => {
                        format!("method {} needs `{needed}`", raw.text("method").unwrap_or("growth"))
                    }
                    _ => format!("`{key}` needs `{needed}`"),
                };
                self.fault(Code::SPM004, message, &place, &format!("add [{needed}]"));
            }
        }
    }

    fn season(&mut self) -> Season {
        let raw = self.raw;
        match raw.text("season") {
            Some("history") => {
                if !matches!(raw.get("history"), Some(item) if item.get("value").is_none()) {
                    let place = raw.key_place("season").clone();
                    let hint = "give history from, to and by, or state weights";
                    self.fault(Code::SPM304, "a season from history needs transactions", &place, hint);
                }
                for item in raw.list("phasing").iter().filter(|item| item.get("like").is_none()) {
                    let place = item.key_place("period").clone();
                    let message = "a season from history needs `like`: the periods of the past";
                    self.fault(Code::SPM004, message, &place, "like = [\"2026-Q1\", \"2025-Q1\"]");
                }
                Season::History
            }
            Some("days") => Season::Days,
            Some("working-days") => {
                Season::WorkingDays(raw.list("holidays").iter().filter_map(Raw::as_date).collect())
            }
            _ => Season::Weights,
        }
    }
}

fn lock(item: &Raw) -> Option<Lock> {
    Some(Lock {
        holder: item.text("holder")?.to_owned(),
        amount: item.number("amount")?,
        note: item.text("note").map(str::to_owned),
        place: item.get("holder")?.place.clone(),
    })
}

fn limit(item: &Raw) -> Option<Limit> {
    Some(Limit {
        holder: item.text("holder")?.to_owned(),
        least: item.number("least"),
        most: item.number("most"),
        note: item.text("note").map(str::to_owned),
        place: item.get("holder")?.place.clone(),
    })
}

fn phase(item: &Raw) -> Option<Phase> {
    Some(Phase {
        period: item.text("period")?.to_owned(),
        weight: item.number("weight").unwrap_or_else(Rational::one),
        hires: item.number("hires").unwrap_or_default(),
        leavers: item.number("leavers").unwrap_or_default(),
        like: item.texts("like"),
        place: item.get("period")?.place.clone(),
    })
}
