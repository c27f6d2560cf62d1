"""What points mean for learning: one pixel is known, and its slice shows the class if the point does."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted_slice import plane_of
from WeakMedSAMLib.contract.labels.points import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.marks import on_slice, presence_by
from WeakMedSAMLib.engine.supervision.supervision import PointOnSlice, Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return what the points of a settled volume say; `UserError` ``unknown_class``."""
    marks = KIND.marks(labels)
    points = tuple(
        PointOnSlice(classes.index(mark.class_name), *on_slice(mark.voxel, labels), mark.shows) for mark in marks
    )

    def draw(index: int) -> np.ndarray:
        pixels = np.full((len(classes), *plane_of(labels)), UNKNOWN, np.uint8)
        for point in points:
            if point.index == index:
                pixels[point.column, point.row, point.across] = SHOWN if point.shows else NOT_SHOWN
        return pixels

    known = KnownPixels((point.index for point in points), draw)
    return Supervision(presence_by(marks, labels, classes), known, points=points)
