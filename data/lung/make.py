#!/usr/bin/env python3
"""The NCCTG lung cancer table by institution, as a class: whether a patient lived a year.

  pip install lifelines
  python3 data/lung/make.py > data/lung/lung.csv

lifelines (MIT) carries the table `lung` of R's package survival. Rows whose follow-up ends alive within the year are left
out, since their class is not known, and so is the one without an institution. Nothing else is changed.
"""
import csv
import importlib.resources
import sys

COLUMNS = ["age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]
YEAR = 365

with (importlib.resources.files("lifelines") / "datasets" / "lung.csv").open() as file:
    rows = list(csv.DictReader(file))
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["institution", *[name.replace(".", "_") for name in COLUMNS], "class"])
short = lambda text: text[:-2] if text.endswith(".0") else text
for row in rows:
    time, died = int(row["time"]), row["status"] == "1"
    if not row["inst"] or (time < YEAR and not died):
        continue
    lived = "alive" if time >= YEAR else "dead"
    out.writerow([f"i{short(row['inst'])}", *[short(row[name]) for name in COLUMNS], lived])
