#!/usr/bin/env python3
"""Cut three hard classes out of Fashion-MNIST.

  apt-get install dataset-fashion-mnist
  python3 data/fashion_mnist/make.py /usr/share/datasets/fashion-mnist data/fashion_mnist/shirts.safetensors

Keeps, in file order, the first 200 training and the first 100 test images of T-shirt/top, pullover and shirt: the
classes classifiers confuse most. Standard library only; the same input gives the same bytes.
"""
import gzip, json, struct, sys

CLASSES = {0: "T-shirt/top", 2: "pullover", 6: "shirt"}  # labels of the full set
PARTS = {"train": ("train", 200), "val": ("t10k", 100)}  # prefix of the file names, images per class


def idx(path):
    """The bytes after the header of an IDX file of unsigned bytes, and its shape."""
    with gzip.open(path) as file:
        zero, kind, rank = struct.unpack(">HBB", file.read(4))
        assert (zero, kind) == (0, 8), f"{path}: not an IDX file of bytes"
        return struct.unpack(f">{rank}I", file.read(4 * rank)), file.read()


def main(folder, out):
    tensors = {}
    for part, (prefix, per_class) in PARTS.items():
        (count, height, width), pixels = idx(f"{folder}/{prefix}-images-idx3-ubyte.gz")
        _, labels = idx(f"{folder}/{prefix}-labels-idx1-ubyte.gz")
        left = dict.fromkeys(CLASSES, per_class)
        kept = []
        for i, label in enumerate(labels):
            if left.get(label):
                left[label] -= 1
                kept.append(i)
        size = height * width
        new_label = {old: new for new, old in enumerate(CLASSES)}
        tensors[f"{part}.images"] = ("U8", [len(kept), height, width], b"".join(pixels[i * size : (i + 1) * size] for i in kept))
        tensors[f"{part}.labels"] = ("U8", [len(kept)], bytes(new_label[labels[i]] for i in kept))
        tensors[f"{part}.rows"] = ("U32", [len(kept)], struct.pack(f"<{len(kept)}I", *kept))
    header, data = {"__metadata__": {"classes": ",".join(CLASSES.values()), "source": "Fashion-MNIST, Zalando SE, MIT"}}, b""
    for name in sorted(tensors, key=lambda name: (tensors[name][0] != "U32", name)):  # u32 first: aligned
        kind, shape, raw = tensors[name]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(out, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main(*sys.argv[1:])
