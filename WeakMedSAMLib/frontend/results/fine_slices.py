"""Slices that a reader called fine, and masks that are reviewed: each follows from the other.

They are kept on the segmentation, by run, volume and class name. Slices are counted as in the files of the run, so that
they stay the same ones when Slicer turns a volume; what is read and written here is counted as the volume is now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed, setReviewed
from WeakMedSAMLib.frontend.results.slice_rows import SliceRow, slicesInDoubt

FINE_ATTRIBUTE = "WeakMedSAM.FineSlices"


class _Marks(NamedTuple):
    """What is marked on a segmentation: the attribute, and segment id -> whether it is reviewed."""

    slices: str | None
    reviewed: dict[str, bool]


class MarksChanged:
    """Other marks on the slices and masks of a segmentation.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
        As it is after the change.
    text : str
        What was done.
    before, after : _Marks
    """

    isSmall = True

    def __init__(self, segmentationNode: Any, text: str, before: _Marks, after: _Marks) -> None:
        self.segmentationNode = segmentationNode
        self.serial = 0
        self.text = text
        self._before, self._after = before, after

    def undo(self) -> None:
        """Put the former marks back."""
        _put(self.segmentationNode, self._before)

    def redo(self) -> None:
        """Put the new marks back."""
        _put(self.segmentationNode, self._after)

    def isUntouched(self) -> bool:
        """Say that nothing is lost: no mask is changed."""
        return True


def fineSlices(subject: ReviewSubject) -> dict[str, set[int]]:
    """Return class name -> slices that were called fine, of the volume under review."""
    if subject.segmentationNode is None:
        return {}
    slices = _read(subject.segmentationNode).get(_nameOf(subject), {})
    return {name: _turned(subject, name, found) for name, found in slices.items()}


def markSlice(
    subject: ReviewSubject, rows: Collection[SliceRow], index: int, isFine: bool, history: SegmentHistory
) -> None:
    """Call a slice fine for all classes, or no longer; a mask all of whose slices are, is reviewed. A step to undo.

    Parameters
    ----------
    subject : ReviewSubject
    rows : collection of SliceRow
        What `slice_rows.sliceRows` makes of it.
    index : int
        Of the slice, counted as the volume is now.
    isFine : bool
    history : SegmentHistory
    """
    fine = fineSlices(subject)
    for name in subject.result.classes if subject.result is not None else ():
        fine[name] = fine.get(name, set()) | {index} if isFine else fine.get(name, set()) - {index}
    reviewed = {}
    for segmentId in subject.segmentIds:
        name = subject.className(segmentId)
        inDoubt = slicesInDoubt(rows, name)
        # A mask that is certain here stays as it is.
        if index in inDoubt:
            reviewed[segmentId] = inDoubt <= fine.get(name, set())
    text = _("mark slice {index} as fine") if isFine else _("mark slice {index} as not fine")
    _change(subject, fine, reviewed, text.format(index=index), history)


def markReviewed(
    subject: ReviewSubject, rows: Collection[SliceRow], segmentId: str, isOn: bool, history: SegmentHistory
) -> None:
    """Mark a mask as reviewed, which calls its slices fine, or as not reviewed, which does not. A step to undo."""
    fine, name = fineSlices(subject), subject.className(segmentId)
    inDoubt = slicesInDoubt(rows, name)
    fine[name] = fine.get(name, set()) | inDoubt if isOn else fine.get(name, set()) - inDoubt
    text = _("mark {name} as reviewed") if isOn else _("mark {name} as not reviewed")
    _change(subject, fine, {segmentId: isOn}, text.format(name=name), history)


def _change(
    subject: ReviewSubject,
    fine: Mapping[str, Iterable[int]],
    reviewed: Mapping[str, bool],
    text: str,
    history: SegmentHistory,
) -> None:
    node = subject.segmentationNode
    entries = {name: sorted(_turned(subject, name, slices)) for name, slices in fine.items()}
    slices = {**_read(node), _nameOf(subject): {name: found for name, found in entries.items() if found}}
    before = {each: isReviewed(subject.segment(each)) for each in reviewed}
    marks = _Marks(json.dumps(slices, ensure_ascii=False), dict(reviewed))
    change = MarksChanged(node, text, _Marks(node.GetAttribute(FINE_ATTRIBUTE), before), marks)
    change.redo()
    history.add(change)


def _put(segmentationNode: Any, marks: _Marks) -> None:
    segmentationNode.SetAttribute(FINE_ATTRIBUTE, marks.slices)
    for segmentId, isOn in marks.reviewed.items():
        segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
        if segment is not None and isReviewed(segment) != isOn:
            setReviewed(segment, isOn)


def _nameOf(subject: ReviewSubject) -> str:
    return f"{subject.record.runId}/{subject.volumeId}"


def _turned(subject: ReviewSubject, className: str, slices: Iterable[int]) -> set[int]:
    """Return slices counted as in the files of the run where they were counted as the volume is now; and back."""
    result = subject.result
    if result is None or not result.isTurned or className not in result.classes:
        return set(slices)
    last = len(result.classes[className].slice_confidence) - 1
    return {last - index for index in slices}


def _read(segmentationNode: Any) -> dict[str, dict[str, list[int]]]:
    """Return run and volume -> class name -> slices; what is missing or odd is left out."""
    try:
        data = json.loads(segmentationNode.GetAttribute(FINE_ATTRIBUTE) or "{}")
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: _slices(entry) for name, entry in data.items() if isinstance(entry, dict)}


def _slices(entry: Mapping[str, Any]) -> dict[str, list[int]]:
    lists = {name: found for name, found in entry.items() if isinstance(found, list)}
    return {name: [each for each in found if type(each) is int] for name, found in lists.items()}
