//! `spm ledger verify`: the chain, the balances, and the calculation from the same inputs.

use spm_core::engine::ledger::verify;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_frame::write::Builder;

use super::existing;
use crate::cli::command::settle::{Keep, Setting, drafts_of, load_for};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::again::{
    approvals, difference, has_the_same_files, has_the_same_inputs, has_the_same_project, has_the_same_texts,
    is_of_another_version,
};
use crate::ledger::policy::ProjectText;
use crate::ledger::read::Posted;
use crate::ledger::write::PlanText;
use crate::ledger::{Store, check_chain, find_record};
use crate::report::table::Format;

fn wrong(message: String) -> Failure {
    let fault = Diagnostic::error(Code::SPM705, message).at(Place::File(".spm/ledger.db".to_owned()), "");
    Failure::fault(fault.hint("compare the ledger with a backup (docs/ledger.md)"), exit::NO)
}

/// Checks everything; the first difference ends it.
pub fn run(opened: &Opened, expected: Option<&str>, global: &Global, ui: &Ui) -> Result<exit::Code, Failure> {
    let store = existing(opened)?;
    let calendar = &opened.project.calendar;
    let (records, head) = check_chain(&store)?;
    let mut found = vec![("chain".to_owned(), format!("{records} records, last hash {head}"))];
    if let Some(hash) = expected {
        let number = find_record(&store, hash)?;
        let since = records - number;
        found.push(("expected hash".to_owned(), format!("that of record {number}; {since} sealed since")));
    }
    let postings = store.postings(calendar, i64::MAX)?;
    for posted in &postings {
        let books = store.books(calendar, posted.record)?;
        if let Some(message) = verify::books(&books).into_iter().next() {
            return Err(wrong(format!("after {}: {message}", posted.name)));
        }
    }
    let count = postings.len();
    found.push((
        "balances".to_owned(),
        format!("payments + balances = entitlements after each of {count} postings"),
    ));
    found.extend(approvals(&store)?.map(|text| ("approvals".to_owned(), text)));
    let mut again = 0;
    for posted in &postings {
        let (same, text) = calculated_again(opened, &store, &postings, posted, global, ui)?;
        again += usize::from(same);
        found.push((posted.name.clone(), text));
    }
    found.push(("calculation".to_owned(), format!("{again} of {count} postings calculated again")));
    if global.format == Format::Table && global.output.is_none() {
        let lines: Vec<String> = found.iter().map(|(what, text)| format!("{what}: {text}\n")).collect();
        ui.data(&lines.concat())?;
    } else {
        let table = Builder::default()
            .text("checked", found.iter().map(|(what, _)| Some(what)))
            .text("found", found.iter().map(|(_, text)| Some(text)))
            .table()?;
        command::finish(&table, "spm.ledger-verify/1", global, ui)?;
    }
    Ok(exit::DONE)
}

/// Whether a posting comes out again, in words; a failure when it comes out different from the same inputs.
fn calculated_again(
    opened: &Opened,
    store: &Store,
    postings: &[Posted],
    posted: &Posted,
    global: &Global,
    ui: &Ui,
) -> Result<(bool, String), Failure> {
    let plans = PlanText::of(&opened.plans);
    let project = ProjectText::of(&opened.text, &opened.project.ledger);
    let edited = has_the_same_project(store, posted.record, &project)? == Some(false);
    let other = || (false, "inputs or plans are other ones now; not calculated again".to_owned());
    if !has_the_same_texts(store, posted.record, &opened.root, &plans)? {
        return Ok(other());
    }
    ui.step(&format!("calculating {} again", posted.name));
    let setting = Setting::before(store, postings, posted);
    let periods = posted.period..posted.period + 1;
    let tables = load_for(opened, &setting, &periods, global, ui)?;
    let basis = opened.basis(&tables);
    let exact = has_the_same_inputs(store, posted.record, &basis)?;
    // Another version may read the same files into columns of another kind: whether that is the same input, the result tells.
    let by_files = || -> Result<bool, Failure> {
        Ok(has_the_same_files(store, posted.record, &basis)? && is_of_another_version(store, posted.record)?)
    };
    if !exact && !by_files()? {
        return Ok(other());
    }
    let drafts = drafts_of(opened, &tables, &setting, &periods, None, Keep::Nothing, ui);
    if edited && drafts.is_err() {
        return Ok((false, "spm.toml is another one now, and nothing can be calculated with it".to_owned()));
    }
    for draft in &drafts?.all {
        let calendar = &opened.project.calendar;
        if let Some(difference) = difference(store, calendar, posted.record, &draft.settlement)? {
            if edited {
                return Ok((
                    false,
                    format!("spm.toml is another one now, and gives something else: {difference}"),
                ));
            }
            if !exact {
                return Ok(other());
            }
            return Err(wrong(format!("{} from the same inputs: {difference}", posted.name)));
        }
    }
    let same = "the same inputs give the same lines, balances and payments";
    let note = "; spm.toml is another one now, and journals follow the policy that was sealed";
    Ok((true, format!("{same}{}", if edited { note } else { "" })))
}
