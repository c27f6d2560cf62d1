"""Slices that a reader called fine, and masks that are reviewed: each follows from the other.

They are labels of the volume, of the kind ``painted``. Marks of masks that do not teach, and those of earlier versions,
are kept on the segmentation, by run, volume and class name; slices are counted as in the files of the run there, so
that they stay the same ones when Slicer turns a volume. What is read and written here is counted as the volume is now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.frontend.results.correction_edits import DRAWN, FINE
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.review_changes import REVIEW_TAGS, fingerprintOf, isChanged
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import IN_PROGRESS, REVIEWED, isReviewed, tagOf
from WeakMedSAMLib.frontend.results.slice_rows import SliceRow, slicesInDoubt

FINE_ATTRIBUTE = "WeakMedSAM.FineSlices"
# What was called fine one by one before the mask was reviewed as a whole.
BEFORE_TAG = "WeakMedSAM.FineBefore"
_TAGS = (*REVIEW_TAGS, BEFORE_TAG)


class _Marks(NamedTuple):
    """What is marked on a segmentation: the attribute, and segment id -> values of `_TAGS`."""

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


def fineSlices(subject: ReviewSubject, corrections: Corrections | None = None) -> dict[str, set[int]]:
    """Return class name -> slices that need no look any more: fine or drawn, and all those of a reviewed mask."""
    fine = _marked(subject, corrections)
    for segmentId in subject.segmentIds:
        segment, name = subject.segment(segmentId), subject.className(segmentId)
        if segment is not None and isReviewed(segment) and subject.result is not None:
            fine[name] = fine.get(name, set()) | set(range(_countOf(subject, name)))
    return fine


def markSlice(
    subject: ReviewSubject,
    rows: Collection[SliceRow],
    index: int,
    isFine: bool,
    history: SegmentHistory,
    corrections: Corrections | None = None,
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
    corrections : Corrections, optional
        Keeps it as labels where the masks teach.
    """
    inDoubt = {name: slicesInDoubt(rows, name) for name in (subject.result.classes if subject.result else ())}
    marked, before = _marked(subject, corrections), fineSlices(subject, corrections)
    changed = _changedClasses(subject, corrections)
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
    _change(subject, _Wanted(fine, reviewed), text.format(index=index), history, corrections)


def markReviewed(
    subject: ReviewSubject,
    rows: Collection[SliceRow],
    segmentId: str,
    isOn: bool,
    history: SegmentHistory,
    corrections: Corrections | None = None,
) -> None:
    """Mark a mask as reviewed, whose slices are fine then, or as not reviewed. A step to undo.

    Slices that were called fine one by one stay so, unless that alone would make the mask a reviewed one. What was
    corrected stays in either case.
    """
    name, segment = subject.className(segmentId), subject.segment(segmentId)
    marked = _marked(subject, corrections).get(name, set())
    isLabel = corrections is not None and corrections.teaches(subject.segmentationNode, segmentId) != ""
    if isOn:
        fine = set(range(_countOf(subject, name))) if isLabel else marked
        before = slices_in_words(_turned(subject, name, marked)) if isLabel else ""
    else:
        noted = tagOf(segment, BEFORE_TAG) if isLabel else ""
        kept = _turned(subject, name, _slicesIn(noted)) if noted else marked
        fine, before = set() if slicesInDoubt(rows, name) <= kept else kept, ""
    text = _("mark {name} as reviewed") if isOn else _("mark {name} as not reviewed")
    _change(subject, _Wanted({name: fine}, {segmentId: isOn}, before), text.format(name=name), history, corrections)


class _Wanted(NamedTuple):
    """Marks to be made: class -> slices that are fine one by one, segment -> whether it is reviewed, `BEFORE_TAG`."""

    fine: Mapping[str, set[int]]
    reviewed: Mapping[str, bool]
    before: str = ""


def _marked(subject: ReviewSubject, corrections: Corrections | None = None) -> dict[str, set[int]]:
    """Return class name -> slices that were called fine one by one; none of a mask that changed since its review."""
    if subject.segmentationNode is None:
        return {}
    changed = _changedClasses(subject, corrections)
    slices = _read(subject.segmentationNode).get(_nameOf(subject), {})
    found = {name: _turned(subject, name, each) for name, each in slices.items() if name not in changed}
    for name, className in taughtClasses(subject, corrections).items():
        states = corrections.states(className) if corrections is not None else {}
        found[name] = found.get(name, set()) | {at for at, state in states.items() if state in (FINE, DRAWN)}
    return found


def taughtClasses(subject: ReviewSubject, corrections: Corrections | None) -> dict[str, str]:
    """Return class of the run -> as it is called now, of the masks that teach."""
    result = subject.result
    # Labels that were made anew along another axis are of other slices than those of the run.
    if corrections is None or subject.segmentationNode is None or (result and result.axis != corrections.axis):
        return {}
    taught = {each: corrections.teaches(subject.segmentationNode, each) for each in subject.segmentIds}
    return {subject.className(each): className for each, className in taught.items() if className}


def _countOf(subject: ReviewSubject, name: str) -> int:
    quality = subject.result.classes.get(name) if subject.result is not None else None
    return len(quality.slice_confidence) if quality is not None else 0


def _changedClasses(subject: ReviewSubject, corrections: Corrections | None = None) -> set[str]:
    segments = ((each, subject.segment(each)) for each in subject.segmentIds)
    found = {subject.className(each) for each, segment in segments if segment is not None and isChanged(segment)}
    # Of those that teach it is known slice by slice.
    return found - set(taughtClasses(subject, corrections))


def _change(
    subject: ReviewSubject, wanted: _Wanted, text: str, history: SegmentHistory, corrections: Corrections | None
) -> None:
    """Put marks of these classes in place of their former ones, and review these masks or not."""
    node, taught = subject.segmentationNode, taughtClasses(subject, corrections)
    before = _marked(subject, corrections)
    onNode = {name: slices if name not in taught else set() for name, slices in wanted.fine.items()}
    entries = dict(_read(node).get(_nameOf(subject), {}))
    entries |= {name: sorted(_turned(subject, name, slices)) for name, slices in onNode.items()}
    slices = {**_read(node), _nameOf(subject): {name: found for name, found in entries.items() if found}}
    tagsBefore, tagsAfter = _tagsOf(subject, wanted)
    marks = _Marks(json.dumps(slices, ensure_ascii=False), tagsAfter)
    change = MarksChanged(node, text, _Marks(node.GetAttribute(FINE_ATTRIBUTE), tagsBefore), marks)
    if corrections is None or not any(name in taught for name in wanted.fine):
        change.redo()
        history.add(change)
        return
    labels = {name: each for name, each in wanted.fine.items() if name in taught}
    fine = {taught[name]: each - before.get(name, set()) for name, each in labels.items()}
    # Marks of an earlier version become labels with the first that is made here.
    fine = {name: each | _onlyOnNode(subject, name, corrections) for name, each in fine.items()}
    notFine = {taught[name]: before.get(name, set()) - each for name, each in labels.items()}
    fine = {name: each - notFine[name] for name, each in fine.items()}
    corrections.mark(fine, notFine, text, [lambda forward: change.redo() if forward else change.undo()])
    history.changed()


def _tagsOf(subject: ReviewSubject, wanted: _Wanted) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return segment -> values of `_TAGS`, as they are and as they are wanted, of those that change."""
    before: dict[str, tuple[str, ...]] = {}
    after: dict[str, tuple[str, ...]] = {}
    for segmentId in subject.segmentIds:
        segment = subject.segment(segmentId)
        isOn = wanted.reviewed.get(segmentId)
        # With new marks of a mask that changed begins another review of it.
        isAnew = segment is not None and subject.className(segmentId) in wanted.fine and isChanged(segment)
        if segment is None or (isOn is None and not isAnew):
            continue
        before[segmentId] = tuple(tagOf(segment, tag) for tag in _TAGS)
        after[segmentId] = (REVIEWED, fingerprintOf(segment), "", wanted.before) if isOn else (IN_PROGRESS, "", "", "")
    return before, after


def _onlyOnNode(subject: ReviewSubject, className: str, corrections: Corrections) -> set[int]:
    taught = {now: name for name, now in taughtClasses(subject, corrections).items()}
    name = taught.get(className, "")
    return _turned(subject, name, _read(subject.segmentationNode).get(_nameOf(subject), {}).get(name, ()))


def _put(segmentationNode: Any, marks: _Marks) -> None:
    segmentationNode.SetAttribute(FINE_ATTRIBUTE, marks.slices)
    for segmentId, values in marks.tags.items():
        segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
        for tag, value in zip(_TAGS, values, strict=True) if segment is not None else ():
            if value and tagOf(segment, tag) != value:
                segment.SetTag(tag, value)
            elif not value:
                segment.RemoveTag(tag)


def _slicesIn(text: str) -> list[int]:
    """Return the slices that `spans_in_words` wrote; none where it did not."""
    try:
        spans = [[int(number) for number in part.split("-")] for part in text.split(",")]
    except ValueError:
        return []
    return [index for span in spans for index in range(span[0], span[-1] + 1)]


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
