"""Slices by coarse cells: what they show at a glance, without noise."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.engine.features.preprocess import DARK

_CELLS = 32  # along the edge of a frame: wide enough that noise averages out
_SAME = 0.01  # of the grey range


def cell_means(images: np.ndarray) -> np.ndarray:
    """Mean grey value of every cell of a coarse grid: n x m x m, float32 in [0, 1].

    Parameters
    ----------
    images : numpy.ndarray
        n x size x size, uint8, 255 for 1.0; a few at a time.
    """
    size = images.shape[-1]
    cells = min(_CELLS, size)
    edges = np.arange(cells) * size // cells
    widths = np.diff([*edges, size])
    sums = np.add.reduceat(np.add.reduceat(images, edges, 1, np.float32), edges, 2)
    return np.asarray(sums / (255 * np.outer(widths, widths)), np.float32)


def shows_air(cells: np.ndarray) -> np.ndarray:
    """Which of S slices show air alone, the same in all of them, by the means of their cells S x m x m: bool.

    What is dark but differs from the first dark slice is no air: a faint thing, or a body where a coil sees little.
    """
    dark = (cells <= DARK).all((1, 2))
    rows = np.flatnonzero(dark)
    same = np.abs(cells[rows] - cells[rows[:1]]) <= _SAME
    air = np.zeros(len(cells), bool)
    air[rows] = same.all((1, 2))
    return air
