//! The tables of the ledger, version by version.

/// Each text brings a ledger from the version of its index to the next one. Texts that were released never change.
pub(super) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// The tables that each version made anew, so that their guards are made anew, too.
pub(super) const REMADE: [&[&str]; 4] = [&["record"], &["record"], &[], &["line", "balance"]];

/// A table of records' rows. All of them have a column `record`.
pub(super) struct Rows {
    /// Its name.
    pub(super) table: &'static str,
    /// The columns that its rows are chained in the order of.
    pub(super) order: &'static str,
    /// The version that brought it.
    pub(super) since: usize,
}

const fn rows(table: &'static str, order: &'static str, since: usize) -> Rows {
    Rows { table, order, since }
}

/// Every table but `record`. A new one is added at the end: hashes are made in this order.
pub(super) const TABLES: &[Rows] = &[
    rows("posting", "record", 1),
    rows("input", "table_name", 1),
    rows("file", "path", 1),
    rows("plan", "plan_id", 1),
    rows("line", "number", 1),
    rows("balance", "payee_id, currency, account", 1),
    rows("payment", "payee_id, currency", 1),
    rows("fact", "period, kind, plan_id, subject, name", 1),
    rows("adjustment", "record", 1),
    rows("approval", "record", 1),
    rows("dispute", "record", 1),
    rows("resolution", "record", 1),
    rows("withdrawal", "record", 2),
    rows("project", "record", 3),
    rows("rule", "record", 3),
    rows("reversal", "record", 4),
    rows("cutoff", "record", 4),
];

const VERSION_1: &str = "
CREATE TABLE record (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('posting', 'adjustment', 'approval', 'dispute', 'resolution')),
    recorded_at TEXT NOT NULL,
    program TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TABLE posting (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    period TEXT NOT NULL UNIQUE,
    first_day TEXT NOT NULL,
    end_day TEXT NOT NULL
) STRICT;
CREATE TABLE input (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    table_name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (record, table_name)
) STRICT;
CREATE TABLE file (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (record, path)
) STRICT;
CREATE TABLE plan (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    plan_id TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (record, plan_id)
) STRICT;
CREATE TABLE line (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    number INTEGER NOT NULL,
    payee_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    origin TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('earning', 'clawback', 'forfeit', 'adjustment')),
    plan_id TEXT NOT NULL,
    component TEXT NOT NULL,
    earned INTEGER NOT NULL,
    payable INTEGER NOT NULL,
    cause TEXT,
    trace TEXT NOT NULL,
    released TEXT,
    PRIMARY KEY (record, number),
    UNIQUE (record, payee_id, currency, origin, kind, plan_id, component)
) STRICT;
CREATE INDEX line_of_payee ON line (payee_id, origin);
CREATE TABLE balance (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    payee_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    account TEXT NOT NULL CHECK (account IN ('held', 'carried', 'draw', 'clawback')),
    opening INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (record, payee_id, currency, account)
) STRICT;
CREATE TABLE payment (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    payee_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    trace TEXT NOT NULL,
    PRIMARY KEY (record, payee_id, currency)
) STRICT;
CREATE TABLE fact (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    period TEXT NOT NULL,
    kind TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (record, period, kind, plan_id, subject, name)
) STRICT;
CREATE TABLE adjustment (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    payee_id TEXT NOT NULL,
    period TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    reason TEXT NOT NULL CHECK (reason <> ''),
    author TEXT NOT NULL CHECK (author <> ''),
    evidence TEXT,
    evidence_sha256 TEXT
) STRICT;
CREATE TABLE approval (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    adjustment INTEGER NOT NULL UNIQUE REFERENCES adjustment (record),
    approver TEXT NOT NULL CHECK (approver <> '')
) STRICT;
CREATE TABLE dispute (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    posting INTEGER NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason <> ''),
    author TEXT NOT NULL CHECK (author <> ''),
    FOREIGN KEY (posting, line) REFERENCES line (record, number)
) STRICT;
CREATE TABLE resolution (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    dispute INTEGER NOT NULL UNIQUE REFERENCES dispute (record),
    adjustment INTEGER REFERENCES adjustment (record),
    answer TEXT NOT NULL CHECK (answer <> ''),
    author TEXT NOT NULL CHECK (author <> '')
) STRICT;
";

/// Adjustments can be taken back until they are booked. The table of records is made anew, because SQLite cannot add a kind
/// to a check; its rows stay what they are.
const VERSION_2: &str = "
CREATE TABLE record_2 (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('posting', 'adjustment', 'approval', 'withdrawal', 'dispute', 'resolution')),
    recorded_at TEXT NOT NULL,
    program TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO record_2 SELECT number, kind, recorded_at, program, previous, hash FROM record;
DROP TABLE record;
ALTER TABLE record_2 RENAME TO record;
CREATE TABLE withdrawal (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    adjustment INTEGER NOT NULL UNIQUE REFERENCES adjustment (record),
    reason TEXT NOT NULL CHECK (reason <> ''),
    author TEXT NOT NULL CHECK (author <> '')
) STRICT;
";

/// What the project said when a period was posted, and whether the two-person rule was in force when something was decided.
const VERSION_3: &str = "
CREATE TABLE project (
    record INTEGER PRIMARY KEY REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    policy TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE rule (
    record INTEGER PRIMARY KEY REFERENCES record (number) DEFERRABLE INITIALLY DEFERRED,
    two_person INTEGER NOT NULL CHECK (two_person IN (0, 1))
) STRICT;
";

/// Which adjustment an adjustment reverses; by when what a posting rests on was known, where it says so; and what caps carry, a
/// kind of lines and an account more. Their tables are made anew, because SQLite cannot add a kind to a check.
const VERSION_4: &str = "
CREATE TABLE line_4 (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    number INTEGER NOT NULL,
    payee_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    origin TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('earning', 'clawback', 'forfeit', 'adjustment', 'capped')),
    plan_id TEXT NOT NULL,
    component TEXT NOT NULL,
    earned INTEGER NOT NULL,
    payable INTEGER NOT NULL,
    cause TEXT,
    trace TEXT NOT NULL,
    released TEXT,
    PRIMARY KEY (record, number),
    UNIQUE (record, payee_id, currency, origin, kind, plan_id, component)
) STRICT;
INSERT INTO line_4 SELECT record, number, payee_id, currency, origin, kind, plan_id, component, earned, payable, cause, trace, released FROM line;
DROP TABLE line;
ALTER TABLE line_4 RENAME TO line;
CREATE INDEX line_of_payee ON line (payee_id, origin);
CREATE TABLE balance_4 (
    record INTEGER NOT NULL REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    payee_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    account TEXT NOT NULL CHECK (account IN ('held', 'carried', 'draw', 'clawback', 'capped')),
    opening INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (record, payee_id, currency, account)
) STRICT;
INSERT INTO balance_4 SELECT record, payee_id, currency, account, opening, change FROM balance ORDER BY rowid;
DROP TABLE balance;
ALTER TABLE balance_4 RENAME TO balance;
CREATE TABLE reversal (
    record INTEGER PRIMARY KEY REFERENCES adjustment (record) DEFERRABLE INITIALLY DEFERRED,
    adjustment INTEGER NOT NULL REFERENCES adjustment (record)
) STRICT;
CREATE TABLE cutoff (
    record INTEGER PRIMARY KEY REFERENCES posting (record) DEFERRABLE INITIALLY DEFERRED,
    moment TEXT NOT NULL
) STRICT;
";

/// What a ledger of an older version lacks, for commands that only read it: empty tables of the connection.
pub(super) const ABSENT: &[&str] = &[
    "",
    "CREATE TEMP TABLE withdrawal (record INTEGER PRIMARY KEY, adjustment INTEGER NOT NULL, reason TEXT NOT NULL, author TEXT NOT NULL);",
    "CREATE TEMP TABLE project (record INTEGER PRIMARY KEY, path TEXT NOT NULL, sha256 TEXT NOT NULL, policy TEXT NOT NULL, text TEXT NOT NULL);
    CREATE TEMP TABLE rule (record INTEGER PRIMARY KEY, two_person INTEGER NOT NULL);",
    "CREATE TEMP TABLE reversal (record INTEGER PRIMARY KEY, adjustment INTEGER NOT NULL);
    CREATE TEMP TABLE cutoff (record INTEGER PRIMARY KEY, moment TEXT NOT NULL);",
];

/// Nothing that was written is changed or deleted: for every table, a trigger that says so.
pub(super) fn append_only(table: &str) -> String {
    let guard = |what: &str| {
        format!(
            "CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;\n"
        )
    };
    guard("UPDATE") + &guard("DELETE")
}
