#!/usr/bin/env python3
"""Every other pixel of the first pictures of Fashion-MNIST, as one sheet: the garments of the coloured protocol of IRM.

  apt-get install dataset-fashion-mnist
  pip install pillow
  python3 data/fashion_mnist/garments.py /usr/share/datasets/fashion-mnist data/fashion_mnist

Writes garments.png, a grey sheet of 16 levels with 100 pictures of 14 x 14 in a row, and garments.labels, one byte each.
Pictures are the first of the training file in file order, then the first of the test file.
"""
import gzip, struct, sys

from PIL import Image

TRAINING, TEST, ACROSS, EDGE = 11000, 3000, 100, 14


def idx(path):
    """Shape and bytes of an IDX file of unsigned bytes."""
    with gzip.open(path) as file:
        _, kind, rank = struct.unpack(">HBB", file.read(4))
        assert kind == 8, path
        return struct.unpack(f">{rank}I", file.read(4 * rank)), file.read()


def main(folder, out):
    pictures, labels = [], b""
    for prefix, count in (("train", TRAINING), ("t10k", TEST)):
        (_, height, width), pixels = idx(f"{folder}/{prefix}-images-idx3-ubyte.gz")
        for k in range(count):
            own = pixels[k * height * width : (k + 1) * height * width]
            pictures.append([own[y * width : (y + 1) * width : 2] for y in range(0, height, 2)])
        labels += idx(f"{folder}/{prefix}-labels-idx1-ubyte.gz")[1][:count]
    sheet = Image.new("L", (ACROSS * EDGE, len(pictures) // ACROSS * EDGE))
    for k, picture in enumerate(pictures):
        left, top = k % ACROSS * EDGE, k // ACROSS * EDGE
        for y, row in enumerate(picture):
            for x, grey in enumerate(row):
                # 16 levels: 0, 17, ... 255.
                sheet.putpixel((left + x, top + y), round(grey / 17) * 17)
    sheet.save(f"{out}/garments.png", optimize=True)
    with open(f"{out}/garments.labels", "wb") as file:
        file.write(labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
