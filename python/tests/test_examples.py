"""Every example runs, and the program of README.md does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDS = {"pennylane_noise": "pennylane", "torch_layer": "torch", "qiskit_backend": "qiskit"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_example(path):
    if path.stem in NEEDS:
        pytest.importorskip(NEEDS[path.stem])
    done = subprocess.run([sys.executable, "-W", "ignore", str(path)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_the_programs_of_the_readme():
    for program in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL):
        needs = re.search(r"^# needs (\w+)$", program, flags=re.MULTILINE)
        if needs:
            pytest.importorskip(needs[1])
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, program + done.stderr
