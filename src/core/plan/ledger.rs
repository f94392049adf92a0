//! How the ledger of a project is kept: `[ledger]` of `spm.toml` (floor 1).

use crate::ground::diagnostic::{Code, Diagnostic, Sink, suggestion};
use crate::ground::source::Place;

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
            "columns of the payroll file, in order: its heading = creditor, amount, currency, reference, period, posted (when it was posted), hash (of the record: kept with payroll, it shows later that the ledger was not cut off), end_to_end (an identifier of at most 35 characters that no other payment has) or execution_date (the day of payment: `ledger payments --execution-date`); creditor, amount, currency, reference when absent",
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
    /// Columns of the payroll file: heading and field.
    pub payments: Vec<(String, String)>,
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
    /// The checked table; what an absent one means.
    pub(super) fn check(raw: Option<&Raw>, sink: &mut Sink) -> Self {
        let entries = |key: &str| raw.and_then(|raw| raw.get(key)).map_or(&[][..], Raw::entries);
        let mut unknown =
            |text: &str, place: &crate::ground::source::TextPlace, names: &[&str], what: &str| {
                let fault = Diagnostic::error(Code::SPM010, format!("there is no {what} `{text}`"));
                let near = suggestion(text, names.iter().copied());
                sink.push(fault.at(Place::Text(place.clone()), "").hint(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("they are: {}", names.join(", ")),
                }));
            };
        let mut payments = Vec::new();
        for (heading, _, value) in entries("payments") {
            let field = value.as_text().unwrap_or_default();
            if !PAYMENT_FIELDS.contains(&field) {
                unknown(field, &value.place, &PAYMENT_FIELDS, "field of payments");
            }
            payments.push((heading.clone(), field.to_owned()));
        }
        if payments.is_empty() {
            payments =
                PAYMENT_FIELDS[..4].iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        }
        let names = ACCOUNTS.map(|(key, _)| key);
        let mut accounts: Vec<String> = ACCOUNTS.iter().map(|(_, name)| (*name).to_owned()).collect();
        for (key, place, value) in entries("accounts") {
            match names.iter().position(|name| name == key) {
                Some(index) => accounts[index] = value.as_text().unwrap_or_default().to_owned(),
                None => unknown(key, place, &names, "account"),
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
