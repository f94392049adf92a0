//! Tables to Parquet: a row group at a time, its columns packed beside each other.

use std::io::{self, Write};

use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::*;
use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray, Utf8ViewArray};
use polars_io::parquet::write::{KeyValueMetadata, ParquetCompression, ParquetWriter};
use polars_parquet::write::{
    CompressedPage, Encoding, ParquetType, StatisticsOptions, Version, WriteOptions, array_to_columns,
    compress, get_dtype_encoding,
};
use rayon::prelude::*;
use spm_core::plan::contract::Type;

use crate::table::{Cells, Column as TableColumn, Rows};
use crate::write::Provenance;

/// Rows of a row group.
const ROW_GROUP: usize = 1 << 18;

/// The fastest that is still Zstandard: of dictionaries and small numbers the slower ones make no smaller files.
const ZSTD_LEVEL: i32 = 1;

/// Digits of a number that Parquet keeps in 64 bits.
const DIGITS: usize = 18;

/// Writes all rows of a table.
pub(crate) fn parquet(table: &dyn Rows, writer: impl Write, provenance: &Provenance) -> io::Result<()> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(io::Error::other)?;
    let compression = ParquetCompression::Zstd(Some(level));
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: compression.into(),
        data_page_size: None,
    };
    let empty = table.rows(0, 0)?;
    let types = empty.columns.iter().map(|column| file_type(&empty.frame, column));
    let schema: Schema = types.collect::<PolarsResult<_>>().map_err(io::Error::other)?;
    let writer = ParquetWriter::new(writer)
        .with_compression(compression)
        .with_statistics(options.statistics)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(provenance.clone())));
    let mut writer = writer.batched(&schema).map_err(io::Error::other)?;
    let fields = writer.parquet_schema().fields().to_vec();
    // A row group at a time, so that what files need is never there for the whole table at once.
    for from in (0..table.height()).step_by(ROW_GROUP) {
        let length = ROW_GROUP.min(table.height() - from);
        let cells = table.cells(from, length)?;
        let columns = cells.into_par_iter().zip(&empty.columns).zip(&fields);
        let pages: Vec<Vec<CompressedPage>> = columns
            .map(|((cells, column), field)| packed(cells, column, field, options))
            .collect::<io::Result<_>>()?;
        writer.write_row_group(length as u64, &pages).map_err(io::Error::other)?;
    }
    writer.finish().map_err(io::Error::other)?;
    Ok(())
}

/// True for exact numbers with decimals.
fn is_decimal(column: &TableColumn) -> bool {
    column.kind == Type::Number && column.decimals > 0
}

/// How files have a column: exact numbers with decimals as DECIMAL.
fn file_type(frame: &DataFrame, column: &TableColumn) -> PolarsResult<Field> {
    let own = frame.column(&column.name)?;
    let scale = usize::try_from(column.decimals).unwrap_or(0);
    let kind = if is_decimal(column) { DataType::Decimal(DIGITS, scale) } else { own.dtype().clone() };
    Ok(Field::new(own.name().clone(), kind))
}

/// The pages of a column in a row group.
fn packed(
    cells: Cells<'_>,
    column: &TableColumn,
    field: &ParquetType,
    options: WriteOptions,
) -> io::Result<Vec<CompressedPage>> {
    let (array, encodings): (Box<dyn Array>, _) = match cells {
        Cells::Each(values) => {
            let array = plain(&values, column)?;
            // Amounts hardly occur twice: they are not looked through for those that do.
            let encodings =
                if is_decimal(column) { vec![Encoding::Plain] } else { get_dtype_encoding(array.dtype()) };
            (array, encodings)
        }
        Cells::Repeated(keys, names) => (Box::new(dictionary(&keys, names)?), vec![Encoding::RleDictionary]),
    };
    let leaves = array_to_columns(&array, field.clone(), options, &encodings).map_err(io::Error::other)?;
    let pages = leaves.into_iter().flatten().map(|page| {
        let page = page.map_err(io::Error::other)?;
        compress(page, vec![], options.compression).map_err(io::Error::other)
    });
    pages.collect()
}

/// A column as it is. Its chunks are put together: the bytes of a file do not depend on how a table came about.
fn plain(values: &Column, column: &TableColumn) -> io::Result<Box<dyn Array>> {
    const LARGEST: u64 = 10_u64.pow(DIGITS as u32) - 1;
    if is_decimal(column) {
        let units = values.i64().map_err(io::Error::other)?;
        let ends = [units.min(), units.max()];
        if ends.into_iter().flatten().any(|units| units.unsigned_abs() > LARGEST) {
            return Err(io::Error::other(format!("a value of `{}` has more than 18 digits", column.name)));
        }
    }
    Ok(values.as_materialized_series().rechunk().to_arrow(0, CompatLevel::newest()))
}

/// Texts that occur again and again, each once: only those of these rows, in the order in which they come.
fn dictionary(keys: &[IdxSize], names: &StringChunked) -> io::Result<DictionaryArray<u32>> {
    /// The place of a text that has not come yet.
    const NEW: u32 = u32::MAX;
    /// The place of no text.
    const NONE: u32 = u32::MAX - 1;
    let first = keys.iter().copied().min().unwrap_or(0);
    let last = keys.iter().copied().max().unwrap_or(0);
    let mut places = vec![NEW; (last - first) as usize + 1];
    let mut known: PlHashMap<&str, u32> = PlHashMap::default();
    let mut own: Vec<&str> = vec![];
    let mut empty = false;
    let mut place = |key: &IdxSize| {
        let place = &mut places[(key - first) as usize];
        if *place == NEW {
            *place = match names.get(*key as usize) {
                Some(name) => *known.entry(name).or_insert_with(|| {
                    own.push(name);
                    own.len() as u32 - 1
                }),
                None => NONE,
            };
            empty |= *place == NONE;
        }
        *place
    };
    // Most come several times in a row.
    let mut placed: Vec<u32> = Vec::with_capacity(keys.len());
    for run in keys.chunk_by(|a, b| a == b) {
        placed.resize(placed.len() + run.len(), place(&run[0]));
    }
    let placed = if empty {
        placed.into_iter().map(|place| (place != NONE).then_some(place)).collect::<PrimitiveArray<u32>>()
    } else {
        PrimitiveArray::from_vec(placed)
    };
    let own = Utf8ViewArray::from_slice_values(own);
    DictionaryArray::try_from_keys(placed, own.boxed(), false).map_err(io::Error::other)
}
