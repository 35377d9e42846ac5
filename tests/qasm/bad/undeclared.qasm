OPENQASM 2.0;
include "qelib1.inc";
qreg qubits[2];
h qubit[0];
