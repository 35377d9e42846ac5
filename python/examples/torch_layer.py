"""A PyTorch network with a circuit, trained under noise.

    python examples/torch_layer.py"""

import qgraft
import torch
from qgraft.torch import QuantumLayer

torch.manual_seed(0)
circuit = qgraft.Circuit(2)
inputs = [circuit.slot(f"x{k}") for k in range(2)]
circuit.ry(inputs[0], 0).ry(inputs[1], 1)
for layer in range(2):
    circuit.cx(0, 1)
    for k in range(2):
        circuit.ry(circuit.slot(f"w{layer}_{k}"), k)

network = torch.nn.Sequential(
    torch.nn.Linear(8, 2), torch.nn.Tanh(), QuantumLayer(circuit, ["Z0", "Z1"], inputs=2, condition="manila"), torch.nn.Linear(2, 2)
)
rows = torch.randn(64, 8)
labels = (rows[:, 0] > 0).long()
optimiser = torch.optim.Adam(network.parameters(), 0.05)
for epoch in range(30):
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(rows), labels)
    loss.backward()
    optimiser.step()
    if epoch % 10 == 9:
        print(epoch + 1, round(loss.item(), 4))
