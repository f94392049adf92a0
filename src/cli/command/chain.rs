//! `spm run`: territories, the forecast, the potential of seats, quotas, commission. Each step reads what the one before has written.

use spm_core::plan::Plan;

use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;
use crate::cli::{Global, command, project};

/// Which commission.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  spm run --period P1..P12\n\nEach step writes its results under out/. Sources of spm.toml that read them (optional = true) carry\nterritories into quotas, and quotas into commission."
)]
pub struct Arguments {
    /// Periods to pay; all of the calendar when absent
    #[arg(long)]
    period: Option<String>,
}

/// Runs the chain; prints the payments.
pub fn run(arguments: &Arguments, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    if global.dry_run {
        return Err(Failure::Other(
            anyhow::anyhow!(
                "each step of `spm run` reads what the one before wrote, so it has no dry run; use --dry-run with one command"
            ),
            exit::USAGE,
        ));
    }
    let opened = project::open(global)?;
    ui.notices(&opened.notices);
    let has = |kind: &str| {
        opened.plans.iter().any(|(_, plan)| match plan {
            Plan::Territories(_) => kind == "territories",
            Plan::Potential(_) => kind == "potential",
            Plan::Quotas(_) => kind == "quotas",
            Plan::Comp(_) => kind == "comp",
            Plan::Fairness(_) => kind == "fairness",
            Plan::Forecast(_) => kind == "forecast",
        })
    };
    let (territories, forecast, potential) = (has("territories"), has("forecast"), has("potential"));
    let (quotas, comp) = (has("quotas"), has("comp"));
    let all = opened.project.calendar.periods();
    let whole = format!("{}..{}", all[0].name, all[all.len() - 1].name);
    let period = arguments.period.clone().unwrap_or(whole);
    opened.periods(&period)?;
    if territories {
        let tables = opened.load(&command::territories::NEED, global, ui)?;
        command::territories::balance_all(&opened, &tables, global, ui)?;
    }
    if forecast {
        let tables = opened.load(&command::forecast::NEED, global, ui)?;
        command::forecast::forecast(&opened, &tables, global, ui)?;
    }
    if potential {
        let tables = opened.load(&command::potential::NEED, global, ui)?;
        command::potential::learn(&opened, &tables, global, ui)?;
    }
    if quotas {
        let tables = command::quotas::load(&opened, global, ui)?;
        command::quotas::allocate(&opened, &tables, global, ui)?;
    }
    if comp {
        let results = command::comp::pay(&opened, &period, command::comp::Asked::default(), global, ui)?;
        command::finish(&results.payments, "spm.payments/1", global, ui)?;
    }
    Ok(exit::DONE)
}
