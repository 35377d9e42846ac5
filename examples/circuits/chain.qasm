OPENQASM 3.0;
include "stdgates.inc";

// Layers of RY and a chain of CZ: the shape of many variational circuits.
//
//   qgraft simulate examples/circuits/chain.qasm --input n=100 --input layers=4 --observable Z50
input uint[16] n;
input uint[8] layers;

qubit[n] q;
for uint layer in [1:layers] {
    for uint k in [0:n - 1] {
        ry(0.1 + 0.002 * k + 0.05 * layer) q[k];
    }
    for uint k in [0:n - 2] {
        cz q[k], q[k + 1];
    }
}
