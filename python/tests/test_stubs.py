"""The stub of the native module has every gate, and what stubtest finds."""

import subprocess
import sys
from pathlib import Path

import pytest
import qgraft

STUB = Path(qgraft.__file__).with_name("_native.pyi")


def test_every_gate_is_in_the_stub():
    text = STUB.read_text()
    for gate in qgraft.gates():
        assert f"    def {gate}(self, *arguments: " in text, gate


def test_stubtest(tmp_path):
    pytest.importorskip("mypy")
    allowed = Path(__file__).with_name("stubtest_allowed.txt")
    command = [sys.executable, "-m", "mypy.stubtest", "qgraft._native", "--allowlist", str(allowed)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 0, found.stdout
