// Quantum Fourier transform of the basis state 13.
// Source: Coppersmith, IBM research report RC 19642 (1994), arXiv quant-ph/0201067; layout as in Nielsen and Chuang,
//         figure 5.1, with the final swaps.
// Qubits: 5, qubit 0 least significant. Slots: none.
OPENQASM 2.0;
include "qelib1.inc";
gate swap a, b { cx a, b; cx b, a; cx a, b; }
qreg q[5];
x q[0]; x q[2]; x q[3];
barrier q;
h q[4];
cu1(pi/2) q[3], q[4];
cu1(pi/4) q[2], q[4];
cu1(pi/8) q[1], q[4];
cu1(pi/16) q[0], q[4];
h q[3];
cu1(pi/2) q[2], q[3];
cu1(pi/4) q[1], q[3];
cu1(pi/8) q[0], q[3];
h q[2];
cu1(pi/2) q[1], q[2];
cu1(pi/4) q[0], q[2];
h q[1];
cu1(pi/2) q[0], q[1];
h q[0];
swap q[0], q[4];
swap q[1], q[3];
