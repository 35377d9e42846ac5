//! What an engine that drops something knows about the error of its values.

/// The error of one expectation value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Account {
    /// Sum of the magnitudes of the observable's coefficients: no value is larger.
    pub norm: f64,
    /// Sum of the magnitudes of what was dropped. The error is at most this, for every state and noise: observables that are
    /// pulled back through channels do not grow. It says nothing once it exceeds the norm.
    pub bound: f64,
    /// No less than the root mean square error over random products of basis states behind the first one-qubit steps; it says nothing certain about
    /// a given input.
    pub rms: f64,
    /// Difference to a coarser run: four times the cut, a quarter of the strings, one letter less. No bound; usually of the error's order.
    pub drift: f64,
    /// Number of dropped coefficients.
    pub dropped: u64,
    /// Most strings held at a time.
    pub terms: usize,
    /// Coefficients below this were dropped.
    pub below: f64,
}

impl Account {
    /// Whether nothing was dropped: the value is exact to rounding.
    pub fn is_exact(&self) -> bool {
        self.dropped == 0
    }

    /// An error that cannot be exceeded; `None` if the bound is void.
    pub fn certificate(&self) -> Option<f64> {
        (self.bound < self.norm || self.is_exact()).then_some(self.bound)
    }
}

impl std::ops::AddAssign for Account {
    /// The account of a sum of values.
    fn add_assign(&mut self, other: Self) {
        self.norm += other.norm;
        self.bound += other.bound;
        self.rms += other.rms;
        self.drift += other.drift;
        self.dropped += other.dropped;
        self.terms = self.terms.max(other.terms);
        self.below = self.below.max(other.below);
    }
}
