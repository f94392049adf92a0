//! What posted periods rest on and today's extracts and plans no longer have at all.
//!
//! What is missing counts as gone, and what it earned is taken back. A truncated extract looks the same, so it is named before
//! anything is booked.

use std::collections::BTreeSet;

use super::{Fact, FactKind, Facts};

/// Facts of one kind that are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Which kind.
    pub kind: FactKind,
    /// What they are about, in order, each once.
    pub names: Vec<String>,
    /// How many there were of the kind.
    pub of: usize,
}

/// What facts of what was posted are about and what does not exist any more, kind by kind.
#[must_use]
pub fn gone(posted: &Facts, exists: &dyn Fn(FactKind, &Fact) -> bool) -> Vec<Gone> {
    let of_kind = |kind: FactKind| {
        let (mut all, mut names) = (BTreeSet::new(), BTreeSet::new());
        // A credit is about a person, too.
        let person = |fact: &Fact| kind == FactKind::Person && fact.kind == FactKind::Credit;
        for fact in posted.keys().filter(|fact| fact.kind == kind || person(fact)) {
            let name = about(kind, fact);
            if !all.contains(&name) && !exists(kind, fact) {
                names.insert(name.clone());
            }
            all.insert(name);
        }
        Gone { kind, names: names.into_iter().collect(), of: all.len() }
    };
    FactKind::ALL.into_iter().map(of_kind).filter(|gone| !gone.names.is_empty()).collect()
}

/// What exists or not: a transaction, a person, a quota of a holder, a cancellation, a plan, an event of a transaction, the
/// splits of one. One row of several that a transaction has may change; when none is left, it is gone.
fn about(kind: FactKind, fact: &Fact) -> String {
    match kind {
        FactKind::Credit => fact.transaction().unwrap_or_default().to_owned(),
        FactKind::Quota | FactKind::Release => format!("{} of {}", fact.name, fact.subject),
        FactKind::Person
        | FactKind::Cancellation
        | FactKind::Plan
        | FactKind::Split
        | FactKind::Rate
        | FactKind::Early => fact.subject.clone(),
    }
}

impl Gone {
    /// Names that are listed.
    const NAMED: usize = 6;

    /// `3 of 120 transactions that posted periods rest on are gone: d1, d2, d3`.
    #[must_use]
    pub fn text(&self) -> String {
        let (one, many) = match self.kind {
            FactKind::Credit => ("transaction", "transactions"),
            FactKind::Quota => ("quota", "quotas"),
            FactKind::Person => ("person", "people"),
            FactKind::Cancellation => ("cancellation", "cancellations"),
            FactKind::Plan => ("plan", "plans"),
            FactKind::Release => ("release", "releases"),
            FactKind::Early => ("earlier transaction", "earlier transactions"),
            FactKind::Rate => ("currency with rates", "currencies with rates"),
            FactKind::Split => ("split of a transaction", "splits of transactions"),
        };
        let what = if self.of == 1 { one } else { many };
        let is = if self.names.len() == 1 { "is" } else { "are" };
        let mut names: Vec<String> = self.names.iter().take(Self::NAMED).cloned().collect();
        if self.names.len() > Self::NAMED {
            names.push(format!("{} more", self.names.len() - Self::NAMED));
        }
        let (count, of) = (self.names.len(), self.of);
        format!("{count} of {of} {what} that posted periods rest on {is} gone: {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_named_once_and_counted() {
        let fact = |kind, subject: &str, name: &str| Fact {
            period: Some(0),
            kind,
            plan: "p".to_owned(),
            subject: subject.to_owned(),
            name: name.to_owned(),
        };
        let mut posted = Facts::new();
        for number in 1..=9 {
            for payee in ["A", "B"] {
                let name = format!("transaction d{number} (a)/1 (new (own))");
                posted.insert(fact(FactKind::Credit, payee, &name), "5".to_owned());
            }
        }
        posted.insert(fact(FactKind::Person, "A", "role"), "AE".to_owned());
        posted.insert(fact(FactKind::Person, "B", "role"), "AE".to_owned());
        let exists = |kind: FactKind, fact: &Fact| match kind {
            FactKind::Credit => fact.transaction() == Some("d3 (a)/1"),
            _ => fact.subject == "A",
        };
        let all = gone(&posted, &exists);
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[0].text(),
            "8 of 9 transactions that posted periods rest on are gone: d1 (a)/1, d2 (a)/1, d4 (a)/1, d5 (a)/1, d6 (a)/1, d7 (a)/1, 2 more"
        );
        assert_eq!(all[1].text(), "1 of 2 people that posted periods rest on is gone: B");
        assert!(gone(&posted, &|_, _| true).is_empty());
    }
}
