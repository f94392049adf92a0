//! Faults as data: a code, a message, the places, the fix. All faults of a pass are collected, then shown (floor 0).

use std::collections::BTreeMap;

use super::limit;
use super::source::Place;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The result stands, but the user should look.
    Warning,
    /// No result.
    Error,
}

macro_rules! codes {
    ($($code:ident $title:literal: $explanation:literal;)*) => {
        /// The code of a fault. `spm explain-code CODE` prints the explanation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// `SPM001`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }

            /// A few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }

            /// What it means, why it is a fault, and how to mend it.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$code => $explanation,)* }
            }
        }
    };
}

codes! {
    SPM001 "file cannot be read": "The file does not exist, is too large, or is not UTF-8 text. Check the path; paths are relative to the project folder.";
    SPM002 "not valid TOML": "The file breaks the syntax of TOML. The place shows where the reader stopped; a missing quote or bracket is often just before it.";
    SPM003 "unknown key": "The key has no meaning here and would be ignored. spm refuses it, because a misspelt key is a rule that silently does not apply.";
    SPM004 "missing key": "The table needs this key and has no sensible default for it.";
    SPM005 "wrong type": "The value has another TOML type than the key needs.";
    SPM006 "money or rate as a float": "A float cannot hold most decimal fractions, so money and rates are written as text or as a whole number: amount = \"1250.50\", rate = \"8%\".";
    SPM007 "value is not one of the choices": "The key accepts only the listed values.";
    SPM008 "value cannot be read": "The text is not a number, date, currency or range of the form that the key needs. Dates are YYYY-MM-DD; numbers are plain decimals, percentages or fractions.";
    SPM009 "name used twice": "Names identify things in results and references, so they must be unique in their kind.";
    SPM010 "unknown name": "A reference names something that is not defined.";
    SPM011 "calendar is not a chain of periods": "Periods must follow each other without gap or overlap, each a half-open interval [from, to).";
    SPM012 "unknown period": "The project's calendar has no such period. Names are those of the calendar, a group such as Q1 or 2027-Q1, or a range such as P1..P3.";
    SPM101 "no such extract": "The path or pattern of a source matches no file. Paths are relative to the project folder.";
    SPM102 "extract cannot be read": "The file is not of the format that the source states, or is damaged.";
    SPM103 "no such column in the extract": "The mapping names a column that the extract does not have. `spm data profile FILE` lists its columns.";
    SPM104 "required column not mapped": "The canonical table cannot be used without this column.";
    SPM105 "value cannot be cast": "The text of a cell is not of the stated type or format. The row is rejected and written to out/rejects. `row 7` of a file is its seventh data row; the header, and lines skipped before it, are not counted.";
    SPM106 "row has the wrong number of fields": "The record has more or fewer fields than the header. The row is rejected and written to out/rejects.";
    SPM107 "required value is empty": "A key or required column has no value in this row. The row is rejected and written to out/rejects.";
    SPM108 "key is not unique": "Rows have the same key, and which of them is right is not known. All of them are rejected and written to out/rejects.";
    SPM109 "reference does not resolve": "The row names something that its table does not have.";
    SPM110 "value out of range": "The value lies outside what is possible for the column: a latitude beyond 90 degrees, an end before its start, a share below 0.";
    SPM111 "splits do not total 100%": "Shares of type `split` for one transaction or account must sum to exactly 100%. Extra credit beyond that is an `overlay`.";
    SPM112 "type differs from the canonical table": "The column of the canonical table has a fixed type, so the mapping cannot state another one. Give a column of your own another name.";
    SPM113 "join key is not unique": "A join looks up one row; the looked-up extract has several rows for the key, which would multiply amounts.";
    SPM114 "text cannot be decoded": "The bytes are not valid in the stated encoding, so a name or amount would be damaged.";
    SPM115 "rows were rejected": "Rows that cannot be used were written to out/rejects with their reasons, and the command stopped. Correct the extract, or go on without these rows with --allow-rejects.";
    SPM116 "column nearly named as another": "The name of this column is nearly that of a column of the canonical table that the source does not map, so it fills a column of its own that nothing reads by that name.";
    SPM117 "amount in another currency": "The cell has the sign of a currency that is not that of the row: its column `currency`, or where it has none the currency of the project. The row is rejected and written to out/rejects. Map `currency`, so that the amount is converted with the table `rates`; correct the extract; or take the sign off with REPLACE where it is wrong.";
    SPM118 "result of another version of a plan": "The command reads a result that an earlier command made, and since then the plan that it was made with has changed. The result is used as it is; calculate it again when the change should count.";
    SPM201 "expression cannot be parsed": "The SQL expression breaks the syntax of the dialect. docs/reference/expressions.md has the dialect.";
    SPM202 "unknown name in an expression": "The expression names a column or function that does not exist here.";
    SPM203 "types do not fit in an expression": "The operation is not defined for these types: text against a number, a date against text without DATE '...', or a number where a condition is needed.";
    SPM204 "not allowed in a row expression": "A row expression looks at one row: no aggregates, windows or subqueries. It must also give the same answer every day, so no clock and no random numbers.";
    SPM301 "tiers do not ascend": "Each tier starts where the one before it ends, so `from` values must rise strictly. A value exactly on a boundary belongs to the higher tier.";
    SPM302 "defined but never used": "Nothing refers to this, so it cannot influence any payment: most often a misspelt name.";
    SPM303 "a goal is needed": "Attainment is measurement divided by goal; the component needs a measure with a goal.";
    SPM304 "keys contradict each other": "The keys cannot be used together, or one needs another.";
    SPM305 "effective range is empty": "`from` must be before `to`; ranges are half-open, so `to` is the first day that is not included.";
    SPM401 "no quota for a payee": "The component needs attainment, but the payee has no quota, or a quota of zero or less, in the period. The component pays 0.";
    SPM402 "amount out of range": "A sum or product of amounts does not fit the exact integers of the calculation. Nothing is wrapped or rounded away; check the extract for a misplaced decimal point.";
    SPM403 "credit does not resolve": "The transaction qualifies for credit, but no payee can be found for it. It is listed in unresolved.parquet and not paid.";
    SPM404 "nothing to do": "No row qualifies. The result is empty, which is rarely what was wanted.";
    SPM405 "hierarchy is not a tree": "A manager chain leads back to its start or is longer than any real organisation.";
    SPM406 "objective without a measurement": "A scorecard needs every objective measured, unless the component's `missing` says what an absent one counts as.";
    SPM407 "no exchange rate": "A transaction is in another currency than the plan, or a payee is paid in another one, and the table rates has no rate of the plan's conversion for its date or period.";
    SPM408 "credit counted once": "Two credits of one measure credit the same payee with the same transaction. The first in the measure's list counts, unless the measure says allow_double = true.";
    SPM409 "two draws at once": "A payee has a draw in two plans in the same period, so it is not said what is advanced and recovered. End one of them, or make the plans' `eligible` exclude each other.";
    SPM410 "currency of a payee is not settled": "Balances are kept in the currency of a plan: what is held, owed or corrected later has no exchange rate yet. A plan with pay_currency = \"payee\" is therefore calculated only where nothing is settled: without a ledger and without the table releases.";
    SPM411 "a number is empty": "Somebody in the plan has no value where the plan needs one: an empty cell of reps, or a goal without the quota of one of its periods, which is too low. A run that needs the empty cell stops (SPM413); a goal that is too low is a number like any other.";
    SPM412 "members of a team disagree about their pool": "A pool is one sum that a team shares, so its amount has to be the same for everyone who has a part in it. A cell of reps that is empty says nothing.";
    SPM413 "what is needed is not there": "A rate, an amount, a weight, a team or the number that a rate is looked up with is needed to pay somebody, and nobody states it: a cell of reps is empty, or an expression is NULL. It would count as zero and look like a result, so the run stops. Say what it is then: `otherwise` beside `column`, COALESCE in `sql`. As a warning: what is paid follows from the plan, and is probably not what was meant.";
    SPM421 "quota of zero": "The salesperson is there, but the plan's method gives them no weight: no history, no potential, or a weight of zero. The others carry the whole total.";
    SPM422 "history without a seat": "Some of what was sold belongs to nobody who gets a quota: a territory without a salesperson, somebody who left, or web orders. It counts neither in a total derived from history nor in anybody's weight.";
    SPM424 "quota rests on a gap": "The plan can be calculated, but something that it looks at is missing or lies outside of its year, so that a quota is probably not what was meant: a person who is not there, a history, potential, last quota, weight or amount from below that is empty, refunds above sales, attrition after the only period, nobody above, no value for a level.";
    SPM425 "change below the least": "The plan's `minimum_change` keeps quotas that would change by little, but the limits and locks around this one leave nobody else to take the rest, so it changes all the same.";
    SPM426 "quota that others cannot carry": "In an adjustment those above keep what they have in the open periods. When colleagues are away or at their caps, few are left to carry it, and their quotas grow far beyond their part of the plan.";
    SPM427 "exception to a limit of everybody": "A [[lock]] or [[limit]] of one holder lies outside of a floor, cap, hold_harmless, least or most that the plan states for everybody. What is said of one holder counts, and the limit of everybody gives way for that holder.";
    SPM431 "too little history": "A forecast needs a whole season of history, and more of it to be tested; a score needs two seasons or stated numbers, a model enough people with sales. Give more history, or a shorter season.";
    SPM432 "stage without a probability": "The forecast counts an open opportunity by the probability of its stage, and this stage has none: a guess would be in the number without anybody knowing.";
    SPM423 "event outside the calendar": "The event lies before the first period of the calendar or after its last, so no run looks at it: most often a typing error in a year, or a calendar that is too short.";
    SPM501 "no feasible answer": "The limits contradict each other. The message says which and by how much; widen a tolerance, drop a lock, or raise a cap.";
    SPM502 "result fails its verification": "Code that did not make the result disagrees with it. This is a fault of spm; please report it with the inputs.";
    SPM503 "a result is missing": "The command builds on an earlier result that is not there. Run the earlier command first, or `spm run` for the whole chain.";
    SPM601 "output cannot be written": "The file or folder cannot be created or replaced. Nothing was left half-written.";
    SPM602 "name is not in the result": "The payee, component or transaction asked for does not occur in the result.";
    SPM701 "ledger cannot be read": "The file .spm/ledger.db is damaged or not a ledger. Nothing was changed. Restore it from a backup (docs/ledger.md says how), then post again what was posted since.";
    SPM702 "ledger is newer than the program": "A newer version of spm wrote this ledger. An older program could misread it, so it refuses; use the newer version.";
    SPM703 "ledger is in use": "Another process writes to the ledger. One at a time may; run the command again when the other one has ended.";
    SPM704 "period cannot be posted": "Periods are posted in order, each once, and those that are posted have to stay in the calendar with their days.";
    SPM705 "ledger fails its verification": "The chain of hashes is broken, balances do not add up, or the calculation from the same inputs gives another result: something was changed outside of spm, or is a fault of spm.";
    SPM706 "decision is not possible": "An adjustment or a dispute with this number does not exist, was decided before, or needs another person; a reason or a name is empty, or is nobody's; or an adjustment is for a period or in a currency that cannot be booked.";
    SPM707 "posted facts are gone": "Posted periods rest on transactions, people, quotas, cancellations, releases, splits or plans that today's extracts and plans no longer have. What is missing counts as gone, and what it earned would be taken back. A truncated extract looks the same, so nothing is posted until the extract is restored, or --allow-gone says that they really are gone.";
    SPM708 "balances start at nothing": "There is no ledger, so nothing is known of what earlier periods advanced, held or took back: a draw that is owed is not recovered, and what was held is not released. Post the earlier periods, or calculate a range from the first one.";
    SPM709 "corrections are unusually large": "Corrections of posted periods take back more than half of what is booked for a plan from more than half of its people, three at least, or pay as many more than was booked at all. An extract with other values in a column looks like that, so nothing is posted until the extract or plan is put right, or --allow-corrections says that it is right.";
    SPM710 "transactions before the ledger": "Transactions turned up that are dated before the first period of the ledger. No period pays them. What is owed for them can be taken in as an adjustment for the first posted period or a later one.";
    SPM711 "plans of a moment are not known": "A run as of a moment takes the plans and the spm.toml that the last posting by then sealed. The next posting sealed other ones, or after the last one the folder has other ones, and nothing says on which day they were changed. --plans-of takes those of another posting.";
    SPM712 "posted before its end": "A period is posted before it has ended by the moment of the record. What happens until its end is booked as corrections by later periods.";
}

impl Code {
    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
    }
}

/// A place with what is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is there, a lower-case fragment; may be empty.
    pub text: String,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of fault.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// Where, the main place first.
    pub labels: Vec<Label>,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: vec![], hint: None }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place, text: text.into() });
        self
    }

    /// Adds the fix.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Collects the faults of a pass. A pass goes on after a fault, so that a user sees all of them at once.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    faults: Vec<Diagnostic>,
    /// Faults beyond what is shown per code and file.
    more: BTreeMap<(Code, String), u64>,
    shown: BTreeMap<(Code, String), usize>,
    errors: u64,
}

impl Sink {
    /// Takes one fault, once: what two plans find in one row is one fault. Row faults of one code in one file are shown up to
    /// a limit and counted beyond it.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.faults.contains(&diagnostic) {
            return;
        }
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if let Some(Label { place: Place::Row { path, .. }, .. }) = diagnostic.labels.first() {
            let key = (diagnostic.code, path.clone());
            let shown = self.shown.entry(key.clone()).or_default();
            if *shown >= limit::DIAGNOSTICS_SHOWN_PER_CODE {
                *self.more.entry(key).or_default() += 1;
                return;
            }
            *shown += 1;
        }
        self.faults.push(diagnostic);
    }

    /// True when an error was pushed.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors were pushed, shown or not.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The faults to show, in the order they were found.
    #[must_use]
    pub fn faults(&self) -> &[Diagnostic] {
        &self.faults
    }

    /// How many more faults there are by code and file, beyond those shown.
    #[must_use]
    pub fn more(&self) -> &BTreeMap<(Code, String), u64> {
        &self.more
    }

    /// Takes all faults of another pass, under the same limits.
    pub fn append(&mut self, other: Self) {
        let listed = other.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        self.errors += other.errors - listed as u64;
        other.faults.into_iter().for_each(|fault| self.push(fault));
        for (key, count) in other.more {
            *self.more.entry(key).or_default() += count;
        }
    }
}

/// `, did you mean "x"?` when one of the names is close to what was written, else nothing.
#[must_use]
pub fn suggestion<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4 && *distance < name.len())
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_near_name_only() {
        assert_eq!(suggestion("compnent", ["component", "credit"]), Some("component"));
        assert_eq!(suggestion("zebra", ["component", "credit"]), None);
    }

    #[test]
    fn row_faults_are_counted_beyond_the_limit() {
        let mut sink = Sink::default();
        for row in 0..25 {
            let place = Place::row("deals.csv", Some(row), Some("Amount"));
            sink.push(Diagnostic::error(Code::SPM105, "not a number").at(place, ""));
        }
        assert_eq!(sink.faults().len(), limit::DIAGNOSTICS_SHOWN_PER_CODE);
        assert_eq!(sink.errors(), 25);
        assert_eq!(sink.more().values().sum::<u64>(), 15);
    }
}
