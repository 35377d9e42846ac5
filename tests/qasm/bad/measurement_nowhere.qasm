OPENQASM 3.0;
qubit q;
measure q;
