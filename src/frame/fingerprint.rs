//! A content hash of a table that does not depend on the order of rows or files.
//!
//! Each row is hashed on its own and the hashes are added up, so that the same rows give the same fingerprint however
//! they were exported. It tells results apart; the SHA-256 of each file, in run.json, is what an auditor checks.

use polars::prelude::*;
use rayon::prelude::*;

use crate::merge::tasks;
use crate::table::{Column as TableColumn, Table};

/// 128 bits, hexadecimal.
#[must_use]
pub fn fingerprint(table: &Table) -> String {
    let mut columns: Vec<(&TableColumn, &Column)> =
        table.columns.iter().filter_map(|meta| Some((meta, table.frame.column(&meta.name).ok()?))).collect();
    columns.sort_unstable_by_key(|(meta, _)| &meta.name);
    let sum = tasks(table.frame.height())
        .map(|(from, length)| {
            let mut hashes = vec![[0xcbf2_9ce4_8422_2325_u64, 0x6c62_272e_07bb_0142]; length];
            for (meta, column) in &columns {
                let mut name = [0; 2];
                mix(&mut name, meta.name.as_bytes());
                for hash in &mut hashes {
                    word(hash, name[0]);
                }
                let part = column.slice(i64::try_from(from).unwrap_or(i64::MAX), length);
                add_column(&mut hashes, &part, meta.decimals);
            }
            hashes.iter().fold([0u64; 2], |sum, hash| plus(sum, hash.map(avalanche)))
        })
        .reduce(|| [0; 2], plus);
    format!("{:016x}{:016x}", sum[0], sum[1])
}

fn plus(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
}

fn add_column(hashes: &mut [[u64; 2]], column: &Column, decimals: u32) {
    if let Ok(texts) = column.str() {
        for (hash, text) in hashes.iter_mut().zip(texts.iter()) {
            mix(hash, text.map_or(&[0xff], str::as_bytes));
        }
        return;
    }
    // Trailing zeros do not change a number: 1.50 and 1.5 are the same amount.
    let divisor = 10i64.pow(decimals);
    // A fraction counts in units of 10^-18, independent of the decimals it was written with.
    let unit = 1_000_000_000_000_000_000 / divisor.cast_unsigned();
    let physical = column.to_physical_repr();
    let Ok(integers) = physical.cast(&DataType::Int64) else { return };
    let floats = physical.f64().ok().cloned();
    let Ok(integers) = integers.i64() else { return };
    for (index, (hash, value)) in hashes.iter_mut().zip(integers.iter()).enumerate() {
        let parts = match (&floats, value) {
            (Some(floats), _) => [floats.get(index).map_or(u64::MAX, f64::to_bits), 0],
            (None, Some(value)) => {
                let whole = value.div_euclid(divisor);
                [whole.cast_unsigned(), value.rem_euclid(divisor).cast_unsigned().wrapping_mul(unit)]
            }
            (None, None) => [u64::MAX, u64::MAX],
        };
        word(hash, parts[0]);
        word(hash, parts[1]);
    }
}

fn mix(hash: &mut [u64; 2], bytes: &[u8]) {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        word(hash, u64::from_le_bytes(eight));
    }
    let rest = chunks.remainder().iter().fold(1, |word, byte| word << 8 | u64::from(*byte));
    word(hash, rest);
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
