//! The payroll file of a posted period: who is paid how much, with what payroll wants to know beside it.

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::period::Date;
use spm_core::ground::rational::scaled_text;
use spm_core::ground::source::Place;
use spm_core::plan::ledger::{LedgerSpec, Payroll, is_formula};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::fault::Fault;
use super::read::{Posted, currency_of};
use super::store::Store;

/// A payment above zero.
struct Payment {
    payee: String,
    currency: String,
    decimals: u32,
    amount: i64,
}

/// The payments above zero of a posting, in the columns that the project names, to be paid on a day; and warnings about
/// what nobody knew of a person when it was posted. Each amount has the decimals of its currency.
pub fn payroll(
    store: &Store,
    posted: &Posted,
    spec: &LedgerSpec,
    execution_date: Option<Date>,
) -> Result<(Table, Vec<Diagnostic>), Fault> {
    let sql = "SELECT payee_id, currency, amount FROM payment WHERE record = ?1 AND amount > 0 ORDER BY payee_id, currency";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([posted.record])?;
    let mut payments = Vec::new();
    while let Some(row) = rows.next()? {
        let currency: String = row.get(1)?;
        let decimals = currency_of(&currency)?.decimals();
        payments.push(Payment { payee: row.get(0)?, currency, decimals, amount: row.get(2)? });
    }
    for payment in &payments {
        refuse_formula("identifier", &payment.payee)?;
    }
    let (mut builder, mut warnings) = (Builder::default(), Vec::new());
    let day = execution_date.map(|day| day.to_string());
    for (heading, filled) in &spec.payments {
        let field = match filled {
            Payroll::Field(field) => field.as_str(),
            Payroll::Text(text) => {
                builder = builder.text(heading, payments.iter().map(|_| Some(text)));
                continue;
            }
            Payroll::Person(column) => {
                let mut texts = Vec::new();
                for payment in &payments {
                    texts.push(said(store, posted, &payment.payee, column)?);
                }
                for text in texts.iter().flatten() {
                    refuse_formula(column, text)?;
                }
                warnings.extend(unknown(posted, column, &payments, &texts));
                builder = builder.text(heading, texts);
                continue;
            }
        };
        if field == "amount" {
            builder = amounts(builder, heading, &payments);
            continue;
        }
        let text = |(number, payment): (usize, &Payment)| match field {
            "creditor" => Some(payment.payee.clone()),
            "currency" => Some(payment.currency.clone()),
            "reference" => Some(format!("{}/{}/{}", posted.name, payment.payee, payment.currency)),
            "period" => Some(posted.name.clone()),
            "posted" => Some(posted.recorded_at.clone()),
            "hash" => Some(posted.hash.clone()),
            // At most 35 characters, and never the same twice: as payment systems want it.
            "end_to_end" => Some(format!("SPM-{}-{}", posted.record, number + 1)),
            _ => day.clone(),
        };
        builder = builder.text(heading, payments.iter().enumerate().map(text));
    }
    Ok((builder.table()?, warnings))
}

/// The column of amounts. One column of numbers has one number of decimals: where currencies differ in theirs, they are texts.
fn amounts(builder: Builder, heading: &str, payments: &[Payment]) -> Builder {
    let decimals = payments.first().map_or(2, |payment| payment.decimals);
    if payments.iter().all(|payment| payment.decimals == decimals) {
        return builder.number(heading, decimals, payments.iter().map(|payment| Some(payment.amount)));
    }
    let text = |payment: &Payment| Some(scaled_text(&payment.amount.into(), payment.decimals));
    builder.text(heading, payments.iter().map(text))
}

/// What a column of reps said of a person when a period was posted.
fn said(store: &Store, posted: &Posted, payee: &str, column: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM fact WHERE kind = 'person' AND subject = ?1 AND name = ?2 AND record <= ?3 ORDER BY record DESC LIMIT 1";
    store.text(sql, (payee, column, posted.record))
}

fn unknown(
    posted: &Posted,
    column: &str,
    payments: &[Payment],
    texts: &[Option<String>],
) -> Option<Diagnostic> {
    let unknown = payments.iter().zip(texts).filter(|(_, text)| text.is_none());
    let mut names: Vec<&str> = unknown.map(|(payment, _)| payment.payee.as_str()).collect();
    names.dedup();
    let first = names.first()?;
    let message = format!(
        "reps had no `{column}` of {} paid in {}, such as {first}: the payroll file leaves it empty",
        if names.len() == 1 { "one person".to_owned() } else { format!("{} people", names.len()) },
        posted.name
    );
    let fault = Diagnostic::warning(Code::SPM109, message).at(Place::File(".spm/ledger.db".to_owned()), "");
    Some(fault.hint("what reps says is kept with each posting, of the people who are in a plan: complete reps before the next one"))
}

/// A spreadsheet would run it, whoever opens the file.
fn refuse_formula(what: &str, text: &str) -> Result<(), Fault> {
    if !is_formula(text) {
        return Ok(());
    }
    let message = format!("a spreadsheet would read the {what} `{text}` in the payroll file as a formula");
    Err(Fault::new(Code::SPM601, message, "correct it in the extracts: it is not handed over like this"))
}
