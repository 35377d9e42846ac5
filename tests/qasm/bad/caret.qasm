OPENQASM 3.0;
include "stdgates.inc";
qubit q;
rx(2^3) q;
