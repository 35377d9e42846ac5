OPENQASM 2.0;
/* nobody ends this
