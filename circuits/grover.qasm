// Grover search for 101 among eight, two rounds.
// Source: Grover, "A fast quantum mechanical algorithm for database search", STOC 1996, arXiv quant-ph/9605043.
// Qubits: 3. Slots: none.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;
gate oracle a, b, d { x b; ctrl(2) @ z a, b, d; x b; }
gate diffusion a, b, d { h a; h b; h d; x a; x b; x d; ctrl(2) @ z a, b, d; x a; x b; x d; h a; h b; h d; }
h q;
for int i in [1:2] {
  oracle q[0], q[1], q[2];
  diffusion q[0], q[1], q[2];
}
c = measure q;
