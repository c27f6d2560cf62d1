"""Slice tags from a mask that somebody drew: only whether a slice shows a class, never where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.data.labels import grids_differ, same_grid
from WeakMedSAMLib.engine.data.segmentations import MaskFile

MIN_PIXELS = 20
_SEGMENT_NAME = re.compile(r"[^\W\d_]")  # has a letter


@dataclass(frozen=True)
class MaskClass:
    """A class, and the label values, or the segments by name or ID, that belong to it."""

    name: str
    values: tuple[int, ...]
    segments: tuple[str, ...] = ()


def parse_mask_classes(text: str) -> list[MaskClass]:
    """Read which label values, or which segments of a segmentation of 3D Slicer, are which class.

    Parameters
    ----------
    text : str
        Such as ``"liver=1,kidneys=2+3"``; a bare value (``"1"``) is called ``"label 1"``. What is no number is the
        name or ID of a segment: ``"kidneys=left kidney+right kidney"``; a bare name stands for both.

    Raises
    ------
    UserError
        ``bad_labels``.
    """
    classes = []
    for entry in text.split(","):
        name, equals, values = entry.rpartition("=")
        parts = [part.strip() for part in values.split("+")]
        numbers = tuple(int(part) for part in parts if part.isdecimal())
        segments = tuple(part for part in parts if _SEGMENT_NAME.search(part))
        if len(numbers) + len(segments) < len(parts) or 0 in numbers or (equals and not name.strip()):
            message = f"{entry.strip()!r} does not say which label values or segments are a class."
            raise UserError("bad_labels", message, "Write it like liver=1,kidneys=2+3 or cyst=name of a segment")
        bare = values.strip() if segments else f"label {values.strip()}"
        classes.append(MaskClass(name.strip() or bare, numbers, segments))
    return classes


def class_table(classes: Sequence[MaskClass]) -> ClassTable:
    """Class table with the (first) label value of each class, or a free one; `UserError` where two share one."""
    known = [{"name": entry.name} | ({"label_value": entry.values[0]} if entry.values else {}) for entry in classes]
    return ClassTable.from_json(known)


def unknown_of(mask: MaskFile, classes: Sequence[MaskClass]) -> np.ndarray:
    """Return the voxels of a label map of which nothing is known, bool k x j x i: those of 255, unless it is a class.

    A segmentation has none.
    """
    if mask.segments or any(UNKNOWN in entry.values for entry in classes):
        return np.zeros(mask.layers.shape[1:], bool)
    return np.asarray((mask.layers == UNKNOWN).any(0))


def require_same_grid(path: Path, geometry: Geometry, other_path: Path, other: Geometry) -> None:
    """Refuse two volumes whose voxels do not lie at the same places; `UserError` ``grids_differ``.

    Programs round differently, hence a tolerance: a tenth of a voxel.
    """
    if not same_grid(geometry, other):
        raise grids_differ(geometry, other, path, other_path)


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


def tags_from_masks(
    name: str,
    sha256: str | None,
    masks: Mapping[str, np.ndarray],
    axis: str = "k",
    min_pixels: int = MIN_PIXELS,
    stride: int = 1,
) -> VolumeLabels:
    """Tags of one volume from a mask a class (bool, k x j x i); ``name`` and ``sha256`` are those of the volume."""
    states = {class_name: slice_tags(mask, axis, min_pixels, stride) for class_name, mask in masks.items()}
    n_slices = next(len(state) for state in states.values())
    return VolumeLabels(name, sha256, axis, n_slices, "slicer", states=states)
