OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit c;
c = measure q[0];
if (c) {
  c = measure q[1];
  x q[0];
}
