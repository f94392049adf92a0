//! The question put to the quota engine: a total, a hierarchy of holders, and the rules of the split (floor 2).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::ground::rational::Rational;
use crate::ground::source::TextPlace;
use crate::ground::trace::Unit;

/// Who holds a quota: the company, a group, a territory or a salesperson (`quotas.holder_id`).
#[derive(Clone, Debug, Eq, PartialOrd, Ord)]
pub struct HolderId(Arc<str>);

impl PartialEq for HolderId {
    /// Most that are compared are the same text in the same place.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl HolderId {
    /// The text of the identifier, as in the extract.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for HolderId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// One allocation: how much, to whom, by which rule. Amounts are in the major unit of the measure (dollars, deals).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the root of the hierarchy has to reach.
    pub total: Total,
    /// How amounts are printed: money of a currency, or a plain number such as deals.
    pub measured_in: Unit,
    /// Decimals of the smallest amount that exists (2 for cents, 0 for deals). No amount is finer.
    pub decimals: u32,
    /// Amounts are rounded to multiples of this many major units: `100` for hundreds of dollars, `0.01` for cents.
    pub unit: Rational,
    /// What happens to the part of a total that is not a whole number of units.
    pub residue: Residue,
    /// How weights follow from history and potential.
    pub method: Method,
    /// Every holder once, in any order: the order has no meaning.
    pub holders: Vec<Holder>,
    /// Factor by level of the passing holder: its children together get its own amount times this. Default 1.
    pub over_assignment: BTreeMap<String, Rational>,
    /// The same of single holders, instead of that of their level.
    pub over_assignment_of: BTreeMap<HolderId, Rational>,
    /// How a year falls into periods, or none for annual quotas only.
    pub phasing: Option<Phasing>,
}

/// What the root has to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// A stated amount, exact in the smallest amount.
    Given(Rational),
    /// The sum of each leaf's history x (1 + its growth), rounded half away from zero to the unit.
    GrowthOnHistory {
        /// Growth of every leaf for which no holder on its path states another (`0.15` is 15 %).
        growth: Rational,
    },
}

/// What happens when a given total is not a whole number of units. Nothing ever disappears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residue {
    /// The problem is refused; the fault names the residue.
    #[default]
    Refuse,
    /// On each level one holder, the next in line by largest remainder, gets a part of a unit.
    PartialUnit,
}

/// How weights follow from what is known of the leaves. A holder's weight is the sum of its children's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// C3.1: in proportion to a measure.
    Proportional(Measure),
    /// C3.2: history x (1 + growth), scaled to the total.
    GrowthOnHistory {
        /// Growth of every leaf for which no holder on its path states another.
        growth: Rational,
    },
    /// C3.3: history, plus the holder's share of potential in the increase of the total over all history.
    HistoryPlusPotential,
    /// C3.4: `history_share` x share of history + (1 - `history_share`) x share of potential.
    WeightedShare {
        /// Weight of history, from 0 to 1.
        history_share: Rational,
    },
    /// C3.5: `history_share` x history + (1 - `history_share`) x last quota, which dampens the ratchet.
    LastQuota {
        /// Weight of history, from 0 to 1.
        history_share: Rational,
    },
}

/// What a proportional split is proportional to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What the holder sold before.
    History,
    /// What the holder's accounts could buy.
    Potential,
    /// One per leaf: an equal split over salespeople.
    Headcount,
}

/// One holder of a quota. Holders without children are leaves, usually salespeople; one holder has no parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Unique in the problem; ties of rounding go to the smaller one.
    pub id: HolderId,
    /// `company`, `group`, `territory`, `salesperson`: the plan's own words.
    pub level: Arc<str>,
    /// The holder whose amount this one shares.
    pub parent: Option<HolderId>,
    /// Sales of the base year, leaves only (above, the sum counts); none means zero.
    pub history: Option<Rational>,
    /// Potential of the accounts, leaves only; none means zero.
    pub potential: Option<Rational>,
    /// Quota of the base year, leaves only; none means zero.
    pub last_quota: Option<Rational>,
    /// Replaces the weight of the method, in the method's own measure, whatever the presence.
    pub weight: Option<Rational>,
    /// What the stated weight was before presence; shown in the explanation.
    pub full_weight: Option<Rational>,
    /// What the stated weight is a blend of; shown in the explanation.
    pub blend: Option<Box<Blend>>,
    /// Growth for this holder and everyone below it; `0.15` is 15 %.
    pub growth: Option<Rational>,
    /// Part of each period of the phasing in which the holder carries quota: a late start, a leave, a ramp. Leaves only;
    /// none means all of every period. What one does not carry, the others do.
    pub presence: Option<Vec<Rational>>,
    /// Why the presence is what it is; shown in the explanation.
    pub there: Option<Arc<str>>,
    /// Least amount for the year (hold-harmless is such a floor).
    pub floor: Option<Rational>,
    /// Greatest amount for the year.
    pub cap: Option<Rational>,
    /// Exactly this amount for the year: a manager's override.
    pub locked: Option<Rational>,
    /// Season weights of the periods, where they are not those of the phasing: a product line has its own.
    pub season: Option<Arc<[Rational]>>,
    /// How the year of a leaf falls into the periods, instead of by season weight and presence.
    pub spread: Option<Vec<Rational>>,
    /// Exactly these amounts for the periods of the phasing, for a leaf that is locked at their sum.
    pub phased: Option<Vec<Rational>>,
    /// What the periods should be, for a holder above leaves, as long as those below can carry that.
    pub kept: Option<Kept>,
    /// Factor to its children, instead of that of its level; what it comes to is not rounded to units.
    pub over_assignment: Option<Rational>,
    /// Why a floor, cap or lock is there; shown in the explanation.
    pub note: Option<String>,
    /// Where the plan says so.
    pub clauses: Clauses,
}

/// A weight between what comes from above and what can be carried from below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blend {
    /// The quota from above, with its limits; none for a plan that has none.
    pub above: Option<Rational>,
    /// What the people below can carry.
    pub below: Rational,
    /// Weight of the latter, from 0 to 1.
    pub share: Rational,
}

/// Periods that a holder keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its own.
    pub own: Vec<Rational>,
    /// Those of its children together.
    pub given: Vec<Rational>,
}

/// Where a plan limits a holder: cited by explanations and faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clauses {
    /// What sets the floor.
    pub floor: Option<Arc<Clause>>,
    /// What sets the cap.
    pub cap: Option<Arc<Clause>>,
    /// What locks.
    pub locked: Option<Arc<Clause>>,
}

/// A key of a plan and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The key: `hold_harmless`.
    pub key: &'static str,
    /// Its place.
    pub place: TextPlace,
}

impl Problem {
    /// What the children of a holder get together is its own amount times this, as the problem states it.
    pub(super) fn stated_over_assignment(&self, holder: &Holder) -> Option<&Rational> {
        self.over_assignment_of.get(&holder.id).or_else(|| self.over_assignment.get(&*holder.level))
    }
}

impl Holder {
    /// A holder without measures, limits or note.
    #[must_use]
    pub fn new(id: &str, level: &str, parent: Option<&str>) -> Self {
        Self { level: level.into(), parent: parent.map(HolderId::from), ..Self::of(HolderId::from(id)) }
    }

    /// A holder of no level and parent yet, so that many can share theirs.
    #[must_use]
    pub fn of(id: HolderId) -> Self {
        Self {
            id,
            level: Arc::default(),
            parent: None,
            history: None,
            potential: None,
            last_quota: None,
            weight: None,
            full_weight: None,
            blend: None,
            growth: None,
            presence: None,
            there: None,
            floor: None,
            cap: None,
            locked: None,
            season: None,
            spread: None,
            phased: None,
            kept: None,
            over_assignment: None,
            note: None,
            clauses: Clauses::default(),
        }
    }
}

/// How a year falls into periods (C3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phasing {
    /// Period amounts of a leaf are rounded to multiples of this; what is left of its year goes to one period.
    pub unit: Rational,
    /// Names and season weights in the order of time.
    pub periods: Vec<(String, Rational)>,
}

impl Phasing {
    /// The same; where no period has a weight, all have the same.
    #[must_use]
    pub(super) fn or_even(mut self) -> Self {
        if self.periods.iter().all(|(_, weight)| weight.is_zero()) {
            self.periods.iter_mut().for_each(|(_, weight)| *weight = Rational::one());
        }
        self
    }
}
