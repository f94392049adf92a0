//! What the ledger says: postings, books, facts, and any of its tables.

use rusqlite::types::Value;
use spm_core::engine::ledger::{Account, Books, Fact, FactKind, Facts, Key, Kind, Who};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::moment::Moment;
use spm_core::ground::money::Currency;
use spm_core::ground::period::Calendar;
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::fault::Fault;
use super::schema::TABLES;
use super::store::Store;

/// A posted period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Number of the record.
    pub record: i64,
    /// Index of the leaf period.
    pub period: usize,
    /// Its name.
    pub name: String,
    /// When it was posted.
    pub recorded_at: String,
    /// Hash of the record.
    pub hash: String,
}

/// All tables, each with the order of its rows and its columns of minor units, for export.
#[must_use]
pub fn tables() -> Vec<(&'static str, String, &'static [&'static str])> {
    let money = |table: &str| -> &'static [&'static str] {
        match table {
            "line" => &["earned", "payable"],
            "balance" => &["opening", "change"],
            "payment" | "adjustment" => &["amount"],
            _ => &[],
        }
    };
    std::iter::once(("record", "number".to_owned()))
        .chain(TABLES.iter().map(|rows| (rows.table, format!("record, {}", rows.order))))
        .map(|(table, order)| (table, order, money(table)))
        .collect()
}

impl Store {
    /// The number of the last record that was made by a moment; of all records without one.
    pub fn through(&self, moment: Option<Moment>) -> Result<i64, Fault> {
        let Some(moment) = moment else { return Ok(i64::MAX) };
        let sql = "SELECT coalesce(max(number), 0) FROM record WHERE recorded_at <= ?1";
        Ok(self.connection.query_row(sql, [moment.to_seconds()], |row| row.get(0))?)
    }

    /// The posted periods in order, up to a record. Each has to be in the calendar, with the days that it had.
    pub fn postings(&self, calendar: &Calendar, through: i64) -> Result<Vec<Posted>, Fault> {
        let sql = "SELECT number, period, first_day, end_day, recorded_at, hash FROM posting JOIN record ON record = number WHERE number <= ?1 ORDER BY number";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([through])?;
        let mut postings = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, from, to): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let period = index_of(calendar, &name)?;
            let range = calendar.periods()[period].range;
            if (range.from.to_string(), range.to.to_string()) != (from.clone(), to.clone()) {
                let message = format!("{name} was posted as [{from}, {to}), the calendar has {range}");
                return Err(Fault::new(
                    Code::SPM704,
                    message,
                    "posted periods keep their days: restore the calendar",
                ));
            }
            postings.push(Posted {
                record: row.get(0)?,
                period,
                name,
                recorded_at: row.get(4)?,
                hash: row.get(5)?,
            });
        }
        Ok(postings)
    }

    /// What is booked up to a record.
    pub fn books(&self, calendar: &Calendar, through: i64) -> Result<Books, Fault> {
        let mut books = Books::default();
        let sql = "SELECT payee_id, currency, origin, kind, plan_id, component, earned, payable FROM line WHERE record <= ?1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([through])?;
        while let Some(row) = rows.next()? {
            let (origin, kind): (String, String) = (row.get(2)?, row.get(3)?);
            let key = Key {
                who: who(row.get(0)?, row.get(1)?)?,
                origin: index_of(calendar, &origin)?,
                kind: named(&Kind::ALL, Kind::name, &kind)?,
                plan: row.get(4)?,
                component: row.get(5)?,
            };
            let sum = books.posted.entry(key).or_default();
            sum.earned += i128::from(row.get::<_, i64>(6)?);
            sum.payable += i128::from(row.get::<_, i64>(7)?);
        }
        let sql = "SELECT payee_id, currency, account, change FROM balance WHERE record <= ?1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([through])?;
        while let Some(row) = rows.next()? {
            let account: String = row.get(2)?;
            let account = named(&Account::ALL, Account::name, &account)?;
            let key = (who(row.get(0)?, row.get(1)?)?, account);
            *books.balances.entry(key).or_default() += i128::from(row.get::<_, i64>(3)?);
        }
        let sql = "SELECT payee_id, currency, amount FROM payment WHERE record <= ?1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([through])?;
        while let Some(row) = rows.next()? {
            let paid = books.paid.entry(who(row.get(0)?, row.get(1)?)?).or_default();
            *paid += i128::from(row.get::<_, i64>(2)?);
        }
        Ok(books)
    }

    /// The facts that went into what was posted up to a record: the last value of each.
    pub fn facts(&self, calendar: &Calendar, through: i64) -> Result<Facts, Fault> {
        self.facts_where(calendar, "record <= ?1", [through])
    }

    /// The facts of one kind about one period that went into what was posted up to a record.
    pub fn facts_of(
        &self,
        calendar: &Calendar,
        kind: FactKind,
        period: &str,
        through: i64,
    ) -> Result<Facts, Fault> {
        self.facts_where(
            calendar,
            "record <= ?1 AND kind = ?2 AND period = ?3",
            (through, kind.name(), period),
        )
    }

    fn facts_where(
        &self,
        calendar: &Calendar,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Facts, Fault> {
        let sql = format!(
            "SELECT period, kind, plan_id, subject, name, value FROM fact WHERE {condition} ORDER BY record"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(values)?;
        let mut facts = Facts::new();
        while let Some(row) = rows.next()? {
            let (period, kind): (String, String) = (row.get(0)?, row.get(1)?);
            let kind = named(&FactKind::ALL, FactKind::name, &kind)?;
            let fact = Fact {
                // Earlier versions wrote the first period of the calendar where a fact is about none.
                period: if kind.has_period() { Some(index_of(calendar, &period)?) } else { None },
                kind,
                plan: row.get(2)?,
                subject: row.get(3)?,
                name: row.get(4)?,
            };
            match row.get::<_, Option<String>>(5)? {
                Some(value) => facts.insert(fact, value),
                None => facts.remove(&fact),
            };
        }
        Ok(facts)
    }

    /// One text of the ledger, such as an explanation.
    pub fn text(&self, sql: &str, values: impl rusqlite::Params) -> Result<Option<String>, Fault> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(values)?;
        Ok(match rows.next()? {
            Some(row) => row.get(0)?,
            None => None,
        })
    }

    /// The payments of a posting: payee_id, period, currency, amount, held.
    pub fn payments(&self, record: i64) -> Result<Table, Fault> {
        let sql = "SELECT payment.payee_id, period, payment.currency, amount, coalesce(change, 0) AS held
            FROM payment JOIN posting USING (record) LEFT JOIN balance ON balance.record = payment.record
            AND balance.payee_id = payment.payee_id AND balance.currency = payment.currency AND account = 'held'
            WHERE payment.record = ?1 ORDER BY payment.payee_id, payment.currency";
        self.table(sql, [record], &["amount", "held"])
    }

    /// The corrections and adjustments of a posting, or all of its lines: period, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause.
    pub fn corrections(&self, record: i64, all: bool) -> Result<Table, Fault> {
        let sql =
            "SELECT period, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause
            FROM line JOIN posting USING (record) WHERE record = ?1 AND (?2 OR cause IS NOT NULL OR kind = 'adjustment') ORDER BY number";
        self.table(sql, rusqlite::params![record, all], &["earned", "payable"])
    }

    /// The balances of a posting: period, payee_id, currency, account, opening, change, closing.
    pub fn balances(&self, record: i64) -> Result<Table, Fault> {
        let sql = "SELECT period, payee_id, currency, account, opening, change, opening + change AS closing
            FROM balance JOIN posting USING (record) WHERE record = ?1 ORDER BY payee_id, currency, balance.rowid";
        self.table(sql, [record], &["opening", "change", "closing"])
    }

    /// The rows of a query of two texts about a record.
    pub fn pairs(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<(String, String)>, Fault> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The rows of a query as a table. The columns named in `money` are minor units of the column `currency`.
    pub fn table(&self, sql: &str, values: impl rusqlite::Params, money: &[&str]) -> Result<Table, Fault> {
        let (names, cells) = self.cells(sql, values)?;
        let codes = names.iter().position(|name| name == "currency").map(|column| cells[column].clone());
        table_of(&names, &cells, &codes.unwrap_or_default(), money)
    }

    /// Names and cells of the columns of a query.
    fn cells(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<(Vec<String>, Vec<Vec<Value>>), Fault> {
        let mut statement = self.connection.prepare(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut cells: Vec<Vec<Value>> = vec![Vec::new(); names.len()];
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            for (column, cells) in cells.iter_mut().enumerate() {
                cells.push(row.get(column)?);
            }
        }
        Ok((names, cells))
    }
}

/// A table of cells; amounts of several currencies meet at the most decimals.
fn table_of(names: &[String], cells: &[Vec<Value>], codes: &[Value], money: &[&str]) -> Result<Table, Fault> {
    let decimals = codes.iter().map(|value| match value {
        Value::Text(code) => Ok(currency_of(code)?.decimals()),
        _ => Ok(0),
    });
    let decimals: Vec<u32> = decimals.collect::<Result<_, Fault>>()?;
    let most = decimals.iter().copied().max().unwrap_or(2);
    let mut builder = Builder::default();
    for (name, cells) in names.iter().zip(cells) {
        if money.contains(&name.as_str()) {
            let scaled = cells.iter().enumerate().map(|(row, value)| match value {
                Value::Integer(units) => {
                    let own = decimals.get(row).copied().unwrap_or(most);
                    units.checked_mul(10i64.pow(most - own)).map(Some).ok_or_else(|| too_large(*units))
                }
                _ => Ok(None),
            });
            builder = builder.number(name, most, scaled.collect::<Result<Vec<_>, Fault>>()?);
        } else if cells.iter().any(|value| matches!(value, Value::Integer(_))) {
            let numbers = cells.iter().map(|value| match value {
                Value::Integer(number) => Some(*number),
                _ => None,
            });
            builder = builder.number(name, 0, numbers);
        } else {
            let texts = cells.iter().map(|value| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            });
            builder = builder.text(name, texts);
        }
    }
    builder.table().map_err(|error| Fault::new(Code::SPM502, error.to_string(), "please report this"))
}

pub(super) fn who(payee: String, currency: String) -> Result<Who, Fault> {
    Ok(Who { payee: payee.as_str().into(), currency: currency_of(&currency)? })
}

pub(super) fn currency_of(code: &str) -> Result<Currency, Fault> {
    Currency::from_code(code).ok_or_else(|| unknown(code))
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, Fault> {
    all.iter().copied().find(|item| name(*item) == text).ok_or_else(|| unknown(text))
}

/// Amounts of several currencies stand in one column: one with few decimals can leave its range.
fn too_large(units: i64) -> Fault {
    let message = format!("{units} minor units do not fit a column with more decimals");
    Fault::new(Code::SPM402, message, "check the extracts for a misplaced decimal point")
}

fn unknown(text: &str) -> Fault {
    let hint = "it was changed outside of spm: compare it with a backup (docs/ledger.md)";
    Fault::new(Code::SPM701, format!("the ledger says `{text}`, which means nothing"), hint)
}

pub(super) fn index_of(calendar: &Calendar, name: &str) -> Result<usize, Fault> {
    calendar.index_of(name).ok_or_else(|| {
        let message = format!("the ledger has {name}, which is not in the calendar of spm.toml");
        Fault::new(Code::SPM704, message, "posted periods keep their names: restore the calendar")
    })
}
