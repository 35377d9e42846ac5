"""onnx_networks.json: what onnxruntime (MIT) makes of the networks that tests/it/onnx_files.rs writes.

QGRAFT_WRITE_ONNX=FOLDER cargo test --test it onnx_files writes the files with their inputs; then
    pip install onnx onnxruntime numpy
    python tests/reference/onnx_networks.py FOLDER
checks them, runs them, and writes the file beside this one.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy
import onnx
import onnxruntime

# At most so many outputs of a network are kept.
KEPT = 40

found = []
for file in sorted(Path(sys.argv[1]).glob("*.onnx")):
    asked = file.with_suffix(".json")
    if not asked.exists():
        continue
    onnx.checker.check_model(onnx.load(file), full_check=True)
    asked = json.loads(asked.read_text())
    rows = numpy.asarray(asked["values"], dtype=numpy.float32).reshape(asked["shape"])
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"input": rows})[0].ravel()
    # Not a divisor of a usual width, so that the channels differ from row to row.
    step = max(1, len(outputs) // KEPT) | 1
    found.append({
        "name": file.stem,
        "crc32": zlib.crc32(file.read_bytes()),
        "step": step,
        "outputs": [float(value) for value in outputs[::step]],
    })
(Path(__file__).parent / "onnx_networks.json").write_text(json.dumps(found) + "\n")
