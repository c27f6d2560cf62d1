"""Editing points and boxes: each change is one step of the session's undo. Neither Qt nor MRML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark, boxesOn, marksOf, nearestBox
from WeakMedSAMLib.frontend.labels.marks.mark_words import markInWords
from WeakMedSAMLib.frontend.labels.tag_session import TagSession


class MarkEdits:
    """Points and boxes of the volumes of a session.

    A volume is known by its key, as in `TagSession`; voxels are those of the volume as Slicer holds it, 0-based. All
    raise `UserError` ``unknown_volume``, ``unknown_class`` and ``mark_outside``.

    Parameters
    ----------
    session : TagSession
    """

    def __init__(self, session: TagSession) -> None:
        self._session = session

    def of(self, key: str) -> tuple[Mark, ...]:
        """Return the marks of a volume by kind, those of a kind in the order in which they were made."""
        labels = self._session.volume(key)
        return () if labels is None else marksOf(labels)

    def addPoint(self, key: str, className: str, voxel: Voxel, shows: bool = True) -> Point:
        """Say that the class is at a voxel, or that it is not; what was said of that voxel before is replaced."""
        point = Point(className, _whole(voxel), bool(shows))
        same = replace(point, shows=not point.shows)
        self._put(key, _("new {mark}"), [*self._others(key, point, same), point], point)
        return point

    def addBox(self, key: str, className: str, one: Voxel, other: Voxel, complete: bool = False) -> Box:
        """Say that a piece of the class fits into a box between two voxels, both inside, in any order.

        Parameters
        ----------
        key, className : str
        one, other : tuple of int
            On one slice for a box of that slice.
        complete : bool
            Whether all of the class on these slices is in boxes.
        """
        box = Box.between(className, _whole(one), _whole(other), bool(complete))
        same = replace(box, complete=not box.complete)
        self._put(key, _("new {mark}"), [*self._others(key, box, same), box], box)
        return box

    def removeMark(self, key: str, *marks: Mark) -> None:
        """Remove points and boxes, as one step."""
        text = _("removal of {mark}") if len(marks) == 1 else _("removal of {count} marks")
        about = marks[0] if marks else None
        self._put(key, text.replace("{count}", str(len(marks))), self._others(key, *marks), about)

    def moveMark(self, key: str, old: Mark, new: Mark) -> None:
        """Put a point or a box in the place of another one of its kind."""
        self.change(key, {old: new}, _("move of {mark}"))

    def change(self, key: str, changes: Mapping[Mark, Mark], text: str) -> None:
        """Change marks, as one step; `text` says what is done, and may name the first one: ``{mark}``."""
        marks = [changes.get(mark, mark) for mark in self.of(key)]
        self._put(key, text, marks, next(iter(changes), None))

    def setPoints(self, key: str, className: str, points: Iterable[Point], text: str) -> None:
        """Put points in the place of those of a class; `text` says what is done."""
        kept = [mark for mark in self.of(key) if isinstance(mark, Box) or mark.class_name != className]
        self._put(key, text, [*kept, *points])

    def setComplete(self, key: str, className: str, index: int, isComplete: bool) -> None:
        """Say that all of the class on a slice lies in its boxes there, or that this is not known.

        Raises
        ------
        UserError
            ``no_box`` if there is no box of the class on the slice.
        """
        here = boxesOn(self._require(key), className, index)
        if not here:
            text = _("There is no box of '{name}' on slice {index}.").format(name=className, index=index)
            raise UserError("no_box", text, _("Draw one first: press 'Box'."))
        text = _("'{name}' all boxed on slice {index}") if isComplete else _("'{name}' not all boxed on slice {index}")
        changes: dict[Mark, Mark] = {box: replace(box, complete=bool(isComplete)) for box in here}
        self.change(key, changes, text.format(name=className, index=index))

    def joinBoxes(self, key: str, className: str, index: int) -> Box:
        """Make one box in 3-D of the last box on a slice and the nearest one of the class on another slice.

        Raises
        ------
        UserError
            ``no_box``, ``no_other_box``.
        """
        labels = self._require(key)
        here, other = boxesOn(labels, className, index), nearestBox(labels, className, index)
        if not here or other is None:
            text = _("Two boxes of '{name}' on different slices are needed, one of them on this slice.")
            hint = _("Draw them at its first and its last slice.")
            raise UserError("no_box" if not here else "no_other_box", text.format(name=className), hint)
        return self.joinPair(key, here[-1], other)

    def joinPair(self, key: str, one: Box, other: Box) -> Box:
        """Make one box in 3-D, around both, of two of a class on different slices."""
        first = _whole(map(min, zip(one.first, other.first, strict=True)))
        last = _whole(map(max, zip(one.last, other.last, strict=True)))
        joined = Box(one.class_name, first, last, one.complete and other.complete)
        self._put(key, _("join to {mark}"), [*self._others(key, one, other), joined], joined)
        return joined

    def clear(self, key: str, className: str) -> None:
        """Remove all points and boxes of a class in a volume."""
        self._session.classes.index(className)
        text = _("removal of all marks of '{name}'").format(name=className)
        self._put(key, text, [mark for mark in self.of(key) if mark.class_name != className])

    def _put(self, key: str, text: str, marks: Iterable[Mark], about: Mark | None = None) -> None:
        """Give a volume these marks in place of what it has, as one step that is called by `text`."""
        labels, new = self._require(key), list(marks)
        for mark in new:
            self._session.classes.index(mark.class_name)
        words = text.replace("{mark}", markInWords(about, labels)) if about is not None else text
        self._session.edit(words, key, lambda changed: _give(changed, new))

    def _others(self, key: str, *marks: Mark) -> list[Mark]:
        return [mark for mark in self.of(key) if mark not in marks]

    def _require(self, key: str) -> VolumeLabels:
        labels = self._session.volume(key)
        if labels is None:
            raise UserError("unknown_volume", _("This volume is not ready for tags."), _("Choose it in Volumes first."))
        return labels


def _give(labels: VolumeLabels, marks: list[Mark]) -> None:
    BOXES.put(labels, [mark for mark in marks if isinstance(mark, Box)])
    POINTS.put(labels, [mark for mark in marks if not isinstance(mark, Box)])


def _whole(voxel: Iterable[int]) -> Voxel:
    i, j, k = (int(each) for each in voxel)
    return i, j, k
