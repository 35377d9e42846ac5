//! The classical estimators against scikit-learn (values from tests/reference/classic.py).

use ndarray::Array2;
use qgraft::classic::{Pca, SupportVectors};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    rows: Vec<Vec<f64>>,
    labels: Vec<u32>,
    fresh: Vec<Vec<f64>>,
    pca: Vec<Vec<f64>>,
    gamma: f64,
    penalty: f64,
    decisions: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/classic.json")).unwrap()
}

fn array(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn worst(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |worst, d| d.abs().max(worst))
}

#[test]
fn principal_components_agree_with_scikit_learn() {
    let reference = reference();
    let pca = Pca::fit(array(&reference.rows).view(), 3, 7);
    // Orthogonal iteration stops at a relative residual of 1e-12.
    assert!(worst(&pca.transform(array(&reference.fresh).view()), &array(&reference.pca)) < 1e-9);
}

#[test]
fn components_beyond_the_rank_are_zero() {
    let flat = Array2::from_shape_fn((6, 3), |(i, j)| if j == 0 { i as f64 } else { 1.0 });
    let scores = Pca::fit(flat.view(), 2, 1).transform(flat.view());
    assert!(scores.column(1).iter().all(|v| v.abs() < 1e-9), "{scores}");
    assert!(scores.iter().all(|v| v.is_finite()));
}

#[test]
fn support_vectors_agree_with_scikit_learn() {
    let reference = reference();
    let (rows, fresh) = (array(&reference.rows), array(&reference.fresh));
    let kernel = |a: &Array2<f64>, b: &Array2<f64>| {
        Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| {
            let d = &a.row(i) - &b.row(j);
            (-reference.gamma * d.dot(&d)).exp()
        })
    };
    let machine = SupportVectors::fit(kernel(&rows, &rows).view(), &reference.labels, 3, reference.penalty, 1e-8);
    // Both solvers stop at an optimality gap of 1e-8; decision values inherit about that.
    assert!(worst(&machine.decide(kernel(&fresh, &rows).view()), &array(&reference.decisions)) < 1e-6);
}
