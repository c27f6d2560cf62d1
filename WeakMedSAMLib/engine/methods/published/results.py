"""Last stage of the published method: what the segmentation network draws of a volume, as its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.tags import ABSENT
from WeakMedSAMLib.engine.data.cohort import CohortVolume
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.settings import Defect
from WeakMedSAMLib.engine.methods.published.unet import draw
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, VolumeResult, assemble_result
from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN, PseudoMask


def segment_volume(
    source: CohortVolume,
    volume: VolumeSlices,
    classes: ClassTable,
    model: PublishedModel,
    device: torch.device,
    learned: Sequence[PseudoMask] = (),
) -> VolumeResult:
    """Everything about one volume, in its own geometry.

    Where a tag says absent there is no mask (with PREDICTED_GATE there may be). A mask counts as sure as the network
    draws the mirrored slice alike, and as its pseudo-mask, where it learned from one, agrees.

    Parameters
    ----------
    source, volume
        The volume.
    classes : ClassTable
    model : PublishedModel
        On `device`.
    device : torch.device
    learned : sequence of PseudoMask
        Of this volume.
    """
    drawing = draw(model.network, volume, np.arange(volume.n_slices), model.settings, device)
    agreement = drawing.agreement * _concord(drawing.probability, learned, model.settings.threshold)
    searched = np.ones(volume.tags.shape, bool) if model.settings.has(Defect.PREDICTED_GATE) else volume.tags != ABSENT

    def drawn() -> Iterator[DrawnClass]:
        for column in range(len(classes)):
            rows = np.flatnonzero(searched[:, column])
            masks = drawing.probability[rows, column]
            yield DrawnClass(masks, rows, agreement[rows, column], drawing.likely[:, column])

    return assemble_result(source, volume, classes, drawn(), model.patients)


def _concord(drawn: np.ndarray, learned: Sequence[PseudoMask], threshold: float) -> np.ndarray:
    """Dice of drawn masks S x C x h x w with the pseudo-masks of the same slices: S x C, 1 where there is none."""
    concord = np.ones(drawn.shape[:2], np.float32)
    for mask in learned:
        for column in np.flatnonzero((mask.probability != UNKNOWN).any((1, 2))):
            known = mask.probability[column] != UNKNOWN
            own = known & (mask.probability[column] > threshold * CERTAIN)
            seen = known & (drawn[mask.index, column] > 0.5)
            concord[mask.index, column] = slice_dice(own[None], seen[None], both_empty=1.0)[0]
    return concord
