//! `spm calendar`: the periods of the fiscal calendar with their days, as plans, extracts and commands name them.

use spm_frame::write::Builder;

use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;
use crate::cli::{Global, command, project};

/// Prints the periods.
pub fn run(global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let periods = opened.project.calendar.periods();
    let last = |to: spm_core::ground::period::Date| to.yesterday().unwrap_or(to).to_string();
    let table = Builder::default()
        .text("period", periods.iter().map(|period| Some(period.name.as_str())))
        .text("quarter", periods.iter().map(|period| Some(format!("{}-Q{}", period.year, period.quarter))))
        .text("year", periods.iter().map(|period| Some(period.year.as_str())))
        .text("first_day", periods.iter().map(|period| Some(period.range.from.to_string())))
        .text("last_day", periods.iter().map(|period| Some(last(period.range.to))))
        .number("days", 0, periods.iter().map(|period| Some(period.range.days())))
        .table()?;
    command::finish(&table, "spm.calendar/1", global, ui)?;
    Ok(exit::DONE)
}
