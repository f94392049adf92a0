//! The wide half of commission: transactions to credits to measurements, for one plan.
//!
//! Filters, joins and sums are Polars; shares are cut to the smallest unit in one exact pass over integer columns.
//! Nothing is dropped in silence: a credit without a payee is listed as unresolved with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::engine::comp::{Amounts, Cell, Deal, Payee};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::period::{Calendar, Date, DateRange, epoch_day, from_epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::{CompPlan, CreditRule, Direct, Recipient, Window};
use spm_core::plan::contract::Type;

use crate::convert::{Unrated, convert, faults};
use crate::enrol::enrol;
use crate::history::lay_over;
use crate::load::Tables;
use crate::lower::lower;
use crate::merge::{matches, tasks};
use crate::person::{Found, PeriodByDay, Person};
use crate::refunds::{column, inherited};
use crate::seats::absences;
use crate::splits::{cut, shared_by};
use crate::table::{Column as TableColumn, Table, below, rescaled};

/// Credits and what they add up to.
#[derive(Debug)]
pub struct Credited {
    /// Eligible payees, sorted by identifier.
    pub payees: Vec<Payee>,
    /// What credits come to, by payee, measure and leaf period.
    pub measurements: BTreeMap<Cell, Amounts>,
    /// In event order the credits of measures of window transaction; of those that compare credits, what refunds are about.
    pub deals: BTreeMap<Cell, Vec<Deal>>,
    /// By measure: the credits that it counts by rule (_payee, _period, amount, transaction_id, line_id, event_date), and
    /// the decimals of the amounts.
    pub counted: Vec<Vec<(DataFrame, u32)>>,
    /// One row for each credit: plan_id, credit, payee_id, transaction_id, line_id, account_id, event_date, period,
    /// type (direct, managers), amount.
    pub credits: Table,
    /// One row for each credit without a payee: plan_id, credit, transaction_id, line_id, payee_id, event_date, amount,
    /// reason.
    pub unresolved: Table,
}

/// Credits one plan over the leaf periods `periods`.
pub fn credit(
    plan: &CompPlan,
    tables: &Tables,
    calendar: &Calendar,
    periods: Range<usize>,
    sink: &mut Sink,
) -> Option<Credited> {
    let tables = &*inherited(tables, calendar).map_err(|fault| sink.push(fault)).ok()?;
    let reps = tables.get("reps")?;
    let mut payees = payees(plan, tables, sink)?;
    if let (true, Some(_), Some(rule)) = (payees.is_empty(), &plan.eligible, plan.credits.first()) {
        let message = format!("nobody in reps satisfies `eligible` of plan `{}`: it pays nothing", plan.id);
        let place = Place::File(rule.place.source.path().to_owned());
        let fault = Diagnostic::warning(Code::SPM404, message).at(place, "");
        sink.push(fault.hint("look for another spelling in reps: texts are compared as they are written"));
    }
    let run = days_of(calendar, &periods);
    let (mut measurements, mut deals) = (BTreeMap::new(), BTreeMap::new());
    let Some(days) = run.intersect(&plan.effective) else {
        return Some(Credited {
            payees,
            measurements,
            deals,
            counted: vec![],
            credits: Table::default(),
            unresolved: Table::default(),
        });
    };
    if let Some(measure) = plan.looks_below() {
        let nobody = Crediting { plan, tables, calendar, run, days, payees: &[], reps };
        let mut above = nobody.above(measure).map_err(|fault| sink.push(fault)).ok()?;
        payees.iter_mut().for_each(|payee| payee.above = above.remove(payee.id.as_str()).unwrap_or_default());
    }
    let crediting = Crediting { plan, tables, calendar, run, days, payees: &payees, reps };
    let mut parts = Vec::new();
    for rule in &plan.credits {
        let part = crediting.rule(rule, sink).map_err(|fault| sink.push(fault)).ok()?;
        parts.push(part);
    }
    let mut all_counted = Vec::new();
    for (index, measure) in plan.measures.iter().enumerate() {
        let counted = crediting.counted(measure, &parts, sink).map_err(|fault| sink.push(fault)).ok()?;
        let frames: Vec<(&DataFrame, u32)> =
            counted.iter().map(|(rule, cells)| (cells, parts[*rule].decimals)).collect();
        let refunds = crate::measure::refunds(&frames).map_err(|error| sink.push(internal(&error))).ok()?;
        for (position, (rule, cells)) in counted.iter().enumerate() {
            let (part, rule) = (&parts[*rule], &plan.credits[*rule]);
            let refunds = refunds.as_ref().map(|refunds| &refunds[position]);
            let added = crediting.measure((index, rule), part, (cells, refunds), &mut measurements);
            added.map_err(|fault| sink.push(fault)).ok()?;
            // What is left of a transaction after its refunds is known of single credits only.
            let single = match (measure.window, refunds) {
                (Window::Transaction, _) => Some(cells.clone()),
                (_, Some(refunds)) if measure.aggregate().compares() => {
                    Some(cells.filter(&refunds.apart).map_err(|error| sink.push(internal(&error))).ok()?)
                }
                _ => None,
            };
            if let Some(single) = single {
                crediting.deals(index, part, &single, &mut deals).map_err(|fault| sink.push(fault)).ok()?;
            }
        }
        let frames = counted.into_iter().map(|(rule, cells)| (cells, parts[rule].decimals));
        all_counted.push(frames.collect::<Vec<_>>());
    }
    let table = |pick: fn(&Part) -> &DataFrame| {
        let tables = parts.iter().map(|part| {
            let frame = pick(part).clone();
            Table { columns: output_columns(&frame, part.decimals), frame, files: vec![] }
        });
        let tables: Vec<Table> = tables.collect();
        below(&tables.iter().collect::<Vec<_>>(), &[])
    };
    let (credits, unresolved) = (table(|part| &part.credits), table(|part| &part.unresolved));
    // Event order, then transaction: rules may have credited in turn.
    fn order(deal: &Deal) -> (Date, &str, Option<&str>) {
        (deal.date, &deal.transaction, deal.line.as_deref())
    }
    deals.values_mut().for_each(|deals: &mut Vec<Deal>| deals.sort_by(|a, b| order(a).cmp(&order(b))));
    match (credits, unresolved) {
        (Ok(credits), Ok(unresolved)) => {
            Some(Credited { payees, measurements, deals, counted: all_counted, credits, unresolved })
        }
        (Err(error), _) | (_, Err(error)) => {
            sink.push(Diagnostic::error(Code::SPM402, error.to_string()));
            None
        }
    }
}

/// Who is in a plan, with what changes about them and their absences, sorted by identifier.
pub(crate) fn payees(plan: &CompPlan, tables: &Tables, sink: &mut Sink) -> Option<Vec<Payee>> {
    let reps = tables.get("reps")?;
    let mut payees = people(reps)?;
    let now = eligible(plan, reps, sink)?;
    lay_over(plan, tables, reps, &mut payees, &now, sink)?;
    enrol(plan, tables, &mut payees, sink);
    add_leaves(tables, &mut payees);
    Some(payees)
}

/// The days of periods.
fn days_of(calendar: &Calendar, periods: &Range<usize>) -> DateRange {
    let all = calendar.periods();
    DateRange { from: all[periods.start].range.from, to: all[periods.end - 1].range.to }
}

pub(crate) fn internal(error: &PolarsError) -> Diagnostic {
    Diagnostic::error(Code::SPM502, format!("the credits cannot be calculated: {error}"))
}

fn output_columns(frame: &DataFrame, decimals: u32) -> Vec<TableColumn> {
    let kind = |dtype: &DataType| match dtype {
        DataType::Date => Type::Date,
        DataType::Datetime(..) => Type::Moment,
        DataType::String => Type::Text,
        DataType::Boolean => Type::Boolean,
        _ => Type::Number,
    };
    let column = |column: &Column| {
        let kind = kind(column.dtype());
        let decimals = if column.name() == "amount" { decimals } else { 0 };
        TableColumn { name: column.name().to_string(), kind, decimals }
    };
    frame.columns().iter().map(column).collect()
}

/// Whether each row of people satisfies the plan's `eligible`.
pub(crate) fn eligible(plan: &CompPlan, people: &Table, sink: &mut Sink) -> Option<Vec<bool>> {
    let Some(condition) = &plan.eligible else { return Some(vec![true; people.frame.height()]) };
    let place = plan.credits.first().map(|credit| credit.place.clone())?;
    let lowered = lower(condition, people, &place).map_err(|fault| sink.push(fault)).ok()?;
    let frame = people.frame.clone().lazy().select([lowered.expression.alias("eligible")]).collect();
    let frame = frame.map_err(|error| sink.push(internal(&error))).ok()?;
    let column = frame.column("eligible").ok()?.bool().ok()?;
    // A condition without a column is one row for everybody.
    let one = column.len() == 1 && people.frame.height() > 1;
    let row = |row: usize| column.get(if one { 0 } else { row }) == Some(true);
    Some((0..people.frame.height()).map(row).collect())
}

/// People with their numbers and texts, in the order of the rows.
pub(crate) fn people(reps: &Table) -> Option<Vec<Payee>> {
    let frame = &reps.frame;
    let ids = frame.column("rep_id").ok()?.str().ok()?.clone();
    let mut payees: Vec<Payee> =
        ids.iter().flatten().map(|id| Payee { id: PayeeId::from(id), ..Payee::default() }).collect();
    for column in &reps.columns {
        let values = frame.column(&column.name).ok()?;
        match column.kind {
            Type::Number => {
                for (payee, units) in payees.iter_mut().zip(values.i64().ok()?.iter()) {
                    let number = units.map(|units| Rational::from_scaled(units.into(), column.decimals));
                    payee.numbers.extend(number.map(|number| (column.name.clone(), number)));
                }
            }
            Type::Text => {
                for (payee, text) in payees.iter_mut().zip(values.str().ok()?.iter()) {
                    payee.texts.extend(text.map(|text| (column.name.clone(), text.to_owned())));
                }
            }
            Type::Date if column.name == "hire_date" || column.name == "end_date" => {
                let days = values.date().ok()?.physical().clone();
                for (payee, day) in payees.iter_mut().zip(days.iter()) {
                    let date = day.and_then(from_epoch_day);
                    if column.name == "hire_date" { payee.hired = date } else { payee.left = date }
                }
            }
            _ => {}
        }
    }
    Some(payees)
}

/// Absences, for the proration of goals and targets.
fn add_leaves(tables: &Tables, payees: &mut [Payee]) {
    let mut all = absences(tables);
    for payee in payees {
        let own = all.remove(payee.id.as_str()).unwrap_or_default();
        payee.leaves.extend(own.into_iter().filter_map(|(from, to, relief)| {
            Some((DateRange::new(from_epoch_day(from)?, from_epoch_day(to)?)?, relief))
        }));
    }
}

/// What credits keep of refunds.
pub(crate) const REFUNDS: [&str; 4] = ["_refund_of", column::SALE, column::SOLD, column::PLANNED];

pub(crate) struct Crediting<'a> {
    pub(crate) plan: &'a CompPlan,
    pub(crate) tables: &'a Tables,
    pub(crate) calendar: &'a Calendar,
    /// The days that are credited.
    pub(crate) run: DateRange,
    /// Those of them on which the plan applies.
    pub(crate) days: DateRange,
    pub(crate) payees: &'a [Payee],
    pub(crate) reps: &'a Table,
}

/// The credits of one rule.
pub(crate) struct Part {
    credits: DataFrame,
    unresolved: DataFrame,
    /// Index of the payee and of the period of each credit, and its amount.
    pub(crate) cells: DataFrame,
    pub(crate) decimals: u32,
    /// Decimals of the second number.
    pub(crate) lookup_decimals: u32,
}

impl Crediting<'_> {
    fn rule(&self, rule: &CreditRule, sink: &mut Sink) -> Result<Part, Diagnostic> {
        let transactions =
            self.tables.get("transactions").ok_or_else(|| self.missing("transactions", rule))?;
        let amount = match &rule.share {
            None => rule.amount.clone(),
            Some(share) => rule.amount.times(share),
        };
        let amount = lower(&amount, transactions, &rule.place)?;
        let lookup =
            rule.lookup.as_ref().map(|lookup| lower(lookup, transactions, &rule.place)).transpose()?;
        let mut frame = transactions.frame.clone().lazy().filter(self.counts(rule));
        if let Some(condition) = &rule.condition {
            frame = frame.filter(lower(condition, transactions, &rule.place)?.expression);
        }
        let optional = |name: &str| match transactions.column(name) {
            Some(_) => col(name),
            None => lit(NULL).cast(DataType::String).alias(name),
        };
        let second = lookup.as_ref().map_or_else(|| lit(NULL), |lookup| lookup.expression.clone());
        let refunds = self.keeps_refunds().then(|| {
            let [_, inherited @ ..] = REFUNDS;
            [col("refund_of").alias("_refund_of")].into_iter().chain(inherited.map(col))
        });
        let columns = [
            col("transaction_id"),
            optional("line_id"),
            optional("account_id"),
            optional("rep_id"),
            col("event_date"),
            amount.expression.cast(DataType::Int64).alias("amount"),
            second.cast(DataType::Int64).alias("_lookup"),
            optional("currency").alias("_currency"),
        ];
        let base = frame.select(columns.into_iter().chain(refunds.into_iter().flatten()).collect::<Vec<_>>());
        let base = base.collect().map_err(|error| internal(&error))?;
        let (base, empty) = without_amount(base).map_err(|error| internal(&error))?;
        let (base, decimals, unrated) = convert(self, rule, base, amount.decimals)?;
        let lookup_decimals = lookup.map_or(0, |lookup| lookup.decimals);
        let (direct, levels) = match &rule.recipient {
            Recipient::Direct(direct) => (direct, None),
            Recipient::Managers { of, levels } => (of, Some(levels)),
        };
        let (base, mut decimals, digits) = self.finer(rule, base, decimals, direct)?;
        let shared = self.share(rule, base, direct, digits)?;
        let shared = match levels {
            None => shared,
            Some(levels) => {
                let (rolled, more) = self.roll_up(rule, shared, *levels)?;
                decimals += more;
                rolled
            }
        };
        let mut part =
            self.resolve(rule, shared, levels.is_some(), decimals).map_err(|error| internal(&error))?;
        self.unresolved(rule, empty, &mut part).map_err(|error| internal(&error))?;
        if !unrated.is_empty() {
            without_rate(rule, &part.cells, &unrated, sink).map_err(|error| internal(&error))?;
        }
        Ok(Part { lookup_decimals, ..part })
    }

    /// Which transactions count for a rule: of a refund, its own date says the period, and its sale's the plan and whether the
    /// rule's dates hold.
    fn counts(&self, rule: &CreditRule) -> Expr {
        let within = |column: &str, days: &DateRange| {
            col(column).gt_eq(day(days.from)).and(col(column).lt(day(days.to)))
        };
        let always = DateRange { from: Date::MIN, to: Date::MAX };
        let own = rule.effective.unwrap_or(always);
        if self.keeps_refunds() {
            let planned = within(column::PLANNED, &self.plan.effective);
            return within("event_date", &self.run).and(planned).and(within(column::SOLD, &own));
        }
        // A rule whose dates lie outside of the run credits nothing: a range that ends where it starts.
        let none = DateRange { from: self.days.from, to: self.days.from };
        within("event_date", &self.days.intersect(&own).unwrap_or(none))
    }

    /// Whether transactions say what they take back.
    pub(crate) fn keeps_refunds(&self) -> bool {
        self.tables.get("transactions").is_some_and(|table| table.frame.column(column::SOLD).is_ok())
    }

    /// The column of the day on which a row's people are looked up.
    pub(crate) fn day_of_people(&self) -> &'static str {
        if self.keeps_refunds() { column::SOLD } else { "event_date" }
    }

    /// Amounts in units that shares cut, whatever the other rows are written like: money to the minor unit of the currency
    /// and no coarser than the amount itself, anything else as the shares are written, to a millionth at most. Returns the decimals, and how many of the last digits a
    /// part does without where its amount does.
    fn finer(
        &self,
        rule: &CreditRule,
        base: DataFrame,
        decimals: u32,
        direct: &Direct,
    ) -> Result<(DataFrame, u32, u32), Diagnostic> {
        const FINEST: u32 = 6;
        let shares = match direct {
            Direct::Rep => None,
            Direct::Territory => {
                let table = self.tables.get("assignments");
                table.and_then(|table| table.column("share")).map(|column| column.decimals)
            }
            Direct::Splits(_) | Direct::Overlays(_) => {
                self.tables.get("splits").map(|splits| share_of(splits, rule.quota_share).1)
            }
        };
        let Some(shares) = shares else { return Ok((base, decimals, 0)) };
        // A part of each amount, which the plan states, makes all of them so much finer.
        let stated = rule.share.as_ref().and_then(Rational::decimals).unwrap_or(0);
        let minor = self.plan.currency.decimals() + stated;
        let (finer, digits) = match rule.is_money() {
            true => (decimals.max(minor), decimals.saturating_sub(minor)),
            false => (decimals + shares.min(FINEST), 0),
        };
        let mut base = base;
        let scaled = base.column("amount").and_then(|amounts| rescaled(amounts, finer - decimals));
        let scaled = scaled.and_then(|amounts| base.with_column(amounts).map(|_| ()));
        scaled.map_err(|error| {
            let fault = Diagnostic::error(Code::SPM402, error.to_string());
            fault.at(Place::Text(rule.place.clone()), "")
        })?;
        Ok((base, finer, digits))
    }

    /// Adds the transactions of people in the plan, and of nobody, whose amount for the rule is empty.
    fn unresolved(&self, rule: &CreditRule, empty: DataFrame, part: &mut Part) -> PolarsResult<()> {
        let reps = empty.column("rep_id")?.str()?.clone();
        let own = |rep: Option<&str>| {
            rep.is_none_or(|rep| self.payees.binary_search_by(|payee| payee.id.as_str().cmp(rep)).is_ok())
        };
        let kept: BooleanChunked = reps.iter().map(own).collect_ca("kept".into());
        let empty = empty.filter(&kept)?;
        let mut rows = empty.clone();
        rows.with_column(reps.filter(&kept)?.with_name("payee_id".into()).into_column())?;
        for (name, value) in [
            ("plan_id", self.plan.id.as_str()),
            ("credit", rule.name.as_str()),
            ("reason", "the amount of the credit is empty"),
        ] {
            let value = Scalar::from(PlSmallStr::from(value));
            rows.with_column(Column::new_scalar(name.into(), value, empty.height()))?;
        }
        let order = part.unresolved.get_column_names_owned();
        part.unresolved.vstack_mut(&rows.select(order)?)?;
        Ok(())
    }

    pub(crate) fn missing(&self, table: &str, rule: &CreditRule) -> Diagnostic {
        let fault = Diagnostic::error(
            Code::SPM503,
            format!("credit `{}` needs the table {table}, which no source fills", rule.name),
        );
        fault.at(Place::Text(rule.place.clone()), "").hint(format!("add [sources.{table}] to spm.toml"))
    }

    /// One row for each person credited directly, in the column `payee_id`, with their part of the amount.
    fn share(
        &self,
        rule: &CreditRule,
        base: DataFrame,
        direct: &Direct,
        digits: u32,
    ) -> Result<DataFrame, Diagnostic> {
        let whole = |base: DataFrame| {
            base.lazy()
                .with_column(col("rep_id").alias("payee_id"))
                .collect()
                .map_err(|error| internal(&error))
        };
        let (role, overlay) = match direct {
            Direct::Rep => return whole(base),
            Direct::Territory => return self.by_territory(rule, base, digits),
            Direct::Splits(role) => (role, false),
            Direct::Overlays(role) => (role, true),
        };
        let Some(splits) = self.tables.get("splits") else {
            return if overlay || role.is_some() { Err(self.missing("splits", rule)) } else { whole(base) };
        };
        if rule.quota_share && splits.column("quota_share").is_none() {
            let message = format!("credit `{}` needs splits.quota_share", rule.name);
            return Err(Diagnostic::error(Code::SPM104, message).at(Place::Text(rule.place.clone()), ""));
        }
        let (share, share_decimals) = share_of(splits, rule.quota_share);
        let optional = |name: &str, otherwise: &str| match splits.column(name) {
            Some(_) => col(name).fill_null(lit(otherwise)).alias(format!("_{name}")),
            None => lit(otherwise).alias(format!("_{name}")),
        };
        let kind = if overlay { "overlay" } else { "split" };
        let shares = splits.frame.clone().lazy().select([
            col("transaction_id"),
            col("rep_id").alias("payee_id"),
            share.alias("_share"),
            optional("type", "split"),
            optional("role", ""),
        ]);
        // The splits are in the order of transaction, person, role: the order of their key.
        let shares = shares.filter(col("_type").eq(lit(kind))).drop(by_name(["_type"], true, false));
        let read = || -> PolarsResult<DataFrame> {
            let shares = shares.collect()?;
            let by = shared_by(&base, splits.frame.column("transaction_id")?.str()?)?;
            let (rows, partners) = matches(&by, shares.column("transaction_id")?.str()?);
            let partners: IdxCa = partners.into_iter().collect_ca("_share".into());
            let rows = IdxCa::from_vec("_base".into(), rows);
            let mut joined = base.take(&rows)?;
            joined.with_column(rows.into_column())?;
            joined.hstack_mut(shares.drop("transaction_id")?.take(&partners)?.columns())?;
            let amounts = cut(&joined, share_decimals, digits, overlay || rule.quota_share)?;
            joined.with_column(amounts.into_column())?;
            let mut frame =
                joined.lazy().with_column(coalesce(&[col("payee_id"), col("rep_id")]).alias("payee_id"));
            if let Some(role) = role {
                frame = frame.filter(col("_role").eq(lit(role.as_str())));
            } else if overlay {
                frame = frame.filter(col("_share").is_not_null());
            }
            frame.drop(by_name(["_base", "_share", "_role"], true, false)).collect()
        };
        read().map_err(|error| internal(&error))
    }

    /// The holders of the account's territory on the day.
    fn by_territory(&self, rule: &CreditRule, base: DataFrame, digits: u32) -> Result<DataFrame, Diagnostic> {
        let accounts = self.tables.get("accounts").ok_or_else(|| self.missing("accounts", rule))?;
        let assignments = self.tables.get("assignments").ok_or_else(|| self.missing("assignments", rule))?;
        if accounts.column("territory_id").is_none() {
            let fault = Diagnostic::error(
                Code::SPM104,
                format!("credit `{}` needs accounts.territory_id", rule.name),
            );
            return Err(fault.at(Place::Text(rule.place.clone()), ""));
        }
        let optional = |name: &str, dtype: DataType| match assignments.column(name) {
            Some(_) => col(name).alias(format!("_{name}")),
            None => lit(NULL).cast(dtype).alias(format!("_{name}")),
        };
        let places = accounts.frame.clone().lazy().select([col("account_id"), col("territory_id")]);
        let holders = assignments.frame.clone().lazy().select([
            col("territory_id"),
            col("rep_id").alias("payee_id"),
            col("from").alias("_from"),
            optional("to", DataType::Date),
            optional("share", DataType::Int64),
        ]);
        let holders = holders.sort(["territory_id", "payee_id", "_from"], SortMultipleOptions::default());
        let ordered =
            || JoinArgs { maintain_order: MaintainOrderJoin::LeftRight, ..JoinArgs::new(JoinType::Left) };
        let frame = base.lazy().with_row_index("_base", None).join(
            places,
            [col("account_id")],
            [col("account_id")],
            ordered(),
        );
        let frame = frame.join(holders, [col("territory_id")], [col("territory_id")], ordered());
        let on_the_day = col("_from")
            .lt_eq(col(self.day_of_people()))
            .and(col("_to").is_null().or(col(self.day_of_people()).lt(col("_to"))));
        let frame = frame.with_column(on_the_day.fill_null(lit(false)).alias("_holds"));
        let any = frame.clone().filter(col("_holds"));
        let keys = || [col("_base")];
        let none = frame
            .join(any.clone(), keys(), keys(), JoinArgs::new(JoinType::Anti))
            .unique_stable(Some(by_name(["_base"], true, false)), UniqueKeepStrategy::First);
        let none = none.with_column(lit(NULL).cast(DataType::String).alias("payee_id"));
        let both = concat([any, none], UnionArgs::default()).map_err(|error| internal(&error))?;
        let both = both.sort(["_base", "payee_id"], SortMultipleOptions::default());
        let mut joined = both.collect().map_err(|error| internal(&error))?;
        let decimals = assignments.decimals("share");
        let amounts = cut(&joined, decimals, digits, true).map_err(|error| internal(&error))?;
        joined.with_column(amounts.into_column()).map_err(|error| internal(&error))?;
        let helpers = ["_base", "territory_id", "_from", "_to", "_share", "_holds"];
        joined.lazy().drop(by_name(helpers, true, false)).collect().map_err(|error| internal(&error))
    }

    /// Payees by index, periods by index; what has no payee goes aside.
    fn resolve(
        &self,
        rule: &CreditRule,
        shared: DataFrame,
        rolled_up: bool,
        decimals: u32,
    ) -> PolarsResult<Part> {
        let people = self.people();
        let by_day = PeriodByDay::of(self.calendar);
        let days = |name: &str| Ok::<_, PolarsError>(shared.column(name)?.date()?.physical().clone());
        let (ids, dates) = (shared.column("payee_id")?.str()?, days("event_date")?);
        let refunds = match self.keeps_refunds() {
            true => Some((days(column::SOLD)?, days(column::PLANNED)?)),
            false => None,
        };
        let found: Vec<Vec<(Found, Option<u32>)>> = tasks(shared.height())
            .map(|(from, length)| {
                let from = i64::try_from(from).unwrap_or(i64::MAX);
                let (ids, dates) = (ids.slice(from, length), dates.slice(from, length));
                let cut = |days: &Int32Chunked| days.slice(from, length);
                let inherited = refunds.as_ref().map(|(sold, planned)| (cut(sold), cut(planned)));
                let row = |(row, (id, day)): (usize, (Option<&str>, Option<i32>))| {
                    let on = match &inherited {
                        None => (day, day),
                        Some((sold, planned)) => (sold.get(row), planned.get(row)),
                    };
                    (Person::find(&people, id, on), day.and_then(|day| by_day.get(day)))
                };
                ids.iter().zip(dates.iter()).enumerate().map(row).collect()
            })
            .collect();
        let each = || found.iter().flatten();
        let kept = |wanted: fn(&Found) -> bool| -> PolarsResult<DataFrame> {
            if each().all(|(found, _)| wanted(found)) {
                return Ok(shared.clone());
            }
            shared.filter(&each().map(|(found, _)| wanted(found)).collect_ca("kept".into()))
        };
        let constant = |name: &str, value: &str, frame: &DataFrame| {
            Column::new_scalar(name.into(), Scalar::from(PlSmallStr::from(value)), frame.height())
        };
        let mut good = kept(|found| matches!(found, Found::Payee(_)))?;
        let of_good = || {
            each().filter_map(|(found, period)| match found {
                Found::Payee(index) => Some((*index, *period)),
                _ => None,
            })
        };
        let periods: UInt32Chunked = of_good().map(|(_, period)| period).collect_ca("_period".into());
        let names = self.calendar.periods().iter().map(|period| period.name.as_str());
        let names = StringChunked::from_iter_values("period".into(), names);
        good.with_column(names.take(&periods)?.into_column())?;
        good.with_column(periods.into_column())?;
        let payees: UInt32Chunked = of_good().map(|(payee, _)| Some(payee)).collect_ca("_payee".into());
        good.with_column(payees.into_column())?;
        let mut unresolved = kept(|found| matches!(found, Found::Nobody(_)))?;
        let reasons = each().filter_map(|(found, _)| match found {
            Found::Nobody(reason) => Some(reason.text()),
            _ => None,
        });
        unresolved.with_column(StringChunked::from_iter_values("reason".into(), reasons).into_column())?;
        for frame in [&mut good, &mut unresolved] {
            frame.with_column(constant("plan_id", self.plan.id.as_str(), frame))?;
            frame.with_column(constant("credit", &rule.name, frame))?;
        }
        good.with_column(constant("type", if rolled_up { "managers" } else { "direct" }, &good))?;
        let wanted = ["_payee", "_period", "amount", "_lookup", "transaction_id", "line_id", "event_date"];
        let refunds = self.keeps_refunds().then_some("_refund_of");
        let cells = good.select(wanted.into_iter().chain(refunds))?;
        let order = [
            "plan_id",
            "credit",
            "payee_id",
            "transaction_id",
            "line_id",
            "account_id",
            "event_date",
            "period",
            "type",
            "amount",
        ];
        let credits = good.select(order)?;
        let order =
            ["plan_id", "credit", "transaction_id", "line_id", "payee_id", "event_date", "amount", "reason"];
        Ok(Part { credits, unresolved: unresolved.select(order)?, cells, decimals, lookup_decimals: 0 })
    }
}

/// The rows that have an amount, and those that have none.
fn without_amount(base: DataFrame) -> PolarsResult<(DataFrame, DataFrame)> {
    let empty = base.column("amount")?.is_null();
    if !empty.any() {
        let none = base.clear();
        return Ok((base, none));
    }
    Ok((base.filter(&!&empty)?, base.filter(&empty)?))
}

/// Faults of the credits of people in the plan whose transactions have no rate.
fn without_rate(
    rule: &CreditRule,
    cells: &DataFrame,
    unrated: &Unrated,
    sink: &mut Sink,
) -> PolarsResult<()> {
    let (ids, lines) = (cells.column("transaction_id")?.str()?, cells.column("line_id")?.str()?);
    let key = |(id, line): (Option<&str>, Option<&str>)| {
        (id.unwrap_or_default().to_owned(), line.map(str::to_owned))
    };
    let missing: BTreeSet<&String> =
        ids.iter().zip(lines.iter()).filter_map(|pair| unrated.get(&key(pair))).collect();
    faults(rule, missing, sink);
    Ok(())
}

/// The share of each row of splits, and its decimals; the one that retires quota, where there is one and it is `wanted`.
fn share_of(splits: &Table, wanted: bool) -> (Expr, u32) {
    let of_quota = splits.column("quota_share").filter(|_| wanted).map(|column| column.decimals);
    let Some(of_quota) = of_quota else { return (col("share"), splits.decimals("share")) };
    let decimals = of_quota.max(splits.decimals("share"));
    let scaled = |name: &str, own: u32| col(name) * lit(10i64.pow(decimals - own));
    (coalesce(&[scaled("quota_share", of_quota), scaled("share", splits.decimals("share"))]), decimals)
}

fn day(date: spm_core::ground::period::Date) -> Expr {
    lit(epoch_day(date)).cast(DataType::Date)
}
