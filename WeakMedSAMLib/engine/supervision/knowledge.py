"""What is known of classes beforehand, in terms of the slices of a volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.knowledge import SIDES
from WeakMedSAMLib.engine.data.geometry import Geometry, plane_axes


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

    def half(self, body: np.ndarray, frame_steps: tuple[float, float]) -> np.ndarray:
        """Which cells lie in that half, from the middle of the body on: S x m x m, bool.

        Parameters
        ----------
        body : numpy.ndarray
            S x m x m, bool: cells that show the body; without any, all cells are in it.
        frame_steps : tuple of 2 floats
            How many rows and columns of the volume a cell is high and wide.
        """
        at = [np.arange(count, dtype=np.float32) for count in body.shape]
        slices, rows, columns = (step * each for step, each in zip(self._cell_steps(frame_steps), at, strict=True))
        along = slices[:, None, None] + rows[None, :, None] + columns[None, None, :]
        inside = along[body]
        if not inside.size:
            return np.ones(body.shape, bool)
        # Of the outermost cells some are of an arm, or noise.
        low, high = np.percentile(inside, [1, 99])
        return along >= (low + high) / 2

    def _cell_steps(self, frame_steps: tuple[float, float]) -> tuple[float, float, float]:
        return self.steps[0], self.steps[1] * frame_steps[0], self.steps[2] * frame_steps[1]


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


def classes_that_share(classes: ClassTable) -> np.ndarray:
    """Return whether a pixel of one class (row) may be one of another (column): C x C, bool, symmetric."""
    known = [entry.known for entry in classes]
    shares = np.eye(len(classes), dtype=bool)
    for row, one in enumerate(known):
        shares[row] |= one.sharing == "free"
        if one.inside_of in classes.names:
            shares[row, classes.index(one.inside_of)] = True
    return shares | shares.T
