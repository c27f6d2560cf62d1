"""What boxes mean for learning: their slices show the class, and where all of it is boxed there is none outside."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND
from WeakMedSAMLib.contract.labels.painted_slice import plane_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.marks import on_slice, presence_by
from WeakMedSAMLib.engine.supervision.supervision import BoxOnSlices, Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return what the boxes of a settled volume say; `UserError` ``unknown_class``."""
    marks, boxes = KIND.marks(labels), []
    for mark in marks:
        column = classes.index(mark.class_name)
        (first, top, left), (last, bottom, right) = (on_slice(corner, labels) for corner in mark.corners)
        complete = mark.complete or classes[column].known.pieces == "one"
        boxes.append(BoxOnSlices(column, (first, last), (top, bottom), (left, right), complete))

    def draw(index: int) -> np.ndarray:
        pixels = np.full((len(classes), *plane_of(labels)), UNKNOWN, np.uint8)
        here = [box for box in boxes if box.holds_slice(index)]
        for box in here:
            if box.complete:
                pixels[box.column] = NOT_SHOWN
        for box in here:
            pixels[box.column][box.inside] = UNKNOWN
        return pixels

    closed = (index for box in boxes if box.complete for index in range(box.slices[0], box.slices[1] + 1))
    return Supervision(presence_by(marks, labels, classes), KnownPixels(closed, draw), boxes=tuple(boxes))
