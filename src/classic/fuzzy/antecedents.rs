//! The IF parts of rules.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::classic::clustering::{Linkage, agglomerate};

/// How fast a rule stops to fire away from its centre; s is the standard deviation of its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firing {
    /// e^{-(x - v)² / (2 s²)}: the Gaussian of the textbooks.
    #[default]
    Variance,
    /// e^{-(x - v)² / s}: as the code of Tian et al. 2019 (doi 10.1109/TNSRE.2019.2940485) has it.
    Deviation,
}

/// Centres and widths of rules, each (rules, width).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Antecedents {
    /// Means of the groups.
    pub centers: Array2<f64>,
    /// Standard deviations of the groups, 10⁻⁶ added; those of all rows for a group of one row.
    pub widths: Array2<f64>,
    /// How the widths act.
    pub firing: Firing,
    /// Whether exponents are means over the columns instead of sums. A product over a hundred columns leaves one rule alone
    /// with every row.
    pub is_averaged: bool,
}

impl Antecedents {
    /// At most `rules` rules from groups of `rows` (rows, width). Gives the groups, too.
    pub fn fit(
        rows: ArrayView2<'_, f64>,
        (rules, linkage): (usize, Linkage),
        firing: Firing,
        is_averaged: bool,
    ) -> (Self, Vec<usize>) {
        let groups = agglomerate(rows, rules, linkage);
        (Self::of_groups(rows, &groups, firing, is_averaged), groups)
    }

    /// Of known groups, numbered from 0 without gaps.
    pub fn of_groups(rows: ArrayView2<'_, f64>, groups: &[usize], firing: Firing, is_averaged: bool) -> Self {
        let count = groups.iter().max().map_or(0, |last| last + 1);
        let mut centers = Array2::zeros((count, rows.ncols()));
        let mut widths = centers.clone();
        for group in 0..count {
            let members: Vec<usize> = (0..groups.len()).filter(|&row| groups[row] == group).collect();
            let own = rows.select(Axis(0), &members);
            let mean = own.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
            let spread = if members.len() > 1 { own.std_axis(Axis(0), 0.0) } else { rows.std_axis(Axis(0), 0.0) };
            centers.row_mut(group).assign(&mean);
            widths.row_mut(group).assign(&(spread + 1e-6));
        }
        Self { centers, widths, firing, is_averaged }
    }

    /// Number of rules.
    pub fn rules(&self) -> usize {
        self.centers.nrows()
    }

    /// (rows, rules): how much each rule fires, summing to 1 in every row. The largest exponent is taken out before powers are
    /// formed, so no row is without a rule.
    pub fn firing(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        let columns = if self.is_averaged { self.centers.ncols().max(1) as f64 } else { 1.0 };
        let mut fired = Array2::from_shape_fn((rows.nrows(), self.rules()), |(row, rule)| {
            let (center, width) = (self.centers.row(rule), self.widths.row(rule));
            let one = |k: usize| {
                let distance = rows[[row, k]] - center[k];
                match self.firing {
                    Firing::Variance => distance * distance / (2.0 * width[k] * width[k]),
                    Firing::Deviation => distance * distance / width[k],
                }
            };
            -(0..rows.ncols()).map(one).sum::<f64>() / columns
        });
        for mut row in fired.rows_mut() {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.mapv_inplace(|exponent| (exponent - largest).exp());
            let sum = row.sum();
            row /= sum;
        }
        fired
    }

    /// (rows, rules · (width + 1)): for each rule its share of the firing times [x, 1].
    pub fn features(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        let (fired, width) = (self.firing(rows), rows.ncols());
        let mut features = Array2::zeros((rows.nrows(), self.rules() * (width + 1)));
        for rule in 0..self.rules() {
            let share = fired.column(rule).insert_axis(Axis(1));
            let start = rule * (width + 1);
            features.slice_mut(s![.., start..start + width]).assign(&(&rows * &share));
            features.slice_mut(s![.., start + width..start + width + 1]).assign(&share);
        }
        features
    }
}
