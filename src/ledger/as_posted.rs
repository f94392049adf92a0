//! The lines of posted periods as they were posted, and whether today's calculation still says the same of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use spm_core::engine::comp::Earning;
use spm_core::engine::comp::difference::credits_of;
use spm_core::engine::ledger::{Fact, FactKind};
use spm_core::ground::money::Money;
use spm_core::ground::period::Calendar;
use spm_core::ground::rational::Rational;
use spm_core::plan::comp::CompPlan;
use spm_frame::credit::Credited;

use super::entitle::credits;
use super::read::{Posted, who};
use super::write::{PlanText, tree};
use super::{Fault, Store};

/// Payee, plan, index of the period, component.
pub type Of = (String, String, usize, String);

/// What a component earned somebody when its own period was posted.
#[derive(Debug)]
pub struct Line {
    /// How much.
    pub amount: Money,
    /// Why, as it is kept.
    pub trace: Value,
}

/// What one posting says of its own period.
#[derive(Debug)]
struct Sealed {
    recorded_at: String,
    plans: BTreeMap<String, String>,
    credits: BTreeMap<Fact, Rational>,
}

/// Posted periods as they were posted.
#[derive(Debug, Default)]
pub struct AsPosted {
    /// The lines of each period, without corrections of others.
    pub lines: BTreeMap<Of, Line>,
    sealed: BTreeMap<usize, Sealed>,
}

/// How a line of today compares with the one that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same number for the same reasons, by the same plan.
    Same,
    /// The same number for the same reasons, by a plan whose text is another one.
    OtherPlan,
    /// Another number, or other reasons.
    Different,
}

impl AsPosted {
    /// Reads postings.
    pub fn of<'p>(
        store: &Store,
        calendar: &Calendar,
        postings: impl Iterator<Item = &'p Posted>,
    ) -> Result<Self, Fault> {
        let mut all = Self::default();
        for posted in postings {
            let sql = "SELECT plan_id, payee_id, component, currency, earned, trace FROM line
                WHERE record = ?1 AND kind = 'earning' AND origin = ?2";
            let mut statement = store.connection.prepare(sql)?;
            let mut rows = statement.query((posted.record, &posted.name))?;
            while let Some(row) = rows.next()? {
                let (plan, payee, component): (String, String, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let currency = who(payee.clone(), row.get(3)?)?.currency;
                let amount = Money { minor_units: row.get::<_, i64>(4)?.into(), currency };
                let trace = serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default();
                all.lines.insert((payee, plan, posted.period, component), Line { amount, trace });
            }
            let plans = store.pairs("SELECT plan_id, sha256 FROM plan WHERE record = ?1", [posted.record])?;
            let mut sealed = Sealed {
                recorded_at: posted.recorded_at.clone(),
                plans: plans.into_iter().collect(),
                credits: BTreeMap::new(),
            };
            for (fact, value) in store.facts_of(calendar, FactKind::Credit, &posted.name, posted.record)? {
                sealed.credits.insert(fact, value.parse().unwrap_or_default());
            }
            all.sealed.insert(posted.period, sealed);
        }
        Ok(all)
    }

    /// When a period was posted; `None` when it is open.
    #[must_use]
    pub fn recorded_at(&self, period: usize) -> Option<&str> {
        self.sealed.get(&period).map(|sealed| sealed.recorded_at.as_str())
    }

    /// What a plan credits today, to be compared with what was posted; nothing when no posted period is looked at.
    pub fn credits_today(
        &self,
        calendar: &Calendar,
        plan: &CompPlan,
        credited: &Credited,
    ) -> Result<BTreeMap<Fact, Rational>, Fault> {
        if self.sealed.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(credits(calendar, &plan.id, &credited.credits)?)
    }

    /// Compares a line of today with the one that was posted.
    #[must_use]
    pub fn compare(
        &self,
        of: &Of,
        line: &Earning,
        today: &BTreeMap<Fact, Rational>,
        plans: &[PlanText],
    ) -> Compared {
        let (Some(posted), Some(sealed)) = (self.lines.get(of), self.sealed.get(&of.2)) else {
            return Compared::Different;
        };
        let same = posted.amount == line.amount
            && without_clauses(&posted.trace) == without_clauses(&tree(&line.trace))
            && own(&sealed.credits, of).eq(own(today, of));
        let text = plans.iter().find(|plan| plan.id == of.1).map(|plan| &plan.sha256);
        match same {
            false => Compared::Different,
            true if text == sealed.plans.get(&of.1) => Compared::Same,
            true => Compared::OtherPlan,
        }
    }

    /// The credits that went into a posted line: transaction and amount.
    #[must_use]
    pub fn credits(&self, of: &Of, plan: Option<&CompPlan>) -> Vec<(String, Rational)> {
        let Some(sealed) = self.sealed.get(&of.2) else { return vec![] };
        let known = plan.filter(|plan| plan.components.iter().any(|component| component.name == of.3));
        let rules: Option<BTreeSet<&str>> = known.map(|plan| credits_of(plan, &of.3));
        let counts = |fact: &Fact| {
            let of_rule = |rule: &&str| fact.name.ends_with(&format!(" ({rule})"));
            rules.as_ref().is_none_or(|rules| rules.iter().any(of_rule))
        };
        let own = own(&sealed.credits, of).filter(|(fact, _)| counts(fact));
        own.filter_map(|(fact, amount)| Some((fact.transaction()?.to_owned(), amount.clone()))).collect()
    }

    /// The lines of a person.
    pub fn lines_of<'a>(&'a self, payee: &'a str) -> impl Iterator<Item = &'a Of> {
        let first = (payee.to_owned(), String::new(), 0, String::new());
        self.lines.range(first..).map(|(of, _)| of).take_while(move |of| of.0 == payee)
    }
}

/// The credits of a line's payee, plan and period.
fn own<'f>(
    credits: &'f BTreeMap<Fact, Rational>,
    of: &'f Of,
) -> impl Iterator<Item = (&'f Fact, &'f Rational)> {
    let (payee, plan, period, _) = of;
    let first = Fact {
        period: Some(*period),
        kind: FactKind::Credit,
        plan: plan.clone(),
        subject: payee.clone(),
        name: String::new(),
    };
    let same = move |fact: &Fact| (&fact.plan, &fact.subject, fact.period) == (plan, payee, Some(*period));
    credits.range(first..).take_while(move |(fact, _)| same(fact))
}

/// An explanation without the places of its clauses, which move when a line is added above them.
fn without_clauses(node: &Value) -> Value {
    let mut node = node.clone();
    if let Some(fields) = node.as_object_mut() {
        fields.remove("clause");
        if let Some(children) = fields.get_mut("of").and_then(Value::as_array_mut) {
            children.iter_mut().for_each(|child| *child = without_clauses(child));
        }
    }
    node
}
