//! Causes: which fact that went into a posted period is another one now.

use std::collections::BTreeMap;

use crate::engine::comp::difference::{credits_of, looks_back};
use crate::ground::period::{Calendar, Group};
use crate::ground::rational::Rational;
use crate::plan::comp::{CompPlan, Goal, GoalFrom, Window};

use super::{Key, Kind};

/// What kind of fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKind {
    /// A credit: a transaction credited to a payee.
    Credit,
    /// A goal from the quotas table.
    Quota,
    /// Something about a person: a number, a text, a date, a leave.
    Person,
    /// A cancelled transaction.
    Cancellation,
    /// The text of a plan, by its hash.
    Plan,
    /// How far an event had released a transaction.
    Release,
    /// The share of a transaction that somebody has.
    Split,
    /// An exchange rate.
    Rate,
    /// A transaction that was there when the ledger began and is dated before its first period.
    Early,
}

impl FactKind {
    /// Every kind, in order.
    pub const ALL: [Self; 9] = [
        Self::Credit,
        Self::Quota,
        Self::Person,
        Self::Cancellation,
        Self::Plan,
        Self::Release,
        Self::Split,
        Self::Rate,
        Self::Early,
    ];

    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Quota => "quota",
            Self::Person => "person",
            Self::Cancellation => "cancellation",
            Self::Plan => "plan",
            Self::Release => "release",
            Self::Split => "split",
            Self::Rate => "rate",
            Self::Early => "early",
        }
    }

    /// Whether facts of this kind are about a period; the others hold in all of them.
    #[must_use]
    pub fn has_period(self) -> bool {
        matches!(self, Self::Credit | Self::Quota)
    }
}

/// A fact that a calculation rests on; its value is a text beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// Index of the leaf period that it is about; `None` when it is about no period.
    pub period: Option<usize>,
    /// What kind.
    pub kind: FactKind,
    /// The plan; empty where it is about all.
    pub plan: String,
    /// The payee, holder or transaction.
    pub subject: String,
    /// What about it: credit rule and transaction, name of the quota, column of reps.
    pub name: String,
}

impl Fact {
    /// The fact that a payee is credited with a transaction, or a line of one, by a rule.
    #[must_use]
    pub fn credit(period: usize, plan: &str, payee: &str, (deal, rule): (&str, &str)) -> Self {
        let name = format!("transaction {deal} ({rule})");
        Self {
            period: Some(period),
            kind: FactKind::Credit,
            plan: plan.to_owned(),
            subject: payee.to_owned(),
            name,
        }
    }

    /// The transaction, with its line when it has one, of a credit.
    #[must_use]
    pub fn transaction(&self) -> Option<&str> {
        let rest = self.name.strip_prefix("transaction ").filter(|_| self.kind == FactKind::Credit)?;
        // The bracket that the last one closes: both names may have brackets of their own.
        let mut open = 0;
        let rule = rest.char_indices().rev().find(|(_, letter)| {
            open += i32::from(*letter == ')') - i32::from(*letter == '(');
            open == 0
        });
        rule.map(|(at, _)| rest[..at].trim_end_matches(' '))
    }
}

/// Facts and their values.
pub type Facts = BTreeMap<Fact, String>;

/// A fact that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub fact: Fact,
    /// The value that went into what was posted; `None` when it was not known.
    pub before: Option<String>,
    /// The value now; `None` when it is gone.
    pub after: Option<String>,
}

impl Change {
    /// The credit that the same transaction is now, where this one is gone, or was before, where this one is new.
    fn moved<'c>(&self, changes: &'c [Self]) -> Option<&'c Self> {
        let fact = &self.fact;
        let same = |other: &&Self| {
            other.fact.kind == FactKind::Credit
                && (&other.fact.plan, &other.fact.name) == (&fact.plan, &fact.name)
                && other.before.is_some() == self.after.is_some()
                && other.after.is_some() == self.before.is_some()
        };
        let one = fact.kind == FactKind::Credit && self.before.is_some() != self.after.is_some();
        changes.iter().filter(|_| one).find(same)
    }

    /// Whether an exchange rate explains an amount: both grew by the same factor, to a cent.
    fn follows(&self, rate: &Self) -> bool {
        let numbers = |change: &Self| -> Option<(Rational, Rational)> {
            Some((change.before.as_ref()?.parse().ok()?, change.after.as_ref()?.parse().ok()?))
        };
        let (Some(own), Some(rate)) = (numbers(self), numbers(rate)) else { return false };
        let off = &(&own.1 * &rate.0) - &(&own.0 * &rate.1);
        let cent = Rational::new(1, 100).unwrap_or_default();
        off.checked_div(&rate.0).is_some_and(|off| off.abs() <= cent)
    }

    /// In words; `moved` is what the same transaction is now, or was before.
    fn text(&self, name: &dyn Fn(usize) -> String, moved: Option<&Self>) -> String {
        let Fact { kind, subject, name: what, period, .. } = &self.fact;
        let of = period.map_or_else(String::new, name);
        let about = match kind {
            FactKind::Credit => format!("{what} in {of}"),
            FactKind::Quota => format!("quota `{what}` of {of}"),
            FactKind::Person => format!("{what} of {subject}"),
            FactKind::Cancellation => format!("cancellation of transaction {subject}"),
            FactKind::Plan => return format!("the plan {subject} was changed"),
            FactKind::Release => format!("{what} of transaction {subject}"),
            FactKind::Split => format!("the share of {what} in transaction {subject}"),
            FactKind::Early => format!("transaction {subject} before the ledger"),
            FactKind::Rate => format!("the rate from {subject} to {what}"),
        };
        let elsewhere = moved.map(|other| match other.fact.subject == *subject {
            true => other.fact.period.map_or_else(String::new, name),
            false => other.fact.subject.clone(),
        });
        match (&self.before, &self.after) {
            (None, Some(after)) => match elsewhere {
                Some(from) => format!("{about} moved from {from}: {after}"),
                None => format!("{about} is new: {after}"),
            },
            (Some(before), None) => match elsewhere {
                Some(to) => format!("{about} moved to {to}, it was {before}"),
                None => format!("{about} is gone, it was {before}"),
            },
            (before, after) => {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                format!("{about} is {} instead of {}", text(after), text(before))
            }
        }
    }
}

/// What differs between the facts that went into what was posted and those of now, up to a period.
#[must_use]
pub fn changes(before: &Facts, now: &Facts, through: usize) -> Vec<Change> {
    let mut all: Vec<&Fact> =
        before.keys().chain(now.keys()).filter(|fact| fact.period <= Some(through)).collect();
    all.sort();
    all.dedup();
    let changed = all.into_iter().filter(|fact| before.get(fact) != now.get(fact));
    changed
        .map(|fact| Change {
            fact: fact.clone(),
            before: before.get(fact).cloned(),
            after: now.get(fact).cloned(),
        })
        .collect()
}

/// What causes are found with, besides the changes.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The calendar.
    pub calendar: &'a Calendar,
    /// The plans.
    pub plans: &'a [&'a CompPlan],
    /// The periods in which a payee was credited with a transaction by a plan: before, or now.
    pub credited: &'a dyn Fn(&Key, &str) -> Vec<usize>,
}

/// Why the entitlement of a key is another one than was posted, in words: the changes of what it rests on, which are those of
/// its own payee, its component's credits and quotas, and the periods that it looks back over; those of its own period
/// first. Or else those of others with whom it shares a rank, a pool, a team or a budget.
#[must_use]
pub fn explain(key: &Key, changes: &[Change], around: Around<'_>) -> String {
    /// Changes that are named.
    const NAMED: usize = 4;
    if key.kind == Kind::Adjustment {
        return format!("adjustment {} was approved", key.component);
    }
    let Around { calendar, plans, credited } = around;
    let name = |period: usize| calendar.periods()[period].name.clone();
    let payee = key.who.payee.as_str();
    let plan = plans.iter().find(|plan| plan.id == key.plan);
    let back = plan.is_some_and(|plan| looks_back(plan, &key.component));
    let rolls =
        plan.is_some_and(|plan| plan.measures.iter().any(|own| matches!(own.window, Window::Rolling(_))));
    let first = match back {
        true if rolls => 0,
        true => calendar.group(key.origin, Group::Year).start,
        false => key.origin,
    };
    let within = |period: usize| (first..=key.origin).contains(&period);
    // A component that is gone looked at nothing that the plan of today knows.
    let known = plan.filter(|plan| plan.components.iter().any(|own| own.name == key.component));
    let rules = known.map(|plan| credits_of(plan, &key.component));
    let counts = |fact: &Fact| {
        let of = |rule: &&str| fact.name.ends_with(&format!(" ({rule})"));
        rules.as_ref().is_none_or(|rules| rules.iter().any(of))
    };
    let goal = |quota: &str| {
        plan.is_none_or(|plan| {
            let from = |goal: &Goal| matches!(&goal.from, GoalFrom::Quota(name) if name == quota);
            plan.measures.iter().any(|measure| measure.goal.as_ref().is_some_and(from))
        })
    };
    let concerns = |change: &&Change| {
        let fact = &change.fact;
        let in_time = fact.period.is_none_or(within);
        let own = match fact.kind {
            FactKind::Credit => fact.subject == payee && fact.plan == key.plan && counts(fact),
            FactKind::Quota => fact.subject == payee && goal(&fact.name),
            FactKind::Person => fact.subject == payee,
            FactKind::Plan => fact.subject == key.plan,
            FactKind::Cancellation => {
                key.kind == Kind::Clawback && credited(key, &fact.subject).into_iter().any(within)
            }
            // They say more about a credit that is another one.
            FactKind::Release | FactKind::Split | FactKind::Rate | FactKind::Early => false,
        };
        own && in_time
    };
    let mut own: Vec<&Change> = changes.iter().filter(concerns).collect();
    // What is about no period comes last.
    let distance = |fact: &Fact| fact.period.map_or(usize::MAX, |period| key.origin - period);
    own.sort_by_key(|change| (distance(&change.fact), change.fact.clone()));
    if own.is_empty() {
        return match plan.is_some() {
            _ if key.kind == Kind::Capped => "what is above the cap is another amount".to_owned(),
            _ if key.kind == Kind::Forfeit => "what was held when the grace after leaving ended".to_owned(),
            true => "changes of others: a rank, pool, team, budget or hierarchy".to_owned(),
            false => format!("the plan {} is gone", key.plan),
        };
    }
    let rate = |change: &Change| {
        let mut rates = changes.iter().filter(|other| other.fact.kind == FactKind::Rate);
        rates.find(|rate| change.fact.kind == FactKind::Credit && change.follows(rate))
    };
    let split = |change: &Change| {
        let deal = change.fact.transaction()?;
        changes.iter().find(|other| {
            other.fact.kind == FactKind::Split
                && other.fact.name == payee
                && (deal == other.fact.subject || deal.starts_with(&format!("{}/", other.fact.subject)))
        })
    };
    let mut texts: Vec<String> = Vec::new();
    for change in &own {
        let text = match (rate(change), split(change)) {
            (Some(rate), _) => rate.text(&name, None),
            (None, Some(split)) => split.text(&name, None),
            (None, None) => change.text(&name, change.moved(changes)),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.len() > NAMED {
        let more = format!("{} more", texts.len() - NAMED);
        texts.truncate(NAMED);
        texts.push(more);
    }
    texts.join("; ")
}
