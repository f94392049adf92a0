//! Journal entries of a posted period: accrual, balances, payment, capitalised commission and its amortization (E48).
//!
//! What is earned is debited to expense, or to the asset where it is capitalised; what is paid, held, owed and recovered is
//! the other side. Entries of a posting balance because payments + balances = entitlements. What a cap carries is paid only
//! where later periods have room, so it is no expense yet and not in the journal.

use std::collections::BTreeMap;

use spm_core::engine::ledger::{Amortization, amortize};
use spm_core::ground::diagnostic::Code;
use spm_core::ground::money::Currency;
use spm_core::ground::period::{Calendar, Date};
use spm_core::plan::ledger::{ACCOUNTS, Capitalise, LedgerSpec};

use super::fault::Fault;
use super::policy::policies;
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

/// What is left of an asset and how it went on in a posted period, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Currency.
    pub currency: Currency,
    /// The plan, and the component when the policy names one.
    pub of: (String, Option<String>),
    /// Index of the period in which it was earned.
    pub origin: usize,
    /// Months of the benefit period.
    pub months: u32,
    /// Before.
    pub opening: i128,
    /// Added, or taken away by corrections and clawbacks.
    pub capitalised: i128,
    /// Expensed.
    pub amortized: i128,
}

impl Asset {
    /// After.
    #[must_use]
    pub fn closing(&self) -> i128 {
        self.opening + self.capitalised - self.amortized
    }
}

/// A line of the ledger, as far as the journal looks at it.
struct Booked {
    posting: usize,
    origin: usize,
    currency: Currency,
    kind: String,
    plan: String,
    component: String,
    earned: i128,
}

/// Currency, plan and component of the rule, origin.
type Pool = (Currency, (String, Option<String>), usize);

/// What was capitalised for a pool by month from its origin, and the months of its rule from a month on.
#[derive(Default)]
struct Capitalised {
    booked: Vec<i128>,
    /// What of it the last posting booked.
    own: i128,
    rules: BTreeMap<usize, u32>,
}

/// Postings with the policy that each was sealed with.
struct Sealed<'a> {
    calendar: &'a Calendar,
    postings: Vec<(&'a Posted, &'a LedgerSpec)>,
    pools: BTreeMap<Pool, Capitalised>,
}

impl Sealed<'_> {
    /// The pool that a line belongs to under the policy of its posting: the first rule that fits it and does not expense at
    /// once; a line that takes away belongs to the asset that there is, whatever the policy says now.
    fn pool(&self, line: &Booked, spec: &LedgerSpec) -> Option<Pool> {
        let key = |of: (String, Option<String>)| (line.currency.clone(), of, line.origin);
        let rule = spec.capitalise.iter().find(|rule| fits(rule, line));
        let rule = rule.filter(|rule| !(rule.expedient && rule.months <= 12));
        if let Some(rule) = rule {
            return Some(key((rule.plan.clone(), rule.component.clone())));
        }
        let own = [Some(line.component.clone()), None].map(|component| key((line.plan.clone(), component)));
        own.into_iter().find(|pool| line.earned < 0 && self.pools.contains_key(pool))
    }

    /// Books the lines, posting by posting, each under its own policy; returns what of the last one was no asset.
    fn book(&mut self, lines: &[Booked]) -> Vec<usize> {
        let mut rest = Vec::new();
        for (index, (posted, spec)) in self.postings.clone().into_iter().enumerate() {
            let of_posting = lines.iter().enumerate().filter(|(_, line)| line.posting == posted.period);
            for (number, line) in of_posting {
                let Some(pool) = self.pool(line, spec) else {
                    rest.extend((index + 1 == self.postings.len()).then_some(number));
                    continue;
                };
                let month =
                    months_between(start(self.calendar, line.origin), start(self.calendar, line.posting));
                let pool = self.pools.entry(pool).or_default();
                if pool.booked.len() <= month {
                    pool.booked.resize(month + 1, 0);
                }
                pool.booked[month] += line.earned;
                pool.own += if index + 1 == self.postings.len() { line.earned } else { 0 };
            }
            // From this posting on its policy says how long; a rule that is gone leaves the asset as it was.
            for ((_, of, origin), pool) in &mut self.pools {
                let rule =
                    spec.capitalise.iter().find(|rule| (&rule.plan, &rule.component) == (&of.0, &of.1));
                let month =
                    months_between(start(self.calendar, *origin), start(self.calendar, posted.period));
                pool.rules.extend(rule.map(|rule| (month, rule.months)));
            }
        }
        rest
    }
}

/// The assets of a posting, and the indices of its lines that are none.
fn capitalised(
    calendar: &Calendar,
    policies: &[(bool, LedgerSpec)],
    postings: &[Posted],
    own: &Posted,
    lines: &[Booked],
) -> (Vec<Asset>, Vec<usize>) {
    let known = postings.iter().zip(policies).filter(|(posted, _)| posted.record <= own.record);
    let postings = known.map(|(posted, (_, spec))| (posted, spec)).collect();
    let mut sealed = Sealed { calendar, postings, pools: BTreeMap::new() };
    let rest = sealed.book(lines);
    let asset = |((currency, of, origin), pool): (Pool, Capitalised)| {
        let rule = |month: usize| {
            let own = pool.rules.range(..=month).next_back().or_else(|| pool.rules.first_key_value());
            Amortization { months: own.map_or(0, |(_, months)| *months), expedient: false }
        };
        let schedule = amortize(&pool.booked, &rule);
        let from = months_between(start(calendar, origin), start(calendar, own.period));
        let to = months_between(start(calendar, origin), calendar.periods()[own.period].range.to);
        let expensed = |to: usize| schedule.expensed.iter().take(to).sum::<i128>();
        Asset {
            months: rule(from).months,
            opening: pool.booked.iter().sum::<i128>() - pool.own - expensed(from),
            capitalised: pool.own,
            amortized: expensed(to.max(from)) - expensed(from),
            currency,
            of,
            origin,
        }
    };
    (sealed.pools.into_iter().map(asset).collect(), rest)
}
/// The assets of a posted period: how each went from opening to closing.
pub fn assets(
    store: &Store,
    calendar: &Calendar,
    spec: &LedgerSpec,
    postings: &[Posted],
    own: &Posted,
) -> Result<Vec<Asset>, Fault> {
    let lines = booked(store, calendar, postings, own.record)?;
    let policies = policies(store, postings, spec)?;
    let all = capitalised(calendar, &policies, postings, own, &lines).0;
    let moves = |asset: &Asset| (asset.opening, asset.capitalised, asset.amortized) != (0, 0, 0);
    Ok(all.into_iter().filter(moves).collect())
}

/// The entries of a posting, by currency, under the policies that it and those before it were sealed with.
pub fn journal(
    store: &Store,
    calendar: &Calendar,
    spec: &LedgerSpec,
    postings: &[Posted],
    record: i64,
) -> Result<Vec<Entry>, Fault> {
    let Some(index) = postings.iter().position(|posted| posted.record == record) else { return Ok(vec![]) };
    let own = &postings[index];
    let policies = policies(store, postings, spec)?;
    let accounts = &policies[index].1.accounts;
    let mut sums: BTreeMap<(Currency, usize, String), i128> = BTreeMap::new();
    let mut add = |currency: &Currency, account: &str, text: String, debit: i128| {
        let account = ACCOUNTS.iter().position(|(key, _)| *key == account).unwrap_or(0);
        *sums.entry((currency.clone(), account, text)).or_default() += debit;
    };
    let lines = booked(store, calendar, postings, record)?;
    let (assets, rest) = capitalised(calendar, &policies, postings, own, &lines);
    for line in rest.into_iter().map(|number| &lines[number]) {
        let text = if line.kind == "adjustment" { "adjusted by hand" } else { "earned" };
        add(&line.currency, "expense", text.to_owned(), line.earned);
    }
    for asset in assets {
        let text = format!("{} earned in {}", asset.of.0, calendar.periods()[asset.origin].name);
        add(&asset.currency, "amortization", text.clone(), asset.amortized);
        add(&asset.currency, "asset", text, asset.capitalised - asset.amortized);
    }
    let sql =
        "SELECT currency, account, sum(change) FROM balance WHERE record = ?1 AND account <> 'capped' GROUP BY currency, account
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
        account: accounts[account].clone(),
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
    let sql = "SELECT record, origin, currency, plan_id, component, earned, kind FROM line WHERE record <= ?1 AND kind <> 'capped' ORDER BY record, number";
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
            kind: row.get(6)?,
        });
    }
    Ok(all)
}
