"""How a slice is shown as radiologists expect it: seen from the feet, from the front, or from the patient's left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.data.geometry import AXES, Geometry, plane_axes

# Positive LPS directions, and their opposites.
_LETTERS = ("L", "P", "S")
_OPPOSITE = {"L": "R", "P": "A", "S": "I", "R": "L", "A": "P", "I": "S"}
_NAMES = ("sagittal", "coronal", "axial")
# By the anatomical axis that slices are stacked along: which anatomical axis and sign points down, and which right.
_CONVENTION = {2: ((1, 1), (0, 1)), 1: ((2, -1), (0, 1)), 0: ((2, -1), (1, 1))}


@dataclass(frozen=True)
class View:
    """How the rows and columns of a slice are turned for display.

    Parameters
    ----------
    name : {"axial", "coronal", "sagittal"}
        The nearest standard plane.
    transposed, flip_rows, flip_columns : bool
        Applied in this order.
    edges : tuple of str
        Letters (R, L, A, P, S, I) of the left, right, upper and lower edge as displayed.
    """

    name: str
    transposed: bool
    flip_rows: bool
    flip_columns: bool
    edges: tuple[str, str, str, str]

    def shown(self, plane: np.ndarray) -> np.ndarray:
        """View of a slice (rows x columns) as displayed."""
        plane = plane.T if self.transposed else plane
        return plane[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def pixel_mm(self, row_mm: float, column_mm: float) -> tuple[float, float]:
        """Height and width of a displayed pixel in mm, from those of the slice."""
        return (column_mm, row_mm) if self.transposed else (row_mm, column_mm)


def view_of(geometry: Geometry, axis: str) -> View:
    """Display of slices along an index axis, as near to the convention as turns and mirroring go.

    Axial: the patient's right on the left of the picture, front up. Coronal: right on the left, head up. Sagittal:
    front on the left, head up.
    """
    anatomy = _nearest_anatomy(geometry.axes)
    through = anatomy[AXES.index(axis)]
    (down, down_sign), (right, right_sign) = _CONVENTION[through]
    row_axis, column_axis = plane_axes(axis)
    transposed = anatomy[row_axis] != down
    down_axis, right_axis = (column_axis, row_axis) if transposed else (row_axis, column_axis)
    flip_rows = geometry.axes[down, down_axis] * down_sign < 0
    flip_columns = geometry.axes[right, right_axis] * right_sign < 0
    lower, rightmost = _letter(down, down_sign), _letter(right, right_sign)
    edges = (_OPPOSITE[rightmost], rightmost, _OPPOSITE[lower], lower)
    return View(_NAMES[through], transposed, bool(flip_rows), bool(flip_columns), edges)


def _letter(axis: int, sign: int) -> str:
    return _LETTERS[axis] if sign > 0 else _OPPOSITE[_LETTERS[axis]]


def _nearest_anatomy(axes: np.ndarray) -> list[int]:
    """For i, j, k the anatomical axis (0 left-right, 1 front-back, 2 up-down) it stands for, each used once."""
    strength = np.abs(axes)
    orders = [(a, b, 3 - a - b) for a in range(3) for b in range(3) if a != b]
    nearest = max(orders, key=lambda order: sum(strength[order[i], i] for i in range(3)))
    return list(nearest)
