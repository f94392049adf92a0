//! `spm quotas show`.

use spm_core::engine::quota::Row;
use spm_core::ground::diagnostic::{Code, Diagnostic, suggestion};
use spm_core::ground::source::Place;
use spm_frame::seats;

use super::OWN;
use super::adjust::{COLUMNS, versions};
use super::explain::{named, why};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::quotas;

/// Prints the quotas that stand: as allocated, or as adjusted since.
pub(super) fn run(
    opened: &Opened,
    holder: Option<&str>,
    measure: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    let folder = opened.root.join(OWN);
    let path = folder.join("quotas.parquet");
    let table = command::read_file(&path, &COLUMNS, "run `spm quotas allocate` first")?;
    let all = seats::standing(&table);
    let wanted = |(name, row): &&(String, Row)| {
        measure.is_none_or(|measure| measure == name)
            && holder.is_none_or(|holder| holder == row.holder.as_str())
    };
    let rows: Vec<(String, Row)> = all.iter().filter(wanted).cloned().collect();
    if rows.is_empty() {
        let (asked, message, mut names): (&str, String, Vec<&str>) = match (holder, measure) {
            (Some(holder), _) => {
                let named = measure.map_or_else(String::new, |name| format!(" named {name}"));
                let names = all.iter().map(|(_, row)| row.holder.as_str()).collect();
                (holder, format!("{holder} has no quota{named}"), names)
            }
            (None, name) => {
                let name = name.unwrap_or("quota");
                let names = all.iter().map(|(name, _)| name.as_str()).collect();
                (name, format!("nobody has a quota named {name}"), names)
            }
        };
        names.dedup();
        let fault =
            Diagnostic::error(Code::SPM602, message).at(Place::File(format!("{OWN}/quotas.parquet")), "");
        let hint = match suggestion(asked, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "`spm quotas show` lists everybody who has one".to_owned(),
        };
        return Err(Failure::fault(fault.hint(hint), exit::NO));
    }
    match versions(&folder)? {
        0 => ui.status("as allocated"),
        version => ui.status(&named(&why(&folder, version)?)),
    }
    let table = quotas::standing(table.decimals("amount"), &rows);
    let table = table.map_err(|fault| Failure::fault(fault, exit::INPUT))?;
    command::finish(&table, "spm.quotas/1", global, ui)?;
    Ok(exit::DONE)
}
