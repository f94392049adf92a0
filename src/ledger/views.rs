//! The tables that commands print: what is posted, decided, owed and paid.

use serde_json::Value;
use spm_core::ground::diagnostic::Code;
use spm_frame::table::Table;

use super::{Fault, Store};

/// Why a line was booked.
#[derive(Debug)]
pub struct Explained {
    /// What changed after its period was posted.
    pub cause: Option<String>,
    /// Why it is earned.
    pub now: Value,
    /// Why that much is payable.
    pub released: Option<Value>,
    /// What was booked for the same before.
    pub before: Option<Value>,
}

/// An explanation as the ledger keeps it.
fn parsed(text: Option<String>) -> Option<Value> {
    serde_json::from_str(&text?).ok()
}

impl Store {
    /// Every record of the chain, with what it holds.
    pub fn records(&self) -> Result<Table, Fault> {
        let sql = "SELECT record.number AS record, record.kind, period, recorded_at, program,
            (SELECT count(*) FROM line WHERE line.record = record.number) AS lines,
            (SELECT count(*) FROM line WHERE line.record = record.number AND cause IS NOT NULL AND line.kind <> 'adjustment') AS corrections,
            (SELECT count(*) FROM payment WHERE payment.record = record.number AND amount > 0) AS payments,
            hash FROM record LEFT JOIN posting ON posting.record = record.number ORDER BY record.number";
        self.table(sql, [], &[])
    }

    /// The lines of a posting, of one payee or of all.
    pub fn lines(&self, record: i64, payee: Option<&str>) -> Result<Table, Fault> {
        let sql = "SELECT record AS posting, number AS line, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause
            FROM line WHERE record = ?1 AND (?2 IS NULL OR payee_id = ?2) ORDER BY number";
        self.table(sql, rusqlite::params![record, payee], &["earned", "payable"])
    }

    /// Why a line was booked, and the explanation that was booked for it before; `None` when there is no such line.
    pub fn explained(&self, record: i64, line: i64) -> Result<Option<Explained>, Fault> {
        let read = |column: &str| {
            self.text(&format!("SELECT {column} FROM line WHERE record = ?1 AND number = ?2"), [record, line])
        };
        let Some(now) = parsed(read("trace")?) else { return Ok(None) };
        let before = "SELECT before.trace FROM line AS before JOIN line AS now USING (payee_id, currency, origin, kind, plan_id, component)
            WHERE now.record = ?1 AND now.number = ?2 AND before.record < ?1 ORDER BY before.record DESC LIMIT 1";
        Ok(Some(Explained {
            cause: read("cause")?,
            now,
            released: parsed(read("released")?),
            before: parsed(self.text(before, [record, line])?),
        }))
    }

    /// Why a payee was paid that much, in each currency.
    pub fn payments_explained(&self, record: i64, payee: &str) -> Result<Vec<Value>, Fault> {
        let sql = "SELECT currency, trace FROM payment WHERE record = ?1 AND payee_id = ?2 ORDER BY currency";
        let all = self.pairs(sql, rusqlite::params![record, payee])?;
        Ok(all.into_iter().filter_map(|(_, tree)| parsed(Some(tree))).collect())
    }

    /// Balances as a posting left them.
    pub fn closings(&self, record: i64) -> Result<Table, Fault> {
        let sql = "SELECT payee_id, currency, account, opening, change, opening + change AS closing FROM balance WHERE record = ?1 ORDER BY payee_id, currency, account";
        self.table(sql, [record], &["opening", "change", "closing"])
    }

    /// From opening to closing, for each payee and currency: what was earned by kind, less what was paid.
    pub fn reconciliation(&self, record: i64) -> Result<Table, Fault> {
        let earned = |name: &str, condition: &str| {
            format!(
                "coalesce((SELECT sum(earned) FROM line AS l WHERE l.record = ?1 AND l.payee_id = p.payee_id AND l.currency = p.currency AND {condition}), 0) AS {name}"
            )
        };
        let balance = |name: &str, what: &str| {
            format!(
                "coalesce((SELECT sum({what}) FROM balance AS b WHERE b.record = ?1 AND b.payee_id = p.payee_id AND b.currency = p.currency), 0) AS {name}"
            )
        };
        let columns = [
            balance("opening", "opening"),
            earned("earned", "kind = 'earning' AND cause IS NULL"),
            earned("corrections", "kind = 'earning' AND cause IS NOT NULL"),
            earned("clawbacks", "kind = 'clawback'"),
            earned("forfeited", "kind = 'forfeit'"),
            earned("capped", "kind = 'capped'"),
            earned("adjustments", "kind = 'adjustment'"),
            "-amount AS paid".to_owned(),
            balance("closing", "opening + change"),
        ];
        let sql = format!(
            "SELECT payee_id, currency, {} FROM payment AS p WHERE record = ?1 ORDER BY payee_id, currency",
            columns.join(", ")
        );
        let money = [
            "opening",
            "earned",
            "corrections",
            "clawbacks",
            "forfeited",
            "capped",
            "adjustments",
            "paid",
            "closing",
        ];
        self.table(&sql, [record], &money)
    }

    /// Adjustments: who wanted, approved and withdrew them, and where they were booked.
    pub fn adjustments(&self) -> Result<Table, Fault> {
        let sql = "SELECT adjustment.record AS adjustment, payee_id, adjustment.period, currency, amount, adjustment.reason, adjustment.author, approver,
            (SELECT CASE two_person WHEN 1 THEN 'in force' ELSE 'off' END FROM rule WHERE rule.record = approval.record) AS two_person_rule, evidence, evidence_sha256,
            (SELECT posting.period FROM line JOIN posting ON posting.record = line.record WHERE kind = 'adjustment' AND component = CAST(adjustment.record AS TEXT)) AS booked_in,
            withdrawal.author AS withdrawn_by, withdrawal.reason AS withdrawn_because, reversal.adjustment AS reverses
            FROM adjustment LEFT JOIN approval ON approval.adjustment = adjustment.record
            LEFT JOIN withdrawal ON withdrawal.adjustment = adjustment.record
            LEFT JOIN reversal ON reversal.record = adjustment.record ORDER BY adjustment.record";
        self.table(sql, [], &["amount"])
    }

    /// Disputes with their lines, answers and adjustments.
    pub fn disputes(&self) -> Result<Table, Fault> {
        let sql = "SELECT dispute.record AS dispute, period, dispute.line, payee_id, origin, component, currency, earned, dispute.reason, dispute.author,
            resolution.answer, resolution.adjustment, approval.approver, resolution.author AS answered_by
            FROM dispute JOIN posting ON posting.record = dispute.posting JOIN line ON line.record = dispute.posting AND line.number = dispute.line
            LEFT JOIN resolution ON resolution.dispute = dispute.record LEFT JOIN approval ON approval.adjustment = resolution.adjustment ORDER BY dispute.record";
        self.table(sql, [], &["earned"])
    }

    /// Whether a payee has a line.
    pub fn knows(&self, payee: &str) -> Result<bool, Fault> {
        Ok(self.text("SELECT payee_id FROM line WHERE payee_id = ?1 LIMIT 1", [payee])?.is_some())
    }

    /// A table of the ledger as it is kept, amounts in units of their currency, for export.
    pub fn whole(&self, (table, order, money): &(&str, String, &[&str])) -> Result<Table, Fault> {
        self.table(&format!("SELECT * FROM {table} ORDER BY {order}"), [], money)
    }

    /// A posted period by name; the last one without. What is wrong when there is none.
    pub fn posted(
        &self,
        calendar: &spm_core::ground::period::Calendar,
        period: Option<&str>,
    ) -> Result<super::read::Posted, Fault> {
        let postings = self.postings(calendar, i64::MAX)?;
        let found = match period {
            None => postings.last(),
            Some(name) => postings.iter().find(|posted| posted.name == name),
        };
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = postings.iter().map(|posted| posted.name.as_str()).collect();
            let message = match period {
                Some(period) => format!("{period} is not posted"),
                None => "no period is posted yet".to_owned(),
            };
            let hint = match names.is_empty() {
                true => "spm ledger post --period PERIOD posts the first period".to_owned(),
                false => format!("posted are: {}", names.join(", ")),
            };
            Fault::new(Code::SPM602, message, hint)
        })
    }
}
