//! The file of the ledger: opened, locked, brought to the newest version; records are appended in one transaction each.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Params, Transaction};
use spm_core::ground::diagnostic::Code;

use super::chain;
use super::fault::{Fault, PATH, busy};
use super::head;
use super::schema::{ABSENT, MIGRATIONS, REMADE, TABLES, append_only};

/// An open ledger.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    root: PathBuf,
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

/// The ledger of a project while this process may write it: one process at a time. The file is made by the first record, so
/// that what is refused leaves nothing behind.
#[derive(Debug)]
pub struct Pen {
    root: PathBuf,
    crash: Option<u64>,
    store: Option<Store>,
    /// Held while this process may write, and let go of last. The system does so when the process ends, however it ends.
    _lock: File,
}

impl Pen {
    /// Takes the lock, and opens the ledger when there is one.
    pub fn take(root: &Path, crash: Option<u64>) -> Result<Self, Fault> {
        let lock = locked(&root.join(PATH))?;
        // The look at it checks the chain: nothing is sealed on top of a ledger that is not what was written.
        let there = Store::read(root)?.is_some();
        let store = if there { Some(Store::write(root, crash)?) } else { None };
        Ok(Self { root: root.to_owned(), crash, store, _lock: lock })
    }

    /// The ledger, when something was ever recorded.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// The ledger to append to; it is started when there is none.
    pub fn start(&mut self) -> Result<&mut Store, Fault> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::write(&self.root, self.crash)?,
        };
        Ok(self.store.insert(store))
    }
}

impl Store {
    /// Opens the ledger of a project for reading, and checks its chain and that it was not cut off: nothing is read from a
    /// ledger that is not what was written. `None` when nothing was ever recorded.
    pub fn read(root: &Path) -> Result<Option<Self>, Fault> {
        let path = root.join(PATH);
        // Read before the ledger: what another process seals meanwhile is in the ledger first.
        let head = head::read(root)?;
        if !path.exists() {
            return head.map_or(Ok(None), |head| Err(head.missing(0)));
        }
        let connection = reading(&path)?;
        let version = version(&connection)?;
        let tables = "SELECT count(*) FROM sqlite_schema";
        if version == 0 {
            if connection.query_row(tables, [], |row| row.get::<_, i64>(0))? > 0 {
                return Err(Fault::new(
                    Code::SPM701,
                    "the file is not a ledger: its tables are others",
                    "restore it from a backup, or remove it when nothing was ever posted",
                ));
            }
            // A process that was killed in the first posting leaves a file in which nothing was ever written.
            return head.map_or(Ok(None), |head| Err(head.missing(0)));
        }
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        ABSENT.iter().skip(version).try_for_each(|text| connection.execute_batch(text))?;
        // Everything that a command reads is of one moment, whatever another process posts meanwhile.
        connection.execute_batch("BEGIN")?;
        let store = Self { connection, root: root.to_owned(), crash: Crash::default() };
        let (records, _) = chain::check(&store)?;
        if let Some(head) = head {
            head.check(&store, records)?;
        }
        Ok((records > 0).then_some(store))
    }

    /// Opens the ledger for writing: settings, and the newest version of the tables. The caller holds the lock.
    fn write(root: &Path, crash: Option<u64>) -> Result<Self, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(root.join(PATH), flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        Self::prepared(connection, root, Crash { at: crash, ..Crash::default() })
    }

    fn prepared(connection: Connection, root: &Path, crash: Crash) -> Result<Self, Fault> {
        let mut store = Self { connection, root: root.to_owned(), crash };
        let version = version(&store.connection)?;
        store.connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        store.connection.pragma_update(None, "synchronous", "FULL")?;
        // A table that others refer to can only be made anew while nobody looks; what refers to nothing is found after it.
        store.connection.pragma_update(None, "foreign_keys", "OFF")?;
        for (index, text) in MIGRATIONS.iter().enumerate().skip(version) {
            store.crash.step();
            let transaction = store.connection.transaction()?;
            transaction.execute_batch(text)?;
            let new = TABLES.iter().filter(|rows| rows.since == index + 1).map(|rows| rows.table);
            let new = new.chain(REMADE[index].iter().copied());
            transaction.execute_batch(&new.map(append_only).collect::<String>())?;
            if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
                let message = format!("the ledger cannot be brought to version {}", index + 1);
                return Err(Fault::new(Code::SPM701, message, "it is as it was before; please report this"));
            }
            transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(0))?;
            transaction.commit()?;
        }
        store.connection.pragma_update(None, "foreign_keys", "ON")?;
        Ok(store)
    }

    /// Refuses a moment before the last record.
    pub fn not_before(&self, recorded_at: &str) -> Result<(), Fault> {
        in_order(recorded_at, &chain::latest(&self.connection)?)
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
            in_order(header.recorded_at, &latest)?;
            let hash = chain::hash(&transaction, writer.record, &header, &previous)?;
            writer.execute(
                "INSERT INTO record (number, kind, recorded_at, program, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (writer.record, header.kind, header.recorded_at, header.program, &previous, &hash),
            )?;
            numbers.push(writer.record);
        }
        self.crash.step();
        let (last, sealed) = chain::head(&transaction)?;
        transaction.commit()?;
        self.crash.step();
        head::write(&self.root, last, &sealed);
        self.crash.step();
        Ok(numbers)
    }
}

fn in_order(recorded_at: &str, latest: &str) -> Result<(), Fault> {
    if recorded_at >= latest {
        return Ok(());
    }
    Err(Fault::new(
        Code::SPM704,
        format!("{recorded_at} is before the last record, which was made at {latest}"),
        format!("records are made in order of time: give --recorded-at from {latest} on, or check the clock"),
    ))
}

/// The version of a ledger's tables; 0 of a file in which nothing is. The first look at the file: one that is not a ledger
/// is refused here.
fn version(connection: &Connection) -> Result<usize, Fault> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        let newest = MIGRATIONS.len();
        return Err(Fault::new(
            Code::SPM702,
            format!("the ledger has version {version}, this program knows versions up to {newest}"),
            "use the newer spm that wrote it",
        ));
    }
    Ok(version)
}

/// Opens the file for reading. A copy that nobody may write, in a folder that nobody may write, or on a full disk, is read as it lies there:
/// the log beside it, which has what was written last, cannot be looked at, so there may be none.
fn reading(path: &Path) -> Result<Connection, Fault> {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    let fixed = |path: &Path| fs::metadata(path).is_ok_and(|data| data.permissions().readonly());
    let log = path.with_extension("db-wal");
    let logged = fs::metadata(&log).is_ok_and(|data| data.len() > 0);
    if logged || !(fixed(path) || path.parent().is_some_and(fixed)) {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => return Ok(connection),
            Err(error)
                if !matches!(
                    error.sqlite_error_code(),
                    Some(CannotOpen | DiskFull | ReadOnly | SystemIoFailure)
                ) =>
            {
                return Err(error.into());
            }
            Err(_) if logged => {
                return Err(Fault::new(
                    Code::SPM701,
                    "the newest records are still in ledger.db-wal, which cannot be read in a folder that cannot be written or has no space left",
                    "make room, or copy .spm/ with all its files to a folder that you may write and read it there, or run a spm ledger command where it came from, and copy it again",
                ));
            }
            Err(_) => {}
        }
    }
    let mut uri = "file:".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(uri + "?immutable=1", flags)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends a posting that earns and pays so many cents.
    fn post(store: &mut Store, period: &str, earned: i64, paid: i64) {
        let header = |_: &()| Header { kind: "posting", recorded_at: "2027-02-01T00:00:00Z", program: "0" };
        let mut write = |writer: &mut Writer<'_>, _: &()| {
            let record = writer.record;
            let posting = "INSERT INTO posting VALUES (?1, ?2, '2027-01-01', '2027-02-01')";
            writer.execute(posting, (record, period))?;
            let line = "INSERT INTO line VALUES (?1, 1, 'A', 'USD', ?2, 'earning', 'p', 'c', ?3, ?3, NULL, '{}', NULL)";
            writer.execute(line, (record, period, earned))?;
            writer.execute("INSERT INTO payment VALUES (?1, 'A', 'USD', ?2, '{}')", (record, paid))
        };
        store.append(&[()], &header, &mut write).expect("it is appended");
    }

    #[test]
    fn a_posting_that_does_not_add_up_is_noticed_even_when_its_hash_is_right() {
        let memory = Connection::open_in_memory().expect("memory");
        let mut store = Store::prepared(memory, Path::new("nowhere"), Crash::default()).expect("a ledger");
        post(&mut store, "2027-01", 100, 100);
        assert_eq!(chain::check(&store).expect("it adds up").0, 1);
        post(&mut store, "2027-02", 100, 99);
        let fault = chain::check(&store).expect_err("a cent is missing").0.remove(0);
        assert!(
            fault.message.contains("payments + balances of A in USD are 1 minor unit(s)"),
            "{}",
            fault.message
        );
    }
}
