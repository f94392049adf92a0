//! The metrics of a set of quotas, each with the band that practice holds healthy and who says so.

use super::{Problem, Seat, SeatScore};
use crate::engine::statistics::{mean, pearson, quantile, solve_positive, spearman, standard_deviation};

/// Ends of a band; an end that is absent has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// Least.
    pub low: Option<f64>,
    /// Greatest.
    pub high: Option<f64>,
}

/// A number about a set of quotas.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name, as bands of a plan refer to it.
    pub name: String,
    /// Of what, in words.
    pub meaning: String,
    /// The value, the mean over draws; `None` when the data does not tell.
    pub value: Option<f64>,
    /// What one draw in ten does not reach, and what one in ten exceeds.
    pub range: Option<(f64, f64)>,
    /// The band.
    pub band: Option<Band>,
    /// Who says so.
    pub source: &'static str,
}

impl Metric {
    /// Where the value lies.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        let (Some(value), Some(band)) = (self.value, self.band) else {
            return if self.value.is_none() { "not measured" } else { "no band" };
        };
        if band.low.is_some_and(|low| value < low) {
            "below"
        } else if band.high.is_some_and(|high| value > high) {
            "above"
        } else {
            "inside"
        }
    }

    /// True when it lies outside its band.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        matches!(self.verdict(), "below" | "above")
    }
}

const PLAN: &str = "the plan";
const OWN: &str = "a decision of spm";

type Usual = (&'static str, &'static str, Option<f64>, Option<f64>, &'static str);

/// Name, meaning, low and high end of the band, source.
pub static METRICS: &[Usual] = &[
    ("share-at-quota", "seats at or above quota", Some(0.5), Some(0.7), "Alexander Group; Blue Horizons"),
    ("share-at-threshold", "seats at or above threshold", Some(0.9), None, "Aurochs; Blue Horizons"),
    ("share-excellent", "seats at or above excellence", Some(0.05), Some(0.15), "Aurochs: about 10 %"),
    ("share-near-quota", "seats at 95 % to 105 % of quota", None, None, ""),
    ("mean-attainment", "mean attainment of seats", None, None, ""),
    ("attainment-deviation", "standard deviation of attainment", None, None, ""),
    ("bias", "sum of sales / sum of quotas", Some(0.95), Some(1.05), OWN),
    ("accuracy", "mean of |sales - quota| / quota", None, None, ""),
    ("chance-lowest", "chance of the seat with the least", None, None, ""),
    ("chance-highest", "chance of the seat with the most", None, None, ""),
    ("chance-spread", "nine tenths of chances less one tenth", None, None, ""),
    (
        "spearman-quota",
        "rank correlation of attainment and quota",
        Some(-0.2),
        Some(0.2),
        "after Zoltners and Sinha",
    ),
    (
        "spearman-potential",
        "rank correlation of attainment and potential",
        Some(-0.2),
        Some(0.2),
        "after Zoltners and Sinha",
    ),
    (
        "spearman-tenure",
        "rank correlation of attainment and tenure",
        Some(-0.2),
        Some(0.2),
        "after Zoltners and Sinha",
    ),
    ("pearson-quota", "correlation of attainment and quota", Some(-0.3), Some(0.3), OWN),
    ("pearson-potential", "correlation of attainment and potential", Some(-0.3), Some(0.3), OWN),
    ("pearson-tenure", "correlation of attainment and tenure", Some(-0.3), Some(0.3), OWN),
    ("quota-to-potential-spread", "quota / potential, largest over smallest", None, None, ""),
    ("growth-low", "quota / last sales - 1, one tenth of seats below", None, None, ""),
    ("growth-high", "quota / last sales - 1, one tenth of seats above", None, None, ""),
    (
        "ratchet-over",
        "growth of quota for each 100 % over last quota",
        None,
        None,
        "after Leone, Misra and Zimmerman",
    ),
    (
        "ratchet-under",
        "growth of quota for each 100 % under last quota",
        None,
        None,
        "after Leone, Misra and Zimmerman",
    ),
    ("ratchet-asymmetry", "ratchet-over less ratchet-under", None, Some(0.2), OWN),
    (
        "quota-to-target-pay",
        "sum of quotas / sum of target pay",
        Some(4.0),
        Some(8.0),
        "BenchSights, forEntrepreneurs, CRO Report",
    ),
    ("away-from-equal-pain", "share of the total in other seats than equal pain has it", None, None, ""),
    ("equal-pain-share-at-quota", "seats at or above quota if pain were equal", None, None, ""),
    ("compensation-cost", "what the comp plans pay", None, None, ""),
    ("cost-of-sales", "what the comp plans pay / sales", None, Some(0.1), "HBS: about 10 % of revenue"),
    (
        "cost-of-variation",
        "what they pay / what they would pay if everybody sold what is expected - 1",
        Some(-0.05),
        Some(0.05),
        OWN,
    ),
    (
        "over-assignment",
        "sum of quotas below / quota above - 1",
        Some(0.0),
        Some(0.2),
        "SBI, Lowndes, TigerEye: 5 % to 20 %",
    ),
];

/// The usual band of a metric.
#[must_use]
pub fn usual_band(name: &str) -> Option<Band> {
    let (_, _, low, high, _) = METRICS.iter().find(|own| own.0 == name)?;
    (low.is_some() || high.is_some()).then_some(Band { low: *low, high: *high })
}

/// A metric with the band of the plan, or else the usual one.
#[must_use]
pub fn metric(problem: &Problem, name: &str, value: Option<f64>, range: Option<(f64, f64)>) -> Metric {
    let (_, meaning, _, _, source) =
        METRICS.iter().find(|own| own.0 == name).copied().unwrap_or(("", "", None, None, ""));
    let stated = problem.bands.iter().find(|(own, _)| own == name).map(|(_, band)| *band);
    Metric {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        value: value.filter(|value| value.is_finite()),
        range,
        band: stated.or_else(|| usual_band(name)),
        source: if stated.is_some() { PLAN } else { source },
    }
}

/// A metric whose value is the mean over draws.
#[must_use]
pub fn drawn(problem: &Problem, name: &str, values: &[Option<f64>]) -> Metric {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    if known.is_empty() {
        return metric(problem, name, None, None);
    }
    let range = quantile(&known, 0.1).zip(quantile(&known, 0.9)).filter(|_| values.len() > 1);
    metric(problem, name, Some(mean(&known)), range)
}

/// All metrics.
pub(super) fn all(problem: &Problem, sales: &[Vec<f64>], scores: &[SeatScore], equal: &[f64]) -> Vec<Metric> {
    let seats = &problem.seats;
    let quotas: Vec<f64> = seats.iter().map(|seat| seat.quota).collect();
    let attained: Vec<Vec<f64>> = sales
        .iter()
        .map(|draw| draw.iter().zip(&quotas).map(|(sold, quota)| sold / quota).collect())
        .collect();
    let each = |pick: &dyn Fn(&[f64]) -> Option<f64>| -> Vec<Option<f64>> {
        attained.iter().map(|draw| pick(draw)).collect()
    };
    let share = |draw: &[f64], holds: &dyn Fn(f64) -> bool| {
        Some(draw.iter().filter(|own| holds(**own)).count() as f64 / draw.len() as f64)
    };
    let chances: Vec<f64> = scores.iter().map(|score| score.chance).collect();
    let mut all = vec![
        drawn(problem, "share-at-quota", &each(&|draw| share(draw, &|own| own >= 1.0))),
        drawn(problem, "share-at-threshold", &each(&|draw| share(draw, &|own| own >= problem.threshold))),
        drawn(problem, "share-excellent", &each(&|draw| share(draw, &|own| own >= problem.excellence))),
        drawn(problem, "share-near-quota", &each(&|draw| share(draw, &|own| (0.95..=1.05).contains(&own)))),
        drawn(problem, "mean-attainment", &each(&|draw| Some(mean(draw)))),
        drawn(problem, "attainment-deviation", &each(&|draw| standard_deviation(draw))),
    ];
    let total: f64 = quotas.iter().sum();
    let sums: Vec<Option<f64>> = sales.iter().map(|draw| Some(draw.iter().sum::<f64>() / total)).collect();
    all.push(drawn(problem, "bias", &sums));
    let missed = |draw: &[f64]| Some(mean(&draw.iter().map(|own| (own - 1.0).abs()).collect::<Vec<_>>()));
    all.push(drawn(problem, "accuracy", &each(&missed)));
    if sales.len() > 1 {
        let ends = quantile(&chances, 0.1).zip(quantile(&chances, 0.9));
        all.push(metric(problem, "chance-lowest", quantile(&chances, 0.0), None));
        all.push(metric(problem, "chance-highest", quantile(&chances, 1.0), None));
        all.push(metric(problem, "chance-spread", ends.map(|(low, high)| high - low), None));
    }
    type Pick = fn(&Seat) -> Option<f64>;
    let sides: [(&str, Pick); 3] = [
        ("quota", |seat| Some(seat.quota)),
        ("potential", |seat| seat.potential),
        ("tenure", |seat| seat.tenure),
    ];
    for (kind, correlate) in
        [("spearman", spearman as fn(&[f64], &[f64]) -> Option<f64>), ("pearson", pearson)]
    {
        for (side, pick) in sides {
            let known: Vec<usize> = (0..seats.len()).filter(|seat| pick(&seats[*seat]).is_some()).collect();
            let values: Vec<f64> = known.iter().filter_map(|seat| pick(&seats[*seat])).collect();
            let correlation = |draw: &[f64]| {
                let own: Vec<f64> = known.iter().map(|seat| draw[*seat]).collect();
                correlate(&own, &values)
            };
            all.push(drawn(problem, &format!("{kind}-{side}"), &each(&correlation)));
        }
    }
    let ratios: Vec<f64> =
        seats.iter().filter_map(|seat| Some(seat.quota / seat.potential.filter(|own| *own > 0.0)?)).collect();
    let spread = quantile(&ratios, 1.0).zip(quantile(&ratios, 0.0)).map(|(most, least)| most / least);
    all.push(metric(problem, "quota-to-potential-spread", spread, None));
    let growth: Vec<f64> = seats
        .iter()
        .filter_map(|seat| Some(seat.quota / seat.history.filter(|own| *own > 0.0)? - 1.0))
        .collect();
    all.push(metric(problem, "growth-low", quantile(&growth, 0.1), None));
    all.push(metric(problem, "growth-high", quantile(&growth, 0.9), None));
    let ratchet = ratchet(seats);
    all.push(metric(problem, "ratchet-over", ratchet.map(|own| own.0), None));
    all.push(metric(problem, "ratchet-under", ratchet.map(|own| own.1), None));
    all.push(metric(problem, "ratchet-asymmetry", ratchet.map(|own| own.0 - own.1), None));
    let paid: Vec<(f64, f64)> = seats
        .iter()
        .filter_map(|seat| Some((seat.quota, seat.target_pay.filter(|own| *own > 0.0)?)))
        .collect();
    let pay: f64 = paid.iter().map(|(_, pay)| pay).sum();
    let to_pay = (pay > 0.0).then(|| paid.iter().map(|(quota, _)| quota).sum::<f64>() / pay);
    all.push(metric(problem, "quota-to-target-pay", to_pay, None));
    // Without any expectation nobody knows what equal pain would be.
    let known = equal.iter().sum::<f64>() > 0.0;
    let moved: f64 = quotas.iter().zip(equal).map(|(own, equal)| (own - equal).abs()).sum::<f64>() / 2.0;
    all.push(metric(problem, "away-from-equal-pain", known.then_some(moved / total), None));
    let baseline: Vec<Option<f64>> = sales
        .iter()
        .map(|draw| {
            let reached = draw.iter().zip(equal).filter(|(sold, equal)| **equal > 0.0 && **sold >= **equal);
            known.then_some(reached.count() as f64 / draw.len() as f64)
        })
        .collect();
    all.push(drawn(problem, "equal-pain-share-at-quota", &baseline));
    let mut compounded = 1.0;
    for (level, above, below) in &problem.levels {
        let over = below / above;
        compounded *= over;
        let mut own = metric(problem, "over-assignment", Some(over - 1.0), None);
        own.meaning = format!("{level}: {}", own.meaning);
        all.push(own);
    }
    if problem.levels.len() > 1 {
        let mut own = metric(problem, "over-assignment", Some(compounded - 1.0), None);
        own.meaning = "all levels, compounded".to_owned();
        all.push(own);
    }
    all
}

/// Least squares of the growth of quota on what last year was over and under its quota: how a quota that was beaten
/// rises, and how one that was missed falls. `None` below eight seats, or when nobody was over, or nobody under.
fn ratchet(seats: &[Seat]) -> Option<(f64, f64)> {
    let rows: Vec<([f64; 3], f64)> = seats
        .iter()
        .filter_map(|seat| {
            let (quota, sold) = seat.last.filter(|(quota, _)| *quota > 0.0)?;
            let over = sold / quota - 1.0;
            Some(([1.0, over.max(0.0), over.min(0.0)], seat.quota / quota - 1.0))
        })
        .collect();
    if rows.len() < 8 {
        return None;
    }
    let mut matrix = [0.0; 9];
    let mut right = [0.0; 3];
    for (inputs, growth) in &rows {
        for (row, (sum, input)) in right.iter_mut().zip(inputs).enumerate() {
            *sum += input * growth;
            for (cell, other) in matrix[row * 3..row * 3 + 3].iter_mut().zip(inputs) {
                *cell += input * other;
            }
        }
    }
    let solved = solve_positive(&matrix, &right)?;
    Some((solved[1], solved[2]))
}
