//! Classifiers of pictures of two classes, from features to the logarithm of the odds.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::classic::{KernelLogistic, Pca, SupportVectors};
use crate::data::{FeatureRows, FeatureSplit};
use crate::nn::head::HeadConfig;
use crate::study::{ClassWeight, Observer, StudyError, TrainedHead, Trainer};
use crate::systems::cohort::arms::{ArmRow, Classifier};
use crate::systems::cohort::spec::Spec;
use crate::systems::cohort::tuned::{CutNetwork, TunedNetwork};

/// Violation at which support vectors are taken for found.
const TOLERANCE: f64 = 1e-4;

/// Brings columns to mean 0 and deviation 1.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// Mean of each column.
    pub mean: Array1<f64>,
    /// Its standard deviation; 1 for a column without spread.
    pub deviation: Array1<f64>,
}

impl Scaler {
    fn fit(rows: ArrayView2<'_, f64>) -> Self {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let deviation = rows.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 1e-12 { sd } else { 1.0 });
        Self { mean, deviation }
    }

    fn transform(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        (&rows - &self.mean) / &self.deviation
    }
}

/// A trained classifier.
#[derive(Clone)]
pub enum Fitted {
    /// w·x + b of standardised features.
    Linear {
        /// Of the features.
        scaler: Scaler,
        /// w.
        weights: Array1<f64>,
        /// b.
        bias: f64,
    },
    /// w·x + b of principal components.
    Components {
        /// Of the features.
        pca: Pca,
        /// w.
        weights: Array1<f64>,
        /// b.
        bias: f64,
    },
    /// Σ a_i e^{-gamma |x_i - x|²} + b of standardised features.
    SupportVectors {
        /// Of the features.
        scaler: Scaler,
        /// Support vectors, standardised (rows, width).
        rows: Array2<f64>,
        /// a.
        coefficients: Array1<f64>,
        /// b.
        bias: f64,
        /// Of the kernel.
        gamma: f64,
    },
    /// A head on principal components.
    Head {
        /// Of the features.
        pca: Pca,
        /// The head.
        head: Box<TrainedHead>,
    },
    /// The last stages of a network, which read planes.
    Tuned(Box<TunedNetwork>),
}

/// Rows to learn from.
pub struct Learning<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// The arm.
    pub arm: &'static ArmRow,
    /// (rows, width).
    pub rows: ArrayView2<'a, f64>,
    /// Whether a row is positive.
    pub labels: &'a [bool],
    /// The network whose last stages are trained; none of other arms.
    pub network: Option<&'a CutNetwork>,
    /// Of principal components, heads and last stages.
    pub seed: u64,
}

impl Learning<'_> {
    /// What cross-validation chooses from: penalties, costs, or nothing.
    pub fn choices(spec: &Spec, arm: &ArmRow) -> Vec<f64> {
        match arm.classifier {
            Classifier::Logistic | Classifier::Components => spec.penalties.clone(),
            Classifier::SupportVectors => spec.costs.clone(),
            Classifier::Head(_) | Classifier::Matched(_) | Classifier::Tuned => vec![0.0],
        }
    }

    /// A classifier for each of these choices.
    ///
    /// # Errors
    /// Features that are not finite, a training that fails or is stopped.
    pub fn fit(&self, choices: &[f64], observer: &dyn Observer) -> Result<Vec<Fitted>, StudyError> {
        if self.rows.iter().any(|value| !value.is_finite()) {
            return Err(StudyError::NotFinite { what: format!("features of {}", self.arm.name) });
        }
        match self.arm.classifier {
            Classifier::Logistic => {
                let scaler = Scaler::fit(self.rows);
                let rows = scaler.transform(self.rows);
                let fitted = self.linear(&rows, choices)?.into_iter();
                Ok(fitted.map(|(weights, bias)| Fitted::Linear { scaler: scaler.clone(), weights, bias }).collect())
            }
            Classifier::Components => {
                let pca = self.pca(self.spec.pixel_components);
                let fitted = self.linear(&pca.transform(self.rows), choices)?.into_iter();
                Ok(fitted.map(|(weights, bias)| Fitted::Components { pca: pca.clone(), weights, bias }).collect())
            }
            Classifier::SupportVectors => {
                let scaler = Scaler::fit(self.rows);
                let rows = scaler.transform(self.rows);
                // Columns have variance 1, or 0 without spread.
                let gamma = 1.0 / (rows.len() as f64 * rows.var(0.0).max(1e-12) / rows.nrows() as f64);
                let kernel = gaussian(&rows, &rows, gamma);
                let labels: Vec<u32> = self.labels.iter().map(|label| u32::from(*label)).collect();
                let machine = |cost: &f64| {
                    let machine = SupportVectors::fit(kernel.view(), &labels, 2, *cost, TOLERANCE);
                    let (coefficients, bias) = machine.machine(1);
                    let kept: Vec<usize> = (0..rows.nrows()).filter(|&row| coefficients[row] != 0.0).collect();
                    Fitted::SupportVectors {
                        scaler: scaler.clone(),
                        rows: rows.select(Axis(0), &kept),
                        coefficients: coefficients.select(Axis(0), &kept),
                        bias,
                        gamma,
                    }
                };
                Ok(choices.iter().map(machine).collect())
            }
            Classifier::Tuned => {
                let missing = || StudyError::Settings { reason: format!("{} has no network to train", self.arm.name) };
                let network = self.network.ok_or_else(missing)?;
                let rows = (self.rows, self.labels);
                let tuned = network.fit(&self.spec.tuning, rows, self.seed, observer)?;
                Ok(vec![Fitted::Tuned(Box::new(tuned))])
            }
            Classifier::Head(name) => self.head(HeadConfig::named(name)?.circuit(self.spec.circuit.clone()), observer),
            Classifier::Matched(name) => {
                let hidden = matched(self.spec, self.components(self.spec.components))?;
                self.head(HeadConfig::named(name)?.qubits(hidden), observer)
            }
        }
    }

    /// No more components than rows have directions.
    fn components(&self, most: usize) -> usize {
        most.min(self.rows.nrows() - 1).min(self.rows.ncols())
    }

    fn pca(&self, most: usize) -> Pca {
        let components = self.components(most);
        match self.rows.nrows() < self.rows.ncols() {
            true => Pca::fit_to_few(self.rows, components, self.seed),
            false => Pca::fit(self.rows, components, self.seed),
        }
    }

    fn linear(&self, rows: &Array2<f64>, penalties: &[f64]) -> Result<Vec<(Array1<f64>, f64)>, StudyError> {
        let kernel = rows.dot(&rows.t());
        let fit = |penalty: &f64| {
            let fitted = KernelLogistic::fit(kernel.view(), self.labels, *penalty);
            let what = || StudyError::NotFinite { what: format!("logistic regression of {}", self.arm.name) };
            let KernelLogistic { coefficients, bias } = fitted.ok_or_else(what)?;
            Ok((rows.t().dot(&coefficients), bias))
        };
        penalties.iter().map(fit).collect()
    }

    fn head(&self, config: HeadConfig, observer: &dyn Observer) -> Result<Vec<Fitted>, StudyError> {
        let pca = self.pca(self.spec.components);
        let rows = FeatureRows {
            values: pca.transform(self.rows).mapv(|value| value as f32),
            labels: self.labels.iter().map(|label| usize::from(*label)).collect(),
            classes: vec!["negative".into(), "positive".into()],
            ids: (0..self.labels.len()).map(|row| row.to_string()).collect(),
        };
        // The loop reports a loss after each epoch. Nothing is chosen by it.
        let data = FeatureSplit { validation: rows.select(&[0]), training: rows };
        let model = config.model(pca.components(), 2)?;
        let trainer = Trainer::new(self.spec.train).class_weight(ClassWeight::Balanced).seed(self.seed);
        let (head, _) = trainer.fit_model(&config, model, &data, observer)?;
        Ok(vec![Fitted::Head { pca, head: Box::new(head) }])
    }
}

/// Width of a hidden layer between `features` and two classes with at least as many parameters as the dressed circuit has.
///
/// # Errors
/// If the circuit cannot be built.
pub fn matched(spec: &Spec, features: usize) -> Result<usize, StudyError> {
    let config = HeadConfig::named("quantum")?.circuit(spec.circuit.clone());
    let qubits = config.circuit.width();
    let model = config.model(features, 2)?;
    let weights = model.ansatz.map_or(0, |ansatz| ansatz.weights());
    let wanted = (features + 1) * qubits + weights + 2 * qubits + 2;
    Ok((wanted - 2).div_ceil(features + 3))
}

impl Fitted {
    /// The logarithm of the odds of each row; of support vectors the decision, which is none yet.
    ///
    /// # Errors
    /// Features of another width, or a simulator that refuses.
    pub fn decide(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f64>, StudyError> {
        Ok(match self {
            Self::Linear { scaler, weights, bias } => (scaler.transform(rows).dot(weights) + *bias).to_vec(),
            Self::Components { pca, weights, bias } => (pca.transform(rows).dot(weights) + *bias).to_vec(),
            Self::SupportVectors { scaler, rows: support, coefficients, bias, gamma } => {
                (gaussian(&scaler.transform(rows), support, *gamma).dot(coefficients) + *bias).to_vec()
            }
            Self::Head { pca, head } => {
                let found = head.predict(pca.transform(rows).mapv(|value| value as f32).view())?;
                found.rows().into_iter().map(|p| (p[1].max(1e-12) / p[0].max(1e-12)).ln()).collect()
            }
            Self::Tuned(network) => network.decide(rows)?,
        })
    }

    /// Derivatives of the decision by the features of a row; `None` of support vectors, whose features are no planes, and of trained
    /// stages, whose features are not those of the last.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn slope(&self, row: ArrayView1<'_, f64>) -> Result<Option<Array1<f64>>, StudyError> {
        Ok(match self {
            Self::Linear { scaler, weights, .. } => Some(weights / &scaler.deviation),
            Self::Components { pca, weights, .. } => Some(pca.pulled_back(weights.view())),
            Self::Head { pca, head } => {
                let components = pca.transform(row.insert_axis(Axis(0))).mapv(|value| value as f32);
                Some(pca.pulled_back(head.slopes(components.view(), 1)?.row(0)))
            }
            Self::SupportVectors { .. } | Self::Tuned(_) => None,
        })
    }

    /// Features that it reads.
    pub fn width(&self) -> usize {
        match self {
            Self::Linear { scaler, .. } | Self::SupportVectors { scaler, .. } => scaler.mean.len(),
            Self::Components { pca, .. } | Self::Head { pca, .. } => pca.columns(),
            Self::Tuned(network) => network.width(),
        }
    }

    /// Trained parameters, without those of scalers and components; of support vectors their coefficients and the offset.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Linear { weights, .. } | Self::Components { weights, .. } => weights.len() + 1,
            Self::SupportVectors { coefficients, .. } => coefficients.len() + 1,
            Self::Head { head, .. } => head.parameters(),
            Self::Tuned(network) => network.parameters(),
        }
    }
}

/// e^{-gamma |a - b|²} (rows of a, rows of b).
fn gaussian(a: &Array2<f64>, b: &Array2<f64>, gamma: f64) -> Array2<f64> {
    let squares = |rows: &Array2<f64>| rows.rows().into_iter().map(|row| row.dot(&row)).collect::<Array1<f64>>();
    let mut kernel = a.dot(&b.t());
    let (left, right) = (squares(a), squares(b));
    for ((row, column), value) in kernel.indexed_iter_mut() {
        *value = (-gamma * (left[row] + right[column] - 2.0 * *value).max(0.0)).exp();
    }
    kernel
}
