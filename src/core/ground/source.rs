//! Where a value came from: a file of text and a span in it, or a row and column of an extract (floor 0).

use std::ops::Range;
use std::sync::Arc;

/// A text file that was read: plans and `spm.toml`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    path: String,
    text: String,
}

impl Source {
    /// A source from the path as it is shown to the user and its text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Arc::new(Inner { path: path.into(), text: text.into() }))
    }

    /// The path, relative to the project and with `/` on every system.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// A place in this source.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        Place::Text(TextPlace { source: self.clone(), span })
    }
}

/// A span of bytes in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// The file.
    pub source: Source,
    /// Byte offsets, half-open.
    pub span: Range<usize>,
}

impl TextPlace {
    /// Line and column of the start, both from 1; the column counts characters.
    #[must_use]
    pub fn line_and_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text().len());
        let before = self.source.text().get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The words of the span itself.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        self.source.text().get(self.span.clone()).unwrap_or_default()
    }

    /// `path:line`, as traces and messages cite a clause.
    #[must_use]
    pub fn clause(&self) -> String {
        format!("{}:{}", self.source.path(), self.line_and_column().0)
    }
}

/// Where a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text file.
    Text(TextPlace),
    /// In an extract: the record number counts data records from 1, the header not counted.
    Row {
        /// Path of the extract, relative to the project.
        path: String,
        /// Data record, from 1.
        row: Option<u64>,
        /// Column name in the extract.
        column: Option<String>,
    },
    /// A file or folder as a whole.
    File(String),
}

impl Place {
    /// A place in an extract.
    #[must_use]
    pub fn row(path: &str, row: Option<u64>, column: Option<&str>) -> Self {
        Self::Row { path: path.to_owned(), row, column: column.map(str::to_owned) }
    }

    /// `file:line:column`, `file: row 7, column Amount`, or the file.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Text(place) => {
                let (line, column) = place.line_and_column();
                format!("{}:{line}:{column}", place.source.path())
            }
            Self::Row { path, row, column } => {
                let parts = [
                    row.map(|row| format!("row {row}")),
                    column.as_ref().map(|column| format!("column {column}")),
                ];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                if parts.is_empty() { path.clone() } else { format!("{path}: {}", parts.join(", ")) }
            }
            Self::File(path) => path.clone(),
        }
    }
}
