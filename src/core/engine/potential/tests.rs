//! Models of worlds whose truth is known, and a closed form as oracle.

use super::*;
use crate::engine::statistics::Random;

/// Seats that sell 100 + 3 x potential + 0 x noise input, with some noise.
fn world(seats: usize, noise: f64, stream: u64) -> Problem {
    let mut random = Random::stream(11, stream);
    let rows = (0..seats)
        .map(|seat| {
            let (potential, other) = (50.0 + 20.0 * random.normal(), random.normal());
            let sold = 100.0 + 3.0 * potential + noise * random.normal();
            Row { seat, inputs: vec![potential, other, 7.0], sold, before: Some(sold + 30.0) }
        })
        .collect();
    Problem { rows, interval: 0.8 }
}

#[test]
fn known_coefficients_are_recovered() {
    let problem = world(300, 5.0, 1);
    let outcome = fit(&problem).expect("enough");
    let (_, deviation, weight) = outcome.model.inputs[0];
    assert!((weight / deviation - 3.0).abs() < 0.05, "{}", weight / deviation);
    assert!((outcome.model.inputs[1].2).abs() < 1.0);
    assert_eq!(outcome.model.inputs[2].1, 0.0, "what does not vary plays no part");
    assert!(outcome.errors.explained > 0.98 && outcome.errors.model < 5.0);
    assert!((outcome.errors.same.expect("all have one").0 - 30.0).abs() < 1e-9);
    // Normal noise of 5: four fifths lie within 6.4.
    assert!((outcome.width - 6.41).abs() < 0.9, "{}", outcome.width);
    assert_eq!(verify(&problem, &outcome), Vec::<String>::new());
    let mut wrong = outcome;
    wrong.model.inputs[0].2 *= 1.01;
    assert!(!verify(&problem, &wrong).is_empty());
}

#[test]
fn one_input_is_the_closed_form() {
    // Ridge with one standardised input: weight = r s / (1 + penalty), r the correlation, s the deviation of sales.
    let mut problem = world(12, 40.0, 2);
    problem.rows.iter_mut().for_each(|row| row.inputs.truncate(1));
    let outcome = fit(&problem).expect("enough");
    let sold: Vec<f64> = problem.rows.iter().map(|row| row.sold).collect();
    let inputs: Vec<f64> = problem.rows.iter().map(|row| row.inputs[0]).collect();
    let deviation = (sold.iter().map(|own| (own - mean(&sold)).powi(2)).sum::<f64>() / 12.0).sqrt();
    let r = crate::engine::statistics::pearson(&inputs, &sold).expect("varies");
    let expected = r * deviation / (1.0 + outcome.model.penalty);
    assert!((outcome.model.inputs[0].2 - expected).abs() < 1e-9);
}

#[test]
fn noise_alone_is_shrunk_to_the_mean() {
    let mut random = Random::stream(3, 3);
    let rows = (0..12)
        .map(|seat| Row {
            seat,
            inputs: (0..4).map(|_| random.normal()).collect(),
            sold: 100.0 + 10.0 * random.normal(),
            before: None,
        })
        .collect();
    let problem = Problem { rows, interval: 0.8 };
    let outcome = fit(&problem).expect("enough");
    let spread: f64 = problem
        .rows
        .iter()
        .map(|row| outcome.model.expected(&row.inputs) - outcome.model.base)
        .map(f64::abs)
        .fold(0.0, f64::max);
    assert!(spread < 6.0, "{spread} {}", outcome.model.penalty);
    assert_eq!(outcome.errors.same, None);
    assert!(outcome.errors.model < outcome.errors.mean * 1.3);
}

#[test]
fn order_and_scale_change_nothing() {
    let problem = world(20, 10.0, 4);
    let mut other = problem.clone();
    other.rows.reverse();
    let (one, two) = (fit(&problem).expect("enough"), fit(&other).expect("enough"));
    assert_eq!(one.model.penalty, two.model.penalty);
    assert!((one.model.inputs[0].2 - two.model.inputs[0].2).abs() < 1e-9);
    let mut scaled = problem.clone();
    scaled.rows.iter_mut().for_each(|row| {
        row.sold *= 8.0;
        row.inputs[0] *= 4.0;
    });
    let scaled = fit(&scaled).expect("enough");
    assert!((scaled.model.inputs[0].2 - 8.0 * one.model.inputs[0].2).abs() < 1e-6);
    assert!(
        fit(&Problem { rows: problem.rows[..5].to_vec(), ..problem }).is_none(),
        "five seats are too few"
    );
}

#[test]
fn the_example_of_the_guide_is_that_of_scikit_learn() {
    // scikit-learn 1.9.1: Ridge(alpha=0.001 * 8).fit((x - x.mean()) / x.std(), y).coef_ is 59.29162965.
    let clinics = [10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 30.0];
    let sold = [104.0, 118.0, 143.0, 158.0, 181.0, 203.0, 217.0, 302.0];
    let rows = clinics.iter().zip(sold).enumerate();
    let rows = rows.map(|(seat, (own, sold))| Row { seat, inputs: vec![*own], sold, before: None });
    let outcome = fit(&Problem { rows: rows.collect(), interval: 0.8 }).expect("enough");
    assert_eq!(outcome.model.penalty, 0.001);
    assert!((outcome.model.inputs[0].2 - 59.291_629_65).abs() < 1e-7, "{}", outcome.model.inputs[0].2);
}
