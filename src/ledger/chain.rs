//! The chain: the hash of each record covers its rows in every table and the hash of the record before.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};
use spm_core::ground::diagnostic::Code;

use super::fault::Fault;
use super::schema::{Rows, TABLES};
use super::store::Header;

/// Number and hash of the last record; 0 and the empty text before the first.
pub(super) fn head(connection: &Connection) -> Result<(i64, String), Fault> {
    let mut statement =
        connection.prepare_cached("SELECT number, hash FROM record ORDER BY number DESC LIMIT 1")?;
    let mut rows = statement.query([])?;
    Ok(match rows.next()? {
        Some(row) => (row.get(0)?, row.get(1)?),
        None => (0, String::new()),
    })
}

/// When the last record was made; the empty text before the first.
pub(super) fn latest(connection: &Connection) -> Result<String, Fault> {
    let sql = "SELECT coalesce(max(recorded_at), '') FROM record";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// The hash of a record whose rows are written.
pub(super) fn hash(
    connection: &Connection,
    record: i64,
    header: &Header<'_>,
    previous: &str,
) -> Result<String, Fault> {
    let mut hash = Sha256::new();
    for text in [previous, &record.to_string(), header.kind, header.recorded_at, header.program] {
        cell(&mut hash, b't', text.as_bytes());
    }
    for Rows { table, order, since } in TABLES {
        let mut statement = connection
            .prepare_cached(&format!("SELECT * FROM {table} WHERE record = ?1 ORDER BY {order}"))?;
        let columns = statement.column_count();
        // A table that came later is part of the records that have rows in it: those before it keep their hashes.
        if *since == 1 || statement.exists([record])? {
            cell(&mut hash, b'T', table.as_bytes());
        }
        let mut rows = statement.query([record])?;
        while let Some(row) = rows.next()? {
            cell(&mut hash, b'r', &[]);
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => cell(&mut hash, b'n', &[]),
                    ValueRef::Integer(value) => cell(&mut hash, b'i', &value.to_le_bytes()),
                    // No column holds one: STRICT tables refuse it.
                    ValueRef::Real(_) => cell(&mut hash, b'f', &[]),
                    ValueRef::Text(bytes) => cell(&mut hash, b't', bytes),
                    ValueRef::Blob(bytes) => cell(&mut hash, b'b', bytes),
                }
            }
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A value with its kind and length, so that no two lists of values read alike.
fn cell(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn broken(message: String) -> Fault {
    let hint = "it was changed outside of spm, or the disk failed: compare it with a backup (docs/ledger.md)";
    Fault::new(Code::SPM705, message, hint)
}

/// Hexadecimal digits that a hash is named by at least.
pub const SHORTEST: usize = 12;

/// The number of the record with a hash, or with one that begins like this; a fault when the chain has none, or several.
pub fn find(store: &super::Store, hash: &str) -> Result<i64, Fault> {
    let hash = hash.trim().to_lowercase();
    let sql = "SELECT number FROM record WHERE substr(hash, 1, length(?1)) = ?1 ORDER BY number";
    let mut statement = store.connection.prepare(sql)?;
    let found: Vec<i64> = statement.query_map([&hash], |row| row.get(0))?.collect::<Result<_, _>>()?;
    match found[..] {
        [number] => Ok(number),
        [] => Err(broken(format!(
            "no record has the hash {hash}: the ledger was cut off before it, or written anew"
        ))),
        _ => Err(broken(format!(
            "{} records have a hash that begins with {hash}: give all of it",
            found.len()
        ))),
    }
}

/// Checks the file and the whole chain; returns the number of records and the last hash.
pub fn check(store: &super::Store) -> Result<(i64, String), Fault> {
    let connection = &store.connection;
    let sound: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(broken(format!("the file is damaged: {sound}")));
    }
    let foreign = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    if foreign {
        return Err(broken("rows refer to records that do not exist".to_owned()));
    }
    let sql = "SELECT number, kind, recorded_at, program, previous, hash FROM record ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut last, mut previous) = (0, String::new());
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let (kind, recorded_at, program): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let (before, stated): (String, String) = (row.get(4)?, row.get(5)?);
        if number != last + 1 || before != previous {
            return Err(broken(format!("record {number} does not follow record {last}")));
        }
        let header = Header { kind: &kind, recorded_at: &recorded_at, program: &program };
        if hash(connection, number, &header, &previous)? != stated {
            return Err(broken(format!(
                "record {number} ({kind} of {recorded_at}) is not what was written: its hash differs"
            )));
        }
        (last, previous) = (number, stated);
    }
    for Rows { table, .. } in TABLES {
        let sql = format!("SELECT 1 FROM {table} WHERE record NOT IN (SELECT number FROM record)");
        if connection.prepare(&sql)?.exists([])? {
            return Err(broken(format!("the table {table} has rows of no record")));
        }
    }
    // Whatever a command reads, payments + balances = entitlements.
    let sql = "SELECT record, payee_id, currency, sum(amount) FROM
        (SELECT record, payee_id, currency, earned AS amount FROM line
        UNION ALL SELECT record, payee_id, currency, -amount FROM payment
        UNION ALL SELECT record, payee_id, currency, -change FROM balance)
        GROUP BY record, payee_id, currency HAVING sum(amount) <> 0 ORDER BY record LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    if let Some(row) = rows.next()? {
        let (record, units): (i64, i64) = (row.get(0)?, row.get(3)?);
        let (payee, currency): (String, String) = (row.get(1)?, row.get(2)?);
        return Err(broken(format!(
            "in record {record} payments + balances of {payee} in {currency} are {units} minor unit(s) away from the entitlements"
        )));
    }
    Ok((last, previous))
}
