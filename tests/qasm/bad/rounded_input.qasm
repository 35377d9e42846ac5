OPENQASM 3.0;
include "stdgates.inc";
input float x0;
input float x1;
qubit q;
rx(floor(x0 + x1)) q;
