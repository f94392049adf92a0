//! `spm ledger verify`: the chain, the balances, and the calculation from the same inputs.

use spm_core::engine::ledger::verify;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::source::Place;
use spm_frame::versions::RECORDED_AT;
use spm_frame::write::Builder;

use super::existing;
use crate::cli::command::settle::{Keep, Setting, drafts_of, load_for};
use crate::cli::exit::{self, Failure};
use crate::cli::project::Opened;
use crate::cli::ui::Ui;
use crate::cli::{Global, command};
use crate::ledger::again::{
    approvals, difference, has_the_same_bytes, has_the_same_files, has_the_same_inputs, is_of_another_version,
};
use crate::ledger::read::Posted;
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
    let other = |why: &str| (false, format!("{why}; not calculated again"));
    // Plans and spm.toml are those that were sealed, whatever the folder says today.
    let Ok(sealed) = opened.sealed(store, posted) else {
        return Ok(other("its plans or spm.toml cannot be read by this version"));
    };
    let bytes = has_the_same_bytes(store, posted.record, &opened.root)?;
    let mut setting = Setting::before(store, postings, posted)?;
    let known = sealed.project.sources.iter().flat_map(|source| &source.columns);
    if !bytes {
        // An extract that only grows has what was known then.
        if !known.into_iter().any(|column| column.name == RECORDED_AT) {
            return Ok(other("its extracts are other ones now"));
        }
        setting.as_of = setting.as_of.or_else(|| posted.recorded_at.parse().ok());
    }
    ui.step(&format!("calculating {} again", posted.name));
    let periods = posted.period..posted.period + 1;
    let tables = match load_for(&sealed, &setting, &periods, global, ui) {
        Err(_) if !bytes => return Ok(other("its extracts cannot be read as they were then")),
        tables => tables?,
    };
    let basis = sealed.basis(&tables);
    let exact = has_the_same_inputs(store, posted.record, &basis)?;
    // Another version may read the same files into columns of another kind: whether that is the same input, the result tells.
    let by_files = || -> Result<bool, Failure> {
        Ok(has_the_same_files(store, posted.record, &basis)? && is_of_another_version(store, posted.record)?)
    };
    let rests_on_the_same = exact || (bytes && by_files()?);
    if !rests_on_the_same {
        return Ok(other("its extracts are other ones now"));
    }
    for draft in &drafts_of(&sealed, &tables, &setting, &periods, None, Keep::Nothing, ui)?.all {
        let calendar = &sealed.project.calendar;
        if let Some(difference) = difference(store, calendar, posted.record, &draft.settlement)? {
            if !exact {
                return Ok(other("its extracts read differently now"));
            }
            return Err(wrong(format!("{} from the same inputs: {difference}", posted.name)));
        }
    }
    let known = match (setting.as_of, bytes) {
        (Some(moment), false) => format!("what the extracts had by {moment} gives"),
        _ => "the same inputs give".to_owned(),
    };
    Ok((true, format!("{known} the same lines, balances and payments")))
}
