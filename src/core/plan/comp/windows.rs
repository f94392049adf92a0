//! Over which window a formula pays: that of what it names.

use super::check::Check;
use super::{Pay, QuantityFrom, Window, to_date};
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::period::Group;
use crate::ground::source::{Place, TextPlace};
use crate::plan::expression::Expression;
use crate::plan::raw::Raw;

/// What a formula names, with the window of each: amounts decide, goals and attainments where there are no amounts.
#[derive(Default)]
pub(super) struct Named {
    amounts: Vec<(String, Window)>,
    shares: Vec<(String, Window)>,
}

impl Named {
    /// The names that decide.
    fn deciding(&self) -> &[(String, Window)] {
        if self.amounts.is_empty() { &self.shares } else { &self.amounts }
    }

    /// The window that all names have which decide; `None` without such names.
    fn agreed(&self) -> Result<Option<Window>, String> {
        let all = self.deciding();
        let Some((first, window)) = all.first() else { return Ok(None) };
        match all.iter().find(|(_, other)| other != window) {
            None => Ok(Some(*window)),
            Some((other, of)) => {
                Err(format!("`{first}` is {} and `{other}` is {}", window.word(), of.word()))
            }
        }
    }

    fn has(&self, window: Window) -> bool {
        self.amounts.iter().chain(&self.shares).any(|(_, own)| *own == window)
    }
}

impl Check<'_> {
    /// The measures that a formula names and, when wanted, the components.
    fn named(&self, formula: &Expression, components: bool) -> Named {
        let mut named = Named::default();
        for name in formula.columns() {
            let measure = |head: &str| self.measures.iter().find(|measure| measure.name == head);
            let share = [".goal", ".attainment"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
            if let Some(measure) = measure(name) {
                named.amounts.push((name.to_owned(), measure.window));
            } else if let Some(measure) = share.and_then(measure) {
                named.shares.push((name.to_owned(), measure.window));
            } else if components && self.all_components.iter().any(|own| own == to_date(name).0) {
                let window = match to_date(name).1 {
                    Some(Group::Quarter) => Window::QuarterToDate,
                    Some(Group::Year) => Window::YearToDate,
                    _ => Window::Period,
                };
                named.amounts.push((name.to_owned(), window));
            }
        }
        named
    }

    /// The window of a measure that is calculated: the one that it states, else that of what it names.
    pub(super) fn window_of_sql(&mut self, item: &Raw, formula: &Expression) -> Option<Window> {
        let named = self.named(formula, false);
        let stated = match item.text("window") {
            None => None,
            Some("transaction") => Some(Window::Transaction),
            Some("quarter-to-date") => Some(Window::QuarterToDate),
            Some("year-to-date") => Some(Window::YearToDate),
            Some("period") => Some(Window::Period),
            Some(_) => {
                let message = "`sql` has the rolling window of the measures that it names".to_owned();
                self.contradiction(item, "window", message, "say it in those measures");
                return None;
            }
        };
        match (stated, named.agreed()) {
            (None, Ok(window)) => Some(window.unwrap_or(Window::Period)),
            (None, Err(both)) => {
                let message = format!("the measures that `sql` names have different windows: {both}");
                let hint = "say over which it is paid: window = \"period\" (anew in each), or one of theirs; or give them one window";
                self.contradiction(item, "sql", message, hint);
                None
            }
            // Paid anew in each period is always possible; a difference or a transaction needs something that has it.
            (Some(window), _) if window == Window::Period || named.has(window) => Some(window),
            (Some(window), _) => {
                let message = format!("no measure that `sql` names has the window {}", window.word());
                self.contradiction(item, "window", message, "remove `window`: it is that of the measures");
                None
            }
        }
    }

    /// The window of a component without a measure of its own.
    pub(super) fn window_without_measure(&mut self, item: &Raw, pay: &Pay) -> Option<Window> {
        let (formula, key) = match pay {
            Pay::Formula(formula, _) => (formula, "sql"),
            Pay::Pool { amount, .. } => match &amount.value {
                QuantityFrom::Formula(formula) => (formula, "amount"),
                _ => return Some(Window::Period),
            },
            _ => return Some(Window::Period),
        };
        match self.named(formula, true).agreed() {
            Ok(window) => Some(window.unwrap_or(Window::Period)),
            Err(both) => {
                let message = format!("what `{key}` names has different windows: {both}");
                let hint = "say over which it is paid: `measure` names the measure whose window it has; a component is named with .quarter_to_date or .year_to_date";
                self.contradiction(item, key, message, hint);
                None
            }
        }
    }

    /// The windows of what a component looks at without a measure of its own: what its formula or the amount of its pool
    /// names, the measures of its scorecard.
    pub(super) fn windows_behind(&self, pay: &Pay) -> Vec<Window> {
        let windows =
            |formula: &Expression| self.named(formula, false).deciding().iter().map(|own| own.1).collect();
        match pay {
            Pay::Formula(formula, _) => windows(formula),
            Pay::Scorecard { items, .. } => {
                items.iter().map(|item| self.measures[item.measure].window).collect()
            }
            Pay::Pool { amount, .. } => match &amount.value {
                QuantityFrom::Formula(formula) => windows(formula),
                _ => vec![],
            },
            _ => vec![],
        }
    }

    /// A pool of an amount over one window that is shared by a measure over another would be shared again and again.
    pub(super) fn pool_fits(&mut self, item: &Raw, pay: &Pay, window: Window) {
        let Pay::Pool { .. } = pay else { return };
        let Some(other) = self.windows_behind(pay).into_iter().find(|own| *own != window) else { return };
        let message = format!(
            "the amount of the pool is {}, the measure by which it is shared is {}",
            other.word(),
            window.word()
        );
        self.contradiction(item, "amount", message, "give the measures one window");
    }

    /// Keys that mean nothing over this window.
    pub(super) fn window_fits(&mut self, item: &Raw, window: Window) {
        for gate in item.list("gate").iter().filter(|gate| gate.boolean("catch_up") == Some(true)) {
            if !window.is_to_date() {
                let message = format!("nothing is caught up: the component pays {}", paid_words(window));
                let hint = "remove `catch_up`, or set window = \"quarter-to-date\" or \"year-to-date\" in the measure";
                self.contradiction(gate, "catch_up", message, hint);
            }
        }
        let team = matches!(item.text("pay"), Some("rank" | "pool"));
        if team && item.get("threshold").is_some() {
            let message = "a threshold goes with the pay of one payee".to_owned();
            self.contradiction(item, "threshold", message, "with rank: `at`; with pool: `gate`");
        }
        let elsewhere = matches!(item.text("pay"), Some("formula" | "scorecard"));
        if let Some(threshold) = item.get("threshold").filter(|_| elsewhere)
            && threshold.boolean("back_pay") == Some(false)
        {
            let message = "what a measurement at the threshold would be paid is known of a rate, tiers, a curve or a table, not of a formula or scorecard".to_owned();
            let hint = "write it in the formula: GREATEST(sales - sales.goal, 0) * 0.05; or back_pay = true";
            self.contradiction(item, "threshold", message, hint);
        }
        if team && window == Window::Transaction {
            let message = "prizes and pools are not paid transaction by transaction".to_owned();
            self.contradiction(item, "measure", message, "set window = \"period\" in the measure");
        }
    }

    /// A number of single credits was asked of a measure: each of its credits has to have one.
    pub(super) fn has_lookups(&mut self, measure: usize, place: &TextPlace) {
        let credits = self.measures[measure].credits().to_vec();
        for name in credits.iter().filter_map(|credit| self.without_lookup.get(credit)) {
            let message = format!("on = \"lookup\" needs a `lookup` of the credit `{name}`, which has none");
            let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(place.clone()), "");
            self.faults.push(
                fault.hint("add lookup = \"...\" to the credit: the number that the table is looked up with"),
            );
        }
        if !credits.is_empty() {
            return;
        }
        let message = "on = \"lookup\" compares the second number of a credit, and an `sql` measure has none";
        let fault = Diagnostic::error(Code::SPM304, message).at(Place::Text(place.clone()), "");
        self.faults.push(fault.hint("use a measure of credits with `lookup`"));
    }
}

fn paid_words(window: Window) -> &'static str {
    match window {
        Window::Transaction => "each transaction on its own",
        _ => "each period on its own",
    }
}
