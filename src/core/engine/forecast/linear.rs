//! A straight line through the history, with an amount of its own for each period of the season, by least squares.

use super::Prediction;
use crate::engine::statistics::solve_positive;

/// What the line is made of in a period: level, time, and the place in the season, the first of which is in the level. Time is
/// measured from the middle of the history, in histories, so that no number is large beside the others.
fn place(period: usize, length: usize, season: usize) -> Vec<f64> {
    let time = (period as f64 - (length - 1) as f64 / 2.0) / length as f64;
    let own = period % season;
    [1.0, time].into_iter().chain((1..season).map(|place| f64::from(u8::from(place == own)))).collect()
}

/// The next periods, each with the error of the line and of its own position. `None` when the history is too short.
#[must_use]
pub fn predict(history: &[f64], season: usize, periods: usize) -> Option<Vec<Prediction>> {
    let (length, count) = (history.len(), season + 1);
    if length < count + 3 {
        return None;
    }
    let (mut matrix, mut right) = (vec![0.0; count * count], vec![0.0; count]);
    for (period, value) in history.iter().enumerate() {
        let own = place(period, length, season);
        for (row, one) in own.iter().enumerate() {
            right[row] += one * value;
            for (column, other) in own.iter().enumerate() {
                matrix[row * count + column] += one * other;
            }
        }
    }
    let line = solve_positive(&matrix, &right)?;
    let on = |line: &[f64], at: &[f64]| line.iter().zip(at).map(|(own, at)| own * at).sum::<f64>();
    let squares: f64 = history
        .iter()
        .enumerate()
        .map(|(period, value)| (value - on(&line, &place(period, length, season))).powi(2))
        .sum();
    let variance = squares / (length - count) as f64;
    (length..length + periods)
        .map(|period| {
            let at = place(period, length, season);
            let own = on(&solve_positive(&matrix, &at)?, &at);
            let spread = (variance * (1.0 + own)).sqrt();
            Some(Prediction { middle: on(&line, &at), spread, logarithmic: false })
        })
        .collect()
}
