"""Which points and boxes a volume has, and on which slices. Neither Qt nor MRML."""

from __future__ import annotations

from typing import TypeAlias

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

Mark: TypeAlias = Point | Box
# Kinds of marks as one places and sees them.
BOX, POINT, NOT = "box", "point", "not"


def kindOf(mark: Mark) -> str:
    """Return `BOX`, `POINT` or `NOT`."""
    if isinstance(mark, Box):
        return BOX
    return POINT if mark.shows else NOT


def marksOf(labels: VolumeLabels, className: str | None = None) -> tuple[Mark, ...]:
    """Return boxes and points of a volume, of one class or of all."""
    return (*BOXES.marks(labels, className), *POINTS.marks(labels, className))


def marksOn(labels: VolumeLabels, className: str, index: int) -> list[Mark]:
    """Return the marks of a class that lie on a slice."""
    return [mark for mark in marksOf(labels, className) if isOn(mark, labels, index)]


def boxesOn(labels: VolumeLabels, className: str, index: int) -> list[Box]:
    """Return the boxes of a class that lie on a slice."""
    return [box for box in BOXES.marks(labels, className) if isOn(box, labels, index)]


def isOn(mark: Mark, labels: VolumeLabels, index: int) -> bool:
    """Say whether a mark lies on a slice."""
    first, last = slices_of(mark, labels)
    return first <= index <= last


def signsOf(labels: VolumeLabels, className: str) -> dict[int, str]:
    """Return slice -> `BOX`, `POINT` or `NOT` for the slices that hold a mark of a class; a box tells most."""
    found: dict[int, str] = {}
    for mark in marksOf(labels, className):
        first, last = slices_of(mark, labels)
        for index in range(first, last + 1):
            if found.get(index) in (None, NOT):
                found[index] = kindOf(mark)
    return found


def nearestBox(labels: VolumeLabels, className: str, index: int) -> Box | None:
    """Return the box of a class that is nearest to a slice, of those that do not lie on it."""
    others = [box for box in BOXES.marks(labels, className) if not isOn(box, labels, index)]
    return min(others, key=lambda box: _distance(box, labels, index), default=None)


def joinable(labels: VolumeLabels, box: Box) -> Box | None:
    """Return the box that a new one, of one slice, may be the other end of: the nearest one of its class elsewhere.

    None also if a slice between both does not show the class: they are of two things then.
    """
    first, last = slices_of(box, labels)
    other = nearestBox(labels, box.class_name, first) if first == last else None
    if other is None:
        return None
    start, end = slices_of(other, labels)
    between = labels.presence(box.class_name)[min(end, first) + 1 : max(start, last)]
    return None if (between == ABSENT).any() else other


def _distance(box: Box, labels: VolumeLabels, index: int) -> int:
    first, last = slices_of(box, labels)
    return max(first - index, index - last)
