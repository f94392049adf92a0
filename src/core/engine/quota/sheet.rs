//! Quotas as they are published: by measure, the holders with their amounts; of a plan with lines each line, and all of
//! them together (floor 2).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::adjust::{Change, Row};
use super::allocation::Placed;
use super::lay_out::{COMPANY, LINE};
use super::planned::Planned;
use super::problem::HolderId;
use crate::plan::quotas::QuotaPlan;

/// The quotas of one measure.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// The measure.
    pub measure: &'a str,
    /// Decimals of the amounts.
    pub decimals: u32,
    /// Names of the periods in the order of time.
    pub periods: &'a [Arc<str>],
    /// Who: parents before children.
    pub holders: Vec<Held<'a>>,
    /// For each holder the year and then each period, in the smallest amount.
    pub amounts: Arc<Vec<i64>>,
}

/// Who holds a quota, by the names that are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// The holder.
    pub holder: &'a str,
    /// Its level.
    pub level: &'a str,
    /// Its parent; none for the company.
    pub parent: Option<&'a str>,
}

impl<'a> From<&'a Placed> for Held<'a> {
    fn from(placed: &'a Placed) -> Self {
        let parent = placed.parent.as_ref().map(HolderId::as_str);
        Self { holder: placed.holder.as_str(), level: &placed.level, parent }
    }
}

impl<'a> From<&'a Row> for Held<'a> {
    fn from(row: &'a Row) -> Self {
        let parent = row.parent.as_ref().map(HolderId::as_str);
        Self { holder: row.holder.as_str(), level: &row.level, parent }
    }
}

impl<'a> From<&'a Change> for Held<'a> {
    fn from(change: &'a Change) -> Self {
        let parent = change.parent.as_ref().map(HolderId::as_str);
        Self { holder: change.holder.as_str(), level: &change.level, parent }
    }
}

/// Which measure a holder of the plan's problem is published under, and as whom.
#[must_use]
pub fn published<'a>(plan: &'a QuotaPlan, company: &'a str, held: Held<'a>) -> (&'a str, Held<'a>) {
    let line = plan.lines.iter().find(|line| in_line(held.holder, &line.name).is_some());
    let Some(line) = line.filter(|_| held.level != COMPANY) else { return (&plan.measure, held) };
    // The line itself is what the company has of it.
    if held.level == LINE {
        return (&line.measure, Held { holder: company, level: COMPANY, parent: None });
    }
    let short = |id: &'a str| match in_line(id, &line.name) {
        Some("") | None => company,
        Some(rest) => rest,
    };
    (&line.measure, Held { holder: short(held.holder), parent: held.parent.map(short), ..held })
}

/// What is behind the name of a line, nothing for the line itself.
pub(super) fn in_line<'a>(id: &'a str, line: &str) -> Option<&'a str> {
    let rest = id.strip_prefix(line)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix(" / ") }
}

/// The quotas of a plan by measure: those of the plan itself, then of each line.
#[must_use]
pub fn sheets<'a>(plan: &'a QuotaPlan, company: &'a str, planned: &'a Planned) -> Vec<Sheet<'a>> {
    let allocation = &planned.allocation;
    let sheet = |measure, holders, amounts| Sheet {
        measure,
        decimals: allocation.decimals,
        periods: &allocation.periods,
        holders,
        amounts,
    };
    let held = allocation.holders.iter().map(|placed| published(plan, company, placed.into()));
    if plan.lines.is_empty() {
        let holders = held.map(|(_, held)| held).collect();
        return vec![sheet(plan.measure.as_str(), holders, allocation.amounts.clone())];
    }
    let width = allocation.width();
    let mut whole = sheet(plan.measure.as_str(), vec![], Arc::default());
    let mut lines: Vec<Sheet<'a>> = vec![];
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for ((measure, held), amounts) in held.zip(allocation.rows()) {
        let of_line = measure != plan.measure;
        if of_line {
            let known = lines.last().is_some_and(|line| line.measure == measure);
            if !known {
                lines.push(sheet(measure, vec![], Arc::default()));
            }
            if let Some(line) = lines.last_mut() {
                line.holders.push(held);
                Arc::make_mut(&mut line.amounts).extend(amounts);
            }
            // What the company has of all lines is its own row.
            if held.parent.is_none() {
                continue;
            }
        }
        let sums = Arc::make_mut(&mut whole.amounts);
        match places.get(held.holder) {
            Some(place) => {
                sums[place * width..][..width].iter_mut().zip(amounts).for_each(|(sum, own)| *sum += own);
            }
            None => {
                places.insert(held.holder, whole.holders.len());
                whole.holders.push(held);
                sums.extend(amounts);
            }
        }
    }
    lines.insert(0, whole);
    lines
}

/// Rows that stand, as holders of the plan's problem: those of lines get the names that they have in it.
#[must_use]
pub fn to_problem(plan: &QuotaPlan, company: &str, standing: &[(String, Row)]) -> Vec<Row> {
    let own = |(measure, row): &(String, Row)| {
        if *measure == plan.measure {
            // Of all lines together, only the company is a holder of the problem.
            return (plan.lines.is_empty() || row.parent.is_none()).then(|| row.clone());
        }
        let line = plan.lines.iter().find(|line| line.measure == *measure)?;
        let name = |id: &HolderId| match id.as_str() {
            own if own == company => HolderId::from(line.name.as_str()),
            other => HolderId::from(format!("{} / {other}", line.name).as_str()),
        };
        Some(match &row.parent {
            None => Row {
                holder: HolderId::from(line.name.as_str()),
                level: LINE.to_owned(),
                parent: Some(HolderId::from(company)),
                ..row.clone()
            },
            Some(parent) => Row { holder: name(&row.holder), parent: Some(name(parent)), ..row.clone() },
        })
    };
    standing.iter().filter_map(own).collect()
}

/// Rows of the plan's problem as they are published: of lines, and of all lines together.
#[must_use]
pub fn to_published(plan: &QuotaPlan, company: &str, rows: &[Row]) -> Vec<(String, Row)> {
    if plan.lines.is_empty() {
        return rows.iter().map(|row| (plan.measure.clone(), row.clone())).collect();
    }
    let mut all: Vec<(String, Row)> = vec![];
    let mut whole: Vec<Row> = vec![];
    let mut places: BTreeMap<(HolderId, String), usize> = BTreeMap::new();
    for row in rows {
        let (measure, held) = published(plan, company, row.into());
        let own = Row {
            holder: HolderId::from(held.holder),
            level: held.level.to_owned(),
            parent: held.parent.map(HolderId::from),
            ..row.clone()
        };
        if measure != plan.measure {
            all.push((measure.to_owned(), own.clone()));
            // What the company has of all lines is a row of its own.
            if held.parent.is_none() {
                continue;
            }
        }
        let key = (own.holder.clone(), own.period.clone());
        match places.get(&key) {
            Some(place) => whole[*place].amount += &own.amount,
            None => {
                places.insert(key, whole.len());
                whole.push(own);
            }
        }
    }
    whole.into_iter().map(|row| (plan.measure.clone(), row)).chain(all).collect()
}
