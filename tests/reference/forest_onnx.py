"""forest_onnx.json: what onnxruntime (MIT) makes of the ONNX files of the forests of forest_export.json.

QGRAFT_WRITE_ONNX=FOLDER cargo test --test it onnx_files writes the files; then
    pip install onnx onnxruntime numpy
    python tests/reference/forest_onnx.py FOLDER
checks them, runs them, and writes the file beside this one.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime

here = Path(__file__).parent
found = []
for case in json.loads((here / "forest_export.json").read_text()):
    file = Path(sys.argv[1]) / f"{case['name']}.onnx"
    onnx.checker.check_model(onnx.load(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    rows = numpy.asarray(case["rows"], dtype=numpy.float32)
    outputs = session.run(None, {"rows": rows})
    found.append({
        "name": case["name"],
        "file": file.read_bytes().hex(),
        "labels": [str(label) for label in outputs[0]] if case["classes"] else [],
        "predictions": outputs[-1].tolist(),
    })
(here / "forest_onnx.json").write_text(json.dumps(found) + "\n")
