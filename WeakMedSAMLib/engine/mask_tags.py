"""Slice tags from a mask that somebody drew: only whether a slice shows a class, never where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.tags import ABSENT, PRESENT, UNTAGGED, VolumeTags
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack

MIN_PIXELS = 20


@dataclass(frozen=True)
class MaskClass:
    """A class, and the values of a label map that belong to it."""

    name: str
    values: tuple[int, ...]


def parse_mask_classes(text: str) -> list[MaskClass]:
    """Read which label values are which class.

    Parameters
    ----------
    text : str
        Such as ``"liver=1,kidneys=2+3"``; a bare value (``"1"``) is called ``"label 1"``.

    Raises
    ------
    UserError
        ``bad_labels``.
    """
    classes = []
    for entry in text.split(","):
        name, equals, values = entry.rpartition("=")
        try:
            numbers = tuple(int(value) for value in values.split("+"))
        except ValueError:
            numbers = ()
        if not numbers or min(numbers) < 1 or (equals and not name.strip()):
            message = f"{entry.strip()!r} does not say which label values are a class."
            raise UserError("bad_labels", message, "Write it like liver=1,kidneys=2+3")
        classes.append(MaskClass(name.strip() or f"label {values.strip()}", numbers))
    return classes


def class_table(classes: Sequence[MaskClass]) -> ClassTable:
    """Class table with the (first) label value of each class; `UserError` where two share one."""
    return ClassTable.from_json([{"name": entry.name, "label_value": entry.values[0]} for entry in classes])


def require_same_grid(path: Path, geometry: Geometry, other_path: Path, other: Geometry) -> None:
    """Refuse two volumes whose voxels do not lie at the same places; `UserError` ``grids_differ``.

    Files of different formats round differently, hence a tolerance: a hundredth of a voxel.
    """
    if geometry.size != other.size:
        what = f"has {_times(geometry.size)} voxels, {other_path} has {_times(other.size)}"
    elif np.abs(_corners(geometry) - _corners(other)).max() > 0.01 * max(other.spacing):
        what = f"has the size of {other_path}, but lies elsewhere or is turned or flipped"
    else:
        return
    raise UserError("grids_differ", f"{path} {what}.", "Give two files that belong to the same volume.")


def _corners(geometry: Geometry) -> np.ndarray:
    """Where the eight outermost voxels lie, in LPS mm."""
    ends = np.array(list(product(*((0, count - 1) for count in geometry.size))))
    return np.array(geometry.origin) + (ends * geometry.spacing) @ geometry.axes.T


def _times(size: tuple[int, int, int]) -> str:
    return " x ".join(map(str, size))


def mask_of(labels_kji: np.ndarray, entry: MaskClass) -> np.ndarray:
    """Mask of one class: bool, of the shape of the label map."""
    return np.isin(labels_kji, entry.values)


def slice_tags(mask_kji: np.ndarray, axis: str, min_pixels: int = MIN_PIXELS, stride: int = 1) -> np.ndarray:
    """Tag of every slice along an axis.

    Parameters
    ----------
    mask_kji : numpy.ndarray
        bool, k x j x i.
    axis : str
        ``"i"``, ``"j"`` or ``"k"``.
    min_pixels : int
        PRESENT from so many mask pixels on, else ABSENT.
    stride : int
        Only every so-manieth slice is tagged, from the first; the others are UNTAGGED.

    Returns
    -------
    numpy.ndarray
        int8 (n_slices,).
    """
    pixels = np.count_nonzero(slice_stack(mask_kji, axis), axis=(1, 2))
    tags = np.full(len(pixels), UNTAGGED, np.int8)
    tags[::stride] = np.where(pixels[::stride] >= min_pixels, PRESENT, ABSENT)
    return tags


def tags_from_labels(
    name: str,
    sha256: str | None,
    labels_kji: np.ndarray,
    classes: Sequence[MaskClass],
    axis: str = "k",
    min_pixels: int = MIN_PIXELS,
    stride: int = 1,
) -> VolumeTags:
    """Tags of one volume from its label map; ``name`` and ``sha256`` are those of the volume, not of the label map."""
    masks = {entry.name: mask_of(labels_kji, entry) for entry in classes}
    states = {class_name: slice_tags(mask, axis, min_pixels, stride) for class_name, mask in masks.items()}
    n_slices = len(slice_stack(labels_kji, axis))
    return VolumeTags(name, sha256, axis, n_slices, states)
