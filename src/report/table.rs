//! A table of text cells as an aligned table, JSON, CSV or Markdown.

use std::io;

use serde_json::{Map, Value, json};
use spm_core::plan::contract::Type;
use spm_frame::table::Rows;
use spm_frame::write;

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// Versioned JSON for programs; exact numbers are strings.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// A Markdown table.
    Markdown,
}

/// Rows that a table for people shows; nobody reads more, and aligning millions takes longer than calculating them.
const TABLE_ROWS_MAX: usize = 1000;

/// The table as text. `schema` names the JSON form, such as `spm.payments/1`.
pub fn render(all: &dyn Rows, schema: &str, format: Format) -> io::Result<String> {
    let height = all.height();
    // People see the first rows only: the others need no text.
    let shown = if format == Format::Table { height.min(TABLE_ROWS_MAX) } else { height };
    let table = &all.rows(0, shown)?;
    let columns = if format == Format::Csv { vec![] } else { write::texts(table)? };
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let cell = |row: usize, column: usize| columns[column][row].as_deref();
    Ok(match format {
        Format::Csv => {
            let mut bytes = Vec::new();
            write::csv(table, &mut bytes)?;
            String::from_utf8(bytes).map_err(io::Error::other)?
        }
        Format::Json => {
            let value = |row: usize, column: usize| match (cell(row, column), table.columns[column].kind) {
                (None, _) => Value::Null,
                (Some(text), Type::Boolean) => Value::Bool(text == "true"),
                (Some(text), _) => Value::String(text.to_owned()),
            };
            let rows: Vec<Value> = (0..height)
                .map(|row| {
                    let fields = names
                        .iter()
                        .enumerate()
                        .map(|(column, name)| ((*name).to_owned(), value(row, column)));
                    Value::Object(fields.collect::<Map<_, _>>())
                })
                .collect();
            let text = serde_json::to_string_pretty(&json!({ "schema": schema, "rows": rows }))
                .map_err(io::Error::other)?;
            text + "\n"
        }
        Format::Markdown => {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            let mut text = line(names.iter().map(|name| (*name).to_owned()).collect());
            text += &line(vec!["---".to_owned(); names.len()]);
            for row in 0..height {
                text += &line(
                    (0..names.len())
                        .map(|column| cell(row, column).unwrap_or_default().replace('|', "\\|"))
                        .collect(),
                );
            }
            text
        }
        Format::Table => {
            let mut out = comfy_table::Table::new();
            out.load_style(comfy_table::presets::NOTHING);
            out.set_header(names.clone());
            for row in 0..shown {
                out.add_row((0..names.len()).map(|column| cell(row, column).unwrap_or("-").to_owned()));
            }
            for (index, column) in table.columns.iter().enumerate() {
                if let (Type::Number | Type::Float, Some(shown)) = (column.kind, out.column_mut(index)) {
                    shown.set_cell_alignment(comfy_table::CellAlignment::Right);
                }
            }
            let mut lines: Vec<String> = out.lines().map(|line| line.trim_end().to_owned()).collect();
            if height > TABLE_ROWS_MAX {
                let more = height - TABLE_ROWS_MAX;
                lines.push(format!(
                    " ... and {more} more rows: --format csv prints all, --output FILE writes them"
                ));
            }
            lines.join("\n") + "\n"
        }
    })
}
