"""Reference maps of Grad-CAM: tests/reference/grad_cam.json.

python -m venv v && v/bin/pip install torch==2.15 torchvision grad-cam==1.5.7
v/bin/python tests/reference/grad_cam.py

A small network, whose head reads the means of the planes of its last layer: linearly, and through a layer with tanh. The planes, the
derivatives of the score by their means, and the map of the package `grad-cam`, which knows neither.
"""

import json
from pathlib import Path

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

torch.manual_seed(16)


class Network(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        conv = torch.nn.Conv2d
        self.body = torch.nn.Sequential(conv(3, 6, 3, stride=2), torch.nn.ReLU(), conv(6, 8, 3, stride=2), torch.nn.ReLU6())
        self.head = head

    def forward(self, images):
        return self.head(self.body(images).mean((2, 3)))


def case(head):
    network = Network(head).eval()
    images = torch.randn(1, 3, 30, 26)
    planes = network.body(images)[0].detach()
    means = planes.mean((1, 2)).requires_grad_()
    head(means[None])[0, 1].backward()
    with GradCAM(network, [network.body[-1]]) as cam:
        found = cam(images, [ClassifierOutputTarget(1)])[0]
    return {
        "planes": planes.tolist(),
        "gradient": means.grad.tolist(),
        "map": [[round(float(v), 7) for v in row] for row in found],
    }


if __name__ == "__main__":
    linear = torch.nn.Linear(8, 2)
    layers = torch.nn.Sequential(torch.nn.Linear(8, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    found = [case(linear), case(layers)]
    Path(__file__).with_suffix(".json").write_text(json.dumps(found) + "\n")
