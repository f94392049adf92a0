//! The keys of a quota plan (floor 1).

use crate::plan::header_fields;
use crate::plan::shape::{Field, Kind, Shape};
use crate::plan::sold;

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
        Field::optional(
            "weight",
            Kind::Expression,
            "with method weight: weight of a salesperson, over reps; each line may state its own instead",
        ),
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
            "line",
            Kind::List(&Kind::Table(&LINE)),
            "lines that the total is shared among first, such as product lines: each salesperson gets a quota of each, and the plan's own `measure` is all of them together",
        ),
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
            "limit",
            Kind::List(&Kind::Table(&LIMIT)),
            "least and greatest quotas of single holders, also of those above salespeople",
        ),
        Field::optional(
            "over_assignment",
            Kind::Map(&Kind::Number),
            "by level (company, line, a column of levels, manager): how much more than its own quota a holder gives out, such as 5%; -5% is so much less. Levels multiply",
        ),
        Field::optional(
            "over_assignment_of",
            Kind::Map(&Kind::Number),
            "over-assignment of some holders above salespeople, instead of that of their level",
        ),
        Field::optional(
            "bottom_up",
            Kind::Table(&BOTTOM_UP),
            "what salespeople can carry, to be reconciled with the total",
        ),
        Field::optional(
            "capacity",
            Kind::Table(&CAPACITY),
            "what the heads there and to come can bring, beside the quotas: `spm quotas capacity`",
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
            Kind::Choice(&["weights", "history", "days", "working-days"]),
            "where season weights come from. weights (default): those of phasing. history: what was sold in the periods that are `like` each. days: calendar days. working-days: Monday to Friday without `holidays`",
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
        sold::AMOUNT,
        sold::WHERE,
        sold::BY,
        Field::optional(
            "annualise",
            Kind::Boolean,
            "true: who was there for a part of these days, by hire_date, end_date and leaves, counts as if they had sold at the same pace in all of them; false when absent",
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

static LINE: Shape = Shape {
    name: "line",
    doc: "A line of a plan, such as a product line: a level of its own below the company, with its own quotas.",
    fields: &[
        Field::required(
            "name",
            Kind::Text,
            "its name; holders below it are named `name / holder` in locks and parts",
        ),
        Field::optional(
            "measure",
            Kind::Text,
            "name of its quota, as goals refer to it; its name when absent",
        ),
        Field::optional(
            "where",
            Kind::Expression,
            "with a history from transactions: which of them are of this line",
        ),
        Field::optional(
            "total",
            Kind::Number,
            "what the company has to reach in this line; by weight when absent. With quotas from below it is what comes from above",
        ),
        Field::optional("growth", Kind::Number, "growth on the history of this line, instead of `growth`"),
        Field::optional(
            "season",
            Kind::List(&Kind::Number),
            "its own season weights, one for each phasing in that order; with season = \"history\" they are what it sold",
        ),
        Field::optional("history", Kind::Expression, "instead of the history's `value`, over reps"),
        Field::optional("potential", Kind::Expression, "instead of the plan's potential, over reps"),
        Field::optional("last_quota", Kind::Expression, "instead of the last quota's `value`, over reps"),
        Field::optional("weight", Kind::Expression, "instead of the plan's `weight`, over reps"),
        Field::optional("bottom_up", Kind::Expression, "instead of the `value` of bottom_up, over reps"),
        Field::optional("least", Kind::Expression, "least quota of a salesperson in this line, over reps"),
        Field::optional("most", Kind::Expression, "greatest quota of a salesperson in this line, over reps"),
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

static LIMIT: Shape = Shape {
    name: "limit",
    doc: "What the quota of one holder may not fall below or rise above.",
    fields: &[
        Field::required("holder", Kind::Text, "whose: a holder above salespeople, or a salesperson"),
        Field::optional("least", Kind::Number, "least quota for the year"),
        Field::optional("most", Kind::Number, "greatest quota for the year"),
        Field::optional(
            "note",
            Kind::Text,
            "why, and by whom; shown in the explanation where the limit decides",
        ),
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
            "how the gap closes. show (default): it does not, it is shown. bottom-up: quotas are these amounts, each within the own limits. meet: part of the way",
        ),
        Field::optional(
            "share",
            Kind::Number,
            "with policy meet: weight of the bottom-up amounts; 50% when absent",
        ),
    ],
};

static CAPACITY: Shape = Shape {
    name: "capacity",
    doc: "What the sales force can bring: heads x productivity x attainment, with ramp, hires and attrition.",
    fields: &[
        Field::required("productivity", Kind::Number, "what a full head has as quota in a year"),
        Field::optional(
            "attainment",
            Kind::Number,
            "part of that which is expected to be reached; 100% when absent",
        ),
        Field::optional("heads", Kind::Number, "heads at the start; the salespeople of the plan when absent"),
        Field::optional(
            "attrition",
            Kind::Number,
            "part of the heads that leaves within a year, besides the leavers of each period; 0% when absent",
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
            "hires",
            Kind::Number,
            "with capacity: heads that start on the first day; 0 when absent",
        ),
        Field::optional(
            "leavers",
            Kind::Number,
            "with capacity: heads that leave on the last day; 0 when absent",
        ),
        Field::optional(
            "like",
            Kind::List(&Kind::Text),
            "with season = \"history\": periods of the past whose sales are its weight",
        ),
    ],
};
