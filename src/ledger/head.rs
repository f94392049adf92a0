//! The head beside the ledger: number and hash of the last record, in a file of its own.
//!
//! A chain that is cut off at its end is still a chain. The head says how far it went, so that a ledger that lost its last
//! records, or an older copy in its place, is noticed. Somebody who can write both files can cut both: against that helps
//! only a hash that is kept elsewhere (`spm ledger verify --expect-head`).

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;

use super::fault::Fault;
use super::store::Store;

/// The file, in the project.
const FILE: &str = ".spm/ledger.head";

/// Number and hash of a record that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    number: i64,
    hash: String,
}

fn fault(message: String, hint: &str) -> Fault {
    Diagnostic::error(Code::SPM705, message).at(Place::File(FILE.to_owned()), "").hint(hint).into()
}

/// The head; `None` when there is no such file, as beside a copy of the ledger alone.
pub(super) fn read(root: &Path) -> Result<Option<Head>, Fault> {
    let Ok(text) = fs::read_to_string(root.join(FILE)) else { return Ok(None) };
    let head = text.split_once(' ').and_then(|(number, hash)| {
        let hash = hash.trim_end();
        let number = number.parse().ok().filter(|_| hash.len() == 64)?;
        Some(Head { number, hash: hash.to_owned() })
    });
    let hint =
        "remove it when spm ledger list shows every record that it should: the next record writes it anew";
    head.map(Some).ok_or_else(|| fault("ledger.head is not a number and a hash".to_owned(), hint))
}

/// Writes the head after a record was sealed. When that fails the record stands, and the head names one before it, which
/// says nothing wrong.
pub(super) fn write(root: &Path, number: i64, hash: &str) {
    let path = root.join(FILE);
    let aside = path.with_extension("head.new");
    let whole = || -> std::io::Result<()> {
        let mut file = File::create(&aside)?;
        file.write_all(format!("{number} {hash}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &path)
    };
    if whole().is_err() {
        let _ = fs::remove_file(&aside);
    }
}

impl Head {
    /// What a ledger lacks that has fewer records, or another one in its place.
    pub(super) fn missing(&self, records: i64) -> Fault {
        let (number, hash) = (self.number, &self.hash);
        let message = match records {
            0 => format!(
                "the ledger is gone: {number} record(s) were sealed, the last one with the hash {hash}"
            ),
            _ if records < number => format!(
                "the ledger ends with record {records}, but {number} were sealed: it was cut off, or is an older copy"
            ),
            _ => format!("record {number} of the ledger is not the one that was sealed with the hash {hash}"),
        };
        fault(
            message,
            "restore the newest backup of .spm/; to go on with an older one, remove .spm/ledger.head and post again what was posted since (docs/ledger.md)",
        )
    }

    /// Checks that the chain has this record.
    pub(super) fn check(&self, store: &Store, records: i64) -> Result<(), Fault> {
        let own = store.text("SELECT hash FROM record WHERE number = ?1", [self.number])?;
        if own.as_ref() == Some(&self.hash) { Ok(()) } else { Err(self.missing(records)) }
    }
}
