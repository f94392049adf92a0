//! The only writer to standard output and standard error; progress on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spm_core::ground::diagnostic::Sink;

use super::exit::{self, Failure};
use super::{Color, Global};
use crate::report::diagnostic;

/// What may be shown, and how.
#[derive(Debug)]
pub struct Ui {
    quiet: bool,
    verbose: u8,
    color: bool,
    progress: ProgressBar,
}

impl Ui {
    /// From the global settings and the terminal.
    pub fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var("TERM").as_deref() == Ok("dumb");
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        let target = if terminal && !global.quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let progress = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            progress.set_style(style);
        }
        Self { quiet: global.quiet, verbose: global.verbose, color, progress }
    }

    /// A result, to standard output. A closed pipe ends the program quietly.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        self.progress.suspend(|| {
            match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
                result => result.map_err(Failure::from),
            }
        })
    }

    /// A line that is said even when only results are wanted.
    pub fn line(&self, text: &str) {
        self.progress.suspend(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    /// What is being done now.
    pub fn step(&self, text: &str) {
        self.progress.set_message(text.to_owned());
        self.progress.enable_steady_tick(Duration::from_millis(120));
        if self.verbose > 0 {
            self.line(text);
        }
    }

    /// What was done.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Warnings of a pass that went well.
    pub fn notices(&self, sink: &Sink) {
        if !self.quiet && !sink.faults().is_empty() {
            self.line(diagnostic::render(sink, self.color).trim_end());
        }
    }

    /// Ends with a failure.
    pub fn fail(&self, failure: Failure) -> ExitCode {
        self.progress.finish_and_clear();
        match failure {
            Failure::Faults(sink, code) => {
                self.line(diagnostic::render(&sink, self.color).trim_end());
                let errors = sink.errors();
                if errors > 1 {
                    self.line(&format!("\n{errors} errors"));
                }
                code.into()
            }
            Failure::Other(error, code) => {
                self.line(&format!("error: {error:#}"));
                code.into()
            }
        }
    }
}

/// Help and version to standard output, wrong usage to standard error.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { exit::USAGE.into() } else { exit::DONE.into() }
}

/// A fault of the program.
pub fn crash(message: &str) {
    let _ = writeln!(
        io::stderr(),
        "spm has a fault: {message}\nNothing was left half-written. Please report this with the inputs."
    );
}
