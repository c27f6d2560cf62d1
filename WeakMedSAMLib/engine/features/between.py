"""Thin slices: which of them are encoded, and how the features of the others follow from their neighbours'.

Where slices lie closer than what a cell of the features covers, most show what the slices before and after them show.
Such a slice gets the mean of its neighbours' features, weighted by distance, if its image is that of theirs to within a
small difference in every cell; where it shows anything of its own, it is encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.engine.features.levels import Level

# Pixels of the frame from one encoded slice to the next, at most: only slices up to a pixel apart are left out at all.
_WIDEST_GAP = 2.0
_ROUNDING = 1e-6  # of distances that headers give
# Of the grey range, in any cell: from there on a slice is not what lies between its neighbours.
_MOST_DIFFERENCE = 0.04


@dataclass(frozen=True, eq=False)
class Neighbours:
    """From which encoded slices the features of each of S slices come.

    Attributes
    ----------
    before, after : numpy.ndarray
        S, int32: encoded slices; both the slice itself where it is one.
    weight : numpy.ndarray
        S, float32: share of `after`.
    """

    before: np.ndarray
    after: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, encoded: np.ndarray, count: int) -> Neighbours:
        """Those of `count` slices of which these are encoded: ascending, the first and the last slice among them."""
        every = np.arange(count)
        before = encoded[np.searchsorted(encoded, every, "right") - 1]
        after = encoded[np.searchsorted(encoded, every, "left")]
        weight = (every - before) / np.maximum(after - before, 1)
        return cls(before.astype(np.int32), after.astype(np.int32), weight.astype(np.float32))


def widest_step(gap: float, count: int) -> int:
    """Every how-manieth of `count` slices must be encoded at least, for a distance of slices in pixels of the frame."""
    if not gap > 0:
        return 1
    return max(1, int(min(count, _WIDEST_GAP / max(gap, _ROUNDING) * (1 + _ROUNDING))))


def slices_to_encode(cells: np.ndarray, step: int) -> np.ndarray:
    """Indices of the slices that must be encoded, ascending.

    Parameters
    ----------
    cells : numpy.ndarray
        Mean grey values in [0, 1] of the cells of S slices, S x m x m.
    step : int
        See `widest_step`.
    """
    count = len(cells)
    chosen = {*range(0, count, step), count - 1} if count else set()
    if step == 1:
        return np.array(sorted(chosen), int)
    pending = list(zip(sorted(chosen), sorted(chosen)[1:], strict=False))
    while pending:
        first, last = pending.pop()
        worst = _furthest_off(cells, first, last)
        if worst is not None:
            chosen.add(worst)
            pending += [(first, worst), (worst, last)]
    return np.array(sorted(chosen), int)


def _furthest_off(cells: np.ndarray, first: int, last: int) -> int | None:
    """The slice between two others that differs most from what lies between them; None if none differs too much."""
    if last - first < 2:
        return None
    inner = np.arange(first + 1, last)
    weight = ((inner - first) / (last - first))[:, None, None]
    expected = (1 - weight) * cells[first] + weight * cells[last]
    differences = np.abs(cells[inner] - expected).max((1, 2))
    return int(inner[differences.argmax()]) if differences.max() > _MOST_DIFFERENCE else None


@dataclass(frozen=True, eq=False)
class BlendedLevel:
    """A level of which some slices were encoded, and the others lie between them.

    Attributes
    ----------
    level : Level
        Holds the encoded slices, by their index among all.
    neighbours : Neighbours
        Of all slices.
    """

    level: Level
    neighbours: Neighbours

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x h x w."""
        return self.level.shape

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x h x w, float32."""
        wanted = np.asarray(indices, int)
        maps = self.level.read(self.neighbours.before[wanted])
        weights = self.neighbours.weight[wanted]
        between = np.flatnonzero(weights)
        if len(between):
            after = self.level.read(self.neighbours.after[wanted[between]])
            share = torch.from_numpy(weights[between])[:, None, None, None]
            maps[between] = maps[between].lerp_(after, share)
        return maps

    def project(self, index: int, weights: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """See `Level`."""
        near, share = self.neighbours, float(self.neighbours.weight[index])
        sums = self.level.project(int(near.before[index]), weights, bias, dtype)
        if share == 0:
            return sums
        return sums.lerp(self.level.project(int(near.after[index]), weights, bias, dtype), share)
