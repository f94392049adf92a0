//! Quota plans: what is shared, by which rule, down which hierarchy, into which periods (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink};
use crate::ground::period::{Date, DateRange};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::expression::{Columns, Expression, check_typed};
use super::raw::Raw;
use super::shape::{Field, Kind, Shape};
use super::{Tables, check_header, check_range, header_fields};

/// The shape of a quota plan.
pub static QUOTAS: Shape = Shape {
    name: "quotas",
    doc: "A quota plan: a total shared top-down through groups to salespeople, phased into periods.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional("measure", Kind::Text, "name of the quota, as goals refer to it; quota when absent"),
        Field::optional(
            "decimals",
            Kind::Integer(0, 12),
            "decimals of the smallest amount when the measure is no money: 0 for whole deals. Money of the project's currency when absent",
        ),
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over reps: who gets a quota; everyone when absent",
        ),
        Field::optional("history", Kind::Table(&HISTORY), "what each salesperson sold before"),
        Field::optional("potential", Kind::Table(&POTENTIAL), "what each salesperson's market could buy"),
        Field::optional("last_quota", Kind::Table(&LAST_QUOTA), "what each salesperson's quota was"),
        Field::optional(
            "method",
            Kind::Choice(&METHODS),
            "weights. history: in proportion to history. growth (default): history x (1 + growth). equal: the same for each. potential: in proportion to potential. history-and-potential: history, plus the share of potential in the increase. weighted-share: history_share of the share of history, the rest of the share of potential. last-quota: history_share of history, the rest of the last quota. weight: the expression `weight`",
        ),
        Field::optional(
            "history_share",
            Kind::Number,
            "with method weighted-share or last-quota: weight of history from 0% to 100%; 60% when absent",
        ),
        Field::optional("weight", Kind::Expression, "with method weight: weight of a salesperson, over reps"),
        Field::optional("growth", Kind::Number, "growth on history, such as 10%; 0% when absent"),
        Field::optional(
            "growth_of",
            Kind::Map(&Kind::Number),
            "growth of some holders and everyone below them, instead of `growth`",
        ),
        Field::optional(
            "total",
            Kind::Number,
            "what the whole company has to reach; history x (1 + growth) when absent",
        ),
        Field::optional("unit", Kind::Number, "quotas are whole multiples of this amount; 1 when absent"),
        Field::optional(
            "levels",
            Kind::List(&Kind::Text),
            "columns of reps that make the levels between company and salesperson, upper first",
        ),
        Field::optional(
            "managers",
            Kind::Date,
            "instead of levels: people report to managers as they do on this day, by the table hierarchy or else reps.manager_id",
        ),
        Field::optional(
            "floor",
            Kind::Number,
            "least quota of a salesperson, as a share of their history, such as 90%",
        ),
        Field::optional(
            "cap",
            Kind::Number,
            "greatest quota of a salesperson, as a share of their history, such as 150%",
        ),
        Field::optional(
            "hold_harmless",
            Kind::Number,
            "no quota falls by more than this share of the last quota, such as 5%",
        ),
        Field::optional(
            "minimum_change",
            Kind::Number,
            "a quota that would differ from the last quota by less than this share of it stays as it was, such as 2%",
        ),
        Field::optional("least", Kind::Expression, "least quota of a salesperson, over reps"),
        Field::optional("most", Kind::Expression, "greatest quota of a salesperson, over reps"),
        Field::optional(
            "lock",
            Kind::List(&Kind::Table(&LOCK)),
            "quotas that managers set; the rest is shared among the others",
        ),
        Field::optional(
            "over_assignment",
            Kind::Map(&Kind::Number),
            "by level (company, a column of levels, manager): how much more than its own quota a holder gives out, such as 5%. Levels multiply",
        ),
        Field::optional(
            "bottom_up",
            Kind::Table(&BOTTOM_UP),
            "what salespeople can carry, to be reconciled with the total",
        ),
        Field::optional(
            "adjust",
            Kind::Text,
            "what a mid-year adjustment keeps: the level whose holders keep their quotas while those below are shared anew, or company. The level above salespeople when absent",
        ),
        Field::required(
            "phasing",
            Kind::List(&Kind::Table(&PHASE)),
            "the periods of the year with their season weights",
        ),
        Field::optional(
            "season",
            Kind::Choice(&["weights", "history", "working-days"]),
            "where season weights come from. weights (default): those of phasing. history: what was sold in the periods that are `like` each. working-days: Monday to Friday without `holidays`",
        ),
        Field::optional("holidays", Kind::List(&Kind::Date), "days off, with season = \"working-days\""),
        Field::optional(
            "proration",
            Kind::Choice(&["none", "time"]),
            "time: who is hired, leaves or is absent within the periods has less, and the others carry it; none when absent",
        ),
        Field::optional(
            "ramp",
            Kind::List(&Kind::Number),
            "part of a full quota that a new hire carries in the first month, the second, ...; all after the last",
        ),
    ],
};

const METHODS: [&str; 8] = [
    "history",
    "growth",
    "equal",
    "potential",
    "history-and-potential",
    "weighted-share",
    "last-quota",
    "weight",
];

static HISTORY: Shape = Shape {
    name: "history",
    doc: "What each salesperson sold before: summed over transactions, or a value of the salesperson.",
    fields: &[
        Field::optional(
            "value",
            Kind::Expression,
            "history of a salesperson, over reps, instead of transactions",
        ),
        Field::optional("from", Kind::Date, "first day"),
        Field::optional("to", Kind::Date, "first day after the last"),
        Field::optional("where", Kind::Expression, "condition over transactions; all when absent"),
        Field::optional("amount", Kind::Expression, "what counts, over transactions; `amount` when absent"),
        Field::optional(
            "by",
            Kind::Text,
            "whose sale it is: rep (default, the rep of the transaction), or a text column of accounts that names the salesperson",
        ),
    ],
};

static POTENTIAL: Shape = Shape {
    name: "potential",
    doc: "What a market could buy: a value of the salesperson, or summed over accounts.",
    fields: &[
        Field::optional("value", Kind::Expression, "potential of a salesperson, over reps"),
        Field::optional("accounts", Kind::Expression, "potential of an account, over accounts"),
        Field::optional(
            "by",
            Kind::Text,
            "with accounts: the text column of accounts that names the salesperson; owner_id when absent",
        ),
    ],
};

static LAST_QUOTA: Shape = Shape {
    name: "last-quota",
    doc: "What the quota was: a value of the salesperson, or the sum of some periods of the table quotas.",
    fields: &[
        Field::optional("value", Kind::Expression, "last quota of a salesperson, over reps"),
        Field::optional(
            "periods",
            Kind::List(&Kind::Text),
            "periods of the table quotas, with this plan's measure",
        ),
    ],
};

static LOCK: Shape = Shape {
    name: "lock",
    doc: "A quota that somebody set.",
    fields: &[
        Field::required("holder", Kind::Text, "whose: a salesperson, or a holder above"),
        Field::required("amount", Kind::Number, "quota for the year"),
        Field::optional("note", Kind::Text, "why, and by whom; shown in the explanation"),
    ],
};

static BOTTOM_UP: Shape = Shape {
    name: "bottom-up",
    doc: "What a salesperson can carry: capacity x productivity x close rate, a commitment, a forecast.",
    fields: &[
        Field::required("value", Kind::Expression, "amount of a salesperson for a whole year, over reps"),
        Field::optional(
            "policy",
            Kind::Choice(&["show", "bottom-up", "meet"]),
            "how the gap closes. show (default): it does not, it is shown. bottom-up: quotas are these amounts. meet: part of the way",
        ),
        Field::optional(
            "share",
            Kind::Number,
            "with policy meet: weight of the bottom-up amounts; 50% when absent",
        ),
    ],
};

static PHASE: Shape = Shape {
    name: "phase",
    doc: "A period and its part of the year.",
    fields: &[
        Field::required("period", Kind::Text, "a period of the calendar"),
        Field::optional("weight", Kind::Number, "relative weight of the season; 1 when absent"),
        Field::optional(
            "like",
            Kind::List(&Kind::Text),
            "with season = \"history\": periods of the past whose sales are its weight",
        ),
    ],
};

/// A checked quota plan.
#[derive(Clone, Debug)]
pub struct QuotaPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// Name of the quota.
    pub measure: String,
    /// Decimals of a measure that is no money.
    pub decimals: Option<u32>,
    /// Who gets a quota.
    pub eligible: Option<Expression>,
    /// What each salesperson sold.
    pub history: Option<History>,
    /// What each salesperson's market could buy.
    pub potential: Option<Potential>,
    /// What each salesperson's quota was.
    pub last_quota: Option<LastQuota>,
    /// How weights follow.
    pub method: Method,
    /// Growth on history.
    pub growth: Rational,
    /// Growth of some holders, with the place of the name.
    pub growth_of: Vec<(String, Rational, TextPlace)>,
    /// Stated total.
    pub total: Option<Rational>,
    /// Multiple of which quotas are.
    pub unit: Rational,
    /// Levels between company and salesperson.
    pub levels: Levels,
    /// Least share of history.
    pub floor: Option<Rational>,
    /// Greatest share of history.
    pub cap: Option<Rational>,
    /// Greatest fall as a share of the last quota.
    pub hold_harmless: Option<Rational>,
    /// Least change as a share of the last quota; smaller ones are not made.
    pub minimum_change: Option<Rational>,
    /// Least quota, over reps.
    pub least: Option<Expression>,
    /// Greatest quota, over reps.
    pub most: Option<Expression>,
    /// Quotas that managers set.
    pub locks: Vec<Lock>,
    /// By level, what is given out beyond the own quota, as a share.
    pub over_assignment: Vec<(String, Rational, TextPlace)>,
    /// What salespeople can carry.
    pub bottom_up: Option<BottomUp>,
    /// Level whose holders keep their quotas in an adjustment, with its place; the one above seats when none.
    pub adjust: Option<(String, TextPlace)>,
    /// Periods of the year.
    pub phasing: Vec<Phase>,
    /// Where season weights come from.
    pub season: Season,
    /// Who is there for part of the time has less.
    pub by_time: bool,
    /// Part of a full quota by month of tenure.
    pub ramp: Vec<Rational>,
    /// Where the plan starts, for messages about the whole of it.
    pub place: TextPlace,
}

/// How weights follow from what is known of salespeople; see [`QUOTAS`].
#[derive(Clone, Debug)]
pub enum Method {
    /// In proportion to history.
    History,
    /// History x (1 + growth).
    Growth,
    /// The same for each.
    Equal,
    /// In proportion to potential.
    Potential,
    /// History, plus the share of potential in the increase.
    HistoryAndPotential,
    /// A blend of shares of history and of potential, with the weight of history.
    WeightedShare(Rational),
    /// A blend of history and the last quota, with the weight of history.
    LastQuota(Rational),
    /// An expression over reps.
    Weight(Expression),
}

/// Where history comes from.
#[derive(Clone, Debug)]
pub enum History {
    /// A value over reps.
    Value(Expression),
    /// Transactions.
    Transactions(Box<Sold>),
}

/// Transactions that are history.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Days of the history.
    pub days: DateRange,
    /// Which transactions count.
    pub condition: Option<Expression>,
    /// What counts.
    pub amount: Expression,
    /// Column of accounts that names the salesperson; `None` for the rep of the transaction.
    pub by: Option<String>,
}

/// Where potential comes from.
#[derive(Clone, Debug)]
pub enum Potential {
    /// A value over reps.
    Value(Expression),
    /// A value over accounts, and the column of accounts that names the salesperson.
    Accounts(Expression, String),
}

/// Where the last quota comes from.
#[derive(Clone, Debug)]
pub enum LastQuota {
    /// A value over reps.
    Value(Expression),
    /// Periods of the table quotas.
    Periods(Vec<String>),
}

/// Levels between company and salesperson.
#[derive(Clone, Debug)]
pub enum Levels {
    /// Columns of reps, upper first.
    Columns(Vec<String>),
    /// Managers as of a day.
    Managers(Date),
}

/// A quota that somebody set.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Whose.
    pub holder: String,
    /// For the year.
    pub amount: Rational,
    /// Why.
    pub note: Option<String>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What salespeople can carry, and how quotas follow from it.
#[derive(Clone, Debug)]
pub struct BottomUp {
    /// Over reps.
    pub value: Expression,
    /// Weight of the bottom-up amounts in the quotas: 0 to show them only, 1 to take them.
    pub share: Rational,
}

/// A period and its part of the year.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Name of the period.
    pub period: String,
    /// Stated weight.
    pub weight: Rational,
    /// Periods of the past that are like it.
    pub like: Vec<String>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// Where season weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Season {
    /// Stated.
    Weights,
    /// What was sold in periods that are like each.
    History,
    /// Days from Monday to Friday, without these.
    WorkingDays(Vec<Date>),
}

impl QuotaPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`QUOTAS`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut check = Check { raw, tables, faults: Sink::default() };
        let plan = check.plan();
        let failed = check.faults.has_errors();
        sink.append(check.faults);
        plan.filter(|_| !failed)
    }

    /// Transactions that are history, if they are.
    #[must_use]
    pub fn sold(&self) -> Option<&Sold> {
        match &self.history {
            Some(History::Transactions(sold)) => Some(sold),
            _ => None,
        }
    }
}

struct Check<'a> {
    raw: &'a Raw,
    tables: &'a Tables,
    faults: Sink,
}

impl Check<'_> {
    fn fault(&mut self, code: Code, message: impl Into<String>, place: &TextPlace, hint: &str) {
        let fault = Diagnostic::error(code, message.into()).at(Place::Text(place.clone()), "");
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }

    fn typed(&mut self, item: Option<&Raw>, columns: &Columns, kind: Type) -> Option<Expression> {
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

    fn plan(&mut self) -> Option<QuotaPlan> {
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
        let number_of =
            |entry: &(String, TextPlace, Raw)| Some((entry.0.clone(), entry.2.as_number()?, entry.1.clone()));
        let entries = |key: &str| raw.get(key).map_or(&[][..], Raw::entries);
        Some(QuotaPlan {
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
            over_assignment: entries("over_assignment").iter().filter_map(number_of).collect(),
            bottom_up: bottom_up.flatten(),
            adjust: raw.get("adjust").and_then(|item| Some((item.as_text()?.to_owned(), item.place.clone()))),
            phasing: raw.list("phasing").iter().filter_map(phase).collect(),
            season: self.season(),
            by_time: raw.text("proration") == Some("time"),
            ramp: raw.list("ramp").iter().filter_map(Raw::as_number).collect(),
            place: raw.key_place("id").clone(),
        })
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
        if let (Some(_), None) = (raw.get("ramp"), raw.get("proration")) {
            let place = raw.key_place("ramp").clone();
            self.fault(
                Code::SPM304,
                "a ramp needs the days of hire to count",
                &place,
                "add proration = \"time\"",
            );
        }
        for item in raw.list("ramp") {
            if item.as_number().is_some_and(|share| share.is_negative()) {
                self.fault(Code::SPM110, "a share of a ramp must be zero or more", &item.place, "");
            }
        }
        for (level, place, item) in raw.get("over_assignment").map_or(&[][..], Raw::entries) {
            if item.as_number().is_some_and(|share| share <= -one.clone()) {
                let message = format!("the over-assignment of `{level}` must be above -100%");
                self.fault(Code::SPM110, message, place, "");
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
        let transactions = self.tables.columns("transactions");
        let condition = self.typed(item.get("where"), &transactions, Type::Boolean);
        let amount = match item.get("amount") {
            Some(_) => self.typed(item.get("amount"), &transactions, Type::Number),
            None => check_typed("amount", &place, &transactions, Type::Number, &mut self.faults),
        };
        let by = item.get("by").filter(|item| item.as_text() != Some("rep"));
        if let Some(item) = by {
            self.text_column(item, "accounts");
        }
        let by = by.and_then(Raw::as_text).map(str::to_owned);
        Some(History::Transactions(Box::new(Sold { days: days?, condition, amount: amount?, by })))
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
        if share.is_negative() || share > Rational::one() {
            self.fault(Code::SPM110, "`share` must be from 0% to 100%", &item.key_place("share").clone(), "");
        }
        Some(BottomUp { value, share })
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
            Some("weight") => match (weight, raw.get("weight")) {
                (Some(weight), _) => Method::Weight(weight),
                (None, Some(_)) => return None,
                (None, None) => {
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

fn phase(item: &Raw) -> Option<Phase> {
    Some(Phase {
        period: item.text("period")?.to_owned(),
        weight: item.number("weight").unwrap_or_else(Rational::one),
        like: item.texts("like"),
        place: item.get("period")?.place.clone(),
    })
}
