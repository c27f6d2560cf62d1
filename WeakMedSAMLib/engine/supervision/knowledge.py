"""What is known of classes beforehand, in terms of the slices of a volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.knowledge import SIDES, Brightness
from WeakMedSAMLib.engine.data.geometry import Geometry, plane_axes

_EDGES = (1, 99)  # per cent of the body's cells
_AROUND = 3 / 16  # of the frame: standard deviation of the surroundings that a cell is compared with
_STEEPNESS = 2.0


@dataclass(frozen=True)
class SidePrior:
    """The class at `column` of the table lies in one half of the body.

    Attributes
    ----------
    column : int
    steps : tuple of 3 floats
        How many mm further to that side the next slice, row and column lie.
    """

    column: int
    steps: tuple[float, float, float]

    def limit(self, body: np.ndarray, cell: tuple[float, float]) -> float | None:
        """Where the middle of the body lies, in mm along that direction; None if no cell shows the body.

        Parameters
        ----------
        body : numpy.ndarray
            S x m x m, bool: cells that show the body.
        cell : tuple of 2 floats
            How many rows and columns of the volume a cell is high and wide.
        """
        along = np.broadcast_to(self._along(body.shape, cell), body.shape)[body]
        if not along.size:
            return None
        # The outermost cells may be an arm, or noise.
        low, high = np.percentile(along, _EDGES)
        return float(low + high) / 2

    def beyond(self, limit: float, shape: tuple[int, ...], cell: tuple[float, float]) -> np.ndarray:
        """Which cells of S x m x m lie on that side of `limit`: bool."""
        return np.broadcast_to(self._along(shape, cell) >= limit, shape)

    def _along(self, shape: tuple[int, ...], cell: tuple[float, float]) -> np.ndarray:
        """How far the middles of cells lie in that direction, in mm."""
        slices, rows, columns = (np.arange(count, dtype=np.float32) for count in shape)
        high, wide = cell
        row_mm, column_mm = self.steps[1] * ((rows + 0.5) * high - 0.5), self.steps[2] * ((columns + 0.5) * wide - 0.5)
        return (self.steps[0] * slices)[:, None, None] + row_mm[None, :, None] + column_mm[None, None, :]


def side_priors(classes: ClassTable, geometry: Geometry, axis: str) -> tuple[SidePrior, ...]:
    """Return the priors of the classes of which a side is known."""
    millimetres = geometry.axes * geometry.spacing  # LPS x ijk
    order = ["ijk".index(axis), *plane_axes(axis)]
    found = []
    for column, entry in enumerate(classes):
        if entry.known.side is not None:
            along, grows = SIDES[entry.known.side]
            steps = millimetres[along, order] * (1 if grows else -1)
            found.append(SidePrior(column, (float(steps[0]), float(steps[1]), float(steps[2]))))
    return tuple(found)


def as_bright(grey: np.ndarray, body: np.ndarray, expected: Brightness) -> np.ndarray:
    """How likely cells are as bright, or dark, against what is around them as a class is known to be.

    Parameters
    ----------
    grey : numpy.ndarray
        n x m x m mean grey values of cells.
    body : numpy.ndarray
        n x m x m, bool: cells that show the body; the others are no surroundings.
    expected : {"brighter", "darker"}

    Returns
    -------
    numpy.ndarray
        n x m x m in [0, 1]: one half where a cell is like its surroundings.
    """
    spread = (0, _AROUND * grey.shape[-1], _AROUND * grey.shape[-1])
    weight = ndimage.gaussian_filter(body.astype(np.float32), spread)
    around = ndimage.gaussian_filter(np.where(body, grey, 0).astype(np.float32), spread) / np.maximum(weight, 1e-6)
    above = np.where(body, grey - around, 0)
    count = np.maximum(body.sum((1, 2), keepdims=True), 1)
    deviation = np.sqrt((above**2).sum((1, 2), keepdims=True) / count)
    sign = 1 if expected == "brighter" else -1
    return 1 / (1 + np.exp(-sign * _STEEPNESS * above / np.maximum(deviation, 1e-6)))


def classes_that_share(classes: ClassTable) -> np.ndarray:
    """Return whether a pixel of one class (row) may be one of another (column): C x C, bool, symmetric."""
    names = classes.names
    return np.array([[classes.may_share(one, other) for other in names] for one in names], bool).reshape(len(names), -1)
