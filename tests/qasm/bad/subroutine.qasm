OPENQASM 3.0;
def f(qubit q) { }
