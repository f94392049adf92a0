//! `spm quotas allocate`.

use spm_core::engine::quota::{Planned, Question};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_frame::load::Tables;
use spm_frame::sheets::{Parts, Quotas};
use spm_frame::table::{Rows, Table, stacked};
use spm_frame::write::Folder;

use super::{OWN, Printed, planned_with};
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
    let (table, schema): (&dyn Rows, _) = match printed {
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

struct Results<'a> {
    quotas: Quotas,
    parts: Parts<'a>,
    reconciliation: Option<Table>,
}

fn write<'a>(opened: &'a Opened, tables: &Tables, global: &Global, ui: &Ui) -> Result<Results<'a>, Failure> {
    let company = opened.project.name.as_str();
    // What a plan was solved as is gone when its rows are made, so that memory holds few of them at once.
    let of_plan = |question: &Question<'_>, planned: Planned| {
        let internal = |error: std::io::Error| vec![Diagnostic::error(Code::SPM502, error.to_string())];
        let plan = question.plan;
        let amounts = quotas::quotas(plan, &planned, company);
        let both = quotas::reconciliation(plan, &planned, company).map_err(internal)?;
        Ok((amounts, planned.allocation, both))
    };
    let (mut amounts, mut parts, mut reconciled) = (vec![], vec![], vec![]);
    for (plan, (own, allocation, both)) in planned_with(opened, tables, ui, of_plan)? {
        amounts.push(own);
        parts.push((plan, allocation));
        reconciled.extend(both);
    }
    let results = Results {
        quotas: Quotas::below(amounts).map_err(|fault| Failure::fault(fault, exit::INPUT))?,
        parts: Parts::of(company, parts),
        reconciliation: if reconciled.is_empty() { None } else { Some(stacked(&reconciled)?) },
    };
    if !global.dry_run {
        let provenance = opened.provenance(tables, 0);
        let target = opened.results.join(OWN);
        let folder = Folder::create(&target)?;
        let mut files: Vec<(String, &dyn Rows)> = vec![
            ("quotas.parquet".to_owned(), &results.quotas),
            ("parts.parquet".to_owned(), &results.parts),
        ];
        if let Some(table) = &results.reconciliation {
            files.push(("reconciliation.parquet".to_owned(), table));
        }
        folder.tables(&files, &provenance)?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {} ({} quotas)", target.display(), results.quotas.height()));
    }
    Ok(results)
}
