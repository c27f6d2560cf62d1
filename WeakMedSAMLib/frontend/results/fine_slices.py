"""Slices that a reader called fine, and masks that are reviewed: each follows from the other.

They are kept on the segmentation, by run, volume and class name. Slices are counted as in the files of the run, so that
they stay the same ones when Slicer turns a volume; what is read and written here is counted as the volume is now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.results.review_changes import REVIEW_TAGS, fingerprintOf, isChanged
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import IN_PROGRESS, REVIEWED, isReviewed, tagOf
from WeakMedSAMLib.frontend.results.slice_rows import SliceRow, slicesInDoubt

FINE_ATTRIBUTE = "WeakMedSAM.FineSlices"


class _Marks(NamedTuple):
    """What is marked on a segmentation: the attribute, and segment id -> values of `REVIEW_TAGS`."""

    slices: str | None
    tags: Mapping[str, tuple[str, ...]]


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
    serial = 0

    def __init__(self, segmentationNode: Any, text: str, before: _Marks, after: _Marks) -> None:
        self.segmentationNode = segmentationNode
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
    """Return class name -> slices that are fine, of the volume under review: all those of a reviewed mask."""
    fine = _marked(subject)
    for segmentId in subject.segmentIds:
        segment, name = subject.segment(segmentId), subject.className(segmentId)
        if segment is not None and isReviewed(segment) and subject.result is not None:
            quality = subject.result.classes.get(name)
            fine[name] = fine.get(name, set()) | set(range(len(quality.slice_confidence) if quality else 0))
    return fine


def markSlice(
    subject: ReviewSubject, rows: Collection[SliceRow], index: int, isFine: bool, history: SegmentHistory
) -> None:
    """Call a slice fine for all classes, or no longer. A step to undo.

    A mask all of whose slices are fine is reviewed. So is one without any in doubt once the list is done.

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
    inDoubt = {name: slicesInDoubt(rows, name) for name in (subject.result.classes if subject.result else ())}
    marked, before = _marked(subject), fineSlices(subject)
    changed = _changedClasses(subject)
    fine: dict[str, set[int]] = {}
    for name, slices in inDoubt.items():
        if index in slices and not isFine:
            # The others of a mask that was reviewed as a whole stay fine.
            fine[name] = (marked.get(name, set()) | (before.get(name, set()) & slices)) - {index}
        elif index in slices or name not in changed:
            fine[name] = marked.get(name, set()) | {index} if isFine else marked.get(name, set()) - {index}
    after = {name: before.get(name, set()) | fine.get(name, set()) for name in inDoubt}
    isListDone = isFine and all(row.isFine(after) for row in rows)
    reviewed = {}
    for segmentId in subject.segmentIds:
        segment, name = subject.segment(segmentId), subject.className(segmentId)
        slices = inDoubt.get(name, set())
        if segment is None or (isFine and isReviewed(segment)):
            continue
        if isListDone or (index in slices and (not isFine or slices <= after[name])):
            reviewed[segmentId] = isFine
    text = _("mark slice {index} as fine") if isFine else _("mark slice {index} as not fine")
    _change(subject, fine, reviewed, text.format(index=index), history)


def markReviewed(
    subject: ReviewSubject, rows: Collection[SliceRow], segmentId: str, isOn: bool, history: SegmentHistory
) -> None:
    """Mark a mask as reviewed, whose slices are fine then, or as not reviewed. A step to undo.

    Slices that were called fine one by one stay so, unless that alone would make the mask a reviewed one.
    """
    name = subject.className(segmentId)
    marked = _marked(subject).get(name, set())
    isAll = slicesInDoubt(rows, name) <= marked
    text = _("mark {name} as reviewed") if isOn else _("mark {name} as not reviewed")
    fine = {name: set() if isAll and not isOn else marked}
    _change(subject, fine, {segmentId: isOn}, text.format(name=name), history)


def _marked(subject: ReviewSubject) -> dict[str, set[int]]:
    """Return class name -> slices that were called fine one by one; none of a mask that changed since its review."""
    if subject.segmentationNode is None:
        return {}
    slices, changed = _read(subject.segmentationNode).get(_nameOf(subject), {}), _changedClasses(subject)
    return {name: _turned(subject, name, found) for name, found in slices.items() if name not in changed}


def _changedClasses(subject: ReviewSubject) -> set[str]:
    segments = ((each, subject.segment(each)) for each in subject.segmentIds)
    return {subject.className(each) for each, segment in segments if segment is not None and isChanged(segment)}


def _change(
    subject: ReviewSubject,
    fine: Mapping[str, Iterable[int]],
    reviewed: Mapping[str, bool],
    text: str,
    history: SegmentHistory,
) -> None:
    """Put marks of these classes in place of their former ones, and review these masks or not."""
    node = subject.segmentationNode
    entries = dict(_read(node).get(_nameOf(subject), {}))
    entries |= {name: sorted(_turned(subject, name, slices)) for name, slices in fine.items()}
    slices = {**_read(node), _nameOf(subject): {name: found for name, found in entries.items() if found}}
    before, after = {}, {}
    for segmentId in subject.segmentIds:
        segment = subject.segment(segmentId)
        isOn = reviewed.get(segmentId)
        # With new marks of a mask that changed begins another review of it.
        if segment is None or (isOn is None and not (subject.className(segmentId) in fine and isChanged(segment))):
            continue
        before[segmentId] = tuple(tagOf(segment, tag) for tag in REVIEW_TAGS)
        after[segmentId] = (REVIEWED, fingerprintOf(segment), "") if isOn else (IN_PROGRESS, "", "")
    marks = _Marks(json.dumps(slices, ensure_ascii=False), after)
    change = MarksChanged(node, text, _Marks(node.GetAttribute(FINE_ATTRIBUTE), before), marks)
    change.redo()
    history.add(change)


def _put(segmentationNode: Any, marks: _Marks) -> None:
    segmentationNode.SetAttribute(FINE_ATTRIBUTE, marks.slices)
    for segmentId, values in marks.tags.items():
        segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
        for tag, value in zip(REVIEW_TAGS, values, strict=True) if segment is not None else ():
            if value and tagOf(segment, tag) != value:
                segment.SetTag(tag, value)
            elif not value:
                segment.RemoveTag(tag)


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
