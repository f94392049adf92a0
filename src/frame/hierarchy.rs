//! Credits for managers: the chain above each person on the day of the event.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use spm_core::engine::comp::Above;
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::limit;
use spm_core::ground::period::{Date, DateRange, epoch_day, from_epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::{Place, TextPlace};
use spm_core::plan::comp::{CreditRule, Measure};

use crate::credit::{Crediting, REFUNDS, internal};
use crate::history::History;
use crate::intake::place;
use crate::people::check_managers;
use crate::refunds::column;
use crate::table::rescaled;

/// Who reports to whom, from a day on until the next stretch begins.
struct Stretch {
    from: i32,
    above: BTreeMap<String, String>,
}

impl Stretch {
    /// The managers above a person, nearest first; `Err` with the person whose managers lead back to them.
    fn chain<'s>(&'s self, person: &'s str) -> Result<Vec<&'s str>, &'s str> {
        let mut seen = vec![person];
        let mut next = self.above.get(person);
        while let Some(manager) = next {
            if seen.contains(&manager.as_str()) || seen.len() > limit::HIERARCHY_LEVELS_MAX {
                return Err(manager);
            }
            seen.push(manager);
            next = self.above.get(manager);
        }
        seen.remove(0);
        Ok(seen)
    }
}

impl Crediting<'_> {
    /// The days on which somebody's managers are looked up: those of the plan, and of what refunds on them take back.
    fn days_of_people(&self) -> DateRange {
        let transactions = self.tables.get("transactions").filter(|_| self.keeps_refunds());
        let sold = transactions.and_then(|table| table.days(column::SOLD));
        let least = sold.and_then(|days| days.min()).and_then(from_epoch_day);
        let most = sold.and_then(|days| days.max()).and_then(|day| from_epoch_day(day + 1));
        let days = self.days;
        DateRange {
            from: least.map_or(days.from, |day| day.min(days.from)),
            to: most.map_or(days.to, |day| day.max(days.to)),
        }
    }

    /// Stretches of days in which the hierarchy stays the same: those of the table hierarchy, or one of reps.manager_id.
    fn stretches(&self, who: &str, place: &TextPlace) -> Result<Vec<Stretch>, Diagnostic> {
        let days = self.days_of_people();
        let from = epoch_day(days.from);
        let Some(hierarchy) = self.tables.get("hierarchy") else {
            let (Some(ids), Some(managers)) = (self.reps.texts("rep_id"), self.reps.texts("manager_id"))
            else {
                let message = format!("{who} needs reps.manager_id, or the table hierarchy");
                return Err(Diagnostic::error(Code::SPM104, message).at(Place::Text(place.clone()), ""));
            };
            let pairs = ids.iter().zip(managers.iter());
            let above =
                pairs.filter_map(|(id, manager)| Some((id?.to_owned(), manager?.to_owned()))).collect();
            return self.changing(Stretch { from, above }).map_err(|error| internal(&error));
        };
        let (Some(ids), Some(managers)) = (hierarchy.texts("rep_id"), hierarchy.texts("manager_id")) else {
            return Ok(vec![]);
        };
        let (starts, ends) = (hierarchy.days("from"), hierarchy.days("to"));
        let day = |days: Option<&Int32Chunked>, row: usize| days.and_then(|days| days.get(row));
        let rows = 0..hierarchy.frame.height();
        let mut borders: BTreeSet<i32> = BTreeSet::from([from]);
        let inside = |day: &i32| *day > from && *day < epoch_day(days.to);
        borders.extend(rows.clone().filter_map(|row| day(starts, row)).filter(inside));
        borders.extend(rows.clone().filter_map(|row| day(ends, row)).filter(inside));
        let stretch = |from: i32| {
            let there = |row: &usize| {
                day(starts, *row).is_none_or(|start| start <= from)
                    && day(ends, *row).is_none_or(|end| from < end)
            };
            let pair = |row: usize| Some((ids.get(row)?.to_owned(), managers.get(row)?.to_owned()));
            Stretch { from, above: rows.clone().filter(there).filter_map(pair).collect() }
        };
        Ok(borders.iter().map(|from| stretch(*from)).collect())
    }

    /// The stretches of managers that rep_history changes, from those of reps.
    fn changing(&self, now: Stretch) -> PolarsResult<Vec<Stretch>> {
        let Some(history) = History::of(self.tables, self.reps)? else { return Ok(vec![now]) };
        let (Some(ids), Some(managers)) = (history.rows.texts("rep_id"), history.rows.texts("manager_id"))
        else {
            return Ok(vec![now]);
        };
        let days = self.days_of_people();
        let mut borders = BTreeSet::from([days.from]);
        let all = history.of.iter().flat_map(|(_, own)| [own.from, own.to]);
        borders.extend(all.filter(|day| *day > days.from && *day < days.to));
        let stretch = |day: &Date| {
            let mut above = now.above.clone();
            let rows = history.of.iter().enumerate().filter(|(_, (_, days))| days.contains(*day));
            for id in rows.clone().filter_map(|(row, _)| ids.get(row)) {
                above.remove(id);
            }
            above.extend(
                rows.filter_map(|(row, _)| Some((ids.get(row)?.to_owned(), managers.get(row)?.to_owned()))),
            );
            Stretch { from: epoch_day(*day), above }
        };
        Ok(borders.iter().map(stretch).collect())
    }

    /// The fault of managers who lead back to somebody: the one that `spm check` tells, so that it is told once.
    fn loop_above(&self, person: &str) -> Diagnostic {
        let table = self.tables.get("hierarchy").unwrap_or(self.reps);
        let (ids, managers) = (table.texts("rep_id"), table.texts("manager_id"));
        let own = ids.zip(managers).and_then(|(ids, managers)| {
            ids.iter().zip(managers.iter()).position(|(id, manager)| id == Some(person) && manager == id)
        });
        if let Some(row) = own {
            let fault = Diagnostic::error(Code::SPM405, format!("{person} reports to {person}"));
            let hint = "leave manager_id empty for whoever has nobody above";
            return fault.at(place(table, row, Some("manager_id")), "").hint(hint);
        }
        let mut found = Sink::default();
        check_managers(self.tables, &mut found);
        found.faults().first().cloned().unwrap_or_else(|| {
            let fault =
                Diagnostic::error(Code::SPM405, format!("the managers above {person} lead back to {person}"));
            fault.at(Place::File("rep_history".to_owned()), "").hint("correct manager_id")
        })
    }

    /// The chain of managers of each person and stretch, nearest first, with the level.
    fn chains(&self, stretches: &[Stretch], levels: Option<usize>) -> Result<DataFrame, Diagnostic> {
        let (mut people, mut indices, mut managers, mut heights) = (vec![], vec![], vec![], vec![]);
        for (index, stretch) in stretches.iter().enumerate() {
            for person in stretch.above.keys() {
                let chain = stretch.chain(person).map_err(|person| self.loop_above(person))?;
                for (height, manager) in (1..).zip(chain).take(levels.unwrap_or(usize::MAX)) {
                    people.push(person.as_str());
                    indices.push(u32::try_from(index).unwrap_or(0));
                    managers.push(manager);
                    heights.push(height);
                }
            }
        }
        DataFrame::new_infer_height(vec![
            Column::new("payee_id".into(), people),
            UInt32Chunked::from_vec("_stretch".into(), indices).into_column(),
            Column::new("_manager".into(), managers),
            UInt32Chunked::from_vec("_level".into(), heights).into_column(),
        ])
        .map_err(|error| internal(&error))
    }

    /// Who is above each person, for measures that look at people below.
    pub(crate) fn above(&self, measure: &Measure) -> Result<BTreeMap<String, Vec<Above>>, Diagnostic> {
        let stretches = self.stretches(&format!("measure `{}`", measure.name), &measure.place)?;
        let mut above: BTreeMap<String, Vec<Above>> = BTreeMap::new();
        for (index, stretch) in stretches.iter().enumerate() {
            // The first one reaches back, and the last one on, as far as anybody asks.
            let from = if index == 0 { None } else { from_epoch_day(stretch.from) };
            let to = stretches.get(index + 1).and_then(|next| from_epoch_day(next.from));
            let days = DateRange { from: from.unwrap_or(Date::MIN), to: to.unwrap_or(Date::MAX) };
            for person in stretch.above.keys() {
                let chain = stretch.chain(person).map_err(|person| self.loop_above(person))?;
                let managers = chain.into_iter().map(PayeeId::from).collect();
                above.entry(person.clone()).or_default().push(Above { days, managers });
            }
        }
        Ok(above)
    }

    /// Managers in place of the people: one row for each transaction and manager, the amounts added up. Also the
    /// decimals that the amounts gain.
    pub(crate) fn roll_up(
        &self,
        rule: &CreditRule,
        shared: DataFrame,
        levels: Option<usize>,
    ) -> Result<(DataFrame, u32), Diagnostic> {
        let stretches = self.stretches(&format!("credit `{}`", rule.name), &rule.place)?;
        let chains = self.chains(&stretches, levels)?.lazy();
        let key = || [col("payee_id"), col("_stretch")];
        let arguments =
            JoinArgs { maintain_order: MaintainOrderJoin::LeftRight, ..JoinArgs::new(JoinType::Inner) };
        let read = |error: PolarsError| internal(&error);
        let (mut shared, lost) = self.without_person(shared).map_err(read)?;
        let days = shared.column(self.day_of_people());
        let days = days.and_then(|days| days.date()).map_err(read)?.physical().clone();
        let stretch = |day: i32| {
            let index = stretches.partition_point(|stretch| stretch.from <= day).saturating_sub(1);
            u32::try_from(index).unwrap_or(0)
        };
        let indices: UInt32Chunked = days.iter().map(|day| day.map(stretch)).collect_ca("_stretch".into());
        shared.with_column(indices.into_column()).map_err(read)?;
        let up = shared
            .lazy()
            .join(chains, key(), key(), arguments)
            .with_column(col("_manager").alias("payee_id"));
        let mut up = up.collect().map_err(read)?;
        let more = match &rule.net_of_lower {
            Some(kept) => net(rule, &mut up, kept)?,
            None => 0,
        };
        let amounts = up.column("amount").and_then(|amounts| amounts.i64()).map_err(read)?;
        let total: i128 = amounts.iter().flatten().map(|amount| i128::from(amount).abs()).sum();
        if i64::try_from(total).is_err() {
            let message = format!(
                "the amounts of credit `{}` add up to more than exact 64-bit numbers hold",
                rule.name
            );
            return Err(Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), ""));
        }
        let groups = ["transaction_id", "line_id", "payee_id"];
        let first = |name: &str| col(name).first();
        let refunds = self.keeps_refunds().then_some(REFUNDS).into_iter().flatten();
        let sums = [
            first("account_id"),
            first("rep_id"),
            first("event_date"),
            col("amount").sum(),
            first("_lookup"),
        ];
        let sums: Vec<Expr> = sums.into_iter().chain(refunds.clone().map(first)).collect();
        let up = up.lazy().group_by_stable(groups.map(col)).agg(sums);
        let order = [
            "transaction_id",
            "line_id",
            "account_id",
            "rep_id",
            "event_date",
            "amount",
            "_lookup",
            "payee_id",
        ];
        let order: Vec<&str> = order.into_iter().chain(refunds).collect();
        let columns: Vec<Expr> = order.iter().copied().map(col).collect();
        let mut all = up.select(columns).collect().map_err(read)?;
        let mut lost = lost.select(order).map_err(read)?;
        let amounts = lost.column("amount").and_then(|amounts| rescaled(amounts, more)).map_err(read)?;
        lost.with_column(amounts).map_err(read)?;
        all.vstack_mut(&lost).map_err(read)?;
        Ok((all, more))
    }

    /// Rows of people in reps, who may have managers, and the others, which nobody can be credited with.
    fn without_person(&self, shared: DataFrame) -> PolarsResult<(DataFrame, DataFrame)> {
        let known: PlHashSet<&str> =
            self.reps.texts("rep_id").into_iter().flat_map(|ids| ids.iter().flatten()).collect();
        let found = shared.column("payee_id")?.str()?.iter();
        let found: BooleanChunked =
            found.map(|id| id.is_some_and(|id| known.contains(id))).collect_ca("found".into());
        if found.all() {
            let none = shared.clear();
            return Ok((shared, none));
        }
        Ok((shared.filter(&found)?, shared.filter(&!&found)?))
    }
}

/// Leaves each manager what the levels below have not kept: amount x (1 - kept) ^ level, exact.
fn net(rule: &CreditRule, up: &mut DataFrame, kept: &Rational) -> Result<u32, Diagnostic> {
    let read = |error: PolarsError| internal(&error);
    let fault =
        |message: &str| Diagnostic::error(Code::SPM402, message).at(Place::Text(rule.place.clone()), "");
    let left = &Rational::one() - kept;
    let decimals = left.decimals().ok_or_else(|| fault("`net_of_lower` has no end as a decimal"))?;
    let scale = 10i128.checked_pow(decimals).map(Rational::from);
    let scale = scale.ok_or_else(|| fault("`net_of_lower` has too many decimals"))?;
    let (left, _) =
        (&left * &scale).to_i64_pair().ok_or_else(|| fault("`net_of_lower` has too many decimals"))?;
    let levels = up.column("_level").and_then(|levels| levels.u32().cloned()).map_err(read)?;
    let amounts = up.column("amount").and_then(|amounts| amounts.i64().cloned()).map_err(read)?;
    let top = levels.max().unwrap_or(0);
    let net = |amount: i64, level: u32| -> Option<i64> {
        let rest = 10i64.checked_pow(decimals)?.checked_pow(top - level)?;
        amount.checked_mul(left.checked_pow(level)?)?.checked_mul(rest)
    };
    let values =
        amounts.iter().zip(levels.iter()).map(|(amount, level)| net(amount.unwrap_or(0), level.unwrap_or(0)));
    let values: Option<Vec<i64>> = values.collect();
    let values =
        values.ok_or_else(|| fault("net amounts over so many levels do not fit exact 64-bit numbers"))?;
    up.with_column(Int64Chunked::from_vec("amount".into(), values).into_column()).map_err(read)?;
    Ok(decimals * top)
}
