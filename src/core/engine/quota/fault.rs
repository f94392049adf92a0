//! Why a quota problem has no allocation: faults as data, with every number a reader needs to mend it (floor 2).

use std::fmt;

use super::problem::HolderId;
use crate::ground::diagnostic::{Code, Diagnostic};
use crate::ground::rational::Rational;

/// One reason why a problem cannot be allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemFault {
    /// Not exactly one holder without parent.
    Roots {
        /// Those without parent, sorted.
        found: Vec<HolderId>,
    },
    /// Two holders with one identifier.
    DuplicateHolder {
        /// The identifier.
        holder: HolderId,
        /// What each of the two is, and where.
        roles: [String; 2],
    },
    /// The parent is not in the problem.
    UnknownParent {
        /// Whose.
        holder: HolderId,
        /// The name that nobody has.
        parent: HolderId,
    },
    /// The chain of parents never reaches the root.
    Cycle {
        /// A holder on or below the loop.
        holder: HolderId,
    },
    /// More levels than any organisation has.
    TooDeep {
        /// The first holder beyond the limit.
        holder: HolderId,
    },
    /// History or potential stated for a holder that has children.
    MeasureAboveLeaves {
        /// Who.
        holder: HolderId,
    },
    /// A number that has no meaning where it stands.
    OutOfRange {
        /// Whose, or none for the problem itself.
        holder: Option<HolderId>,
        /// The name of the number.
        name: &'static str,
        /// What was given.
        value: Rational,
        /// What would have been right.
        expected: &'static str,
    },
    /// An amount finer than the smallest amount.
    TooFine {
        /// Whose, or none for the problem itself.
        holder: Option<HolderId>,
        /// The name of the amount.
        name: &'static str,
        /// What was given.
        value: Rational,
        /// Decimals of the smallest amount.
        decimals: u32,
    },
    /// The total is not a whole number of units and [`super::Residue::Refuse`] holds.
    TotalNotInUnits {
        /// The total.
        total: Rational,
        /// The unit.
        unit: Rational,
        /// What is left beyond whole units.
        residue: Rational,
    },
    /// A holder's own limits leave no amount.
    LimitsContradict {
        /// Who.
        holder: HolderId,
        /// Its least amount by its own floor or lock.
        least: Rational,
        /// Its greatest amount by its own cap or lock.
        greatest: Rational,
    },
    /// An over-assignment names a level that no holder has.
    UnknownLevel {
        /// The name.
        level: String,
    },
    /// Two periods with one name.
    DuplicatePeriod {
        /// The name.
        period: String,
    },
    /// The method shares by a measure that is zero for everyone.
    NoMeasure {
        /// `history` or `potential`.
        measure: &'static str,
    },
    /// History plus potential gives less than nothing: the total lies far below all history.
    NegativeWeight {
        /// Who.
        holder: HolderId,
        /// The amount below zero.
        weight: Rational,
    },
    /// Floors and locks below a holder need more than it has to give.
    FloorsExceed {
        /// The holder that gives.
        holder: HolderId,
        /// What the floors and locks need together.
        floors: Rational,
        /// What there is: the total, or the holder's own cap or lock, times its over-assignment.
        available: Rational,
    },
    /// Caps and locks below a holder take less than it has to give.
    CapsBelow {
        /// The holder that gives.
        holder: HolderId,
        /// What the caps and locks take together.
        caps: Rational,
        /// What has to go: the total, or the holder's own floor or lock, times its over-assignment.
        required: Rational,
    },
    /// An amount is left, but every child with room has weight zero.
    NothingToShareBy {
        /// The holder that gives.
        holder: HolderId,
        /// The amount that nobody has a claim to.
        left: Rational,
    },
    /// An amount of more than 18 digits.
    AmountOutOfRange {
        /// Whose.
        holder: HolderId,
    },
}

impl ProblemFault {
    /// The code under which the fault is shown.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Roots { .. } | Self::Cycle { .. } | Self::TooDeep { .. } => Code::SPM405,
            Self::DuplicateHolder { .. } | Self::DuplicatePeriod { .. } => Code::SPM009,
            Self::UnknownParent { .. } | Self::UnknownLevel { .. } => Code::SPM010,
            Self::MeasureAboveLeaves { .. } => Code::SPM304,
            Self::OutOfRange { .. } | Self::TooFine { .. } | Self::NegativeWeight { .. } => Code::SPM110,
            Self::AmountOutOfRange { .. } => Code::SPM402,
            Self::TotalNotInUnits { .. }
            | Self::LimitsContradict { .. }
            | Self::NoMeasure { .. }
            | Self::FloorsExceed { .. }
            | Self::CapsBelow { .. }
            | Self::NothingToShareBy { .. } => Code::SPM501,
        }
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Roots { .. } => "give every holder but one a parent",
            Self::DuplicateHolder { .. } => {
                "rename one of the two: a salesperson is called by `rep_id`, a holder above by its column in reps"
            }
            Self::DuplicatePeriod { .. } => "rename or remove one of the two",
            Self::UnknownParent { .. } | Self::UnknownLevel { .. } => {
                "correct the name, or add what it names"
            }
            Self::Cycle { .. } | Self::TooDeep { .. } => "correct the parents",
            Self::MeasureAboveLeaves { .. } => "state it for the leaves, or use a weight here",
            Self::OutOfRange { .. } => "correct the number",
            Self::TooFine { .. } => "round it to the decimals of the measure",
            Self::TotalNotInUnits { .. } => "change the total or the unit, or allow a partial unit",
            Self::LimitsContradict { .. } => "change one of the clauses that say so",
            Self::NoMeasure { .. } => "supply the measure or choose another method",
            Self::NegativeWeight { .. } => "choose another method for a total below history",
            Self::FloorsExceed { .. } => "lower floors or locks, or raise the amount above them",
            Self::CapsBelow { .. } => "raise caps or locks, or lower the amount above them",
            Self::NothingToShareBy { .. } => "give one of the children a weight",
            Self::AmountOutOfRange { .. } => "check for a misplaced decimal point",
        }
    }

    /// The fault as the program shows it.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.code(), self.to_string()).hint(self.hint())
    }
}

/// `rep-7: ` or nothing.
fn prefix(holder: Option<&HolderId>) -> String {
    holder.map_or_else(String::new, |holder| format!("{holder}: "))
}

impl fmt::Display for ProblemFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Rational::to_decimal_text;
        match self {
            Self::Roots { found } => {
                let names: Vec<&str> = found.iter().map(HolderId::as_str).collect();
                write!(
                    formatter,
                    "one holder must have no parent; {} have none: {}",
                    names.len(),
                    names.join(", ")
                )
            }
            Self::DuplicateHolder { holder, roles: [one, other] } => {
                write!(formatter, "{holder} would be the name of {one} and of {other}")
            }
            Self::UnknownParent { holder, parent } => {
                write!(formatter, "{holder}: its parent \"{parent}\" is not a holder")
            }
            Self::Cycle { holder } => write!(formatter, "{holder}: its chain of parents does not end"),
            Self::TooDeep { holder } => write!(formatter, "{holder}: the hierarchy is too deep"),
            Self::MeasureAboveLeaves { holder } => {
                write!(
                    formatter,
                    "{holder}: history and potential belong to leaves; here the sum below counts"
                )
            }
            Self::OutOfRange { holder, name, value, expected } => {
                write!(formatter, "{}{name} is {}; expected {expected}", prefix(holder.as_ref()), text(value))
            }
            Self::TooFine { holder, name, value, decimals } => {
                let prefix = prefix(holder.as_ref());
                write!(formatter, "{prefix}{name} {} has more than {decimals} decimals", text(value))
            }
            Self::TotalNotInUnits { total, unit, residue } => {
                let (total, unit, residue) = (text(total), text(unit), text(residue));
                write!(formatter, "total {total} is not a whole number of units of {unit}: {residue} is left")
            }
            Self::LimitsContradict { holder, least, greatest } => {
                let (least, greatest) = (text(least), text(greatest));
                write!(formatter, "{holder}: must be at least {least} and at most {greatest}")
            }
            Self::UnknownLevel { level } => {
                write!(formatter, "over-assignment names level \"{level}\", which no holder has")
            }
            Self::DuplicatePeriod { period } => write!(formatter, "period \"{period}\" occurs twice"),
            Self::NoMeasure { measure } => {
                write!(formatter, "the method shares by {measure}, which is zero for everyone")
            }
            Self::NegativeWeight { holder, weight } => {
                let weight = text(weight);
                write!(formatter, "{holder}: history plus its share of the change is {weight}, below zero")
            }
            Self::FloorsExceed { holder, floors, available } => {
                let over = text(&(floors - available));
                let (floors, available) = (text(floors), text(available));
                write!(formatter, "{holder}: floors and locks need {floors}, {over} more than {available}")
            }
            Self::CapsBelow { holder, caps, required } => {
                let short = text(&(required - caps));
                let (caps, required) = (text(caps), text(required));
                write!(formatter, "{holder}: caps and locks take {caps}, {short} less than {required}")
            }
            Self::NothingToShareBy { holder, left } => {
                let left = text(left);
                write!(formatter, "{holder}: {left} is left, but all children with room have weight 0")
            }
            Self::AmountOutOfRange { holder } => {
                write!(formatter, "{holder}: the amount has more than 18 digits, in the smallest amount")
            }
        }
    }
}
