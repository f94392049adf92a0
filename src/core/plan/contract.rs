//! The canonical tables: name, type and meaning of every column that calculations rely on (floor 1).

/// Ends the holder name of the own quota of somebody who leads others as well.
pub const OWN_QUOTA: &str = " (own)";

/// What a column holds. How many decimals an exact column carries is a property of the data, found while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text; identifiers are text even where an extract has integers.
    Text,
    /// An exact number: integers, decimals, money, rates. Never a float.
    Number,
    /// A binary float, for coordinates and the like. Never mixed with exact numbers.
    Float,
    /// A day.
    Date,
    /// A moment, UTC. Expressions see its day.
    Moment,
    /// True or false.
    Boolean,
}

impl Type {
    /// Type names as a mapping writes them.
    pub const NAMES: [&'static str; 6] = ["text", "number", "float", "date", "moment", "boolean"];

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "number" => Self::Number,
            "float" => Self::Float,
            "date" => Self::Date,
            "moment" => Self::Moment,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Float => "float",
            Self::Date => "date",
            Self::Moment => "moment",
            Self::Boolean => "boolean",
        }
    }
}

/// What the check demands of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// May be absent or empty.
    Optional,
    /// Must be mapped, and have a value in every row.
    Required,
    /// Must be mapped, may be empty in a row.
    Mapped,
}

/// A canonical column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Type,
    /// What the check demands.
    pub rule: Rule,
    /// The table whose key the value must be, when it refers to one.
    pub refers: Option<&'static str>,
    /// Meaning and unit.
    pub doc: &'static str,
}

/// A canonical table.
#[derive(Debug)]
pub struct Contract {
    /// Name, as in `[sources.NAME]`.
    pub name: &'static str,
    /// Columns that together identify a row; empty when rows have no key.
    pub key: &'static [&'static str],
    /// Columns.
    pub columns: &'static [Column],
    /// What a row is.
    pub doc: &'static str,
}

const fn column(name: &'static str, kind: Type, rule: Rule, doc: &'static str) -> Column {
    Column { name, kind, rule, refers: None, doc }
}

const fn reference(name: &'static str, rule: Rule, refers: &'static str, doc: &'static str) -> Column {
    Column { name, kind: Type::Text, rule, refers: Some(refers), doc }
}

use Rule::{Mapped, Optional, Required};
use Type::{Date, Float, Moment, Number, Text};

/// Every fact may say when it became known.
const RECORDED_AT: Column = column(
    "recorded_at",
    Moment,
    Optional,
    "when it became known: rows of one key that differ here are versions, of which the last one known counts",
);

/// Every canonical table.
pub static CONTRACTS: &[Contract] = &[
    Contract {
        name: "accounts",
        key: &["account_id"],
        doc: "A customer or prospect.",
        columns: &[
            column("account_id", Text, Required, "key"),
            column("name", Text, Optional, "shown in reports"),
            column("segment", Text, Optional, "market segment"),
            column("latitude", Float, Optional, "degrees, -90 to 90"),
            column("longitude", Float, Optional, "degrees, -180 to 180"),
            column("unit_id", Text, Optional, "geographic unit: ZIP code, county"),
            reference("owner_id", Optional, "reps", "the salesperson who has the account today"),
            column("territory_id", Text, Optional, "the territory the account is in today"),
            column("parent_id", Text, Optional, "the account that this one belongs to"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "reps",
        key: &["rep_id"],
        doc: "A person who sells or manages.",
        columns: &[
            column("rep_id", Text, Required, "key"),
            column("name", Text, Optional, "shown in reports"),
            column("role", Text, Optional, "job, such as AE or manager"),
            reference("manager_id", Optional, "reps", "the person this one reports to"),
            column("territory_id", Text, Optional, "the territory or group this person belongs to"),
            column("hire_date", Date, Optional, "first day"),
            column("end_date", Date, Optional, "first day after the last"),
            column("latitude", Float, Optional, "home, degrees"),
            column("longitude", Float, Optional, "home, degrees"),
            column("capacity", Number, Optional, "how much this person can carry, relative to the others"),
            column("currency", Text, Optional, "currency of payment"),
            column("target_pay", Number, Optional, "variable pay at 100 % of goal, per year"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "assignments",
        key: &["rep_id", "territory_id", "from"],
        doc: "The dated link between a person and a territory.",
        columns: &[
            reference("rep_id", Required, "reps", "the person"),
            column("territory_id", Text, Required, "the territory"),
            column("from", Date, Required, "first day"),
            column("to", Date, Optional, "first day after the last; empty while it lasts"),
            column("share", Number, Optional, "part of the credit, 1 when empty"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "territories",
        key: &["territory_id"],
        doc: "A territory, held by somebody or open.",
        columns: &[
            column("territory_id", Text, Required, "key"),
            column("name", Text, Optional, "shown in reports"),
            column("latitude", Float, Optional, "centre, degrees"),
            column("longitude", Float, Optional, "centre, degrees"),
            column("capacity", Number, Optional, "how much the territory can carry"),
        ],
    },
    Contract {
        name: "costs",
        key: &["account_id", "territory_id"],
        doc: "What it costs to serve an account from a territory. A pair that is absent is not allowed.",
        columns: &[
            reference("account_id", Required, "accounts", "the account"),
            column("territory_id", Text, Required, "the territory, or the person who holds it"),
            column("cost", Number, Required, "zero or more, in kilometres or any unit"),
            column("load", Number, Optional, "what the account takes of the territory's capacity"),
        ],
    },
    Contract {
        name: "adjacency",
        key: &["area_id", "neighbour_id"],
        doc: "Areas that touch, such as counties. One row for a pair is enough.",
        columns: &[
            column("area_id", Text, Required, "an area, as `contiguous` of the plan names it"),
            column("neighbour_id", Text, Required, "an area that touches it"),
        ],
    },
    Contract {
        name: "transactions",
        key: &["transaction_id", "line_id"],
        doc: "A booking, refund or any other event that may earn credit.",
        columns: &[
            column("transaction_id", Text, Required, "key, with line_id"),
            column("line_id", Text, Optional, "line of the transaction"),
            reference("account_id", Optional, "accounts", "the customer"),
            reference("rep_id", Optional, "reps", "the salesperson on the transaction"),
            column("event_date", Date, Required, "the day it belongs to"),
            RECORDED_AT,
            column("amount", Number, Required, "money, or units"),
            column("currency", Text, Optional, "currency of the amount"),
            column("kind", Text, Optional, "booking, refund..."),
            column(
                "refund_of",
                Text,
                Optional,
                "the transaction that this one takes back: it counts on that one's date while both are in one fiscal year, as `refunds` of a plan says",
            ),
        ],
    },
    Contract {
        name: "opportunities",
        key: &["opportunity_id"],
        doc: "A deal that is open, won or lost: the pipeline of a forecast.",
        columns: &[
            column("opportunity_id", Text, Required, "key"),
            reference("account_id", Optional, "accounts", "the customer or prospect"),
            reference("rep_id", Optional, "reps", "the salesperson"),
            column("stage", Text, Required, "the stage it is in, or was in when it was closed"),
            column("status", Text, Required, "open, won or lost"),
            column("close_date", Date, Required, "the day it should close, or was closed"),
            column("amount", Number, Required, "what it is worth when won"),
            column("probability", Number, Optional, "how likely it is to be won: 0.4 or 40%"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "splits",
        key: &["transaction_id", "rep_id", "role", "type"],
        doc: "Who shares the credit of a transaction.",
        columns: &[
            column("transaction_id", Text, Required, "the transaction"),
            reference("rep_id", Required, "reps", "who is credited"),
            column("role", Text, Optional, "in which role"),
            column("share", Number, Required, "part of the amount: 0.6 or 60%"),
            column("type", Text, Optional, "split (totals 100 %) or overlay; split when empty"),
            column(
                "quota_share",
                Number,
                Optional,
                "part of the amount that retires quota, where that is another one: see `quota_share` of a credit",
            ),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "releases",
        key: &["transaction_id", "event", "date", "reference"],
        doc: "An event that makes held parts of a transaction's earnings payable.",
        columns: &[
            column("transaction_id", Text, Required, "the transaction"),
            column("event", Text, Required, "the event, as in a component's `release`: invoice, cash..."),
            column("date", Date, Required, "the day of the event"),
            column(
                "amount",
                Number,
                Optional,
                "how much of the transaction's amount it is for, such as cash received; all when empty",
            ),
            column(
                "reference",
                Text,
                Optional,
                "tells events of one day apart: number of an invoice, a payment",
            ),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "cancellations",
        key: &["transaction_id"],
        doc: "A transaction that ended before its time: see a plan's `clawback`.",
        columns: &[
            column("transaction_id", Text, Required, "the transaction"),
            column("date", Date, Required, "first day that is not served"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "hierarchy",
        key: &["rep_id", "from"],
        doc: "Who reports to whom over time, when reps.manager_id is not enough.",
        columns: &[
            reference("rep_id", Required, "reps", "the person"),
            reference("manager_id", Required, "reps", "the person above"),
            column("from", Date, Optional, "first day; always when empty"),
            column("to", Date, Optional, "first day after the last; empty while it lasts"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "rep_history",
        key: &["rep_id", "from"],
        doc: "What was, or will be, different about a person: a transfer, a new role, another target. On the days of a row, its cells stand in for those of reps; an empty cell, and a day without a row, are as in reps. Any column of reps may be here but hire_date and end_date.",
        columns: &[
            reference("rep_id", Required, "reps", "the person"),
            column("from", Date, Optional, "first day; always when empty"),
            column("to", Date, Optional, "first day after the last; the person's next row when empty"),
            column("role", Text, Optional, "as in reps"),
            reference("manager_id", Optional, "reps", "as in reps; where there is no table hierarchy"),
            column("territory_id", Text, Optional, "as in reps"),
            column("capacity", Number, Optional, "as in reps"),
            column("currency", Text, Optional, "as in reps"),
            column("target_pay", Number, Optional, "as in reps"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "leaves",
        key: &["rep_id", "from"],
        doc: "An absence that relieves goals and targets.",
        columns: &[
            reference("rep_id", Required, "reps", "the person"),
            column("from", Date, Required, "first day"),
            column("to", Date, Required, "first day after the last"),
            column(
                "relief",
                Number,
                Optional,
                "part of goal and target that the days relieve; all when empty",
            ),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "plan_assignments",
        key: &["rep_id", "plan_id", "from"],
        doc: "Who is in which compensation plan over time. Where this table is there, a plan pays the people whom it has in the plan, on those days, who are also `eligible`.",
        columns: &[
            reference("rep_id", Required, "reps", "the person"),
            column("plan_id", Text, Required, "the `id` of the plan"),
            column("from", Date, Optional, "first day; always when empty"),
            column("to", Date, Optional, "first day after the last; empty while it lasts"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "rates",
        key: &["from_currency", "to_currency", "type", "period", "date"],
        doc: "An exchange rate: one unit of the first currency is `rate` units of the second.",
        columns: &[
            column("from_currency", Text, Required, "ISO 4217 code"),
            column("to_currency", Text, Required, "ISO 4217 code"),
            column(
                "type",
                Text,
                Optional,
                "plan, average (both by period) or spot (by date); plan when empty",
            ),
            column(
                "period",
                Text,
                Optional,
                "a period of the calendar or a group such as 2027; every period when empty",
            ),
            column("date", Date, Optional, "the day of a spot rate, or a day in the period"),
            column("rate", Number, Required, "the rate, exact"),
            RECORDED_AT,
        ],
    },
    Contract {
        name: "quotas",
        key: &["holder_id", "measure", "period", "date"],
        doc: "A goal for one holder, measure and period.",
        columns: &[
            column(
                "holder_id",
                Text,
                Required,
                "rep, territory or group; where quotas are allocated, somebody who leads others and sells is two holders: `NAME` for the team, `NAME (own)` for what they sell",
            ),
            column("measure", Text, Optional, "name of the quota; `quota` when empty"),
            column("period", Text, Optional, "a period of the calendar; this or `date` must be mapped"),
            column("date", Date, Optional, "a day in the period, when the extract has no period name"),
            column("amount", Number, Mapped, "the goal, in the unit of the measure"),
            RECORDED_AT,
        ],
    },
];

/// The contract of that name.
#[must_use]
pub fn contract(name: &str) -> Option<&'static Contract> {
    CONTRACTS.iter().find(|contract| contract.name == name)
}

impl Contract {
    /// The canonical column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
