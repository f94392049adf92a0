//! Fairness of quotas: attainment simulated seat by seat, or measured when the periods are past, against reference bands.
//!
//! A seat is expected to sell an amount; what it sells is that times a factor drawn from what such expectations missed
//! before, times a factor that all seats share. Bands are practice lore, not laws: each stands with its source.

mod metrics;
#[cfg(test)]
mod tests;
mod verify;

use rayon::prelude::*;

pub use metrics::{Band, METRICS, Metric, drawn, metric, usual_band};
pub use verify::verify;

use super::statistics::{Random, mean, quantile};

/// Who has a quota, with what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    /// Quota over all periods that are scored; above zero.
    pub quota: f64,
    /// What the seat is expected to sell.
    pub expected: f64,
    /// What it sold in the season before.
    pub history: Option<f64>,
    /// What its accounts could buy, in any unit.
    pub potential: Option<f64>,
    /// Years.
    pub tenure: Option<f64>,
    /// Target pay over the same time.
    pub target_pay: Option<f64>,
    /// Quota and sales of the season before, where both are known.
    pub last: Option<(f64, f64)>,
    /// What was sold, when the periods are past.
    pub sold: Option<f64>,
}

/// What is scored.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// Seats in a stable order.
    pub seats: Vec<Seat>,
    /// Logarithms of sales over expectation, as expectations missed before; sorted. Their factors are scaled to a mean of
    /// 1, because an expectation is a mean. None: no variation.
    pub residuals: Vec<f64>,
    /// Standard deviation of the logarithm of the factor that all seats share.
    pub common: f64,
    /// Times that the year is drawn.
    pub draws: usize,
    /// Seed.
    pub seed: u64,
    /// Attainment from which anything is paid, such as 0.75.
    pub threshold: f64,
    /// Attainment that is excellent, such as 1.25.
    pub excellence: f64,
    /// Levels from above: name, sum of the quotas above, sum of those below.
    pub levels: Vec<(String, f64, f64)>,
    /// Bands of the plan, before the usual ones.
    pub bands: Vec<(String, Band)>,
}

/// What a seat has to expect.
#[derive(Clone, Debug, PartialEq)]
pub struct SeatScore {
    /// Chance of reaching quota.
    pub chance: f64,
    /// Mean attainment.
    pub attainment: f64,
    /// Attainment that one draw in ten does not reach.
    pub low: f64,
    /// Attainment that one draw in ten exceeds.
    pub high: f64,
    /// The quota that makes every seat's chance the same: the total shared in proportion to expectation.
    pub equal_pain: f64,
}

/// A scored set of quotas.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// By seat.
    pub seats: Vec<SeatScore>,
    /// Metrics in the order of [`METRICS`], over-assignment by level after the others.
    pub metrics: Vec<Metric>,
    /// True when measured, false when simulated.
    pub measured: bool,
}

/// What every seat sells in every draw: `[draw][seat]`. Past periods have one draw, what was sold.
#[must_use]
pub fn draw(problem: &Problem) -> Vec<Vec<f64>> {
    if let Some(sold) = problem.seats.iter().map(|seat| seat.sold).collect::<Option<Vec<f64>>>() {
        return vec![sold];
    }
    let factors: Vec<f64> = problem.residuals.iter().map(|own| own.exp()).collect();
    let scale = mean(&factors);
    let factors: Vec<f64> = factors.into_iter().map(|own| own / scale).collect();
    (0..problem.draws)
        .into_par_iter()
        .map(|number| {
            let mut random = Random::stream(problem.seed, number as u64);
            let shared = (problem.common * random.normal() - problem.common.powi(2) / 2.0).exp();
            problem
                .seats
                .iter()
                .map(|seat| {
                    let own = match factors.as_slice() {
                        [] => 1.0,
                        all => all[random.below(all.len())],
                    };
                    seat.expected * shared * own
                })
                .collect()
        })
        .collect()
}

/// The quotas that make every chance the same, adding up to the same total.
fn equal_pain(problem: &Problem) -> Vec<f64> {
    let total: f64 = problem.seats.iter().map(|seat| seat.quota).sum();
    let expected: f64 = problem.seats.iter().map(|seat| seat.expected.max(0.0)).sum();
    let share = |seat: &Seat| if expected > 0.0 { seat.expected.max(0.0) / expected } else { 0.0 };
    problem.seats.iter().map(|seat| total * share(seat)).collect()
}

/// Scores quotas; `sales` is what [`draw`] gave. Every quota is above zero.
#[must_use]
pub fn score(problem: &Problem, sales: &[Vec<f64>]) -> Outcome {
    let equal = equal_pain(problem);
    let seats = problem
        .seats
        .iter()
        .enumerate()
        .map(|(index, seat)| {
            let attained: Vec<f64> = sales.iter().map(|draw| draw[index] / seat.quota).collect();
            let reached = attained.iter().filter(|own| **own >= 1.0).count();
            SeatScore {
                chance: reached as f64 / attained.len().max(1) as f64,
                attainment: mean(&attained),
                low: quantile(&attained, 0.1).unwrap_or(0.0),
                high: quantile(&attained, 0.9).unwrap_or(0.0),
                equal_pain: equal[index],
            }
        })
        .collect::<Vec<_>>();
    let metrics = metrics::all(problem, sales, &seats, &equal);
    Outcome { seats, metrics, measured: problem.seats.iter().all(|seat| seat.sold.is_some()) }
}
