//! The shape of a compensation plan, as data: what the file may say (floor 1).

use crate::ground::round::Rounding;
use crate::plan::header_fields;
use crate::plan::shape::{Field, Kind, Shape};

use super::balances::{CLAWBACK, DRAW, LEAVER, MINIMUM};
use super::others::REACHED;

const ON: Kind = Kind::Choice(&["amount", "attainment", "lookup"]);
const PER: Kind = Kind::Choice(&["period", "quarter", "year"]);

/// The shape of a compensation plan.
pub static COMP: Shape = Shape {
    name: "comp",
    doc: "A compensation plan: which transactions are credited to whom, what is measured, and what it pays.",
    fields: &[
        header_fields::VERSION,
        header_fields::KIND,
        header_fields::ID,
        header_fields::TITLE,
        header_fields::EFFECTIVE,
        Field::optional(
            "currency",
            Kind::Currency,
            "currency of amounts and payments; that of the project when absent",
        ),
        Field::optional(
            "eligible",
            Kind::Expression,
            "condition over reps: who is in the plan; everyone when absent",
        ),
        Field::optional(
            "rounding",
            Kind::Choice(&Rounding::NAMES),
            "how an earning is rounded to the minor unit; half-away-from-zero when absent",
        ),
        Field::optional(
            "proration",
            Kind::Choice(&["days", "months", "workdays", "none"]),
            "how targets, goals of the plan and guarantees shrink for a period in which a payee takes part only partly: by calendar days (default), by whole calendar months, by Mondays to Fridays, or not",
        ),
        Field::optional(
            "conversion",
            Kind::Choice(&["plan", "spot", "period-average"]),
            "how transactions in another currency are converted: the rate of that type from the table rates, `plan` (default) and `period-average` by period, `spot` by event date",
        ),
        Field::optional(
            "refunds",
            Kind::Choice(&["original", "current"]),
            "where a transaction with `refund_of` counts: original (default), on the date of the transaction that it takes back while both are in one fiscal year and that one is in the run or in a period that the ledger corrects, else on its own date; current, always on its own date. On either it is credited to whom its sale was",
        ),
        Field::optional(
            "pay_currency",
            Kind::Choice(&["plan", "payee"]),
            "in which currency payees are paid: the plan's (default), or `payee`, that of reps.currency (the plan's where it is empty). Goals, attainment and every line stay in the plan's; what a payee's lines of a period add up to is converted once, with the rate of the plan's `conversion` for the period (`spot`: of its last day), and rounded once. Not with a recoverable draw, clawback or release, nor where a ledger or the table releases settles balances",
        ),
        Field::required(
            "credit",
            Kind::List(&Kind::Table(&CREDIT)),
            "which transactions count, for whom, how much",
        ),
        Field::required(
            "measure",
            Kind::List(&Kind::Table(&MEASURE)),
            "what is added up, over which window, against which goal",
        ),
        Field::required("component", Kind::List(&Kind::Table(&COMPONENT)), "what a measure pays"),
        Field::optional("ramp", Kind::List(&Kind::Table(&RAMP)), "reduced goals for new hires"),
        Field::optional(
            "cap",
            Kind::Table(&PLAN_CAP),
            "most that all components of the plan pay together; the excess is a line of its own",
        ),
        Field::optional(
            "guarantee",
            Kind::Table(&GUARANTEE),
            "least that the plan pays; what is missing is a line of its own (a non-recoverable draw)",
        ),
        Field::optional("draw", Kind::Table(&DRAW), "an advance on later pay"),
        Field::optional("clawback", Kind::Table(&CLAWBACK), "what cancelled transactions give back"),
        Field::optional(
            "minimum_payment",
            Kind::Table(&MINIMUM),
            "what is paid at least if anything is; less is carried to the next period",
        ),
        Field::optional("leaver", Kind::Table(&LEAVER), "what happens after reps.end_date"),
    ],
};

static CREDIT: Shape = Shape {
    name: "credit",
    doc: "Which transactions count, for whom, how much.",
    fields: &[
        Field::required("name", Kind::Text, "name, used by measures"),
        Field::optional("where", Kind::Expression, "condition over transactions; all of them when absent"),
        Field::optional(
            "amount",
            Kind::Expression,
            "what is credited, over the columns of transactions; `amount` when absent",
        ),
        Field::optional(
            "lookup",
            Kind::Expression,
            "a second number of each transaction, such as its margin rate, with which a component of window transaction can look up its rate (on = \"lookup\")",
        ),
        Field::optional(
            "share",
            Kind::Number,
            "part of the amount that is credited, such as 50%; all when absent",
        ),
        Field::optional(
            "to",
            Kind::Choice(&["rep", "splits", "overlays", "territory", "managers"]),
            "who is credited; rep when absent. rep: the rep of the transaction. splits: its shares of type split, or the rep when it has none. overlays: its shares of type overlay. territory: whoever holds the account's territory on the day. managers: the chain above the credited person",
        ),
        Field::optional("role", Kind::Text, "with splits or overlays: only shares of this role"),
        Field::optional(
            "quota_share",
            Kind::Boolean,
            "with splits: whether the shares are those of splits.quota_share, which need not total 100 % (`share` where it is empty): for a measure of what retires quota; false when absent",
        ),
        Field::optional("levels", Kind::Integer(1, 64), "with managers: how many levels up; all when absent"),
        Field::optional(
            "of",
            Kind::Choice(&["rep", "splits", "overlays", "territory"]),
            "with managers: whose managers; rep when absent",
        ),
        Field::optional(
            "net_of_lower",
            Kind::Number,
            "with managers: the part that each level below keeps, so that a manager n levels up is credited with amount x (1 - it) ^ n; nothing when absent: everyone is credited in full",
        ),
        Field::optional(
            "effective",
            Kind::Table(&header_fields::EFFECTIVE_SHAPE),
            "event dates that count, as for a SPIF; those of the plan when absent",
        ),
    ],
};

static MEASURE: Shape = Shape {
    name: "measure",
    doc: "What is added up, over which window, against which goal. Exactly one of `credits`, `sql` over other measures, `components` (what they earned), `reached` (how many people did).",
    fields: &[
        Field::required("name", Kind::Text, "name, used by components"),
        Field::optional("credits", Kind::List(&Kind::Text), "names of the credits that are added up"),
        Field::optional(
            "aggregate",
            Kind::Choice(&["sum", "count", "average", "largest", "smallest"]),
            "of the credited amounts: their sum (default), number, average, largest or smallest",
        ),
        Field::optional(
            "sql",
            Kind::Expression,
            "instead of credits: a number calculated from other measures and number columns of reps by name, such as margin / revenue; division is exact, by zero it is NULL, and a measure without credits is 0. It has the window of the measures that it names",
        ),
        Field::optional(
            "components",
            Kind::List(&Kind::Text),
            "instead of credits: what these components have earned, which stand above the one that looks at it. An override is a rate on what the people below have earned",
        ),
        Field::optional(
            "limits",
            Kind::Choice(&["none", "component", "plan"]),
            "with components: whether their earnings count as if they had no caps, after their own caps, or after the plan's cap and guarantee, too (as these leave of the components that are listed). To be said where there is such a limit",
        ),
        Field::optional(
            "reached",
            Kind::Table(&REACHED),
            "instead of credits: how many people, or which share of them, have reached a level of another measure",
        ),
        Field::optional(
            "whose",
            Kind::Choice(&["own", "below"]),
            "with components and reached: own earnings (default), or those of the people below, by the table hierarchy or manager_id on the last day of each period on which they are in the plan. With `team`: of everyone in it",
        ),
        Field::optional(
            "levels",
            Kind::Integer(1, 64),
            "with whose = \"below\": how many levels down, 1 for those who report directly; all when absent",
        ),
        Field::optional(
            "window",
            Kind::Choice(&["transaction", "period", "quarter-to-date", "year-to-date", "rolling"]),
            "over which the measure accumulates; period when absent. transaction: each credit is measured and paid on its own. With sql: that of the measures that it names; to be said where these differ, as one of theirs or as period (paid anew in each)",
        ),
        Field::optional(
            "periods",
            Kind::Integer(1, 120),
            "with window rolling: how many periods, this one included",
        ),
        Field::optional(
            "team",
            Kind::Text,
            "measure a whole team instead of each payee: a text column of reps whose equal values make a team, or \"all\" for everyone in the plan",
        ),
        Field::optional("goal", Kind::Table(&GOAL), "what 100 % attainment is"),
        Field::optional(
            "allow_double",
            Kind::Boolean,
            "whether a payee whom several credits credit with one transaction counts each; false when absent: the first credit in the list counts",
        ),
    ],
};

static GOAL: Shape = Shape {
    name: "goal",
    doc: "Where the goal of a payee comes from: exactly one of quota, amount, column, sql. The goal of a window is the sum of its periods' goals; of a measure that does not add up (a quotient, average, largest, smallest, how many reached a level), it is the last one as it is stated.",
    fields: &[
        Field::optional(
            "quota",
            Kind::Text,
            "name of a quota in the quotas table (its column `measure`). A measure of own credits (no team, no managers) takes the quota of the holder `NAME (own)` where there is one, else of NAME; one of managers' credits that of NAME, the team's; one of a team, where the payee has none, that of the team (holder_id is its name, or all)",
        ),
        Field::optional("amount", Kind::Number, "the same goal for everyone"),
        Field::optional("column", Kind::Text, "a number column of reps"),
        Field::optional("sql", Kind::Expression, "a number calculated from number columns of reps"),
        Field::optional(
            "per",
            PER,
            "what amount, column or sql is for: each leaf period (default), each quarter or each year, shared equally by its periods",
        ),
        Field::optional(
            "basis",
            Kind::Choice(&["to-date", "quarter", "year"]),
            "what the window is compared with: the goals of its periods so far (default), or of the whole quarter or year; a target-share then pays its part of the target of the whole quarter or year (a rolling window, that of the period)",
        ),
        Field::optional(
            "prorate",
            Kind::Boolean,
            "whether the goal shrinks with participation as the plan's `proration` says; true when absent, but false for quotas and for measures that do not add up, whose goals are taken as they stand",
        ),
        Field::optional("ramp", Kind::Text, "name of the ramp that new hires get"),
        Field::optional(
            "retro",
            Kind::Boolean,
            "with quota: whether a quota that changes restates the periods before it, so that every period of the window has the quota of the last one; false when absent: each keeps its own",
        ),
    ],
};

static RAMP: Shape = Shape {
    name: "ramp",
    doc: "Part of the goal that a new hire has, by month of tenure from reps.hire_date.",
    fields: &[
        Field::required("name", Kind::Text, "name, used by goals"),
        Field::required(
            "shares",
            Kind::List(&Kind::Number),
            "part of the goal in the first month, the second, ...; 100% after the last",
        ),
        Field::optional(
            "accelerators",
            Kind::Boolean,
            "whether bands from 100 % on pay their higher rates during the ramp; true when absent. false: everything above pays the rate or amount of the band below 100 %; refused where a curve or matrix is on that attainment",
        ),
    ],
};

static COMPONENT: Shape = Shape {
    name: "component",
    doc: "What a measure pays. Order of calculation: pay, threshold, multiplier, gate, weight, cap, one rounding; then the plan's cap and guarantee.",
    fields: &[
        Field::required(
            "name",
            Kind::Text,
            "name, as in earnings and explanations; `plan cap` and `guarantee` are lines of the plan itself",
        ),
        Field::optional(
            "measure",
            Kind::Text,
            "name of the measure. Formulas and scorecards name their own and need none; with one, they are calculated over its window: for each transaction, or to date less what was earned before. A formula without one has the window of the measures and components that it names as amounts (where it names none, of those whose goal or attainment it names); where these differ, a measure has to be said",
        ),
        Field::required(
            "pay",
            Kind::Choice(&["per-unit", "target-share", "fixed", "formula", "scorecard", "rank", "pool"]),
            "per-unit: rate x measurement. target-share: target x share of the attainment. fixed: an amount once `at` is reached, or the amount of a table. formula: `sql`. scorecard: target x weighted score of several measures. rank: prizes by rank. pool: a sum shared by a team",
        ),
        Field::optional(
            "every",
            Kind::Choice(&["period", "quarter", "year"]),
            "how often it pays: in each leaf period (default), or once, in the last period of each quarter or year (or of the plan), on a window that reaches as far; targets are then those of the whole quarter or year",
        ),
        Field::optional(
            "employed",
            Kind::Boolean,
            "whether it pays only who is in the plan on the last day of the period in which it pays; false when absent: who leaves before is paid by participation",
        ),
        Field::optional(
            "rate",
            QUANTITY,
            "one rate for everything (per-unit), or share of target per 100 % (target-share)",
        ),
        Field::optional("tiers", Kind::Table(&TIERS), "rates by band"),
        Field::optional("curve", Kind::Table(&CURVE), "a payout curve: points joined by lines, or steps"),
        Field::optional("matrix", Kind::Table(&MATRIX), "a table over two measures"),
        Field::optional(
            "target",
            QUANTITY,
            "with target-share and scorecard: pay at 100 %, per period unless its `per` says otherwise",
        ),
        Field::optional("amount", QUANTITY, "with fixed: what is paid; with pool: what is shared"),
        Field::optional(
            "at",
            Kind::Number,
            "with fixed and rank: attainment from which it is paid, such as 100%; without a goal, the measurement from which it is paid. Rank without it: more than zero",
        ),
        Field::optional(
            "sql",
            Kind::Expression,
            "with formula: an amount calculated from measures (sales, sales.goal, sales.attainment), columns of reps and components above it (what they earned in the period; with .quarter_to_date or .year_to_date, so far); names with a hyphen or a blank in double quotes",
        ),
        Field::optional("items", Kind::List(&Kind::Table(&ITEM)), "with scorecard: the objectives"),
        Field::optional(
            "missing",
            Kind::Choice(&["error", "proportional", "equal", "zero", "target"]),
            "with scorecard: when an objective has no measurement: an error (default), its weight shared among the others in proportion or equally, a score of zero, or of 100 %",
        ),
        Field::optional(
            "prizes",
            Kind::List(&QUANTITY),
            "with rank: the prizes from the first place on, by attainment when the measure has a goal, else by measurement; tied places pool theirs and share them to the cent",
        ),
        Field::optional(
            "team",
            Kind::Text,
            "with rank and pool: a text column of reps whose equal values make a team; everyone when absent",
        ),
        Field::optional(
            "by",
            Kind::Choice(&["equal", "measure"]),
            "with pool: shared equally (default) or in proportion to the measure, where less than zero counts as zero",
        ),
        Field::optional("threshold", Kind::Table(&THRESHOLD), "nothing is paid below it"),
        Field::optional("multiplier", Kind::List(&Kind::Table(&MULTIPLIER)), "factors on the pay"),
        Field::optional("gate", Kind::List(&Kind::Table(&GATE)), "conditions without which the pay is cut"),
        Field::optional(
            "weight",
            QUANTITY,
            "part of the target or pay that this component stands for, such as 60%",
        ),
        Field::optional(
            "attainment_cap",
            Kind::Number,
            "with per-unit, target-share and fixed: attainment above it counts as this, such as 200%",
        ),
        Field::optional("cap", Kind::Table(&CAP), "most that the component pays"),
        Field::optional(
            "budget",
            Kind::Number,
            "most that the component pays to all payees together in the run's year; first come, first served by event date (transaction windows only)",
        ),
        Field::optional(
            "release",
            Kind::List(&Kind::Table(&RELEASE)),
            "when parts of an earning become payable; all at booking when absent. The last part takes what rounding leaves",
        ),
    ],
};

static TIERS: Shape = Shape {
    name: "tiers",
    doc: "Rates by band. A value exactly on a boundary belongs to the higher band; the last band is open.",
    fields: &[
        Field::optional(
            "mode",
            Kind::Choice(&[
                "marginal",
                "whole",
                "whole-above-goal",
                "proportional-amount",
                "proportional-rate",
            ]),
            "marginal (default): each band pays its own rate. whole: the rate reached pays for everything. whole-above-goal: bands to the goal pay their own, everything above it the rate reached. proportional-amount: each full band adds its amount, the last one in proportion. proportional-rate: the rates of full bands are added, the last one in proportion, and the sum pays for everything. Not with pay fixed, where the band reached pays its amount",
        ),
        Field::required("on", ON, "what `from` is compared with"),
        Field::optional(
            "measure",
            Kind::Text,
            "with mode whole: the measure that `from` is compared with, when it is not the component's own",
        ),
        Field::optional(
            "boundary",
            Kind::Choice(&["higher", "lower"]),
            "with mode whole and whole-above-goal: to which band a value exactly on a boundary belongs; higher when absent",
        ),
        Field::required("steps", Kind::List(&Kind::Table(&STEP)), "the bands, ascending, the first from 0"),
    ],
};

static STEP: Shape = Shape {
    name: "step",
    doc: "A band of a tier table: `rate` or, with mode proportional-amount and with pay = \"fixed\", `amount`.",
    fields: &[
        Field::required("from", Kind::Number, "where the band starts"),
        Field::optional(
            "to",
            Kind::Number,
            "where it ends: the `from` of the next band. Needed only to close the last band of a proportional mode",
        ),
        Field::optional("rate", QUANTITY, "rate inside the band"),
        Field::optional("amount", QUANTITY, "amount of the band"),
    ],
};

static CURVE: Shape = Shape {
    name: "curve",
    doc: "A payout curve. Its value is a rate with per-unit, a share of target with target-share, an amount with fixed, a factor in a multiplier.",
    fields: &[
        Field::optional(
            "on",
            ON,
            "what `at` is compared with; attainment when the measure has a goal, else amount",
        ),
        Field::optional(
            "measure",
            Kind::Text,
            "the measure that `at` is compared with, when it is not the component's own",
        ),
        Field::optional(
            "mode",
            Kind::Choice(&["interpolated", "step"]),
            "lines between the points (default), or the value of the last point reached",
        ),
        Field::required(
            "points",
            Kind::List(&Kind::Table(&POINT)),
            "the points, ascending; two points at one place are a jump",
        ),
        Field::optional(
            "below",
            Kind::Choice(&["zero", "flat", "extend"]),
            "before the first point: zero (default), the first value, or the first line extended",
        ),
        Field::optional(
            "beyond",
            Kind::Choice(&["flat", "extend", "zero"]),
            "after the last point; needed with interpolated: the last value, the last line extended, or zero",
        ),
    ],
};

static POINT: Shape = Shape {
    name: "point",
    doc: "A point of a payout curve.",
    fields: &[
        Field::required("at", Kind::Number, "measurement or attainment"),
        Field::required("pay", Kind::Number, "rate, share of target, amount or factor there"),
    ],
};

static MATRIX: Shape = Shape {
    name: "matrix",
    doc: "A table over two measures. Its value is a rate with per-unit, a share of target with target-share, an amount with fixed. Before the first row or column it is zero; with additive, that side pays nothing and the other its own part.",
    fields: &[
        Field::optional(
            "mode",
            Kind::Choice(&["step", "bilinear", "additive"]),
            "the cell reached (default), interpolated between the four cells around (flat beyond the last), or the sum of the row's and the column's own pay",
        ),
        Field::required("rows", Kind::Table(&AXIS), "the measure of the rows"),
        Field::required("columns", Kind::Table(&AXIS), "the measure of the columns"),
        Field::optional(
            "cells",
            Kind::List(&Kind::List(&Kind::Number)),
            "a list of rows, each a list of values; not with additive",
        ),
    ],
};

static AXIS: Shape = Shape {
    name: "axis",
    doc: "One side of a matrix.",
    fields: &[
        Field::optional("measure", Kind::Text, "its measure; the component's own when absent"),
        Field::optional(
            "on",
            ON,
            "what `at` is compared with; attainment when the measure has a goal, else amount",
        ),
        Field::required("at", Kind::List(&Kind::Number), "where each row or column starts, ascending"),
        Field::optional("pay", Kind::List(&Kind::Number), "with additive: what each row or column pays"),
    ],
};

static ITEM: Shape = Shape {
    name: "item",
    doc: "An objective of a scorecard. Its score is its attainment unless rate, tiers or curve say otherwise.",
    fields: &[
        Field::required("measure", Kind::Text, "its measure, with a goal"),
        Field::required("weight", QUANTITY, "its part of the target"),
        Field::optional("rate", QUANTITY, "score per 100 % of attainment"),
        Field::optional("tiers", Kind::Table(&TIERS), "score by band"),
        Field::optional("curve", Kind::Table(&CURVE), "score by curve"),
    ],
};

static THRESHOLD: Shape = Shape {
    name: "threshold",
    doc: "Nothing is paid below it; what happens to the part below once it is reached has to be said.",
    fields: &[
        Field::required("at", Kind::Number, "measurement or attainment from which anything is paid"),
        Field::required(
            "back_pay",
            Kind::Boolean,
            "once reached: true pays from zero, false only for what lies above",
        ),
        Field::optional(
            "on",
            ON,
            "what `at` is compared with; attainment when the measure has a goal, else amount",
        ),
    ],
};

static MULTIPLIER: Shape = Shape {
    name: "multiplier",
    doc: "A factor on the pay: a number, or a curve over a measure.",
    fields: &[
        Field::optional("value", QUANTITY, "the factor, such as 1.25 or 125%"),
        Field::optional("curve", Kind::Table(&CURVE), "the factor by measurement or attainment"),
    ],
};

static GATE: Shape = Shape {
    name: "gate",
    doc: "A condition without which the pay is cut.",
    fields: &[
        Field::optional("measure", Kind::Text, "its measure; the component's own when absent"),
        Field::optional(
            "on",
            ON,
            "what `at` is compared with; attainment when the measure has a goal, else amount",
        ),
        Field::required("at", Kind::Number, "from where the gate is open"),
        Field::optional(
            "else",
            Kind::Number,
            "part that is paid while it is shut, from 0% to 100%; 0% when absent",
        ),
        Field::optional(
            "catch_up",
            Kind::Boolean,
            "with windows to date: whether what was not paid while it was shut is paid when it opens later; false when absent",
        ),
    ],
};

static CAP: Shape = Shape {
    name: "cap",
    doc: "A limit on what a component pays: an amount, or a share of the target.",
    fields: &[
        Field::optional("amount", QUANTITY, "most that is paid"),
        Field::optional("share", Kind::Number, "most that is paid, as a share of the target, such as 200%"),
        Field::optional(
            "per",
            Kind::Choice(&["transaction", "window", "period", "year"]),
            "what the limit is for; the measure's window when absent",
        ),
        Field::optional(
            "carry",
            Kind::Boolean,
            "with per period: what is above the limit is paid in later periods of the year that have room; false when absent: it is lost",
        ),
    ],
};

static PLAN_CAP: Shape = Shape {
    name: "plan-cap",
    doc: "A limit on what the plan pays.",
    fields: &[
        Field::required("amount", QUANTITY, "most that is paid"),
        Field::optional(
            "per",
            Kind::Choice(&["period", "year"]),
            "what the limit is for; period when absent",
        ),
    ],
};

static GUARANTEE: Shape = Shape {
    name: "guarantee",
    doc: "A floor under what the plan pays in a period.",
    fields: &[
        Field::required(
            "amount",
            QUANTITY,
            "least that is paid in a period, shrunk by participation as `proration` says",
        ),
        Field::optional(
            "months",
            Kind::Integer(1, 1200),
            "for how many months from reps.hire_date, to the day, as with `draw`; always when absent",
        ),
    ],
};

static RELEASE: Shape = Shape {
    name: "release",
    doc: "A part of an earning and the event that makes it payable.",
    fields: &[
        Field::required("share", Kind::Number, "part of the earning; the parts total 100 %"),
        Field::required(
            "on",
            Kind::Text,
            "event: \"booking\" is payable at once, a date (2027-12-31) from that day on; any other (invoice, cash, delivery...) is held until the table `releases` has it for the transaction, in proportion where that has an amount",
        ),
    ],
};

static QUANTITY_TABLE: Shape = Shape {
    name: "quantity",
    doc: "A number that differs by payee, or is stated per quarter or year: exactly one of amount, column, sql.",
    fields: &[
        Field::optional("amount", Kind::Number, "the number"),
        Field::optional("column", Kind::Text, "a number column of reps"),
        Field::optional(
            "sql",
            Kind::Expression,
            "calculated from number columns of reps and from measures (sales, sales.goal, sales.attainment)",
        ),
        Field::optional(
            "per",
            PER,
            "what a target, guarantee or draw is for (any other number has no `per`): each leaf period (default), each quarter or each year, shared equally by its periods",
        ),
        Field::optional(
            "otherwise",
            Kind::Number,
            "what it is where the cell of `column` is empty or `sql` is NULL; when absent, a run that needs it stops and says whose it is",
        ),
    ],
};

pub(super) const QUANTITY: Kind = Kind::Either(&[Kind::Number, Kind::Table(&QUANTITY_TABLE)]);
