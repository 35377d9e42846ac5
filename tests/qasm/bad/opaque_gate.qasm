OPENQASM 2.0;
opaque magic(a) q;
qreg q[1];
magic(1) q[0];
