#!/usr/bin/env python3
"""Write scikit-learn's digits as a safetensors file: images (1797, 8, 8) in 0..=16 and labels, both u8.

  python3 data/digits/make.py data/digits        # scikit-learn 1.9
"""
import pathlib, sys
import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

digits = load_digits()
save_file(
    {"images": digits.images.astype(np.uint8), "labels": digits.target.astype(np.uint8)},
    pathlib.Path(sys.argv[1]) / "digits.safetensors",
)
