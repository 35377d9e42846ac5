OPENQASM 3.0;
input array[float, 3, 2] x;
