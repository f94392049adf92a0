//! Results to files: Parquet, CSV and XLSX, each written aside and renamed, a run folder complete or absent.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use polars::prelude::*;
use rayon::prelude::*;
use spm_core::ground::moment::Moment;
use spm_core::ground::period::from_epoch_day;
use spm_core::ground::rational::{Rational, scaled_text};
use spm_core::plan::contract::Type;

use crate::parquet::parquet;
use crate::table::{Column as TableColumn, Rows, Table};

/// Values written into every Parquet file: program version, plan and input hashes, seed.
pub type Provenance = Vec<(String, String)>;

/// Builds a small result table column by column.
#[derive(Debug, Default)]
pub struct Builder {
    data: Vec<Column>,
    columns: Vec<TableColumn>,
}

impl Builder {
    /// Adds a text column.
    #[must_use]
    pub fn text<S: AsRef<str>>(mut self, name: &str, values: impl IntoIterator<Item = Option<S>>) -> Self {
        let values = values.into_iter();
        let mut texts = StringChunkedBuilder::new(name.into(), values.size_hint().0);
        for value in values {
            match value {
                Some(value) => texts.append_value(value.as_ref()),
                None => texts.append_null(),
            }
        }
        self.data.push(texts.finish().into_column());
        self.columns.push(TableColumn { name: name.to_owned(), kind: Type::Text, decimals: 0 });
        self
    }

    /// Adds text columns that were made row by row.
    #[must_use]
    pub fn made(mut self, columns: impl IntoIterator<Item = Texts>) -> Self {
        for column in columns {
            let values = column.texts.finish();
            let name = values.name().to_string();
            self.data.push(values.into_column());
            self.columns.push(TableColumn { name, kind: Type::Text, decimals: 0 });
        }
        self
    }

    /// Adds an exact number column: units of 10^-decimals.
    #[must_use]
    pub fn number(
        mut self,
        name: &str,
        decimals: u32,
        values: impl IntoIterator<Item = Option<i64>>,
    ) -> Self {
        let values: Int64Chunked = values.into_iter().collect_ca(name.into());
        self.data.push(values.into_column());
        self.columns.push(TableColumn { name: name.to_owned(), kind: Type::Number, decimals });
        self
    }

    /// Adds a float column.
    #[must_use]
    pub fn float(mut self, name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values: Float64Chunked = values.into_iter().collect_ca(name.into());
        self.data.push(values.into_column());
        self.columns.push(TableColumn { name: name.to_owned(), kind: Type::Float, decimals: 0 });
        self
    }

    /// Adds a boolean column.
    #[must_use]
    pub fn boolean(mut self, name: &str, values: impl IntoIterator<Item = Option<bool>>) -> Self {
        let values: BooleanChunked = values.into_iter().collect_ca(name.into());
        self.data.push(values.into_column());
        self.columns.push(TableColumn { name: name.to_owned(), kind: Type::Boolean, decimals: 0 });
        self
    }

    /// The table.
    ///
    /// # Errors
    /// When the columns differ in length.
    pub fn table(self) -> io::Result<Table> {
        let frame = DataFrame::new_infer_height(self.data).map_err(io::Error::other)?;
        Ok(Table { frame, columns: self.columns, files: vec![] })
    }
}

/// A text column in the making, for tables that are made row by row.
pub struct Texts {
    texts: StringChunkedBuilder,
}

impl Texts {
    /// An empty one with room for so many rows.
    #[must_use]
    pub fn new(name: &str, rows: usize) -> Self {
        Self { texts: StringChunkedBuilder::new(name.into(), rows) }
    }

    /// The text of the next row.
    pub fn push(&mut self, value: Option<&str>) {
        self.texts.append_option(value);
    }

    /// The next row has a number, exactly.
    pub fn number(&mut self, value: Option<&Rational>) {
        match value {
            Some(value) => value.written(|text| self.texts.append_value(text)),
            None => self.texts.append_null(),
        }
    }
}

/// The cells of a table as text, column by column; `None` for empty cells.
pub fn texts(table: &Table) -> io::Result<Vec<Vec<Option<String>>>> {
    table.columns.iter().map(|column| column_texts(table, column)).collect()
}

fn column_texts(table: &Table, column: &TableColumn) -> io::Result<Vec<Option<String>>> {
    let values = table.frame.column(&column.name).map_err(io::Error::other)?;
    Ok(match column.kind {
        Type::Text => {
            values.str().map_err(io::Error::other)?.iter().map(|value| value.map(str::to_owned)).collect()
        }
        Type::Number => {
            let values = values.cast(&DataType::Int64).map_err(io::Error::other)?;
            let values = values.i64().map_err(io::Error::other)?;
            values
                .iter()
                .map(|value| value.map(|units| scaled_text(&units.into(), column.decimals)))
                .collect()
        }
        Type::Float => values
            .f64()
            .map_err(io::Error::other)?
            .iter()
            .map(|value| value.map(|value| value.to_string()))
            .collect(),
        Type::Date => {
            let days = values.date().map_err(io::Error::other)?.physical();
            days.iter().map(|day| day.and_then(from_epoch_day).map(|date| date.to_string())).collect()
        }
        Type::Moment => {
            let moments = values.datetime().map_err(io::Error::other)?.physical();
            let text = |value: i64| Moment::from_milliseconds(value).map(|moment| moment.to_string());
            moments.iter().map(|value| value.and_then(text)).collect()
        }
        Type::Boolean => values
            .bool()
            .map_err(io::Error::other)?
            .iter()
            .map(|value| value.map(|value| value.to_string()))
            .collect(),
    })
}

/// Writes a table in the format of the file name: .parquet, .csv or .xlsx. The file appears complete or not at all.
pub fn write_file(table: &dyn Rows, path: &Path, provenance: &Provenance) -> io::Result<()> {
    atomically(path, |temporary| write_as(table, temporary, extension(path), provenance))
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// True when [`write_file`] knows the format of the file name.
#[must_use]
pub fn is_known(path: &Path) -> bool {
    matches!(extension(path), "parquet" | "csv" | "xlsx")
}

fn write_as(table: &dyn Rows, path: &Path, format: &str, provenance: &Provenance) -> io::Result<()> {
    match format {
        "parquet" => {
            let mut writer = BufWriter::new(File::create(path)?);
            parquet(table, &mut writer, provenance)?;
            writer.into_inner()?.sync_all()
        }
        "xlsx" => workbook(&table.rows(0, table.height())?, path),
        _ => {
            let mut writer = BufWriter::new(File::create(path)?);
            csv(&table.rows(0, table.height())?, &mut writer)?;
            writer.into_inner()?.sync_all()
        }
    }
}

/// Writes comma-separated text with a header.
pub fn csv(table: &Table, writer: &mut dyn Write) -> io::Result<()> {
    let mut out = ::csv::Writer::from_writer(writer);
    out.write_record(table.columns.iter().map(|column| column.name.as_str()))?;
    let columns = texts(table)?;
    for row in 0..table.frame.height() {
        out.write_record(columns.iter().map(|column| column[row].as_deref().unwrap_or_default()))?;
    }
    out.flush()
}

fn workbook(table: &Table, path: &Path) -> io::Result<()> {
    let mut book = new_workbook()?;
    let sheet = book.add_worksheet();
    let bold = rust_xlsxwriter::Format::new().set_bold();
    let columns = texts(table)?;
    for (index, (column, values)) in table.columns.iter().zip(&columns).enumerate() {
        let number = u16::try_from(index).map_err(io::Error::other)?;
        sheet.write_string_with_format(0, number, &column.name, &bold).map_err(io::Error::other)?;
        let places = if column.decimals == 0 {
            "0".to_owned()
        } else {
            format!("#,##0.{}", "0".repeat(column.decimals as usize))
        };
        let format = rust_xlsxwriter::Format::new().set_num_format(places);
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let row = u32::try_from(row + 1).map_err(io::Error::other)?;
            // A workbook has floats only: 15 digits are shown exactly, longer numbers go in as text.
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            match (column.kind, value.parse::<f64>()) {
                (Type::Number | Type::Float, Ok(float)) if digits <= 15 || column.kind == Type::Float => {
                    sheet.write_number_with_format(row, number, float, &format).map_err(io::Error::other)?;
                }
                _ => {
                    sheet.write_string(row, number, value).map_err(io::Error::other)?;
                }
            }
        }
    }
    sheet.autofit();
    book.save(path).map_err(io::Error::other)?;
    File::open(path)?.sync_all()
}

/// A sheet of a workbook, as texts.
#[derive(Debug)]
pub struct Sheet<'a> {
    /// Name of the tab.
    pub name: &'a str,
    /// Rows of cells.
    pub rows: Vec<Vec<&'a str>>,
    /// Index of the row that is the heading.
    pub heading: usize,
    /// Index of the column in which amounts, such as `1,250.50` and `1,250.50 USD`, become numbers.
    pub amounts: &'static [usize],
}

/// An amount as it is printed: its value, and the format that shows it so; a share likewise. A workbook has floats only, so that an
/// amount of more than 15 digits is none.
fn amount(text: &str) -> Option<(f64, String)> {
    let (digits, currency) = text.split_once(' ').unwrap_or((text, ""));
    let plain = digits.replace(',', "");
    let only = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    if !only(&plain) || plain.len() > 15 || currency.len() > 3 {
        return None;
    }
    let places = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let value: f64 = plain.parse().ok()?;
    let mut format = "#,##0".to_owned();
    if places > 0 {
        format.push('.');
        format.push_str(&"0".repeat(places));
    }
    if currency == "%" {
        format.push('%');
        return Some((value / 100.0, format));
    }
    if !currency.is_empty() {
        format.push_str(&format!(" \"{currency}\""));
    }
    Some((value, format))
}

/// Writes a workbook atomically.
pub fn write_sheets(path: &Path, sheets: &[Sheet<'_>]) -> io::Result<()> {
    let mut book = new_workbook()?;
    let bold = rust_xlsxwriter::Format::new().set_bold();
    for sheet in sheets {
        let page = book.add_worksheet();
        page.set_name(sheet.name).map_err(io::Error::other)?;
        for (row, cells) in sheet.rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let place = (
                    u32::try_from(row).map_err(io::Error::other)?,
                    u16::try_from(column).map_err(io::Error::other)?,
                );
                let number = amount(cell).filter(|_| sheet.amounts.contains(&column) && row != sheet.heading);
                let written = match number {
                    _ if row == sheet.heading => {
                        page.write_string_with_format(place.0, place.1, *cell, &bold)
                    }
                    Some((value, format)) => {
                        let format = rust_xlsxwriter::Format::new().set_num_format(format);
                        page.write_number_with_format(place.0, place.1, value, &format)
                    }
                    None => page.write_string(place.0, place.1, *cell),
                };
                written.map_err(io::Error::other)?;
            }
        }
        page.autofit();
    }
    atomically(path, |temporary| {
        book.save(temporary).map_err(io::Error::other)?;
        File::open(temporary)?.sync_all()
    })
}

fn new_workbook() -> io::Result<rust_xlsxwriter::Workbook> {
    let mut book = rust_xlsxwriter::Workbook::new();
    // A fixed date, because a clock inside a file would make two equal runs differ.
    let created = rust_xlsxwriter::ExcelDateTime::from_ymd(2000, 1, 1).map_err(io::Error::other)?;
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&created));
    Ok(book)
}

fn atomically(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = folder.join(format!(".{name}.{}.partial", std::process::id()));
    let result = fs::create_dir_all(folder)
        .and_then(|()| write(&temporary))
        .and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|error| naming(path, &error))
}

/// The error with the path that it is about, which those of the system lack.
fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes a text file atomically.
pub fn write_text(path: &Path, text: &str) -> io::Result<()> {
    atomically(path, |temporary| {
        let mut file = File::create(temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })
}

/// Removes what runs of the same folder left behind when they were killed: their process is no more.
fn sweep(parent: &Path, name: &str) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let process = file
            .strip_prefix(&format!(".{name}."))
            .and_then(|rest| rest.strip_suffix(".partial").or_else(|| rest.strip_suffix(".old")))
            .and_then(|process| process.parse::<u32>().ok());
        let running = |process: u32| {
            process != std::process::id()
                && (!Path::new("/proc/self").exists() || Path::new(&format!("/proc/{process}")).exists())
        };
        if process.is_some_and(|process| !running(process)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A folder of results that appears complete or not at all, in place of the one of an earlier run.
#[derive(Debug)]
pub struct Folder {
    temporary: PathBuf,
    target: PathBuf,
    done: bool,
}

/// Refuses to put a folder of results in place of anything but an earlier one, which its `run.json` tells, or an empty
/// folder: what is there would be gone.
pub fn replaceable(target: &Path) -> io::Result<()> {
    let refuse = |what: String| {
        let message = format!("{} is {what}, and would be replaced", target.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
    };
    let Ok(data) = fs::metadata(target) else { return Ok(()) };
    if !data.is_dir() {
        return refuse("a file".to_owned());
    }
    let entries: io::Result<Vec<String>> =
        fs::read_dir(target)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names = entries?;
    names.sort();
    let own =
        fs::read_to_string(target.join("run.json")).is_ok_and(|text| text.contains("\"schema\": \"spm."));
    let project = names.iter().any(|name| name == "spm.toml" || name == ".spm");
    if names.is_empty() || (own && !project) {
        return Ok(());
    }
    if project {
        return refuse("the folder of a project".to_owned());
    }
    let (shown, more) = (names.len().min(3), names.len().saturating_sub(3));
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    refuse(format!("a folder with {}{rest}, not results of spm", names[..shown].join(", ")))
}

impl Folder {
    /// Starts a folder. What is there already has to be results of spm, or nothing.
    pub fn create(target: &Path) -> io::Result<Self> {
        replaceable(target)?;
        let parent = target.parent().unwrap_or(Path::new("."));
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let temporary = parent.join(format!(".{name}.{}.partial", std::process::id()));
        fs::create_dir_all(parent)
            .and_then(|()| sweep(parent, &name))
            .and_then(|()| fs::create_dir(&temporary))
            .map_err(|error| naming(target, &error))?;
        Ok(Self { temporary, target: target.to_owned(), done: false })
    }

    /// Where a file goes until all are there; `name` may have folders.
    fn place(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.temporary.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.temporary))?;
        Ok(path)
    }

    /// Takes over a file of an earlier run. Files of a run never change, so their bytes are shared where the file system can.
    pub fn copy(&self, from: &Path, name: &str) -> io::Result<()> {
        let place = self.place(name)?;
        fs::hard_link(from, &place).or_else(|_| fs::copy(from, &place).map(|_| ()))
    }

    /// Writes a table into it.
    pub fn table(&self, name: &str, table: &dyn Rows, provenance: &Provenance) -> io::Result<()> {
        let path = self.place(name)?;
        let written = write_as(table, &path, extension(&path), provenance);
        written.map_err(|error| naming(&self.target.join(name), &error))
    }

    /// Writes tables into it, several at a time; names are those of files.
    pub fn tables(&self, tables: &[(String, &dyn Rows)], provenance: &Provenance) -> io::Result<()> {
        tables.par_iter().try_for_each(|(name, table)| self.table(name, *table, provenance))
    }

    /// Writes a text file into it.
    pub fn text(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = File::create(self.place(name)?)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// Puts it in place.
    pub fn publish(mut self) -> io::Result<()> {
        let old = self.temporary.with_extension("old");
        if self.target.exists() {
            fs::rename(&self.target, &old)?;
        }
        if let Err(error) = fs::rename(&self.temporary, &self.target) {
            // What was there stays there.
            if old.exists() {
                fs::rename(&old, &self.target)?;
            }
            return Err(error);
        }
        self.done = true;
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_and_shares_become_numbers() {
        let shown = |text: &str| amount(text).map(|(value, format)| (value.to_string(), format));
        let number = |value: &str, format: &str| Some((value.to_owned(), format.to_owned()));
        assert_eq!(shown("1,250.50 USD"), number("1250.5", "#,##0.00 \"USD\""));
        assert_eq!(shown("70.00 %"), number("0.7", "#,##0.00%"));
        assert_eq!(shown("1,600.00 USD + 4,000.00 USD"), None);
    }
}
