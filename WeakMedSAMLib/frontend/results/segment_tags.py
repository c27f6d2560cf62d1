"""What segments and segmentations say of themselves: of which run, volume and class, at which threshold, reviewed."""

from __future__ import annotations

from typing import Any

import vtk
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError

RUN_TAG = "WeakMedSAM.RunId"
VOLUME_TAG = "WeakMedSAM.VolumeId"
CLASS_TAG = "WeakMedSAM.Class"
LABEL_TAG = "WeakMedSAM.LabelValue"
THRESHOLD_TAG = "WeakMedSAM.Threshold"
STATUS_TAG = "Segmentation.Status"
IN_PROGRESS, REVIEWED = "inprogress", "completed"
# Of segmentations.
OWN_ATTRIBUTE = "WeakMedSAM.Own"
SETTINGS_ATTRIBUTE = "WeakMedSAM.Settings"


def tagOf(segment: Any, tag: str) -> str:
    """Return a tag of a segment, empty if it has none of that name."""
    value = vtk.reference("")
    return str(value) if segment.GetTag(tag, value) else ""


def segmentIdsIn(segmentationNode: Any) -> list[str]:
    """Return the ids of all segments of a segmentation, in its order."""
    segmentation = segmentationNode.GetSegmentation()
    return [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]


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


def thresholdOf(segment: Any) -> float | None:
    """Return the probability (0..1) at which a segment was drawn; None if it is as generated."""
    try:
        return float(tagOf(segment, THRESHOLD_TAG))
    except ValueError:
        return None


def setThreshold(segment: Any, value: float | None) -> None:
    """Note on a segment at which probability it was drawn; None for as generated."""
    if value is None:
        segment.RemoveTag(THRESHOLD_TAG)
    else:
        segment.SetTag(THRESHOLD_TAG, f"{value:.3f}")


def isOwn(segmentationNode: Any) -> bool:
    """Say whether this module made a segmentation, rather than adding to one of the user."""
    if segmentationNode.GetAttribute(OWN_ATTRIBUTE):
        return True
    # Those of earlier versions are not marked; in the user's own, segments of the user come first.
    segmentation = segmentationNode.GetSegmentation()
    first = segmentation.GetNthSegment(0) if segmentation.GetNumberOfSegments() else None
    return first is not None and segmentationNode.GetAttribute(RUN_TAG) is not None and tagOf(first, RUN_TAG) != ""


def requireLabelmaps(segmentationNode: Any) -> None:
    """Raise `UserError` ``segmentation_of_surfaces`` if a segmentation holds surfaces in place of voxels."""
    segmentation = segmentationNode.GetSegmentation()
    if segmentation.GetNumberOfSegments() and not segmentation.IsSourceRepresentationImageData():
        message = _("The segmentation {name} holds surfaces, not voxels.").format(name=segmentationNode.GetName())
        raise UserError("segmentation_of_surfaces", message, _("Choose another segmentation, or a new one."))
