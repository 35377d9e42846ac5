#!/usr/bin/env bash
# Qiskit's tests of primitives on qgraft.
# Usage: qiskit_primitives.sh SOURCES   (the unpacked source distribution of Qiskit 2.6, with ddt installed)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
cp "$here/qiskit_primitives/conftest.py" test/conftest.py
trap 'rm test/conftest.py' EXIT
python -m pytest -p no:cacheprovider -q test/python/primitives/test_{statevector,backend}_*.py
