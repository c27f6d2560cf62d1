"""Segments made out of label maps, one a class, with what the class table says of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.frontend.results.segment_images import BINARY
from WeakMedSAMLib.frontend.results.segment_tags import (
    CLASS_TAG,
    IN_PROGRESS,
    LABEL_TAG,
    OWN_ATTRIBUTE,
    RUN_TAG,
    SETTINGS_ATTRIBUTE,
    STATUS_TAG,
    VOLUME_TAG,
    isOwn,
)
from WeakMedSAMLib.frontend.results.segment_views import showWithVolume
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

# What Slicer itself gives to a segment that nobody described.
_TISSUE = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)


def newSegmentation(scene: Any, volumeNode: Any) -> Any:
    """Add an empty segmentation for a volume: its geometry, its parent transform, beside it in the hierarchy."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetName(scene.GenerateUniqueName(_("{volume} masks").format(volume=volumeNode.GetName())))
    node.SetAttribute(OWN_ATTRIBUTE, "yes")
    node.CreateDefaultDisplayNodes()
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    _putBeside(scene, volumeNode, node)
    # At once, not when the masks are complete: they would lie over every volume until then.
    showWithVolume(node)
    return node


def addSegments(
    segmentationNode: Any, images: Sequence[Any], classTable: ClassTable, runRecord: RunRecord, volumeId: str
) -> list[str]:
    """Add one segment a class, each on its image, which classes of one layer have in common; return their ids."""
    segmentation = segmentationNode.GetSegmentation()
    taken = {segmentation.GetNthSegment(index).GetName() for index in range(segmentation.GetNumberOfSegments())}
    ids = []
    for entry, image in zip(classTable, images, strict=True):
        segment = _newSegment(entry, image)
        segment.SetName(_freeName(entry.name, taken))
        for tag, value in ((RUN_TAG, runRecord.runId), (VOLUME_TAG, volumeId)):
            segment.SetTag(tag, value)
        taken.add(segment.GetName())
        ids.append(segmentation.GenerateUniqueSegmentID(f"Segment_{entry.label_value}"))
        segmentation.AddSegment(segment, ids[-1])
    return ids


def noteRun(segmentationNode: Any, record: RunRecord) -> None:
    """Note on a segmentation from which run it got masks last, and with which settings."""
    settings = {"run": record.runId, "preset": record.preset, "device": record.device, **record.settings}
    segmentationNode.SetAttribute(RUN_TAG, record.runId)
    segmentationNode.SetAttribute(SETTINGS_ATTRIBUTE, json.dumps(settings, default=str))


def showSegments(segmentationNode: Any, segmentIds: Iterable[str], isNew: bool) -> None:
    """Show segments that were just added, where their volume is shown."""
    segmentationNode.CreateDefaultDisplayNodes()
    displayNode = segmentationNode.GetDisplayNode()
    for segmentId in segmentIds:
        displayNode.SetSegmentVisibility(segmentId, True)
    if isNew:
        # Whether the user's own is shown is the user's choice.
        displayNode.SetVisibility(True)
    if isOwn(segmentationNode):
        showWithVolume(segmentationNode)


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
