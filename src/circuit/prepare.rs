//! Gates that prepare a state.

use num_complex::Complex64;

use crate::circuit::{Circuit, CircuitError, Gate, Op, OpKind, Param};

/// Qubits of a state that gates prepare: more than 2^16 gates are no circuit that anyone wants.
const MOST_QUBITS: usize = 14;

impl Circuit {
    /// Appends gates that take `qubits` from |0…0⟩ to a state with these amplitudes (2^n,) for n = 1 to 14 qubits, the first
    /// of `qubits` the least significant bit of an index. Amplitudes are scaled to norm 1.
    ///
    /// At most 2^(n+2) gates: rotations about Y for the magnitudes, then rotations about Z for the phases, both under all
    /// values of the higher qubits (Möttönen, Vartiainen, Bergholm, Salomaa, Quantum Information and Computation 5, 467
    /// (2005), section 4). Rotations that do not depend on a qubit are not controlled by it.
    ///
    /// ```
    /// use num_complex::Complex64;
    /// use qgraft::circuit::Circuit;
    /// let mut bell = Circuit::new(2);
    /// bell.prepare(&[1.0, 0.0, 0.0, -1.0].map(Complex64::from), &[0, 1])?;
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// If the number of amplitudes is not 2^n, one of them is no finite number, all are 0, or the qubits do not fit.
    pub fn prepare(&mut self, amplitudes: &[Complex64], qubits: &[usize]) -> Result<&mut Self, CircuitError> {
        let count = qubits.len();
        let refuse = |reason: String| Err(CircuitError::BadState { reason });
        if !(1..=MOST_QUBITS).contains(&count) {
            return refuse(format!("{count} qubits were given, 1 to {MOST_QUBITS} are prepared by gates"));
        }
        let width = self.qubits();
        if let Some(qubit) = qubits.iter().find(|&&qubit| qubit >= width) {
            return refuse(format!("qubit {qubit} is outside the register of {width}"));
        }
        if let Some((_, qubit)) = qubits.iter().enumerate().find(|&(k, qubit)| qubits[..k].contains(qubit)) {
            return refuse(format!("qubit {qubit} is listed twice"));
        }
        if amplitudes.len() != 1 << count {
            return refuse(format!("{count} qubits have {} amplitudes, {} were given", 1 << count, amplitudes.len()));
        }
        if let Some((index, value)) = amplitudes.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return refuse(format!("amplitude {index} is {value}"));
        }
        let largest = amplitudes.iter().map(|value| value.re.abs().max(value.im.abs())).fold(0.0, f64::max);
        if largest == 0.0 {
            return refuse("all amplitudes are 0".into());
        }
        let mut gates = Self::new(width);
        // From the most significant qubit down: the norms of the halves of what the higher qubits select.
        let mut norms: Vec<Vec<f64>> = vec![amplitudes.iter().map(|value| (value / largest).norm()).collect()];
        let mut phases: Vec<Vec<f64>> = vec![amplitudes.iter().map(|value| value.arg()).collect()];
        for level in 0..count {
            let below = |values: &[f64], join: fn(f64, f64) -> f64| -> Vec<f64> {
                values.chunks(2).map(|pair| join(pair[0], pair[1])).collect()
            };
            norms.push(below(&norms[level], f64::hypot));
            // A phase that belongs to no amplitude is that of its neighbour.
            let known: Vec<f64> = phases[level]
                .chunks(2)
                .zip(norms[level].chunks(2))
                .flat_map(|(phase, norm)| match (norm[0] > 0.0, norm[1] > 0.0) {
                    (true, false) => [phase[0], phase[0]],
                    (false, true) => [phase[1], phase[1]],
                    _ => [phase[0], phase[1]],
                })
                .collect();
            phases.push(below(&known, |zero, one| (zero + one) / 2.0));
            phases[level] = known;
        }
        for level in (0..count).rev() {
            let angle = |pair: &[f64]| (pair != [0.0, 0.0]).then(|| 2.0 * pair[1].atan2(pair[0]));
            let angles = norms[level].chunks(2).map(angle);
            gates.multiplexed(Gate::Ry, angles.collect(), &qubits[level..])?;
        }
        for level in (0..count).rev() {
            let reached = norms[level].chunks(2).map(|norm| norm != [0.0, 0.0]);
            let angles = phases[level].chunks(2).zip(reached).map(|(pair, is)| is.then(|| pair[1] - pair[0]));
            gates.multiplexed(Gate::Rz, angles.collect(), &qubits[level..])?;
        }
        let phase = phases[count][0];
        if phase != 0.0 {
            gates.append(Op::of(OpKind::GlobalPhase(Param::Fixed(phase)), &[]))?;
        }
        let all: Vec<usize> = (0..width).collect();
        self.extend(&gates, &all)
    }

    /// A rotation of the first of `qubits` by `angles[k]` where the others hold k, `None` where nothing depends on it.
    fn multiplexed(&mut self, gate: Gate, angles: Vec<Option<f64>>, qubits: &[usize]) -> Result<(), CircuitError> {
        let Some(first) = angles.iter().flatten().next().copied() else { return Ok(()) };
        let (target, mut controls) = (qubits[0], qubits[1..].to_vec());
        // What is open is as its neighbour, so that fewer controls are needed.
        let mut last = first;
        let known = |angle: Option<f64>| {
            last = angle.unwrap_or(last);
            last
        };
        let mut angles: Vec<f64> = angles.into_iter().map(known).collect();
        for control in (0..controls.len()).rev() {
            let is_one = |index: usize| index >> control & 1 == 1;
            let same = (0..angles.len()).filter(|&k| is_one(k)).all(|k| angles[k] == angles[k ^ 1 << control]);
            if same {
                controls.remove(control);
                angles = (0..angles.len()).filter(|&k| !is_one(k)).map(|k| angles[k]).collect();
            }
        }
        let count = angles.len();
        for step in 0..count {
            let gray = step ^ step >> 1;
            // A rotation changes its sign for every control in `gray` that is 1.
            let sign = |k: usize| if (k & gray).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
            let angle = angles.iter().enumerate().map(|(k, angle)| sign(k) * angle).sum::<f64>() / count as f64;
            if angle != 0.0 {
                self.push(gate, &[target], &[Param::Fixed(angle)])?;
            }
            if count > 1 {
                let changed = ((step + 1).trailing_zeros() as usize).min(controls.len() - 1);
                self.push(Gate::Cx, &[controls[changed], target], &[])?;
            }
        }
        Ok(())
    }
}
