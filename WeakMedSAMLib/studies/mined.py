"""The published method up to its pseudo-masks, which are scored as they are, without the network that learns them.

Most defects of the published code act before that network, which on a CPU takes longer than all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.published.adapt import train_adapted
from WeakMedSAMLib.engine.methods.published.method import PublishedMethod
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined, mine_cohort
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.parts.assembly import (
    DrawnClass,
    Results,
    VolumeResult,
    assemble_result,
    tell_results,
)
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume


class MinedMethod(PublishedMethod):
    """The published method, with pseudo-masks for results. Every volume must have tags."""

    def run(
        self,
        cohort: Sequence[CohortVolume],
        settings: PublishedSettings,
        context: RunContext,
        start: PublishedModel | None,
    ) -> Results:
        """As that of every method; what training starts from has no say, and neither model nor sub-classes are kept."""
        volumes = embed_cohort(cohort, context.backbone, context.cache, context.report)
        classifier = train_adapted(volumes, settings, replace(context, keep_sub_classes=None))
        mined, _key = mine_cohort(volumes, classifier, settings, context)
        mined_of = {one.volume: one for one in mined}

        def result_of(source: CohortVolume, volume: VolumeSlices, number: int) -> VolumeResult:
            return assemble_result(source, volume, context.classes, drawn_classes(mined_of[number], volume), len(mined))

        yield from tell_results(cohort, volumes, context.report, result_of)


def drawn_classes(mined: Mined, volume: VolumeSlices) -> Iterator[DrawnClass]:
    """Pseudo-masks of one volume, class by class; what is not known counts as not there."""
    nothing = np.zeros(volume.n_slices, np.float32)
    for values in np.moveaxis(np.asarray(mined.probability), 1, 0):
        masks = np.where(values == UNKNOWN, 0, values).astype(np.float32) / CERTAIN
        yield DrawnClass(masks, mined.indices, np.ones(len(masks), np.float32), nothing)
