"""Weights and pictures that any language can make: what backbones.py, transformers.py and tuned.py share."""
import numpy as np


def noise(shape, k):
    """Evenly spread over [-1, 1) and without a pattern, from sines alone."""
    wave = np.sin(k + 12.9898 * np.arange(int(np.prod(shape)), dtype=np.float64)) * 43758.5453
    return (2.0 * (wave - np.floor(wave)) - 1.0).reshape(shape)


def formula(name, shape, k):
    """The k-th tensor by name, scaled so that signals neither vanish nor grow."""
    u = noise(shape, k)
    if len(shape) > 1:
        return u * np.sqrt(6.0 / np.prod(shape[1:]))
    if name.endswith("running_var"):
        return 1.0 + 0.5 * u
    if name.endswith("weight"):
        return 1.0 + 0.1 * u
    return 0.1 * u
