"""Class activation maps of the published classifier: what its primary head says of every cell of every slice."""

from __future__ import annotations

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier

STAGE = "class-maps"


@torch.no_grad()
def class_maps(classifier: AdaptedClassifier, volume: VolumeSlices, report: Report | None = None) -> np.ndarray:
    """Cell logits of the classes on all slices of a volume.

    Parameters
    ----------
    classifier : AdaptedClassifier
        On an adapted encoder, which sees the volume's images, or on a frozen one, whose cached features are read.
    volume : VolumeSlices
        The volume.
    report : callable, optional
        Takes progress; may raise.

    Returns
    -------
    numpy.ndarray
        S x C x m x m, float32.
    """
    classifier.eval()
    parts = []
    for indices in np.array_split(np.arange(volume.n_slices), -(-volume.n_slices // classifier.settings.micro_batch)):
        inputs = classifier.inputs(volume, indices).to(classifier.device)
        parts.append(classifier(inputs)[0].cpu().numpy())
        if report is not None:
            report(Progress(STAGE, int(indices[-1]) + 1, volume.n_slices))
    return np.concatenate(parts)
