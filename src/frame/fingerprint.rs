//! A content hash of a table that does not depend on the order of rows or files.
//!
//! Each row is hashed on its own and the hashes are added up, so that the same rows give the same fingerprint however
//! they were exported. It tells results apart; the SHA-256 of each file, in run.json, is what an auditor checks.

use polars::prelude::*;
use rayon::prelude::*;

use crate::merge::tasks;
use crate::table::{Column as TableColumn, Table};

/// 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint([u64; 2]);

impl Fingerprint {
    /// Of a table.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let mut columns: Vec<(&TableColumn, &Column)> = table
            .columns
            .iter()
            .filter_map(|meta| Some((meta, table.frame.column(&meta.name).ok()?)))
            .collect();
        columns.sort_unstable_by_key(|(meta, _)| &meta.name);
        tasks(table.frame.height())
            .map(|(from, length)| {
                let hashes = row_hashes(&columns, from, length);
                hashes.iter().fold(Self::default(), |sum, hash| sum.plus(Self(hash.map(avalanche))))
            })
            .reduce(Self::default, Self::plus)
    }

    /// Of the rows of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self([self.0[0].wrapping_add(other.0[0]), self.0[1].wrapping_add(other.0[1])])
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

/// A hash for each of the rows `from..from + length`. An empty cell adds nothing, so that a column without values and no
/// column are the same.
pub(crate) fn row_hashes(columns: &[(&TableColumn, &Column)], from: usize, length: usize) -> Vec<[u64; 2]> {
    let mut hashes = vec![[0xcbf2_9ce4_8422_2325_u64, 0x6c62_272e_07bb_0142]; length];
    for (meta, column) in columns {
        let mut name = [0; 2];
        mix(&mut name, meta.name.as_bytes());
        let part = column.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
        add_column(&mut hashes, name[0], &part, meta.decimals);
    }
    hashes
}

fn add_column(hashes: &mut [[u64; 2]], name: u64, column: &Column, decimals: u32) {
    if let Ok(texts) = column.str() {
        for (hash, text) in hashes.iter_mut().zip(texts.iter()) {
            if let Some(text) = text {
                word(hash, name);
                mix(hash, text.as_bytes());
            }
        }
        return;
    }
    // Trailing zeros do not change a number: 1.50 and 1.5 are the same amount.
    // A day and its first moment are the same.
    let divisor = if column.datetime().is_ok() { 86_400_000 } else { 10i64.pow(decimals) };
    // A fraction counts in units of 10^-18, independent of the decimals it was written with.
    let unit = 1_000_000_000_000_000_000 / divisor.cast_unsigned();
    let physical = column.to_physical_repr();
    if let Ok(floats) = physical.f64() {
        for (hash, value) in hashes.iter_mut().zip(floats.iter()) {
            if let Some(value) = value {
                word(hash, name);
                word(hash, value.to_bits());
            }
        }
        return;
    }
    let Ok(integers) = physical.cast(&DataType::Int64) else { return };
    let Ok(integers) = integers.i64() else { return };
    for (hash, value) in hashes.iter_mut().zip(integers.iter()) {
        if let Some(value) = value {
            word(hash, name);
            word(hash, value.div_euclid(divisor).cast_unsigned());
            word(hash, value.rem_euclid(divisor).cast_unsigned().wrapping_mul(unit));
        }
    }
}

/// Whole words, the last of which may overlap the one before; the length tells texts apart that words do not.
fn mix(hash: &mut [u64; 2], bytes: &[u8]) {
    let length = bytes.len();
    let last = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(last), _, _) => {
            for eight in bytes.as_chunks::<8>().0.iter().take((length - 1) / 8) {
                word(hash, u64::from_le_bytes(*eight));
            }
            u64::from_le_bytes(*last)
        }
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    word(hash, last);
    word(hash, length as u64);
}

fn word(hash: &mut [u64; 2], word: u64) {
    hash[0] = (hash[0] ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    hash[1] = (hash[1] ^ word.rotate_left(32)).wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(31);
}

fn avalanche(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
