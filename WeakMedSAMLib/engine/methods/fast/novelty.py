"""Stage: how unlike everything on the slices without a class each cell of the slices with it is.

A class that is tagged absent on a slice appears nowhere on it, so all cells of absent slices are certain negatives. A
cell of a present slice whose features and grey value have no close neighbour among them is likely to show the class.
Measured on one volume alone this finds lesions that a class activation map trained on the same tags does not: such a
map needs many patients, this needs none but the one (figures in the README). What merely co-occurs with a class on its
slices is as novel as the class itself; telling them apart is the task of the classifier (`sce`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import ndimage

# Deviations below the mean that cells of background get: never a peak.
BACKGROUND = -9.0
_CELLS_AT_ONCE = 4096
_SLICES_AT_ONCE = 64


@dataclass(frozen=True)
class CellDescriptors:
    """What each cell of one volume looks like.

    Attributes
    ----------
    projected : numpy.ndarray
        S x D x m x m principal components of the CAM level, float16, may be memory-mapped.
    brightness : numpy.ndarray
        S x m x m mean grey values in [0, 1], may be memory-mapped.
    body : numpy.ndarray
        S x m x m, bool: cells that show the body, may be memory-mapped.
    """

    projected: np.ndarray
    brightness: np.ndarray
    body: np.ndarray

    @cached_property
    def _spread(self) -> float:
        """Root mean square length of a cell's features."""
        return float(np.sqrt(np.mean([np.square(one.astype(np.float32)).sum(0).mean() for one in self.projected])))

    @cached_property
    def _grey(self) -> tuple[np.float32, np.float32]:
        """Mean and deviation of the grey values of the body."""
        values = self.brightness[self.body]
        return values.mean(), values.std() + 1e-6

    def parts(self) -> Iterator[torch.Tensor]:
        """Projected features some slices at a time: n x D x m x m."""
        for start in range(0, len(self.projected), _SLICES_AT_ONCE):
            yield torch.from_numpy(np.array(self.projected[start : start + _SLICES_AT_ONCE]))

    def cells(
        self, slices: np.ndarray, rows: np.ndarray, columns: np.ndarray, brightness_weight: float
    ) -> torch.Tensor:
        """Descriptors of N cells, by slice, row and column: N x (D + 1).

        The grey value is standardised over the body and scaled so that it varies `brightness_weight` times as much as
        all components together.
        """
        features = torch.from_numpy(self.projected[slices, :, rows, columns]).float()
        mean, deviation = self._grey
        scaled = (self.brightness[slices, rows, columns] - mean) / deviation * (brightness_weight * self._spread)
        return torch.cat([features, torch.from_numpy(scaled).float()[:, None]], 1)


def reference_cells(
    volume: CellDescriptors, lacking: np.ndarray, count: int, brightness_weight: float, seed: int
) -> torch.Tensor:
    """A sample of the body's cells among those S x m x m that certainly do not show the class: N x (D + 1).

    N is `count` at most.
    """
    found = np.nonzero(volume.body & lacking)
    drawn = np.random.default_rng(seed).permutation(len(found[0]))[:count]
    slices, rows, columns = (axis[drawn] for axis in found)
    return volume.cells(slices, rows, columns, brightness_weight)


def novelty(
    volume: CellDescriptors, present: np.ndarray, references: torch.Tensor, neighbours: int, brightness_weight: float
) -> np.ndarray:
    """Mean distance of every cell of the present slices to its nearest reference cells.

    Parameters
    ----------
    volume : CellDescriptors
        S slices.
    present : numpy.ndarray
        Indices of P slices.
    references : Tensor
        N x (D + 1) cells that certainly do not show the class.
    neighbours : int
        How many of the nearest are averaged.
    brightness_weight : float
        See `CellDescriptors.cells`.

    Returns
    -------
    numpy.ndarray
        P x m x m, float32, standardised over the body and smoothed; see `standardise_map`.
    """
    body = volume.body[present]
    order, rows, columns = np.nonzero(body)
    count = min(neighbours, len(references))
    nearest = np.empty(len(order), np.float32)
    for start in range(0, len(order), _CELLS_AT_ONCE):
        part = slice(start, start + _CELLS_AT_ONCE)
        cells = volume.cells(present[order[part]], rows[part], columns[part], brightness_weight)
        nearest[part] = torch.cdist(cells, references).topk(count, 1, largest=False).values.mean(1).numpy()
    distance = np.zeros(body.shape, np.float32)
    distance[body] = nearest
    return standardise_map(distance, body, smoothings=2)


def standardise_map(values: np.ndarray, body: np.ndarray, smoothings: int) -> np.ndarray:
    """Deviations from the mean over the body of P slices, smoothed by 3 x 3 x 3 means in it: P x m x m, float32.

    Slices are expected in order; where one is missing between two, they count as neighbours all the same.
    """
    inside = values[body]
    if inside.size == 0:
        return np.full(values.shape, BACKGROUND, np.float32)
    result = np.where(body, (values - inside.mean()) / (inside.std() + 1e-6), 0).astype(np.float32)
    # Means over the body alone: with the background in them, nothing could be found at the body's edge.
    share = np.maximum(_mean_of_neighbours(body.astype(np.float32)), 1e-6)
    for _ in range(smoothings):
        result = np.where(body, _mean_of_neighbours(result) / share, 0).astype(np.float32)
    return np.where(body, result, np.float32(BACKGROUND))


def _mean_of_neighbours(values: np.ndarray) -> np.ndarray:
    return ndimage.uniform_filter(values, 3, mode="nearest")
