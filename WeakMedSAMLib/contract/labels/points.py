"""Points, a kind of label: one voxel that shows a class, or that does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.marks import MarkKind, Voxel, turned_voxel
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels


@dataclass(frozen=True)
class Point:
    """One point.

    Attributes
    ----------
    class_name : str
    voxel : tuple of int
        (i, j, k), 0-based.
    shows : bool
        Whether the class is there; False says that it is not.
    """

    class_name: str
    voxel: Voxel
    shows: bool = True

    @property
    def corners(self) -> tuple[Voxel, ...]:
        """Its voxel."""
        return (self.voxel,)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"class": self.class_name, "voxel": list(self.voxel), "shows": self.shows}

    def turned(self, count: int) -> Point:
        """Return it in a volume whose `count` voxels along k are counted from the other end."""
        return replace(self, voxel=turned_voxel(self.voxel, count))

    def renamed(self, class_name: str) -> Point:
        """Return the same of another class."""
        return replace(self, class_name=class_name)


class PointKind(MarkKind[Point]):
    """Points as a `LabelKind`."""

    name = "points"
    trust = 400
    word = "point"

    def mark_from_json(self, data: Any, what: str) -> Point:
        """Make a point from plain data; ``shows`` may be left out, then it does. `UserError` ``bad_field``."""
        record = {"shows": True, **require_object(data, what, ("class", "voxel", "shows"))}
        for key, hint in (("class", str), ("voxel", Voxel), ("shows", bool)):
            require_fit(record.get(key), hint, f"{key!r} of {what}")
        return Point(record["class"], tuple(record["voxel"]), record["shows"])

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterator[Problem]:
        """Say which voxels are said to show a class and not to show it, or two classes that exclude each other."""
        for volume in volumes:
            yield from self._of_two_classes(classes, volume)
            shown = {(mark.class_name, mark.voxel) for mark in self.marks(volume) if mark.shows}
            for mark in self.marks(volume):
                if not mark.shows and (mark.class_name, mark.voxel) in shown:
                    at = list(mark.voxel)
                    message = f"Points at voxel {at} of {volume.name!r} say that class {mark.class_name!r} is there"
                    values = {"name": volume.name, "class": mark.class_name, "voxel": at}
                    hint = "The later one counts; remove the one that is wrong."
                    yield Problem("warning", "points_contradict", f"{message}, and that it is not.", hint, values)

    def _of_two_classes(self, classes: ClassTable, volume: VolumeLabels) -> Iterator[Problem]:
        at_voxel: dict[Voxel, dict[str, None]] = {}
        for mark in self.marks(volume):
            if mark.shows:
                at_voxel.setdefault(mark.voxel, {})[mark.class_name] = None
        for voxel, names in at_voxel.items():
            for one, other in combinations(names, 2):
                if not classes.may_share(one, other):
                    at = list(voxel)
                    message = f"Points at voxel {at} of {volume.name!r} say that it shows {one!r}, and {other!r}"
                    values = {"name": volume.name, "first": one, "second": other, "voxel": at}
                    hint = "Remove the one that is wrong, or say that pixels of one class may be of any other ('free')."
                    yield Problem(
                        "warning", "point_of_two_classes", f"{message}: these exclude each other.", hint, values
                    )


KIND = PointKind()
