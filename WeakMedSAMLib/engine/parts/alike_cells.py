"""Which cells of a slice resemble those inside of a mask on another one, nearby: where a class goes on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.engine.base.core_pool import CorePool
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.maps import resize_maps

_REACH = 6  # cells that a piece may move from slice to slice
_GROWTH = 4  # cells that it may grow by on each side
_ALIKE = 8  # most similar cells that are asked
_SHARPNESS = 0.07  # of their votes, by cosine of features
_ROWS_AT_ONCE = 6  # of a window: of few rows fewer cells are compared that lie out of reach of each other
# Rows and columns from a cell to those within reach, row after row.
_STEPS = range(-_REACH, _REACH + 1)
_AROUND = torch.tensor([(down, across) for down in _STEPS for across in _STEPS if down**2 + across**2 <= _REACH**2])


class AlikeCells:
    """Compares cells of the slices of one volume.

    Parameters
    ----------
    level : Level
        By which they resemble each other.
    """

    def __init__(self, level: Level) -> None:
        self._level = level
        self._cells: dict[int, torch.Tensor] = {}

    def hold(self, indices: Iterable[int]) -> None:
        """Have these slices in memory, and no others: only they can be compared."""
        wanted = list(dict.fromkeys(indices))
        missing = [index for index in wanted if index not in self._cells]
        read = dict(zip(missing, CorePool.of_this_process().map(self._unit_cells, missing), strict=True))
        self._cells = {index: self._cells[index] if index in self._cells else read[index] for index in wanted}

    def resemblance(self, mask: np.ndarray, before: int, index: int) -> np.ndarray:
        """How much the cells of a slice resemble those inside of a mask of the slice `before`: size x size.

        Reads nothing but what is held, so that several threads may ask at once.
        """
        there, here = self._cells[before], self._cells[index]
        cells = here.shape[-1]
        inside = resize_maps(torch.from_numpy(mask), cells)
        rows, columns = _window(inside > 0.1)
        like = torch.zeros(cells, cells)
        for start in range(rows.start, rows.stop, _ROWS_AT_ONCE):
            some = slice(start, min(start + _ROWS_AT_ONCE, rows.stop))
            like[some, columns] = _vote_of_alike(here, there, inside, some, columns)
        return resize_maps(like, mask.shape[-1]).numpy()

    def _unit_cells(self, index: int) -> torch.Tensor:
        """Features of a slice, less their mean, each cell of length 1: C x h x w."""
        maps = self._level.read([index])[0]
        return F.normalize(maps - maps.mean((1, 2), keepdim=True), dim=0)


def _window(inside: torch.Tensor) -> tuple[slice, slice]:
    """Rows and columns of the cells that a mask h x w may grow to, all of them where there is nothing in it."""
    spans = []
    for axis in (1, 0):
        found = inside.any(axis).nonzero().flatten()
        first, last = (int(found[0]), int(found[-1])) if len(found) else (0, inside.shape[0] - 1)
        spans.append(slice(max(0, first - _GROWTH), min(inside.shape[1 - axis], last + _GROWTH + 1)))
    return spans[0], spans[1]


def _vote_of_alike(
    here: torch.Tensor, there: torch.Tensor, inside: torch.Tensor, rows: slice, columns: slice
) -> torch.Tensor:
    """What the most similar cells within reach, on the other slice, say of the cells of a window: whether inside."""
    far = _grown(rows, here.shape[1]), _grown(columns, here.shape[2])
    height, width = (span.stop - span.start for span in far)
    alike = here[:, rows, columns].flatten(1).T @ there[:, far[0], far[1]].flatten(1)
    down = torch.arange(rows.start, rows.stop)[:, None, None] - far[0].start + _AROUND[:, 0]
    across = torch.arange(columns.start, columns.stop)[None, :, None] - far[1].start + _AROUND[:, 1]
    is_there = ((down >= 0) & (down < height) & (across >= 0) & (across < width)).flatten(0, 1)
    places = (down * width + across).flatten(0, 1).masked_fill_(~is_there, 0)
    # Of those within reach alone: to look for the most similar among all takes longer than to compare them.
    best, order = alike.gather(1, places).masked_fill_(~is_there, -torch.inf).topk(_ALIKE, dim=1)
    votes = (best / _SHARPNESS).softmax(1) * inside[far[0], far[1]].flatten()[places.gather(1, order)]
    return votes.sum(1).unflatten(0, (rows.stop - rows.start, columns.stop - columns.start))


def _grown(span: slice, size: int) -> slice:
    return slice(max(0, span.start - _REACH), min(size, span.stop + _REACH))
