// W state of three qubits.
// Source: Duer, Vidal, Cirac, Phys. Rev. A 62, 062314 (2000), arXiv quant-ph/0005115.
// Qubits: 3. Slots: none.
OPENQASM 2.0;
include "qelib1.inc";
gate cry(theta) a, b { ry(theta/2) b; cx a, b; ry(-theta/2) b; cx a, b; }
qreg q[3];
// 2 acos(1/sqrt(3))
ry(1.9106332362490186) q[0];
cry(pi/2) q[0], q[1];
cx q[1], q[2];
cx q[0], q[1];
x q[0];
