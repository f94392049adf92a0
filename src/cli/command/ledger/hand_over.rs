//! `spm ledger journal`, `export`: what the general ledger and auditors take away.

use std::path::Path;

use serde_json::json;
use spm_frame::write::{Builder, Folder, replaceable};

use super::{begin, existing};
use crate::cli::exit::{self, Failure};
use crate::cli::project::{self, Opened};
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::journal::{self, Asset, Entry};
use crate::ledger::policy::policies;
use crate::ledger::read::Posted;
use crate::ledger::{Store, check_chain, read};
use crate::report::ledger::units;

/// Debits and credits of a posted period.
pub fn entries(
    opened: &Opened,
    period: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let project = &opened.project;
    let (store, posted, postings) = sealed(opened, period, ui)?;
    let entries = journal::journal(&store, &project.calendar, &project.ledger, &postings, posted.record)?;
    let most = entries.iter().map(|entry| entry.currency.decimals()).max().unwrap_or(2);
    let column = |pick: fn(&Entry) -> i128| {
        let amount = |entry: &Entry| match pick(entry) {
            0 => Ok(None),
            amount => units(amount, entry.currency.decimals(), most),
        };
        entries.iter().map(amount).collect::<std::io::Result<Vec<_>>>()
    };
    let table = Builder::default()
        .text("period", entries.iter().map(|_| Some(posted.name.as_str())))
        .text("account", entries.iter().map(|entry| Some(entry.account.as_str())))
        .text("currency", entries.iter().map(|entry| Some(entry.currency.code())))
        .number("debit", most, column(|entry| entry.debit)?)
        .number("credit", most, column(|entry| entry.credit)?)
        .text("text", entries.iter().map(|entry| Some(entry.text.as_str())))
        .table()?;
    command::finish(&table, "spm.journal/1", global, ui)?;
    Ok(exit::DONE)
}

/// The ledger with a posted period and all that are posted; says which policy the period follows if it was sealed without one.
fn sealed(opened: &Opened, period: Option<&str>, ui: &Ui) -> Result<(Store, Posted, Vec<Posted>), Failure> {
    let (store, posted) = begin(opened, period)?;
    let postings = store.postings(&opened.project.calendar, i64::MAX)?;
    let sealed = policies(&store, std::slice::from_ref(&posted), &opened.project.ledger)?;
    if sealed.iter().any(|(sealed, _)| !sealed) {
        let name = &posted.name;
        ui.status(&format!(
            "{name} was posted by an earlier spm, which did not keep the policy: this follows [ledger] of spm.toml, or of the first posting that kept it"
        ));
    }
    Ok((store, posted, postings))
}

/// How the assets of a posted period went from opening to closing.
pub fn assets(
    opened: &Opened,
    period: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let project = &opened.project;
    let (store, posted, postings) = sealed(opened, period, ui)?;
    let assets = journal::assets(&store, &project.calendar, &project.ledger, &postings, &posted)?;
    let most = assets.iter().map(|asset| asset.currency.decimals()).max().unwrap_or(2);
    let column = |pick: fn(&Asset) -> i128| {
        let amount = |asset: &Asset| units(pick(asset), asset.currency.decimals(), most);
        assets.iter().map(amount).collect::<std::io::Result<Vec<_>>>()
    };
    let name = |asset: &Asset| project.calendar.periods()[asset.origin].name.clone();
    let table = Builder::default()
        .text("period", assets.iter().map(|_| Some(posted.name.as_str())))
        .text("plan_id", assets.iter().map(|asset| Some(asset.of.0.as_str())))
        .text("component", assets.iter().map(|asset| asset.of.1.as_deref()))
        .text("origin", assets.iter().map(|asset| Some(name(asset))))
        .text("currency", assets.iter().map(|asset| Some(asset.currency.code())))
        .number("months", 0, assets.iter().map(|asset| Some(i64::from(asset.months))))
        .number("opening", most, column(|asset| asset.opening)?)
        .number("capitalised", most, column(|asset| asset.capitalised)?)
        .number("amortized", most, column(|asset| asset.amortized)?)
        .number("closing", most, column(Asset::closing)?)
        .table()?;
    command::finish(&table, "spm.assets/1", global, ui)?;
    Ok(exit::DONE)
}

/// Every table of the ledger as a file of a folder that appears complete or not at all.
pub fn export(
    opened: &Opened,
    target: &Path,
    csv: bool,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let tables = read::tables();
    let place = std::path::absolute(target)?;
    project::refuse_own(global, &place)?;
    replaceable(&place)?;
    if global.dry_run {
        ui.status(&format!("would write {} tables to {}", tables.len(), target.display()));
        return Ok(exit::DONE);
    }
    let (records, head) = check_chain(&store)?;
    let folder = Folder::create(&place)?;
    for table in &tables {
        let file = format!("{}.{}", table.0, if csv { "csv" } else { "parquet" });
        folder.table(&file, &store.whole(table)?, &vec![])?;
    }
    let run = json!({ "schema": "spm.ledger-export/1", "program": env!("CARGO_PKG_VERSION"), "records": records, "hash": head });
    folder.text("run.json", &format!("{run:#}\n"))?;
    folder.publish()?;
    ui.status(&format!("wrote {} ({} tables)", target.display(), tables.len()));
    Ok(exit::DONE)
}
