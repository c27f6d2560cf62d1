"""What the machine drew on slices, out of the run folder, at the threshold that a segment has now."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.nrrd import read_image_steps
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.run_results import readRecord
from WeakMedSAMLib.frontend.results.segment_tags import labelValueOf, thresholdOf
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.scene.slice_order import isReversedSince


def lowestOf(threshold: float) -> int:
    """Return the lowest value of a probability map (0..255) that is drawn at a threshold (0..1); never 0."""
    return min(max(math.ceil(threshold * 255 - 1e-9), 1), 255)


def machinePlanesSteps(
    teaching: Teaching, className: str, axis: str, indices: Collection[int]
) -> Steps[dict[int, np.ndarray]]:
    """Read what the machine drew of a class on slices, counted as the volume is now, in short pieces.

    Returns
    -------
    dict
        Slice -> bool, rows x columns.

    Raises
    ------
    UserError
        What `run_results.readRun` and `contract.nrrd.read_image_steps` raise; ``run_gone`` where the folder has no
        such mask; ``result_of_other_volume``.
    """
    segment = teaching.segment(className)
    result = readRecord(teaching.record).volumes.get(teaching.volumeId)
    value, threshold = labelValueOf(segment), thresholdOf(segment)
    path = None
    if result is not None and value is not None:
        path = result.labels if threshold is None else result.probabilities.get(value)
    if result is None or path is None:
        text = _("The run folder holds no mask of '{name}'.").format(name=className)
        raise UserError("run_gone", text, _("Generate the masks again."))
    image = yield from read_image_steps(path)
    if image.array.shape != teaching.volumeNode.GetImageData().GetDimensions()[::-1]:
        text = _("The masks of the run do not fit the volume {name}: it changed since.")
        name = teaching.volumeNode.GetName()
        raise UserError("result_of_other_volume", text.format(name=name), _("Generate the masks again."))
    isReversed = isReversedSince(teaching.volumeNode, result.isLeftHanded, result.sha256)
    array = image.array[:: -1 if isReversed else 1]
    planes = {}
    for index in indices:
        plane = np.take(array, index, axis=2 - AXES.index(axis))
        planes[index] = plane == value if threshold is None else plane >= lowestOf(threshold)
        yield None
    return planes
