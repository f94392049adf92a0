//! `spm quotas allocate`.

use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_frame::load::Tables;
use spm_frame::table::Table;
use spm_frame::write::Folder;

use super::{OWN, Printed, planned};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::quotas;

/// Allocates, writes, prints.
pub(super) fn run(
    opened: &Opened,
    tables: &Tables,
    printed: Printed,
    restart: bool,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let adjusted = opened.root.join(OWN).join("versions");
    if adjusted.exists() && !restart && !global.dry_run {
        let message = "the quotas have been adjusted during the year; a new allocation would throw that away";
        let fault = Diagnostic::error(Code::SPM304, message).at(Place::File(format!("{OWN}/versions")), "");
        let hint = "go on with `spm quotas adjust`, look with --dry-run, or begin again with --restart";
        return Err(Failure::fault(fault.hint(hint), exit::INPUT));
    }
    let results = write(opened, tables, global, ui)?;
    let (table, schema) = match printed {
        Printed::Quotas => (&results.quotas, "spm.quotas/1"),
        Printed::Parts => (&results.parts, "spm.quota-parts/1"),
        Printed::Reconciliation => match &results.reconciliation {
            Some(table) => (table, "spm.quota-reconciliation/1"),
            None => return Err(Failure::input("no quota plan has a table [bottom_up] to reconcile with")),
        },
    };
    command::finish(table, schema, global, ui)?;
    Ok(exit::DONE)
}

/// Allocates and writes, as a step of the chain. Quotas that were adjusted during the year stand.
pub fn allocate(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<(), Failure> {
    if opened.root.join(OWN).join("versions").exists() {
        ui.status("the quotas have been adjusted during the year and stand as they are");
        return Ok(());
    }
    write(opened, tables, global, ui).map(|_| ())
}

struct Results {
    quotas: Table,
    parts: Table,
    reconciliation: Option<Table>,
}

fn write(opened: &Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<Results, Failure> {
    let allocated = planned(opened, tables, ui)?;
    let company = opened.project.name.as_str();
    let (amounts, parts) =
        rayon::join(|| quotas::quotas(&allocated, company), || quotas::parts(&allocated, company));
    let results = Results {
        quotas: amounts.map_err(|fault| Failure::fault(fault, exit::INPUT))?,
        parts: parts?,
        reconciliation: quotas::reconciliation(&allocated)?,
    };
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let target = opened.results.join(OWN);
        let folder = Folder::create(&target)?;
        let mut files = vec![
            ("quotas.parquet".to_owned(), &results.quotas),
            ("parts.parquet".to_owned(), &results.parts),
        ];
        files.extend(results.reconciliation.iter().map(|table| ("reconciliation.parquet".to_owned(), table)));
        folder.tables(&files, &provenance)?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {} ({} quotas)", target.display(), results.quotas.frame.height()));
    }
    Ok(results)
}
