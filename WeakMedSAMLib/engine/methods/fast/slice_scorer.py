"""How likely each slice shows a class, by one linear layer over cells that tagged slices and bags of slices taught.

A slice has the pooled logit of its best cells, as in `sce`; a bag, of which it is known that some of its slices show
the class, the mean of its slices' logits weighted by their softmax: a smooth maximum. Learned in seconds, so that it
can be learned many times, without some of the patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.stages import PROJECTION
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.pooling import pool_cells
from WeakMedSAMLib.engine.parts.run_context import RunContext

# Raised whenever the same labels give other logits: part of the keys of the stages that use it.
VERSION = 1

_STEPS = 300
_LEARNING_RATE = 1e-2
_WEIGHT_DECAY = 0.05
_TAGGED = 10  # slices of either tag in a step
_MOST_SLICES = 48  # of a bag in a step
_BEAT_EVERY = 20  # steps

_Slices = Sequence[tuple[int, int]]


def beat(context: RunContext, count: int) -> None:
    """Let a run be ended meanwhile; nothing of its progress changes, with all of so many volumes projected."""
    context.report(Progress(PROJECTION, count, count))


def check_logits(kept: Mapping[str, Any], volumes: Sequence[VolumeSlices]) -> dict[str, np.ndarray]:
    """Id of each of some volumes -> what was kept of it; ValueError unless it is of today's slices and classes."""
    found = {volume.id: np.asarray(kept[volume.id]) for volume in volumes}
    if any(found[volume.id].shape != volume.tags.shape for volume in volumes):
        raise ValueError("logits of other slices")
    return found


@dataclass(frozen=True)
class SliceScorer:
    """A layer that was trained.

    Attributes
    ----------
    layer : nn.Conv2d
        Logits of C classes for every cell.
    limits : numpy.ndarray
        C: logits of slices that are as likely either.
    pooling : str
        See `pooling.pool_cells`.
    """

    layer: nn.Conv2d
    limits: np.ndarray
    pooling: str

    @torch.no_grad()
    def of_volume(self, cells: CellDescriptors) -> np.ndarray:
        """Logits S x C of the slices of a volume, 0 where it is as likely that they show the class as not."""
        parts = [_pooled(self.layer, _read(cells, index), self.pooling) for index in range(len(cells.projected))]
        return torch.cat(parts).numpy() - self.limits


def train_scorer(
    volumes: Sequence[VolumeSlices],
    cells: Sequence[CellDescriptors],
    columns: Sequence[int],
    settings: FastSettings,
    beat: Callable[[], object] = lambda: None,
) -> SliceScorer:
    """Learn some classes from the tagged slices and the bags of a cohort.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
    cells : sequence of CellDescriptors
        Of every volume.
    columns : sequence of int
        Of the classes.
    settings : FastSettings
        ``pooling``, ``seed``.
    beat : callable
        Called now and then; may raise to end the work.
    """
    return _Training(volumes, cells, columns, settings).run(beat)


class _Training:
    def __init__(
        self,
        volumes: Sequence[VolumeSlices],
        cells: Sequence[CellDescriptors],
        columns: Sequence[int],
        settings: FastSettings,
    ) -> None:
        self._volumes, self._cells, self._columns, self._pooling = volumes, cells, columns, settings.pooling
        self._random = np.random.default_rng(settings.seed)
        torch.manual_seed(settings.seed)
        self._layer = nn.Conv2d(cells[0].projected.shape[1], volumes[0].tags.shape[1], 1)

    def run(self, beat: Callable[[], object]) -> SliceScorer:
        optimizer = torch.optim.AdamW(self._layer.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=_STEPS)
        tagged = {column: (self._tagged(column, PRESENT), self._tagged(column, ABSENT)) for column in self._columns}
        bags = {column: self._bags(column) for column in self._columns}
        for step in range(_STEPS):
            if step % _BEAT_EVERY == 0:
                beat()
            column = self._columns[step % len(self._columns)]
            losses = [self._slice_loss(column, *tagged[column]), self._bag_loss(column, bags[column])]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
            schedule.step()
        limits = np.zeros(self._volumes[0].tags.shape[1], np.float32)
        for column in self._columns:
            limits[column] = self._limit(column, *tagged[column], bags[column])
        return SliceScorer(self._layer, limits, self._pooling)

    def _slice_loss(self, column: int, shown: _Slices, lacking: _Slices) -> torch.Tensor:
        loss = self._layer.weight.new_zeros(())
        for wanted, slices in ((1.0, shown), (0.0, lacking)):
            if slices:
                chosen = [slices[row] for row in self._random.integers(len(slices), size=_TAGGED)]
                logits = self._of(chosen)[:, column]
                loss = loss + F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, wanted))
        return loss

    def _bag_loss(self, column: int, bags: Sequence[_Slices]) -> torch.Tensor:
        if not bags:
            return self._layer.weight.new_zeros(())
        bag = bags[int(self._random.integers(len(bags)))]
        chosen = [bag[row] for row in self._random.permutation(len(bag))[:_MOST_SLICES]]
        logits = self._of(chosen)[:, column]
        highest = (logits.softmax(0) * logits).sum()
        return F.binary_cross_entropy_with_logits(highest, torch.ones_like(highest))

    @torch.no_grad()
    def _limit(self, column: int, shown: _Slices, lacking: _Slices, bags: Sequence[_Slices]) -> float:
        """Logit that tells slices with a class best from those without, of tagged ones; 0 where there are none without.

        Where no slice is tagged that shows it, the highest slice of each bag does.
        """
        high, low = (np.array([float(self._of([one])[0, column]) for one in each]) for each in (shown, lacking))
        if not shown:
            high = np.array([max(float(self._of([one])[0, column]) for one in bag) for bag in bags])
        if not len(high) or not len(low):
            return 0.0
        values = np.unique(np.concatenate([high, low]))
        between = (values[1:] + values[:-1]) / 2
        below = [np.searchsorted(np.sort(each), between, side="right") / len(each) for each in (high, low)]
        return float(between[int(np.argmax(1 - below[0] + below[1]))]) if len(between) else 0.0

    def _tagged(self, column: int, tag: int) -> list[tuple[int, int]]:
        """Volume and index of the slices with a tag."""
        rows = ((number, np.flatnonzero(one.tags[:, column] == tag)) for number, one in enumerate(self._volumes))
        return [(number, int(index)) for number, own in rows for index in own]

    def _bags(self, column: int) -> list[list[tuple[int, int]]]:
        """Volume and index of the slices of every bag that may show the class."""
        bags = [number for number, one in enumerate(self._volumes) if column in one.supervision.bags]
        free = {number: np.flatnonzero(self._volumes[number].tags[:, column] == UNTAGGED) for number in bags}
        return [[(number, int(index)) for index in own] for number, own in free.items() if len(own)]

    def _of(self, slices: _Slices) -> torch.Tensor:
        """Logits n x C of slices."""
        return _pooled(self._layer, torch.cat(list(self._features(slices))), self._pooling)

    def _features(self, slices: _Slices) -> Iterator[torch.Tensor]:
        for number, index in slices:
            yield _read(self._cells[number], index)


def _read(cells: CellDescriptors, index: int) -> torch.Tensor:
    """Features of one slice: 1 x D x m x m, float32."""
    return torch.from_numpy(cells.projected[index].astype(np.float32))[None]


def _pooled(layer: nn.Conv2d, features: torch.Tensor, pooling: str) -> torch.Tensor:
    """Logits n x C of slices n x D x m x m."""
    return pool_cells(layer(features), kind=pooling).mean(-1)
