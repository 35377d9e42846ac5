OPENQASM 3.0;
qubit q;
delay[20] q;
