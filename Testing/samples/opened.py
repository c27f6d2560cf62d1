"""Copies of the samples to work on, and where things in them lie: by position, whatever the numbering of slices.

SimpleITK says where a voxel lies, so that neither a reader of the program nor an order of slices is trusted.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

SAMPLES = Path(__file__).resolve().parent / "0.1"
SCANS = {"right": "right.nrrd", "left": "left.nii.gz", "new": "new.nrrd"}
LABELS = {"ball": 1, "rod": 2}
_TRUTH = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))


def scan(name: str) -> Path:
    """The file of a scan."""
    return SAMPLES / "scans" / SCANS[name]


def run_copy(what: str, folder: Path) -> Path:
    """Copy a run folder, such as ``"fast_finished"``, into a folder that is made; returns the run folder."""
    name = _TRUTH["runs"][what]
    return shutil.copytree(_unpacked() / name, folder / name)


@cache
def _unpacked() -> Path:
    """All run folders, unpacked once for all tests of a process."""
    folder = tempfile.TemporaryDirectory(prefix="weakmedsam-samples-")
    atexit.register(folder.cleanup)
    with tarfile.open(SAMPLES / "runs.tar.xz") as archive:
        archive.extractall(folder.name, filter="data")
    return Path(folder.name)


def true_positions(name: str, label: str) -> list[float]:
    """Where along z (mm) the slices of a scan lie that show a class."""
    return _TRUTH["scans"][name][label]["z_mm"]


def true_labels(name: str) -> np.ndarray:
    """True labels of a scan, in the geometry of its truth file."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(SAMPLES / "scans" / f"{name}_truth.nrrd")))


def placed_labels(path: Path, name: str) -> np.ndarray:
    """Labels of a mask file at the places of the voxels of `true_labels`, 0 where the mask does not reach."""
    truth = sitk.ReadImage(str(SAMPLES / "scans" / f"{name}_truth.nrrd"))
    mask = sitk.Resample(sitk.ReadImage(str(path)), truth, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(mask)


def positions(path: Path, value: int | None = None) -> list[float]:
    """Where along z (mm) the slices of a mask file lie that have a label; without one, anything but 0."""
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    shown = np.flatnonzero((array > 0 if value is None else array == value).any(axis=(1, 2)))
    return sorted(round(image.TransformIndexToPhysicalPoint((0, 0, int(k)))[2], 3) for k in shown)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice of two masks, bool; 1 where both are empty."""
    total = np.count_nonzero(one) + np.count_nonzero(other)
    return 2 * np.count_nonzero(one & other) / total if total else 1.0


def each_label(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Class name -> Dice of its voxels in two arrays of labels."""
    return {label: dice(first == value, second == value) for label, value in LABELS.items()}
