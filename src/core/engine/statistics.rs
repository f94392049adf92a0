//! The statistics that forecasts, models and scores share: means, ranks, quantiles, least squares, a generator.
//!
//! Floats are right here: these are estimates with an error, not money that is paid.

/// Arithmetic mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Standard deviation with `n - 1`; `None` below two values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let center = mean(values);
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Linear interpolation between the order statistics (the definition 7 of Hyndman and Fan 1996); `None` of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (place - below as f64) * (sorted[above] - sorted[below]))
}

/// Pearson's correlation; `None` below three pairs or when one side does not vary.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |pick: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| pick(a - mean_a, b - mean_b)).sum()
    };
    let (aa, bb, ab) = (sum(&|a, _| a * a), sum(&|_, b| b * b), sum(&|a, b| a * b));
    let varies = |squares: f64, center: f64| squares > 1e-20 * center * center * a.len() as f64;
    (a.len() >= 3 && a.len() == b.len() && varies(aa, mean_a) && varies(bb, mean_b))
        .then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}

/// Ranks from 1; equal values share the mean of their ranks.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|row| values[**row] == values[order[start]]).count();
        for row in &order[start..start + tied] {
            ranks[*row] = start as f64 + (tied as f64 + 1.0) / 2.0;
        }
        start += tied;
    }
    ranks
}

/// Spearman's correlation: that of the ranks.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a), &ranks(b))
}

/// The quantile of the standard normal distribution: Wichura's AS 241 (1988), to about 1e-16.
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ];
    const B: [f64; 8] = [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let polynomial = |terms: &[f64; 8], x: f64| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
    let q = share - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&A, r) / polynomial(&B, r);
    }
    let tail = if q < 0.0 { share } else { 1.0 - share };
    if tail <= 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-tail.ln()).sqrt();
    let size = if r <= 5.0 {
        polynomial(&C, r - 1.6) / polynomial(&D, r - 1.6)
    } else {
        polynomial(&E, r - 5.0) / polynomial(&F, r - 5.0)
    };
    if q < 0.0 { -size } else { size }
}

/// Solves `matrix x = right` for a symmetric positive definite matrix (rows one after the other) by Cholesky; `None`
/// when it is not positive definite.
#[must_use]
pub fn solve_positive(matrix: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let mut lower = matrix.to_vec();
    for row in 0..size {
        for column in 0..=row {
            let known: f64 =
                (0..column).map(|inner| lower[row * size + inner] * lower[column * size + inner]).sum();
            let rest = matrix[row * size + column] - known;
            if row == column {
                // The rest of a diagonal is what the columns before it do not explain.
                if rest.is_nan() || rest <= 1e-13 * matrix[row * size + row].abs() {
                    return None;
                }
                lower[row * size + row] = rest.sqrt();
            } else {
                lower[row * size + column] = rest / lower[column * size + column];
            }
        }
    }
    let mut found = right.to_vec();
    for row in 0..size {
        let known: f64 = (0..row).map(|inner| lower[row * size + inner] * found[inner]).sum();
        found[row] = (found[row] - known) / lower[row * size + row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|inner| lower[inner * size + row] * found[inner]).sum();
        found[row] = (found[row] - known) / lower[row * size + row];
    }
    Some(found)
}

/// A deterministic generator of random numbers (splitmix64, Steele, Lea and Flood 2014). Streams are numbered, so that
/// what one thread draws does not depend on what others do.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of that number under a seed.
    #[must_use]
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut start = Self(seed ^ 0x9e37_79b9_7f4a_7c15);
        let first = start.next();
        let mut own = Self(first ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        own.next();
        own
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly between 0 and 1, never either.
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// A number below `end`, which is above 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end - 1)
    }

    /// From the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        // Tables of the normal distribution.
        for (share, expected) in [
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.975, 1.959_963_984_540_054),
            (1e-10, -6.361_340_902_404_056),
        ] {
            assert!((normal_quantile(share) - expected).abs() < 1e-9, "{share}");
        }
    }

    #[test]
    fn ranks_share_ties_and_correlations_know_their_ends() {
        assert_eq!(ranks(&[10.0, 20.0, 10.0, 5.0]), [2.5, 4.0, 2.5, 1.0]);
        assert!(spearman(&[1.0, 2.0, 3.0], &[10.0, 100.0, 1000.0]).expect("varies") > 1.0 - 1e-12);
        assert!(pearson(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]).expect("varies") < -1.0 + 1e-12);
        assert_eq!(pearson(&[1.0, 1.0, 1.0], &[3.0, 2.0, 1.0]), None);
        // Anscombe 1973, the first quartet: r = 0.816421.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        assert!((pearson(&x, &y).expect("varies") - 0.816_420_516).abs() < 1e-8);
    }

    #[test]
    fn least_squares_and_quantiles() {
        let solved = solve_positive(&[4.0, 2.0, 2.0, 3.0], &[10.0, 9.0]).expect("positive definite");
        assert!((solved[0] - 1.5).abs() < 1e-12 && (solved[1] - 2.0).abs() < 1e-12);
        assert!(solve_positive(&[1.0, 1.0, 1.0, 1.0], &[1.0, 1.0]).is_none());
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_generator_is_even_and_normal() {
        let mut random = Random::stream(1, 2);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        assert!(mean(&draws).abs() < 0.03);
        assert!((standard_deviation(&draws).expect("many") - 1.0).abs() < 0.03);
        assert_ne!(Random::stream(1, 2).uniform(), Random::stream(1, 3).uniform());
    }
}
