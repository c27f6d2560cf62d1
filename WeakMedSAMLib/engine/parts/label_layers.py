"""Which pixels of the slices of a volume belong to which class: those that exclude each other compete for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share


def compete(values: np.ndarray, shares: np.ndarray, least: float) -> np.ndarray:
    """Give each pixel to its strongest class, then to the strongest that may share it with all that have it, and so on.

    Parameters
    ----------
    values : numpy.ndarray
        C x rows x columns.
    shares : numpy.ndarray
        C x C, bool: whether a pixel of one class may be one of another; of itself it may.
    least : float
        A class has no pixel where it is not above this. Of equals the first in the table counts.

    Returns
    -------
    numpy.ndarray
        Bool, C x rows x columns.
    """
    left, won = values.copy(), np.zeros(values.shape, bool)
    while (left > least).any():
        best = np.full(left.shape[1:], least, left.dtype)
        winner = np.full(left.shape[1:], -1, np.int32)
        for column, value in enumerate(left):
            higher = value > best
            winner[higher] = column
            best[higher] = value[higher]
        for column, row in enumerate(shares):
            own = winner == column
            won[column] |= own
            left[column][own] = 0
            left[~row] *= ~own
    return won


class LabelLayers:
    """The masks of C classes on the S slices of a volume, as label maps that are one layer or several.

    Parameters
    ----------
    classes : ClassTable
    shape : tuple of int
        S, rows, columns.

    Attributes
    ----------
    layers : numpy.ndarray
        Label values, 0 for none: layers x S x rows x columns. Classes that may share pixels are on different layers.
    """

    def __init__(self, classes: ClassTable, shape: tuple[int, ...]) -> None:
        self._values, self._layer_of = classes.label_values, classes.layers
        self._shares = classes_that_share(classes)
        dtype = np.uint8 if max(self._values) < 256 else np.uint16
        self.layers = np.zeros((1 + max(self._layer_of), *shape), dtype)

    @classmethod
    def of(cls, classes: ClassTable, stacks: Mapping[int, np.ndarray], least: int) -> LabelLayers:
        """Those of label value -> S x rows x columns, uint8, as `compete` gives them to classes, in their order."""
        maps: Sequence[np.ndarray] = list(stacks.values())
        made = cls(classes, maps[0].shape)
        for index in range(len(maps[0])):
            for column, won in enumerate(compete(np.stack([stack[index] for stack in maps]), made._shares, least)):
                made.layers[made._layer_of[column], index][won] = made._values[column]
        return made

    def mask(self, column: int) -> np.ndarray:
        """Return the mask of a class: bool, S x rows x columns."""
        found: np.ndarray = self.layers[self._layer_of[column]] == self._values[column]
        return found

    def is_free(self, column: int, index: int) -> np.ndarray:
        """Return where on a slice there is neither the class nor one that excludes it: bool, rows x columns."""
        free = self.layers[self._layer_of[column], index] != self._values[column]
        for other in np.flatnonzero(~self._shares[column]):
            free &= self.layers[self._layer_of[other], index] != self._values[other]
        return free

    def put(self, column: int, index: int, mask: np.ndarray) -> None:
        """Let pixels (bool, rows x columns) of a slice be of a class, and of none that excludes it."""
        for other in np.flatnonzero(~self._shares[column]):
            labels = self.layers[self._layer_of[other], index]
            labels[mask & (labels == self._values[other])] = 0
        self.layers[self._layer_of[column], index][mask] = self._values[column]
