OPENQASM 3.0;
float a = 2.0;
