"""Stage: tags that models contradict which did not see the patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.slice_scorer import beat, check_logits
from WeakMedSAMLib.engine.parts import slice_judges
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.slice_judges import describe_slices, judge_slices
from WeakMedSAMLib.engine.parts.tag_doubts import doubted

STAGE = "doubted-tags"
VERSION = 3

_PARTS = 5  # of the patients; each is judged by what the others taught
_LEAST_PATIENTS = 3
_TOLD = ".told"

# By volume and class: slice -> why its tag is doubted.
Doubted = Sequence[Sequence[dict[int, str]]]


def doubt_tags(
    volumes: Sequence[VolumeSlices],
    cells: Sequence[CellDescriptors],
    settings: FastSettings,
    context: RunContext,
    key: str,
) -> Doubted:
    """Which tags of a cohort are doubted, and why; none with fewer than three patients, nor any that was confirmed.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        With tags as they were given.
    cells : sequence of CellDescriptors
        Of every volume.
    settings : FastSettings
        ``seed``.
    context : RunContext
        Its store keeps the outcome.
    key : str
        Hash of what the cells depend on.
    """
    tags = [volume.tags for volume in volumes]
    if len(_tagged_patients(volumes)) < _LEAST_PATIENTS:
        return [[{} for _ in own.T] for own in tags]
    said = [(volume.patient, volume.tags) for volume in volumes]
    own_key = stage_key(VERSION, slice_judges.VERSION, key, said, settings.seed)

    def make() -> dict[str, np.ndarray]:
        described = [describe_slices(own.projected, own.body) for own in cells]
        found = unseen_logits(volumes, described, settings, partial(beat, context, len(volumes)))
        return _without_gaps({volume.id: own for volume, own in zip(volumes, found, strict=True)})

    logits = reuse_or_make(context.store, STAGE, own_key, partial(_with_gaps, volumes=volumes), make)
    nothing = [np.full_like(own, UNTAGGED) for own in tags]
    confirmed = [
        own if volume.supervision.confirmed is None else volume.supervision.confirmed
        for own, volume in zip(nothing, volumes, strict=True)
    ]
    return doubted(tags, [logits[volume.id] for volume in volumes], confirmed)


def unseen_logits(
    volumes: Sequence[VolumeSlices],
    described: Sequence[np.ndarray],
    settings: FastSettings,
    beat: Callable[[], object] = lambda: None,
) -> list[np.ndarray]:
    """Logits S x C of every volume by what the tags of other patients taught; NaN where nothing did.

    Parameters
    ----------
    volumes, settings
        As of `doubt_tags`.
    described : sequence of numpy.ndarray
        By volume, of `describe_slices`.
    beat : callable
        Called now and then; may raise to end the work.
    """
    patients = sorted({volume.patient for volume in volumes})
    order = np.random.default_rng(settings.seed).permutation(patients).tolist()
    parts = [order.index(volume.patient) % _PARTS for volume in volumes]
    return judge_slices(described, [volume.tags for volume in volumes], parts, beat)


def _without_gaps(logits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Logits as a store takes them, which holds numbers alone, and beside them where there are none."""
    found = {name: np.nan_to_num(own) for name, own in logits.items()}
    return found | {name + _TOLD: np.isfinite(own).astype(np.uint8) for name, own in logits.items()}


def _with_gaps(kept: Mapping[str, Any], volumes: Sequence[VolumeSlices]) -> dict[str, np.ndarray]:
    """Id of each volume -> logits as they were before `_without_gaps`."""
    told = {name: np.asarray(kept[name + _TOLD], bool) for name in (volume.id for volume in volumes)}
    return {name: np.where(told[name], own, np.nan) for name, own in check_logits(kept, volumes).items()}


def _tagged_patients(volumes: Sequence[VolumeSlices]) -> list[str]:
    return sorted({volume.patient for volume in volumes if volume.tagged})
