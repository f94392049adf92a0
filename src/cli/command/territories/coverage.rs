//! `spm territories coverage`: the market that is covered, the white space, and the seats that the work takes.

use std::path::Path;

use spm_core::engine::territory::{Line, Market};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::round::{Rounding, round_to_decimals};
use spm_frame::market::market;
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use super::reading::assigned;
use super::{Scope, input};
use crate::cli::command;
use crate::cli::exit::{self, Failure};

const OWN: &str = "out/coverage";

/// Adds up the market of an assignment; returns a row for the whole, each segment and each territory.
pub fn coverage(scope: &Scope<'_>, path: &Path) -> Result<Table, Failure> {
    let Scope { opened, tables, plan, ui, .. } = *scope;
    let Some(own) = &plan.coverage else {
        let fault =
            scope.fault(Code::SPM004, "the plan does not say what the market is: it has no [coverage]");
        let hint = "add [coverage] with potential, visits, hours and available";
        return Err(input(fault.hint(hint)));
    };
    let found = assigned(scope, path)?;
    let rows = market(own, &found.rows).map_err(input)?;
    let market = Market {
        potential: rows.potential,
        sold: rows.sold,
        hours: rows.hours,
        segments: rows.segments,
        assignment: found.assignment,
        available: rows.available,
    };
    let sums = market.coverage();
    market
        .verify(&sums)
        .map_err(|faults| Failure::fault(Diagnostic::error(Code::SPM502, faults.join("; ")), exit::BUG))?;
    let mut lines: Vec<(&str, &str, &Line)> = vec![("all", "", &sums.all)];
    if own.segment.is_some() {
        let names = rows.segment_names.iter().zip(&sums.segments);
        lines.extend(names.map(|(name, line)| ("segment", name.as_str(), line)));
    }
    let names = found.rows.territories.iter().zip(&sums.territories);
    lines.extend(names.map(|(name, line)| ("territory", name.as_str(), line)));
    if sums.nobody.accounts > 0 {
        lines.push(("nobody", "", &sums.nobody));
    }
    let table = table(&lines)?;
    if !scope.global.dry_run {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.results.join(scope.folder(OWN));
        let folder = Folder::create(&target)?;
        folder.table("coverage.parquet", &table, &provenance)?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    let share = sums.all.covered.checked_div(&sums.all.potential).unwrap_or_default();
    ui.status(&format!(
        "{} of the market is covered; the work takes {} people, {} are there",
        share.to_percent(),
        shown(&sums.all.seats, 1),
        market.available.len(),
    ));
    Ok(table)
}

fn shown(value: &Rational, decimals: u32) -> String {
    round_to_decimals(value, decimals, Rounding::default())
        .map_or_else(String::new, |units| Rational::from_scaled(units, decimals).to_decimal_text())
}

fn table(lines: &[(&str, &str, &Line)]) -> Result<Table, Failure> {
    let cell = |value: &Rational, decimals: u32| {
        round_to_decimals(value, decimals, Rounding::default()).and_then(|units| i64::try_from(units).ok())
    };
    let number = |value: fn(&Line) -> &Rational| lines.iter().map(move |(.., line)| cell(value(line), 2));
    let count = |value: usize| i64::try_from(value).ok();
    let hundred = Rational::from(100i64);
    let share = |part: &Rational, whole: &Rational| {
        part.checked_div(whole).and_then(|share| cell(&(&share * &hundred), 2))
    };
    let table = Builder::default()
        .text("by", lines.iter().map(|(by, ..)| Some(*by)))
        .text("name", lines.iter().map(|(_, name, _)| Some(*name)))
        .number("accounts", 0, lines.iter().map(|(.., line)| count(line.accounts)))
        .number("held", 0, lines.iter().map(|(.., line)| count(line.held)))
        .number("potential", 2, number(|line| &line.potential))
        .number("covered", 2, number(|line| &line.covered))
        .number("covered_%", 2, lines.iter().map(|(.., line)| share(&line.covered, &line.potential)))
        .number("sold", 2, number(|line| &line.sold))
        .number("white_space", 2, number(|line| &line.white))
        .number("hours_needed", 2, number(|line| &line.needed))
        .number("hours_there", 2, lines.iter().map(|(.., line)| cell(line.there.as_ref()?, 2)))
        .number("seats_needed", 2, number(|line| &line.seats))
        .table()?;
    Ok(table)
}
