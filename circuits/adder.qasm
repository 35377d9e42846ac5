// Ripple-carry addition of two 2-bit numbers, 3 + 2.
// Source: Cuccaro, Draper, Kutin, Moulton, arXiv quant-ph/0410184; text after the example of the OpenQASM 2 paper.
// Qubits: carry in, a (2), b (2), carry out. Slots: none.
OPENQASM 2.0;
include "qelib1.inc";
gate majority a, b, c { cx c, b; cx c, a; ccx a, b, c; }
gate unmajority a, b, c { ccx a, b, c; cx c, a; cx a, b; }
qreg cin[1];
qreg a[2];
qreg b[2];
qreg cout[1];
creg sum[3];
x a;
x b[1];
majority cin[0], b[0], a[0];
majority a[0], b[1], a[1];
cx a[1], cout[0];
unmajority a[0], b[1], a[1];
unmajority cin[0], b[0], a[0];
measure b[0] -> sum[0];
measure b[1] -> sum[1];
measure cout[0] -> sum[2];
