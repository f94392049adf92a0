//! The project as it was: spm.toml and plans as a posting sealed them.

use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::moment::Moment;
use spm_core::ground::source::Place;

use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::ledger::Store;
use crate::ledger::again::{Texts, sealed_texts};
use crate::ledger::read::Posted;
use crate::ledger::write::PlanText;

/// When a command looks at what was known.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Then {
    /// With what was known at a moment, or at the end of a day: rows recorded by then, the ledger as it stood, and spm.toml and
    /// the plans that the last posting by then sealed
    #[arg(long, value_name = "DATE|DATETIME", value_parser = Moment::or_end_of_day)]
    pub as_of: Option<Moment>,
    /// With --as-of: spm.toml and the plans that the posting of this period sealed
    #[arg(long, value_name = "PERIOD", requires = "as_of")]
    pub plans_of: Option<String>,
}

impl Opened {
    /// The project as a posting sealed it.
    pub fn sealed(&self, store: &Store, posted: &Posted) -> Result<Self, Failure> {
        let (project, plans) = sealed_texts(store, posted.record)?;
        self.with_texts(project, plans)
    }

    /// The project as it was at the moment that is asked for. From the last posting on that is the folder: nothing later says
    /// what it was.
    pub fn then(self, then: &Then, ui: &Ui) -> Result<Self, Failure> {
        let (Some(moment), Some(store)) = (then.as_of, self.ledger()?) else {
            return match &then.plans_of {
                Some(period) => Err(Failure::Other(
                    anyhow::Error::msg(format!("there is no ledger, so {period} sealed no plans")),
                    exit::USAGE,
                )),
                None => Ok(self),
            };
        };
        let calendar = &self.project.calendar;
        let through = store.through(Some(moment))?;
        let postings = store.postings(calendar, i64::MAX)?;
        let next = postings.iter().find(|posted| posted.record > through);
        let last = postings.iter().rfind(|posted| posted.record <= through);
        let folder: Vec<(String, String)> =
            PlanText::of(&self.plans).into_iter().map(|plan| (plan.path, plan.text)).collect();
        let is_folder =
            |texts: &Texts| texts.0.as_ref().is_none_or(|text| *text == self.text) && texts.1 == folder;
        let unknown = |message: String, other: &Posted| {
            let place = Place::File(".spm/ledger.db".to_owned());
            let fault = Diagnostic::warning(Code::SPM711, message).at(place, "");
            let mut sink = Sink::default();
            sink.push(fault.hint(format!("--plans-of {} takes the other ones", other.name)));
            ui.notices(&sink);
        };
        let own = match &then.plans_of {
            Some(period) => store.posted(calendar, Some(period))?,
            None => match (last, next) {
                (Some(last), None) if !is_folder(&sealed_texts(&store, last.record)?) => {
                    let message = format!(
                        "the plans or spm.toml were changed after the posting of {} at {}: which they were at {moment} is not known, this is calculated with those of the folder",
                        last.name, last.recorded_at
                    );
                    unknown(message, last);
                    return Ok(self);
                }
                (_, None) => return Ok(self),
                // Before the first posting nothing is known of plans but what that one sealed.
                (Some(known), Some(_)) | (None, Some(known)) => known.clone(),
            },
        };
        let texts = sealed_texts(&store, own.record)?;
        let name = &own.name;
        if let Some(other) = next.filter(|next| then.plans_of.is_none() && next.record != own.record)
            && sealed_texts(&store, other.record)? != texts
        {
            let message = format!(
                "the plans or spm.toml were changed between the postings of {name} at {} and of {} at {}: which they were at {moment} is not known, this is calculated with those of {name}",
                own.recorded_at, other.name, other.recorded_at
            );
            unknown(message, other);
        }
        if is_folder(&texts) {
            return Ok(self);
        }
        ui.status(&format!("spm.toml and plans are those that {name} was posted with"));
        self.with_texts(texts.0, texts.1)
    }
}
