//! The back-test by rolling origin: from each start, every model sees only what was known then, and is measured by what came.

use rayon::prelude::*;

use super::reconcile::reconcile;
use super::{Model, Prediction, Problem, alive, depths, mean, naive, normal_quantile, variances};

/// What a score is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A model's own forecasts.
    Model(Model),
    /// The forecasts that are printed: of the chosen models, made to agree.
    Printed,
}

/// Errors of a source over all starts and periods ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Of what.
    pub source: Source,
    /// Forecasts measured.
    pub forecasts: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean of absolute error over amount; `None` where an amount is zero.
    pub mape: Option<f64>,
    /// Mean absolute error in units of what seasonal-naive errs inside the training history; below 1 is better than that.
    pub mase: Option<f64>,
    /// Sum of absolute errors over the sum of what was measured.
    pub wape: Option<f64>,
    /// Sum of errors over the sum of what was measured: above 0 is too high.
    pub bias: Option<f64>,
    /// Share of measured values inside the interval, each start judged with the width that the other starts give.
    pub coverage: Option<f64>,
}

/// By start, node and model: what was predicted; `None` where the history did not allow the model.
pub(super) struct Tested {
    origins: Vec<usize>,
    predictions: Vec<Vec<Vec<Option<Vec<Prediction>>>>>,
}

/// Lets every model predict from every start.
pub(super) fn predict(
    problem: &Problem,
    history: &[Vec<f64>],
    models: &[Model],
    origins: &[usize],
) -> Tested {
    let predictions = origins
        .iter()
        .map(|origin| {
            history
                .par_iter()
                .map(|values| {
                    let known = alive(&values[..*origin]);
                    let ahead = problem.periods.min(values.len() - origin);
                    let made = |model: &Model| {
                        model.predict(known, problem.season, ahead).map(|(predictions, _)| predictions)
                    };
                    models.iter().map(made).collect()
                })
                .collect()
        })
        .collect();
    Tested { origins: origins.to_vec(), predictions }
}

/// Every prediction of a model for a node with what came, start by start. A model that a start did not allow is the
/// yardstick there, so that all models are measured by the same periods.
fn pairs<'a>(
    tested: &'a Tested,
    history: &'a [Vec<f64>],
    node: usize,
    model: usize,
) -> impl Iterator<Item = (usize, &'a Prediction, f64)> {
    tested.origins.iter().enumerate().flat_map(move |(start, origin)| {
        let own = &tested.predictions[start][node];
        let made = own[model].as_ref().or(own[0].as_ref());
        let made = made.map_or(&[][..], Vec::as_slice);
        made.iter().zip(&history[node][*origin..]).map(move |(made, actual)| (start, made, *actual))
    })
}

/// Index of the model that a node uses: the least absolute error; the yardstick wins ties.
pub(super) fn choose(
    problem: &Problem,
    history: &[Vec<f64>],
    tested: &Tested,
    models: &[Model],
    node: usize,
) -> usize {
    let error = |model: usize| -> f64 {
        pairs(tested, history, node, model).map(|(_, made, actual)| (made.middle - actual).abs()).sum()
    };
    let first = usize::from(!problem.fall_back && models.len() > 1);
    let mut best = (first, error(first));
    for model in first + 1..models.len() {
        let own = error(model);
        if own < best.1 {
            best = (model, own);
        }
    }
    best.0
}

/// By start and period ahead: the forecasts of the chosen models, made to agree.
pub(super) fn agree(
    problem: &Problem,
    history: &[Vec<f64>],
    tested: &Tested,
    chosen: &[usize],
) -> Vec<Vec<Vec<f64>>> {
    let floor = history.iter().flatten().all(|value| *value >= 0.0);
    tested
        .predictions
        .iter()
        .map(|nodes| {
            let made: Vec<&[Prediction]> = nodes
                .iter()
                .zip(chosen)
                .map(|(own, chosen)| own[*chosen].as_ref().or(own[0].as_ref()).map_or(&[][..], Vec::as_slice))
                .collect();
            let variance = variances(&made);
            (0..made.first().map_or(0, |made| made.len()))
                .map(|period| {
                    let base: Vec<f64> = made.iter().map(|made| made[period].middle).collect();
                    reconcile(&problem.tree, problem.reconcile, &base, &variance, floor)
                })
                .collect()
        })
        .collect()
}

/// The score of errors (start, forecast, actual).
fn score(
    source: Source,
    problem: &Problem,
    values: &[f64],
    origins: &[usize],
    errors: &[(usize, f64, f64)],
) -> Score {
    let absolute: Vec<f64> = errors.iter().map(|(_, made, actual)| (made - actual).abs()).collect();
    let total: f64 = errors.iter().map(|(_, _, actual)| actual.abs()).sum();
    let scales: Vec<Option<f64>> =
        origins.iter().map(|origin| naive::scale(alive(&values[..*origin]), problem.season)).collect();
    let scaled: Option<Vec<f64>> =
        errors.iter().map(|(start, made, actual)| Some((made - actual).abs() / scales[*start]?)).collect();
    let of_amount =
        |(_, made, actual): &(usize, f64, f64)| (*actual != 0.0).then(|| ((made - actual) / actual).abs());
    let shares: Option<Vec<f64>> = errors.iter().map(of_amount).collect();
    let squares: Vec<f64> = absolute.iter().map(|error| error * error).collect();
    let share = |sum: f64| (total > 0.0).then(|| sum / total);
    Score {
        source,
        forecasts: errors.len(),
        mae: mean(&absolute),
        rmse: mean(&squares).sqrt(),
        mape: shares.filter(|all| !all.is_empty()).map(|all| mean(&all)),
        mase: scaled.filter(|all| !all.is_empty()).map(|all| mean(&all)),
        wape: share(absolute.iter().sum()),
        bias: share(errors.iter().map(|(_, made, actual)| made - actual).sum()),
        coverage: None,
    }
}

/// The scores of all models for a node.
pub(super) fn scores(
    problem: &Problem,
    history: &[Vec<f64>],
    tested: &Tested,
    models: &[Model],
    node: usize,
) -> Vec<Score> {
    models
        .iter()
        .enumerate()
        .map(|(index, model)| {
            let errors: Vec<_> = pairs(tested, history, node, index)
                .map(|(start, made, actual)| (start, made.middle, actual))
                .collect();
            score(Source::Model(*model), problem, &history[node], &tested.origins, &errors)
        })
        .collect()
}

/// The score of what is printed for a node.
pub(super) fn published(
    problem: &Problem,
    history: &[Vec<f64>],
    origins: &[usize],
    agreed: &[Vec<Vec<f64>>],
    node: usize,
) -> Score {
    let errors: Vec<_> = origins
        .iter()
        .enumerate()
        .flat_map(|(start, origin)| {
            let actuals = &history[node][*origin..];
            agreed[start].iter().zip(actuals).map(move |(made, actual)| (start, made[node], *actual))
        })
        .collect();
    score(Source::Printed, problem, &history[node], origins, &errors)
}

/// Mean absolute error of a normal distribution with a standard deviation of 1.
const MEAN_ERROR: f64 = 0.797_884_560_802_865_4;

/// How many mean errors hold the wanted share of errors: the order statistic of split conformal prediction (Vovk, Gammerman
/// and Shafer 2005). With too few errors for it, the largest, and at least the normal quantile.
fn quantile(mut off: Vec<f64>, interval: f64) -> f64 {
    off.sort_by(f64::total_cmp);
    let rank = ((off.len() + 1) as f64 * interval).ceil() as usize;
    match off.get(rank.saturating_sub(1)) {
        Some(width) if width.is_finite() => *width,
        _ => {
            let normal = normal_quantile(0.5 + interval / 2.0) / MEAN_ERROR;
            off.iter().copied().filter(|value| value.is_finite()).fold(normal, f64::max)
        }
    }
}

/// The errors of the printed forecasts of a node, each as if it had been made one period ahead, by start; and what the model
/// itself expected to err by then.
struct Errors {
    by_start: Vec<Vec<f64>>,
    expected: Vec<f64>,
    /// What the model that is printed expects to err by.
    now: f64,
}

impl Errors {
    /// The mean error, a start left out. What the model expects counts as one more: few errors may all be small by luck.
    fn mean(&self, without: Option<usize>) -> f64 {
        let expected = without.map_or(self.now, |start| self.expected[start]);
        let kept = self.by_start.iter().enumerate().filter(|(start, _)| Some(*start) != without);
        let kept = kept.flat_map(|(_, errors)| errors).filter(|error| error.is_finite());
        let (sum, count) = kept.fold((expected, 1.0), |(sum, count), error| (sum + error, count + 1.0));
        sum / count
    }
}

/// For each node the width of its interval to each side one period ahead, and the coverage in the back-test. The width is the
/// node's own mean error times a number of them that is pooled over the nodes of a level, because one node has few errors.
/// Errors are measured by errors, never by what a model promises: after a flat history that is next to nothing.
pub(super) fn widths(
    problem: &Problem,
    history: &[Vec<f64>],
    tested: &Tested,
    chosen: &[usize],
    agreed: &[Vec<Vec<f64>>],
    fits: &[&[Prediction]],
) -> Vec<(f64, Option<f64>)> {
    let depths = depths(&problem.tree);
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let starts = tested.origins.len();
    let errors = |node: usize| {
        let factors = fits[node].first().is_some_and(|made| made.logarithmic);
        let mut own = Errors {
            by_start: vec![vec![]; starts],
            expected: vec![0.0; starts],
            now: fits[node].first().map_or(0.0, |made| made.spread_as(factors) * MEAN_ERROR),
        };
        let mut first = Prediction { middle: 0.0, spread: 0.0, logarithmic: false };
        for (start, made, actual) in pairs(tested, history, node, chosen[node]) {
            let step = own.by_start[start].len();
            if step == 0 {
                first = *made;
                own.expected[start] = made.spread_as(factors) * MEAN_ERROR;
            }
            let error = distance(agreed[start][step][node], actual, factors);
            own.by_start[start].push(error / made.growth(&first));
        }
        own
    };
    let errors: Vec<Errors> = (0..depths.len()).map(errors).collect();
    let count = |depth: usize, without: Option<usize>| {
        let nodes = errors.iter().zip(&depths).filter(|(_, own)| **own == depth);
        let in_means = |(own, _): (&Errors, _)| {
            let mean = own.mean(without);
            let kept = own.by_start.iter().enumerate().filter(|(start, _)| Some(*start) != without);
            // Exactly right is never off, not even by a mean of nothing.
            let off = |error: &f64| if *error == 0.0 { 0.0 } else { error / mean };
            kept.flat_map(|(_, errors)| errors).map(off).collect::<Vec<f64>>()
        };
        quantile(nodes.flat_map(in_means).collect(), problem.interval)
    };
    let counts: Vec<f64> = (0..=deepest).map(|depth| count(depth, None)).collect();
    let others: Vec<Vec<f64>> =
        (0..=deepest).map(|depth| (0..starts).map(|start| count(depth, Some(start))).collect()).collect();
    let of_node = |(own, depth): (&Errors, &usize)| {
        let held = |(start, error): (usize, &f64)| *error <= others[*depth][start] * own.mean(Some(start));
        let all = own.by_start.iter().enumerate();
        let all: Vec<bool> =
            all.flat_map(|(start, errors)| errors.iter().map(move |error| held((start, error)))).collect();
        let judged = starts >= 2 && !all.is_empty();
        let inside = all.iter().filter(|inside| **inside).count();
        (counts[*depth] * own.mean(None), judged.then(|| inside as f64 / all.len() as f64))
    };
    errors.iter().zip(&depths).map(of_node).collect()
}

/// How far apart a forecast and what came are; the logarithm of their ratio for errors that are factors.
fn distance(made: f64, actual: f64, factors: bool) -> f64 {
    match (factors, made > 0.0 && actual > 0.0) {
        (false, _) => (actual - made).abs(),
        (true, true) => (actual / made).ln().abs(),
        (true, false) => f64::INFINITY,
    }
}
