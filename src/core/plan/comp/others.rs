//! Measures of what people earned, and of how many reached a level: the checked model and its check (floor 1).

use super::check::Check;
use super::{CompPlan, GoalFrom, Measure, MeasureSource, Quantity, QuantityFrom, Window};
use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};
use crate::plan::raw::Raw;
use crate::plan::shape::{Field, Kind, Shape};

pub(super) static REACHED: Shape = Shape {
    name: "reached",
    doc: "How many people have reached a level of another measure, over its window. Whoever has no goal above zero there is not counted.",
    fields: &[
        Field::required("measure", Kind::Text, "the measure, which stands above this one"),
        Field::required(
            "at",
            Kind::Number,
            "attainment from which somebody has reached it, such as 100%; without a goal, the measurement",
        ),
        Field::optional(
            "as",
            Kind::Choice(&["number", "share"]),
            "how many there are (default), or which share of those who have a goal",
        ),
        Field::optional(
            "employed",
            Kind::Boolean,
            "whether only those count who are in the plan on the last day of the period; false when absent: everyone who is there on one of its days",
        ),
    ],
};

/// What components have earned.
#[derive(Clone, Debug)]
pub struct Earned {
    /// Indices of the components.
    pub components: Vec<usize>,
    /// After which limits their earnings count.
    pub limits: Limits,
    /// Where the components are named.
    pub place: TextPlace,
}

/// After which limits earnings count for somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// As if the components had no caps.
    None,
    /// After the caps of the components.
    #[default]
    Component,
    /// After the plan's cap and guarantee, too.
    Plan,
}

/// How many people have reached a level of another measure.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Index of the measure.
    pub measure: usize,
    /// The level.
    pub at: Rational,
    /// Their share of those who have a goal, instead of their number.
    pub as_share: bool,
    /// Only those who are in the plan on the last day of the period.
    pub employed: bool,
    /// Where the level is stated.
    pub place: TextPlace,
}

/// The people below a payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// How many levels down; `None` for all.
    pub levels: Option<usize>,
}

impl Check<'_> {
    /// The people below, when it is about them.
    pub(super) fn below(&mut self, item: &Raw) -> Option<Below> {
        let is_below = item.text("whose") == Some("below");
        if item.get("levels").is_some() && !is_below {
            let message = "`levels` goes with whose = \"below\" only".to_owned();
            self.contradiction(item, "levels", message, "remove it, or set whose = \"below\"");
        }
        if is_below && item.get("team").is_some() {
            let message = "people below are no team of reps".to_owned();
            self.contradiction(item, "team", message, "keep one of `team` and `whose`");
        }
        let levels = item.integer("levels").and_then(|levels| usize::try_from(levels).ok());
        is_below.then_some(Below { levels })
    }

    /// What components have earned, and over which window.
    pub(super) fn earned(&mut self, item: &Raw) -> Option<(MeasureSource, Window)> {
        let window = match item.text("window") {
            None | Some("period") => Window::Period,
            Some("quarter-to-date") => Window::QuarterToDate,
            Some("year-to-date") => Window::YearToDate,
            Some(_) => {
                let message =
                    "earnings of components are added up over a period, a quarter or a year".to_owned();
                let hint = "choose window = \"period\", \"quarter-to-date\" or \"year-to-date\"";
                self.contradiction(item, "window", message, hint);
                return None;
            }
        };
        let mut components = Vec::new();
        let names = self.all_components.clone();
        for value in item.list("components") {
            match names.iter().position(|name| Some(name.as_str()) == value.as_text()) {
                Some(index) if components.contains(&index) => {
                    let message = format!("the component `{}` is added up twice", names[index]);
                    let fault = Diagnostic::error(Code::SPM009, message);
                    self.faults.push(fault.at(Place::Text(value.place.clone()), ""));
                }
                Some(index) => components.push(index),
                None => self.unknown(value, "component", &names),
            }
        }
        let limits = match item.text("limits") {
            Some("none") => Limits::None,
            Some("plan") => Limits::Plan,
            _ => Limits::Component,
        };
        let whole = (0..components.len()).all(|index| components.contains(&index));
        if limits == Limits::Plan && !whole {
            let message =
                "the plan's cap and guarantee are about all components together, so all from the first one on have to be listed"
                    .to_owned();
            self.contradiction(item, "components", message, "list them, or set limits = \"component\"");
        }
        let place = item.key_place("components").clone();
        if item.list("components").is_empty() {
            let fault = Diagnostic::error(Code::SPM004, "which components? `components` names none");
            self.faults.push(fault.at(Place::Text(place.clone()), ""));
        }
        if components.is_empty() {
            return None;
        }
        Some((MeasureSource::Earned(Earned { components, limits, place }), window))
    }

    /// How many have reached a level, over the window of the measure that says so.
    pub(super) fn reached(&mut self, item: &Raw) -> Option<(MeasureSource, Window)> {
        let table = item.get("reached")?;
        if item.get("window").is_some() {
            let message = "`reached` has the window of the measure that it names".to_owned();
            self.contradiction(item, "window", message, "remove `window`");
        }
        if item.text("whose") != Some("below") && item.get("team").is_none() {
            let message = "whose people are counted? `reached` is about those below or in a team".to_owned();
            self.contradiction(item, "reached", message, "add whose = \"below\", or `team`");
        }
        let name = table.get("measure")?;
        let known: Vec<String> = self.measures.iter().map(|measure| measure.name.clone()).collect();
        let found = known.iter().position(|known| Some(known.as_str()) == name.as_text());
        let Some(measure) = found else {
            self.unknown(name, "measure above this one", &known);
            return None;
        };
        self.used.insert(measure);
        let window = self.measures[measure].window;
        if window == Window::Transaction {
            let message = "single transactions reach no level of a person".to_owned();
            self.contradiction(table, "measure", message, "give the measure another window");
        }
        let at = table.get("at")?;
        if self.measures[measure].goal.is_some() {
            self.shares_of_goal(std::iter::once(at));
        }
        let reached = Reached {
            measure,
            at: at.as_number()?,
            as_share: table.text("as") == Some("share"),
            employed: table.boolean("employed").unwrap_or(false),
            place: at.place.clone(),
        };
        Some((MeasureSource::Reached(reached), window))
    }

    /// Keys of a measure that are about other people, where it is not.
    pub(super) fn nobody_else(&mut self, item: &Raw) {
        for key in ["whose", "levels", "limits"].into_iter().filter(|key| item.get(key).is_some()) {
            let message = format!("`{key}` goes with `components` or `reached` only");
            self.contradiction(
                item,
                key,
                message,
                "remove it; managers are credited by credits with to = \"managers\"",
            );
        }
    }

    /// The component that a measure is about although it is not calculated before the one that looks at the measure.
    pub(super) fn earned_later(&mut self, item: &Raw, used: &[usize]) {
        let mut behind: Vec<usize> = used.to_vec();
        let mut next = 0;
        while let Some(measure) = behind.get(next).copied() {
            next += 1;
            let names = self.measures[measure].names();
            let named = |other: &usize| names.iter().any(|name| *name == self.measures[*other].name);
            let more: Vec<usize> =
                (0..measure).filter(named).filter(|other| !behind.contains(other)).collect();
            behind.extend(more);
        }
        for measure in behind {
            let MeasureSource::Earned(earned) = &self.measures[measure].source else { continue };
            let Some(later) = earned.components.iter().find(|index| **index >= self.components_done) else {
                continue;
            };
            let (this, other) = (&self.all_components[self.components_done], &self.all_components[*later]);
            let message = match this == other {
                true => format!("`{}` is what `{this}` itself earned", self.measures[measure].name),
                false => format!("`{other}` is calculated after `{this}`, which looks at what it earned"),
            };
            let fault = Diagnostic::error(Code::SPM202, message)
                .at(Place::Text(item.get("name").map_or(&item.place, |name| &name.place).clone()), "")
                .at(Place::Text(earned.place.clone()), "earned by these");
            self.faults.push(
                fault.hint("a component looks at earnings of components above it; move this one below"),
            );
        }
    }
}

impl CompPlan {
    /// Earnings of which it is not said whether they count before or after the limits that there are.
    pub(super) fn limits_are_stated(&self, raw: &Raw, sink: &mut Sink) {
        for (measure, item) in self.measures.iter().zip(raw.list("measure")) {
            let MeasureSource::Earned(earned) = &measure.source else { continue };
            let capped = earned.components.iter().find(|index| self.components[**index].cap.is_some());
            let what = match (capped, self.cap.is_some(), self.guarantee.is_some()) {
                (Some(index), ..) => format!("`{}` has a cap", self.components[*index].name),
                (None, true, _) => "the plan has a cap".to_owned(),
                (None, false, true) => "the plan has a guarantee".to_owned(),
                (None, false, false) => continue,
            };
            if item.get("limits").is_some() {
                continue;
            }
            let message = format!("{what}: do earnings count before or after it in `{}`?", measure.name);
            let fault = Diagnostic::error(Code::SPM004, message).at(Place::Text(earned.place.clone()), "");
            sink.push(fault.hint("limits = \"none\" counts them before all caps, \"component\" after the caps of the components, \"plan\" after the plan's cap and guarantee, too"));
        }
    }

    /// The first measure that looks at people below, for which the hierarchy has to be known.
    #[must_use]
    pub fn looks_below(&self) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.below.is_some())
    }
}

impl Measure {
    /// The names that its formula and its goal read, without what is asked of them.
    fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        if let MeasureSource::Formula(formula, _) = &self.source {
            names.extend(formula.columns());
        }
        if let Some(GoalFrom::Each(Quantity { value: QuantityFrom::Formula(formula), .. })) =
            self.goal.as_ref().map(|goal| &goal.from)
        {
            names.extend(formula.columns());
        }
        let head = |name: &'_ str| name.trim_end_matches(".goal").trim_end_matches(".attainment").len();
        names.into_iter().map(|name| &name[..head(name)]).collect()
    }

    /// Whether it is about other people than the payee.
    #[must_use]
    pub fn is_of_others(&self) -> bool {
        self.below.is_some() || self.team.is_some() || matches!(self.source, MeasureSource::Reached(_))
    }
}
