//! Scores of worlds whose truth is known.

use super::*;
use crate::engine::statistics::{normal_quantile, spearman};

/// Seats whose quota is their expectation times a factor of their place.
fn world(seats: usize, factor: impl Fn(usize) -> f64) -> Problem {
    let residuals: Vec<f64> =
        (0..199).map(|place| 0.2 * normal_quantile((place as f64 + 0.5) / 199.0)).collect();
    let seats = (0..seats)
        .map(|place| {
            let expected = 100.0 + 10.0 * place as f64;
            Seat {
                quota: expected * factor(place),
                expected,
                history: Some(expected / 1.1),
                potential: Some(expected * 2.0),
                tenure: Some((place % 7) as f64),
                target_pay: Some(expected / 5.0),
                last: None,
                sold: None,
            }
        })
        .collect();
    Problem {
        seats,
        residuals,
        draws: 4000,
        seed: 1,
        threshold: 0.75,
        excellence: 1.25,
        ..Problem::default()
    }
}

fn value(outcome: &Outcome, name: &str) -> f64 {
    outcome.metrics.iter().find(|own| own.name == name).and_then(|own| own.value).expect("measured")
}

#[test]
fn known_chances_are_found() {
    // Sales are lognormal with the expectation as mean and deviation 0.2: a quota of f times the expectation is reached
    // with probability Phi((-ln f - 0.02) / 0.2).
    for (factor, chance) in [(1.0, 0.4602), (0.9, 0.6652), (1.25, 0.1120)] {
        let problem = world(30, |_| factor);
        let sales = draw(&problem);
        let outcome = score(&problem, &sales);
        assert!((value(&outcome, "share-at-quota") - chance).abs() < 0.01, "{factor}");
        assert_eq!(verify(&problem, &sales, &outcome), Vec::<String>::new());
        assert!((value(&outcome, "bias") * factor - 1.0).abs() < 0.01, "an expectation is a mean");
        assert!(value(&outcome, "away-from-equal-pain").abs() < 1e-9, "equal factors are equal pain");
        assert!((value(&outcome, "quota-to-target-pay") - 5.0 * factor).abs() < 1e-9);
    }
}

#[test]
fn a_quota_that_grows_with_size_shows_as_correlation() {
    let fair = world(40, |_| 0.95);
    let unfair = world(40, |place| 0.7 + 0.015 * place as f64);
    let fair = score(&fair, &draw(&fair));
    let unfair = score(&unfair, &draw(&unfair));
    assert!(value(&fair, "spearman-quota").abs() < 0.1);
    assert!(value(&unfair, "spearman-quota") < -0.5);
    assert!(value(&unfair, "chance-spread") > 0.5 && value(&fair, "chance-spread") < 0.1);
    let verdict = |outcome: &Outcome, name: &str| {
        outcome.metrics.iter().find(|own| own.name == name).map(Metric::verdict)
    };
    assert_eq!(verdict(&unfair, "spearman-quota"), Some("below"));
    assert_eq!(verdict(&fair, "spearman-quota"), Some("inside"));
    assert_eq!(verdict(&fair, "ratchet-over"), Some("not measured"));
}

#[test]
fn what_was_sold_is_measured_without_drawing() {
    let mut problem = world(10, |_| 1.0);
    for (place, seat) in problem.seats.iter_mut().enumerate() {
        seat.sold = Some(seat.quota * if place < 6 { 1.1 } else { 0.8 });
    }
    let sales = draw(&problem);
    let outcome = score(&problem, &sales);
    assert!(outcome.measured && sales.len() == 1);
    assert!((value(&outcome, "share-at-quota") - 0.6).abs() < 1e-12);
    assert!((value(&outcome, "share-at-threshold") - 1.0).abs() < 1e-12);
    let attained: Vec<f64> = outcome.seats.iter().map(|seat| seat.attainment).collect();
    let quotas: Vec<f64> = problem.seats.iter().map(|seat| seat.quota).collect();
    assert!(
        (value(&outcome, "spearman-quota") - spearman(&attained, &quotas).expect("varies")).abs() < 1e-12
    );
}

#[test]
fn an_asymmetric_ratchet_is_found() {
    let mut problem = world(20, |_| 1.0);
    for (place, seat) in problem.seats.iter_mut().enumerate() {
        let over = (place as f64 - 10.0) / 20.0;
        let quota = 100.0;
        // 2 % for all, half of what was over, a tenth of what was under.
        seat.quota = quota * (1.02 + if over > 0.0 { 0.5 * over } else { 0.1 * over });
        seat.last = Some((quota, quota * (1.0 + over)));
    }
    let outcome = score(&problem, &draw(&problem));
    assert!((value(&outcome, "ratchet-over") - 0.5).abs() < 1e-9);
    assert!((value(&outcome, "ratchet-under") - 0.1).abs() < 1e-9);
    assert!(outcome.metrics.iter().any(|own| own.name == "ratchet-asymmetry" && own.is_outside()));
}

#[test]
fn a_plan_can_give_every_metric_a_band() {
    let names: Vec<&str> = METRICS.iter().map(|own| own.0).collect();
    assert_eq!(names, crate::plan::fairness::METRICS);
}

#[test]
fn the_seed_decides_and_levels_compound() {
    let mut problem = world(12, |_| 1.0);
    problem.levels = vec![("region".to_owned(), 100.0, 110.0), ("seat".to_owned(), 110.0, 121.0)];
    problem.bands = vec![("over-assignment".to_owned(), Band { low: None, high: Some(0.05) })];
    assert_eq!(draw(&problem), draw(&problem));
    assert_ne!(draw(&problem), draw(&Problem { seed: 2, ..problem.clone() }));
    let outcome = score(&problem, &draw(&problem));
    let levels: Vec<_> = outcome.metrics.iter().filter(|own| own.name == "over-assignment").collect();
    assert_eq!(levels.len(), 3);
    assert!((levels[2].value.expect("known") - 0.21).abs() < 1e-9, "10 % on 10 % is 21 %");
    assert!(levels.iter().all(|own| own.is_outside() && own.source == "the plan"));
    // Tampering shows.
    let sales = draw(&problem);
    let mut wrong = outcome.clone();
    wrong.seats[3].chance += 0.2;
    assert!(!verify(&problem, &sales, &wrong).is_empty());
}
