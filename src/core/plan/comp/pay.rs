//! The checked model of what measures pay: components, schedules, modifiers.

use super::{Quantity, Team, Window};
use crate::ground::period::Group;
use crate::ground::rational::Rational;
use crate::ground::source::TextPlace;
use crate::plan::expression::Expression;

/// What a measure pays.
#[derive(Clone, Debug)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Index into the plan's measures; `None` for formulas and scorecards without one.
    pub measure: Option<usize>,
    /// Over which it pays: the window of its measure, or of what its formula names.
    pub window: Window,
    /// How often it pays: in each leaf period, or in the last of each quarter or year.
    pub every: Group,
    /// Whether it pays only who is in the plan on the last day of the period (E23).
    pub employed: bool,
    /// The formula.
    pub pay: Pay,
    /// Nothing is paid below it.
    pub threshold: Option<Threshold>,
    /// Factors.
    pub multipliers: Vec<Multiplier>,
    /// Conditions.
    pub gates: Vec<Gate>,
    /// Part of the target or pay.
    pub weight: Option<Quantity>,
    /// Attainment above it counts as this.
    pub attainment_cap: Option<(Rational, TextPlace)>,
    /// Most that is paid.
    pub cap: Option<Cap>,
    /// Most that is paid to all payees together, first come, first served.
    pub budget: Option<(Rational, TextPlace)>,
    /// When parts become payable: share and event. Empty: all at booking.
    pub releases: Vec<(Rational, String)>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How a component pays.
#[derive(Clone, Debug)]
pub enum Pay {
    /// Rate x measurement.
    PerUnit(Schedule),
    /// Target x share of the attainment.
    TargetShare {
        /// Pay at 100 %.
        target: Quantity,
        /// Shares by attainment.
        schedule: Schedule,
    },
    /// An amount once a level is reached.
    Fixed {
        /// What is paid.
        amount: Quantity,
        /// Attainment (with a goal) or measurement (without) from which it is paid.
        at: (Rational, TextPlace),
    },
    /// The amount of a table.
    Table(Schedule),
    /// An expression over measures, components and columns of reps.
    Formula(Expression, TextPlace),
    /// Target x weighted score.
    Scorecard {
        /// Pay at 100 %.
        target: Quantity,
        /// Objectives.
        items: Vec<Item>,
        /// What happens when one has no measurement.
        missing: Missing,
    },
    /// Prizes by rank in the team.
    Rank {
        /// From the first place on.
        prizes: Vec<Quantity>,
        /// Attainment or measurement that takes part.
        at: Option<(Rational, TextPlace)>,
        /// Who competes.
        team: Team,
    },
    /// A sum shared by a team.
    Pool {
        /// What is shared.
        amount: Quantity,
        /// In proportion to the measure instead of equally.
        by_measure: bool,
        /// Who shares.
        team: Team,
    },
}

/// An objective of a scorecard.
#[derive(Clone, Debug)]
pub struct Item {
    /// Index into the plan's measures.
    pub measure: usize,
    /// Its part of the target.
    pub weight: Quantity,
    /// Score by attainment; `None` for the attainment itself.
    pub schedule: Option<Schedule>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// What happens to an objective without a measurement (E39).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// An error.
    #[default]
    Error,
    /// Its weight goes to the others in proportion.
    Proportional,
    /// Its weight goes to the others equally.
    Equal,
    /// It scores zero.
    Zero,
    /// It scores 100 %.
    Target,
}

/// How a base becomes a rate, a share or an amount.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// One rate.
    Flat(Quantity),
    /// By band.
    Tiers(Tiers),
    /// By curve.
    Curve(Curve),
    /// By two measures.
    Matrix(Matrix),
}

/// What a table is looked up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Index into the plan's measures; `None` for the component's own.
    pub measure: Option<usize>,
    /// The measurement, its attainment, or the credit's second number.
    pub on: Base,
}

/// What a table is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The measurement.
    Amount,
    /// Measurement / goal.
    Attainment,
    /// The second number of the credit.
    Lookup,
}

/// Rates by band.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// How bands apply.
    pub mode: TierMode,
    /// What `from` is compared with.
    pub lookup: Lookup,
    /// Whether a value on a boundary belongs to the band below it.
    pub lower: bool,
    /// Bands, ascending from 0.
    pub steps: Vec<Step>,
}

/// How the bands of a tier table apply (E2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierMode {
    /// Each band pays its own rate.
    Marginal,
    /// The rate reached pays for everything.
    Whole,
    /// Bands up to the goal pay their own rate, everything above the goal the rate reached.
    WholeAboveGoal,
    /// Each full band adds its amount, the last one in proportion.
    ProportionalAmount,
    /// The rates of full bands are added, the last one in proportion; the sum pays for everything.
    ProportionalRate,
}

/// A band.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it starts.
    pub from: Rational,
    /// Where it ends, when that is stated or another band follows.
    pub to: Option<Rational>,
    /// Rate inside, or amount of the band.
    pub rate: Quantity,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A payout curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is looked up with.
    pub lookup: Lookup,
    /// Steps instead of lines.
    pub steps: bool,
    /// Points in order: at, pay, and where they are stated.
    pub points: Vec<(Rational, Rational, TextPlace)>,
    /// Before the first point.
    pub below: Outside,
    /// After the last point.
    pub beyond: Outside,
}

/// What a curve is outside of its points (E41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Zero.
    Zero,
    /// The value of the nearest point.
    Flat,
    /// The nearest line goes on.
    Extend,
}

/// What one side of a matrix is looked up with, and where its rows or columns start.
pub type Axis = (Lookup, Vec<Rational>);

/// A table over two measures (E43).
#[derive(Clone, Debug)]
pub struct Matrix {
    /// How cells apply.
    pub mode: MatrixMode,
    /// Rows: what they are looked up with, and where each starts.
    pub rows: Axis,
    /// Columns likewise.
    pub columns: Axis,
    /// Row by row; for the additive mode two rows: what each row pays, and what each column pays.
    pub cells: Vec<Vec<Rational>>,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How the cells of a matrix apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixMode {
    /// The cell reached.
    Step,
    /// Between the four cells around.
    Bilinear,
    /// The row's own pay and the column's own pay, each zero before its first.
    Additive,
}

/// A level below which nothing is paid.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// The level.
    pub at: Rational,
    /// What it is compared with: the component's own measure.
    pub lookup: Lookup,
    /// Once reached, whether what lies below it is paid too (E3).
    pub back_pay: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A factor on the pay.
#[derive(Clone, Debug)]
pub enum Multiplier {
    /// A number.
    Value(Quantity),
    /// By measurement or attainment.
    Curve(Curve, TextPlace),
}

/// A condition without which the pay is cut.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What is compared.
    pub lookup: Lookup,
    /// From where it is open.
    pub at: Rational,
    /// Part that is paid while it is shut.
    pub otherwise: Rational,
    /// Whether what was not paid is paid when it opens later (E35).
    pub catch_up: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// A limit on a component (E32).
#[derive(Clone, Debug)]
pub struct Cap {
    /// How much.
    pub amount: CapAmount,
    /// What it is for.
    pub per: CapPer,
    /// Whether what is above it is paid later.
    pub carry: bool,
    /// Where it is defined.
    pub place: TextPlace,
}

/// How much a cap is.
#[derive(Clone, Debug)]
pub enum CapAmount {
    /// An amount.
    Amount(Quantity),
    /// A share of the target.
    TargetShare(Rational),
}

/// What a cap is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapPer {
    /// The window; a single credit in transaction windows.
    Window,
    /// Each leaf period.
    Period,
    /// The fiscal year.
    Year,
}
