"""Stage: on which slices a class lies in scans of which no more is known than that they show it.

Such a scan is a bag of slices, some of which show the class (multiple-instance learning; Dietterich, Artificial
Intelligence 1997). Slices on which `slice_scorer` is sure count as tagged from then on, for learning alone: masks of
the scan are looked for on all of its slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import slice_scorer
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.slice_scorer import beat, check_logits, train_scorer
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.slice_judges import with_neighbours

STAGE = "scan-bags"
# Raised whenever the same logits give other tags: part of the keys of this stage and of those after it.
VERSION = 1

_SURE = 0.7  # probability from which a slice of a bag counts as tagged


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
    columns = sorted({column for volume in volumes for column in volume.supervision.bags})
    if not columns:
        return list(volumes)
    bags = {volume.id: own for volume, own in zip(volumes, cells, strict=True) if volume.supervision.bags}

    def make() -> dict[str, np.ndarray]:
        scorer = train_scorer(volumes, cells, columns, settings, partial(beat, context, len(volumes)))
        return {name: scorer.of_volume(own) for name, own in bags.items()}

    check = partial(check_logits, volumes=[volume for volume in volumes if volume.id in bags])
    said = [(volume.id, volume.tags, volume.supervision.bags) for volume in volumes]
    own_key = stage_key(VERSION, slice_scorer.VERSION, key, said, settings.pooling, settings.seed)
    found = reuse_or_make(context.store, STAGE, own_key, check, make)
    return [_tagged(one, found[one.id]) if one.id in found else one for one in volumes]


def _tagged(volume: VolumeSlices, logits: np.ndarray) -> VolumeSlices:
    """A volume with its bags' slices tagged by logits S x C, 0 where either is as likely."""
    presence, limit = volume.tags.copy(), np.log(_SURE / (1 - _SURE))
    for column in volume.supervision.bags:
        free = np.flatnonzero(presence[:, column] == UNTAGGED)
        near = with_neighbours(logits[:, column])[free]
        presence[free[near <= -limit], column] = ABSENT
        presence[free[near >= limit], column] = PRESENT
        presence[free[near.argmax()], column] = PRESENT
    return replace(volume, supervision=replace(volume.supervision, presence=presence))
