//! Quotas as they are scored: by holder and period, with the seats and levels among the holders.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::limit;
use spm_core::ground::period::Calendar;
use spm_core::ground::rational::Rational;
use spm_core::plan::fairness::FairnessPlan;
use spm_frame::facts::QuotaRow;

use super::fairness::Question;
use super::fault;

/// The quotas of holders with their place in the hierarchy.
pub(super) struct Holders {
    /// Quota of each holder over all periods.
    pub total: BTreeMap<String, Rational>,
    /// Quota of each holder by period.
    pub by_period: BTreeMap<(String, usize), Rational>,
    /// The holder above in the last period.
    parent: BTreeMap<String, String>,
    /// Whoever is above somebody in any period.
    above: BTreeSet<String>,
    level: BTreeMap<String, String>,
    /// From the first to the last period of any quota.
    pub periods: Range<usize>,
}

pub(super) fn holders(
    plan: &FairnessPlan,
    calendar: &Calendar,
    question: &Question<'_>,
) -> Result<Holders, Diagnostic> {
    let mut own: Vec<&QuotaRow> = question.rows.iter().filter(|row| row.measure == plan.measure).collect();
    if own.is_empty() {
        let names: BTreeSet<&str> = question.rows.iter().map(|row| row.measure.as_str()).collect();
        let message = format!("{} has no quota `{}`", question.shown, plan.measure);
        let names: Vec<&str> = names.into_iter().collect();
        return Err(fault(Code::SPM404, message, &plan.place).hint(if names.is_empty() {
            "run `spm quotas allocate`, or name a file with holder_id, period and amount".to_owned()
        } else {
            format!("its quotas are: {}; set `measure` of the plan", names.join(", "))
        }));
    }
    if let Some(row) = own.iter().find(|row| row.amount.is_negative()) {
        let name = &calendar.periods()[row.period].name;
        let message = format!("the quota of {} in {name} is {}, below zero", row.holder, row.amount);
        return Err(fault(Code::SPM110, message, &plan.place).hint("a quota is zero or more"));
    }
    if let Some(periods) = &question.periods {
        own.retain(|row| periods.contains(&row.period));
    }
    let (Some(first), Some(last)) =
        (own.iter().map(|row| row.period).min(), own.iter().map(|row| row.period).max())
    else {
        let message = format!("{} has no quota `{}` in these periods", question.shown, plan.measure);
        return Err(fault(Code::SPM404, message, &plan.place).hint("name other periods with --period"));
    };
    let mut found = Holders {
        total: BTreeMap::new(),
        by_period: BTreeMap::new(),
        parent: BTreeMap::new(),
        above: BTreeSet::new(),
        level: BTreeMap::new(),
        periods: first..last + 1,
    };
    for row in own {
        *found.total.entry(row.holder.clone()).or_default() += &row.amount;
        *found.by_period.entry((row.holder.clone(), row.period)).or_default() += &row.amount;
        if let Some(parent) = &row.parent {
            found.parent.insert(row.holder.clone(), parent.clone());
            found.above.insert(parent.clone());
        }
        if let Some(level) = &row.level {
            found.level.insert(row.holder.clone(), level.clone());
        }
    }
    Ok(found)
}

impl Holders {
    /// Holders without others below them.
    pub fn seats(&self) -> Vec<String> {
        self.total.keys().filter(|holder| !self.above.contains(*holder)).cloned().collect()
    }

    /// For each period, whether a holder has a quota in it, be it of zero.
    pub fn judged(&self, holder: &str) -> Vec<bool> {
        let has = |period| self.by_period.contains_key(&(holder.to_owned(), period));
        self.periods.clone().map(has).collect()
    }

    /// By depth: the name of the level, the quotas above it, and its own.
    pub fn levels(&self, plan: &FairnessPlan) -> Result<Vec<(String, f64, f64)>, Diagnostic> {
        let mut levels: BTreeMap<usize, (String, f64, f64)> = BTreeMap::new();
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        for (holder, parent) in &self.parent {
            let mut depth = 1;
            let mut above = parent;
            while let Some(next) = self.parent.get(above) {
                (above, depth) = (next, depth + 1);
                if depth > limit::HIERARCHY_LEVELS_MAX {
                    let message = format!("the holders above {holder} lead back to it");
                    return Err(
                        fault(Code::SPM405, message, &plan.place).hint("correct parent_id of the quotas")
                    );
                }
            }
            let (Some(own), Some(over)) = (self.total.get(holder), self.total.get(parent)) else { continue };
            let name = self.level.get(holder).cloned().unwrap_or_else(|| format!("level {depth}"));
            let entry = levels.entry(depth).or_insert((name, 0.0, 0.0));
            entry.2 += own.to_f64_for_display();
            if seen.insert(parent) {
                entry.1 += over.to_f64_for_display();
            }
        }
        Ok(levels.into_values().filter(|(_, above, _)| *above > 0.0).collect())
    }
}
