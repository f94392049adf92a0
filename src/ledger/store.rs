//! The file of the ledger: opened, locked, brought to the newest version; records are appended in one transaction each.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Params, Transaction};
use spm_core::ground::diagnostic::Code;

use super::chain;
use super::fault::{Fault, PATH, busy};
use super::schema::{MIGRATIONS, TABLES, append_only};

/// What a command does with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads.
    Read,
    /// Writes: one process at a time; the ledger is started when there is none.
    Write,
}

/// An open ledger.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    /// Held while this process may write. The system lets go of it when the process ends, however it ends.
    _lock: Option<File>,
    crash: Crash,
}

/// Tests of the project end the process at the n-th write, to see that a record is complete or absent.
#[derive(Debug, Default)]
struct Crash {
    at: Option<u64>,
    writes: Cell<u64>,
}

impl Crash {
    fn step(&self) {
        self.writes.set(self.writes.get() + 1);
        if self.at == Some(self.writes.get()) {
            std::process::abort();
        }
    }
}

/// What every record says about itself.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// `posting`, `adjustment`...
    pub kind: &'a str,
    /// UTC, `2027-02-01T09:30:00Z`.
    pub recorded_at: &'a str,
    /// Version of the program.
    pub program: &'a str,
}

fn path(root: &Path) -> PathBuf {
    root.join(PATH)
}

impl Store {
    /// Opens the ledger of a project and checks its chain: nothing is read from, or sealed on top of, a ledger that is not
    /// what was written. `None` when there is none and it is only read.
    pub fn open(root: &Path, access: Access, crash: Option<u64>) -> Result<Option<Self>, Fault> {
        let path = path(root);
        if access == Access::Read && !path.exists() {
            return Ok(None);
        }
        let lock = if access == Access::Write { Some(locked(&path)?) } else { None };
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if access == Access::Write {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let mut store = Self { connection, _lock: lock, crash: Crash { at: crash, ..Crash::default() } };
        if !store.prepare(access)? {
            return Ok(None);
        }
        chain::check(&store)?;
        Ok(Some(store))
    }

    /// Settings, and the newest version of the tables; `false` when there is nothing to read.
    fn prepare(&mut self, access: Access) -> Result<bool, Fault> {
        // The first look at the file: one that is not a ledger is refused here.
        let version: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        if version > MIGRATIONS.len() {
            return Err(Fault::new(
                Code::SPM702,
                format!(
                    "the ledger has version {version}, this program knows versions up to {}",
                    MIGRATIONS.len()
                ),
                "use the newer spm that wrote it",
            ));
        }
        self.connection.pragma_update(None, "foreign_keys", "ON")?;
        if access == Access::Read {
            let tables = "SELECT count(*) FROM sqlite_schema";
            return match version {
                // A process that was killed in the first posting leaves a file in which nothing was ever written.
                0 if self.connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 => Ok(false),
                0 => Err(Fault::new(
                    Code::SPM701,
                    "the file is not a ledger: its tables are others",
                    "restore it from a backup, or remove it when nothing was ever posted",
                )),
                // Everything that a command reads is of one moment, whatever another process posts meanwhile.
                _ => Ok(self.connection.execute_batch("BEGIN").map(|()| true)?),
            };
        }
        self.connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        for (index, text) in MIGRATIONS.iter().enumerate().skip(version) {
            self.crash.step();
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(text)?;
            if index == 0 {
                let tables = TABLES.iter().map(|(table, _)| *table).chain(["record"]);
                transaction.execute_batch(&tables.map(append_only).collect::<String>())?;
            }
            transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(0))?;
            transaction.commit()?;
        }
        Ok(true)
    }

    /// Appends records: all of them or none. `write` gets the number of each record and writes its rows.
    pub(super) fn append<'a, T>(
        &mut self,
        records: &'a [T],
        header: &dyn Fn(&'a T) -> Header<'a>,
        write: &mut dyn FnMut(&mut Writer<'_>, &'a T) -> Result<(), Fault>,
    ) -> Result<Vec<i64>, Fault> {
        let transaction =
            Transaction::new_unchecked(&self.connection, rusqlite::TransactionBehavior::Immediate)?;
        let mut numbers = Vec::new();
        for record in records {
            let (last, previous) = chain::head(&transaction)?;
            let mut writer = Writer { transaction: &transaction, record: last + 1, crash: &self.crash };
            write(&mut writer, record)?;
            let header = header(record);
            let latest = chain::latest(&transaction)?;
            if header.recorded_at < latest.as_str() {
                return Err(Fault::new(
                    Code::SPM704,
                    format!("{} is before the last record, which was made at {latest}", header.recorded_at),
                    "give a later --recorded-at, or none",
                ));
            }
            let hash = chain::hash(&transaction, writer.record, &header, &previous)?;
            writer.execute(
                "INSERT INTO record (number, kind, recorded_at, program, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (writer.record, header.kind, header.recorded_at, header.program, &previous, &hash),
            )?;
            numbers.push(writer.record);
        }
        self.crash.step();
        transaction.commit()?;
        self.crash.step();
        Ok(numbers)
    }
}

/// Takes the lock of the ledger.
fn locked(path: &Path) -> Result<File, Fault> {
    let cannot = |error: std::io::Error| {
        Fault::new(
            Code::SPM601,
            format!("the ledger cannot be written: {error}"),
            "check the folder's permissions",
        )
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(cannot)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("ledger.lock"))
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(busy()),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// Writes the rows of one record.
pub(super) struct Writer<'t> {
    transaction: &'t Transaction<'t>,
    /// Its number.
    pub(super) record: i64,
    crash: &'t Crash,
}

impl Writer<'_> {
    /// One row.
    pub(super) fn execute(&mut self, sql: &str, values: impl Params) -> Result<(), Fault> {
        self.crash.step();
        self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
