"""Which segments teach: corrections of them are labels of their volume. One a volume and class, copies never.

They are among the masks under review, and named in the parameter node by run and volume as they are seen first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, segmentIdsOf, tagOf
from WeakMedSAMLib.frontend.results.under_review import MasksInScene, UnderReview
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

# The name that the class of a segment has now, if that is another one than in the run.
NOW_TAG = "WeakMedSAM.ClassNow"


@dataclass(frozen=True)
class Teaching:
    """The masks of a volume that teach.

    Attributes
    ----------
    record : RunRecord
    volumeId : str
        Of the volume in that run.
    volumeNode, segmentationNode : MRML node
    segmentIds : mapping of str to str
        Class, as it is called now -> segment.
    wasLast : bool
        Whether the same masks taught last: what was done to others meanwhile is no correction.
    """

    record: RunRecord
    volumeId: str
    volumeNode: Any
    segmentationNode: Any
    segmentIds: Mapping[str, str]
    wasLast: bool = True

    def segment(self, className: str) -> Any:
        """Return the vtkSegment of a class; None if there is none."""
        return self.segmentationNode.GetSegmentation().GetSegment(self.segmentIds.get(className, ""))


def findTeaching(state: ModuleState, classes: ClassTable, volumeNode: Any) -> Teaching | None:
    """Return the masks of a volume that teach, and name them in the scene; None if there are none."""
    masks = UnderReview(state).masks(volumeNode) if volumeNode is not None else None
    if masks is None or not masks.segmentIds or volumeNode.GetImageData() is None:
        return None
    name, named = f"{masks.record.runId}/{masks.volumeId}", state.teaching
    ids = named.get(name) or _firstOfEach(masks)
    wasLast = _lastOf(state, named, volumeNode) in ("", name)
    if not wasLast or name not in named:
        state.teaching = {**{each: known for each, known in named.items() if each != name}, name: ids}
    segmentation = masks.segmentationNode.GetSegmentation()
    segments = {each: segmentation.GetSegment(each) for each in ids if each in masks.segmentIds}
    found = {each: classNow(segment, classes) for each, segment in segments.items()}
    byClass = {className: each for each, className in reversed(found.items()) if className}
    return Teaching(masks.record, masks.volumeId, volumeNode, masks.segmentationNode, byClass, wasLast)


def forgetGone(state: ModuleState, record: RunRecord) -> None:
    """Name the masks of a run anew that were removed and loaded again."""
    named, kept = state.teaching, {}
    for name, ids in named.items():
        runId, _slash, volumeId = name.partition("/")
        node = state.scene.GetNodeByID(record.segmentations.get(volumeId) or "") if runId == record.runId else None
        if node is None or any(node.GetSegmentation().GetSegment(each) is not None for each in ids):
            kept[name] = ids
    if kept != named:
        state.teaching = kept


def classNow(segment: Any, classes: ClassTable) -> str:
    """Return the class of a segment as it is called now, which may be renamed since the run; empty if it is gone.

    Neither number nor colour tells: a class that was removed leaves both to the next one.
    """
    name = tagOf(segment, NOW_TAG) or tagOf(segment, CLASS_TAG)
    return name if name in classes.names else ""


def renameClass(state: ModuleState, old: str, new: str) -> None:
    """Note on all masks of runs that their class has another name now."""
    ids = {each for record in state.runs() for each in record.segmentations.values()}
    for node in filter(None, map(state.scene.GetNodeByID, ids)):
        for segmentId in segmentIdsOf(node):
            segment = node.GetSegmentation().GetSegment(segmentId)
            if old in (tagOf(segment, NOW_TAG), tagOf(segment, CLASS_TAG)) and tagOf(segment, NOW_TAG) in ("", old):
                segment.SetTag(NOW_TAG, new)


def _firstOfEach(masks: MasksInScene) -> list[str]:
    """Return one segment a class: a copy comes after what it is a copy of."""
    found: dict[str, str] = {}
    for segmentId, segment in zip(masks.segmentIds, masks.segments(), strict=True):
        found.setdefault(tagOf(segment, CLASS_TAG), segmentId)
    return list(found.values())


def _lastOf(state: ModuleState, named: dict[str, list[str]], volumeNode: Any) -> str:
    """Return the name of the masks of a volume that taught last; empty if none did."""
    ofVolume = {
        f"{record.runId}/{volumeId}"
        for record in state.runs()
        for volumeId, nodeId in record.volumes.items()
        if nodeId == volumeNode.GetID()
    }
    return next((name for name in reversed(named) if name in ofVolume), "")
