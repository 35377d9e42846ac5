OPENQASM 3.0;
include "stdgates.inc";
qubit q;
bit c;
while (c == 0) { h q; c = measure q; }
