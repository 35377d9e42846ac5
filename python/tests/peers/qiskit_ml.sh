#!/usr/bin/env bash
# qiskit-machine-learning's tests of networks, gradients, primitives and fidelities on qgraft.
# Usage: qiskit_ml.sh CHECKOUT   (a checkout of qiskit-machine-learning 0.9, with its requirements and ddt installed)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
cp "$here/qiskit_ml/conftest.py" test/conftest.py
trap 'rm test/conftest.py' EXIT
python -m pytest -p no:cacheprovider -q test/neural_networks test/gradients test/primitives test/state_fidelities
