"""What labels say of the slices of a volume, whatever kind they are of, and how several kinds become one.

The module of this folder that is called like a kind of label has the function ``supervise(labels, classes)``, which
says what that kind means for learning; it is found by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED, take_first_said
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
    painted : str
        Hash of all painted labels, for keys of stages that read `known`; empty where there are none.
    sides : tuple of SidePrior
        Of the classes of which it is known in which half of the body they lie.
    bags : tuple of int
        Columns of the classes that are on at least one slice, and no label says on which.
    confirmed : numpy.ndarray, optional
        int8 S x C: what `presence` says of slices where a reader confirmed it, or looked at every pixel; `UNTAGGED`
        elsewhere.
    """

    presence: np.ndarray
    known: KnownPixels = field(default_factory=KnownPixels)
    boxes: tuple[BoxOnSlices, ...] = ()
    points: tuple[PointOnSlice, ...] = ()
    painted: str = ""
    sides: tuple[SidePrior, ...] = ()
    bags: tuple[int, ...] = ()
    confirmed: np.ndarray | None = None

    @property
    def is_said(self) -> bool:
        """Whether it is known of any class on which slices it is or is not, or that it is on some."""
        return bool(self.bags) or bool((self.presence != UNTAGGED).any())

    def present(self, class_index: int) -> np.ndarray:
        """Indices of the slices that show a class."""
        return np.flatnonzero(self.presence[:, class_index] == PRESENT)


def supervise(labels: VolumeLabels, classes: ClassTable, geometry: Geometry | None = None) -> Supervision:
    """Return what all labels of a settled volume say together: the more trusted kind counts.

    What is known of classes joins them where the geometry of the volume is given. Where labels contradict each other
    `contract.labels.contradictions` says.

    Raises
    ------
    UserError
        ``unknown_class`` if a class of a label is not in the table.
    """
    by_kind = [import_module(f"{__package__}.{name}").supervise(labels, classes) for name in label_kinds()]
    # That a class is nowhere else counts least.
    rows = [*(each.presence for each in by_kind), labels.matrix(classes)]
    return Supervision(
        presence=take_first_said(rows, rows[0].shape),
        known=first_known([each.known for each in by_kind], classes_that_share(classes)),
        boxes=tuple(box for each in by_kind for box in each.boxes),
        points=tuple(point for each in by_kind for point in each.points),
        painted="".join(each.painted for each in by_kind),
        sides=() if geometry is None else side_priors(classes, geometry, labels.axis),
        bags=tuple(column for each in by_kind for column in each.bags),
        confirmed=take_first_said([each.confirmed for each in by_kind if each.confirmed is not None], rows[0].shape),
    )
