//! The curvature of the smoothed dual: a sparse symmetric matrix, with a block for each two territories that share
//! accounts, and the damped Newton step that it calls for.

#![allow(
    clippy::needless_range_loop,
    reason = "the hottest loops: plain indices are fast whatever is inlined"
)]

/// Steps of the conjugate gradients of a Newton step.
const STEPS: usize = 200;

/// The matrix, by blocks of measures x measures above the diagonal.
pub(super) struct Curvature {
    measures: usize,
    /// Diagonal blocks by territory.
    diagonal: Vec<f64>,
    /// Territories of the other blocks, in the order in which they were met.
    pairs: Vec<(u32, u32)>,
    blocks: Vec<f64>,
    /// For each territory, those that it shares a block with, and which: sorted.
    places: Vec<Vec<(u32, u32)>>,
    /// Of not too many territories, one more than the place of each pair's block, or 0: faster than a search.
    table: Vec<u32>,
}

/// Territories up to which pairs have a table.
const TABLE: usize = 512;

impl Curvature {
    pub(super) fn new(territories: usize, measures: usize) -> Self {
        Self {
            measures,
            diagonal: vec![0.0; territories * measures * measures],
            pairs: Vec::new(),
            blocks: Vec::new(),
            places: vec![Vec::new(); territories],
            table: if territories <= TABLE { vec![0; territories * territories] } else { Vec::new() },
        }
    }

    #[inline]
    fn block(&mut self, row: u32, column: u32) -> &mut [f64] {
        let size = self.measures * self.measures;
        if row == column {
            let at = row as usize * size;
            return &mut self.diagonal[at..at + size];
        }
        if !self.table.is_empty() {
            let slot = &mut self.table[row as usize * self.places.len() + column as usize];
            if *slot == 0 {
                self.pairs.push((row, column));
                self.blocks.resize(self.blocks.len() + size, 0.0);
                *slot = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
            }
            let at = (*slot - 1) as usize;
            return &mut self.blocks[at * size..(at + 1) * size];
        }
        let own = &mut self.places[row as usize];
        let at = match own.binary_search_by_key(&column, |(other, _)| *other) {
            Ok(place) => own[place].1 as usize,
            Err(place) => {
                let at = self.pairs.len();
                own.insert(place, (column, u32::try_from(at).unwrap_or(u32::MAX)));
                self.pairs.push((row, column));
                self.blocks.resize(self.blocks.len() + size, 0.0);
                at
            }
        };
        &mut self.blocks[at * size..(at + 1) * size]
    }

    /// Adds `factor` x the outer product of two vectors to the block of two territories, the lower first.
    #[inline]
    pub(super) fn add(&mut self, row: u32, column: u32, factor: f64, rows: &[f64], columns: &[f64]) {
        let measures = self.measures;
        let block = self.block(row, column);
        for left in 0..measures {
            let value = factor * rows[left];
            for right in 0..measures {
                block[left * measures + right] += value * columns[right];
            }
        }
    }

    /// Adds to one number of the diagonal.
    pub(super) fn add_diagonal(&mut self, index: usize, value: f64) {
        let (territory, measure) = (index / self.measures, index % self.measures);
        self.diagonal[(territory * self.measures + measure) * self.measures + measure] += value;
    }

    /// Adds `times` another matrix.
    pub(super) fn append(&mut self, other: &Self, times: f64) {
        let size = self.measures * self.measures;
        self.diagonal.iter_mut().zip(&other.diagonal).for_each(|(all, part)| *all += times * part);
        for ((row, column), blocks) in other.pairs.iter().zip(other.blocks.chunks_exact(size.max(1))) {
            let own = self.block(*row, *column);
            own.iter_mut().zip(blocks).for_each(|(all, part)| *all += times * part);
        }
    }

    /// The numbers of the diagonal.
    fn own(&self) -> Vec<f64> {
        let size = self.measures;
        let of = |territory: &[f64]| (0..size).map(|at| territory[at * size + at]).collect::<Vec<f64>>();
        self.diagonal.chunks_exact((size * size).max(1)).flat_map(of).collect()
    }

    /// The matrix times a vector.
    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let size = self.measures;
        let square = (size * size).max(1);
        let mut sum = vec![0.0; vector.len()];
        for (territory, block) in self.diagonal.chunks_exact(square).enumerate() {
            let at = territory * size;
            for row in 0..size {
                for column in 0..size {
                    sum[at + row] += block[row * size + column] * vector[at + column];
                }
            }
        }
        for ((first, second), block) in self.pairs.iter().zip(self.blocks.chunks_exact(square)) {
            let (first, second) = (*first as usize * size, *second as usize * size);
            for row in 0..size {
                for column in 0..size {
                    let part = block[row * size + column];
                    sum[first + row] += part * vector[second + column];
                    sum[second + column] += part * vector[first + row];
                }
            }
        }
        sum
    }

    /// The step of a matrix that is small, by its Cholesky factor: exact where a country and its towns differ so much in scale
    /// that conjugate gradients would take long.
    fn solved(&self, more: &[f64], slope: &[f64]) -> Option<Vec<f64>> {
        /// Rows of a matrix that is solved so.
        const SMALL: usize = 640;
        let (rows, size) = (slope.len(), self.measures);
        if rows > SMALL {
            return None;
        }
        let mut factor = vec![0.0; rows * rows];
        for (territory, block) in self.diagonal.chunks_exact(size * size).enumerate() {
            let at = territory * size;
            for row in 0..size {
                for column in 0..size {
                    factor[(at + row) * rows + at + column] = block[row * size + column];
                }
            }
        }
        for ((first, second), block) in self.pairs.iter().zip(self.blocks.chunks_exact(size * size)) {
            for row in 0..size {
                for column in 0..size {
                    factor[(*second as usize * size + column) * rows + *first as usize * size + row] =
                        block[row * size + column];
                }
            }
        }
        (0..rows).for_each(|row| factor[row * rows + row] += more[row]);
        for row in 0..rows {
            let (above, own) = factor.split_at_mut(row * rows);
            for column in 0..row {
                let other = &above[column * rows..column * rows + column + 1];
                let sum: f64 = product(&own[..column], &other[..column]);
                own[column] = (own[column] - sum) / other[column];
            }
            let left = own[row] - product(&own[..row], &own[..row]);
            if left <= 0.0 {
                return None;
            }
            own[row] = left.sqrt();
        }
        let mut step = slope.to_vec();
        for row in 0..rows {
            let own = &factor[row * rows..row * rows + row + 1];
            step[row] = (step[row] - product(&own[..row], &step[..row])) / own[row];
        }
        for row in (0..rows).rev() {
            let own = &factor[row * rows..row * rows + row + 1];
            step[row] /= own[row];
            let value = step[row];
            for column in 0..row {
                step[column] -= value * own[column];
            }
        }
        Some(step)
    }

    /// The step that solves (matrix + damping x its diagonal) step = slope, by conjugate gradients, and what the value
    /// should gain by it.
    pub(super) fn step(&self, slope: &[f64], damping: f64) -> (Vec<f64>, f64) {
        let own = self.own();
        let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
        let more: Vec<f64> = own.iter().map(|own| damping * (own + 1e-3 * mean) + 1e-12).collect();
        let inverse: Vec<f64> = own.iter().zip(&more).map(|(own, more)| 1.0 / (own + more)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let scaled = |residual: &[f64]| -> Vec<f64> {
            residual.iter().zip(&inverse).map(|(residual, inverse)| residual * inverse).collect()
        };
        if let Some(step) = self.solved(&more, slope) {
            let promised = dot(slope, &step) - 0.5 * dot(&step, &self.times(&step));
            return (step, promised);
        }
        let mut step = vec![0.0; slope.len()];
        let mut residual = slope.to_vec();
        let mut along = scaled(&residual);
        let mut product = dot(&residual, &along);
        let goal = 1e-6 * product;
        for _ in 0..STEPS {
            if product <= goal {
                break;
            }
            let mut image = self.times(&along);
            image.iter_mut().zip(&more).zip(&along).for_each(|((image, more), along)| *image += more * along);
            let length = dot(&along, &image);
            if length <= 0.0 {
                break;
            }
            let pace = product / length;
            step.iter_mut().zip(&along).for_each(|(step, along)| *step += pace * along);
            residual.iter_mut().zip(&image).for_each(|(residual, image)| *residual -= pace * image);
            let next = scaled(&residual);
            let before = std::mem::replace(&mut product, dot(&residual, &next));
            along.iter_mut().zip(next).for_each(|(along, next)| *along = next + product / before * *along);
        }
        let promised = dot(slope, &step) - 0.5 * dot(&step, &self.times(&step));
        (step, promised)
    }
}

/// The sum of products, in four parts side by side.
fn product(one: &[f64], other: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (one, other) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest = one.remainder().iter().zip(other.remainder()).fold(0.0, |sum, (a, b)| sum + a * b);
    for (a, b) in one.zip(other) {
        for part in 0..4 {
            sums[part] += a[part] * b[part];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
