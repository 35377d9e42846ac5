//! Angles on a circle and the codes they are learned in.

use std::f64::consts::{PI, TAU};

use qgraft::math::circular::{Code, distance, mean, wrap};

/// Every code that reads back exactly.
const EXACT: [Code; 4] = [
    Code::UnitVector,
    Code::PhaseShift { steps: 3, frequency: 1 },
    Code::PhaseShift { steps: 5, frequency: 1 },
    Code::PhaseShift { steps: 4, frequency: 1 },
];

const DEGREE: f64 = PI / 180.0;

#[test]
fn codes_read_back_what_they_wrote() {
    for step in 0..1440 {
        let angle = f64::from(step) * 0.25 * DEGREE;
        for code in EXACT {
            let written = code.encode(angle);
            assert_eq!(written.len(), code.width());
            assert!(distance(code.decode(&written), angle) < 1e-9, "{code:?} at {angle}");
            assert!((code.confidence(&written) - 1.0).abs() < 1e-12, "{code:?} at {angle}");
        }
        let gaussian = Code::Gaussian { bins: 360, sigma: 6.0 * DEGREE };
        let written = gaussian.encode(angle);
        assert!((written.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(distance(gaussian.decode(&written), angle) < 0.5 * DEGREE + 1e-9, "half a bin at {angle}");
        let bins = Code::Bins { bins: 360 };
        assert!(distance(bins.decode(&bins.encode(angle)), angle) < 0.5 * DEGREE + 1e-9, "half a bin at {angle}");
    }
}

#[test]
fn a_faster_phase_determines_the_angle_up_to_its_own_turn() {
    let code = Code::PhaseShift { steps: 3, frequency: 4 };
    for step in 0..360 {
        let angle = f64::from(step) * DEGREE;
        let read = code.decode(&code.encode(angle));
        assert!((0.0..TAU / 4.0 + 1e-12).contains(&read));
        assert!(distance(4.0 * read, 4.0 * angle) < 1e-9);
    }
}

#[test]
fn codes_are_continuous_across_the_seam() {
    for code in EXACT.into_iter().chain([Code::Gaussian { bins: 36, sigma: 0.2 }]) {
        let (before, after) = (code.encode(TAU - 1e-6), code.encode(1e-6));
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-4), "{code:?}");
    }
}

#[test]
fn distances_go_the_short_way() {
    assert!((distance(350.0 * DEGREE, 10.0 * DEGREE) - 20.0 * DEGREE).abs() < 1e-12);
    for (a, b) in [(0.1, 6.2), (3.0, 0.0), (-7.0, 12.0)] {
        assert!((distance(a, b) - distance(b, a)).abs() < 1e-12);
        assert!(distance(a, b) <= PI);
    }
    assert_eq!(wrap(-1e-20), 0.0);
}

#[test]
fn a_mean_crosses_the_seam_and_has_a_spread() {
    let (angle, length) = mean([(350.0 * DEGREE, 1.0), (10.0 * DEGREE, 1.0)]);
    assert!(distance(angle, 0.0) < 1e-12 && (length - (10.0 * DEGREE).cos()).abs() < 1e-12);
    let (_, length) = mean([(0.0, 1.0), (PI, 1.0)]);
    assert!(length < 1e-12, "opposite angles cancel");
}

#[test]
fn a_flat_distribution_is_not_confident() {
    let code = Code::Gaussian { bins: 360, sigma: 6.0 * DEGREE };
    assert!(code.confidence(&vec![1.0 / 360.0; 360]) < 1e-12);
    assert!(code.confidence(&code.encode(1.0)) > 0.3);
}

#[test]
fn means_are_those_of_scipy() {
    // scipy.stats.circmean, and 1 - circvar (1.17).
    for (angles, direction, length) in [
        (&[0.1, 6.2, 0.3][..], 0.10557029688042752, 0.987793663454948),
        (&[3.0, 3.3, 2.9, -3.1], 3.095762836036715, 0.9879287229006998),
        (&[5.0, 0.5], 5.891592653589793, 0.6281736227227391),
    ] {
        let got = mean(angles.iter().map(|angle| (*angle, 2.0)));
        assert!(distance(got.0, direction) < 1e-12 && (got.1 - length).abs() < 1e-12, "{angles:?}: {got:?}");
    }
}
