//! The yardsticks: what a season ago was, with or without the change since.

use super::Prediction;
use crate::engine::statistics::mean;

/// The differences from a season before.
fn differences(history: &[f64], season: usize) -> Vec<f64> {
    history.windows(season + 1).map(|pair| pair[season] - pair[0]).collect()
}

/// The season that can be looked back over: one period when the history has no whole season.
fn lag(history: &[f64], season: usize) -> usize {
    if history.len() >= season { season } else { 1 }
}

fn root_mean_square(values: &[f64]) -> f64 {
    mean(&values.iter().map(|value| value * value).collect::<Vec<_>>()).sqrt()
}

/// Mean absolute error of seasonal-naive inside a history: the unit of MASE (Hyndman and Koehler 2006).
#[must_use]
pub fn scale(history: &[f64], season: usize) -> Option<f64> {
    // A season alone has nothing to be compared with.
    let lag = if history.len() > season { season } else { 1 };
    let changes: Vec<f64> = differences(history, lag).iter().map(|change| change.abs()).collect();
    let scale = mean(&changes);
    (scale > 0.0).then_some(scale)
}

/// Seasonal-naive: each period is what it was a season ago. Without a whole season, what the last period was.
#[must_use]
pub fn seasonal_naive(history: &[f64], season: usize, periods: usize) -> Vec<Prediction> {
    let lag = lag(history, season);
    let Some(start) = history.len().checked_sub(lag) else {
        return vec![Prediction { middle: 0.0, spread: 0.0, logarithmic: false }; periods];
    };
    let changes = differences(history, lag);
    // Of one season nothing says how much it changes: the error is taken to be as large as the amounts.
    let error =
        if changes.is_empty() { root_mean_square(&history[start..]) } else { root_mean_square(&changes) };
    (0..periods)
        .map(|step| Prediction {
            middle: history[start + step % lag],
            spread: error * ((step / lag + 1) as f64).sqrt(),
            logarithmic: false,
        })
        .collect()
}

/// The mean of the last season, or of three periods where there is no season. `None` below so many periods.
#[must_use]
pub fn moving_average(history: &[f64], season: usize, periods: usize) -> Option<Vec<Prediction>> {
    let window = if season == 1 { 3 } else { season };
    let middle = mean(&history[history.len().checked_sub(window)?..]);
    // What the mean of so many periods missed the next one by.
    let missed: Vec<f64> =
        history.windows(window + 1).map(|own| own[window] - mean(&own[..window])).collect();
    let error = if missed.is_empty() { middle } else { root_mean_square(&missed) };
    Some(vec![Prediction { middle, spread: error.abs(), logarithmic: false }; periods])
}

/// Seasonal-naive plus the mean change over the last season, season after season. `None` below two seasons.
#[must_use]
pub fn seasonal_drift(history: &[f64], season: usize, periods: usize) -> Option<Vec<Prediction>> {
    let changes = differences(history, season);
    let recent = changes.len().checked_sub(season)?;
    let drift = mean(&changes[recent..]);
    let around: Vec<f64> = changes.iter().map(|change| change - mean(&changes)).collect();
    // The drift itself is a mean of `season` changes, so that it errs as well.
    let error = root_mean_square(&around) * (1.0 + 1.0 / season as f64).sqrt();
    let naive = seasonal_naive(history, season, periods);
    let ahead = |step: usize| (step / season + 1) as f64;
    Some(
        naive
            .into_iter()
            .enumerate()
            .map(|(step, own)| Prediction {
                middle: own.middle + drift * ahead(step),
                spread: error * ahead(step).sqrt(),
                logarithmic: false,
            })
            .collect(),
    )
}
