//! `spm explain-code`: what a fault code means.

use spm_core::ground::diagnostic::{Code, suggestion};

use crate::cli::exit::{self, Failure};
use crate::cli::ui::Ui;

/// Prints the explanation of a code, or the list of all.
pub fn run(name: Option<&str>, ui: &Ui) -> Result<exit::Code, Failure> {
    let Some(name) = name else {
        let list: String =
            Code::ALL.iter().map(|code| format!("{}  {}\n", code.name(), code.title())).collect();
        ui.data(&list)?;
        return Ok(exit::DONE);
    };
    if let Some(code) = Code::from_name(name) {
        ui.data(&format!("{}: {}\n\n{}\n", code.name(), code.title(), code.explanation()))?;
        return Ok(exit::DONE);
    }
    let near = suggestion(name, Code::ALL.iter().map(|code| code.name())).unwrap_or("SPM001");
    Err(Failure::Other(anyhow::anyhow!("there is no code {name}; did you mean {near}?"), exit::USAGE))
}
