//! Exit codes, and the failures that lead to them.

use std::process::ExitCode;

use spm_core::ground::diagnostic::{Code as DiagnosticCode, Diagnostic, Sink};

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u8);

/// Done.
pub const DONE: Code = Code(0);
/// The answer is no: a check found faults.
pub const NO: Code = Code(1);
/// Wrong usage of the command line.
pub const USAGE: Code = Code(2);
/// Invalid input: project, plan or extract.
pub const INPUT: Code = Code(3);
/// No feasible answer.
pub const INFEASIBLE: Code = Code(4);
/// A fault of the program.
pub const BUG: Code = Code(70);

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

/// Why a command stops.
#[derive(Debug)]
pub enum Failure {
    /// Faults of the input, shown with their places.
    Faults(Sink, Code),
    /// Anything that is not about a place in the input.
    Other(anyhow::Error, Code),
}

impl Failure {
    /// One fault.
    #[must_use]
    pub fn fault(fault: Diagnostic, code: Code) -> Self {
        let mut sink = Sink::default();
        sink.push(fault);
        Self::Faults(sink, code)
    }

    /// A message, with the code for invalid input.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::Other(anyhow::Error::msg(message.into()), INPUT)
    }
}

impl From<crate::ledger::Fault> for Failure {
    fn from(fault: crate::ledger::Fault) -> Self {
        let code = match fault.0.first().map(|fault| fault.code) {
            Some(DiagnosticCode::SPM502) => BUG,
            Some(DiagnosticCode::SPM602 | DiagnosticCode::SPM705 | DiagnosticCode::SPM706) => NO,
            _ => INPUT,
        };
        let mut sink = Sink::default();
        fault.0.into_iter().for_each(|fault| sink.push(fault));
        Self::Faults(sink, code)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // Reading reports its own faults with their places: what is left is writing.
        let fault =
            Diagnostic::error(DiagnosticCode::SPM601, format!("the result cannot be written: {error}"));
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "name another place, or move away what is there",
            _ => "check the path, its permissions and the free space; nothing was left half-written",
        };
        Self::fault(fault.hint(hint), INPUT)
    }
}
