//! How the ledger of a project is kept: `[ledger]` of `spm.toml` (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::rational::Rational;
use crate::ground::source::{Place, TextPlace};

use super::raw::Raw;
use super::shape::{Field, Kind, Shape};

/// What a column of the payroll file may hold.
pub const PAYMENT_FIELDS: [&str; 9] = [
    "creditor",
    "amount",
    "currency",
    "reference",
    "period",
    "posted",
    "hash",
    "end_to_end",
    "execution_date",
];

/// What a column of the payroll file is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payroll {
    /// One of [`PAYMENT_FIELDS`].
    Field(String),
    /// What a column of reps said of the person when the period was posted.
    Person(String),
    /// The same text in each row.
    Text(String),
}

impl Payroll {
    /// A field, `reps.COLUMN`, or a text in single quotes.
    fn of(text: &str) -> Option<Self> {
        if let Some(text) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return Some(Self::Text(text.replace("''", "'"))).filter(|_| !is_formula(text));
        }
        match text.strip_prefix("reps.") {
            Some(column) => Some(Self::Person(column.to_owned())).filter(|_| !column.is_empty()),
            None => PAYMENT_FIELDS.contains(&text).then(|| Self::Field(text.to_owned())),
        }
    }
}

/// Whether a spreadsheet would run a text as a formula, whoever opens the file. A number is a number to it.
#[must_use]
pub fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '@', '+', '-', '\t', '\r']) && text.parse::<Rational>().is_err()
}

/// The accounts of journal entries, each with its name when the project gives it none.
pub const ACCOUNTS: [(&str, &str); 8] = [
    ("expense", "commission expense"),
    ("asset", "capitalised commission"),
    ("amortization", "amortization of commission"),
    ("payroll", "payroll clearing"),
    ("held", "commission held"),
    ("carried", "negative pay carried"),
    ("draw", "draws receivable"),
    ("clawback", "clawbacks receivable"),
];

pub(super) static LEDGER: Shape = Shape {
    name: "ledger",
    doc: "How the ledger is kept, and what it hands to payroll and the general ledger.",
    fields: &[
        Field::optional(
            "two_person",
            Kind::Boolean,
            "whether an adjustment is approved by somebody else than its author; true when absent",
        ),
        Field::optional(
            "payments",
            Kind::Map(&Kind::Text),
            "columns of the payroll file, in order: its heading = creditor, amount, currency, reference, period, posted (when it was posted), hash (of the record: kept with payroll, it shows later that the ledger was not cut off), end_to_end (an identifier of at most 35 characters that no other payment has), execution_date (the day of payment: `ledger payments --execution-date`), reps.COLUMN (what that column of reps, a text or number, said of the person when the period was posted: a cost centre, a company code) or 'TEXT' in single quotes (the same in each row); creditor, amount, currency, reference when absent",
        ),
        Field::optional(
            "accounts",
            Kind::Map(&Kind::Text),
            "accounts of journal entries: expense, asset, amortization, payroll, held, carried, draw, clawback = a number or name of the general ledger",
        ),
        Field::optional(
            "capitalise",
            Kind::List(&Kind::Table(&CAPITALISE)),
            "which commission is an asset (ASC 340-40, IFRS 15) and over how long it is amortized",
        ),
    ],
};

static CAPITALISE: Shape = Shape {
    name: "capitalise",
    doc: "Commission that is capitalised: incremental costs of obtaining a contract. The first entry that fits a line counts.",
    fields: &[
        Field::required("plan", Kind::Text, "the plan"),
        Field::optional("component", Kind::Text, "the component; all of the plan when absent"),
        Field::required(
            "months",
            Kind::Integer(1, 600),
            "the benefit period: straight line by months from the one in which it was earned, the last takes what rounding leaves",
        ),
        Field::optional(
            "expedient",
            Kind::Boolean,
            "whether a benefit period of at most 12 months is expensed at once (practical expedient); true when absent",
        ),
    ],
};

/// How the ledger is kept.
#[derive(Clone, Debug)]
pub struct LedgerSpec {
    /// Whether an adjustment is approved by somebody else than its author.
    pub two_person: bool,
    /// Columns of the payroll file: heading, and what it is filled with.
    pub payments: Vec<(String, Payroll)>,
    /// Names of accounts, in the order of [`ACCOUNTS`].
    pub accounts: Vec<String>,
    /// What is capitalised.
    pub capitalise: Vec<Capitalise>,
}

/// Commission that is capitalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capitalise {
    /// The plan.
    pub plan: String,
    /// The component; `None` for all.
    pub component: Option<String>,
    /// Months of the benefit period.
    pub months: u32,
    /// Whether the practical expedient applies.
    pub expedient: bool,
}

impl LedgerSpec {
    /// The columns of reps that payroll gets.
    #[must_use]
    pub fn columns_of_reps(&self) -> Vec<&str> {
        let filled = self.payments.iter().map(|(_, filled)| filled);
        filled
            .filter_map(|filled| if let Payroll::Person(name) = filled { Some(name.as_str()) } else { None })
            .collect()
    }

    /// The checked table; what an absent one means.
    pub(super) fn check(raw: Option<&Raw>, sink: &mut Sink) -> Self {
        let entries = |key: &str| raw.and_then(|raw| raw.get(key)).map_or(&[][..], Raw::entries);
        let mut payments = Vec::new();
        for (heading, _, value) in entries("payments") {
            let field = value.as_text().unwrap_or_default();
            match Payroll::of(field) {
                Some(filled) => payments.push((heading.clone(), filled)),
                None if field.starts_with('\'') => {
                    let message = format!("{field} is no text that can be handed over");
                    let fault =
                        Diagnostic::error(Code::SPM008, message).at(Place::Text(value.place.clone()), "");
                    sink.push(fault.hint("it ends with a single quote, too, and does not begin with =, @, + or -, which a spreadsheet would run"));
                }
                None => unknown(sink, field, &value.place, &PAYMENT_FIELDS, "field of payments"),
            }
        }
        if payments.is_empty() {
            let field = |name: &&str| ((*name).to_owned(), Payroll::Field((*name).to_owned()));
            payments = PAYMENT_FIELDS[..4].iter().map(field).collect();
        }
        let names = ACCOUNTS.map(|(key, _)| key);
        let mut accounts: Vec<String> = ACCOUNTS.iter().map(|(_, name)| (*name).to_owned()).collect();
        for (key, place, value) in entries("accounts") {
            match names.iter().position(|name| name == key) {
                Some(index) => accounts[index] = value.as_text().unwrap_or_default().to_owned(),
                None => unknown(sink, key, place, &names, "account"),
            }
        }
        let capitalise = raw.map_or(&[][..], |raw| raw.list("capitalise")).iter().filter_map(|item| {
            Some(Capitalise {
                plan: item.text("plan")?.to_owned(),
                component: item.text("component").map(str::to_owned),
                months: u32::try_from(item.integer("months")?).ok()?,
                expedient: item.boolean("expedient").unwrap_or(true),
            })
        });
        Self {
            two_person: raw.and_then(|raw| raw.boolean("two_person")).unwrap_or(true),
            payments,
            accounts,
            capitalise: capitalise.collect(),
        }
    }
}

fn unknown(sink: &mut Sink, text: &str, place: &TextPlace, names: &[&str], what: &str) {
    let fault = Diagnostic::error(Code::SPM010, format!("there is no {what} `{text}`"));
    let near = suggestion(text, names.iter().copied());
    sink.push(fault.at(Place::Text(place.clone()), "").hint(match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("they are: {}", names.join(", ")),
    }));
}
