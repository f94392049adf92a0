//! Forecasts: models fitted to the history of every group, judged by a back-test, made to add up, with intervals.
//!
//! The yardstick is always seasonal-naive, what the same period of last season was. A model is used for a group only if
//! it beats the yardstick there in the back-test; otherwise the yardstick is the forecast, and the outcome says so.

mod backtest;
mod linear;
mod naive;
mod reconcile;
mod smooth;
#[cfg(test)]
mod tests;
mod verify;

use rayon::prelude::*;

pub use backtest::{Score, Source};
pub use reconcile::{Reconcile, Tree, in_units};
pub use smooth::{Form, Smoothed, Trend, Weights, fit, fit_best};
pub use verify::verify;

use super::statistics::{mean, normal_quantile};

/// A forecast of one period before it is made to agree with others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// As often above as below.
    pub middle: f64,
    /// Standard deviation of the error, of the logarithm where `logarithmic`.
    pub spread: f64,
    /// The error is a factor.
    pub logarithmic: bool,
}

impl Prediction {
    /// The standard deviation of the error, as a factor or as an amount.
    fn spread_as(&self, factor: bool) -> f64 {
        match (self.logarithmic, factor) {
            (false, true) if self.middle != 0.0 => self.spread / self.middle.abs(),
            (true, false) => self.spread * self.middle,
            _ => self.spread,
        }
    }

    /// How many times as far off as the forecast of the first period the model expects to be.
    fn growth(&self, first: &Self) -> f64 {
        if first.spread > 0.0 { self.spread / first.spread } else { 1.0 }
    }

    /// Low and high ends of an interval so wide to each side, around another middle.
    fn interval(&self, around: f64, width: f64) -> (f64, f64) {
        if self.logarithmic {
            (around * (-width).exp(), around * width.exp())
        } else {
            (around - width, around + width)
        }
    }
}

/// A way to forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// What the period was a season ago: the yardstick.
    SeasonalNaive,
    /// The same plus the mean change over the last season.
    SeasonalDrift,
    /// The mean of the last season.
    MovingAverage,
    /// A straight line and a season, by least squares.
    Linear,
    /// Exponential smoothing of the form that fits best by its criterion.
    Smoothing,
    /// Level only.
    Simple,
    /// Level and trend.
    Trend,
    /// Level and a trend that fades.
    Damped,
    /// Level and additive season.
    Seasonal,
    /// Level, fading trend and additive season.
    SeasonalDamped,
    /// Level and a season of factors.
    Multiplicative,
    /// Level, fading trend and a season of factors.
    MultiplicativeDamped,
}

impl Model {
    /// Names as plans write them, the yardstick first.
    pub const NAMES: [&'static str; 12] = [
        "seasonal-naive",
        "seasonal-drift",
        "moving-average",
        "linear",
        "smoothing",
        "simple",
        "trend",
        "damped",
        "seasonal",
        "seasonal-damped",
        "multiplicative",
        "multiplicative-damped",
    ];
    const ALL: [Self; 12] = [
        Self::SeasonalNaive,
        Self::SeasonalDrift,
        Self::MovingAverage,
        Self::Linear,
        Self::Smoothing,
        Self::Simple,
        Self::Trend,
        Self::Damped,
        Self::Seasonal,
        Self::SeasonalDamped,
        Self::Multiplicative,
        Self::MultiplicativeDamped,
    ];

    /// The model of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|own| *own == name)?;
        Some(Self::ALL[place])
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[Self::ALL.iter().position(|own| *own == self).unwrap_or(0)]
    }

    fn form(self) -> Option<Form> {
        let (trend, seasonal, logarithmic) = match self {
            Self::SeasonalNaive
            | Self::SeasonalDrift
            | Self::MovingAverage
            | Self::Linear
            | Self::Smoothing => return None,
            Self::Simple => (Trend::None, false, false),
            Self::Trend => (Trend::Linear, false, false),
            Self::Damped => (Trend::Damped, false, false),
            Self::Seasonal => (Trend::None, true, false),
            Self::SeasonalDamped => (Trend::Damped, true, false),
            Self::Multiplicative => (Trend::None, true, true),
            Self::MultiplicativeDamped => (Trend::Damped, true, true),
        };
        Some(Form { trend, seasonal, logarithmic })
    }

    /// The forecast of the next periods and what was fitted, in words; `None` when the history does not allow the model.
    #[must_use]
    pub fn predict(
        self,
        history: &[f64],
        season: usize,
        periods: usize,
    ) -> Option<(Vec<Prediction>, String)> {
        let words = |text: &str| text.to_owned();
        match self {
            Self::SeasonalNaive => Some((
                naive::seasonal_naive(history, season, periods),
                words(if history.len() >= season {
                    "the same period of last season"
                } else {
                    "the last period"
                }),
            )),
            Self::SeasonalDrift => {
                let made = naive::seasonal_drift(history, season, periods)?;
                Some((made, words("the same period of last season, plus the mean change over that season")))
            }
            Self::MovingAverage => {
                let made = naive::moving_average(history, season, periods)?;
                Some((made, words("the mean of the last season; of the last three periods without a season")))
            }
            Self::Linear => {
                let made = linear::predict(history, season, periods)?;
                Some((made, words("a straight line, plus an amount for each period of the season")))
            }
            _ => {
                let fitted = match self.form() {
                    Some(form) => fit(history, season, form)?,
                    None => fit_best(history, season)?,
                };
                let made = fitted.predict(periods);
                // A logarithmic trend can leave every number behind.
                made.iter().all(|own| own.middle.is_finite()).then(|| (made, describe(&fitted)))
            }
        }
    }
}

fn describe(fitted: &Smoothed) -> String {
    let weights = &fitted.weights;
    let mut text = format!("{}: alpha {:.4}", fitted.form.words(), weights.alpha);
    if fitted.form.trend != Trend::None {
        text += &format!(", beta {:.4}", weights.beta);
    }
    if fitted.form.trend == Trend::Damped {
        text += &format!(", damping {:.4}", weights.damping);
    }
    if fitted.form.seasonal {
        text += &format!(", gamma {:.4}", weights.gamma);
    }
    text
}

/// What is to be forecast.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Groups; the first is the whole.
    pub tree: Tree,
    /// History of each node, the oldest period first, all of the same length. Only those of leaves are used: others are
    /// their sums.
    pub history: Vec<Vec<f64>>,
    /// Periods in a season.
    pub season: usize,
    /// Periods to forecast.
    pub periods: usize,
    /// Models that are tried beside the yardstick.
    pub models: Vec<Model>,
    /// How the parts are made to add up.
    pub reconcile: Reconcile,
    /// Share of outcomes that an interval should hold, such as 0.8.
    pub interval: f64,
    /// Starts of the back-test.
    pub origins: usize,
    /// Where the yardstick wins the back-test it is the forecast.
    pub fall_back: bool,
}

/// The starts of the back-test, by how many periods are known at each. A model needs two seasons to learn a season from; where
/// the history leaves less than a season of starts then, the first know less, but a season, which the yardstick needs. None
/// where nothing follows the first season.
fn starts(length: usize, season: usize, wanted: usize) -> std::ops::Range<usize> {
    let two_seasons = (2 * season).max(4).min(length.saturating_sub(season));
    two_seasons.max(season).max(length.saturating_sub(wanted.max(1)))..length
}

/// The forecast of one node.
#[derive(Clone, Debug)]
pub struct Node {
    /// The model; `None` where the amounts are only sums of the parts, or shares of the whole.
    pub model: Option<Model>,
    /// What was fitted, in words.
    pub fitted: String,
    /// The best of the models lost to the yardstick here.
    pub naive_wins: bool,
    /// By period: the model's own amount, before it was made to agree with the others.
    pub own: Vec<f64>,
    /// By period: low end, amount, high end.
    pub amounts: Vec<(f64, f64, f64)>,
    /// How far the interval of the first period goes to each side, from the errors of the back-test; as a logarithm where
    /// errors are factors.
    pub width: f64,
    /// Back-test of each model, of the yardstick, and of what is printed.
    pub scores: Vec<Score>,
}

impl Node {
    /// The back-test of one source.
    #[must_use]
    pub fn score(&self, source: Source) -> Option<&Score> {
        self.scores.iter().find(|score| score.source == source)
    }
}

/// What a forecast came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// By node.
    pub nodes: Vec<Node>,
    /// Starts of the back-test: how many periods each had to learn from.
    pub origins: Vec<usize>,
}

/// The history of a node without the periods before its first amount: a new group has no zeros to learn from.
fn alive(history: &[f64]) -> &[f64] {
    let start = history.iter().position(|value| *value != 0.0).unwrap_or(0);
    &history[start..]
}

/// Depth of each node; the whole has 0.
fn depths(tree: &Tree) -> Vec<usize> {
    let mut depths = vec![0; tree.parent.len()];
    for node in 1..depths.len() {
        depths[node] = tree.parent[node].map_or(0, |above| depths[above] + 1);
    }
    depths
}

/// Forecasts. `None` when the history has no whole season, or there is no node.
#[must_use]
pub fn forecast(problem: &Problem) -> Option<Outcome> {
    let length = problem.history.first()?.len();
    if length < problem.season.max(1) || problem.periods == 0 {
        return None;
    }
    let history = sums(problem);
    let mut models = vec![Model::SeasonalNaive];
    models.extend(problem.models.iter().copied().filter(|model| *model != Model::SeasonalNaive));
    models.dedup();
    let origins: Vec<usize> = starts(length, problem.season, problem.origins).collect();
    let tested = backtest::predict(problem, &history, &models, &origins);
    let chosen: Vec<usize> =
        (0..history.len()).map(|node| backtest::choose(problem, &history, &tested, &models, node)).collect();
    let agreed = backtest::agree(problem, &history, &tested, &chosen);
    let fits: Vec<(Vec<Prediction>, String)> = history
        .par_iter()
        .zip(&chosen)
        .map(|(own, chosen)| {
            let own = alive(own);
            let made = models[*chosen].predict(own, problem.season, problem.periods);
            made.or_else(|| Model::SeasonalNaive.predict(own, problem.season, problem.periods))
                .unwrap_or_default()
        })
        .collect();
    let floor = history.iter().flatten().all(|value| *value >= 0.0);
    let made: Vec<&[Prediction]> = fits.iter().map(|(made, _)| made.as_slice()).collect();
    let widths = backtest::widths(problem, &history, &tested, &chosen, &agreed, &made);
    let variance = variances(&made);
    let by_period: Vec<Vec<f64>> = (0..problem.periods)
        .map(|period| {
            let base: Vec<f64> = fits.iter().map(|(made, _)| made[period].middle).collect();
            reconcile::reconcile(&problem.tree, problem.reconcile, &base, &variance, floor)
        })
        .collect();
    let nodes = (0..history.len())
        .map(|node| {
            let (made, words) = &fits[node];
            let only_sum = problem.reconcile == Reconcile::BottomUp && !problem.tree.is_leaf(node);
            let only_share = problem.reconcile == Reconcile::TopDown && node > 0;
            let amounts = (0..problem.periods)
                .map(|period| {
                    let amount = by_period[period][node];
                    let width = widths[node].0 * made[period].growth(&made[0]);
                    let (low, high) = made[period].interval(amount, width);
                    (if floor { low.max(0.0) } else { low }, amount, high)
                })
                .collect();
            let mut scores = backtest::scores(problem, &history, &tested, &models, node);
            let naive = chosen[node] == 0 && models.len() > 1;
            let mut published = backtest::published(problem, &history, &origins, &agreed, node);
            published.coverage = widths[node].1;
            scores.push(published);
            Node {
                model: (!only_sum).then(|| models[chosen[node]]),
                fitted: if only_sum {
                    "the sum of its parts".to_owned()
                } else if only_share {
                    format!("a share of the whole, by: {words}")
                } else {
                    words.clone()
                },
                naive_wins: naive,
                own: made.iter().map(|own| own.middle).collect(),
                amounts,
                width: widths[node].0,
                scores,
            }
        })
        .collect();
    Some(Outcome { nodes, origins })
}

/// The history of every node: of a leaf its own, of the others the sums.
fn sums(problem: &Problem) -> Vec<Vec<f64>> {
    let mut history = problem.history.clone();
    for node in (0..history.len()).rev() {
        let children = &problem.tree.children[node];
        if children.is_empty() {
            continue;
        }
        let length = history[node].len();
        history[node] =
            (0..length).map(|period| children.iter().map(|child| history[*child][period]).sum()).collect();
    }
    history
}

/// Variance of the error of the next period, by node, in the unit of the amounts.
fn variances(fits: &[&[Prediction]]) -> Vec<f64> {
    fits.iter()
        .map(|made| {
            made.first().map_or(0.0, |own| {
                let spread = if own.logarithmic { own.spread * own.middle } else { own.spread };
                spread * spread
            })
        })
        .collect()
}
