// One cycle of the three-qubit bit-flip code: encode, an error on qubit 1, syndrome, correction by the syndrome.
// Source: Peres, Phys. Rev. A 32, 3266 (1985); layout as in Nielsen and Chuang, section 10.1.1.
// Qubits: 3 data, 2 ancilla. Slots: theta, the encoded state's angle.
OPENQASM 3.0;
include "stdgates.inc";
input float theta;
qubit[3] data;
qubit[2] ancilla;
bit[2] syndrome;
bit[3] out;
ry(theta) data[0];
cx data[0], data[1];
cx data[0], data[2];
x data[1];
cx data[0], ancilla[0];
cx data[1], ancilla[0];
cx data[1], ancilla[1];
cx data[2], ancilla[1];
syndrome = measure ancilla;
reset ancilla;
if (syndrome == 1) { x data[0]; }
if (syndrome == 3) { x data[1]; }
if (syndrome == 2) { x data[2]; }
out = measure data;
