//! Why the ledger refuses: a diagnostic, or what SQLite says turned into one.

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

/// Where every fault of the ledger is.
pub(super) const PATH: &str = ".spm/ledger.db";

/// Why the ledger refuses: one fault or more.
#[derive(Debug)]
pub struct Fault(pub Vec<Diagnostic>);

impl Fault {
    /// A fault in the ledger's file.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self(vec![Diagnostic::error(code, message).at(Place::File(PATH.to_owned()), "").hint(hint)])
    }
}

impl From<Diagnostic> for Fault {
    fn from(fault: Diagnostic) -> Self {
        Self(vec![fault])
    }
}

impl From<Vec<Diagnostic>> for Fault {
    fn from(faults: Vec<Diagnostic>) -> Self {
        Self(faults)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        // Tables that the program has made itself are read back, never files.
        Self(vec![Diagnostic::error(Code::SPM502, format!("a result cannot be read back: {error}"))])
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => busy(),
            Some(DiskFull | SystemIoFailure | ReadOnly) => Self::new(
                Code::SPM601,
                format!("the ledger cannot be written: {error}"),
                "check the free space and the permissions; the ledger is as it was before",
            ),
            _ => Self::new(
                Code::SPM701,
                format!("the ledger cannot be read: {error}"),
                "restore it from a backup: see docs/ledger.md",
            ),
        }
    }
}

/// Another process writes.
pub(super) fn busy() -> Fault {
    Fault::new(
        Code::SPM703,
        "another process writes to the ledger",
        "run the command again when it has ended; nothing was changed",
    )
}
