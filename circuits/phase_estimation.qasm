// Phase estimation of p(2 pi 5/16) with four counting qubits; reads 5.
// Source: Kitaev, arXiv quant-ph/9511026; layout as in Nielsen and Chuang, section 5.2.
// Qubits: 4 counting, 1 eigenstate. Slots: none.
OPENQASM 3.0;
include "stdgates.inc";
const float phase_of_gate = 2*pi*5.0/16;
qubit[4] count;
qubit target;
bit[4] c;
x target;
h count;
for int k in [0:3] { ctrl @ pow(2**k) @ p(phase_of_gate) count[k], target; }
// Inverse Fourier transform.
swap count[0], count[3];
swap count[1], count[2];
for int j in [0:3] {
  for int k in [0:j - 1] { cp(-pi/2**(j - k)) count[k], count[j]; }
  h count[j];
}
c = measure count;
