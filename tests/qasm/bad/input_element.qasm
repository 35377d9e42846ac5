OPENQASM 3.0;
include "stdgates.inc";
input array[float[64], 3] x;
qubit q;
rx(x[3]) q;
