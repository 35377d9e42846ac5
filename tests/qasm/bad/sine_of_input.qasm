OPENQASM 3.0;
include "stdgates.inc";
input float x0;
qubit q;
rx(sin(x0)) q;
