"""Generated masks as segments of the scene, and what there is to know about a segment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridOn, notePlace
from WeakMedSAMLib.frontend.results.run_results import VolumeResult
from WeakMedSAMLib.frontend.results.segment_editor import saveStateForUndo
from WeakMedSAMLib.frontend.results.segment_history import SegmentsAdded, history
from WeakMedSAMLib.frontend.results.segment_images import (
    BINARY,
    RUN_TAG,
    VOLUME_TAG,
    MaskContent,
    contentSteps,
    imageArray,
    imageMatrix,
    isSameGrid,
    newImage,
    requireLabelmaps,
    segmentIdsIn,
    tagOf,
)
from WeakMedSAMLib.frontend.results.segment_views import OWN_ATTRIBUTE, isOwn, showWithVolume
from WeakMedSAMLib.frontend.scene.module_state import RunRecord
from WeakMedSAMLib.frontend.scene.raw_nrrd import NrrdImage, readSteps
from WeakMedSAMLib.frontend.scene.scene_volumes import identitySteps, ijkToRas, reversedIdentitySteps

LABEL_TAG = "WeakMedSAM.LabelValue"
CLASS_TAG = "WeakMedSAM.Class"
SETTINGS_ATTRIBUTE = "WeakMedSAM.Settings"
STATUS_TAG = "Segmentation.Status"
IN_PROGRESS, REVIEWED = "inprogress", "completed"
# What Slicer itself gives to a segment that nobody described.
_TISSUE = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)


def resultSteps(
    scene: Any,
    volumeNode: Any,
    volumeResult: VolumeResult,
    classTable: ClassTable,
    runRecord: RunRecord,
    segmentationNode: Any = None,
) -> Steps[Any]:
    """Bring the masks of one volume into the scene, in short pieces.

    Parameters
    ----------
    scene : vtkMRMLScene
    volumeNode : vtkMRMLScalarVolumeNode
        The volume that the masks belong to.
    volumeResult : VolumeResult
    classTable : ClassTable
        Of the run; gives names, colours, terminology and label values.
    runRecord : RunRecord
        Its id and settings are kept with the segments.
    segmentationNode : vtkMRMLSegmentationNode, optional
        Gets the segments in addition to those that it has, which stay as they are; a new one is made otherwise.

    Returns
    -------
    vtkMRMLSegmentationNode

    Raises
    ------
    UserError
        ``file_missing``, ``cannot_read``, ``bad_result``, ``result_of_other_volume``, ``segmentation_of_surfaces``,
        ``transforms_differ``; ``volume_gone`` if volume or segmentation left the scene meanwhile. The scene is as it
        was then.
    """
    if segmentationNode is not None:
        requireLabelmaps(segmentationNode)
    inFile = yield from readSteps(volumeResult.labels)
    labels = yield from _asHeldSteps(inFile, volumeNode, volumeResult)
    _requireSameGrid(labels, volumeNode, volumeResult)
    image = yield from _imageSteps(labels, gridOn(volumeNode, segmentationNode or volumeNode))
    isOurs = segmentationNode is None
    contents = [] if isOurs else (yield from _contentsSteps(image, classTable))
    _requireInScene(scene, volumeResult, volumeNode, segmentationNode)
    if isOurs:
        segmentationNode = newSegmentation(scene, volumeNode)
    else:
        saveStateForUndo(segmentationNode)
    segmentIds = _addSegments(segmentationNode, image, classTable, runRecord, volumeResult.volumeId)
    # The volume may be moved while its masks are read.
    ids, isReversed = (runRecord.runId, volumeResult.volumeId), labels is not inFile
    notePlace(segmentationNode, volumeNode, *ids, imageMatrix(image), isReversed)
    if not isOurs:
        history.add(SegmentsAdded(segmentationNode, dict(zip(segmentIds, contents, strict=True))))
    yield 1.0
    settings = {"run": runRecord.runId, "preset": runRecord.preset, "device": runRecord.device, **runRecord.settings}
    segmentationNode.SetAttribute(RUN_TAG, runRecord.runId)
    segmentationNode.SetAttribute(SETTINGS_ATTRIBUTE, json.dumps(settings, default=str))
    _showIn2d(segmentationNode, segmentIds, isOurs)
    return segmentationNode


def newSegmentation(scene: Any, volumeNode: Any) -> Any:
    """Add an empty segmentation for a volume: its geometry, its parent transform, beside it in the hierarchy."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetName(scene.GenerateUniqueName(_("{volume} masks").format(volume=volumeNode.GetName())))
    node.SetAttribute(OWN_ATTRIBUTE, "yes")
    node.CreateDefaultDisplayNodes()
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    _putBeside(scene, volumeNode, node)
    return node


def targetVolumeId(segmentationNode: Any, volumes: Mapping[str, Any]) -> str:
    """Find the volume whose masks can go into a segmentation of the user.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    volumes : mapping of str to vtkMRMLScalarVolumeNode
        Volume id -> node, of a run.

    Returns
    -------
    str
        Id of the volume that the segmentation belongs to; of the only one if it belongs to none.

    Raises
    ------
    UserError
        ``segmentation_of_other_volume``, ``segmentation_of_surfaces``, ``transforms_differ``.
    """
    requireLabelmaps(segmentationNode)
    volumeNode = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
    isKnown = volumeNode is not None
    found = [
        volumeId for volumeId, node in volumes.items() if node is volumeNode or (not isKnown and len(volumes) == 1)
    ]
    if not found:
        name = segmentationNode.GetName()
        message = _("{segmentation} belongs to no volume, so it is not known whose masks to add to it.")
        if isKnown:
            message = _("{segmentation} belongs to the volume {volume}, which is not in this run.")
        text = message.format(segmentation=name, volume=volumeNode.GetName() if isKnown else "")
        hint = _("Choose a segmentation of a volume of this run, or none for new ones.")
        raise UserError("segmentation_of_other_volume", text, hint)
    gridOn(volumes[found[0]], segmentationNode)
    return found[0]


def segmentIdsOf(segmentationNode: Any, runId: str | None = None, volumeId: str | None = None) -> list[str]:
    """Return the ids of the segments, of a run and of a volume of that run only if these are given."""
    segmentation = segmentationNode.GetSegmentation()
    wanted = {RUN_TAG: runId, VOLUME_TAG: volumeId}
    return [
        segmentId
        for segmentId in segmentIdsIn(segmentationNode)
        if all(text is None or tagOf(segmentation.GetSegment(segmentId), tag) == text for tag, text in wanted.items())
    ]


def labelValueOf(segment: Any) -> int | None:
    """Return the label value that the class table gave to a segment of ours; None for any other segment."""
    text = tagOf(segment, LABEL_TAG)
    return int(text) if text.isdigit() else None


def isReviewed(segment: Any) -> bool:
    """Say whether a person marked a segment as reviewed (Slicer's status "Completed")."""
    return tagOf(segment, STATUS_TAG) == REVIEWED


def setReviewed(segment: Any, reviewed: bool) -> None:
    """Mark a segment as reviewed, or as still in progress."""
    segment.SetTag(STATUS_TAG, REVIEWED if reviewed else IN_PROGRESS)


def _requireInScene(scene: Any, volumeResult: VolumeResult, *nodes: Any) -> None:
    for node in nodes:
        if node is not None and node.GetScene() is not scene:
            text = _("The volume {name} or its segmentation was removed from the scene.")
            hint = _("Undo that, then choose 'Load masks into the scene' in section 5, Review.")
            raise UserError("volume_gone", text.format(name=volumeResult.name), hint)


def _requireSameGrid(labels: NrrdImage, volumeNode: Any, volumeResult: VolumeResult) -> None:
    image = volumeNode.GetImageData()
    shape = image.GetDimensions()[::-1] if image else ()
    # The engine writes the geometry that it read; what SimpleITK rounds is far below a thousandth of a millimetre.
    isSame = shape == labels.array.shape and isSameGrid(labels.ijkToRas, ijkToRas(volumeNode), shape)
    if not isSame:
        message = _("The masks of {name} do not fit the volume {volume}: its size or position changed since.")
        text = message.format(name=volumeResult.name, volume=volumeNode.GetName())
        raise UserError("result_of_other_volume", text, _("Choose the volume of that run, or generate again."))


def _asHeldSteps(labels: NrrdImage, volumeNode: Any, volumeResult: VolumeResult) -> Steps[NrrdImage]:
    """Return masks with their slices in the order in which the volume has them, which must have the voxels of the run.

    Slicer reverses the slices of a left-handed volume when it is saved and loaded again.
    """
    image = volumeNode.GetImageData()
    if volumeResult.sha256 is None or image is None or image.GetDimensions()[::-1] != labels.array.shape:
        return labels
    if (yield from identitySteps(volumeNode)) != volumeResult.sha256:
        if volumeResult.isLeftHanded and (yield from reversedIdentitySteps(volumeNode)) == volumeResult.sha256:
            return labels.turned()
        text = _("The voxels of {volume} changed since the run began, so its masks were not loaded.")
        hint = _("Undo the change and choose 'Load masks into the scene' in section 5, Review, or generate again.")
        raise UserError("result_of_other_volume", text.format(volume=volumeNode.GetName()), hint)
    return labels


def _imageSteps(labels: NrrdImage, matrix: np.ndarray) -> Steps[Any]:
    dtype = np.dtype(np.uint8 if labels.array.itemsize == 1 else np.uint16)
    image = newImage(labels.array.shape, (0, 0, 0), matrix, dtype)
    target = imageArray(image)
    for plane, source in zip(target, labels.array, strict=True):
        plane[:] = source
        yield None
    return image


def _contentsSteps(image: Any, classTable: ClassTable) -> Steps[list[MaskContent]]:
    """Make the contents of the segments that the classes become, so that hand work on them is told apart later."""
    array, matrix, contents = imageArray(image), imageMatrix(image), []
    for entry in classTable:
        contents.append((yield from contentSteps(array, (0, 0, 0), matrix, entry.label_value)))
    return contents


def _addSegments(
    segmentationNode: Any, image: Any, classTable: ClassTable, runRecord: RunRecord, volumeId: str
) -> list[str]:
    """Add one segment a class, all on one image of their own; return their ids."""
    segmentation = segmentationNode.GetSegmentation()
    taken = {segmentation.GetNthSegment(index).GetName() for index in range(segmentation.GetNumberOfSegments())}
    ids = []
    for entry in classTable:
        segment = _newSegment(entry, image)
        segment.SetName(_freeName(entry.name, taken))
        for tag, value in ((RUN_TAG, runRecord.runId), (VOLUME_TAG, volumeId)):
            segment.SetTag(tag, value)
        taken.add(segment.GetName())
        ids.append(segmentation.GenerateUniqueSegmentID(f"Segment_{entry.label_value}"))
        segmentation.AddSegment(segment, ids[-1])
    return ids


def _newSegment(entry: SegmentClass, image: Any) -> Any:
    segment = slicer.vtkSegment()
    segment.SetColor(*(part / 255 for part in entry.color))
    segment.SetLabelValue(entry.label_value)
    segment.SetTerminology(entry.terminology or _TISSUE)
    segment.SetTag(STATUS_TAG, IN_PROGRESS)
    segment.SetTag(LABEL_TAG, str(entry.label_value))
    segment.SetTag(CLASS_TAG, entry.name)
    segment.AddRepresentation(BINARY, image)
    return segment


def _freeName(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name} ({number})"
        number += 1
    return free


def _putBeside(scene: Any, volumeNode: Any, node: Any) -> None:
    """Put a node under the study of a volume in the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is None:
        return
    volumeItem, item = hierarchy.GetItemByDataNode(volumeNode), hierarchy.GetItemByDataNode(node)
    if volumeItem and item:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(volumeItem))


def _showIn2d(segmentationNode: Any, segmentIds: Iterable[str], isNew: bool) -> None:
    segmentationNode.CreateDefaultDisplayNodes()
    displayNode = segmentationNode.GetDisplayNode()
    for segmentId in segmentIds:
        displayNode.SetSegmentVisibility(segmentId, True)
    if isNew:
        # Whether the user's own is shown is the user's choice.
        displayNode.SetVisibility(True)
    if isOwn(segmentationNode):
        showWithVolume(segmentationNode)
