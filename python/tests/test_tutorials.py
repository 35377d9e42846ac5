"""The tutorials of docs/ run as they are written, and print what they show."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
# What follows each block, so that its output can be told from the next one's.
END = "print('--- end of a block')"


def blocks(text):
    """Programs of a page, each with the output that follows it, None where the page shows none."""
    found = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", text, flags=re.DOTALL)
    return [(program, shown or None) for program, shown in found]


@pytest.mark.parametrize("path", sorted((DOCS / "tutorials").glob("*.md")), ids=lambda path: path.stem)
def test_tutorial(path):
    text = path.read_text()
    for needed in re.findall(r"<!-- needs (\w+) -->", text):
        pytest.importorskip(needed)
    # Cuts of what takes long, which leave the shown outputs as they are.
    for whole, cut in re.findall(r"<!-- quick cut: (.*?) -> (.*?) -->", text):
        assert text.count(whole) == 2, whole
        text = text.replace(whole, cut)
    found = blocks(text)
    program = f"\n{END}\n".join(program for program, _ in found)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = done.stdout.split("--- end of a block\n")
    for (program, shown), output in zip(found, outputs, strict=True):
        if shown is None:
            continue
        assert NUMBER.sub("#", output) == NUMBER.sub("#", shown), program
        for ours, theirs in zip(NUMBER.findall(output), NUMBER.findall(shown)):
            # Trained numbers may differ in their last digits from machine to machine.
            assert float(ours) == pytest.approx(float(theirs), abs=0.05), f"{program}\n{output}"


def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("myst_parser")
    for framework in ("pennylane", "torch", "jax", "qiskit", "sklearn", "ase"):
        pytest.importorskip(framework)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "api.html").read_text()
    assert "value_and_grad" in page and "QuantumLayer" in page and "EstimatorV2" in page
