"""Stage: on which slices a class lies in scans of which no more is known than that they show it.

Such a scan is a bag of slices, some of which show the class (multiple-instance learning; Dietterich, Artificial
Intelligence 1997). One linear layer scores cells; a slice has the pooled logit of its best cells, as in `sce`, and a
bag the mean of its slices' logits, weighted by their softmax: a smooth maximum. Tagged slices and bags teach it
together. Slices of bags on which it is sure count as tagged from then on, for learning alone: masks of the scan are
looked for on all of its slices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.pooling import pool_cells
from WeakMedSAMLib.engine.parts.run_context import RunContext

STAGE = "scan-bags"
# Raised whenever the same labels give other tags: part of the keys of this stage and of those after it.
VERSION = 1

_STEPS = 300
_LEARNING_RATE = 1e-2
_WEIGHT_DECAY = 0.05
_TAGGED = 10  # slices of either tag in a step
_MOST_SLICES = 48  # of a bag in a step
_SURE = 0.7  # probability from which a slice of a bag counts as tagged
_NEAR = np.array([0.25, 0.5, 0.25])  # a slice counts with those beside it


def tag_bags(
    volumes: Sequence[VolumeSlices],
    cells: Sequence[CellDescriptors],
    settings: FastSettings,
    context: RunContext,
    key: str,
) -> list[VolumeSlices]:
    """Volumes with slices of their bags tagged where that is sure, at least one a bag present.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    cells : sequence of CellDescriptors
        Of every volume.
    settings : FastSettings
        ``pooling``, ``seed``.
    context : RunContext
        Its store keeps the outcome.
    key : str
        Hash of what the cells depend on.
    """
    if not any(volume.supervision.bags for volume in volumes):
        return list(volumes)
    said = [(volume.id, volume.tags, volume.supervision.bags) for volume in volumes]
    own = stage_key(VERSION, key, said, settings.pooling, settings.seed)
    shapes = {volume.id: volume.tags.shape for volume in volumes if volume.supervision.bags}
    make = partial(_Bags(volumes, cells, settings).logits, shapes)
    found = reuse_or_make(context.store, STAGE, own, partial(_check, shapes=shapes), make)
    return [_tagged(one, found[one.id]) if one.id in found else one for one in volumes]


def _check(kept: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    found = {name: np.asarray(kept[name]) for name in shapes}
    if any(found[name].shape != shape for name, shape in shapes.items()):
        raise ValueError("logits of other slices")
    return found


def _tagged(volume: VolumeSlices, logits: np.ndarray) -> VolumeSlices:
    """A volume with its bags' slices tagged by logits S x C, 0 where either is as likely."""
    presence = volume.tags.copy()
    for column in volume.supervision.bags:
        free = np.flatnonzero(presence[:, column] == UNTAGGED)
        near = np.convolve(np.pad(logits[:, column], 1, mode="edge"), _NEAR, mode="valid")[free]
        limit = np.log(_SURE / (1 - _SURE))
        presence[free[near <= -limit], column] = ABSENT
        presence[free[near >= limit], column] = PRESENT
        presence[free[near.argmax()], column] = PRESENT
    return replace(volume, supervision=replace(volume.supervision, presence=presence))


class _Bags:
    """Learns from tagged slices and bags of a cohort, class by class."""

    def __init__(
        self, volumes: Sequence[VolumeSlices], cells: Sequence[CellDescriptors], settings: FastSettings
    ) -> None:
        self._volumes, self._cells, self._pooling = volumes, cells, settings.pooling
        self._random = np.random.default_rng(settings.seed)
        self._columns = sorted({column for volume in volumes for column in volume.supervision.bags})
        torch.manual_seed(settings.seed)
        self._layer = nn.Conv2d(cells[0].projected.shape[1], volumes[0].tags.shape[1], 1)

    def logits(self, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """Id of a volume -> logits S x C of its slices, 0 where a tagged slice is as likely either; trains first."""
        self._train()
        limits = np.array([self._limit(column) for column in range(self._volumes[0].tags.shape[1])], np.float32)
        numbers = {volume.id: number for number, volume in enumerate(self._volumes)}
        return {name: self._of_volume(numbers[name]) - limits for name in wanted}

    def _train(self) -> None:
        optimizer = torch.optim.AdamW(self._layer.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=_STEPS)
        turns = {column: (self._slices(column, PRESENT), self._slices(column, ABSENT)) for column in self._columns}
        for step in range(_STEPS):
            column = self._columns[step % len(self._columns)]
            loss = self._bag_loss(column)
            for wanted, slices in zip((1.0, 0.0), turns[column], strict=True):
                if slices:
                    chosen = [slices[row] for row in self._random.integers(len(slices), size=_TAGGED)]
                    logits = self._of_slices(chosen)[:, column]
                    loss = loss + F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, wanted))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    def _bag_loss(self, column: int) -> torch.Tensor:
        bags = [number for number, one in enumerate(self._volumes) if column in one.supervision.bags]
        number = bags[self._random.integers(len(bags))]
        free = np.flatnonzero(self._volumes[number].tags[:, column] == UNTAGGED)
        chosen = self._random.permutation(free)[:_MOST_SLICES]
        logits = self._of_slices([(number, int(index)) for index in chosen])[:, column]
        highest = (logits.softmax(0) * logits).sum()
        return F.binary_cross_entropy_with_logits(highest, torch.ones_like(highest))

    def _limit(self, column: int) -> float:
        """Logit that tells slices with a class best from those without, of tagged ones; 0 where there are none without.

        Where no slice is tagged that shows it, the highest slice of each bag does.
        """
        shown, lacking = (self._of_all(self._slices(column, tag), column) for tag in (PRESENT, ABSENT))
        if not len(shown):
            bags = (number for number, one in enumerate(self._volumes) if column in one.supervision.bags)
            shown = np.array([self._of_volume(number)[:, column].max() for number in bags])
        if not len(shown) or not len(lacking):
            return 0.0
        values = np.unique(np.concatenate([shown, lacking]))
        between = (values[1:] + values[:-1]) / 2
        right = [(shown > value).mean() + (lacking <= value).mean() for value in between]
        return float(between[int(np.argmax(right))]) if right else 0.0

    def _slices(self, column: int, tag: int) -> list[tuple[int, int]]:
        """Volume and index of the slices with a tag."""
        tagged = ((v, np.flatnonzero(one.tags[:, column] == tag)) for v, one in enumerate(self._volumes))
        return [(number, int(index)) for number, own in tagged for index in own]

    @torch.no_grad()
    def _of_all(self, slices: Sequence[tuple[int, int]], column: int) -> np.ndarray:
        return np.array([float(self._of_slices([one])[0, column]) for one in slices])

    @torch.no_grad()
    def _of_volume(self, number: int) -> np.ndarray:
        parts = [self._of_slices([(number, index)]) for index in range(self._volumes[number].n_slices)]
        return torch.cat(parts).numpy()

    def _of_slices(self, slices: Sequence[tuple[int, int]]) -> torch.Tensor:
        """Logits n x C of slices."""
        return pool_cells(self._layer(torch.stack(list(self._read(slices)))), kind=self._pooling).mean(-1)

    def _read(self, slices: Sequence[tuple[int, int]]) -> Iterator[torch.Tensor]:
        for number, index in slices:
            yield torch.from_numpy(self._cells[number].projected[index].astype(np.float32))
