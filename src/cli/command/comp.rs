//! `spm comp`: commission, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rayon::prelude::*;
use spm_core::engine::comp::{self, Problem, verify};
use spm_core::engine::ledger::Line;
use spm_core::ground::diagnostic::Sink;
use spm_core::ground::id::PayeeId;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::{DateRange, Group};
use spm_core::ground::rational::Rational;
use spm_core::ground::trace::{Node, Operation};
use spm_core::plan::Plan;
use spm_core::plan::comp::{CompPlan, Window};
use spm_core::plan::project::Project;
use spm_frame::attribute::attribute;
use spm_frame::credit::{self, Credited};
use spm_frame::enrol;
use spm_frame::load::{self, Need, Tables};
use spm_frame::quota::quotas;
use spm_frame::refunds;
use spm_frame::table::{Rows, Table};
use spm_frame::unresolved;
use spm_frame::write::{Folder, Provenance};

use super::reuse::{self, Decimals, Earlier, Place as RunPlace};
use super::settle::{Setting, drafts, load_for, settled};
use super::then::Then;
use super::{explain, payout};
use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::entitle::{has_balances, waits};
use crate::report::commission::{Paid, Results};

/// A result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Printed {
    /// What is paid to whom
    Payments,
    /// What each component earned
    Earnings,
    /// Corrections of posted periods, each with its cause
    Deltas,
    /// Balances: held, carried, draws, clawbacks
    Balances,
    /// Parts of earnings by the event that makes them payable
    Releases,
    /// What was measured
    Measurements,
    /// Who is credited with which transaction
    Credits,
    /// What each credit earned
    Attribution,
    /// Credits without a payee
    Unresolved,
}

/// Commission commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Calculate commission for one or more periods
    #[command(
        after_help = "Examples:\n  spm comp run --period P1\n  spm comp run --period 2027-Q1 --format csv > payments.csv\n  spm comp run --period P1..P3 --output payments.xlsx"
    )]
    Run {
        /// A period, a quarter or year (2027-Q1), or a range (P1..P3)
        #[arg(long)]
        period: String,
        /// Which result is printed (all of them are written to out/comp)
        #[arg(long, value_enum, default_value = "payments")]
        table: Printed,
        /// Also calculate and write what each credit earned (attribution)
        #[arg(long)]
        detail: bool,
        #[command(flatten)]
        then: Then,
        /// Calculate every plan, also where an earlier run of the same inputs has its results
        #[arg(long)]
        fresh: bool,
    },
    /// Explain what one person is paid, down to the rows of the extract
    #[command(after_help = "Example:\n  spm comp explain --rep 275 --period P5 --component commission")]
    Explain {
        /// The person
        #[arg(long)]
        rep: String,
        /// A period, or a range
        #[arg(long)]
        period: String,
        /// Only this component
        #[arg(long)]
        component: Option<String>,
        /// Only this transaction: what each component earned with it, and the rows it came from
        #[arg(long)]
        transaction: Option<String>,
        /// List at most this many credits of each component
        #[arg(long, default_value_t = 20)]
        rows: usize,
        #[command(flatten)]
        then: Then,
    },
    /// Compare with another project: other plans, or other data
    #[command(
        after_help = "Example:\n  spm comp diff ../acme-next-year --period 2027-Q1\n\nExit code 1 when something differs."
    )]
    Diff {
        /// Folder of the other project
        other: std::path::PathBuf,
        /// A period, or a range
        #[arg(long)]
        period: String,
    },
    /// Write a statement for each person: a page and a workbook that they understand without help
    #[command(
        after_help = "Example:\n  spm comp statement --period P5 --rep 275\n\nWrites out/statements/PERIOD/PERSON.html and .xlsx."
    )]
    Statement {
        /// A period, or a range
        #[arg(long)]
        period: String,
        /// Only this person
        #[arg(long)]
        rep: Option<String>,
        #[command(flatten)]
        then: Then,
    },
}

const TABLES: [&str; 13] = [
    "accounts",
    "assignments",
    "cancellations",
    "hierarchy",
    "leaves",
    "plan_assignments",
    "quotas",
    "rates",
    "releases",
    "rep_history",
    "reps",
    "splits",
    "transactions",
];

/// Loads what a calculation of these periods needs: of the transactions, the days that a plan looks back to.
pub fn load(
    opened: &Opened,
    periods: &Range<usize>,
    as_of: Option<Moment>,
    global: &Global,
    ui: &Ui,
) -> Result<Tables, Failure> {
    let all = opened.project.calendar.periods();
    let first = plans(opened).into_iter().map(|plan| looks_back_to(plan, &opened.project, periods)).min();
    let days =
        first.map(|first| DateRange { from: all[first].range.from, to: all[periods.end - 1].range.to });
    let need = Need { tables: &TABLES, own: None, days, as_of };
    let mut tables = opened.load(&need, global, ui)?;
    load::find_sold_before(&mut tables, opened.folders(), &opened.project, &need);
    Ok(tables)
}

pub(super) fn plans(opened: &Opened) -> Vec<&CompPlan> {
    opened.plans_of(|plan| if let Plan::Comp(plan) = plan { Some(plan.as_ref()) } else { None })
}

/// The first leaf period whose transactions a plan needs: a year-to-date measure looks back to the start of its year, a
/// rolling one over its periods before that.
fn looks_back_to(plan: &CompPlan, project: &Project, periods: &Range<usize>) -> usize {
    let year = project.calendar.group(periods.start, Group::Year).start;
    let rolling = plan.measures.iter().map(|measure| match measure.window {
        Window::Rolling(count) => count - 1,
        _ => 0,
    });
    year.saturating_sub(rolling.max().unwrap_or(0))
}

/// Runs one of the commands.
pub fn run(command: &Command, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    match command {
        Command::Diff { other, period } => command::diff::run(&opened, other, period, global, ui),
        Command::Run { period, table, detail, then, fresh } => {
            let (opened, as_of) = (opened.then(then, ui)?, then.as_of);
            let detail = *detail || *table == Printed::Attribution;
            let results = pay(&opened, period, Asked { detail, as_of, fresh: *fresh }, global, ui)?;
            let (table, schema) = match table {
                Printed::Payments => (&results.payments, "spm.payments/1"),
                Printed::Earnings => (&results.earnings, "spm.earnings/1"),
                Printed::Deltas => (&results.deltas, "spm.ledger-lines/1"),
                Printed::Balances => (&results.balances, "spm.balances/1"),
                Printed::Releases => (&results.releases, "spm.releases/1"),
                Printed::Measurements => (&results.measurements, "spm.measurements/1"),
                Printed::Credits => (&results.credits, "spm.credits/1"),
                Printed::Attribution => (&results.attribution, "spm.attribution/1"),
                Printed::Unresolved => (&results.unresolved, "spm.unresolved/1"),
            };
            command::finish(table, schema, global, ui)?;
            // The program ends here: to give the memory of millions of rows back piece by piece takes as long as writing.
            std::mem::forget(results);
            Ok(exit::DONE)
        }
        Command::Statement { period, rep, then } => {
            let opened = opened.then(then, ui)?;
            let periods = opened.periods(period)?;
            let store = opened.ledger()?;
            let setting = Setting::of(&opened.project.calendar, store.as_ref(), then.as_of)?;
            let tables = load_for(&opened, &setting, &periods, global, ui)?;
            let settled = if settles(&opened, &setting, &tables, &periods) {
                let drafts = drafts(&opened, &tables, &setting, &periods, None, ui)?;
                Some(settled(&opened, &setting, &periods, &drafts)?)
            } else {
                None
            };
            let posted = setting.as_posted(&opened.project.calendar, &periods)?;
            let wanted = command::statement::Wanted { period, rep: rep.as_deref() };
            command::statement::run(&opened, &tables, wanted, (settled.as_ref(), &posted), global, ui)
        }
        Command::Explain { rep, period, component, transaction, rows, then } => {
            let opened = opened.then(then, ui)?;
            let periods = opened.periods(period)?;
            let store = opened.ledger()?;
            let setting = Setting::of(&opened.project.calendar, store.as_ref(), then.as_of)?;
            let tables = load_for(&opened, &setting, &periods, global, ui)?;
            let whole =
                component.is_none() && transaction.is_none() && settles(&opened, &setting, &tables, &periods);
            let payments =
                if whole { payments_to(rep, &opened, &setting, &tables, &periods, ui)? } else { vec![] };
            explain::run(
                &opened,
                &tables,
                &periods,
                &explain::Question {
                    rep,
                    component: component.as_deref(),
                    transaction: transaction.as_deref(),
                    rows: *rows,
                    payments,
                    posted: setting.postings.iter().any(|posted| periods.contains(&posted.period)),
                    since: setting.since(&periods),
                },
                global,
                ui,
            )
        }
    }
}

/// Quotas by holder, name and leaf period.
pub(super) type Quotas = BTreeMap<(PayeeId, String, usize), Rational>;

/// How far down and back results go.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    /// Each transaction of windows of single transactions is explained, not only valued.
    pub(super) deals: bool,
    /// Earnings are attributed to credits.
    pub(super) detail: bool,
    /// The first period that is calculated or corrected: no refund counts in an earlier one.
    pub(super) since: usize,
}

/// What is asked of a run besides its periods.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Earnings are attributed to credits.
    pub detail: bool,
    /// What was known by this moment.
    pub as_of: Option<Moment>,
    /// Nothing is taken over from an earlier run.
    pub fresh: bool,
}

/// Calculates and writes the results of a period. What an earlier run has, and what nothing has changed for, is taken over.
pub fn pay(
    opened: &Opened,
    period: &str,
    asked: Asked,
    global: &Global,
    ui: &Ui,
) -> Result<Results, Failure> {
    let periods = opened.periods(period)?;
    let store = opened.ledger()?;
    let setting = Setting::of(&opened.project.calendar, store.as_ref(), asked.as_of)?;
    let tables = load_for(opened, &setting, &periods, global, ui)?;
    // Without a ledger, and without a plan that says something about balances, what is payable is paid.
    let settles = settles(opened, &setting, &tables, &periods);
    let detail = asked.detail || (settles && plans(opened).into_iter().any(waits));
    let since = setting.since(&periods);
    let place = RunPlace::of(&opened.results, period);
    let earlier = if settles || asked.fresh { None } else { Earlier::read(&place, opened, asked) };
    // The fingerprints of the inputs are needed by what is written or taken over only.
    let mut provenance = earlier.as_ref().map(|_| opened.provenance(&tables, 0));
    let kept = match (&earlier, &provenance) {
        (Some(earlier), Some(provenance)) => kept(opened, earlier, provenance),
        _ => BTreeMap::new(),
    };
    let fresh = |plan: &CompPlan| !kept.contains_key(plan.id.as_str());
    let depth = Depth { deals: false, detail, since };
    let paid = calculate_some(opened, &tables, &periods, depth, &fresh, ui)?;
    let (parts, known) = rayon::join(
        || {
            paid.par_iter()
                .map(|part| Results::of(&opened.project, part))
                .collect::<std::io::Result<Vec<_>>>()
        },
        || provenance.take().or_else(|| (!global.dry_run).then(|| opened.provenance(&tables, 0))),
    );
    let mut parts: BTreeMap<&str, Results> =
        paid.iter().map(|part| part.plan.id.as_str()).zip(parts?).collect();
    let quiet = paid.iter().filter(|part| part.is_quiet && part.payouts.is_none());
    let mut reusable: Decimals =
        quiet.map(|part| (part.plan.id.clone(), reuse::decimals(&parts[part.plan.id.as_str()]))).collect();
    for (id, results) in kept {
        ui.status(&format!(
            "{id}: nothing it rests on has changed, so the results of the last run are taken over"
        ));
        reusable.insert(id.to_owned(), reuse::decimals(&results));
        parts.insert(id, results);
    }
    let ordered: Vec<Results> =
        plans(opened).into_iter().filter_map(|plan| parts.remove(plan.id.as_str())).collect();
    let mut results = Results::together(&opened.project, &ordered)?;
    if !asked.detail {
        results.attribution = Table::default();
    }
    if settles {
        let all = setting.ranges(&periods).0 == periods;
        let drafts = drafts(opened, &tables, &setting, &periods, all.then_some(&paid[..]), ui)?;
        let settled = settled(opened, &setting, &periods, &drafts)?;
        for posted in setting.postings.iter().filter(|posted| periods.contains(&posted.period)) {
            ui.status(&format!("{} is posted: its payments are those of the ledger", posted.name));
        }
        let corrections = settled.deltas.frame.height();
        if corrections > 0 {
            ui.status(&format!("{corrections} correction(s) of posted periods are in it: --table deltas"));
        }
        (results.payments, results.deltas, results.balances) =
            (settled.payments, settled.deltas, settled.balances);
    }
    if let Some(provenance) = known.filter(|_| !global.dry_run) {
        let same = earlier.is_some_and(|earlier| earlier.is_of(&provenance) && earlier.is_intact());
        if same && paid.is_empty() {
            ui.status(&format!("{} is up to date", place.folder.display()));
        } else {
            ui.step("writing results");
            reuse::forget(&place)?;
            let mut written = provenance.clone();
            written.extend(asked.as_of.map(|moment| ("spm.as-of".to_owned(), moment.to_string())));
            write_run(&tables, &results, &written, &place.folder)?;
            if !settles {
                reuse::note(&place, opened, asked, &provenance, &results, &reusable)?;
            }
            let payments = results.payments.frame.height();
            ui.status(&format!("wrote {} ({payments} payments)", place.folder.display()));
        }
    }
    std::mem::forget((paid, tables));
    Ok(results)
}

/// The results of plans that need not be calculated again.
fn kept<'p>(opened: &'p Opened, earlier: &Earlier, provenance: &Provenance) -> BTreeMap<&'p str, Results> {
    let holding = earlier.holding(provenance);
    if holding.is_empty() {
        return BTreeMap::new();
    }
    let mut results = earlier.results(&opened.project, &holding).unwrap_or_default();
    let plans = plans(opened).into_iter();
    plans.filter_map(|plan| Some((plan.id.as_str(), results.remove(plan.id.as_str())?))).collect()
}

/// Whether balances are settled. Without a ledger, and without anything that says something about balances, what is
/// payable is paid; so it is for periods before the ledger starts.
fn settles(opened: &Opened, setting: &Setting<'_>, tables: &Tables, periods: &Range<usize>) -> bool {
    let says = || tables.get("releases").is_some() || plans(opened).into_iter().any(has_balances);
    match setting.postings.first() {
        Some(first) => periods.start >= first.period,
        None => setting.store.is_some() || says(),
    }
}

/// The payments of open periods to one person, explained down to the lines that are booked for them.
fn payments_to(
    rep: &str,
    opened: &Opened,
    setting: &Setting<'_>,
    tables: &Tables,
    periods: &Range<usize>,
    ui: &Ui,
) -> Result<Vec<Node>, Failure> {
    for posted in setting.postings.iter().filter(|posted| periods.contains(&posted.period)) {
        let name = &posted.name;
        ui.status(&format!(
            "{name} is posted: spm ledger show --period {name} --rep {rep} --payment explains what was paid; this is what is calculated now"
        ));
    }
    let drafts = drafts(opened, tables, setting, periods, None, ui)?;
    let wanted = drafts.iter().filter(|draft| periods.contains(&draft.settlement.period));
    let payments = wanted.flat_map(|draft| {
        let all = &draft.settlement;
        let own = all.payments.iter().filter(|payment| payment.who.payee.as_str() == rep);
        own.map(|payment| {
            let lines = all.lines.iter().filter(|line| line.key.who == payment.who);
            unfolded(&payment.trace, &lines.collect::<Vec<_>>())
        })
    });
    Ok(payments.collect())
}

/// A payment's explanation with the explanation of each line in its place.
fn unfolded(node: &Node, lines: &[&Line]) -> Node {
    let line = lines.iter().find(|line| {
        let label = line.released.as_ref().map_or(&line.trace.label, |released| &released.label);
        node.operation == Operation::Input && *label == node.label
    });
    if let Some(line) = line {
        let own = line.released.as_ref().unwrap_or(&line.trace);
        let label = match &line.cause {
            Some(cause) => format!("{} ({cause})", own.label),
            None => own.label.clone(),
        };
        return Node { label, ..own.clone() };
    }
    Node { children: node.children.iter().map(|child| unfolded(child, lines)).collect(), ..node.clone() }
}

/// What every plan pays.
pub(super) fn calculate<'a>(
    opened: &'a Opened,
    tables: &Tables,
    periods: &Range<usize>,
    depth: Depth,
    ui: &Ui,
) -> Result<Vec<Paid<'a>>, Failure> {
    calculate_some(opened, tables, periods, depth, &|_| true, ui)
}

/// What some plans pay.
fn calculate_some<'a>(
    opened: &'a Opened,
    tables: &Tables,
    periods: &Range<usize>,
    depth: Depth,
    wanted: &dyn Fn(&CompPlan) -> bool,
    ui: &Ui,
) -> Result<Vec<Paid<'a>>, Failure> {
    let project = &opened.project;
    let plans = plans(opened);
    if plans.is_empty() {
        return Err(Failure::input("the project has no plan with kind = \"comp\"; add one under plans/"));
    }
    let mut sink = Sink::default();
    let quotas = quotas(tables, &project.calendar, &mut sink);
    let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
    enrol::check(tables, &ids, &mut sink);
    let mut paid = Vec::new();
    for plan in plans.into_iter().filter(|plan| wanted(plan)) {
        ui.step(&format!("calculating {}", plan.title));
        if let Some(part) = calculate_plan(plan, project, tables, periods, &quotas, depth, &mut sink)? {
            paid.push(part);
        }
    }
    if sink.has_errors() {
        return Err(Failure::Faults(sink, exit::INPUT));
    }
    ui.notices(&sink);
    Ok(paid)
}

/// The calculation of a plan, from what its credits come to.
pub(super) fn problem<'a>(
    plan: &'a CompPlan,
    project: &'a Project,
    periods: Range<usize>,
    credited: &'a Credited,
    quotas: &'a Quotas,
    depth: Depth,
) -> Problem<'a> {
    Problem {
        plan,
        calendar: &project.calendar,
        periods,
        payees: &credited.payees,
        measurements: &credited.measurements,
        deals: &credited.deals,
        quotas,
        explain_deals: depth.deals,
    }
}

fn calculate_plan<'a>(
    plan: &'a CompPlan,
    project: &Project,
    tables: &Tables,
    periods: &Range<usize>,
    quotas: &Quotas,
    depth: Depth,
    sink: &mut Sink,
) -> Result<Option<Paid<'a>>, Failure> {
    let told = sink.faults().len();
    let all = project.calendar.periods();
    let first = looks_back_to(plan, project, periods);
    let days = DateRange { from: all[depth.since].range.from, to: all[periods.end - 1].range.to };
    let tables = &*refunds::dated(plan, tables, &project.calendar, days)
        .map_err(|fault| Failure::fault(fault, exit::BUG))?;
    let Some(credited) = credit::credit(plan, tables, &project.calendar, first..periods.end, sink) else {
        return Ok(None);
    };
    if let Some(fault) = unresolved::told(plan, &credited, tables) {
        sink.push(fault);
    }
    // A refund of what the plan paid may come after its last day.
    let credited_in: BTreeSet<usize> = credited.measurements.keys().map(|cell| cell.period).collect();
    let counts = |period: &usize| {
        all[*period].range.intersect(&plan.effective).is_some() || credited_in.contains(period)
    };
    let active: Vec<usize> = periods.clone().filter(counts).collect();
    let range = active.first().copied().unwrap_or(periods.start)
        ..active.last().map_or(periods.start, |last| last + 1);
    let problem = problem(plan, project, range, &credited, quotas, depth);
    let earnings = match comp::earn(&problem) {
        Ok(earnings) => earnings,
        Err(faults) => {
            faults.into_iter().for_each(|fault| sink.push(fault));
            return Ok(None);
        }
    };
    if let Err(faults) = verify::verify(&problem, &earnings) {
        let mut sink = Sink::default();
        faults.into_iter().for_each(|fault| sink.push(fault));
        return Err(Failure::Faults(sink, exit::BUG));
    }
    earnings.notices.iter().for_each(|notice| sink.push(notice.clone()));
    let payouts = payout::payouts(&problem, tables, &earnings, sink)?;
    let attribution = if depth.detail { Some(attribute(&problem, &credited, &earnings)?) } else { None };
    let is_quiet = sink.faults().len() == told;
    Ok(Some(Paid { plan, credited, earnings, payouts, attribution, is_quiet }))
}

fn write_run(
    tables: &Tables,
    results: &Results,
    provenance: &Provenance,
    target: &std::path::Path,
) -> Result<(), Failure> {
    let folder = Folder::create(target)?;
    let files =
        results.files().into_iter().map(|(name, table)| (format!("{name}.parquet"), table as &dyn Rows));
    folder.tables(&files.collect::<Vec<_>>(), provenance)?;
    folder.text("run.json", &command::run_json(tables, provenance))?;
    folder.publish()?;
    Ok(())
}
