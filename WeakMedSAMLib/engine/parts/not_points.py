"""What points that say "not here" take out of the mask of one that says "here"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MOST_TAKEN = 0.5  # of a mask


def without(mask: np.ndarray, other: np.ndarray, shown: Sequence[tuple[int, int]]) -> np.ndarray:
    """A mask without another one; as it is where that would take most of it, or a place that shows the class.

    Parameters
    ----------
    mask, other : numpy.ndarray
        h x w, bool: drawn for a point that shows the class, and for one that does not.
    shown : sequence of pairs of int
        Row and column of points that show the class.
    """
    common = np.count_nonzero(mask & other)
    if any(other[place] for place in shown) or common > _MOST_TAKEN * np.count_nonzero(mask):
        return mask
    return mask & ~other
