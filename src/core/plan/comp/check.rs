//! Credits, ramps, measures and goals: raw to checked.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Aggregate, CreditRule, Direct, Goal, GoalFrom, Measure, MeasureSource, PLAN_LINES, Quantity,
    QuantityFrom, Ramp, Recipient, TO_DATE, Team, Window, to_date,
};
use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::period::Group;
use crate::ground::source::{Place, TextPlace};
use crate::plan::contract::Type;
use crate::plan::expression::{Columns, Expression, check_formula, check_typed};
use crate::plan::raw::Raw;
use crate::plan::{Tables, check_range};

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

/// Components that are named like a line of the plan itself: results and the ledger tell lines apart by name.
pub(super) fn reserved_names(components: &[Raw], sink: &mut Sink) {
    let named = components.iter().filter_map(|item| item.get("name"));
    for value in named.filter(|value| value.as_text().is_some_and(|name| PLAN_LINES.contains(&name))) {
        let name = value.as_text().unwrap_or_default();
        let message = format!("`{name}` is the name of a line of the plan itself");
        let fault = Diagnostic::error(Code::SPM009, message).at(Place::Text(value.place.clone()), "");
        sink.push(fault.hint("give the component another name"));
    }
}

/// The periods that `per` and `basis` mean; `None` for `to-date`.
pub(super) fn group(word: &str) -> Option<Group> {
    match word {
        "period" => Some(Group::Period),
        "quarter" => Some(Group::Quarter),
        "year" => Some(Group::Year),
        _ => None,
    }
}

/// The check of one plan against the columns of the project.
pub(super) struct Check<'a> {
    pub(super) reps: Columns,
    pub(super) transactions: Columns,
    /// Every measure of the plan, in order.
    pub(super) measure_names: Vec<String>,
    /// Those checked so far: all of them when components are checked.
    pub(super) measures: Vec<Measure>,
    /// Every component of the plan, in order.
    pub(super) all_components: Vec<String>,
    /// How many of them are checked: what a formula may name.
    pub(super) components_done: usize,
    /// Names of the credits that have no `lookup`, by index.
    pub(super) without_lookup: BTreeMap<usize, String>,
    /// The credits of the column `amount` as it stands, which is money.
    pub(super) of_amounts: BTreeSet<usize>,
    /// Measures that something refers to.
    pub(super) used: BTreeSet<usize>,
    /// Those that the component that is checked refers to.
    pub(super) looked_at: Vec<usize>,
    pub(super) faults: &'a mut Sink,
}

impl<'a> Check<'a> {
    pub(super) fn new(tables: &Tables, faults: &'a mut Sink) -> Self {
        Self {
            reps: tables.columns("reps"),
            transactions: tables.columns("transactions"),
            measure_names: vec![],
            measures: vec![],
            all_components: vec![],
            components_done: 0,
            without_lookup: BTreeMap::new(),
            of_amounts: BTreeSet::new(),
            used: BTreeSet::new(),
            looked_at: vec![],
            faults,
        }
    }

    pub(super) fn typed(&mut self, item: &Raw, columns: &Columns, kind: Type) -> Option<Expression> {
        check_typed(item.as_text()?, &item.place, columns, kind, self.faults)
    }

    pub(super) fn contradiction(&mut self, item: &Raw, key: &str, message: String, hint: &str) {
        let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(item.key_place(key).clone()), "");
        self.faults.push(fault.hint(hint));
    }

    pub(super) fn unknown(&mut self, value: &Raw, kind: &str, names: &[String]) {
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
        let lookup = item.get("lookup").map(|value| self.typed(value, &columns, Type::Number));
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
        for key in ["levels", "of", "net_of_lower"]
            .into_iter()
            .filter(|key| to != "managers" && item.get(key).is_some())
        {
            self.contradiction(
                item,
                key,
                format!("`{key}` goes with to = \"managers\" only"),
                "remove it, or set to = \"managers\"",
            );
        }
        if item.get("quota_share").is_some() && !(to == "splits" || (to == "managers" && of == "splits")) {
            let message = format!("`quota_share` does not go with to = \"{to}\"");
            self.contradiction(item, "quota_share", message, "it is a column of splits: set to = \"splits\"");
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
        for key in ["share", "net_of_lower"] {
            if let (Some(share), Some(value)) = (item.number(key), item.get(key))
                && share.decimals().is_none()
            {
                let message = format!("`{key}` has no end as a decimal, so credits could not be exact");
                let fault = Diagnostic::error(Code::SPM008, message).at(Place::Text(value.place.clone()), "");
                self.faults.push(fault.hint(
                    "credit the whole amount and put the fraction into the component's rate or weight",
                ));
            }
        }
        if let Some(share) = item.get("share") {
            self.at_most_all(share, "the share of a credit");
        }
        if let Some(kept) = item.get("net_of_lower") {
            self.at_most_all(kept, "the part that a level keeps");
        }
        let effective = item.get("effective").map(|range| check_range(range, self.faults));
        Some(CreditRule {
            name: item.text("name")?.to_owned(),
            condition: condition.transpose_inner()?,
            amount: amount?,
            lookup: lookup.transpose_inner()?,
            share: item.number("share"),
            quota_share: item.boolean("quota_share").unwrap_or(false),
            recipient,
            net_of_lower: item.number("net_of_lower"),
            effective: effective.transpose_inner()?,
            place: item.get("name")?.place.clone(),
        })
    }

    pub(super) fn ramp(&mut self, item: &Raw) -> Option<Ramp> {
        let shares: Vec<_> = item.list("shares").iter().filter_map(Raw::as_number).collect();
        item.list("shares").iter().for_each(|share| self.at_most_all(share, "a share of a ramp"));
        if shares.iter().any(crate::ground::rational::Rational::is_negative) {
            let fault = Diagnostic::error(Code::SPM110, "a share of a ramp must be zero or more");
            self.faults.push(fault.at(Place::Text(item.get("shares")?.place.clone()), ""));
        }
        Some(Ramp {
            name: item.text("name")?.to_owned(),
            shares,
            accelerators: item.boolean("accelerators").unwrap_or(true),
            place: item.get("name")?.place.clone(),
        })
    }

    pub(super) fn measure(&mut self, item: &Raw, names: &[String], ramps: &[Ramp]) -> Option<Measure> {
        let mut window = self.window(item);
        let keys = ["credits", "sql", "components", "reached"];
        let stated: Vec<&str> = keys.into_iter().filter(|key| item.get(key).is_some()).collect();
        match stated.as_slice() {
            ["credits" | "sql"] => self.nobody_else(item),
            ["components" | "reached"] if item.get("aggregate").is_some() => {
                let message = format!("`aggregate` does not go with `{}`", stated[0]);
                self.contradiction(item, "aggregate", message, "remove it");
            }
            ["reached"] if item.get("limits").is_some() => {
                let message = "`limits` goes with `components` only".to_owned();
                self.contradiction(item, "limits", message, "remove it");
            }
            _ => {}
        }
        let source = match stated.as_slice() {
            ["credits"] => MeasureSource::Credits(
                self.credits(item, names),
                match item.text("aggregate") {
                    Some("count") => Aggregate::Count,
                    Some("average") => Aggregate::Average,
                    Some("largest") => Aggregate::Largest,
                    Some("smallest") => Aggregate::Smallest,
                    _ => Aggregate::Sum,
                },
            ),
            ["sql"] => {
                let sql = item.get("sql")?;
                for key in ["aggregate", "team"].into_iter().filter(|key| item.get(key).is_some()) {
                    let message = format!("`{key}` does not go with `sql`");
                    self.contradiction(item, key, message, "say it in the measures that the sql names");
                }
                let formula = self.formula(sql, false)?;
                window = self.window_of_sql(item, &formula)?;
                MeasureSource::Formula(formula, sql.place.clone())
            }
            [source @ ("components" | "reached")] => {
                let found = if *source == "reached" { self.reached(item) } else { self.earned(item) };
                let (source, own) = found?;
                window = own;
                source
            }
            _ => {
                let message =
                    "a measure needs exactly one of `credits`, `sql`, `components`, `reached`".to_owned();
                self.contradiction(item, "name", message, "credits = [\"...\"] adds up credits");
                return None;
            }
        };
        let team = item.get("team").map(|team| self.team(team));
        let below = self.below(item);
        let adds_up = source.adds_up(&self.measures);
        let goal = item.get("goal").map(|goal| self.goal(goal, ramps, adds_up));
        if window == Window::Transaction && goal.is_some() {
            let message = "a single transaction has no goal".to_owned();
            self.contradiction(item, "goal", message, "remove the goal, or choose another window");
        }
        if window == Window::Transaction && item.get("team").is_some() {
            let message = "a single transaction is measured for the payee, not for a team".to_owned();
            self.contradiction(item, "team", message, "remove `team`, or choose another window");
        }
        let measure = Measure {
            name: item.text("name")?.to_owned(),
            source,
            window,
            team: team.transpose_inner()?,
            below,
            goal: goal.transpose_inner()?,
            allow_double: item.boolean("allow_double").unwrap_or(false),
            place: item.get("name")?.place.clone(),
        };
        self.measures.push(measure.clone());
        Some(measure)
    }

    fn window(&mut self, item: &Raw) -> Window {
        let rolling = item.text("window") == Some("rolling");
        match item.integer("periods").and_then(|count| usize::try_from(count).ok()) {
            Some(count) if rolling => return Window::Rolling(count),
            Some(_) => {
                let message = "`periods` goes with window = \"rolling\" only".to_owned();
                self.contradiction(item, "periods", message, "remove it, or set window = \"rolling\"");
            }
            None if rolling => {
                let fault = Diagnostic::error(Code::SPM004, "window = \"rolling\" needs `periods`");
                self.faults.push(fault.at(Place::Text(item.key_place("window").clone()), ""));
            }
            None => {}
        }
        match item.text("window") {
            Some("transaction") => Window::Transaction,
            Some("quarter-to-date") => Window::QuarterToDate,
            Some("year-to-date") => Window::YearToDate,
            _ => Window::Period,
        }
    }

    fn credits(&mut self, item: &Raw, names: &[String]) -> Vec<usize> {
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
        credits
    }

    /// `"all"`, or a text column of reps.
    pub(super) fn team(&mut self, value: &Raw) -> Option<Team> {
        let name = value.as_text()?;
        match self.reps.0.iter().find(|(column, _)| column == name) {
            Some((_, Type::Text)) => Some(Team::Column(name.to_owned())),
            _ if name == "all" => Some(Team::All),
            _ => {
                let texts = self.reps.0.iter().filter(|(_, kind)| *kind == Type::Text);
                let names: Vec<String> = texts.map(|(name, _)| name.clone()).collect();
                self.unknown(value, "text column of reps", &names);
                None
            }
        }
    }

    fn goal(&mut self, item: &Raw, ramps: &[Ramp], adds_up: bool) -> Option<Goal> {
        let keys: Vec<&str> =
            ["quota", "amount", "column", "sql"].into_iter().filter(|key| item.get(key).is_some()).collect();
        let from = match keys.as_slice() {
            ["quota"] => GoalFrom::Quota(item.text("quota")?.to_owned()),
            [_] => {
                let stated = self.quantity(item)?;
                // A quotient is the same for a month and for a year.
                let per = if adds_up { stated.per } else { Group::Period };
                GoalFrom::Each(Quantity { per, ..stated })
            }
            _ => {
                let message = "a goal has exactly one of `quota`, `amount`, `column`, `sql`";
                let fault = Diagnostic::error(Code::SPM304, message);
                self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
                return None;
            }
        };
        if keys == ["quota"] && item.get("per").is_some() {
            let message = "quotas have periods of their own".to_owned();
            self.contradiction(item, "per", message, "remove `per`");
        }
        let retro = item.boolean("retro").unwrap_or(false);
        if retro && keys != ["quota"] {
            let message = "`retro` goes with quotas, which may change from period to period".to_owned();
            self.contradiction(item, "retro", message, "remove `retro`");
        }
        let ramp = item.get("ramp").map(|value| {
            let found = ramps.iter().position(|ramp| Some(ramp.name.as_str()) == value.as_text());
            if found.is_none() {
                let names: Vec<String> = ramps.iter().map(|ramp| ramp.name.clone()).collect();
                self.unknown(value, "ramp", &names);
            }
            found
        });
        Some(Goal {
            adds_up,
            prorate: item.boolean("prorate").unwrap_or(adds_up && !matches!(from, GoalFrom::Quota(_))),
            from,
            basis: item.text("basis").and_then(group),
            retro,
            ramp: ramp.transpose_inner()?,
        })
    }

    /// A number, or a table that says where it comes from.
    pub(super) fn quantity(&mut self, item: &Raw) -> Option<Quantity> {
        if let Some(number) = item.as_number() {
            return Some(Quantity::fixed(number, item.place.clone()));
        }
        let per = item.text("per").and_then(group).unwrap_or_default();
        let (value, place) = match (item.get("amount"), item.get("column"), item.get("sql")) {
            (Some(amount), None, None) => (QuantityFrom::Fixed(amount.as_number()?), amount.place.clone()),
            (None, Some(column), None) => (self.column(column)?, column.place.clone()),
            (None, None, Some(sql)) => (QuantityFrom::Formula(self.formula(sql, false)?), sql.place.clone()),
            _ => {
                let message = "exactly one of `amount`, `column`, `sql` is needed";
                let fault = Diagnostic::error(Code::SPM304, message);
                self.faults.push(fault.at(Place::Text(item.place.clone()), ""));
                return None;
            }
        };
        if let (QuantityFrom::Fixed(_), Some(_)) = (&value, item.get("otherwise")) {
            let message =
                "`otherwise` goes with `column` or `sql`: a stated amount is never empty".to_owned();
            self.contradiction(item, "otherwise", message, "remove it");
        }
        Some(Quantity { value, per, otherwise: item.number("otherwise"), place })
    }

    /// The same where there is no stretch of time that the number could be for.
    pub(super) fn timeless(&mut self, item: &Raw) -> Option<Quantity> {
        if item.get("per").is_some() {
            let message = "`per` says what a target, goal, guarantee or draw is for; this number is none";
            let hint = "remove it, and write the number that counts where it stands";
            self.contradiction(item, "per", message.to_owned(), hint);
        }
        self.quantity(item)
    }

    fn column(&mut self, value: &Raw) -> Option<QuantityFrom> {
        let name = value.as_text()?;
        match self.reps.0.iter().find(|(column, _)| column == name) {
            Some((_, Type::Number)) => Some(QuantityFrom::Column(name.to_owned())),
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

    /// An expression over columns of reps, measures checked before and, in a component, components before.
    pub(super) fn formula(&mut self, item: &Raw, components: bool) -> Option<Expression> {
        // What a name means first: a measure, then a component above, then a column of reps. Measures and components
        // below are known by name too, so that naming one is told as what it is.
        let mut columns: Vec<(String, Type)> = Vec::new();
        for name in &self.measure_names {
            for suffix in ["", ".goal", ".attainment"] {
                columns.push((format!("{name}{suffix}"), Type::Number));
            }
        }
        let (above, below) =
            self.all_components.split_at(self.components_done.min(self.all_components.len()));
        let named = |names: &[String]| {
            let sums = |name: &String| TO_DATE.map(|(suffix, _)| format!("{name}{suffix}"));
            let all = names.iter().flat_map(|name| std::iter::once(name.clone()).chain(sums(name)));
            all.filter(|_| components).map(|name| (name, Type::Number)).collect::<Vec<_>>()
        };
        columns.extend(named(above));
        let reps = self.reps.0.iter().filter(|(_, kind)| matches!(kind, Type::Number | Type::Text));
        columns.extend(reps.cloned());
        columns.extend(named(below));
        let formula =
            check_formula(item.as_text()?, &item.place, &Columns(columns), Type::Number, self.faults)?;
        let later = self.measured_later(&formula, item);
        let later = later.or_else(|| if components { self.calculated_later(&formula, item) } else { None });
        if let Some(fault) = later {
            self.faults.push(fault);
            return None;
        }
        for column in formula.columns() {
            let name = column.trim_end_matches(".goal").trim_end_matches(".attainment");
            let found = self.measures.iter().position(|measure| measure.name == name);
            self.used.extend(found);
            self.looked_at.extend(found);
        }
        Some(formula)
    }

    /// The same among measures: each names those above it.
    fn measured_later(&self, formula: &Expression, item: &Raw) -> Option<Diagnostic> {
        let known = |name: &str| self.measures.iter().any(|measure| measure.name == name);
        let heads = formula.columns().into_iter();
        let heads = heads.map(|name| name.trim_end_matches(".goal").trim_end_matches(".attainment"));
        let named = |name: &&str| self.measure_names.iter().any(|other| other == name);
        let later = heads.filter(named).find(|name| !known(name))?;
        let message = format!("the measure `{later}` is calculated later, or names this one");
        let fault = Diagnostic::error(Code::SPM202, message).at(Place::Text(item.place.clone()), "");
        Some(fault.hint("a formula names measures above it; move this one below, and end the circle"))
    }

    /// Naming what is calculated later would be a circle, or at least an order that nobody can see.
    fn calculated_later(&self, formula: &Expression, item: &Raw) -> Option<Diagnostic> {
        let (this, later) = self.all_components[self.components_done..].split_first()?;
        let named: Vec<&str> = formula.columns().into_iter().map(|name| to_date(name).0).collect();
        let own = std::iter::once(this).chain(later).find(|name| named.contains(&name.as_str()))?;
        // A measure or a column of reps of the same name is what the formula means.
        let other = self.measures.iter().any(|measure| measure.name == *own)
            || self.reps.0.iter().any(|(column, _)| column == own);
        let message = match own == this {
            true => format!("`{this}` names itself"),
            false => format!("`{own}` is calculated after `{this}`"),
        };
        let fault = Diagnostic::error(Code::SPM202, message).at(Place::Text(item.place.clone()), "");
        (!other).then(|| fault.hint("a formula names components above it; move this one below"))
    }
}

/// `Some(None)` is a fault reported already, `None` an absent key.
pub(super) trait TransposeInner<T> {
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
