// Greenberger-Horne-Zeilinger state of six qubits, measured.
// Source: Greenberger, Horne, Zeilinger, "Going beyond Bell's theorem" (1989), arXiv 0712.0921.
// Qubits: 6. Slots: none.
OPENQASM 3.0;
include "stdgates.inc";
qubit[6] q;
bit[6] c;
h q[0];
for int i in [1:5] { cx q[i - 1], q[i]; }
c = measure q;
