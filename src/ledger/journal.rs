//! Journal entries of a posted period: accrual, balances, payment, capitalised commission and its amortization (E48).
//!
//! What is earned is debited to expense, or to the asset where it is capitalised; what is paid, held, owed and recovered is
//! the other side. Entries of a posting balance because payments + balances = entitlements.

use std::collections::BTreeMap;

use spm_core::engine::ledger::{Amortization, amortize};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::money::Currency;
use spm_core::ground::period::{Calendar, Date};
use spm_core::plan::ledger::{ACCOUNTS, Capitalise, LedgerSpec};

use super::fault::Fault;
use super::read::{Posted, currency_of, index_of};
use super::store::Store;

/// One entry: minor units, one of debit and credit is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Account.
    pub account: String,
    /// Currency.
    pub currency: Currency,
    /// Debit.
    pub debit: i128,
    /// Credit.
    pub credit: i128,
    /// What it is for.
    pub text: String,
}

/// A line of the ledger, as far as the journal looks at it.
struct Booked {
    posting: usize,
    origin: usize,
    currency: Currency,
    plan: String,
    component: String,
    earned: i128,
}

/// The entries of a posting, by currency.
pub fn journal(
    store: &Store,
    calendar: &Calendar,
    spec: &LedgerSpec,
    postings: &[Posted],
    record: i64,
) -> Result<Vec<Entry>, Fault> {
    let Some(own) = postings.iter().find(|posted| posted.record == record) else { return Ok(vec![]) };
    let mut sums: BTreeMap<(Currency, usize, String), i128> = BTreeMap::new();
    let mut add = |currency: &Currency, account: &str, text: String, debit: i128| {
        let account = ACCOUNTS.iter().position(|(key, _)| *key == account).unwrap_or(0);
        *sums.entry((currency.clone(), account, text)).or_default() += debit;
    };
    let mut assets: BTreeMap<(Currency, usize, usize), Vec<i128>> = BTreeMap::new();
    for line in booked(store, calendar, postings, record)? {
        let rule = spec.capitalise.iter().position(|rule| fits(rule, &line));
        // What is expensed at once never becomes an asset.
        let rule = rule.filter(|rule| {
            let rule = &spec.capitalise[*rule];
            !(rule.expedient && rule.months <= 12)
        });
        if line.posting == own.period {
            let (account, text) = match rule {
                Some(_) => {
                    ("asset", format!("{} earned in {}", line.plan, calendar.periods()[line.origin].name))
                }
                None => ("expense", "earned".to_owned()),
            };
            add(&line.currency, account, text, line.earned);
        }
        if let Some(rule) = rule {
            let months = assets.entry((line.currency.clone(), rule, line.origin)).or_default();
            let month = months_between(start(calendar, line.origin), start(calendar, line.posting));
            if months.len() <= month {
                months.resize(month + 1, 0);
            }
            months[month] += line.earned;
        }
    }
    for ((currency, rule, origin), months) in assets {
        let rule = &spec.capitalise[rule];
        let schedule = amortize(&months, Amortization { months: rule.months, expedient: rule.expedient });
        let from = months_between(start(calendar, origin), start(calendar, own.period));
        let to = months_between(start(calendar, origin), calendar.periods()[own.period].range.to);
        let expensed: i128 = schedule.expensed.iter().take(to).skip(from).sum();
        let text = format!("{} earned in {}", rule.plan, calendar.periods()[origin].name);
        add(&currency, "amortization", text.clone(), expensed);
        add(&currency, "asset", text, -expensed);
    }
    let sql =
        "SELECT currency, account, sum(change) FROM balance WHERE record = ?1 GROUP BY currency, account
        UNION ALL SELECT currency, 'payroll', sum(amount) FROM payment WHERE record = ?1 GROUP BY currency";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([record])?;
    while let Some(row) = rows.next()? {
        let (code, account, change): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let currency = currency_of(&code)?;
        let text = if account == "payroll" { "paid".to_owned() } else { "change of balances".to_owned() };
        add(&currency, &account, text, -i128::from(change));
    }
    let mut totals: BTreeMap<&Currency, i128> = BTreeMap::new();
    sums.iter().for_each(|((currency, _, _), debit)| *totals.entry(currency).or_default() += debit);
    if let Some((currency, rest)) = totals.iter().find(|(_, rest)| **rest != 0) {
        let message = format!("the entries of {} in {currency} are {rest} minor units apart", own.name);
        return Err(Fault::new(Code::SPM502, message, "run spm ledger verify, and report this"));
    }
    let entry = |((currency, account, text), debit): ((Currency, usize, String), i128)| Entry {
        account: spec.accounts[account].clone(),
        currency,
        debit: debit.max(0),
        credit: (-debit).max(0),
        text,
    };
    Ok(sums.into_iter().filter(|(_, debit)| *debit != 0).map(entry).collect())
}

fn fits(rule: &Capitalise, line: &Booked) -> bool {
    rule.plan == line.plan && rule.component.as_ref().is_none_or(|component| *component == line.component)
}

fn start(calendar: &Calendar, period: usize) -> Date {
    calendar.periods()[period].range.from
}

/// Whole calendar months from one day to another.
fn months_between(from: Date, to: Date) -> usize {
    let months = (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month())
        - i64::from(from.month())
        - i64::from(to.day() < from.day());
    usize::try_from(months).unwrap_or(0)
}

/// Every line up to a posting.
fn booked(
    store: &Store,
    calendar: &Calendar,
    postings: &[Posted],
    record: i64,
) -> Result<Vec<Booked>, Fault> {
    let periods: BTreeMap<i64, usize> =
        postings.iter().map(|posted| (posted.record, posted.period)).collect();
    let sql = "SELECT record, origin, currency, plan_id, component, earned FROM line WHERE record <= ?1 ORDER BY record, number";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([record])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, origin, code): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(posting) = periods.get(&number) else { continue };
        let currency = currency_of(&code)?;
        all.push(Booked {
            posting: *posting,
            origin: index_of(calendar, &origin)?,
            currency,
            plan: row.get(3)?,
            component: row.get(4)?,
            earned: i128::from(row.get::<_, i64>(5)?),
        });
    }
    Ok(all)
}
