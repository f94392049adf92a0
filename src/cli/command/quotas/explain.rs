//! `spm quotas explain`.

use std::path::Path;

use serde_json::json;
use spm_core::engine::quota::{Row, published, trace};
use spm_core::ground::diagnostic::{Code, Diagnostic, suggestion};
use spm_core::ground::source::Place;
use spm_frame::load::Tables;
use spm_frame::table::Table;

use super::adjust::{standing, versions};
use super::{OWN, planned};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::report::table::{Format, render};
use crate::report::{explain, quotas};

/// The adjustment that counts.
struct Adjustment {
    rows: Vec<(String, Row)>,
    parts: Table,
    /// Version, first open period, reason.
    why: serde_json::Value,
}

impl Adjustment {
    fn read(folder: &Path, version: u32) -> Result<Self, Failure> {
        let parts = folder.join("parts.parquet");
        Ok(Self {
            rows: standing(&folder.join("quotas.parquet"))?,
            parts: command::read_file(&parts, &["holder_id", "measure"], "run `spm quotas adjust` again")?,
            why: why(folder, version)?,
        })
    }
}

/// Version, first open period and reason of an adjustment.
pub(super) fn why(folder: &Path, version: u32) -> std::io::Result<serde_json::Value> {
    let why = std::fs::read_to_string(folder.join(format!("versions/{version}-why.json")))?;
    Ok(serde_json::from_str(&why).unwrap_or_default())
}

/// `version 2 from 2027-Q3: Ito has left`
pub(super) fn named(why: &serde_json::Value) -> String {
    let text = |key: &str| why[key].as_str().unwrap_or_default();
    format!("version {} from {}: {}", why["version"], text("from"), text("reason"))
}

/// Prints why a holder's quotas are what they are.
pub(super) fn run(
    opened: &Opened,
    tables: &Tables,
    holder: &str,
    measure: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<exit::Code, Failure> {
    if global.format == Format::Csv {
        let message = "an explanation is a tree, which CSV cannot hold";
        let hint =
            "use --format json; `spm quotas allocate --table parts --format csv` has the parts of everybody";
        return Err(Failure::Other(anyhow::Error::msg(format!("{message}; {hint}")), exit::USAGE));
    }
    let allocated = planned(opened, tables, ui)?;
    let company = opened.project.name.as_str();
    // After an adjustment what stands is no longer what the plan gives for a whole year: both are shown.
    let folder = opened.root.join(OWN);
    let adjusted = match versions(&folder)? {
        0 => None,
        version => Some(Adjustment::read(&folder, version)?),
    };
    let mut values = Vec::new();
    let mut text = String::new();
    // Of a plan with lines a holder has a quota of each.
    let found = allocated.iter().flat_map(|(plan, own)| {
        let holders = own.allocation.holders.iter();
        let named = holders.map(move |placed| (published(plan, company, placed.into()), placed));
        let wanted = named.filter(|((name, held), placed)| {
            (held.holder == holder || placed.holder.as_str() == holder)
                && measure.is_none_or(|own| own == *name)
        });
        wanted.map(move |((name, held), placed)| (*plan, own, name, held, &placed.holder))
    });
    for (plan, own, name, held, id) in found {
        let Some(node) = trace(&own.problem, &own.allocation, id) else { continue };
        let node = node.citing(&plan.place);
        let periods = quotas::of_holder(own, id)?;
        let below = quotas::below(own, id)?;
        let stands: Vec<&Row> = adjusted
            .iter()
            .flat_map(|adjusted| &adjusted.rows)
            .filter(|(measure, row)| measure == name && row.holder.as_str() == held.holder)
            .map(|(_, row)| row)
            .collect();
        let stands = if stands.is_empty() { None } else { Some(quotas::of_rows(&stands)?) };
        let parts = match &adjusted {
            Some(adjusted) => quotas::of_parts(&adjusted.parts, held.holder, name)?,
            None => None,
        };
        if global.format == Format::Json {
            let rows = |table: &_, schema| -> std::io::Result<serde_json::Value> {
                let text = render(table, schema, Format::Json)?;
                Ok(serde_json::from_str::<serde_json::Value>(&text)?["rows"].take())
            };
            values.push(json!({
                "measure": name,
                "explanation": explain::json(&node),
                "periods": rows(&periods, "")?,
                "stands": stands.as_ref().map(|table| rows(table, "")).transpose()?,
                "adjustment": adjusted.as_ref().map(|adjusted| adjusted.why.clone()),
                "open_parts": parts.as_ref().map(|table| rows(table, "")).transpose()?,
                "below": below.as_ref().map(|table| rows(table, "")).transpose()?,
            }));
            continue;
        }
        if let (Some(stands), Some(adjusted)) = (stands, &adjusted) {
            text += &format!("as adjusted during the year ({}), {id} has\n", named(&adjusted.why));
            text += &render(&stands, "", global.format)?;
            if let Some(parts) = parts {
                text += "\nof which the periods that were open consist of\n";
                text += &render(&parts, "", global.format)?;
            }
            text += "\nand the plan, with the extracts of today, would give for the whole year\n";
        }
        let fence = if global.format == Format::Markdown { "```\n" } else { "" };
        text += &format!("{fence}{}{fence}\nperiods of {id}\n", explain::text(&node));
        text += &render(&periods, "", global.format)?;
        if let Some(below) = below {
            text += &format!("\ngiven out by {id}\n{}", render(&below, "", global.format)?);
        }
        text += "\n";
    }
    if text.is_empty() && values.is_empty() {
        let names = allocated.iter().flat_map(|(_, own)| &own.allocation.holders);
        let near = suggestion(holder, names.map(|placed| placed.holder.as_str()));
        let message = format!(
            "{holder} has no quota{}",
            measure.map_or(String::new(), |name| format!(" named {name}"))
        );
        let fault = Diagnostic::error(Code::SPM602, message).at(Place::File("reps".to_owned()), "");
        let hint = match near {
            Some(near) => format!("did you mean {near}?"),
            None => "`spm quotas allocate --dry-run` lists everybody who has one".to_owned(),
        };
        return Err(Failure::fault(fault.hint(hint), exit::NO));
    }
    if global.format == Format::Json {
        text = format!("{:#}\n", json!({ "schema": "spm.quota-explanation/1", "quotas": values }));
    }
    ui.data(&format!("{}\n", text.trim_end_matches('\n')))?;
    Ok(exit::DONE)
}
