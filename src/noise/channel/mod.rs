//! Channels: completely positive maps with a name, as Kraus operators.
//!
//! * [`CHANNELS`]: every kind of channel is a row with its parameters, formula and equivalences.
//! * [`Channel`]: one with its numbers put in; [`Channel::named`] makes it from a row, [`Channel::kraus`] from matrices.
//! * [`depolarizing`], [`thermal_relaxation`], [`amplitude_damping`]: those that models build most, as functions.

mod coherent;
mod confusion;
mod damping;
mod pauli;
mod table;

pub(crate) use damping::Decay;
pub use damping::{amplitude_damping, thermal_relaxation};
pub use pauli::depolarizing;
pub(crate) use pauli::{paulis, strings as pauli_strings};
pub use table::{CHANNELS, ChannelRow, Parameter};

use std::fmt;
use std::sync::{Arc, OnceLock};

use ndarray::Array2;

use crate::math::Matrix;
use crate::math::matrix::{dagger, distance, identity};
use crate::noise::{NoiseError, transfer};

/// A channel on one or two qubits with its numbers put in.
#[derive(Clone)]
pub struct Channel {
    name: &'static str,
    qubits: usize,
    /// Shared by clones.
    maps: Arc<Maps>,
}

/// The ways to write a channel as numbers.
struct Maps {
    kraus: Vec<Matrix>,
    /// The Pauli transfer matrix, computed at its first use: a model puts clones of one channel behind every gate of a
    /// kind, and each of them is asked for it.
    transfer: OnceLock<Array2<f64>>,
}

/// Channels in the order they act, each with the qubits it acts on.
pub type ChannelList = Vec<(Channel, Vec<usize>)>;

impl Channel {
    /// The channel of the row `name` of [`CHANNELS`] with these parameter values, in the row's order and units.
    ///
    /// ```
    /// # use qgraft::noise::Channel;
    /// let flip = Channel::named("bit_flip", &[0.1])?;
    /// assert_eq!(flip.operators().len(), 2);
    /// # Ok::<(), qgraft::noise::NoiseError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such row, the number of values is wrong, or one is out of range.
    pub fn named(name: &str, values: &[f64]) -> Result<Self, NoiseError> {
        ChannelRow::named(name)?.channel(values)
    }

    /// A channel from Kraus operators on 1 or 2 qubits, first operand least significant.
    ///
    /// # Errors
    /// If the operators are empty, of different or odd shapes, or not complete to 1e-8.
    pub fn kraus(name: &'static str, kraus: Vec<Matrix>) -> Result<Self, NoiseError> {
        let channel = Self::trusted(name, kraus)?;
        let size = 1 << channel.qubits;
        let sum = channel.operators().iter().fold(Matrix::zeros((size, size)), |sum, k| sum + dagger(k).dot(k));
        let defect = distance(&sum, &identity(size));
        // A NaN defect must fail too, hence the negated comparison.
        if !(defect <= 1e-8) {
            return Err(NoiseError::NotComplete { defect });
        }
        Ok(channel)
    }

    /// The same without the check of completeness: Aer's own cutoffs lose trace, and its digits need that.
    pub(crate) fn trusted(name: &'static str, kraus: Vec<Matrix>) -> Result<Self, NoiseError> {
        let rows = kraus.first().map_or(0, Matrix::nrows);
        for (index, k) in kraus.iter().enumerate() {
            if k.dim() != (rows, rows) || !(rows == 2 || rows == 4) {
                return Err(NoiseError::Shape { index, rows: k.nrows(), columns: k.ncols() });
            }
        }
        if kraus.is_empty() {
            return Err(NoiseError::Shape { index: 0, rows: 0, columns: 0 });
        }
        let maps = Maps { kraus, transfer: OnceLock::new() };
        Ok(Self { name, qubits: rows.trailing_zeros() as usize, maps: Arc::new(maps) })
    }

    /// The name of its row.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Number of operands, 1 or 2.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// Its Kraus operators.
    pub fn operators(&self) -> &[Matrix] {
        &self.maps.kraus
    }

    /// `Σ K ⊗ K*`, acting on row-major vectorised density matrices: `vec(ρ)[i·d + j] = ρ[i][j]`.
    pub fn superoperator(&self) -> Matrix {
        let size = 1 << (2 * self.qubits);
        self.operators()
            .iter()
            .fold(Matrix::zeros((size, size)), |sum, k| sum + ndarray::linalg::kron(k, &k.mapv(|z| z.conj())))
    }

    /// The average gate fidelity with the identity, `(Σ|tr K|² + d) / (d² + d)` (Nielsen 2002, arXiv quant-ph/0205035).
    pub fn average_fidelity(&self) -> f64 {
        let d = f64::from(1u32 << self.qubits);
        let traces: f64 = self.operators().iter().map(|k| k.diag().sum().norm_sqr()).sum();
        (traces + d) / (d * d + d)
    }

    /// Its Pauli transfer matrix, `4^qubits` square, indices little endian.
    pub fn pauli_transfer(&self) -> Array2<f64> {
        self.maps.transfer.get_or_init(|| transfer::of_kraus(self.operators())).clone()
    }
}

impl PartialEq for Channel {
    fn eq(&self, other: &Self) -> bool {
        // Clones share their operators: programs are compared before each run, and this is most of what they hold.
        let same = || Arc::ptr_eq(&self.maps, &other.maps) || self.operators() == other.operators();
        self.name == other.name && self.qubits == other.qubits && same()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({}, {} qubits, {} operators)", self.name, self.qubits, self.operators().len())
    }
}
