"""What marks within slices have in common: from voxels to slices, rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.labelled_volume import LabelledVolume
from WeakMedSAMLib.contract.labels.marks import AnyMark, Voxel, slices_of
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.engine.data.geometry import plane_axes


def on_slice(voxel: Voxel, labels: LabelledVolume) -> tuple[int, int, int]:
    """Return slice, row and column of a voxel."""
    rows, columns = plane_axes(labels.axis)
    return voxel[labels.axis_index], voxel[rows], voxel[columns]


def presence_by(marks: Sequence[AnyMark], labels: LabelledVolume, classes: ClassTable) -> np.ndarray:
    """Return which slices show a class because a mark lies on them: int8 S x C."""
    presence = np.full((labels.n_slices or 0, len(classes)), UNTAGGED, np.int8)
    for mark in marks:
        if mark.shows:
            first, last = slices_of(mark, labels)
            presence[first : last + 1, classes.index(mark.class_name)] = PRESENT
    return presence
