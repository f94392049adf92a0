//! The explanation of a quota as a tree whose every computed value follows from its children (floor 2).

use std::collections::BTreeMap;

use super::allocation::{Allocation, Binding, Explanation};
use super::hierarchy::{availability, season, season_weights};
use super::lay_out::LINE;
use super::open::{factor, parents};
use super::problem::{Blend, Clause, Holder, HolderId, Measure, Method, Problem, Total};
use crate::ground::rational::Rational;
use crate::ground::trace::{Node, Operation, Unit};

/// Why the year of a holder is what it is: its parts, its share level by level, and the weight by the method. `None` when
/// the allocation has no such holder.
#[must_use]
pub fn trace(problem: &Problem, allocation: &Allocation, holder: &HolderId) -> Option<Node> {
    let whys: Vec<Explanation<'_>> = allocation.explanations().collect();
    let trace = Trace {
        problem,
        holders: problem.holders.iter().map(|holder| (&holder.id, holder)).collect(),
        explanations: whys.iter().map(|why| (why.holder, why)).collect(),
    };
    trace.explanations.get(holder).map(|why| trace.quota(why))
}

struct Trace<'a> {
    problem: &'a Problem,
    holders: BTreeMap<&'a HolderId, &'a Holder>,
    explanations: BTreeMap<&'a HolderId, &'a Explanation<'a>>,
}

impl Trace<'_> {
    fn input(&self, label: impl Into<String>, value: &Rational) -> Node {
        Node::input(label, self.problem.measured_in.clone(), value.clone())
    }

    fn computed(&self, label: impl Into<String>, operation: Operation, children: Vec<Node>) -> Node {
        Node::computed(label, self.problem.measured_in.clone(), operation, children)
    }

    /// The sum of the parts.
    fn quota(&self, why: &Explanation<'_>) -> Node {
        let parts = &why.parts;
        let total = self.input("total", &why.total);
        let by_weight =
            self.computed("share by weight alone", Operation::Product, vec![total, self.share(why)]);
        let history = self.input("history", &parts.history);
        let growth = self.computed(
            "share beyond history",
            Operation::Difference,
            vec![by_weight.clone(), history.clone()],
        );
        let mut children = vec![history, growth];
        if !parts.over_assignment.is_zero() {
            let added = &why.compounded_over_assignment - &Rational::one();
            let added = Node::input("over-assignment of all levels above, multiplied", Unit::Percent, added);
            children.push(self.computed("over-assignment", Operation::Product, vec![by_weight, added]));
        }
        let (limits, above) = (self.limits_label(why), self.above_label(why));
        let (limits, above) = (limits.as_str(), above.as_str());
        for (label, part, shown) in [
            (above, &parts.from_above, false),
            // A lock or floor that higher levels have taken care of is still the reason.
            (limits, &parts.limits, why.binding.is_some()),
            ("rounding", &parts.rounding, false),
        ] {
            if shown || !part.is_zero() {
                let node = self.input(label, part);
                let clause = if label == limits { self.clause(why) } else { None };
                children.push(match clause {
                    Some(clause) => node.citing(&clause.place),
                    None => node,
                });
            }
        }
        self.computed(format!("quota of {}", why.holder), Operation::Sum, children)
    }

    /// The share of the total: on each level from the root down, weight by the weight of all siblings.
    fn share(&self, why: &Explanation<'_>) -> Node {
        let mut levels = vec![];
        let mut next = Some(why);
        while let Some(own) = next {
            let parent = self.holders.get(own.holder).and_then(|holder| holder.parent.as_ref());
            if let (Some(parent), true) = (parent, own.sibling_weight.is_positive()) {
                let siblings = Node::input(
                    format!("weight of all in {parent}"),
                    self.weight_unit(),
                    own.sibling_weight.clone(),
                );
                let children = vec![self.weight(own), siblings];
                let label = format!("share of {} in {parent}", own.holder);
                levels.push(Node::computed(label, Unit::Percent, Operation::Quotient, children));
            }
            next = parent.and_then(|parent| self.explanations.get(parent).copied());
        }
        levels.reverse();
        let share = Node::computed("share of the total", Unit::Percent, Operation::Product, levels);
        // Of the root, and where a level has no weight at all, there is no share to multiply.
        match share.value == why.share_of_total && !share.children.is_empty() {
            true => share,
            false => Node::input("share of the total", Unit::Percent, why.share_of_total.clone()),
        }
    }

    fn weight_unit(&self) -> Unit {
        match self.problem.method {
            Method::WeightedShare { .. } | Method::Proportional(Measure::Headcount) => Unit::Number,
            _ => self.problem.measured_in.clone(),
        }
    }

    /// The weight of a holder: stated, by the method, or the sum of those below.
    fn weight(&self, why: &Explanation<'_>) -> Node {
        let stated = |label: String| Node::input(label, self.weight_unit(), why.weight.clone());
        let Some(holder) = self.holders.get(why.holder) else { return stated("weight".to_owned()) };
        if let Some(blend) = &holder.blend {
            if blend.share == Rational::one() {
                let brought = blend.below.to_decimal_text();
                return stated(format!("weight of {}: {brought} from below, within its limits", why.holder));
            }
            return self.blend(why, blend);
        }
        if holder.weight.is_some() && why.given_out.is_some() {
            return stated(format!("weight of {}: of all below, without over-assignment", why.holder));
        }
        if holder.weight.is_some() && (holder.full_weight.is_none() || holder.presence.is_none()) {
            return stated(format!("weight of {}, as stated", why.holder));
        }
        if why.given_out.is_some() {
            return stated(format!("weight of {}: of all below", why.holder));
        }
        let full = holder.full_weight.as_ref().filter(|_| holder.weight.is_some());
        let mut factors = vec![match full {
            Some(weight) => {
                Node::input("weight as stated, of a whole year", self.weight_unit(), weight.clone())
            }
            None => self.by_method(holder),
        }];
        if let Some((phasing, presence)) = self.problem.phasing.as_ref().zip(holder.presence.as_ref()) {
            let weights = || season_weights(phasing, holder.season.as_deref());
            let there =
                phasing.periods.iter().zip(weights()).zip(presence).map(|(((name, _), weight), part)| {
                    let season =
                        Node::input(format!("season weight of {name}"), Unit::Number, weight.clone());
                    let part =
                        Node::input(format!("part of {name} that is there"), Unit::Percent, part.clone());
                    Node::computed(name.clone(), Unit::Number, Operation::Product, vec![season, part])
                });
            let there = Node::computed("there, by season", Unit::Number, Operation::Sum, there.collect());
            let all: Rational = weights().sum();
            let all = Node::input("all seasons", Unit::Number, all);
            let children = vec![there, all];
            let label = match &holder.there {
                Some(there) if !there.is_empty() => format!("part of the year ({there})"),
                _ => "part of the year".to_owned(),
            };
            let part = Node::computed(label, Unit::Percent, Operation::Quotient, children);
            debug_assert_eq!(part.value, availability(phasing, holder.season.as_deref(), Some(presence)));
            factors.push(part);
        }
        match factors.len() {
            1 => factors.remove(0),
            _ => Node::computed(
                format!("weight of {}", why.holder),
                self.weight_unit(),
                Operation::Product,
                factors,
            ),
        }
    }

    /// The weight between above and below.
    fn blend(&self, why: &Explanation<'_>, blend: &Blend) -> Node {
        let unit = self.problem.measured_in.clone();
        let rest = &Rational::one() - &blend.share;
        let part = |label: &str, amount: Rational, share: Rational| {
            let children = vec![self.input(label, &amount), Node::input("blend", Unit::Percent, share)];
            Node::computed(format!("part of {label}"), unit.clone(), Operation::Product, children)
        };
        let above = blend.above.clone().unwrap_or_default();
        let parts = vec![
            part("the quota from above, with its limits", above, rest),
            part("what can be carried from below", blend.below.clone(), blend.share.clone()),
        ];
        let label = format!("weight of {}: between above and below", why.holder);
        Node::computed(label, unit, Operation::Sum, parts)
    }

    /// The weight of a leaf for a whole year.
    fn by_method(&self, holder: &Holder) -> Node {
        let unit = self.weight_unit();
        let history = || self.input("history", holder.history.as_ref().unwrap_or(&Rational::zero()));
        let potential = || self.input("potential", holder.potential.as_ref().unwrap_or(&Rational::zero()));
        let share = |label: &str, value: Node, all: Rational| {
            if all.is_zero() {
                return Node::input(label, Unit::Percent, Rational::zero());
            }
            Node::computed(label, Unit::Percent, Operation::Quotient, vec![value, self.input("of all", &all)])
        };
        let blend = |label: &str, first: Node, share: &Rational, second: Node| {
            let parts = [(first, share.clone()), (second, &Rational::one() - share)].map(|(value, part)| {
                let name = format!("part of {}", value.label);
                let factor = Node::input("blend", Unit::Percent, part);
                Node::computed(name, unit.clone(), Operation::Product, vec![value, factor])
            });
            Node::computed(label, unit.clone(), Operation::Sum, parts.to_vec())
        };
        match &self.problem.method {
            Method::Proportional(Measure::History) => history(),
            Method::Proportional(Measure::Potential) => potential(),
            Method::Proportional(Measure::Headcount) => Node::input("one seat", unit, Rational::one()),
            Method::GrowthOnHistory { growth } => {
                let growth = &Rational::one() + &self.growth(holder, growth);
                let grown = Node::input("1 + growth", Unit::Percent, growth);
                Node::computed("grown history", unit, Operation::Product, vec![history(), grown])
            }
            Method::HistoryPlusPotential => {
                let line = self.stated_line(holder);
                let all = self.sum_within(line, |holder| holder.history.as_ref());
                let increase = self.input("increase of the total on history", &(self.total_of(line) - all));
                let all = self.sum_within(line, |holder| holder.potential.as_ref());
                let part = share("share of potential", potential(), all);
                let part = self.computed("share of the increase", Operation::Product, vec![increase, part]);
                Node::computed("history and increase", unit, Operation::Sum, vec![history(), part])
            }
            Method::WeightedShare { history_share } => blend(
                "blended share",
                share(
                    "share of history",
                    history(),
                    self.sum_within(self.stated_line(holder), |holder| holder.history.as_ref()),
                ),
                history_share,
                share(
                    "share of potential",
                    potential(),
                    self.sum_within(self.stated_line(holder), |holder| holder.potential.as_ref()),
                ),
            ),
            Method::LastQuota { history_share } => {
                let last = holder.last_quota.clone().unwrap_or_default();
                blend("history and last quota", history(), history_share, self.input("last quota", &last))
            }
        }
    }

    /// The line with a quota of its own that a holder is below.
    fn stated_line<'h>(&'h self, holder: &'h Holder) -> Option<&'h Holder> {
        let above = |holder: &&'h Holder| {
            let parent = holder.parent.as_ref()?;
            self.holders.get(parent).copied()
        };
        std::iter::successors(Some(holder), above).find(|own| *own.level == *LINE && own.locked.is_some())
    }

    /// The sum of a measure over a line, or over those who are below no line with a quota of its own.
    fn sum_within(&self, line: Option<&Holder>, measure: impl Fn(&Holder) -> Option<&Rational>) -> Rational {
        if !self.problem.holders.iter().any(|own| *own.level == *LINE && own.locked.is_some()) {
            return self.sum(measure);
        }
        let parents = parents(&self.problem.holders);
        let mut within: Vec<Option<&HolderId>> = vec![None; parents.len()];
        let mut sum = Rational::zero();
        for (place, holder) in self.problem.holders.iter().enumerate() {
            within[place] = if *holder.level == *LINE && holder.locked.is_some() {
                Some(&holder.id)
            } else {
                parents[place].and_then(|parent| within[parent])
            };
            if within[place] == line.map(|line| &line.id) {
                sum += &measure(holder).cloned().unwrap_or_default();
            }
        }
        sum
    }

    /// What a line with a quota of its own has, or the company without those lines.
    fn total_of(&self, line: Option<&Holder>) -> Rational {
        if let Some(lock) = line.and_then(|line| line.locked.as_ref()) {
            return lock.clone();
        }
        let total = match &self.problem.total {
            Total::Given(total) => total.clone(),
            Total::GrowthOnHistory { .. } => self.root_total(),
        };
        let lines = self.problem.holders.iter().filter(|own| *own.level == *LINE);
        let stated: Vec<&Rational> = lines.filter_map(|own| own.locked.as_ref()).collect();
        let root = self.problem.holders.iter().find(|holder| holder.parent.is_none());
        match root.filter(|_| !stated.is_empty()) {
            Some(root) => &total * &factor(self.problem, root) - stated.into_iter().sum::<Rational>(),
            None => total,
        }
    }

    /// The amount that the root shares.
    fn root_total(&self) -> Rational {
        let root = self.problem.holders.iter().find(|holder| holder.parent.is_none());
        root.and_then(|root| self.explanations.get(&root.id))
            .map(|why| why.amount.clone())
            .unwrap_or_default()
    }

    /// The growth stated nearest above or at the holder.
    fn growth(&self, holder: &Holder, otherwise: &Rational) -> Rational {
        let mut next = Some(holder);
        while let Some(own) = next {
            if let Some(growth) = &own.growth {
                return growth.clone();
            }
            next = own.parent.as_ref().and_then(|parent| self.holders.get(parent).copied());
        }
        otherwise.clone()
    }

    fn sum(&self, read: impl Fn(&Holder) -> Option<&Rational>) -> Rational {
        self.problem.holders.iter().filter_map(read).sum()
    }

    /// The clause behind the limit that decides, when it is the holder's own.
    fn clause(&self, why: &Explanation<'_>) -> Option<&Clause> {
        let clauses = &self.holders.get(why.holder)?.clauses;
        let clause = match why.binding? {
            Binding::Lock => &clauses.locked,
            Binding::Floor => &clauses.floor,
            Binding::Cap => &clauses.cap,
            Binding::FloorsBelow | Binding::CapsBelow => return None,
        };
        clause.as_deref()
    }

    /// What limits the holders that have a limit, in a few words each.
    fn bound<'e>(&self, whys: impl Iterator<Item = &'e Explanation<'e>>) -> Vec<String> {
        whys.filter_map(|why| {
            let word = why.binding?.word();
            let key = self.clause(why).map(|clause| clause.key).filter(|key| *key != word && *key != "lock");
            let note = why.note.as_ref().map_or_else(String::new, |note| format!(", {note}"));
            Some(format!(
                "{} {word}{}{note}",
                why.holder,
                key.map_or_else(String::new, |key| format!(" by {key}"))
            ))
        })
        .collect()
    }

    /// What the part from above is called: with the limits of the holders above and of their siblings.
    fn above_label(&self, why: &Explanation<'_>) -> String {
        let mut names = vec![];
        let mut next = why.parent.and_then(|parent| self.explanations.get(parent).copied());
        while let Some(own) = next {
            let level = self.explanations.values().filter(|other| other.parent == own.parent).copied();
            names.extend(self.bound(level));
            next = own.parent.and_then(|parent| self.explanations.get(parent).copied());
        }
        with_names("limits and rounding on levels above", &names)
    }

    /// What the limits part is called: the deciding limit, the key that sets it, and the note why it is there.
    fn limits_label(&self, why: &Explanation<'_>) -> String {
        let mut name = match why.binding {
            Some(binding) => binding.word().to_owned(),
            None => {
                let own =
                    |other: &&&Explanation<'_>| other.parent == why.parent && other.holder != why.holder;
                let siblings = self.explanations.values().filter(own).copied();
                with_names("limits of siblings", &self.bound(siblings))
            }
        };
        if let Some(clause) = self.clause(why).filter(|clause| clause.key != name && clause.key != "lock") {
            name += &format!(" by {}", clause.key);
        }
        match &why.note {
            Some(note) => format!("{name} ({note})"),
            None => name,
        }
    }
}

/// A label with the first few of some names.
fn with_names(label: &str, names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len() {
        0 => label.to_owned(),
        count if count > SHOWN => {
            format!("{label}: {}, and {} more", names[..SHOWN].join("; "), count - SHOWN)
        }
        _ => format!("{label}: {}", names.join("; ")),
    }
}

/// How the year of a holder falls into one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The period.
    pub period: String,
    /// Season weight of the period.
    pub season: Rational,
    /// The part of it in which the holder carries quota; none for a holder above, whose periods are sums.
    pub there: Option<Rational>,
    /// The share of the year by both, before rounding to units; none for a holder above.
    pub exact: Option<Rational>,
    /// The amount.
    pub amount: Rational,
}

/// The year and the periods of a holder, with what the split follows from. `None` when the allocation has no such holder.
#[must_use]
pub fn spread(problem: &Problem, allocation: &Allocation, holder: &HolderId) -> Option<Vec<Spread>> {
    let position = allocation.position(holder)?;
    let why = allocation.explain(position);
    let own = problem.holders.get(why.index)?;
    let amounts = allocation.rows().nth(position)?;
    let leaf = why.given_out.is_none();
    let there = |period: usize| match &own.presence {
        Some(presence) => presence[period].clone(),
        None => Rational::one(),
    };
    let phasing = problem.phasing.as_ref();
    let shares = phasing.map_or_else(Vec::new, |phasing| season(phasing, own));
    let periods = phasing.into_iter().flat_map(|phasing| &phasing.periods);
    let all: Rational = shares.iter().sum();
    let weights: Vec<&Rational> =
        phasing.map_or_else(Vec::new, |phasing| season_weights(phasing, own.season.as_deref()).collect());
    let row = |(period, ((name, _), amount)): (usize, (&(String, Rational), &i64))| Spread {
        period: name.clone(),
        season: weights[period].clone(),
        there: leaf.then(|| there(period)),
        exact: (&why.amount * &shares[period]).checked_div(&all).filter(|_| leaf),
        amount: Rational::from_scaled((*amount).into(), allocation.decimals),
    };
    Some(periods.zip(&amounts[1..]).enumerate().map(row).collect())
}
