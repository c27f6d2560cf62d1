"""Hashes of the masks that a checkout makes of a real scan, by each preset: what a change must leave as they are.

    python Testing/inventory/masks.py [CHECKOUT]

Two commits are compared by two calls on one machine. It takes two minutes, with so few steps that the masks are rough.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import SimpleITK as sitk  # noqa: N813
import slicerio

SLICES = slice(4, 15, 5)  # without lungs and spine, with lungs, with both
TAGS = """volume,class,tag,first,last
chest,lungs,absent,0,0
chest,lungs,present,1,2
chest,thoracic spine,absent,0,1
chest,thoracic spine,present,2,2
"""
FAST = ("classifier_steps=30", "segmenter_steps=3", "pam_slices=3", "novelty_references=100")
PUBLISHED = ("epochs=2", "batch=4", "sub_classes=2", "network_epochs=2", "network_width=4")
SETTINGS = {"fast": FAST, "paper": PUBLISHED, "reference": PUBLISHED}


def masks_of(checkout: Path, folder: Path, preset: str) -> dict[str, str]:
    """Run a preset in a checkout; the hash of the voxels of every volume that it made, and of its quality."""
    out = folder / preset
    words = [word for value in SETTINGS[preset] for word in ("--set", value)]
    command = [sys.executable, "-m", "WeakMedSAMLib.engine", "segment", "--preset", preset, "--seed", "0", *words]
    command += ["--volume", folder / "chest.nrrd", "--tags", folder / "tags.csv", "--out", out, "--device", "cpu"]
    subprocess.run([str(word) for word in command], cwd=checkout, env=_environment(checkout, folder), check=True)
    found = {}
    for path in sorted(out.rglob("results/*/*")):
        if path.suffix in (".nrrd", ".json"):
            data = sitk.GetArrayFromImage(sitk.ReadImage(str(path))) if path.suffix == ".nrrd" else path.read_bytes()
            found[path.relative_to(out).as_posix()] = hashlib.sha256(bytes(data)).hexdigest()
    return found


def _environment(checkout: Path, folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout), "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


def main() -> None:
    """Print preset, file and hash, a line each."""
    checkout = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    scan = Path(slicerio.__file__).parent / "data" / "CTChest4.nrrd"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sitk.WriteImage(sitk.ReadImage(str(scan))[:, :, SLICES], str(folder / "chest.nrrd"))
        (folder / "tags.csv").write_text(TAGS, encoding="utf-8")
        for preset in SETTINGS:
            for name, found in masks_of(checkout, folder, preset).items():
                print(preset, name, found, flush=True)


if __name__ == "__main__":
    main()
