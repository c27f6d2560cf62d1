"""Points and boxes from a mask that somebody drew, where a reader puts them: on the slice that shows most of it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.engine.data.geometry import AXES, plane_axes, slice_stack


def largest_slice(mask_kji: np.ndarray, axis: str) -> int | None:
    """Return the (first) slice with most pixels of a mask, bool k x j x i; None if it has none."""
    pixels = np.count_nonzero(slice_stack(mask_kji, axis), axis=(1, 2))
    return int(pixels.argmax()) if pixels.any() else None


def boxes_around(class_name: str, mask_kji: np.ndarray, axis: str, index: int) -> list[Box]:
    """Return a box around each connected piece on a slice; nothing of the class is outside of them there.

    Pixels that touch by a corner are one piece.
    """
    pieces, _ = ndimage.label(slice_stack(mask_kji, axis)[index], np.ones((3, 3)))
    return [
        Box.between(
            class_name,
            _voxel(axis, index, rows.start, columns.start),
            _voxel(axis, index, rows.stop - 1, columns.stop - 1),
            complete=True,
        )
        for rows, columns in ndimage.find_objects(pieces)
    ]


def point_within(
    class_name: str, mask_kji: np.ndarray, axis: str, index: int, spacing: tuple[float, float] = (1.0, 1.0)
) -> Point:
    """Return the point of a slice that lies deepest within a mask, by mm: `spacing` of rows and columns.

    The edge of the picture is an edge of the mask.
    """
    depth = ndimage.distance_transform_edt(np.pad(slice_stack(mask_kji, axis)[index], 1), spacing)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(class_name, _voxel(axis, index, int(row), int(column)))


def _voxel(axis: str, index: int, row: int, column: int) -> Voxel:
    rows, columns = plane_axes(axis)
    at = {AXES.index(axis): index, rows: row, columns: column}
    return at[0], at[1], at[2]
