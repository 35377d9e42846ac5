// Dressed quantum circuit of Mari et al.: H, RY encoding, six layers of CX and RY.
// Source: Mari, Bromley, Izaac, Schuld, Killoran, "Transfer learning in hybrid classical-quantum neural networks",
//         Quantum 4, 340 (2020), arXiv 1912.08278, section 5.
// Qubits: 4. Slots: x0..x3 features (radians), w0..w23 trained weights, layer by layer.
OPENQASM 3.0;
include "stdgates.inc";
input float x0;
input float x1;
input float x2;
input float x3;
input float w0;
input float w1;
input float w2;
input float w3;
input float w4;
input float w5;
input float w6;
input float w7;
input float w8;
input float w9;
input float w10;
input float w11;
input float w12;
input float w13;
input float w14;
input float w15;
input float w16;
input float w17;
input float w18;
input float w19;
input float w20;
input float w21;
input float w22;
input float w23;
qubit[4] q;
h q;
ry(x0) q[0];
ry(x1) q[1];
ry(x2) q[2];
ry(x3) q[3];
// layer 1
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w0) q[0];
ry(w1) q[1];
ry(w2) q[2];
ry(w3) q[3];
// layer 2
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w4) q[0];
ry(w5) q[1];
ry(w6) q[2];
ry(w7) q[3];
// layer 3
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w8) q[0];
ry(w9) q[1];
ry(w10) q[2];
ry(w11) q[3];
// layer 4
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w12) q[0];
ry(w13) q[1];
ry(w14) q[2];
ry(w15) q[3];
// layer 5
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w16) q[0];
ry(w17) q[1];
ry(w18) q[2];
ry(w19) q[3];
// layer 6
cx q[0], q[1];
cx q[2], q[3];
cx q[1], q[2];
ry(w20) q[0];
ry(w21) q[1];
ry(w22) q[2];
ry(w23) q[3];
