// Bernstein-Vazirani with the secret 1011, read in one query.
// Source: Bernstein and Vazirani, "Quantum complexity theory", SIAM J. Comput. 26, 1411 (1997).
// Qubits: 4 for the secret, 1 for the oracle. Slots: none.
OPENQASM 2.0;
include "qelib1.inc";
qreg q[4];
qreg oracle[1];
creg c[4];
x oracle[0];
h q;
h oracle[0];
cx q[0], oracle[0];
cx q[1], oracle[0];
cx q[3], oracle[0];
h q;
measure q -> c;
