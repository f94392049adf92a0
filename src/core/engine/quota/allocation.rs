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
    /// For each holder the year and then each period, in the smallest amount of the measure (cents).
    pub amounts: Arc<Vec<i64>>,
    /// Who. Parents come before children, siblings in the order of their ids.
    pub holders: Vec<Placed>,
    /// What explanations are made of, when somebody asks.
    pub(super) reasons: Reasons,
}

/// Who has a row of an allocation, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Who.
    pub holder: HolderId,
    /// The index of the holder among those of the problem.
    pub index: usize,
    /// Its level.
    pub level: Arc<str>,
    /// Its parent; none for the root.
    pub parent: Option<HolderId>,
    /// The row of the parent.
    pub above: Option<usize>,
}

/// What explanations are made of: what differs from row to row, and what all below a holder have in common. Columns in which
/// every row has the same are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reasons {
    /// What is shared, and the same before it was rounded to the unit.
    pub total: Rational,
    pub exact_total: Rational,
    pub weights: Vec<Rational>,
    /// Sales of the base year.
    pub history: Vec<Rational>,
    /// What holders above leaves give out, and for every row the place in it; [`LEAF`] for a leaf.
    pub given: Vec<Given>,
    pub groups: Vec<u32>,
    /// Exact amounts after limits; empty where nobody is limited.
    pub limited: Vec<Rational>,
    pub bindings: Vec<Option<Binding>>,
    /// Empty where everybody is always there.
    pub availability: Vec<Rational>,
    pub ramp_gaps: Vec<Rational>,
    /// Empty where nobody has one.
    pub notes: Vec<Option<String>>,
}

/// Gives nothing out.
pub(super) const LEAF: u32 = u32::MAX;

/// What a holder gives out to those directly below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// How much.
    pub amount: Rational,
    /// Weight of all who share it.
    pub weight: Rational,
    /// Share of the total that the holder has by weights alone.
    pub share_of_total: Rational,
    /// Product of the over-assignments down to here.
    pub compounded: Rational,
}

impl Reasons {
    /// What the holder of a row gives out; none for a leaf.
    pub fn given_by(&self, row: usize) -> Option<&Given> {
        self.given.get(self.groups[row] as usize)
    }
}

impl Allocation {
    /// How many amounts each holder has: the year and the periods.
    #[must_use]
    pub fn width(&self) -> usize {
        1 + self.periods.len()
    }

    /// The year and then the periods of every holder, in their order.
    pub fn rows(&self) -> impl Iterator<Item = &[i64]> {
        self.amounts.chunks(self.width())
    }

    /// The year of a row, in major units.
    #[must_use]
    pub fn year(&self, row: usize) -> Rational {
        Rational::from_scaled(self.amounts[row * self.width()].into(), self.decimals)
    }

    /// The years of every holder in major units, in their order.
    pub fn years(&self) -> impl Iterator<Item = (&Placed, Rational)> {
        self.holders.iter().enumerate().map(|(row, placed)| (placed, self.year(row)))
    }

    /// The position of a holder.
    #[must_use]
    pub fn position(&self, holder: &HolderId) -> Option<usize> {
        self.holders.iter().position(|placed| placed.holder == *holder)
    }

    /// The explanation of a holder.
    #[must_use]
    pub fn explanation(&self, holder: &HolderId) -> Option<Explanation<'_>> {
        Some(self.explain(self.position(holder)?))
    }

    /// The explanations of all holders, in their order.
    pub fn explanations(&self) -> impl Iterator<Item = Explanation<'_>> {
        (0..self.holders.len()).map(|row| self.explain(row))
    }

    /// Why the year of a row is what it is.
    #[must_use]
    pub fn explain(&self, row: usize) -> Explanation<'_> {
        let (why, placed) = (&self.reasons, &self.holders[row]);
        let weight = &why.weights[row];
        let given = placed.above.and_then(|above| why.given_by(above));
        let share = given.map(|given| weight.checked_div(&given.weight).unwrap_or_default());
        let of_given = given.zip(share.as_ref());
        let by_weight =
            of_given.map_or_else(|| why.exact_total.clone(), |(given, share)| &given.amount * share);
        let share_of_total =
            of_given.map_or_else(Rational::one, |(given, share)| &given.share_of_total * share);
        let compounded = given.map_or_else(Rational::one, |given| given.compounded.clone());
        // The root's rounding is that of the total, so its share is taken from the total before rounding.
        let shared = if placed.above.is_none() { &why.exact_total } else { &why.total };
        let by_share = shared * &share_of_total;
        let over_assigned = &by_share * &compounded;
        let limited = why.limited.get(row).unwrap_or(&by_weight);
        let (history, amount) = (&why.history[row], self.year(row));
        let binding = why.bindings.get(row).copied().flatten();
        Explanation {
            parts: Parts {
                history: history.clone(),
                growth_share: &by_share - history,
                over_assignment: &over_assigned - &by_share,
                from_above: &by_weight - &over_assigned,
                limits: limited - &by_weight,
                rounding: &amount - limited,
            },
            holder: &placed.holder,
            index: placed.index,
            level: &placed.level,
            parent: placed.parent.as_ref(),
            amount,
            total: shared.clone(),
            weight: weight.clone(),
            sibling_weight: given.map_or(weight, |given| &given.weight).clone(),
            from_parent: given.map_or(&why.exact_total, |given| &given.amount).clone(),
            share_of_total,
            compounded_over_assignment: compounded,
            given_out: why.given_by(row).map(|given| given.amount.clone()),
            availability: why.availability.get(row).cloned().unwrap_or_else(Rational::one),
            ramp_gap: why.ramp_gaps.get(row).cloned().unwrap_or_default(),
            binding,
            // Why a limit is there matters where it decides.
            note: why.notes.get(row).filter(|_| binding.is_some()).and_then(Option::as_deref),
        }
    }

    /// The quota of a holder for a period, or for the year, in the smallest amount.
    #[must_use]
    pub fn amount(&self, holder: &HolderId, period: Option<&str>) -> Option<i64> {
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
pub struct Explanation<'a> {
    /// Whose.
    pub holder: &'a HolderId,
    /// The index of the holder among those of the problem.
    pub index: usize,
    /// Its level.
    pub level: &'a str,
    /// Its parent; none for the root.
    pub parent: Option<&'a HolderId>,
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
    /// The note of the holder, where a limit decides.
    pub note: Option<&'a str>,
}
