#!/usr/bin/env python3
"""Brain slices with lesions from scanners with known settings, on the anatomy of the template MNI152: folders for
`qgraft run causal --data` and `qgraft run cohort --data`.

    pip install nilearn pillow
    python3 data/mni152/make.py scanners OUT --shift acquisition   # OUT/SCANNER/CLASS/N.png, OUT.csv
    python3 data/mni152/make.py patients OUT                       # OUT/patients.csv, pictures/, masks/

The template is the average of 152 brains (Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033), its maps of grey and
white matter as the package nilearn carries them. The notes of nilearn call its licence unknown, so no file made of it lies
in this repository. No picture is of a person.

The causal model is that of the task `acquisition` of `qgraft run causal`, with this anatomy in place of ellipses, brighter lesions
and a curve of grey levels:

    anatomy -> shares m_t of grey matter, white matter and fluid        a level, a turn, a stretch, a fold of the template
    lesion  -> T2 x 2 (scanners) in a disc around a place in white matter
    scanner -> repetition time, echo time, gain, bias field, noise, curve of grey levels
    pixel   =  curve(|gain * field * sum_t m_t (1 - exp(-TR / T1_t)) exp(-TE / T2_t) + complex noise|)

Lesion and scanner are drawn independently (`none`, `acquisition`) or the lesion is drawn given the scanner (`confounded`):
0.1 and 0.9 in the two scanners that are learned from, the other way round in the environment `reversed`.
"""
import argparse
import csv
import importlib.util
import os

import nibabel
import numpy as np
from PIL import Image
from scipy.ndimage import affine_transform, binary_closing, binary_fill_holes, gaussian_filter

# T1 and T2 in ms of grey matter, white matter and cerebrospinal fluid at 1.5 T, as in src/systems/causal/scanner.rs.
T1 = np.array([1330.0, 830.0, 4000.0])
T2 = np.array([110.0, 80.0, 2000.0])
# Factor on T2 in a lesion of the scanners' slices.
LESION = 2.0
# Name, TR and TE in ms, gain, largest change of the bias field, noise, exponent of the curve of grey levels.
SCANNERS = {
    "a": (3000.0, 80.0, 1.0, 0.1, 0.02, 1.0),
    "b": (2500.0, 95.0, 1.3, 0.2, 0.02, 0.9),
    "c": (3500.0, 70.0, 0.9, 0.15, 0.02, 1.1),
    "unseen": (5000.0, 55.0, 0.6, 0.6, 0.02, 0.8),
}
# Levels above the anterior commissure in mm: with ventricles, without eyes.
LEVELS = (5.0, 45.0)
# Side of the square that is cut out, in mm.
SIDE = 200.0


def template():
    """Shares of grey and white matter (x, y, z), every second mm, and their affine."""
    folder = os.path.join(os.path.dirname(importlib.util.find_spec("nilearn").origin), "datasets", "data")
    maps = []
    for tissue in ("gm", "wm"):
        image = nibabel.load(os.path.join(folder, f"mni_icbm152_{tissue}_tal_nlin_sym_09a_converted.nii.gz"))
        maps.append(image.get_fdata(dtype=np.float32) / 255.0)
    return np.stack(maps), image.affine


def anatomy(maps, affine, edge, rng):
    """Shares of the three tissues (3, edge, edge), and what was drawn: one level of the template, turned and stretched."""
    level = rng.uniform(*LEVELS)
    angle, stretch = rng.uniform(-0.2, 0.2), rng.uniform(0.92, 1.08, 2)
    is_mirrored = bool(rng.integers(2))
    z = int(round(level - affine[2, 3]))
    step = SIDE / edge
    cosine, sine = np.cos(angle), np.sin(angle)
    # From a pixel (row down, column right) to mm from the middle of the brain, then to the grid of the template.
    flip = np.diag([-1.0 if is_mirrored else 1.0, 1.0])
    turn = flip @ np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(1.0 / stretch) * step
    to_grid = turn @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    middle = np.array([0.0, -18.0]) - affine[:2, 3]
    offset = middle - to_grid @ np.full(2, (edge - 1) / 2.0)
    # Smoothed to the size of a pixel, so that fine folds do not alias.
    cut = lambda part: affine_transform(gaussian_filter(part, 0.4 * step), to_grid, offset, (edge, edge), order=1)
    grey, white, brain = (cut(part) for part in (*maps[:, :, :, z], filled(maps, z)))
    fluid = np.clip(brain - grey - white, 0.0, 1.0)
    return np.stack([grey, white, fluid]), {"level": level, "angle": angle, "mirrored": int(is_mirrored)}


def filled(maps, z):
    """The inside of the brain of a level: ventricles and furrows too."""
    tissue = maps[:, :, :, z].sum(0) > 0.3
    return binary_fill_holes(binary_closing(tissue, iterations=6)).astype(np.float32)


def lesion_of(shares, radius, rng):
    """A disc (edge, edge) from 0 to 1 in white matter, and its middle."""
    edge = shares.shape[1]
    rows, columns = np.nonzero(shares[1] > 0.8)
    k = rng.integers(len(rows))
    y, x = np.mgrid[:edge, :edge]
    distance = np.hypot(y - rows[k], x - columns[k]) - radius
    return 1.0 / (1.0 + np.exp(np.clip(3.0 * distance, -50, 50))), (int(rows[k]), int(columns[k]))


def taken(shares, lesion, factor, scanner, rng):
    """Grey levels (edge, edge) that a scanner gives; in the lesion T2 is times `factor`."""
    repetition, echo, gain, bias, noise, curve = scanner
    signal = lambda t2: (1.0 - np.exp(-repetition / T1)) * np.exp(-echo / t2)
    plain, changed = (np.tensordot(signal(t2), shares, 1) for t2 in (T2, factor * T2))
    value = plain * (1.0 - lesion) + changed * lesion
    edge = value.shape[0]
    y, x = np.mgrid[:edge, :edge] / edge - 0.5
    slope = rng.uniform(-1.0, 1.0, 2)
    field = 1.0 + bias * (slope[0] * y + slope[1] * x)
    magnitude = np.hypot(gain * field * value + noise * rng.normal(size=value.shape), noise * rng.normal(size=value.shape))
    # Fluid gives about 0.75 at a gain of 1. Nothing is normalised: the gain is part of the scanner.
    return np.round(255.0 * np.clip(magnitude, 0.0, 1.0) ** curve).astype(np.uint8)


def save(path, pixels):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(pixels).save(path)


def scanners(options, rng):
    maps, affine = template()
    half = {name: 0.5 for name in SCANNERS}
    names = ["a", "b", "c"]
    # Environment -> (scanner of a row, share of lesions in it).
    environments = {name: [(name, half[name])] for name in names}
    if options.shift == "acquisition":
        environments["unseen"] = [("unseen", 0.5)]
    elif options.shift == "confounded":
        environments = {"a": [("a", 0.1)], "b": [("b", 0.9)], "reversed": [("a", 0.9), ("b", 0.1)]}
    truth = []
    for environment, mixture in environments.items():
        for number in range(options.rows):
            scanner, share = mixture[number % len(mixture)]
            shares, drawn = anatomy(maps, affine, options.edge, rng)
            has_lesion = bool(rng.uniform() < share)
            radius = rng.uniform(12.0, 20.0) / SIDE * options.edge
            disc, (row, column) = lesion_of(shares, radius, rng)
            pixels = taken(shares, disc * has_lesion, LESION, SCANNERS[scanner], rng)
            file = f"{environment}/{'lesion' if has_lesion else 'normal'}/{number:04}.png"
            save(os.path.join(options.out, file), pixels)
            truth.append({"picture": file, "scanner": scanner, "lesion": int(has_lesion), "row": row, "column": column,
                          "radius": f"{radius:.3f}", **{k: f"{v:.4g}" for k, v in drawn.items()}})
    with open(f"{options.out.rstrip('/')}.csv", "w", newline="") as file:
        table = csv.DictWriter(file, truth[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(truth)
    print(len(truth), "slices of", ", ".join(environments))


def patients(options, rng):
    """One to three slices a patient; a lesion is darker than its tissue by 25 to 60 %, so T2 is shorter."""
    maps, affine = template()
    lines = []
    for patient in range(options.positives + options.negatives):
        has_lesion = patient < options.positives
        repetition, echo, gain, bias, noise, curve = SCANNERS["a"]
        own = (repetition, echo * rng.uniform(0.9, 1.1), gain * rng.uniform(0.8, 1.2), 0.3, noise, curve)
        for number in range(rng.integers(1, 4)):
            shares, _ = anatomy(maps, affine, options.edge, rng)
            disc, _ = lesion_of(shares, rng.uniform(8.0, 16.0) / SIDE * options.edge, rng)
            # exp(-TE / (f T2)) / exp(-TE / T2) = 1 - contrast in white matter.
            contrast = rng.uniform(0.25, 0.6)
            factor = 1.0 / (1.0 - T2[1] / own[1] * np.log(1.0 - contrast))
            picture = f"pictures/p{patient:04}_{number}.png"
            save(os.path.join(options.out, picture), taken(shares, disc * has_lesion, factor, own, rng))
            mask = f"masks/p{patient:04}_{number}.png" if has_lesion else ""
            if has_lesion:
                save(os.path.join(options.out, mask), np.where(disc > 0.5, 255, 0).astype(np.uint8))
            lines.append([picture, f"p{patient:04}", "lesion" if has_lesion else "normal", mask])
    with open(os.path.join(options.out, "patients.csv"), "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["picture", "patient", "label", "mask"])
        table.writerows(lines)
    print(len(lines), "slices of", options.positives + options.negatives, "patients")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=["scanners", "patients"])
parser.add_argument("out")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--edge", type=int, help="pixels along an edge (32 of scanners, 128 of patients)")
parser.add_argument("--shift", choices=["none", "acquisition", "confounded"], default="acquisition")
parser.add_argument("--rows", type=int, default=600, help="slices of each environment")
parser.add_argument("--positives", type=int, default=102)
parser.add_argument("--negatives", type=int, default=60)
options = parser.parse_args()
options.edge = options.edge or (32 if options.what == "scanners" else 128)
{"scanners": scanners, "patients": patients}[options.what](options, np.random.default_rng(options.seed))
