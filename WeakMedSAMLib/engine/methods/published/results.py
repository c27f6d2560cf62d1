"""Last stage of the published method: what the segmentation network draws of a volume, as its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.settings import Defect
from WeakMedSAMLib.engine.methods.published.unet import draw
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, VolumeResult, assemble_result
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, find_known, measure_concord
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume


def segment_volume(
    source: CohortVolume,
    volume: VolumeSlices,
    model: PublishedModel,
    context: RunContext,
    learned: Sequence[PseudoMask] = (),
) -> VolumeResult:
    """Everything about one volume, in its own geometry.

    Where a tag says absent there is no mask (with PREDICTED_GATE there may be). A mask counts as sure as the network
    draws the mirrored slice alike, and as its pseudo-mask, where it learned from one, agrees.

    Parameters
    ----------
    source, volume
        The volume.
    model : PublishedModel
        On the context's device.
    context : RunContext
    learned : sequence of PseudoMask
        Of this volume.
    """
    drawing = draw(model.network, volume, np.arange(volume.n_slices), model.settings, context.device)
    agreement = drawing.agreement * _concord(drawing.probability, learned, model.settings.threshold)
    searched = np.ones(volume.tags.shape, bool) if model.settings.has(Defect.PREDICTED_GATE) else volume.tags != ABSENT

    def drawn() -> Iterator[DrawnClass]:
        for column in range(len(context.classes)):
            rows = np.flatnonzero(searched[:, column])
            masks = drawing.probability[rows, column]
            yield DrawnClass(masks, rows, agreement[rows, column], drawing.likely[:, column])

    return assemble_result(source, volume, context.classes, drawn(), model.patients, guess=False)


def _concord(drawn: np.ndarray, learned: Sequence[PseudoMask], threshold: float) -> np.ndarray:
    """Dice of drawn masks S x C x h x w with the pseudo-masks of the same slices: S x C, 1 where there is none."""
    concord = np.ones(drawn.shape[:2], np.float32)
    for mask in learned:
        for column, _ in find_known(mask):
            seen = drawn[mask.index, column]
            concord[mask.index, column] = measure_concord(mask.probability[column], seen, threshold)
    return concord
