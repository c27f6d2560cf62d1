"""Slices by coarse cells: what they show at a glance, without noise."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.engine.features.preprocess import DARK

_CELLS = 32  # along the edge of a frame: wide enough that noise averages out
_SLICES_AT_ONCE = 16


def cell_means(images: np.ndarray) -> np.ndarray:
    """Mean grey value of every cell of a coarse grid: S x m x m, float32 in [0, 1].

    Parameters
    ----------
    images : numpy.ndarray
        S x size x size, uint8, 255 for 1.0; may be memory-mapped.
    """
    size = images.shape[-1]
    cells = min(_CELLS, size)
    edges = np.arange(cells) * size // cells
    widths = np.diff([*edges, size])
    means = np.empty((len(images), cells, cells), np.float32)
    for start in range(0, len(images), _SLICES_AT_ONCE):
        part = slice(start, start + _SLICES_AT_ONCE)
        sums = np.add.reduceat(np.add.reduceat(images[part], edges, 1, np.float32), edges, 2)
        means[part] = sums / (255 * np.outer(widths, widths))
    return means


def shows_body(cells: np.ndarray) -> np.ndarray:
    """Which of S slices show more than air, by the means of their cells S x m x m: bool."""
    return np.asarray((cells > DARK).any((1, 2)))
