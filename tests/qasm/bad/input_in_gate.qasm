OPENQASM 3.0;
include "stdgates.inc";
input float x0;
gate g a { rx(x0) a; }
qubit q;
g q;
