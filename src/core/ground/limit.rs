//! Every limit of the program, as a named constant (floor 0).

/// Longest text read as one number.
pub const NUMBER_LENGTH_MAX: usize = 64;
/// Most decimals printed exactly; a longer expansion is shown as a fraction.
pub const DISPLAY_DECIMALS_MAX: u32 = 18;
/// Decimals that a decimal column of an extract may carry.
pub const COLUMN_DECIMALS_MAX: u32 = 12;
/// Levels of a management hierarchy; a longer chain is a cycle or a mistake.
pub const HIERARCHY_LEVELS_MAX: usize = 64;
/// Faults of one code shown one by one; the rest are counted.
pub const DIAGNOSTICS_SHOWN_PER_CODE: usize = 10;
/// Leaf periods of a calendar.
pub const PERIODS_MAX: usize = 5_000;
/// Nesting of an expression.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Size of a plan or project file in bytes.
pub const TEXT_FILE_BYTES_MAX: u64 = 4 << 20;
