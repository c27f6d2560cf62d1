"""Marks: labels that lie at voxels of a volume, a list of them by volume; points and boxes are such kinds.

A voxel is (i, j, k), 0-based, counted along k as the labels of its volume are (`LabelledVolume.numbering`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit
from WeakMedSAMLib.contract.labels.labelled_volume import MAX_SLICES, LabelledVolume
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

Voxel: TypeAlias = tuple[int, int, int]
Mark = TypeVar("Mark", bound="AnyMark")
MOST_MARKS = 100_000  # of a volume; more are a file gone wrong


class AnyMark(Protocol):
    """One mark; a frozen dataclass."""

    @property
    def class_name(self) -> str:
        """The class that it is about."""
        ...

    @property
    def corners(self) -> tuple[Voxel, ...]:
        """The voxels that say where it is: all of it lies between them."""
        ...

    @property
    def shows(self) -> bool:
        """Whether the class is there, so that its slices show it."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        ...

    def turned(self, count: int) -> Any:
        """Return it in a volume whose `count` voxels along k are counted from the other end."""
        ...

    def renamed(self, class_name: str) -> Any:
        """Return the same of another class."""
        ...


class MarkKind(Generic[Mark]):
    """What is the same for all kinds of marks, as a `LabelKind`; they lie in `VolumeLabels.further` as a tuple.

    A kind says `name` (as files have it), `trust`, `word` (one mark, in messages) and how one is read.
    """

    name: ClassVar[str]
    trust: ClassVar[int]
    word: ClassVar[str]

    def mark_from_json(self, data: Any, what: str) -> Mark:
        """Make one mark from plain data; `UserError` ``bad_field``, its message begins with `what`."""
        raise NotImplementedError

    def marks(self, labels: VolumeLabels, class_name: str | None = None) -> tuple[Mark, ...]:
        """Return the marks of a volume, of one class or of all, in the order in which they were made."""
        found: tuple[Mark, ...] = labels.further.get(self.name, ())
        return found if class_name is None else tuple(mark for mark in found if mark.class_name == class_name)

    def put(self, labels: VolumeLabels, marks: Iterable[Mark]) -> None:
        """Give labels these marks in place of what they have, each once; `UserError` ``mark_outside``."""
        kept = tuple(dict.fromkeys(marks))
        for mark in kept:
            self._require_inside(labels, mark)
        others = {name: said for name, said in labels.further.items() if name != self.name}
        labels.further = {**others, self.name: kept} if kept else others

    def class_names(self, labels: VolumeLabels) -> list[str]:
        """Return the classes with marks."""
        return list(dict.fromkeys(mark.class_name for mark in self.marks(labels)))

    def said(self, labels: VolumeLabels) -> dict[str, Any]:
        """Return the marks by class; their order says nothing."""
        return {name: frozenset(self.marks(labels, name)) for name in self.class_names(labels)}

    def states(self, labels: VolumeLabels) -> dict[str, np.ndarray]:
        """Return which slices show a class because a mark lies on them."""
        rows = {}
        for name in self.class_names(labels):
            ranges = [slices_of(mark, labels) for mark in self.marks(labels, name) if mark.shows]
            length = max([labels.n_slices or 0, *(last + 1 for _, last in ranges)])
            rows[name] = np.full(length, UNTAGGED, np.int8)
            for first, last in ranges:
                rows[name][first : last + 1] = PRESENT
        return rows

    def to_json(self, labels: VolumeLabels) -> list[dict[str, Any]]:
        """Return the marks as plain data."""
        return [mark.to_json() for mark in self.marks(labels)]

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Take over marks from plain data; `UserError` ``bad_field``, ``mark_outside``."""
        what = f"{self.name!r} of volume {labels.name!r}"
        require_fit(data, list[Any], what)
        if len(data) > MOST_MARKS:
            raise UserError("bad_field", f"{what}: there are {len(data):,}.", f"There may be {MOST_MARKS:,} at most.")
        self.put(labels, [self.mark_from_json(one, f"{what}, number {at}") for at, one in enumerate(data)])

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterator[Problem]:
        """Say what is wrong with them in a cohort."""
        return iter(())

    def settle(self, labels: VolumeLabels) -> None:
        """Refuse marks that lie outside of the volume; `UserError` ``mark_outside``."""
        for mark in self.marks(labels):
            self._require_inside(labels, mark)

    def turn(self, labels: VolumeLabels) -> None:
        """Count voxels along k from the other end; ValueError if nobody knows how many there are."""
        found = self.marks(labels)
        if not found:
            return
        count = labels.count("k")
        if count is None:
            raise ValueError(f"the size of {labels.name!r} is not settled")
        self.put(labels, [mark.turned(count) for mark in found])

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        found = self.marks(labels)
        self.put(labels, [mark.renamed(names[mark.class_name]) for mark in found if mark.class_name in names])

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over the marks of `below`, before those that are there; returns how many say something else in place."""
        mine = self.marks(labels)
        taken = {(mark.class_name, mark.corners): mark for mark in mine}
        theirs = [mark for mark in self.marks(below) if taken.get((mark.class_name, mark.corners), mark) == mark]
        self.put(labels, [*theirs, *mine])
        return len(self.marks(below)) - len(theirs)

    def _require_inside(self, labels: LabelledVolume, mark: Mark) -> None:
        for voxel in mark.corners:
            for axis, index in zip("ijk", voxel, strict=True):
                count = labels.count(axis)
                last = (MAX_SLICES if count is None else count) - 1
                if not 0 <= index <= last:
                    message = (
                        f"Volume {labels.name!r}: a {self.word} of class {mark.class_name!r} lies at voxel "
                        f"{list(voxel)}, outside of the volume."
                    )
                    hint = f"Voxels along {axis} are 0 to {last}; check that it is the same volume."
                    values = {"name": labels.name, "class": mark.class_name, "voxel": list(voxel), "axis": axis}
                    raise UserError("mark_outside", message, hint, {**values, "last": last, "kind": self.name})


def slices_of(mark: AnyMark, labels: LabelledVolume) -> tuple[int, int]:
    """Return the first and the last slice of the labels' axis on which a mark lies."""
    along = [voxel[labels.axis_index] for voxel in mark.corners]
    return min(along), max(along)


def turned_voxel(voxel: Voxel, count: int) -> Voxel:
    """Return a voxel of a volume whose `count` voxels along k are counted from the other end."""
    return voxel[0], voxel[1], count - 1 - voxel[2]
