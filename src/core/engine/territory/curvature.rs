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

    /// The territories in an order that keeps those that share a block close together (Cuthill, McKee 1969; reversed: George 1971).
    fn order(&self) -> Vec<usize> {
        let count = self.places.len();
        let mut beside: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (first, second) in &self.pairs {
            beside[*first as usize].push(*second as usize);
            beside[*second as usize].push(*first as usize);
        }
        let degree: Vec<usize> = beside.iter().map(Vec::len).collect();
        beside.iter_mut().for_each(|own| own.sort_unstable_by_key(|other| (degree[*other], *other)));
        // All that hang together with a territory, nearest first.
        let from = |start: usize, met: &mut [bool]| {
            let mut order = vec![start];
            met[start] = true;
            let mut at = 0;
            while let Some(territory) = order.get(at).copied() {
                at += 1;
                for other in &beside[territory] {
                    if !std::mem::replace(&mut met[*other], true) {
                        order.push(*other);
                    }
                }
            }
            order
        };
        let mut met = vec![false; count];
        let mut order = Vec::with_capacity(count);
        for start in 0..count {
            if !met[start] {
                // What is farthest from anywhere is at an end.
                let end = from(start, &mut met.clone()).last().copied().unwrap_or(start);
                order.extend(from(end, &mut met));
            }
        }
        order.reverse();
        order
    }

    /// The step, by the Cholesky factor of the matrix within its envelope (Jennings 1966): exact where a country and its towns differ so
    /// much in scale that conjugate gradients would take long. `None` where that is too much work.
    fn solved(&self, more: &[f64], slope: &[f64]) -> Option<Vec<f64>> {
        /// Products of a factor, at most.
        const MOST: usize = 100_000_000;
        let (rows, size) = (slope.len(), self.measures);
        let order = self.order();
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, territory)| place[*territory] = at);
        let mut lowest: Vec<usize> = (0..order.len()).collect();
        for (first, second) in &self.pairs {
            let (one, other) = (place[*first as usize], place[*second as usize]);
            let (low, high) = (one.min(other), one.max(other));
            lowest[high] = lowest[high].min(low);
        }
        // Of each row of the lower triangle what is not zero starts at a column, and its numbers at a place.
        let first: Vec<usize> = (0..rows).map(|row| lowest[row / size] * size).collect();
        let work: usize =
            first.iter().enumerate().map(|(row, first)| (row - first) * (row - first) / 2).sum();
        if work > MOST {
            return None;
        }
        let mut starts = vec![0];
        for (row, first) in first.iter().enumerate() {
            starts.push(starts[row] + row + 1 - first);
        }
        let mut factor = vec![0.0; starts[rows]];
        let at = |row: usize, column: usize| starts[row] + column - first[row];
        for (territory, block) in self.diagonal.chunks_exact(size * size).enumerate() {
            let own = place[territory] * size;
            for row in 0..size {
                for column in 0..=row {
                    factor[at(own + row, own + column)] = block[row * size + column];
                }
                factor[at(own + row, own + row)] += more[territory * size + row];
            }
        }
        for ((one, other), block) in self.pairs.iter().zip(self.blocks.chunks_exact(size * size)) {
            let (one, other) = (place[*one as usize] * size, place[*other as usize] * size);
            for row in 0..size {
                for column in 0..size {
                    let number = block[row * size + column];
                    let place = if one > other {
                        at(one + row, other + column)
                    } else {
                        at(other + column, one + row)
                    };
                    factor[place] = number;
                }
            }
        }
        for row in 0..rows {
            let (above, own) = factor.split_at_mut(starts[row]);
            let start = first[row];
            for column in start..row {
                let other = &above[starts[column]..starts[column + 1]];
                let from = start.max(first[column]);
                let sum = product(&own[from - start..column - start], &other[from - first[column]..]);
                own[column - start] = (own[column - start] - sum) / other[column - first[column]];
            }
            let left = own[row - start] - product(&own[..row - start], &own[..row - start]);
            if left <= 0.0 {
                return None;
            }
            own[row - start] = left.sqrt();
        }
        let mut step = vec![0.0; rows];
        for (territory, own) in slope.chunks_exact(size).enumerate() {
            step[place[territory] * size..][..size].copy_from_slice(own);
        }
        for row in 0..rows {
            let own = &factor[starts[row]..starts[row + 1]];
            let (before, rest) = step.split_at_mut(row);
            rest[0] = (rest[0] - product(&before[first[row]..], own)) / own[own.len() - 1];
        }
        for row in (0..rows).rev() {
            let own = &factor[starts[row]..starts[row + 1]];
            step[row] /= own[own.len() - 1];
            let value = step[row];
            step[first[row]..row].iter_mut().zip(own).for_each(|(step, own)| *step -= value * own);
        }
        Some(
            (0..order.len()).flat_map(|territory| step[place[territory] * size..][..size].to_vec()).collect(),
        )
    }

    /// The step that solves (matrix + damping x its diagonal) step = slope, by a factor or by conjugate gradients, and what the value
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

/// The sum of products of two lists as far as the first one goes, in parts side by side.
fn product(one: &[f64], other: &[f64]) -> f64 {
    const PARTS: usize = 8;
    let mut sums = [0.0; PARTS];
    let other = &other[..one.len()];
    let whole = one.len() / PARTS * PARTS;
    let mut at = 0;
    while at < whole {
        let (a, b) = (&one[at..at + PARTS], &other[at..at + PARTS]);
        for part in 0..PARTS {
            sums[part] += a[part] * b[part];
        }
        at += PARTS;
    }
    let mut sum = 0.0;
    for at in whole..one.len() {
        sum += one[at] * other[at];
    }
    for part in sums {
        sum += part;
    }
    sum
}
