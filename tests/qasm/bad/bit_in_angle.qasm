OPENQASM 3.0;
include "stdgates.inc";
bit c;
qubit q;
rx(c) q;
