//! Faults as text: the line of the plan with a marker, or the file and row of the extract; then the fix.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use spm_core::ground::diagnostic::{Diagnostic, Severity, Sink};
use spm_core::ground::source::Place;

/// All faults of a sink, in the order they were found, with the number of those left out.
#[must_use]
pub fn render(sink: &Sink, color: bool) -> String {
    let mut text = String::new();
    for fault in sink.faults() {
        text.push_str(&one(fault, color));
        text.push('\n');
    }
    for ((code, path), count) in sink.more() {
        text.push_str(&format!("... and {count} more of {} in {path}\n", code.name()));
    }
    text
}

fn one(fault: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(fault.message.as_str()).id(fault.code.name()));
    for (index, label) in fault.labels.iter().enumerate() {
        match &label.place {
            Place::Text(place) => {
                let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let end = place.span.end.min(place.source.text().len());
                let span = place.span.start.min(end)..end;
                let mark = kind.span(span).label(label.text.as_str());
                group = group
                    .element(Snippet::source(place.source.text()).path(place.source.path()).annotation(mark));
            }
            other => group = group.element(Origin::path(other.short())),
        }
    }
    if let Some(hint) = &fault.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group]).to_string()
}
