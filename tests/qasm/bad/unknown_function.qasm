OPENQASM 3.0;
include "stdgates.inc";
qubit q;
rx(sine(1)) q;
