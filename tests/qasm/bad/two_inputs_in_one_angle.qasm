OPENQASM 3.0;
include "stdgates.inc";
input float x0;
input float x1;
qubit q;
rx(2*x0 + x1) q;
