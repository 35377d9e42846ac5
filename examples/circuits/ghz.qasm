OPENQASM 3.0;
include "stdgates.inc";

// A chain of CX behind a Hadamard gate: all qubits are equal, whatever is measured.
//
//   qgraft simulate examples/circuits/ghz.qasm --input n=200 --observable "Z0 Z199" --shots 1000
input uint[16] n;

qubit[n] q;
h q[0];
for uint k in [1:n - 1] {
    cx q[k - 1], q[k];
}
