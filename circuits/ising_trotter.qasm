// Three Trotter steps of the transverse-field Ising chain, J dt and h dt as slots.
// Source: Lloyd, "Universal quantum simulators", Science 273, 1073 (1996).
// Qubits: 4. Slots: coupling, field.
OPENQASM 3.0;
include "stdgates.inc";
input float coupling;
input float field;
gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }
qubit[4] q;
for int step in [1:3] {
  for int i in [0:2] { rzz(-2*coupling) q[i], q[i + 1]; }
  rx(-2*field) q;
}
