"""What the machine drew on slices, out of the run folder, at the threshold that a segment has now."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.label_maps import read_label_maps_steps
from WeakMedSAMLib.contract.labels.axis_change import along
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import Slices
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import read_image_steps
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.results.run_results import StoredResult, readRecord, readRun
from WeakMedSAMLib.frontend.results.segment_tags import labelValueOf, thresholdOf
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.scene.run_records import folderOf
from WeakMedSAMLib.frontend.scene.slice_order import isReversedSince

# Label value -> slice -> what was painted there, of all that a run was told of a volume.
Told = Mapping[int, Slices]


def lowestOf(threshold: float) -> int:
    """Return the lowest value of a probability map (0..255) that is drawn at a threshold (0..1); never 0."""
    return min(max(math.ceil(threshold * 255 - 1e-9), 1), 255)


def toldSteps(folder: Path, volume: VolumeLabels | StoredResult, axis: str, isReversed: bool = False) -> Steps[Told]:
    """Read what is painted in the labels that a run was told of a volume; nothing where they cannot be read.

    Parameters
    ----------
    folder : Path
        The run folder.
    volume, axis, isReversed
        As of `toldOf`.
    """
    try:
        # In another thread: the file of pixels is as large as all classes of a volume.
        cohort = yield from inThread(partial(read_label_file, RunFolder(folder).tags))
    except UserError:
        return {}
    return toldOf(cohort, volume, axis, isReversed)


def toldOf(cohort: CohortLabels, volume: VolumeLabels | StoredResult, axis: str, isReversed: bool = False) -> Told:
    """Return what is painted of a volume in the labels that a run was told; nothing where they are of other volumes.

    Parameters
    ----------
    cohort : CohortLabels
    volume : VolumeLabels or StoredResult
        Names the volume by name and hash.
    axis : {"i", "j", "k"}
        Along which slices are counted now, if that is another one than then.
    isReversed : bool
        Whether voxels along k are counted from the other end now.
    """
    try:
        labels = cohort.volume_for(volume.name, volume.sha256)
    except UserError:
        return {}
    if labels is None or (labels.axis != axis and labels.size is None):
        return {}
    labels = along(labels.turned() if isReversed else labels, axis)
    return {each.label_value: PAINTED.slices(labels, each.name) for each in cohort.classes}


def sourcesSteps(teaching: Teaching, axis: str) -> Steps[list[tuple[StoredResult, Told]]]:
    """Find what runs made of the volume, and what each was told of it: the latest one first, then what was generated.

    Raises
    ------
    UserError
        As `run_results.readRun`.
    """
    record = teaching.record
    found: list[tuple[StoredResult, Told]] = []
    results = [each.volumes.get(teaching.volumeId) for each in (readRecord(record), readRun(folderOf(record)))]
    for result in results:
        if result is not None and all(result.folder != known.folder for known, _told in found):
            isReversed = isReversedSince(teaching.volumeNode, result.isLeftHanded, result.sha256)
            told = yield from toldSteps(result.folder.parent.parent, result, axis, isReversed)
            found.append((result, told))
    return found


def unaidedPlanesSteps(
    teaching: Teaching,
    className: str,
    axis: str,
    indices: Collection[int],
    sources: Sequence[tuple[StoredResult, Told]],
) -> Steps[dict[int, np.ndarray]]:
    """Read what the machine drew of a class on slices of which it was not told, in short pieces.

    A run puts what is painted into its masks and probabilities, so that these are the reader's own there.

    Parameters
    ----------
    teaching : Teaching
    className : str
    axis : {"i", "j", "k"}
    indices : collection of int
    sources : sequence
        What `sourcesSteps` found; the first one that was not told of a slice counts.

    Returns
    -------
    dict
        Slice -> bool, rows x columns; without the slices of which each run was told.

    Raises
    ------
    UserError
        As `planesOfSteps`.
    """
    if not sources:
        raise _noMask(className)
    value = labelValueOf(teaching.segment(className))
    planes: dict[int, np.ndarray] = {}
    for result, told in sources:
        painted = told.get(value, {}) if value is not None else {}
        wanted = [index for index in indices if index not in planes and index not in painted]
        if wanted:
            planes |= yield from planesOfSteps(result, teaching, className, axis, wanted)
    return planes


def planesOfSteps(
    result: StoredResult, teaching: Teaching, className: str, axis: str, indices: Collection[int]
) -> Steps[dict[int, np.ndarray]]:
    """Read what a result holds of a class on slices, counted as the volume is now, in short pieces.

    Returns
    -------
    dict
        Slice -> bool, rows x columns.

    Raises
    ------
    UserError
        What `contract.nrrd.read_image_steps` raises; ``run_gone`` where the folder has no such mask;
        ``result_of_other_volume``.
    """
    segment = teaching.segment(className)
    value, threshold = labelValueOf(segment), thresholdOf(segment)
    if value is None or (threshold is not None and value not in result.probabilities):
        raise _noMask(className)
    if threshold is None:
        array = (yield from read_label_maps_steps(result.labels)).layer(value)
    else:
        array = (yield from read_image_steps(result.probabilities[value])).array
    if array.shape != teaching.volumeNode.GetImageData().GetDimensions()[::-1]:
        text = _("The masks of the run do not fit the volume {name}: it changed since.")
        name = teaching.volumeNode.GetName()
        raise UserError("result_of_other_volume", text.format(name=name), _("Generate the masks again."))
    isReversed = isReversedSince(teaching.volumeNode, result.isLeftHanded, result.sha256)
    array = array[:: -1 if isReversed else 1]
    planes = {}
    for index in indices:
        plane = np.take(array, index, axis=2 - AXES.index(axis))
        planes[index] = plane == value if threshold is None else plane >= lowestOf(threshold)
        yield None
    return planes


def _noMask(className: str) -> UserError:
    text = _("The run folder holds no mask of '{name}'.").format(name=className)
    return UserError("run_gone", text, _("Generate the masks again."))
