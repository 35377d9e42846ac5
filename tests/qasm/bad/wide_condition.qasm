OPENQASM 3.0;
include "stdgates.inc";
qubit q;
bit[20] c;
if (c > 3) { x q; }
