#!/usr/bin/env python3
"""Write scikit-learn's bundled tables as CSV files with a header; the class is the last column, in words.

  python3 data/tables/make.py data/tables        # scikit-learn 1.9
"""
import csv, pathlib, sys
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

for name, load in [("iris", load_iris), ("wine", load_wine), ("breast_cancer", load_breast_cancer)]:
    data = load()
    with open(pathlib.Path(sys.argv[1]) / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*data.feature_names, "class"])
        for row, label in zip(data.data, data.target):
            writer.writerow([*(repr(float(v)).removesuffix(".0") for v in row), data.target_names[label]])
