"""Boxes, a kind of label: a piece of a class fits tightly into a box, on one slice or over several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.marks import MarkKind, Voxel, slices_of, turned_voxel
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes
    ----------
    class_name : str
    first, last : tuple of int
        Its lowest and its highest voxel, (i, j, k), both inside. One slice deep along the labels' axis it is a box of
        that slice; else one in 3-D.
    complete : bool
        Whether all of the class on these slices lies in boxes: nothing of it is outside of them.

    Raises
    ------
    UserError
        ``bad_box`` if a side ends before it starts.
    """

    class_name: str
    first: Voxel
    last: Voxel
    complete: bool = False
    shows = True

    def __post_init__(self) -> None:
        if any(low > high for low, high in zip(self.first, self.last, strict=True)):
            message = f"A box of class {self.class_name!r} from {list(self.first)} to {list(self.last)} ends before it "
            hint = "'first' holds the lowest voxel of each axis, 'last' the highest."
            values = {"class": self.class_name, "first": list(self.first), "last": list(self.last)}
            raise UserError("bad_box", f"{message}starts.", hint, values)

    @classmethod
    def between(cls, class_name: str, one: Voxel, other: Voxel, complete: bool = False) -> Box:
        """Return the box with two opposite corners, in any order."""
        i, j, k = zip(one, other, strict=True)
        return cls(class_name, (min(i), min(j), min(k)), (max(i), max(j), max(k)), complete)

    @property
    def corners(self) -> tuple[Voxel, ...]:
        """Its lowest and its highest voxel."""
        return self.first, self.last

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        record = {"class": self.class_name, "first": list(self.first), "last": list(self.last)}
        return {**record, "complete": self.complete}

    def turned(self, count: int) -> Box:
        """Return it in a volume whose `count` voxels along k are counted from the other end."""
        corners = turned_voxel(self.first, count), turned_voxel(self.last, count)
        return Box.between(self.class_name, *corners, self.complete)

    def renamed(self, class_name: str) -> Box:
        """Return the same of another class."""
        return replace(self, class_name=class_name)


class BoxKind(MarkKind[Box]):
    """Boxes as a `LabelKind`."""

    name = "boxes"
    trust = 300
    word = "box"

    def mark_from_json(self, data: Any, what: str) -> Box:
        """Make a box from plain data, not complete if that is left out; `UserError` ``bad_field`` and ``bad_box``."""
        record = {"complete": False, **require_object(data, what, ("class", "first", "last", "complete"))}
        for key, hint in (("class", str), ("first", Voxel), ("last", Voxel), ("complete", bool)):
            require_fit(record.get(key), hint, f"{key!r} of {what}")
        return Box(record["class"], tuple(record["first"]), tuple(record["last"]), record["complete"])

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterator[Problem]:
        """Say which boxes hold all of a class on a slice, by what is said of them or of it, but not a point of it."""
        from WeakMedSAMLib.contract.labels.points import KIND as POINTS

        pieces = {entry.name: entry.known.pieces for entry in classes}
        for volume in volumes:
            for point in POINTS.marks(volume):
                index = point.voxel[volume.axis_index]
                mine = [box for box in self.marks(volume, point.class_name) if _meets(box, volume, index)]
                is_one = pieces.get(point.class_name) == "one"
                closed = any(box.complete or is_one for box in mine) and point.shows
                if closed and not any(_holds(box, point.voxel) for box in mine):
                    at = list(point.voxel)
                    message = (
                        f"A point of class {point.class_name!r} at voxel {at} of {volume.name!r} lies outside of the "
                        f"boxes that are said to hold all of it on slice {index}."
                    )
                    values = {"name": volume.name, "class": point.class_name, "voxel": at, "slice": index}
                    hint = "The point counts; remove it, or add a box around what it shows."
                    yield Problem("warning", "point_outside_boxes", message, hint, values)


def _meets(box: Box, volume: VolumeLabels, index: int) -> bool:
    first, last = slices_of(box, volume)
    return first <= index <= last


def _holds(box: Box, voxel: Voxel) -> bool:
    return all(low <= at <= high for low, at, high in zip(box.first, voxel, box.last, strict=True))


KIND = BoxKind()
