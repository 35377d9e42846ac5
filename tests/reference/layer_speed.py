"""PyTorch's processor time for the layers and trunks of benches/layers.rs, beside ours, one thread each.

    python tests/reference/layer_speed.py target/release/deps/layers-HASH [filter]

Both programs run in turns, three times, and the smallest time of each counts. PyTorch runs in inference mode: `module`
is the network as a user has it, BatchNorm included; `folded` has BatchNorm folded into the convolutions by hand;
`last` is that in channels-last layout, its fastest. A single layer of theirs is the convolution alone; ours includes the copy of its
input into the layout of the kernels, which a trunk pays only once, for the image.
"""

import itertools
import subprocess
import sys
import time

import torch
import torch.nn as nn
import torchvision
from torch.nn.utils.fusion import fuse_conv_bn_eval

torch.set_num_threads(1)


def conv(c_in, c_out, kernel, stride, groups, activation):
    layers = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if activation else []))


class Block(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride, expansion, residual):
        super().__init__()
        wide = c_in * expansion
        self.residual = residual
        expand = [conv(c_in, wide, 1, 1, 1, True)] if expansion > 1 else []
        self.layers = nn.Sequential(*expand, conv(wide, wide, kernel, stride, wide, True), conv(wide, c_out, 1, 1, 1, False))

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.residual else y


def efficientnet_lite0():
    """Padding is the same on all sides: TensorFlow's SAME would cost PyTorch a copy more."""
    blocks, channels = [conv(3, 32, 3, 2, 1, True)], 32
    for kernel, stride, expansion, c_out, repeats in [
        (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
    ]:
        for repeat in range(repeats):
            blocks.append(Block(channels, c_out, kernel, stride if repeat == 0 else 1, expansion, repeat > 0))
            channels = c_out
    return nn.Sequential(*blocks, conv(320, 1280, 1, 1, 1, True), nn.AdaptiveAvgPool2d(1))


def resnet18():
    net = torchvision.models.resnet18(weights=None)
    net.fc = nn.Identity()
    return net


def fold(module):
    """Every Conv2d directly followed by a BatchNorm2d becomes one convolution."""
    names = list(module._modules)
    for first, second in zip(names, names[1:]):
        pair = module._modules[first], module._modules[second]
        if isinstance(pair[0], nn.Conv2d) and isinstance(pair[1], nn.BatchNorm2d):
            module._modules[first], module._modules[second] = fuse_conv_bn_eval(*pair), nn.Identity()
    for child in module.children():
        fold(child)
    return module


def milliseconds(net, images):
    best, start = float("inf"), time.process_time()
    with torch.inference_mode():
        for repetition in itertools.count():
            before = time.process_time()
            net(images)
            best = min(best, (time.process_time() - before) / len(images) * 1e3)
            if repetition >= 3 and time.process_time() - start > 1.5:
                return best


def torch_times(name, batch):
    if name.startswith("conv"):
        c_in, c_out, size, kernel, stride, groups = map(int, name.split()[1:])
        net, images = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups), torch.randn(batch, c_in, size, size)
        kinds = {"folded": net}
    else:
        build, images = {"resnet18": resnet18, "efficientnet_lite0": efficientnet_lite0}[name.split()[0]], torch.randn(batch, 3, 224, 224)
        kinds = {"module": build().eval(), "folded": fold(build().eval())}
    times = {kind: milliseconds(net.eval(), images) for kind, net in kinds.items()}
    last = kinds["folded"].to(memory_format=torch.channels_last)
    times["last"] = milliseconds(last, images.to(memory_format=torch.channels_last))
    return times


if __name__ == "__main__":
    best = {}
    for turn in range(3):
        ours = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True).stdout
        for line in ours.splitlines():
            name, batch, time_ours = line.split("\t")
            row = best.setdefault(name, {})
            for kind, value in {"ours": float(time_ours), **torch_times(name, int(batch))}.items():
                row[kind] = min(row.get(kind, value), value)
    print(f"torch {torch.__version__}, CPU ms per image, one thread")
    print(f"{'':28}{'ours':>9}{'module':>9}{'folded':>9}{'last':>9}{'ours/plain':>11}{'ours/best':>10}")
    for name, row in best.items():
        plain, fastest = row.get("module", row["folded"]), min(v for k, v in row.items() if k != "ours")
        cells = "".join(f"{row[k]:9.3f}" if k in row else " " * 9 for k in ("ours", "module", "folded", "last"))
        print(f"{name:28}{cells}{row['ours'] / plain:11.2f}{row['ours'] / fastest:10.2f}")
