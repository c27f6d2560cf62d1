"""Masks and tags as files for other programs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import MAX_LABEL_VALUE, ClassTable
from WeakMedSAMLib.contract.empty_classes import NOT_IN_VOLUME, NOTHING_FOUND, PREFIX, empty_classes
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import check_left_out, write_label_file
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.results.segment_layers import Layers, layerSteps
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, labelValueOf, segmentIdsOf, tagOf
from WeakMedSAMLib.frontend.results.segmentation_file import segmentationFields
from WeakMedSAMLib.frontend.scene.raw_nrrd import writeSteps
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas

_LONGEST_NAME = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Exported:
    """A file that was written, and what the user should know about it."""

    path: Path
    notes: list[str] = field(default_factory=list)


def exportSegmentationSteps(
    segmentationNode: Any,
    volumeNode: Any,
    path: Path | str,
    segmentIds: Iterable[str] | None = None,
    runSegmentIds: Iterable[str] = (),
    known: Mapping[str, ClassQuality] | None = None,
) -> Steps[Exported]:
    """Write segments as ``.seg.nrrd`` on the voxels of the volume, in short pieces; the scene stays as it is.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    volumeNode : vtkMRMLScalarVolumeNode
        Gives the geometry (its own, parent transforms left out).
    path : Path
        Ends in ``.seg.nrrd``.
    segmentIds : iterable of str, optional
        All segments by default, those of the user included.
    runSegmentIds : iterable of str, optional
        Segments that have the label values of their classes whatever other runs left in the segmentation.
    known : mapping, optional
        Class name -> what the run says of it: why it has no mask is noted, and stands in the header.

    Raises
    ------
    UserError
        ``nothing_to_export``, ``segmentation_of_surfaces``, ``bad_suffix`` or ``cannot_write``.
    """
    path = _checkPath(path, ".seg.nrrd")
    labelValues = _fixedLabelValues(segmentationNode, segmentIds, set(runSegmentIds))
    layers = yield from layerSteps(segmentationNode, volumeNode, labelValues)
    fields = segmentationFields(segmentationNode, labelValues, layers, layers.arrays[0].shape)
    yield None
    array = yield from _stackSteps(layers.arrays)
    empty = _empty(segmentationNode, layers, known)
    yield from writeSteps(path, array, ijkToRas(volumeNode), {**fields, **_emptyFields(empty)}, "gzip")
    return Exported(path, _notes(segmentationNode, layers, empty))


def exportLabelmapSteps(
    segmentationNode: Any,
    volumeNode: Any,
    path: Path | str,
    classTable: ClassTable,
    segmentIds: Iterable[str] | None = None,
    known: Mapping[str, ClassQuality] | None = None,
) -> Steps[Exported]:
    """Write segments as a label map ``.nrrd`` in the geometry of the volume, in short pieces.

    The label values are those of the class table. Segments that belong to no class are left out. Where classes overlap
    the inner one is written of which one is inside of the other, else the later one in the table. Why a class has no
    mask is noted, and stands in the header, where it is `known` (see `exportSegmentationSteps`).

    Raises
    ------
    UserError
        ``nothing_to_export``, ``segmentation_of_surfaces``, ``bad_suffix`` or ``cannot_write``.
    """
    path = _checkPath(path, ".nrrd")
    ids = _wantedIds(segmentationNode, segmentIds)
    labelValues = _classLabelValues(segmentationNode, ids, classTable)
    layers = yield from layerSteps(segmentationNode, volumeNode, labelValues)
    overlap = yield from _flattenSteps(layers, _innerLast(classTable))
    # A type by the table, not by what occurs, so that all cases of a study are alike.
    dtype = np.uint8 if max(classTable.label_values, default=0) <= np.iinfo(np.uint8).max else np.uint16
    fields = {f"{PREFIX}Label{entry.label_value}": entry.name for entry in classTable}
    empty = _empty(segmentationNode, layers, known)
    fields |= _emptyFields(empty)
    yield from writeSteps(path, layers.arrays[0].astype(dtype, copy=False), ijkToRas(volumeNode), fields, "gzip")
    notes = _notes(segmentationNode, layers, empty)
    if len(labelValues) < len(ids):
        text = _("Segments that belong to no class, and so are not in the label map: {count}.")
        notes.append(text.format(count=len(ids) - len(labelValues)))
    if overlap:
        text = _(
            "Voxels of several classes, of which a label map holds but one (the inner one, else the later one in the "
            "table; a .seg.nrrd keeps all): {count}."
        )
        notes.append(text.format(count=overlap))
    return Exported(path, notes)


def exportSegmentation(
    segmentationNode: Any,
    path: Path | str,
    volumeNode: Any = None,
    segmentIds: Iterable[str] | None = None,
    runSegmentIds: Iterable[str] = (),
) -> Exported:
    """Write a ``.seg.nrrd`` at once; the volume is the segmentation's own by default. See `exportSegmentationSteps`."""
    volumeNode = volumeNode or sourceVolume(segmentationNode)
    return runToEnd(exportSegmentationSteps(segmentationNode, volumeNode, path, segmentIds, runSegmentIds))


def exportLabelmap(
    segmentationNode: Any,
    volumeNode: Any,
    path: Path | str,
    classTable: ClassTable,
    segmentIds: Iterable[str] | None = None,
) -> Exported:
    """Write a label map at once; see `exportLabelmapSteps`."""
    return runToEnd(exportLabelmapSteps(segmentationNode, volumeNode, path, classTable, segmentIds))


def exportTags(cohort: CohortLabels, path: Path | str) -> Exported:
    """Write tags as ``.json`` or ``.csv``, and note what is left out; `UserError` ``bad_suffix``, ``cannot_write``."""
    write_label_file(path, cohort)
    leftOut = check_left_out(path, cohort)
    return Exported(Path(path), [" ".join(wordsOf(leftOut))] if leftOut is not None else [])


def sourceVolume(segmentationNode: Any) -> Any:
    """Return the volume that a segmentation was made for; `UserError` ``volume_gone`` if it is not in the scene."""
    volumeNode = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
    if volumeNode is None:
        message = _("The volume of {name} is not in the scene.").format(name=segmentationNode.GetName())
        raise UserError("volume_gone", message, _("Load it, or choose it in the Segmentations module."))
    return volumeNode


def safeName(name: str) -> str:
    """Return a name as part of a file name on every system; letters of all languages stay."""
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "_", name)[:_LONGEST_NAME].strip(" ._")
    return f"{name}_" if name.lower() in _RESERVED else name or "volume"


def _checkPath(path: Path | str, suffix: str) -> Path:
    path = Path(path)
    if not path.name.lower().endswith(suffix):
        message = _("The file name {name} does not end in {suffix}.").format(name=path.name, suffix=suffix)
        raise UserError("bad_suffix", message, _("Add the ending."))
    return path


def _wantedIds(segmentationNode: Any, segmentIds: Iterable[str] | None) -> list[str]:
    known = segmentIdsOf(segmentationNode) if segmentationNode else []
    wanted = known if segmentIds is None else [segmentId for segmentId in segmentIds if segmentId in known]
    if not wanted:
        raise UserError("nothing_to_export", _("There are no segments to export."), _("Generate masks first."))
    return wanted


def _fixedLabelValues(segmentationNode: Any, segmentIds: Iterable[str] | None, preferred: set[str]) -> dict[str, int]:
    """Return segment id -> label value: that of the class for ours, preferred ones first; a free one for any other."""
    ids = _wantedIds(segmentationNode, segmentIds)
    segmentation = segmentationNode.GetSegmentation()
    values: dict[str, int] = {}
    for segmentId in sorted(ids, key=lambda each: each not in preferred):
        value = labelValueOf(segmentation.GetSegment(segmentId))
        if value is not None and value not in values.values():
            values[segmentId] = value
    free = iter(value for value in range(1, MAX_LABEL_VALUE + 1) if value not in set(values.values()))
    return {segmentId: values[segmentId] if segmentId in values else next(free) for segmentId in ids}


def _classLabelValues(segmentationNode: Any, segmentIds: list[str], classTable: ClassTable) -> dict[str, int]:
    """Return segment id -> label value for segments that are a class, by their tag or else by their name."""
    segmentation = segmentationNode.GetSegmentation()
    byName = {entry.name: entry.label_value for entry in classTable}
    values = {}
    for segmentId in segmentIds:
        segment = segmentation.GetSegment(segmentId)
        name = tagOf(segment, CLASS_TAG)
        value = byName.get(name if name in byName else segment.GetName())
        if value is not None:
            values[segmentId] = value
    if not values:
        hint = _("A label map holds the classes of the table; export a .seg.nrrd for other segments.")
        raise UserError("nothing_to_export", _("None of the segments is a class of the table."), hint)
    return values


def _innerLast(classTable: ClassTable) -> list[int]:
    """Return the label values in their order, but those of a class after those of the class that it is inside of."""
    return [entry.label_value for entry in sorted(classTable, key=lambda entry: len(classTable.around(entry.name)))]


def _flattenSteps(layers: Layers, order: list[int]) -> Steps[int]:
    """Join all layers on the first one, later values over earlier ones; return the number of voxels with several."""
    overlap = 0
    rank = np.zeros(max(order, default=0) + 1, np.uint16)
    rank[order] = np.arange(1, len(order) + 1)
    for target, *others in zip(*layers.arrays, strict=True):
        hasSeveral = np.zeros(target.shape, bool)
        for source in others:
            hasSeveral |= (source > 0) & (target > 0) & (source != target)
            wins = rank[source] > rank[target]
            target[wins] = source[wins]
            yield None
        overlap += int(np.count_nonzero(hasSeveral))
    return overlap


def _stackSteps(arrays: list[np.ndarray]) -> Steps[np.ndarray]:
    """Return a single layer as it is, and several as one array layers x k x j x i."""
    if len(arrays) == 1:
        return arrays[0]
    stacked = np.empty((len(arrays), *arrays[0].shape), arrays[0].dtype)
    for target, source in zip(stacked, arrays, strict=True):
        for targetPlane, plane in zip(target, source, strict=True):
            targetPlane[:] = plane
            yield None
    return stacked


def _empty(segmentationNode: Any, layers: Layers, known: Mapping[str, ClassQuality] | None) -> dict[str, list[str]]:
    """Return why classes of the run have no mask: reason -> their names."""
    segmentation = segmentationNode.GetSegmentation()
    return empty_classes(known or {}, {tagOf(segmentation.GetSegment(each), CLASS_TAG) for each in layers.empty})


def _emptyFields(empty: Mapping[str, list[str]]) -> dict[str, str]:
    return {f"{PREFIX}{reason}": ", ".join(names) for reason, names in empty.items()}


def _notes(segmentationNode: Any, layers: Layers, empty: Mapping[str, list[str]]) -> list[str]:
    notes = []
    texts = (
        (layers.outside, _("Partly outside of the volume, and not in the file there: {names}.")),
        (layers.resampled, _("Resampled to the voxels of the volume: {names}.")),
    )
    for ids, text in texts:
        if ids:
            notes.append(text.format(names=_namesOf(segmentationNode, ids)))
    why = {
        NOT_IN_VOLUME: _("Empty, as it is not in this volume by its labels: {names}."),
        NOTHING_FOUND: _("Empty, as nothing was looked for, found or left of it: {names}."),
    }
    notes += [why[reason].format(names=", ".join(names)) for reason, names in empty.items()]
    return [*notes, *movedNotes(segmentationNode, layers.followed)]


def movedNotes(segmentationNode: Any, segmentIds: Iterable[str]) -> list[str]:
    """Say of segments that their volume was moved away from them; empty without any."""
    names = _namesOf(segmentationNode, segmentIds)
    text = _("On the voxels of the volume, which was moved or given another spacing since they were made: {names}.")
    return [text.format(names=names)] if names else []


def _namesOf(segmentationNode: Any, segmentIds: Iterable[str]) -> str:
    segmentation = segmentationNode.GetSegmentation()
    return ", ".join(segmentation.GetSegment(segmentId).GetName() for segmentId in segmentIds)
