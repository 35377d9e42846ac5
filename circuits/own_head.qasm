// A head of one's own: three features, six trained weights, three expectation values. Copy it and change it.
// Source: an example; features uploaded twice as in Perez-Salinas et al. 2020, arXiv 1907.02085.
// Qubits: 3. Slots: x[0..2], w[0..5]. How to use it: docs/own_circuit.md.
//
// What is measured, separated by commas; Z on each qubit without this line.
// observables: Z0 Z1, X2, 0.5 Z0 + 0.5 Z2
OPENQASM 3.0;
include "stdgates.inc";

// Inputs whose names begin with x are features: angles between -pi/2 and pi/2.
input array[float[64], 3] x;
// Inputs whose names begin with w are trained weights, in radians.
input array[float[64], 6] w;

qubit[3] q;

for int k in [0:1] {
  for int i in [0:2] {
    ry(2 * x[i]) q[i];
    rz(w[3 * k + i]) q[i];
  }
  cx q[0], q[1];
  cx q[1], q[2];
}
