"""A trained head in a minute: train, evaluate, run it under a device's noise, and write its circuit.

    python examples/qtl.py"""

import numpy as np
import qgraft

# Features of two classes: in practice those of a pretrained network (`qgraft features`).
rng = np.random.default_rng(0)
features = rng.normal(size=(200, 16))
labels = np.where(features[:, :4].sum(axis=1) > 0, "up", "down")
train, test = slice(0, 150), slice(150, None)

head = qgraft.fit(
    features[train], labels[train], qgraft.HeadConfig("quantum", qubits=4, depth=2), trainer=qgraft.Trainer(0.02, epochs=20)
)
print("loss", head.history["loss"].round(3)[[0, -1]])
print("ideal", qgraft.evaluate(head, features[test], labels[test])["accuracy"])
for model in ("aer", "crosstalk"):
    noisy = head.under(qgraft.Condition("torino", model))
    print("torino", model, qgraft.evaluate(noisy, features[test], labels[test])["accuracy"])

# Is the circuit doing anything? The linear head has as many inputs and no circuit.
linear = qgraft.fit(features[train], labels[train], "linear", trainer=qgraft.Trainer(0.02, epochs=20))
print("linear", qgraft.evaluate(linear, features[test], labels[test])["accuracy"])
print(qgraft.transpile(head.circuit, "torino"))
print(head.circuit.draw(100))
