OPENQASM 2.0;
qreg q[3];
creg c[2];
measure q -> c;
