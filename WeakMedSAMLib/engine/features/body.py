"""Which part of a slice is encoded: what shows the body, for air costs as much as anything else."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.engine.features.preprocess import DARK

_CELLS = 32  # along the edge of a frame: wide enough that noise in air averages out
_SLICES_AT_ONCE = 16


def body_boxes(images: np.ndarray, step: int) -> np.ndarray:
    """Boxes around what is not dark on each of S slices.

    Parameters
    ----------
    images : numpy.ndarray
        S x size x size, uint8, 255 for 1.0; may be memory-mapped.
    step : int
        Edges of the boxes are multiples of so many pixels, or the frame's end; 0 for whole frames.

    Returns
    -------
    numpy.ndarray
        S x 4, int32: first row, first column, end of rows, end of columns, in pixels; all 0 where everything is dark.
    """
    size = images.shape[-1]
    boxes = np.zeros((len(images), 4), np.int32)
    for row, bright in enumerate(cell_means(images) > DARK):
        if bright.any():
            boxes[row] = _box(bright, size, step) if step else (0, 0, size, size)
    return boxes


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


def _box(bright: np.ndarray, size: int, step: int) -> tuple[int, int, int, int]:
    """The smallest box of such edges around the bright cells of an m x m grid."""
    sides = []
    for axis in (1, 0):
        found = np.flatnonzero(bright.any(axis))
        first, end = found[0] * size // len(bright), -(-(found[-1] + 1) * size // len(bright))
        sides.append((first // step * step, min(size, -(-end // step) * step)))
    (top, bottom), (left, right) = sides
    return top, left, bottom, right
