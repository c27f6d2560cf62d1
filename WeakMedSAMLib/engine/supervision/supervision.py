"""What labels say of the slices of a volume, whatever kind they are of, and how several kinds become one.

The module of this folder that is called like a kind of label has the function ``supervise(labels, classes)``, which
says what that kind means for learning; it is found by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED, take_first_said
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.supervision.knowledge import SidePrior, classes_that_share, side_priors
from WeakMedSAMLib.engine.supervision.known_pixels import KnownPixels, first_known


@dataclass(frozen=True)
class BoxOnSlices:
    """A box of the class at `column` of the table: a piece of it fits tightly into it.

    Attributes
    ----------
    column : int
    slices, rows, columns : tuple of int
        First and last of each, both inside.
    complete : bool
        Whether there is nothing of the class outside of all its boxes on these slices.
    """

    column: int
    slices: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    complete: bool

    def holds_slice(self, index: int) -> bool:
        """Whether it lies on a slice."""
        return self.slices[0] <= index <= self.slices[1]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.rows[0], self.rows[1] + 1), slice(self.columns[0], self.columns[1] + 1)


@dataclass(frozen=True)
class PointOnSlice:
    """A point of the class at `column`: on slice `index` the pixel at `row` and `across` shows it, or does not."""

    column: int
    index: int
    row: int
    across: int
    shows: bool


@dataclass(frozen=True)
class Supervision:
    """What is known of a volume: S slices, C classes.

    Attributes
    ----------
    presence : numpy.ndarray
        int8 S x C of `PRESENT`, `ABSENT`, `UNTAGGED`: whether the slice shows the class.
    known : KnownPixels
        Slice -> C x rows x columns, uint8: of which pixels it is known whether they show a class.
    boxes : tuple of BoxOnSlices
    points : tuple of PointOnSlice
    sides : tuple of SidePrior
        Of the classes of which it is known in which half of the body they lie.
    """

    presence: np.ndarray
    known: KnownPixels = field(default_factory=KnownPixels)
    boxes: tuple[BoxOnSlices, ...] = ()
    points: tuple[PointOnSlice, ...] = ()
    sides: tuple[SidePrior, ...] = ()

    @property
    def is_said(self) -> bool:
        """Whether anything is known of any class on any slice."""
        return bool((self.presence != UNTAGGED).any())

    def present(self, class_index: int) -> np.ndarray:
        """Indices of the slices that show a class."""
        return np.flatnonzero(self.presence[:, class_index] == PRESENT)


@dataclass(frozen=True)
class Contradiction:
    """Two kinds of label say different things of a class on `slices` (in words); the more trusted kind counts."""

    class_name: str
    trusted: str
    other: str
    slices: str


def supervise(
    labels: VolumeLabels, classes: ClassTable, geometry: Geometry | None = None
) -> tuple[Supervision, list[Contradiction]]:
    """Return what all labels of a settled volume say together, and where they contradict each other.

    What is known of classes joins them where the geometry of the volume is given.

    Raises
    ------
    UserError
        ``unknown_class`` if a class of a label is not in the table.
    """
    modules = {name: import_module(f"{__package__}.{name}") for name in label_kinds()}
    merged, found = merge({name: module.supervise(labels, classes) for name, module in modules.items()}, classes)
    sides = () if geometry is None else side_priors(classes, geometry, labels.axis)
    return replace(merged, sides=sides), found


def merge(by_kind: Mapping[str, Supervision], classes: ClassTable) -> tuple[Supervision, list[Contradiction]]:
    """Make one of the supervision by each kind of label, the most trusted first: it counts where they contradict.

    Parameters
    ----------
    by_kind : mapping
        Name of a kind -> its supervision, all of one volume.
    classes : ClassTable
        Of the columns.
    """
    rows = {name: each.presence for name, each in by_kind.items()}
    presence = take_first_said([*rows.values()], next(iter(rows.values())).shape)
    known = first_known([each.known for each in by_kind.values()], classes_that_share(classes))
    boxes = tuple(box for each in by_kind.values() for box in each.boxes)
    points = tuple(point for each in by_kind.values() for point in each.points)
    return Supervision(presence, known, boxes, points), _contradictions(rows, presence, classes)


def _contradictions(rows: Mapping[str, np.ndarray], presence: np.ndarray, classes: ClassTable) -> list[Contradiction]:
    says = {name: row != UNTAGGED for name, row in rows.items()}
    found, open_ = [], np.ones(presence.shape, bool)
    for trusted, told in says.items():
        counts, open_ = open_ & told, open_ & ~told
        for other, row in rows.items():
            clash = counts & says[other] & (row != presence)
            for column in np.flatnonzero(clash.any(axis=0)):
                slices = spans_in_words(spans_of(clash[:, column].astype(np.int8), 1))
                found.append(Contradiction(classes.names[column], trusted, other, slices))
    return found
