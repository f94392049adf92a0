//! Causes: which fact that went into a posted period is another one now.

use std::collections::BTreeMap;

use crate::plan::comp::CompPlan;

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
}

impl FactKind {
    /// Every kind, in order.
    pub const ALL: [Self; 7] =
        [Self::Credit, Self::Quota, Self::Person, Self::Cancellation, Self::Plan, Self::Release, Self::Split];

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
    fn text(&self, name: &dyn Fn(usize) -> String) -> String {
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
        };
        match (&self.before, &self.after) {
            (None, Some(after)) => format!("{about} is new: {after}"),
            (Some(before), None) => format!("{about} is gone, it was {before}"),
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

/// Why the entitlement of a key is another one than was posted, in words: the changes that concern it, those of its own
/// period first, or else those of others with whom it shares a rank, a pool, a team or a budget.
#[must_use]
pub fn explain(
    key: &Key,
    changes: &[Change],
    plans: &[&CompPlan],
    credited: &dyn Fn(&str) -> bool,
    name: &dyn Fn(usize) -> String,
) -> String {
    /// Changes that are named.
    const NAMED: usize = 4;
    if key.kind == Kind::Adjustment {
        return format!("adjustment {} was approved", key.component);
    }
    let payee = key.who.payee.as_str();
    let concerns = |change: &&Change| {
        let fact = &change.fact;
        let plan = fact.plan.is_empty() || fact.plan == key.plan;
        let own = match fact.kind {
            FactKind::Credit | FactKind::Quota | FactKind::Person => fact.subject == payee,
            FactKind::Plan => fact.subject == key.plan,
            FactKind::Cancellation => {
                key.kind == Kind::Clawback && (change.after.is_none() || credited(&fact.subject))
            }
            // They say when something is payable; what is earned is said by credits.
            FactKind::Release | FactKind::Split => false,
        };
        plan && own && fact.period <= Some(key.origin)
    };
    let mut own: Vec<&Change> = changes.iter().filter(concerns).collect();
    // What is about no period comes last.
    let distance = |fact: &Fact| fact.period.map_or(usize::MAX, |period| key.origin - period);
    own.sort_by_key(|change| (distance(&change.fact), change.fact.clone()));
    if own.is_empty() {
        return match plans.iter().any(|plan| plan.id == key.plan) {
            _ if key.kind == Kind::Forfeit => "what was held when the grace after leaving ended".to_owned(),
            true => "changes of others: a rank, pool, team, budget or hierarchy".to_owned(),
            false => format!("the plan {} is gone", key.plan),
        };
    }
    let mut texts: Vec<String> = own.iter().take(NAMED).map(|change| change.text(name)).collect();
    if own.len() > NAMED {
        texts.push(format!("{} more", own.len() - NAMED));
    }
    texts.join("; ")
}
