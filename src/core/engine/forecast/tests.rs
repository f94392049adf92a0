//! Forecasts against published and independently computed numbers, known truths, and laws.

use proptest::prelude::*;

use super::reconcile::{in_units, reconcile};
use super::*;
use crate::engine::statistics::Random;

/// Saudi Arabian oil production, 1996 to 2013 (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2nd
/// edition, section 7.1).
const OIL: [f64; 18] = [
    445.3641, 453.1950, 454.4096, 422.3789, 456.0371, 440.3866, 425.1944, 486.2052, 500.4291, 521.2759,
    508.9476, 488.8889, 509.8706, 456.7229, 473.8166, 525.9509, 549.8338, 542.3405,
];
/// Air passengers of Australia, 1990 to 2016 (the same, section 7.2).
const AIR: [f64; 27] = [
    17.5534, 21.8601, 23.8866, 26.9293, 26.8885, 28.8314, 30.0751, 30.9535, 30.1857, 31.5797, 32.5776,
    33.4774, 39.0216, 41.3864, 41.5966, 44.6577, 46.9518, 48.7288, 51.4884, 50.0270, 60.6409, 63.3604,
    66.3553, 68.1979, 68.1232, 69.7793, 72.5977,
];
/// Nights of international visitors in Australia by quarter, 2005 to 2015 (the same, section 7.3).
const VISITORS: [f64; 44] = [
    42.20566, 24.64917, 32.66734, 37.25735, 45.24246, 29.35048, 36.34421, 41.78208, 49.27660, 31.27540,
    37.85063, 38.83704, 51.23690, 31.83855, 41.32342, 42.79900, 55.70836, 33.40714, 42.31664, 45.15712,
    59.57608, 34.83733, 44.84168, 46.97125, 60.01903, 38.37118, 46.97586, 50.73380, 61.64687, 39.29957,
    52.67121, 54.33232, 66.83436, 40.87119, 51.82854, 57.49191, 65.25147, 43.06121, 54.76076, 59.83447,
    73.25703, 47.69662, 61.09777, 66.05576,
];

fn form(trend: Trend, seasonal: bool, logarithmic: bool) -> Form {
    Form { trend, seasonal, logarithmic }
}

#[test]
fn simple_smoothing_finds_the_published_weights() {
    // The book: alpha 0.8339, level before the first year 446.5868, forecast 542.68.
    let fitted = fit(&OIL, 1, form(Trend::None, false, false)).expect("long enough");
    assert!((fitted.weights.alpha - 0.8339).abs() < 2e-4, "{:?}", fitted.weights);
    assert!((fitted.initial.level - 446.5868).abs() < 0.05, "{:?}", fitted.initial);
    let next = fitted.predict(3);
    assert!(next.iter().all(|own| (own.middle - 542.68).abs() < 0.005), "{next:?}");
}

#[test]
fn fits_are_no_worse_than_those_of_statsmodels() {
    // statsmodels 0.15.0, ETSModel(y, error='add', ...).fit(maxiter=20000, ftol=1e-14): sum of squares, next periods.
    let logs: Vec<f64> = VISITORS.to_vec();
    let cases: [(&[f64], Form, f64, [f64; 2]); 5] = [
        (&OIL, form(Trend::None, false, false), 14_235.587_351_194_972, [542.6804, 542.6804]),
        (&AIR, form(Trend::Linear, false, false), 128.508_822_585_303, [74.5933, 76.6912]),
        (&AIR, form(Trend::Damped, false, false), 137.493_298_708_315_45, [73.9866, 75.4778]),
        (&VISITORS, form(Trend::None, true, false), 198.281_581_268_950_73, [75.4363, 50.1985]),
        (
            &logs,
            form(Trend::Damped, true, true),
            0.048_875_072_126_396_61,
            [4.378_f64.exp(), 3.9003_f64.exp()],
        ),
    ];
    for (history, form, squares, next) in cases {
        let fitted = fit(history, 4, form).expect("long enough");
        assert!(fitted.squares <= squares * 1.0001, "{}: {} > {squares}", form.words(), fitted.squares);
        for (own, expected) in fitted.predict(2).iter().zip(next) {
            assert!(
                (own.middle / expected - 1.0).abs() < 0.01,
                "{}: {} {expected}",
                form.words(),
                own.middle
            );
        }
    }
}

#[test]
fn the_criterion_is_that_of_statsmodels() {
    // The same runs: corrected criterion of the oil series, of its logarithms, up to the constant n (ln 2 pi + 1).
    let constant = 18.0 * ((2.0 * std::f64::consts::PI).ln() + 1.0);
    let plain = fit(&OIL, 1, form(Trend::None, false, false)).expect("long enough");
    assert!((plain.criterion + constant - 178.912_385_946_107).abs() < 1e-3);
    let logarithmic = fit(&OIL, 1, form(Trend::None, false, true)).expect("positive");
    let jacobian = 2.0 * OIL.iter().map(|value| value.ln()).sum::<f64>();
    assert!((logarithmic.criterion - jacobian + constant + 43.001_856_446_189_17).abs() < 1e-3);
}

/// A series made by a model with known weights.
fn made(form: Form, weights: Weights, noise: f64, length: usize, stream: u64) -> Vec<f64> {
    let mut random = Random::stream(7, stream);
    let (mut level, mut slope) = (100.0, if form.trend == Trend::None { 0.0 } else { 1.0 });
    let mut season = if form.seasonal { vec![20.0, -10.0, -30.0, 20.0] } else { vec![0.0; 4] };
    (0..length)
        .map(|period| {
            let error = noise * random.normal();
            let expected = level + weights.damping * slope + season[period % 4];
            level += weights.damping * slope + weights.alpha * error;
            slope = weights.damping * slope + weights.beta * error;
            season[period % 4] += weights.gamma * error;
            expected + error
        })
        .collect()
}

#[test]
fn known_weights_are_recovered_from_long_series() {
    let truth = Weights { alpha: 0.4, beta: 0.0, gamma: 0.2, damping: 1.0 };
    let series = made(form(Trend::None, true, false), truth, 3.0, 600, 1);
    let fitted = fit(&series, 4, form(Trend::None, true, false)).expect("long enough");
    assert!((fitted.weights.alpha - 0.4).abs() < 0.1, "{:?}", fitted.weights);
    assert!((fitted.weights.gamma - 0.2).abs() < 0.07, "{:?}", fitted.weights);
    assert!((fitted.variance.sqrt() - 3.0).abs() < 0.25);
    // The criterion tells a season from none.
    assert!(fit_best(&series[..80], 4).expect("long enough").form.seasonal);
}

/// The least squares of a level alone, for weights so many to the unit: the recursion written out, its start by least squares.
fn least_of_a_grid(values: &[f64], places: usize) -> f64 {
    let at = |alpha: f64| {
        // Errors are those of a start at zero, less what a start at one takes off them.
        let (mut level, mut part) = (0.0, 1.0);
        let (mut squares, mut cross, mut parts) = (0.0, 0.0, 0.0);
        for value in values {
            let error = value - level;
            squares += error * error;
            cross += error * part;
            parts += part * part;
            level += alpha * error;
            part *= 1.0 - alpha;
        }
        squares - cross * cross / parts
    };
    let alphas = (0..=places).map(|place| 0.0001 + 0.9998 * place as f64 / places as f64);
    alphas.map(at).fold(f64::INFINITY, f64::min)
}

#[test]
fn the_least_squares_of_all_weights_are_found() {
    // Squares with two valleys: a level that does not move, or one that follows halfway.
    let two = [10.0, 14.0, 9.0, 12.0, 25.0, 21.0, 24.0, 11.0, 13.0, 9.0, 12.0, 10.0];
    let mut series: Vec<Vec<f64>> = vec![two.to_vec()];
    for stream in 0..400 {
        let mut random = Random::stream(11, stream);
        let length = 8 + random.below(24);
        let mut level = 100.0;
        series.push(
            (0..length)
                .map(|_| {
                    level += if random.below(6) == 0 { 40.0 * random.normal() } else { 0.0 };
                    level + 15.0 * random.normal()
                })
                .collect(),
        );
    }
    for values in series {
        let fitted = fit(&values, 1, form(Trend::None, false, false)).expect("long enough");
        let least = least_of_a_grid(&values, 5000);
        assert!(fitted.squares <= least * (1.0 + 1e-6), "{} > {least}: {values:?}", fitted.squares);
    }
}

/// Forms of more weights against a grid of three times as many places as are looked at.
#[test]
fn no_grid_has_fewer_squares_than_a_fit() {
    let forms = [
        form(Trend::Linear, false, false),
        form(Trend::Damped, false, false),
        form(Trend::None, true, false),
        form(Trend::Linear, true, false),
    ];
    let mut worse = 0;
    for stream in 0..30 {
        let mut random = Random::stream(13, stream);
        let length = 20 + random.below(20);
        let values: Vec<f64> = (0..length)
            .map(|period| 100.0 + (period % 4) as f64 * 20.0 * random.normal() + 15.0 * random.normal())
            .collect();
        for form in forms {
            let fitted = fit(&values, 4, form).expect("long enough");
            let least = smooth::least_of_grid(&values, 4, form, 12);
            worse += usize::from(fitted.squares > least * (1.0 + 1e-6));
        }
    }
    assert_eq!(worse, 0, "fits that a grid beats, of 120");
}

#[test]
fn an_interval_after_a_flat_history_is_as_wide_as_the_errors_were() {
    // Nothing ever changed, until it jumped by 50 once: no interval is a thousand times as wide as that.
    let mut jumped = vec![100.0; 14];
    jumped.extend([150.0; 6]);
    let own =
        Problem { models: vec![Model::Simple, Model::SeasonalDrift], ..problem(vec![jumped], vec![None]) };
    let outcome = forecast(&own).expect("long enough");
    for (low, amount, high) in &outcome.nodes[0].amounts {
        assert!(high - amount <= 250.0 && amount - low <= 250.0, "{low} {amount} {high}");
        assert!(high - amount >= 1.0, "{low} {amount} {high}: it has erred");
    }
    // A group without a change stays exact beside one that jumps.
    let mut history = vec![vec![0.0; 20]; 3];
    history[1] = vec![70.0; 20];
    history[2] = own.history[0].clone();
    let own = Problem { history, tree: Tree::new(vec![None, Some(0), Some(0)]), ..own };
    let outcome = forecast(&own).expect("long enough");
    let wide =
        |node: usize| outcome.nodes[node].amounts.iter().map(|(low, _, high)| high - low).fold(0.0, f64::max);
    assert!(wide(2) <= 500.0 && wide(0) <= 500.0, "{} {}", wide(2), wide(0));
}

fn problem(history: Vec<Vec<f64>>, parent: Vec<Option<usize>>) -> Problem {
    Problem {
        tree: Tree::new(parent),
        history,
        season: 4,
        periods: 4,
        models: vec![Model::Smoothing, Model::SeasonalDrift],
        reconcile: Reconcile::Structural,
        interval: 0.8,
        origins: 8,
        fall_back: true,
    }
}

#[test]
fn a_perfect_season_is_naive_and_a_perfect_growth_is_drift() {
    let season = [10.0, 30.0, 20.0, 40.0];
    let flat: Vec<f64> = (0..20).map(|period| season[period % 4]).collect();
    let growing: Vec<f64> = (0..20).map(|period| season[period % 4] + 5.0 * (period / 4) as f64).collect();
    let outcome = forecast(&problem(vec![flat], vec![None])).expect("long enough");
    assert_eq!(outcome.nodes[0].model, Some(Model::SeasonalNaive), "the yardstick wins ties");
    assert!(outcome.nodes[0].naive_wins);
    let outcome =
        forecast(&Problem { models: vec![Model::SeasonalDrift], ..problem(vec![growing], vec![None]) });
    let node = &outcome.expect("long enough").nodes[0];
    assert_eq!(node.model, Some(Model::SeasonalDrift));
    let amounts: Vec<f64> = node.amounts.iter().map(|(_, amount, _)| amount.round()).collect();
    assert_eq!(amounts, [35.0, 55.0, 45.0, 65.0]);
    let naive = node.score(Source::Model(Model::SeasonalNaive)).expect("always");
    assert!((naive.mae - 5.0).abs() < 1e-9 && (naive.mase.expect("varies") - 1.0).abs() < 1e-9);
}

/// Groups with noise around a season and a trend.
fn world(stream: u64, groups: usize, length: usize) -> Problem {
    let parents = 2usize;
    let mut parent = vec![None, Some(0), Some(0)];
    let mut history = vec![vec![0.0; length]; 3];
    for group in 0..groups {
        parent.push(Some(1 + group % parents));
        let weights = Weights { alpha: 0.3, beta: 0.02, gamma: 0.1, damping: 0.95 };
        let form = form(Trend::Damped, true, false);
        history.push(made(form, weights, 8.0, length, stream * 100 + group as u64));
    }
    problem(history, parent)
}

#[test]
fn every_outcome_verifies_and_its_printed_parts_add_up() {
    for method in [Reconcile::BottomUp, Reconcile::TopDown, Reconcile::Structural, Reconcile::Variance] {
        let problem = Problem { reconcile: method, ..world(3, 5, 28) };
        let outcome = forecast(&problem).expect("long enough");
        assert_eq!(verify(&problem, &outcome, 100.0), Vec::<String>::new(), "{method:?}");
        let mut wrong = outcome.clone();
        wrong.nodes[4].amounts[1].1 += 0.5;
        assert!(!verify(&problem, &wrong, 100.0).is_empty());
        let mut wrong = outcome.clone();
        wrong.nodes[3].scores[0].mae *= 1.1;
        assert!(!verify(&problem, &wrong, 100.0).is_empty());
    }
}

#[test]
fn scaling_the_history_scales_the_forecast() {
    let one = world(4, 3, 24);
    let mut other = one.clone();
    other.history.iter_mut().flatten().for_each(|value| *value *= 1024.0);
    let (one, other) = (forecast(&one).expect("fits"), forecast(&other).expect("fits"));
    for (one, other) in one.nodes.iter().zip(&other.nodes) {
        assert_eq!(one.model, other.model);
        for (a, b) in one.amounts.iter().zip(&other.amounts) {
            assert!((a.1 * 1024.0 / b.1 - 1.0).abs() < 1e-6, "{a:?} {b:?}");
        }
    }
}

#[test]
fn intervals_hold_about_what_they_say() {
    // Forty worlds, each forecast for four periods that it has not seen.
    let (mut held, mut all) = (0, 0);
    for stream in 0..40 {
        let whole = world(stream + 10, 4, 32);
        let mut known = whole.clone();
        known.history.iter_mut().for_each(|own| own.truncate(28));
        let outcome = forecast(&known).expect("long enough");
        let actual = sums(&whole);
        for (node, actual) in outcome.nodes.iter().zip(&actual) {
            for ((low, _, high), actual) in node.amounts.iter().zip(&actual[28..]) {
                held += usize::from(low <= actual && actual <= high);
                all += 1;
            }
        }
    }
    let coverage = f64::from(held as u32) / f64::from(all as u32);
    assert!((0.72..=0.90).contains(&coverage), "{coverage} of {all}, nominal 0.8");
}

/// Least squares under the condition that parts add up, by the formula S (S' W^-1 S)^-1 S' W^-1, written out.
fn dense(tree: &Tree, base: &[f64], variance: &[f64]) -> Vec<f64> {
    let leaves: Vec<usize> = (0..base.len()).filter(|node| tree.is_leaf(*node)).collect();
    let covers = |node: usize, leaf: usize| {
        let mut here = Some(leaf);
        while let Some(at) = here {
            if at == node {
                return 1.0;
            }
            here = tree.parent[at];
        }
        0.0
    };
    let size = leaves.len();
    let mut matrix = vec![0.0; size * size];
    let mut right = vec![0.0; size];
    for node in 0..base.len() {
        for (row, one) in leaves.iter().enumerate() {
            let own = covers(node, *one) / variance[node];
            right[row] += own * base[node];
            for (column, other) in leaves.iter().enumerate() {
                matrix[row * size + column] += own * covers(node, *other);
            }
        }
    }
    let solved = crate::engine::statistics::solve_positive(&matrix, &right).expect("positive definite");
    (0..base.len())
        .map(|node| leaves.iter().zip(&solved).map(|(leaf, value)| covers(node, *leaf) * value).sum())
        .collect()
}

proptest! {
    #[test]
    fn least_change_is_minimum_trace(
        shape in proptest::collection::vec(0usize..4, 1..12),
        base in proptest::collection::vec(-50.0f64..100.0, 13),
        variance in proptest::collection::vec(0.1f64..20.0, 13),
    ) {
        let mut parent = vec![None];
        for (node, above) in shape.iter().enumerate() {
            parent.push(Some((*above).min(node)));
        }
        let tree = Tree::new(parent);
        let count = tree.parent.len();
        let own = reconcile(&tree, Reconcile::Variance, &base[..count], &variance[..count], false);
        for (own, expected) in own.iter().zip(dense(&tree, &base[..count], &variance[..count])) {
            prop_assert!((own - expected).abs() < 1e-6, "{own} {expected}");
        }
    }

    #[test]
    fn printed_parts_add_up_whatever_the_method(
        shape in proptest::collection::vec(0usize..4, 1..12),
        base in proptest::collection::vec(-50.0f64..100.0, 13),
        floor in any::<bool>(),
        method in 0usize..4,
    ) {
        let mut parent = vec![None];
        for (node, above) in shape.iter().enumerate() {
            parent.push(Some((*above).min(node)));
        }
        let tree = Tree::new(parent);
        let count = tree.parent.len();
        let method = Reconcile::from_name(Reconcile::NAMES[method]).expect("a name");
        let agreed = reconcile(&tree, method, &base[..count], &vec![1.0; count], floor);
        prop_assert!(!floor || agreed.iter().all(|value| *value >= 0.0));
        let units = in_units(&tree, &agreed, 100.0).expect("small");
        for (node, children) in tree.children.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
            prop_assert_eq!(children.iter().map(|child| units[*child]).sum::<i128>(), units[node]);
        }
        for (units, value) in units.iter().zip(&agreed) {
            let depth = 12.0;
            prop_assert!((*units as f64 - value * 100.0).abs() <= depth, "{units} {value}");
        }
    }
}

/// Quarterly production of beer in Australia, megalitres, 1992 to the middle of 2010 (the same, section 5.4).
const BEER: [f64; 74] = [
    443.0, 410.0, 420.0, 532.0, 433.0, 421.0, 410.0, 512.0, 449.0, 381.0, 423.0, 531.0, 426.0, 408.0, 416.0,
    520.0, 409.0, 398.0, 398.0, 507.0, 432.0, 398.0, 406.0, 526.0, 428.0, 397.0, 403.0, 517.0, 435.0, 383.0,
    424.0, 521.0, 421.0, 402.0, 414.0, 500.0, 451.0, 380.0, 416.0, 492.0, 428.0, 408.0, 406.0, 506.0, 435.0,
    380.0, 421.0, 490.0, 435.0, 390.0, 412.0, 454.0, 416.0, 403.0, 408.0, 482.0, 438.0, 386.0, 405.0, 491.0,
    427.0, 383.0, 394.0, 473.0, 420.0, 390.0, 410.0, 488.0, 415.0, 398.0, 419.0, 488.0, 414.0, 374.0,
];

#[test]
fn the_line_is_the_published_regression() {
    // The book: level 441.80044, trend -0.34027, seasons -34.65973, -17.82164 and 72.79641 beside the first.
    let level = 441.80044;
    let seasons = [0.0, -34.65973, -17.82164, 72.79641];
    let (made, _) = Model::Linear.predict(&BEER, 4, 4).expect("long enough");
    for (step, own) in made.iter().enumerate() {
        let period = BEER.len() + step;
        let expected = level - 0.34027 * (period + 1) as f64 + seasons[period % 4];
        assert!((own.middle - expected).abs() < 1e-3, "{own:?} {expected}");
    }
    // numpy, s sqrt(1 + x (X'X)^-1 x'): the published s is 12.23.
    assert!((made[0].spread - 12.816_744_512_826_57).abs() < 1e-9, "{made:?}");
    assert!((made[3].spread - 12.826_653_982_243_95).abs() < 1e-9, "{made:?}");
    assert!(Model::Linear.predict(&BEER[..7], 4, 1).is_none(), "five weights and no error");
}

#[test]
fn a_moving_average_is_the_mean_of_a_season() {
    let (made, _) = Model::MovingAverage.predict(&[1.0, 2.0, 3.0, 4.0, 6.0], 4, 2).expect("long enough");
    // (2 + 3 + 4 + 6) / 4; the one mean before, 2.5, missed 6 by 3.5.
    assert_eq!(made.iter().map(|own| (own.middle, own.spread)).collect::<Vec<_>>(), [(3.75, 3.5); 2]);
    let (made, _) = Model::MovingAverage.predict(&[9.0, 1.0, 2.0, 3.0], 1, 1).expect("long enough");
    assert_eq!(made[0].middle, 2.0);
}

#[test]
fn starts_know_two_seasons_or_leave_a_season_of_starts() {
    let known = |length, season, wanted| starts(length, season, wanted).collect::<Vec<_>>();
    assert_eq!(known(12, 4, 8), [8, 9, 10, 11]);
    assert_eq!(known(20, 4, 8), (12..20).collect::<Vec<_>>());
    assert_eq!(known(9, 4, 8), [5, 6, 7, 8]);
    assert_eq!(known(24, 12, 12), (12..24).collect::<Vec<_>>());
    assert_eq!(known(25, 12, 12), (13..25).collect::<Vec<_>>());
    assert_eq!(known(13, 12, 12), [12]);
    assert_eq!(known(12, 12, 12), Vec::<usize>::new());
    assert_eq!(known(5, 1, 8), [4]);
}

#[test]
fn short_histories_are_forecast_by_the_yardstick() {
    // Two years of months, each of the second 10 above the first; one year; not even that.
    let months: Vec<f64> = (0..24).map(|month| f64::from(100 + month % 12 + 10 * (month / 12))).collect();
    let asked = |history: &[f64]| Problem {
        history: vec![history.to_vec()],
        season: 12,
        origins: 12,
        ..problem_of_one()
    };
    let two = forecast(&asked(&months)).expect("two years are enough");
    assert_eq!(two.origins.len(), 12);
    assert_eq!(verify(&asked(&months), &two, 100.0), Vec::<String>::new());
    let naive = two.nodes[0].score(Source::Model(Model::SeasonalNaive)).expect("the yardstick");
    assert!((naive.mae - 10.0).abs() < 1e-9 && (naive.rmse - 10.0).abs() < 1e-9, "{naive:?}");
    let one = forecast(&asked(&months[..12])).expect("a year is enough");
    assert_eq!(verify(&asked(&months[..12]), &one, 100.0), Vec::<String>::new());
    let amounts: Vec<f64> = one.nodes[0].amounts.iter().map(|own| own.1).collect();
    assert_eq!(amounts, months[..4]);
    let score = one.nodes[0].score(Source::Printed).expect("what is printed");
    assert_eq!((score.forecasts, score.mase, score.mape, score.wape), (0, None, None, None));
    assert!(one.nodes[0].amounts[0].0 < 1.0, "nothing says how much a year changes");
    assert!(forecast(&asked(&months[..11])).is_none());
}

#[test]
fn errors_are_those_of_the_textbook() {
    // One start, two periods: 10 and 20 off of 100 and 80.
    let history = vec![vec![90.0, 60.0, 90.0, 60.0, 100.0, 80.0]];
    let problem = Problem { history, season: 2, periods: 2, models: vec![], origins: 2, ..problem_of_one() };
    let outcome = forecast(&problem).expect("long enough");
    assert_eq!(outcome.origins, [4, 5]);
    let naive = &outcome.nodes[0].scores[0];
    // From the fourth: 10, 20; from the fifth: 20.
    assert_eq!((naive.forecasts, naive.mae), (3, 50.0 / 3.0));
    assert!((naive.rmse - 300.0f64.sqrt()).abs() < 1e-12, "{naive:?}");
    assert!((naive.mape.expect("no zeros") - (0.1 + 0.25 + 0.25) / 3.0).abs() < 1e-12, "{naive:?}");
}

#[test]
fn equal_remainders_go_in_order() {
    // 0.5 + 0.5 + 0.5 + 0.5 of a cent, made by different sums: the first two get it.
    let tree = Tree::new(vec![None, Some(0), Some(0), Some(0), Some(0)]);
    let noise = [0.004_999_999_999_999, 0.005, 0.005_000_000_000_001, 0.005];
    let values: Vec<f64> = std::iter::once(0.02).chain(noise).collect();
    assert_eq!(in_units(&tree, &values, 100.0).expect("small"), [2, 1, 1, 0, 0]);
}

/// One group with the usual models.
fn problem_of_one() -> Problem {
    Problem {
        tree: Tree::new(vec![None]),
        history: vec![vec![]],
        season: 4,
        periods: 4,
        models: vec![Model::Smoothing, Model::SeasonalDrift],
        reconcile: Reconcile::Structural,
        interval: 0.8,
        origins: 8,
        fall_back: true,
    }
}

#[test]
fn a_new_group_learns_from_its_own_periods_only() {
    let mut history = world(5, 2, 24);
    for period in 0..14 {
        history.history[4][period] = 0.0;
    }
    let outcome = forecast(&history).expect("long enough");
    assert_eq!(verify(&history, &outcome, 100.0), Vec::<String>::new());
    let naive = Model::SeasonalNaive.predict(alive(&history.history[4]), 4, 1).expect("always");
    assert!(naive.0[0].middle > 0.0);
}
