// QAOA for MaxCut on a ring of five, two rounds; cost angles gamma, mixer angles beta.
// Source: Farhi, Goldstone, Gutmann, "A quantum approximate optimization algorithm", arXiv 1411.4028.
// Qubits: 5, one per vertex. Slots: gamma0, beta0, gamma1, beta1.
OPENQASM 3.0;
include "stdgates.inc";
input float gamma0;
input float beta0;
input float gamma1;
input float beta1;
gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }
qubit[5] q;
h q;
for int i in [0:4] { rzz(gamma0) q[i], q[(i + 1) % 5]; }
rx(2*beta0) q;
for int i in [0:4] { rzz(gamma1) q[i], q[(i + 1) % 5]; }
rx(2*beta1) q;
