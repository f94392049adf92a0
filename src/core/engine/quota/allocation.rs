//! The answer of the quota engine: quotas by holder and period, and the parts that explain each (floor 2).

use std::sync::Arc;

use super::problem::HolderId;
use crate::ground::rational::Rational;
use crate::ground::trace::Unit;

/// All quotas of one problem, as columns: names are held once, amounts as integers beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Decimals of the amounts: 2 means cents.
    pub decimals: u32,
    /// How amounts are printed.
    pub measured_in: Unit,
    /// Names of the periods in the order of time; none for annual quotas only.
    pub periods: Vec<Arc<str>>,
    /// For each holder, in the order of the explanations, the year and then each period, in the smallest amount of the
    /// measure (cents).
    pub amounts: Vec<i128>,
    /// Who, where, and why: one for each holder. Parents come before children, siblings in the order of their ids.
    pub explanations: Vec<Explanation>,
}

impl Allocation {
    /// How many amounts each holder has: the year and the periods.
    #[must_use]
    pub fn width(&self) -> usize {
        1 + self.periods.len()
    }

    /// The year and then the periods of every holder, in the order of the explanations.
    pub fn rows(&self) -> impl Iterator<Item = &[i128]> {
        self.amounts.chunks(self.width())
    }

    /// The position of a holder.
    #[must_use]
    pub fn position(&self, holder: &HolderId) -> Option<usize> {
        self.explanations.iter().position(|why| why.holder == *holder)
    }

    /// The explanation of a holder.
    #[must_use]
    pub fn explanation(&self, holder: &HolderId) -> Option<&Explanation> {
        self.explanations.get(self.position(holder)?)
    }

    /// The quota of a holder for a period, or for the year, in the smallest amount.
    #[must_use]
    pub fn amount(&self, holder: &HolderId, period: Option<&str>) -> Option<i128> {
        let column = match period {
            None => 0,
            Some(name) => 1 + self.periods.iter().position(|own| **own == *name)?,
        };
        self.rows().nth(self.position(holder)?)?.get(column).copied()
    }
}

/// Which limit decides an amount, after others took or left what they had to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The manager's lock.
    Lock,
    /// The holder's own floor.
    Floor,
    /// The holder's own cap.
    Cap,
    /// Floors and locks below the holder.
    FloorsBelow,
    /// Caps and locks below the holder.
    CapsBelow,
}

impl Binding {
    /// As results name it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lock => "locked",
            Self::Floor => "floor",
            Self::Cap => "cap",
            Self::FloorsBelow => "floors and locks below",
            Self::CapsBelow => "caps and locks below",
        }
    }
}

/// What a quota consists of, in major units. The parts sum exactly to the quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Sales of the base year.
    pub history: Rational,
    /// Growth: the share of the total by weight, minus history.
    pub growth_share: Rational,
    /// What the over-assignments of the levels above add to that share.
    pub over_assignment: Rational,
    /// What limits and rounding on the levels above added or took.
    pub from_above: Rational,
    /// What the floor, cap or lock of the holder, or of its siblings, added or took.
    pub limits: Rational,
    /// What rounding to the unit added or took.
    pub rounding: Rational,
}

impl Parts {
    /// The sum of all parts.
    #[must_use]
    pub fn sum(&self) -> Rational {
        [
            &self.history,
            &self.growth_share,
            &self.over_assignment,
            &self.from_above,
            &self.limits,
            &self.rounding,
        ]
        .into_iter()
        .sum()
    }
}

/// Why a holder's annual quota is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose.
    pub holder: HolderId,
    /// The index of the holder among those of the problem.
    pub index: usize,
    /// Its level.
    pub level: Arc<str>,
    /// Its parent; none for the root.
    pub parent: Option<HolderId>,
    /// The annual quota in major units.
    pub amount: Rational,
    /// What it consists of.
    pub parts: Parts,
    /// The total of the problem.
    pub total: Rational,
    /// The holder's weight by the method.
    pub weight: Rational,
    /// The weight of the holder and its siblings together.
    pub sibling_weight: Rational,
    /// What the parent gave out to the holder and its siblings; the total for the root.
    pub from_parent: Rational,
    /// Its share of the total by weights alone: the product of weight / sibling weight from the root down.
    pub share_of_total: Rational,
    /// All over-assignments above, multiplied: 1.1 on three levels is 1.331.
    pub compounded_over_assignment: Rational,
    /// What the holder's children get together; none for a leaf.
    pub given_out: Option<Rational>,
    /// Part of the year, by season weight, in which a leaf carries quota; 1 for all others.
    pub availability: Rational,
    /// How much more the holder's people would carry at the same pace if all of them were there all year: what late starts,
    /// ramps and leaves leave to others (C3.11). Those who are never there count nothing.
    pub ramp_gap: Rational,
    /// The limit that decides the amount, if one does.
    pub binding: Option<Binding>,
    /// The note of the holder.
    pub note: Option<String>,
}
