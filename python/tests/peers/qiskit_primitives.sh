#!/usr/bin/env bash
# Qiskit's tests of primitives on qgraft.
# Usage: qiskit_primitives.sh SOURCES   (the unpacked source distribution of Qiskit 2.6, with ddt installed)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# The tests alone: beside them the unbuilt package would be imported in place of the installed one.
copy=$(mktemp -d)
trap 'rm -r "$copy"' EXIT
cp -r "$1/test" "$copy/test"
cp "$here/qiskit_primitives/conftest.py" "$copy/test/conftest.py"
cd "$copy"
python -m pytest -p no:cacheprovider -q test/python/primitives/test_{statevector,backend}_*.py
