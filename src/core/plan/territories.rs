//! Territory plans: which measures are balanced, within which tolerance, at which cost (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::contract::Type;
use super::coverage::{COVERAGE, CoveragePlan, check_coverage};
use super::expression::{Columns, Expression, Node, check_typed};
use super::raw::Raw;
use super::seating::{RULE, Rule, SEATS, SeatPlan, check_rules, check_seats, expression, pair_columns};
use super::shape::{Field, Kind, Shape};
use super::{Tables, check_header, header_fields};

/// The shape of a territory plan.
pub static TERRITORIES: Shape = Shape {
    name: "territories",
    doc: "A territory plan: accounts divided among salespeople, balanced on several measures, with few moves.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        Field::optional(
            "holders",
            Kind::Choice(&["reps", "territories"]),
            "the table whose rows hold accounts: people (default), or territories, open ones included",
        ),
        Field::optional(
            "territories",
            Kind::Either(&[Kind::Integer(1, 100_000), Kind::Choice(&["by workload"])]),
            "how many territories `spm territories create` makes; \"by workload\": as many as [coverage] needs seats",
        ),
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over the holders: which take part; when absent, all territories, or everyone who holds an account today",
        ),
        Field::optional(
            "accounts",
            Kind::Expression,
            "condition over accounts: which are divided; all when absent",
        ),
        Field::optional(
            "current",
            Kind::Text,
            "column of accounts that names the holder of today; owner_id when absent, or territory_id with holders = \"territories\"",
        ),
        Field::optional("locked", Kind::Expression, "condition over accounts: which stay where they are"),
        Field::required("measure", Kind::List(&Kind::Table(&MEASURE)), "what is balanced"),
        Field::optional(
            "travel",
            Kind::Number,
            "cost of one kilometre from the salesperson's home to an account; 1 when absent",
        ),
        Field::optional(
            "from",
            Kind::Choice(&["home", "centre"]),
            "where ways start: the home of the holder (default), or the middle of its accounts, found together with the borders",
        ),
        Field::optional(
            "squared",
            Kind::Boolean,
            "true: square kilometres count, which shuns long ways more; false when absent",
        ),
        Field::optional(
            "visits",
            Kind::Expression,
            "how often the way to an account is made, over accounts; 1 when absent",
        ),
        Field::optional(
            "centre",
            Kind::Choice(&["anywhere", "account"]),
            "where `spm territories create` puts the centre of a territory: anywhere (default), or at one of its accounts",
        ),
        Field::optional(
            "contiguous",
            Kind::Expression,
            "area of an account, over accounts, such as county_id: the areas of a territory hang together by the table adjacency",
        ),
        Field::optional(
            "cost",
            Kind::Expression,
            "cost of a pair, over the table costs, added to that of travel if `travel` is given; pairs that are absent are not allowed",
        ),
        Field::optional(
            "allowed",
            Kind::Expression,
            "condition over pairs, columns `account.NAME` and `rep.NAME` (or `territory.NAME`): who may hold which account; all when absent",
        ),
        Field::optional(
            "misfit",
            Kind::Expression,
            "cost of a pair in kilometres, over the columns of `allowed`, such as that of a segment or language that a person does not serve",
        ),
        Field::optional(
            "together",
            Kind::Expression,
            "group of an account, over accounts, such as COALESCE(parent_id, account_id): a group goes to one holder as a whole",
        ),
        Field::optional(
            "move",
            Kind::Either(&[Kind::Expression, Kind::Integer(0, i64::MAX)]),
            "cost of moving an account, in kilometres: a number, or an expression over accounts such as revenue * 0.01; 100 when absent",
        ),
        Field::optional("max_accounts", Kind::Integer(1, 10_000_000), "most accounts of one territory"),
        Field::optional("max_moves", Kind::Integer(0, 10_000_000), "most accounts that may change hands"),
        Field::optional(
            "max_moved",
            Kind::Map(&Kind::Number),
            "for measures by name, the most that may change hands, as a share of all, such as { revenue = \"10%\" }",
        ),
        Field::optional(
            "rule",
            Kind::List(&Kind::Table(&RULE)),
            "rules for new accounts, in order, for `spm territories assign`",
        ),
        Field::optional(
            "coverage",
            Kind::Table(&COVERAGE),
            "market and work, for `spm territories coverage` and territories by workload",
        ),
        Field::optional(
            "seats",
            Kind::Table(&SEATS),
            "who gets which territory, for `spm territories seats`",
        ),
        Field::optional("seed", Kind::Integer(0, i64::MAX), "seed of the search; 1 when absent"),
        Field::optional("iterations", Kind::Integer(0, 1_000_000), "rounds of the search; 1000 when absent"),
    ],
};

static MEASURE: Shape = Shape {
    name: "balance",
    doc: "A measure with its tolerance: every territory's load stays within target x (1 - tolerance, 1 + tolerance).",
    fields: &[
        Field::required("name", Kind::Text, "name, as in the summary"),
        Field::optional(
            "value",
            Kind::Expression,
            "load of an account, over accounts, such as 1 for the number of accounts",
        ),
        Field::optional(
            "transactions",
            Kind::Expression,
            "load of an account, as the sum of this over its transactions",
        ),
        Field::optional("where", Kind::Expression, "with transactions: which of them count"),
        Field::optional(
            "pair",
            Kind::Expression,
            "load of an account that depends on the territory, over the table costs",
        ),
        Field::optional("tolerance", Kind::Number, "such as 10%; required unless `least` or `most` is given"),
        Field::optional("least", Kind::Expression, "least load, over the holders, instead of a tolerance"),
        Field::optional("most", Kind::Expression, "greatest load, over the holders, such as capacity"),
        Field::optional(
            "target",
            Kind::Expression,
            "equal (default); capacity: in proportion to the capacity of the holders; or the target itself, over the holders",
        ),
        Field::optional(
            "price",
            Kind::Number,
            "what a unit of load beyond the band costs, in the unit of costs: the band is a wish then; a limit when absent",
        ),
    ],
};

/// A checked territory plan.
#[derive(Clone, Debug)]
pub struct TerritoryPlan {
    /// Identifier.
    pub id: String,
    /// Shown in reports.
    pub title: String,
    /// The table whose rows hold accounts: reps or territories.
    pub holders: &'static str,
    /// How many territories to create.
    pub territories: Option<usize>,
    /// As many as the work takes.
    pub by_workload: bool,
    /// Market and work.
    pub coverage: Option<CoveragePlan>,
    /// Who holds a territory.
    pub eligible: Option<Expression>,
    /// Which accounts are divided.
    pub accounts: Option<Expression>,
    /// Column of accounts with the territory of today.
    pub current: String,
    /// Which accounts stay.
    pub locked: Option<Expression>,
    /// What is balanced.
    pub measures: Vec<BalanceMeasure>,
    /// Cost of a kilometre; `None` when the plan does not say.
    pub travel: Option<Rational>,
    /// Ways start in the middle of a holder's accounts, not at its home.
    pub from_centre: bool,
    /// Square kilometres count.
    pub squared: bool,
    /// How often the way to an account is made.
    pub visits: Option<Expression>,
    /// Centres of created territories are at accounts.
    pub centre_at_account: bool,
    /// Area of an account, when the areas of a territory must hang together.
    pub contiguous: Option<Expression>,
    /// Cost of a pair, over costs.
    pub cost: Option<Expression>,
    /// Which pairs are allowed, over `account.` and `rep.` or `territory.`.
    pub allowed: Option<Expression>,
    /// What a pair costs more.
    pub misfit: Option<Expression>,
    /// Group of an account that goes whole.
    pub together: Option<Expression>,
    /// Cost of a move in kilometres, over accounts.
    pub move_cost: Expression,
    /// The most of a measure that may change hands, as a share, by the place of the measure.
    pub max_moved: Vec<(usize, Rational)>,
    /// Rules for new accounts.
    pub rules: Vec<Rule>,
    /// Who gets which territory.
    pub seats: Option<SeatPlan>,
    /// Most accounts of one territory.
    pub max_accounts: Option<usize>,
    /// Most moves.
    pub max_moves: Option<usize>,
    /// Seed.
    pub seed: u64,
    /// Rounds of the search.
    pub iterations: u32,
    /// For messages about the whole plan.
    pub place: TextPlace,
}

/// What is balanced.
#[derive(Clone, Debug)]
pub struct BalanceMeasure {
    /// Name.
    pub name: String,
    /// Load of an account.
    pub load: Load,
    /// Half the width of the band, as a share of the target.
    pub tolerance: Option<Rational>,
    /// Least and greatest load, over the holders.
    pub least: Option<Expression>,
    /// Greatest load.
    pub most: Option<Expression>,
    /// What the middle of the band is.
    pub target: Target,
    /// What a unit of load beyond the band costs; `None`: the band is a limit.
    pub price: Option<Rational>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// The load that a holder should carry.
#[derive(Clone, Debug)]
pub enum Target {
    /// As much as every other.
    Equal,
    /// In proportion to capacity.
    Capacity,
    /// As the plan says, over the holders.
    Given(Expression),
}

/// Load of an account.
#[derive(Clone, Debug)]
pub enum Load {
    /// Over the columns of accounts.
    Account(Expression),
    /// Summed over the account's transactions that satisfy the condition.
    Transactions(Expression, Option<Expression>),
    /// Over costs: it depends on the territory.
    Pair(Expression),
}

impl TerritoryPlan {
    /// The checked plan, or `None` with faults in the sink. `raw` has passed [`TERRITORIES`]'s shape.
    #[must_use]
    pub fn check(raw: &Raw, tables: &Tables, sink: &mut Sink) -> Option<Self> {
        let mut faults = Sink::default();
        let (id, title) = check_header(raw);
        let holders = if raw.text("holders") == Some("territories") { "territories" } else { "reps" };
        let (held, accounts) = (tables.columns(holders), tables.columns("accounts"));
        let mut condition = |key: &str, columns| {
            raw.get(key).and_then(|item| {
                check_typed(item.as_text()?, &item.place, columns, Type::Boolean, &mut faults)
            })
        };
        let (eligible, kept, locked) =
            (condition("eligible", &held), condition("accounts", &accounts), condition("locked", &accounts));
        let mut number = |key: &str, columns| {
            raw.get(key).and_then(|item| {
                check_typed(item.as_text()?, &item.place, columns, Type::Number, &mut faults)
            })
        };
        let (visits, cost) = (number("visits", &accounts), number("cost", &tables.columns("costs")));
        let contiguous = raw
            .get("contiguous")
            .and_then(|item| check_typed(item.as_text()?, &item.place, &accounts, Type::Text, &mut faults));
        let usual = if holders == "reps" { "owner_id" } else { "territory_id" };
        let current = raw.text("current").unwrap_or(usual).to_owned();
        if !accounts.0.iter().any(|(name, kind)| *name == current && *kind == Type::Text) {
            let fault = Diagnostic::error(Code::SPM010, format!("accounts has no text column `{current}`"));
            faults.push(fault.at(Place::Text(raw.key_place("current").clone()), ""));
        }
        let measures: Vec<BalanceMeasure> = raw
            .list("measure")
            .iter()
            .filter_map(|item| check_measure(item, tables, holders, &mut faults))
            .collect();
        for (place, measure) in measures.iter().enumerate() {
            if measures[..place].iter().any(|other| other.name == measure.name) {
                let fault =
                    Diagnostic::error(Code::SPM009, format!("two measures are named `{}`", measure.name));
                faults.push(fault.at(Place::Text(measure.place.clone()), ""));
            }
        }
        if let (Some("centre"), Some(item)) = (raw.text("from"), raw.get("cost")) {
            let fault =
                Diagnostic::error(Code::SPM304, "ways from centres and the table costs cannot be added up");
            let hint = "leave `cost` or `from` out";
            faults.push(fault.at(Place::Text(item.place.clone()), "").hint(hint));
        }
        let side = if holders == "reps" { "rep" } else { "territory" };
        let pairs = pair_columns([("account", &accounts), (side, &held)]);
        let allowed = expression(raw, "allowed", &pairs, Type::Boolean, &mut faults);
        let misfit = expression(raw, "misfit", &pairs, Type::Number, &mut faults);
        let together = expression(raw, "together", &accounts, Type::Text, &mut faults);
        if let (Some(_), Some(item)) = (raw.get("contiguous"), raw.get("together")) {
            let fault = Diagnostic::error(
                Code::SPM304,
                "groups that go whole and territories that hang together cannot be asked for at once",
            );
            let hint = "leave `together` or `contiguous` out; areas can be made of whole groups instead";
            faults.push(fault.at(Place::Text(item.place.clone()), "").hint(hint));
        }
        let move_cost = check_move(raw, &accounts, &mut faults);
        let rules = check_rules(raw, tables, holders, &mut faults);
        let seats = check_seats(raw, tables, &mut faults);
        let coverage = check_coverage(raw, tables, holders, &measures, &mut faults);
        let by_workload = raw.text("territories").is_some();
        if by_workload && raw.get("coverage").is_none() {
            let fault = Diagnostic::error(
                Code::SPM304,
                "territories by workload need [coverage], which says what the work is",
            );
            let hint = "add [coverage] with potential, visits, hours and available";
            faults.push(fault.at(Place::Text(raw.key_place("territories").clone()), "").hint(hint));
        }
        let max_moved = check_max_moved(raw, &measures, &mut faults);
        for key in ["travel", "move"] {
            if let (Some(value), Some(item)) = (raw.number(key), raw.get(key))
                && value.is_negative()
            {
                let fault = Diagnostic::error(Code::SPM110, format!("`{key}` must be zero or more"));
                faults.push(fault.at(Place::Text(item.place.clone()), ""));
            }
        }
        let failed = faults.has_errors();
        sink.append(faults);
        if failed {
            return None;
        }
        let count = |key: &str| raw.integer(key).and_then(|value| usize::try_from(value).ok());
        Some(Self {
            id,
            title,
            holders,
            territories: count("territories"),
            by_workload,
            coverage,
            eligible,
            accounts: kept,
            current,
            locked,
            measures,
            travel: raw.number("travel"),
            from_centre: raw.text("from") == Some("centre"),
            squared: raw.boolean("squared").unwrap_or(false),
            visits,
            centre_at_account: raw.text("centre") == Some("account"),
            contiguous,
            cost,
            allowed,
            misfit,
            together,
            move_cost,
            max_moved,
            rules,
            seats,
            max_accounts: count("max_accounts"),
            max_moves: count("max_moves"),
            seed: raw.integer("seed").and_then(|seed| u64::try_from(seed).ok()).unwrap_or(1),
            iterations: raw.integer("iterations").and_then(|value| u32::try_from(value).ok()).unwrap_or(1000),
            place: raw.key_place("id").clone(),
        })
    }
}

/// The cost of a move: a number, or an expression.
fn check_move(raw: &Raw, accounts: &Columns, sink: &mut Sink) -> Expression {
    let number = |value: Rational| Expression { node: Node::Number(value), kind: Some(Type::Number) };
    let usual = || number(Rational::from(100i64));
    match (raw.number("move"), raw.get("move")) {
        (Some(value), _) => number(value),
        (None, Some(_)) => expression(raw, "move", accounts, Type::Number, sink).unwrap_or_else(usual),
        (None, None) => usual(),
    }
}

/// Shares of measures that may change hands, by the place of the measure.
fn check_max_moved(raw: &Raw, measures: &[BalanceMeasure], sink: &mut Sink) -> Vec<(usize, Rational)> {
    let mut found = Vec::new();
    for (name, place, value) in raw.get("max_moved").map_or(&[][..], Raw::entries) {
        let fault = match (measures.iter().position(|measure| measure.name == *name), value.as_number()) {
            (None, _) => {
                let fault = Diagnostic::error(Code::SPM010, format!("there is no measure `{name}`"));
                let names = measures.iter().map(|measure| measure.name.as_str());
                match suggestion(name, names) {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault.hint("`max_moved` names measures of this plan"),
                }
            }
            (Some(index), _) if matches!(measures[index].load, Load::Pair(_)) => Diagnostic::error(
                Code::SPM304,
                format!("`{name}` depends on the holder, so no share of it can be said to move"),
            ),
            (Some(_), Some(share)) if share.is_negative() || share > Rational::one() => {
                Diagnostic::error(Code::SPM110, format!("the share of `{name}` must be from 0 to 100%"))
            }
            (Some(index), Some(share)) => {
                found.push((index, share));
                continue;
            }
            (Some(_), None) => continue,
        };
        sink.push(fault.at(Place::Text(place.clone()), ""));
    }
    found
}

fn check_measure(item: &Raw, tables: &Tables, holders: &str, sink: &mut Sink) -> Option<BalanceMeasure> {
    let place = item.get("name")?.place.clone();
    let (accounts, transactions) = (tables.columns("accounts"), tables.columns("transactions"));
    let mut number = |key: &str, columns: &Columns| {
        let item = item.get(key)?;
        check_typed(item.as_text()?, &item.place, columns, Type::Number, sink)
    };
    let held = tables.columns(holders);
    let (least, most, pair) =
        (number("least", &held), number("most", &held), number("pair", &tables.columns("costs")));
    let words = ["equal", "capacity"];
    let target = match item.text("target") {
        Some(text) if !words.contains(&text) => number("target", &held),
        _ => None,
    };
    let load = match (item.get("value"), item.get("transactions")) {
        (None, None) if item.get("pair").is_some() => Load::Pair(pair?),
        (Some(value), None) => {
            Load::Account(check_typed(value.as_text()?, &value.place, &accounts, Type::Number, sink)?)
        }
        (None, Some(value)) => {
            let amount = check_typed(value.as_text()?, &value.place, &transactions, Type::Number, sink);
            let condition = item
                .get("where")
                .map(|item| check_typed(item.as_text()?, &item.place, &transactions, Type::Boolean, sink));
            match condition {
                Some(condition) => Load::Transactions(amount?, Some(condition?)),
                None => Load::Transactions(amount?, None),
            }
        }
        _ => {
            let fault =
                Diagnostic::error(Code::SPM304, "a measure has one of `value`, `transactions` and `pair`");
            sink.push(
                fault
                    .at(Place::Text(place), "")
                    .hint("value = \"1\" counts accounts; transactions = \"amount\" adds up their sales"),
            );
            return None;
        }
    };
    let tolerance = item.number("tolerance");
    if tolerance.is_none() && item.get("least").is_none() && item.get("most").is_none() {
        let fault = Diagnostic::error(Code::SPM304, "a measure needs a `tolerance`, or `least` or `most`");
        sink.push(
            fault
                .at(Place::Text(place), "")
                .hint("tolerance = \"10%\" balances; most = \"capacity\" only limits"),
        );
        return None;
    }
    if tolerance.is_some() && item.get("pair").is_some() {
        let fault =
            Diagnostic::error(Code::SPM304, "a `pair` load has no total, so a `tolerance` means nothing");
        sink.push(fault.at(Place::Text(place), "").hint("limit it instead: most = \"capacity\""));
        return None;
    }
    for key in ["tolerance", "price"] {
        if item.number(key).as_ref().is_some_and(Rational::is_negative) {
            let fault = Diagnostic::error(Code::SPM110, format!("`{key}` must be zero or more"));
            sink.push(fault.at(Place::Text(item.get(key)?.place.clone()), ""));
        }
    }
    if let Some(tolerance) = item.number("tolerance").filter(|own| *own > Rational::one()) {
        let message = format!(
            "a tolerance of {} allows nothing and more than twice the target",
            tolerance.to_percent()
        );
        let fault = Diagnostic::warning(Code::SPM110, message);
        let fault = fault.at(Place::Text(item.get("tolerance")?.place.clone()), "");
        sink.push(fault.hint("write per cents with their sign: tolerance = \"50%\""));
    }
    let target = match item.text("target") {
        None | Some("equal") => Target::Equal,
        Some("capacity") => Target::Capacity,
        Some(_) => Target::Given(target?),
    };
    Some(BalanceMeasure {
        name: item.text("name")?.to_owned(),
        load,
        tolerance,
        least,
        most,
        target,
        price: item.number("price"),
        place,
    })
}
