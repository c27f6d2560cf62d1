"""The published method up to its pseudo-masks, which are scored as they are, without the network that learns them.

Most defects of the published code act before that network, which on a CPU takes longer than all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.data.cohort import CohortVolume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.fast.pipeline import Report
from WeakMedSAMLib.engine.methods.published.adapt import train_adapted
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined, mine_cohort
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, VolumeResult, assemble_result, tell_results
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN


def run_mined(
    cohort: Sequence[CohortVolume],
    classes: ClassTable,
    settings: PublishedSettings,
    *,
    backbone: Backbone,
    cache: FeatureCache,
    store: StageStore,
    report: Report,
    **_: Any,
) -> Iterator[tuple[CohortVolume, VolumeResult]]:
    """As `run_published`, with pseudo-masks for results. Every volume must have tags."""
    volumes = embed_cohort(cohort, backbone, cache, report)
    classifier = train_adapted(volumes, classes, settings, backbone, store, report)
    mined, _key = mine_cohort(volumes, classifier, settings, backbone, store, report)
    by_place = {one.volume: one for one in mined}

    def result_of(source: CohortVolume, volume: VolumeSlices, place: int) -> VolumeResult:
        return assemble_result(source, volume, classes, drawn_classes(by_place[place], volume), len(mined))

    yield from tell_results(cohort, volumes, report, result_of)


def drawn_classes(mined: Mined, volume: VolumeSlices) -> Iterator[DrawnClass]:
    """Pseudo-masks of one volume, class by class; what is not known counts as not there."""
    nothing = np.zeros(volume.n_slices, np.float32)
    for values in np.moveaxis(np.asarray(mined.probability), 1, 0):
        masks = np.where(values == UNKNOWN, 0, values).astype(np.float32) / CERTAIN
        yield DrawnClass(masks, mined.indices, np.ones(len(masks), np.float32), nothing)
