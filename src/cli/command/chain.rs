//! `spm run`: territories, the forecast, the potential of seats, quotas, commission. Each step reads what the one before has written.

use std::fs::DirBuilder;
use std::path::PathBuf;

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
    let mut opened = project::open(global)?;
    ui.notices(&opened.notices);
    // Each step reads what the one before wrote, so in a dry run they write, but not into the project.
    let temporary = global.dry_run.then(Temporary::create).transpose()?;
    let steps = &Global { dry_run: false, ..global.clone() };
    if let Some(temporary) = &temporary {
        opened.results.clone_from(&temporary.0);
        ui.status("dry run: the steps write into a temporary folder, which is removed at the end");
    }
    let has = |kind: &str| opened.plans.iter().any(|(_, plan)| plan.kind() == kind);
    let (territories, forecast, potential) = (has("territories"), has("forecast"), has("potential"));
    let (quotas, comp) = (has("quotas"), has("comp"));
    let all = opened.project.calendar.periods();
    let whole = format!("{}..{}", all[0].name, all[all.len() - 1].name);
    let period = arguments.period.clone().unwrap_or(whole);
    opened.periods(&period)?;
    if territories {
        let tables = opened.load(&command::territories::NEED, steps, ui)?;
        command::territories::balance_all(&opened, &tables, steps, ui)?;
    }
    if forecast {
        let tables = opened.load(&command::forecast::NEED, steps, ui)?;
        command::forecast::forecast(&opened, &tables, steps, ui)?;
    }
    if potential {
        let tables = opened.load(&command::potential::NEED, steps, ui)?;
        command::potential::learn(&opened, &tables, steps, ui)?;
    }
    if quotas {
        let tables = command::quotas::load(&opened, steps, ui)?;
        command::quotas::allocate(&opened, &tables, steps, ui)?;
    }
    if comp {
        let results = command::comp::pay(&opened, &period, command::comp::Asked::default(), steps, ui)?;
        command::finish(&results.payments, "spm.payments/1", global, ui)?;
    }
    Ok(exit::DONE)
}

/// A folder that only this user can read, and that goes when the run ends.
struct Temporary(PathBuf);

impl Temporary {
    fn create() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("spm-dry-run-{}", std::process::id()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is left to the system: the answer of the run is right all the same.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
