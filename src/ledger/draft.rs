//! Drafts of open periods: what each would book on the books that the one before leaves, settled and checked.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use spm_core::engine::comp::{self, Earnings, Problem};
use spm_core::engine::ledger::{
    Amounts, Around, Books, Change, Fact, FactKind, Facts, Gone, Key, Kind, Receipts, Settlement, Unusual,
    changes, explain, gone, served, settle, unusual, verify,
};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::{Calendar, Date, Group, epoch_day};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::comp::CompPlan;
use spm_frame::credit::Credited;
use spm_frame::events::{cancellations, cancelled, receipts};
use spm_frame::load::Tables;
use spm_frame::quota::quotas;
use spm_frame::table::Table;

use super::as_posted::AsPosted;
use super::entitle::{self, Attributed, Ground, Part, attributed, deal};
use super::read::Posted;
use super::write::PlanText;
use super::{Fault, Store, again, decisions};

/// What an open period would book.
#[derive(Debug)]
pub struct Draft {
    /// Lines, balances and payments.
    pub settlement: Settlement,
    /// Facts that are other ones than those of the posting before.
    pub changes: Vec<Change>,
    /// Warnings: corrections that are too large to be booked without a word.
    pub doubts: Vec<Diagnostic>,
}

/// Whether drafts keep the facts that they rest on, as postings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They do.
    Facts,
    /// Only what is booked is wanted.
    Nothing,
}

/// The ledger on which periods are settled.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The ledger, when there is one.
    pub store: Option<&'a Store>,
    /// The last record that counts.
    pub through: i64,
    /// The posted periods.
    pub postings: Vec<Posted>,
    /// What was known of the extracts by a moment, when that is asked for.
    pub as_of: Option<Moment>,
}

impl<'a> Setting<'a> {
    /// The ledger as it stood at a moment, or as it stands.
    pub fn of(calendar: &Calendar, store: Option<&'a Store>, as_of: Option<Moment>) -> Result<Self, Fault> {
        let (through, postings) = match store {
            None => (i64::MAX, vec![]),
            Some(store) => {
                let through = store.through(as_of)?;
                (through, store.postings(calendar, through)?)
            }
        };
        Ok(Self { store, through, postings, as_of })
    }

    /// The ledger as it stood when a period was posted, and what was known of the extracts by then, where that was asked for.
    pub fn before(store: &'a Store, postings: &[Posted], posted: &Posted) -> Result<Self, Fault> {
        let earlier = postings.iter().filter(|other| other.record < posted.record);
        let as_of = again::cutoff(store, posted.record)?;
        Ok(Self {
            store: Some(store),
            through: store.through(as_of)?.min(posted.record - 1),
            postings: earlier.cloned().collect(),
            as_of,
        })
    }

    /// The periods that have to be calculated for a run over some periods, and those of them that are open.
    #[must_use]
    pub fn ranges(&self, periods: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let (Some(first), Some(last)) = (self.postings.first(), self.postings.last()) else {
            return (periods.clone(), periods.clone());
        };
        let end = periods.end.max(last.period + 1);
        (first.period..end, last.period + 1..end)
    }

    /// The first period that a run over some periods calculates or corrects.
    #[must_use]
    pub fn since(&self, periods: &Range<usize>) -> usize {
        self.ranges(periods).0.start.min(periods.start)
    }

    /// The posted periods of a range as they were posted.
    pub fn as_posted(&self, calendar: &Calendar, periods: &Range<usize>) -> Result<AsPosted, Fault> {
        let Some(store) = self.store else { return Ok(AsPosted::default()) };
        let own = self.postings.iter().filter(|posted| periods.contains(&posted.period));
        AsPosted::of(store, calendar, own)
    }

    /// Whether there is anything to post in a range: periods are posted in order, each once.
    pub fn postable(&self, calendar: &Calendar, periods: &Range<usize>) -> Result<bool, Fault> {
        let names = calendar.periods();
        let refuse = |message: String, hint: &str| Err(Fault::new(Code::SPM704, message, hint));
        let (Some(first), Some(last)) = (self.postings.first(), self.postings.last()) else {
            if let Some(store) = self.store {
                decisions::before_the_ledger(store, calendar, periods.start)?;
            }
            return Ok(true);
        };
        if periods.start > last.period + 1 {
            let (asked, next) = (&names[periods.start].name, &names[last.period + 1].name);
            return refuse(format!("{asked} cannot be posted before {next}"), "periods are posted in order");
        }
        if periods.start < first.period {
            return refuse(
                format!("the ledger starts with {}, which is later", first.name),
                &format!("what was owed before that can be taken in as an adjustment for {}", first.name),
            );
        }
        Ok(periods.end > last.period + 1)
    }
}

/// Goals by holder, name and period.
pub type Quotas = BTreeMap<(PayeeId, String, usize), Rational>;

/// What is known: the tables of the extracts, and the plans.
#[derive(Debug)]
pub struct World<'a> {
    calendar: &'a Calendar,
    tables: &'a Tables,
    /// Identifier and hash of each plan.
    plans: Vec<(String, String)>,
    quotas: Quotas,
    receipts: Receipts,
}

impl<'a> World<'a> {
    /// From loaded tables.
    #[must_use]
    pub fn of(calendar: &'a Calendar, tables: &'a Tables, plans: &[PlanText]) -> Self {
        Self {
            calendar,
            tables,
            plans: plans.iter().map(|plan| (plan.id.clone(), plan.sha256.clone())).collect(),
            quotas: quotas(tables, calendar, &mut Sink::default()),
            receipts: receipts(tables),
        }
    }

    /// Facts of what was posted that no extract and no plan has any more.
    fn gone(&self, posted: &Facts) -> Vec<Gone> {
        if posted.is_empty() {
            return vec![];
        }
        let ids = |table: &str, column: &str| -> BTreeSet<&str> {
            let column = self.tables.get(table).and_then(|table| table.texts(column));
            column.map_or_else(BTreeSet::new, |column| column.iter().flatten().collect())
        };
        let mut missing: BTreeSet<&str> = posted.keys().filter_map(Fact::transaction).collect();
        if let Some(table) = self.tables.get("transactions")
            && let Some(all) = table.texts("transaction_id")
        {
            let lines = table.texts("line_id");
            for (row, id) in all.iter().enumerate() {
                match (id, lines.and_then(|lines| lines.get(row))) {
                    (Some(id), None) => missing.remove(id),
                    (Some(id), line) => missing.remove(deal(id, line).as_str()),
                    (None, _) => false,
                };
            }
        }
        let (people, cancelled) = (ids("reps", "rep_id"), ids("cancellations", "transaction_id"));
        let splits = ids("splits", "transaction_id");
        let exists = |kind: FactKind, fact: &Fact| match kind {
            FactKind::Credit => fact.transaction().is_none_or(|deal| !missing.contains(deal)),
            FactKind::Person => people.contains(fact.subject.as_str()),
            FactKind::Cancellation => cancelled.contains(fact.subject.as_str()),
            FactKind::Plan => self.plans.iter().any(|(id, _)| *id == fact.subject),
            FactKind::Quota => fact.period.is_some_and(|period| {
                self.quotas.contains_key(&(fact.subject.as_str().into(), fact.name.clone(), period))
            }),
            FactKind::Release => self.receipts.0.contains_key(&(fact.name.clone(), fact.subject.clone())),
            FactKind::Split => splits.contains(fact.subject.as_str()),
            // A rate that is missed is a fault of its own.
            FactKind::Rate | FactKind::Early => true,
        };
        gone(posted, &exists)
    }

    /// The transactions of the year that are dated before the first period of the ledger: no period pays them.
    fn early(&self, first: usize) -> BTreeSet<String> {
        let (year, periods) = (self.calendar.group(first, Group::Year).start, self.calendar.periods());
        let days = epoch_day(periods[year].range.from)..epoch_day(periods[first].range.from);
        let Some(table) = self.tables.get("transactions") else { return BTreeSet::new() };
        let (Some(ids), Some(dates)) = (table.texts("transaction_id"), table.days("event_date")) else {
            return BTreeSet::new();
        };
        let lines = table.texts("line_id");
        let rows = ids.iter().zip(dates.iter()).enumerate();
        let early = rows.filter(|(_, (_, day))| day.is_some_and(|day| days.contains(&day)));
        early.filter_map(|(row, (id, _))| Some(deal(id?, lines.and_then(|lines| lines.get(row))))).collect()
    }

    /// The file that a kind of fact comes from.
    fn source_of(&self, kind: FactKind) -> String {
        let table = match kind {
            FactKind::Credit | FactKind::Early => "transactions",
            FactKind::Quota => "quotas",
            FactKind::Person => "reps",
            FactKind::Cancellation => "cancellations",
            FactKind::Plan => return "plans/".to_owned(),
            FactKind::Release => "releases",
            FactKind::Split => "splits",
            FactKind::Rate => "rates",
        };
        let file = self.tables.get(table).and_then(|table| table.files.first());
        file.map_or_else(|| "spm.toml".to_owned(), |file| file.path.clone())
    }
}

/// What a plan comes to, over all periods that have to be calculated.
#[derive(Debug)]
pub struct Calculated<'a> {
    plan: &'a CompPlan,
    credited: &'a Credited,
    earnings: &'a Earnings,
    attributed: Attributed,
}

impl<'a> Calculated<'a> {
    /// With the attribution of its earnings, where the plan has parts that wait for events.
    pub fn of(
        plan: &'a CompPlan,
        credited: &'a Credited,
        earnings: &'a Earnings,
        attribution: Option<&Table>,
    ) -> Result<Self, Fault> {
        let attributed = attribution.map_or_else(|| Ok(Attributed::new()), attributed)?;
        Ok(Self { plan, credited, earnings, attributed })
    }
}

/// The fact that a transaction before the ledger was there when it began.
fn early(transaction: &str) -> Fact {
    let (plan, name) = (String::new(), String::new());
    Fact { period: None, kind: FactKind::Early, plan, subject: transaction.to_owned(), name }
}

/// Open periods, one after the other.
#[derive(Debug)]
pub struct Drafting<'a> {
    setting: &'a Setting<'a>,
    world: &'a World<'a>,
    books: Books,
    /// The facts that went into what was booked.
    known: Facts,
    /// Whether these are the facts of the period before the next one.
    known_is_of_before: bool,
    /// What was cancelled by the end of the period before.
    past: BTreeMap<String, Date>,
}

impl<'a> Drafting<'a> {
    /// Begins on the books as they are.
    pub fn start(setting: &'a Setting<'a>, world: &'a World<'a>) -> Result<Self, Fault> {
        let (books, known) = match setting.store {
            None => (Books::default(), Facts::new()),
            Some(store) => {
                (store.books(world.calendar, setting.through)?, store.facts(world.calendar, setting.through)?)
            }
        };
        Ok(Self { setting, world, books, known, known_is_of_before: true, past: BTreeMap::new() })
    }

    /// Warnings: what posted periods rest on and nothing has any more, so that it would be taken back.
    #[must_use]
    pub fn gone(&self) -> Vec<Diagnostic> {
        let warning = |gone: &Gone| {
            let place = Place::File(self.world.source_of(gone.kind));
            Diagnostic::warning(Code::SPM707, gone.text()).at(place, "").hint(
                "what rests on it is taken back: restore the extract or plan; if it really is gone, post with --allow-gone",
            )
        };
        self.world.gone(&self.known).iter().map(warning).collect()
    }

    /// A warning: transactions that turned up since the ledger began and are dated before its first period.
    pub fn too_early(&self) -> Result<Option<Diagnostic>, Fault> {
        let known = |id: &str| self.known.contains_key(&early(id));
        let (Some(store), Some(first)) = (self.setting.store, self.setting.postings.first()) else {
            return Ok(None);
        };
        // An earlier version did not keep what there was.
        if !known("") {
            return Ok(None);
        }
        let sql = "SELECT reason, '' FROM adjustment WHERE record NOT IN (SELECT adjustment FROM withdrawal)";
        let reasons = store.pairs(sql, [])?;
        let said = |id: &str| {
            let words = |reason: &str| reason.split([' ', ',', ';', ':']).any(|word| word == id);
            reasons.iter().any(|(reason, _)| words(reason))
        };
        let mut names: Vec<String> =
            self.world.early(first.period).into_iter().filter(|id| !known(id) && !said(id)).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let count = names.len();
        if count > 6 {
            names.truncate(6);
            names.push(format!("{} more", count - 6));
        }
        let message = format!(
            "{count} transaction(s) turned up that are dated before {}, with which the ledger starts: {}",
            first.name,
            names.join(", ")
        );
        let place = Place::File(self.world.source_of(FactKind::Early));
        let hint = format!(
            "no period pays them: what is owed is taken in as an adjustment for {} or later, whose reason names the transaction",
            first.name
        );
        Ok(Some(Diagnostic::warning(Code::SPM710, message).at(place, "").hint(hint)))
    }

    /// Settles the next open period. `all` are the periods that were calculated. Facts have to be kept where the next period
    /// rests on another calculation, so that what changed between them can be named.
    pub fn draft(
        &mut self,
        period: usize,
        all: &Range<usize>,
        calculated: &[Calculated<'_>],
        keep: Keep,
    ) -> Result<Draft, Fault> {
        let World { calendar, tables, plans: texts, quotas, receipts } = self.world;
        let name = |period: usize| calendar.periods()[period].name.clone();
        let gone = cancellations(tables, calendar.periods()[period].range.to);
        let mut parts = Vec::new();
        for own in calculated {
            parts.push(self.part(own, all, &gone)?);
        }
        self.keeps_currency(calculated)?;
        let mut entitlements = entitle::entitlements(calendar, period, &parts, receipts)?;
        if let Some(store) = self.setting.store {
            decisions::entitle(store, calendar, self.setting.through, &mut entitlements)?;
        }
        let terms = entitle::terms(calendar, period, &parts)?;
        let ground = Ground { calendar, quotas, cancellations: &gone, plans: texts, receipts, tables };
        // Facts are many: they are gathered when a posting keeps them, or when a correction has to be explained.
        let now: OnceCell<Facts> = OnceCell::new();
        let begins = self.setting.postings.is_empty() && self.books.paid.is_empty() && self.known.is_empty();
        let gather = || {
            now.get_or_init(|| {
                let mut facts = entitle::facts(&ground, &parts, period).unwrap_or_default();
                // What is there when the ledger begins; what turns up later is none of it.
                let kept = self.known.iter().filter(|(fact, _)| fact.kind == FactKind::Early);
                facts.extend(kept.map(|(fact, value)| (fact.clone(), value.clone())));
                if begins {
                    let all = self.world.early(all.start).into_iter().chain([String::new()]);
                    facts.extend(all.map(|id| (early(&id), "there".to_owned())));
                }
                facts
            })
        };
        let old: OnceCell<Vec<Change>> = OnceCell::new();
        let plans: Vec<&CompPlan> = calculated.iter().map(|own| own.plan).collect();
        let credited = |key: &Key, transaction: &str| -> Vec<usize> {
            let own = |fact: &&Fact| {
                fact.kind == FactKind::Credit
                    && fact.plan == key.plan
                    && fact.subject == key.who.payee.as_str()
                    && fact.transaction().is_some_and(|deal| {
                        deal.split('/').next() == Some(transaction) || deal == transaction
                    })
            };
            self.known.keys().chain(gather().keys()).filter(own).filter_map(|fact| fact.period).collect()
        };
        let cause = |key: &Key| {
            let changed = old.get_or_init(|| match self.known_is_of_before {
                true => changes(&self.known, gather(), period),
                // Rests on the same calculation as the period before: what changed between them is what was cancelled.
                false => changes(&entitle::cancellations(&self.past), &entitle::cancellations(&gone), period),
            });
            if key.kind == Kind::Forfeit && !self.books.posted.contains_key(key) {
                return "the grace after leaving ended: what was held then is forfeited".to_owned();
            }
            explain(key, changed, Around { calendar, plans: &plans, credited: &credited })
        };
        let settlement = settle(period, &self.books, &entitlements, &terms, &name, &cause);
        verify::settlement(&self.books, &entitlements, &settlement)?;
        let doubt = |unusual: &Unusual| {
            let message = format!("in {} {}", name(period), unusual.text());
            let place = Place::File(self.world.source_of(FactKind::Credit));
            Diagnostic::warning(Code::SPM709, message).at(place, "").hint(
                "compare the extracts and plans with those of the last posting (spm ledger diff lists the corrections); if they are right, post with --allow-corrections",
            )
        };
        let doubts = unusual(&self.books, &settlement).iter().map(doubt).collect();
        self.books.book(&settlement);
        let mut differences = Vec::new();
        self.known_is_of_before = keep == Keep::Facts;
        if keep == Keep::Facts {
            differences = changes(&self.known, gather(), period);
            self.known = now.into_inner().unwrap_or_default();
        }
        self.past = gone;
        Ok(Draft { settlement, changes: differences, doubts })
    }

    /// Refuses a plan that pays in another currency than was posted for it: what is posted would be taken back in the one
    /// and paid again in the other.
    fn keeps_currency(&self, calculated: &[Calculated<'_>]) -> Result<(), Fault> {
        let plans: BTreeMap<&str, &CompPlan> =
            calculated.iter().map(|own| (own.plan.id.as_str(), own.plan)).collect();
        for (key, amounts) in &self.books.posted {
            let other = plans.get(key.plan.as_str()).filter(|plan| plan.currency != key.who.currency);
            if let Some(plan) = other.filter(|_| *amounts != Amounts::default()) {
                let (name, was) = (&self.world.calendar.periods()[key.origin].name, &key.who.currency);
                return Err(Fault::new(
                    Code::SPM704,
                    format!(
                        "{name} is posted in {was} for the plan {}, which pays in {} now",
                        plan.id, plan.currency
                    ),
                    format!(
                        "posted periods keep their currency: put {was} back in spm.toml or the plan, end the plan with `effective`, and begin one with another id in {}",
                        plan.currency
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A plan with what cancelled transactions leave of it.
    fn part<'p>(
        &self,
        own: &'p Calculated<'p>,
        all: &Range<usize>,
        gone: &BTreeMap<String, Date>,
    ) -> Result<Part<'p>, Fault> {
        let Calculated { plan, credited, earnings, attributed } = own;
        let mut part = Part { plan, credited, earnings, served: None, unserved: BTreeMap::new(), attributed };
        let Some(rule) = plan.clawback.as_ref().filter(|_| !gone.is_empty()) else { return Ok(part) };
        let credits = cancelled(credited, self.world.tables, gone, &self.world.receipts.1)?;
        let of_each = credits.iter().filter(|credit| credit.cancelled.is_some());
        part.unserved = of_each.map(|credit| (credit.transaction.clone(), credit.unserved(rule))).collect();
        let (measurements, deals) = served(&credited.measurements, &credited.deals, &credits, rule);
        let calendar = self.world.calendar;
        let active =
            all.clone().filter(|index| calendar.periods()[*index].range.intersect(&plan.effective).is_some());
        let active: Vec<usize> = active.collect();
        let problem = Problem {
            plan,
            calendar,
            periods: active.first().copied().unwrap_or(all.start)
                ..active.last().map_or(all.start, |last| last + 1),
            payees: &credited.payees,
            measurements: &measurements,
            deals: &deals,
            quotas: &self.world.quotas,
            explain_deals: false,
        };
        let earnings = comp::earn(&problem)?;
        comp::verify::verify(&problem, &earnings)?;
        part.served = Some(earnings);
        Ok(part)
    }
}
